#include "cli/tui/tui_drives.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/output.h"

struct xp_tui_known {
	json_t *drives; /* path, confirm string and size -> the drive as it answered */
};

struct xp_tui_known *xp_tui_known_new(void)
{
	struct xp_tui_known *k = calloc(1, sizeof(*k));

	if (k)
		k->drives = json_object();
	return k;
}

void xp_tui_known_free(struct xp_tui_known **k)
{
	if (*k)
		json_decref((*k)->drives);
	free(*k);
	*k = NULL;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* The same drive at the same place. Its size by the kernel: its own word may be another one. */
static void key_of(char out[4600], const json_t *drive)
{
	snprintf(out, 4600, "%.4000s %.400s", text_of(drive, "path"), text_of(drive, "confirm"));
}

void xp_tui_known_take(struct xp_tui_known *k, const json_t *answers)
{
	const json_t *list = json_object_get(answers, "answers");
	char key[4600];

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *drive = json_array_get(list, i);

		key_of(key, drive);
		json_object_set(k->drives, key, drive);
	}
}

void xp_tui_known_forget(struct xp_tui_known *k)
{
	json_object_clear(k->drives);
}

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
}

/* ---- what stands on the page of one drive ---- */

static void line(struct xp_buf *b, const char *label, const char *text)
{
	if (*text)
		xp_buf_printf(b, "  %-13s%s\n", label, text);
}

static void obstacle_lines(struct xp_buf *b, const json_t *o)
{
	const json_t *list = json_object_get(o, "obstacles");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);

		xp_buf_printf(b, "  %-13s%s (%s): %s\n", i ? "" : "not now",
			      text_of(one, "technique"), text_of(one, "code"), text_of(one, "why"));
		line(b, "  would help", text_of(one, "remedy"));
	}
}

static void list_lines(struct xp_buf *b, const char *label, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		line(b, i ? "" : label, text ? text : "");
	}
}

static void reason_lines(struct xp_buf *b, const json_t *o)
{
	const json_t *list = json_object_get(o, "reasons");

	for (size_t i = 0; i < json_array_size(list); i++)
		line(b, i ? "" : "because", text_of(json_array_get(list, i), "text"));
	list_lines(b, "not covered", json_object_get(o, "not_covered"));
}

static void use_lines(struct xp_buf *b, const json_t *o)
{
	const json_t *uses = json_object_get(o, "in_use");
	const json_t *refusals = json_object_get(o, "refusals");

	for (size_t i = 0; i < json_array_size(uses); i++) {
		const json_t *u = json_array_get(uses, i);

		xp_buf_printf(b, "  %-13s%s: %s\n", "IN USE", text_of(u, "code"),
			      text_of(u, "where"));
		line(b, "  would help", text_of(u, "remedy"));
	}
	for (size_t i = 0; i < json_array_size(refusals); i++) {
		const json_t *r = json_array_get(refusals, i);

		xp_buf_printf(b, "  %-13s%s: %s\n", "REFUSED", text_of(r, "code"),
			      text_of(r, "message"));
		line(b, "  would help", text_of(r, "remedy"));
	}
}

static char *details_of(const struct xp_tui_drive *d, const json_t *o)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	AUTO(xp_buf_free) struct xp_buf size = {0};
	const json_t *best = json_object_get(o, "best");
	const char *technique =
		*text_of(best, "technique") ? text_of(best, "technique") : text_of(o, "technique");

	xp_tui_size_text(&size, d->bytes);
	xp_buf_printf(&b, "%s\n", *d->path ? d->path : "(no device node)");
	line(&b, "place", text_of(o, "slot"));
	line(&b, "vendor", text_of(o, "vendor"));
	line(&b, "model", d->model);
	line(&b, "serial", d->serial);
	line(&b, "confirm with", d->confirm);
	line(&b, "WWN", text_of(o, "wwn"));
	line(&b, "firmware", text_of(o, "firmware"));
	xp_buf_printf(&b, "  %-13s%s (%" PRIu64 " bytes)\n", "size", xp_buf_str(&size), d->bytes);
	line(&b, "bus", d->bus);
	line(&b, "medium", d->media);
	line(&b, "found on it", text_of(o, "signatures"));
	use_lines(&b, o);
	if (!d->asked)
		line(&b, "best", "the drive has not answered yet");
	else if (*d->best)
		xp_buf_printf(&b, "  %-13s%s by %s\n", "best", d->best, technique);
	else
		line(&b, "best", "nothing is to be had here");
	line(&b, "note", text_of(o, "drive_unknown"));
	line(&b, "note", text_of(o, "message"));
	obstacle_lines(&b, o);
	list_lines(&b, "offers", json_object_get(o, "techniques"));
	list_lines(&b, "destroys", json_object_get(o, "blast_radius"));
	reason_lines(&b, o);
	list_lines(&b, "nodes", json_object_get(o, "nodes"));
	return xp_buf_ok(&b) ? strdup(xp_buf_str(&b)) : NULL;
}

/* ---- the row ---- */

/* Refusals that a choice among the drives cannot change count as uses: it cannot be selected. */
static void read_use(struct xp_tui_drive *d, const json_t *o)
{
	const json_t *uses = json_object_get(o, "in_use");
	const json_t *refusals = json_object_get(o, "refusals");
	const json_t *first = json_array_size(uses) ? json_array_get(uses, 0) : NULL;

	if (first)
		snprintf(d->use, sizeof(d->use), "%s %s", text_of(first, "code"),
			 text_of(first, "where"));
	else if (json_array_size(refusals))
		copy(d->use, sizeof(d->use), text_of(json_array_get(refusals, 0), "code"));
}

static void read_best(struct xp_tui_drive *d, const json_t *o)
{
	const json_t *best = json_object_get(o, "best");

	if (json_is_true(json_object_get(o, "planned")))
		copy(d->best, sizeof(d->best), text_of(o, "expected_claim"));
	else
		copy(d->best, sizeof(d->best), text_of(best, "level"));
}

static bool is_locked(const json_t *o)
{
	const json_t *list = json_object_get(o, "obstacles");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(text_of(json_array_get(list, i), "code"), "locked") == 0)
			return true;
	return false;
}

static void read_bytes(struct xp_tui_drive *d, const json_t *o)
{
	d->bytes = strtoull(text_of(o, "bytes"), NULL, 10);
}

/* FOUND is as the kernel has it, SAID as the drive does; they may be the same. */
static void read_drive(struct xp_tui_drive *d, const json_t *found, const json_t *said)
{
	const json_t *o = said ? said : found;
	const char *slash = strrchr(text_of(found, "path"), '/');
	const json_t *light = json_object_get(found, "light");

	copy(d->path, sizeof(d->path), text_of(found, "path"));
	copy(d->confirm, sizeof(d->confirm), text_of(found, "confirm"));
	copy(d->place, sizeof(d->place),
	     *text_of(found, "slot") ? text_of(found, "slot") : (slash ? slash + 1 : d->path));
	copy(d->model, sizeof(d->model), text_of(o, "model"));
	copy(d->serial, sizeof(d->serial),
	     *text_of(o, "serial") ? text_of(o, "serial") : d->confirm);
	copy(d->bus, sizeof(d->bus), text_of(found, "bus"));
	copy(d->media, sizeof(d->media), text_of(o, "media"));
	read_bytes(d, found);
	d->diskseq = strtoull(text_of(found, "diskseq"), NULL, 10);
	read_use(d, found);
	d->asked = said != NULL;
	d->locked = said && is_locked(said);
	d->hangs = json_is_true(json_object_get(found, "hangs"));
	if (said)
		read_best(d, said);
	d->has_light = light != NULL;
	d->light_on = json_is_true(light);
	d->celsius = (int)json_integer_value(json_object_get(found, "celsius"));
	d->details = details_of(d, o);
}

static bool is_skipped(const json_t *found, const char *path)
{
	const json_t *list = json_object_get(found, "skipped");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *one = json_string_value(json_array_get(list, i));

		if (one && strcmp(one, path) == 0)
			return true;
	}
	return false;
}

/* Drives that nobody looked at, since a job has them, stay as they were. */
static size_t keep_skipped(struct xp_tui_drive *list, size_t n, const struct xp_tui *t,
			   const json_t *found)
{
	for (size_t i = 0; i < t->drives_n; i++) {
		const struct xp_tui_drive *d = &t->drives[i];

		if (!is_skipped(found, d->path))
			continue;
		list[n] = *d;
		list[n++].details = d->details ? strdup(d->details) : NULL;
	}
	return n;
}

static void read_notice(struct xp_tui *t, const json_t *found)
{
	const char *complete = text_of(json_object_get(found, "host"), "complete");
	size_t hidden = json_array_size(json_object_get(found, "hidden"));

	t->notice[0] = 0;
	if (hidden || strcmp(complete, "no") == 0)
		snprintf(t->notice, sizeof(t->notice), "this host HIDES drives (m)");
	else if (strcmp(complete, "yes") != 0)
		snprintf(t->notice, sizeof(t->notice), "there may be more than is seen");
	for (size_t i = 0; i < hidden && !t->scanned; i++) {
		const json_t *h = json_array_get(json_object_get(found, "hidden"), i);

		xp_tui_say(t, "hidden: %s %s %s: %s", text_of(h, "controller"), text_of(h, "pci"),
			   text_of(h, "driver"), text_of(h, "reason"));
	}
}

enum xp_rc xp_tui_drives_take(struct xp_tui *t, const struct xp_tui_known *k, const json_t *found,
			      json_t *to_ask, struct xp_err *err)
{
	const json_t *drives = json_object_get(found, "drives");
	size_t n = json_array_size(drives);
	struct xp_tui_drive *list;
	char key[4600];

	if (!json_is_array(drives))
		return xp_fail(err, XP_E_MALFORMED, "what was found is no list of drives");
	list = calloc(n + t->drives_n + 1, sizeof(*list));
	if (!list)
		return xp_fail(err, XP_E_NOMEM, "list of drives");
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(drives, i);
		/* a target that was named has been asked with the same breath */
		bool is_plan = json_object_get(one, "planned") != NULL;
		const json_t *said;

		key_of(key, one);
		said = is_plan ? one : json_object_get(k->drives, key);
		read_drive(&list[i], one, said);
		if (!said && *list[i].path)
			json_array_append_new(to_ask, json_string(list[i].path));
	}
	read_notice(t, found);
	xp_tui_drives_set(t, list, keep_skipped(list, n, t, found));
	return XP_OK;
}
