#include "cli/job_list.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/job_reach.h"
#include "cli/output.h"
#include "device/luks.h"
#include "device/probe_node.h"

#define ANSWER_MAX (1u << 20)

struct child {
	pid_t pid; /* 0: none */
	int fd;
	struct xp_buf text;
};

void xp_list_answers_free(struct xp_list_answer *answers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_decref(answers[i].details);
	free(answers);
}

static void set_text(json_t *o, const char *key, const char *value)
{
	if (*value)
		json_object_set_new(o, key, xp_json_text(value));
}

/* What the drive says, and what the plan would make of it. */
static json_t *describe(const struct xp_job *job)
{
	const struct xp_identity *id = &job->media;
	json_t *plan = xp_job_plan_json(job);
	json_t *o = json_object();
	char at[96];
	static const char *const kept[] = {"techniques", "obstacles", "drive_unknown"};

	for (size_t i = 0; i < XP_ARRAY_LEN(kept); i++)
		if (json_object_get(plan, kept[i]))
			json_object_set(o, kept[i], json_object_get(plan, kept[i]));
	json_decref(plan);
	if (job->drive.answered && xp_job_is_at_work(at, sizeof(at), &job->drive.facts))
		set_text(o, "at_work", at);
	set_text(o, "vendor", id->vendor);
	set_text(o, "model", id->model);
	set_text(o, "serial", id->serial);
	set_text(o, "wwn", id->wwn);
	set_text(o, "firmware", id->firmware);
	set_text(o, "media", xp_media_name(id->media));
	json_object_set_new(o, "bytes", xp_json_u64(id->capacity_bytes));
	if (job->plan.has_technique)
		json_object_set_new(o, "best",
				    json_pack("{s:s, s:s}", "technique",
					      xp_technique_name(job->plan.technique), "level",
					      xp_level_name(job->plan.expected.level)));
	return o;
}

static void take(struct xp_list_answer *out, json_t *details)
{
	json_t *best = json_object_get(details, "best");
	const char *technique = json_string_value(json_object_get(best, "technique"));
	const char *level = json_string_value(json_object_get(best, "level"));

	out->has_best = technique && level && xp_technique_parse(&out->technique, technique) &&
			xp_level_parse(&out->level, level);
	out->details = details;
}

/*
 * Which of the drive and its partitions begin with a LUKS header: a mark, by their first sectors
 * alone. NULL: not one of them can be read.
 */
static json_t *luks_marks(const struct xp_sysroot *root, const struct xp_drive *d)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	const size_t len = strlen(d->nodes[0]);
	json_t *list = json_array();
	bool any = false;

	if (xp_sysroot_list(&names, root, NULL, "sys/class/block/%s", d->nodes[0]) != XP_OK)
		names.n = 0;
	for (size_t i = 0; i <= names.n; i++) {
		const char *name = i ? names.list[i - 1] : d->nodes[0];
		char path[300];
		bool read;

		if (i &&
		    (strncmp(name, d->nodes[0], len) != 0 ||
		     !xp_sysroot_has(root, "sys/class/block/%s/%s/partition", d->nodes[0], name)))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", name);
		if (xp_luks_begins_at(&read, path))
			json_array_append_new(list, xp_json_text(path));
		any = any || read;
	}
	if (any)
		return list;
	json_decref(list);
	return NULL;
}

/* A drive that is at it would keep whoever opens its disk waiting. */
static void mark_luks(json_t *o, const struct xp_sysroot *root, const struct xp_drive *d)
{
	json_t *list =
		d->nodes_n && !json_object_get(o, "at_work") && !json_object_get(o, "drive_unknown")
			? luks_marks(root, d)
			: NULL;

	if (list)
		json_object_set_new(o, "luks", list);
}

/* As the plan would choose, were the drive free. */
static enum xp_rc ask_here(json_t **out, const struct xp_job_setup *setup, const struct xp_drive *d,
			   bool asks, struct xp_err *err)
{
	struct xp_job *job = calloc(1, sizeof(*job));
	enum xp_rc rc;

	*out = NULL;
	if (!job)
		return xp_fail(err, XP_E_NOMEM, "%s", d->path);
	rc = xp_job_prepare_listed(job, setup, d, asks, err);
	if (rc == XP_OK)
		*out = describe(job);
	xp_job_free(job);
	free(job);
	return rc;
}

/* Never returns. Nothing of what the parent has buffered is written twice. */
static void be_child(int fd, const struct xp_job_setup *setup, const struct xp_drive *d, bool asks)
{
	json_t *o = NULL;
	struct xp_err err;
	char *text = NULL;
	size_t len;

	if (ask_here(&o, setup, d, asks, &err) != XP_OK)
		o = json_pack("{s:s}", "drive_unknown", err.msg);
	if (o)
		mark_luks(o, setup->root, d);
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	len = text ? strlen(text) : 0;
	for (size_t at = 0; at < len;) {
		ssize_t n = write(fd, text + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	_exit(0);
}

static enum xp_rc start(struct child *c, const struct xp_job_setup *setup, const struct xp_drive *d,
			bool asks, struct xp_err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return xp_fail_errno(err, XP_E_IO, "%s", d->path);
	c->pid = fork();
	if (c->pid == 0) {
		close(ends[0]);
		be_child(ends[1], setup, d, asks);
	}
	close(ends[1]);
	c->fd = ends[0];
	if (c->pid > 0)
		return XP_OK;
	xp_close_fd(&c->fd);
	c->pid = 0;
	return xp_fail_errno(err, XP_E_NOMEM, "%s", d->path);
}

/* false: it has said all. */
static bool listen_to(struct child *c)
{
	char bytes[4096];
	ssize_t n = read(c->fd, bytes, sizeof(bytes));

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0 || c->text.len + (size_t)n > ANSWER_MAX)
		return false;
	xp_buf_printf(&c->text, "%.*s", (int)n, bytes);
	return true;
}

/* What has not answered when the time is up is left to itself: it ends when the kernel lets it. */
static void listen_to_all(struct child *children, size_t n)
{
	const struct xp_clock *clock = xp_clock_system();
	uint64_t end_ns = clock->monotonic_ns(clock->ctx) + XP_LIST_ASK_MS * 1000000ull;
	AUTO_MEM struct pollfd *fds = calloc(n + 1, sizeof(*fds));
	size_t open = 0;

	for (size_t i = 0; fds && i < n; i++) {
		fds[i] = (struct pollfd){.fd = children[i].pid ? children[i].fd : -1,
					 .events = POLLIN};
		open += fds[i].fd >= 0;
	}
	while (fds && open) {
		uint64_t now = clock->monotonic_ns(clock->ctx);

		if (now >= end_ns ||
		    (poll(fds, n, (int)((end_ns - now) / 1000000) + 1) < 0 && errno != EINTR))
			break;
		for (size_t i = 0; i < n; i++) {
			if (fds[i].fd < 0 || !fds[i].revents || listen_to(&children[i]))
				continue;
			fds[i].fd = -1;
			open--;
		}
	}
}

static void finish(struct child *c, struct xp_list_answer *out)
{
	json_error_t why;
	json_t *o;

	if (!c->pid)
		return;
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, WNOHANG);
	xp_close_fd(&c->fd);
	o = json_loads(xp_buf_str(&c->text), 0, &why);
	if (!o)
		o = json_pack("{s:s}", "drive_unknown", "it did not answer in time");
	take(out, o);
	xp_buf_free(&c->text);
}

static bool is_askable(const struct xp_job_setup *setup, const struct xp_drive *d)
{
	return setup->root->is_live && d->nodes_n && xp_probe_can_ask(d->identity.bus, d->nodes[0]);
}

enum xp_rc xp_list_ask(struct xp_list_answer *answers, const struct xp_job_setup *setup,
		       struct xp_err *err)
{
	const struct xp_inventory *inv = setup->inventory;
	struct child *children = calloc(inv->drives_n + 1, sizeof(*children));
	enum xp_rc rc = XP_OK;

	if (!children)
		return xp_fail(err, XP_E_NOMEM, "list of drives");
	for (size_t i = 0; i < inv->drives_n && rc == XP_OK; i++) {
		const struct xp_drive *d = &inv->drives[i];
		json_t *o = NULL;

		if (!d->path[0] || d->zoned)
			continue;
		if (is_askable(setup, d) ||
		    (setup->root->is_live && d->nodes_n && d->identity.capacity_bytes)) {
			rc = start(&children[i], setup, d, is_askable(setup, d), err);
		} else if (d->identity.capacity_bytes) {
			rc = ask_here(&o, setup, d, false, err);
			if (rc == XP_OK)
				take(&answers[i], o);
		}
	}
	listen_to_all(children, inv->drives_n);
	for (size_t i = 0; i < inv->drives_n; i++)
		finish(&children[i], &answers[i]);
	free(children);
	return rc;
}
