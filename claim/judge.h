/*
 * judge: one attempt before the rules: what they may look at, and how they lower a claim. Inside
 * claim/ only. Rules that need the target and the technique alone also judge a claim to expect.
 */
#pragma once
#include "claim/claim.h"

struct xp_judge {
	struct xp_claim *claim;
	const struct xp_policy *policy;
	struct xp_sample_memo *samples; /* what figures of samples follow from */
	/* the target and what is done to it */
	const struct xp_identity *id;
	const struct xp_capacity_facts *capacity;
	enum xp_technique technique;
	unsigned passes;
	/* luks-destroy: what its headers say; NULL: not known */
	const struct xp_luks_volume *volumes;
	size_t volume_n;
	/* file-overwrite: what is known of the file before; NULL: nothing */
	const struct xp_file_facts *file;
	/* the run; NULL and 0 where a claim is only expected */
	const struct xp_evidence *ev;
	uint32_t attempt;
	const struct xp_phase *erase; /* the last erase phase of the attempt */
	const struct xp_phase
		*readback; /* the last readback of the attempt, after its last erase */
};

/* A rule of docs/methods.md, by its number there. */
struct xp_rule {
	unsigned number;
	void (*apply)(struct xp_judge *j);
};

/* Rules about the target and the technique: for an expected claim as well. */
extern const struct xp_rule xp_rules_target[];
extern const size_t xp_rules_target_n;
/* Rules about what was observed. */
extern const struct xp_rule xp_rules_run[];
extern const size_t xp_rules_run_n;

/* Lowers the level to LEVEL at most, worsens the outcome to OUTCOME at best, and says why. */
void xp_judge_lower(struct xp_judge *j, unsigned rule, const char *code, enum xp_level level,
		    enum xp_outcome outcome, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* Narrows the scope and says why. */
void xp_judge_narrow(struct xp_judge *j, unsigned rule, const char *code, enum xp_scope scope,
		     const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Both: the scope at most SCOPE, the level at most LEVEL, for one reason; the outcome stays. */
void xp_judge_limit(struct xp_judge *j, unsigned rule, const char *code, enum xp_scope scope,
		    enum xp_level level, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* Says something that lowers nothing. */
void xp_judge_note(struct xp_judge *j, unsigned rule, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void xp_judge_not_covered(struct xp_judge *j, const char *what);

/* claim/rules_keys.c */
void xp_rule_keys(struct xp_judge *j);
void xp_rule_keys_run(struct xp_judge *j);

/* claim/rules_file.c */
void xp_rule_file(struct xp_judge *j);

/* claim/rules_readback.c */
void xp_rule_readback_missing(struct xp_judge *j);
void xp_rule_readback_contradicts(struct xp_judge *j);

/* claim/rules_overwrite.c */
void xp_rule_sanitize_passes(struct xp_judge *j);

/* What an unfinished job ends as: aborted where somebody stopped it, indeterminate where the target
 * stopped to answer, else failed. */
enum xp_outcome xp_judge_unfinished(const struct xp_judge *j);
/* Is there a raw answer of the drive itself, of this kind, and can it be decoded? */
bool xp_judge_has_raw(const struct xp_identity *id, enum xp_raw_kind kind);
/* Virtual media: no drive, no hidden areas of a drive. */
bool xp_judge_is_drive(const struct xp_identity *id);
/* Destroys a key in place of the data. */
bool xp_judge_is_crypto(enum xp_technique t);
