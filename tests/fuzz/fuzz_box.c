/*
 * A box of any bytes: nothing but files of our forms come of it, and all their bytes lie in it. The
 * first byte says whether the hashes are made right first, so that the fields behind them are met.
 */
#include "base/wire.h"
#include "cli/box.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#define BYTES	   (64u << 10)
#define DATA	   4096u
#define SECTOR	   512u
#define HEAD	   256u
#define HASH	   224u
#define GENERATION 40u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static ssize_t read_bytes(void *ctx, int fd, void *out, size_t len, off_t at)
{
	const uint8_t *box = ctx;

	(void)fd;
	if (at < 0 || (uint64_t)at >= BYTES)
		return 0;
	if (len > BYTES - (uint64_t)at)
		len = BYTES - (size_t)at;
	memcpy(out, box + at, len);
	return (ssize_t)len;
}

static void hash(uint8_t out[32], const uint8_t before[32], const uint8_t *entry, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(ctx, before, 32) != 1 || EVP_DigestUpdate(ctx, entry, HASH) != 1 ||
	    EVP_DigestUpdate(ctx, entry + HEAD, len - HEAD) != 1 ||
	    EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
}

/* Header and entries as a writer would have sealed them. */
static void seal(uint8_t *box)
{
	const struct xp_box_header header = {.id = {1}, .generation = 1, .bytes = BYTES};
	struct xp_box_chain chain;
	uint64_t at = DATA;

	xp_box_header_write(box, &header);
	if (xp_box_chain_begin(&chain, &header, NULL) != XP_OK)
		abort();
	for (uint64_t n = 0; at + SECTOR <= BYTES; n++) {
		uint64_t len =
			(HEAD + (uint64_t)get_le32(box + at + 12) + SECTOR - 1) / SECTOR * SECTOR;

		if (len > BYTES - at)
			return;
		memcpy(box + at, "XPENTRY1", 8);
		put_le64(box + at + 24, n);
		put_le64(box + at + GENERATION, 1);
		hash(chain.hash, chain.hash, box + at, (size_t)len);
		memcpy(box + at + HASH, chain.hash, 32);
		at += len;
	}
}

static void check_index(const struct xp_box_index *index, const struct xp_box *box)
{
	for (size_t i = 0; i < index->n; i++) {
		const struct xp_box_file *f = &index->files[i];
		uint64_t sum = 0;

		if (!xp_box_path_is_file(f->path) || strstr(f->path, "..") || f->path[0] == '/' ||
		    (i && strcmp(index->files[i - 1].path, f->path) >= 0))
			abort();
		for (size_t k = 0; k < f->pieces_n; k++) {
			if (f->pieces[k].at < DATA || f->pieces[k].at > box->tail ||
			    f->pieces[k].len > box->tail - f->pieces[k].at)
				abort();
			sum += f->pieces[k].len;
		}
		if (sum != f->len)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *bytes = calloc(1, BYTES);
	struct xp_box_index index = {0};
	struct xp_box_ops ops = xp_box_ops_reading(read_bytes, bytes);
	struct xp_box box = {.ops = &ops, .fd = 0, .bytes = BYTES, .name = "box"};
	uint8_t at_end[XP_BOX_HASH_LEN];
	bool has = false;

	if (!bytes)
		return 0;
	if (len > 1) {
		bool sealed = data[0] & 1;
		size_t from = sealed ? DATA : 0;

		memcpy(bytes + from, data + 1, len - 1 < BYTES - from ? len - 1 : BYTES - from);
		if (sealed)
			seal(bytes);
	}
	if (xp_box_scan(&box, &index, NULL) == XP_OK && box.state == XP_BOX_GOOD) {
		check_index(&index, &box);
		if (box.tail > BYTES ||
		    xp_box_hash_at(at_end, &has, &box, box.chain.entries, NULL) != XP_OK || !has ||
		    memcmp(at_end, box.chain.hash, sizeof(at_end)) != 0)
			abort();
		if (xp_box_lost_some(&has, &box, NULL) != XP_OK)
			abort();
	}
	xp_box_index_free(&index);
	free(bytes);
	return 0;
}
