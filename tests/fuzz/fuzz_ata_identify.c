/* ATA answers of any bytes: IDENTIFY with and without a right checksum, logs, DCO, registers. */
#include "device/protocol/ata_hidden.h"
#include "device/protocol/ata_identify.h"
#include "device/protocol/ata_log30.h"
#include "device/protocol/ata_sanitize.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_identify(const struct xp_ata_identify *id)
{
	/* what the decoder accepts must hold together */
	if (xp_ata_identify_bytes(id) == 0 || id->logical_bytes < 512 ||
	    id->physical_bytes < id->logical_bytes)
		abort();
	if (id->security_is_contradictory && id->security.supported)
		abort();
	if ((id->sanitize.crypto || id->sanitize.block || id->sanitize.overwrite) &&
	    !id->sanitize.supported)
		abort();
	if (strlen(id->model) >= sizeof(id->model) || strlen(id->serial) >= sizeof(id->serial))
		abort();
}

static void seal(uint8_t block[512])
{
	uint8_t sum = 0;

	block[510] = 0xa5;
	for (size_t i = 0; i < 511; i++)
		sum = (uint8_t)(sum + block[i]);
	block[511] = (uint8_t)(0x100 - sum);
}

static void try_block(const uint8_t block[512])
{
	struct xp_ata_identify id;
	struct xp_ata_dco dco;
	struct xp_ata_log30_security security;
	struct xp_ata_general_statistics statistics;
	struct xp_ata_log_pages pages;

	if (xp_ata_identify_parse(&id, block, 512, NULL) == XP_OK)
		check_identify(&id);
	if (xp_ata_dco_parse(&dco, block, 512, NULL) == XP_OK && dco.sectors < 2)
		abort();
	(void)!xp_ata_log30_security_parse(&security, block, 512, NULL);
	(void)!xp_ata_general_statistics_parse(&statistics, block, 512, NULL);
	(void)!xp_ata_log_pages_parse(&pages, block, 512, NULL);
}

static void try_registers(const uint8_t *data, size_t len)
{
	struct xp_ata_registers r;
	struct xp_ata_sanitize_status s;
	uint64_t sectors = 0;

	xp_sat_registers_parse(&r, data, len);
	xp_ata_sanitize_status_decide(&s, &r);
	/* a success only from whole registers of a good status with its bit */
	if (s.state == XP_ATA_SANITIZE_SUCCEEDED &&
	    (r.form != XP_SAT_DESCRIPTOR || !(r.count & 0x8000) || (r.count & 0x4000) ||
	     (r.status & 0xa1)))
		abort();
	if (xp_ata_native_sectors(&sectors, &r, true) && sectors < 2)
		abort();
	(void)xp_ata_native_sectors(&sectors, &r, false);
}

static void try_cdb(const uint8_t *data, size_t len)
{
	struct xp_ata_taskfile tf;
	uint8_t cdb[16];

	if (len < 12 || !xp_sat_cdb_parse(&tf, data, len > 16 ? 16 : len))
		return;
	/* what is built from a 16-byte CDB is that CDB again, but for LBA bits kept in DEVICE */
	xp_sat_cdb_build(cdb, &tf);
	if (len >= 16 && data[0] == XP_SAT_CDB16 && tf.protocol != XP_ATA_DMA && tf.blocks &&
	    memcmp(cdb, data, 16) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct xp_ata_identify id;
	uint8_t block[512] = {0};

	(void)!xp_ata_identify_parse(&id, data, len, NULL);
	memcpy(block, data, len < sizeof(block) ? len : sizeof(block));
	try_block(block);
	seal(block);
	try_block(block);
	try_registers(data, len);
	try_cdb(data, len);
	return 0;
}
