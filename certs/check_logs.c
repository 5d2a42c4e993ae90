#include "certs/check_logs.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"

enum kind { TREE = 't', LEAF = 'l' };

/* Enough of a SHA-256 that nobody finds two of one kind. */
#define DIGEST_BYTES 16

struct xp_check_logs_entry {
	uint8_t key[DIGEST_BYTES]; /* of kind, log and number; zeros: free */
	uint8_t value[DIGEST_BYTES];
	size_t tag;
};

void xp_check_logs_free(struct xp_check_logs *s)
{
	free(s->list);
	*s = (struct xp_check_logs){0};
}

static bool is_free(const struct xp_check_logs_entry *e)
{
	static const uint8_t none[DIGEST_BYTES];

	return memcmp(e->key, none, sizeof(none)) == 0;
}

/* Where it stands, or the free place where it would. */
static struct xp_check_logs_entry *find(const struct xp_check_logs *s,
					const uint8_t key[DIGEST_BYTES])
{
	size_t i = (size_t)get_le64(key) & (s->room - 1);

	while (!is_free(&s->list[i]) && memcmp(s->list[i].key, key, DIGEST_BYTES) != 0)
		i = (i + 1) & (s->room - 1);
	return &s->list[i];
}

/* At most half of the room is taken, also by two more. */
static enum xp_rc make_room(struct xp_check_logs *s, struct xp_err *err)
{
	struct xp_check_logs next = {.room = s->room ? 2 * s->room : 64};

	if (2 * (s->n + 2) <= s->room)
		return XP_OK;
	next.list = calloc(next.room, sizeof(*next.list));
	if (!next.list)
		return xp_fail(err, XP_E_NOMEM, "results");
	for (size_t i = 0; i < s->room; i++)
		if (!is_free(&s->list[i])) {
			*find(&next, s->list[i].key) = s->list[i];
			next.n++;
		}
	free(s->list);
	*s = next;
	return XP_OK;
}

static void note(size_t *clash, struct xp_check_logs *s, const struct xp_check_logs_entry *seen)
{
	struct xp_check_logs_entry *e = find(s, seen->key);

	if (is_free(e)) {
		*e = *seen;
		s->n++;
	} else if (memcmp(e->value, seen->value, DIGEST_BYTES) != 0) {
		*clash = e->tag;
	}
}

static struct xp_check_logs_entry entry_of(enum kind kind, const char *origin, uint64_t number,
					   const uint8_t value[32], size_t tag)
{
	struct xp_check_logs_entry e = {.tag = tag};
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char text[320];
	int n = snprintf(text, sizeof(text), "%c\n%.255s\n%llu", kind, origin,
			 (unsigned long long)number);

	SHA256((const uint8_t *)text, n > 0 ? (size_t)n : 0, digest);
	memcpy(e.key, digest, sizeof(e.key));
	memcpy(e.value, value, sizeof(e.value));
	return e;
}

static bool is_of_one_key(const struct xp_note_vkeys *keys, const char *origin)
{
	size_t n = 0;

	for (size_t i = 0; keys && i < keys->n; i++)
		n += strcmp(keys->list[i].name, origin) == 0;
	return n == 1;
}

enum xp_rc xp_check_logs_add(size_t *clash, struct xp_check_logs *s,
			     const struct xp_check_result *r, const struct xp_note_vkeys *keys,
			     size_t tag, struct xp_err *err)
{
	struct xp_check_logs_entry seen;

	if (!r->log.is_proven || !is_of_one_key(keys, r->log.origin))
		return XP_OK;
	TRY(make_room(s, err));
	seen = entry_of(TREE, r->log.origin, r->log.size, r->log.root, tag);
	note(clash, s, &seen);
	seen = entry_of(LEAF, r->log.origin, r->log.index, r->json_sha256, tag);
	note(clash, s, &seen);
	return XP_OK;
}
