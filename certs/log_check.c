#include "certs/log_check.h"

#include "base/cleanup.h"

bool xp_log_check_record(struct xp_log_proof_result *out, struct xp_findings *findings,
			 const struct xp_log_check_input *in)
{
	AUTO_MEM char *leaf = NULL;
	size_t leaf_len = 0;
	struct xp_err err;

	*out = (struct xp_log_proof_result){.verdict = XP_LOG_PROOF_LEAF_WRONG};
	if (xp_log_leaf_record(&leaf, &leaf_len, in->id, in->record_sha256, in->signature_sha256,
			       in->signatures_n, &err) != XP_OK ||
	    xp_log_proof_check(out, &(struct xp_log_bytes){in->proof, in->proof_len},
			       &(struct xp_log_bytes){leaf, leaf_len}, in->keys, &err) != XP_OK) {
		xp_findings_add(findings, "E_LOG_PROOF", "%s", err.msg);
		return false;
	}
	switch (out->verdict) {
	case XP_LOG_PROOF_HOLDS:
		return true;
	case XP_LOG_PROOF_KEY_UNKNOWN:
		xp_findings_add(findings, "I_LOG_KEY_UNKNOWN",
				"the checkpoint of log %s is signed by no log key that is trusted",
				out->checkpoint.origin);
		return false;
	case XP_LOG_PROOF_SIGNATURE_WRONG:
		xp_findings_add(findings, "E_LOG_SIGNATURE",
				"a signature of the checkpoint of log %s names a trusted key and "
				"does not hold",
				out->checkpoint.origin);
		return false;
	case XP_LOG_PROOF_LEAF_WRONG:
		xp_findings_add(findings, "E_LOG_LEAF",
				"the proof does not prove this record with these signatures at "
				"index %llu of log %s",
				(unsigned long long)out->index, out->checkpoint.origin);
		return false;
	}
	return false;
}
