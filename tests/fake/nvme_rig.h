/*
 * nvme_rig: an emulated NVMe drive in an erase_lab, full of customer data, for tests of its own
 * techniques: takes through the engine, and each claim held against the medium.
 */
#pragma once
#include "tests/emu/emu_nvme_ask.h"
#include "tests/fake/erase_lab.h"

#define NVME_RIG_BYTES (1U << 20)

extern struct erase_lab nvme_lab;
extern struct xp_claim nvme_claim; /* of the last take */

/* For cmocka. */
int nvme_rig_setup(void **state);
int nvme_rig_teardown(void **state);

/* A drive full of customer data: every namespace, what is not allocated, the spare area. */
struct nvme_rig {
	struct emu_time time;
	struct emu_nvme_slot slot;
};
/* Skips the test where there can be no permit. The target is namespace 1. */
void nvme_rig_make(struct nvme_rig *r, const struct emu_nvme_config *cfg);
void nvme_rig_free(struct nvme_rig *r);
/* Another job, whose target is that namespace. */
void nvme_rig_begin(struct nvme_rig *r, uint32_t nsid);

/* A take that ends so; the claim is held against the medium. */
const struct xp_claim *nvme_rig_run(struct nvme_rig *r, enum xp_technique t, enum xp_rc expected);
const struct xp_claim *nvme_rig_claim_of(const struct nvme_rig *r);
/* A whole job on a drive of its own, which ends with that claim. */
void nvme_rig_run_well(const struct emu_nvme_config *cfg, enum xp_technique t, enum xp_level level,
		       enum xp_scope scope);
