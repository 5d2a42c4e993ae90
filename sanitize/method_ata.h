/* method_ata: SANITIZE DEVICE and SECURITY ERASE UNIT. For methods.c. */
#pragma once
#include "sanitize/method.h"

extern const struct xp_method xp_method_ata_sanitize_crypto;
extern const struct xp_method xp_method_ata_sanitize_block;
extern const struct xp_method xp_method_ata_sanitize_overwrite;
extern const struct xp_method xp_method_ata_secure_erase;
extern const struct xp_method xp_method_ata_secure_erase_enhanced;
