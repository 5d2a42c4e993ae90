#include "cli/job_progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/output.h"

#define DRAW_INTERVAL_MS 200
#define NAME_COLUMNS_MAX 24
#define BAR_COLUMNS_MAX	 24
#define NUMBERS_COLUMNS	 44 /* "100% overwrite  ETA 10 h 12 min  2518 MB/s" and a little */
#define LINE_INTERVAL_NS 30000000000ull /* plain lines: not more often than this within a phase */

struct slot {
	char name[320];
	char phase[64];
	uint64_t done, total;
	uint64_t phase_start_ns;
	uint64_t phase_start_done;
	bool is_silent;
	uint64_t estimate_s;
	uint64_t last_line_ns;
	bool started, ended;
	char end_text[640];
	struct xp_progress *owner;
};

struct xp_progress {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct slot *slots;
	unsigned n;
	unsigned ended;
	unsigned drawn; /* lines on the terminal that the next drawing replaces */
	int events_fd;
	bool quiet, terminal;
	const struct xp_clock *clock;
};

static const char *event_name(enum xp_event_kind kind)
{
	switch (kind) {
	case XP_EVENT_PHASE:
		return "phase";
	case XP_EVENT_PROGRESS:
		return "progress";
	case XP_EVENT_WARNING:
		return "warning";
	case XP_EVENT_END:
		return "end";
	}
	return "unknown";
}

static void set_text(json_t *o, const char *key, const char *value)
{
	if (value && *value)
		json_object_set_new(o, key, json_string(value));
}

static void write_event(struct xp_progress *p, const struct xp_event *e)
{
	AUTO_MEM char *text = NULL;
	json_t *o = json_object();
	char time_text[XP_TIME_LEN];

	xp_time_format(time_text, p->clock->wall_s(p->clock->ctx));
	set_text(o, "event", event_name(e->kind));
	set_text(o, "time", time_text);
	set_text(o, "job", e->job);
	set_text(o, "path", e->target);
	set_text(o, "serial", e->serial);
	set_text(o, "phase", e->phase);
	set_text(o, "text", e->text);
	if (e->kind == XP_EVENT_PROGRESS && e->is_silent) {
		if (e->estimate_s)
			json_object_set_new(o, "estimate_seconds",
					    json_integer((json_int_t)e->estimate_s));
	} else if (e->kind == XP_EVENT_PROGRESS) {
		json_object_set_new(o, "done_bytes", xp_json_u64(e->done_bytes));
		json_object_set_new(o, "total_bytes", xp_json_u64(e->total_bytes));
	}
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (!text)
		return;
	/* a reader that went away must not stop the erase: the events end, the job goes on */
	if (dprintf(p->events_fd, "%s\n", text) < 0) {
		close(p->events_fd);
		p->events_fd = -1;
	}
}

static void format_rate(struct xp_buf *b, const struct xp_progress *p, const struct slot *s)
{
	uint64_t now = p->clock->monotonic_ns(p->clock->ctx);
	uint64_t ms = (now - s->phase_start_ns) / 1000000;
	uint64_t done = s->done - s->phase_start_done;
	uint64_t rate;

	if (ms < 500 || done == 0)
		return;
	rate = done * 1000 / ms;
	if (rate && s->total > s->done) {
		xp_buf_puts(b, "  ETA ");
		xp_buf_duration(b, (s->total - s->done) / rate + 1);
	}
	xp_buf_printf(b, "  %" PRIu64 " MB/s", rate / 1000000);
}

/* The drive says nothing until it has ended: the time that went by, beside its own estimate. */
static void format_silence(struct xp_buf *b, const struct xp_progress *p, const struct slot *s)
{
	uint64_t now = p->clock->monotonic_ns(p->clock->ctx);

	xp_buf_puts(b, ", the drive works without a word for ");
	xp_buf_duration(b, (now - s->phase_start_ns) / 1000000000u);
	if (s->estimate_s) {
		xp_buf_puts(b, ", of about ");
		xp_buf_duration(b, s->estimate_s);
		xp_buf_puts(b, " by its own estimate");
	}
}

static unsigned percent_of(const struct slot *s)
{
	return s->total ? (unsigned)((double)s->done * 100.0 / (double)s->total) : 0;
}

static void print_line(struct xp_progress *p, struct slot *s)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};

	if (p->quiet || p->terminal)
		return;
	if (s->ended) {
		xp_buf_printf(&b, "%s: %s", s->name, s->end_text);
	} else {
		xp_buf_printf(&b, "%s: %s", s->name, s->phase);
		if (s->done)
			xp_buf_printf(&b, " %u%%", percent_of(s));
		if (s->is_silent)
			format_silence(&b, p, s);
		else
			format_rate(&b, p, s);
	}
	s->last_line_ns = p->clock->monotonic_ns(p->clock->ctx);
	if (xp_buf_ok(&b))
		xp_say("%s", xp_buf_str(&b));
}

static void take_event(struct xp_progress *p, struct slot *s, const struct xp_event *e)
{
	uint64_t now = p->clock->monotonic_ns(p->clock->ctx);

	if (!s->started) {
		snprintf(s->name, sizeof(s->name), "%s", e->target ? e->target : "?");
		snprintf(s->phase, sizeof(s->phase), "%s", e->phase ? e->phase : "");
		s->phase_start_ns = now;
		s->last_line_ns = now;
	}
	s->started = true;
	switch (e->kind) {
	case XP_EVENT_PHASE:
		snprintf(s->phase, sizeof(s->phase), "%s", e->phase ? e->phase : "");
		s->phase_start_ns = now;
		s->phase_start_done = e->done_bytes;
		s->is_silent = false;
		s->done = e->done_bytes;
		s->total = e->total_bytes;
		print_line(p, s);
		return;
	case XP_EVENT_PROGRESS:
		s->done = e->done_bytes;
		s->total = e->total_bytes;
		s->estimate_s = e->estimate_s;
		if (e->is_silent && !s->is_silent) {
			s->is_silent = true;
			s->phase_start_ns = now;
			print_line(p, s);
			return;
		}
		s->is_silent = e->is_silent;
		if (now - s->last_line_ns > LINE_INTERVAL_NS)
			print_line(p, s);
		return;
	case XP_EVENT_WARNING:
		if (p->terminal && p->drawn) {
			fprintf(stderr, "\033[%uA\033[J", p->drawn);
			p->drawn = 0;
		}
		xp_say("%s: %s", s->name, e->text ? e->text : "");
		return;
	case XP_EVENT_END:
		s->phase[0] = 0;
		s->total = 0;
		s->ended = true;
		snprintf(s->end_text, sizeof(s->end_text), "%s", e->text ? e->text : "");
		p->ended++;
		print_line(p, s);
		return;
	}
}

static void on_event(void *ctx, const struct xp_event *e)
{
	struct slot *s = ctx;
	struct xp_progress *p = s->owner;

	pthread_mutex_lock(&p->mutex);
	if (p->events_fd >= 0)
		write_event(p, e);
	take_event(p, s, e);
	if (e->kind == XP_EVENT_END)
		pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->mutex);
}

/* The last COLUMNS bytes of NAME: ends of paths differ, beginnings seldom do. */
static void draw_name(struct xp_buf *b, const char *name, unsigned columns)
{
	size_t len = strlen(name);
	const char *from = len > columns ? name + (len - columns) + 2 : name;

	/* not from within a character */
	while (((unsigned char)*from & 0xc0) == 0x80)
		from++;
	xp_buf_printf(b, "%s%-*s ", len > columns ? ".." : "",
		      (int)(len > columns ? columns - 2 : columns), from);
}

/* Name, bar and numbers; what a narrow terminal has no room for is left out, the bar first. */
static void draw_work(struct xp_buf *b, const struct xp_progress *p, const struct slot *s,
		      unsigned room)
{
	AUTO(xp_buf_free) struct xp_buf numbers = {0};
	unsigned percent = percent_of(s);
	unsigned width = room > NUMBERS_COLUMNS + 8 ? room - NUMBERS_COLUMNS - 3 : 0;

	if (width > BAR_COLUMNS_MAX)
		width = BAR_COLUMNS_MAX;
	if (width) {
		xp_buf_putc(b, '[');
		for (unsigned i = 0; i < width; i++)
			xp_buf_putc(b, i * 100 < percent * width ? '#' : '.');
		xp_buf_puts(b, "] ");
	}
	if (s->total)
		xp_buf_printf(b, "%3u%% ", percent);
	xp_buf_printf(b, "%s%s", s->phase, xp_cancel_requested() ? ", stopping" : "");
	if (s->is_silent)
		format_silence(&numbers, p, s);
	else
		format_rate(&numbers, p, s);
	xp_buf_puts(b, xp_buf_str(&numbers));
}

static void draw_slot(struct xp_progress *p, const struct slot *s, unsigned columns)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	AUTO(xp_buf_free) struct xp_buf safe = {0};
	AUTO(xp_buf_free) struct xp_buf line = {0};
	unsigned name = columns / 4 < 12 ? 12 : columns / 4;

	if (name > NAME_COLUMNS_MAX)
		name = NAME_COLUMNS_MAX;
	draw_name(&b, s->name, name);
	if (s->ended)
		xp_buf_puts(&b, s->end_text);
	else if (!s->started)
		xp_buf_puts(&b, "waiting");
	else
		draw_work(&b, p, s, columns - 1 > name + 1 ? columns - 2 - name : 0);
	xp_buf_escaped(&safe, xp_buf_str(&b));
	xp_buf_columns(&line, xp_buf_str(&safe), columns - 1);
	if (xp_buf_ok(&b) && xp_buf_ok(&safe) && xp_buf_ok(&line))
		fprintf(stderr, "%s\033[K\n", xp_buf_str(&line));
}

static void draw(struct xp_progress *p)
{
	unsigned rows = 24;
	unsigned columns = xp_terminal_columns(stderr, &rows);
	unsigned shown = 0;

	if (columns < 20)
		columns = 20;
	if (rows < 4)
		rows = 4;
	/* a key that was typed meanwhile has moved the cursor off the first column */
	fputc('\r', stderr);
	if (p->drawn)
		fprintf(stderr, "\033[%uA", p->drawn);
	/* more drives than lines: the ones at work are shown, the last line counts the rest */
	for (unsigned i = 0; i < p->n && shown + 2 < rows; i++) {
		if (p->n + 1 >= rows && (p->slots[i].ended || !p->slots[i].started))
			continue;
		draw_slot(p, &p->slots[i], columns);
		shown++;
	}
	if (p->n > 1) {
		fprintf(stderr, "%u of %u ended\033[K\n", p->ended, p->n);
		shown++;
	}
	fprintf(stderr, "\033[J");
	p->drawn = shown;
}

/* No event will come from these for hours: a line now and then says that all is well. */
static void tell_silent(struct xp_progress *p)
{
	uint64_t now = p->clock->monotonic_ns(p->clock->ctx);

	for (unsigned i = 0; i < p->n; i++) {
		struct slot *s = &p->slots[i];

		if (s->is_silent && !s->ended && now - s->last_line_ns > LINE_INTERVAL_NS)
			print_line(p, s);
	}
}

void xp_progress_draw_until_end(struct xp_progress *p)
{
	bool draws = p->terminal && !p->quiet;

	pthread_mutex_lock(&p->mutex);
	while (p->ended < p->n) {
		struct timespec until;

		if (draws)
			draw(p);
		else
			tell_silent(p);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += DRAW_INTERVAL_MS * 1000000l;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&p->changed, &p->mutex, &until);
	}
	if (draws)
		draw(p);
	pthread_mutex_unlock(&p->mutex);
}

struct xp_events xp_progress_events(struct xp_progress *p, unsigned slot)
{
	return (struct xp_events){.ctx = &p->slots[slot], .emit = on_event};
}

enum xp_rc xp_progress_new(struct xp_progress **out, unsigned slots, int events_fd, bool quiet,
			   const struct xp_clock *clock, struct xp_err *err)
{
	AUTO_MEM struct xp_progress *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;

	if (!p)
		return xp_fail(err, XP_E_NOMEM, "progress");
	p->slots = calloc(slots, sizeof(*p->slots));
	if (!p->slots)
		return xp_fail(err, XP_E_NOMEM, "progress");
	p->events_fd = -1;
	if (events_fd >= 0) {
		p->events_fd = fcntl(events_fd, F_DUPFD_CLOEXEC, 3);
		if (p->events_fd < 0) {
			free(p->slots);
			return xp_fail_errno(err, XP_E_IO, "--events");
		}
	}
	for (unsigned i = 0; i < slots; i++)
		p->slots[i].owner = p;
	p->n = slots;
	p->quiet = quiet;
	p->terminal = xp_stderr_is_terminal();
	p->clock = clock;
	pthread_mutex_init(&p->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &attr);
	pthread_condattr_destroy(&attr);
	*out = STEAL(p);
	return XP_OK;
}

void xp_progress_free(struct xp_progress **p)
{
	if (!*p)
		return;
	if ((*p)->events_fd >= 0)
		close((*p)->events_fd);
	pthread_cond_destroy(&(*p)->changed);
	pthread_mutex_destroy(&(*p)->mutex);
	free((*p)->slots);
	free(*p);
	*p = NULL;
}
