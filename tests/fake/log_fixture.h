/* log_fixture: what tests of the log share: a folder of their own, leaves, a look at the whole log.
 */
#pragma once
#include "certs/log_audit.h"
#include "certs/log_writer.h"

/* A new empty folder below TMPDIR; PATH gets its name. */
int log_fixture_dir(char path[256]);
/* Takes it away with all that is in it, and closes the descriptor. */
void log_fixture_remove(const char *path, int fd);
/* All files of one folder into another. */
void log_fixture_copy(int from_fd, int to_fd);

/* The start leaf (even I) or record leaf (odd: it ends the job of I - 1) number I. */
struct xp_log_bytes log_fixture_leaf(char text[512], unsigned i);

/* Bytes that are the same in each run. */
struct xp_rng log_fixture_rng(unsigned *seed);

/* Runs the audit over STATE_FD's log; fails the test unless its findings are exactly CODES (NULL:
 * none). */
void log_fixture_audit(int state_fd, const char *old, const char *const *codes);

/* A state folder of a test. */
struct log_place {
	char path[256];
	int fd;
};
struct log_place log_place_new(void);
/* With N leaves in its log, written in one lot. */
struct log_place log_place_filled(unsigned n);

/* Real system calls but for fsync, and a short wait for the lock. */
const struct xp_log_ops *log_place_ops(void);
/* Opens as example.com/usb-1; SEED makes the key, where one is made. */
enum xp_rc log_place_try_open(struct xp_log **log, const struct log_place *p, unsigned seed);
struct xp_log *log_place_open(const struct log_place *p);
/* N leaves from FIRST on, in one lot; they must come to these places. */
void log_place_append(struct xp_log *log, unsigned first, unsigned n);
uint64_t log_place_size(struct xp_log *log);

/* -1: no such file. */
off_t log_place_file_size(const struct log_place *p, const char *name);
char *log_place_read(const struct log_place *p, const char *name, size_t *len);
void log_place_write(const struct log_place *p, const char *name, const void *data, size_t len);
/* Changes one bit of the byte AT. */
void log_place_flip(const struct log_place *p, const char *name, size_t at);
