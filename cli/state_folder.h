/*
 * state_folder: the state folder: jobs/ (journals), certificates/ (records and signatures), log/,
 * index.csv.
 */
#pragma once
#include "base/durable.h"
#include "certs/log_writer.h"

struct xp_keep;

struct xp_state {
	char path[4096];
	bool is_default; /* nobody named another folder */
	int fd;
	int jobs_fd;
	int certificates_fd;
	const struct xp_durable *durable; /* who else keeps it; NULL: nobody */
	struct xp_keep *keep;		  /* the boxes of --keep; NULL: none */
};

/*
 * Opens DIR, or the default (NULL): /var/lib/expunge for root, else $XDG_STATE_HOME/expunge or
 * ~/.local/state/expunge. Makes what is missing (0700). Errors: XP_E_PERM, XP_E_IO with what to do.
 */
MUST_USE enum xp_rc xp_state_open(struct xp_state *out, const char *dir, struct xp_err *err);
/* The same, but makes nothing: XP_E_NOENT where it is not there. */
MUST_USE enum xp_rc xp_state_open_existing(struct xp_state *out, const char *dir,
					   struct xp_err *err);
void xp_state_close(struct xp_state *s);

/* Appends one line to index.csv (a header first in a new file) and fsyncs it. Fields are quoted. */
MUST_USE enum xp_rc xp_state_index_add(const struct xp_state *s, const char *const *fields,
				       struct xp_err *err);

/* Tells who else keeps the folder that PATH (below it) stands there as it is now. */
MUST_USE enum xp_rc xp_state_keep_file(const struct xp_state *s, const char *path,
				       struct xp_err *err);

/*
 * Holds LEN bytes of the disk free for a record that will be written into the folder later, as a
 * file
 * ".ID.reserve". XP_E_IO where the disk is full.
 */
MUST_USE enum xp_rc xp_reserve_take(int dir_fd, const char *id, uint64_t len, struct xp_err *err);
/* Gives it back (also where there is none). */
void xp_reserve_drop(int dir_fd, const char *id);

/* The log of the state folder, named after this host where it is new. */
MUST_USE enum xp_rc xp_state_log_open(struct xp_log **out, const struct xp_state *s,
				      const struct xp_rng *rng, struct xp_err *err);

/* Every file of the folder FD that a box may hold, by its path below it, until TAKE fails. */
MUST_USE enum xp_rc
xp_state_each_file(int fd, enum xp_rc (*take)(void *ctx, const char *path, struct xp_err *err),
		   void *ctx, struct xp_err *err);
