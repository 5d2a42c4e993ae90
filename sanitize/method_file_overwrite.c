#include "sanitize/method_file_overwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "device/extent_map.h"
#include "sanitize/method_overwrite.h"

/* What carries the file system is the plan's word; all else is looked at now. */
static enum xp_rc read_facts(struct xp_method_run *run, struct xp_err *err)
{
	const struct xp_file_facts *planned = run->req->file;
	struct xp_file_facts *f = &run->phase->file;

	TRY(xp_file_facts_read(f, xp_permit_fd(run->req->permit, NULL), err));
	run->phase->file_known = true;
	if (!planned)
		return XP_OK;
	f->below = planned->below;
	f->swap_active = planned->swap_active;
	f->journals_data = f->journals_data || planned->journals_data;
	return XP_OK;
}

/* The map afterwards shows whether the bytes went where the old ones lay. */
static enum xp_rc poll(struct xp_method_run *run, enum xp_method_state *state, struct xp_err *err)
{
	TRY(xp_method_overwrite_random.poll(run, state, err));
	return *state == XP_METHOD_DONE ? read_facts(run, err) : XP_OK;
}

static enum xp_rc begin(struct xp_method_run *run, struct xp_err *err)
{
	return xp_method_overwrite_random.start(run, err);
}

static void end(struct xp_method_run *run)
{
	xp_method_overwrite_random.end(run);
}

const struct xp_method xp_method_file_overwrite = {
	.technique = XP_FILE_OVERWRITE,
	.label = "overwrite",
	.look = read_facts,
	.start = begin,
	.attach = begin,
	.poll = poll,
	.end = end,
};

/* ---- the name ---- */

#define NAME_BYTES 8

/* The folder and the last part of the name that FD has now. */
static enum xp_rc find_name(char path[PATH_MAX], char **last, int fd, struct xp_err *err)
{
	char proc[64];
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, path, PATH_MAX - 1);
	if (n <= 0)
		return xp_fail_errno(err, XP_E_IO, "the name of the file");
	path[n] = 0;
	*last = strrchr(path, '/');
	if (!*last || !(*last)[1])
		return xp_fail(err, XP_E_IO, "%s: no name of a file", path);
	*(*last)++ = 0;
	return XP_OK;
}

/* It must be the very file that is held: the name may be another's by now. */
static enum xp_rc demand_held(int dir, const char *name, int fd, struct xp_err *err)
{
	struct stat there;
	struct stat held;

	if (fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) || fstat(fd, &held))
		return xp_fail_errno(err, XP_E_IO, "%s", name);
	if (there.st_ino != held.st_ino || there.st_dev != held.st_dev)
		return xp_fail(err, XP_E_REFUSED, "%s is another file by now", name);
	return XP_OK;
}

enum xp_rc xp_file_remove(const struct xp_permit *permit, const struct xp_rng *rng,
			  struct xp_err *err)
{
	int fd = xp_permit_fd(permit, NULL);
	uint8_t bytes[NAME_BYTES];
	char other[2 * NAME_BYTES + 1];
	char path[PATH_MAX];
	char *last = NULL;

	TRY(find_name(path, &last, fd, err));
	AUTO_FD int dir = open(*path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return xp_fail_errno(err, XP_E_IO, "%s", path);
	TRY(demand_held(dir, last, fd, err));
	TRY(xp_rng_bytes(rng, bytes, sizeof(bytes), err));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(other + 2 * i, 3, "%02x", bytes[i]);
	if (renameat2(dir, last, dir, other, RENAME_NOREPLACE))
		return xp_fail_errno(err, XP_E_IO, "%s/%s: its name", path, last);
	if (unlinkat(dir, other, 0) || fsync(dir))
		return xp_fail_errno(err, XP_E_IO, "%s/%s, now %s: taking its name away", path,
				     last, other);
	return XP_OK;
}
