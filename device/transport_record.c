#include "device/transport.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "device/blank.h"
#include "device/opcodes.h"
#include "device/transcript.h"
#include "device/transport_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct record {
	const struct xp_transport_ops *inner_ops;
	void *inner;
	int fd;
	bool blanks_serials;
};

static enum xp_rc append(const struct record *r, const struct xp_exchange *x, struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};

	xp_transcript_exchange_write(&b, x);
	if (!xp_buf_ok(&b))
		return xp_fail(err, XP_E_NOMEM, "no memory for a transcript");
	return xp_fd_write_all(r->fd, xp_buf_str(&b), b.len, err);
}

/* A copy of what came, without the drive's names; the command's own data stays as it is. */
static enum xp_rc append_blanked(const struct record *r, struct xp_exchange *x, struct xp_err *err)
{
	AUTO_MEM uint8_t *copy = malloc(x->reply.data_len + 1U);

	if (!copy)
		return xp_fail(err, XP_E_NOMEM, "no memory for a transcript");
	memcpy(copy, x->in, x->reply.data_len);
	xp_blank_serials(&x->cmd, copy, x->reply.data_len);
	x->in = copy;
	return append(r, x, err);
}

static enum xp_rc record_exec(void *ctx, const struct xp_cmd *cmd, struct xp_reply *reply,
			      struct xp_err *err)
{
	struct record *r = ctx;
	struct xp_exchange x = {.cmd = *cmd};

	x.rc = r->inner_ops->exec(r->inner, cmd, reply, err);
	if (x.rc == XP_OK && (reply->data_len > cmd->data_len || reply->sense_len > XP_SENSE_MAX))
		return xp_fail(err, XP_E_IO, "the transport claims more data than was asked for");
	x.reply = *reply;
	x.withheld = xp_opcode_carries_secret(cmd);
	x.out = cmd->dir == XP_DATA_OUT ? cmd->data : NULL;
	x.in = cmd->dir == XP_DATA_IN ? cmd->data : NULL;
	if (x.rc != XP_OK) {
		/* what the drive did not answer matters more than what the file did not take */
		(void)!append(r, &x, NULL);
		return x.rc;
	}
	if (r->blanks_serials && x.in)
		return append_blanked(r, &x, err);
	return append(r, &x, err);
}

static void record_close(void *ctx)
{
	struct record *r = ctx;

	if (r->inner_ops->close)
		r->inner_ops->close(r->inner);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

static const struct xp_transport_ops record_ops = {
	.name = "record",
	.exec = record_exec,
	.close = record_close,
};

static enum xp_rc write_head(int fd, enum xp_transport_kind kind, enum xp_bus bus,
			     struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};

	xp_transcript_head_write(&b, kind, bus);
	if (!xp_buf_ok(&b))
		return xp_fail(err, XP_E_NOMEM, "no memory for a transcript");
	return xp_fd_write_all(fd, xp_buf_str(&b), b.len, err);
}

enum xp_rc xp_transport_record_open(struct xp_transport **out, struct xp_transport *inner,
				    enum xp_bus bus, bool blank_serials, int fd, struct xp_err *err)
{
	AUTO(xp_transport_free) struct xp_transport *held = inner;
	AUTO_FD int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	enum xp_transport_kind kind = xp_transport_kind_of(held);
	struct record *r;

	if (copy < 0)
		return xp_fail_errno(err, XP_E_IO, "dup");
	TRY(write_head(copy, kind, bus, err));
	r = calloc(1, sizeof(*r));
	if (!r)
		return xp_fail(err, XP_E_NOMEM, "no memory for a transport");
	xp_transport_take_apart(&held, &r->inner_ops, &r->inner);
	r->fd = STEAL_FD(copy);
	r->blanks_serials = blank_serials;
	return xp_transport_new(out, kind, &record_ops, r, err);
}
