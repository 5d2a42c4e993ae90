/*
 * A SAS drive is exchanged for another at the boundaries of a job, also between the question who it
 * is and the command, where only a unit attention tells: nothing is claimed, and the other one
 * keeps every sector and its capacity.
 */
#include "base/cleanup.h"
#include "tests/emu/scsi_ask.h"
#include "tests/fake/job_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS	       1024u
#define SMALL	       600u
#define MODE_SELECT_6  0x15
#define MODE_SELECT_10 0x55
#define FORMAT_UNIT    0x04
#define SANITIZE       0x48
#define WRITE_16       0x8a
#define WRITE_SAME_16  0x93

static void begin_here(void *ctx, const struct xp_job *job)
{
	struct world *w = ctx;

	(void)job;
	w->boundaries = 0;
	w->plug_at = w->plug_behind;
}

struct swap {
	enum xp_technique technique;
	uint8_t count_from; /* 0: from the beginning */
	uint64_t at;
	bool other; /* else nothing is plugged in */
	bool is_ssd, is_reduced;
};

static struct emu_scsi *another(struct world *w, struct emu_scsi_config *cfg, bool is_reduced)
{
	struct emu_scsi *d;

	snprintf(cfg->serial, sizeof(cfg->serial), "ANOTHER");
	cfg->wwn += 16;
	d = emu_scsi_new(cfg, &w->time);
	if (!d)
		abort();
	emu_media_stain(emu_scsi_media(d, 0), 0, SECTORS);
	if (is_reduced)
		stage_reduce_sas(d, SMALL);
	return d;
}

/* false: the job had fewer boundaries. */
static bool swap(const struct swap *s)
{
	struct emu_scsi_config cfg = s->is_ssd ? emu_scsi_ssd(SECTORS) : emu_scsi_hdd(SECTORS);
	struct emu_scsi *first, *second;
	void *state = NULL;
	struct world *w;
	bool happened;

	assert_int_equal(stage_setup(&state), 0);
	w = state;
	cfg.sanitize_seconds = cfg.format_seconds = 3;
	stage_plug_sas(w, &cfg);
	first = w->sas;
	if (s->is_reduced) {
		stage_reduce_sas(w->sas, SMALL);
		stage_policy(w, "\"restore_hidden_areas\": true");
	}
	second = another(w, &cfg, s->is_reduced);
	w->options.has_technique = true;
	w->options.technique = s->technique;
	w->count_from = s->count_from;
	w->setup.on_settled = s->count_from ? NULL : begin_here;
	w->setup.on_settled_ctx = w;
	w->plug_behind = s->at;
	w->plugs_sas = s->other ? second : NULL;
	stage_run(w);
	happened = w->plug_at && w->boundaries > w->plug_at;
	if (happened && w->job->record.claim.level != XP_NONE)
		fail_msg("%s: %s at boundary %llu from %02x claims %s",
			 xp_technique_name(s->technique), s->other ? "exchanged" : "taken away",
			 (unsigned long long)s->at, s->count_from,
			 xp_level_name(w->job->record.claim.level));
	if (happened)
		assert_int_not_equal(w->job->exit_code, 0);
	if (emu_media_stains(emu_scsi_media(second, 0), 0, SECTORS).sectors != SECTORS)
		fail_msg("%s: exchanged at boundary %llu from %02x: the other drive lost sectors",
			 xp_technique_name(s->technique), (unsigned long long)s->at, s->count_from);
	if (stage_blocks_sas(second) != (s->is_reduced ? SMALL : SECTORS))
		fail_msg("exchanged at boundary %llu: the other drive shows %llu blocks",
			 (unsigned long long)s->at, (unsigned long long)stage_blocks_sas(second));
	w->sas = first;
	emu_scsi_free(&second);
	assert_int_equal(stage_teardown(&state), 0);
	return happened;
}

static void test_exchanged_about_the_command_keeps_the_other(void **state)
{
	static const struct swap rows[] = {
		{.technique = XP_SCSI_SANITIZE_OVERWRITE, .count_from = SANITIZE, .other = true},
		{.technique = XP_SCSI_SANITIZE_CRYPTO,
		 .count_from = SANITIZE,
		 .other = true,
		 .is_ssd = true},
		{.technique = XP_SCSI_FORMAT, .count_from = FORMAT_UNIT, .other = true},
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++)
		for (uint64_t at = 1; at <= 5; at++) {
			struct swap s = rows[i];

			s.at = at;
			assert_true(swap(&s));
		}
}

/* What the host writes by commands is written to the one that was confirmed, or not at all. */
static void test_exchanged_in_an_overwrite_keeps_the_other(void **state)
{
	static const struct swap rows[] = {
		{.technique = XP_OVERWRITE_RANDOM, .count_from = WRITE_16, .other = true},
		{.technique = XP_OVERWRITE_ZERO, .count_from = WRITE_SAME_16, .other = true},
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++)
		for (uint64_t at = 1; at <= 3; at++) {
			struct swap s = rows[i];

			s.at = at;
			assert_true(swap(&s));
		}
}

static void test_taken_away_about_the_command_claims_nothing(void **state)
{
	(void)state;
	for (uint64_t at = 1; at <= 5; at += 2)
		assert_true(swap(&(struct swap){.technique = XP_SCSI_SANITIZE_OVERWRITE,
						.count_from = SANITIZE,
						.at = at}));
}

/* All of the first take up to where the capacity was given back, and about MODE SELECT. */
static void test_exchanged_before_its_capacity_is_given_back_keeps_the_other(void **state)
{
	struct swap s = {
		.technique = XP_OVERWRITE_ZERO, .other = true, .is_reduced = true, .at = 1};

	(void)state;
	while (swap(&s))
		s.at++;
	assert_true(s.at > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanged_about_the_command_keeps_the_other),
		cmocka_unit_test(test_exchanged_in_an_overwrite_keeps_the_other),
		cmocka_unit_test(test_taken_away_about_the_command_claims_nothing),
		cmocka_unit_test(test_exchanged_before_its_capacity_is_given_back_keeps_the_other),
	};

	return cmocka_run_group_tests_name("job_swapped_sas", tests, NULL, NULL);
}
