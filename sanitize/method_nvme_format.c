#include "sanitize/method_nvme_format.h"

#include "base/cleanup.h"
#include "claim/completion.h"
#include "device/protocol/nvme_erase.h"
#include "device/protocol/nvme_identify.h"
#include "sanitize/device_command.h"

#define SENDS_MAX 3
/* Before anything was sent so many looks may go without an answer. */
#define SILENT_LOOKS 15
/* A format that the kernel gives up resets the controller in the middle of it. */
#define TIMEOUT_BASE_S 900
#define BYTES_PER_S    50000000ULL
#define TIMEOUT_MAX_S  (30 * 24 * 3600ULL)
#define MS_PER_S       1000
#define NAMESPACES_MAX 32 /* whose formats are compared */

struct format {
	enum xp_step step;
	struct xp_device_watch watch;
	unsigned sends, looks;
	bool has_before;
	uint32_t nsid;
	struct xp_nvme_format_word word; /* the format that it has */
};

uint32_t xp_nvme_format_target(const struct xp_nvme_facts *f)
{
	if (f->nsid)
		return f->nsid;
	return f->active_n == 1 && f->ns_n == 1 ? f->ns[0].nsid : 0;
}

bool xp_nvme_format_leaves(const struct xp_nvme_facts *f)
{
	bool knows_all = f->allocated_list == XP_ASKED_GOOD ||
			 (f->allocated_list == XP_ASKED_NEVER && f->active_list == XP_ASKED_GOOD &&
			  !f->ctrl.has_multiple_controllers);

	if (!knows_all || f->ctrl.unallocated_bytes)
		return true;
	return !f->ctrl.secure_erase_all && (f->active_n > 1 || f->allocated_n > 1);
}

static const struct xp_nvme_ns *find_ns(const struct xp_nvme_facts *f, uint32_t nsid)
{
	for (size_t i = 0; i < f->ns_n; i++)
		if (f->ns[i].nsid == nsid && f->ns[i].identify == XP_ASKED_GOOD)
			return &f->ns[i].ns;
	return NULL;
}

static enum xp_rc keep_namespace(struct xp_method_run *run, enum xp_keep where, uint32_t nsid,
				 struct xp_err *err)
{
	struct xp_nvme_dwords d = xp_nvme_identify(XP_NVME_CNS_NS, nsid);
	uint8_t data[XP_NVME_IDENTIFY_LEN] = {0};
	struct xp_cmd cmd = {
		.kind = XP_TRANSPORT_NVME,
		.nvme = {.opcode = d.opcode, .nsid = d.nsid, .cdw10 = d.cdw10, .cdw11 = d.cdw11},
		.dir = XP_DATA_IN,
		.data = data,
		.data_len = sizeof(data),
	};
	struct xp_reply reply;

	TRY(xp_device_command_ask(run, &cmd, &reply, err));
	if (!xp_reply_is_good(&cmd, &reply))
		return xp_fail(err, XP_E_DEVICE, "namespace %u cannot be identified (status %03xh)",
			       nsid, reply.nvme_status & XP_NVME_STATUS_MASK);
	return xp_device_command_keep(run, where, XP_RAW_NVME_ID_NS, nsid, data, sizeof(data), err);
}

/* The target, and where a format or its erase goes to all, the others. */
static bool is_reached(const struct xp_nvme_facts *f, uint32_t nsid)
{
	return nsid == xp_nvme_format_target(f) || f->ctrl.format_all || f->ctrl.secure_erase_all;
}

static enum xp_rc keep_namespaces(struct xp_method_run *run, enum xp_keep where, struct xp_err *err)
{
	const struct xp_nvme_facts *f = &run->req->facts->nvme;
	unsigned n = 0;

	for (size_t i = 0; i < f->ns_n && n < NAMESPACES_MAX; i++) {
		if (!is_reached(f, f->ns[i].nsid))
			continue;
		TRY(keep_namespace(run, where, f->ns[i].nsid, err));
		n++;
	}
	return XP_OK;
}

/* What stood before an interrupted take counts: only a first look can see a format change. */
static enum xp_rc step_before(struct xp_method_run *run, struct xp_err *err)
{
	struct format *s = run->state;
	struct xp_err first;
	enum xp_rc rc = s->has_before ? XP_OK : keep_namespaces(run, XP_KEEP_BEFORE, &first);

	if ((rc == XP_E_IO || rc == XP_E_TIMEOUT) && s->looks++ < SILENT_LOOKS)
		return xp_device_command_wait(run, err);
	if (rc != XP_OK)
		return xp_fail(err, rc, "%s", first.msg);
	s->has_before = true;
	s->step = XP_STEP_SEND;
	return XP_OK;
}

static uint32_t timeout_of(const struct xp_method_run *run)
{
	const struct xp_nvme_facts *f = &run->req->facts->nvme;
	uint64_t bytes = f->ctrl.total_bytes;
	uint64_t seconds;

	for (size_t i = 0; i < f->ns_n && f->ctrl.total_bytes == 0; i++)
		if (__builtin_add_overflow(bytes, f->ns[i].ns.bytes, &bytes))
			bytes = UINT64_MAX;
	seconds = TIMEOUT_BASE_S + bytes / BYTES_PER_S;
	if (seconds > TIMEOUT_MAX_S)
		seconds = TIMEOUT_MAX_S;
	return (uint32_t)(seconds * MS_PER_S);
}

static enum xp_rc send_format(struct xp_reply *reply, const struct format *s,
			      struct xp_method_run *run, struct xp_err *err)
{
	struct xp_nvme_dwords d = xp_nvme_format(s->nsid, &s->word);
	struct xp_cmd cmd = {
		.kind = XP_TRANSPORT_NVME,
		.nvme = {.opcode = d.opcode, .nsid = d.nsid, .cdw10 = d.cdw10},
		.timeout_ms = timeout_of(run),
	};

	TRY(xp_device_command_note(run, XP_COMMAND_SENT, err));
	TRY(xp_device_command_demand_same(run, err));
	TRY(xp_device_command_send(run, &cmd, reply, err));
	return reply->answered ? XP_OK : xp_fail(err, XP_E_IO, "Format NVM was not answered");
}

static enum xp_rc finish(struct format *s, struct xp_method_run *run, struct xp_err *err)
{
	s->step = XP_STEP_DONE;
	return xp_device_command_finish(run, err);
}

static enum xp_rc step_send(struct xp_method_run *run, struct xp_err *err)
{
	struct format *s = run->state;
	struct xp_command_result *c = &run->phase->command;
	struct xp_reply reply = {0};
	enum xp_rc rc;

	c->accepted = c->aborted = c->completion_known = false;
	c->leaves_namespaces = xp_nvme_format_leaves(&run->req->facts->nvme);
	s->sends++;
	rc = send_format(&reply, s, run, err);
	/* whether it was carried out cannot be known: it is given again */
	if ((rc == XP_E_IO || rc == XP_E_TIMEOUT) && s->sends < SENDS_MAX)
		return xp_device_command_wait(run, err);
	TRY(rc);
	if ((reply.nvme_status & XP_NVME_STATUS_MASK) == XP_NVME_STATUS_FORMAT_RUNNING) {
		/* an earlier one of which nobody waits for the end */
		s->sends--;
		TRY(xp_device_watch_look(&s->watch, run, XP_SEEN_AT_WORK, 0, err));
		return xp_device_command_wait(run, err);
	}
	if (reply.nvme_status != 0) {
		c->aborted = true;
		return finish(s, run, err);
	}
	c->accepted = true;
	if (run->req->technique == XP_NVME_FORMAT_CRYPTO)
		c->keys.can_be_off = XP_ANSWER_NO;
	TRY(xp_device_command_note(run, XP_COMMAND_ACCEPTED, err));
	xp_device_watch_begin(&s->watch, run, 0);
	s->step = XP_STEP_SEE_THROUGH;
	return XP_OK;
}

/* A namespace may take a while to be there again. */
static enum xp_rc step_after(struct xp_method_run *run, struct xp_err *err)
{
	struct format *s = run->state;
	struct xp_err ignored;
	enum xp_rc rc = keep_namespaces(run, XP_KEEP_AFTER, &ignored);

	if (rc == XP_OK)
		return finish(s, run, err);
	if (rc != XP_E_DEVICE && rc != XP_E_IO && rc != XP_E_TIMEOUT)
		return xp_fail(err, rc, "%s", ignored.msg);
	TRY(xp_device_watch_look(&s->watch, run, XP_SEEN_NOTHING, 0, err));
	return xp_device_command_wait(run, err);
}

static enum xp_rc poll(struct xp_method_run *run, enum xp_method_state *state, struct xp_err *err)
{
	static const struct xp_steps steps = {step_before, step_send, step_after};
	const struct format *s = run->state;

	return xp_device_step(state, run, s->step, &steps, err);
}

static enum xp_rc start(struct xp_method_run *run, struct xp_err *err)
{
	const struct xp_drive_facts *facts = run->req->facts;
	const struct xp_nvme_ns *ns;
	struct format *s;
	uint32_t nsid;

	TRY(xp_device_command_begin(run, sizeof(*s), err));
	s = run->state;
	nsid = xp_nvme_format_target(&facts->nvme);
	ns = find_ns(&facts->nvme, nsid);
	if (!ns)
		return xp_fail(err, XP_E_UNSUPPORTED,
			       "%s: it is not known which namespace the target is, or its format",
			       xp_device_command_label(run));
	s->step = XP_STEP_BEFORE;
	s->nsid = nsid;
	s->word = (struct xp_nvme_format_word){
		.lba_format = ns->format,
		.metadata_extended = ns->metadata_extended,
		.protection_type = ns->protection_type,
		.protection_first = ns->protection_first,
		.erase = run->req->technique == XP_NVME_FORMAT_CRYPTO ? XP_NVME_SES_CRYPTO
								      : XP_NVME_SES_USER_DATA,
	};
	xp_device_watch_begin(&s->watch, run, 0);
	return XP_OK;
}

static enum xp_rc attach(struct xp_method_run *run, struct xp_err *err)
{
	struct format *s;

	TRY(start(run, err));
	s = run->state;
	/* also where it is given again: what stood before the first take counts */
	TRY(xp_device_command_adopt(run, err));
	s->has_before = run->phase->command.before_n > 0;
	s->step = xp_device_step_taken_up(run);
	return XP_OK;
}

#define FORMAT(TECHNIQUE)                                                                          \
	{                                                                                          \
		.technique = (TECHNIQUE), .label = "format", .start = start, .attach = attach,     \
		.poll = poll, .end = xp_device_command_end                                         \
	}

const struct xp_method xp_method_nvme_format_crypto = FORMAT(XP_NVME_FORMAT_CRYPTO);
const struct xp_method xp_method_nvme_format_user = FORMAT(XP_NVME_FORMAT_USER);
