#include "cli/tui/tui_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/about.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "certs/key_uri.h"
#include "cli/clock_set.h"
#include "cli/job_host.h"
#include "cli/job_journal.h"
#include "cli/job_people.h"
#include "cli/job_where.h"
#include "cli/key_option.h"
#include "cli/output.h"
#include "cli/passphrase.h"

#define FIELDS_MAX_BYTES (1u << 20)
#define EXPECT_MAX_BYTES (16u << 20)
#define SECRET_BYTES	 1024

/* ---- the clock ---- */

static bool clock_is_wrong(struct xp_tui_app *app)
{
	const struct xp_clock *clock = xp_clock_system();
	int64_t now = clock->wall_s(clock->ctx);
	AUTO(xp_refusals_free) struct xp_refusals refusals = {0};
	char text[XP_TIME_LEN];

	app->tui.clock_why[0] = 0;
	xp_time_format(text, now);
	if (now < XP_ABOUT_BUILD_DAY_S) {
		snprintf(app->tui.clock_why, sizeof(app->tui.clock_why),
			 "The clock says %s, which is before this program was made.", text);
		return true;
	}
	if (!app->is_open || xp_job_check_clock(&refusals, &app->session.setup, 0, NULL) != XP_OK ||
	    !refusals.n)
		return false;
	snprintf(app->tui.clock_why, sizeof(app->tui.clock_why), "%.380s",
		 refusals.list[0].message);
	return true;
}

static void set_clock(struct xp_tui_app *app)
{
	struct xp_tui *t = &app->tui;
	int64_t wall_s = 0;
	struct xp_err err;

	if (xp_clock_time_read(&wall_s, t->typed.text, &err) != XP_OK ||
	    xp_clock_set(xp_clock_setter_system(), wall_s * 1000, &err) != XP_OK ||
	    (app->is_open &&
	     xp_clock_note_write(app->session.state.fd, XP_CLOCK_OPERATOR, &err) != XP_OK)) {
		xp_tui_say(t, "%s", err.msg);
		t->beep = true;
		return;
	}
	app->clock_set = true;
	if (app->is_open)
		app->session.clock = xp_clock_steady_from_now(&app->session.steady);
	xp_tui_say(t, "the clock is set; " XP_CLOCK_HARDWARE_STAYS);
	xp_tui_go(t, XP_TUI_LIST);
}

/* ---- who ---- */

static void apply_person(struct xp_tui_app *app)
{
	struct xp_record *fields = &app->session.fields;
	AUTO_MEM char *json = NULL;
	json_t *o;
	struct xp_err err;

	for (unsigned i = 0; i < fields->persons_n; i++) {
		if (strcmp(fields->persons[i].role, "performer") != 0)
			continue;
		if (*app->tui.person)
			snprintf(fields->persons[i].name, sizeof(fields->persons[i].name), "%s",
				 app->tui.person);
		return;
	}
	if (!*app->tui.person)
		return;
	o = json_pack("{s:[{s:s, s:s}]}", "persons", "role", "performer", "name", app->tui.person);
	json = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (json && xp_fields_apply_json(fields, json, strlen(json), "operator", &err) != XP_OK)
		xp_tui_say(&app->tui, "%s", err.msg);
}

/* A signature in another one's name would void the record. */
static bool key_names_performer(const struct xp_tui_app *app)
{
	struct xp_signer signer = {0};
	struct xp_person person = {0};

	if (!app->key || app->host_key)
		return false;
	if (!app->is_open)
		return true; /* as far as is known */
	xp_signing_key_describe(&signer, &person, app->session.key);
	return strcmp(signer.role, "performer") == 0;
}

static void take_person(struct xp_tui_app *app)
{
	struct xp_tui *t = &app->tui;
	bool at_start = app->stage == XP_TUI_NAME;

	if (xp_tui_running(t)) {
		xp_tui_say(t, "the name stays as it is while jobs are at work");
	} else if (key_names_performer(app)) {
		xp_tui_say(t, "the name is that in %.200s, whose key signs", app->cert);
	} else {
		snprintf(t->person, sizeof(t->person), "%.127s", t->typed.text);
		if (app->is_open)
			apply_person(app);
	}
	xp_tui_go(t, XP_TUI_LIST);
	if (at_start)
		app->stage = XP_TUI_UNLOCK_KEY;
}

/* ---- the key ---- */

static bool needs_passphrase(const struct xp_tui_app *app)
{
	if (!app->key || app->passphrase_file || app->host_key)
		return false;
	return xp_key_uri_is(app->key)
		       ? !strstr(app->key, "pin-source=") && !strstr(app->key, "pin-value=")
		       : xp_key_file_is_encrypted(app->key);
}

static void forget_secret(struct xp_tui *t)
{
	xp_secret_free(&t->secret);
	t->secret_len = 0;
}

static void ask_secret(struct xp_tui_app *app)
{
	struct xp_tui *t = &app->tui;
	struct xp_err err;

	snprintf(t->key_name, sizeof(t->key_name), "%.200s", app->key);
	if (!t->secret.data && xp_secret_new(&t->secret, SECRET_BYTES, &err) != XP_OK) {
		app->fatal = err;
		return;
	}
	xp_tui_go(t, XP_TUI_PASSPHRASE);
}

/* The file that the configuration names; the option's is read with the session. */
static enum xp_rc read_secret(struct xp_tui_app *app, struct xp_err *err)
{
	if (!app->key || !app->passphrase_file || app->host_key ||
	    xp_args_string(app->args, "passphrase-file"))
		return XP_OK;
	return xp_passphrase_read(&app->passphrase, app->passphrase_file, err);
}

static void signer_name(struct xp_tui_app *app)
{
	const char *slash = app->cert ? strrchr(app->cert, '/') : NULL;

	if (app->host_key || !app->key)
		snprintf(app->tui.signer, sizeof(app->tui.signer), "host key");
	else
		snprintf(app->tui.signer, sizeof(app->tui.signer), "%.60s",
			 slash ? slash + 1 : app->cert);
	app->tui.host_signs = app->host_key || !app->key;
}

/* Tried by itself, so that a wrong passphrase is known from whatever else may fail. */
static bool try_secret(struct xp_tui_app *app, struct xp_secret *typed)
{
	AUTO(xp_signing_key_free) struct xp_signing_key *key = NULL;
	const struct xp_key_option option = {
		.key = app->key, .shown = app->key, .cert = app->cert, .passphrase = typed};
	struct xp_err err;

	if (xp_key_option_load(&key, &option, &err) == XP_OK)
		return true;
	xp_tui_say(&app->tui, "%s", err.msg);
	app->tui.beep = true;
	return false;
}

static void take_secret(struct xp_tui_app *app)
{
	struct xp_tui *t = &app->tui;
	/* no more of it than was typed; the memory stays the machine's */
	struct xp_secret typed = {
		.data = t->secret.data, .len = t->secret_len, .mapped = t->secret.mapped};

	if (try_secret(app, &typed)) {
		app->passphrase = typed;
		t->secret = (struct xp_secret){0};
		t->secret_len = 0;
		app->stage = XP_TUI_OPEN;
		xp_tui_go(t, XP_TUI_LIST);
		return;
	}
	xp_wipe(t->secret.data, t->secret.len);
	t->secret_len = 0;
}

/* ---- the session ---- */

static enum xp_rc read_fields(struct xp_tui_app *app, struct xp_err *err)
{
	const char *configured = app->config ? app->config->record_json : NULL;
	struct xp_record *fields = &app->session.fields;
	AUTO_MEM char *json = NULL;
	size_t len = 0;

	if (configured)
		TRY(xp_fields_apply_json(fields, configured, strlen(configured), app->config->path,
					 err));
	if (!app->fields_path)
		return XP_OK;
	TRY(xp_file_read(&json, &len, app->fields_path, FIELDS_MAX_BYTES, err));
	return xp_fields_apply_json(fields, json, len, app->fields_path, err);
}

static enum xp_rc read_expect(struct xp_tui_app *app, struct xp_err *err)
{
	AUTO_MEM char *csv = NULL;
	size_t len = 0;

	if (!app->expect_path)
		return XP_OK;
	TRY(xp_file_read(&csv, &len, app->expect_path, EXPECT_MAX_BYTES, err));
	TRY(xp_expect_list_for_host(&app->expect, csv, len, app->expect_path,
				    app->session.inventory.host_serial, err));
	app->has_expect = app->tui.has_expect_list = true;
	return XP_OK;
}

static enum xp_rc open_session(struct xp_tui_app *app, struct xp_err *err)
{
	const struct xp_boot_upload *u = app->config ? &app->config->upload : NULL;
	const struct xp_upload_config upload = {
		.url = u ? u->url : NULL,
		.ca = u && u->system_ca ? "system"
		      : u && *u->ca	? u->ca
					: NULL,
		.header_file = u && *u->header_file ? u->header_file : NULL,
	};
	struct xp_session_wish wish = {
		.key = app->host_key ? NULL : app->key,
		.cert = app->host_key ? NULL : app->cert,
		.out = app->out,
		.passphrase = app->passphrase.data ? &app->passphrase : NULL,
		.keep = xp_tui_keep_dir(app),
		.without_keep = app->keep_none,
		.upload = app->config && *app->config->upload.url ? &upload : NULL,
		.full_screen = true,
	};
	enum xp_rc rc = xp_session_open(&app->session, app->args, &wish, err);

	/* where the boxes are at fault the key was not read yet */
	if (!app->session.keep_failed)
		xp_secret_free(&app->passphrase);
	TRY(rc);
	app->is_open = true;
	app->session.setup.options = app->options;
	if (app->clock_set)
		TRY(xp_clock_note_write(app->session.state.fd, XP_CLOCK_OPERATOR, err));
	TRY(read_fields(app, err));
	TRY(read_expect(app, err));
	apply_person(app);
	if (xp_job_people_demand(&app->session.fields, app->session.key, err) != XP_OK)
		return xp_err_prefix(err, "%s",
				     app->fields_path ? app->fields_path
				     : app->config    ? app->config->path
						      : "operator");
	signer_name(app);
	return XP_OK;
}

/* ---- what an earlier run left ---- */

void xp_tui_app_read_left(struct xp_tui_app *app)
{
	AUTO(xp_job_summaries_free) struct xp_job_summaries all = {0};
	struct xp_tui *t = &app->tui;
	struct xp_tui_left *list;
	size_t n = 0;

	if (xp_job_summaries_read_open(&all, &app->session.state, NULL) != XP_OK)
		return;
	list = calloc(all.n + 1, sizeof(*list));
	for (size_t i = 0; list && i < all.n; i++) {
		const struct xp_job_summary *s = &all.list[i];
		struct xp_tui_left *l = &list[n];

		if (s->ended || s->running || s->damaged || s->untouched)
			continue;
		snprintf(l->id, sizeof(l->id), "%s", s->id);
		snprintf(l->path, sizeof(l->path), "%s", s->path);
		snprintf(l->confirm, sizeof(l->confirm), "%s", s->confirm);
		snprintf(l->technique, sizeof(l->technique), "%s", s->technique);
		snprintf(l->where, sizeof(l->where), "%s", s->where);
		l->password = s->has_secret;
		n++;
	}
	if (!list)
		return;
	free(t->left);
	t->left = list;
	t->left_n = n;
	t->left_cursor = 0;
}

/* ---- the way to the list ---- */

static bool has_performer(const struct xp_tui_app *app)
{
	return key_names_performer(app) || *app->tui.person ||
	       (app->config && app->config->has_performer) || app->fields_path;
}

static void finish(struct xp_tui_app *app)
{
	struct xp_tui *t = &app->tui;

	app->stage = XP_TUI_READY;
	xp_tui_app_read_left(app);
	xp_tui_go(t, t->left_n ? XP_TUI_INTERRUPTED : XP_TUI_LIST);
	if (clock_is_wrong(app))
		xp_tui_visit(t, XP_TUI_CLOCK);
}

static void close_session(struct xp_tui_app *app)
{
	app->is_open = false;
	xp_session_close(&app->session);
	xp_session_init(&app->session);
	xp_expect_list_free(&app->expect);
}

void xp_tui_app_reopen(struct xp_tui_app *app)
{
	close_session(app);
	/* the passphrase was wiped when the key was read */
	app->stage = XP_TUI_UNLOCK_KEY;
}

/* What cannot be kept is said now, before anything is chosen. */
static void open_or_ask(struct xp_tui_app *app)
{
	struct xp_err err = {0};
	enum xp_rc rc = open_session(app, &err);

	if (rc == XP_OK && !xp_tui_keep_is_full(app, &err)) {
		app->stage = XP_TUI_LATE_NAME;
		return;
	}
	if (rc == XP_OK || app->session.keep_failed) {
		if (rc == XP_OK)
			(void)xp_err_prefix(&err, "no_durable_output");
		close_session(app);
		xp_tui_keep_ask(app, &err);
		return;
	}
	app->fatal = err; /* only now: what was got over leaves its words, too */
}

void xp_tui_app_advance(struct xp_tui_app *app)
{
	struct xp_tui *t = &app->tui;
	struct xp_err err;

	if (app->stage == XP_TUI_IN_CHARGE && app->fatal.rc == XP_OK)
		xp_tui_other_advance(app);
	/* a question is open */
	if (t->screen != XP_TUI_LIST || app->fatal.rc != XP_OK)
		return;
	switch (app->stage) {
	case XP_TUI_IN_CHARGE:
		return;
	case XP_TUI_SET_CLOCK:
		app->stage = XP_TUI_NAME;
		if (clock_is_wrong(app))
			xp_tui_go(t, XP_TUI_CLOCK);
		return;
	case XP_TUI_NAME:
		if (has_performer(app) || app->asked_name) {
			app->stage = XP_TUI_UNLOCK_KEY;
			return;
		}
		app->asked_name = true;
		xp_tui_go(t, XP_TUI_OPERATOR);
		return;
	case XP_TUI_UNLOCK_KEY:
		if (needs_passphrase(app))
			ask_secret(app);
		else if (read_secret(app, &err) == XP_OK)
			app->stage = XP_TUI_OPEN;
		else
			app->fatal = err;
		return;
	case XP_TUI_OPEN:
		open_or_ask(app);
		return;
	case XP_TUI_LATE_NAME:
		if (has_performer(app) || app->asked_name) {
			finish(app);
			return;
		}
		app->asked_name = true;
		xp_tui_go(t, XP_TUI_OPERATOR);
		return;
	case XP_TUI_READY:
		return;
	}
}

bool xp_tui_app_stage_wish(struct xp_tui_app *app, enum xp_tui_wish wish, size_t arg)
{
	if (xp_tui_keep_wish(app, wish, arg))
		return true;
	switch (wish) {
	case XP_TUI_WISH_CLOCK:
		set_clock(app);
		return true;
	case XP_TUI_WISH_PERSON:
		take_person(app);
		return true;
	case XP_TUI_WISH_KEY:
		take_secret(app);
		return true;
	case XP_TUI_WISH_HOST_KEY:
		forget_secret(&app->tui);
		app->host_key = true;
		app->stage = XP_TUI_NAME; /* the key's name is none any more */
		xp_tui_go(&app->tui, XP_TUI_LIST);
		return true;
	default:
		return false;
	}
}

static void where_records(struct xp_buf *out, const struct xp_tui_app *app, unsigned indent)
{
	AUTO_MEM const char **records = calloc(app->tui.jobs_n + 1, sizeof(*records));
	size_t n = 0;

	for (size_t i = 0; records && i < app->tui.jobs_n; i++)
		if (*app->tui.jobs[i].record)
			records[n++] = app->tui.jobs[i].record;
	xp_where_records(out, &app->session, records, n, indent);
}

void xp_tui_app_read_where(struct xp_tui_app *app)
{
	AUTO(xp_buf_free) struct xp_buf text = {0};

	where_records(&text, app, 11);
	free(app->tui.where);
	app->tui.where = text.len && xp_buf_ok(&text) ? strdup(text.data) : NULL;
}

void xp_tui_app_say_where(const struct xp_tui_app *app)
{
	AUTO(xp_buf_free) struct xp_buf text = {0};
	char *end;

	where_records(&text, app, 0);
	for (char *line = text.data; line && (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		xp_say("the records lie in %s", line);
	}
}
