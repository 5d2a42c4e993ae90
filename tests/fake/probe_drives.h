/*
 * probe_drives: fake drives that the probe is tried on: a SATA drive behind libata, and an NVMe
 * drive without namespaces of its own. They answer with the IDENTIFY data of tests/data/identify.
 */
#pragma once
#include "device/probe.h"
#include "tests/fake/fake_drive.h"

/* FAKE_SANITIZE, FAKE_NATIVE and FAKE_DCO are filled by each test. */
enum { FAKE_SANITIZE, FAKE_POWER, FAKE_NATIVE, FAKE_AMAC, FAKE_DCO, FAKE_SMART, FAKE_REST = 6 };
#define FAKE_PROBE_SATA_N 18
#define FAKE_PROBE_NVME_N 6
extern struct fake_answer fake_probe_sata[FAKE_PROBE_SATA_N];
extern const struct fake_answer fake_probe_nvme[FAKE_PROBE_NVME_N];
/* What they answer. */
extern uint8_t fake_probe_inquiry[96], fake_probe_capacity[32], fake_probe_identify[512],
	fake_probe_dco[512];
extern uint8_t fake_probe_ctrl[4096], fake_probe_ns_list[4096], fake_probe_ns[4096];

struct fake_probe {
	struct fake_drive drive;
	bool blanks; /* record: blank serials */
	struct xp_drive_facts facts;
	struct xp_identity id;
	struct xp_err err;
};
void fake_probe_ask(struct fake_probe *w, enum xp_transport_kind kind,
		    const struct fake_answer *answers, size_t n, enum xp_rc want);
void fake_probe_free(struct fake_probe *w);
/* Any drive, through the door T; what F and ID held of an earlier look is freed. */
enum xp_rc fake_probe_again(struct xp_drive_facts *f, struct xp_identity *id,
			    struct xp_transport *t, struct xp_err *err);

/* For cmocka: the SATA drive as it is at first. */
int fake_probe_setup(void **state);
/* An answer of register values instead of the one in the list. */
void fake_probe_registers(struct fake_answer *a, uint8_t error, uint16_t count, uint64_t lba,
			  uint8_t status);
void fake_probe_set_dco(uint64_t last);
/* The NVMe drive with the data of that file. */
void fake_probe_fill_nvme(const char *name);
