/* SCSI answers: sense, INQUIRY, VPD pages, capacity, supported commands; cut off and lying. */
#include "base/cleanup.h"
#include "base/wire.h"
#include "device/protocol/scsi_capacity.h"
#include "device/protocol/scsi_cmd.h"
#include "device/protocol/scsi_inquiry.h"
#include "device/protocol/scsi_sense.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool sense_of(struct xp_sense *s, const uint8_t *bytes, size_t len)
{
	AUTO_MEM uint8_t *copy = malloc(len + 1);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	return xp_sense_parse(s, copy, len);
}

static void test_sense_fixed_with_progress(void **state)
{
	static const uint8_t bytes[18] = {0x70, 0, 2, 0,    0,	  0, 0,	   10,	 0,
					  0,	0, 0, 0x04, 0x1b, 0, 0x80, 0x40, 0x01};
	struct xp_sense s;

	(void)state;
	assert_true(sense_of(&s, bytes, 18));
	assert_true(xp_sense_says_sanitizing(&s));
	assert_true(s.has_progress);
	assert_int_equal(s.progress, 0x4001);
	for (size_t n = 0; n < 14; n++)
		assert_false(sense_of(&s, bytes, n));
	/* without the last bytes: at it, no progress known */
	assert_true(sense_of(&s, bytes, 17));
	assert_true(xp_sense_says_sanitizing(&s) && !s.has_progress);
}

static void test_sense_descriptor_with_progress(void **state)
{
	static const uint8_t sks[16] = {0x72, 2, 4, 0x1b, 0,	0,    0,    8,
					0x02, 6, 0, 0,	  0x80, 0x12, 0x34, 0};
	static const uint8_t block[16] = {0x72, 2, 4, 0x04, 0, 0,    0,	   8,
					  0x0a, 6, 0, 0,    0, 0x00, 0xab, 0xcd};
	struct xp_sense s;

	(void)state;
	assert_true(sense_of(&s, sks, 16));
	assert_true(s.has_progress);
	assert_int_equal(s.progress, 0x1234);
	assert_true(sense_of(&s, block, 16));
	assert_true(xp_sense_says_formatting(&s));
	for (size_t n = 8; n < 16; n++) {
		assert_true(sense_of(&s, sks, n));
		assert_false(s.has_progress);
	}
	for (size_t n = 0; n < 8; n++)
		assert_false(sense_of(&s, sks, n));
}

static void test_sense_block_progress_descriptor(void **state)
{
	static const uint8_t block[16] = {0x72, 0, 0, 0, 0, 0, 0,    8,
					  0x0a, 6, 0, 0, 0, 0, 0xab, 0xcd};
	struct xp_sense s;

	(void)state;
	assert_true(sense_of(&s, block, 16));
	assert_true(s.has_progress);
	assert_int_equal(s.progress, 0xabcd);
}

static void test_sense_progress_of_an_illegal_request_is_a_field_pointer(void **state)
{
	static const uint8_t bytes[18] = {0x70, 0, 5, 0,    0, 0, 0,	10, 0,
					  0,	0, 0, 0x24, 0, 0, 0xc0, 0,  1};
	struct xp_sense s;

	(void)state;
	assert_true(sense_of(&s, bytes, 18));
	assert_false(s.has_progress);
}

static void test_sense_failed_deferred_and_unknown(void **state)
{
	static const uint8_t failed[18] = {0x71, 0, 3, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x31, 0x03};
	uint8_t odd[18] = {0};
	struct xp_sense s;

	(void)state;
	assert_true(sense_of(&s, failed, 18));
	assert_true(s.is_deferred && xp_sense_says_sanitize_failed(&s));
	for (unsigned code = 0; code < 256; code++) {
		odd[0] = (uint8_t)code;
		odd[7] = 10;
		assert_int_equal(sense_of(&s, odd, 18),
				 (code & 0x7f) >= 0x70 && (code & 0x7f) <= 0x73);
	}
}

static void test_inquiry_fields_and_cut_off(void **state)
{
	uint8_t data[96] = {0x00, 0x80, 6, 2, 91, 1};
	struct xp_scsi_inquiry q;

	(void)state;
	memcpy(data + 8, "SEAGATE ST8000NM0075    E002", 28);
	assert_int_equal(xp_scsi_inquiry_parse(&q, data, 96, NULL), XP_OK);
	assert_string_equal(q.vendor, "SEAGATE");
	assert_string_equal(q.product, "ST8000NM0075");
	assert_string_equal(q.revision, "E002");
	assert_true(q.is_removable && q.is_connected && q.has_protection);
	for (size_t n = 0; n < 36; n++)
		assert_int_equal(xp_scsi_inquiry_parse(&q, data, n, NULL), XP_E_MALFORMED);
	data[0] = 0x7f;
	assert_int_equal(xp_scsi_inquiry_parse(&q, data, 36, NULL), XP_OK);
	assert_false(q.is_connected);
	assert_int_equal(q.type, 0x1f);
}

/* LU NAA 5000c500aabbccdd, target port NAA, T10 text, EUI-64 */
static const uint8_t names[] = {0x00, 0x83, 0x00, 0x2c, 0x61, 0x93, 0x00, 0x08, 0x50, 0x00,
				0xc5, 0x00, 0xaa, 0xbb, 0xcc, 0xdf, 0x02, 0x01, 0x00, 0x04,
				'T',  '1',  '0',  ' ',	0x01, 0x03, 0x00, 0x08, 0x50, 0x00,
				0xc5, 0x00, 0xaa, 0xbb, 0xcc, 0xdd, 0x01, 0x02, 0x00, 0x08,
				1,    2,    3,	  4,	5,    6,    7,	  8};

static void test_vpd_names_are_those_of_the_unit(void **state)
{
	struct xp_scsi_names n;
	uint8_t bad[sizeof(names)];

	(void)state;
	assert_int_equal(xp_scsi_vpd_names_parse(&n, names, sizeof(names), NULL), XP_OK);
	assert_string_equal(n.naa, "naa.5000c500aabbccdd");
	assert_string_equal(n.eui, "eui.0102030405060708");
	for (size_t len = 0; len < sizeof(names); len++)
		assert_int_equal(xp_scsi_vpd_names_parse(&n, names, len, NULL), XP_E_MALFORMED);
	/* a name that goes past the page */
	memcpy(bad, names, sizeof(names));
	bad[39] = 200;
	assert_int_equal(xp_scsi_vpd_names_parse(&n, bad, sizeof(bad), NULL), XP_E_MALFORMED);
	/* names of other lengths than the standard has are none */
	memcpy(bad, names, sizeof(names));
	bad[24] = 0x02; /* text, not binary */
	assert_int_equal(xp_scsi_vpd_names_parse(&n, bad, sizeof(bad), NULL), XP_OK);
	assert_string_equal(n.naa, "");
}

static void test_vpd_serial_and_pages(void **state)
{
	static const uint8_t serial[] = {0, 0x80, 0, 8, ' ', ' ', 'A', 'B', '1', '2', ' ', ' '};
	static const uint8_t hostile[] = {0, 0x80, 0, 3, 'A', 0x1b, '['};
	static const uint8_t pages[] = {0, 0, 0, 3, 0, 0x80, 0x89};
	struct xp_scsi_vpd_pages p;
	char out[517];

	(void)state;
	assert_int_equal(xp_scsi_vpd_serial_parse(out, sizeof(out), serial, 12, NULL), XP_OK);
	assert_string_equal(out, "AB12");
	assert_int_equal(xp_scsi_vpd_serial_parse(out, sizeof(out), hostile, 7, NULL), XP_OK);
	assert_string_equal(out, "hex:411b5b");
	assert_int_equal(xp_scsi_vpd_serial_parse(out, sizeof(out), serial, 11, NULL),
			 XP_E_MALFORMED);
	assert_int_equal(xp_scsi_vpd_serial_parse(out, sizeof(out), pages, 7, NULL),
			 XP_E_MALFORMED);
	assert_int_equal(xp_scsi_vpd_pages_parse(&p, pages, 7, NULL), XP_OK);
	assert_true(p.has[0x80] && p.has[0x89] && !p.has[0x83]);
}

static void test_vpd_ata_needs_all_of_its_572_bytes(void **state)
{
	uint8_t data[572] = {0, 0x89, 0x02, 0x38};
	struct xp_scsi_vpd_ata a;

	(void)state;
	memcpy(data + 8, "LSI     LSI SATL        0008", 28);
	data[56] = 0xec;
	data[60] = 0x5a;
	assert_int_equal(xp_scsi_vpd_ata_parse(&a, data, 572, NULL), XP_OK);
	assert_string_equal(a.product, "LSI SATL");
	assert_int_equal(a.command, 0xec);
	assert_int_equal(a.identify[0], 0x5a);
	for (size_t n = 0; n < 572; n += 7)
		assert_int_equal(xp_scsi_vpd_ata_parse(&a, data, n, NULL), XP_E_MALFORMED);
	data[3] = 0x37; /* it says that it is shorter */
	assert_int_equal(xp_scsi_vpd_ata_parse(&a, data, 572, NULL), XP_E_MALFORMED);
}

static void test_vpd_limits_media_and_provisioning(void **state)
{
	uint8_t data[64] = {0, 0xb0, 0, 60, 1};
	struct xp_scsi_limits l;
	struct xp_scsi_media m;
	struct xp_scsi_provisioning p;

	(void)state;
	put_be32(data + 20, 4096);
	put_be64(data + 36, 65535);
	assert_int_equal(xp_scsi_vpd_limits_parse(&l, data, 64, NULL), XP_OK);
	assert_true(l.write_same_nonzero && l.unmap_lbas == 4096 && l.write_same_blocks == 65535);
	data[3] = 8;
	assert_int_equal(xp_scsi_vpd_limits_parse(&l, data, 64, NULL), XP_E_MALFORMED);
	memset(data, 0, sizeof(data));
	data[1] = 0xb1;
	data[3] = 60;
	put_be16(data + 4, 1);
	data[7] = 0xe3; /* WABEREQ 3, WACEREQ 2, form factor 3 */
	data[8] = 0x10;
	assert_int_equal(xp_scsi_vpd_media_parse(&m, data, 64, NULL), XP_OK);
	assert_true(m.is_non_rotating && !m.is_rotating);
	assert_int_equal(m.after_block_erase, XP_SCSI_AFTER_WRITE_FIRST);
	assert_int_equal(m.after_crypto_erase, XP_SCSI_AFTER_ERROR);
	assert_int_equal(m.zoned, 1);
	put_be16(data + 4, 0x400);
	assert_int_equal(xp_scsi_vpd_media_parse(&m, data, 64, NULL), XP_OK);
	assert_false(m.is_non_rotating || m.is_rotating);
	data[1] = 0xb2;
	data[3] = 4;
	data[5] = 0xe4;
	data[6] = 2;
	assert_int_equal(xp_scsi_vpd_provisioning_parse(&p, data, 8, NULL), XP_OK);
	assert_true(p.has_unmap && p.has_write_same_unmap && p.has_write_same_10_unmap);
	assert_int_equal(p.reads, 1);
	assert_int_equal(p.type, 2);
	assert_int_equal(xp_scsi_vpd_provisioning_parse(&p, data, 7, NULL), XP_E_MALFORMED);
}

static void test_capacity_520_protected_and_absurd(void **state)
{
	uint8_t data[32] = {0};
	struct xp_scsi_capacity c;

	(void)state;
	put_be64(data, 999);
	put_be32(data + 8, 520);
	data[12] = 0x05; /* PROT_EN, P_TYPE 2 */
	data[13] = 0x03;
	data[14] = 0xc0;
	assert_int_equal(xp_scsi_capacity_parse(&c, data, 32, NULL), XP_OK);
	assert_true(c.bytes == 520000);
	assert_int_equal(c.protection_type, 3);
	assert_int_equal(c.physical_bytes, 4160);
	assert_true(c.is_provisioned && c.unmapped_reads_zero);
	for (size_t n = 0; n < 32; n++)
		assert_int_equal(xp_scsi_capacity_parse(&c, data, n, NULL), XP_E_MALFORMED);
	data[12] = 0x0f;
	assert_int_equal(xp_scsi_capacity_parse(&c, data, 32, NULL), XP_E_MALFORMED);
	data[12] = 0;
	put_be64(data, UINT64_MAX);
	assert_int_equal(xp_scsi_capacity_parse(&c, data, 32, NULL), XP_E_MALFORMED);
	put_be64(data, UINT64_MAX - 1);
	assert_int_equal(xp_scsi_capacity_parse(&c, data, 32, NULL), XP_E_MALFORMED);
	put_be64(data, 999);
	put_be32(data + 8, 0);
	assert_int_equal(xp_scsi_capacity_parse(&c, data, 32, NULL), XP_E_MALFORMED);
	put_be32(data + 8, 65537);
	assert_int_equal(xp_scsi_capacity_parse(&c, data, 32, NULL), XP_E_MALFORMED);
}

static void test_report_opcode_only_yes_and_no_count(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 256; v++) {
		uint8_t data[4] = {0, (uint8_t)v};
		bool supported = false;
		bool said = xp_scsi_report_opcode_parse(&supported, data, 4);

		assert_int_equal(said, (v & 7) == 1 || (v & 7) == 3 || (v & 7) == 5);
		assert_int_equal(supported, (v & 7) == 3 || (v & 7) == 5);
		assert_false(xp_scsi_report_opcode_parse(&supported, data, 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sense_fixed_with_progress),
		cmocka_unit_test(test_sense_descriptor_with_progress),
		cmocka_unit_test(test_sense_block_progress_descriptor),
		cmocka_unit_test(test_sense_progress_of_an_illegal_request_is_a_field_pointer),
		cmocka_unit_test(test_sense_failed_deferred_and_unknown),
		cmocka_unit_test(test_inquiry_fields_and_cut_off),
		cmocka_unit_test(test_vpd_names_are_those_of_the_unit),
		cmocka_unit_test(test_vpd_serial_and_pages),
		cmocka_unit_test(test_vpd_ata_needs_all_of_its_572_bytes),
		cmocka_unit_test(test_vpd_limits_media_and_provisioning),
		cmocka_unit_test(test_capacity_520_protected_and_absurd),
		cmocka_unit_test(test_report_opcode_only_yes_and_no_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
