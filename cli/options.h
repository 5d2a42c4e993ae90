/* options: GNU long options by table; help text comes from the same table. */
#pragma once
#include "base/err.h"

#include <stdio.h>

enum xp_option_kind {
	XP_OPT_FLAG,
	XP_OPT_STRING, /* once; a second one is a usage error */
	XP_OPT_LIST,   /* may come again */
};

struct xp_option {
	const char *name; /* without the dashes; NULL ends the table */
	enum xp_option_kind kind;
	const char *arg; /* name of the argument in the help; NULL for a flag */
	const char *help;
};

#define XP_OPTIONS_MAX 48

/* The parsed command line of one command. */
struct xp_args {
	const struct xp_option *table;
	const char *
		*values[XP_OPTIONS_MAX]; /* NULL-terminated list an option, in the table's order */
	unsigned counts[XP_OPTIONS_MAX];
	const char **operands; /* NULL-terminated */
	unsigned operands_n;
	bool help;
	bool version;
};

/* Parses ARGV[0..ARGC). "--" ends the options. Errors: XP_E_USAGE with the text for the user. */
MUST_USE enum xp_rc xp_args_parse(struct xp_args *out, const struct xp_option *table, int argc,
				  char **argv, struct xp_err *err);
void xp_args_free(struct xp_args *a);

/* NAME must stand in the table, with the right kind; otherwise it is our bug (abort). */
bool xp_args_flag(const struct xp_args *a, const char *name);
/* NULL: not given. */
const char *xp_args_string(const struct xp_args *a, const char *name);
/* NULL-terminated, never NULL. */
const char *const *xp_args_list(const struct xp_args *a, const char *name);

/* An unsigned decimal number that fits; XP_E_USAGE otherwise. */
MUST_USE enum xp_rc xp_args_number(uint64_t *out, const struct xp_args *a, const char *name,
				   uint64_t if_absent, uint64_t max, struct xp_err *err);

/* The table, for people. */
void xp_options_print(FILE *f, const struct xp_option *table);
