#include "base/wire.h"
#include "tests/emu/drive_nvme_inside.h"
#include "tests/emu/padded_text.h"

#include <stdio.h>
#include <string.h>

#define IDENTIFY_LEN 4096
/* CNS */
#define CNS_NS		     0x00
#define CNS_CTRL	     0x01
#define CNS_ACTIVE	     0x02
#define CNS_DESCRIPTORS	     0x03
#define CNS_CSI_NS	     0x05
#define CNS_CSI_CTRL	     0x06
#define CNS_CSI_ACTIVE	     0x07
#define CNS_ALLOCATED	     0x10
#define CNS_ALLOCATED_NS     0x11
#define CNS_NS_CTRLS	     0x12
#define CNS_CTRLS	     0x13
#define CNS_CSI_ALLOCATED    0x1a
#define CNS_CSI_ALLOCATED_NS 0x1b

/* 16 bytes, of which no drive has more than eight */
static void put_le128(uint8_t *out, uint64_t v)
{
	put_le64(out, v);
	put_le64(out + 8, 0);
}

static uint64_t total_bytes(const struct emu_nvme *d)
{
	uint64_t sum = d->unallocated;

	for (unsigned i = 0; i < EMU_NVME_NS_MAX; i++)
		if (d->ns[i].exists)
			sum += d->ns[i].bytes;
	return sum;
}

static uint32_t sanicap_of(const struct emu_nvme_config *c)
{
	return (c->sanitize_crypto ? 1U : 0) | (c->sanitize_block ? 2U : 0) |
	       (c->sanitize_overwrite ? 4U : 0) | (c->has_media_verification ? 8U : 0) |
	       (c->no_deallocate_inhibited ? 1U << 29 : 0) |
	       (uint32_t)c->no_deallocate_modifies << 30;
}

static void put_own(const struct emu_nvme_config *c, uint8_t *out)
{
	unsigned oncs = (c->has_compare ? 0x01U : 0) | (c->has_dsm ? 0x04U : 0) |
			(c->has_write_zeroes ? 0x08U : 0) | 0x10U /* Save, Select */ |
			(c->has_reservations ? 0x20U : 0);

	put_le16(out + 0, 0x1b36);
	put_le16(out + 2, 0x1b36);
	emu_put_text(out + 24, 40, c->model);
	emu_put_text(out + 64, 8, c->firmware);
	out[76] = c->controllers_n > 1 ? 0x03 : 0; /* CMIC: ports, controllers */
	out[77] = 5;				   /* MDTS */
	put_le32(out + 80, c->version);
	put_le32(out + 92, 1U << 8); /* OAES: namespace attribute notices */
	out[111] = 1;		     /* CNTRLTYPE: I/O */
	put_le16(out + 256, (uint16_t)((c->has_security ? 1 : 0) | (c->has_format ? 2 : 0) |
				       (c->has_ns_management ? 8 : 0)));
	out[258] = 3;	 /* ACL */
	out[259] = 3;	 /* AERL */
	out[260] = 0x03; /* FRMW: slot 1, read only */
	out[261] = 0x02; /* LPA: commands supported and effects */
	put_le16(out + 266, 343);
	put_le16(out + 268, 353);
	put_le32(out + 312, c->rpmbs);
	put_le32(out + 328, sanicap_of(c));
	out[512] = 0x66; /* SQES */
	out[513] = 0x44; /* CQES */
	put_le16(out + 520, (uint16_t)oncs);
	out[524] = (uint8_t)((c->format_all ? 1 : 0) | (c->erase_all ? 2 : 0) |
			     (c->format_crypto ? 4 : 0) | (c->format_broadcast_refused ? 8 : 0));
	out[525] = c->has_volatile_cache ? 1 : 0;
}

void emu_nvme_id_ctrl(struct emu_nvme *d, unsigned controller, uint8_t out[4096])
{
	const struct emu_nvme_config *c = &d->cfg;

	memset(out, 0, IDENTIFY_LEN);
	if (c->image)
		memcpy(out, d->image, IDENTIFY_LEN);
	else
		put_own(c, out);
	emu_put_text(out + 4, 20, c->serial);
	put_le16(out + 78, (uint16_t)(controller + 1)); /* CNTLID */
	if (!c->image || c->has_ns_management) {
		put_le128(out + 280, total_bytes(d)); /* TNVMCAP */
		put_le128(out + 296, d->unallocated); /* UNVMCAP */
	}
	put_le32(out + 516, EMU_NVME_NS_MAX); /* NN */
	put_le32(out + 540, EMU_NVME_NS_MAX); /* MNAN */
	memset(out + 768, 0, 256);
	memcpy(out + 768, c->subnqn, strnlen(c->subnqn, sizeof(c->subnqn)));
	if (c->capsule_bytes == 0)
		return;
	/* behind fabrics */
	put_le16(out + 320, 10);			 /* KAS: in 100 ms */
	put_le16(out + 514, 128);			 /* MAXCMD */
	put_le32(out + 536, 1U | 1U << 20);		 /* SGLS: with an offset, too */
	put_le32(out + 1792, 4 + c->capsule_bytes / 16); /* IOCCSZ */
	put_le32(out + 1796, 1);			 /* IORCSZ */
	out[1803] = 1;					 /* MSDBD */
}

static uint64_t ns_unique(const struct emu_nvme *d, uint32_t nsid)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (const char *p = d->cfg.serial; *p; p++)
		h = (h ^ (uint8_t)*p) * 0x100000001b3ULL;
	return h << 8 | nsid;
}

static void put_names(const struct emu_nvme *d, uint32_t nsid, uint8_t *nguid, uint8_t *eui64)
{
	put_be64(nguid, 0x0025385000000000ULL | nsid);
	put_be64(nguid + 8, ns_unique(d, nsid));
	put_be64(eui64, 0x0025380000000000ULL | (ns_unique(d, nsid) & 0xffffffffffULL));
}

static uint8_t dlfeat_of(const struct emu_nvme_config *c)
{
	switch (c->deallocated) {
	case EMU_TRIMMED_ZERO:
		return 1 | 8;
	case EMU_TRIMMED_ONES:
		return 2;
	case EMU_TRIMMED_OLD:
		break;
	}
	return 0;
}

static void put_formats(const struct emu_nvme *d, uint8_t *out)
{
	out[25] = (uint8_t)(d->cfg.formats_n - 1);
	for (unsigned i = 0; i < d->cfg.formats_n; i++) {
		uint8_t *f = out + 128 + 4 * (size_t)i;

		put_le16(f, d->cfg.formats[i].metadata_bytes);
		f[2] = d->cfg.formats[i].data_exponent;
		f[3] = i == 0 ? 0 : 1; /* RP */
	}
}

static void put_ns(const struct emu_nvme *d, const struct emu_nvme_ns *ns, uint8_t *out)
{
	uint64_t lbas = emu_lbas(d, ns);

	put_le64(out, lbas);
	put_le64(out + 8, lbas);
	put_le64(out + 16, lbas);
	put_formats(d, out);
	out[26] = (uint8_t)(ns->format | (ns->is_extended ? 0x10 : 0));
	out[27] = 0x03; /* MC: extended and separate */
	out[28] = 0x1f; /* DPC: types 1 to 3, first and last */
	out[29] = (uint8_t)(ns->protection | (ns->is_first ? 8 : 0));
	out[30] = ns->is_shared ? 1 : 0;
	out[31] = d->cfg.has_reservations ? 0x7f : 0; /* RESCAP */
	out[33] = dlfeat_of(&d->cfg);
	put_le128(out + 48, ns->bytes);
	put_names(d, (uint32_t)(ns - d->ns) + 1, out + 104, out + 120);
}

static void identify_ns(struct emu_nvme *d, struct emu_nvme_cmd *cmd, bool allocated)
{
	uint8_t out[IDENTIFY_LEN] = {0};
	uint32_t nsid = emu_nsid(cmd);
	const struct emu_nvme_ns *ns = allocated ? emu_allocated(d, nsid) : emu_active(d, cmd);

	if (nsid == EMU_NSID_ALL) {
		if (!d->cfg.has_ns_management) {
			cmd->status = SC_INVALID_NAMESPACE;
			return;
		}
		put_formats(d, out); /* what all namespaces have in common */
	} else if (nsid == 0 || nsid > EMU_NVME_NS_MAX) {
		cmd->status = SC_INVALID_NAMESPACE;
		return;
	} else if (ns) {
		put_ns(d, ns, out);
	}
	emu_give(cmd, out, sizeof(out));
}

static void identify_list(struct emu_nvme *d, struct emu_nvme_cmd *cmd, bool allocated)
{
	uint8_t out[IDENTIFY_LEN] = {0};
	uint32_t after = emu_nsid(cmd);
	size_t n = 0;

	if (after >= 0xfffffffe) {
		cmd->status = SC_INVALID_NAMESPACE;
		return;
	}
	for (uint32_t i = after; i < EMU_NVME_NS_MAX; i++) {
		const struct emu_nvme_ns *ns = &d->ns[i];

		if (ns->exists && (allocated || (ns->attached >> cmd->controller & 1)))
			put_le32(out + 4 * n++, i + 1);
	}
	emu_give(cmd, out, sizeof(out));
}

static void identify_descriptors(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	uint8_t out[IDENTIFY_LEN] = {0};
	uint8_t *eui64 = out;
	uint8_t *nguid = out + 12;
	uint8_t *csi = out + 32;

	if (!emu_active(d, cmd)) {
		cmd->status = SC_INVALID_NAMESPACE;
		return;
	}
	eui64[0] = 1;
	eui64[1] = 8;
	nguid[0] = 2;
	nguid[1] = 16;
	csi[0] = 4;
	csi[1] = 1;
	put_names(d, emu_nsid(cmd), nguid + 4, eui64 + 4);
	emu_give(cmd, out, sizeof(out));
}

/* Each identifier counts from the one that was asked for. */
static void identify_ctrls(struct emu_nvme *d, struct emu_nvme_cmd *cmd, bool of_namespace)
{
	uint8_t out[IDENTIFY_LEN] = {0};
	unsigned from = emu_cdw(cmd, 10) >> 16;
	const struct emu_nvme_ns *ns = emu_allocated(d, emu_nsid(cmd));
	unsigned all = d->cfg.controllers_n + (of_namespace ? 0 : d->faults.foreign_controllers);
	uint16_t n = 0;

	if (of_namespace && !ns) {
		cmd->status = SC_INVALID_NAMESPACE;
		return;
	}
	for (unsigned i = 0; i < all; i++)
		if (i + 1 >= from && (!of_namespace || (ns->attached >> i & 1)))
			put_le16(out + 2 + 2 * (size_t)n++, (uint16_t)(i + 1));
	put_le16(out, n);
	emu_give(cmd, out, sizeof(out));
}

static void identify_csi(struct emu_nvme *d, struct emu_nvme_cmd *cmd, uint8_t cns)
{
	static const uint8_t nothing[IDENTIFY_LEN];
	bool allocated = cns == CNS_CSI_ALLOCATED || cns == CNS_CSI_ALLOCATED_NS;

	if (emu_cdw(cmd, 11) >> 24 != 0) { /* CSI: NVM Command Set only */
		cmd->status = SC_INVALID_FIELD;
		return;
	}
	if (cns == CNS_CSI_ACTIVE || cns == CNS_CSI_ALLOCATED)
		identify_list(d, cmd, allocated);
	else if (cns != CNS_CSI_CTRL && emu_nsid(cmd) != EMU_NSID_ALL &&
		 !(allocated ? emu_allocated(d, emu_nsid(cmd)) : emu_active(d, cmd)))
		cmd->status = SC_INVALID_NAMESPACE;
	else
		emu_give(cmd, nothing, sizeof(nothing));
}

/* [NVMe Base, Identify] */
void emu_nvme_do_identify(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	uint8_t cns = (uint8_t)emu_cdw(cmd, 10);
	uint8_t out[IDENTIFY_LEN];

	if (cns >= CNS_ALLOCATED && !d->cfg.has_ns_management) {
		cmd->status = SC_INVALID_FIELD;
		return;
	}
	switch (cns) {
	case CNS_NS:
	case CNS_ALLOCATED_NS:
		identify_ns(d, cmd, cns == CNS_ALLOCATED_NS);
		break;
	case CNS_CTRL:
		emu_nvme_id_ctrl(d, cmd->controller, out);
		emu_give(cmd, out, sizeof(out));
		break;
	case CNS_ACTIVE:
	case CNS_ALLOCATED:
		identify_list(d, cmd, cns == CNS_ALLOCATED);
		break;
	case CNS_DESCRIPTORS:
		identify_descriptors(d, cmd);
		break;
	case CNS_NS_CTRLS:
	case CNS_CTRLS:
		identify_ctrls(d, cmd, cns == CNS_NS_CTRLS);
		break;
	case CNS_CSI_NS:
	case CNS_CSI_CTRL:
	case CNS_CSI_ACTIVE:
	case CNS_CSI_ALLOCATED:
	case CNS_CSI_ALLOCATED_NS:
		identify_csi(d, cmd, cns);
		break;
	default:
		cmd->status = SC_INVALID_FIELD;
		break;
	}
}
