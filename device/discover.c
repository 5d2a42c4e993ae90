#include "device/discover.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "device/discover_hidden.h"
#include "device/usage_scan.h"

void xp_inventory_free(struct xp_inventory *inv)
{
	for (size_t i = 0; i < inv->drives_n; i++) {
		xp_identity_free(&inv->drives[i].identity);
		xp_uses_free(&inv->drives[i].uses);
	}
	free(inv->drives);
	free(inv->hidden);
	*inv = (struct xp_inventory){0};
}

static struct xp_drive *drive_new(struct xp_inventory *inv)
{
	struct xp_drive *list = reallocarray(inv->drives, inv->drives_n + 1, sizeof(*list));

	if (!list)
		return NULL;
	inv->drives = list;
	memset(&list[inv->drives_n], 0, sizeof(*list));
	return &list[inv->drives_n++];
}

/*
 * A layer over something else is no drive: what is below it is listed. A loop with a file is, since
 * it is how an image becomes a block device. Optical drives, floppies and empty card readers are no
 * drives that hold data.
 */
static bool is_listed(const struct xp_sysroot *root, const struct xp_disk *d)
{
	uint64_t removable = 0;

	if (d->facts.identity.bus == XP_BUS_LOOP)
		return true;
	if (xp_sysfacts_is_layer(&d->facts) || !fnmatch("sr[0-9]*", d->node->name, 0) ||
	    !fnmatch("fd[0-9]*", d->node->name, 0))
		return false;
	xp_sysroot_read_u64(&removable, root, "%s/removable", d->node->syspath);
	return d->node->bytes > 0 || removable != 1;
}

/* The whole of the drive's namespaces: each one once, whatever the number of paths. */
static uint64_t group_bytes(const struct xp_disks *disks, const struct xp_disk *first)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < disks->n; i++) {
		bool seen = disks->list[i].group != first->group;

		for (size_t k = 0; k < i && !seen; k++)
			seen = disks->list[k].group == first->group &&
			       disks->list[k].facts.nsid == disks->list[i].facts.nsid;
		if (!seen)
			bytes += disks->list[i].node->bytes;
	}
	return bytes;
}

static enum xp_rc drive_of_group(struct xp_inventory *inv, const struct xp_scan *s,
				 const struct xp_disk *first, struct xp_err *err)
{
	AUTO(xp_nodeset_free) struct xp_nodeset nodes = {0};
	AUTO(xp_nodeset_free) struct xp_nodeset drive = {0};
	struct xp_scan_question q = {.nodes = &nodes, .drive = &drive};
	struct xp_drive *d = drive_new(inv);

	if (!d)
		return xp_fail(err, XP_E_NOMEM, "drives");
	d->identity = first->facts.identity;
	if (first->namespaces > 1)
		d->identity.capacity_bytes = group_bytes(&s->disks, first);
	xp_block_node_path(d->path, sizeof(d->path), first->node->name);
	xp_disks_drive_confirm(d->confirm, &s->disks, first);
	memcpy(d->slot, first->facts.slot, sizeof(d->slot));
	for (size_t i = 0; i < s->disks.n; i++) {
		const struct xp_disk *one = &s->disks.list[i];

		if (one->group != first->group)
			continue;
		d->remote = d->remote || one->facts.remote;
		d->zoned = d->zoned || one->facts.zoned;
		if (d->nodes_n < XP_ARRAY_LEN(d->nodes))
			snprintf(d->nodes[d->nodes_n++], sizeof(d->nodes[0]), "%s",
				 one->node->name);
	}
	TRY(xp_scan_nodes_of(&nodes, &drive, s, first->node->name, err));
	return xp_scan_ask(&d->uses, s, &q, err);
}

static enum xp_rc drives_with_nodes(struct xp_inventory *inv, const struct xp_scan *s,
				    struct xp_err *err)
{
	for (size_t i = 0; i < s->disks.n; i++) {
		const struct xp_disk *d = &s->disks.list[i];
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen = seen || s->disks.list[k].group == d->group;
		if (!seen && is_listed(s->root, d))
			TRY(drive_of_group(inv, s, d, err));
	}
	return XP_OK;
}

/* ---- drives without a block node ---- */

static void attribute(char *out, size_t size, const struct xp_sysroot *root, const char *dir,
		      const char *name)
{
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	if (xp_sysroot_read(&text, &len, root, NULL, "%s/%s", dir, name) == XP_OK)
		xp_identity_text(out, size, text, len);
}

static bool has_disk_below(const struct xp_scan *s, const char *dir, const char *name)
{
	size_t len = strlen(dir);

	for (size_t i = 0; i < s->map.n; i++) {
		const struct xp_block_node *n = &s->map.list[i];

		if (!strncmp(n->syspath, dir, len) && n->syspath[len] == '/')
			return true;
		/* a multipath head hangs off the subsystem, which links its controllers */
		if (!n->partition && !fnmatch("nvme[0-9]*n[0-9]*", n->name, 0) &&
		    xp_sysroot_has(s->root, "%s/device/%s", n->syspath, name))
			return true;
	}
	return false;
}

/* No namespace is attached, or the controller is dead: data may be on it all the same. */
static enum xp_rc bare_controllers(struct xp_inventory *inv, const struct xp_scan *s,
				   struct xp_err *err)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	char transport[32] = "";
	char dir[512];

	if (xp_sysroot_list(&names, s->root, NULL, "sys/class/nvme") != XP_OK)
		return XP_OK;
	for (size_t i = 0; i < names.n; i++) {
		struct xp_drive *d;

		if (!xp_sysroot_realpath(dir, sizeof(dir), s->root, "sys/class/nvme/%s",
					 names.list[i]) ||
		    has_disk_below(s, dir, names.list[i]))
			continue;
		d = drive_new(inv);
		if (!d)
			return xp_fail(err, XP_E_NOMEM, "drives");
		d->identity.bus = XP_BUS_NVME;
		d->identity.media = XP_MEDIA_UNKNOWN;
		attribute(d->identity.model, sizeof(d->identity.model), s->root, dir, "model");
		attribute(d->identity.serial, sizeof(d->identity.serial), s->root, dir, "serial");
		attribute(d->identity.firmware, sizeof(d->identity.firmware), s->root, dir,
			  "firmware_rev");
		attribute(d->slot, sizeof(d->slot), s->root, dir, "address");
		attribute(transport, sizeof(transport), s->root, dir, "transport");
		d->remote = transport[0] && strcmp(transport, "pcie") != 0;
		snprintf(d->confirm, sizeof(d->confirm), "%.255s",
			 d->identity.serial[0] ? d->identity.serial : names.list[i]);
	}
	return XP_OK;
}

/* Peripheral types that hold data [SPC INQUIRY byte 0]: disk, optical memory, RBC, host-managed
 * zones. */
static bool is_storage_type(uint64_t type)
{
	return type == 0 || type == 7 || type == 14 || type == 20;
}

static enum xp_rc bare_scsi(struct xp_inventory *inv, const struct xp_scan *s, struct xp_err *err)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	char dir[512];
	uint64_t type;

	if (xp_sysroot_list(&names, s->root, NULL, "sys/bus/scsi/devices") != XP_OK)
		return XP_OK;
	for (size_t i = 0; i < names.n; i++) {
		struct xp_drive *d;

		if (fnmatch("[0-9]*:[0-9]*:[0-9]*:[0-9]*", names.list[i], 0) ||
		    !xp_sysroot_realpath(dir, sizeof(dir), s->root, "sys/bus/scsi/devices/%s",
					 names.list[i]) ||
		    !xp_sysroot_read_u64(&type, s->root, "%s/type", dir) ||
		    !is_storage_type(type) || has_disk_below(s, dir, names.list[i]))
			continue;
		d = drive_new(inv);
		if (!d)
			return xp_fail(err, XP_E_NOMEM, "drives");
		d->identity.bus = XP_BUS_SCSI;
		d->identity.media = XP_MEDIA_UNKNOWN;
		attribute(d->identity.vendor, sizeof(d->identity.vendor), s->root, dir, "vendor");
		attribute(d->identity.model, sizeof(d->identity.model), s->root, dir, "model");
		attribute(d->identity.wwn, sizeof(d->identity.wwn), s->root, dir, "wwid");
		snprintf(d->slot, sizeof(d->slot), "%.60s", names.list[i]);
		snprintf(d->confirm, sizeof(d->confirm), "%.255s",
			 d->identity.wwn[0] ? d->identity.wwn : names.list[i]);
		TRY(xp_hidden_add(inv, err, names.list[i], "", "",
				  "a drive without a block node: failed, in a RAID set, or with a "
				  "sector size that the kernel cannot use"));
	}
	return XP_OK;
}

/* ---- the host ---- */

static void host_read(struct xp_inventory *inv, const struct xp_sysroot *root)
{
	char vendor[64] = "";
	char model[63] = "";
	const char *dmi = "sys/class/dmi/id";
	const char *tree = "sys/firmware/devicetree/base";

	attribute(inv->host_serial, sizeof(inv->host_serial), root, dmi, "product_serial");
	attribute(vendor, sizeof(vendor), root, dmi, "sys_vendor");
	attribute(model, sizeof(model), root, dmi, "product_name");
	snprintf(inv->host_model, sizeof(inv->host_model), "%s%s%s", vendor,
		 vendor[0] && model[0] ? " " : "", model);
	if (!inv->host_serial[0])
		attribute(inv->host_serial, sizeof(inv->host_serial), root, tree, "serial-number");
	if (!inv->host_model[0])
		attribute(inv->host_model, sizeof(inv->host_model), root, tree, "model");
}

enum xp_rc xp_inventory_scan(struct xp_inventory *out, const struct xp_sysroot *root,
			     struct xp_err *err)
{
	const struct xp_scan_request req = {.root = root,
					    .exempt_pid = root->is_live ? getpid() : 0};
	AUTO(xp_inventory_free) struct xp_inventory inv = {.complete = XP_COMPLETE_YES};
	AUTO(xp_scan_free) struct xp_scan s = {0};

	TRY(xp_scan_read(&s, &req, err));
	host_read(&inv, root);
	TRY(drives_with_nodes(&inv, &s, err));
	TRY(bare_controllers(&inv, &s, err));
	TRY(bare_scsi(&inv, &s, err));
	TRY(xp_hidden_find(&inv, &s, err));
	*out = inv;
	inv = (struct xp_inventory){0};
	return XP_OK;
}

const struct xp_drive *xp_inventory_drive_of(const struct xp_inventory *inv,
					     const struct xp_sysroot *root, const char *node)
{
	struct xp_block_node n;

	if (!strncmp(node, "/dev/", 5))
		node += 5;
	if (!xp_block_node_read(&n, root, node))
		return NULL;
	for (size_t i = 0; i < inv->drives_n; i++)
		for (unsigned k = 0; k < inv->drives[i].nodes_n; k++)
			if (!strcmp(inv->drives[i].nodes[k], n.disk))
				return &inv->drives[i];
	return NULL;
}

const char *xp_complete_name(enum xp_complete c)
{
	switch (c) {
	case XP_COMPLETE_YES:
		return "yes";
	case XP_COMPLETE_NO:
		return "no";
	case XP_COMPLETE_UNKNOWN:
		break;
	}
	return "unknown";
}
