/* What a certificate must not say, wherever in its texts. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/record_check.h"
#include "certs/record_fields.h"

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

static void check_text(void *ctx, const char *path, const char *text)
{
	struct xp_findings *findings = ctx;
	const char *what = xp_record_text_forbidden(text);

	if (what)
		xp_findings_add(findings, "E_TEXT_FORBIDDEN", "%s: \"%s\" is nothing to certify",
				path, what);
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
	json_decref(doc->policy.document);
	doc->policy.document = NULL;
	if (rc == XP_E_NOMEM)
		return xp_fail(err, rc, "%s", why.msg);
	xp_schema_each_text(&xp_schema_record, doc, check_text, findings);
	return XP_OK;
}
