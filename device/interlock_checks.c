#include "device/interlock_checks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "device/luks_close.h"

/* Is it the mapping itself? What stands on it is another use. */
static bool will_be_closed(const struct xp_use *u, const struct xp_luks_mappings *closing)
{
	char where[sizeof(u->where)];

	for (size_t i = 0; closing && i < closing->n; i++) {
		snprintf(where, sizeof(where), "%s (%s)", closing->list[i].node,
			 closing->list[i].name);
		if (u->code == XP_REFUSED_HOLDER && strcmp(u->kind, "crypt") == 0 &&
		    strcmp(u->where, where) == 0)
			return true;
	}
	return false;
}

static enum xp_rc check_uses(struct xp_refusals *out, const struct xp_interlock_request *req,
			     enum xp_lease lease, struct xp_err *err)
{
	AUTO(xp_uses_free) struct xp_uses uses = {0};

	TRY(lease == XP_LEASE_UNKNOWN
		    ? xp_uses_find(&uses, req->root, req->target, getpid(), err)
		    : xp_uses_find_held(&uses, req->root, req->target, getpid(), lease, err));
	for (size_t i = 0; i < uses.n; i++) {
		const struct xp_use *u = &uses.list[i];
		bool is_part = u->node[0] && strcmp(u->node, req->target->node) != 0;

		if (will_be_closed(u, req->closing))
			continue;
		TRY(xp_refusals_add(out, err, u->code, u->remedy, "%s: in use (%s): %s%s%s",
				    req->target->path, u->kind, u->where, is_part ? ", on " : "",
				    is_part ? u->node : ""));
	}
	return XP_OK;
}

static enum xp_rc check_kind(struct xp_refusals *out, const struct xp_interlock_request *req,
			     const struct xp_scan *s, const struct xp_nodeset *drive,
			     struct xp_err *err)
{
	bool remote = false;
	bool zoned = false;

	for (size_t i = 0; i < s->disks.n; i++) {
		const struct xp_disk *d = &s->disks.list[i];

		if (!xp_nodeset_has(drive, &s->map, d->node))
			continue;
		remote = remote || d->facts.remote;
		zoned = zoned || d->facts.zoned;
	}
	if (remote && !req->allow_remote)
		TRY(xp_refusals_add(
			out, err, XP_REFUSED_REMOTE, "give --allow-remote if it is really meant",
			"%s: it is reached over a network or fabric: other hosts may use it",
			req->target->path));
	if (zoned)
		TRY(xp_refusals_add(out, err, XP_REFUSED_ZONED,
				    "none: zoned drives are not handled", "%s: a zoned drive",
				    req->target->path));
	return XP_OK;
}

/* The nearest part of a path that is there already; the rest will be made in it. NULL: cannot be
 * told. */
static char *nearest_existing(const char *path)
{
	AUTO_MEM char *part = strdup(path);

	/* a descriptor leads to what was opened, also where nothing has that name any more */
	if (part && strncmp(part, "/proc/self/fd/", 14) == 0)
		return STEAL(part);
	while (part && *part) {
		char *real = realpath(part, NULL);
		char *slash;

		if (real)
			return real;
		if (errno != ENOENT)
			return NULL;
		slash = strrchr(part, '/');
		if (!slash || slash == part)
			return realpath(slash ? "/" : ".", NULL);
		*slash = 0;
	}
	return NULL;
}

static enum xp_rc check_output(struct xp_refusals *out, const struct xp_interlock_request *req,
			       const struct xp_scan *s, const struct xp_nodeset *drive,
			       const char *path, struct xp_err *err)
{
	AUTO(xp_nodeset_free) struct xp_nodeset on = {0};
	const struct xp_target *t = req->target;
	AUTO_MEM char *real = nearest_existing(path);
	struct stat st;

	if (!real || stat(real, &st))
		return xp_refusals_add(out, err, XP_REFUSED_UNKNOWN, "name a folder that exists",
				       "%s: where the output folder %s lies cannot be told",
				       t->path, path);
	if (S_ISREG(st.st_mode) && t->kind == XP_TARGET_IMAGE && st.st_ino == t->identity.inode &&
	    st.st_dev == t->identity.fs_dev)
		return xp_refusals_add(out, err, XP_REFUSED_OUTPUT_ON_TARGET,
				       "write the output somewhere else",
				       "%s: the output path is the image itself", t->path);
	if (!drive)
		return XP_OK;
	TRY(xp_nodeset_new(&on, &s->map, err));
	TRY(xp_scan_file_nodes(&on, s, real, st.st_dev, 0, err));
	TRY(xp_scan_close_down(&on, s, err));
	for (size_t i = 0; i < s->map.n; i++)
		if (on.in[i] && drive->in[i])
			return xp_refusals_add(out, err, XP_REFUSED_OUTPUT_ON_TARGET,
					       "write the output to another drive",
					       "%s: the output folder %s lies on %s", t->path, path,
					       s->map.list[i].name);
	return XP_OK;
}

enum xp_rc xp_interlock_find_output(size_t *which, const struct xp_sysroot *root,
				    const char *folder, const struct xp_target *targets, size_t n,
				    struct xp_err *err)
{
	const struct xp_scan_request scan = {.root = root, .exempt_pid = getpid()};
	AUTO(xp_scan_free) struct xp_scan s = {0};

	*which = n;
	TRY(xp_scan_read(&s, &scan, err));
	for (size_t i = 0; i < n; i++) {
		const struct xp_interlock_request req = {.root = root, .target = &targets[i]};
		bool image = targets[i].kind == XP_TARGET_IMAGE;
		AUTO(xp_nodeset_free) struct xp_nodeset nodes = {0};
		AUTO(xp_nodeset_free) struct xp_nodeset drive = {0};
		AUTO(xp_refusals_free) struct xp_refusals found = {0};

		if (!image)
			TRY(xp_scan_nodes_of(&nodes, &drive, &s, targets[i].node, err));
		TRY(check_output(&found, &req, &s, image ? NULL : &drive, folder, err));
		if (!found.n)
			continue;
		/* what cannot be told is not elsewhere */
		if (found.list[0].code != XP_REFUSED_OUTPUT_ON_TARGET)
			return xp_fail(err, XP_E_REFUSED, "%s: %s",
				       xp_refusal_code_name(found.list[0].code),
				       found.list[0].message);
		*which = i;
		return XP_OK;
	}
	return XP_OK;
}

/* System disk and boot medium before all else: nothing releases them. */
static unsigned gravity(enum xp_refusal_code code)
{
	if (code == XP_REFUSED_SYSTEM_DISK || code == XP_REFUSED_BOOT_MEDIUM)
		return 0;
	return code == XP_REFUSED_UNKNOWN ? 2 : 1;
}

static void sort_by_gravity(struct xp_refusals *r)
{
	/* insertion: short lists, and the order of equals stays */
	for (size_t i = 1; i < r->n; i++) {
		struct xp_refusal one = r->list[i];
		size_t k = i;

		for (; k > 0 && gravity(r->list[k - 1].code) > gravity(one.code); k--)
			r->list[k] = r->list[k - 1];
		r->list[k] = one;
	}
}

enum xp_rc xp_interlock_check_all(struct xp_refusals *out, const struct xp_interlock_request *req,
				  enum xp_lease lease, struct xp_err *err)
{
	const struct xp_scan_request scan = {.root = req->root, .exempt_pid = getpid()};
	AUTO(xp_scan_free) struct xp_scan s = {0};
	AUTO(xp_nodeset_free) struct xp_nodeset nodes = {0};
	AUTO(xp_nodeset_free) struct xp_nodeset drive = {0};
	bool image = req->target->kind == XP_TARGET_IMAGE;

	TRY(check_uses(out, req, lease, err));
	TRY(xp_scan_read(&s, &scan, err));
	if (!image) {
		TRY(xp_scan_nodes_of(&nodes, &drive, &s, req->target->node, err));
		TRY(check_kind(out, req, &s, &drive, err));
	}
	for (size_t i = 0; req->outputs && req->outputs[i]; i++)
		TRY(check_output(out, req, &s, image ? NULL : &drive, req->outputs[i], err));
	sort_by_gravity(out);
	return XP_OK;
}

/* ---- the confirm string ---- */

static bool is_given(const char *const *confirms, const char *string)
{
	for (size_t i = 0; confirms && confirms[i]; i++)
		if (!strcmp(confirms[i], string))
			return true;
	return false;
}

/* The serial number of a drive with several namespaces says nothing of which ones are meant. */
static enum xp_rc refuse_bare_serial(struct xp_refusals *out, const struct xp_target *t,
				     unsigned namespaces, struct xp_err *err)
{
	char remedy[XP_CONFIRM_LEN + 128];

	snprintf(remedy, sizeof(remedy),
		 "confirm with: %s; in an expect list that stands in the column serial, in quotes "
		 "where it has a comma",
		 t->confirm);
	return xp_refusals_add(out, err, XP_REFUSED_CONFIRM_MISMATCH, remedy,
			       "%s: \"%.255s\" is a drive with %u namespaces, which are confirmed "
			       "by their numbers",
			       t->path, t->identity.serial, namespaces);
}

enum xp_rc xp_interlock_check_confirm(struct xp_refusals *out,
				      const struct xp_interlock_request *req, struct xp_err *err)
{
	AUTO(xp_blockmap_free) struct xp_blockmap map = {0};
	AUTO(xp_disks_free) struct xp_disks disks = {0};
	const struct xp_target *t = req->target;
	const struct xp_disk *disk;
	char base[XP_CONFIRM_LEN + 16];
	char whole[XP_CONFIRM_LEN];
	char remedy[XP_CONFIRM_LEN + 64];
	size_t fitting;

	if (xp_sysroot_has(req->root, "sys/class/block"))
		TRY(xp_blockmap_read(&map, req->root, err));
	TRY(xp_disks_read(&disks, req->root, &map, err));
	disk = t->kind == XP_TARGET_IMAGE ? NULL : xp_disks_by_name(&disks, t->disk);
	snprintf(remedy, sizeof(remedy), "confirm with: %s", t->confirm);
	/* the short form: fits this target, but perhaps another one, too */
	if (t->kind == XP_TARGET_IMAGE) {
		struct xp_target by_path = *t;

		xp_target_confirm_by_path(&by_path);
		if (is_given(req->confirms, by_path.confirm))
			return XP_OK;
		snprintf(base, sizeof(base), "%s", t->identity.name);
		fitting = 1 + xp_disks_fitting(&disks, base);
	} else {
		snprintf(base, sizeof(base), "%s", disk ? disk->base : "");
		fitting = xp_disks_fitting(&disks, base);
		if (t->identity.partition)
			snprintf(base + strlen(base), sizeof(base) - strlen(base), ":p%llu",
				 (unsigned long long)t->identity.partition);
	}
	if (strcmp(base, t->confirm) && is_given(req->confirms, t->confirm))
		return XP_OK;
	/* who confirms all namespaces of a drive has confirmed each of them */
	if (disk && disk->namespaces > 1 && !t->identity.partition) {
		xp_disks_drive_confirm(whole, &disks, disk);
		if (is_given(req->confirms, whole))
			return XP_OK;
	}
	if (is_given(req->confirms, base) && fitting > 1)
		return xp_refusals_add(out, err, XP_REFUSED_CONFIRM_AMBIGUOUS, remedy,
				       "%s: \"%s\" fits %zu targets that are present", t->path,
				       base, fitting);
	if (is_given(req->confirms, t->confirm))
		return XP_OK;
	if (disk && disk->namespaces > 1 && is_given(req->confirms, t->identity.serial))
		return refuse_bare_serial(out, t, disk->namespaces, err);
	return xp_refusals_add(out, err, XP_REFUSED_CONFIRM_MISMATCH, remedy,
			       "%s: it was not confirmed", t->path);
}
