/* claim_evidence: evidence of flawless runs, for tests to spoil, and the policies that ship. */
#pragma once
#include "claim/claim.h"

enum claim_case {
	CLAIM_IMAGE_ZERO_FULL,	/* 1 MiB image, zero, full readback */
	CLAIM_HDD_ZERO_SAMPLE,	/* 4 GB ATA disk that answered for itself, zero, scattered sample */
	CLAIM_SSD_PATTERN_R1,	/* 4 GB ATA SSD, pattern, r1 sample */
	CLAIM_STICK_TWO_PASSES, /* 2 GB stick, ffh then zero, full readback */
	CLAIM_NVME_RANDOM_FULL, /* 2 GB namespace, random, full readback */
	CLAIM_ATA_CRYPTO,	/* device command on an SSD: its completion is never proven */
	CLAIM_CASES,
};

/* Free with xp_evidence_free. Aborts where memory runs out. */
struct xp_evidence claim_evidence_new(enum claim_case which);
/* The first phase of a kind. */
struct xp_phase *claim_evidence_phase(struct xp_evidence *ev, enum xp_phase_kind kind);
/* "r1" or "r2"; with MODE, the readback that it asks for (NULL: its own). Free with xp_policy_free.
 */
struct xp_policy *claim_policy_load(const char *edition, const char *mode);
/* Why a claim was lowered, by the reason's code; NULL: not for that. */
const struct xp_reason *claim_reason(const struct xp_claim *c, const char *code);
bool claim_has_reason(const struct xp_claim *c, const char *code);
