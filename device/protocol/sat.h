/*
 * sat: ATA commands inside SCSI commands, and the registers that come back inside sense data
 * [SAT-3 ATA PASS-THROUGH]. Pure.
 */
#pragma once
#include "device/protocol/ata_cmd.h"

#define XP_SAT_CDB16	 0x85
#define XP_SAT_CDB12	 0xa1 /* on optical drives this opcode is BLANK */
#define XP_SAT_CDB16_LEN 16
#define XP_SAT_CDB12_LEN 12

/* The 16-byte CDB of a task file. Data moves in blocks of 512 bytes, counted in COUNT. */
void xp_sat_cdb_build(uint8_t cdb[XP_SAT_CDB16_LEN], const struct xp_ata_taskfile *tf);

/*
 * Reads a 16- or 12-byte pass-through CDB back. false: not one, or one with a field that this
 * project never sends (reserved bits, off-line time, multiple count, a register above 8 bits in a
 * 28-bit command, data that goes the other way than the protocol).
 */
bool xp_sat_cdb_parse(struct xp_ata_taskfile *tf, const uint8_t *cdb, size_t len);

enum xp_sat_form {
	XP_SAT_NONE,	   /* no ATA registers in the sense data */
	XP_SAT_DESCRIPTOR, /* all registers */
	XP_SAT_FIXED,	   /* without COUNT 15:8 and LBA 47:24 */
};

struct xp_ata_registers {
	enum xp_sat_form form;
	uint8_t error;
	uint8_t status;
	uint8_t device;
	uint16_t count; /* 15:8 only where count_is_whole */
	uint64_t lba;	/* 47:24 only where lba_is_whole */
	bool is_48bit;	/* EXTEND */
	bool count_is_whole;
	bool lba_is_whole;
};

/* STATUS and ERROR bits [ACS-3 6.2, 6.3]. */
#define XP_ATA_STATUS_BSY   0x80
#define XP_ATA_STATUS_DF    0x20
#define XP_ATA_STATUS_DRQ   0x08
#define XP_ATA_STATUS_ERR   0x01
#define XP_ATA_ERROR_ABRT   0x04
#define XP_ATA_STATUS_READY 0x40

/*
 * The registers in SENSE. form XP_SAT_NONE where there are none: then nothing is known of the
 * command's end. In fixed format a part that was cut off and not zero is marked as not whole.
 */
void xp_sat_registers_parse(struct xp_ata_registers *out, const uint8_t *sense, size_t len);

/*
 * Registers that no drive returns: all zero, as some host adapters that drop them deliver. A drive
 * that is ready has STATUS bit 6 set.
 */
bool xp_sat_registers_are_lost(const struct xp_ata_registers *r);
/* The command ended well, by the registers: neither BSY, DF nor ERR, and they are not lost. */
bool xp_sat_registers_are_good(const struct xp_ata_registers *r);
