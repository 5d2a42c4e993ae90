/* Is the target that is read again the one of its record? */
#include "cli/job_reread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SET(field, text) snprintf((field), sizeof(field), "%s", (text))

/* As the kernel shows an ATA disk: sixteen characters of its model. */
static struct xp_identity kernel(void)
{
	return (struct xp_identity){.media = XP_MEDIA_HDD,
				    .bus = XP_BUS_ATA,
				    .vendor = "ATA",
				    .model = "EMULATED HARD DI",
				    .serial = "SN00000001",
				    .firmware = "FW01",
				    .capacity_bytes = 1 << 20,
				    .logical_block_bytes = 512,
				    .physical_block_bytes = 512,
				    .diskseq = 9};
}

static struct xp_identity own(struct xp_raw *raw)
{
	struct xp_identity id = kernel();

	SET(id.model, "EMULATED HARD DISK 1000");
	SET(id.firmware, "FW01.001");
	id.raw = raw;
	id.raw_n = 1;
	return id;
}

static struct xp_record *record_of(struct xp_identity media)
{
	struct xp_record *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	media.diskseq = 3; /* of another boot */
	r->media = media;
	return r;
}

static void test_reread_drive_that_answers_now_is_the_one_of_the_record(void **state)
{
	uint8_t answer[512] = {0};
	struct xp_raw raw = {.kind = XP_RAW_ATA_IDENTIFY, .data = answer, .len = sizeof(answer)};
	struct xp_identity k = kernel();
	struct xp_identity o = own(&raw);
	struct xp_record *r = record_of(kernel()); /* it did not answer then */
	const char *difference;

	(void)state;
	assert_true(xp_reread_is_same(r, &k, &o, &difference));
	assert_true(xp_reread_is_same(r, &k, NULL, &difference));
	/* what it says of itself now must not be another drive */
	SET(o.serial, "SN00000002");
	assert_false(xp_reread_is_same(r, &k, &o, &difference));
	assert_string_equal(difference, "serial");
	o = own(&raw);
	SET(k.serial, "SN00000002");
	assert_false(xp_reread_is_same(r, &k, &o, &difference));
	free(r);
}

static void test_reread_record_by_the_drives_word_is_held_against_it(void **state)
{
	uint8_t answer[512] = {0};
	struct xp_raw raw = {.kind = XP_RAW_ATA_IDENTIFY, .data = answer, .len = sizeof(answer)};
	struct xp_identity k = kernel();
	struct xp_identity o = own(&raw);
	struct xp_record *r = record_of(own(&raw));
	const char *difference;

	(void)state;
	assert_true(xp_reread_is_same(r, &k, &o, &difference));
	SET(o.model, "EMULATED HARD DISK 1001");
	assert_false(xp_reread_is_same(r, &k, &o, &difference));
	assert_string_equal(difference, "model");
	/* one that does not say who it is is nobody's */
	assert_false(xp_reread_is_same(r, &k, NULL, &difference));
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reread_drive_that_answers_now_is_the_one_of_the_record),
		cmocka_unit_test(test_reread_record_by_the_drives_word_is_held_against_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
