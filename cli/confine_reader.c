#include "cli/confine_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/wire.h"
#include "cli/confine.h"

#define LINE_FD 3
/* A question: its length, then it. */
#define ASK_BYTES 8
/* An answer: code, is it of output, length of the text and of the bytes; then both. */
#define TELL_BYTES    20
#define TELL_TEXT_MAX (sizeof(((struct xp_err *)NULL)->msg) - 1)

struct xp_reader {
	pid_t pid;
	int fd;
	bool broken; /* it is gone or speaks nonsense: nothing more is asked of it */
};

/* ---- in the process itself ---- */

static bool tell(enum xp_rc rc, const struct xp_err *why, const struct xp_buf *answer)
{
	const char *text = rc == XP_OK ? "" : why->msg;
	size_t text_len = strnlen(text, TELL_TEXT_MAX);
	uint8_t head[TELL_BYTES];

	put_le32(head, (uint32_t) - (int)rc);
	put_le32(head + 4, rc != XP_OK && why->is_output);
	put_le32(head + 8, (uint32_t)text_len);
	put_le64(head + 12, answer->len);
	return xp_fd_write_all(LINE_FD, head, sizeof(head), NULL) == XP_OK &&
	       xp_fd_write_all(LINE_FD, text, text_len, NULL) == XP_OK &&
	       (!answer->len || xp_fd_write_all(LINE_FD, answer->data, answer->len, NULL) == XP_OK);
}

static bool serve_one(const struct xp_reader_job *job)
{
	AUTO(xp_buf_free) struct xp_buf answer = {0};
	AUTO_MEM uint8_t *question = NULL;
	struct xp_err err = {0};
	uint8_t head[ASK_BYTES];
	uint64_t len;
	enum xp_rc rc;

	if (xp_fd_read_exactly(LINE_FD, head, sizeof(head), NULL) != XP_OK)
		return false;
	len = get_le64(head);
	question = len <= XP_READER_MAX_BYTES ? malloc((size_t)len + 1) : NULL;
	if (!question || xp_fd_read_exactly(LINE_FD, question, (size_t)len, NULL) != XP_OK)
		return false;
	question[len] = 0;
	rc = job->serve(job->ctx, xp_span_of(question, (size_t)len), &answer, &err);
	if (answer.failed || answer.len > XP_READER_MAX_BYTES) {
		rc = xp_fail(&err, XP_E_NOMEM, "answer");
		xp_buf_free(&answer);
	}
	return tell(rc, &err, &answer);
}

/* What it came with, but for standard error and the line to who asks it. */
static bool close_all(int keep_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	return null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 &&
	       (keep_fd == LINE_FD || dup2(keep_fd, LINE_FD) == LINE_FD) &&
	       close_range(LINE_FD + 1, ~0u, 0) == 0;
}

static void live(int fd, const struct xp_reader_job *job)
{
	static const char *const no_inputs[] = {NULL};
	const char *const *inputs = job->inputs ? job->inputs : no_inputs;
	const struct xp_buf nothing = {0};
	struct xp_confined confined;
	struct xp_err err = {0};
	enum xp_rc rc;

	if (!close_all(fd) || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		_exit(1);
	rc = job->net ? xp_confine_net(&confined, inputs, &err)
		      : xp_confine(&confined, inputs, &err);
	if (tell(rc, &err, &nothing) && rc == XP_OK)
		while (serve_one(job))
			;
	_exit(0);
}

/* ---- who asks it ---- */

static enum xp_rc broke(struct xp_reader *r, struct xp_err *err)
{
	r->broken = true;
	return xp_fail(err, XP_E_INTERNAL, "the process that reads what others wrote has ended");
}

static enum xp_rc hear(struct xp_reader *r, struct xp_buf *answer, struct xp_err *err)
{
	char text[TELL_TEXT_MAX + 1];
	AUTO_MEM char *bytes = NULL;
	uint8_t head[TELL_BYTES];
	uint32_t rc, text_len;
	uint64_t len;

	if (xp_fd_read_exactly(r->fd, head, sizeof(head), NULL) != XP_OK)
		return broke(r, err);
	rc = get_le32(head);
	text_len = get_le32(head + 8);
	len = get_le64(head + 12);
	if (rc > (uint32_t)-XP_E_INTERNAL || text_len > TELL_TEXT_MAX || len > XP_READER_MAX_BYTES)
		return broke(r, err);
	bytes = malloc((size_t)len + 1);
	if (!bytes)
		return xp_fail(err, XP_E_NOMEM, "answer");
	if (xp_fd_read_exactly(r->fd, text, text_len, NULL) != XP_OK ||
	    xp_fd_read_exactly(r->fd, bytes, (size_t)len, NULL) != XP_OK)
		return broke(r, err);
	text[text_len] = 0;
	if (len)
		xp_buf_add(answer, bytes, (size_t)len);
	if (answer->failed)
		return xp_fail(err, XP_E_NOMEM, "answer");
	if (rc == 0)
		return XP_OK;
	xp_err_set(err, (enum xp_rc) - (int)rc, 0, XP_PLACE, "%s", text);
	if (get_le32(head + 4))
		return xp_err_of_output(err, (enum xp_rc) - (int)rc);
	return (enum xp_rc) - (int)rc;
}

enum xp_rc xp_reader_ask(struct xp_reader *r, struct xp_buf *answer, const void *question,
			 size_t len, struct xp_err *err)
{
	uint8_t head[ASK_BYTES];

	if (len > XP_READER_MAX_BYTES)
		return xp_fail(err, XP_E_MALFORMED, "more than can be read");
	put_le64(head, len);
	if (r->broken || xp_fd_write_all(r->fd, head, sizeof(head), NULL) != XP_OK ||
	    (len && xp_fd_write_all(r->fd, question, len, NULL) != XP_OK))
		return broke(r, err);
	return hear(r, answer, err);
}

enum xp_rc xp_reader_start(struct xp_reader **out, const struct xp_reader_job *job,
			   struct xp_err *err)
{
	AUTO(xp_reader_free) struct xp_reader *r = calloc(1, sizeof(*r));
	struct xp_buf nothing = {0};
	int fds[2];

	if (!r)
		return xp_fail(err, XP_E_NOMEM, "reader");
	r->fd = -1;
	/* what is written already is not to be written twice */
	fflush(stdout);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return xp_fail_errno(err, XP_E_IO, "socketpair");
	r->pid = fork();
	if (r->pid == 0)
		live(fds[1], job);
	close(fds[1]);
	r->fd = fds[0];
	if (r->pid < 0)
		return xp_fail_errno(err, XP_E_IO, "fork");
	TRY(hear(r, &nothing, err));
	*out = STEAL(r);
	return XP_OK;
}

enum xp_rc xp_reader_once(struct xp_buf *answer, const struct xp_reader_job *job,
			  struct xp_err *err)
{
	AUTO(xp_reader_free) struct xp_reader *r = NULL;

	TRY(xp_reader_start(&r, job, err));
	return xp_reader_ask(r, answer, NULL, 0, err);
}

void xp_reader_free(struct xp_reader **r)
{
	if (!*r)
		return;
	xp_close_fd(&(*r)->fd);
	if ((*r)->pid > 0) {
		kill((*r)->pid, SIGKILL);
		while (waitpid((*r)->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(*r);
	*r = NULL;
}
