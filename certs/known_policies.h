/*
 * known_policies: the policies that came with this program, in every form they ever had. Whoever
 * embeds other bytes under one of their names passes something off as what it is not.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum xp_policy_origin {
	XP_POLICY_OURS,	   /* a known name with known bytes */
	XP_POLICY_SWAPPED, /* a known name with other bytes */
	XP_POLICY_OTHERS,  /* an organization's own */
};

/* SHA256 is that of the canonical form, as a record holds it. */
enum xp_policy_origin xp_policy_origin(const char *name, const uint8_t sha256[32]);
