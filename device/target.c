#include "device/target.h"

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
#include "device/block.h"
#include "device/disks.h"
#include "device/signature.h"

static enum xp_rc open_failed(struct xp_err *err, const char *path)
{
	enum xp_rc rc = XP_E_IO;

	if (errno == ENOENT || errno == ENOTDIR)
		rc = XP_E_NOENT;
	else if (errno == EACCES || errno == EPERM)
		rc = XP_E_PERM;
	else if (errno == ENOMEDIUM || errno == ENXIO)
		rc = XP_E_UNSUPPORTED;
	return xp_fail_errno(err, rc, "%s", path);
}

/* ---- image files ---- */

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The file's own name, whatever link led to it. */
static void image_name(char *out, size_t size, int fd, const char *path)
{
	char proc[64];
	char real[PATH_MAX];
	const char *name = path;
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, real, sizeof(real) - 1);
	if (n > 0) {
		real[n] = 0;
		name = real;
	}
	name = last_part(name);
	xp_identity_text(out, size, name, strlen(name));
}

static enum xp_rc image_identify(struct xp_identity *out, int fd, const struct stat *st,
				 const char *path, struct xp_err *err)
{
	if (st->st_size <= 0)
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: an empty file", path);
	*out = (struct xp_identity){
		.media = XP_MEDIA_VIRTUAL,
		.bus = XP_BUS_FILE,
		.inode = st->st_ino,
		.fs_dev = st->st_dev,
		.capacity_bytes = (uint64_t)st->st_size,
		.logical_block_bytes = 1,
		.physical_block_bytes = 1,
	};
	image_name(out->name, sizeof(out->name), fd, path);
	return XP_OK;
}

/* ---- block nodes ---- */

/* Everything sysfs says of NODE as a target; FACTS are those of its disk. */
static void node_identity(struct xp_identity *out, const struct xp_sysfacts *facts,
			  const struct xp_block_node *node)
{
	*out = facts->identity;
	if (node->partition) {
		out->partition = node->partition;
		out->partition_start = node->start_bytes;
	}
	out->capacity_bytes = node->bytes;
}

/* What only the descriptor can tell wins over sysfs. */
static enum xp_rc identity_from_fd(struct xp_identity *id, int fd, const char *path,
				   struct xp_err *err)
{
	struct xp_block_geometry geo;
	struct xp_loop_backing backing;

	if (xp_block_geometry_read(&geo, fd, err) != XP_OK)
		return xp_err_prefix(err, "%s", path);
	id->capacity_bytes = geo.capacity_bytes;
	id->logical_block_bytes = geo.logical_block_bytes;
	id->physical_block_bytes = geo.physical_block_bytes;
	if (geo.diskseq)
		id->diskseq = geo.diskseq;
	if (id->bus == XP_BUS_LOOP && xp_block_loop_backing(&backing, fd)) {
		id->inode = backing.inode;
		id->fs_dev = backing.fs_dev;
	}
	return XP_OK;
}

static bool disk_node_read(struct xp_block_node *disk, const struct xp_sysroot *root,
			   const struct xp_block_node *node)
{
	if (!node->partition) {
		*disk = *node;
		return true;
	}
	return xp_block_node_read(disk, root, node->disk);
}

enum xp_rc xp_target_identify_fd(struct xp_identity *out, const struct xp_sysroot *root, int fd,
				 const char *path, struct xp_err *err)
{
	struct xp_block_node node;
	struct xp_block_node disk;
	struct xp_sysfacts facts;
	char real[512];
	struct stat st;

	if (fstat(fd, &st))
		return xp_fail_errno(err, XP_E_IO, "%s", path);
	if (S_ISREG(st.st_mode))
		return image_identify(out, fd, &st, path, err);
	if (!S_ISBLK(st.st_mode))
		return xp_fail(err, XP_E_UNSUPPORTED,
			       "%s: neither a block device nor a regular file", path);
	if (!xp_sysroot_realpath(real, sizeof(real), root, "sys/dev/block/%u:%u", major(st.st_rdev),
				 minor(st.st_rdev)) ||
	    !xp_block_node_read(&node, root, last_part(real)) || node.dev != st.st_rdev ||
	    !disk_node_read(&disk, root, &node))
		return xp_fail(err, XP_E_IO, "%s: the kernel no longer shows device %u:%u", path,
			       major(st.st_rdev), minor(st.st_rdev));
	xp_sysfacts_read(&facts, root, &disk);
	node_identity(out, &facts, &node);
	return identity_from_fd(out, fd, path, err);
}

/* ---- resolving ---- */

void xp_target_confirm_by_path(struct xp_target *t)
{
	char real[PATH_MAX];
	const char *path = realpath(t->path, real) ? real : t->path;
	size_t len = strlen(path);
	size_t room = sizeof(t->confirm) - 192;

	if (t->kind != XP_TARGET_IMAGE)
		return;
	/* of a long path the end is what tells files apart */
	snprintf(t->confirm, sizeof(t->confirm), "%.190s@%.*s", t->identity.name, (int)room - 1,
		 len >= room ? path + len - room + 1 : path);
}

static void confirm_of_image(struct xp_target *t, const struct xp_disks *disks)
{
	if (xp_disks_fitting(disks, t->identity.name) == 0)
		snprintf(t->confirm, sizeof(t->confirm), "%s", t->identity.name);
	else
		xp_target_confirm_by_path(t);
}

static enum xp_rc resolve_image(struct xp_target *t, const struct xp_sysroot *root, int fd,
				const struct stat *st, struct xp_err *err)
{
	AUTO(xp_blockmap_free) struct xp_blockmap map = {0};
	AUTO(xp_disks_free) struct xp_disks disks = {0};

	t->kind = XP_TARGET_IMAGE;
	TRY(image_identify(&t->identity, fd, st, t->path, err));
	/* without sysfs (a small container) there is no drive that a file's name could be mixed up
	 * with */
	if (xp_sysroot_has(root, "sys/class/block")) {
		TRY(xp_blockmap_read(&map, root, err));
		TRY(xp_disks_read(&disks, root, &map, err));
	}
	confirm_of_image(t, &disks);
	return XP_OK;
}

static enum xp_rc resolve_node(struct xp_target *t, const struct xp_sysroot *root,
			       const struct xp_blockmap *map, const struct xp_block_node *node,
			       struct xp_err *err)
{
	AUTO(xp_disks_free) struct xp_disks disks = {0};
	const struct xp_disk *disk;
	size_t used;

	TRY(xp_disks_read(&disks, root, map, err));
	disk = xp_disks_by_name(&disks, node->disk);
	/* a SCSI disk at a sanitize, or of blocks that the kernel cannot handle, can be talked to
	 */
	if (!disk || (node->bytes == 0 && !disk->facts.hctl[0]))
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: it has no capacity", t->path);
	t->kind = node->partition ? XP_TARGET_PARTITION : XP_TARGET_DISK;
	t->dev = node->dev;
	memcpy(t->node, node->name, sizeof(t->node));
	memcpy(t->disk, node->disk, sizeof(t->disk));
	memcpy(t->slot, disk->facts.slot, sizeof(t->slot));
	node_identity(&t->identity, &disk->facts, node);
	memcpy(t->confirm, disk->confirm, sizeof(t->confirm));
	used = strlen(t->confirm);
	if (node->partition)
		snprintf(t->confirm + used, sizeof(t->confirm) - used, ":p%u", node->partition);
	return XP_OK;
}

enum xp_rc xp_target_confirm_drive(struct xp_target *t, const struct xp_sysroot *root,
				   struct xp_err *err)
{
	AUTO(xp_blockmap_free) struct xp_blockmap map = {0};
	AUTO(xp_disks_free) struct xp_disks disks = {0};
	const struct xp_disk *disk;

	if (t->kind != XP_TARGET_DISK || t->identity.bus != XP_BUS_NVME)
		return XP_OK;
	TRY(xp_blockmap_read(&map, root, err));
	TRY(xp_disks_read(&disks, root, &map, err));
	disk = xp_disks_by_name(&disks, t->disk);
	if (disk && disk->namespaces > 1)
		xp_disks_drive_confirm(t->confirm, &disks, disk);
	return XP_OK;
}

static enum xp_rc resolve_live_node(struct xp_target *t, const struct xp_sysroot *root, dev_t dev,
				    struct xp_err *err)
{
	AUTO(xp_blockmap_free) struct xp_blockmap map = {0};
	const struct xp_block_node *node;

	TRY(xp_blockmap_read(&map, root, err));
	node = xp_blockmap_by_dev(&map, dev);
	if (!node)
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: sysfs does not show device %u:%u",
			       t->path, major(dev), minor(dev));
	return resolve_node(t, root, &map, node, err);
}

static enum xp_rc resolve_live(struct xp_target *t, const struct xp_sysroot *root,
			       struct xp_err *err)
{
	struct stat st;
	struct stat held;

	/* the kind first: opening a character device may have effects */
	if (stat(t->path, &st))
		return open_failed(err, t->path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return xp_fail(err, XP_E_UNSUPPORTED,
			       "%s: neither a block device nor a regular file", t->path);
	AUTO_FD int fd = open(t->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	/* sysfs is open to all: a plan can say what stands in the way even where the drive is
	 * closed */
	if (fd < 0 && (errno == EACCES || errno == EPERM) && S_ISBLK(st.st_mode))
		return resolve_live_node(t, root, st.st_rdev, err);
	if (fd < 0)
		return open_failed(err, t->path);
	if (fstat(fd, &held))
		return xp_fail_errno(err, XP_E_IO, "%s", t->path);
	if ((held.st_mode & S_IFMT) != (st.st_mode & S_IFMT) || held.st_rdev != st.st_rdev)
		return xp_fail(err, XP_E_IO, "%s: it changed while it was opened", t->path);
	if (S_ISREG(held.st_mode)) {
		TRY(resolve_image(t, root, fd, &held, err));
	} else {
		TRY(resolve_live_node(t, root, held.st_rdev, err));
		TRY(identity_from_fd(&t->identity, fd, t->path, err));
	}
	/* a drive with bad sectors where signatures stand is still one to be erased */
	if (xp_signatures_read(t->signatures, sizeof(t->signatures), fd, NULL) != XP_OK)
		snprintf(t->signatures, sizeof(t->signatures),
			 "unknown: the places where signatures stand cannot be read");
	return XP_OK;
}

static enum xp_rc resolve_captured(struct xp_target *t, const struct xp_sysroot *root,
				   struct xp_err *err)
{
	AUTO(xp_blockmap_free) struct xp_blockmap map = {0};
	const struct xp_block_node *node;
	struct stat st;

	TRY(xp_blockmap_read(&map, root, err));
	node = xp_blockmap_by_path(&map, root, t->path);
	if (node)
		return resolve_node(t, root, &map, node, err);
	AUTO_FD int fd = xp_sysroot_open_at(root, O_RDONLY | O_NONBLOCK, "%s", t->path);

	if (fd < 0)
		return open_failed(err, t->path);
	if (fstat(fd, &st))
		return xp_fail_errno(err, XP_E_IO, "%s", t->path);
	if (!S_ISREG(st.st_mode))
		return xp_fail(err, XP_E_UNSUPPORTED,
			       "%s: neither a block device nor a regular file", t->path);
	return resolve_image(t, root, fd, &st, err);
}

enum xp_rc xp_target_resolve(struct xp_target *out, const struct xp_sysroot *root, const char *path,
			     struct xp_err *err)
{
	struct xp_target *t = out;
	enum xp_rc rc;

	memset(t, 0, sizeof(*t));
	if (!path[0] || strlen(path) >= sizeof(t->path))
		return xp_fail(err, XP_E_USAGE, "'%s': not a usable path", path);
	memcpy(t->path, path, strlen(path) + 1);
	rc = root->is_live ? resolve_live(t, root, err) : resolve_captured(t, root, err);
	if (rc != XP_OK)
		xp_target_free(t);
	return rc;
}

void xp_target_free(struct xp_target *t)
{
	xp_identity_free(&t->identity);
	memset(t, 0, sizeof(*t));
}
