#include "tests/emu/emu_nvme_ask.h"

#include "base/wire.h"

struct emu_nvme_cmd emu_nvme_ask(struct emu_nvme *d, const struct emu_nvme_ask *ask)
{
	const uint32_t cdw[6] = {ask->cdw10, ask->cdw11, ask->cdw12,
				 ask->cdw13, ask->cdw14, ask->cdw15};
	struct emu_nvme_cmd cmd = {
		.controller = ask->controller,
		.is_io = ask->is_io,
		.out = ask->out,
		.in = ask->in,
		.len = ask->len,
		.metadata = ask->metadata,
		.metadata_len = ask->metadata_len,
		.give_up_ns = ask->give_up_ns,
	};

	emu_nvme_sqe(cmd.sqe, ask->opcode, ask->nsid, cdw);
	emu_nvme_exec(d, &cmd);
	return cmd;
}

uint16_t emu_nvme_ask_status(struct emu_nvme *d, const struct emu_nvme_ask *ask)
{
	struct emu_nvme_cmd cmd = emu_nvme_ask(d, ask);

	return cmd.answered ? cmd.status & 0x7ff : 0xffff;
}

uint16_t emu_nvme_ask_identify(struct emu_nvme *d, uint8_t cns, uint32_t nsid, uint8_t out[4096])
{
	return emu_nvme_ask_status(
		d, &(struct emu_nvme_ask){
			   .opcode = 0x06, .nsid = nsid, .cdw10 = cns, .in = out, .len = 4096});
}

uint16_t emu_nvme_ask_log(struct emu_nvme *d, uint8_t lid, void *out, size_t len)
{
	uint32_t dwords = (uint32_t)(len / 4 - 1);

	return emu_nvme_ask_status(d, &(struct emu_nvme_ask){.opcode = 0x02,
							     .nsid = 0xffffffff,
							     .cdw10 = lid | (dwords & 0xffff) << 16,
							     .cdw11 = dwords >> 16,
							     .in = out,
							     .len = len});
}

/* How many blocks LEN bytes are by the namespace's format, less one. */
static uint32_t blocks(struct emu_nvme *d, uint32_t nsid, size_t len)
{
	uint8_t id[4096];
	const uint8_t *f;
	size_t step;

	if (emu_nvme_ask_identify(d, 0, nsid, id) != 0)
		return 0;
	f = id + 128 + 4 * (size_t)(id[26] & 0x0f);
	step = ((size_t)1 << f[2]) + (id[26] & 0x10 ? get_le16(f) : 0U);
	return (uint32_t)(len / step - 1);
}

uint16_t emu_nvme_ask_read(struct emu_nvme *d, uint32_t nsid, uint64_t lba, void *out, size_t len)
{
	return emu_nvme_ask_status(d, &(struct emu_nvme_ask){.opcode = 0x02,
							     .is_io = true,
							     .nsid = nsid,
							     .cdw10 = (uint32_t)lba,
							     .cdw11 = (uint32_t)(lba >> 32),
							     .cdw12 = blocks(d, nsid, len),
							     .in = out,
							     .len = len});
}

uint16_t emu_nvme_ask_write(struct emu_nvme *d, uint32_t nsid, uint64_t lba, const void *data,
			    size_t len)
{
	return emu_nvme_ask_status(d, &(struct emu_nvme_ask){.opcode = 0x01,
							     .is_io = true,
							     .nsid = nsid,
							     .cdw10 = (uint32_t)lba,
							     .cdw11 = (uint32_t)(lba >> 32),
							     .cdw12 = blocks(d, nsid, len),
							     .out = data,
							     .len = len});
}

uint16_t emu_nvme_ask_format(struct emu_nvme *d, uint32_t nsid, unsigned ses, unsigned lbaf)
{
	return emu_nvme_ask_status(
		d, &(struct emu_nvme_ask){.opcode = 0x80, .nsid = nsid, .cdw10 = ses << 9 | lbaf});
}

uint16_t emu_nvme_ask_sanitize(struct emu_nvme *d, uint32_t cdw10, uint32_t pattern)
{
	return emu_nvme_ask_status(
		d, &(struct emu_nvme_ask){.opcode = 0x84, .cdw10 = cdw10, .cdw11 = pattern});
}

struct emu_nvme_log81 emu_nvme_ask_log81(struct emu_nvme *d)
{
	uint8_t log[512] = {0};
	struct emu_nvme_log81 l = {0};

	if (emu_nvme_ask_log(d, 0x81, log, sizeof(log)) != 0)
		return l;
	l.sprog = get_le16(log);
	l.sstat = get_le16(log + 2);
	l.scdw10 = get_le32(log + 4);
	l.state = log[36] & 0x0f;
	l.failed_in = log[36] >> 4;
	return l;
}

uint16_t emu_nvme_ask_attach(struct emu_nvme *d, uint32_t nsid, unsigned select, uint16_t cntlid)
{
	uint8_t l[4096] = {1};

	put_le16(l + 2, cntlid);
	return emu_nvme_ask_status(
		d,
		&(struct emu_nvme_ask){
			.opcode = 0x15, .nsid = nsid, .cdw10 = select, .out = l, .len = sizeof(l)});
}
