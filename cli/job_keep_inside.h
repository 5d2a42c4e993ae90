/* job_keep_inside: what the files of job_keep share. Inside cli/job_keep*.c only. */
#pragma once
#include <pthread.h>

#include "cli/box_pair.h"
#include "cli/job_keep.h"

struct xp_keep {
	char dir[4096];
	char place[64];
	int state_fd;
	char owner[XP_BOX_OWNER_LEN + 1];
	pthread_t opener;
	uint32_t wait_s; /* how long a job waits for a stick that was pulled out */
	struct xp_box_pair *pair;
	struct xp_durable durable;
};

/* Is there room for BYTES besides what all jobs may come to that have not ended? */
bool xp_keep_has_room_besides(struct xp_keep *keep, uint64_t bytes);
bool xp_keep_is_baseline(const char *path);
/* A baseline of a job that has ended: nobody compares anything with it. CTX is the struct xp_keep.
 */
bool xp_keep_is_over(void *ctx, const char *path);
/* As a struct xp_durable wants it: CTX is the struct xp_keep. */
MUST_USE enum xp_rc xp_keep_flush(void *ctx, struct xp_err *err);
