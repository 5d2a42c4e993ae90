#include "device/dm_control.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"

#define CONTROL "/dev/mapper/control"

/* dm keeps a device's number in the form of the kernel's own new_encode_dev */
static uint64_t encode(dev_t dev)
{
	return (minor(dev) & 0xffu) | (uint64_t)major(dev) << 8 |
	       (uint64_t)(minor(dev) & ~0xffu) << 12;
}

static enum xp_rc ask(struct dm_ioctl *io, unsigned long request, dev_t dev, struct xp_err *err)
{
	AUTO_FD int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return xp_fail_errno(err,
				     errno == ENOENT || errno == ENODEV	 ? XP_E_NOENT
				     : errno == EACCES || errno == EPERM ? XP_E_PERM
									 : XP_E_IO,
				     CONTROL);
	memset(io, 0, sizeof(*io));
	io->version[0] = DM_VERSION_MAJOR;
	io->data_size = sizeof(*io);
	io->data_start = sizeof(*io);
	io->dev = encode(dev);
	if (ioctl(fd, request, io) == 0)
		return XP_OK;
	if (errno == ENXIO)
		return xp_fail(err, XP_E_NOENT, "device-mapper has no device %u:%u", major(dev),
			       minor(dev));
	if (errno == EBUSY)
		return xp_fail(err, XP_E_REFUSED, "the device %u:%u is in use", major(dev),
			       minor(dev));
	return xp_fail_errno(err, errno == EACCES || errno == EPERM ? XP_E_PERM : XP_E_IO,
			     "device-mapper, device %u:%u", major(dev), minor(dev));
}

enum xp_rc xp_dm_status_read(struct xp_dm_status *out, dev_t dev, struct xp_err *err)
{
	struct dm_ioctl io;

	TRY(ask(&io, DM_DEV_STATUS, dev, err));
	*out = (struct xp_dm_status){
		.open_count = io.open_count > 0 ? (uint32_t)io.open_count : 0,
		.suspended = (io.flags & DM_SUSPEND_FLAG) != 0,
	};
	snprintf(out->name, sizeof(out->name), "%.*s", (int)sizeof(io.name) - 1, io.name);
	snprintf(out->uuid, sizeof(out->uuid), "%.*s", (int)sizeof(io.uuid) - 1, io.uuid);
	return XP_OK;
}

enum xp_rc xp_dm_remove(dev_t dev, const char *name, struct xp_err *err)
{
	struct xp_dm_status now;
	struct dm_ioctl io;

	TRY(xp_dm_status_read(&now, dev, err));
	if (strcmp(now.name, name) != 0)
		return xp_fail(err, XP_E_REFUSED, "the device %u:%u is %s by now, not %s",
			       major(dev), minor(dev), now.name, name);
	if (now.open_count)
		return xp_fail(err, XP_E_REFUSED, "%s is open %u times", name, now.open_count);
	/* whoever opens it in this instant makes the kernel refuse */
	return ask(&io, DM_DEV_REMOVE, dev, err);
}
