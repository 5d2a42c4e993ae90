/*
 * scsi_mode: the block descriptor of the mode parameters [SPC-5 7.5, SBC-4 6.5], which holds how
 * many blocks a host sees and how long they are, and can be set; and WRITE SAME (16), an overwrite
 * whose data crosses the bus once. Pure: it builds and reads bytes, it sends nothing. Each builder
 * of a CDB gives back its length.
 */
#pragma once
#include "base/err.h"
#include "device/protocol/scsi_cmd.h"

/* MODE SENSE (10) for all pages' values of now, with a block descriptor of 16 bytes (LLBAA). */
uint8_t xp_scsi_mode_sense_blocks(uint8_t cdb[XP_SCSI_CDB_MAX], uint16_t len);

struct xp_scsi_blocks {
	uint64_t count;
	bool is_at_least; /* the descriptor has no room for the count, which is all ones */
	uint32_t bytes;
	bool is_write_protected; /* WP */
};
/*
 * The answer to it; the drive may give a descriptor of 8 bytes though. XP_E_MALFORMED: cut off, or
 * its lengths contradict each other; XP_E_UNSUPPORTED: it gives no descriptor.
 */
MUST_USE enum xp_rc xp_scsi_mode_blocks_parse(struct xp_scsi_blocks *out, const uint8_t *data,
					      size_t len, struct xp_err *err);

/*
 * MODE SELECT (10), saved, with nothing but a block descriptor. COUNT UINT64_MAX: as many as the
 * drive has. Other BYTES than now hold from the next FORMAT UNIT on.
 */
#define XP_SCSI_BLOCKS_LIST_LEN 24
uint8_t xp_scsi_mode_select_blocks(uint8_t cdb[XP_SCSI_CDB_MAX],
				   uint8_t list[XP_SCSI_BLOCKS_LIST_LEN], uint64_t count,
				   uint32_t bytes);

/*
 * WRITE SAME (16) without UNMAP: BLOCKS blocks from LBA on get the one that is sent, or with
 * IS_ZERO (NDOB) zeros, and nothing is sent. BLOCKS is not 0, which would mean the rest.
 */
uint8_t xp_scsi_write_same(uint8_t cdb[XP_SCSI_CDB_MAX], uint64_t lba, uint32_t blocks,
			   bool is_zero);
