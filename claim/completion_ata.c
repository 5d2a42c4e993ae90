/*
 * What proves the end of an ATA drive's own erase. A sanitize: the registers of the command and of
 * SANITIZE STATUS EXT behind it. SECURITY ERASE UNIT: its registers, and that the password which
 * IDENTIFY DEVICE showed before is gone behind it.
 */
#include "claim/completion.h"

#include "device/protocol/ata_identify.h"
#include "device/protocol/ata_sanitize.h"
#include "device/protocol/drive_word.h"

#include <stdio.h>
#include <string.h>

#define STATUS_ARG ((uint32_t)XP_ATA_SANITIZE << 8 | XP_ATA_SANITIZE_STATUS)

/* With the drive's own word behind it. */
static void say_word(struct xp_completion *out, enum xp_completion_end end, const char *why,
		     const uint8_t *sense, size_t len)
{
	char word[XP_DRIVE_WORD_LEN];

	xp_drive_word(word, sense, len);
	out->end = end;
	snprintf(out->why, sizeof(out->why), "%s%s%s", why, *word ? ": " : "", word);
}

static void decode_status(struct xp_ata_sanitize_status *out, const uint8_t *sense, size_t len)
{
	struct xp_ata_registers regs;

	xp_sat_registers_parse(&regs, sense, len);
	xp_ata_sanitize_status_decide(out, &regs);
}

static bool identify_of(struct xp_ata_identify *out, const struct xp_raw *raw)
{
	return raw && xp_ata_identify_parse(out, raw->data, raw->len, NULL) == XP_OK;
}

static bool same_drive(const struct xp_ata_identify *a, const struct xp_ata_identify *b)
{
	return strcmp(a->serial, b->serial) == 0 && strcmp(a->model, b->model) == 0 &&
	       a->wwn == b->wwn;
}

/*
 * The drive before, the one behind it and the one that the phase began with are one. OUT says why
 * where not.
 */
static bool drives_agree(struct xp_completion *out, const struct xp_phase *erase,
			 struct xp_ata_identify *before, struct xp_ata_identify *after)
{
	struct xp_ata_identify begun;

	if (!identify_of(before, xp_completion_answer(erase, true, XP_RAW_ATA_IDENTIFY, 0)) ||
	    !identify_of(after, xp_completion_answer(erase, false, XP_RAW_ATA_IDENTIFY, 0))) {
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "the drive's own identity before and behind it is not at hand");
		return false;
	}
	for (size_t i = 0; i < erase->identity.raw_n; i++) {
		if (erase->identity.raw[i].kind != XP_RAW_ATA_IDENTIFY ||
		    !identify_of(&begun, &erase->identity.raw[i]) || same_drive(&begun, before))
			continue;
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "another drive answered than the one identified");
		return false;
	}
	if (same_drive(before, after))
		return true;
	xp_completion_say(out, XP_COMPLETION_UNPROVEN,
			  "another drive answered behind it than before");
	return false;
}

static bool parse_command(struct xp_ata_taskfile *tf, const struct xp_command_result *c)
{
	return c->cdb_len <= sizeof(c->cdb) && xp_sat_cdb_parse(tf, c->cdb, c->cdb_len);
}

/* Is the command block that of the technique, in every register that matters? */
static bool is_sanitize_of(const struct xp_ata_taskfile *tf, enum xp_technique t)
{
	if (tf->command != XP_ATA_SANITIZE || !tf->is_48bit || tf->protocol != XP_ATA_NON_DATA)
		return false;
	switch (t) {
	case XP_ATA_SANITIZE_CRYPTO:
		return tf->feature == XP_ATA_SANITIZE_CRYPTO_FEATURE &&
		       tf->lba == XP_ATA_SANITIZE_CRYPTO_KEY;
	case XP_ATA_SANITIZE_BLOCK:
		return tf->feature == XP_ATA_SANITIZE_BLOCK_FEATURE &&
		       tf->lba == XP_ATA_SANITIZE_BLOCK_KEY;
	default:
		return tf->feature == XP_ATA_SANITIZE_OVERWRITE_FEATURE &&
		       tf->lba >> 32 == XP_ATA_SANITIZE_OVERWRITE_KEY;
	}
}

static unsigned passes_of(const struct xp_ata_taskfile *tf)
{
	unsigned passes = tf->count & XP_ATA_SANITIZE_PASSES_MASK;

	if (tf->feature != XP_ATA_SANITIZE_OVERWRITE_FEATURE)
		return 0;
	return passes ? passes : XP_ATA_SANITIZE_PASSES_MASK + 1;
}

/*
 * An older success looks like a new one: that the drive did something shows only where it was seen
 * at it, or where no success stood there before.
 */
static bool has_run(const struct xp_phase *erase, const struct xp_ata_sanitize_status *sent)
{
	const struct xp_command_result *c = &erase->command;
	const struct xp_raw *raw = xp_completion_answer(erase, true, XP_RAW_SENSE, STATUS_ARG);
	struct xp_ata_sanitize_status s;

	if (sent->state == XP_ATA_SANITIZE_RUNNING)
		return true;
	for (size_t i = 0; i < c->during_n; i++) {
		if (c->during[i].kind != XP_RAW_SENSE || c->during[i].arg != STATUS_ARG)
			continue;
		decode_status(&s, c->during[i].data, c->during[i].len);
		if (s.state == XP_ATA_SANITIZE_RUNNING)
			return true;
	}
	if (!raw)
		return false;
	decode_status(&s, raw->data, raw->len);
	return s.state == XP_ATA_SANITIZE_NONE || s.state == XP_ATA_SANITIZE_FAILED;
}

static void decide_end(struct xp_completion *out, enum xp_ata_sanitize_state state)
{
	switch (state) {
	case XP_ATA_SANITIZE_SUCCEEDED:
		out->end = XP_COMPLETION_PROVEN;
		break;
	case XP_ATA_SANITIZE_FAILED:
		xp_completion_say(out, XP_COMPLETION_FAILED,
				  "the last sanitize failed, sectors are left");
		break;
	case XP_ATA_SANITIZE_RUNNING:
		xp_completion_say(out, XP_COMPLETION_UNPROVEN, "it was still running");
		break;
	case XP_ATA_SANITIZE_NONE:
		xp_completion_say(out, XP_COMPLETION_UNPROVEN, "the drive reports no success");
		break;
	case XP_ATA_SANITIZE_UNKNOWN:
	case XP_ATA_SANITIZE_REFUSED:
		xp_completion_say(out, XP_COMPLETION_UNPROVEN, "the status did not come back");
		break;
	}
}

static void decide_sanitize(struct xp_completion *out, const struct xp_phase *erase)
{
	const struct xp_command_result *c = &erase->command;
	const struct xp_raw *raw = xp_completion_answer(erase, false, XP_RAW_SENSE, STATUS_ARG);
	struct xp_ata_sanitize_status sent, last = {.state = XP_ATA_SANITIZE_UNKNOWN};
	struct xp_ata_identify before, after;
	struct xp_ata_registers regs;
	struct xp_ata_taskfile tf;

	if (!parse_command(&tf, c) || !is_sanitize_of(&tf, erase->technique) ||
	    c->overwrite_passes != passes_of(&tf)) {
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "the command that was sent is another");
		return;
	}
	xp_sat_registers_parse(&regs, c->sense, c->sense_len);
	if (!xp_sat_registers_are_lost(&regs) && (regs.status & XP_ATA_STATUS_ERR)) {
		say_word(out, XP_COMPLETION_FAILED, "the drive refused the command", c->sense,
			 c->sense_len);
		return;
	}
	if (!xp_sat_registers_are_good(&regs)) {
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "the command's own registers did not come back");
		return;
	}
	if (raw)
		decode_status(&last, raw->data, raw->len);
	decide_end(out, last.state);
	if (raw && out->end == XP_COMPLETION_FAILED)
		say_word(out, XP_COMPLETION_FAILED, "the last sanitize failed, sectors are left",
			 raw->data, raw->len);
	if (out->end != XP_COMPLETION_PROVEN)
		return;
	decode_status(&sent, c->sense, c->sense_len);
	if (!has_run(erase, &sent))
		xp_completion_say(
			out, XP_COMPLETION_UNPROVEN,
			"an older success stood there before, and the drive was never seen at it");
	else if (!drives_agree(out, erase, &before, &after))
		out->end = XP_COMPLETION_UNPROVEN;
}

static void decide_erase_unit(struct xp_completion *out, const struct xp_phase *erase)
{
	const struct xp_command_result *c = &erase->command;
	struct xp_ata_identify before, after;
	struct xp_ata_registers regs;
	struct xp_ata_taskfile tf;

	if (!parse_command(&tf, c) || tf.command != XP_ATA_SECURITY_ERASE_UNIT || tf.is_48bit) {
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "the command that was sent is another");
		return;
	}
	xp_sat_registers_parse(&regs, c->sense, c->sense_len);
	if (!xp_sat_registers_are_lost(&regs) && (regs.status & XP_ATA_STATUS_ERR)) {
		say_word(out, XP_COMPLETION_FAILED, "the drive aborted it", c->sense, c->sense_len);
		return;
	}
	if (!xp_sat_registers_are_good(&regs)) {
		xp_completion_say(out, XP_COMPLETION_UNPROVEN, "its registers did not come back");
		return;
	}
	if (!drives_agree(out, erase, &before, &after))
		return;
	if (!before.security.enabled || before.security.locked || before.security.frozen)
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "the drive did not show before it that it could be carried out");
	else if (erase->technique == XP_ATA_SECURE_ERASE_ENHANCED &&
		 !before.security.has_enhanced_erase)
		xp_completion_say(out, XP_COMPLETION_UNPROVEN, "the drive has no enhanced erase");
	else if (!after.security.supported || after.security.enabled || after.security.locked)
		xp_completion_say(
			out, XP_COMPLETION_FAILED,
			"the password is still set: a drive that erased has taken it away");
	else
		out->end = XP_COMPLETION_PROVEN;
}

void xp_completion_ata(struct xp_completion *out, const struct xp_phase *erase)
{
	if (erase->technique == XP_ATA_SECURE_ERASE ||
	    erase->technique == XP_ATA_SECURE_ERASE_ENHANCED)
		decide_erase_unit(out, erase);
	else
		decide_sanitize(out, erase);
}
