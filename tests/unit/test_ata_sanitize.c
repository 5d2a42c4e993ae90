/*
 * ATA sanitize on emulated drives, whole attempts through the engine: what may be said afterwards,
 * and what a laboratory would find on the medium.
 */
#include "tests/fake/ata_rig.h"
#include "tests/fake/claim_evidence.h"

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

static void run_well(const struct emu_ata_config *cfg, enum xp_technique t, enum xp_level level)
{
	const struct xp_claim *claim;
	struct ata_rig r;

	rig_make(&r, cfg);
	if (erase_lab_take(&erase_lab, t) != XP_OK)
		fail_msg("%s: %s", xp_technique_name(t), erase_lab.err.msg);
	claim = erase_lab_claim(&erase_lab);
	for (unsigned i = 0; i < claim->reasons_n && claim->level != level; i++)
		print_error("%s: %s\n", claim->reasons[i].code, claim->reasons[i].text);
	assert_int_equal(claim->level, level);
	assert_int_equal(claim->outcome, XP_OUTCOME_SANITIZED);
	assert_int_equal(claim->scope, XP_SCOPE_DRIVE);
	assert_true(ata_rig_bears(&r, claim));
	assert_int_equal(ata_rig_stains(&r).spare, 0);
	ata_rig_free(&r);
}

static void test_sanitize_each_operation_earns_its_level(void **state)
{
	struct emu_ata_config hdd = emu_ata_hdd(SECTORS);
	struct emu_ata_config ssd = emu_ata_ssd(SECTORS);

	(void)state;
	run_well(&hdd, XP_ATA_SANITIZE_OVERWRITE, XP_PURGE);
	run_well(&ssd, XP_ATA_SANITIZE_CRYPTO, XP_PURGE);
	run_well(&ssd, XP_ATA_SANITIZE_BLOCK, XP_PURGE);
	run_well(&ssd, XP_ATA_SANITIZE_OVERWRITE, XP_PURGE);
	/* a disk that encrypts */
	hdd.encrypts = hdd.sanitize_crypto = true;
	run_well(&hdd, XP_ATA_SANITIZE_CRYPTO, XP_PURGE);
}

/* What a drive that is not to be trusted makes of a sanitize. */
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

static void test_sanitize_frozen_is_refused_and_claims_nothing(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_ask_sanitize(r.d, 0x0020, 0, 0);
	c = run_claim(&r, XP_ATA_SANITIZE_BLOCK, XP_E_DEVICE);
	assert_non_null(strstr(erase_lab.err.msg, "frozen"));
	assert_int_equal(c->level, XP_NONE);
	assert_int_equal(c->outcome, XP_OUTCOME_FAILED);
	assert_true(claim_has_reason(c, "command-aborted"));
	assert_int_equal(ata_rig_stains(&r).sectors, SECTORS);
	ata_rig_free(&r);
}

static void test_sanitize_stall_is_indeterminate(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_ata_faults(r.d)->sanitize_stalls_at = 20000;
	c = run_claim(&r, XP_ATA_SANITIZE_OVERWRITE, XP_E_TIMEOUT);
	assert_int_equal(c->level, XP_NONE);
	assert_int_equal(c->outcome, XP_OUTCOME_INDETERMINATE);
	assert_true(claim_has_reason(c, "stalled"));
	ata_rig_free(&r);
}

static void test_sanitize_failure_is_told_and_another_one_leads_out(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_ata_faults(r.d)->sanitize_fails_at = 30000;
	c = run_claim(&r, XP_ATA_SANITIZE_OVERWRITE, XP_E_DEVICE);
	assert_int_equal(c->level, XP_NONE);
	assert_int_equal(c->outcome, XP_OUTCOME_FAILED);
	assert_true(claim_has_reason(c, "completion-failed"));
	assert_int_equal(emu_ata_sanitize_state(r.d), EMU_SD3);
	emu_ata_faults(r.d)->sanitize_fails_at = 0;
	ata_rig_again(&r);
	c = run_claim(&r, XP_ATA_SANITIZE_OVERWRITE, XP_OK);
	assert_int_equal(c->level, XP_PURGE);
	ata_rig_free(&r);
}

static void test_sanitize_that_is_ignored_claims_nothing(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_ata_faults(r.d)->sanitize_ignored = true;
	c = run_claim(&r, XP_ATA_SANITIZE_BLOCK, XP_E_DEVICE);
	assert_int_equal(c->level, XP_NONE);
	ata_rig_free(&r);
	/* an older success stands there, and customer data came behind it */
	rig_make(&r, &cfg);
	emu_ask_sanitize(r.d, 0x0012, 0, 0);
	emu_time_pass(&r.time, 3600 * EMU_S);
	assert_int_equal(emu_ata_sanitize_state(r.d), EMU_SD4);
	ata_rig_stain(r.d);
	emu_ata_faults(r.d)->sanitize_ignored = true;
	c = run_claim(&r, XP_ATA_SANITIZE_BLOCK, XP_OK);
	assert_int_equal(c->level, XP_NONE);
	assert_int_equal(c->outcome, XP_OUTCOME_INDETERMINATE);
	assert_true(claim_has_reason(c, "completion-unproven"));
	ata_rig_free(&r);
}

static void test_sanitize_lost_registers_send_nothing(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		rig_make(&r, &cfg);
		r.unit.registers = i == 0   ? EMU_REGISTERS_ZERO
				   : i == 1 ? EMU_REGISTERS_LOST
					    : EMU_REGISTERS_KEPT;
		r.unit.fixed_sense = i == 2;
		c = run_claim(&r, XP_ATA_SANITIZE_BLOCK, XP_E_UNSUPPORTED);
		assert_int_equal(c->level, XP_NONE);
		assert_int_equal(ata_rig_stains(&r).sectors, SECTORS);
		assert_false(erase_lab.was_noted[XP_COMMAND_SENT]);
		ata_rig_free(&r);
	}
}

static void lose_registers(void *ctx)
{
	struct ata_rig *r = ctx;

	r->unit.fixed_sense = true;
}

static void test_sanitize_registers_lost_on_the_way_are_no_success(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	rig_make(&r, &cfg);
	erase_lab.on_wait = lose_registers;
	erase_lab.on_wait_ctx = &r;
	c = run_claim(&r, XP_ATA_SANITIZE_BLOCK, XP_OK);
	assert_int_equal(c->level, XP_NONE);
	assert_int_equal(c->outcome, XP_OUTCOME_INDETERMINATE);
	assert_true(claim_has_reason(c, "completion-unproven"));
	ata_rig_free(&r);
}

static void test_sanitize_of_others_is_waited_for_and_ours_follows(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	const struct xp_claim *c;
	uint64_t begun;
	struct ata_rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_ask_sanitize(r.d, 0x0014, 1, 0xdeadbeef);
	begun = r.time.now_ns;
	c = run_claim(&r, XP_ATA_SANITIZE_OVERWRITE, XP_OK);
	assert_int_equal(c->level, XP_PURGE);
	assert_false(claim_has_reason(c, "not-ours"));
	assert_true(r.time.now_ns - begun > 2 * 3600 * EMU_S);
	ata_rig_free(&r);
	/* cancelled while it is waited for: nothing is ours */
	rig_make(&r, &cfg);
	emu_ask_sanitize(r.d, 0x0014, 1, 0xdeadbeef);
	erase_lab.cancel_at = 40;
	c = run_claim(&r, XP_ATA_SANITIZE_OVERWRITE, XP_E_CANCELLED);
	assert_int_equal(c->level, XP_NONE);
	assert_true(claim_has_reason(c, "not-ours"));
	ata_rig_free(&r);
}

static void test_sanitize_overwrite_writes_the_pattern_of_the_policy(void **state)
{
	static const uint8_t pattern[4] = {0x12, 0x34, 0x56, 0x78};
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct emu_ata_result read;
	uint8_t sector[512];
	struct ata_rig r;

	(void)state;
	for (uint32_t i = 1; i <= 6; i++) {
		rig_make(&r, &cfg);
		erase_lab.overwrite.passes = (i + 1) / 2;
		erase_lab.overwrite.inverts = i % 2;
		memcpy(erase_lab.overwrite.pattern, pattern, sizeof(pattern));
		assert_int_equal(run_claim(&r, XP_ATA_SANITIZE_OVERWRITE, XP_OK)->level, XP_PURGE);
		read = emu_ask_read(r.d, 77, sector);
		assert_true(emu_is_good(&read));
		assert_memory_equal(sector, pattern, 4);
		assert_memory_equal(sector + 508, pattern, 4);
		ata_rig_free(&r);
	}
}

static void test_sanitize_crypto_without_encryption_of_all_is_clear(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	cfg.encrypts = false;
	rig_make(&r, &cfg);
	assert_int_equal(erase_lab_take(&erase_lab, XP_ATA_SANITIZE_CRYPTO), XP_OK);
	c = erase_lab_claim(&erase_lab);
	assert_int_equal(c->level, XP_CLEAR);
	assert_true(claim_has_reason(c, "plaintext-possible"));
	ata_rig_free(&r);
}

static void test_sanitize_faster_than_a_disk_can_be_claims_nothing(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(8ULL << 21); /* 8 GiB */
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	cfg.sanitize_seconds = 3;
	rig_make(&r, &cfg);
	c = run_claim(&r, XP_ATA_SANITIZE_OVERWRITE, XP_OK);
	assert_int_equal(c->level, XP_NONE);
	assert_true(claim_has_reason(c, "written-too-fast"));
	ata_rig_free(&r);
	/* time that passes between two takes counts: the drive goes on by itself */
	cfg.sanitize_seconds = 600;
	rig_make(&r, &cfg);
	erase_lab.cut_at = 20;
	erase_lab.cut = LAB_KILL;
	assert_int_equal(erase_lab_take(&erase_lab, XP_ATA_SANITIZE_OVERWRITE), XP_E_IO);
	assert_true(erase_lab.was_noted[XP_COMMAND_ACCEPTED]);
	emu_time_pass(&r.time, 700 * EMU_S);
	c = run_claim(&r, XP_ATA_SANITIZE_OVERWRITE, XP_OK);
	assert_int_equal(c->level, XP_PURGE);
	assert_true(claim_has_reason(c, "resumed"));
	assert_true(erase_lab.ev.phases[erase_lab.ev.n - 2].command.earlier_s >= 700);
	ata_rig_free(&r);
}

static void test_sanitize_covers_hidden_areas(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_ask(r.d, 0x27, true, 0, 0, 0);
	emu_ask(r.d, 0x37, true, 0, 1, SECTORS / 2 - 1);
	assert_int_equal(emu_ata_sectors(r.d), SECTORS / 2);
	c = run_claim(&r, XP_ATA_SANITIZE_OVERWRITE, XP_OK);
	assert_int_equal(c->level, XP_PURGE);
	assert_true(claim_has_reason(c, "hidden-areas-by-device"));
	assert_int_equal(ata_rig_stains(&r).sectors, 0);
	ata_rig_free(&r);
}

static void test_sanitize_drive_that_goes_or_is_swapped_claims_nothing(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	struct emu_ata *other;
	const struct xp_claim *c;
	struct ata_rig r;

	(void)state;
	rig_make(&r, &cfg);
	r.unit.vanishes_after = 60;
	assert_int_equal(erase_lab_take(&erase_lab, XP_ATA_SANITIZE_BLOCK), XP_E_IO);
	c = erase_lab_claim(&erase_lab);
	assert_int_equal(c->level, XP_NONE);
	ata_rig_free(&r);

	rig_make(&r, &cfg);
	memcpy(cfg.serial, "OTHER00001", 11);
	other = emu_ata_new(&cfg, &r.time);
	assert_non_null(other);
	emu_ask_sanitize(other, 0x0012, 0, 0);
	r.unit.swap_for = other;
	r.unit.swaps_after = 60;
	assert_int_not_equal(erase_lab_take(&erase_lab, XP_ATA_SANITIZE_BLOCK), XP_OK);
	c = erase_lab_claim(&erase_lab);
	assert_int_equal(c->level, XP_NONE);
	assert_true(claim_has_reason(c, "completion-unproven"));
	emu_ata_free(&other);
	ata_rig_free(&r);
}

/* Takes the job up again until it ends; the claim must be true at every moment. */
static void lead_out(struct ata_rig *r, enum xp_technique t, enum xp_rc rc)
{
	const struct xp_claim *c;

	for (unsigned i = 0; rc != XP_OK && i < 4; i++) {
		if (!erase_lab.dead) {
			c = erase_lab_claim(&erase_lab);
			assert_true(ata_rig_bears(r, c));
			assert_int_equal(c->level, XP_NONE);
			ata_rig_again(r);
		}
		rc = erase_lab_take(&erase_lab, t);
	}
	if (rc != XP_OK)
		fail_msg("no way out of %s: %s", xp_technique_name(t), erase_lab.err.msg);
	c = erase_lab_claim(&erase_lab);
	for (unsigned i = 0; i < c->reasons_n && c->level != XP_PURGE; i++)
		print_error("%s: %s\n", c->reasons[i].code, c->reasons[i].text);
	assert_int_equal(c->level, XP_PURGE);
	assert_true(ata_rig_bears(r, c));
}

static unsigned cut_everywhere(const struct emu_ata_config *cfg, enum xp_technique t,
			       enum lab_cut cut)
{
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
		lead_out(&r, t, rc);
		ata_rig_free(&r);
	}
}

static void test_sanitize_cut_at_every_boundary_leads_out(void **state)
{
	struct emu_ata_config hdd = emu_ata_hdd(SECTORS);
	struct emu_ata_config ssd = emu_ata_ssd(SECTORS);

	(void)state;
	hdd.sanitize_seconds = ssd.sanitize_seconds = 15;
	for (enum lab_cut cut = LAB_KILL; cut <= LAB_DRIVE; cut++) {
		assert_true(cut_everywhere(&hdd, XP_ATA_SANITIZE_OVERWRITE, cut) > 20);
		assert_true(cut_everywhere(&ssd, XP_ATA_SANITIZE_BLOCK, cut) > 20);
		assert_true(cut_everywhere(&ssd, XP_ATA_SANITIZE_CRYPTO, cut) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sanitize_each_operation_earns_its_level),
		cmocka_unit_test(test_sanitize_frozen_is_refused_and_claims_nothing),
		cmocka_unit_test(test_sanitize_stall_is_indeterminate),
		cmocka_unit_test(test_sanitize_failure_is_told_and_another_one_leads_out),
		cmocka_unit_test(test_sanitize_that_is_ignored_claims_nothing),
		cmocka_unit_test(test_sanitize_lost_registers_send_nothing),
		cmocka_unit_test(test_sanitize_registers_lost_on_the_way_are_no_success),
		cmocka_unit_test(test_sanitize_of_others_is_waited_for_and_ours_follows),
		cmocka_unit_test(test_sanitize_overwrite_writes_the_pattern_of_the_policy),
		cmocka_unit_test(test_sanitize_crypto_without_encryption_of_all_is_clear),
		cmocka_unit_test(test_sanitize_faster_than_a_disk_can_be_claims_nothing),
		cmocka_unit_test(test_sanitize_covers_hidden_areas),
		cmocka_unit_test(test_sanitize_drive_that_goes_or_is_swapped_claims_nothing),
		cmocka_unit_test(test_sanitize_cut_at_every_boundary_leads_out),
	};

	return cmocka_run_group_tests(tests, erase_lab_setup, erase_lab_teardown);
}
