/*
 * SECURITY ERASE UNIT on emulated drives, whole attempts through the engine: what may be said
 * afterwards, what a laboratory would find, and that no drive is left with a password that nobody
 * knows, wherever it is cut.
 */
#include "sanitize/unlock_ata.h"
#include "tests/emu/emu_transport.h"
#include "tests/fake/ata_rig.h"
#include "tests/fake/claim_evidence.h"

#include "base/cleanup.h"
#include "device/protocol/ata_security.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS 2048

static void rig_make(struct ata_rig *r, const struct emu_ata_config *cfg)
{
	if (!erase_lab.permit)
		skip();
	ata_rig_make(r, &erase_lab, cfg);
}

static const struct xp_claim *run_claim(struct ata_rig *r, enum xp_technique t, enum xp_rc expected)
{
	const struct xp_claim *claim;
	enum xp_rc rc = erase_lab_take(&erase_lab, t);

	if (rc != expected)
		fail_msg("%d instead of %d: %s", rc, expected, rc ? erase_lab.err.msg : "");
	claim = erase_lab_claim(&erase_lab);
	assert_true(ata_rig_bears(r, claim));
	return claim;
}

/* Somebody with the documented password, on any host. */
static enum xp_unlock_end unlock(struct ata_rig *r, const char *password)
{
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	struct xp_ata_password p = {0};
	struct xp_unlock how = {.permit = erase_lab.permit, .passwords = &p, .n = 1};
	enum xp_unlock_end end = XP_UNLOCK_WRONG;

	memcpy(p.text, password, strlen(password));
	assert_int_equal(emu_transport_open(&t, &r->unit, &erase_lab.err), XP_OK);
	how.transport = t;
	assert_int_equal(xp_ata_unlock(&end, &how, &erase_lab.err), XP_OK);
	return end;
}

static bool is_open(const struct ata_rig *r)
{
	enum emu_ata_sec s = emu_ata_security_state(r->d);

	return s == EMU_SEC1 || s == EMU_SEC2;
}

static void run_well(const struct emu_ata_config *cfg, enum xp_technique t, enum xp_level level)
{
	const struct xp_claim *c;
	struct ata_rig r;

	rig_make(&r, cfg);
	c = run_claim(&r, t, XP_OK);
	for (unsigned i = 0; i < c->reasons_n && c->level != level; i++)
		print_error("%s: %s\n", c->reasons[i].code, c->reasons[i].text);
	assert_int_equal(c->level, level);
	assert_int_equal(c->outcome, XP_OUTCOME_SANITIZED);
	assert_int_equal(c->scope, XP_SCOPE_DRIVE);
	assert_true(is_open(&r));
	assert_true(erase_lab.was_noted[XP_COMMAND_SECRET] && erase_lab.was_noted[XP_COMMAND_OPEN]);
	ata_rig_free(&r);
}

static void test_security_erase_earns_what_the_media_bears(void **state)
{
	struct emu_ata_config hdd = emu_ata_hdd(SECTORS);
	struct emu_ata_config ssd = emu_ata_ssd(SECTORS);

	(void)state;
	run_well(&hdd, XP_ATA_SECURE_ERASE, XP_CLEAR);
	run_well(&hdd, XP_ATA_SECURE_ERASE_ENHANCED, XP_PURGE);
	run_well(&ssd, XP_ATA_SECURE_ERASE, XP_CLEAR);
	run_well(&ssd, XP_ATA_SECURE_ERASE_ENHANCED, XP_CLEAR);
}

static void test_security_normal_erase_leaves_the_spare_area(void **state)
{
	struct emu_ata_config ssd = emu_ata_ssd(SECTORS);
	struct ata_rig r;

	(void)state;
	rig_make(&r, &ssd);
	run_claim(&r, XP_ATA_SECURE_ERASE, XP_OK);
	/* why it is no purge */
	assert_int_equal(ata_rig_stains(&r).sectors, 0);
	assert_true(ata_rig_stains(&r).spare > 0);
	ata_rig_free(&r);
}

static void test_security_erase_reaches_past_an_hpa_and_not_past_a_dco(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	uint8_t dco[512] = {0};
	struct emu_ata_cmd set = {.command = 0xb1, .feature = 0xc3, .device = 0x40};
	struct emu_ata_cmd get = {.command = 0xb1, .feature = 0xc2, .device = 0x40};
	const struct xp_claim *c;
	struct ata_rig r;
	uint8_t sum = 0;

	(void)state;
	rig_make(&r, &cfg);
	emu_ask(r.d, 0x27, true, 0, 0, 0);
	emu_ask(r.d, 0x37, true, 0, 1, SECTORS / 2 - 1);
	assert_int_equal(emu_ata_sectors(r.d), SECTORS / 2);
	c = run_claim(&r, XP_ATA_SECURE_ERASE_ENHANCED, XP_OK);
	assert_int_equal(c->level, XP_PURGE);
	assert_true(claim_has_reason(c, "hidden-areas-by-device"));
	assert_int_equal(ata_rig_stains(&r).sectors, 0);
	ata_rig_free(&r);

	rig_make(&r, &cfg);
	emu_ask_in(r.d, &get, dco, sizeof(dco));
	dco[6] = (uint8_t)((SECTORS / 2 - 1) & 0xff);
	dco[7] = (uint8_t)((SECTORS / 2 - 1) >> 8);
	dco[511] = 0;
	for (size_t i = 0; i < sizeof(dco); i++)
		sum = (uint8_t)(sum + dco[i]);
	dco[511] = (uint8_t)-sum;
	emu_ask_out(r.d, &set, dco, sizeof(dco));
	assert_int_equal(emu_ata_sectors(r.d), SECTORS / 2);
	c = run_claim(&r, XP_ATA_SECURE_ERASE_ENHANCED, XP_OK);
	assert_int_equal(c->level, XP_NONE);
	assert_true(claim_has_reason(c, "hidden-areas-left"));
	assert_true(ata_rig_stains(&r).sectors > 0);
	ata_rig_free(&r);
}

static void test_security_frozen_locked_or_taken_drives_are_left_alone(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	cfg.frozen_at_power_on = true;
	rig_make(&r, &cfg);
	c = run_claim(&r, XP_ATA_SECURE_ERASE, XP_E_DEVICE);
	assert_true(claim_has_reason(c, "frozen"));
	assert_int_equal(c->outcome, XP_OUTCOME_FAILED);
	assert_false(erase_lab.was_noted[XP_COMMAND_SECRET]);
	ata_rig_free(&r);

	cfg.frozen_at_power_on = false;
	rig_make(&r, &cfg);
	emu_ask_password(r.d, 0xf1, 0, "the owner's own");
	c = run_claim(&r, XP_ATA_SECURE_ERASE, XP_E_DEVICE);
	assert_int_equal(c->level, XP_NONE);
	assert_non_null(strstr(erase_lab.err.msg, "respected"));
	assert_int_equal(emu_ata_security_state(r.d), EMU_SEC5);
	emu_satl_power_cycle(&r.unit);
	ata_rig_again(&r);
	c = run_claim(&r, XP_ATA_SECURE_ERASE, XP_E_DEVICE);
	assert_true(claim_has_reason(c, "locked"));
	assert_int_equal(emu_ata_security_state(r.d), EMU_SEC4);
	/* expired: the tries of somebody else */
	for (unsigned i = 0; i < 5; i++)
		emu_ask_password(r.d, 0xf2, 0, "a guess");
	ata_rig_again(&r);
	run_claim(&r, XP_ATA_SECURE_ERASE, XP_E_DEVICE);
	assert_non_null(strstr(erase_lab.err.msg, "too many"));
	assert_int_equal(unlock(&r, XP_ATA_TEMPORARY_PASSWORD), XP_UNLOCK_EXPIRED);
	emu_satl_power_cycle(&r.unit);
	assert_int_equal(unlock(&r, XP_ATA_TEMPORARY_PASSWORD), XP_UNLOCK_WRONG);
	assert_int_equal(unlock(&r, "the owner's own"), XP_UNLOCK_DONE);
	assert_int_equal(unlock(&r, "the owner's own"), XP_UNLOCK_NOT_NEEDED);
	ata_rig_free(&r);
}

static void test_security_erase_refused_leaves_no_password(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_ata_faults(r.d)->erase_refused = true;
	c = run_claim(&r, XP_ATA_SECURE_ERASE, XP_E_DEVICE);
	assert_int_equal(c->outcome, XP_OUTCOME_FAILED);
	assert_true(claim_has_reason(c, "command-aborted"));
	assert_true(is_open(&r));
	assert_true(erase_lab.was_noted[XP_COMMAND_OPEN]);
	ata_rig_free(&r);
	/* a bridge that does not know the command */
	rig_make(&r, &cfg);
	r.unit.drops_erase = true;
	c = run_claim(&r, XP_ATA_SECURE_ERASE, XP_E_DEVICE);
	assert_int_equal(c->level, XP_NONE);
	assert_true(is_open(&r));
	ata_rig_free(&r);
	/* a drive that says yes to the password, and sets none */
	rig_make(&r, &cfg);
	emu_ata_faults(r.d)->set_password_forgotten = true;
	c = run_claim(&r, XP_ATA_SECURE_ERASE, XP_E_DEVICE);
	assert_int_equal(c->level, XP_NONE);
	assert_false(erase_lab.was_noted[XP_COMMAND_SENT]);
	ata_rig_free(&r);
}

static void test_security_lost_registers_claim_nothing(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	for (enum emu_registers how = EMU_REGISTERS_ZERO; how <= EMU_REGISTERS_LOST; how++) {
		rig_make(&r, &cfg);
		r.unit.registers = how;
		c = run_claim(&r, XP_ATA_SECURE_ERASE, XP_E_DEVICE);
		assert_int_equal(c->level, XP_NONE);
		assert_true(is_open(&r));
		ata_rig_free(&r);
	}
	/* fixed sense has all registers of a 28-bit command, and not those of the native maximum */
	rig_make(&r, &cfg);
	r.unit.fixed_sense = true;
	c = run_claim(&r, XP_ATA_SECURE_ERASE_ENHANCED, XP_OK);
	assert_int_equal(c->level, XP_CLEAR);
	assert_true(claim_has_reason(c, "hidden-areas-unknown"));
	ata_rig_free(&r);
}

static void test_security_power_lost_in_the_middle_of_the_erase(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_ata_cut_power_at(r.d, 1800 * EMU_S);
	c = run_claim(&r, XP_ATA_SECURE_ERASE, XP_E_IO);
	assert_int_equal(c->level, XP_NONE);
	/* the drive had been locked; the job opened it */
	assert_true(is_open(&r));
	ata_rig_again(&r);
	assert_int_equal(run_claim(&r, XP_ATA_SECURE_ERASE, XP_OK)->level, XP_CLEAR);
	ata_rig_free(&r);
	/* host and drive together: it stays locked until somebody comes */
	rig_make(&r, &cfg);
	emu_ata_cut_power_at(r.d, 1800 * EMU_S);
	erase_lab.cut = LAB_POWER;
	erase_lab.pass_over_notes = true;
	erase_lab.cut_at = 14; /* behind the answer that never comes */
	assert_int_equal(erase_lab_take(&erase_lab, XP_ATA_SECURE_ERASE), XP_E_IO);
	assert_int_equal(emu_ata_security_state(r.d), EMU_SEC4);
	assert_int_equal(unlock(&r, XP_ATA_TEMPORARY_PASSWORD), XP_UNLOCK_DONE);
	assert_int_equal(run_claim(&r, XP_ATA_SECURE_ERASE, XP_OK)->level, XP_CLEAR);
	ata_rig_free(&r);
}

static void test_security_disk_faster_than_it_can_write_claims_nothing(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(8ULL << 21); /* 8 GiB */
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	cfg.erase_seconds = 3;
	rig_make(&r, &cfg);
	c = run_claim(&r, XP_ATA_SECURE_ERASE, XP_OK);
	assert_int_equal(c->level, XP_NONE);
	assert_true(claim_has_reason(c, "written-too-fast"));
	ata_rig_free(&r);
}

/* The drive is open, or the documented password opens it; frozen only until it is cycled. */
static void check_way_out(struct ata_rig *r)
{
	if (is_open(r))
		return;
	if (emu_ata_security_state(r->d) == EMU_SEC6)
		emu_satl_power_cycle(&r->unit);
	assert_int_equal(unlock(r, XP_ATA_TEMPORARY_PASSWORD), XP_UNLOCK_DONE);
	assert_true(is_open(r));
}

static unsigned cut_everywhere(const struct emu_ata_config *cfg, enum xp_technique t,
			       enum lab_cut cut, bool by_unlock)
{
	const struct xp_claim *c;
	struct ata_rig r;
	enum xp_rc rc;

	for (unsigned n = 1;; n++) {
		rig_make(&r, cfg);
		erase_lab.cut_at = n;
		erase_lab.cut = cut;
		rc = erase_lab_take(&erase_lab, t);
		if (erase_lab.boundaries < n) {
			assert_int_equal(rc, XP_OK);
			ata_rig_free(&r);
			return n - 1;
		}
		c = erase_lab_claim(&erase_lab);
		assert_true(ata_rig_bears(&r, c));
		if (by_unlock)
			check_way_out(&r);
		for (unsigned i = 0; rc != XP_OK && i < 4; i++) {
			if (!erase_lab.dead)
				ata_rig_again(&r);
			rc = erase_lab_take(&erase_lab, t);
		}
		if (rc != XP_OK)
			fail_msg("no way out of cut %d at %u: %s", cut, n, erase_lab.err.msg);
		c = erase_lab_claim(&erase_lab);
		assert_true(c->level >= XP_CLEAR);
		assert_true(ata_rig_bears(&r, c));
		assert_true(is_open(&r));
		ata_rig_free(&r);
	}
}

static void test_security_cut_at_every_boundary_leads_out(void **state)
{
	struct emu_ata_config hdd = emu_ata_hdd(SECTORS);
	struct emu_ata_config ssd = emu_ata_ssd(SECTORS);

	(void)state;
	for (enum lab_cut cut = LAB_KILL; cut <= LAB_DRIVE; cut++) {
		for (unsigned by_unlock = 0; by_unlock < 2; by_unlock++) {
			assert_true(cut_everywhere(&hdd, XP_ATA_SECURE_ERASE, cut, by_unlock) > 15);
			assert_true(cut_everywhere(&hdd, XP_ATA_SECURE_ERASE_ENHANCED, cut,
						   by_unlock) > 15);
			assert_true(cut_everywhere(&ssd, XP_ATA_SECURE_ERASE_ENHANCED, cut,
						   by_unlock) > 15);
		}
	}
}

/* A refusing drive that is cut as well. */
static void test_security_refused_and_cut_leaves_a_way_out(void **state)
{
	struct emu_ata_config hdd = emu_ata_hdd(SECTORS);
	struct ata_rig r;

	(void)state;
	for (enum lab_cut cut = LAB_KILL; cut <= LAB_DRIVE; cut++) {
		for (unsigned n = 1; n < 40; n++) {
			rig_make(&r, &hdd);
			emu_ata_faults(r.d)->erase_refused = true;
			erase_lab.cut_at = n;
			erase_lab.cut = cut;
			assert_int_not_equal(erase_lab_take(&erase_lab, XP_ATA_SECURE_ERASE),
					     XP_OK);
			check_way_out(&r);
			ata_rig_free(&r);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_security_erase_earns_what_the_media_bears),
		cmocka_unit_test(test_security_normal_erase_leaves_the_spare_area),
		cmocka_unit_test(test_security_erase_reaches_past_an_hpa_and_not_past_a_dco),
		cmocka_unit_test(test_security_frozen_locked_or_taken_drives_are_left_alone),
		cmocka_unit_test(test_security_erase_refused_leaves_no_password),
		cmocka_unit_test(test_security_lost_registers_claim_nothing),
		cmocka_unit_test(test_security_power_lost_in_the_middle_of_the_erase),
		cmocka_unit_test(test_security_disk_faster_than_it_can_write_claims_nothing),
		cmocka_unit_test(test_security_cut_at_every_boundary_leads_out),
		cmocka_unit_test(test_security_refused_and_cut_leaves_a_way_out),
	};

	return cmocka_run_group_tests(tests, erase_lab_setup, erase_lab_teardown);
}
