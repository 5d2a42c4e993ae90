#include "sanitize/device_command.h"

#include "base/cleanup.h"
#include "base/wire.h"
#include "claim/completion.h"
#include "device/probe_identity.h"

#include <stdlib.h>
#include <string.h>

#define SQE_LEN	  64
#define NS_PER_MS 1000000ULL
#define NS_PER_S  1000000000ULL
#define STALL_MS  600000U
#define SILENT_NS (24 * 3600 * NS_PER_S)
/* progress that moves once in a quarter of the drive's own estimate is no stall */
#define ESTIMATE_PARTS 4

const char *xp_device_command_label(const struct xp_method_run *run)
{
	return xp_technique_name(run->req->technique);
}

enum xp_rc xp_device_command_begin(struct xp_method_run *run, size_t size, struct xp_err *err)
{
	if (!run->req->transport || !run->req->facts)
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: there is no way to the drive",
			       xp_device_command_label(run));
	run->state = calloc(1, size);
	if (!run->state)
		return xp_fail(err, XP_E_NOMEM, "%s", xp_device_command_label(run));
	return XP_OK;
}

enum xp_rc xp_device_step(enum xp_method_state *state, struct xp_method_run *run, enum xp_step step,
			  const struct xp_steps *steps, struct xp_err *err)
{
	*state = XP_METHOD_RUNNING;
	switch (step) {
	case XP_STEP_BEFORE:
		return steps->before(run, err);
	case XP_STEP_SEND:
		return steps->send(run, err);
	case XP_STEP_SEE_THROUGH:
		return steps->see_through(run, err);
	case XP_STEP_DONE:
		break;
	}
	*state = XP_METHOD_DONE;
	return XP_OK;
}

enum xp_step xp_device_step_taken_up(const struct xp_method_run *run)
{
	if (!run->resume_phase)
		return XP_STEP_BEFORE;
	switch (run->req->resume_note) {
	case XP_COMMAND_SECRET:
	case XP_COMMAND_SENT:
	case XP_COMMAND_OPEN:
		break;
	case XP_COMMAND_ACCEPTED:
		return XP_STEP_SEE_THROUGH;
	case XP_COMMAND_ENDED:
		return XP_STEP_DONE;
	}
	return XP_STEP_BEFORE;
}

void xp_device_command_end(struct xp_method_run *run)
{
	free(run->state);
	run->state = NULL;
}

bool xp_device_command_is_no_answer(enum xp_rc rc)
{
	return rc == XP_E_DEVICE || rc == XP_E_MALFORMED || rc == XP_E_IO || rc == XP_E_TIMEOUT;
}

/* The submission queue entry as the specification lays it out, without identifier and pointers. */
static void keep_sqe(struct xp_command_result *c, const struct xp_nvme_sqe *q)
{
	const uint32_t dwords[] = {q->cdw10, q->cdw11, q->cdw12, q->cdw13, q->cdw14, q->cdw15};

	memset(c->cdb, 0, sizeof(c->cdb));
	c->cdb_len = SQE_LEN;
	c->cdb[0] = q->opcode;
	put_le32(c->cdb + 4, q->nsid);
	for (size_t i = 0; i < XP_ARRAY_LEN(dwords); i++)
		put_le32(c->cdb + 40 + 4 * i, dwords[i]);
}

enum xp_rc xp_device_command_demand_same(struct xp_method_run *run, struct xp_err *err)
{
	enum xp_rc rc = xp_probe_demand_same(run->req->transport, run->req->facts, err);

	if (!xp_device_command_is_no_answer(rc))
		return rc;
	err->rc = XP_E_IO;
	return xp_err_prefix(err, "%s", xp_device_command_label(run));
}

enum xp_rc xp_device_command_send(struct xp_method_run *run, const struct xp_cmd *cmd,
				  struct xp_reply *reply, struct xp_err *err)
{
	struct xp_command_result *c = &run->phase->command;
	bool is_nvme = cmd->kind == XP_TRANSPORT_NVME;

	if (is_nvme) {
		keep_sqe(c, &cmd->nvme);
	} else {
		memset(c->cdb, 0, sizeof(c->cdb));
		memcpy(c->cdb, cmd->cdb, cmd->cdb_len);
		c->cdb_len = cmd->cdb_len;
	}
	c->nvme_status = 0xffffffff;
	c->scsi_status = 0;
	c->sense_len = 0;
	TRY(xp_device_command_ask(run, cmd, reply, err));
	if (is_nvme) {
		c->nvme_status = reply->nvme_status;
		return XP_OK;
	}
	c->scsi_status = reply->scsi_status;
	c->sense_len =
		reply->sense_len < sizeof(c->sense) ? reply->sense_len : (uint32_t)sizeof(c->sense);
	memcpy(c->sense, reply->sense, c->sense_len);
	return XP_OK;
}

enum xp_rc xp_device_command_ask(struct xp_method_run *run, const struct xp_cmd *cmd,
				 struct xp_reply *reply, struct xp_err *err)
{
	memset(reply, 0, sizeof(*reply));
	if (!run->req->transport)
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: there is no way to the drive",
			       xp_technique_name(run->req->technique));
	return xp_transport_exec(run->req->transport, cmd, run->req->permit, reply, err);
}

static struct xp_raw **list_of(struct xp_command_result *c, enum xp_keep where, size_t **n)
{
	switch (where) {
	case XP_KEEP_BEFORE:
		*n = &c->before_n;
		return &c->before;
	case XP_KEEP_DURING:
		*n = &c->during_n;
		return &c->during;
	case XP_KEEP_AFTER:
		break;
	}
	*n = &c->after_n;
	return &c->after;
}

enum xp_rc xp_device_command_keep(struct xp_method_run *run, enum xp_keep where,
				  enum xp_raw_kind kind, uint32_t arg, const void *data, size_t len,
				  struct xp_err *err)
{
	size_t *n;
	struct xp_raw **list = list_of(&run->phase->command, where, &n);
	uint8_t *copy = malloc(len ? len : 1);
	struct xp_raw *slot = NULL;

	if (!copy)
		return xp_fail(err, XP_E_NOMEM, "evidence");
	if (len)
		memcpy(copy, data, len);
	for (size_t i = 0; i < *n; i++)
		if ((*list)[i].kind == kind && (*list)[i].arg == arg)
			slot = &(*list)[i];
	if (!slot) {
		struct xp_raw *more = reallocarray(*list, *n + 1, sizeof(*more));

		if (!more) {
			free(copy);
			return xp_fail(err, XP_E_NOMEM, "evidence");
		}
		*list = more;
		slot = &more[(*n)++];
		*slot = (struct xp_raw){.kind = kind, .arg = arg};
	}
	free(slot->data);
	slot->data = copy;
	slot->len = len;
	return XP_OK;
}

void xp_device_command_drop(struct xp_method_run *run, enum xp_keep where, enum xp_raw_kind kind,
			    uint32_t arg)
{
	size_t *n;
	struct xp_raw *list = *list_of(&run->phase->command, where, &n);

	for (size_t i = 0; i < *n; i++) {
		if (list[i].kind != kind || list[i].arg != arg)
			continue;
		free(list[i].data);
		list[i] = list[--*n];
		return;
	}
}

enum xp_rc xp_device_command_adopt(struct xp_method_run *run, struct xp_err *err)
{
	struct xp_command_result copy = {0};
	const struct xp_command_result *from;
	enum xp_rc rc;

	if (!run->resume_phase)
		return XP_OK;
	from = &run->resume_phase->command;
	copy = *from;
	copy.before = copy.during = copy.after = NULL;
	copy.before_n = copy.during_n = copy.after_n = 0;
	rc = xp_raws_copy(&copy.before, &copy.before_n, from->before, from->before_n, err);
	if (rc == XP_OK)
		rc = xp_raws_copy(&copy.during, &copy.during_n, from->during, from->during_n, err);
	if (rc == XP_OK)
		rc = xp_raws_copy(&copy.after, &copy.after_n, from->after, from->after_n, err);
	if (rc != XP_OK) {
		xp_command_result_free(&copy);
		return rc;
	}
	xp_command_result_free(&run->phase->command);
	run->phase->command = copy;
	return XP_OK;
}

enum xp_rc xp_device_command_note(struct xp_method_run *run, enum xp_command_note what,
				  struct xp_err *err)
{
	const struct xp_engine_hooks *h = &run->req->hooks;

	return h->command_note ? h->command_note(h->ctx, what, run->phase, err) : XP_OK;
}

struct xp_sanitize_overwrite xp_device_command_overwrite(const struct xp_method_run *run)
{
	struct xp_sanitize_overwrite o = run->req->overwrite;

	if (o.passes < 1 || o.passes > XP_SANITIZE_PASSES_MAX)
		o.passes = 1;
	o.inverts = o.inverts && o.passes > 1;
	return o;
}

enum xp_rc xp_device_command_finish(struct xp_method_run *run, struct xp_err *err)
{
	struct xp_completion found;

	run->phase->command.completion_known = true;
	TRY(xp_device_command_note(run, XP_COMMAND_ENDED, err));
	xp_completion_decide(&found, run->phase);
	if (found.end != XP_COMPLETION_FAILED)
		return XP_OK;
	return xp_fail(err, XP_E_DEVICE, "%s: %s", xp_technique_name(run->req->technique),
		       found.why);
}

void xp_device_command_progress(const struct xp_method_run *run, const char *label,
				uint32_t of_65536)
{
	const struct xp_engine_hooks *h = &run->req->hooks;
	uint64_t total = run->phase->identity.capacity_bytes;

	if (h->progress)
		h->progress(h->ctx, label, (uint64_t)((unsigned __int128)total * of_65536 / 65536),
			    total);
}

enum xp_rc xp_device_command_wait(const struct xp_method_run *run, struct xp_err *err)
{
	const struct xp_engine_hooks *h = &run->req->hooks;

	if (!h->cancelled(h->ctx) && h->sleep_ms)
		h->sleep_ms(h->ctx, XP_POLL_MS);
	if (h->cancelled(h->ctx))
		return xp_fail(err, XP_E_CANCELLED, "cancelled; the drive goes on by itself");
	return XP_OK;
}

static uint64_t now_ns(const struct xp_method_run *run)
{
	return run->req->clock->monotonic_ns(run->req->clock->ctx);
}

void xp_device_watch_begin(struct xp_device_watch *w, const struct xp_method_run *run,
			   uint64_t estimate_s)
{
	uint32_t stall_ms = run->req->stall_ms ? run->req->stall_ms : STALL_MS;
	uint64_t patience_ns;

	*w = (struct xp_device_watch){.moved_ns = now_ns(run), .limit_ns = stall_ms * NS_PER_MS};
	if (!__builtin_mul_overflow(estimate_s, NS_PER_S / ESTIMATE_PARTS, &patience_ns) &&
	    patience_ns > w->limit_ns)
		w->limit_ns = patience_ns;
}

enum xp_rc xp_device_watch_look(struct xp_device_watch *w, const struct xp_method_run *run,
				enum xp_seen seen, uint32_t progress, struct xp_err *err)
{
	uint64_t limit_ns = w->limit_ns;
	uint64_t now = now_ns(run);

	if (seen == XP_SEEN_PROGRESS && (!w->has_progress || progress != w->progress)) {
		w->has_progress = true;
		w->progress = progress;
		w->moved_ns = now;
	}
	if (seen == XP_SEEN_AT_WORK && limit_ns < SILENT_NS)
		limit_ns = SILENT_NS;
	if (now - w->moved_ns >= limit_ns)
		return xp_fail(err, XP_E_TIMEOUT, "%s: %s for %llu s",
			       xp_technique_name(run->req->technique),
			       seen == XP_SEEN_NOTHING ? "the drive has not answered"
						       : "no progress was made",
			       (unsigned long long)((now - w->moved_ns) / NS_PER_S));
	return XP_OK;
}
