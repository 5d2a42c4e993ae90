#include "cli/box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define CHUNK_BYTES (256u << 10)
/* How far behind the end entries are looked for that should not be there. */
#define LOOK_BYTES (1u << 20)

static ssize_t sys_pread(void *ctx, int fd, void *data, size_t len, off_t at)
{
	(void)ctx;
	return pread(fd, data, len, at);
}

static ssize_t sys_pwrite(void *ctx, int fd, const void *data, size_t len, off_t at)
{
	(void)ctx;
	return pwrite(fd, data, len, at);
}

static int sys_sync(void *ctx, int fd)
{
	(void)ctx;
	return fdatasync(fd);
}

static void sys_forget(void *ctx, int fd)
{
	(void)ctx;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

const struct xp_box_ops *xp_box_ops_system(void)
{
	static const struct xp_box_ops ops = {
		.pread = sys_pread,
		.pwrite = sys_pwrite,
		.sync = sys_sync,
		.forget = sys_forget,
	};

	return &ops;
}

static ssize_t no_pwrite(void *ctx, int fd, const void *data, size_t len, off_t at)
{
	(void)ctx;
	(void)fd;
	(void)data;
	(void)len;
	(void)at;
	errno = EROFS;
	return -1;
}

static int no_sync(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return 0;
}

struct xp_box_ops
xp_box_ops_reading(ssize_t (*pread)(void *ctx, int fd, void *data, size_t len, off_t at), void *ctx)
{
	return (struct xp_box_ops){
		.pread = pread, .pwrite = no_pwrite, .sync = no_sync, .ctx = ctx};
}

static enum xp_rc is_bad(struct xp_box *box, const char *what, struct xp_err *err)
{
	xp_fail_errno(&box->why, XP_E_IO, "%s: %s", box->name, what);
	box->state = XP_BOX_BAD;
	if (err)
		*err = box->why;
	return XP_E_IO;
}

/* As much as can be read: *GOT. */
static enum xp_rc read_some(const struct xp_box *box, void *data, size_t len, uint64_t at,
			    size_t *got, struct xp_err *err)
{
	char *p = data;

	*got = 0;
	while (*got < len) {
		ssize_t n = box->ops->pread(box->ops->ctx, box->fd, p + *got, len - *got,
					    (off_t)(at + *got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return xp_fail_errno(err, XP_E_IO, "%s: read at byte %llu", box->name,
					     (unsigned long long)(at + *got));
		*got += (size_t)n;
	}
	return XP_OK;
}

enum xp_rc xp_box_read(struct xp_box *box, void *data, size_t len, uint64_t at, struct xp_err *err)
{
	size_t got;

	if (read_some(box, data, len, at, &got, NULL) == XP_OK)
		return XP_OK;
	return is_bad(box, "read", err);
}

enum xp_rc xp_box_write(struct xp_box *box, const void *data, size_t len, uint64_t at,
			struct xp_err *err)
{
	const char *p = data;

	/* a box never grows: its place on the medium is fixed */
	if (at > box->bytes || len > box->bytes - at)
		return xp_fail(err, XP_E_INTERNAL, "%s: a write behind its end", box->name);
	while (len) {
		ssize_t n = box->ops->pwrite(box->ops->ctx, box->fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return is_bad(box, "write", err);
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return XP_OK;
}

enum xp_rc xp_box_sync(struct xp_box *box, struct xp_err *err)
{
	return box->ops->sync(box->ops->ctx, box->fd) ? is_bad(box, "fdatasync", err) : XP_OK;
}

void xp_box_forget(const struct xp_box *box)
{
	if (box->ops->forget && box->fd >= 0)
		box->ops->forget(box->ops->ctx, box->fd);
}

enum xp_rc xp_box_write_header(struct xp_box *box, const struct xp_box_header *header,
			       struct xp_err *err)
{
	uint8_t sector[XP_BOX_SECTOR];

	xp_box_header_write(sector, header);
	TRY(xp_box_write(box, sector, sizeof(sector), 0, err));
	TRY(xp_box_sync(box, err));
	box->header = *header;
	return XP_OK;
}

enum xp_rc xp_box_begin_anew(struct xp_box *box, const struct xp_box_header *header,
			     struct xp_err *err)
{
	struct xp_box_header begun = *header;

	/* more than there will ever be: torn, for who reads it */
	begun.entries = UINT64_MAX;
	box->state = XP_BOX_TORN;
	return xp_box_write_header(box, &begun, err);
}

enum xp_rc xp_box_open(struct xp_box *box, int dir_fd, const char *name, bool writes,
		       struct xp_err *err)
{
	struct stat st;

	snprintf(box->name, sizeof(box->name), "%s", name);
	box->state = XP_BOX_GONE;
	box->fd = openat(dir_fd, name,
			 (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (box->fd < 0 && errno == ENOENT)
		return XP_OK;
	if (box->fd < 0 || fstat(box->fd, &st)) {
		(void)is_bad(box, errno == EROFS ? "the medium is read-only" : "open", NULL);
		return XP_OK;
	}
	if (!S_ISREG(st.st_mode))
		return xp_fail(err, XP_E_MALFORMED, "%s: no regular file", name);
	box->bytes = (uint64_t)st.st_size;
	if (box->bytes < XP_BOX_BYTES_MIN || box->bytes > XP_BOX_BYTES_MAX ||
	    box->bytes % XP_BOX_SECTOR)
		return xp_fail(err, XP_E_MALFORMED,
			       "%s: %llu bytes; a box has from %llu to %llu, in whole sectors",
			       name, (unsigned long long)box->bytes,
			       (unsigned long long)XP_BOX_BYTES_MIN,
			       (unsigned long long)XP_BOX_BYTES_MAX);
	if ((uint64_t)st.st_blocks * 512 < box->bytes)
		return xp_fail(err, XP_E_MALFORMED,
			       "%s: it has holes: room for them may not be there when it is needed",
			       name);
	return XP_OK;
}

void xp_box_close(struct xp_box *box)
{
	if (box->fd >= 0)
		close(box->fd);
	box->fd = -1;
}

/* Is all behind the first sector zero? */
static enum xp_rc is_blank(bool *blank, struct xp_box *box, struct xp_err *err)
{
	AUTO_MEM uint8_t *buf = malloc(CHUNK_BYTES);
	static const uint8_t zeros[4096];

	*blank = true;
	if (!buf)
		return xp_fail(err, XP_E_NOMEM, "%s", box->name);
	for (uint64_t at = XP_BOX_SECTOR; *blank && at < box->bytes; at += CHUNK_BYTES) {
		size_t len =
			box->bytes - at < CHUNK_BYTES ? (size_t)(box->bytes - at) : CHUNK_BYTES;

		TRY(xp_box_read(box, buf, len, at, err));
		for (size_t i = 0; *blank && i < len; i += sizeof(zeros))
			*blank = memcmp(buf + i, zeros,
					len - i < sizeof(zeros) ? len - i : sizeof(zeros)) == 0;
	}
	return XP_OK;
}

/* One entry at AT, if it is the next of CHAIN. *NEXT false: the history ends here. */
static enum xp_rc next_entry(bool *next, struct xp_box_entry *entry, const struct xp_box *box,
			     struct xp_box_chain *chain, uint64_t at, struct xp_err *err)
{
	uint8_t head[XP_BOX_SECTOR];
	AUTO_MEM uint8_t *whole = NULL;
	uint64_t len;
	size_t got;

	*next = false;
	if (at > box->bytes || box->bytes - at < sizeof(head))
		return XP_OK;
	/* what cannot be read is not there; the other box may have it */
	if (read_some(box, head, sizeof(head), at, &got, NULL) != XP_OK ||
	    !xp_box_entry_read(entry, head, box->header.generation))
		return XP_OK;
	len = xp_box_entry_bytes(entry->len);
	if (len > box->bytes - at)
		return XP_OK;
	if (len == sizeof(head))
		return xp_box_entry_follows(next, chain, entry, head, err);
	whole = malloc((size_t)len);
	if (!whole)
		return xp_fail(err, XP_E_NOMEM, "%s: %llu bytes", box->name,
			       (unsigned long long)len);
	memcpy(whole, head, sizeof(head));
	if (read_some(box, whole + sizeof(head), (size_t)len - sizeof(head), at + sizeof(head),
		      &got, NULL) != XP_OK)
		return XP_OK;
	return xp_box_entry_follows(next, chain, entry, whole, err);
}

enum xp_rc xp_box_scan_on(struct xp_box *box, struct xp_box_index *index, struct xp_err *err)
{
	for (;;) {
		struct xp_box_chain chain = box->chain;
		struct xp_box_entry entry;
		bool next;

		TRY(next_entry(&next, &entry, box, &chain, box->tail, err));
		if (!next)
			return XP_OK;
		if (index) {
			enum xp_rc rc =
				xp_box_index_apply(index, &entry, box->tail + XP_BOX_HEAD_LEN, err);

			/* we never write such an entry: the history ends in front of it */
			if (rc == XP_E_MALFORMED)
				return XP_OK;
			TRY(rc);
		}
		box->chain = chain;
		box->tail += xp_box_entry_bytes(entry.len);
	}
}

enum xp_rc xp_box_scan(struct xp_box *box, struct xp_box_index *index, struct xp_err *err)
{
	uint8_t sector[XP_BOX_SECTOR];
	bool blank = false;

	if (box->fd < 0)
		return XP_OK;
	if (xp_box_read(box, sector, sizeof(sector), 0, NULL) != XP_OK)
		return XP_OK;
	if (!xp_box_header_read(&box->header, sector) || box->header.bytes != box->bytes) {
		box->state = XP_BOX_TORN;
		if (is_blank(&blank, box, err) != XP_OK)
			return box->state == XP_BOX_BAD ? XP_OK : XP_E_NOMEM;
		if (blank)
			box->state = XP_BOX_BLANK;
		return XP_OK;
	}
	box->state = XP_BOX_GOOD;
	box->tail = XP_BOX_DATA_OFFSET;
	TRY(xp_box_chain_begin(&box->chain, &box->header, err));
	TRY(xp_box_scan_on(box, index, err));
	/* written anew, and not all of it is there: the other one holds the generation before */
	if (box->chain.entries < box->header.entries)
		box->state = XP_BOX_TORN;
	return XP_OK;
}

enum xp_rc xp_box_hash_at(uint8_t hash[XP_BOX_HASH_LEN], bool *has, const struct xp_box *box,
			  uint64_t entries, struct xp_err *err)
{
	struct xp_box_chain chain;
	uint64_t at = XP_BOX_DATA_OFFSET;

	*has = true;
	TRY(xp_box_chain_begin(&chain, &box->header, err));
	while (*has && chain.entries < entries) {
		struct xp_box_entry entry;

		TRY(next_entry(has, &entry, box, &chain, at, err));
		if (*has)
			at += xp_box_entry_bytes(entry.len);
	}
	memcpy(hash, chain.hash, XP_BOX_HASH_LEN);
	return XP_OK;
}

enum xp_rc xp_box_lost_some(bool *lost, const struct xp_box *box, struct xp_err *err)
{
	uint64_t left = box->bytes - box->tail;
	size_t len = left < LOOK_BYTES ? (size_t)left : LOOK_BYTES;
	AUTO_MEM uint8_t *buf = malloc(len + 1);
	size_t got = 0;

	*lost = false;
	if (!buf)
		return xp_fail(err, XP_E_NOMEM, "%s", box->name);
	if (read_some(box, buf, len, box->tail, &got, NULL) != XP_OK)
		got -= got % XP_BOX_SECTOR;
	for (size_t i = 0; !*lost && i + XP_BOX_SECTOR <= got; i += XP_BOX_SECTOR) {
		struct xp_box_entry entry;

		*lost = xp_box_entry_read(&entry, buf + i, box->header.generation) &&
			entry.number >= box->chain.entries && entry.batch > box->chain.batch + 1;
	}
	return XP_OK;
}
