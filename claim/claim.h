/*
 * claim: the heart. A pure function from evidence and policy to what may be said: it starts from
 * the cap of (technique, media, policy) and only goes down (standards.md 9). The plan asks it for
 * the claim to expect, run for the one to write, expunge-cert for the one that the evidence
 * supports.
 */
#pragma once
#include "claim/evidence.h"
#include "claim/policy.h"

#define XP_CLAIM_RULES	     "expunge-claim/1"
#define XP_CLAIM_REASONS_MAX 32

struct xp_reason {
	unsigned rule;	/* number in docs/methods.md; 0: the cap itself */
	char code[32];	/* stable, e.g. "not-all-written", "residue-found" */
	char text[256]; /* for a person */
};

struct xp_claim {
	enum xp_level level;
	enum xp_level cap;
	enum xp_scope scope;
	enum xp_outcome outcome;
	enum xp_technique
		technique; /* the one that earned the level; of the last attempt if none */
	unsigned reasons_n;
	struct xp_reason reasons[XP_CLAIM_REASONS_MAX];
	unsigned not_covered_n;
	char not_covered[16][128];
};

/* Computes the claim. Never fails on strange evidence: what is not proven is not claimed. */
void xp_claim_compute(struct xp_claim *out, const struct xp_evidence *ev,
		      const struct xp_policy *policy);
/* The same of many: MEMO (claim/sample_plan.h) keeps what one target's figures follow from. */
struct xp_sample_memo;
void xp_claim_compute_with(struct xp_claim *out, const struct xp_evidence *ev,
			   const struct xp_policy *policy, struct xp_sample_memo *memo);

/*
 * The claim that a flawless run of TECHNIQUE with PASSES passes on this identity would earn. Hidden
 * areas: none on virtual media, not asked on a drive.
 */
void xp_claim_expect(struct xp_claim *out, const struct xp_identity *id,
		     enum xp_technique technique, unsigned passes, const struct xp_policy *policy);
/* The same where the hidden areas have been asked for. */
void xp_claim_expect_with(struct xp_claim *out, const struct xp_identity *id,
			  const struct xp_capacity_facts *capacity, enum xp_technique technique,
			  unsigned passes, const struct xp_policy *policy);

/* The same for luks-destroy on the N VOLUMES that were found. */
void xp_claim_expect_luks(struct xp_claim *out, const struct xp_identity *id,
			  const struct xp_capacity_facts *capacity,
			  const struct xp_luks_volume *volumes, size_t n,
			  const struct xp_policy *policy);

/* The same for file-overwrite on a file of which FILE is known. */
void xp_claim_expect_file(struct xp_claim *out, const struct xp_identity *id,
			  const struct xp_capacity_facts *capacity,
			  const struct xp_file_facts *file, const struct xp_policy *policy);

/*
 * The exit code of `expunge run` for a claim (interface.md): 1 failed, 2 indeterminate, 5 aborted;
 * else 0 where the level is at least ASKED or ACCEPTED (ASKED again where nothing lower is
 * accepted), 3 where it is lower. A sanitized outcome without a level is never 0. A file that was
 * overwritten where nobody can know that its bytes were hit is 3, too.
 */
int xp_claim_exit_code(const struct xp_claim *claim, enum xp_level asked, enum xp_level accepted);
