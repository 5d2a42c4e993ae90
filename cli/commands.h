/* commands: one table a program; the same dispatch, help and error text for both programs. */
#pragma once
#include "cli/options.h"

struct xp_command {
	const char *name;     /* "run", or two words: "keys setup" */
	const char *operands; /* as the synopsis shows them: "TARGET..."; "" for none */
	const char *summary;  /* one line */
	const char *details;  /* further text of --help, or NULL */
	const struct xp_option *options;
	unsigned operands_min, operands_max;	/* max 0: none allowed; ~0u: any number */
	int (*run)(const struct xp_args *args); /* returns the exit code */
};

/* Parses, dispatches, returns the exit code. COMMANDS is NULL-terminated. */
int xp_commands_main(const char *program, const char *about,
		     const struct xp_command *const *commands, int argc, char **argv);
