#include "sanitize/method_nvme_sanitize.h"

#include "base/cleanup.h"
#include "base/wire.h"
#include "claim/completion.h"
#include "device/protocol/nvme_erase.h"
#include "device/protocol/nvme_sanitize.h"
#include "sanitize/device_command.h"

#include <string.h>

#define SEND_TIMEOUT_MS 120000
/* A command whose answer got lost is sent again, so often. */
#define SENDS_MAX 3
/* The log may be late: so many looks at one that has not changed since before. */
#define UNCHANGED_LOOKS 15
/* Before anything was sent so many looks may go without an answer. */
#define SILENT_LOOKS 15
/* After a minute the log is read twice a minute: reading it slows some drives down. */
#define EAGER_LOOKS 30
#define LAZY_WAITS  15
#define PASSES_MAX  16
#define WORDS_MAX   4
#define SQE_CDW10   40 /* in the entry as evidence keeps it */

struct sanitize {
	enum xp_step step;
	struct xp_device_watch watch;
	unsigned sends;
	unsigned looks, unchanged;
	uint8_t log[XP_NVME_LOG_SANITIZE_LEN]; /* as read last */
};

static uint8_t action_of(enum xp_technique t)
{
	return t == XP_NVME_SANITIZE_CRYPTO  ? XP_NVME_SANACT_CRYPTO
	       : t == XP_NVME_SANITIZE_BLOCK ? XP_NVME_SANACT_BLOCK
					     : XP_NVME_SANACT_OVERWRITE;
}

/* XP_E_DEVICE: the drive refused; XP_E_MALFORMED; XP_E_IO, XP_E_TIMEOUT: no answer. */
static enum xp_rc read_log(struct xp_nvme_sanitize_log *out, struct sanitize *s,
			   struct xp_method_run *run, struct xp_err *err)
{
	struct xp_nvme_dwords d =
		xp_nvme_get_log(XP_NVME_LOG_SANITIZE, XP_NVME_NSID_ALL, XP_NVME_LOG_SANITIZE_LEN);
	uint8_t data[XP_NVME_LOG_SANITIZE_LEN] = {0};
	struct xp_cmd cmd = {
		.kind = XP_TRANSPORT_NVME,
		.nvme = {.opcode = d.opcode, .nsid = d.nsid, .cdw10 = d.cdw10, .cdw11 = d.cdw11},
		.dir = XP_DATA_IN,
		.data = data,
		.data_len = sizeof(data),
	};
	struct xp_reply reply;

	TRY(xp_device_command_ask(run, &cmd, &reply, err));
	if (!xp_reply_is_good(&cmd, &reply))
		return xp_fail(err, XP_E_DEVICE, "the sanitize log cannot be read (status %03xh)",
			       reply.nvme_status & XP_NVME_STATUS_MASK);
	TRY(xp_nvme_sanitize_log_parse(out, data, sizeof(data), err));
	memcpy(s->log, data, sizeof(s->log));
	return XP_OK;
}

static enum xp_rc keep_log(const struct sanitize *s, struct xp_method_run *run, enum xp_keep where,
			   struct xp_err *err)
{
	return xp_device_command_keep(run, where, XP_RAW_NVME_LOG, XP_NVME_LOG_SANITIZE, s->log,
				      sizeof(s->log), err);
}

static uint64_t estimate_of(const struct xp_method_run *run)
{
	const struct xp_nvme_sanitize_log *log = &run->req->facts->nvme.sanitize;
	uint32_t s = run->req->technique == XP_NVME_SANITIZE_CRYPTO  ? log->crypto_s
		     : run->req->technique == XP_NVME_SANITIZE_BLOCK ? log->block_s
								     : log->overwrite_s;

	return run->req->facts->nvme.sanitize_log != XP_ASKED_GOOD || s == XP_NVME_NO_ESTIMATE ? 0
											       : s;
}

static enum xp_rc wait_for_next_look(struct sanitize *s, const struct xp_method_run *run,
				     struct xp_err *err)
{
	unsigned n = s->looks++ < EAGER_LOOKS ? 1 : LAZY_WAITS;

	for (unsigned i = 0; i < n; i++)
		TRY(xp_device_command_wait(run, err));
	return XP_OK;
}

/* What a look at a drive that is at it says about its progress. */
static enum xp_rc watch_running(struct sanitize *s, const struct xp_method_run *run,
				const struct xp_nvme_sanitize_log *log, struct xp_err *err)
{
	/* FFFFh is what stands there when nothing runs: it is no progress */
	bool has_progress = log->progress != UINT16_MAX;

	if (has_progress)
		xp_device_command_progress(run, xp_device_command_label(run), log->progress);
	return xp_device_watch_look(&s->watch, run,
				    has_progress ? XP_SEEN_PROGRESS : XP_SEEN_AT_WORK,
				    log->progress, err);
}

/*
 * Somebody's sanitize has ended, and waits to be told that its result was read; until then the
 * drive takes no other. Whether it took this is in the log.
 */
static enum xp_rc end_verification(struct xp_method_run *run, struct xp_err *err)
{
	const struct xp_nvme_sanitize_word w = {.action = XP_NVME_SANACT_EXIT_VERIFICATION};
	struct xp_nvme_dwords d = xp_nvme_sanitize(xp_nvme_sanitize_cdw10(&w), 0);
	struct xp_cmd cmd = {
		.kind = XP_TRANSPORT_NVME,
		.nvme = {.opcode = d.opcode, .nsid = d.nsid, .cdw10 = d.cdw10},
		.timeout_ms = SEND_TIMEOUT_MS,
	};
	struct xp_reply reply;
	enum xp_rc rc = xp_device_command_ask(run, &cmd, &reply, err);

	return xp_device_command_is_no_answer(rc) ? XP_OK : rc;
}

/*
 * A sanitize that this job did not start, or cannot be sure of, is seen through first: nothing ends
 * it sooner. Then ours is sent.
 */
static enum xp_rc step_free(struct xp_method_run *run, struct xp_err *err)
{
	struct sanitize *s = run->state;
	struct xp_nvme_sanitize_log log;
	struct xp_err first;
	enum xp_rc rc = read_log(&log, s, run, &first);

	/* nothing was sent yet: a log that cannot be read will not be there afterwards */
	if (rc != XP_OK && (!xp_device_command_is_no_answer(rc) ||
			    (s->sends == 0 && (rc == XP_E_DEVICE || rc == XP_E_MALFORMED ||
					       s->looks >= SILENT_LOOKS))))
		return xp_fail(err, rc, "%s", first.msg);
	if (rc != XP_OK)
		TRY(xp_device_watch_look(&s->watch, run, XP_SEEN_NOTHING, 0, err));
	else if (log.state == XP_NVME_SANITIZE_RUNNING)
		TRY(watch_running(s, run, &log, err));
	if (rc == XP_OK && log.phase == XP_NVME_SANITIZE_PHASE_VERIFICATION)
		TRY(end_verification(run, err));
	if (rc == XP_OK && log.state != XP_NVME_SANITIZE_RUNNING) {
		TRY(keep_log(s, run, XP_KEEP_BEFORE, err));
		xp_device_command_drop(run, XP_KEEP_DURING, XP_RAW_NVME_LOG, XP_NVME_LOG_SANITIZE);
		xp_device_command_drop(run, XP_KEEP_AFTER, XP_RAW_NVME_LOG, XP_NVME_LOG_SANITIZE);
		s->step = XP_STEP_SEND;
		return XP_OK;
	}
	return wait_for_next_look(s, run, err);
}

/* Blocks of a protected namespace could not be read any more if they were kept: their guards are
 * gone. */
static bool wants_no_deallocate(const struct xp_method_run *run)
{
	const struct xp_nvme_facts *f = &run->req->facts->nvme;

	if (run->req->overwrite.deallocates || f->ctrl.no_deallocate_inhibited)
		return false;
	for (size_t i = 0; i < f->ns_n; i++)
		if (f->ns[i].identify != XP_ASKED_GOOD || f->ns[i].ns.protection_type != 0)
			return false;
	return true;
}

/*
 * Where blocks cannot be kept, some drives wait behind the erase until they are told that the media
 * was read, and give the blocks up only then. Without guards there is nothing that reads could
 * stumble over.
 */
static bool wants_verification(const struct xp_method_run *run)
{
	const struct xp_nvme_facts *f = &run->req->facts->nvme;

	if (run->req->overwrite.deallocates || !f->ctrl.no_deallocate_inhibited ||
	    !f->ctrl.has_media_verification || run->req->technique == XP_NVME_SANITIZE_OVERWRITE)
		return false;
	for (size_t i = 0; i < f->ns_n; i++)
		if (f->ns[i].identify != XP_ASKED_GOOD || f->ns[i].ns.protection_type != 0)
			return false;
	return true;
}

/* OWPASS: 0 is 16. */
static unsigned passes_of(const struct xp_nvme_sanitize_word *w)
{
	return w->passes ? w->passes : PASSES_MAX;
}

/* Much the same command in another word. What is left as it was cannot be told apart. */
static struct xp_nvme_sanitize_word in_other_words(struct xp_nvme_sanitize_word w, bool must_invert)
{
	if (w.action != XP_NVME_SANACT_OVERWRITE)
		w.passes = 1; /* means nothing but for overwrites */
	else if (!must_invert)
		w.invert = !w.invert; /* the last pass writes the pattern either way */
	else if (passes_of(&w) < PASSES_MAX)
		w.passes = (uint8_t)((w.passes + 1) % PASSES_MAX);
	return w;
}

/*
 * The words to try, best first. Blocks that are kept allocated, or for a while, can be read back.
 * Where the log already shows the success of an equal word, another one tells the new run from it.
 */
static unsigned list_words(uint32_t words[WORDS_MAX], const struct sanitize *s,
			   const struct xp_method_run *run)
{
	const struct xp_sanitize_overwrite o = xp_device_command_overwrite(run);
	struct xp_nvme_sanitize_log before;
	bool had_success =
		xp_nvme_sanitize_log_parse(&before, s->log, sizeof(s->log), NULL) == XP_OK &&
		(before.state == XP_NVME_SANITIZE_SUCCEEDED ||
		 before.state == XP_NVME_SANITIZE_SUCCEEDED_DEALLOCATED);
	bool keeps = wants_no_deallocate(run);
	bool verifies = wants_verification(run);
	unsigned n = 0;

	for (int extra = keeps || verifies; extra >= 0; extra--) {
		struct xp_nvme_sanitize_word w = {.action = action_of(run->req->technique),
						  .no_deallocate = extra && keeps,
						  .verify = extra && verifies};
		struct xp_nvme_sanitize_word other;

		if (w.action == XP_NVME_SANACT_OVERWRITE) {
			w.passes = (uint8_t)(o.passes % PASSES_MAX);
			w.invert = o.inverts;
		}
		other = in_other_words(w, o.inverts);
		if (had_success && before.cdw10 == xp_nvme_sanitize_cdw10(&w))
			words[n++] = xp_nvme_sanitize_cdw10(&other);
		words[n++] = xp_nvme_sanitize_cdw10(&w);
	}
	return n;
}

static enum xp_rc send_word(struct xp_reply *reply, struct xp_method_run *run, uint32_t word,
			    struct xp_err *err)
{
	const struct xp_nvme_sanitize_word w = xp_nvme_sanitize_word_of(word);
	bool overwrites = w.action == XP_NVME_SANACT_OVERWRITE;
	/* OVRPAT is a dword like any other: its lowest byte comes first on the medium */
	struct xp_nvme_dwords d =
		xp_nvme_sanitize(word, overwrites ? get_le32(run->req->overwrite.pattern) : 0);
	struct xp_cmd cmd = {
		.kind = XP_TRANSPORT_NVME,
		.nvme = {.opcode = d.opcode, .nsid = d.nsid, .cdw10 = d.cdw10, .cdw11 = d.cdw11},
		.timeout_ms = SEND_TIMEOUT_MS,
	};

	run->phase->command.overwrite_passes = overwrites ? passes_of(&w) : 0;
	TRY(xp_device_command_note(run, XP_COMMAND_SENT, err));
	TRY(xp_device_command_demand_same(run, err));
	return xp_device_command_send(run, &cmd, reply, err);
}

static enum xp_rc finish(struct sanitize *s, struct xp_method_run *run, struct xp_err *err)
{
	s->step = XP_STEP_DONE;
	return xp_device_command_finish(run, err);
}

static enum xp_rc refused(struct sanitize *s, struct xp_method_run *run, struct xp_err *err)
{
	struct xp_nvme_sanitize_log log;
	struct xp_err ignored;

	run->phase->command.aborted = true;
	/* why it refused may stand in the log */
	if (read_log(&log, s, run, &ignored) == XP_OK)
		TRY(keep_log(s, run, XP_KEEP_AFTER, err));
	return finish(s, run, err);
}

/* The answer got lost: whether the drive took the command cannot be known, so it is given again. */
static enum xp_rc answer_lost(struct sanitize *s, struct xp_method_run *run, enum xp_rc rc)
{
	if ((rc != XP_E_IO && rc != XP_E_TIMEOUT) || s->sends >= SENDS_MAX)
		return rc;
	s->step = XP_STEP_BEFORE;
	xp_device_watch_begin(&s->watch, run, estimate_of(run));
	return XP_OK;
}

static enum xp_rc step_send(struct xp_method_run *run, struct xp_err *err)
{
	struct sanitize *s = run->state;
	struct xp_command_result *c = &run->phase->command;
	uint32_t words[WORDS_MAX];
	struct xp_reply reply = {0};
	unsigned n;

	n = list_words(words, s, run);
	s->sends++;
	c->accepted = false;
	c->aborted = false;
	c->completion_known = false;
	for (unsigned i = 0; i < n; i++) {
		enum xp_rc rc = send_word(&reply, run, words[i], err);

		if (rc != XP_OK)
			return answer_lost(s, run, rc);
		if (!reply.answered)
			return answer_lost(s, run,
					   xp_fail(err, XP_E_IO, "Sanitize was not answered"));
		if ((reply.nvme_status & XP_NVME_STATUS_MASK) != XP_NVME_STATUS_INVALID_FIELD)
			break;
	}
	if (reply.nvme_status != 0)
		return refused(s, run, err);
	c->accepted = true;
	/* a drive that can change all its media's keys encrypts all of it, always */
	if (run->req->technique == XP_NVME_SANITIZE_CRYPTO)
		c->keys.can_be_off = XP_ANSWER_NO;
	TRY(xp_device_command_note(run, XP_COMMAND_ACCEPTED, err));
	s->looks = s->unchanged = 0;
	s->step = XP_STEP_SEE_THROUGH;
	xp_device_watch_begin(&s->watch, run, estimate_of(run));
	return XP_OK;
}

/* The first sight of our own run is proof that it is a new one: it goes to the journal at once. */
static enum xp_rc remember_running(const struct sanitize *s, struct xp_method_run *run,
				   const struct xp_nvme_sanitize_log *log, struct xp_err *err)
{
	bool is_first = !xp_completion_during(run->phase, XP_RAW_NVME_LOG, XP_NVME_LOG_SANITIZE);

	if (!is_first || log->cdw10 != get_le32(run->phase->command.cdb + SQE_CDW10))
		return XP_OK;
	TRY(keep_log(s, run, XP_KEEP_DURING, err));
	return xp_device_command_note(run, XP_COMMAND_ACCEPTED, err);
}

/* Does the log stand as it stood before the command? It may be late. */
static bool is_unchanged(const struct sanitize *s, const struct xp_method_run *run)
{
	const struct xp_raw *before =
		xp_completion_answer(run->phase, true, XP_RAW_NVME_LOG, XP_NVME_LOG_SANITIZE);

	return before && before->len == sizeof(s->log) &&
	       memcmp(before->data, s->log, sizeof(s->log)) == 0 &&
	       !xp_completion_during(run->phase, XP_RAW_NVME_LOG, XP_NVME_LOG_SANITIZE);
}

/* The drive's last word. What proves nothing after an interruption is done again. */
static enum xp_rc take_end(struct sanitize *s, struct xp_method_run *run, struct xp_err *err)
{
	struct xp_completion found;

	TRY(keep_log(s, run, XP_KEEP_AFTER, err));
	xp_completion_decide(&found, run->phase);
	if (found.end == XP_COMPLETION_UNPROVEN && run->phase->interrupted && s->sends == 0) {
		s->step = XP_STEP_BEFORE;
		return XP_OK;
	}
	return finish(s, run, err);
}

static enum xp_rc step_see_through(struct xp_method_run *run, struct xp_err *err)
{
	struct sanitize *s = run->state;
	struct xp_nvme_sanitize_log log;
	struct xp_err ignored;
	enum xp_rc rc = read_log(&log, s, run, &ignored);

	if (rc != XP_OK && !xp_device_command_is_no_answer(rc))
		return xp_fail(err, rc, "%s", ignored.msg);
	if (rc == XP_OK && log.state == XP_NVME_SANITIZE_RUNNING) {
		TRY(remember_running(s, run, &log, err));
		/* erased; it waits for the readback */
		if (log.phase == XP_NVME_SANITIZE_PHASE_VERIFICATION)
			return take_end(s, run, err);
		TRY(watch_running(s, run, &log, err));
	} else if (rc == XP_OK && log.state != XP_NVME_SANITIZE_UNKNOWN &&
		   (!is_unchanged(s, run) || s->unchanged++ >= UNCHANGED_LOOKS)) {
		return take_end(s, run, err);
	} else {
		/* no answer, as while a controller is reset, or one that makes no sense yet */
		TRY(xp_device_watch_look(&s->watch, run, XP_SEEN_NOTHING, 0, err));
	}
	return wait_for_next_look(s, run, err);
}

static enum xp_rc poll(struct xp_method_run *run, enum xp_method_state *state, struct xp_err *err)
{
	static const struct xp_steps steps = {step_free, step_send, step_see_through};
	const struct sanitize *s = run->state;

	return xp_device_step(state, run, s->step, &steps, err);
}

static enum xp_rc start(struct xp_method_run *run, struct xp_err *err)
{
	struct sanitize *s;

	TRY(xp_device_command_begin(run, sizeof(*s), err));
	s = run->state;
	s->step = XP_STEP_BEFORE;
	xp_device_watch_begin(&s->watch, run, estimate_of(run));
	return XP_OK;
}

static enum xp_rc attach(struct xp_method_run *run, struct xp_err *err)
{
	struct sanitize *s;

	TRY(start(run, err));
	s = run->state;
	s->step = xp_device_step_taken_up(run);
	return s->step == XP_STEP_BEFORE ? XP_OK : xp_device_command_adopt(run, err);
}

/* The media was read, or will not be: blocks are given up now, and the drive is free again. */
static enum xp_rc leave(struct xp_method_run *run, struct xp_err *err)
{
	struct sanitize *s;
	struct xp_nvme_sanitize_log log = {.state = XP_NVME_SANITIZE_RUNNING};
	struct xp_err ignored;
	enum xp_rc rc;

	if (!run->req->facts || !run->req->facts->nvme.ctrl.has_media_verification)
		return XP_OK;
	TRY(xp_device_command_begin(run, sizeof(*s), err));
	s = run->state;
	xp_device_watch_begin(&s->watch, run, 0);
	while (log.state == XP_NVME_SANITIZE_RUNNING) {
		rc = read_log(&log, s, run, &ignored);
		if (rc != XP_OK && !xp_device_command_is_no_answer(rc))
			return xp_fail(err, rc, "%s", ignored.msg);
		if (rc == XP_OK && log.state != XP_NVME_SANITIZE_RUNNING)
			break;
		if (rc == XP_OK && log.phase == XP_NVME_SANITIZE_PHASE_VERIFICATION)
			TRY(end_verification(run, err));
		TRY(xp_device_watch_look(&s->watch, run,
					 rc == XP_OK ? XP_SEEN_AT_WORK : XP_SEEN_NOTHING, 0, err));
		TRY(xp_device_command_wait(run, err));
	}
	return XP_OK;
}

#define SANITIZE(TECHNIQUE)                                                                        \
	{                                                                                          \
		.technique = (TECHNIQUE), .label = "sanitize", .start = start, .attach = attach,   \
		.poll = poll, .leave = leave, .end = xp_device_command_end                         \
	}

const struct xp_method xp_method_nvme_sanitize_crypto = SANITIZE(XP_NVME_SANITIZE_CRYPTO);
const struct xp_method xp_method_nvme_sanitize_block = SANITIZE(XP_NVME_SANITIZE_BLOCK);
const struct xp_method xp_method_nvme_sanitize_overwrite = SANITIZE(XP_NVME_SANITIZE_OVERWRITE);
