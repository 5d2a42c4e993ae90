#include "device/protocol/luks_inside.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* [LUKS2 On-Disk Format 1.1, 3: JSON area] */

#define SLOTS_MAX   32
#define TOKENS_MAX  32
#define BELIEVED_TO (1ull << 40) /* no key slot ends behind this */

/* A number as the format writes it: a decimal string. */
static bool number(uint64_t *out, const json_t *v)
{
	const char *s = json_string_value(v);
	size_t n = s ? strspn(s, "0123456789") : 0;

	*out = 0;
	if (!n || s[n] || n > 19)
		return false;
	for (size_t i = 0; i < n; i++)
		*out = *out * 10 + (uint64_t)(s[i] - '0');
	return true;
}

static bool word_is(const json_t *object, const char *key, const char *word)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s && strcmp(s, word) == 0;
}

static bool read_slot(struct xp_luks_volume *v, const json_t *slot)
{
	const json_t *area = json_object_get(slot, "area");
	uint64_t at;
	uint64_t len;

	if (!json_is_string(json_object_get(slot, "type")) ||
	    !number(&at, json_object_get(area, "offset")) ||
	    !number(&len, json_object_get(area, "size")) || at > BELIEVED_TO || len > BELIEVED_TO)
		return false;
	if (word_is(slot, "type", "reencrypt"))
		v->reencrypting = true;
	xp_luks_slot_ends_at(v, at + len);
	return true;
}

static bool read_slots(struct xp_luks_volume *v, json_t *slots)
{
	const char *name;
	json_t *slot;

	if (!json_is_object(slots) || json_object_size(slots) > SLOTS_MAX)
		return false;
	json_object_foreach (slots, name, slot) {
		if (!read_slot(v, slot))
			return false;
	}
	if (json_object_size(slots) > v->slots)
		v->slots = (unsigned)json_object_size(slots);
	return true;
}

/* The kinds of tokens, each once, as far as there is room. */
static void add_token_type(struct xp_luks_volume *v, const char *type)
{
	size_t used = strlen(v->token_types);
	size_t len = strlen(type);

	if (!len || len > 32 || strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != len ||
	    strstr(v->token_types, type) || used + len + 2 > sizeof(v->token_types))
		return;
	snprintf(v->token_types + used, sizeof(v->token_types) - used, "%s%s", used ? "," : "",
		 type);
}

static bool read_tokens(struct xp_luks_volume *v, json_t *tokens)
{
	const char *name;
	json_t *token;

	if (!json_is_object(tokens) || json_object_size(tokens) > TOKENS_MAX)
		return false;
	json_object_foreach (tokens, name, token) {
		const char *type = json_string_value(json_object_get(token, "type"));

		if (!type)
			return false;
		add_token_type(v, type);
	}
	if (json_object_size(tokens) > v->tokens)
		v->tokens = (unsigned)json_object_size(tokens);
	return true;
}

/* A segment that tells of the state before or after a reencryption, not of now. */
static bool is_backup(const json_t *segment)
{
	json_t *flags = json_object_get(segment, "flags");
	json_t *flag;
	size_t i;

	json_array_foreach (flags, i, flag) {
		const char *s = json_string_value(flag);

		if (s && strncmp(s, "backup-", 7) == 0)
			return true;
	}
	return false;
}

static void read_cipher(struct xp_luks_volume *v, const json_t *segment)
{
	const char *cipher = json_string_value(json_object_get(segment, "encryption"));

	if (!cipher)
		return;
	if (xp_luks_cipher_is_null(cipher))
		v->not_encrypted = true;
	if (strlen(cipher) < sizeof(v->cipher) &&
	    strspn(cipher, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			   "-_:.()") == strlen(cipher))
		snprintf(v->cipher, sizeof(v->cipher), "%s", cipher);
}

static bool read_segment(struct xp_luks_volume *v, const json_t *segment, uint64_t *offset)
{
	if (!number(offset, json_object_get(segment, "offset")))
		return false;
	if (word_is(segment, "type", "crypt")) {
		read_cipher(v, segment);
		return json_is_string(json_object_get(segment, "encryption"));
	}
	if (word_is(segment, "type", "hw-opal-crypt")) {
		read_cipher(v, segment);
		v->hw_opal = true;
	} else if (word_is(segment, "type", "hw-opal")) {
		v->hw_opal = v->hw_opal_only = true;
	} else {
		/* "linear", or a kind that nobody here knows to encrypt */
		v->plain_segment = true;
	}
	return json_is_string(json_object_get(segment, "type"));
}

/* The data begins where the first segment does. */
static bool read_segments(struct xp_luks_volume *v, json_t *segments)
{
	uint64_t first = UINT64_MAX;
	const char *name;
	json_t *segment;

	if (!json_is_object(segments))
		return false;
	json_object_foreach (segments, name, segment) {
		uint64_t offset;

		if (is_backup(segment)) {
			v->reencrypting = true;
			continue;
		}
		if (!read_segment(v, segment, &offset))
			return false;
		first = offset < first ? offset : first;
	}
	if (first == UINT64_MAX)
		return false;
	v->data_offset = first > v->data_offset ? first : v->data_offset;
	return true;
}

/* The room for key slots, used or not: material of removed slots may stand there. */
static bool read_config(struct xp_luks_volume *v, const json_t *config, size_t json_bytes)
{
	uint64_t slots;
	uint64_t json;

	if (!number(&slots, json_object_get(config, "keyslots_size")) ||
	    !number(&json, json_object_get(config, "json_size")) || slots > BELIEVED_TO ||
	    json != json_bytes)
		return false;
	xp_luks_slot_ends_at(v, 2 * (json_bytes + 4096) + slots);
	return true;
}

bool xp_luks_json_read(struct xp_luks_volume *v, const char *text, size_t len)
{
	size_t used = strnlen(text, len);
	struct xp_luks_volume next = *v;
	json_t *root = json_loadb(text, used, JSON_REJECT_DUPLICATES, NULL);
	bool good = json_is_object(root) && read_slots(&next, json_object_get(root, "keyslots")) &&
		    read_tokens(&next, json_object_get(root, "tokens")) &&
		    read_segments(&next, json_object_get(root, "segments")) &&
		    read_config(&next, json_object_get(root, "config"), len);

	json_decref(root);
	if (good)
		*v = next;
	return good;
}
