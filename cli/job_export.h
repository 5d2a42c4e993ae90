/*
 * job_export: certificates, proofs, log and index as plain files, for people and auditors. Each
 * appears whole or not at all, also on FAT; exporting again writes what is missing and what a
 * pulled stick left torn, and nothing else.
 */
#pragma once
#include "cli/box_pair.h"
#include "cli/state_folder.h"

#include <jansson.h>

struct xp_export_report {
	unsigned same, written, mended; /* files: there already, new, torn ones written again */
	json_t *missing;		/* paths of those that could not be written */
	json_t *differs;		/* that are there, whole, and say something else */
	struct xp_err why;		/* of the first that is missing */
};
void xp_export_report_free(struct xp_export_report *r);

/*
 * What is exported from: a state folder, or the boxes alone (STATE NULL). To DIR, which is made.
 * XP_OK also where files are missing or differ, which REPORT says. Errors: XP_E_REFUSED where DIR
 * holds the log of another stick; XP_E_IO, XP_E_PERM where DIR cannot be used at all.
 */
struct xp_export_source {
	const struct xp_state *state;
	struct xp_box_pair *pair;
	const char *record; /* of all certificates this one's alone ("ID.json"); NULL: every one */
};
MUST_USE enum xp_rc xp_export(struct xp_export_report *report,
			      const struct xp_export_source *source, const char *dir,
			      struct xp_err *err);

/*
 * To the folder certificates/ beside the boxes of --keep, where there is one. What fails is a
 * warning: the boxes have it all.
 */
void xp_export_beside_boxes(const struct xp_state *state);
/* The same for the record RECORD ("ID.json") of a job that has just ended, and the log. */
void xp_export_record_beside_boxes(const struct xp_state *state, const char *record);
