/* luks_inside: what luks_header.c and luks_json.c share; nobody else includes it. */
#pragma once
#include "device/protocol/luks_header.h"

/* A key slot's area ends here, from the volume's offset on. */
void xp_luks_slot_ends_at(struct xp_luks_volume *v, uint64_t end);

/*
 * The JSON area of one LUKS2 copy: texts and flags are set, ends and offsets are raised. false: it
 * is no JSON object, or what the format demands is missing or impossible.
 */
bool xp_luks_json_read(struct xp_luks_volume *v, const char *text, size_t len);
