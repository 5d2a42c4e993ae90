#include "device/protocol/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct xp_identity sample(void)
{
	struct xp_identity id = {
		.media = XP_MEDIA_HDD,
		.bus = XP_BUS_ATA,
		.model = "EXAMPLE 4000",
		.serial = "S1",
		.capacity_bytes = 4096,
		.logical_block_bytes = 512,
	};

	return id;
}

static void test_identity_same_each_field_that_differs_is_named(void **state)
{
	const struct xp_identity a = sample();
	const char *d;
	struct xp_identity b;

	(void)state;
	b = a;
	assert_true(xp_identity_same(&a, &b, &d));
	assert_null(d);
#define DIFFERS(field, change)                                                                     \
	do {                                                                                       \
		b = a;                                                                             \
		change;                                                                            \
		d = NULL;                                                                          \
		assert_false(xp_identity_same(&a, &b, &d));                                        \
		assert_string_equal(d, #field);                                                    \
		assert_false(xp_identity_same(&b, &a, NULL));                                      \
	} while (0)
	DIFFERS(media, b.media = XP_MEDIA_SSD);
	DIFFERS(bus, b.bus = XP_BUS_USB);
	DIFFERS(inode, b.inode = 1);
	DIFFERS(fs_dev, b.fs_dev = 1);
	DIFFERS(diskseq, b.diskseq = 1);
	DIFFERS(partition, b.partition = 1);
	DIFFERS(partition_start, b.partition_start = 1);
	DIFFERS(capacity_bytes, b.capacity_bytes++);
	DIFFERS(logical_block_bytes, b.logical_block_bytes = 4096);
	DIFFERS(physical_block_bytes, b.physical_block_bytes = 4096);
	/* known in one only is a difference, too */
	DIFFERS(vendor, snprintf(b.vendor, sizeof(b.vendor), "%s", "x"));
	DIFFERS(model, snprintf(b.model, sizeof(b.model), "%s", "x"));
	DIFFERS(serial, snprintf(b.serial, sizeof(b.serial), "%s", ""));
	DIFFERS(wwn, snprintf(b.wwn, sizeof(b.wwn), "%s", "naa.5"));
	DIFFERS(firmware, snprintf(b.firmware, sizeof(b.firmware), "%s", "x"));
	DIFFERS(name, snprintf(b.name, sizeof(b.name), "%s", "x"));
	/* but a disk at a sanitize does not say how large it is */
	b = a;
	b.capacity_bytes = 0;
	b.logical_block_bytes = 4096;
	assert_true(xp_identity_same(&a, &b, &d));
	assert_true(xp_identity_same(&b, &a, &d));
	b.diskseq = 1;
	assert_false(xp_identity_same(&a, &b, &d));
	assert_string_equal(d, "diskseq");
}

static void test_identity_copy_raw_answers_are_its_own(void **state)
{
	uint8_t bytes[4] = {1, 2, 3, 4};
	struct xp_raw raw[2] = {
		{.kind = XP_RAW_ATA_IDENTIFY, .arg = 7, .data = bytes, .len = sizeof(bytes)},
		{.kind = XP_RAW_NVME_LOG, .data = NULL, .len = 0},
	};
	struct xp_identity a = sample();
	struct xp_identity b;

	(void)state;
	a.raw = raw;
	a.raw_n = 2;
	assert_int_equal(xp_identity_copy(&b, &a, NULL), XP_OK);
	assert_true(xp_identity_same(&a, &b, NULL));
	assert_int_equal(b.raw_n, 2);
	assert_ptr_not_equal(b.raw[0].data, bytes);
	assert_memory_equal(b.raw[0].data, bytes, sizeof(bytes));
	assert_int_equal(b.raw[0].arg, 7);
	xp_identity_free(&b);
	assert_null(b.raw);
	xp_identity_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity_same_each_field_that_differs_is_named),
		cmocka_unit_test(test_identity_copy_raw_answers_are_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
