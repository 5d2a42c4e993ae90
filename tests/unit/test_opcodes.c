/* The table of read-only commands: every opcode, and every FEATURE of the ATA commands inside. */
#include "device/opcodes.h"

#include "device/protocol/ata_cmd.h"
#include "device/protocol/nvme_cmd.h"
#include "device/protocol/sat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint8_t data[65536];

static struct xp_cmd scsi(const uint8_t *cdb, uint8_t len, enum xp_data_dir dir)
{
	struct xp_cmd cmd = {.kind = XP_TRANSPORT_SCSI, .cdb_len = len, .dir = dir};

	memcpy(cmd.cdb, cdb, len);
	if (dir != XP_DATA_NONE) {
		cmd.data = data;
		cmd.data_len = 512;
	}
	return cmd;
}

static bool reads(uint8_t opcode, uint8_t byte_1, uint8_t len, enum xp_data_dir dir)
{
	uint8_t cdb[32] = {opcode, byte_1};
	struct xp_cmd cmd = scsi(cdb, len, dir);

	return xp_opcode_is_read_only(&cmd);
}

/* Restated from SPC-5 and SBC-4: opcode, service action (-1: none), as the only ones that pass. */
static const struct {
	uint8_t opcode;
	int sa;
	bool in;
} may_read[] = {
	{0x00, -1, false},  {0x03, -1, true},	{0x08, -1, true},   {0x12, -1, true},
	{0x1a, -1, true},   {0x1c, -1, true},	{0x25, -1, true},   {0x28, -1, true},
	{0x2f, -1, false},  {0x37, -1, true},	{0x4d, -1, true},   {0x5a, -1, true},
	{0x5e, 0, true},    {0x5e, 1, true},	{0x5e, 2, true},    {0x5e, 3, true},
	{0x88, -1, true},   {0x8f, -1, false},	{0x95, 0, true},    {0x9e, 0x10, true},
	{0x9e, 0x12, true}, {0x9e, 0x17, true}, {0xa0, -1, true},   {0xa2, -1, true},
	{0xa3, 0x05, true}, {0xa3, 0x0a, true}, {0xa3, 0x0c, true}, {0xa3, 0x0d, true},
	{0xa3, 0x0f, true}, {0xa8, -1, true},	{0xaf, -1, false},  {0xb7, -1, true},
};

static bool expected(uint8_t opcode, uint8_t byte_1, enum xp_data_dir dir)
{
	if (opcode == 0x4d && (byte_1 & 1))
		return false;
	if ((opcode == 0x2f || opcode == 0x8f || opcode == 0xaf) && (byte_1 & 6))
		return false;
	for (size_t i = 0; i < sizeof(may_read) / sizeof(may_read[0]); i++)
		if (may_read[i].opcode == opcode &&
		    (may_read[i].sa < 0 || may_read[i].sa == (byte_1 & 0x1f)))
			return dir == XP_DATA_NONE || may_read[i].in;
	return false;
}

static void test_scsi_every_opcode_and_byte_1_only_listed_ones_read(void **state)
{
	(void)state;
	for (unsigned op = 0; op < 256; op++) {
		uint8_t len = xp_opcode_cdb_len((uint8_t)op);

		if (op == 0x85 || op == 0xa1 || op == 0x7f)
			continue;
		for (unsigned b = 0; b < 256; b++)
			for (unsigned dir = XP_DATA_NONE; dir <= XP_DATA_OUT; dir++) {
				bool want = dir != XP_DATA_OUT && expected((uint8_t)op, (uint8_t)b,
									   (enum xp_data_dir)dir);

				if (reads((uint8_t)op, (uint8_t)b, len ? len : 16,
					  (enum xp_data_dir)dir) != want)
					fail_msg("opcode %02x byte 1 %02x dir %u", op, b, dir);
			}
	}
}

static void test_scsi_wrong_cdb_length_does_not_read(void **state)
{
	(void)state;
	for (uint8_t len = 0; len <= 32; len++) {
		assert_int_equal(reads(0x12, 0, len, XP_DATA_IN), len == 6);
		assert_int_equal(reads(0x25, 0, len, XP_DATA_IN), len == 10);
		assert_int_equal(reads(0x88, 0, len, XP_DATA_IN), len == 16);
		assert_int_equal(reads(0xa0, 0, len, XP_DATA_IN), len == 12);
	}
}

static void test_scsi_32_byte_only_read_32_reads(void **state)
{
	(void)state;
	for (unsigned sa = 0; sa < 65536; sa++) {
		uint8_t cdb[32] = {0x7f};
		struct xp_cmd cmd;

		cdb[8] = (uint8_t)(sa >> 8);
		cdb[9] = (uint8_t)sa;
		cmd = scsi(cdb, 32, XP_DATA_IN);
		assert_int_equal(xp_opcode_is_read_only(&cmd), sa == 9);
	}
}

static void test_scsi_sanitize_format_and_writes_do_not_read(void **state)
{
	static const uint8_t ops[] = {0x04, 0x0a, 0x15, 0x1b, 0x1d, 0x2a, 0x2e, 0x35, 0x3b,
				      0x41, 0x42, 0x48, 0x4c, 0x55, 0x5f, 0x83, 0x8a, 0x91,
				      0x93, 0x9b, 0x9c, 0x9f, 0xa4, 0xaa, 0xb5, 0xc0, 0xff};

	(void)state;
	for (size_t i = 0; i < sizeof(ops); i++)
		for (unsigned b = 0; b < 256; b++)
			for (unsigned dir = XP_DATA_NONE; dir <= XP_DATA_OUT; dir++)
				assert_false(reads(ops[i], (uint8_t)b, 16, (enum xp_data_dir)dir) ||
					     reads(ops[i], (uint8_t)b, xp_opcode_cdb_len(ops[i]),
						   (enum xp_data_dir)dir));
}

/* One ATA command through the 16-byte pass-through, in the given way. */
static bool ata_reads(uint8_t protocol, bool ext, uint8_t flags, uint8_t command, uint16_t feature,
		      uint16_t count, uint64_t lba)
{
	uint8_t cdb[16] = {0x85};
	struct xp_cmd cmd;
	bool in = (flags & 0x08) != 0;

	cdb[1] = (uint8_t)(protocol << 1 | (ext ? 1 : 0));
	cdb[2] = flags;
	cdb[3] = (uint8_t)(feature >> 8);
	cdb[4] = (uint8_t)feature;
	cdb[5] = (uint8_t)(count >> 8);
	cdb[6] = (uint8_t)count;
	cdb[7] = (uint8_t)(lba >> 24);
	cdb[8] = (uint8_t)lba;
	cdb[9] = (uint8_t)(lba >> 32);
	cdb[10] = (uint8_t)(lba >> 8);
	cdb[11] = (uint8_t)(lba >> 40);
	cdb[12] = (uint8_t)(lba >> 16);
	cdb[13] = 0x40;
	cdb[14] = command;
	cmd = scsi(cdb, 16, in ? XP_DATA_IN : XP_DATA_NONE);
	cmd.data_len = in ? count * 512U : 0;
	return xp_opcode_is_read_only(&cmd);
}

#define NON_DATA 0x20
#define PIO_IN	 0x0e

static bool ata_any_way(uint8_t command, uint16_t feature, uint64_t lba)
{
	for (unsigned ext = 0; ext < 2; ext++) {
		if (!ext && feature > 0xff)
			continue;
		if (ata_reads(3, ext, NON_DATA, command, feature, 0, lba) ||
		    ata_reads(4, ext, PIO_IN, command, feature, 1, lba) ||
		    ata_reads(6, ext, PIO_IN, command, feature, 1, lba) ||
		    ata_reads(10, ext, PIO_IN, command, feature, 1, lba))
			return true;
	}
	return false;
}

/* Restated from ACS-3: command and FEATURE of all that may pass with LBA 0. */
static bool ata_expected(unsigned command, unsigned feature)
{
	switch (command) {
	case 0x0b:
	case 0x20:
	case 0x24:
	case 0x25:
	case 0x27:
	case 0x2f:
	case 0x40:
	case 0x42:
	case 0x47:
	case 0x4a:
	case 0x78:
	case 0xa1:
	case 0xb4:
	case 0xc8:
	case 0xe5:
	case 0xec:
	case 0xf8:
		return feature == 0;
	case 0x5c:
	case 0x5d: /* TRUSTED RECEIVE: any 8-bit protocol */
		return feature < 256;
	case 0xb1:
		return feature == 0xc2 || feature == 0xc4;
	default:
		return false;
	}
}

static void test_ata_every_command_and_feature_only_listed_ones_read(void **state)
{
	(void)state;
	for (unsigned command = 0; command < 256; command++)
		for (unsigned feature = 0; feature < 65536; feature++) {
			/* all of the 8-bit features, the wide ones where a bit could leak through
			 */
			if (feature > 0x1ff && (feature & 0xff) > 2)
				continue;
			if (ata_any_way((uint8_t)command, (uint16_t)feature, 0) !=
			    ata_expected(command, feature))
				fail_msg("command %02x feature %04x", command, feature);
		}
}

static void test_ata_smart_only_reads_with_its_key(void **state)
{
	(void)state;
	for (unsigned feature = 0; feature < 256; feature++) {
		bool want =
			feature == 0xd0 || feature == 0xd1 || feature == 0xd5 || feature == 0xda;

		assert_int_equal(ata_any_way(0xb0, (uint16_t)feature, 0xc24f00), want);
		assert_false(ata_any_way(0xb0, (uint16_t)feature, 0));
		assert_false(ata_any_way(0xb0, (uint16_t)feature, 0x4fc200));
	}
}

static void test_ata_sanitize_status_must_not_clear_the_failure(void **state)
{
	(void)state;
	assert_true(ata_reads(3, true, NON_DATA, 0xb4, 0, 0, 0));
	for (unsigned count = 1; count < 65536; count++)
		assert_false(ata_reads(3, true, NON_DATA, 0xb4, 0, (uint16_t)count, 0));
	for (unsigned feature = 1; feature < 65536; feature++)
		assert_false(ata_reads(3, true, NON_DATA, 0xb4, (uint16_t)feature, 0, 0));
	/* the keys of crypto scramble, block erase, overwrite */
	assert_false(ata_reads(3, true, NON_DATA, 0xb4, 0x11, 0, 0x43727970));
	assert_false(ata_reads(3, true, NON_DATA, 0xb4, 0x12, 0, 0x426b4572));
	assert_false(ata_reads(3, true, NON_DATA, 0xb4, 0x14, 1, 0x4f5700000000));
	assert_false(ata_reads(3, true, NON_DATA, 0xb4, 0, 0, 0x43727970));
	assert_false(ata_reads(3, false, NON_DATA, 0xb4, 0, 0, 0));
}

static void test_ata_identify_any_wrong_transfer_does_not_read(void **state)
{
	(void)state;
	for (unsigned protocol = 0; protocol < 16; protocol++)
		for (unsigned flags = 0; flags < 256; flags++) {
			bool want = protocol == 4 && (flags & ~0x20U) == PIO_IN;

			assert_int_equal(
				ata_reads((uint8_t)protocol, false, (uint8_t)flags, 0xec, 0, 1, 0),
				want);
		}
	assert_false(ata_reads(4, true, PIO_IN, 0xec, 0, 1, 0)); /* no 48-bit command */
}

static void test_ata_register_above_28_bits_does_not_read(void **state)
{
	uint8_t good[16] = {0x85, 0x08, 0x0e, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xec, 0};
	static const uint8_t high[] = {3, 5, 7, 9, 11, 15};
	struct xp_cmd cmd = scsi(good, 16, XP_DATA_IN);

	(void)state;
	assert_true(xp_opcode_is_read_only(&cmd));
	for (size_t i = 0; i < sizeof(high); i++) {
		cmd = scsi(good, 16, XP_DATA_IN);
		cmd.cdb[high[i]] = 1;
		assert_false(xp_opcode_is_read_only(&cmd));
	}
	cmd = scsi(good, 16, XP_DATA_IN);
	cmd.data_len = 1024; /* more than COUNT says */
	assert_false(xp_opcode_is_read_only(&cmd));
	cmd = scsi(good, 16, XP_DATA_OUT);
	assert_false(xp_opcode_is_read_only(&cmd));
	cmd = scsi(good, 16, XP_DATA_IN);
	cmd.cdb[1] |= 0x20; /* multiple count */
	assert_false(xp_opcode_is_read_only(&cmd));
}

static void test_ata_12_byte_form_is_decoded(void **state)
{
	uint8_t identify[12] = {0xa1, 0x08, 0x0e, 0, 1, 0, 0, 0, 0x40, 0xec, 0, 0};
	uint8_t erase[12] = {0xa1, 0x06, 0x20, 0, 0, 0, 0, 0, 0x40, 0xf3, 0, 0};
	uint8_t blank[12] = {0xa1, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct xp_cmd cmd = scsi(identify, 12, XP_DATA_IN);

	(void)state;
	assert_true(xp_opcode_is_read_only(&cmd));
	cmd = scsi(erase, 12, XP_DATA_NONE);
	assert_false(xp_opcode_is_read_only(&cmd));
	cmd = scsi(blank, 12, XP_DATA_NONE);
	assert_false(xp_opcode_is_read_only(&cmd));
}

static bool nvme_reads(uint8_t opcode, uint32_t cdw10, uint32_t cdw11, uint32_t len,
		       enum xp_data_dir dir)
{
	struct xp_cmd cmd = {.kind = XP_TRANSPORT_NVME,
			     .nvme = {.opcode = opcode, .cdw10 = cdw10, .cdw11 = cdw11},
			     .dir = dir,
			     .data = data,
			     .data_len = len};

	return xp_opcode_is_read_only(&cmd);
}

static void test_nvme_every_opcode_only_listed_ones_read(void **state)
{
	(void)state;
	for (unsigned op = 0; op < 256; op++) {
		/* NUMD 1023: 4096 bytes; as CDW11 of Security Receive the same length */
		bool log = nvme_reads((uint8_t)op, 0x03ff0002, 0, 4096, XP_DATA_IN);
		bool other = nvme_reads((uint8_t)op, 1, 4096, 4096, XP_DATA_IN);

		assert_int_equal(log, op == 0x02 || op == 0x06 || op == 0x0a);
		assert_int_equal(other, op == 0x06 || op == 0x0a || op == 0x82);
		assert_false(nvme_reads((uint8_t)op, 1, 4096, 4096, XP_DATA_OUT));
	}
}

static void test_nvme_log_pages_with_side_effects_do_not_read(void **state)
{
	(void)state;
	for (unsigned lid = 0; lid < 256; lid++)
		for (unsigned lsp = 0; lsp < 128; lsp++) {
			bool want = lid <= 0x15 || lid == 0x7f || lid == 0x80 || lid == 0x81 ||
				    lid == 0xbf;

			if ((lid == 0x07 && (lsp & 1)) || (lid == 0x0d && lsp))
				want = false;
			assert_int_equal(
				nvme_reads(0x02, lid | lsp << 8 | 127U << 16, 0, 512, XP_DATA_IN),
				want);
		}
}

static void test_nvme_buffer_of_another_length_does_not_read(void **state)
{
	(void)state;
	assert_true(nvme_reads(0x02, 0x007f0081, 0, 512, XP_DATA_IN));
	assert_false(nvme_reads(0x02, 0x007f0081, 0, 508, XP_DATA_IN));
	assert_false(nvme_reads(0x02, 0x007f0081, 1, 512, XP_DATA_IN));
	assert_false(nvme_reads(0x06, 1, 0, 512, XP_DATA_IN));
	assert_false(nvme_reads(0x82, 0x01000100, 1024, 512, XP_DATA_IN));
}

static bool secret(const uint8_t *cdb, uint8_t len, enum xp_data_dir dir)
{
	struct xp_cmd cmd = scsi(cdb, len, dir);

	return xp_opcode_carries_secret(&cmd);
}

static void test_secret_passwords_are_known(void **state)
{
	struct xp_cmd nvme = {.kind = XP_TRANSPORT_NVME,
			      .nvme = {.opcode = 0x81},
			      .dir = XP_DATA_OUT,
			      .data = data,
			      .data_len = 512};
	uint8_t cdb[16] = {0x85, 0x0a, 0x26, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0, 0};
	uint8_t write[10] = {0x2a};
	uint8_t out[12] = {0xb5};

	(void)state;
	for (unsigned command = 0; command < 256; command++) {
		cdb[14] = (uint8_t)command;
		assert_int_equal(secret(cdb, 16, XP_DATA_OUT),
				 command == 0xf1 || command == 0xf2 || command == 0xf4 ||
					 command == 0xf6 || command == 0xf9 || command == 0x5e ||
					 command == 0x5f);
	}
	cdb[2] = 0; /* cannot be read: may hold one */
	assert_true(secret(cdb, 16, XP_DATA_OUT));
	assert_true(secret(out, 12, XP_DATA_OUT));
	assert_false(secret(write, 10, XP_DATA_OUT));
	assert_true(xp_opcode_carries_secret(&nvme));
	nvme.dir = XP_DATA_IN;
	assert_false(xp_opcode_carries_secret(&nvme));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scsi_every_opcode_and_byte_1_only_listed_ones_read),
		cmocka_unit_test(test_scsi_wrong_cdb_length_does_not_read),
		cmocka_unit_test(test_scsi_32_byte_only_read_32_reads),
		cmocka_unit_test(test_scsi_sanitize_format_and_writes_do_not_read),
		cmocka_unit_test(test_ata_every_command_and_feature_only_listed_ones_read),
		cmocka_unit_test(test_ata_smart_only_reads_with_its_key),
		cmocka_unit_test(test_ata_sanitize_status_must_not_clear_the_failure),
		cmocka_unit_test(test_ata_identify_any_wrong_transfer_does_not_read),
		cmocka_unit_test(test_ata_register_above_28_bits_does_not_read),
		cmocka_unit_test(test_ata_12_byte_form_is_decoded),
		cmocka_unit_test(test_nvme_every_opcode_only_listed_ones_read),
		cmocka_unit_test(test_nvme_log_pages_with_side_effects_do_not_read),
		cmocka_unit_test(test_nvme_buffer_of_another_length_does_not_read),
		cmocka_unit_test(test_secret_passwords_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
