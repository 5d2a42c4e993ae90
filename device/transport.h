/*
 * transport: the one choke point for commands to a drive. Whatever is not in the table of read-only
 * commands (device/opcodes.h) needs a permit. Below it an ops table: SG_IO, NVMe admin, an emulated
 * drive, a transcript that is replayed, or a recorder around any of them.
 */
#pragma once
#include "base/err.h"
#include "device/protocol/identity.h"

struct xp_permit;

enum xp_transport_kind { XP_TRANSPORT_SCSI, XP_TRANSPORT_NVME };
enum xp_data_dir { XP_DATA_NONE, XP_DATA_IN, XP_DATA_OUT };

struct xp_nvme_sqe {
	uint8_t opcode;
	uint32_t nsid;
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
	bool is_io; /* of the I/O command set, to the namespace of the descriptor */
};

struct xp_cmd {
	enum xp_transport_kind kind;
	uint8_t cdb[32]; /* SCSI (ATA by ATA PASS-THROUGH) */
	uint8_t cdb_len;
	struct xp_nvme_sqe nvme;
	enum xp_data_dir dir;
	void *data;
	uint32_t data_len;   /* bytes */
	uint32_t timeout_ms; /* 0: the default of 60 s */
};

#define XP_SENSE_MAX 252
struct xp_reply {
	bool answered;	      /* false: no answer of the drive; nothing below is to be believed */
	uint8_t scsi_status;  /* 00h good, 02h check condition, ... */
	uint16_t host_status; /* Linux host byte; != 0: the transport failed */
	uint16_t driver_status;
	uint8_t sense[XP_SENSE_MAX];
	uint32_t sense_len;
	uint32_t data_len;    /* bytes really moved (data_len of the command less the residual) */
	uint16_t nvme_status; /* status field of the completion without phase: 0 good */
	uint32_t nvme_result; /* completion dword 0 */
	uint64_t duration_ns;
};

struct xp_transport;

struct xp_transport_ops {
	const char *name; /* "sgio", "nvme", "replay", "record", "emu" */
	/*
	 * Carries out one command. XP_OK: REPLY is filled, whatever the drive's status. XP_E_IO or
	 * XP_E_TIMEOUT: no answer (REPLY.answered false).
	 */
	enum xp_rc (*exec)(void *ctx, const struct xp_cmd *cmd, struct xp_reply *reply,
			   struct xp_err *err);
	void (*close)(void *ctx);
};

/* Takes CTX: it is closed with the transport. */
MUST_USE enum xp_rc xp_transport_new(struct xp_transport **out, enum xp_transport_kind kind,
				     const struct xp_transport_ops *ops, void *ctx,
				     struct xp_err *err);
void xp_transport_free(struct xp_transport **t);
enum xp_transport_kind xp_transport_kind_of(const struct xp_transport *t);

/*
 * The choke point. A command that device/opcodes.c does not know as read-only needs PERMIT; without
 * one: XP_E_REFUSED and nothing was sent. Drive errors are in REPLY, not in the return code.
 */
MUST_USE enum xp_rc xp_transport_exec(struct xp_transport *t, const struct xp_cmd *cmd,
				      const struct xp_permit *permit, struct xp_reply *reply,
				      struct xp_err *err);

/* SG_IO on an open block or sg descriptor (dup'ed). */
MUST_USE enum xp_rc xp_transport_sgio_open(struct xp_transport **out, int fd, struct xp_err *err);
/* NVMe commands on an open controller or namespace descriptor (dup'ed). */
MUST_USE enum xp_rc xp_transport_nvme_open(struct xp_transport **out, int fd, struct xp_err *err);
/*
 * Passes everything on to INNER (takes it, also on failure) and appends each exchange to FD
 * (dup'ed) as a JSON line; BUS, where the drive hangs, stands in the first line. Data that may hold
 * a password is left out; with BLANK_SERIALS the names of the single drive, too. An exchange that
 * cannot be written fails with XP_E_IO. The format: docs/testing.md.
 */
MUST_USE enum xp_rc xp_transport_record_open(struct xp_transport **out, struct xp_transport *inner,
					     enum xp_bus bus, bool blank_serials, int fd,
					     struct xp_err *err);
/*
 * Answers from a transcript: each command must come in the recorded order, byte for byte, else
 * XP_E_MALFORMED with the line. BUS (may be NULL) gets the bus of the first line.
 */
MUST_USE enum xp_rc xp_transport_replay_open(struct xp_transport **out, enum xp_bus *bus,
					     const char *jsonl, size_t len, struct xp_err *err);

/* The drive answered with success: SCSI status good, NVMe status 0. */
bool xp_reply_is_good(const struct xp_cmd *cmd, const struct xp_reply *reply);
