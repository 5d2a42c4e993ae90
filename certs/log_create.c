#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "certs/log_reader.h"
#include "certs/log_writer_state.h"

#define KEY_MAX_BYTES	4096u
#define DEFAULT_DNS	"expunge.local"
#define RANDOM_ID_BYTES 8

enum xp_rc xp_log_key_read(struct xp_secret *pem, int state_fd, struct xp_err *err)
{
	AUTO_FD int fd =
		openat(state_fd, XP_LOG_KEY_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	size_t got = 0;

	if (fd < 0)
		return xp_fail_errno(err,
				     errno == ENOENT   ? XP_E_NOENT
				     : errno == EACCES ? XP_E_PERM
						       : XP_E_IO,
				     XP_LOG_KEY_NAME);
	if (fstat(fd, &st))
		return xp_fail_errno(err, XP_E_IO, XP_LOG_KEY_NAME);
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > KEY_MAX_BYTES)
		return xp_fail(err, XP_E_MALFORMED, XP_LOG_KEY_NAME ": no key file");
	if (st.st_mode & 077)
		xp_log(XP_LOG_WARNING, XP_LOG_KEY_NAME " can be read by others (mode %03o)",
		       st.st_mode & 0777);
	TRY(xp_secret_new(pem, (size_t)st.st_size, err));
	TRY(xp_fd_pread_all(fd, pem->data, pem->len, 0, &got, err));
	if (got != pem->len)
		return xp_fail(err, XP_E_IO, XP_LOG_KEY_NAME ": changed while it was read");
	return XP_OK;
}

static enum xp_rc make_origin(char out[XP_ORIGIN_MAX], const char *hint, const struct xp_rng *rng,
			      struct xp_err *err)
{
	uint8_t id[RANDOM_ID_BYTES];
	char hex[2 * RANDOM_ID_BYTES + 1];
	int n;

	if (!hint)
		hint = DEFAULT_DNS;
	TRY(xp_rng_bytes(rng, id, sizeof(id), err));
	xp_hex_encode(hex, id, sizeof(id));
	if (strchr(hint, '/'))
		n = snprintf(out, XP_ORIGIN_MAX, "%s", hint);
	else
		n = snprintf(out, XP_ORIGIN_MAX, "%s/usb-%s", hint, hex);
	if (n < 0 || n >= XP_ORIGIN_MAX || !xp_note_origin_is_valid(out))
		return xp_fail(err, XP_E_USAGE,
			       "%.200s: no origin of a log (dns-name/usb-ID, lower case)", hint);
	return XP_OK;
}

/* Without a key there may be an empty log, whose making was interrupted, and nothing more. */
static enum xp_rc nothing_to_lose(int log_fd, struct xp_err *err)
{
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};
	enum xp_rc rc = xp_log_reader_open(&r, log_fd, NULL, err);

	if (rc != XP_OK && rc != XP_E_NOENT)
		return rc;
	if ((rc == XP_OK && r.checkpoint.head.size) || faccessat(log_fd, "tile", F_OK, 0) == 0)
		return xp_fail(err, XP_E_MALFORMED,
			       "there is a log, but its key is gone: restore " XP_LOG_KEY_NAME
			       ", or move the folder " XP_LOG_DIR_NAME " away");
	return XP_OK;
}

static enum xp_rc write_vkey(const struct xp_log *log, struct xp_err *err)
{
	char text[XP_NOTE_VKEY_MAX + 1];
	size_t len;
	bool changed;

	xp_note_vkey_format(text, xp_note_signer_vkey(log->signer));
	len = strlen(text);
	text[len++] = '\n';
	return xp_log_file_ensure(log, log->state_fd, XP_LOG_VKEY_NAME,
				  &(struct xp_log_bytes){text, len}, &changed, err);
}

enum xp_rc xp_log_create(struct xp_log *log, const char *origin_hint, const struct xp_rng *rng,
			 struct xp_err *err)
{
	AUTO(xp_secret_free) struct xp_secret pem = {0};
	AUTO_MEM char *text = NULL;
	struct xp_merkle_head empty;
	char origin[XP_ORIGIN_MAX];
	size_t len = 0;

	TRY(make_origin(origin, origin_hint, rng, err));
	TRY(xp_log_mkdir_open(log->ops, log->state_fd, XP_LOG_DIR_NAME, &log->log_fd, err));
	TRY(nothing_to_lose(log->log_fd, err));
	TRY(xp_note_signer_new(&log->signer, origin, rng, err));
	xp_log_tree_head(&empty, &log->tree);
	TRY(xp_checkpoint_sign(&text, &len, &empty, log->signer, err));
	TRY(xp_note_signer_write(&pem, log->signer, err));
	TRY(xp_log_file_put(log, log->log_fd, XP_LOG_CHECKPOINT, &(struct xp_log_bytes){text, len},
			    0644, err));
	TRY(write_vkey(log, err));
	/* the key comes last: a key without a log is a log that was lost */
	return xp_log_file_put(log, log->state_fd, XP_LOG_KEY_NAME,
			       &(struct xp_log_bytes){pem.data, pem.len}, 0600, err);
}

enum xp_rc xp_log_attach(struct xp_log *log, const struct xp_secret *pem, struct xp_err *err)
{
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};
	enum xp_rc rc;

	log->log_fd = openat(log->state_fd, XP_LOG_DIR_NAME,
			     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (log->log_fd < 0 && errno != ENOENT)
		return xp_fail_errno(err, XP_E_IO, "log: the folder");
	rc = log->log_fd < 0 ? XP_E_NOENT : xp_log_reader_open(&r, log->log_fd, NULL, err);
	if (rc == XP_E_NOENT)
		return xp_fail(err, XP_E_MALFORMED,
			       "there is " XP_LOG_KEY_NAME ", but its log is gone: restore the "
			       "folder " XP_LOG_DIR_NAME ", or move the key away");
	TRY(rc);
	TRY(xp_note_signer_read(&log->signer, r.checkpoint.origin, pem, err));
	/* who made the key may have died before its name was on the disk; the first entry waits */
	if (r.checkpoint.head.size == 0 && log->ops->sync(log->ops->ctx, log->state_fd))
		return xp_err_of_output(
			err, xp_fail_errno(err, XP_E_IO, "log: fsync of the state folder"));
	return write_vkey(log, err);
}
