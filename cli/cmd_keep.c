#include "cli/commands_expunge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/box_raw.h"
#include "cli/job_output.h"
#include "cli/output.h"

#define DEFAULT_BYTES (64ull << 20)

static const struct xp_option make_options[] = {
	{"bytes", XP_OPT_STRING, "N", "bytes of each of the two boxes (67108864)"},
	{0},
};

static const struct xp_option repair_options[] = {
	{0},
};

static int run_make(const struct xp_args *args)
{
	uint64_t bytes = DEFAULT_BYTES;
	AUTO_FD int fd = -1;
	struct xp_err err;

	if (xp_args_number(&bytes, args, "bytes", DEFAULT_BYTES, UINT64_MAX, &err) != XP_OK ||
	    xp_dir_make_open(&fd, args->operands[0], 0700, &err) != XP_OK)
		return xp_say_error(&err);
	if (xp_box_pair_make(fd, bytes, &err) != XP_OK) {
		(void)xp_err_prefix(&err, "%s", args->operands[0]);
		return xp_say_error(&err);
	}
	xp_say("%s: made %s and %s, %llu bytes each", args->operands[0], XP_BOX_NAME_A,
	       XP_BOX_NAME_B, (unsigned long long)bytes);
	return 0;
}

static int run_repair(const struct xp_args *args)
{
	const char *name = NULL;
	AUTO_FD int fd = open(args->operands[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct xp_err err;

	if (fd < 0) {
		xp_fail_errno(&err, errno == ENOENT ? XP_E_NOENT : XP_E_IO, "%s",
			      args->operands[0]);
		return xp_say_error(&err);
	}
	if (xp_box_pair_repair(&name, fd, args->operands[0], &err) != XP_OK)
		return xp_say_error(&err);
	if (name)
		xp_say("%s: %s is made anew from the other", args->operands[0], name);
	else
		xp_say("%s: both boxes can be used", args->operands[0]);
	return 0;
}

static enum xp_rc rescue(uint64_t *entries, const char *from, const char *to, struct xp_err *err)
{
	AUTO(xp_box_pair_free) struct xp_box_pair *pair = NULL;
	AUTO(xp_box_pair_free) struct xp_box_pair *made = NULL;
	AUTO_FD int fd = -1;
	AUTO_FD int dir_fd = -1;
	struct xp_box_pair_request req = {.dir = to, .writes = true, .ops = xp_box_ops_system()};

	/* what is no medium, a tape for one, is not even opened */
	TRY(xp_output_demand_elsewhere(to, from, err));
	fd = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO, "%s", from);
	TRY(xp_box_raw_open(&pair, fd, from, err));
	TRY(xp_dir_make_open(&dir_fd, to, 0700, err));
	TRY(xp_box_raw_copy(pair, dir_fd, err));
	/* as who goes on with them would open them */
	req.dir_fd = dir_fd;
	TRY(xp_box_pair_open(&made, &req, err));
	*entries = xp_box_pair_index(made)->n;
	return XP_OK;
}

static int run_rescue(const struct xp_args *args)
{
	uint64_t files = 0;
	struct xp_err err;

	if (rescue(&files, args->operands[0], args->operands[1], &err) != XP_OK)
		return xp_say_error(&err);
	xp_say("%s: two boxes with the %llu files that %s held; go on with --keep %s, or export "
	       "from "
	       "there",
	       args->operands[1], (unsigned long long)files, args->operands[0], args->operands[1]);
	return 0;
}

const struct xp_command xp_command_keep_rescue = {
	.name = "keep rescue",
	.operands = "MEDIUM DIR",
	.summary = "Find the boxes on a partition whose file system is damaged, and copy them.",
	.details =
		"MEDIUM (a partition, a disk, or an image of one) is only read. Boxes are found "
		"by their\n"
		"own headers, whatever the file system says of them. DIR must have none, and lie\n"
		"on another drive.",
	.options = repair_options,
	.operands_min = 2,
	.operands_max = 2,
	.run = run_rescue,
};

const struct xp_command xp_command_keep_make = {
	.name = "keep make",
	.operands = "DIR",
	.summary = "Make the two boxes that --keep DIR wants, in a folder that has none.",
	.options = make_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_make,
};

const struct xp_command xp_command_keep_repair = {
	.name = "keep repair",
	.operands = "DIR",
	.summary = "Make the box that is gone or cannot be used anew, as a copy of the other.",
	.options = repair_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_repair,
};
