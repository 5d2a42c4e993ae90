/*
 * job_tell: what a person is told of a job: which drive, what came of it, what to do now.
 */
#pragma once
#include "base/buf.h"
#include "cli/job.h"

#include <stdio.h>

/* "  LABEL   TEXT", escaped; on a terminal long text goes on below its beginning. */
void xp_tell_line(FILE *f, const char *label, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* TEXT as one word for a shell: quoted where it must be. */
void xp_buf_shell_word(struct xp_buf *out, const char *text);

/* Is CONFIRM more than the last part of PATH, and so to be named with it? */
bool xp_confirm_tells_more(const char *path, const char *confirm);

/* "wrote SIZE, read back SIZE, in TIME" */
void xp_buf_job_work(struct xp_buf *out, const struct xp_job *job);
/* How the job ended: results on stdout; refusals, errors and what leads on, on stderr. */
void xp_tell_job(const struct xp_job *job);
/* What an exit code other than 0 means, on stderr. */
void xp_tell_exit_code(int exit_code);
