/*
 * ata_hidden: capacity that a drive keeps from its user: host protected area (HPA), accessible max
 * address (AMAC), device configuration overlay (DCO). Pure.
 */
#pragma once
#include "base/err.h"
#include "device/protocol/sat.h"

#define XP_ATA_DCO_LEN 512

/*
 * Sectors by READ NATIVE MAX (EXT) or GET NATIVE MAX ADDRESS EXT: the last address in the
 * registers, plus one. false: the registers are lost, an error, or not whole: nothing is known.
 */
bool xp_ata_native_sectors(uint64_t *sectors, const struct xp_ata_registers *r, bool is_48bit);

struct xp_ata_dco {
	uint16_t revision;
	uint64_t sectors; /* the factory's capacity */
};

/* [ATA8-ACS DEVICE CONFIGURATION IDENTIFY]: XP_E_MALFORMED for a wrong length, signature or sum. */
MUST_USE enum xp_rc xp_ata_dco_parse(struct xp_ata_dco *out, const uint8_t *data, size_t len,
				     struct xp_err *err);
