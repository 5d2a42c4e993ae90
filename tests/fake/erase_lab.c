#include "tests/fake/erase_lab.h"

#include "base/cleanup.h"
#include "tests/emu/emu_transport.h"
#include "tests/fake/claim_evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* ---- the target that is held ---- */

bool erase_lab_open(struct erase_lab *lab)
{
	const char *tmp = getenv("TMPDIR");
	const char *confirms[2] = {NULL, NULL};
	const char *outputs[] = {NULL};
	struct xp_interlock_request req = {.confirms = confirms, .outputs = outputs};
	struct xp_refusals refusals = {0};
	bool ok = true;
	int fd;

	memset(lab, 0, sizeof(*lab));
	lab->policy = claim_policy_load("r2", "none");
	snprintf(lab->image, sizeof(lab->image), "%s/expunge-lab-XXXXXX", tmp ? tmp : "/var/tmp");
	fd = mkstemp(lab->image);
	if (fd < 0 || ftruncate(fd, 1 << 20) != 0 || close(fd) != 0 ||
	    xp_sysroot_open(&lab->root, "/", &lab->err) != XP_OK ||
	    xp_target_resolve(&lab->target, &lab->root, lab->image, &lab->err) != XP_OK)
		return false;
	confirms[0] = lab->target.confirm;
	req.root = &lab->root;
	req.target = &lab->target;
	/* an ordinary user may not see who else uses a file: then there is no permit */
	if (geteuid() == 0)
		ok = xp_interlock_acquire(&lab->permit, &refusals, &req, &lab->err) == XP_OK;
	xp_refusals_free(&refusals);
	return ok;
}

static void forget_journal(struct erase_lab *lab)
{
	xp_identity_free(&lab->phase.identity);
	xp_command_result_free(&lab->phase.command);
	lab->has_phase = lab->has_note = lab->has_ended = false;
	memset(lab->was_noted, 0, sizeof(lab->was_noted));
}

static void forget(struct erase_lab *lab)
{
	forget_journal(lab);
	xp_transport_free(&lab->transport);
	xp_identity_free(&lab->begun);
	xp_drive_facts_free(&lab->facts);
	memset(&lab->facts, 0, sizeof(lab->facts));
	xp_evidence_free(&lab->ev);
	memset(&lab->ev, 0, sizeof(lab->ev));
	lab->has_begun = false;
}

void erase_lab_close(struct erase_lab *lab)
{
	forget(lab);
	xp_policy_free(&lab->policy);
	if (lab->permit)
		xp_permit_release(&lab->permit);
	xp_target_free(&lab->target);
	xp_sysroot_close(&lab->root);
	unlink(lab->image);
}

/* ---- boundaries ---- */

static void cut_power(struct erase_lab *lab)
{
	if (lab->slot) {
		emu_nvme_power_off(lab->slot->drive);
		emu_nvme_power_on(lab->slot->drive);
		return;
	}
	lab->unit.ops->power_off(lab->unit.ctx);
	lab->unit.ops->power_on(lab->unit.ctx);
}

/* true: it is cut here, and the process is no more. */
static bool boundary(struct erase_lab *lab)
{
	if (lab->dead)
		return true;
	if (++lab->boundaries != lab->cut_at)
		return false;
	if (lab->cut != LAB_KILL)
		cut_power(lab);
	lab->dead = lab->cut != LAB_DRIVE;
	return lab->dead;
}

static enum xp_rc open_way(struct xp_transport **t, struct erase_lab *lab, struct xp_err *err)
{
	return lab->slot ? emu_transport_nvme_open(t, lab->slot, err)
			 : emu_transport_open_unit(t, lab->unit, err);
}

static enum xp_rc is_dead(struct xp_err *err)
{
	return xp_fail(err, XP_E_IO, "this take was cut off");
}

static enum xp_rc lab_exec(void *ctx, const struct xp_cmd *cmd, struct xp_reply *reply,
			   struct xp_err *err)
{
	struct erase_lab *lab = ctx;
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	uint64_t before = lab->boundaries;
	enum xp_rc rc;

	if (boundary(lab))
		return is_dead(err);
	/* the drive alone went away under this command */
	if (lab->cut == LAB_DRIVE && lab->cut_at == before + 1)
		return is_dead(err);
	TRY(open_way(&t, lab, err));
	rc = xp_transport_exec(t, cmd, lab->permit, reply, err);
	before = lab->boundaries;
	if (boundary(lab))
		return is_dead(err);
	return lab->cut == LAB_DRIVE && lab->cut_at == before + 1 ? is_dead(err) : rc;
}

static const struct xp_transport_ops lab_ops = {.name = "lab", .exec = lab_exec};

/* ---- hooks ---- */

static void copy_phase(struct xp_phase *to, const struct xp_phase *from)
{
	struct xp_command_result *c = &to->command;

	xp_identity_free(&to->identity);
	xp_command_result_free(c);
	*to = *from;
	must(xp_identity_copy(&to->identity, &from->identity, NULL) == XP_OK);
	must(xp_raws_copy(&c->before, &c->before_n, from->command.before, from->command.before_n,
			  NULL) == XP_OK);
	must(xp_raws_copy(&c->during, &c->during_n, from->command.during, from->command.during_n,
			  NULL) == XP_OK);
	must(xp_raws_copy(&c->after, &c->after_n, from->command.after, from->command.after_n,
			  NULL) == XP_OK);
}

static enum xp_rc on_begin(void *ctx, const struct xp_phase *phase, struct xp_err *err)
{
	struct erase_lab *lab = ctx;

	if (lab->dead || (!lab->pass_over_notes && boundary(lab)))
		return is_dead(err);
	/* a take that goes on keeps what the last one noted */
	if (!lab->has_note)
		copy_phase(&lab->phase, phase);
	lab->has_phase = true;
	return XP_OK;
}

static enum xp_rc on_end(void *ctx, const struct xp_phase *phase, struct xp_err *err)
{
	struct erase_lab *lab = ctx;

	if (lab->dead || (!lab->pass_over_notes && boundary(lab)))
		return is_dead(err);
	if (phase->kind == XP_PHASE_ERASE)
		lab->has_ended = true;
	return XP_OK;
}

static enum xp_rc on_note(void *ctx, enum xp_command_note what, const struct xp_phase *phase,
			  struct xp_err *err)
{
	struct erase_lab *lab = ctx;

	if (lab->dead || (!lab->pass_over_notes && boundary(lab)))
		return is_dead(err);
	copy_phase(&lab->phase, phase);
	lab->note = what;
	lab->has_note = true;
	lab->was_noted[what] = true;
	return XP_OK;
}

static enum xp_rc on_checkpoint(void *ctx, uint64_t offset, const struct xp_extents *unwritten,
				struct xp_err *err)
{
	(void)ctx;
	(void)offset;
	(void)unwritten;
	return xp_fail(err, XP_E_INTERNAL, "a device technique has no checkpoints");
}

static void on_progress(void *ctx, const char *label, uint64_t done, uint64_t total)
{
	(void)ctx;
	must(label && done <= total);
}

static bool on_cancelled(void *ctx)
{
	const struct erase_lab *lab = ctx;

	return lab->cancel_at && lab->boundaries >= lab->cancel_at;
}

static void on_sleep(void *ctx, uint32_t ms)
{
	struct erase_lab *lab = ctx;

	emu_time_pass(lab->time, ms * EMU_MS);
	if (lab->on_wait)
		lab->on_wait(lab->on_wait_ctx);
}

/* The drive's own word; the probe's questions are no boundaries of the technique. */
static enum xp_rc probe(struct erase_lab *lab, struct xp_drive_facts *facts, struct xp_identity *id,
			struct xp_err *err)
{
	AUTO(xp_transport_free) struct xp_transport *t = NULL;

	if (lab->dead)
		return is_dead(err);
	TRY(open_way(&t, lab, err));
	id->bus = lab->bus;
	id->capacity_bytes = lab->kernel_bytes;
	id->logical_block_bytes = lab->kernel_block_bytes;
	id->physical_block_bytes = lab->kernel_physical_bytes;
	return xp_probe_drive(facts, t, id, err);
}

static enum xp_rc on_identify(void *ctx, struct xp_identity *out, struct xp_err *err)
{
	struct erase_lab *lab = ctx;
	struct xp_drive_facts facts = {0};
	const char *difference;
	enum xp_rc rc = probe(lab, &facts, out, err);

	xp_drive_facts_free(&facts);
	TRY(rc);
	if (!lab->has_begun) {
		TRY(xp_identity_copy(&lab->begun, out, err));
		lab->has_begun = true;
	}
	if (!xp_identity_same(&lab->begun, out, &difference))
		return xp_fail(err, XP_E_REFUSED, "another %s", difference);
	return XP_OK;
}

void erase_lab_meet(struct erase_lab *lab)
{
	struct xp_identity id = {0};

	/* one that does not answer yet is met by the first take */
	if (on_identify(lab, &id, &lab->err) != XP_OK)
		lab->err = (struct xp_err){0};
	xp_identity_free(&id);
}

/* ---- takes ---- */

static void begin(struct erase_lab *lab, enum xp_transport_kind kind, enum xp_bus bus)
{
	lab->clock = emu_time_clock(lab->time);
	lab->bus = bus;
	lab->cut_at = lab->cancel_at = lab->boundaries = 0;
	lab->pass_over_notes = lab->dead = false;
	lab->takes = 0;
	lab->on_wait = NULL;
	lab->overwrite = (struct xp_sanitize_overwrite){0};
	lab->ev.clock_synchronized = XP_ANSWER_YES;
	must(xp_transport_new(&lab->transport, kind, &lab_ops, lab, &lab->err) == XP_OK);
}

void erase_lab_begin(struct erase_lab *lab, struct emu_unit unit, enum xp_bus bus)
{
	forget(lab);
	lab->slot = NULL;
	lab->unit = unit;
	lab->time = unit.ops->time(unit.ctx);
	begin(lab, XP_TRANSPORT_SCSI, bus);
}

void erase_lab_begin_nvme(struct erase_lab *lab, struct emu_nvme_slot *slot, uint32_t nsid)
{
	forget(lab);
	lab->slot = slot;
	lab->nsid = nsid;
	lab->time = emu_nvme_time(slot->drive);
	begin(lab, XP_TRANSPORT_NVME, XP_BUS_NVME);
}

void erase_lab_ask(struct erase_lab *lab)
{
	struct xp_identity id = {0};
	struct xp_target target = {.kind = XP_TARGET_DISK};

	xp_drive_facts_free(&lab->facts);
	memset(&lab->facts, 0, sizeof(lab->facts));
	must(probe(lab, &lab->facts, &id, &lab->err) == XP_OK || lab->err.rc == XP_E_IO);
	lab->facts.nvme.nsid = lab->slot ? lab->nsid : 0;
	target.identity = id;
	xp_capabilities_host(&lab->capabilities, &target);
	xp_capabilities_drive(&lab->capabilities, &target, &lab->facts);
	xp_identity_free(&id);
}

static void fill_request(struct xp_engine_request *req, struct erase_lab *lab, enum xp_technique t)
{
	*req = (struct xp_engine_request){
		.permit = lab->permit,
		.technique = t,
		.attempt = 1,
		.take = lab->takes,
		.overwrite = lab->overwrite,
		.first_pass = 1,
		.resumes = lab->has_phase && !lab->has_ended,
		.clock = &lab->clock,
		.transport = lab->transport,
		.facts = &lab->facts,
		.hooks = {.ctx = lab,
			  .phase_begin = on_begin,
			  .checkpoint = on_checkpoint,
			  .phase_end = on_end,
			  .progress = on_progress,
			  .cancelled = on_cancelled,
			  .command_note = on_note,
			  .sleep_ms = on_sleep,
			  .identify = on_identify},
	};
	if (req->resumes && lab->has_note) {
		req->resume_phase = &lab->phase;
		req->resume_note = lab->note;
	}
	snprintf(req->boot_id, sizeof(req->boot_id), "00000000-0000-4000-8000-%012u", lab->boot);
}

/* An erase phase that broke off is no evidence: the next take makes it anew, from the journal. */
static void drop_last_phase(struct erase_lab *lab)
{
	struct xp_phase *p = &lab->ev.phases[--lab->ev.n];

	xp_identity_free(&p->identity);
	xp_command_result_free(&p->command);
}

/* A drive that was at something could not be asked before. */
static void ask_capacity_again(struct erase_lab *lab)
{
	erase_lab_ask(lab);
	lab->ev.capacity_after = lab->capabilities.capacity;
	lab->ev.capacity_after_given = true;
}

static enum xp_rc run_take(struct erase_lab *lab, enum xp_technique technique)
{
	struct xp_engine_request req;
	bool ended = lab->has_ended;
	enum xp_rc rc = XP_OK;
	enum xp_rc after;

	erase_lab_ask(lab);
	if (lab->takes++ == 0)
		lab->ev.capacity = lab->capabilities.capacity;
	fill_request(&req, lab, technique);
	rc = xp_engine_identify(&lab->ev, &req, &lab->err);
	if (rc != XP_OK) {
		drop_last_phase(lab);
		return rc;
	}
	if (!ended) {
		rc = xp_engine_erase(&lab->ev, &req, &lab->err);
		if (lab->dead && !lab->has_ended &&
		    lab->ev.phases[lab->ev.n - 1].kind == XP_PHASE_ERASE)
			drop_last_phase(lab);
		if (rc != XP_OK && lab->dead)
			return rc;
		after = xp_engine_identify(&lab->ev, &req, rc == XP_OK ? &lab->err : NULL);
		if (after != XP_OK)
			drop_last_phase(lab);
		else if (!lab->dead)
			ask_capacity_again(lab);
		return rc == XP_OK ? after : rc;
	}
	return XP_OK;
}

enum xp_rc erase_lab_take(struct erase_lab *lab, enum xp_technique technique)
{
	enum xp_rc rc;

	if (lab->dead) {
		lab->dead = false;
		lab->boot += lab->cut == LAB_POWER;
	}
	rc = run_take(lab, technique);
	/* the cut comes once */
	if (lab->cut_at && lab->boundaries >= lab->cut_at)
		lab->cut_at = 0;
	return rc;
}

const struct xp_claim *erase_lab_claim(struct erase_lab *lab)
{
	xp_claim_compute(&lab->claim, &lab->ev, lab->policy);
	return &lab->claim;
}

/* ---- one for a whole program ---- */

struct erase_lab erase_lab;

int erase_lab_setup(void **state)
{
	(void)state;
	return erase_lab_open(&erase_lab) ? 0 : -1;
}

int erase_lab_teardown(void **state)
{
	(void)state;
	erase_lab_close(&erase_lab);
	return 0;
}
