/*
 * journal: what a job was about to do, on disk before it does it. One folder a job, one file of
 * JSON lines in it, each line fsynced; a torn last line (power loss while it was written) is cut
 * off on the next opening. While a process holds the job, it holds a lock on the file.
 */
#pragma once
#include "base/durable.h"

#include <jansson.h>

struct xp_journal;

/* Makes JOBS_FD/ID/ with an empty journal, locked. XP_E_IO with EEXIST if that job exists. */
MUST_USE enum xp_rc xp_journal_create(struct xp_journal **out, int jobs_fd, const char *id,
				      struct xp_err *err);

/*
 * Opens the journal of a job to go on with it: locks it, cuts a torn tail, gives the lines. LINES
 * is a JSON array (caller's). XP_E_REFUSED: another process holds it (the job is running).
 * XP_E_NOENT. XP_E_MALFORMED: a line before the last is damaged.
 */
MUST_USE enum xp_rc xp_journal_open(struct xp_journal **out, json_t **lines, int jobs_fd,
				    const char *id, struct xp_err *err);

/*
 * Reads the lines without taking the job, and writes nothing. RUNNING says whether a process holds
 * it. No line at all: it died before it was told what to do. XP_E_MALFORMED: a line is damaged;
 * LINES holds those in front of it. LINES is the caller's, also after an error (it may be NULL).
 */
MUST_USE enum xp_rc xp_journal_peek(json_t **lines, bool *running, int jobs_fd, const char *id,
				    struct xp_err *err);

/* Is its last line of type "end"? Reads no more than that; what cannot be read has not ended. */
bool xp_journal_has_ended(int jobs_fd, const char *id);

/* From now on each line is also kept by D (may be NULL), which must live as long as the journal. */
void xp_journal_keep(struct xp_journal *j, const struct xp_durable *d);

/* Appends one line (takes the reference) and returns when it is on disk. */
MUST_USE enum xp_rc xp_journal_add(struct xp_journal *j, json_t *line, struct xp_err *err);

/* The job's folder, to put further files into. It stays the journal's. */
int xp_journal_folder(const struct xp_journal *j);

void xp_journal_close(struct xp_journal **j);
