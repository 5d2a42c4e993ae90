#include "device/usage_scan.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "device/signature.h"

/* One walk upwards from the target's nodes. */
struct walk {
	const struct xp_scan *s;
	const struct xp_scan_question *q;
	struct xp_uses *out;
	struct xp_nodeset seen;
	const struct xp_block_node **origin; /* one a node of the map: the target's node below it */
	struct xp_err *err;
};

static enum xp_rc use_add(struct walk *w, enum xp_refusal_code code, const char *kind,
			  const struct xp_block_node *node, const char *remedy, const char *fmt,
			  ...) __attribute__((format(printf, 6, 7)));
static enum xp_rc use_add(struct walk *w, enum xp_refusal_code code, const char *kind,
			  const struct xp_block_node *node, const char *remedy, const char *fmt,
			  ...)
{
	struct xp_use use = {.code = code};
	va_list ap;

	snprintf(use.kind, sizeof(use.kind), "%s", kind);
	if (node && w->origin[node - w->s->map.list])
		node = w->origin[node - w->s->map.list];
	snprintf(use.node, sizeof(use.node), "%s", node ? node->name : "");
	snprintf(use.remedy, sizeof(use.remedy), "%s", remedy);
	va_start(ap, fmt);
	vsnprintf(use.where, sizeof(use.where), fmt, ap);
	va_end(ap);
	return xp_uses_add(w->out, &use, w->err);
}

/* Puts ABOVE on the list of nodes to look at, as standing on NODE. */
static void climb(struct walk *w, const struct xp_block_node *node,
		  const struct xp_block_node *above)
{
	const struct xp_block_node *origin = w->origin[node - w->s->map.list];

	if (above && xp_nodeset_add(&w->seen, &w->s->map, above))
		w->origin[above - w->s->map.list] = origin ? origin : node;
}

/* ---- what stands on a node ---- */

static enum xp_rc holder_dm(struct walk *w, const struct xp_block_node *node,
			    const struct xp_block_node *dm)
{
	char name[128] = "";
	char uuid[160] = "";
	char remedy[256];
	const char *kind = "dm";
	const char *what = "dmsetup remove";

	xp_sysroot_read_text(name, sizeof(name), w->s->root, "%s/dm/name", dm->syspath);
	xp_sysroot_read_text(uuid, sizeof(uuid), w->s->root, "%s/dm/uuid", dm->syspath);
	if (!strncmp(uuid, "LVM-", 4)) {
		kind = "lvm";
		what = "lvchange -an";
	} else if (!strncmp(uuid, "CRYPT-", 6)) {
		kind = "crypt";
		what = "cryptsetup close";
	} else if (!strncmp(uuid, "mpath-", 6)) {
		kind = "multipath";
		what = "multipath -f";
	}
	snprintf(remedy, sizeof(remedy), "%s %s%s", what, strcmp(kind, "lvm") ? "" : "/dev/mapper/",
		 name[0] ? name : dm->name);
	return use_add(w, XP_REFUSED_HOLDER, kind, node, remedy, "%s (%s)", dm->name, name);
}

static enum xp_rc holder_add(struct walk *w, const struct xp_block_node *node, const char *name)
{
	const struct xp_block_node *above = xp_blockmap_by_name(&w->s->map, name);
	char remedy[256];

	if (w->q->drive && xp_nodeset_has(w->q->drive, &w->s->map, above))
		return XP_OK; /* the target itself stands on this node */
	climb(w, node, above);
	if (above && !fnmatch("dm-[0-9]*", name, 0))
		return holder_dm(w, node, above);
	if (!fnmatch("md[0-9_]*", name, 0)) {
		snprintf(remedy, sizeof(remedy), "mdadm --stop /dev/%s", name);
		return use_add(w, XP_REFUSED_HOLDER, "md", node, remedy, "%s", name);
	}
	if (!fnmatch("bcache[0-9]*", name, 0)) {
		snprintf(remedy, sizeof(remedy), "echo 1 > /sys/block/%s/bcache/stop", name);
		return use_add(w, XP_REFUSED_HOLDER, "bcache", node, remedy, "%s", name);
	}
	return use_add(w, XP_REFUSED_HOLDER, "holder", node, "take down what stands on it", "%s",
		       name);
}

/*
 * Holders as sysfs links them; and from the other side, what an array or a cache says of its
 * members, since an array that is not active, or a cache without a set, may have no such link.
 */
static enum xp_rc holders(struct walk *w, const struct xp_block_node *node)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	enum xp_rc rc = xp_sysroot_list(&names, w->s->root, w->err, "%s/holders", node->syspath);
	char remedy[256];

	if (rc != XP_OK && rc != XP_E_NOENT)
		return rc;
	for (size_t i = 0; i < names.n; i++)
		TRY(holder_add(w, node, names.list[i]));
	for (size_t i = 0; i < w->s->map.n; i++) {
		const struct xp_block_node *m = &w->s->map.list[i];

		if (xp_sysroot_has(w->s->root, "%s/md/dev-%s", m->syspath, node->name) ||
		    xp_sysroot_has(w->s->root, "%s/slaves/%s", m->syspath, node->name))
			TRY(holder_add(w, node, m->name));
	}
	if (!xp_sysroot_has(w->s->root, "%s/bcache", node->syspath) ||
	    !fnmatch("bcache[0-9]*", node->disk, 0))
		return XP_OK;
	snprintf(remedy, sizeof(remedy),
		 "stop the bcache set under /sys/fs/bcache, or echo 1 > "
		 "/sys/class/block/%s/bcache/stop",
		 node->name);
	return use_add(w, XP_REFUSED_HOLDER, "bcache", node, remedy, "registered with bcache");
}

static enum xp_rc loop_use(struct walk *w, const struct xp_block_node *node,
			   const struct xp_loop *loop)
{
	char remedy[256];

	if (w->q->drive && xp_nodeset_has(w->q->drive, &w->s->map, loop->node))
		return XP_OK;
	snprintf(remedy, sizeof(remedy), "losetup -d /dev/%s", loop->node->name);
	if (node)
		climb(w, node, loop->node);
	else
		xp_nodeset_add(&w->seen, &w->s->map, loop->node);
	return use_add(w, XP_REFUSED_HOLDER, "loop", node, remedy, "%s on %.180s", loop->node->name,
		       loop->file);
}

static enum xp_rc loops_on(struct walk *w, const struct xp_block_node *node)
{
	for (size_t i = 0; i < w->s->loops_n; i++) {
		const struct xp_loop *loop = &w->s->loops[i];
		AUTO(xp_nodeset_free) struct xp_nodeset below = {0};

		if (loop->node == node)
			continue;
		TRY(xp_nodeset_new(&below, &w->s->map, w->err));
		TRY(xp_scan_file_nodes(&below, w->s, loop->file, loop->fs_dev, loop->rdev, w->err));
		if (xp_nodeset_has(&below, &w->s->map, node))
			TRY(loop_use(w, node, loop));
	}
	return XP_OK;
}

/* ---- file systems and swap ---- */

static enum xp_rc mounts_on(struct walk *w, const struct xp_block_node *node)
{
	char remedy[256];

	for (size_t i = 0; i < w->s->mounts.n; i++) {
		const struct xp_mount *m = &w->s->mounts.list[i];
		AUTO(xp_nodeset_free) struct xp_nodeset on = {0};

		TRY(xp_nodeset_new(&on, &w->s->map, w->err));
		TRY(xp_scan_mount_nodes(&on, w->s, m, w->err));
		if (!xp_nodeset_has(&on, &w->s->map, node))
			continue;
		snprintf(remedy, sizeof(remedy), "umount %.200s%s", m->point,
			 m->is_init_ns ? "" : " (in its mount namespace)");
		TRY(use_add(w, XP_REFUSED_MOUNTED, "mount", node, remedy, "%s%s%s (%s)%s%s",
			    m->point, w->origin[node - w->s->map.list] ? " on " : "",
			    w->origin[node - w->s->map.list] ? node->name : "", m->fstype,
			    m->is_init_ns ? "" : " in mount namespace ",
			    m->is_init_ns ? "" : m->ns));
	}
	return XP_OK;
}

/* sysfs lists the members of multi-device file systems as long as they are mounted anywhere. */
static enum xp_rc fs_members(struct walk *w, const struct xp_block_node *node)
{
	AUTO(xp_names_free) struct xp_names btrfs = {0};
	AUTO(xp_names_free) struct xp_names bcachefs = {0};
	char real[512];

	if (xp_sysroot_list(&btrfs, w->s->root, NULL, "sys/fs/btrfs") == XP_OK) {
		for (size_t i = 0; i < btrfs.n; i++)
			if (xp_sysroot_has(w->s->root, "sys/fs/btrfs/%s/devices/%s", btrfs.list[i],
					   node->name))
				TRY(use_add(w, XP_REFUSED_MOUNTED, "btrfs", node,
					    "umount the btrfs that it is a member of",
					    "member of the mounted btrfs %s", btrfs.list[i]));
	}
	if (xp_sysroot_list(&bcachefs, w->s->root, NULL, "sys/fs/bcachefs") != XP_OK)
		return XP_OK;
	for (size_t i = 0; i < bcachefs.n; i++) {
		AUTO(xp_names_free) struct xp_names members = {0};

		if (xp_sysroot_list(&members, w->s->root, NULL, "sys/fs/bcachefs/%s",
				    bcachefs.list[i]) != XP_OK)
			continue;
		for (size_t k = 0; k < members.n; k++)
			if (xp_sysroot_realpath(real, sizeof(real), w->s->root,
						"sys/fs/bcachefs/%s/%s/block", bcachefs.list[i],
						members.list[k]) &&
			    !strcmp(real, node->syspath))
				TRY(use_add(w, XP_REFUSED_MOUNTED, "bcachefs", node,
					    "umount the bcachefs that it is a member of",
					    "member of the mounted bcachefs %s", bcachefs.list[i]));
	}
	return XP_OK;
}

static enum xp_rc swaps_on(struct walk *w, const struct xp_block_node *node)
{
	char remedy[256];

	for (size_t i = 0; i < w->s->swaps.n; i++) {
		const struct xp_swap *swap = &w->s->swaps.list[i];
		AUTO(xp_nodeset_free) struct xp_nodeset on = {0};

		TRY(xp_nodeset_new(&on, &w->s->map, w->err));
		if (swap->is_file)
			TRY(xp_scan_file_nodes(&on, w->s, swap->path, 0, 0, w->err));
		else
			xp_nodeset_add(&on, &w->s->map,
				       xp_blockmap_by_path(&w->s->map, w->s->root, swap->path));
		if (!xp_nodeset_has(&on, &w->s->map, node))
			continue;
		snprintf(remedy, sizeof(remedy), "swapoff %.240s", swap->path);
		TRY(use_add(w, XP_REFUSED_SWAP, "swap", node, remedy, "%.250s", swap->path));
	}
	return XP_OK;
}

/* ---- what keeps no link ---- */

/* udev's word where there is one; else the disk itself is read, on the running system. */
static bool is_zfs_member(const struct xp_scan *s, const struct xp_block_node *node)
{
	char signatures[512];
	AUTO_MEM char *text = NULL;
	char path[XP_NODE_LEN + 8];
	size_t len = 0;

	if (xp_sysroot_read(&text, &len, s->root, NULL, "run/udev/data/b%u:%u", major(node->dev),
			    minor(node->dev)) == XP_OK &&
	    strstr(text, "E:ID_FS_TYPE=zfs_member"))
		return true;
	if (!s->root->is_live)
		return false;
	xp_block_node_path(path, sizeof(path), node->name);
	AUTO_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return false;
	/* what cannot be read may be a member */
	return xp_signatures_read(signatures, sizeof(signatures), fd, NULL) != XP_OK ||
	       strstr(signatures, "zfs_member");
}

/* ZFS shows neither mounts nor holders of its members: a member, and the module there, is enough.
 */
static enum xp_rc zfs_on(struct walk *w, const struct xp_block_node *node)
{
	if (!xp_sysroot_has(w->s->root, "sys/module/zfs") &&
	    !xp_sysroot_has(w->s->root, "proc/spl/kstat/zfs"))
		return XP_OK;
	if (!is_zfs_member(w->s, node))
		return XP_OK;
	return use_add(w, XP_REFUSED_HOLDER, "zfs", node,
		       "zpool export the pool, then zpool labelclear, or unload the zfs module",
		       "member of a ZFS pool, and ZFS is loaded");
}

static enum xp_rc export_check(struct walk *w, const struct xp_block_node *node, const char *dir,
			       const char *file)
{
	char path[512];

	if (!xp_sysroot_read_text(path, sizeof(path), w->s->root, "%s/%s", dir, file) ||
	    xp_blockmap_by_path(&w->s->map, w->s->root, path) != node)
		return XP_OK;
	return use_add(w, XP_REFUSED_HOLDER, "export", node, "take the export down", "/%s", dir);
}

/* Targets of the kernel export a node without claiming it. */
static enum xp_rc exports_on(struct walk *w, const struct xp_block_node *node)
{
	static const struct {
		const char *top;
		const char *middle;
		const char *file;
	} kinds[] = {{"sys/kernel/config/nvmet/subsystems", "/namespaces", "device_path"},
		     {"sys/kernel/config/target/core", "", "udev_path"}};

	for (size_t i = 0; i < XP_ARRAY_LEN(kinds); i++) {
		AUTO(xp_names_free) struct xp_names outer = {0};

		if (xp_sysroot_list(&outer, w->s->root, NULL, "%s", kinds[i].top) != XP_OK)
			continue;
		for (size_t k = 0; k < outer.n; k++) {
			AUTO(xp_names_free) struct xp_names inner = {0};
			char dir[512];

			if (xp_sysroot_list(&inner, w->s->root, NULL, "%s/%s%s", kinds[i].top,
					    outer.list[k], kinds[i].middle) != XP_OK)
				continue;
			for (size_t j = 0; j < inner.n; j++) {
				snprintf(dir, sizeof(dir), "%s/%.120s%s/%.120s", kinds[i].top,
					 outer.list[k], kinds[i].middle, inner.list[j]);
				TRY(export_check(w, node, dir, kinds[i].file));
			}
		}
	}
	return XP_OK;
}

/* ---- processes and the system ---- */

static enum xp_rc opener_use(struct walk *w, const struct xp_opener *o)
{
	char remedy[256];

	snprintf(remedy, sizeof(remedy), "end process %d (%s)", (int)o->pid, o->comm);
	return use_add(w, XP_REFUSED_OPEN_ELSEWHERE, "process", o->node, remedy,
		       "%s, pid %d, has %s %s", o->comm[0] ? o->comm : "a process", (int)o->pid,
		       o->name, o->is_mapped ? "mapped" : "open");
}

static enum xp_rc openers(struct walk *w)
{
	const struct xp_scan *s = w->s;

	for (size_t i = 0; i < s->openers_n; i++) {
		const struct xp_opener *o = &s->openers[i];
		bool mine = w->q->image && o->is_image;

		/* a whole disk, or a character node, reaches every partition */
		if (o->node && w->q->nodes)
			mine = mine || xp_nodeset_has(w->q->nodes, &s->map, o->node) ||
			       (!o->node->partition &&
				xp_nodeset_has(w->q->drive, &s->map, o->node));
		if (mine)
			TRY(opener_use(w, o));
	}
	if (w->q->image_is_free)
		return XP_OK;
	if (s->unreadable)
		TRY(use_add(w, XP_REFUSED_UNKNOWN, "unreadable", NULL, "run as root",
			    "%zu processes do not show what they have open", s->unreadable));
	if (s->is_confined)
		TRY(use_add(w, XP_REFUSED_UNKNOWN, "unreadable", NULL,
			    "run on the host, outside of a container",
			    "processes outside of this PID namespace cannot be seen"));
	return XP_OK;
}

static enum xp_rc system_use(struct walk *w)
{
	const struct xp_scan *s = w->s;

	for (size_t i = 0; w->q->drive && i < s->map.n; i++) {
		if (!w->q->drive->in[i])
			continue;
		if (s->boot.in[i])
			return use_add(w, XP_REFUSED_BOOT_MEDIUM, "boot", &s->map.list[i],
				       "start the machine from another medium",
				       "the running system was started from %s",
				       s->map.list[i].name);
		if (s->system.in[i])
			return use_add(w, XP_REFUSED_SYSTEM_DISK, "system", &s->map.list[i],
				       "start the machine from another medium",
				       "the running system stands on %s", s->map.list[i].name);
	}
	return XP_OK;
}

/* ---- the walk ---- */

static enum xp_rc look_at(struct walk *w, const struct xp_block_node *node)
{
	for (size_t i = 0; i < w->s->map.n; i++)
		if (!node->partition && !strcmp(w->s->map.list[i].disk, node->name))
			climb(w, node, &w->s->map.list[i]);
	TRY(mounts_on(w, node));
	TRY(fs_members(w, node));
	TRY(swaps_on(w, node));
	TRY(holders(w, node));
	TRY(loops_on(w, node));
	TRY(zfs_on(w, node));
	return exports_on(w, node);
}

static bool is_image_path(const struct xp_scan *s, const char *path)
{
	struct stat st;

	if (s->image.path[0] && !strcmp(path, s->image.path))
		return true;
	return s->root->is_live && stat(path, &st) == 0 && s->image.inode &&
	       st.st_ino == s->image.inode && st.st_dev == s->image.fs_dev;
}

/* What stands on the image: loops and swap. */
static enum xp_rc image_uses(struct walk *w)
{
	const struct xp_scan *s = w->s;
	char remedy[256];

	for (size_t i = 0; i < s->loops_n; i++) {
		const struct xp_loop *loop = &s->loops[i];

		if ((loop->inode && loop->inode == s->image.inode &&
		     loop->fs_dev == s->image.fs_dev) ||
		    is_image_path(s, loop->file))
			TRY(loop_use(w, NULL, loop));
	}
	for (size_t i = 0; i < s->swaps.n; i++) {
		if (!s->swaps.list[i].is_file || !is_image_path(s, s->swaps.list[i].path))
			continue;
		snprintf(remedy, sizeof(remedy), "swapoff %.240s", s->swaps.list[i].path);
		TRY(use_add(w, XP_REFUSED_SWAP, "swap", NULL, remedy, "%.250s",
			    s->swaps.list[i].path));
	}
	return XP_OK;
}

enum xp_rc xp_scan_ask(struct xp_uses *out, const struct xp_scan *s,
		       const struct xp_scan_question *q, struct xp_err *err)
{
	AUTO_MEM const struct xp_block_node **origin = calloc(s->map.n + 1, sizeof(*origin));
	AUTO(xp_nodeset_free) struct xp_nodeset done = {0};
	struct walk w = {.s = s, .q = q, .out = out, .origin = origin, .err = err};
	enum xp_rc rc = XP_OK;
	bool again = true;

	if (!origin)
		return xp_fail(err, XP_E_NOMEM, "%zu nodes", s->map.n);
	TRY(xp_nodeset_new(&done, &s->map, err));
	TRY(xp_nodeset_new(&w.seen, &s->map, err));
	rc = system_use(&w);
	for (size_t i = 0; q->nodes && i < s->map.n; i++)
		w.seen.in[i] = q->nodes->in[i];
	if (rc == XP_OK && q->image)
		rc = image_uses(&w);
	while (rc == XP_OK && again) {
		again = false;
		for (size_t i = 0; i < s->map.n && rc == XP_OK; i++) {
			if (!w.seen.in[i] || done.in[i])
				continue;
			done.in[i] = true;
			again = true;
			rc = look_at(&w, &s->map.list[i]);
		}
	}
	xp_nodeset_free(&w.seen);
	TRY(rc);
	return openers(&w);
}
