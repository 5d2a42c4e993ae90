#include "certs/look_alike.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/jcs.h"
#include "certs/record_check.h"

enum script { NONE, LATIN, CYRILLIC, GREEK, ARMENIAN, CHEROKEE, FULL_WIDTH, SCRIPTS };

static const char *const names[SCRIPTS] = {
	[LATIN] = "Latin",	 [CYRILLIC] = "Cyrillic", [GREEK] = "Greek",
	[ARMENIAN] = "Armenian", [CHEROKEE] = "Cherokee", [FULL_WIDTH] = "full-width",
};

/*
 * In order. [Unicode 14.0, Scripts.txt], but that full-width Latin letters are a script of their
 * own; neighbours with nothing but unassigned characters between them are one range.
 */
static const struct {
	uint32_t first, last;
	enum script script;
} ranges[] = {
	{0x0041, 0x005a, LATIN},      {0x0061, 0x007a, LATIN},	  {0x00aa, 0x00aa, LATIN},
	{0x00ba, 0x00ba, LATIN},      {0x00c0, 0x00d6, LATIN},	  {0x00d8, 0x00f6, LATIN},
	{0x00f8, 0x02b8, LATIN},      {0x02e0, 0x02e4, LATIN},	  {0x0370, 0x0373, GREEK},
	{0x0375, 0x037d, GREEK},      {0x037f, 0x0384, GREEK},	  {0x0386, 0x0386, GREEK},
	{0x0388, 0x03e1, GREEK},      {0x03f0, 0x03ff, GREEK},	  {0x0400, 0x0484, CYRILLIC},
	{0x0487, 0x052f, CYRILLIC},   {0x0531, 0x058f, ARMENIAN}, {0x13a0, 0x13fd, CHEROKEE},
	{0x1c80, 0x1c88, CYRILLIC},   {0x1d00, 0x1d25, LATIN},	  {0x1d26, 0x1d2a, GREEK},
	{0x1d2b, 0x1d2b, CYRILLIC},   {0x1d2c, 0x1d5c, LATIN},	  {0x1d5d, 0x1d61, GREEK},
	{0x1d62, 0x1d65, LATIN},      {0x1d66, 0x1d6a, GREEK},	  {0x1d6b, 0x1d77, LATIN},
	{0x1d78, 0x1d78, CYRILLIC},   {0x1d79, 0x1dbe, LATIN},	  {0x1dbf, 0x1dbf, GREEK},
	{0x1e00, 0x1eff, LATIN},      {0x1f00, 0x1ffe, GREEK},	  {0x2071, 0x2071, LATIN},
	{0x207f, 0x207f, LATIN},      {0x2090, 0x209c, LATIN},	  {0x2126, 0x2126, GREEK},
	{0x212a, 0x212b, LATIN},      {0x2132, 0x2132, LATIN},	  {0x214e, 0x214e, LATIN},
	{0x2160, 0x2188, LATIN},      {0x2c60, 0x2c7f, LATIN},	  {0x2de0, 0x2dff, CYRILLIC},
	{0xa640, 0xa69f, CYRILLIC},   {0xa722, 0xa787, LATIN},	  {0xa78b, 0xa7ff, LATIN},
	{0xab30, 0xab5a, LATIN},      {0xab5c, 0xab64, LATIN},	  {0xab65, 0xab65, GREEK},
	{0xab66, 0xab69, LATIN},      {0xab70, 0xabbf, CHEROKEE}, {0xfb00, 0xfb06, LATIN},
	{0xfb13, 0xfb17, ARMENIAN},   {0xfe2e, 0xfe2f, CYRILLIC}, {0xff21, 0xff3a, FULL_WIDTH},
	{0xff41, 0xff5a, FULL_WIDTH}, {0x10140, 0x1018e, GREEK},  {0x101a0, 0x101a0, GREEK},
	{0x10780, 0x107ba, LATIN},    {0x1d200, 0x1d245, GREEK},  {0x1df00, 0x1df1e, LATIN},
};

static enum script script_of(uint32_t c)
{
	size_t low = 0;
	size_t high = XP_ARRAY_LEN(ranges);

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c > ranges[mid].last)
			low = mid + 1;
		else if (c < ranges[mid].first)
			high = mid;
		else
			return ranges[mid].script;
	}
	return NONE;
}

/* What stands between two words. */
static bool is_between(uint32_t c)
{
	if (c < 0x80)
		return !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			 (c >= 'a' && c <= 'z'));
	return (c >= 0xa0 && c <= 0xbf && c != 0xaa && c != 0xb5 && c != 0xba) || c == 0xd7 ||
	       c == 0xf7 || c == 0x37e || c == 0x387 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x206f) || (c >= 0x3000 && c <= 0x3004) ||
	       (c >= 0x3008 && c <= 0x3020) || (c >= 0xff01 && c <= 0xff0f) ||
	       (c >= 0xff1a && c <= 0xff20);
}

/* A word as far as it was read. */
struct word {
	const char *begin;
	enum script first, second; /* NONE: not yet */
	uint32_t letters[2];
};

static void take(struct word *w, uint32_t c)
{
	enum script s = script_of(c);

	if (s == NONE || s == w->first || w->second)
		return;
	if (!w->first) {
		w->first = s;
		w->letters[0] = c;
		return;
	}
	w->second = s;
	w->letters[1] = c;
}

static void tell(struct xp_look_alike *out, const struct word *w, size_t len)
{
	/* nobody wonders at a Latin letter */
	bool swap = w->second == LATIN;
	size_t n = 0;

	out->script = names[swap ? w->first : w->second];
	out->other = names[swap ? w->second : w->first];
	out->letter = w->letters[swap ? 0 : 1];
	while (n < len) {
		uint32_t c;
		size_t one = xp_utf8_next(&c, w->begin + n, len - n);

		if (!one || n + one >= sizeof(out->word))
			break;
		n += one;
	}
	memcpy(out->word, w->begin, n);
	out->word[n] = 0;
}

bool xp_text_looks_alike(struct xp_look_alike *out, const char *text)
{
	size_t left = strlen(text);
	struct word w = {.begin = text};

	for (const char *at = text;;) {
		uint32_t c = 0;
		size_t len = left ? xp_utf8_next(&c, at, left) : 0;
		/* what nobody sees parts no word */
		bool ends = !len || (is_between(c) && xp_record_plain_letter(c));

		if (ends && w.second) {
			tell(out, &w, (size_t)(at - w.begin));
			return true;
		}
		if (!left)
			return false;
		len = len ? len : 1;
		if (ends)
			w = (struct word){.begin = at + len};
		else
			take(&w, c);
		at += len;
		left -= len;
	}
}
