#include "cli/job_quiet.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

/* What is there: names with what tells one drive from the next in the same place. */
struct scene {
	struct xp_buf text;
	size_t drives;
	char busy[96]; /* the first controller that still looks; empty: none */
};

static void scene_free(struct scene *s)
{
	xp_buf_free(&s->text);
}

/* An empty list where the kernel has no such class. */
static enum xp_rc list(struct xp_names *out, const struct xp_sysroot *root, const char *folder,
		       struct xp_err *err)
{
	enum xp_rc rc = xp_sysroot_list(out, root, err, "%s", folder);

	return rc == XP_E_NOENT ? XP_OK : rc;
}

/* Loop, ram, dm and md have no device behind them: nobody finds them by looking. */
static enum xp_rc see_blocks(struct scene *s, const struct xp_sysroot *root, struct xp_err *err)
{
	AUTO(xp_names_free) struct xp_names names = {0};

	TRY(list(&names, root, "sys/block", err));
	for (size_t i = 0; i < names.n; i++) {
		uint64_t sectors = 0;
		uint64_t seq = 0;

		if (!xp_sysroot_has(root, "sys/block/%s/device", names.list[i]))
			continue;
		(void)xp_sysroot_read_u64(&sectors, root, "sys/block/%s/size", names.list[i]);
		(void)xp_sysroot_read_u64(&seq, root, "sys/block/%s/diskseq", names.list[i]);
		xp_buf_printf(&s->text, "b %s %llu %llu\n", names.list[i],
			      (unsigned long long)sectors, (unsigned long long)seq);
		s->drives++;
	}
	return XP_OK;
}

/* Drives without a block node, too: failed ones, those without capacity. */
static enum xp_rc see_class(struct scene *s, const struct xp_sysroot *root, const char *class_name,
			    const char *const *busy_words, struct xp_err *err)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	char folder[64];

	snprintf(folder, sizeof(folder), "sys/class/%s", class_name);
	TRY(list(&names, root, folder, err));
	for (size_t i = 0; i < names.n; i++) {
		char state[32];

		xp_buf_printf(&s->text, "%s %s\n", class_name, names.list[i]);
		(void)xp_sysroot_read_text(state, sizeof(state), root, "%s/%s/state", folder,
					   names.list[i]);
		for (const char *const *w = busy_words; *w && !*s->busy; w++)
			if (strcmp(state, *w) == 0)
				snprintf(s->busy, sizeof(s->busy), "%.60s: %.30s", names.list[i],
					 state);
	}
	return XP_OK;
}

static enum xp_rc see(struct scene *s, const struct xp_sysroot *root, struct xp_err *err)
{
	/* [Linux drivers/nvme/host/core.c state, drivers/scsi/scsi_sysfs.c shost_states] */
	static const char *const nvme_busy[] = {"new", "resetting", "connecting", NULL};
	static const char *const host_busy[] = {"created", "recovery", NULL};
	static const char *const none[] = {NULL};

	TRY(see_blocks(s, root, err));
	TRY(see_class(s, root, "nvme", nvme_busy, err));
	TRY(see_class(s, root, "scsi_host", host_busy, err));
	TRY(see_class(s, root, "scsi_device", none, err));
	return xp_buf_ok(&s->text) ? XP_OK : xp_fail(err, XP_E_NOMEM, "the host's drives");
}

static uint32_t since(const struct xp_clock *clock, uint64_t from_ns)
{
	return (uint32_t)((clock->monotonic_ns(clock->ctx) - from_ns) / 1000000000u);
}

enum xp_rc xp_quiet_wait(enum xp_quiet_end *end, const struct xp_quiet_request *req,
			 struct xp_err *err)
{
	AUTO(scene_free) struct scene before = {0};
	const uint64_t start_ns = req->clock->monotonic_ns(req->clock->ctx);
	uint64_t changed_ns = start_ns;

	TRY(see(&before, req->root, err));
	for (;;) {
		AUTO(scene_free) struct scene now = {0};

		TRY(see(&now, req->root, err));
		if (*now.busy || strcmp(xp_buf_str(&now.text), xp_buf_str(&before.text)) != 0)
			changed_ns = req->clock->monotonic_ns(req->clock->ctx);
		scene_free(&before);
		before = now;
		now = (struct scene){0};
		if (!*before.busy && since(req->clock, changed_ns) >= req->settle_s)
			*end = XP_QUIET_SETTLED;
		else if (since(req->clock, start_ns) >= req->max_s)
			*end = XP_QUIET_GAVE_UP;
		else if (req->look(req->ctx, before.drives, since(req->clock, changed_ns),
				   before.busy))
			*end = XP_QUIET_STOPPED;
		else
			continue;
		return XP_OK;
	}
}
