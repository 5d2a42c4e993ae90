/*
 * job_unlocked: a password of ours was taken off a drive outside of its job: the job's journal
 * hears of it, so that nobody looks for it any more.
 */
#pragma once
#include "cli/state_folder.h"

/*
 * In each job of the state folder that left a password on the drive of that SERIAL: a line says
 * that none is left. TOLD: in how many. XP_E_REFUSED: a process is at one of them.
 */
MUST_USE enum xp_rc xp_job_unlocked_tell(unsigned *told, const struct xp_state *state,
					 const char *serial, struct xp_err *err);

/*
 * The same for the journal at PATH: where that is jobs/ID/journal.jsonl, in it; else, or where it
 * cannot be written, in a file of its own beside it, PATH.unlocked. WHERE gets the file's name.
 */
MUST_USE enum xp_rc xp_job_unlocked_tell_file(char *where, size_t size, const char *path,
					      const char *serial, struct xp_err *err);
