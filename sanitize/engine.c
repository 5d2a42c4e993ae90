#include "sanitize/engine.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "sanitize/method.h"

static const char *const note_names[] = {
	[XP_COMMAND_SECRET] = "secret",	    [XP_COMMAND_SENT] = "sent",
	[XP_COMMAND_ACCEPTED] = "accepted", [XP_COMMAND_ENDED] = "ended",
	[XP_COMMAND_OPEN] = "open",
};

const char *xp_command_note_name(enum xp_command_note v)
{
	return note_names[v];
}

bool xp_command_note_parse(enum xp_command_note *out, const char *name)
{
	for (size_t i = 0; i < XP_ARRAY_LEN(note_names); i++) {
		if (strcmp(note_names[i], name) == 0) {
			*out = (enum xp_command_note)i;
			return true;
		}
	}
	return false;
}

enum xp_rc xp_engine_phase_begin(struct xp_phase **out, struct xp_evidence *ev,
				 enum xp_phase_kind kind, const struct xp_engine_request *req,
				 struct xp_err *err)
{
	struct xp_phase *phase = xp_evidence_add(ev, kind);

	if (!phase)
		return xp_fail(err, XP_E_NOMEM, "evidence");
	phase->attempt = req->attempt;
	phase->take = req->take;
	phase->technique = req->technique;
	memcpy(phase->boot_id, req->boot_id, sizeof(phase->boot_id));
	phase->start_s = req->clock->wall_s(req->clock->ctx);
	phase->start_ns = req->clock->monotonic_ns(req->clock->ctx);
	phase->end_s = phase->start_s;
	phase->end_ns = phase->start_ns;
	*out = phase;
	if (req->hooks.identify)
		return req->hooks.identify(req->hooks.ctx, &phase->identity, err);
	return xp_permit_identify(&phase->identity, req->permit, err);
}

enum xp_rc xp_engine_phase_end(struct xp_phase *phase, const struct xp_engine_request *req,
			       struct xp_err *err)
{
	phase->end_s = req->clock->wall_s(req->clock->ctx);
	phase->end_ns = req->clock->monotonic_ns(req->clock->ctx);
	return req->hooks.phase_end(req->hooks.ctx, phase, err);
}

enum xp_rc xp_engine_identify(struct xp_evidence *ev, const struct xp_engine_request *req,
			      struct xp_err *err)
{
	struct xp_phase *phase = NULL;

	TRY(xp_engine_phase_begin(&phase, ev, XP_PHASE_IDENTIFY, req, err));
	return xp_engine_phase_end(phase, req, err);
}

/* Does the pass write the same bytes to every logical block? */
static bool repeats(const struct xp_phase *phase)
{
	return phase->kind == XP_PHASE_ERASE && xp_technique_is_host_overwrite(phase->technique) &&
	       xp_content_repeats(&phase->overwrite.content, phase->identity.logical_block_bytes);
}

enum xp_rc xp_engine_open_io(struct xp_extent_io **out, const struct xp_engine_request *req,
			     const struct xp_phase *phase, struct xp_err *err)
{
	struct xp_extent_config cfg = {
		.fd = -1,
		.permit = req->permit,
		.capacity_bytes = phase->identity.capacity_bytes,
		.logical_block_bytes = phase->identity.logical_block_bytes,
		.stall_ms = req->stall_ms,
		.repeats = repeats(phase),
	};

	if (req->hooks.open_io)
		return req->hooks.open_io(req->hooks.ctx, out, &cfg, err);
	cfg.fd = xp_permit_fd(req->permit, &cfg.direct);
	return xp_extent_io_new(out, &cfg, err);
}

static enum xp_rc run_method(const struct xp_method *method, struct xp_method_run *run,
			     bool attaches, struct xp_err *err)
{
	enum xp_method_state state = XP_METHOD_RUNNING;

	TRY(attaches ? method->attach(run, err) : method->start(run, err));
	while (state == XP_METHOD_RUNNING)
		TRY(method->poll(run, &state, err));
	return XP_OK;
}

/* What was looked at in this attempt, by this take or by one before. */
static const struct xp_phase *looked_at(const struct xp_evidence *ev,
					const struct xp_engine_request *req)
{
	for (size_t i = ev->n; i > 0; i--)
		if ((ev->phases[i - 1].volume_n || ev->phases[i - 1].file_known) &&
		    ev->phases[i - 1].kind == XP_PHASE_IDENTIFY &&
		    ev->phases[i - 1].attempt == req->attempt)
			return &ev->phases[i - 1];
	return NULL;
}

static enum xp_rc look(struct xp_evidence *ev, const struct xp_engine_request *req,
		       const struct xp_method *method, struct xp_err *err)
{
	struct xp_method_run run = {.req = req};

	if (!method->look || looked_at(ev, req))
		return XP_OK;
	TRY(xp_engine_phase_begin(&run.phase, ev, XP_PHASE_IDENTIFY, req, err));
	TRY(req->hooks.phase_begin(req->hooks.ctx, run.phase, err));
	TRY(method->look(&run, err));
	return xp_engine_phase_end(run.phase, req, err);
}

static enum xp_rc run_pass(struct xp_evidence *ev, const struct xp_engine_request *req,
			   const struct xp_method *method, uint32_t pass, struct xp_err *err)
{
	bool attaches = req->resumes && pass == req->first_pass;
	struct xp_method_run run = {.req = req};
	enum xp_rc rc;
	enum xp_rc end_rc;
	struct xp_err end_err;

	TRY(xp_engine_phase_begin(&run.phase, ev, XP_PHASE_ERASE, req, err));
	run.phase->interrupted = attaches;
	run.looked = looked_at(ev, req);
	if (xp_technique_is_device_command(req->technique)) {
		run.phase->command.nvme_status = 0xffffffff; /* none was sent yet */
		run.resume_phase = attaches ? req->resume_phase : NULL;
	} else {
		run.phase->overwrite.pass = pass;
		run.phase->overwrite.passes = req->passes;
		run.phase->overwrite.content = req->contents[pass - 1];
	}
	if (attaches) {
		run.resume_offset = req->resume_offset;
		run.resume_unwritten = req->resume_unwritten;
	}
	TRY(req->hooks.phase_begin(req->hooks.ctx, run.phase, err));
	rc = run_method(method, &run, attaches, err);
	run.phase->stalled = rc == XP_E_TIMEOUT;
	method->end(&run);
	/* a phase that went wrong is evidence, too; the first failure is the one to tell */
	end_rc = xp_engine_phase_end(run.phase, req, rc == XP_OK ? err : &end_err);
	return rc == XP_OK ? end_rc : rc;
}

enum xp_rc xp_engine_erase(struct xp_evidence *ev, const struct xp_engine_request *req,
			   struct xp_err *err)
{
	const struct xp_method *method = xp_method_find(req->technique);
	uint32_t passes = xp_technique_is_device_command(req->technique) ? 1 : req->passes;

	if (!method)
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: this build cannot carry it out",
			       xp_technique_name(req->technique));
	TRY(look(ev, req, method, err));
	for (uint32_t pass = req->first_pass; pass <= passes; pass++) {
		if (req->hooks.cancelled(req->hooks.ctx))
			return xp_fail(err, XP_E_CANCELLED, "cancelled before pass %u", pass);
		TRY(run_pass(ev, req, method, pass, err));
	}
	return XP_OK;
}

enum xp_rc xp_engine_leave(const struct xp_engine_request *req, struct xp_err *err)
{
	const struct xp_method *method = xp_method_find(req->technique);
	struct xp_method_run run = {.req = req};
	enum xp_rc rc;

	if (!method || !method->leave)
		return XP_OK;
	rc = method->leave(&run, err);
	method->end(&run);
	return rc;
}
