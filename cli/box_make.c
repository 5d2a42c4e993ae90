#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/box_pair_inside.h"

#define ZERO_BYTES (256u << 10)

/* A file of zeros, each of them written: room that is promised only may not be there. */
static enum xp_rc make_box(int dir_fd, const char *name, uint64_t bytes, struct xp_err *err)
{
	AUTO_FD int fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	AUTO_MEM char *zeros = calloc(1, ZERO_BYTES);
	enum xp_rc rc = XP_OK;

	if (fd < 0)
		return xp_fail_errno(err, XP_E_IO, "%s", name);
	if (!zeros)
		return xp_fail(err, XP_E_NOMEM, "%s", name);
	for (uint64_t at = 0; rc == XP_OK && at < bytes; at += ZERO_BYTES)
		rc = xp_fd_write_all(fd, zeros,
				     bytes - at < ZERO_BYTES ? (size_t)(bytes - at) : ZERO_BYTES,
				     err);
	if (rc == XP_OK && fsync(fd))
		rc = xp_fail_errno(err, XP_E_IO, "fsync");
	if (rc != XP_OK) {
		(void)xp_err_prefix(err, "%s", name);
		unlinkat(dir_fd, name, 0);
	}
	return rc;
}

enum xp_rc xp_box_pair_make(int dir_fd, uint64_t bytes, struct xp_err *err)
{
	static const char *const names[2] = {XP_BOX_NAME_A, XP_BOX_NAME_B};

	for (unsigned i = 0; i < 2; i++)
		if (faccessat(dir_fd, names[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return xp_fail(err, XP_E_REFUSED,
				       "%s is there already, and is not written over", names[i]);
	if (bytes < XP_BOX_BYTES_MIN || bytes >= XP_BOX_BYTES_MAX || bytes % XP_BOX_DATA_OFFSET)
		return xp_fail(err, XP_E_USAGE,
			       "a box has at least %llu and less than %llu bytes, in steps of %u",
			       (unsigned long long)XP_BOX_BYTES_MIN,
			       (unsigned long long)XP_BOX_BYTES_MAX, XP_BOX_DATA_OFFSET);
	TRY(make_box(dir_fd, names[0], bytes, err));
	if (make_box(dir_fd, names[1], bytes, err) != XP_OK) {
		unlinkat(dir_fd, names[0], 0);
		return err ? err->rc : XP_E_IO;
	}
	if (fsync(dir_fd))
		return xp_fail_errno(err, XP_E_IO, "fsync of the folder");
	return XP_OK;
}

/* Zeros over all of it: then the pair mends it, and the medium shows whether it can be written. */
static enum xp_rc blank(struct xp_box *box, struct xp_err *err)
{
	AUTO_MEM char *zeros = calloc(1, ZERO_BYTES);

	if (!zeros)
		return xp_fail(err, XP_E_NOMEM, "%s", box->name);
	for (uint64_t at = 0; at < box->bytes; at += ZERO_BYTES)
		TRY(xp_box_write(box, zeros,
				 box->bytes - at < ZERO_BYTES ? (size_t)(box->bytes - at)
							      : ZERO_BYTES,
				 at, err));
	return xp_box_sync(box, err);
}

static enum xp_rc repair_other(struct xp_box_pair *pair, const char *name, struct xp_err *err)
{
	struct xp_box *good = xp_box_pair_best(pair);
	struct xp_box *other = xp_box_pair_other(pair);

	if (other->state == XP_BOX_GONE) {
		TRY(make_box(pair->dir_fd, name, good->bytes, err));
		if (fsync(pair->dir_fd))
			return xp_fail_errno(err, XP_E_IO, "fsync of the folder");
		TRY(xp_box_open(other, pair->dir_fd, name, true, err));
	} else if (other->fd >= 0) {
		TRY(blank(other, err));
	}
	if (other->fd < 0)
		return xp_fail(err, XP_E_IO, "%s", other->why.msg);
	other->state = XP_BOX_BLANK;
	if (other->bytes != good->bytes)
		return xp_fail(err, XP_E_REFUSED, "%s has another size than %s: move it away",
			       other->name, good->name);
	return xp_box_pair_mirror(pair, XP_BOX_DATA_OFFSET, err);
}

enum xp_rc xp_box_pair_repair(const char **name, int dir_fd, const char *dir, struct xp_err *err)
{
	static const char *const names[2] = {XP_BOX_NAME_A, XP_BOX_NAME_B};
	AUTO(xp_box_pair_free) struct xp_box_pair *pair = calloc(1, sizeof(*pair));
	enum xp_rc rc;

	*name = NULL;
	if (!pair)
		return xp_fail(err, XP_E_NOMEM, "%s", dir);
	pthread_mutex_init(&pair->mutex, NULL);
	snprintf(pair->dir, sizeof(pair->dir), "%s", dir);
	pair->writes = true;
	for (unsigned i = 0; i < 2; i++)
		pair->box[i] = (struct xp_box){.ops = xp_box_ops_system(), .fd = -1};
	pair->dir_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pair->dir_fd < 0)
		return xp_fail_errno(err, XP_E_IO, "%s", dir);
	TRY(xp_box_pair_lock(pair, err));
	for (unsigned i = 0; i < 2; i++)
		TRY(xp_box_open(&pair->box[i], pair->dir_fd, names[i], true, err));
	/* most damage is mended by this alone */
	TRY(xp_box_pair_settle(pair, err));
	if (xp_box_pair_other(pair)->state == XP_BOX_GOOD)
		return XP_OK;
	rc = repair_other(pair, names[1 - pair->best], err);
	if (rc == XP_OK)
		*name = names[1 - pair->best];
	return rc;
}
