/*
 * engine: carries out the destructive phases of a plan on a held target, one after another. Each is
 * handed to the journal before it begins and when it has ended; before each the identity is read
 * again on the held descriptor. It knows no record and no certificate.
 */
#pragma once
#include "base/clock.h"
#include "claim/evidence.h"
#include "claim/policy.h"
#include "device/drive_facts.h"
#include "device/extent.h"
#include "device/interlock.h"

/* Where a device technique stands; each is on disk before the next step. */
enum xp_command_note {
	XP_COMMAND_SECRET,   /* a password is about to be set on the drive */
	XP_COMMAND_SENT,     /* the destructive command is about to be sent */
	XP_COMMAND_ACCEPTED, /* the drive took it */
	XP_COMMAND_ENDED,    /* the drive's word on its end was read, whatever it is */
	XP_COMMAND_OPEN,     /* no password of ours is left on the drive */
};
const char *xp_command_note_name(enum xp_command_note v); /* "secret", "sent", ... */
bool xp_command_note_parse(enum xp_command_note *out, const char *name);

/* What the engine asks of its owner. All may be called from the thread that runs the engine only.
 */
struct xp_engine_hooks {
	void *ctx;
	/* Must have PHASE on disk when it returns; an error stops the job before anything is
	 * touched. */
	enum xp_rc (*phase_begin)(void *ctx, const struct xp_phase *phase, struct xp_err *err);
	/* Everything below OFFSET is on the medium, but for UNWRITTEN. On disk when it returns. */
	enum xp_rc (*checkpoint)(void *ctx, uint64_t offset, const struct xp_extents *unwritten,
				 struct xp_err *err);
	enum xp_rc (*phase_end)(void *ctx, const struct xp_phase *phase, struct xp_err *err);
	void (*progress)(void *ctx, const char *label, uint64_t done_bytes, uint64_t total_bytes);
	/*
	 * A command is about to be sent that the drive answers only when it has ended, and that
	 * nobody can stop; by its own word it takes so long (0: it does not say). May be NULL.
	 */
	void (*silent)(void *ctx, const char *label, uint64_t estimate_s);
	bool (*cancelled)(void *ctx);
	/* Device techniques: PHASE as it stands now must be on disk when it returns. */
	enum xp_rc (*command_note)(void *ctx, enum xp_command_note what,
				   const struct xp_phase *phase, struct xp_err *err);
	/* Waits; may return early when the job is cancelled. */
	void (*sleep_ms)(void *ctx, uint32_t ms);
	/*
	 * The identity now, by the drive's own word where it has one, compared with the one that
	 * the job began with: XP_E_REFUSED where it differs. NULL: xp_permit_identify.
	 */
	enum xp_rc (*identify)(void *ctx, struct xp_identity *out, struct xp_err *err);
	/*
	 * The way to the bytes of the target; CFG has all but the descriptor. NULL: the permit's
	 * own.
	 */
	enum xp_rc (*open_io)(void *ctx, struct xp_extent_io **out,
			      const struct xp_extent_config *cfg, struct xp_err *err);
};

struct xp_engine_request {
	const struct xp_permit *permit;
	enum xp_technique technique;
	uint32_t attempt; /* from 1 */
	uint32_t take;	  /* from 1 */
	uint32_t passes;
	const struct xp_content *contents;	/* one a pass */
	struct xp_sanitize_overwrite overwrite; /* of a drive's own overwrite */
	uint32_t first_pass;			/* from 1; more after an interruption */
	bool resumes;				/* first_pass was begun by an earlier take */
	uint64_t resume_offset;
	const struct xp_extents *resume_unwritten;
	uint32_t stall_ms; /* no progress for so long: XP_E_TIMEOUT; 0: the default */
	const struct xp_clock *clock;
	char boot_id[37];
	/* device techniques; NULL for host overwrites of what has no drive in sight */
	struct xp_transport *transport;
	const struct xp_drive_facts *facts; /* as probed under the permit, before this attempt */
	/*
	 * Of a take before this one, where it broke off in this attempt's command: the phase as it
	 * was journalled last, and at which note. NULL: there is none.
	 */
	const struct xp_phase *resume_phase;
	enum xp_command_note resume_note;
	/* luks-destroy: the volumes that the plan found, and what is known of copies of their keys
	 */
	const struct xp_luks_volume *volumes;
	size_t volume_n;
	struct xp_key_facts keys;
	const struct xp_file_facts *file; /* file-overwrite: what the plan found; NULL: nothing */
	struct xp_engine_hooks hooks;
};

/*
 * Runs the passes from first_pass on; each is a phase in EV, also one that failed or was cancelled.
 * A device technique is one pass. Cancelled while the drive is at it: the drive goes on by itself,
 * and a later take attaches to it.
 * Errors: XP_E_REFUSED (the identity changed: nothing was written in this pass), XP_E_CANCELLED,
 * XP_E_UNSUPPORTED, XP_E_IO (the target is gone, or the journal cannot be written), XP_E_NOMEM.
 */
MUST_USE enum xp_rc xp_engine_erase(struct xp_evidence *ev, const struct xp_engine_request *req,
				    struct xp_err *err);

/*
 * Behind the readback, or in its place: a drive that waits until its media was read is told that it
 * was. What it then answers is no evidence. XP_E_TIMEOUT, XP_E_CANCELLED: it still waits.
 */
MUST_USE enum xp_rc xp_engine_leave(const struct xp_engine_request *req, struct xp_err *err);

/* An identify phase: the identity as the held descriptor shows it now. */
MUST_USE enum xp_rc xp_engine_identify(struct xp_evidence *ev, const struct xp_engine_request *req,
				       struct xp_err *err);

/* An io for PHASE's target, to be written; by the owner's way or on the held descriptor. */
MUST_USE enum xp_rc xp_engine_open_io(struct xp_extent_io **out,
				      const struct xp_engine_request *req,
				      const struct xp_phase *phase, struct xp_err *err);

/* Begins and ends a phase in the way the engine does, for owners that run one themselves
 * (readback). */
MUST_USE enum xp_rc xp_engine_phase_begin(struct xp_phase **out, struct xp_evidence *ev,
					  enum xp_phase_kind kind,
					  const struct xp_engine_request *req, struct xp_err *err);
MUST_USE enum xp_rc xp_engine_phase_end(struct xp_phase *phase, const struct xp_engine_request *req,
					struct xp_err *err);
