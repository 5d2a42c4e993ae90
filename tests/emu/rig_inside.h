/* rig_inside: what the parts of the rig share. For tests/emu/rig*.c only. */
#pragma once
#include <jansson.h>

#include "tests/emu/rig.h"

/* A row of a table of keys: where in a struct the value belongs, and how it is written. */
enum emu_field_type {
	EMU_FIELD_BOOL, /* true, false */
	EMU_FIELD_U32,	/* a number, also with 0x */
	EMU_FIELD_U64,
	EMU_FIELD_UNSIGNED,
	EMU_FIELD_TEXT,	     /* SIZE counts the zero at its end */
	EMU_FIELD_PERCENT,   /* stored of 65536 */
	EMU_FIELD_LEAVE,     /* nothing, all, spare, extent:FIRST+N, stripe:N */
	EMU_FIELD_TRIMMED,   /* zero, ones, old */
	EMU_FIELD_REGISTERS, /* kept, zero, lost */
	EMU_FIELD_PATTERN,   /* 8 hex digits, or false; the bool of PATTERN_SET goes with it */
};
struct emu_field {
	const char *key;
	enum emu_field_type type;
	size_t offset;
	size_t size;	   /* of a text */
	size_t offset_set; /* of a pattern: of the bool that says there is one */
};

/* A whole string as a number below or equal to MAX. */
bool emu_field_number(const char *text, uint64_t max, uint64_t *out);
/* FIRST+N */
bool emu_field_range(const char *text, uint64_t *first, uint64_t *n);
const struct emu_field *emu_field_find(const struct emu_field *rows, size_t n, const char *key);
bool emu_field_set(const struct emu_field *row, void *base, const char *value, struct emu_why *why);

/* What each kind of drive can be told when it is made; the number of rows goes to N. */
const struct emu_field *emu_rig_ata_fields(size_t *n);
const struct emu_field *emu_rig_scsi_fields(size_t *n);
const struct emu_field *emu_rig_nvme_fields(size_t *n);
const struct emu_field *emu_rig_nvme_faults(size_t *n);
/*
 * The namespaces of an NVMe drive from their array: objects of "bytes", "format", "extended",
 * "protection", "shared" and "controllers" (bits). NULL: the one that CFG has stays.
 */
bool emu_rig_nvme_namespaces(struct emu_nvme_config *cfg, const json_t *array, const char *place,
			     struct emu_why *why);
struct emu_unit emu_rig_nvme_unit(struct emu_rig_drive *slot);
struct emu_rig_stains emu_rig_nvme_stains(struct emu_nvme *d);

/* Faults that the drive itself has from the start: fields of its config. */
const struct emu_field *emu_rig_ata_birth_faults(size_t *n);
