#include "device/protocol/scsi_log.h"

#include "base/wire.h"

/* A page: code, subpage, length; its first parameter: code, control, length, then its value. */
#define PAGE_CODE_MASK	0x3f
#define PAGE_SUBPAGES	0x40
#define OFF_SUBPAGE	1
#define OFF_PAGE_LEN	2
#define OFF_PARAMETER	4
#define OFF_PARAM_LEN	7
#define OFF_MINUTES	8
#define PAGE_HEADER_LEN 4
#define PARAM_LEN	12

enum xp_rc xp_scsi_power_on_minutes_parse(uint32_t *out, const uint8_t *data, size_t len,
					  struct xp_err *err)
{
	if (len < XP_SCSI_LOG_BACKGROUND_LEN ||
	    (data[0] & PAGE_CODE_MASK) != XP_SCSI_LOG_BACKGROUND || (data[0] & PAGE_SUBPAGES) ||
	    data[OFF_SUBPAGE] ||
	    get_be16(data + OFF_PAGE_LEN) < XP_SCSI_LOG_BACKGROUND_LEN - PAGE_HEADER_LEN)
		return xp_fail(err, XP_E_MALFORMED, "not log page 15h, background scan");
	if (get_be16(data + OFF_PARAMETER) != 0 || data[OFF_PARAM_LEN] < PARAM_LEN)
		return xp_fail(err, XP_E_MALFORMED, "log page 15h does not begin with its status");
	*out = get_be32(data + OFF_MINUTES);
	return XP_OK;
}
