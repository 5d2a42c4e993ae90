#include "certs/record_scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/evidence_json.h"
#include "certs/look_alike.h"
#include "certs/record_check.h"
#include "certs/record_fields.h"
#include "certs/schema_scan.h"
#include "claim/sample_plan.h"

/*
 * So many bytes cannot hold more values than a document may have, and the levels are those of the
 * schema: the limits of xp_jcs_read need no counting.
 */
#define SCAN_MAX_BYTES XP_JCS_MAX_VALUES
_Static_assert(SCAN_MAX_BYTES <= XP_RECORD_MAX_BYTES, "what is scanned may be a record");

#define FIT_SLOTS 32

struct xp_record_reader {
	struct xp_schema_scan *record, *validation;
	struct xp_policy_memo policies;
	struct xp_sample_memo samples;
	struct xp_claim room;
	struct xp_identity
		identity;     /* the last one of the record that is being read; owns nothing */
	char *fit[FIT_SLOTS]; /* texts that were looked at closely, and say nothing they must not */
	const struct xp_policy_seen *policy; /* of the record that is being read */
	struct {
		uint64_t extents;
		uint64_t ppb[3];
	} bound; /* the last that was computed */
};

void xp_record_reader_free(struct xp_record_reader **r)
{
	if (!*r)
		return;
	xp_schema_scan_free(&(*r)->record);
	xp_schema_scan_free(&(*r)->validation);
	xp_policy_memo_clear(&(*r)->policies);
	for (size_t i = 0; i < FIT_SLOTS; i++)
		free((*r)->fit[i]);
	free(*r);
	*r = NULL;
}

enum xp_rc xp_record_reader_new(struct xp_record_reader **out, struct xp_err *err)
{
	AUTO(xp_record_reader_free) struct xp_record_reader *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (!r)
		return xp_fail(err, XP_E_NOMEM, "record");
	TRY(xp_schema_scan_new(&r->record, &xp_schema_record, err));
	TRY(xp_schema_scan_new(&r->validation, &xp_schema_validation, err));
	*out = STEAL(r);
	return XP_OK;
}

struct xp_policy_memo *xp_record_reader_policies(struct xp_record_reader *r)
{
	return &r->policies;
}

struct xp_record_known xp_record_reader_known(struct xp_record_reader *r)
{
	return (struct xp_record_known){.texts_are_fit = true,
					.policies = &r->policies,
					.samples = &r->samples,
					.policy = r->policy,
					.room = &r->room};
}

/* ---- what stands in a document twice ---- */

static size_t slot_of(const char *text)
{
	size_t h = 5381;

	for (size_t i = 0; text[i]; i++)
		h = h * 33 ^ (uint8_t)text[i];
	return h % FIT_SLOTS;
}

/* The reasons of claims, the names of policies: most texts stood in a record before. */
static bool text_is_fit(void *ctx, const char *text)
{
	struct xp_record_reader *r = ctx;
	struct xp_look_alike mixed;
	char **slot;

	if (xp_record_text_is_plain(text))
		return true;
	slot = &r->fit[slot_of(text)];
	if (*slot && strcmp(*slot, text) == 0)
		return true;
	if (xp_record_text_forbidden(text) || xp_text_looks_alike(&mixed, text))
		return false;
	free(*slot);
	*slot = strdup(text);
	return true;
}

/* The policy's document; extensions are left to the other way. */
static size_t take_policy(void *ctx, const struct xp_field *f, const char *at, size_t left)
{
	struct xp_record_reader *r = ctx;

	if (f->offset != offsetof(struct xp_record_doc, policy.document))
		return 0;
	r->policy = xp_policy_memo_find(&r->policies, at, left);
	return r->policy ? r->policy->len : 0;
}

/* A drive stands in every phase as it was read there. */
static bool copy_identity(void *out, const void *last)
{
	return xp_identity_copy(out, last, NULL) == XP_OK;
}

static bool policy_agrees(const struct xp_record_doc *doc, const struct xp_policy_seen *p)
{
	return strcmp(doc->policy.name, p->name) == 0 &&
	       memcmp(doc->policy.sha256, p->sha256, 32) == 0 &&
	       strcmp(doc->standard.name, p->standard) == 0 &&
	       strcmp(doc->standard.edition, p->edition) == 0;
}

/* The short form of the readback is written as what stands in the evidence gives it. */
static bool verification_agrees(struct xp_record_reader *r, struct xp_record_doc *doc)
{
	struct xp_record_summary said = doc->verification;
	struct xp_record_summary *is = &doc->verification;

	*is = (struct xp_record_summary){0};
	xp_record_derive_summary(doc);
	if (said.mode != is->mode || said.bound_present != is->bound_present)
		return false;
	if (is->mode == XP_READBACK_NONE)
		return true;
	if (is->bound_present) {
		if (r->bound.extents != is->extents) {
			xp_record_derive_bound(doc);
			memcpy(r->bound.ppb, is->bound_ppb, sizeof(r->bound.ppb));
			r->bound.extents = is->extents;
		}
		if (memcmp(said.bound_ppb, r->bound.ppb, sizeof(r->bound.ppb)) != 0)
			return false;
	}
	return said.phase == is->phase && said.extents == is->extents &&
	       said.bytes_planned == is->bytes_planned &&
	       said.bytes_delivered == is->bytes_delivered &&
	       said.coverage_ppm == is->coverage_ppm &&
	       said.read_error_bytes == is->read_error_bytes &&
	       said.mismatch_blocks == is->mismatch_blocks;
}

static bool take_policy_bytes(struct xp_record *rec, const struct xp_policy_seen *p)
{
	rec->policy_json = malloc(p->len + 1);
	if (!rec->policy_json)
		return false;
	memcpy(rec->policy_json, p->json, p->len);
	rec->policy_json[p->len] = 0;
	rec->policy_len = p->len;
	return true;
}

/* ---- reading ---- */

static bool scan(struct xp_record_doc *doc, struct xp_record_reader *r, bool is_validation,
		 const char *json, size_t len)
{
	const struct xp_schema_scan_hooks hooks = {
		.text_is_fit = text_is_fit,
		.take_tree = take_policy,
		.ctx = r,
		.again = {&xp_schema_identity, &r->identity, copy_identity}};

	r->policy = NULL;
	if (is_validation)
		doc->r.kind = XP_RECORD_VALIDATION;
	if (!xp_schema_scan_read(doc, is_validation ? r->validation : r->record, json, len,
				 &hooks) ||
	    doc->crit_n)
		return false;
	if (!is_validation && (!r->policy || !policy_agrees(doc, r->policy) ||
			       !take_policy_bytes(&doc->r, r->policy)))
		return false;
	return verification_agrees(r, doc);
}

/* What begins like no other record may still be a validation; its schema says whether it is. */
static bool looks_like_validation(const char *json, size_t len)
{
	static const char mark[] = "\"kind\":\"validation\"";

	return memmem(json, len, mark, sizeof(mark) - 1) != NULL;
}

/* Zeros, as far as they are needed: the reasons of the claim are a third of the struct. */
static struct xp_record_doc *make_doc(void)
{
	struct xp_record_doc *doc = malloc(sizeof(*doc));
	uint8_t *at = (uint8_t *)doc;
	const size_t reasons = offsetof(struct xp_record_doc, r.claim.reasons);
	const size_t behind = reasons + sizeof(doc->r.claim.reasons);

	if (!doc)
		return NULL;
	memset(at, 0, reasons);
	memset(at + behind, 0, sizeof(*doc) - behind);
	return doc;
}

static struct xp_record *scan_as(struct xp_record_reader *r, bool is_validation, const char *json,
				 size_t len)
{
	struct xp_record_doc *doc = make_doc();

	if (!doc)
		return NULL;
	if (!scan(doc, r, is_validation, json, len)) {
		xp_record_free(&doc->r);
		free(doc);
		return NULL;
	}
	/* the record is what the document begins with: whoever frees it frees all */
	return &doc->r;
}

void xp_record_scan(struct xp_record **out, struct xp_record_reader *r, const char *json,
		    size_t len)
{
	*out = NULL;
	if (!len || len > SCAN_MAX_BYTES)
		return;
	*out = scan_as(r, false, json, len);
	if (!*out && looks_like_validation(json, len))
		*out = scan_as(r, true, json, len);
}

_Static_assert(offsetof(struct xp_record_doc, r) == 0, "a record that is freed as its document");
