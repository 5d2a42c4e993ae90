#include "certs/check_checkpoint.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/check_pair.h"
#include "certs/log_check.h"

/* What the leaf is made of. */
struct leaf {
	char id[XP_UUID_LEN];
	uint8_t record[32];
	uint8_t signatures[XP_CMS_SIGNERS_MAX][32];
	unsigned n;
	int64_t signing_time_s; /* the latest */
};

static bool sha256(uint8_t out[32], const void *data, size_t len)
{
	return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1;
}

static bool read_signatures(struct leaf *leaf, const struct xp_checkpoint_pair *pair)
{
	AUTO(xp_findings_free) struct xp_findings ignored = {0};
	AUTO_MEM struct xp_cms *cms = calloc(1, sizeof(*cms));

	if (!cms || !pair->p7s || !xp_cms_parse(cms, pair->p7s, pair->p7s_len, &ignored))
		return false;
	leaf->signing_time_s = INT64_MIN / 2;
	for (leaf->n = 0; leaf->n < cms->signers_n; leaf->n++) {
		const struct xp_cms_signer *s = &cms->signers[leaf->n];

		if (!sha256(leaf->signatures[leaf->n], s->signature.data, s->signature.len))
			return false;
		if (s->signing_time_s > leaf->signing_time_s)
			leaf->signing_time_s = s->signing_time_s;
	}
	return true;
}

static bool read_leaf(struct leaf *leaf, const struct xp_checkpoint_pair *pair)
{
	json_t *tree =
		pair->json ? json_loadb(pair->json, pair->json_len, JSON_REJECT_DUPLICATES, NULL)
			   : NULL;
	const char *id = json_string_value(json_object_get(tree, "id"));
	bool ok = id && strlen(id) == XP_UUID_LEN - 1 &&
		  sha256(leaf->record, pair->json, pair->json_len);

	if (ok)
		memcpy(leaf->id, id, XP_UUID_LEN);
	json_decref(tree);
	return ok && read_signatures(leaf, pair);
}

static bool is_proven(const struct leaf *leaf, const struct xp_checkpoint_pair *pair)
{
	AUTO(xp_findings_free) struct xp_findings ignored = {0};
	struct xp_log_proof_result found = {0};
	const struct xp_log_check_input in = {
		.proof = pair->proof,
		.proof_len = pair->proof_len,
		.keys = pair->keys,
		.id = leaf->id,
		.record_sha256 = leaf->record,
		.signature_sha256 = leaf->signatures,
		.signatures_n = leaf->n,
	};

	return xp_log_check_record(&found, &ignored, &in);
}

static bool is_of(const struct xp_log_bytes *token, const struct xp_log_proof *proof)
{
	AUTO(xp_findings_free) struct xp_findings ignored = {0};
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct xp_tst t;
	unsigned n = 0;

	return xp_tst_parse(&t, (struct xp_bytes){token->data, token->len}, &ignored) &&
	       EVP_Digest(proof->checkpoint, proof->checkpoint_len, digest, &n,
			  xp_tst_md(t.imprint_hash), NULL) == 1 &&
	       xp_bytes_equal(t.imprint, digest, n);
}

void xp_check_stamp(struct xp_check *c, const struct xp_checkpoint_pair *pair,
		    struct xp_findings *findings)
{
	struct xp_log_proof proof;
	struct xp_err why;
	struct leaf leaf = {0};

	c->stamp = (struct xp_timestamp){0};
	if (!pair->proof || !pair->tokens_n ||
	    xp_log_proof_parse(&proof, pair->proof, pair->proof_len, &why) != XP_OK ||
	    !read_leaf(&leaf, pair) || !is_proven(&leaf, pair))
		return;
	for (size_t i = 0; i < pair->tokens_n; i++) {
		const struct xp_timestamp_input in = {
			.token = {pair->tokens[i].data, pair->tokens[i].len},
			.signature = {(const uint8_t *)proof.checkpoint, proof.checkpoint_len},
			.name = "the log's checkpoint",
			.now_s = c->clock->wall_s(c->clock->ctx),
			.signing_time_s = leaf.signing_time_s,
			.anchors = c->tsa.anchors,
			.crls = c->trust.crls,
			.crl_used = c->trust.crl_used,
		};
		struct xp_timestamp t;

		if (!is_of(&pair->tokens[i], &proof))
			continue;
		xp_timestamp_check(&t, &in, findings);
		if (t.is_good && (!c->stamp.is_good || t.older_s < c->stamp.older_s))
			c->stamp = t;
	}
}
