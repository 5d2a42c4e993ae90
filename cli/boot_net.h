/*
 * boot_net: what a run without a person asks of the network, through the courier: the list, the
 * time, and at the end whether the server holds everything.
 */
#pragma once
#include "cli/boot_config.h"
#include "cli/boot_console.h"
#include "cli/clock_set.h"
#include "cli/upload_courier.h"

/* The courier that believes CA (a PEM file; empty: the system's store). */
MUST_USE enum xp_rc xp_boot_courier(struct xp_courier **out, const char *ca, struct xp_err *err);

/* The bytes at an https address, at most MAX; a few tries. */
MUST_USE enum xp_rc xp_boot_fetch(struct xp_buf *out, struct xp_courier *c, const char *url,
				  size_t max, struct xp_err *err);

/* Asks C for the time at HOST and sets the clock by it; *STEP_MS says how far it was off. */
MUST_USE enum xp_rc xp_boot_ntp(int64_t *step_ms, struct xp_courier *c, const char *host,
				const struct xp_clock_setter *setter, struct xp_err *err);

/*
 * Sends what the server does not hold yet of the state folder STATE (NULL: the default), again and
 * again until it holds all. XP_E_CANCELLED: a key was pressed before. Says how it stands.
 */
MUST_USE enum xp_rc xp_boot_drain(const struct xp_boot_upload *upload, const char *state,
				  struct xp_consoles *consoles, struct xp_err *err);
