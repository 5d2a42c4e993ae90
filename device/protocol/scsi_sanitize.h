/*
 * scsi_sanitize: the SCSI commands that destroy data, SANITIZE and FORMAT UNIT [SBC-4], and the one
 * that shows whether the drive is ready again. Pure: it builds and reads bytes, it sends nothing.
 * Each builder of a CDB gives back its length.
 */
#pragma once
#include "device/protocol/scsi_cmd.h"

#define XP_SCSI_FORMAT_UNIT 0x04

/* A service action of SANITIZE beside those of scsi_cmd.h. */
#define XP_SCSI_ACTION_EXIT_FAILURE 0x1f

struct xp_scsi_sanitize {
	uint8_t action;	    /* XP_SCSI_ACTION_... */
	bool immediate;	    /* IMMED: answered when begun, not when ended */
	bool unrestricted;  /* AUSE: a failure may be left without a success */
	bool no_zone_reset; /* ZNR */
	uint16_t list_len;  /* bytes of the parameter list */
};
uint8_t xp_scsi_sanitize(uint8_t cdb[XP_SCSI_CDB_MAX], const struct xp_scsi_sanitize *s);
/* false: it is no SANITIZE command. */
bool xp_scsi_sanitize_parse(struct xp_scsi_sanitize *out, const uint8_t *cdb, size_t len);

/* The parameter list of an overwrite: a pattern of four bytes. PASSES 1 to 31. */
#define XP_SCSI_OVERWRITE_LIST_LEN 8
void xp_scsi_overwrite_list(uint8_t list[XP_SCSI_OVERWRITE_LIST_LEN], uint8_t passes, bool invert,
			    uint32_t pattern);

struct xp_scsi_format {
	uint8_t protection_info; /* FMTPINFO: 0 none, 2 type 1, 3 types 2 and 3 */
	bool has_list;		 /* FMTDATA: a parameter list comes with it */
	bool is_fast;		 /* FFMT: blocks may keep their data */
};
/* FORMAT UNIT keeps the length of the blocks. */
uint8_t xp_scsi_format_unit(uint8_t cdb[XP_SCSI_CDB_MAX], const struct xp_scsi_format *f);
bool xp_scsi_format_parse(struct xp_scsi_format *out, const uint8_t *cdb, size_t len);
/* Its parameter list: the short header, with IMMED. USAGE: PROTECTION FIELD USAGE. */
#define XP_SCSI_FORMAT_LIST_LEN 4
void xp_scsi_format_list(uint8_t list[XP_SCSI_FORMAT_LIST_LEN], uint8_t usage);

uint8_t xp_scsi_test_unit_ready(uint8_t cdb[XP_SCSI_CDB_MAX]);
