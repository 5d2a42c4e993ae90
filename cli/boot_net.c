#include "cli/boot_net.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/rng.h"
#include "cli/state_folder.h"
#include "cli/upload.h"

#define CA_MAX_BYTES  (1u << 20)
#define FETCH_TRIES   3u
#define FETCH_TIME_MS 20000u
#define NTP_TRIES     3u
#define NTP_TIME_MS   3000u

enum xp_rc xp_boot_courier(struct xp_courier **out, const char *ca, struct xp_err *err)
{
	struct xp_courier_config config = {0};
	AUTO_MEM char *pem = NULL;

	if (*ca)
		TRY(xp_file_read(&pem, &config.ca_len, ca, CA_MAX_BYTES, err));
	config.ca = pem;
	return xp_courier_start(out, &config, err);
}

static void pause_s(unsigned s)
{
	const struct timespec t = {.tv_sec = (time_t)s};

	nanosleep(&t, NULL);
}

/* Another try may help where the network was not there yet, and nowhere else. */
static bool may_help(enum xp_rc rc)
{
	return rc == XP_E_IO || rc == XP_E_TIMEOUT;
}

enum xp_rc xp_boot_fetch(struct xp_buf *out, struct xp_courier *c, const char *url, size_t max,
			 struct xp_err *err)
{
	enum xp_rc rc = XP_E_IO;

	for (unsigned i = 0; i < FETCH_TRIES; i++) {
		if (i)
			pause_s(i);
		xp_buf_free(out);
		rc = xp_courier_get(c, out, url, max, FETCH_TIME_MS, err);
		if (!may_help(rc))
			return rc;
	}
	return rc;
}

enum xp_rc xp_boot_ntp(int64_t *step_ms, struct xp_courier *c, const char *host,
		       const struct xp_clock_setter *setter, struct xp_err *err)
{
	enum xp_rc rc = XP_E_IO;

	for (unsigned i = 0; i < NTP_TRIES; i++) {
		rc = xp_courier_time(c, step_ms, host, NTP_TIME_MS, err);
		if (!may_help(rc))
			break;
	}
	TRY(rc);
	return xp_clock_set(setter, xp_clock_wall_ms(xp_clock_system()) + *step_ms, err);
}

struct draining {
	struct xp_consoles *consoles;
	bool told;
};

static bool look(void *ctx, const struct xp_upload_state *now)
{
	struct draining *d = ctx;

	if (now->failures && !d->told) {
		xp_consoles_say(d->consoles,
				"%zu files are not on the server yet: %s; trying again until it "
				"holds them, a key ends that",
				now->pending, now->last_error);
		d->told = true;
	}
	xp_consoles_show(d->consoles, "%zu files on the server, %zu to go; a key ends the waiting",
			 now->confirmed, now->pending);
	return xp_consoles_key(d->consoles, 500);
}

enum xp_rc xp_boot_drain(const struct xp_boot_upload *upload, const char *state,
			 struct xp_consoles *consoles, struct xp_err *err)
{
	const struct xp_upload_config config = {
		.url = upload->url,
		.ca = upload->system_ca ? "system" : upload->ca,
		.header_file = *upload->header_file ? upload->header_file : NULL,
	};
	AUTO(xp_state_close)
	struct xp_state folder = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1};
	AUTO(xp_log_free) struct xp_log *log = NULL;
	AUTO(xp_upload_free) struct xp_upload *u = NULL;
	struct draining d = {.consoles = consoles};
	struct xp_upload_place place = {0};
	struct xp_upload_state now;
	enum xp_rc rc;

	TRY(xp_upload_start(&u, &config, err));
	rc = xp_state_open_existing(&folder, state, err);
	if (rc == XP_E_NOENT)
		return XP_OK;
	TRY(rc);
	TRY(xp_state_log_open(&log, &folder, xp_rng_system(), err));
	place.state_fd = folder.fd;
	place.origin = xp_log_origin(log);
	TRY(xp_upload_attach(u, &place, err));
	xp_consoles_listen(consoles);
	rc = xp_upload_wait(u, 0, look, &d, err);
	xp_consoles_show(consoles, "%s", "");
	TRY(rc);
	xp_upload_look(u, &now);
	xp_consoles_say(consoles, "the server holds all %zu files", now.confirmed);
	return XP_OK;
}
