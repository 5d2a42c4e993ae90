/* Signed notes, checkpoints, verifier keys and proofs of any bytes: what is taken is written the
 * same. */
#include "base/cleanup.h"
#include "certs/log_code.h"
#include "certs/log_proof.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The key of sumdb/note's test data. */
static const char peter[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

static void try_vkey(const char *text, size_t len)
{
	struct xp_note_vkey vkey;
	char again[XP_NOTE_VKEY_MAX];

	if (xp_note_vkey_parse(&vkey, text, len, NULL) != XP_OK)
		return;
	xp_note_vkey_format(again, &vkey);
	if (len < strlen(again) || len > strlen(again) + 1 ||
	    memcmp(again, text, strlen(again)) != 0)
		abort();
}

/* As many keys as lines at most, and the same again adds none. */
static void try_vkeys(const char *text, size_t len)
{
	AUTO_MEM struct xp_note_vkey *list = NULL;
	size_t n = 0;
	size_t lines = 1;
	size_t once;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	if (xp_note_vkeys_add(&list, &n, text, len, NULL) != XP_OK)
		return;
	once = n;
	if (!n || n > lines || xp_note_vkeys_add(&list, &n, text, len, NULL) != XP_OK || n != once)
		abort();
}

static void try_checkpoint(const char *text, size_t len, const struct xp_note_vkey *vkey)
{
	struct xp_checkpoint cp;
	enum xp_note_verdict verdict;
	size_t text_len = 0;

	if (xp_note_read(&text_len, &verdict, text, len, vkey, NULL) == XP_OK &&
	    (text_len == 0 || text_len >= len || text[text_len] != '\n'))
		abort();
	if (xp_checkpoint_read(&cp, &verdict, text, len, NULL, NULL) != XP_OK)
		return;
	if (verdict != XP_NOTE_KEY_UNKNOWN || !xp_note_origin_is_valid(cp.origin) ||
	    cp.head.size > XP_MERKLE_SIZE_MAX)
		abort();
}

/* What is taken for a code is written the same from the note that it leads to. */
static void try_code(const char *text, size_t len, const struct xp_note_vkey *vkey)
{
	AUTO_MEM char *copy = strndup(text, len);
	AUTO_MEM char *note = NULL;
	char again[XP_LOG_CODE_MAX];
	size_t note_len = 0;

	/* a note of any bytes */
	if (copy && xp_log_code_write(again, copy, NULL) == XP_OK && !xp_log_code_is(again, 20))
		abort();
	if (xp_log_code_read(&note, &note_len, text, len, vkey, NULL) != XP_OK)
		return;
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (strlen(note) != note_len || xp_log_code_write(again, note, NULL) != XP_OK ||
	    strlen(again) != len || memcmp(again, text, len) != 0)
		abort();
}

static void try_proof(const char *text, size_t len, const struct xp_note_vkey *vkey)
{
	struct xp_log_proof proof;
	struct xp_log_proof_result r;
	AUTO_MEM char *again = NULL;
	size_t again_len = 0;

	if (xp_log_proof_parse(&proof, text, len, NULL) != XP_OK)
		return;
	if (xp_log_proof_format(&again, &again_len, &proof, NULL) != XP_OK)
		return;
	if (again_len != len || memcmp(again, text, len) != 0)
		abort();
	/* no input signs for the key or hashes to the root */
	if (xp_log_proof_check(&r, &(struct xp_log_bytes){text, len},
			       &(struct xp_log_bytes){"leaf", 4}, &(struct xp_note_vkeys){vkey, 1},
			       NULL) == XP_OK &&
	    r.verdict == XP_LOG_PROOF_HOLDS)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct xp_note_vkey vkey;

	if (xp_note_vkey_parse(&vkey, peter, sizeof(peter) - 1, NULL) != XP_OK)
		abort();
	try_vkey(text, len);
	try_vkeys(text, len);
	try_checkpoint(text, len, &vkey);
	try_proof(text, len, &vkey);
	try_code(text, len, &vkey);
	return 0;
}
