#include "device/extent_map.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "device/proctables.h"
#include "device/sysfacts.h"

#define BATCH	    128u /* extents that are asked for at once */
#define LAYERS_DEEP 8u

/* Not in every linux/magic.h. */
#define MAGIC_XFS     0x58465342u
#define MAGIC_EXFAT   0x2011bab0u
#define MAGIC_ZFS     0x2fc12fc1u
#define MAGIC_CIFS    0xff534d42u
#define MAGIC_SMB2    0xfe534d42u
#define MAGIC_FUSE    0x65735546u
#define MAGIC_CEPH    0x00c36400u
#define MAGIC_9P      0x01021997u
#define MAGIC_GFS2    0x01161970u
#define MAGIC_OCFS2   0x7461636fu
#define MAGIC_F2FS    0xf2f52010u
#define MAGIC_BTRFS   0x9123683eu
#define MAGIC_EXT     0xef53u
#define MAGIC_FAT     0x4d44u
#define MAGIC_NFS     0x6969u
#define MAGIC_TMPFS   0x01021994u
#define MAGIC_OVERLAY 0x794c7630u

static enum xp_file_system fs_of(uint32_t magic)
{
	static const struct {
		uint32_t magic;
		enum xp_file_system fs;
	} known[] = {
		{MAGIC_EXT, XP_FS_EXT},		{MAGIC_XFS, XP_FS_XFS},
		{MAGIC_FAT, XP_FS_FAT},		{MAGIC_EXFAT, XP_FS_FAT},
		{MAGIC_TMPFS, XP_FS_TMPFS},	{MAGIC_BTRFS, XP_FS_BTRFS},
		{MAGIC_ZFS, XP_FS_ZFS},		{MAGIC_F2FS, XP_FS_F2FS},
		{MAGIC_OVERLAY, XP_FS_OVERLAY}, {MAGIC_NFS, XP_FS_NETWORK},
		{MAGIC_CIFS, XP_FS_NETWORK},	{MAGIC_SMB2, XP_FS_NETWORK},
		{MAGIC_CEPH, XP_FS_NETWORK},	{MAGIC_9P, XP_FS_NETWORK},
		{MAGIC_GFS2, XP_FS_NETWORK},	{MAGIC_OCFS2, XP_FS_NETWORK},
		{MAGIC_FUSE, XP_FS_FUSE},
	};

	for (size_t i = 0; i < XP_ARRAY_LEN(known); i++)
		if (known[i].magic == magic)
			return known[i].fs;
	return XP_FS_UNKNOWN;
}

/* ---- the extents ---- */

/* false: there are more than a record holds, or no memory */
static bool add_extent(struct xp_file_facts *f, const struct fiemap_extent *e)
{
	struct xp_file_extent *last = f->extent_n ? &f->extents[f->extent_n - 1] : NULL;
	struct xp_file_extent *list;

	if (last && last->offset + last->len == e->fe_logical &&
	    last->physical + last->len == e->fe_physical) {
		last->len += e->fe_length;
		return true;
	}
	if (f->extent_n == XP_FILE_EXTENTS_MAX)
		return false;
	list = reallocarray(f->extents, f->extent_n + 1, sizeof(*list));
	if (!list)
		return false;
	f->extents = list;
	list[f->extent_n++] = (struct xp_file_extent){e->fe_logical, e->fe_physical, e->fe_length};
	return true;
}

static void note_flags(struct xp_file_facts *f, uint32_t flags)
{
	if (flags & FIEMAP_EXTENT_SHARED)
		f->shared = true;
	if (flags & (FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DATA_ENCRYPTED))
		f->encoded = true;
	if (flags & (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_NOT_ALIGNED |
		     FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL))
		f->elsewhere = true;
}

/* Takes what the kernel told in this batch. false: that was the end, or it cannot be gone on. */
static bool take_batch(struct xp_file_facts *f, const struct fiemap *map, uint64_t *next)
{
	for (uint32_t i = 0; i < map->fm_mapped_extents; i++) {
		const struct fiemap_extent *e = &map->fm_extents[i];

		note_flags(f, e->fe_flags);
		if (!add_extent(f, e))
			return false;
		*next = e->fe_logical + e->fe_length;
		if (e->fe_flags & FIEMAP_EXTENT_LAST)
			f->map_known = true;
	}
	/* nothing mapped: from here on there are holes only */
	if (map->fm_mapped_extents == 0)
		f->map_known = true;
	return !f->map_known;
}

/*
 * FAT knows no FIEMAP, and tells block by block (root only). Others tell so as well, but not all of
 * it: shared extents, blocks that move. What cannot be asked leaves the map unknown.
 */
static void read_blocks(struct xp_file_facts *f, int fd, uint64_t file_bytes)
{
	int block_bytes = 0;
	uint64_t step;
	uint64_t n;

	if (f->fs != XP_FS_FAT || ioctl(fd, FIGETBSZ, &block_bytes) || block_bytes <= 0)
		return;
	step = (uint64_t)block_bytes;
	n = (file_bytes + step - 1) / step;
	for (uint64_t i = 0; i < n; i++) {
		struct fiemap_extent e = {.fe_logical = i * step, .fe_length = step};
		int block = (int)i;

		if (i > INT_MAX || ioctl(fd, (unsigned long)FIBMAP, &block) || block < 0)
			return;
		if (block == 0) /* a hole */
			continue;
		e.fe_physical = (uint64_t)block * step;
		if (!add_extent(f, &e))
			return;
	}
	f->map_known = true;
}

static enum xp_rc read_map(struct xp_file_facts *f, int fd, uint64_t file_bytes, struct xp_err *err)
{
	size_t size = sizeof(struct fiemap) + BATCH * sizeof(struct fiemap_extent);
	AUTO_MEM struct fiemap *map = malloc(size);
	uint64_t next = 0;

	if (!map)
		return xp_fail(err, XP_E_NOMEM, "a file's map");
	do {
		memset(map, 0, size);
		map->fm_start = next;
		map->fm_length = FIEMAP_MAX_OFFSET - next;
		map->fm_flags = FIEMAP_FLAG_SYNC;
		map->fm_extent_count = BATCH;
		if (ioctl(fd, FS_IOC_FIEMAP, map)) {
			/* one that does not tell, or tells in another way */
			if (next == 0 && (errno == EOPNOTSUPP || errno == ENOTTY))
				read_blocks(f, fd, file_bytes);
			return XP_OK;
		}
	} while (take_batch(f, map, &next));
	return XP_OK;
}

static void read_flags(struct xp_file_facts *f, int fd)
{
	unsigned flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return;
	if (flags & (FS_COMPR_FL | FS_ENCRYPT_FL))
		f->encoded = true;
	if (flags & FS_JOURNAL_DATA_FL)
		f->journals_data = true;
	if (flags & FS_INLINE_DATA_FL)
		f->elsewhere = true;
}

enum xp_rc xp_file_facts_read(struct xp_file_facts *out, int fd, struct xp_err *err)
{
	struct statfs fs;
	struct stat st;

	*out = (struct xp_file_facts){0};
	if (fstat(fd, &st) || fstatfs(fd, &fs))
		return xp_fail_errno(err, XP_E_IO, "the file");
	out->fs = fs_of((uint32_t)fs.f_type);
	out->links = st.st_nlink;
	read_flags(out, fd);
	return read_map(out, fd, (uint64_t)st.st_size, err);
}

/* ---- what lies below ---- */

static enum xp_file_below below_of(const struct xp_sysroot *root, dev_t dev, unsigned depth);

static enum xp_file_below of_media(enum xp_media m)
{
	switch (m) {
	case XP_MEDIA_HDD:
		return XP_BELOW_MAGNETIC;
	case XP_MEDIA_SSD:
	case XP_MEDIA_HYBRID:
	case XP_MEDIA_USB_FLASH:
		return XP_BELOW_FLASH;
	case XP_MEDIA_VIRTUAL:
		return XP_BELOW_VIRTUAL;
	case XP_MEDIA_UNKNOWN:
		break;
	}
	return XP_BELOW_UNKNOWN;
}

/* Of several things below the one that says least for us. */
static enum xp_file_below worse(enum xp_file_below a, enum xp_file_below b)
{
	static const enum xp_file_below order[] = {XP_BELOW_FLASH, XP_BELOW_UNKNOWN,
						   XP_BELOW_MEMORY, XP_BELOW_VIRTUAL,
						   XP_BELOW_MAGNETIC};

	for (size_t i = 0; i < XP_ARRAY_LEN(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return XP_BELOW_UNKNOWN;
}

static enum xp_file_below of_slaves(const struct xp_sysroot *root, const struct xp_names *slaves,
				    unsigned depth)
{
	enum xp_file_below all = XP_BELOW_MAGNETIC;

	for (size_t i = 0; i < slaves->n; i++) {
		struct xp_block_node node;

		if (!xp_block_node_read(&node, root, slaves->list[i]))
			return XP_BELOW_UNKNOWN;
		all = worse(all, below_of(root, node.dev, depth + 1));
	}
	return all;
}

/* A loop's file lies on a file system, too; one that writes elsewhere makes all unknown. */
static enum xp_file_below of_loop(const struct xp_sysroot *root, const char *path, unsigned depth)
{
	struct statfs fs;
	struct stat st;
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum xp_file_system kind;

	if (fd < 0 || fstat(fd, &st) || fstatfs(fd, &fs))
		return XP_BELOW_UNKNOWN;
	kind = fs_of((uint32_t)fs.f_type);
	if (kind == XP_FS_TMPFS)
		return XP_BELOW_VIRTUAL;
	if (kind != XP_FS_EXT && kind != XP_FS_XFS && kind != XP_FS_FAT)
		return XP_BELOW_UNKNOWN;
	return worse(XP_BELOW_VIRTUAL, below_of(root, st.st_dev, depth + 1));
}

static enum xp_file_below below_of(const struct xp_sysroot *root, dev_t dev, unsigned depth)
{
	AUTO(xp_names_free) struct xp_names slaves = {0};
	struct xp_block_node node;
	struct xp_block_node disk;
	struct xp_sysfacts facts;
	char real[512];
	char path[512];
	const char *name;

	if (depth > LAYERS_DEEP ||
	    !xp_sysroot_realpath(real, sizeof(real), root, "sys/dev/block/%u:%u", major(dev),
				 minor(dev)))
		return XP_BELOW_UNKNOWN;
	name = strrchr(real, '/');
	if (!name || !xp_block_node_read(&node, root, name + 1) ||
	    !xp_block_node_read(&disk, root, node.disk))
		return XP_BELOW_UNKNOWN;
	if (xp_sysroot_list(&slaves, root, NULL, "%s/slaves", disk.syspath) == XP_OK && slaves.n)
		return of_slaves(root, &slaves, depth);
	if (xp_sysroot_read_text(path, sizeof(path), root, "%s/loop/backing_file", disk.syspath))
		return of_loop(root, path, depth);
	xp_sysfacts_read(&facts, root, &disk);
	return of_media(facts.identity.media);
}

/* ext4 tells how it journals; who does not tell may well write contents twice. */
static bool journals_data(const struct xp_sysroot *root, dev_t dev)
{
	AUTO_MEM char *options = NULL;
	char real[512];
	const char *name;
	size_t len = 0;

	if (!xp_sysroot_realpath(real, sizeof(real), root, "sys/dev/block/%u:%u", major(dev),
				 minor(dev)))
		return true;
	name = strrchr(real, '/');
	if (!name || xp_sysroot_read(&options, &len, root, NULL, "proc/fs/ext4/%s/options",
				     name + 1) != XP_OK)
		return true;
	/* without a journal it names no mode at all */
	return len == 0 || strstr(options, "data=journal") != NULL;
}

void xp_file_facts_read_below(struct xp_file_facts *out, const struct xp_sysroot *root, int fd)
{
	AUTO(xp_swaps_free) struct xp_swaps swaps = {0};
	struct stat st;

	out->below = XP_BELOW_UNKNOWN;
	if (fstat(fd, &st))
		return;
	if (out->fs == XP_FS_TMPFS) {
		out->below = XP_BELOW_MEMORY;
		out->swap_active = xp_swaps_read(&swaps, root, NULL) != XP_OK || swaps.n;
		return;
	}
	out->below = below_of(root, st.st_dev, 0);
	if (out->fs == XP_FS_EXT && journals_data(root, st.st_dev))
		out->journals_data = true;
}

enum xp_rc xp_file_facts_find(struct xp_file_facts *out, const struct xp_sysroot *root,
			      const char *path, struct xp_err *err)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	*out = (struct xp_file_facts){0};
	if (fd < 0)
		return xp_fail_errno(err, errno == EACCES ? XP_E_PERM : XP_E_IO, "%s", path);
	TRY(xp_file_facts_read(out, fd, err));
	xp_file_facts_read_below(out, root, fd);
	return XP_OK;
}
