/*
 * drive_scsi: a whole SAS drive, hard disk or SSD, that exists in memory. It restates SPC-5, SBC-4
 * and SAM-5 on its own: no constant is shared with the code under test. Its time is simulated. A
 * drive sits in one or more bays: a path, a port, a host each.
 */
#pragma once
#include "tests/emu/media.h"
#include "tests/emu/unit.h"

#define EMU_SCSI_LUNS_MAX 2

struct emu_scsi;

struct emu_scsi_config {
	char vendor[9], product[17], revision[5], serial[21];
	uint64_t wwn; /* of LUN 0, NAA; its ports, the drive and LUN 1 have the next ones */
	bool is_ssd;
	uint64_t sectors;	/* of each logical unit, as it left the factory */
	uint32_t logical_bytes; /* 512, 520, 528, 4096, ... without protection information */
	unsigned pi_type;	/* 0 to 3: 8 bytes more in each block */
	unsigned physical_exponent;
	uint32_t spare_sectors;
	unsigned luns; /* 1, or 2: an actuator each, one drive */
	bool encrypts;
	bool sanitize_overwrite, sanitize_block, sanitize_crypto;
	bool sanitize_spans_luns; /* one SANITIZE for the whole drive */
	/* VPD B1h: what reads say after block erase and crypto erase: 0 to 3 */
	unsigned wabereq, wacereq;
	bool has_unmap;	    /* UNMAP, and WRITE SAME with the UNMAP bit */
	bool unmapped_zero; /* LBPRZ */
	enum emu_trimmed trimmed;
	bool has_opcodes;     /* REPORT SUPPORTED OPERATION CODES */
	bool has_fast_format; /* FFMT 01b: nothing is written */
	bool has_write_cache;
	uint32_t write_same_max; /* blocks; 0: no limit, but with reference tags */
	uint32_t sanitize_seconds, format_seconds; /* one pass; crypto erase is quicker */
	uint32_t rpm;
};
/* A hard disk of 512-byte sectors, and an SSD that encrypts; with all that they can have. */
struct emu_scsi_config emu_scsi_hdd(uint64_t sectors);
struct emu_scsi_config emu_scsi_ssd(uint64_t sectors);

/* What goes wrong. May be changed at any time. */
struct emu_scsi_faults {
	bool sanitize_ignored;	     /* Good, and nothing is done */
	uint32_t sanitize_stalls_at; /* of 65536: there its progress ends for ever; 0: never */
	uint32_t sanitize_fails_at;  /* of 65536: there it fails; 0: never */
	bool sanitize_forgotten;     /* after a power loss it does not go on, and nobody is told */
	bool progress_unsaid;	     /* sense data without progress indication */
	bool keeps_key;		     /* crypto erase reports success, the key stays */
	struct emu_leave leave;	     /* what each erase leaves: the liar */
	bool vendor_pattern;	     /* after block erase the pattern below stands */
	uint32_t pattern;
	bool format_ignored;	     /* Good, and the data stays */
	uint32_t format_stalls_at;   /* of 65536 */
	uint32_t format_fails_at;    /* of 65536 */
	uint32_t format_block_bytes; /* FORMAT UNIT changes to these, unasked; 0: it does not */
	bool format_drops_pi;
	bool unmapped_lies; /* unmapped blocks read as UNMAPPED_AS, whatever LBPRZ says */
	enum emu_trimmed unmapped_as;
	bool fixed_sense;	   /* never descriptors, whatever is asked for */
	bool sense_lost;	   /* CHECK CONDITION, and not a byte of sense data */
	bool reserved_elsewhere;   /* another host holds it: Write Exclusive */
	bool threshold_exceeded;   /* log page 2Fh */
	bool mode_select_refused;  /* a block descriptor is */
	bool mode_select_ignored;  /* Good, and the descriptor is not looked at */
	bool write_same_refused;   /* though it is on the list of commands */
	bool write_same_ignored;   /* Good, and nothing is written */
	bool write_same_vendors;   /* on the list, and not as the standard has it */
	uint64_t vanishes_after;   /* that many commands; 0: never */
	struct emu_scsi *swap_for; /* after swaps_after commands this one is in its place */
	uint64_t swaps_after;
};

/* The drive is powered on. TIME stays the caller's and must outlive it. NULL: no memory. */
struct emu_scsi *emu_scsi_new(const struct emu_scsi_config *cfg, struct emu_time *time);
void emu_scsi_free(struct emu_scsi **d);
struct emu_scsi_faults *emu_scsi_faults(struct emu_scsi *d);
struct emu_media *emu_scsi_media(struct emu_scsi *d, unsigned lun);
/* As it was made; for what a format has changed since, ask the drive. */
const struct emu_scsi_config *emu_scsi_config_of(const struct emu_scsi *d);
struct emu_time *emu_scsi_time(struct emu_scsi *d);
/* Commands so far. */
uint64_t emu_scsi_commands(const struct emu_scsi *d);

void emu_scsi_power_off(struct emu_scsi *d);
void emu_scsi_power_on(struct emu_scsi *d);
/* The power goes at that time and comes back, also in the middle of a command; 0: it does not. */
void emu_scsi_cut_power_at(struct emu_scsi *d, uint64_t at_ns);

enum emu_scsi_state {
	EMU_SCSI_READY,
	EMU_SCSI_SANITIZING,
	EMU_SCSI_SANITIZE_FAILED,
	EMU_SCSI_FORMATTING,
	EMU_SCSI_FORMAT_CORRUPT,
	EMU_SCSI_STOPPED,
};
enum emu_scsi_state emu_scsi_state(struct emu_scsi *d, unsigned lun);

/* Where a host meets a logical unit. Zeroed but for the drive: the first of everything. */
struct emu_scsi_bay {
	struct emu_scsi *drive; /* NULL: nothing is plugged in */
	unsigned lun;
	unsigned port; /* 0 or 1 */
	unsigned host;
	/* inside */
	struct emu_scsi *met; /* the drive whose attentions are counted below */
	uint64_t attentions;
};
/* BAY as what a door opens to; it stays the caller's. */
struct emu_unit emu_scsi_unit(struct emu_scsi_bay *bay);
void emu_scsi_exec(struct emu_scsi_bay *bay, struct emu_scsi_cmd *cmd);
