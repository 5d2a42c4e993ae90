#include "device/protocol/ata_cmd.h"

/* DEVICE register: bit 6 selects LBA addressing; the older bits 7 and 5 are obsolete and 0. */
#define DEVICE_LBA 0x40

static struct xp_ata_taskfile non_data(uint8_t command, uint16_t feature, bool is_48bit)
{
	return (struct xp_ata_taskfile){
		.protocol = XP_ATA_NON_DATA,
		.command = command,
		.is_48bit = is_48bit,
		.feature = feature,
		.device = DEVICE_LBA,
		.wants_registers = true,
	};
}

static struct xp_ata_taskfile pio_in(uint8_t command, uint16_t feature, bool is_48bit)
{
	return (struct xp_ata_taskfile){
		.protocol = XP_ATA_PIO_IN,
		.command = command,
		.is_48bit = is_48bit,
		.feature = feature,
		.count = 1,
		.device = DEVICE_LBA,
		.blocks = 1,
	};
}

struct xp_ata_taskfile xp_ata_identify_device(void)
{
	return pio_in(XP_ATA_IDENTIFY_DEVICE, 0, false);
}

struct xp_ata_taskfile xp_ata_read_log_page(uint8_t log, uint16_t page)
{
	struct xp_ata_taskfile tf = pio_in(XP_ATA_READ_LOG_EXT, 0, true);

	/* log address in LBA 7:0, page in LBA 15:8 and 39:32 [ACS-3 READ LOG EXT] */
	tf.lba = log | (uint64_t)(page & 0xff) << 8 | (uint64_t)(page >> 8) << 32;
	return tf;
}

struct xp_ata_taskfile xp_ata_check_power_mode(void)
{
	return non_data(XP_ATA_CHECK_POWER_MODE, 0, false);
}

struct xp_ata_taskfile xp_ata_smart_return_status(void)
{
	struct xp_ata_taskfile tf = non_data(XP_ATA_SMART, XP_ATA_SMART_RETURN_STATUS, false);

	tf.lba = (uint64_t)XP_ATA_SMART_KEY << 8;
	return tf;
}

struct xp_ata_taskfile xp_ata_read_native_max(void)
{
	return non_data(XP_ATA_READ_NATIVE_MAX, 0, false);
}

struct xp_ata_taskfile xp_ata_read_native_max_ext(void)
{
	return non_data(XP_ATA_READ_NATIVE_MAX_EXT, 0, true);
}

struct xp_ata_taskfile xp_ata_get_native_amac(void)
{
	return non_data(XP_ATA_ACCESSIBLE_MAX, XP_ATA_AMAC_GET_NATIVE, true);
}

struct xp_ata_taskfile xp_ata_dco_identify(void)
{
	struct xp_ata_taskfile tf = pio_in(XP_ATA_DCO, XP_ATA_DCO_IDENTIFY, false);

	tf.wants_registers = true;
	return tf;
}

struct xp_ata_taskfile xp_ata_sanitize_status(void)
{
	return non_data(XP_ATA_SANITIZE, XP_ATA_SANITIZE_STATUS, true);
}

static struct xp_ata_taskfile sanitize(uint16_t feature, uint64_t lba)
{
	struct xp_ata_taskfile tf = non_data(XP_ATA_SANITIZE, feature, true);

	tf.lba = lba;
	return tf;
}

struct xp_ata_taskfile xp_ata_sanitize_crypto(void)
{
	return sanitize(XP_ATA_SANITIZE_CRYPTO_FEATURE, XP_ATA_SANITIZE_CRYPTO_KEY);
}

struct xp_ata_taskfile xp_ata_sanitize_block(void)
{
	return sanitize(XP_ATA_SANITIZE_BLOCK_FEATURE, XP_ATA_SANITIZE_BLOCK_KEY);
}

struct xp_ata_taskfile xp_ata_sanitize_overwrite(uint32_t pattern, unsigned passes, bool invert)
{
	struct xp_ata_taskfile tf = sanitize(XP_ATA_SANITIZE_OVERWRITE_FEATURE,
					     XP_ATA_SANITIZE_OVERWRITE_KEY << 32 | pattern);

	/* 16 passes are written as 0 */
	tf.count = (uint16_t)((passes & XP_ATA_SANITIZE_PASSES_MASK) |
			      (invert ? XP_ATA_SANITIZE_INVERT : 0));
	return tf;
}

static struct xp_ata_taskfile security_out(uint8_t command)
{
	return (struct xp_ata_taskfile){
		.protocol = XP_ATA_PIO_OUT,
		.command = command,
		.count = 1,
		.device = DEVICE_LBA,
		.wants_registers = true,
		.blocks = 1,
	};
}

struct xp_ata_taskfile xp_ata_security_set_password(void)
{
	return security_out(XP_ATA_SECURITY_SET_PASSWORD);
}

struct xp_ata_taskfile xp_ata_security_unlock(void)
{
	return security_out(XP_ATA_SECURITY_UNLOCK);
}

struct xp_ata_taskfile xp_ata_security_erase_prepare(void)
{
	return non_data(XP_ATA_SECURITY_ERASE_PREPARE, 0, false);
}

struct xp_ata_taskfile xp_ata_security_erase_unit(void)
{
	return security_out(XP_ATA_SECURITY_ERASE_UNIT);
}

struct xp_ata_taskfile xp_ata_security_disable_password(void)
{
	return security_out(XP_ATA_SECURITY_DISABLE);
}

/* COUNT bit 0: the new address is kept over power cycles [ACS-2 SET MAX ADDRESS EXT]. */
#define SET_MAX_KEPT 1

struct xp_ata_taskfile xp_ata_set_max(uint64_t last_lba)
{
	struct xp_ata_taskfile tf = non_data(XP_ATA_SET_MAX, 0, false);

	tf.lba = last_lba;
	tf.count = SET_MAX_KEPT;
	return tf;
}

struct xp_ata_taskfile xp_ata_set_max_ext(uint64_t last_lba)
{
	struct xp_ata_taskfile tf = non_data(XP_ATA_SET_MAX_EXT, 0, true);

	tf.lba = last_lba;
	tf.count = SET_MAX_KEPT;
	return tf;
}

struct xp_ata_taskfile xp_ata_set_amac(uint64_t last_lba)
{
	struct xp_ata_taskfile tf = non_data(XP_ATA_ACCESSIBLE_MAX, XP_ATA_AMAC_SET, true);

	tf.lba = last_lba;
	return tf;
}

struct xp_ata_taskfile xp_ata_dco_restore(void)
{
	return non_data(XP_ATA_DCO, XP_ATA_DCO_RESTORE, false);
}

/* How a read-only command moves its data. */
enum way { WAY_NONE, WAY_PIO, WAY_DMA };

struct row {
	uint8_t command;
	enum way way;
	bool is_48bit;
};

/* Read-only whatever the other registers say (FEATURE must be 0, as these commands define it). */
static const struct row plain_rows[] = {
	{XP_ATA_REQUEST_SENSE_DATA_EXT, WAY_NONE, true},
	{XP_ATA_READ_SECTORS, WAY_PIO, false},
	{XP_ATA_READ_SECTORS_EXT, WAY_PIO, true},
	{XP_ATA_READ_DMA_EXT, WAY_DMA, true},
	{XP_ATA_READ_NATIVE_MAX_EXT, WAY_NONE, true},
	{XP_ATA_READ_LOG_EXT, WAY_PIO, true},
	{XP_ATA_READ_VERIFY, WAY_NONE, false},
	{XP_ATA_READ_VERIFY_EXT, WAY_NONE, true},
	{XP_ATA_READ_LOG_DMA_EXT, WAY_DMA, true},
	{XP_ATA_ZAC_MANAGEMENT_IN, WAY_DMA, true}, /* FEATURE 0: REPORT ZONES */
	{XP_ATA_IDENTIFY_PACKET_DEVICE, WAY_PIO, false},
	{XP_ATA_READ_DMA, WAY_DMA, false},
	{XP_ATA_CHECK_POWER_MODE, WAY_NONE, false},
	{XP_ATA_IDENTIFY_DEVICE, WAY_PIO, false},
	{XP_ATA_READ_NATIVE_MAX, WAY_NONE, false},
};

static bool moves(const struct xp_ata_taskfile *tf, enum way way)
{
	switch (way) {
	case WAY_NONE:
		return tf->protocol == XP_ATA_NON_DATA && tf->blocks == 0;
	case WAY_PIO:
		return tf->protocol == XP_ATA_PIO_IN;
	case WAY_DMA:
		/* plain DMA has its direction in T_DIR, which the CDB's reader checks */
		return tf->protocol == XP_ATA_DMA || tf->protocol == XP_ATA_UDMA_IN;
	}
	return false;
}

static bool is_plain_read(const struct xp_ata_taskfile *tf)
{
	for (size_t i = 0; i < sizeof(plain_rows) / sizeof(plain_rows[0]); i++) {
		const struct row *r = &plain_rows[i];

		if (r->command == tf->command)
			return tf->feature == 0 && tf->is_48bit == r->is_48bit && moves(tf, r->way);
	}
	return false;
}

static bool is_smart_read(const struct xp_ata_taskfile *tf)
{
	if (tf->is_48bit || (tf->lba >> 8 & 0xffff) != XP_ATA_SMART_KEY)
		return false;
	switch (tf->feature) {
	case XP_ATA_SMART_READ_DATA:
	case XP_ATA_SMART_READ_THRESHOLDS:
	case XP_ATA_SMART_READ_LOG:
		return moves(tf, WAY_PIO);
	case XP_ATA_SMART_RETURN_STATUS:
		return moves(tf, WAY_NONE);
	default:
		return false;
	}
}

bool xp_ata_taskfile_is_read_only(const struct xp_ata_taskfile *tf)
{
	switch (tf->command) {
	case XP_ATA_SMART:
		return is_smart_read(tf);
	case XP_ATA_ACCESSIBLE_MAX:
		return tf->is_48bit && tf->feature == XP_ATA_AMAC_GET_NATIVE && moves(tf, WAY_NONE);
	case XP_ATA_DCO:
		return !tf->is_48bit &&
		       ((tf->feature == XP_ATA_DCO_IDENTIFY && moves(tf, WAY_PIO)) ||
			(tf->feature == XP_ATA_DCO_IDENTIFY_DMA && moves(tf, WAY_DMA)));
	case XP_ATA_SANITIZE:
		/* COUNT bit 0 ends the failed state, the other bits and LBA are reserved here */
		return tf->is_48bit && tf->feature == XP_ATA_SANITIZE_STATUS && tf->count == 0 &&
		       tf->lba == 0 && moves(tf, WAY_NONE);
	case XP_ATA_TRUSTED_RECEIVE:
		return !tf->is_48bit && moves(tf, WAY_PIO);
	case XP_ATA_TRUSTED_RECEIVE_DMA:
		return !tf->is_48bit && moves(tf, WAY_DMA);
	default:
		return is_plain_read(tf);
	}
}

bool xp_ata_taskfile_carries_secret(const struct xp_ata_taskfile *tf)
{
	switch (tf->command) {
	case XP_ATA_SECURITY_SET_PASSWORD:
	case XP_ATA_SECURITY_UNLOCK:
	case XP_ATA_SECURITY_ERASE_UNIT:
	case XP_ATA_SECURITY_DISABLE:
	case XP_ATA_SET_MAX: /* FEATURE 01h and 03h hold the SET MAX password */
	case 0x5e:	     /* TRUSTED SEND */
	case 0x5f:	     /* TRUSTED SEND DMA */
		return true;
	default:
		return false;
	}
}
