/*
 * A SCSI drive keeps no flag of success. What decides is the trail: the command was taken, the
 * drive was seen at it (or answered when it had ended), and afterwards it had nothing to say and
 * was ready.
 */
#include "claim/completion.h"

#include "device/protocol/scsi_sanitize.h"
#include "device/protocol/scsi_sense.h"

#include <stdio.h>

#define PASSES_MASK 0x1f

static bool is_format(const struct xp_phase *erase)
{
	return erase->technique == XP_SCSI_FORMAT;
}

/* The parameter list that went with it, where it was kept, asks for as many passes as are told. */
static bool list_agrees(const struct xp_phase *erase)
{
	const struct xp_raw *list =
		xp_completion_answer(erase, true, XP_RAW_SCSI_LIST, XP_SCSI_SANITIZE);

	if (erase->technique != XP_SCSI_SANITIZE_OVERWRITE)
		return true;
	/* one that wrote nothing would have no time to take */
	if (!list)
		return erase->command.overwrite_passes > 0;
	return list->len == XP_SCSI_OVERWRITE_LIST_LEN &&
	       (list->data[0] & PASSES_MASK) == erase->command.overwrite_passes;
}

/* Was the right command sent? *ANSWERED_AT_END: GOOD means that it has ended. */
static bool is_the_command(bool *answered_at_end, const struct xp_phase *erase)
{
	const struct xp_command_result *c = &erase->command;
	struct xp_scsi_sanitize s;
	struct xp_scsi_format f;
	uint8_t action = erase->technique == XP_SCSI_SANITIZE_CRYPTO  ? XP_SCSI_ACTION_CRYPTO
			 : erase->technique == XP_SCSI_SANITIZE_BLOCK ? XP_SCSI_ACTION_BLOCK
								      : XP_SCSI_ACTION_OVERWRITE;

	if (is_format(erase)) {
		/* the bit IMMED stands in the parameter list: without one it is 0 */
		if (!xp_scsi_format_parse(&f, c->cdb, c->cdb_len) || f.is_fast)
			return false;
		*answered_at_end = !f.has_list;
		return true;
	}
	if (!xp_scsi_sanitize_parse(&s, c->cdb, c->cdb_len) || s.action != action || s.unrestricted)
		return false;
	*answered_at_end = !s.immediate;
	return list_agrees(erase);
}

static void say_refused(struct xp_completion *out, const struct xp_command_result *c)
{
	struct xp_sense s;

	if (xp_sense_parse(&s, c->sense, c->sense_len))
		xp_completion_say(out, XP_COMPLETION_FAILED,
				  "the drive refused the command (sense %xh/%02xh/%02xh)", s.key,
				  s.asc, s.ascq);
	else
		xp_completion_say(out, XP_COMPLETION_FAILED,
				  "the drive refused the command (status %02xh, no sense data)",
				  c->scsi_status);
}

static bool says_at_it(const struct xp_phase *erase, const struct xp_sense *s)
{
	return is_format(erase) ? xp_sense_says_formatting(s) : xp_sense_says_sanitizing(s);
}

static bool says_failed(const struct xp_phase *erase, const struct xp_sense *s)
{
	if (is_format(erase))
		return xp_sense_says_format_failed(s);
	return xp_sense_says_sanitize_failed(s);
}

static bool was_seen_at_it(const struct xp_phase *erase)
{
	const struct xp_raw *raw = xp_completion_during(erase, XP_RAW_SENSE, 0);
	struct xp_sense s;

	return raw && xp_sense_parse(&s, raw->data, raw->len) && says_at_it(erase, &s);
}

/* TEST UNIT READY was answered with GOOD. */
static bool was_ready(const struct xp_phase *erase)
{
	const struct xp_raw *raw =
		xp_completion_answer(erase, false, XP_RAW_SENSE, XP_RAW_SENSE_READY);

	return raw && raw->len >= 1 && raw->data[0] == XP_SCSI_GOOD;
}

static void decide_by_end(struct xp_completion *out, const struct xp_phase *erase,
			  bool answered_at_end)
{
	const struct xp_raw *raw = xp_completion_answer(erase, false, XP_RAW_SENSE, 0);
	struct xp_sense s;

	if (!raw || !xp_sense_parse(&s, raw->data, raw->len))
		xp_completion_say(out, XP_COMPLETION_UNPROVEN, "there is no sense data of its end");
	else if (says_failed(erase, &s))
		xp_completion_say(out, XP_COMPLETION_FAILED,
				  is_format(erase)
					  ? "the medium is of no use until a format succeeds"
					  : "the drive stays in its failure state until a sanitize "
					    "succeeds: run again, or with another technique, else "
					    "destroy it");
	else if (xp_sense_says_sanitizing(&s) || xp_sense_says_formatting(&s))
		xp_completion_say(out, XP_COMPLETION_UNPROVEN, "the drive was still at it");
	else if (!xp_sense_says_idle(&s))
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "the drive says %xh/%02xh/%02xh afterwards", s.key, s.asc,
				  s.ascq);
	else if (!was_ready(erase))
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "the drive was not seen ready afterwards");
	else if (!answered_at_end && !was_seen_at_it(erase))
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "the drive was not seen at it, and it keeps no flag of success");
	else
		out->end = XP_COMPLETION_PROVEN;
}

void xp_completion_scsi(struct xp_completion *out, const struct xp_phase *erase)
{
	const struct xp_command_result *c = &erase->command;
	bool answered_at_end;

	if (!is_the_command(&answered_at_end, erase))
		xp_completion_say(out, XP_COMPLETION_UNPROVEN, "no such command was sent");
	else if (c->scsi_status != XP_SCSI_GOOD)
		say_refused(out, c);
	else if (!c->accepted)
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "it was not journalled that the drive took the command");
	else
		decide_by_end(out, erase, answered_at_end);
}

enum xp_scsi_after xp_completion_promised_reads(const struct xp_phase *erase)
{
	const struct xp_raw *page =
		xp_completion_answer(erase, true, XP_RAW_SCSI_VPD, XP_VPD_MEDIA);
	struct xp_scsi_media media;

	if (!page || xp_scsi_vpd_media_parse(&media, page->data, page->len, NULL) != XP_OK)
		return XP_SCSI_AFTER_UNSAID;
	if (erase->technique == XP_SCSI_SANITIZE_BLOCK)
		return media.after_block_erase;
	if (erase->technique == XP_SCSI_SANITIZE_CRYPTO)
		return media.after_crypto_erase;
	return XP_SCSI_AFTER_UNSAID;
}
