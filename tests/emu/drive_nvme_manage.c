/* Namespace Management and Attachment. */
#include "base/wire.h"
#include "tests/emu/drive_nvme_inside.h"

#include <string.h>

#define MANAGE_LEN 4096

static uint32_t free_nsid(const struct emu_nvme *d)
{
	for (uint32_t i = 0; i < EMU_NVME_NS_MAX; i++)
		if (!d->ns[i].exists)
			return i + 1;
	return 0;
}

static void create(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	const uint8_t *want = emu_take(cmd, MANAGE_LEN);
	struct emu_nvme_ns_config c = {0};
	uint32_t nsid = free_nsid(d);

	if (!want)
		return;
	c.format = want[26] & 0x0f;
	c.metadata_extended = (want[26] & 0x10) != 0;
	c.protection = want[29] & 7;
	c.is_shared = want[30] & 1;
	if (c.format >= d->cfg.formats_n ||
	    (c.protection && d->cfg.formats[c.format].metadata_bytes < 8)) {
		cmd->status = SC_INVALID_FORMAT;
		return;
	}
	if (get_le64(want) == 0 || get_le64(want) != get_le64(want + 8)) {
		cmd->status = SC_INVALID_FIELD; /* no thin provisioning */
		return;
	}
	if (__builtin_mul_overflow(get_le64(want), 1ULL << d->cfg.formats[c.format].data_exponent,
				   &c.bytes) ||
	    c.bytes > UINT64_MAX - 4096) {
		cmd->status = SC_NO_CAPACITY;
		return;
	}
	c.bytes = (c.bytes + 4095) / 4096 * 4096;
	if (c.bytes > d->unallocated)
		cmd->status = SC_NO_CAPACITY;
	else if (nsid == 0 || !emu_nvme_ns_make(d, &c, nsid))
		cmd->status = SC_NO_NSID;
	if (cmd->status != SC_OK)
		return;
	d->unallocated -= c.bytes;
	cmd->result = nsid;
}

/* What lies in it stays: it is capacity that nobody has allocated. */
static void destroy(struct emu_nvme *d, struct emu_nvme_ns *ns)
{
	uint32_t nsid = (uint32_t)(ns - d->ns) + 1;
	uint32_t attached = ns->attached;

	if (d->freed_n == EMU_FREED_MAX) { /* the oldest has been used for other things since */
		emu_media_free(&d->freed[0].data);
		emu_media_free(&d->freed[0].meta);
		memmove(d->freed, d->freed + 1, (EMU_FREED_MAX - 1) * sizeof(d->freed[0]));
		d->freed_n--;
	}
	emu_media_trim(ns->data, 0, emu_data_sectors(ns->bytes));
	d->freed[d->freed_n++] =
		(struct emu_freed){.data = ns->data, .meta = ns->meta, .bytes = ns->bytes};
	d->unallocated += ns->bytes;
	*ns = (struct emu_nvme_ns){0};
	emu_nvme_ns_changed(d, nsid, attached);
}

/* [NVMe Base, Namespace Management] */
void emu_nvme_do_ns_manage(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	unsigned select = emu_cdw(cmd, 10) & 0x0f;
	uint32_t nsid = emu_nsid(cmd);

	if (select == 0) {
		create(d, cmd);
	} else if (select != 1) {
		cmd->status = SC_INVALID_FIELD;
	} else if (nsid != EMU_NSID_ALL && !emu_allocated(d, nsid)) {
		cmd->status = SC_INVALID_NAMESPACE;
	} else {
		for (uint32_t i = 0; i < EMU_NVME_NS_MAX; i++)
			if (d->ns[i].exists && (nsid == EMU_NSID_ALL || nsid == i + 1))
				destroy(d, &d->ns[i]);
	}
}

/* The controllers of the list, or 0: it is none. */
static uint32_t read_list(const struct emu_nvme *d, const uint8_t *list)
{
	unsigned n = get_le16(list);
	uint32_t found = 0;

	if (n == 0 || n > d->cfg.controllers_n)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		unsigned id = get_le16(list + 2 + 2 * (size_t)i);

		if (id == 0 || id > d->cfg.controllers_n)
			return 0;
		found |= 1U << (id - 1);
	}
	return found;
}

/* [NVMe Base, Namespace Attachment] */
void emu_nvme_do_ns_attach(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	unsigned select = emu_cdw(cmd, 10) & 0x0f;
	struct emu_nvme_ns *ns = emu_allocated(d, emu_nsid(cmd));
	const uint8_t *list = emu_take(cmd, MANAGE_LEN);
	uint32_t which;

	if (!list)
		return;
	which = read_list(d, list);
	if (!ns)
		cmd->status = SC_INVALID_NAMESPACE;
	else if (select > 1)
		cmd->status = SC_INVALID_FIELD;
	else if (!which)
		cmd->status = SC_CONTROLLER_LIST;
	else if (select == 0 && (ns->attached & which))
		cmd->status = SC_ALREADY_ATTACHED;
	else if (select == 0 && !ns->is_shared &&
		 ((ns->attached | which) & ((ns->attached | which) - 1)))
		cmd->status = SC_IS_PRIVATE;
	else if (select == 1 && (ns->attached & which) != which)
		cmd->status = SC_NOT_ATTACHED;
	if (cmd->status != SC_OK)
		return;
	ns->attached = select == 0 ? ns->attached | which : ns->attached & ~which;
	emu_nvme_ns_changed(d, emu_nsid(cmd), which);
}
