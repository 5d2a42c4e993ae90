/* Leaves and bundles of any bytes; the tree over what a bundle holds, grown in two ways. */
#include "base/cleanup.h"
#include "certs/log_tree.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void try_leaf(const uint8_t *data, size_t len)
{
	struct xp_log_leaf leaf;
	AUTO_MEM char *again = NULL;
	size_t again_len = 0;
	int64_t wall_s = 0;

	if (xp_log_leaf_parse(&leaf, data, len, NULL) != XP_OK)
		return;
	if (leaf.type == XP_LOG_LEAF_OTHER)
		return;
	if (leaf.type == XP_LOG_LEAF_START) {
		if (!xp_time_parse(&wall_s, leaf.time) ||
		    xp_log_leaf_start(&again, &again_len, leaf.id, leaf.media, wall_s, NULL) !=
			    XP_OK)
			abort();
	} else if (xp_log_leaf_record(&again, &again_len, leaf.id, leaf.record,
				      (const uint8_t(*)[32])leaf.signatures, leaf.signatures_n,
				      NULL) != XP_OK) {
		abort();
	}
	if (again_len != len || memcmp(again, data, len) != 0)
		abort();
}

static void free_tree(struct xp_log_tree **t)
{
	xp_log_tree_free(*t);
	free(*t);
	*t = NULL;
}

static void try_bundle(const uint8_t *data, size_t len)
{
	AUTO(free_tree) struct xp_log_tree *tree = calloc(1, sizeof(*tree));
	struct xp_merkle_frontier frontier = {0};
	struct xp_span s = xp_span_of(data, len);
	struct xp_log_bytes leaf;
	struct xp_merkle_head head;
	struct xp_merkle_hash root;

	if (!tree)
		abort();
	while (frontier.size < 600 && xp_bundle_next(&leaf, &s)) {
		struct xp_merkle_hash h;

		try_leaf(leaf.data, leaf.len);
		if (xp_log_tree_add(tree, &leaf, NULL, NULL) != XP_OK) {
			if (leaf.len)
				abort();
			continue;
		}
		xp_merkle_leaf(&h, leaf.data, leaf.len);
		xp_merkle_frontier_add(&frontier, &h);
	}
	xp_log_tree_head(&head, tree);
	xp_merkle_frontier_root(&root, &frontier);
	if (head.size != frontier.size || !xp_merkle_hash_equals(&root, &head.root))
		abort();
	if (!s.overrun && frontier.size < XP_TILE_WIDTH && s.left == 0 && tree->bundle.len > len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	try_leaf(data, len);
	try_bundle(data, len);
	return 0;
}
