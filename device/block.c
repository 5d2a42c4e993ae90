#include "device/block.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <linux/raid/md_u.h>
#include <sys/ioctl.h>

#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, uint64_t)
#endif

enum xp_rc xp_block_geometry_read(struct xp_block_geometry *out, int fd, struct xp_err *err)
{
	uint64_t bytes = 0;
	uint64_t seq = 0;
	unsigned physical = 0;
	int logical = 0;
	int ro = 0;

	*out = (struct xp_block_geometry){0};
	if (ioctl(fd, BLKGETSIZE64, &bytes))
		return xp_fail_errno(err, XP_E_IO, "the size cannot be read");
	if (ioctl(fd, BLKSSZGET, &logical))
		return xp_fail_errno(err, XP_E_IO, "the block size cannot be read");
	if (logical < 512 || logical > (1 << 20) || (logical & (logical - 1)))
		return xp_fail(err, XP_E_UNSUPPORTED, "a block size of %d bytes", logical);
	if (ioctl(fd, BLKPBSZGET, &physical) || physical < (unsigned)logical)
		physical = (unsigned)logical;
	if (ioctl(fd, BLKROGET, &ro))
		return xp_fail_errno(err, XP_E_IO, "the write protection cannot be read");
	if (ioctl(fd, BLKGETDISKSEQ, &seq)) {
		if (errno != ENOTTY && errno != EINVAL)
			return xp_fail_errno(err, XP_E_IO, "the sequence number cannot be read");
		seq = 0;
	}
	out->capacity_bytes = bytes;
	out->logical_block_bytes = (uint32_t)logical;
	out->physical_block_bytes = physical;
	out->diskseq = seq;
	out->read_only = ro != 0;
	return XP_OK;
}

bool xp_block_loop_backing(struct xp_loop_backing *out, int fd)
{
	struct loop_info64 info = {0};

	*out = (struct xp_loop_backing){0};
	if (ioctl(fd, LOOP_GET_STATUS64, &info))
		return false;
	out->fs_dev = info.lo_device;
	out->inode = info.lo_inode;
	out->rdev = info.lo_rdevice;
	return true;
}

bool xp_block_reread_partitions(int fd)
{
	return ioctl(fd, BLKRRPART, 0) == 0;
}

bool xp_block_md_stop(int fd)
{
	return ioctl(fd, STOP_ARRAY, NULL) == 0;
}
