/* A blank drive: markers before its erase tell one that did nothing from one that worked. */
#include "base/cleanup.h"
#include "base/buf.h"
#include "certs/record_check.h"
#include "claim/canary.h"
#include "tests/fake/job_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST_MARKER "15b97200e6c7424f1fee2c20973c5441f2aa4fec410f92f89803543ebbe1b57e"

static void plug_blank(struct world *w, bool with_markers)
{
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);
	uint8_t zeros[512] = {0};

	stage_plug(w, &cfg);
	for (uint64_t i = 0; i < STAGE_SECTORS; i++)
		emu_media_write(emu_ata_media(w->d), i, 1, zeros);
	w->options.has_technique = true;
	w->options.technique = XP_ATA_SANITIZE_BLOCK;
	if (with_markers)
		stage_policy(w, "\"canaries\": true");
}

static void test_markers_make_a_blank_drive_tell(void **state)
{
	struct world *w = *state;

	plug_blank(w, true);
	stage_run(w);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_BLOCK);
	assert_int_equal(stage_find(w, XP_PHASE_BASELINE, 1)->baseline.canaries, XP_CANARIES_MAX);
	assert_int_equal(stage_find(w, XP_PHASE_BASELINE, 1)->baseline.informative_blocks,
			 XP_CANARIES_MAX);
	assert_int_equal(stage_find(w, XP_PHASE_READBACK, 1)->readback.canaries_alive, 0);
	assert_memory_not_equal(stage_find(w, XP_PHASE_BASELINE, 1)->baseline.canaries_sha256,
				stage_find(w, XP_PHASE_READBACK, 1)->readback.canaries_sha256, 32);
	assert_false(stage_has_reason(w, "baseline-uninformative"));
}

static void test_markers_that_survive_are_a_failure(void **state)
{
	struct world *w = *state;

	plug_blank(w, true);
	emu_ata_faults(w->d)->leave.kind = EMU_LEAVE_ALL;
	stage_run(w);
	assert_int_equal(w->job->record.claim.level, XP_NONE);
	assert_int_equal(stage_find(w, XP_PHASE_READBACK, 1)->readback.canaries_alive,
			 XP_CANARIES_MAX);
	assert_memory_equal(stage_find(w, XP_PHASE_BASELINE, 1)->baseline.canaries_sha256,
			    stage_find(w, XP_PHASE_READBACK, 1)->readback.canaries_sha256, 32);
	assert_true(stage_has_reason(w, "canaries-alive"));
	assert_int_equal(w->job->exit_code, 1);
}

/* Is the defect in the record found? */
static bool is_found(struct xp_record *r, const char *where)
{
	AUTO(xp_findings_free) struct xp_findings f = {0};
	struct xp_err err;
	bool found = false;

	assert_int_equal(xp_record_check(r, &f, &err), XP_OK);
	for (size_t i = 0; i < f.n; i++)
		found = found || (strcmp(f.list[i].code, "E_VERIFICATION") == 0 &&
				  strstr(f.list[i].text, where));
	return found;
}

static void test_markers_made_up_are_found(void **state)
{
	struct world *w = *state;
	struct xp_evidence *ev;

	plug_blank(w, true);
	stage_run(w);
	ev = &w->job->record.evidence;
	assert_false(is_found(&w->job->record, "canaries"));
	for (size_t i = 0; i < ev->n; i++) {
		struct xp_phase *p = &ev->phases[i];

		if (p->kind == XP_PHASE_BASELINE) {
			p->baseline.informative_blocks--;
			assert_true(is_found(&w->job->record, "baseline.canaries"));
			p->baseline.informative_blocks += 2;
			p->baseline.canaries++;
			assert_true(is_found(&w->job->record, "baseline.canaries"));
			p->baseline.canaries = 0;
		}
		if (p->kind == XP_PHASE_READBACK) {
			p->readback.canaries_alive = 1;
			assert_true(is_found(&w->job->record, "readback.canaries_alive"));
		}
	}
}

/* What stood there is computed from the seed, and held against what the record says was read. */
static void test_markers_of_other_contents_are_found(void **state)
{
	struct world *w = *state;
	struct xp_baseline_result *b = NULL;
	struct xp_readback_result *r = NULL;
	struct xp_record *record;
	struct xp_evidence *ev;
	uint8_t before[32], after[32];

	plug_blank(w, true);
	stage_run(w);
	record = &w->job->record;
	ev = &record->evidence;
	for (size_t i = 0; i < ev->n; i++) {
		if (ev->phases[i].kind == XP_PHASE_BASELINE)
			b = &ev->phases[i].baseline;
		if (ev->phases[i].kind == XP_PHASE_READBACK)
			r = &ev->phases[i].readback;
	}
	if (!b || !r)
		abort();
	memcpy(before, b->canaries_sha256, 32);
	memcpy(after, r->canaries_sha256, 32);
	assert_false(is_found(record, "canaries"));
	b->canaries_sha256[31] ^= 1;
	assert_true(is_found(record, "baseline.canaries_sha256"));
	memcpy(b->canaries_sha256, before, 32);
	b->seed[0] ^= 1;
	assert_true(is_found(record, "baseline.canaries_sha256"));
	b->seed[0] ^= 1;
	/* one of them did not stand there: then all of them cannot be what was read */
	b->canaries--;
	assert_true(is_found(record, "baseline.canaries_sha256"));
	b->canaries++;
	b->bytes_planned += 512;
	assert_true(is_found(record, "baseline.canaries"));
	b->bytes_planned -= 512;
	/* all of it reads as before, and none is said to live */
	memcpy(r->canaries_sha256, before, 32);
	assert_true(is_found(record, "readback.canaries_sha256"));
	r->canaries_read = false;
	assert_true(is_found(record, "readback.canaries_sha256"));
	r->canaries_read = true;
	memcpy(r->canaries_sha256, after, 32);
	assert_false(is_found(record, "canaries"));
	/* a number alone, of which nobody can compute anything: no claim rests on it */
	b->canaries_read = false;
	assert_true(is_found(record, "readback.canaries_sha256"));
	r->canaries_read = false;
	assert_true(is_found(record, "baseline.canaries: nothing tells"));
}

/* Nobody allowed it: nothing is written, and the level stands on the drive's word. */
static void test_without_markers_a_blank_drive_tells_nothing(void **state)
{
	struct world *w = *state;

	plug_blank(w, false);
	stage_run(w);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_BLOCK);
	assert_int_equal(stage_find(w, XP_PHASE_BASELINE, 1)->baseline.canaries, 0);
	assert_true(stage_has_reason(w, "baseline-uninformative"));
}

/* Data that says something by itself is left as it is. */
static void test_markers_are_not_written_over_data(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);

	stage_plug(w, &cfg);
	stage_policy(w, "\"canaries\": true");
	stage_run(w);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_CRYPTO);
	assert_int_equal(stage_find(w, XP_PHASE_BASELINE, 1)->baseline.canaries, 0);
}

/* Where they stand and what they hold is fixed (docs/methods.md). */
static void test_markers_follow_from_the_seed(void **state)
{
	AUTO(xp_canaries_free) struct xp_canaries c = {0};
	AUTO(xp_canaries_free) struct xp_canaries again = {0};
	struct xp_sample_plan plan = {0};
	uint8_t seed[32], a[512], b[512];
	char hex[65];

	(void)state;
	for (unsigned i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)i;
	assert_int_equal(
		xp_sample_plan_make(&plan, XP_SAMPLE_SCATTERED, 1000, 1000000000, 512, seed, NULL),
		XP_OK);
	assert_int_equal(xp_canaries_make(&c, &plan, 512, seed, NULL), XP_OK);
	assert_int_equal(xp_canaries_make(&again, &plan, 512, seed, NULL), XP_OK);
	xp_sample_plan_free(&plan);
	assert_true(c.n > 1000 && c.n <= XP_CANARIES_MAX);
	assert_int_equal(c.n, again.n);
	assert_int_equal(c.offsets[0], 0);
	assert_true(c.offsets[c.n - 1] > 990000000);
	for (size_t i = 0; i < c.n; i++) {
		assert_int_equal(c.offsets[i], again.offsets[i]);
		assert_int_equal(c.offsets[i] % 512, 0);
		assert_true(c.offsets[i] + 512 <= 1000000000);
	}
	assert_true(xp_canary_fill(a, &c, c.offsets[7], sizeof(a)));
	/* in parts it is the same, elsewhere another */
	assert_true(xp_canary_fill(b, &c, c.offsets[7], 256));
	assert_true(xp_canary_fill(b + 256, &c, c.offsets[7] + 256, 256));
	assert_memory_equal(a, b, sizeof(a));
	assert_true(xp_canary_fill(b, &c, c.offsets[8], sizeof(b)));
	assert_memory_not_equal(a, b, sizeof(a));
	/* its first 32 bytes, computed by another program */
	assert_true(xp_canary_fill(b, &c, 0, 32));
	xp_hex_encode(hex, b, 32);
	assert_string_equal(hex, FIRST_MARKER);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_markers_make_a_blank_drive_tell),
		CASE(test_markers_that_survive_are_a_failure),
		CASE(test_markers_made_up_are_found),
		CASE(test_markers_of_other_contents_are_found),
		CASE(test_without_markers_a_blank_drive_tells_nothing),
		CASE(test_markers_are_not_written_over_data),
		cmocka_unit_test(test_markers_follow_from_the_seed),
	};

	return cmocka_run_group_tests_name("job_canaries", tests, NULL, NULL);
}
