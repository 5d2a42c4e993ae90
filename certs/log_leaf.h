/*
 * log_leaf: what stands in the log: canonical JSON leaves that say that a job began and which
 * record ended it. The id of both is the record's id.
 */
#pragma once
#include "base/clock.h"
#include "base/rng.h"

#define XP_LOG_LEAF_MAX 65535u

/* Bytes that stay the caller's. */
struct xp_log_bytes {
	const void *data;
	size_t len;
};

/* SHA-256(nonce || canonical JSON of the media): names the drive without telling which. */
void xp_log_media_digest(uint8_t out[32], const uint8_t nonce[32], const void *media_json,
			 size_t len);

/* {"id","media","time","type":"start"}; *OUT malloc'ed. XP_E_USAGE where ID is no lower-case UUID.
 */
MUST_USE enum xp_rc xp_log_leaf_start(char **out, size_t *len, const char *id,
				      const uint8_t media_digest[32], int64_t wall_s,
				      struct xp_err *err);
/*
 * {"id","record","signatures":[],"type":"record"}: the SHA-256 of the record's bytes and those of
 * the N signatures' octets, which are sorted here. The same input always gives the same leaf.
 */
MUST_USE enum xp_rc xp_log_leaf_record(char **out, size_t *len, const char *id,
				       const uint8_t record_sha256[32],
				       const uint8_t (*signature_sha256)[32], size_t n,
				       struct xp_err *err);

enum xp_log_leaf_type {
	XP_LOG_LEAF_START,
	XP_LOG_LEAF_RECORD,
	XP_LOG_LEAF_OTHER, /* canonical JSON of a type that this version does not know */
};

#define XP_LOG_LEAF_SIGNATURES_MAX 64
struct xp_log_leaf {
	enum xp_log_leaf_type type;
	char id[XP_UUID_LEN];	/* start, record */
	uint8_t media[32];	/* start */
	char time[XP_TIME_LEN]; /* start */
	uint8_t record[32];	/* record */
	unsigned signatures_n;	/* record */
	uint8_t signatures[XP_LOG_LEAF_SIGNATURES_MAX][32];
};
/* From hostile bytes: exactly what the functions above would write. XP_E_MALFORMED otherwise. */
MUST_USE enum xp_rc xp_log_leaf_parse(struct xp_log_leaf *out, const void *leaf, size_t len,
				      struct xp_err *err);
