#include "device/extent.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/extent_io.h"

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
	off_t capacity = (off_t)io->cfg.capacity_bytes;
	off_t at = 0;

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
