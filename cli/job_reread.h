/* job_reread: reads a target again and holds it against a record: `verify`, and --if-needed. */
#pragma once
#include "cli/job.h"

enum xp_reread_verdict { XP_REREAD_CLEAN, XP_REREAD_RESIDUE, XP_REREAD_INDETERMINATE };

/* When something was read. */
struct xp_reread_span {
	int64_t start_s, end_s;
	uint64_t start_ns, end_ns;
};

struct xp_reread {
	struct xp_identity identity; /* of the target, as read now */
	struct xp_reread_span again_span, fresh_span;
	enum xp_reread_verdict verdict;
	char why[256];
	struct xp_readback_result again; /* the record's own places (mode sample) */
	struct xp_readback_result fresh; /* places drawn now, or everything */
	bool has_again;
	uint64_t markers;	   /* written before the erase; alive: in fresh */
	bool markers_seen;	   /* there were some, and all their places could be read */
	struct xp_key_search keys; /* after luks-destroy: what stands where keys stood */
};

struct xp_reread_request {
	const struct xp_sysroot *root;
	const struct xp_target *target;
	const struct xp_record *record;
	bool full;
	const struct xp_rng *rng;
	const struct xp_clock *clock;
	void *ctx;
	void (*progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes);
	bool (*cancelled)(void *ctx);
};

/* Opens the target read-only. What is found is in OUT; errors are those of the reading itself.
 * XP_E_REFUSED: the target is not the one of the record. */
MUST_USE enum xp_rc xp_reread_run(struct xp_reread *out, const struct xp_reread_request *req,
				  struct xp_err *err);
void xp_reread_free(struct xp_reread *r);
/*
 * Is what is there now the target of the record? KERNEL: by the kernel's word; OWN: by the drive's,
 * NULL where it does not answer. A record that was made without the drive's word is held against
 * the kernel's, and the drive's must not contradict it.
 */
bool xp_reread_is_same(const struct xp_record *record, const struct xp_identity *kernel,
		       const struct xp_identity *own, const char **difference);
/* What was read, in the form of a record's evidence, for `expunge-cert validate --readback`. */
MUST_USE enum xp_rc xp_reread_evidence(json_t **out, const struct xp_reread *r,
				       const struct xp_record *record, struct xp_err *err);

/* Reads ID.json or any record file; the signature is not looked at. SHA256: of its bytes. */
MUST_USE enum xp_rc xp_record_read_file(struct xp_record *out, uint8_t sha256[32], const char *path,
					struct xp_err *err);
MUST_USE enum xp_rc xp_record_read_at(struct xp_record *out, int dir_fd, const char *name,
				      struct xp_err *err);
