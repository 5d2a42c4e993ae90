#include "device/protocol/ata_log30.h"

#include "base/wire.h"

/* the header quadword of a page: bit 63, page number 23:16, revision 15:0 */
#define HEADER_PAGE	      2
#define HEADER_REVISION	      0x0001
#define LIST_COUNT	      8
#define LIST_FIRST	      9
#define SECURITY_TRUSTED      40
#define TRUSTED_SUPPORTED     (1ULL << 0)
#define SECURITY_CAPABILITIES 48
#define CAP_ENCRYPTS_ALL      (1ULL << 0)
#define CAP_OVERRIDES	      (1ULL << 7)
#define QWORD_VALID	      (1ULL << 63)
#define STATS_HOURS	      16
/* a statistic holds where it is supported (63) and its value valid (62) */
#define STAT_HOLDS (3ULL << 62)

static enum xp_rc check_page(const uint8_t *data, size_t len, uint8_t page, struct xp_err *err)
{
	if (len != XP_ATA_LOG_PAGE_LEN)
		return xp_fail(err, XP_E_MALFORMED, "log page %02xh: %zu bytes instead of %d", page,
			       len, XP_ATA_LOG_PAGE_LEN);
	if (get_le16(data) != HEADER_REVISION || data[HEADER_PAGE] != page)
		return xp_fail(err, XP_E_MALFORMED, "log page %02xh: its header is another's",
			       page);
	return XP_OK;
}

enum xp_rc xp_ata_log_pages_parse(struct xp_ata_log_pages *out, const uint8_t *data, size_t len,
				  struct xp_err *err)
{
	*out = (struct xp_ata_log_pages){0};
	TRY(check_page(data, len, XP_ATA_LOG30_PAGES, err));
	/* 255 pages at most: they always fit behind the count */
	for (unsigned i = 0; i < data[LIST_COUNT]; i++)
		out->has[data[LIST_FIRST + i]] = true;
	return XP_OK;
}

enum xp_rc xp_ata_log30_security_parse(struct xp_ata_log30_security *out, const uint8_t *data,
				       size_t len, struct xp_err *err)
{
	uint64_t q;

	*out = (struct xp_ata_log30_security){0};
	TRY(check_page(data, len, XP_ATA_LOG30_SECURITY, err));
	if (!(get_le64(data) & QWORD_VALID))
		return xp_fail(err, XP_E_MALFORMED, "log 30h page 06h: not marked as valid");
	q = get_le64(data + SECURITY_TRUSTED);
	out->trusted_known = (q & QWORD_VALID) != 0;
	out->has_trusted_computing = out->trusted_known && (q & TRUSTED_SUPPORTED);
	q = get_le64(data + SECURITY_CAPABILITIES);
	out->capabilities_known = (q & QWORD_VALID) != 0;
	out->encrypts_all = out->capabilities_known && (q & CAP_ENCRYPTS_ALL);
	out->restricted_sanitize_overrides = out->capabilities_known && (q & CAP_OVERRIDES);
	return XP_OK;
}

enum xp_rc xp_ata_general_statistics_parse(struct xp_ata_general_statistics *out,
					   const uint8_t *data, size_t len, struct xp_err *err)
{
	uint64_t q;

	*out = (struct xp_ata_general_statistics){0};
	TRY(check_page(data, len, XP_ATA_STATS_GENERAL, err));
	q = get_le64(data + STATS_HOURS);
	out->power_on_hours_known = (q & STAT_HOLDS) == STAT_HOLDS;
	if (out->power_on_hours_known)
		out->power_on_hours = (uint32_t)q;
	return XP_OK;
}
