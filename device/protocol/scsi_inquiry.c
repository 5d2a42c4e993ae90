#include "device/protocol/scsi_inquiry.h"

#include "base/buf.h"
#include "base/span.h"
#include "base/wire.h"
#include "device/protocol/drive_text.h"

#include <stdio.h>
#include <string.h>

/* standard INQUIRY data */
#define STD_MIN		36
#define STD_REMOVABLE	0x80 /* byte 1 */
#define STD_PROTECT	0x01 /* byte 5 */
#define TYPE_MASK	0x1f
#define QUALIFIER_SHIFT 5
/* VPD header: page code 1, length 2-3 */
#define VPD_HEADER 4
/* designation descriptors: code set 0 (3:0), association 1 (5:4), type 1 (3:0), length 3 */
#define DESIGNATOR_HEAD	 4
#define ASSOCIATION_MASK 0x30
#define CODE_SET_BINARY	 1
#define TYPE_EUI	 2
#define TYPE_NAA	 3
/* 89h */
#define ATA_VENDOR   8
#define ATA_COMMAND  56
#define ATA_IDENTIFY 60
#define ATA_LEN	     572
/* B0h */
#define LIMITS_MIN 44
/* B1h, B2h */
#define MEDIA_MIN	 9
#define ROTATION_NONE	 0x0001
#define ROTATION_RPM_MIN 0x0401
#define ROTATION_RPM_MAX 0xfffe
#define PROVISIONING_MIN 7

enum xp_rc xp_scsi_inquiry_parse(struct xp_scsi_inquiry *out, const uint8_t *data, size_t len,
				 struct xp_err *err)
{
	*out = (struct xp_scsi_inquiry){0};
	if (len < STD_MIN)
		return xp_fail(err, XP_E_MALFORMED, "INQUIRY: %zu bytes", len);
	out->type = data[0] & TYPE_MASK;
	out->is_connected = data[0] >> QUALIFIER_SHIFT == 0;
	out->is_removable = (data[1] & STD_REMOVABLE) != 0;
	out->version = data[2];
	out->has_protection = (data[5] & STD_PROTECT) != 0;
	xp_drive_text(out->vendor, sizeof(out->vendor), data + 8, 8, false);
	xp_drive_text(out->product, sizeof(out->product), data + 16, 16, false);
	xp_drive_text(out->revision, sizeof(out->revision), data + 32, 4, false);
	return XP_OK;
}

/*
 * The header of a VPD page: *LEN becomes the bytes that are really there, header included. MIN
 * counts the header, too.
 */
static enum xp_rc check_page(const uint8_t *data, size_t *len, uint8_t page, size_t min,
			     struct xp_err *err)
{
	size_t all;

	if (*len < VPD_HEADER || data[1] != page)
		return xp_fail(err, XP_E_MALFORMED, "VPD page %02xh: the answer is another page",
			       page);
	all = VPD_HEADER + (size_t)get_be16(data + 2);
	if (all > *len)
		return xp_fail(err, XP_E_MALFORMED, "VPD page %02xh: cut off, %zu of %zu bytes",
			       page, *len, all);
	if (all < min)
		return xp_fail(err, XP_E_MALFORMED, "VPD page %02xh: only %zu bytes", page, all);
	*len = all;
	return XP_OK;
}

enum xp_rc xp_scsi_vpd_pages_parse(struct xp_scsi_vpd_pages *out, const uint8_t *data, size_t len,
				   struct xp_err *err)
{
	*out = (struct xp_scsi_vpd_pages){0};
	TRY(check_page(data, &len, XP_VPD_PAGES, VPD_HEADER, err));
	for (size_t i = VPD_HEADER; i < len; i++)
		out->has[data[i]] = true;
	return XP_OK;
}

enum xp_rc xp_scsi_vpd_serial_parse(char *out, size_t out_len, const uint8_t *data, size_t len,
				    struct xp_err *err)
{
	out[0] = 0;
	TRY(check_page(data, &len, XP_VPD_SERIAL, VPD_HEADER, err));
	if (len - VPD_HEADER > 256)
		return xp_fail(err, XP_E_MALFORMED, "VPD page 80h: %zu bytes", len);
	xp_drive_text(out, out_len, data + VPD_HEADER, len - VPD_HEADER, false);
	return XP_OK;
}

static void write_name(char out[37], const char *prefix, const uint8_t *d, size_t len)
{
	char hex[33];

	if (out[0])
		return; /* the first one counts */
	xp_hex_encode(hex, d, len);
	snprintf(out, 37, "%s.%s", prefix, hex);
}

static void read_designator(struct xp_scsi_names *out, const uint8_t *d, size_t len)
{
	const uint8_t *name = d + DESIGNATOR_HEAD;

	if ((d[1] & ASSOCIATION_MASK) || (d[0] & 0x0f) != CODE_SET_BINARY)
		return;
	if ((d[1] & 0x0f) == TYPE_NAA && (len == 8 || len == 16))
		write_name(out->naa, "naa", name, len);
	else if ((d[1] & 0x0f) == TYPE_EUI && (len == 8 || len == 12 || len == 16))
		write_name(out->eui, "eui", name, len);
}

enum xp_rc xp_scsi_vpd_names_parse(struct xp_scsi_names *out, const uint8_t *data, size_t len,
				   struct xp_err *err)
{
	struct xp_span s;

	*out = (struct xp_scsi_names){0};
	TRY(check_page(data, &len, XP_VPD_DESIGNATORS, VPD_HEADER, err));
	s = xp_span_of(data + VPD_HEADER, len - VPD_HEADER);
	while (s.left) {
		size_t n = s.left >= DESIGNATOR_HEAD ? s.at[3] : 0;
		const uint8_t *d = xp_span_take(&s, DESIGNATOR_HEAD + n);

		if (!d)
			return xp_fail(err, XP_E_MALFORMED, "VPD page 83h: a name is cut off");
		read_designator(out, d, n);
	}
	return XP_OK;
}

enum xp_rc xp_scsi_vpd_ata_parse(struct xp_scsi_vpd_ata *out, const uint8_t *data, size_t len,
				 struct xp_err *err)
{
	*out = (struct xp_scsi_vpd_ata){0};
	TRY(check_page(data, &len, XP_VPD_ATA, ATA_LEN, err));
	xp_drive_text(out->vendor, sizeof(out->vendor), data + ATA_VENDOR, 8, false);
	xp_drive_text(out->product, sizeof(out->product), data + ATA_VENDOR + 8, 16, false);
	xp_drive_text(out->revision, sizeof(out->revision), data + ATA_VENDOR + 24, 4, false);
	out->command = data[ATA_COMMAND];
	out->identify = data + ATA_IDENTIFY;
	return XP_OK;
}

enum xp_rc xp_scsi_vpd_limits_parse(struct xp_scsi_limits *out, const uint8_t *data, size_t len,
				    struct xp_err *err)
{
	*out = (struct xp_scsi_limits){0};
	TRY(check_page(data, &len, XP_VPD_LIMITS, LIMITS_MIN, err));
	out->write_same_nonzero = (data[4] & 1) != 0;
	out->unmap_lbas = get_be32(data + 20);
	out->write_same_blocks = get_be64(data + 36);
	return XP_OK;
}

enum xp_rc xp_scsi_vpd_media_parse(struct xp_scsi_media *out, const uint8_t *data, size_t len,
				   struct xp_err *err)
{
	uint16_t rotation;

	*out = (struct xp_scsi_media){0};
	TRY(check_page(data, &len, XP_VPD_MEDIA, MEDIA_MIN, err));
	rotation = get_be16(data + 4);
	out->is_non_rotating = rotation == ROTATION_NONE;
	out->is_rotating = rotation >= ROTATION_RPM_MIN && rotation <= ROTATION_RPM_MAX;
	out->rpm = out->is_rotating ? rotation : 0;
	out->after_block_erase = (enum xp_scsi_after)(data[7] >> 6 & 3);
	out->after_crypto_erase = (enum xp_scsi_after)(data[7] >> 4 & 3);
	out->form_factor = data[7] & 0x0f;
	out->zoned = data[8] >> 4 & 3;
	return XP_OK;
}

enum xp_rc xp_scsi_vpd_provisioning_parse(struct xp_scsi_provisioning *out, const uint8_t *data,
					  size_t len, struct xp_err *err)
{
	*out = (struct xp_scsi_provisioning){0};
	TRY(check_page(data, &len, XP_VPD_PROVISIONING, PROVISIONING_MIN, err));
	out->has_unmap = (data[5] & 0x80) != 0;
	out->has_write_same_unmap = (data[5] & 0x40) != 0;
	out->has_write_same_10_unmap = (data[5] & 0x20) != 0;
	out->reads = data[5] >> 2 & 7;
	out->type = data[6] & 7;
	return XP_OK;
}
