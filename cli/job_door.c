#include "cli/job_door.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "device/probe_node.h"

/* By its generic node, where there is one. */
static bool open_generic(struct xp_transport **out, const char *disk)
{
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};

	return xp_sysroot_open(&root, "/", NULL) == XP_OK &&
	       xp_probe_open_generic(out, &root, disk, NULL) == XP_OK;
}

static enum xp_rc open_drive(void *ctx, struct xp_transport **out, const struct xp_target *target,
			     const struct xp_permit *permit, struct xp_err *err)
{
	enum xp_bus bus = target->identity.bus;

	(void)ctx;
	/* what a drive does by itself it does to all of it: a partition is none of its business */
	if (target->kind != XP_TARGET_DISK || !xp_probe_can_ask(bus, target->disk))
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: no drive that could be asked",
			       target->path);
	if (permit)
		return xp_probe_open_fd(out, bus, xp_permit_fd(permit, NULL), err);
	/* while a drive is at it by itself, the kernel may wait for its disk, and so would we */
	if (bus != XP_BUS_NVME && open_generic(out, target->disk))
		return XP_OK;
	return xp_probe_open_node(out, bus, target->disk, err);
}

static enum xp_rc view(void *ctx, struct xp_identity *out, const struct xp_target *target,
		       const struct xp_permit *permit, struct xp_err *err)
{
	(void)ctx;
	return permit ? xp_permit_identify(out, permit, err)
		      : xp_identity_copy(out, &target->identity, err);
}

static enum xp_rc open_io(void *ctx, struct xp_extent_io **out, struct xp_extent_config *cfg,
			  const struct xp_permit *permit, struct xp_err *err)
{
	(void)ctx;
	cfg->fd = xp_permit_fd(permit, &cfg->direct);
	return xp_extent_io_new(out, cfg, err);
}

/* [sd] The disk driver asks for the capacity again; an ATA disk's port may keep what it knew. */
static void look_again(void *ctx, const struct xp_sysroot *root, const struct xp_target *target)
{
	int fd = xp_sysroot_open_at(root, O_WRONLY | O_CLOEXEC, "sys/class/block/%s/device/rescan",
				    target->disk);

	(void)ctx;
	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		errno = 0; /* the next view tells */
	xp_close_fd(&fd);
}

static void sleep_ms(void *ctx, uint32_t ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	(void)ctx;
	while (nanosleep(&left, &left) && errno == EINTR)
		continue;
}

const struct xp_job_door *xp_job_door_real(void)
{
	static const struct xp_job_door door = {
		.open = open_drive,
		.view = view,
		.open_io = open_io,
		.sleep_ms = sleep_ms,
		.look_again = look_again,
	};

	return &door;
}
