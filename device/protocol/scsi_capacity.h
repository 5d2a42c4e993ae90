/* scsi_capacity: READ CAPACITY (16) [SBC-4 5.20]. Pure. */
#pragma once
#include "base/err.h"

#define XP_SCSI_CAPACITY_LEN 32

struct xp_scsi_capacity {
	uint64_t blocks;
	uint32_t logical_bytes; /* user data of a block: 512, 520, 528, 4096, ... */
	uint32_t physical_bytes;
	uint64_t bytes;
	uint8_t protection_type;  /* 0 none, 1 to 3 */
	bool is_provisioned;	  /* LBPME */
	bool unmapped_reads_zero; /* LBPRZ */
};
MUST_USE enum xp_rc xp_scsi_capacity_parse(struct xp_scsi_capacity *out, const uint8_t *data,
					   size_t len, struct xp_err *err);
