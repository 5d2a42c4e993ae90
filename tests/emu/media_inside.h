/* media_inside: what the parts of an emulated medium share. For tests/emu/media*.c only. */
#pragma once
#include "tests/emu/media.h"

#define EMU_CHUNK_SECTORS 128
#define EMU_BAD_MAX	  32

/* Where a sector's bytes are to be found. */
enum emu_cell {
	EMU_CELL_EMPTY,	  /* not here: the newest fill that covers it, else factory-fresh zeros */
	EMU_CELL_DATA,	  /* here */
	EMU_CELL_TRIMMED, /* here, but no longer mapped */
};

struct emu_chunk {
	uint64_t index; /* sector / EMU_CHUNK_SECTORS */
	struct emu_chunk *next;
	uint8_t cell[EMU_CHUNK_SECTORS];
	uint8_t *stored; /* under the key */
};

/* The key by sector: a lying crypto erase leaves some under the one before. */
struct emu_keys {
	uint64_t now, before;
	struct emu_leave leave;
};

/* A wide range that holds one pattern. */
struct emu_fill {
	uint64_t first, end;
	struct emu_leave leave; /* these it does not cover */
	uint32_t pattern;
	uint8_t *block;	 /* not NULL: a whole sector instead; the fill's own */
	bool is_written; /* under the keys below; else erased cells */
	bool is_trim;	 /* no longer mapped; what stood there before is not touched */
	struct emu_keys keys;
};

struct emu_spare {
	bool used;
	uint64_t sector; /* which it once was */
	uint32_t len;	 /* without protection information */
	uint8_t *stored;
};

struct emu_media {
	struct emu_media_config cfg;
	struct emu_keys keys;
	uint64_t spare_key;
	uint64_t key_counter;
	struct emu_chunk **buckets;
	size_t buckets_n; /* a power of two */
	size_t chunks_n;
	struct emu_fill *fills; /* the newest last */
	size_t fills_n, fills_cap;
	struct emu_spare *spare;
	uint32_t spare_n;
	uint32_t overwrites; /* of flash sectors */
	struct emu_bad bad[EMU_BAD_MAX];
	unsigned bad_n;
};

bool emu_leave_keeps(const struct emu_leave *leave, uint64_t sector);
struct emu_chunk *emu_chunk_find(const struct emu_media *m, uint64_t sector);
/* One sector as it reads under the keys of now, whether it is mapped or not. */
void emu_media_look(const struct emu_media *m, uint64_t sector, uint8_t *out);
void emu_media_look_spare(const struct emu_media *m, uint32_t i, uint8_t *out);
/* Bytes of a sector without protection information. */
uint32_t emu_media_data_len(const struct emu_media *m);
/* Keeps a copy of the sector's content, while there is room. */
void emu_media_keep_copy(struct emu_media *m, uint64_t sector);
/* What an overwrite does first: a bad sector is replaced, flash may keep a copy. */
void emu_media_before_write(struct emu_media *m, uint64_t sector);
