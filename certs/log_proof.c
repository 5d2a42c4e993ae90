#include "certs/log_proof.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "certs/note_text.h"

static const char first_line[] = "c2sp.org/tlog-proof@v1\n";
static const char index_word[] = "index ";

enum xp_rc xp_log_proof_format(char **out, size_t *len, const struct xp_log_proof *proof,
			       struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	char base64[XP_BASE64_LEN(XP_MERKLE_HASH_LEN) + 1];

	xp_buf_printf(&b, "%s%s%llu\n", first_line, index_word, (unsigned long long)proof->index);
	for (unsigned i = 0; i < proof->path.n; i++) {
		xp_base64_encode(base64, proof->path.hash[i].b, XP_MERKLE_HASH_LEN);
		xp_buf_printf(&b, "%s\n", base64);
	}
	xp_buf_putc(&b, '\n');
	xp_buf_add(&b, proof->checkpoint, proof->checkpoint_len);
	if (!xp_buf_ok(&b))
		return xp_fail(err, XP_E_NOMEM, "proof");
	*len = b.len;
	*out = STEAL(b.data);
	b = (struct xp_buf){0};
	return XP_OK;
}

static bool skip(const char **at, size_t *left, const char *word)
{
	size_t n = strlen(word);

	if (*left < n || memcmp(*at, word, n) != 0)
		return false;
	*at += n;
	*left -= n;
	return true;
}

enum xp_rc xp_log_proof_parse(struct xp_log_proof *out, const char *text, size_t len,
			      struct xp_err *err)
{
	const char *at = text;
	size_t left = len;
	const char *end;

	*out = (struct xp_log_proof){0};
	if (len > XP_LOG_PROOF_MAX_BYTES)
		return xp_fail(err, XP_E_MALFORMED, "proof: larger than %u bytes",
			       XP_LOG_PROOF_MAX_BYTES);
	if (!skip(&at, &left, first_line))
		return xp_fail(err, XP_E_MALFORMED, "proof: does not begin as a tlog-proof");
	end = memchr(at, '\n', left);
	if (!end || !skip(&at, &left, index_word) || end < at ||
	    !xp_note_number(&out->index, at, (size_t)(end - at)))
		return xp_fail(err, XP_E_MALFORMED, "proof: no index");
	left -= (size_t)(end + 1 - at);
	at = end + 1;
	while ((end = memchr(at, '\n', left)) && end != at) {
		if (out->path.n == XP_MERKLE_PROOF_MAX)
			return xp_fail(err, XP_E_MALFORMED, "proof: too many hashes");
		if (!xp_base64_decode(out->path.hash[out->path.n].b, XP_MERKLE_HASH_LEN, at,
				      (size_t)(end - at)))
			return xp_fail(err, XP_E_MALFORMED, "proof: line %u of it is no hash",
				       out->path.n + 1);
		out->path.n++;
		left -= (size_t)(end + 1 - at);
		at = end + 1;
	}
	if (!end)
		return xp_fail(err, XP_E_MALFORMED, "proof: no checkpoint");
	out->checkpoint = end + 1;
	out->checkpoint_len = left - 1;
	return XP_OK;
}

enum xp_rc xp_log_proof_check(struct xp_log_proof_result *out, const struct xp_log_bytes *text,
			      const struct xp_log_bytes *leaf, const struct xp_note_vkeys *keys,
			      struct xp_err *err)
{
	struct xp_log_proof proof;
	struct xp_merkle_hash hash;
	enum xp_note_verdict verdict;

	*out = (struct xp_log_proof_result){.verdict = XP_LOG_PROOF_LEAF_WRONG};
	TRY(xp_log_proof_parse(&proof, text->data, text->len, err));
	TRY(xp_checkpoint_read_any(&out->checkpoint, &verdict, proof.checkpoint,
				   proof.checkpoint_len, keys, err));
	out->index = proof.index;
	if (verdict == XP_NOTE_SIGNATURE_WRONG) {
		out->verdict = XP_LOG_PROOF_SIGNATURE_WRONG;
		return XP_OK;
	}
	xp_merkle_leaf(&hash, leaf->data, leaf->len);
	if (!xp_merkle_check_inclusion(&proof.path, proof.index, &hash, &out->checkpoint.head))
		return XP_OK;
	out->verdict = verdict == XP_NOTE_VERIFIED ? XP_LOG_PROOF_HOLDS : XP_LOG_PROOF_KEY_UNKNOWN;
	return XP_OK;
}
