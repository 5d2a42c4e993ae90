/* policy_fields: what a parsed policy holds; between policy.c, which answers, and policy_parse.c.
 */
#pragma once
#include "claim/policy.h"

#define XP_POLICY_MEDIA		 (XP_MEDIA_VIRTUAL + 1)
#define XP_POLICY_PASSES_MAX	 8
#define XP_POLICY_STATEMENTS_MAX 256

/* A vendor says what a technique does on its drives. */
struct xp_vendor_statement {
	char id[64];
	char vendor[64];
	char model[64]; /* '*' stands for any run of characters */
	enum xp_technique technique;
	enum xp_level level;
	char source[256];
};

struct xp_policy {
	char name[64];
	char title[256];
	char standard[64];
	char edition[64];
	char table_source[256];
	enum xp_level level;
	enum xp_readback_mode readback;
	enum xp_sample_scheme scheme;
	uint64_t sample_n;
	unsigned passes[XP_POLICY_MEDIA];
	struct xp_sanitize_overwrite overwrite;
	enum xp_level caps[XP_TECHNIQUE_COUNT][XP_POLICY_MEDIA];
	enum xp_technique preference[XP_TECHNIQUE_COUNT];
	unsigned preference_n;
	bool fallback;
	bool fallback_lower;
	bool restores_hidden;
	bool canaries;
	struct xp_vendor_statement *statements;
	unsigned statements_n;
	char *json;
	size_t json_len;
};

/*
 * The most that a technique can earn under any policy: a host's own writes and the destruction of
 * LUKS keys never reach what the host cannot address, and a virtual disk hides where data really
 * is.
 */
enum xp_level xp_policy_ceiling(enum xp_technique t, enum xp_media m);
