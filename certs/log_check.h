/*
 * log_check: what the log says about one record, as findings: for `verify --log-key`.
 */
#pragma once
#include "certs/log_proof.h"
#include "certs/record.h"

/* The artefacts of one record, as the verifier computed them. */
struct xp_log_check_input {
	const char *proof; /* the bytes of ID.tlog-proof */
	size_t proof_len;
	const struct xp_note_vkeys *keys; /* of --log-key; NULL: none was given */
	const char *id;			  /* the record's */
	const uint8_t *record_sha256;	  /* 32 bytes */
	const uint8_t (*signature_sha256)[32];
	size_t signatures_n; /* in any order */
};

/*
 * Adds E_LOG_PROOF (no proof at all), E_LOG_SIGNATURE (a signature that names a trusted key does
 * not hold), E_LOG_LEAF (the proof is of another record, other signatures, or another tree),
 * I_LOG_KEY_UNKNOWN (no trusted key signed the checkpoint). Returns true, and *OUT says index and
 * checkpoint, where nothing was added. *OUT's checkpoint is filled, but unproven, where only
 * I_LOG_KEY_UNKNOWN was.
 */
bool xp_log_check_record(struct xp_log_proof_result *out, struct xp_findings *findings,
			 const struct xp_log_check_input *in);
