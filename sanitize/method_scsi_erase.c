#include "sanitize/method_scsi_erase.h"

#include "base/cleanup.h"
#include "base/wire.h"
#include "claim/completion.h"
#include "device/protocol/scsi_inquiry.h"
#include "device/protocol/scsi_sanitize.h"
#include "device/protocol/scsi_sense.h"
#include "sanitize/device_command.h"

#include <string.h>

#define SEND_TIMEOUT_MS 120000
/* What is answered when it has ended gets this long: only what is quick is asked for in this way.
 */
#define SYNC_TIMEOUT_MS 1200000
/* Sent again where the answer got lost, or where nothing proves that it was carried out. */
#define SENDS_MAX	4
#define ATTENTION_TRIES 4
#define SENSE_LEN	252
#define PAGE_LEN	64
#define ASC_RESET	0x29 /* POWER ON, RESET, OR BUS DEVICE RESET OCCURRED, in all its kinds */
#define ASC_FORMAT	0x31
#define ASCQ_CORRUPTED	0x00

struct erase {
	enum xp_step step;
	struct xp_device_watch watch;
	unsigned sends;
	bool at_once; /* the command is to be answered when it has ended */
	uint8_t sense[SENSE_LEN];
	size_t sense_len; /* of REQUEST SENSE, as answered last */
};

static bool is_format(const struct xp_method_run *run)
{
	return run->req->technique == XP_SCSI_FORMAT;
}

static bool says_at_it(const struct xp_sense *s)
{
	return xp_sense_says_sanitizing(s) || xp_sense_says_formatting(s);
}

static bool says_failed(const struct xp_sense *s)
{
	return s->asc == ASC_FORMAT;
}

static enum xp_rc request_sense(struct xp_sense *out, struct erase *e, struct xp_method_run *run,
				struct xp_err *err)
{
	uint8_t data[SENSE_LEN] = {0};
	struct xp_cmd cmd = {
		.kind = XP_TRANSPORT_SCSI,
		.dir = XP_DATA_IN,
		.data = data,
		.data_len = sizeof(data),
	};
	struct xp_reply reply;

	cmd.cdb_len = xp_scsi_request_sense(cmd.cdb, SENSE_LEN);
	TRY(xp_device_command_ask(run, &cmd, &reply, err));
	if (!xp_reply_is_good(&cmd, &reply))
		return xp_fail(err, XP_E_DEVICE, "REQUEST SENSE was refused (status %02xh)",
			       reply.scsi_status);
	if (!xp_sense_parse(out, data, reply.data_len))
		return xp_fail(err, XP_E_MALFORMED, "REQUEST SENSE gave no sense data");
	memcpy(e->sense, data, reply.data_len);
	e->sense_len = reply.data_len;
	return XP_OK;
}

static enum xp_rc keep_sense(const struct erase *e, struct xp_method_run *run, enum xp_keep where,
			     struct xp_err *err)
{
	return xp_device_command_keep(run, where, XP_RAW_SENSE, 0, e->sense, e->sense_len, err);
}

static void forget_trail(struct xp_method_run *run)
{
	xp_device_command_drop(run, XP_KEEP_DURING, XP_RAW_SENSE, 0);
	xp_device_command_drop(run, XP_KEEP_AFTER, XP_RAW_SENSE, 0);
	xp_device_command_drop(run, XP_KEEP_AFTER, XP_RAW_SENSE, XP_RAW_SENSE_READY);
}

static enum xp_rc watch_running(struct erase *e, const struct xp_method_run *run,
				const struct xp_sense *s, struct xp_err *err)
{
	if (s->has_progress)
		xp_device_command_progress(run, xp_device_command_label(run), s->progress);
	return xp_device_watch_look(&e->watch, run,
				    s->has_progress ? XP_SEEN_PROGRESS : XP_SEEN_AT_WORK,
				    s->progress, err);
}

/* What it says of its medium, and of reads after such an erase, is evidence; a drive that says
 * nothing is none the worse. */
static enum xp_rc keep_media_page(struct xp_method_run *run, struct xp_err *err)
{
	uint8_t data[PAGE_LEN] = {0};
	struct xp_cmd cmd = {
		.kind = XP_TRANSPORT_SCSI,
		.dir = XP_DATA_IN,
		.data = data,
		.data_len = sizeof(data),
	};
	struct xp_reply reply;
	enum xp_rc rc;

	if (run->req->technique == XP_SCSI_FORMAT)
		return XP_OK;
	cmd.cdb_len = xp_scsi_inquiry(cmd.cdb, true, XP_VPD_MEDIA, sizeof(data));
	rc = xp_device_command_ask(run, &cmd, &reply, err);
	if (rc != XP_OK)
		return xp_device_command_is_no_answer(rc) ? XP_OK : rc;
	if (!xp_reply_is_good(&cmd, &reply))
		return XP_OK;
	return xp_device_command_keep(run, XP_KEEP_BEFORE, XP_RAW_SCSI_VPD, XP_VPD_MEDIA, data,
				      reply.data_len, err);
}

/*
 * An operation that this job did not start, or cannot be sure of, is seen through first: nothing
 * ends it sooner. Then ours is sent.
 */
static enum xp_rc step_free(struct xp_method_run *run, struct xp_err *err)
{
	struct erase *e = run->state;
	struct xp_sense s;
	struct xp_err ignored;
	enum xp_rc rc = request_sense(&s, e, run, &ignored);

	if (rc != XP_OK && !xp_device_command_is_no_answer(rc))
		return xp_fail(err, rc, "%s", ignored.msg);
	if (rc != XP_OK)
		TRY(xp_device_watch_look(&e->watch, run, XP_SEEN_NOTHING, 0, err));
	else if (says_at_it(&s))
		TRY(watch_running(e, run, &s, err));
	else {
		TRY(keep_sense(e, run, XP_KEEP_BEFORE, err));
		TRY(keep_media_page(run, err));
		forget_trail(run);
		e->step = XP_STEP_SEND;
		return XP_OK;
	}
	return xp_device_command_wait(run, err);
}

static uint8_t action_of(enum xp_technique t)
{
	return t == XP_SCSI_SANITIZE_CRYPTO  ? XP_SCSI_ACTION_CRYPTO
	       : t == XP_SCSI_SANITIZE_BLOCK ? XP_SCSI_ACTION_BLOCK
					     : XP_SCSI_ACTION_OVERWRITE;
}

static void build_sanitize(struct xp_cmd *cmd, uint8_t list[XP_SCSI_OVERWRITE_LIST_LEN],
			   struct xp_method_run *run, bool at_once)
{
	bool overwrites = run->req->technique == XP_SCSI_SANITIZE_OVERWRITE;
	struct xp_scsi_sanitize s = {
		.action = action_of(run->req->technique),
		.immediate = !at_once,
		.list_len = overwrites ? XP_SCSI_OVERWRITE_LIST_LEN : 0,
	};
	struct xp_sanitize_overwrite o = xp_device_command_overwrite(run);

	cmd->cdb_len = xp_scsi_sanitize(cmd->cdb, &s);
	if (!overwrites)
		return;
	/* which of the two begins is not said [SBC-4]: an odd number ends with the pattern */
	if (o.inverts && o.passes % 2 == 0)
		o.passes++;
	run->phase->command.overwrite_passes = o.passes;
	xp_scsi_overwrite_list(list, (uint8_t)o.passes, o.inverts, get_be32(o.pattern));
	cmd->dir = XP_DATA_OUT;
	cmd->data = list;
	cmd->data_len = XP_SCSI_OVERWRITE_LIST_LEN;
}

/* FMTPINFO and PROTECTION FIELD USAGE that keep the protection as it is [SBC-4 FORMAT UNIT]. */
static void build_format(struct xp_cmd *cmd, uint8_t list[XP_SCSI_FORMAT_LIST_LEN],
			 const struct xp_method_run *run, bool at_once)
{
	static const uint8_t info_of_type[] = {0, 2, 3, 3};
	uint8_t type = run->req->facts->scsi.capacity.protection_type & 3;
	struct xp_scsi_format f = {.protection_info = info_of_type[type], .has_list = !at_once};

	cmd->cdb_len = xp_scsi_format_unit(cmd->cdb, &f);
	if (at_once)
		return;
	xp_scsi_format_list(list, type == 3 ? 1 : 0);
	cmd->dir = XP_DATA_OUT;
	cmd->data = list;
	cmd->data_len = XP_SCSI_FORMAT_LIST_LEN;
}

/* A unit attention tells of something before: the command was not carried out, and is sent again.
 */
static bool is_unit_attention(const struct xp_reply *reply, struct xp_sense *s)
{
	return reply->scsi_status == XP_SCSI_CHECK_CONDITION &&
	       xp_sense_parse(s, reply->sense, reply->sense_len) && !s->is_deferred &&
	       s->key == XP_SENSE_UNIT_ATTENTION;
}

static enum xp_rc send_command(struct xp_reply *reply, struct xp_method_run *run, bool at_once,
			       struct xp_err *err)
{
	uint8_t list[XP_SCSI_OVERWRITE_LIST_LEN];
	struct xp_cmd cmd = {
		.kind = XP_TRANSPORT_SCSI,
		.timeout_ms = at_once ? SYNC_TIMEOUT_MS : SEND_TIMEOUT_MS,
	};
	struct xp_sense s;

	_Static_assert(sizeof(list) >= XP_SCSI_FORMAT_LIST_LEN, "a list for either");
	if (is_format(run))
		build_format(&cmd, list, run, at_once);
	else
		build_sanitize(&cmd, list, run, at_once);
	xp_device_command_drop(run, XP_KEEP_BEFORE, XP_RAW_SCSI_LIST, cmd.cdb[0]);
	if (cmd.data_len)
		TRY(xp_device_command_keep(run, XP_KEEP_BEFORE, XP_RAW_SCSI_LIST, cmd.cdb[0], list,
					   cmd.data_len, err));
	for (unsigned i = 0; i < ATTENTION_TRIES; i++) {
		TRY(xp_device_command_note(run, XP_COMMAND_SENT, err));
		/* behind an attention another drive may stand there */
		TRY(xp_device_command_demand_same(run, err));
		TRY(xp_device_command_send(run, &cmd, reply, err));
		if (!reply->answered || reply->host_status != 0)
			return xp_fail(err, XP_E_IO, "%s was not answered",
				       xp_device_command_label(run));
		if (!is_unit_attention(reply, &s))
			break;
	}
	return XP_OK;
}

static enum xp_rc finish(struct erase *e, struct xp_method_run *run, struct xp_err *err)
{
	e->step = XP_STEP_DONE;
	return xp_device_command_finish(run, err);
}

/* The answer got lost: whether the drive took the command cannot be known, so it is given again. */
static enum xp_rc answer_lost(struct erase *e, struct xp_method_run *run, enum xp_rc rc)
{
	if ((rc != XP_E_IO && rc != XP_E_TIMEOUT) || e->sends >= SENDS_MAX)
		return rc;
	e->step = XP_STEP_BEFORE;
	xp_device_watch_begin(&e->watch, run, 0);
	return XP_OK;
}

static enum xp_rc refused(struct erase *e, struct xp_method_run *run, struct xp_err *err)
{
	struct xp_sense s;
	struct xp_err ignored;

	run->phase->command.aborted = true;
	/* why it refused may stand there */
	if (request_sense(&s, e, run, &ignored) == XP_OK)
		TRY(keep_sense(e, run, XP_KEEP_AFTER, err));
	return finish(e, run, err);
}

static enum xp_rc step_send(struct xp_method_run *run, struct xp_err *err)
{
	struct erase *e = run->state;
	struct xp_command_result *c = &run->phase->command;
	struct xp_reply reply = {0};
	enum xp_rc rc;

	e->sends++;
	c->accepted = false;
	c->aborted = false;
	c->completion_known = false;
	/* whether it goes to all logical units of a drive is the drive's own affair */
	c->leaves_namespaces = run->req->facts->scsi.luns > 1;
	rc = send_command(&reply, run, e->at_once, err);
	if (rc != XP_OK)
		return answer_lost(e, run, rc);
	if (reply.scsi_status != XP_SCSI_GOOD)
		return refused(e, run, err);
	c->accepted = true;
	/* a drive that can change all its media's keys encrypts all of it, always */
	if (run->req->technique == XP_SCSI_SANITIZE_CRYPTO)
		c->keys.can_be_off = XP_ANSWER_NO;
	TRY(xp_device_command_note(run, XP_COMMAND_ACCEPTED, err));
	e->step = XP_STEP_SEE_THROUGH;
	xp_device_watch_begin(&e->watch, run, 0);
	return XP_OK;
}

/* The first sight of the drive at it is what proves that it began: it goes to the journal at once.
 */
static enum xp_rc remember_running(const struct erase *e, struct xp_method_run *run,
				   struct xp_err *err)
{
	if (xp_completion_during(run->phase, XP_RAW_SENSE, 0))
		return XP_OK;
	TRY(keep_sense(e, run, XP_KEEP_DURING, err));
	return xp_device_command_note(run, XP_COMMAND_ACCEPTED, err);
}

/*
 * Is the drive ready? *READY false: S (with *TOLD) is what it says instead. A unit attention is
 * taken off and looked at like any other answer.
 */
static enum xp_rc ask_ready(bool *ready, bool *told, struct xp_sense *s, struct xp_method_run *run,
			    struct xp_err *err)
{
	struct xp_cmd cmd = {.kind = XP_TRANSPORT_SCSI};
	struct xp_reply reply;

	cmd.cdb_len = xp_scsi_test_unit_ready(cmd.cdb);
	*ready = *told = false;
	TRY(xp_device_command_ask(run, &cmd, &reply, err));
	if (!reply.answered || reply.host_status != 0)
		return xp_fail(err, XP_E_IO, "TEST UNIT READY was not answered");
	if (reply.scsi_status == XP_SCSI_GOOD) {
		*ready = true;
		return xp_device_command_keep(run, XP_KEEP_AFTER, XP_RAW_SENSE, XP_RAW_SENSE_READY,
					      &reply.scsi_status, 1, err);
	}
	*told = xp_sense_parse(s, reply.sense, reply.sense_len);
	return XP_OK;
}

/* A format does not survive a loss of power: the medium is of no use, and it is given again. */
static bool lost_its_power(const struct erase *e, const struct xp_method_run *run)
{
	struct xp_sense s;

	return is_format(run) && xp_sense_parse(&s, e->sense, e->sense_len) && says_failed(&s) &&
	       (s.ascq == ASCQ_CORRUPTED || e->sends == 0);
}

/*
 * The drive's last word. A drive that was too quick to be seen at it, or that ended while nobody
 * looked, keeps no proof: it is done again, and where it was quick in such a way that its answer is
 * the end.
 */
static enum xp_rc take_end(struct erase *e, struct xp_method_run *run, struct xp_err *err)
{
	struct xp_completion found;

	TRY(keep_sense(e, run, XP_KEEP_AFTER, err));
	xp_completion_decide(&found, run->phase);
	if (e->sends < SENDS_MAX &&
	    ((found.end == XP_COMPLETION_UNPROVEN && !e->at_once) || lost_its_power(e, run))) {
		e->at_once = found.end == XP_COMPLETION_UNPROVEN && e->sends > 0;
		e->step = XP_STEP_BEFORE;
		xp_device_watch_begin(&e->watch, run, 0);
		return XP_OK;
	}
	return finish(e, run, err);
}

enum seen { SEEN_AT_IT, SEEN_END, SEEN_NOTHING };

/* What one answer means. After a reset what was seen before proves nothing any more. */
static enum seen judge(const struct xp_sense *s, struct xp_method_run *run)
{
	if (says_at_it(s))
		return SEEN_AT_IT;
	if (says_failed(s))
		return SEEN_END;
	if (s->key == XP_SENSE_UNIT_ATTENTION) {
		if (s->asc == ASC_RESET)
			xp_device_command_drop(run, XP_KEEP_DURING, XP_RAW_SENSE, 0);
		return SEEN_NOTHING;
	}
	return xp_sense_says_idle(s) ? SEEN_END : SEEN_NOTHING;
}

/* One look: REQUEST SENSE, and where it says nothing, TEST UNIT READY. */
static enum xp_rc look(enum seen *out, struct xp_sense *s, struct erase *e,
		       struct xp_method_run *run, struct xp_err *err)
{
	bool ready, told;
	struct xp_sense other;

	*out = SEEN_NOTHING;
	TRY(request_sense(s, e, run, err));
	*out = judge(s, run);
	if (*out != SEEN_END || says_failed(s))
		return XP_OK;
	*out = SEEN_NOTHING;
	TRY(ask_ready(&ready, &told, &other, run, err));
	if (ready)
		*out = SEEN_END;
	else if (told && judge(&other, run) == SEEN_AT_IT)
		/* the next REQUEST SENSE says so, too, or it is not so */
		*out = SEEN_NOTHING;
	return XP_OK;
}

static enum xp_rc step_see_through(struct xp_method_run *run, struct xp_err *err)
{
	struct erase *e = run->state;
	struct xp_sense s = {0};
	struct xp_err ignored;
	enum seen seen;
	enum xp_rc rc = look(&seen, &s, e, run, &ignored);

	if (rc != XP_OK && !xp_device_command_is_no_answer(rc))
		return xp_fail(err, rc, "%s", ignored.msg);
	if (rc == XP_OK && seen == SEEN_END)
		return take_end(e, run, err);
	if (rc == XP_OK && seen == SEEN_AT_IT) {
		TRY(remember_running(e, run, err));
		TRY(watch_running(e, run, &s, err));
	} else {
		TRY(xp_device_watch_look(&e->watch, run, XP_SEEN_NOTHING, 0, err));
	}
	return xp_device_command_wait(run, err);
}

static enum xp_rc poll(struct xp_method_run *run, enum xp_method_state *state, struct xp_err *err)
{
	static const struct xp_steps steps = {step_free, step_send, step_see_through};
	const struct erase *e = run->state;

	return xp_device_step(state, run, e->step, &steps, err);
}

static enum xp_rc start(struct xp_method_run *run, struct xp_err *err)
{
	struct erase *e;

	TRY(xp_device_command_begin(run, sizeof(*e), err));
	e = run->state;
	e->step = XP_STEP_BEFORE;
	/* a change of key may be over before anybody can look */
	e->at_once = run->req->technique == XP_SCSI_SANITIZE_CRYPTO;
	xp_device_watch_begin(&e->watch, run, 0);
	return XP_OK;
}

static enum xp_rc attach(struct xp_method_run *run, struct xp_err *err)
{
	struct erase *e;

	TRY(start(run, err));
	e = run->state;
	e->step = xp_device_step_taken_up(run);
	if (e->step == XP_STEP_BEFORE)
		return XP_OK;
	TRY(xp_device_command_adopt(run, err));
	/* it may have lost its power meanwhile: it must be seen at it again */
	if (e->step == XP_STEP_SEE_THROUGH)
		xp_device_command_drop(run, XP_KEEP_DURING, XP_RAW_SENSE, 0);
	return XP_OK;
}

#define ERASE(TECHNIQUE, LABEL)                                                                    \
	{                                                                                          \
		.technique = (TECHNIQUE), .label = (LABEL), .start = start, .attach = attach,      \
		.poll = poll, .end = xp_device_command_end                                         \
	}

const struct xp_method xp_method_scsi_sanitize_crypto = ERASE(XP_SCSI_SANITIZE_CRYPTO, "sanitize");
const struct xp_method xp_method_scsi_sanitize_block = ERASE(XP_SCSI_SANITIZE_BLOCK, "sanitize");
const struct xp_method xp_method_scsi_sanitize_overwrite =
	ERASE(XP_SCSI_SANITIZE_OVERWRITE, "sanitize");
const struct xp_method xp_method_scsi_format = ERASE(XP_SCSI_FORMAT, "format");
