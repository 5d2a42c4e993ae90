/* One person by another spelling, and two that nothing tells apart. */
#include "certs/person.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "certs/check_roles.h"
#include "tests/fake/pki_lab.h"

static struct lab lab;

struct who {
	const char *name;
	const char *number;    /* NULL: none */
	const char *in_roster; /* NULL: it is not */
};

static X509 *issue(const struct who *w)
{
	const struct xp_pki_subject subject = {.name = w->name, .person_id = w->number};
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;

	assert_int_equal(xp_pki_key_new(&key, NULL), XP_OK);
	assert_int_equal(xp_pki_issue(&cert, key, XP_ROLE_PERFORMER, &subject,
				      LAB_NOW_S - LAB_DAY_S, LAB_NOW_S + LAB_DAY_S, lab.root,
				      lab.root_key, NULL),
			 XP_OK);
	EVP_PKEY_free(key);
	return cert;
}

static void judge(struct xp_check_signer *s, struct xp_roster_entry *entry, const struct who *w,
		  uint8_t key)
{
	struct xp_findings f = {0};
	X509 *cert = issue(w);
	struct xp_roster roster = {.list = entry, .n = w->in_roster != NULL};

	s->key_sha256[0] = key;
	assert_int_equal(xp_pki_fingerprint(s->cert_sha256, cert, NULL), XP_OK);
	if (w->in_roster) {
		memcpy(entry->cert_sha256, s->cert_sha256, 32);
		snprintf(entry->person, sizeof(entry->person), "%s", w->in_roster);
	}
	xp_roles_judge(s, cert, XP_PROOF_OF_CREATION, &roster, &f);
	xp_findings_free(&f);
	X509_free(cert);
}

static bool are_one(const struct who *a, const struct who *b)
{
	struct xp_check_signer s[2] = {{.role = "performer"}, {.role = "validator"}};
	struct xp_roster_entry entries[2] = {{.role = XP_ROLE_PERFORMER},
					     {.role = XP_ROLE_VALIDATOR}};
	struct xp_findings f = {0};
	bool one;

	judge(&s[0], &entries[0], a, 1);
	judge(&s[1], &entries[1], b, 2);
	xp_roles_judge_separation(s, 2, &f);
	one = f.n > 0;
	if (one)
		assert_string_equal(f.list[0].code, "E_SAME_PERSON");
	xp_findings_free(&f);
	return one;
}

#define ONE(a, b)		     assert_true(are_one(&(a), &(b)))
#define TWO(a, b)		     assert_false(are_one(&(a), &(b)))
#define WHO(name, number)	     ((const struct who){name, number, NULL})
#define NAMED(name)		     ((const struct who){name, NULL, NULL})
#define LISTED(name, number, person) ((const struct who){name, number, person})

/* [X.520: caseIgnoreMatch] */
static void test_person_number_spelled_otherwise_is_the_same(void **state)
{
	(void)state;
	ONE(WHO("A", "p-1"), WHO("B", "p-1"));
	ONE(WHO("A", "p-1"), WHO("B", "P-1"));
	ONE(WHO("A", "p-1"), WHO("B", " p-1 "));
	ONE(WHO("A", "staff 1"), WHO("B", "staff  1"));
	TWO(WHO("A", "p-1"), WHO("B", "p-2"));
	TWO(WHO("A", "p-1"), WHO("B", "p-11"));
	TWO(WHO("A", "p-1"), WHO("A", "p-2")); /* two of one name, by the CA's word */
}

/* Another CA may write a number as UTF-8, where it looks like a printable one. */
static void expect_number(const char *text, const char *want)
{
	struct xp_person_name got;
	X509 *cert = X509_new();
	X509_NAME *name = X509_NAME_new();

	assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_serialNumber, V_ASN1_UTF8STRING,
						    (const unsigned char *)text, -1, -1, 0),
			 1);
	assert_int_equal(X509_set_subject_name(cert, name), 1);
	xp_person_name_of(&got, cert);
	assert_string_equal(got.number, want);
	X509_NAME_free(name);
	X509_free(cert);
}

static void test_person_number_is_what_is_seen(void **state)
{
	(void)state;
	expect_number("P-1", "p-1");
	expect_number("p\xe2\x80\x8b-1", "p-1");	   /* zero width space */
	expect_number("\xef\xbc\xb0-\xef\xbc\x91", "p-1"); /* full width */
	expect_number(" p\xc2\xa0 1 ", "p 1");		   /* no-break space */
	expect_number("\xd1\x80-1", "\xd1\x80-1");	   /* a letter of another script */
	expect_number(" ", "");
}

static void test_person_without_a_number_is_known_by_name(void **state)
{
	(void)state;
	ONE(NAMED("Alice"), NAMED("Alice"));
	ONE(NAMED("Alice"), NAMED("ALICE "));
	ONE(WHO("Alice", "p-1"), NAMED("Alice"));
	ONE(NAMED("Alice"), WHO("Alice", "p-1"));
	TWO(NAMED("Alice"), NAMED("Bob"));
	TWO(WHO("Alice", "p-1"), NAMED("Bob"));
	/* the roster tells who each is */
	TWO(LISTED("Alice", NULL, "alice.1"), LISTED("Alice", NULL, "alice.2"));
	TWO(WHO("Alice", "p-1"), LISTED("Alice", NULL, "alice.2"));
	ONE(LISTED("Alice", NULL, "alice"), NAMED("Alice"));
	ONE(LISTED("A", NULL, "alice"), LISTED("B", NULL, "alice"));
}

static int open_lab(void **state)
{
	(void)state;
	lab_open(&lab);
	return 0;
}

static int close_lab(void **state)
{
	(void)state;
	lab_close(&lab);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_person_number_spelled_otherwise_is_the_same),
		cmocka_unit_test(test_person_number_is_what_is_seen),
		cmocka_unit_test(test_person_without_a_number_is_known_by_name),
	};

	return cmocka_run_group_tests_name("person", tests, open_lab, close_lab);
}
