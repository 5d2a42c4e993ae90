/*
 * campaign: random drives that fail, lie and lose power, a whole job on each, and what is claimed
 * afterwards held against what a laboratory would find. A drive may lie: then a readback finds it
 * out with the chance that its sample gives it, and that bound is what is checked. A drive that
 * does not lie is never claimed to be cleaner than it is. And what is claimed, by whatever drive,
 * holds when the record is checked.
 */
#pragma once
#include "tests/fake/erase_lab.h"

/* A seeded generator. */
struct dice {
	uint64_t state;
};
uint64_t dice_roll(struct dice *d, uint64_t below); /* 0 to below - 1 */
bool dice_chance(struct dice *d, unsigned percent);
/* What a liar of SECTORS sectors leaves: mostly a place, else a stripe, the spare area, all. */
struct emu_leave campaign_leave(struct dice *d, uint64_t sectors);

/* What a drive with this job's faults is to the campaign. */
struct campaign_rig {
	void *ctx; /* the kind's own */
	enum xp_technique technique;
	bool lies; /* it may report a success that left data */
};

/* What a laboratory finds where a host can read, and elsewhere. */
struct campaign_residue {
	uint64_t reachable; /* bytes */
	uint64_t elsewhere; /* hidden, spare: no readback sees it */
};

/* A family of drives. */
struct campaign_kind {
	const char *name;
	/* A drive full of customer data, with faults, its job begun in LAB, which may be cut. */
	void (*make)(struct campaign_rig *rig, struct erase_lab *lab, struct dice *dice);
	void (*free)(struct campaign_rig *rig);
	uint64_t (*bytes)(const struct campaign_rig *rig); /* that a host can reach now */
	uint32_t (*block_bytes)(const struct campaign_rig *rig);
	/* As a host reads it. false: an error. */
	bool (*read)(const struct campaign_rig *rig, uint64_t offset, void *data, size_t len);
	/* Of [offset, offset + len) of what a host can reach now: customer data in it? */
	bool (*is_stained)(const struct campaign_rig *rig, uint64_t offset, uint64_t len);
	struct campaign_residue (*residue)(const struct campaign_rig *rig);
	/* Can its owner, or anybody with the documented password, use it again? */
	bool (*has_way_out)(struct campaign_rig *rig, struct erase_lab *lab);
};
/* For has_way_out: a sanitize leads out of every state. */
bool campaign_nothing_locks(struct campaign_rig *rig, struct erase_lab *lab);
extern const struct campaign_kind campaign_ata;
extern const struct campaign_kind campaign_scsi;
extern const struct campaign_kind campaign_nvme;

struct campaign_result {
	uint64_t jobs, takes, cut;
	uint64_t claims[3]; /* by level */
	uint64_t liars;	    /* drives that left data and reported success, or might have */
	uint64_t caught;    /* of those that left data in reach: by the readback or by the drive's
			     * own contradictions */
	uint64_t slipped;   /* claimed though data was left in reach */
	double expected;    /* so many may slip, by the bound of each sample */
	uint64_t beyond;    /* purge claimed though a liar left data where no readback sees it */
	uint64_t wrong;	    /* what must never happen */
	uint64_t first_wrong_seed;
	char why[224]; /* of the first wrong one */
};

/* JOBS jobs of KIND from SEED on; what is in R is added to. LAB has a permit. */
void campaign_run(struct campaign_result *r, struct erase_lab *lab,
		  const struct campaign_kind *kind, uint64_t seed, uint64_t jobs);
void campaign_add(struct campaign_result *sum, const struct campaign_result *more);
/* Nothing wrong, and no more slipped than the samples' bound lets expect. */
bool campaign_is_good(const struct campaign_result *r);
