#include "sanitize/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"

#define JOURNAL_NAME	  "journal.jsonl"
#define JOURNAL_MAX_BYTES (64u << 20)
#define FLAGS_WRITE	  (O_RDWR | O_APPEND)
#define END_MAX_BYTES	  4096 /* the last line of a job that ended is shorter */
#define LINE_FLAGS	  (JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII)

struct xp_journal {
	int dir_fd;
	int fd;	   /* O_APPEND, locked */
	off_t len; /* bytes of whole lines */
	const struct xp_durable *durable;
	char path[128]; /* below the state folder */
};

void xp_journal_close(struct xp_journal **j)
{
	if (!*j)
		return;
	if ((*j)->fd >= 0)
		close((*j)->fd);
	if ((*j)->dir_fd >= 0)
		close((*j)->dir_fd);
	free(*j);
	*j = NULL;
}

int xp_journal_folder(const struct xp_journal *j)
{
	return j->dir_fd;
}

void xp_journal_keep(struct xp_journal *j, const struct xp_durable *d)
{
	j->durable = d;
}

static enum xp_rc journal_new(struct xp_journal **out, int jobs_fd, const char *id, int flags,
			      struct xp_err *err)
{
	AUTO(xp_journal_close) struct xp_journal *j = calloc(1, sizeof(*j));

	if (!j)
		return xp_fail(err, XP_E_NOMEM, "journal of job %s", id);
	j->fd = -1;
	snprintf(j->path, sizeof(j->path), "jobs/%.64s/" JOURNAL_NAME, id);
	j->dir_fd = openat(jobs_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (j->dir_fd < 0)
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO, "job %s", id);
	j->fd = openat(j->dir_fd, JOURNAL_NAME, O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	if (j->fd < 0)
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO,
				     "journal of job %s", id);
	*out = STEAL(j);
	return XP_OK;
}

/* An open-file-description lock: held while the descriptor lives, and can be asked for without
 * taking. */
static enum xp_rc lock(const struct xp_journal *j, const char *id, struct xp_err *err)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(j->fd, F_OFD_SETLK, &fl) == 0)
		return XP_OK;
	if (errno == EAGAIN || errno == EACCES)
		return xp_fail(err, XP_E_REFUSED, "job %s is running in another process", id);
	return xp_fail_errno(err, XP_E_IO, "journal of job %s: lock", id);
}

enum xp_rc xp_journal_create(struct xp_journal **out, int jobs_fd, const char *id,
			     struct xp_err *err)
{
	AUTO(xp_journal_close) struct xp_journal *j = NULL;

	if (mkdirat(jobs_fd, id, 0700))
		return xp_fail_errno(err, XP_E_IO, "folder of job %s", id);
	TRY(journal_new(&j, jobs_fd, id, FLAGS_WRITE | O_CREAT | O_EXCL, err));
	TRY(lock(j, id, err));
	if (fsync(j->dir_fd) || fsync(jobs_fd))
		return xp_fail_errno(err, XP_E_IO, "folder of job %s: fsync", id);
	*out = STEAL(j);
	return XP_OK;
}

/*
 * Parses whole lines of TEXT. *GOOD: bytes up to the end of the last whole line. What stands behind
 * the last newline is a torn tail and is not read. A line that ends in a newline was fsynced whole
 * or is the last one, whose sectors may have reached the disk in any order. XP_E_MALFORMED: LINES
 * are those in front of the damage.
 */
static enum xp_rc parse_lines(json_t **lines, size_t *good, const char *text, size_t len,
			      const char *id, struct xp_err *err)
{
	json_t *list = json_array();
	size_t at = 0;

	if (!list)
		return xp_fail(err, XP_E_NOMEM, "journal of job %s", id);
	*good = 0;
	while (at < len) {
		const char *end = memchr(text + at, '\n', len - at);
		json_error_t why;
		json_t *line;

		if (!end)
			break;
		line = json_loadb(text + at, (size_t)(end - text) - at, JSON_REJECT_DUPLICATES,
				  &why);
		if (!line && (size_t)(end - text) + 1 == len)
			break;
		if (!line || json_array_append_new(list, line)) {
			*lines = list;
			return xp_fail(err, XP_E_MALFORMED,
				       "journal of job %s: the line at byte %zu is damaged", id,
				       at);
		}
		at = (size_t)(end - text) + 1;
		*good = at;
	}
	*lines = list;
	return XP_OK;
}

enum xp_rc xp_journal_open(struct xp_journal **out, json_t **lines, int jobs_fd, const char *id,
			   struct xp_err *err)
{
	AUTO(xp_journal_close) struct xp_journal *j = NULL;
	AUTO_MEM char *text = NULL;
	json_t *list = NULL;
	size_t len = 0;
	size_t good = 0;

	TRY(journal_new(&j, jobs_fd, id, FLAGS_WRITE, err));
	TRY(lock(j, id, err));
	TRY(xp_file_read_at(&text, &len, j->dir_fd, JOURNAL_NAME, JOURNAL_MAX_BYTES, err));
	if (parse_lines(&list, &good, text, len, id, err) != XP_OK) {
		json_decref(list);
		return err ? err->rc : XP_E_MALFORMED;
	}
	if (good < len && (ftruncate(j->fd, (off_t)good) || fsync(j->fd))) {
		json_decref(list);
		return xp_fail_errno(err, XP_E_IO, "journal of job %s: cutting a torn tail", id);
	}
	j->len = (off_t)good;
	*lines = list;
	*out = STEAL(j);
	return XP_OK;
}

enum xp_rc xp_journal_peek(json_t **lines, bool *running, int jobs_fd, const char *id,
			   struct xp_err *err)
{
	AUTO(xp_journal_close) struct xp_journal *j = NULL;
	AUTO_MEM char *text = NULL;
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	size_t len = 0;
	size_t good = 0;
	enum xp_rc rc = journal_new(&j, jobs_fd, id, O_RDONLY, err);

	*lines = NULL;
	*running = false;
	if (rc == XP_E_NOENT) {
		/* it died when it had only its folder */
		*lines = json_array();
		return *lines ? XP_OK : xp_fail(err, XP_E_NOMEM, "journal of job %s", id);
	}
	TRY(rc);
	if (fcntl(j->fd, F_OFD_GETLK, &fl))
		return xp_fail_errno(err, XP_E_IO, "journal of job %s: lock", id);
	*running = fl.l_type != F_UNLCK;
	TRY(xp_file_read_at(&text, &len, j->dir_fd, JOURNAL_NAME, JOURNAL_MAX_BYTES, err));
	return parse_lines(lines, &good, text, len, id, err);
}

bool xp_journal_has_ended(int jobs_fd, const char *id)
{
	AUTO(xp_journal_close) struct xp_journal *j = NULL;
	char text[END_MAX_BYTES];
	const char *type;
	const char *begin;
	struct stat st;
	json_error_t why;
	json_t *line;
	size_t got = 0;
	off_t from;
	bool ended;

	if (journal_new(&j, jobs_fd, id, O_RDONLY, NULL) != XP_OK || fstat(j->fd, &st) ||
	    st.st_size < 2)
		return false;
	from = st.st_size > END_MAX_BYTES ? st.st_size - END_MAX_BYTES : 0;
	if (xp_fd_pread_all(j->fd, text, (size_t)(st.st_size - from), from, &got, NULL) != XP_OK ||
	    got < 2 || text[got - 1] != '\n')
		return false;
	begin = memrchr(text, '\n', got - 1);
	begin = begin ? begin + 1 : text;
	line = json_loadb(begin, (size_t)(text + got - 1 - begin), JSON_REJECT_DUPLICATES, &why);
	type = json_string_value(json_object_get(line, "type"));
	ended = type && strcmp(type, "end") == 0;
	json_decref(line);
	return ended;
}

enum xp_rc xp_journal_add(struct xp_journal *j, json_t *line, struct xp_err *err)
{
	AUTO_MEM char *text = line ? json_dumps(line, LINE_FLAGS) : NULL;
	AUTO(xp_buf_free) struct xp_buf b = {0};

	json_decref(line);
	if (!text)
		return xp_fail(err, XP_E_NOMEM, "journal line");
	xp_buf_puts(&b, text);
	xp_buf_putc(&b, '\n');
	if (!xp_buf_ok(&b))
		return xp_fail(err, XP_E_NOMEM, "journal line");
	if (xp_fd_write_all(j->fd, b.data, b.len, err) != XP_OK) {
		/* half a line must not stand in front of the next one */
		if (ftruncate(j->fd, j->len))
			return xp_fail_errno(err, XP_E_IO,
					     "journal: cutting a line that was not written");
		return xp_err_prefix(err, "journal");
	}
	j->len += (off_t)b.len;
	if (fdatasync(j->fd))
		return xp_fail_errno(err, XP_E_IO, "journal: fdatasync");
	TRY(xp_durable_append(j->durable, j->path, (uint64_t)j->len - b.len, b.data, b.len, err));
	return xp_durable_flush(j->durable, err);
}
