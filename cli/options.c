#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/output.h"

#define HELP_COLUMN 30

static size_t table_len(const struct xp_option *table)
{
	size_t n = 0;

	while (table[n].name)
		n++;
	return n;
}

static enum xp_rc append(const char ***list, unsigned *n, const char *value, struct xp_err *err)
{
	const char **p = reallocarray(*list, *n + 2u, sizeof(*p));

	if (!p)
		return xp_fail(err, XP_E_NOMEM, "command line");
	p[(*n)++] = value;
	p[*n] = NULL;
	*list = p;
	return XP_OK;
}

static enum xp_rc take_option(struct xp_args *a, const char *text, const char *next, int *used,
			      struct xp_err *err)
{
	const char *eq = strchr(text, '=');
	size_t len = eq ? (size_t)(eq - text) : strlen(text);
	size_t n = table_len(a->table);
	size_t i = 0;

	while (i < n && (strlen(a->table[i].name) != len || memcmp(a->table[i].name, text, len)))
		i++;
	if (i == n)
		return xp_fail(err, XP_E_USAGE, "unknown option --%.*s", (int)len, text);
	*used = 1;
	if (a->table[i].kind == XP_OPT_FLAG) {
		if (eq)
			return xp_fail(err, XP_E_USAGE, "--%s takes no argument", a->table[i].name);
		a->counts[i] = 1;
		return XP_OK;
	}
	if (a->table[i].kind == XP_OPT_STRING && a->counts[i])
		return xp_fail(err, XP_E_USAGE, "--%s was given twice", a->table[i].name);
	if (!eq) {
		if (!next)
			return xp_fail(err, XP_E_USAGE, "--%s needs %s", a->table[i].name,
				       a->table[i].arg);
		*used = 2;
	}
	return append(&a->values[i], &a->counts[i], eq ? eq + 1 : next, err);
}

enum xp_rc xp_args_parse(struct xp_args *out, const struct xp_option *table, int argc, char **argv,
			 struct xp_err *err)
{
	bool options_over = false;
	int i = 0;

	*out = (struct xp_args){.table = table};
	if (table_len(table) > XP_OPTIONS_MAX)
		abort();
	while (i < argc) {
		int used = 1;

		if (options_over || argv[i][0] != '-' || argv[i][1] == 0)
			TRY(append(&out->operands, &out->operands_n, argv[i], err));
		else if (strcmp(argv[i], "--") == 0)
			options_over = true;
		else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			out->help = true;
		else if (strcmp(argv[i], "--version") == 0)
			out->version = true;
		else if (argv[i][1] != '-')
			return xp_fail(err, XP_E_USAGE, "unknown option %s", argv[i]);
		else
			TRY(take_option(out, argv[i] + 2, i + 1 < argc ? argv[i + 1] : NULL, &used,
					err));
		i += used;
	}
	return XP_OK;
}

void xp_args_free(struct xp_args *a)
{
	for (size_t i = 0; i < XP_OPTIONS_MAX; i++)
		free(a->values[i]);
	free(a->operands);
	*a = (struct xp_args){0};
}

static size_t find(const struct xp_args *a, const char *name, enum xp_option_kind kind)
{
	for (size_t i = 0; a->table[i].name; i++)
		if (strcmp(a->table[i].name, name) == 0 && a->table[i].kind == kind)
			return i;
	fprintf(stderr, "internal error: option %s is in no table\n", name);
	abort();
}

bool xp_args_flag(const struct xp_args *a, const char *name)
{
	return a->counts[find(a, name, XP_OPT_FLAG)] != 0;
}

const char *xp_args_string(const struct xp_args *a, const char *name)
{
	size_t i = find(a, name, XP_OPT_STRING);

	return a->counts[i] ? a->values[i][0] : NULL;
}

const char *const *xp_args_list(const struct xp_args *a, const char *name)
{
	static const char *const none[] = {NULL};
	size_t i = find(a, name, XP_OPT_LIST);

	return a->counts[i] ? (const char *const *)a->values[i] : none;
}

enum xp_rc xp_args_number(uint64_t *out, const struct xp_args *a, const char *name,
			  uint64_t if_absent, uint64_t max, struct xp_err *err)
{
	const char *s = xp_args_string(a, name);

	*out = if_absent;
	if (!s)
		return XP_OK;
	*out = 0;
	if (!*s)
		return xp_fail(err, XP_E_USAGE, "--%s needs a number", name);
	for (const char *p = s; *p; p++) {
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(*out, (uint64_t)10, out) ||
		    __builtin_add_overflow(*out, (uint64_t)(*p - '0'), out) || *out > max)
			return xp_fail(err, XP_E_USAGE, "--%s %s: not a number from 0 to %llu",
				       name, s, (unsigned long long)max);
	}
	return XP_OK;
}

void xp_options_print(FILE *f, const struct xp_option *table)
{
	for (size_t i = 0; table[i].name; i++) {
		int n = fprintf(f, "  --%s%s%s", table[i].name, table[i].arg ? " " : "",
				table[i].arg ? table[i].arg : "");

		fprintf(f, "%*s", n < HELP_COLUMN ? HELP_COLUMN - n : 1, "");
		xp_print_wrapped(f, HELP_COLUMN, table[i].help);
	}
	fprintf(f, "  %-*sthis text\n", HELP_COLUMN - 2, "--help");
}
