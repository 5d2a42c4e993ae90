#include "device/transport.h"

#include "base/cleanup.h"
#include "device/protocol/nvme_cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <libnvme.h>
#include <sys/ioctl.h>

/* A status of a completion: 15 bits without the phase; -1 is the host's failure. */
#define STATUS_MASK 0x7fff

struct nvme {
	int fd;
};

static enum xp_rc take_answer(struct xp_reply *reply, const struct nvme_passthru_cmd *io, int rc,
			      uint32_t result, struct xp_err *err)
{
	if (xp_nvme_status_is_of_host((uint16_t)(rc & STATUS_MASK)))
		return xp_fail(err, XP_E_IO, "NVMe opcode %02xh: the way to the drive is broken",
			       io->opcode);
	reply->answered = true;
	reply->nvme_status = (uint16_t)(rc & STATUS_MASK);
	reply->nvme_result = result;
	/* NVMe has no residual: data was moved whole or not at all */
	reply->data_len = rc == 0 ? io->data_len : 0;
	return XP_OK;
}

/* A namespace's node takes I/O commands to that namespace only. */
static enum xp_rc io_exec(int fd, struct nvme_passthru_cmd *io, struct xp_reply *reply,
			  struct xp_err *err)
{
	int rc = ioctl(fd, NVME_IOCTL_IO_CMD, io);

	if (rc < 0 && (errno == EPERM || errno == EACCES))
		return xp_fail_errno(err, XP_E_PERM, "NVMe I/O opcode %02xh", io->opcode);
	if (rc < 0 && (errno == ETIMEDOUT || errno == EINTR))
		return xp_fail_errno(err, XP_E_TIMEOUT, "NVMe I/O opcode %02xh", io->opcode);
	if (rc < 0)
		return xp_fail_errno(err, XP_E_IO, "NVMe I/O opcode %02xh", io->opcode);
	return take_answer(reply, io, rc, io->result, err);
}

static enum xp_rc nvme_exec(void *ctx, const struct xp_cmd *cmd, struct xp_reply *reply,
			    struct xp_err *err)
{
	struct nvme *n = ctx;
	const struct xp_nvme_sqe *q = &cmd->nvme;
	uint32_t result = 0;
	struct nvme_passthru_cmd io = {
		.opcode = q->opcode,
		.nsid = q->nsid,
		.addr = (uint64_t)(uintptr_t)cmd->data,
		.data_len = cmd->data_len,
		.cdw10 = q->cdw10,
		.cdw11 = q->cdw11,
		.cdw12 = q->cdw12,
		.cdw13 = q->cdw13,
		.cdw14 = q->cdw14,
		.cdw15 = q->cdw15,
		.timeout_ms = cmd->timeout_ms,
	};
	int rc;

	if (q->is_io)
		return io_exec(n->fd, &io, reply, err);
	rc = nvme_submit_admin_passthru(n->fd, &io, &result);

	if (rc < 0) {
		if (errno == EPERM || errno == EACCES)
			return xp_fail_errno(err, XP_E_PERM, "NVMe opcode %02xh", q->opcode);
		if (errno == ENOTTY || errno == EINVAL)
			return xp_fail_errno(err, XP_E_UNSUPPORTED, "NVMe opcode %02xh", q->opcode);
		if (errno == ETIMEDOUT || errno == EINTR)
			return xp_fail_errno(err, XP_E_TIMEOUT, "NVMe opcode %02xh", q->opcode);
		return xp_fail_errno(err, XP_E_IO, "NVMe opcode %02xh", q->opcode);
	}
	return take_answer(reply, &io, rc, result, err);
}

static void nvme_close(void *ctx)
{
	struct nvme *n = ctx;

	if (n->fd >= 0)
		close(n->fd);
	free(n);
}

static const struct xp_transport_ops nvme_ops = {
	.name = "nvme",
	.exec = nvme_exec,
	.close = nvme_close,
};

enum xp_rc xp_transport_nvme_open(struct xp_transport **out, int fd, struct xp_err *err)
{
	struct nvme *n = calloc(1, sizeof(*n));

	if (!n)
		return xp_fail(err, XP_E_NOMEM, "no memory for a transport");
	n->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (n->fd < 0) {
		enum xp_rc rc = xp_fail_errno(err, XP_E_IO, "dup");

		free(n);
		return rc;
	}
	return xp_transport_new(out, XP_TRANSPORT_NVME, &nvme_ops, n, err);
}
