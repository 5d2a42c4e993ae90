/*
 * look_alike: words that are not what they seem. A Cyrillic letter in a Latin name cannot be told
 * by eye, and makes it another name. Names that are all in one script are as good as any.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* One word with letters of two scripts, of which the eye takes one for the other. */
struct xp_look_alike {
	char word[96];	    /* UTF-8, cut between characters where it is longer */
	const char *script; /* "Cyrillic": that of the letter; "Latin" only in a full-width word */
	const char *other;  /* "Latin": that of the others in the word */
	uint32_t letter;
};

/*
 * Does a word of TEXT mix letters of Latin, Cyrillic, Greek, Armenian, Cherokee, or full-width
 * ones? Words end at blanks and punctuation; marks, digits, and letters of other scripts go with
 * any. OUT: the first one. Bytes that are no UTF-8 end a word.
 */
bool xp_text_looks_alike(struct xp_look_alike *out, const char *text);
