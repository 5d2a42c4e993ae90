#include "device/opcodes.h"

#include "base/cleanup.h"
#include "base/wire.h"
#include "device/protocol/ata_cmd.h"
#include "device/protocol/nvme_cmd.h"
#include "device/protocol/sat.h"
#include "device/protocol/scsi_cmd.h"
#include "device/protocol/scsi_sanitize.h"

#include <stdio.h>

#define SERVICE_ACTION_MASK 0x1f
#define NO_SERVICE_ACTION   0xffff

/* A SCSI command that only reads [SPC-5, SBC-4, ZBC]. */
struct scsi_row {
	uint8_t opcode;
	uint16_t service_action; /* byte 1 bits 4:0, or bytes 8-9 of a 32-byte CDB */
	/* a bit of the CDB that would make it do more than read: byte and mask; mask 0: none */
	uint8_t guard_byte;
	uint8_t guard_mask;
	bool has_data;
};

static const struct scsi_row scsi_rows[] = {
	{XP_SCSI_TEST_UNIT_READY, NO_SERVICE_ACTION, 0, 0, false},
	{XP_SCSI_REQUEST_SENSE, NO_SERVICE_ACTION, 0, 0, true},
	{XP_SCSI_READ_6, NO_SERVICE_ACTION, 0, 0, true},
	{XP_SCSI_INQUIRY, NO_SERVICE_ACTION, 0, 0, true},
	{XP_SCSI_MODE_SENSE_6, NO_SERVICE_ACTION, 0, 0, true},
	{XP_SCSI_RECEIVE_DIAGNOSTIC, NO_SERVICE_ACTION, 0, 0, true},
	{XP_SCSI_READ_CAPACITY_10, NO_SERVICE_ACTION, 0, 0, true},
	{XP_SCSI_READ_10, NO_SERVICE_ACTION, 0, 0, true},
	{XP_SCSI_VERIFY_10, NO_SERVICE_ACTION, 1, 0x06, false}, /* BYTCHK: data to compare with */
	{XP_SCSI_READ_DEFECT_10, NO_SERVICE_ACTION, 0, 0, true},
	{XP_SCSI_LOG_SENSE, NO_SERVICE_ACTION, 1, 0x01, true}, /* SP: saves parameters */
	{XP_SCSI_MODE_SENSE_10, NO_SERVICE_ACTION, 0, 0, true},
	{XP_SCSI_PERSISTENT_RESERVE_IN, 0x00, 0, 0, true}, /* READ KEYS */
	{XP_SCSI_PERSISTENT_RESERVE_IN, 0x01, 0, 0, true}, /* READ RESERVATION */
	{XP_SCSI_PERSISTENT_RESERVE_IN, 0x02, 0, 0, true}, /* REPORT CAPABILITIES */
	{XP_SCSI_PERSISTENT_RESERVE_IN, 0x03, 0, 0, true}, /* READ FULL STATUS */
	{XP_SCSI_READ_32, 0x0009, 0, 0, true},
	{XP_SCSI_READ_16, NO_SERVICE_ACTION, 0, 0, true},
	{XP_SCSI_VERIFY_16, NO_SERVICE_ACTION, 1, 0x06, false},
	{XP_SCSI_ZONE_IN, 0x00, 0, 0, true},	   /* REPORT ZONES */
	{XP_SCSI_SERVICE_IN_16, 0x10, 0, 0, true}, /* READ CAPACITY (16) */
	{XP_SCSI_SERVICE_IN_16, 0x12, 0, 0, true}, /* GET LBA STATUS */
	{XP_SCSI_SERVICE_IN_16, 0x17, 0, 0, true}, /* GET PHYSICAL ELEMENT STATUS */
	{XP_SCSI_REPORT_LUNS, NO_SERVICE_ACTION, 0, 0, true},
	{XP_SCSI_SECURITY_IN, NO_SERVICE_ACTION, 0, 0, true},
	{XP_SCSI_MAINTENANCE_IN, 0x05, 0, 0, true}, /* REPORT IDENTIFYING INFORMATION */
	{XP_SCSI_MAINTENANCE_IN, 0x0a, 0, 0, true}, /* REPORT TARGET PORT GROUPS */
	{XP_SCSI_MAINTENANCE_IN, 0x0c, 0, 0, true}, /* REPORT SUPPORTED OPERATION CODES */
	{XP_SCSI_MAINTENANCE_IN, 0x0d, 0, 0, true}, /* REPORT SUPPORTED TASK MANAGEMENT */
	{XP_SCSI_MAINTENANCE_IN, 0x0f, 0, 0, true}, /* REPORT TIMESTAMP */
	{XP_SCSI_READ_12, NO_SERVICE_ACTION, 0, 0, true},
	{XP_SCSI_VERIFY_12, NO_SERVICE_ACTION, 1, 0x06, false},
	{XP_SCSI_READ_DEFECT_12, NO_SERVICE_ACTION, 0, 0, true},
};

uint8_t xp_opcode_cdb_len(uint8_t opcode)
{
	switch (opcode >> 5) {
	case 0:
		return 6;
	case 1:
	case 2:
		return 10;
	case 3: /* 7Eh and 7Fh are the long ones, 60h-7Dh are reserved */
		return opcode == XP_SCSI_VARIABLE ? 32 : 0;
	case 4:
		return 16;
	case 5:
		return 12;
	default:
		return 0;
	}
}

static uint16_t service_action_of(const struct xp_cmd *cmd)
{
	if (cmd->cdb[0] == XP_SCSI_VARIABLE)
		return get_be16(cmd->cdb + 8);
	return cmd->cdb[1] & SERVICE_ACTION_MASK;
}

static bool is_read_only_scsi(const struct xp_cmd *cmd)
{
	for (size_t i = 0; i < XP_ARRAY_LEN(scsi_rows); i++) {
		const struct scsi_row *r = &scsi_rows[i];

		if (r->opcode != cmd->cdb[0])
			continue;
		if (r->service_action != NO_SERVICE_ACTION &&
		    r->service_action != service_action_of(cmd))
			continue;
		if (cmd->cdb[r->guard_byte] & r->guard_mask)
			return false;
		return cmd->dir == XP_DATA_NONE || r->has_data;
	}
	return false;
}

static bool is_read_only_ata(const struct xp_cmd *cmd)
{
	struct xp_ata_taskfile tf;

	if (!xp_sat_cdb_parse(&tf, cmd->cdb, cmd->cdb_len) || !xp_ata_taskfile_is_read_only(&tf))
		return false;
	return cmd->dir == (tf.blocks ? XP_DATA_IN : XP_DATA_NONE) &&
	       cmd->data_len == tf.blocks * 512U;
}

/* The buffer must hold what the command asks for: the controller goes by the command. */
static bool is_read_only_nvme(const struct xp_cmd *cmd)
{
	const struct xp_nvme_sqe *q = &cmd->nvme;

	if (q->is_io)
		return q->opcode == XP_NVME_IO_RESERVATION_REPORT && cmd->dir == XP_DATA_IN &&
		       cmd->data_len == ((uint64_t)q->cdw10 + 1) * 4;
	if (!xp_nvme_admin_is_read_only(q->opcode, q->cdw10))
		return false;
	switch (q->opcode) {
	case XP_NVME_IDENTIFY:
		return cmd->data_len == XP_NVME_IDENTIFY_LEN;
	case XP_NVME_GET_LOG_PAGE:
		return cmd->data_len == xp_nvme_log_len(q->cdw10, q->cdw11);
	case XP_NVME_SECURITY_RECEIVE:
		return cmd->data_len == q->cdw11;
	default: /* Get Features: some give a data structure of at most a page */
		return cmd->data_len == 0 || cmd->data_len == XP_NVME_IDENTIFY_LEN;
	}
}

bool xp_opcode_is_read_only(const struct xp_cmd *cmd)
{
	if (cmd->dir == XP_DATA_OUT)
		return false;
	if (cmd->kind == XP_TRANSPORT_NVME)
		return is_read_only_nvme(cmd);
	if (cmd->cdb_len == 0 || cmd->cdb_len != xp_opcode_cdb_len(cmd->cdb[0]))
		return false;
	if (cmd->cdb[0] == XP_SAT_CDB16 || cmd->cdb[0] == XP_SAT_CDB12)
		return is_read_only_ata(cmd);
	return is_read_only_scsi(cmd);
}

bool xp_opcode_carries_secret(const struct xp_cmd *cmd)
{
	struct xp_ata_taskfile tf;

	if (cmd->dir != XP_DATA_OUT)
		return false;
	if (cmd->kind == XP_TRANSPORT_NVME)
		return !cmd->nvme.is_io && cmd->nvme.opcode == XP_NVME_SECURITY_SEND;
	if (cmd->cdb[0] == XP_SCSI_SECURITY_OUT)
		return true;
	if (cmd->cdb[0] == XP_SAT_CDB16 || cmd->cdb[0] == XP_SAT_CDB12)
		/* what cannot be read may hold one */
		return !xp_sat_cdb_parse(&tf, cmd->cdb, cmd->cdb_len) ||
		       xp_ata_taskfile_carries_secret(&tf);
	/* the 32-byte pass-through */
	return cmd->cdb[0] == XP_SCSI_VARIABLE && get_be16(cmd->cdb + 8) == 0x1ff0;
}

struct name_row {
	uint8_t opcode;
	const char *name;
};

static const struct name_row scsi_names[] = {
	{XP_SCSI_TEST_UNIT_READY, "TEST UNIT READY"},
	{XP_SCSI_REQUEST_SENSE, "REQUEST SENSE"},
	{XP_SCSI_INQUIRY, "INQUIRY"},
	{XP_SCSI_MODE_SENSE_6, "MODE SENSE (6)"},
	{XP_SCSI_READ_CAPACITY_10, "READ CAPACITY (10)"},
	{XP_SCSI_SANITIZE, "SANITIZE"},
	{XP_SCSI_LOG_SENSE, "LOG SENSE"},
	{XP_SCSI_FORMAT_UNIT, "FORMAT UNIT"},
	{XP_SCSI_MODE_SELECT_10, "MODE SELECT (10)"},
	{XP_SCSI_MODE_SENSE_10, "MODE SENSE (10)"},
	{XP_SCSI_WRITE_SAME_16, "WRITE SAME (16)"},
	{XP_SCSI_SERVICE_IN_16, "SERVICE ACTION IN (16)"},
	{XP_SCSI_SECURITY_IN, "SECURITY PROTOCOL IN"},
	{XP_SCSI_MAINTENANCE_IN, "MAINTENANCE IN"},
	{XP_SCSI_PERSISTENT_RESERVE_IN, "PERSISTENT RESERVE IN"},
};

static const struct name_row ata_names[] = {
	{XP_ATA_READ_NATIVE_MAX_EXT, "READ NATIVE MAX ADDRESS EXT"},
	{XP_ATA_READ_LOG_EXT, "READ LOG EXT"},
	{XP_ATA_ACCESSIBLE_MAX, "ACCESSIBLE MAX ADDRESS CONFIGURATION"},
	{XP_ATA_SMART, "SMART"},
	{XP_ATA_DCO, "DEVICE CONFIGURATION OVERLAY"},
	{XP_ATA_SANITIZE, "SANITIZE DEVICE"},
	{XP_ATA_CHECK_POWER_MODE, "CHECK POWER MODE"},
	{XP_ATA_IDENTIFY_DEVICE, "IDENTIFY DEVICE"},
	{XP_ATA_SET_MAX_EXT, "SET MAX ADDRESS EXT"},
	{XP_ATA_SECURITY_SET_PASSWORD, "SECURITY SET PASSWORD"},
	{XP_ATA_SECURITY_UNLOCK, "SECURITY UNLOCK"},
	{XP_ATA_SECURITY_ERASE_PREPARE, "SECURITY ERASE PREPARE"},
	{XP_ATA_SECURITY_ERASE_UNIT, "SECURITY ERASE UNIT"},
	{XP_ATA_SECURITY_DISABLE, "SECURITY DISABLE PASSWORD"},
	{XP_ATA_SET_MAX, "SET MAX ADDRESS"},
	{XP_ATA_READ_NATIVE_MAX, "READ NATIVE MAX ADDRESS"},
};

static const struct name_row nvme_names[] = {
	{XP_NVME_GET_LOG_PAGE, "Get Log Page"},	  {XP_NVME_IDENTIFY, "Identify"},
	{XP_NVME_GET_FEATURES, "Get Features"},	  {XP_NVME_FORMAT, "Format NVM"},
	{XP_NVME_SECURITY_SEND, "Security Send"}, {XP_NVME_SECURITY_RECEIVE, "Security Receive"},
	{XP_NVME_SANITIZE, "Sanitize"},		  {XP_NVME_SET_FEATURES, "Set Features"},
};

static const struct name_row nvme_io_names[] = {
	{XP_NVME_IO_RESERVATION_REPORT, "Reservation Report"},
};

static const char *find_name(const struct name_row *rows, size_t n, uint8_t opcode)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].opcode == opcode)
			return rows[i].name;
	return NULL;
}

void xp_opcode_name(char *out, size_t out_len, const struct xp_cmd *cmd)
{
	struct xp_ata_taskfile tf;
	const char *family = "SCSI";
	const char *name;
	uint8_t opcode = cmd->cdb[0];

	if (cmd->kind == XP_TRANSPORT_NVME) {
		family = "NVMe";
		opcode = cmd->nvme.opcode;
		name = cmd->nvme.is_io
			       ? find_name(nvme_io_names, XP_ARRAY_LEN(nvme_io_names), opcode)
			       : find_name(nvme_names, XP_ARRAY_LEN(nvme_names), opcode);
	} else if (xp_sat_cdb_parse(&tf, cmd->cdb, cmd->cdb_len)) {
		family = "ATA";
		opcode = tf.command;
		name = find_name(ata_names, XP_ARRAY_LEN(ata_names), opcode);
	} else {
		name = find_name(scsi_names, XP_ARRAY_LEN(scsi_names), opcode);
	}
	if (name)
		snprintf(out, out_len, "%s %s", family, name);
	else
		snprintf(out, out_len, "%s opcode %02xh", family, opcode);
}
