/*
 * Sanitize and Format NVM on emulated NVMe drives, whole attempts through the engine: what may be
 * said afterwards, and what a laboratory would find on the medium.
 */
#include "base/cleanup.h"
#include "tests/emu/emu_nvme_ask.h"
#include "tests/fake/erase_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BYTES (1U << 20)

static struct erase_lab lab;
static struct xp_claim claim; /* large: kept off the stack */

static int setup(void **state)
{
	(void)state;
	return erase_lab_open(&lab) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	erase_lab_close(&lab);
	return 0;
}

/* A drive full of customer data: every namespace, what is not allocated, the spare area. */
struct rig {
	struct emu_time time;
	struct emu_nvme_slot slot;
};

static void begin(struct rig *r, uint32_t nsid)
{
	erase_lab_begin_nvme(&lab, &r->slot, nsid);
	lab.kernel_bytes = BYTES;
	lab.kernel_block_bytes = lab.kernel_physical_bytes = 512;
}

static void rig_make(struct rig *r, const struct emu_nvme_config *cfg)
{
	if (!lab.permit)
		skip();
	*r = (struct rig){.time = {.epoch_s = 1800000000}};
	r->slot.drive = emu_nvme_new(cfg, &r->time);
	assert_non_null(r->slot.drive);
	emu_nvme_stain(r->slot.drive);
	begin(r, 1);
}

static void rig_free(struct rig *r)
{
	emu_nvme_free(&r->slot.drive);
}

static bool has_reason(const struct xp_claim *c, const char *code)
{
	for (unsigned i = 0; i < c->reasons_n; i++)
		if (strcmp(c->reasons[i].code, code) == 0)
			return true;
	return false;
}

/* A claim of a level means: nothing of it where that level and scope promise nothing. */
static void check_media(const struct rig *r, const struct xp_claim *c)
{
	struct emu_stains all = emu_nvme_stains(r->slot.drive);
	struct emu_media *own = emu_nvme_media(r->slot.drive, lab.nsid);

	if (c->level >= XP_CLEAR && c->scope == XP_SCOPE_DRIVE)
		assert_int_equal(all.sectors, 0);
	if (c->level >= XP_CLEAR)
		assert_int_equal(emu_media_stains(own, 0, BYTES / 512).sectors, 0);
	if (c->level == XP_PURGE)
		assert_int_equal(all.spare, 0);
}

static const struct xp_claim *claim_of(const struct rig *r)
{
	claim = *erase_lab_claim(&lab);
	check_media(r, &claim);
	return &claim;
}

static const struct xp_claim *run_claim(struct rig *r, enum xp_technique t, enum xp_rc expected)
{
	enum xp_rc rc = erase_lab_take(&lab, t);

	if (rc != expected)
		fail_msg("%s: %d %s", xp_technique_name(t), rc, lab.err.msg);
	return claim_of(r);
}

static void run_well(const struct emu_nvme_config *cfg, enum xp_technique t, enum xp_level level,
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

static const enum xp_technique sanitizes[] = {XP_NVME_SANITIZE_CRYPTO, XP_NVME_SANITIZE_BLOCK,
					      XP_NVME_SANITIZE_OVERWRITE};

static void test_sanitize_each_action_earns_purge(void **state)
{
	struct emu_nvme_config one = emu_nvme_ssd(BYTES);
	struct emu_nvme_config many = emu_nvme_many(BYTES);

	(void)state;
	many.ns[1].attached = 1; /* nobody else has it */
	for (size_t i = 0; i < XP_ARRAY_LEN(sanitizes); i++) {
		one.no_deallocate_inhibited = false;
		run_well(&one, sanitizes[i], XP_PURGE, XP_SCOPE_DRIVE);
		one.no_deallocate_inhibited = true;
		run_well(&one, sanitizes[i], XP_PURGE, XP_SCOPE_DRIVE);
		run_well(&many, sanitizes[i], XP_PURGE, XP_SCOPE_DRIVE);
	}
}

static void test_sanitize_in_every_format(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);

	(void)state;
	for (uint8_t format = 0; format < cfg.formats_n; format++) {
		cfg.ns[0].format = format;
		cfg.ns[0].protection = cfg.formats[format].metadata_bytes == 8;
		for (size_t i = 0; i < XP_ARRAY_LEN(sanitizes); i++)
			run_well(&cfg, sanitizes[i], XP_PURGE, XP_SCOPE_DRIVE);
	}
}

/* What was sent: NDAS where blocks can be read afterwards. */
static uint32_t word_sent(void)
{
	const uint8_t *sqe = lab.ev.phases[1].command.cdb;

	return (uint32_t)sqe[40] | (uint32_t)sqe[41] << 8 | (uint32_t)sqe[42] << 16 |
	       (uint32_t)sqe[43] << 24;
}

static void test_sanitize_keeps_blocks_readable_where_it_can(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	run_claim(&r, XP_NVME_SANITIZE_BLOCK, XP_OK);
	assert_int_equal(word_sent(), 0x202);
	rig_free(&r);
	cfg.no_deallocate_inhibited = true;
	rig_make(&r, &cfg);
	run_claim(&r, XP_NVME_SANITIZE_BLOCK, XP_OK);
	assert_int_equal(word_sent(), 0x002);
	rig_free(&r);
	/* blocks with protection whose guards are gone cannot be read */
	cfg.no_deallocate_inhibited = false;
	cfg.ns[0].format = 1;
	cfg.ns[0].protection = 1;
	rig_make(&r, &cfg);
	run_claim(&r, XP_NVME_SANITIZE_BLOCK, XP_OK);
	assert_int_equal(word_sent(), 0x002);
	rig_free(&r);
}

/* An older success in the log, of the very same command: ours is told from it. */
static void test_sanitize_is_told_from_an_older_one(void **state)
{
	static const uint32_t older[] = {0x204, 0x202, 0x213};
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(sanitizes); i++) {
		for (unsigned is_written = 0; is_written < 2; is_written++) {
			rig_make(&r, &cfg);
			assert_int_equal(emu_nvme_ask_sanitize(r.slot.drive, older[i], 0), 0);
			emu_time_pass(&r.time, 3600 * EMU_S);
			emu_nvme_stain(r.slot.drive);
			if (is_written) {
				uint8_t block[512] = {1};

				assert_int_equal(emu_nvme_ask_write(r.slot.drive, 1, 0, block,
								    sizeof(block)),
						 0);
			}
			assert_int_equal(run_claim(&r, sanitizes[i], XP_OK)->level, XP_PURGE);
			assert_int_not_equal(word_sent(), older[i]);
			rig_free(&r);

			/* and where nothing is done, nothing is claimed */
			rig_make(&r, &cfg);
			assert_int_equal(emu_nvme_ask_sanitize(r.slot.drive, older[i], 0), 0);
			emu_time_pass(&r.time, 3600 * EMU_S);
			emu_nvme_stain(r.slot.drive);
			emu_nvme_faults(r.slot.drive)->sanitize_ignored = true;
			run_claim(&r, sanitizes[i], XP_OK);
			assert_int_equal(claim.level, XP_NONE);
			assert_int_equal(claim.outcome, XP_OUTCOME_INDETERMINATE);
			assert_true(has_reason(&claim, "completion-unproven"));
			rig_free(&r);
		}
	}
}

static void test_sanitize_that_is_ignored_claims_nothing(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->sanitize_ignored = true;
	run_claim(&r, XP_NVME_SANITIZE_BLOCK, XP_OK);
	assert_int_equal(claim.level, XP_NONE);
	assert_int_equal(claim.outcome, XP_OUTCOME_INDETERMINATE);
	rig_free(&r);
}

static void test_sanitize_stall_is_indeterminate(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->sanitize_stalls_at = 20000;
	run_claim(&r, XP_NVME_SANITIZE_BLOCK, XP_E_TIMEOUT);
	assert_int_equal(claim.level, XP_NONE);
	assert_int_equal(claim.outcome, XP_OUTCOME_INDETERMINATE);
	assert_true(has_reason(&claim, "stalled"));
	rig_free(&r);
}

static void test_sanitize_failure_is_told_and_another_one_leads_out(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->sanitize_fails_at = 30000;
	run_claim(&r, XP_NVME_SANITIZE_BLOCK, XP_E_DEVICE);
	assert_int_equal(claim.level, XP_NONE);
	assert_int_equal(claim.outcome, XP_OUTCOME_FAILED);
	assert_true(has_reason(&claim, "completion-failed"));
	assert_non_null(strstr(lab.err.msg, "failure state"));
	assert_int_equal(emu_nvme_sanitize_state(r.slot.drive), EMU_NVME_RESTRICTED_FAILURE);
	emu_nvme_faults(r.slot.drive)->sanitize_fails_at = 0;
	begin(&r, 1);
	assert_int_equal(run_claim(&r, XP_NVME_SANITIZE_CRYPTO, XP_OK)->level, XP_PURGE);
	rig_free(&r);
}

/* FFFFh as progress is read with the status, never without it. */
static void test_sanitize_without_progress_is_seen_through(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->progress_lost = true;
	assert_int_equal(run_claim(&r, XP_NVME_SANITIZE_OVERWRITE, XP_OK)->level, XP_PURGE);
	assert_true(r.time.now_ns > 600 * EMU_S);
	rig_free(&r);
}

static void test_sanitize_success_that_makes_progress_is_waited_for(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->success_early = true;
	assert_int_equal(run_claim(&r, XP_NVME_SANITIZE_BLOCK, XP_OK)->level, XP_PURGE);
	assert_true(r.time.now_ns > 60 * EMU_S);
	rig_free(&r);
}

static void test_sanitize_without_its_log_is_not_begun(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->log_refused = true;
	run_claim(&r, XP_NVME_SANITIZE_BLOCK, XP_E_DEVICE);
	assert_int_equal(claim.level, XP_NONE);
	assert_false(lab.was_noted[XP_COMMAND_SENT]);
	erase_lab_ask(&lab);
	assert_true(lab.capabilities.obstacles_n == 3);
	rig_free(&r);
}

static void test_sanitize_prohibited_is_refused(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	cfg.has_memory_region = true;
	rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->memory_region_enabled = true;
	run_claim(&r, XP_NVME_SANITIZE_BLOCK, XP_E_DEVICE);
	assert_int_equal(claim.level, XP_NONE);
	assert_int_equal(claim.outcome, XP_OUTCOME_FAILED);
	assert_true(has_reason(&claim, "command-aborted"));
	rig_free(&r);
}

static void test_sanitize_of_others_is_waited_for_and_ours_follows(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	assert_int_equal(emu_nvme_ask_sanitize(r.slot.drive, 0x202, 0), 0);
	run_claim(&r, XP_NVME_SANITIZE_BLOCK, XP_OK);
	assert_int_equal(claim.level, XP_PURGE);
	assert_true(r.time.now_ns > 120 * EMU_S);
	rig_free(&r);
	/* cancelled while it is waited for: nothing is ours */
	rig_make(&r, &cfg);
	assert_int_equal(emu_nvme_ask_sanitize(r.slot.drive, 0x202, 0), 0);
	lab.cancel_at = 8;
	run_claim(&r, XP_NVME_SANITIZE_BLOCK, XP_E_CANCELLED);
	assert_int_equal(claim.level, XP_NONE);
	assert_false(lab.was_noted[XP_COMMAND_SENT]);
	rig_free(&r);
}

static void reset_controller(void *ctx)
{
	struct rig *r = ctx;

	emu_nvme_reset(r->slot.drive, 0);
}

static void test_sanitize_of_others_that_waits_to_be_verified_is_ended(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	cfg.has_media_verification = true;
	rig_make(&r, &cfg);
	assert_int_equal(emu_nvme_ask_sanitize(r.slot.drive, 0x404, 0), 0); /* crypto, EMVS */
	emu_time_pass(&r.time, 10 * EMU_S);
	assert_int_equal(emu_nvme_sanitize_state(r.slot.drive), EMU_NVME_VERIFICATION);
	run_claim(&r, XP_NVME_SANITIZE_BLOCK, XP_OK);
	assert_int_equal(claim.level, XP_PURGE);
	assert_int_equal(emu_nvme_ask_log81(r.slot.drive).scdw10 & 7, 2);
	rig_free(&r);
}

static void test_sanitize_survives_controller_resets(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(sanitizes); i++) {
		rig_make(&r, &cfg);
		lab.on_wait = reset_controller;
		lab.on_wait_ctx = &r;
		assert_int_equal(run_claim(&r, sanitizes[i], XP_OK)->level, XP_PURGE);
		rig_free(&r);
	}
}

/* Another host may be behind the second controller: its data would go, too. */
static void test_sanitize_namespaces_of_other_controllers_are_in_the_way(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	erase_lab_ask(&lab);
	for (unsigned i = 0; i < lab.capabilities.n; i++)
		for (size_t k = 0; k < XP_ARRAY_LEN(sanitizes); k++)
			assert_int_not_equal(lab.capabilities.list[i].technique, sanitizes[k]);
	assert_int_equal(lab.capabilities.obstacles_n, 3);
	assert_int_equal(lab.capabilities.obstacles[0].code, XP_REFUSED_SHARED_CONTROLLER);
	assert_int_equal(lab.facts.nvme.foreign_n, 1);
	assert_int_equal(lab.facts.nvme.foreign[0], 2);
	rig_free(&r);
}

static void test_drive_that_goes_claims_nothing(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	for (uint32_t after = 1; after < 60; after++) {
		rig_make(&r, &cfg);
		emu_nvme_faults(r.slot.drive)->vanishes_after = after;
		if (erase_lab_take(&lab, XP_NVME_SANITIZE_BLOCK) == XP_OK) {
			claim_of(&r);
		} else {
			claim = *erase_lab_claim(&lab);
			assert_int_equal(claim.level, XP_NONE);
		}
		rig_free(&r);
	}
}

static void test_drive_swapped_claims_nothing(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct emu_nvme *other;
	struct rig r;

	(void)state;
	for (uint64_t at = 1; at < 60; at++) {
		struct emu_nvme *first;

		rig_make(&r, &cfg);
		first = r.slot.drive;
		memcpy(cfg.serial, "OTHER000001", 12);
		other = emu_nvme_new(&cfg, &r.time);
		cfg = emu_nvme_ssd(BYTES);
		assert_non_null(other);
		assert_int_equal(emu_nvme_ask_sanitize(other, 0x202, 0), 0);
		emu_time_pass(&r.time, 100 * EMU_S);
		lab.cut = LAB_KILL;
		lab.cut_at = at;
		erase_lab_take(&lab, XP_NVME_SANITIZE_BLOCK);
		if (lab.dead) {
			/* the next take finds another drive in the slot */
			r.slot.drive = other;
			assert_int_equal(erase_lab_take(&lab, XP_NVME_SANITIZE_BLOCK),
					 XP_E_REFUSED);
			claim = *erase_lab_claim(&lab);
			assert_int_equal(claim.level, XP_NONE);
		}
		r.slot.drive = first;
		emu_nvme_free(&other);
		rig_free(&r);
	}
}

/* ---- format ---- */

static void test_format_earns_clear_and_keeps_the_format(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);

	(void)state;
	for (uint8_t format = 0; format < cfg.formats_n; format++) {
		cfg.ns[0].format = format;
		cfg.ns[0].protection = cfg.formats[format].metadata_bytes == 8;
		cfg.ns[0].metadata_extended = cfg.formats[format].metadata_bytes == 64;
		run_well(&cfg, XP_NVME_FORMAT_USER, XP_CLEAR, XP_SCOPE_DRIVE);
		run_well(&cfg, XP_NVME_FORMAT_CRYPTO, XP_CLEAR, XP_SCOPE_DRIVE);
	}
}

/* One namespace of several, or of a drive with capacity that nobody has, is one namespace. */
static void test_format_of_a_part_is_a_namespace(void **state)
{
	struct emu_nvme_config many = emu_nvme_many(BYTES);
	struct emu_nvme_config one = emu_nvme_ssd(BYTES);

	(void)state;
	run_well(&many, XP_NVME_FORMAT_USER, XP_CLEAR, XP_SCOPE_NAMESPACE);
	one.unallocated_bytes = BYTES;
	run_well(&one, XP_NVME_FORMAT_CRYPTO, XP_CLEAR, XP_SCOPE_NAMESPACE);
	one.erase_all = true;
	run_well(&one, XP_NVME_FORMAT_CRYPTO, XP_CLEAR, XP_SCOPE_NAMESPACE);
	/* an erase that goes to all namespaces, and nothing beside them */
	many.ns[1].attached = 1;
	many.unallocated_bytes = 0;
	many.erase_all = true;
	run_well(&many, XP_NVME_FORMAT_USER, XP_CLEAR, XP_SCOPE_DRIVE);
}

static void test_format_faults_are_found(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->format_changes_lba = true;
	erase_lab_take(&lab, XP_NVME_FORMAT_USER);
	claim = *erase_lab_claim(&lab);
	assert_int_equal(claim.level, XP_NONE);
	assert_true(has_reason(&claim, "completion-unproven"));
	rig_free(&r);

	cfg.ns[0].format = 1;
	cfg.ns[0].protection = 1;
	rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->format_drops_protection = true;
	erase_lab_take(&lab, XP_NVME_FORMAT_USER);
	claim = *erase_lab_claim(&lab);
	assert_int_equal(claim.level, XP_NONE);
	rig_free(&r);
}

/* A drive that says it cannot change its keys is not asked to, though it may take the command. */
static void test_format_is_offered_as_the_drive_says(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	bool has_user = false;
	struct rig r;

	(void)state;
	cfg.format_crypto = false;
	rig_make(&r, &cfg);
	erase_lab_ask(&lab);
	for (unsigned i = 0; i < lab.capabilities.n; i++) {
		assert_int_not_equal(lab.capabilities.list[i].technique, XP_NVME_FORMAT_CRYPTO);
		has_user = has_user || lab.capabilities.list[i].technique == XP_NVME_FORMAT_USER;
	}
	assert_true(has_user);
	rig_free(&r);
	/* which of several namespaces it is must be known */
	cfg = emu_nvme_many(BYTES);
	rig_make(&r, &cfg);
	begin(&r, 0);
	erase_lab_ask(&lab);
	for (unsigned i = 0; i < lab.capabilities.n; i++)
		assert_int_not_equal(lab.capabilities.list[i].technique, XP_NVME_FORMAT_USER);
	rig_free(&r);
}

/* ---- interruptions ---- */

/* Cut at the boundary AT; then takes until it ends. false: there are no more boundaries. */
static bool cut_once(struct rig *r, enum xp_technique t, enum lab_cut cut, uint64_t at,
		     uint64_t asleep_s)
{
	const struct xp_claim *c;
	enum xp_rc rc;

	lab.cut = cut;
	lab.cut_at = at;
	rc = erase_lab_take(&lab, t);
	if (lab.cut_at)
		return false;
	for (unsigned i = 0; lab.dead && i < 3; i++) {
		emu_time_pass(&r->time, asleep_s * EMU_S);
		rc = erase_lab_take(&lab, t);
	}
	c = claim_of(r);
	if (rc != XP_OK || c->level == XP_NONE)
		fail_msg("%s cut %d at %llu: %d %s; %s", xp_technique_name(t), cut,
			 (unsigned long long)at, rc, lab.err.msg,
			 c->reasons_n ? c->reasons[0].text : "");
	return true;
}

static void cut_everywhere(const struct emu_nvme_config *cfg, enum xp_technique t)
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
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);

	(void)state;
	cfg.block_seconds = cfg.overwrite_seconds = 20;
	for (size_t i = 0; i < XP_ARRAY_LEN(sanitizes); i++)
		cut_everywhere(&cfg, sanitizes[i]);
	cut_everywhere(&cfg, XP_NVME_FORMAT_USER);
	cut_everywhere(&cfg, XP_NVME_FORMAT_CRYPTO);
}

/* A drive whose sanitize dies with the power says so; what is said of it is true. */
static void test_cut_of_a_drive_that_does_not_go_on_is_told(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct rig r;

	(void)state;
	cfg.block_seconds = 20;
	for (unsigned cut = LAB_POWER; cut <= LAB_DRIVE; cut++) {
		for (uint64_t at = 1, more = 1; more; at++) {
			rig_make(&r, &cfg);
			emu_nvme_faults(r.slot.drive)->sanitize_dies_by_power = true;
			lab.cut = (enum lab_cut)cut;
			lab.cut_at = at;
			erase_lab_take(&lab, XP_NVME_SANITIZE_BLOCK);
			more = lab.cut_at == 0;
			for (unsigned i = 0; lab.dead && i < 3; i++)
				erase_lab_take(&lab, XP_NVME_SANITIZE_BLOCK);
			claim_of(&r);
			assert_true(claim.level == XP_PURGE || claim.level == XP_NONE);
			rig_free(&r);
		}
	}
}

/* Somebody writes to it between the takes: it was sanitized, and is not any more. */
static void test_cut_and_written_to_meanwhile_is_done_again(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	uint8_t block[512] = {1};
	unsigned n = 0;
	struct rig r;

	(void)state;
	cfg.block_seconds = 20;
	for (uint64_t at = 1, more = 1; more; at++) {
		rig_make(&r, &cfg);
		lab.cut = LAB_KILL;
		lab.cut_at = at;
		erase_lab_take(&lab, XP_NVME_SANITIZE_BLOCK);
		more = lab.cut_at == 0;
		if (lab.dead && !(lab.has_note && lab.note == XP_COMMAND_ENDED)) {
			emu_time_pass(&r.time, 100 * EMU_S);
			assert_int_equal(
				emu_nvme_ask_write(r.slot.drive, 1, 0, block, sizeof(block)), 0);
			emu_nvme_stain(r.slot.drive);
			assert_int_equal(run_claim(&r, XP_NVME_SANITIZE_BLOCK, XP_OK)->level,
					 XP_PURGE);
			n++;
		}
		rig_free(&r);
	}
	assert_true(n > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sanitize_each_action_earns_purge),
		cmocka_unit_test(test_sanitize_in_every_format),
		cmocka_unit_test(test_sanitize_keeps_blocks_readable_where_it_can),
		cmocka_unit_test(test_sanitize_is_told_from_an_older_one),
		cmocka_unit_test(test_sanitize_that_is_ignored_claims_nothing),
		cmocka_unit_test(test_sanitize_stall_is_indeterminate),
		cmocka_unit_test(test_sanitize_failure_is_told_and_another_one_leads_out),
		cmocka_unit_test(test_sanitize_without_progress_is_seen_through),
		cmocka_unit_test(test_sanitize_success_that_makes_progress_is_waited_for),
		cmocka_unit_test(test_sanitize_without_its_log_is_not_begun),
		cmocka_unit_test(test_sanitize_prohibited_is_refused),
		cmocka_unit_test(test_sanitize_of_others_is_waited_for_and_ours_follows),
		cmocka_unit_test(test_sanitize_of_others_that_waits_to_be_verified_is_ended),
		cmocka_unit_test(test_sanitize_survives_controller_resets),
		cmocka_unit_test(test_sanitize_namespaces_of_other_controllers_are_in_the_way),
		cmocka_unit_test(test_drive_that_goes_claims_nothing),
		cmocka_unit_test(test_drive_swapped_claims_nothing),
		cmocka_unit_test(test_format_earns_clear_and_keeps_the_format),
		cmocka_unit_test(test_format_of_a_part_is_a_namespace),
		cmocka_unit_test(test_format_faults_are_found),
		cmocka_unit_test(test_format_is_offered_as_the_drive_says),
		cmocka_unit_test(test_cut_anywhere_ends_well),
		cmocka_unit_test(test_cut_of_a_drive_that_does_not_go_on_is_told),
		cmocka_unit_test(test_cut_and_written_to_meanwhile_is_done_again),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
