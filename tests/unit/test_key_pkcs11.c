/* Keys on tokens, held against a module that lies. (tests/cli/test_pkcs11.sh has one that does
 * not.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "certs/key.h"

static struct xp_key_uri uri;
static struct xp_err err;
static const uint8_t digest[32] = {1, 2, 3};

/* The module lies beside the test. */
static int set_up(void **state)
{
	char self[2048];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	(void)state;
	if (n < 0)
		return -1;
	self[n] = 0;
	slash = strrchr(self, '/');
	if (!slash)
		return -1;
	*slash = 0;
	snprintf(uri.module_path, sizeof(uri.module_path), "%s/lying_token.so", self);
	return 0;
}

static void lie(const char *what)
{
	assert_int_equal(setenv("XP_LIE", what, 1), 0);
	err = (struct xp_err){0};
}

static enum xp_rc log_in(struct xp_token **t, const char *pin_text)
{
	AUTO(xp_secret_free) struct xp_secret pin = {0};

	TRY(xp_token_open(t, &uri, &err));
	TRY(xp_secret_new(&pin, strlen(pin_text), &err));
	memcpy(pin.data, pin_text, pin.len);
	return xp_token_login(*t, &pin, &err);
}

static void test_token_opening_lies_are_refused(void **state)
{
	static const struct {
		const char *lie;
		enum xp_rc rc;
	} cases[] = {
		{"functions", XP_E_IO},	 {"nothing", XP_E_IO},	  {"version", XP_E_UNSUPPORTED},
		{"initialize", XP_E_IO}, {"many-slots", XP_E_IO}, {"blank", XP_E_NOENT},
	};

	(void)state;
	for (unsigned i = 0; i < XP_ARRAY_LEN(cases); i++) {
		AUTO(xp_token_free) struct xp_token *t = NULL;

		lie(cases[i].lie);
		assert_int_equal(xp_token_open(&t, &uri, &err), cases[i].rc);
		assert_null(t);
	}
}

static void test_token_login_is_refused_with_its_cause(void **state)
{
	static const struct {
		const char *lie, *pin;
		enum xp_rc rc;
		const char *says;
	} cases[] = {
		{"", "4321", XP_E_USAGE, "the PIN is wrong"},
		{"", "", XP_E_USAGE, "wants its PIN"},
		{"locked", "1234", XP_E_USAGE, "the PIN is locked"},
		{"now-locked", "4321", XP_E_USAGE, "has now locked itself"},
		{"final-try", "4321", XP_E_USAGE, "one try is left"},
		{"no-key", "1234", XP_E_NOENT, "no such private key"},
		{"two-keys", "1234", XP_E_USAGE, "several keys"},
		{"find", "1234", XP_E_IO, "the device failed"},
		{"curve", "1234", XP_E_USAGE, "not on the curve P-256"},
	};

	(void)state;
	for (unsigned i = 0; i < XP_ARRAY_LEN(cases); i++) {
		AUTO(xp_token_free) struct xp_token *t = NULL;

		lie(cases[i].lie);
		assert_int_equal(log_in(&t, cases[i].pin), cases[i].rc);
		if (!strstr(err.msg, cases[i].says))
			fail_msg("%s: \"%s\"", cases[i].lie, err.msg);
	}
}

static void test_token_signs_whatever_does_not_matter(void **state)
{
	static const char *const harmless[] = {"", "cant-lock", "long", "away", "each-time"};

	(void)state;
	for (unsigned i = 0; i < XP_ARRAY_LEN(harmless); i++) {
		AUTO(xp_token_free) struct xp_token *t = NULL;
		uint8_t sig[XP_TOKEN_SIGNATURE_MAX_BYTES];
		size_t len = 0;

		lie(harmless[i]);
		assert_int_equal(log_in(&t, "1234"), XP_OK);
		assert_int_equal(xp_token_sign(sig, &len, t, digest, &err), XP_OK);
		/* SEQUENCE { INTEGER, INTEGER } of 32 bytes each */
		assert_int_equal(len, 70);
		assert_memory_equal(sig, "\x30\x44\x02\x20\x55", 5);
	}
}

static void test_token_with_key_pad_wants_no_pin(void **state)
{
	AUTO(xp_token_free) struct xp_token *t = NULL;

	(void)state;
	lie("pad");
	assert_int_equal(xp_token_open(&t, &uri, &err), XP_OK);
	assert_false(xp_token_wants_pin(t));
	assert_int_equal(xp_token_login(t, NULL, &err), XP_OK);
}

static void test_token_that_cannot_sign_is_told(void **state)
{
	static const struct {
		const char *lie, *says;
	} cases[] = {
		{"short", "signing: general error"},
		{"sign", "PKCS#11 error 80000001h"},
		{"gone", "the token is not present"},
		{"swapped", "the token is needed to sign"},
	};

	(void)state;
	for (unsigned i = 0; i < XP_ARRAY_LEN(cases); i++) {
		AUTO(xp_token_free) struct xp_token *t = NULL;
		uint8_t sig[XP_TOKEN_SIGNATURE_MAX_BYTES];
		size_t len = 0;

		lie(cases[i].lie);
		assert_int_equal(log_in(&t, "1234"), XP_OK);
		assert_int_equal(xp_token_sign(sig, &len, t, digest, &err), XP_E_IO);
		if (!strstr(err.msg, cases[i].says))
			fail_msg("%s: \"%s\"", cases[i].lie, err.msg);
	}
}

static void test_token_signature_of_another_key_is_refused(void **state)
{
	AUTO(xp_token_free) struct xp_token *t = NULL;
	AUTO(xp_pki_key_free) EVP_PKEY *key = NULL;
	struct xp_key_hand hand;
	uint8_t sig[XP_TOKEN_SIGNATURE_MAX_BYTES];
	size_t len = 0;

	(void)state;
	lie("");
	assert_int_equal(log_in(&t, "1234"), XP_OK);
	assert_int_equal(xp_pki_key_new(&key, &err), XP_OK);
	hand = (struct xp_key_hand){.token = t, .public_key = key};
	assert_int_equal(xp_key_sign(sig, &len, &hand, "m", 1, &err), XP_E_USAGE);
}

static void test_token_public_key_that_is_none_is_refused(void **state)
{
	static const struct {
		const char *lie;
		enum xp_rc rc;
	} cases[] = {
		{"", XP_E_USAGE}, /* a point that is not on the curve */
		{"short-point", XP_E_USAGE},
		{"long-point", XP_E_USAGE},
		{"no-id", XP_E_NOENT},
	};

	(void)state;
	for (unsigned i = 0; i < XP_ARRAY_LEN(cases); i++) {
		AUTO(xp_token_free) struct xp_token *t = NULL;
		EVP_PKEY *key = NULL;

		lie(cases[i].lie);
		assert_int_equal(log_in(&t, "1234"), XP_OK);
		assert_int_equal(xp_token_public_key(&key, t, &err), cases[i].rc);
		assert_null(key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token_opening_lies_are_refused),
		cmocka_unit_test(test_token_login_is_refused_with_its_cause),
		cmocka_unit_test(test_token_signs_whatever_does_not_matter),
		cmocka_unit_test(test_token_with_key_pad_wants_no_pin),
		cmocka_unit_test(test_token_that_cannot_sign_is_told),
		cmocka_unit_test(test_token_signature_of_another_key_is_refused),
		cmocka_unit_test(test_token_public_key_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
