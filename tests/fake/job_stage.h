/*
 * job_stage: whole jobs on emulated drives, in process: plan, permit (for an image file that the
 * stage makes), journal, baseline, the drive's own technique, readback, record. Bytes go by SCSI
 * READ and WRITE, so the extents over a transport are met here, too.
 */
#pragma once
#include "cli/job.h"
#include "tests/emu/drive_scsi.h"
#include "tests/emu/emu_transport.h"
#include "tests/emu/emu_transport_nvme.h"

#define STAGE_SECTORS 16384

struct world {
	char folder[64], image[96], state_path[96];
	struct xp_sysroot root;
	struct xp_state state;
	struct xp_log *log;
	struct xp_signing_key *key;
	struct xp_inventory inventory;
	struct xp_plan_options options;
	struct emu_time time;
	struct xp_clock clock;
	struct emu_ata *d;
	struct emu_satl unit;
	struct emu_scsi *sas; /* in place of d */
	struct emu_scsi_bay bay;
	struct emu_nvme_slot slot; /* in place of both */
	struct emu_unit inner;	   /* one of these */
	struct emu_unit at;	   /* the same, with the boundaries counted */
	/*
	 * Before and behind each command is a boundary, counted from 1. At kill_at the process is
	 * as if it were dead: no command reaches the drive any more, nothing is written.
	 */
	uint64_t boundaries, kill_at; /* 0: never */
	uint64_t kill_behind;	      /* for who counts from somewhere else */
	uint8_t kill_on;	      /* ... or behind this ATA command; 0: none */
	uint8_t count_from; /* boundaries are counted from this SCSI command, once; 0: none */
	/* there something else is plugged in instead: another drive, or NULL for nothing */
	uint64_t plug_at, plug_behind; /* 0: never */
	struct emu_ata *plugs;
	struct emu_scsi *plugs_sas; /* ... where the drive is a SAS one */
	uint8_t cancel_on;	    /* stopped while the drive is at this ATA command; 0: none */
	bool cuts_power;	    /* the drive loses its power with it */
	bool dead;
	bool was_stopped; /* by cancel_on */
	/* a kernel that shows what it knew, for who puts it into the door */
	enum xp_rc (*kernel_view)(void *ctx, struct xp_identity *out,
				  const struct xp_target *target, const struct xp_permit *permit,
				  struct xp_err *err);
	uint64_t kernel_bytes;
	unsigned looks;
	int kept_fd; /* the folder of certificates, out of its reach */
	struct xp_transport *io_way;
	struct xp_job_door door;
	struct xp_job_setup setup;
	const char *confirms[2];
	const char *kernel_serial;
	uint64_t cancel_after; /* waits; 0: never */
	uint64_t waits;
	unsigned cancel_at_io; /* the one that reads or writes: baseline, readback; 0: never */
	unsigned ios;
	struct xp_job *job;
	struct xp_err err;
};

/* For cmocka; the world is the state. */
int stage_setup(void **state);
int stage_teardown(void **state);
/* A drive full of customer data. Skips the test where there can be no permit. */
void stage_plug(struct world *w, const struct emu_ata_config *cfg);
/* A SAS drive; its bytes go by its own commands. */
void stage_plug_sas(struct world *w, const struct emu_scsi_config *cfg);
/* How many blocks a SAS drive says that it has; and a drive that shows no more than BLOCKS. */
uint64_t stage_blocks_sas(struct emu_scsi *d);
void stage_reduce_sas(struct emu_scsi *d, uint32_t blocks);
/* An NVMe drive; the target is its first namespace. */
void stage_plug_nvme(struct world *w, const struct emu_nvme_config *cfg);
/* The policy of the stage with further keys, under a name of its own. */
void stage_policy(struct world *w, const char *more);
void stage_job_drop(struct world *w);
/* A new job, planned; and carried out. A record that comes of it holds together. */
void stage_prepare(struct world *w);
void stage_run(struct world *w);
/* The job in hand, taken up anew from its journal; a process that was killed is another now. */
void stage_resume(struct world *w);
/* The same, up to where it would be carried out. */
void stage_reopen(struct world *w);
/*
 * Carries out the job in hand and kills it at boundary AT (with the power, where CUTS_POWER),
 * counted from where the journal has its first line, or from w->count_from where that is set.
 * False: it has fewer boundaries, or AT is 0.
 */
bool stage_execute_cut(struct world *w, uint64_t at, bool cuts_power);
void stage_power_cycle(struct world *w);
/* The record of the job, as it was written, holds together. */
void stage_assert_record_good(struct world *w);
/* A security erase that is killed once the password is set, and the power with it: locked. */
void stage_leave_password(struct world *w);
/* Does the state folder know of a password on the drive? */
bool stage_names_password(struct world *w);
void stage_assert_claim(const struct world *w, enum xp_level level, enum xp_technique t);
/* Does the claim of the record have that reason? */
bool stage_has_reason(const struct world *w, const char *code);
/* No customer data, in the user area and in the spare one. */
void stage_assert_clean(const struct world *w);
/* The first phase of a kind; stage_nothing where there is none. */
extern const struct xp_phase stage_nothing;
const struct xp_phase *stage_find(const struct world *w, enum xp_phase_kind kind, uint32_t attempt);
