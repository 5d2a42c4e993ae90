#include "device/extent_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Linux 6.5; the headers of older systems do not know it. The same number on all architectures. */
#define SYS_CACHESTAT 451

#define DROP_TRIES    50u
#define DROP_PAUSE_MS 10

struct cache_range {
	uint64_t off;
	uint64_t len;
};

struct cache_stat {
	uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

/* Bytes of [offset, offset+len) in the page cache, counted in whole pages; -1: cannot be known. */
static int64_t resident_by_cachestat(int fd, uint64_t offset, size_t len)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t first = offset - offset % page;
	struct cache_range range = {.off = first, .len = offset + len - first};
	struct cache_stat st = {0};

	if (syscall(SYS_CACHESTAT, (unsigned)fd, &range, &st, 0u) != 0)
		return -1;
	return (int64_t)(st.cached * page);
}

static int64_t resident_by_mincore(int fd, uint64_t offset, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t first = offset - offset % page;
	size_t span = (size_t)(offset + len - first);
	size_t pages = (span + page - 1) / page;
	AUTO_MEM unsigned char *map = malloc(pages);
	int64_t n = 0;
	void *at;

	if (!map)
		return -1;
	at = mmap(NULL, span, PROT_READ, MAP_SHARED, fd, (off_t)first);
	if (at == MAP_FAILED)
		return -1;
	if (mincore(at, span, map) != 0)
		n = -1;
	for (size_t i = 0; n >= 0 && i < pages; i++)
		n += map[i] & 1 ? (int64_t)page : 0;
	munmap(at, span);
	return n;
}

uint64_t xp_extent_sync_resident(const struct xp_extent_sync *s, uint64_t offset, size_t len)
{
	int64_t n;

	if (!s->buffered || s->in_memory)
		return 0;
	n = resident_by_cachestat(s->fd, offset, len);
	if (n < 0)
		n = resident_by_mincore(s->fd, offset, len);
	/* what cannot be known is not counted as delivered by the device */
	return n < 0 || (uint64_t)n > len ? len : (uint64_t)n;
}

/* Old file systems keep pages that a single call for a part of a large folio leaves: drop them all.
 */
static void drop_cache(const struct xp_extent_sync *s)
{
	(void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_DONTNEED);
}

static void pause_ms(void)
{
	const struct timespec ms = {.tv_nsec = DROP_PAUSE_MS * 1000000L};

	(void)nanosleep(&ms, NULL);
}

uint64_t xp_extent_sync_drop(const struct xp_extent_sync *s, size_t len, void (*pause)(void *ctx),
			     void *ctx)
{
	uint64_t stays = 0;

	for (unsigned i = 0; i < DROP_TRIES; i++) {
		/* what is dirty cannot be dropped either */
		(void)fdatasync(s->fd);
		drop_cache(s);
		stays = xp_extent_sync_resident(s, 0, len);
		if (!stays)
			break;
		if (pause)
			pause(ctx);
		else
			pause_ms();
	}
	return stays;
}

static int64_t sync_read(struct xp_extent_sync *s, const struct xp_extent_transfer *t,
			 uint64_t *resident)
{
	size_t at = 0;

	if (s->buffered && !s->in_memory) {
		drop_cache(s);
		*resident = xp_extent_sync_resident(s, t->offset, t->len);
		for (; *resident && s->patience; s->patience--) {
			pause_ms();
			drop_cache(s);
			*resident = xp_extent_sync_resident(s, t->offset, t->len);
		}
	}
	while (at < t->len) {
		ssize_t n = pread(s->fd, t->buf + at, t->len - at, (off_t)(t->offset + at));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && at == 0)
			return -errno;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	if (*resident > at)
		*resident = at;
	return (int64_t)at;
}

static int64_t sync_write(struct xp_extent_sync *s, const struct xp_extent_transfer *t)
{
	size_t at = 0;

	while (at < t->len) {
		ssize_t n = pwrite(s->fd, t->buf + at, t->len - at, (off_t)(t->offset + at));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && at == 0)
			return -errno;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	/* Written through: an error of the write-back later could no longer be given a place. */
	if (s->buffered && !s->in_memory && fdatasync(s->fd) != 0)
		return -errno;
	return (int64_t)at;
}

int64_t xp_extent_sync_transfer(struct xp_extent_sync *s, const struct xp_extent_transfer *t,
				uint64_t *resident)
{
	*resident = 0;
	return t->write ? sync_write(s, t) : sync_read(s, t, resident);
}

static int sync_start(void *ctx, unsigned slot, const struct xp_extent_transfer *t)
{
	struct xp_extent_sync *s = ctx;

	if (s->pending)
		return -EBUSY;
	s->done.slot = slot;
	s->done.result = xp_extent_sync_transfer(s, t, &s->done.resident);
	s->pending = true;
	return 0;
}

static int sync_wait(void *ctx, struct xp_extent_completion *out, unsigned max, unsigned timeout_ms)
{
	struct xp_extent_sync *s = ctx;

	(void)timeout_ms;
	if (!s->pending || max == 0)
		return 0;
	out[0] = s->done;
	s->pending = false;
	return 1;
}

static int sync_flush(void *ctx)
{
	const struct xp_extent_sync *s = ctx;

	return fdatasync(s->fd) == 0 ? 0 : -errno;
}

static void sync_close(void *ctx)
{
	struct xp_extent_sync *s = ctx;

	if (!s)
		return;
	if (s->owns_fd)
		close(s->fd);
	free(s);
}

const struct xp_extent_backend_ops xp_extent_sync_ops = {
	.kind = XP_IO_SYNC,
	.start = sync_start,
	.wait = sync_wait,
	.flush = sync_flush,
	.close = sync_close,
};

static bool is_in_memory(int fd)
{
	struct statfs fs;
	struct stat st;

	/* a device node lies on a tmpfs too, which says nothing about the device */
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || fstatfs(fd, &fs) != 0)
		return false;
	return (unsigned long)fs.f_type == TMPFS_MAGIC || (unsigned long)fs.f_type == RAMFS_MAGIC;
}

enum xp_rc xp_extent_sync_open(struct xp_extent_sync **out, int fd, bool owns_fd,
			       struct xp_err *err)
{
	struct xp_extent_sync *s = calloc(1, sizeof(*s));
	int flags = fcntl(fd, F_GETFL);

	if (!s || flags < 0) {
		enum xp_rc rc = s ? xp_fail_errno(err, XP_E_IO, "descriptor %d", fd)
				  : xp_fail(err, XP_E_NOMEM, "a way to the target");

		if (owns_fd)
			close(fd);
		free(s);
		return rc;
	}
	s->fd = fd;
	s->owns_fd = owns_fd;
	s->patience = DROP_TRIES;
	s->buffered = (flags & O_DIRECT) == 0;
	s->in_memory = is_in_memory(fd);
	if (s->buffered && !s->in_memory) {
		/* dirty pages can't be dropped; reading ahead would look like a cache hit later */
		(void)fdatasync(fd);
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
		drop_cache(s);
	}
	*out = s;
	return XP_OK;
}

enum xp_rc xp_extent_sync_open_buffered(struct xp_extent_sync **out, int fd, struct xp_err *err)
{
	struct stat a, b;
	int flags = fcntl(fd, F_GETFL);
	char path[40];
	AUTO_FD int way = -1;

	if (flags < 0)
		return xp_fail_errno(err, XP_E_IO, "descriptor %d", fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	way = open(path, (flags & O_ACCMODE) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (way < 0)
		return xp_fail_errno(err, XP_E_IO, "a buffered way to the target");
	if (fstat(fd, &a) != 0 || fstat(way, &b) != 0 || a.st_dev != b.st_dev ||
	    a.st_ino != b.st_ino || a.st_rdev != b.st_rdev)
		return xp_fail(err, XP_E_IO, "the buffered way leads to another file");
	return xp_extent_sync_open(out, STEAL_FD(way), true, err);
}
