/* The probe over fake drives: what it makes of their answers. */
#include "base/cleanup.h"
#include "base/wire.h"
#include "tests/fake/identify_data.h"
#include "tests/fake/probe_drives.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SATA(w, want)                                                                              \
	fake_probe_ask((w), XP_TRANSPORT_SCSI, fake_probe_sata, XP_ARRAY_LEN(fake_probe_sata),     \
		       (want))

static void test_sata_facts_come_from_the_drive(void **state)
{
	struct fake_probe w = {0};

	(void)state;
	SATA(&w, XP_OK);
	assert_true(w.facts.is_ata);
	assert_string_equal(w.id.model, "Samsung SSD 870 QVO 4TB");
	assert_string_equal(w.id.firmware, "SVQ02B6Q");
	assert_string_equal(w.id.wwn, "naa.5002538000000000");
	assert_int_equal(w.id.media, XP_MEDIA_SSD);
	assert_int_equal(w.id.bus, XP_BUS_ATA);
	assert_true(w.id.capacity_bytes == 7814037168ULL * 512);
	assert_true(w.facts.ata.id.security.frozen);
	assert_int_equal(w.facts.ata.registers, XP_ASKED_GOOD);
	assert_true(w.facts.ata.security_log.restricted_sanitize_overrides);
	assert_int_equal(w.facts.ata.statistics.power_on_hours, 4711);
	assert_int_equal(w.facts.ata.smart, XP_ASKED_GOOD);
	assert_false(w.facts.ata.smart_exceeded);
	assert_true(w.facts.hidden.apply && w.facts.hidden.known);
	assert_true(w.facts.hidden.factory_bytes == w.facts.hidden.current_bytes);
	assert_true(xp_tcg_can_crypto_erase(&w.facts.tcg));
	assert_int_equal(w.facts.tcg.base_comid, 0x1000);
	assert_int_equal(w.facts.notes_n, 0);
	assert_int_equal(w.id.raw[0].kind, XP_RAW_SCSI_INQUIRY);
	fake_probe_free(&w);
}

static void test_sata_hidden_area_is_seen(void **state)
{
	struct fake_probe w = {0};

	(void)state;
	fake_probe_registers(&fake_probe_sata[FAKE_NATIVE], 0, 0, 7814037167 + 2048, 0x50);
	SATA(&w, XP_OK);
	assert_true(w.facts.hidden.known);
	assert_true(w.facts.hidden.native_bytes == (7814037168ULL + 2048) * 512);
	fake_probe_free(&w);
}

static void test_sata_native_max_not_answered_is_unknown(void **state)
{
	static const struct {
		uint8_t error, status;
		uint64_t lba;
	} bad[] = {
		{0, 0, 0},	       /* lost */
		{0, 0x50, 0},	       /* dropped */
		{4, 0x51, 0},	       /* aborted */
		{0, 0x50, 7814037166}, /* less than it has */
		{0, 0xd0, 7814037167}, /* busy */
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++) {
		struct fake_probe w = {0};

		fake_probe_registers(&fake_probe_sata[FAKE_NATIVE], bad[i].error, 0, bad[i].lba,
				     bad[i].status);
		SATA(&w, XP_OK);
		assert_true(w.facts.hidden.apply);
		assert_false(w.facts.hidden.known);
		assert_true(w.facts.notes_n > 0);
		assert_true(w.facts.hidden.why[0] != 0);
		fake_probe_free(&w);
	}
}

static void test_sata_dco_tells_the_factory_capacity(void **state)
{
	struct fake_probe w = {0};

	(void)state;
	identify_data_read(fake_probe_identify, 512, "constructed-ssd-960gb-locked.hex");
	fake_probe_registers(&fake_probe_sata[FAKE_NATIVE], 0, 0, 1875385007, 0x50);
	fake_probe_set_dco(1999999999);
	SATA(&w, XP_OK);
	assert_true(w.facts.hidden.known);
	assert_true(w.facts.hidden.factory_bytes == 2000000000ULL * 512);
	assert_true(w.facts.ata.id.security.locked);
	fake_probe_free(&w);
	/* frozen: it aborts */
	fake_probe_registers(&fake_probe_sata[FAKE_DCO], 4, 0, 0, 0x51);
	SATA(&w, XP_OK);
	assert_int_equal(w.facts.ata.dco, XP_ASKED_REFUSED);
	assert_false(w.facts.hidden.known);
	fake_probe_free(&w);
	fake_probe_registers(&fake_probe_sata[FAKE_DCO], 0, 1, 0, 0x50);
	fake_probe_dco[100] ^= 1; /* its checksum fails */
	SATA(&w, XP_OK);
	assert_int_equal(w.facts.ata.dco, XP_ASKED_MALFORMED);
	assert_false(w.facts.hidden.known);
	fake_probe_free(&w);
}

static void test_sata_sanitize_status_is_asked_and_never_guessed(void **state)
{
	static const struct {
		uint8_t error;
		uint16_t count;
		uint64_t lba;
		uint8_t status;
		enum xp_ata_sanitize_state want;
		enum xp_asked asked;
	} rows[] = {
		{0, 0x8000, 0xffff, 0x50, XP_ATA_SANITIZE_SUCCEEDED, XP_ASKED_GOOD},
		{0, 0x4000, 0x8000, 0x50, XP_ATA_SANITIZE_RUNNING, XP_ASKED_GOOD},
		{0, 0xc000, 0x8000, 0x50, XP_ATA_SANITIZE_RUNNING, XP_ASKED_GOOD},
		{0, 0, 0xffff, 0x50, XP_ATA_SANITIZE_NONE, XP_ASKED_GOOD},
		{4, 0, 1, 0x51, XP_ATA_SANITIZE_FAILED, XP_ASKED_GOOD},
		{4, 0, 2, 0x51, XP_ATA_SANITIZE_REFUSED, XP_ASKED_REFUSED},
		{0, 0, 0, 0x50, XP_ATA_SANITIZE_UNKNOWN, XP_ASKED_MALFORMED},
		{0, 0x8000, 0xffff, 0, XP_ATA_SANITIZE_UNKNOWN, XP_ASKED_REFUSED},
	};

	(void)state;
	identify_data_read(fake_probe_identify, 512, "constructed-hdd-8tb-frozen.hex");
	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++) {
		struct fake_probe w = {0};

		fake_probe_registers(&fake_probe_sata[FAKE_SANITIZE], rows[i].error, rows[i].count,
				     rows[i].lba, rows[i].status);
		SATA(&w, XP_OK);
		assert_int_equal(w.facts.ata.sanitize.state, rows[i].want);
		assert_int_equal(w.facts.ata.sanitize_status, rows[i].asked);
		fake_probe_free(&w);
	}
}

static void test_usb_bridge_serial_is_not_the_drive_s(void **state)
{
	struct fake_probe w = {.id = {.bus = XP_BUS_USB, .serial = "BRIDGE01"}};

	(void)state;
	memcpy(fake_probe_inquiry + 8, "BRIDGE  USB 3.0 BOX     0100", 28);
	SATA(&w, XP_OK);
	assert_false(w.facts.is_ata);
	assert_true(w.facts.is_bridged);
	assert_string_equal(w.id.serial, "");
	assert_string_equal(w.facts.scsi.serial, "SER1");
	assert_true(w.facts.hidden.apply && !w.facts.hidden.known);
	fake_probe_free(&w);
}

static void test_usb_old_stick_is_not_asked_for_pages(void **state)
{
	struct fake_probe w = {.id = {.bus = XP_BUS_USB}};

	(void)state;
	memcpy(fake_probe_inquiry + 8, "STICK   OLD             0100", 28);
	fake_probe_inquiry[2] = 2;
	SATA(&w, XP_OK);
	assert_int_equal(w.facts.scsi.pages, XP_ASKED_NEVER);
	assert_int_equal(w.drive.asked, 3); /* INQUIRY, READ CAPACITY, REQUEST SENSE */
	fake_probe_inquiry[2] = 6;
	fake_probe_free(&w);
}

static void test_first_question_unanswered_fails(void **state)
{
	static const struct fake_answer silent[] = {
		{.cdb = {0x12}, .cdb_len = 1, .rc = XP_E_TIMEOUT}};
	static const uint8_t optical[36] = {0x05, 0x80, 5};
	static const struct fake_answer dvd[] = {
		{.cdb = {0x12}, .cdb_len = 1, .in = optical, .in_len = 36}};
	struct fake_probe w = {0};

	(void)state;
	fake_probe_ask(&w, XP_TRANSPORT_SCSI, silent, 1, XP_E_IO);
	fake_probe_free(&w);
	fake_probe_ask(&w, XP_TRANSPORT_SCSI, NULL, 0, XP_E_DEVICE);
	fake_probe_free(&w);
	fake_probe_ask(&w, XP_TRANSPORT_SCSI, dvd, 1, XP_E_UNSUPPORTED);
	assert_int_equal(w.drive.asked, 1);
	fake_probe_free(&w);
}

static void test_sas_sanitize_is_asked_by_service_action(void **state)
{
	static const uint8_t yes[4] = {0, 3}, no[4] = {0, 1}, unsaid[4] = {0, 0};
	static const uint8_t reserved[24] = {0, 0, 0, 1, 0, 0, 0, 16};
	struct fake_answer sas[XP_ARRAY_LEN(fake_probe_sata) + 4] = {
		{.cdb = {0xa3, 0x0c, 2, 0x48, 0, 3}, .cdb_len = 6, .in = yes, .in_len = 4},
		{.cdb = {0xa3, 0x0c, 2, 0x48, 0, 2}, .cdb_len = 6, .in = no, .in_len = 4},
		{.cdb = {0xa3, 0x0c, 2, 0x48, 0, 1}, .cdb_len = 6, .in = unsaid, .in_len = 4},
		{.cdb = {0x5e, 1}, .cdb_len = 2, .in = reserved, .in_len = 24},
	};
	struct fake_probe w = {.id = {.bus = XP_BUS_SAS}};

	(void)state;
	memcpy(sas + 4, fake_probe_sata + FAKE_REST,
	       sizeof(fake_probe_sata) - FAKE_REST * sizeof(fake_probe_sata[0]));
	memcpy(fake_probe_inquiry + 8, "SEAGATE ST8000NM0075    E002", 28);
	put_be64(fake_probe_capacity, 15628053167);
	fake_probe_ask(&w, XP_TRANSPORT_SCSI, sas, XP_ARRAY_LEN(sas) - FAKE_REST, XP_OK);
	assert_int_equal(w.facts.scsi.sanitize_crypto, XP_YES);
	assert_int_equal(w.facts.scsi.sanitize_block, XP_NO);
	assert_int_equal(w.facts.scsi.sanitize_overwrite, XP_UNSAID);
	assert_int_equal(w.facts.scsi.media.after_block_erase, XP_SCSI_AFTER_GOOD);
	assert_int_equal(w.facts.scsi.media.after_crypto_erase, XP_SCSI_AFTER_ERROR);
	assert_true(w.facts.scsi.is_reserved);
	assert_string_equal(w.id.serial, "SER1");
	assert_string_equal(w.id.wwn, "naa.5000c50011223344");
	assert_int_equal(w.id.media, XP_MEDIA_HDD);
	assert_true(w.id.capacity_bytes == 15628053168ULL * 512);
	fake_probe_free(&w);
}

static void test_nvme_facts_come_from_the_drive(void **state)
{
	struct fake_probe w = {0};

	(void)state;
	fake_probe_fill_nvme("lexar-nm790-4tb.nvme-hex");
	fake_probe_ask(&w, XP_TRANSPORT_NVME, fake_probe_nvme, XP_ARRAY_LEN(fake_probe_nvme),
		       XP_OK);
	assert_string_equal(w.id.model, "Lexar SSD NM790 4TB");
	assert_string_equal(w.id.firmware, "12237");
	assert_int_equal(w.facts.nvme.ctrl.version >> 16, 2);
	/* TNVMCAP of that drive: 4096.7 GB, as it was published */
	assert_true(w.facts.nvme.ctrl.total_bytes == 0x3b9dca56000ULL);
	/* SANICAP 40000002h of that drive */
	assert_true(w.facts.nvme.ctrl.sanitize_block && !w.facts.nvme.ctrl.sanitize_crypto);
	assert_int_equal(w.facts.nvme.ctrl.no_deallocate_modifies, 1);
	assert_int_equal(w.facts.nvme.sanitize.state, XP_NVME_SANITIZE_SUCCEEDED);
	assert_int_equal(w.facts.nvme.health.kelvin, 0x132);
	assert_true(w.facts.nvme.health.power_on_hours == 2331);
	assert_true(w.id.capacity_bytes == 8001573552ULL * 512);
	assert_false(w.facts.hidden.apply);
	fake_probe_free(&w);
	/* two namespaces: the probe does not say which one is meant */
	put_le32(fake_probe_ns_list + 4, 7);
	fake_probe_ask(&w, XP_TRANSPORT_NVME, fake_probe_nvme, XP_ARRAY_LEN(fake_probe_nvme),
		       XP_OK);
	assert_int_equal(w.facts.nvme.ns_n, 2);
	assert_true(w.facts.hidden.current_bytes == 2 * 8001573552ULL * 512);
	fake_probe_free(&w);
}

static void test_nvme_list_that_lies_is_not_believed(void **state)
{
	struct fake_probe w = {0};

	(void)state;
	fake_probe_fill_nvme("samsung-pm981a.nvme-hex");
	put_le32(fake_probe_ns_list, 5);
	put_le32(fake_probe_ns_list + 4, 5);
	fake_probe_ask(&w, XP_TRANSPORT_NVME, fake_probe_nvme, XP_ARRAY_LEN(fake_probe_nvme),
		       XP_OK);
	assert_int_equal(w.facts.nvme.active_list, XP_ASKED_MALFORMED);
	assert_int_equal(w.facts.nvme.ns_n, 0);
	fake_probe_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sata_facts_come_from_the_drive, fake_probe_setup),
		cmocka_unit_test_setup(test_sata_hidden_area_is_seen, fake_probe_setup),
		cmocka_unit_test_setup(test_sata_native_max_not_answered_is_unknown,
				       fake_probe_setup),
		cmocka_unit_test_setup(test_sata_dco_tells_the_factory_capacity, fake_probe_setup),
		cmocka_unit_test_setup(test_sata_sanitize_status_is_asked_and_never_guessed,
				       fake_probe_setup),
		cmocka_unit_test_setup(test_usb_bridge_serial_is_not_the_drive_s, fake_probe_setup),
		cmocka_unit_test_setup(test_usb_old_stick_is_not_asked_for_pages, fake_probe_setup),
		cmocka_unit_test_setup(test_first_question_unanswered_fails, fake_probe_setup),
		cmocka_unit_test_setup(test_sas_sanitize_is_asked_by_service_action,
				       fake_probe_setup),
		cmocka_unit_test_setup(test_nvme_facts_come_from_the_drive, fake_probe_setup),
		cmocka_unit_test_setup(test_nvme_list_that_lies_is_not_believed, fake_probe_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
