#include "tests/fake/check_voice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "certs/validation_check.h"
#include "tests/fake/cms_parts.h"
#include "tests/fake/record_sample.h"

/* By N people, each alone; then their signatures are put into one file. */
static void sign_by(struct voice *v, struct lab_person *const *people, unsigned n,
		    enum xp_role role)
{
	struct xp_signing_key *keys[XP_SIGNERS_MAX];
	struct cms_parts parts = {0};
	struct xp_err err = {0};

	for (unsigned i = 0; i < n; i++) {
		keys[i] = lab_signing_key(people[i], NULL);
		keys[i]->role = role;
		xp_signing_key_describe(&v->r->signers[i], &v->r->persons[i], keys[i]);
	}
	v->r->signers_n = v->r->persons_n = n;
	free(v->json);
	free(v->p7s);
	if (xp_record_write(&v->json, &v->json_len, v->r, &err) != XP_OK)
		fail_msg("%s", err.msg);
	for (unsigned i = 0; i < n; i++) {
		uint8_t *p7s = NULL;
		size_t len = 0;

		assert_int_equal(
			xp_sign(&p7s, &len, keys[i], v->json, v->json_len, LAB_NOW_S, NULL), XP_OK);
		(i == 0 ? cms_parts_take : cms_parts_join)(&parts, p7s, len);
		free(p7s);
		xp_signing_key_free(&keys[i]);
	}
	v->p7s = cms_parts_build(&parts, &v->p7s_len);
	cms_parts_free(&parts);
}

void sign_voice(struct voice *v, struct lab_person *by, enum xp_role role)
{
	sign_by(v, &by, 1, role);
}

void sign_voice_jointly(struct voice *v, struct lab_person *by, struct lab_person *with,
			enum xp_role role)
{
	struct lab_person *const both[] = {by, with};

	sign_by(v, both, 2, role);
}

struct voice voice_new(struct check_lab *lab, enum xp_decision decision, struct lab_person *by,
		       enum xp_role role)
{
	struct xp_check_result subject;
	struct voice v = {.r = calloc(1, sizeof(*v.r))};
	uint8_t signatures[XP_CMS_SIGNERS_MAX][32];
	struct xp_validation_input in = {.decision = decision, .remarks = "seen"};

	assert_non_null(v.r);
	assert_int_equal(xp_check_pair(&subject, lab->check, lab->json, lab->json_len, lab->p7s,
				       lab->p7s_len, NULL),
			 XP_OK);
	for (unsigned i = 0; i < subject.signers_n; i++)
		memcpy(signatures[i], subject.signers[i].signature_sha256, 32);
	in.subject = subject.record;
	in.subject_sha256 = subject.json_sha256;
	in.signature_sha256 = (const uint8_t(*)[32])signatures;
	in.signatures_n = subject.signers_n;
	assert_int_equal(xp_validation_begin(v.r, &in, NULL), XP_OK);
	snprintf(v.r->id, sizeof(v.r->id), "019ab6f2-5c00-7a11-8b22-%012x",
		 (unsigned)decision + 0xa00 + (unsigned)role);
	v.r->issued_s = subject.record->issued_s + 60;
	snprintf(v.r->clock.source, sizeof(v.r->clock.source), "system");
	snprintf(v.r->tool.name, sizeof(v.r->tool.name), "expunge-cert");
	snprintf(v.r->tool.version, sizeof(v.r->tool.version), "0");
	xp_check_result_free(&subject);
	sign_voice(&v, by, role);
	return v;
}

void voice_free(struct voice *v)
{
	xp_record_free(v->r);
	free(v->r);
	free(v->json);
	free(v->p7s);
}
