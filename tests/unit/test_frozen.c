/*
 * Records that earlier versions wrote, checked by this one, today and twenty years later: their
 * signers' certificates, the authority's and the roots have expired; token, lists and roots were
 * kept. tests/data/frozen/make.sh made them. Rules and forms change under other names only.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/check.h"

#define FROZEN	   "tests/data/frozen"
#define FROZEN_MIN 15
#define YEAR_S	   31556952LL
#define MADE_S	   1795336200LL /* 2026-11-22T08:30:00Z */
#define DAY_S	   86400LL

static int64_t now_s;

static int64_t wall(void *ctx)
{
	(void)ctx;
	return now_s;
}

static uint64_t steady(void *ctx)
{
	(void)ctx;
	return 1;
}

static const struct xp_clock clock_of_then = {.wall_s = wall, .monotonic_ns = steady};

typedef enum xp_rc add_fn(struct xp_trust *t, const char *data, size_t len, const char *name,
			  struct xp_err *err);

static void add(struct xp_trust *to, const char *folder, const char *file, add_fn *how)
{
	AUTO_MEM char *data = NULL;
	char path[512];
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	assert_int_equal(xp_file_read(&data, &len, path, 1 << 20, NULL), XP_OK);
	assert_int_equal(how(to, data, len, path, NULL), XP_OK);
}

static struct xp_check *checker(const char *folder, bool with_tsa, bool with_list)
{
	struct xp_check *c = NULL;

	assert_int_equal(xp_check_new(&c, &clock_of_then, NULL), XP_OK);
	add(xp_check_trust(c), folder, "root.pem", xp_trust_add_anchors);
	if (with_list)
		add(xp_check_trust(c), folder, "root.crl", xp_trust_add_crls);
	if (with_tsa)
		add(xp_check_tsa(c), folder, "tsa-root.pem", xp_trust_add_anchors);
	return c;
}

static void expect(const struct xp_check *c, const char *path, int want, const char *code)
{
	struct xp_check_result r;
	AUTO_MEM char *json = NULL;
	AUTO_MEM char *p7s = NULL;
	char p7s_path[520];
	size_t json_len, p7s_len;
	bool found = !code;
	int got;

	snprintf(p7s_path, sizeof(p7s_path), "%s.p7s", path);
	assert_int_equal(xp_file_read(&json, &json_len, path, XP_RECORD_MAX_BYTES, NULL), XP_OK);
	assert_int_equal(xp_file_read(&p7s, &p7s_len, p7s_path, XP_CMS_MAX_BYTES, NULL), XP_OK);
	assert_int_equal(xp_check_pair(&r, c, json, json_len, p7s, p7s_len, NULL), XP_OK);
	got = xp_check_exit_code(&r);
	for (size_t i = 0; i < r.findings.n; i++) {
		found = found || strcmp(r.findings.list[i].code, code) == 0;
		if (got != want)
			print_error("%s: %s\n", r.findings.list[i].code, r.findings.list[i].text);
	}
	xp_check_result_free(&r);
	if (got != want || !found)
		fail_msg("%s: exit code %d, wanted %d, %s", path, got, want, code ? code : "");
}

typedef void each_fn(const char *folder, const char *record);

static unsigned each_record(const char *folder, each_fn *f)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		size_t len = strlen(e->d_name);
		char path[512];

		if (len < 6 || strcmp(e->d_name + len - 5, ".json") != 0)
			continue;
		assert_true((size_t)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name) <
			    sizeof(path));
		f(folder, path);
		n++;
	}
	closedir(d);
	return n;
}

/* Of every version that there was. */
static unsigned each_version(each_fn *f)
{
	DIR *d = opendir(FROZEN);
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		char folder[300];

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		snprintf(folder, sizeof(folder), FROZEN "/%s", e->d_name);
		n += each_record(folder, f);
	}
	closedir(d);
	return n;
}

static bool says(const char *record, const char *text)
{
	AUTO_MEM char *json = NULL;
	size_t len;

	assert_int_equal(xp_file_read(&json, &len, record, XP_RECORD_MAX_BYTES, NULL), XP_OK);
	return strstr(json, text) != NULL;
}

/* A failure is authentic for ever, and never what was asked for. */
static void passes(const char *folder, const char *record)
{
	AUTO(xp_check_free) struct xp_check *c = checker(folder, true, true);
	const struct xp_requirements req = {.time = true};
	bool failed = says(record, "\"kind\":\"failure\"");

	xp_check_require(c, &req);
	expect(c, record, failed ? 3 : 0, failed ? "P_KIND" : NULL);
}

static const char *technique_wanted;
static unsigned technique_found;

static void counts_technique(const char *folder, const char *record)
{
	char text[80];

	(void)folder;
	snprintf(text, sizeof(text), "\"technique\":\"%s\"", technique_wanted);
	technique_found += says(record, text);
}

static void test_frozen_records_are_of_every_kind(void **state)
{
	static const char *const techniques[] = {
		"overwrite-zero",
		"overwrite-random",
		"luks-destroy",
		"file-overwrite",
		"ata-sanitize-crypto",
		"ata-sanitize-block",
		"nvme-sanitize-crypto",
		"nvme-sanitize-block",
		"scsi-sanitize-overwrite",
		"ata-secure-erase-enhanced",
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(techniques); i++) {
		technique_wanted = techniques[i];
		technique_found = 0;
		each_version(counts_technique);
		if (!technique_found)
			fail_msg("no frozen record of %s", techniques[i]);
	}
}

static void is_indeterminate_without_authority(const char *folder, const char *record)
{
	AUTO(xp_check_free) struct xp_check *c = checker(folder, false, true);

	expect(c, record, 2, "I_CERT_TIME");
}

static void test_frozen_records_pass_on_the_day(void **state)
{
	(void)state;
	now_s = MADE_S + DAY_S / 2;
	assert_true(each_version(passes) >= FROZEN_MIN);
}

static void test_frozen_records_pass_twenty_years_later(void **state)
{
	(void)state;
	now_s = MADE_S + 20 * YEAR_S;
	assert_true(each_version(passes) >= FROZEN_MIN);
}

static void test_frozen_records_need_their_token_later(void **state)
{
	(void)state;
	now_s = MADE_S + 20 * YEAR_S;
	assert_true(each_version(is_indeterminate_without_authority) >= FROZEN_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frozen_records_are_of_every_kind),
		cmocka_unit_test(test_frozen_records_pass_on_the_day),
		cmocka_unit_test(test_frozen_records_pass_twenty_years_later),
		cmocka_unit_test(test_frozen_records_need_their_token_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
