/* record_fields: the fields of a record, and those that are computed from others when it is
 * written. */
#pragma once
#include "certs/schema.h"

#define XP_CRIT_MAX 16

/* The last readback in short. */
struct xp_record_summary {
	enum xp_readback_mode mode;
	uint64_t phase; /* index in evidence */
	uint64_t extents, bytes_planned, bytes_delivered, coverage_ppm;
	uint64_t read_error_bytes, mismatch_blocks;
	bool bound_present;
	uint64_t bound_ppb[3]; /* at 95, 99, 99.9 % */
};

/* A record with what stands beside it in the document. */
struct xp_record_doc {
	struct xp_record r;
	/* from here on computed from r; compared on reading */
	struct {
		char name[64];
		uint8_t sha256[32]; /* of the canonical bytes of the document */
		json_t *document;
	} policy;
	struct {
		char name[64];
		char edition[64];
	} standard;
	struct xp_record_summary verification;
	/* read only: a record with critical extensions is never passed and never written */
	char crit[XP_CRIT_MAX][128];
	unsigned crit_n;
};

/* Both of struct xp_record_doc. */
extern const struct xp_schema xp_schema_record; /* kinds sanitization and failure */
extern const struct xp_schema xp_schema_validation;
/* struct xp_evidence, its phases only: {"evidence": []}. */
extern const struct xp_schema xp_schema_reading;
const struct xp_schema *xp_record_schema_of(enum xp_record_kind kind);

/*
 * Fills what is computed from doc->r. The policy document is owned by the doc.
 * Errors: XP_E_MALFORMED where the policy is no JSON object with name, standard and edition.
 */
MUST_USE enum xp_rc xp_record_derive(struct xp_record_doc *doc, struct xp_err *err);
/* Of that only the summary of the readback, without its bound; and the bound, by its extents. */
void xp_record_derive_summary(struct xp_record_doc *doc);
void xp_record_derive_bound(struct xp_record_doc *doc);
