/*
 * upload_answer: what an HTTP server answered, from bytes that may be hostile: the status, and the
 * body where it is whole. HTTP/1.1, no encodings but chunks.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"

#define XP_ANSWER_HEAD_MAX (32u << 10)

struct xp_answer {
	unsigned status; /* 100-599 */
	bool has_length, is_chunked;
	uint64_t length;
	size_t head_len; /* where the body begins */
};

/*
 * Reads the head of what has come so far. *DONE false: it is not whole yet. XP_E_MALFORMED: none,
 * longer than XP_ANSWER_HEAD_MAX, or one that can be read in two ways.
 */
MUST_USE enum xp_rc xp_answer_head(struct xp_answer *out, bool *done, const char *data, size_t len,
				   struct xp_err *err);
/* Is the whole body there? At the end of the stream xp_answer_body says whether it was cut. */
bool xp_answer_is_whole(const struct xp_answer *head, const char *data, size_t len);
/*
 * The body, once all has come. XP_E_MALFORMED: it was cut, is longer than MAX bytes or than was
 * announced, or its chunks make no sense. BODY is to be freed also after an error.
 */
MUST_USE enum xp_rc xp_answer_body(struct xp_buf *body, const struct xp_answer *head,
				   const char *data, size_t len, size_t max, struct xp_err *err);
