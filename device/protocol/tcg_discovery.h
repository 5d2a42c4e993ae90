/* tcg_discovery: TCG Level 0 Discovery [TCG Storage Core 3.3.6, SSC specifications]. Pure. */
#pragma once
#include "base/err.h"

#define XP_TCG_DISCOVERY_LEN   2048
#define XP_TCG_PROTOCOL	       0x01
#define XP_TCG_COMID_DISCOVERY 0x0001

struct xp_tcg_discovery {
	bool has_tper;
	bool has_locking; /* the locking feature descriptor is there */
	bool locking_enabled, locked;
	bool media_encryption;
	bool mbr_enabled, mbr_done;
	bool enterprise, opal_1, opal_2, pyrite_1, pyrite_2, ruby;
	bool single_user, datastore;
	uint16_t base_comid; /* 0: none */
	bool has_block_sid, sid_changed, sid_blocked;
	bool has_data_removal;
	bool removal_processing, removal_interrupted;
	uint8_t removal_mechanisms; /* bit 0 overwrite, 1 block erase, 2 crypto erase, 5 vendor */
};

/* XP_E_MALFORMED where a length leaves the data. */
MUST_USE enum xp_rc xp_tcg_discovery_parse(struct xp_tcg_discovery *out, const uint8_t *data,
					   size_t len, struct xp_err *err);
/* Opal 2, Opal 1, Enterprise, Ruby, Pyrite or "none", as people call it. */
const char *xp_tcg_ssc_name(const struct xp_tcg_discovery *d);
/* Could a key change purge it? MediaEncryption, and an SSC with keys (Pyrite has none). */
bool xp_tcg_can_crypto_erase(const struct xp_tcg_discovery *d);
