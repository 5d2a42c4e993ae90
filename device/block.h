/*
 * block: the ioctls of the block layer on an open descriptor: size, sequence number, what a loop
 * device stands on, re-reading partitions, stopping an array. None of them writes to the medium but
 * the last, which lets an array note that it was stopped.
 */
#pragma once
#include "base/err.h"

struct xp_block_geometry {
	uint64_t capacity_bytes;
	uint32_t logical_block_bytes;
	uint32_t physical_block_bytes;
	uint64_t diskseq; /* BLKGETDISKSEQ; 0: the kernel does not give one */
	bool read_only;
};

/* Errors: XP_E_IO, also where the drive is gone (ENXIO, ENODEV). */
MUST_USE enum xp_rc xp_block_geometry_read(struct xp_block_geometry *out, int fd,
					   struct xp_err *err);

struct xp_loop_backing {
	uint64_t fs_dev; /* of the file system that holds the backing file, as stat says it */
	uint64_t inode;
	uint64_t rdev; /* the backing block device's number, where it is one; else 0 */
};
/* false: no loop device, or it has no backing file. */
bool xp_block_loop_backing(struct xp_loop_backing *out, int fd);

/* Asks the kernel to read the partition table of a whole disk again; FD is held O_EXCL. */
bool xp_block_reread_partitions(int fd);

/*
 * Stops the md array behind FD, which is open O_EXCL; its members are free then. The kernel refuses
 * (EBUSY) where anybody else has it open. false with errno.
 */
bool xp_block_md_stop(int fd);
