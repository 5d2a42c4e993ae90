/* drive_ata_inside: what the parts of the ATA drive share. For tests/emu/drive_ata*.c only. */
#pragma once
#include "tests/emu/drive_ata.h"

/* STATUS and ERROR */
#define ST_READY 0x50 /* DRDY, DSC */
#define ST_ERR	 0x01
#define ER_ABRT	 0x04
#define ER_IDNF	 0x10
#define ER_UNC	 0x40

#define EMU_PASSWORD_LEN 32

struct emu_ata_security {
	bool enabled, locked, frozen, prepared, expired, maximum;
	unsigned tries_left;
	uint8_t user[EMU_PASSWORD_LEN], master[EMU_PASSWORD_LEN];
	uint16_t master_id;
};

struct emu_ata_sanitizing {
	enum emu_ata_san state;
	bool antifreeze;
	bool succeeded;	  /* the last one, as STATUS EXT reports it */
	bool may_leave;	  /* FAILURE MODE of the last one */
	uint16_t op;	  /* its FEATURE */
	uint32_t pattern; /* what stands at its end */
	uint64_t work_ns, done_ns, since_ns;
};

/* all counts are of logical sectors */
struct emu_ata_hidden {
	uint64_t now;	 /* reachable */
	uint64_t kept;	 /* reachable after the next power-on */
	uint64_t native; /* without HPA or AMAC: what DCO leaves */
	bool changed;	 /* one lasting change a power cycle */
	bool dco_frozen, amac_frozen;
	bool max_locked, max_frozen, max_password_set;
	uint8_t max_password[EMU_PASSWORD_LEN];
};

struct emu_ata {
	struct emu_ata_config cfg;
	struct emu_ata_faults faults;
	struct emu_time *time;
	struct emu_media *media;
	bool powered;
	bool smart_enabled;
	uint64_t cut_at_ns;
	uint64_t give_up_at_ns;
	uint64_t powered_ns, on_since_ns;
	uint32_t power_ons;
	uint8_t last_command; /* that ended well; 0: none */
	struct emu_ata_security sec;
	struct emu_ata_sanitizing san;
	struct emu_ata_hidden hid;
};

void emu_ata_abort(struct emu_ata_result *r);
/* Data of exactly LEN bytes for the host; false: it did not ask for so many, and it is aborted. */
bool emu_ata_answer(const struct emu_ata_cmd *cmd, struct emu_ata_result *r, const uint8_t *data,
		    size_t len);

enum emu_end { EMU_END_DONE, EMU_END_POWER, EMU_END_RESET };
/*
 * Busy for NS, or until the power goes or the host gives up; *DONE_NS is how long it was. The
 * caller then lets emu_ata_cut_off do what follows.
 */
enum emu_end emu_ata_busy(struct emu_ata *d, uint64_t ns, uint64_t *done_ns);
void emu_ata_cut_off(struct emu_ata *d, enum emu_end end, struct emu_ata_result *r);

typedef void emu_ata_handler(struct emu_ata *d, const struct emu_ata_cmd *cmd,
			     struct emu_ata_result *r);
emu_ata_handler emu_ata_do_identify, emu_ata_do_read_log, emu_ata_do_smart;
emu_ata_handler emu_ata_do_set_password, emu_ata_do_unlock, emu_ata_do_erase_prepare,
	emu_ata_do_erase_unit, emu_ata_do_freeze_lock, emu_ata_do_disable_password;
emu_ata_handler emu_ata_do_sanitize;
emu_ata_handler emu_ata_do_read_native_max, emu_ata_do_set_max, emu_ata_do_amac, emu_ata_do_dco;
emu_ata_handler emu_ata_do_read, emu_ata_do_verify, emu_ata_do_write, emu_ata_do_trim;
emu_ata_handler emu_ata_do_trusted_receive;

void emu_ata_security_power_on(struct emu_ata *d);
void emu_ata_sanitize_power_on(struct emu_ata *d);
/* Lets the sanitize come as far as the time has come. */
void emu_ata_sanitize_settle(struct emu_ata *d);
void emu_ata_hidden_power_on(struct emu_ata *d);
/* Bytes 511 and 510 of IDENTIFY and DCO data. */
void emu_ata_checksum(uint8_t data[512]);
/* IDENTIFY DEVICE of a drive that wears an image. */
void emu_ata_worn_identify(const struct emu_ata *d, uint8_t out[512]);
