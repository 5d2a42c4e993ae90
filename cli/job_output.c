#include "cli/job_output.h"

#include "base/cleanup.h"
#include "cli/job_drives.h"
#include "device/interlock.h"

enum xp_rc xp_output_demand_free_of(const char *folder, const struct xp_state *state,
				    const struct xp_sysroot *root, struct xp_err *err)
{
	AUTO(xp_job_summaries_free) struct xp_job_summaries open = {0};

	TRY(xp_job_summaries_read_open(&open, state, err));
	return xp_job_drives_demand_free(folder, &open, root, err);
}

enum xp_rc xp_output_demand_elsewhere(const char *folder, const char *medium, struct xp_err *err)
{
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	AUTO(xp_target_free) struct xp_target target = {0};
	size_t which = 0;

	TRY(xp_sysroot_open(&root, "/", err));
	TRY(xp_target_resolve(&target, &root, medium, err));
	TRY(xp_interlock_find_output(&which, &root, folder, &target, 1, err));
	if (which == 1)
		return XP_OK;
	return xp_fail(
		err, XP_E_REFUSED,
		"output_on_target: the folder %s lies on %s, and what is written there could "
		"hit the boxes; name a folder on another drive",
		folder, medium);
}
