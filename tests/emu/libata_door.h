/*
 * libata_door: an emulated ATA drive at a SATA port of the kernel's own libata. The kernel half is
 * tests/vm/xp_libata.c, a module for a virtual machine; this is the drive's half: messages in,
 * messages out, no input or output of its own.
 */
#pragma once
#include "tests/emu/drive_ata.h"
#include "tests/emu/libata_wire.h"

struct emu_libata_port {
	struct emu_ata *drive; /* NULL: nothing is plugged in; stays the caller's */
	uint8_t number;
	bool lost_registers; /* a port that returns none: all zero, whatever the drive says */
};

/*
 * Answers one message of the kernel: REPLY, and its data in OUT, which has room for XPL_DATA_MAX
 * bytes. false: the message is none that a kernel sends; nothing was done.
 */
bool emu_libata_answer(struct emu_libata_port *p, const struct xpl_message *m, const uint8_t *data,
		       struct xpl_message *reply, uint8_t *out);
/* What the port says unasked after a drive was plugged in, taken out, or powered on again. */
struct xpl_message emu_libata_link(const struct emu_libata_port *p);
