#include "cli/job_reread.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/evidence_json.h"
#include "cli/job_canaries.h"
#include "cli/program.h"
#include "device/extent.h"
#include "device/probe.h"
#include "device/probe_identity.h"
#include "device/probe_node.h"
#include "verify/left_behind.h"
#include "verify/keys.h"
#include "verify/verify.h"

static enum xp_rc parse(struct xp_record *out, const char *json, size_t len, const char *name,
			struct xp_err *err)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};

	if (xp_record_parse(out, json, len, &findings, err) == XP_OK)
		return XP_OK;
	if (findings.n)
		return xp_fail(err, XP_E_MALFORMED, "%s: %s: %s", name, findings.list[0].code,
			       findings.list[0].text);
	return xp_fail(err, XP_E_MALFORMED, "%s is no record", name);
}

enum xp_rc xp_record_read_file(struct xp_record *out, uint8_t sha256[32], const char *path,
			       struct xp_err *err)
{
	AUTO_MEM char *json = NULL;
	size_t len = 0;

	TRY(xp_file_read(&json, &len, path, XP_RECORD_MAX_BYTES, err));
	if (EVP_Digest(json, len, sha256, NULL, EVP_sha256(), NULL) != 1)
		return xp_fail(err, XP_E_INTERNAL, "SHA-256");
	return parse(out, json, len, path, err);
}

enum xp_rc xp_record_read_at(struct xp_record *out, int dir_fd, const char *name,
			     struct xp_err *err)
{
	AUTO_MEM char *json = NULL;
	size_t len = 0;

	TRY(xp_file_read_at(&json, &len, dir_fd, name, XP_RECORD_MAX_BYTES, err));
	return parse(out, json, len, name, err);
}

/* The last readback that the record tells of. */
static const struct xp_readback_result *last_readback(const struct xp_record *r)
{
	for (size_t i = r->evidence.n; i-- > 0;)
		if (r->evidence.phases[i].kind == XP_PHASE_READBACK)
			return &r->evidence.phases[i].readback;
	return NULL;
}

/* What the last erase left: known for what the host wrote, and for some of what a drive does. */
static bool last_content(struct xp_content *out, const struct xp_record *r)
{
	struct xp_left_behind left;

	for (size_t i = r->evidence.n; i-- > 0;) {
		const struct xp_phase *p = &r->evidence.phases[i];

		if (p->kind != XP_PHASE_ERASE)
			continue;
		xp_left_behind(&left, p);
		*out = xp_technique_is_host_write(p->technique) ? p->overwrite.content
								: left.content;
		return out->kind != XP_CONTENT_UNKNOWN;
	}
	return false;
}

static uint32_t last_attempt(const struct xp_record *r)
{
	for (size_t i = r->evidence.n; i-- > 0;)
		if (r->evidence.phases[i].kind == XP_PHASE_ERASE)
			return r->evidence.phases[i].attempt;
	return 0;
}

static enum xp_rc open_target(int *fd, bool *direct, const struct xp_target *target,
			      struct xp_err *err)
{
	*direct = true;
	*fd = open(target->path, O_RDONLY | O_DIRECT | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0 && errno == EINVAL) {
		*direct = false;
		*fd = open(target->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	}
	if (*fd < 0)
		return xp_fail_errno(err, errno == EACCES ? XP_E_PERM : XP_E_IO, "%s",
				     target->path);
	return XP_OK;
}

/* What the drive itself says. false: it does not answer, or there is none. */
static bool let_speak(struct xp_identity *own, const struct xp_identity *kernel,
		      const struct xp_reread_request *req, int fd)
{
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	struct xp_identity scratch = *kernel;
	struct xp_drive_facts *facts = calloc(1, sizeof(*facts));
	struct xp_err why;
	bool spoke;

	scratch.raw = NULL;
	scratch.raw_n = 0;
	spoke = facts && req->target->kind == XP_TARGET_DISK &&
		xp_probe_can_ask(kernel->bus, req->target->disk) &&
		xp_identity_copy(own, kernel, &why) == XP_OK &&
		xp_probe_open_fd(&t, kernel->bus, fd, &why) == XP_OK &&
		xp_probe_drive(facts, t, &scratch, &why) == XP_OK &&
		xp_probe_identity(own, t, facts, xp_probe_nsid(req->root, req->target->disk),
				  &why) == XP_OK;
	xp_raws_free(&scratch.raw, &scratch.raw_n);
	if (facts)
		xp_drive_facts_free(facts);
	free(facts);
	return spoke;
}

/* Did the drive answer for itself when the record was made? */
static bool had_spoken(const struct xp_record *r)
{
	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].identity.raw_n)
			return true;
	return r->media.raw_n > 0;
}

bool xp_reread_is_same(const struct xp_record *record, const struct xp_identity *kernel,
		       const struct xp_identity *own, const char **difference)
{
	struct xp_identity then = record->media;
	const struct xp_identity *now = own && had_spoken(record) ? own : kernel;
	struct xp_identity plain = *now;

	/* a record by the kernel's word alone: the drive must not contradict that word today */
	*difference = "serial";
	if (own && now == kernel && !xp_serials_agree(then.serial, own->serial))
		return false;
	/* a later boot numbers its disks anew; a copy of an image lies elsewhere: that is no other
	 * drive */
	then.diskseq = plain.diskseq = 0;
	then.inode = plain.inode = 0;
	then.fs_dev = plain.fs_dev = 0;
	if (plain.raw_n == 0)
		then.raw_n = 0;
	return xp_identity_same(&then, &plain, difference);
}

static enum xp_rc demand_same(struct xp_identity *found, const struct xp_reread_request *req,
			      int fd, struct xp_err *err)
{
	AUTO(xp_identity_free) struct xp_identity own = {0};
	const char *difference = NULL;
	bool spoke;
	bool same;

	TRY(xp_target_identify_fd(found, req->root, fd, req->target->path, err));
	spoke = let_speak(&own, found, req, fd);
	same = xp_reread_is_same(req->record, found, spoke ? &own : NULL, &difference);
	if (spoke) {
		struct xp_identity kernel = *found;

		*found = own;
		own = kernel;
	}
	if (!same)
		return xp_fail(err, XP_E_REFUSED, "%s is not the target of the record: %s differs",
			       req->target->path, difference);
	return XP_OK;
}

static const struct xp_clock *clock_of(const struct xp_reread_request *req)
{
	return req->clock ? req->clock : xp_clock_system();
}

static void span_begin(struct xp_reread_span *span, const struct xp_reread_request *req)
{
	const struct xp_clock *clock = clock_of(req);

	span->start_s = clock->wall_s(clock->ctx);
	span->start_ns = clock->monotonic_ns(clock->ctx);
}

static void span_end(struct xp_reread_span *span, const struct xp_reread_request *req)
{
	const struct xp_clock *clock = clock_of(req);

	span->end_ns = clock->monotonic_ns(clock->ctx);
	span->end_s = clock->wall_s(clock->ctx);
}

static enum xp_rc read_places(struct xp_readback_result *out, struct xp_reread_span *span,
			      const struct xp_reread_request *req, struct xp_extent_io *io,
			      const struct xp_verify_request *how, struct xp_err *err)
{
	struct xp_verify_request v = *how;

	v.io = io;
	v.capacity_bytes = req->record->media.capacity_bytes;
	v.logical_block_bytes = req->record->media.logical_block_bytes;
	v.ctx = req->ctx;
	v.progress = req->progress;
	v.cancelled = req->cancelled;
	span_begin(span, req);
	TRY(xp_verify_run(out, &v, err));
	span_end(span, req);
	return XP_OK;
}

/* After luks-destroy: the areas that held keys, whole, and a search for headers. */
static enum xp_rc read_keys(struct xp_reread *out, const struct xp_reread_request *req,
			    struct xp_extent_io *io, const struct xp_verify_request *how,
			    const struct xp_phase *looked, struct xp_err *err)
{
	struct xp_verify_keys_request v = {
		.how = *how,
		.volumes = looked->volumes,
		.volume_n = looked->volume_n,
		.search_all = req->full,
	};

	v.how.io = io;
	v.how.capacity_bytes = req->record->media.capacity_bytes;
	v.how.logical_block_bytes = req->record->media.logical_block_bytes;
	v.how.ctx = req->ctx;
	v.how.progress = req->progress;
	v.how.cancelled = req->cancelled;
	span_begin(&out->fresh_span, req);
	TRY(xp_verify_keys(&out->fresh, &out->keys, &v, err));
	span_end(&out->fresh_span, req);
	return XP_OK;
}

static const struct xp_phase *volumes_of(const struct xp_record *r)
{
	for (size_t i = r->evidence.n; i-- > 0;)
		if (r->evidence.phases[i].volume_n)
			return &r->evidence.phases[i];
	return NULL;
}

static void judge_keys(struct xp_reread *out, const struct xp_phase *looked)
{
	bool left = out->keys.headers_left != 0;

	for (size_t i = 0; i < out->keys.copy_n; i++)
		for (size_t k = 0; k < looked->volume_n; k++)
			left = left ||
			       strcmp(out->keys.copies[i].uuid, looked->volumes[k].uuid) == 0;
	if (!left || out->verdict == XP_REREAD_RESIDUE)
		return;
	out->verdict = XP_REREAD_RESIDUE;
	snprintf(out->why, sizeof(out->why), "a header whose keys were destroyed is there again");
}

/* The markers that were written before the erase: none may be there, whatever else is. */
static enum xp_rc look_for_markers(struct xp_reread *out, const struct xp_reread_request *req,
				   struct xp_extent_io *io, struct xp_err *err)
{
	const struct xp_verify_request how = {
		.io = io, .ctx = req->ctx, .cancelled = req->cancelled};
	uint32_t attempt = last_attempt(req->record);

	out->markers = xp_job_canaries_written(&req->record->evidence, attempt);
	if (out->markers == 0)
		return XP_OK;
	TRY(xp_job_canaries_look(&out->markers_seen, &out->fresh, &req->record->evidence, attempt,
				 &how, err));
	span_end(&out->fresh_span, req);
	return XP_OK;
}

static void judge_markers(struct xp_reread *out, bool is_known)
{
	uint64_t alive = out->fresh.canaries_alive;

	if (alive && out->verdict != XP_REREAD_RESIDUE)
		snprintf(out->why, sizeof(out->why),
			 "%llu of %llu markers that were written before the erase are there",
			 (unsigned long long)alive, (unsigned long long)out->markers);
	if (alive)
		out->verdict = XP_REREAD_RESIDUE;
	if (out->verdict != XP_REREAD_CLEAN || (is_known && (!out->markers || out->markers_seen)))
		return;
	out->verdict = XP_REREAD_INDETERMINATE;
	snprintf(out->why, sizeof(out->why),
		 out->markers_seen ? "what the erase left to be read is not known; none of the "
				     "%llu markers that were written before it is there"
				   : "not all places of the %llu markers that were written before "
				     "the erase can be read",
		 (unsigned long long)out->markers);
}

static void judge(struct xp_reread *out)
{
	const struct xp_readback_result *results[] = {&out->again, &out->fresh};

	out->verdict = XP_REREAD_CLEAN;
	for (size_t i = 0; i < XP_ARRAY_LEN(results); i++) {
		const struct xp_readback_result *r = results[i];

		if (r->mismatch_total) {
			out->verdict = XP_REREAD_RESIDUE;
			snprintf(out->why, sizeof(out->why),
				 "%llu blocks differ from what the erase left",
				 (unsigned long long)r->mismatch_total);
			return;
		}
		if (r->read_errors.total_bytes || r->bytes_delivered < r->bytes_planned) {
			out->verdict = XP_REREAD_INDETERMINATE;
			snprintf(out->why, sizeof(out->why),
				 "not everything could be read from the device itself");
		}
	}
}

enum xp_rc xp_reread_run(struct xp_reread *out, const struct xp_reread_request *req,
			 struct xp_err *err)
{
	const struct xp_readback_result *before = last_readback(req->record);
	struct xp_content content = {.kind = XP_CONTENT_UNKNOWN};
	const struct xp_phase *looked = volumes_of(req->record);
	AUTO(xp_extent_io_free) struct xp_extent_io *io = NULL;
	struct xp_extent_config cfg = {
		.capacity_bytes = req->record->media.capacity_bytes,
		.logical_block_bytes = req->record->media.logical_block_bytes,
	};
	struct xp_verify_request v = {.mode = XP_READBACK_FULL};
	AUTO_FD int fd = -1;
	bool is_known;

	*out = (struct xp_reread){0};
	is_known = last_content(&content, req->record);
	if (!is_known &&
	    !xp_job_canaries_written(&req->record->evidence, last_attempt(req->record)))
		return xp_fail(err, XP_E_UNSUPPORTED,
			       "the record does not say what the erase left to be read");
	TRY(open_target(&fd, &cfg.direct, req->target, err));
	TRY(demand_same(&out->identity, req, fd, err));
	cfg.fd = fd;
	TRY(xp_extent_io_new(&io, &cfg, err));
	v.expected = content;
	if (req->record->technique == XP_LUKS_DESTROY) {
		if (!looked)
			return xp_fail(err, XP_E_UNSUPPORTED,
				       "the record does not say where the keys stood");
		TRY(read_keys(out, req, io, &v, looked, err));
		judge(out);
		judge_keys(out, looked);
		return XP_OK;
	}
	if (!req->full && before && before->mode == XP_READBACK_SAMPLE) {
		v.mode = XP_READBACK_SAMPLE;
		v.scheme = before->scheme;
		v.sample_n = before->scheme == XP_SAMPLE_SCATTERED ? before->extents : 0;
		memcpy(v.seed, before->seed, sizeof(v.seed));
		TRY(read_places(&out->again, &out->again_span, req, io, &v, err));
		out->has_again = true;
	} else if (!req->full) {
		v.mode = XP_READBACK_SAMPLE;
		v.scheme = XP_SAMPLE_SCATTERED;
	}
	if (v.mode == XP_READBACK_SAMPLE)
		TRY(xp_rng_bytes(req->rng, v.seed, sizeof(v.seed), err));
	TRY(read_places(&out->fresh, &out->fresh_span, req, io, &v, err));
	out->fresh.seed_mode = XP_SEED_VALIDATOR;
	TRY(look_for_markers(out, req, io, err));
	judge(out);
	judge_markers(out, is_known);
	return XP_OK;
}

static enum xp_rc add_phase(json_t *list, const struct xp_reread *r, const struct xp_record *record,
			    const struct xp_readback_result *what,
			    const struct xp_reread_span *when, struct xp_err *err)
{
	struct xp_phase phase = {
		.kind = XP_PHASE_READBACK,
		.attempt = 1,
		.take = 1,
		.technique = record->technique,
		.identity = r->identity,
		.start_s = when->start_s,
		.end_s = when->end_s,
		.start_ns = when->start_ns,
		.end_ns = when->end_ns,
		.readback = *what,
		.search = r->keys,
	};
	json_t *json = NULL;

	xp_program_boot_id(phase.boot_id);
	TRY(xp_schema_write(&json, &xp_schema_phase, &phase, err));
	if (json_array_append_new(list, json) != 0)
		return xp_fail(err, XP_E_NOMEM, "evidence");
	return XP_OK;
}

enum xp_rc xp_reread_evidence(json_t **out, const struct xp_reread *r,
			      const struct xp_record *record, struct xp_err *err)
{
	AUTO(xp_json_free) json_t *list = json_array();

	if (!list)
		return xp_fail(err, XP_E_NOMEM, "evidence");
	if (r->has_again)
		TRY(add_phase(list, r, record, &r->again, &r->again_span, err));
	TRY(add_phase(list, r, record, &r->fresh, &r->fresh_span, err));
	*out = STEAL(list);
	return XP_OK;
}

void xp_reread_free(struct xp_reread *r)
{
	xp_identity_free(&r->identity);
	xp_readback_result_free(&r->again);
	xp_readback_result_free(&r->fresh);
	xp_key_search_free(&r->keys);
}
