/*
 * box: one container on a stick: a file whose place on the medium never changes, written in place.
 * What it holds is what its chained entries say, up to the first that does not follow. All reads
 * and writes go through a table, so that a test can end the world at any of them.
 */
#pragma once
#include "cli/box_index.h"

#include <sys/types.h>

/* Each as the system call of its name: -1 and errno on failure. */
struct xp_box_ops {
	ssize_t (*pread)(void *ctx, int fd, void *data, size_t len, off_t at);
	ssize_t (*pwrite)(void *ctx, int fd, const void *data, size_t len, off_t at);
	int (*sync)(void *ctx, int fd); /* fdatasync */
	void *ctx;
	/* What is read next comes from the medium and not from memory; may be NULL. */
	void (*forget)(void *ctx, int fd);
};
const struct xp_box_ops *xp_box_ops_system(void);
/* Reads by PREAD; writing fails with EROFS, and there is nothing to sync. */
struct xp_box_ops xp_box_ops_reading(ssize_t (*pread)(void *ctx, int fd, void *data, size_t len,
						      off_t at),
				     void *ctx);

enum xp_box_state {
	XP_BOX_GONE,  /* no such file */
	XP_BOX_BAD,   /* it cannot be read or written: the medium is at fault */
	XP_BOX_BLANK, /* no header, and nothing behind it: a fresh one */
	XP_BOX_TORN,  /* no header that holds, but something behind it */
	XP_BOX_GOOD,  /* a header, and a history from it on */
};

struct xp_box {
	const struct xp_box_ops *ops;
	int fd; /* -1: not open */
	char name[32];
	uint64_t bytes;
	enum xp_box_state state;
	struct xp_err why; /* where it is bad */
	/* of a good one */
	struct xp_box_header header;
	struct xp_box_chain chain;
	uint64_t tail; /* where the next entry goes */
};

/*
 * Opens NAME below DIR_FD. XP_OK also where it is gone or bad, which its state says; XP_E_MALFORMED
 * where it is there and is no box that could be used: no regular file, of a size that is none, with
 * holes.
 */
MUST_USE enum xp_rc xp_box_open(struct xp_box *box, int dir_fd, const char *name, bool writes,
				struct xp_err *err);
void xp_box_close(struct xp_box *box);

/* Reads header and history, and sets the state. INDEX (may be NULL) gets what the entries come to.
 */
MUST_USE enum xp_rc xp_box_scan(struct xp_box *box, struct xp_box_index *index, struct xp_err *err);
/* Reads on from the tail, where another process may have written. */
MUST_USE enum xp_rc xp_box_scan_on(struct xp_box *box, struct xp_box_index *index,
				   struct xp_err *err);
/* The hash of the history after ENTRIES entries. *HAS: there are so many. */
MUST_USE enum xp_rc xp_box_hash_at(uint8_t hash[XP_BOX_HASH_LEN], bool *has,
				   const struct xp_box *box, uint64_t entries, struct xp_err *err);
/*
 * Is there, close behind the end of the history, an entry that was written after another one was
 * acknowledged that is not there? Then what was acknowledged is lost in this box.
 */
MUST_USE enum xp_rc xp_box_lost_some(bool *lost, const struct xp_box *box, struct xp_err *err);

/*
 * A read or a write of all LEN bytes. A failure makes the box bad: nothing is written to it any
 * more by this process, since nobody knows what the medium has of it.
 */
MUST_USE enum xp_rc xp_box_read(struct xp_box *box, void *data, size_t len, uint64_t at,
				struct xp_err *err);
MUST_USE enum xp_rc xp_box_write(struct xp_box *box, const void *data, size_t len, uint64_t at,
				 struct xp_err *err);
MUST_USE enum xp_rc xp_box_sync(struct xp_box *box, struct xp_err *err);
void xp_box_forget(const struct xp_box *box);
/* Writes the header and syncs it. */
MUST_USE enum xp_rc xp_box_write_header(struct xp_box *box, const struct xp_box_header *header,
					struct xp_err *err);
/*
 * The header of a box whose entries are about to be written anew: it holds for nobody until
 * xp_box_write_header. Who had read the box before sees that its history is no longer there.
 */
MUST_USE enum xp_rc xp_box_begin_anew(struct xp_box *box, const struct xp_box_header *header,
				      struct xp_err *err);
