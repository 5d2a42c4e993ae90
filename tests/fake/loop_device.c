#include "tests/fake/loop_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int attach(char path[32], const struct loop_config *config, int flags)
{
	/* others look for a free one at the same time */
	for (unsigned tries = 0; tries < 16; tries++) {
		int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
		int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
		int fd;

		if (control >= 0)
			close(control);
		if (number < 0)
			return -1;
		snprintf(path, 32, "/dev/loop%d", number);
		/* O_DIRECT only now: an empty loop device does not take it */
		fd = open(path, (flags & ~O_DIRECT) | O_CLOEXEC);
		if (fd < 0)
			return -1;
		if (ioctl(fd, LOOP_CONFIGURE, config) == 0) {
			if (fcntl(fd, F_SETFL, flags & O_DIRECT) == 0)
				return fd;
			close(fd);
			return -1;
		}
		close(fd);
		if (errno != EBUSY)
			return -1;
	}
	return -1;
}

static struct loop_config config_of(int file_fd, uint32_t sector_bytes, bool direct)
{
	struct loop_config config = {.fd = (uint32_t)file_fd, .block_size = sector_bytes};

	config.info.lo_flags = direct ? LO_FLAGS_DIRECT_IO : 0;
	return config;
}

int loop_device_attach(char path[32], int file_fd, uint32_t sector_bytes, bool direct, int flags)
{
	struct loop_config config = config_of(file_fd, sector_bytes, direct);

	config.info.lo_flags |= LO_FLAGS_AUTOCLEAR;
	return attach(path, &config, flags);
}

int loop_device_attach_lasting(char path[32], int file_fd, uint32_t sector_bytes, bool direct)
{
	struct loop_config config = config_of(file_fd, sector_bytes, direct);
	int fd = attach(path, &config, O_RDWR);

	if (fd >= 0)
		close(fd);
	return fd >= 0 ? 0 : -1;
}

void loop_device_detach(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)ioctl(fd, LOOP_CLR_FD, 0);
	close(fd);
}
