#include "device/protocol/ata_hidden.h"

#include "base/wire.h"

#define LBA28_MASK 0x0fffffffULL
#define LBA48_MASK 0xffffffffffffULL
/* DCO IDENTIFY data [ATA8-ACS table 23] */
#define DCO_REVISION	 0
#define DCO_MAX_LBA	 6 /* words 3 to 6 */
#define DCO_SIGNATURE	 510
#define DCO_SIGNATURE_A5 0xa5

bool xp_ata_native_sectors(uint64_t *sectors, const struct xp_ata_registers *r, bool is_48bit)
{
	uint64_t last;

	if (!xp_sat_registers_are_good(r))
		return false;
	if (is_48bit && (r->form != XP_SAT_DESCRIPTOR || !r->lba_is_whole))
		return false;
	last = is_48bit ? r->lba & LBA48_MASK
			: (r->lba & 0xffffff) | (uint64_t)(r->device & 0x0f) << 24;
	/* address 0 as the last one: registers that were dropped */
	if (last == 0 || last == LBA48_MASK)
		return false;
	*sectors = (is_48bit ? last : last & LBA28_MASK) + 1;
	return true;
}

enum xp_rc xp_ata_dco_parse(struct xp_ata_dco *out, const uint8_t *data, size_t len,
			    struct xp_err *err)
{
	uint64_t last;
	uint8_t sum = 0;

	*out = (struct xp_ata_dco){0};
	if (len != XP_ATA_DCO_LEN)
		return xp_fail(err, XP_E_MALFORMED, "DCO IDENTIFY: %zu bytes instead of %d", len,
			       XP_ATA_DCO_LEN);
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + data[i]);
	if (data[DCO_SIGNATURE] != DCO_SIGNATURE_A5 || sum != 0)
		return xp_fail(err, XP_E_MALFORMED, "DCO IDENTIFY: signature or checksum is wrong");
	last = get_le64(data + DCO_MAX_LBA);
	if (last == 0 || last >= LBA48_MASK)
		return xp_fail(err, XP_E_MALFORMED, "DCO IDENTIFY: maximum LBA %llx",
			       (unsigned long long)last);
	out->revision = get_le16(data + DCO_REVISION);
	out->sectors = last + 1;
	return XP_OK;
}
