#include "base/wire.h"
#include "tests/emu/drive_nvme_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* CDW12 */
#define DEAC  (1U << 25)
#define PRACT (1U << 29)
/* MDTS 5, of pages of 4 KiB */
#define TRANSFER_MAX (4096U << 5)
#define PRCHK(cdw12) ((cdw12) >> 26 & 7)

struct range {
	struct emu_nvme_ns *ns;
	uint64_t lba;
	uint32_t n;
	uint32_t lba_bytes, meta_bytes;
	uint32_t flags; /* CDW12 */
	uint32_t ref;	/* CDW14 */
	bool has_inline_meta, has_separate_meta;
	size_t step; /* bytes of a block in the data buffer */
};

static bool read_range(struct emu_nvme *d, struct emu_nvme_cmd *cmd, struct range *r,
		       bool moves_data)
{
	uint64_t lbas;
	bool carries;

	*r = (struct range){
		.ns = emu_active(d, cmd),
		.lba = (uint64_t)emu_cdw(cmd, 11) << 32 | emu_cdw(cmd, 10),
		.n = (emu_cdw(cmd, 12) & 0xffff) + 1,
		.flags = emu_cdw(cmd, 12),
		.ref = emu_cdw(cmd, 14),
	};
	lbas = emu_lbas(d, r->ns);
	if (r->lba >= lbas || r->n > lbas - r->lba) {
		cmd->status = SC_LBA_RANGE;
		return false;
	}
	r->lba_bytes = emu_lba_bytes(d, r->ns);
	r->meta_bytes = emu_meta_bytes(d, r->ns);
	if (moves_data && (uint64_t)r->n * r->lba_bytes > TRANSFER_MAX) {
		cmd->status = SC_INVALID_FIELD;
		return false;
	}
	/* with PRACT, metadata that is nothing but protection stays inside the drive */
	carries = moves_data && r->meta_bytes &&
		  !(r->ns->protection && (r->flags & PRACT) && r->meta_bytes == 8);
	r->has_inline_meta = carries && r->ns->is_extended;
	r->has_separate_meta = carries && !r->ns->is_extended;
	r->step = r->lba_bytes + (r->has_inline_meta ? r->meta_bytes : 0);
	if (r->has_separate_meta &&
	    (!cmd->metadata || cmd->metadata_len < (size_t)r->n * r->meta_bytes)) {
		cmd->status = SC_INVALID_FIELD; /* no pointer to metadata */
		return false;
	}
	return true;
}

static uint64_t first_sector(const struct range *r)
{
	return r->lba * (r->lba_bytes / 512);
}

static bool fails(struct emu_nvme *d, struct emu_nvme_cmd *cmd, const struct range *r,
		  bool is_write)
{
	uint64_t at;

	if (!emu_media_fails(r->ns->data, first_sector(r), (uint64_t)r->n * (r->lba_bytes / 512),
			     is_write, &at))
		return false;
	cmd->status = is_write ? SC_WRITE_FAULT : SC_READ_ERROR;
	d->media_errors++;
	return true;
}

/* The metadata, inverted, so that erased cells and fresh ones read as FFh. */
static void meta_io(struct emu_nvme *d, struct emu_nvme_ns *ns, uint64_t lba, uint8_t *meta,
		    bool is_write)
{
	size_t len = emu_meta_bytes(d, ns);
	uint64_t at = lba * len;

	for (size_t i = 0; i < len;) {
		uint8_t sector[512];
		uint64_t here = at / 512;

		emu_media_read(ns->meta, here, 1, sector, EMU_TRIMMED_OLD);
		for (; i < len && at / 512 == here; i++, at++) {
			if (is_write)
				sector[at % 512] = (uint8_t)~meta[i];
			else
				meta[i] = (uint8_t)~sector[at % 512];
		}
		if (is_write)
			emu_media_write(ns->meta, here, 1, sector);
	}
}

void emu_nvme_meta_read(struct emu_nvme *d, struct emu_nvme_ns *ns, uint64_t lba, uint8_t *out)
{
	meta_io(d, ns, lba, out, false);
}

void emu_nvme_meta_write(struct emu_nvme *d, struct emu_nvme_ns *ns, uint64_t lba,
			 const uint8_t *in)
{
	uint8_t copy[64];

	assert(emu_meta_bytes(d, ns) <= sizeof(copy));
	memcpy(copy, in, emu_meta_bytes(d, ns));
	meta_io(d, ns, lba, copy, true);
}

static uint8_t *meta_at(const struct emu_nvme_cmd *cmd, const struct range *r, uint8_t *data,
			uint32_t i)
{
	if (r->has_inline_meta)
		return data + i * r->step + r->lba_bytes;
	return r->has_separate_meta ? cmd->metadata + (size_t)i * r->meta_bytes : NULL;
}

static void read_block(struct emu_nvme *d, const struct range *r, uint32_t i, uint8_t *data,
		       uint8_t *meta)
{
	uint32_t sectors = r->lba_bytes / 512;

	emu_media_read(r->ns->data, (r->lba + i) * sectors, sectors, data, d->cfg.deallocated);
	if (r->meta_bytes)
		emu_nvme_meta_read(d, r->ns, r->lba + i, meta);
}

static void read_all(struct emu_nvme *d, struct emu_nvme_cmd *cmd, const struct range *r,
		     uint8_t *to)
{
	bool verifies = d->san.state == EMU_NVME_VERIFICATION;

	for (uint32_t i = 0; i < r->n; i++) {
		uint8_t meta[64];
		uint8_t *data = to + i * r->step;
		uint8_t *out = meta_at(cmd, r, to, i);

		read_block(d, r, i, data, meta);
		if (out)
			memcpy(out, meta, r->meta_bytes);
		if (r->ns->protection && !verifies)
			cmd->status =
				emu_nvme_check(d, r->ns, data, meta, PRCHK(r->flags), r->ref + i);
		if (cmd->status != SC_OK)
			return;
	}
}

/* [NVM Command Set, Read] */
void emu_nvme_do_read(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	struct range r;

	if (!read_range(d, cmd, &r, true))
		return;
	if (!cmd->in || cmd->len < r.n * r.step) {
		cmd->status = SC_DATA_LENGTH;
		return;
	}
	/* in the verification state the integrity of blocks is not looked at */
	if (d->san.state != EMU_NVME_VERIFICATION && fails(d, cmd, &r, false))
		return;
	read_all(d, cmd, &r, cmd->in);
	cmd->moved = r.n * r.step;
	d->sectors_read += (uint64_t)r.n * (r.lba_bytes / 512);
}

/* [NVM Command Set, Write] */
void emu_nvme_do_write(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	struct range r;
	const uint8_t *from;

	if (!read_range(d, cmd, &r, true))
		return;
	from = emu_take(cmd, r.n * r.step);
	if (!from || fails(d, cmd, &r, true))
		return;
	for (uint32_t i = 0; i < r.n; i++) {
		const uint8_t *data = from + i * r.step;
		uint8_t meta[64];
		uint32_t sectors = r.lba_bytes / 512;

		memset(meta, 0xff, sizeof(meta));
		if (r.has_inline_meta)
			memcpy(meta, data + r.lba_bytes, r.meta_bytes);
		else if (r.has_separate_meta)
			memcpy(meta, cmd->metadata + (size_t)i * r.meta_bytes, r.meta_bytes);
		if (r.ns->protection && (r.flags & PRACT))
			emu_nvme_protect(d, r.ns, data, meta, r.ref + i);
		else if (r.ns->protection)
			cmd->status =
				emu_nvme_check(d, r.ns, data, meta, PRCHK(r.flags), r.ref + i);
		if (cmd->status != SC_OK)
			return;
		emu_media_write(r.ns->data, (r.lba + i) * sectors, sectors, data);
		if (r.meta_bytes)
			emu_nvme_meta_write(d, r.ns, r.lba + i, meta);
	}
	d->written = true;
	d->sectors_written += (uint64_t)r.n * (r.lba_bytes / 512);
}

/* [NVM Command Set, Compare] */
void emu_nvme_do_compare(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	struct range r;
	const uint8_t *from;
	uint8_t *have;

	if (!read_range(d, cmd, &r, true))
		return;
	from = emu_take(cmd, r.n * r.step);
	if (!from || fails(d, cmd, &r, false))
		return;
	have = malloc(r.n * r.step);
	if (!have)
		abort();
	read_all(d, cmd, &r, have);
	for (uint32_t i = 0; i < r.n && cmd->status == SC_OK; i++)
		if (memcmp(have + i * r.step, from + i * r.step, r.lba_bytes) != 0)
			cmd->status = SC_COMPARE_FAILED;
	free(have);
}

static void fresh_meta(struct emu_nvme *d, const struct range *r)
{
	uint8_t meta[64];

	memset(meta, 0xff, sizeof(meta));
	for (uint32_t i = 0; r->meta_bytes && i < r->n; i++)
		emu_nvme_meta_write(d, r->ns, r->lba + i, meta);
}

/* [NVM Command Set, Write Zeroes] */
void emu_nvme_do_zeroes(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	struct range r;
	uint8_t *zeros;
	uint32_t sectors;

	if (!read_range(d, cmd, &r, false) || fails(d, cmd, &r, true))
		return;
	sectors = r.lba_bytes / 512;
	zeros = calloc(1, r.lba_bytes);
	if (!zeros)
		abort();
	if ((r.flags & DEAC) && d->cfg.deallocated == EMU_TRIMMED_ZERO)
		emu_media_trim(r.ns->data, first_sector(&r), (uint64_t)r.n * sectors);
	else
		for (uint32_t i = 0; i < r.n; i++)
			emu_media_write(r.ns->data, (r.lba + i) * sectors, sectors, zeros);
	free(zeros);
	fresh_meta(d, &r);
	d->written = true;
}

/* [NVM Command Set, Dataset Management] */
void emu_nvme_do_dsm(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	struct emu_nvme_ns *ns = emu_active(d, cmd);
	unsigned n = (emu_cdw(cmd, 10) & 0xff) + 1;
	const uint8_t *ranges = emu_take(cmd, n * 16);
	struct range r = {
		.ns = ns, .lba_bytes = emu_lba_bytes(d, ns), .meta_bytes = emu_meta_bytes(d, ns)};

	for (unsigned i = 0; ranges && i < n; i++) {
		r.n = get_le32(ranges + 16 * (size_t)i + 4);
		r.lba = get_le64(ranges + 16 * (size_t)i + 8);
		if (r.lba >= emu_lbas(d, ns) || r.n > emu_lbas(d, ns) - r.lba) {
			cmd->status = SC_LBA_RANGE;
			return;
		}
	}
	/* AD: the others are hints */
	for (unsigned i = 0; ranges && (emu_cdw(cmd, 11) & 4) && i < n; i++) {
		r.n = get_le32(ranges + 16 * (size_t)i + 4);
		r.lba = get_le64(ranges + 16 * (size_t)i + 8);
		emu_media_trim(ns->data, first_sector(&r), (uint64_t)r.n * (r.lba_bytes / 512));
		fresh_meta(d, &r);
	}
}

/* Everything is on the medium at once. */
void emu_nvme_do_flush(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	uint32_t nsid = emu_nsid(cmd);

	if (nsid != EMU_NSID_ALL && !emu_active(d, cmd))
		cmd->status = SC_INVALID_NAMESPACE;
}
