/* satl_inside: what the parts of the translation layer share. For tests/emu/satl*.c only. */
#pragma once
#include "tests/emu/satl.h"

#define SCSI_GOOD  0x00
#define SCSI_CHECK 0x02

void emu_satl_sense(const struct emu_satl *s, struct emu_scsi_cmd *cmd, uint8_t key, uint16_t code);
/* Hands LEN bytes over, or as many as the host asked for. */
void emu_satl_give(struct emu_scsi_cmd *cmd, const uint8_t *data, size_t len);
/* The command for the drive; false: no answer came. */
bool emu_satl_send(struct emu_satl *s, struct emu_scsi_cmd *cmd, const struct emu_ata_cmd *ata,
		   struct emu_ata_result *r);
void emu_satl_pass_through(struct emu_satl *s, struct emu_scsi_cmd *cmd);
void emu_satl_inquiry(struct emu_satl *s, struct emu_scsi_cmd *cmd);
void emu_satl_mode_sense(struct emu_satl *s, struct emu_scsi_cmd *cmd);
