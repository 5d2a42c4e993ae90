/* drive_scsi_inside: what the parts of the SAS drive share. For tests/emu/drive_scsi*.c only. */
#pragma once
#include "tests/emu/drive_scsi.h"

/* status */
#define SC_GOOD	    0x00
#define SC_CHECK    0x02
#define SC_CONFLICT 0x18
/* sense keys */
#define SK_NOT_READY  0x2
#define SK_MEDIUM     0x3
#define SK_ILLEGAL    0x5
#define SK_ATTENTION  0x6
#define SK_ABORTED    0xb
#define SK_MISCOMPARE 0xe
/* ASC and ASCQ */
#define AC_FORMATTING	   0x0404
#define AC_STOPPED	   0x0402
#define AC_SANITIZING	   0x041b
#define AC_READ_ERROR	   0x1100
#define AC_WRITE_REQUIRED  0x1115
#define AC_WRITE_ERROR	   0x0c02
#define AC_LIST_LENGTH	   0x1a00
#define AC_MISCOMPARE	   0x1d00
#define AC_OPCODE	   0x2000
#define AC_RANGE	   0x2100
#define AC_FIELD	   0x2400
#define AC_LIST_FIELD	   0x2600
#define AC_POWER_ON	   0x2900
#define AC_RESET	   0x2903
#define AC_MODE_CHANGED	   0x2a01
#define AC_CAPACITY	   0x2a09
#define AC_PREEMPTED	   0x2a03
#define AC_RELEASED	   0x2a04
#define AC_GUARD	   0x1001
#define AC_REFERENCE	   0x1003
#define AC_FORMAT_CORRUPT  0x3100
#define AC_FORMAT_FAILED   0x3101
#define AC_SANITIZE_FAILED 0x3103
#define AC_NO_SAVING	   0x3900

#define EMU_SCSI_BLOCK_MIN 512
#define EMU_SCSI_BLOCK_MAX 4224
#define EMU_SCSI_PI	   8
#define EMU_SCSI_WHOLE	   65536ULL

/* What is told to every path but the one that caused it. */
#define EMU_SCSI_ATTENTIONS 16
struct emu_scsi_attention {
	uint16_t code;
	unsigned but_nexus;
};
#define EMU_SCSI_EVERYBODY 0xffffffff

/* A sanitize or a format. */
struct emu_scsi_work {
	bool sanitizes, formats; /* one of them runs */
	bool sanitize_failed, restricted;
	bool corrupt;	    /* the last format did not end */
	bool format_failed; /* ... because it failed */
	uint8_t action;	    /* of SANITIZE */
	uint64_t work_ns, done_ns, since_ns;
	uint8_t bytes[EMU_SCSI_BLOCK_MAX];
	uint32_t bytes_len;
	bool fast;	      /* format: nothing is written */
	uint32_t block_bytes; /* ... and then it is formatted so */
	unsigned pi_type;
	uint64_t blocks;
};

#define EMU_SCSI_PAGES	  4
#define EMU_SCSI_PAGE_MAX 20
struct emu_scsi_modes {
	uint8_t page[EMU_SCSI_PAGES][EMU_SCSI_PAGE_MAX];
};

/* After an erase whose blocks are to be written before they can be read. */
struct emu_scsi_span {
	uint64_t first, end;
};
struct emu_scsi_unwritten {
	bool active;
	unsigned answer;	       /* as WABEREQ puts it */
	struct emu_scsi_span *written; /* apart from each other, in no order */
	size_t written_n, written_cap;
};

#define EMU_SCSI_KEYS 8
struct emu_scsi_reservation {
	struct {
		unsigned nexus;
		uint64_t key;
	} reg[EMU_SCSI_KEYS];
	unsigned reg_n;
	bool held;
	uint8_t type;
	unsigned holder; /* a nexus */
	uint32_t generation;
};

struct emu_scsi_lu {
	struct emu_scsi *drive;
	unsigned lun;
	struct emu_media *media;
	uint32_t block_bytes;
	unsigned pi_type;
	uint64_t blocks;     /* as the host sees them */
	uint64_t blocks_max; /* as many as there are in this format */
	/* what MODE SELECT asked for, and the next format makes true; blocks 0: as many as can be
	 */
	uint32_t next_block_bytes;
	uint64_t next_blocks;
	bool stopped;
	struct emu_scsi_modes modes, saved;
	struct emu_scsi_work work;
	struct emu_scsi_unwritten unwritten;
	struct emu_scsi_reservation pr;
	struct emu_scsi_attention attention[EMU_SCSI_ATTENTIONS];
	uint64_t attention_first, attention_end;
	uint16_t deferred; /* ASC and ASCQ of what failed after it was accepted; 0: none */
	uint64_t read_errors, write_errors;
};

struct emu_scsi {
	struct emu_scsi_config cfg;
	struct emu_scsi_faults faults;
	struct emu_time *time;
	struct emu_scsi_lu lu[EMU_SCSI_LUNS_MAX];
	bool powered;
	uint64_t cut_at_ns, give_up_at_ns;
	uint64_t commands;
};

struct emu_scsi_job {
	struct emu_scsi *d;
	struct emu_scsi_lu *lu;
	struct emu_scsi_cmd *cmd;
	const uint8_t *cdb;
	unsigned nexus;
	unsigned port;
};

/* drive_scsi_sense.c */
struct emu_scsi_sense {
	bool deferred;
	uint8_t key;
	uint16_t code;
	bool has_info, has_progress;
	uint64_t info;
	uint16_t progress;
};
size_t emu_scsi_put_sense(uint8_t *out, const struct emu_scsi_sense *s, bool fixed);
/* CHECK CONDITION */
void emu_scsi_check(struct emu_scsi_job *j, uint8_t key, uint16_t code);
void emu_scsi_check_at(struct emu_scsi_job *j, uint8_t key, uint16_t code, uint64_t lba);
void emu_scsi_check_with(struct emu_scsi_job *j, const struct emu_scsi_sense *s);
/* Hands LEN bytes over, at most ALLOCATED or what the host has room for. */
void emu_scsi_give(struct emu_scsi_job *j, const uint8_t *data, size_t len, size_t allocated);

/* drive_scsi.c */
enum emu_scsi_end { EMU_SCSI_DONE, EMU_SCSI_POWER_WENT, EMU_SCSI_GAVE_UP };
/* Busy for NS, or until the power goes or the host gives up; false: no answer any more. */
bool emu_scsi_busy(struct emu_scsi_job *j, uint64_t ns);
void emu_scsi_tell(struct emu_scsi_lu *lu, uint16_t code, unsigned but_nexus);
enum emu_scsi_state emu_scsi_lu_state(const struct emu_scsi_lu *lu);

/* drive_scsi_table.c: what there is, and what a CDB may have set */
#define WHEN_ALWAYS    0x01 /* also while it sanitizes */
#define WHEN_FAILED    0x02 /* after a sanitize that failed */
#define NEEDS_MEDIUM   0x04 /* not while it is stopped or without a format */
#define NO_ATTENTION   0x08 /* does not tell of one, and leaves it */
#define CONFLICT_READ  0x10 /* with another's exclusive access */
#define CONFLICT_WRITE 0x20 /* with any reservation of another */
enum emu_scsi_need {
	NEED_NOTHING,
	NEED_OVERWRITE,
	NEED_BLOCK,
	NEED_CRYPTO,
	NEED_ANY_SANITIZE,
	NEED_UNMAP,
	NEED_OPCODES,
};
typedef void emu_scsi_handler(struct emu_scsi_job *j);
struct emu_scsi_row {
	int service_action; /* -1: none */
	uint8_t len;
	uint8_t usage[16];
	unsigned flags;
	enum emu_scsi_need need;
	emu_scsi_handler *handler;
};
/* NULL: not there. *KNOWN: another service action of the opcode is. */
const struct emu_scsi_row *emu_scsi_find(const struct emu_scsi *d, uint8_t opcode,
					 uint16_t service_action, bool *known);
/* Its CDB has a bit set that means nothing here. */
bool emu_scsi_has_odd_bits(const struct emu_scsi_row *row, const uint8_t *cdb);
emu_scsi_handler emu_scsi_do_report_opcodes;

/* drive_scsi_inquiry.c */
emu_scsi_handler emu_scsi_do_inquiry, emu_scsi_do_report_luns, emu_scsi_do_log_sense,
	emu_scsi_do_receive_diagnostic, emu_scsi_do_send_diagnostic;

/* drive_scsi_mode.c */
emu_scsi_handler emu_scsi_do_mode_sense, emu_scsi_do_mode_select;
void emu_scsi_modes_reset(struct emu_scsi_lu *lu);
bool emu_scsi_wants_descriptors(const struct emu_scsi_lu *lu);

/* drive_scsi_io.c */
emu_scsi_handler emu_scsi_do_capacity_10, emu_scsi_do_capacity_16, emu_scsi_do_read,
	emu_scsi_do_write, emu_scsi_do_verify, emu_scsi_do_synchronize, emu_scsi_do_start_stop;
/* A block as it is kept, with its protection information. */
uint32_t emu_scsi_kept_bytes(const struct emu_scsi_lu *lu);
struct emu_scsi_range {
	uint64_t lba;
	uint64_t n;
};
/* LBA and length of a CDB of 10 or 16 bytes. */
struct emu_scsi_range emu_scsi_range_of(const uint8_t *cdb);
/* false: it is not there, and the host was told. */
bool emu_scsi_reach(struct emu_scsi_job *j, const struct emu_scsi_range *r);
/* Blocks of one WRITE SAME at most; 0: no limit. */
uint32_t emu_scsi_write_same_max(const struct emu_scsi_lu *lu);
uint64_t emu_scsi_transfer_ns(const struct emu_scsi_lu *lu, uint64_t blocks);
/*
 * drive_scsi_protect.c. BLOCK is a block as it is kept: data, then protection information, which is
 * made for it, or checked as the PROTECT field asks; 0: fine, else ASC and ASCQ.
 */
void emu_scsi_make_pi(const struct emu_scsi_lu *lu, uint8_t *block, uint64_t lba);
uint16_t emu_scsi_check_pi(const struct emu_scsi_lu *lu, const uint8_t *block, uint64_t lba,
			   unsigned protect);
/* What the PROTECT field of the CDB means here: false, and the host was told, where it can't be. */
bool emu_scsi_take_protect(struct emu_scsi_job *j, unsigned *protect);

/* drive_scsi_unmap.c */
emu_scsi_handler emu_scsi_do_write_same, emu_scsi_do_unmap, emu_scsi_do_lba_status;
/* Written since the last erase, and the first block of R that is not. */
void emu_scsi_note_written(struct emu_scsi_lu *lu, uint64_t lba, uint64_t n);
bool emu_scsi_first_unwritten(const struct emu_scsi_lu *lu, const struct emu_scsi_range *r,
			      uint64_t *lba);

/* drive_scsi_erase.c */
emu_scsi_handler emu_scsi_do_sanitize, emu_scsi_do_request_sense;
/* Lets what runs come as far as the time has come. */
void emu_scsi_settle(struct emu_scsi_lu *lu);
void emu_scsi_erase_power_off(struct emu_scsi_lu *lu);
void emu_scsi_erase_power_on(struct emu_scsi_lu *lu);
/* What the state says to a command that it does not allow; key 0: it is ready. */
struct emu_scsi_sense emu_scsi_not_ready(const struct emu_scsi_lu *lu);
uint16_t emu_scsi_progress(const struct emu_scsi_lu *lu);
/* The work is set up; it begins, and unless IMMED it is waited for. */
void emu_scsi_start_work(struct emu_scsi_job *j, bool is_immed);

/* drive_scsi_format.c */
emu_scsi_handler emu_scsi_do_format;
/* The medium as the format leaves it, DONE of 65536 of it. */
void emu_scsi_apply_format(struct emu_scsi_lu *lu, uint64_t done);
uint64_t emu_scsi_blocks_in(const struct emu_scsi_config *cfg, uint32_t block_bytes,
			    unsigned pi_type);

/* drive_scsi_reserve.c */
emu_scsi_handler emu_scsi_do_reserve_in, emu_scsi_do_reserve_out;
bool emu_scsi_conflicts(const struct emu_scsi_job *j, unsigned flags);
