#include "cli/job_detach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/output.h"

/* What the child says through the pipe: one byte a job that began, then one a job that ended. */
#define SAID_STARTED 's'
#define SAID_ENDED   'e'

static void on_started(void *ctx)
{
	const int *fd = ctx;
	char said = SAID_STARTED;

	/* a parent that went away does not matter to the job */
	if (xp_fd_write_all(*fd, &said, 1, NULL) != XP_OK)
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
	struct xp_err err;
	int fd = pipe_fd;

	leave_terminal();
	s->setup.on_started_ctx = &fd;
	s->setup.on_started = on_started;
	if (xp_batch_run(b, s->events_fd, true, s->setup.clock, &err) != XP_OK)
		_exit(xp_rc_exit_code(err.rc));
	for (unsigned i = 0; i < b->n; i++) {
		char said[2] = {SAID_ENDED, (char)b->jobs[i].exit_code};

		if (xp_fd_write_all(fd, said, sizeof(said), NULL) != XP_OK)
			break;
	}
	_exit(0);
}

/* Reads until TO_START jobs began, or the child said how all ended. */
static int wait_for_start(int fd, unsigned to_start)
{
	unsigned started = 0;
	int exit_code = 0;
	char said;

	while (started < to_start) {
		ssize_t n = read(fd, &said, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (said == SAID_STARTED)
			started++;
		else if (said == SAID_ENDED && read(fd, &said, 1) == 1)
			exit_code = xp_exit_worse(exit_code, (unsigned char)said);
	}
	return exit_code;
}

enum xp_rc xp_batch_run_detached(struct xp_batch *b, struct xp_session *s, int *exit_code,
				 struct xp_err *err)
{
	unsigned to_start = 0;
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
	*exit_code = wait_for_start(fds[0], to_start);
	close(fds[0]);
	/* the child has the locks and the journals now; here they are only closed */
	for (unsigned i = 0; i < b->n; i++)
		if (b->jobs[i].state == XP_JOB_PLANNED)
			b->jobs[i].state = XP_JOB_DETACHED;
	*exit_code = xp_exit_worse(*exit_code, xp_batch_report(b, s->json, s->jsonl));
	return XP_OK;
}
