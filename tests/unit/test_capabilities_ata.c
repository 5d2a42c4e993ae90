/* What an ATA drive can do as things stand, and what the plan makes of what stands in the way. */
#include "base/cleanup.h"
#include "device/probe.h"
#include "tests/emu/emu_transport.h"
#include "tests/fake/ata_rig.h"
#include "tests/fake/claim_evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS 2048

/* A drive as the plan sees it; needs no permit. */
static struct desk {
	struct emu_time time;
	struct emu_ata *d;
	struct emu_satl unit;
	struct xp_target target;
	struct xp_drive_facts facts;
	struct xp_capabilities capabilities;
	struct xp_policy *policy;
	struct xp_plan plan;
	struct xp_err err;
} desk;

static void desk_new(const struct emu_ata_config *cfg)
{
	memset(&desk, 0, sizeof(desk));
	desk.d = emu_ata_new(cfg, &desk.time);
	assert_non_null(desk.d);
	desk.unit.drive = desk.d;
	desk.policy = claim_policy_load("r2", NULL);
}

static void look(enum xp_bus bus)
{
	AUTO(xp_transport_free) struct xp_transport *t = NULL;

	xp_identity_free(&desk.target.identity);
	xp_drive_facts_free(&desk.facts);
	memset(&desk.facts, 0, sizeof(desk.facts));
	desk.target.kind = XP_TARGET_DISK;
	desk.target.identity.bus = bus;
	assert_int_equal(emu_transport_open(&t, &desk.unit, &desk.err), XP_OK);
	assert_int_equal(xp_probe_drive(&desk.facts, t, &desk.target.identity, &desk.err), XP_OK);
	xp_capabilities_host(&desk.capabilities, &desk.target);
	xp_capabilities_drive(&desk.capabilities, &desk.target, &desk.facts);
}

static void desk_free(void)
{
	xp_plan_free(&desk.plan);
	xp_identity_free(&desk.target.identity);
	xp_drive_facts_free(&desk.facts);
	xp_policy_free(&desk.policy);
	emu_ata_free(&desk.d);
}

static bool can(enum xp_technique t)
{
	for (unsigned i = 0; i < desk.capabilities.n; i++)
		if (desk.capabilities.list[i].technique == t)
			return true;
	return false;
}

static void make_plan(const enum xp_technique *t)
{
	struct xp_plan_request req = {
		.target = &desk.target,
		.capabilities = &desk.capabilities,
		.policy = desk.policy,
		.has_technique = t != NULL,
		.technique = t ? *t : XP_OVERWRITE_ZERO,
	};

	xp_plan_free(&desk.plan);
	assert_int_equal(xp_plan_make(&desk.plan, &req, &desk.err), XP_OK);
}

/* Asked for by name it is refused with that code, with a way out; nothing else is offered for it.
 */
static void check_refused(enum xp_technique t, enum xp_refusal_code code)
{
	make_plan(&t);
	assert_false(can(t));
	assert_int_equal(desk.plan.exit_code, 4);
	assert_false(desk.plan.has_technique);
	assert_int_equal(desk.plan.refusals.n, 1);
	assert_int_equal(desk.plan.refusals.list[0].code, code);
	assert_true(desk.plan.refusals.list[0].message[0] && desk.plan.refusals.list[0].remedy[0]);
	assert_string_equal(desk.plan.message, desk.plan.refusals.list[0].message);
}

static void test_capabilities_of_whole_drives(void **state)
{
	struct emu_ata_config hdd = emu_ata_hdd(SECTORS);
	struct emu_ata_config ssd = emu_ata_ssd(SECTORS);

	(void)state;
	desk_new(&hdd);
	look(XP_BUS_ATA);
	assert_int_equal(desk.capabilities.obstacles_n, 0);
	assert_true(can(XP_ATA_SANITIZE_OVERWRITE) && can(XP_ATA_SECURE_ERASE) &&
		    can(XP_ATA_SECURE_ERASE_ENHANCED));
	assert_false(can(XP_ATA_SANITIZE_CRYPTO) || can(XP_ATA_SANITIZE_BLOCK));
	make_plan(NULL);
	assert_int_equal(desk.plan.technique, XP_ATA_SANITIZE_OVERWRITE);
	assert_int_equal(desk.plan.exit_code, 0);
	desk_free();
	desk_new(&ssd);
	look(XP_BUS_ATA);
	make_plan(NULL);
	assert_int_equal(desk.plan.technique, XP_ATA_SANITIZE_CRYPTO);
	assert_int_equal(desk.plan.expected.level, XP_PURGE);
	desk_free();
	/* one that does not say that it encrypts everything is erased by blocks */
	ssd.encrypts = false;
	desk_new(&ssd);
	look(XP_BUS_ATA);
	make_plan(NULL);
	assert_int_equal(desk.plan.technique, XP_ATA_SANITIZE_BLOCK);
	assert_int_equal(desk.plan.expected.level, XP_PURGE);
	desk_free();
}

static void test_capabilities_frozen_says_the_way_out(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);

	(void)state;
	cfg.frozen_at_power_on = true;
	cfg.has_sanitize = false;
	desk_new(&cfg);
	look(XP_BUS_ATA);
	check_refused(XP_ATA_SECURE_ERASE, XP_REFUSED_FROZEN);
	check_refused(XP_ATA_SECURE_ERASE_ENHANCED, XP_REFUSED_FROZEN);
	assert_non_null(strstr(desk.plan.refusals.list[0].remedy, "suspend"));
	/* chosen by the policy: less, and the plan says what kept it from more */
	make_plan(NULL);
	assert_int_equal(desk.plan.exit_code, 3);
	assert_int_equal(desk.plan.technique, XP_OVERWRITE_ZERO);
	assert_non_null(strstr(desk.plan.message, "ata-secure-erase-enhanced would reach purge"));
	assert_non_null(strstr(desk.plan.message, "frozen"));
	desk_free();
}

static void test_capabilities_sanitize_frozen(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	(void)state;
	desk_new(&cfg);
	emu_ask_sanitize(desk.d, 0x0020, 0, 0);
	look(XP_BUS_ATA);
	check_refused(XP_ATA_SANITIZE_CRYPTO, XP_REFUSED_FROZEN);
	check_refused(XP_ATA_SANITIZE_BLOCK, XP_REFUSED_FROZEN);
	desk_free();
}

static void test_capabilities_passwords_of_others(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);

	(void)state;
	desk_new(&cfg);
	emu_ask_password(desk.d, 0xf1, 0, "somebody's");
	look(XP_BUS_ATA);
	check_refused(XP_ATA_SECURE_ERASE, XP_REFUSED_LOCKED);
	/* open, as it is, it can be sanitized */
	assert_true(can(XP_ATA_SANITIZE_OVERWRITE));
	emu_satl_power_cycle(&desk.unit);
	look(XP_BUS_ATA);
	check_refused(XP_ATA_SECURE_ERASE, XP_REFUSED_LOCKED);
	check_refused(XP_ATA_SANITIZE_OVERWRITE, XP_REFUSED_LOCKED);
	for (unsigned i = 0; i < 5; i++)
		emu_ask_password(desk.d, 0xf2, 0, "wrong");
	look(XP_BUS_ATA);
	check_refused(XP_ATA_SECURE_ERASE_ENHANCED, XP_REFUSED_LOCKED);
	assert_non_null(strstr(desk.plan.refusals.list[0].message, "too many"));
	desk_free();
	/* a restricted sanitize overrides the lock */
	cfg.restricted_overrides = true;
	desk_new(&cfg);
	emu_ask_password(desk.d, 0xf1, 0, "somebody's");
	emu_satl_power_cycle(&desk.unit);
	look(XP_BUS_ATA);
	assert_true(can(XP_ATA_SANITIZE_OVERWRITE));
	desk_free();
}

static void test_capabilities_behind_a_bridge(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	(void)state;
	desk_new(&cfg);
	look(XP_BUS_USB);
	check_refused(XP_ATA_SECURE_ERASE, XP_REFUSED_BRIDGE_UNSAFE);
	check_refused(XP_ATA_SECURE_ERASE_ENHANCED, XP_REFUSED_BRIDGE_UNSAFE);
	assert_true(can(XP_ATA_SANITIZE_CRYPTO));
	desk.unit.fixed_sense = true;
	look(XP_BUS_USB);
	check_refused(XP_ATA_SANITIZE_CRYPTO, XP_REFUSED_BRIDGE_UNSAFE);
	desk.unit.no_pass_through = true;
	look(XP_BUS_USB);
	assert_int_equal(desk.capabilities.n, 3);
	desk_free();
}

static void test_capabilities_lost_registers(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	(void)state;
	for (enum emu_registers how = EMU_REGISTERS_ZERO; how <= EMU_REGISTERS_LOST; how++) {
		desk_new(&cfg);
		desk.unit.registers = how;
		look(XP_BUS_SAS);
		check_refused(XP_ATA_SANITIZE_BLOCK, XP_REFUSED_BRIDGE_UNSAFE);
		check_refused(XP_ATA_SECURE_ERASE, XP_REFUSED_BRIDGE_UNSAFE);
		desk_free();
	}
}

static void test_capabilities_of_a_drive_without_features(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	const enum xp_technique t = XP_ATA_SECURE_ERASE;

	(void)state;
	cfg.has_security = cfg.has_sanitize = false;
	desk_new(&cfg);
	look(XP_BUS_ATA);
	assert_int_equal(desk.capabilities.n, 3);
	assert_int_equal(desk.capabilities.obstacles_n, 0);
	make_plan(&t);
	assert_int_equal(desk.plan.exit_code, 69);
	make_plan(NULL);
	assert_int_equal(desk.plan.exit_code, 3);
	assert_null(strstr(desk.plan.message, "would reach"));
	desk_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capabilities_of_whole_drives),
		cmocka_unit_test(test_capabilities_frozen_says_the_way_out),
		cmocka_unit_test(test_capabilities_sanitize_frozen),
		cmocka_unit_test(test_capabilities_passwords_of_others),
		cmocka_unit_test(test_capabilities_behind_a_bridge),
		cmocka_unit_test(test_capabilities_lost_registers),
		cmocka_unit_test(test_capabilities_of_a_drive_without_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
