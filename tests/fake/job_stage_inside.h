/* job_stage_inside: what the parts of the stage share. */
#pragma once
#include "tests/fake/job_stage.h"

/* true: the process is dead, from here on or before. */
bool stage_boundary(struct world *w);

/* The door of an NVMe drive. */
MUST_USE enum xp_rc stage_nvme_open(struct xp_transport **out, struct world *w, struct xp_err *err);
MUST_USE enum xp_rc stage_nvme_open_io(struct xp_extent_io **out, struct world *w,
				       const struct xp_extent_config *cfg, struct xp_err *err);
void stage_nvme_view(struct xp_identity *out, const struct world *w);
