/*
 * log_audit: looks at a whole log as a stranger does: hashes every entry again, compares every
 * tile, judges the checkpoint and an older one that left the log's place.
 */
#pragma once
#include "certs/log_jobs.h"
#include "certs/log_reader.h"
#include "certs/record.h"

struct xp_log_audit_input {
	int log_fd;
	const struct xp_note_vkey *vkey; /* from --log-key; NULL: none is trusted */
	const char *old;		 /* an older checkpoint of this log; NULL: none */
	size_t old_len;
};

struct xp_log_audit {
	struct xp_checkpoint checkpoint; /* as it stands there; unproven where a finding says so */
	bool is_signed;			 /* by the trusted key */
	uint64_t entries;		 /* that were hashed again */
	uint64_t starts;
	uint64_t records;
	uint64_t others;
	struct xp_checkpoint old;
	bool old_holds; /* the older checkpoint is the beginning of this log */
	struct xp_log_jobs open_jobs;
};

/*
 * Findings: E_LOG_CHECKPOINT (no checkpoint, or none at all), E_LOG_SIGNATURE, I_LOG_KEY_UNKNOWN,
 * E_LOG_ENTRIES (gone, torn, or not of canonical form), E_LOG_ROOT (the entries are not those that
 * were signed), E_LOG_TILE (gone, or not what the entries give), E_LOG_OLD (the older one cannot be
 * read), E_LOG_OTHER (it is of another log), E_LOG_ROLLBACK (it is of more entries), E_LOG_FORK (of
 * others). Errors: no memory, or the host's I/O.
 */
MUST_USE enum xp_rc xp_log_audit_run(struct xp_log_audit *out, struct xp_findings *findings,
				     const struct xp_log_audit_input *in, struct xp_err *err);
void xp_log_audit_free(struct xp_log_audit *a);
