#include "device/interlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "device/block.h"
#include "device/interlock_checks.h"

/* udev and its like open a node for some milliseconds whenever something happens to it */
#define OPENER_TRIES	 4
#define OPENER_WAIT_MS	 100
#define PERMIT_FDS_START 8

struct held {
	int fd;
	char node[XP_NODE_LEN]; /* empty: an image */
};

struct xp_permit {
	int fd; /* of the target; also in held[] */
	bool direct;
	bool is_whole_disk;
	struct xp_sysroot root;
	struct xp_identity identity;
	char path[4096];
	struct held *held;
	size_t n;
	size_t cap;
};

static void permit_close(struct xp_permit *p)
{
	for (size_t i = p->n; i > 0; i--)
		close(p->held[i - 1].fd);
	free(p->held);
	xp_identity_free(&p->identity);
	xp_sysroot_close(&p->root);
	free(p);
}

static void permit_abandon(struct xp_permit **p)
{
	if (*p)
		permit_close(*p);
	*p = NULL;
}

/* Takes FD, also on failure. */
static enum xp_rc held_add(struct xp_permit *p, int fd, const char *node, struct xp_err *err)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : PERMIT_FDS_START;
		struct held *list = reallocarray(p->held, cap, sizeof(*list));

		if (!list) {
			close(fd);
			return xp_fail(err, XP_E_NOMEM, "%zu descriptors", cap);
		}
		p->held = list;
		p->cap = cap;
	}
	p->held[p->n].fd = fd;
	snprintf(p->held[p->n].node, sizeof(p->held[p->n].node), "%s", node);
	p->n++;
	return XP_OK;
}

/* What an open or a flock that was turned down means. A refusal is no error of ours. */
static enum xp_rc turned_down(struct xp_refusals *refusals, struct xp_err *err, const char *path,
			      const char *node)
{
	if (errno == EBUSY)
		return xp_refusals_add(
			refusals, err, XP_REFUSED_UNKNOWN,
			"find what holds it: lsblk, mount, swapon, dmsetup ls, fuser",
			"%s: the kernel says that %s is in use", path, node);
	if (errno == EWOULDBLOCK)
		return xp_refusals_add(refusals, err, XP_REFUSED_OPEN_ELSEWHERE,
				       "end the other program, or wait for it",
				       "%s: another program has locked %s", path, node);
	if (errno == EACCES || errno == EPERM)
		return xp_fail_errno(err, XP_E_PERM, "%s: %s", path, node);
	if (errno == EROFS)
		return xp_fail_errno(err, XP_E_UNSUPPORTED, "%s: %s is write-protected", path,
				     node);
	return xp_fail_errno(err, XP_E_IO, "%s: %s", path, node);
}

static void wait_ms(long ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&left, &left) && errno == EINTR)
		continue;
}

/* udev takes a shared lock while it looks at a disk, and lets go of it soon. */
static bool lock_patiently(int fd)
{
	for (unsigned i = 1; flock(fd, LOCK_EX | LOCK_NB); i++) {
		if (errno != EWOULDBLOCK || i == OPENER_TRIES)
			return false;
		wait_ms(OPENER_WAIT_MS);
	}
	return true;
}

static int open_direct(bool *direct, const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECT);

	*direct = fd >= 0;
	/* tmpfs has no O_DIRECT before Linux 6.6 */
	return fd < 0 && errno == EINVAL ? open(path, flags) : fd;
}

static enum xp_rc hold_image(struct xp_permit *p, struct xp_refusals *refusals,
			     const struct xp_target *t, enum xp_lease *lease, struct xp_err *err)
{
	struct stat st;

	p->fd = open_direct(&p->direct, t->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (p->fd < 0)
		return turned_down(refusals, err, t->path, t->identity.name);
	TRY(held_add(p, p->fd, "", err));
	if (fstat(p->fd, &st))
		return xp_fail_errno(err, XP_E_IO, "%s", t->path);
	if (!S_ISREG(st.st_mode))
		return xp_refusals_add(refusals, err, XP_REFUSED_IDENTITY_CHANGED, "look again",
				       "%s: no regular file any more", t->path);
	if (!lock_patiently(p->fd))
		return turned_down(refusals, err, t->path, t->identity.name);
	*lease = xp_lease_probe(p->fd);
	return XP_OK;
}

/* Opens one node of the drive: the target to be written, every other one to be kept. */
static enum xp_rc hold_node(struct xp_permit *p, struct xp_refusals *refusals,
			    const struct xp_target *t, const struct xp_block_node *node,
			    struct xp_err *err)
{
	bool target = node->dev == t->dev;
	bool exclusive = target || !t->identity.partition;
	char path[XP_NODE_LEN + 8];
	bool direct = false;
	struct stat st;
	int fd;

	xp_block_node_path(path, sizeof(path), node->name);
	if (target)
		fd = open_direct(&direct, access(path, F_OK) ? t->path : path,
				 O_RDWR | O_EXCL | O_NONBLOCK | O_CLOEXEC);
	else
		fd = open(path, O_RDONLY | (exclusive ? O_EXCL : 0) | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return turned_down(refusals, err, t->path, path);
	TRY(held_add(p, fd, node->name, err));
	if (fstat(fd, &st) || !S_ISBLK(st.st_mode) || st.st_rdev != node->dev)
		return xp_refusals_add(refusals, err, XP_REFUSED_IDENTITY_CHANGED,
				       "look again, and let udev settle",
				       "%s: %s is not the device that the kernel calls %s", t->path,
				       path, node->name);
	if (target) {
		struct xp_block_geometry geo;

		p->fd = fd;
		p->direct = direct;
		TRY(xp_block_geometry_read(&geo, fd, err));
		if (geo.read_only)
			return xp_fail(err, XP_E_UNSUPPORTED, "%s: %s is write-protected", t->path,
				       path);
	}
	/* udev leaves a disk alone while its whole node is locked */
	if (!node->partition && !lock_patiently(fd))
		return turned_down(refusals, err, t->path, path);
	return XP_OK;
}

/*
 * Whole disks of the drive. Claiming a whole disk claims its partitions with it: the kernel grants
 * neither while the other is claimed by somebody else. For a partition: itself, and a lock on the
 * disk.
 */
static enum xp_rc hold_drive(struct xp_permit *p, struct xp_refusals *refusals,
			     const struct xp_interlock_request *req, struct xp_err *err)
{
	const struct xp_target *t = req->target;
	AUTO(xp_blockmap_free) struct xp_blockmap map = {0};
	AUTO(xp_disks_free) struct xp_disks disks = {0};
	const struct xp_block_node *node;
	const struct xp_disk *disk;

	TRY(xp_blockmap_read(&map, req->root, err));
	TRY(xp_disks_read(&disks, req->root, &map, err));
	node = xp_blockmap_by_name(&map, t->node);
	disk = xp_disks_by_name(&disks, t->disk);
	if (!node || !disk || node->dev != t->dev)
		return xp_refusals_add(refusals, err, XP_REFUSED_IDENTITY_CHANGED, "look again",
				       "%s: %s is gone, or another device now", t->path, t->node);
	if (node->partition)
		TRY(hold_node(p, refusals, t, node, err));
	for (size_t i = 0; i < disks.n && refusals->n == 0; i++)
		if (disks.list[i].group == disk->group)
			TRY(hold_node(p, refusals, t, disks.list[i].node, err));
	return XP_OK;
}

static enum xp_rc compare_identity(struct xp_refusals *refusals, const struct xp_permit *p,
				   const struct xp_target *t, struct xp_err *err)
{
	AUTO(xp_identity_free) struct xp_identity now = {0};
	const char *difference = "";

	TRY(xp_target_identify_fd(&now, &p->root, p->fd, t->path, err));
	if (xp_identity_same(&t->identity, &now, &difference))
		return XP_OK;
	return xp_refusals_add(refusals, err, XP_REFUSED_IDENTITY_CHANGED,
			       "list the drives again and look at what is there now",
			       "%s: not what was named: %s differs", t->path, difference);
}

static bool only_openers(const struct xp_refusals *r, size_t from)
{
	for (size_t i = from; i < r->n; i++)
		if (r->list[i].code != XP_REFUSED_OPEN_ELSEWHERE)
			return false;
	return r->n > from;
}

/* The checks, again for a moment where nothing but open descriptors stands in the way. */
static enum xp_rc check_patiently(struct xp_refusals *refusals,
				  const struct xp_interlock_request *req, enum xp_lease lease,
				  struct xp_err *err)
{
	size_t from = refusals->n;

	for (unsigned i = 0;; i++) {
		TRY(xp_interlock_check_all(refusals, req, lease, err));
		if (!only_openers(refusals, from) || lease == XP_LEASE_BUSY ||
		    i + 1 == OPENER_TRIES)
			return XP_OK;
		refusals->n = from;
		wait_ms(OPENER_WAIT_MS);
	}
}

static enum xp_rc permit_new(struct xp_permit **out, const struct xp_interlock_request *req,
			     struct xp_err *err)
{
	AUTO(permit_abandon) struct xp_permit *p = calloc(1, sizeof(*p));

	if (!p)
		return xp_fail(err, XP_E_NOMEM, "%s", req->target->path);
	p->fd = -1;
	p->root.fd = -1;
	p->is_whole_disk = req->target->kind == XP_TARGET_DISK;
	snprintf(p->path, sizeof(p->path), "%s", req->target->path);
	TRY(xp_sysroot_open(&p->root, "/", err));
	*out = STEAL(p);
	return XP_OK;
}

static enum xp_rc refused(struct xp_err *err, const struct xp_refusals *refusals)
{
	return xp_fail(err, XP_E_REFUSED, "%s",
		       refusals->n ? refusals->list[0].message : "refused");
}

enum xp_rc xp_interlock_check(struct xp_refusals *out, const struct xp_interlock_request *req,
			      struct xp_err *err)
{
	return xp_interlock_check_all(out, req, XP_LEASE_UNKNOWN, err);
}

enum xp_rc xp_interlock_check_confirmed(struct xp_refusals *out,
					const struct xp_interlock_request *req, struct xp_err *err)
{
	TRY(xp_interlock_check_confirm(out, req, err));
	return out->n ? XP_OK : xp_interlock_check(out, req, err);
}

/*
 * A lock was not to be had: the checks may tell who has it, and that is the better reason. What the
 * kernel turned down stays a refusal, whatever they find. REFUSALS may be empty, where rights were
 * missing to open it at all.
 */
static enum xp_rc explain(struct xp_refusals *refusals, const struct xp_interlock_request *req,
			  struct xp_err *err)
{
	struct xp_refusals who = {0};
	enum xp_rc rc = xp_interlock_check_all(&who, req, XP_LEASE_UNKNOWN, err);

	for (size_t i = 0; i < refusals->n && rc == XP_OK; i++) {
		const struct xp_refusal *r = &refusals->list[i];

		if (r->code != XP_REFUSED_UNKNOWN || who.n == 0)
			rc = xp_refusals_add(&who, err, r->code, r->remedy, "%s", r->message);
	}
	xp_refusals_free(refusals);
	*refusals = who;
	return rc;
}

static bool has_known_reason(const struct xp_refusals *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].code != XP_REFUSED_UNKNOWN)
			return true;
	return false;
}

enum xp_rc xp_interlock_acquire(struct xp_permit **out, struct xp_refusals *refusals,
				const struct xp_interlock_request *request, struct xp_err *err)
{
	AUTO(permit_abandon) struct xp_permit *p = NULL;
	const struct xp_target *t = request->target;
	struct xp_interlock_request own = *request;
	const struct xp_interlock_request *req = &own;
	enum xp_lease lease = XP_LEASE_UNKNOWN;
	enum xp_rc rc;

	*out = NULL;
	/* whatever was to be closed is, by now */
	own.closing = NULL;
	if (!req->root->is_live) {
		TRY(xp_refusals_add(refusals, err, XP_REFUSED_UNKNOWN,
				    "run on the machine that holds the drive",
				    "%s: a captured tree is no drive", t->path));
		return refused(err, refusals);
	}
	TRY(xp_interlock_check_confirm(refusals, req, err));
	if (refusals->n)
		return refused(err, refusals);
	TRY(permit_new(&p, req, err));
	rc = t->kind == XP_TARGET_IMAGE ? hold_image(p, refusals, t, &lease, err)
					: hold_drive(p, refusals, req, err);
	if (rc == XP_OK && refusals->n == 0)
		rc = compare_identity(refusals, p, t, err);
	if (rc == XP_E_PERM || (rc == XP_OK && refusals->n)) {
		struct xp_err closed = err ? *err : (struct xp_err){0};

		permit_abandon(&p);
		TRY(explain(refusals, req, err));
		if (rc == XP_OK || has_known_reason(refusals))
			return refused(err, refusals);
		if (err)
			*err = closed;
		return rc;
	}
	TRY(rc);
	TRY(check_patiently(refusals, req, lease, err));
	if (refusals->n)
		return refused(err, refusals);
	TRY(xp_identity_copy(&p->identity, &t->identity, err));
	*out = STEAL(p);
	return XP_OK;
}

/*
 * A SCSI disk that was at a sanitize when the kernel last looked is one without capacity to it,
 * until it looks again.
 */
static enum xp_rc identify_held(struct xp_identity *now, const struct xp_permit *permit,
				struct xp_err *err)
{
	TRY(xp_target_identify_fd(now, &permit->root, permit->fd, permit->path, err));
	if (now->capacity_bytes || now->bus == XP_BUS_FILE ||
	    !xp_block_reread_partitions(permit->fd))
		return XP_OK;
	xp_identity_free(now);
	return xp_target_identify_fd(now, &permit->root, permit->fd, permit->path, err);
}

enum xp_rc xp_permit_identify(struct xp_identity *out, const struct xp_permit *permit,
			      struct xp_err *err)
{
	AUTO(xp_identity_free) struct xp_identity now = {0};
	const char *difference = "";

	if (identify_held(&now, permit, err) != XP_OK) {
		xp_err_prefix(err, "identity_changed: the target does not answer any more");
		if (err)
			err->rc = XP_E_REFUSED;
		return XP_E_REFUSED;
	}
	if (!xp_identity_same(&permit->identity, &now, &difference))
		return xp_fail(err, XP_E_REFUSED, "identity_changed: %s: %s differs", permit->path,
			       difference);
	return out ? xp_identity_copy(out, &now, err) : XP_OK;
}

int xp_permit_fd(const struct xp_permit *permit, bool *direct)
{
	if (direct)
		*direct = permit->direct;
	return permit->fd;
}

void xp_permit_release(struct xp_permit **permit)
{
	if (!*permit)
		return;
	/* a disk that takes no partitions says so, and nothing is lost */
	if ((*permit)->is_whole_disk)
		(void)xp_block_reread_partitions((*permit)->fd);
	permit_close(*permit);
	*permit = NULL;
}
