/*
 * opcodes: which commands only read. Keyed by transport, opcode, and service action, FEATURE or
 * payload. Whatever is not listed is taken for destructive.
 */
#pragma once
#include "device/transport.h"

/* Does CMD only read? Its fields and the way of its data must fit the command; else no. */
bool xp_opcode_is_read_only(const struct xp_cmd *cmd);

/* Does the data that CMD sends hold a password or a key (or could it)? Never written to a
 * transcript. */
bool xp_opcode_carries_secret(const struct xp_cmd *cmd);

/* The length that the opcode's group gives to a CDB: 6, 10, 12, 16 or 32; 0: vendor specific. */
uint8_t xp_opcode_cdb_len(uint8_t opcode);

/* "INQUIRY", "ATA IDENTIFY DEVICE", "NVMe Get Log Page"; for an unknown one "SCSI opcode c1h". */
void xp_opcode_name(char *out, size_t out_len, const struct xp_cmd *cmd);
