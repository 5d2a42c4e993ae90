/* The fields of a record of kind validation: what somebody decided about another record. */
#include "base/cleanup.h"
#include "certs/evidence_json.h"
#include "certs/record_parts.h"

XP_ENUM_NAME(kind_name, xp_record_kind_name, xp_record_kind)
XP_ENUM_NAME(answer_name, xp_answer_name, xp_answer)
XP_ENUM_NAME(decision_name, xp_decision_name, xp_decision)

static const char *const kinds[] = {"validation", NULL};

static const struct xp_field digest_fields[] = {
	XP_FIELD("sha256", HEX, ALWAYS, struct xp_signature_digest, sha256),
};
static const struct xp_schema digest_schema = XP_SCHEMA(struct xp_signature_digest, digest_fields);

static const struct xp_field subject_fields[] = {
	DOC("id", UUID7, ALWAYS, r.validation.subject_id),
	DOC("kind", ENUM, ALWAYS, r.validation.subject_kind, .name = kind_name,
	    .max = XP_RECORD_FAILURE + 1),
	DOC("sha256", HEX, ALWAYS, r.validation.subject_sha256),
	DOC("signatures", LIST, ALWAYS, r.validation.signatures,
	    DOC_COUNT(r.validation.signatures_n), .max = XP_SIGNERS_MAX, .sub = &digest_schema),
};
static const struct xp_schema subject_schema = DOC_SCHEMA(subject_fields);

#define CONCERN(KEY)                                                                               \
	DOC(#KEY, ENUM, ALWAYS, r.validation.concerns.KEY, .name = answer_name,                    \
	    .max = XP_ANSWER_YES + 1)

static const struct xp_field concern_fields[] = {
	CONCERN(unreached), CONCERN(technique), CONCERN(qualification),
	CONCERN(outcome),   CONCERN(scope),
};
static const struct xp_schema concern_schema = DOC_SCHEMA(concern_fields);

static const struct xp_field validation_fields[] = {
	DOC_CONST("schema", xp_record_schemas, .mismatch = "I_SCHEMA_UNKNOWN"),
	DOC("id", UUID7, ALWAYS, r.id),
	DOC("nonce", HEX, ALWAYS, r.nonce),
	DOC_CONST("kind", kinds),
	DOC_OBJECT("supersedes", GIVEN, &xp_schema_supersedes, .when = xp_record_is_superseding),
	DOC("issued", TIME, ALWAYS, r.issued_s),
	DOC("tenant", TEXT, OPTIONAL, r.tenant),
	DOC("case", TEXT, OPTIONAL, r.case_no),
	DOC_OBJECT("subject", ALWAYS, &subject_schema),
	DOC("media", OBJECT, ALWAYS, r.media, .sub = &xp_schema_identity),
	DOC("decision", ENUM, ALWAYS, r.validation.decision, .name = decision_name,
	    .max = XP_DECISION_REJECT + 1),
	DOC("remarks", TEXT, OPTIONAL, r.validation.remarks),
	DOC_OBJECT("concerns", ALWAYS, &concern_schema),
	DOC("evidence", HEAP, ALWAYS, r.evidence.phases, DOC_COUNT(r.evidence.n),
	    .cap = offsetof(struct xp_record_doc, r.evidence.cap), .max = XP_RECORD_PHASES_MAX,
	    .sub = &xp_schema_phase),
	DOC_OBJECT("verification", ALWAYS, &xp_schema_verification),
	DOC_OBJECT("clock", ALWAYS, &xp_schema_clock),
	DOC_OBJECT("tool", ALWAYS, &xp_schema_tool),
	DOC("signers", LIST, ALWAYS, r.signers, DOC_COUNT(r.signers_n), .max = XP_SIGNERS_MAX,
	    .sub = &xp_schema_signer),
	DOC("persons", LIST, ALWAYS, r.persons, DOC_COUNT(r.persons_n), .max = XP_PERSONS_MAX,
	    .sub = &xp_schema_person),
	DOC_LOG,
	DOC("ext", TREE, OPTIONAL, r.ext),
	DOC_CRIT,
};
const struct xp_schema xp_schema_validation = DOC_SCHEMA(validation_fields);

static const struct xp_field reading_fields[] = {
	XP_FIELD("evidence", HEAP, ALWAYS, struct xp_evidence, phases,
		 XP_COUNT(struct xp_evidence, n), .cap = offsetof(struct xp_evidence, cap),
		 .max = XP_RECORD_PHASES_MAX, .sub = &xp_schema_phase),
};
const struct xp_schema xp_schema_reading = XP_SCHEMA(struct xp_evidence, reading_fields);
