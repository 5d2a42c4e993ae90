#include "device/extent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "device/block.h"
#include "device/extent_io.h"

#define LOOPS_DEEP 8 /* loops on loops */

bool xp_extent_io_is_cut(const struct xp_extent_io *io)
{
	struct stat st;

	return io->is_file &&
	       (fstat(io->cfg.fd, &st) || (uint64_t)st.st_size < io->cfg.capacity_bytes);
}

/* Where the next hole begins from AT on, and where it ends; CAPACITY: there is none. */
static enum xp_rc next_hole(off_t *begin, off_t *end, int fd, off_t at, off_t capacity,
			    struct xp_err *err)
{
	off_t hole = lseek(fd, at, SEEK_HOLE);
	off_t data;

	if (hole < 0 && errno != ENXIO)
		return xp_fail_errno(err, XP_E_IO, "looking for holes of the file");
	/* ENXIO: the file ends in front of AT */
	*begin = hole < 0 ? at : hole;
	*end = capacity;
	if (*begin >= capacity) {
		*begin = capacity;
		return XP_OK;
	}
	data = lseek(fd, *begin, SEEK_DATA);
	if (data < 0 && errno != ENXIO)
		return xp_fail_errno(err, XP_E_IO, "looking for holes of the file");
	if (data >= 0 && data < capacity)
		*end = data;
	return XP_OK;
}

enum xp_rc xp_extent_io_holes(struct xp_extents *out, const struct xp_extent_io *io,
			      struct xp_err *err)
{
	return xp_extent_io_holes_in(out, io, 0, io->cfg.capacity_bytes, err);
}

enum xp_rc xp_extent_io_holes_in(struct xp_extents *out, const struct xp_extent_io *io,
				 uint64_t from, uint64_t to, struct xp_err *err)
{
	off_t capacity = (off_t)to;
	off_t at = (off_t)from;

	while (io->is_file && at < capacity) {
		off_t begin;
		off_t end;

		TRY(next_hole(&begin, &end, io->cfg.fd, at, capacity, err));
		/* too many for the list: the rest of the file is as good as one */
		if (out->n + 1 >= XP_EXTENTS_MAX)
			end = capacity;
		TRY(xp_extents_add(out, (uint64_t)begin, (uint64_t)(end - begin), err));
		at = end;
	}
	return XP_OK;
}

/* A file of sysfs below the loop's own folder; the loop may be partitioned. false: not there. */
static bool loop_attribute(char out[PATH_MAX], dev_t dev, const char *name)
{
	static const char *const folders[] = {"loop", "../loop"};

	for (size_t i = 0; i < XP_ARRAY_LEN(folders); i++) {
		AUTO_MEM char *text = NULL;
		char path[128];
		size_t len = 0;

		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s/%s", major(dev), minor(dev),
			 folders[i], name);
		if (xp_file_read(&text, &len, path, PATH_MAX - 1, NULL) != XP_OK)
			continue;
		while (len && text[len - 1] == '\n')
			text[--len] = 0;
		memcpy(out, text, len + 1);
		return true;
	}
	return false;
}

/* The file or device below the loop that FD is; -1: it cannot be reached from here. */
static int open_below(int fd, const struct stat *loop)
{
	struct xp_loop_backing backing;
	char path[PATH_MAX];
	struct stat st;
	int below;

	if (!xp_block_loop_backing(&backing, fd) ||
	    !loop_attribute(path, loop->st_rdev, "backing_file"))
		return -1;
	below = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (below < 0)
		return -1;
	if (fstat(below, &st) == 0 && st.st_ino == backing.inode && st.st_dev == backing.fs_dev)
		return below;
	close(below);
	return -1;
}

/* Drops what the cache has of FD, which the callee closes, and adds what stays. false: not known.
 */
static bool drop(uint64_t *stays, int fd)
{
	struct xp_extent_sync *way = NULL;
	off_t size = lseek(fd, 0, SEEK_END);

	if (xp_extent_sync_open(&way, fd, true, NULL) != XP_OK)
		return false;
	if (size > 0)
		*stays += xp_extent_sync_drop(way, (size_t)size, NULL, NULL);
	xp_extent_sync_ops.close(way);
	return size >= 0;
}

static bool drop_all_below(uint64_t *stays, int fd, const struct stat *st, unsigned depth)
{
	struct xp_loop_backing backing;
	char dio[PATH_MAX];
	AUTO_FD int below = -1;
	struct stat under;
	int copy;

	if (!S_ISBLK(st->st_mode) || !xp_block_loop_backing(&backing, fd))
		return true; /* the end of the stack */
	if (depth == LOOPS_DEEP)
		return false;
	below = open_below(fd, st);
	if (below < 0 || fstat(below, &under))
		return loop_attribute(dio, st->st_rdev, "dio") && strcmp(dio, "1") == 0;
	copy = fcntl(below, F_DUPFD_CLOEXEC, 3);
	return copy >= 0 && drop(stays, copy) && drop_all_below(stays, below, &under, depth + 1);
}

void xp_extent_io_drop_below(struct xp_extent_io *io)
{
	struct stat st;

	if (fstat(io->cfg.fd, &st) == 0 &&
	    drop_all_below(&io->resident_below, io->cfg.fd, &st, 0)) {
		if (io->resident_below)
			xp_io_how_add_fallback(&io->how,
					       "some of the file below the loop stayed in the "
					       "host's cache");
		return;
	}
	io->resident_below = UINT64_MAX;
	xp_io_how_add_fallback(&io->how, "the cache of the file below the loop cannot be dropped");
}
