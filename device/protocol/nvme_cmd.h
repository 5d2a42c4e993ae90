/*
 * nvme_cmd: the NVMe admin commands that tell what a drive is [NVMe Base 2.x]. Pure: it builds
 * dwords, it sends nothing.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XP_NVME_GET_LOG_PAGE	 0x02
#define XP_NVME_IDENTIFY	 0x06
#define XP_NVME_SET_FEATURES	 0x09
#define XP_NVME_GET_FEATURES	 0x0a
#define XP_NVME_FORMAT		 0x80
#define XP_NVME_SECURITY_SEND	 0x81
#define XP_NVME_SECURITY_RECEIVE 0x82
#define XP_NVME_SANITIZE	 0x84

/* An I/O command. */
#define XP_NVME_IO_RESERVATION_REPORT 0x0e

#define XP_NVME_NSID_ALL 0xffffffffU

/* CNS of Identify. */
#define XP_NVME_CNS_NS		   0x00
#define XP_NVME_CNS_CTRL	   0x01
#define XP_NVME_CNS_ACTIVE_NS_LIST 0x02
#define XP_NVME_CNS_NS_DESCS	   0x03
#define XP_NVME_CNS_ALLOC_NS_LIST  0x10
#define XP_NVME_CNS_ALLOC_NS	   0x11
#define XP_NVME_CNS_NS_CTRL_LIST   0x12
#define XP_NVME_CNS_CTRL_LIST	   0x13

/* Log pages. */
#define XP_NVME_LOG_SMART	     0x02
#define XP_NVME_LOG_TELEMETRY_HOST   0x07
#define XP_NVME_LOG_PERSISTENT_EVENT 0x0d
#define XP_NVME_LOG_SANITIZE_NS	     0x7f
#define XP_NVME_LOG_RESERVATION	     0x80
#define XP_NVME_LOG_SANITIZE	     0x81
#define XP_NVME_LOG_CHANGED_ZONES    0xbf

/* Features. */
#define XP_NVME_FEATURE_SANITIZE_CONFIG 0x17

#define XP_NVME_IDENTIFY_LEN	 4096
#define XP_NVME_LOG_SMART_LEN	 512
#define XP_NVME_LOG_SANITIZE_LEN 512

/* A read-only command: what goes into the submission queue entry. */
struct xp_nvme_dwords {
	uint8_t opcode;
	uint32_t nsid;
	uint32_t cdw10, cdw11;
	uint32_t data_len;
	bool is_io; /* of the I/O command set; else an admin command */
};

struct xp_nvme_dwords xp_nvme_identify(uint8_t cns, uint32_t nsid);
/* LEN is a multiple of 4. Retains asynchronous events (RAE 1). */
struct xp_nvme_dwords xp_nvme_get_log(uint8_t lid, uint32_t nsid, uint32_t len);
struct xp_nvme_dwords xp_nvme_get_feature(uint8_t fid);
struct xp_nvme_dwords xp_nvme_security_receive(uint8_t protocol, uint16_t specific, uint32_t len);
/* LEN is a multiple of 4. */
struct xp_nvme_dwords xp_nvme_reservation_report(uint32_t nsid, uint32_t len);

/*
 * Does the admin command only read? Identify, Get Features and Security Receive do; of the log
 * pages those of the base specification, without the ones that make the controller start something.
 */
bool xp_nvme_admin_is_read_only(uint8_t opcode, uint32_t cdw10);
/*
 * A status (without phase) that the host made up because no answer came: Host Pathing Error,
 * Command Aborted By Host. What the drive did is not known.
 */
bool xp_nvme_status_is_of_host(uint16_t status);
/* The bytes that Get Log Page asks for (NUMD). */
uint64_t xp_nvme_log_len(uint32_t cdw10, uint32_t cdw11);
