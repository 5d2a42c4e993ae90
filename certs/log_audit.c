#include "certs/log_audit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/log_tree.h"

struct work {
	struct xp_log_audit *out;
	struct xp_findings *findings;
	const struct xp_log_audit_input *in;
	struct xp_log_tree tree;
	struct xp_log_tally tally;
	struct xp_merkle_head at_old; /* the tree when it had as many leaves as the older one */
	bool at_old_known;
	int64_t newest_s; /* of the start leaves since the last one that went back */
	uint64_t newest_index;
	unsigned back_n;
};

#define DAY_S	 86400
#define BACK_MAX 16 /* that are told; more say nothing new */

static void free_work(struct work **w)
{
	if (!*w)
		return;
	xp_log_tree_free(&(*w)->tree);
	xp_log_tally_free(&(*w)->tally);
	free(*w);
	*w = NULL;
}

void xp_log_audit_free(struct xp_log_audit *a)
{
	xp_log_jobs_free(&a->open_jobs);
}

static bool is_ours_to_report(enum xp_rc rc)
{
	return rc == XP_E_NOMEM || rc == XP_E_IO || rc == XP_E_PERM || rc == XP_E_INTERNAL;
}

/* What stands on the disk for a piece of the tree. */
static enum xp_rc compare_piece(void *ctx, const struct xp_log_piece *piece, struct xp_err *err)
{
	const struct work *w = ctx;
	char path[XP_TILE_PATH_MAX];
	AUTO_MEM char *data = NULL;
	size_t len = 0;
	enum xp_rc rc =
		xp_tile_read(&data, &len, w->in->log_fd, piece->level, piece->n, piece->width, err);

	if (is_ours_to_report(rc))
		return rc;
	xp_tile_path(path, piece->level, piece->n, piece->width);
	if (rc == XP_E_NOENT)
		xp_findings_add(w->findings, "E_LOG_TILE", "%s is gone", path);
	/* a partial piece may have become full meanwhile: then it is the beginning of it */
	else if (rc != XP_OK || len < piece->len || memcmp(data, piece->data, piece->len) != 0 ||
		 (len > piece->len && piece->width == XP_TILE_WIDTH))
		xp_findings_add(w->findings, "E_LOG_TILE", "%s is not what the entries give", path);
	return XP_OK;
}

static void note_old(struct work *w)
{
	if (!w->in->old || xp_log_tree_size(&w->tree) != w->out->old.head.size)
		return;
	xp_log_tree_head(&w->at_old, &w->tree);
	w->at_old_known = true;
}

/*
 * Entries stand in the order in which they were written. expunge refuses a clock that stands before
 * the newest of them, so only a changed program, or a log of another's making, goes back.
 */
static void judge_start_time(struct work *w, uint64_t index, const struct xp_log_leaf *leaf)
{
	char newest[XP_TIME_LEN];
	int64_t at_s = 0;

	if (!xp_time_parse(&at_s, leaf->time))
		return;
	if (w->newest_s - at_s > DAY_S && w->out->starts && w->back_n < BACK_MAX) {
		w->back_n++;
		xp_time_format(newest, w->newest_s);
		xp_findings_add(w->findings, "W_LOG_TIME",
				"entry %" PRIu64 ": a job that began at %s by its own clock, %lld "
				"days before that of entry %" PRIu64
				" (%s), which stood there first",
				index, leaf->time, (long long)((w->newest_s - at_s) / DAY_S),
				w->newest_index, newest);
	} else if (w->newest_s > at_s && w->newest_s - at_s <= DAY_S) {
		return;
	}
	w->newest_s = at_s;
	w->newest_index = index;
}

static enum xp_rc take_leaf(void *ctx, uint64_t index, const struct xp_log_bytes *bytes,
			    struct xp_err *err)
{
	struct work *w = ctx;
	struct xp_log_sink sink = {compare_piece, w};
	struct xp_log_leaf leaf;

	if (bytes->len == 0)
		return xp_fail(err, XP_E_MALFORMED, "log: entry %" PRIu64 " is empty", index);
	TRY(xp_log_tree_add(&w->tree, bytes, &sink, err));
	w->out->entries++;
	note_old(w);
	if (xp_log_leaf_parse(&leaf, bytes->data, bytes->len, err) != XP_OK) {
		xp_findings_add(w->findings, "E_LOG_ENTRIES", "entry %" PRIu64 ": %s", index,
				err->msg);
		return XP_OK;
	}
	if (leaf.type == XP_LOG_LEAF_START)
		judge_start_time(w, index, &leaf);
	w->out->starts += leaf.type == XP_LOG_LEAF_START;
	w->out->records += leaf.type == XP_LOG_LEAF_RECORD;
	w->out->others += leaf.type == XP_LOG_LEAF_OTHER;
	return xp_log_tally_add(&w->tally, index, &leaf, err);
}

static void judge_signature(struct work *w, const char *which, enum xp_note_verdict verdict)
{
	if (verdict == XP_NOTE_SIGNATURE_WRONG)
		xp_findings_add(w->findings, "E_LOG_SIGNATURE",
				"the %s was not signed by the key that it names", which);
	else if (verdict == XP_NOTE_KEY_UNKNOWN)
		xp_findings_add(w->findings, "I_LOG_KEY_UNKNOWN",
				"the %s is signed by no log key that is trusted", which);
}

static void read_old(struct work *w)
{
	enum xp_note_verdict verdict;
	struct xp_err err;

	if (!w->in->old)
		return;
	if (xp_checkpoint_read(&w->out->old, &verdict, w->in->old, w->in->old_len, w->in->vkey,
			       &err) != XP_OK) {
		xp_findings_add(w->findings, "E_LOG_OLD", "the older checkpoint: %s", err.msg);
		w->out->old = (struct xp_checkpoint){0};
		return;
	}
	judge_signature(w, "older checkpoint", verdict);
}

static void judge_old(struct work *w)
{
	const struct xp_checkpoint *old = &w->out->old;
	const struct xp_checkpoint *now = &w->out->checkpoint;

	if (!w->in->old || !*old->origin)
		return;
	if (strcmp(old->origin, now->origin) != 0)
		xp_findings_add(w->findings, "E_LOG_OTHER", "the older checkpoint is of the log %s",
				old->origin);
	else if (old->head.size > now->head.size)
		xp_findings_add(w->findings, "E_LOG_ROLLBACK",
				"the log had %" PRIu64 " entries and now has %" PRIu64,
				old->head.size, now->head.size);
	else if (w->at_old_known && !xp_merkle_hash_equals(&w->at_old.root, &old->head.root))
		xp_findings_add(w->findings, "E_LOG_FORK",
				"the first %" PRIu64
				" entries are not those of the older checkpoint",
				old->head.size);
	else
		w->out->old_holds = w->at_old_known;
}

static enum xp_rc judge_entries(struct work *w, const struct xp_log_reader *r, struct xp_err *err)
{
	struct xp_log_sink sink = {compare_piece, w};
	struct xp_merkle_head head;
	enum xp_rc rc;

	note_old(w);
	rc = xp_log_reader_each(r, &(struct xp_log_visitor){take_leaf, w}, err);
	if (is_ours_to_report(rc))
		return rc;
	if (rc != XP_OK) {
		xp_findings_add(w->findings, "E_LOG_ENTRIES",
				"only %" PRIu64 " of %" PRIu64 " entries can be read: %s",
				w->out->entries, w->out->checkpoint.head.size, err->msg);
		return XP_OK;
	}
	TRY(xp_log_tree_edge(&w->tree, &sink, err));
	xp_log_tree_head(&head, &w->tree);
	if (!xp_merkle_hash_equals(&head.root, &w->out->checkpoint.head.root))
		xp_findings_add(w->findings, "E_LOG_ROOT",
				"the entries are not those that the checkpoint was made over");
	return XP_OK;
}

enum xp_rc xp_log_audit_run(struct xp_log_audit *out, struct xp_findings *findings,
			    const struct xp_log_audit_input *in, struct xp_err *err)
{
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};
	AUTO(free_work) struct work *w = calloc(1, sizeof(*w));
	struct xp_err own;
	enum xp_rc rc;

	/* what is wrong with the log is said in its findings, whether the caller asks or not */
	if (!err)
		err = &own;
	*out = (struct xp_log_audit){0};
	if (!w)
		return xp_fail(err, XP_E_NOMEM, "log");
	*w = (struct work){.out = out, .findings = findings, .in = in};
	rc = xp_log_reader_open(&r, in->log_fd, in->vkey, err);
	if (is_ours_to_report(rc))
		return rc;
	if (rc != XP_OK) {
		xp_findings_add(findings, "E_LOG_CHECKPOINT", "%s", err->msg);
		return XP_OK;
	}
	out->checkpoint = r.checkpoint;
	out->is_signed = r.verdict == XP_NOTE_VERIFIED;
	judge_signature(w, "checkpoint", r.verdict);
	read_old(w);
	TRY(judge_entries(w, &r, err));
	judge_old(w);
	xp_log_tally_open_jobs(&out->open_jobs, &w->tally);
	return XP_OK;
}
