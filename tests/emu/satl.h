/*
 * satl: a translation layer in front of an emulated ATA drive, as host adapters, the kernel and USB
 * bridges have one [SAT-4]: what it answers as a SCSI disk, and ATA PASS-THROUGH. The port takes a
 * drive, loses it, or gets another.
 */
#pragma once
#include "tests/emu/drive_ata.h"
#include "tests/emu/unit.h"

enum emu_registers {
	EMU_REGISTERS_KEPT,
	EMU_REGISTERS_ZERO, /* the descriptor is there, all zero */
	EMU_REGISTERS_LOST, /* good status instead */
};

struct emu_satl {
	struct emu_ata *drive; /* NULL: nothing is plugged in */
	/* what the layer itself does wrong, or just otherwise */
	enum emu_registers registers;
	bool fixed_sense;
	bool no_pass_through;	  /* a bridge that knows no ATA PASS-THROUGH */
	bool drops_erase;	  /* passes everything on but SECURITY ERASE UNIT */
	const char *vendor;	  /* NULL: "ATA", as the kernel's layer says */
	uint64_t vanishes_after;  /* that many commands; 0: never */
	struct emu_ata *swap_for; /* after swaps_after commands this one is in its place */
	uint64_t swaps_after;
	/* inside */
	uint64_t commands;
	bool has_attention; /* power on or another drive: told once */
	struct emu_ata_result last;
	bool last_is_48bit;
};

/* Puts a drive in, or NULL for none. The drives stay the caller's. */
void emu_satl_plug(struct emu_satl *s, struct emu_ata *drive);
/* Power off and on again, and the attention that follows. */
void emu_satl_power_cycle(struct emu_satl *s);
void emu_satl_exec(struct emu_satl *s, struct emu_scsi_cmd *cmd);
/* S as what a door opens to. */
struct emu_unit emu_satl_unit(struct emu_satl *s);
