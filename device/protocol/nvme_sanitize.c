#include "device/protocol/nvme_sanitize.h"

#include "base/span.h"
#include "base/wire.h"
#include "device/protocol/nvme_cmd.h"

#define L_SPROG	     0
#define L_SSTAT	     2
#define L_SCDW10     4
#define L_ETO	     8
#define L_ETBE	     12
#define L_ETCE	     16
#define SSTAT_MASK   0x0007U
#define SSTAT_PASSES 3 /* 7:3 */
#define SSTAT_GDE    0x0100U
#define SPROG_NONE   0xffffU

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
