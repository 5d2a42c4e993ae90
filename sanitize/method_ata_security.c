/*
 * SECURITY ERASE UNIT [ACS-3]. The drive has to have a password for it: a documented one is set,
 * and a successful erase takes it away. The journal hears of it before it is set, so that whatever
 * happens in between leaves a way out: attach, or expunge unlock.
 */
#include "sanitize/method_ata.h"

#include "base/cleanup.h"
#include "device/protocol/drive_word.h"
#include "sanitize/ata_command.h"
#include "sanitize/device_command.h"
#include "sanitize/unlock_ata.h"

#include <string.h>

/* PREPARE and ERASE UNIT: whatever asks the drive something in between makes the second abort. */
#define PAIRS 3
/* The kernel resets a drive whose time is up, which leaves it locked: as much time as there is. */
#define HOUR_MS	     3600000ULL
#define LEAST_MS     (12 * HOUR_MS)
#define MARGIN_MS    HOUR_MS
#define SLOWEST_BPMS 30000ULL /* bytes a millisecond: 30 MB/s */

static const struct xp_ata_password ours = {.text = XP_ATA_TEMPORARY_PASSWORD};

static bool is_enhanced(const struct xp_method_run *run)
{
	return run->req->technique == XP_ATA_SECURE_ERASE_ENHANCED;
}

static uint32_t patience_ms(const struct xp_method_run *run, const struct xp_ata_identify *id)
{
	uint64_t minutes =
		is_enhanced(run) ? id->security.enhanced_minutes : id->security.normal_minutes;
	uint64_t said = minutes * 60000 * 2 + MARGIN_MS;
	uint64_t slow = xp_ata_identify_bytes(id) / SLOWEST_BPMS + MARGIN_MS;
	uint64_t ms = said > slow ? said : slow;

	if (ms < LEAST_MS)
		ms = LEAST_MS;
	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* Takes the password away, whatever became of it. XP_OK with OPEN noted: none is left. */
static enum xp_rc open_again(struct xp_method_run *run, enum xp_unlock_end *end, struct xp_err *err)
{
	const struct xp_unlock how = {
		.transport = run->req->transport,
		.permit = run->req->permit,
		.passwords = &ours,
		.n = 1,
	};

	TRY(xp_ata_unlock(end, &how, err));
	if (*end == XP_UNLOCK_DONE || *end == XP_UNLOCK_NOT_NEEDED)
		return xp_device_command_note(run, XP_COMMAND_OPEN, err);
	return XP_OK;
}

/* The attempt has failed with RC: leaves no password behind, if that can be had. */
static enum xp_rc give_up(struct xp_method_run *run, enum xp_rc rc, struct xp_err *err)
{
	enum xp_unlock_end end = XP_UNLOCK_WRONG;
	enum xp_rc opened = open_again(run, &end, NULL);

	if (opened == XP_OK && (end == XP_UNLOCK_DONE || end == XP_UNLOCK_NOT_NEEDED))
		return rc;
	return xp_err_prefix(err, "the temporary password may still be set on the drive (expunge "
				  "unlock takes it away)");
}

/* What stands against it; C gets the flags for the evidence. */
static enum xp_rc check(struct xp_method_run *run, const struct xp_ata_identify *id,
			struct xp_err *err)
{
	struct xp_command_result *c = &run->phase->command;
	const struct xp_ata_security *s = &id->security;
	const char *what = xp_technique_name(run->req->technique);

	c->frozen = s->frozen;
	c->locked = s->locked;
	if (id->security_is_contradictory || !s->supported ||
	    (is_enhanced(run) && !s->has_enhanced_erase))
		return xp_fail(err, XP_E_UNSUPPORTED, "the drive has no %s", what);
	if (s->frozen)
		return xp_fail(err, XP_E_DEVICE, "%s: %s", what,
			       xp_unlock_end_text(XP_UNLOCK_FROZEN));
	if (s->count_expired)
		return xp_fail(err, XP_E_DEVICE, "%s: %s", what,
			       xp_unlock_end_text(XP_UNLOCK_EXPIRED));
	if (s->enabled || s->locked)
		return xp_fail(err, XP_E_DEVICE,
			       "%s: a password that is not of this job is set on the drive; it "
			       "is respected",
			       what);
	return XP_OK;
}

static enum xp_rc start(struct xp_method_run *run, struct xp_err *err)
{
	struct xp_ata_identify id;

	TRY(xp_ata_keep_identify(&id, run, false, err));
	return check(run, &id, err);
}

/* The drive must show the password that it took, and that an erase can follow. */
static enum xp_rc set_password(struct xp_method_run *run, struct xp_ata_identify *id,
			       struct xp_err *err)
{
	struct xp_ata_door door = xp_ata_door_of(run);
	struct xp_ata_taskfile tf = xp_ata_security_set_password();
	uint8_t data[XP_ATA_SECURITY_DATA_LEN];
	char word[XP_DRIVE_WORD_LEN];
	struct xp_ata_answer a;
	struct xp_cmd cmd;

	xp_ata_security_data(data, ours.text, strlen(ours.text), false, false);
	xp_ata_command(&cmd, &tf, data, 0);
	for (unsigned i = 0; i < XP_ATA_ATTENTIONS; i++) {
		TRY(xp_ata_demand_same(run, err));
		memset(&a, 0, sizeof(a));
		TRY(xp_transport_exec(door.transport, &cmd, door.permit, &a.reply, err));
		if (!xp_ata_reply_is_attention(&a.reply))
			break;
	}
	xp_sat_registers_parse(&a.regs, a.reply.sense, a.reply.sense_len);
	xp_drive_word(word, a.reply.sense, a.reply.sense_len);
	if (!xp_sat_registers_are_good(&a.regs))
		return xp_fail(err, XP_E_DEVICE,
			       "the drive did not take the temporary password%s%s",
			       *word ? ": " : ", or its registers do not come back", word);
	TRY(xp_ata_keep_identify(id, run, false, err));
	if (!id->security.enabled || id->security.locked || id->security.frozen ||
	    id->security.master_is_maximum)
		return xp_fail(err, XP_E_DEVICE,
			       "the drive took the temporary password and does not show it as "
			       "set and open");
	return XP_OK;
}

enum pair_end {
	PAIR_AGAIN, /* not carried out */
	PAIR_ENDED, /* carried out, or at least not refused */
};

/* PREPARE, and nothing between it and ERASE UNIT. */
static enum xp_rc run_pair(enum pair_end *end, struct xp_method_run *run, uint32_t timeout_ms,
			   struct xp_err *err)
{
	struct xp_command_result *c = &run->phase->command;
	struct xp_ata_door door = xp_ata_door_of(run);
	struct xp_ata_taskfile prepare = xp_ata_security_erase_prepare();
	struct xp_ata_taskfile erase = xp_ata_security_erase_unit();
	uint8_t data[XP_ATA_SECURITY_DATA_LEN];
	struct xp_ata_registers regs;
	struct xp_ata_answer a;
	struct xp_reply reply;
	struct xp_cmd cmd;

	xp_ata_security_data(data, ours.text, strlen(ours.text), false, is_enhanced(run));
	xp_ata_command(&cmd, &erase, data, timeout_ms);
	*end = PAIR_AGAIN;
	TRY(xp_device_command_note(run, XP_COMMAND_SENT, err));
	TRY(xp_ata_demand_same(run, err));
	TRY(xp_ata_ask(&a, &door, &prepare, NULL, 0, err));
	if (!xp_sat_registers_are_good(&a.regs))
		return XP_OK;
	TRY(xp_device_command_send(run, &cmd, &reply, err));
	xp_sat_registers_parse(&regs, reply.sense, reply.sense_len);
	c->aborted = !xp_sat_registers_are_lost(&regs) && (regs.status & XP_ATA_STATUS_ERR);
	c->accepted = xp_sat_registers_are_good(&regs);
	c->completion_known = c->accepted || c->aborted;
	if (!c->aborted && !xp_ata_reply_is_attention(&reply))
		*end = PAIR_ENDED;
	return XP_OK;
}

static enum xp_rc erase(struct xp_method_run *run, const struct xp_ata_identify *id,
			struct xp_err *err)
{
	struct xp_command_result *c = &run->phase->command;
	enum pair_end end = PAIR_AGAIN;
	char word[XP_DRIVE_WORD_LEN];

	/* a disk that does not say that it encrypts has no other way than to write all of itself */
	c->overwrite_passes =
		run->phase->identity.media == XP_MEDIA_HDD && !id->encrypts_all ? 1 : 0;
	if (run->req->hooks.silent)
		run->req->hooks.silent(run->req->hooks.ctx, "security erase",
				       (is_enhanced(run) ? id->security.enhanced_minutes
							 : id->security.normal_minutes) *
					       60ull);
	for (unsigned i = 0; i < PAIRS && end == PAIR_AGAIN; i++)
		TRY(run_pair(&end, run, patience_ms(run, id), err));
	if (end == PAIR_AGAIN) {
		xp_drive_word(word, c->sense, c->sense_len);
		return xp_fail(err, XP_E_DEVICE,
			       "the drive took the temporary password and refused SECURITY ERASE "
			       "UNIT%s%s",
			       *word ? ": " : "", word);
	}
	if (c->accepted)
		TRY(xp_device_command_note(run, XP_COMMAND_ACCEPTED, err));
	return xp_device_command_note(run, XP_COMMAND_ENDED, err);
}

/* IDENTIFY DEVICE behind it: an erase that succeeded has taken the password away. */
static enum xp_rc finish(struct xp_method_run *run, struct xp_err *err)
{
	struct xp_ata_identify id;
	enum xp_rc rc = xp_ata_keep_identify(&id, run, true, err);

	if (rc != XP_OK)
		return give_up(run, rc, err);
	if (!id.security.enabled)
		return xp_device_command_note(run, XP_COMMAND_OPEN, err);
	rc = xp_fail(err, XP_E_DEVICE,
		     "the drive reports that it erased itself, and the password that an erase "
		     "takes away is still set: it did not");
	return give_up(run, rc, err);
}

/* The whole attempt in one go: the drive answers when it has ended. */
static enum xp_rc poll(struct xp_method_run *run, enum xp_method_state *state, struct xp_err *err)
{
	struct xp_ata_identify id;
	enum xp_rc rc;

	*state = XP_METHOD_DONE;
	/* an earlier take saw its end */
	if (run->phase->command.accepted)
		return finish(run, err);
	xp_device_command_progress(run, "security erase", 0);
	TRY(xp_device_command_note(run, XP_COMMAND_SECRET, err));
	rc = set_password(run, &id, err);
	if (rc == XP_OK)
		rc = erase(run, &id, err);
	if (rc != XP_OK)
		return give_up(run, rc, err);
	return finish(run, err);
}

/*
 * An older take was interrupted. Where it saw the end, only the last look is missing. Else the
 * password may be set, and the drive locked by a power cycle: it is opened, and erased from the
 * start, since a completion that nobody saw is none.
 */
static enum xp_rc attach(struct xp_method_run *run, struct xp_err *err)
{
	const struct xp_phase *old = run->resume_phase;
	enum xp_unlock_end end;

	if (!old)
		return start(run, err);
	if (old->command.accepted && run->req->resume_note >= XP_COMMAND_ACCEPTED)
		return xp_ata_adopt(run, err);
	TRY(open_again(run, &end, err));
	run->phase->command.frozen = end == XP_UNLOCK_FROZEN;
	run->phase->command.locked = end == XP_UNLOCK_WRONG || end == XP_UNLOCK_EXPIRED;
	if (end != XP_UNLOCK_DONE && end != XP_UNLOCK_NOT_NEEDED)
		return xp_fail(err, XP_E_DEVICE, "the erase was interrupted, and %s",
			       xp_unlock_end_text(end));
	return start(run, err);
}

static void end(struct xp_method_run *run)
{
	(void)run;
}

#define SECURITY(TECHNIQUE)                                                                        \
	{                                                                                          \
		.technique = (TECHNIQUE), .label = "security erase", .start = start,               \
		.attach = attach, .poll = poll, .end = end                                         \
	}

const struct xp_method xp_method_ata_secure_erase = SECURITY(XP_ATA_SECURE_ERASE);
const struct xp_method xp_method_ata_secure_erase_enhanced = SECURITY(XP_ATA_SECURE_ERASE_ENHANCED);
