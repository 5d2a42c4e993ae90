#include "device/protocol/luks_header.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/names.h"
#include "base/wire.h"
#include "device/protocol/luks_inside.h"

static const char *const copy_names[] = {
	[XP_LUKS_ABSENT] = "absent",
	[XP_LUKS_DAMAGED] = "damaged",
	[XP_LUKS_VALID] = "valid",
};
XP_NAMES(luks_copy, xp_luks_copy, copy_names, XP_LUKS_VALID + 1)

static const char *const opinion_names[] = {
	[XP_LUKS_UNREAD] = "unread",
	[XP_LUKS_AGREES] = "agrees",
	[XP_LUKS_DIFFERS] = "differs",
};
XP_NAMES(luks_opinion, xp_luks_opinion, opinion_names, XP_LUKS_DIFFERS + 1)

/* ---- LUKS1 ---- */

#define L1_BYTES	592
#define L1_HEADER_BYTES 1024 /* padded */
#define L1_VERSION	6
#define L1_CIPHER	8
#define L1_CIPHER_LEN	32
#define L1_MODE		40
#define L1_PAYLOAD	104 /* 512-byte sectors */
#define L1_KEY_BYTES	108
#define L1_UUID		168
#define L1_UUID_LEN	40
#define L1_SLOTS	208
#define L1_SLOTS_N	8
#define L1_SLOT_BYTES	48
#define L1_SLOT_OFFSET	40 /* sectors */
#define L1_SLOT_STRIPES 44
#define L1_SLOT_ON	0x00ac71f3u
#define L1_SLOT_OFF	0x0000deadu
#define L1_SECTOR	512u
#define L1_KEY_MAX	1024u
#define L1_STRIPES	4000u

/* ---- LUKS2, the binary part ---- */

#define L2_BYTES      4096
#define L2_SIZE	      0x08
#define L2_CSUM_ALG   0x48
#define L2_CSUM_ALG_N 32
#define L2_UUID	      0xa8
#define L2_UUID_LEN   40
#define L2_OFFSET     0x100
#define L2_CSUM	      0x1c0
#define L2_CSUM_LEN   64
#define L2_SIZE_MIN   0x4000u
#define L2_SIZE_MAX   0x400000u

static const uint8_t first_magic[XP_LUKS_MAGIC_LEN] = {'L', 'U', 'K', 'S', 0xba, 0xbe};
static const uint8_t second_magic[XP_LUKS_MAGIC_LEN] = {'S', 'K', 'U', 'L', 0xba, 0xbe};
/* what cryptsetup-reencrypt of old put there while it was at work */
static const uint8_t busy_magic[XP_LUKS_MAGIC_LEN] = {'L', 'U', 'K', 'S', 0xde, 0xad};

static bool is(const uint8_t *p, const uint8_t magic[XP_LUKS_MAGIC_LEN])
{
	return memcmp(p, magic, XP_LUKS_MAGIC_LEN) == 0;
}

bool xp_luks_is_second_magic(const uint8_t *p)
{
	return is(p, second_magic);
}

bool xp_luks_is_magic(const uint8_t *p)
{
	return is(p, first_magic) || is(p, second_magic) || is(p, busy_magic);
}

/* A text of a header: printable to its NUL, or it is left empty. */
static void copy_text(char *out, size_t size, const uint8_t *p, size_t len)
{
	size_t n = strnlen((const char *)p, len);

	out[0] = 0;
	if (n >= size)
		return;
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return;
	memcpy(out, p, n);
	out[n] = 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void xp_luks_slot_ends_at(struct xp_luks_volume *v, uint64_t end)
{
	v->slots_end = larger(v->slots_end, end);
}

static bool l1_slot(struct xp_luks_volume *v, const uint8_t *p, uint32_t key_bytes)
{
	uint32_t state = get_be32(p);
	uint64_t at = (uint64_t)get_be32(p + L1_SLOT_OFFSET) * L1_SECTOR;
	uint64_t len = (uint64_t)get_be32(p + L1_SLOT_STRIPES) * key_bytes;

	if ((state != L1_SLOT_ON && state != L1_SLOT_OFF) ||
	    get_be32(p + L1_SLOT_STRIPES) != L1_STRIPES || at < L1_HEADER_BYTES)
		return false;
	v->slots += state == L1_SLOT_ON;
	/* a slot that is off may still hold what was not wiped well */
	xp_luks_slot_ends_at(v, at + len);
	return true;
}

/* It has no checksum: it is valid where nothing in it is impossible. */
bool xp_luks_cipher_is_null(const char *cipher)
{
	return strstr(cipher, "cipher_null") != NULL;
}

static void l1_parse(struct xp_luks_volume *v, const uint8_t *p, size_t len)
{
	char cipher[L1_CIPHER_LEN + 1];
	char mode[L1_CIPHER_LEN + 1];
	uint32_t key_bytes;
	bool sane;

	v->version = 1;
	v->primary = XP_LUKS_DAMAGED;
	v->header_bytes = L1_HEADER_BYTES;
	if (len < L1_BYTES)
		return;
	key_bytes = get_be32(p + L1_KEY_BYTES);
	copy_text(cipher, sizeof(cipher), p + L1_CIPHER, L1_CIPHER_LEN);
	copy_text(mode, sizeof(mode), p + L1_MODE, L1_CIPHER_LEN);
	copy_text(v->uuid, sizeof(v->uuid), p + L1_UUID, L1_UUID_LEN);
	sane = is(p, first_magic) && *cipher && *mode && *v->uuid && key_bytes &&
	       key_bytes <= L1_KEY_MAX;
	for (size_t i = 0; i < L1_SLOTS_N && sane; i++)
		sane = l1_slot(v, p + L1_SLOTS + i * L1_SLOT_BYTES, key_bytes);
	v->data_offset = (uint64_t)get_be32(p + L1_PAYLOAD) * L1_SECTOR;
	sane = sane && (!v->data_offset || v->slots_end <= v->data_offset);
	if (!sane) {
		v->data_offset = v->slots_end = 0;
		v->slots = 0;
		return;
	}
	snprintf(v->cipher, sizeof(v->cipher), "%.31s-%.31s", cipher, mode);
	v->not_encrypted = xp_luks_cipher_is_null(v->cipher);
	v->detached = v->data_offset == 0;
	v->primary = XP_LUKS_VALID;
	v->layout_known = true;
}

/* ---- a LUKS2 copy ---- */

static bool l2_size_is_legal(uint64_t size)
{
	return size >= L2_SIZE_MIN && size <= L2_SIZE_MAX && (size & (size - 1)) == 0;
}

/* The checksum runs over binary part and JSON, with its own field as zeros. */
static enum xp_rc l2_checksum_holds(bool *holds, const uint8_t *p, uint64_t size,
				    struct xp_err *err)
{
	uint8_t head[L2_BYTES];
	uint8_t digest[EVP_MAX_MD_SIZE];
	char name[L2_CSUM_ALG_N + 1];
	unsigned digest_len = 0;
	EVP_MD_CTX *ctx;
	EVP_MD *md;
	bool done;

	*holds = false;
	copy_text(name, sizeof(name), p + L2_CSUM_ALG, L2_CSUM_ALG_N);
	md = *name ? EVP_MD_fetch(NULL, name, NULL) : NULL;
	if (!md)
		return XP_OK; /* a name of nothing */
	memcpy(head, p, sizeof(head));
	memset(head + L2_CSUM, 0, L2_CSUM_LEN);
	ctx = EVP_MD_CTX_new();
	done = ctx && EVP_DigestInit_ex2(ctx, md, NULL) == 1 &&
	       EVP_DigestUpdate(ctx, head, sizeof(head)) == 1 &&
	       EVP_DigestUpdate(ctx, p + L2_BYTES, size - L2_BYTES) == 1 &&
	       EVP_MD_get_size(md) <= (int)sizeof(digest) &&
	       EVP_DigestFinal_ex(ctx, digest, &digest_len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
	if (!done)
		return xp_fail(err, XP_E_INTERNAL, "the checksum %s", name);
	*holds = digest_len && digest_len <= L2_CSUM_LEN &&
		 memcmp(digest, p + L2_CSUM, digest_len) == 0;
	return XP_OK;
}

/* Reads the copy at AT of the volume. It is added to what V has of others: the larger counts. */
static enum xp_rc l2_copy(enum xp_luks_copy *state, struct xp_luks_volume *v, const uint8_t *buf,
			  size_t len, uint64_t at, struct xp_err *err)
{
	const uint8_t *p = buf + at;
	bool holds = false;
	uint64_t size;

	*state = XP_LUKS_DAMAGED;
	v->header_bytes = larger(v->header_bytes, at + L2_SIZE_MIN);
	if (len - at < L2_BYTES)
		return XP_OK;
	size = get_be64(p + L2_SIZE);
	if (!l2_size_is_legal(size) || size > len - at || get_be64(p + L2_OFFSET) != at)
		return XP_OK;
	v->header_bytes = larger(v->header_bytes, at + size);
	TRY(l2_checksum_holds(&holds, p, size, err));
	if (!v->uuid[0] || holds)
		copy_text(v->uuid, sizeof(v->uuid), p + L2_UUID, L2_UUID_LEN);
	if (holds && xp_luks_json_read(v, (const char *)p + L2_BYTES, size - L2_BYTES)) {
		*state = XP_LUKS_VALID;
		v->layout_known = true;
	}
	return XP_OK;
}

/* Every place where a second copy may stand. The best state of all of them counts. */
static enum xp_rc l2_second_copies(struct xp_luks_volume *v, const uint8_t *buf, size_t len,
				   struct xp_err *err)
{
	for (uint64_t at = L2_SIZE_MIN; at <= L2_SIZE_MAX; at *= 2) {
		enum xp_luks_copy state;

		if (at + XP_LUKS_MAGIC_LEN > len || !is(buf + at, second_magic))
			continue;
		TRY(l2_copy(&state, v, buf, len, at, err));
		if (state > v->secondary)
			v->secondary = state;
	}
	return XP_OK;
}

static void forget(struct xp_luks_volume *v)
{
	const struct xp_luks_volume old = *v;

	memset(v, 0, sizeof(*v));
	v->offset = old.offset;
	v->room = old.room;
}

enum xp_rc xp_luks_parse(struct xp_luks_volume *out, const uint8_t *buf, size_t len,
			 struct xp_err *err)
{
	bool first = len >= L1_VERSION + 2 && xp_luks_is_magic(buf) && !is(buf, second_magic);
	unsigned version = first ? get_be16(buf + L1_VERSION) : 0;

	forget(out);
	/* the second copies first: what the primary says of itself is said last and stays */
	TRY(l2_second_copies(out, buf, len, err));
	if (first && version == 2)
		TRY(l2_copy(&out->primary, out, buf, len, 0, err));
	else if (first)
		l1_parse(out, buf, len);
	if (out->primary == XP_LUKS_ABSENT && out->secondary == XP_LUKS_ABSENT)
		return xp_fail(err, XP_E_NOENT, "no LUKS header");
	if (out->version == 0)
		out->version = 2;
	out->detached =
		out->layout_known && (out->data_offset == 0 || out->data_offset >= out->room);
	out->area_bytes = xp_luks_area_needed(out);
	return XP_OK;
}

uint64_t xp_luks_area_needed(const struct xp_luks_volume *v)
{
	uint64_t need = larger(XP_LUKS_AREA_MIN, larger(v->header_bytes, v->slots_end));
	bool whole = v->primary == XP_LUKS_VALID &&
		     (v->version == 1 || v->secondary == XP_LUKS_VALID) && v->layout_known &&
		     v->library != XP_LUKS_DIFFERS;

	if (!whole || v->detached)
		need = larger(need, XP_LUKS_AREA_MAX);
	if (v->data_offset < v->room)
		need = larger(need, v->data_offset);
	need = need > v->room || need > UINT64_MAX - 4095 ? v->room : (need + 4095) / 4096 * 4096;
	return need < v->room ? need : v->room;
}

bool xp_luks_is_same(const struct xp_luks_volume *a, const struct xp_luks_volume *b)
{
	return a->offset == b->offset && a->room == b->room && a->version == b->version &&
	       strcmp(a->uuid, b->uuid) == 0 && strcmp(a->cipher, b->cipher) == 0 &&
	       a->primary == b->primary && a->secondary == b->secondary &&
	       a->header_bytes == b->header_bytes && a->data_offset == b->data_offset &&
	       a->slots_end == b->slots_end && a->slots == b->slots && a->tokens == b->tokens &&
	       strcmp(a->token_types, b->token_types) == 0 && a->layout_known == b->layout_known &&
	       a->detached == b->detached && a->reencrypting == b->reencrypting &&
	       a->not_encrypted == b->not_encrypted && a->plain_segment == b->plain_segment &&
	       a->hw_opal == b->hw_opal && a->hw_opal_only == b->hw_opal_only;
}
