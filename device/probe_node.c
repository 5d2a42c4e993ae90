#include "device/probe_node.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

bool xp_probe_can_ask(enum xp_bus bus, const char *disk)
{
	switch (bus) {
	case XP_BUS_ATA:
	case XP_BUS_SAS:
	case XP_BUS_SCSI:
	case XP_BUS_NVME:
	case XP_BUS_USB:
		return disk[0] != 0;
	case XP_BUS_UNKNOWN:
	case XP_BUS_MMC:
	case XP_BUS_VIRTIO:
	case XP_BUS_XEN:
	case XP_BUS_LOOP:
	case XP_BUS_MEMORY:
	case XP_BUS_MAPPED:
	case XP_BUS_NETWORK:
	case XP_BUS_FILE:
		return false;
	}
	return false;
}

enum xp_rc xp_probe_open_fd(struct xp_transport **out, enum xp_bus bus, int fd, struct xp_err *err)
{
	if (bus == XP_BUS_NVME)
		return xp_transport_nvme_open(out, fd, err);
	return xp_transport_sgio_open(out, fd, err);
}

enum xp_rc xp_probe_open_node(struct xp_transport **out, enum xp_bus bus, const char *disk,
			      struct xp_err *err)
{
	char path[80];
	AUTO_FD int fd = -1;

	snprintf(path, sizeof(path), "/dev/%.70s", disk);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return xp_fail_errno(err, errno == EACCES || errno == EPERM ? XP_E_PERM : XP_E_IO,
				     "%s", path);
	return xp_probe_open_fd(out, bus, fd, err);
}

uint32_t xp_probe_nsid(const struct xp_sysroot *root, const char *disk)
{
	uint64_t nsid = 0;

	if (!xp_sysroot_read_u64(&nsid, root, "sys/class/block/%s/nsid", disk) || nsid > UINT32_MAX)
		return 0;
	return (uint32_t)nsid;
}
