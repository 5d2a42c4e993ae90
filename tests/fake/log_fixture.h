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
