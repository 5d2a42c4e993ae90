/* FORMAT UNIT: block length, protection information, initialization pattern [SBC-4 5.4]. */
#include "base/wire.h"
#include "tests/emu/drive_scsi_inside.h"

#include <string.h>

/* CDB byte 1 */
#define FMTPINFO_SHIFT 6
#define LONGLIST       0x20
#define FMTDATA	       0x10
/* parameter list byte 1 */
#define FOV   0x80
#define DPRY  0x40
#define DCRT  0x20
#define STPF  0x10
#define IP    0x08
#define IMMED 0x02
/* initialization pattern descriptor */
#define SI	    0x20
#define IP_DEFAULT  0x00
#define IP_REPEAT   0x01
#define FAST_FORMAT 0x01
/* nothing is written */
#define FAST_NS (2 * EMU_S)

uint64_t emu_scsi_blocks_in(const struct emu_scsi_config *cfg, uint32_t block_bytes,
			    unsigned pi_type)
{
	uint32_t old = cfg->logical_bytes + (cfg->pi_type ? EMU_SCSI_PI : 0);
	uint32_t now = block_bytes + (pi_type ? EMU_SCSI_PI : 0);

	return (uint64_t)((__uint128_t)cfg->sectors * old / now);
}

static void reshape(struct emu_scsi_lu *lu)
{
	const struct emu_scsi_work *w = &lu->work;
	uint32_t tail = w->pi_type ? EMU_SCSI_PI : 0;
	struct emu_media_config mc = {
		.sectors = emu_scsi_blocks_in(&lu->drive->cfg, w->block_bytes, w->pi_type),
		.sector_bytes = w->block_bytes + tail,
		.tail_bytes = tail,
	};
	bool shrinks_bytes;

	emu_media_reshape(lu->media, &mc);
	shrinks_bytes = mc.sectors != lu->blocks_max || w->block_bytes != lu->block_bytes;
	lu->block_bytes = lu->next_block_bytes = w->block_bytes;
	lu->pi_type = w->pi_type;
	lu->blocks_max = mc.sectors;
	lu->blocks = w->blocks && w->blocks < mc.sectors ? w->blocks : mc.sectors;
	lu->next_blocks = 0;
	if (shrinks_bytes)
		emu_scsi_tell(lu, AC_CAPACITY, EMU_SCSI_EVERYBODY);
}

void emu_scsi_apply_format(struct emu_scsi_lu *lu, uint64_t done)
{
	const struct emu_scsi_work *w = &lu->work;
	struct emu_erase e = {
		.kind = EMU_ERASE_WRITE,
		.bytes = w->bytes_len ? w->bytes : NULL,
		.bytes_len = w->bytes_len,
		.leave = lu->drive->faults.leave,
	};

	if (w->block_bytes != lu->block_bytes || (w->pi_type != 0) != (lu->pi_type != 0))
		reshape(lu);
	lu->pi_type = w->pi_type;
	if (w->fast)
		return;
	lu->unwritten.active = false;
	e.sectors = (uint64_t)((double)lu->blocks * ((double)done / (double)EMU_SCSI_WHOLE));
	if (done == EMU_SCSI_WHOLE)
		e.sectors = lu->blocks;
	emu_media_erase(lu->media, &e);
}

/* FMTPINFO, and PROTECTION FIELD USAGE of the parameter list; -1: not to be had. */
static int pi_type_of(unsigned fmtpinfo, unsigned usage)
{
	if (fmtpinfo == 0 && usage == 0)
		return 0;
	if (fmtpinfo == 2 && usage == 0)
		return 1;
	if (fmtpinfo == 3 && usage == 0)
		return 2;
	return fmtpinfo == 3 && usage == 1 ? 3 : -1;
}

static bool read_pattern(struct emu_scsi_work *w, const uint8_t *p, size_t len)
{
	size_t n = len >= 4 ? get_be16(p + 2) : 0;

	if (len < 4 || len != 4 + n || (p[0] & ~SI))
		return false;
	if (p[1] == IP_DEFAULT && n == 0)
		return true;
	if (p[1] != IP_REPEAT || n == 0 || n > w->block_bytes)
		return false;
	memcpy(w->bytes, p + 4, n);
	w->bytes_len = (uint32_t)n;
	return true;
}

/* 0: fine, else ASC and ASCQ. */
static uint16_t read_list(struct emu_scsi_job *j, struct emu_scsi_work *w, bool *is_immed)
{
	const uint8_t *p = j->cmd->out;
	bool is_long = (j->cdb[1] & LONGLIST) != 0;
	size_t head = is_long ? 8 : 4;
	unsigned usage = 0;
	uint64_t defects;
	int pi;

	if (j->cdb[1] & FMTDATA) {
		if (j->cmd->out_len < head)
			return AC_LIST_LENGTH;
		defects = is_long ? get_be32(p + 4) : get_be16(p + 2);
		/* grown defects of the host's own are not taken */
		if (defects || (!(p[1] & FOV) && (p[1] & (DPRY | DCRT | STPF | IP))))
			return AC_LIST_FIELD;
		usage = p[0] & 0x07;
		*is_immed = (p[1] & IMMED) != 0;
		if ((p[1] & IP) && !read_pattern(w, p + head, j->cmd->out_len - head))
			return AC_LIST_FIELD;
	} else if (j->cdb[1] & 0x2f) {
		return AC_FIELD;
	}
	pi = pi_type_of(j->cdb[1] >> FMTPINFO_SHIFT, usage);
	if (pi < 0)
		return AC_FIELD;
	w->pi_type = (unsigned)pi;
	return 0;
}

/* What the drive does though nobody asked. */
static void play_faults(const struct emu_scsi *d, struct emu_scsi_work *w)
{
	if (d->faults.format_block_bytes)
		w->block_bytes = d->faults.format_block_bytes;
	if (d->faults.format_drops_pi)
		w->pi_type = 0;
}

void emu_scsi_do_format(struct emu_scsi_job *j)
{
	struct emu_scsi_lu *lu = j->lu;
	struct emu_scsi_work w = {.block_bytes = lu->next_block_bytes, .blocks = lu->next_blocks};
	unsigned fast = j->cdb[4] & 0x03;
	bool is_immed = false;
	uint16_t wrong = read_list(j, &w, &is_immed);

	if (!wrong && fast && (fast != FAST_FORMAT || !j->d->cfg.has_fast_format))
		wrong = AC_FIELD;
	if (wrong) {
		emu_scsi_check(j, SK_ILLEGAL, wrong);
		return;
	}
	if (j->cdb[1] & FMTDATA)
		j->cmd->moved = j->cmd->out_len;
	if (j->d->faults.format_ignored)
		return;
	play_faults(j->d, &w);
	w.fast = fast != 0;
	w.formats = true;
	w.work_ns = fast ? FAST_NS : j->d->cfg.format_seconds * EMU_S;
	lu->work = w;
	emu_scsi_start_work(j, is_immed);
}
