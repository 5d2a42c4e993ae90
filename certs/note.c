/* as in merkle.c: calls that cannot fail */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "certs/note.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "certs/note_text.h"

#define ALG_ED25519   0x01 /* [signed-note, signature types] */
#define SIGNATURE_LEN 64

struct xp_note_signer {
	struct xp_note_vkey vkey;
	EVP_PKEY *key;
};

static void free_pkey(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
	*k = NULL;
}

static void free_md_ctx(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
	*c = NULL;
}

static void free_bio(BIO **b)
{
	BIO_free(*b);
	*b = NULL;
}

/* [signed-note: SHA-256(name || 0Ah || type || key)[:4]] */
static void key_id(uint8_t id[4], const char *name, const uint8_t key[32])
{
	static const uint8_t between[2] = {'\n', ALG_ED25519};
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, name, strlen(name));
	SHA256_Update(&ctx, between, sizeof(between));
	SHA256_Update(&ctx, key, 32);
	SHA256_Final(digest, &ctx);
	memcpy(id, digest, 4);
}

enum xp_rc xp_note_vkey_parse(struct xp_note_vkey *out, const char *text, size_t len,
			      struct xp_err *err)
{
	const char *plus = memchr(text, '+', len);
	const char *rest;
	char hex[9] = "";
	uint8_t blob[1 + 32];
	uint8_t id[4];
	size_t left;

	*out = (struct xp_note_vkey){0};
	if (len && text[len - 1] == '\n')
		len--;
	if (!plus || !xp_note_name_is_valid(text, (size_t)(plus - text)) ||
	    (size_t)(plus - text) >= sizeof(out->name))
		return xp_fail(err, XP_E_MALFORMED, "log key: no key name in it");
	rest = plus + 1;
	left = len - (size_t)(rest - text);
	if (left != 8 + 1 + XP_BASE64_LEN(sizeof(blob)) || rest[8] != '+')
		return xp_fail(err, XP_E_MALFORMED, "log key: not of the form name+hash+base64");
	memcpy(hex, rest, 8);
	if (!xp_hex_decode(id, sizeof(id), hex) ||
	    !xp_base64_decode(blob, sizeof(blob), rest + 9, left - 9))
		return xp_fail(err, XP_E_MALFORMED, "log key: not of the form name+hash+base64");
	if (blob[0] != ALG_ED25519)
		return xp_fail(err, XP_E_MALFORMED, "log key: of type %u, which is not Ed25519",
			       blob[0]);
	memcpy(out->name, text, (size_t)(plus - text));
	memcpy(out->key, blob + 1, sizeof(out->key));
	key_id(out->id, out->name, out->key);
	if (memcmp(out->id, id, sizeof(id)) != 0)
		return xp_fail(err, XP_E_MALFORMED, "log key: its hash does not match");
	return XP_OK;
}

void xp_note_vkey_format(char out[XP_NOTE_VKEY_MAX], const struct xp_note_vkey *vkey)
{
	uint8_t blob[1 + 32] = {ALG_ED25519};
	char hex[9];
	char base64[XP_BASE64_LEN(sizeof(blob)) + 1];

	memcpy(blob + 1, vkey->key, sizeof(vkey->key));
	xp_hex_encode(hex, vkey->id, sizeof(vkey->id));
	xp_base64_encode(base64, blob, sizeof(blob));
	snprintf(out, XP_NOTE_VKEY_MAX, "%s+%s+%s", vkey->name, hex, base64);
}

/* Takes KEY. */
static enum xp_rc signer_of(struct xp_note_signer **out, const char *origin, EVP_PKEY **key,
			    struct xp_err *err)
{
	AUTO(xp_note_signer_free) struct xp_note_signer *s = calloc(1, sizeof(*s));
	size_t len = sizeof(s->vkey.key);

	if (!s)
		return xp_fail(err, XP_E_NOMEM, "log key");
	if (!xp_note_origin_is_valid(origin))
		return xp_fail(err, XP_E_USAGE,
			       "%.200s: no origin of a log (dns-name/usb-ID, lower case)", origin);
	memcpy(s->vkey.name, origin, strlen(origin) + 1);
	s->key = STEAL(*key);
	if (EVP_PKEY_get_raw_public_key(s->key, s->vkey.key, &len) != 1 ||
	    len != sizeof(s->vkey.key))
		return xp_fail(err, XP_E_INTERNAL, "log key: no public key");
	key_id(s->vkey.id, s->vkey.name, s->vkey.key);
	*out = STEAL(s);
	return XP_OK;
}

enum xp_rc xp_note_signer_new(struct xp_note_signer **out, const char *origin,
			      const struct xp_rng *rng, struct xp_err *err)
{
	AUTO(free_pkey) EVP_PKEY *key = NULL;
	AUTO(xp_secret_free) struct xp_secret seed = {0};

	TRY(xp_secret_new(&seed, 32, err));
	TRY(xp_rng_bytes(rng, seed.data, 32, err));
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed.data, 32);
	if (!key)
		return xp_fail(err, XP_E_NOMEM, "log key");
	return signer_of(out, origin, &key, err);
}

/* Without it OpenSSL would ask on the terminal. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is OpenSSL's */
static int no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)ctx;
	return -1;
}

enum xp_rc xp_note_signer_read(struct xp_note_signer **out, const char *origin,
			       const struct xp_secret *pem, struct xp_err *err)
{
	AUTO(free_bio)
	BIO *bio = pem->len < 65536 ? BIO_new_mem_buf(pem->data, (int)pem->len) : NULL;
	AUTO(free_pkey)
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	if (!key || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519)
		return xp_fail(err, XP_E_MALFORMED, "log key: no Ed25519 key in PKCS#8 PEM");
	return signer_of(out, origin, &key, err);
}

enum xp_rc xp_note_signer_write(struct xp_secret *pem, const struct xp_note_signer *s,
				struct xp_err *err)
{
	AUTO(free_bio) BIO *bio = BIO_new(BIO_s_secmem());
	char *data = NULL;
	long len;

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, s->key, NULL, NULL, 0, NULL, NULL) != 1)
		return xp_fail(err, XP_E_NOMEM, "log key");
	len = BIO_get_mem_data(bio, &data);
	if (len <= 0)
		return xp_fail(err, XP_E_INTERNAL, "log key: empty");
	TRY(xp_secret_new(pem, (size_t)len, err));
	memcpy(pem->data, data, (size_t)len);
	return XP_OK;
}

const struct xp_note_vkey *xp_note_signer_vkey(const struct xp_note_signer *s)
{
	return &s->vkey;
}

void xp_note_signer_free(struct xp_note_signer **s)
{
	if (*s)
		EVP_PKEY_free((*s)->key);
	free(*s);
	*s = NULL;
}

enum xp_rc xp_checkpoint_sign(char **out, size_t *len, const struct xp_merkle_head *head,
			      const struct xp_note_signer *s, struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf note = {0};
	AUTO(free_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t blob[4 + SIGNATURE_LEN];
	size_t sig_len = SIGNATURE_LEN;
	char base64[XP_BASE64_LEN(sizeof(blob)) + 1];

	xp_base64_encode(base64, head->root.b, XP_MERKLE_HASH_LEN);
	xp_buf_printf(&note, "%s\n%llu\n%s\n", s->vkey.name, (unsigned long long)head->size,
		      base64);
	if (!ctx || !xp_buf_ok(&note))
		return xp_fail(err, XP_E_NOMEM, "checkpoint");
	memcpy(blob, s->vkey.id, 4);
	if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, s->key) != 1 ||
	    EVP_DigestSign(ctx, blob + 4, &sig_len, (const uint8_t *)note.data, note.len) != 1 ||
	    sig_len != SIGNATURE_LEN)
		return xp_fail(err, XP_E_INTERNAL, "checkpoint: signing failed");
	xp_base64_encode(base64, blob, sizeof(blob));
	xp_buf_printf(&note, "\n" XP_NOTE_DASH " %s %s\n", s->vkey.name, base64);
	if (!xp_buf_ok(&note))
		return xp_fail(err, XP_E_NOMEM, "checkpoint");
	*len = note.len;
	*out = STEAL(note.data);
	note = (struct xp_buf){0};
	return XP_OK;
}

/* false also where memory ran out: what could not be verified is not verified. */
static bool signature_holds(const struct xp_note_vkey *vkey, const uint8_t sig[SIGNATURE_LEN],
			    const char *text, size_t len)
{
	AUTO(free_pkey)
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, vkey->key, 32);
	AUTO(free_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	return key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, sig, SIGNATURE_LEN, (const uint8_t *)text, len) == 1;
}

/* One signature line by anybody: is it by VKEY, and does it hold? */
static void judge(enum xp_note_verdict *verdict, const struct xp_note_line *line,
		  const struct xp_note_vkey *vkey, const char *note, size_t text_len)
{
	uint8_t blob[4 + SIGNATURE_LEN];

	if (!vkey || line->name_len != strlen(vkey->name) ||
	    memcmp(line->name, vkey->name, line->name_len) != 0 ||
	    memcmp(line->id, vkey->id, sizeof(line->id)) != 0)
		return;
	if (!xp_base64_decode(blob, sizeof(blob), line->base64, line->base64_len) ||
	    !signature_holds(vkey, blob + 4, note, text_len))
		*verdict = XP_NOTE_SIGNATURE_WRONG;
	else if (*verdict == XP_NOTE_KEY_UNKNOWN)
		*verdict = XP_NOTE_VERIFIED;
	return;
}

enum xp_rc xp_note_read(size_t *text_len, enum xp_note_verdict *verdict, const char *note,
			size_t len, const struct xp_note_vkey *vkey, struct xp_err *err)
{
	struct xp_note_cursor at;
	struct xp_note_line line;

	*verdict = XP_NOTE_KEY_UNKNOWN;
	*text_len = 0;
	TRY(xp_note_split(&at, note, len, err));
	while (xp_note_next_line(&line, &at))
		judge(verdict, &line, vkey, note, at.text_len);
	if (at.malformed)
		return xp_fail(err, XP_E_MALFORMED, "checkpoint: a malformed signature line");
	*text_len = at.text_len;
	return XP_OK;
}

/* The next line of TEXT, without its line end; NULL: none. */
static const char *next_line(size_t *line_len, const char **text, size_t *left)
{
	const char *line = *text;
	const char *end = memchr(line, '\n', *left);

	if (!end)
		return NULL;
	*line_len = (size_t)(end - line);
	*left -= *line_len + 1;
	*text = end + 1;
	return line;
}

enum xp_rc xp_checkpoint_read(struct xp_checkpoint *out, enum xp_note_verdict *verdict,
			      const char *text, size_t len, const struct xp_note_vkey *vkey,
			      struct xp_err *err)
{
	const char *line;
	size_t left = 0;
	size_t n = 0;

	*out = (struct xp_checkpoint){0};
	TRY(xp_note_read(&left, verdict, text, len, vkey, err));
	line = next_line(&n, &text, &left);
	if (!line || n >= sizeof(out->origin))
		return xp_fail(err, XP_E_MALFORMED, "checkpoint: no origin");
	memcpy(out->origin, line, n);
	if (!xp_note_origin_is_valid(out->origin) || strlen(out->origin) != n)
		return xp_fail(err, XP_E_MALFORMED, "checkpoint: no origin");
	line = next_line(&n, &text, &left);
	if (!line || !xp_note_number(&out->head.size, line, n) ||
	    out->head.size > XP_MERKLE_SIZE_MAX)
		return xp_fail(err, XP_E_MALFORMED, "checkpoint: no tree size");
	line = next_line(&n, &text, &left);
	if (!line || !xp_base64_decode(out->head.root.b, XP_MERKLE_HASH_LEN, line, n))
		return xp_fail(err, XP_E_MALFORMED, "checkpoint: no root hash");
	if (left)
		return xp_fail(err, XP_E_MALFORMED, "checkpoint: more lines than three");
	/* a log's key is named as the log: what it signed under another name is not this log's */
	if (*verdict == XP_NOTE_VERIFIED && strcmp(out->origin, vkey->name) != 0)
		*verdict = XP_NOTE_KEY_UNKNOWN;
	return XP_OK;
}
