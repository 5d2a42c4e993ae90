/* nvme_sanitize: the Sanitize Status log (81h) as facts, and what it says of our own sanitize.
 * Pure. */
#pragma once
#include "base/err.h"

enum xp_nvme_sanitize_state {
	XP_NVME_SANITIZE_UNKNOWN,
	XP_NVME_SANITIZE_NEVER,
	XP_NVME_SANITIZE_RUNNING,
	XP_NVME_SANITIZE_SUCCEEDED,
	XP_NVME_SANITIZE_SUCCEEDED_DEALLOCATED, /* read-back means little */
	XP_NVME_SANITIZE_FAILED,
};

/* SANS: where in a sanitize operation the drive is. Only drives with media verification say so. */
enum xp_nvme_sanitize_phase {
	XP_NVME_SANITIZE_PHASE_UNSAID, /* idle, or a drive that does not tell */
	XP_NVME_SANITIZE_PHASE_RESTRICTED,
	XP_NVME_SANITIZE_PHASE_RESTRICTED_FAILURE, /* only a sanitize that succeeds leads out */
	XP_NVME_SANITIZE_PHASE_UNRESTRICTED,
	XP_NVME_SANITIZE_PHASE_UNRESTRICTED_FAILURE, /* may be left, unsanitized */
	XP_NVME_SANITIZE_PHASE_VERIFICATION,	     /* erased; waits to be told that it was read */
	XP_NVME_SANITIZE_PHASE_DEALLOCATION,
};

#define XP_NVME_NO_ESTIMATE 0xffffffffU

struct xp_nvme_sanitize_log {
	enum xp_nvme_sanitize_state state;
	uint16_t progress; /* of 65536; FFFFh where none runs */
	uint16_t status;   /* SSTAT as it stands */
	uint8_t passes_done;
	bool global_data_erased; /* no user data written since manufacture or the last success */
	uint32_t cdw10;		 /* SCDW10: CDW10 of the last sanitize */
	uint32_t overwrite_s, block_s, crypto_s; /* estimates; XP_NVME_NO_ESTIMATE: none */
	enum xp_nvme_sanitize_phase phase, failed_in;
	bool verification_cancelled; /* MVCNCLD: by a reset, before it was told that it was read */
};

/* [NVMe Base, Sanitize Status log]. XP_E_MALFORMED: not 512 bytes, or nothing but FFh. */
MUST_USE enum xp_rc xp_nvme_sanitize_log_parse(struct xp_nvme_sanitize_log *out,
					       const uint8_t *data, size_t len, struct xp_err *err);

/*
 * The state as far as it can be that of a sanitize with CDW10: a success whose SCDW10 differs is
 * another's, and so unknown. Equal proves nothing by itself: an earlier one leaves the same word.
 */
enum xp_nvme_sanitize_state xp_nvme_sanitize_state_of(const struct xp_nvme_sanitize_log *log,
						      uint32_t cdw10);
/*
 * How far one that runs has come, of 65536. false: nothing runs, or it does not say. FFFFh is no
 * progress: it stands there after a failure and during media verification, too.
 */
bool xp_nvme_sanitize_progress(uint16_t *out, const struct xp_nvme_sanitize_log *log);
/* NULL: unsaid. */
const char *xp_nvme_sanitize_phase_name(enum xp_nvme_sanitize_phase phase);
const char *xp_nvme_sanitize_state_name(enum xp_nvme_sanitize_state state);
