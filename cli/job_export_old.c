#include "cli/job_export_old.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/cms.h"
#include "certs/jcs.h"
#include "certs/log_proof.h"

static bool ends_with(const char *s, const char *end)
{
	size_t len = strlen(s);
	size_t end_len = strlen(end);

	return len >= end_len && strcmp(s + len - end_len, end) == 0;
}

static bool is_prefix(const struct xp_log_bytes *a, const struct xp_log_bytes *of)
{
	return a->len <= of->len && memcmp(a->data, of->data, a->len) == 0;
}

/* Our own bytes, as long as ours, but where zeros stand: sectors that never came to the medium. */
static bool is_ours_with_holes(const struct xp_log_bytes *old, const struct xp_log_bytes *ours)
{
	const char *a = old->data;
	const char *b = ours->data;

	if (old->len != ours->len)
		return false;
	for (size_t i = 0; i < old->len; i++)
		if (a[i] && a[i] != b[i])
			return false;
	return true;
}

static enum xp_export_old judge_record(const struct xp_log_bytes *old)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	AUTO(xp_json_free) json_t *root = NULL;

	return xp_jcs_read(&root, old->data, old->len, &findings, NULL) == XP_OK ? XP_OLD_DIFFERS
										 : XP_OLD_TORN;
}

/* A time stamp may have been put into the signature since: the signatures are what counts. */
static enum xp_export_old compare_signatures(const struct xp_cms *a, const struct xp_cms *b)
{
	if (a->signers_n != b->signers_n)
		return XP_OLD_DIFFERS;
	for (unsigned i = 0; i < a->signers_n; i++) {
		const struct xp_bytes *x = &a->signers[i].signature;
		const struct xp_bytes *y = &b->signers[i].signature;

		if (x->len != y->len || memcmp(x->data, y->data, x->len) != 0)
			return XP_OLD_DIFFERS;
	}
	return XP_OLD_SAME;
}

static enum xp_export_old judge_signature(const struct xp_log_bytes *old,
					  const struct xp_log_bytes *ours)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	AUTO_MEM struct xp_cms *cms = calloc(2, sizeof(*cms));

	if (!cms)
		return XP_OLD_DIFFERS;
	if (!xp_cms_parse(&cms[0], old->data, old->len, &findings))
		return XP_OLD_TORN;
	if (!xp_cms_parse(&cms[1], ours->data, ours->len, &findings))
		return XP_OLD_DIFFERS;
	return compare_signatures(&cms[0], &cms[1]);
}

static enum xp_export_old judge_proof(const struct xp_log_bytes *old)
{
	struct xp_log_proof proof;

	return xp_log_proof_parse(&proof, old->data, old->len, NULL) == XP_OK ? XP_OLD_DIFFERS
									      : XP_OLD_TORN;
}

/* The log only grows: more entries than ours were written by a later state of this log. */
static enum xp_export_old judge_checkpoint(const struct xp_log_bytes *old,
					   const struct xp_log_bytes *ours)
{
	enum xp_note_verdict verdict;
	struct xp_checkpoint a;
	struct xp_checkpoint b;

	if (xp_checkpoint_read(&a, &verdict, old->data, old->len, NULL, NULL) != XP_OK)
		return XP_OLD_TORN;
	if (xp_checkpoint_read(&b, &verdict, ours->data, ours->len, NULL, NULL) != XP_OK ||
	    strcmp(a.origin, b.origin) != 0 || a.head.size >= b.head.size)
		return XP_OLD_DIFFERS;
	return XP_OLD_OUTGROWN;
}

/* Lines that end; a hole in a file of FAT reads as zeros. */
static bool is_whole_text(const struct xp_log_bytes *b)
{
	const char *text = b->data;

	return b->len && text[b->len - 1] == '\n' && !memchr(text, 0, b->len);
}

enum xp_export_old xp_export_judge_old(const char *path, const struct xp_log_bytes *old,
				       const struct xp_log_bytes *ours)
{
	if (old->len == ours->len && memcmp(old->data, ours->data, ours->len) == 0)
		return XP_OLD_SAME;
	if (is_ours_with_holes(old, ours))
		return XP_OLD_TORN;
	if (ends_with(path, ".json"))
		return judge_record(old);
	if (ends_with(path, ".p7s"))
		return judge_signature(old, ours);
	if (ends_with(path, ".tlog-proof"))
		return judge_proof(old);
	if (strcmp(path, "log/checkpoint") == 0)
		return judge_checkpoint(old, ours);
	/* what is torn in a tile its hashes show; it is the same log, so ours is right */
	if (strncmp(path, "log/", 4) == 0)
		return XP_OLD_TORN;
	if (!is_whole_text(old))
		return XP_OLD_TORN;
	return is_prefix(old, ours) ? XP_OLD_OUTGROWN : XP_OLD_DIFFERS;
}
