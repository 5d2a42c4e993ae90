/*
 * NVMe Sanitize keeps its result in the Sanitize Status log, over resets and power. Format NVM is
 * over when it is answered.
 */
#include "claim/completion.h"

#include "base/wire.h"
#include "device/protocol/nvme_erase.h"
#include "device/protocol/nvme_identify.h"
#include "device/protocol/nvme_sanitize.h"

#include <stdio.h>

/* The submission queue entry as evidence keeps it. */
#define SQE_LEN	  64
#define SQE_NSID  4
#define SQE_CDW10 40

#define NO_STATUS 0xffffffffU

/* Did the drive answer the command OPCODE with success, by the journal too? */
static bool was_taken(struct xp_completion *out, const struct xp_phase *erase, uint8_t opcode)
{
	const struct xp_command_result *c = &erase->command;

	if (c->cdb_len != SQE_LEN || c->cdb[0] != opcode)
		xp_completion_say(out, XP_COMPLETION_UNPROVEN, "no such command was sent");
	else if (c->nvme_status == NO_STATUS)
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "the drive's answer to the command is lost");
	else if (c->nvme_status != 0)
		xp_completion_say(out, XP_COMPLETION_FAILED,
				  "the drive refused the command (status %03xh)",
				  c->nvme_status & XP_NVME_STATUS_MASK);
	else if (!c->accepted)
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "it was not journalled that the drive took the command");
	else
		return true;
	return false;
}

static bool read_log(struct xp_nvme_sanitize_log *log, const struct xp_raw *raw)
{
	return raw && xp_nvme_sanitize_log_parse(log, raw->data, raw->len, NULL) == XP_OK;
}

static bool is_success(const struct xp_nvme_sanitize_log *log)
{
	return log->state == XP_NVME_SANITIZE_SUCCEEDED ||
	       log->state == XP_NVME_SANITIZE_SUCCEEDED_DEALLOCATED;
}

/*
 * An earlier run with the same word leaves the same log. Ours is new where it was seen running, or
 * where the log said something else before: no success, another word, or that data had been written
 * since the last one (GDE 0), which only a new success makes untrue.
 */
static bool is_new(const struct xp_phase *erase, const struct xp_nvme_sanitize_log *after)
{
	struct xp_nvme_sanitize_log log;

	if (read_log(&log, xp_completion_during(erase, XP_RAW_NVME_LOG, XP_NVME_LOG_SANITIZE)) &&
	    log.state == XP_NVME_SANITIZE_RUNNING && log.cdw10 == after->cdw10)
		return true;
	if (!read_log(&log,
		      xp_completion_answer(erase, true, XP_RAW_NVME_LOG, XP_NVME_LOG_SANITIZE)))
		return false;
	switch (log.state) {
	case XP_NVME_SANITIZE_NEVER:
	case XP_NVME_SANITIZE_FAILED:
		return true;
	case XP_NVME_SANITIZE_SUCCEEDED:
	case XP_NVME_SANITIZE_SUCCEEDED_DEALLOCATED:
		return log.cdw10 != after->cdw10 ||
		       (!log.global_data_erased && after->global_data_erased);
	case XP_NVME_SANITIZE_RUNNING:
	case XP_NVME_SANITIZE_UNKNOWN:
		break;
	}
	return false;
}

static bool is_the_action(enum xp_technique t, uint32_t cdw10)
{
	struct xp_nvme_sanitize_word w = xp_nvme_sanitize_word_of(cdw10);
	uint8_t action = t == XP_NVME_SANITIZE_CRYPTO  ? XP_NVME_SANACT_CRYPTO
			 : t == XP_NVME_SANITIZE_BLOCK ? XP_NVME_SANACT_BLOCK
						       : XP_NVME_SANACT_OVERWRITE;

	return w.action == action && !w.unrestricted;
}

/* OWPASS: 0 is 16. */
static uint32_t passes_of(uint32_t cdw10)
{
	struct xp_nvme_sanitize_word w = xp_nvme_sanitize_word_of(cdw10);

	return w.passes ? w.passes : 16;
}

/*
 * Erased without a failure, and waiting to be told that the media was read: the log calls that
 * running. A command that did not ask for it is not answered so.
 */
static bool waits_for_verification(const struct xp_nvme_sanitize_log *log, uint32_t cdw10)
{
	return log->state == XP_NVME_SANITIZE_RUNNING &&
	       log->phase == XP_NVME_SANITIZE_PHASE_VERIFICATION &&
	       xp_nvme_sanitize_word_of(cdw10).verify;
}

static void decide_success(struct xp_completion *out, const struct xp_phase *erase,
			   const struct xp_nvme_sanitize_log *log)
{
	if (!is_new(erase, log))
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "the sanitize log shows the success of an equal command before, "
				  "and nothing "
				  "shows that this one is new");
	else if (erase->interrupted && !log->global_data_erased)
		xp_completion_say(
			out, XP_COMPLETION_UNPROVEN,
			"the drive does not say that nothing was written to it since it was "
			"sanitized");
	else
		out->end = XP_COMPLETION_PROVEN;
}

static void sanitize(struct xp_completion *out, const struct xp_phase *erase)
{
	const uint8_t *sqe = erase->command.cdb;
	uint32_t cdw10 = get_le32(sqe + SQE_CDW10);
	struct xp_nvme_sanitize_log log;

	if (!was_taken(out, erase, XP_NVME_SANITIZE))
		return;
	if (!is_the_action(erase->technique, cdw10) ||
	    (erase->technique == XP_NVME_SANITIZE_OVERWRITE &&
	     erase->command.overwrite_passes != passes_of(cdw10))) {
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "another sanitize was asked for (%08xh)", cdw10);
		return;
	}
	if (!read_log(&log,
		      xp_completion_answer(erase, false, XP_RAW_NVME_LOG, XP_NVME_LOG_SANITIZE))) {
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "there is no sanitize log of its end");
		return;
	}
	if (log.cdw10 != cdw10)
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "the sanitize log tells of another sanitize (%08xh)", log.cdw10);
	else if (log.state == XP_NVME_SANITIZE_FAILED)
		xp_completion_say(out, XP_COMPLETION_FAILED,
				  "the drive stays in its failure state until a sanitize succeeds: "
				  "run again, "
				  "or with another technique, else destroy it");
	else if (is_success(&log))
		decide_success(out, erase, &log);
	else if (waits_for_verification(&log, cdw10) && is_new(erase, &log))
		/* in this state nobody can have written to it */
		out->end = XP_COMPLETION_PROVEN;
	else
		xp_completion_say(out, XP_COMPLETION_UNPROVEN, "the sanitize log says: %s",
				  xp_nvme_sanitize_state_name(log.state));
}

/* The namespace's format is what it was. */
static bool keeps_format(struct xp_completion *out, const struct xp_raw *was,
			 const struct xp_raw *is)
{
	struct xp_nvme_ns a, b;

	if (!is || xp_nvme_ns_parse(&a, was->data, was->len, NULL) != XP_OK ||
	    xp_nvme_ns_parse(&b, is->data, is->len, NULL) != XP_OK) {
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "namespace %u was not identified afterwards", was->arg);
		return false;
	}
	if (a.format == b.format && a.logical_bytes == b.logical_bytes && a.blocks == b.blocks &&
	    a.metadata_bytes == b.metadata_bytes && a.metadata_extended == b.metadata_extended &&
	    a.protection_type == b.protection_type && a.protection_first == b.protection_first)
		return true;
	xp_completion_say(out, XP_COMPLETION_UNPROVEN,
			  "the format of namespace %u is another than before", was->arg);
	return false;
}

static void format(struct xp_completion *out, const struct xp_phase *erase)
{
	const struct xp_command_result *c = &erase->command;
	uint8_t wanted = erase->technique == XP_NVME_FORMAT_CRYPTO ? XP_NVME_SES_CRYPTO
								   : XP_NVME_SES_USER_DATA;
	struct xp_nvme_format_word word;
	bool seen = false;

	if (!was_taken(out, erase, XP_NVME_FORMAT))
		return;
	word = xp_nvme_format_word_of(get_le32(c->cdb + SQE_CDW10));
	if (word.erase != wanted || get_le32(c->cdb + SQE_NSID) == 0) {
		xp_completion_say(out, XP_COMPLETION_UNPROVEN, "another format was asked for");
		return;
	}
	for (size_t i = 0; i < c->before_n; i++) {
		const struct xp_raw *was = &c->before[i];

		if (was->kind != XP_RAW_NVME_ID_NS)
			continue;
		if (!keeps_format(out, was,
				  xp_completion_answer(erase, false, XP_RAW_NVME_ID_NS, was->arg)))
			return;
		seen = true;
	}
	if (!seen)
		xp_completion_say(out, XP_COMPLETION_UNPROVEN,
				  "no namespace was identified before");
	else
		out->end = XP_COMPLETION_PROVEN;
}

void xp_completion_nvme(struct xp_completion *out, const struct xp_phase *erase)
{
	if (erase->technique == XP_NVME_FORMAT_CRYPTO || erase->technique == XP_NVME_FORMAT_USER)
		format(out, erase);
	else
		sanitize(out, erase);
}
