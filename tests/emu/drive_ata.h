/*
 * drive_ata: a whole ATA drive, hard disk or SSD, that exists in memory. It restates ACS-3/ACS-4
 * (and of ATA8-ACS what was dropped since: HPA and DCO) on its own: no constant is shared with the
 * code under test. Its time is simulated.
 */
#pragma once
#include "tests/emu/media.h"
#include "tests/emu/simtime.h"

struct emu_ata;

struct emu_ata_config {
	char model[41], serial[21], firmware[9];
	uint64_t wwn; /* 0: none */
	bool is_ssd;
	uint64_t sectors; /* as it left the factory */
	uint32_t logical_bytes;
	unsigned physical_exponent; /* 2^n logical sectors in a physical one */
	uint32_t spare_sectors;
	bool encrypts; /* everything, always */
	bool has_security, has_enhanced_erase;
	bool frozen_at_power_on; /* as the firmware of most computers leaves it */
	bool has_sanitize, sanitize_crypto, sanitize_block, sanitize_overwrite, has_antifreeze;
	bool restricted_overrides; /* a restricted sanitize overrides ATA security */
	bool has_hpa, has_dco, has_amac;
	bool has_trim, trim_is_deterministic;
	enum emu_trimmed trimmed;
	bool has_smart, has_trusted;
	uint32_t erase_seconds;	   /* SECURITY ERASE UNIT, normal */
	uint32_t enhanced_seconds; /* ... enhanced */
	uint32_t sanitize_seconds; /* one pass; crypto scramble is quicker */
	bool wears;		   /* IDENTIFY DEVICE is the image, with what changes since */
	uint8_t image[512];
};
/* A hard disk with HPA and DCO, and an SSD that encrypts; all else that they can have, too. */
struct emu_ata_config emu_ata_hdd(uint64_t sectors);
struct emu_ata_config emu_ata_ssd(uint64_t sectors);
/* What a drive is by its IDENTIFY DEVICE data, to be worn. false: none that can be emulated. */
bool emu_ata_wear(struct emu_ata_config *cfg, const uint8_t identify[512]);

/* What goes wrong. May be changed at any time. */
struct emu_ata_faults {
	bool erase_refused;	     /* SECURITY ERASE UNIT aborts, the password stays set */
	bool set_password_forgotten; /* SET PASSWORD reports success, and sets none */
	bool sanitize_ignored;	     /* accepted, and nothing is done: the older result shows */
	uint32_t sanitize_stalls_at; /* of 65536: there its progress ends for ever; 0: never */
	uint32_t sanitize_fails_at;  /* of 65536: there it fails; 0: never */
	bool keeps_key;		     /* crypto erase reports success, the key stays */
	struct emu_leave leave;	     /* what each erase leaves: the liar */
	bool vendor_pattern;	     /* after block and enhanced erase the pattern below stands */
	uint32_t pattern;
	bool threshold_exceeded; /* SMART */
	bool checksum_wrong;	 /* of IDENTIFY DEVICE */
};

/* The drive is powered on. TIME stays the caller's and must outlive it. NULL: no memory. */
struct emu_ata *emu_ata_new(const struct emu_ata_config *cfg, struct emu_time *time);
void emu_ata_free(struct emu_ata **d);
struct emu_ata_faults *emu_ata_faults(struct emu_ata *d);
struct emu_media *emu_ata_media(struct emu_ata *d);
const struct emu_ata_config *emu_ata_config_of(const struct emu_ata *d);
struct emu_time *emu_ata_time(struct emu_ata *d);
/* Logical sectors that a host can reach now. */
uint64_t emu_ata_sectors(const struct emu_ata *d);

void emu_ata_power_off(struct emu_ata *d);
void emu_ata_power_on(struct emu_ata *d);
bool emu_ata_is_powered(const struct emu_ata *d);
/* COMRESET with settings preserved: ends a running SECURITY ERASE UNIT, and no sanitize. */
void emu_ata_reset(struct emu_ata *d);
/* The power goes at that time and comes back, also in the middle of a command; 0: it does not. */
void emu_ata_cut_power_at(struct emu_ata *d, uint64_t at_ns);

enum emu_ata_way { EMU_NON_DATA, EMU_PIO_IN, EMU_PIO_OUT, EMU_DMA_IN, EMU_DMA_OUT };
struct emu_ata_cmd {
	uint8_t command;
	bool is_48bit;
	uint16_t feature, count;
	uint64_t lba;
	uint8_t device; /* LBA 27:24 of a 28-bit command are in LBA, too */
	enum emu_ata_way way;
	const uint8_t *out;
	uint8_t *in;
	size_t len;	     /* of the data */
	uint64_t give_up_ns; /* the host resets the drive after so long; 0: never */
};
struct emu_ata_result {
	bool answered; /* false: power or link went away first */
	uint8_t status, error, device;
	uint16_t count;
	uint64_t lba;
	size_t in_len;
};
void emu_ata_exec(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r);

/* The states of the standard. */
enum emu_ata_sec { EMU_SEC0, EMU_SEC1, EMU_SEC2, EMU_SEC3, EMU_SEC4, EMU_SEC5, EMU_SEC6 };
enum emu_ata_san { EMU_SD0, EMU_SD1, EMU_SD2, EMU_SD3, EMU_SD4 };
enum emu_ata_sec emu_ata_security_state(const struct emu_ata *d);
enum emu_ata_san emu_ata_sanitize_state(struct emu_ata *d);
/* Of 65536, while it runs; else FFFFh. */
uint16_t emu_ata_sanitize_progress(struct emu_ata *d);
/* The 512 bytes of IDENTIFY DEVICE as they are now. */
void emu_ata_identify(struct emu_ata *d, uint8_t out[512]);
