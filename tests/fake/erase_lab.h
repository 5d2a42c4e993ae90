/*
 * erase_lab: whole attempts of a device technique on an emulated drive, in process: the engine, its
 * method and an in-memory journal, with a kill or a power cut at any boundary, and further takes
 * behind it. Knows any drive that stands behind a SCSI door, and NVMe drives.
 */
#pragma once
#include "claim/claim.h"
#include "device/interlock.h"
#include "device/probe.h"
#include "sanitize/engine.h"
#include "sanitize/plan.h"
#include "tests/emu/drive_nvme.h"
#include "tests/emu/emu_transport_nvme.h"
#include "tests/emu/unit.h"

enum lab_cut {
	LAB_KILL,  /* the process dies, the drive does not notice */
	LAB_POWER, /* computer and drive lose power together */
	LAB_DRIVE, /* the drive alone loses power, and has it back at once */
};

struct erase_lab {
	/* what stands for a held target: a file of this test's own. NULL: not root, no permit */
	struct xp_permit *permit;
	char image[128];
	struct xp_sysroot root;
	struct xp_target target;
	struct xp_policy *policy;

	struct emu_unit unit;
	struct emu_nvme_slot *slot; /* NVMe in place of unit */
	uint32_t nsid;		    /* NVMe: the namespace that the target is */
	struct emu_time *time;
	struct xp_clock clock;
	enum xp_bus bus;
	/* what the kernel remembers while a drive at it cannot say; 0: it has never known */
	uint64_t kernel_bytes;
	uint32_t kernel_block_bytes, kernel_physical_bytes;
	struct xp_transport *transport;

	/* where it is cut: boundaries are counted from 1; 0: nowhere */
	uint64_t cut_at;
	enum lab_cut cut;
	bool pass_over_notes; /* the cut counts commands only */
	uint64_t boundaries;
	uint64_t cancel_at; /* boundary; 0: never */
	bool dead;
	/* called whenever the technique waits */
	void (*on_wait)(void *ctx);
	void *on_wait_ctx;

	/* the journal */
	bool has_phase, has_note, has_ended;
	struct xp_phase phase; /* as it was noted last */
	enum xp_command_note note;
	bool was_noted[XP_COMMAND_OPEN + 1];

	unsigned takes;
	uint32_t boot; /* a power cut of the computer makes another */
	bool has_begun;
	struct xp_identity begun;
	struct xp_drive_facts facts; /* as probed last */
	struct xp_capabilities capabilities;
	struct xp_evidence ev;
	struct xp_claim claim;
	struct xp_sanitize_overwrite overwrite;
	struct xp_err err;
};

/* false: something that this host should be able to give is not there. */
bool erase_lab_open(struct erase_lab *lab);
void erase_lab_close(struct erase_lab *lab);
/* The lab of a program whose tests share one, and how its group begins and ends. */
extern struct erase_lab erase_lab;
int erase_lab_setup(void **state);
int erase_lab_teardown(void **state);
/* A new job on this drive; what was of the last job is forgotten. */
void erase_lab_begin(struct erase_lab *lab, struct emu_unit unit, enum xp_bus bus);
/* The same on an NVMe drive; SLOT stays the caller's. */
void erase_lab_begin_nvme(struct erase_lab *lab, struct emu_nvme_slot *slot, uint32_t nsid);
/*
 * A take of the job: identify, the technique, identify. A take that was cut is taken up by the next
 * one. XP_E_IO with lab->dead: it was cut.
 */
enum xp_rc erase_lab_take(struct erase_lab *lab, enum xp_technique technique);
/* What may be said by the default policy, without a readback; good until the next call. */
const struct xp_claim *erase_lab_claim(struct erase_lab *lab);
/* Who it is, as the plan sees it: what answers later as another is refused. Else the first take
 * does so. */
void erase_lab_meet(struct erase_lab *lab);
/* Asks the drive: facts, and what a plan would be told of it, in capabilities. */
void erase_lab_ask(struct erase_lab *lab);
