#include "device/blockmap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"

#define SECTOR_BYTES 512 /* sysfs counts sizes in these, whatever the drive's block size */

static bool digits_parse(unsigned *out, const char **at, char end)
{
	unsigned v = 0;
	const char *p = *at;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (unsigned)(*p - '0'), &v))
			return false;
	}
	if (*p != end)
		return false;
	*out = v;
	*at = end ? p + 1 : p;
	return true;
}

bool xp_dev_parse(dev_t *out, const char *text)
{
	unsigned maj;
	unsigned min;

	if (!digits_parse(&maj, &text, ':') || !digits_parse(&min, &text, 0))
		return false;
	if (maj > 0xfff || min > 0xfffff)
		return false;
	*out = makedev(maj, min);
	return true;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The last part of the folder that holds PATH. */
static bool parent_name(char *out, size_t size, const char *path)
{
	const char *end = strrchr(path, '/');
	const char *begin = end;

	if (!end)
		return false;
	while (begin > path && begin[-1] != '/')
		begin--;
	if ((size_t)(end - begin) >= size || end == begin)
		return false;
	memcpy(out, begin, (size_t)(end - begin));
	out[end - begin] = 0;
	return true;
}

bool xp_block_node_read(struct xp_block_node *out, const struct xp_sysroot *root, const char *name)
{
	struct xp_block_node node = {0};
	char text[32];
	uint64_t v;

	if (!name[0] || strlen(name) >= sizeof(node.name) || strchr(name, '/') || name[0] == '.')
		return false;
	memcpy(node.name, name, strlen(name) + 1);
	if (!xp_sysroot_realpath(node.syspath, sizeof(node.syspath), root, "sys/class/block/%s",
				 name) ||
	    strcmp(last_part(node.syspath), name))
		return false;
	if (!xp_sysroot_read_text(text, sizeof(text), root, "%s/dev", node.syspath) ||
	    !xp_dev_parse(&node.dev, text))
		return false;
	if (xp_sysroot_read_u64(&v, root, "%s/partition", node.syspath)) {
		if (v == 0 || v > 0xffff ||
		    !parent_name(node.disk, sizeof(node.disk), node.syspath))
			return false;
		node.partition = (unsigned)v;
		if (!xp_sysroot_read_u64(&v, root, "%s/start", node.syspath) ||
		    __builtin_mul_overflow(v, SECTOR_BYTES, &node.start_bytes))
			return false;
	} else if (xp_sysroot_has(root, "%s/partition", node.syspath)) {
		return false;
	} else {
		memcpy(node.disk, node.name, sizeof(node.disk));
	}
	if (!xp_sysroot_read_u64(&v, root, "%s/size", node.syspath) ||
	    __builtin_mul_overflow(v, SECTOR_BYTES, &node.bytes))
		return false;
	*out = node;
	return true;
}

void xp_block_node_path(char *out, size_t size, const char *name)
{
	snprintf(out, size, "/dev/%s", name);
	for (char *p = out; *p; p++)
		if (*p == '!')
			*p = '/';
}

/*
 * A node that has gone between the listing and the reading is no error; one that is there and
 * cannot be understood is, since a stack that is not understood must not pass as free.
 */
static enum xp_rc node_must_be_gone(const struct xp_sysroot *root, const char *name,
				    struct xp_err *err)
{
	/* path devices of a multipath NVMe head have a folder, but neither number nor node */
	if (!xp_sysroot_has(root, "sys/class/block/%s/dev", name))
		return XP_OK;
	return xp_fail(err, XP_E_MALFORMED, "/sys/class/block/%s: not understood", name);
}

enum xp_rc xp_blockmap_read(struct xp_blockmap *out, const struct xp_sysroot *root,
			    struct xp_err *err)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	AUTO(xp_blockmap_free) struct xp_blockmap map = {0};

	TRY(xp_sysroot_list(&names, root, err, "sys/class/block"));
	map.list = calloc(names.n + 1, sizeof(*map.list));
	if (!map.list)
		return xp_fail(err, XP_E_NOMEM, "%zu block nodes", names.n);
	for (size_t i = 0; i < names.n; i++) {
		if (xp_block_node_read(&map.list[map.n], root, names.list[i]))
			map.n++;
		else
			TRY(node_must_be_gone(root, names.list[i], err));
	}
	*out = map;
	map = (struct xp_blockmap){0};
	return XP_OK;
}

void xp_blockmap_free(struct xp_blockmap *map)
{
	free(map->list);
	*map = (struct xp_blockmap){0};
}

const struct xp_block_node *xp_blockmap_by_name(const struct xp_blockmap *map, const char *name)
{
	for (size_t i = 0; i < map->n; i++)
		if (!strcmp(map->list[i].name, name))
			return &map->list[i];
	return NULL;
}

const struct xp_block_node *xp_blockmap_by_dev(const struct xp_blockmap *map, dev_t dev)
{
	for (size_t i = 0; i < map->n; i++)
		if (map->list[i].dev == dev)
			return &map->list[i];
	return NULL;
}

const struct xp_block_node *xp_blockmap_by_path(const struct xp_blockmap *map,
						const struct xp_sysroot *root, const char *path)
{
	char real[4096];
	const char *name = path;
	char flat[XP_NODE_LEN];
	struct stat st;

	if (path[0] != '/')
		return NULL;
	if (root->is_live && stat(path, &st) == 0)
		return S_ISBLK(st.st_mode) ? xp_blockmap_by_dev(map, st.st_rdev) : NULL;
	if (xp_sysroot_realpath(real, sizeof(real), root, "%s", path))
		name = real;
	name += strspn(name, "/");
	if (strncmp(name, "dev/", 4) || strlen(name + 4) >= sizeof(flat))
		return NULL;
	snprintf(flat, sizeof(flat), "%s", name + 4);
	for (char *p = flat; *p; p++)
		if (*p == '/')
			*p = '!';
	return xp_blockmap_by_name(map, flat);
}

enum xp_rc xp_nodeset_new(struct xp_nodeset *out, const struct xp_blockmap *map, struct xp_err *err)
{
	out->in = calloc(map->n + 1, sizeof(*out->in));
	if (!out->in)
		return xp_fail(err, XP_E_NOMEM, "a set of %zu nodes", map->n);
	out->n = map->n;
	return XP_OK;
}

void xp_nodeset_free(struct xp_nodeset *set)
{
	free(set->in);
	*set = (struct xp_nodeset){0};
}

bool xp_nodeset_has(const struct xp_nodeset *set, const struct xp_blockmap *map,
		    const struct xp_block_node *node)
{
	return node && set->in[node - map->list];
}

bool xp_nodeset_add(struct xp_nodeset *set, const struct xp_blockmap *map,
		    const struct xp_block_node *node)
{
	if (!node || set->in[node - map->list])
		return false;
	set->in[node - map->list] = true;
	return true;
}
