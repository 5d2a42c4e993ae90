#include "device/protocol/ata_security.h"

#include "base/wire.h"

#include <string.h>

/* [ACS-3 7.12.7 IDENTIFY DEVICE, words by number] */
#define WORD_SUPPORTED_82     82
#define WORD_ENABLED_85	      85
#define BIT_SECURITY	      (1U << 1)
#define WORD_NORMAL_TIME      89
#define WORD_ENHANCED_TIME    90
#define WORD_MASTER_ID	      92
#define WORD_STATUS	      128
#define STATUS_SUPPORTED      (1U << 0)
#define STATUS_ENABLED	      (1U << 1)
#define STATUS_LOCKED	      (1U << 2)
#define STATUS_FROZEN	      (1U << 3)
#define STATUS_COUNT_EXPIRED  (1U << 4)
#define STATUS_ENHANCED	      (1U << 5)
#define STATUS_MASTER_MAXIMUM (1U << 8)
/* erase times: with bit 15 the wide format of ACS-3, without it 8 bits; two minutes a step */
#define TIME_WIDE		0x8000U
#define TIME_WIDE_MASK		0x7fffU
#define TIME_WIDE_TOP		0x7fffU
#define TIME_NARROW_MASK	0x00ffU
#define TIME_NARROW_TOP		0x00ffU
#define TIME_WIDE_TOP_MINUTES	65532U
#define TIME_NARROW_TOP_MINUTES 508U

static uint16_t word(const uint8_t *identify, unsigned n)
{
	return get_le16(identify + 2 * (size_t)n);
}

static uint32_t minutes(uint16_t w, bool *is_lower_bound)
{
	unsigned steps = w & (w & TIME_WIDE ? TIME_WIDE_MASK : TIME_NARROW_MASK);
	unsigned top = w & TIME_WIDE ? TIME_WIDE_TOP : TIME_NARROW_TOP;

	*is_lower_bound = steps == top;
	if (steps == top)
		return w & TIME_WIDE ? TIME_WIDE_TOP_MINUTES : TIME_NARROW_TOP_MINUTES;
	return steps * 2;
}

/* FFFFh in word 128 is a drive that does not fill it, and 82 to 87 likewise. */
static uint16_t filled(uint16_t w)
{
	return w == 0xffff ? 0 : w;
}

bool xp_ata_security_parse(struct xp_ata_security *out, const uint8_t *identify)
{
	uint16_t status = filled(word(identify, WORD_STATUS));
	bool supported = filled(word(identify, WORD_SUPPORTED_82)) & BIT_SECURITY;
	bool enabled = filled(word(identify, WORD_ENABLED_85)) & BIT_SECURITY;

	*out = (struct xp_ata_security){0};
	if (supported != ((status & STATUS_SUPPORTED) != 0))
		return false;
	if (!supported)
		return !enabled;
	if (enabled != ((status & STATUS_ENABLED) != 0))
		return false;
	out->supported = true;
	out->enabled = enabled;
	out->locked = (status & STATUS_LOCKED) != 0;
	out->frozen = (status & STATUS_FROZEN) != 0;
	out->count_expired = (status & STATUS_COUNT_EXPIRED) != 0;
	out->has_enhanced_erase = (status & STATUS_ENHANCED) != 0;
	out->master_is_maximum = (status & STATUS_MASTER_MAXIMUM) != 0;
	out->master_id = word(identify, WORD_MASTER_ID);
	out->normal_minutes =
		minutes(word(identify, WORD_NORMAL_TIME), &out->normal_is_lower_bound);
	out->enhanced_minutes =
		minutes(word(identify, WORD_ENHANCED_TIME), &out->enhanced_is_lower_bound);
	return true;
}

/* Word 0: bit 0 master, bit 1 enhanced, bit 8 Maximum (never); words 1 to 16: the password. */
#define DATA_MASTER   0x01
#define DATA_ENHANCED 0x02
#define DATA_PASSWORD 2

void xp_ata_security_data(uint8_t data[XP_ATA_SECURITY_DATA_LEN], const void *password, size_t len,
			  bool is_master, bool enhanced)
{
	memset(data, 0, XP_ATA_SECURITY_DATA_LEN);
	data[0] = (uint8_t)((is_master ? DATA_MASTER : 0) | (enhanced ? DATA_ENHANCED : 0));
	memcpy(data + DATA_PASSWORD, password,
	       len < XP_ATA_PASSWORD_LEN ? len : XP_ATA_PASSWORD_LEN);
}
