/* job_options: what plan and run have in common on the command line, as a struct. */
#pragma once
#include "claim/policy.h"
#include "cli/commands.h"
#include "sanitize/plan.h"

/* The rows of an option table that `plan` and `run` share. */
#define XP_PLAN_OPTION_ROWS                                                                        \
	{"policy", XP_OPT_STRING, "NAME", "nist-800-88r2 (default), nist-800-88r1, or a file"},    \
		{"level", XP_OPT_STRING, "LEVEL", "what is asked for: clear or purge"},            \
		{"accept", XP_OPT_STRING, "LEVEL", "a lower level that will do: clear"},           \
		{"technique", XP_OPT_STRING, "NAME", "this technique and no other"},               \
		{"pattern", XP_OPT_STRING, "HEX", "1 to 64 bytes; a sanitize-overwrite: 1 or 4"},  \
		{"no-fallback", XP_OPT_FLAG, NULL, "refuse rather than fall back"},                \
		{"verify", XP_OPT_STRING, "MODE", "how to read back: sample or full"},             \
	{                                                                                          \
		"allow-remote", XP_OPT_FLAG, NULL, "allow iSCSI, FC and NVMe-oF targets"           \
	}

struct xp_plan_options {
	struct xp_policy *policy;
	bool has_level, has_accept, has_technique;
	enum xp_level level, accept;
	enum xp_technique technique;
	uint8_t pattern[XP_PATTERN_MAX];
	uint32_t pattern_len;
	bool no_fallback;
	bool allow_remote;
	enum xp_readback_mode verify;
};

MUST_USE enum xp_rc xp_plan_options_read(struct xp_plan_options *out, const struct xp_args *args,
					 struct xp_err *err);
void xp_plan_options_free(struct xp_plan_options *o);

/*
 * A policy by NAME (built in, or installed under share/expunge/policies) or by FILE (anything with
 * a slash or ending in .json). XP_E_NOENT: no such policy.
 */
MUST_USE enum xp_rc xp_policy_load(struct xp_policy **out, const char *name, struct xp_err *err);
