#include "cli/job_session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/key_uri.h"
#include "cli/clock_set.h"
#include "cli/job_export.h"
#include "cli/job_output.h"
#include "cli/key_option.h"
#include "cli/output.h"

static enum xp_rc open_events(struct xp_session *s, const struct xp_args *args, struct xp_err *err)
{
	const char *path = xp_args_string(args, "events");

	s->json = xp_args_flag(args, "json");
	s->jsonl = xp_args_flag(args, "jsonl");
	s->quiet = xp_args_flag(args, "quiet");
	if (s->json && s->jsonl)
		return xp_fail(err, XP_E_USAGE, "--json and --jsonl do not go together");
	if (!path)
		return XP_OK;
	if (strcmp(path, "-") == 0 && (s->json || s->jsonl))
		return xp_fail(err, XP_E_USAGE, "--events - and --json both want standard output");
	s->events_fd = strcmp(path, "-") == 0
			       ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
			       : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (s->events_fd < 0)
		return xp_fail_errno(err, XP_E_IO, "--events %s", path);
	return XP_OK;
}

/* An absolute path, so that a job can be resumed from another folder. */
static enum xp_rc absolute(char out[4096], const char *path, struct xp_err *err)
{
	char cwd[2048];
	int n;

	if (path[0] == '/')
		n = snprintf(out, 4096, "%s", path);
	else if (getcwd(cwd, sizeof(cwd)))
		n = snprintf(out, 4096, "%s/%s", cwd, path);
	else
		return xp_fail_errno(err, XP_E_IO, "the working folder");
	if (n < 0 || n >= 4096)
		return xp_fail(err, XP_E_USAGE, "%s: the name is too long", path);
	return XP_OK;
}

static enum xp_rc open_out(struct xp_session *s, const char *out, struct xp_err *err)
{
	if (!out)
		return XP_OK;
	TRY(absolute(s->out_path, out, err));
	if (xp_dir_make_open(&s->setup.out_fd, s->out_path, 0755, err) != XP_OK)
		return xp_err_prefix(err, "--out");
	s->setup.out_dir = s->out_path;
	return XP_OK;
}

static enum xp_rc load_key(struct xp_session *s, const struct xp_args *args,
			   const struct xp_session_wish *wish, struct xp_err *err)
{
	const struct xp_key_option option = {
		.key = s->key_path,
		.shown = wish->key,
		.cert = s->cert_path,
		.passphrase_file = xp_args_string(args, "passphrase-file"),
		.passphrase = wish->passphrase,
	};
	const char *module = xp_args_string(args, "pkcs11-module");

	/* the journal will tell these to the one who resumes */
	if (xp_key_uri_is(wish->key) || module)
		TRY(xp_key_option_uri(s->key_path, sizeof(s->key_path), wish->key, module, err));
	else
		TRY(absolute(s->key_path, wish->key, err));
	TRY(absolute(s->cert_path, wish->cert, err));
	s->setup.key_path = s->key_path;
	s->setup.cert_path = s->cert_path;
	return xp_key_option_load(&s->key, &option, err);
}

static enum xp_rc host_key(struct xp_session *s, struct xp_err *err)
{
	bool created = false;
	char name[128] = "localhost";

	if (gethostname(name, sizeof(name) - 1))
		snprintf(name, sizeof(name), "localhost");
	TRY(xp_signing_key_host(&s->key, &created, s->state.fd, name, s->setup.clock, err));
	s->setup.key_is_host = true;
	TRY(xp_state_keep_file(&s->state, "host.key", err));
	TRY(xp_state_keep_file(&s->state, "host.crt", err));
	TRY(xp_durable_flush(s->state.durable, err));
	if (created)
		xp_say("made a key for this host in %s", s->state.path);
	xp_say("warning: no --key: the host's own key signs. It stands for a machine, not for a "
	       "person, and a verifier must be told to trust it");
	return XP_OK;
}

/* Before a screen somebody sees that jobs wait, and can end them. */
static enum xp_rc set_keep_wait(struct xp_session *s, const struct xp_args *args, bool full_screen,
				struct xp_err *err)
{
	uint64_t seconds = 0;

	TRY(xp_args_number(&seconds, args, "keep-wait", full_screen ? UINT32_MAX : 0, UINT32_MAX,
			   err));
	xp_keep_wait_for_stick(s->keep, (uint32_t)seconds);
	return XP_OK;
}

/* What cannot be kept may not be begun. */
static enum xp_rc open_keep(struct xp_session *s, const struct xp_args *args,
			    const struct xp_session_wish *wish, struct xp_err *err)
{
	const char *dir = wish->keep ? wish->keep : xp_args_string(args, "keep");
	const bool full_screen = wish->full_screen;

	if (!dir)
		return XP_OK;
	if (xp_keep_open(&s->keep, &s->state, dir, true, err) == XP_OK &&
	    set_keep_wait(s, args, full_screen, err) == XP_OK &&
	    xp_output_demand_free_of(xp_keep_dir(s->keep), &s->state, &s->root, err) == XP_OK) {
		/* what a pulled stick left undone the last time */
		xp_export_beside_boxes(&s->state);
		return XP_OK;
	}
	s->keep_failed = true;
	if (err->rc == XP_E_NOENT && !s->keep && access(dir, F_OK) != 0)
		(void)xp_err_prefix(err, "put the stick in, or name another place with --keep");
	if (err->rc != XP_E_USAGE && err->rc != XP_E_NOMEM)
		err->rc = XP_E_REFUSED;
	return xp_err_prefix(err, "no_durable_output");
}

static enum xp_rc open_parts(struct xp_session *s, const struct xp_args *args,
			     const struct xp_session_wish *wish, struct xp_err *err)
{
	uint64_t stall_s = 0;

	if (!wish->key != !wish->cert)
		return xp_fail(err, XP_E_USAGE, "--key and --cert go together");
	if (!wish->key && xp_args_string(args, "pkcs11-module"))
		return xp_fail(err, XP_E_USAGE, "--pkcs11-module needs --key and --cert");
	if (!wish->full_screen)
		TRY(open_events(s, args, err));
	TRY(xp_args_number(&stall_s, args, "stall", 300, 86400, err));
	s->setup.stall_ms = (uint32_t)stall_s * 1000;
	TRY(xp_sysroot_open(&s->root, "/", err));
	if (xp_state_open(&s->state, xp_args_string(args, "state"), err) != XP_OK) {
		/* no place to keep a certificate: nothing may be erased */
		if (err->rc != XP_E_USAGE)
			err->rc = XP_E_REFUSED;
		return xp_err_prefix(err, "no_durable_output");
	}
	if (xp_args_string(args, "clock"))
		TRY(xp_clock_note_write(s->state.fd, XP_CLOCK_OPERATOR, err));
	if (!wish->without_keep)
		TRY(open_keep(s, args, wish, err));
	TRY(xp_job_upload_start(&s->upload, &s->state,
				&(struct xp_job_upload_wish){.args = args,
							     .otherwise = wish->upload,
							     .quiet = wish->full_screen},
				err));
	TRY(open_out(s, wish->out, err));
	if (s->setup.out_dir)
		TRY(xp_output_demand_free_of(s->out_path, &s->state, &s->root, err));
	TRY(wish->key ? load_key(s, args, wish, err) : host_key(s, err));
	TRY(xp_state_log_open(&s->log, &s->state, s->setup.rng, err));
	TRY(xp_job_upload_open(&s->upload, &s->state, s->log, err));
	return xp_inventory_scan(&s->inventory, &s->root, err);
}

void xp_session_init(struct xp_session *s)
{
	memset(s, 0, sizeof(*s));
	s->root.fd = s->state.fd = s->state.jobs_fd = s->state.certificates_fd = -1;
	s->events_fd = s->setup.out_fd = -1;
}

/* Before anything takes the time. A clock that is kept by NTP is better than any word. */
static enum xp_rc set_clock(const struct xp_args *args, struct xp_err *err)
{
	const char *text = xp_args_string(args, "clock");
	int64_t wall_s = 0;

	if (!text)
		return XP_OK;
	if (xp_clock_time_read(&wall_s, text, err) != XP_OK)
		return xp_err_prefix(err, "--clock");
	if (xp_clock_is_synchronized(&(int64_t){0}))
		return xp_fail(err, XP_E_USAGE,
			       "--clock: the clock is kept by NTP already; it is not set by hand");
	TRY(xp_clock_set(xp_clock_setter_system(), wall_s * 1000, err));
	xp_say("the clock is set, and the records say that the operator "
	       "did; " XP_CLOCK_HARDWARE_STAYS);
	return XP_OK;
}

enum xp_rc xp_session_open(struct xp_session *s, const struct xp_args *args,
			   const struct xp_session_wish *wish, struct xp_err *err)
{
	enum xp_rc rc;

	xp_session_init(s);
	TRY(set_clock(args, err));
	s->clock = xp_clock_steady_from_now(&s->steady);
	s->setup = (struct xp_job_setup){
		.root = &s->root,
		.inventory = &s->inventory,
		.state = &s->state,
		.out_fd = -1,
		.fields = &s->fields,
		.clock = &s->clock,
		.rng = xp_rng_system(),
		.cancelled = xp_cancel_requested,
	};
	rc = open_parts(s, args, wish, err);
	s->setup.key = s->key;
	s->setup.log = s->log;
	return rc;
}

int xp_say_untouched(struct xp_err *err, bool json)
{
	if (xp_rc_exit_code(err->rc) == xp_rc_exit_code(XP_E_IO)) {
		err->rc = XP_E_REFUSED;
		(void)xp_err_prefix(err, "nothing was touched");
	}
	return xp_report_error(err, json, "results");
}

void xp_session_close(struct xp_session *s)
{
	xp_job_upload_close(&s->upload);
	xp_signing_key_free(&s->key);
	xp_log_free(&s->log);
	xp_inventory_free(&s->inventory);
	xp_keep_free(&s->keep);
	xp_state_close(&s->state);
	xp_sysroot_close(&s->root);
	xp_record_free(&s->fields);
	xp_close_fd(&s->setup.out_fd);
	xp_close_fd(&s->events_fd);
}
