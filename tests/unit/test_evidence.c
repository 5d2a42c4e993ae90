#include "claim/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* Each name comes back as its value, differs from all others, and nothing else is taken. */
#define CHECK_NAMES(prefix, type, count)                                                           \
	do {                                                                                       \
		enum type back;                                                                    \
		for (unsigned i = 0; i < (unsigned)(count); i++) {                                 \
			const char *name = xp_##prefix##_name((enum type)i);                       \
			assert_true(name &&name[0] && name[0] != '?');                             \
			assert_true(xp_##prefix##_parse(&back, name));                             \
			assert_int_equal(back, i);                                                 \
		}                                                                                  \
		assert_string_equal(xp_##prefix##_name((enum type)(count)), "?");                  \
		assert_false(xp_##prefix##_parse(&back, ""));                                      \
		assert_false(xp_##prefix##_parse(&back, "?"));                                     \
		assert_false(xp_##prefix##_parse(&back, NULL));                                    \
		assert_false(xp_##prefix##_parse(&back, "Zero "));                                 \
	} while (0)

static void test_names_every_value_comes_back(void **state)
{
	(void)state;
	CHECK_NAMES(level, xp_level, XP_PURGE + 1);
	CHECK_NAMES(scope, xp_scope, XP_SCOPE_DRIVE + 1);
	CHECK_NAMES(technique, xp_technique, XP_TECHNIQUE_COUNT);
	CHECK_NAMES(outcome, xp_outcome, XP_OUTCOME_INDETERMINATE + 1);
	CHECK_NAMES(content_kind, xp_content_kind, XP_CONTENT_UNKNOWN + 1);
	CHECK_NAMES(phase_kind, xp_phase_kind, XP_PHASE_READBACK + 1);
	CHECK_NAMES(readback_mode, xp_readback_mode, XP_READBACK_FULL + 1);
	CHECK_NAMES(sample_scheme, xp_sample_scheme, XP_SAMPLE_SCATTERED + 1);
	CHECK_NAMES(seed_mode, xp_seed_mode, XP_SEED_VALIDATOR + 1);
	CHECK_NAMES(answer, xp_answer, XP_ANSWER_YES + 1);
	CHECK_NAMES(media, xp_media, XP_MEDIA_VIRTUAL + 1);
	CHECK_NAMES(bus, xp_bus, XP_BUS_FILE + 1);
	CHECK_NAMES(raw_kind, xp_raw_kind, XP_RAW_KIND_COUNT);
	CHECK_NAMES(io_backend, xp_io_backend, XP_IO_WRITE_SAME + 1);
}

/* These words stand in records and scripts for decades. */
static void test_names_are_those_of_the_contract(void **state)
{
	(void)state;
	assert_string_equal(xp_scope_name(XP_SCOPE_LOGICAL_UNIT), "logical-unit");
	assert_string_equal(xp_outcome_name(XP_OUTCOME_SANITIZED_WITH_EXCEPTIONS),
			    "sanitized_with_exceptions");
	assert_string_equal(xp_technique_name(XP_ATA_SECURE_ERASE_ENHANCED),
			    "ata-secure-erase-enhanced");
	assert_string_equal(xp_technique_name(XP_NVME_FORMAT_USER), "nvme-format-user");
	assert_string_equal(xp_technique_name(XP_FILE_OVERWRITE), "file-overwrite");
	assert_string_equal(xp_level_name(XP_PURGE), "purge");
	assert_string_equal(xp_media_name(XP_MEDIA_USB_FLASH), "usb-flash");
}

static void test_host_overwrite_is_only_the_three(void **state)
{
	unsigned n = 0;

	(void)state;
	for (unsigned t = 0; t < XP_TECHNIQUE_COUNT; t++)
		n += xp_technique_is_host_overwrite((enum xp_technique)t);
	assert_int_equal(n, 3);
	assert_true(xp_technique_is_host_overwrite(XP_OVERWRITE_PATTERN));
	assert_false(xp_technique_is_host_overwrite(XP_ATA_SANITIZE_OVERWRITE));
}

static void test_content_same_compares_what_matters(void **state)
{
	struct xp_content zero = {.kind = XP_CONTENT_ZERO};
	struct xp_content zero2 = {.kind = XP_CONTENT_ZERO, .key = {1}};
	struct xp_content a = {.kind = XP_CONTENT_PATTERN, .pattern = {1, 2}, .pattern_len = 2};
	struct xp_content b = a;
	struct xp_content r = {.kind = XP_CONTENT_RANDOM, .key = {1}};
	struct xp_content r2 = {.kind = XP_CONTENT_RANDOM, .key = {2}};
	struct xp_content u = {.kind = XP_CONTENT_UNKNOWN};

	(void)state;
	assert_true(xp_content_same(&zero, &zero2));
	assert_false(xp_content_same(&zero, &a));
	assert_true(xp_content_same(&a, &b));
	b.pattern[1] = 3;
	assert_false(xp_content_same(&a, &b));
	b = a;
	b.pattern_len = 1;
	assert_false(xp_content_same(&a, &b));
	b.pattern_len = a.pattern_len = XP_PATTERN_MAX + 1; /* a lie: never read past the end */
	assert_false(xp_content_same(&a, &b));
	assert_true(xp_content_same(&r, &r));
	assert_false(xp_content_same(&r, &r2));
	assert_false(xp_content_same(&u, &u));
}

static void test_evidence_add_many_phases_are_zeroed(void **state)
{
	struct xp_evidence ev = {0};
	struct xp_phase zero;

	(void)state;
	memset(&zero, 0, sizeof(zero));
	for (int i = 0; i < 100; i++) {
		struct xp_phase *p = xp_evidence_add(&ev, XP_PHASE_IDENTIFY);

		assert_non_null(p);
		assert_memory_equal(p, &zero, sizeof(zero));
		p->kind = XP_PHASE_ERASE;
		assert_int_equal(xp_extents_add(&p->overwrite.unwritten, 512, 512, NULL), XP_OK);
		assert_int_equal(xp_extents_add(&p->readback.read_errors, 0, 512, NULL), XP_OK);
	}
	assert_int_equal(ev.n, 100);
	xp_evidence_free(&ev);
	assert_null(ev.phases);
	xp_evidence_free(&ev); /* again: nothing */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_every_value_comes_back),
		cmocka_unit_test(test_names_are_those_of_the_contract),
		cmocka_unit_test(test_host_overwrite_is_only_the_three),
		cmocka_unit_test(test_content_same_compares_what_matters),
		cmocka_unit_test(test_evidence_add_many_phases_are_zeroed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
