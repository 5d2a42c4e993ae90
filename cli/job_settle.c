#include "cli/job_settle.h"

#include <stdio.h>
#include <string.h>

#include "cli/expect_match.h"
#include "device/probe_node.h"

enum xp_rc xp_expect_list_for_host(struct xp_expect_list *out, const char *csv, size_t len,
				   const char *path, const char *host_serial, struct xp_err *err)
{
	if (xp_expect_list_parse(out, csv, len, err) != XP_OK)
		return xp_err_prefix(err, "%s", path);
	for (size_t i = 0; i < out->n; i++) {
		const struct xp_expected *e = &out->list[i];

		if (*e->host_serial && strcmp(e->host_serial, host_serial) != 0)
			return xp_fail(err, XP_E_REFUSED,
				       "%s is for host %s, this is host %s; nothing was touched",
				       path, e->host_serial,
				       *host_serial ? host_serial : "(serial unknown)");
	}
	return XP_OK;
}

enum xp_rc xp_batch_demand_once(const struct xp_batch *b, unsigned i, struct xp_err *err)
{
	const struct xp_target *t = &b->jobs[i].target;

	for (unsigned k = 0; k < i; k++) {
		const struct xp_target *o = &b->jobs[k].target;
		bool same_image = t->kind == XP_TARGET_IMAGE && o->kind == XP_TARGET_IMAGE &&
				  t->identity.inode == o->identity.inode &&
				  t->identity.fs_dev == o->identity.fs_dev;

		if (same_image || (t->kind != XP_TARGET_IMAGE && t->dev == o->dev))
			return xp_fail(err, XP_E_USAGE, "%s and %s are the same target", o->path,
				       t->path);
	}
	return XP_OK;
}

enum xp_rc xp_batch_expect(struct xp_job *job, struct xp_expect_list *list,
			   struct xp_confirms *confirms, struct xp_err *err)
{
	struct xp_expected *e = xp_expected_find(list, &job->target,
						 xp_probe_nsid(job->setup->root, job->target.disk));

	job->expected = e;
	if (!e)
		return xp_refusals_add(&job->refusals, err, XP_REFUSED_CONFIRM_MISMATCH,
				       "list it there, if it is to be erased",
				       "%s (%s) is not on the expect list", job->target.path,
				       job->target.confirm);
	e->seen = true;
	return xp_confirms_add(confirms, e->serial, err);
}

enum xp_rc xp_batch_part_same_names(struct xp_batch *b, const struct xp_confirms *confirms,
				    struct xp_err *err)
{
	for (unsigned i = 0; i < b->n; i++) {
		struct xp_job *job = &b->jobs[i];
		char name[XP_CONFIRM_LEN];
		unsigned fitting = 0;
		char remedy[XP_CONFIRM_LEN + 32];

		memcpy(name, job->target.confirm, sizeof(name));
		if (job->state != XP_JOB_PLANNED || job->target.kind != XP_TARGET_IMAGE)
			continue;
		for (unsigned k = 0; k < b->n; k++)
			fitting += b->jobs[k].state == XP_JOB_PLANNED &&
				   strcmp(b->jobs[k].target.identity.name,
					  job->target.identity.name) == 0;
		if (fitting < 2)
			continue;
		xp_target_confirm_by_path(&job->target);
		if (!xp_confirms_have(confirms, name) ||
		    xp_confirms_have(confirms, job->target.confirm))
			continue;
		snprintf(remedy, sizeof(remedy), "confirm with: %s", job->target.confirm);
		TRY(xp_refusals_add(&job->refusals, err, XP_REFUSED_CONFIRM_AMBIGUOUS, remedy,
				    "%s: \"%s\" fits %u targets of this command", job->target.path,
				    name, fitting));
	}
	return XP_OK;
}

void xp_batch_settle_refused(struct xp_batch *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		struct xp_job *job = &b->jobs[i];

		if (job->state != XP_JOB_PLANNED)
			continue;
		if (job->refusals.n || job->plan.exit_code == xp_rc_exit_code(XP_E_REFUSED)) {
			job->state = XP_JOB_REFUSED;
			job->exit_code = xp_rc_exit_code(XP_E_REFUSED);
			if (job->refusals.n == 0)
				xp_fail(&job->err, XP_E_REFUSED, "%s", job->plan.message);
		} else if (!job->plan.has_technique || job->plan.exit_code == 69) {
			job->state = XP_JOB_FAILED;
			job->exit_code = job->plan.exit_code;
			xp_fail(&job->err, XP_E_UNSUPPORTED, "%s", job->plan.message);
		}
	}
}
