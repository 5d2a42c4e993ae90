#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

static const char *program_name = "expunge";
static volatile sig_atomic_t cancel_flag;

static void log_sink(void *ctx, enum xp_log_level level, const char *message)
{
	(void)ctx;
	if (level >= XP_LOG_WARNING)
		xp_say("%s%s", level == XP_LOG_WARNING ? "warning: " : "", message);
}

/*
 * What is opened later must not get the number of a standard stream that was closed: words would go
 * into a journal or onto a target. The wrong direction, so that reading and writing still fail.
 */
static void hold_streams(void)
{
	static const int flags[] = {O_WRONLY, O_RDONLY, O_RDONLY};

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", flags[fd]) != fd)
			_exit(xp_rc_exit_code(XP_E_IO));
}

void xp_output_init(const char *program)
{
	program_name = program;
	hold_streams();
	signal(SIGPIPE, SIG_IGN);
	xp_log_set_sink(log_sink, NULL);
}

int xp_output_finish(int exit_code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return exit_code;
	xp_say("standard output could not be written: %s", strerror(errno));
	/* worse than 3, which tells of a level; what else went wrong stays */
	return exit_code && exit_code != 3 ? exit_code : xp_rc_exit_code(XP_E_IO);
}

/* Length of the well-formed UTF-8 character at S, and its code point; 0: malformed. */
static size_t utf8_next(const unsigned char *s, uint32_t *cp)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = s[0] < 0x80   ? 1
		     : s[0] < 0xc2 ? 0
		     : s[0] < 0xe0 ? 2
		     : s[0] < 0xf0 ? 3
		     : s[0] < 0xf5 ? 4
				   : 0;

	if (len == 0)
		return 0;
	*cp = len == 1 ? s[0] : s[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s[i] & 0x3fu);
	}
	if (len > 1 && (*cp < least[len] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp < 0xe000)))
		return 0;
	return len;
}

static bool is_unsafe(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x61c || cp == 0x200e ||
	       cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) ||
	       cp == 0xfeff || cp == 0xad || cp == 0x180e || cp == 0x200b ||
	       (cp >= 0x2060 && cp <= 0x2065) || (cp >= 0x206a && cp <= 0x206f) ||
	       (cp >= 0xfff9 && cp <= 0xfffb) || (cp >= 0xe0000 && cp <= 0xe0fff);
}

void xp_buf_escaped(struct xp_buf *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		uint32_t cp = 0;
		size_t len = utf8_next(s, &cp);

		if (len == 0) {
			xp_buf_printf(out, "\\x%02x", *s);
			len = 1;
		} else if (is_unsafe(cp)) {
			xp_buf_printf(out, cp < 0x80 ? "\\x%02" PRIx32 : "\\u{%04" PRIx32 "}", cp);
		} else {
			xp_buf_add(out, s, len);
		}
		s += len;
	}
}

void xp_print_escaped(FILE *f, const char *text)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};

	xp_buf_escaped(&b, text);
	fputs(xp_buf_str(&b), f);
}

void xp_buf_columns(struct xp_buf *out, const char *text, unsigned columns)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s && columns-- > 0) {
		uint32_t cp = 0;
		size_t len = utf8_next(s, &cp);

		len = len ? len : 1;
		xp_buf_add(out, s, len);
		s += len;
	}
}

static unsigned columns_of(const char *text, size_t len)
{
	unsigned n = 0;

	/* every byte but those that continue a character */
	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

void xp_print_wrapped(FILE *f, unsigned indent, const char *text)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	unsigned columns = xp_terminal_columns(f, NULL);
	unsigned at = indent;
	const char *word;

	xp_buf_escaped(&b, text);
	word = xp_buf_str(&b);
	/* in a window that is too narrow for it the terminal breaks the line */
	if (columns < indent + 24) {
		fprintf(f, "%s\n", word);
		return;
	}
	while (*word) {
		size_t len = strcspn(word, " ");
		unsigned width = columns_of(word, len);

		if (at > indent && at + 1 + width >= columns) {
			fprintf(f, "\n%*s", (int)indent, "");
			at = indent;
		}
		fprintf(f, "%s%.*s", at > indent ? " " : "", (int)len, word);
		at += width + (at > indent);
		word += len + (word[len] == ' ');
	}
	fputc('\n', f);
}

void xp_print_toned(FILE *f, enum xp_tone tone, const char *word)
{
	static const char *const colours[] = {"32", "33", "31"};
	const char *none = getenv("NO_COLOR");

	if (xp_terminal_columns(f, NULL) == 0 || (none && *none))
		fputs(word, f);
	else
		fprintf(f, "\033[1;%sm%s\033[0m", colours[tone], word);
}

void xp_say(const char *fmt, ...)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	AUTO_MEM char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	xp_buf_printf(&b, "%s: ", program_name);
	xp_buf_escaped(&b, text ? text : "out of memory");
	xp_buf_putc(&b, '\n');
	fputs(xp_buf_str(&b), stderr);
}

int xp_say_error(const struct xp_err *err)
{
	xp_say("%s", err->msg);
	if (err->rc == XP_E_INTERNAL)
		xp_say("this is a bug in %s (%s); please report it", program_name, err->place);
	return xp_rc_exit_code(err->rc);
}

int xp_report_error(const struct xp_err *err, bool json, const char *list)
{
	int exit_code = xp_say_error(err);
	json_t *o = json ? json_object() : NULL;

	if (!json)
		return exit_code;
	if (list)
		json_object_set_new(o, list, json_array());
	json_object_set_new(o, "error", xp_json_text(err->msg));
	json_object_set_new(o, "exit_code", json_integer(exit_code));
	return xp_exit_worse(exit_code, xp_print_json(o));
}

int xp_print_json(json_t *doc)
{
	AUTO_MEM char *text = doc ? json_dumps(doc, JSON_INDENT(2)) : NULL;

	json_decref(doc);
	if (!text) {
		xp_say("no memory for the JSON document");
		return xp_rc_exit_code(XP_E_NOMEM);
	}
	puts(text);
	return 0;
}

void xp_buf_size(struct xp_buf *out, uint64_t bytes)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	uint64_t whole = bytes;
	uint64_t rest = 0;
	unsigned u = 0;

	while (whole >= 1024 && u + 1 < XP_ARRAY_LEN(units)) {
		rest = whole % 1024;
		whole /= 1024;
		u++;
	}
	if (u == 0)
		xp_buf_printf(out, "%" PRIu64 " bytes", bytes);
	else
		xp_buf_printf(out,
			      rest ? "%" PRIu64 ".%" PRIu64 " %s" : "%" PRIu64 "%.0" PRIu64 " %s",
			      whole, rest * 10 / 1024, units[u]);
}

void xp_buf_duration(struct xp_buf *out, uint64_t seconds)
{
	if (seconds >= 3600)
		xp_buf_printf(out, "%" PRIu64 " h %" PRIu64 " min", seconds / 3600,
			      seconds / 60 % 60);
	else if (seconds >= 60)
		xp_buf_printf(out, "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
	else
		xp_buf_printf(out, "%" PRIu64 " s", seconds);
}

json_t *xp_json_u64(uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	return json_string(text);
}

json_t *xp_json_text(const char *text)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	json_t *v = json_string(text ? text : "");

	if (v)
		return v;
	if (text)
		xp_buf_escaped(&b, text);
	return json_string(xp_buf_str(&b));
}

static void on_signal(int sig)
{
	cancel_flag = sig;
}

void xp_cancel_install(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

	for (size_t i = 0; i < XP_ARRAY_LEN(signals); i++) {
		struct sigaction sa = {.sa_handler = on_signal};

		sigemptyset(&sa.sa_mask);
		sa.sa_flags = signals[i] == SIGINT ? (int)SA_RESETHAND : 0;
		sigaction(signals[i], &sa, NULL);
	}
}

bool xp_cancel_requested(void)
{
	return cancel_flag != 0;
}

void xp_cancel_request(void)
{
	cancel_flag = SIGTERM;
}

unsigned xp_terminal_columns(FILE *f, unsigned *rows)
{
	const char *term = getenv("TERM");
	struct winsize ws = {0};

	if (!isatty(fileno(f)) || !term || strcmp(term, "dumb") == 0)
		return 0;
	if (ioctl(fileno(f), TIOCGWINSZ, &ws) || ws.ws_col == 0 || ws.ws_row == 0)
		ws = (struct winsize){.ws_col = 80, .ws_row = 24};
	if (rows)
		*rows = ws.ws_row;
	return ws.ws_col;
}

bool xp_stderr_is_terminal(void)
{
	return xp_terminal_columns(stderr, NULL) != 0;
}

/* The place of a code in the order; one that does not stand in it counts as our bug. */
static size_t badness(int code)
{
	static const int order[] = {70, 1, 2, 5, 6, 77, 69, 66, 64, 4, 3, 0};

	for (size_t i = 0; i < XP_ARRAY_LEN(order); i++)
		if (code == order[i])
			return i;
	return 0;
}

int xp_exit_worse(int a, int b)
{
	if (badness(a) == 0 || badness(b) == 0)
		return 70;
	return badness(a) < badness(b) ? a : b;
}
