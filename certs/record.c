#include "certs/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/names.h"
#include "certs/record_check.h"
#include "certs/record_fields.h"

static const char *const kind_names[] = {
	[XP_RECORD_SANITIZATION] = "sanitization", [XP_RECORD_FAILURE] = "failure",
	[XP_RECORD_VALIDATION] = "validation",	   [XP_RECORD_DESTRUCTION] = "destruction",
	[XP_RECORD_CUSTODY] = "custody",	   [XP_RECORD_VOID] = "void",
};

const char *xp_record_kind_name(enum xp_record_kind v)
{
	return v < XP_ARRAY_LEN(kind_names) ? kind_names[v] : NULL;
}

bool xp_record_kind_parse(enum xp_record_kind *out, const char *name)
{
	for (unsigned i = 0; i < XP_ARRAY_LEN(kind_names); i++) {
		if (strcmp(kind_names[i], name) == 0) {
			*out = (enum xp_record_kind)i;
			return true;
		}
	}
	return false;
}

static const char *const decision_names[] = {
	[XP_DECISION_ACCEPT] = "accept",
	[XP_DECISION_REJECT] = "reject",
};
XP_NAMES(decision, xp_decision, decision_names, XP_DECISION_REJECT + 1)

void xp_record_free(struct xp_record *r)
{
	xp_identity_free(&r->media);
	xp_evidence_free(&r->evidence);
	free(r->policy_json);
	r->policy_json = NULL;
	r->policy_len = 0;
	json_decref(r->ext);
	r->ext = NULL;
}

/* ---- documents ---- */

static void doc_free(struct xp_record_doc **doc)
{
	if (!*doc)
		return;
	json_decref((*doc)->policy.document);
	xp_record_free(&(*doc)->r);
	free(*doc);
	*doc = NULL;
}

/* Frees a document whose record belongs to somebody else. */
static void doc_borrowed_free(struct xp_record_doc **doc)
{
	if (*doc)
		memset(&(*doc)->r, 0, sizeof((*doc)->r));
	doc_free(doc);
}

static enum xp_rc tree_of(json_t **out, const struct xp_record *r, struct xp_err *err)
{
	AUTO(doc_borrowed_free) struct xp_record_doc *doc = calloc(1, sizeof(*doc));

	if (!doc)
		return xp_fail(err, XP_E_NOMEM, "record");
	doc->r = *r;
	TRY(xp_record_derive(doc, err));
	return xp_schema_write(out, xp_record_schema_of(r->kind), doc, err);
}

/* ---- writing ---- */

static enum xp_rc check_readable(const char *json, size_t len, struct xp_err *err)
{
	struct xp_findings findings = {0};
	AUTO_MEM struct xp_record *again = calloc(1, sizeof(*again));
	struct xp_err why = {0};
	enum xp_rc rc = XP_E_NOMEM;

	if (again)
		rc = xp_record_parse(again, json, len, &findings, &why);
	if (rc == XP_OK)
		xp_record_free(again);
	else if (findings.n)
		rc = xp_fail(err, XP_E_INTERNAL, "record: %s: %s", findings.list[0].code,
			     findings.list[0].text);
	else
		rc = xp_fail(err, rc, "record: %s", why.msg);
	xp_findings_free(&findings);
	return rc;
}

/* What a job itself found out: it must never keep the record of that job from being written. */
static bool is_testimony(const struct xp_finding *f)
{
	return strncmp(f->text, "claim.", 6) == 0 || strncmp(f->text, "evidence[", 9) == 0 ||
	       strncmp(f->text, "firmware[", 9) == 0;
}

/* Refused when it is written, which first happens before anything is erased. */
static enum xp_rc refuse_forbidden(const struct xp_record *r, struct xp_err *err)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};

	TRY(xp_record_check_texts(r, &findings, err));
	for (size_t i = 0; i < findings.n; i++)
		if (findings.list[i].code[0] == 'E' && !is_testimony(&findings.list[i]))
			return xp_fail(err, XP_E_USAGE, "record: %s", findings.list[i].text);
	return XP_OK;
}

enum xp_rc xp_record_write(char **out, size_t *len, const struct xp_record *r, struct xp_err *err)
{
	AUTO(xp_json_free) json_t *tree = NULL;
	AUTO_MEM char *json = NULL;

	*out = NULL;
	*len = 0;
	TRY(refuse_forbidden(r, err));
	TRY(tree_of(&tree, r, err));
	TRY(xp_jcs_write(&json, len, tree, err));
	TRY(check_readable(json, *len, err));
	*out = STEAL(json);
	return XP_OK;
}

/* ---- reading ---- */

/* true: a version or a kind that this program does not know; nothing more can be said. */
static bool is_unknown(json_t *tree, struct xp_findings *f)
{
	const char *schema = json_string_value(json_object_get(tree, "schema"));
	const char *kind = json_string_value(json_object_get(tree, "kind"));
	enum xp_record_kind k;

	if (schema && strcmp(schema, XP_RECORD_SCHEMA) != 0) {
		xp_findings_add(f, "I_SCHEMA_UNKNOWN", "schema: this program reads %s only",
				XP_RECORD_SCHEMA);
		return true;
	}
	if (schema && kind && xp_record_kind_parse(&k, kind) && k > XP_RECORD_VALIDATION) {
		xp_findings_add(f, "I_KIND_UNKNOWN", "kind: this program cannot judge a %s record",
				kind);
		return true;
	}
	return false;
}

/* Reverse DNS: lower-case labels with a dot between them. */
static bool is_ext_key(const char *key)
{
	size_t label = 0;
	bool dot = false;

	for (; *key; key++) {
		if (*key == '.') {
			if (!label || key[-1] == '-')
				return false;
			dot = true;
			label = 0;
			continue;
		}
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", *key) ||
		    (!label && *key == '-'))
			return false;
		label++;
	}
	return dot && label && key[-1] != '-';
}

static void check_ext(const struct xp_record_doc *doc, struct xp_findings *f)
{
	const char *key;
	json_t *v;

	json_object_foreach (doc->r.ext, key, v) {
		struct xp_json_path path = {0};

		xp_json_path_key(&path, key);
		if (!is_ext_key(key))
			xp_findings_add(f, "E_SCHEMA_VALUE", "ext.%s: not a reverse DNS name",
					xp_json_path_text(&path));
	}
	for (unsigned i = 0; i < doc->crit_n; i++) {
		if (!json_object_get(doc->r.ext, doc->crit[i]))
			xp_findings_add(f, "E_SCHEMA_VALUE", "crit[%u]: names nothing in ext", i);
		else
			xp_findings_add(f, "I_CRIT_UNKNOWN",
					"crit[%u]: an extension that must be understood", i);
	}
}

/* What stands in the document twice must agree: written anew, the record gives the same bytes. */
static enum xp_rc check_derived(const struct xp_record *r, json_t *tree, struct xp_findings *f,
				struct xp_err *err)
{
	struct xp_json_path path = {0};
	AUTO(xp_json_free) json_t *again = NULL;
	struct xp_err why = {0};
	enum xp_rc rc = tree_of(&again, r, &why);

	if (rc == XP_E_NOMEM)
		return xp_fail(err, rc, "%s", why.msg);
	if (rc != XP_OK)
		xp_findings_add(f, "E_RECORD_DERIVED", "%s", why.msg);
	else if (xp_json_differs(&path, tree, again))
		xp_findings_add(f, "E_RECORD_DERIVED",
				"%s: is not what the rest of the record gives",
				xp_json_path_text(&path));
	return XP_OK;
}

static enum xp_rc read_tree(struct xp_record_doc *doc, json_t *tree, struct xp_findings *f,
			    struct xp_err *err)
{
	const char *kind = json_string_value(json_object_get(tree, "kind"));
	size_t before = f->n;

	if (is_unknown(tree, f))
		return XP_OK;
	if (kind && strcmp(kind, "validation") == 0)
		doc->r.kind = XP_RECORD_VALIDATION;
	TRY(xp_schema_read(doc, xp_record_schema_of(doc->r.kind), tree, f, err));
	check_ext(doc, f);
	if (f->n != before)
		return XP_OK;
	if (doc->policy.document)
		TRY(xp_jcs_write(&doc->r.policy_json, &doc->r.policy_len, doc->policy.document,
				 err));
	return check_derived(&doc->r, tree, f, err);
}

enum xp_rc xp_record_parse(struct xp_record *out, const char *json, size_t len,
			   struct xp_findings *findings, struct xp_err *err)
{
	AUTO(doc_free) struct xp_record_doc *doc = calloc(1, sizeof(*doc));
	AUTO(xp_json_free) json_t *tree = NULL;
	size_t before = findings->n;
	enum xp_rc rc;

	memset(out, 0, sizeof(*out));
	if (!doc)
		return xp_fail(err, XP_E_NOMEM, "record");
	rc = xp_jcs_read(&tree, json, len, findings, err);
	if (rc != XP_OK && rc != XP_E_MALFORMED)
		return rc;
	if (json_is_object(tree))
		TRY(read_tree(doc, tree, findings, err));
	if (findings->lost)
		return xp_fail(err, XP_E_NOMEM, "record");
	if (findings->n != before)
		return xp_fail(err, XP_E_MALFORMED, "the record is not acceptable: %s",
			       findings->list[before].text);
	*out = doc->r;
	memset(&doc->r, 0, sizeof(doc->r));
	return XP_OK;
}
