/*
 * plan: which technique, why, what it destroys, what it leaves, how long, and the claim to expect.
 * Pure: it opens nothing and writes nothing; facts come in, a plan comes out.
 */
#pragma once
#include "claim/claim.h"
#include "device/drive_facts.h"
#include "device/luks.h"
#include "device/protocol/file_facts.h"
#include "device/target.h"

/* One technique that can be carried out on the target, here and now. */
struct xp_capability {
	enum xp_technique technique;
	uint64_t seconds; /* estimate for one pass or one command; 0: not known */
};

/* One that the drive has and that cannot be carried out as things stand: frozen, locked, a bridge
 * in between, a namespace in use. */
struct xp_obstacle {
	enum xp_technique technique;
	enum xp_refusal_code code;
	char why[192];
	char remedy[256]; /* what would make it possible */
};

struct xp_capabilities {
	struct xp_capability list[XP_TECHNIQUE_COUNT];
	unsigned n;
	struct xp_obstacle obstacles[XP_TECHNIQUE_COUNT];
	unsigned obstacles_n;
	bool restores_reduced;	   /* a SCSI drive can be set to all of its blocks (MODE SELECT) */
	bool writes_same;	   /* one block is sent for many that are to hold it (WRITE SAME) */
	uint64_t read_bytes_per_s; /* estimate for a readback; 0: not known */
	struct xp_capacity_facts capacity; /* hidden areas, as far as they were asked for */
};

/* Is something hidden, and known how much? */
bool xp_capabilities_hide(const struct xp_capabilities *c);

/* What the host itself can do to any target: overwrite it. Estimates by kind of media. */
void xp_capabilities_host(struct xp_capabilities *out, const struct xp_target *target);

/* Adds file-overwrite where the target is a file of which FILE (may be NULL) is known. */
void xp_capabilities_file(struct xp_capabilities *out, const struct xp_file_facts *file,
			  const struct xp_target *target);

/* Adds luks-destroy where volumes were found. */
void xp_capabilities_luks(struct xp_capabilities *out, const struct xp_luks_volumes *luks,
			  const struct xp_target *target);

/*
 * Adds what the drive itself can do, by its own word in FACTS: techniques, obstacles, estimates,
 * and the hidden areas.
 */
void xp_capabilities_drive(struct xp_capabilities *out, const struct xp_target *target,
			   const struct xp_drive_facts *facts);

struct xp_plan_request {
	const struct xp_target *target;
	const struct xp_refusals *refusals; /* of xp_interlock_check; NULL: none */
	const struct xp_capabilities *capabilities;
	const struct xp_policy *policy;
	bool has_level; /* --level; else the policy's own */
	enum xp_level level;
	bool has_accept; /* --accept; else nothing below the asked level */
	enum xp_level accept;
	bool has_technique; /* --technique; else the policy's preference */
	enum xp_technique technique;
	bool is_taken_up; /* the technique is that of a job that was interrupted */
	/* --pattern, for overwrite-pattern, or for a drive's own overwrite */
	uint8_t pattern[XP_PATTERN_MAX];
	uint32_t pattern_len; /* 0: none given */
	bool no_fallback;
	enum xp_readback_mode verify;	    /* --verify; XP_READBACK_NONE: the policy's own */
	const struct xp_luks_volumes *luks; /* what xp_luks_find found; NULL: it was not asked */
	const struct xp_luks_mappings *closing; /* open, and to be closed first; NULL: none */
	const struct xp_file_facts *file;   /* file-overwrite: what is known of the file, or NULL */
	const struct xp_drive_facts *facts; /* what the drive said of itself; NULL: nothing */
	const char *const *nodes; /* further nodes that go with the target (partitions, paths);
				   * NULL-terminated; may be NULL */
};

struct xp_plan_step {
	const char *action; /* "close", "identify", "overwrite", "command", "readback", "record" */
	bool has_technique;
	enum xp_technique technique;
	char why[256];
	uint64_t seconds; /* estimate; 0: an instant, or not known */
};

#define XP_PLAN_PASSES_MAX 8
#define XP_PLAN_STEPS_MAX  (XP_PLAN_PASSES_MAX + 10)

struct xp_plan {
	/*
	 * The technique, or one that it may fall back to, goes to every namespace of the drive:
	 * each must be free, and all of them confirmed (xp_target_confirm_drive).
	 */
	bool reaches_all;
	bool has_technique; /* false: nothing may be carried out; message says why */
	enum xp_technique technique;
	enum xp_level asked;
	enum xp_level accepted; /* the lowest level that exits 0; asked if nothing lower */
	unsigned passes;	/* of a host overwrite; 0: a device command */
	struct xp_content
		contents[XP_PLAN_PASSES_MAX]; /* one a pass; a random key is drawn by the engine */
	/* of a drive's own overwrite, where the technique or a fallback is one */
	struct xp_sanitize_overwrite overwrite;
	struct xp_plan_step steps[XP_PLAN_STEPS_MAX];
	unsigned steps_n;
	enum xp_technique fallbacks[XP_TECHNIQUE_COUNT]; /* in order, if this technique fails */
	unsigned fallbacks_n;
	uint64_t seconds; /* all steps; 0: not known */
	struct {
		enum xp_readback_mode mode;
		enum xp_sample_scheme scheme;
		uint64_t n; /* scheme scattered: extents */
		uint64_t bytes;
		bool search_all; /* luks-destroy: all of the target is searched for headers */
	} verification;
	struct xp_luks_volumes luks; /* whose keys are destroyed: by luks-destroy, or first */
	bool keys_first; /* luks-destroy comes before the technique, as an attempt of its own */
	struct xp_claim expected; /* level, scope, reasons, not_covered of a flawless run */
	char **blast_radius;	  /* what will be destroyed, one thing a string */
	size_t blast_radius_n;
	struct xp_refusals refusals; /* a copy of the request's */
	int exit_code;		     /* what run would exit with: 4, 69, 3 or 0 */
	char message[512];	     /* why, where exit_code is not 0; else empty */
};

/*
 * Refusals, an unsupported technique or a level that cannot be reached are results (exit_code), not
 * errors. exit_code 4 without refusals: no technique here reaches the level asked for or accepted,
 * and
 * --no-fallback or the policy forbids less; has_technique is then false, and message says so. A
 * readback that the policy asks for is never weakened by VERIFY. Errors: XP_E_USAGE (a pattern
 * without overwrite-pattern or the reverse, an accepted level above the asked one), XP_E_NOMEM. OUT
 * is to be freed with xp_plan_free, also after an error.
 */
MUST_USE enum xp_rc xp_plan_make(struct xp_plan *out, const struct xp_plan_request *req,
				 struct xp_err *err);
void xp_plan_free(struct xp_plan *p); /* the members, not p itself */

/*
 * The plan goes on with another of its techniques: technique, passes and contents become those of
 * T; keys of random passes are still to be drawn.
 */
void xp_plan_switch(struct xp_plan *p, enum xp_technique t, const struct xp_policy *policy,
		    enum xp_media media);
