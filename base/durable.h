/*
 * durable: who else keeps what stands in the state folder. Whoever writes there tells it after the
 * bytes are on the local disk and before what they announce is done: the boxes of a stick, an
 * upload. An error of it is an error of the write.
 */
#pragma once
#include "base/err.h"

/*
 * PATH is relative to the state folder ("jobs/ID/journal.jsonl", "certificates/ID.json",
 * "log/tile/0/000", "log.key", "index.csv"). Several threads may call at once. What was told is
 * kept, in the order of the calls, when flush has returned XP_OK; not before. Being told the same
 * again does no harm.
 */
struct xp_durable {
	void *ctx;
	/* The file's bytes from OFFSET on are these, and end there. OFFSET 0 makes it. */
	enum xp_rc (*append)(void *ctx, const char *path, uint64_t offset, const void *bytes,
			     size_t len, struct xp_err *err);
	/* The file holds these bytes and no others. */
	enum xp_rc (*replace)(void *ctx, const char *path, const void *bytes, size_t len,
			      struct xp_err *err);
	/* The file is gone, or the folder with all that is below it. It may be unknown. */
	enum xp_rc (*remove)(void *ctx, const char *path, struct xp_err *err);
	enum xp_rc (*flush)(void *ctx, struct xp_err *err);
};

/* The same for a D that may be NULL: nobody is told. */
MUST_USE enum xp_rc xp_durable_append(const struct xp_durable *d, const char *path, uint64_t offset,
				      const void *bytes, size_t len, struct xp_err *err);
MUST_USE enum xp_rc xp_durable_replace(const struct xp_durable *d, const char *path,
				       const void *bytes, size_t len, struct xp_err *err);
MUST_USE enum xp_rc xp_durable_remove(const struct xp_durable *d, const char *path,
				      struct xp_err *err);
MUST_USE enum xp_rc xp_durable_flush(const struct xp_durable *d, struct xp_err *err);

/* Keys that leave the machine with a stick, but never by an upload: "log.key", "host.key". */
bool xp_durable_is_secret(const char *path);

#define XP_DURABLE_CHAIN_MAX 4
/* Several behind one another: each is told, in this order; the first error ends it. */
struct xp_durable_chain {
	const struct xp_durable *links[XP_DURABLE_CHAIN_MAX];
	unsigned n;
};
/* CHAIN must live as long as what is returned. */
struct xp_durable xp_durable_chain_of(struct xp_durable_chain *chain);
