/*
 * identity: who a target is and what it is made of, as plain data that evidence carries. Pure.
 */
#pragma once
#include "base/err.h"

/* What the caps of a claim are keyed by. */
enum xp_media {
	XP_MEDIA_HDD,
	XP_MEDIA_SSD,
	XP_MEDIA_HYBRID,
	XP_MEDIA_USB_FLASH, /* USB stick, SD, eMMC */
	XP_MEDIA_UNKNOWN,
	XP_MEDIA_VIRTUAL, /* image, loop, virtual disk, RAID volume, device-mapper: no drive in
			     sight */
};

enum xp_bus {
	XP_BUS_UNKNOWN,
	XP_BUS_ATA,
	XP_BUS_SAS,
	XP_BUS_SCSI,
	XP_BUS_NVME,
	XP_BUS_USB,
	XP_BUS_MMC,
	XP_BUS_VIRTIO,
	XP_BUS_XEN,
	XP_BUS_LOOP,
	XP_BUS_MEMORY, /* zram, brd, pmem */
	XP_BUS_MAPPED, /* dm, md, bcache */
	XP_BUS_NETWORK,
	XP_BUS_FILE, /* an image file */
};

const char *xp_media_name(enum xp_media v);
bool xp_media_parse(enum xp_media *out, const char *name);
const char *xp_bus_name(enum xp_bus v);
bool xp_bus_parse(enum xp_bus *out, const char *name);

/* A raw answer of the drive (or of the kernel) that names or describes the target. */
enum xp_raw_kind {
	XP_RAW_ATA_IDENTIFY, /* IDENTIFY DEVICE, 512 bytes */
	XP_RAW_SCSI_INQUIRY,
	XP_RAW_SCSI_VPD, /* arg: the page */
	XP_RAW_SCSI_READ_CAPACITY,
	XP_RAW_NVME_ID_CTRL,
	XP_RAW_NVME_ID_NS, /* arg: the NSID */
	XP_RAW_NVME_LOG,   /* arg: the log id */
	XP_RAW_ATA_LOG,	   /* arg: log << 8 | page */
	XP_RAW_SENSE, /* sense data; arg: 0 of REQUEST SENSE, XP_RAW_SENSE_READY (status byte, then
		       * sense data), else the ATA command (bits 15:8) and FEATURE (7:0) whose
		       * registers it brings back */
	XP_RAW_SCSI_LOG,      /* arg: page << 8 | subpage */
	XP_RAW_SCSI_MODE,     /* arg: page << 8 | subpage */
	XP_RAW_NVME_IDENTIFY, /* any other Identify structure; arg: CNS */
	XP_RAW_TCG_DISCOVERY, /* level 0 discovery; arg: 0 */
	XP_RAW_SCSI_LIST,     /* the parameter list that was sent; arg: the operation code */
	XP_RAW_KIND_COUNT,
};
/* of TEST UNIT READY */
#define XP_RAW_SENSE_READY 1u
const char *xp_raw_kind_name(enum xp_raw_kind v);
bool xp_raw_kind_parse(enum xp_raw_kind *out, const char *name);

struct xp_raw {
	enum xp_raw_kind kind;
	uint32_t arg;
	uint8_t *data;
	size_t len;
};
/* Frees the answers and the list itself; *LIST may be NULL. */
void xp_raws_free(struct xp_raw **list, size_t *n);
MUST_USE enum xp_rc xp_raws_copy(struct xp_raw **out, size_t *out_n, const struct xp_raw *list,
				 size_t n, struct xp_err *err);

/*
 * Who the target is, as read on the held descriptor at one moment. Strings that are not known are
 * empty ("unavailable", never guessed). Strings are printable ASCII 20h-7Eh; a string from a drive
 * that leaves that range is held in lower-case hex with the prefix "hex:".
 */
struct xp_identity {
	enum xp_media media;
	enum xp_bus bus;
	char vendor[64];
	char model[64];
	char serial[256]; /* the drive's own; never a bridge's */
	char wwn[128];	  /* wwn, eui64 or nguid, as sysfs writes it */
	char firmware[32];
	char name[256];		  /* image or loop: the (backing) file's name, no folder */
	uint64_t inode;		  /* image or loop backing file; else 0 */
	uint64_t fs_dev;	  /* dev_t of the file system it lies on; else 0 */
	uint64_t diskseq;	  /* BLKGETDISKSEQ; 0: not given */
	uint64_t partition;	  /* 0: the whole; else the partition's number */
	uint64_t partition_start; /* byte offset on the whole disk */
	uint64_t capacity_bytes;
	uint32_t logical_block_bytes; /* 1 for a file that is no block device */
	uint32_t physical_block_bytes;
	struct xp_raw *raw;
	size_t raw_n;
};
void xp_identity_free(struct xp_identity *id);
MUST_USE enum xp_rc xp_identity_copy(struct xp_identity *out, const struct xp_identity *in,
				     struct xp_err *err);
/*
 * Is B the same target as A? Compares every field that is known in either; a field that is known in
 * one only is a difference; a capacity of 0, with its block sizes, is one that could not be asked
 * for, and is none. DIFFERENCE (may be NULL) gets the name of the first field that differs.
 * Raw answers are not compared: they hold counters and states that the erase itself changes.
 */
bool xp_identity_same(const struct xp_identity *a, const struct xp_identity *b,
		      const char **difference);
