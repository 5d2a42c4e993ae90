/* Fabrics commands: Connect, properties, Disconnect; and the slot that a drive stands in. */
#include "base/wire.h"
#include "tests/emu/nvme_tcp_inside.h"

#include <string.h>

/* FCTYPE */
#define PROPERTY_SET 0x00
#define CONNECT	     0x01
#define PROPERTY_GET 0x04
#define DISCONNECT   0x08
#define CONNECT_LEN  1024
/* properties */
#define P_CAP	  0x00
#define P_VS	  0x08
#define P_CC	  0x14
#define P_CSTS	  0x1c
#define P_NSSR	  0x20
#define CC_EN	  1U
#define CC_SHN	  0xc000U
#define CSTS_SHUT 0x8U /* shutdown is complete */
#define MQES	  127U
#define NSSR_WORD 0x4e564d65U /* "NVMe" */

static void end_all(struct emu_nvme_port *p)
{
	for (unsigned i = 0; i < EMU_NVME_CTRLS_MAX; i++) {
		p->ctrl[i].generation++;
		p->ctrl[i].taken = false;
		p->ctrl[i].cc = p->ctrl[i].csts = 0;
	}
}

void emu_nvme_port_plug(struct emu_nvme_port *p, struct emu_nvme *drive)
{
	p->drive = drive;
	end_all(p);
}

void emu_nvme_port_power(struct emu_nvme_port *p, bool on)
{
	if (p->drive && on)
		emu_nvme_power_on(p->drive);
	else if (p->drive)
		emu_nvme_power_off(p->drive);
	end_all(p);
}

void emu_link_release(struct emu_nvme_link *l)
{
	struct emu_nvme_port *p = l->port;

	p->ctrl[l->controller].taken = false;
	p->ctrl[l->controller].generation++;
	p->ctrl[l->controller].cc = p->ctrl[l->controller].csts = 0;
	emu_nvme_reset(p->drive, l->controller);
}

/* The controller for a host that comes: a free one, else the one that it had. */
static int find_controller(const struct emu_nvme_port *p, const uint8_t host[16])
{
	unsigned n = emu_nvme_config_of(p->drive)->controllers_n;

	for (unsigned i = 0; i < n; i++)
		if (!p->ctrl[i].taken)
			return (int)i;
	for (unsigned i = 0; i < n; i++)
		if (memcmp(p->ctrl[i].host, host, 16) == 0)
			return (int)i;
	return -1;
}

static uint16_t connect_admin(struct emu_nvme_link *l, const uint8_t *data)
{
	struct emu_nvme_port *p = l->port;
	int found = find_controller(p, data);

	if (get_le16(data + 16) != 0xffff) /* CNTLID: the controllers are given out */
		return SC_CONNECT_INVALID;
	if (found < 0)
		return SC_CONNECT_BUSY;
	l->controller = (unsigned)found;
	l->generation = ++p->ctrl[found].generation;
	p->ctrl[found].taken = true;
	p->ctrl[found].cc = p->ctrl[found].csts = 0;
	memcpy(p->ctrl[found].host, data, 16);
	emu_nvme_reset(p->drive, l->controller);
	emu_nvme_set_host(p->drive, l->controller, data);
	return 0;
}

static uint16_t connect_io(struct emu_nvme_link *l, const uint8_t *data)
{
	struct emu_nvme_port *p = l->port;
	unsigned id = get_le16(data + 16);

	if (id == 0 || id > emu_nvme_config_of(p->drive)->controllers_n || l->qid > MQES)
		return SC_CONNECT_INVALID;
	l->controller = id - 1;
	if (!p->ctrl[l->controller].taken || !(p->ctrl[l->controller].csts & CSTS_READY) ||
	    memcmp(p->ctrl[l->controller].host, data, 16) != 0)
		return SC_CONNECT_INVALID;
	l->generation = p->ctrl[l->controller].generation;
	return 0;
}

static void do_connect(struct emu_nvme_link *l, const uint8_t *sqe, const uint8_t *data, size_t len)
{
	const char *nqn = emu_nvme_config_of(l->port->drive)->subnqn;
	uint16_t status = 0;

	if (l->state != LINK_READY) {
		status = SC_SEQUENCE;
	} else if (get_le16(sqe + 40) != 0 || len < CONNECT_LEN) {
		status = SC_CONNECT_FORMAT;
	} else if (strnlen((const char *)data + 256, 256) != strlen(nqn) ||
		   memcmp(data + 256, nqn, strlen(nqn)) != 0 || get_le16(sqe + 44) == 0 ||
		   get_le16(sqe + 44) > MQES) {
		status = SC_CONNECT_INVALID;
	} else {
		l->qid = get_le16(sqe + 42);
		l->size = get_le16(sqe + 44);
		status = l->qid ? connect_io(l, data) : connect_admin(l, data);
	}
	if (status == 0)
		l->state = LINK_CONNECTED;
	emu_link_respond(l, sqe, status == 0 ? l->controller + 1 : 0, status);
}

static uint64_t capabilities(const struct emu_nvme_config *c)
{
	return MQES | 1U << 16 /* CQR */ | 20U << 24 /* TO: 10 s */ | 1ULL << 36 /* NSSRS */ |
	       1ULL << 37 /* the NVM Command Set */ | (c->has_boot_partitions ? 1ULL << 45 : 0) |
	       (c->has_memory_region ? 1ULL << 56 : 0);
}

static void get_property(struct emu_nvme_link *l, const uint8_t *sqe)
{
	const struct emu_nvme_config *c = emu_nvme_config_of(l->port->drive);
	uint64_t value = 0;
	uint16_t status = 0;

	switch (get_le32(sqe + 44)) {
	case P_CAP:
		value = capabilities(c);
		break;
	case P_VS:
		value = c->version;
		break;
	case P_CC:
		value = l->port->ctrl[l->controller].cc;
		break;
	case P_CSTS:
		value = l->port->ctrl[l->controller].csts;
		break;
	case P_NSSR:
		break;
	default:
		status = SC_FIELD;
		break;
	}
	emu_link_respond(l, sqe, sqe[40] & 1 ? value : (uint32_t)value, status);
}

static void set_configuration(struct emu_nvme_link *l, uint32_t cc)
{
	struct emu_nvme_port *p = l->port;
	uint32_t *csts = &p->ctrl[l->controller].csts;

	if ((p->ctrl[l->controller].cc & CC_EN) && !(cc & CC_EN)) {
		emu_nvme_reset(p->drive, l->controller);
		l->held_n = 0;
	}
	p->ctrl[l->controller].cc = cc;
	*csts = (cc & CC_EN ? CSTS_READY : 0) | (cc & CC_SHN ? CSTS_SHUT : 0);
}

/* false: every connection is at its end. */
static bool set_property(struct emu_nvme_link *l, const uint8_t *sqe)
{
	uint32_t offset = get_le32(sqe + 44);
	uint32_t value = get_le32(sqe + 48);

	if (offset == P_NSSR && value == NSSR_WORD) {
		emu_nvme_port_power(l->port, false);
		emu_nvme_port_power(l->port, true);
		return false;
	}
	if (offset == P_CC)
		set_configuration(l, value);
	emu_link_respond(l, sqe, 0, offset == P_CC || offset == P_NSSR ? 0 : SC_FIELD);
	return true;
}

/* [NVMe Base, Fabrics Command Set] */
bool emu_link_fabrics(struct emu_nvme_link *l, const uint8_t *sqe, const uint8_t *data, size_t len)
{
	uint8_t type = sqe[4];

	if (type == CONNECT) {
		do_connect(l, sqe, data, len);
	} else if (l->state != LINK_CONNECTED) {
		emu_link_respond(l, sqe, 0, SC_SEQUENCE);
	} else if (type == PROPERTY_GET && l->qid == 0) {
		get_property(l, sqe);
	} else if (type == PROPERTY_SET && l->qid == 0) {
		return set_property(l, sqe);
	} else if (type == DISCONNECT && l->qid != 0) {
		emu_link_respond(l, sqe, 0, 0);
		return false;
	} else {
		emu_link_respond(l, sqe, 0, SC_FIELD);
	}
	return true;
}
