#include "cli/box_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/rng.h"
#include "base/wire.h"

/*
 * Header: magic, version, id, generation, bytes, entries, zeros, and a SHA-256 of all before it in
 * the last 32 bytes of the sector. Entry: magic, kind, length, offset, number, batch, generation,
 * path, zeros, chained SHA-256; then the bytes, and zeros up to the sector's end.
 */
static const char header_magic[8] = {'X', 'P', 'B', 'O', 'X', '\r', '\n', 0x1a};
static const char entry_magic[8] = {'X', 'P', 'E', 'N', 'T', 'R', 'Y', '1'};

#define HEADER_VERSION	  8
#define HEADER_ID	  16
#define HEADER_GENERATION 32
#define HEADER_BYTES	  40
#define HEADER_ENTRIES	  48
#define HEADER_HASH	  (XP_BOX_SECTOR - XP_BOX_HASH_LEN)
#define VERSION		  1u
/* Counted up by one, no generation and no batch comes near: what has more is not ours. */
#define NUMBER_MAX (1ull << 62)

#define ENTRY_KIND	 8
#define ENTRY_LEN	 12
#define ENTRY_OFFSET	 16
#define ENTRY_NUMBER	 24
#define ENTRY_BATCH	 32
#define ENTRY_GENERATION 40
#define ENTRY_PATH	 48
#define ENTRY_RESERVED	 (ENTRY_PATH + XP_BOX_PATH_LEN)
#define ENTRY_HASH	 (XP_BOX_HEAD_LEN - XP_BOX_HASH_LEN)

static bool digest(uint8_t out[XP_BOX_HASH_LEN], const void *data, size_t len)
{
	return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

void xp_box_header_write(uint8_t out[XP_BOX_SECTOR], const struct xp_box_header *header)
{
	memset(out, 0, XP_BOX_SECTOR);
	memcpy(out, header_magic, sizeof(header_magic));
	put_le32(out + HEADER_VERSION, VERSION);
	memcpy(out + HEADER_ID, header->id, XP_BOX_ID_LEN);
	put_le64(out + HEADER_GENERATION, header->generation);
	put_le64(out + HEADER_BYTES, header->bytes);
	put_le64(out + HEADER_ENTRIES, header->entries);
	/* a header without its hash is none */
	if (!digest(out + HEADER_HASH, out, HEADER_HASH))
		memset(out, 0, XP_BOX_SECTOR);
}

bool xp_box_header_read(struct xp_box_header *out, const uint8_t in[XP_BOX_SECTOR])
{
	uint8_t hash[XP_BOX_HASH_LEN];

	if (memcmp(in, header_magic, sizeof(header_magic)) != 0 || !digest(hash, in, HEADER_HASH) ||
	    memcmp(hash, in + HEADER_HASH, sizeof(hash)) != 0)
		return false;
	memcpy(out->id, in + HEADER_ID, XP_BOX_ID_LEN);
	out->generation = get_le64(in + HEADER_GENERATION);
	out->bytes = get_le64(in + HEADER_BYTES);
	out->entries = get_le64(in + HEADER_ENTRIES);
	return get_le32(in + HEADER_VERSION) == VERSION && out->generation > 0 &&
	       out->generation < NUMBER_MAX;
}

enum xp_rc xp_box_chain_begin(struct xp_box_chain *out, const struct xp_box_header *header,
			      struct xp_err *err)
{
	uint8_t sector[XP_BOX_SECTOR];

	*out = (struct xp_box_chain){0};
	xp_box_header_write(sector, header);
	/* not the number of entries: the history begins before it is known */
	return digest(out->hash, sector, HEADER_ENTRIES)
		       ? XP_OK
		       : xp_fail(err, XP_E_INTERNAL, "box: SHA-256");
}

uint64_t xp_box_entry_bytes(uint64_t len)
{
	return (XP_BOX_HEAD_LEN + len + XP_BOX_SECTOR - 1) / XP_BOX_SECTOR * XP_BOX_SECTOR;
}

/* SHA-256 of the hash before, the head up to its own hash, and all behind the head. */
static enum xp_rc hash_entry(uint8_t out[XP_BOX_HASH_LEN], const struct xp_box_chain *chain,
			     const uint8_t *padded, size_t len, struct xp_err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool done = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestUpdate(ctx, chain->hash, XP_BOX_HASH_LEN) == 1 &&
		    EVP_DigestUpdate(ctx, padded, ENTRY_HASH) == 1 &&
		    EVP_DigestUpdate(ctx, padded + XP_BOX_HEAD_LEN, len - XP_BOX_HEAD_LEN) == 1 &&
		    EVP_DigestFinal_ex(ctx, out, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return done ? XP_OK : xp_fail(err, XP_E_NOMEM, "box: SHA-256");
}

static void move_on(struct xp_box_chain *chain, const struct xp_box_entry *entry,
		    const uint8_t hash[XP_BOX_HASH_LEN])
{
	chain->entries++;
	chain->batch = entry->batch;
	memcpy(chain->hash, hash, XP_BOX_HASH_LEN);
}

static bool is_sound(const struct xp_box_entry *e)
{
	switch (e->kind) {
	case XP_BOX_PUT:
		return e->offset == 0 && e->len <= XP_BOX_FILE_MAX && xp_box_path_is_file(e->path);
	case XP_BOX_APPEND:
		return e->offset <= XP_BOX_FILE_MAX && e->len <= XP_BOX_FILE_MAX - e->offset &&
		       xp_box_path_is_file(e->path);
	case XP_BOX_REMOVE:
		return e->offset == 0 && e->len == 0 &&
		       (xp_box_path_is_file(e->path) || xp_box_path_is_folder(e->path));
	}
	return false;
}

enum xp_rc xp_box_entry_write(struct xp_buf *out, struct xp_box_entry *entry, const void *bytes,
			      struct xp_box_chain *chain, const struct xp_box_header *header,
			      struct xp_err *err)
{
	static const uint8_t zeros[XP_BOX_SECTOR];
	uint8_t head[XP_BOX_HEAD_LEN] = {0};
	uint8_t hash[XP_BOX_HASH_LEN];
	size_t begin = out->len;
	size_t padded = (size_t)xp_box_entry_bytes(entry->len);
	uint8_t *at;

	entry->number = chain->entries;
	if (!is_sound(entry))
		return xp_fail(err, XP_E_INTERNAL, "box: %s cannot be kept", entry->path);
	memcpy(head, entry_magic, sizeof(entry_magic));
	put_le32(head + ENTRY_KIND, (uint32_t)entry->kind);
	put_le32(head + ENTRY_LEN, entry->len);
	put_le64(head + ENTRY_OFFSET, entry->offset);
	put_le64(head + ENTRY_NUMBER, entry->number);
	put_le64(head + ENTRY_BATCH, entry->batch);
	put_le64(head + ENTRY_GENERATION, header->generation);
	memcpy(head + ENTRY_PATH, entry->path, strlen(entry->path));
	xp_buf_add(out, head, sizeof(head));
	if (entry->len)
		xp_buf_add(out, bytes, entry->len);
	xp_buf_add(out, zeros, padded - XP_BOX_HEAD_LEN - entry->len);
	if (!xp_buf_ok(out))
		return xp_fail(err, XP_E_NOMEM, "box: %u bytes", entry->len);
	at = (uint8_t *)out->data + begin;
	TRY(hash_entry(hash, chain, at, padded, err));
	memcpy(at + ENTRY_HASH, hash, sizeof(hash));
	move_on(chain, entry, hash);
	return XP_OK;
}

bool xp_box_entry_read(struct xp_box_entry *out, const uint8_t head[XP_BOX_HEAD_LEN],
		       uint64_t generation)
{
	uint32_t kind = get_le32(head + ENTRY_KIND);

	if (memcmp(head, entry_magic, sizeof(entry_magic)) != 0 ||
	    get_le64(head + ENTRY_GENERATION) != generation || kind < XP_BOX_PUT ||
	    kind > XP_BOX_REMOVE || head[ENTRY_RESERVED - 1] != 0 ||
	    !all_zero(head + ENTRY_RESERVED, ENTRY_HASH - ENTRY_RESERVED))
		return false;
	*out = (struct xp_box_entry){
		.kind = (enum xp_box_kind)kind,
		.len = get_le32(head + ENTRY_LEN),
		.offset = get_le64(head + ENTRY_OFFSET),
		.number = get_le64(head + ENTRY_NUMBER),
		.batch = get_le64(head + ENTRY_BATCH),
	};
	memcpy(out->path, head + ENTRY_PATH, sizeof(out->path));
	return out->batch < NUMBER_MAX && is_sound(out);
}

enum xp_rc xp_box_entry_follows(bool *next, struct xp_box_chain *chain,
				const struct xp_box_entry *entry, const uint8_t *padded,
				struct xp_err *err)
{
	size_t len = (size_t)xp_box_entry_bytes(entry->len);
	uint8_t hash[XP_BOX_HASH_LEN];

	*next = false;
	if (entry->number != chain->entries || entry->batch < chain->batch ||
	    !all_zero(padded + XP_BOX_HEAD_LEN + entry->len, len - XP_BOX_HEAD_LEN - entry->len))
		return XP_OK;
	TRY(hash_entry(hash, chain, padded, len, err));
	if (memcmp(hash, padded + ENTRY_HASH, sizeof(hash)) != 0)
		return XP_OK;
	move_on(chain, entry, hash);
	*next = true;
	return XP_OK;
}

/* --- paths --- */

static bool is_id(const char *s, size_t len)
{
	if (len != XP_UUID_LEN - 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !strchr("0123456789abcdef", s[i]))
			return false;
	}
	return true;
}

static bool are_digits(const char *s, size_t min, size_t max)
{
	size_t n = strspn(s, "0123456789");

	return s[n] == 0 && n >= min && n <= max;
}

/* "000", "000.p/7", "x001/234", ... [tlog-tiles] */
static bool is_tile(const char *s)
{
	unsigned parts = 0;

	while (s[0] == 'x' && strspn(s + 1, "0123456789") == 3 && s[4] == '/' && ++parts < 8)
		s += 5;
	if (strspn(s, "0123456789") != 3)
		return false;
	s += 3;
	return *s == 0 || (strncmp(s, ".p/", 3) == 0 && are_digits(s + 3, 1, 3));
}

static bool is_log_path(const char *s)
{
	if (strcmp(s, "checkpoint") == 0)
		return true;
	if (strncmp(s, "tile/entries/", 13) == 0)
		return is_tile(s + 13);
	return strncmp(s, "tile/", 5) == 0 && s[5] >= '0' && s[5] <= '7' && s[6] == '/' &&
	       is_tile(s + 7);
}

static bool is_certificate(const char *s)
{
	static const char *const ends[] = {".json", ".json.p7s", ".tlog-proof"};

	if (strlen(s) < XP_UUID_LEN || !is_id(s, XP_UUID_LEN - 1))
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strcmp(s + XP_UUID_LEN - 1, ends[i]) == 0)
			return true;
	return false;
}

static bool is_job_file(const char *s)
{
	if (strlen(s) < XP_UUID_LEN || !is_id(s, XP_UUID_LEN - 1) || s[XP_UUID_LEN - 1] != '/')
		return false;
	s += XP_UUID_LEN;
	return strcmp(s, "journal.jsonl") == 0 ||
	       (strncmp(s, "baseline-", 9) == 0 && are_digits(s + 9, 1, 10));
}

bool xp_box_path_is_file(const char *path)
{
	static const char *const alone[] = {"index.csv",      "log.key",  "log.vkey",
					    "upload.list",    "host.key", "host.crt",
					    XP_BOX_OWNER_NAME};

	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++)
		if (strcmp(path, alone[i]) == 0)
			return true;
	if (strncmp(path, "log/", 4) == 0)
		return is_log_path(path + 4);
	if (strncmp(path, "certificates/", 13) == 0)
		return is_certificate(path + 13);
	return strncmp(path, "jobs/", 5) == 0 && is_job_file(path + 5);
}

bool xp_box_path_is_folder(const char *path)
{
	char partial[XP_BOX_PATH_LEN + 2];
	size_t len = strlen(path);

	if (strncmp(path, "jobs/", 5) == 0)
		return is_id(path + 5, len - 5);
	if (strncmp(path, "log/", 4) != 0 || len < 6 || len >= XP_BOX_PATH_LEN ||
	    strcmp(path + len - 2, ".p") != 0)
		return false;
	snprintf(partial, sizeof(partial), "%s/1", path);
	return is_log_path(partial + 4);
}

unsigned xp_box_path_partial(size_t *dir_len, const char *path)
{
	const char *p = strncmp(path, "log/", 4) == 0 ? strstr(path, ".p/") : NULL;

	if (!p || !are_digits(p + 3, 1, 3))
		return 0;
	*dir_len = (size_t)(p - path) + 2;
	return (unsigned)strtoul(p + 3, NULL, 10);
}
