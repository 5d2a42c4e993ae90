#include "certs/record_fields.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/evidence_json.h"
#include "certs/record_parts.h"
#include "claim/bound.h"

XP_ENUM_NAME(kind_name, xp_record_kind_name, xp_record_kind)
XP_ENUM_NAME(level_name, xp_level_name, xp_level)
XP_ENUM_NAME(scope_name, xp_scope_name, xp_scope)
XP_ENUM_NAME(outcome_name, xp_outcome_name, xp_outcome)
XP_ENUM_NAME(technique_name, xp_technique_name, xp_technique)
XP_ENUM_NAME(answer_name, xp_answer_name, xp_answer)
XP_ENUM_NAME(mode_name, xp_readback_mode_name, xp_readback_mode)

static const char *const yes_no_unknown[] = {"yes", "no", "unknown", NULL};
static const char *const methods[] = {"clear", "purge", "destroy", NULL};
static const char *const destinations[] = {"internal-reuse", "external-reuse", "recycling",
					   "manufacturer",   "other",	       NULL};
static const char *const clock_sources[] = {"system", "operator", "ntp", NULL};
static const char *const roles[] = {"performer", "validator", "site", "host", NULL};
const char *const xp_record_schemas[] = {XP_RECORD_SCHEMA, NULL};
static const char *const claim_rules[] = {XP_CLAIM_RULES, NULL};

/* ---- the parts ---- */

bool xp_record_is_superseding(const void *base)
{
	const struct xp_record_doc *d = base;

	return d->r.supersedes_id[0] != 0;
}

static const struct xp_field supersedes_fields[] = {
	DOC("id", UUID7, ALWAYS, r.supersedes_id),
	DOC("sha256", HEX, ALWAYS, r.supersedes_sha256),
};
const struct xp_schema xp_schema_supersedes = DOC_SCHEMA(supersedes_fields);

static bool has_backup(const void *base)
{
	const struct xp_record_doc *d = base;

	return d->r.backup_status[0] || d->r.backup_location[0];
}

static const struct xp_field backup_fields[] = {
	DOC("status", WORD, ALWAYS, r.backup_status, .words = yes_no_unknown),
	DOC("location", TEXT, OPTIONAL, r.backup_location),
};
static const struct xp_schema backup_schema = DOC_SCHEMA(backup_fields);

static const struct xp_field media_fields[] = {
	{.type = XP_F_INLINE,
	 .presence = XP_P_ALWAYS,
	 .offset = offsetof(struct xp_record_doc, r.media),
	 .sub = &xp_schema_identity},
	DOC("manufacturer", TEXT, OPTIONAL, r.manufacturer),
	DOC("property_no", TEXT, OPTIONAL, r.property_no),
	DOC("asset_tag", TEXT, OPTIONAL, r.asset_tag),
	DOC("ticket", TEXT, OPTIONAL, r.ticket),
	DOC("source", TEXT, OPTIONAL, r.source),
	DOC("slot", TEXT, OPTIONAL, r.slot),
	DOC("classification_before", TEXT, OPTIONAL, r.classification_before),
	DOC("classification_after", TEXT, OPTIONAL, r.classification_after),
	DOC_OBJECT("backup", GIVEN, &backup_schema, .when = has_backup),
	DOC("header_backups", TEXT, OPTIONAL, r.header_backups),
	DOC("plaintext_before", WORD, OPTIONAL, r.plaintext_before, .words = yes_no_unknown),
};
static const struct xp_schema media_schema = DOC_SCHEMA(media_fields);

static const struct xp_field capacity_fields[] = {
	{.type = XP_F_INLINE,
	 .presence = XP_P_ALWAYS,
	 .offset = offsetof(struct xp_record_doc, r.evidence.capacity),
	 .sub = &xp_schema_capacity},
	DOC("changes", LIST, OPTIONAL, r.evidence.changes, DOC_COUNT(r.evidence.changes_n),
	    .max = XP_CAPACITY_CHANGES_MAX, .sub = &xp_schema_capacity_change),
	DOC("after", OBJECT, FLAG, r.evidence.capacity_after, .sub = &xp_schema_capacity,
	    .flag = offsetof(struct xp_record_doc, r.evidence.capacity_after_given)),
	DOC("after_bytes", DECIMAL, FLAG, r.capacity_after_bytes,
	    .flag = offsetof(struct xp_record_doc, r.capacity_after_known)),
};
static const struct xp_schema capacity_schema = DOC_SCHEMA(capacity_fields);

static const struct xp_field standard_fields[] = {
	DOC("name", TEXT, ALWAYS, standard.name),
	DOC("edition", TEXT, ALWAYS, standard.edition),
};
static const struct xp_schema standard_schema = DOC_SCHEMA(standard_fields);

static const struct xp_field policy_fields[] = {
	DOC("name", TEXT, ALWAYS, policy.name),
	DOC("sha256", HEX, ALWAYS, policy.sha256),
	DOC("document", TREE, ALWAYS, policy.document),
};
static const struct xp_schema policy_schema = DOC_SCHEMA(policy_fields);

static const struct xp_field bound_fields[] = {
	DOC("p95", UINT, ALWAYS, verification.bound_ppb[0]),
	DOC("p99", UINT, ALWAYS, verification.bound_ppb[1]),
	DOC("p999", UINT, ALWAYS, verification.bound_ppb[2]),
};
static const struct xp_schema bound_schema = DOC_SCHEMA(bound_fields);

static bool was_read_back(const void *base)
{
	const struct xp_record_doc *d = base;

	return d->verification.mode != XP_READBACK_NONE;
}

static const struct xp_field verification_fields[] = {
	DOC("mode", ENUM, ALWAYS, verification.mode, .name = mode_name,
	    .max = XP_READBACK_FULL + 1),
	DOC("phase", UINT, WHEN, verification.phase, .when = was_read_back),
	DOC("extents", UINT, WHEN, verification.extents, .when = was_read_back),
	DOC("bytes_planned", DECIMAL, WHEN, verification.bytes_planned, .when = was_read_back),
	DOC("bytes_delivered", DECIMAL, WHEN, verification.bytes_delivered, .when = was_read_back),
	DOC("coverage_ppm", UINT, WHEN, verification.coverage_ppm, .when = was_read_back),
	DOC("read_error_bytes", DECIMAL, WHEN, verification.read_error_bytes,
	    .when = was_read_back),
	DOC("mismatch_blocks", DECIMAL, WHEN, verification.mismatch_blocks, .when = was_read_back),
	DOC_OBJECT("residue_bound_ppb", FLAG, &bound_schema,
		   .flag = offsetof(struct xp_record_doc, verification.bound_present)),
};
const struct xp_schema xp_schema_verification = DOC_SCHEMA(verification_fields);

static const struct xp_field reason_fields[] = {
	XP_FIELD("rule", UINT, ALWAYS, struct xp_reason, rule),
	XP_FIELD("code", TOKEN, ALWAYS, struct xp_reason, code),
	XP_FIELD("text", TEXT, ALWAYS, struct xp_reason, text),
};
static const struct xp_schema reason_schema = XP_SCHEMA(struct xp_reason, reason_fields);

static const struct xp_field claim_fields[] = {
	DOC_CONST("rules", claim_rules, .mismatch = "I_RULES_UNKNOWN"),
	DOC("level", ENUM, ALWAYS, r.claim.level, .name = level_name, .max = XP_PURGE + 1),
	DOC("cap", ENUM, ALWAYS, r.claim.cap, .name = level_name, .max = XP_PURGE + 1),
	DOC("scope", ENUM, ALWAYS, r.claim.scope, .name = scope_name, .max = XP_SCOPE_DRIVE + 1),
	DOC("technique", ENUM, ALWAYS, r.claim.technique, .name = technique_name,
	    .max = XP_TECHNIQUE_COUNT),
	DOC("reasons", LIST, ALWAYS, r.claim.reasons, DOC_COUNT(r.claim.reasons_n),
	    .max = XP_CLAIM_REASONS_MAX, .sub = &reason_schema),
	{.key = "not_covered",
	 .type = XP_F_STRINGS,
	 .presence = XP_P_ALWAYS,
	 .offset = offsetof(struct xp_record_doc, r.claim.not_covered),
	 .size = XP_MEMBER_SIZE(struct xp_claim, not_covered[0]),
	 .max = XP_MEMBER_SIZE(struct xp_claim, not_covered) /
		XP_MEMBER_SIZE(struct xp_claim, not_covered[0]),
	 DOC_COUNT(r.claim.not_covered_n)},
};
static const struct xp_schema claim_schema = DOC_SCHEMA(claim_fields);

static const struct xp_field hidden_fields[] = {
	XP_FIELD("controller", TEXT, ALWAYS, struct xp_hidden_note, controller),
	XP_FIELD("reason", TEXT, ALWAYS, struct xp_hidden_note, reason),
};
static const struct xp_schema hidden_schema = XP_SCHEMA(struct xp_hidden_note, hidden_fields);

static const struct xp_field host_fields[] = {
	DOC("model", TEXT, OPTIONAL, r.host.model),
	DOC("serial", TEXT, OPTIONAL, r.host.serial),
	DOC("drives_seen", UINT, ALWAYS, r.host.drives_seen),
	DOC("hidden", LIST, ALWAYS, r.host.hidden, DOC_COUNT(r.host.hidden_n),
	    .max = XP_MEMBER_SIZE(struct xp_record, host.hidden) / sizeof(struct xp_hidden_note),
	    .sub = &hidden_schema),
	DOC("complete", WORD, ALWAYS, r.host.complete, .words = yes_no_unknown),
};
static const struct xp_schema host_schema = DOC_SCHEMA(host_fields);

static const struct xp_field closed_fields[] = {
	XP_FIELD("name", TEXT, ALWAYS, struct xp_closed_mapping, name),
	XP_FIELD("uuid", ASCII, OPTIONAL, struct xp_closed_mapping, uuid),
	XP_FIELD("at", TIME, ALWAYS, struct xp_closed_mapping, at_s),
};
static const struct xp_schema closed_schema = XP_SCHEMA(struct xp_closed_mapping, closed_fields);

static const struct xp_field clock_fields[] = {
	DOC("source", WORD, ALWAYS, r.clock.source, .words = clock_sources),
	DOC("synchronized", BOOL, ALWAYS, r.clock.synchronized),
	/* the same as evidence, where the claim looks at it */
	DOC("state", ENUM, ALWAYS, r.evidence.clock_synchronized, .name = answer_name,
	    .max = XP_ANSWER_YES + 1),
	DOC("offset_ns", SIGNED, ALWAYS, r.clock.offset_ns),
	DOC("boot_id", UUID, OPTIONAL, r.clock.boot_id),
};
const struct xp_schema xp_schema_clock = DOC_SCHEMA(clock_fields);

static const struct xp_field tool_fields[] = {
	DOC("name", TEXT, ALWAYS, r.tool.name),
	DOC("version", TEXT, ALWAYS, r.tool.version),
	DOC("build_sha256", SHA256, OPTIONAL, r.tool.build_sha256),
	DOC("image_sha256", SHA256, OPTIONAL, r.tool.image_sha256),
};
const struct xp_schema xp_schema_tool = DOC_SCHEMA(tool_fields);

static const struct xp_field signer_fields[] = {
	XP_FIELD("role", WORD, ALWAYS, struct xp_signer, role, .words = roles),
	XP_FIELD("cert_sha256", HEX, ALWAYS, struct xp_signer, cert_sha256),
	XP_FIELD("alg", TOKEN, ALWAYS, struct xp_signer, alg),
};
const struct xp_schema xp_schema_signer = XP_SCHEMA(struct xp_signer, signer_fields);

static const struct xp_field person_fields[] = {
	XP_FIELD("role", WORD, ALWAYS, struct xp_person, role, .words = roles),
	XP_FIELD("name", TEXT, ALWAYS, struct xp_person, name),
	XP_FIELD("name_latin", TEXT, OPTIONAL, struct xp_person, name_latin),
	XP_FIELD("title", TEXT, OPTIONAL, struct xp_person, title),
	XP_FIELD("organization", TEXT, OPTIONAL, struct xp_person, organization),
	XP_FIELD("location", TEXT, OPTIONAL, struct xp_person, location),
	XP_FIELD("contact", TEXT, OPTIONAL, struct xp_person, contact),
};
const struct xp_schema xp_schema_person = XP_SCHEMA(struct xp_person, person_fields);

static const struct xp_field log_fields[] = {
	DOC("origin", TEXT, ALWAYS, r.log.origin),
	DOC("start_index", UINT, ALWAYS, r.log.start_index),
	DOC("checkpoint_size", UINT, ALWAYS, r.log.checkpoint_size),
	DOC("checkpoint_root", HEX, ALWAYS, r.log.checkpoint_root),
};
const struct xp_schema xp_schema_log = DOC_SCHEMA(log_fields);

/* ---- the record ---- */

static const struct xp_field record_fields[] = {
	DOC_CONST("schema", xp_record_schemas, .mismatch = "I_SCHEMA_UNKNOWN"),
	DOC("id", UUID7, ALWAYS, r.id),
	DOC("nonce", HEX, ALWAYS, r.nonce),
	DOC("kind", ENUM, ALWAYS, r.kind, .name = kind_name, .max = XP_RECORD_FAILURE + 1),
	DOC_OBJECT("supersedes", GIVEN, &xp_schema_supersedes, .when = xp_record_is_superseding),
	DOC("issued", TIME, ALWAYS, r.issued_s),
	DOC("asked", ENUM, ALWAYS, r.asked, .name = level_name, .max = XP_PURGE + 1),
	DOC("accepted", ENUM, ALWAYS, r.accepted, .name = level_name, .max = XP_PURGE + 1),
	DOC("tenant", TEXT, OPTIONAL, r.tenant),
	DOC("case", TEXT, OPTIONAL, r.case_no),
	DOC_OBJECT("media", ALWAYS, &media_schema),
	DOC_OBJECT("capacity", ALWAYS, &capacity_schema),
	DOC("method", WORD, OPTIONAL, r.method, .words = methods),
	DOC("technique", ENUM, ALWAYS, r.technique, .name = technique_name,
	    .max = XP_TECHNIQUE_COUNT),
	DOC_OBJECT("standard", ALWAYS, &standard_schema),
	DOC_OBJECT("policy", ALWAYS, &policy_schema),
	DOC("evidence", HEAP, ALWAYS, r.evidence.phases, DOC_COUNT(r.evidence.n),
	    .cap = offsetof(struct xp_record_doc, r.evidence.cap), .max = XP_RECORD_PHASES_MAX,
	    .sub = &xp_schema_phase),
	DOC("firmware", HEAP, OPTIONAL, r.evidence.firmware, DOC_COUNT(r.evidence.firmware_n),
	    .max = 64, .sub = &xp_schema_firmware),
	DOC("closed", LIST, OPTIONAL, r.closed, DOC_COUNT(r.closed_n), .max = XP_CLOSED_MAX,
	    .sub = &closed_schema),
	DOC("cancelled", BOOL, ALWAYS, r.evidence.cancelled),
	DOC_OBJECT("verification", ALWAYS, &xp_schema_verification),
	DOC("outcome", ENUM, ALWAYS, r.claim.outcome, .name = outcome_name,
	    .max = XP_OUTCOME_INDETERMINATE + 1),
	DOC_OBJECT("claim", ALWAYS, &claim_schema),
	DOC_OBJECT("host", ALWAYS, &host_schema),
	DOC_OBJECT("clock", ALWAYS, &xp_schema_clock),
	DOC_OBJECT("tool", ALWAYS, &xp_schema_tool),
	DOC("signers", LIST, ALWAYS, r.signers, DOC_COUNT(r.signers_n), .max = XP_SIGNERS_MAX,
	    .sub = &xp_schema_signer),
	DOC("persons", LIST, ALWAYS, r.persons, DOC_COUNT(r.persons_n), .max = XP_PERSONS_MAX,
	    .sub = &xp_schema_person),
	DOC("deadline", DATE, OPTIONAL, r.deadline),
	DOC("destination", WORD, OPTIONAL, r.destination, .words = destinations),
	DOC_LOG,
	DOC("ext", TREE, OPTIONAL, r.ext),
	DOC_CRIT,
};
const struct xp_schema xp_schema_record = DOC_SCHEMA(record_fields);

const struct xp_schema *xp_record_schema_of(enum xp_record_kind kind)
{
	return kind == XP_RECORD_VALIDATION ? &xp_schema_validation : &xp_schema_record;
}

/* ---- what is computed ---- */

static bool copy_member(char *out, size_t size, json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s && (size_t)snprintf(out, size, "%s", s) < size;
}

static enum xp_rc derive_policy(struct xp_record_doc *doc, struct xp_err *err)
{
	AUTO_MEM char *canonical = NULL;
	size_t len;

	doc->policy.document = doc->r.policy_json
				       ? json_loadb(doc->r.policy_json, doc->r.policy_len,
						    JSON_REJECT_DUPLICATES, NULL)
				       : NULL;
	if (!doc->policy.document)
		return xp_fail(err, XP_E_MALFORMED, "the policy is not JSON");
	if (!copy_member(doc->policy.name, sizeof(doc->policy.name), doc->policy.document,
			 "name") ||
	    !copy_member(doc->standard.name, sizeof(doc->standard.name), doc->policy.document,
			 "standard") ||
	    !copy_member(doc->standard.edition, sizeof(doc->standard.edition), doc->policy.document,
			 "edition"))
		return xp_fail(err, XP_E_MALFORMED, "the policy lacks name, standard or edition");
	if (xp_jcs_write(&canonical, &len, doc->policy.document, err) != XP_OK)
		return xp_err_prefix(err, "the policy has no canonical form");
	SHA256((const uint8_t *)canonical, len, doc->policy.sha256);
	return XP_OK;
}

void xp_record_derive_summary(struct xp_record_doc *doc)
{
	const struct xp_readback_result *r = NULL;

	for (size_t i = 0; i < doc->r.evidence.n; i++) {
		if (doc->r.evidence.phases[i].kind != XP_PHASE_READBACK)
			continue;
		r = &doc->r.evidence.phases[i].readback;
		doc->verification.phase = i;
	}
	if (!r)
		return;
	doc->verification.mode = r->mode;
	doc->verification.extents = r->extents;
	doc->verification.bytes_planned = r->bytes_planned;
	doc->verification.bytes_delivered = r->bytes_delivered;
	doc->verification.coverage_ppm = r->coverage_ppm;
	doc->verification.read_error_bytes = r->read_errors.total_bytes;
	doc->verification.mismatch_blocks = r->mismatch_total;
	/* a bound is the word for a sample without a finding, wholly read; for nothing else */
	doc->verification.bound_present = r->mode == XP_READBACK_SAMPLE && r->extents &&
					  !r->mismatch_total && !r->mismatch_n &&
					  !r->read_errors.total_count && r->bytes_planned &&
					  r->bytes_delivered >= r->bytes_planned;
}

void xp_record_derive_bound(struct xp_record_doc *doc)
{
	static const unsigned confidence_permille[] = {950, 990, 999};

	for (size_t i = 0; i < XP_ARRAY_LEN(confidence_permille); i++)
		doc->verification.bound_ppb[i] =
			xp_bound_residue_ppb(doc->verification.extents, confidence_permille[i]);
}

enum xp_rc xp_record_derive(struct xp_record_doc *doc, struct xp_err *err)
{
	/* who decides about a record applies no policy */
	if (doc->r.kind != XP_RECORD_VALIDATION)
		TRY(derive_policy(doc, err));
	xp_record_derive_summary(doc);
	if (doc->verification.bound_present)
		xp_record_derive_bound(doc);
	return XP_OK;
}
