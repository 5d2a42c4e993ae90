#include "device/protocol/identity.h"

#include "base/names.h"

#include <stdlib.h>
#include <string.h>

static const char *const media_names[] = {
	[XP_MEDIA_HDD] = "hdd",		[XP_MEDIA_SSD] = "ssd",
	[XP_MEDIA_HYBRID] = "hybrid",	[XP_MEDIA_USB_FLASH] = "usb-flash",
	[XP_MEDIA_UNKNOWN] = "unknown", [XP_MEDIA_VIRTUAL] = "virtual",
};
XP_NAMES(media, xp_media, media_names, XP_MEDIA_VIRTUAL + 1)

static const char *const bus_names[] = {
	[XP_BUS_UNKNOWN] = "unknown", [XP_BUS_ATA] = "ata",	  [XP_BUS_SAS] = "sas",
	[XP_BUS_SCSI] = "scsi",	      [XP_BUS_NVME] = "nvme",	  [XP_BUS_USB] = "usb",
	[XP_BUS_MMC] = "mmc",	      [XP_BUS_VIRTIO] = "virtio", [XP_BUS_XEN] = "xen",
	[XP_BUS_LOOP] = "loop",	      [XP_BUS_MEMORY] = "memory", [XP_BUS_MAPPED] = "mapped",
	[XP_BUS_NETWORK] = "network", [XP_BUS_FILE] = "file",
};
XP_NAMES(bus, xp_bus, bus_names, XP_BUS_FILE + 1)

static const char *const raw_kind_names[] = {
	[XP_RAW_ATA_IDENTIFY] = "ata-identify",
	[XP_RAW_SCSI_INQUIRY] = "scsi-inquiry",
	[XP_RAW_SCSI_VPD] = "scsi-vpd",
	[XP_RAW_SCSI_READ_CAPACITY] = "scsi-read-capacity",
	[XP_RAW_NVME_ID_CTRL] = "nvme-id-ctrl",
	[XP_RAW_NVME_ID_NS] = "nvme-id-ns",
	[XP_RAW_NVME_LOG] = "nvme-log",
	[XP_RAW_ATA_LOG] = "ata-log",
	[XP_RAW_SENSE] = "sense",
	[XP_RAW_SCSI_LOG] = "scsi-log",
	[XP_RAW_SCSI_MODE] = "scsi-mode",
	[XP_RAW_NVME_IDENTIFY] = "nvme-identify",
	[XP_RAW_TCG_DISCOVERY] = "tcg-discovery",
	[XP_RAW_SCSI_LIST] = "scsi-list",
};
XP_NAMES(raw_kind, xp_raw_kind, raw_kind_names, XP_RAW_KIND_COUNT)

void xp_raws_free(struct xp_raw **list, size_t *n)
{
	for (size_t i = 0; *list && i < *n; i++)
		free((*list)[i].data);
	free(*list);
	*list = NULL;
	*n = 0;
}

enum xp_rc xp_raws_copy(struct xp_raw **out, size_t *out_n, const struct xp_raw *list, size_t n,
			struct xp_err *err)
{
	struct xp_raw *copy = NULL;
	size_t done = 0;

	*out = NULL;
	*out_n = 0;
	if (n == 0)
		return XP_OK;
	copy = calloc(n, sizeof(*copy));
	if (!copy)
		return xp_fail(err, XP_E_NOMEM, "%zu raw answers", n);
	for (; done < n; done++) {
		copy[done] = list[done];
		copy[done].data = malloc(list[done].len ? list[done].len : 1);
		if (!copy[done].data) {
			xp_raws_free(&copy, &done);
			return xp_fail(err, XP_E_NOMEM, "a raw answer");
		}
		if (list[done].len)
			memcpy(copy[done].data, list[done].data, list[done].len);
	}
	*out = copy;
	*out_n = n;
	return XP_OK;
}

void xp_identity_free(struct xp_identity *id)
{
	xp_raws_free(&id->raw, &id->raw_n);
	memset(id, 0, sizeof(*id));
}

enum xp_rc xp_identity_copy(struct xp_identity *out, const struct xp_identity *in,
			    struct xp_err *err)
{
	struct xp_raw *raw;
	size_t raw_n;

	memset(out, 0, sizeof(*out));
	if (xp_raws_copy(&raw, &raw_n, in->raw, in->raw_n, err) != XP_OK)
		return XP_E_NOMEM;
	*out = *in;
	out->raw = raw;
	out->raw_n = raw_n;
	return XP_OK;
}

static const char *text_difference(const struct xp_identity *a, const struct xp_identity *b)
{
	if (strcmp(a->serial, b->serial) != 0)
		return "serial";
	if (strcmp(a->wwn, b->wwn) != 0)
		return "wwn";
	if (strcmp(a->vendor, b->vendor) != 0)
		return "vendor";
	if (strcmp(a->model, b->model) != 0)
		return "model";
	if (strcmp(a->firmware, b->firmware) != 0)
		return "firmware";
	if (strcmp(a->name, b->name) != 0)
		return "name";
	return NULL;
}

/* the last of the fields below */
#define SIZE_FIELDS 3

static const char *number_difference(const struct xp_identity *a, const struct xp_identity *b)
{
	const struct {
		const char *name;
		uint64_t a, b;
	} fields[] = {
		{"media", a->media, b->media},
		{"bus", a->bus, b->bus},
		{"inode", a->inode, b->inode},
		{"fs_dev", a->fs_dev, b->fs_dev},
		{"diskseq", a->diskseq, b->diskseq},
		{"partition", a->partition, b->partition},
		{"partition_start", a->partition_start, b->partition_start},
		{"capacity_bytes", a->capacity_bytes, b->capacity_bytes},
		{"logical_block_bytes", a->logical_block_bytes, b->logical_block_bytes},
		{"physical_block_bytes", a->physical_block_bytes, b->physical_block_bytes},
	};

	/* a drive that is at a sanitize does not say how large it is, nor in which blocks */
	size_t n = sizeof(fields) / sizeof(fields[0]);

	if (a->capacity_bytes == 0 || b->capacity_bytes == 0)
		n -= SIZE_FIELDS;
	for (size_t i = 0; i < n; i++) {
		if (fields[i].a != fields[i].b)
			return fields[i].name;
	}
	return NULL;
}

/* Raw answers are not compared byte by byte: they hold counters and states that an erase changes.
 */
bool xp_identity_same(const struct xp_identity *a, const struct xp_identity *b,
		      const char **difference)
{
	const char *d = text_difference(a, b);

	if (!d)
		d = number_difference(a, b);
	if (difference)
		*difference = d;
	return !d;
}
