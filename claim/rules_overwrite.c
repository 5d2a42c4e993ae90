/* 26, of a drive's own overwrite: it had the passes that the policy asks for. */
#include "claim/judge.h"

#include "base/wire.h"
#include "device/protocol/ata_cmd.h"
#include "device/protocol/sat.h"
#include "device/protocol/scsi_sanitize.h"

#define NVME_SQE_LEN   64
#define NVME_OFF_CDW10 40
/* OIPBP [NVM Express Base 2.0, 5.24] */
#define NVME_INVERTS 0x100u
/* INVERT, in byte 0 of the parameter list [SBC-4] */
#define SCSI_INVERTS 0x80u

static const struct xp_raw *scsi_list(const struct xp_command_result *c)
{
	for (size_t i = 0; i < c->before_n; i++)
		if (c->before[i].kind == XP_RAW_SCSI_LIST && c->before[i].arg == XP_SCSI_SANITIZE &&
		    c->before[i].len == XP_SCSI_OVERWRITE_LIST_LEN)
			return &c->before[i];
	return NULL;
}

/* As the command shows: of a SCSI drive its list has them, and without one there was one. */
static uint32_t passes_of(const struct xp_command_result *c, enum xp_technique t)
{
	return t == XP_SCSI_SANITIZE_OVERWRITE && !scsi_list(c) && c->overwrite_passes > 1
		       ? 1
		       : c->overwrite_passes;
}

/* Does the command block itself say that passes are inverted? */
static bool is_inverted(const struct xp_command_result *c, enum xp_technique t)
{
	struct xp_ata_taskfile tf;

	if (t == XP_ATA_SANITIZE_OVERWRITE)
		return c->cdb_len <= sizeof(c->cdb) && xp_sat_cdb_parse(&tf, c->cdb, c->cdb_len) &&
		       (tf.count & XP_ATA_SANITIZE_INVERT);
	if (t == XP_SCSI_SANITIZE_OVERWRITE)
		return scsi_list(c) && (scsi_list(c)->data[0] & SCSI_INVERTS) != 0;
	if (t == XP_NVME_SANITIZE_OVERWRITE)
		return c->cdb_len == NVME_SQE_LEN &&
		       (get_le32(c->cdb + NVME_OFF_CDW10) & NVME_INVERTS);
	return false;
}

void xp_rule_sanitize_passes(struct xp_judge *j)
{
	const struct xp_sanitize_overwrite asked = xp_policy_sanitize_overwrite(j->policy);
	const struct xp_command_result *c = &j->erase->command;
	uint32_t passes = passes_of(c, j->technique);

	if (!xp_technique_is_sanitize_overwrite(j->technique) || asked.passes <= 1)
		return;
	if (passes < asked.passes)
		xp_judge_lower(
			j, 26, "passes-fewer", XP_NONE, XP_OUTCOME_FAILED,
			"the policy asks for %u passes of the drive's own overwrite; %u were "
			"asked of the drive",
			asked.passes, passes);
	if (asked.inverts && !is_inverted(c, j->technique))
		xp_judge_lower(j, 26, "passes-not-inverted", XP_NONE, XP_OUTCOME_FAILED,
			       "the policy asks for inverted passes; the command does not show "
			       "them");
}
