#include "cli/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "cli/https_url.h"
#include "cli/output.h"
#include "cli/upload_files.h"
#include "sanitize/engine.h"

#define TIMEOUT_MS	 30000u
#define HEADER_MAX_BYTES 4096u
#define CA_MAX_BYTES	 (1u << 20)
#define WAIT_FAILURES	 3u /* a line that must be up is given up after so many */
#define BACKOFF_MAX_S	 30u
#define JOURNAL_PAUSE_S	 15u /* checkpoints of a journal go up no more often */
#define TRIAL_BYTES	 64u
#define ADDRESS_MAX	 2048u
#define NS		 1000000000ull
/* [linux/magic.h] */
#define MAGIC_TMPFS 0x01021994L
#define MAGIC_RAMFS 0x858458f6L

struct xp_upload {
	struct xp_courier *courier;
	char *ca, *header;
	size_t ca_len;
	char url[XP_HTTPS_PATH_MAX + 300];  /* without a slash at the end */
	char base[XP_HTTPS_PATH_MAX + 700]; /* with the origin */
	unsigned timeout_ms;
	struct xp_durable durable;
	struct xp_upload_place place;
	bool attached, stopping, hurry;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct xp_upload_files files;
	unsigned failures;
	unsigned long tries; /* failures ever */
	uint64_t again_ns;   /* after a failure nothing is tried before */
	char last_error[256];
	bool told; /* that it fails */
};

static uint64_t now_ns(void)
{
	const struct xp_clock *c = xp_clock_system();

	return c->monotonic_ns(c->ctx);
}

bool xp_is_in_memory(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && ((unsigned long)fs.f_type == (unsigned long)MAGIC_TMPFS ||
					 (unsigned long)fs.f_type == (unsigned long)MAGIC_RAMFS);
}

/* ---- what is told ---- */

static bool is_journal(const char *path)
{
	size_t len = strlen(path);

	return strncmp(path, "jobs/", 5) == 0 && len > 6 && strcmp(path + len - 6, ".jsonl") == 0;
}

/* A password is about to be set: a host that dies after it must not be the only one who knows. */
static bool tells_a_secret(const void *line, size_t len)
{
	json_t *o = json_loadb(line, len, 0, NULL);
	const char *note = json_string_value(json_object_get(o, "note"));
	const bool yes = note && strcmp(note, xp_command_note_name(XP_COMMAND_SECRET)) == 0;

	json_decref(o);
	return yes;
}

static void wait_a_while(struct xp_upload *u, uint64_t ns)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	ns += (uint64_t)at.tv_nsec;
	at.tv_sec += (time_t)(ns / NS);
	at.tv_nsec = (long)(ns % NS);
	(void)pthread_cond_timedwait(&u->changed, &u->mutex, &at);
}

/* Until the file is up as it is now, or was tried in vain. With the mutex. */
static enum xp_rc wait_for(struct xp_upload *u, const char *path, struct xp_err *err)
{
	const unsigned long begin = u->tries;

	xp_upload_files_demand(&u->files, path);
	u->again_ns = 0;
	for (;;) {
		pthread_cond_broadcast(&u->changed);
		if (xp_upload_files_is_up(&u->files, path))
			return XP_OK;
		if (u->tries - begin >= WAIT_FAILURES)
			return xp_fail(err, XP_E_IO, "%s is not on the server: %s", path,
				       u->last_error);
		if (u->stopping || xp_cancel_requested())
			return xp_fail(err, XP_E_IO, "%s is not on the server: stopped", path);
		wait_a_while(u, NS / 4);
	}
}

static enum xp_rc changed(struct xp_upload *u, const char *path, bool must_be_up,
			  struct xp_err *err)
{
	enum xp_rc rc;

	if (!xp_upload_takes(path))
		return XP_OK;
	pthread_mutex_lock(&u->mutex);
	rc = xp_upload_files_touch(&u->files, path,
				   is_journal(path) && !must_be_up ? JOURNAL_PAUSE_S : 0, now_ns(),
				   err);
	if (rc == XP_OK && must_be_up && u->attached && u->place.must_wait)
		rc = wait_for(u, path, err);
	pthread_cond_broadcast(&u->changed);
	pthread_mutex_unlock(&u->mutex);
	return rc;
}

static enum xp_rc on_append(void *ctx, const char *path, uint64_t offset, const void *bytes,
			    size_t len, struct xp_err *err)
{
	return changed(ctx, path, is_journal(path) && (offset == 0 || tells_a_secret(bytes, len)),
		       err);
}

static enum xp_rc on_replace(void *ctx, const char *path, const void *bytes, size_t len,
			     struct xp_err *err)
{
	(void)bytes;
	(void)len;
	return changed(ctx, path, false, err);
}

/* What was put up stays there. */
static enum xp_rc on_remove(void *ctx, const char *path, struct xp_err *err)
{
	struct xp_upload *u = ctx;

	(void)err;
	pthread_mutex_lock(&u->mutex);
	xp_upload_files_forget(&u->files, path);
	pthread_mutex_unlock(&u->mutex);
	return XP_OK;
}

/* The lines that must be up were waited for when they were told. */
static enum xp_rc on_flush(void *ctx, struct xp_err *err)
{
	(void)ctx;
	(void)err;
	return XP_OK;
}

/* ---- what goes up ---- */

static enum xp_rc put(struct xp_upload *u, const char *path, const void *bytes, size_t len,
		      struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf url = {0};

	xp_buf_puts(&url, u->base);
	xp_buf_putc(&url, '/');
	for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= '0' && *p <= '9') || strchr("/-._", *p))
			xp_buf_putc(&url, (char)*p);
		else
			xp_buf_printf(&url, "%%%02X", *p);
	}
	if (!xp_buf_ok(&url))
		return xp_fail(err, XP_E_NOMEM, "%s", path);
	return xp_courier_put(u->courier, url.data, bytes, len, u->timeout_ms, err);
}

static void failed(struct xp_upload *u, const struct xp_err *err)
{
	unsigned pause_s = u->failures < 5 ? 1u << u->failures : BACKOFF_MAX_S;

	u->failures++;
	u->tries++;
	u->again_ns = now_ns() + (pause_s < BACKOFF_MAX_S ? pause_s : BACKOFF_MAX_S) * NS;
	snprintf(u->last_error, sizeof(u->last_error), "%.255s", err->msg);
}

/* With the mutex. */
static void tell_once(struct xp_upload *u)
{
	const bool fails = u->failures != 0;
	size_t confirmed = 0;
	size_t pending = 0;

	if (!u->place.tells || fails == u->told)
		return;
	u->told = fails;
	xp_upload_files_count(&u->files, &confirmed, &pending);
	if (fails)
		xp_log(XP_LOG_WARNING,
		       "the server takes nothing just now: %s; %zu files wait here, and are tried "
		       "again",
		       u->last_error, pending);
	else
		xp_log(XP_LOG_WARNING, "the server takes files again");
}

/* As it is now, unless the server holds just that; the mutex is let go meanwhile. */
static enum xp_rc send_file(struct xp_upload *u, struct xp_upload_bytes *now, const char *path,
			    struct xp_err *err)
{
	enum xp_rc rc;
	bool held;

	pthread_mutex_unlock(&u->mutex);
	rc = xp_upload_bytes_read(now, u->place.state_fd, path, err);
	pthread_mutex_lock(&u->mutex);
	held = rc == XP_OK && xp_upload_files_held(&u->files, path, now->sha256);
	if (rc != XP_OK || held)
		return rc;
	pthread_mutex_unlock(&u->mutex);
	rc = put(u, path, now->data, now->len, err);
	pthread_mutex_lock(&u->mutex);
	return rc;
}

static void carry(struct xp_upload *u, const struct xp_upload_file *f)
{
	char path[XP_UPLOAD_PATH_MAX];
	struct xp_upload_bytes now = {0};
	const uint64_t change = f->change;
	struct xp_err err;
	enum xp_rc rc;

	snprintf(path, sizeof(path), "%s", f->path);
	rc = send_file(u, &now, path, &err);
	if (rc == XP_E_NOENT) {
		xp_upload_files_forget(&u->files, path);
	} else if (rc == XP_OK) {
		u->failures = 0;
		u->again_ns = 0;
		if (xp_upload_files_confirm(&u->files, path, change, now.sha256, u->place.state_fd,
					    u->place.keeper, &err) != XP_OK)
			snprintf(u->last_error, sizeof(u->last_error), "%.255s", err.msg);
	} else {
		failed(u, &err);
	}
	tell_once(u);
	pthread_cond_broadcast(&u->changed);
	xp_upload_bytes_free(&now);
}

static void *work(void *ctx)
{
	struct xp_upload *u = ctx;

	pthread_mutex_lock(&u->mutex);
	while (!u->stopping) {
		uint64_t now = now_ns();
		uint64_t when = UINT64_MAX;
		struct xp_upload_file *f = xp_upload_files_next(&u->files, now, u->hurry, &when);

		if (f && now >= u->again_ns) {
			carry(u, f);
			continue;
		}
		if (f)
			when = u->again_ns;
		wait_a_while(u, when > now + NS ? NS : when - now);
	}
	pthread_mutex_unlock(&u->mutex);
	return NULL;
}

/* ---- its life ---- */

static enum xp_rc read_header(struct xp_upload *u, const char *path, struct xp_err *err)
{
	size_t len = 0;
	size_t n;

	if (!path)
		return XP_OK;
	TRY(xp_file_read(&u->header, &len, path, HEADER_MAX_BYTES, err));
	n = strcspn(u->header, "\r\n");
	u->header[n] = 0;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)u->header[i] < ' ' || u->header[i] == 0x7f)
			n = 0;
	if (n == 0 || !strchr(u->header, ':') || u->header[0] == ':')
		return xp_fail(err, XP_E_USAGE,
			       "%s: its first line is no header, such as Authorization: ...", path);
	return XP_OK;
}

static enum xp_rc configure(struct xp_upload *u, const struct xp_upload_config *config,
			    struct xp_err *err)
{
	struct xp_https_url url;
	size_t len = strlen(config->url);

	TRY(xp_https_url_parse(&url, config->url, err));
	if (url.has_query || len >= sizeof(u->url))
		return xp_fail(err, XP_E_USAGE,
			       "%.200s: names are put behind this address, so it can have no query",
			       config->url);
	while (len && config->url[len - 1] == '/')
		len--;
	snprintf(u->url, sizeof(u->url), "%.*s", (int)len, config->url);
	u->timeout_ms = config->timeout_ms ? config->timeout_ms : TIMEOUT_MS;
	if (!config->ca)
		return xp_fail(err, XP_E_USAGE,
			       "an upload needs the authority that the server's certificate is "
			       "checked against: a file, or system");
	if (strcmp(config->ca, "system") != 0)
		TRY(xp_file_read(&u->ca, &u->ca_len, config->ca, CA_MAX_BYTES, err));
	return read_header(u, config->header_file, err);
}

enum xp_rc xp_upload_start(struct xp_upload **out, const struct xp_upload_config *config,
			   struct xp_err *err)
{
	AUTO(xp_upload_free) struct xp_upload *u = calloc(1, sizeof(*u));
	struct xp_courier_config courier;
	pthread_condattr_t attr;

	if (!u)
		return xp_fail(err, XP_E_NOMEM, "upload");
	pthread_mutex_init(&u->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&u->changed, &attr);
	pthread_condattr_destroy(&attr);
	u->place.state_fd = -1;
	u->durable = (struct xp_durable){.ctx = u,
					 .append = on_append,
					 .replace = on_replace,
					 .remove = on_remove,
					 .flush = on_flush};
	TRY(configure(u, config, err));
	courier = (struct xp_courier_config){.ca = u->ca, .ca_len = u->ca_len, .header = u->header};
	if (xp_courier_start(&u->courier, &courier, err) != XP_OK)
		return xp_err_prefix(err, "upload");
	*out = STEAL(u);
	return XP_OK;
}

void xp_upload_free(struct xp_upload **up)
{
	struct xp_upload *u = *up;

	if (!u)
		return;
	if (u->attached) {
		pthread_mutex_lock(&u->mutex);
		u->stopping = true;
		pthread_cond_broadcast(&u->changed);
		pthread_mutex_unlock(&u->mutex);
		pthread_join(u->thread, NULL);
		/* a list that is lost has all sent once more, and no harm done */
		(void)!xp_durable_flush(u->place.keeper, NULL);
	}
	xp_courier_free(&u->courier);
	xp_upload_files_free(&u->files);
	pthread_mutex_destroy(&u->mutex);
	pthread_cond_destroy(&u->changed);
	free(u->ca);
	free(u->header);
	free(u);
	*up = NULL;
}

struct xp_courier *xp_upload_courier(struct xp_upload *u)
{
	return u->courier;
}

const struct xp_durable *xp_upload_durable(struct xp_upload *u)
{
	return &u->durable;
}

enum xp_rc xp_upload_attach(struct xp_upload *u, const struct xp_upload_place *place,
			    struct xp_err *err)
{
	int n = snprintf(u->base, sizeof(u->base), "%s/%s", u->url, place->origin);

	if (n < 0 || (size_t)n >= sizeof(u->base))
		return xp_fail(err, XP_E_USAGE, "%s: the address is too long", u->url);
	u->place = *place;
	pthread_mutex_lock(&u->mutex);
	n = xp_upload_files_find(&u->files, place->state_fd, u->base, err);
	pthread_mutex_unlock(&u->mutex);
	if (n != XP_OK)
		return (enum xp_rc)n;
	n = pthread_create(&u->thread, NULL, work, u);
	errno = n;
	if (n)
		return xp_fail_errno(err, XP_E_NOMEM, "upload: a thread");
	u->attached = true;
	return XP_OK;
}

enum xp_rc xp_upload_trial(struct xp_upload *u, struct xp_err *err)
{
	uint8_t bytes[TRIAL_BYTES];
	char text[2 * TRIAL_BYTES + 1];

	TRY(xp_rng_bytes(xp_rng_system(), bytes, sizeof(bytes), err));
	xp_hex_encode(text, bytes, sizeof(bytes));
	return put(u, "trial", text, strlen(text), err);
}

void xp_upload_look(struct xp_upload *u, struct xp_upload_state *state)
{
	pthread_mutex_lock(&u->mutex);
	xp_upload_files_count(&u->files, &state->confirmed, &state->pending);
	state->failures = u->failures;
	snprintf(state->last_error, sizeof(state->last_error), "%s", u->last_error);
	pthread_mutex_unlock(&u->mutex);
}

static void set_hurry(struct xp_upload *u, bool hurry)
{
	pthread_mutex_lock(&u->mutex);
	u->hurry = hurry;
	if (hurry)
		u->again_ns = 0;
	pthread_cond_broadcast(&u->changed);
	pthread_mutex_unlock(&u->mutex);
}

enum xp_rc xp_upload_wait(struct xp_upload *u, unsigned max_failures,
			  bool (*look)(void *ctx, const struct xp_upload_state *state), void *ctx,
			  struct xp_err *err)
{
	enum xp_rc rc = XP_OK;
	struct xp_upload_state now;

	if (!u->attached)
		return xp_fail(err, XP_E_IO, "nothing was sent");
	set_hurry(u, true);
	for (;;) {
		xp_upload_look(u, &now);
		if (now.pending == 0)
			break;
		if (max_failures && now.failures >= max_failures)
			rc = xp_fail(err, XP_E_IO, "%zu files are not on the server: %s",
				     now.pending, now.last_error);
		else if (look && look(ctx, &now))
			rc = xp_fail(err, XP_E_CANCELLED,
				     "%zu files are not on the server: stopped", now.pending);
		if (rc != XP_OK)
			break;
		pthread_mutex_lock(&u->mutex);
		wait_a_while(u, look ? NS / 50 : NS / 10);
		pthread_mutex_unlock(&u->mutex);
	}
	set_hurry(u, false);
	return rc;
}
