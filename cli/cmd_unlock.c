#include "cli/commands_expunge.h"

#include <string.h>

#include "base/cleanup.h"
#include "cli/job_keep.h"
#include "cli/job_unlock.h"
#include "cli/job_unlocked.h"
#include "cli/output.h"

static const struct xp_option options[] = {
	{"journal", XP_OPT_STRING, "FILE",
	 "journal.jsonl of the interrupted job: the drive must be the one that it names"},
	{"state", XP_OPT_STRING, "DIR", "the state folder whose jobs are told"},
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

/* Whoever keeps account of the password hears that it is gone. What fails here changed no drive. */
static void tell_journals(const char *serial, const struct xp_args *args)
{
	AUTO(xp_kept_state_close)
	struct xp_kept_state kept = {.state = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1}};
	const char *journal = xp_args_string(args, "journal");
	char where[4096] = "";
	unsigned told = 0;
	struct xp_err err;
	enum xp_rc rc;

	if (journal) {
		rc = xp_job_unlocked_tell_file(where, sizeof(where), journal, serial, &err);
		if (rc == XP_OK && strcmp(where, journal) != 0)
			xp_say("%s cannot be written; that the password is gone stands in %s. Put "
			       "the drive back and run expunge unlock on the host of the journal, "
			       "and its status will not name it any more",
			       journal, where);
		/* a journal of the state folder: the boxes take what it has got by now */
		if (rc == XP_OK && xp_args_string(args, "keep"))
			rc = xp_kept_state_open(&kept, args, true, &err);
	} else {
		rc = xp_kept_state_open(&kept, args, true, &err);
		if (rc == XP_E_NOENT && !xp_args_string(args, "keep"))
			return; /* no jobs here */
		if (rc == XP_OK)
			rc = xp_job_unlocked_tell(&told, &kept.state, serial, &err);
	}
	if (rc != XP_OK)
		xp_say("the drive is open, and its job could not be told: %s", err.msg);
}

static enum xp_rc unlock(int *exit_code, const struct xp_args *args, struct xp_err *err)
{
	const char *path = args->operands[0];
	AUTO(xp_kept_state_close)
	struct xp_kept_state kept = {.state = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1}};
	const struct xp_unlock_request req = {
		.path = path,
		.journal = xp_args_string(args, "journal"),
		.allow_remote = xp_args_flag(args, "allow-remote"),
	};
	struct xp_unlocked unlocked;

	/* the journal that is named may be in the boxes only */
	if (xp_args_string(args, "keep"))
		TRY(xp_kept_state_open(&kept, args, false, err));
	TRY(xp_unlock_drive(&unlocked, &req, err));
	xp_say("%s (%s, serial %s): %s", path, unlocked.model, unlocked.serial,
	       xp_unlock_end_text(unlocked.end));
	*exit_code = exit_code_of(unlocked.end);
	if (*exit_code == 0)
		tell_journals(unlocked.serial, args);
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
