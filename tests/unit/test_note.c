#include "certs/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define DASH "\xe2\x80\x94"

/* The key, text and signature that implementations of the format share (sumdb/note). */
static const char peter[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
#define PETER_TEXT                                                                                 \
	"If you think cryptography is the answer to your problem,\n"                               \
	"then you don't know what your problem is.\n"
#define PETER_LINE                                                                                 \
	DASH " PeterNeumann "                                                                      \
	     "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6R" \
	     "yyBwJnAM=\n"
/* By somebody else, of another length. */
#define OTHER_LINE DASH " witness.example/w1 AAAAAQID\n"

static enum xp_rc counting(void *ctx, void *out, size_t len, struct xp_err *err)
{
	uint8_t *p = out;

	(void)err;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)((*(unsigned *)ctx)++ * 37);
	return XP_OK;
}

static struct xp_note_signer *signer_of(const char *origin, unsigned seed)
{
	struct xp_rng rng = {counting, &seed};
	struct xp_note_signer *s = NULL;

	assert_int_equal(xp_note_signer_new(&s, origin, &rng, NULL), XP_OK);
	return s;
}

static enum xp_note_verdict read_note(const char *note, const struct xp_note_vkey *vkey)
{
	enum xp_note_verdict verdict;
	size_t text_len = 0;

	assert_int_equal(xp_note_read(&text_len, &verdict, note, strlen(note), vkey, NULL), XP_OK);
	assert_true(text_len > 0 && note[text_len - 1] == '\n' && note[text_len] == '\n');
	return verdict;
}

static void test_note_shared_vector_verifies(void **state)
{
	struct xp_note_vkey vkey;
	char text[XP_NOTE_VKEY_MAX];

	(void)state;
	assert_int_equal(xp_note_vkey_parse(&vkey, peter, strlen(peter), NULL), XP_OK);
	xp_note_vkey_format(text, &vkey);
	assert_string_equal(text, peter);
	assert_int_equal(read_note(PETER_TEXT "\n" PETER_LINE, &vkey), XP_NOTE_VERIFIED);
	assert_int_equal(read_note(PETER_TEXT "\n" OTHER_LINE PETER_LINE, &vkey), XP_NOTE_VERIFIED);
	assert_int_equal(read_note(PETER_TEXT "\n" PETER_LINE, NULL), XP_NOTE_KEY_UNKNOWN);
	assert_int_equal(read_note(PETER_TEXT "\n" OTHER_LINE, &vkey), XP_NOTE_KEY_UNKNOWN);
	assert_int_equal(read_note("another text\n\n" PETER_LINE, &vkey), XP_NOTE_SIGNATURE_WRONG);
	/* an empty line belongs to the text, but for the last */
	assert_int_equal(read_note("\n" PETER_TEXT "\n" PETER_LINE, &vkey),
			 XP_NOTE_SIGNATURE_WRONG);
	/* a wrong one by the known key spoils the note, whatever else it carries */
	assert_int_equal(read_note(PETER_TEXT "\n" PETER_LINE DASH " PeterNeumann "
					      "x08gowAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
					      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
				   &vkey),
			 XP_NOTE_SIGNATURE_WRONG);
	assert_int_equal(
		read_note(PETER_TEXT "\n" PETER_LINE DASH " PeterNeumann x08gowA=\n", &vkey),
		XP_NOTE_SIGNATURE_WRONG);
}

static void test_vkey_every_part_and_change_is_refused(void **state)
{
	struct xp_note_vkey vkey;
	char text[sizeof(peter)];
	const size_t len = sizeof(peter) - 1;

	(void)state;
	for (size_t i = 0; i < len; i++)
		for (size_t j = i; j <= len; j++)
			if (i != 0 || j != len)
				assert_int_equal(xp_note_vkey_parse(&vkey, peter + i, j - i, NULL),
						 XP_E_MALFORMED);
	for (size_t i = 0; i < len; i++) {
		memcpy(text, peter, sizeof(text));
		text[i]++;
		assert_int_equal(xp_note_vkey_parse(&vkey, text, len, NULL), XP_E_MALFORMED);
	}
}

static void test_vkey_line_ends_one_only(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"+",
		"++",
		/* hashes that fit, a key too long and a type that is not Ed25519 */
		"PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
		"PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		" PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	};
	struct xp_note_vkey vkey;
	char text[512];

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++)
		assert_int_equal(xp_note_vkey_parse(&vkey, bad[i], strlen(bad[i]), NULL),
				 XP_E_MALFORMED);
	snprintf(text, sizeof(text), "%s\n", peter);
	assert_int_equal(xp_note_vkey_parse(&vkey, text, strlen(text), NULL), XP_OK);
	snprintf(text, sizeof(text), "%s\n\n", peter);
	assert_int_equal(xp_note_vkey_parse(&vkey, text, strlen(text), NULL), XP_E_MALFORMED);
	memset(text, 'a', 300);
	snprintf(text + 300, sizeof(text) - 300, "%s", peter + 12);
	assert_int_equal(xp_note_vkey_parse(&vkey, text, strlen(text), NULL), XP_E_MALFORMED);
	assert_int_equal(xp_note_vkey_parse(&vkey, "a\0b+", 4, NULL), XP_E_MALFORMED);
}

static void test_note_malformed_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"\n\n",
		"text",
		"text\n",
		"text\n\n",
		"text\n\n\n",
		PETER_LINE,
		"text\n" PETER_LINE,
		"text\n\n" PETER_LINE "text\n",
		"text\n\n" PETER_LINE " ",
		"text\n\n- PeterNeumann x08go/ZJ\n",
		"text\n\n" DASH "  x08go/ZJkuBS\n",
		"text\n\n" DASH " a\n",
		"text\n\n" DASH " a \n",
		"text\n\n" DASH " a AAAA\n",
		"text\n\n" DASH " a AAAAAA==\n",	 /* an id and no signature */
		"text\n\n" DASH " a AAAAAAB=\n",	 /* bits behind the end */
		"text\n\n" DASH " a AAAAAAA\n",		 /* no padding */
		"text\n\n" DASH " a AAA=AAAA\n",	 /* padding inside */
		"text\n\n" DASH " a AAAAAAAA AAAA\n",	 /* a space inside */
		"text\n\n" DASH " a+b AAAAAAAA\n",	 /* plus in a name */
		"text\n\n" DASH " a\xc2\xa0 AAAAAAAA\n", /* a wide space in it */
		"text\n\n" DASH " a\xe3\x80\x80"
		"b AAAAAAAA\n",
		"te\txt\n\n" PETER_LINE,
		"te\rxt\n\n" PETER_LINE,
		"te\xffxt\n\n" PETER_LINE,
		"te\xed\xa0\x80xt\n\n" PETER_LINE, /* a surrogate */
		"te\xc0\x80xt\n\n" PETER_LINE,	   /* overlong */
	};
	enum xp_note_verdict verdict;
	size_t text_len;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++)
		if (xp_note_read(&text_len, &verdict, bad[i], strlen(bad[i]), NULL, NULL) !=
		    XP_E_MALFORMED)
			fail_msg("note %zu was taken", i);
	assert_int_equal(xp_note_read(&text_len, &verdict, "a\0b\n\n" OTHER_LINE,
				      5 + strlen(OTHER_LINE), NULL, NULL),
			 XP_E_MALFORMED);
}

static void test_note_many_lines_up_to_the_limit(void **state)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	struct xp_note_vkey vkey;
	enum xp_note_verdict verdict;
	size_t text_len;

	(void)state;
	assert_int_equal(xp_note_vkey_parse(&vkey, peter, strlen(peter), NULL), XP_OK);
	xp_buf_puts(&b, PETER_TEXT "\n");
	for (unsigned i = 0; i < 63; i++)
		xp_buf_printf(&b, DASH " w%u.example/\xc3\xa4 AAAAAQID\n", i);
	xp_buf_puts(&b, PETER_LINE);
	assert_int_equal(read_note(b.data, &vkey), XP_NOTE_VERIFIED);
	xp_buf_puts(&b, PETER_LINE);
	assert_int_equal(xp_note_read(&text_len, &verdict, b.data, b.len, &vkey, NULL),
			 XP_E_MALFORMED);
	b.len = 0;
	for (size_t i = 0; i < XP_CHECKPOINT_MAX_BYTES; i++)
		xp_buf_putc(&b, 'x');
	xp_buf_puts(&b, "\n\n" OTHER_LINE);
	assert_int_equal(xp_note_read(&text_len, &verdict, b.data, b.len, NULL, NULL),
			 XP_E_MALFORMED);
}

static void test_origin_grammar(void **state)
{
	static const char *const good[] = {
		"example.com/usb-1",
		"a.b/c",
		"logs.example.co.uk/site.4/usb-00_11",
		"xn--bcher-kva.example/usb-7f3a",
		"1.2/3",
	};
	static const char *const bad[] = {
		"",
		"/",
		"/usb",
		"example.com",
		"example.com/",
		"com/usb",
		"Example.com/usb",
		"example.com/USB",
		"example.com/a b",
		"example.com/a+b",
		"example..com/a",
		".example.com/a",
		"example.com./a",
		"-a.com/b",
		"a-.com/b",
		"a.com//b",
		"a.com/b/",
		"a.com/..",
		"a.com/.b",
		"a.com/b.",
		"a_b.com/c",
		"a.com/b\n",
		"a.com/\xc3\xa4",
		"https://a.com/b",
		"a.com:80/b",
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(good); i++)
		assert_true(xp_note_origin_is_valid(good[i]));
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++)
		if (xp_note_origin_is_valid(bad[i]))
			fail_msg("%s was taken", bad[i]);
	memset(text, 'a', sizeof(text));
	memcpy(text, "a.b/", 4);
	text[XP_ORIGIN_MAX - 1] = 0;
	assert_true(xp_note_origin_is_valid(text));
	text[XP_ORIGIN_MAX - 1] = 'a';
	text[XP_ORIGIN_MAX] = 0;
	assert_false(xp_note_origin_is_valid(text));
}

static void test_checkpoint_signed_reads_back(void **state)
{
	AUTO(xp_note_signer_free) struct xp_note_signer *s = signer_of("example.com/usb-1", 1);
	AUTO(xp_note_signer_free) struct xp_note_signer *other = signer_of("example.com/usb-1", 9);
	struct xp_merkle_head head = {.size = 20852163, .root = {{1, 2, 3}}};
	AUTO_MEM char *text = NULL;
	size_t len = 0;
	struct xp_checkpoint cp;
	enum xp_note_verdict verdict;

	(void)state;
	assert_int_equal(xp_checkpoint_sign(&text, &len, &head, s, NULL), XP_OK);
	assert_int_equal(strlen(text), len);
	assert_memory_equal(text, "example.com/usb-1\n20852163\n", 27);
	assert_int_equal(xp_checkpoint_read(&cp, &verdict, text, len, xp_note_signer_vkey(s), NULL),
			 XP_OK);
	assert_int_equal(verdict, XP_NOTE_VERIFIED);
	assert_string_equal(cp.origin, "example.com/usb-1");
	assert_int_equal(cp.head.size, head.size);
	assert_memory_equal(cp.head.root.b, head.root.b, 32);
	/* another key of the same name is another key */
	assert_int_equal(
		xp_checkpoint_read(&cp, &verdict, text, len, xp_note_signer_vkey(other), NULL),
		XP_OK);
	assert_int_equal(verdict, XP_NOTE_KEY_UNKNOWN);
}

/* Any change of a checkpoint is refused, or is a signature that does not hold or is not ours. */
static void test_checkpoint_every_changed_bit_is_seen(void **state)
{
	AUTO(xp_note_signer_free) struct xp_note_signer *s = signer_of("example.com/usb-1", 1);
	struct xp_merkle_head head = {.size = 7, .root = {{200, 2, 3}}};
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(xp_checkpoint_sign(&text, &len, &head, s, NULL), XP_OK);
	for (size_t i = 0; i < 8 * len; i++) {
		struct xp_checkpoint cp;
		enum xp_note_verdict verdict = XP_NOTE_VERIFIED;
		enum xp_rc rc;

		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		rc = xp_checkpoint_read(&cp, &verdict, text, len, xp_note_signer_vkey(s), NULL);
		if (rc == XP_OK && verdict == XP_NOTE_VERIFIED)
			fail_msg("bit %zu is free", i);
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
	}
	for (size_t i = 0; i < len; i++) {
		struct xp_checkpoint cp;
		enum xp_note_verdict verdict;

		assert_int_equal(
			xp_checkpoint_read(&cp, &verdict, text, i, xp_note_signer_vkey(s), NULL),
			XP_E_MALFORMED);
	}
}

static void test_checkpoint_malformed_text_is_refused(void **state)
{
#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
	static const char *const bad[] = {
		"example.com/a\n",
		"example.com/a\n1\n",
		"example.com/a\n" ROOT "\n",
		"example.com/a\n\n" ROOT "\n",
		"Example.com/a\n1\n" ROOT "\n",
		"example.com\n1\n" ROOT "\n",
		"example.com/a\n01\n" ROOT "\n",
		"example.com/a\n-1\n" ROOT "\n",
		"example.com/a\n+1\n" ROOT "\n",
		"example.com/a\n1 \n" ROOT "\n",
		"example.com/a\n0x1\n" ROOT "\n",
		"example.com/a\n18446744073709551616\n" ROOT "\n",
		"example.com/a\n4611686018427387905\n" ROOT "\n",
		"example.com/a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
		"example.com/a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
		"example.com/a\n1\nCsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=\n",
		"example.com/a\n1\n" ROOT "\nextension\n",
		"\nexample.com/a\n1\n" ROOT "\n",
	};
	char text[512];
	struct xp_checkpoint cp;
	enum xp_note_verdict verdict;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++) {
		snprintf(text, sizeof(text), "%s\n%s", bad[i], OTHER_LINE);
		if (xp_checkpoint_read(&cp, &verdict, text, strlen(text), NULL, NULL) !=
		    XP_E_MALFORMED)
			fail_msg("checkpoint %zu was taken", i);
	}
	snprintf(text, sizeof(text), "example.com/a\n4611686018427387904\n" ROOT "\n\n%s",
		 OTHER_LINE);
	assert_int_equal(xp_checkpoint_read(&cp, &verdict, text, strlen(text), NULL, NULL), XP_OK);
	assert_int_equal(cp.head.size, 1ULL << 62);
	assert_int_equal(verdict, XP_NOTE_KEY_UNKNOWN);
}

/* TEXT as a note that the key of S signed under its own name, whatever the text says. */
static void sign_anything(struct xp_buf *note, const struct xp_note_signer *s, const char *text)
{
	AUTO(xp_secret_free) struct xp_secret pem = {0};
	uint8_t blob[4 + 64];
	char base64[XP_BASE64_LEN(sizeof(blob)) + 1];
	size_t len = 64;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *key;
	BIO *bio;

	assert_int_equal(xp_note_signer_write(&pem, s, NULL), XP_OK);
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, blob + 4, &len, (const uint8_t *)text, strlen(text)),
			 1);
	memcpy(blob, xp_note_signer_vkey(s)->id, 4);
	xp_base64_encode(base64, blob, sizeof(blob));
	xp_buf_printf(note, "%s\n" DASH " %s %s\n", text, xp_note_signer_vkey(s)->name, base64);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	BIO_free(bio);
}

static void test_checkpoint_of_another_origin_is_not_ours(void **state)
{
	AUTO(xp_note_signer_free) struct xp_note_signer *a = signer_of("example.com/usb-1", 1);
	AUTO(xp_note_signer_free) struct xp_note_signer *b = signer_of("example.com/usb-2", 1);
	AUTO(xp_buf_free) struct xp_buf own = {0};
	AUTO(xp_buf_free) struct xp_buf other = {0};
	struct xp_checkpoint cp;
	enum xp_note_verdict verdict;

	(void)state;
	/* the same key under two names has two ids */
	assert_memory_equal(xp_note_signer_vkey(a)->key, xp_note_signer_vkey(b)->key, 32);
	assert_memory_not_equal(xp_note_signer_vkey(a)->id, xp_note_signer_vkey(b)->id, 4);
	sign_anything(&own, a, "example.com/usb-1\n1\n" ROOT "\n");
	assert_int_equal(
		xp_checkpoint_read(&cp, &verdict, own.data, own.len, xp_note_signer_vkey(a), NULL),
		XP_OK);
	assert_int_equal(verdict, XP_NOTE_VERIFIED);
	assert_int_equal(
		xp_checkpoint_read(&cp, &verdict, own.data, own.len, xp_note_signer_vkey(b), NULL),
		XP_OK);
	assert_int_equal(verdict, XP_NOTE_KEY_UNKNOWN);
	sign_anything(&other, a, "example.com/usb-2\n1\n" ROOT "\n");
	assert_int_equal(xp_checkpoint_read(&cp, &verdict, other.data, other.len,
					    xp_note_signer_vkey(a), NULL),
			 XP_OK);
	assert_int_equal(verdict, XP_NOTE_KEY_UNKNOWN);
}

static void test_signer_pem_round_trip(void **state)
{
	AUTO(xp_note_signer_free) struct xp_note_signer *a = signer_of("example.com/usb-1", 5);
	AUTO(xp_note_signer_free) struct xp_note_signer *b = NULL;
	AUTO(xp_secret_free) struct xp_secret pem = {0};

	(void)state;
	assert_int_equal(xp_note_signer_write(&pem, a, NULL), XP_OK);
	assert_memory_equal(pem.data, "-----BEGIN PRIVATE KEY-----\n", 28);
	assert_int_equal(xp_note_signer_read(&b, "example.com/usb-1", &pem, NULL), XP_OK);
	assert_memory_equal(xp_note_signer_vkey(a), xp_note_signer_vkey(b),
			    sizeof(struct xp_note_vkey));
	for (size_t cut = 1; cut < pem.len; cut += 7) {
		struct xp_note_signer *none = NULL;
		struct xp_secret part = {.data = pem.data, .len = pem.len - cut};

		if (cut < 3) /* the line end and a dash are no loss to the reader of PEM */
			continue;
		assert_int_equal(xp_note_signer_read(&none, "example.com/usb-1", &part, NULL),
				 XP_E_MALFORMED);
		assert_null(none);
	}
}

/* Made for this test: a key on P-256, and an Ed25519 key under a passphrase. */
static char p256[] = "-----BEGIN PRIVATE KEY-----\n"
		     "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgRf019xIx4MXD0PYx\n"
		     "T7rbKoKIEOOShXibSjXA4gCB5kahRANCAASo4LqdrxkYVvzFW3TY8Z8cG94URkFJ\n"
		     "GxHeHLPcbQDafCrS7FD+JKJRWFt2FjnQxF6r8s3Ck7sr1O1R63QsfBOg\n"
		     "-----END PRIVATE KEY-----\n";
static char encrypted[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
			  "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgLd+0eSOgrUAICCAAw\n"
			  "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEJzUVVbckJ8DZw918zYr6K4EQEO+\n"
			  "rvWyDaBaiQRPwbnUCJ/6hscCWUkIH+tjVKz9Z/dEogXAfZP3ioNg4fsCIa5weI2x\n"
			  "0zFkIiI7cHULzxsTsx0=\n"
			  "-----END ENCRYPTED PRIVATE KEY-----\n";

static void test_signer_other_keys_and_names_are_refused(void **state)
{
	struct xp_secret pem = {.data = (uint8_t *)p256, .len = sizeof(p256) - 1};
	struct xp_secret locked = {.data = (uint8_t *)encrypted, .len = sizeof(encrypted) - 1};
	unsigned seed = 0;
	struct xp_rng rng = {counting, &seed};
	struct xp_note_signer *s = NULL;
	struct xp_err err;

	(void)state;
	assert_int_equal(xp_note_signer_read(&s, "example.com/usb-1", &pem, &err), XP_E_MALFORMED);
	assert_null(s);
	assert_int_equal(xp_note_signer_read(&s, "example.com/usb-1", &locked, &err),
			 XP_E_MALFORMED);
	assert_null(s);
	assert_int_equal(xp_note_signer_new(&s, "Example/usb", &rng, &err), XP_E_USAGE);
	assert_null(s);
}

static void test_base64_every_length_and_only_canonical(void **state)
{
	(void)state;
	for (size_t len = 1; len < 70; len++) {
		uint8_t data[70];
		uint8_t back[70];
		char text[100];

		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)(i * 71 + len);
		xp_base64_encode(text, data, len);
		assert_int_equal(strlen(text), XP_BASE64_LEN(len));
		assert_true(xp_base64_decode(back, len, text, strlen(text)));
		assert_memory_equal(back, data, len);
		assert_false(xp_base64_decode(back, len, text, strlen(text) - 1));
		assert_false(xp_base64_decode(back, len + 1, text, strlen(text)) && len % 3 == 0);
		text[0] = '-';
		assert_false(xp_base64_decode(back, len, text, strlen(text)));
	}
	assert_false(xp_base64_decode((uint8_t[1]){0}, 1, "AB==", 4));
	assert_false(xp_base64_decode((uint8_t[1]){0}, 1, "AA=A", 4));
	assert_false(xp_base64_decode((uint8_t[2]){0}, 2, "AAB=", 4));
	assert_false(xp_base64_decode((uint8_t[2]){0}, 2, "AA==", 4));
	assert_false(xp_base64_decode((uint8_t[3]){0}, 3, "AAA=", 4));
	assert_false(xp_base64_decode((uint8_t[3]){0}, 3, "A\0AA", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_note_shared_vector_verifies),
		cmocka_unit_test(test_vkey_every_part_and_change_is_refused),
		cmocka_unit_test(test_vkey_line_ends_one_only),
		cmocka_unit_test(test_note_malformed_is_refused),
		cmocka_unit_test(test_note_many_lines_up_to_the_limit),
		cmocka_unit_test(test_origin_grammar),
		cmocka_unit_test(test_checkpoint_signed_reads_back),
		cmocka_unit_test(test_checkpoint_every_changed_bit_is_seen),
		cmocka_unit_test(test_checkpoint_malformed_text_is_refused),
		cmocka_unit_test(test_checkpoint_of_another_origin_is_not_ours),
		cmocka_unit_test(test_signer_pem_round_trip),
		cmocka_unit_test(test_signer_other_keys_and_names_are_refused),
		cmocka_unit_test(test_base64_every_length_and_only_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
