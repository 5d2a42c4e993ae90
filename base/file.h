/* file: whole files in, whole files out. A file that is written appears complete or not at all. */
#pragma once
#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads a whole regular file of at most MAX_BYTES. *OUT is malloc'ed, one NUL behind its *LEN
 * bytes. Errors: XP_E_NOENT (no such file), XP_E_PERM, XP_E_MALFORMED (larger, or no regular file),
 * XP_E_IO.
 */
MUST_USE enum xp_rc xp_file_read(char **out, size_t *len, const char *path, size_t max_bytes,
				 struct xp_err *err);
/* The same below an open folder; symbolic links in the last part are not followed. */
MUST_USE enum xp_rc xp_file_read_at(char **out, size_t *len, int dir_fd, const char *name,
				    size_t max_bytes, struct xp_err *err);

/*
 * Writes NAME in DIR_FD whole: a new temporary file, write, fsync, rename, fsync of the folder.
 * An older file of that name is replaced only when REPLACE; else XP_E_IO with EEXIST. Whatever
 * fails, also XP_E_PERM, is marked as of output.
 */
MUST_USE enum xp_rc xp_file_write_at(int dir_fd, const char *name, const void *data, size_t len,
				     mode_t mode, bool replace, struct xp_err *err);

/*
 * Makes PATH and its parents (mode 0755 for parents, MODE for the last) and opens it O_DIRECTORY.
 * What fails is marked as of output; a place that is not there or is no folder is XP_E_IO.
 */
MUST_USE enum xp_rc xp_dir_make_open(int *out_fd, const char *path, mode_t mode,
				     struct xp_err *err);

/* write(2) until all is written, EINTR and short writes handled. */
MUST_USE enum xp_rc xp_fd_write_all(int fd, const void *data, size_t len, struct xp_err *err);
/* read(2) until LEN bytes are there, EINTR and short reads handled. XP_E_IO: it ends before. */
MUST_USE enum xp_rc xp_fd_read_exactly(int fd, void *data, size_t len, struct xp_err *err);
/* pread(2) until LEN bytes or the end of file; *GOT says how many. */
MUST_USE enum xp_rc xp_fd_pread_all(int fd, void *data, size_t len, off_t offset, size_t *got,
				    struct xp_err *err);
