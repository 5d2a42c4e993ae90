#include "claim/completion.h"

#include <stdarg.h>
#include <stdio.h>

void xp_completion_say(struct xp_completion *out, enum xp_completion_end end, const char *fmt, ...)
{
	va_list ap;

	out->end = end;
	va_start(ap, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, ap);
	va_end(ap);
}

static const struct xp_raw *find(const struct xp_raw *list, size_t n, enum xp_raw_kind kind,
				 uint32_t arg)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].kind == kind && list[i].arg == arg)
			return &list[i];
	return NULL;
}

const struct xp_raw *xp_completion_answer(const struct xp_phase *erase, bool was_before,
					  enum xp_raw_kind kind, uint32_t arg)
{
	const struct xp_command_result *c = &erase->command;

	return was_before ? find(c->before, c->before_n, kind, arg)
			  : find(c->after, c->after_n, kind, arg);
}

const struct xp_raw *xp_completion_during(const struct xp_phase *erase, enum xp_raw_kind kind,
					  uint32_t arg)
{
	return find(erase->command.during, erase->command.during_n, kind, arg);
}

void xp_completion_decide(struct xp_completion *out, const struct xp_phase *erase)
{
	*out = (struct xp_completion){.end = XP_COMPLETION_UNPROVEN};
	switch (erase->technique) {
	case XP_ATA_SANITIZE_CRYPTO:
	case XP_ATA_SANITIZE_BLOCK:
	case XP_ATA_SANITIZE_OVERWRITE:
	case XP_ATA_SECURE_ERASE:
	case XP_ATA_SECURE_ERASE_ENHANCED:
		xp_completion_ata(out, erase);
		break;
	case XP_SCSI_SANITIZE_CRYPTO:
	case XP_SCSI_SANITIZE_BLOCK:
	case XP_SCSI_SANITIZE_OVERWRITE:
	case XP_SCSI_FORMAT:
		xp_completion_scsi(out, erase);
		break;
	case XP_NVME_SANITIZE_CRYPTO:
	case XP_NVME_SANITIZE_BLOCK:
	case XP_NVME_SANITIZE_OVERWRITE:
	case XP_NVME_FORMAT_CRYPTO:
	case XP_NVME_FORMAT_USER:
		xp_completion_nvme(out, erase);
		break;
	case XP_OVERWRITE_ZERO:
	case XP_OVERWRITE_RANDOM:
	case XP_OVERWRITE_PATTERN:
	case XP_LUKS_DESTROY:
	case XP_FILE_OVERWRITE:
	case XP_TECHNIQUE_COUNT:
		break;
	}
}
