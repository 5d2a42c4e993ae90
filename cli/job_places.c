#include "cli/job_places.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/box_pair.h"
#include "cli/upload.h"
#include "device/blockmap.h"
#include "device/proctables.h"

#define MOUNTS_MAX_BYTES (4u << 20)

static bool is_kind(const char *fstype)
{
	static const char *const kinds[] = {"vfat", "exfat", "ext2", "ext3", "ext4"};

	for (size_t i = 0; i < XP_ARRAY_LEN(kinds); i++)
		if (strcmp(fstype, kinds[i]) == 0)
			return true;
	return false;
}

static bool is_read_only(const struct xp_mount *m)
{
	return strncmp(m->options, "ro,", 3) == 0 || strcmp(m->options, "ro") == 0;
}

/* A medium that somebody can carry away, by what the kernel says of it and where it hangs. */
static bool is_carried(const struct xp_sysroot *root, const struct xp_block_node *node)
{
	uint64_t removable = 0;

	return strstr(node->syspath, "/usb") || strstr(node->syspath, "/mmc_host/") ||
	       (xp_sysroot_read_u64(&removable, root, "sys/class/block/%s/removable", node->disk) &&
		removable == 1);
}

static bool has_box(const struct xp_sysroot *root, const char *folder, const char *name)
{
	AUTO_FD int fd = xp_sysroot_open_at(root, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC,
					    "%s/%s", folder, name);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static bool is_taken(const struct xp_blockmap *map, const struct xp_sysroot *root,
		     const struct xp_block_node *node, const char *const *taken)
{
	for (size_t i = 0; taken && taken[i]; i++) {
		const struct xp_block_node *t = xp_blockmap_by_path(map, root, taken[i]);

		if (t && strcmp(t->disk, node->disk) == 0)
			return true;
	}
	return false;
}

static void describe(struct xp_keep_place *p, const struct xp_sysroot *root,
		     const struct xp_block_node *node, const struct xp_mount *m)
{
	char model[32] = "";

	xp_sysroot_read_text(model, sizeof(model), root, "sys/class/block/%s/device/model",
			     node->disk);
	snprintf(p->what, sizeof(p->what), "%.20s, %.8s, %llu MB%s%s", node->name, m->fstype,
		 (unsigned long long)(node->bytes / 1000000), *model ? ", " : "", model);
}

static void add(struct xp_keep_places *out, const struct xp_mount *m,
		const struct xp_block_node *node, const struct xp_sysroot *root)
{
	struct xp_keep_place *p = &out->list[out->n];

	/* the same partition twice is one place */
	for (size_t i = 0; i < out->n; i++)
		if (strncmp(out->list[i].what, node->name, strlen(node->name)) == 0 &&
		    out->list[i].what[strlen(node->name)] == ',')
			return;
	if (out->n == XP_KEEP_PLACES_MAX || strlen(m->point) >= sizeof(p->folder))
		return;
	snprintf(p->folder, sizeof(p->folder), "%s", m->point);
	describe(p, root, node, m);
	out->n++;
}

enum xp_rc xp_keep_places_find(struct xp_keep_places *out, const struct xp_sysroot *root,
			       const char *not_folder, const char *const *taken, struct xp_err *err)
{
	AUTO(xp_blockmap_free) struct xp_blockmap map = {0};
	AUTO(xp_mounts_free) struct xp_mounts mounts = {0};
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	*out = (struct xp_keep_places){0};
	TRY(xp_blockmap_read(&map, root, err));
	TRY(xp_sysroot_read_max(&text, &len, root, MOUNTS_MAX_BYTES, err, "proc/self/mountinfo"));
	TRY(xp_mounts_parse(&mounts, text, len, "", err));
	for (size_t i = 0; i < mounts.n; i++) {
		const struct xp_mount *m = &mounts.list[i];
		const struct xp_block_node *node = xp_blockmap_by_dev(&map, m->dev);

		if (!node || !is_kind(m->fstype) || strcmp(m->root, "/") != 0 || is_read_only(m) ||
		    (not_folder && strcmp(m->point, not_folder) == 0) || !is_carried(root, node) ||
		    is_taken(&map, root, node, taken) || !has_box(root, m->point, XP_BOX_NAME_A) ||
		    !has_box(root, m->point, XP_BOX_NAME_B))
			continue;
		add(out, m, node, root);
	}
	return XP_OK;
}

enum xp_rc xp_keep_place_check(const char *folder, bool memory_does, struct xp_err *err)
{
	AUTO_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_REFUSED, "%s",
				     folder);
	if (xp_is_in_memory(fd) && !memory_does)
		return xp_fail(err, XP_E_REFUSED,
			       "%s is in memory and ends with the power; without an upload that is "
			       "no place to keep anything",
			       folder);
	if (faccessat(fd, ".", W_OK, AT_EACCESS) != 0)
		return xp_fail_errno(err, XP_E_REFUSED, "%s", folder);
	return XP_OK;
}
