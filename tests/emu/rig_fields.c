#include "tests/emu/rig_inside.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool emu_why(struct emu_why *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return false;
}

bool emu_field_number(const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*out = strtoull(text, &end, text[0] == '0' && text[1] == 'x' ? 16 : 10);
	return errno == 0 && !*end && *out <= max;
}

bool emu_field_range(const char *text, uint64_t *first, uint64_t *n)
{
	const char *plus = strchr(text, '+');
	char number[24];

	if (!plus || (size_t)(plus - text) >= sizeof(number))
		return false;
	memcpy(number, text, (size_t)(plus - text));
	number[plus - text] = '\0';
	return emu_field_number(number, UINT64_MAX, first) &&
	       emu_field_number(plus + 1, UINT64_MAX, n);
}

const struct emu_field *emu_field_find(const struct emu_field *rows, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(rows[i].key, key))
			return &rows[i];
	return NULL;
}

/* Which of the words it is, or N. */
static size_t word_of(const char *value, const char *const *words, size_t n)
{
	size_t i = 0;

	while (i < n && strcmp(value, words[i]) != 0)
		i++;
	return i;
}

static bool set_leave(struct emu_leave *l, const char *value)
{
	*l = (struct emu_leave){0};
	if (!strcmp(value, "nothing")) {
		l->kind = EMU_LEAVE_NOTHING;
	} else if (!strcmp(value, "all")) {
		l->kind = EMU_LEAVE_ALL;
	} else if (!strcmp(value, "spare")) {
		l->kind = EMU_LEAVE_SPARE;
	} else if (!strncmp(value, "extent:", 7)) {
		l->kind = EMU_LEAVE_EXTENT;
		return emu_field_range(value + 7, &l->first, &l->n) && l->n;
	} else if (!strncmp(value, "stripe:", 7)) {
		l->kind = EMU_LEAVE_STRIPE;
		return emu_field_number(value + 7, 1ULL << 32, &l->n) && l->n;
	} else {
		return false;
	}
	return true;
}

static bool set_bool(bool *out, const char *value)
{
	*out = !strcmp(value, "true");
	return *out || !strcmp(value, "false");
}

static bool set_pattern(const struct emu_field *row, char *base, const char *value)
{
	uint32_t *pattern = (uint32_t *)(void *)(base + row->offset);
	bool *is_set = (bool *)(base + row->offset_set);
	char *end;

	*is_set = false;
	if (!strcmp(value, "false"))
		return true;
	if (strlen(value) != 8 || strspn(value, "0123456789abcdef") != 8)
		return false;
	*pattern = (uint32_t)strtoul(value, &end, 16);
	*is_set = true;
	return true;
}

static bool set_number(const struct emu_field *row, void *at, const char *value)
{
	uint64_t v;

	switch (row->type) {
	case EMU_FIELD_U32:
		if (!emu_field_number(value, UINT32_MAX, &v))
			return false;
		*(uint32_t *)at = (uint32_t)v;
		return true;
	case EMU_FIELD_UNSIGNED:
		if (!emu_field_number(value, UINT32_MAX, &v))
			return false;
		*(unsigned *)at = (unsigned)v;
		return true;
	case EMU_FIELD_PERCENT:
		if (!emu_field_number(value, 100, &v))
			return false;
		*(uint32_t *)at = (uint32_t)(v * 65536 / 100);
		return true;
	default:
		return emu_field_number(value, UINT64_MAX, (uint64_t *)at);
	}
}

static bool set_word(const struct emu_field *row, void *at, const char *value)
{
	static const char *const trimmed[] = {"zero", "ones", "old"};
	static const char *const registers[] = {"kept", "zero", "lost"};
	size_t word = word_of(value, row->type == EMU_FIELD_TRIMMED ? trimmed : registers, 3);

	if (word == 3)
		return false;
	if (row->type == EMU_FIELD_TRIMMED)
		*(enum emu_trimmed *)at = (enum emu_trimmed)word;
	else
		*(enum emu_registers *)at = (enum emu_registers)word;
	return true;
}

static bool set(const struct emu_field *row, char *base, const char *value)
{
	void *at = base + row->offset;

	switch (row->type) {
	case EMU_FIELD_BOOL:
		return set_bool(at, value);
	case EMU_FIELD_U32:
	case EMU_FIELD_U64:
	case EMU_FIELD_UNSIGNED:
	case EMU_FIELD_PERCENT:
		return set_number(row, at, value);
	case EMU_FIELD_TEXT:
		return snprintf(at, row->size, "%s", value) < (int)row->size;
	case EMU_FIELD_LEAVE:
		return set_leave(at, value);
	case EMU_FIELD_TRIMMED:
	case EMU_FIELD_REGISTERS:
		return set_word(row, at, value);
	case EMU_FIELD_PATTERN:
		return set_pattern(row, base, value);
	}
	return false;
}

bool emu_field_set(const struct emu_field *row, void *base, const char *value, struct emu_why *why)
{
	if (set(row, base, value))
		return true;
	return emu_why(why, "%s cannot be '%s'", row->key, value);
}

#define ATA(name, what, field)                                                                     \
	{                                                                                          \
		name, EMU_FIELD_##what, offsetof(struct emu_ata_config, field), 0, 0               \
	}
#define ATA_TEXT(name, field)                                                                      \
	{                                                                                          \
		name, EMU_FIELD_TEXT, offsetof(struct emu_ata_config, field),                      \
			sizeof(((struct emu_ata_config *)0)->field), 0                             \
	}

const struct emu_field *emu_rig_ata_fields(size_t *n)
{
	static const struct emu_field rows[] = {
		ATA_TEXT("model", model),
		ATA_TEXT("serial", serial),
		ATA_TEXT("firmware", firmware),
		ATA("wwn", U64, wwn),
		ATA("sectors", U64, sectors),
		ATA("sector-bytes", U32, logical_bytes),
		ATA("physical-exponent", UNSIGNED, physical_exponent),
		ATA("spare-sectors", U32, spare_sectors),
		ATA("encrypts", BOOL, encrypts),
		ATA("security", BOOL, has_security),
		ATA("enhanced-erase", BOOL, has_enhanced_erase),
		ATA("sanitize", BOOL, has_sanitize),
		ATA("sanitize-crypto", BOOL, sanitize_crypto),
		ATA("sanitize-block", BOOL, sanitize_block),
		ATA("sanitize-overwrite", BOOL, sanitize_overwrite),
		ATA("antifreeze", BOOL, has_antifreeze),
		ATA("restricted-overrides", BOOL, restricted_overrides),
		ATA("hpa", BOOL, has_hpa),
		ATA("dco", BOOL, has_dco),
		ATA("amac", BOOL, has_amac),
		ATA("trim", BOOL, has_trim),
		ATA("trim-deterministic", BOOL, trim_is_deterministic),
		ATA("trimmed", TRIMMED, trimmed),
		ATA("smart", BOOL, has_smart),
		ATA("trusted", BOOL, has_trusted),
		ATA("erase-seconds", U32, erase_seconds),
		ATA("enhanced-seconds", U32, enhanced_seconds),
		ATA("sanitize-seconds", U32, sanitize_seconds),
	};

	*n = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

const struct emu_field *emu_rig_ata_birth_faults(size_t *n)
{
	static const struct emu_field rows[] = {
		ATA("frozen", BOOL, frozen_at_power_on),
	};

	*n = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

#define SCSI(name, what, field)                                                                    \
	{                                                                                          \
		name, EMU_FIELD_##what, offsetof(struct emu_scsi_config, field), 0, 0              \
	}
#define SCSI_TEXT(name, field)                                                                     \
	{                                                                                          \
		name, EMU_FIELD_TEXT, offsetof(struct emu_scsi_config, field),                     \
			sizeof(((struct emu_scsi_config *)0)->field), 0                            \
	}

const struct emu_field *emu_rig_scsi_fields(size_t *n)
{
	static const struct emu_field rows[] = {
		SCSI_TEXT("vendor", vendor),
		SCSI_TEXT("model", product),
		SCSI_TEXT("firmware", revision),
		SCSI_TEXT("serial", serial),
		SCSI("wwn", U64, wwn),
		SCSI("sectors", U64, sectors),
		SCSI("sector-bytes", U32, logical_bytes),
		SCSI("protection-type", UNSIGNED, pi_type),
		SCSI("physical-exponent", UNSIGNED, physical_exponent),
		SCSI("spare-sectors", U32, spare_sectors),
		SCSI("luns", UNSIGNED, luns),
		SCSI("encrypts", BOOL, encrypts),
		SCSI("sanitize-overwrite", BOOL, sanitize_overwrite),
		SCSI("sanitize-block", BOOL, sanitize_block),
		SCSI("sanitize-crypto", BOOL, sanitize_crypto),
		SCSI("sanitize-spans-luns", BOOL, sanitize_spans_luns),
		SCSI("wabereq", UNSIGNED, wabereq),
		SCSI("wacereq", UNSIGNED, wacereq),
		SCSI("unmap", BOOL, has_unmap),
		SCSI("unmapped-zero", BOOL, unmapped_zero),
		SCSI("trimmed", TRIMMED, trimmed),
		SCSI("opcodes", BOOL, has_opcodes),
		SCSI("fast-format", BOOL, has_fast_format),
		SCSI("write-cache", BOOL, has_write_cache),
		SCSI("write-same-max", U32, write_same_max),
		SCSI("sanitize-seconds", U32, sanitize_seconds),
		SCSI("format-seconds", U32, format_seconds),
		SCSI("rpm", U32, rpm),
	};

	*n = sizeof(rows) / sizeof(rows[0]);
	return rows;
}
