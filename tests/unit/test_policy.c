#include "claim/policy.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct xp_policy *load(const char *path)
{
	AUTO_MEM char *json = NULL;
	struct xp_policy *p = NULL;
	struct xp_err err = {0};
	size_t len;

	assert_int_equal(xp_file_read(&json, &len, path, XP_POLICY_MAX_BYTES, &err), XP_OK);
	if (xp_policy_parse(&p, json, len, &err) != XP_OK)
		fail_msg("%s: %s", path, err.msg);
	return p;
}

#define R2 "docs/policies/nist-800-88r2.json"
#define R1 "docs/policies/nist-800-88r1.json"

static void test_policy_shipped_r2_is_the_default(void **state)
{
	struct xp_policy *p = load(R2);
	const enum xp_technique *pref;
	unsigned n;
	size_t len;

	(void)state;
	assert_string_equal(xp_policy_name(p), "nist-800-88r2");
	assert_string_equal(xp_policy_standard(p), "NIST SP 800-88");
	assert_string_equal(xp_policy_edition(p), "r2");
	assert_true(strlen(xp_policy_title(p)) > 10);
	assert_true(strlen(xp_policy_table_source(p)) > 10);
	assert_int_equal(xp_policy_level(p), XP_PURGE);
	assert_int_equal(xp_policy_readback(p), XP_READBACK_SAMPLE);
	assert_int_equal(xp_policy_sample_scheme(p), XP_SAMPLE_SCATTERED);
	assert_int_equal(xp_policy_sample_n(p), 69075);
	assert_true(xp_policy_fallback(p) && xp_policy_fallback_lower(p));
	pref = xp_policy_preference(p, &n);
	assert_int_equal(n, 17);
	assert_int_equal(pref[0], XP_NVME_SANITIZE_CRYPTO);
	assert_true(strstr(xp_policy_json(p, &len), "expunge-policy/1") != NULL);
	assert_int_equal(strlen(xp_policy_json(p, &len)), len);
	xp_policy_free(&p);
	assert_null(p);
	xp_policy_free(&p);
}

static void test_policy_shipped_r1_differs_where_r1_does(void **state)
{
	struct xp_policy *p = load(R1);

	(void)state;
	assert_string_equal(xp_policy_edition(p), "r1");
	assert_int_equal(xp_policy_sample_scheme(p), XP_SAMPLE_R1);
	assert_int_equal(xp_policy_sample_n(p), 0);
	assert_int_equal(xp_policy_overwrite_passes(p, XP_MEDIA_USB_FLASH), 2);
	assert_int_equal(xp_policy_overwrite_passes(p, XP_MEDIA_HDD), 1);
	assert_int_equal(xp_policy_cap(p, XP_OVERWRITE_ZERO, XP_MEDIA_USB_FLASH, 1), XP_NONE);
	assert_int_equal(xp_policy_cap(p, XP_OVERWRITE_ZERO, XP_MEDIA_USB_FLASH, 2), XP_CLEAR);
	assert_int_equal(xp_policy_cap(p, XP_OVERWRITE_RANDOM, XP_MEDIA_USB_FLASH, 2), XP_NONE);
	assert_int_equal(xp_policy_cap(p, XP_NVME_FORMAT_USER, XP_MEDIA_SSD, 0), XP_PURGE);
	assert_int_equal(xp_policy_cap(p, XP_NVME_FORMAT_CRYPTO, XP_MEDIA_SSD, 0), XP_PURGE);
	assert_int_equal(xp_policy_cap(p, XP_ATA_SANITIZE_OVERWRITE, XP_MEDIA_SSD, 0), XP_CLEAR);
	xp_policy_free(&p);
}

/* The table, row by row: hdd, ssd, hybrid, usb-flash, unknown, virtual. */
static void test_policy_r2_caps_are_those_of_the_table(void **state)
{
	enum { N = XP_NONE, C = XP_CLEAR, P = XP_PURGE };
	static const struct {
		enum xp_technique t;
		unsigned char cap[6];
	} rows[] = {
		{XP_OVERWRITE_ZERO, {C, C, C, C, C, C}},
		{XP_OVERWRITE_RANDOM, {C, C, C, C, C, C}},
		{XP_OVERWRITE_PATTERN, {C, C, C, C, C, C}},
		{XP_ATA_SECURE_ERASE, {C, C, C, N, C, N}},
		{XP_ATA_SECURE_ERASE_ENHANCED, {P, C, C, N, C, N}},
		{XP_ATA_SANITIZE_OVERWRITE, {P, P, C, N, C, N}},
		{XP_SCSI_SANITIZE_OVERWRITE, {P, P, C, N, C, N}},
		{XP_NVME_SANITIZE_OVERWRITE, {P, P, C, N, C, N}},
		{XP_ATA_SANITIZE_BLOCK, {N, P, P, N, P, N}},
		{XP_SCSI_SANITIZE_BLOCK, {N, P, P, N, P, N}},
		{XP_NVME_SANITIZE_BLOCK, {N, P, P, N, P, N}},
		{XP_ATA_SANITIZE_CRYPTO, {P, P, P, N, P, N}},
		{XP_SCSI_SANITIZE_CRYPTO, {P, P, P, N, P, N}},
		{XP_NVME_SANITIZE_CRYPTO, {P, P, P, N, P, N}},
		{XP_NVME_FORMAT_USER, {N, C, N, N, N, N}},
		{XP_NVME_FORMAT_CRYPTO, {N, C, N, N, N, N}},
		{XP_SCSI_FORMAT, {C, C, C, N, C, N}},
		{XP_LUKS_DESTROY, {C, C, C, C, C, C}},
		{XP_FILE_OVERWRITE, {C, N, N, N, N, C}},
	};
	struct xp_policy *p = load(R2);

	(void)state;
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), XP_TECHNIQUE_COUNT);
	for (size_t i = 0; i < XP_TECHNIQUE_COUNT; i++) {
		for (unsigned m = 0; m < 6; m++)
			assert_int_equal(xp_policy_cap(p, rows[i].t, (enum xp_media)m, 1),
					 rows[i].cap[m]);
	}
	assert_int_equal(xp_policy_cap(p, XP_OVERWRITE_ZERO, XP_MEDIA_HDD, 0), XP_NONE);
	assert_int_equal(xp_policy_cap(p, XP_TECHNIQUE_COUNT, XP_MEDIA_HDD, 1), XP_NONE);
	assert_int_equal(xp_policy_cap(p, XP_OVERWRITE_ZERO, (enum xp_media)6, 1), XP_NONE);
	xp_policy_free(&p);
}

/* The shipped text with one piece replaced. */
static enum xp_rc parse_with(struct xp_policy **p, const char *from, const char *to,
			     struct xp_err *err)
{
	AUTO_MEM char *json = NULL;
	AUTO_MEM char *changed = NULL;
	char *at;
	size_t len;

	assert_int_equal(xp_file_read(&json, &len, R2, XP_POLICY_MAX_BYTES, NULL), XP_OK);
	at = strstr(json, from);
	assert_non_null(at);
	*at = 0;
	assert_true(asprintf(&changed, "%s%s%s", json, to, at + strlen(from)) > 0);
	return xp_policy_parse(p, changed, strlen(changed), err);
}

static void test_policy_every_wrong_file_is_refused(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} rows[] = {
		{"{", "[", "no JSON"},
		{"\"name\"", "\"nome\"", "lacks \"name\""},
		{"\"level\": \"purge\"", "\"level\": \"purge\", \"extra\": 1",
		 "unknown key \"extra\""},
		{"\"level\": \"purge\"", "\"level\": \"purge\", \"e\\u202ex\": 1",
		 "(not printable)"},
		{"\"level\": \"purge\"", "\"level\": \"purge\", \"level\": \"clear\"", "no JSON"},
		{"\"level\": \"purge\"", "\"level\": \"Purge\"", "file.level"},
		{"\"level\": \"purge\"", "\"level\": \"destroy\"", "file.level"},
		{"\"level\": \"purge\"", "\"level\": \"none\"", "is none"},
		{"\"level\": \"purge\"", "\"level\": 2", "file.level"},
		{"\"level\": \"purge\"", "\"level\": null", "file.level"},
		{"expunge-policy/1", "expunge-policy/2", "file.schema"},
		{"\"name\": \"nist-800-88r2\"", "\"name\": \"../x\"", "file.name"},
		{"\"name\": \"nist-800-88r2\"", "\"name\": \".hidden\"", "file.name"},
		{"\"name\": \"nist-800-88r2\"", "\"name\": \"\"", "file.name"},
		{"\"edition\": \"r2\"", "\"edition\": \"\\u202er2\"", "control character"},
		{"\"edition\": \"r2\"", "\"edition\": \"r2\\n\"", "control character"},
		{"\"edition\": \"r2\"", "\"edition\": \"r\\u00002\"", "no JSON"},
		{"\"mode\": \"sample\"", "\"mode\": \"some\"", "verification.mode"},
		{"\"mode\": \"sample\"", "\"mode\": \"full\"", "scheme belongs"},
		{"\"mode\": \"sample\"", "\"mode\": \"none\"", "scheme belongs"},
		{"\"scheme\": \"scattered\", ", "", "scheme belongs"},
		{"\"scheme\": \"scattered\"", "\"scheme\": \"none\"", "neither r1"},
		{"\"scheme\": \"scattered\"", "\"scheme\": \"r1\"", "n belongs"},
		{"\"n\": 69075", "\"n\": 0", "verification.n"},
		{"\"n\": 69075", "\"n\": -1", "verification.n"},
		{"\"n\": 69075", "\"n\": 69075.0", "verification.n"},
		{"\"n\": 69075", "\"n\": \"69075\"", "verification.n"},
		{"\"n\": 69075", "\"n\": 99999999999", "verification.n"},
		{"\"n\": 69075", "\"m\": 69075", "unknown key \"m\""},
		{"\"overwrite_passes\": {\"hdd\": 1, ", "\"overwrite_passes\": {", "lacks \"hdd\""},
		{"\"overwrite_passes\": {\"hdd\": 1", "\"overwrite_passes\": {\"hdd\": 9",
		 "1 to 8"},
		{"\"overwrite_passes\": {\"hdd\"", "\"overwrite_passes\": {\"tape\"", "no media"},
		{"\"overwrite-zero\": {", "\"overwrite-one\": {", "no technique"},
		{"\"overwrite-zero\": {\"hdd\": \"clear\"",
		 "\"overwrite-zero\": {\"hdd\": \"purge\"", "ever do"},
		{"\"luks-destroy\": {\"hdd\": \"clear\"", "\"luks-destroy\": {\"hdd\": \"purge\"",
		 "ever do"},
		{"\"ata-sanitize-block\": {\"ssd\"", "\"ata-sanitize-block\": {\"virtual\"",
		 "ever do"},
		{"\"ata-sanitize-block\": {\"ssd\"", "\"ata-sanitize-block\": {\"tape\"",
		 "no media"},
		{"\t\t\"nvme-sanitize-crypto\",", "\t\t\"nvme-sanitize-block\",", "twice"},
		{"\t\t\"nvme-sanitize-crypto\",", "\t\t7,", "no technique"},
		{"\"allowed\": true", "\"allowed\": false", "needs fallback.allowed"},
		{"\"allowed\": true", "\"allowed\": 1", "neither true"},
		{"\"vendor_statements\": []", "\"vendor_statements\": {}", "no list"},
		{"\"vendor_statements\": []", "\"vendor_statements\": [{}]", "[0] lacks"},
		{"}\n", "} x", "no JSON"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct xp_policy *p = NULL;
		struct xp_err err = {0};

		if (parse_with(&p, rows[i].from, rows[i].to, &err) != XP_E_MALFORMED)
			fail_msg("taken: %s", rows[i].to);
		assert_null(p);
		if (!strstr(err.msg, rows[i].says))
			fail_msg("%s: says \"%s\"", rows[i].to, err.msg);
	}
}

/* Cut anywhere, the file is refused; only the line end at its end may go. */
static void test_policy_truncated_anywhere_is_refused(void **state)
{
	AUTO_MEM char *json = NULL;
	size_t len;

	(void)state;
	assert_int_equal(xp_file_read(&json, &len, R1, XP_POLICY_MAX_BYTES, NULL), XP_OK);
	for (size_t n = 0; n + 1 < len; n += 3) {
		struct xp_policy *p = NULL;

		assert_int_equal(xp_policy_parse(&p, json, n, NULL), XP_E_MALFORMED);
		assert_null(p);
	}
}

static void test_policy_oversized_or_deep_is_refused(void **state)
{
	AUTO_MEM char *big = malloc(XP_POLICY_MAX_BYTES + 2);
	struct xp_policy *p = NULL;

	(void)state;
	assert_non_null(big);
	memset(big, ' ', XP_POLICY_MAX_BYTES + 1);
	assert_int_equal(xp_policy_parse(&p, big, XP_POLICY_MAX_BYTES + 1, NULL), XP_E_MALFORMED);
	memset(big, '[', XP_POLICY_MAX_BYTES);
	assert_int_equal(xp_policy_parse(&p, big, XP_POLICY_MAX_BYTES, NULL), XP_E_MALFORMED);
}

#define STATEMENT(vendor, model, technique, level)                                                 \
	"\"vendor_statements\": [{\"id\": \"VS-1\", \"vendor\": \"" vendor                         \
	"\", \"model\": \"" model "\", \"technique\": \"" technique "\", \"level\": \"" level      \
	"\", \"source\": \"letter of 2026-01-05\"}]"

static void test_policy_vendor_statement_raises_only_what_it_names(void **state)
{
	struct xp_policy *p = NULL;
	struct xp_identity id = {.media = XP_MEDIA_SSD, .vendor = "ATA", .model = "ACME Fast 480G"};
	const char *statement;

	(void)state;
	assert_int_equal(
		parse_with(&p, "\"vendor_statements\": []",
			   STATEMENT("ACME", "ACME *480*", "ata-secure-erase-enhanced", "purge"),
			   NULL),
		XP_OK);
	assert_int_equal(xp_policy_cap_for(p, XP_ATA_SECURE_ERASE_ENHANCED, &id, 0, &statement),
			 XP_PURGE);
	assert_string_equal(statement, "VS-1");
	/* another technique, another model, another vendor, no model, another media */
	assert_int_equal(xp_policy_cap_for(p, XP_ATA_SECURE_ERASE, &id, 0, &statement), XP_CLEAR);
	assert_null(statement);
	memcpy(id.model, "ACME Fast 481G", 15);
	assert_int_equal(xp_policy_cap_for(p, XP_ATA_SECURE_ERASE_ENHANCED, &id, 0, NULL),
			 XP_CLEAR);
	memcpy(id.model, "ACME Fast 480G", 15);
	memcpy(id.vendor, "OTHER", 6);
	assert_int_equal(xp_policy_cap_for(p, XP_ATA_SECURE_ERASE_ENHANCED, &id, 0, NULL),
			 XP_CLEAR);
	memcpy(id.vendor, "ACME", 5);
	assert_int_equal(xp_policy_cap_for(p, XP_ATA_SECURE_ERASE_ENHANCED, &id, 0, NULL),
			 XP_PURGE);
	id.media = XP_MEDIA_USB_FLASH; /* the table has nothing to raise */
	assert_int_equal(xp_policy_cap_for(p, XP_ATA_SECURE_ERASE_ENHANCED, &id, 0, NULL), XP_NONE);
	id.media = XP_MEDIA_SSD;
	id.model[0] = 0;
	assert_int_equal(xp_policy_cap_for(p, XP_ATA_SECURE_ERASE_ENHANCED, &id, 0, NULL),
			 XP_CLEAR);
	xp_policy_free(&p);
}

static void test_policy_vendor_statement_too_wide_is_refused(void **state)
{
	static const char *const wrong[] = {
		STATEMENT("ACME", "*", "ata-secure-erase-enhanced", "purge"),
		STATEMENT("ACME", "*A*B*C*", "ata-secure-erase-enhanced", "purge"),
		STATEMENT("ACME", "ACME Fast", "overwrite-zero", "purge"),
		STATEMENT("ACME", "ACME Fast", "shred", "purge"),
		STATEMENT("", "ACME Fast", "nvme-format-crypto", "purge"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct xp_policy *p = NULL;

		assert_int_equal(parse_with(&p, "\"vendor_statements\": []", wrong[i], NULL),
				 XP_E_MALFORMED);
	}
}

/* Any single byte changed: refused, or a policy whose caps still keep to the ceiling. */
static void test_policy_any_byte_changed_never_crashes_nor_lifts_the_ceiling(void **state)
{
	AUTO_MEM char *json = NULL;
	size_t len;

	(void)state;
	assert_int_equal(xp_file_read(&json, &len, R2, XP_POLICY_MAX_BYTES, NULL), XP_OK);
	for (size_t i = 0; i < len; i++) {
		static const char with[] = {'"', '}', '9', 'x', (char)0xff};
		char old = json[i];

		for (size_t k = 0; k < sizeof(with); k++) {
			struct xp_policy *p = NULL;

			json[i] = with[k];
			if (xp_policy_parse(&p, json, len, NULL) == XP_OK)
				assert_true(xp_policy_cap(p, XP_OVERWRITE_ZERO, XP_MEDIA_HDD, 8) <=
					    XP_CLEAR);
			xp_policy_free(&p);
		}
		json[i] = old;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_shipped_r2_is_the_default),
		cmocka_unit_test(test_policy_shipped_r1_differs_where_r1_does),
		cmocka_unit_test(test_policy_r2_caps_are_those_of_the_table),
		cmocka_unit_test(test_policy_every_wrong_file_is_refused),
		cmocka_unit_test(test_policy_truncated_anywhere_is_refused),
		cmocka_unit_test(test_policy_oversized_or_deep_is_refused),
		cmocka_unit_test(test_policy_vendor_statement_raises_only_what_it_names),
		cmocka_unit_test(test_policy_vendor_statement_too_wide_is_refused),
		cmocka_unit_test(test_policy_any_byte_changed_never_crashes_nor_lifts_the_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
