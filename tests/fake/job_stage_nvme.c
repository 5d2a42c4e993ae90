/* The stage's NVMe drive: its door, and the process that may die at each command. */
#include "tests/fake/job_stage_inside.h"

#include "base/cleanup.h"
#include "device/transport_inside.h"
#include "tests/fake/nvme_medium.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static enum xp_rc nvme_exec(void *ctx, const struct xp_cmd *cmd, struct xp_reply *reply,
			    struct xp_err *err)
{
	struct world *w = ctx;
	struct xp_transport *t = NULL;
	const struct xp_transport_ops *ops = NULL;
	void *inner = NULL;
	enum xp_rc rc;

	if (stage_boundary(w))
		return xp_fail(err, XP_E_IO, "this process was killed");
	TRY(emu_transport_nvme_open(&t, &w->slot, err));
	/* it has passed the choke point once */
	xp_transport_take_apart(&t, &ops, &inner);
	rc = ops->exec(inner, cmd, reply, err);
	ops->close(inner);
	if (!stage_boundary(w))
		return rc;
	reply->answered = false;
	return xp_fail(err, XP_E_IO, "this process was killed");
}

static const struct xp_transport_ops nvme_ops = {.name = "stage", .exec = nvme_exec};

enum xp_rc stage_nvme_open(struct xp_transport **out, struct world *w, struct xp_err *err)
{
	return xp_transport_new(out, XP_TRANSPORT_NVME, &nvme_ops, w, err);
}

static bool on_boundary(void *ctx)
{
	return stage_boundary(ctx);
}

enum xp_rc stage_nvme_open_io(struct xp_extent_io **out, struct world *w,
			      const struct xp_extent_config *cfg, struct xp_err *err)
{
	const struct nvme_medium m = {
		.slot = &w->slot, .nsid = 1, .ctx = w, .boundary = on_boundary};

	return nvme_medium_io(out, cfg, &m, err);
}

void stage_nvme_view(struct xp_identity *out, const struct world *w)
{
	const struct emu_nvme_config *cfg = emu_nvme_config_of(w->slot.drive);
	uint32_t block = 1U << cfg->formats[cfg->ns[0].format].data_exponent;

	*out = (struct xp_identity){.media = XP_MEDIA_SSD,
				    .bus = XP_BUS_NVME,
				    .capacity_bytes = cfg->ns[0].bytes,
				    .logical_block_bytes = block,
				    .physical_block_bytes = block};
}

void stage_plug_nvme(struct world *w, const struct emu_nvme_config *cfg)
{
	if (geteuid() != 0)
		skip();
	w->slot.drive = emu_nvme_new(cfg, &w->time);
	if (!w->slot.drive)
		abort();
	emu_nvme_stain(w->slot.drive);
}
