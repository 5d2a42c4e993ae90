#include "cli/tui/tui_result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/job_tell.h"
#include "cli/output.h"
#include "device/refusal.h"

static void copy(char *out, size_t size, const char *text)
{
	if (*text)
		snprintf(out, size, "%s", text);
}

static char *plan_text(const struct xp_job *job)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	xp_job_plan_print(f, job);
	fclose(f);
	return text;
}

/* Why not, in one line. */
static void why_not(struct xp_tui_job *out, const struct xp_job *job)
{
	const struct xp_refusal *r = job->refusals.n ? &job->refusals.list[0] : NULL;

	if (r)
		snprintf(out->text, sizeof(out->text), "%s: %.300s", xp_refusal_code_name(r->code),
			 r->message);
	else
		snprintf(out->text, sizeof(out->text), "%s", job->err.msg);
}

void xp_tui_result_plan(struct xp_tui_job *out, const struct xp_job *job)
{
	const struct xp_identity *id = &job->media;

	copy(out->model, sizeof(out->model), id->model);
	copy(out->serial, sizeof(out->serial), *id->serial ? id->serial : id->name);
	copy(out->confirm, sizeof(out->confirm), job->target.confirm);
	if (id->capacity_bytes)
		out->bytes = id->capacity_bytes;
	free(out->plan);
	out->plan = job->state == XP_JOB_FAILED && !job->plan.steps_n ? NULL : plan_text(job);
	if (job->state != XP_JOB_PLANNED) {
		out->state = XP_TUI_JOB_REFUSED;
		why_not(out, job);
		return;
	}
	out->state = XP_TUI_JOB_READY;
	snprintf(out->level, sizeof(out->level), "%s", xp_level_name(job->plan.expected.level));
	snprintf(out->technique, sizeof(out->technique), "%s",
		 xp_technique_name(job->plan.technique));
}

static enum xp_tui_job_state state_of(const struct xp_job *job)
{
	switch (job->state) {
	case XP_JOB_REFUSED:
		return XP_TUI_JOB_REFUSED;
	case XP_JOB_INTERRUPTED:
	case XP_JOB_DETACHED:
		return XP_TUI_JOB_STOPPED;
	case XP_JOB_ENDED:
	case XP_JOB_NOT_NEEDED:
		return job->exit_code == 0   ? XP_TUI_JOB_DONE
		       : job->exit_code == 3 ? XP_TUI_JOB_LOWER
					     : XP_TUI_JOB_BAD;
	case XP_JOB_PLANNED:
	case XP_JOB_FAILED:
		break;
	}
	return XP_TUI_JOB_BAD;
}

static char *result_text(const struct xp_job *job)
{
	const struct xp_claim *claim = &job->record.claim;
	AUTO(xp_buf_free) struct xp_buf b = {0};

	if (job->err.rc != XP_OK)
		xp_buf_printf(&b, "  %-13s%s\n", "error", job->err.msg);
	for (size_t i = 0; i < job->refusals.n; i++) {
		const struct xp_refusal *r = &job->refusals.list[i];

		xp_buf_printf(&b, "  %-13s%s: %s\n", "REFUSED", xp_refusal_code_name(r->code),
			      r->message);
		xp_buf_printf(&b, "  %-13s%s\n", "  would help", r->remedy);
	}
	if (job->state == XP_JOB_ENDED) {
		xp_buf_printf(&b, "  %-13s%s, scope %s (asked: %s)\n", "claim",
			      xp_level_name(claim->level), xp_scope_name(claim->scope),
			      xp_level_name(job->plan.asked));
		for (unsigned i = 0; i < claim->reasons_n; i++)
			xp_buf_printf(&b, "  %-13s%s\n", i ? "" : "because",
				      claim->reasons[i].text);
		xp_buf_printf(&b, "  %-13s", "did");
		xp_buf_job_work(&b, job);
		xp_buf_puts(&b, "\n");
	}
	if (job->state == XP_JOB_INTERRUPTED)
		xp_buf_printf(&b, "  %-13sexpunge resume %s, or i and r on this screen\n",
			      "go on with", job->id);
	if (*job->record_name)
		xp_buf_printf(&b, "  %-13s%s\n",
			      job->record.claim.level > XP_NONE ? "certificate" : "record",
			      job->record_name);
	if (*job->signature_name)
		xp_buf_printf(&b, "  %-13s%s\n", "signature", job->signature_name);
	return xp_buf_ok(&b) ? strdup(xp_buf_str(&b)) : NULL;
}

void xp_tui_result_end(struct xp_tui_job *out, struct xp_job *job)
{
	out->state = state_of(job);
	/* what the plan expected is no longer said of it */
	snprintf(out->level, sizeof(out->level), "%s",
		 job->state == XP_JOB_ENDED ? xp_level_name(job->record.claim.level) : "");
	snprintf(out->text, sizeof(out->text), "%s", xp_job_end_text(job));
	copy(out->record, sizeof(out->record), job->record_name);
	free(out->result);
	out->result = result_text(job);
}
