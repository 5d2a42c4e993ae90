#include "cli/tui/tui_scout.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/job_list_json.h"
#include "cli/output.h"
#include "device/light.h"

#define LOOK_S	      8 /* a target that has not answered by then hangs */
#define LOOK_STEP_MS  200
#define LOOKS_AT_ONCE 8

/* ---- what a child does ---- */

static bool has_path(const json_t *list, const char *path)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), path) == 0)
			return true;
	return false;
}

static void say(int fd, json_t *o)
{
	AUTO_MEM char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	AUTO(xp_buf_free) struct xp_buf line = {0};

	json_decref(o);
	if (!text)
		return;
	xp_buf_printf(&line, "%s\n", text);
	/* nobody listens any more: nothing is left to be done */
	if (xp_fd_write_all(fd, xp_buf_str(&line), line.len, NULL) != XP_OK)
		_exit(1);
}

static void add_place(json_t *o, const struct xp_sysroot *root, const char *node)
{
	int celsius = *node ? xp_drive_celsius(root, node) : 0;
	bool is_on = false;
	uint64_t diskseq;

	if (celsius)
		json_object_set_new(o, "celsius", json_integer(celsius));
	if (*node && xp_sysroot_read_u64(&diskseq, root, "sys/class/block/%s/diskseq", node))
		json_object_set_new(o, "diskseq", xp_json_u64(diskseq));
	if (*node && xp_light_read(&is_on, root, node))
		json_object_set_new(o, "light", json_boolean(is_on));
}

/* One target that was named: as the plan sees it. */
static json_t *look_at(const struct xp_job_setup *setup, const char *path)
{
	struct xp_job *job = calloc(1, sizeof(*job));
	json_t *o = NULL;
	struct xp_err err;

	if (!job)
		return NULL;
	if (xp_job_prepare(job, setup, path, &err) == XP_OK) {
		o = xp_job_plan_json(job);
		json_object_set_new(o, "path", xp_json_text(path));
		json_object_set_new(o, "name", xp_json_text(job->media.name));
		json_object_set_new(o, "slot", xp_json_text(job->target.slot));
		json_object_set_new(o, "planned", json_boolean(job->plan.has_technique));
		if (job->plan.has_technique)
			json_object_set_new(o, "technique",
					    json_string(xp_technique_name(job->plan.technique)));
		add_place(o, setup->root, job->target.disk);
	}
	xp_job_free(job);
	free(job);
	return o;
}

/* A look at one target, in a process of its own. */
struct look {
	pid_t pid; /* 0: none */
	int fd;
	uint64_t begun_ns;
	bool hangs;
	struct xp_buf text;
};

static bool look_begin(struct look *l, const struct xp_job_setup *setup, const char *path)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return false;
	l->pid = fork();
	if (l->pid == 0) {
		alarm(LOOK_S);
		close(ends[0]);
		say(ends[1], look_at(setup, path));
		_exit(0);
	}
	close(ends[1]);
	l->fd = ends[0];
	if (l->pid > 0)
		return true;
	close(ends[0]);
	l->pid = 0;
	return false;
}

/* false: it has said all. */
static bool look_on(struct look *l)
{
	char bytes[4096];
	ssize_t n = read(l->fd, bytes, sizeof(bytes));

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	xp_buf_add(&l->text, bytes, (size_t)n);
	return true;
}

/* Those that have not answered when their time is up are left to themselves. */
static size_t give_up(struct look *looks, struct pollfd *fds, size_t n, uint64_t now_ns)
{
	size_t given_up = 0;

	for (size_t i = 0; i < n; i++) {
		if (fds[i].fd < 0 || now_ns - looks[i].begun_ns < LOOK_S * 1000000000ull)
			continue;
		fds[i].fd = -1;
		looks[i].hangs = true;
		given_up++;
	}
	return given_up;
}

/* Answers that have come, for at most a moment. Returns how many are whole. */
static size_t take_answers(struct look *looks, struct pollfd *fds, size_t n)
{
	size_t whole = 0;

	if (poll(fds, n, LOOK_STEP_MS) <= 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (fds[i].fd < 0 || !fds[i].revents || look_on(&looks[i]))
			continue;
		fds[i].fd = -1;
		whole++;
	}
	return whole;
}

static void take_look(json_t *drives, const struct look *l, const char *path)
{
	json_t *o = l->text.len ? json_loads(xp_buf_str(&l->text), 0, NULL) : NULL;

	if (!o && l->hangs)
		o = json_pack("{s:o, s:s, s:b, s:b, s:[{s:s, s:s, s:s}]}", "path",
			      xp_json_text(path), "confirm", "", "planned", 0, "hangs", 1,
			      "refusals", "code", "unknown", "message", "it does not answer",
			      "remedy", "pull it, or ask again with r");
	if (o)
		json_array_append_new(drives, o);
}

/* One that hangs holds up nobody else. */
static void scan_targets(json_t *drives, const struct xp_job_setup *setup,
			 const char *const *targets, const json_t *skip)
{
	size_t n = 0;
	size_t next = 0;
	size_t open = 0;
	struct look *looks;
	struct pollfd *fds;

	while (targets[n])
		n++;
	looks = calloc(n, sizeof(*looks));
	fds = calloc(n, sizeof(*fds));
	if (!looks || !fds)
		_exit(1);
	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	while (next < n || open) {
		/* each looks at all that the host has open: all at once, none would get done */
		for (; next < n && open < LOOKS_AT_ONCE; next++) {
			if (has_path(skip, targets[next]) ||
			    !look_begin(&looks[next], setup, targets[next]))
				continue;
			looks[next].begun_ns = setup->clock->monotonic_ns(setup->clock->ctx);
			fds[next].fd = looks[next].fd;
			open++;
		}
		open -= take_answers(looks, fds, n);
		open -= give_up(looks, fds, n, setup->clock->monotonic_ns(setup->clock->ctx));
	}
	for (size_t i = 0; i < n; i++)
		if (looks[i].pid)
			take_look(drives, &looks[i], targets[i]);
	/* the process ends, and with it what it has */
}

static void scan_host(json_t *drives, const struct xp_inventory *inv, const struct xp_sysroot *root,
		      const json_t *skip)
{
	static const struct xp_list_answer none = {0};

	for (size_t i = 0; i < inv->drives_n; i++) {
		const struct xp_drive *d = &inv->drives[i];
		json_t *o;

		if (has_path(skip, d->path))
			continue;
		o = xp_list_drive_json(d, &none);
		add_place(o, root, d->nodes_n ? d->nodes[0] : "");
		json_array_append_new(drives, o);
	}
}

/* Only those that are asked about stay in the list. */
static void keep_only(struct xp_inventory *inv, const json_t *paths)
{
	for (size_t i = 0; i < inv->drives_n; i++)
		if (!has_path(paths, inv->drives[i].path))
			inv->drives[i].path[0] = 0;
}

static json_t *ask_host(const struct xp_job_setup *setup, const struct xp_inventory *inv)
{
	struct xp_list_answer *answers = calloc(inv->drives_n + 1, sizeof(*answers));
	json_t *list = json_array();
	struct xp_err err;

	if (!answers || xp_list_ask(answers, setup, &err) != XP_OK) {
		free(answers);
		return list;
	}
	for (size_t i = 0; i < inv->drives_n; i++)
		if (*inv->drives[i].path)
			json_array_append_new(list,
					      xp_list_drive_json(&inv->drives[i], &answers[i]));
	xp_list_answers_free(answers, inv->drives_n);
	return list;
}

/* Never returns. */
static void be_child(const struct xp_tui_scout *s, const struct xp_tui_scout_setup *how,
		     const json_t *question)
{
	AUTO(xp_inventory_free) struct xp_inventory inv = {0};
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	const char *none[] = {NULL};
	const struct xp_job_setup setup = {
		.root = &root,
		.inventory = &inv,
		.options = how->options,
		.out_fd = -1,
		.confirms = none,
		.clock = xp_clock_system(),
		.rng = xp_rng_system(),
	};
	json_t *paths = json_object_get(question, "paths");
	bool asks = json_is_true(json_object_get(question, "ask"));
	json_t *list = json_array();
	json_t *o;

	if (xp_sysroot_open(&root, "/", NULL) != XP_OK ||
	    xp_inventory_scan(&inv, &root, NULL) != XP_OK)
		_exit(1);
	if (asks) {
		keep_only(&inv, paths);
		say(s->answers_fd, json_pack("{s:o}", "answers", ask_host(&setup, &inv)));
		_exit(0);
	}
	if (how->targets && *how->targets)
		scan_targets(list, &setup, how->targets, paths);
	else
		scan_host(list, &inv, &root, paths);
	o = json_pack("{s:o, s:o, s:o, s:O}", "host", xp_list_host_json(&inv), "hidden",
		      xp_list_hidden_json(&inv), "drives", list, "skipped", paths);
	say(s->found_fd, o);
	_exit(0);
}

/* ---- the scout ---- */

/* Its master is gone without a word: nobody else would bring the terminal back. */
static void restore_terminal(const struct xp_tui_scout_setup *how)
{
	if (!how->terminal)
		return;
	signal(SIGTTOU, SIG_IGN);
	tcsetattr(STDIN_FILENO, TCSANOW, how->terminal);
	if (how->terminal_end && xp_fd_write_all(STDOUT_FILENO, how->terminal_end,
						 strlen(how->terminal_end), NULL) != XP_OK)
		_exit(1);
}

static void answer(const struct xp_tui_scout *s, const struct xp_tui_scout_setup *how,
		   const char *line)
{
	json_t *question = json_loads(line, 0, NULL);
	pid_t pid;

	if (json_is_true(json_object_get(question, "bye")))
		_exit(0);
	pid = fork();
	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(xp_tui_scan_seconds(how->targets));
		be_child(s, how, question);
	}
	json_decref(question);
}

unsigned xp_tui_scan_seconds(const char *const *targets)
{
	unsigned seconds = XP_TUI_SCAN_S;

	for (size_t i = 0; targets && targets[i]; i++)
		seconds++;
	return seconds;
}

/* Never returns. */
static void be_scout(int from, const struct xp_tui_scout *s, const struct xp_tui_scout_setup *how)
{
	AUTO_FILE FILE *f = fdopen(from, "r");
	AUTO_MEM char *line = NULL;
	size_t cap = 0;

	/* keys are for the screen, not for us; whom the kernel keeps is left to it */
	setpgid(0, 0);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	while (f && getline(&line, &cap, f) > 0)
		answer(s, how, line);
	restore_terminal(how);
	_exit(0);
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		xp_close_fd(&fds[i]);
}

enum xp_rc xp_tui_scout_start(struct xp_tui_scout *s, const struct xp_tui_scout_setup *setup,
			      struct xp_err *err)
{
	int fds[6] = {-1, -1, -1, -1, -1, -1};

	*s = (struct xp_tui_scout){.to = -1, .found_fd = -1, .answers_fd = -1};
	for (size_t i = 0; i < 6; i += 2) {
		if (pipe2(&fds[i], O_CLOEXEC)) {
			close_all(fds, 6);
			return xp_fail_errno(err, XP_E_IO, "looking for drives");
		}
	}
	s->pid = fork();
	if (s->pid == 0) {
		const struct xp_tui_scout in = {.found_fd = fds[3], .answers_fd = fds[5]};

		close(fds[1]);
		close(fds[2]);
		close(fds[4]);
		be_scout(fds[0], &in, setup);
	}
	close(fds[0]);
	close(fds[3]);
	close(fds[5]);
	s->to = fds[1];
	s->found_fd = fds[2];
	s->answers_fd = fds[4];
	if (s->pid > 0)
		return XP_OK;
	xp_tui_scout_stop(s);
	return xp_fail_errno(err, XP_E_NOMEM, "looking for drives");
}

static bool send_question(struct xp_tui_scout *s, json_t *question)
{
	AUTO_MEM char *text = question ? json_dumps(question, JSON_COMPACT) : NULL;
	AUTO(xp_buf_free) struct xp_buf line = {0};

	json_decref(question);
	if (!text || s->to < 0)
		return false;
	xp_buf_printf(&line, "%s\n", text);
	return xp_fd_write_all(s->to, xp_buf_str(&line), line.len, NULL) == XP_OK;
}

bool xp_tui_scout_scan(struct xp_tui_scout *s, json_t *skip)
{
	return send_question(s, json_pack("{s:o}", "paths", skip));
}

bool xp_tui_scout_ask(struct xp_tui_scout *s, json_t *paths)
{
	return send_question(s, json_pack("{s:b, s:o}", "ask", 1, "paths", paths));
}

void xp_tui_scout_stop(struct xp_tui_scout *s)
{
	if (s->to >= 0)
		(void)send_question(s, json_pack("{s:b}", "bye", 1));
	xp_close_fd(&s->to);
	xp_close_fd(&s->found_fd);
	xp_close_fd(&s->answers_fd);
	if (s->pid > 0)
		waitpid(s->pid, NULL, 0);
	*s = (struct xp_tui_scout){.to = -1, .found_fd = -1, .answers_fd = -1};
}
