/*
 * probe: asks a drive what it is, by commands that only read, and takes no for an answer. Needs no
 * permit; sends the same commands in the same order to the same drive, so that a transcript
 * replays.
 */
#pragma once
#include "device/drive_facts.h"
#include "device/target.h"

/*
 * Fills FACTS. ID (zeroed, or filled from the kernel's view; its bus tells a bridge from a drive)
 * gets what the drive says of its own identity, and the raw answers at the end of ID->raw. A serial
 * that is only a USB bridge's is not taken.
 *
 * XP_E_DEVICE, XP_E_IO, XP_E_TIMEOUT: not even the first question was answered. XP_E_UNSUPPORTED:
 * no disk. XP_E_MALFORMED: a replayed transcript does not fit. FACTS is to be freed in any case.
 */
MUST_USE enum xp_rc xp_probe_drive(struct xp_drive_facts *facts, struct xp_transport *t,
				   struct xp_identity *id, struct xp_err *err);

/*
 * Asks whether WRITE SAME (16) can be trusted for overwriting: a disk by itself, whose blocks are
 * all its own, that says it has the command by the standard (REPORT SUPPORTED OPERATION CODES).
 * Whatever is doubtful leaves facts->scsi.write_same other than XP_YES. FACTS are those of
 * xp_probe_drive.
 */
void xp_probe_write_same(struct xp_drive_facts *facts, struct xp_transport *t);

/*
 * xp_probe_drive from a transcript, without a drive: TARGET becomes a whole disk without a node,
 * whose confirm string is the drive's serial, else its WWN. Both are to be freed by the caller, in
 * any case.
 */
MUST_USE enum xp_rc xp_probe_transcript(struct xp_drive_facts *facts, struct xp_target *target,
					const char *jsonl, size_t len, struct xp_err *err);
