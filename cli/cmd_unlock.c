#include "cli/commands_expunge.h"

#include "base/cleanup.h"
#include "cli/job_keep.h"
#include "cli/job_unlock.h"
#include "cli/output.h"

static const struct xp_option options[] = {
	{"journal", XP_OPT_STRING, "FILE",
	 "journal.jsonl of the interrupted job: the drive must be the one that it names"},
	{"state", XP_OPT_STRING, "DIR", "with --keep: the state folder"},
	XP_KEEP_OPTION_ROW,
	{"allow-remote", XP_OPT_FLAG, NULL, "allow iSCSI and FC targets"},
	{0},
};

static int exit_code_of(enum xp_unlock_end end)
{
	switch (end) {
	case XP_UNLOCK_NOT_NEEDED:
	case XP_UNLOCK_DONE:
		return 0;
	case XP_UNLOCK_WRONG:
	case XP_UNLOCK_FROZEN:
	case XP_UNLOCK_EXPIRED:
		break;
	case XP_UNLOCK_NO_FEATURE:
		return xp_rc_exit_code(XP_E_UNSUPPORTED);
	}
	return xp_rc_exit_code(XP_E_REFUSED);
}

static enum xp_rc unlock(int *exit_code, const struct xp_args *args, struct xp_err *err)
{
	const char *path = args->operands[0];
	AUTO(xp_kept_state_close)
	struct xp_kept_state kept = {.state = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1}};
	struct xp_unlocked unlocked;

	/* the journal that is named may be in the boxes only */
	if (xp_args_string(args, "keep"))
		TRY(xp_kept_state_open(&kept, args, false, err));
	TRY(xp_unlock_drive(&unlocked, path, xp_args_string(args, "journal"),
			    xp_args_flag(args, "allow-remote"), err));
	xp_say("%s (%s, serial %s): %s", path, unlocked.model, unlocked.serial,
	       xp_unlock_end_text(unlocked.end));
	*exit_code = exit_code_of(unlocked.end);
	return XP_OK;
}

static int run(const struct xp_args *args)
{
	int exit_code = 0;
	struct xp_err err;

	return unlock(&exit_code, args, &err) == XP_OK ? exit_code : xp_say_error(&err);
}

const struct xp_command xp_command_unlock = {
	.name = "unlock",
	.operands = "TARGET",
	.summary = "Take away the password that an interrupted security erase left on a drive.",
	.details =
		"Tries the documented password of expunge, once; works on any host. A drive that\n"
		"somebody else has locked stays as it is. Nothing is erased.\n"
		"Exits 0 (no password is set now), 4 (refused, or not a password of expunge), 69.",
	.options = options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
