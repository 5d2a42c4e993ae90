#include "device/protocol/nvme_cmd.h"

/* CDW10 of Get Log Page: LID 7:0, LSP 14:8, RAE 15, NUMDL 31:16; CDW11: NUMDU 15:0. */
#define LOG_LSP_SHIFT 8
#define LOG_LSP_MASK  0x7fU
#define LOG_RAE	      (1U << 15)
/* CDW10 of Security Receive: NSSF 7:0, SPSP 23:8, SECP 31:24. */
#define SECP_SHIFT 24
#define SPSP_SHIFT 8
/* Status of a completion: SC 7:0, SCT 10:8; type 3 is about the path. */
#define TYPE_AND_CODE	   0x07ffU
#define HOST_PATHING_ERROR 0x0370U
#define ABORTED_BY_HOST	   0x0371U

struct xp_nvme_dwords xp_nvme_identify(uint8_t cns, uint32_t nsid)
{
	return (struct xp_nvme_dwords){.opcode = XP_NVME_IDENTIFY,
				       .nsid = nsid,
				       .cdw10 = cns,
				       .data_len = XP_NVME_IDENTIFY_LEN};
}

struct xp_nvme_dwords xp_nvme_get_log(uint8_t lid, uint32_t nsid, uint32_t len)
{
	uint32_t numd = len / 4 - 1; /* zero-based dwords */

	return (struct xp_nvme_dwords){.opcode = XP_NVME_GET_LOG_PAGE,
				       .nsid = nsid,
				       .cdw10 = lid | LOG_RAE | (numd & 0xffff) << 16,
				       .cdw11 = numd >> 16,
				       .data_len = len};
}

struct xp_nvme_dwords xp_nvme_get_feature(uint8_t fid)
{
	return (struct xp_nvme_dwords){.opcode = XP_NVME_GET_FEATURES, .cdw10 = fid};
}

struct xp_nvme_dwords xp_nvme_security_receive(uint8_t protocol, uint16_t specific, uint32_t len)
{
	return (struct xp_nvme_dwords){.opcode = XP_NVME_SECURITY_RECEIVE,
				       .cdw10 = (uint32_t)protocol << SECP_SHIFT |
						(uint32_t)specific << SPSP_SHIFT,
				       .cdw11 = len,
				       .data_len = len};
}

struct xp_nvme_dwords xp_nvme_reservation_report(uint32_t nsid, uint32_t len)
{
	return (struct xp_nvme_dwords){.opcode = XP_NVME_IO_RESERVATION_REPORT,
				       .nsid = nsid,
				       .cdw10 = len / 4 - 1, /* zero-based dwords */
				       .data_len = len,
				       .is_io = true};
}

static bool is_read_only_log(uint8_t lid, uint8_t lsp)
{
	switch (lid) {
	case XP_NVME_LOG_TELEMETRY_HOST:
		return (lsp & 1) == 0; /* bit 0: create new telemetry data */
	case XP_NVME_LOG_PERSISTENT_EVENT:
		return lsp == 0; /* 1 and 2: take and give back a context */
	case XP_NVME_LOG_SANITIZE_NS:
	case XP_NVME_LOG_RESERVATION:
	case XP_NVME_LOG_SANITIZE:
	case XP_NVME_LOG_CHANGED_ZONES:
		return true;
	default:
		return lid <= 0x15; /* 00h supported log pages to 15h boot partition */
	}
}

bool xp_nvme_admin_is_read_only(uint8_t opcode, uint32_t cdw10)
{
	switch (opcode) {
	case XP_NVME_IDENTIFY:
	case XP_NVME_GET_FEATURES:
	case XP_NVME_SECURITY_RECEIVE:
		return true;
	case XP_NVME_GET_LOG_PAGE:
		return is_read_only_log((uint8_t)cdw10,
					(uint8_t)(cdw10 >> LOG_LSP_SHIFT & LOG_LSP_MASK));
	default:
		return false;
	}
}

bool xp_nvme_status_is_of_host(uint16_t status)
{
	unsigned type_and_code = status & TYPE_AND_CODE;

	return type_and_code == HOST_PATHING_ERROR || type_and_code == ABORTED_BY_HOST;
}

uint64_t xp_nvme_log_len(uint32_t cdw10, uint32_t cdw11)
{
	return (((uint64_t)(cdw11 & 0xffff) << 16 | cdw10 >> 16) + 1) * 4;
}
