/* job_journal: what a job writes into its journal, and how an interrupted job is read back from it.
 */
#pragma once
#include "cli/job.h"

/* Of the first line; a journal of another version is not understood. */
#define XP_JOB_JOURNAL_VERSION 1

/* The first line: everything that a later take needs, with the draft of the record. */
MUST_USE enum xp_rc xp_job_journal_start(struct xp_job *job, struct xp_err *err);
/* The job is taken up again. */
MUST_USE enum xp_rc xp_job_journal_resume(struct xp_job *job, struct xp_err *err);
/* Where the start leaf stands. */
MUST_USE enum xp_rc xp_job_journal_log(struct xp_job *job, struct xp_err *err);
MUST_USE enum xp_rc xp_job_journal_phase_begin(struct xp_job *job, const struct xp_phase *phase,
					       struct xp_err *err);
MUST_USE enum xp_rc xp_job_journal_checkpoint(struct xp_job *job, uint64_t offset,
					      const struct xp_extents *unwritten,
					      struct xp_err *err);
/* Another technique is begun; WHY the one before did not do. */
MUST_USE enum xp_rc xp_job_journal_attempt(struct xp_job *job, const char *why, struct xp_err *err);
/* Where a device technique's command stands. */
MUST_USE enum xp_rc xp_job_journal_command(struct xp_job *job, enum xp_command_note what,
					   const struct xp_phase *phase, struct xp_err *err);
MUST_USE enum xp_rc xp_job_journal_phase_end(struct xp_job *job, const struct xp_phase *phase,
					     struct xp_err *err);
/* A failure record RECORD_ID was written for a take that was cancelled; the job can be resumed. */
MUST_USE enum xp_rc xp_job_journal_cancelled(struct xp_job *job, const char *record_id,
					     struct xp_err *err);
MUST_USE enum xp_rc xp_job_journal_end(struct xp_job *job, struct xp_err *err);

/* Adds a refusal (interrupted_job) where another job on the same target has not ended. */
MUST_USE enum xp_rc xp_job_refuse_open_jobs(struct xp_job *job, struct xp_err *err);

#define XP_BIRTH_LEN 40
/*
 * When an image file was made, as "seconds.nanoseconds"; empty: no image, or its file system does
 * not know. A file that was deleted leaves its inode's number to the next one; not its birth.
 */
void xp_job_birth(char out[XP_BIRTH_LEN], const struct xp_target *t);

/* One job as `status` shows it. */
struct xp_job_summary {
	char id[XP_UUID_LEN];
	char path[4096];
	char confirm[XP_CONFIRM_LEN];
	char technique[48];
	char where[128];	  /* "erase pass 1/1 at 40 %", "readback", "ended: sanitized" */
	struct xp_identity media; /* as the first line has it; without raw answers */
	char birth[XP_BIRTH_LEN]; /* of an image: see xp_job_birth */
	bool has_media;		  /* false: it cannot be told which target it is on */
	bool untouched;		  /* it died before its first line: nothing was begun */
	bool running;
	bool ended;
	int exit_code;	 /* of a job that ended */
	bool damaged;	 /* the journal cannot be read */
	bool goes_on;	 /* the drive took an erase, and may still be at it by itself */
	bool has_secret; /* a password of ours may still be on the drive */
	char outcome[32];
	char claim[16];
	char record[64];
};
struct xp_job_summaries {
	struct xp_job_summary *list;
	size_t n;
};
/* All jobs below the state folder, oldest first. */
MUST_USE enum xp_rc xp_job_summaries_read(struct xp_job_summaries *out,
					  const struct xp_state *state, struct xp_err *err);
/* The same without those that have ended; does not read them to find out. */
MUST_USE enum xp_rc xp_job_summaries_read_open(struct xp_job_summaries *out,
					       const struct xp_state *state, struct xp_err *err);
/* Is the job on this target? A name alone makes no file the same, nor does another name make it
 * another. */
bool xp_job_summary_names(const struct xp_job_summary *s, const struct xp_target *t);
void xp_job_summaries_free(struct xp_job_summaries *s);
