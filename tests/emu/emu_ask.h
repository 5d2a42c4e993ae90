/* emu_ask: short ways to put ATA commands to an emulated drive, for tests of the drive itself. */
#pragma once
#include "tests/emu/drive_ata.h"

/* A command without data. */
struct emu_ata_result emu_ask(struct emu_ata *d, uint8_t command, bool is_48bit, uint16_t feature,
			      uint16_t count, uint64_t lba);
/* Data by PIO or, for the commands that are DMA, by DMA. */
struct emu_ata_result emu_ask_in(struct emu_ata *d, const struct emu_ata_cmd *cmd, void *data,
				 size_t len);
struct emu_ata_result emu_ask_out(struct emu_ata *d, const struct emu_ata_cmd *cmd,
				  const void *data, size_t len);
/* F1h, F2h, F4h or F6h. CONTROL is the first word of the data: 0001h master, 0002h enhanced, 0100h
 * Maximum. */
struct emu_ata_result emu_ask_password(struct emu_ata *d, uint8_t command, uint16_t control,
				       const char *password);
/* F3h, then F4h. */
struct emu_ata_result emu_ask_erase(struct emu_ata *d, uint16_t control, const char *password);
struct emu_ata_result emu_ask_read(struct emu_ata *d, uint64_t lba, uint8_t *sector);
struct emu_ata_result emu_ask_write(struct emu_ata *d, uint64_t lba, const uint8_t *sector);
/* SANITIZE DEVICE with the key that belongs to FEATURE; PATTERN is for the overwrite. */
struct emu_ata_result emu_ask_sanitize(struct emu_ata *d, uint16_t feature, uint16_t count,
				       uint32_t pattern);
bool emu_is_good(const struct emu_ata_result *r);
bool emu_is_abort(const struct emu_ata_result *r);
