/*
 * drive_facts: what a drive says of itself, gathered by device/probe.h. Plain data: each part says
 * whether it was answered, and what was not answered says nothing.
 */
#pragma once
#include "device/protocol/ata_hidden.h"
#include "device/protocol/ata_identify.h"
#include "device/protocol/ata_log30.h"
#include "device/protocol/ata_sanitize.h"
#include "device/protocol/identity.h"
#include "device/protocol/nvme_identify.h"
#include "device/protocol/nvme_sanitize.h"
#include "device/protocol/scsi_capacity.h"
#include "device/protocol/scsi_inquiry.h"
#include "device/protocol/scsi_sense.h"
#include "device/protocol/tcg_discovery.h"
#include "device/transport.h"

enum xp_asked {
	XP_ASKED_NEVER,
	XP_ASKED_GOOD,
	XP_ASKED_REFUSED,   /* the drive said no */
	XP_ASKED_MALFORMED, /* it answered, and the answer can't be believed */
	XP_ASKED_NONE,	    /* no answer came back */
};
const char *xp_asked_name(enum xp_asked v); /* "good", "refused", ... */

/* Something that was not answered well, for people. */
#define XP_FACT_NOTES_MAX 24
struct xp_fact_note {
	char what[40];
	enum xp_asked answer;
	char why[120];
};

enum xp_tristate { XP_UNSAID, XP_NO, XP_YES };

/* The capacity that is hidden, or could be. */
struct xp_hidden_facts {
	bool apply; /* false: the drive reports that it has no means to hide any */
	bool known; /* each means that it has was asked and answered */
	uint64_t current_bytes;
	uint64_t native_bytes;	/* with known: without HPA or AMAC */
	uint64_t factory_bytes; /* with known: without DCO, too */
	char why[128];		/* where not known: what was not answered */
};

struct xp_ata_facts {
	enum xp_asked identify;
	struct xp_ata_identify id;
	enum xp_asked registers; /* do the registers come back after success? (CHECK POWER MODE) */
	enum xp_asked security_page;
	struct xp_ata_log30_security security_log;
	enum xp_asked statistics_page;
	struct xp_ata_general_statistics statistics;
	enum xp_asked sanitize_status;
	struct xp_ata_sanitize_status sanitize;
	enum xp_asked smart;
	bool smart_exceeded;  /* a threshold was exceeded: the drive expects to fail */
	enum xp_asked native; /* READ NATIVE MAX (EXT) or GET NATIVE MAX ADDRESS EXT */
	uint64_t native_sectors;
	enum xp_asked dco;
	struct xp_ata_dco dco_data;
};

struct xp_scsi_facts {
	enum xp_asked inquiry;
	struct xp_scsi_inquiry inq;
	enum xp_asked pages;
	struct xp_scsi_vpd_pages vpd;
	char serial[517]; /* VPD 80h: of a bridge, where there is one */
	struct xp_scsi_names names;
	enum xp_asked translation;  /* VPD 89h: there is a translation layer */
	struct xp_scsi_vpd_ata sat; /* its own identity; identify is not kept */
	enum xp_asked limits_page;
	struct xp_scsi_limits limits;
	enum xp_asked media_page;
	struct xp_scsi_media media;
	enum xp_asked provisioning_page;
	struct xp_scsi_provisioning provisioning;
	enum xp_asked read_capacity;
	struct xp_scsi_capacity capacity;
	enum xp_asked request_sense;
	struct xp_sense sense; /* what it is at now */
	enum xp_tristate sanitize_crypto, sanitize_block, sanitize_overwrite;
	/* as the standard has it, by xp_probe_write_same; limits.write_same_blocks of one command
	 */
	enum xp_tristate write_same;
	enum xp_asked reservation;
	bool is_reserved;
	enum xp_asked luns_asked;
	size_t luns;		  /* logical units of the drive: an actuator each, perhaps */
	enum xp_asked exceptions; /* log page 2Fh */
	uint8_t exception_asc, exception_ascq;
};

struct xp_nvme_ns_facts {
	uint32_t nsid;
	enum xp_asked identify;
	struct xp_nvme_ns ns;
	enum xp_asked reservation_asked; /* of shared ones, where the drive has reservations */
	struct xp_nvme_reservation reservation;
};

#define XP_NVME_NS_FACTS_MAX 128
#define XP_NVME_FOREIGN_MAX  64
struct xp_nvme_facts {
	uint32_t nsid; /* the namespace that the target is; 0: not known. Set by who knows the node
			*/
	enum xp_asked identify;
	struct xp_nvme_ctrl ctrl;
	enum xp_asked active_list;
	size_t active_n;
	enum xp_asked allocated_list; /* namespaces that exist, attached or not */
	size_t allocated_n;
	struct xp_nvme_ns_facts *ns; /* of the active ones, at most XP_NVME_NS_FACTS_MAX */
	size_t ns_n;
	enum xp_asked controllers; /* of the subsystem (CNS 13h) */
	size_t controllers_n;
	/* controllers other than this one that namespaces are attached to (CNS 12h); whoever knows
	 * which of them are this host's own takes those away */
	enum xp_asked attached_list;
	uint16_t foreign[XP_NVME_FOREIGN_MAX];
	size_t foreign_n;
	enum xp_asked sanitize_log;
	struct xp_nvme_sanitize_log sanitize;
	enum xp_asked health_log;
	struct xp_nvme_health health;
};

struct xp_drive_facts {
	enum xp_transport_kind transport;
	bool is_ata;	 /* ata is filled */
	bool is_bridged; /* another device stands between: USB, or a translation layer */
	struct xp_ata_facts ata;
	struct xp_scsi_facts scsi;
	struct xp_nvme_facts nvme;
	enum xp_asked tcg_asked;
	struct xp_tcg_discovery tcg;
	struct xp_hidden_facts hidden;
	struct xp_fact_note notes[XP_FACT_NOTES_MAX];
	size_t notes_n;
};
void xp_drive_facts_free(struct xp_drive_facts *facts);
