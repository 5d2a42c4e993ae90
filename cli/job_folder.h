/* job_folder: the files below a folder, for `run --recursive`. */
#pragma once
#include "base/err.h"

struct xp_folder {
	char confirm[256]; /* its name: what confirms all of its files */
	char **files;	   /* paths, sorted; NULL-terminated */
	size_t n;
};

/*
 * The regular files below PATH, each of several names of one file once. Links are not followed, and
 * other file systems not entered. An empty file has nothing to overwrite and is left out.
 * XP_E_USAGE: no folder, or more than MAX files. XP_E_PERM, XP_E_IO: a part of it cannot be read.
 */
MUST_USE enum xp_rc xp_folder_read(struct xp_folder *out, const char *path, size_t max,
				   struct xp_err *err);
void xp_folder_free(struct xp_folder *f);
