/* A checkpoint as the text of a code, and back: true, cut, of another log, written in another way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/log_code.h"

#define ROOT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
/* four bytes of the key's hash, and 64 of a signature: 00h to 43h */
#define SIGNATURE                                                                                  \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BB" \
	"QkM="
#define GOOD "vm.local/usb-01\n7\n" ROOT "\n\n\xe2\x80\x94 vm.local/usb-01 " SIGNATURE "\n"

static void test_code_text_is_the_checkpoint_in_short(void **state)
{
	char text[XP_LOG_CODE_MAX];
	struct xp_err err;

	(void)state;
	assert_int_equal(xp_log_code_write(text, GOOD, &err), XP_OK);
	/* base32 by another program: 00h to 1Fh, and 04h to 43h */
	assert_string_equal(
		text,
		"EXPUNGE-LOG1 VM.LOCAL/USB-01 7 "
		"AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPQ "
		"AQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6IBBEIRSIJJGE4UCSKRLFQWS4LZQGEZDGNBV"
		"GY3TQOJ2HM6D2PR7IBAUEQY");
}

static void test_code_text_refuses_what_is_no_checkpoint(void **state)
{
	static const char *const bad[] = {
		"",
		"\n\n\n\n\n",
		"vm.local/usb-01\n7\n" ROOT "\n",
		"vm.local/usb-01\n7\n" ROOT "\n\n",
		"vm.local/usb-01\n-7\n" ROOT "\n\n\xe2\x80\x94 x " SIGNATURE "\n",
		"vm.local/usb-01\n7\nAAEC\n\n\xe2\x80\x94 x " SIGNATURE "\n",
		"vm.local/usb-01\n7\n" ROOT "\nextension\n\n\xe2\x80\x94 x " SIGNATURE "\n",
		"vm.local/usb-01\n7\n" ROOT "\n\n\xe2\x80\x94 x AAAA\n",
		"vm.local/usb-01\n7\n" ROOT "\n\n\xe2\x80\x94 x " SIGNATURE SIGNATURE "\n",
		GOOD "\xe2\x80\x94 x " SIGNATURE "\n",
	};
	char text[XP_LOG_CODE_MAX];
	struct xp_err err;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++)
		assert_int_equal(xp_log_code_write(text, bad[i], &err), XP_E_MALFORMED);
	/* cut anywhere but at the last line end */
	for (size_t n = 0; n + 1 < sizeof(GOOD) - 1; n++) {
		AUTO_MEM char *cut = strndup(GOOD, n);

		assert_int_equal(xp_log_code_write(text, cut, &err), XP_E_MALFORMED);
	}
}

static void test_code_leads_back_to_the_signed_note(void **state)
{
	AUTO(xp_note_signer_free) struct xp_note_signer *signer = NULL;
	const struct xp_merkle_head head = {.size = 123456};
	AUTO_MEM char *note = NULL;
	AUTO_MEM char *back = NULL;
	char text[XP_LOG_CODE_MAX + 2];
	size_t len = 0;
	size_t back_len = 0;
	struct xp_err err;

	(void)state;
	assert_int_equal(xp_note_signer_new(&signer, "expunge.local/usb-0123456789abcdef",
					    xp_rng_system(), &err),
			 XP_OK);
	assert_int_equal(xp_checkpoint_sign(&note, &len, &head, signer, &err), XP_OK);
	assert_int_equal(xp_log_code_write(text, note, &err), XP_OK);
	strncat(text, "\n", 2);
	assert_int_equal(xp_log_code_read(&back, &back_len, text, strlen(text),
					  xp_note_signer_vkey(signer), &err),
			 XP_OK);
	assert_string_equal(back, note);
	assert_int_equal(back_len, len);
}

static void test_code_that_is_none_is_refused(void **state)
{
	struct xp_note_vkey key = {.name = "vm.local/usb-01"};
	char good[XP_LOG_CODE_MAX];
	char text[XP_LOG_CODE_MAX];
	char *back = NULL;
	size_t n;
	struct xp_err err;

	(void)state;
	assert_int_equal(xp_log_code_write(good, GOOD, &err), XP_OK);
	assert_int_equal(xp_log_code_read(&back, &n, good, strlen(good), &key, &err), XP_OK);
	free(back);
	back = NULL;
	for (size_t i = 0; i < strlen(good); i++) {
		assert_int_equal(xp_log_code_read(&back, &n, good, i, &key, &err), XP_E_MALFORMED);
		assert_null(back);
	}
	/* each place with a character that cannot stand there */
	for (size_t i = 0; i < strlen(good); i++) {
		memcpy(text, good, sizeof(text));
		text[i] = '!';
		assert_int_equal(xp_log_code_read(&back, &n, text, strlen(text), &key, &err),
				 XP_E_MALFORMED);
	}
	/* bits behind the last byte: the same bytes written in another way */
	memcpy(text, good, sizeof(text));
	text[strlen(text) - 1]++;
	assert_int_equal(xp_log_code_read(&back, &n, text, strlen(text), &key, &err),
			 XP_E_MALFORMED);
	/* another log's */
	snprintf(key.name, sizeof(key.name), "vm.local/usb-02");
	assert_int_equal(xp_log_code_read(&back, &n, good, strlen(good), &key, &err),
			 XP_E_MALFORMED);
	assert_null(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code_text_is_the_checkpoint_in_short),
		cmocka_unit_test(test_code_text_refuses_what_is_no_checkpoint),
		cmocka_unit_test(test_code_leads_back_to_the_signed_note),
		cmocka_unit_test(test_code_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
