#include "cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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

static enum xp_rc ask_once(struct xp_secret *out, int tty, const char *what, const char *again,
			   struct xp_err *err)
{
	char prompt[256];
	struct termios old, quiet;
	enum xp_rc rc;

	snprintf(prompt, sizeof(prompt), "%s%s: ", what, again);
	if (tcgetattr(tty, &old))
		return xp_fail_errno(err, XP_E_IO, "terminal");
	quiet = old;
	quiet.c_lflag &= (tcflag_t) ~(tcflag_t)ECHO;
	TRY(xp_fd_write_all(tty, prompt, strlen(prompt), err));
	if (tcsetattr(tty, TCSAFLUSH, &quiet))
		return xp_fail_errno(err, XP_E_IO, "terminal");
	rc = xp_secret_read_line(out, tty, err);
	if (tcsetattr(tty, TCSAFLUSH, &old) && rc == XP_OK) {
		xp_secret_free(out);
		rc = xp_fail_errno(err, XP_E_IO, "terminal");
	}
	if (rc == XP_OK && xp_fd_write_all(tty, "\n", 1, err) != XP_OK) {
		xp_secret_free(out);
		rc = XP_E_IO;
	}
	return rc;
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
			return xp_fail(err, XP_E_USAGE, "%s: the two are not the same", what);
	}
	*out = first;
	first = (struct xp_secret){0};
	return XP_OK;
}
