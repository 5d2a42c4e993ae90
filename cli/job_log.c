#include "cli/job_log.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "certs/cms.h"
#include "certs/jcs.h"

static enum xp_rc sha256(uint8_t out[32], const void *data, size_t len, struct xp_err *err)
{
	if (EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1)
		return XP_OK;
	return xp_fail(err, XP_E_INTERNAL, "SHA-256");
}

/* The record's media object in canonical form, as a verifier finds it in the record. */
static enum xp_rc media_text(char **out, size_t *len, const struct xp_record *r, struct xp_err *err)
{
	AUTO_MEM char *draft = NULL;
	json_error_t why;
	json_t *root;
	enum xp_rc rc;

	TRY(xp_record_write(&draft, len, r, err));
	root = json_loadb(draft, *len, 0, &why);
	if (!root)
		return xp_fail(err, XP_E_INTERNAL, "the draft of the record: %s", why.text);
	rc = xp_jcs_write(out, len, json_object_get(root, "media"), err);
	json_decref(root);
	return rc;
}

enum xp_rc xp_job_log_start(struct xp_job *job, struct xp_err *err)
{
	struct xp_record *r = &job->record;
	struct xp_merkle_head head;
	AUTO_MEM char *media = NULL;
	AUTO_MEM char *leaf = NULL;
	uint8_t digest[32];
	uint64_t index = 0;
	size_t len = 0;

	TRY(xp_log_checkpoint_latest(job->setup->log, &head, err));
	TRY(media_text(&media, &len, r, err));
	xp_log_media_digest(digest, r->nonce, media, len);
	TRY(xp_log_leaf_start(&leaf, &len, job->id, digest,
			      job->setup->clock->wall_s(job->setup->clock->ctx), err));
	TRY(xp_log_append(job->setup->log, leaf, len, &index, err));
	r->log.present = true;
	snprintf(r->log.origin, sizeof(r->log.origin), "%s", xp_log_origin(job->setup->log));
	r->log.start_index = index;
	r->log.checkpoint_size = head.size;
	memcpy(r->log.checkpoint_root, head.root.b, sizeof(r->log.checkpoint_root));
	return XP_OK;
}

static enum xp_rc signature_digests(uint8_t digests[XP_CMS_SIGNERS_MAX][32], unsigned *n,
				    const struct xp_log_bytes *p7s, struct xp_err *err)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	AUTO_MEM struct xp_cms *cms = calloc(1, sizeof(*cms));

	if (!cms)
		return xp_fail(err, XP_E_NOMEM, "signature");
	if (!xp_cms_parse(cms, p7s->data, p7s->len, &findings))
		return xp_fail(err, XP_E_INTERNAL, "our own signature: %s",
			       findings.n ? findings.list[0].code : "no memory");
	*n = cms->signers_n;
	for (unsigned i = 0; i < *n; i++)
		TRY(sha256(digests[i], cms->signers[i].signature.data,
			   cms->signers[i].signature.len, err));
	return XP_OK;
}

enum xp_rc xp_job_log_record(char **proof, size_t *proof_len, struct xp_job *job, const char *id,
			     const struct xp_log_bytes *json, const struct xp_log_bytes *p7s,
			     struct xp_err *err)
{
	struct xp_log *log = job->setup->log;
	uint8_t digests[XP_CMS_SIGNERS_MAX][32];
	uint8_t record[32];
	AUTO_MEM char *leaf = NULL;
	uint64_t index = 0;
	size_t len = 0;
	unsigned n = 0;
	enum xp_rc rc = xp_log_find_record(log, id, &index, err);

	if (rc != XP_OK && rc != XP_E_NOENT)
		return rc;
	if (rc == XP_E_NOENT) {
		TRY(sha256(record, json->data, json->len, err));
		TRY(signature_digests(digests, &n, p7s, err));
		TRY(xp_log_leaf_record(&leaf, &len, id, record, (const uint8_t(*)[32])digests, n,
				       err));
		TRY(xp_log_append(log, leaf, len, &index, err));
	}
	return xp_log_prove(log, index, proof, proof_len, err);
}
