/*
 * evidence: what was observed, phase by phase, as plain data. The claim is computed from this and
 * nothing else; the record carries it, and expunge-cert computes the claim again.
 */
#pragma once
#include "base/clock.h"
#include "base/err.h"
#include "base/extents.h"
#include "claim/terms.h"
#include "device/protocol/file_facts.h"
#include "device/protocol/identity.h"
#include "device/protocol/io_how.h"
#include "device/protocol/luks_header.h"

/* What an overwrite pass writes, and what a readback expects. */
enum xp_content_kind {
	XP_CONTENT_ZERO,
	XP_CONTENT_PATTERN, /* pattern[] repeated from byte 0 of the target */
	XP_CONTENT_RANDOM, /* AES-CTR keystream by byte offset; key in the record after the erase */
	XP_CONTENT_UNKNOWN, /* nothing can be expected: compare with a baseline only */
};
/* for the record: "zero", "pattern", "random", "unknown" */
const char *xp_content_kind_name(enum xp_content_kind v);
bool xp_content_kind_parse(enum xp_content_kind *out, const char *name);

#define XP_PATTERN_MAX	     64
#define XP_CONTENT_KEY_BYTES 16
struct xp_content {
	enum xp_content_kind kind;
	uint8_t pattern[XP_PATTERN_MAX];
	uint32_t pattern_len;		   /* 1..XP_PATTERN_MAX for XP_CONTENT_PATTERN */
	uint8_t key[XP_CONTENT_KEY_BYTES]; /* AES-128 key for XP_CONTENT_RANDOM */
};

enum xp_phase_kind {
	XP_PHASE_IDENTIFY, /* identity and facts, before and after */
	XP_PHASE_BASELINE,
	XP_PHASE_ERASE, /* overwrite pass or device command */
	XP_PHASE_READBACK,
};
const char *xp_phase_kind_name(enum xp_phase_kind v);
bool xp_phase_kind_parse(enum xp_phase_kind *out, const char *name);

/* A yes or no that may not be known. What is not known never helps a claim. */
enum xp_answer { XP_ANSWER_UNKNOWN, XP_ANSWER_NO, XP_ANSWER_YES };
const char *xp_answer_name(enum xp_answer v); /* "unknown", "no", "yes" */
bool xp_answer_parse(enum xp_answer *out, const char *name);

/*
 * One pass of a host overwrite. A pass that was interrupted and taken up again is one phase:
 * bytes_written and unwritten tell of the whole pass, each byte counted once; the times are those
 * of the last take.
 */
struct xp_overwrite_result {
	uint32_t pass; /* from 1 */
	uint32_t passes;
	struct xp_content content;
	uint64_t bytes_written;	     /* bytes that the target took */
	struct xp_extents unwritten; /* sectors that it did not take */
	bool flushed;		     /* the flush at the end was answered with success */
	uint64_t resumed_from;	     /* bytes; 0: from the start in one go */
	struct xp_io_how how;
};

enum xp_readback_mode { XP_READBACK_NONE, XP_READBACK_SAMPLE, XP_READBACK_FULL };
const char *xp_readback_mode_name(enum xp_readback_mode v);
bool xp_readback_mode_parse(enum xp_readback_mode *out, const char *name);

enum xp_seed_mode { XP_SEED_LOCAL, XP_SEED_VALIDATOR };
const char *xp_seed_mode_name(enum xp_seed_mode v);
bool xp_seed_mode_parse(enum xp_seed_mode *out, const char *name);

/* How places were chosen (claim/sample_plan.h). */
enum xp_sample_scheme { XP_SAMPLE_NONE, XP_SAMPLE_R1, XP_SAMPLE_SCATTERED };
const char *xp_sample_scheme_name(enum xp_sample_scheme v);
bool xp_sample_scheme_parse(enum xp_sample_scheme *out, const char *name);

#define XP_FOUND_BYTES	  16
#define XP_MISMATCHES_MAX 256
struct xp_mismatch {
	uint64_t offset; /* bytes: the first byte that differs */
	uint64_t len;	 /* bytes, from the first to the last that differs in this extent */
	uint8_t found[XP_FOUND_BYTES]; /* what stands at offset (fewer at the end: zero filled) */
	char kind[16]; /* "data", "zero", "ff", "pattern": what the found bytes look like */
};

/* What stood somewhere before the erase. */
struct xp_extent_digest {
	uint64_t offset, len; /* bytes */
	uint8_t sha256[32];
};

/*
 * Reads before a device technique, at places that follow from a seed as those of a readback do; the
 * readback reads them again and compares block by block.
 */
#define XP_DIGESTS_MAX 4096
struct xp_baseline_result {
	enum xp_sample_scheme scheme;
	uint8_t seed[32];
	uint64_t extents;	 /* independently placed extents that were read */
	uint64_t always_extents; /* places always read */
	uint64_t bytes_planned;
	uint64_t bytes_delivered;
	uint64_t blocks;	     /* logical blocks that were read */
	uint64_t informative_blocks; /* of these: not of one repeated byte, not deallocated */
	uint64_t canaries;	     /* markers that stood there when they were read back */
	/* of all their places, as they were read then (claim/canary.h) */
	bool canaries_read;
	uint8_t canaries_sha256[32];
	struct xp_extents read_errors;
	struct xp_extent_digest *digests; /* the first of them; malloc'ed */
	size_t digest_n;
	/* of all: SHA-256 over offset, length (8 bytes big-endian each) and SHA-256 of each extent
	 */
	uint8_t digests_sha256[32];
	struct xp_io_how how;
};

/* A LUKS header that stands outside of what was overwritten. */
struct xp_key_copy {
	uint64_t offset; /* bytes */
	unsigned version;
	char uuid[41]; /* empty: it does not say */
};

#define XP_KEY_AREAS_MAX  64
#define XP_KEY_COPIES_MAX 64
/* What a readback found where keys stood, and what it found elsewhere on the target. */
struct xp_key_search {
	struct xp_extent_digest *areas; /* as they read now; malloc'ed */
	size_t area_n;
	uint64_t headers_left;	    /* magics of LUKS headers in the areas */
	uint64_t searched_bytes;    /* outside of them, for headers */
	bool searched_all;	    /* that was all the rest of the target */
	struct xp_key_copy *copies; /* found there; at most XP_KEY_COPIES_MAX; malloc'ed */
	size_t copy_n;
	uint64_t copy_total;
	bool swap_found; /* swap space or a hibernation image, which may hold keys */
};

struct xp_readback_result {
	enum xp_readback_mode mode;
	struct xp_content expected;
	enum xp_sample_scheme scheme;
	uint8_t seed[32];	     /* all zero where mode is full */
	enum xp_seed_mode seed_mode; /* who drew it */
	uint64_t extents;	     /* independently placed extents: n of the bound */
	uint64_t always_extents;     /* places always read: do not count for the bound */
	uint64_t bytes_planned;
	uint64_t bytes_delivered; /* bytes that the device itself delivered */
	uint32_t coverage_ppm; /* distinct bytes read / capacity, parts per million, rounded down */
	struct xp_extents read_errors;
	struct xp_mismatch *mismatches; /* at most XP_MISMATCHES_MAX */
	size_t mismatch_n;
	uint64_t mismatch_total; /* mismatching logical blocks, counted to the end */
	struct xp_io_how how;
	/* after a device technique, compared with the baseline phase; all zero after an overwrite
	 */
	enum xp_answer
		baseline_informative; /* no: zeros or deallocated before, a change shows nothing */
	enum xp_answer reads_deallocated; /* yes: the drive answers for blocks that it gave up */
	/* blocks at the places of the baseline; each is of one kind of the next five */
	uint64_t compared_blocks;
	uint64_t unchanged_blocks; /* equal to an informative baseline */
	uint64_t changed_blocks; /* other than before, and neither zero nor one repeated pattern */
	uint64_t zero_blocks;	 /* zeros now */
	uint64_t pattern_blocks; /* some other repeated pattern now */
	uint64_t unreadable_blocks; /* an error now */
	uint64_t canaries_alive;    /* markers that were written before and are still there */
	bool canaries_read;	    /* ... and what stands in their places now */
	uint8_t canaries_sha256[32];
};

/* What is known of the keys that a technique destroys (crypto erase, LUKS, TCG). */
struct xp_key_facts {
	enum xp_answer can_be_off; /* host encryption, or a drive's that can be switched off */
	enum xp_answer plaintext_before; /* data was stored before the encryption was on */
	enum xp_answer copies_alive;	 /* escrow, backup of the header or the key */
	bool keeps_global_range;	 /* KeepGlobalRangeKey was given */
	enum xp_answer
		media_encryption; /* TCG: the drive says that it encrypts, and is no Pyrite */
	bool ranges_left;	  /* TCG: some locking range kept its key */
};

/*
 * A device command and its answer (ATA, SCSI, NVMe); used by the device techniques. What the drive
 * said stays raw in before[] and after[]; the flags say what the host did and met.
 */
struct xp_command_result {
	uint8_t cdb[64]; /* CDB, or the 64-byte submission queue entry without pointers */
	uint32_t cdb_len;
	uint8_t scsi_status;
	uint8_t sense[96];
	uint32_t sense_len;
	uint32_t nvme_status; /* 0xffffffff: no NVMe command */
	bool accepted;	      /* journalled as accepted */
	bool completion_known;
	bool attached;		   /* found running: this job did not start it */
	bool frozen;		   /* security was frozen when it was sent */
	bool locked;		   /* security was locked when it was sent */
	bool aborted;		   /* the drive aborted the command */
	bool exit_failure_mode;	   /* the failure state was left without a successful sanitize */
	bool leaves_namespaces;	   /* namespaces or unallocated capacity lie outside its reach */
	uint32_t overwrite_passes; /* passes of an overwriting sanitize; 0: none */
	/* seconds of the wall clock from the phase that sent it to this take of it; 0: one take */
	uint64_t earlier_s;
	struct xp_key_facts keys;
	/*
	 * The drive's own state before, during and after the command: sanitize log or status,
	 * IDENTIFY, sense data. Of the answers to polling the first, the last, and those between
	 * that tell of another state are kept.
	 */
	struct xp_raw *before, *during, *after;
	size_t before_n, during_n, after_n;
};

/* A row of the firmware table that matched this drive: data, embedded in the record. */
struct xp_firmware_row {
	enum xp_technique technique;
	enum xp_level cap; /* the most that this technique earns on this firmware */
	char why[160];
	char source[160];
};

struct xp_phase {
	enum xp_phase_kind kind;
	uint32_t attempt;	     /* from 1; a fallback is a new attempt */
	enum xp_technique technique; /* of the attempt; for erase, baseline, readback */
	/* kind identify, before luks-destroy: the volumes whose keys are destroyed; malloc'ed */
	struct xp_luks_volume *volumes;
	size_t volume_n;
	/* file-overwrite: before, in a phase of kind identify; after the flush, in kind erase */
	struct xp_file_facts file;
	bool file_known;	     /* it was looked at */
	struct xp_identity identity; /* as read at the start of the phase */
	int64_t start_s, end_s;	     /* wall clock, UTC */
	uint64_t start_ns,
		end_ns; /* monotonic, of the last take; comparable within one boot_id only */
	char boot_id[37];
	bool interrupted; /* the process or the host died in this phase; it was taken up again */
	bool stalled;	  /* the target stopped to answer; what it has taken is not known */
	uint32_t take; /* from 1; each resumption of the job is a new take, with the interlock anew
			*/
	struct xp_baseline_result baseline;   /* kind baseline */
	struct xp_overwrite_result overwrite; /* kind erase, where the host writes */
	struct xp_readback_result readback;   /* kind readback */
	struct xp_key_search search;	      /* kind readback, after luks-destroy */
	struct xp_command_result command;     /* kind erase, device technique */
};

/* capacities in bytes; 0 with hidden_areas_known false: could not be asked */
struct xp_capacity_facts {
	uint64_t current, native, factory;
	bool hidden_areas_apply; /* false: image, logical volume, or reported absent */
	bool hidden_areas_known;
	bool restored;
	/* what stands between current and factory, each as far as it was asked for */
	enum xp_answer hpa, dco, amac;
	uint64_t unallocated; /* NVMe: bytes of the subsystem that no namespace has */
	uint32_t namespaces;  /* NVMe: how many the subsystem has; 0: does not apply */
};

/* What keeps a part of a drive from the host. */
enum xp_hidden_area {
	XP_AREA_HPA,
	XP_AREA_AMAC,
	XP_AREA_DCO,
	XP_AREA_REDUCED, /* SCSI: the block descriptor of MODE SELECT */
};
const char *xp_hidden_area_name(enum xp_hidden_area v); /* "hpa", "amac", "dco", "reduced" */
bool xp_hidden_area_parse(enum xp_hidden_area *out, const char *name);

/* One that this job lifted, or could not lift. */
struct xp_capacity_change {
	enum xp_hidden_area area;
	/* bytes: what the drive showed, and what it was to show (reduced, and not taken: not known,
	 * as from) */
	uint64_t from, to;
	bool restored; /* the drive took the change */
	char why[192]; /* what stood against it; empty where it was taken */
};
#define XP_CAPACITY_CHANGES_MAX 4

struct xp_evidence {
	struct xp_phase *phases;
	size_t n;
	size_t cap;
	struct xp_capacity_facts capacity; /* before the job */
	/* asked again after hidden areas were opened, and after the erase */
	struct xp_capacity_facts capacity_after;
	bool capacity_after_given;
	struct xp_capacity_change
		changes[XP_CAPACITY_CHANGES_MAX]; /* in the order they were made */
	size_t changes_n;
	bool cancelled; /* the job was stopped on request before its end */
	enum xp_answer clock_synchronized;
	struct xp_firmware_row *firmware; /* rows that matched; malloc'ed */
	size_t firmware_n;
};

/* A new, zeroed phase at the end; the pointer is good until the next call. NULL: no memory. */
struct xp_phase *xp_evidence_add(struct xp_evidence *ev, enum xp_phase_kind kind);
void xp_evidence_free(struct xp_evidence *ev);
void xp_phase_free(struct xp_phase *p); /* the members, not p itself */
/*
 * The phase in front of PHASE (which may be outside of EV: then all of them) that tells of the
 * volumes of its attempt; NULL: there is none.
 */
const struct xp_phase *xp_evidence_volumes(const struct xp_evidence *ev,
					   const struct xp_phase *phase);
/* The same for what is known of the file. */
const struct xp_phase *xp_evidence_file(const struct xp_evidence *ev, const struct xp_phase *phase);
/*
 * How many bytes a pass of the host has to write, and a full readback to read (PHASE is either):
 * the capacity, or the areas that hold keys. 0: not known.
 */
uint64_t xp_evidence_goal_bytes(const struct xp_evidence *ev, const struct xp_phase *phase);
/* The device delivered all of a target of that size: nothing in it was left to chance. */
bool xp_readback_is_of_all(const struct xp_readback_result *r, uint64_t capacity_bytes);
/* The same, and it is known what should be there, and nothing else was. */
bool xp_readback_is_all_good(const struct xp_readback_result *r, uint64_t capacity_bytes);
void xp_key_search_free(struct xp_key_search *s);
void xp_baseline_result_free(struct xp_baseline_result *r);
void xp_readback_result_free(struct xp_readback_result *r);
void xp_overwrite_result_free(struct xp_overwrite_result *r);
void xp_command_result_free(struct xp_command_result *r);
/* Do A and B put the same bytes on a target? */
bool xp_content_same(const struct xp_content *a, const struct xp_content *b);
/* Does it put the same bytes into every block of so many? */
bool xp_content_repeats(const struct xp_content *c, uint32_t block_bytes);
