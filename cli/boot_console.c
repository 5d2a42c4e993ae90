#include "cli/boot_console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/patient.h"
#include "cli/output.h"

/* One key at a time and unseen; Ctrl-C stays what it is, a line without carrier is no end. */
static void listen_to(struct xp_consoles *c, unsigned i)
{
	struct termios raw;
	int fd = c->list[i].key_fd;

	if (tcgetattr(fd, &c->list[i].saved) != 0) {
		c->list[i].key_fd = -1;
		return;
	}
	raw = c->list[i].saved;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cflag |= CLOCAL;
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	(void)tcsetattr(fd, TCSAFLUSH, &raw);
	c->list[i].raw = true;
}

enum xp_rc xp_consoles_open(struct xp_consoles *c, const char *const *paths, struct xp_err *err)
{
	*c = (struct xp_consoles){0};
	if (!*paths) {
		c->list[0].out_fd = STDERR_FILENO;
		c->n = 1;
	}
	for (; *paths; paths++) {
		int fd;

		if (c->n == XP_CONSOLES_MAX)
			return xp_fail(err, XP_E_USAGE, "more than %d consoles", XP_CONSOLES_MAX);
		fd = open(*paths, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0) {
			xp_fail_errno(err, XP_E_IO, "console %s", *paths);
			continue;
		}
		c->list[c->n].out_fd = fd;
		c->list[c->n++].owned = true;
	}
	if (c->n == 0)
		return err->rc;
	xp_consoles_listen(c);
	return XP_OK;
}

void xp_consoles_listen(struct xp_consoles *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		if (c->list[i].owned)
			c->list[i].key_fd = c->list[i].out_fd;
		else
			c->list[i].key_fd = isatty(STDIN_FILENO) ? STDIN_FILENO : -1;
		if (c->list[i].key_fd >= 0)
			listen_to(c, i);
	}
}

__attribute__((format(printf, 3, 0))) static void speak(struct xp_consoles *c, bool stays,
							const char *fmt, va_list ap)
{
	AUTO(xp_buf_free) struct xp_buf line = {0};
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	for (unsigned i = 0; i < c->n; i++) {
		bool is_tty = isatty(c->list[i].out_fd);

		xp_buf_free(&line);
		if (!stays && !is_tty)
			continue;
		if (is_tty)
			xp_buf_puts(&line, "\r\033[K");
		xp_buf_escaped(&line, text);
		if (stays)
			xp_buf_puts(&line, is_tty ? "\r\n" : "\n");
		if (xp_buf_ok(&line))
			(void)xp_write_patiently(c->list[i].out_fd, xp_buf_str(&line), line.len,
						 &c->list[i].is_stuck);
	}
}

void xp_consoles_say(struct xp_consoles *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	speak(c, true, fmt, ap);
	va_end(ap);
}

void xp_consoles_warn(struct xp_consoles *c, const char *message)
{
	bool has_own = false;

	for (unsigned i = 0; i < c->n; i++)
		has_own = has_own || c->list[i].owned;
	/* consoles of its own do not see the standard error, but where that is one of them */
	if (has_own)
		xp_consoles_say(c, "warning: %s", message);
	if (!has_own || !isatty(STDERR_FILENO))
		xp_say("warning: %s", message);
}

void xp_consoles_show(struct xp_consoles *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	speak(c, false, fmt, ap);
	va_end(ap);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

/* true: somebody pressed a key. One whose line is gone is listened to no more. */
static bool look_at(struct xp_consoles *c, const struct pollfd *p, const unsigned *owner, nfds_t n)
{
	for (nfds_t i = 0; i < n; i++) {
		char keys[64];
		ssize_t got;

		if (!p[i].revents)
			continue;
		got = read(p[i].fd, keys, sizeof(keys));
		if (got > 0)
			return true;
		if (got == 0 || errno != EAGAIN)
			c->list[owner[i]].key_fd = -1;
	}
	return false;
}

bool xp_consoles_key(struct xp_consoles *c, unsigned timeout_ms)
{
	const uint64_t end = now_ms() + timeout_ms;

	for (;;) {
		struct pollfd p[XP_CONSOLES_MAX];
		unsigned owner[XP_CONSOLES_MAX];
		uint64_t now = now_ms();
		nfds_t n = 0;

		if (xp_cancel_requested())
			return true;
		for (unsigned i = 0; i < c->n; i++) {
			if (c->list[i].key_fd < 0)
				continue;
			owner[n] = i;
			p[n++] = (struct pollfd){.fd = c->list[i].key_fd, .events = POLLIN};
		}
		if (poll(p, n, now < end ? (int)(end - now) : 0) > 0 && look_at(c, p, owner, n))
			return true;
		if (now_ms() >= end)
			return xp_cancel_requested();
	}
}

bool xp_consoles_have_keys(const struct xp_consoles *c)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->list[i].key_fd >= 0)
			return true;
	return false;
}

void xp_consoles_release(struct xp_consoles *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		if (c->list[i].raw)
			(void)tcsetattr(c->list[i].key_fd >= 0 ? c->list[i].key_fd
							       : c->list[i].out_fd,
					TCSANOW, &c->list[i].saved);
		c->list[i].raw = false;
		c->list[i].key_fd = -1;
	}
}

void xp_consoles_close(struct xp_consoles *c)
{
	xp_consoles_release(c);
	for (unsigned i = 0; i < c->n; i++)
		if (c->list[i].owned)
			xp_close_fd(&c->list[i].out_fd);
	c->n = 0;
}
