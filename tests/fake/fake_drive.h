/*
 * fake_drive: a transport that gives prepared answers to prepared commands, for tests of what
 * stands above the transport. A command that is not in its list is refused as a drive would.
 */
#pragma once
#include "device/transport.h"

struct fake_answer {
	uint8_t cdb[16]; /* the first cdb_len bytes must match; NVMe: opcode, then CDW10 and NSID
			    below */
	uint8_t cdb_len;
	uint32_t cdw10; /* NVMe */
	uint32_t nsid;	/* NVMe */
	const void *in;
	uint32_t in_len;
	uint8_t status; /* SCSI status */
	uint16_t nvme_status;
	uint8_t sense[64];
	uint32_t sense_len;
	enum xp_rc rc; /* not XP_OK: no answer */
};

struct fake_drive {
	const struct fake_answer *answers;
	size_t n;
	size_t asked;	    /* commands that came through */
	struct xp_cmd last; /* the last of them */
	bool closed;
};

/* DRIVE stays the caller's and must outlive the transport. */
MUST_USE enum xp_rc fake_drive_open(struct xp_transport **out, enum xp_transport_kind kind,
				    struct fake_drive *drive, struct xp_err *err);
