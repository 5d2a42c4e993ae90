#include "cli/job_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/record_check.h"
#include "claim/firmware.h"
#include "cli/job_drive.h"
#include "cli/job_host.h"
#include "cli/job_keep.h"
#include "cli/job_log.h"
#include "cli/job_people.h"
#include "cli/job_reread.h"

/* A record with full lists of extents and mismatches stays below this; both files. */
#define RESERVE_BYTES (4u << 20)

static const char *method_name(enum xp_level level)
{
	return level == XP_PURGE ? "purge" : "clear";
}

enum xp_rc xp_job_record_begin(struct xp_job *job, struct xp_err *err)
{
	const struct xp_job_setup *s = job->setup;
	struct xp_record *r = &job->record;
	const char *policy;

	if (s->fields) {
		*r = *s->fields;
		r->ext = json_deep_copy(s->fields->ext);
	}
	if (job->expected)
		xp_fields_apply_expected(r, job->expected);
	memcpy(r->id, job->id, sizeof(r->id));
	TRY(xp_rng_bytes(s->rng, r->nonce, sizeof(r->nonce), err));
	memcpy(r->closed, job->closed, sizeof(r->closed));
	r->closed_n = job->closed_n;
	r->kind = XP_RECORD_FAILURE;
	r->issued_s = s->clock->wall_s(s->clock->ctx);
	r->asked = job->plan.asked;
	r->accepted = job->plan.accepted;
	TRY(xp_identity_copy(&r->media, &job->media, err));
	if (!*r->slot)
		snprintf(r->slot, sizeof(r->slot), "%s", job->target.slot);
	r->technique = job->plan.technique;
	snprintf(r->method, sizeof(r->method), "%s", method_name(job->plan.expected.level));
	policy = xp_policy_json(s->options->policy, &r->policy_len);
	r->policy_json = malloc(r->policy_len + 1);
	if (!r->policy_json)
		return xp_fail(err, XP_E_NOMEM, "policy");
	memcpy(r->policy_json, policy, r->policy_len);
	r->policy_json[r->policy_len] = 0;
	r->evidence.capacity = xp_job_drive_capacity(job);
	free(r->evidence.firmware);
	TRY(xp_firmware_find(&r->evidence.firmware, &r->evidence.firmware_n, xp_firmware_table,
			     xp_firmware_table_n, &job->media, err));
	xp_job_describe_host(r, s->inventory, s->state);
	TRY(xp_job_people_demand(r, s->key, err));
	xp_job_people_describe(r, s->key);
	xp_claim_compute(&r->claim, &r->evidence, s->options->policy);
	/* what could not stand in a certificate is found now, while nothing is lost */
	return xp_record_rehearse(r, err);
}

static enum xp_rc reserve_in(struct xp_job *job, int fd, const char *what, struct xp_err *err)
{
	struct xp_err why;

	if (xp_reserve_take(fd, job->id, RESERVE_BYTES, &why) == XP_OK)
		return XP_OK;
	return xp_refusals_add(&job->refusals, err, XP_REFUSED_NO_DURABLE_OUTPUT,
			       "make room there, or name another folder with --state or --out",
			       "%s: %s: the certificate could not be kept", what, why.msg);
}

static enum xp_rc reserve_kept(struct xp_job *job, struct xp_err *err)
{
	struct xp_keep *keep = job->setup->state->keep;
	const char *id = job->id;
	struct xp_err why;

	if (!keep || xp_keep_demand_room(keep, &id, 1, &why) == XP_OK)
		return XP_OK;
	return xp_job_refuse_kept(job, &why, err);
}

enum xp_rc xp_job_refuse_kept(struct xp_job *job, const struct xp_err *why, struct xp_err *err)
{
	return xp_refusals_add(&job->refusals, err, XP_REFUSED_NO_DURABLE_OUTPUT,
			       "take fewer drives at once; or save what is there with expunge "
			       "export, and use a fresh stick or other boxes (--keep)",
			       "%s: %s", job->target.path, why->msg);
}

enum xp_rc xp_job_record_reserve(struct xp_job *job, struct xp_err *err)
{
	const struct xp_job_setup *s = job->setup;

	TRY(reserve_in(job, s->state->certificates_fd, s->state->path, err));
	if (s->out_fd >= 0)
		TRY(reserve_in(job, s->out_fd, s->out_dir, err));
	return reserve_kept(job, err);
}

void xp_job_record_unreserve(struct xp_job *job)
{
	xp_reserve_drop(job->setup->state->certificates_fd, job->id);
	if (job->setup->out_fd >= 0)
		xp_reserve_drop(job->setup->out_fd, job->id);
}

/* Is a file of that name there, whole? (Files appear whole or not at all.) */
static bool file_exists(int dir_fd, const char *name)
{
	return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum xp_rc put_file(struct xp_job *job, const char *name, const void *data, size_t len,
			   struct xp_err *err)
{
	const struct xp_job_setup *s = job->setup;
	char path[96];

	if (!file_exists(s->state->certificates_fd, name))
		TRY(xp_file_write_at(s->state->certificates_fd, name, data, len, 0644, false, err));
	snprintf(path, sizeof(path), "certificates/%s", name);
	/* also one that an earlier take left: it may have died before anybody else was told */
	TRY(xp_durable_replace(s->state->durable, path, data, len, err));
	if (s->out_fd >= 0 && !file_exists(s->out_fd, name))
		TRY(xp_file_write_at(s->out_fd, name, data, len, 0644, false, err));
	return XP_OK;
}

static enum xp_rc write_index(const struct xp_job *job, struct xp_err *err)
{
	const struct xp_record *r = &job->record;
	char issued[XP_TIME_LEN];
	const char *fields[] = {r->id,
				issued,
				xp_record_kind_name(r->kind),
				xp_outcome_name(r->claim.outcome),
				xp_level_name(r->claim.level),
				xp_scope_name(r->claim.scope),
				r->media.model,
				*r->media.serial ? r->media.serial : r->media.name,
				job->target.path,
				NULL};

	xp_time_format(issued, r->issued_s);
	return xp_state_index_add(job->setup->state, fields, err);
}

static void judge(struct xp_job *job)
{
	struct xp_record *r = &job->record;

	xp_claim_compute(&r->claim, &r->evidence,
			 job->resume.policy ? job->resume.policy : job->setup->options->policy);
	r->technique = r->claim.technique;
	r->kind = XP_RECORD_FAILURE;
	if (r->claim.level > XP_NONE && (r->claim.outcome == XP_OUTCOME_SANITIZED ||
					 r->claim.outcome == XP_OUTCOME_SANITIZED_WITH_EXCEPTIONS))
		r->kind = XP_RECORD_SANITIZATION;
	if (r->kind == XP_RECORD_SANITIZATION)
		snprintf(r->method, sizeof(r->method), "%s", method_name(r->claim.level));
	/* what was tried last may reach less than what was planned first */
	else if (r->claim.cap < XP_PURGE)
		snprintf(r->method, sizeof(r->method), "%s",
			 r->claim.cap == XP_NONE ? "" : method_name(r->claim.cap));
}

/* The failure record of an earlier take is closed by this one, and stays visible. */
static enum xp_rc supersede(struct xp_job *job, struct xp_err *err)
{
	struct xp_record *r = &job->record;
	AUTO_MEM char *json = NULL;
	char name[64];
	size_t len = 0;

	if (!*job->failure_id)
		return XP_OK;
	memcpy(r->supersedes_id, job->failure_id, sizeof(r->supersedes_id));
	if (job->has_failure_sha256) {
		memcpy(r->supersedes_sha256, job->failure_sha256, sizeof(r->supersedes_sha256));
		return XP_OK;
	}
	snprintf(name, sizeof(name), "%s.json", job->failure_id);
	TRY(xp_file_read_at(&json, &len, job->setup->state->certificates_fd, name,
			    XP_RECORD_MAX_BYTES, err));
	if (EVP_Digest(json, len, r->supersedes_sha256, NULL, EVP_sha256(), NULL) != 1)
		return xp_fail(err, XP_E_INTERNAL, "SHA-256");
	return XP_OK;
}

/* A new signature, or the one that an earlier take left: the log may have it already. */
static enum xp_rc signature_of(char **p7s, size_t *len, struct xp_job *job, const char *json,
			       size_t json_len, struct xp_err *err)
{
	const struct xp_job_setup *s = job->setup;
	uint8_t *made = NULL;

	if (file_exists(s->state->certificates_fd, job->signature_name))
		return xp_file_read_at(p7s, len, s->state->certificates_fd, job->signature_name,
				       1u << 20, err);
	TRY(xp_sign(&made, len, s->key, json, json_len, s->clock->wall_s(s->clock->ctx), err));
	*p7s = (char *)made;
	return XP_OK;
}

static void name_files(struct xp_job *job, const char *id)
{
	snprintf(job->record_name, sizeof(job->record_name), "%s.json", id);
	snprintf(job->signature_name, sizeof(job->signature_name), "%s.json.p7s", id);
}

/* Signs the bytes, puts all files where they belong, and the leaf into the log. */
static enum xp_rc publish(struct xp_job *job, const char *id, const char *json, size_t json_len,
			  struct xp_err *err)
{
	AUTO_MEM char *p7s = NULL;
	AUTO_MEM char *proof = NULL;
	size_t p7s_len = 0;
	size_t proof_len = 0;
	char name[64];

	if (EVP_Digest(json, json_len, job->record_sha256, NULL, EVP_sha256(), NULL) != 1)
		return xp_fail(err, XP_E_INTERNAL, "SHA-256");
	xp_job_record_unreserve(job);
	TRY(put_file(job, job->record_name, json, json_len, err));
	TRY(signature_of(&p7s, &p7s_len, job, json, json_len, err));
	TRY(put_file(job, job->signature_name, p7s, p7s_len, err));
	TRY(xp_job_log_record(&proof, &proof_len, job, id, &(struct xp_log_bytes){json, json_len},
			      &(struct xp_log_bytes){p7s, p7s_len}, err));
	snprintf(name, sizeof(name), "%s.tlog-proof", id);
	TRY(put_file(job, name, proof, proof_len, err));
	TRY(write_index(job, err));
	return xp_durable_flush(job->setup->state->durable, err);
}

enum xp_rc xp_job_record_write(struct xp_job *job, const char *id, struct xp_err *err)
{
	struct xp_record *r = &job->record;
	AUTO_MEM char *json = NULL;
	size_t json_len = 0;

	if (id != r->id)
		memcpy(r->id, id, sizeof(r->id));
	name_files(job, id);
	r->issued_s = job->setup->clock->wall_s(job->setup->clock->ctx);
	/* a later take may be another person's */
	xp_job_people_describe(r, job->setup->key);
	judge(job);
	TRY(supersede(job, err));
	TRY(xp_record_write(&json, &json_len, r, err));
	return publish(job, id, json, json_len, err);
}

/* The record names who signs it: nobody else can. */
static enum xp_rc demand_signer(const struct xp_job *job, const struct xp_record *written,
				struct xp_err *err)
{
	struct xp_signer signer = {0};
	struct xp_person person = {0};

	if (file_exists(job->setup->state->certificates_fd, job->signature_name))
		return XP_OK;
	xp_signing_key_describe(&signer, &person, job->setup->key);
	if (written->signers_n == 1 && memcmp(written->signers[0].cert_sha256, signer.cert_sha256,
					      sizeof(signer.cert_sha256)) == 0)
		return XP_OK;
	return xp_fail(err, XP_E_USAGE,
		       "the record of job %s was written to be signed with another key: give that "
		       "one with --key and --cert",
		       job->id);
}

enum xp_rc xp_job_record_take_written(bool *found, struct xp_job *job, struct xp_err *err)
{
	int dir_fd = job->setup->state->certificates_fd;
	AUTO_MEM struct xp_record *written = calloc(1, sizeof(*written));
	AUTO_MEM char *json = NULL;
	size_t json_len = 0;
	enum xp_rc rc;

	*found = false;
	if (!written)
		return xp_fail(err, XP_E_NOMEM, "record");
	name_files(job, job->id);
	*found = file_exists(dir_fd, job->record_name);
	if (!*found) {
		job->record_name[0] = job->signature_name[0] = 0;
		return XP_OK;
	}
	TRY(xp_file_read_at(&json, &json_len, dir_fd, job->record_name, XP_RECORD_MAX_BYTES, err));
	rc = xp_record_read_at(written, dir_fd, job->record_name, err);
	if (rc == XP_OK)
		rc = demand_signer(job, written, err);
	if (rc != XP_OK) {
		xp_record_free(written);
		return rc;
	}
	xp_record_free(&job->record);
	job->record = *written;
	return publish(job, job->id, json, json_len, err);
}
