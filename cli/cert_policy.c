#include "cli/cert_policy.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/jcs.h"
#include "certs/known_policies.h"
#include "certs/record_check.h"
#include "claim/claim.h"
#include "cli/policies.h"

/* What a level means to whoever names no policy. */
#define OURS "nist-800-88r2"

void xp_accepted_policies_free(struct xp_accepted_policies *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i].json);
	free(p->list);
	*p = (struct xp_accepted_policies){0};
}

static enum xp_rc read_one(struct xp_accepted_policy *out, const char *word, struct xp_err *err)
{
	AUTO(xp_policy_free) struct xp_policy *policy = NULL;
	AUTO(xp_json_free) json_t *tree = NULL;
	struct xp_builtin_policy ours;
	AUTO_MEM char *text = NULL;
	struct xp_err why = {0};
	size_t len = 0;
	enum xp_rc rc;

	if (xp_builtin_policy_find(&ours, word)) {
		snprintf(out->name, sizeof(out->name), "%s", ours.name);
		return XP_OK;
	}
	TRY(xp_file_read(&text, &len, word, XP_POLICY_MAX_BYTES, err));
	rc = xp_policy_parse(&policy, text, len, &why);
	if (rc != XP_OK)
		return xp_fail(err, rc == XP_E_NOMEM ? rc : XP_E_USAGE, "%s: %s", word, why.msg);
	tree = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	return xp_jcs_write(&out->json, &out->len, tree, err);
}

enum xp_rc xp_accepted_policies_read(struct xp_accepted_policies *out, const char *const *words,
				     struct xp_err *err)
{
	size_t n = 0;

	while (words[n])
		n++;
	out->list = calloc(n + 1, sizeof(*out->list));
	if (!out->list)
		return xp_fail(err, XP_E_NOMEM, "policies");
	for (; out->n < n; out->n++)
		TRY(read_one(&out->list[out->n], words[out->n], err));
	return XP_OK;
}

static bool is_accepted(const struct xp_accepted_policies *p, const struct xp_record *r,
			const struct xp_policy *policy)
{
	uint8_t sha256[32];

	SHA256((const uint8_t *)r->policy_json, r->policy_len, sha256);
	for (size_t i = 0; i < p->n; i++) {
		const struct xp_accepted_policy *one = &p->list[i];

		if (one->json ? one->len == r->policy_len &&
					memcmp(one->json, r->policy_json, one->len) == 0
			      : strcmp(one->name, xp_policy_name(policy)) == 0 &&
					xp_policy_origin(one->name, sha256) == XP_POLICY_OURS)
			return true;
	}
	return false;
}

static bool is_an_own_one(const struct xp_check_result *r)
{
	for (size_t i = 0; i < r->findings.n; i++)
		if (strcmp(r->findings.list[i].code, "W_POLICY_OWN") == 0)
			return true;
	return false;
}

/* Would the same evidence earn what is required by the policy that everybody has? */
static enum xp_rc judge_by_ours(struct xp_check_result *r, const struct xp_requirements *req,
				const struct xp_policy *policy, struct xp_err *err)
{
	AUTO_MEM struct xp_claim *given = calloc(1, sizeof(*given));
	AUTO(xp_policy_free) struct xp_policy *ours = NULL;
	struct xp_builtin_policy builtin;

	if (!given)
		return xp_fail(err, XP_E_NOMEM, "policy");
	if (!xp_builtin_policy_find(&builtin, OURS))
		return xp_fail(err, XP_E_INTERNAL, "policy %s", OURS);
	TRY(xp_policy_parse(&ours, builtin.json, builtin.len, err));
	xp_claim_compute(given, &r->record->evidence, ours);
	if (given->level < req->level && r->record->claim.level >= req->level)
		xp_findings_add(&r->findings, "P_POLICY",
				"level %s is claimed by the policy %s, an organization's own; by "
				"%s the evidence gives %s. If it is yours to accept, name it with "
				"--policy",
				xp_level_name(r->record->claim.level), xp_policy_name(policy), OURS,
				xp_level_name(given->level));
	return XP_OK;
}

enum xp_rc xp_accepted_policies_judge(struct xp_check_result *r,
				      const struct xp_accepted_policies *p,
				      const struct xp_requirements *req, struct xp_err *err)
{
	AUTO(xp_policy_free) struct xp_policy *policy = NULL;
	struct xp_err why = {0};
	enum xp_rc rc;

	if (!r->record || !r->record->policy_json)
		return XP_OK;
	if (!p->n && !(req->level_given && is_an_own_one(r)))
		return XP_OK;
	rc = xp_policy_parse(&policy, r->record->policy_json, r->record->policy_len, &why);
	if (rc == XP_E_NOMEM)
		return xp_fail(err, rc, "%s", why.msg);
	/* what is no policy has its finding already */
	if (rc != XP_OK)
		return XP_OK;
	if (!p->n)
		return judge_by_ours(r, req, policy, err);
	if (!is_accepted(p, r->record, policy))
		xp_findings_add(&r->findings, "P_POLICY",
				"it is judged by the policy %s, which is none of those of --policy",
				xp_policy_name(policy));
	return XP_OK;
}
