/*
 * sample_plan: which places a sampled readback reads, computed from a seed so that anybody can
 * compute them again. Pure. [SP 800-88r1 4.7.3; standards.md 8]
 */
#pragma once
#include "claim/evidence.h"

struct xp_sample_plan {
	struct xp_extent
		*list; /* sorted by offset, not overlapping, aligned to the logical block */
	size_t n;
	uint64_t independent;  /* n of the bound: independently placed extents */
	uint64_t always;       /* places always read (ends, tables, superblocks, labels) */
	uint64_t bytes;	       /* distinct bytes in the list */
	uint64_t always_bytes; /* of these, in places always read */
	uint32_t unit_bytes;   /* an extent of scheme scattered */
};

/*
 * SCHEME r1: 1000 subsections, two non-overlapping samples of at least 5 % each in each of them.
 * SCHEME scattered: N extents of 4 KiB (or one logical block if that is larger), without
 * replacement and outside the places always read; N 0: for a residue fraction of 1e-4 at 99.9 %
 * (69,075). A target too small for the scheme (r1: fewer than 2000 such extents in all; scattered:
 * N would be more than half of it) is read whole: one extent, and independent counts every 4 KiB.
 * The algorithm is fixed in docs/methods.md.
 */
MUST_USE enum xp_rc xp_sample_plan_make(struct xp_sample_plan *out, enum xp_sample_scheme scheme,
					uint64_t n, uint64_t capacity_bytes,
					uint32_t logical_block_bytes, const uint8_t seed[32],
					struct xp_err *err);
void xp_sample_plan_free(struct xp_sample_plan *p);

#define XP_SAMPLE_DEFAULT_N 69075      /* residue fraction 1e-4 at 99.9 % */
#define XP_SAMPLE_MAX_N	    (1u << 24) /* more extents than this: XP_E_USAGE */
/*
 * The figures of that plan without its places (list NULL, n 0): cheap for scheme scattered, whose
 * figures do not depend on the seed.
 */
MUST_USE enum xp_rc xp_sample_plan_totals(struct xp_sample_plan *out, enum xp_sample_scheme scheme,
					  uint64_t n, uint64_t capacity_bytes,
					  uint32_t logical_block_bytes, const uint8_t seed[32],
					  struct xp_err *err);

/* What the figures of scheme scattered follow from, for some targets. Zeroed; one thread's. */
#define XP_SAMPLE_MEMO_SLOTS 8u
struct xp_sample_memo {
	struct xp_sample_figures {
		uint64_t capacity;
		uint32_t block; /* 0: free */
		uint32_t unit;
		uint64_t units, free_units;
		uint64_t always_n, always_bytes;
	} slots[XP_SAMPLE_MEMO_SLOTS];
	unsigned next;
};

struct xp_sample_wish {
	enum xp_sample_scheme scheme;
	uint64_t n; /* as above */
	uint64_t capacity_bytes;
	uint32_t logical_block_bytes;
	const uint8_t *seed; /* 32 bytes */
};
/* As xp_sample_plan_totals, by what MEMO (NULL: nothing) holds of the target already. */
MUST_USE enum xp_rc xp_sample_plan_figures(struct xp_sample_plan *out,
					   const struct xp_sample_wish *wish,
					   struct xp_sample_memo *memo, struct xp_err *err);

/* What a record tells of a sampled reading. */
struct xp_sample_told {
	enum xp_sample_scheme scheme;
	uint64_t extents; /* that were read to their end */
	uint64_t bytes_planned;
	uint64_t capacity_bytes;
	uint32_t logical_block_bytes;
	const uint8_t *seed;	     /* 32 bytes */
	struct xp_sample_memo *memo; /* NULL: none */
};
/* The N whose plan has so many bytes (they grow with N), and its figures. false: there is none. */
bool xp_sample_plan_find(struct xp_sample_plan *totals, uint64_t *n,
			 const struct xp_sample_told *told);
