#include "device/protocol/scsi_cmd.h"

#include "base/wire.h"

#include <string.h>

#define SA_READ_CAPACITY_16 0x10
#define SA_REPORT_OPCODES   0x0c
#define SA_READ_RESERVATION 0x01
#define EVPD		    0x01
/* REPORTING OPTIONS of REPORT SUPPORTED OPERATION CODES */
#define ONE_COMMAND	   0x01
#define ONE_COMMAND_AND_SA 0x02
/* PC field of LOG SENSE: cumulative current values */
#define PC_CUMULATIVE 0x40
/* REPORT LUNS parameter data */
#define LUNS_HEADER 8
#define LUN_LEN	    8
/* SUPPORT field of the answer */
#define SUPPORT_OFFSET	      1
#define SUPPORT_MASK	      0x07
#define SUPPORT_NO	      0x01
#define SUPPORT_BY_STANDARD   0x03
#define SUPPORT_IN_VENDOR_WAY 0x05

static uint8_t begin(uint8_t cdb[XP_SCSI_CDB_MAX], uint8_t opcode, uint8_t len)
{
	memset(cdb, 0, XP_SCSI_CDB_MAX);
	cdb[0] = opcode;
	return len;
}

uint8_t xp_scsi_inquiry(uint8_t cdb[XP_SCSI_CDB_MAX], bool is_vpd, uint8_t page, uint16_t len)
{
	uint8_t n = begin(cdb, XP_SCSI_INQUIRY, 6);

	cdb[1] = is_vpd ? EVPD : 0;
	cdb[2] = is_vpd ? page : 0;
	put_be16(cdb + 3, len);
	return n;
}

uint8_t xp_scsi_request_sense(uint8_t cdb[XP_SCSI_CDB_MAX], uint8_t len)
{
	uint8_t n = begin(cdb, XP_SCSI_REQUEST_SENSE, 6);

	cdb[4] = len;
	return n;
}

uint8_t xp_scsi_read_capacity_16(uint8_t cdb[XP_SCSI_CDB_MAX], uint32_t len)
{
	uint8_t n = begin(cdb, XP_SCSI_SERVICE_IN_16, 16);

	cdb[1] = SA_READ_CAPACITY_16;
	put_be32(cdb + 10, len);
	return n;
}

uint8_t xp_scsi_report_opcode(uint8_t cdb[XP_SCSI_CDB_MAX], uint8_t opcode, int service_action,
			      uint32_t len)
{
	uint8_t n = begin(cdb, XP_SCSI_MAINTENANCE_IN, 12);

	cdb[1] = SA_REPORT_OPCODES;
	cdb[2] = service_action < 0 ? ONE_COMMAND : ONE_COMMAND_AND_SA;
	cdb[3] = opcode;
	put_be16(cdb + 4, service_action < 0 ? 0 : (uint16_t)service_action);
	put_be32(cdb + 6, len);
	return n;
}

uint8_t xp_scsi_log_sense(uint8_t cdb[XP_SCSI_CDB_MAX], uint8_t page, uint16_t len)
{
	uint8_t n = begin(cdb, XP_SCSI_LOG_SENSE, 10);

	cdb[2] = (uint8_t)(PC_CUMULATIVE | (page & 0x3f));
	put_be16(cdb + 7, len);
	return n;
}

uint8_t xp_scsi_security_in(uint8_t cdb[XP_SCSI_CDB_MAX], uint8_t protocol, uint16_t specific,
			    uint32_t len)
{
	uint8_t n = begin(cdb, XP_SCSI_SECURITY_IN, 12);

	cdb[1] = protocol;
	put_be16(cdb + 2, specific);
	put_be32(cdb + 6, len);
	return n;
}

uint8_t xp_scsi_report_luns(uint8_t cdb[XP_SCSI_CDB_MAX], uint32_t len)
{
	uint8_t n = begin(cdb, XP_SCSI_REPORT_LUNS, 12);

	put_be32(cdb + 6, len);
	return n;
}

size_t xp_scsi_report_luns_parse(const uint8_t *data, size_t len)
{
	if (len < LUNS_HEADER || get_be32(data) % LUN_LEN)
		return 0;
	/* the list may be longer than what was asked for: the count is in its header */
	return get_be32(data) / LUN_LEN;
}

uint8_t xp_scsi_read_reservation(uint8_t cdb[XP_SCSI_CDB_MAX], uint16_t len)
{
	uint8_t n = begin(cdb, XP_SCSI_PERSISTENT_RESERVE_IN, 10);

	cdb[1] = SA_READ_RESERVATION;
	put_be16(cdb + 7, len);
	return n;
}

bool xp_scsi_report_opcode_parse(bool *supported, const uint8_t *data, size_t len)
{
	if (len <= SUPPORT_OFFSET)
		return false;
	switch (data[SUPPORT_OFFSET] & SUPPORT_MASK) {
	case SUPPORT_NO:
		*supported = false;
		return true;
	case SUPPORT_BY_STANDARD:
	case SUPPORT_IN_VENDOR_WAY:
		*supported = true;
		return true;
	default:
		return false;
	}
}

bool xp_scsi_report_opcode_is_standard(const uint8_t *data, size_t len)
{
	return len > SUPPORT_OFFSET && (data[SUPPORT_OFFSET] & SUPPORT_MASK) == SUPPORT_BY_STANDARD;
}
