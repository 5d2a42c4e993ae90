/* The low-level SHA-256 calls: they cannot fail, need no context of their own, and hash short
 * inputs a fifth faster than EVP does; the same library code runs below both. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "certs/merkle.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/cleanup.h"

/* [RFC 6962 2.1: the prefixes keep a leaf from passing as a node] */
#define LEAF_PREFIX 0x00
#define NODE_PREFIX 0x01

void xp_merkle_leaf(struct xp_merkle_hash *out, const void *leaf, size_t len)
{
	static const uint8_t prefix = LEAF_PREFIX;
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, &prefix, sizeof(prefix));
	if (len)
		SHA256_Update(&ctx, leaf, len);
	SHA256_Final(out->b, &ctx);
}

void xp_merkle_node(struct xp_merkle_hash *out, const struct xp_merkle_hash *left,
		    const struct xp_merkle_hash *right)
{
	uint8_t in[1 + 2 * XP_MERKLE_HASH_LEN];
	SHA256_CTX ctx;

	in[0] = NODE_PREFIX;
	memcpy(in + 1, left->b, XP_MERKLE_HASH_LEN);
	memcpy(in + 1 + XP_MERKLE_HASH_LEN, right->b, XP_MERKLE_HASH_LEN);
	SHA256_Init(&ctx);
	SHA256_Update(&ctx, in, sizeof(in));
	SHA256_Final(out->b, &ctx);
}

bool xp_merkle_hash_equals(const struct xp_merkle_hash *a, const struct xp_merkle_hash *b)
{
	return memcmp(a->b, b->b, XP_MERKLE_HASH_LEN) == 0;
}

void xp_merkle_fold(struct xp_merkle_hash *out, const struct xp_merkle_hash *hashes, size_t n)
{
	struct xp_merkle_hash level[128];

	if (n == 1) {
		*out = hashes[0];
		return;
	}
	for (size_t i = 0; i < n / 2; i++)
		xp_merkle_node(&level[i], &hashes[2 * i], &hashes[2 * i + 1]);
	for (n /= 2; n > 1; n /= 2)
		for (size_t i = 0; i < n / 2; i++)
			xp_merkle_node(&level[i], &level[2 * i], &level[2 * i + 1]);
	*out = level[0];
}

static void empty_root(struct xp_merkle_hash *out)
{
	SHA256((const unsigned char *)"", 0, out->b);
}

void xp_merkle_frontier_add(struct xp_merkle_frontier *f, const struct xp_merkle_hash *leaf)
{
	struct xp_merkle_hash h = *leaf;
	unsigned level = 0;

	for (; f->size >> level & 1; level++)
		xp_merkle_node(&h, &f->node[level], &h);
	f->node[level] = h;
	f->size++;
}

void xp_merkle_frontier_root(struct xp_merkle_hash *out, const struct xp_merkle_frontier *f)
{
	bool any = false;

	for (unsigned level = 0; level < XP_ARRAY_LEN(f->node); level++) {
		if (!(f->size >> level & 1))
			continue;
		if (any)
			xp_merkle_node(out, &f->node[level], out);
		else
			*out = f->node[level];
		any = true;
	}
	if (!any)
		empty_root(out);
}

/* The root over leaves [LO, LO + N), N > 0, LO a multiple of a power of two that is at least N. */
static enum xp_rc range_root(struct xp_merkle_hash *out, const struct xp_merkle_reader *r,
			     uint64_t lo, uint64_t n, struct xp_err *err)
{
	uint64_t end = lo + n;
	bool any = false;

	while (n) {
		unsigned level = (unsigned)__builtin_ctzll(n);
		struct xp_merkle_hash h;

		end -= 1ULL << level;
		TRY(r->subtree(r->ctx, &h, level, end >> level, err));
		if (any)
			xp_merkle_node(out, &h, out);
		else
			*out = h;
		any = true;
		n &= n - 1;
	}
	return XP_OK;
}

enum xp_rc xp_merkle_root(struct xp_merkle_hash *out, const struct xp_merkle_reader *r,
			  uint64_t size, struct xp_err *err)
{
	if (size > XP_MERKLE_SIZE_MAX)
		return xp_fail(err, XP_E_USAGE, "a tree of %llu leaves", (unsigned long long)size);
	if (size == 0) {
		empty_root(out);
		return XP_OK;
	}
	return range_root(out, r, 0, size, err);
}

/* The largest power of two below N, N > 1. */
static uint64_t split(uint64_t n)
{
	return 1ULL << (63 - __builtin_clzll(n - 1));
}

/* Proofs are built from the root down and read from the leaf up. */
static void reverse(struct xp_merkle_proof *p)
{
	for (unsigned i = 0; i < p->n / 2; i++) {
		struct xp_merkle_hash h = p->hash[i];

		p->hash[i] = p->hash[p->n - 1 - i];
		p->hash[p->n - 1 - i] = h;
	}
}

enum xp_rc xp_merkle_prove_inclusion(struct xp_merkle_proof *out, const struct xp_merkle_reader *r,
				     uint64_t index, uint64_t size, struct xp_err *err)
{
	uint64_t lo = 0;
	uint64_t n = size;

	out->n = 0;
	if (index >= size || size > XP_MERKLE_SIZE_MAX)
		return xp_fail(err, XP_E_USAGE, "no leaf %llu in a tree of %llu",
			       (unsigned long long)index, (unsigned long long)size);
	while (n > 1) {
		uint64_t k = split(n);

		if (index < lo + k) {
			TRY(range_root(&out->hash[out->n], r, lo + k, n - k, err));
			n = k;
		} else {
			TRY(range_root(&out->hash[out->n], r, lo, k, err));
			lo += k;
			n -= k;
		}
		out->n++;
	}
	reverse(out);
	return XP_OK;
}

enum xp_rc xp_merkle_prove_consistency(struct xp_merkle_proof *out,
				       const struct xp_merkle_reader *r, uint64_t old_size,
				       uint64_t size, struct xp_err *err)
{
	uint64_t lo = 0;
	uint64_t m = old_size;
	uint64_t n = size;

	out->n = 0;
	if (old_size > size || size > XP_MERKLE_SIZE_MAX)
		return xp_fail(err, XP_E_USAGE, "a tree of %llu is no beginning of one of %llu",
			       (unsigned long long)old_size, (unsigned long long)size);
	if (old_size == 0)
		return XP_OK;
	while (m != n) {
		uint64_t k = split(n);

		if (m <= k) {
			TRY(range_root(&out->hash[out->n], r, lo + k, n - k, err));
			n = k;
		} else {
			TRY(range_root(&out->hash[out->n], r, lo, k, err));
			lo += k;
			m -= k;
			n -= k;
		}
		out->n++;
	}
	/* at the left edge the old root itself stands for this part */
	if (lo) {
		TRY(range_root(&out->hash[out->n], r, lo, n, err));
		out->n++;
	}
	reverse(out);
	return XP_OK;
}

bool xp_merkle_check_inclusion(const struct xp_merkle_proof *proof, uint64_t index,
			       const struct xp_merkle_hash *leaf, const struct xp_merkle_head *head)
{
	struct xp_merkle_hash h = *leaf;
	uint64_t fn = index;
	uint64_t sn;

	if (index >= head->size || head->size > XP_MERKLE_SIZE_MAX ||
	    proof->n > XP_MERKLE_PROOF_MAX)
		return false;
	sn = head->size - 1;
	for (unsigned i = 0; i < proof->n; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn) {
			xp_merkle_node(&h, &proof->hash[i], &h);
			while (fn && !(fn & 1)) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			xp_merkle_node(&h, &h, &proof->hash[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && xp_merkle_hash_equals(&h, &head->root);
}

bool xp_merkle_check_consistency(const struct xp_merkle_proof *proof,
				 const struct xp_merkle_head *old,
				 const struct xp_merkle_head *head)
{
	struct xp_merkle_hash fr;
	struct xp_merkle_hash sr;
	uint64_t fn = old->size - 1;
	uint64_t sn = head->size - 1;
	unsigned i = 0;

	if (old->size > head->size || head->size > XP_MERKLE_SIZE_MAX ||
	    proof->n > XP_MERKLE_PROOF_MAX)
		return false;
	if (old->size == head->size)
		return proof->n == 0 && xp_merkle_hash_equals(&old->root, &head->root);
	if (old->size == 0) {
		empty_root(&fr);
		return proof->n == 0 && xp_merkle_hash_equals(&fr, &old->root);
	}
	for (; fn & 1; fn >>= 1)
		sn >>= 1;
	if (fn == 0) {
		fr = old->root; /* a perfect old tree is a node of the new one */
	} else {
		if (proof->n == 0)
			return false;
		fr = proof->hash[i++];
	}
	sr = fr;
	for (; i < proof->n; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn) {
			xp_merkle_node(&fr, &proof->hash[i], &fr);
			xp_merkle_node(&sr, &proof->hash[i], &sr);
			while (fn && !(fn & 1)) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			xp_merkle_node(&sr, &sr, &proof->hash[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && xp_merkle_hash_equals(&fr, &old->root) &&
	       xp_merkle_hash_equals(&sr, &head->root);
}
