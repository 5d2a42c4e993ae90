#include "device/probe_node.h"

#include "base/cleanup.h"
#include "device/disks.h"
#include "device/probe_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

bool xp_probe_can_ask(enum xp_bus bus, const char *disk)
{
	switch (bus) {
	case XP_BUS_ATA:
	case XP_BUS_SAS:
	case XP_BUS_SCSI:
	case XP_BUS_NVME:
	case XP_BUS_USB:
		return disk[0] != 0;
	case XP_BUS_UNKNOWN:
	case XP_BUS_MMC:
	case XP_BUS_VIRTIO:
	case XP_BUS_XEN:
	case XP_BUS_LOOP:
	case XP_BUS_MEMORY:
	case XP_BUS_MAPPED:
	case XP_BUS_NETWORK:
	case XP_BUS_FILE:
		return false;
	}
	return false;
}

enum xp_rc xp_probe_open_fd(struct xp_transport **out, enum xp_bus bus, int fd, struct xp_err *err)
{
	if (bus == XP_BUS_NVME)
		return xp_transport_nvme_open(out, fd, err);
	return xp_transport_sgio_open(out, fd, err);
}

enum xp_rc xp_probe_open_node(struct xp_transport **out, enum xp_bus bus, const char *disk,
			      struct xp_err *err)
{
	char path[80];
	AUTO_FD int fd = -1;

	snprintf(path, sizeof(path), "/dev/%.70s", disk);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return xp_fail_errno(err, errno == EACCES || errno == EPERM ? XP_E_PERM : XP_E_IO,
				     "%s", path);
	return xp_probe_open_fd(out, bus, fd, err);
}

enum xp_rc xp_probe_open_generic(struct xp_transport **out, const struct xp_sysroot *root,
				 const char *disk, struct xp_err *err)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	char path[80];
	AUTO_FD int fd = -1;

	TRY(xp_sysroot_list(&names, root, err, "sys/class/block/%s/device/scsi_generic", disk));
	if (names.n != 1)
		return xp_fail(err, XP_E_NOENT, "%s: no generic node", disk);
	snprintf(path, sizeof(path), "/dev/%.70s", names.list[0]);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return xp_fail_errno(err, errno == EACCES || errno == EPERM ? XP_E_PERM : XP_E_IO,
				     "%s", path);
	return xp_transport_sgio_open(out, fd, err);
}

uint32_t xp_probe_nsid(const struct xp_sysroot *root, const char *disk)
{
	uint64_t nsid = 0;

	if (!xp_sysroot_read_u64(&nsid, root, "sys/class/block/%s/nsid", disk) || nsid > UINT32_MAX)
		return 0;
	return (uint32_t)nsid;
}

static bool is_of_drive(const struct xp_nvme_ctrl *c, const struct xp_sysroot *root,
			const char *name)
{
	char nqn[300];
	char serial[64];

	return c->serial[0] && c->subnqn[0] &&
	       xp_sysroot_read_text(serial, sizeof(serial), root, "sys/class/nvme/%s/serial",
				    name) &&
	       strcmp(serial, c->serial) == 0 &&
	       xp_sysroot_read_text(nqn, sizeof(nqn), root, "sys/class/nvme/%s/subsysnqn", name) &&
	       strcmp(nqn, c->subnqn) == 0;
}

static void forget_foreign(struct xp_nvme_facts *f, uint64_t cntlid)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->foreign_n; i++)
		if (f->foreign[i] != cntlid)
			f->foreign[kept++] = f->foreign[i];
	f->foreign_n = kept;
}

void xp_probe_own_controllers(struct xp_drive_facts *facts, const struct xp_sysroot *root)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	struct xp_nvme_facts *f = &facts->nvme;
	uint64_t cntlid;

	if (f->foreign_n == 0 || xp_sysroot_list(&names, root, NULL, "sys/class/nvme") != XP_OK)
		return;
	for (size_t i = 0; i < names.n; i++)
		if (is_of_drive(&f->ctrl, root, names.list[i]) &&
		    xp_sysroot_read_u64(&cntlid, root, "sys/class/nvme/%s/cntlid", names.list[i]))
			forget_foreign(f, cntlid);
}

static bool is_unasked(const struct xp_nvme_facts *f, const struct xp_nvme_ns_facts *ns)
{
	return f->ctrl.has_reservations && ns->identify == XP_ASKED_GOOD && ns->ns.is_shared &&
	       ns->reservation_asked != XP_ASKED_GOOD && ns->reservation_asked != XP_ASKED_REFUSED;
}

/* Any node of the drive that shows it will do. */
static void ask_by_node(struct xp_drive_facts *facts, struct xp_nvme_ns_facts *ns,
			const struct xp_disks *disks, const struct xp_disk *own)
{
	for (size_t i = 0; i < disks->n && is_unasked(&facts->nvme, ns); i++) {
		const struct xp_disk *d = &disks->list[i];
		AUTO(xp_transport_free) struct xp_transport *t = NULL;
		struct xp_identity unused = {0};
		struct xp_probe p = {.facts = facts, .id = &unused};

		if (d->group != own->group || d->facts.nsid != ns->nsid ||
		    xp_probe_open_node(&t, XP_BUS_NVME, d->node->name, NULL) != XP_OK)
			continue;
		p.t = t;
		xp_probe_nvme_reservation(&p, ns);
	}
}

void xp_probe_sibling_reservations(struct xp_drive_facts *facts, const struct xp_sysroot *root,
				   const char *disk)
{
	AUTO(xp_blockmap_free) struct xp_blockmap map = {0};
	AUTO(xp_disks_free) struct xp_disks disks = {0};
	struct xp_nvme_facts *f = &facts->nvme;
	const struct xp_disk *own;
	bool wanted = false;

	for (size_t i = 0; i < f->ns_n; i++)
		wanted = wanted || is_unasked(f, &f->ns[i]);
	if (!wanted || xp_blockmap_read(&map, root, NULL) != XP_OK ||
	    xp_disks_read(&disks, root, &map, NULL) != XP_OK)
		return;
	own = xp_disks_by_name(&disks, disk);
	for (size_t i = 0; own && i < f->ns_n; i++)
		ask_by_node(facts, &f->ns[i], &disks, own);
}
