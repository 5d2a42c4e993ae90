#include "cli/commands_expunge.h"

#include <string.h>

#include "base/cleanup.h"
#include "cli/output.h"
#include "device/light.h"
#include "device/target.h"

static const struct xp_option options[] = {
	{"root", XP_OPT_STRING, "DIR", "a captured tree of sysfs, not this machine"},
	{0},
};

/* The disk behind TARGET; in a captured tree its name is all there is. */
static enum xp_rc find_disk(char out[64], const struct xp_sysroot *root, const char *path,
			    struct xp_err *err)
{
	AUTO(xp_target_free) struct xp_target target = {0};
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (root->is_live) {
		TRY(xp_target_resolve(&target, root, path, err));
		name = target.disk;
	} else if (!xp_sysroot_has(root, "sys/block/%s", name)) {
		return xp_fail(err, XP_E_NOENT, "%s: no such disk", path);
	}
	if (!*name)
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: a file has no place with a light", path);
	snprintf(out, 64, "%s", name);
	return XP_OK;
}

static enum xp_rc locate(const struct xp_args *args, struct xp_err *err)
{
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	const char *dir = xp_args_string(args, "root");
	const char *how = args->operands[1];
	char disk[64];

	if (strcmp(how, "on") != 0 && strcmp(how, "off") != 0)
		return xp_fail(err, XP_E_USAGE, "%s: on or off", how);
	TRY(xp_sysroot_open(&root, dir ? dir : "/", err));
	TRY(find_disk(disk, &root, args->operands[0], err));
	return xp_light_set(&root, disk, strcmp(how, "on") == 0, err);
}

static int run(const struct xp_args *args)
{
	struct xp_err err;

	return locate(args, &err) == XP_OK ? 0 : xp_say_error(&err);
}

const struct xp_command xp_command_locate = {
	.name = "locate",
	.operands = "TARGET on|off",
	.summary = "Switch the light of a drive's slot on or off.",
	.details = "Works where the kernel knows the enclosure (drivers ses, enclosure). Exits 69 "
		   "where "
		   "there\nis no light. The drive itself is not touched.",
	.options = options,
	.operands_min = 2,
	.operands_max = 2,
	.run = run,
};
