#include "cli/box_raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/box_pair_inside.h"

#define CHUNK_BYTES (1u << 20)
#define STEP_BYTES  4096u
#define FOUND_MAX   4096u

struct found {
	uint64_t at;
	struct xp_box_header header;
	uint64_t entries;
};

struct search {
	int fd;
	const char *name;
	uint64_t bytes;
	struct found list[FOUND_MAX];
	size_t n;
	bool is_too_much; /* there are more, and the ones that are meant may be among those */
};

/* ---- a part of the medium as if it were the file ---- */

static ssize_t raw_pread(void *ctx, int fd, void *data, size_t len, off_t at)
{
	const struct xp_box_raw_way *way = ctx;

	return pread(fd, data, len, (off_t)(way->at + (uint64_t)at));
}

static void be_at(struct xp_box *box, struct xp_box_raw_way *way, int fd, const struct found *f)
{
	way->at = f->at;
	way->ops = xp_box_ops_reading(raw_pread, way);
	*box = (struct xp_box){.ops = &way->ops, .fd = fd, .bytes = f->header.bytes};
	/* the medium may end within it: then it is read as far as there is something */
	box->state = XP_BOX_TORN;
}

/* ---- the search ---- */

static void look_at(struct search *s, const uint8_t *sector, uint64_t at)
{
	struct found f = {.at = at};

	if (!xp_box_header_read(&f.header, sector) || f.header.bytes < XP_BOX_BYTES_MIN ||
	    f.header.bytes > XP_BOX_BYTES_MAX)
		return;
	if (s->n < FOUND_MAX)
		s->list[s->n++] = f;
	else
		s->is_too_much = true;
}

static bool read_all(int fd, uint8_t *buf, size_t len, uint64_t at)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = pread(fd, buf + got, len - got, (off_t)(at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

/* What cannot be read is passed over. */
static void look_through(struct search *s, uint8_t *buf, size_t len, uint64_t at)
{
	const bool whole = read_all(s->fd, buf, len, at);

	for (size_t step = 0; step < len; step += STEP_BYTES) {
		size_t n = len - step < STEP_BYTES ? len - step : STEP_BYTES;

		if (!whole && !read_all(s->fd, buf + step, n, at + step))
			continue;
		for (size_t i = 0; i + XP_BOX_SECTOR <= n; i += XP_BOX_SECTOR)
			look_at(s, buf + step + i, at + step + i);
	}
}

static enum xp_rc search(struct search *s, struct xp_err *err)
{
	AUTO_MEM uint8_t *buf = malloc(CHUNK_BYTES);
	off_t end = lseek(s->fd, 0, SEEK_END);

	if (!buf)
		return xp_fail(err, XP_E_NOMEM, "%s", s->name);
	if (end < 0)
		return xp_fail_errno(err, XP_E_IO, "%s", s->name);
	s->bytes = (uint64_t)end;
	for (uint64_t at = 0; at < s->bytes; at += CHUNK_BYTES)
		look_through(s, buf,
			     s->bytes - at < CHUNK_BYTES ? (size_t)(s->bytes - at) : CHUNK_BYTES,
			     at);
	return XP_OK;
}

/* How far each leads. */
static enum xp_rc measure(struct search *s, struct xp_err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		struct xp_box_raw_way way;
		struct xp_box box;

		be_at(&box, &way, s->fd, &s->list[i]);
		TRY(xp_box_scan(&box, NULL, err));
		s->list[i].entries = box.state == XP_BOX_GOOD ? box.chain.entries : 0;
	}
	return XP_OK;
}

static int by_history(const void *a, const void *b)
{
	const struct found *x = a;
	const struct found *y = b;

	/* what leads nowhere comes last, whatever it says of itself */
	if (!x->entries != !y->entries)
		return !x->entries - !y->entries;
	if (x->header.generation != y->header.generation)
		return x->header.generation < y->header.generation ? 1 : -1;
	if (x->entries != y->entries)
		return x->entries < y->entries ? 1 : -1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Boxes of another stick may have been copied there, or stood there before. */
static enum xp_rc demand_one_stick(const struct search *s, struct xp_err *err)
{
	for (size_t i = 1; i < s->n; i++)
		if (s->list[i].entries &&
		    memcmp(s->list[i].header.id, s->list[0].header.id, XP_BOX_ID_LEN) != 0)
			return xp_fail(err, XP_E_REFUSED,
				       "%s: boxes of different sticks lie there (at bytes %llu and "
				       "%llu), and which are meant cannot be told",
				       s->name, (unsigned long long)s->list[0].at,
				       (unsigned long long)s->list[i].at);
	return XP_OK;
}

static void take(struct xp_box_pair *pair, const struct search *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n && n < 2; i++) {
		if (memcmp(s->list[i].header.id, s->list[0].header.id, XP_BOX_ID_LEN) != 0)
			continue;
		if (s->list[i].header.bytes > s->bytes - s->list[i].at)
			xp_log(XP_LOG_WARNING, "%s ends within the box at byte %llu", s->name,
			       (unsigned long long)s->list[i].at);
		be_at(&pair->box[n], &pair->raw[n], fcntl(s->fd, F_DUPFD_CLOEXEC, 0), &s->list[i]);
		snprintf(pair->box[n].name, sizeof(pair->box[n].name), "the box at byte %llu",
			 (unsigned long long)s->list[i].at);
		n++;
	}
}

static enum xp_rc open_found(struct xp_box_pair **out, const struct search *s, struct xp_err *err)
{
	AUTO(xp_box_pair_free) struct xp_box_pair *pair = calloc(1, sizeof(*pair));

	if (!pair)
		return xp_fail(err, XP_E_NOMEM, "%s", s->name);
	pthread_mutex_init(&pair->mutex, NULL);
	snprintf(pair->dir, sizeof(pair->dir), "%s", s->name);
	for (unsigned i = 0; i < 2; i++)
		pair->box[i] = (struct xp_box){.ops = xp_box_ops_system(), .fd = -1};
	pair->dir_fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	if (pair->dir_fd < 0)
		return xp_fail_errno(err, XP_E_IO, "%s", s->name);
	take(pair, s);
	TRY(xp_box_pair_settle(pair, err));
	*out = STEAL(pair);
	return XP_OK;
}

enum xp_rc xp_box_raw_open(struct xp_box_pair **out, int fd, const char *name, struct xp_err *err)
{
	AUTO_MEM struct search *s = calloc(1, sizeof(*s));

	if (!s)
		return xp_fail(err, XP_E_NOMEM, "%s", name);
	s->fd = fd;
	s->name = name;
	TRY(search(s, err));
	if (!s->n)
		return xp_fail(err, XP_E_NOENT, "%s: no box lies there", name);
	if (s->is_too_much)
		return xp_fail(err, XP_E_REFUSED,
			       "%s: more than %u boxes lie there, and which are meant cannot be "
			       "told; name the partition alone",
			       name, FOUND_MAX);
	TRY(measure(s, err));
	qsort(s->list, s->n, sizeof(s->list[0]), by_history);
	TRY(demand_one_stick(s, err));
	return open_found(out, s, err);
}

/* ---- copied ---- */

static enum xp_rc copy(struct xp_box *from, int fd, struct xp_err *err)
{
	AUTO_MEM uint8_t *buf = calloc(1, CHUNK_BYTES);

	if (!buf)
		return xp_fail(err, XP_E_NOMEM, "%s", from->name);
	/* the history and no more: behind it may lie what never belonged to it */
	for (uint64_t at = 0; at < from->bytes; at += CHUNK_BYTES) {
		size_t len =
			from->bytes - at < CHUNK_BYTES ? (size_t)(from->bytes - at) : CHUNK_BYTES;
		size_t has = at >= from->tail	     ? 0
			     : from->tail - at < len ? (size_t)(from->tail - at)
						     : len;

		memset(buf + has, 0, len - has);
		if (has)
			TRY(xp_box_read(from, buf, has, at, err));
		TRY(xp_fd_write_all(fd, (const char *)buf, len, err));
	}
	return fsync(fd) ? xp_fail_errno(err, XP_E_IO, "fsync") : XP_OK;
}

enum xp_rc xp_box_raw_copy(struct xp_box_pair *from, int dir_fd, struct xp_err *err)
{
	static const char *const names[2] = {XP_BOX_NAME_A, XP_BOX_NAME_B};

	for (unsigned i = 0; i < 2; i++)
		if (faccessat(dir_fd, names[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return xp_fail(err, XP_E_REFUSED,
				       "%s is there already, and is not written over", names[i]);
	for (unsigned i = 0; i < 2; i++) {
		AUTO_FD int fd = openat(dir_fd, names[i],
					O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		enum xp_rc rc = fd < 0 ? xp_fail_errno(err, XP_E_IO, "%s", names[i])
				       : copy(xp_box_pair_best(from), fd, err);

		if (rc == XP_OK)
			continue;
		unlinkat(dir_fd, names[i], 0);
		if (i)
			unlinkat(dir_fd, names[0], 0);
		return rc;
	}
	return fsync(dir_fd) ? xp_fail_errno(err, XP_E_IO, "fsync of the folder") : XP_OK;
}
