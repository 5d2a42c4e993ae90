#include "cli/job_drives.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "device/disks.h"
#include "device/interlock.h"
#include "device/probe_identity.h"

#define LOOKS_MAX 20

static bool is_open(const struct xp_job_summary *s)
{
	return !s->ended && !s->untouched;
}

static void path_of(char *out, size_t size, const struct xp_disk *d)
{
	snprintf(out, size, "/dev/%s", d->node->name);
	for (char *p = out; *p; p++)
		if (*p == '!')
			*p = '/';
}

/* What has no name in common is told apart by its size alone. */
static bool has_room_for(const struct xp_identity *disk, const struct xp_identity *media)
{
	if (!disk->capacity_bytes || !media->capacity_bytes)
		return true;
	if (media->partition)
		return media->capacity_bytes <= disk->capacity_bytes &&
		       media->partition_start <= disk->capacity_bytes - media->capacity_bytes;
	return media->capacity_bytes == disk->capacity_bytes;
}

/* They have no name in common, so that none could differ. */
static bool is_nameless(const struct xp_identity *disk, const struct xp_identity *media)
{
	return !(*disk->wwn && *media->wwn) && !(*disk->serial && *media->serial);
}

/* Names of which one agrees and one does not (namespaces, volumes) tell nothing apart. */
static bool can_be_drive(const struct xp_identity *disk, const struct xp_identity *media)
{
	bool has_wwn = *disk->wwn && *media->wwn;
	bool has_serial = *disk->serial && *media->serial;

	if (is_nameless(disk, media))
		return has_room_for(disk, media);
	return (has_wwn && strcmp(disk->wwn, media->wwn) == 0) ||
	       (has_serial && xp_serials_agree(disk->serial, media->serial));
}

/* A folder lies on an image by a loop; which file that shows only its descriptor can tell. */
static bool can_be_loop(const struct xp_disk *d, const struct xp_job_summary *s,
			const struct xp_sysroot *root)
{
	AUTO(xp_target_free) struct xp_target target = {0};
	char path[80];

	if (d->facts.identity.bus != XP_BUS_LOOP)
		return false;
	path_of(path, sizeof(path), d);
	return xp_target_resolve(&target, root, path, NULL) != XP_OK ||
	       s->media.inode == target.identity.inode;
}

static bool can_be(const struct xp_disk *d, const struct xp_job_summary *s,
		   const struct xp_sysroot *root)
{
	if (s->media.inode)
		return can_be_loop(d, s, root);
	return (d->facts.identity.bus == XP_BUS_LOOP) == (s->media.bus == XP_BUS_LOOP) &&
	       can_be_drive(&d->facts.identity, &s->media);
}

void xp_job_drives_free(struct xp_job_drives *d)
{
	free(d->paths);
	free(d->ids);
	free(d->are_nameless);
	*d = (struct xp_job_drives){0};
}

static void add_if_job(struct xp_job_drives *out, const struct xp_disk *d,
		       const struct xp_job_summaries *open, const struct xp_sysroot *root)
{
	for (size_t i = 0; i < open->n; i++) {
		const struct xp_job_summary *s = &open->list[i];

		if (!is_open(s) || !s->has_media || !can_be(d, s, root))
			continue;
		path_of(out->paths[out->n], sizeof(out->paths[out->n]), d);
		out->are_nameless[out->n] =
			!s->media.inode && is_nameless(&d->facts.identity, &s->media);
		out->ids[out->n++] = s->id;
		return;
	}
}

static enum xp_rc demand_known(const struct xp_job_summaries *open, struct xp_err *err)
{
	for (size_t i = 0; i < open->n; i++)
		if (is_open(&open->list[i]) && !open->list[i].has_media)
			return xp_fail(err, XP_E_REFUSED,
				       "the journal of job %s is damaged: which drive it is on "
				       "cannot be told",
				       open->list[i].id);
	return XP_OK;
}

enum xp_rc xp_job_drives_find(struct xp_job_drives *out, const struct xp_job_summaries *open,
			      const struct xp_sysroot *root, struct xp_err *err)
{
	AUTO(xp_blockmap_free) struct xp_blockmap map = {0};
	AUTO(xp_disks_free) struct xp_disks disks = {0};

	*out = (struct xp_job_drives){0};
	/* without sysfs (a small container) no folder lies on a drive that could be named */
	if (!open->n || !xp_sysroot_has(root, "sys/class/block"))
		return demand_known(open, err);
	TRY(xp_blockmap_read(&map, root, err));
	TRY(xp_disks_read(&disks, root, &map, err));
	out->paths = calloc(disks.n + 1, sizeof(*out->paths));
	out->ids = calloc(disks.n + 1, sizeof(*out->ids));
	out->are_nameless = calloc(disks.n + 1, sizeof(*out->are_nameless));
	if (!out->paths || !out->ids || !out->are_nameless) {
		xp_job_drives_free(out);
		return xp_fail(err, XP_E_NOMEM, "%zu drives", disks.n);
	}
	for (size_t i = 0; i < disks.n; i++)
		add_if_job(out, &disks.list[i], open, root);
	return demand_known(open, err);
}

static void targets_free(struct xp_target **targets)
{
	free(*targets);
}

/* Their places alone: nothing is opened, and what cannot be opened counts, too. */
static struct xp_target *targets_of(const struct xp_job_drives *d)
{
	struct xp_target *targets = calloc(d->n + 1, sizeof(*targets));

	for (size_t i = 0; targets && i < d->n; i++) {
		targets[i].kind = XP_TARGET_DISK;
		snprintf(targets[i].path, sizeof(targets[i].path), "%s", d->paths[i]);
		snprintf(targets[i].node, sizeof(targets[i].node), "%s", d->paths[i] + 5);
		for (char *p = targets[i].node; *p; p++)
			if (*p == '/')
				*p = '!';
	}
	return targets;
}

/* XP_E_NOENT: one of the drives went between the two looks */
static enum xp_rc demand_free(const char *folder, const struct xp_job_summaries *open,
			      const struct xp_sysroot *root, struct xp_err *err)
{
	AUTO(xp_job_drives_free) struct xp_job_drives drives = {0};
	AUTO(targets_free) struct xp_target *targets = NULL;
	size_t on = 0;
	enum xp_rc rc = xp_job_drives_find(&drives, open, root, err);

	/* a job whose journal cannot be read does not go on, and as long as it is there no other
	 * one is begun */
	if (rc == XP_E_REFUSED)
		xp_log(XP_LOG_WARNING, "%s, and so not whether %s lies on that", err->msg, folder);
	else
		TRY(rc);
	targets = targets_of(&drives);
	if (!targets)
		return xp_fail(err, XP_E_NOMEM, "%zu drives", drives.n);
	if (drives.n)
		TRY(xp_interlock_find_output(&on, root, folder, targets, drives.n, err));
	if (on == drives.n)
		return XP_OK;
	if (drives.are_nameless[on])
		return xp_fail(
			err, XP_E_REFUSED,
			"output_on_target: %s lies on %s, which job %s may be on: neither name "
			"nor size tells them apart; take a folder on a medium of another "
			"size, or an upload",
			folder, drives.paths[on], drives.ids[on]);
	return xp_fail(err, XP_E_REFUSED,
		       "output_on_target: %s lies on %s, which job %s is on, or may be, and that "
		       "has not ended: what is written there goes when that goes on; name a "
		       "folder on another drive",
		       folder, drives.paths[on], drives.ids[on]);
}

enum xp_rc xp_job_drives_demand_free(const char *folder, const struct xp_job_summaries *open,
				     const struct xp_sysroot *root, struct xp_err *err)
{
	enum xp_rc rc = XP_E_NOENT;

	/* somebody pulls another drive just now: it is looked at anew, without that */
	for (unsigned i = 0; i < LOOKS_MAX && rc == XP_E_NOENT; i++)
		rc = demand_free(folder, open, root, err);
	return rc;
}
