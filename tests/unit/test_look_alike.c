/* Names that look like others. */
#include "certs/look_alike.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "certs/record_check.h"
#include "tests/fake/check_stand.h"
#include "tests/fake/record_honest.h"

static struct check_stand stand;

static int setup(void **state)
{
	(void)state;
	stand_open(&stand);
	stand_trust(&stand, stand.lab.lab.root, stand.lab.lab.crl);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stand_close(&stand);
	return 0;
}

static void test_words_of_two_scripts_are_found(void **state)
{
	static const struct {
		const char *text, *word, *script, *other;
		uint32_t letter;
	} cases[] = {
		{"Erika \u041custer", "\u041custer", "Cyrillic", "Latin", 0x41c},
		{"Erika Muste\u0433", "Muste\u0433", "Cyrillic", "Latin", 0x433},
		{"\u0391lice", "\u0391lice", "Greek", "Latin", 0x391},
		{"Ali\u03f2e", "Ali\u03f2e", "Greek", "Latin", 0x3f2},
		{"B\u0585b", "B\u0585b", "Armenian", "Latin", 0x585},
		{"\u13aalice", "\u13aalice", "Cherokee", "Latin", 0x13aa},
		{"A\uff4cice", "A\uff4cice", "full-width", "Latin", 0xff4c},
		{"\u0391\u043b\u0435\u043a\u0441", "\u0391\u043b\u0435\u043a\u0441", "Cyrillic",
		 "Greek", 0x43b},
		/* digits, marks and apostrophes are no way around it */
		{"\u0410CME7", "\u0410CME7", "Cyrillic", "Latin", 0x410},
		{"7\u0410CME", "7\u0410CME", "Cyrillic", "Latin", 0x410},
		{"E\u0301rik\u0430", "E\u0301rik\u0430", "Cyrillic", "Latin", 0x430},
		{"O'\u041callory", "\u041callory", "Cyrillic", "Latin", 0x41c},
		{"x-\u0410CME-x", "\u0410CME", "Cyrillic", "Latin", 0x410},
		/* nor is what nobody sees: a joiner, a soft hyphen, a space without width */
		{"\u041c\u200duster", "\u041c\u200duster", "Cyrillic", "Latin", 0x41c},
		{"\u041c\u00aduster", "\u041c\u00aduster", "Cyrillic", "Latin", 0x41c},
		{"\u041c\u200buster", "\u041c\u200buster", "Cyrillic", "Latin", 0x41c},
		/* letters of a third script between them */
		{"A\u793e\u0410", "A\u793e\u0410", "Cyrillic", "Latin", 0x410},
		/* the first and last of ranges */
		{"a\u0400", "a\u0400", "Cyrillic", "Latin", 0x400},
		{"a\u052f", "a\u052f", "Cyrillic", "Latin", 0x52f},
		{"\u0430\u00c0", "\u0430\u00c0", "Cyrillic", "Latin", 0x430},
		{"\u0430\u1eff", "\u0430\u1eff", "Cyrillic", "Latin", 0x430},
		{"a\u1ffe", "a\u1ffe", "Greek", "Latin", 0x1ffe},
		{"a\uabbf", "a\uabbf", "Cherokee", "Latin", 0xabbf},
		{"a\U0001d245", "a\U0001d245", "Greek", "Latin", 0x1d245},
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(cases); i++) {
		struct xp_look_alike l = {0};

		if (!xp_text_looks_alike(&l, cases[i].text))
			fail_msg("%s: nothing is found", cases[i].text);
		assert_string_equal(l.word, cases[i].word);
		assert_string_equal(l.script, cases[i].script);
		assert_string_equal(l.other, cases[i].other);
		assert_int_equal(l.letter, cases[i].letter);
	}
}

static void test_words_of_one_script_are_left_alone(void **state)
{
	static const char *const texts[] = {
		"",
		"Erika Muster",
		"\u042d\u0440\u0438\u043a\u0430 \u041c\u0443\u0441\u0442\u0435\u0440",
		"\u0391\u03bb\u03af\u03ba\u03b7 \u03a0\u03b1\u03c0\u03b1\u03b4\u03ac\u03ba\u03b7",
		"\u0531\u0580\u0561\u0574 Aram",
		"\uff21\uff4c\uff49\uff43\uff45",
		"Zo\u00eb \u5c71\u7530",
		"A\u793e 7",
		"Br\u00f6\u00dfke-\u0141\u00f3d\u017a O\u2019Neil",
		"Anna-\u0410\u043d\u043d\u0430",       /* two names, one in each script */
		"\u041e\u041e\u041e \u00abAcme\u00bb", /* a Russian company with a Latin name */
		"\u041e\u041e\u041e\u00a0Acme\u2014\u0410", /* parted by blanks and dashes of any
							       kind */
		"5 \u00b5m, 10 \u03a9",
		"e\u0301\u0300",
		"1\u0410 2B \u0663",
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(texts); i++) {
		struct xp_look_alike l = {0};

		if (xp_text_looks_alike(&l, texts[i]))
			fail_msg("%s: %s, U+%04X", texts[i], l.word, (unsigned)l.letter);
	}
}

/* Cut between two characters, and what is no UTF-8 ends a word. */
static void test_long_and_broken_words_are_told_whole(void **state)
{
	char text[600] = "A";
	struct xp_look_alike l;

	(void)state;
	for (size_t i = 0; i < 250; i++)
		memcpy(text + 1 + 2 * i, "\u0410", 3);
	assert_true(xp_text_looks_alike(&l, text));
	assert_int_equal(strlen(l.word), 95);
	assert_memory_equal(l.word + 93, "\u0410", 3);
	text[1 + 2 * 46 + 1] = 0; /* in the middle of one */
	assert_true(xp_text_looks_alike(&l, text));
	assert_int_equal(strlen(l.word), 93);
	assert_false(xp_text_looks_alike(&l, "A\xff\u0410"));
}

static void test_record_with_such_a_name_is_remarked(void **state)
{
	struct xp_record *r = record_honest();

	(void)state;
	SET(r->persons[0].name, "Erika \u041custer");
	record_expect(r, "W_TEXT_MIXED",
		      "persons[0].name: \"\u041custer\" has a Cyrillic letter (U+041C)");
	r = record_honest();
	SET(r->persons[0].organization, "\u0410CME");
	record_expect(r, "W_TEXT_MIXED", "persons[0].organization");
	r = record_honest();
	SET(r->tenant, "ten\u0430nt-7");
	record_expect(r, "W_TEXT_MIXED", "tenant");
	r = record_honest();
	SET(r->manufacturer, "Ex\u0430mple");
	record_expect(r, "W_TEXT_MIXED", "media.manufacturer");
	r = record_honest();
	r->ext = json_pack("{s:s}", "org.example.customer", "\u0410CME");
	record_expect(r, "W_TEXT_MIXED", "ext");
	/* what is promised by a look-alike is not forbidden, and seen */
	r = record_honest();
	SET(r->case_no, "v\u0430lidated");
	record_expect(r, "W_TEXT_MIXED", "case");
}

static void test_such_a_tenant_is_remarked_by_either_way(void **state)
{
	(void)state;
	stand_expect(&stand, 0, NULL);
	SET(stand.lab.record->tenant, "ten\u0430nt-7");
	stand_write_and_expect(&stand, 0, "W_TEXT_MIXED");
	stand_expect(&stand, 0, "W_TEXT_MIXED");
	SET(stand.lab.record->tenant, "\u0430\u0440\u0435\u043d\u0434\u0430");
	stand_write_and_expect(&stand, 0, NULL);
}

static bool certificate_is_remarked(void)
{
	const struct check_lab *l = &stand.lab;
	struct xp_check_result r;
	bool seen;

	assert_int_equal(
		xp_check_pair(&r, l->check, l->json, l->json_len, l->p7s, l->p7s_len, NULL), XP_OK);
	assert_int_equal(xp_check_exit_code(&r), 0);
	seen = findings_have(&r.findings, "W_TEXT_MIXED",
			     "the signer's certificate: \"Ali\u0441e\"");
	xp_check_result_free(&r);
	return seen;
}

/* The record may call the signer nothing: the name stands in the certificate. It is never learned.
 */
static void test_signer_of_such_a_name_is_remarked(void **state)
{
	(void)state;
	assert_false(certificate_is_remarked());
	lab_person_free(&stand.lab.alice);
	lab_person_new(&stand.lab.alice, &stand.lab.lab, XP_ROLE_PERFORMER, "Ali\u0441e", "p-9");
	check_lab_name_signers(&stand.lab, true, false);
	stand.lab.record->persons_n = 0;
	stand_write_and_expect(&stand, 0, "W_TEXT_MIXED");
	assert_true(certificate_is_remarked());
	assert_true(certificate_is_remarked());
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_of_two_scripts_are_found),
		cmocka_unit_test(test_words_of_one_script_are_left_alone),
		cmocka_unit_test(test_long_and_broken_words_are_told_whole),
		cmocka_unit_test(test_record_with_such_a_name_is_remarked),
		T(test_such_a_tenant_is_remarked_by_either_way),
		T(test_signer_of_such_a_name_is_remarked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
