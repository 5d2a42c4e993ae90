/*
 * The drive is exchanged for another while capacity that HPA, AMAC or DCO hide is given back: the
 * other one hides what it hid, over its next power cycle too, and keeps every sector.
 */
#include "base/cleanup.h"
#include "tests/emu/emu_ask.h"
#include "tests/fake/job_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS 1024u
#define SMALL	600u

enum hides { BY_HPA, BY_AMAC, BY_DCO };

static void power_cycle(struct emu_ata *d)
{
	emu_ata_power_off(d);
	emu_ata_power_on(d);
}

static void hide_by_dco(struct emu_ata *d)
{
	struct emu_ata_cmd get = {.command = 0xb1, .feature = 0xc2, .device = 0x40};
	struct emu_ata_cmd set = {.command = 0xb1, .feature = 0xc3, .device = 0x40};
	uint8_t dco[512] = {0};
	uint8_t sum = 0;

	emu_ask_in(d, &get, dco, sizeof(dco));
	dco[6] = (uint8_t)(SMALL - 1);
	dco[7] = (uint8_t)((SMALL - 1) >> 8);
	for (size_t i = 0; i < 511; i++)
		sum = (uint8_t)(sum + dco[i]);
	dco[511] = (uint8_t)-sum;
	emu_ask_out(d, &set, dco, sizeof(dco));
}

static void hide(struct emu_ata *d, enum hides by)
{
	switch (by) {
	case BY_HPA:
		emu_ask(d, 0x27, true, 0, 0, 0);
		emu_ask(d, 0x37, true, 0, 1, SMALL - 1);
		break;
	case BY_AMAC:
		emu_ask(d, 0x78, true, 1, 0, SMALL - 1);
		break;
	case BY_DCO:
		hide_by_dco(d);
		break;
	}
	power_cycle(d);
	assert_int_equal(emu_ata_sectors(d), SMALL);
}

static void begin_here(void *ctx, const struct xp_job *job)
{
	struct world *w = ctx;

	(void)job;
	w->boundaries = 0;
	w->plug_at = w->plug_behind;
}

/* false: the take had fewer boundaries. */
static bool swap(enum hides by, uint64_t at)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct emu_ata *second;
	void *state = NULL;
	struct world *w;
	bool happened;

	assert_int_equal(stage_setup(&state), 0);
	w = state;
	cfg.has_amac = by == BY_AMAC;
	cfg.has_hpa = !cfg.has_amac;
	stage_plug(w, &cfg);
	hide(w->d, by);
	stage_policy(w, "\"restore_hidden_areas\": true");
	snprintf(cfg.serial, sizeof(cfg.serial), "ANOTHER");
	cfg.wwn++;
	second = emu_ata_new(&cfg, &w->time);
	if (!second)
		abort();
	hide(second, by);
	emu_media_stain(emu_ata_media(second), 0, SECTORS);
	w->setup.on_settled = begin_here;
	w->setup.on_settled_ctx = w;
	w->plug_behind = at;
	w->plugs = second;
	stage_run(w);
	happened = w->boundaries > at;
	assert_int_not_equal(w->job->exit_code, 0);
	if (emu_ata_sectors(second) != SMALL)
		fail_msg("exchanged at boundary %llu: the other shows %llu sectors",
			 (unsigned long long)at, (unsigned long long)emu_ata_sectors(second));
	power_cycle(second);
	if (emu_ata_sectors(second) != SMALL)
		fail_msg("exchanged at boundary %llu: the other shows %llu sectors behind a power "
			 "cycle",
			 (unsigned long long)at, (unsigned long long)emu_ata_sectors(second));
	assert_int_equal(emu_media_stains(emu_ata_media(second), 0, SECTORS).sectors, SECTORS);
	emu_satl_plug(&w->unit, NULL);
	emu_ata_free(&second);
	assert_int_equal(stage_teardown(&state), 0);
	return happened;
}

static void at_every_boundary(enum hides by)
{
	uint64_t at = 1;

	while (swap(by, at))
		at++;
	assert_true(at > 6);
}

static void test_exchanged_before_set_max_keeps_the_other(void **state)
{
	(void)state;
	at_every_boundary(BY_HPA);
}

static void test_exchanged_before_set_accessible_max_keeps_the_other(void **state)
{
	(void)state;
	at_every_boundary(BY_AMAC);
}

static void test_exchanged_before_dco_restore_keeps_the_other(void **state)
{
	(void)state;
	at_every_boundary(BY_DCO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanged_before_set_max_keeps_the_other),
		cmocka_unit_test(test_exchanged_before_set_accessible_max_keeps_the_other),
		cmocka_unit_test(test_exchanged_before_dco_restore_keeps_the_other),
	};

	return cmocka_run_group_tests_name("job_swapped_hidden", tests, NULL, NULL);
}
