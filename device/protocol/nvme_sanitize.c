#include "device/protocol/nvme_sanitize.h"

#include "base/span.h"
#include "base/wire.h"
#include "device/protocol/nvme_cmd.h"

#define L_SPROG		0
#define L_SSTAT		2
#define L_SCDW10	4
#define L_ETO		8
#define L_ETBE		12
#define L_ETCE		16
#define L_SSI		36 /* SANS 3:0, FAILS 7:4 */
#define SSTAT_MASK	0x0007U
#define SSTAT_PASSES	3 /* 7:3 */
#define SSTAT_GDE	0x0100U
#define SSTAT_CANCELLED 0x0200U /* MVCNCLD */
#define SPROG_NONE	0xffffU

static enum xp_nvme_sanitize_phase phase_of(uint8_t sans)
{
	switch (sans) {
	case 1:
		return XP_NVME_SANITIZE_PHASE_RESTRICTED;
	case 2:
		return XP_NVME_SANITIZE_PHASE_RESTRICTED_FAILURE;
	case 3:
		return XP_NVME_SANITIZE_PHASE_UNRESTRICTED;
	case 4:
		return XP_NVME_SANITIZE_PHASE_UNRESTRICTED_FAILURE;
	case 5:
		return XP_NVME_SANITIZE_PHASE_VERIFICATION;
	case 6:
		return XP_NVME_SANITIZE_PHASE_DEALLOCATION;
	default:
		return XP_NVME_SANITIZE_PHASE_UNSAID;
	}
}

/* May a log with this state name this phase? */
static bool is_consistent(enum xp_nvme_sanitize_state state, enum xp_nvme_sanitize_phase phase)
{
	switch (phase) {
	case XP_NVME_SANITIZE_PHASE_UNSAID:
		return true;
	case XP_NVME_SANITIZE_PHASE_RESTRICTED_FAILURE:
	case XP_NVME_SANITIZE_PHASE_UNRESTRICTED_FAILURE:
		return state == XP_NVME_SANITIZE_FAILED;
	case XP_NVME_SANITIZE_PHASE_RESTRICTED:
	case XP_NVME_SANITIZE_PHASE_UNRESTRICTED:
	case XP_NVME_SANITIZE_PHASE_VERIFICATION:
	case XP_NVME_SANITIZE_PHASE_DEALLOCATION:
		return state == XP_NVME_SANITIZE_RUNNING;
	}
	return false;
}

static enum xp_nvme_sanitize_state state_of(uint16_t status, uint16_t progress)
{
	switch (status & SSTAT_MASK) {
	case 0:
		return XP_NVME_SANITIZE_NEVER;
	case 1:
	case 4:
		/* a success that still makes progress contradicts itself */
		if (progress != SPROG_NONE)
			return XP_NVME_SANITIZE_UNKNOWN;
		return (status & SSTAT_MASK) == 1 ? XP_NVME_SANITIZE_SUCCEEDED
						  : XP_NVME_SANITIZE_SUCCEEDED_DEALLOCATED;
	case 2:
		return XP_NVME_SANITIZE_RUNNING;
	case 3:
		return XP_NVME_SANITIZE_FAILED;
	default:
		return XP_NVME_SANITIZE_UNKNOWN;
	}
}

enum xp_rc xp_nvme_sanitize_log_parse(struct xp_nvme_sanitize_log *out, const uint8_t *data,
				      size_t len, struct xp_err *err)
{
	*out = (struct xp_nvme_sanitize_log){.state = XP_NVME_SANITIZE_UNKNOWN};
	if (len != XP_NVME_LOG_SANITIZE_LEN)
		return xp_fail(err, XP_E_MALFORMED, "sanitize status log: %zu bytes", len);
	if (xp_mem_is_filled(data, 0xff, len))
		return xp_fail(err, XP_E_MALFORMED, "sanitize status log: nothing but ffh");
	out->progress = get_le16(data + L_SPROG);
	out->status = get_le16(data + L_SSTAT);
	out->state = state_of(out->status, out->progress);
	out->phase = phase_of(data[L_SSI] & 0x0f);
	out->failed_in = phase_of(data[L_SSI] >> 4);
	/* a success of one that is still at it, or has failed, contradicts itself */
	if (!is_consistent(out->state, out->phase))
		out->state = XP_NVME_SANITIZE_UNKNOWN;
	out->verification_cancelled = (out->status & SSTAT_CANCELLED) != 0;
	out->passes_done = (uint8_t)(out->status >> SSTAT_PASSES & 0x1f);
	out->global_data_erased = (out->status & SSTAT_GDE) != 0;
	out->cdw10 = get_le32(data + L_SCDW10);
	out->overwrite_s = get_le32(data + L_ETO);
	out->block_s = get_le32(data + L_ETBE);
	out->crypto_s = get_le32(data + L_ETCE);
	return XP_OK;
}

enum xp_nvme_sanitize_state xp_nvme_sanitize_state_of(const struct xp_nvme_sanitize_log *log,
						      uint32_t cdw10)
{
	if ((log->state == XP_NVME_SANITIZE_SUCCEEDED ||
	     log->state == XP_NVME_SANITIZE_SUCCEEDED_DEALLOCATED) &&
	    log->cdw10 != cdw10)
		return XP_NVME_SANITIZE_UNKNOWN;
	return log->state;
}

bool xp_nvme_sanitize_progress(uint16_t *out, const struct xp_nvme_sanitize_log *log)
{
	*out = log->progress;
	return log->state == XP_NVME_SANITIZE_RUNNING && log->progress != SPROG_NONE &&
	       log->phase != XP_NVME_SANITIZE_PHASE_VERIFICATION;
}

const char *xp_nvme_sanitize_phase_name(enum xp_nvme_sanitize_phase phase)
{
	switch (phase) {
	case XP_NVME_SANITIZE_PHASE_UNSAID:
		return NULL;
	case XP_NVME_SANITIZE_PHASE_RESTRICTED:
		return "restricted processing";
	case XP_NVME_SANITIZE_PHASE_RESTRICTED_FAILURE:
		return "restricted failure";
	case XP_NVME_SANITIZE_PHASE_UNRESTRICTED:
		return "unrestricted processing";
	case XP_NVME_SANITIZE_PHASE_UNRESTRICTED_FAILURE:
		return "unrestricted failure";
	case XP_NVME_SANITIZE_PHASE_VERIFICATION:
		return "media verification";
	case XP_NVME_SANITIZE_PHASE_DEALLOCATION:
		return "deallocation";
	}
	return NULL;
}

const char *xp_nvme_sanitize_state_name(enum xp_nvme_sanitize_state state)
{
	switch (state) {
	case XP_NVME_SANITIZE_UNKNOWN:
		return "unknown";
	case XP_NVME_SANITIZE_NEVER:
		return "never";
	case XP_NVME_SANITIZE_RUNNING:
		return "running";
	case XP_NVME_SANITIZE_SUCCEEDED:
		return "succeeded";
	case XP_NVME_SANITIZE_SUCCEEDED_DEALLOCATED:
		return "succeeded, deallocated";
	case XP_NVME_SANITIZE_FAILED:
		return "failed";
	}
	return "unknown";
}
