#include "claim/terms.h"

#include "base/names.h"

static const char *const level_names[] = {
	[XP_NONE] = "none",
	[XP_CLEAR] = "clear",
	[XP_PURGE] = "purge",
};
XP_NAMES(level, xp_level, level_names, XP_PURGE + 1)

static const char *const scope_names[] = {
	[XP_SCOPE_FILE] = "file",
	[XP_SCOPE_PARTITION] = "partition",
	[XP_SCOPE_LOGICAL_UNIT] = "logical-unit",
	[XP_SCOPE_NAMESPACE] = "namespace",
	[XP_SCOPE_DRIVE] = "drive",
};
XP_NAMES(scope, xp_scope, scope_names, XP_SCOPE_DRIVE + 1)

static const char *const technique_names[] = {
	[XP_OVERWRITE_ZERO] = "overwrite-zero",
	[XP_OVERWRITE_RANDOM] = "overwrite-random",
	[XP_OVERWRITE_PATTERN] = "overwrite-pattern",
	[XP_ATA_SANITIZE_CRYPTO] = "ata-sanitize-crypto",
	[XP_ATA_SANITIZE_BLOCK] = "ata-sanitize-block",
	[XP_ATA_SANITIZE_OVERWRITE] = "ata-sanitize-overwrite",
	[XP_ATA_SECURE_ERASE] = "ata-secure-erase",
	[XP_ATA_SECURE_ERASE_ENHANCED] = "ata-secure-erase-enhanced",
	[XP_SCSI_SANITIZE_CRYPTO] = "scsi-sanitize-crypto",
	[XP_SCSI_SANITIZE_BLOCK] = "scsi-sanitize-block",
	[XP_SCSI_SANITIZE_OVERWRITE] = "scsi-sanitize-overwrite",
	[XP_SCSI_FORMAT] = "scsi-format",
	[XP_NVME_SANITIZE_CRYPTO] = "nvme-sanitize-crypto",
	[XP_NVME_SANITIZE_BLOCK] = "nvme-sanitize-block",
	[XP_NVME_SANITIZE_OVERWRITE] = "nvme-sanitize-overwrite",
	[XP_NVME_FORMAT_CRYPTO] = "nvme-format-crypto",
	[XP_NVME_FORMAT_USER] = "nvme-format-user",
	[XP_LUKS_DESTROY] = "luks-destroy",
	[XP_FILE_OVERWRITE] = "file-overwrite",
};
XP_NAMES(technique, xp_technique, technique_names, XP_TECHNIQUE_COUNT)

static const char *const outcome_names[] = {
	[XP_OUTCOME_SANITIZED] = "sanitized",
	[XP_OUTCOME_SANITIZED_WITH_EXCEPTIONS] = "sanitized_with_exceptions",
	[XP_OUTCOME_FAILED] = "failed",
	[XP_OUTCOME_ABORTED] = "aborted",
	[XP_OUTCOME_INDETERMINATE] = "indeterminate",
};
XP_NAMES(outcome, xp_outcome, outcome_names, XP_OUTCOME_INDETERMINATE + 1)

bool xp_technique_is_host_overwrite(enum xp_technique v)
{
	return v == XP_OVERWRITE_ZERO || v == XP_OVERWRITE_RANDOM || v == XP_OVERWRITE_PATTERN;
}

bool xp_technique_is_host_write(enum xp_technique v)
{
	return xp_technique_is_host_overwrite(v) || v == XP_LUKS_DESTROY || v == XP_FILE_OVERWRITE;
}

bool xp_technique_is_device_command(enum xp_technique v)
{
	return v >= XP_ATA_SANITIZE_CRYPTO && v <= XP_NVME_FORMAT_USER;
}

bool xp_technique_is_sanitize_overwrite(enum xp_technique v)
{
	return v == XP_ATA_SANITIZE_OVERWRITE || v == XP_SCSI_SANITIZE_OVERWRITE ||
	       v == XP_NVME_SANITIZE_OVERWRITE;
}

/* '*' stands for any run of characters; linear in both lengths' product at worst. */
bool xp_pattern_matches(const char *pattern, const char *text)
{
	const char *star = NULL;
	const char *again = text;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			again = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++again;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == 0;
}
