/* method_scsi_erase: SANITIZE and FORMAT UNIT, which SAS drives carry out by themselves. */
#pragma once
#include "sanitize/method.h"

extern const struct xp_method xp_method_scsi_sanitize_crypto;
extern const struct xp_method xp_method_scsi_sanitize_block;
extern const struct xp_method xp_method_scsi_sanitize_overwrite;
extern const struct xp_method xp_method_scsi_format;
