/*
 * SANITIZE and FORMAT UNIT on emulated SAS drives, whole attempts through the engine: what may be
 * said afterwards, and what a laboratory would find on the medium.
 */
#include "base/cleanup.h"
#include "tests/emu/scsi_ask.h"
#include "tests/fake/claim_evidence.h"
#include "tests/fake/erase_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS 2048

static struct xp_claim claim; /* large: kept off the stack */

/* A drive full of customer data, spare area too. */
struct rig {
	struct emu_time time;
	struct emu_scsi *d;
	struct emu_scsi_bay bay;
	struct emu_host host; /* another path to it */
};

static void stain(struct emu_scsi *d)
{
	for (unsigned lun = 0; lun < emu_scsi_config_of(d)->luns; lun++) {
		emu_media_stain(emu_scsi_media(d, lun), 0, SECTORS);
		emu_media_stain_spare(emu_scsi_media(d, lun));
	}
}

static void begin(struct rig *r)
{
	const struct emu_scsi_config *cfg = emu_scsi_config_of(r->d);

	erase_lab_begin(&erase_lab, emu_scsi_unit(&r->bay), XP_BUS_SAS);
	erase_lab.kernel_bytes = SECTORS * cfg->logical_bytes;
	erase_lab.kernel_block_bytes = cfg->logical_bytes;
	erase_lab.kernel_physical_bytes = cfg->logical_bytes << cfg->physical_exponent;
}

static void rig_make(struct rig *r, const struct emu_scsi_config *cfg)
{
	if (!erase_lab.permit)
		skip();
	*r = (struct rig){.time = {.epoch_s = 1800000000}};
	r->d = emu_scsi_new(cfg, &r->time);
	assert_non_null(r->d);
	r->bay.drive = r->d;
	emu_host_plug(&r->host, r->d);
	stain(r->d);
	begin(r);
}

static void rig_free(struct rig *r)
{
	emu_scsi_free(&r->d);
}

static struct emu_stains stains(const struct rig *r, unsigned lun)
{
	return emu_media_stains(emu_scsi_media(r->d, lun), 0, SECTORS);
}

/* A claim of a level means: nothing of it where that level promises nothing. */
static void check_media(const struct rig *r, const struct xp_claim *c)
{
	unsigned luns = c->scope == XP_SCOPE_DRIVE ? emu_scsi_config_of(r->d)->luns : 1;

	for (unsigned lun = 0; lun < luns; lun++) {
		struct emu_stains left = stains(r, lun);

		if (c->level >= XP_CLEAR)
			assert_int_equal(left.sectors, 0);
		if (c->level == XP_PURGE)
			assert_int_equal(left.spare, 0);
	}
}

static const struct xp_claim *claim_of(const struct rig *r)
{
	claim = *erase_lab_claim(&erase_lab);
	check_media(r, &claim);
	return &claim;
}

static const struct xp_claim *run_claim(struct rig *r, enum xp_technique t, enum xp_rc expected)
{
	enum xp_rc rc = erase_lab_take(&erase_lab, t);

	if (rc != expected)
		fail_msg("%s: %d %s", xp_technique_name(t), rc, erase_lab.err.msg);
	return claim_of(r);
}

static void run_well(const struct emu_scsi_config *cfg, enum xp_technique t, enum xp_level level,
		     enum xp_scope scope)
{
	struct rig r;

	rig_make(&r, cfg);
	run_claim(&r, t, XP_OK);
	for (unsigned i = 0; i < claim.reasons_n && claim.level != level; i++)
		print_error("%s: %s\n", claim.reasons[i].code, claim.reasons[i].text);
	assert_int_equal(claim.level, level);
	assert_int_equal(claim.outcome, XP_OUTCOME_SANITIZED);
	assert_int_equal(claim.scope, scope);
	rig_free(&r);
}

static void test_sanitize_each_action_earns_its_level(void **state)
{
	struct emu_scsi_config hdd = emu_scsi_hdd(SECTORS);
	struct emu_scsi_config ssd = emu_scsi_ssd(SECTORS);
	static const uint32_t lengths[] = {512, 520, 528, 4096};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(lengths); i++) {
		hdd.logical_bytes = ssd.logical_bytes = lengths[i];
		run_well(&hdd, XP_SCSI_SANITIZE_OVERWRITE, XP_PURGE, XP_SCOPE_DRIVE);
		run_well(&ssd, XP_SCSI_SANITIZE_OVERWRITE, XP_PURGE, XP_SCOPE_DRIVE);
		run_well(&ssd, XP_SCSI_SANITIZE_BLOCK, XP_PURGE, XP_SCOPE_DRIVE);
		run_well(&ssd, XP_SCSI_SANITIZE_CRYPTO, XP_PURGE, XP_SCOPE_DRIVE);
	}
	hdd = emu_scsi_hdd(SECTORS);
	hdd.encrypts = hdd.sanitize_crypto = true;
	run_well(&hdd, XP_SCSI_SANITIZE_CRYPTO, XP_PURGE, XP_SCOPE_DRIVE);
	/* what reads say afterwards makes no difference */
	for (unsigned said = 0; said <= 3; said++) {
		ssd = emu_scsi_ssd(SECTORS);
		ssd.wabereq = ssd.wacereq = said;
		run_well(&ssd, XP_SCSI_SANITIZE_BLOCK, XP_PURGE, XP_SCOPE_DRIVE);
		run_well(&ssd, XP_SCSI_SANITIZE_CRYPTO, XP_PURGE, XP_SCOPE_DRIVE);
	}
}

static void test_sanitize_keeps_protection(void **state)
{
	struct emu_scsi_config hdd = emu_scsi_hdd(SECTORS);

	(void)state;
	for (hdd.pi_type = 0; hdd.pi_type <= 3; hdd.pi_type++) {
		run_well(&hdd, XP_SCSI_SANITIZE_OVERWRITE, XP_PURGE, XP_SCOPE_DRIVE);
		run_well(&hdd, XP_SCSI_FORMAT, XP_CLEAR, XP_SCOPE_LOGICAL_UNIT);
	}
}

/* One of two actuators is not the drive, unless the drive says nothing else. */
static void test_sanitize_of_one_unit_of_two_is_one_unit(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct rig r;

	(void)state;
	cfg.luns = 2;
	run_well(&cfg, XP_SCSI_SANITIZE_OVERWRITE, XP_PURGE, XP_SCOPE_LOGICAL_UNIT);
	rig_make(&r, &cfg);
	run_claim(&r, XP_SCSI_SANITIZE_OVERWRITE, XP_OK);
	assert_int_equal(stains(&r, 1).sectors, SECTORS);
	rig_free(&r);
	cfg.sanitize_spans_luns = true;
	run_well(&cfg, XP_SCSI_SANITIZE_OVERWRITE, XP_PURGE, XP_SCOPE_LOGICAL_UNIT);
}

static void test_sanitize_covers_a_reduced_capacity(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	const struct xp_claim *c = &claim;
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	/* MODE SELECT (6) with a block descriptor of half the blocks */
	memset(r.host.data, 0, 12);
	r.host.data[3] = 8;
	r.host.data[6] = SECTORS / 2 >> 8;
	r.host.data[7] = SECTORS / 2 & 0xff;
	r.host.data[10] = 2;
	assert_int_equal(emu_host_out(&r.host, EMU_CDB(0x15, 0x10, 0, 0, 12, 0), 12), EMU_GOOD);
	c = run_claim(&r, XP_SCSI_SANITIZE_OVERWRITE, XP_OK);
	assert_int_equal(c->level, XP_PURGE);
	assert_int_equal(erase_lab.begun.capacity_bytes, SECTORS / 2 * 512);
	assert_int_equal(stains(&r, 0).sectors, 0);
	rig_free(&r);
}

static void test_sanitize_stall_is_indeterminate(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	const struct xp_claim *c = &claim;
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_scsi_faults(r.d)->sanitize_stalls_at = 20000;
	c = run_claim(&r, XP_SCSI_SANITIZE_OVERWRITE, XP_E_TIMEOUT);
	assert_int_equal(c->level, XP_NONE);
	assert_int_equal(c->outcome, XP_OUTCOME_INDETERMINATE);
	assert_true(claim_has_reason(c, "stalled"));
	rig_free(&r);
}

static bool is_offered(enum xp_technique t)
{
	for (unsigned i = 0; i < erase_lab.capabilities.n; i++)
		if (erase_lab.capabilities.list[i].technique == t)
			return true;
	return false;
}

static void test_sanitize_failure_is_told_and_another_one_leads_out(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	const struct xp_claim *c = &claim;
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_scsi_faults(r.d)->sanitize_fails_at = 30000;
	c = run_claim(&r, XP_SCSI_SANITIZE_OVERWRITE, XP_E_DEVICE);
	assert_int_equal(c->level, XP_NONE);
	assert_int_equal(c->outcome, XP_OUTCOME_FAILED);
	assert_true(claim_has_reason(c, "completion-failed"));
	assert_non_null(strstr(erase_lab.err.msg, "failure state"));
	assert_int_equal(emu_scsi_state(r.d, 0), EMU_SCSI_SANITIZE_FAILED);
	erase_lab_ask(&erase_lab);
	assert_true(is_offered(XP_SCSI_SANITIZE_OVERWRITE));
	assert_false(is_offered(XP_SCSI_SANITIZE_CRYPTO));
	emu_scsi_faults(r.d)->sanitize_fails_at = 0;
	begin(&r);
	c = run_claim(&r, XP_SCSI_SANITIZE_OVERWRITE, XP_OK);
	assert_int_equal(c->level, XP_PURGE);
	rig_free(&r);
}

/* Whoever leaves the failure by EXIT FAILURE MODE meanwhile makes no success of it. */
static void exit_failure(void *ctx)
{
	struct rig *r = ctx;

	if (emu_scsi_state(r->d, 0) == EMU_SCSI_SANITIZE_FAILED)
		emu_host_sanitize(&r->host, 0x1f, 0, 0);
}

static void test_sanitize_left_by_exit_failure_is_no_success(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	const struct xp_claim *c = &claim;
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_scsi_faults(r.d)->sanitize_fails_at = 30000;
	erase_lab.on_wait = exit_failure;
	erase_lab.on_wait_ctx = &r;
	c = run_claim(&r, XP_SCSI_SANITIZE_OVERWRITE, XP_E_DEVICE);
	assert_int_equal(c->level, XP_NONE);
	rig_free(&r);
}

static void test_sanitize_that_is_ignored_claims_nothing(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_scsi_faults(r.d)->sanitize_ignored = true;
	assert_int_equal(erase_lab_take(&erase_lab, XP_SCSI_SANITIZE_OVERWRITE), XP_OK);
	claim = *erase_lab_claim(&erase_lab);
	/* answered with Good, twice, the second time as its end: only the readback can tell */
	assert_true(erase_lab.ev.phases[1].command.during_n == 0);
	assert_false(erase_lab.ev.phases[1].command.cdb[1] & 0x80);
	assert_int_equal(stains(&r, 0).sectors, SECTORS);
	rig_free(&r);
}

static void test_sanitize_without_progress_is_seen_through(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_scsi_faults(r.d)->progress_unsaid = true;
	assert_int_equal(run_claim(&r, XP_SCSI_SANITIZE_OVERWRITE, XP_OK)->level, XP_PURGE);
	rig_free(&r);
	rig_make(&r, &cfg);
	emu_scsi_faults(r.d)->fixed_sense = true;
	assert_int_equal(run_claim(&r, XP_SCSI_SANITIZE_OVERWRITE, XP_OK)->level, XP_PURGE);
	rig_free(&r);
}

static void test_sanitize_of_others_is_waited_for_and_ours_follows(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	const struct xp_claim *c = &claim;
	uint64_t begun;
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	assert_int_equal(emu_host_sanitize(&r.host, 0x81, 1, 0xdeadbeef), EMU_GOOD);
	begun = r.time.now_ns;
	c = run_claim(&r, XP_SCSI_SANITIZE_OVERWRITE, XP_OK);
	assert_int_equal(c->level, XP_PURGE);
	assert_true(r.time.now_ns - begun > 2 * cfg.sanitize_seconds * EMU_S);
	rig_free(&r);
	/* cancelled while it is waited for: nothing is ours */
	rig_make(&r, &cfg);
	assert_int_equal(emu_host_sanitize(&r.host, 0x81, 1, 0xdeadbeef), EMU_GOOD);
	erase_lab.cancel_at = 12;
	c = run_claim(&r, XP_SCSI_SANITIZE_OVERWRITE, XP_E_CANCELLED);
	assert_int_equal(c->level, XP_NONE);
	assert_false(erase_lab.was_noted[XP_COMMAND_SENT]);
	rig_free(&r);
}

static void test_sanitize_writes_passes_and_pattern(void **state)
{
	struct xp_sanitize_overwrite o = {.pattern = {0x12, 0x34, 0x56, 0x78}};
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct rig r;

	(void)state;
	for (o.passes = 1; o.passes <= 3; o.passes++) {
		rig_make(&r, &cfg);
		erase_lab.overwrite = o;
		assert_int_equal(run_claim(&r, XP_SCSI_SANITIZE_OVERWRITE, XP_OK)->level, XP_PURGE);
		assert_int_equal(erase_lab.ev.phases[1].command.overwrite_passes, o.passes);
		emu_host_ready(&r.host);
		assert_int_equal(emu_host_read(&r.host, 77, 1, 512), EMU_GOOD);
		assert_memory_equal(r.host.data, o.pattern, 4);
		assert_memory_equal(r.host.data + 508, o.pattern, 4);
		rig_free(&r);
	}
}

static void test_sanitize_refused_by_a_reservation(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	const struct xp_claim *c = &claim;
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_scsi_faults(r.d)->reserved_elsewhere = true;
	c = run_claim(&r, XP_SCSI_SANITIZE_OVERWRITE, XP_E_DEVICE);
	assert_int_equal(c->level, XP_NONE);
	assert_int_equal(c->outcome, XP_OUTCOME_FAILED);
	assert_int_equal(stains(&r, 0).sectors, SECTORS);
	erase_lab_ask(&erase_lab);
	for (unsigned i = 0; i < erase_lab.capabilities.n; i++)
		assert_true(
			xp_technique_is_host_overwrite(erase_lab.capabilities.list[i].technique));
	assert_true(erase_lab.capabilities.obstacles_n > 0);
	assert_int_equal(erase_lab.capabilities.obstacles[0].code, XP_REFUSED_RESERVED);
	rig_free(&r);
}

static void test_drive_that_goes_or_is_swapped_claims_nothing(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_ssd(SECTORS);
	struct emu_scsi_config another = cfg;
	struct emu_scsi *other;
	const struct xp_claim *c = &claim;
	struct rig r;

	(void)state;
	for (uint64_t after = 20; after < 80; after += 3) {
		rig_make(&r, &cfg);
		emu_scsi_faults(r.d)->vanishes_after = after;
		if (erase_lab_take(&erase_lab, XP_SCSI_SANITIZE_BLOCK) != XP_OK) {
			claim = *erase_lab_claim(&erase_lab);
			assert_int_equal(c->level, XP_NONE);
		}
		rig_free(&r);

		rig_make(&r, &cfg);
		memcpy(another.serial, "OTHER00001", 11);
		another.wwn = cfg.wwn + 0x100;
		other = emu_scsi_new(&another, &r.time);
		assert_non_null(other);
		emu_scsi_faults(r.d)->swap_for = other;
		emu_scsi_faults(r.d)->swaps_after = after;
		if (erase_lab_take(&erase_lab, XP_SCSI_SANITIZE_BLOCK) != XP_OK) {
			claim = *erase_lab_claim(&erase_lab);
			assert_int_equal(c->level, XP_NONE);
		} else {
			/* it was swapped before all, or when all was over */
			claim = *erase_lab_claim(&erase_lab);
			if (strcmp(erase_lab.begun.serial, cfg.serial) == 0)
				check_media(&r, &claim);
		}
		emu_scsi_free(&other);
		rig_free(&r);
	}
}

/* ---- format ---- */

static void test_format_earns_clear(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct emu_scsi_config ssd = emu_scsi_ssd(SECTORS);

	(void)state;
	run_well(&cfg, XP_SCSI_FORMAT, XP_CLEAR, XP_SCOPE_LOGICAL_UNIT);
	run_well(&ssd, XP_SCSI_FORMAT, XP_CLEAR, XP_SCOPE_LOGICAL_UNIT);
	cfg.logical_bytes = 520;
	run_well(&cfg, XP_SCSI_FORMAT, XP_CLEAR, XP_SCOPE_LOGICAL_UNIT);
	cfg.logical_bytes = 4096;
	run_well(&cfg, XP_SCSI_FORMAT, XP_CLEAR, XP_SCOPE_LOGICAL_UNIT);
}

static void test_format_faults_are_found(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	const struct xp_claim *c = &claim;
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_scsi_faults(r.d)->format_fails_at = 30000;
	c = run_claim(&r, XP_SCSI_FORMAT, XP_E_DEVICE);
	assert_int_equal(c->level, XP_NONE);
	assert_int_equal(c->outcome, XP_OUTCOME_FAILED);
	rig_free(&r);

	rig_make(&r, &cfg);
	emu_scsi_faults(r.d)->format_stalls_at = 30000;
	c = run_claim(&r, XP_SCSI_FORMAT, XP_E_TIMEOUT);
	assert_int_equal(c->outcome, XP_OUTCOME_INDETERMINATE);
	rig_free(&r);

	/* another block length: it is not the same target any more */
	rig_make(&r, &cfg);
	emu_scsi_faults(r.d)->format_block_bytes = 4096;
	c = run_claim(&r, XP_SCSI_FORMAT, XP_E_REFUSED);
	assert_int_equal(c->level, XP_NONE);
	rig_free(&r);
}

/* ---- interruptions ---- */

/* Cut at the boundary AT; then takes until it ends. false: there are no more boundaries. */
static bool cut_once(struct rig *r, enum xp_technique t, enum lab_cut cut, uint64_t at,
		     uint64_t asleep_s)
{
	const struct xp_claim *c = &claim;
	enum xp_rc rc;

	erase_lab.cut = cut;
	erase_lab.cut_at = at;
	rc = erase_lab_take(&erase_lab, t);
	if (erase_lab.cut_at)
		return false;
	for (unsigned i = 0; erase_lab.dead && i < 3; i++) {
		emu_time_pass(&r->time, asleep_s * EMU_S);
		rc = erase_lab_take(&erase_lab, t);
	}
	c = claim_of(r);
	if (rc != XP_OK || c->level == XP_NONE)
		fail_msg("%s cut %d at %llu: %d %s; %s", xp_technique_name(t), cut,
			 (unsigned long long)at, rc, erase_lab.err.msg,
			 c->reasons_n ? c->reasons[0].text : "");
	return true;
}

static void cut_everywhere(const struct emu_scsi_config *cfg, enum xp_technique t)
{
	static const uint64_t asleep_s[] = {1, 100000};
	struct rig r;

	for (unsigned cut = LAB_KILL; cut <= LAB_DRIVE; cut++) {
		for (size_t i = 0; i < XP_ARRAY_LEN(asleep_s); i++) {
			bool more = true;

			for (uint64_t at = 1; more; at++) {
				rig_make(&r, cfg);
				more = cut_once(&r, t, (enum lab_cut)cut, at, asleep_s[i]);
				rig_free(&r);
			}
		}
	}
}

static void test_cut_anywhere_ends_well(void **state)
{
	struct emu_scsi_config hdd = emu_scsi_hdd(SECTORS);
	struct emu_scsi_config ssd = emu_scsi_ssd(SECTORS);

	(void)state;
	hdd.sanitize_seconds = ssd.sanitize_seconds = 20;
	hdd.format_seconds = 20;
	cut_everywhere(&hdd, XP_SCSI_SANITIZE_OVERWRITE);
	cut_everywhere(&ssd, XP_SCSI_SANITIZE_BLOCK);
	cut_everywhere(&ssd, XP_SCSI_SANITIZE_CRYPTO);
	cut_everywhere(&hdd, XP_SCSI_FORMAT);
}

/* A drive that forgets its sanitize when the power goes, and says nothing: the trail is cut. */
static void test_cut_of_a_drive_that_forgets_claims_nothing_false(void **state)
{
	struct emu_scsi_config hdd = emu_scsi_hdd(SECTORS);
	const struct xp_claim *c = &claim;
	struct rig r;

	(void)state;
	hdd.sanitize_seconds = 20;
	for (unsigned cut = LAB_POWER; cut <= LAB_DRIVE; cut++) {
		for (uint64_t at = 1, more = 1; more; at++) {
			rig_make(&r, &hdd);
			emu_scsi_faults(r.d)->sanitize_forgotten = true;
			erase_lab.cut = (enum lab_cut)cut;
			erase_lab.cut_at = at;
			erase_lab_take(&erase_lab, XP_SCSI_SANITIZE_OVERWRITE);
			more = erase_lab.cut_at == 0;
			for (unsigned i = 0; erase_lab.dead && i < 3; i++)
				erase_lab_take(&erase_lab, XP_SCSI_SANITIZE_OVERWRITE);
			c = claim_of(&r);
			assert_true(c->level == XP_PURGE || c->level == XP_NONE);
			rig_free(&r);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sanitize_each_action_earns_its_level),
		cmocka_unit_test(test_sanitize_keeps_protection),
		cmocka_unit_test(test_sanitize_of_one_unit_of_two_is_one_unit),
		cmocka_unit_test(test_sanitize_covers_a_reduced_capacity),
		cmocka_unit_test(test_sanitize_stall_is_indeterminate),
		cmocka_unit_test(test_sanitize_failure_is_told_and_another_one_leads_out),
		cmocka_unit_test(test_sanitize_left_by_exit_failure_is_no_success),
		cmocka_unit_test(test_sanitize_that_is_ignored_claims_nothing),
		cmocka_unit_test(test_sanitize_without_progress_is_seen_through),
		cmocka_unit_test(test_sanitize_of_others_is_waited_for_and_ours_follows),
		cmocka_unit_test(test_sanitize_writes_passes_and_pattern),
		cmocka_unit_test(test_sanitize_refused_by_a_reservation),
		cmocka_unit_test(test_drive_that_goes_or_is_swapped_claims_nothing),
		cmocka_unit_test(test_format_earns_clear),
		cmocka_unit_test(test_format_faults_are_found),
		cmocka_unit_test(test_cut_anywhere_ends_well),
		cmocka_unit_test(test_cut_of_a_drive_that_forgets_claims_nothing_false),
	};

	return cmocka_run_group_tests(tests, erase_lab_setup, erase_lab_teardown);
}
