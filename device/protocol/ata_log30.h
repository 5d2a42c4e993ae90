/*
 * ata_log30: pages of the IDENTIFY DEVICE data log (30h) and of the device statistics log (04h).
 * Pure. Each quadword holds only where its bit 63 is set. [ACS-4 9.11, 9.5]
 */
#pragma once
#include "base/err.h"

#define XP_ATA_LOG_PAGE_LEN 512

#define XP_ATA_LOG30_PAGES    0x00
#define XP_ATA_LOG30_SECURITY 0x06
#define XP_ATA_STATS_GENERAL  0x01

/* Page 00h of either log: which pages there are. */
struct xp_ata_log_pages {
	bool has[256];
};
MUST_USE enum xp_rc xp_ata_log_pages_parse(struct xp_ata_log_pages *out, const uint8_t *data,
					   size_t len, struct xp_err *err);

/* Page 06h of log 30h. */
struct xp_ata_log30_security {
	bool trusted_known, has_trusted_computing;
	bool capabilities_known;
	bool encrypts_all;		    /* all user data is encrypted */
	bool restricted_sanitize_overrides; /* a restricted sanitize overrides ATA security */
};
MUST_USE enum xp_rc xp_ata_log30_security_parse(struct xp_ata_log30_security *out,
						const uint8_t *data, size_t len,
						struct xp_err *err);

/* Page 01h of log 04h. */
struct xp_ata_general_statistics {
	bool power_on_hours_known;
	uint32_t power_on_hours;
};
MUST_USE enum xp_rc xp_ata_general_statistics_parse(struct xp_ata_general_statistics *out,
						    const uint8_t *data, size_t len,
						    struct xp_err *err);
