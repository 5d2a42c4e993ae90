/* record_parts: objects that stand in records of more than one kind. Inside certs/ only. */
#pragma once
#include "certs/record_fields.h"

#define XP_RECORD_PHASES_MAX 1024

/* All objects of the head are views of the same struct: their offsets count from its start. */
#define DOC(KEY, TYPE, PRESENCE, M, ...)                                                           \
	XP_FIELD(KEY, TYPE, PRESENCE, struct xp_record_doc, M, __VA_ARGS__)
#define DOC_COUNT(M) XP_COUNT(struct xp_record_doc, M)
#define DOC_CONST(KEY, WORDS, ...)                                                                 \
	{                                                                                          \
		.key = (KEY), .type = XP_F_CONST, .presence = XP_P_ALWAYS, .words = (WORDS),       \
		__VA_ARGS__                                                                        \
	}
#define DOC_OBJECT(KEY, PRESENCE, SUB, ...)                                                        \
	{                                                                                          \
		.key = (KEY), .type = XP_F_OBJECT, .presence = XP_P_##PRESENCE, .sub = (SUB),      \
		__VA_ARGS__                                                                        \
	}
#define DOC_LOG                                                                                    \
	DOC_OBJECT("log", FLAG, &xp_schema_log,                                                    \
		   .flag = offsetof(struct xp_record_doc, r.log.present))
#define DOC_CRIT                                                                                   \
	{                                                                                          \
		.key = "crit", .type = XP_F_STRINGS, .presence = XP_P_OPTIONAL,                    \
		.offset = offsetof(struct xp_record_doc, crit),                                    \
		.size = XP_MEMBER_SIZE(struct xp_record_doc, crit[0]), .max = XP_CRIT_MAX,         \
		DOC_COUNT(crit_n)                                                                  \
	}
#define DOC_SCHEMA(FIELDS) XP_SCHEMA(struct xp_record_doc, FIELDS)

/* All of these are of a struct xp_record_doc, but where they say so. */
extern const struct xp_schema xp_schema_supersedes;
extern const struct xp_schema xp_schema_verification;
extern const struct xp_schema xp_schema_clock;
extern const struct xp_schema xp_schema_tool;
extern const struct xp_schema xp_schema_signer; /* struct xp_signer */
extern const struct xp_schema xp_schema_person; /* struct xp_person */
extern const struct xp_schema xp_schema_log;
extern const char *const xp_record_schemas[];
bool xp_record_is_superseding(const void *base);
