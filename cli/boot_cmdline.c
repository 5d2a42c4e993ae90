/* boot_cmdline: the words of the kernel's command line that are for expunge. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/boot_config.h"
#include "cli/https_url.h"

#define PREFIX "expunge."

/* One word of the line; a quoted blank does not end it [kernel-parameters: "spaces in values"]. */
struct word {
	const char *name; /* behind the prefix */
	size_t name_len;
	const char *value; /* without its quotes */
	size_t value_len;
};

/* The next word of ours from *AT on. */
static bool next_word(struct word *w, const char **at, const char *end)
{
	while (*at < end) {
		const char *start = *at;
		bool quoted = false;
		const char *eq;
		const char *p;

		for (p = start; p < end && (quoted || (*p != ' ' && *p != '\t' && *p != '\n')); p++)
			if (*p == '"')
				quoted = !quoted;
		*at = p < end ? p + 1 : end;
		if ((size_t)(p - start) <= strlen(PREFIX) ||
		    memcmp(start, PREFIX, strlen(PREFIX)) != 0)
			continue;
		w->name = start + strlen(PREFIX);
		eq = memchr(w->name, '=', (size_t)(p - w->name));
		w->name_len = (size_t)((eq ? eq : p) - w->name);
		w->value = eq ? eq + 1 : p;
		w->value_len = (size_t)(p - w->value);
		if (w->value_len >= 2 && w->value[0] == '"' && w->value[w->value_len - 1] == '"') {
			w->value++;
			w->value_len -= 2;
		}
		return true;
	}
	return false;
}

static enum xp_rc take(char *out, size_t size, const struct word *w, struct xp_err *err)
{
	if (w->value_len == 0 || w->value_len >= size)
		return xp_fail(err, XP_E_USAGE,
			       "kernel command line: " PREFIX "%.*s is empty or too long",
			       (int)w->name_len, w->name);
	for (size_t i = 0; i < w->value_len; i++)
		if ((unsigned char)w->value[i] < ' ' || w->value[i] == 0x7f)
			return xp_fail(err, XP_E_USAGE,
				       "kernel command line: " PREFIX
				       "%.*s holds control characters",
				       (int)w->name_len, w->name);
	if (*out && (strlen(out) != w->value_len || memcmp(out, w->value, w->value_len) != 0))
		return xp_fail(err, XP_E_USAGE,
			       "kernel command line: " PREFIX "%.*s stands there twice",
			       (int)w->name_len, w->name);
	memcpy(out, w->value, w->value_len);
	out[w->value_len] = 0;
	return XP_OK;
}

enum xp_rc xp_boot_cmdline_parse(struct xp_boot_cmdline *out, const char *text, size_t len,
				 struct xp_err *err)
{
	char unattended[2] = "";
	const struct {
		const char *name;
		char *to;
		size_t size;
	} known[] = {
		{"unattended", unattended, sizeof(unattended)},
		{"config", out->config, sizeof(out->config)},
		{"expect", out->expect, sizeof(out->expect)},
		{"upload", out->upload, sizeof(out->upload)},
		{"upload_ca", out->upload_ca, sizeof(out->upload_ca)},
	};
	const char *at = text;
	struct word w;

	*out = (struct xp_boot_cmdline){0};
	while (next_word(&w, &at, text + len)) {
		for (size_t i = 0; i < XP_ARRAY_LEN(known); i++)
			if (strlen(known[i].name) == w.name_len &&
			    memcmp(known[i].name, w.name, w.name_len) == 0)
				TRY(take(known[i].to, known[i].size, &w, err));
	}
	if (*unattended && strcmp(unattended, "0") != 0 && strcmp(unattended, "1") != 0)
		return xp_fail(err, XP_E_USAGE,
			       "kernel command line: " PREFIX "unattended is 0 or 1");
	out->has_unattended = *unattended != 0;
	out->unattended = *unattended == '1';
	return XP_OK;
}

static enum xp_rc path_from(char out[XP_BOOT_PATH_MAX], const char *config, const char *name,
			    struct xp_err *err)
{
	const char *slash = strrchr(config, '/');
	int folder = name[0] == '/' || !slash ? 0 : (int)(slash - config) + 1;
	int n = snprintf(out, XP_BOOT_PATH_MAX, "%.*s%s", folder, config, name);

	if (n < 0 || n >= XP_BOOT_PATH_MAX)
		return xp_fail(err, XP_E_USAGE, "kernel command line: %s: the name is too long",
			       name);
	return XP_OK;
}

static enum xp_rc override_upload(struct xp_boot_config *c, const struct xp_boot_cmdline *w,
				  struct xp_err *err)
{
	struct xp_https_url url;

	if (*w->upload) {
		if (xp_https_url_parse(&url, w->upload, err) != XP_OK)
			return xp_err_prefix(err, "kernel command line: " PREFIX "upload");
		if (url.has_query)
			return xp_fail(err, XP_E_USAGE,
				       "kernel command line: " PREFIX "upload can have no query");
		memcpy(c->upload.url, w->upload, sizeof(c->upload.url));
	}
	c->upload.system_ca =
		*w->upload_ca ? strcmp(w->upload_ca, "system") == 0 : c->upload.system_ca;
	if (*w->upload_ca && !c->upload.system_ca)
		TRY(path_from(c->upload.ca, c->path, w->upload_ca, err));
	if (*c->upload.url && !*c->upload.ca && !c->upload.system_ca)
		return xp_fail(err, XP_E_USAGE,
			       "kernel command line: " PREFIX "upload needs " PREFIX
			       "upload_ca: a file, or system");
	return XP_OK;
}

enum xp_rc xp_boot_config_override(struct xp_boot_config *c, const struct xp_boot_cmdline *w,
				   struct xp_err *err)
{
	struct xp_https_url url;

	if (w->has_unattended)
		c->unattended.present = w->unattended;
	TRY(override_upload(c, w, err));
	if (!*w->expect)
		return XP_OK;
	if (!xp_text_is_url(w->expect))
		return path_from(c->unattended.expect, c->path, w->expect, err);
	if (xp_https_url_parse(&url, w->expect, err) != XP_OK)
		return xp_err_prefix(err, "kernel command line: " PREFIX "expect");
	memcpy(c->unattended.expect, w->expect, sizeof(c->unattended.expect));
	return XP_OK;
}
