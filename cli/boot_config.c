#include "cli/boot_config.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/names.h"
#include "certs/jcs.h"
#include "certs/key_uri.h"
#include "cli/https_url.h"
#include "cli/job_fields.h"

#define AUTO_TREE AUTO(xp_json_free)

static const char *const then_names[] = {
	[XP_BOOT_WAIT] = "wait", [XP_BOOT_POWEROFF] = "poweroff", [XP_BOOT_REBOOT] = "reboot"};
XP_NAMES(boot_then, xp_boot_then, then_names, XP_BOOT_REBOOT + 1)

void xp_boot_config_init(struct xp_boot_config *c)
{
	*c = (struct xp_boot_config){
		.unattended = {.settle_s = XP_BOOT_SETTLE_S,
			       .settle_max_s = XP_BOOT_SETTLE_MAX_S,
			       .countdown_s = XP_BOOT_COUNTDOWN_S,
			       .then = XP_BOOT_WAIT},
	};
}

void xp_boot_config_free(struct xp_boot_config *c)
{
	free(c->record_json);
	c->record_json = NULL;
}

/* ---- one value ---- */

struct reader {
	struct xp_boot_config *c;
	struct xp_json_path at;
};

static enum xp_rc bad(const struct reader *r, struct xp_err *err, const char *what)
{
	return xp_fail(err, XP_E_USAGE, "%s: %s: %s", r->c->path, xp_json_path_text(&r->at), what);
}

static enum xp_rc read_text(char *out, size_t size, const struct reader *r, const json_t *value,
			    struct xp_err *err)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (!text || !xp_jcs_text_is_plain(text, len))
		return bad(r, err, "a text with content and without control characters");
	if (len >= size)
		return bad(r, err, "the text is too long");
	memcpy(out, text, len + 1);
	return XP_OK;
}

static enum xp_rc read_seconds(uint32_t *out, const struct reader *r, const json_t *value,
			       uint32_t max, struct xp_err *err)
{
	json_int_t v = json_integer_value(value);

	if (!json_is_integer(value) || v < 0 || v > (json_int_t)max)
		return xp_fail(err, XP_E_USAGE, "%s: %s: a whole number of seconds from 0 to %u",
			       r->c->path, xp_json_path_text(&r->at), max);
	*out = (uint32_t)v;
	return XP_OK;
}

/* A file's name counts from the folder of the file that names it. */
static enum xp_rc from_folder(char out[XP_BOOT_PATH_MAX], const char *config, const char *name,
			      struct xp_err *err)
{
	const char *slash = strrchr(config, '/');
	int folder = name[0] == '/' || !slash ? 0 : (int)(slash - config) + 1;
	int n = snprintf(out, XP_BOOT_PATH_MAX, "%.*s%s", folder, config, name);

	if (n < 0 || n >= XP_BOOT_PATH_MAX)
		return xp_fail(err, XP_E_USAGE, "%s: %s: the name is too long", config, name);
	return XP_OK;
}

static enum xp_rc read_path(char out[XP_BOOT_PATH_MAX], const struct reader *r, const json_t *value,
			    struct xp_err *err)
{
	char name[XP_BOOT_PATH_MAX];

	TRY(read_text(name, sizeof(name), r, value, err));
	return from_folder(out, r->c->path, name, err);
}

static enum xp_rc read_level(bool *has, enum xp_level *out, const struct reader *r,
			     const json_t *value, struct xp_err *err)
{
	*has = true;
	if (!xp_level_parse(out, json_string_value(value)) || *out == XP_NONE)
		return bad(r, err, "clear or purge");
	return XP_OK;
}

/* ---- objects: a key, and who reads its value ---- */

typedef enum xp_rc read_fn(struct reader *r, json_t *value, struct xp_err *err);

struct member {
	const char *key;
	read_fn *read;
};

static enum xp_rc read_object(struct reader *r, json_t *object, const struct member *members,
			      struct xp_err *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return bad(r, err, "an object");
	json_object_foreach (object, key, value) {
		const struct member *m = members;
		size_t back = xp_json_path_key(&r->at, key);

		while (m->key && strcmp(m->key, key) != 0)
			m++;
		if (!m->key)
			return bad(r, err, "there is no such key");
		TRY(m->read(r, value, err));
		xp_json_path_pop(&r->at, back);
	}
	return XP_OK;
}

static enum xp_rc read_upload_url(struct reader *r, json_t *v, struct xp_err *err)
{
	struct xp_https_url url;

	TRY(read_text(r->c->upload.url, sizeof(r->c->upload.url), r, v, err));
	if (xp_https_url_parse(&url, r->c->upload.url, err) != XP_OK)
		return xp_err_prefix(err, "%s: %s", r->c->path, xp_json_path_text(&r->at));
	if (url.has_query)
		return bad(r, err, "names are put behind this address, so it can have no query");
	return XP_OK;
}

static enum xp_rc read_upload_ca(struct reader *r, json_t *v, struct xp_err *err)
{
	const char *text = json_string_value(v);

	r->c->upload.system_ca = text && strcmp(text, "system") == 0;
	return r->c->upload.system_ca ? XP_OK : read_path(r->c->upload.ca, r, v, err);
}

static enum xp_rc read_upload_header(struct reader *r, json_t *v, struct xp_err *err)
{
	return read_path(r->c->upload.header_file, r, v, err);
}

static enum xp_rc read_upload(struct reader *r, json_t *v, struct xp_err *err)
{
	static const struct member members[] = {
		{"url", read_upload_url},
		{"ca", read_upload_ca},
		{"header_file", read_upload_header},
		{0},
	};

	TRY(read_object(r, v, members, err));
	if (!*r->c->upload.url)
		return bad(r, err, "needs a url");
	if (!*r->c->upload.ca && !r->c->upload.system_ca)
		return bad(r, err,
			   "needs a ca: the file of the authority that the server's certificate is "
			   "checked against, or \"system\"");
	return XP_OK;
}

static enum xp_rc read_expect(struct reader *r, json_t *v, struct xp_err *err)
{
	struct xp_https_url url;
	char name[XP_BOOT_PATH_MAX];

	TRY(read_text(name, sizeof(name), r, v, err));
	if (!xp_text_is_url(name))
		return from_folder(r->c->unattended.expect, r->c->path, name, err);
	if (xp_https_url_parse(&url, name, err) != XP_OK)
		return xp_err_prefix(err, "%s: %s", r->c->path, xp_json_path_text(&r->at));
	memcpy(r->c->unattended.expect, name, sizeof(name));
	return XP_OK;
}

static enum xp_rc read_expect_ca(struct reader *r, json_t *v, struct xp_err *err)
{
	struct xp_boot_unattended *u = &r->c->unattended;
	const char *text = json_string_value(v);

	u->expect_system_ca = text && strcmp(text, "system") == 0;
	return u->expect_system_ca ? XP_OK : read_path(u->expect_ca, r, v, err);
}

static enum xp_rc read_settle(struct reader *r, json_t *v, struct xp_err *err)
{
	return read_seconds(&r->c->unattended.settle_s, r, v, 3600, err);
}

static enum xp_rc read_settle_max(struct reader *r, json_t *v, struct xp_err *err)
{
	return read_seconds(&r->c->unattended.settle_max_s, r, v, 86400, err);
}

static enum xp_rc read_countdown(struct reader *r, json_t *v, struct xp_err *err)
{
	return read_seconds(&r->c->unattended.countdown_s, r, v, 86400, err);
}

static enum xp_rc read_then(struct reader *r, json_t *v, struct xp_err *err)
{
	if (!xp_boot_then_parse(&r->c->unattended.then, json_string_value(v)))
		return bad(r, err, "wait, poweroff or reboot");
	return XP_OK;
}

static enum xp_rc read_unattended(struct reader *r, json_t *v, struct xp_err *err)
{
	static const struct member members[] = {
		{"expect", read_expect},
		{"expect_ca", read_expect_ca},
		{"settle_seconds", read_settle},
		{"settle_max_seconds", read_settle_max},
		{"countdown_seconds", read_countdown},
		{"then", read_then},
		{0},
	};

	r->c->unattended.present = true;
	TRY(read_object(r, v, members, err));
	if (r->c->unattended.settle_max_s < r->c->unattended.settle_s)
		return bad(r, err, "settle_max_seconds is less than settle_seconds");
	return XP_OK;
}

static enum xp_rc read_version(struct reader *r, json_t *v, struct xp_err *err)
{
	if (!json_is_integer(v) || json_integer_value(v) != 1)
		return bad(r, err, "this program knows version 1");
	return XP_OK;
}

static enum xp_rc read_policy(struct reader *r, json_t *v, struct xp_err *err)
{
	char name[XP_BOOT_PATH_MAX];
	size_t len;

	TRY(read_text(name, sizeof(name), r, v, err));
	len = strlen(name);
	if (strchr(name, '/') || (len > 5 && strcmp(name + len - 5, ".json") == 0))
		return from_folder(r->c->policy, r->c->path, name, err);
	memcpy(r->c->policy, name, sizeof(name));
	return XP_OK;
}

static enum xp_rc read_asked(struct reader *r, json_t *v, struct xp_err *err)
{
	return read_level(&r->c->has_level, &r->c->level, r, v, err);
}

static enum xp_rc read_accept(struct reader *r, json_t *v, struct xp_err *err)
{
	return read_level(&r->c->has_accept, &r->c->accept, r, v, err);
}

static enum xp_rc read_verify(struct reader *r, json_t *v, struct xp_err *err)
{
	r->c->has_verify = true;
	if (!xp_readback_mode_parse(&r->c->verify, json_string_value(v)) ||
	    r->c->verify == XP_READBACK_NONE)
		return bad(r, err, "sample or full");
	return XP_OK;
}

static enum xp_rc read_key(struct reader *r, json_t *v, struct xp_err *err)
{
	const char *text = json_string_value(v);

	if (text && xp_key_uri_is(text))
		return read_text(r->c->key, sizeof(r->c->key), r, v, err);
	return read_path(r->c->key, r, v, err);
}

static enum xp_rc read_cert(struct reader *r, json_t *v, struct xp_err *err)
{
	return read_path(r->c->cert, r, v, err);
}

static enum xp_rc read_passphrase(struct reader *r, json_t *v, struct xp_err *err)
{
	return read_path(r->c->passphrase_file, r, v, err);
}

/* A keymap's name ends up in a path and on a command line of the image's. */
static enum xp_rc read_keyboard(struct reader *r, json_t *v, struct xp_err *err)
{
	TRY(read_text(r->c->keyboard, sizeof(r->c->keyboard), r, v, err));
	for (const char *p = r->c->keyboard; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || (p > r->c->keyboard && strchr("-_.", *p))))
			return bad(r, err, "the name of a keymap, such as us or de-latin1");
	return XP_OK;
}

static enum xp_rc read_ntp(struct reader *r, json_t *v, struct xp_err *err)
{
	TRY(read_text(r->c->ntp, sizeof(r->c->ntp), r, v, err));
	for (const char *p = r->c->ntp; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || strchr("-.:", *p)))
			return bad(r, err, "the name or address of a time server");
	return XP_OK;
}

/* Both become what --record-fields takes; see join_record. */
static enum xp_rc leave(struct reader *r, json_t *v, struct xp_err *err)
{
	return json_is_object(v) ? XP_OK : bad(r, err, "an object");
}

/* ---- what goes into the record ---- */

/* The operator is the performer, before the persons that `record` names. */
static enum xp_rc join_record(struct reader *r, json_t *root, struct xp_err *err)
{
	json_t *record = json_object_get(root, "record");
	json_t *operator_in = json_object_get(root, "operator");
	AUTO_TREE json_t *all = record ? json_deep_copy(record) : json_object();
	AUTO_TREE json_t *person = operator_in ? json_deep_copy(operator_in) : NULL;
	AUTO_MEM struct xp_record *scratch = calloc(1, sizeof(*scratch));
	AUTO_TREE json_t *persons = json_array();
	enum xp_rc rc;

	if (!all || (operator_in && !person) || !persons || !scratch)
		return xp_fail(err, XP_E_NOMEM, "%s", r->c->path);
	if (person && json_object_get(person, "role"))
		return xp_fail(err, XP_E_USAGE, "%s: operator.role: the operator is the performer",
			       r->c->path);
	if (person && !json_object_get(person, "name"))
		return xp_fail(err, XP_E_USAGE, "%s: operator: needs a name", r->c->path);
	if (person && (json_object_set_new(person, "role", json_string("performer")) != 0 ||
		       json_array_append(persons, person) != 0 ||
		       (json_object_get(all, "persons") &&
			json_array_extend(persons, json_object_get(all, "persons")) != 0) ||
		       json_object_set(all, "persons", persons) != 0))
		return xp_fail(err, XP_E_USAGE, "%s: record.persons: a list", r->c->path);
	r->c->record_json = json_dumps(all, JSON_COMPACT);
	if (!r->c->record_json)
		return xp_fail(err, XP_E_NOMEM, "%s", r->c->path);
	rc = xp_fields_apply_json(scratch, r->c->record_json, strlen(r->c->record_json), r->c->path,
				  err);
	if (rc == XP_OK && person) {
		r->c->has_performer = true;
		r->c->performer = scratch->persons[0];
	}
	xp_record_free(scratch);
	return rc;
}

static enum xp_rc read_root(struct reader *r, json_t *root, struct xp_err *err)
{
	static const struct member members[] = {
		{"version", read_version},
		{"policy", read_policy},
		{"level", read_asked},
		{"accept", read_accept},
		{"verify", read_verify},
		{"operator", leave},
		{"record", leave},
		{"key", read_key},
		{"cert", read_cert},
		{"passphrase_file", read_passphrase},
		{"upload", read_upload},
		{"unattended", read_unattended},
		{"keyboard", read_keyboard},
		{"ntp", read_ntp},
		{0},
	};

	TRY(read_object(r, root, members, err));
	if (!json_object_get(root, "version"))
		return xp_fail(err, XP_E_USAGE, "%s: version: is missing; it is 1", r->c->path);
	if (!*r->c->key != !*r->c->cert)
		return xp_fail(err, XP_E_USAGE, "%s: key and cert go together", r->c->path);
	if (*r->c->passphrase_file && !*r->c->key)
		return xp_fail(err, XP_E_USAGE, "%s: passphrase_file: there is no key", r->c->path);
	if (json_object_get(root, "operator") || json_object_get(root, "record"))
		return join_record(r, root, err);
	return XP_OK;
}

enum xp_rc xp_boot_config_parse(struct xp_boot_config *out, const char *json, size_t len,
				const char *path, struct xp_err *err)
{
	struct reader r = {.c = out};
	AUTO_TREE json_t *root = NULL;
	json_error_t why;

	xp_boot_config_init(out);
	if (strlen(path) >= sizeof(out->path))
		return xp_fail(err, XP_E_USAGE, "%s: the name is too long", path);
	snprintf(out->path, sizeof(out->path), "%s", path);
	if (len > XP_BOOT_CONFIG_MAX_BYTES)
		return xp_fail(err, XP_E_USAGE, "%s: larger than %u bytes", path,
			       XP_BOOT_CONFIG_MAX_BYTES);
	/* what an editor of another system puts first */
	if (len >= 3 && memcmp(json, "\xef\xbb\xbf", 3) == 0) {
		json += 3;
		len -= 3;
	}
	root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
	if (!root)
		return xp_fail(err, XP_E_USAGE, "%s, line %d: %s", path, why.line, why.text);
	return read_root(&r, root, err);
}

enum xp_rc xp_boot_config_read(struct xp_boot_config *out, const char *path, struct xp_err *err)
{
	AUTO_MEM char *json = NULL;
	char absolute[XP_BOOT_PATH_MAX];
	char cwd[XP_BOOT_PATH_MAX / 2];
	size_t len = 0;
	int n;

	xp_boot_config_init(out);
	if (path[0] != '/' && !getcwd(cwd, sizeof(cwd)))
		return xp_fail_errno(err, XP_E_IO, "the working folder");
	n = snprintf(absolute, sizeof(absolute), "%s%s%s", path[0] == '/' ? "" : cwd,
		     path[0] == '/' ? "" : "/", path);
	if (n < 0 || (size_t)n >= sizeof(absolute))
		return xp_fail(err, XP_E_USAGE, "%s: the name is too long", path);
	if (xp_file_read(&json, &len, path, XP_BOOT_CONFIG_MAX_BYTES, err) != XP_OK) {
		if (err->rc == XP_E_MALFORMED)
			err->rc = XP_E_USAGE;
		return err->rc;
	}
	return xp_boot_config_parse(out, json, len, absolute, err);
}
