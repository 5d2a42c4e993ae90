/*
 * note_text: the text of signed notes, taken apart from hostile bytes: names, numbers, signature
 * lines.
 */
#pragma once
#include "certs/note.h"

#define XP_NOTE_DASH	  "\xe2\x80\x94" /* U+2014 */
#define XP_NOTE_LINES_MAX 64		 /* [signed-note: at least 16] */

/* Printable ASCII without space and plus, not empty: what we take as the name of a verifier key. */
bool xp_note_name_is_valid(const char *name, size_t len);
/* A decimal number without leading zeros. */
MUST_USE bool xp_note_number(uint64_t *out, const char *text, size_t len);

struct xp_note_cursor {
	const char *at;
	size_t left;
	size_t text_len;
	unsigned lines;
	bool malformed;
};
struct xp_note_line {
	const char *name;
	size_t name_len;
	const char *base64; /* key id and signature */
	size_t base64_len;
	uint8_t id[4];
};
/* Checks size, UTF-8 and control characters, finds the text and the first signature line. */
MUST_USE enum xp_rc xp_note_split(struct xp_note_cursor *out, const char *note, size_t len,
				  struct xp_err *err);
/* false: no more lines, or malformed. */
MUST_USE bool xp_note_next_line(struct xp_note_line *out, struct xp_note_cursor *at);
