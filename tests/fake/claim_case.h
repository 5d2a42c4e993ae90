/* claim_case: short words for tables of claims, and what a test spoils in flawless evidence. */
#pragma once
#include "tests/fake/claim_evidence.h"

#define NONE	XP_NONE
#define CLEAR	XP_CLEAR
#define FAILED	XP_OUTCOME_FAILED
#define UNSURE	XP_OUTCOME_INDETERMINATE
#define ABORTED XP_OUTCOME_ABORTED
#define OK	XP_OUTCOME_SANITIZED
#define EXCEPT	XP_OUTCOME_SANITIZED_WITH_EXCEPTIONS
#define LU	XP_SCOPE_LOGICAL_UNIT
#define DRIVE	XP_SCOPE_DRIVE
#define PART	XP_SCOPE_PARTITION
#define IMAGE	CLAIM_IMAGE_ZERO_FULL
#define HDD	CLAIM_HDD_ZERO_SAMPLE
#define SSD	CLAIM_SSD_PATTERN_R1
#define STICK	CLAIM_STICK_TWO_PASSES
#define NVME	CLAIM_NVME_RANDOM_FULL
#define CRYPTO	CLAIM_ATA_CRYPTO

/* What spoils evidence. ERASE and READBACK are the case's phases. */
struct spoil {
	struct xp_evidence *ev;
	struct xp_phase *first, *erase, *readback, *last;
};

bool claim_has_rule(const struct xp_claim *c, unsigned rule);
bool claim_leaves_out(const struct xp_claim *c, const char *words);
struct xp_policy *claim_policy_for(enum claim_case which);
void claim_judge(struct xp_claim *c, enum claim_case which, struct xp_evidence *ev);
struct spoil claim_spoil_of(struct xp_evidence *ev);
