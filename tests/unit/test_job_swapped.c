/*
 * The drive is taken away, or exchanged for another, at every boundary of a job: nothing is claimed
 * of it, and the other one keeps every sector.
 */
#include "base/cleanup.h"
#include "tests/fake/job_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS 1024

static void begin_here(void *ctx, const struct xp_job *job)
{
	struct world *w = ctx;

	(void)job;
	w->boundaries = 0;
	w->plug_at = w->plug_behind;
}

struct outcome {
	bool happened; /* the job had so many boundaries */
	uint64_t lost; /* sectors of the other drive */
};

/* OTHER: it is exchanged; else it is only taken away. */
static struct outcome take_away(void **state, enum xp_technique t, uint64_t at, bool other)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct outcome out = {0};
	struct emu_ata *second = NULL;
	const struct xp_claim *c;
	struct world *w;

	assert_int_equal(stage_setup(state), 0);
	w = *state;
	if (t == XP_ATA_SANITIZE_CRYPTO)
		cfg = emu_ata_ssd(SECTORS);
	cfg.sanitize_seconds = 3; /* few looks at its status */
	stage_plug(w, &cfg);
	snprintf(cfg.serial, sizeof(cfg.serial), "ANOTHER");
	cfg.wwn++;
	second = emu_ata_new(&cfg, &w->time);
	if (!second)
		abort();
	emu_media_stain(emu_ata_media(second), 0, SECTORS);
	w->options.has_technique = true;
	w->options.technique = t;
	w->setup.on_settled = begin_here;
	w->setup.on_settled_ctx = w;
	w->plug_behind = at;
	w->plugs = other ? second : NULL;
	stage_run(w);
	out.happened = w->boundaries > at; /* behind the last one nobody asks any more */
	c = &w->job->record.claim;
	if (out.happened && c->level != XP_NONE)
		fail_msg("%s: %s at boundary %llu claims %s", xp_technique_name(t),
			 other ? "exchanged" : "taken away", (unsigned long long)at,
			 xp_level_name(c->level));
	if (out.happened)
		assert_int_not_equal(w->job->exit_code, 0);
	out.lost = SECTORS - emu_media_stains(emu_ata_media(second), 0, SECTORS).sectors;
	emu_satl_plug(&w->unit, NULL);
	emu_ata_free(&second);
	assert_int_equal(stage_teardown(state), 0);
	return out;
}

static void boundaries(enum xp_technique t, bool other, uint64_t from, uint64_t to, uint64_t step)
{
	struct outcome o = {.happened = true};
	void *state = NULL;

	for (uint64_t at = from; o.happened && at <= to; at += step) {
		o = take_away(&state, t, at, other);
		if (o.lost)
			fail_msg(
				"%s: exchanged at boundary %llu: the other drive lost %llu sectors",
				xp_technique_name(t), (unsigned long long)at,
				(unsigned long long)o.lost);
	}
}

static void test_taken_away_claims_nothing(void **state)
{
	(void)state;
	boundaries(XP_ATA_SANITIZE_OVERWRITE, false, 1, 64, 7);
}

/* The first look, the baseline, and what the technique asks before its command. */
static void test_exchanged_in_a_sanitize_keeps_the_other(void **state)
{
	(void)state;
	boundaries(XP_ATA_SANITIZE_CRYPTO, true, 1, 9, 4);
	boundaries(XP_ATA_SANITIZE_CRYPTO, true, 10, 19, 1);
}

static void test_exchanged_in_a_security_erase_keeps_the_other(void **state)
{
	(void)state;
	boundaries(XP_ATA_SECURE_ERASE, true, 12, 30, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken_away_claims_nothing),
		cmocka_unit_test(test_exchanged_in_a_sanitize_keeps_the_other),
		cmocka_unit_test(test_exchanged_in_a_security_erase_keeps_the_other),
	};

	return cmocka_run_group_tests_name("job_swapped", tests, NULL, NULL);
}
