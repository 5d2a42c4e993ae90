#include "cli/commands_expunge.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/box_raw.h"
#include "cli/job_export.h"
#include "cli/job_keep.h"
#include "cli/job_output.h"
#include "cli/output.h"

static const struct xp_option options[] = {
	{"keep", XP_OPT_STRING, "DIR", "from the boxes there; or a partition that holds them"},
	{"state", XP_OPT_STRING, "DIR", "from this state folder (with --keep: from both)"},
	{"json", XP_OPT_FLAG, NULL, "one JSON document on stdout"},
	{0},
};

/* The journals of the boxes as files, for who reads jobs; nothing else, and nothing secret. */
static enum xp_rc put_journals(int jobs_fd, struct xp_box_pair *pair, struct xp_err *err)
{
	const struct xp_box_index *index = xp_box_pair_index(pair);

	for (size_t i = 0; i < index->n; i++) {
		const char *path = index->files[i].path;
		const char *name = strrchr(path, '/');
		char id[XP_UUID_LEN];
		AUTO_MEM char *data = NULL;
		AUTO_FD int fd = -1;
		size_t len = 0;

		if (strncmp(path, "jobs/", 5) != 0 || strcmp(name, "/journal.jsonl") != 0)
			continue;
		snprintf(id, sizeof(id), "%s", path + 5);
		TRY(xp_box_pair_read(pair, path, &data, &len, err));
		if (mkdirat(jobs_fd, id, 0700) ||
		    (fd = openat(jobs_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
			return xp_fail_errno(err, XP_E_IO, "journals");
		TRY(xp_file_write_at(fd, "journal.jsonl", data, len, 0600, false, err));
	}
	return XP_OK;
}

static void drop_journals(char *folder)
{
	char *const roots[] = {folder, NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	const FTSENT *e;

	while (fts && (e = fts_read(fts)) != NULL)
		if (e->fts_info == FTS_F || e->fts_info == FTS_DP)
			(void)remove(e->fts_path);
	if (fts)
		fts_close(fts);
}

static bool has_journals(struct xp_box_pair *pair)
{
	const struct xp_box_index *index = xp_box_pair_index(pair);

	for (size_t i = 0; i < index->n; i++)
		if (strncmp(index->files[i].path, "jobs/", 5) == 0)
			return true;
	return false;
}

/* Wherever a rescue system has a place that can be written. */
static bool make_folder(char folder[64])
{
	static const char *const places[] = {"/tmp", "/run", "/dev/shm", "/var/tmp"};

	for (size_t i = 0; i < XP_ARRAY_LEN(places); i++) {
		snprintf(folder, 64, "%s/expunge-export-XXXXXX", places[i]);
		if (mkdtemp(folder))
			return true;
	}
	return false;
}

/* Not onto a drive whose job has not ended, by what the boxes say of their jobs. */
static enum xp_rc demand_free(const char *dir, struct xp_box_pair *pair, struct xp_err *err)
{
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	struct xp_state state = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1};
	char folder[64];
	enum xp_rc rc;

	if (!has_journals(pair))
		return XP_OK;
	if (!make_folder(folder))
		return xp_fail(err, XP_E_REFUSED,
			       "neither /tmp nor /run, /dev/shm or /var/tmp can be written, so it "
			       "cannot be told whether %s lies on a drive whose job has not ended, "
			       "and would take the certificates with it: make one of them "
			       "writable, or name a folder with --state",
			       dir);
	state.jobs_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(state.path, sizeof(state.path), "%s", folder);
	rc = state.jobs_fd < 0 ? xp_fail_errno(err, XP_E_IO, "%s", folder)
			       : put_journals(state.jobs_fd, pair, err);
	if (rc == XP_OK)
		rc = xp_sysroot_open(&root, "/", err);
	if (rc == XP_OK)
		rc = xp_output_demand_free_of(dir, &state, &root, err);
	xp_close_fd(&state.jobs_fd);
	drop_journals(folder);
	return rc;
}

/* From the boxes alone: no state folder is touched. */
static enum xp_rc export_boxes(struct xp_export_report *report, const char *keep, const char *dir,
			       struct xp_err *err)
{
	AUTO(xp_box_pair_free) struct xp_box_pair *pair = NULL;
	AUTO_FD int fd = -1;
	struct xp_box_pair_request req = {.dir = keep, .ops = xp_box_ops_system()};
	struct stat st;

	if (stat(keep, &st))
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO, "--keep %s",
				     keep);
	/* what is neither a folder nor a medium, a tape for one, is not even opened */
	if (!S_ISDIR(st.st_mode))
		TRY(xp_output_demand_elsewhere(dir, keep, err));
	fd = open(keep, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return xp_fail_errno(err, XP_E_IO, "--keep %s", keep);
	req.dir_fd = fd;
	/* a medium whose file system is damaged has them all the same */
	if (S_ISDIR(st.st_mode))
		TRY(xp_box_pair_open(&pair, &req, err));
	else
		TRY(xp_box_raw_open(&pair, fd, keep, err));
	TRY(demand_free(dir, pair, err));
	return xp_export(report, &(struct xp_export_source){.pair = pair}, dir, err);
}

static enum xp_rc export_to(struct xp_export_report *report, const struct xp_args *args,
			    struct xp_err *err)
{
	const char *keep = xp_args_string(args, "keep");
	const char *dir = args->operands[0];
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	AUTO(xp_kept_state_close)
	struct xp_kept_state kept = {.state = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1}};

	if (keep && !xp_args_string(args, "state"))
		return export_boxes(report, keep, dir, err);
	TRY(xp_kept_state_open(&kept, args, false, err));
	TRY(xp_sysroot_open(&root, "/", err));
	TRY(xp_output_demand_free_of(dir, &kept.state, &root, err));
	return xp_export(report, &(struct xp_export_source){.state = &kept.state}, dir, err);
}

static void tell_list(const json_t *list, const char *what)
{
	size_t i;
	json_t *path;

	json_array_foreach (list, i, path) {
		xp_say("%s: %s", what, json_string_value(path));
	}
}

static json_t *report_json(const struct xp_export_report *r, int exit_code)
{
	return json_pack("{s:i, s:i, s:i, s:O, s:O, s:i}", "written", (int)r->written, "same",
			 (int)r->same, "mended", (int)r->mended, "missing", r->missing, "differs",
			 r->differs, "exit_code", exit_code);
}

static int run(const struct xp_args *args)
{
	AUTO(xp_export_report_free) struct xp_export_report r = {0};
	bool json = xp_args_flag(args, "json");
	int exit_code = 0;
	struct xp_err err;

	if (export_to(&r, args, &err) != XP_OK)
		return xp_report_error(&err, json, NULL);
	if (json_array_size(r.differs) || json_array_size(r.missing))
		exit_code = xp_rc_exit_code(XP_E_IO);
	tell_list(r.differs, "is there already and says something else, and stays");
	tell_list(r.missing, "could not be written");
	if (json_array_size(r.missing))
		xp_say("%s; name a folder with more room, and export again", r.why.msg);
	if (json)
		return xp_exit_worse(exit_code, xp_print_json(report_json(&r, exit_code)));
	xp_say("%s: %u files written, %u were there, %u were torn and are whole now",
	       args->operands[0], r.written, r.same, r.mended);
	return exit_code;
}

const struct xp_command xp_command_export = {
	.name = "export",
	.operands = "DIR",
	.summary = "Write certificates, proofs, log and index as plain files.",
	.details =
		"Each file appears whole or not at all. Exporting again writes what is missing,\n"
		"what has grown and what a pulled stick left torn; keys and journals stay where\n"
		"they are. A file that is there, whole, and says something else is left and "
		"named.\n"
		"Exits 0 (all is there), 1 (files are missing or differ), 4 (DIR holds another "
		"log,\n"
		"or lies on a drive whose job has not ended).",
	.options = options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
