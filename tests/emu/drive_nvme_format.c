/* Format NVM, Security Send and Receive. */
#include "base/wire.h"
#include "tests/emu/drive_nvme_inside.h"

#include <string.h>

/* CDW10 of Format NVM */
#define SES_NONE   0
#define SES_USER   1
#define SES_CRYPTO 2

struct wish {
	unsigned ses;
	uint8_t format;
	bool is_extended, is_first;
	uint8_t protection;
};

static struct wish read_wish(uint32_t cdw10)
{
	return (struct wish){
		.ses = cdw10 >> 9 & 7,
		.format = (uint8_t)((cdw10 & 0x0f) | (cdw10 >> 12 & 3) << 4),
		.is_extended = (cdw10 >> 4 & 1) != 0,
		.protection = (uint8_t)(cdw10 >> 5 & 7),
		.is_first = (cdw10 >> 8 & 1) != 0,
	};
}

static uint16_t check(const struct emu_nvme *d, const struct wish *w)
{
	if (w->ses > SES_CRYPTO || (w->ses == SES_CRYPTO && !d->cfg.format_crypto))
		return SC_INVALID_FIELD;
	if (w->format >= d->cfg.formats_n || w->protection > 3)
		return SC_INVALID_FORMAT;
	if (w->protection && d->cfg.formats[w->format].metadata_bytes < 8)
		return SC_INVALID_FORMAT;
	return SC_OK;
}

/* The first format with blocks of another size. */
static uint8_t other_format(const struct emu_nvme *d, uint8_t format)
{
	for (uint8_t i = 0; i < d->cfg.formats_n; i++)
		if (d->cfg.formats[i].data_exponent != d->cfg.formats[format].data_exponent)
			return i;
	return format;
}

static void erase(struct emu_nvme *d, struct emu_nvme_ns *ns, const struct wish *w, double share)
{
	bool has_pattern = d->faults.vendor_pattern && w->ses == SES_USER;
	struct emu_wipe wipe = {
		.erase = {.kind = w->ses == SES_CRYPTO ? EMU_ERASE_KEY : EMU_ERASE_CELLS,
			  .sectors = emu_data_sectors(ns->bytes),
			  .pattern = has_pattern ? d->faults.pattern : 0,
			  .spare = d->cfg.format_reaches_spare,
			  .leave = d->faults.leave},
		.share = share,
		.keeps_mapped = has_pattern,
	};

	if (w->ses == SES_NONE)
		emu_media_trim(ns->data, 0, emu_data_sectors(ns->bytes));
	else
		emu_nvme_wipe(d, ns->data, ns->meta, &wipe);
}

static void format_one(struct emu_nvme *d, struct emu_nvme_ns *ns, const struct wish *w)
{
	struct emu_erase fresh = {.kind = EMU_ERASE_CELLS,
				  .sectors = emu_meta_sectors(d, ns->bytes)};

	if (d->faults.format_ignored)
		return;
	erase(d, ns, w, 1);
	emu_media_erase(ns->meta, &fresh);
	ns->format = d->faults.format_changes_lba ? other_format(d, w->format) : w->format;
	ns->is_extended = w->is_extended && emu_meta_bytes(d, ns);
	ns->protection =
		d->faults.format_drops_protection || emu_meta_bytes(d, ns) < 8 ? 0 : w->protection;
	ns->is_first = ns->protection && w->is_first;
	emu_nvme_ns_changed(d, (uint32_t)(ns - d->ns) + 1, ns->attached);
}

/* The namespaces that a command reaches: bit NSID less 1. */
static uint32_t reach(struct emu_nvme *d, struct emu_nvme_cmd *cmd, const struct wish *w)
{
	bool all = w->ses == SES_NONE ? d->cfg.format_all : d->cfg.erase_all;
	uint32_t nsid = emu_nsid(cmd);
	uint32_t reached = 0;

	if (nsid == EMU_NSID_ALL && d->cfg.format_broadcast_refused)
		cmd->status = SC_INVALID_FIELD;
	else if (nsid != EMU_NSID_ALL && (nsid == 0 || nsid > EMU_NVME_NS_MAX))
		cmd->status = SC_INVALID_NAMESPACE;
	else if (nsid != EMU_NSID_ALL && !emu_active(d, cmd))
		cmd->status = SC_INVALID_FIELD;
	if (cmd->status != SC_OK)
		return 0;
	for (unsigned i = 0; i < EMU_NVME_NS_MAX; i++) {
		const struct emu_nvme_ns *ns = &d->ns[i];
		bool sees = (ns->attached >> cmd->controller & 1) != 0;

		if (ns->exists && (all || (nsid == EMU_NSID_ALL ? sees : nsid == i + 1)))
			reached |= 1U << i;
	}
	return reached;
}

/* [NVMe Base, Format NVM] */
void emu_nvme_do_format(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	struct wish w = read_wish(emu_cdw(cmd, 10));
	uint32_t reached;
	uint64_t ns_time = (w.ses == SES_USER ? d->cfg.format_seconds : 1) * EMU_S;
	uint64_t done;
	enum emu_nvme_end end;

	cmd->status = check(d, &w);
	reached = cmd->status == SC_OK ? reach(d, cmd, &w) : 0;
	for (unsigned i = 0; i < EMU_NVME_NS_MAX; i++)
		if ((reached >> i & 1) && !emu_nvme_may_write(d, &d->ns[i], cmd->controller))
			cmd->status = SC_RESERVATION_CONFLICT;
	for (unsigned i = 0; i < EMU_NVME_NS_MAX && cmd->status == SC_OK; i++) {
		if (!(reached >> i & 1))
			continue;
		end = emu_nvme_busy(d, ns_time, &done);
		if (end != EMU_NVME_DONE) {
			if (!d->faults.format_ignored)
				erase(d, &d->ns[i], &w, (double)done / (double)ns_time);
			emu_nvme_cut_off(d, end, cmd);
			return;
		}
		format_one(d, &d->ns[i], &w);
	}
}

/* Level 0 Discovery of an Opal 2 drive that nobody has taken. */
static void put_discovery(uint8_t out[512])
{
	uint8_t *tper = out + 48;
	uint8_t *locking = tper + 16;
	uint8_t *opal = locking + 16;

	put_be32(out, 48 + 16 + 16 + 20 - 4);
	put_be32(out + 4, 1);
	put_be16(tper, 0x0001);
	tper[2] = 0x10;
	tper[3] = 12;
	tper[4] = 0x11; /* sync, streaming */
	put_be16(locking, 0x0002);
	locking[2] = 0x10;
	locking[3] = 12;
	locking[4] = 0x09; /* supported, media encryption */
	put_be16(opal, 0x0203);
	opal[2] = 0x10;
	opal[3] = 16;
	put_be16(opal + 4, 0x07fe); /* base ComID */
	put_be16(opal + 6, 1);
}

/* [NVMe Base, Security Receive; SPC-5, security protocol information; TCG Storage, Level 0] */
void emu_nvme_do_security_receive(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	uint8_t out[512] = {0};
	unsigned protocol = emu_cdw(cmd, 10) >> 24;
	unsigned specific = emu_cdw(cmd, 10) >> 8 & 0xffff;
	uint32_t len = emu_cdw(cmd, 11);

	(void)d;
	if (protocol == 0 && specific == 0) {
		out[7] = 2; /* 00h and 01h */
		out[9] = 1;
	} else if (protocol == 1 && specific == 1) {
		put_discovery(out);
	} else if (protocol != 0 || specific != 1) { /* 0, 1: a certificate of no bytes */
		cmd->status = SC_INVALID_FIELD;
		return;
	}
	emu_give_padded(cmd, out, sizeof(out), len);
}

/* Sessions are not spoken: a ComID that nobody manages has nothing to say. */
void emu_nvme_do_security_send(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	unsigned protocol = emu_cdw(cmd, 10) >> 24;
	uint32_t len = emu_cdw(cmd, 11);

	(void)d;
	if (protocol != 1)
		cmd->status = SC_INVALID_FIELD;
	else
		emu_take(cmd, len);
}
