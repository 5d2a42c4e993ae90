#include "cli/job_close.h"

#include <string.h>

#include "base/cleanup.h"
#include "cli/job_journal.h"
#include "cli/job_settle.h"
#include "cli/output.h"
#include "device/interlock.h"

_Static_assert(XP_CLOSED_MAX >= XP_LUKS_MAPPINGS_MAX, "a record has room for all");

/* The kernel takes any byte in a name; a record takes text. */
static void copy_name(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s", name);
	for (char *p = out; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
}

/* A job that begins has a draft of its record to come; one that is taken up again has it already.
 */
static enum xp_rc keep(struct xp_job *job, const struct xp_closed_mapping *c, struct xp_err *err)
{
	struct xp_record *r = &job->record;
	char at[XP_TIME_LEN];

	if (!job->resume.active)
		return XP_OK;
	r->closed[r->closed_n++] = *c;
	xp_time_format(at, c->at_s);
	return xp_journal_add(job->journal,
			      json_pack("{s:s, s:s, s:s, s:s}", "type", "closed", "time", at,
					"name", c->name, "uuid", c->uuid),
			      err);
}

enum xp_rc xp_job_close_take_line(struct xp_job *job, const json_t *line, struct xp_err *err)
{
	const char *at = json_string_value(json_object_get(line, "time"));
	const char *name = json_string_value(json_object_get(line, "name"));
	const char *uuid = json_string_value(json_object_get(line, "uuid"));
	struct xp_record *r = &job->record;
	struct xp_closed_mapping c = {0};

	if (!at || !name || !uuid || !xp_time_parse(&c.at_s, at) || r->closed_n == XP_CLOSED_MAX)
		return xp_fail(err, XP_E_MALFORMED, "journal of job %s: closed", job->id);
	copy_name(c.name, sizeof(c.name), name);
	snprintf(c.uuid, sizeof(c.uuid), "%s", uuid);
	r->closed[r->closed_n++] = c;
	return XP_OK;
}

static enum xp_rc note_closed(struct xp_job *job, const struct xp_luks_mapping *m,
			      struct xp_err *err)
{
	struct xp_closed_mapping *c = &job->closed[job->closed_n++];

	copy_name(c->name, sizeof(c->name), m->name);
	snprintf(c->uuid, sizeof(c->uuid), "%s", m->uuid);
	c->at_s = job->setup->clock->wall_s(job->setup->clock->ctx);
	xp_say("%s: closed the mapping %s (%s)%s", job->target.path, m->name, m->node,
	       m->suspended ? ", which was suspended" : "");
	return keep(job, c, err);
}

static enum xp_rc close_one(struct xp_job *job, const struct xp_luks_mapping *m, struct xp_err *err)
{
	struct xp_err why;
	enum xp_rc rc = xp_luks_close(m, job->setup->root, &why);

	if (rc == XP_OK)
		return note_closed(job, m, err);
	if (rc == XP_E_REFUSED)
		return xp_refusals_add(&job->refusals, err, XP_REFUSED_HOLDER,
				       "end what uses the mapping, and run again", "%s: %s",
				       job->target.path, why.msg);
	*err = why;
	return rc;
}

enum xp_rc xp_job_close_mappings(struct xp_job *job, struct xp_err *err)
{
	const struct xp_job_setup *s = job->setup;
	const char *outputs[] = {s->state->path, s->out_dir, NULL};
	const struct xp_interlock_request req = {
		.root = s->root,
		.target = &job->target,
		.confirms = s->confirms,
		.outputs = outputs,
		.allow_remote = s->options->allow_remote,
		.closing = &job->closing,
	};

	if (job->closing.n == 0)
		return XP_OK;
	if (job->record.closed_n + job->closing.n > XP_CLOSED_MAX)
		return xp_refusals_add(&job->refusals, err, XP_REFUSED_HOLDER,
				       "close them by hand (cryptsetup close), and go on then",
				       "%s: more mappings than the record of one job has room for",
				       job->target.path);
	TRY(xp_interlock_check_confirmed(&job->refusals, &req, err));
	for (size_t i = 0; i < job->closing.n && job->refusals.n == 0; i++)
		TRY(close_one(job, &job->closing.list[i], err));
	return XP_OK;
}

void xp_batch_close_mappings(struct xp_batch *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		struct xp_job *job = &b->jobs[i];

		if (job->state != XP_JOB_PLANNED || xp_job_close_mappings(job, &job->err) == XP_OK)
			continue;
		job->state = XP_JOB_FAILED;
		job->exit_code = xp_rc_exit_code(job->err.rc);
	}
	xp_batch_settle_refused(b);
}
