#include "tests/emu/drive_ata_inside.h"

/* FEATURE */
#define OP_STATUS     0x0000
#define OP_CRYPTO     0x0011
#define OP_BLOCK      0x0012
#define OP_OVERWRITE  0x0014
#define OP_FREEZE     0x0020
#define OP_ANTIFREEZE 0x0040
/* LBA */
#define KEY_CRYPTO     0x43727970ULL
#define KEY_BLOCK      0x426b4572ULL
#define KEY_OVERWRITE  0x4f57ULL /* bits 47:32; 31:0 is the pattern */
#define KEY_FREEZE     0x46724c6bULL
#define KEY_ANTIFREEZE 0x416e7469ULL
/* COUNT of the operations, and of STATUS EXT */
#define C_PASSES       0x000f
#define C_FAILURE_MODE 0x0010
#define C_DEFINITIVE   0x0040
#define C_INVERT       0x0080
#define C_CLEAR	       0x0001
/* COUNT that comes back */
#define R_SUCCEEDED  0x8000
#define R_RUNNING    0x4000
#define R_FROZEN     0x2000
#define R_ANTIFREEZE 0x1000
/* LBA 7:0 of an abort */
#define WHY_NONE	0
#define WHY_FAILED	1
#define WHY_UNSUPPORTED 2
#define WHY_FROZEN	3
#define WHY_ANTIFREEZE	4

#define WHOLE 65536ULL
/* a key is changed at once, whatever the size */
#define CRYPTO_NS (2 * EMU_S)

static void refuse(struct emu_ata_result *r, uint8_t why)
{
	emu_ata_abort(r);
	r->lba = why;
}

static void apply(struct emu_ata *d, uint64_t sectors)
{
	struct emu_erase e = {
		.kind = EMU_ERASE_WRITE,
		.sectors = sectors,
		.pattern = d->san.pattern,
		.spare = sectors == d->cfg.sectors,
		.leave = d->faults.leave,
	};

	if (d->san.op == OP_CRYPTO) {
		e.kind = EMU_ERASE_KEY;
		if (d->faults.keeps_key || sectors < d->cfg.sectors)
			return;
	} else if (d->san.op == OP_BLOCK) {
		e.kind = EMU_ERASE_CELLS;
		e.pattern = d->faults.vendor_pattern ? d->faults.pattern : 0;
	}
	emu_media_erase(d->media, &e);
}

static uint64_t progress(const struct emu_ata *d)
{
	const struct emu_ata_sanitizing *s = &d->san;

	return s->done_ns >= s->work_ns
		       ? WHOLE
		       : (uint64_t)((double)s->done_ns / (double)s->work_ns * (double)WHOLE);
}

void emu_ata_sanitize_settle(struct emu_ata *d)
{
	struct emu_ata_sanitizing *s = &d->san;
	uint64_t at;

	if (!d->powered || s->state != EMU_SD2)
		return;
	s->done_ns += d->time->now_ns - s->since_ns;
	s->since_ns = d->time->now_ns;
	at = progress(d);
	if (d->faults.sanitize_fails_at && at >= d->faults.sanitize_fails_at) {
		apply(d, (uint64_t)((double)d->cfg.sectors *
				    ((double)d->faults.sanitize_fails_at / (double)WHOLE)));
		s->state = EMU_SD3;
		return;
	}
	if (d->faults.sanitize_stalls_at && at >= d->faults.sanitize_stalls_at) {
		s->done_ns = (uint64_t)((double)s->work_ns *
					((double)d->faults.sanitize_stalls_at / (double)WHOLE));
		return;
	}
	if (at < WHOLE)
		return;
	apply(d, d->cfg.sectors);
	s->state = EMU_SD4;
	s->succeeded = true;
}

void emu_ata_sanitize_power_on(struct emu_ata *d)
{
	struct emu_ata_sanitizing *s = &d->san;

	s->antifreeze = false;
	s->since_ns = d->time->now_ns;
	switch (s->state) {
	case EMU_SD0:
	case EMU_SD2: /* goes on */
	case EMU_SD3:
		break;
	case EMU_SD1:
	case EMU_SD4:
		s->state = EMU_SD0;
		s->succeeded = false;
		break;
	}
}

enum emu_ata_san emu_ata_sanitize_state(struct emu_ata *d)
{
	emu_ata_sanitize_settle(d);
	return d->san.state;
}

uint16_t emu_ata_sanitize_progress(struct emu_ata *d)
{
	emu_ata_sanitize_settle(d);
	return d->san.state == EMU_SD2 ? (uint16_t)progress(d) : 0xffff;
}

/* What every subcommand returns in COUNT and LBA. */
static void report(struct emu_ata *d, struct emu_ata_result *r)
{
	const struct emu_ata_sanitizing *s = &d->san;

	r->count = (uint16_t)((s->succeeded ? R_SUCCEEDED : 0) |
			      (s->state == EMU_SD2 ? R_RUNNING : 0) |
			      (s->state == EMU_SD1 ? R_FROZEN : 0) |
			      (s->antifreeze ? R_ANTIFREEZE : 0));
	r->lba = emu_ata_sanitize_progress(d);
}

static void do_status(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	struct emu_ata_sanitizing *s = &d->san;

	if (s->state == EMU_SD3) {
		if (!(cmd->count & C_CLEAR) || !s->may_leave) {
			refuse(r, WHY_FAILED);
			return;
		}
		s->state = EMU_SD0;
	}
	report(d, r);
}

/* What stands after the last pass. */
static uint32_t last_pattern(const struct emu_ata_cmd *cmd)
{
	unsigned passes = cmd->count & C_PASSES ? cmd->count & C_PASSES : 16;
	uint32_t pattern = (uint32_t)cmd->lba;

	if ((cmd->count & C_INVERT) && !(cmd->count & C_DEFINITIVE) && passes % 2 == 0)
		return ~pattern;
	return pattern;
}

static bool is_supported(const struct emu_ata *d, uint16_t op)
{
	switch (op) {
	case OP_CRYPTO:
		return d->cfg.sanitize_crypto;
	case OP_BLOCK:
		return d->cfg.sanitize_block;
	case OP_OVERWRITE:
		return d->cfg.sanitize_overwrite;
	case OP_ANTIFREEZE:
		return d->cfg.has_antifreeze;
	case OP_STATUS:
	case OP_FREEZE:
		return true;
	default:
		return false;
	}
}

static bool has_key(const struct emu_ata_cmd *cmd)
{
	switch (cmd->feature) {
	case OP_CRYPTO:
		return cmd->lba == KEY_CRYPTO;
	case OP_BLOCK:
		return cmd->lba == KEY_BLOCK;
	case OP_OVERWRITE:
		return cmd->lba >> 32 == KEY_OVERWRITE;
	case OP_FREEZE:
		return cmd->lba == KEY_FREEZE;
	case OP_ANTIFREEZE:
		return cmd->lba == KEY_ANTIFREEZE;
	default:
		return true;
	}
}

static void start(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	struct emu_ata_sanitizing *s = &d->san;
	bool may_leave = (cmd->count & C_FAILURE_MODE) != 0;
	unsigned passes = cmd->count & C_PASSES ? cmd->count & C_PASSES : 16;

	if (s->state == EMU_SD1) {
		refuse(r, WHY_FROZEN);
		return;
	}
	if (s->state == EMU_SD2 || (d->sec.locked && (may_leave || !d->cfg.restricted_overrides))) {
		refuse(r, WHY_NONE);
		return;
	}
	/* after a restricted one that failed only another restricted one helps */
	if (s->state == EMU_SD3 && may_leave && !s->may_leave) {
		refuse(r, WHY_FAILED);
		return;
	}
	if (d->faults.sanitize_ignored) {
		report(d, r);
		return;
	}
	s->state = EMU_SD2;
	s->succeeded = false;
	s->may_leave = may_leave;
	s->op = cmd->feature;
	s->pattern = cmd->feature == OP_OVERWRITE ? last_pattern(cmd) : 0;
	s->work_ns = cmd->feature == OP_CRYPTO ? CRYPTO_NS : d->cfg.sanitize_seconds * EMU_S;
	if (cmd->feature == OP_OVERWRITE)
		s->work_ns *= passes;
	s->done_ns = 0;
	s->since_ns = d->time->now_ns;
	report(d, r);
}

static void freeze(struct emu_ata *d, struct emu_ata_result *r)
{
	if (d->san.antifreeze) {
		refuse(r, WHY_ANTIFREEZE);
	} else if (d->san.state == EMU_SD2 || d->san.state == EMU_SD3) {
		refuse(r, d->san.state == EMU_SD3 ? WHY_FAILED : WHY_NONE);
	} else {
		d->san.state = EMU_SD1;
		report(d, r);
	}
}

static void antifreeze(struct emu_ata *d, struct emu_ata_result *r)
{
	if (d->san.state == EMU_SD1) {
		refuse(r, WHY_FROZEN);
	} else if (d->san.state == EMU_SD2 || d->san.state == EMU_SD3) {
		refuse(r, d->san.state == EMU_SD3 ? WHY_FAILED : WHY_NONE);
	} else {
		d->san.antifreeze = true;
		report(d, r);
	}
}

/* [ACS-3 SANITIZE DEVICE] */
void emu_ata_do_sanitize(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	if (!d->cfg.has_sanitize) {
		emu_ata_abort(r);
		return;
	}
	if (!is_supported(d, cmd->feature)) {
		refuse(r, WHY_UNSUPPORTED);
		return;
	}
	if (!has_key(cmd)) {
		refuse(r, WHY_NONE);
		return;
	}
	switch (cmd->feature) {
	case OP_STATUS:
		do_status(d, cmd, r);
		break;
	case OP_FREEZE:
		freeze(d, r);
		break;
	case OP_ANTIFREEZE:
		antifreeze(d, r);
		break;
	default:
		start(d, cmd, r);
		break;
	}
}
