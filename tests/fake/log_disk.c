#include "tests/fake/log_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"

static uint64_t draw(struct log_disk *d)
{
	d->seed = d->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return d->seed >> 33;
}

/* Counts a step; true: it does not happen. */
static bool step(struct log_disk *d)
{
	if (d->dead) {
		errno = EIO;
		return true;
	}
	if (++d->steps != d->crash_at)
		return false;
	d->dead = d->fail_errno == 0;
	errno = d->fail_errno ? d->fail_errno : EIO;
	return true;
}

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static struct log_disk_event *remember(struct log_disk *d, int dir_fd, const char *name)
{
	struct log_disk_event *e = &d->pending[d->pending_n++];

	assert_true(d->pending_n < LOG_DISK_PENDING_MAX);
	*e = (struct log_disk_event){.dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0),
				     .dir = inode(dir_fd)};
	snprintf(e->name, sizeof(e->name), "%s", name);
	return e;
}

static void forget(struct log_disk *d, unsigned i)
{
	close(d->pending[i].dir_fd);
	free(d->pending[i].old);
	d->pending_n--;
	memmove(&d->pending[i], &d->pending[i + 1], (d->pending_n - i) * sizeof(d->pending[0]));
}

static void forget_dir(struct log_disk *d, ino_t dir)
{
	for (unsigned i = d->pending_n; i-- > 0;)
		if (d->pending[i].dir == dir)
			forget(d, i);
}

static void keep_old(struct log_disk_event *e)
{
	char *old = NULL;

	if (xp_file_read_at(&old, &e->old_len, e->dir_fd, e->name, 32U << 20, NULL) != XP_OK)
		return;
	e->old = old;
	e->existed = true;
}

static int disk_create(void *ctx, int dir_fd, const char *name, mode_t mode)
{
	struct log_disk *d = ctx;
	int fd;

	if (step(d))
		return -1;
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	d->unsynced_fd = fd;
	return fd;
}

static ssize_t disk_write(void *ctx, int fd, const void *data, size_t len)
{
	struct log_disk *d = ctx;
	size_t part = len > 1 ? len / 2 : len;

	if (step(d)) {
		if (d->dead && d->steps == d->crash_at)
			(void)!write(fd, data, part); /* torn */
		return -1;
	}
	return write(fd, data, d->steps % 3 ? len : part); /* a short write now and then */
}

static int disk_sync(void *ctx, int fd)
{
	struct log_disk *d = ctx;
	struct stat st;

	if (step(d))
		return -1;
	assert_int_equal(fstat(fd, &st), 0);
	if (S_ISDIR(st.st_mode))
		forget_dir(d, st.st_ino);
	else if (fd == d->unsynced_fd)
		d->unsynced_fd = -1;
	return 0;
}

static int disk_rename(void *ctx, int from_fd, const char *from, int to_fd, const char *to)
{
	struct log_disk *d = ctx;
	struct log_disk_event *e;

	if (step(d))
		return -1;
	assert_int_equal(d->unsynced_fd, -1); /* a name before its bytes */
	e = remember(d, to_fd, to);
	e->kind = LOG_DISK_RENAME;
	keep_old(e);
	return renameat(from_fd, from, to_fd, to);
}

static int disk_mkdir(void *ctx, int dir_fd, const char *name)
{
	struct log_disk *d = ctx;

	if (step(d))
		return -1;
	if (mkdirat(dir_fd, name, 0755))
		return -1;
	remember(d, dir_fd, name)->kind = LOG_DISK_MKDIR;
	return 0;
}

static int disk_unlink(void *ctx, int dir_fd, const char *name, int flags)
{
	struct log_disk *d = ctx;
	struct log_disk_event *e;
	struct stat st;

	if (step(d))
		return -1;
	if (flags & AT_REMOVEDIR) {
		/* what is taken away with its folder stays away in this model */
		if (fstatat(dir_fd, name, &st, 0) == 0 && unlinkat(dir_fd, name, flags) == 0) {
			forget_dir(d, st.st_ino);
			return 0;
		}
		return -1;
	}
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return -1;
	e = remember(d, dir_fd, name);
	e->kind = LOG_DISK_UNLINK;
	keep_old(e);
	return unlinkat(dir_fd, name, 0);
}

void log_disk_init(struct log_disk *d, uint64_t seed)
{
	*d = (struct log_disk){.seed = seed, .unsynced_fd = -1};
	d->ops = (struct xp_log_ops){.create = disk_create,
				     .write = disk_write,
				     .sync = disk_sync,
				     .rename = disk_rename,
				     .mkdir = disk_mkdir,
				     .unlink = disk_unlink,
				     .ctx = d};
}

void log_disk_kill(struct log_disk *d)
{
	d->dead = false;
	d->crash_at = 0;
	d->unsynced_fd = -1;
}

static void undo(const struct log_disk_event *e)
{
	int fd;

	if (e->kind == LOG_DISK_MKDIR) {
		/* fails where something stands in it: it was used before it was safe */
		assert_int_equal(unlinkat(e->dir_fd, e->name, AT_REMOVEDIR), 0);
		return;
	}
	unlinkat(e->dir_fd, e->name, 0);
	if (!e->existed)
		return;
	fd = openat(e->dir_fd, e->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(xp_fd_write_all(fd, e->old, e->old_len, NULL), XP_OK);
	close(fd);
}

void log_disk_power_loss(struct log_disk *d)
{
	while (d->pending_n) {
		/* three of four are lost, the last one first */
		if (draw(d) % 4 != 0)
			undo(&d->pending[d->pending_n - 1]);
		forget(d, d->pending_n - 1);
	}
	log_disk_kill(d);
}

void log_disk_done(struct log_disk *d)
{
	while (d->pending_n)
		forget(d, d->pending_n - 1);
}
