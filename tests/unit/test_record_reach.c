/* How far an erase reached, by words that the record's own evidence contradicts. */
#include "certs/record_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/record_honest.h"

#define ATA  "01a202f9-1cd0-769b-9ebd-fc745731b4f5"
#define LUKS "01a202f9-18e1-7c09-9223-025d6e2ddef7"
#define NVME "01a202f9-24a0-778b-8953-8d64c764152f"
#define SAS  "01a202f9-24a0-7830-99ac-a84e58e12d5f"

/* In the medium and in every phase, as one who lies well would. */
#define EVERYWHERE(r, field, text)                                                                 \
	do {                                                                                       \
		SET((r)->media.field, text);                                                       \
		for (size_t i_ = 0; i_ < (r)->evidence.n; i_++)                                    \
			SET((r)->evidence.phases[i_].identity.field, text);                        \
	} while (0)

static void test_reach_honest_passes(void **state)
{
	(void)state;
	record_expect(record_frozen(ATA), NULL, NULL);
	record_expect(record_frozen(NVME), NULL, NULL);
	record_expect(record_frozen(SAS), NULL, NULL);
}

static void test_reach_scsi_answers_of_another_drive_are_found(void **state)
{
	struct xp_record *r = record_frozen(SAS);

	(void)state;
	EVERYWHERE(r, vendor, "OTHER");
	record_expect(r, "E_EVIDENCE_RAW", "identity.vendor");
	r = record_frozen(SAS);
	EVERYWHERE(r, model, "OTHER DISK");
	record_expect(r, "E_EVIDENCE_RAW", "identity.model");
	r = record_frozen(SAS);
	EVERYWHERE(r, firmware, "XX99");
	record_expect(r, "E_EVIDENCE_RAW", "identity.firmware");
	r = record_frozen(SAS);
	EVERYWHERE(r, wwn, "naa.5000000000000099");
	record_expect(r, "E_EVIDENCE_RAW", "identity.wwn");
	r = record_frozen(SAS);
	for (size_t i = 0; i < r->evidence.n; i++)
		r->evidence.phases[i].identity.capacity_bytes /= 2;
	record_expect(r, "E_EVIDENCE_RAW", "identity.capacity_bytes");
	r = record_frozen(ATA);
	EVERYWHERE(r, wwn, "naa.5000000000000099");
	record_expect(r, "E_EVIDENCE_RAW", "identity.wwn");
}

/* A technique earns more on some media. */
static void test_reach_sas_ssd_is_no_hard_disk(void **state)
{
	/* VPD page B1h: MEDIUM ROTATION RATE 0001h, none */
	static const uint8_t page[64] = {0x00, 0xb1, 0x00, 0x3c, 0x00, 0x01};
	struct xp_record *r = record_frozen(SAS);
	struct xp_command_result *c = NULL;

	(void)state;
	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].kind == XP_PHASE_ERASE)
			c = &r->evidence.phases[i].command;
	if (!c || !c->before_n)
		abort();
	assert_int_equal(r->media.media, XP_MEDIA_HDD);
	/* in the place of the sense data that was kept first */
	free(c->before[0].data);
	c->before[0] = (struct xp_raw){.kind = XP_RAW_SCSI_VPD,
				       .arg = 0xb1,
				       .len = sizeof(page),
				       .data = malloc(sizeof(page))};
	if (!c->before[0].data)
		abort();
	memcpy(c->before[0].data, page, sizeof(page));
	record_expect(r, "E_EVIDENCE_RAW", "identity.type");
}

static void test_reach_nvme_is_no_hard_disk(void **state)
{
	struct xp_record *r = record_frozen(NVME);

	(void)state;
	r->media.media = XP_MEDIA_HDD;
	for (size_t i = 0; i < r->evidence.n; i++)
		r->evidence.phases[i].identity.media = XP_MEDIA_HDD;
	record_expect(r, "E_EVIDENCE_RAW", "identity.type");
}

/* One namespace is the drive only where the bus is called another. */
static void test_reach_bus_of_another_kind_is_found(void **state)
{
	struct xp_record *r = record_frozen(NVME);

	(void)state;
	r->media.bus = XP_BUS_SAS;
	for (size_t i = 0; i < r->evidence.n; i++)
		r->evidence.phases[i].identity.bus = XP_BUS_SAS;
	record_expect(r, "E_EVIDENCE_RAW", "identity.bus");
	r = record_frozen(ATA);
	r->evidence.phases[1].identity.bus = XP_BUS_NVME;
	record_expect(r, "E_EVIDENCE_RAW", "evidence[1].identity.bus");
}

static void test_reach_bridge_that_gives_less_is_found(void **state)
{
	struct xp_record *r = record_frozen(ATA);

	(void)state;
	for (size_t i = 0; i < r->evidence.n; i++) {
		r->evidence.phases[i].identity.bus = XP_BUS_USB;
		r->evidence.phases[i].identity.capacity_bytes /= 2;
	}
	r->claim.technique = XP_OVERWRITE_ZERO;
	record_expect(r, "E_EVIDENCE_RAW", "the drive has more");
}

static void test_reach_hidden_areas_denied_are_found(void **state)
{
	struct xp_record *r = record_frozen(ATA);

	(void)state;
	r->evidence.capacity.hidden_areas_apply = false;
	record_expect(r, "E_EVIDENCE_RAW", "capacity.hidden_areas_apply");
	r = record_frozen(ATA);
	r->evidence.capacity.native = r->evidence.capacity.factory = 0;
	record_expect(r, "E_EVIDENCE_MEDIA", "called known");
	r = record_frozen(ATA);
	r->evidence.capacity.native -= 512;
	record_expect(r, "E_EVIDENCE_MEDIA", "called known");
	r = record_frozen(ATA);
	r->evidence.capacity.hpa = XP_ANSWER_YES;
	record_expect(r, "E_EVIDENCE_MEDIA", "no figure leaves room");
	r = record_frozen(ATA);
	r->evidence.capacity.dco = XP_ANSWER_YES;
	record_expect(r, "E_EVIDENCE_MEDIA", "no figure leaves room");
	/* what was asked again must be what was there */
	r = record_frozen(NVME);
	r->evidence.capacity_after.current *= 2;
	record_expect(r, "E_EVIDENCE_MEDIA", "capacity.after.current_bytes");
}

static struct xp_record *formatted(void)
{
	struct xp_record *r = record_frozen(NVME);

	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].kind == XP_PHASE_ERASE)
			r->evidence.phases[i].technique = XP_NVME_FORMAT_CRYPTO;
	return r;
}

static void test_reach_format_of_one_namespace_is_not_the_drive(void **state)
{
	struct xp_record *r = formatted();

	(void)state;
	r->evidence.capacity.namespaces = 2;
	record_expect(r, "E_EVIDENCE_RAW", "leaves_namespaces");
	r = formatted();
	r->evidence.capacity.unallocated = 4096;
	record_expect(r, "E_EVIDENCE_RAW", "leaves_namespaces");
}

/* The operator's answers stand in the record twice. */
static void test_reach_keys_called_gone_are_found(void **state)
{
	struct xp_record *r = record_honest();

	(void)state;
	for (size_t i = 0; i < r->evidence.n; i++)
		r->evidence.phases[i].technique = XP_LUKS_DESTROY;
	SET(r->plaintext_before, "yes");
	r->evidence.phases[1].command.keys.plaintext_before = XP_ANSWER_NO;
	record_expect(r, "E_EVIDENCE_MEDIA", "keys.plaintext_before");
	r = record_honest();
	r->evidence.phases[1].technique = XP_LUKS_DESTROY;
	SET(r->header_backups, "in the safe");
	r->evidence.phases[1].command.keys.copies_alive = XP_ANSWER_NO;
	record_expect(r, "E_EVIDENCE_MEDIA", "keys.copies_alive");
}

/* Nor can a drive's own encryption be said to have been on from the start by nobody. */
static void test_reach_plain_text_denied_by_nobody_is_found(void **state)
{
	struct xp_record *r = record_frozen(ATA);

	(void)state;
	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].kind == XP_PHASE_ERASE)
			r->evidence.phases[i].command.keys.plaintext_before = XP_ANSWER_NO;
	record_expect(r, "E_EVIDENCE_MEDIA", "keys.plaintext_before");
}

static void test_reach_technique_that_the_drive_lacks_is_found(void **state)
{
	struct xp_record *r = record_frozen(NVME);

	(void)state;
	/* SANICAP */
	for (size_t i = 0; i < r->evidence.n; i++)
		memset(r->evidence.phases[i].identity.raw[0].data + 328, 0, 4);
	record_expect(r, "E_EVIDENCE_RAW", "has no nvme-sanitize-crypto");
	/* word 59, and the checksum made right again */
	r = record_frozen(ATA);
	for (size_t i = 0; i < r->evidence.n; i++) {
		uint8_t *data = r->evidence.phases[i].identity.raw[0].data;

		data[511] = (uint8_t)(data[511] + data[119]);
		data[119] = 0;
	}
	record_expect(r, "E_EVIDENCE_RAW", "has no ata-sanitize-crypto");
}

/* The row that lowers the claim can be left out of the record. */
static void test_reach_firmware_known_to_fail_is_said(void **state)
{
	struct xp_record *r = record_frozen(ATA);

	(void)state;
	assert_int_equal(r->evidence.firmware_n, 0);
	EVERYWHERE(r, model, "Samsung SSD 840 EVO 120GB");
	record_expect(r, "W_CLAIM_TODAY", "older copies of key information");
}

static struct xp_phase *last_of(struct xp_record *r, enum xp_phase_kind kind)
{
	struct xp_phase *found = NULL;

	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].kind == kind)
			found = &r->evidence.phases[i];
	if (!found)
		abort();
	return found;
}

static void test_reach_search_that_was_not_made_is_found(void **state)
{
	struct xp_record *r = record_frozen(LUKS);

	(void)state;
	assert_true(last_of(r, XP_PHASE_READBACK)->search.searched_all);
	last_of(r, XP_PHASE_READBACK)->search.searched_bytes = 0;
	record_expect(r, "E_VERIFICATION", "search.searched_bytes");
	r = record_frozen(LUKS);
	last_of(r, XP_PHASE_READBACK)->search.searched_all = false;
	last_of(r, XP_PHASE_READBACK)->search.searched_bytes++;
	record_expect(r, "E_VERIFICATION", "search.searched_bytes");
	r = record_frozen(LUKS);
	for (size_t i = 0; i < r->evidence.n; i++)
		for (size_t k = 0; k < r->evidence.phases[i].volume_n; k++)
			SET(r->evidence.phases[i].volumes[k].cipher, "cipher_null-ecb");
	record_expect(r, "E_EVIDENCE_MEDIA", "not_encrypted");
	record_expect(record_frozen(LUKS), NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reach_honest_passes),
		cmocka_unit_test(test_reach_scsi_answers_of_another_drive_are_found),
		cmocka_unit_test(test_reach_sas_ssd_is_no_hard_disk),
		cmocka_unit_test(test_reach_nvme_is_no_hard_disk),
		cmocka_unit_test(test_reach_bus_of_another_kind_is_found),
		cmocka_unit_test(test_reach_bridge_that_gives_less_is_found),
		cmocka_unit_test(test_reach_hidden_areas_denied_are_found),
		cmocka_unit_test(test_reach_format_of_one_namespace_is_not_the_drive),
		cmocka_unit_test(test_reach_keys_called_gone_are_found),
		cmocka_unit_test(test_reach_plain_text_denied_by_nobody_is_found),
		cmocka_unit_test(test_reach_search_that_was_not_made_is_found),
		cmocka_unit_test(test_reach_firmware_known_to_fail_is_said),
		cmocka_unit_test(test_reach_technique_that_the_drive_lacks_is_found),
	};

	return cmocka_run_group_tests_name("record_reach", tests, NULL, NULL);
}
