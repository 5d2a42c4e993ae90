/*
 * upload_courier: the only process that speaks to the network. It is made before keys are read, has
 * a user of its own, opens no file but what name look-ups and the system's authorities need, can
 * run nothing, and knows only what it is handed: bytes to put, an address to get, a time to ask.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "cli/confine.h"

struct xp_courier;

struct xp_courier_config {
	const char *ca; /* PEM bytes; NULL: the system's store */
	size_t ca_len;
	const char *header; /* one header line; NULL: none */
};

/*
 * Makes the process. To be called before threads and secrets are there. CONFINED (may be NULL)
 * tells how far it is shut in; as root without a kernel that can, XP_E_UNSUPPORTED.
 */
MUST_USE enum xp_rc xp_courier_start(struct xp_courier **out,
				     const struct xp_courier_config *config, struct xp_err *err);
/* Ends the process; what it was doing is broken off. */
void xp_courier_free(struct xp_courier **c);
int xp_courier_pid(const struct xp_courier *c);

/*
 * Puts BYTES at URL, gets them again, and compares: XP_OK only where the server gives back the same
 * bytes. Several threads may call; they take turns. XP_E_IO, XP_E_TIMEOUT: may do better later.
 * XP_E_REFUSED: not that server. XP_E_MALFORMED: what came back is something else.
 */
MUST_USE enum xp_rc xp_courier_put(struct xp_courier *c, const char *url, const void *bytes,
				   size_t len, unsigned timeout_ms, struct xp_err *err);
/* The bytes at URL, at most MAX. */
MUST_USE enum xp_rc xp_courier_get(struct xp_courier *c, struct xp_buf *out, const char *url,
				   size_t max, unsigned timeout_ms, struct xp_err *err);
/*
 * Asks the time server HOST ("name", "name:port") once: *OFFSET_MS is to be added to this host's
 * clock. XP_E_MALFORMED: its answer makes no sense.
 */
MUST_USE enum xp_rc xp_courier_time(struct xp_courier *c, int64_t *offset_ms, const char *host,
				    unsigned timeout_ms, struct xp_err *err);
