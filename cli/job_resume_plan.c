#include "cli/job_resume_plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/job_drive.h"
#include "cli/job_host.h"

static void drop(struct xp_plan **p)
{
	if (*p)
		xp_plan_free(*p);
	free(*p);
	*p = NULL;
}

/* What is left to do where the drive itself erases. */
static const char *command_text(const struct xp_job *job)
{
	if (job->resume.erase_done)
		return "its erase has ended, and what came of it is known";
	if (!job->resume.has_command)
		return "no command was sent yet";
	switch (job->resume.note) {
	case XP_COMMAND_SECRET:
		return "a password may stand on the drive, and is taken off or used";
	case XP_COMMAND_SENT:
		return "whether its command was taken is not known: it is given again";
	case XP_COMMAND_ACCEPTED:
		return "the drive took its command, and is asked what became of that";
	case XP_COMMAND_ENDED:
	case XP_COMMAND_OPEN:
		break;
	}
	return "the drive's word on its command is known";
}

static void describe_stand(char *out, size_t size, const struct xp_job *job)
{
	if (xp_technique_is_device_command(job->plan.technique))
		snprintf(out, size, "%s", command_text(job));
	else if (job->resume.erase_done)
		snprintf(out, size, "all is written already");
	else if (job->resume.first_pass == 1 && !job->resume.begun)
		snprintf(out, size, "nothing was written yet");
	else if (job->resume.list_was_cut || job->plan.technique == XP_LUKS_DESTROY)
		snprintf(out, size, "pass %u of %u begins again", job->resume.first_pass,
			 job->plan.passes);
	else
		snprintf(out, size, "pass %u of %u goes on at byte %" PRIu64,
			 job->resume.first_pass, job->plan.passes, job->resume.offset);
}

static void add_stand(struct xp_plan *p, const struct xp_job *job)
{
	struct xp_plan_step *s = &p->steps[p->steps_n++];
	char since[XP_TIME_LEN];
	char stand[96];

	xp_time_format(since, xp_job_id_start_s(job->id));
	if (job->file_gone)
		snprintf(stand, sizeof(stand), "its record is written and the name is gone");
	else
		describe_stand(stand, sizeof(stand), job);
	*s = (struct xp_plan_step){.action = "resume"};
	snprintf(s->why, sizeof(s->why), "goes on with job %s of %s, which was interrupted: %s",
		 job->id, since, stand);
}

static bool is_erase(const struct xp_plan_step *s)
{
	return strcmp(s->action, "overwrite") == 0 || strcmp(s->action, "command") == 0;
}

/* Of the steps of a new job those that are still to be done. */
static void add_steps(struct xp_plan *p, const struct xp_plan *whole, const struct xp_job *job)
{
	unsigned pass = 0;

	for (unsigned i = 0; i < whole->steps_n && p->steps_n < XP_PLAN_STEPS_MAX; i++) {
		const struct xp_plan_step *s = &whole->steps[i];
		bool is_own = is_erase(s) && s->technique == p->technique;

		pass += is_own;
		if (is_own && (job->resume.erase_done || pass < job->resume.first_pass))
			continue;
		/* what stood there is read before the command is about to be sent */
		if (strcmp(s->action, "baseline") == 0 && job->resume.has_command)
			continue;
		p->steps[p->steps_n++] = *s;
		p->seconds += s->seconds;
	}
}

static void ask_for_content(struct xp_plan_request *req, const struct xp_job *job)
{
	const struct xp_content *c = &job->plan.contents[0];

	if (req->technique == XP_OVERWRITE_PATTERN) {
		memcpy(req->pattern, c->pattern, sizeof(req->pattern));
		req->pattern_len = c->pattern_len;
	} else if (xp_technique_is_sanitize_overwrite(req->technique)) {
		memcpy(req->pattern, job->plan.overwrite.pattern,
		       sizeof(job->plan.overwrite.pattern));
		req->pattern_len = sizeof(job->plan.overwrite.pattern);
	}
}

/* As found now; where the headers are gone already, as the evidence tells of them. */
static void find_volumes(struct xp_luks_volumes *out, const struct xp_job *job)
{
	const struct xp_phase *told = NULL;

	*out = job->luks;
	for (size_t i = 0; i < job->record.evidence.n; i++)
		if (job->record.evidence.phases[i].volume_n)
			told = &job->record.evidence.phases[i];
	if (out->n || !told)
		return;
	out->n = told->volume_n < XP_LUKS_VOLUMES_MAX ? told->volume_n : XP_LUKS_VOLUMES_MAX;
	memcpy(out->list, told->volumes, out->n * sizeof(*out->list));
}

/* The plan that a new job with this technique would have; none: whole->has_technique is false. */
static enum xp_rc plan_anew(struct xp_plan *whole, const struct xp_job *job, enum xp_technique t,
			    struct xp_err *err)
{
	AUTO_MEM const char **nodes = xp_job_nodes(job);
	AUTO_MEM struct xp_capabilities *can = malloc(sizeof(*can));
	AUTO_MEM struct xp_luks_volumes *luks = calloc(1, sizeof(*luks));
	AUTO_MEM struct xp_target *target = malloc(sizeof(*target));
	struct xp_plan_request req = {
		.target = target,
		.capabilities = can,
		.policy = job->resume.policy,
		.has_level = true,
		.level = job->plan.asked,
		.has_accept = true,
		.accept = job->plan.accepted,
		.has_technique = true,
		.technique = t,
		.is_taken_up = true,
		.verify = job->plan.verification.mode,
		.luks = luks,
		.closing = &job->closing,
		.file = job->file_known ? &job->file : NULL,
		.facts = job->drive.answered ? &job->drive.facts : NULL,
		.nodes = nodes,
	};
	enum xp_rc rc;
	bool offers = false;

	if (!can || !luks || !target)
		return xp_fail(err, XP_E_NOMEM, "a plan");
	xp_job_drive_target(target, job);
	*can = job->capabilities;
	for (unsigned i = 0; i < can->n; i++)
		offers = offers || can->list[i].technique == t;
	/* what it does not offer today is found when the job goes on; here it is told what that is
	 */
	if (!offers && can->n < XP_TECHNIQUE_COUNT)
		can->list[can->n++] = (struct xp_capability){.technique = t};
	if (job->has_then || t == XP_LUKS_DESTROY)
		find_volumes(luks, job);
	ask_for_content(&req, job);
	rc = xp_plan_make(whole, &req, err);
	if (rc != XP_E_NOMEM && rc != XP_OK)
		whole->has_technique = false;
	return rc == XP_E_NOMEM ? rc : XP_OK;
}

enum xp_rc xp_job_resume_plan(struct xp_job *job, struct xp_err *err)
{
	AUTO(drop) struct xp_plan *whole = calloc(1, sizeof(*whole));
	struct xp_plan *p = &job->plan;

	if (!whole)
		return xp_fail(err, XP_E_NOMEM, "a plan");
	p->steps_n = 0;
	p->seconds = 0;
	add_stand(p, job);
	if (job->file_gone)
		return XP_OK;
	TRY(plan_anew(whole, job, job->has_then ? job->then : p->technique, err));
	if (!whole->has_technique)
		return XP_OK;
	add_steps(p, whole, job);
	p->expected = whole->expected;
	p->verification.bytes = whole->verification.bytes;
	for (size_t i = 0; p->blast_radius && i < p->blast_radius_n; i++)
		free(p->blast_radius[i]);
	free(p->blast_radius);
	p->blast_radius = STEAL(whole->blast_radius);
	p->blast_radius_n = whole->blast_radius_n;
	whole->blast_radius_n = 0;
	return XP_OK;
}
