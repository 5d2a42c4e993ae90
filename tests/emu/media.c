#include "tests/emu/media_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* a medium of up to so many sectors is stained all over */
#define STAIN_ALL (1ULL << 20)

/* of overwritten flash sectors, one in so many leaves a copy that no host reaches */
#define COPY_EVERY   8
#define BUCKETS_MIN  256
#define GOLDEN_RATIO 0x9e3779b97f4a7c15ULL

static void *must_have(void *p)
{
	if (!p)
		abort();
	return p;
}

/* splitmix64: no cryptography, but every bit depends on key, sector and place */
static uint64_t mix(uint64_t x)
{
	x += GOLDEN_RATIO;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* Seals or opens LEN bytes of one sector; key 0 is no encryption. */
static void apply_key(uint8_t *buf, size_t len, uint64_t key, uint64_t sector)
{
	uint64_t seed;

	if (key == 0)
		return;
	seed = mix(key ^ mix(sector));
	for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, buf + i, sizeof(word));
		word ^= mix(seed + i);
		memcpy(buf + i, &word, sizeof(word));
	}
}

bool emu_leave_keeps(const struct emu_leave *leave, uint64_t sector)
{
	switch (leave->kind) {
	case EMU_LEAVE_NOTHING:
	case EMU_LEAVE_SPARE:
		return false;
	case EMU_LEAVE_EXTENT:
		return sector >= leave->first && sector - leave->first < leave->n;
	case EMU_LEAVE_STRIPE:
		return leave->n && sector % (4 * leave->n) < leave->n;
	case EMU_LEAVE_ALL:
		return true;
	}
	return false;
}

static uint64_t key_of(const struct emu_keys *keys, uint64_t sector)
{
	return emu_leave_keeps(&keys->leave, sector) ? keys->before : keys->now;
}

static void check_shape(const struct emu_media_config *cfg)
{
	assert(cfg->sectors && cfg->sector_bytes && cfg->sector_bytes % 8 == 0);
	assert(cfg->tail_bytes < cfg->sector_bytes);
}

uint32_t emu_media_data_len(const struct emu_media *m)
{
	return m->cfg.sector_bytes - m->cfg.tail_bytes;
}

struct emu_media *emu_media_new(const struct emu_media_config *cfg)
{
	struct emu_media *m = calloc(1, sizeof(*m));

	check_shape(cfg);
	if (!m)
		return NULL;
	m->cfg = *cfg;
	m->buckets_n = BUCKETS_MIN;
	m->buckets = calloc(m->buckets_n, sizeof(struct emu_chunk *));
	m->spare = calloc(cfg->spare_sectors + 1U, sizeof(*m->spare));
	if (!m->buckets || !m->spare) {
		emu_media_free(&m);
		return NULL;
	}
	if (cfg->encrypts)
		m->keys.now = m->spare_key = mix(++m->key_counter);
	return m;
}

static void free_chunk(struct emu_chunk *c)
{
	free(c->stored);
	free(c);
}

/* All of the user area: what is left reads as fresh from the factory. */
static void drop_contents(struct emu_media *m)
{
	for (size_t i = 0; m->buckets && i < m->buckets_n; i++) {
		while (m->buckets[i]) {
			struct emu_chunk *c = m->buckets[i];

			m->buckets[i] = c->next;
			free_chunk(c);
		}
	}
	m->chunks_n = 0;
	for (size_t i = 0; i < m->fills_n; i++)
		free(m->fills[i].block);
	m->fills_n = 0;
}

void emu_media_free(struct emu_media **media)
{
	struct emu_media *m = *media;

	if (!m)
		return;
	drop_contents(m);
	for (uint32_t i = 0; i < m->spare_n; i++)
		free(m->spare[i].stored);
	free(m->buckets);
	free(m->spare);
	free(m->fills);
	free(m);
	*media = NULL;
}

void emu_media_reshape(struct emu_media *m, const struct emu_media_config *shape)
{
	check_shape(shape);
	drop_contents(m);
	for (unsigned i = 0; i < m->bad_n; i++) {
		struct emu_bad *b = &m->bad[i];
		uint64_t end = (b->first + b->n) * m->cfg.sector_bytes;

		if (b->n == 0)
			continue;
		b->first = b->first * m->cfg.sector_bytes / shape->sector_bytes;
		b->n = (end + shape->sector_bytes - 1) / shape->sector_bytes - b->first;
	}
	m->cfg.sectors = shape->sectors;
	m->cfg.sector_bytes = shape->sector_bytes;
	m->cfg.tail_bytes = shape->tail_bytes;
}

static struct emu_chunk **bucket_of(const struct emu_media *m, uint64_t index)
{
	return &m->buckets[mix(index) & (m->buckets_n - 1)];
}

struct emu_chunk *emu_chunk_find(const struct emu_media *m, uint64_t sector)
{
	uint64_t index = sector / EMU_CHUNK_SECTORS;
	struct emu_chunk *c = *bucket_of(m, index);

	while (c && c->index != index)
		c = c->next;
	return c;
}

static void grow_buckets(struct emu_media *m)
{
	struct emu_chunk **old = m->buckets;
	size_t old_n = m->buckets_n;

	m->buckets_n *= 4;
	m->buckets = must_have(calloc(m->buckets_n, sizeof(struct emu_chunk *)));
	for (size_t i = 0; i < old_n; i++) {
		while (old[i]) {
			struct emu_chunk *c = old[i];
			struct emu_chunk **to = bucket_of(m, c->index);

			old[i] = c->next;
			c->next = *to;
			*to = c;
		}
	}
	free(old);
}

static struct emu_chunk *chunk_make(struct emu_media *m, uint64_t sector)
{
	struct emu_chunk *c = emu_chunk_find(m, sector);
	struct emu_chunk **to;

	if (c)
		return c;
	if (m->chunks_n > m->buckets_n * 2)
		grow_buckets(m);
	c = must_have(calloc(1, sizeof(*c)));
	c->stored = must_have(malloc((size_t)EMU_CHUNK_SECTORS * m->cfg.sector_bytes));
	c->index = sector / EMU_CHUNK_SECTORS;
	to = bucket_of(m, c->index);
	c->next = *to;
	*to = c;
	m->chunks_n++;
	return c;
}

static const struct emu_fill *fill_of(const struct emu_media *m, uint64_t sector, bool with_trim)
{
	for (size_t i = m->fills_n; i-- > 0;) {
		const struct emu_fill *f = &m->fills[i];

		if (sector >= f->first && sector < f->end && (with_trim || !f->is_trim) &&
		    !emu_leave_keeps(&f->leave, sector))
			return f;
	}
	return NULL;
}

static void look_at_fill(const struct emu_media *m, uint64_t sector, uint8_t *out)
{
	const struct emu_fill *f = fill_of(m, sector, false);
	uint32_t pattern = f ? f->pattern : 0;
	size_t len = m->cfg.sector_bytes;
	size_t data_len = emu_media_data_len(m);

	for (size_t i = 0; i < data_len; i++)
		out[i] = (uint8_t)(pattern >> (24 - 8 * (i & 3)));
	memset(out + data_len, 0xff, len - data_len);
	if (f && f->block)
		memcpy(out, f->block, len);
	if (!f || !f->is_written || key_of(&f->keys, sector) == key_of(&m->keys, sector))
		return;
	apply_key(out, len, key_of(&f->keys, sector), sector);
	apply_key(out, len, key_of(&m->keys, sector), sector);
}

void emu_media_look(const struct emu_media *m, uint64_t sector, uint8_t *out)
{
	const struct emu_chunk *c = emu_chunk_find(m, sector);
	size_t at = sector % EMU_CHUNK_SECTORS;

	if (!c || c->cell[at] == EMU_CELL_EMPTY) {
		look_at_fill(m, sector, out);
		return;
	}
	memcpy(out, c->stored + at * m->cfg.sector_bytes, m->cfg.sector_bytes);
	apply_key(out, m->cfg.sector_bytes, key_of(&m->keys, sector), sector);
}

bool emu_media_is_trimmed(const struct emu_media *m, uint64_t sector)
{
	const struct emu_chunk *c = emu_chunk_find(m, sector);
	const struct emu_fill *f;

	if (c && c->cell[sector % EMU_CHUNK_SECTORS] != EMU_CELL_EMPTY)
		return c->cell[sector % EMU_CHUNK_SECTORS] == EMU_CELL_TRIMMED;
	f = fill_of(m, sector, true);
	return f && f->is_trim;
}

void emu_media_read(struct emu_media *m, uint64_t sector, uint32_t n, uint8_t *buf,
		    enum emu_trimmed trimmed)
{
	assert(sector <= m->cfg.sectors && n <= m->cfg.sectors - sector);
	for (uint32_t i = 0; i < n; i++, buf += m->cfg.sector_bytes) {
		if (trimmed == EMU_TRIMMED_OLD || !emu_media_is_trimmed(m, sector + i)) {
			emu_media_look(m, sector + i, buf);
			continue;
		}
		memset(buf, 0xff, m->cfg.sector_bytes);
		if (trimmed == EMU_TRIMMED_ZERO)
			memset(buf, 0, emu_media_data_len(m));
	}
}

void emu_media_keep_copy(struct emu_media *m, uint64_t sector)
{
	struct emu_spare *s = &m->spare[m->spare_n];

	if (m->spare_n == m->cfg.spare_sectors)
		return;
	s->stored = must_have(malloc(m->cfg.sector_bytes));
	s->used = true;
	s->sector = sector;
	s->len = emu_media_data_len(m);
	emu_media_look(m, sector, s->stored);
	apply_key(s->stored, s->len, m->spare_key, sector);
	m->spare_n++;
}

void emu_media_look_spare(const struct emu_media *m, uint32_t i, uint8_t *out)
{
	memcpy(out, m->spare[i].stored, m->spare[i].len);
	apply_key(out, m->spare[i].len, m->spare_key, m->spare[i].sector);
}

/* A write makes a sector that could not be read whole again, elsewhere. */
static void replace_if_bad(struct emu_media *m, uint64_t sector)
{
	for (unsigned i = 0; i < m->bad_n; i++) {
		struct emu_bad *b = &m->bad[i];

		if (b->on_write || sector < b->first || sector - b->first >= b->n)
			continue;
		emu_media_keep_copy(m, sector);
		if (b->n > 1 && m->bad_n < EMU_BAD_MAX)
			m->bad[m->bad_n++] = (struct emu_bad){.first = sector + 1,
							      .n = b->first + b->n - sector - 1,
							      .on_read = true,
							      .times = b->times};
		b->n = sector - b->first;
	}
}

void emu_media_before_write(struct emu_media *m, uint64_t sector)
{
	const struct emu_chunk *c = emu_chunk_find(m, sector);

	replace_if_bad(m, sector);
	if (m->cfg.is_flash && c && c->cell[sector % EMU_CHUNK_SECTORS] != EMU_CELL_EMPTY &&
	    m->overwrites++ % COPY_EVERY == 0)
		emu_media_keep_copy(m, sector);
}

void emu_media_write(struct emu_media *m, uint64_t sector, uint32_t n, const uint8_t *buf)
{
	assert(sector <= m->cfg.sectors && n <= m->cfg.sectors - sector);
	for (uint32_t i = 0; i < n; i++, sector++, buf += m->cfg.sector_bytes) {
		struct emu_chunk *c = chunk_make(m, sector);
		size_t at = sector % EMU_CHUNK_SECTORS;
		uint8_t *to = c->stored + at * m->cfg.sector_bytes;

		emu_media_before_write(m, sector);
		memcpy(to, buf, m->cfg.sector_bytes);
		apply_key(to, m->cfg.sector_bytes, key_of(&m->keys, sector), sector);
		c->cell[at] = EMU_CELL_DATA;
	}
}

void emu_media_stain_all(struct emu_media *m, uint64_t sectors)
{
	if (sectors <= STAIN_ALL) {
		emu_media_stain(m, 0, (uint32_t)sectors);
	} else {
		for (uint64_t at = 0; at + 64 <= sectors; at += sectors / 4096)
			emu_media_stain(m, at, 64);
		emu_media_stain(m, sectors - 64, 64);
	}
	emu_media_stain_spare(m);
}
