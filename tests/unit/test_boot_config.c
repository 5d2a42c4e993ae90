/* expunge.json and the kernel's command line: whole and understood, or refused with the place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "cli/boot_config.h"

#define AUTO_CONFIG AUTO(xp_boot_config_free)

static enum xp_rc parse(struct xp_boot_config *c, const char *json, struct xp_err *err)
{
	return xp_boot_config_parse(c, json, strlen(json), "/stick/expunge.json", err);
}

static const char whole[] =
	"{\"version\":1,\"policy\":\"nist-800-88r2\",\"level\":\"purge\",\"accept\":\"clear\","
	"\"verify\":\"full\",\"operator\":{\"name\":\"Ada Lovelace\",\"organization\":\"Example\"},"
	"\"record\":{\"tenant\":\"T\",\"persons\":[{\"role\":\"site\",\"name\":\"S\"}]},"
	"\"key\":\"keys/ada.key.pem\",\"cert\":\"/abs/ada.cert.pem\","
	"\"passphrase_file\":\"keys/pass\","
	"\"upload\":{\"url\":\"https://put.example:8443/in\",\"ca\":\"keys/ca.pem\","
	"\"header_file\":\"keys/header\"},"
	"\"unattended\":{\"expect\":\"expect.csv\",\"settle_seconds\":5,\"settle_max_seconds\":60,"
	"\"countdown_seconds\":10,\"then\":\"poweroff\"},"
	"\"keyboard\":\"de-latin1\",\"ntp\":\"ntp.example\"}";

static void test_config_whole_is_taken(void **state)
{
	AUTO_CONFIG struct xp_boot_config c;
	struct xp_err err;

	(void)state;
	assert_int_equal(parse(&c, whole, &err), XP_OK);
	assert_string_equal(c.policy, "nist-800-88r2");
	assert_true(c.has_level && c.level == XP_PURGE && c.has_accept && c.accept == XP_CLEAR);
	assert_true(c.has_verify && c.verify == XP_READBACK_FULL);
	assert_true(c.has_performer);
	assert_string_equal(c.performer.role, "performer");
	assert_string_equal(c.performer.name, "Ada Lovelace");
	assert_non_null(strstr(c.record_json, "\"tenant\":\"T\""));
	assert_non_null(strstr(c.record_json, "\"site\""));
	assert_string_equal(c.key, "/stick/keys/ada.key.pem");
	assert_string_equal(c.cert, "/abs/ada.cert.pem");
	assert_string_equal(c.passphrase_file, "/stick/keys/pass");
	assert_string_equal(c.upload.url, "https://put.example:8443/in");
	assert_string_equal(c.upload.ca, "/stick/keys/ca.pem");
	assert_string_equal(c.upload.header_file, "/stick/keys/header");
	assert_true(c.unattended.present);
	assert_string_equal(c.unattended.expect, "/stick/expect.csv");
	assert_int_equal(c.unattended.settle_s, 5);
	assert_int_equal(c.unattended.settle_max_s, 60);
	assert_int_equal(c.unattended.countdown_s, 10);
	assert_int_equal(c.unattended.then, XP_BOOT_POWEROFF);
	assert_string_equal(c.keyboard, "de-latin1");
	assert_string_equal(c.ntp, "ntp.example");
}

static void test_config_least_has_the_defaults(void **state)
{
	AUTO_CONFIG struct xp_boot_config c;
	struct xp_err err;

	(void)state;
	assert_int_equal(parse(&c, "\xef\xbb\xbf{\"version\":1}\r\n", &err), XP_OK);
	assert_false(c.unattended.present);
	assert_int_equal(c.unattended.settle_s, 30);
	assert_int_equal(c.unattended.settle_max_s, 600);
	assert_int_equal(c.unattended.countdown_s, 60);
	assert_int_equal(c.unattended.then, XP_BOOT_WAIT);
	assert_false(c.has_level || c.has_accept || c.has_verify || c.has_performer);
	assert_null(c.record_json);
	assert_string_equal(c.upload.url, "");
	assert_string_equal(c.key, "");
}

static void test_config_addresses_and_tokens_are_no_paths(void **state)
{
	AUTO_CONFIG struct xp_boot_config c;
	struct xp_err err;

	(void)state;
	assert_int_equal(parse(&c,
			       "{\"version\":1,\"key\":\"pkcs11:token=t\",\"cert\":\"c.pem\","
			       "\"policy\":\"own.json\",\"upload\":{\"url\":\"https://h/x\","
			       "\"ca\":\"system\"},\"unattended\":{\"expect\":"
			       "\"https://h/list?host=7\",\"expect_ca\":\"ca.pem\"}}",
			       &err),
			 XP_OK);
	assert_string_equal(c.key, "pkcs11:token=t");
	assert_string_equal(c.policy, "/stick/own.json");
	assert_true(c.upload.system_ca);
	assert_string_equal(c.upload.ca, "");
	assert_string_equal(c.unattended.expect, "https://h/list?host=7");
	assert_string_equal(c.unattended.expect_ca, "/stick/ca.pem");
	assert_false(c.unattended.expect_system_ca);
}

static void test_config_wrong_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *json, *says;
	} bad[] = {
		{"", "line 1"},
		{"[]", "(root)"},
		{"{", "line 1"},
		{"{}", "version"},
		{"{\"version\":2}", "version"},
		{"{\"version\":1.0}", "version"},
		{"{\"version\":1,\"version\":1}", "duplicate"},
		{"{\"version\":1} x", "line 1"},
		{"{\"version\":1,\"frob\":1}", "frob: there is no such key"},
		{"{\"version\":1,\"unattended\":{\"settle\":3}}", "unattended.settle: there is no"},
		{"{\"version\":1,\"unattended\":[]}", "unattended: an object"},
		{"{\"version\":1,\"unattended\":{\"settle_seconds\":-1}}",
		 "unattended.settle_seconds"},
		{"{\"version\":1,\"unattended\":{\"settle_seconds\":\"3\"}}",
		 "unattended.settle_seconds"},
		{"{\"version\":1,\"unattended\":{\"settle_seconds\":99999999999}}",
		 "unattended.settle_seconds"},
		{"{\"version\":1,\"unattended\":{\"settle_max_seconds\":5}}", "less than"},
		{"{\"version\":1,\"unattended\":{\"then\":\"halt\"}}", "unattended.then"},
		{"{\"version\":1,\"unattended\":{\"then\":1}}", "unattended.then"},
		{"{\"version\":1,\"unattended\":{\"expect\":\"\"}}", "unattended.expect"},
		{"{\"version\":1,\"unattended\":{\"expect\":\"http://h/l\"}}", "plain http"},
		{"{\"version\":1,\"unattended\":{\"expect\":\"ftp://h/l\"}}", "not an https"},
		{"{\"version\":1,\"level\":\"none\"}", "level"},
		{"{\"version\":1,\"level\":\"destroy\"}", "level"},
		{"{\"version\":1,\"accept\":true}", "accept"},
		{"{\"version\":1,\"verify\":\"none\"}", "verify"},
		{"{\"version\":1,\"policy\":\"\"}", "policy"},
		{"{\"version\":1,\"policy\":\"a\\u0000b\"}", "line 1"},
		{"{\"version\":1,\"policy\":\"a\\u202eb\"}", "policy"},
		{"{\"version\":1,\"key\":\"k\"}", "go together"},
		{"{\"version\":1,\"passphrase_file\":\"k\"}", "there is no key"},
		{"{\"version\":1,\"operator\":\"Ada\"}", "operator: an object"},
		{"{\"version\":1,\"operator\":{}}", "needs a name"},
		{"{\"version\":1,\"operator\":{\"name\":\"A\",\"role\":\"site\"}}",
		 "operator.role"},
		{"{\"version\":1,\"operator\":{\"name\":\"A\",\"shoe\":\"9\"}}", "shoe"},
		{"{\"version\":1,\"operator\":{\"name\":\"A\"},\"record\":{\"persons\":{}}}",
		 "record.persons"},
		{"{\"version\":1,\"record\":{\"deadline\":\"soon\"}}", "deadline"},
		{"{\"version\":1,\"upload\":{}}", "needs a url"},
		{"{\"version\":1,\"upload\":{\"url\":\"https://h/\"}}", "needs a ca"},
		{"{\"version\":1,\"upload\":{\"url\":\"http://h/\",\"ca\":\"c\"}}", "plain http"},
		{"{\"version\":1,\"upload\":{\"url\":\"https://u:p@h/\",\"ca\":\"c\"}}", "header"},
		{"{\"version\":1,\"upload\":{\"url\":\"https://h/?q\",\"ca\":\"c\"}}", "query"},
		{"{\"version\":1,\"upload\":{\"url\":\"https://h/\",\"insecure\":true}}",
		 "upload.insecure"},
		{"{\"version\":1,\"keyboard\":\"../x\"}", "keyboard"},
		{"{\"version\":1,\"keyboard\":\"-x\"}", "keyboard"},
		{"{\"version\":1,\"ntp\":\"a b\"}", "ntp"},
		{"{\"version\":1,\"ntp\":null}", "ntp"},
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++) {
		AUTO_CONFIG struct xp_boot_config c;
		struct xp_err err;

		if (parse(&c, bad[i].json, &err) != XP_E_USAGE && err.rc != XP_E_REFUSED)
			fail_msg("taken: %s", bad[i].json);
		if (!strstr(err.msg, bad[i].says) || !strstr(err.msg, "/stick/expunge.json"))
			fail_msg("%s: says: %s", bad[i].json, err.msg);
	}
}

static void test_config_cut_anywhere_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n + 1 < sizeof(whole) - 1; n++) {
		AUTO_CONFIG struct xp_boot_config c;
		struct xp_err err;

		assert_int_equal(xp_boot_config_parse(&c, whole, n, "e.json", &err), XP_E_USAGE);
	}
}

static void test_config_oversized_is_refused(void **state)
{
	static char big[XP_BOOT_CONFIG_MAX_BYTES + 2];
	AUTO_CONFIG struct xp_boot_config c;
	struct xp_err err;

	(void)state;
	memset(big, ' ', sizeof(big));
	assert_int_equal(xp_boot_config_parse(&c, big, sizeof(big), "e.json", &err), XP_E_USAGE);
	assert_non_null(strstr(err.msg, "larger"));
}

static void test_config_file_absent_says_so(void **state)
{
	AUTO_CONFIG struct xp_boot_config c;
	struct xp_err err;

	(void)state;
	assert_int_equal(xp_boot_config_read(&c, "/nonexistent/expunge.json", &err), XP_E_NOENT);
}

static enum xp_rc words(struct xp_boot_cmdline *w, const char *line, struct xp_err *err)
{
	return xp_boot_cmdline_parse(w, line, strlen(line), err);
}

static void test_cmdline_words_are_found(void **state)
{
	struct xp_boot_cmdline w;
	struct xp_err err;

	(void)state;
	assert_int_equal(words(&w,
			       "quiet expunge.unattended=1 expunge.expect=\"my list.csv\" "
			       "notexpunge.expect=x expunge.upload=https://h/x?no root=/dev/sda "
			       "expunge.upload_ca=system expunge.config=/a/b expunge.stick=7\n",
			       &err),
			 XP_OK);
	assert_true(w.has_unattended && w.unattended);
	assert_string_equal(w.expect, "my list.csv");
	assert_string_equal(w.upload, "https://h/x?no");
	assert_string_equal(w.upload_ca, "system");
	assert_string_equal(w.config, "/a/b");
	assert_int_equal(words(&w, "", &err), XP_OK);
	assert_false(w.has_unattended);
	assert_int_equal(words(&w, "expunge.unattended=0", &err), XP_OK);
	assert_true(w.has_unattended && !w.unattended);
}

static void test_cmdline_wrong_is_refused(void **state)
{
	static const char *const bad[] = {
		"expunge.unattended",	  "expunge.unattended=",
		"expunge.unattended=yes", "expunge.unattended=2",
		"expunge.expect=",	  "expunge.expect=a expunge.expect=b",
		"expunge.expect=a\x7f",	  "expunge.unattended=1 expunge.unattended=0",
	};
	char line[XP_BOOT_PATH_MAX + 64] = "expunge.expect=";
	struct xp_boot_cmdline w;
	struct xp_err err;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++)
		if (words(&w, bad[i], &err) != XP_E_USAGE)
			fail_msg("taken: %s", bad[i]);
	memset(line + strlen(line), 'x', sizeof(line) - 1 - strlen("expunge.expect="));
	line[sizeof(line) - 1] = 0;
	assert_int_equal(words(&w, line, &err), XP_E_USAGE);
}

static void test_cmdline_goes_before_the_file(void **state)
{
	AUTO_CONFIG struct xp_boot_config c;
	struct xp_boot_cmdline w;
	struct xp_err err;

	(void)state;
	assert_int_equal(parse(&c, whole, &err), XP_OK);
	assert_int_equal(words(&w,
			       "expunge.unattended=0 expunge.expect=other.csv "
			       "expunge.upload=https://other/ expunge.upload_ca=ca2.pem",
			       &err),
			 XP_OK);
	assert_int_equal(xp_boot_config_override(&c, &w, &err), XP_OK);
	assert_false(c.unattended.present);
	assert_string_equal(c.unattended.expect, "/stick/other.csv");
	assert_string_equal(c.upload.url, "https://other/");
	assert_string_equal(c.upload.ca, "/stick/ca2.pem");
}

static void test_cmdline_address_that_is_not_safe_is_refused(void **state)
{
	static const char *const bad[] = {"expunge.expect=http://h/list",
					  "expunge.upload=http://h/",
					  "expunge.upload=https://h/", /* no authority was named */
					  "expunge.upload=https://h/?x expunge.upload_ca=system",
					  "expunge.expect=tftp://h/x"};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++) {
		AUTO_CONFIG struct xp_boot_config c;
		struct xp_boot_cmdline w;
		struct xp_err err;

		assert_int_equal(parse(&c, "{\"version\":1}", &err), XP_OK);
		assert_int_equal(words(&w, bad[i], &err), XP_OK);
		if (xp_boot_config_override(&c, &w, &err) == XP_OK)
			fail_msg("taken: %s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_whole_is_taken),
		cmocka_unit_test(test_config_least_has_the_defaults),
		cmocka_unit_test(test_config_addresses_and_tokens_are_no_paths),
		cmocka_unit_test(test_config_wrong_is_refused_with_its_place),
		cmocka_unit_test(test_config_cut_anywhere_is_refused),
		cmocka_unit_test(test_config_oversized_is_refused),
		cmocka_unit_test(test_config_file_absent_says_so),
		cmocka_unit_test(test_cmdline_words_are_found),
		cmocka_unit_test(test_cmdline_wrong_is_refused),
		cmocka_unit_test(test_cmdline_goes_before_the_file),
		cmocka_unit_test(test_cmdline_address_that_is_not_safe_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
