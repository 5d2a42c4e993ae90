#include "device/protocol/scsi_sanitize.h"

#include "base/wire.h"

#include <string.h>

#define SANITIZE_LEN 10
#define ACTION_MASK  0x1f
#define IMMED	     0x80
#define ZNR	     0x40
#define AUSE	     0x20
#define LIST_LEN     7
/* parameter list of an overwrite */
#define INVERT	    0x80
#define PASSES_MASK 0x1f
#define PATTERN_LEN 4

#define FORMAT_LEN     6
#define FMTPINFO_SHIFT 6
#define FMTDATA	       0x10
#define FFMT_MASK      0x03
#define HEADER_USAGE   0x07
#define HEADER_IMMED   0x02

uint8_t xp_scsi_sanitize(uint8_t cdb[XP_SCSI_CDB_MAX], const struct xp_scsi_sanitize *s)
{
	memset(cdb, 0, XP_SCSI_CDB_MAX);
	cdb[0] = XP_SCSI_SANITIZE;
	cdb[1] = (uint8_t)((s->action & ACTION_MASK) | (s->immediate ? IMMED : 0) |
			   (s->no_zone_reset ? ZNR : 0) | (s->unrestricted ? AUSE : 0));
	put_be16(cdb + LIST_LEN, s->list_len);
	return SANITIZE_LEN;
}

bool xp_scsi_sanitize_parse(struct xp_scsi_sanitize *out, const uint8_t *cdb, size_t len)
{
	*out = (struct xp_scsi_sanitize){0};
	if (len != SANITIZE_LEN || cdb[0] != XP_SCSI_SANITIZE)
		return false;
	out->action = cdb[1] & ACTION_MASK;
	out->immediate = (cdb[1] & IMMED) != 0;
	out->no_zone_reset = (cdb[1] & ZNR) != 0;
	out->unrestricted = (cdb[1] & AUSE) != 0;
	out->list_len = get_be16(cdb + LIST_LEN);
	return true;
}

void xp_scsi_overwrite_list(uint8_t list[XP_SCSI_OVERWRITE_LIST_LEN], uint8_t passes, bool invert,
			    uint32_t pattern)
{
	list[0] = (uint8_t)((passes & PASSES_MASK) | (invert ? INVERT : 0));
	list[1] = 0;
	put_be16(list + 2, PATTERN_LEN);
	put_be32(list + 4, pattern);
}

uint8_t xp_scsi_format_unit(uint8_t cdb[XP_SCSI_CDB_MAX], const struct xp_scsi_format *f)
{
	memset(cdb, 0, XP_SCSI_CDB_MAX);
	cdb[0] = XP_SCSI_FORMAT_UNIT;
	cdb[1] = (uint8_t)((unsigned)f->protection_info << FMTPINFO_SHIFT |
			   (f->has_list ? FMTDATA : 0));
	cdb[4] = f->is_fast ? 1 : 0;
	return FORMAT_LEN;
}

bool xp_scsi_format_parse(struct xp_scsi_format *out, const uint8_t *cdb, size_t len)
{
	*out = (struct xp_scsi_format){0};
	if (len != FORMAT_LEN || cdb[0] != XP_SCSI_FORMAT_UNIT)
		return false;
	out->protection_info = cdb[1] >> FMTPINFO_SHIFT;
	out->has_list = (cdb[1] & FMTDATA) != 0;
	out->is_fast = (cdb[4] & FFMT_MASK) != 0;
	return true;
}

void xp_scsi_format_list(uint8_t list[XP_SCSI_FORMAT_LIST_LEN], uint8_t usage)
{
	memset(list, 0, XP_SCSI_FORMAT_LIST_LEN);
	list[0] = usage & HEADER_USAGE;
	list[1] = HEADER_IMMED;
}

uint8_t xp_scsi_test_unit_ready(uint8_t cdb[XP_SCSI_CDB_MAX])
{
	memset(cdb, 0, XP_SCSI_CDB_MAX);
	cdb[0] = XP_SCSI_TEST_UNIT_READY;
	return FORMAT_LEN;
}
