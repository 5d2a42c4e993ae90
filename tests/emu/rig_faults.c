#include "tests/emu/emu_ask.h"
#include "tests/emu/rig_inside.h"

#include "base/wire.h"

#include <stdio.h>
#include <string.h>

#define ATA(name, what, field)                                                                     \
	{                                                                                          \
		name, EMU_FIELD_##what, offsetof(struct emu_ata_faults, field), 0, 0               \
	}
#define SCSI(name, what, field)                                                                    \
	{                                                                                          \
		name, EMU_FIELD_##what, offsetof(struct emu_scsi_faults, field), 0, 0              \
	}
#define SATL(name, what, field)                                                                    \
	{                                                                                          \
		name, EMU_FIELD_##what, offsetof(struct emu_satl, field), 0, 0                     \
	}

static const struct emu_field ata_faults[] = {
	ATA("erase-refused", BOOL, erase_refused),
	ATA("password-forgotten", BOOL, set_password_forgotten),
	ATA("sanitize-ignored", BOOL, sanitize_ignored),
	ATA("sanitize-stalls-at", PERCENT, sanitize_stalls_at),
	ATA("sanitize-fails-at", PERCENT, sanitize_fails_at),
	ATA("keeps-key", BOOL, keeps_key),
	ATA("leaves", LEAVE, leave),
	{"vendor-pattern", EMU_FIELD_PATTERN, offsetof(struct emu_ata_faults, pattern), 0,
	 offsetof(struct emu_ata_faults, vendor_pattern)},
	ATA("smart-threshold", BOOL, threshold_exceeded),
	ATA("checksum-wrong", BOOL, checksum_wrong),
};

static const struct emu_field satl_faults[] = {
	SATL("registers", REGISTERS, registers),	SATL("fixed-sense", BOOL, fixed_sense),
	SATL("no-pass-through", BOOL, no_pass_through), SATL("drops-erase", BOOL, drops_erase),
	SATL("vanishes-after", U64, vanishes_after),	SATL("swap-after", U64, swaps_after),
};

static const struct emu_field scsi_faults[] = {
	SCSI("sanitize-ignored", BOOL, sanitize_ignored),
	SCSI("sanitize-stalls-at", PERCENT, sanitize_stalls_at),
	SCSI("sanitize-fails-at", PERCENT, sanitize_fails_at),
	SCSI("sanitize-forgotten", BOOL, sanitize_forgotten),
	SCSI("progress-unsaid", BOOL, progress_unsaid),
	SCSI("keeps-key", BOOL, keeps_key),
	SCSI("leaves", LEAVE, leave),
	{"vendor-pattern", EMU_FIELD_PATTERN, offsetof(struct emu_scsi_faults, pattern), 0,
	 offsetof(struct emu_scsi_faults, vendor_pattern)},
	SCSI("format-ignored", BOOL, format_ignored),
	SCSI("format-stalls-at", PERCENT, format_stalls_at),
	SCSI("format-fails-at", PERCENT, format_fails_at),
	SCSI("format-block-bytes", U32, format_block_bytes),
	SCSI("format-drops-protection", BOOL, format_drops_pi),
	SCSI("unmapped-lies", BOOL, unmapped_lies),
	SCSI("unmapped-as", TRIMMED, unmapped_as),
	SCSI("fixed-sense", BOOL, fixed_sense),
	SCSI("sense-lost", BOOL, sense_lost),
	SCSI("reserved-elsewhere", BOOL, reserved_elsewhere),
	SCSI("smart-threshold", BOOL, threshold_exceeded),
	SCSI("mode-select-refused", BOOL, mode_select_refused),
	SCSI("mode-select-ignored", BOOL, mode_select_ignored),
	SCSI("write-same-refused", BOOL, write_same_refused),
	SCSI("write-same-ignored", BOOL, write_same_ignored),
	SCSI("write-same-vendors", BOOL, write_same_vendors),
	SCSI("vanishes-after", U64, vanishes_after),
	SCSI("swap-after", U64, swaps_after),
};

#define ROWS(table) table, sizeof(table) / sizeof(table[0])

static void power_cycle(struct emu_ata *d)
{
	emu_ata_power_off(d);
	emu_ata_power_on(d);
}

static bool did(struct emu_ata_result r, const char *key, struct emu_why *why)
{
	return emu_is_good(&r) || emu_why(why, "%s: the drive takes no such command now", key);
}

/* A password is set, and the drive comes up locked. */
static bool lock(struct emu_ata *d, const char *password, struct emu_why *why)
{
	if (!did(emu_ask_password(d, 0xf1, 0, password), "locked", why))
		return false;
	power_cycle(d);
	return true;
}

/* As many wrong passwords as the drive bears. */
static bool expire(struct emu_ata *d, struct emu_why *why)
{
	if (emu_ata_security_state(d) != EMU_SEC4)
		return emu_why(why, "expired: the drive is not locked");
	for (int i = 0; i < 5; i++)
		(void)emu_ask_password(d, 0xf2, 0, "not the password of this drive");
	return true;
}

static bool hide_by_hpa(struct emu_ata *d, uint64_t sectors, struct emu_why *why)
{
	if (!did(emu_ask(d, 0x27, true, 0, 0, 0), "hpa", why) ||
	    !did(emu_ask(d, 0x37, true, 0, 1, sectors - 1), "hpa", why))
		return false;
	power_cycle(d);
	return true;
}

static bool hide_by_amac(struct emu_ata *d, uint64_t sectors, struct emu_why *why)
{
	if (!did(emu_ask(d, 0x78, true, 1, 0, sectors - 1), "amac", why))
		return false;
	power_cycle(d);
	return true;
}

/* [ATA8-ACS DEVICE CONFIGURATION SET]: what IDENTIFY gives, with another maximum. */
static bool hide_by_dco(struct emu_ata *d, uint64_t sectors, struct emu_why *why)
{
	struct emu_ata_cmd identify = {.command = 0xb1, .feature = 0xc2, .count = 1};
	struct emu_ata_cmd set = {.command = 0xb1, .feature = 0xc3, .count = 1};
	uint8_t data[512];
	uint8_t sum = 0;

	if (!did(emu_ask_in(d, &identify, data, sizeof(data)), "dco", why))
		return false;
	put_le64(data + 6, sectors - 1);
	data[510] = 0xa5;
	for (size_t i = 0; i < 511; i++)
		sum = (uint8_t)(sum + data[i]);
	data[511] = (uint8_t)-sum;
	if (!did(emu_ask_out(d, &set, data, sizeof(data)), "dco", why))
		return false;
	power_cycle(d);
	return true;
}

static bool hide(struct emu_ata *d, const char *key, const char *value, struct emu_why *why)
{
	uint64_t sectors;

	if (!emu_field_number(value, emu_ata_sectors(d), &sectors) || sectors == 0)
		return emu_why(why, "%s cannot be '%s'", key, value);
	if (!strcmp(key, "hpa"))
		return hide_by_hpa(d, sectors, why);
	return !strcmp(key, "amac") ? hide_by_amac(d, sectors, why) : hide_by_dco(d, sectors, why);
}

/* Faults that are done to a drive, not switched; true in *KNOWN when KEY is one. */
static bool do_to_ata(struct emu_ata *d, const char *key, const char *value, bool *known,
		      struct emu_why *why)
{
	bool is_true = !strcmp(value, "true");

	*known = true;
	if (!strcmp(key, "locked"))
		return lock(d, value, why);
	if (!strcmp(key, "expired"))
		return is_true ? expire(d, why) : emu_why(why, "expired can only be true");
	if (!strcmp(key, "frozen"))
		return is_true ? did(emu_ask(d, 0xf5, false, 0, 0, 0), key, why)
			       : emu_why(why, "frozen ends with a power cycle");
	if (!strcmp(key, "hpa") || !strcmp(key, "dco") || !strcmp(key, "amac"))
		return hide(d, key, value, why);
	*known = false;
	return false;
}

static bool add_bad(struct emu_rig_drive *d, bool on_read, bool on_write, const char *value,
		    struct emu_why *why)
{
	struct emu_bad bad = {.on_read = on_read, .on_write = on_write};

	if (!emu_field_range(value, &bad.first, &bad.n) || bad.n == 0)
		return emu_why(why, "a bad range is FIRST+N, not '%s'", value);
	return emu_media_add_bad(emu_rig_media(d), &bad) || emu_why(why, "too many bad ranges");
}

static bool set_from(const struct emu_field *rows, size_t n, void *base, const char *key,
		     const char *value, bool *known, struct emu_why *why)
{
	const struct emu_field *row = emu_field_find(rows, n, key);

	*known = row != NULL;
	return row && emu_field_set(row, base, value, why);
}

static bool set_swap(struct emu_rig *rig, struct emu_rig_drive *d, const char *value,
		     struct emu_why *why)
{
	struct emu_rig_drive *other = emu_rig_find(rig, value);

	if (!other || other == d || !d->ata != !other->ata || d->nvme || other->nvme)
		return emu_why(why, "swap-for: there is no other drive '%s' of its kind", value);
	if (d->ata)
		d->satl.swap_for = other->ata;
	else
		emu_scsi_faults(d->scsi)->swap_for = other->scsi;
	return true;
}

bool emu_rig_fault(struct emu_rig *rig, struct emu_rig_drive *d, const char *key, const char *value,
		   struct emu_why *why)
{
	bool known = true;
	bool ok;

	if (!strcmp(key, "bad-read") || !strcmp(key, "bad-write"))
		return add_bad(d, !strcmp(key, "bad-read"), !strcmp(key, "bad-write"), value, why);
	if (!strcmp(key, "swap-for"))
		return set_swap(rig, d, value, why);
	if (d->nvme) {
		size_t n;
		uint64_t nsid;
		const struct emu_field *rows = emu_rig_nvme_faults(&n);

		if (!strcmp(key, "reserved-elsewhere"))
			return (emu_field_number(value, EMU_NVME_NS_MAX, &nsid) &&
				emu_nvme_reserve_elsewhere(d->nvme, (uint32_t)nsid, 1)) ||
			       emu_why(why, "%s: no namespace '%s'", key, value);
		ok = set_from(rows, n, emu_nvme_faults(d->nvme), key, value, &known, why);
		return ok || known ? ok : emu_why(why, "an NVMe drive has no fault '%s'", key);
	}
	if (d->scsi) {
		ok = set_from(ROWS(scsi_faults), emu_scsi_faults(d->scsi), key, value, &known, why);
		return ok || known ? ok : emu_why(why, "a SAS drive has no fault '%s'", key);
	}
	ok = set_from(ROWS(ata_faults), emu_ata_faults(d->ata), key, value, &known, why);
	if (!known)
		ok = set_from(ROWS(satl_faults), &d->satl, key, value, &known, why);
	if (!known)
		ok = do_to_ata(d->ata, key, value, &known, why);
	return ok || known ? ok : emu_why(why, "an ATA drive has no fault '%s'", key);
}
