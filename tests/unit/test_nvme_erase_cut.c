/* Sanitize and Format NVM on emulated NVMe drives, cut at every boundary. */
#include "base/cleanup.h"
#include "tests/fake/nvme_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const enum xp_technique sanitizes[] = {XP_NVME_SANITIZE_CRYPTO, XP_NVME_SANITIZE_BLOCK,
					      XP_NVME_SANITIZE_OVERWRITE};

/* Cut at the boundary AT; then takes until it ends. false: there are no more boundaries. */
static bool cut_once(struct nvme_rig *r, enum xp_technique t, enum lab_cut cut, uint64_t at,
		     uint64_t asleep_s)
{
	const struct xp_claim *c;
	enum xp_rc rc;

	nvme_lab.cut = cut;
	nvme_lab.cut_at = at;
	rc = erase_lab_take(&nvme_lab, t);
	if (nvme_lab.cut_at)
		return false;
	for (unsigned i = 0; nvme_lab.dead && i < 3; i++) {
		emu_time_pass(&r->time, asleep_s * EMU_S);
		rc = erase_lab_take(&nvme_lab, t);
	}
	c = nvme_rig_claim_of(r);
	if (rc != XP_OK || c->level == XP_NONE)
		fail_msg("%s cut %d at %llu: %d %s; %s", xp_technique_name(t), cut,
			 (unsigned long long)at, rc, nvme_lab.err.msg,
			 c->reasons_n ? c->reasons[0].text : "");
	return true;
}

static void cut_everywhere(const struct emu_nvme_config *cfg, enum xp_technique t)
{
	static const uint64_t asleep_s[] = {1, 100000};
	struct nvme_rig r;

	for (unsigned cut = LAB_KILL; cut <= LAB_DRIVE; cut++) {
		for (size_t i = 0; i < XP_ARRAY_LEN(asleep_s); i++) {
			bool more = true;

			for (uint64_t at = 1; more; at++) {
				nvme_rig_make(&r, cfg);
				more = cut_once(&r, t, (enum lab_cut)cut, at, asleep_s[i]);
				nvme_rig_free(&r);
			}
		}
	}
}

static void test_cut_anywhere_ends_well(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);

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
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	cfg.block_seconds = 20;
	for (unsigned cut = LAB_POWER; cut <= LAB_DRIVE; cut++) {
		for (uint64_t at = 1, more = 1; more; at++) {
			nvme_rig_make(&r, &cfg);
			emu_nvme_faults(r.slot.drive)->sanitize_dies_by_power = true;
			nvme_lab.cut = (enum lab_cut)cut;
			nvme_lab.cut_at = at;
			erase_lab_take(&nvme_lab, XP_NVME_SANITIZE_BLOCK);
			more = nvme_lab.cut_at == 0;
			for (unsigned i = 0; nvme_lab.dead && i < 3; i++)
				erase_lab_take(&nvme_lab, XP_NVME_SANITIZE_BLOCK);
			nvme_rig_claim_of(&r);
			assert_true(nvme_claim.level == XP_PURGE || nvme_claim.level == XP_NONE);
			nvme_rig_free(&r);
		}
	}
}

/* Somebody writes to it between the takes: it was sanitized, and is not any more. */
static void test_cut_and_written_to_meanwhile_is_done_again(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	uint8_t block[512] = {1};
	unsigned n = 0;
	struct nvme_rig r;

	(void)state;
	cfg.block_seconds = 20;
	for (uint64_t at = 1, more = 1; more; at++) {
		nvme_rig_make(&r, &cfg);
		nvme_lab.cut = LAB_KILL;
		nvme_lab.cut_at = at;
		erase_lab_take(&nvme_lab, XP_NVME_SANITIZE_BLOCK);
		more = nvme_lab.cut_at == 0;
		if (nvme_lab.dead && !(nvme_lab.has_note && nvme_lab.note == XP_COMMAND_ENDED)) {
			emu_time_pass(&r.time, 100 * EMU_S);
			assert_int_equal(
				emu_nvme_ask_write(r.slot.drive, 1, 0, block, sizeof(block)), 0);
			emu_nvme_stain(r.slot.drive);
			assert_int_equal(nvme_rig_run(&r, XP_NVME_SANITIZE_BLOCK, XP_OK)->level,
					 XP_PURGE);
			n++;
		}
		nvme_rig_free(&r);
	}
	assert_true(n > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_anywhere_ends_well),
		cmocka_unit_test(test_cut_of_a_drive_that_does_not_go_on_is_told),
		cmocka_unit_test(test_cut_and_written_to_meanwhile_is_done_again),
	};

	return cmocka_run_group_tests(tests, nvme_rig_setup, nvme_rig_teardown);
}
