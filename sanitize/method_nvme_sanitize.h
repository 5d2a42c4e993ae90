/* method_nvme_sanitize: the Sanitize command, which reaches every namespace of the subsystem. */
#pragma once
#include "sanitize/method.h"

extern const struct xp_method xp_method_nvme_sanitize_crypto;
extern const struct xp_method xp_method_nvme_sanitize_block;
extern const struct xp_method xp_method_nvme_sanitize_overwrite;
