/* probe_inside: what the parts of the probe share. For device/probe*.c only. */
#pragma once
#include "device/probe.h"

struct xp_probe {
	struct xp_transport *t;
	struct xp_drive_facts *facts;
	struct xp_identity *id;
	enum xp_rc broken; /* the replay does not fit, or memory ran out: nothing more is asked */
	struct xp_err err; /* of broken */
	bool is_silent;	   /* it let one question run out of time: nothing more is asked */
};

/* Remembers that WHAT was not answered well. */
void xp_probe_note(struct xp_probe *p, const char *what, enum xp_asked answer, const char *why);

/*
 * Sends one command. GOOD: the drive answered with success. REFUSED and NONE are noted. REPLY (may
 * be NULL) gets the reply.
 */
enum xp_asked xp_probe_send(struct xp_probe *p, const char *what, struct xp_cmd *cmd,
			    struct xp_reply *reply);

/* A SCSI command with data in; *LEN becomes what was really moved. */
enum xp_asked xp_probe_scsi(struct xp_probe *p, const char *what, const uint8_t *cdb,
			    uint8_t cdb_len, void *data, uint32_t *len);

/* An NVMe command with data in. */
struct xp_nvme_dwords;
enum xp_asked xp_probe_nvme(struct xp_probe *p, const char *what,
			    const struct xp_nvme_dwords *dwords, void *data);

/* MALFORMED, with a note, where RC (of a decoder) is not XP_OK; else GOOD. */
enum xp_asked xp_probe_decoded(struct xp_probe *p, const char *what, enum xp_rc rc,
			       const struct xp_err *err);

/* Appends a raw answer to the identity. */
void xp_probe_keep(struct xp_probe *p, enum xp_raw_kind kind, uint32_t arg, const void *data,
		   size_t len);

/* Sets a text of the identity, where there is one to set. */
void xp_probe_set(char *out, size_t out_len, const char *value);

void xp_probe_ata(struct xp_probe *p);
void xp_probe_scsi_drive(struct xp_probe *p);
void xp_probe_nvme_drive(struct xp_probe *p);
/* The identity alone; facts of an earlier probe stand in p->facts. What the first question brought.
 */
enum xp_asked xp_probe_ata_identity(struct xp_probe *p);
enum xp_asked xp_probe_scsi_identity(struct xp_probe *p);
/* ... without the capacity and what else can change. */
enum xp_asked xp_probe_scsi_names(struct xp_probe *p);
enum xp_asked xp_probe_nvme_identity(struct xp_probe *p, uint32_t nsid);
/*
 * Who has reserved the namespace, asked by a way to it: I/O commands go to the namespace of the
 * descriptor, and to no other. Unlike all else here it is put to OUT, not to p->facts.
 */
void xp_probe_nvme_reservation(struct xp_probe *p, struct xp_nvme_ns_facts *out);
/* TCG Level 0 Discovery, through whatever carries security protocols. */
void xp_probe_tcg(struct xp_probe *p);
