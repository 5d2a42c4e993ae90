/*
 * nvme_erase: the NVMe admin commands that destroy data: Sanitize and Format NVM [NVMe Base 2.x].
 * Pure: it builds and reads dwords, it sends nothing.
 */
#pragma once
#include "device/protocol/nvme_cmd.h"

/* SANACT: what Sanitize does. */
enum xp_nvme_sanitize_action {
	XP_NVME_SANACT_EXIT_FAILURE = 1,
	XP_NVME_SANACT_BLOCK = 2,
	XP_NVME_SANACT_OVERWRITE = 3,
	XP_NVME_SANACT_CRYPTO = 4,
	XP_NVME_SANACT_EXIT_VERIFICATION = 5,
};

/* CDW10 of Sanitize. */
struct xp_nvme_sanitize_word {
	uint8_t action;	    /* SANACT, 0 to 7 */
	bool unrestricted;  /* AUSE: a failure may be left without a success */
	uint8_t passes;	    /* OWPASS: 1 to 15; 0 means 16 */
	bool invert;	    /* OIPBP */
	bool no_deallocate; /* NDAS */
	bool verify;	    /* EMVS: enter media verification; not for overwrites, nor with NDAS */
	bool other;	    /* on reading: some further bit is set */
};
uint32_t xp_nvme_sanitize_cdw10(const struct xp_nvme_sanitize_word *w);
struct xp_nvme_sanitize_word xp_nvme_sanitize_word_of(uint32_t cdw10);

/* PATTERN: CDW11, for overwrites. */
struct xp_nvme_dwords xp_nvme_sanitize(uint32_t cdw10, uint32_t pattern);

/* SES: what Format NVM does to the data. */
enum xp_nvme_format_erase {
	XP_NVME_SES_NONE = 0,
	XP_NVME_SES_USER_DATA = 1,
	XP_NVME_SES_CRYPTO = 2,
};

struct xp_nvme_format_word {
	uint8_t lba_format; /* index, 0 to 63 */
	bool metadata_extended;
	uint8_t protection_type;
	bool protection_first;
	uint8_t erase; /* SES */
};
struct xp_nvme_dwords xp_nvme_format(uint32_t nsid, const struct xp_nvme_format_word *w);
struct xp_nvme_format_word xp_nvme_format_word_of(uint32_t cdw10);

/* Status field of a completion without phase: Status Code Type 10:8 and Status Code 7:0. */
#define XP_NVME_STATUS_MASK		0x07ffU
#define XP_NVME_STATUS_INVALID_FIELD	0x0002U
#define XP_NVME_STATUS_SANITIZE_FAILED	0x001cU
#define XP_NVME_STATUS_SANITIZE_RUNNING 0x001dU
#define XP_NVME_STATUS_FORMAT_RUNNING	0x0084U
