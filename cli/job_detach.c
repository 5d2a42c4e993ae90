#include "cli/job_detach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/output.h"

/* What the child says through the pipe of each job, once: it began, or how it ended without. */
struct said {
	unsigned index;
	enum xp_job_state state;
	int exit_code;
	struct xp_err err;
	bool has_refusal;
	struct xp_refusal refusal;
};
_Static_assert(sizeof(struct said) <= PIPE_BUF, "several workers write into one pipe");

struct teller {
	const struct xp_batch *batch;
	int fd;
};

static void on_settled(void *ctx, const struct xp_job *job)
{
	const struct teller *t = ctx;
	struct said said;

	memset(&said, 0, sizeof(said));
	said.index = (unsigned)(job - t->batch->jobs);
	said.state = job->state;
	said.exit_code = job->exit_code;
	said.err = job->err;
	said.has_refusal = job->refusals.n > 0;
	if (said.has_refusal)
		said.refusal = job->refusals.list[0];
	/* a parent that went away does not matter to the job */
	if (xp_fd_write_all(t->fd, &said, sizeof(said), NULL) != XP_OK)
		xp_log(XP_LOG_DEBUG, "nobody waits for the start");
}

static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	close(null);
}

static _Noreturn void child(struct xp_batch *b, struct xp_session *s, int pipe_fd)
{
	struct teller teller = {.batch = b, .fd = pipe_fd};
	struct xp_err err;

	leave_terminal();
	s->setup.on_settled_ctx = &teller;
	s->setup.on_settled = on_settled;
	if (xp_batch_run(b, s->events_fd, true, s->setup.clock, &err) != XP_OK)
		_exit(xp_rc_exit_code(err.rc));
	_exit(0);
}

static enum xp_rc take_said(struct xp_batch *b, const struct said *said, struct xp_err *err)
{
	struct xp_job *job;

	if (said->index >= b->n)
		return xp_fail(err, XP_E_INTERNAL, "--detach: job %u of %u", said->index, b->n);
	job = &b->jobs[said->index];
	job->state = said->state == XP_JOB_PLANNED ? XP_JOB_DETACHED : said->state;
	job->exit_code = said->exit_code;
	job->err = said->err;
	if (!said->has_refusal)
		return XP_OK;
	return xp_refusals_add(&job->refusals, err, said->refusal.code, said->refusal.remedy, "%s",
			       said->refusal.message);
}

/* Until each of TO_SETTLE jobs began or ended; what was never heard of has died with the child. */
static enum xp_rc wait_for_all(struct xp_batch *b, int fd, unsigned to_settle, struct xp_err *err)
{
	struct said said;
	size_t have = 0;

	while (to_settle) {
		ssize_t n = read(fd, (char *)&said + have, sizeof(said) - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
		if (have < sizeof(said))
			continue;
		TRY(take_said(b, &said, err));
		have = 0;
		to_settle--;
	}
	for (unsigned i = 0; i < b->n; i++) {
		struct xp_job *job = &b->jobs[i];

		if (job->state != XP_JOB_PLANNED)
			continue;
		xp_fail(&job->err, XP_E_INTERNAL,
			"the process in the background has died; see expunge status");
		job->state = XP_JOB_FAILED;
		job->exit_code = xp_rc_exit_code(XP_E_INTERNAL);
	}
	return XP_OK;
}

enum xp_rc xp_batch_run_detached(struct xp_batch *b, struct xp_session *s, int *exit_code,
				 struct xp_err *err)
{
	unsigned to_start = 0;
	enum xp_rc rc;
	int fds[2];
	pid_t pid;

	for (unsigned i = 0; i < b->n; i++)
		to_start += b->jobs[i].state == XP_JOB_PLANNED;
	if (to_start == 0) {
		*exit_code = xp_batch_report(b, s->json, s->jsonl);
		return XP_OK;
	}
	if (pipe2(fds, O_CLOEXEC))
		return xp_fail_errno(err, XP_E_IO, "--detach");
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return xp_fail_errno(err, XP_E_IO, "--detach");
	}
	if (pid == 0) {
		close(fds[0]);
		child(b, s, fds[1]);
	}
	close(fds[1]);
	/* the child has the locks and the journals now; here they are only closed */
	rc = wait_for_all(b, fds[0], to_start, err);
	close(fds[0]);
	if (rc == XP_OK)
		*exit_code = xp_batch_report(b, s->json, s->jsonl);
	return rc;
}
