/*
 * confine_reader: strangers' bytes are read by a process of its own that has nothing else to it: no
 * key, no file that can be written, no program, no network. Whoever holds the rights asks it, and
 * gets an answer of bounded length that is to be doubted as well: plain values and bytes to be
 * written, nothing that has to be parsed.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define XP_READER_MAX_BYTES (64u << 20) /* of a question, and of an answer */

struct xp_reader;

/*
 * Serves one question, in that process. ANSWER goes back also with an error. It may speak on
 * standard error; standard input and output are nobody's there.
 */
typedef enum xp_rc xp_reader_fn(void *ctx, struct xp_span question, struct xp_buf *answer,
				struct xp_err *err);

struct xp_reader_job {
	xp_reader_fn *serve;
	void *ctx;
	const char *const *inputs; /* what it may read, as for xp_confine; NULL: nothing */
	bool net;		   /* it may connect to other hosts */
};

/*
 * To be called before keys and passphrases are in memory: the process starts as a copy. XP_E_IO
 * where it cannot be made, or the kernel refuses to confine it; then nothing was read.
 */
MUST_USE enum xp_rc xp_reader_start(struct xp_reader **out, const struct xp_reader_job *job,
				    struct xp_err *err);
/* The code and the text are the other's, but for XP_E_INTERNAL: it has ended. */
MUST_USE enum xp_rc xp_reader_ask(struct xp_reader *r, struct xp_buf *answer, const void *question,
				  size_t len, struct xp_err *err);
/* One question without words, to a process that is gone afterwards. */
MUST_USE enum xp_rc xp_reader_once(struct xp_buf *answer, const struct xp_reader_job *job,
				   struct xp_err *err);
void xp_reader_free(struct xp_reader **r);
