#include "device/usage_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

/* ---- the list ---- */

enum xp_rc xp_uses_add(struct xp_uses *u, const struct xp_use *use, struct xp_err *err)
{
	for (size_t i = 0; i < u->n; i++) {
		const struct xp_use *o = &u->list[i];

		if (o->code == use->code && !strcmp(o->kind, use->kind) &&
		    !strcmp(o->where, use->where) && !strcmp(o->node, use->node))
			return XP_OK;
	}
	if (u->n == u->cap) {
		size_t cap = u->cap ? u->cap * 2 : 8;
		struct xp_use *list = reallocarray(u->list, cap, sizeof(*list));

		if (!list)
			return xp_fail(err, XP_E_NOMEM, "a list of %zu uses", cap);
		u->list = list;
		u->cap = cap;
	}
	u->list[u->n++] = *use;
	return XP_OK;
}

void xp_uses_free(struct xp_uses *u)
{
	free(u->list);
	*u = (struct xp_uses){0};
}

/* ---- the scan ---- */

enum xp_rc xp_scan_read(struct xp_scan *out, const struct xp_scan_request *req, struct xp_err *err)
{
	AUTO(xp_scan_free)
	struct xp_scan s = {
		.root = req->root,
		.image = req->image,
		.exempt_pid = req->exempt_pid,
	};
	size_t closed = 0;

	/* a system without sysfs' block class has no drives; images can still be asked about */
	if (xp_sysroot_has(req->root, "sys/class/block"))
		TRY(xp_blockmap_read(&s.map, req->root, err));
	TRY(xp_disks_read(&s.disks, req->root, &s.map, err));
	TRY(xp_mounts_read(&s.mounts, &closed, req->root, err));
	TRY(xp_swaps_read(&s.swaps, req->root, err));
	TRY(xp_scan_stack(&s, err));
	TRY(xp_scan_openers(&s, req, err));
	/* mostly the same processes; what counts is that there are any */
	if (closed > s.unreadable)
		s.unreadable = closed;
	*out = s;
	memset(&s, 0, sizeof(s));
	return XP_OK;
}

void xp_scan_free(struct xp_scan *s)
{
	xp_blockmap_free(&s->map);
	xp_disks_free(&s->disks);
	xp_mounts_free(&s->mounts);
	xp_swaps_free(&s->swaps);
	free(s->loops);
	free(s->openers);
	xp_nodeset_free(&s->system);
	xp_nodeset_free(&s->boot);
	memset(s, 0, sizeof(*s));
}

/* ---- which nodes are the target's ---- */

/* DISK and its partitions; with RANGE only the partitions that share bytes with it. */
static void add_disk(struct xp_nodeset *set, const struct xp_scan *s, const char *disk,
		     const struct xp_block_node *range)
{
	for (size_t i = 0; i < s->map.n; i++) {
		const struct xp_block_node *n = &s->map.list[i];

		if (strcmp(n->disk, disk))
			continue;
		if (range &&
		    (!n->partition || n->start_bytes >= range->start_bytes + range->bytes ||
		     range->start_bytes >= n->start_bytes + n->bytes))
			continue;
		xp_nodeset_add(set, &s->map, n);
	}
}

static bool is_same_backing(const struct xp_loop *a, const struct xp_loop *b)
{
	if (a->inode && b->inode)
		return a->inode == b->inode && a->fs_dev == b->fs_dev;
	return !strcmp(a->file, b->file);
}

/*
 * A loop neither claims the node below it nor does it know of other loops on the same file: what
 * happens there happens to the target.
 */
static bool add_below_loops(struct xp_nodeset *set, const struct xp_scan *s)
{
	bool changed = false;

	for (size_t i = 0; i < s->loops_n; i++) {
		const struct xp_loop *loop = &s->loops[i];
		const struct xp_block_node *below;

		if (!xp_nodeset_has(set, &s->map, loop->node))
			continue;
		below = loop->rdev ? xp_blockmap_by_dev(&s->map, (dev_t)loop->rdev)
				   : xp_blockmap_by_path(&s->map, s->root, loop->file);
		if (xp_nodeset_add(set, &s->map, below)) {
			changed = true;
			if (!below->partition)
				add_disk(set, s, below->name, NULL);
		}
		for (size_t k = 0; k < s->loops_n; k++) {
			if (!is_same_backing(loop, &s->loops[k]) ||
			    !xp_nodeset_add(set, &s->map, s->loops[k].node))
				continue;
			changed = true;
			add_disk(set, s, s->loops[k].node->name, NULL);
		}
	}
	return changed;
}

enum xp_rc xp_scan_nodes_of(struct xp_nodeset *nodes, struct xp_nodeset *drive,
			    const struct xp_scan *s, const char *name, struct xp_err *err)
{
	AUTO(xp_nodeset_free) struct xp_nodeset own = {0};
	AUTO(xp_nodeset_free) struct xp_nodeset all = {0};
	const struct xp_block_node *node = xp_blockmap_by_name(&s->map, name);
	const struct xp_disk *disk = node ? xp_disks_by_name(&s->disks, node->disk) : NULL;

	if (!disk)
		return xp_fail(err, XP_E_NOENT, "%s: no such drive any more", name);
	TRY(xp_nodeset_new(&own, &s->map, err));
	TRY(xp_nodeset_new(&all, &s->map, err));
	for (size_t i = 0; i < s->disks.n; i++) {
		const struct xp_disk *d = &s->disks.list[i];

		if (d->group != disk->group)
			continue;
		add_disk(&all, s, d->node->name, NULL);
		if (!node->partition)
			add_disk(&own, s, d->node->name, NULL);
		else if (d->facts.nsid == disk->facts.nsid)
			add_disk(&own, s, d->node->name, node);
	}
	while (add_below_loops(&own, s) || add_below_loops(&all, s))
		continue;
	*nodes = own;
	*drive = all;
	own = (struct xp_nodeset){0};
	all = (struct xp_nodeset){0};
	return XP_OK;
}

/* ---- the question ---- */

#define LEASE_TRIES 40 /* of 20 ms */

enum xp_lease xp_lease_probe(int fd)
{
	/* should somebody open the file in this instant, the kernel's signal must not kill us */
	if (fcntl(fd, F_SETSIG, SIGURG))
		return XP_LEASE_UNKNOWN;
	/* the kernel lets go of a file some moments after an io_uring process that had it has ended
	 */
	for (unsigned tries = 0; fcntl(fd, F_SETLEASE, F_WRLCK); tries++) {
		const struct timespec pause = {.tv_nsec = 20000000};

		if (errno != EAGAIN)
			return XP_LEASE_UNKNOWN;
		if (tries == LEASE_TRIES)
			return XP_LEASE_BUSY;
		nanosleep(&pause, NULL);
	}
	if (fcntl(fd, F_SETLEASE, F_UNLCK))
		return XP_LEASE_UNKNOWN;
	return XP_LEASE_FREE;
}

static void image_of_path(struct xp_scan_image *out, const struct xp_sysroot *root,
			  const char *path)
{
	char real[4096];

	if (root->is_live) {
		char *resolved = realpath(path, NULL);

		snprintf(out->path, sizeof(out->path), "%s", resolved ? resolved : "");
		free(resolved);
	} else if (xp_sysroot_realpath(real, sizeof(real) - 1, root, "%s", path)) {
		snprintf(out->path, sizeof(out->path), "/%.4090s", real);
	}
}

/* Asks without having the file open: the probe's own descriptor is the only one of ours. */
static enum xp_lease lease_of_path(const struct xp_target *target)
{
	AUTO_FD int fd = open(target->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || st.st_ino != target->identity.inode ||
	    st.st_dev != target->identity.fs_dev)
		return XP_LEASE_UNKNOWN;
	return xp_lease_probe(fd);
}

static bool has_known_use(const struct xp_uses *u)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->list[i].code != XP_REFUSED_UNKNOWN)
			return true;
	return false;
}

enum xp_rc xp_uses_find_held(struct xp_uses *out, const struct xp_sysroot *root,
			     const struct xp_target *target, pid_t exempt_pid, enum xp_lease lease,
			     struct xp_err *err)
{
	struct xp_scan_request req = {.root = root, .exempt_pid = exempt_pid};
	AUTO(xp_scan_free) struct xp_scan s = {0};
	AUTO(xp_nodeset_free) struct xp_nodeset nodes = {0};
	AUTO(xp_nodeset_free) struct xp_nodeset drive = {0};
	struct xp_scan_question q = {.image_is_free = lease == XP_LEASE_FREE};
	struct xp_use busy = {.code = XP_REFUSED_OPEN_ELSEWHERE, .kind = "process"};

	/* an image, or the file below a loop: its other users are the target's */
	req.image.fs_dev = target->identity.fs_dev;
	req.image.inode = target->identity.inode;
	if (target->kind == XP_TARGET_IMAGE)
		image_of_path(&req.image, root, target->path);
	TRY(xp_scan_read(&s, &req, err));
	if (target->kind != XP_TARGET_IMAGE) {
		TRY(xp_scan_nodes_of(&nodes, &drive, &s, target->node, err));
		q.nodes = &nodes;
		q.drive = &drive;
	}
	q.image = req.image.inode != 0;
	TRY(xp_scan_ask(out, &s, &q, err));
	if (lease == XP_LEASE_BUSY && !has_known_use(out)) {
		snprintf(busy.where, sizeof(busy.where), "%s",
			 "somebody has the file open; who cannot be seen from here");
		snprintf(busy.remedy, sizeof(busy.remedy), "%s",
			 "end what uses the file, or run as root to see who it is");
		TRY(xp_uses_add(out, &busy, err));
	}
	return XP_OK;
}

enum xp_rc xp_uses_find(struct xp_uses *out, const struct xp_sysroot *root,
			const struct xp_target *target, pid_t exempt_pid, struct xp_err *err)
{
	enum xp_lease lease = XP_LEASE_UNKNOWN;

	if (target->kind == XP_TARGET_IMAGE && root->is_live)
		lease = lease_of_path(target);
	return xp_uses_find_held(out, root, target, exempt_pid, lease, err);
}
