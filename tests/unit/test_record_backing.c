/* What is claimed of a drive without its own answers, or of what no header ever told of. */
#include "certs/record_backing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/wire.h"
#include "certs/record_check.h"
#include "device/protocol/scsi_inquiry.h"
#include "tests/fake/record_honest.h"

#define ATA	    "01a202f9-1cd0-769b-9ebd-fc745731b4f5"
#define LUKS	    "01a202f9-18e1-7c09-9223-025d6e2ddef7"
#define NVME	    "01a202f9-24a0-778b-8953-8d64c764152f"
#define FILE_RECORD "01a202f9-1aff-7c3d-908d-db5ffa969ce8"
#define SAS	    "01a202f9-24a0-7830-99ac-a84e58e12d5f"

/* In the medium and in every phase, as one who lies well would. */
static void call_it(struct xp_record *r, const char *serial)
{
	SET(r->media.serial, serial);
	for (size_t i = 0; i < r->evidence.n; i++)
		SET(r->evidence.phases[i].identity.serial, serial);
}

/* Takes the answers of a kind out of one phase: what stands behind them moves up. */
static void take_out(struct xp_identity *id, enum xp_raw_kind kind, uint32_t arg)
{
	size_t n = 0;

	for (size_t i = 0; i < id->raw_n; i++) {
		if (id->raw[i].kind == kind && id->raw[i].arg == arg)
			free(id->raw[i].data);
		else
			id->raw[n++] = id->raw[i];
	}
	assert_true(n < id->raw_n);
	id->raw_n = n;
}

static void take_out_everywhere(struct xp_record *r, enum xp_raw_kind kind, uint32_t arg)
{
	for (size_t i = 0; i < r->evidence.n; i++)
		take_out(&r->evidence.phases[i].identity, kind, arg);
}

static void test_backing_honest_passes(void **state)
{
	(void)state;
	record_expect(record_frozen(ATA), NULL, NULL);
	record_expect(record_frozen(NVME), NULL, NULL);
	record_expect(record_frozen(SAS), NULL, NULL);
	record_expect(record_frozen(LUKS), NULL, NULL);
	/* an image has no answers to give */
	record_expect(record_honest(), NULL, NULL);
}

/* A drive that was swapped behind the erase, and is not asked who it is. */
static void test_backing_each_phase_needs_the_drives_answer(void **state)
{
	static const struct {
		const char *record;
		enum xp_raw_kind kind;
		size_t from;
	} drives[] = {{ATA, XP_RAW_ATA_IDENTIFY, 0},
		      {NVME, XP_RAW_NVME_ID_CTRL, 0},
		      {SAS, XP_RAW_SCSI_INQUIRY, 0},
		      /* behind the erase: before it a disk may not have been ready to say */
		      {SAS, XP_RAW_SCSI_READ_CAPACITY, 3}};

	(void)state;
	for (size_t d = 0; d < XP_ARRAY_LEN(drives); d++) {
		for (size_t i = 0; i < 5; i++) {
			struct xp_record *r = record_frozen(drives[d].record);
			char where[32];

			assert_int_equal(r->evidence.n, 5);
			snprintf(where, sizeof(where), "evidence[%zu].identity.raw:", i);
			take_out(&r->evidence.phases[i].identity, drives[d].kind, 0);
			record_expect(r, i < drives[d].from ? NULL : "E_EVIDENCE_RAW", where);
		}
	}
}

/* An erase that failed, and another one behind it: a disk is not ready until one has succeeded. */
static void test_backing_size_is_said_behind_the_last_erase(void **state)
{
	(void)state;
	for (size_t i = 0; i < 5; i++) {
		AUTO(xp_findings_free) struct xp_findings f = {0};
		struct xp_record *r = record_frozen(SAS);

		assert_int_equal(r->evidence.phases[1].kind, XP_PHASE_BASELINE);
		assert_int_equal(r->evidence.phases[2].kind, XP_PHASE_ERASE);
		r->evidence.phases[1].kind = XP_PHASE_ERASE;
		take_out(&r->evidence.phases[i].identity, XP_RAW_SCSI_READ_CAPACITY, 0);
		xp_record_check_backing(r, true, &f);
		assert_int_equal(f.n, i > 2);
		record_sample_free(r);
	}
}

static void test_backing_answer_that_cannot_be_read_is_none(void **state)
{
	struct xp_record *r = record_frozen(NVME);

	(void)state;
	r->evidence.phases[4].identity.raw[0].len = 100;
	record_expect(r, "E_EVIDENCE_RAW", "evidence[4].identity.raw:");
}

/* The answers of one drive, cut until they name none, under the name of another. */
static void test_backing_name_that_no_answer_has_is_found(void **state)
{
	struct xp_record *r = record_frozen(SAS);

	(void)state;
	take_out_everywhere(r, XP_RAW_SCSI_VPD, XP_VPD_SERIAL);
	call_it(r, "ANOTHER");
	record_expect(r, "E_EVIDENCE_RAW", "identity.serial: none");
	r = record_frozen(SAS);
	take_out_everywhere(r, XP_RAW_SCSI_VPD, XP_VPD_SERIAL);
	call_it(r, "");
	record_expect(r, NULL, NULL);
	r = record_frozen(SAS);
	take_out_everywhere(r, XP_RAW_SCSI_VPD, XP_VPD_SERIAL);
	take_out_everywhere(r, XP_RAW_SCSI_VPD, XP_VPD_DESIGNATORS);
	call_it(r, "");
	record_expect(r, "E_EVIDENCE_RAW", "identity.wwn: none");
}

/* Of a unit that nobody could ask less is claimed; whose it is is said to be the host's word. */
static void test_backing_name_of_a_logical_unit_is_remarked(void **state)
{
	struct xp_record *r = record_honest();

	(void)state;
	for (size_t i = 0; i < r->evidence.n; i++) {
		struct xp_identity *id = &r->evidence.phases[i].identity;

		id->media = XP_MEDIA_HDD;
		id->bus = XP_BUS_USB;
	}
	call_it(r, "ANOTHER");
	record_claim_again(r);
	assert_int_equal(r->claim.scope, XP_SCOPE_LOGICAL_UNIT);
	record_expect(r, "W_EVIDENCE_RAW", "evidence[0].identity.serial: none");
}

/* A serial number of blanks is none [NVM Express Base 2.0, Identify Controller: SN]. */
static void test_backing_blank_serial_is_none(void **state)
{
	struct xp_record *r = record_frozen(NVME);

	(void)state;
	for (size_t i = 0; i < r->evidence.n; i++)
		memset(r->evidence.phases[i].identity.raw[0].data + 4, ' ', 20);
	call_it(r, "ANOTHER");
	record_expect(r, "E_EVIDENCE_RAW", "identity.serial: none");
	r = record_frozen(ATA);
	for (size_t i = 0; i < r->evidence.n; i++) {
		uint8_t *data = r->evidence.phases[i].identity.raw[0].data;

		/* words 10 to 19; word 255 without a checksum */
		memset(data + 20, ' ', 20);
		memset(data + 510, 0, 2);
	}
	call_it(r, "ANOTHER");
	record_expect(r, "E_EVIDENCE_RAW", "identity.serial: none");
}

/* A format of the namespace NSID; the drive told of namespace 1, of BLOCKS of 512 bytes. */
static struct xp_record *formatted(uint32_t nsid, uint64_t blocks)
{
	struct xp_record *r = record_frozen(NVME);

	for (size_t i = 0; i < r->evidence.n; i++) {
		struct xp_phase *p = &r->evidence.phases[i];
		struct xp_command_result *c = &p->command;

		p->technique = XP_NVME_FORMAT_USER;
		if (p->kind != XP_PHASE_ERASE)
			continue;
		memset(c->cdb, 0, sizeof(c->cdb));
		c->cdb[0] = 0x80;
		c->cdb_len = sizeof(c->cdb);
		put_le32(c->cdb + 4, nsid);
		put_le32(c->cdb + 40, 1 << 9);
		free(c->before[0].data);
		c->before[0] = (struct xp_raw){
			.kind = XP_RAW_NVME_ID_NS, .arg = 1, .data = calloc(1, 4096), .len = 4096};
		assert_non_null(c->before[0].data);
		put_le64(c->before[0].data, blocks);
		put_le64(c->before[0].data + 8, blocks);
		c->before[0].data[128 + 2] = 9;
	}
	return r;
}

static bool is_of_another_namespace(struct xp_record *r)
{
	AUTO(xp_findings_free) struct xp_findings f = {0};
	bool found;

	assert_int_equal(xp_record_check(r, &f, NULL), XP_OK);
	found = findings_have(&f, "E_EVIDENCE_RAW", "command.cdb: the namespace");
	record_sample_free(r);
	return found;
}

static void test_backing_format_of_another_namespace_is_found(void **state)
{
	struct xp_record *r = record_frozen(NVME);
	uint64_t blocks = r->media.capacity_bytes / 512;

	(void)state;
	record_sample_free(r);
	assert_false(is_of_another_namespace(formatted(1, blocks)));
	assert_true(is_of_another_namespace(formatted(2, blocks)));
	assert_true(is_of_another_namespace(formatted(0xffffffff, blocks)));
	/* it is not as large as what is claimed to be erased */
	assert_true(is_of_another_namespace(formatted(1, blocks / 2)));
}

static struct xp_luks_volume *volume_of(struct xp_record *r)
{
	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].volume_n)
			return r->evidence.phases[i].volumes;
	abort();
}

/* Keys that nobody ever saw: what lies there may be plain text. */
static void test_backing_volume_without_a_header_is_none(void **state)
{
	struct xp_record *r = record_frozen(LUKS);

	(void)state;
	volume_of(r)->primary = volume_of(r)->secondary = XP_LUKS_ABSENT;
	record_expect(r, "E_EVIDENCE_MEDIA", "no header told of it");
	/* nor can one be seen where nothing was read */
	r = record_frozen(LUKS);
	volume_of(r)->unread_bytes = volume_of(r)->area_bytes;
	record_expect(r, "E_EVIDENCE_MEDIA", "no header told of it");
	r = record_frozen(LUKS);
	volume_of(r)->version = 3;
	record_expect(r, "E_EVIDENCE_MEDIA", "no header told of it");
	r = record_frozen(LUKS);
	SET(volume_of(r)->cipher, "capi:ecb(cipher_null)-plain");
	record_expect(r, "E_EVIDENCE_MEDIA", "not_encrypted");
}

static struct xp_phase *file_erase(struct xp_record *r)
{
	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].kind == XP_PHASE_ERASE &&
		    r->evidence.phases[i].file_known)
			return &r->evidence.phases[i];
	abort();
}

/* Where the bytes of a file lay when they were written: all of them, or it is not known. */
static void test_backing_file_lies_somewhere(void **state)
{
	struct xp_record *r = record_frozen(FILE_RECORD);

	(void)state;
	assert_true(file_erase(r)->file.extent_n > 0);
	record_expect(r, NULL, NULL);
	r = record_frozen(FILE_RECORD);
	file_erase(r)->file.extent_n = 0;
	record_expect(r, "E_EVIDENCE_EXTENTS", "file.map: all of it is known");
	r = record_frozen(FILE_RECORD);
	file_erase(r)->file.extents[0].len -= 4096;
	record_expect(r, "E_EVIDENCE_EXTENTS", "file.map: all of it is known");
	r = record_frozen(FILE_RECORD);
	file_erase(r)->file.fs = XP_FS_XFS;
	record_expect(r, "E_EVIDENCE_MEDIA", "another file system");
}

/* Time that nobody can have had makes the fastest disk slow enough. */
static void test_backing_time_before_the_job_is_none(void **state)
{
	struct xp_record *r = record_frozen(SAS);

	(void)state;
	r->evidence.phases[2].command.earlier_s = 10;
	record_expect(r, "E_EVIDENCE_TIME", "earlier_seconds");
	/* taken up again, but begun before its own job */
	r = record_frozen(SAS);
	for (size_t i = 2; i < r->evidence.n; i++)
		r->evidence.phases[i].take = 2;
	r->evidence.phases[2].command.earlier_s = 1u << 30;
	record_expect(r, "E_EVIDENCE_TIME", "earlier_seconds");
	r = record_frozen(SAS);
	for (size_t i = 2; i < r->evidence.n; i++)
		r->evidence.phases[i].take = 2;
	record_expect(r, NULL, NULL);
}

/* A host's overwrite of a disk of 8 TB in the few seconds of its job, all but the last of it
 * before. */
static struct xp_record *overwritten(uint32_t take, int64_t began_s)
{
	struct xp_record *r = record_honest();
	struct xp_phase *p = &r->evidence.phases[1];

	assert_int_equal(p->kind, XP_PHASE_ERASE);
	for (size_t i = 0; i < r->evidence.n; i++)
		r->evidence.phases[i].identity.media = XP_MEDIA_HDD;
	p->interrupted = true;
	p->overwrite.resumed_from = UINT64_C(8000000000000);
	for (size_t i = 1; i < r->evidence.n; i++)
		r->evidence.phases[i].take = take;
	r->evidence.phases[0].start_s = p->start_s - began_s;
	return r;
}

static bool has(struct xp_record *r, const char *where)
{
	AUTO(xp_findings_free) struct xp_findings f = {0};
	bool found;

	assert_int_equal(xp_record_check(r, &f, NULL), XP_OK);
	found = findings_have(&f, "E_EVIDENCE_TIME", where);
	record_sample_free(r);
	return found;
}

static void test_backing_earlier_takes_wrote_no_faster_than_a_disk(void **state)
{
	(void)state;
	assert_true(has(overwritten(2, 100), "resumed_from_bytes: no drive"));
	assert_false(has(overwritten(2, 8000), "resumed_from_bytes: no drive"));
	assert_false(has(overwritten(2, 8000), "interrupted"));
	/* nor was there an earlier take */
	assert_true(has(overwritten(1, 8000), "interrupted: the job was not taken up again"));
}

static void test_backing_clock_far_from_its_source_is_said(void **state)
{
	struct xp_record *r = record_honest();

	(void)state;
	r->clock.synchronized = true;
	r->evidence.clock_synchronized = XP_ANSWER_YES;
	record_claim_again(r);
	r->clock.offset_ns = 59000000000;
	record_expect(r, NULL, NULL);
	r = record_honest();
	r->clock.synchronized = true;
	r->evidence.clock_synchronized = XP_ANSWER_YES;
	record_claim_again(r);
	r->clock.offset_ns = INT64_MIN;
	record_expect(r, "W_CLOCK", "called synchronized, and");
}

static void test_backing_one_take_is_of_one_boot(void **state)
{
	struct xp_record *r = record_frozen(ATA);

	(void)state;
	SET(r->evidence.phases[3].boot_id, "11111111-9a51-4e0c-8f4b-2f9f5f0b7c11");
	record_expect(r, "E_EVIDENCE_TIME", "evidence[3].boot_id");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backing_honest_passes),
		cmocka_unit_test(test_backing_each_phase_needs_the_drives_answer),
		cmocka_unit_test(test_backing_size_is_said_behind_the_last_erase),
		cmocka_unit_test(test_backing_answer_that_cannot_be_read_is_none),
		cmocka_unit_test(test_backing_name_that_no_answer_has_is_found),
		cmocka_unit_test(test_backing_name_of_a_logical_unit_is_remarked),
		cmocka_unit_test(test_backing_blank_serial_is_none),
		cmocka_unit_test(test_backing_format_of_another_namespace_is_found),
		cmocka_unit_test(test_backing_volume_without_a_header_is_none),
		cmocka_unit_test(test_backing_file_lies_somewhere),
		cmocka_unit_test(test_backing_time_before_the_job_is_none),
		cmocka_unit_test(test_backing_earlier_takes_wrote_no_faster_than_a_disk),
		cmocka_unit_test(test_backing_clock_far_from_its_source_is_said),
		cmocka_unit_test(test_backing_one_take_is_of_one_boot),
	};

	return cmocka_run_group_tests_name("record_backing", tests, NULL, NULL);
}
