#include "device/usage_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MAPS_MAX_BYTES (64u << 20)
#define SHUT_TRIES     15u
#define SHUT_PAUSE_MS  20
/* procfs gives the first PID namespace this inode [Linux PROC_PID_INIT_INO] */
#define PID_NS_INIT "pid:[4026531836]"

/* A character node that reaches a disk: sg, bsg, the NVMe controller and generic nodes. */
struct charnode {
	dev_t dev;
	char name[96];
	const struct xp_block_node *node;
};

struct charnodes {
	struct charnode *list;
	size_t n;
	size_t cap;
};

static void charnodes_free(struct charnodes *c)
{
	free(c->list);
	*c = (struct charnodes){0};
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- which character nodes reach which disks ---- */

/* Is the device folder DIR of a character node also the disk's, or above it? */
static bool reaches(const struct xp_sysroot *root, const char *dir, const struct xp_disk *disk)
{
	char device[512];
	size_t len = strlen(dir);

	if (len && !strncmp(disk->node->syspath, dir, len) && disk->node->syspath[len] == '/')
		return true;
	return xp_sysroot_realpath(device, sizeof(device), root, "%s/device",
				   disk->node->syspath) &&
	       !strcmp(device, dir);
}

/* A controller of the subsystem that a multipath head hangs off. */
static bool is_controller_of(const struct xp_sysroot *root, const char *name,
			     const struct xp_disk *disk)
{
	return disk->facts.identity.bus == XP_BUS_NVME &&
	       xp_sysroot_has(root, "%s/device/%s", disk->node->syspath, name);
}

static enum xp_rc charnode_add(struct charnodes *out, const struct charnode *node,
			       struct xp_err *err)
{
	if (out->n == out->cap) {
		size_t cap = out->cap ? out->cap * 2 : 32;
		struct charnode *list = reallocarray(out->list, cap, sizeof(*list));

		if (!list)
			return xp_fail(err, XP_E_NOMEM, "%zu character nodes", cap);
		out->list = list;
		out->cap = cap;
	}
	out->list[out->n++] = *node;
	return XP_OK;
}

static enum xp_rc charnodes_of_class(struct charnodes *out, const struct xp_scan *s,
				     const char *class_name, struct xp_err *err)
{
	AUTO(xp_names_free) struct xp_names names = {0};

	if (xp_sysroot_list(&names, s->root, NULL, "sys/class/%s", class_name) != XP_OK)
		return XP_OK; /* a kernel without that driver has no such nodes */
	for (size_t i = 0; i < names.n; i++) {
		struct charnode node = {0};
		char dir[512];
		char text[32];

		if (!xp_sysroot_read_text(text, sizeof(text), s->root, "sys/class/%s/%s/dev",
					  class_name, names.list[i]) ||
		    !xp_dev_parse(&node.dev, text))
			continue;
		/* a fabrics controller's "device" is shared by all: there only its own folder tells
		 */
		if (!xp_sysroot_realpath(dir, sizeof(dir), s->root, "sys/class/%s/%s%s", class_name,
					 names.list[i],
					 strcmp(class_name, "nvme") ? "/device" : ""))
			continue;
		snprintf(node.name, sizeof(node.name), "%.90s", names.list[i]);
		for (size_t d = 0; d < s->disks.n; d++) {
			if (!reaches(s->root, dir, &s->disks.list[d]) &&
			    !is_controller_of(s->root, names.list[i], &s->disks.list[d]))
				continue;
			node.node = s->disks.list[d].node;
			TRY(charnode_add(out, &node, err));
		}
	}
	return XP_OK;
}

static enum xp_rc charnodes_read(struct charnodes *out, const struct xp_scan *s, struct xp_err *err)
{
	static const char *const classes[] = {"scsi_generic", "bsg", "nvme", "nvme-generic",
					      "mmc_rpmb"};

	for (size_t i = 0; i < XP_ARRAY_LEN(classes); i++)
		TRY(charnodes_of_class(out, s, classes[i], err));
	return XP_OK;
}

/* ---- who has what open ---- */

static enum xp_rc opener_add(struct xp_scan *s, const struct xp_opener *opener, struct xp_err *err)
{
	for (size_t i = 0; i < s->openers_n; i++) {
		const struct xp_opener *o = &s->openers[i];

		if (o->pid == opener->pid && o->node == opener->node &&
		    !strcmp(o->name, opener->name) && o->is_image == opener->is_image)
			return XP_OK;
	}
	if (s->openers_n == s->openers_cap) {
		size_t cap = s->openers_cap ? s->openers_cap * 2 : 32;
		struct xp_opener *list = reallocarray(s->openers, cap, sizeof(*list));

		if (!list)
			return xp_fail(err, XP_E_NOMEM, "%zu open nodes", cap);
		s->openers = list;
		s->openers_cap = cap;
	}
	s->openers[s->openers_n++] = *opener;
	return XP_OK;
}

static enum xp_rc opener_of_dev(struct xp_scan *s, const struct charnodes *chars,
				struct xp_opener *opener, const struct stat *st, struct xp_err *err)
{
	if (S_ISBLK(st->st_mode)) {
		opener->node = xp_blockmap_by_dev(&s->map, st->st_rdev);
		if (!opener->node)
			return XP_OK;
		snprintf(opener->name, sizeof(opener->name), "%s", opener->node->name);
		return opener_add(s, opener, err);
	}
	for (size_t i = 0; S_ISCHR(st->st_mode) && i < chars->n; i++) {
		if (chars->list[i].dev != st->st_rdev)
			continue;
		opener->node = chars->list[i].node;
		snprintf(opener->name, sizeof(opener->name), "%s", chars->list[i].name);
		TRY(opener_add(s, opener, err));
	}
	return XP_OK;
}

/* By the text of the link alone: for captured trees, where no device can be asked. */
static enum xp_rc opener_of_path(struct xp_scan *s, const struct charnodes *chars,
				 struct xp_opener *opener, const char *path, struct xp_err *err)
{
	opener->node = xp_blockmap_by_path(&s->map, s->root, path);
	if (opener->node) {
		snprintf(opener->name, sizeof(opener->name), "%s", opener->node->name);
		return opener_add(s, opener, err);
	}
	if (strncmp(path, "/dev/", 5))
		return XP_OK;
	for (size_t i = 0; i < chars->n; i++) {
		if (strcmp(chars->list[i].name, last_part(path)))
			continue;
		opener->node = chars->list[i].node;
		snprintf(opener->name, sizeof(opener->name), "%s", chars->list[i].name);
		TRY(opener_add(s, opener, err));
	}
	return XP_OK;
}

static bool is_image(const struct xp_scan *s, const struct stat *st, const char *path)
{
	if (s->image.path[0] && path[0] && !strcmp(path, s->image.path))
		return true;
	return st && s->image.inode && st->st_ino == s->image.inode &&
	       st->st_dev == s->image.fs_dev;
}

/* What the kernel knows already: a server that does not answer must not hold up the look. */
static bool stat_cached(struct stat *st, int dir_fd, const char *path)
{
	struct statx sx;

	if (statx(dir_fd, path, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_MODE | STATX_INO, &sx))
		return false;
	*st = (struct stat){.st_mode = sx.stx_mode,
			    .st_ino = sx.stx_ino,
			    .st_dev = makedev(sx.stx_dev_major, sx.stx_dev_minor),
			    .st_rdev = makedev(sx.stx_rdev_major, sx.stx_rdev_minor)};
	return true;
}

static enum xp_rc opener_of_fd(struct xp_scan *s, const struct charnodes *chars,
			       struct xp_opener *opener, const char *path_fmt_dir, const char *name,
			       struct xp_err *err)
{
	char path[4096];
	struct stat st;

	opener->node = NULL;
	opener->is_image = false;
	if (!xp_sysroot_link(path, sizeof(path), s->root, "%s/%s", path_fmt_dir, name))
		path[0] = 0;
	if (!s->root->is_live) {
		opener->is_image = is_image(s, NULL, path);
	} else {
		char full[512];

		snprintf(full, sizeof(full), "%s/%s", path_fmt_dir, name);
		if (!stat_cached(&st, s->root->fd, full)) {
			opener->is_shut = !path[0] && (errno == EACCES || errno == EPERM);
			return XP_OK; /* else it was closed meanwhile, or lies on a user's FUSE */
		}
		opener->is_image = S_ISREG(st.st_mode) && is_image(s, &st, path);
	}
	if (opener->is_image) {
		snprintf(opener->name, sizeof(opener->name), "%s", "image");
		return opener_add(s, opener, err);
	}
	return s->root->is_live ? opener_of_dev(s, chars, opener, &st, err)
				: opener_of_path(s, chars, opener, path, err);
}

/* A mapping outlives its descriptor. Lines: "from-to perms offset maj:min inode   path". */
static enum xp_rc openers_of_maps(struct xp_scan *s, const struct charnodes *chars,
				  struct xp_opener *opener, const char *pid, struct xp_err *err)
{
	AUTO_MEM char *text = NULL;
	size_t len = 0;
	enum xp_rc rc;
	char *save = NULL;

	rc = xp_sysroot_read_max(&text, &len, s->root, MAPS_MAX_BYTES, err, "proc/%s/maps", pid);
	if (rc == XP_E_NOENT || rc == XP_E_PERM)
		return XP_OK; /* gone; or closed, which the descriptors have told already */
	TRY(rc);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *path = strchr(line, '/');
		struct stat st;

		if (!path)
			continue;
		opener->node = NULL;
		opener->is_mapped = true;
		opener->is_image = is_image(s, NULL, path);
		if (opener->is_image) {
			snprintf(opener->name, sizeof(opener->name), "%s", "image");
			TRY(opener_add(s, opener, err));
		} else if (!strncmp(path, "/dev/", 5) && s->root->is_live) {
			if (stat(path, &st) == 0)
				TRY(opener_of_dev(s, chars, opener, &st, err));
		} else if (!strncmp(path, "/dev/", 5)) {
			TRY(opener_of_path(s, chars, opener, path, err));
		}
	}
	return XP_OK;
}

/* DIR: the folder of a process, or of one of its threads. */
static enum xp_rc openers_of_fds(struct xp_scan *s, const struct charnodes *chars,
				 struct xp_opener *opener, const char *dir, struct xp_err *err)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	char fds[96];
	enum xp_rc rc;

	snprintf(fds, sizeof(fds), "%s/fd", dir);
	rc = xp_sysroot_list(&names, s->root, err, "%s", fds);
	if (rc == XP_E_NOENT)
		return XP_OK;
	if (rc == XP_E_PERM) {
		s->unreadable++;
		return XP_OK;
	}
	TRY(rc);
	/*
	 * A process with rights that we lack lists its descriptors and does not show them. init is
	 * the one that is passed over: it holds no drives, and some hosts give it more than root
	 * has.
	 */
	for (size_t i = 0; i < names.n && !opener->is_shut; i++)
		TRY(opener_of_fd(s, chars, opener, fds, names.list[i], err));
	if (opener->is_shut && opener->pid != 1)
		s->unreadable++;
	return XP_OK;
}

/* A thread may have a table of descriptors of its own, and the first thread may have ended. */
static enum xp_rc openers_of_threads(struct xp_scan *s, const struct charnodes *chars,
				     struct xp_opener *opener, const char *pid, struct xp_err *err)
{
	AUTO(xp_names_free) struct xp_names tasks = {0};
	char dir[64];

	if (!s->root->is_live ||
	    xp_sysroot_list(&tasks, s->root, NULL, "proc/%s/task", pid) != XP_OK)
		return XP_OK;
	for (size_t i = 0; i < tasks.n; i++) {
		pid_t tid = (pid_t)strtol(tasks.list[i], NULL, 10);

		if (tid == opener->pid ||
		    syscall(SYS_kcmp, opener->pid, tid, KCMP_FILES, 0, 0) == 0)
			continue;
		snprintf(dir, sizeof(dir), "proc/%.20s/task/%.20s", pid, tasks.list[i]);
		TRY(openers_of_fds(s, chars, opener, dir, err));
	}
	return XP_OK;
}

static enum xp_rc openers_of_pid(struct xp_scan *s, const struct charnodes *chars, const char *pid,
				 struct xp_err *err)
{
	struct xp_opener opener = {.pid = (pid_t)strtol(pid, NULL, 10)};
	char dir[64];

	if (opener.pid == s->exempt_pid)
		return XP_OK;
	xp_sysroot_read_text(opener.comm, sizeof(opener.comm), s->root, "proc/%s/comm", pid);
	snprintf(dir, sizeof(dir), "proc/%s", pid);
	TRY(openers_of_fds(s, chars, &opener, dir, err));
	if (!opener.is_shut)
		TRY(openers_of_threads(s, chars, &opener, pid, err));
	return openers_of_maps(s, chars, &opener, pid, err);
}

static void pause_ms(void *ctx)
{
	const struct timespec ms = {.tv_nsec = SHUT_PAUSE_MS * 1000000L};

	(void)ctx;
	(void)nanosleep(&ms, NULL);
}

/*
 * Those that IS_WANTED says, which then says which of them were closed to us.
 */
static enum xp_rc openers_of_pids(size_t *shut_n, bool *is_wanted, struct xp_scan *s,
				  const struct charnodes *chars, const struct xp_names *names,
				  struct xp_err *err)
{
	*shut_n = 0;
	s->unreadable = 0;
	for (size_t i = 0; i < names->n; i++) {
		size_t before = s->unreadable;

		if (!is_wanted[i])
			continue;
		TRY(openers_of_pid(s, chars, names->list[i], err));
		is_wanted[i] = s->unreadable != before;
		*shut_n += is_wanted[i];
	}
	return XP_OK;
}

struct patience {
	const struct xp_scan_request *req;
	unsigned tries; /* that are left */
};

/*
 * All processes there are, and those that are closed again and again. *AGAIN: some were, and none
 * is any more.
 */
static enum xp_rc openers_of_all(bool *again, struct xp_scan *s, const struct charnodes *chars,
				 struct patience *p, struct xp_err *err)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	AUTO_MEM bool *is_wanted = NULL;
	size_t shut_n = 0;

	TRY(xp_sysroot_list(&names, s->root, err, "proc"));
	is_wanted = calloc(names.n + 1, sizeof(*is_wanted));
	if (!is_wanted)
		return xp_fail(err, XP_E_NOMEM, "%zu processes", names.n);
	for (size_t i = 0; i < names.n; i++)
		is_wanted[i] = xp_proc_is_pid(names.list[i]);
	s->openers_n = 0;
	TRY(openers_of_pids(&shut_n, is_wanted, s, chars, &names, err));
	*again = shut_n != 0;
	for (; shut_n && p->tries; p->tries--) {
		(p->req->pause ? p->req->pause : pause_ms)(p->req->pause_ctx);
		TRY(openers_of_pids(&shut_n, is_wanted, s, chars, &names, err));
	}
	*again = *again && !shut_n;
	return XP_OK;
}

enum xp_rc xp_scan_openers(struct xp_scan *s, const struct xp_scan_request *req, struct xp_err *err)
{
	AUTO(charnodes_free) struct charnodes chars = {0};
	/*
	 * What init begins has init's rights for a moment, which may be more than ours, and gives
	 * them up or ends: looked at once more, before it stands in the way of everything.
	 */
	struct patience p = {req, s->root->is_live && geteuid() == 0 ? SHUT_TRIES : 0};
	bool again = false;
	char ns[64];

	TRY(charnodes_read(&chars, s, err));
	/* what was closed may have handed on what it held, to a process that is new or seen before
	 */
	do {
		TRY(openers_of_all(&again, s, &chars, &p, err));
	} while (again);
	if (s->root->is_live)
		s->is_confined = !xp_sysroot_link(ns, sizeof(ns), s->root, "proc/self/ns/pid") ||
				 strcmp(ns, PID_NS_INIT) != 0;
	return XP_OK;
}
