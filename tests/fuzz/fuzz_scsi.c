/* SCSI answers of any bytes: sense, INQUIRY, every VPD page, capacity, mode data; journalled
 * commands.
 */
#include "device/protocol/scsi_capacity.h"
#include "device/protocol/scsi_cmd.h"
#include "device/protocol/scsi_inquiry.h"
#include "device/protocol/scsi_mode.h"
#include "device/protocol/scsi_sanitize.h"
#include "device/protocol/scsi_sense.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void try_pages(const uint8_t *data, size_t len)
{
	struct xp_scsi_vpd_pages pages;
	struct xp_scsi_names names;
	struct xp_scsi_vpd_ata ata;
	struct xp_scsi_limits limits;
	struct xp_scsi_media media;
	struct xp_scsi_provisioning provisioning;
	char serial[517];

	(void)!xp_scsi_vpd_pages_parse(&pages, data, len, NULL);
	if (xp_scsi_vpd_serial_parse(serial, sizeof(serial), data, len, NULL) == XP_OK &&
	    strlen(serial) >= sizeof(serial))
		abort();
	if (xp_scsi_vpd_names_parse(&names, data, len, NULL) == XP_OK && names.naa[0] &&
	    strncmp(names.naa, "naa.", 4) != 0)
		abort();
	if (xp_scsi_vpd_ata_parse(&ata, data, len, NULL) == XP_OK &&
	    (ata.identify < data || ata.identify + 512 > data + len))
		abort();
	(void)!xp_scsi_vpd_limits_parse(&limits, data, len, NULL);
	if (xp_scsi_vpd_media_parse(&media, data, len, NULL) == XP_OK && media.is_rotating &&
	    media.is_non_rotating)
		abort();
	(void)!xp_scsi_vpd_provisioning_parse(&provisioning, data, len, NULL);
}

/* Nothing is at once at an end and not. */
static void try_sense(const uint8_t *data, size_t len)
{
	struct xp_sense s;

	if (!xp_sense_parse(&s, data, len))
		return;
	if (s.key > 0x0f)
		abort();
	if (xp_sense_says_idle(&s) &&
	    (s.key > XP_SENSE_RECOVERED || s.has_progress || s.is_deferred ||
	     xp_sense_says_sanitizing(&s) || xp_sense_says_formatting(&s) ||
	     xp_sense_says_sanitize_failed(&s) || xp_sense_says_format_failed(&s)))
		abort();
}

static void try_erase(const uint8_t *data, size_t len)
{
	struct xp_scsi_sanitize sanitize;
	struct xp_scsi_format format;
	struct xp_scsi_blocks blocks;
	uint8_t cdb[XP_SCSI_CDB_MAX];

	if (xp_scsi_sanitize_parse(&sanitize, data, len) &&
	    (xp_scsi_sanitize(cdb, &sanitize) != len || cdb[1] != data[1]))
		abort();
	if (xp_scsi_format_parse(&format, data, len) && format.protection_info > 3)
		abort();
	if (xp_scsi_mode_blocks_parse(&blocks, data, len, NULL) == XP_OK && len < 16)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct xp_scsi_inquiry inquiry;
	struct xp_scsi_capacity capacity;
	bool supported = false;

	try_sense(data, len);
	try_erase(data, len);
	(void)!xp_scsi_inquiry_parse(&inquiry, data, len, NULL);
	if (xp_scsi_capacity_parse(&capacity, data, len, NULL) == XP_OK &&
	    (capacity.blocks == 0 || capacity.bytes / capacity.logical_bytes != capacity.blocks))
		abort();
	(void)xp_scsi_report_opcode_parse(&supported, data, len);
	try_pages(data, len);
	return 0;
}
