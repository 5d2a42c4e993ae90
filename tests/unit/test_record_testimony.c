/* A record whose evidence contradicts itself, though its claim follows from it. */
#include "certs/record_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "certs/record_testimony.h"
#include "base/cleanup.h"
#include "device/protocol/scsi_log.h"
#include "tests/fake/identify_data.h"
#include "tests/fake/record_sample.h"

#define WD_BYTES (781422768ULL * 512)

#define SET(field, text) snprintf((field), sizeof(field), "%s", (text))

/* CODE without its prefix; NULL: nothing. Takes R. */
static void expect(struct xp_record *r, const char *code, const char *where)
{
	struct xp_findings f = {0};
	bool found = false;

	xp_record_check_testimony(r, true, &f);
	for (size_t i = 0; i < f.n; i++) {
		found = found || (code && strcmp(f.list[i].code, code) == 0 &&
				  strstr(f.list[i].text, where));
		if (!code)
			print_error("found %s: %s\n", f.list[i].code, f.list[i].text);
	}
	assert_true(code ? found : f.n == 0);
	xp_findings_free(&f);
	/* an honest record of a failure may hold what does not fit */
	xp_record_check_testimony(r, false, &f);
	for (size_t i = 0; i < f.n; i++)
		assert_int_equal(f.list[i].code[0], 'W');
	xp_findings_free(&f);
	record_sample_free(r);
}

static struct xp_phase *phase(struct xp_record *r, size_t i)
{
	return &r->evidence.phases[i];
}

static void test_testimony_honest_is_accepted(void **state)
{
	(void)state;
	expect(record_sample_new(), NULL, NULL);
}

static void test_testimony_file_with_a_serial_number_is_found(void **state)
{
	struct xp_record *r = record_sample_new();

	(void)state;
	SET(phase(r, 1)->identity.serial, "WD-WCC4E0000001");
	expect(r, "E_EVIDENCE_IDENTITY", "evidence[1].identity.serial");
	r = record_sample_new();
	phase(r, 0)->identity.media = XP_MEDIA_HDD;
	expect(r, "E_EVIDENCE_IDENTITY", "evidence[0].identity.type");
	r = record_sample_new();
	phase(r, 0)->identity.partition = 1;
	expect(r, "E_EVIDENCE_IDENTITY", "evidence[0].identity.partition");
}

static void serial_of_disk(const char *serial, bool good)
{
	struct xp_record *r = record_sample_new();

	for (size_t i = 0; i < r->evidence.n; i++) {
		phase(r, i)->identity.media = XP_MEDIA_HDD;
		phase(r, i)->identity.bus = XP_BUS_SAS;
		SET(phase(r, i)->identity.serial, serial);
	}
	expect(r, good ? NULL : "E_EVIDENCE_IDENTITY", "serial: hex");
}

static void test_testimony_hex_only_where_needed(void **state)
{
	(void)state;
	serial_of_disk("WD-1", true);
	serial_of_disk("hex:5744ff31", true);
	serial_of_disk("hex:57442d31", false); /* WD-1 again, under another name */
	serial_of_disk("hex:", false);
	serial_of_disk("hex:5744f", false);
	serial_of_disk("hex:5744FF31", false);
	serial_of_disk("hex:6865783a3031", true); /* a drive that calls itself hex:01 */
}

/* Serial number S1: the bytes of each word swapped, the checksum made right again. */
static void give_serial(uint8_t identify[512])
{
	identify[511] = (uint8_t)(identify[511] + identify[20] + identify[21] - '1' - 'S');
	identify[20] = '1';
	identify[21] = 'S';
}

static struct xp_record *disk_with_identify(void)
{
	struct xp_record *r = record_sample_new();

	for (size_t i = 0; i < r->evidence.n; i++) {
		struct xp_identity *id = &phase(r, i)->identity;

		*id = (struct xp_identity){.media = XP_MEDIA_HDD, .bus = XP_BUS_ATA};
		id->raw = calloc(1, sizeof(*id->raw));
		assert_non_null(id->raw);
		id->raw_n = 1;
		id->raw[0] = (struct xp_raw){.kind = XP_RAW_ATA_IDENTIFY, .len = 512};
		id->raw[0].data = calloc(1, 512);
		assert_non_null(id->raw[0].data);
		identify_data_read(id->raw[0].data, 512, "wd-wd4000kd.hex");
		give_serial(id->raw[0].data);
		SET(id->vendor, "ATA");
		SET(id->model, "WDC WD4000KD-00NAB0");
		SET(id->serial, "S1");
		SET(id->firmware, "01.06A01");
		id->capacity_bytes = WD_BYTES;
		id->logical_block_bytes = 512;
	}
	r->capacity_after_bytes = WD_BYTES;
	return r;
}

static void test_testimony_raw_answer_must_agree(void **state)
{
	struct xp_record *r = disk_with_identify();

	(void)state;
	expect(r, NULL, NULL);
	r = disk_with_identify();
	SET(phase(r, 2)->identity.serial, "WD-OTHER");
	expect(r, "E_EVIDENCE_RAW", "evidence[2].identity.serial");
	r = disk_with_identify();
	SET(phase(r, 2)->identity.model, "ANOTHER");
	expect(r, "E_EVIDENCE_RAW", "evidence[2].identity.model");
	r = disk_with_identify();
	phase(r, 1)->identity.capacity_bytes -= 512;
	expect(r, "E_EVIDENCE_RAW", "evidence[1].identity.capacity_bytes");
	/* what cannot be decoded contradicts nothing */
	r = disk_with_identify();
	phase(r, 1)->identity.raw[0].len = 511;
	expect(r, NULL, NULL);
}

static void give_raw(struct xp_raw **list, size_t *n, enum xp_raw_kind kind, uint32_t arg,
		     const uint8_t *data, size_t len)
{
	struct xp_raw *raw = reallocarray(*list, *n + 1, sizeof(*raw));

	assert_non_null(raw);
	*list = raw;
	raw[*n] = (struct xp_raw){.kind = kind, .arg = arg, .len = len, .data = malloc(len)};
	assert_non_null(raw[*n].data);
	memcpy(raw[*n].data, data, len);
	(*n)++;
}

/* Page 01h of log 04h, as [ACS-4 9.5.4] lays it out. */
static void give_hours(struct xp_record *r, size_t i, uint32_t hours)
{
	struct xp_identity *id = &phase(r, i)->identity;
	uint8_t page[512] = {0x01, 0x00, 0x01};

	page[16] = (uint8_t)hours;
	page[17] = (uint8_t)(hours >> 8);
	page[23] = 0xc0; /* supported, valid */
	give_raw(&id->raw, &id->raw_n, XP_RAW_ATA_LOG, 0x0401, page, sizeof(page));
}

/* Page 15h, as [SBC-4 6.4.2] lays it out. */
static void give_minutes(struct xp_record *r, size_t i, uint32_t minutes)
{
	struct xp_identity *id = &phase(r, i)->identity;
	uint8_t page[20] = {0x15, 0x00, 0x00, 0x10, 0x00, 0x00, 0x03, 0x0c};

	page[8] = (uint8_t)(minutes >> 24);
	page[9] = (uint8_t)(minutes >> 16);
	page[10] = (uint8_t)(minutes >> 8);
	page[11] = (uint8_t)minutes;
	give_raw(&id->raw, &id->raw_n, XP_RAW_SCSI_LOG, 0x1500, page, sizeof(page));
}

static void test_testimony_answers_around_a_command_are_of_the_drive(void **state)
{
	struct xp_record *r = disk_with_identify();
	struct xp_command_result *c = &phase(r, 1)->command;
	const struct xp_raw *own = &phase(r, 0)->identity.raw[0];

	(void)state;
	phase(r, 1)->technique = XP_ATA_SANITIZE_CRYPTO;
	phase(r, 2)->technique = XP_ATA_SANITIZE_CRYPTO;
	give_raw(&c->before, &c->before_n, XP_RAW_ATA_IDENTIFY, 0, own->data, own->len);
	give_raw(&c->after, &c->after_n, XP_RAW_ATA_IDENTIFY, 0, own->data, own->len);
	expect(r, NULL, NULL);
	r = disk_with_identify();
	phase(r, 1)->technique = XP_ATA_SANITIZE_CRYPTO;
	phase(r, 2)->technique = XP_ATA_SANITIZE_CRYPTO;
	c = &phase(r, 1)->command;
	own = &phase(r, 0)->identity.raw[0];
	give_raw(&c->after, &c->after_n, XP_RAW_ATA_IDENTIFY, 0, own->data, own->len);
	/* a twin: one letter of its number is another */
	c->after[0].data[21] = 'T';
	c->after[0].data[511]--;
	expect(r, "E_EVIDENCE_RAW", "evidence[1].command.after[0]");
}

static void test_testimony_power_on_hours_never_fall(void **state)
{
	struct xp_record *r = disk_with_identify();

	(void)state;
	give_hours(r, 0, 1000);
	give_hours(r, 1, 1000);
	give_hours(r, 3, 1001);
	expect(r, NULL, NULL);
	r = disk_with_identify();
	give_hours(r, 0, 1000);
	give_hours(r, 3, 999);
	expect(r, "E_EVIDENCE_RAW", "evidence[3].identity.raw[1]");
}

static void test_testimony_power_on_minutes_of_sas_never_fall(void **state)
{
	struct xp_record *r = disk_with_identify();

	(void)state;
	give_minutes(r, 0, 70000 * 60);
	give_minutes(r, 1, 70000 * 60 + 59);
	/* another count of the same drive says nothing of this one */
	give_hours(r, 2, 1000);
	give_minutes(r, 3, 70001 * 60);
	expect(r, NULL, NULL);
	r = disk_with_identify();
	give_minutes(r, 0, 70000 * 60);
	give_minutes(r, 3, 70000 * 60 - 1);
	expect(r, "E_EVIDENCE_RAW", "evidence[3].identity.raw[1]");
}

static void test_power_on_minutes_of_other_pages_are_refused(void **state)
{
	static const uint8_t page[20] = {0x15, 0, 0, 0x10, 0, 0, 0x03, 0x0c, 1, 2, 3, 4};
	static const struct {
		size_t at;
		uint8_t value;
	} wrong[] = {{0, 0x2f}, {0, 0x55}, {1, 1}, {3, 0x0f}, {4, 1}, {5, 1}, {7, 0x0b}};
	uint32_t minutes = 0;

	(void)state;
	assert_int_equal(xp_scsi_power_on_minutes_parse(&minutes, page, sizeof(page), NULL), XP_OK);
	assert_int_equal(minutes, 0x01020304);
	for (size_t len = 0; len < sizeof(page); len++)
		assert_int_equal(xp_scsi_power_on_minutes_parse(&minutes, page, len, NULL),
				 XP_E_MALFORMED);
	for (size_t i = 0; i < XP_ARRAY_LEN(wrong); i++) {
		uint8_t bad[sizeof(page)];

		memcpy(bad, page, sizeof(bad));
		bad[wrong[i].at] = wrong[i].value;
		assert_int_equal(xp_scsi_power_on_minutes_parse(&minutes, bad, sizeof(bad), NULL),
				 XP_E_MALFORMED);
	}
}

static void test_testimony_takes_and_attempts_count_up(void **state)
{
	struct xp_record *r = record_sample_new();

	(void)state;
	phase(r, 3)->take = 2;
	expect(r, NULL, NULL);
	r = record_sample_new();
	phase(r, 1)->take = 2; /* a swapped device, between two looks of take 1 */
	expect(r, "E_EVIDENCE_TIME", "evidence[2].take");
	r = record_sample_new();
	phase(r, 0)->take = 0;
	expect(r, "E_EVIDENCE_TIME", "evidence[0].take");
	r = record_sample_new();
	phase(r, 0)->attempt = 0;
	expect(r, "E_EVIDENCE_TIME", "evidence[0].attempt");
}

static void test_testimony_resumed_without_interruption_is_found(void **state)
{
	struct xp_record *r = record_sample_new();

	(void)state;
	phase(r, 1)->overwrite.resumed_from = 4096;
	expect(r, "E_EVIDENCE_EXTENTS", "resumed_from_bytes");
	r = record_sample_new();
	phase(r, 1)->overwrite.resumed_from = 4096;
	phase(r, 1)->interrupted = true;
	expect(r, NULL, NULL);
}

static void test_testimony_readback_must_be_of_an_erase(void **state)
{
	struct xp_record *r = record_sample_new();

	(void)state;
	phase(r, 2)->attempt = 2;
	expect(r, "E_VERIFICATION", "evidence[2]: a readback");
	r = record_sample_new();
	phase(r, 2)->technique = XP_OVERWRITE_RANDOM;
	expect(r, "E_VERIFICATION", "evidence[2]: a readback");
	r = record_sample_new();
	phase(r, 2)->readback.expected.kind = XP_CONTENT_RANDOM;
	expect(r, "E_VERIFICATION", "readback.expected");
	r = record_sample_new();
	phase(r, 1)->kind = XP_PHASE_IDENTIFY;
	expect(r, "E_VERIFICATION", "evidence[2]: a readback");
}

static void test_testimony_full_readback_draws_no_places(void **state)
{
	struct xp_record *r = record_sample_new();

	(void)state;
	phase(r, 2)->readback.extents = 1;
	expect(r, "E_VERIFICATION", "readback.extents");
	r = record_sample_new();
	phase(r, 2)->readback.always_extents = 1;
	expect(r, "E_VERIFICATION", "readback.extents");
}

static void test_testimony_capacity_after_is_that_of_the_last_phase(void **state)
{
	struct xp_record *r = record_sample_new();

	(void)state;
	r->capacity_after_bytes *= 2;
	expect(r, "E_EVIDENCE_MEDIA", "capacity.after_bytes");
	r = record_sample_new();
	r->capacity_after_known = false;
	expect(r, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_testimony_honest_is_accepted),
		cmocka_unit_test(test_testimony_file_with_a_serial_number_is_found),
		cmocka_unit_test(test_testimony_hex_only_where_needed),
		cmocka_unit_test(test_testimony_raw_answer_must_agree),
		cmocka_unit_test(test_testimony_answers_around_a_command_are_of_the_drive),
		cmocka_unit_test(test_testimony_power_on_hours_never_fall),
		cmocka_unit_test(test_testimony_power_on_minutes_of_sas_never_fall),
		cmocka_unit_test(test_power_on_minutes_of_other_pages_are_refused),
		cmocka_unit_test(test_testimony_takes_and_attempts_count_up),
		cmocka_unit_test(test_testimony_resumed_without_interruption_is_found),
		cmocka_unit_test(test_testimony_readback_must_be_of_an_erase),
		cmocka_unit_test(test_testimony_full_readback_draws_no_places),
		cmocka_unit_test(test_testimony_capacity_after_is_that_of_the_last_phase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
