/*
 * jcs: canonical JSON, a strict subset of RFC 8785: a tree in, the only bytes that may stand for it
 * out; and bytes from a stranger in, a tree only where they are exactly those.
 */
#pragma once
#include "certs/record.h"

#define XP_JCS_MAX_DEPTH  16
#define XP_JCS_MAX_VALUES (1u << 20)
#define XP_JCS_MAX_INT	  9007199254740991LL /* 2^53 - 1 */

/* Where in a document we are, for messages: "evidence[2].identity.serial". Cut where too long. */
struct xp_json_path {
	char text[200];
	size_t len;
};
/* Both return the length to go back to with xp_json_path_pop. Odd bytes of a key are escaped. */
size_t xp_json_path_key(struct xp_json_path *p, const char *key);
size_t xp_json_path_index(struct xp_json_path *p, size_t index);
void xp_json_path_pop(struct xp_json_path *p, size_t len);
/* The path; "(root)" where it is empty. */
const char *xp_json_path_text(const struct xp_json_path *p);

/* One character of UTF-8: its length, or 0 where the bytes are no valid character. */
size_t xp_utf8_next(uint32_t *code, const char *s, size_t left);
/* Not shown, or able to change how others are shown: U+0000-001F, U+007F-009F, bidi controls. */
bool xp_unicode_is_control(uint32_t code);
/* May S stand in a record: valid UTF-8, not empty, no control or bidi character? */
bool xp_jcs_text_is_plain(const char *s, size_t len);

/*
 * The canonical bytes of a tree: *OUT malloc'ed, a NUL behind its *LEN bytes. Control characters
 * are written as RFC 8785 wants them; that a document may not hold them is the reader's rule.
 * Errors: XP_E_MALFORMED for what the subset has no form for (float, a key that is not ASCII, an
 * integer of 2^53 or more, more than XP_JCS_MAX_DEPTH levels).
 */
MUST_USE enum xp_rc xp_jcs_write(char **out, size_t *len, json_t *root, struct xp_err *err);

/*
 * Reads a document: an object, within XP_RECORD_MAX_BYTES, byte for byte canonical, no null, no
 * float, no empty string, no control or bidi character. Every breach is added to FINDINGS with its
 * own code: E_JSON_SIZE, _SYNTAX, _DEPTH, _DUPLICATE_KEY, _NOT_CANONICAL, _STRING, _KEY, _NUMBER,
 * _NULL, _ROOT. *OUT is the tree wherever there is one (also after a breach, so that more can be
 * said), else NULL. XP_OK only without a breach; XP_E_MALFORMED with one.
 */
MUST_USE enum xp_rc xp_jcs_read(json_t **out, const char *text, size_t len,
				struct xp_findings *findings, struct xp_err *err);

/* The path of the first difference between two trees into PATH; false: there is none. */
bool xp_json_differs(struct xp_json_path *path, json_t *a, json_t *b);

void xp_json_free(json_t **j); /* json_decref, for AUTO */
