/* pkcs11: URIs: what is meant, and all that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/key_uri.h"

static struct xp_key_uri uri;

static void test_uri_whole_is_understood(void **state)
{
	(void)state;
	assert_int_equal(
		xp_key_uri_parse(&uri,
				 "pkcs11:token=My%20Token;serial=0a1b;object=k%c3%a4y;id=%00%fF;"
				 "type=private?module-path=/usr/lib/m.so&pin-source=file:/run/pin",
				 NULL),
		XP_OK);
	assert_string_equal(uri.token, "My Token");
	assert_string_equal(uri.serial, "0a1b");
	assert_string_equal(uri.object, "k\xc3\xa4y");
	assert_int_equal(uri.id_len, 2);
	assert_memory_equal(uri.id, "\x00\xff", 2);
	assert_string_equal(uri.module_path, "/usr/lib/m.so");
	assert_string_equal(uri.pin_path, "/run/pin");
}

static void test_uri_empty_names_nothing(void **state)
{
	(void)state;
	assert_int_equal(xp_key_uri_parse(&uri, "PKCS11:", NULL), XP_OK);
	assert_string_equal(uri.token, "");
	assert_int_equal(uri.id_len, 0);
}

static void test_uri_file_paths_have_three_forms(void **state)
{
	static const char *const forms[] = {
		"pkcs11:?pin-source=file:/p/q",
		"pkcs11:?pin-source=file:///p/q",
		"pkcs11:?pin-source=/p/q",
	};

	(void)state;
	for (unsigned i = 0; i < XP_ARRAY_LEN(forms); i++) {
		assert_int_equal(xp_key_uri_parse(&uri, forms[i], NULL), XP_OK);
		assert_string_equal(uri.pin_path, "/p/q");
	}
}

static void test_uri_wrong_is_refused_with_its_cause(void **state)
{
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{"", "not a pkcs11: URI"},
		{"pkcs12:token=a", "not a pkcs11: URI"},
		{"/some/file", "not a pkcs11: URI"},
		{"pkcs11:token", "not understood"},
		{"pkcs11:=a", "not understood"},
		{"pkcs11:;token=a", "not understood"},
		{"pkcs11:token=a;", "ends with a separator"},
		{"pkcs11:token=a?module-path=/m&", "ends with a separator"},
		{"pkcs11:token=", "says nothing"},
		{"pkcs11:id=", "says nothing"},
		{"pkcs11:token=a;token=b", "twice"},
		{"pkcs11:type=private;type=private", "twice"},
		{"pkcs11:type=public", "type=private"},
		{"pkcs11:type=", "type=private"},
		{"pkcs11:token=a b", "%XX"},
		{"pkcs11:token=\xc3\xa4", "%XX"},
		{"pkcs11:token=a%", "%XX"},
		{"pkcs11:token=a%2", "%XX"},
		{"pkcs11:token=a%2g", "%XX"},
		{"pkcs11:token=%g2", "%XX"},
		{"pkcs11:token=a%00b", "NUL"},
		{"pkcs11:token=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "too long"},
		{"pkcs11:serial=aaaaaaaaaaaaaaaaa", "too long"},
		{"pkcs11:module-path=/m", "not understood"},
		{"pkcs11:?token=a", "not understood behind a question mark"},
		{"pkcs11:?module-path=m.so", "absolute"},
		{"pkcs11:?module-path=file:/m.so", "absolute"},
		{"pkcs11:?module-path=//host/m.so", "absolute"},
		{"pkcs11:?pin-source=file:pin", "absolute"},
		{"pkcs11:?pin-source=file://host/pin", "absolute"},
		{"pkcs11:?pin-source=|cat", "absolute"},
		{"pkcs11:?pin-value=1234", "no place for a PIN"},
		{"pkcs11:?module-name=m", "not searched for"},
		{"pkcs11:slot-id=0", "not understood"},
		{"pkcs11:library-version=3", "not understood"},
	};
	struct xp_err err;

	(void)state;
	for (unsigned i = 0; i < XP_ARRAY_LEN(wrong); i++) {
		assert_int_equal(xp_key_uri_parse(&uri, wrong[i].text, &err), XP_E_USAGE);
		if (!strstr(err.msg, wrong[i].says))
			fail_msg("%s: \"%s\" lacks \"%s\"", wrong[i].text, err.msg, wrong[i].says);
	}
}

static void test_uri_longest_values_fit(void **state)
{
	(void)state;
	assert_int_equal(xp_key_uri_parse(&uri,
					  "pkcs11:token=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;"
					  "serial=aaaaaaaaaaaaaaaa",
					  NULL),
			 XP_OK);
	assert_int_equal(strlen(uri.token), 32);
	assert_int_equal(strlen(uri.serial), 16);
}

static void test_uri_any_bytes_end_well(void **state)
{
	static const char letters[] = "%;?&=/:a0private token module-path pin-source id \x80";
	unsigned seed = 1;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		char text[80] = "pkcs11:";
		size_t n = 7 + i % 60;

		for (size_t k = 7; k < n; k++) {
			seed = seed * 1103515245u + 12345u;
			text[k] = letters[(seed >> 16) % (sizeof(letters) - 1)];
		}
		text[n] = 0;
		if (xp_key_uri_parse(&uri, text, NULL) == XP_OK) {
			assert_true(!*uri.module_path || uri.module_path[0] == '/');
			assert_true(!*uri.pin_path || uri.pin_path[0] == '/');
		}
	}
}

static void test_uri_module_is_added_once(void **state)
{
	char out[128];
	char small[24];

	(void)state;
	assert_int_equal(
		xp_key_uri_add_module(out, sizeof(out), "pkcs11:token=a", "/l b/m&.so", NULL),
		XP_OK);
	assert_string_equal(out, "pkcs11:token=a?module-path=/l%20b/m%26.so");
	assert_int_equal(xp_key_uri_parse(&uri, out, NULL), XP_OK);
	assert_string_equal(uri.module_path, "/l b/m&.so");
	assert_int_equal(xp_key_uri_add_module(out, sizeof(out), out, "/m", NULL), XP_E_USAGE);
	assert_int_equal(
		xp_key_uri_add_module(out, sizeof(out), "pkcs11:?pin-source=/p", "/m", NULL),
		XP_OK);
	assert_string_equal(out, "pkcs11:?pin-source=/p&module-path=/m");
	assert_int_equal(xp_key_uri_add_module(out, sizeof(out), "pkcs11:", "m.so", NULL),
			 XP_E_USAGE);
	assert_int_equal(xp_key_uri_add_module(out, sizeof(out), "pkcs11:", "", NULL), XP_E_USAGE);
	assert_int_equal(xp_key_uri_add_module(small, sizeof(small), "pkcs11:token=a", "/m", NULL),
			 XP_E_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri_whole_is_understood),
		cmocka_unit_test(test_uri_empty_names_nothing),
		cmocka_unit_test(test_uri_file_paths_have_three_forms),
		cmocka_unit_test(test_uri_wrong_is_refused_with_its_cause),
		cmocka_unit_test(test_uri_longest_values_fit),
		cmocka_unit_test(test_uri_any_bytes_end_well),
		cmocka_unit_test(test_uri_module_is_added_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
