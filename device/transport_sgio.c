#include "device/transport.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <scsi/sg.h>
#include <string.h>
#include <sys/ioctl.h>

/* Linux host bytes that mean: the time was up [SCSI midlayer]. */
#define HOST_TIME_OUT 0x03

struct sgio {
	int fd;
};

static void set_direction(struct sg_io_hdr *io, const struct xp_cmd *cmd)
{
	switch (cmd->dir) {
	case XP_DATA_NONE:
		io->dxfer_direction = SG_DXFER_NONE;
		return;
	case XP_DATA_IN:
		io->dxfer_direction = SG_DXFER_FROM_DEV;
		break;
	case XP_DATA_OUT:
		io->dxfer_direction = SG_DXFER_TO_DEV;
		break;
	}
	io->dxferp = cmd->data;
	io->dxfer_len = cmd->data_len;
}

static void take_reply(struct xp_reply *reply, const struct sg_io_hdr *io, const uint8_t *sense)
{
	int residual = io->resid;

	reply->answered = true;
	reply->scsi_status = io->status;
	reply->host_status = io->host_status;
	reply->driver_status = io->driver_status;
	reply->sense_len = io->sb_len_wr;
	memcpy(reply->sense, sense, io->sb_len_wr);
	/* some adapters report a residual below zero or above the length: then nothing is known */
	if (residual >= 0 && (unsigned)residual <= io->dxfer_len)
		reply->data_len = io->dxfer_len - (unsigned)residual;
	reply->duration_ns = (uint64_t)io->duration * 1000000;
}

static enum xp_rc sgio_exec(void *ctx, const struct xp_cmd *cmd, struct xp_reply *reply,
			    struct xp_err *err)
{
	struct sgio *s = ctx;
	uint8_t sense[XP_SENSE_MAX] = {0};
	uint8_t cdb[sizeof(cmd->cdb)];
	struct sg_io_hdr io = {
		.interface_id = 'S',
		.cmd_len = cmd->cdb_len,
		.mx_sb_len = sizeof(sense),
		.cmdp = cdb,
		.sbp = sense,
		.timeout = cmd->timeout_ms,
	};

	memcpy(cdb, cmd->cdb, sizeof(cdb));
	set_direction(&io, cmd);
	/* never sent again after EINTR: it may have been carried out */
	if (ioctl(s->fd, SG_IO, &io) < 0) {
		if (errno == EPERM || errno == EACCES)
			return xp_fail_errno(err, XP_E_PERM, "SG_IO of opcode %02xh", cmd->cdb[0]);
		if (errno == ENOTTY || errno == EINVAL)
			return xp_fail_errno(err, XP_E_UNSUPPORTED, "SG_IO of opcode %02xh",
					     cmd->cdb[0]);
		return xp_fail_errno(err, XP_E_IO, "SG_IO of opcode %02xh", cmd->cdb[0]);
	}
	if (io.host_status == HOST_TIME_OUT)
		return xp_fail(err, XP_E_TIMEOUT, "opcode %02xh: no answer within %u ms",
			       cmd->cdb[0], cmd->timeout_ms);
	if (io.host_status != 0)
		return xp_fail(err, XP_E_IO,
			       "opcode %02xh: the host adapter failed (host status %02xh)",
			       cmd->cdb[0], io.host_status);
	take_reply(reply, &io, sense);
	return XP_OK;
}

static void sgio_close(void *ctx)
{
	struct sgio *s = ctx;

	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

static const struct xp_transport_ops sgio_ops = {
	.name = "sgio",
	.exec = sgio_exec,
	.close = sgio_close,
};

enum xp_rc xp_transport_sgio_open(struct xp_transport **out, int fd, struct xp_err *err)
{
	struct sgio *s = calloc(1, sizeof(*s));

	if (!s)
		return xp_fail(err, XP_E_NOMEM, "no memory for a transport");
	s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (s->fd < 0) {
		enum xp_rc rc = xp_fail_errno(err, XP_E_IO, "dup");

		free(s);
		return rc;
	}
	return xp_transport_new(out, XP_TRANSPORT_SCSI, &sgio_ops, s, err);
}
