/* scsi_log: log pages of SCSI drives, decoded. Bytes in, facts out. */
#pragma once
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define XP_SCSI_LOG_BACKGROUND	   0x15
#define XP_SCSI_LOG_BACKGROUND_LEN 20 /* its header and its first parameter, the status */

/*
 * Minutes that the drive has been powered on, of the background scan status [SBC-4 6.4.2.2].
 * Errors: XP_E_MALFORMED where DATA is not that page with that parameter first.
 */
MUST_USE enum xp_rc xp_scsi_power_on_minutes_parse(uint32_t *out, const uint8_t *data, size_t len,
						   struct xp_err *err);
