#include "device/disks.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two nodes of the very same storage: two paths to one unit, not two units of one drive. */
static bool same_unit(const struct xp_disk *a, const struct xp_disk *b)
{
	if (a->group != b->group)
		return false;
	if (a->facts.nsid || b->facts.nsid)
		return a->facts.nsid == b->facts.nsid;
	return a->facts.identity.wwn[0] && !strcmp(a->facts.identity.wwn, b->facts.identity.wwn);
}

static void base_make(struct xp_disk *d)
{
	const struct xp_identity *id = &d->facts.identity;
	const char *who = id->serial;

	if (!who[0])
		who = id->wwn;
	if (!who[0])
		who = id->name;
	if (!who[0])
		who = d->facts.by_path;
	if (d->namespaces > 1)
		snprintf(d->base, sizeof(d->base), "%.255s:ns=%llu", who,
			 (unsigned long long)d->facts.nsid);
	else
		snprintf(d->base, sizeof(d->base), "%.255s", who);
}

static void confirm_make(struct xp_disk *d)
{
	char dev[XP_NODE_LEN + 8];
	const char *where = d->facts.identity.wwn;

	/* the unit's own name where the base is not that already; else its place */
	if (!where[0] || !strcmp(where, d->base))
		where = d->facts.by_path;
	if (xp_sysfacts_is_layer(&d->facts)) {
		xp_block_node_path(dev, sizeof(dev), d->node->name);
		where = dev;
	}
	snprintf(d->confirm, sizeof(d->confirm), "%.190s@%.120s", d->base, where);
}

size_t xp_disks_fitting(const struct xp_disks *disks, const char *base)
{
	size_t n = 0;

	for (size_t i = 0; i < disks->n; i++) {
		bool twin = false;

		if (strcmp(disks->list[i].base, base))
			continue;
		for (size_t j = 0; j < i; j++)
			twin = twin || (!strcmp(disks->list[j].base, base) &&
					same_unit(&disks->list[i], &disks->list[j]));
		n += !twin;
	}
	return n;
}

/* Every disk starts in its own group; groups are joined until nothing changes. */
static void group(struct xp_disks *disks)
{
	for (size_t i = 0; i < disks->n; i++)
		disks->list[i].group = i;
	for (size_t i = 0; i < disks->n; i++) {
		for (size_t j = i + 1; j < disks->n; j++) {
			size_t from = disks->list[j].group;
			size_t to = disks->list[i].group;

			if (from == to ||
			    !xp_sysfacts_same_drive(&disks->list[i].facts, &disks->list[j].facts))
				continue;
			for (size_t k = 0; k < disks->n; k++)
				if (disks->list[k].group == from)
					disks->list[k].group = to;
		}
	}
	disks->groups = disks->n;
}

static void count_namespaces(struct xp_disks *disks)
{
	for (size_t i = 0; i < disks->n; i++) {
		struct xp_disk *d = &disks->list[i];

		if (!d->facts.nsid)
			continue;
		for (size_t j = 0; j < disks->n; j++) {
			bool seen = disks->list[j].group != d->group || !disks->list[j].facts.nsid;

			for (size_t k = 0; k < j && !seen; k++)
				seen = disks->list[k].group == d->group &&
				       disks->list[k].facts.nsid == disks->list[j].facts.nsid;
			d->namespaces += !seen;
		}
	}
}

static bool is_empty_slot(const struct xp_sysroot *root, const struct xp_block_node *node)
{
	if (!fnmatch("loop[0-9]*", node->name, 0))
		return !xp_sysroot_has(root, "%s/loop/backing_file", node->syspath);
	return node->bytes == 0 &&
	       (!fnmatch("zram[0-9]*", node->name, 0) || !fnmatch("ram[0-9]*", node->name, 0) ||
		!fnmatch("nbd[0-9]*", node->name, 0) || !fnmatch("md[0-9_]*", node->name, 0));
}

enum xp_rc xp_disks_read(struct xp_disks *out, const struct xp_sysroot *root,
			 const struct xp_blockmap *map, struct xp_err *err)
{
	struct xp_disks disks = {0};

	disks.list = calloc(map->n + 1, sizeof(*disks.list));
	if (!disks.list)
		return xp_fail(err, XP_E_NOMEM, "%zu disks", map->n);
	for (size_t i = 0; i < map->n; i++) {
		if (map->list[i].partition || is_empty_slot(root, &map->list[i]))
			continue;
		disks.list[disks.n].node = &map->list[i];
		xp_sysfacts_read(&disks.list[disks.n].facts, root, &map->list[i]);
		disks.n++;
	}
	group(&disks);
	count_namespaces(&disks);
	for (size_t i = 0; i < disks.n; i++)
		base_make(&disks.list[i]);
	for (size_t i = 0; i < disks.n; i++) {
		struct xp_disk *d = &disks.list[i];

		if (xp_disks_fitting(&disks, d->base) > 1)
			confirm_make(d);
		else
			memcpy(d->confirm, d->base, sizeof(d->confirm));
	}
	*out = disks;
	return XP_OK;
}

void xp_disks_free(struct xp_disks *disks)
{
	free(disks->list);
	*disks = (struct xp_disks){0};
}

const struct xp_disk *xp_disks_by_name(const struct xp_disks *disks, const char *name)
{
	for (size_t i = 0; i < disks->n; i++)
		if (!strcmp(disks->list[i].node->name, name))
			return &disks->list[i];
	return NULL;
}

/* The smallest namespace of the drive above AFTER; 0: none. */
static uint64_t next_nsid(const struct xp_disks *disks, const struct xp_disk *d, uint64_t after)
{
	uint64_t best = 0;

	for (size_t i = 0; i < disks->n; i++) {
		uint64_t nsid = disks->list[i].facts.nsid;

		if (disks->list[i].group == d->group && nsid > after && (!best || nsid < best))
			best = nsid;
	}
	return best;
}

void xp_disks_drive_confirm(char out[XP_CONFIRM_LEN], const struct xp_disks *disks,
			    const struct xp_disk *d)
{
	const char *end = strstr(d->confirm, ":ns=");
	size_t used;

	snprintf(out, XP_CONFIRM_LEN, "%s", d->confirm);
	if (d->namespaces <= 1 || !end)
		return;
	used = (size_t)(end - d->confirm);
	out[used] = 0;
	for (uint64_t n = next_nsid(disks, d, 0); n && used < XP_CONFIRM_LEN;
	     n = next_nsid(disks, d, n))
		used += (size_t)snprintf(out + used, XP_CONFIRM_LEN - used, "%s%llu",
					 strstr(out, ":ns=") ? "," : ":ns=", (unsigned long long)n);
}
