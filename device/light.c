#include "device/light.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

#define ENCLOSURE "enclosure_device:"
#define PATH_LEN  512

/* The folder of the slot, below the root; false: the disk sits in no enclosure. */
static bool find_slot(char *out, size_t size, const struct xp_sysroot *root, const char *node)
{
	AUTO(xp_names_free) struct xp_names names = {0};

	if (strchr(node, '/') || !*node || *node == '.' ||
	    xp_sysroot_list(&names, root, NULL, "sys/block/%s/device", node) != XP_OK)
		return false;
	for (size_t i = 0; i < names.n; i++) {
		if (strncmp(names.list[i], ENCLOSURE, sizeof(ENCLOSURE) - 1) != 0)
			continue;
		snprintf(out, size, "sys/block/%s/device/%s", node, names.list[i]);
		return true;
	}
	return false;
}

bool xp_light_read(bool *is_on, const struct xp_sysroot *root, const char *node)
{
	char slot[PATH_LEN];
	uint64_t value = 0;

	if (!find_slot(slot, sizeof(slot), root, node) ||
	    !xp_sysroot_read_u64(&value, root, "%s/locate", slot))
		return false;
	*is_on = value != 0;
	return true;
}

enum xp_rc xp_light_set(const struct xp_sysroot *root, const char *node, bool on,
			struct xp_err *err)
{
	char slot[PATH_LEN];
	AUTO_FD int fd = -1;

	if (!find_slot(slot, sizeof(slot), root, node))
		return xp_fail(err, XP_E_UNSUPPORTED,
			       "%s: the host knows of no enclosure that the drive sits in", node);
	fd = xp_sysroot_open_at(root, O_WRONLY | O_CLOEXEC, "%s/locate", slot);
	if (fd < 0 && errno == ENOENT)
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: its place in the enclosure has no light",
			       node);
	if (fd < 0)
		return xp_fail_errno(err, errno == EACCES || errno == EPERM ? XP_E_PERM : XP_E_IO,
				     "%s: the light of its place", node);
	if (xp_fd_write_all(fd, on ? "1\n" : "0\n", 2, err) != XP_OK)
		return xp_err_prefix(err, "%s: the light of its place", node);
	return XP_OK;
}

/* A sensor's word in thousandths of a degree. */
static int read_sensor(const struct xp_sysroot *root, const char *dir)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	uint64_t milli = 0;

	if (xp_sysroot_list(&names, root, NULL, "%s", dir) != XP_OK)
		return 0;
	for (size_t i = 0; i < names.n; i++) {
		if (strncmp(names.list[i], "hwmon", 5) != 0)
			continue;
		if (xp_sysroot_read_u64(&milli, root, "%s/%s/temp1_input", dir, names.list[i]) &&
		    milli >= 1000 && milli < 200000)
			return (int)(milli / 1000);
	}
	return 0;
}

int xp_drive_celsius(const struct xp_sysroot *root, const char *node)
{
	static const char *const places[] = {"device/hwmon", "device", "device/device/hwmon",
					     "device/device"};
	char dir[PATH_LEN];

	for (size_t i = 0; i < XP_ARRAY_LEN(places); i++) {
		int celsius;

		snprintf(dir, sizeof(dir), "sys/block/%s/%s", node, places[i]);
		celsius = read_sensor(root, dir);
		if (celsius)
			return celsius;
	}
	return 0;
}
