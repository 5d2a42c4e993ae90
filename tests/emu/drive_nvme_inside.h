/* drive_nvme_inside: what the parts of the NVMe drive share. For tests/emu/drive_nvme*.c only. */
#pragma once
#include "tests/emu/drive_nvme.h"

/* Status: SCT in bits 10:8, DNR in bit 14 */
#define SC_DNR			0x4000U
#define SC_OK			0x0000U
#define SC_INVALID_OPCODE	(0x01U | SC_DNR)
#define SC_INVALID_FIELD	(0x02U | SC_DNR)
#define SC_INTERNAL		0x06U
#define SC_INVALID_NAMESPACE	(0x0bU | SC_DNR)
#define SC_DATA_LENGTH		(0x0fU | SC_DNR) /* Data SGL Length Invalid */
#define SC_SANITIZE_FAILED	(0x1cU | SC_DNR)
#define SC_SANITIZE_IN_PROGRESS (0x1dU | SC_DNR)
#define SC_LBA_RANGE		(0x80U | SC_DNR)
#define SC_RESERVATION_CONFLICT (0x83U | SC_DNR)
#define SC_INVALID_LOG		(0x109U | SC_DNR)
#define SC_INVALID_FORMAT	(0x10aU | SC_DNR)
#define SC_NOT_CHANGEABLE	(0x10eU | SC_DNR)
#define SC_NO_CAPACITY		(0x115U | SC_DNR)
#define SC_NO_NSID		(0x116U | SC_DNR)
#define SC_ALREADY_ATTACHED	(0x118U | SC_DNR)
#define SC_IS_PRIVATE		(0x119U | SC_DNR)
#define SC_NOT_ATTACHED		(0x11aU | SC_DNR)
#define SC_CONTROLLER_LIST	(0x11cU | SC_DNR)
#define SC_SANITIZE_PROHIBITED	(0x123U | SC_DNR)
#define SC_INVALID_PROTECTION	(0x181U | SC_DNR)
#define SC_WRITE_FAULT		0x280U
#define SC_READ_ERROR		0x281U
#define SC_GUARD_CHECK		(0x282U | SC_DNR)
#define SC_REF_TAG_CHECK	(0x284U | SC_DNR)
#define SC_COMPARE_FAILED	(0x285U | SC_DNR)

#define EMU_NSID_ALL 0xffffffffU

#define EMU_REGISTRANTS_MAX 8
struct emu_registrant {
	uint8_t host[16];
	uint64_t key;
	uint16_t cntlid; /* FFFFh: of no controller here */
};
struct emu_reservation {
	struct emu_registrant who[EMU_REGISTRANTS_MAX];
	unsigned n;
	uint8_t type; /* RTYPE; 0: none */
	uint8_t holder[16];
	uint32_t generation;
	bool persists; /* PTPL */
};

struct emu_nvme_ns {
	bool exists;
	struct emu_media *data; /* sectors of 512 bytes */
	struct emu_media *meta; /* the metadata, one after the other, each byte inverted */
	uint64_t bytes;
	uint8_t format;
	bool is_extended, is_first; /* FLBAS bit 4, DPS bit 3 */
	uint8_t protection;
	bool is_shared;
	uint32_t attached;
	struct emu_reservation held;
};

/* Media of namespaces that are no more, and of capacity that never was one. */
struct emu_freed {
	struct emu_media *data, *meta;
	uint64_t bytes;
};
#define EMU_FREED_MAX 16

struct emu_nvme_sanitizing {
	enum emu_nvme_san state, failed_in;
	uint16_t outcome;     /* SSTAT 2:0 of the last one that ended */
	uint32_t cdw10;	      /* SCDW10 */
	uint32_t pattern;     /* what stands at its end */
	unsigned passes_done; /* overwrite */
	bool was_cancelled;   /* MVCNCLD */
	bool is_interrupted;  /* by power, with a fault that makes it fail for that */
	unsigned controller;  /* who asked */
	uint64_t work_ns, done_ns, since_ns;
	uint64_t verified_ns; /* of deallocation after verification */
};

struct emu_event {
	uint8_t type, info, lid;
};
#define EMU_EVENTS_MAX	 8
#define EMU_FEATURES_MAX 256

struct emu_nvme_ctrl {
	uint8_t host[16];
	uint32_t features[EMU_FEATURES_MAX]; /* the plain ones: one dword */
	struct emu_event events[EMU_EVENTS_MAX];
	unsigned events_n;
	uint32_t masked; /* bit: event type, until its log is read */
	uint32_t changed[EMU_NVME_NS_MAX];
	unsigned changed_n;
};

struct emu_nvme {
	struct emu_nvme_config cfg;
	uint8_t image[4096]; /* where it wears one; CFG.image then only says so */
	struct emu_nvme_faults faults;
	struct emu_time *time;
	struct emu_nvme_ns ns[EMU_NVME_NS_MAX]; /* NSID less 1 */
	struct emu_freed freed[EMU_FREED_MAX];
	unsigned freed_n;
	uint64_t unallocated;
	struct emu_nvme_ctrl ctrl[EMU_NVME_CTRLS_MAX];
	struct emu_nvme_sanitizing san;
	bool powered, vanished;
	bool written; /* user data, since the last sanitize that succeeded */
	uint64_t cut_at_ns, give_up_at_ns;
	uint64_t powered_ns, on_since_ns;
	uint32_t power_ons, unsafe_offs, media_errors;
	uint64_t sectors_read, sectors_written;
	uint32_t commands; /* that a fault counts */
};

/* Dwords and parts of a submission queue entry. */
uint32_t emu_cdw(const struct emu_nvme_cmd *cmd, unsigned n);
uint32_t emu_nsid(const struct emu_nvme_cmd *cmd);
/* The namespace, if it is attached to the command's controller; else NULL. */
struct emu_nvme_ns *emu_active(struct emu_nvme *d, const struct emu_nvme_cmd *cmd);
struct emu_nvme_ns *emu_allocated(struct emu_nvme *d, uint32_t nsid);
/* Data for the host, as much as it asked for; false: it has no room, and the command is aborted. */
bool emu_give(struct emu_nvme_cmd *cmd, const void *data, size_t len);
/* LEN bytes of which DATA has HAS; behind them there are zeros. */
bool emu_give_padded(struct emu_nvme_cmd *cmd, const void *data, size_t has, size_t len);
/* LEN bytes from the host; NULL: it sent fewer, and the command is aborted. */
const uint8_t *emu_take(struct emu_nvme_cmd *cmd, size_t len);
uint32_t emu_lba_bytes(const struct emu_nvme *d, const struct emu_nvme_ns *ns);
uint32_t emu_meta_bytes(const struct emu_nvme *d, const struct emu_nvme_ns *ns);
uint64_t emu_lbas(const struct emu_nvme *d, const struct emu_nvme_ns *ns);

enum emu_nvme_end { EMU_NVME_DONE, EMU_NVME_POWER, EMU_NVME_GIVEN_UP };
/* Busy for NS, or until the power goes or the host gives up; *DONE_NS is how long it was. */
enum emu_nvme_end emu_nvme_busy(struct emu_nvme *d, uint64_t ns, uint64_t *done_ns);
void emu_nvme_cut_off(struct emu_nvme *d, enum emu_nvme_end end, struct emu_nvme_cmd *cmd);

typedef void emu_nvme_handler(struct emu_nvme *d, struct emu_nvme_cmd *cmd);
emu_nvme_handler emu_nvme_do_identify, emu_nvme_do_get_log, emu_nvme_do_get_features,
	emu_nvme_do_set_features, emu_nvme_do_event_request, emu_nvme_do_format,
	emu_nvme_do_sanitize, emu_nvme_do_security_send, emu_nvme_do_security_receive,
	emu_nvme_do_ns_manage, emu_nvme_do_ns_attach;
emu_nvme_handler emu_nvme_do_flush, emu_nvme_do_read, emu_nvme_do_write, emu_nvme_do_compare,
	emu_nvme_do_zeroes, emu_nvme_do_dsm, emu_nvme_do_register, emu_nvme_do_report,
	emu_nvme_do_acquire, emu_nvme_do_release;

/* Lets the sanitize come as far as the time has come. */
void emu_nvme_sanitize_settle(struct emu_nvme *d);
void emu_nvme_sanitize_power_on(struct emu_nvme *d);
/* SC_OK, or why the command is aborted while a sanitize runs or has failed. */
uint16_t emu_nvme_sanitize_gate(struct emu_nvme *d, const struct emu_nvme_cmd *cmd);
/* The 512 bytes of log 81h. */
void emu_nvme_sanitize_log(struct emu_nvme *d, uint8_t out[512]);

/* Erases one namespace's or freed capacity's media as E says, then unmaps what is erased. */
struct emu_wipe {
	struct emu_erase erase;
	double share;	   /* of the medium: less than 1 where it was cut short */
	bool keeps_mapped; /* no deallocation */
};
void emu_nvme_wipe(struct emu_nvme *d, struct emu_media *data, struct emu_media *meta,
		   const struct emu_wipe *w);
void emu_nvme_deallocate_all(struct emu_nvme *d);
/* The sectors that a medium has. */
uint64_t emu_data_sectors(uint64_t bytes);
uint64_t emu_meta_sectors(const struct emu_nvme *d, uint64_t bytes);

struct emu_nvme_ns *emu_nvme_ns_make(struct emu_nvme *d, const struct emu_nvme_ns_config *cfg,
				     uint32_t nsid);

/* For all controllers that see the namespace: it has changed. */
void emu_nvme_ns_changed(struct emu_nvme *d, uint32_t nsid, uint32_t controllers);
void emu_nvme_raise(struct emu_nvme *d, const struct emu_event *event);
void emu_nvme_default_features(struct emu_nvme *d, unsigned controller);
/* Identify Controller of a drive that wears an image, or of its own. */
void emu_nvme_id_ctrl(struct emu_nvme *d, unsigned controller, uint8_t out[4096]);

/* May the host behind the controller do it? */
bool emu_nvme_may_write(const struct emu_nvme *d, const struct emu_nvme_ns *ns,
			unsigned controller);
bool emu_nvme_may_read(const struct emu_nvme *d, const struct emu_nvme_ns *ns, unsigned controller);

/* Metadata of one block. */
void emu_nvme_meta_read(struct emu_nvme *d, struct emu_nvme_ns *ns, uint64_t lba, uint8_t *out);
void emu_nvme_meta_write(struct emu_nvme *d, struct emu_nvme_ns *ns, uint64_t lba,
			 const uint8_t *in);
/* Protection information: made for a block, and checked as PRCHK asks. */
void emu_nvme_protect(const struct emu_nvme *d, const struct emu_nvme_ns *ns, const uint8_t *data,
		      uint8_t *meta, uint32_t ref);
uint16_t emu_nvme_check(const struct emu_nvme *d, const struct emu_nvme_ns *ns, const uint8_t *data,
			const uint8_t *meta, uint32_t prchk, uint32_t ref);
