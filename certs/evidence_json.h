/* evidence_json: how evidence (claim/evidence.h) stands in a record, as schemas. */
#pragma once
#include "certs/schema.h"

extern const struct xp_schema xp_schema_identity;	 /* struct xp_identity */
extern const struct xp_schema xp_schema_extents;	 /* struct xp_extents */
extern const struct xp_schema xp_schema_content;	 /* struct xp_content */
extern const struct xp_schema xp_schema_io_how;		 /* struct xp_io_how */
extern const struct xp_schema xp_schema_baseline;	 /* struct xp_baseline_result */
extern const struct xp_schema xp_schema_mismatch;	 /* struct xp_mismatch */
extern const struct xp_schema xp_schema_overwrite;	 /* struct xp_overwrite_result */
extern const struct xp_schema xp_schema_readback;	 /* struct xp_readback_result */
extern const struct xp_schema xp_schema_command;	 /* struct xp_command_result */
extern const struct xp_schema xp_schema_capacity;	 /* struct xp_capacity_facts */
extern const struct xp_schema xp_schema_capacity_change; /* struct xp_capacity_change */
extern const struct xp_schema xp_schema_firmware;	 /* struct xp_firmware_row */
extern const struct xp_schema xp_schema_file;		 /* struct xp_file_facts */
extern const struct xp_schema xp_schema_volume;		 /* struct xp_luks_volume */
extern const struct xp_schema xp_schema_phase;		 /* struct xp_phase */

/* A name function that takes the plain number, for XP_F_ENUM. */
#define XP_ENUM_NAME(FUNCTION, NAME, ENUM)                                                         \
	static const char *FUNCTION(unsigned v)                                                    \
	{                                                                                          \
		return NAME((enum ENUM)v);                                                         \
	}
