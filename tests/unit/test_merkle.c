#include "certs/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"

/* The leaves and heads that Certificate Transparency implementations share as test data (RFC 6962).
 */
static const struct {
	const char *leaf; /* hex */
	const char *root; /* of the tree up to this leaf */
} ct[] = {
	{"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
	{"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
	{"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
	{"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
	{"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
	{"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
	{"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
	{"606162636465666768696a6b6c6d6e6f",
	 "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};
#define CT_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct {
	uint64_t index, size;
	unsigned n;
	const char *hash[3];
} ct_inclusion[] = {
	{0,
	 8,
	 3,
	 {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
	  "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	  "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
	{5,
	 8,
	 3,
	 {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
	  "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
	  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
	{2, 3, 1, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
};

static const struct {
	uint64_t old_size, size;
	unsigned n;
	const char *hash[3];
} ct_consistency[] = {
	{6,
	 8,
	 3,
	 {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
	  "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
	  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
	{2,
	 5,
	 2,
	 {"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	  "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
	{1,
	 8,
	 3,
	 {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
	  "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	  "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
};

static struct xp_merkle_hash from_hex(const char *hex)
{
	struct xp_merkle_hash h;

	assert_true(xp_hex_decode(h.b, sizeof(h.b), hex));
	return h;
}

static void assert_hash(const struct xp_merkle_hash *h, const char *hex)
{
	char text[2 * XP_MERKLE_HASH_LEN + 1];

	xp_hex_encode(text, h->b, sizeof(h->b));
	assert_string_equal(text, hex);
}

static void ct_leaf(struct xp_merkle_hash *out, size_t i)
{
	uint8_t data[16] = {0};
	size_t len = strlen(ct[i].leaf) / 2;

	assert_true(xp_hex_decode(data, len, ct[i].leaf));
	xp_merkle_leaf(out, data, len);
}

/* The tree as RFC 6962 2.1 defines it, word by word: slow, and nothing of it is shared. */
#define LEAVES 300
static struct xp_merkle_hash leaves[LEAVES];

static void slow_root(struct xp_merkle_hash *out, size_t lo, size_t n)
{
	struct xp_merkle_hash left;
	struct xp_merkle_hash right;
	size_t k = 1;

	if (n == 1) {
		*out = leaves[lo];
		return;
	}
	while (2 * k < n)
		k *= 2;
	slow_root(&left, lo, k);
	slow_root(&right, lo + k, n - k);
	xp_merkle_node(out, &left, &right);
}

static enum xp_rc slow_subtree(void *ctx, struct xp_merkle_hash *out, unsigned level,
			       uint64_t index, struct xp_err *err)
{
	const uint64_t *size = ctx;

	(void)err;
	assert_in_range(level, 0, 8);
	assert_true((index + 1) << level <= *size); /* only perfect subtrees are asked for */
	slow_root(out, index << level, 1U << level);
	return XP_OK;
}

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEAVES; i++) {
		uint8_t data[2] = {(uint8_t)i, (uint8_t)(i >> 8)};

		xp_merkle_leaf(&leaves[i], data, sizeof(data));
	}
	return 0;
}

static void test_frontier_ct_vectors_match(void **state)
{
	struct xp_merkle_frontier f = {0};
	struct xp_merkle_hash h;

	(void)state;
	xp_merkle_frontier_root(&h, &f);
	assert_hash(&h, CT_EMPTY);
	for (size_t i = 0; i < XP_ARRAY_LEN(ct); i++) {
		ct_leaf(&h, i);
		xp_merkle_frontier_add(&f, &h);
		xp_merkle_frontier_root(&h, &f);
		assert_hash(&h, ct[i].root);
	}
}

static struct xp_merkle_head ct_head(uint64_t size)
{
	return (struct xp_merkle_head){.size = size, .root = from_hex(ct[size - 1].root)};
}

static void test_inclusion_ct_vectors_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(ct_inclusion); i++) {
		struct xp_merkle_head head = ct_head(ct_inclusion[i].size);
		struct xp_merkle_proof p = {.n = ct_inclusion[i].n};
		struct xp_merkle_hash leaf;

		for (unsigned j = 0; j < p.n; j++)
			p.hash[j] = from_hex(ct_inclusion[i].hash[j]);
		ct_leaf(&leaf, ct_inclusion[i].index);
		assert_true(xp_merkle_check_inclusion(&p, ct_inclusion[i].index, &leaf, &head));
	}
}

static void test_consistency_ct_vectors_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(ct_consistency); i++) {
		struct xp_merkle_head old = ct_head(ct_consistency[i].old_size);
		struct xp_merkle_head head = ct_head(ct_consistency[i].size);
		struct xp_merkle_proof p = {.n = ct_consistency[i].n};

		for (unsigned j = 0; j < p.n; j++)
			p.hash[j] = from_hex(ct_consistency[i].hash[j]);
		assert_true(xp_merkle_check_consistency(&p, &old, &head));
		p.hash[0].b[0] ^= 1;
		assert_false(xp_merkle_check_consistency(&p, &old, &head));
	}
}

static struct xp_merkle_head slow_head(uint64_t size)
{
	struct xp_merkle_head head = {.size = size};
	struct xp_merkle_frontier none = {0};

	if (size)
		slow_root(&head.root, 0, size);
	else
		xp_merkle_frontier_root(&head.root, &none);
	return head;
}

static void test_root_every_size_equals_the_definition(void **state)
{
	struct xp_merkle_frontier f = {0};

	(void)state;
	for (uint64_t size = 0; size <= LEAVES; size++) {
		struct xp_merkle_reader r = {slow_subtree, &size};
		struct xp_merkle_head head = slow_head(size);
		struct xp_merkle_hash h;

		xp_merkle_frontier_root(&h, &f);
		assert_true(xp_merkle_hash_equals(&h, &head.root));
		assert_int_equal(xp_merkle_root(&h, &r, size, NULL), XP_OK);
		assert_true(xp_merkle_hash_equals(&h, &head.root));
		if (size < LEAVES)
			xp_merkle_frontier_add(&f, &leaves[size]);
	}
}

static void test_fold_equals_the_definition(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 256; n *= 2) {
		struct xp_merkle_hash a;
		struct xp_merkle_hash b;

		xp_merkle_fold(&a, leaves, n);
		slow_root(&b, 0, n);
		assert_true(xp_merkle_hash_equals(&a, &b));
	}
}

/* The readers below serve from a table of all perfect subtrees, so that all pairs stay quick. */
static struct xp_merkle_hash table[9][LEAVES];

static enum xp_rc table_subtree(void *ctx, struct xp_merkle_hash *out, unsigned level,
				uint64_t index, struct xp_err *err)
{
	const uint64_t *size = ctx;

	(void)err;
	assert_true(level < 9 && (index + 1) << level <= *size);
	*out = table[level][index];
	return XP_OK;
}

static void fill_table(void)
{
	memcpy(table[0], leaves, sizeof(leaves));
	for (unsigned level = 1; level < 9; level++)
		for (size_t i = 0; (i + 1) << level <= LEAVES; i++)
			xp_merkle_node(&table[level][i], &table[level - 1][2 * i],
				       &table[level - 1][2 * i + 1]);
}

/* What holds must fail when any part of it is another. */
static void refute_inclusion(struct xp_merkle_proof *p, uint64_t index, struct xp_merkle_head *head)
{
	for (unsigned i = 0; i < p->n; i++) {
		p->hash[i].b[i % 32] ^= 0x80;
		assert_false(xp_merkle_check_inclusion(p, index, &leaves[index], head));
		p->hash[i].b[i % 32] ^= 0x80;
	}
	head->root.b[31] ^= 1;
	assert_false(xp_merkle_check_inclusion(p, index, &leaves[index], head));
	head->root.b[31] ^= 1;
	assert_false(xp_merkle_check_inclusion(p, index, &leaves[(index + 1) % LEAVES], head));
	p->n++;
	assert_false(xp_merkle_check_inclusion(p, index, &leaves[index], head));
	p->n--;
	if (p->n) {
		p->n--;
		assert_false(xp_merkle_check_inclusion(p, index, &leaves[index], head));
		p->n++;
	}
	assert_false(xp_merkle_check_inclusion(p, head->size, &leaves[index], head));
	if (head->size > 1)
		assert_false(xp_merkle_check_inclusion(p, (index + 1) % head->size, &leaves[index],
						       head));
}

static void test_inclusion_all_pairs_hold_and_no_others(void **state)
{
	(void)state;
	fill_table();
	for (uint64_t size = 1; size <= LEAVES; size++) {
		struct xp_merkle_reader r = {table_subtree, &size};
		struct xp_merkle_head head = slow_head(size);

		for (uint64_t index = 0; index < size; index++) {
			struct xp_merkle_proof p;

			assert_int_equal(xp_merkle_prove_inclusion(&p, &r, index, size, NULL),
					 XP_OK);
			memset(&p.hash[p.n], 0, sizeof(p.hash[0]));
			assert_true(xp_merkle_check_inclusion(&p, index, &leaves[index], &head));
			if (size % 7 == 0 || size < 20)
				refute_inclusion(&p, index, &head);
		}
	}
}

static void refute_consistency(struct xp_merkle_proof *p, struct xp_merkle_head *old,
			       struct xp_merkle_head *head)
{
	for (unsigned i = 0; i < p->n; i++) {
		p->hash[i].b[0] ^= 1;
		assert_false(xp_merkle_check_consistency(p, old, head));
		p->hash[i].b[0] ^= 1;
	}
	old->root.b[5] ^= 1;
	assert_false(xp_merkle_check_consistency(p, old, head));
	old->root.b[5] ^= 1;
	if (old->size) { /* the empty tree is the beginning of every other */
		head->root.b[5] ^= 1;
		assert_false(xp_merkle_check_consistency(p, old, head));
		head->root.b[5] ^= 1;
	}
	p->n++;
	assert_false(xp_merkle_check_consistency(p, old, head));
	p->n--;
	if (p->n) {
		p->n--;
		assert_false(xp_merkle_check_consistency(p, old, head));
		p->n++;
	}
	if (old->size != head->size)
		assert_false(xp_merkle_check_consistency(p, head, old));
}

static void test_consistency_all_pairs_hold_and_no_others(void **state)
{
	static struct xp_merkle_head heads[LEAVES + 1];

	(void)state;
	fill_table();
	for (uint64_t size = 0; size <= LEAVES; size++)
		heads[size] = slow_head(size);
	for (uint64_t size = 0; size <= LEAVES; size++) {
		struct xp_merkle_reader r = {table_subtree, &size};

		for (uint64_t old = 0; old <= size; old++) {
			struct xp_merkle_proof p;

			assert_int_equal(xp_merkle_prove_consistency(&p, &r, old, size, NULL),
					 XP_OK);
			memset(&p.hash[p.n], 0, sizeof(p.hash[0]));
			assert_true(xp_merkle_check_consistency(&p, &heads[old], &heads[size]));
			if (size % 11 == 0 || size < 20)
				refute_consistency(
					&p,
					&(struct xp_merkle_head){heads[old].size, heads[old].root},
					&heads[size]);
		}
	}
}

static void test_proofs_outside_of_the_tree_are_refused(void **state)
{
	uint64_t size = 5;
	struct xp_merkle_reader r = {table_subtree, &size};
	struct xp_merkle_proof p;
	struct xp_merkle_hash h;
	struct xp_err err;

	(void)state;
	assert_int_equal(xp_merkle_prove_inclusion(&p, &r, 5, 5, &err), XP_E_USAGE);
	assert_int_equal(xp_merkle_prove_inclusion(&p, &r, 0, 0, &err), XP_E_USAGE);
	assert_int_equal(xp_merkle_prove_consistency(&p, &r, 6, 5, &err), XP_E_USAGE);
	assert_int_equal(xp_merkle_prove_inclusion(&p, &r, 0, UINT64_MAX, &err), XP_E_USAGE);
	assert_int_equal(xp_merkle_root(&h, &r, UINT64_MAX, &err), XP_E_USAGE);
}

/* Sizes that only a liar has: no loop without end, no read past the proof. */
static void test_checks_of_huge_sizes_are_false(void **state)
{
	struct xp_merkle_proof p = {.n = XP_MERKLE_PROOF_MAX};
	struct xp_merkle_head head = {.size = XP_MERKLE_SIZE_MAX};
	struct xp_merkle_head over = {.size = UINT64_MAX};
	struct xp_merkle_head old = {.size = XP_MERKLE_SIZE_MAX - 1};

	(void)state;
	assert_false(xp_merkle_check_inclusion(&p, 0, &leaves[0], &head));
	assert_false(xp_merkle_check_inclusion(&p, 0, &leaves[0], &over));
	assert_false(xp_merkle_check_inclusion(&p, UINT64_MAX - 1, &leaves[0], &over));
	assert_false(xp_merkle_check_consistency(&p, &old, &head));
	assert_false(xp_merkle_check_consistency(&p, &head, &over));
	p.n = XP_MERKLE_PROOF_MAX + 1;
	assert_false(xp_merkle_check_inclusion(&p, 0, &leaves[0], &head));
	assert_false(xp_merkle_check_consistency(&p, &old, &head));
	p.n = 0;
	head.size = 0;
	assert_false(xp_merkle_check_inclusion(&p, 0, &leaves[0], &head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frontier_ct_vectors_match),
		cmocka_unit_test(test_inclusion_ct_vectors_match),
		cmocka_unit_test(test_consistency_ct_vectors_match),
		cmocka_unit_test(test_root_every_size_equals_the_definition),
		cmocka_unit_test(test_fold_equals_the_definition),
		cmocka_unit_test(test_inclusion_all_pairs_hold_and_no_others),
		cmocka_unit_test(test_consistency_all_pairs_hold_and_no_others),
		cmocka_unit_test(test_proofs_outside_of_the_tree_are_refused),
		cmocka_unit_test(test_checks_of_huge_sizes_are_false),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
