/* What HPA, AMAC and DCO hide is given back, one change a power cycle, or it is said why not. */
#include "base/cleanup.h"
#include "sanitize/restore_ata.h"
#include "tests/emu/emu_transport.h"
#include "tests/fake/ata_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS 2048

static struct ata_rig rig;

static void make(const struct emu_ata_config *cfg)
{
	if (!erase_lab.permit)
		skip();
	ata_rig_make(&rig, &erase_lab, cfg);
}

static void hide_by_hpa(uint64_t sectors)
{
	emu_ask(rig.d, 0x27, true, 0, 0, 0);
	emu_ask(rig.d, 0x37, true, 0, 1, sectors - 1);
	emu_satl_power_cycle(&rig.unit);
	assert_int_equal(emu_ata_sectors(rig.d), sectors);
}

static void hide_by_dco(uint64_t sectors)
{
	struct emu_ata_cmd get = {.command = 0xb1, .feature = 0xc2, .device = 0x40};
	struct emu_ata_cmd set = {.command = 0xb1, .feature = 0xc3, .device = 0x40};
	uint8_t dco[512] = {0};
	uint8_t sum = 0;

	emu_ask_in(rig.d, &get, dco, sizeof(dco));
	dco[6] = (uint8_t)(sectors - 1);
	dco[7] = (uint8_t)((sectors - 1) >> 8);
	for (size_t i = 0; i < 511; i++)
		sum = (uint8_t)(sum + dco[i]);
	dco[511] = (uint8_t)-sum;
	emu_ask_out(rig.d, &set, dco, sizeof(dco));
	emu_satl_power_cycle(&rig.unit);
	assert_int_equal(emu_ata_sectors(rig.d), sectors);
}

static struct xp_restore_result step(void)
{
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	struct xp_restore_result r;

	erase_lab_ask(&erase_lab);
	assert_int_equal(emu_transport_open(&t, &rig.unit, &erase_lab.err), XP_OK);
	assert_int_equal(
		xp_ata_restore_step(&r, t, erase_lab.permit, &erase_lab.facts, &erase_lab.err),
		XP_OK);
	return r;
}

static void test_restore_has_nothing_to_do_on_a_whole_drive(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);

	(void)state;
	make(&cfg);
	assert_int_equal(step().end, XP_RESTORE_NOT_NEEDED);
	ata_rig_free(&rig);
	cfg.has_hpa = cfg.has_dco = false;
	make(&cfg);
	assert_int_equal(step().end, XP_RESTORE_NOT_NEEDED);
	ata_rig_free(&rig);
}

static void test_restore_hpa_is_given_back_for_good(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct xp_restore_result r;

	(void)state;
	make(&cfg);
	hide_by_hpa(1000);
	r = step();
	assert_int_equal(r.end, XP_RESTORE_POWER_CYCLE);
	assert_int_equal(r.area, XP_AREA_HPA);
	assert_int_equal(r.from_bytes, 1000 * 512);
	assert_int_equal(r.to_bytes, SECTORS * 512);
	assert_false(r.more);
	emu_satl_power_cycle(&rig.unit);
	assert_int_equal(emu_ata_sectors(rig.d), SECTORS);
	assert_int_equal(step().end, XP_RESTORE_NOT_NEEDED);
	ata_rig_free(&rig);
}

static void test_restore_amac_is_given_back(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	struct xp_restore_result r;

	(void)state;
	cfg.has_hpa = cfg.has_dco = false;
	cfg.has_amac = true;
	make(&cfg);
	emu_ask(rig.d, 0x78, true, 1, 0, 999);
	emu_satl_power_cycle(&rig.unit);
	assert_int_equal(emu_ata_sectors(rig.d), 1000);
	r = step();
	assert_int_equal(r.end, XP_RESTORE_POWER_CYCLE);
	assert_int_equal(r.area, XP_AREA_AMAC);
	emu_satl_power_cycle(&rig.unit);
	assert_int_equal(emu_ata_sectors(rig.d), SECTORS);
	ata_rig_free(&rig);
}

static void test_restore_dco_follows_the_hpa_behind_a_power_cycle(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct xp_restore_result r;

	(void)state;
	make(&cfg);
	hide_by_dco(1500);
	hide_by_hpa(1000);
	r = step();
	assert_int_equal(r.area, XP_AREA_HPA);
	assert_true(r.more);
	emu_satl_power_cycle(&rig.unit);
	assert_int_equal(emu_ata_sectors(rig.d), 1500);
	r = step();
	assert_int_equal(r.end, XP_RESTORE_POWER_CYCLE);
	assert_int_equal(r.area, XP_AREA_DCO);
	assert_false(r.more);
	emu_satl_power_cycle(&rig.unit);
	assert_int_equal(emu_ata_sectors(rig.d), SECTORS);
	assert_int_equal(step().end, XP_RESTORE_NOT_NEEDED);
	ata_rig_free(&rig);
}

static void test_restore_says_what_it_cannot(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	uint8_t password[512] = {0};
	struct emu_ata_cmd lock = {.command = 0xf9, .feature = 0x01, .device = 0x40};
	struct xp_restore_result r;

	(void)state;
	/* changed once already in this power cycle */
	make(&cfg);
	emu_ask(rig.d, 0x27, true, 0, 0, 0);
	emu_ask(rig.d, 0x37, true, 0, 1, 999);
	r = step();
	assert_int_equal(r.end, XP_RESTORE_IMPOSSIBLE);
	assert_non_null(strstr(r.why, "switch it off"));
	assert_int_equal(emu_ata_sectors(rig.d), 1000);
	ata_rig_free(&rig);
	/* locked by a SET MAX password */
	make(&cfg);
	hide_by_hpa(1000);
	emu_ask_out(rig.d, &lock, password, sizeof(password));
	emu_satl_power_cycle(&rig.unit);
	assert_int_equal(step().end, XP_RESTORE_IMPOSSIBLE);
	ata_rig_free(&rig);
	/* a DCO that the firmware of the computer has frozen cannot even be asked for */
	make(&cfg);
	hide_by_dco(1500);
	emu_ask(rig.d, 0xb1, false, 0xc1, 0, 0);
	r = step();
	assert_int_equal(r.end, XP_RESTORE_IMPOSSIBLE);
	assert_non_null(strstr(r.why, "overlay"));
	ata_rig_free(&rig);
	/* behind an adapter that loses the registers nobody can know */
	make(&cfg);
	hide_by_hpa(1000);
	rig.unit.registers = EMU_REGISTERS_ZERO;
	assert_int_equal(step().end, XP_RESTORE_IMPOSSIBLE);
	assert_int_equal(emu_ata_sectors(rig.d), 1000);
	ata_rig_free(&rig);
}

/* What was given back is erased with the rest, and the claim says so. */
static void test_restore_lets_an_erase_reach_behind_a_dco(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);

	(void)state;
	make(&cfg);
	hide_by_dco(1500);
	ata_rig_again(&rig);
	assert_int_equal(erase_lab_take(&erase_lab, XP_ATA_SECURE_ERASE_ENHANCED), XP_OK);
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_NONE);
	assert_true(ata_rig_stains(&rig).sectors > 0);
	assert_int_equal(step().end, XP_RESTORE_POWER_CYCLE);
	emu_satl_power_cycle(&rig.unit);
	ata_rig_again(&rig);
	assert_int_equal(erase_lab_take(&erase_lab, XP_ATA_SECURE_ERASE_ENHANCED), XP_OK);
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_PURGE);
	assert_int_equal(ata_rig_stains(&rig).sectors, 0);
	ata_rig_free(&rig);
}

/* The policy of the default, asking for it. */
static struct xp_policy *asking_policy(void)
{
	size_t len;
	const char *json = xp_policy_json(erase_lab.policy, &len);
	struct xp_policy *p = NULL;
	char *changed;

	assert_true(asprintf(&changed, "%.*s,\"restore_hidden_areas\": true}",
			     (int)(strrchr(json, '}') - json), json) > 0);
	assert_int_equal(xp_policy_parse(&p, changed, strlen(changed), &erase_lab.err), XP_OK);
	free(changed);
	return p;
}

static void test_restore_is_in_the_plan_where_the_policy_asks(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct xp_policy *policies[2] = {erase_lab.policy, asking_policy()};
	static struct xp_plan plan;
	struct xp_target target = {.kind = XP_TARGET_DISK};
	struct xp_plan_request req = {
		.target = &target,
		.capabilities = &erase_lab.capabilities,
		.has_technique = true,
		.technique = XP_OVERWRITE_ZERO,
	};

	(void)state;
	assert_false(xp_policy_restores_hidden(policies[0]));
	assert_true(xp_policy_restores_hidden(policies[1]));
	make(&cfg);
	hide_by_hpa(1000);
	assert_int_equal(erase_lab_take(&erase_lab, XP_ATA_SANITIZE_OVERWRITE), XP_OK);
	erase_lab_ask(&erase_lab);
	assert_true(xp_capabilities_hide(&erase_lab.capabilities));
	target.identity = erase_lab.begun; /* stays the lab's */
	for (unsigned i = 0; i < 2; i++) {
		req.policy = policies[i];
		assert_int_equal(xp_plan_make(&plan, &req, &erase_lab.err), XP_OK);
		/* a host's writes do not reach it: only where it is given back first */
		assert_int_equal(plan.has_technique, i);
		assert_int_equal(plan.steps_n > 1 && strcmp(plan.steps[1].action, "restore") == 0,
				 i);
		xp_plan_free(&plan);
	}
	xp_policy_free(&policies[1]);
	ata_rig_free(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restore_has_nothing_to_do_on_a_whole_drive),
		cmocka_unit_test(test_restore_hpa_is_given_back_for_good),
		cmocka_unit_test(test_restore_amac_is_given_back),
		cmocka_unit_test(test_restore_dco_follows_the_hpa_behind_a_power_cycle),
		cmocka_unit_test(test_restore_says_what_it_cannot),
		cmocka_unit_test(test_restore_is_in_the_plan_where_the_policy_asks),
		cmocka_unit_test(test_restore_lets_an_erase_reach_behind_a_dco),
	};

	return cmocka_run_group_tests(tests, erase_lab_setup, erase_lab_teardown);
}
