#include "cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "base/cleanup.h"
#include "base/file.h"

enum xp_rc xp_passphrase_read(struct xp_secret *out, const char *file, struct xp_err *err)
{
	AUTO_FD int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO, "%s", file);
	TRY(xp_secret_read_line(out, fd, err));
	if (out->len == 0) {
		xp_secret_free(out);
		return xp_fail(err, XP_E_USAGE,
			       "%s: its first line is empty, which is no passphrase", file);
	}
	return XP_OK;
}

/*
 * Waits for a line on TTY. A signal that would end or stop the program stays pending: the caller
 * gives the terminal back its echo first. Returns false then.
 */
static bool wait_line(int tty, const sigset_t *blocked)
{
	AUTO_FD int signals = signalfd(-1, blocked, SFD_CLOEXEC);
	struct pollfd fds[] = {{.fd = tty, .events = POLLIN}, {.fd = signals, .events = POLLIN}};

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	return signals < 0 || !(fds[1].revents & POLLIN);
}

static enum xp_rc read_silently(struct xp_secret *out, int tty, const char *prompt,
				const struct termios *quiet, const struct termios *old,
				struct xp_err *err)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
	enum xp_rc rc;
	sigset_t blocked, before;

	sigemptyset(&blocked);
	for (size_t i = 0; i < XP_ARRAY_LEN(ending); i++)
		sigaddset(&blocked, ending[i]);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	/* before the prompt: what is typed in answer to it is not thrown away */
	if (tcsetattr(tty, TCSAFLUSH, quiet))
		rc = xp_fail_errno(err, XP_E_IO, "terminal");
	else if (xp_fd_write_all(tty, prompt, strlen(prompt), err) != XP_OK)
		rc = XP_E_IO;
	else if (wait_line(tty, &blocked))
		rc = xp_secret_read_line(out, tty, err);
	else
		rc = xp_fail(err, XP_E_CANCELLED, "no passphrase was typed");
	if (tcsetattr(tty, TCSAFLUSH, old) && rc == XP_OK) {
		xp_secret_free(out);
		rc = xp_fail_errno(err, XP_E_IO, "terminal");
	}
	if (xp_fd_write_all(tty, "\n", 1, NULL) != XP_OK && rc == XP_OK) {
		xp_secret_free(out);
		rc = xp_fail(err, XP_E_IO, "terminal");
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static enum xp_rc ask_once(struct xp_secret *out, int tty, const char *what, const char *again,
			   struct xp_err *err)
{
	char prompt[4352];
	struct termios old, quiet;

	snprintf(prompt, sizeof(prompt), "%s%s: ", what, again);
	if (tcgetattr(tty, &old))
		return xp_fail_errno(err, XP_E_IO, "terminal");
	quiet = old;
	quiet.c_lflag &= (tcflag_t) ~(tcflag_t)ECHO;
	return read_silently(out, tty, prompt, &quiet, &old, err);
}

enum xp_rc xp_passphrase_ask(struct xp_secret *out, const char *what, bool twice,
			     const char *option, struct xp_err *err)
{
	AUTO_FD int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	AUTO(xp_secret_free) struct xp_secret first = {0};
	AUTO(xp_secret_free) struct xp_secret second = {0};

	if (tty < 0)
		return xp_fail(err, XP_E_USAGE, "%s: there is no terminal to ask on; give %s", what,
			       option);
	TRY(ask_once(&first, tty, what, "", err));
	if (first.len == 0)
		return xp_fail(err, XP_E_USAGE, "%s: nothing was typed", what);
	if (twice) {
		TRY(ask_once(&second, tty, what, ", again", err));
		if (second.len != first.len || memcmp(second.data, first.data, first.len) != 0)
			return xp_fail(err, XP_E_USAGE, "%s: what was typed the two times differs",
				       what);
	}
	*out = first;
	first = (struct xp_secret){0};
	return XP_OK;
}
