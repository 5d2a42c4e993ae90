/* The command blocks that change a drive, byte by byte, and that none goes out without a permit. */
#include "device/opcodes.h"
#include "device/protocol/ata_security.h"
#include "device/protocol/sat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* From ACS-3 and SAT-3, by hand: 16-byte pass-through with CK_COND. */
static const struct row {
	uint8_t cdb[16];
	bool moves_out;
	const char *name;
} rows[] = {
	{{0x85, 0x07, 0x20, 0, 0x11, 0, 0, 0x43, 0x70, 0, 0x79, 0, 0x72, 0x40, 0xb4, 0},
	 false,
	 "ATA SANITIZE DEVICE"},
	{{0x85, 0x07, 0x20, 0, 0x12, 0, 0, 0x42, 0x72, 0, 0x45, 0, 0x6b, 0x40, 0xb4, 0},
	 false,
	 "ATA SANITIZE DEVICE"},
	{{0x85, 0x07, 0x20, 0, 0x14, 0, 0x01, 0, 0, 0x57, 0, 0x4f, 0, 0x40, 0xb4, 0},
	 false,
	 "ATA SANITIZE DEVICE"},
	{{0x85, 0x07, 0x20, 0, 0x14, 0, 0x83, 0x12, 0x78, 0x57, 0x56, 0x4f, 0x34, 0x40, 0xb4, 0},
	 false,
	 "ATA SANITIZE DEVICE"},
	{{0x85, 0x07, 0x20, 0, 0x14, 0, 0x80, 0, 0, 0x57, 0, 0x4f, 0, 0x40, 0xb4, 0},
	 false,
	 "ATA SANITIZE DEVICE"},
	{{0x85, 0x0a, 0x26, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xf1, 0},
	 true,
	 "ATA SECURITY SET PASSWORD"},
	{{0x85, 0x0a, 0x26, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xf2, 0},
	 true,
	 "ATA SECURITY UNLOCK"},
	{{0x85, 0x06, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xf3, 0},
	 false,
	 "ATA SECURITY ERASE PREPARE"},
	{{0x85, 0x0a, 0x26, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xf4, 0},
	 true,
	 "ATA SECURITY ERASE UNIT"},
	{{0x85, 0x0a, 0x26, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xf6, 0},
	 true,
	 "ATA SECURITY DISABLE PASSWORD"},
	{{0x85, 0x07, 0x20, 0, 0, 0, 1, 0x56, 0x12, 0x34, 0x90, 0x12, 0x78, 0x40, 0x37, 0},
	 false,
	 "ATA SET MAX ADDRESS EXT"},
	{{0x85, 0x06, 0x20, 0, 0, 0, 1, 0, 0x67, 0, 0x45, 0, 0x23, 0x41, 0xf9, 0},
	 false,
	 "ATA SET MAX ADDRESS"},
	{{0x85, 0x07, 0x20, 0, 0x01, 0, 0, 0x56, 0x12, 0x34, 0x90, 0x12, 0x78, 0x40, 0x78, 0},
	 false,
	 "ATA ACCESSIBLE MAX ADDRESS CONFIGURATION"},
	{{0x85, 0x06, 0x20, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xb1, 0},
	 false,
	 "ATA DEVICE CONFIGURATION OVERLAY"},
};

static struct xp_ata_taskfile built(size_t i)
{
	switch (i) {
	case 0:
		return xp_ata_sanitize_crypto();
	case 1:
		return xp_ata_sanitize_block();
	case 2:
		return xp_ata_sanitize_overwrite(0, 1, false);
	case 3:
		return xp_ata_sanitize_overwrite(0x12345678, 3, true);
	case 4:
		return xp_ata_sanitize_overwrite(0, 16, true);
	case 5:
		return xp_ata_security_set_password();
	case 6:
		return xp_ata_security_unlock();
	case 7:
		return xp_ata_security_erase_prepare();
	case 8:
		return xp_ata_security_erase_unit();
	case 9:
		return xp_ata_security_disable_password();
	case 10:
		return xp_ata_set_max_ext(0x123456789012);
	case 11:
		return xp_ata_set_max(0x1234567);
	case 12:
		return xp_ata_set_amac(0x123456789012);
	default:
		return xp_ata_dco_restore();
	}
}

static void test_commands_have_the_bytes_of_the_standard(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct xp_ata_taskfile tf = built(i);
		struct xp_ata_taskfile back;
		uint8_t cdb[XP_SAT_CDB16_LEN];

		xp_sat_cdb_build(cdb, &tf);
		if (memcmp(cdb, rows[i].cdb, sizeof(cdb)) != 0)
			fail_msg("row %zu", i);
		assert_true(xp_sat_cdb_parse(&back, cdb, sizeof(cdb)));
		assert_int_equal(back.command, tf.command);
		assert_int_equal(back.lba, tf.lba);
		assert_int_equal(back.count, tf.count);
	}
}

static void test_commands_that_change_a_drive_need_a_permit(void **state)
{
	uint8_t data[512] = {0};
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct xp_cmd cmd = {.cdb_len = 16};

		memcpy(cmd.cdb, rows[i].cdb, 16);
		if (rows[i].moves_out) {
			cmd.dir = XP_DATA_OUT;
			cmd.data = data;
			cmd.data_len = sizeof(data);
			assert_true(xp_opcode_carries_secret(&cmd));
		}
		assert_false(xp_opcode_is_read_only(&cmd));
		xp_opcode_name(name, sizeof(name), &cmd);
		assert_string_equal(name, rows[i].name);
	}
}

static void test_security_data_holds_the_password_and_never_maximum(void **state)
{
	static const char long_one[] = "0123456789012345678901234567890123456789";
	uint8_t data[XP_ATA_SECURITY_DATA_LEN];

	(void)state;
	xp_ata_security_data(data, "abc", 3, false, false);
	assert_memory_equal(data, "\0\0abc\0", 6);
	xp_ata_security_data(data, long_one, strlen(long_one), true, true);
	assert_int_equal(data[0], 3);
	assert_int_equal(data[1], 0);
	assert_memory_equal(data + 2, long_one, 32);
	for (size_t i = 34; i < sizeof(data); i++)
		assert_int_equal(data[i], 0);
	assert_true(strlen(XP_ATA_TEMPORARY_PASSWORD) <= XP_ATA_PASSWORD_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands_have_the_bytes_of_the_standard),
		cmocka_unit_test(test_commands_that_change_a_drive_need_a_permit),
		cmocka_unit_test(test_security_data_holds_the_password_and_never_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
