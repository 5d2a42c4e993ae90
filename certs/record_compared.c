#include "certs/record_compared.h"

#include <openssl/evp.h>

#include <string.h>

#include "base/wire.h"

struct comparison {
	const struct xp_record *r;
	struct xp_findings *f;
	bool claims;
	size_t at; /* the phase that is looked at */
	/* the last ones before it; NULL: none */
	const struct xp_phase *baseline, *erase;
};

#define DEFECT(c, name, ...)                                                                       \
	xp_findings_add((c)->f, (c)->claims ? "E_" name : "W_" name, __VA_ARGS__)

static bool add_digest(EVP_MD_CTX *all, const struct xp_extent_digest *d)
{
	uint8_t place[16];

	put_be64(place, d->offset);
	put_be64(place + 8, d->len);
	return EVP_DigestUpdate(all, place, sizeof(place)) == 1 &&
	       EVP_DigestUpdate(all, d->sha256, sizeof(d->sha256)) == 1;
}

/*
 * The first places, with what stood there, and one digest over all of them: where the list has all,
 * they are as many bytes as were planned, and the one follows from the others.
 */
static bool digests_are_true(const struct xp_phase *p)
{
	const struct xp_baseline_result *b = &p->baseline;
	EVP_MD_CTX *all = EVP_MD_CTX_new();
	bool good = all && EVP_DigestInit_ex(all, EVP_sha256(), NULL) == 1;
	bool is_whole = b->digest_n < XP_DIGESTS_MAX;
	uint64_t bytes = 0, end;
	uint8_t sha256[32];

	for (size_t i = 0; i < b->digest_n && good; i++)
		good = !__builtin_add_overflow(b->digests[i].offset, b->digests[i].len, &end) &&
		       end <= p->identity.capacity_bytes &&
		       !__builtin_add_overflow(bytes, b->digests[i].len, &bytes) &&
		       add_digest(all, &b->digests[i]);
	good = good && EVP_DigestFinal_ex(all, sha256, NULL) == 1 && bytes <= b->bytes_planned &&
	       (!is_whole || (bytes == b->bytes_planned &&
			      memcmp(sha256, b->digests_sha256, sizeof(sha256)) == 0));
	EVP_MD_CTX_free(all);
	return good;
}

/* The places that are read behind the erase were drawn behind it, or what erased knew them. */
static void check_seeds(const struct comparison *c, size_t i)
{
	const struct xp_phase *phases = c->r->evidence.phases;
	const struct xp_readback_result *b = &phases[i].readback;

	if (b->mode != XP_READBACK_SAMPLE)
		return;
	for (size_t k = 0; k < i; k++) {
		const struct xp_phase *q = &phases[k];
		bool is_same =
			(q->kind == XP_PHASE_BASELINE &&
			 memcmp(q->baseline.seed, b->seed, 32) == 0) ||
			(q->kind == XP_PHASE_READBACK && q->readback.mode == XP_READBACK_SAMPLE &&
			 memcmp(q->readback.seed, b->seed, 32) == 0);

		if (is_same)
			DEFECT(c, "VERIFICATION",
			       "evidence[%zu].readback.seed: that of evidence[%zu], drawn before "
			       "it",
			       i, k);
	}
}

static void check_baseline(const struct comparison *c, const struct xp_phase *p)
{
	const struct xp_baseline_result *b = &p->baseline;
	uint64_t bytes;

	if (b->informative_blocks > b->blocks ||
	    __builtin_mul_overflow(b->blocks, (uint64_t)p->identity.logical_block_bytes, &bytes) ||
	    bytes > b->bytes_planned)
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].baseline.blocks: more than were to be read", c->at);
	if ((b->digest_n || b->blocks) && !digests_are_true(p))
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].baseline.digests: not of the places that were to be read, or "
		       "not what digests_sha256 says of them",
		       c->at);
}

/* The blocks of each kind are all that were compared, and these all that had been read before. */
static void check_sums(const struct comparison *c, const struct xp_readback_result *b,
		       const struct xp_baseline_result *before)
{
	const uint64_t kinds[] = {b->unchanged_blocks, b->changed_blocks, b->zero_blocks,
				  b->pattern_blocks, b->unreadable_blocks};
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (__builtin_add_overflow(sum, kinds[i], &sum))
			sum = UINT64_MAX;
	if (sum != b->compared_blocks)
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].readback.compared: the blocks of each kind are not all that "
		       "were compared",
		       c->at);
	if (b->compared_blocks && b->compared_blocks != (before ? before->blocks : 0))
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].readback.compared_blocks: not those that were read before "
		       "the erase",
		       c->at);
}

/* What an erase left is known, and blocks were read that hold something else. */
static bool contradicts_expected(const struct xp_readback_result *b)
{
	if (b->expected.kind == XP_CONTENT_UNKNOWN || b->mismatch_total)
		return false;
	return b->changed_blocks || (b->expected.kind == XP_CONTENT_ZERO && b->pattern_blocks);
}

static void check_readback(const struct comparison *c, const struct xp_phase *p)
{
	const struct xp_readback_result *b = &p->readback;
	const struct xp_baseline_result *before =
		c->baseline && c->baseline->attempt == p->attempt ? &c->baseline->baseline : NULL;

	if (before && c->erase && c->baseline > c->erase)
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].readback: the baseline was taken behind the erase, when "
		       "nothing stood there any more",
		       c->at);
	check_sums(c, b, before);
	if ((b->baseline_informative == XP_ANSWER_YES &&
	     (!before || !before->informative_blocks)) ||
	    (b->baseline_informative == XP_ANSWER_NO && before && before->informative_blocks))
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].readback.baseline_informative: the baseline says otherwise",
		       c->at);
	if (contradicts_expected(b))
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].readback.expected: the comparison found other contents, and "
		       "no block is said to differ",
		       c->at);
	/* it may have been lost with the journal; what it would have shown nobody knows */
	if (xp_technique_is_device_command(p->technique) && !b->compared_blocks &&
	    b->mode != XP_READBACK_NONE &&
	    (b->expected.kind == XP_CONTENT_UNKNOWN || (before && before->blocks)))
		xp_findings_add(
			c->f, "W_VERIFICATION",
			"evidence[%zu].readback: not compared with what stood there before; that "
			"anything changed stands on the device's word",
			c->at);
}

void xp_record_check_compared(const struct xp_record *r, bool claims, struct xp_findings *findings)
{
	struct comparison c = {.r = r, .f = findings, .claims = claims};

	/* who validates compares with what another record tells */
	for (; r->kind != XP_RECORD_VALIDATION && c.at < r->evidence.n; c.at++) {
		const struct xp_phase *p = &r->evidence.phases[c.at];

		switch (p->kind) {
		case XP_PHASE_BASELINE:
			check_baseline(&c, p);
			c.baseline = p;
			break;
		case XP_PHASE_ERASE:
			c.erase = p;
			break;
		case XP_PHASE_READBACK:
			check_readback(&c, p);
			check_seeds(&c, c.at);
			break;
		case XP_PHASE_IDENTIFY:
			break;
		}
	}
}
