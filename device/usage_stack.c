#include "device/usage_scan.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "device/block.h"

/* ---- loops ---- */

static void loop_ask(struct xp_loop *loop)
{
	struct xp_loop_backing backing;
	char path[XP_NODE_LEN + 8];

	xp_block_node_path(path, sizeof(path), loop->node->name);
	AUTO_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || !xp_block_loop_backing(&backing, fd))
		return;
	loop->fs_dev = backing.fs_dev;
	loop->inode = backing.inode;
	loop->rdev = backing.rdev;
}

static enum xp_rc loops_read(struct xp_scan *s, struct xp_err *err)
{
	s->loops = calloc(s->map.n + 1, sizeof(*s->loops));
	if (!s->loops)
		return xp_fail(err, XP_E_NOMEM, "loop devices");
	for (size_t i = 0; i < s->map.n; i++) {
		struct xp_loop *loop = &s->loops[s->loops_n];

		if (!xp_sysroot_read_text(loop->file, sizeof(loop->file), s->root,
					  "%s/loop/backing_file", s->map.list[i].syspath))
			continue;
		loop->node = &s->map.list[i];
		if (s->root->is_live)
			loop_ask(loop);
		s->loops_n++;
	}
	return XP_OK;
}

/* ---- mounts and what they stand on ---- */

/* All members of the btrfs that has NODE as a member; sysfs lists them while it is mounted. */
static enum xp_rc btrfs_members(struct xp_nodeset *set, const struct xp_scan *s,
				const struct xp_block_node *node, struct xp_err *err)
{
	AUTO(xp_names_free) struct xp_names fs = {0};

	if (xp_sysroot_list(&fs, s->root, NULL, "sys/fs/btrfs") != XP_OK)
		return XP_OK;
	for (size_t i = 0; i < fs.n; i++) {
		AUTO(xp_names_free) struct xp_names members = {0};
		enum xp_rc rc;

		if (!xp_sysroot_has(s->root, "sys/fs/btrfs/%s/devices/%s", fs.list[i], node->name))
			continue;
		rc = xp_sysroot_list(&members, s->root, err, "sys/fs/btrfs/%s/devices", fs.list[i]);
		if (rc == XP_E_NOENT)
			continue;
		TRY(rc);
		for (size_t k = 0; k < members.n; k++)
			xp_nodeset_add(set, &s->map, xp_blockmap_by_name(&s->map, members.list[k]));
	}
	return XP_OK;
}

/* Devices that a file system names in its options: a log, a journal, a real-time section. */
static void option_nodes(struct xp_nodeset *set, const struct xp_scan *s, const char *options)
{
	static const char *const keys[] = {
		"logdev=", "rtdev=", "journal_path=", "device=", "journal_dev="};

	for (const char *p = options; p && *p; p = strchr(p, ',')) {
		p += *p == ',';
		for (size_t i = 0; i < XP_ARRAY_LEN(keys); i++) {
			size_t n = strlen(keys[i]);
			char path[512];

			if (strncmp(p, keys[i], n))
				continue;
			snprintf(path, sizeof(path), "%.*s", (int)strcspn(p + n, ","), p + n);
			xp_nodeset_add(set, &s->map, xp_blockmap_by_path(&s->map, s->root, path));
		}
	}
}

enum xp_rc xp_scan_mount_nodes(struct xp_nodeset *set, const struct xp_scan *s,
			       const struct xp_mount *m, struct xp_err *err)
{
	const struct xp_block_node *node = xp_blockmap_by_dev(&s->map, m->dev);

	if (node)
		xp_nodeset_add(set, &s->map, node);
	/*
	 * The source is a word of whoever mounted it, but with an anonymous number it is all there
	 * is. bcachefs joins its members with colons.
	 */
	if (!node && m->source[0] == '/') {
		char *save = NULL;
		AUTO_MEM char *copy = strdup(m->source);

		if (!copy)
			return xp_fail(err, XP_E_NOMEM, "%s", m->source);
		node = xp_blockmap_by_path(&s->map, s->root, copy);
		if (node) {
			xp_nodeset_add(set, &s->map, node);
		} else {
			for (char *p = strtok_r(copy, ":", &save); p;
			     p = strtok_r(NULL, ":", &save))
				xp_nodeset_add(set, &s->map,
					       xp_blockmap_by_path(&s->map, s->root, p));
		}
	}
	option_nodes(set, s, m->options);
	if (node && !strcmp(m->fstype, "btrfs"))
		return btrfs_members(set, s, node, err);
	return XP_OK;
}

const struct xp_mount *xp_scan_mount_of_path(const struct xp_scan *s, const char *path)
{
	const struct xp_mount *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < s->mounts.n; i++) {
		const struct xp_mount *m = &s->mounts.list[i];
		size_t len = strlen(m->point);

		if (len == 1)
			len = 0; /* "/": every path lies below it */
		if (!m->is_init_ns || strncmp(path, m->point, len) ||
		    (path[len] != '/' && path[len] != 0))
			continue;
		/* a later mount covers an earlier one at the same place */
		if (!best || len >= best_len) {
			best = m;
			best_len = len;
		}
	}
	return best;
}

enum xp_rc xp_scan_file_nodes(struct xp_nodeset *set, const struct xp_scan *s, const char *path,
			      uint64_t fs_dev, uint64_t rdev, struct xp_err *err)
{
	const struct xp_block_node *node;
	const struct xp_mount *m;
	struct stat st;

	/* a loop may stand on a node as well as on a file */
	node = rdev ? xp_blockmap_by_dev(&s->map, (dev_t)rdev)
		    : xp_blockmap_by_path(&s->map, s->root, path);
	if (!node && !fs_dev && s->root->is_live && stat(path, &st) == 0)
		fs_dev = st.st_dev;
	if (!node && fs_dev)
		node = xp_blockmap_by_dev(&s->map, (dev_t)fs_dev);
	if (node) {
		xp_nodeset_add(set, &s->map, node);
		return XP_OK;
	}
	m = xp_scan_mount_of_path(s, path);
	return m ? xp_scan_mount_nodes(set, s, m, err) : XP_OK;
}

/* ---- down ---- */

static void add_links(struct xp_nodeset *set, const struct xp_scan *s,
		      const struct xp_block_node *node, const char *folder)
{
	AUTO(xp_names_free) struct xp_names names = {0};

	if (xp_sysroot_list(&names, s->root, NULL, "%s/%s", node->syspath, folder) != XP_OK)
		return;
	for (size_t i = 0; i < names.n; i++)
		xp_nodeset_add(set, &s->map, xp_blockmap_by_name(&s->map, names.list[i]));
}

/* What one node stands on directly. */
static enum xp_rc add_below(struct xp_nodeset *set, const struct xp_scan *s,
			    const struct xp_block_node *node, struct xp_err *err)
{
	if (node->partition)
		xp_nodeset_add(set, &s->map, xp_blockmap_by_name(&s->map, node->disk));
	add_links(set, s, node, "slaves");
	for (size_t i = 0; i < s->loops_n; i++) {
		const struct xp_loop *loop = &s->loops[i];

		if (loop->node != node)
			continue;
		TRY(xp_scan_file_nodes(set, s, loop->file, loop->fs_dev, loop->rdev, err));
	}
	return btrfs_members(set, s, node, err);
}

static size_t count(const struct xp_nodeset *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		n += set->in[i];
	return n;
}

enum xp_rc xp_scan_close_down(struct xp_nodeset *set, const struct xp_scan *s, struct xp_err *err)
{
	size_t before;

	do {
		before = count(set);
		for (size_t i = 0; i < s->map.n; i++)
			if (set->in[i])
				TRY(add_below(set, s, &s->map.list[i], err));
	} while (count(set) != before);
	return XP_OK;
}

/* ---- the running system and what it was booted from ---- */

static const char *const system_points[] = {"/",	 "/usr", "/boot",
					    "/boot/efi", "/efi", "/boot/firmware"};

/* Where live systems keep the medium they were started from. */
static const char *const medium_points[] = {
	"/run/live/medium",    "/lib/live/mount/medium", "/run/live/persistence/*",
	"/run/initramfs/live", "/run/initramfs/isoscan", "/run/archiso/bootmnt",
	"/run/install/repo",   "/run/media/boot-medium", "/cdrom",
	"/isodevice",	       "/run/expunge/stick",
};

static bool is_medium_point(const char *point)
{
	for (size_t i = 0; i < XP_ARRAY_LEN(medium_points); i++)
		if (!fnmatch(medium_points[i], point, FNM_PATHNAME))
			return true;
	return false;
}

static bool is_system_point(const char *point)
{
	for (size_t i = 0; i < XP_ARRAY_LEN(system_points); i++)
		if (!strcmp(system_points[i], point))
			return true;
	return false;
}

/* "UUID=...", "LABEL=...", "PARTUUID=...", "PARTLABEL=...", or a path, as the command line has it.
 */
static const struct xp_block_node *node_of_spec(const struct xp_scan *s, const char *spec)
{
	static const struct {
		const char *prefix;
		const char *folder;
	} by[] = {{"UUID=", "by-uuid"},		{"LABEL=", "by-label"},
		  {"PARTUUID=", "by-partuuid"}, {"PARTLABEL=", "by-partlabel"},
		  {"CDLABEL=", "by-label"},	{"live:", NULL}};
	char path[512];

	for (size_t i = 0; i < XP_ARRAY_LEN(by); i++) {
		size_t n = strlen(by[i].prefix);

		if (strncmp(spec, by[i].prefix, n))
			continue;
		if (!by[i].folder)
			return node_of_spec(s, spec + n);
		snprintf(path, sizeof(path), "/dev/disk/%s/%.300s", by[i].folder, spec + n);
		return xp_blockmap_by_path(&s->map, s->root, path);
	}
	return xp_blockmap_by_path(&s->map, s->root, spec);
}

/* The kernel's command line names the root, and the medium of a live system that runs from memory.
 */
static void cmdline_nodes(struct xp_scan *s)
{
	static const char *const root_keys[] = {"root=", "usr=", "mount.usr=", "boot=UUID="};
	static const char *const medium_keys[] = {
		"root=live:", "live-media=",   "bootfrom=",	  "archisodevice=",
		"img_dev=",   "inst.repo=hd:", "inst.stage2=hd:", "expunge.stick="};
	AUTO_MEM char *text = NULL;
	char *save = NULL;
	size_t len = 0;

	if (xp_sysroot_read(&text, &len, s->root, NULL, "proc/cmdline") != XP_OK)
		return;
	for (char *word = strtok_r(text, " \t\n", &save); word;
	     word = strtok_r(NULL, " \t\n", &save)) {
		bool medium = false;

		for (size_t i = 0; i < XP_ARRAY_LEN(medium_keys); i++) {
			size_t n = strlen(medium_keys[i]);
			char spec[512];

			if (strncmp(word, medium_keys[i], n))
				continue;
			medium = true;
			snprintf(spec, sizeof(spec), "%.*s",
				 (int)(strncmp(medium_keys[i], "inst.", 5)
					       ? strlen(word + n)
					       : strcspn(word + n, ":")),
				 word + n);
			xp_nodeset_add(&s->boot, &s->map, node_of_spec(s, spec));
		}
		for (size_t i = 0; i < XP_ARRAY_LEN(root_keys) && !medium; i++) {
			size_t n = strlen(root_keys[i]);

			if (!strncmp(word, root_keys[i], n))
				xp_nodeset_add(&s->system, &s->map, node_of_spec(s, word + n));
		}
	}
}

static enum xp_rc system_sets(struct xp_scan *s, struct xp_err *err)
{
	for (size_t i = 0; i < s->mounts.n; i++) {
		const struct xp_mount *m = &s->mounts.list[i];

		if (!m->is_init_ns)
			continue;
		if (is_medium_point(m->point))
			TRY(xp_scan_mount_nodes(&s->boot, s, m, err));
		else if (is_system_point(m->point))
			TRY(xp_scan_mount_nodes(&s->system, s, m, err));
	}
	cmdline_nodes(s);
	TRY(xp_scan_close_down(&s->system, s, err));
	TRY(xp_scan_close_down(&s->boot, s, err));
	/* a system that runs from a stick or a card: that is a boot medium, too */
	for (size_t i = 0; i < s->disks.n; i++) {
		const struct xp_disk *d = &s->disks.list[i];

		if (xp_nodeset_has(&s->system, &s->map, d->node) &&
		    (d->facts.identity.bus == XP_BUS_USB || d->facts.identity.bus == XP_BUS_MMC))
			xp_nodeset_add(&s->boot, &s->map, d->node);
	}
	return XP_OK;
}

enum xp_rc xp_scan_stack(struct xp_scan *s, struct xp_err *err)
{
	TRY(loops_read(s, err));
	TRY(xp_nodeset_new(&s->system, &s->map, err));
	TRY(xp_nodeset_new(&s->boot, &s->map, err));
	return system_sets(s, err);
}
