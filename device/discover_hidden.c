#include "device/discover_hidden.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Worse wins: no, then unknown, then yes. */
static void lower(struct xp_inventory *inv, enum xp_complete to)
{
	if (to == XP_COMPLETE_NO || inv->complete == XP_COMPLETE_YES)
		inv->complete = to;
}

static enum xp_rc add(struct xp_inventory *inv, struct xp_err *err, const struct xp_hidden *one)
{
	struct xp_hidden *list = reallocarray(inv->hidden, inv->hidden_n + 1, sizeof(*list));

	if (!list)
		return xp_fail(err, XP_E_NOMEM, "hidden drives");
	inv->hidden = list;
	list[inv->hidden_n++] = *one;
	return XP_OK;
}

enum xp_rc xp_hidden_add(struct xp_inventory *inv, struct xp_err *err, const char *controller,
			 const char *pci, const char *driver, const char *reason)
{
	struct xp_hidden one = {0};

	snprintf(one.controller, sizeof(one.controller), "%s", controller);
	snprintf(one.pci, sizeof(one.pci), "%s", pci);
	snprintf(one.driver, sizeof(one.driver), "%s", driver);
	snprintf(one.reason, sizeof(one.reason), "%s", reason);
	lower(inv, XP_COMPLETE_NO);
	return add(inv, err, &one);
}

struct controller {
	char pci[32]; /* "0000:3b:00.0" */
	char dir[512];
	char driver[32];
	char name[128];
	uint64_t class_code; /* [PCI class, subclass, interface] */
	uint64_t vendor;
	uint64_t device;
};

/* [PCI class code 01h: mass storage] */
#define CLASS_STORAGE 0x01
#define SUBCLASS_RAID 0x04
#define VENDOR_INTEL  0x8086

static bool read_hex(uint64_t *out, const struct xp_sysroot *root, const char *dir,
		     const char *name)
{
	char text[32];
	char *end;

	if (!xp_sysroot_read_text(text, sizeof(text), root, "%s/%s", dir, name) || !text[0])
		return false;
	*out = strtoull(text, &end, 16);
	return *end == 0;
}

static bool controller_read(struct controller *c, const struct xp_sysroot *root, const char *pci)
{
	static const char *const words[] = {
		"SCSI controller", "IDE controller", "floppy controller", "IPI controller",
		"RAID controller", "ATA controller", "SATA controller",	  "SAS controller",
		"NVMe controller", "UFS controller"};
	char link[512];
	const char *driver;
	uint64_t sub;

	*c = (struct controller){0};
	snprintf(c->pci, sizeof(c->pci), "%.31s", pci);
	if (!xp_sysroot_realpath(c->dir, sizeof(c->dir), root, "sys/bus/pci/devices/%s", pci) ||
	    !read_hex(&c->class_code, root, c->dir, "class") ||
	    !read_hex(&c->vendor, root, c->dir, "vendor") ||
	    !read_hex(&c->device, root, c->dir, "device"))
		return false;
	if (xp_sysroot_link(link, sizeof(link), root, "%s/driver", c->dir)) {
		driver = strrchr(link, '/');
		snprintf(c->driver, sizeof(c->driver), "%.31s", driver ? driver + 1 : link);
	}
	sub = c->class_code >> 8 & 0xff;
	snprintf(c->name, sizeof(c->name), "%s %04llx:%04llx",
		 sub < XP_ARRAY_LEN(words) ? words[sub] : "storage controller",
		 (unsigned long long)(c->vendor & 0xffff),
		 (unsigned long long)(c->device & 0xffff));
	return true;
}

/* Drivers whose controllers build volumes out of drives that the host does not see. */
static bool is_raid_driver(const char *driver)
{
	static const char *const drivers[] = {"megaraid_sas", "megaraid", "megaraid_mbox", "hpsa",
					      "smartpqi",     "aacraid",  "ips",	   "arcmsr",
					      "3w-9xxx",      "3w-sas",	  "3w-xxxx",	   "mvumi",
					      "hptiop",	      "stex"};

	for (size_t i = 0; i < XP_ARRAY_LEN(drivers); i++)
		if (!strcmp(driver, drivers[i]))
			return true;
	return false;
}

/* These pass every drive through, unless their firmware builds volumes (IR mode). */
static bool may_build_volumes(const char *driver)
{
	static const char *const drivers[] = {"mpt3sas", "mpt2sas", "mptsas", "mptspi"};

	for (size_t i = 0; i < XP_ARRAY_LEN(drivers); i++)
		if (!strcmp(driver, drivers[i]))
			return true;
	return false;
}

static void count_disks(const struct xp_scan *s, const struct controller *c, size_t *volumes,
			size_t *drives)
{
	size_t len = strlen(c->dir);

	*volumes = 0;
	*drives = 0;
	for (size_t i = 0; i < s->disks.n; i++) {
		const struct xp_disk *d = &s->disks.list[i];

		if (strncmp(d->node->syspath, c->dir, len) || d->node->syspath[len] != '/')
			continue;
		if (d->facts.identity.media == XP_MEDIA_VIRTUAL)
			++*volumes;
		else
			++*drives;
	}
}

static enum xp_rc look_at(struct xp_inventory *inv, const struct xp_scan *s,
			  const struct controller *c, struct xp_err *err)
{
	char reason[256];
	size_t volumes;
	size_t drives;
	uint64_t remapped;

	if (!c->driver[0])
		return xp_hidden_add(
			inv, err, c->name, c->pci, "",
			c->vendor == VENDOR_INTEL && (c->class_code >> 8 & 0xff) == SUBCLASS_RAID
				? "no driver is bound: NVMe drives behind VMD do not show; "
				  "load vmd, or switch VMD off in the firmware's setup"
				: "no driver is bound: its drives do not show");
	if (!strcmp(c->driver, "vfio-pci") || !strcmp(c->driver, "pci-stub") ||
	    !strcmp(c->driver, "uio_pci_generic"))
		return xp_hidden_add(inv, err, c->name, c->pci, c->driver,
				     "given to a virtual machine or a user-space driver");
	if (xp_sysroot_read_u64(&remapped, s->root, "%s/remapped_nvme", c->dir) && remapped > 0) {
		snprintf(
			reason, sizeof(reason),
			"%llu NVMe drives are remapped behind it: switch the firmware's setup from "
			"RAID to AHCI",
			(unsigned long long)remapped);
		return xp_hidden_add(inv, err, c->name, c->pci, c->driver, reason);
	}
	if (!is_raid_driver(c->driver) && !may_build_volumes(c->driver))
		return XP_OK;
	count_disks(s, c, &volumes, &drives);
	if (!volumes && may_build_volumes(c->driver))
		return XP_OK;
	if (volumes) {
		snprintf(reason, sizeof(reason),
			 "%zu RAID volumes: the drives below them, spares and unconfigured drives "
			 "do "
			 "not show; switch the controller to HBA mode",
			 volumes);
		return xp_hidden_add(inv, err, c->name, c->pci, c->driver, reason);
	}
	struct xp_hidden one = {0};

	/* drives that are passed through show; others may be there, and nothing here can tell */
	memcpy(one.controller, c->name, sizeof(one.controller));
	memcpy(one.pci, c->pci, sizeof(one.pci));
	memcpy(one.driver, c->driver, sizeof(one.driver));
	snprintf(one.reason, sizeof(one.reason),
		 "%zu drives are passed through; whether it holds others back cannot be told from "
		 "here",
		 drives);
	lower(inv, XP_COMPLETE_UNKNOWN);
	return add(inv, err, &one);
}

/* A USB mass storage interface [USB class 08h] that no driver took. */
static enum xp_rc usb_find(struct xp_inventory *inv, const struct xp_scan *s, struct xp_err *err)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	uint64_t class_code;
	char dir[512];

	if (xp_sysroot_list(&names, s->root, NULL, "sys/bus/usb/devices") != XP_OK)
		return XP_OK;
	for (size_t i = 0; i < names.n; i++) {
		if (!strchr(names.list[i], ':') ||
		    !xp_sysroot_realpath(dir, sizeof(dir), s->root, "sys/bus/usb/devices/%s",
					 names.list[i]) ||
		    !read_hex(&class_code, s->root, dir, "bInterfaceClass") || class_code != 0x08 ||
		    xp_sysroot_has(s->root, "%s/driver", dir))
			continue;
		TRY(xp_hidden_add(inv, err, "USB mass storage", names.list[i], "",
				  "no driver is bound: it does not show"));
	}
	return XP_OK;
}

enum xp_rc xp_hidden_find(struct xp_inventory *inv, const struct xp_scan *s, struct xp_err *err)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	struct controller c;
	enum xp_rc rc = xp_sysroot_list(&names, s->root, err, "sys/bus/pci/devices");

	/* machines without PCI exist; one whose PCI cannot be read is not known to be complete */
	if (rc == XP_E_NOENT && !xp_sysroot_has(s->root, "sys/bus"))
		lower(inv, XP_COMPLETE_UNKNOWN);
	else if (rc != XP_OK && rc != XP_E_NOENT)
		lower(inv, XP_COMPLETE_UNKNOWN);
	for (size_t i = 0; i < names.n; i++) {
		if (!controller_read(&c, s->root, names.list[i])) {
			lower(inv, XP_COMPLETE_UNKNOWN);
			continue;
		}
		if (c.class_code >> 16 == CLASS_STORAGE && (c.class_code >> 8 & 0xff) != 0x02)
			TRY(look_at(inv, s, &c, err));
	}
	TRY(usb_find(inv, s, err));
	return XP_OK;
}
