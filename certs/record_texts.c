/* What a certificate must not say, wherever in its texts. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "certs/jcs.h"
#include "certs/look_alike.h"
#include "certs/record_check.h"
#include "certs/record_fields.h"

#define TREE_DEPTH_MAX 16 /* of a record as a whole */

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

static bool is_word_char(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c >= 0x80;
}

/* Takes no room: soft hyphens, joiners, byte order marks, tags. */
static bool is_unseen(uint32_t c)
{
	return c == 0xad || c == 0x180e || (c >= 0x200b && c <= 0x200d) ||
	       (c >= 0x2060 && c <= 0x2065) || (c >= 0x206a && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

/* The letter behind a full-width form, or 0 for what nobody sees. */
uint32_t xp_record_plain_letter(uint32_t c)
{
	if (c >= 0xff01 && c <= 0xff5e)
		c -= 0xff01 - '!';
	if (is_unseen(c))
		return 0;
	if (c == 0x3000 || c == 0xa0 || c == 0x2028 || c == 0x2029 || (c >= 0x2000 && c <= 0x200a))
		return ' ';
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

#define PHRASE_MAX 64 /* above the longest of them, with the blanks around it */

/* What a text says, " word word ", as much of it as is looked at at a time. */
struct words {
	char text[1024];
	size_t n;
};

static const char *find_phrase(const struct words *w)
{
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		size_t len = strlen(forbidden[i]);

		for (const char *at = w->text + 1; (at = strstr(at, forbidden[i])); at++)
			if (at[-1] == ' ' && at[len] == ' ')
				return forbidden[i];
	}
	return NULL;
}

/* The end of it stays: a phrase may begin there. */
static const char *make_room(struct words *w)
{
	const char *found;

	w->text[w->n] = 0;
	found = find_phrase(w);
	memmove(w->text, w->text + w->n - PHRASE_MAX, PHRASE_MAX);
	w->n = PHRASE_MAX;
	return found;
}

/* What is not ASCII counts as part of a word. */
static const char *find_in_words(const char *text)
{
	struct words w = {.text = " ", .n = 1};
	size_t left = strlen(text);

	while (left) {
		const char *found = w.n + 3 > sizeof(w.text) ? make_room(&w) : NULL;
		uint32_t c = 0;
		size_t len = xp_utf8_next(&c, text, left);

		if (found)
			return found;
		c = len ? xp_record_plain_letter(c) : 0x80;
		len = len ? len : 1;
		text += len;
		left -= len;
		if (!c)
			continue;
		if (is_word_char(c))
			w.text[w.n++] = c < 0x80 ? (char)c : '?';
		else if (w.text[w.n - 1] != ' ')
			w.text[w.n++] = ' ';
	}
	if (w.text[w.n - 1] != ' ')
		w.text[w.n++] = ' ';
	w.text[w.n] = 0;
	return find_phrase(&w);
}

/*
 * Each of the phrases holds one of these, whatever stands between its words. What is not ASCII may
 * stand for something else and is never waved through.
 */
bool xp_record_text_is_plain(const char *text)
{
	static const struct {
		char first; /* in lower case */
		const char *rest;
		size_t len;
	} cores[] = {{'d', "estroyed", 8}, {'r', "ecoverable", 10}, {'v', "alidated", 8},
		     {'n', "ist", 3},	   {'2', "883", 3},	    {'d', "od", 2},
		     {'v', "erified", 7}};

	for (const char *at = text; *at; at++) {
		unsigned char c = (unsigned char)*at;

		if (c >= 0x80)
			return false;
		c |= 0x20;
		if (c != 'd' && c != 'r' && c != 'v' && c != 'n' && c != '2')
			continue;
		for (size_t i = 0; i < sizeof(cores) / sizeof(cores[0]); i++)
			if (cores[i].first == (char)c &&
			    (at[1] | 0x20) == (cores[i].rest[0] | 0x20) &&
			    strncasecmp(at + 1, cores[i].rest, cores[i].len) == 0)
				return false;
	}
	return true;
}

const char *xp_record_text_forbidden(const char *text)
{
	return xp_record_text_is_plain(text) ? NULL : find_in_words(text);
}

void xp_record_check_script(struct xp_findings *findings, const char *where, const char *text)
{
	struct xp_look_alike l;

	if (xp_text_looks_alike(&l, text))
		xp_findings_add(
			findings, "W_TEXT_MIXED",
			"%s: \"%s\" has a %s letter (U+%04X) among %s ones: it may be another "
			"word than it seems",
			where, l.word, l.script, (unsigned)l.letter, l.other);
}

static void check_text(void *ctx, const char *path, const char *text)
{
	struct xp_findings *findings = ctx;
	const char *what;

	if (xp_record_text_is_plain(text))
		return;
	what = xp_record_text_forbidden(text);
	if (what)
		xp_findings_add(findings, "E_TEXT_FORBIDDEN", "%s: \"%s\" is nothing to certify",
				path, what);
	xp_record_check_script(findings, path, text);
}

/* Texts of a tree that no schema describes. */
static void check_tree(struct xp_findings *findings, const char *where, json_t *v, unsigned depth)
{
	if (depth > TREE_DEPTH_MAX)
		return;
	if (json_is_string(v))
		check_text(findings, where, json_string_value(v));
	for (void *at = json_object_iter(v); at; at = json_object_iter_next(v, at))
		check_tree(findings, where, json_object_iter_value(at), depth + 1);
	for (size_t i = 0; i < json_array_size(v); i++)
		check_tree(findings, where, json_array_get(v, i), depth + 1);
}

/* What an organization's policy calls itself stands in the certificate, too. */
void xp_record_check_policy_texts(struct xp_findings *findings, json_t *policy)
{
	static const char *const keys[] = {"title", "table_source", "standard", "edition"};

	for (size_t i = 0; i < XP_ARRAY_LEN(keys); i++)
		check_tree(findings, "policy.document", json_object_get(policy, keys[i]), 0);
}

enum xp_rc xp_record_check_texts(const struct xp_record *r, struct xp_findings *findings,
				 struct xp_err *err)
{
	AUTO_MEM struct xp_record_doc *doc = calloc(1, sizeof(*doc));
	struct xp_err why = {0};
	enum xp_rc rc;

	if (!doc)
		return xp_fail(err, XP_E_NOMEM, "record");
	doc->r = *r;			  /* borrowed: nothing of it is freed here */
	rc = xp_record_derive(doc, &why); /* for the policy's names; one that is none has none */
	xp_record_check_policy_texts(findings, doc->policy.document);
	check_tree(findings, "ext", r->ext, 0);
	json_decref(doc->policy.document);
	doc->policy.document = NULL;
	if (rc == XP_E_NOMEM)
		return xp_fail(err, rc, "%s", why.msg);
	xp_schema_each_text(xp_record_schema_of(r->kind), doc, check_text, findings);
	return XP_OK;
}
