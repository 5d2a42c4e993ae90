/* Whom a record may be believed from: anchors, and what is demanded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/check_roles.h"
#include "tests/fake/check_stand.h"

static void test_trust_none_is_indeterminate(void **state)
{
	(void)state;
	stand_trust(&check_stand, NULL, check_stand.lab.lab.crl);
	stand_expect(&check_stand, 2, "I_UNTRUSTED");
	stand_trust(&check_stand, check_stand.lab.bob.cert, check_stand.lab.lab.crl);
	stand_expect(&check_stand, 2, "I_UNTRUSTED");
}

static void test_trust_root_with_list_passes(void **state)
{
	(void)state;
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	stand_expect(&check_stand, 0, NULL);
}

/* A root of the same name and other key vouches for nobody. */
static void test_trust_root_of_same_name_is_not_enough(void **state)
{
	struct lab other;

	(void)state;
	lab_open(&other);
	stand_trust(&check_stand, other.root, other.crl);
	stand_expect(&check_stand, 2, "I_UNTRUSTED");
	lab_close(&other);
}

static void test_trust_signer_itself_passes_without_list(void **state)
{
	(void)state;
	stand_trust(&check_stand, check_stand.lab.alice.cert, NULL);
	stand_expect(&check_stand, 0, NULL);
}

static void test_trust_fingerprint_binds_anchor_and_embedded(void **state)
{
	struct xp_trust *t;
	uint8_t fp[32];
	char hex[65];
	char spaced[100] = "";

	(void)state;
	assert_int_equal(xp_pki_fingerprint(fp, check_stand.lab.lab.root, NULL), XP_OK);
	xp_hex_encode(hex, fp, 32);
	for (unsigned i = 0; i < 64; i += 4)
		snprintf(spaced + strlen(spaced), sizeof(spaced) - strlen(spaced), "%.4s ",
			 hex + i);
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	t = xp_check_trust(check_stand.lab.check);
	assert_int_equal(xp_trust_add_fingerprint(t, spaced, NULL), XP_OK);
	assert_int_equal(xp_trust_check(t, NULL), XP_OK);
	stand_expect(&check_stand, 0, NULL);
	hex[5] = hex[5] == '0' ? '1' : '0';
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	t = xp_check_trust(check_stand.lab.check);
	assert_int_equal(xp_trust_add_fingerprint(t, hex, NULL), XP_OK);
	assert_int_equal(xp_trust_check(t, NULL), XP_E_USAGE);
	/* the signer's own, without any file */
	assert_int_equal(xp_pki_fingerprint(fp, check_stand.lab.alice.cert, NULL), XP_OK);
	xp_hex_encode(hex, fp, 32);
	stand_trust(&check_stand, NULL, NULL);
	assert_int_equal(xp_trust_add_fingerprint(xp_check_trust(check_stand.lab.check), hex, NULL),
			 XP_OK);
	stand_expect(&check_stand, 0, NULL);
	assert_int_equal(
		xp_trust_add_fingerprint(xp_check_trust(check_stand.lab.check), "12ab", NULL),
		XP_E_USAGE);
	hex[0] = 'g';
	assert_int_equal(xp_trust_add_fingerprint(xp_check_trust(check_stand.lab.check), hex, NULL),
			 XP_E_USAGE);
	snprintf(spaced, sizeof(spaced), "%s00", hex);
	assert_int_equal(
		xp_trust_add_fingerprint(xp_check_trust(check_stand.lab.check), spaced, NULL),
		XP_E_USAGE);
}

static void test_certificate_expired_is_indeterminate(void **state)
{
	X509_CRL *crl = stand_make_crl(&check_stand, NULL, LAB_NOW_S + 705 * LAB_DAY_S, 30);

	(void)state;
	check_stand.now_s = LAB_NOW_S + 710 * LAB_DAY_S;
	stand_trust(&check_stand, check_stand.lab.lab.root, crl);
	stand_expect(&check_stand, 2, "I_CERT_TIME");
	X509_CRL_free(crl);
}

static void demand(const struct xp_requirements *req, int want, const char *code)
{
	xp_check_require(check_stand.lab.check, req);
	stand_expect(&check_stand, want, code);
}

static void test_demands_are_policy_findings(void **state)
{
	(void)state;
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	demand(&(struct xp_requirements){0}, 0, NULL);
	demand(&(struct xp_requirements){.level_given = true, .level = XP_PURGE}, 3, "P_LEVEL");
	/* a level means a drive, unless another scope is named */
	demand(&(struct xp_requirements){.level_given = true, .level = XP_CLEAR}, 3, "P_SCOPE");
	demand(&(struct xp_requirements){.level_given = true,
					 .level = XP_CLEAR,
					 .scope_given = true,
					 .scope = XP_SCOPE_LOGICAL_UNIT},
	       0, NULL);
	demand(&(struct xp_requirements){.scope_given = true, .scope = XP_SCOPE_NAMESPACE}, 3,
	       "P_SCOPE");
	demand(&(struct xp_requirements){.role_given = true, .role = XP_ROLE_VALIDATOR}, 3,
	       "P_ROLE");
	demand(&(struct xp_requirements){.role_given = true, .role = XP_ROLE_PERFORMER}, 0, NULL);
	demand(&(struct xp_requirements){.time = true}, 3, "P_TIME");
	demand(&(struct xp_requirements){.serial = "S-1"}, 3, "P_SERIAL");
}

static void test_level_below_asked_is_policy(void **state)
{
	(void)state;
	check_stand.lab.record->asked = XP_PURGE;
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	stand_write_and_expect(&check_stand, 3, "P_LEVEL");
}

static void test_exit_codes_order(void **state)
{
	(void)state;
	assert_int_equal(xp_check_exit_worse(0, 3), 3);
	assert_int_equal(xp_check_exit_worse(3, 2), 2);
	assert_int_equal(xp_check_exit_worse(2, 66), 66);
	assert_int_equal(xp_check_exit_worse(66, 70), 70);
	assert_int_equal(xp_check_exit_worse(1, 70), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, check_stand_setup, check_stand_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_trust_none_is_indeterminate),
		T(test_trust_root_with_list_passes),
		T(test_trust_root_of_same_name_is_not_enough),
		T(test_trust_signer_itself_passes_without_list),
		T(test_trust_fingerprint_binds_anchor_and_embedded),
		T(test_certificate_expired_is_indeterminate),
		T(test_demands_are_policy_findings),
		T(test_level_below_asked_is_policy),
		T(test_exit_codes_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
