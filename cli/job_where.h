/*
 * job_where: where the records of a session lie, for the person who wants to take them along. A
 * folder is named only where they were seen in it.
 */
#pragma once
#include "base/buf.h"
#include "cli/job_session.h"

/*
 * A line for each place that RECORDS ("ID.json", N of them) lie in, INDENT blanks in front: the
 * folder beside the boxes, --out, the state folder. Nothing where N is 0.
 */
void xp_where_records(struct xp_buf *out, const struct xp_session *s, const char *const *records,
		      size_t n, unsigned indent);
/* The same as messages, of the jobs of a batch; nothing where no boxes are kept. */
void xp_where_tell(const struct xp_session *s, const struct xp_batch *batch);
