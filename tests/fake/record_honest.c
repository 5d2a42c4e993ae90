#include "tests/fake/record_honest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"

void record_use_policy(struct xp_record *r, const char *path)
{
	struct xp_err err = {0};

	free(r->policy_json);
	r->policy_json = NULL;
	if (xp_file_read(&r->policy_json, &r->policy_len, path, XP_POLICY_MAX_BYTES, &err) != XP_OK)
		fail_msg("%s", err.msg);
}

void record_claim_again(struct xp_record *r)
{
	struct xp_policy *policy = NULL;
	struct xp_err err = {0};

	if (xp_policy_parse(&policy, r->policy_json, r->policy_len, &err) != XP_OK)
		fail_msg("%s", err.msg);
	xp_claim_compute(&r->claim, &r->evidence, policy);
	xp_policy_free(&policy);
	r->kind = r->claim.level > XP_NONE ? XP_RECORD_SANITIZATION : XP_RECORD_FAILURE;
}

struct xp_record *record_honest(void)
{
	struct xp_record *r = record_sample_new();

	record_use_policy(r, "docs/policies/nist-800-88r2.json");
	record_claim_again(r);
	return r;
}

struct xp_readback_result *record_readback(struct xp_record *r)
{
	return &r->evidence.phases[2].readback;
}

void record_rewrite_policy(struct xp_record *r, const char *from, const char *to)
{
	char *at = strstr(r->policy_json, from);

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
}

bool findings_have(const struct xp_findings *f, const char *code, const char *where)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].code, code) == 0 && strstr(f->list[i].text, where))
			return true;
	return false;
}

bool findings_are_errors(const struct xp_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->list[i].code[0] != 'W')
			return true;
	return false;
}

void record_expect(struct xp_record *r, const char *code, const char *where)
{
	struct xp_findings f = {0};
	struct xp_err err = {0};

	assert_int_equal(xp_record_check(r, &f, &err), XP_OK);
	if (code ? !findings_have(&f, code, where) : findings_are_errors(&f)) {
		for (size_t i = 0; i < f.n; i++)
			print_error("found %s: %s\n", f.list[i].code, f.list[i].text);
		fail_msg("expected %s %s", code ? code : "no error", where ? where : "");
	}
	xp_findings_free(&f);
	record_sample_free(r);
}

struct xp_record *record_frozen(const char *id)
{
	AUTO(xp_findings_free) struct xp_findings f = {0};
	struct xp_record *r = calloc(1, sizeof(*r));
	AUTO_MEM char *json = NULL;
	struct xp_err err = {0};
	char path[256];
	size_t len = 0;

	assert_non_null(r);
	snprintf(path, sizeof(path), "tests/data/frozen/0.1.0-drives/%s.json", id);
	if (xp_file_read(&json, &len, path, XP_RECORD_MAX_BYTES, &err) != XP_OK ||
	    xp_record_parse(r, json, len, &f, &err) != XP_OK)
		fail_msg("%s", err.msg);
	return r;
}
