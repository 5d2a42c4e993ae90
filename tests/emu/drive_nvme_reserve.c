/* Reservations: who may write to a namespace that several hosts see. */
#include "base/wire.h"
#include "tests/emu/drive_nvme_inside.h"

#include <string.h>

/* RTYPE */
#define WRITE_EXCLUSIVE	      1
#define EXCLUSIVE_ACCESS      2
#define WRITE_EXCLUSIVE_REGS  3
#define EXCLUSIVE_ACCESS_REGS 4
#define WRITE_EXCLUSIVE_ALL   5
#define EXCLUSIVE_ACCESS_ALL  6
#define IEKEY		      (1U << 3)
#define NO_CONTROLLER	      0xffff

static struct emu_registrant *find(struct emu_reservation *v, const uint8_t host[16])
{
	for (unsigned i = 0; i < v->n; i++)
		if (memcmp(v->who[i].host, host, 16) == 0)
			return &v->who[i];
	return NULL;
}

static bool is_registered(const struct emu_reservation *v, const uint8_t host[16])
{
	for (unsigned i = 0; i < v->n; i++)
		if (memcmp(v->who[i].host, host, 16) == 0)
			return true;
	return false;
}

static bool is_holder(const struct emu_reservation *v, const uint8_t host[16])
{
	if (v->type == WRITE_EXCLUSIVE_ALL || v->type == EXCLUSIVE_ACCESS_ALL)
		return is_registered(v, host);
	return v->type && memcmp(v->holder, host, 16) == 0;
}

bool emu_nvme_may_write(const struct emu_nvme *d, const struct emu_nvme_ns *ns, unsigned controller)
{
	const struct emu_reservation *v = &ns->held;
	const uint8_t *host = d->ctrl[controller].host;

	switch (v->type) {
	case 0:
		return true;
	case WRITE_EXCLUSIVE:
	case EXCLUSIVE_ACCESS:
		return is_holder(v, host);
	default:
		return is_registered(v, host);
	}
}

bool emu_nvme_may_read(const struct emu_nvme *d, const struct emu_nvme_ns *ns, unsigned controller)
{
	switch (ns->held.type) {
	case EXCLUSIVE_ACCESS:
	case EXCLUSIVE_ACCESS_REGS:
	case EXCLUSIVE_ACCESS_ALL:
		return emu_nvme_may_write(d, ns, controller);
	default:
		return true;
	}
}

bool emu_nvme_reserve_elsewhere(struct emu_nvme *d, uint32_t nsid, uint8_t type)
{
	struct emu_nvme_ns *ns = emu_allocated(d, nsid);
	static const uint8_t host[16] = "ANOTHER HOST   ";

	if (!ns || ns->held.n == EMU_REGISTRANTS_MAX)
		return false;
	ns->held.who[ns->held.n] = (struct emu_registrant){.key = 0x5eed, .cntlid = NO_CONTROLLER};
	memcpy(ns->held.who[ns->held.n++].host, host, 16);
	memcpy(ns->held.holder, host, 16);
	ns->held.type = type;
	ns->held.generation++;
	return true;
}

static void remove_host(struct emu_reservation *v, const uint8_t host[16])
{
	struct emu_registrant *r = find(v, host);

	if (v->type && v->type < WRITE_EXCLUSIVE_ALL && is_holder(v, host))
		v->type = 0;
	if (r)
		*r = v->who[--v->n];
	if (v->n == 0)
		v->type = 0;
}

static void add_host(struct emu_reservation *v, const uint8_t host[16], uint64_t key,
		     struct emu_nvme_cmd *cmd)
{
	struct emu_registrant *r = find(v, host);

	if (r && r->key != key) {
		cmd->status = SC_RESERVATION_CONFLICT;
		return;
	}
	if (!r && v->n == EMU_REGISTRANTS_MAX) {
		cmd->status = SC_INTERNAL;
		return;
	}
	if (!r)
		r = &v->who[v->n++];
	r->key = key;
	r->cntlid = (uint16_t)(cmd->controller + 1);
	memcpy(r->host, host, 16);
	v->generation++;
}

/* [NVMe Base, Reservation Register] */
void emu_nvme_do_register(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	struct emu_reservation *v = &emu_active(d, cmd)->held;
	const uint8_t *host = d->ctrl[cmd->controller].host;
	const uint8_t *data = emu_take(cmd, 16);
	uint32_t cdw10 = emu_cdw(cmd, 10);
	struct emu_registrant *r = find(v, host);

	if (!data)
		return;
	if (cdw10 >> 30 >= 2) /* CPTPL: clear, set */
		v->persists = cdw10 >> 30 == 3;
	switch (cdw10 & 7) {
	case 0:
		add_host(v, host, get_le64(data + 8), cmd);
		break;
	case 1:
		if (!r || (!(cdw10 & IEKEY) && r->key != get_le64(data))) {
			cmd->status = SC_RESERVATION_CONFLICT;
			return;
		}
		remove_host(v, host);
		v->generation++;
		break;
	case 2:
		if (!r || (!(cdw10 & IEKEY) && r->key != get_le64(data))) {
			cmd->status = SC_RESERVATION_CONFLICT;
			return;
		}
		r->key = get_le64(data + 8);
		v->generation++;
		break;
	default:
		cmd->status = SC_INVALID_FIELD;
		break;
	}
}

static void preempt(struct emu_reservation *v, const uint8_t *host, uint8_t type, uint64_t victim)
{
	bool takes = !v->type;

	for (unsigned i = 0; i < v->n;) {
		if (v->who[i].key != victim || memcmp(v->who[i].host, host, 16) == 0) {
			i++;
			continue;
		}
		takes = takes || is_holder(v, v->who[i].host);
		v->who[i] = v->who[--v->n];
	}
	v->generation++;
	if (!takes)
		return;
	v->type = type;
	memcpy(v->holder, host, 16);
}

/* [NVMe Base, Reservation Acquire] */
void emu_nvme_do_acquire(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	struct emu_reservation *v = &emu_active(d, cmd)->held;
	const uint8_t *host = d->ctrl[cmd->controller].host;
	const uint8_t *data = emu_take(cmd, 16);
	uint32_t cdw10 = emu_cdw(cmd, 10);
	uint8_t type = (uint8_t)(cdw10 >> 8);
	struct emu_registrant *r = find(v, host);

	if (!data)
		return;
	if (type == 0 || type > EXCLUSIVE_ACCESS_ALL) {
		cmd->status = SC_INVALID_FIELD;
		return;
	}
	if (!r || r->key != get_le64(data)) {
		cmd->status = SC_RESERVATION_CONFLICT;
		return;
	}
	switch (cdw10 & 7) {
	case 0:
		if (v->type && !(is_holder(v, host) && v->type == type)) {
			cmd->status = SC_RESERVATION_CONFLICT;
			return;
		}
		v->type = type;
		memcpy(v->holder, host, 16);
		break;
	case 1: /* preempt, and preempt and abort: nothing is left to abort */
	case 2:
		preempt(v, host, type, get_le64(data + 8));
		break;
	default:
		cmd->status = SC_INVALID_FIELD;
		break;
	}
}

/* [NVMe Base, Reservation Release] */
void emu_nvme_do_release(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	struct emu_reservation *v = &emu_active(d, cmd)->held;
	const uint8_t *host = d->ctrl[cmd->controller].host;
	const uint8_t *data = emu_take(cmd, 8);
	uint32_t cdw10 = emu_cdw(cmd, 10);
	struct emu_registrant *r = find(v, host);

	if (!data)
		return;
	if (!r || r->key != get_le64(data)) {
		cmd->status = SC_RESERVATION_CONFLICT;
		return;
	}
	switch (cdw10 & 7) {
	case 0:
		if (!is_holder(v, host))
			return; /* it has none to release */
		if (v->type != (uint8_t)(cdw10 >> 8))
			cmd->status = SC_INVALID_FIELD;
		else
			v->type = 0;
		break;
	case 1: /* clear */
		v->n = 0;
		v->type = 0;
		v->generation++;
		break;
	default:
		cmd->status = SC_INVALID_FIELD;
		break;
	}
}

/* [NVMe Base, Reservation Report] */
void emu_nvme_do_report(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	const struct emu_reservation *v = &emu_active(d, cmd)->held;
	uint64_t len = ((uint64_t)emu_cdw(cmd, 10) + 1) * 4;
	bool is_extended = emu_cdw(cmd, 11) & 1;
	size_t head = is_extended ? 64 : 24;
	size_t step = is_extended ? 64 : 24;
	uint8_t out[64 + 64 * EMU_REGISTRANTS_MAX] = {0};
	size_t full = head + step * v->n;

	put_le32(out, v->generation);
	out[4] = v->type;
	put_le16(out + 5, (uint16_t)v->n);
	out[9] = v->persists;
	for (unsigned i = 0; i < v->n; i++) {
		uint8_t *to = out + head + step * i;

		put_le16(to, v->who[i].cntlid);
		to[2] = is_holder(v, v->who[i].host);
		if (is_extended) {
			put_le64(to + 8, v->who[i].key);
			memcpy(to + 16, v->who[i].host, 16);
		} else {
			memcpy(to + 8, v->who[i].host, 8);
			put_le64(to + 16, v->who[i].key);
		}
	}
	if (!cmd->in || cmd->len < len) {
		cmd->status = SC_DATA_LENGTH;
		return;
	}
	memset(cmd->in, 0, len);
	memcpy(cmd->in, out, len < full ? len : full);
	cmd->moved = len;
}
