/* policy: what an organization asks of a sanitization, as data. JSON in docs/policies/. */
#pragma once
#include "claim/evidence.h"
#include "claim/terms.h"

#define XP_POLICY_MAX_BYTES (1u << 20)

struct xp_policy;

#define XP_SANITIZE_PASSES_MAX 16
/* How a drive's own overwrite (sanitize of ATA, SCSI, NVMe) is to be carried out. */
struct xp_sanitize_overwrite {
	unsigned passes;    /* from 1 to XP_SANITIZE_PASSES_MAX; 0: as 1 */
	bool inverts;	    /* each pass writes the complement of the one before it */
	uint8_t pattern[4]; /* what stands there in the end, as its bytes follow on the medium */
	bool deallocates;   /* NVMe, any sanitize: blocks are given up afterwards (NDAS 0) */
};

/*
 * Parses a policy file. Unknown keys, levels, techniques: XP_E_MALFORMED with the place.
 * The policy keeps its own bytes (canonical form and sha256 go into the record).
 */
MUST_USE enum xp_rc xp_policy_parse(struct xp_policy **out, const char *json, size_t len,
				    struct xp_err *err);
void xp_policy_free(struct xp_policy **p);

const char *xp_policy_name(const struct xp_policy *p);	   /* "nist-800-88r2" */
const char *xp_policy_standard(const struct xp_policy *p); /* "NIST SP 800-88" */
const char *xp_policy_edition(const struct xp_policy *p);  /* "r2" */
enum xp_level xp_policy_level(const struct xp_policy *p);  /* asked where the user says nothing */
enum xp_readback_mode xp_policy_readback(const struct xp_policy *p);
enum xp_sample_scheme xp_policy_sample_scheme(const struct xp_policy *p);
/* The cap for a technique on a media class after PASSES host passes (ignored by device commands).
 */
enum xp_level xp_policy_cap(const struct xp_policy *p, enum xp_technique t, enum xp_media m,
			    unsigned passes);
/* Passes that an overwrite needs on this media to reach its cap (1; r1 USB flash: 2). */
unsigned xp_policy_overwrite_passes(const struct xp_policy *p, enum xp_media m);
/* Passes and inversion that a drive's own overwrite must have; the pattern is zeros. */
struct xp_sanitize_overwrite xp_policy_sanitize_overwrite(const struct xp_policy *p);
/*
 * The cap for one drive: that of its media class, raised where a vendor statement of the policy
 * speaks of this vendor, model and technique. *STATEMENT (may be NULL) gets the statement's id, or
 * NULL.
 */
enum xp_level xp_policy_cap_for(const struct xp_policy *p, enum xp_technique t,
				const struct xp_identity *id, unsigned passes,
				const char **statement);
const char *xp_policy_title(const struct xp_policy *p);	       /* for a person */
const char *xp_policy_table_source(const struct xp_policy *p); /* where the caps come from */
/* Extents of scheme scattered; 0: the scheme's default. */
uint64_t xp_policy_sample_n(const struct xp_policy *p);
/* Techniques in order of preference; *N of them. */
const enum xp_technique *xp_policy_preference(const struct xp_policy *p, unsigned *n);
/* May another technique be tried when one has failed? And one with a lower cap? */
bool xp_policy_fallback(const struct xp_policy *p);
bool xp_policy_fallback_lower(const struct xp_policy *p);
/* May markers be written on a blank drive before its own erase, to see that it did something? */
bool xp_policy_writes_canaries(const struct xp_policy *p);
/* Are HPA, AMAC and DCO to be lifted before a drive is erased? */
bool xp_policy_restores_hidden(const struct xp_policy *p);
/* The file's bytes as they were read. */
const char *xp_policy_json(const struct xp_policy *p, size_t *len);
