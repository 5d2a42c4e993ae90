#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/job_unlock.h"
#include "cli/tui/tui_app.h"
#include "device/light.h"

struct xp_tui_errand {
	pthread_mutex_t mutex;
	bool unlocks;
	bool on;
	char path[4096];
	char serial[320];
	bool done;
	char text[640];
};

static enum xp_rc switch_light(const struct xp_tui_errand *e, struct xp_err *err)
{
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	AUTO(xp_target_free) struct xp_target target = {0};
	const char *node = strncmp(e->path, "/dev/", 5) == 0 ? e->path + 5 : "";

	TRY(xp_sysroot_open(&root, "/", err));
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
	struct xp_unlocked unlocked;
	char text[640];
	struct xp_err err;

	if (e->unlocks && xp_unlock_drive(&unlocked, e->path, NULL, false, &err) == XP_OK)
		snprintf(text, sizeof(text), "%s: %s", e->serial, xp_unlock_end_text(unlocked.end));
	else if (!e->unlocks && switch_light(e, &err) == XP_OK)
		snprintf(text, sizeof(text), "%s: the light of its place is %s", e->serial,
			 e->on ? "on" : "off");
	else
		snprintf(text, sizeof(text), "%s", err.msg);
	pthread_mutex_lock(&e->mutex);
	memcpy(e->text, text, sizeof(e->text));
	e->done = true;
	pthread_mutex_unlock(&e->mutex);
	return NULL;
}

static void start(struct xp_tui_app *app, const struct xp_tui_drive *d, bool unlocks)
{
	struct xp_tui_errand *e = app->errand ? NULL : calloc(1, sizeof(*e));
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all;
	sigset_t old;

	if (!e) {
		xp_tui_say(&app->tui, "another drive has not answered yet");
		return;
	}
	pthread_mutex_init(&e->mutex, NULL);
	e->unlocks = unlocks;
	e->on = !d->light_on;
	snprintf(e->path, sizeof(e->path), "%s", d->path);
	snprintf(e->serial, sizeof(e->serial), "%s", d->serial);
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&thread, &attr, work, e) == 0) {
		app->errand = e;
	} else {
		pthread_mutex_destroy(&e->mutex);
		free(e);
		xp_tui_say(&app->tui, "no thread to be had");
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

void xp_tui_errand_light(struct xp_tui_app *app, const struct xp_tui_drive *d)
{
	start(app, d, false);
}

void xp_tui_errand_unlock(struct xp_tui_app *app, const struct xp_tui_drive *d)
{
	start(app, d, true);
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
	pthread_mutex_destroy(&e->mutex);
	free(e);
	app->errand = NULL;
}
