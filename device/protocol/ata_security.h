/* ata_security: the state of the ATA security feature set, and the times that an erase takes. Pure.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xp_ata_security {
	bool supported;
	bool enabled; /* a user password is set */
	bool locked;
	bool frozen;
	bool count_expired; /* too many wrong passwords; a power cycle ends it */
	bool has_enhanced_erase;
	bool master_is_maximum;			   /* MASTER PASSWORD CAPABILITY: Maximum */
	uint16_t master_id;			   /* 0 and FFFFh: none; FFFEh: the factory's */
	uint32_t normal_minutes, enhanced_minutes; /* 0: not said */
	bool normal_is_lower_bound, enhanced_is_lower_bound; /* "at least" so many minutes */
};

/*
 * The words of IDENTIFY DEVICE that tell it: 82 (bit 1 supported), 85 (bit 1 enabled), 89, 90, 92,
 * 128. The halves must agree: where word 82 and word 128 contradict each other, it is not supported
 * and false is returned, and so it is where "enabled" does.
 */
bool xp_ata_security_parse(struct xp_ata_security *out, const uint8_t *identify);

#define XP_ATA_SECURITY_DATA_LEN 512
#define XP_ATA_PASSWORD_LEN	 32
/*
 * The password that expunge sets while it erases, and takes away again: no secret. It is written
 * down in docs/safety.md and in the man pages, so that anybody can open a drive that an interrupted
 * erase left locked. At most XP_ATA_PASSWORD_LEN characters, padded with zeros.
 */
#define XP_ATA_TEMPORARY_PASSWORD "EXPUNGE-TEMPORARY-PASSWORD"

/*
 * The data of SET PASSWORD, UNLOCK, ERASE UNIT and DISABLE PASSWORD: the user password (with
 * IS_MASTER the master password), at most XP_ATA_PASSWORD_LEN bytes of it. ENHANCED is for ERASE
 * UNIT. MASTER PASSWORD CAPABILITY is always High, never Maximum.
 */
void xp_ata_security_data(uint8_t data[XP_ATA_SECURITY_DATA_LEN], const void *password, size_t len,
			  bool is_master, bool enhanced);
