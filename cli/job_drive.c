#include "cli/job_drive.h"

#include <string.h>

#include "base/cleanup.h"
#include "cli/job_door.h"
#include "device/extent_same.h"
#include "device/extent_sg.h"
#include "device/probe.h"
#include "device/probe_identity.h"
#include "device/probe_node.h"

/* A drive that has just been erased may drop a first command. */
#define IDENTIFY_TRIES	 4
#define IDENTIFY_WAIT_MS 500
#define SLEEP_STEP_MS	 100

static const struct xp_job_door *door_of(const struct xp_job *job)
{
	return job->setup->door ? job->setup->door : xp_job_door_real();
}

static void forget(struct xp_job *job)
{
	xp_drive_facts_free(&job->drive.facts);
	job->drive = (struct xp_job_drive){.transport = job->drive.transport};
}

void xp_job_drive_free(struct xp_job *job)
{
	xp_transport_free(&job->drive.transport);
	forget(job);
	xp_identity_free(&job->media);
}

/* What the kernel calls by one name, and calls itself by another, is not what was listed. */
static enum xp_rc refuse_other_serial(struct xp_job *job, struct xp_err *err)
{
	const char *kernel = job->target.identity.serial;

	if (xp_serials_agree(kernel, job->media.serial))
		return XP_OK;
	return xp_refusals_add(&job->refusals, err, XP_REFUSED_IDENTITY_CHANGED,
			       "let the kernel look again (echo 1 to device/delete, then scan the "
			       "host), and list the drives",
			       "%s: the kernel knows it by the serial number %.64s, the drive "
			       "itself says %.64s",
			       job->target.path, kernel, job->media.serial);
}

/* A drive that knows reservations, and cannot be asked who holds what others see, is not free. */
static enum xp_rc refuse_reserved(struct xp_job *job, const struct xp_nvme_ns_facts *ns,
				  struct xp_err *err)
{
	if (ns->reservation_asked == XP_ASKED_GOOD && ns->reservation.type)
		return xp_refusals_add(&job->refusals, err, XP_REFUSED_RESERVED,
				       "release it on the host that holds it (nvme resv-release)",
				       "%s: a host has reserved namespace %u of its drive",
				       job->target.path, ns->nsid);
	if (ns->reservation_asked == XP_ASKED_NONE || ns->reservation_asked == XP_ASKED_MALFORMED)
		return xp_refusals_add(
			&job->refusals, err, XP_REFUSED_UNKNOWN,
			"see why it is not answered (nvme resv-report), and plan again",
			"%s: whether a host has reserved namespace %u of its drive could not be "
			"asked",
			job->target.path, ns->nsid);
	return XP_OK;
}

static enum xp_rc add_refusals(struct xp_job *job, struct xp_err *err)
{
	const struct xp_drive_facts *f = &job->drive.facts;

	TRY(refuse_other_serial(job, err));
	if (f->scsi.reservation == XP_ASKED_GOOD && f->scsi.is_reserved)
		TRY(xp_refusals_add(&job->refusals, err, XP_REFUSED_RESERVED,
				    "release it on the host that holds it (sg_persist --release)",
				    "%s: a host has reserved it", job->target.path));
	for (size_t i = 0; i < f->nvme.ns_n; i++)
		TRY(refuse_reserved(job, &f->nvme.ns[i], err));
	return XP_OK;
}

/* KERNEL becomes what the drive says; ALL (may be NULL) are answers that take the place of its own.
 */
static enum xp_rc speak_for_itself(struct xp_identity *kernel, const struct xp_job *job,
				   struct xp_transport *t, struct xp_identity *all,
				   struct xp_err *err)
{
	TRY(xp_probe_identity(kernel, t, &job->drive.facts, job->drive.nsid, err));
	if (!all)
		return XP_OK;
	xp_raws_free(&kernel->raw, &kernel->raw_n);
	kernel->raw = STEAL(all->raw);
	kernel->raw_n = all->raw_n;
	all->raw_n = 0;
	return XP_OK;
}

static enum xp_rc ask(struct xp_job *job, struct xp_transport *t, struct xp_identity *view,
		      struct xp_err *err)
{
	AUTO(xp_identity_free) struct xp_identity found = *view;
	enum xp_rc rc;

	found.raw = NULL;
	found.raw_n = 0;
	rc = xp_probe_drive(&job->drive.facts, t, &found, err);
	job->drive.facts.nvme.nsid = job->drive.nsid;
	xp_probe_own_controllers(&job->drive.facts, job->setup->root);
	xp_probe_sibling_reservations(&job->drive.facts, job->setup->root, job->target.disk);
	if (rc == XP_OK)
		xp_probe_write_same(&job->drive.facts, t);
	if (rc == XP_OK)
		rc = speak_for_itself(view, job, t, &found, err);
	if (rc == XP_OK)
		job->drive.answered = true;
	return rc;
}

void xp_job_drive_find_capabilities(struct xp_job *job)
{
	struct xp_target target;

	xp_job_drive_target(&target, job);
	xp_capabilities_host(&job->capabilities, &target);
	xp_capabilities_file(&job->capabilities, job->file_known ? &job->file : NULL, &target);
	xp_capabilities_luks(&job->capabilities, &job->luks, &target);
	if (!job->drive.answered)
		return;
	xp_capabilities_drive(&job->capabilities, &target, &job->drive.facts);
	job->capabilities.capacity = xp_job_drive_capacity(job);
}

static enum xp_rc open_way(struct xp_transport **way, struct xp_job *job,
			   const struct xp_permit *permit, struct xp_err *err)
{
	const struct xp_job_door *door = door_of(job);

	if (permit && job->drive.transport)
		return XP_OK;
	TRY(door->open(door->ctx, way, &job->target, permit, err));
	if (permit)
		job->drive.transport = STEAL(*way);
	return XP_OK;
}

/* The one that was there before the permit must be the one that is there under it. */
static enum xp_rc demand_same(const struct xp_identity *then, const struct xp_identity *now,
			      const char *path, struct xp_err *err)
{
	const char *difference = "";

	if (xp_identity_same(then, now, &difference))
		return XP_OK;
	return xp_fail(err, XP_E_REFUSED, "identity_changed: %s: %s differs", path, difference);
}

enum xp_rc xp_job_drive_ask(struct xp_job *job, const struct xp_permit *permit, struct xp_err *err)
{
	AUTO(xp_transport_free) struct xp_transport *way = NULL;
	AUTO(xp_identity_free) struct xp_identity view = {0};
	const struct xp_job_door *door = door_of(job);
	bool had_answered = job->drive.answered;
	enum xp_rc rc;

	forget(job);
	TRY(door->view(door->ctx, &view, &job->target, permit, err));
	rc = open_way(&way, job, permit, &job->drive.why);
	job->drive.exists = rc != XP_E_UNSUPPORTED;
	if (rc == XP_OK) {
		job->drive.nsid = xp_probe_nsid(job->setup->root, job->target.disk);
		rc = ask(job, permit ? job->drive.transport : way, &view, &job->drive.why);
	}
	if (rc == XP_E_NOMEM)
		return xp_fail(err, XP_E_NOMEM, "%s", job->drive.why.msg);
	if (permit && had_answered && !job->drive.answered)
		return xp_fail(err, XP_E_REFUSED,
			       "identity_changed: %s: the drive does not answer any more: %s",
			       job->target.path, job->drive.why.msg);
	/* one that did not answer before was confirmed by the kernel's word alone */
	if (permit && (had_answered || !job->drive.answered))
		TRY(demand_same(&job->media, &view, job->target.path, err));
	xp_identity_free(&job->media);
	job->media = view;
	memset(&view, 0, sizeof(view));
	xp_job_drive_find_capabilities(job);
	return job->drive.answered ? add_refusals(job, err) : XP_OK;
}

static enum xp_rc identify_once(struct xp_identity *out, const struct xp_job *job,
				const struct xp_permit *permit, struct xp_err *err)
{
	const struct xp_job_door *door = door_of(job);

	TRY(door->view(door->ctx, out, &job->target, permit, err));
	if (!job->drive.answered)
		return XP_OK;
	return speak_for_itself(out, job, job->drive.transport, NULL, err);
}

enum xp_rc xp_job_drive_identify(struct xp_identity *out, const struct xp_job *job,
				 const struct xp_permit *permit, struct xp_err *err)
{
	enum xp_rc rc = XP_OK;

	for (unsigned i = 0; i < IDENTIFY_TRIES; i++) {
		xp_identity_free(out);
		rc = identify_once(out, job, permit, err);
		if (rc == XP_OK || rc == XP_E_REFUSED || rc == XP_E_NOMEM)
			break;
		xp_job_drive_sleep(job, IDENTIFY_WAIT_MS);
	}
	if (rc == XP_OK)
		rc = demand_same(&job->media, out, job->target.path, err);
	else if (rc != XP_E_REFUSED && rc != XP_E_NOMEM)
		rc = xp_fail(err, XP_E_REFUSED,
			     "identity_changed: %s: the drive does not say any more who it is",
			     job->target.path);
	if (rc != XP_OK)
		xp_identity_free(out);
	return rc;
}

static enum xp_answer stands_between(enum xp_tristate has, bool answered, bool hides)
{
	if (has == XP_NO)
		return XP_ANSWER_NO;
	if (has == XP_UNSAID || !answered)
		return XP_ANSWER_UNKNOWN;
	return hides ? XP_ANSWER_YES : XP_ANSWER_NO;
}

static void ata_capacity(struct xp_capacity_facts *out, const struct xp_ata_facts *a)
{
	bool has_native = a->native == XP_ASKED_GOOD;
	bool hides = has_native && a->native_sectors > a->id.sectors;
	uint64_t native = has_native ? a->native_sectors : a->id.sectors;

	out->hpa = stands_between(a->id.has_hpa && !a->id.has_amac ? XP_YES : XP_NO, has_native,
				  hides);
	out->amac = stands_between(a->id.has_amac ? XP_YES : XP_NO, has_native, hides);
	out->dco = stands_between(a->id.has_dco ? XP_YES : XP_NO, a->dco == XP_ASKED_GOOD,
				  a->dco_data.sectors > native);
}

struct xp_capacity_facts xp_job_drive_capacity(const struct xp_job *job)
{
	const struct xp_drive_facts *f = &job->drive.facts;
	struct xp_capacity_facts c = {
		.current = job->media.capacity_bytes,
		.hidden_areas_apply = job->media.media != XP_MEDIA_VIRTUAL,
	};

	if (!job->drive.answered)
		return c;
	c.hidden_areas_apply = f->hidden.apply;
	c.hidden_areas_known = f->hidden.known;
	if (f->hidden.apply && f->hidden.known) {
		c.native = f->hidden.native_bytes;
		c.factory = f->hidden.factory_bytes;
	}
	/* set to all of its blocks, it has no more of them */
	if (job->restore.is_whole && f->hidden.apply) {
		c.hidden_areas_known = true;
		c.native = c.factory = c.current;
	}
	if (f->is_ata)
		ata_capacity(&c, &f->ata);
	if (f->transport != XP_TRANSPORT_NVME)
		return c;
	c.hpa = c.dco = c.amac = XP_ANSWER_NO;
	c.unallocated = f->nvme.ctrl.unallocated_bytes;
	c.namespaces = (uint32_t)(f->nvme.allocated_list == XP_ASKED_GOOD ? f->nvme.allocated_n
									  : f->nvme.active_n);
	return c;
}

uint64_t xp_job_drive_kernel_bytes(const struct xp_job *job)
{
	const struct xp_job_door *door = door_of(job);
	AUTO(xp_identity_free) struct xp_identity view = {0};

	if (door->view(door->ctx, &view, &job->target, NULL, NULL) != XP_OK)
		return 0;
	return view.capacity_bytes;
}

void xp_job_drive_target(struct xp_target *out, const struct xp_job *job)
{
	*out = job->target;
	out->identity = job->media;
	/* what answers for itself is a whole drive */
	if (job->drive.answered)
		out->kind = XP_TARGET_DISK;
}

enum xp_rc xp_job_drive_open_io(struct xp_extent_io **out, const struct xp_job *job,
				const struct xp_permit *permit, struct xp_extent_config *cfg,
				struct xp_err *err)
{
	const struct xp_job_door *door = door_of(job);
	struct xp_extent_io *inner = NULL;

	cfg->known = job->drive.answered ? &job->drive.facts : NULL;
	if (job->target.identity.capacity_bytes == 0 && job->drive.transport)
		return xp_extent_sg_new(out, cfg, job->drive.transport, err);
	TRY(door->open_io(door->ctx, &inner, cfg, permit, err));
	if (cfg->repeats && permit && job->drive.transport &&
	    job->drive.facts.scsi.write_same == XP_YES)
		return xp_extent_same_new(out, cfg, job->drive.transport, inner,
					  job->drive.facts.scsi.limits.write_same_blocks, err);
	*out = inner;
	return XP_OK;
}

void xp_job_drive_look_again(const struct xp_job *job)
{
	const struct xp_job_door *door = door_of(job);

	if (door->look_again)
		door->look_again(door->ctx, job->setup->root, &job->target);
}

void xp_job_drive_sleep(const struct xp_job *job, uint32_t ms)
{
	const struct xp_job_door *door = door_of(job);

	while (ms && !(job->setup->cancelled && job->setup->cancelled())) {
		uint32_t step = ms < SLEEP_STEP_MS ? ms : SLEEP_STEP_MS;

		door->sleep_ms(door->ctx, step);
		ms -= step;
	}
}
