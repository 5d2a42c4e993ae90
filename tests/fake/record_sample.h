/* record_sample: a whole, honest record of an image that was overwritten and read back, for tests.
 */
#pragma once
#include "certs/record.h"

#define RECORD_SAMPLE_BYTES 1048576
#define RECORD_SAMPLE_START 1795312800LL /* 2026-11-22T02:00:00Z */

/* To be freed with xp_record_free and free. Never NULL. */
struct xp_record *record_sample_new(void);
/* Its canonical bytes; to be freed. Never NULL. */
char *record_sample_json(const struct xp_record *r, size_t *len);
/* As if the job had been BY_S seconds later. */
void record_sample_move(struct xp_record *r, int64_t by_s);
void record_sample_free(struct xp_record *r);
