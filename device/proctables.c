#include "device/proctables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "device/blockmap.h"

#define TABLE_MAX_BYTES (32u << 20)

bool xp_proc_is_pid(const char *name)
{
	return name[0] && strspn(name, "0123456789") == strlen(name);
}

/* Undoes the kernel's octal escapes of blanks and backslashes. false: not the kernel's spelling. */
static bool unescape(char *s)
{
	char *to = s;

	for (const char *p = s; *p; p++) {
		if (*p != '\\') {
			*to++ = *p;
			continue;
		}
		for (int i = 1; i <= 3; i++)
			if (p[i] < '0' || p[i] > '7')
				return false;
		if (p[1] > '3')
			return false;
		*to++ = (char)(unsigned char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
		p += 3;
	}
	*to = 0;
	return true;
}

/* The next field of a line, up to one blank; NULL: the line is over. */
static char *field(char **line)
{
	char *begin = *line;
	char *blank;

	if (!begin)
		return NULL;
	blank = strchr(begin, ' ');
	if (blank)
		*blank = 0;
	*line = blank ? blank + 1 : NULL;
	return begin;
}

static bool text_copy(char **out, char *text)
{
	if (!text || !unescape(text))
		return false;
	*out = strdup(text);
	return *out != NULL;
}

/*
 * Source and options are the words of whoever mounted it, and not every file system escapes them:
 * kept as they are where they are not in the kernel's spelling.
 */
static bool words_copy(char **out, const char *text)
{
	*out = strdup(text);
	if (*out && !unescape(*out))
		memcpy(*out, text, strlen(text) + 1);
	return *out != NULL;
}

static void mount_free(struct xp_mount *m)
{
	free(m->root);
	free(m->point);
	free(m->fstype);
	free(m->source);
	free(m->options);
	free(m->ns);
	*m = (struct xp_mount){0};
}

static bool number(uint64_t *out, const char *text)
{
	uint64_t v = 0;

	if (!text || !*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v))
			return false;
	}
	*out = v;
	return true;
}

/* [proc(5) mountinfo]: id parent dev root point options tags... - type source super-options */
static bool mount_parse(struct xp_mount *m, char *line)
{
	uint64_t parent;
	char *dev;
	char *tag;

	if (!number(&m->id, field(&line)) || !number(&parent, field(&line)))
		return false;
	dev = field(&line);
	if (!dev || !xp_dev_parse(&m->dev, dev))
		return false;
	if (!text_copy(&m->root, field(&line)) || !text_copy(&m->point, field(&line)) ||
	    !field(&line))
		return false;
	do
		tag = field(&line);
	while (tag && strcmp(tag, "-"));
	if (!tag || !text_copy(&m->fstype, field(&line)))
		return false;
	tag = field(&line);
	return tag && line && words_copy(&m->source, tag) && words_copy(&m->options, line);
}

static enum xp_rc mount_add(struct xp_mounts *out, struct xp_mount *m, struct xp_err *err)
{
	if (out->n == out->cap) {
		size_t cap = out->cap ? out->cap * 2 : 64;
		struct xp_mount *list = reallocarray(out->list, cap, sizeof(*list));

		if (!list)
			return xp_fail(err, XP_E_NOMEM, "a table of %zu mounts", cap);
		out->list = list;
		out->cap = cap;
	}
	out->list[out->n++] = *m;
	*m = (struct xp_mount){0};
	return XP_OK;
}

/* Cuts TEXT into lines; NULL: over. The text has no NUL inside. */
static char *next_line(char **text)
{
	char *line = *text;
	char *end;

	if (!line || !*line)
		return NULL;
	end = strchr(line, '\n');
	if (end)
		*end = 0;
	*text = end ? end + 1 : NULL;
	return line;
}

/* A copy that may be cut up. A NUL inside would hide what follows, and is malformed. */
static enum xp_rc text_dup(char **out, const char *text, size_t len, struct xp_err *err)
{
	if (memchr(text, 0, len))
		return xp_fail(err, XP_E_MALFORMED, "a NUL byte in a table of the kernel");
	*out = strndup(text, len);
	return *out ? XP_OK : xp_fail(err, XP_E_NOMEM, "%zu bytes", len);
}

enum xp_rc xp_mounts_parse(struct xp_mounts *out, const char *text, size_t len, const char *ns,
			   struct xp_err *err)
{
	AUTO_MEM char *copy = NULL;
	char *rest;
	char *line;
	unsigned n = 0;

	TRY(text_dup(&copy, text, len, err));
	rest = copy;
	while ((line = next_line(&rest))) {
		AUTO(mount_free) struct xp_mount m = {0};

		n++;
		if (!mount_parse(&m, line))
			return xp_fail(err, XP_E_MALFORMED, "mountinfo: line %u not understood", n);
		m.ns = strdup(ns);
		if (!m.ns)
			return xp_fail(err, XP_E_NOMEM, "mountinfo");
		TRY(mount_add(out, &m, err));
	}
	return XP_OK;
}

void xp_mounts_free(struct xp_mounts *m)
{
	for (size_t i = 0; i < m->n; i++)
		mount_free(&m->list[i]);
	free(m->list);
	*m = (struct xp_mounts){0};
}

static bool ns_is_known(const struct xp_mounts *m, const char *ns)
{
	for (size_t i = 0; i < m->n; i++)
		if (ns[0] && !strcmp(m->list[i].ns, ns))
			return true;
	return false;
}

static enum xp_rc read_one(struct xp_mounts *out, bool *closed, const struct xp_sysroot *root,
			   const char *pid, struct xp_err *err)
{
	AUTO_MEM char *text = NULL;
	size_t first = out->n;
	char ns[64];
	size_t len = 0;
	enum xp_rc rc;

	*closed = false;
	xp_sysroot_link(ns, sizeof(ns), root, "proc/%s/ns/mnt", pid);
	if (ns_is_known(out, ns))
		return XP_OK;
	rc = xp_sysroot_read_max(&text, &len, root, TABLE_MAX_BYTES, err, "proc/%s/mountinfo", pid);
	if (rc == XP_E_NOENT || (rc == XP_E_IO && err && err->sys_errno == 22 /* EINVAL */))
		return XP_OK; /* ended meanwhile, or in no namespace any more */
	if (rc == XP_E_PERM) {
		*closed = true;
		return XP_OK;
	}
	TRY(rc);
	TRY(xp_mounts_parse(out, text, len, ns, err));
	for (size_t i = first; i < out->n; i++)
		out->list[i].is_init_ns = !strcmp(pid, "1") || !strcmp(pid, "self");
	return XP_OK;
}

enum xp_rc xp_mounts_read(struct xp_mounts *out, size_t *unreadable, const struct xp_sysroot *root,
			  struct xp_err *err)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	struct xp_err scratch = {0};
	bool closed;

	*unreadable = 0;
	/* our own first: it can always be read */
	if (root->is_live)
		TRY(read_one(out, &closed, root, "self", &scratch));
	TRY(xp_sysroot_list(&names, root, err, "proc"));
	for (size_t i = 0; i < names.n; i++) {
		enum xp_rc rc;

		if (!xp_proc_is_pid(names.list[i]))
			continue;
		rc = read_one(out, &closed, root, names.list[i], &scratch);
		if (rc != XP_OK) {
			if (err)
				*err = scratch;
			return rc;
		}
		*unreadable += closed;
	}
	return XP_OK;
}

/* ---- swaps ---- */

static enum xp_rc swap_add(struct xp_swaps *out, char *path, bool is_file, struct xp_err *err)
{
	struct xp_swap *list = reallocarray(out->list, out->n + 1, sizeof(*list));

	if (!list)
		return xp_fail(err, XP_E_NOMEM, "swaps");
	out->list = list;
	out->cap = out->n + 1;
	if (!text_copy(&list[out->n].path, path))
		return xp_fail(err, XP_E_MALFORMED, "swaps: a path that is not understood");
	list[out->n++].is_file = is_file;
	return XP_OK;
}

enum xp_rc xp_swaps_parse(struct xp_swaps *out, const char *text, size_t len, struct xp_err *err)
{
	AUTO_MEM char *copy = NULL;
	char *rest;
	char *line;

	TRY(text_dup(&copy, text, len, err));
	rest = copy;
	line = next_line(&rest);
	if (!line)
		return XP_OK;
	if (strncmp(line, "Filename", 8))
		return xp_fail(err, XP_E_MALFORMED, "swaps: no heading");
	while ((line = next_line(&rest))) {
		size_t path_len = strcspn(line, " \t");
		char *type = line + path_len + strspn(line + path_len, " \t");
		size_t type_len = strcspn(type, " \t");
		bool is_file = type_len == 4 && !strncmp(type, "file", 4);

		if (path_len == 0 || (!is_file && (type_len != 9 || strncmp(type, "partition", 9))))
			return xp_fail(err, XP_E_MALFORMED, "swaps: a line not understood");
		line[path_len] = 0;
		TRY(swap_add(out, line, is_file, err));
	}
	return XP_OK;
}

enum xp_rc xp_swaps_read(struct xp_swaps *out, const struct xp_sysroot *root, struct xp_err *err)
{
	AUTO_MEM char *text = NULL;
	size_t len = 0;
	enum xp_rc rc;

	rc = xp_sysroot_read_max(&text, &len, root, TABLE_MAX_BYTES, err, "proc/swaps");
	if (rc == XP_E_NOENT)
		return XP_OK;
	TRY(rc);
	return xp_swaps_parse(out, text, len, err);
}

void xp_swaps_free(struct xp_swaps *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->list[i].path);
	free(s->list);
	*s = (struct xp_swaps){0};
}
