/* nvme_identify: Identify Controller, Identify Namespace, the lists, and the health log. Pure. */
#pragma once
#include "base/err.h"

#define XP_NVME_NS_MAX 1024 /* one list */

struct xp_nvme_ctrl {
	uint16_t vendor_id;
	char serial[45];
	char model[85];
	char firmware[21];
	uint8_t cmic;
	uint16_t cntlid;
	uint32_t version;				  /* VER: major 31:16, minor 15:8 */
	bool has_security, has_format, has_ns_management; /* OACS */
	uint64_t total_bytes,
		unallocated_bytes; /* TNVMCAP, UNVMCAP; what leaves 64 bits: UINT64_MAX */
	bool has_rpmb;
	uint32_t sanicap;
	bool sanitize_crypto, sanitize_block, sanitize_overwrite;
	bool has_media_verification;			 /* VERS */
	bool no_deallocate_inhibited;			 /* NDI */
	uint8_t no_deallocate_modifies;			 /* NODMMAS: 0 undefined, 1 no, 2 yes */
	uint32_t namespaces_max;			 /* NN */
	bool format_all, secure_erase_all, crypto_erase; /* FNA bits 0 to 2 */
	bool format_broadcast_refused;			 /* FNA bit 3 */
	bool has_volatile_cache;
	bool has_reservations;				   /* ONCS */
	bool has_multiple_ports, has_multiple_controllers; /* CMIC bits 0, 1 */
	char subnqn[257];				   /* printable, or empty */
};
MUST_USE enum xp_rc xp_nvme_ctrl_parse(struct xp_nvme_ctrl *out, const uint8_t *data, size_t len,
				       struct xp_err *err);

struct xp_nvme_ns {
	uint64_t blocks;   /* NSZE */
	uint64_t capacity; /* NCAP, blocks */
	uint64_t used;	   /* NUSE, blocks */
	uint8_t format;	   /* index of the current LBA format */
	uint32_t logical_bytes;
	uint32_t metadata_bytes;
	bool metadata_extended;
	uint8_t protection_type;   /* 0 none */
	bool protection_first;	   /* in the first bytes of the metadata */
	bool is_shared;		   /* NMIC */
	uint8_t deallocated_reads; /* DLFEAT 2:0: 0 not said, 1 zeros, 2 FFh */
	uint64_t bytes;
	char nguid[37]; /* "eui." and 32 digits, as sysfs writes wwid; empty: none */
	char eui64[21]; /* "eui." and 16 digits; empty: none */
};
MUST_USE enum xp_rc xp_nvme_ns_parse(struct xp_nvme_ns *out, const uint8_t *data, size_t len,
				     struct xp_err *err);

/* A list of namespaces (CNS 02h, 10h): ascending, ended by 0. */
struct xp_nvme_ns_list {
	uint32_t nsid[XP_NVME_NS_MAX];
	size_t n;
};
MUST_USE enum xp_rc xp_nvme_ns_list_parse(struct xp_nvme_ns_list *out, const uint8_t *data,
					  size_t len, struct xp_err *err);

/* A list of controllers (CNS 12h, 13h). */
struct xp_nvme_ctrl_list {
	uint16_t cntlid[2047];
	size_t n;
};
MUST_USE enum xp_rc xp_nvme_ctrl_list_parse(struct xp_nvme_ctrl_list *out, const uint8_t *data,
					    size_t len, struct xp_err *err);

/* Who has reserved a namespace: Reservation Report, the data structure without extension. */
#define XP_NVME_RESERVATION_LEN 4096
struct xp_nvme_reservation {
	uint8_t type; /* RTYPE; 0: nobody */
	uint32_t registrants;
};
MUST_USE enum xp_rc xp_nvme_reservation_parse(struct xp_nvme_reservation *out, const uint8_t *data,
					      size_t len, struct xp_err *err);

/* SMART / Health Information (log 02h). */
struct xp_nvme_health {
	uint8_t critical_warning;
	uint16_t kelvin; /* 0: not said */
	uint8_t spare_percent, spare_threshold_percent, used_percent;
	uint64_t power_on_hours, power_cycles, unsafe_shutdowns, media_errors;
};
MUST_USE enum xp_rc xp_nvme_health_parse(struct xp_nvme_health *out, const uint8_t *data,
					 size_t len, struct xp_err *err);
