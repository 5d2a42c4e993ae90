/*
 * completion: did the drive's own erase end well? Decided from the raw answers that stand in the
 * evidence and from nothing else, so that a verifier decides the same years later. The flags that
 * the host set (completion_known) count for nothing here.
 */
#pragma once
#include "claim/evidence.h"
#include "device/protocol/scsi_inquiry.h"

enum xp_completion_end {
	XP_COMPLETION_UNPROVEN, /* lost, contradictory, another's, or no decoder for it */
	XP_COMPLETION_FAILED,	/* the drive says that it failed */
	XP_COMPLETION_PROVEN,
};

struct xp_completion {
	enum xp_completion_end end;
	char why[160]; /* where it is not proven; may be empty */
};

/* ERASE is the erase phase of a device technique; of any other nothing is proven. */
void xp_completion_decide(struct xp_completion *out, const struct xp_phase *erase);

/*
 * What a SCSI drive said, before its block or crypto erase, of reads after it (VPD B1h, WABEREQ and
 * WACEREQ), by the page that stands in the evidence; XP_SCSI_AFTER_UNSAID for all else.
 */
enum xp_scsi_after xp_completion_promised_reads(const struct xp_phase *erase);

/* A family each; OUT is unproven and empty when they are called. Inside claim/ only. */
void xp_completion_ata(struct xp_completion *out, const struct xp_phase *erase);
void xp_completion_scsi(struct xp_completion *out, const struct xp_phase *erase);
void xp_completion_nvme(struct xp_completion *out, const struct xp_phase *erase);
void xp_completion_say(struct xp_completion *out, enum xp_completion_end end, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The answer of that kind in command.after (before, where WAS_BEFORE); NULL: there is none. */
const struct xp_raw *xp_completion_answer(const struct xp_phase *erase, bool was_before,
					  enum xp_raw_kind kind, uint32_t arg);
/* The same of command.during. */
const struct xp_raw *xp_completion_during(const struct xp_phase *erase, enum xp_raw_kind kind,
					  uint32_t arg);
