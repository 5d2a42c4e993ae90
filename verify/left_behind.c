#include "verify/left_behind.h"

#include <string.h>

#include "base/wire.h"
#include "device/protocol/nvme_sanitize.h"

/* ATA PASS-THROUGH (16) with SANITIZE DEVICE, OVERWRITE EXT [SAT-4, ACS-3] */
#define CDB_ATA_16	  0x85
#define ATA_SANITIZE	  0xb4
#define ATA_OVERWRITE_EXT 0x14
#define ATA_CDB_LEN	  16
#define ATA_PASSES_MASK	  0x0f /* 0 is 16 */
#define ATA_DEFINITIVE	  0x40
#define ATA_INVERT	  0x80
/* SANITIZE, service action OVERWRITE [SBC-4] */
#define CDB_SCSI_SANITIZE 0x48
#define SCSI_ACTION_MASK  0x1f
#define SCSI_OVERWRITE	  0x01
#define SCSI_CDB_LEN	  10
#define SCSI_LIST_LEN	  8
#define SCSI_INVERT	  0x80
#define SCSI_PASSES_MASK  0x1f
/* Sanitize [NVM Express Base 2.0, 5.24] */
#define NVME_SANITIZE	   0x84
#define NVME_SQE_LEN	   64
#define OFF_CDW10	   40
#define OFF_CDW11	   44
#define NVME_ACTION_MASK   0x7
#define NVME_OVERWRITE	   3
#define NVME_NO_DEALLOCATE 0x200
#define NVME_VERIFY	   0x400 /* EMVS */
#define LOG_SANITIZE	   0x81

static void set_pattern(struct xp_content *out, const uint8_t p[4])
{
	bool is_zero = (p[0] | p[1] | p[2] | p[3]) == 0;

	*out = (struct xp_content){.kind = is_zero ? XP_CONTENT_ZERO : XP_CONTENT_PATTERN};
	if (is_zero)
		return;
	memcpy(out->pattern, p, 4);
	out->pattern_len = 4;
}

/* [ACS-3 7.36.5] the pattern is inverted before each further pass; it stands in the LBA field. */
static void left_by_ata(struct xp_left_behind *out, const struct xp_command_result *c)
{
	uint8_t pattern[4] = {c->cdb[7], c->cdb[12], c->cdb[10], c->cdb[8]};
	unsigned passes = c->cdb[6] & ATA_PASSES_MASK;

	if (c->cdb_len != ATA_CDB_LEN || c->cdb[14] != ATA_SANITIZE ||
	    c->cdb[4] != ATA_OVERWRITE_EXT)
		return;
	if (passes == 0)
		passes = 16;
	if ((c->cdb[6] & ATA_INVERT) && !(c->cdb[6] & ATA_DEFINITIVE) && passes % 2 == 0)
		for (unsigned i = 0; i < 4; i++)
			pattern[i] = (uint8_t)~pattern[i];
	set_pattern(&out->content, pattern);
	out->deallocated = XP_ANSWER_NO;
}

/* The sanitize log of the end; false: there is none. */
static bool log_of_end(struct xp_nvme_sanitize_log *log, const struct xp_command_result *c)
{
	for (size_t i = 0; i < c->after_n; i++) {
		const struct xp_raw *raw = &c->after[i];

		if (raw->kind == XP_RAW_NVME_LOG && raw->arg == LOG_SANITIZE &&
		    xp_nvme_sanitize_log_parse(log, raw->data, raw->len, NULL) == XP_OK)
			return true;
	}
	return false;
}

static bool gave_up_blocks(const struct xp_command_result *c)
{
	struct xp_nvme_sanitize_log log;

	return log_of_end(&log, c) && log.state == XP_NVME_SANITIZE_SUCCEEDED_DEALLOCATED;
}

static bool waits_to_be_read(const struct xp_command_result *c)
{
	struct xp_nvme_sanitize_log log;

	return log_of_end(&log, c) && log.phase == XP_NVME_SANITIZE_PHASE_VERIFICATION;
}

/* The last pass equals the pattern, whether passes are inverted or not. */
static void left_by_nvme(struct xp_left_behind *out, const struct xp_command_result *c)
{
	uint32_t cdw10 = get_le32(c->cdb + OFF_CDW10);

	if (c->cdb[0] != NVME_SANITIZE)
		return;
	out->deallocated = XP_ANSWER_YES;
	if ((cdw10 & NVME_VERIFY) && waits_to_be_read(c)) {
		out->deallocated = XP_ANSWER_NO;
		out->while_waiting = true;
		return;
	}
	if (!(cdw10 & NVME_NO_DEALLOCATE) || gave_up_blocks(c))
		return;
	out->deallocated = XP_ANSWER_NO;
	if ((cdw10 & NVME_ACTION_MASK) == NVME_OVERWRITE)
		set_pattern(&out->content, c->cdb + OFF_CDW11);
}

/*
 * The pattern stands in the parameter list. Inverted, an even number of passes may end with either
 * of the two: the standard does not say which one begins [SBC-4].
 */
static void left_by_scsi(struct xp_left_behind *out, const struct xp_command_result *c)
{
	const uint8_t *list = NULL;

	out->deallocated = XP_ANSWER_NO;
	for (size_t i = 0; i < c->before_n; i++)
		if (c->before[i].kind == XP_RAW_SCSI_LIST &&
		    c->before[i].arg == CDB_SCSI_SANITIZE && c->before[i].len == SCSI_LIST_LEN &&
		    get_be16(c->before[i].data + 2) == SCSI_LIST_LEN - 4)
			list = c->before[i].data;
	if (list && ((list[0] & SCSI_INVERT) == 0 || (list[0] & SCSI_PASSES_MASK) % 2 == 1))
		set_pattern(&out->content, list + 4);
}

static bool is_disk(const struct xp_identity *id)
{
	return id->media == XP_MEDIA_HDD;
}

void xp_left_behind(struct xp_left_behind *out, const struct xp_phase *erase)
{
	const struct xp_command_result *c = &erase->command;

	*out = (struct xp_left_behind){.content = {.kind = XP_CONTENT_UNKNOWN}};
	/* a disk has no blocks to give up */
	if (is_disk(&erase->identity))
		out->deallocated = XP_ANSWER_NO;
	if (c->cdb_len == NVME_SQE_LEN) {
		left_by_nvme(out, c);
	} else if (c->cdb_len && c->cdb[0] == CDB_ATA_16) {
		left_by_ata(out, c);
	} else if (c->cdb_len == SCSI_CDB_LEN && c->cdb[0] == CDB_SCSI_SANITIZE &&
		   (c->cdb[1] & SCSI_ACTION_MASK) == SCSI_OVERWRITE) {
		left_by_scsi(out, c);
	}
}
