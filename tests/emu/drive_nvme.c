#include "tests/emu/drive_nvme_inside.h"

#include "base/wire.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* what any command costs */
#define COMMAND_NS (20 * EMU_US)

struct row {
	uint8_t opcode;
	emu_nvme_handler *handler; /* NULL: nothing is to be done */
	bool writes, reads;	   /* user data: reservations have a say */
};

static const struct row admin_rows[] = {
	{0x02, emu_nvme_do_get_log, false, false},
	{0x06, emu_nvme_do_identify, false, false},
	{0x08, NULL, false, false}, /* Abort: nothing is left to abort */
	{0x09, emu_nvme_do_set_features, false, false},
	{0x0a, emu_nvme_do_get_features, false, false},
	{0x0c, emu_nvme_do_event_request, false, false},
	{0x0d, emu_nvme_do_ns_manage, false, false},
	{0x15, emu_nvme_do_ns_attach, false, false},
	{0x18, NULL, false, false}, /* Keep Alive */
	{0x80, emu_nvme_do_format, false, false},
	{0x81, emu_nvme_do_security_send, false, false},
	{0x82, emu_nvme_do_security_receive, false, false},
	{0x84, emu_nvme_do_sanitize, false, false},
};

static const struct row io_rows[] = {
	{0x00, emu_nvme_do_flush, false, false},    {0x01, emu_nvme_do_write, true, false},
	{0x02, emu_nvme_do_read, false, true},	    {0x05, emu_nvme_do_compare, false, true},
	{0x08, emu_nvme_do_zeroes, true, false},    {0x09, emu_nvme_do_dsm, true, false},
	{0x0d, emu_nvme_do_register, false, false}, {0x0e, emu_nvme_do_report, false, false},
	{0x11, emu_nvme_do_acquire, false, false},  {0x15, emu_nvme_do_release, false, false},
};

uint32_t emu_cdw(const struct emu_nvme_cmd *cmd, unsigned n)
{
	return get_le32(cmd->sqe + 4 * (size_t)n);
}

uint32_t emu_nsid(const struct emu_nvme_cmd *cmd)
{
	return emu_cdw(cmd, 1);
}

void emu_nvme_sqe(uint8_t sqe[64], uint8_t opcode, uint32_t nsid, const uint32_t cdw[6])
{
	memset(sqe, 0, 64);
	sqe[0] = opcode;
	put_le32(sqe + 4, nsid);
	for (size_t i = 0; i < 6; i++)
		put_le32(sqe + 40 + 4 * i, cdw[i]);
}

struct emu_nvme_ns *emu_allocated(struct emu_nvme *d, uint32_t nsid)
{
	if (nsid == 0 || nsid > EMU_NVME_NS_MAX || !d->ns[nsid - 1].exists)
		return NULL;
	return &d->ns[nsid - 1];
}

struct emu_nvme_ns *emu_active(struct emu_nvme *d, const struct emu_nvme_cmd *cmd)
{
	struct emu_nvme_ns *ns = emu_allocated(d, emu_nsid(cmd));

	return ns && (ns->attached >> cmd->controller & 1) ? ns : NULL;
}

bool emu_give_padded(struct emu_nvme_cmd *cmd, const void *data, size_t has, size_t len)
{
	if (!cmd->in || cmd->len < len) {
		cmd->status = SC_DATA_LENGTH;
		return false;
	}
	memset(cmd->in, 0, len);
	memcpy(cmd->in, data, len < has ? len : has);
	cmd->moved = len;
	return true;
}

bool emu_give(struct emu_nvme_cmd *cmd, const void *data, size_t len)
{
	return emu_give_padded(cmd, data, len, len);
}

const uint8_t *emu_take(struct emu_nvme_cmd *cmd, size_t len)
{
	if (!cmd->out || cmd->len < len) {
		cmd->status = SC_DATA_LENGTH;
		return NULL;
	}
	cmd->moved = len;
	return cmd->out;
}

static const struct emu_nvme_format *format_of(const struct emu_nvme *d,
					       const struct emu_nvme_ns *ns)
{
	return &d->cfg.formats[ns->format];
}

uint32_t emu_lba_bytes(const struct emu_nvme *d, const struct emu_nvme_ns *ns)
{
	return 1U << format_of(d, ns)->data_exponent;
}

uint32_t emu_meta_bytes(const struct emu_nvme *d, const struct emu_nvme_ns *ns)
{
	return format_of(d, ns)->metadata_bytes;
}

uint64_t emu_lbas(const struct emu_nvme *d, const struct emu_nvme_ns *ns)
{
	return ns->bytes >> format_of(d, ns)->data_exponent;
}

uint64_t emu_data_sectors(uint64_t bytes)
{
	return bytes / 512;
}

/* Enough for each format that the drive has. */
uint64_t emu_meta_sectors(const struct emu_nvme *d, uint64_t bytes)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < d->cfg.formats_n; i++) {
		const struct emu_nvme_format *f = &d->cfg.formats[i];
		uint64_t len = (bytes >> f->data_exponent) * f->metadata_bytes;

		if (len > most)
			most = len;
	}
	return most / 512 + 1;
}

static struct emu_media *make_medium(const struct emu_nvme *d, uint64_t sectors, bool has_spare)
{
	struct emu_media_config mc = {
		.sectors = sectors,
		.sector_bytes = 512,
		.spare_sectors = has_spare ? d->cfg.spare_sectors : 0,
		.is_flash = true,
		.encrypts = d->cfg.encrypts,
	};

	return emu_media_new(&mc);
}

/* Capacity that somebody freed comes back with what still lies in it. */
static bool take_freed(struct emu_nvme *d, struct emu_nvme_ns *ns)
{
	for (unsigned i = 0; i < d->freed_n; i++) {
		if (d->freed[i].bytes != ns->bytes)
			continue;
		ns->data = d->freed[i].data;
		ns->meta = d->freed[i].meta;
		d->freed[i] = d->freed[--d->freed_n];
		return true;
	}
	return false;
}

struct emu_nvme_ns *emu_nvme_ns_make(struct emu_nvme *d, const struct emu_nvme_ns_config *cfg,
				     uint32_t nsid)
{
	struct emu_nvme_ns *ns = &d->ns[nsid - 1];

	assert(nsid && nsid <= EMU_NVME_NS_MAX && !ns->exists);
	assert(cfg->bytes && cfg->bytes % 4096 == 0 && cfg->format < d->cfg.formats_n);
	*ns = (struct emu_nvme_ns){
		.exists = true,
		.bytes = cfg->bytes,
		.format = cfg->format,
		.is_extended = cfg->metadata_extended,
		.protection = cfg->protection,
		.is_shared = cfg->is_shared,
		.attached = cfg->attached,
	};
	if (take_freed(d, ns))
		return ns;
	ns->data = make_medium(d, emu_data_sectors(cfg->bytes), true);
	ns->meta = make_medium(d, emu_meta_sectors(d, cfg->bytes), false);
	if (ns->data && ns->meta)
		return ns;
	emu_media_free(&ns->data);
	emu_media_free(&ns->meta);
	ns->exists = false;
	return NULL;
}

static bool make_all(struct emu_nvme *d)
{
	const struct emu_nvme_config *c = &d->cfg;

	for (unsigned i = 0; i < c->ns_n; i++)
		if (!emu_nvme_ns_make(d, &c->ns[i], i + 1))
			return false;
	d->unallocated = c->unallocated_bytes;
	if (d->unallocated == 0)
		return true;
	d->freed[0] = (struct emu_freed){
		.data = make_medium(d, emu_data_sectors(d->unallocated), true),
		.meta = make_medium(d, emu_meta_sectors(d, d->unallocated), false),
		.bytes = d->unallocated,
	};
	d->freed_n = 1;
	return d->freed[0].data && d->freed[0].meta;
}

struct emu_nvme *emu_nvme_new(const struct emu_nvme_config *cfg, struct emu_time *time)
{
	struct emu_nvme *d = calloc(1, sizeof(*d));

	assert(cfg->controllers_n && cfg->controllers_n <= EMU_NVME_CTRLS_MAX);
	assert(cfg->ns_n <= EMU_NVME_NS_MAX && cfg->formats_n &&
	       cfg->formats_n <= EMU_NVME_FORMATS_MAX);
	if (!d)
		return NULL;
	d->cfg = *cfg;
	if (cfg->image) {
		memcpy(d->image, cfg->image, sizeof(d->image));
		d->cfg.image = d->image;
	}
	if (!cfg->subnqn[0])
		snprintf(d->cfg.subnqn, sizeof(d->cfg.subnqn), "nqn.2026-11.example:emulated:%s",
			 cfg->serial);
	d->time = time;
	if (!make_all(d)) {
		emu_nvme_free(&d);
		return NULL;
	}
	for (unsigned i = 0; i < EMU_NVME_CTRLS_MAX; i++)
		d->ctrl[i].host[15] = (uint8_t)(i + 1);
	emu_nvme_power_on(d);
	return d;
}

void emu_nvme_free(struct emu_nvme **drive)
{
	struct emu_nvme *d = *drive;

	if (!d)
		return;
	for (unsigned i = 0; i < EMU_NVME_NS_MAX; i++) {
		emu_media_free(&d->ns[i].data);
		emu_media_free(&d->ns[i].meta);
	}
	for (unsigned i = 0; i < d->freed_n; i++) {
		emu_media_free(&d->freed[i].data);
		emu_media_free(&d->freed[i].meta);
	}
	free(d);
	*drive = NULL;
}

struct emu_nvme_faults *emu_nvme_faults(struct emu_nvme *d)
{
	return &d->faults;
}

const struct emu_nvme_config *emu_nvme_config_of(const struct emu_nvme *d)
{
	return &d->cfg;
}

struct emu_time *emu_nvme_time(struct emu_nvme *d)
{
	return d->time;
}

struct emu_media *emu_nvme_media(struct emu_nvme *d, uint32_t nsid)
{
	struct emu_nvme_ns *ns = emu_allocated(d, nsid);

	emu_nvme_sanitize_settle(d);
	return ns ? ns->data : NULL;
}

bool emu_nvme_is_attached(const struct emu_nvme *d, uint32_t nsid)
{
	return nsid && nsid <= EMU_NVME_NS_MAX && d->ns[nsid - 1].exists &&
	       d->ns[nsid - 1].attached;
}

struct emu_media *emu_nvme_unallocated(struct emu_nvme *d)
{
	emu_nvme_sanitize_settle(d);
	return d->freed_n ? d->freed[0].data : NULL;
}

static void stain(struct emu_media *m, uint64_t bytes)
{
	emu_media_stain_all(m, emu_data_sectors(bytes));
}

void emu_nvme_stain(struct emu_nvme *d)
{
	emu_nvme_sanitize_settle(d);
	for (unsigned i = 0; i < EMU_NVME_NS_MAX; i++)
		if (d->ns[i].exists)
			stain(d->ns[i].data, d->ns[i].bytes);
	for (unsigned i = 0; i < d->freed_n; i++)
		stain(d->freed[i].data, d->freed[i].bytes);
	d->written = true;
}

struct emu_stains emu_nvme_stains(struct emu_nvme *d)
{
	struct emu_stains all = {0};

	emu_nvme_sanitize_settle(d);
	for (unsigned i = 0; i < EMU_NVME_NS_MAX + d->freed_n; i++) {
		struct emu_media *m =
			i < EMU_NVME_NS_MAX ? d->ns[i].data : d->freed[i - EMU_NVME_NS_MAX].data;
		struct emu_stains s = {0};

		if (m)
			s = emu_media_stains(m, 0, UINT64_MAX);
		all.sectors += s.sectors;
		all.spare += s.spare;
	}
	return all;
}

void emu_nvme_power_off(struct emu_nvme *d)
{
	if (!d->powered)
		return;
	emu_nvme_sanitize_settle(d);
	d->powered_ns += d->time->now_ns - d->on_since_ns;
	d->powered = false;
	d->unsafe_offs++;
}

void emu_nvme_power_on(struct emu_nvme *d)
{
	if (d->powered)
		return;
	d->powered = true;
	d->power_ons++;
	d->on_since_ns = d->time->now_ns;
	for (unsigned i = 0; i < d->cfg.controllers_n; i++)
		emu_nvme_default_features(d, i);
	for (unsigned i = 0; i < EMU_NVME_NS_MAX; i++)
		if (d->ns[i].exists && !d->ns[i].held.persists)
			d->ns[i].held = (struct emu_reservation){0};
	emu_nvme_sanitize_power_on(d);
}

bool emu_nvme_is_powered(const struct emu_nvme *d)
{
	return d->powered;
}

bool emu_nvme_has_vanished(const struct emu_nvme *d)
{
	return d->vanished;
}

void emu_nvme_cut_power_at(struct emu_nvme *d, uint64_t at_ns)
{
	d->cut_at_ns = at_ns;
}

void emu_nvme_reset(struct emu_nvme *d, unsigned controller)
{
	emu_nvme_default_features(d, controller);
}

void emu_nvme_set_host(struct emu_nvme *d, unsigned controller, const uint8_t host_id[16])
{
	memcpy(d->ctrl[controller].host, host_id, sizeof(d->ctrl[controller].host));
}

enum emu_nvme_end emu_nvme_busy(struct emu_nvme *d, uint64_t ns, uint64_t *done_ns)
{
	uint64_t start = d->time->now_ns;
	uint64_t end = start + ns;
	enum emu_nvme_end how = EMU_NVME_DONE;

	if (d->give_up_at_ns && end > d->give_up_at_ns) {
		end = d->give_up_at_ns;
		how = EMU_NVME_GIVEN_UP;
	}
	if (d->cut_at_ns && end >= d->cut_at_ns) {
		end = d->cut_at_ns > start ? d->cut_at_ns : start;
		how = EMU_NVME_POWER;
	}
	switch (emu_time_until(d->time, end)) {
	case EMU_WAKE_TIME:
		break;
	case EMU_WAKE_POWER:
		how = EMU_NVME_POWER;
		break;
	case EMU_WAKE_RESET:
		how = EMU_NVME_GIVEN_UP;
		break;
	}
	*done_ns = d->time->now_ns - start;
	return how;
}

void emu_nvme_cut_off(struct emu_nvme *d, enum emu_nvme_end end, struct emu_nvme_cmd *cmd)
{
	switch (end) {
	case EMU_NVME_DONE:
		return;
	case EMU_NVME_POWER:
		d->cut_at_ns = 0;
		emu_nvme_power_off(d);
		emu_nvme_power_on(d);
		break;
	case EMU_NVME_GIVEN_UP:
		emu_nvme_reset(d, cmd->controller);
		break;
	}
	cmd->answered = false;
	cmd->moved = 0;
}

static const struct row *find_row(const struct emu_nvme *d, const struct emu_nvme_cmd *cmd)
{
	const struct row *rows = cmd->is_io ? io_rows : admin_rows;
	size_t n = cmd->is_io ? sizeof(io_rows) / sizeof(io_rows[0])
			      : sizeof(admin_rows) / sizeof(admin_rows[0]);
	const struct emu_nvme_config *c = &d->cfg;

	for (size_t i = 0; i < n; i++) {
		bool has = true;

		if (rows[i].opcode != cmd->sqe[0])
			continue;
		if (rows[i].handler == emu_nvme_do_format)
			has = c->has_format;
		else if (rows[i].handler == emu_nvme_do_sanitize)
			has = c->sanitize_crypto || c->sanitize_block || c->sanitize_overwrite;
		else if (!cmd->is_io && (cmd->sqe[0] == 0x81 || cmd->sqe[0] == 0x82))
			has = c->has_security;
		else if (!cmd->is_io && (cmd->sqe[0] == 0x0d || cmd->sqe[0] == 0x15))
			has = c->has_ns_management;
		else if (cmd->is_io && cmd->sqe[0] >= 0x0d)
			has = c->has_reservations;
		else if (rows[i].handler == emu_nvme_do_compare)
			has = c->has_compare;
		else if (rows[i].handler == emu_nvme_do_zeroes)
			has = c->has_write_zeroes;
		else if (rows[i].handler == emu_nvme_do_dsm)
			has = c->has_dsm;
		return has ? &rows[i] : NULL;
	}
	return NULL;
}

static void run(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	const struct row *row = find_row(d, cmd);
	const struct emu_nvme_ns *ns;

	if (!row) {
		cmd->status = SC_INVALID_OPCODE;
		return;
	}
	cmd->status = emu_nvme_sanitize_gate(d, cmd);
	if (cmd->status != SC_OK)
		return;
	if (cmd->is_io && row->opcode != 0x00) {
		ns = emu_active(d, cmd);
		if (!ns)
			cmd->status = SC_INVALID_NAMESPACE;
		else if ((row->writes && !emu_nvme_may_write(d, ns, cmd->controller)) ||
			 (row->reads && !emu_nvme_may_read(d, ns, cmd->controller)))
			cmd->status = SC_RESERVATION_CONFLICT;
		if (cmd->status != SC_OK)
			return;
	}
	if (row->handler)
		row->handler(d, cmd);
}

/* [NVMe Base, Admin Command Set; NVM Command Set, I/O commands] */
void emu_nvme_exec(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	uint64_t done;
	enum emu_nvme_end end;

	cmd->answered = d->powered && !d->vanished && cmd->controller < d->cfg.controllers_n;
	cmd->is_held = false;
	cmd->status = SC_OK;
	cmd->result = 0;
	cmd->moved = 0;
	if (!cmd->answered)
		return;
	if (d->faults.vanishes_after && ++d->commands >= d->faults.vanishes_after) {
		d->vanished = true;
		cmd->answered = false;
		return;
	}
	d->give_up_at_ns = cmd->give_up_ns ? d->time->now_ns + cmd->give_up_ns : 0;
	end = emu_nvme_busy(d, COMMAND_NS, &done);
	if (end != EMU_NVME_DONE) {
		emu_nvme_cut_off(d, end, cmd);
		return;
	}
	emu_nvme_sanitize_settle(d);
	run(d, cmd);
	if (cmd->status != SC_OK)
		cmd->moved = 0;
}
