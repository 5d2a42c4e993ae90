/*
 * upload: what stands in the state folder is put on a server, and counts as kept there once the
 * server gives back the same bytes. A sink beside the boxes of a stick (base/durable.h); keys never
 * go up. docs/upload.md tells the protocol.
 */
#pragma once
#include "base/durable.h"
#include "cli/upload_courier.h"

#define XP_UPLOAD_LIST_NAME "upload.list" /* what the server holds: "SHA256 PATH" a line */

struct xp_upload;

struct xp_upload_config {
	const char *url;
	const char *ca;		 /* PEM file, or "system" */
	const char *header_file; /* NULL: none */
	unsigned timeout_ms;	 /* of one request; 0: the default */
};

/*
 * Reads what it is told by the configuration and makes the courier. To be called before keys are
 * read and threads are made. XP_E_USAGE: an address or a file that cannot be used.
 */
MUST_USE enum xp_rc xp_upload_start(struct xp_upload **out, const struct xp_upload_config *config,
				    struct xp_err *err);
/* Tells the courier to end; what is not confirmed is found again from the state folder. */
void xp_upload_free(struct xp_upload **u);
struct xp_courier *xp_upload_courier(struct xp_upload *u);

/* For xp_state.durable. Until xp_upload_attach it only remembers. */
const struct xp_durable *xp_upload_durable(struct xp_upload *u);

struct xp_upload_place {
	int state_fd;
	const char *origin; /* of the log: the folder on the server */
	/*
	 * Nobody else keeps it (the state folder is memory): the first line of a journal and the
	 * one that a password is about to be set must be up before they are done.
	 */
	bool must_wait;
	const struct xp_durable *keeper; /* who keeps the list of what is up; NULL: nobody */
	bool tells; /* a server that fails is told once, by a warning, and again when it is back */
};
/*
 * From now on files go up, by a thread: first those of earlier runs that are not confirmed. The
 * descriptor must stay open.
 */
MUST_USE enum xp_rc xp_upload_attach(struct xp_upload *u, const struct xp_upload_place *place,
				     struct xp_err *err);
/* Puts a few random bytes up and gets them again: would it work? */
MUST_USE enum xp_rc xp_upload_trial(struct xp_upload *u, struct xp_err *err);

struct xp_upload_state {
	size_t confirmed, pending;
	unsigned failures; /* since the last success */
	char last_error[256];
};
void xp_upload_look(struct xp_upload *u, struct xp_upload_state *state);
/*
 * Waits until the server holds every file as it is now; MAX_FAILURES in a row end it (0: none do).
 * LOOK (may be NULL), called about once a second, stops it by true. XP_E_IO: not all is confirmed.
 * XP_E_CANCELLED: LOOK stopped it.
 */
MUST_USE enum xp_rc xp_upload_wait(struct xp_upload *u, unsigned max_failures,
				   bool (*look)(void *ctx, const struct xp_upload_state *state),
				   void *ctx, struct xp_err *err);

/* Is FD on a file system that a loss of power empties? */
bool xp_is_in_memory(int fd);
