/*
 * ata_identify: the 512 bytes of IDENTIFY DEVICE as facts. Pure, strict: a word that the drive does
 * not mark as valid says nothing. Word numbers are those of ACS-3 and ACS-4, older ones of
 * ATA8-ACS.
 */
#pragma once
#include "base/err.h"
#include "device/protocol/ata_security.h"

#define XP_ATA_IDENTIFY_LEN 512

/* What NOMINAL MEDIA ROTATION RATE says (word 217). */
enum xp_ata_rotation {
	XP_ATA_ROTATION_UNKNOWN,
	XP_ATA_ROTATION_NONE, /* non-rotating */
	XP_ATA_ROTATION_RPM,
};

struct xp_ata_identify {
	char model[85]; /* 40 characters, or "hex:" and 80 digits */
	char serial[45];
	char firmware[21];
	uint64_t wwn;		/* 0: none given */
	uint16_t major_version; /* word 80, bit n: ATA version n; 0: not said */

	uint64_t sectors; /* addressable logical sectors as now reported */
	uint32_t logical_bytes;
	uint32_t physical_bytes;

	enum xp_ata_rotation rotation;
	uint16_t rpm;
	bool has_hybrid_information; /* word 78 bit 9: a flash cache that can be told about */
	bool is_sata;
	bool is_removable;
	uint8_t form_factor; /* word 168 bits 3:0; 0: not said */

	bool has_48bit;
	bool has_gpl; /* general purpose logging: READ LOG EXT */
	bool has_smart;
	bool smart_enabled;
	bool has_trusted_computing;
	bool has_trim;
	bool trim_is_deterministic; /* DRAT */
	bool trim_reads_zero;	    /* RZAT: only with DRAT */
	bool encrypts_all;	    /* word 69 bit 4: all user data is encrypted */
	bool has_sct;

	bool has_hpa, hpa_enabled;
	bool has_set_max_security;
	bool has_dco;
	bool has_amac;

	struct {
		bool supported;
		bool crypto, block, overwrite;
		bool antifreeze;
		bool acs3_commands; /* word 59 bit 11: commands allowed meanwhile as ACS-3 lists
				       them */
	} sanitize;

	struct xp_ata_security security;
	/* words 82, 85 and 128 contradict each other: nothing is known of its security state */
	bool security_is_contradictory;

	bool checksum_present; /* word 255 holds the A5h signature, and the sum is right */
};

/*
 * XP_E_MALFORMED: not 512 bytes, all one byte, no ATA device (word 0 bit 15), a checksum that does
 * not fit, no capacity, or sector sizes that cannot be.
 */
MUST_USE enum xp_rc xp_ata_identify_parse(struct xp_ata_identify *out, const uint8_t *data,
					  size_t len, struct xp_err *err);

/* Bytes of the reported capacity. */
uint64_t xp_ata_identify_bytes(const struct xp_ata_identify *id);
