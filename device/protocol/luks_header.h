/*
 * luks_header: what stands in front of a LUKS volume, as its bytes tell it: both copies of a LUKS2
 * header and their JSON, or a LUKS1 header; which part of the target holds keys. Strict and pure;
 * nothing of it is believed where that could leave key material behind.
 * [LUKS1 On-Disk Format 1.2.3; LUKS2 On-Disk Format 1.1]
 */
#pragma once
#include "base/err.h"

#define XP_LUKS_MAGIC_LEN 6
/* Both copies of the largest LUKS2 header lie in the first so many bytes. */
#define XP_LUKS_HEAD_BYTES (8u << 20)
/* Never less is overwritten: what cryptsetup sets apart by default. */
#define XP_LUKS_AREA_MIN (16ull << 20)
/* The most that the format allows: two headers of 4 MiB, key slots of 128 MiB. */
#define XP_LUKS_AREA_MAX (136ull << 20)

/* One copy of a header. */
enum xp_luks_copy {
	XP_LUKS_ABSENT,
	XP_LUKS_DAMAGED, /* its magic is there; checksum, sizes or JSON are not what they must be */
	XP_LUKS_VALID,
};
const char *xp_luks_copy_name(enum xp_luks_copy v); /* "absent", "damaged", "valid" */
bool xp_luks_copy_parse(enum xp_luks_copy *out, const char *name);

/* Does another reader (libcryptsetup) see the same layout? */
enum xp_luks_opinion { XP_LUKS_UNREAD, XP_LUKS_AGREES, XP_LUKS_DIFFERS };
const char *xp_luks_opinion_name(enum xp_luks_opinion v); /* "unread", "agrees", "differs" */
bool xp_luks_opinion_parse(enum xp_luks_opinion *out, const char *name);

/* A volume as its headers tell it. Texts are printable ASCII; what is not known is empty or 0. */
struct xp_luks_volume {
	uint64_t offset;     /* where it begins on the target, bytes */
	uint64_t room;	     /* bytes from there to the end of the target or the partition */
	uint64_t area_bytes; /* from offset: holds every header and key that may be there */
	unsigned version;    /* 1 or 2 */
	char uuid[41];
	char cipher[65];
	enum xp_luks_copy primary, secondary; /* LUKS1 has no second copy: absent */
	uint64_t header_bytes;		      /* end of the last header copy, from offset */
	uint64_t data_offset; /* from offset; 0: the data is elsewhere (detached), or not known */
	uint64_t slots_end;   /* end of the last key slot's area, from offset */
	unsigned slots;	      /* key slots in use */
	unsigned tokens;
	char token_types[128]; /* "systemd-tpm2,clevis" */
	bool layout_known;     /* some copy is valid */
	bool detached;	       /* the data lies on another device */
	bool reencrypting;     /* an unfinished reencryption */
	bool not_encrypted;    /* cipher_null: the data stands there in plain text */
	bool plain_segment;    /* a part of the data is not, or not yet, encrypted */
	bool hw_opal;	       /* the drive encrypts, too */
	bool hw_opal_only;     /* nothing but the drive encrypts: LUKS holds a password only */
	enum xp_luks_opinion library;
	/* of the area, as read before the erase; what could not be read counts as zeros */
	uint8_t before_sha256[32];
	uint64_t unread_bytes; /* of the area */
};

/* Is there a header's magic at P (XP_LUKS_MAGIC_LEN bytes)? */
bool xp_luks_is_magic(const uint8_t *p);
/* ... of a second copy? */
bool xp_luks_is_second_magic(const uint8_t *p);

/*
 * Decodes a volume at out->offset with out->room, from its first LEN bytes (XP_LUKS_HEAD_BYTES, or
 * room if that is less). Fills all but library and before_sha256. XP_E_NOENT: no magic at any place
 * where a copy may stand. A damaged header is a result. XP_E_NOMEM, XP_E_INTERNAL (no SHA-256).
 */
MUST_USE enum xp_rc xp_luks_parse(struct xp_luks_volume *out, const uint8_t *buf, size_t len,
				  struct xp_err *err);

/* Do A and B tell of the same headers, at the same place? The library's opinion and digests aside.
 */
bool xp_luks_is_same(const struct xp_luks_volume *a, const struct xp_luks_volume *b);

/*
 * How many bytes from its offset on must be overwritten, by its other members: at least
 * XP_LUKS_AREA_MIN, everything in front of the data, every header and key slot; where a copy is
 * damaged or missing, or the data lies elsewhere, what the format allows at most; never more than
 * its room.
 */
uint64_t xp_luks_area_needed(const struct xp_luks_volume *v);
/* Does this cipher encrypt nothing, in any of the ways to name it ("capi:ecb(cipher_null)")? */
bool xp_luks_cipher_is_null(const char *cipher);
