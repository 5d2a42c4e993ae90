#include "device/protocol/ata_identify.h"

#include "base/span.h"
#include "base/wire.h"
#include "device/protocol/drive_text.h"

/* Words of IDENTIFY DEVICE [ACS-3 7.12.7, ACS-4 7.13.6]; older ones [ATA8-ACS 7.16]. */
enum word {
	W_GENERAL = 0,	 /* bit 15: not an ATA device; bit 7: removable (obsolete) */
	W_SERIAL = 10,	 /* 10 words */
	W_FIRMWARE = 23, /* 4 words */
	W_MODEL = 27,	 /* 20 words */
	W_TRUSTED = 48,	 /* bit 0, with 15:14 = 01b */
	W_SANITIZE = 59,
	W_LBA28 = 60, /* 2 words */
	W_ADDITIONAL = 69,
	W_SATA_CAPABILITIES = 76,
	W_SATA_FEATURES = 78,
	W_MAJOR = 80,
	W_SETS_82 = 82,
	W_SETS_83 = 83,
	W_SETS_84 = 84,
	W_ENABLED_85 = 85,
	W_ENABLED_86 = 86,
	W_ENABLED_87 = 87,
	W_LBA48 = 100, /* 4 words */
	W_SECTOR_SIZE = 106,
	W_WWN = 108,	       /* 4 words, the highest first */
	W_LOGICAL_WORDS = 117, /* 2 words */
	W_SETS_119 = 119,
	W_FORM_FACTOR = 168,
	W_DATA_SET = 169,
	W_SCT = 206,
	W_ROTATION = 217,
	W_TRANSPORT = 222,
	W_EXTENDED_LBA = 230, /* 4 words */
	W_INTEGRITY = 255,
};

#define GENERAL_NOT_ATA	    (1U << 15)
#define GENERAL_REMOVABLE   (1U << 7)
#define TRUSTED_SUPPORTED   (1U << 0)
#define SANITIZE_ANTIFREEZE (1U << 10)
#define SANITIZE_ACS3	    (1U << 11)
#define SANITIZE_SUPPORTED  (1U << 12)
#define SANITIZE_CRYPTO	    (1U << 13)
#define SANITIZE_OVERWRITE  (1U << 14)
#define SANITIZE_BLOCK	    (1U << 15)
#define ADDITIONAL_DRAT	    (1U << 14)
#define ADDITIONAL_RZAT	    (1U << 5)
#define ADDITIONAL_ENCRYPTS (1U << 4)
#define ADDITIONAL_EXTENDED (1U << 3)
#define SATA_HYBRID	    (1U << 9)  /* [SATA 3.2, Hybrid Information feature supported] */
#define B_SMART		    (1U << 0)  /* 82, 85 */
#define B_HPA		    (1U << 10) /* 82, 85 */
#define B_SET_MAX_SECURITY  (1U << 8)  /* 83 */
#define B_48BIT		    (1U << 10) /* 83 */
#define B_DCO		    (1U << 11) /* 83 */
#define B_GPL		    (1U << 5)  /* 84, 87 */
#define B_WWN		    (1U << 8)  /* 84, 87 */
#define B_AMAC		    (1U << 8)  /* 119 */
#define B_TRIM		    (1U << 0)  /* 169 */
#define B_SCT		    (1U << 0)  /* 206 */
#define SECTOR_MULTIPLE	    (1U << 13) /* several logical sectors a physical one */
#define SECTOR_LARGE	    (1U << 12) /* logical sector longer than 256 words */
#define SECTOR_EXPONENT	    0x0fU
#define TRANSPORT_SHIFT	    12
#define TRANSPORT_SATA	    1
#define ROTATION_NONE	    0x0001
#define ROTATION_RPM_MIN    0x0401
#define ROTATION_RPM_MAX    0xfffe
#define INTEGRITY_SIGNATURE 0xa5
#define LBA48_LIMIT	    (1ULL << 48)

static uint16_t word(const uint8_t *data, enum word n)
{
	return get_le16(data + 2 * (size_t)n);
}

/* Words that the drive marks as filled in: neither 0000h nor FFFFh. */
static uint16_t filled(const uint8_t *data, enum word n)
{
	uint16_t w = word(data, n);

	return w == 0xffff ? 0 : w;
}

/* Words whose bits 15:14 must be 01b to be believed. */
static uint16_t marked(const uint8_t *data, enum word n)
{
	uint16_t w = word(data, n);

	return (w & 0xc000) == 0x4000 ? w : 0;
}

static void read_strings(struct xp_ata_identify *out, const uint8_t *data)
{
	xp_drive_text(out->serial, sizeof(out->serial), data + 2 * (size_t)W_SERIAL, 20, true);
	xp_drive_text(out->firmware, sizeof(out->firmware), data + 2 * (size_t)W_FIRMWARE, 8, true);
	xp_drive_text(out->model, sizeof(out->model), data + 2 * (size_t)W_MODEL, 40, true);
	if (marked(data, W_SETS_84) & B_WWN)
		out->wwn = (uint64_t)word(data, W_WWN) << 48 |
			   (uint64_t)get_le16(data + 2 * (W_WWN + 1)) << 32 |
			   (uint64_t)get_le16(data + 2 * (W_WWN + 2)) << 16 |
			   get_le16(data + 2 * (W_WWN + 3));
}

static void read_media(struct xp_ata_identify *out, const uint8_t *data)
{
	uint16_t rotation = word(data, W_ROTATION);
	uint16_t transport = filled(data, W_TRANSPORT);
	uint16_t sata = filled(data, W_SATA_CAPABILITIES);

	if (rotation == ROTATION_NONE) {
		out->rotation = XP_ATA_ROTATION_NONE;
	} else if (rotation >= ROTATION_RPM_MIN && rotation <= ROTATION_RPM_MAX) {
		out->rotation = XP_ATA_ROTATION_RPM;
		out->rpm = rotation;
	}
	out->is_sata = transport >> TRANSPORT_SHIFT == TRANSPORT_SATA || sata != 0;
	out->has_hybrid_information = sata != 0 && (filled(data, W_SATA_FEATURES) & SATA_HYBRID);
	out->is_removable = (word(data, W_GENERAL) & GENERAL_REMOVABLE) != 0;
	out->form_factor = filled(data, W_FORM_FACTOR) & 0x0f;
	out->major_version = filled(data, W_MAJOR);
}

static void read_features(struct xp_ata_identify *out, const uint8_t *data)
{
	uint16_t sets_82 = filled(data, W_SETS_82);
	uint16_t sets_83 = marked(data, W_SETS_83);
	uint16_t additional = filled(data, W_ADDITIONAL);
	uint16_t enabled = filled(data, W_ENABLED_85);

	out->has_48bit = (sets_83 & B_48BIT) != 0;
	out->has_gpl = (marked(data, W_SETS_84) & B_GPL) || (marked(data, W_ENABLED_87) & B_GPL);
	out->has_smart = (sets_82 & B_SMART) != 0;
	out->smart_enabled = out->has_smart && (enabled & B_SMART);
	out->has_trusted_computing = (marked(data, W_TRUSTED) & TRUSTED_SUPPORTED) != 0;
	out->has_trim = (filled(data, W_DATA_SET) & B_TRIM) != 0;
	out->trim_is_deterministic = (additional & ADDITIONAL_DRAT) != 0;
	out->trim_reads_zero = out->trim_is_deterministic && (additional & ADDITIONAL_RZAT);
	out->encrypts_all = (additional & ADDITIONAL_ENCRYPTS) != 0;
	out->has_sct = (filled(data, W_SCT) & B_SCT) != 0;
	out->has_hpa = (sets_82 & B_HPA) != 0;
	out->hpa_enabled = out->has_hpa && (enabled & B_HPA);
	out->has_set_max_security = (sets_83 & B_SET_MAX_SECURITY) != 0;
	out->has_dco = (sets_83 & B_DCO) != 0;
	out->has_amac = (marked(data, W_SETS_119) & B_AMAC) != 0;
}

static void read_sanitize(struct xp_ata_identify *out, const uint8_t *data)
{
	uint16_t w = filled(data, W_SANITIZE);

	if (!(w & SANITIZE_SUPPORTED))
		return;
	out->sanitize.supported = true;
	out->sanitize.crypto = (w & SANITIZE_CRYPTO) != 0;
	out->sanitize.overwrite = (w & SANITIZE_OVERWRITE) != 0;
	out->sanitize.block = (w & SANITIZE_BLOCK) != 0;
	out->sanitize.antifreeze = (w & SANITIZE_ANTIFREEZE) != 0;
	out->sanitize.acs3_commands = (w & SANITIZE_ACS3) != 0;
}

static enum xp_rc read_capacity(struct xp_ata_identify *out, const uint8_t *data,
				struct xp_err *err)
{
	uint16_t size = marked(data, W_SECTOR_SIZE);
	uint64_t bytes;
	uint64_t words;

	out->logical_bytes = 512;
	if (size & SECTOR_LARGE) {
		words = get_le32(data + 2 * (size_t)W_LOGICAL_WORDS);
		/* longer than 256 words, and no longer than a page of flash ever was */
		if (words <= 256 || words > 32768)
			return xp_fail(err, XP_E_MALFORMED, "IDENTIFY DEVICE: words 117-118");
		out->logical_bytes = (uint32_t)words * 2;
	}
	out->physical_bytes = out->logical_bytes;
	if (size & SECTOR_MULTIPLE)
		out->physical_bytes = out->logical_bytes << (size & SECTOR_EXPONENT);
	if (filled(data, W_ADDITIONAL) & ADDITIONAL_EXTENDED)
		out->sectors = get_le64(data + 2 * (size_t)W_EXTENDED_LBA);
	else if (out->has_48bit)
		out->sectors = get_le64(data + 2 * (size_t)W_LBA48);
	else
		out->sectors = get_le32(data + 2 * (size_t)W_LBA28);
	if (out->sectors == 0 || out->sectors >= LBA48_LIMIT ||
	    __builtin_mul_overflow(out->sectors, (uint64_t)out->logical_bytes, &bytes))
		return xp_fail(err, XP_E_MALFORMED, "IDENTIFY DEVICE: a capacity of %llu sectors",
			       (unsigned long long)out->sectors);
	return XP_OK;
}

static enum xp_rc check_integrity(struct xp_ata_identify *out, const uint8_t *data,
				  struct xp_err *err)
{
	uint8_t sum = 0;

	if ((word(data, W_INTEGRITY) & 0xff) != INTEGRITY_SIGNATURE)
		return XP_OK;
	for (size_t i = 0; i < XP_ATA_IDENTIFY_LEN; i++)
		sum = (uint8_t)(sum + data[i]);
	if (sum != 0)
		return xp_fail(err, XP_E_MALFORMED, "IDENTIFY DEVICE: its checksum is wrong");
	out->checksum_present = true;
	return XP_OK;
}

enum xp_rc xp_ata_identify_parse(struct xp_ata_identify *out, const uint8_t *data, size_t len,
				 struct xp_err *err)
{
	*out = (struct xp_ata_identify){0};
	if (len != XP_ATA_IDENTIFY_LEN)
		return xp_fail(err, XP_E_MALFORMED, "IDENTIFY DEVICE: %zu bytes instead of %d", len,
			       XP_ATA_IDENTIFY_LEN);
	if (xp_mem_is_filled(data, data[0], len))
		return xp_fail(err, XP_E_MALFORMED, "IDENTIFY DEVICE: nothing but %02xh", data[0]);
	if (word(data, W_GENERAL) & GENERAL_NOT_ATA)
		return xp_fail(err, XP_E_MALFORMED, "IDENTIFY DEVICE: not an ATA device");
	TRY(check_integrity(out, data, err));
	read_strings(out, data);
	read_media(out, data);
	read_features(out, data);
	read_sanitize(out, data);
	out->security_is_contradictory = !xp_ata_security_parse(&out->security, data);
	return read_capacity(out, data, err);
}

uint64_t xp_ata_identify_bytes(const struct xp_ata_identify *id)
{
	return id->sectors * id->logical_bytes;
}
