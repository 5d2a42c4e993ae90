#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/thread.h"
#include "cli/job_unlock.h"
#include "cli/job_unlocked.h"
#include "cli/tui/tui_app.h"
#include "device/light.h"

struct xp_tui_errand {
	pthread_mutex_t mutex;
	char root[256]; /* of sysfs */
	const struct xp_job_door *door;
	bool unlocks;
	bool on;
	char path[4096];
	char serial[320];
	bool done;
	char text[640];
	char opened[256]; /* the serial of a drive that has no password now; empty: none */
};

static enum xp_rc switch_light(const struct xp_tui_errand *e, struct xp_err *err)
{
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	AUTO(xp_target_free) struct xp_target target = {0};
	const char *node = strncmp(e->path, "/dev/", 5) == 0 ? e->path + 5 : "";

	TRY(xp_sysroot_open(&root, e->root, err));
	if (!*node || strchr(node, '/') || !xp_sysroot_has(&root, "sys/block/%s", node)) {
		TRY(xp_target_resolve(&target, &root, e->path, err));
		node = target.disk;
	}
	if (!*node)
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: a file has no place with a light",
			       e->path);
	return xp_light_set(&root, node, e->on, err);
}

static void *work(void *errand)
{
	struct xp_tui_errand *e = errand;
	const struct xp_unlock_request how = {.path = e->path, .door = e->door};
	struct xp_unlocked unlocked = {.end = XP_UNLOCK_WRONG};
	bool opened;
	char text[640];
	struct xp_err err;

	opened = e->unlocks && xp_unlock_drive(&unlocked, &how, &err) == XP_OK;
	if (opened)
		snprintf(text, sizeof(text), "%s: %s", e->serial, xp_unlock_end_text(unlocked.end));
	else if (!e->unlocks && switch_light(e, &err) == XP_OK)
		snprintf(text, sizeof(text), "%s: the light of its place is %s", e->serial,
			 e->on ? "on" : "off");
	else
		snprintf(text, sizeof(text), "%s", err.msg);
	pthread_mutex_lock(&e->mutex);
	memcpy(e->text, text, sizeof(e->text));
	if (opened && (unlocked.end == XP_UNLOCK_DONE || unlocked.end == XP_UNLOCK_NOT_NEEDED))
		memcpy(e->opened, unlocked.serial, sizeof(e->opened));
	e->done = true;
	pthread_mutex_unlock(&e->mutex);
	return NULL;
}

static void start(struct xp_tui_app *app, const struct xp_tui_drive *d, bool unlocks)
{
	struct xp_tui_errand *e = app->errand ? NULL : calloc(1, sizeof(*e));

	if (!e) {
		xp_tui_say(&app->tui, "another drive has not answered yet");
		return;
	}
	pthread_mutex_init(&e->mutex, NULL);
	e->unlocks = unlocks;
	e->door = app->door;
	snprintf(e->root, sizeof(e->root), "%s", app->sysroot ? app->sysroot : "/");
	e->on = !d->light_on;
	snprintf(e->path, sizeof(e->path), "%s", d->path);
	snprintf(e->serial, sizeof(e->serial), "%s", d->serial);
	if (xp_thread_start(NULL, work, e) == 0) {
		app->errand = e;
	} else {
		pthread_mutex_destroy(&e->mutex);
		free(e);
		xp_tui_say(&app->tui, "no thread to be had");
	}
}

void xp_tui_errand_light(struct xp_tui_app *app, const struct xp_tui_drive *d)
{
	start(app, d, false);
}

void xp_tui_errand_unlock(struct xp_tui_app *app, const struct xp_tui_drive *d)
{
	start(app, d, true);
}

/* The journal of the job that left the password hears of it, as by the command. */
static void tell_journals(struct xp_tui_app *app, const char *serial)
{
	unsigned told = 0;
	struct xp_err err;

	if (!app->is_open || !*serial)
		return;
	if (xp_job_unlocked_tell(&told, &app->session.state, serial, &err) != XP_OK)
		xp_tui_say(&app->tui, "the drive is open, and its job could not be told: %s",
			   err.msg);
	else if (told)
		xp_tui_app_read_left(app);
}

void xp_tui_errand_poll(struct xp_tui_app *app)
{
	struct xp_tui_errand *e = app->errand;
	bool done;

	if (!e)
		return;
	pthread_mutex_lock(&e->mutex);
	done = e->done;
	pthread_mutex_unlock(&e->mutex);
	if (!done)
		return;
	xp_tui_say(&app->tui, "%s", e->text);
	if (e->unlocks)
		xp_tui_known_forget(app->known);
	tell_journals(app, e->opened);
	pthread_mutex_destroy(&e->mutex);
	free(e);
	app->errand = NULL;
}
