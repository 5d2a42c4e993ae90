#include "verify/baseline.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/wire.h"
#include "verify/baseline_blocks.h"
#include "verify/mismatches.h"
#include "verify/source.h"

#define PROGRESS_NS 100000000ull
#define SHA256_LEN  32

enum found { FOUND_ZERO = 1, FOUND_PATTERN, FOUND_DATA };

/* One reading of the places, before or after. */
struct reading {
	const struct xp_verify_request *how;
	const struct xp_clock *clock;
	const struct xp_baseline *b;
	uint8_t *kinds; /* of each block, what it holds now */
	uint8_t *digests;
	uint8_t *found;			/* after: what each block looks like, an enum found */
	struct xp_extents *read_errors; /* NULL: not listed */
	EVP_MD *sha256;
	EVP_MD_CTX *ctx;
	struct xp_verify_source source;
	struct xp_extent_stats stats;
	struct xp_err *err;
	enum xp_rc rc; /* of a callback that cannot return it */
	uint64_t done;
	uint64_t progress_ns;
};

static void tell_progress(struct reading *r, size_t len)
{
	uint64_t now;

	r->done += len;
	if (!r->how->progress)
		return;
	now = r->clock->monotonic_ns(r->clock->ctx);
	if (now - r->progress_ns < PROGRESS_NS && r->done < r->source.bytes_planned)
		return;
	r->progress_ns = now;
	r->how->progress(r->how->ctx, r->done, r->source.bytes_planned);
}

static bool digest_block(struct reading *r, uint8_t out[SHA256_LEN], const uint8_t *data,
			 size_t len)
{
	return EVP_DigestInit_ex2(r->ctx, r->sha256, NULL) == 1 &&
	       EVP_DigestUpdate(r->ctx, data, len) == 1 &&
	       EVP_DigestFinal_ex(r->ctx, out, NULL) == 1;
}

static enum xp_rc look_at(struct reading *r, uint64_t block, const uint8_t *data, size_t len)
{
	const char *kind = xp_mismatches_kind(data, len);
	bool is_data = strcmp(kind, "data") == 0;
	uint8_t digest[SHA256_LEN];

	if (!digest_block(r, digest, data, len))
		return xp_fail(r->err, XP_E_INTERNAL, "SHA-256");
	memcpy(r->digests + block * XP_BLOCK_DIGEST_BYTES, digest, XP_BLOCK_DIGEST_BYTES);
	r->kinds[block] = is_data ? XP_BLOCK_DATA : XP_BLOCK_PLAIN;
	if (r->found)
		r->found[block] = is_data		      ? FOUND_DATA
				  : strcmp(kind, "zero") == 0 ? FOUND_ZERO
							      : FOUND_PATTERN;
	return XP_OK;
}

static void deliver(void *ctx, const uint8_t *buf, uint64_t offset, size_t len)
{
	struct reading *r = ctx;
	size_t at = 0;

	while (r->rc == XP_OK && at < len) {
		uint32_t block_len = xp_baseline_block_len(r->b, offset + at);
		uint64_t block;

		/* a part of a block says nothing of the whole */
		if (at + block_len <= len && xp_baseline_block_at(&block, r->b, offset + at))
			r->rc = look_at(r, block, buf + at, block_len);
		at += block_len;
	}
	tell_progress(r, len);
}

static void note_unread(void *ctx, uint64_t offset, size_t len, int sys_errno)
{
	struct reading *r = ctx;

	(void)sys_errno;
	if (r->rc == XP_OK && r->read_errors)
		r->rc = xp_extents_add(r->read_errors, offset, len, r->err);
	tell_progress(r, len);
}

static bool next_range(void *ctx, struct xp_extent *range)
{
	struct reading *r = ctx;

	return r->source.next(&r->source, range);
}

static bool is_cancelled(void *ctx)
{
	const struct reading *r = ctx;

	return r->rc != XP_OK || (r->how->cancelled && r->how->cancelled(r->how->ctx));
}

static enum xp_rc read_places(struct reading *r, struct xp_err *err)
{
	const struct xp_baseline *b = r->b;
	struct xp_verify_request places = *r->how;
	struct xp_extent_job job = {
		.stall_ms = r->how->stall_ms,
		.ctx = r,
		.next = next_range,
		.deliver = deliver,
		.failed = note_unread,
		.cancelled = is_cancelled,
	};
	enum xp_rc rc;

	places.scheme = b->scheme;
	places.sample_n = b->sample_n;
	places.capacity_bytes = b->capacity_bytes;
	places.logical_block_bytes = b->logical_block_bytes;
	memcpy(places.seed, b->seed, sizeof(places.seed));
	r->err = err;
	r->clock = r->how->clock ? r->how->clock : xp_clock_system();
	r->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	r->ctx = EVP_MD_CTX_new();
	if (!r->sha256 || !r->ctx)
		return xp_fail(err, XP_E_NOMEM, "SHA-256");
	TRY(xp_verify_source_sample(&r->source, &places, err));
	job.request_bytes = r->source.request_bytes;
	job.depth = r->source.depth;
	rc = xp_extent_io_run(r->how->io, &job, &r->stats, err);
	return r->rc != XP_OK ? r->rc : rc;
}

static void reading_free(struct reading *r)
{
	xp_verify_source_free(&r->source);
	EVP_MD_CTX_free(r->ctx);
	EVP_MD_free(r->sha256);
}

/* --- before --- */

static bool update_be64(EVP_MD_CTX *ctx, uint64_t v)
{
	uint8_t bytes[8];

	put_be64(bytes, v);
	return EVP_DigestUpdate(ctx, bytes, sizeof(bytes)) == 1;
}

/* Digests of the first places, and one over all of them. */
static enum xp_rc sum_up(struct xp_baseline_result *out, const struct xp_baseline *b,
			 struct xp_err *err)
{
	EVP_MD_CTX *all = EVP_MD_CTX_new();
	bool good = all && EVP_DigestInit_ex(all, EVP_sha256(), NULL) == 1;

	out->digests = calloc(XP_DIGESTS_MAX, sizeof(*out->digests));
	good = good && out->digests;
	for (size_t i = 0; good && i < b->plan.n; i++) {
		struct xp_extent_digest d = {.offset = b->plan.list[i].offset,
					     .len = b->plan.list[i].len};

		good = EVP_Digest(b->digests + b->first[i] * XP_BLOCK_DIGEST_BYTES,
				  (b->first[i + 1] - b->first[i]) * XP_BLOCK_DIGEST_BYTES, d.sha256,
				  NULL, EVP_sha256(), NULL) == 1 &&
		       update_be64(all, d.offset) && update_be64(all, d.len) &&
		       EVP_DigestUpdate(all, d.sha256, sizeof(d.sha256)) == 1;
		if (i < XP_DIGESTS_MAX)
			out->digests[out->digest_n++] = d;
	}
	good = good && EVP_DigestFinal_ex(all, out->digests_sha256, NULL) == 1;
	EVP_MD_CTX_free(all);
	return good ? XP_OK : xp_fail(err, XP_E_NOMEM, "SHA-256 of a baseline");
}

static void count(struct xp_baseline_result *out, const struct xp_baseline *b,
		  const struct reading *r)
{
	for (uint64_t i = 0; i < b->blocks; i++) {
		out->blocks += b->kinds[i] != XP_BLOCK_UNREAD;
		out->informative_blocks += b->kinds[i] == XP_BLOCK_DATA;
	}
	xp_extents_sort(&out->read_errors);
	out->bytes_delivered = r->stats.bytes_done;
	out->how = r->stats.how;
	out->extents = r->source.extents - xp_verify_source_spoilt(&r->source, &out->read_errors);
}

enum xp_rc xp_baseline_take(struct xp_baseline **out_b, struct xp_baseline_result *out,
			    const struct xp_verify_request *how, struct xp_err *err)
{
	AUTO(xp_baseline_free) struct xp_baseline *b = NULL;
	struct reading r = {.how = how, .rc = XP_OK, .read_errors = &out->read_errors};
	enum xp_rc rc;

	*out = (struct xp_baseline_result){.scheme = how->scheme};
	memcpy(out->seed, how->seed, sizeof(out->seed));
	TRY(xp_baseline_new(&b, how, err));
	out->bytes_planned = b->plan.bytes;
	out->always_extents = b->plan.always;
	r.b = b;
	r.kinds = b->kinds;
	r.digests = b->digests;
	rc = read_places(&r, err);
	if (rc == XP_OK) {
		count(out, b, &r);
		rc = sum_up(out, b, err);
	}
	reading_free(&r);
	if (rc == XP_OK)
		*out_b = STEAL(b);
	return rc;
}

/* --- after --- */

static void compare_block(struct xp_readback_result *out, const struct reading *r, uint64_t i)
{
	const struct xp_baseline *b = r->b;

	if (b->kinds[i] == XP_BLOCK_UNREAD)
		return;
	out->compared_blocks++;
	if (r->kinds[i] == XP_BLOCK_UNREAD)
		out->unreadable_blocks++;
	else if (b->kinds[i] == XP_BLOCK_DATA &&
		 memcmp(b->digests + i * XP_BLOCK_DIGEST_BYTES,
			r->digests + i * XP_BLOCK_DIGEST_BYTES, XP_BLOCK_DIGEST_BYTES) == 0)
		out->unchanged_blocks++;
	else if (r->found[i] == FOUND_ZERO)
		out->zero_blocks++;
	else if (r->found[i] == FOUND_PATTERN)
		out->pattern_blocks++;
	else
		out->changed_blocks++;
}

enum xp_rc xp_baseline_compare(struct xp_readback_result *out, const struct xp_baseline *b,
			       const struct xp_verify_request *how, struct xp_err *err)
{
	AUTO_MEM uint8_t *kinds = calloc(b->blocks + 1, 1);
	AUTO_MEM uint8_t *digests = calloc(b->blocks + 1, XP_BLOCK_DIGEST_BYTES);
	AUTO_MEM uint8_t *found = calloc(b->blocks + 1, 1);
	struct reading r = {.how = how, .b = b, .rc = XP_OK, .kinds = kinds, .digests = digests};
	bool informative = false;
	enum xp_rc rc;

	r.found = found;
	if (!kinds || !digests || !found)
		return xp_fail(err, XP_E_NOMEM, "%llu blocks", (unsigned long long)b->blocks);
	rc = read_places(&r, err);
	for (uint64_t i = 0; rc == XP_OK && i < b->blocks; i++) {
		informative = informative || b->kinds[i] == XP_BLOCK_DATA;
		compare_block(out, &r, i);
	}
	if (rc == XP_OK)
		out->baseline_informative = informative ? XP_ANSWER_YES : XP_ANSWER_NO;
	reading_free(&r);
	return rc;
}
