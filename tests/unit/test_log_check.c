#include "certs/log_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "certs/check.h"
#include "tests/fake/log_fixture.h"

#define ID "01980000-0000-7000-8000-000000000001"

/* A log with a record of two signatures among others, and its proof. */
struct lab {
	struct log_place place;
	struct xp_log *log;
	struct xp_note_vkeys keys;
	char *proof;
	size_t proof_len;
	uint8_t record[32];
	uint8_t sigs[2][32];
};

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	AUTO_MEM char *leaf = NULL;
	uint64_t index = 0;
	size_t len = 0;

	assert_non_null(lab);
	memset(lab->record, 5, 32);
	memset(lab->sigs[0], 9, 32); /* not in order */
	memset(lab->sigs[1], 3, 32);
	lab->place = log_place_filled(6);
	lab->log = log_place_open(&lab->place);
	lab->keys = (struct xp_note_vkeys){xp_log_vkey(lab->log), 1};
	assert_int_equal(xp_log_leaf_record(&leaf, &len, ID, lab->record,
					    (const uint8_t(*)[32])lab->sigs, 2, NULL),
			 XP_OK);
	assert_int_equal(xp_log_append(lab->log, leaf, len, &index, NULL), XP_OK);
	assert_int_equal(index, 6);
	assert_int_equal(xp_log_prove(lab->log, 6, &lab->proof, &lab->proof_len, NULL), XP_OK);
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	xp_log_free(&lab->log);
	log_fixture_remove(lab->place.path, lab->place.fd);
	free(lab->proof);
	free(lab);
	return 0;
}

static struct xp_log_check_input input(const struct lab *lab)
{
	return (struct xp_log_check_input){
		.proof = lab->proof,
		.proof_len = lab->proof_len,
		.keys = &lab->keys,
		.id = ID,
		.record_sha256 = lab->record,
		.signature_sha256 = (const uint8_t(*)[32])lab->sigs,
		.signatures_n = 2,
	};
}

/* CODE is the only finding; NULL: none. */
static void assert_finding(const struct xp_log_check_input *in, const char *code)
{
	struct xp_log_proof_result r;
	AUTO(xp_findings_free) struct xp_findings f = {0};
	bool good = xp_log_check_record(&r, &f, in);

	assert_int_equal(good, code == NULL);
	assert_int_equal(f.n, code ? 1 : 0);
	if (code)
		assert_string_equal(f.list[0].code, code);
	if (good) {
		assert_int_equal(r.index, 6);
		assert_int_equal(r.checkpoint.head.size, 7);
		assert_string_equal(r.checkpoint.origin, "example.com/usb-1");
	}
}

static void test_check_record_in_the_log_passes(void **state)
{
	struct lab *lab = *state;
	struct xp_log_check_input in = input(lab);
	uint8_t turned[2][32];

	assert_finding(&in, NULL);
	/* in any order */
	memcpy(turned[0], lab->sigs[1], 32);
	memcpy(turned[1], lab->sigs[0], 32);
	in.signature_sha256 = (const uint8_t(*)[32])turned;
	assert_finding(&in, NULL);
}

static void test_check_other_record_or_signatures_fails(void **state)
{
	struct lab *lab = *state;
	struct xp_log_check_input in = input(lab);
	uint8_t other[3][32];

	memcpy(other, lab->sigs, 64);
	memset(other[2], 1, 32);
	in.id = "01980000-0000-7000-8000-000000000002";
	assert_finding(&in, "E_LOG_LEAF");
	in = input(lab);
	in.record_sha256 = other[2];
	assert_finding(&in, "E_LOG_LEAF");
	in = input(lab);
	in.signatures_n = 1; /* a signer stripped */
	assert_finding(&in, "E_LOG_LEAF");
	in.signature_sha256 = (const uint8_t(*)[32])other;
	in.signatures_n = 3; /* a signer added */
	assert_finding(&in, "E_LOG_LEAF");
	in.signatures_n = 2;
	other[0][0] ^= 1; /* the same signer's other value */
	assert_finding(&in, "E_LOG_LEAF");
	in = input(lab);
	in.id = "no id";
	assert_finding(&in, "E_LOG_PROOF");
}

static void test_check_key_unknown_is_indeterminate(void **state)
{
	struct lab *lab = *state;
	struct xp_log_check_input in = input(lab);
	struct log_place q = log_place_new();
	struct xp_log *log = NULL;

	in.keys = NULL;
	assert_finding(&in, "I_LOG_KEY_UNKNOWN");
	assert_int_equal(log_place_try_open(&log, &q, 77), XP_OK);
	in.keys = &(struct xp_note_vkeys){xp_log_vkey(log), 1};
	assert_finding(&in, "I_LOG_KEY_UNKNOWN");
	/* a wrong leaf is wrong, whoever signed */
	in.signatures_n = 1;
	assert_finding(&in, "E_LOG_LEAF");
	xp_log_free(&log);
	log_fixture_remove(q.path, q.fd);
}

/* No bit of a proof is free: it is no proof, another key's, a wrong signature or a wrong leaf. */
static void test_check_every_changed_bit_is_seen(void **state)
{
	struct lab *lab = *state;
	struct xp_log_check_input in = input(lab);

	for (size_t i = 0; i < 8 * lab->proof_len; i++) {
		struct xp_log_proof_result r;
		AUTO(xp_findings_free) struct xp_findings f = {0};

		lab->proof[i / 8] = (char)(lab->proof[i / 8] ^ 1 << i % 8);
		if (xp_log_check_record(&r, &f, &in) || f.n != 1)
			fail_msg("bit %zu is free", i);
		lab->proof[i / 8] = (char)(lab->proof[i / 8] ^ 1 << i % 8);
	}
	for (in.proof_len = 0; in.proof_len < lab->proof_len; in.proof_len++)
		assert_finding(&in, "E_LOG_PROOF");
	assert_finding(&in, NULL);
}

static void test_proof_malformed_is_refused(void **state)
{
#define HASH "LWvYTSDnZoZS5HDoxd7KQbOEULiz4Yq4UgTJWXUL6cQ=\n"
#define REST "\nexample.com/a\n1\n" HASH "\n\xe2\x80\x94 example.com/a AAAAAQID\n"
	static const char *const good[] = {
		"c2sp.org/tlog-proof@v1\nindex 0\n" REST,
		"c2sp.org/tlog-proof@v1\nindex 18446744073709551615\n" HASH HASH REST,
	};
	static const char *const bad[] = {
		"",
		"c2sp.org/tlog-proof@v1",
		"c2sp.org/tlog-proof@v1\n",
		("c2sp.org/tlog-proof@v2\nindex 0\n" REST),
		("c2sp.org/tlog-proof@v1\r\nindex 0\n" REST),
		("c2sp.org/tlog-proof@v1\nextra AAAA\nindex 0\n" REST),
		("c2sp.org/tlog-proof@v1\nindex 00\n" REST),
		("c2sp.org/tlog-proof@v1\nindex -1\n" REST),
		("c2sp.org/tlog-proof@v1\nindex \n" REST),
		("c2sp.org/tlog-proof@v1\nindex\n" REST),
		("c2sp.org/tlog-proof@v1\nindex 18446744073709551616\n" REST),
		("c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n" REST),
		("c2sp.org/tlog-proof@v1\nindex 0\n " HASH REST),
		("c2sp.org/tlog-proof@v1\nindex 0\n" HASH),
	};
	AUTO(xp_buf_free) struct xp_buf b = {0};
	struct xp_log_proof p;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(good); i++) {
		AUTO_MEM char *again = NULL;
		size_t len = 0;

		assert_int_equal(xp_log_proof_parse(&p, good[i], strlen(good[i]), NULL), XP_OK);
		assert_int_equal(xp_log_proof_format(&again, &len, &p, NULL), XP_OK);
		assert_string_equal(again, good[i]);
	}
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++)
		if (xp_log_proof_parse(&p, bad[i], strlen(bad[i]), NULL) != XP_E_MALFORMED)
			fail_msg("proof %zu was taken", i);
	xp_buf_puts(&b, "c2sp.org/tlog-proof@v1\nindex 0\n");
	for (unsigned i = 0; i <= XP_MERKLE_PROOF_MAX; i++)
		xp_buf_puts(&b, HASH);
	xp_buf_puts(&b, REST);
	assert_int_equal(xp_log_proof_parse(&p, b.data, b.len, NULL), XP_E_MALFORMED);
	while (b.len <= XP_LOG_PROOF_MAX_BYTES)
		xp_buf_puts(&b, HASH);
	assert_int_equal(xp_log_proof_parse(&p, b.data, b.len, NULL), XP_E_MALFORMED);
}

/* What xp_check_log says of the lab's record, with ORIGIN, START and the size of an earlier log. */
static void assert_log_says(const struct lab *lab, const char *origin,
			    const uint64_t start_and_size[2], const char *code)
{
	struct xp_check_result r = {.signers_n = 2};

	r.record = calloc(1, sizeof(*r.record));
	assert_non_null(r.record);
	memcpy(r.json_sha256, lab->record, 32);
	memcpy(r.signers[0].signature_sha256, lab->sigs[0], 32);
	memcpy(r.signers[1].signature_sha256, lab->sigs[1], 32);
	snprintf(r.record->id, sizeof(r.record->id), "%s", ID);
	snprintf(r.record->log.origin, sizeof(r.record->log.origin), "%s", origin);
	r.record->log.start_index = start_and_size[0];
	r.record->log.checkpoint_size = start_and_size[1];
	r.record->log.present = true;
	xp_check_log(&r, lab->proof, lab->proof_len, &lab->keys);
	assert_true(r.log.is_proven);
	assert_int_equal(r.findings.n, code ? 1 : 0);
	if (code)
		assert_string_equal(r.findings.list[0].code, code);
	xp_check_result_free(&r);
}

static void test_log_of_the_record_must_be_that_of_the_proof(void **state)
{
	const struct lab *lab = *state;

	assert_log_says(lab, "example.com/usb-1", (const uint64_t[]){5, 5}, NULL);
	assert_log_says(lab, "example.com/usb-1", (const uint64_t[]){6, 6}, "E_LOG_START");
	assert_log_says(lab, "example.com/usb-1", (const uint64_t[]){UINT64_MAX, 6}, "E_LOG_START");
	assert_log_says(lab, "example.com/usb-2", (const uint64_t[]){5, 5}, "I_LOG_ORIGIN");
	/* more entries before the job began than stand before its first */
	assert_log_says(lab, "example.com/usb-1", (const uint64_t[]){5, 6}, "E_LOG_START");
}

static void append_start(struct xp_log *log, int64_t at_s)
{
	static unsigned n;
	AUTO_MEM char *leaf = NULL;
	const uint8_t media[32] = {7};
	char id[XP_UUID_LEN];
	uint64_t index = 0;
	size_t len = 0;

	snprintf(id, sizeof(id), "01980000-0000-7000-8000-%012x", ++n);
	assert_int_equal(xp_log_leaf_start(&leaf, &len, id, media, at_s, NULL), XP_OK);
	assert_int_equal(xp_log_append(log, leaf, len, &index, NULL), XP_OK);
}

/* A clock that is a day behind may be an honest one. What goes back is told once, not for ever. */
static void test_jobs_that_go_back_in_time_are_remarked(void **state)
{
	static const char *const once[] = {"W_LOG_TIME", NULL};
	static const char *const many[] = {
		"W_LOG_TIME", "W_LOG_TIME", "W_LOG_TIME", "W_LOG_TIME", "W_LOG_TIME", "W_LOG_TIME",
		"W_LOG_TIME", "W_LOG_TIME", "W_LOG_TIME", "W_LOG_TIME", "W_LOG_TIME", "W_LOG_TIME",
		"W_LOG_TIME", "W_LOG_TIME", "W_LOG_TIME", "W_LOG_TIME", NULL};
	const int64_t t = 1795305600;
	struct log_place place = log_place_new();
	struct xp_log *log = log_place_open(&place);

	(void)state;
	append_start(log, t);
	append_start(log, t - 86400);
	append_start(log, t - 1);
	log_fixture_audit(place.fd, NULL, NULL);
	append_start(log, t - 86401);
	append_start(log, t - 86400);
	log_fixture_audit(place.fd, NULL, once);
	for (unsigned i = 0; i < 20; i++) {
		append_start(log, t + 999999);
		append_start(log, t);
	}
	log_fixture_audit(place.fd, NULL, many);
	xp_log_free(&log);
	log_fixture_remove(place.path, place.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check_record_in_the_log_passes),
		cmocka_unit_test(test_check_other_record_or_signatures_fails),
		cmocka_unit_test(test_check_key_unknown_is_indeterminate),
		cmocka_unit_test(test_check_every_changed_bit_is_seen),
		cmocka_unit_test(test_proof_malformed_is_refused),
		cmocka_unit_test(test_log_of_the_record_must_be_that_of_the_proof),
		cmocka_unit_test(test_jobs_that_go_back_in_time_are_remarked),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
