#include "cli/cmd_inspect_luks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/job_luks.h"
#include "cli/output.h"
#include "verify/keys.h"

#define HEADER_MIN 4096

/* Copies are looked for everywhere but in the headers themselves, of which AREAS becomes the list.
 */
static enum xp_rc search(struct xp_key_search *out, const struct xp_target *target,
			 struct xp_luks_volumes *areas, struct xp_err *err)
{
	AUTO(xp_extent_io_free) struct xp_extent_io *io = NULL;
	AUTO_FD int fd = open(target->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	const struct xp_extent_config cfg = {
		.fd = fd,
		.capacity_bytes = target->identity.capacity_bytes,
		.logical_block_bytes = target->identity.logical_block_bytes,
	};
	struct xp_verify_keys_request req = {
		.how = {.capacity_bytes = cfg.capacity_bytes},
		.volumes = areas->list,
		.volume_n = areas->n,
	};

	if (fd < 0)
		return xp_fail_errno(err, XP_E_IO, "%s", target->path);
	for (size_t i = 0; i < areas->n; i++)
		areas->list[i].area_bytes = areas->list[i].header_bytes > HEADER_MIN
						    ? areas->list[i].header_bytes
						    : HEADER_MIN;
	TRY(xp_extent_io_new(&io, &cfg, err));
	req.how.io = io;
	return xp_verify_search_headers(out, &req, err);
}

static json_t *copies_json(const struct xp_key_search *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->copy_n; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "offset", xp_json_u64(s->copies[i].offset));
		json_object_set_new(o, "version", json_integer(s->copies[i].version));
		if (*s->copies[i].uuid)
			json_object_set_new(o, "uuid", xp_json_text(s->copies[i].uuid));
		json_array_append_new(list, o);
	}
	return list;
}

void xp_inspect_luks(json_t *o, const struct xp_target *target, const struct xp_sysroot *root)
{
	AUTO_MEM struct xp_luks_volumes *volumes = calloc(1, sizeof(*volumes));
	AUTO_MEM struct xp_luks_mappings *mappings = calloc(1, sizeof(*mappings));
	struct xp_key_search found = {0};
	struct xp_err err = {.msg = "no memory"};

	if (!volumes || !mappings || xp_luks_find(volumes, target, &err) != XP_OK) {
		json_object_set_new(o, "luks_unknown", xp_json_text(err.msg));
		return;
	}
	xp_luks_mappings_find(mappings, root, target);
	json_object_set_new(o, "luks", xp_job_luks_json(volumes));
	json_object_set_new(o, "luks_mappings", xp_job_luks_mappings_json(mappings));
	if (volumes->n == 0)
		return;
	if (search(&found, target, volumes, &err) == XP_OK) {
		json_object_set_new(o, "luks_copies", copies_json(&found));
		json_object_set_new(o, "luks_searched_bytes", xp_json_u64(found.searched_bytes));
	} else {
		json_object_set_new(o, "luks_unknown", xp_json_text(err.msg));
	}
	xp_key_search_free(&found);
}
