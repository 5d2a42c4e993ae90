#include "cli/commands.h"

#include <string.h>

#include "base/about.h"
#include "base/cleanup.h"
#include "cli/output.h"

static void print_summary(FILE *f, const struct xp_command *c)
{
	fprintf(f, "  %-18s ", c->name);
	xp_print_wrapped(f, 21, c->summary);
}

static void print_commands(FILE *f, const char *program, const char *about,
			   const struct xp_command *const *commands)
{
	fprintf(f, "%s %s: %s\n\nUsage: %s COMMAND [OPTION]...\n\n", program, XP_ABOUT_VERSION,
		about, program);
	for (; *commands; commands++)
		print_summary(f, *commands);
	fprintf(f, "\n%s COMMAND --help tells more of one; %s --version the version.\n", program,
		program);
}

static void print_command(FILE *f, const char *program, const struct xp_command *c)
{
	fprintf(f, "Usage: %s %s%s%s [OPTION]...\n\n%s\n\n", program, c->name,
		*c->operands ? " " : "", c->operands, c->summary);
	if (c->details)
		fprintf(f, "%s\n\n", c->details);
	xp_options_print(f, c->options);
}

/* Does ARGV begin with the words of NAME? Returns how many words, or 0. */
static int matches(const char *name, int argc, char **argv)
{
	const char *space = strchr(name, ' ');
	size_t len = space ? (size_t)(space - name) : strlen(name);

	if (argc < 1 || strlen(argv[0]) != len || memcmp(argv[0], name, len) != 0)
		return 0;
	if (!space)
		return 1;
	return argc >= 2 && strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

/* "keys" alone: the commands of two words that begin with it. Returns how many there are. */
static unsigned print_group(FILE *f, const char *program, const char *word,
			    const struct xp_command *const *commands)
{
	size_t len = strlen(word);
	unsigned n = 0;

	for (; *commands; commands++) {
		if (strncmp((*commands)->name, word, len) != 0 || (*commands)->name[len] != ' ')
			continue;
		if (n++ == 0)
			fprintf(f, "Usage: %s %s COMMAND [OPTION]...\n\n", program, word);
		print_summary(f, *commands);
	}
	return n;
}

static int run_command(const char *program, const struct xp_command *c, int argc, char **argv)
{
	AUTO(xp_args_free) struct xp_args args = {0};
	struct xp_err err;

	if (xp_args_parse(&args, c->options, argc, argv, &err) != XP_OK) {
		xp_say_error(&err);
		fprintf(stderr, "Try: %s %s --help\n", program, c->name);
		return xp_rc_exit_code(err.rc);
	}
	if (args.help) {
		print_command(stdout, program, c);
		return 0;
	}
	if (args.version) {
		printf("%s %s\n", program, XP_ABOUT_VERSION);
		return 0;
	}
	if (args.operands_n < c->operands_min || args.operands_n > c->operands_max) {
		xp_say("%s: %s", c->name,
		       args.operands_n < c->operands_min ? "an operand is missing"
							 : "too many operands");
		fprintf(stderr, "Usage: %s %s%s%s [OPTION]...\n", program, c->name,
			*c->operands ? " " : "", c->operands);
		return xp_rc_exit_code(XP_E_USAGE);
	}
	return c->run(&args);
}

int xp_commands_main(const char *program, const char *about,
		     const struct xp_command *const *commands, int argc, char **argv)
{
	xp_output_init(program);
	if (argc < 2) {
		print_commands(stderr, program, about, commands);
		return xp_rc_exit_code(XP_E_USAGE);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_commands(stdout, program, about, commands);
		return xp_output_finish(0);
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("%s %s\n", program, XP_ABOUT_VERSION);
		return xp_output_finish(0);
	}
	for (const struct xp_command *const *c = commands; *c; c++) {
		int words = matches((*c)->name, argc - 1, argv + 1);

		if (words)
			return xp_output_finish(
				run_command(program, *c, argc - 1 - words, argv + 1 + words));
	}
	if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0)) {
		if (print_group(stdout, program, argv[1], commands))
			return xp_output_finish(0);
	} else if (print_group(stderr, program, argv[1], commands)) {
		return xp_rc_exit_code(XP_E_USAGE);
	}
	xp_say("unknown command %s; %s --help lists them", argv[1], program);
	return xp_rc_exit_code(XP_E_USAGE);
}
