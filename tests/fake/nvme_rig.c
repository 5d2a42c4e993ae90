#include "tests/fake/nvme_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct erase_lab nvme_lab;
struct xp_claim nvme_claim; /* large: kept off the stack */

int nvme_rig_setup(void **state)
{
	(void)state;
	return erase_lab_open(&nvme_lab) ? 0 : -1;
}

int nvme_rig_teardown(void **state)
{
	(void)state;
	erase_lab_close(&nvme_lab);
	return 0;
}

void nvme_rig_begin(struct nvme_rig *r, uint32_t nsid)
{
	erase_lab_begin_nvme(&nvme_lab, &r->slot, nsid);
	nvme_lab.kernel_bytes = NVME_RIG_BYTES;
	nvme_lab.kernel_block_bytes = nvme_lab.kernel_physical_bytes = 512;
}

void nvme_rig_make(struct nvme_rig *r, const struct emu_nvme_config *cfg)
{
	if (!nvme_lab.permit)
		skip();
	*r = (struct nvme_rig){.time = {.epoch_s = 1800000000}};
	r->slot.drive = emu_nvme_new(cfg, &r->time);
	assert_non_null(r->slot.drive);
	emu_nvme_stain(r->slot.drive);
	nvme_rig_begin(r, 1);
}

void nvme_rig_free(struct nvme_rig *r)
{
	emu_nvme_free(&r->slot.drive);
}

/* A claim of a level means: nothing of it where that level and scope promise nothing. */
static void check_media(const struct nvme_rig *r, const struct xp_claim *c)
{
	struct emu_stains all = emu_nvme_stains(r->slot.drive);
	struct emu_media *own = emu_nvme_media(r->slot.drive, nvme_lab.nsid);

	if (c->level >= XP_CLEAR && c->scope == XP_SCOPE_DRIVE)
		assert_int_equal(all.sectors, 0);
	if (c->level >= XP_CLEAR)
		assert_int_equal(emu_media_stains(own, 0, NVME_RIG_BYTES / 512).sectors, 0);
	if (c->level == XP_PURGE)
		assert_int_equal(all.spare, 0);
}

const struct xp_claim *nvme_rig_claim_of(const struct nvme_rig *r)
{
	nvme_claim = *erase_lab_claim(&nvme_lab);
	check_media(r, &nvme_claim);
	return &nvme_claim;
}

const struct xp_claim *nvme_rig_run(struct nvme_rig *r, enum xp_technique t, enum xp_rc expected)
{
	enum xp_rc rc = erase_lab_take(&nvme_lab, t);

	if (rc != expected)
		fail_msg("%s: %d %s", xp_technique_name(t), rc, nvme_lab.err.msg);
	return nvme_rig_claim_of(r);
}

void nvme_rig_run_well(const struct emu_nvme_config *cfg, enum xp_technique t, enum xp_level level,
		       enum xp_scope scope)
{
	struct nvme_rig r;

	nvme_rig_make(&r, cfg);
	nvme_rig_run(&r, t, XP_OK);
	for (unsigned i = 0; i < nvme_claim.reasons_n && nvme_claim.level != level; i++)
		print_error("%s: %s\n", nvme_claim.reasons[i].code, nvme_claim.reasons[i].text);
	assert_int_equal(nvme_claim.level, level);
	assert_int_equal(nvme_claim.outcome, XP_OUTCOME_SANITIZED);
	assert_int_equal(nvme_claim.scope, scope);
	nvme_rig_free(&r);
}
