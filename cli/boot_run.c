#include "cli/boot_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

void xp_boot_run_free(struct xp_boot_run *r)
{
	for (int i = 0; i < r->argc; i++)
		free(r->argv[i]);
	free(r->argv);
	if (r->argv) {
		xp_close_fd(&r->expect_fd);
		xp_close_fd(&r->fields_fd);
	}
	*r = (struct xp_boot_run){.expect_fd = -1, .fields_fd = -1};
}

static enum xp_rc add(struct xp_boot_run *r, const char *text, struct xp_err *err)
{
	char **argv = reallocarray(r->argv, (size_t)r->argc + 2, sizeof(*argv));

	if (!argv)
		return xp_fail(err, XP_E_NOMEM, "command line");
	r->argv = argv;
	argv[r->argc] = strdup(text);
	if (!argv[r->argc])
		return xp_fail(err, XP_E_NOMEM, "command line");
	argv[++r->argc] = NULL;
	return XP_OK;
}

static enum xp_rc add_pair(struct xp_boot_run *r, const char *option, const char *value,
			   struct xp_err *err)
{
	if (!*value)
		return XP_OK;
	TRY(add(r, option, err));
	return add(r, value, err);
}

/* The bytes as a file that has no name and that nobody else can write. */
static enum xp_rc add_bytes(struct xp_boot_run *r, int *fd, const char *option, const char *bytes,
			    size_t len, struct xp_err *err)
{
	char path[64];

	*fd = memfd_create(option + 2, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return xp_fail_errno(err, XP_E_IO, "%s", option);
	TRY(xp_fd_write_all(*fd, bytes, len, err));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	return add_pair(r, option, path, err);
}

enum xp_rc xp_boot_run_compose(struct xp_boot_run *out, const struct xp_boot_config *c,
			       const char *expect, size_t expect_len, const char *const *own,
			       struct xp_err *err)
{
	*out = (struct xp_boot_run){.expect_fd = -1, .fields_fd = -1};
	TRY(add(out, "--if-needed", err));
	TRY(add_bytes(out, &out->expect_fd, "--expect", expect, expect_len, err));
	if (c->record_json)
		TRY(add_bytes(out, &out->fields_fd, "--record-fields", c->record_json,
			      strlen(c->record_json), err));
	TRY(add_pair(out, "--policy", c->policy, err));
	TRY(add_pair(out, "--level", c->has_level ? xp_level_name(c->level) : "", err));
	TRY(add_pair(out, "--accept", c->has_accept ? xp_level_name(c->accept) : "", err));
	TRY(add_pair(out, "--verify", c->has_verify ? xp_readback_mode_name(c->verify) : "", err));
	TRY(add_pair(out, "--key", c->key, err));
	TRY(add_pair(out, "--cert", c->cert, err));
	TRY(add_pair(out, "--passphrase-file", c->passphrase_file, err));
	if (*c->upload.url) {
		TRY(add_pair(out, "--upload", c->upload.url, err));
		TRY(add_pair(out, "--upload-ca", c->upload.system_ca ? "system" : c->upload.ca,
			     err));
		TRY(add_pair(out, "--upload-header", c->upload.header_file, err));
	}
	for (; *own; own++)
		TRY(add(out, *own, err));
	return XP_OK;
}
