#include "cli/job_upload.h"

#include <unistd.h>

#include "cli/boot_end.h"
#include "cli/output.h"

#define CLOSING_FAILURES 2u

static enum xp_rc nobody_keeps_it(const struct xp_state *state, struct xp_err *err)
{
	if (state->durable || !xp_is_in_memory(state->fd) || access(XP_BOOT_IMAGE_MARK, F_OK) != 0)
		return XP_OK;
	return xp_fail(err, XP_E_REFUSED,
		       "no_durable_output: %s is in memory and ends with the power; keep it on a "
		       "stick (--keep) or on a server (--upload)",
		       state->path);
}

enum xp_rc xp_job_upload_start(struct xp_job_upload *u, struct xp_state *state,
			       const struct xp_job_upload_wish *wish, struct xp_err *err)
{
	struct xp_upload_config config = {
		.url = xp_args_string(wish->args, "upload"),
		.ca = xp_args_string(wish->args, "upload-ca"),
		.header_file = xp_args_string(wish->args, "upload-header"),
	};

	*u = (struct xp_job_upload){.keeper = state->durable, .quiet = wish->quiet};
	if (!config.url && !config.ca && !config.header_file && wish->otherwise)
		config = *wish->otherwise;
	if (!config.url) {
		if (config.ca || config.header_file)
			return xp_fail(err, XP_E_USAGE,
				       "--upload-ca and --upload-header need --upload");
		return nobody_keeps_it(state, err);
	}
	if (xp_upload_start(&u->upload, &config, err) != XP_OK)
		return xp_err_prefix(err, "--upload");
	if (u->keeper)
		u->chain.links[u->chain.n++] = u->keeper;
	u->chain.links[u->chain.n++] = xp_upload_durable(u->upload);
	u->chained = xp_durable_chain_of(&u->chain);
	state->durable = &u->chained;
	return XP_OK;
}

enum xp_rc xp_job_upload_open(struct xp_job_upload *u, const struct xp_state *state,
			      const struct xp_log *log, struct xp_err *err)
{
	const struct xp_upload_place place = {
		.state_fd = state->fd,
		.origin = xp_log_origin(log),
		.must_wait = !u->keeper && xp_is_in_memory(state->fd),
		.keeper = u->keeper,
		.tells = true,
	};
	struct xp_err why;

	if (!u->upload)
		return XP_OK;
	TRY(xp_upload_attach(u->upload, &place, err));
	if (xp_upload_trial(u->upload, &why) == XP_OK)
		return XP_OK;
	u->in_vain = true;
	if (place.must_wait)
		return xp_fail(err, XP_E_REFUSED,
			       "no_durable_output: the trial upload failed, and %s is in memory: "
			       "%s",
			       state->path, why.msg);
	if (!u->quiet)
		xp_say("warning: the trial upload failed; records stay in %s until they can be "
		       "sent: %s",
		       state->path, why.msg);
	return XP_OK;
}

void xp_job_upload_close(struct xp_job_upload *u)
{
	struct xp_err err;

	if (!u->upload)
		return;
	if (xp_upload_wait(u->upload, u->in_vain ? 1 : CLOSING_FAILURES, NULL, NULL, &err) !=
		    XP_OK &&
	    !u->quiet)
		xp_say("warning: %s; `expunge upload` sends what is missing", err.msg);
	xp_upload_free(&u->upload);
}
