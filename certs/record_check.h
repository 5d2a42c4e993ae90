/*
 * record_check: does a record that is well formed also hold together: is its claim what its own
 * evidence supports, under the policy that it embeds? Pure; no keys, no signatures.
 */
#pragma once
#include "certs/record.h"

struct xp_policy_memo;

/*
 * Adds what is wrong to FINDINGS:
 *   E_CLAIM_ABOVE_EVIDENCE  the record says more than its evidence supports
 *   E_CLAIM_DIFFERS         it says something else
 *   I_CLAIM_WORDING         a reason, or what is not covered, in other words than the rules'
 *   E_POLICY                the embedded policy is none
 *   E_POLICY_SWAPPED        it goes by the name of one that came with this program
 *   W_POLICY_OWN            it is an organization's own
 *   E_KIND_OUTCOME          a sanitization without success, or a failure with one
 *   E_ASKED                 more was accepted than was asked for, or nothing was
 *   E_SIGNERS               nobody who did the work signs, or somebody twice
 *   E_HOST                  a host that shows all its drives and hides some
 *   E_CLOCK                 the clock is called synchronized, the evidence says otherwise
 *   E_TEXT_FORBIDDEN        a text promises what no certificate can
 *   W_TEXT_MIXED            a word in it mixes letters that look alike
 *   E_SUPERSEDES            it supersedes itself
 * and, where a level is claimed as E_, where none is claimed as W_ (an honest record of a failure
 * may well hold evidence that does not fit):
 *   EVIDENCE_IDENTITY, EVIDENCE_RAW, EVIDENCE_MEDIA, EVIDENCE_TIME, EVIDENCE_EXTENTS, VERIFICATION
 * Errors: XP_E_NOMEM.
 */
MUST_USE enum xp_rc xp_record_check(const struct xp_record *r, struct xp_findings *findings,
				    struct xp_err *err);

/* What need not be found out again. */
struct xp_record_known {
	bool texts_are_fit;		       /* E_TEXT_FORBIDDEN, W_TEXT_MIXED: looked for */
	const struct xp_policy_memo *policies; /* NULL: none */
	struct xp_sample_memo *samples;	       /* claim/sample_plan.h; NULL: none */
	const struct xp_policy_seen *policy;   /* the record's; NULL: it has to be looked for */
	struct xp_claim *room;		       /* for a claim; NULL: it has to be made */
};
/* The same verdict, sooner. */
MUST_USE enum xp_rc xp_record_check_known(const struct xp_record *r,
					  const struct xp_record_known *known,
					  struct xp_findings *findings, struct xp_err *err);

/*
 * What a policy of today says, for a record that embeds an older one of the same name:
 * W_POLICY_TODAY where they differ, W_CLAIM_TODAY where today's would give less. Another name:
 * nothing is said. Errors: XP_E_MALFORMED where TODAY is no policy, XP_E_NOMEM.
 */
MUST_USE enum xp_rc xp_record_check_today(const struct xp_record *r, const char *today, size_t len,
					  struct xp_findings *findings, struct xp_err *err);

/*
 * Before the first destructive command: could this record be written and accepted, as far as it is
 * filled in? Finds what the operator typed and no record may hold, while nothing is lost. Evidence,
 * claim and signers may still be empty. Errors: XP_E_USAGE with the path and what is wrong with it.
 */
MUST_USE enum xp_rc xp_record_rehearse(const struct xp_record *r, struct xp_err *err);

/* E_CLOCK and W_CLOCK; E_SIGNERS for one who stands there twice. */
void xp_record_check_clock(const struct xp_record *r, struct xp_findings *findings);
void xp_record_check_signers(const struct xp_record *r, struct xp_findings *findings);
/* E_TEXT_FORBIDDEN and W_TEXT_MIXED alone, as xp_record_check finds them. Errors: XP_E_NOMEM. */
MUST_USE enum xp_rc xp_record_check_texts(const struct xp_record *r, struct xp_findings *findings,
					  struct xp_err *err);
/* Does TEXT say one of the things that a certificate must not say? NULL: no; else what. */
const char *xp_record_text_forbidden(const char *text);
/* W_TEXT_MIXED of one text, wherever it stands. */
void xp_record_check_script(struct xp_findings *findings, const char *where, const char *text);
/* The letter behind a full-width form, in lower case; 0 for what nobody sees. */
uint32_t xp_record_plain_letter(uint32_t c);
/* Surely none of them, by a quick look; else it has to be asked. */
bool xp_record_text_is_plain(const char *text);
/* The same in what a policy calls itself. */
void xp_record_check_policy_texts(struct xp_findings *findings, json_t *policy);
