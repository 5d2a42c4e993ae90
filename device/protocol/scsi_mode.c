#include "device/protocol/scsi_mode.h"

#include "base/wire.h"

#include <assert.h>
#include <string.h>

#define MODE_LEN	10
#define LLBAA		0x10
#define ALL_PAGES	0x3f
#define SAVE_PAGES	0x01
#define PAGE_FORMAT	0x10
#define ALLOCATION	7
#define WRITE_SAME_LEN	16
#define NDOB		0x01
#define WRITE_SAME_LBA	2
#define WRITE_SAME_SIZE 10
/* mode parameter header (10) */
#define HEADER		  8
#define DATA_LEN	  0
#define SPECIFIC	  3
#define WP		  0x80
#define LONG_LBA	  4
#define LONGLBA		  0x01
#define DESCRIPTOR_LEN	  6
#define SHORT_DESCRIPTOR  8
#define LONG_DESCRIPTOR	  16
#define SHORT_BYTES	  5 /* 24 bits */
#define LONG_BYTES	  12
#define DATA_LEN_EXCLUDES 2

uint8_t xp_scsi_mode_sense_blocks(uint8_t cdb[XP_SCSI_CDB_MAX], uint16_t len)
{
	memset(cdb, 0, XP_SCSI_CDB_MAX);
	cdb[0] = XP_SCSI_MODE_SENSE_10;
	cdb[1] = LLBAA;
	cdb[2] = ALL_PAGES;
	put_be16(cdb + ALLOCATION, len);
	return MODE_LEN;
}

enum xp_rc xp_scsi_mode_blocks_parse(struct xp_scsi_blocks *out, const uint8_t *data, size_t len,
				     struct xp_err *err)
{
	const uint8_t *d = data + HEADER;
	size_t all, descriptor;
	bool is_long;

	*out = (struct xp_scsi_blocks){0};
	if (len < HEADER)
		return xp_fail(err, XP_E_MALFORMED, "MODE SENSE (10): %zu bytes", len);
	all = DATA_LEN_EXCLUDES + (size_t)get_be16(data + DATA_LEN);
	descriptor = get_be16(data + DESCRIPTOR_LEN);
	is_long = (data[LONG_LBA] & LONGLBA) != 0;
	out->is_write_protected = (data[SPECIFIC] & WP) != 0;
	if (descriptor == 0)
		return xp_fail(err, XP_E_UNSUPPORTED, "MODE SENSE (10): no block descriptor");
	/* the pages may be cut off, the descriptor in front of them may not */
	if (descriptor % (is_long ? LONG_DESCRIPTOR : SHORT_DESCRIPTOR) != 0 ||
	    all < HEADER + descriptor || len < HEADER + descriptor)
		return xp_fail(err, XP_E_MALFORMED,
			       "MODE SENSE (10): block descriptors of %zu bytes in %zu of %zu",
			       descriptor, len, all);
	if (is_long) {
		out->count = get_be64(d);
		out->is_at_least = out->count == UINT64_MAX;
		out->bytes = get_be32(d + LONG_BYTES);
	} else {
		out->count = get_be32(d);
		out->is_at_least = out->count == UINT32_MAX;
		out->bytes = get_be24(d + SHORT_BYTES);
	}
	return XP_OK;
}

uint8_t xp_scsi_mode_select_blocks(uint8_t cdb[XP_SCSI_CDB_MAX],
				   uint8_t list[XP_SCSI_BLOCKS_LIST_LEN], uint64_t count,
				   uint32_t bytes)
{
	memset(cdb, 0, XP_SCSI_CDB_MAX);
	cdb[0] = XP_SCSI_MODE_SELECT_10;
	cdb[1] = PAGE_FORMAT | SAVE_PAGES;
	put_be16(cdb + ALLOCATION, XP_SCSI_BLOCKS_LIST_LEN);
	memset(list, 0, XP_SCSI_BLOCKS_LIST_LEN);
	list[LONG_LBA] = LONGLBA;
	put_be16(list + DESCRIPTOR_LEN, LONG_DESCRIPTOR);
	put_be64(list + HEADER, count);
	put_be32(list + HEADER + LONG_BYTES, bytes);
	return MODE_LEN;
}

uint8_t xp_scsi_write_same(uint8_t cdb[XP_SCSI_CDB_MAX], uint64_t lba, uint32_t blocks,
			   bool is_zero)
{
	assert(blocks != 0);
	memset(cdb, 0, XP_SCSI_CDB_MAX);
	cdb[0] = XP_SCSI_WRITE_SAME_16;
	cdb[1] = is_zero ? NDOB : 0;
	put_be64(cdb + WRITE_SAME_LBA, lba);
	put_be32(cdb + WRITE_SAME_SIZE, blocks);
	return WRITE_SAME_LEN;
}
