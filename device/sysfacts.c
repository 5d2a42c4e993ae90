#include "device/sysfacts.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

void xp_identity_text(char *out, size_t size, const char *text, size_t len)
{
	bool printable = true;

	while (len && (text[len - 1] == ' ' || text[len - 1] == 0))
		len--;
	while (len && *text == ' ') {
		text++;
		len--;
	}
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			printable = false;
	if (printable) {
		if (len >= size)
			len = size - 1;
		memcpy(out, text, len);
		out[len] = 0;
		return;
	}
	memcpy(out, "hex:", 5);
	if (len > (size - 5) / 2)
		len = (size - 5) / 2;
	xp_hex_encode(out + 4, text, len);
}

__attribute__((format(printf, 4, 5))) static bool
attr(char *out, size_t size, const struct xp_sysroot *root, const char *fmt, ...)
{
	AUTO_MEM char *text = NULL;
	char path[1024];
	size_t len = 0;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	out[0] = 0;
	if (n < 0 || (size_t)n >= sizeof(path) ||
	    xp_sysroot_read(&text, &len, root, NULL, "%s", path) != XP_OK)
		return false;
	xp_identity_text(out, size, text, len);
	return out[0] != 0;
}

/* ---- what kind of thing it is ---- */

/* By the kernel's name of the disk: these have no hardware parent that would tell. */
static const struct {
	const char *glob;
	enum xp_bus bus;
	enum xp_media media;
	bool remote;
} by_name[] = {
	{"loop[0-9]*", XP_BUS_LOOP, XP_MEDIA_VIRTUAL, false},
	{"dm-[0-9]*", XP_BUS_MAPPED, XP_MEDIA_VIRTUAL, false},
	{"md[0-9_]*", XP_BUS_MAPPED, XP_MEDIA_VIRTUAL, false},
	{"bcache[0-9]*", XP_BUS_MAPPED, XP_MEDIA_VIRTUAL, false},
	{"zd[0-9]*", XP_BUS_MAPPED, XP_MEDIA_VIRTUAL, false},
	{"zram[0-9]*", XP_BUS_MEMORY, XP_MEDIA_VIRTUAL, false},
	{"ram[0-9]*", XP_BUS_MEMORY, XP_MEDIA_VIRTUAL, false},
	{"pmem[0-9]*", XP_BUS_MEMORY, XP_MEDIA_UNKNOWN, false},
	{"nbd[0-9]*", XP_BUS_NETWORK, XP_MEDIA_VIRTUAL, true},
	{"rbd[0-9]*", XP_BUS_NETWORK, XP_MEDIA_VIRTUAL, true},
	{"drbd[0-9]*", XP_BUS_NETWORK, XP_MEDIA_VIRTUAL, true},
	{"rnbd[0-9]*", XP_BUS_NETWORK, XP_MEDIA_VIRTUAL, true},
	{"etherd!*", XP_BUS_NETWORK, XP_MEDIA_VIRTUAL, true},
	{"xvd[a-z]*", XP_BUS_XEN, XP_MEDIA_VIRTUAL, false},
};

/* By the way through the device tree. The first match counts. */
static const struct {
	const char *glob;
	enum xp_bus bus;
	bool remote;
} by_syspath[] = {
	{"*/session[0-9]*/target*", XP_BUS_NETWORK, true}, /* iSCSI */
	{"*/rport-[0-9]*", XP_BUS_NETWORK, true},	   /* FC, FCoE, SRP */
	{"*/usb[0-9]*/*", XP_BUS_USB, false},
	{"*/mmc_host/*", XP_BUS_MMC, false},
	{"*/vbd-[0-9]*", XP_BUS_XEN, false},
	{"*/ata[0-9]*/host*", XP_BUS_ATA, false},
	{"*/end_device-[0-9]*", XP_BUS_SAS, false},
	{"*/target[0-9]*:*", XP_BUS_SCSI, false},
	{"*/virtio[0-9]*/block/*", XP_BUS_VIRTIO, false},
};

/* Vendor and model of disks that a hypervisor, a cloud or an array makes up. */
static const struct {
	const char *vendor;
	const char *model;
} virtual_disks[] = {
	{"QEMU*", "*"},
	{"*", "QEMU *"},
	{"VMware*", "*"},
	{"*", "VMware *"},
	{"VBOX*", "*"},
	{"*", "VBOX *"},
	{"*", "ORCL-VBOX*"},
	{"Msft*", "Virtual*"},
	{"MSFT*", "Virtual*"},
	{"*", "MSFT NVMe Accelerator*"},
	{"*", "Microsoft NVMe Direct Disk*"},
	{"Google*", "*"},
	{"*", "nvme_card*"},
	{"*", "Amazon *"},
	{"XENSRC*", "*"},
	{"Parallels*", "*"},
	{"Nutanix*", "*"},
	{"OVH*", "*"},
	{"*", "BlockVolume*"},
	{"*", "Virtual disk*"},
	{"*", "Virtual_disk*"},
	{"*", "VIRTUAL-DISK*"},
	{"LIO-ORG*", "*"},
	{"IET*", "*"},
	{"SCST_*", "*"},
	{"Linux*", "*"}, /* scsi_debug, and the NVMe target's model */
	{"*", "Linux"},
	/* RAID volumes, whatever driver shows them */
	{"*", "LOGICAL VOLUME*"},
	{"*", "Logical Volume*"},
	{"DELL*", "PERC*"},
	{"LSI*", "MR*"},
	{"LSI*", "MegaRAID*"},
	{"AVAGO*", "*MR*"},
	{"BROADCOM*", "*MR*"},
	{"Lenovo*", "RAID*"},
	{"IBM*", "ServeRAID*"},
	{"ServeRA*", "*"},
	{"Adaptec*", "*"},
	{"ADAPTEC*", "*"},
	{"ASR*", "*"},
	{"Areca*", "*"},
	{"AMCC*", "*"},
	{"3ware*", "*"},
	{"Promise*", "*"},
	{"Intel*", "RAID*"},
	{"Intel*", "RS*"},
	{"CISCO*", "UCSC*"},
	{"Cisco*", "*RAID*"},
	{"MARVELL*", "*Raid*"},
	{"*", "Marvell_NVMe_Controller*"},
	{"*", "DELLBOSS VD*"},
	{"*", "Dell BOSS*"},
};

static bool is_made_up(const char *vendor, const char *model)
{
	for (size_t i = 0; i < XP_ARRAY_LEN(virtual_disks); i++) {
		if (!fnmatch(virtual_disks[i].vendor, vendor, 0) &&
		    !fnmatch(virtual_disks[i].model, model, 0))
			return true;
	}
	return false;
}

/* Drivers whose disks are volumes unless something says that this one is a drive passed through. */
static const char *const raid_drivers[] = {
	"megaraid_sas", "megaraid", "megaraid_mbox", "hpsa",	"smartpqi", "aacraid", "ips",
	"arcmsr",	"3w-9xxx",  "3w-sas",	     "3w-xxxx", "mvumi",    "hptiop",  "stex",
};

static bool syspath_number(unsigned *out, const char *syspath, const char *before)
{
	const char *at = strstr(syspath, before);

	return at && sscanf(at + strlen(before), "%5u", out) == 1;
}

/* Is this SCSI disk a volume of a RAID controller? What the controller does not say counts as one.
 */
static bool is_raid_volume(const struct xp_sysroot *root, const struct xp_block_node *node,
			   const char *hctl)
{
	char driver[64];
	char level[64];
	unsigned host;
	unsigned channel = 0;
	bool raid = false;

	/* the kernel's class of RAID volumes: what mpt3sas builds in its IR mode */
	if (hctl[0] && xp_sysroot_has(root, "sys/class/raid_devices/%s", hctl))
		return true;
	if (!syspath_number(&host, node->syspath, "/host"))
		return false;
	if (!xp_sysroot_read_text(driver, sizeof(driver), root,
				  "sys/class/scsi_host/host%u/proc_name", host))
		return false;
	for (size_t i = 0; i < XP_ARRAY_LEN(raid_drivers); i++)
		raid = raid || !strcmp(driver, raid_drivers[i]);
	if (!raid)
		return false;
	if (!strcmp(driver, "hpsa") || !strcmp(driver, "smartpqi"))
		return !xp_sysroot_read_text(level, sizeof(level), root, "%s/device/raid_level",
					     node->syspath) ||
		       strcmp(level, "N/A") != 0;
	/* megaraid_sas shows drives on the first two channels, volumes above */
	if (!strcmp(driver, "megaraid_sas"))
		return sscanf(hctl, "%*u:%u:", &channel) != 1 || channel >= 2;
	return true;
}

static enum xp_media media_of(const struct xp_sysroot *root, const struct xp_block_node *node,
			      const struct xp_sysfacts *f)
{
	const struct xp_identity *id = &f->identity;
	uint64_t rotational = 2;
	uint64_t removable = 0;

	if (f->remote || is_made_up(id->vendor, id->model) || is_raid_volume(root, node, f->hctl))
		return XP_MEDIA_VIRTUAL;
	xp_sysroot_read_u64(&rotational, root, "%s/queue/rotational", node->syspath);
	xp_sysroot_read_u64(&removable, root, "%s/removable", node->syspath);
	switch (id->bus) {
	case XP_BUS_ATA:
	case XP_BUS_SAS:
		if (rotational == 1)
			return XP_MEDIA_HDD;
		return rotational == 0 ? XP_MEDIA_SSD : XP_MEDIA_UNKNOWN;
	case XP_BUS_NVME:
		return rotational == 1 ? XP_MEDIA_HDD : XP_MEDIA_SSD;
	case XP_BUS_MMC:
		return XP_MEDIA_USB_FLASH;
	case XP_BUS_USB:
		/* a stick is removable; a bridge is not, and what is behind it does not show here
		 */
		return removable == 1 ? XP_MEDIA_USB_FLASH : XP_MEDIA_UNKNOWN;
	case XP_BUS_VIRTIO:
	case XP_BUS_XEN:
	case XP_BUS_NETWORK:
	case XP_BUS_LOOP:
	case XP_BUS_MAPPED:
	case XP_BUS_FILE:
		return XP_MEDIA_VIRTUAL;
	case XP_BUS_SCSI:
	case XP_BUS_MEMORY:
	case XP_BUS_UNKNOWN:
		break;
	}
	return XP_MEDIA_UNKNOWN;
}

bool xp_sysfacts_is_layer(const struct xp_sysfacts *f)
{
	return f->identity.bus == XP_BUS_LOOP || f->identity.bus == XP_BUS_MAPPED ||
	       (f->identity.bus == XP_BUS_MEMORY && f->identity.media == XP_MEDIA_VIRTUAL);
}

/* ---- who it is ---- */

/* The unit serial number page [SPC VPD 80h]: four bytes of header, then the serial. */
static void scsi_serial(char *out, size_t size, const struct xp_sysroot *root, const char *syspath)
{
	char path[700];
	char page[260];
	ssize_t n;
	size_t len;

	snprintf(path, sizeof(path), "%s/device/vpd_pg80", syspath);
	AUTO_FD int fd = xp_sysroot_open_at(root, O_RDONLY, "%s", path);

	out[0] = 0;
	if (fd < 0)
		return;
	n = read(fd, page, sizeof(page));
	if (n < 4 || (unsigned char)page[1] != 0x80)
		return;
	len = (size_t)(unsigned char)page[2] << 8 | (unsigned char)page[3];
	if (len > (size_t)n - 4)
		return;
	xp_identity_text(out, size, page + 4, len);
}

static void read_scsi(struct xp_sysfacts *f, const struct xp_sysroot *root,
		      const struct xp_block_node *node)
{
	struct xp_identity *id = &f->identity;
	char link[512];
	const char *hctl;

	attr(id->vendor, sizeof(id->vendor), root, "%s/device/vendor", node->syspath);
	attr(id->model, sizeof(id->model), root, "%s/device/model", node->syspath);
	attr(id->firmware, sizeof(id->firmware), root, "%s/device/rev", node->syspath);
	if (xp_sysroot_realpath(link, sizeof(link), root, "%s/device", node->syspath)) {
		hctl = strrchr(link, '/');
		hctl = hctl ? hctl + 1 : link;
		if (!fnmatch("[0-9]*:[0-9]*:[0-9]*:[0-9]*", hctl, 0) &&
		    strlen(hctl) < sizeof(f->hctl))
			memcpy(f->hctl, hctl, strlen(hctl) + 1);
	}
	if (!strcmp(id->vendor, "ATA") && id->bus == XP_BUS_SAS)
		id->bus = XP_BUS_ATA;
	/* behind USB, serial and WWN may be the bridge's own: the drive itself must be asked */
	if (id->bus == XP_BUS_USB)
		return;
	scsi_serial(id->serial, sizeof(id->serial), root, node->syspath);
	attr(id->wwn, sizeof(id->wwn), root, "%s/device/wwid", node->syspath);
	if (!strncmp(id->wwn, "t10.", 4))
		id->wwn[0] = 0; /* vendor, model and serial once more, no world-wide name */
}

static void read_nvme(struct xp_sysfacts *f, const struct xp_sysroot *root,
		      const struct xp_block_node *node)
{
	struct xp_identity *id = &f->identity;
	char transport[32];
	char link[512];
	const char *subsystem;

	id->bus = XP_BUS_NVME;
	attr(id->model, sizeof(id->model), root, "%s/device/model", node->syspath);
	attr(id->serial, sizeof(id->serial), root, "%s/device/serial", node->syspath);
	attr(id->firmware, sizeof(id->firmware), root, "%s/device/firmware_rev", node->syspath);
	attr(id->wwn, sizeof(id->wwn), root, "%s/wwid", node->syspath);
	if (!strncmp(id->wwn, "nvme.", 5))
		id->wwn[0] = 0; /* vendor, serial and model once more */
	xp_sysroot_read_u64(&f->nsid, root, "%s/nsid", node->syspath);
	if (!attr(f->subsystem, sizeof(f->subsystem), root, "%s/device/subsysnqn", node->syspath) &&
	    xp_sysroot_realpath(link, sizeof(link), root, "%s/device", node->syspath)) {
		subsystem = strrchr(link, '/');
		snprintf(f->subsystem, sizeof(f->subsystem), "%.200s",
			 subsystem ? subsystem + 1 : link);
	}
	/* a multipath head hangs off the subsystem, which has no transport: ask its controllers */
	if (xp_sysroot_read_text(transport, sizeof(transport), root, "%s/device/transport",
				 node->syspath)) {
		f->remote = strcmp(transport, "pcie") && strcmp(transport, "apple-nvme");
	} else {
		AUTO(xp_names_free) struct xp_names names = {0};

		if (xp_sysroot_list(&names, root, NULL, "%s/device", node->syspath) != XP_OK)
			return;
		for (size_t i = 0; i < names.n; i++) {
			if (!fnmatch("nvme*n*", names.list[i], 0) ||
			    fnmatch("nvme[0-9]*", names.list[i], 0) ||
			    !xp_sysroot_read_text(transport, sizeof(transport), root,
						  "%s/device/%s/transport", node->syspath,
						  names.list[i]))
				continue;
			if (strcmp(transport, "pcie") && strcmp(transport, "apple-nvme"))
				f->remote = true;
		}
	}
}

static void read_layer(struct xp_sysfacts *f, const struct xp_sysroot *root,
		       const struct xp_block_node *node)
{
	struct xp_identity *id = &f->identity;
	char file[4096];
	const char *name;

	if (id->bus == XP_BUS_LOOP &&
	    xp_sysroot_read_text(file, sizeof(file), root, "%s/loop/backing_file", node->syspath)) {
		name = strrchr(file, '/');
		name = name ? name + 1 : file;
		xp_identity_text(id->name, sizeof(id->name), name, strlen(name));
		return;
	}
	if (attr(id->name, sizeof(id->name), root, "%s/dm/name", node->syspath) ||
	    id->bus == XP_BUS_NETWORK)
		return;
	xp_identity_text(id->name, sizeof(id->name), node->name, strlen(node->name));
}

/* ---- where it sits ---- */

static void read_by_path(struct xp_sysfacts *f, const struct xp_sysroot *root,
			 const struct xp_block_node *node)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	char real[512];
	char dev[XP_NODE_LEN + 8];
	char *end;

	xp_block_node_path(dev, sizeof(dev), node->name);
	if (xp_sysroot_list(&names, root, NULL, "dev/disk/by-path") == XP_OK) {
		for (size_t i = 0; i < names.n; i++) {
			if (xp_sysroot_realpath(real, sizeof(real), root, "dev/disk/by-path/%s",
						names.list[i]) &&
			    !strcmp(real, dev + 1)) {
				xp_identity_text(f->by_path, sizeof(f->by_path), names.list[i],
						 strlen(names.list[i]));
				return;
			}
		}
	}
	/* no udev: the same place, in the kernel's words */
	snprintf(real, sizeof(real), "%s", node->syspath + strlen("sys/devices/"));
	end = strstr(real, "/block/");
	if (end)
		*end = 0;
	xp_identity_text(f->by_path, sizeof(f->by_path), real, strlen(real));
}

static void read_slot(struct xp_sysfacts *f, const struct xp_sysroot *root,
		      const struct xp_block_node *node)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	const char *at;
	char address[64];
	size_t n;

	if (xp_sysroot_list(&names, root, NULL, "%s/device", node->syspath) == XP_OK) {
		for (size_t i = 0; i < names.n; i++) {
			if (strncmp(names.list[i], "enclosure_device:", 17))
				continue;
			xp_identity_text(f->slot, sizeof(f->slot), names.list[i] + 17,
					 strlen(names.list[i] + 17));
			return;
		}
	}
	if (f->identity.bus == XP_BUS_NVME &&
	    xp_sysroot_read_text(address, sizeof(address), root, "%s/device/address",
				 node->syspath)) {
		xp_identity_text(f->slot, sizeof(f->slot), address, strlen(address));
		return;
	}
	at = strstr(node->syspath, "/ata");
	if (f->identity.bus == XP_BUS_ATA && at) {
		n = strcspn(at + 1, "/");
		xp_identity_text(f->slot, sizeof(f->slot), at + 1, n);
	}
}

void xp_sysfacts_read(struct xp_sysfacts *out, const struct xp_sysroot *root,
		      const struct xp_block_node *node)
{
	struct xp_identity *id = &out->identity;
	bool media_known = false;
	char zoned[32];
	uint64_t v;

	*out = (struct xp_sysfacts){.identity.media = XP_MEDIA_UNKNOWN};
	for (size_t i = 0; i < XP_ARRAY_LEN(by_name) && !media_known; i++) {
		if (fnmatch(by_name[i].glob, node->name, 0))
			continue;
		id->bus = by_name[i].bus;
		id->media = by_name[i].media;
		out->remote = by_name[i].remote;
		media_known = true;
	}
	for (size_t i = 0; i < XP_ARRAY_LEN(by_syspath) && !media_known; i++) {
		if (fnmatch(by_syspath[i].glob, node->syspath, 0))
			continue;
		id->bus = by_syspath[i].bus;
		out->remote = by_syspath[i].remote;
		break;
	}
	if (!fnmatch("nvme[0-9]*n[0-9]*", node->name, 0)) {
		read_nvme(out, root, node);
	} else if (id->bus == XP_BUS_MMC) {
		attr(id->model, sizeof(id->model), root, "%s/device/name", node->syspath);
		attr(id->serial, sizeof(id->serial), root, "%s/device/serial", node->syspath);
		attr(id->firmware, sizeof(id->firmware), root, "%s/device/fwrev", node->syspath);
	} else if (id->bus == XP_BUS_VIRTIO) {
		attr(id->serial, sizeof(id->serial), root, "%s/serial", node->syspath);
	} else if (media_known && !out->remote && id->bus != XP_BUS_XEN) {
		read_layer(out, root, node);
	} else {
		read_scsi(out, root, node);
	}
	if (!media_known)
		id->media = media_of(root, node, out);
	id->capacity_bytes = node->bytes;
	id->logical_block_bytes = 512;
	if (xp_sysroot_read_u64(&v, root, "%s/queue/logical_block_size", node->syspath) && v &&
	    v <= 1 << 20)
		id->logical_block_bytes = (uint32_t)v;
	id->physical_block_bytes = id->logical_block_bytes;
	if (xp_sysroot_read_u64(&v, root, "%s/queue/physical_block_size", node->syspath) &&
	    v >= id->logical_block_bytes && v <= 1 << 20)
		id->physical_block_bytes = (uint32_t)v;
	if (xp_sysroot_read_u64(&v, root, "%s/diskseq", node->syspath))
		id->diskseq = v;
	if (xp_sysroot_read_text(zoned, sizeof(zoned), root, "%s/queue/zoned", node->syspath))
		out->zoned = strcmp(zoned, "none") != 0;
	if (xp_sysroot_read_u64(&v, root, "%s/device/type", node->syspath) && v == 20)
		out->zoned = true;
	read_by_path(out, root, node);
	read_slot(out, root, node);
}

/* ---- which nodes are one drive ---- */

static bool same_scsi_target(const char *a, const char *b)
{
	const char *lun_a = strrchr(a, ':');
	const char *lun_b = strrchr(b, ':');

	return lun_a && lun_b && lun_a - a == lun_b - b && !strncmp(a, b, (size_t)(lun_a - a));
}

bool xp_sysfacts_same_drive(const struct xp_sysfacts *a, const struct xp_sysfacts *b)
{
	const struct xp_identity *x = &a->identity;
	const struct xp_identity *y = &b->identity;
	bool serial = x->serial[0] && !strcmp(x->serial, y->serial) &&
		      !strcmp(x->model, y->model) && !strcmp(x->vendor, y->vendor);

	if (xp_sysfacts_is_layer(a) || xp_sysfacts_is_layer(b))
		return false;
	if (x->wwn[0] && !strcmp(x->wwn, y->wwn))
		return true;
	if (a->subsystem[0] && !strcmp(a->subsystem, b->subsystem) && !strcmp(x->serial, y->serial))
		return true;
	/* volumes of one controller, or disks of one hypervisor, may all give the same serial */
	if (!serial || x->media == XP_MEDIA_VIRTUAL || y->media == XP_MEDIA_VIRTUAL)
		return false;
	/* one serial with two names: logical units of one drive, else two drives with a bad serial
	 */
	return !x->wwn[0] || !y->wwn[0] || x->bus == XP_BUS_NVME ||
	       same_scsi_target(a->hctl, b->hctl);
}
