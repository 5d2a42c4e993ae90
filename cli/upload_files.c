#include "cli/upload_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/upload.h"

#define FILE_MAX_BYTES (32u << 20)
#define LIST_MAX_BYTES (64u << 20)
#define DEPTH_MAX      8
#define NS	       1000000000ull
#define HEX_LEN	       (2 * SHA256_DIGEST_LENGTH)

/* ---- bytes ---- */

enum xp_rc xp_upload_bytes_read(struct xp_upload_bytes *out, int state_fd, const char *path,
				struct xp_err *err)
{
	AUTO_FD int dir = -1;
	const char *slash = strrchr(path, '/');
	char folder[XP_UPLOAD_PATH_MAX];

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 1,
		 slash ? path : ".");
	dir = openat(state_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO, "%s", folder);
	TRY(xp_file_read_at(&out->data, &out->len, dir, slash ? slash + 1 : path, FILE_MAX_BYTES,
			    err));
	SHA256((const uint8_t *)out->data, out->len, out->sha256);
	return XP_OK;
}

void xp_upload_bytes_free(struct xp_upload_bytes *b)
{
	free(b->data);
	*b = (struct xp_upload_bytes){0};
}

/* ---- which ---- */

bool xp_upload_takes(const char *path)
{
	static const char *const whole[] = {"index.csv", "host.crt", "log.vkey"};
	static const char *const folders[] = {"jobs/", "certificates/", "log/"};
	const char *name = strrchr(path, '/');
	size_t len = strlen(path);

	name = name ? name + 1 : path;
	if (xp_durable_is_secret(path) || len >= XP_UPLOAD_PATH_MAX || name[0] == '.' ||
	    (len > 4 && strcmp(path + len - 4, ".key") == 0))
		return false;
	for (size_t i = 0; i < XP_ARRAY_LEN(whole); i++)
		if (strcmp(path, whole[i]) == 0)
			return true;
	for (size_t i = 0; i < XP_ARRAY_LEN(folders); i++)
		if (strncmp(path, folders[i], strlen(folders[i])) == 0)
			return true;
	return false;
}

static struct xp_upload_file *find(const struct xp_upload_files *f, const char *path)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].path, path) == 0)
			return &f->list[i];
	return NULL;
}

static enum xp_rc find_or_add(struct xp_upload_file **out, struct xp_upload_files *f,
			      const char *path, struct xp_err *err)
{
	*out = find(f, path);
	if (*out)
		return XP_OK;
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 64;
		struct xp_upload_file *list = reallocarray(f->list, cap, sizeof(*list));

		if (!list)
			return xp_fail(err, XP_E_NOMEM, "upload: the list of files");
		f->list = list;
		f->cap = cap;
	}
	*out = &f->list[f->n++];
	**out = (struct xp_upload_file){0};
	snprintf((*out)->path, sizeof((*out)->path), "%s", path);
	return XP_OK;
}

enum xp_rc xp_upload_files_touch(struct xp_upload_files *f, const char *path, unsigned pause_s,
				 uint64_t now_ns, struct xp_err *err)
{
	struct xp_upload_file *file;
	bool was_up;

	TRY(find_or_add(&file, f, path, err));
	was_up = file->change == file->confirmed;
	file->change++;
	if (!pause_s)
		file->not_before_ns = 0;
	else if (was_up)
		file->not_before_ns = now_ns + pause_s * NS;
	return XP_OK;
}

void xp_upload_files_demand(struct xp_upload_files *f, const char *path)
{
	struct xp_upload_file *file = find(f, path);

	if (file)
		file->demanded = true;
}

void xp_upload_files_forget(struct xp_upload_files *f, const char *path)
{
	size_t len = strlen(path);
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		const char *p = f->list[i].path;

		if (strncmp(p, path, len) == 0 && (p[len] == 0 || p[len] == '/'))
			continue;
		if (n != i)
			f->list[n] = f->list[i];
		n++;
	}
	f->n = n;
}

struct xp_upload_file *xp_upload_files_next(struct xp_upload_files *f, uint64_t now_ns, bool hurry,
					    uint64_t *when)
{
	struct xp_upload_file *next = NULL;

	for (size_t i = 0; i < f->n; i++) {
		struct xp_upload_file *file = &f->list[i];

		if (file->change == file->confirmed)
			continue;
		if (file->demanded)
			return file;
		if (!next && (hurry || file->not_before_ns <= now_ns))
			next = file;
		else if (file->not_before_ns > now_ns && file->not_before_ns < *when)
			*when = file->not_before_ns;
	}
	return next;
}

bool xp_upload_files_is_up(const struct xp_upload_files *f, const char *path)
{
	const struct xp_upload_file *file = find(f, path);

	return file && file->change == file->confirmed;
}

bool xp_upload_files_held(const struct xp_upload_files *f, const char *path,
			  const uint8_t sha256[32])
{
	const struct xp_upload_file *file = find(f, path);

	return file && file->has_sha256 && memcmp(file->sha256, sha256, SHA256_DIGEST_LENGTH) == 0;
}

void xp_upload_files_count(const struct xp_upload_files *f, size_t *confirmed, size_t *pending)
{
	*confirmed = 0;
	for (size_t i = 0; i < f->n; i++)
		*confirmed += f->list[i].change == f->list[i].confirmed;
	*pending = f->n - *confirmed;
}

void xp_upload_files_free(struct xp_upload_files *f)
{
	free(f->list);
	*f = (struct xp_upload_files){0};
}

/* ---- the list of what is up ---- */

static enum xp_rc add_line(int state_fd, const char *line, size_t len,
			   const struct xp_durable *keeper, struct xp_err *err)
{
	AUTO_FD int fd = openat(state_fd, XP_UPLOAD_LIST_NAME,
				O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return xp_fail_errno(err, XP_E_IO, XP_UPLOAD_LIST_NAME);
	TRY(xp_fd_write_all(fd, line, len, err));
	return xp_durable_append(keeper, XP_UPLOAD_LIST_NAME, (uint64_t)st.st_size, line, len, err);
}

/* A list begins with the address that it is of. */
static enum xp_rc begin_list(struct xp_upload_files *f, int state_fd,
			     const struct xp_durable *keeper, struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf line = {0};

	xp_buf_printf(&line, "%s\n", f->url);
	if (!xp_buf_ok(&line))
		return xp_fail(err, XP_E_NOMEM, XP_UPLOAD_LIST_NAME);
	TRY(xp_file_write_at(state_fd, XP_UPLOAD_LIST_NAME, line.data, line.len, 0644, true, err));
	f->has_head = true;
	return xp_durable_replace(keeper, XP_UPLOAD_LIST_NAME, line.data, line.len, err);
}

enum xp_rc xp_upload_files_confirm(struct xp_upload_files *f, const char *path, uint64_t change,
				   const uint8_t sha256[32], int state_fd,
				   const struct xp_durable *keeper, struct xp_err *err)
{
	struct xp_upload_file *file = find(f, path);
	AUTO(xp_buf_free) struct xp_buf line = {0};

	if (!file)
		return XP_OK;
	file->confirmed = change;
	if (file->change == change)
		file->demanded = false;
	if (file->has_sha256 && memcmp(file->sha256, sha256, SHA256_DIGEST_LENGTH) == 0)
		return XP_OK;
	file->has_sha256 = true;
	memcpy(file->sha256, sha256, SHA256_DIGEST_LENGTH);
	if (!f->has_head)
		TRY(begin_list(f, state_fd, keeper, err));
	xp_buf_hex(&line, sha256, SHA256_DIGEST_LENGTH);
	xp_buf_printf(&line, " %s\n", path);
	if (!xp_buf_ok(&line))
		return xp_fail(err, XP_E_NOMEM, XP_UPLOAD_LIST_NAME);
	return add_line(state_fd, line.data, line.len, keeper, err);
}

/* A line that makes no sense (torn by a loss of power) is no claim that anything is up. */
static void take_line(struct xp_upload_files *f, const char *line)
{
	struct xp_upload_file *file;
	char hex[HEX_LEN + 1];

	if (strlen(line) < HEX_LEN + 2 || line[HEX_LEN] != ' ')
		return;
	memcpy(hex, line, HEX_LEN);
	hex[HEX_LEN] = 0;
	file = find(f, line + HEX_LEN + 1);
	if (file)
		file->has_sha256 = xp_hex_decode(file->sha256, sizeof(file->sha256), hex);
}

static enum xp_rc read_list(struct xp_upload_files *f, int state_fd, struct xp_err *err)
{
	AUTO_MEM char *text = NULL;
	size_t len = 0;
	enum xp_rc rc =
		xp_file_read_at(&text, &len, state_fd, XP_UPLOAD_LIST_NAME, LIST_MAX_BYTES, err);
	char *line;
	char *end;

	if (rc == XP_E_NOENT)
		return XP_OK;
	TRY(rc);
	for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = 0;
		if (line != text) {
			take_line(f, line);
			continue;
		}
		if (strcmp(line, f->url) != 0)
			return XP_OK;
		f->has_head = true;
	}
	/* what stands behind the last line's end would spoil the next one */
	f->has_head = f->has_head && *line == 0;
	return XP_OK;
}

/* ---- what is there ---- */

static enum xp_rc walk(struct xp_upload_files *f, int dir_fd, const char *folder, unsigned depth,
		       struct xp_err *err)
{
	AUTO_FD int fd = openat(dir_fd, *folder ? folder : ".",
				O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(dup(fd));
	enum xp_rc rc = XP_OK;
	const struct dirent *e;

	if (!dir)
		return xp_fail_errno(err, XP_E_IO, "%s", *folder ? folder : "the state folder");
	while (rc == XP_OK && (e = readdir(dir)) != NULL) {
		char path[XP_UPLOAD_PATH_MAX];
		struct xp_upload_file *file;
		struct stat st;
		int n;

		if (e->d_name[0] == '.' || fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		n = snprintf(path, sizeof(path), "%s%s%s", folder, *folder ? "/" : "", e->d_name);
		if (n < 0 || (size_t)n >= sizeof(path))
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			rc = walk(f, dir_fd, path, depth + 1, err);
		if (rc != XP_OK || !S_ISREG(st.st_mode) || !xp_upload_takes(path))
			continue;
		rc = find_or_add(&file, f, path, err);
		if (rc == XP_OK)
			file->change++;
	}
	closedir(dir);
	return rc;
}

enum xp_rc xp_upload_files_find(struct xp_upload_files *f, int state_fd, const char *url,
				struct xp_err *err)
{
	if (strlen(url) >= sizeof(f->url))
		return xp_fail(err, XP_E_USAGE, "%.200s: the address is too long", url);
	snprintf(f->url, sizeof(f->url), "%s", url);
	TRY(walk(f, state_fd, "", 0, err));
	return read_list(f, state_fd, err);
}
