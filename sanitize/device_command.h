/*
 * device_command: what every device technique does with its command: sends it under the permit,
 * keeps the drive's answers as evidence, tells the journal, waits. Inside sanitize/ only.
 */
#pragma once
#include "device/transport.h"
#include "sanitize/method.h"

/* How often a drive that is at it is asked, in milliseconds. */
#define XP_POLL_MS 2000u

/* The technique's name, for texts. */
const char *xp_device_command_label(const struct xp_method_run *run);
/* A way to the drive must be there; run->state becomes SIZE zeroed bytes. */
MUST_USE enum xp_rc xp_device_command_begin(struct xp_method_run *run, size_t size,
					    struct xp_err *err);
/* The steps of a technique that is one command; the method keeps which is the next. */
enum xp_step {
	XP_STEP_BEFORE, /* until the drive is at nothing else and what stands before is kept */
	XP_STEP_SEND,
	XP_STEP_SEE_THROUGH, /* the drive took it */
	XP_STEP_DONE,	     /* its end was read */
};
struct xp_steps {
	enum xp_rc (*before)(struct xp_method_run *run, struct xp_err *err);
	enum xp_rc (*send)(struct xp_method_run *run, struct xp_err *err);
	enum xp_rc (*see_through)(struct xp_method_run *run, struct xp_err *err);
};
/* The poll of such a method. */
MUST_USE enum xp_rc xp_device_step(enum xp_method_state *state, struct xp_method_run *run,
				   enum xp_step step, const struct xp_steps *steps,
				   struct xp_err *err);
/*
 * Where an interrupted take is to be taken up. XP_STEP_BEFORE: whether the drive took the command
 * cannot be known, and it is given again.
 */
enum xp_step xp_device_step_taken_up(const struct xp_method_run *run);
/* run->state is freed. */
void xp_device_command_end(struct xp_method_run *run);
/* Did an answer not come, or make no sense, so that asking again may help? */
bool xp_device_command_is_no_answer(enum xp_rc rc);

/*
 * Who answers is who was met: XP_E_REFUSED where it is another drive. To be asked directly before
 * what destroys, also when it is sent again. XP_E_IO: it does not say, whyever.
 */
MUST_USE enum xp_rc xp_device_command_demand_same(struct xp_method_run *run, struct xp_err *err);

/*
 * Sends CMD and keeps command block, status and sense in the phase; for the one destructive command
 * of the technique. Errors are those of the transport: XP_E_IO, XP_E_TIMEOUT, XP_E_REFUSED.
 */
MUST_USE enum xp_rc xp_device_command_send(struct xp_method_run *run, const struct xp_cmd *cmd,
					   struct xp_reply *reply, struct xp_err *err);
/* Any other command, under the permit; nothing is kept. */
MUST_USE enum xp_rc xp_device_command_ask(struct xp_method_run *run, const struct xp_cmd *cmd,
					  struct xp_reply *reply, struct xp_err *err);

enum xp_keep { XP_KEEP_BEFORE, XP_KEEP_DURING, XP_KEEP_AFTER };
/*
 * Keeps a copy of an answer in command.before, during or after; one of the same kind and arg is
 * replaced. XP_E_NOMEM.
 */
MUST_USE enum xp_rc xp_device_command_keep(struct xp_method_run *run, enum xp_keep where,
					   enum xp_raw_kind kind, uint32_t arg, const void *data,
					   size_t len, struct xp_err *err);

/* Forgets a kept answer, where there is one. */
void xp_device_command_drop(struct xp_method_run *run, enum xp_keep where, enum xp_raw_kind kind,
			    uint32_t arg);
/* Takes over what an interrupted take journalled of its command (run->resume_phase). XP_E_NOMEM. */
MUST_USE enum xp_rc xp_device_command_adopt(struct xp_method_run *run, struct xp_err *err);

MUST_USE enum xp_rc xp_device_command_note(struct xp_method_run *run, enum xp_command_note what,
					   struct xp_err *err);
/* What a drive's own overwrite is to write; passes from 1, inverted only where there are several.
 */
struct xp_sanitize_overwrite xp_device_command_overwrite(const struct xp_method_run *run);
/*
 * The technique is at its end: journals that, whatever it is. XP_E_DEVICE: the drive says that it
 * failed, or refused; the text says what leads on.
 */
MUST_USE enum xp_rc xp_device_command_finish(struct xp_method_run *run, struct xp_err *err);
/* Tells how far the drive is, of 65536, in bytes of its capacity. */
void xp_device_command_progress(const struct xp_method_run *run, const char *label,
				uint32_t of_65536);
/* Waits until the next poll. XP_E_CANCELLED: the job was cancelled; the drive goes on. */
MUST_USE enum xp_rc xp_device_command_wait(const struct xp_method_run *run, struct xp_err *err);

/*
 * Is the drive still getting on? Progress that does not move, or no answer at all, for as long as
 * the owner of the job bears it, is a stall. A drive that says it is at it and names no progress is
 * borne for a day.
 */
struct xp_device_watch {
	uint64_t moved_ns; /* when the progress moved last */
	uint64_t limit_ns;
	uint32_t progress;
	bool has_progress;
};
/* ESTIMATE_S: how long the drive itself says that it takes; 0: it does not say. */
void xp_device_watch_begin(struct xp_device_watch *w, const struct xp_method_run *run,
			   uint64_t estimate_s);
enum xp_seen {
	XP_SEEN_NOTHING,  /* no answer */
	XP_SEEN_AT_WORK,  /* it is at it; how far is not said */
	XP_SEEN_PROGRESS, /* of 65536 */
};
/* One look at the drive. XP_E_TIMEOUT: it stands still. */
MUST_USE enum xp_rc xp_device_watch_look(struct xp_device_watch *w, const struct xp_method_run *run,
					 enum xp_seen seen, uint32_t progress, struct xp_err *err);
