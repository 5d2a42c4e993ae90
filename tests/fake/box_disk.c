#include "tests/fake/box_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/box_pair.h"

#define SPILL_SECTORS 128

static uint64_t next_random(struct box_disk *d)
{
	d->seed ^= d->seed << 13;
	d->seed ^= d->seed >> 7;
	d->seed ^= d->seed << 17;
	return d->seed;
}

static void make_noise(struct box_disk *d, uint8_t out[XP_BOX_SECTOR])
{
	for (unsigned i = 0; i < XP_BOX_SECTOR; i++)
		out[i] = (uint8_t)next_random(d);
}

static void put_sector(int fd, const uint8_t *bytes, uint64_t at)
{
	if (pwrite(fd, bytes, XP_BOX_SECTOR, (off_t)at) != (ssize_t)XP_BOX_SECTOR)
		abort();
}

static void tear(struct box_disk *d)
{
	uint8_t sector[XP_BOX_SECTOR];

	d->dead = true;
	for (unsigned i = 0; i < d->pending_n; i++) {
		switch (next_random(d) % 4) {
		case 0:
			put_sector(d->fd, d->pending[i].old, d->pending[i].at);
			break;
		case 1:
			memset(sector, 0, sizeof(sector));
			put_sector(d->fd, sector, d->pending[i].at);
			break;
		case 2:
			make_noise(d, sector);
			put_sector(d->fd, sector, d->pending[i].at);
			break;
		default:
			break;
		}
	}
	if (d->spills && d->pending_n && d->pending[0].at >= SPILL_SECTORS * XP_BOX_SECTOR) {
		uint64_t back = 1 + next_random(d) % SPILL_SECTORS;

		make_noise(d, sector);
		put_sector(d->fd, sector, d->pending[0].at - back * XP_BOX_SECTOR);
	}
}

static bool is_broken(const struct box_disk *d, int fd)
{
	char link[64];
	char name[PATH_MAX] = "";
	ssize_t n;
	size_t len;

	if (!d->broken || d->steps < d->breaks_at)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name) - 1);
	len = strlen(d->broken);
	return n >= (ssize_t)len && strcmp(name + n - len, d->broken) == 0;
}

/* Does this step come to its end? */
static bool step(struct box_disk *d, int fd)
{
	if (d->dead)
		return false;
	d->steps++;
	if (is_broken(d, fd))
		return false;
	if (d->steps != d->crash_at)
		return true;
	tear(d);
	return false;
}

static ssize_t disk_pread(void *ctx, int fd, void *data, size_t len, off_t at)
{
	const struct box_disk *d = ctx;

	if (d->dead || is_broken(d, fd)) {
		errno = EIO;
		return -1;
	}
	return pread(fd, data, len, at);
}

static void remember(struct box_disk *d, int fd, size_t len, off_t at)
{
	if (d->pending_n && d->fd != fd)
		d->both++;
	d->fd = fd;
	for (size_t i = 0; i < len; i += XP_BOX_SECTOR) {
		if (d->pending_n == BOX_DISK_SECTORS_MAX)
			abort();
		d->pending[d->pending_n].at = (uint64_t)at + i;
		if (pread(fd, d->pending[d->pending_n].old, XP_BOX_SECTOR, at + (off_t)i) !=
		    (ssize_t)XP_BOX_SECTOR)
			abort();
		d->pending_n++;
	}
}

static ssize_t disk_pwrite(void *ctx, int fd, const void *data, size_t len, off_t at)
{
	struct box_disk *d = ctx;
	ssize_t n;

	if (len % XP_BOX_SECTOR || (uint64_t)at % XP_BOX_SECTOR)
		abort(); /* whole sectors only: a part would be read, changed and written */
	if (d->dead || is_broken(d, fd)) {
		errno = EIO;
		return -1;
	}
	remember(d, fd, len, at);
	n = pwrite(fd, data, len, at);
	if (step(d, fd))
		return n;
	errno = EIO;
	return -1;
}

static int disk_sync(void *ctx, int fd)
{
	struct box_disk *d = ctx;

	if (step(d, fd)) {
		d->pending_n = 0;
		return 0;
	}
	/* a box that fails alone is not torn any further */
	if (!d->dead)
		d->pending_n = 0;
	errno = EIO;
	return -1;
}

void box_disk_init(struct box_disk *d, uint64_t seed)
{
	memset(d, 0, sizeof(*d));
	d->ops = (struct xp_box_ops){
		.pread = disk_pread, .pwrite = disk_pwrite, .sync = disk_sync, .ctx = d};
	d->seed = seed ? seed : 1;
	d->fd = -1;
}

int box_folder_open(char dir[BOX_FOLDER_LEN])
{
	bool shm = access("/dev/shm", W_OK) == 0;

	snprintf(dir, BOX_FOLDER_LEN, "%s/xp-box-XXXXXX", shm ? "/dev/shm" : "/tmp");
	return mkdtemp(dir) ? open(dir, O_RDONLY | O_DIRECTORY) : -1;
}

void box_folder_close(int fd, const char *dir)
{
	unlinkat(fd, XP_BOX_NAME_A, 0);
	unlinkat(fd, XP_BOX_NAME_B, 0);
	close(fd);
	rmdir(dir);
}
