/*
 * job: one target's way from plan to certificate: interlock, journal, engine, readback, record,
 * claim, signature, files. Results of the rooms meet here as plain data.
 */
#pragma once
#include "certs/log_writer.h"
#include "certs/record.h"
#include "certs/sign.h"
#include "cli/job_fields.h"
#include "cli/job_options.h"
#include "cli/state_folder.h"
#include "device/discover.h"
#include "device/drive_facts.h"
#include "device/interlock.h"
#include "device/luks_close.h"
#include "sanitize/engine.h"
#include "sanitize/event.h"
#include "sanitize/journal.h"
#include "verify/baseline.h"

struct xp_job;

/*
 * How a job reaches the drive behind its target. The real one (cli/job_door.h) goes by the target's
 * node; tests put an emulated drive there.
 */
struct xp_job_door {
	void *ctx;
	/*
	 * PERMIT NULL: for asking only. XP_E_UNSUPPORTED: there is no drive behind it that could be
	 * asked.
	 */
	enum xp_rc (*open)(void *ctx, struct xp_transport **out, const struct xp_target *target,
			   const struct xp_permit *permit, struct xp_err *err);
	/*
	 * The kernel's view of the target now, raw answers not among it; with a permit compared
	 * with the one it was given for: XP_E_REFUSED where it differs.
	 */
	enum xp_rc (*view)(void *ctx, struct xp_identity *out, const struct xp_target *target,
			   const struct xp_permit *permit, struct xp_err *err);
	/* The way to its bytes under the permit; CFG has all but the descriptor. */
	enum xp_rc (*open_io)(void *ctx, struct xp_extent_io **out, struct xp_extent_config *cfg,
			      const struct xp_permit *permit, struct xp_err *err);
	void (*sleep_ms)(void *ctx, uint32_t ms);
	/* Has the kernel ask the drive anew how large it is. May be NULL. */
	void (*look_again)(void *ctx, const struct xp_sysroot *root,
			   const struct xp_target *target);
};

struct xp_job_setup;

/* What all jobs of one command share. Read only while jobs run. */
struct xp_job_setup {
	const struct xp_sysroot *root;
	const struct xp_inventory *inventory;
	const struct xp_job_door *door; /* NULL: the real one */
	const struct xp_state *state;
	const struct xp_plan_options *options;
	struct xp_log *log; /* safe for several threads */
	const struct xp_signing_key *key;
	bool key_is_host;
	const char *out_dir;	     /* further folder for records; NULL: none */
	int out_fd;		     /* -1: none */
	const char *const *confirms; /* NULL-terminated */
	bool close_mappings; /* --close: LUKS mappings on a target are taken down (cli/job_close.h)
			      */
	const struct xp_record *fields; /* the operator's words; copied into each record */
	const struct xp_clock *clock;
	const struct xp_rng *rng;
	const char *key_path, *cert_path; /* for the journal; NULL: host key */
	uint32_t stall_ms; /* a target that does nothing for so long is given up; 0: the default */
	bool (*cancelled)(void);
	void *on_settled_ctx;
	/*
	 * Once a job: it is journalled and its first phase begins (still planned), or it has ended
	 * without. May be NULL.
	 */
	void (*on_settled)(void *ctx, const struct xp_job *job);
};

enum xp_job_state {
	XP_JOB_PLANNED,
	XP_JOB_REFUSED,
	XP_JOB_ENDED,	    /* a record was written */
	XP_JOB_INTERRUPTED, /* resumable */
	XP_JOB_FAILED,	    /* no record could be written */
	XP_JOB_DETACHED,    /* goes on in another process */
	XP_JOB_NOT_NEEDED,  /* --if-needed, and still sanitized */
};

/* The drive behind a target, by its own word. */
struct xp_job_drive {
	bool exists;   /* there is one that can be asked */
	bool answered; /* it was, and facts hold what it said last */
	uint32_t nsid; /* the namespace that the target is; 0: none */
	struct xp_drive_facts facts;
	struct xp_transport *transport; /* under the permit */
	struct xp_err why;		/* where it did not answer */
};

/* HPA, AMAC, DCO, reduced capacity: what this job changed, over all its takes. */
struct xp_job_restore {
	struct xp_capacity_change list[XP_CAPACITY_CHANGES_MAX];
	size_t n;
	bool is_pending; /* the last was about to be made, and nobody saw what came of it */
	bool gave_up;	 /* the last cannot be made */
	bool is_whole;	 /* a SCSI drive was set to all of its blocks */
	unsigned missed; /* how often in a row the last was not to be seen, or refused */
	bool waits;	 /* this take ended, for a power cycle */
};

struct xp_job {
	const struct xp_job_setup *setup;
	char id[XP_UUID_LEN];
	struct xp_target target;   /* as the kernel shows it; the interlock goes by this */
	struct xp_file_facts file; /* where file-overwrite is asked for */
	bool file_known;
	/* --recursive: the folder that goes with the last of its files, resolved; empty: none */
	char folder[4096];
	/* resumed, with its record written and its file's name gone: there is nothing left to hold
	 */
	bool file_gone;
	/* its keys are destroyed in a first attempt; then comes the plan's technique */
	bool has_then;
	enum xp_technique then;
	struct xp_luks_volumes luks;	 /* on it, where luks-destroy is asked for */
	struct xp_luks_mappings closing; /* --close: what is open on it, and will be closed */
	struct xp_closed_mapping closed[XP_CLOSED_MAX];
	unsigned closed_n;
	struct xp_identity media; /* who it is: the same, with the drive's own words over it */
	struct xp_job_drive drive;
	struct xp_capabilities capabilities;
	struct xp_refusals refusals;
	struct xp_plan plan;	/* its technique is that of the attempt that is under way */
	uint32_t attempt;	/* from 1 */
	unsigned next_fallback; /* of plan.fallbacks: the first that was not tried yet */
	const struct xp_expected *expected; /* its line of the expect list; NULL: none */
	struct xp_events events;
	struct xp_journal *journal;
	struct xp_baseline *baseline; /* of the attempt that is under way; NULL: none */
	struct xp_record record;
	enum xp_job_state state;
	int exit_code;
	struct xp_err err;
	uint64_t bytes_written, bytes_read;
	uint64_t seconds;
	char record_name[64];	 /* "ID.json" once it is written */
	char signature_name[64]; /* "ID.json.p7s" */
	char end_text[640];
	uint8_t record_sha256[32]; /* of the record that was written last */
	/* an earlier failure record that this job's record supersedes */
	char failure_id[XP_UUID_LEN];
	bool has_failure_sha256;
	uint8_t failure_sha256[32];
	/* the list of unwritten places as the journal has it of this phase: told again where it
	 * grew */
	bool has_told;
	uint64_t told_count, told_bytes;
	bool journal_failed; /* the state folder took no more: no fault of the target */
	struct xp_job_restore restore;
	/* from an interrupted take */
	struct {
		bool active;
		uint32_t takes; /* that were before */
		int64_t last_s; /* the last time by the wall clock that the journal knows */
		uint32_t first_pass;
		bool begun; /* first_pass was begun */
		uint64_t offset;
		struct xp_extents unwritten;
		bool list_was_cut; /* of what was not written: the pass begins again */
		bool erase_done;
		uint32_t attempt; /* the one that was broken off */
		/* a device technique: the last note of its command, and the phase as it stood */
		bool has_command;
		enum xp_command_note note;
		struct xp_phase command;
		bool has_secret;	  /* a password of ours may be on the drive */
		char birth[40];		  /* of an image, as the journal has it */
		struct xp_policy *policy; /* the one that the job was begun under */
	} resume;
};

/*
 * Resolves PATH, asks the interlock's checks, makes the plan. Refusals are in job->refusals and
 * job->plan. The job is to be freed with xp_job_free, also after an error.
 */
MUST_USE enum xp_rc xp_job_prepare(struct xp_job *job, const struct xp_job_setup *setup,
				   const char *path, struct xp_err *err);

/* The same for the drive of a transcript, which is not here: its own answers, no host, no refusals.
 */
MUST_USE enum xp_rc xp_job_prepare_replay(struct xp_job *job, const struct xp_job_setup *setup,
					  const char *path, struct xp_err *err);

/*
 * For a list: DRIVE as the plan would take it, were it free; nobody is asked who uses it. ASKS:
 * the drive is asked what it can do.
 */
MUST_USE enum xp_rc xp_job_prepare_listed(struct xp_job *job, const struct xp_job_setup *setup,
					  const struct xp_drive *drive, bool asks,
					  struct xp_err *err);

/*
 * Nodes that go with a whole disk, the other paths of its drive, as its plan lists them: malloc'ed
 * and NULL-terminated, the names owned by the inventory. NULL: none.
 */
const char **xp_job_nodes(const struct xp_job *job);

/* Does the plan. Everything that happens is in the job; never exits, never prints. */
void xp_job_execute(struct xp_job *job);

/*
 * Takes up an interrupted job by its id: locks and reads the journal. FIRST_LINE (caller's) is the
 * journal's first line: path, key, cert and out as the job was given them. XP_E_REFUSED: it runs.
 */
MUST_USE enum xp_rc xp_job_reopen(struct xp_job *job, const struct xp_state *state,
				  json_t **first_line, const char *id, struct xp_err *err);
/*
 * Asks the interlock for the job's target with the setup's confirmations, away from every folder
 * that jobs write to: what stands in the way, with mappings that will be closed left out; or for
 * the permit, as it is now.
 */
MUST_USE enum xp_rc xp_job_interlock_check(struct xp_job *job, struct xp_err *err);
MUST_USE enum xp_rc xp_job_interlock_acquire(struct xp_permit **permit, struct xp_job *job,
					     struct xp_err *err);

/* After xp_job_reopen, in place of xp_job_prepare: resolves PATH and demands the same target. */
MUST_USE enum xp_rc xp_job_resume_prepare(struct xp_job *job, const struct xp_job_setup *setup,
					  const char *path, struct xp_err *err);

void xp_job_free(struct xp_job *job);

/* How the job stands, in a few words: "sanitized, claim clear", "refused: mounted", ... */
const char *xp_job_end_text(struct xp_job *job);

/* One entry of `results[]` (interface.md). */
json_t *xp_job_result_json(const struct xp_job *job);
/* The plan as an entry of `targets[]` (interface.md). */
json_t *xp_job_plan_json(const struct xp_job *job);
/* The plan for a person. */
void xp_job_plan_print(FILE *f, const struct xp_job *job);
