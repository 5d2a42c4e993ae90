#include "certs/policy_memo.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/jcs.h"
#include "certs/record_check.h"

static void seen_clear(struct xp_policy_seen *s)
{
	free(s->json);
	xp_policy_free(&s->policy);
	*s = (struct xp_policy_seen){0};
}

void xp_policy_memo_clear(struct xp_policy_memo *m)
{
	for (unsigned i = 0; i < XP_POLICY_MEMO_SLOTS; i++)
		seen_clear(&m->slots[i]);
	m->next = 0;
}

const struct xp_policy_seen *xp_policy_memo_find(const struct xp_policy_memo *m, const char *at,
						 size_t left)
{
	for (unsigned i = 0; i < XP_POLICY_MEMO_SLOTS; i++) {
		const struct xp_policy_seen *s = &m->slots[i];

		/* one object cannot begin with another: braces close where they close */
		if (s->json && s->len <= left && memcmp(at, s->json, s->len) == 0)
			return s;
	}
	return NULL;
}

static bool copy_text(char *out, size_t size, json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s && (size_t)snprintf(out, size, "%s", s) < size;
}

static bool fill(struct xp_policy_seen *s, const char *json, size_t len)
{
	AUTO(xp_json_free) json_t *tree = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	AUTO(xp_findings_free) struct xp_findings texts = {0};

	if (!tree || xp_policy_parse(&s->policy, json, len, NULL) != XP_OK ||
	    !copy_text(s->name, sizeof(s->name), tree, "name") ||
	    !copy_text(s->standard, sizeof(s->standard), tree, "standard") ||
	    !copy_text(s->edition, sizeof(s->edition), tree, "edition"))
		return false;
	xp_record_check_policy_texts(&texts, tree);
	if (texts.n || texts.lost)
		return false;
	SHA256((const uint8_t *)json, len, s->sha256);
	s->origin = xp_policy_origin(xp_policy_name(s->policy), s->sha256);
	if (s->origin == XP_POLICY_SWAPPED)
		return false;
	s->json = malloc(len);
	if (!s->json)
		return false;
	memcpy(s->json, json, len);
	s->len = len;
	return true;
}

void xp_policy_memo_learn(struct xp_policy_memo *m, const char *json, size_t len)
{
	struct xp_policy_seen new = {0};

	if (!len || xp_policy_memo_find(m, json, len))
		return;
	if (!fill(&new, json, len)) {
		seen_clear(&new);
		return;
	}
	seen_clear(&m->slots[m->next]);
	m->slots[m->next] = new;
	m->next = (m->next + 1) % XP_POLICY_MEMO_SLOTS;
}
