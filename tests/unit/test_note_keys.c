#include "certs/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/rng.h"
#include "certs/check.h"

#define ID   "01980000-0000-7000-8000-000000000001"
#define DASH "\xe2\x80\x94"

/* Two logs, a later key of the first one's name, and somebody who is not trusted. */
enum { HOST, SITE, AGAIN, STRANGER, LOGS };
static const char *const origins[LOGS] = {"example.com/usb-1", "example.com/site",
					  "example.com/usb-1", "example.com/stranger"};
static struct xp_note_signer *signers[LOGS];
static struct xp_note_vkey vkeys[LOGS];
static char lines[LOGS][XP_NOTE_VKEY_MAX];

static int setup(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LOGS; i++) {
		if (xp_note_signer_new(&signers[i], origins[i], xp_rng_system(), NULL) != XP_OK)
			return -1;
		vkeys[i] = *xp_note_signer_vkey(signers[i]);
		xp_note_vkey_format(lines[i], &vkeys[i]);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LOGS; i++)
		xp_note_signer_free(&signers[i]);
	return 0;
}

/* A checkpoint by one of them. */
static char *signed_by(unsigned who, size_t *len)
{
	const struct xp_merkle_head head = {.size = 7, .root = {{1, 2, 3}}};
	AUTO_MEM char *text = NULL;
	char *copy;

	assert_int_equal(xp_checkpoint_sign(&text, len, &head, signers[who], NULL), XP_OK);
	copy = strdup(text);
	assert_non_null(copy);
	return copy;
}

static enum xp_note_verdict judged(const char *text, const struct xp_note_vkey *list, size_t n)
{
	const struct xp_note_vkeys keys = {list, n};
	enum xp_note_verdict verdict;
	struct xp_checkpoint cp;

	assert_int_equal(xp_checkpoint_read_any(&cp, &verdict, text, strlen(text), &keys, NULL),
			 XP_OK);
	assert_int_equal(cp.head.size, 7);
	return verdict;
}

static void test_any_of_the_keys_verifies_its_own_log(void **state)
{
	(void)state;
	for (unsigned who = 0; who < LOGS; who++) {
		size_t len = 0;
		AUTO_MEM char *text = signed_by(who, &len);
		enum xp_note_verdict verdict;
		struct xp_checkpoint cp;

		assert_int_equal(judged(text, vkeys, STRANGER),
				 who == STRANGER ? XP_NOTE_KEY_UNKNOWN : XP_NOTE_VERIFIED);
		/* nor does the place in the list matter, or that there is one alone */
		for (unsigned i = 0; i < LOGS; i++)
			assert_int_equal(judged(text, &vkeys[i], 1),
					 i == who ? XP_NOTE_VERIFIED : XP_NOTE_KEY_UNKNOWN);
		assert_int_equal(judged(text, NULL, 0), XP_NOTE_KEY_UNKNOWN);
		assert_int_equal(xp_checkpoint_read_any(&cp, &verdict, text, len, NULL, NULL),
				 XP_OK);
		assert_int_equal(verdict, XP_NOTE_KEY_UNKNOWN);
		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(xp_checkpoint_read_any(&cp, &verdict, text, cut,
								&(struct xp_note_vkeys){vkeys, 3},
								NULL),
					 XP_E_MALFORMED);
	}
}

/* TEXT with the signature line of BY under it as well. */
static char *with_line_of(const char *text, const char *by)
{
	const char *line = strstr(by, "\n" DASH);
	char *both = NULL;

	assert_non_null(line);
	assert_true(asprintf(&both, "%s%s", text, line + 1) > 0);
	return both;
}

static void test_no_key_speaks_for_the_log_of_another(void **state)
{
	size_t len = 0;
	AUTO_MEM char *host = signed_by(HOST, &len);
	AUTO_MEM char *site = signed_by(SITE, &len);
	AUTO_MEM char *stranger = signed_by(STRANGER, &len);
	AUTO_MEM char *both = with_line_of(host, site);
	AUTO_MEM char *under = with_line_of(stranger, site);
	AUTO_MEM char *witnessed = with_line_of(host, stranger);
	char *name;

	(void)state;
	/* the site's line holds for the site's checkpoint, not for this one */
	assert_int_equal(judged(both, vkeys, 2), XP_NOTE_SIGNATURE_WRONG);
	assert_int_equal(judged(both, &vkeys[SITE], 1), XP_NOTE_SIGNATURE_WRONG);
	assert_int_equal(judged(both, &vkeys[HOST], 1), XP_NOTE_VERIFIED);
	assert_int_equal(judged(under, vkeys, 2), XP_NOTE_SIGNATURE_WRONG);
	/* who is not trusted is not heard, whatever the line says */
	assert_int_equal(judged(witnessed, vkeys, 2), XP_NOTE_VERIFIED);
	/* the site's own checkpoint under the host's name */
	name = strstr(site, "example.com/site");
	assert_ptr_equal(name, site);
	memcpy(site, "example.com/host", 16);
	assert_int_equal(judged(site, vkeys, 3), XP_NOTE_SIGNATURE_WRONG);
}

/* TEXT, whose signature line says that it is by NAME. */
static char *with_signer_named(const char *text, const char *name)
{
	const char *line = strstr(text, DASH);
	const char *base64 = strrchr(text, ' ');
	char *changed = NULL;

	assert_non_null(line);
	assert_non_null(base64);
	assert_true(asprintf(&changed, "%.*s" DASH " %s%s", (int)(line - text), text, name,
			     base64) > 0);
	return changed;
}

/* What a key signed rightly, but under the name of the other log, is nobody's. */
static void test_right_signature_under_another_origin_is_unknown(void **state)
{
	size_t len = 0;
	AUTO_MEM char *site = signed_by(SITE, &len);
	struct xp_note_vkey renamed[2] = {vkeys[HOST], vkeys[SITE]};
	AUTO_MEM char *text = NULL;

	(void)state;
	/* the key has the name that the line has, and the checkpoint another */
	snprintf(renamed[1].name, sizeof(renamed[1].name), "%s", "example.com/else");
	text = with_signer_named(site, "example.com/else");
	assert_int_equal(judged(text, renamed, 2), XP_NOTE_KEY_UNKNOWN);
	assert_int_equal(judged(site, vkeys, 2), XP_NOTE_VERIFIED);
}

static void test_keys_come_one_a_line_and_count_once(void **state)
{
	AUTO_MEM struct xp_note_vkey *list = NULL;
	AUTO_MEM char *text = NULL;
	size_t n = 0;
	int len = asprintf(&text, "%s\n%s\n%s\n%s", lines[HOST], lines[SITE], lines[HOST],
			   lines[AGAIN]);

	(void)state;
	assert_true(len > 0);
	assert_int_equal(xp_note_vkeys_add(&list, &n, text, (size_t)len, NULL), XP_OK);
	assert_int_equal(n, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_memory_equal(list[i].key, vkeys[i].key, 32);
	assert_int_equal(xp_note_vkeys_add(&list, &n, text, (size_t)len, NULL), XP_OK);
	assert_int_equal(n, 3);
	assert_int_equal(
		xp_note_vkeys_add(&list, &n, lines[STRANGER], strlen(lines[STRANGER]), NULL),
		XP_OK);
	assert_int_equal(n, 4);
}

static void test_keys_with_a_line_that_is_none_are_refused(void **state)
{
	static const char *const forms[] = {"",	   "\n",       "%s\n\n",   "\n%s",    "%s\n\n%s",
					    "%s ", "%s\r\n%s", "%s\nnone", "# a\n%s", "%s%s"};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(forms); i++) {
		AUTO_MEM struct xp_note_vkey *list = NULL;
		char text[3 * XP_NOTE_VKEY_MAX] = "";
		size_t n = 0;

		for (const char *at = forms[i], *key = lines[0]; *at; at++) {
			size_t end = strlen(text);

			if (*at == '%') {
				snprintf(text + end, sizeof(text) - end, "%s", key);
				key = lines[1];
				at++;
			} else {
				text[end] = *at;
			}
		}
		if (xp_note_vkeys_add(&list, &n, text, strlen(text), NULL) != XP_E_MALFORMED)
			fail_msg("form %zu was taken", i);
	}
	for (size_t cut = 0; cut < strlen(lines[0]); cut++) {
		AUTO_MEM struct xp_note_vkey *list = NULL;
		size_t n = 0;

		assert_int_equal(xp_note_vkeys_add(&list, &n, lines[0], cut, NULL), XP_E_MALFORMED);
		assert_int_equal(n, 0);
	}
}

/* ---- a record of one log, shown in another ---- */

/* The record's leaf as the second of two in the log of WHO. */
static char *proof_in(unsigned who, const struct xp_check_result *r, size_t *len)
{
	struct xp_merkle_head head = {.size = 2};
	struct xp_log_proof proof = {.index = 1, .path.n = 1};
	AUTO_MEM char *leaf = NULL;
	AUTO_MEM char *checkpoint = NULL;
	struct xp_merkle_hash hash;
	size_t leaf_len = 0;
	uint8_t sig[1][32];
	char *text = NULL;

	memcpy(sig[0], r->signers[0].signature_sha256, 32);
	assert_int_equal(xp_log_leaf_record(&leaf, &leaf_len, ID, r->json_sha256,
					    (const uint8_t(*)[32])sig, 1, NULL),
			 XP_OK);
	xp_merkle_leaf(&hash, leaf, leaf_len);
	xp_merkle_leaf(&proof.path.hash[0], "start", 5);
	xp_merkle_node(&head.root, &proof.path.hash[0], &hash);
	assert_int_equal(
		xp_checkpoint_sign(&checkpoint, &proof.checkpoint_len, &head, signers[who], NULL),
		XP_OK);
	proof.checkpoint = checkpoint;
	assert_int_equal(xp_log_proof_format(&text, len, &proof, NULL), XP_OK);
	return text;
}

/* The record names NAMED (NULL: no log) and is proven in the log of WHO; both keys are trusted. */
static void assert_shown(const char *named, unsigned who, int exit_code, const char *code)
{
	const struct xp_note_vkeys keys = {vkeys, 2};
	struct xp_check_result r = {.signers_n = 1};
	AUTO_MEM char *proof = NULL;
	size_t len = 0;
	r.record = calloc(1, sizeof(*r.record));
	assert_non_null(r.record);
	memset(r.json_sha256, 5, 32);
	memset(r.signers[0].signature_sha256, 9, 32);
	snprintf(r.record->id, sizeof(r.record->id), "%s", ID);
	r.record->log.present = named != NULL;
	snprintf(r.record->log.origin, sizeof(r.record->log.origin), "%s", named ? named : "");
	proof = proof_in(who, &r, &len);
	xp_check_log(&r, proof, len, &keys);
	assert_int_equal(xp_check_exit_code(&r), exit_code);
	assert_int_equal(r.findings.n, code ? 1 : 0);
	if (code)
		assert_string_equal(r.findings.list[0].code, code);
	xp_check_result_free(&r);
}

static void test_record_does_not_pass_by_the_key_of_another_log(void **state)
{
	(void)state;
	assert_shown(origins[HOST], HOST, 0, NULL);
	assert_shown(origins[SITE], SITE, 0, NULL);
	/* the site's key is trusted, and its log really has that leaf: it is not the host's log */
	assert_shown(origins[HOST], SITE, 2, "I_LOG_ORIGIN");
	assert_shown(origins[SITE], HOST, 2, "I_LOG_ORIGIN");
	/* a log of the same name by a key that nobody named */
	assert_shown(origins[HOST], AGAIN, 2, "I_LOG_KEY_UNKNOWN");
	assert_shown(origins[HOST], STRANGER, 2, "I_LOG_KEY_UNKNOWN");
	/* a record that names no log stands in any that is trusted */
	assert_shown(NULL, SITE, 0, NULL);
	assert_shown(NULL, STRANGER, 2, "I_LOG_KEY_UNKNOWN");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_of_the_keys_verifies_its_own_log),
		cmocka_unit_test(test_no_key_speaks_for_the_log_of_another),
		cmocka_unit_test(test_right_signature_under_another_origin_is_unknown),
		cmocka_unit_test(test_keys_come_one_a_line_and_count_once),
		cmocka_unit_test(test_keys_with_a_line_that_is_none_are_refused),
		cmocka_unit_test(test_record_does_not_pass_by_the_key_of_another_log),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
