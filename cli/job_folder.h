/* job_folder: the files below a folder, for `run --recursive`. */
#pragma once
#include "base/rng.h"

struct xp_folder {
	char confirm[256]; /* its name: what confirms all of its files */
	char *path;	   /* resolved */
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

/*
 * A file at PATH, below the folder ROOT (both resolved), has lost its name: takes away the folders
 * above it, up to ROOT, as far as nothing is left in them but empty files, links and folders of
 * that kind. Each gets a name of random letters first. A folder that holds anything else stays, and
 * so do those above it: then STAYS has the name of such a thing, else it is empty. XP_E_IO,
 * XP_E_PERM.
 */
MUST_USE enum xp_rc xp_folder_prune(char stays[256], const char *root, const char *path,
				    const struct xp_rng *rng, struct xp_err *err);
