/* The fast reader where a drive stands in a record again and again, and where it does not. */
#include "certs/record_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "certs/record_check.h"
#include "tests/fake/record_honest.h"

#define ANSWER_BYTES 64

static struct xp_record_reader *reader;

static int make_reader(void **state)
{
	struct xp_record *sample = record_honest();
	size_t len;
	AUTO_MEM char *json = record_sample_json(sample, &len);
	struct xp_record *r = calloc(1, sizeof(*r));
	struct xp_findings f = {0};

	(void)state;
	assert_non_null(r);
	assert_int_equal(xp_record_reader_new(&reader, NULL), XP_OK);
	/* a policy that was never seen is left to the strict reader */
	assert_int_equal(xp_record_parse(r, json, len, &f, NULL), XP_OK);
	xp_policy_memo_learn(xp_record_reader_policies(reader), r->policy_json, r->policy_len);
	xp_findings_free(&f);
	record_sample_free(r);
	record_sample_free(sample);
	return 0;
}

static int drop_reader(void **state)
{
	(void)state;
	xp_record_reader_free(&reader);
	return 0;
}

/* Two answers of a drive, the second one longer; LAST is the last byte of it. */
static void answer(struct xp_identity *id, uint8_t last)
{
	xp_raws_free(&id->raw, &id->raw_n);
	id->raw = calloc(2, sizeof(*id->raw));
	assert_non_null(id->raw);
	id->raw_n = 2;
	for (size_t i = 0; i < 2; i++) {
		struct xp_raw *raw = &id->raw[i];

		raw->len = ANSWER_BYTES * (i + 1);
		raw->data = malloc(raw->len);
		assert_non_null(raw->data);
		memset(raw->data, (int)(0xa0 + i), raw->len);
		raw->data[raw->len - 1] = last;
		raw->kind = i ? XP_RAW_SCSI_VPD : XP_RAW_SCSI_INQUIRY;
	}
}

/* A sample whose phases all hold the same answers, and none in common. */
static struct xp_record *make_record(void)
{
	struct xp_record *r = record_honest();

	assert_true(r->evidence.n >= 3);
	for (size_t i = 0; i < r->evidence.n; i++)
		answer(&r->evidence.phases[i].identity, 7);
	return r;
}

/* Reads what R is written as, the fast way, and compares all of it; R is freed. */
static struct xp_record *read_again(struct xp_record *r)
{
	size_t len, again_len;
	AUTO_MEM char *json = record_sample_json(r, &len);
	AUTO_MEM char *again = NULL;
	struct xp_record *fast = NULL;

	xp_record_scan(&fast, reader, json, len);
	assert_non_null(fast);
	assert_int_equal(xp_record_write(&again, &again_len, fast, NULL), XP_OK);
	assert_int_equal(again_len, len);
	assert_memory_equal(again, json, len);
	record_sample_free(r);
	return fast;
}

static void test_each_phase_owns_its_answers(void **state)
{
	struct xp_record *r = read_again(make_record());
	const struct xp_phase *p = r->evidence.phases;

	(void)state;
	for (size_t i = 1; i < r->evidence.n; i++) {
		assert_int_equal(p[i].identity.raw_n, 2);
		assert_ptr_not_equal(p[i].identity.raw, p[0].identity.raw);
		assert_ptr_not_equal(p[i].identity.raw[1].data, p[0].identity.raw[1].data);
		assert_memory_equal(p[i].identity.raw[1].data, p[0].identity.raw[1].data,
				    p[0].identity.raw[1].len);
	}
	record_sample_free(r);
}

/* One byte, the last that differs at all, in each of the phases in turn. */
static void test_another_drive_is_not_taken_for_the_same(void **state)
{
	(void)state;
	for (size_t at = 0;; at++) {
		struct xp_record *r = make_record();
		size_t n = r->evidence.n;

		if (at == n) {
			record_sample_free(r);
			break;
		}
		answer(&r->evidence.phases[at].identity, 8);
		r = read_again(r);
		for (size_t i = 0; i < n; i++) {
			const struct xp_raw *raw = &r->evidence.phases[i].identity.raw[1];

			assert_int_equal(raw->data[raw->len - 1], i == at ? 8 : 7);
		}
		record_sample_free(r);
	}
}

/* What was read last belongs to a record that is gone. */
static void test_nothing_is_kept_for_the_next_record(void **state)
{
	struct xp_record *r = read_again(make_record());

	(void)state;
	record_sample_free(r);
	r = read_again(make_record());
	assert_int_equal(r->evidence.phases[0].identity.raw_n, 2);
	record_sample_free(r);
}

/* A list that grows moves what stands in it, between two phases of the same drive. */
static void test_more_phases_than_there_was_room_for(void **state)
{
	struct xp_record *r = make_record();
	size_t n = r->evidence.n;

	(void)state;
	for (unsigned i = 0; i < 30; i++) {
		struct xp_phase *p = xp_evidence_add(&r->evidence, XP_PHASE_IDENTIFY);
		const struct xp_phase *end = &r->evidence.phases[r->evidence.n - 2];

		assert_non_null(p);
		assert_int_equal(xp_identity_copy(&p->identity, &end->identity, NULL), XP_OK);
		memcpy(p->boot_id, end->boot_id, sizeof(p->boot_id));
		p->attempt = end->attempt;
		p->take = end->take;
		p->start_s = p->end_s = end->end_s;
		p->start_ns = p->end_ns = end->end_ns;
	}
	r = read_again(r);
	assert_int_equal(r->evidence.n, n + 30);
	for (size_t i = 0; i < r->evidence.n; i++)
		assert_int_equal(r->evidence.phases[i].identity.raw_n, 2);
	record_sample_free(r);
}

/* A record that ends within the drive that was read before. */
static void test_cut_off_in_the_same_again(void **state)
{
	struct xp_record *r = make_record();
	size_t len;
	AUTO_MEM char *json = record_sample_json(r, &len);

	(void)state;
	for (size_t cut = 1; cut < len; cut += 13) {
		AUTO_MEM char *part = malloc(cut); /* its own end: a byte too many is seen */
		struct xp_record *fast = NULL;

		assert_non_null(part);
		memcpy(part, json, cut);
		xp_record_scan(&fast, reader, part, cut);
		assert_null(fast);
	}
	record_sample_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_phase_owns_its_answers),
		cmocka_unit_test(test_another_drive_is_not_taken_for_the_same),
		cmocka_unit_test(test_nothing_is_kept_for_the_next_record),
		cmocka_unit_test(test_more_phases_than_there_was_room_for),
		cmocka_unit_test(test_cut_off_in_the_same_again),
	};

	return cmocka_run_group_tests(tests, make_reader, drop_reader);
}
