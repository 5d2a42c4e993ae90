#include "device/blank.h"

#include "device/protocol/ata_cmd.h"
#include "device/protocol/ata_identify.h"
#include "device/protocol/nvme_cmd.h"
#include "device/protocol/sat.h"
#include "device/protocol/scsi_cmd.h"
#include "device/protocol/scsi_inquiry.h"

#include <string.h>

/* IDENTIFY DEVICE: words 10-19 serial, 108-111 WWN (its first 28 bits: NAA and the maker), 255 */
#define ATA_SERIAL	 20
#define ATA_SERIAL_LEN	 20
#define ATA_WWN		 216
#define ATA_WWN_LEN	 8
#define ATA_SIGNATURE	 510
#define ATA_SUM		 511
#define VPD_HEADER	 4
#define VPD_ATA_IDENTIFY 60
/* Identify Controller: serial 4-23, FGUID 112-127, subsystem NQN 768-1023; Namespace: NGUID, EUI64
 */
#define CTRL_SERIAL	4
#define CTRL_SERIAL_LEN 20
#define CTRL_FGUID	112
#define CTRL_FGUID_LEN	16
#define CTRL_NQN	768
#define CTRL_NQN_LEN	256
#define NS_NAMES	104
#define NS_NAMES_LEN	24

/* As much of the range as there is. */
static void fill(uint8_t *data, size_t len, size_t at, size_t n, int byte)
{
	if (at < len)
		memset(data + at, byte, n < len - at ? n : len - at);
}

static void blank_identify(uint8_t *data, size_t len)
{
	uint8_t sum = 0;

	fill(data, len, ATA_SERIAL, ATA_SERIAL_LEN, ' ');
	if (len > ATA_WWN + 2)
		data[ATA_WWN + 2] &=
			0xf0; /* the lowest 4 bits of word 109 are no longer the maker's */
	fill(data, len, ATA_WWN + 4, ATA_WWN_LEN - 4, 0);
	if (len != XP_ATA_IDENTIFY_LEN || data[ATA_SIGNATURE] != 0xa5)
		return;
	for (size_t i = 0; i < ATA_SUM; i++)
		sum = (uint8_t)(sum + data[i]);
	data[ATA_SUM] = (uint8_t)(0x100 - sum);
}

/* Each name keeps its head and its first bytes: the kind, and the maker. */
static void blank_names(uint8_t *data, size_t len)
{
	size_t at = VPD_HEADER;

	while (at + VPD_HEADER < len) {
		size_t n = data[at + 3];
		bool is_text = (data[at] & 0x0f) != 1;
		size_t kept = is_text ? 0 : 4;

		if (n > kept)
			fill(data, len, at + VPD_HEADER + kept, n - kept, is_text ? ' ' : 0);
		at += VPD_HEADER + n;
	}
}

static void blank_inquiry(const struct xp_cmd *cmd, uint8_t *data, size_t len)
{
	if (cmd->cdb[1] == 0) {
		/* bytes 36-55 are the vendor's: many put the serial there */
		fill(data, len, 36, 20, ' ');
		return;
	}
	switch (cmd->cdb[2]) {
	case XP_VPD_SERIAL:
		fill(data, len, VPD_HEADER, len, ' ');
		break;
	case XP_VPD_DESIGNATORS:
		blank_names(data, len);
		break;
	case XP_VPD_ATA:
		if (len >= VPD_ATA_IDENTIFY + XP_ATA_IDENTIFY_LEN)
			blank_identify(data + VPD_ATA_IDENTIFY, XP_ATA_IDENTIFY_LEN);
		break;
	default:
		break;
	}
}

static void blank_nvme(const struct xp_cmd *cmd, uint8_t *data, size_t len)
{
	if (cmd->nvme.opcode != XP_NVME_IDENTIFY)
		return;
	switch (cmd->nvme.cdw10 & 0xff) {
	case XP_NVME_CNS_CTRL:
		fill(data, len, CTRL_SERIAL, CTRL_SERIAL_LEN, ' ');
		fill(data, len, CTRL_FGUID, CTRL_FGUID_LEN, 0);
		fill(data, len, CTRL_NQN, CTRL_NQN_LEN, 0);
		break;
	case XP_NVME_CNS_NS:
	case XP_NVME_CNS_ALLOC_NS:
		fill(data, len, NS_NAMES, NS_NAMES_LEN, 0);
		break;
	default:
		break;
	}
}

void xp_blank_serials(const struct xp_cmd *cmd, uint8_t *data, size_t len)
{
	struct xp_ata_taskfile tf;

	if (cmd->dir != XP_DATA_IN || len == 0)
		return;
	if (cmd->kind == XP_TRANSPORT_NVME)
		blank_nvme(cmd, data, len);
	else if (cmd->cdb[0] == XP_SCSI_INQUIRY)
		blank_inquiry(cmd, data, len);
	else if (xp_sat_cdb_parse(&tf, cmd->cdb, cmd->cdb_len) &&
		 (tf.command == XP_ATA_IDENTIFY_DEVICE ||
		  tf.command == XP_ATA_IDENTIFY_PACKET_DEVICE))
		blank_identify(data, len);
}
