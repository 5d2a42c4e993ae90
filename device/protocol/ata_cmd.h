/*
 * ata_cmd: ATA commands as task files, and the read-only ones that tell what a drive is. Pure: it
 * builds and reads bytes, it sends nothing. Opcodes are those of ACS-2 to ACS-5.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Command register. */
#define XP_ATA_REQUEST_SENSE_DATA_EXT 0x0b
#define XP_ATA_READ_SECTORS	      0x20
#define XP_ATA_READ_SECTORS_EXT	      0x24
#define XP_ATA_READ_DMA_EXT	      0x25
#define XP_ATA_READ_NATIVE_MAX_EXT    0x27
#define XP_ATA_READ_LOG_EXT	      0x2f
#define XP_ATA_SET_MAX_EXT	      0x37
#define XP_ATA_READ_VERIFY	      0x40
#define XP_ATA_READ_VERIFY_EXT	      0x42
#define XP_ATA_READ_LOG_DMA_EXT	      0x47
#define XP_ATA_ZAC_MANAGEMENT_IN      0x4a
#define XP_ATA_TRUSTED_RECEIVE	      0x5c
#define XP_ATA_TRUSTED_RECEIVE_DMA    0x5d
#define XP_ATA_ACCESSIBLE_MAX	      0x78
#define XP_ATA_IDENTIFY_PACKET_DEVICE 0xa1
#define XP_ATA_SMART		      0xb0
#define XP_ATA_DCO		      0xb1
#define XP_ATA_SANITIZE		      0xb4
#define XP_ATA_READ_DMA		      0xc8
#define XP_ATA_CHECK_POWER_MODE	      0xe5
#define XP_ATA_IDENTIFY_DEVICE	      0xec
#define XP_ATA_SECURITY_SET_PASSWORD  0xf1
#define XP_ATA_SECURITY_UNLOCK	      0xf2
#define XP_ATA_SECURITY_ERASE_PREPARE 0xf3
#define XP_ATA_SECURITY_ERASE_UNIT    0xf4
#define XP_ATA_SECURITY_DISABLE	      0xf6
#define XP_ATA_READ_NATIVE_MAX	      0xf8
#define XP_ATA_SET_MAX		      0xf9

/* FEATURE of SMART (B0h) [ACS-3 SMART]. */
#define XP_ATA_SMART_READ_DATA	     0xd0
#define XP_ATA_SMART_READ_THRESHOLDS 0xd1
#define XP_ATA_SMART_READ_LOG	     0xd5
#define XP_ATA_SMART_RETURN_STATUS   0xda
/* LBA 23:8 of every SMART command. */
#define XP_ATA_SMART_KEY 0xc24f
/* The same two registers after RETURN STATUS: a threshold was exceeded. */
#define XP_ATA_SMART_EXCEEDED 0x2cf4

/* FEATURE of 78h [ACS-3 ACCESSIBLE MAX ADDRESS CONFIGURATION]. */
#define XP_ATA_AMAC_GET_NATIVE 0x0000
#define XP_ATA_AMAC_SET	       0x0001
/* FEATURE of B1h [ATA8-ACS DEVICE CONFIGURATION OVERLAY]. */
#define XP_ATA_DCO_RESTORE	0xc0
#define XP_ATA_DCO_IDENTIFY	0xc2
#define XP_ATA_DCO_IDENTIFY_DMA 0xc4
/* FEATURE of B4h [ACS-2 SANITIZE DEVICE]. */
#define XP_ATA_SANITIZE_STATUS		  0x0000
#define XP_ATA_SANITIZE_CRYPTO_FEATURE	  0x0011
#define XP_ATA_SANITIZE_BLOCK_FEATURE	  0x0012
#define XP_ATA_SANITIZE_OVERWRITE_FEATURE 0x0014
/* What LBA must hold with them; for OVERWRITE EXT bits 47:32, the pattern below. */
#define XP_ATA_SANITIZE_CRYPTO_KEY    0x43727970ULL
#define XP_ATA_SANITIZE_BLOCK_KEY     0x426b4572ULL
#define XP_ATA_SANITIZE_OVERWRITE_KEY 0x4f57ULL
/* COUNT of OVERWRITE EXT: passes (0: 16), and invert the pattern between passes. */
#define XP_ATA_SANITIZE_PASSES_MASK 0x000f
#define XP_ATA_SANITIZE_INVERT	    0x0080

/* Logs [ACS-3 General Purpose Logging]. */
#define XP_ATA_LOG_DIRECTORY	     0x00
#define XP_ATA_LOG_DEVICE_STATISTICS 0x04
#define XP_ATA_LOG_IDENTIFY_DATA     0x30

/* SAT's code for how data moves [SAT-3 ATA PASS-THROUGH, PROTOCOL field]. */
enum xp_ata_protocol {
	XP_ATA_NON_DATA = 3,
	XP_ATA_PIO_IN = 4,
	XP_ATA_PIO_OUT = 5,
	XP_ATA_DMA = 6,
	XP_ATA_UDMA_IN = 10,
	XP_ATA_UDMA_OUT = 11,
};

/* A task file: what the registers hold. 28-bit commands use 8 bits of FEATURE and COUNT, 28 of LBA.
 */
struct xp_ata_taskfile {
	enum xp_ata_protocol protocol;
	uint8_t command;
	bool is_48bit;
	uint16_t feature;
	uint16_t count;
	uint64_t lba;
	uint8_t device;
	bool wants_registers; /* CK_COND: return the registers even after success */
	uint16_t blocks;      /* 512-byte blocks of data that move; 0: none */
};

struct xp_ata_taskfile xp_ata_identify_device(void);
/* One page of a log by PIO. */
struct xp_ata_taskfile xp_ata_read_log_page(uint8_t log, uint16_t page);
struct xp_ata_taskfile xp_ata_check_power_mode(void);
struct xp_ata_taskfile xp_ata_smart_return_status(void);
struct xp_ata_taskfile xp_ata_read_native_max(void);	 /* 28 bit */
struct xp_ata_taskfile xp_ata_read_native_max_ext(void); /* 48 bit */
struct xp_ata_taskfile xp_ata_get_native_amac(void);
struct xp_ata_taskfile xp_ata_dco_identify(void);
/* STATUS EXT with COUNT 0: it does not clear a failed state. */
struct xp_ata_taskfile xp_ata_sanitize_status(void);

/*
 * The three sanitize operations. FAILURE MODE stays 0 (restricted): after a failure only another
 * sanitize helps, never a mere reset of the state. PASSES: 1 to 16. With INVERT each pass after the
 * first writes the complement of the one before.
 */
struct xp_ata_taskfile xp_ata_sanitize_crypto(void);
struct xp_ata_taskfile xp_ata_sanitize_block(void);
struct xp_ata_taskfile xp_ata_sanitize_overwrite(uint32_t pattern, unsigned passes, bool invert);

/* Security commands [ACS-3 SECURITY ...]; all but PREPARE take the 512 bytes of ata_security.h. */
struct xp_ata_taskfile xp_ata_security_set_password(void);
struct xp_ata_taskfile xp_ata_security_unlock(void);
struct xp_ata_taskfile xp_ata_security_erase_prepare(void);
struct xp_ata_taskfile xp_ata_security_erase_unit(void);
struct xp_ata_taskfile xp_ata_security_disable_password(void);

/*
 * The last address that a host shall reach, kept over power cycles. SET MAX ADDRESS (EXT) must
 * directly follow READ NATIVE MAX ADDRESS of its own kind.
 */
struct xp_ata_taskfile xp_ata_set_max(uint64_t last_lba);     /* 28 bit */
struct xp_ata_taskfile xp_ata_set_max_ext(uint64_t last_lba); /* 48 bit */
struct xp_ata_taskfile xp_ata_set_amac(uint64_t last_lba);
struct xp_ata_taskfile xp_ata_dco_restore(void);

/*
 * Does the task file only read? Command, FEATURE, key registers and the way of the data must all
 * fit; what is not known is no.
 */
bool xp_ata_taskfile_is_read_only(const struct xp_ata_taskfile *tf);
/* Does the data that goes out hold a password or a key? Such data is never written to a transcript.
 */
bool xp_ata_taskfile_carries_secret(const struct xp_ata_taskfile *tf);
