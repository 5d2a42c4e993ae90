/* scsi_inquiry: standard INQUIRY data and the vital product data pages [SPC-5, SBC-4, SAT-3]. Pure.
 */
#pragma once
#include "base/err.h"

#define XP_SCSI_INQUIRY_LEN 96
#define XP_SCSI_VPD_LEN	    1024 /* more than any page here */

#define XP_VPD_PAGES	    0x00
#define XP_VPD_SERIAL	    0x80
#define XP_VPD_DESIGNATORS  0x83
#define XP_VPD_ATA	    0x89
#define XP_VPD_LIMITS	    0xb0
#define XP_VPD_MEDIA	    0xb1
#define XP_VPD_PROVISIONING 0xb2

struct xp_scsi_inquiry {
	uint8_t type;	   /* PERIPHERAL DEVICE TYPE: 00h disk, 14h host-managed zones */
	bool is_connected; /* PERIPHERAL QUALIFIER 000b */
	bool is_removable;
	uint8_t version;
	bool has_protection; /* PROTECT */
	char vendor[21];
	char product[37];
	char revision[13];
};
MUST_USE enum xp_rc xp_scsi_inquiry_parse(struct xp_scsi_inquiry *out, const uint8_t *data,
					  size_t len, struct xp_err *err);

/* 00h: which pages there are. */
struct xp_scsi_vpd_pages {
	bool has[256];
};
MUST_USE enum xp_rc xp_scsi_vpd_pages_parse(struct xp_scsi_vpd_pages *out, const uint8_t *data,
					    size_t len, struct xp_err *err);

/* 80h: the unit's serial number, as text. OUT_LEN at least 517. */
MUST_USE enum xp_rc xp_scsi_vpd_serial_parse(char *out, size_t out_len, const uint8_t *data,
					     size_t len, struct xp_err *err);

/* 83h: the names of the logical unit; those of ports and targets are passed over. */
struct xp_scsi_names {
	char naa[37]; /* "naa." and 16 or 32 hex digits; empty: none */
	char eui[37]; /* "eui." and 16, 24 or 32 digits */
};
MUST_USE enum xp_rc xp_scsi_vpd_names_parse(struct xp_scsi_names *out, const uint8_t *data,
					    size_t len, struct xp_err *err);

/* 89h: the translation layer itself, and the IDENTIFY data of the drive behind it. */
struct xp_scsi_vpd_ata {
	char vendor[21];
	char product[37];
	char revision[13];
	uint8_t command;	 /* ECh or A1h: what fetched it */
	const uint8_t *identify; /* 512 bytes inside DATA */
};
MUST_USE enum xp_rc xp_scsi_vpd_ata_parse(struct xp_scsi_vpd_ata *out, const uint8_t *data,
					  size_t len, struct xp_err *err);

/* B0h */
struct xp_scsi_limits {
	bool write_same_nonzero; /* WSNZ: a count of 0 is refused */
	uint32_t unmap_lbas;
	uint64_t write_same_blocks; /* 0: not said */
};
MUST_USE enum xp_rc xp_scsi_vpd_limits_parse(struct xp_scsi_limits *out, const uint8_t *data,
					     size_t len, struct xp_err *err);

/* Answers to reads after a sanitize [SBC-4 WABEREQ, WACEREQ]. */
enum xp_scsi_after {
	XP_SCSI_AFTER_UNSAID = 0,
	XP_SCSI_AFTER_GOOD = 1,	       /* reads are good */
	XP_SCSI_AFTER_ERROR = 2,       /* reads fail with a medium error */
	XP_SCSI_AFTER_WRITE_FIRST = 3, /* reads fail until written: 11/15 */
};

/* B1h */
struct xp_scsi_media {
	bool is_rotating, is_non_rotating; /* neither: not said */
	uint16_t rpm;
	uint8_t form_factor;
	uint8_t zoned; /* 0 not said, 1 host aware, 2 device managed */
	enum xp_scsi_after after_block_erase, after_crypto_erase;
};
MUST_USE enum xp_rc xp_scsi_vpd_media_parse(struct xp_scsi_media *out, const uint8_t *data,
					    size_t len, struct xp_err *err);

/* B2h */
struct xp_scsi_provisioning {
	bool has_unmap, has_write_same_unmap, has_write_same_10_unmap;
	uint8_t reads; /* LBPRZ: what unmapped blocks read as; 1: zeros */
	uint8_t type;  /* 1 resource, 2 thin provisioned */
};
MUST_USE enum xp_rc xp_scsi_vpd_provisioning_parse(struct xp_scsi_provisioning *out,
						   const uint8_t *data, size_t len,
						   struct xp_err *err);
