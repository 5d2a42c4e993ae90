/* Format NVM on emulated NVMe drives, whole attempts through the engine. */
#include "base/cleanup.h"
#include "tests/fake/claim_evidence.h"
#include "tests/fake/nvme_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_format_earns_clear_and_keeps_the_format(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);

	(void)state;
	for (uint8_t format = 0; format < cfg.formats_n; format++) {
		cfg.ns[0].format = format;
		cfg.ns[0].protection = cfg.formats[format].metadata_bytes == 8;
		cfg.ns[0].metadata_extended = cfg.formats[format].metadata_bytes == 64;
		nvme_rig_run_well(&cfg, XP_NVME_FORMAT_USER, XP_CLEAR, XP_SCOPE_DRIVE);
		nvme_rig_run_well(&cfg, XP_NVME_FORMAT_CRYPTO, XP_CLEAR, XP_SCOPE_DRIVE);
	}
}

/* One namespace of several, or of a drive with capacity that nobody has, is one namespace. */
static void test_format_of_a_part_is_a_namespace(void **state)
{
	struct emu_nvme_config many = emu_nvme_many(NVME_RIG_BYTES);
	struct emu_nvme_config one = emu_nvme_ssd(NVME_RIG_BYTES);

	(void)state;
	nvme_rig_run_well(&many, XP_NVME_FORMAT_USER, XP_CLEAR, XP_SCOPE_NAMESPACE);
	one.unallocated_bytes = NVME_RIG_BYTES;
	nvme_rig_run_well(&one, XP_NVME_FORMAT_CRYPTO, XP_CLEAR, XP_SCOPE_NAMESPACE);
	one.erase_all = true;
	nvme_rig_run_well(&one, XP_NVME_FORMAT_CRYPTO, XP_CLEAR, XP_SCOPE_NAMESPACE);
	/* an erase that goes to all namespaces, and nothing beside them */
	many.ns[1].attached = 1;
	many.unallocated_bytes = 0;
	many.erase_all = true;
	nvme_rig_run_well(&many, XP_NVME_FORMAT_USER, XP_CLEAR, XP_SCOPE_DRIVE);
}

static void test_format_faults_are_found(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	nvme_rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->format_changes_lba = true;
	erase_lab_take(&nvme_lab, XP_NVME_FORMAT_USER);
	nvme_claim = *erase_lab_claim(&nvme_lab);
	assert_int_equal(nvme_claim.level, XP_NONE);
	assert_true(claim_has_reason(&nvme_claim, "completion-unproven"));
	nvme_rig_free(&r);

	cfg.ns[0].format = 1;
	cfg.ns[0].protection = 1;
	nvme_rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->format_drops_protection = true;
	erase_lab_take(&nvme_lab, XP_NVME_FORMAT_USER);
	nvme_claim = *erase_lab_claim(&nvme_lab);
	assert_int_equal(nvme_claim.level, XP_NONE);
	nvme_rig_free(&r);
}

/* A drive that says it cannot change its keys is not asked to, though it may take the command. */
static void test_format_is_offered_as_the_drive_says(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	bool has_user = false;
	struct nvme_rig r;

	(void)state;
	cfg.format_crypto = false;
	nvme_rig_make(&r, &cfg);
	erase_lab_ask(&nvme_lab);
	for (unsigned i = 0; i < nvme_lab.capabilities.n; i++) {
		assert_int_not_equal(nvme_lab.capabilities.list[i].technique,
				     XP_NVME_FORMAT_CRYPTO);
		has_user =
			has_user || nvme_lab.capabilities.list[i].technique == XP_NVME_FORMAT_USER;
	}
	assert_true(has_user);
	nvme_rig_free(&r);
	/* which of several namespaces it is must be known */
	cfg = emu_nvme_many(NVME_RIG_BYTES);
	nvme_rig_make(&r, &cfg);
	nvme_rig_begin(&r, 0);
	erase_lab_ask(&nvme_lab);
	for (unsigned i = 0; i < nvme_lab.capabilities.n; i++)
		assert_int_not_equal(nvme_lab.capabilities.list[i].technique, XP_NVME_FORMAT_USER);
	nvme_rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format_earns_clear_and_keeps_the_format),
		cmocka_unit_test(test_format_of_a_part_is_a_namespace),
		cmocka_unit_test(test_format_faults_are_found),
		cmocka_unit_test(test_format_is_offered_as_the_drive_says),
	};

	return cmocka_run_group_tests(tests, nvme_rig_setup, nvme_rig_teardown);
}
