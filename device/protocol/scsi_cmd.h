/*
 * scsi_cmd: the CDBs of the SCSI commands that tell what a drive is [SPC-5, SBC-4]. Pure: it builds
 * bytes, it sends nothing. Each builder gives back the CDB's length.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XP_SCSI_CDB_MAX 16

#define XP_SCSI_TEST_UNIT_READY	      0x00
#define XP_SCSI_REQUEST_SENSE	      0x03
#define XP_SCSI_READ_6		      0x08
#define XP_SCSI_INQUIRY		      0x12
#define XP_SCSI_MODE_SENSE_6	      0x1a
#define XP_SCSI_RECEIVE_DIAGNOSTIC    0x1c
#define XP_SCSI_READ_CAPACITY_10      0x25
#define XP_SCSI_READ_10		      0x28
#define XP_SCSI_VERIFY_10	      0x2f
#define XP_SCSI_READ_DEFECT_10	      0x37
#define XP_SCSI_SANITIZE	      0x48
#define XP_SCSI_LOG_SENSE	      0x4d
#define XP_SCSI_MODE_SELECT_10	      0x55
#define XP_SCSI_MODE_SENSE_10	      0x5a
#define XP_SCSI_PERSISTENT_RESERVE_IN 0x5e
#define XP_SCSI_VARIABLE	      0x7f
#define XP_SCSI_READ_32		      0x7f
#define XP_SCSI_READ_16		      0x88
#define XP_SCSI_VERIFY_16	      0x8f
#define XP_SCSI_WRITE_SAME_16	      0x93
#define XP_SCSI_ZONE_IN		      0x95
#define XP_SCSI_SERVICE_IN_16	      0x9e
#define XP_SCSI_REPORT_LUNS	      0xa0
#define XP_SCSI_SECURITY_IN	      0xa2
#define XP_SCSI_MAINTENANCE_IN	      0xa3
#define XP_SCSI_READ_12		      0xa8
#define XP_SCSI_VERIFY_12	      0xaf
#define XP_SCSI_SECURITY_OUT	      0xb5
#define XP_SCSI_READ_DEFECT_12	      0xb7

/* Status bytes [SAM-6]. */
#define XP_SCSI_GOOD		0x00
#define XP_SCSI_CHECK_CONDITION 0x02

/* SANITIZE service actions [SBC-4]. */
#define XP_SCSI_ACTION_OVERWRITE 0x01
#define XP_SCSI_ACTION_BLOCK	 0x02
#define XP_SCSI_ACTION_CRYPTO	 0x03

/* Standard INQUIRY data, or with IS_VPD the page PAGE. */
uint8_t xp_scsi_inquiry(uint8_t cdb[XP_SCSI_CDB_MAX], bool is_vpd, uint8_t page, uint16_t len);
/* DESC 0: fixed or descriptor format as the drive likes. */
uint8_t xp_scsi_request_sense(uint8_t cdb[XP_SCSI_CDB_MAX], uint8_t len);
uint8_t xp_scsi_read_capacity_16(uint8_t cdb[XP_SCSI_CDB_MAX], uint32_t len);
/* One command, with service action where SERVICE_ACTION is not negative. */
uint8_t xp_scsi_report_opcode(uint8_t cdb[XP_SCSI_CDB_MAX], uint8_t opcode, int service_action,
			      uint32_t len);
/* Cumulative current values of a log page. */
uint8_t xp_scsi_log_sense(uint8_t cdb[XP_SCSI_CDB_MAX], uint8_t page, uint16_t len);
/* SECURITY PROTOCOL IN, length in bytes. */
uint8_t xp_scsi_security_in(uint8_t cdb[XP_SCSI_CDB_MAX], uint8_t protocol, uint16_t specific,
			    uint32_t len);
/* REPORT LUNS, those that are no well known ones. */
uint8_t xp_scsi_report_luns(uint8_t cdb[XP_SCSI_CDB_MAX], uint32_t len);
/* How many logical units the target has; 0: the answer is malformed. */
size_t xp_scsi_report_luns_parse(const uint8_t *data, size_t len);
/* PERSISTENT RESERVE IN, READ RESERVATION. */
uint8_t xp_scsi_read_reservation(uint8_t cdb[XP_SCSI_CDB_MAX], uint16_t len);

/*
 * REPORT SUPPORTED OPERATION CODES, one command [SPC-5 one_command parameter data]: *SUPPORTED is
 * set where the drive says yes (011b by the standard, 101b in a vendor's way) or no (001b). false:
 * it says nothing, or the answer is malformed.
 */
bool xp_scsi_report_opcode_parse(bool *supported, const uint8_t *data, size_t len);
/* Does it say that the command works as the standard has it, and not in a vendor's way? */
bool xp_scsi_report_opcode_is_standard(const uint8_t *data, size_t len);
