/*
 * SANITIZE DEVICE [ACS-3]: the drive erases all of its medium by itself, over resets and power
 * cycles. Its success bit is gone after a power cycle, so it is on disk before anything else is
 * done; and it is ours only where the journal shows that the drive took our command.
 */
#include "sanitize/method_ata.h"

#include "base/cleanup.h"
#include "base/wire.h"
#include "device/protocol/ata_sanitize.h"
#include "device/protocol/drive_word.h"
#include "sanitize/ata_command.h"
#include "sanitize/device_command.h"

#include <stdlib.h>
#include <string.h>

#define NS_PER_MS 1000000ULL
/* Progress may move in steps of a percent, and a large disk takes a day: the least patience. */
#define PATIENCE_MS (30 * 60 * 1000U)
/* Status without a verdict, or without an answer at all, that is borne in a row. */
#define SILENT_MAX 5
/* A success that a power cycle made the drive forget, and that is made again. */
#define AGAIN_MAX 3

#define STATUS_ARG ((uint32_t)XP_ATA_SANITIZE << 8 | XP_ATA_SANITIZE_STATUS)

enum stage {
	STAGE_OTHERS, /* one that is not ours runs: its end is waited for */
	STAGE_OURS,
	STAGE_ENDED, /* its end is in the journal */
};

struct sanitize {
	enum stage stage;
	unsigned silent, again;
	bool has_progress;
	uint16_t progress;
	uint64_t moved_ns;
	enum xp_ata_sanitize_state last; /* that was kept in during */
	bool has_last;
};

/* The status, and the sense data that bring it. */
struct status {
	struct xp_ata_answer answer;
	struct xp_ata_sanitize_status is;
};

static uint64_t now_ns(const struct xp_method_run *run)
{
	return run->req->clock->monotonic_ns(run->req->clock->ctx);
}

static enum xp_rc ask_status(struct status *out, const struct xp_method_run *run,
			     struct xp_err *err)
{
	struct xp_ata_door door = xp_ata_door_of(run);
	struct xp_ata_taskfile tf = xp_ata_sanitize_status();

	TRY(xp_ata_ask(&out->answer, &door, &tf, NULL, 0, err));
	xp_ata_sanitize_status_decide(&out->is, &out->answer.regs);
	return XP_OK;
}

static enum xp_rc keep_status(struct xp_method_run *run, enum xp_keep where, const struct status *s,
			      struct xp_err *err)
{
	const struct xp_reply *r = &s->answer.reply;

	/* an adapter that drops the registers may leave no sense data at all */
	if (r->sense_len == 0)
		return XP_OK;
	return xp_device_command_keep(run, where, XP_RAW_SENSE, STATUS_ARG, r->sense, r->sense_len,
				      err);
}

static const char *reason_text(enum xp_ata_sanitize_reason r)
{
	switch (r) {
	case XP_ATA_SANITIZE_REASON_FAILED:
		return "the last sanitize failed, and the drive accepts nothing else than one "
		       "without leave to fail";
	case XP_ATA_SANITIZE_REASON_UNSUPPORTED:
		return "it does not know this operation";
	case XP_ATA_SANITIZE_REASON_FROZEN:
		return "sanitize is frozen until the next power cycle";
	case XP_ATA_SANITIZE_REASON_ANTIFREEZE:
		return "antifreeze is in force";
	case XP_ATA_SANITIZE_REASON_NONE:
	case XP_ATA_SANITIZE_REASON_RESERVED:
		break;
	}
	return "it gives no reason";
}

/* The pattern for the first pass, so that the last one writes what was asked for. */
static struct xp_ata_taskfile overwrite(struct xp_method_run *run)
{
	const struct xp_sanitize_overwrite *o = &run->req->overwrite;
	unsigned passes = o->passes >= 1 && o->passes <= XP_SANITIZE_PASSES_MAX ? o->passes : 1;
	bool inverts = o->inverts && passes > 1;
	uint32_t pattern = get_be32(o->pattern);

	run->phase->command.overwrite_passes = passes;
	return xp_ata_sanitize_overwrite(inverts && passes % 2 == 0 ? ~pattern : pattern, passes,
					 inverts);
}

static struct xp_ata_taskfile operation(struct xp_method_run *run)
{
	switch (run->req->technique) {
	case XP_ATA_SANITIZE_CRYPTO:
		return xp_ata_sanitize_crypto();
	case XP_ATA_SANITIZE_BLOCK:
		return xp_ata_sanitize_block();
	default:
		return overwrite(run);
	}
}

static bool is_there(const struct xp_ata_identify *id, enum xp_technique t)
{
	if (!id->sanitize.supported)
		return false;
	switch (t) {
	case XP_ATA_SANITIZE_CRYPTO:
		return id->sanitize.crypto;
	case XP_ATA_SANITIZE_BLOCK:
		return id->sanitize.block;
	default:
		return id->sanitize.overwrite;
	}
}

/* What the drive answered to the operation itself. */
static enum xp_rc judge_answer(struct xp_method_run *run, const struct xp_reply *reply,
			       struct xp_err *err)
{
	struct xp_command_result *c = &run->phase->command;
	struct xp_ata_sanitize_status is;
	struct xp_ata_registers regs;
	char word[XP_DRIVE_WORD_LEN];

	xp_sat_registers_parse(&regs, reply->sense, reply->sense_len);
	xp_ata_sanitize_status_decide(&is, &regs);
	if (!xp_sat_registers_are_lost(&regs) && (regs.status & XP_ATA_STATUS_ERR)) {
		c->aborted = true;
		xp_drive_word(word, reply->sense, reply->sense_len);
		return xp_fail(err, XP_E_DEVICE, "the drive refused %s: %s (%s)",
			       xp_technique_name(run->req->technique), reason_text(is.reason),
			       word);
	}
	if (!xp_sat_registers_are_good(&regs))
		return xp_fail(err, XP_E_INDETERMINATE,
			       "%s was sent, and its registers did not come back: whether the "
			       "drive took it is not known",
			       xp_technique_name(run->req->technique));
	c->accepted = true;
	return xp_device_command_note(run, XP_COMMAND_ACCEPTED, err);
}

static enum xp_rc send(struct xp_method_run *run, struct xp_err *err)
{
	struct xp_command_result *c = &run->phase->command;
	struct sanitize *s = run->state;
	struct xp_ata_taskfile tf = operation(run);
	struct xp_reply reply;
	struct xp_cmd cmd;

	c->accepted = c->attached = c->aborted = c->completion_known = false;
	c->earlier_s = 0;
	xp_ata_forget_end(run);
	s->has_last = s->has_progress = false;
	TRY(xp_device_command_note(run, XP_COMMAND_SENT, err));
	xp_ata_command(&cmd, &tf, NULL, 0);
	/* a drive that has to tell of a power-on first has not carried it out, and may be another
	 */
	for (unsigned i = 0; i < XP_ATA_ATTENTIONS; i++) {
		TRY(xp_ata_demand_same(run, err));
		TRY(xp_device_command_send(run, &cmd, &reply, err));
		if (!xp_ata_reply_is_attention(&reply))
			break;
	}
	s->stage = STAGE_OURS;
	s->moved_ns = now_ns(run);
	return judge_answer(run, &reply, err);
}

/* Sends the operation, or waits first for another that runs. */
static enum xp_rc go(struct xp_method_run *run, struct xp_err *err)
{
	struct sanitize *s = run->state;
	struct status st;

	TRY(ask_status(&st, run, err));
	if (st.is.state == XP_ATA_SANITIZE_UNKNOWN)
		return xp_fail(err, XP_E_UNSUPPORTED,
			       "the status of a sanitize does not come back from this drive (its "
			       "adapter loses registers): nobody could see the end of one; nothing "
			       "was sent");
	TRY(keep_status(run, XP_KEEP_BEFORE, &st, err));
	if (st.is.state != XP_ATA_SANITIZE_RUNNING)
		return send(run, err);
	run->phase->command.attached = true;
	s->stage = STAGE_OTHERS;
	s->has_progress = false;
	s->moved_ns = now_ns(run);
	return XP_OK;
}

static enum xp_rc make_state(struct xp_method_run *run, struct xp_err *err)
{
	struct sanitize *s = calloc(1, sizeof(*s));

	if (!s)
		return xp_fail(err, XP_E_NOMEM, "sanitize");
	s->moved_ns = now_ns(run);
	run->state = s;
	return XP_OK;
}

static enum xp_rc start(struct xp_method_run *run, struct xp_err *err)
{
	struct xp_ata_identify id;

	TRY(make_state(run, err));
	TRY(xp_ata_keep_identify(&id, run, false, err));
	if (!is_there(&id, run->req->technique))
		return xp_fail(err, XP_E_UNSUPPORTED, "the drive has no %s",
			       xp_technique_name(run->req->technique));
	return go(run, err);
}

/* An older take was interrupted: what it knew of the command decides whose a success is. */
static enum xp_rc attach(struct xp_method_run *run, struct xp_err *err)
{
	const struct xp_phase *old = run->resume_phase;
	struct sanitize *s;

	if (!old || !old->command.accepted || run->req->resume_note < XP_COMMAND_ACCEPTED)
		return start(run, err);
	TRY(make_state(run, err));
	TRY(xp_ata_adopt(run, err));
	s = run->state;
	s->stage = run->req->resume_note >= XP_COMMAND_ENDED ? STAGE_ENDED : STAGE_OURS;
	return XP_OK;
}

/* The drive's word on the end is on disk before anything else is asked of it. */
static enum xp_rc note_end(struct xp_method_run *run, const struct status *st, struct xp_err *err)
{
	struct sanitize *s = run->state;

	TRY(keep_status(run, XP_KEEP_AFTER, st, err));
	run->phase->command.completion_known =
		st->is.state == XP_ATA_SANITIZE_SUCCEEDED || st->is.state == XP_ATA_SANITIZE_FAILED;
	TRY(xp_device_command_note(run, XP_COMMAND_ENDED, err));
	s->stage = STAGE_ENDED;
	return XP_OK;
}

/* Who is there at the end, and what came out by the drive's own word. */
static enum xp_rc finish(struct xp_method_run *run, enum xp_method_state *state, struct xp_err *err)
{
	const struct xp_command_result *c = &run->phase->command;
	struct xp_ata_sanitize_status is = {.state = XP_ATA_SANITIZE_UNKNOWN};
	char word[XP_DRIVE_WORD_LEN] = "";
	struct xp_ata_registers regs;

	for (size_t i = 0; i < c->after_n; i++) {
		if (c->after[i].kind != XP_RAW_SENSE || c->after[i].arg != STATUS_ARG)
			continue;
		xp_sat_registers_parse(&regs, c->after[i].data, c->after[i].len);
		xp_ata_sanitize_status_decide(&is, &regs);
		xp_drive_word(word, c->after[i].data, c->after[i].len);
	}
	TRY(xp_ata_keep_identify(NULL, run, true, err));
	*state = XP_METHOD_DONE;
	if (is.state == XP_ATA_SANITIZE_FAILED)
		return xp_fail(
			err, XP_E_DEVICE,
			"the drive reports that the sanitize failed (%s); until one succeeds "
			"it refuses its data",
			word);
	if (is.state == XP_ATA_SANITIZE_NONE)
		return xp_fail(err, XP_E_DEVICE,
			       "the drive took the sanitize and reports no success of it (%s)",
			       word);
	return XP_OK;
}

/* Kept: the first answer, and each that tells of another state. */
static enum xp_rc keep_change(struct xp_method_run *run, const struct status *st,
			      struct xp_err *err)
{
	struct sanitize *s = run->state;

	if (s->stage != STAGE_OURS || (s->has_last && s->last == st->is.state))
		return XP_OK;
	s->has_last = true;
	s->last = st->is.state;
	return xp_ata_keep_during(run, STATUS_ARG, st->answer.reply.sense,
				  st->answer.reply.sense_len, err);
}

static enum xp_rc look_at_progress(struct xp_method_run *run, uint16_t progress, struct xp_err *err)
{
	uint32_t patience =
		run->req->stall_ms > PATIENCE_MS ? run->req->stall_ms : (uint32_t)PATIENCE_MS;
	struct sanitize *s = run->state;

	if (!s->has_progress || progress != s->progress) {
		s->has_progress = true;
		s->progress = progress;
		s->moved_ns = now_ns(run);
	}
	xp_device_command_progress(
		run, s->stage == STAGE_OTHERS ? "another's sanitize" : "sanitize", progress);
	if (now_ns(run) - s->moved_ns > patience * NS_PER_MS)
		return xp_fail(err, XP_E_TIMEOUT,
			       "the drive's sanitize has stood at %u of 65536 for %u minutes",
			       progress, patience / 60000);
	return XP_OK;
}

/* It is at it no longer. */
static enum xp_rc look_at_end(struct xp_method_run *run, const struct status *st,
			      enum xp_method_state *state, struct xp_err *err)
{
	struct sanitize *s = run->state;

	if (s->stage == STAGE_OTHERS)
		return go(run, err);
	/* power was lost behind the end: what it said of the success is gone with it */
	if (st->is.state == XP_ATA_SANITIZE_NONE && s->again++ < AGAIN_MAX)
		return go(run, err);
	TRY(note_end(run, st, err));
	return finish(run, state, err);
}

static enum xp_rc poll(struct xp_method_run *run, enum xp_method_state *state, struct xp_err *err)
{
	struct sanitize *s = run->state;
	struct status st;
	enum xp_rc rc;

	if (s->stage == STAGE_ENDED)
		return finish(run, state, err);
	TRY(xp_device_command_wait(run, err));
	rc = ask_status(&st, run, err);
	/* a link that is being reset; a drive that is gone stays silent */
	if (rc != XP_OK)
		return s->silent++ < SILENT_MAX && (rc == XP_E_IO || rc == XP_E_TIMEOUT) ? XP_OK
											 : rc;
	if (st.is.state == XP_ATA_SANITIZE_UNKNOWN || st.is.state == XP_ATA_SANITIZE_REFUSED) {
		if (s->silent++ < SILENT_MAX)
			return XP_OK;
		TRY(note_end(run, &st, err));
		return finish(run, state, err);
	}
	s->silent = 0;
	TRY(keep_change(run, &st, err));
	if (st.is.state == XP_ATA_SANITIZE_RUNNING)
		return look_at_progress(run, st.is.progress, err);
	return look_at_end(run, &st, state, err);
}

static void end(struct xp_method_run *run)
{
	free(run->state);
	run->state = NULL;
}

#define SANITIZE(TECHNIQUE)                                                                        \
	{                                                                                          \
		.technique = (TECHNIQUE), .label = "sanitize", .start = start, .attach = attach,   \
		.poll = poll, .end = end                                                           \
	}

const struct xp_method xp_method_ata_sanitize_crypto = SANITIZE(XP_ATA_SANITIZE_CRYPTO);
const struct xp_method xp_method_ata_sanitize_block = SANITIZE(XP_ATA_SANITIZE_BLOCK);
const struct xp_method xp_method_ata_sanitize_overwrite = SANITIZE(XP_ATA_SANITIZE_OVERWRITE);
