/*
 * media: what an emulated drive keeps, physically. Sectors with real contents, spare sectors that
 * hold copies which the host can no longer reach, a media key that every byte is stored under, bad
 * sectors. Storage is sparse: a drive of many terabytes costs what was really written to it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct emu_media;

struct emu_media_config {
	uint64_t sectors;      /* addressable at most: user area and what is hidden behind it */
	uint32_t sector_bytes; /* all that is kept of one: 512, 520, 4096 ...; a multiple of 8 */
	/* of these the last so many are protection information: FFh where nobody wrote any */
	uint32_t tail_bytes;
	uint32_t spare_sectors;
	bool is_flash; /* overwritten sectors leave copies in the spare area */
	bool encrypts; /* stored under a media key */
};

/* NULL: no memory. Later on, running out of memory ends the program. */
struct emu_media *emu_media_new(const struct emu_media_config *cfg);
void emu_media_free(struct emu_media **m);
/*
 * Another division into sectors, as a format makes it: the user area is as fresh from the factory,
 * copies in the spare area stay, bad places stay where they are.
 */
void emu_media_reshape(struct emu_media *m, const struct emu_media_config *shape);

/* What the bits of a sector that was trimmed read as. */
enum emu_trimmed { EMU_TRIMMED_ZERO, EMU_TRIMMED_ONES, EMU_TRIMMED_OLD };

/* Reads as the drive's own electronics do, under the key that is now in force. */
void emu_media_read(struct emu_media *m, uint64_t sector, uint32_t n, uint8_t *buf,
		    enum emu_trimmed trimmed);
/* A sector that is bad for reading only is replaced: its old content is left in the spare area. */
void emu_media_write(struct emu_media *m, uint64_t sector, uint32_t n, const uint8_t *buf);
/* The mapping is gone, the cells keep their content. */
void emu_media_trim(struct emu_media *m, uint64_t sector, uint64_t n);
bool emu_media_is_trimmed(const struct emu_media *m, uint64_t sector);
/* One sector's bytes, written N times by the drive: whatever N is, it costs little. */
void emu_media_write_same(struct emu_media *m, uint64_t sector, uint64_t n, const uint8_t *block);

/* What an erase leaves, though it reports success. */
enum emu_leave_kind {
	EMU_LEAVE_NOTHING,
	EMU_LEAVE_EXTENT, /* sectors first to first + n - 1 */
	EMU_LEAVE_STRIPE, /* the first n of every 4n sectors */
	EMU_LEAVE_SPARE,
	EMU_LEAVE_ALL,
};
struct emu_leave {
	enum emu_leave_kind kind;
	uint64_t first, n;
};

enum emu_erase_kind {
	EMU_ERASE_WRITE, /* written with the pattern */
	EMU_ERASE_CELLS, /* erased cells: they read as the pattern under any key */
	EMU_ERASE_KEY,	 /* another media key, for everything; the range does not matter */
};
struct emu_erase {
	enum emu_erase_kind kind;
	uint64_t sectors; /* from sector 0 on */
	uint32_t pattern; /* 32 bits, the highest byte first */
	/* not NULL: these bytes instead, over and over, beginning anew in each sector */
	const uint8_t *bytes;
	uint32_t bytes_len;
	bool spare; /* the spare area, too */
	struct emu_leave leave;
};
void emu_media_erase(struct emu_media *m, const struct emu_erase *e);

/* A bad sector. TIMES: it fails so often, then it works; 0: always. */
struct emu_bad {
	uint64_t first, n;
	bool on_read, on_write;
	unsigned times;
};
/* false: there are too many. */
bool emu_media_add_bad(struct emu_media *m, const struct emu_bad *bad);
/* The first sector of the range that fails now, or false. Counts as a try. */
bool emu_media_fails(struct emu_media *m, uint64_t sector, uint64_t n, bool is_write,
		     uint64_t *failed);

/* For tests: customer data, known by sight. Nothing else reads like it. */
void emu_media_stain(struct emu_media *m, uint64_t sector, uint32_t n);
void emu_media_stain_spare(struct emu_media *m);
/* All of SECTORS, or 4096 places of a large drive, and the spare area. */
void emu_media_stain_all(struct emu_media *m, uint64_t sectors);
struct emu_stains {
	uint64_t sectors; /* with customer data in the addressable range that was asked for */
	uint64_t spare;
};
/* What a laboratory would find: trimmed sectors count, and so does what the drive hides. */
struct emu_stains emu_media_stains(struct emu_media *m, uint64_t first, uint64_t n);
