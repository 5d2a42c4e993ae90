/*
 * firmware: models and firmware that are known to fail at a technique, or to leave more behind than
 * its standard allows. Data: each row names where it is from. The plan asks it, and the record
 * embeds the rows that spoke of its drive; a verifier judges by the embedded ones.
 */
#pragma once
#include "claim/evidence.h"

/* '*' stands for any run of characters. */
struct xp_firmware_entry {
	const char *model;    /* as the drive gives it */
	const char *firmware; /* "*": any */
	struct xp_firmware_row row;
};

/* What this build knows. */
extern const struct xp_firmware_entry xp_firmware_table[];
extern const size_t xp_firmware_table_n;

/*
 * The rows of TABLE that speak of ID, in its order; *OUT is malloc'ed, NULL where there are none. A
 * drive whose model is not known is spoken of by none. XP_E_NOMEM.
 */
MUST_USE enum xp_rc xp_firmware_find(struct xp_firmware_row **out, size_t *n,
				     const struct xp_firmware_entry *table, size_t table_n,
				     const struct xp_identity *id, struct xp_err *err);
/* The lowest cap for a technique by the built-in table; XP_PURGE: no row speaks of it. */
enum xp_level xp_firmware_cap(const struct xp_identity *id, enum xp_technique t, const char **why);
