#include "tests/emu/nvme_tcp_inside.h"

#include "base/wire.h"

#include <stdlib.h>
#include <string.h>

/* PDU types [NVMe/TCP Transport, PDU] */
#define ICREQ	     0x00
#define ICRESP	     0x01
#define H2C_TERM     0x02
#define C2H_TERM     0x03
#define CAPSULE_CMD  0x04
#define CAPSULE_RESP 0x05
#define H2C_DATA     0x06
#define C2H_DATA     0x07
#define R2T	     0x09
#define COMMON_LEN   8U
#define IC_LEN	     128U
#define CMD_LEN	     72U
#define SHORT_LEN    24U
#define FLAG_DIGESTS 0x03U
#define FLAG_LAST    0x04U
/* SGL descriptor of a command, at 24: address 8, length 4, type in its last byte */
#define SGL_LENGTH    32
#define SGL_TYPE      39
#define SGL_OFFSET    0x01 /* in the capsule */
#define SGL_TRANSPORT 0x5a
/* why a connection ends: Fatal Error Status */
#define FES_FIELD    0x01
#define FES_SEQUENCE 0x02
#define FES_RANGE    0x04
#define PDU_MAX	     (CMD_LEN + EMU_NVME_TCP_DATA_MAX)

static void put_header(uint8_t *h, uint8_t type, uint8_t flags, uint8_t hlen, uint32_t plen)
{
	memset(h, 0, hlen);
	h[0] = type;
	h[1] = flags;
	h[2] = hlen;
	put_le32(h + 4, plen);
}

void emu_link_respond(struct emu_nvme_link *l, const uint8_t *sqe, uint64_t result, uint16_t status)
{
	uint8_t pdu[SHORT_LEN];
	uint8_t *cqe = pdu + COMMON_LEN;

	put_header(pdu, CAPSULE_RESP, 0, SHORT_LEN, SHORT_LEN);
	put_le64(cqe, result);
	if (l->size)
		l->head = (uint16_t)((l->head + 1U) % (l->size + 1U));
	put_le16(cqe + 8, l->head);
	put_le16(cqe + 10, l->qid);
	memcpy(cqe + 12, sqe + 2, 2);
	put_le16(cqe + 14, (uint16_t)((unsigned)status << 1));
	xp_buf_add(l->out, pdu, sizeof(pdu));
}

static void send_data(struct emu_nvme_link *l, const uint8_t *sqe, const uint8_t *data, size_t len)
{
	uint8_t pdu[SHORT_LEN];

	put_header(pdu, C2H_DATA, FLAG_LAST, SHORT_LEN, SHORT_LEN + (uint32_t)len);
	pdu[3] = SHORT_LEN; /* PDO */
	memcpy(pdu + 8, sqe + 2, 2);
	put_le32(pdu + 16, (uint32_t)len);
	xp_buf_add(l->out, pdu, sizeof(pdu));
	xp_buf_add(l->out, data, len);
}

/* Says why, and ends the connection. */
static bool terminate(struct emu_nvme_link *l, uint16_t fes, uint32_t where)
{
	uint8_t pdu[SHORT_LEN];

	put_header(pdu, C2H_TERM, 0, SHORT_LEN, SHORT_LEN + l->header_len);
	put_le16(pdu + 8, fes);
	put_le32(pdu + 10, where);
	xp_buf_add(l->out, pdu, sizeof(pdu));
	xp_buf_add(l->out, l->in.data, l->header_len);
	return false;
}

struct emu_nvme_link *emu_nvme_link_new(struct emu_nvme_port *port)
{
	struct emu_nvme_link *l = calloc(1, sizeof(*l));

	if (l)
		l->port = port;
	return l;
}

void emu_nvme_link_free(struct emu_nvme_link **link)
{
	struct emu_nvme_link *l = *link;

	if (!l)
		return;
	/* without its admin queue a controller is nobody's */
	if (l->state == LINK_CONNECTED && l->qid == 0 && emu_link_is_alive(l))
		emu_link_release(l);
	for (unsigned i = 0; i < EMU_SLOTS; i++)
		free(l->slots[i].data);
	xp_buf_free(&l->in);
	free(l);
	*link = NULL;
}

bool emu_link_is_alive(const struct emu_nvme_link *l)
{
	const struct emu_nvme_port *p = l->port;

	return p->drive && emu_nvme_is_powered(p->drive) && !emu_nvme_has_vanished(p->drive) &&
	       (l->state != LINK_CONNECTED || p->ctrl[l->controller].generation == l->generation);
}

static bool is_to_controller(const uint8_t *sqe)
{
	return ((sqe[0] == 0x7f ? sqe[4] : sqe[0]) & 3) == 1;
}

static bool is_to_host(const uint8_t *sqe)
{
	return ((sqe[0] == 0x7f ? sqe[4] : sqe[0]) & 3) == 2;
}

/* A command of the drive, with all its data. */
static bool execute(struct emu_nvme_link *l, const uint8_t *sqe, const uint8_t *data, size_t len)
{
	struct emu_nvme_cmd cmd = {
		.controller = l->controller, .is_io = l->qid != 0, .out = data, .len = len};
	uint8_t *in = NULL;

	if (is_to_host(sqe)) {
		cmd.len = get_le32(sqe + SGL_LENGTH);
		if (cmd.len > EMU_NVME_TCP_DATA_MAX) {
			emu_link_respond(l, sqe, 0, SC_FIELD);
			return true;
		}
		in = calloc(1, cmd.len + 1);
		if (!in)
			abort();
		cmd.in = in;
		cmd.out = NULL;
	}
	memcpy(cmd.sqe, sqe, sizeof(cmd.sqe));
	emu_nvme_exec(l->port->drive, &cmd);
	if (cmd.answered && cmd.is_held) {
		l->held[l->held_n++] = get_le16(sqe + 2);
	} else if (cmd.answered) {
		if (cmd.status == 0 && in && cmd.moved)
			send_data(l, sqe, in, cmd.moved);
		emu_link_respond(l, sqe, cmd.result, cmd.status);
	}
	free(in);
	return cmd.answered;
}

static bool do_command(struct emu_nvme_link *l, const uint8_t *sqe, const uint8_t *data, size_t len)
{
	if (sqe[0] == 0x7f)
		return emu_link_fabrics(l, sqe, data, len);
	if (l->state != LINK_CONNECTED || !(l->port->ctrl[l->controller].csts & CSTS_READY)) {
		emu_link_respond(l, sqe, 0, SC_SEQUENCE);
		return true;
	}
	if (l->qid == 0 && sqe[0] == 0x0c && l->held_n == EMU_HELD_MAX) {
		emu_link_respond(l, sqe, 0, SC_EVENT_LIMIT);
		return true;
	}
	return execute(l, sqe, data, len);
}

/* Asks for the data of a command; it is carried out once they are here. */
static bool ask_for_data(struct emu_nvme_link *l, const uint8_t *sqe)
{
	uint32_t len = get_le32(sqe + SGL_LENGTH);
	uint8_t pdu[SHORT_LEN];
	unsigned tag = 0;
	struct emu_slot *s;

	while (tag < EMU_SLOTS && l->slots[tag].data)
		tag++;
	if (len > EMU_NVME_TCP_DATA_MAX || tag == EMU_SLOTS) {
		emu_link_respond(l, sqe, 0, SC_FIELD);
		return true;
	}
	s = &l->slots[tag];
	s->data = malloc(len);
	if (!s->data)
		abort();
	memcpy(s->sqe, sqe, sizeof(s->sqe));
	s->len = len;
	s->got = 0;
	put_header(pdu, R2T, 0, SHORT_LEN, SHORT_LEN);
	memcpy(pdu + 8, sqe + 2, 2);
	put_le16(pdu + 10, (uint16_t)tag);
	put_le32(pdu + 16, len);
	xp_buf_add(l->out, pdu, sizeof(pdu));
	return true;
}

static bool take_command(struct emu_nvme_link *l, const uint8_t *pdu, uint32_t plen)
{
	const uint8_t *sqe = pdu + COMMON_LEN;
	uint32_t data_len = plen - CMD_LEN;
	uint32_t len = get_le32(sqe + SGL_LENGTH);

	if (data_len && pdu[3] != CMD_LEN) /* PDO: nothing is asked to be padded */
		return terminate(l, FES_FIELD, 3);
	if (!is_to_controller(sqe) || len == 0)
		return do_command(l, sqe, NULL, 0);
	if (sqe[SGL_TYPE] == SGL_TRANSPORT && data_len == 0)
		return ask_for_data(l, sqe);
	if (sqe[SGL_TYPE] != SGL_OFFSET || data_len != len || data_len > EMU_NVME_TCP_CAPSULE) {
		emu_link_respond(l, sqe, 0, SC_FIELD);
		return true;
	}
	return do_command(l, sqe, pdu + CMD_LEN, data_len);
}

static bool take_data(struct emu_nvme_link *l, const uint8_t *pdu, uint32_t plen)
{
	unsigned tag = get_le16(pdu + 10);
	uint32_t offset = get_le32(pdu + 12);
	uint32_t len = get_le32(pdu + 16);
	struct emu_slot *s = &l->slots[tag < EMU_SLOTS ? tag : 0];
	struct emu_slot done;
	bool goes_on;

	if (tag >= EMU_SLOTS || !s->data || memcmp(s->sqe + 2, pdu + 8, 2) != 0)
		return terminate(l, FES_FIELD, 10);
	if (pdu[3] != SHORT_LEN || len != plen - SHORT_LEN)
		return terminate(l, FES_FIELD, 16);
	if (offset != s->got || len > s->len - s->got)
		return terminate(l, FES_RANGE, 12);
	memcpy(s->data + s->got, pdu + SHORT_LEN, len);
	s->got += len;
	if (s->got < s->len)
		return true;
	done = *s;
	*s = (struct emu_slot){0};
	goes_on = do_command(l, done.sqe, done.data, done.len);
	free(done.data);
	return goes_on;
}

static bool take_icreq(struct emu_nvme_link *l, const uint8_t *pdu)
{
	uint8_t answer[IC_LEN];

	if (get_le16(pdu + 8) != 0) /* PFV */
		return terminate(l, FES_FIELD, 8);
	if (pdu[10] != 0) /* HPDA: data are not aligned here */
		return terminate(l, FES_FIELD, 10);
	put_header(answer, ICRESP, 0, IC_LEN, IC_LEN);
	put_le32(answer + 12, EMU_NVME_TCP_DATA_MAX); /* MAXH2CDATA */
	xp_buf_add(l->out, answer, sizeof(answer));
	l->state = LINK_READY;
	return true;
}

static bool take_pdu(struct emu_nvme_link *l, const uint8_t *pdu, uint32_t plen)
{
	if (!emu_link_is_alive(l))
		return false;
	if ((l->state == LINK_NEW) != (pdu[0] == ICREQ))
		return pdu[0] == H2C_TERM ? false : terminate(l, FES_SEQUENCE, 0);
	switch (pdu[0]) {
	case ICREQ:
		return take_icreq(l, pdu);
	case CAPSULE_CMD:
		return take_command(l, pdu, plen);
	case H2C_DATA:
		return take_data(l, pdu, plen);
	default:
		return false; /* H2C_TERM */
	}
}

/* The length of a header by its type; 0: no host sends it. */
static uint32_t header_len(uint8_t type)
{
	switch (type) {
	case ICREQ:
		return IC_LEN;
	case H2C_TERM:
	case H2C_DATA:
		return SHORT_LEN;
	case CAPSULE_CMD:
		return CMD_LEN;
	default:
		return 0;
	}
}

/* A common header that makes sense? */
static bool is_sound(struct emu_nvme_link *l, const uint8_t *h, uint32_t *plen)
{
	uint32_t hlen = header_len(h[0]);

	*plen = get_le32(h + 4);
	l->header_len = COMMON_LEN;
	if (hlen == 0)
		return terminate(l, FES_FIELD, 0);
	if (h[1] & FLAG_DIGESTS)
		return terminate(l, FES_FIELD, 1);
	if (h[2] != hlen)
		return terminate(l, FES_FIELD, 2);
	if (*plen < hlen || *plen > PDU_MAX || (h[0] == ICREQ && *plen != IC_LEN))
		return terminate(l, FES_FIELD, 4);
	return true;
}

bool emu_nvme_link_feed(struct emu_nvme_link *l, const uint8_t *data, size_t len,
			struct xp_buf *out)
{
	size_t at = 0;

	l->out = out;
	xp_buf_add(&l->in, data, len);
	if (!xp_buf_ok(&l->in))
		return false;
	while (l->in.len - at >= COMMON_LEN) {
		const uint8_t *pdu = (const uint8_t *)l->in.data + at;
		uint32_t plen;

		if (!is_sound(l, pdu, &plen))
			return false;
		if (l->in.len - at < plen)
			break;
		if (!take_pdu(l, pdu, plen))
			return false;
		at += plen;
	}
	if (at) {
		memmove(l->in.data, l->in.data + at, l->in.len - at);
		l->in.len -= at;
	}
	return emu_nvme_link_poll(l, out);
}

bool emu_nvme_link_poll(struct emu_nvme_link *l, struct xp_buf *out)
{
	uint8_t sqe[64] = {0};
	uint32_t result;

	l->out = out;
	if (!emu_link_is_alive(l))
		return false;
	while (l->held_n && emu_nvme_event(l->port->drive, l->controller, &result)) {
		put_le16(sqe + 2, l->held[--l->held_n]);
		emu_link_respond(l, sqe, result, 0);
	}
	return true;
}
