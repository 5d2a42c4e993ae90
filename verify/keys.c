#include "verify/keys.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/wire.h"

/* What is looked for, restated here: the witness shares no code with the actor. */
#define MAGIC_LEN	6
#define HEADER_STEP	512u
#define HEADER_VERSION	6
#define HEADER_UUID	168
#define HEADER_UUID_LEN 40
#define SWAP_STEP	4096u
#define SWAP_AT		4086u
#define SWAP_LEN	10

static const uint8_t first_magic[MAGIC_LEN] = {0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe};
static const uint8_t second_magic[MAGIC_LEN] = {0x53, 0x4b, 0x55, 0x4c, 0xba, 0xbe};
static const char *const swap_magics[] = {"SWAPSPACE2", "SWAP-SPACE", "S1SUSPEND",
					  "S2SUSPEND",	"ULSUSPEND",  "LINHIB0001"};

struct keys {
	const struct xp_verify_keys_request *req;
	struct xp_key_search *out;
	struct xp_err *err;
	enum xp_rc rc; /* of a callback that cannot return it */
	/* the areas, in order */
	EVP_MD_CTX *md;
	size_t area;		     /* the one that is being read */
	uint64_t next;		     /* where its next byte stands */
	uint8_t tail[MAGIC_LEN - 1]; /* the bytes in front of it */
	size_t tail_n;
	/* the search */
	struct xp_extents ranges;
	size_t range;
};

static bool is_magic(const uint8_t *p)
{
	return memcmp(p, first_magic, MAGIC_LEN) == 0 || memcmp(p, second_magic, MAGIC_LEN) == 0;
}

/* ---- the areas ---- */

static uint64_t count_magics(const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;
	uint64_t n = 0;

	while (len >= MAGIC_LEN && (p = memchr(p, 0xba, (size_t)(end - p))) != NULL) {
		if (end - p >= 2 && p[1] == 0xbe && (size_t)(end - p) <= len - (MAGIC_LEN - 2) &&
		    is_magic(p - (MAGIC_LEN - 2)))
			n++;
		p++;
	}
	return n;
}

/* Pieces come in order; a magic may lie across two of them. */
static void count_left(struct keys *k, const uint8_t *buf, size_t len)
{
	uint8_t seam[2 * (MAGIC_LEN - 1)];
	size_t head = len < MAGIC_LEN - 1 ? len : MAGIC_LEN - 1;

	memcpy(seam, k->tail, k->tail_n);
	memcpy(seam + k->tail_n, buf, head);
	k->out->headers_left += count_magics(seam, k->tail_n + head) + count_magics(buf, len);
	if (len >= MAGIC_LEN - 1) {
		memcpy(k->tail, buf + len - (MAGIC_LEN - 1), MAGIC_LEN - 1);
		k->tail_n = MAGIC_LEN - 1;
	}
}

static void finish_area(struct keys *k)
{
	struct xp_extent_digest *d = &k->out->areas[k->area];
	unsigned len = 0;

	if (EVP_DigestFinal_ex(k->md, d->sha256, &len) != 1 ||
	    EVP_DigestInit_ex(k->md, EVP_sha256(), NULL) != 1)
		k->rc = xp_fail(k->err, XP_E_INTERNAL, "SHA-256");
	k->area++;
	k->tail_n = 0;
	if (k->area < k->out->area_n)
		k->next = k->out->areas[k->area].offset;
}

static void look_at_area(void *ctx, const uint8_t *buf, uint64_t offset, size_t len)
{
	struct keys *k = ctx;
	const struct xp_extent_digest *d;

	/* behind a place that cannot be read there is no digest; the read errors say so */
	if (k->rc != XP_OK || k->area == k->out->area_n || offset != k->next)
		return;
	d = &k->out->areas[k->area];
	if (EVP_DigestUpdate(k->md, buf, len) != 1)
		k->rc = xp_fail(k->err, XP_E_INTERNAL, "SHA-256");
	count_left(k, buf, len);
	k->next += len;
	if (k->next == d->offset + d->len)
		finish_area(k);
}

static enum xp_rc read_areas(struct keys *k, struct xp_readback_result *result)
{
	AUTO_MEM struct xp_extent *areas = calloc(k->out->area_n, sizeof(*areas));
	struct xp_verify_request v = k->req->how;
	enum xp_rc rc;

	if (!areas)
		return xp_fail(k->err, XP_E_NOMEM, "areas of keys");
	for (size_t i = 0; i < k->out->area_n; i++)
		areas[i] = (struct xp_extent){k->out->areas[i].offset, k->out->areas[i].len};
	v.mode = XP_READBACK_FULL;
	v.areas = areas;
	v.area_n = k->out->area_n;
	v.look = look_at_area;
	v.look_ctx = k;
	k->next = areas[0].offset;
	if (EVP_DigestInit_ex(k->md, EVP_sha256(), NULL) != 1)
		return xp_fail(k->err, XP_E_INTERNAL, "SHA-256");
	rc = xp_verify_run(result, &v, k->err);
	return rc == XP_OK ? k->rc : rc;
}

/* ---- the rest of the target ---- */

static void copy_uuid(char out[HEADER_UUID_LEN + 1], const uint8_t *p)
{
	size_t n = strnlen((const char *)p, HEADER_UUID_LEN);

	memset(out, 0, HEADER_UUID_LEN + 1);
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x21 || p[i] > 0x7e)
			return;
	memcpy(out, p, n);
}

static void add_copy(struct keys *k, uint64_t at, const uint8_t *p, size_t len)
{
	struct xp_key_search *s = k->out;
	struct xp_key_copy *copy;

	s->copy_total++;
	if (s->copy_n == XP_KEY_COPIES_MAX)
		return;
	copy = reallocarray(s->copies, s->copy_n + 1, sizeof(*copy));
	if (!copy) {
		k->rc = xp_fail(k->err, XP_E_NOMEM, "copies of headers");
		return;
	}
	s->copies = copy;
	copy += s->copy_n++;
	memset(copy, 0, sizeof(*copy));
	copy->offset = at;
	copy->version = get_be16(p + HEADER_VERSION);
	if (len >= HEADER_UUID + HEADER_UUID_LEN)
		copy_uuid(copy->uuid, p + HEADER_UUID);
}

static bool is_header(const uint8_t *p, size_t len)
{
	return len >= HEADER_VERSION + 2 && is_magic(p) && p[HEADER_VERSION] == 0 &&
	       (p[HEADER_VERSION + 1] == 1 || p[HEADER_VERSION + 1] == 2);
}

static bool is_swap(const uint8_t *page)
{
	for (size_t i = 0; i < XP_ARRAY_LEN(swap_magics); i++)
		if (memcmp(page + SWAP_AT, swap_magics[i], strlen(swap_magics[i])) == 0)
			return true;
	return false;
}

static void search_piece(void *ctx, const uint8_t *buf, uint64_t offset, size_t len)
{
	struct keys *k = ctx;
	size_t first = (size_t)((HEADER_STEP - offset % HEADER_STEP) % HEADER_STEP);

	k->out->searched_bytes += len;
	for (size_t i = first; i < len && k->rc == XP_OK; i += HEADER_STEP) {
		if (is_header(buf + i, len - i))
			add_copy(k, offset + i, buf + i, len - i);
		if ((offset + i) % SWAP_STEP == 0 && len - i >= SWAP_STEP && is_swap(buf + i))
			k->out->swap_found = true;
	}
}

static void search_failed(void *ctx, uint64_t offset, size_t len, int sys_errno)
{
	struct keys *k = ctx;

	(void)offset;
	(void)len;
	(void)sys_errno;
	k->out->searched_all = false;
}

static bool next_range(void *ctx, struct xp_extent *range)
{
	struct keys *k = ctx;

	if (k->range == k->ranges.n)
		return false;
	*range = k->ranges.list[k->range++];
	return true;
}

static bool is_cancelled(void *ctx)
{
	const struct keys *k = ctx;
	const struct xp_verify_request *how = &k->req->how;

	return k->rc != XP_OK || (how->cancelled && how->cancelled(how->ctx));
}

/* Adds [AT, END) without the areas, which are sorted. */
static enum xp_rc add_range(struct keys *k, uint64_t at, uint64_t end)
{
	for (size_t i = 0; i < k->out->area_n && at < end; i++) {
		const struct xp_extent_digest *d = &k->out->areas[i];

		if (d->offset + d->len <= at || d->offset >= end)
			continue;
		if (d->offset > at)
			TRY(xp_extents_add(&k->ranges, at, d->offset - at, k->err));
		at = d->offset + d->len;
	}
	return at < end ? xp_extents_add(&k->ranges, at, end - at, k->err) : XP_OK;
}

static enum xp_rc plan_search(struct keys *k)
{
	uint64_t capacity = k->req->how.capacity_bytes;
	bool all = k->req->search_all || capacity <= XP_KEYS_SEARCH_HEAD + XP_KEYS_SEARCH_TAIL;

	k->out->searched_all = all;
	if (all)
		return add_range(k, 0, capacity);
	TRY(add_range(k, 0, XP_KEYS_SEARCH_HEAD));
	return add_range(k, capacity - XP_KEYS_SEARCH_TAIL, capacity);
}

static enum xp_rc search(struct keys *k)
{
	const struct xp_extent_job job = {
		.stall_ms = k->req->how.stall_ms,
		.ctx = k,
		.next = next_range,
		.deliver = search_piece,
		.failed = search_failed,
		.cancelled = is_cancelled,
	};
	struct xp_extent_stats stats;
	enum xp_rc rc;

	TRY(plan_search(k));
	if (k->ranges.n == 0)
		return XP_OK;
	rc = xp_extent_io_run(k->req->how.io, &job, &stats, k->err);
	return k->rc != XP_OK ? k->rc : rc;
}

static int by_offset(const void *a, const void *b)
{
	const struct xp_extent_digest *x = a;
	const struct xp_extent_digest *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static enum xp_rc list_areas(struct keys *k)
{
	const struct xp_verify_keys_request *req = k->req;

	if (req->volume_n == 0)
		return xp_fail(k->err, XP_E_USAGE, "no area held keys");
	k->out->areas = calloc(req->volume_n, sizeof(*k->out->areas));
	if (!k->out->areas)
		return xp_fail(k->err, XP_E_NOMEM, "areas of keys");
	k->out->area_n = req->volume_n;
	for (size_t i = 0; i < req->volume_n; i++) {
		k->out->areas[i].offset = req->volumes[i].offset;
		k->out->areas[i].len = req->volumes[i].area_bytes;
	}
	qsort(k->out->areas, k->out->area_n, sizeof(*k->out->areas), by_offset);
	return XP_OK;
}

enum xp_rc xp_verify_keys(struct xp_readback_result *result, struct xp_key_search *out,
			  const struct xp_verify_keys_request *req, struct xp_err *err)
{
	struct keys k = {.req = req, .out = out, .err = err, .rc = XP_OK};
	enum xp_rc rc;

	*out = (struct xp_key_search){0};
	*result = (struct xp_readback_result){.mode = XP_READBACK_FULL,
					      .expected = req->how.expected};
	k.md = EVP_MD_CTX_new();
	rc = k.md ? list_areas(&k) : xp_fail(err, XP_E_NOMEM, "SHA-256");
	if (rc == XP_OK)
		rc = read_areas(&k, result);
	if (rc == XP_OK)
		rc = search(&k);
	EVP_MD_CTX_free(k.md);
	xp_extents_free(&k.ranges);
	return rc;
}

enum xp_rc xp_verify_search_headers(struct xp_key_search *out,
				    const struct xp_verify_keys_request *req, struct xp_err *err)
{
	struct keys k = {.req = req, .out = out, .err = err, .rc = XP_OK};
	enum xp_rc rc;

	*out = (struct xp_key_search){0};
	rc = req->volume_n ? list_areas(&k) : XP_OK;
	if (rc == XP_OK)
		rc = search(&k);
	xp_extents_free(&k.ranges);
	return rc;
}
