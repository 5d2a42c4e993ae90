#include "certs/record_check.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/jcs.h"
#include "certs/policy_memo.h"
#include "certs/record_backing.h"
#include "certs/record_phases.h"
#include "certs/record_reach.h"
#include "certs/record_testimony.h"
#include "certs/validation_check.h"
#include "claim/firmware.h"

struct checker {
	const struct xp_record *r;
	struct xp_findings *f;
	bool claims; /* a level is claimed: the evidence must hold */
	const struct xp_record_known *known;
};

/* ---- the claim ---- */

/* Better is higher. */
static unsigned outcome_rank(enum xp_outcome v)
{
	switch (v) {
	case XP_OUTCOME_SANITIZED:
		return 3;
	case XP_OUTCOME_SANITIZED_WITH_EXCEPTIONS:
		return 2;
	case XP_OUTCOME_INDETERMINATE:
	case XP_OUTCOME_ABORTED:
		return 1;
	case XP_OUTCOME_FAILED:
		break;
	}
	return 0;
}

/* FIELD says more (ABOVE), or just something else. */
static void add_difference(struct checker *c, bool above, const char *field, const char *written,
			   const char *supported)
{
	xp_findings_add(c->f, above ? "E_CLAIM_ABOVE_EVIDENCE" : "E_CLAIM_DIFFERS",
			"%s: the record says %s, its evidence gives %s", field, written, supported);
}

static const struct xp_reason *find_reason(const struct xp_claim *claim,
					   const struct xp_reason *reason)
{
	for (unsigned i = 0; i < claim->reasons_n; i++)
		if (claim->reasons[i].rule == reason->rule &&
		    strcmp(claim->reasons[i].code, reason->code) == 0)
			return &claim->reasons[i];
	return NULL;
}

/* A character that was cut at the end of its room is dropped when a record is written. */
static bool is_same_text(const char *written, const char *given)
{
	size_t n = strlen(written);

	return strncmp(written, given, n) == 0 &&
	       (!given[n] || ((unsigned char)given[n] >= 0xc0 && strlen(given + n) < 4));
}

/* What the program did not say in these words may say more. */
static void add_wording(struct checker *c, const char *list, unsigned i)
{
	xp_findings_add(c->f, "I_CLAIM_WORDING",
			"claim.%s[%u]: not in the words of the rules; it may say more", list, i);
}

static void compare_not_covered(struct checker *c, const struct xp_claim *given)
{
	const struct xp_claim *written = &c->r->claim;

	if (written->not_covered_n < given->not_covered_n)
		xp_findings_add(c->f, "E_CLAIM_ABOVE_EVIDENCE",
				"claim.not_covered: %u entries, the evidence gives %u",
				written->not_covered_n, given->not_covered_n);
	for (unsigned i = 0; i < written->not_covered_n; i++)
		if (i >= given->not_covered_n ||
		    !is_same_text(written->not_covered[i], given->not_covered[i]))
			add_wording(c, "not_covered", i);
}

/* A limit that the evidence gives and the record leaves out is a claim too. */
static void compare_reasons(struct checker *c, const struct xp_claim *given)
{
	const struct xp_claim *written = &c->r->claim;

	for (unsigned i = 0; i < given->reasons_n; i++)
		if (!find_reason(written, &given->reasons[i]))
			xp_findings_add(c->f, "E_CLAIM_ABOVE_EVIDENCE",
					"claim.reasons: rule %u, %s, is left out",
					given->reasons[i].rule, given->reasons[i].code);
	for (unsigned i = 0; i < written->reasons_n; i++) {
		const struct xp_reason *reason = find_reason(given, &written->reasons[i]);

		if (!reason || find_reason(written, &written->reasons[i]) != &written->reasons[i])
			xp_findings_add(c->f, "E_CLAIM_DIFFERS",
					"claim.reasons[%u]: the evidence does not give it", i);
		else if (!is_same_text(written->reasons[i].text, reason->text))
			add_wording(c, "reasons", i);
	}
	compare_not_covered(c, given);
}

static bool has_erase(const struct xp_evidence *ev)
{
	for (size_t i = 0; i < ev->n; i++)
		if (ev->phases[i].kind == XP_PHASE_ERASE)
			return true;
	return false;
}

static void compare_claims(struct checker *c, const struct xp_claim *given)
{
	const struct xp_claim *w = &c->r->claim;

	if (w->level != given->level)
		add_difference(c, w->level > given->level, "claim.level", xp_level_name(w->level),
			       xp_level_name(given->level));
	if (w->cap != given->cap)
		add_difference(c, w->cap > given->cap, "claim.cap", xp_level_name(w->cap),
			       xp_level_name(given->cap));
	if (w->scope != given->scope)
		add_difference(c, w->scope > given->scope, "claim.scope", xp_scope_name(w->scope),
			       xp_scope_name(given->scope));
	if (w->outcome != given->outcome)
		add_difference(c, outcome_rank(w->outcome) > outcome_rank(given->outcome),
			       "outcome", xp_outcome_name(w->outcome),
			       xp_outcome_name(given->outcome));
	if (w->technique != given->technique && has_erase(&c->r->evidence))
		add_difference(c, false, "claim.technique", xp_technique_name(w->technique),
			       xp_technique_name(given->technique));
	compare_reasons(c, given);
}

/* The policy's name must not promise what its bytes do not hold. */
static void add_policy_origin(struct checker *c, const char *name, enum xp_policy_origin origin)
{
	switch (origin) {
	case XP_POLICY_OURS:
		break;
	case XP_POLICY_SWAPPED:
		xp_findings_add(c->f, "E_POLICY_SWAPPED",
				"policy.document: not what is known as %s", name);
		break;
	case XP_POLICY_OTHERS:
		xp_findings_add(c->f, "W_POLICY_OWN",
				"policy: %s is an organization's own; what it lets pass is that "
				"organization's word",
				name);
		break;
	}
}

static enum xp_rc check_policy_origin(struct checker *c, const struct xp_policy *policy,
				      struct xp_err *err)
{
	AUTO(xp_json_free) json_t *tree = NULL;
	AUTO_MEM char *canonical = NULL;
	uint8_t sha256[32];
	size_t len;

	tree = json_loadb(c->r->policy_json, c->r->policy_len, JSON_REJECT_DUPLICATES, NULL);
	TRY(xp_jcs_write(&canonical, &len, tree, err));
	SHA256((const uint8_t *)canonical, len, sha256);
	add_policy_origin(c, xp_policy_name(policy),
			  xp_policy_origin(xp_policy_name(policy), sha256));
	return XP_OK;
}

static const struct xp_policy_seen *find_seen(const struct checker *c)
{
	const struct xp_policy_seen *seen = NULL;

	if (!c->known || !c->r->policy_json)
		return NULL;
	if (c->known->policy)
		return c->known->policy;
	if (c->known->policies)
		seen = xp_policy_memo_find(c->known->policies, c->r->policy_json, c->r->policy_len);
	return seen && seen->len == c->r->policy_len ? seen : NULL;
}

static enum xp_rc compute_claim(struct xp_claim *given, struct checker *c, bool *is_policy,
				struct xp_err *err)
{
	AUTO(xp_policy_free) struct xp_policy *policy = NULL;
	const struct xp_policy_seen *seen = find_seen(c);
	struct xp_err why = {0};
	enum xp_rc rc;

	*is_policy = true;
	if (seen) {
		add_policy_origin(c, xp_policy_name(seen->policy), seen->origin);
		xp_claim_compute_with(given, &c->r->evidence, seen->policy, c->known->samples);
		return XP_OK;
	}
	rc = xp_policy_parse(&policy, c->r->policy_json, c->r->policy_len, &why);
	if (rc == XP_E_NOMEM)
		return xp_fail(err, rc, "%s", why.msg);
	if (rc != XP_OK) {
		xp_findings_add(c->f, "E_POLICY", "policy.document: %s", why.msg);
		*is_policy = false;
		return XP_OK;
	}
	TRY(check_policy_origin(c, policy, err));
	xp_claim_compute(given, &c->r->evidence, policy);
	return XP_OK;
}

/* A row that the record lacks may have come later, or was left out: that is for a person to ask. */
static void check_firmware(struct checker *c)
{
	const struct xp_evidence *ev = &c->r->evidence;
	const char *why;
	enum xp_level cap = xp_firmware_cap(&c->r->media, c->r->claim.technique, &why);

	if (!c->claims || cap >= c->r->claim.level)
		return;
	for (size_t i = 0; i < ev->firmware_n; i++)
		if (ev->firmware[i].technique == c->r->claim.technique &&
		    ev->firmware[i].cap <= cap)
			return;
	xp_findings_add(c->f, "W_CLAIM_TODAY",
			"claim: the firmware table of today gives %s at most for %s on this drive: "
			"%s",
			xp_level_name(cap), xp_technique_name(c->r->claim.technique), why);
}

static enum xp_rc check_claim(struct checker *c, struct xp_err *err)
{
	AUTO_MEM struct xp_claim *own = c->known && c->known->room ? NULL : malloc(sizeof(*own));
	struct xp_claim *given = own ? own : c->known ? c->known->room : NULL;
	bool is_policy;

	if (!given)
		return xp_fail(err, XP_E_NOMEM, "record");
	TRY(compute_claim(given, c, &is_policy, err));
	if (is_policy)
		compare_claims(c, given);
	check_firmware(c);
	return XP_OK;
}

static void check_head(struct checker *c)
{
	const struct xp_record *r = c->r;
	bool success = c->claims && (r->claim.outcome == XP_OUTCOME_SANITIZED ||
				     r->claim.outcome == XP_OUTCOME_SANITIZED_WITH_EXCEPTIONS);

	if ((r->kind == XP_RECORD_SANITIZATION) != success)
		xp_findings_add(c->f, "E_KIND_OUTCOME", "kind: %s, outcome %s, level %s",
				xp_record_kind_name(r->kind), xp_outcome_name(r->claim.outcome),
				xp_level_name(r->claim.level));
	if (r->accepted > r->asked)
		xp_findings_add(c->f, "E_ASKED", "accepted: %s, although %s was asked",
				xp_level_name(r->accepted), xp_level_name(r->asked));
	if (r->asked == XP_NONE || r->accepted == XP_NONE)
		xp_findings_add(c->f, "E_ASKED", "asked, accepted: nothing");
	if (strcmp(r->supersedes_id, r->id) == 0)
		xp_findings_add(c->f, "E_SUPERSEDES", "supersedes.id: the record's own");
	if (c->claims && r->technique != r->claim.technique)
		add_difference(c, false, "technique", xp_technique_name(r->technique),
			       xp_technique_name(r->claim.technique));
}

/* The method that was applied: never more than the technique can earn, never less than is claimed.
 */
static void check_method(struct checker *c)
{
	enum xp_level method = XP_NONE;

	if (strcmp(c->r->method, "destroy") == 0) {
		xp_findings_add(c->f, "E_CLAIM_ABOVE_EVIDENCE", "method: no program destroys");
		return;
	}
	if (c->r->method[0] && !xp_level_parse(&method, c->r->method))
		method = XP_NONE;
	if (method > c->r->claim.cap)
		xp_findings_add(c->f, "E_CLAIM_ABOVE_EVIDENCE",
				"method: the record names %s as what was applied, %s is the most "
				"that its technique reaches",
				c->r->method, xp_level_name(c->r->claim.cap));
	if (c->claims && method < c->r->claim.level)
		xp_findings_add(c->f, "E_CLAIM_DIFFERS",
				"method: the record names %s as what was applied, and claims %s",
				c->r->method[0] ? c->r->method : "nothing",
				xp_level_name(c->r->claim.level));
}

/* ---- around the job ---- */

/* Who approves was not there: somebody must stand behind the evidence. */
static bool has_testifier(const struct xp_record *r)
{
	for (unsigned i = 0; i < r->signers_n; i++)
		if (strcmp(r->signers[i].role, "performer") == 0 ||
		    strcmp(r->signers[i].role, "host") == 0)
			return true;
	return false;
}

/* Nobody calls a clock synchronized that is further off. */
#define CLOCK_OFF_NS INT64_C(60000000000)

void xp_record_check_clock(const struct xp_record *r, struct xp_findings *f)
{
	if (r->clock.synchronized != (r->evidence.clock_synchronized == XP_ANSWER_YES))
		xp_findings_add(f, "E_CLOCK", "clock.synchronized: clock.state says otherwise");
	if (!r->clock.synchronized)
		xp_findings_add(f, "W_CLOCK", "clock: not known to be synchronized");
	else if (r->clock.offset_ns > CLOCK_OFF_NS || r->clock.offset_ns < -CLOCK_OFF_NS)
		xp_findings_add(f, "W_CLOCK",
				"clock: called synchronized, and %lld s away from its source",
				(long long)(r->clock.offset_ns / 1000000000));
}

void xp_record_check_signers(const struct xp_record *r, struct xp_findings *f)
{
	for (unsigned i = 0; i < r->signers_n; i++)
		for (unsigned k = 0; k < i; k++)
			if (memcmp(r->signers[i].cert_sha256, r->signers[k].cert_sha256, 32) == 0 &&
			    strcmp(r->signers[i].alg, r->signers[k].alg) == 0)
				xp_findings_add(f, "E_SIGNERS", "signers[%u]: stands twice", i);
}

static void check_surroundings(struct checker *c)
{
	const struct xp_record *r = c->r;

	if (!has_testifier(r))
		xp_findings_add(c->f, "E_SIGNERS",
				"signers: nobody who did the work, no performer and no host");
	xp_record_check_signers(r, c->f);
	if (strcmp(r->host.complete, "yes") == 0 && r->host.hidden_n)
		xp_findings_add(c->f, "E_HOST", "host: complete, and hides drives");
	xp_record_check_clock(r, c->f);
}

enum xp_rc xp_record_check(const struct xp_record *r, struct xp_findings *findings,
			   struct xp_err *err)
{
	const struct xp_record_known nothing = {0};

	return xp_record_check_known(r, &nothing, findings, err);
}

enum xp_rc xp_record_check_known(const struct xp_record *r, const struct xp_record_known *known,
				 struct xp_findings *findings, struct xp_err *err)
{
	struct checker c = {
		.r = r, .f = findings, .claims = r->claim.level > XP_NONE, .known = known};

	if (r->kind == XP_RECORD_VALIDATION)
		return xp_validation_check(r, findings, err);
	check_head(&c);
	check_method(&c);
	xp_record_check_phases(r, c.claims, known->samples, findings);
	xp_record_check_testimony(r, c.claims, findings);
	xp_record_check_reach(r, c.claims, findings);
	xp_record_check_backing(r, c.claims, findings);
	check_surroundings(&c);
	if (!known->texts_are_fit)
		TRY(xp_record_check_texts(r, findings, err));
	TRY(check_claim(&c, err));
	if (findings->lost)
		return xp_fail(err, XP_E_NOMEM, "record");
	return XP_OK;
}

enum xp_rc xp_record_rehearse(const struct xp_record *r, struct xp_err *err)
{
	AUTO(xp_policy_free) struct xp_policy *policy = NULL;
	AUTO_MEM char *json = NULL;
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	struct checker c = {.r = r, .f = &findings};
	struct xp_err why = {0};
	size_t len;
	enum xp_rc rc = xp_record_write(&json, &len, r, &why);

	if (rc == XP_OK)
		rc = xp_policy_parse(&policy, r->policy_json, r->policy_len, &why);
	if (rc != XP_OK)
		return xp_fail(err, rc == XP_E_NOMEM ? rc : XP_E_USAGE, "%s", why.msg);
	TRY(check_policy_origin(&c, policy, err));
	if (r->signers_n && !has_testifier(r))
		return xp_fail(err, XP_E_USAGE,
			       "the key's role is %s: a record needs a performer or a host",
			       r->signers[0].role);
	for (size_t i = 0; i < findings.n; i++)
		if (findings.list[i].code[0] == 'E')
			return xp_fail(err, XP_E_USAGE, "%s: give it a name of its own",
				       findings.list[i].text);
	return XP_OK;
}

/* ---- the policy of today ---- */

static bool is_same_json(const char *a, size_t a_len, const char *b, size_t b_len)
{
	AUTO(xp_json_free) json_t *x = json_loadb(a, a_len, 0, NULL);
	AUTO(xp_json_free) json_t *y = json_loadb(b, b_len, 0, NULL);

	return x && y && json_equal(x, y);
}

static enum xp_rc compare_today(const struct xp_record *r, const struct xp_policy *policy,
				struct xp_findings *f, struct xp_err *err)
{
	AUTO_MEM struct xp_claim *now = calloc(1, sizeof(*now));

	if (!now)
		return xp_fail(err, XP_E_NOMEM, "record");
	xp_findings_add(f, "W_POLICY_TODAY", "policy: %s has changed since",
			xp_policy_name(policy));
	xp_claim_compute(now, &r->evidence, policy);
	if (now->level < r->claim.level || now->scope < r->claim.scope)
		xp_findings_add(f, "W_CLAIM_TODAY",
				"claim: today's %s would give %s, scope %s, on this evidence",
				xp_policy_name(policy), xp_level_name(now->level),
				xp_scope_name(now->scope));
	return XP_OK;
}

enum xp_rc xp_record_check_today(const struct xp_record *r, const char *today, size_t len,
				 struct xp_findings *findings, struct xp_err *err)
{
	AUTO(xp_policy_free) struct xp_policy *old = NULL;
	AUTO(xp_policy_free) struct xp_policy *policy = NULL;

	TRY(xp_policy_parse(&policy, today, len, err));
	TRY(xp_policy_parse(&old, r->policy_json, r->policy_len, err));
	if (strcmp(xp_policy_name(old), xp_policy_name(policy)) != 0 ||
	    is_same_json(r->policy_json, r->policy_len, today, len))
		return XP_OK;
	return compare_today(r, policy, findings, err);
}
