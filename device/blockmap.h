/* blockmap: the block nodes that sysfs shows at one moment, and how they are stacked. */
#pragma once
#include "device/sysroot.h"

#include <sys/types.h>

#define XP_NODE_LEN 64

struct xp_block_node {
	char name[XP_NODE_LEN]; /* kernel name; a '!' in it stands for '/' under /dev */
	char disk[XP_NODE_LEN]; /* the whole disk: itself, or the partition's parent */
	char syspath[512];	/* below the root: "sys/devices/.../block/sda/sda1" */
	dev_t dev;
	unsigned partition; /* 0: a whole disk */
	uint64_t start_bytes;
	uint64_t bytes;
};

struct xp_blockmap {
	struct xp_block_node *list;
	size_t n;
};

MUST_USE enum xp_rc xp_blockmap_read(struct xp_blockmap *out, const struct xp_sysroot *root,
				     struct xp_err *err);
void xp_blockmap_free(struct xp_blockmap *map);
/* NULL: no such node. */
const struct xp_block_node *xp_blockmap_by_name(const struct xp_blockmap *map, const char *name);
const struct xp_block_node *xp_blockmap_by_dev(const struct xp_blockmap *map, dev_t dev);
/* The node that a path under /dev names, links followed; in a captured tree by its name. */
const struct xp_block_node *xp_blockmap_by_path(const struct xp_blockmap *map,
						const struct xp_sysroot *root, const char *path);

/* "8:1" as sysfs, procfs and udev write device numbers; false on anything else. */
bool xp_dev_parse(dev_t *out, const char *text);
/* One block node, read from "sys/class/block/NAME". false: no such node, or it makes no sense. */
bool xp_block_node_read(struct xp_block_node *out, const struct xp_sysroot *root, const char *name);
/* "/dev/NAME" with '!' as '/'. */
void xp_block_node_path(char *out, size_t size, const char *name);

/* A set of node names, by their place in a blockmap. */
struct xp_nodeset {
	bool *in; /* one a node of the map */
	size_t n;
};
MUST_USE enum xp_rc xp_nodeset_new(struct xp_nodeset *out, const struct xp_blockmap *map,
				   struct xp_err *err);
void xp_nodeset_free(struct xp_nodeset *set);
bool xp_nodeset_has(const struct xp_nodeset *set, const struct xp_blockmap *map,
		    const struct xp_block_node *node);
/* true: it was not in it before. node may be NULL: nothing happens. */
bool xp_nodeset_add(struct xp_nodeset *set, const struct xp_blockmap *map,
		    const struct xp_block_node *node);
