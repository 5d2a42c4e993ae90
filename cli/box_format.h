/*
 * box_format: the bytes of a box (docs/boxes.md): the header, the entries, and which paths they may
 * name. Pure: bytes in, facts out. Nothing of a box is believed that did not pass here.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"

#define XP_BOX_SECTOR	   512u
#define XP_BOX_DATA_OFFSET 4096u
#define XP_BOX_BYTES_MIN   (1ull << 20)
#define XP_BOX_BYTES_MAX   (4ull << 30) /* FAT32 holds no larger file, less one byte */
#define XP_BOX_PATH_LEN	   128
#define XP_BOX_FILE_MAX	   (64u << 20)
#define XP_BOX_HASH_LEN	   32
#define XP_BOX_ID_LEN	   16
#define XP_BOX_HEAD_LEN	   256u /* of an entry, in front of its bytes */
/* In the boxes only: the random name of the state folder that they are told from. */
#define XP_BOX_OWNER_NAME "keep.by"
#define XP_BOX_OWNER_LEN  32

struct xp_box_header {
	uint8_t id[XP_BOX_ID_LEN]; /* of the pair */
	uint64_t generation;	   /* from 1; one more with each time it is written anew */
	uint64_t bytes;		   /* of the whole file */
	uint64_t entries;	   /* that were there when the generation began */
};

enum xp_box_kind {
	XP_BOX_PUT = 1,	   /* the file holds these bytes and no others */
	XP_BOX_APPEND = 2, /* from OFFSET on it holds these */
	XP_BOX_REMOVE = 3, /* the file is gone, or the folder with what is below it */
};

struct xp_box_entry {
	enum xp_box_kind kind;
	char path[XP_BOX_PATH_LEN];
	uint64_t offset; /* APPEND only */
	uint32_t len;	 /* bytes behind the head */
	uint64_t number; /* from 0 */
	uint64_t batch;	 /* entries of one number were on their way at once */
};

/* Where a history stands: the next entry must continue from here. */
struct xp_box_chain {
	uint64_t entries;
	uint64_t batch; /* of the last entry */
	uint8_t hash[XP_BOX_HASH_LEN];
};

void xp_box_header_write(uint8_t out[XP_BOX_SECTOR], const struct xp_box_header *header);
/* false: none, or a torn one. */
bool xp_box_header_read(struct xp_box_header *out, const uint8_t in[XP_BOX_SECTOR]);
MUST_USE enum xp_rc xp_box_chain_begin(struct xp_box_chain *out, const struct xp_box_header *header,
				       struct xp_err *err);

/* Sectors an entry of LEN bytes takes, in bytes. */
uint64_t xp_box_entry_bytes(uint64_t len);

/* Adds the entry as it goes into the box, padded, and moves CHAIN on. entry->number is set. */
MUST_USE enum xp_rc xp_box_entry_write(struct xp_buf *out, struct xp_box_entry *entry,
				       const void *bytes, struct xp_box_chain *chain,
				       const struct xp_box_header *header, struct xp_err *err);
/*
 * Reads a head. false: this is no entry of generation GENERATION (whatever it is). Path, kind and
 * length are checked; the hash is not.
 */
bool xp_box_entry_read(struct xp_box_entry *out, const uint8_t head[XP_BOX_HEAD_LEN],
		       uint64_t generation);
/*
 * Is the entry, PADDED bytes from its head on, the next of CHAIN? If so, CHAIN moves on. XP_OK with
 * *NEXT false: it is not.
 */
MUST_USE enum xp_rc xp_box_entry_follows(bool *next, struct xp_box_chain *chain,
					 const struct xp_box_entry *entry, const uint8_t *padded,
					 struct xp_err *err);

/* May a box name this file of the state folder? */
bool xp_box_path_is_file(const char *path);
/* A folder that can be removed whole. */
bool xp_box_path_is_folder(const char *path);
/* The width of a partial tile of the log ("log/tile/0/000.p/7": 7, *DIR_LEN up to its slash), or 0.
 */
unsigned xp_box_path_partial(size_t *dir_len, const char *path);
