/* as in merkle.c: calls that cannot fail */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "certs/log_leaf.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/span.h"
#include "certs/jcs.h"

#define HASH_LEN 32
#define UUID_LEN (XP_UUID_LEN - 1)
#define TIME_LEN (XP_TIME_LEN - 1)

void xp_log_media_digest(uint8_t out[32], const uint8_t nonce[32], const void *media_json,
			 size_t len)
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, nonce, HASH_LEN);
	SHA256_Update(&ctx, media_json, len);
	SHA256_Final(out, &ctx);
}

static bool is_uuid(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-'
			 : !((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
			return false;
	}
	return len == UUID_LEN;
}

static enum xp_rc finish(char **out, size_t *len, struct xp_buf *b, struct xp_err *err)
{
	if (!xp_buf_ok(b))
		return xp_fail(err, XP_E_NOMEM, "log leaf");
	if (b->len > XP_LOG_LEAF_MAX)
		return xp_fail(err, XP_E_USAGE, "a log leaf of %zu bytes", b->len);
	*len = b->len;
	*out = STEAL(b->data);
	*b = (struct xp_buf){0};
	return XP_OK;
}

enum xp_rc xp_log_leaf_start(char **out, size_t *len, const char *id,
			     const uint8_t media_digest[32], int64_t wall_s, struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	char time[XP_TIME_LEN];

	if (!is_uuid(id, strlen(id)))
		return xp_fail(err, XP_E_USAGE, "%.60s: no id of a record", id);
	xp_time_format(time, wall_s);
	xp_buf_printf(&b, "{\"id\":\"%s\",\"media\":\"", id);
	xp_buf_hex(&b, media_digest, HASH_LEN);
	xp_buf_printf(&b, "\",\"time\":\"%s\",\"type\":\"start\"}", time);
	return finish(out, len, &b, err);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, HASH_LEN);
}

enum xp_rc xp_log_leaf_record(char **out, size_t *len, const char *id,
			      const uint8_t record_sha256[32],
			      const uint8_t (*signature_sha256)[32], size_t n, struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	uint8_t sorted[XP_LOG_LEAF_SIGNATURES_MAX][HASH_LEN];

	if (!is_uuid(id, strlen(id)))
		return xp_fail(err, XP_E_USAGE, "%.60s: no id of a record", id);
	if (n > XP_LOG_LEAF_SIGNATURES_MAX)
		return xp_fail(err, XP_E_USAGE, "%zu signatures of one record", n);
	if (n) {
		memcpy(sorted, signature_sha256, n * HASH_LEN);
		qsort(sorted, n, HASH_LEN, by_bytes);
	}
	xp_buf_printf(&b, "{\"id\":\"%s\",\"record\":\"", id);
	xp_buf_hex(&b, record_sha256, HASH_LEN);
	xp_buf_puts(&b, "\",\"signatures\":[");
	for (size_t i = 0; i < n; i++) {
		xp_buf_puts(&b, i ? ",\"" : "\"");
		xp_buf_hex(&b, sorted[i], HASH_LEN);
		xp_buf_putc(&b, '"');
	}
	xp_buf_puts(&b, "],\"type\":\"record\"}");
	return finish(out, len, &b, err);
}

/* Leaves of our types have one form each, so they are read by place; any other byte is a no. */
static bool take(struct xp_span *s, const char *text)
{
	size_t len = strlen(text);
	const uint8_t *p = xp_span_take(s, len);

	return p && memcmp(p, text, len) == 0;
}

static bool take_hash(struct xp_span *s, uint8_t out[HASH_LEN])
{
	const uint8_t *p = xp_span_take(s, 2 * (size_t)HASH_LEN);
	char hex[2 * HASH_LEN + 1] = "";

	if (!p)
		return false;
	memcpy(hex, p, 2 * (size_t)HASH_LEN);
	return xp_hex_decode(out, HASH_LEN, hex);
}

static bool take_id(struct xp_span *s, char out[XP_UUID_LEN])
{
	const char *p = (const char *)xp_span_take(s, UUID_LEN);

	if (!p || !is_uuid(p, UUID_LEN))
		return false;
	memcpy(out, p, UUID_LEN);
	out[UUID_LEN] = 0;
	return true;
}

static bool take_time(struct xp_span *s, char out[XP_TIME_LEN])
{
	const uint8_t *p = xp_span_take(s, TIME_LEN);
	int64_t wall_s;

	if (!p)
		return false;
	memcpy(out, p, TIME_LEN);
	out[TIME_LEN] = 0;
	return xp_time_parse(&wall_s, out);
}

static bool parse_start(struct xp_log_leaf *out, struct xp_span s)
{
	out->type = XP_LOG_LEAF_START;
	return take(&s, "{\"id\":\"") && take_id(&s, out->id) && take(&s, "\",\"media\":\"") &&
	       take_hash(&s, out->media) && take(&s, "\",\"time\":\"") &&
	       take_time(&s, out->time) && take(&s, "\",\"type\":\"start\"}") && s.left == 0;
}

static bool parse_record(struct xp_log_leaf *out, struct xp_span s)
{
	out->type = XP_LOG_LEAF_RECORD;
	out->signatures_n = 0;
	if (!take(&s, "{\"id\":\"") || !take_id(&s, out->id) || !take(&s, "\",\"record\":\"") ||
	    !take_hash(&s, out->record) || !take(&s, "\",\"signatures\":["))
		return false;
	while (s.left && *s.at != ']') {
		unsigned n = out->signatures_n;

		if (n == XP_LOG_LEAF_SIGNATURES_MAX || !take(&s, n ? ",\"" : "\"") ||
		    !take_hash(&s, out->signatures[n]) || !take(&s, "\""))
			return false;
		if (n && memcmp(out->signatures[n - 1], out->signatures[n], HASH_LEN) > 0)
			return false;
		out->signatures_n++;
	}
	return take(&s, "],\"type\":\"record\"}") && s.left == 0;
}

enum xp_rc xp_log_leaf_parse(struct xp_log_leaf *out, const void *leaf, size_t len,
			     struct xp_err *err)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	AUTO(xp_json_free) json_t *doc = NULL;
	const char *type;

	if (len == 0 || len > XP_LOG_LEAF_MAX)
		return xp_fail(err, XP_E_MALFORMED, "a log leaf of %zu bytes", len);
	if (parse_start(out, xp_span_of(leaf, len)) || parse_record(out, xp_span_of(leaf, len)))
		return XP_OK;
	*out = (struct xp_log_leaf){.type = XP_LOG_LEAF_OTHER};
	TRY(xp_jcs_read(&doc, leaf, len, &findings, err));
	type = json_string_value(json_object_get(doc, "type"));
	if (!type)
		return xp_fail(err, XP_E_MALFORMED, "log leaf: of no type");
	if (strcmp(type, "start") == 0 || strcmp(type, "record") == 0)
		return xp_fail(err, XP_E_MALFORMED, "log leaf: not of the form of a %s", type);
	return XP_OK;
}
