/* What a certificate must not say, wherever in its texts. */
#include <string.h>

#include "certs/record_check.h"

/* In lower case, words with one space between, no punctuation. */
static const char *const forbidden[] = {
	"destroyed",
	"unrecoverable",
	"irrecoverable",
	"validated",
	"nist certified",
	"nist approved",
	"nist compliant",
	"certified by nist",
	"approved by nist",
	"conforms to ieee 2883",
	"conforms to ieee std 2883",
	"ieee 2883 compliant",
	"ieee 2883 certified",
	"dod grade",
	"100 verified",
	"100 percent verified",
	"all data verified",
	"fully verified",
};

static bool is_word_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c >= 0x80;
}

/* " word word " into OUT. */
static void normalize(char *out, size_t size, const char *text)
{
	size_t n = 0;

	out[n++] = ' ';
	for (; *text && n + 2 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 'A' && c <= 'Z')
			c = (unsigned char)(c - 'A' + 'a');
		if (is_word_char(c))
			out[n++] = (char)c;
		else if (out[n - 1] != ' ')
			out[n++] = ' ';
	}
	if (out[n - 1] != ' ')
		out[n++] = ' ';
	out[n] = 0;
}

static bool has_phrase(const char *words, const char *phrase)
{
	size_t len = strlen(phrase);

	for (const char *at = words; (at = strstr(at, phrase)); at++)
		if (at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}

const char *xp_record_text_forbidden(const char *text)
{
	char words[1024]; /* the longest text of a record has 255 bytes */

	normalize(words, sizeof(words), text);
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (has_phrase(words, forbidden[i]))
			return forbidden[i];
	return NULL;
}
