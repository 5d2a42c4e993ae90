#include "cli/job_restore.h"

#include "cli/job_attempt.h"
#include "sanitize/restore_ata.h"

enum xp_rc xp_job_restore(struct xp_job *job, const struct xp_permit *permit, struct xp_err *err)
{
	struct xp_restore_result r;

	if (!xp_policy_restores_hidden(job->setup->options->policy) || !job->drive.answered ||
	    !job->drive.facts.is_ata || !job->drive.transport)
		return XP_OK;
	TRY(xp_ata_restore_step(&r, job->drive.transport, permit, &job->drive.facts, err));
	switch (r.end) {
	case XP_RESTORE_NOT_NEEDED:
		return XP_OK;
	case XP_RESTORE_IMPOSSIBLE:
		xp_job_emit(job, XP_EVENT_WARNING, "restore", 0, 0, r.why);
		return XP_OK;
	case XP_RESTORE_POWER_CYCLE:
		break;
	}
	return xp_fail(
		err, XP_E_CANCELLED,
		"%s: as the policy asks, %s was lifted: the drive has %llu bytes now, where "
		"it showed %llu. Switch the drive off and on again, and run again%s; nothing "
		"was erased",
		job->target.path, xp_restore_kind_name(r.kind), (unsigned long long)r.to_bytes,
		(unsigned long long)r.from_bytes, r.more ? " (a DCO still stands behind it)" : "");
}
