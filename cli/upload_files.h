/*
 * upload_files: which files of the state folder a server holds, and as what. The list of them lies
 * in the state folder, so that a later run knows what is still to be sent. Not safe for threads.
 */
#pragma once
#include "base/durable.h"

#define XP_UPLOAD_PATH_MAX 160

struct xp_upload_file {
	char path[XP_UPLOAD_PATH_MAX];
	uint64_t change;    /* counts up with each change */
	uint64_t confirmed; /* the change that the server holds */
	bool has_sha256;
	uint8_t sha256[32];	/* of what the server holds */
	uint64_t not_before_ns; /* a change that may wait for the next one */
	bool demanded;		/* somebody waits for it */
};

struct xp_upload_files {
	struct xp_upload_file *list;
	size_t n, cap;
	bool has_head; /* the list file names this server */
	char url[2048];
};

struct xp_upload_bytes {
	char *data;
	size_t len;
	uint8_t sha256[32];
};

/* Does PATH go up at all? Not keys, nor what is local to this host. */
bool xp_upload_takes(const char *path);

MUST_USE enum xp_rc xp_upload_bytes_read(struct xp_upload_bytes *out, int state_fd,
					 const char *path, struct xp_err *err);
void xp_upload_bytes_free(struct xp_upload_bytes *b);

/*
 * Every file that is there, those apart that the list says are up at URL. A list of another address
 * is of no use, and all is sent again.
 */
MUST_USE enum xp_rc xp_upload_files_find(struct xp_upload_files *f, int state_fd, const char *url,
					 struct xp_err *err);
/* PATH has changed; with PAUSE_S it need not go up more often than that. */
MUST_USE enum xp_rc xp_upload_files_touch(struct xp_upload_files *f, const char *path,
					  unsigned pause_s, uint64_t now_ns, struct xp_err *err);
/* It does not wait for others, nor for its pause. */
void xp_upload_files_demand(struct xp_upload_files *f, const char *path);
/* PATH is gone here, or the folder. */
void xp_upload_files_forget(struct xp_upload_files *f, const char *path);
/*
 * The next one to send, the demanded first; NULL: none. WHEN is lowered to the time at which one
 * that may wait is due. HURRY: none may wait.
 */
struct xp_upload_file *xp_upload_files_next(struct xp_upload_files *f, uint64_t now_ns, bool hurry,
					    uint64_t *when);
bool xp_upload_files_is_up(const struct xp_upload_files *f, const char *path);
bool xp_upload_files_held(const struct xp_upload_files *f, const char *path,
			  const uint8_t sha256[32]);
/* The server holds it as of CHANGE: noted in the list, and by KEEPER. */
MUST_USE enum xp_rc xp_upload_files_confirm(struct xp_upload_files *f, const char *path,
					    uint64_t change, const uint8_t sha256[32], int state_fd,
					    const struct xp_durable *keeper, struct xp_err *err);
void xp_upload_files_count(const struct xp_upload_files *f, size_t *confirmed, size_t *pending);
void xp_upload_files_free(struct xp_upload_files *f);
