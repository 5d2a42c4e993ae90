/*
 * The probe over fake drives. The SATA ones answer with the IDENTIFY data of tests/data/identify;
 * what is recorded of each must be, byte for byte, the transcript in tests/replay. With
 * EXPUNGE_WRITE_TRANSCRIPTS set these files are written anew.
 */
#include "device/probe.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/wire.h"
#include "device/transcript.h"
#include "tests/fake/fake_drive.h"
#include "tests/fake/identify_data.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* Sense 01/00/1D with the ATA Status Return descriptor. */
#define REGISTERS(er, co, lb, st)                                                                  \
	.status = 2, .sense_len = 22,                                                              \
	.sense = {0x72,                                                                            \
		  1,                                                                               \
		  0,                                                                               \
		  0x1d,                                                                            \
		  0,                                                                               \
		  0,                                                                               \
		  0,                                                                               \
		  14,                                                                              \
		  0x09,                                                                            \
		  0x0c,                                                                            \
		  1,                                                                               \
		  (er),                                                                            \
		  (uint8_t)((co) >> 8),                                                            \
		  (uint8_t)(co),                                                                   \
		  (uint8_t)((lb) >> 24),                                                           \
		  (uint8_t)(lb),                                                                   \
		  (uint8_t)((uint64_t)(lb) >> 32),                                                 \
		  (uint8_t)((lb) >> 8),                                                            \
		  (uint8_t)((uint64_t)(lb) >> 40),                                                 \
		  (uint8_t)((lb) >> 16),                                                           \
		  0x40,                                                                            \
		  (st)}
/* The 16-byte pass-through: its first bytes up to COMMAND */
#define NON_DATA(ext, feature, command)                                                            \
	.cdb = {0x85, 0x06 | (ext), 0x20, 0, (feature), 0, 0, 0, 0, 0, 0, 0, 0, 0x40, (command)},  \
	.cdb_len = 15
#define LOG_PAGE(log, page)                                                                        \
	.cdb = {0x85, 0x09, 0x0e, 0, 0, 0, 1, 0, (log), 0, (page), 0, 0, 0x40, 0x2f}, .cdb_len = 15
#define VPD(page) .cdb = {0x12, 1, (page)}, .cdb_len = 3

static uint8_t inquiry[96] = {0, 0, 6, 2, 91, 0, 0, 2};
static const uint8_t vpd_pages[] = {0, 0, 0, 5, 0, 0x80, 0x83, 0xb0, 0xb1};
static const uint8_t vpd_serial[] = {0, 0x80, 0, 4, 'S', 'E', 'R', '1'};
static const uint8_t vpd_names[] = {0,	  0x83, 0,    12,   1,	  3,	0,    8,
				    0x50, 0,	0xc5, 0x00, 0x11, 0x22, 0x33, 0x44};
static uint8_t vpd_limits[64] = {0, 0xb0, 0, 60};
static uint8_t vpd_media[64] = {0, 0xb1, 0, 60, 0x1c, 0x20, 0, 0x62};
static uint8_t capacity[32];
static const uint8_t no_sense[18] = {0x70, 0, 0, 0, 0, 0, 0, 10};
static uint8_t identify_data[512];
static uint8_t security_page[512] = {1, 0, 6, 0, 0, 0, 0, 0x80};
static uint8_t statistics_page[512] = {1, 0, 1, 0, 0, 0, 0, 0x80};
static uint8_t dco[512];
/* level 0 discovery: locking with media encryption, Opal 2 */
static const uint8_t tcg[48 + 16 + 20] = {
	[3] = 80,    [5] = 1,	  [49] = 0x02, [50] = 0x10, [51] = 12, [52] = 0x09, [64] = 0x02,
	[65] = 0x03, [66] = 0x20, [67] = 16,   [68] = 0x10, [70] = 0,  [71] = 1,
};

/* A drive behind libata; FAKE_SANITIZE, FAKE_NATIVE and FAKE_DCO are filled by each test. */
enum { FAKE_SANITIZE, FAKE_POWER, FAKE_NATIVE, FAKE_AMAC, FAKE_DCO, FAKE_SMART, FAKE_REST = 6 };
static struct fake_answer sata[] = {
	[FAKE_SANITIZE] = {NON_DATA(1, 0, 0xb4), REGISTERS(0, 0, 0xffffULL, 0x50)},
	[FAKE_POWER] = {NON_DATA(0, 0, 0xe5), REGISTERS(0, 0xff, 0ULL, 0x50)},
	[FAKE_NATIVE] = {NON_DATA(1, 0, 0x27), REGISTERS(0, 0, 7814037167ULL, 0x50)},
	[FAKE_AMAC] = {NON_DATA(1, 0, 0x78), REGISTERS(0, 0, 15628053167ULL, 0x50)},
	[FAKE_DCO] = {.cdb = {0x85, 0x08, 0x2e, 0, 0xc2, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xb1},
		      .cdb_len = 15,
		      .in = dco,
		      .in_len = 512,
		      REGISTERS(0, 1, 0ULL, 0x50)},
	[FAKE_SMART] = {.cdb = {0x85, 0x06, 0x20, 0, 0xda},
			.cdb_len = 5,
			REGISTERS(0, 0, 0xc24f00ULL, 0x50)},
	{.cdb = {0x85, 0x08, 0x0e, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xec},
	 .cdb_len = 15,
	 .in = identify_data,
	 .in_len = 512},
	{LOG_PAGE(0x30, 6), .in = security_page, .in_len = 512},
	{LOG_PAGE(0x04, 1), .in = statistics_page, .in_len = 512},
	{VPD(0), .in = vpd_pages, .in_len = sizeof(vpd_pages)},
	{VPD(0x80), .in = vpd_serial, .in_len = sizeof(vpd_serial)},
	{VPD(0x83), .in = vpd_names, .in_len = sizeof(vpd_names)},
	{VPD(0xb0), .in = vpd_limits, .in_len = sizeof(vpd_limits)},
	{VPD(0xb1), .in = vpd_media, .in_len = sizeof(vpd_media)},
	{.cdb = {0x12, 0}, .cdb_len = 2, .in = inquiry, .in_len = sizeof(inquiry)},
	{.cdb = {0x9e, 0x10}, .cdb_len = 2, .in = capacity, .in_len = sizeof(capacity)},
	{.cdb = {0x03}, .cdb_len = 1, .in = no_sense, .in_len = sizeof(no_sense)},
	{.cdb = {0xa2, 1, 0, 1}, .cdb_len = 4, .in = tcg, .in_len = sizeof(tcg)},
};

struct world {
	struct fake_drive drive;
	bool blanks; /* record: blank serials */
	struct xp_drive_facts facts;
	struct xp_identity id;
	struct xp_err err;
};

static void probe(struct world *w, enum xp_transport_kind kind, const struct fake_answer *answers,
		  size_t n, enum xp_rc want)
{
	AUTO(xp_transport_free) struct xp_transport *t = NULL;

	w->drive = (struct fake_drive){.answers = answers, .n = n};
	assert_int_equal(fake_drive_open(&t, kind, &w->drive, &w->err), XP_OK);
	assert_int_equal(xp_probe_drive(&w->facts, t, &w->id, &w->err), want);
}

static void world_free(struct world *w)
{
	xp_drive_facts_free(&w->facts);
	xp_identity_free(&w->id);
}

/* An answer of register values instead of the one in the list. */
static void set_registers(struct fake_answer *a, uint8_t error, uint16_t count, uint64_t lba,
			  uint8_t status)
{
	struct fake_answer r = {REGISTERS(error, count, lba, status)};

	memcpy(a->sense, r.sense, sizeof(a->sense));
	a->sense_len = r.sense_len;
	a->status = 2;
}

static void set_dco(uint64_t last)
{
	uint8_t sum = 0;

	memset(dco, 0, sizeof(dco));
	dco[0] = 2;
	put_le64(dco + 6, last);
	dco[510] = 0xa5;
	for (size_t i = 0; i < 511; i++)
		sum = (uint8_t)(sum + dco[i]);
	dco[511] = (uint8_t)(0x100 - sum);
}

static int setup(void **state)
{
	(void)state;
	memcpy(inquiry + 8, "ATA     EXAMPLE         CN01", 28);
	put_be64(capacity, 7814037167);
	put_be32(capacity + 8, 512);
	put_le64(security_page + 48, 1ULL << 63 | 1 << 7);
	put_le64(statistics_page + 16, 3ULL << 62 | 4711);
	set_registers(&sata[FAKE_SANITIZE], 0, 0, 0xffff, 0x50);
	set_registers(&sata[FAKE_POWER], 0, 0xff, 0, 0x50);
	set_registers(&sata[FAKE_NATIVE], 0, 0, 7814037167, 0x50);
	set_registers(&sata[FAKE_AMAC], 0, 0, 15628053167, 0x50);
	set_registers(&sata[FAKE_SMART], 0, 0, 0xc24f00, 0x50);
	set_registers(&sata[FAKE_DCO], 0, 1, 0, 0x50);
	sata[FAKE_DCO].rc = XP_OK;
	set_dco(7814037167);
	identify_data_read(identify_data, 512, "samsung-870-qvo-4tb.hex");
	return 0;
}

#define SATA(w, want) probe((w), XP_TRANSPORT_SCSI, sata, XP_ARRAY_LEN(sata), (want))

static void test_sata_facts_come_from_the_drive(void **state)
{
	struct world w = {0};

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
	world_free(&w);
}

static void test_sata_hidden_area_is_seen(void **state)
{
	struct world w = {0};

	(void)state;
	set_registers(&sata[FAKE_NATIVE], 0, 0, 7814037167 + 2048, 0x50);
	SATA(&w, XP_OK);
	assert_true(w.facts.hidden.known);
	assert_true(w.facts.hidden.native_bytes == (7814037168ULL + 2048) * 512);
	world_free(&w);
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
		struct world w = {0};

		set_registers(&sata[FAKE_NATIVE], bad[i].error, 0, bad[i].lba, bad[i].status);
		SATA(&w, XP_OK);
		assert_true(w.facts.hidden.apply);
		assert_false(w.facts.hidden.known);
		assert_true(w.facts.notes_n > 0);
		assert_true(w.facts.hidden.why[0] != 0);
		world_free(&w);
	}
}

static void test_sata_dco_tells_the_factory_capacity(void **state)
{
	struct world w = {0};

	(void)state;
	identify_data_read(identify_data, 512, "constructed-ssd-960gb-locked.hex");
	set_registers(&sata[FAKE_NATIVE], 0, 0, 1875385007, 0x50);
	set_dco(1999999999);
	SATA(&w, XP_OK);
	assert_true(w.facts.hidden.known);
	assert_true(w.facts.hidden.factory_bytes == 2000000000ULL * 512);
	assert_true(w.facts.ata.id.security.locked);
	world_free(&w);
	/* frozen: it aborts */
	set_registers(&sata[FAKE_DCO], 4, 0, 0, 0x51);
	SATA(&w, XP_OK);
	assert_int_equal(w.facts.ata.dco, XP_ASKED_REFUSED);
	assert_false(w.facts.hidden.known);
	world_free(&w);
	set_registers(&sata[FAKE_DCO], 0, 1, 0, 0x50);
	dco[100] ^= 1; /* its checksum fails */
	SATA(&w, XP_OK);
	assert_int_equal(w.facts.ata.dco, XP_ASKED_MALFORMED);
	assert_false(w.facts.hidden.known);
	world_free(&w);
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
	identify_data_read(identify_data, 512, "constructed-hdd-8tb-frozen.hex");
	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++) {
		struct world w = {0};

		set_registers(&sata[FAKE_SANITIZE], rows[i].error, rows[i].count, rows[i].lba,
			      rows[i].status);
		SATA(&w, XP_OK);
		assert_int_equal(w.facts.ata.sanitize.state, rows[i].want);
		assert_int_equal(w.facts.ata.sanitize_status, rows[i].asked);
		world_free(&w);
	}
}

static void test_usb_bridge_serial_is_not_the_drive_s(void **state)
{
	struct world w = {.id = {.bus = XP_BUS_USB, .serial = "BRIDGE01"}};

	(void)state;
	memcpy(inquiry + 8, "BRIDGE  USB 3.0 BOX     0100", 28);
	SATA(&w, XP_OK);
	assert_false(w.facts.is_ata);
	assert_true(w.facts.is_bridged);
	assert_string_equal(w.id.serial, "");
	assert_string_equal(w.facts.scsi.serial, "SER1");
	assert_true(w.facts.hidden.apply && !w.facts.hidden.known);
	world_free(&w);
}

static void test_usb_old_stick_is_not_asked_for_pages(void **state)
{
	struct world w = {.id = {.bus = XP_BUS_USB}};

	(void)state;
	memcpy(inquiry + 8, "STICK   OLD             0100", 28);
	inquiry[2] = 2;
	SATA(&w, XP_OK);
	assert_int_equal(w.facts.scsi.pages, XP_ASKED_NEVER);
	assert_int_equal(w.drive.asked, 3); /* INQUIRY, READ CAPACITY, REQUEST SENSE */
	inquiry[2] = 6;
	world_free(&w);
}

static void test_first_question_unanswered_fails(void **state)
{
	static const struct fake_answer silent[] = {
		{.cdb = {0x12}, .cdb_len = 1, .rc = XP_E_TIMEOUT}};
	static const uint8_t optical[36] = {0x05, 0x80, 5};
	static const struct fake_answer dvd[] = {
		{.cdb = {0x12}, .cdb_len = 1, .in = optical, .in_len = 36}};
	struct world w = {0};

	(void)state;
	probe(&w, XP_TRANSPORT_SCSI, silent, 1, XP_E_IO);
	world_free(&w);
	probe(&w, XP_TRANSPORT_SCSI, NULL, 0, XP_E_DEVICE);
	world_free(&w);
	probe(&w, XP_TRANSPORT_SCSI, dvd, 1, XP_E_UNSUPPORTED);
	assert_int_equal(w.drive.asked, 1);
	world_free(&w);
}

static void test_sas_sanitize_is_asked_by_service_action(void **state)
{
	static const uint8_t yes[4] = {0, 3}, no[4] = {0, 1}, unsaid[4] = {0, 0};
	static const uint8_t reserved[24] = {0, 0, 0, 1, 0, 0, 0, 16};
	struct fake_answer sas[XP_ARRAY_LEN(sata) + 4] = {
		{.cdb = {0xa3, 0x0c, 2, 0x48, 0, 3}, .cdb_len = 6, .in = yes, .in_len = 4},
		{.cdb = {0xa3, 0x0c, 2, 0x48, 0, 2}, .cdb_len = 6, .in = no, .in_len = 4},
		{.cdb = {0xa3, 0x0c, 2, 0x48, 0, 1}, .cdb_len = 6, .in = unsaid, .in_len = 4},
		{.cdb = {0x5e, 1}, .cdb_len = 2, .in = reserved, .in_len = 24},
	};
	struct world w = {.id = {.bus = XP_BUS_SAS}};

	(void)state;
	memcpy(sas + 4, sata + FAKE_REST, sizeof(sata) - FAKE_REST * sizeof(sata[0]));
	memcpy(inquiry + 8, "SEAGATE ST8000NM0075    E002", 28);
	put_be64(capacity, 15628053167);
	probe(&w, XP_TRANSPORT_SCSI, sas, XP_ARRAY_LEN(sas) - FAKE_REST, XP_OK);
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
	world_free(&w);
}

static uint8_t ctrl[4096], ns_list[4096], ns[4096], sanitize_log[512], health_log[512];
static const struct fake_answer nvme[] = {
	{.cdb = {0x06}, .cdw10 = 1, .in = ctrl, .in_len = 4096},
	{.cdb = {0x06}, .cdw10 = 2, .in = ns_list, .in_len = 4096},
	{.cdb = {0x06}, .cdw10 = 0, .nsid = 1, .in = ns, .in_len = 4096},
	{.cdb = {0x06}, .cdw10 = 0, .nsid = 7, .in = ns, .in_len = 4096},
	{.cdb = {0x02}, .cdw10 = 0x007f8081, .nsid = 0xffffffff, .in = sanitize_log, .in_len = 512},
	{.cdb = {0x02}, .cdw10 = 0x007f8002, .nsid = 0xffffffff, .in = health_log, .in_len = 512},
};

static void fill_nvme(const char *name)
{
	identify_data_read(ctrl, 512, name);
	memset(ctrl + 512, 0, sizeof(ctrl) - 512);
	memset(ns_list, 0, sizeof(ns_list));
	put_le32(ns_list, 1);
	put_le64(ns, 8001573552);
	put_le64(ns + 8, 8001573552);
	ns[128 + 2] = 9;
	put_le16(sanitize_log, 0xffff);
	put_le16(sanitize_log + 2, 0x0101);
	put_le32(sanitize_log + 4, 2);
	health_log[1] = 0x32;
	health_log[2] = 1;
	health_log[3] = 100;
	put_le64(health_log + 128, 2331);
}

static void test_nvme_facts_come_from_the_drive(void **state)
{
	struct world w = {0};

	(void)state;
	fill_nvme("lexar-nm790-4tb.nvme-hex");
	probe(&w, XP_TRANSPORT_NVME, nvme, XP_ARRAY_LEN(nvme), XP_OK);
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
	world_free(&w);
	/* two namespaces: the probe does not say which one is meant */
	put_le32(ns_list + 4, 7);
	probe(&w, XP_TRANSPORT_NVME, nvme, XP_ARRAY_LEN(nvme), XP_OK);
	assert_int_equal(w.facts.nvme.ns_n, 2);
	assert_true(w.facts.hidden.current_bytes == 2 * 8001573552ULL * 512);
	world_free(&w);
}

static void test_nvme_list_that_lies_is_not_believed(void **state)
{
	struct world w = {0};

	(void)state;
	fill_nvme("samsung-pm981a.nvme-hex");
	put_le32(ns_list, 5);
	put_le32(ns_list + 4, 5);
	probe(&w, XP_TRANSPORT_NVME, nvme, XP_ARRAY_LEN(nvme), XP_OK);
	assert_int_equal(w.facts.nvme.active_list, XP_ASKED_MALFORMED);
	assert_int_equal(w.facts.nvme.ns_n, 0);
	world_free(&w);
}

/* Records the probe of DRIVE; the text is malloc'ed. */
static char *record(enum xp_transport_kind kind, enum xp_bus bus, const struct fake_answer *answers,
		    size_t n, struct world *w, size_t *len)
{
	AUTO_FD int fd = memfd_create("transcript", MFD_CLOEXEC);
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	struct xp_transport *inner = NULL;
	char *text;

	w->drive = (struct fake_drive){.answers = answers, .n = n};
	w->id.bus = bus;
	assert_int_equal(fake_drive_open(&inner, kind, &w->drive, NULL), XP_OK);
	assert_int_equal(xp_transport_record_open(&t, inner, bus, w->blanks, fd, NULL), XP_OK);
	assert_int_equal(xp_probe_drive(&w->facts, t, &w->id, &w->err), XP_OK);
	*len = (size_t)lseek(fd, 0, SEEK_END);
	text = malloc(*len + 1);
	assert_non_null(text);
	assert_int_equal(pread(fd, text, *len, 0), *len);
	text[*len] = 0;
	return text;
}

/* The file in tests/replay must hold TEXT, but for the version of the tool in its head. */
static void compare(const char *name, const char *text, size_t len)
{
	AUTO_MEM char *file = NULL;
	size_t file_len = 0;
	char path[256];
	const char *body = strchr(text, '\n');

	snprintf(path, sizeof(path), "tests/replay/%s.jsonl", name);
	if (getenv("EXPUNGE_WRITE_TRANSCRIPTS")) {
		AUTO_FILE FILE *f = fopen(path, "we");

		assert_non_null(f);
		assert_int_equal(fwrite(text, 1, len, f), len);
	}
	assert_int_equal(xp_file_read(&file, &file_len, path, XP_TRANSCRIPT_BYTES_MAX, NULL),
			 XP_OK);
	assert_non_null(strchr(file, '\n'));
	assert_string_equal(strchr(file, '\n'), body);
}

static void replay_and_compare(const struct world *w, const char *text, size_t len)
{
	struct xp_drive_facts facts;
	struct xp_target *target = calloc(1, sizeof(*target));
	struct xp_err err = {0};
	const char *difference = "";

	assert_non_null(target);
	assert_int_equal(xp_probe_transcript(&facts, target, text, len, &err), XP_OK);
	assert_true(xp_identity_same(&w->id, &target->identity, &difference));
	assert_string_equal(target->confirm, w->id.serial[0] ? w->id.serial : w->id.wwn);
	assert_int_equal(facts.notes_n, w->facts.notes_n);
	assert_int_equal(target->identity.raw_n, w->id.raw_n);
	for (size_t i = 0; i < w->id.raw_n; i++)
		assert_memory_equal(target->identity.raw[i].data, w->id.raw[i].data,
				    w->id.raw[i].len);
	assert_memory_equal(&facts.ata.id, &w->facts.ata.id, sizeof(facts.ata.id));
	xp_drive_facts_free(&facts);
	xp_target_free(target);
	free(target);
}

static void check_drive(const char *name, enum xp_transport_kind kind, enum xp_bus bus,
			const struct fake_answer *answers, size_t n)
{
	AUTO(world_free) struct world w = {0};
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	text = record(kind, bus, answers, n, &w, &len);
	compare(name, text, len);
	replay_and_compare(&w, text, len);
}

static void test_transcripts_of_all_drives_replay_to_the_same_facts(void **state)
{
	static const char *const ata_names[] = {
		"samsung-870-qvo-4tb",	      "seagate-st3400633as",	      "wd-wd4000kd",
		"constructed-hdd-8tb-frozen", "constructed-ssd-960gb-locked", "constructed-hdd-4kn",
	};
	static const char *const nvme_names[] = {"samsung-pm981a", "lexar-nm790-4tb"};
	char file[128];

	for (size_t i = 0; i < XP_ARRAY_LEN(ata_names); i++) {
		setup(state);
		snprintf(file, sizeof(file), "%s.hex", ata_names[i]);
		identify_data_read(identify_data, 512, file);
		check_drive(ata_names[i], XP_TRANSPORT_SCSI, XP_BUS_ATA, sata, XP_ARRAY_LEN(sata));
	}
	for (size_t i = 0; i < XP_ARRAY_LEN(nvme_names); i++) {
		snprintf(file, sizeof(file), "%s.nvme-hex", nvme_names[i]);
		fill_nvme(file);
		check_drive(nvme_names[i], XP_TRANSPORT_NVME, XP_BUS_NVME, nvme,
			    XP_ARRAY_LEN(nvme));
	}
}

static void test_transcript_that_ends_early_is_malformed(void **state)
{
	AUTO(world_free) struct world w = {0};
	AUTO_MEM char *text = NULL;
	struct xp_target *target = calloc(1, sizeof(*target));
	size_t len = 0;

	(void)state;
	assert_non_null(target);
	text = record(XP_TRANSPORT_SCSI, XP_BUS_ATA, sata, XP_ARRAY_LEN(sata), &w, &len);
	for (size_t n = 1; n < len; n++) {
		struct xp_drive_facts facts;

		if (text[n - 1] != '\n')
			continue;
		assert_int_equal(xp_probe_transcript(&facts, target, text, n, NULL),
				 XP_E_MALFORMED);
		xp_drive_facts_free(&facts);
		xp_target_free(target);
	}
	free(target);
}

/* Everything that tells a drive from its twins goes, and the transcript replays nevertheless. */
static void replay_blanked(const char *text, size_t len, const char *model)
{
	struct xp_drive_facts *facts = calloc(1, sizeof(*facts));
	struct xp_target *target = calloc(1, sizeof(*target));

	assert_true(facts && target);
	assert_int_equal(xp_probe_transcript(facts, target, text, len, NULL), XP_OK);
	assert_string_equal(target->identity.serial, "");
	assert_string_equal(target->identity.model, model);
	xp_drive_facts_free(facts);
	xp_target_free(target);
	free(facts);
	free(target);
}

static void test_transcript_with_blanked_ata_serials_replays(void **state)
{
	AUTO(world_free) struct world w = {.blanks = true};
	AUTO_MEM char *text = NULL;
	uint8_t sum = 0;
	size_t len = 0;

	(void)state;
	memcpy(identify_data + 20, "5354SECRET0000000000", 20);
	memcpy(identify_data + 220, "\x11\x22\x33\x44", 4);
	for (size_t i = 0; i < 511; i++)
		sum = (uint8_t)(sum + identify_data[i]);
	identify_data[511] = (uint8_t)(0x100 - sum);
	text = record(XP_TRANSPORT_SCSI, XP_BUS_ATA, sata, XP_ARRAY_LEN(sata), &w, &len);
	/* the drive itself was read as it is */
	assert_string_equal(w.id.serial, "3545ESRCTE0000000000");
	assert_null(strstr(text, "534543524554"));
	assert_null(strstr(text, "53455231")); /* VPD 80h: SER1 */
	assert_null(strstr(text, "11223344")); /* VPD 83h, and the WWN's words */
	replay_blanked(text, len, "Samsung SSD 870 QVO 4TB");
}

static void test_transcript_with_blanked_nvme_serials_replays(void **state)
{
	AUTO(world_free) struct world w = {.blanks = true};
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	(void)state;
	fill_nvme("samsung-pm981a.nvme-hex");
	memcpy(ctrl + 4, "SECRET00000000000000", 20);
	memcpy(ctrl + 768, "nqn.SECRET", 10);
	memcpy(ns + 104, "SECRETSECRETSECRETSECRET", 24);
	text = record(XP_TRANSPORT_NVME, XP_BUS_NVME, nvme, XP_ARRAY_LEN(nvme), &w, &len);
	memset(ns + 104, 0, 24);
	assert_string_equal(w.id.serial, "SECRET00000000000000");
	assert_null(strstr(text, "534543524554"));
	replay_blanked(text, len, "SAMSUNG MZVLB256HBHQ-000L7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sata_facts_come_from_the_drive, setup),
		cmocka_unit_test_setup(test_sata_hidden_area_is_seen, setup),
		cmocka_unit_test_setup(test_sata_native_max_not_answered_is_unknown, setup),
		cmocka_unit_test_setup(test_sata_dco_tells_the_factory_capacity, setup),
		cmocka_unit_test_setup(test_sata_sanitize_status_is_asked_and_never_guessed, setup),
		cmocka_unit_test_setup(test_usb_bridge_serial_is_not_the_drive_s, setup),
		cmocka_unit_test_setup(test_usb_old_stick_is_not_asked_for_pages, setup),
		cmocka_unit_test_setup(test_first_question_unanswered_fails, setup),
		cmocka_unit_test_setup(test_sas_sanitize_is_asked_by_service_action, setup),
		cmocka_unit_test_setup(test_nvme_facts_come_from_the_drive, setup),
		cmocka_unit_test_setup(test_nvme_list_that_lies_is_not_believed, setup),
		cmocka_unit_test_setup(test_transcripts_of_all_drives_replay_to_the_same_facts,
				       setup),
		cmocka_unit_test_setup(test_transcript_that_ends_early_is_malformed, setup),
		cmocka_unit_test_setup(test_transcript_with_blanked_ata_serials_replays, setup),
		cmocka_unit_test_setup(test_transcript_with_blanked_nvme_serials_replays, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
