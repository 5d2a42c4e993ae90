#include "cli/tui/tui_app.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/log_code.h"
#include "cli/output.h"
#include "cli/tui/tui_code.h"
#include "cli/tui/tui_keyboard.h"

#define AUTO_JSON AUTO(free_json)

static void free_json(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

#define SCAN_EVERY_MS 1500
#define SILENT_MS     6000
#define TICK_MS	      200
#define PATIENCE_MS   1500
#define TYPING_MS     30 /* while it is not known yet whether a scanner types */
#define LINE_BYTES    (16u << 20)

uint64_t xp_tui_now_ms(void)
{
	const struct xp_clock *clock = xp_clock_system();

	return clock->monotonic_ns(clock->ctx) / 1000000;
}

/* ---- the scout ---- */

static uint64_t overdue_ms(const struct xp_tui_app *app)
{
	return (xp_tui_scan_seconds((const char *const *)app->args->operands) + 2) * 1000ull;
}

static bool has_open_question(const struct xp_tui_app *app)
{
	uint64_t now = app->tui.now_ms;

	return (app->scan_ms && now - app->scan_ms < overdue_ms(app)) ||
	       (app->ask_ms && now - app->ask_ms < overdue_ms(app));
}

/* Somebody is about to hold a drive: nobody else may have it open then. */
static bool is_busy(const struct xp_tui_app *app)
{
	if (app->waiting != XP_TUI_WISH_NONE || app->errand)
		return true;
	for (unsigned i = 0; i < app->rounds_n; i++)
		if (xp_tui_round_is_busy(app->rounds[i]))
			return true;
	return false;
}

/* Drives that a job has are left alone, and those that hang. */
static json_t *busy_paths(const struct xp_tui *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->jobs_n; i++)
		if (t->jobs[i].state == XP_TUI_JOB_RUNNING)
			json_array_append_new(list, json_string(t->jobs[i].path));
	for (size_t i = 0; i < t->drives_n; i++)
		if (t->drives[i].hangs)
			json_array_append_new(list, json_string(t->drives[i].path));
	return list;
}

static void look(struct xp_tui_app *app)
{
	struct xp_tui *t = &app->tui;

	if (app->scan_ms && t->now_ms - app->scan_ms > SILENT_MS)
		snprintf(t->notice, sizeof(t->notice), "a drive holds up the search");
	if (is_busy(app) || t->now_ms < app->next_scan_ms ||
	    (app->scan_ms && t->now_ms - app->scan_ms < overdue_ms(app)))
		return;
	if (xp_tui_scout_scan(&app->scout, busy_paths(t)))
		app->scan_ms = t->now_ms;
	app->next_scan_ms = t->now_ms + SCAN_EVERY_MS;
}

/* The temperature of a drive that works is where the drive is listed. */
static void warm(struct xp_tui *t)
{
	for (size_t i = 0; i < t->jobs_n; i++)
		for (size_t k = 0; k < t->drives_n; k++)
			if (strcmp(t->jobs[i].path, t->drives[k].path) == 0)
				t->jobs[i].celsius = t->drives[k].celsius;
}

/* Where the targets of interrupted jobs are now. */
static void find_left(struct xp_tui *t)
{
	for (size_t i = 0; i < t->left_n; i++) {
		struct xp_tui_left *l = &t->left[i];

		l->present = false;
		for (size_t k = 0; k < t->drives_n; k++) {
			const struct xp_tui_drive *d = &t->drives[k];

			if (strcmp(d->confirm, l->confirm) != 0 &&
			    !(strcmp(d->path, l->path) == 0 && strchr(l->confirm, '@')))
				continue;
			l->present = true;
			snprintf(l->path, sizeof(l->path), "%s", d->path);
		}
	}
}

static void take_found(struct xp_tui_app *app, const char *line)
{
	AUTO_JSON json_t *found = json_loads(line, 0, NULL);
	AUTO_JSON json_t *to_ask = json_array();
	struct xp_err err;

	app->scan_ms = 0;
	if (!found || !to_ask)
		return;
	if (xp_tui_drives_take(&app->tui, app->known, found, to_ask, &err) != XP_OK) {
		xp_tui_say(&app->tui, "%s", err.msg);
		return;
	}
	warm(&app->tui);
	find_left(&app->tui);
	if (!json_array_size(to_ask) || app->ask_ms || is_busy(app))
		return;
	if (xp_tui_scout_ask(&app->scout, json_incref(to_ask)))
		app->ask_ms = app->tui.now_ms;
}

static void take_answers(struct xp_tui_app *app, const char *line)
{
	AUTO_JSON json_t *answers = json_loads(line, 0, NULL);

	app->ask_ms = 0;
	app->next_scan_ms = app->tui.now_ms;
	if (answers)
		xp_tui_known_take(app->known, answers);
}

/* What a job or the session would have printed. */
static void take_message(struct xp_tui_app *app, const char *line)
{
	if (*line)
		xp_tui_say(&app->tui, "%s", strncmp(line, "expunge: ", 9) == 0 ? line + 9 : line);
}

/* Whole lines of what came on FD go to TAKE. */
static void read_lines(struct xp_tui_app *app, int fd, struct xp_buf *b,
		       void (*take)(struct xp_tui_app *, const char *))
{
	char bytes[8192];
	ssize_t n = read(fd, bytes, sizeof(bytes) - 1);
	char *from;
	char *end;

	if (n <= 0)
		return;
	for (ssize_t i = 0; i < n; i++)
		if (!bytes[i])
			bytes[i] = ' ';
	xp_buf_add(b, bytes, (size_t)n);
	if (!xp_buf_ok(b) || b->len > LINE_BYTES) {
		xp_buf_free(b);
		return;
	}
	from = b->data;
	while ((end = strchr(from, '\n'))) {
		*end = 0;
		take(app, from);
		from = end + 1;
	}
	b->len = strlen(from);
	memmove(b->data, from, b->len + 1);
}

/* ---- wishes ---- */

static void read_checkpoint(struct xp_tui_app *app)
{
	struct xp_tui *t = &app->tui;
	AUTO_MEM char *note = NULL;
	char text[XP_LOG_CODE_MAX];
	size_t len = 0;
	struct xp_err err;

	if (!app->is_open || xp_log_checkpoint_text(app->session.log, &note, &len, &err) != XP_OK)
		return;
	snprintf(t->checkpoint_note, sizeof(t->checkpoint_note), "%s", note);
	free(STEAL(t->code));
	t->code_size = 0;
	if (xp_log_code_write(text, note, &err) != XP_OK ||
	    xp_tui_code_make(&t->code, &t->code_size, text, &err) != XP_OK)
		xp_tui_say(t, "%s", err.msg);
}

static void load_keyboard(struct xp_tui_app *app, size_t index)
{
	int fd = STDIN_FILENO;
	const struct xp_tui_keyboard_setter setter = xp_tui_keyboard_console(&fd);
	struct xp_err err;

	if (xp_tui_keyboard_load(&setter, index, &err) == XP_OK)
		xp_tui_say(&app->tui, "keyboard: %s", xp_tui_keyboard_names()[index]);
	else
		xp_tui_say(&app->tui, "%s", err.msg);
}

/* Only Linux's own console has a layout that could be chosen. */
static void begin_keyboard(struct xp_tui_app *app)
{
	const char *name = app->config ? app->config->keyboard : "";
	size_t index = 0;

	if (!xp_tui_keyboard_is_console(STDIN_FILENO))
		return;
	app->tui.layouts = xp_tui_keyboard_names();
	if (!*name)
		return;
	if (xp_tui_keyboard_find(&index, name))
		load_keyboard(app, index);
	else
		xp_tui_say(&app->tui, "keyboard %s is none of those that k offers", name);
}

/* Those that must wait until nobody has a drive open; DRIVE where it is about one. */
static void carry_out(struct xp_tui_app *app, enum xp_tui_wish wish, size_t arg)
{
	struct xp_tui *t = &app->tui;

	switch (wish) {
	case XP_TUI_WISH_PLAN:
	case XP_TUI_WISH_RESUME:
		xp_tui_rounds_begin(app, wish, arg);
		return;
	case XP_TUI_WISH_GO:
	case XP_TUI_WISH_GO_LIST:
		xp_tui_rounds_go(app, wish == XP_TUI_WISH_GO_LIST);
		return;
	case XP_TUI_WISH_UNLOCK:
		if (arg < t->drives_n)
			xp_tui_errand_unlock(app, &t->drives[arg]);
		return;
	default:
		return;
	}
}

static void take_wish(struct xp_tui_app *app, enum xp_tui_wish wish, size_t arg)
{
	struct xp_tui *t = &app->tui;

	if (xp_tui_app_stage_wish(app, wish, arg))
		return;
	switch (wish) {
	case XP_TUI_WISH_PLAN:
	case XP_TUI_WISH_GO:
	case XP_TUI_WISH_GO_LIST:
	case XP_TUI_WISH_RESUME:
	case XP_TUI_WISH_UNLOCK:
		if (app->stage != XP_TUI_READY || app->waiting != XP_TUI_WISH_NONE || t->stopping)
			return;
		app->waiting = wish;
		app->waiting_arg = arg;
		app->waiting_ms = t->now_ms;
		return;
	case XP_TUI_WISH_LEAVE:
		xp_tui_rounds_leave(app);
		return;
	case XP_TUI_WISH_PLACE_OTHER:
		xp_tui_rounds_other_place(app);
		return;
	case XP_TUI_WISH_LIGHT:
		if (arg < t->drives_n)
			xp_tui_errand_light(app, &t->drives[arg]);
		return;
	case XP_TUI_WISH_ASK:
		for (size_t i = 0; i < t->drives_n; i++)
			t->drives[i].hangs = false;
		xp_tui_known_forget(app->known);
		app->next_scan_ms = 0;
		return;
	case XP_TUI_WISH_SUMMARY:
		read_checkpoint(app);
		return;
	case XP_TUI_WISH_KEYBOARD:
		load_keyboard(app, arg);
		return;
	case XP_TUI_WISH_STOP:
		xp_cancel_request();
		return;
	case XP_TUI_WISH_QUIT:
		app->over = true;
		return;
	default:
		return;
	}
}

static void take_wishes(struct xp_tui_app *app)
{
	enum xp_tui_wish wish;
	size_t arg = 0;

	while ((wish = xp_tui_wish_take(&app->tui, &arg)) != XP_TUI_WISH_NONE)
		take_wish(app, wish, arg);
	if (app->waiting == XP_TUI_WISH_NONE)
		return;
	if (has_open_question(app)) {
		if (app->waiting_ms && app->tui.now_ms - app->waiting_ms > PATIENCE_MS) {
			xp_tui_say(&app->tui, "a moment: drives are still being asked");
			app->waiting_ms = 0;
		}
		return;
	}
	wish = app->waiting;
	app->waiting = XP_TUI_WISH_NONE;
	carry_out(app, wish, app->waiting_arg);
}

static void poll_rounds(struct xp_tui_app *app)
{
	for (unsigned i = 0; i < app->rounds_n; i++)
		xp_tui_round_poll(app->rounds[i], &app->tui, app->tui.now_ms);
	for (unsigned i = app->rounds_n; i > 0; i--) {
		struct xp_tui_round *r = app->rounds[i - 1];

		if (!xp_tui_round_is_over(r))
			continue;
		app->exit_code = xp_exit_worse(app->exit_code, xp_tui_round_exit_code(r));
		xp_tui_rounds_drop(app, i - 1);
		xp_tui_app_read_where(app);
		xp_tui_app_read_left(app);
		app->next_scan_ms = 0;
	}
}

/* A server that takes nothing stands on the screen as long as that lasts. */
static void look_at_upload(struct xp_tui_app *app)
{
	struct xp_tui *t = &app->tui;
	struct xp_upload_state now = {0};

	t->standing[0] = 0;
	if (!app->is_open || !app->session.upload.upload)
		return;
	xp_upload_look(app->session.upload.upload, &now);
	if (now.failures)
		snprintf(t->standing, sizeof(t->standing),
			 "NOT ON THE SERVER: %zu files, tried again: %.160s", now.pending,
			 now.last_error);
}

/* ---- the loop ---- */

static void read_keys(struct xp_tui_app *app)
{
	/* what is there by now came at once, however slowly we read it: a scanner is quick */
	const uint64_t now = xp_tui_now_ms();
	uint32_t key;
	int byte;

	while (xp_tui_wants_secret(&app->tui)) {
		byte = xp_tui_terminal_byte(app->terminal);
		if (byte < 0)
			return;
		xp_tui_secret_byte(&app->tui, (uint8_t)byte);
		take_wishes(app);
	}
	while (!xp_tui_wants_secret(&app->tui) && xp_tui_terminal_key(app->terminal, &key)) {
		xp_tui_key_press(&app->tui, key, now);
		take_wishes(app);
	}
}

static void draw(struct xp_tui_app *app)
{
	unsigned rows;
	unsigned cols;
	struct xp_err err;

	xp_tui_terminal_size(app->terminal, &rows, &cols);
	if ((rows != app->canvas.rows || cols != app->canvas.cols) &&
	    xp_tui_canvas_size(&app->canvas, rows, cols, &err) != XP_OK) {
		app->fatal = err;
		return;
	}
	xp_tui_draw(&app->tui, &app->canvas);
	xp_tui_terminal_show(app->terminal, &app->canvas, xp_tui_beep_take(&app->tui));
}

static void wait_for_something(struct xp_tui_app *app)
{
	struct pollfd fds[] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = app->scout.found_fd, .events = POLLIN},
		{.fd = app->scout.answers_fd, .events = POLLIN},
		{.fd = app->messages_fd, .events = POLLIN},
	};
	int ms = app->tui.scan.len ? TYPING_MS : TICK_MS;

	/* a signal or a new size ends it early, which is as well */
	(void)poll(fds, XP_ARRAY_LEN(fds), ms);
	app->tui.now_ms = xp_tui_now_ms();
	if (fds[1].revents & POLLIN)
		read_lines(app, app->scout.found_fd, &app->found, take_found);
	if (fds[2].revents & POLLIN)
		read_lines(app, app->scout.answers_fd, &app->answers, take_answers);
	if (fds[3].revents & POLLIN)
		read_lines(app, app->messages_fd, &app->messages, take_message);
	if (fds[0].revents & (POLLHUP | POLLERR))
		xp_cancel_request(); /* the terminal is gone */
}

static void loop(struct xp_tui_app *app)
{
	while (!app->over && app->fatal.rc == XP_OK) {
		xp_tui_app_advance(app);
		draw(app);
		wait_for_something(app);
		read_keys(app);
		xp_tui_tick(&app->tui, xp_tui_now_ms());
		poll_rounds(app);
		xp_tui_errand_poll(app);
		look_at_upload(app);
		take_wishes(app);
		if (app->stage == XP_TUI_READY)
			look(app);
		if (!xp_cancel_requested())
			continue;
		/* by q the operator still sees the summary; by a signal nobody does */
		if (!app->tui.stopping)
			app->ends_alone = true;
		app->tui.stopping = true;
		if (app->ends_alone && !xp_tui_running(&app->tui))
			app->over = true;
	}
}

/* What others write to standard error would spoil the screen: it becomes messages. */
static enum xp_rc divert_messages(struct xp_tui_app *app, struct xp_err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return xp_fail_errno(err, XP_E_IO, "messages");
	app->messages_fd = fds[0];
	fflush(stderr);
	app->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (app->stderr_fd < 0 || dup2(fds[1], STDERR_FILENO) < 0) {
		close(fds[1]);
		return xp_fail_errno(err, XP_E_IO, "messages");
	}
	close(fds[1]);
	return XP_OK;
}

static void give_back(struct xp_tui_app *app)
{
	struct xp_err err;

	fflush(stderr);
	xp_tui_scout_stop(&app->scout);
	xp_tui_terminal_close(&app->terminal);
	if (app->stderr_fd >= 0 && dup2(app->stderr_fd, STDERR_FILENO) < 0)
		xp_fail_errno(&err, XP_E_IO, "standard error");
	xp_close_fd(&app->stderr_fd);
	xp_close_fd(&app->messages_fd);
}

static enum xp_rc set_up(struct xp_tui_app *app, struct xp_err *err)
{
	struct xp_tui_scout_setup scout = {
		.targets = (const char *const *)app->args->operands,
		.options = app->options,
	};

	app->known = xp_tui_known_new();
	if (!app->known)
		return xp_fail(err, XP_E_NOMEM, "full screen");
	TRY(xp_tui_terminal_open(&app->terminal, app->ascii, err));
	scout.terminal = xp_tui_terminal_before(app->terminal);
	scout.terminal_end = xp_tui_terminal_end_text(app->terminal);
	app->canvas.utf8 = xp_tui_terminal_is_utf8(app->terminal);
	TRY(divert_messages(app, err));
	TRY(xp_tui_scout_start(&app->scout, &scout, err));
	xp_cancel_install();
	begin_keyboard(app);
	return XP_OK;
}

enum xp_rc xp_tui_app_run(struct xp_tui_app *app, int *exit_code, struct xp_err *err)
{
	enum xp_rc rc;

	xp_tui_init(&app->tui);
	xp_session_init(&app->session);
	app->scout = (struct xp_tui_scout){.to = -1, .found_fd = -1, .answers_fd = -1};
	app->messages_fd = app->stderr_fd = app->alone_fd = -1;
	app->tui.now_ms = xp_tui_now_ms();
	rc = set_up(app, err);
	if (rc == XP_OK) {
		loop(app);
		*exit_code = app->exit_code;
		if (app->fatal.rc != XP_OK)
			*err = app->fatal;
		rc = app->fatal.rc;
	}
	while (app->rounds_n)
		xp_tui_rounds_drop(app, app->rounds_n - 1);
	give_back(app);
	xp_tui_app_say_where(app);
	xp_session_close(&app->session);
	xp_close_fd(&app->alone_fd);
	xp_expect_list_free(&app->expect);
	xp_tui_known_free(&app->known);
	xp_secret_free(&app->passphrase);
	xp_buf_free(&app->found);
	xp_buf_free(&app->answers);
	xp_buf_free(&app->messages);
	xp_tui_canvas_free(&app->canvas);
	xp_tui_free(&app->tui);
	return rc;
}
