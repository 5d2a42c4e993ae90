/* What a device technique leaves, worked out from the command as it went to the drive. */
#include "verify/left_behind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* SANITIZE DEVICE through ATA PASS-THROUGH (16): FEATURE low byte, COUNT low byte, pattern. */
static struct xp_phase ata(uint8_t feature, uint8_t count, uint32_t pattern)
{
	struct xp_phase p = {.identity = {.media = XP_MEDIA_SSD}, .command = {.cdb_len = 16}};
	const uint8_t cdb[16] = {0x85,
				 0x07,
				 0x20,
				 0,
				 feature,
				 0,
				 count,
				 (uint8_t)(pattern >> 24),
				 (uint8_t)pattern,
				 0x57,
				 (uint8_t)(pattern >> 8),
				 0x4f,
				 (uint8_t)(pattern >> 16),
				 0x40,
				 0xb4,
				 0};

	memcpy(p.command.cdb, cdb, sizeof(cdb));
	return p;
}

static struct xp_phase nvme(uint32_t cdw10, uint32_t cdw11)
{
	struct xp_phase p = {.identity = {.media = XP_MEDIA_SSD}, .command = {.cdb_len = 64}};
	uint8_t *q = p.command.cdb;

	q[0] = 0x84;
	for (unsigned i = 0; i < 4; i++) {
		q[40 + i] = (uint8_t)(cdw10 >> 8 * i);
		q[44 + i] = (uint8_t)(cdw11 >> 8 * i);
	}
	return p;
}

static struct xp_left_behind left(struct xp_phase p)
{
	struct xp_left_behind out;

	xp_left_behind(&out, &p);
	return out;
}

static void assert_pattern(const struct xp_content *c, uint8_t a, uint8_t b, uint8_t d, uint8_t e)
{
	const uint8_t want[4] = {a, b, d, e};

	assert_int_equal(c->kind, XP_CONTENT_PATTERN);
	assert_int_equal(c->pattern_len, 4);
	assert_memory_equal(c->pattern, want, 4);
}

static void test_left_behind_ata_overwrite_is_its_pattern(void **state)
{
	struct xp_left_behind l = left(ata(0x14, 1, 0x11223344));

	(void)state;
	assert_pattern(&l.content, 0x11, 0x22, 0x33, 0x44);
	assert_int_equal(l.deallocated, XP_ANSWER_NO);
	l = left(ata(0x14, 1, 0));
	assert_int_equal(l.content.kind, XP_CONTENT_ZERO);
}

/* 16 passes are written as 0; each further pass is the complement of the one before. */
static void test_left_behind_ata_inverted_even_passes_end_inverted(void **state)
{
	struct xp_left_behind l = left(ata(0x14, 0x80 | 2, 0xffffffff));

	(void)state;
	assert_int_equal(l.content.kind, XP_CONTENT_ZERO);
	l = left(ata(0x14, 0x80 | 3, 0x11223344));
	assert_pattern(&l.content, 0x11, 0x22, 0x33, 0x44);
	l = left(ata(0x14, 0x80, 0x11223344));
	assert_pattern(&l.content, 0xee, 0xdd, 0xcc, 0xbb);
	l = left(ata(0x14, 0x80 | 0x40 | 2, 0x11223344));
	assert_pattern(&l.content, 0x11, 0x22, 0x33, 0x44);
}

static void test_left_behind_ata_crypto_and_block_leave_the_unknown(void **state)
{
	struct xp_phase p = ata(0x11, 0, 0x43727970);
	struct xp_left_behind l = left(p);

	(void)state;
	assert_int_equal(l.content.kind, XP_CONTENT_UNKNOWN);
	assert_int_equal(l.deallocated, XP_ANSWER_UNKNOWN);
	l = left(ata(0x12, 0, 0x426b4572));
	assert_int_equal(l.content.kind, XP_CONTENT_UNKNOWN);
	/* a disk has no blocks to give up */
	p.identity.media = XP_MEDIA_HDD;
	assert_int_equal(left(p).deallocated, XP_ANSWER_NO);
}

static void test_left_behind_nvme_deallocates_unless_told_not_to(void **state)
{
	struct xp_left_behind l = left(nvme(0x2, 0));

	(void)state;
	assert_int_equal(l.deallocated, XP_ANSWER_YES);
	assert_int_equal(l.content.kind, XP_CONTENT_UNKNOWN);
	l = left(nvme(0x13, 0xaabbccdd)); /* overwrite, and blocks are given up after it */
	assert_int_equal(l.deallocated, XP_ANSWER_YES);
	assert_int_equal(l.content.kind, XP_CONTENT_UNKNOWN);
	l = left(nvme(0x213, 0xaabbccdd));
	assert_int_equal(l.deallocated, XP_ANSWER_NO);
	assert_pattern(&l.content, 0xdd, 0xcc, 0xbb, 0xaa);
	assert_int_equal(left(nvme(0x204, 0)).deallocated, XP_ANSWER_NO);
}

/* SSTAT 4: success, and blocks were given up against the wish. */
static void test_left_behind_nvme_unexpected_deallocation_is_believed(void **state)
{
	struct xp_phase p = nvme(0x213, 0);
	uint8_t log[512] = {0xff, 0xff, 4, 1, 0x13, 2};
	struct xp_raw raw = {.kind = XP_RAW_NVME_LOG, .arg = 0x81, .data = log, .len = 512};

	(void)state;
	p.command.after = &raw;
	p.command.after_n = 1;
	assert_int_equal(left(p).deallocated, XP_ANSWER_YES);
	assert_int_equal(left(p).content.kind, XP_CONTENT_UNKNOWN);
	log[2] = 1;
	assert_int_equal(left(p).deallocated, XP_ANSWER_NO);
	assert_int_equal(left(p).content.kind, XP_CONTENT_ZERO);
}

static void test_left_behind_scsi_overwrite_is_its_list(void **state)
{
	uint8_t list[8] = {1, 0, 0, 4, 0x11, 0x22, 0x33, 0x44};
	struct xp_raw raw = {
		.kind = XP_RAW_SCSI_LIST, .arg = 0x48, .data = list, .len = sizeof(list)};
	struct xp_phase p = {.command = {.cdb_len = 10, .cdb = {0x48, 0x81}}};
	struct xp_left_behind l = left(p);

	(void)state;
	/* without its list nothing is known of it */
	assert_int_equal(l.content.kind, XP_CONTENT_UNKNOWN);
	p.command.before = &raw;
	p.command.before_n = 1;
	l = left(p);
	assert_pattern(&l.content, 0x11, 0x22, 0x33, 0x44);
	assert_int_equal(l.deallocated, XP_ANSWER_NO);
	list[0] = 0x83; /* inverted, three passes: the pattern comes last, whichever began */
	l = left(p);
	assert_pattern(&l.content, 0x11, 0x22, 0x33, 0x44);
	list[0] = 0x82;
	assert_int_equal(left(p).content.kind, XP_CONTENT_UNKNOWN);
	list[0] = 2;
	l = left(p);
	assert_pattern(&l.content, 0x11, 0x22, 0x33, 0x44);
	memset(list + 4, 0, 4);
	assert_int_equal(left(p).content.kind, XP_CONTENT_ZERO);
	list[3] = 3; /* a length that is not that of the list */
	assert_int_equal(left(p).content.kind, XP_CONTENT_UNKNOWN);
	list[3] = 4;
	raw.len = 7;
	assert_int_equal(left(p).content.kind, XP_CONTENT_UNKNOWN);
	raw.len = 8;
	raw.arg = 0x04;
	assert_int_equal(left(p).content.kind, XP_CONTENT_UNKNOWN);
	raw.arg = 0x48;
	p.command.cdb[1] = 0x82; /* block erase */
	assert_int_equal(left(p).content.kind, XP_CONTENT_UNKNOWN);
	p.command.cdb[1] = 0x9f; /* leave the failure state */
	assert_int_equal(left(p).content.kind, XP_CONTENT_UNKNOWN);
}

static void test_left_behind_no_command_leaves_the_unknown(void **state)
{
	struct xp_phase p = {0};

	(void)state;
	p.identity.media = XP_MEDIA_SSD;
	assert_int_equal(left(p).content.kind, XP_CONTENT_UNKNOWN);
	assert_int_equal(left(p).deallocated, XP_ANSWER_UNKNOWN);
	/* cut off: nothing of it is believed */
	p = ata(0x14, 1, 0);
	p.command.cdb_len = 12;
	assert_int_equal(left(p).content.kind, XP_CONTENT_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left_behind_ata_overwrite_is_its_pattern),
		cmocka_unit_test(test_left_behind_ata_inverted_even_passes_end_inverted),
		cmocka_unit_test(test_left_behind_ata_crypto_and_block_leave_the_unknown),
		cmocka_unit_test(test_left_behind_nvme_deallocates_unless_told_not_to),
		cmocka_unit_test(test_left_behind_nvme_unexpected_deallocation_is_believed),
		cmocka_unit_test(test_left_behind_scsi_overwrite_is_its_list),
		cmocka_unit_test(test_left_behind_no_command_leaves_the_unknown),
	};

	return cmocka_run_group_tests_name("left_behind", tests, NULL, NULL);
}
