/* terms: the words of a claim: level, scope, technique, outcome. Names are those of interface.md.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Ordered: a claim only ever goes down. DESTROY is never issued by software. */
enum xp_level { XP_NONE, XP_CLEAR, XP_PURGE };

/* Ordered from the narrowest to the widest. */
enum xp_scope {
	XP_SCOPE_FILE,
	XP_SCOPE_PARTITION,
	XP_SCOPE_LOGICAL_UNIT,
	XP_SCOPE_NAMESPACE,
	XP_SCOPE_DRIVE,
};

enum xp_technique {
	XP_OVERWRITE_ZERO,
	XP_OVERWRITE_RANDOM,
	XP_OVERWRITE_PATTERN,
	XP_ATA_SANITIZE_CRYPTO,
	XP_ATA_SANITIZE_BLOCK,
	XP_ATA_SANITIZE_OVERWRITE,
	XP_ATA_SECURE_ERASE,
	XP_ATA_SECURE_ERASE_ENHANCED,
	XP_SCSI_SANITIZE_CRYPTO,
	XP_SCSI_SANITIZE_BLOCK,
	XP_SCSI_SANITIZE_OVERWRITE,
	XP_SCSI_FORMAT,
	XP_NVME_SANITIZE_CRYPTO,
	XP_NVME_SANITIZE_BLOCK,
	XP_NVME_SANITIZE_OVERWRITE,
	XP_NVME_FORMAT_CRYPTO,
	XP_NVME_FORMAT_USER,
	XP_LUKS_DESTROY,
	XP_FILE_OVERWRITE,
	XP_TECHNIQUE_COUNT, /* not a technique; a bound for tables */
};

enum xp_outcome {
	XP_OUTCOME_SANITIZED,
	XP_OUTCOME_SANITIZED_WITH_EXCEPTIONS,
	XP_OUTCOME_FAILED,
	XP_OUTCOME_ABORTED,
	XP_OUTCOME_INDETERMINATE,
};

/* Names as users, scripts and records write them. Never NULL for a valid value. */
const char *xp_level_name(enum xp_level v);
const char *xp_scope_name(enum xp_scope v);
const char *xp_technique_name(enum xp_technique v);
const char *xp_outcome_name(enum xp_outcome v);

/* false: not such a name. */
bool xp_level_parse(enum xp_level *out, const char *name);
bool xp_scope_parse(enum xp_scope *out, const char *name);
bool xp_technique_parse(enum xp_technique *out, const char *name);
bool xp_outcome_parse(enum xp_outcome *out, const char *name);

/* All of the target, written by the host over ordinary writes. */
bool xp_technique_is_host_overwrite(enum xp_technique v);
/* Ordinary writes of the host, over all of the target or over a part of it. */
bool xp_technique_is_host_write(enum xp_technique v);
/* One command that the drive carries out by itself (ATA, SCSI, NVMe). */
bool xp_technique_is_device_command(enum xp_technique v);

/* One that has the drive overwrite itself with a pattern (ATA, SCSI, NVMe). */
bool xp_technique_is_sanitize_overwrite(enum xp_technique v);

/* In PATTERN '*' stands for any run of characters. */
bool xp_pattern_matches(const char *pattern, const char *text);
