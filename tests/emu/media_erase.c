#include "tests/emu/media_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Customer data: a text that names its sector, so that no pattern and no key makes it by chance. */
static const char stain_text[] = "CUSTOMER DATA, NOT TO LEAVE THE HOUSE. ";

static void make_stain(const struct emu_media *m, uint64_t sector, uint8_t *out)
{
	size_t len = emu_media_data_len(m);

	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)stain_text[i % (sizeof(stain_text) - 1)];
	memset(out + len, 0xff, m->cfg.tail_bytes);
	for (size_t i = 0; i < 8; i++)
		out[i] = (uint8_t)(sector >> 8 * i);
}

static bool is_stain(const uint8_t *data, size_t len)
{
	for (size_t i = 8; i < len; i++)
		if (data[i] != (uint8_t)stain_text[i % (sizeof(stain_text) - 1)])
			return false;
	return true;
}

static bool is_same_leave(const struct emu_leave *a, const struct emu_leave *b)
{
	return a->kind == b->kind && a->first == b->first && a->n == b->n;
}

/* Takes the block of F. Older ones that the new one covers whole are forgotten. */
static void push_fill(struct emu_media *m, const struct emu_fill *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->fills_n; i++) {
		const struct emu_fill *old = &m->fills[i];
		bool covered = !f->is_trim && f->leave.kind == EMU_LEAVE_NOTHING &&
			       old->first >= f->first && old->end <= f->end;
		bool repeated =
			f->is_trim && old->is_trim && old->first >= f->first && old->end <= f->end;

		if (!covered && !repeated)
			m->fills[kept++] = *old;
		else
			free(old->block);
	}
	m->fills_n = kept;
	if (kept && f->is_trim && m->fills[kept - 1].is_trim &&
	    m->fills[kept - 1].end == f->first &&
	    is_same_leave(&m->fills[kept - 1].leave, &f->leave)) {
		m->fills[kept - 1].end = f->end;
		return;
	}
	if (m->fills_n == m->fills_cap) {
		m->fills_cap = m->fills_cap ? m->fills_cap * 2 : 16;
		m->fills = realloc(m->fills, m->fills_cap * sizeof(*m->fills));
		if (!m->fills)
			abort();
	}
	m->fills[m->fills_n++] = *f;
}

/* What FILL covers of the chunks is no longer to be found there; a trim only unmaps it. */
static void cover_chunks(struct emu_media *m, const struct emu_fill *f)
{
	for (size_t i = 0; i < m->buckets_n; i++) {
		for (struct emu_chunk *c = m->buckets[i]; c; c = c->next) {
			uint64_t first = c->index * EMU_CHUNK_SECTORS;

			if (first >= f->end || first + EMU_CHUNK_SECTORS <= f->first)
				continue;
			for (unsigned at = 0; at < EMU_CHUNK_SECTORS; at++) {
				uint64_t s = first + at;

				if (s < f->first || s >= f->end || emu_leave_keeps(&f->leave, s))
					continue;
				if (!f->is_trim)
					c->cell[at] = EMU_CELL_EMPTY;
				else if (c->cell[at] == EMU_CELL_DATA)
					c->cell[at] = EMU_CELL_TRIMMED;
			}
		}
	}
}

void emu_media_trim(struct emu_media *m, uint64_t sector, uint64_t n)
{
	struct emu_fill f = {.first = sector, .end = sector + n, .is_trim = true};

	assert(sector <= m->cfg.sectors && n <= m->cfg.sectors - sector);
	if (n == 0)
		return;
	cover_chunks(m, &f);
	push_fill(m, &f);
}

void emu_media_write_same(struct emu_media *m, uint64_t sector, uint64_t n, const uint8_t *block)
{
	struct emu_fill f = {
		.first = sector, .end = sector + n, .is_written = true, .keys = m->keys};

	assert(sector <= m->cfg.sectors && n <= m->cfg.sectors - sector);
	if (n == 0)
		return;
	for (unsigned i = 0; i < m->bad_n; i++) {
		const struct emu_bad b = m->bad[i];
		uint64_t s = b.first > f.first ? b.first : f.first;

		for (; s < b.first + b.n && s < f.end; s++)
			emu_media_before_write(m, s);
	}
	for (size_t i = 0; m->cfg.is_flash && i < m->buckets_n; i++) {
		for (const struct emu_chunk *c = m->buckets[i]; c; c = c->next) {
			uint64_t s = c->index * EMU_CHUNK_SECTORS;

			for (unsigned at = 0; at < EMU_CHUNK_SECTORS; at++, s++)
				if (s >= f.first && s < f.end)
					emu_media_before_write(m, s);
		}
	}
	f.block = malloc(m->cfg.sector_bytes);
	if (!f.block)
		abort();
	memcpy(f.block, block, m->cfg.sector_bytes);
	cover_chunks(m, &f);
	push_fill(m, &f);
}

/* A sector of the bytes that E repeats, protection information FFh. */
static uint8_t *make_block(const struct emu_media *m, const struct emu_erase *e)
{
	uint32_t len = emu_media_data_len(m);
	uint8_t *block = malloc(m->cfg.sector_bytes);

	if (!block)
		abort();
	for (uint32_t i = 0; i < len; i++)
		block[i] = e->bytes[i % e->bytes_len];
	memset(block + len, 0xff, m->cfg.tail_bytes);
	return block;
}

static void empty_spare(struct emu_media *m)
{
	for (uint32_t i = 0; i < m->spare_n; i++) {
		free(m->spare[i].stored);
		m->spare[i] = (struct emu_spare){0};
	}
	m->spare_n = 0;
}

static void change_key(struct emu_media *m, const struct emu_erase *e)
{
	uint64_t key = (++m->key_counter + 1) * 0xd1342543de82ef95ULL;

	if (!m->cfg.encrypts || e->leave.kind == EMU_LEAVE_ALL)
		return;
	m->keys = (struct emu_keys){.now = key, .before = m->keys.now, .leave = e->leave};
	if (e->leave.kind != EMU_LEAVE_SPARE)
		m->spare_key = key;
}

void emu_media_erase(struct emu_media *m, const struct emu_erase *e)
{
	struct emu_fill f = {
		.first = 0,
		.end = e->sectors,
		.leave = e->leave,
		.pattern = e->pattern,
		.is_written = e->kind == EMU_ERASE_WRITE,
		.keys = m->keys,
	};

	assert(e->sectors <= m->cfg.sectors);
	if (e->kind == EMU_ERASE_KEY) {
		change_key(m, e);
		return;
	}
	if (e->leave.kind == EMU_LEAVE_ALL)
		return;
	if (e->sectors) {
		f.block = e->bytes ? make_block(m, e) : NULL;
		cover_chunks(m, &f);
		push_fill(m, &f);
	}
	if (e->spare && e->leave.kind != EMU_LEAVE_SPARE)
		empty_spare(m);
}

bool emu_media_add_bad(struct emu_media *m, const struct emu_bad *bad)
{
	if (m->bad_n == EMU_BAD_MAX)
		return false;
	m->bad[m->bad_n++] = *bad;
	return true;
}

bool emu_media_fails(struct emu_media *m, uint64_t sector, uint64_t n, bool is_write,
		     uint64_t *failed)
{
	struct emu_bad *found = NULL;

	for (unsigned i = 0; i < m->bad_n; i++) {
		struct emu_bad *b = &m->bad[i];
		uint64_t first = b->first > sector ? b->first : sector;

		if (!(is_write ? b->on_write : b->on_read) || first >= b->first + b->n ||
		    first >= sector + n || (found && first >= *failed))
			continue;
		*failed = first;
		found = b;
	}
	if (!found)
		return false;
	if (found->times && --found->times == 0)
		found->n = 0;
	return true;
}

void emu_media_stain(struct emu_media *m, uint64_t sector, uint32_t n)
{
	uint8_t *buf = malloc(m->cfg.sector_bytes);

	if (!buf)
		abort();
	for (uint32_t i = 0; i < n; i++) {
		make_stain(m, sector + i, buf);
		emu_media_write(m, sector + i, 1, buf);
	}
	free(buf);
}

void emu_media_stain_spare(struct emu_media *m)
{
	uint8_t *old = malloc(m->cfg.sector_bytes);

	if (!old)
		abort();
	emu_media_look(m, 0, old);
	while (m->spare_n < m->cfg.spare_sectors) {
		emu_media_stain(m, 0, 1);
		emu_media_keep_copy(m, 0);
	}
	emu_media_write(m, 0, 1, old);
	free(old);
}

struct emu_stains emu_media_stains(struct emu_media *m, uint64_t first, uint64_t n)
{
	struct emu_stains found = {0};
	size_t len = m->cfg.sector_bytes;
	uint8_t *buf;

	for (uint32_t i = 0; i < m->spare_n; i++)
		len = m->spare[i].len > len ? m->spare[i].len : len;
	buf = malloc(len);
	if (!buf)
		abort();
	for (size_t i = 0; i < m->buckets_n; i++) {
		for (const struct emu_chunk *c = m->buckets[i]; c; c = c->next) {
			for (unsigned at = 0; at < EMU_CHUNK_SECTORS; at++) {
				uint64_t s = c->index * EMU_CHUNK_SECTORS + at;

				if (s < first || s - first >= n || c->cell[at] == EMU_CELL_EMPTY)
					continue;
				emu_media_look(m, s, buf);
				found.sectors += is_stain(buf, emu_media_data_len(m));
			}
		}
	}
	for (uint32_t i = 0; i < m->spare_n; i++) {
		emu_media_look_spare(m, i, buf);
		found.spare += is_stain(buf, m->spare[i].len);
	}
	free(buf);
	return found;
}
