/*
 * boot_run: what `run` is told by a run without a person: the command line that a person would have
 * typed, so that there is one way to erase and no second one.
 */
#pragma once
#include "cli/boot_config.h"
#include "cli/options.h"

struct xp_boot_run {
	char **argv; /* NULL-terminated */
	int argc;
	int expect_fd, fields_fd; /* the bytes that were checked, and no file that may change */
};

/* EXPECT: the bytes of the list. OWN: further options as they were given, "--state", "DIR", ... */
MUST_USE enum xp_rc xp_boot_run_compose(struct xp_boot_run *out, const struct xp_boot_config *c,
					const char *expect, size_t expect_len,
					const char *const *own, struct xp_err *err);
void xp_boot_run_free(struct xp_boot_run *r);
