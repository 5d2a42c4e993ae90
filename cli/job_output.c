#include "cli/job_output.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/job_find.h"
#include "device/interlock.h"

struct here {
	struct xp_target *targets;
	const char **ids;
	size_t n;
};

static void here_free(struct here *h)
{
	for (size_t i = 0; i < h->n; i++)
		xp_target_free(&h->targets[i]);
	free(h->targets);
	free(h->ids);
}

/* What is not here is no place. What cannot be looked at is told: the boxes have all of it. */
static void add_target(struct here *h, const struct xp_job_summary *s, const char *folder,
		       const struct xp_inventory *inventory, const struct xp_sysroot *root)
{
	struct xp_target target = {0};
	char path[4096];
	unsigned fits = 0;
	struct xp_err err;
	enum xp_rc rc;

	xp_job_find(path, sizeof(path), &fits, &s->media, inventory, s->path);
	rc = xp_target_resolve(&target, root, path, &err);
	if (rc == XP_OK && xp_job_summary_names(s, &target)) {
		h->ids[h->n] = s->id;
		h->targets[h->n++] = target;
		return;
	}
	if (rc != XP_OK && rc != XP_E_NOENT)
		xp_log(XP_LOG_WARNING, "whether %s lies on %s cannot be told: %s", folder, path,
		       err.msg);
	xp_target_free(&target);
}

enum xp_rc xp_output_demand_free(const char *folder, const struct xp_job_summaries *open,
				 const struct xp_sysroot *root, struct xp_err *err)
{
	AUTO(xp_inventory_free) struct xp_inventory inventory = {0};
	AUTO(here_free)
	struct here h = {.targets = calloc(open->n + 1, sizeof(*h.targets)),
			 .ids = calloc(open->n + 1, sizeof(*h.ids))};
	bool is_known = false;
	size_t which = 0;

	if (!h.targets || !h.ids)
		return xp_fail(err, XP_E_NOMEM, "%zu jobs", open->n);
	for (size_t i = 0; i < open->n; i++) {
		const struct xp_job_summary *s = &open->list[i];

		if (s->ended || s->damaged || s->untouched || !s->has_media)
			continue;
		if (!is_known)
			TRY(xp_inventory_scan(&inventory, root, err));
		is_known = true;
		add_target(&h, s, folder, &inventory, root);
	}
	if (h.n)
		TRY(xp_interlock_find_output(&which, root, folder, h.targets, h.n, err));
	if (which == h.n)
		return XP_OK;
	return xp_fail(
		err, XP_E_REFUSED,
		"output_on_target: the folder %s lies on %s, whose job %s has not ended: what "
		"is written there goes when that goes on; name a folder on another drive",
		folder, h.targets[which].path, h.ids[which]);
}

enum xp_rc xp_output_demand_free_of(const char *folder, const struct xp_state *state,
				    const struct xp_sysroot *root, struct xp_err *err)
{
	AUTO(xp_job_summaries_free) struct xp_job_summaries open = {0};

	TRY(xp_job_summaries_read_open(&open, state, err));
	return xp_output_demand_free(folder, &open, root, err);
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
