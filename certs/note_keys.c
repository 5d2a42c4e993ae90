#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/note.h"

/* With one id the name may still be another's, and with one name the key. */
static bool has(const struct xp_note_vkey *list, size_t n, const struct xp_note_vkey *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, key->name) == 0 &&
		    memcmp(list[i].key, key->key, sizeof(key->key)) == 0)
			return true;
	return false;
}

static enum xp_rc add(struct xp_note_vkey **list, size_t *n, const struct xp_note_vkey *key,
		      struct xp_err *err)
{
	struct xp_note_vkey *grown;

	if (has(*list, *n, key))
		return XP_OK;
	grown = reallocarray(*list, *n + 1, sizeof(*grown));
	if (!grown)
		return xp_fail(err, XP_E_NOMEM, "log keys");
	grown[(*n)++] = *key;
	*list = grown;
	return XP_OK;
}

enum xp_rc xp_note_vkeys_add(struct xp_note_vkey **list, size_t *n, const char *text, size_t len,
			     struct xp_err *err)
{
	do {
		const char *end = len ? memchr(text, '\n', len) : NULL;
		size_t line_len = end ? (size_t)(end - text) : len;
		struct xp_note_vkey key;

		TRY(xp_note_vkey_parse(&key, text, line_len, err));
		TRY(add(list, n, &key, err));
		line_len += end != NULL;
		text += line_len;
		len -= line_len;
	} while (len);
	return XP_OK;
}

enum xp_rc xp_checkpoint_read_any(struct xp_checkpoint *out, enum xp_note_verdict *verdict,
				  const char *text, size_t len, const struct xp_note_vkeys *keys,
				  struct xp_err *err)
{
	TRY(xp_checkpoint_read(out, verdict, text, len, NULL, err));
	for (size_t i = 0; keys && i < keys->n; i++) {
		const struct xp_note_vkey *key = &keys->list[i];
		enum xp_note_verdict one;

		/* who is not named in it has signed nothing of it */
		if (!memmem(text, len, key->name, strlen(key->name)))
			continue;
		TRY(xp_checkpoint_read(out, &one, text, len, key, err));
		if (one == XP_NOTE_SIGNATURE_WRONG)
			*verdict = one;
		else if (one == XP_NOTE_VERIFIED && *verdict == XP_NOTE_KEY_UNKNOWN)
			*verdict = one;
	}
	return XP_OK;
}
