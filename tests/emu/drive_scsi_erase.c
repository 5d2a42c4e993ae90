/* SANITIZE, and how the drive tells of what runs or failed [SBC-4 4.11, 5.34; SPC-5 6.39]. */
#include "base/wire.h"
#include "tests/emu/drive_scsi_inside.h"

#include <string.h>

#define OVERWRITE 0x01
#define BLOCK	  0x02
#define CRYPTO	  0x03
#define EXIT	  0x1f
/* CDB byte 1 */
#define IMMED 0x80
#define AUSE  0x20
/* parameter list */
#define TEST  0x60
#define COUNT 0x1f
/* a key is changed at once, whatever the size */
#define CRYPTO_NS (2 * EMU_S)

uint16_t emu_scsi_progress(const struct emu_scsi_lu *lu)
{
	const struct emu_scsi_work *w = &lu->work;

	if (w->done_ns >= w->work_ns)
		return 0xffff;
	return (uint16_t)((double)w->done_ns / (double)w->work_ns * (double)EMU_SCSI_WHOLE);
}

struct emu_scsi_sense emu_scsi_not_ready(const struct emu_scsi_lu *lu)
{
	struct emu_scsi_sense s = {.key = SK_NOT_READY};

	switch (emu_scsi_lu_state(lu)) {
	case EMU_SCSI_READY:
		s.key = 0;
		break;
	case EMU_SCSI_SANITIZING:
	case EMU_SCSI_FORMATTING:
		s.code = lu->work.sanitizes ? AC_SANITIZING : AC_FORMATTING;
		s.has_progress = !lu->drive->faults.progress_unsaid;
		s.progress = emu_scsi_progress(lu);
		break;
	case EMU_SCSI_SANITIZE_FAILED:
		s.key = SK_MEDIUM;
		s.code = AC_SANITIZE_FAILED;
		break;
	case EMU_SCSI_FORMAT_CORRUPT:
		s.key = SK_MEDIUM;
		s.code = lu->work.format_failed ? AC_FORMAT_FAILED : AC_FORMAT_CORRUPT;
		break;
	case EMU_SCSI_STOPPED:
		s.code = AC_STOPPED;
		break;
	}
	return s;
}

void emu_scsi_do_request_sense(struct emu_scsi_job *j)
{
	struct emu_scsi_sense s = emu_scsi_not_ready(j->lu);
	bool fixed = !(j->cdb[1] & 1) || j->d->faults.fixed_sense;
	uint8_t data[EMU_SENSE_MAX] = {0};

	emu_scsi_give(j, data, emu_scsi_put_sense(data, &s, fixed), j->cdb[4]);
}

/* After it reads are as VPD B1h says, until a block is written. */
static void forbid_reads(struct emu_scsi_lu *lu, unsigned answer)
{
	/* with good status only tags could be wrong */
	lu->unwritten.active = answer >= 2 || (answer == 1 && lu->pi_type);
	lu->unwritten.answer = answer;
	lu->unwritten.written_n = 0;
}

/* Erases that part of the whole medium, which is more than the blocks that a host sees. */
static void apply_sanitize(struct emu_scsi_lu *lu, uint64_t done)
{
	const struct emu_scsi *d = lu->drive;
	const struct emu_scsi_work *w = &lu->work;
	bool is_whole = done == EMU_SCSI_WHOLE;
	struct emu_erase e = {
		.kind = EMU_ERASE_WRITE,
		.sectors = is_whole ? lu->blocks_max
				    : (uint64_t)((double)lu->blocks_max *
						 ((double)done / (double)EMU_SCSI_WHOLE)),
		.spare = is_whole,
		.leave = d->faults.leave,
	};

	switch (w->action) {
	case OVERWRITE:
		e.bytes = w->bytes;
		e.bytes_len = w->bytes_len;
		forbid_reads(lu, 0);
		break;
	case BLOCK:
		e.kind = EMU_ERASE_CELLS;
		e.pattern = d->faults.vendor_pattern ? d->faults.pattern : 0;
		forbid_reads(lu, d->cfg.wabereq);
		break;
	default:
		e.kind = EMU_ERASE_KEY;
		if (!is_whole)
			return;
		forbid_reads(lu, d->cfg.wacereq);
		if (d->faults.keeps_key)
			return;
		break;
	}
	emu_media_erase(lu->media, &e);
}

static void end_sanitize(struct emu_scsi_lu *lu, uint64_t done)
{
	struct emu_scsi_work *w = &lu->work;

	apply_sanitize(lu, done);
	w->sanitizes = false;
	w->sanitize_failed = done < EMU_SCSI_WHOLE;
	/* all blocks hold something again, also where a format had not ended */
	if (!w->sanitize_failed)
		w->corrupt = w->format_failed = false;
}

static void end_format(struct emu_scsi_lu *lu, uint64_t done)
{
	struct emu_scsi_work *w = &lu->work;

	emu_scsi_apply_format(lu, done);
	w->formats = false;
	w->corrupt = w->format_failed = done < EMU_SCSI_WHOLE;
	if (w->corrupt)
		lu->deferred = AC_FORMAT_FAILED;
}

void emu_scsi_settle(struct emu_scsi_lu *lu)
{
	const struct emu_scsi_faults *f = &lu->drive->faults;
	struct emu_scsi_work *w = &lu->work;
	uint32_t fails_at = w->sanitizes ? f->sanitize_fails_at : f->format_fails_at;
	uint32_t stalls_at = w->sanitizes ? f->sanitize_stalls_at : f->format_stalls_at;
	uint64_t at;

	if (!lu->drive->powered || (!w->sanitizes && !w->formats))
		return;
	w->done_ns += lu->drive->time->now_ns - w->since_ns;
	w->since_ns = lu->drive->time->now_ns;
	at = w->done_ns >= w->work_ns ? EMU_SCSI_WHOLE : emu_scsi_progress(lu);
	if (fails_at && at >= fails_at) {
		at = fails_at;
	} else if (stalls_at && at >= stalls_at) {
		w->done_ns = (uint64_t)((double)w->work_ns *
					((double)stalls_at / (double)EMU_SCSI_WHOLE));
		return;
	} else if (at < EMU_SCSI_WHOLE) {
		return;
	}
	if (w->sanitizes)
		end_sanitize(lu, at);
	else
		end_format(lu, at);
}

/* A format does not survive it: what was reached is new, and nothing can be read. */
void emu_scsi_erase_power_off(struct emu_scsi_lu *lu)
{
	struct emu_scsi_work *w = &lu->work;

	if (w->sanitizes && lu->drive->faults.sanitize_forgotten) {
		apply_sanitize(lu, emu_scsi_progress(lu));
		w->sanitizes = false;
	}
	if (!w->formats)
		return;
	emu_scsi_apply_format(lu, emu_scsi_progress(lu));
	w->formats = false;
	w->corrupt = true;
	w->format_failed = false;
}

void emu_scsi_erase_power_on(struct emu_scsi_lu *lu)
{
	lu->work.since_ns = lu->drive->time->now_ns;
}

void emu_scsi_start_work(struct emu_scsi_job *j, bool is_immed)
{
	struct emu_scsi_lu *lu = j->lu;
	struct emu_scsi_sense s;

	lu->work.done_ns = 0;
	lu->work.since_ns = j->d->time->now_ns;
	if (is_immed || !emu_scsi_busy(j, lu->work.work_ns))
		return;
	emu_scsi_settle(lu);
	/* a stall is for ever: the host gives up, or nobody does */
	if ((lu->work.sanitizes || lu->work.formats) && !emu_scsi_busy(j, lu->work.work_ns * 1000))
		return;
	s = emu_scsi_not_ready(lu);
	lu->deferred = 0;
	if (s.key)
		emu_scsi_check_with(j, &s);
}

/* [SBC-4 SANITIZE, overwrite parameter list]; 0: fine, else ASC and ASCQ. */
static uint16_t read_list(const struct emu_scsi_job *j, struct emu_scsi_work *w, unsigned *passes)
{
	const uint8_t *p = j->cmd->out;
	size_t len = get_be16(j->cdb + 7);
	uint32_t n;

	if (len < 5 || len > j->lu->block_bytes + 4U)
		return AC_FIELD;
	if (len > j->cmd->out_len)
		return AC_LIST_LENGTH;
	n = get_be16(p + 2);
	*passes = p[0] & COUNT;
	if ((p[0] & TEST) || *passes == 0 || p[1] || n + 4U != len)
		return AC_LIST_FIELD;
	/* INVERT: an even number of passes begins with the inverse, so that all end with this */
	memcpy(w->bytes, p + 4, n);
	w->bytes_len = n;
	return 0;
}

static void exit_failure_mode(struct emu_scsi_job *j)
{
	struct emu_scsi_work *w = &j->lu->work;

	if (w->sanitize_failed && w->restricted)
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
	else
		w->sanitize_failed = false;
}

static void start(struct emu_scsi_job *j, const struct emu_scsi_work *wanted, unsigned passes)
{
	bool spans = j->d->cfg.sanitize_spans_luns;
	uint64_t work_ns =
		wanted->action == CRYPTO ? CRYPTO_NS : passes * j->d->cfg.sanitize_seconds * EMU_S;

	for (unsigned i = 0; i < j->d->cfg.luns; i++) {
		struct emu_scsi_lu *lu = &j->d->lu[i];

		if (lu != j->lu && !spans)
			continue;
		lu->work.sanitizes = true;
		lu->work.sanitize_failed = false;
		lu->work.restricted = wanted->restricted;
		lu->work.action = wanted->action;
		lu->work.bytes_len = wanted->bytes_len;
		memcpy(lu->work.bytes, wanted->bytes, wanted->bytes_len);
		lu->work.work_ns = work_ns;
		lu->work.done_ns = 0;
		lu->work.since_ns = j->d->time->now_ns;
	}
	emu_scsi_start_work(j, (j->cdb[1] & IMMED) != 0);
}

void emu_scsi_do_sanitize(struct emu_scsi_job *j)
{
	const struct emu_scsi_work *now = &j->lu->work;
	struct emu_scsi_work wanted = {.action = j->cdb[1] & 0x1f,
				       .restricted = !(j->cdb[1] & AUSE)};
	unsigned passes = 1;
	uint16_t wrong = 0;

	if (wanted.action == OVERWRITE)
		wrong = read_list(j, &wanted, &passes);
	else if (get_be16(j->cdb + 7))
		wrong = AC_FIELD;
	/* after a restricted one that failed only another restricted one helps */
	if (!wrong && now->sanitize_failed && now->restricted && !wanted.restricted)
		wrong = AC_FIELD;
	if (wrong) {
		emu_scsi_check(j, SK_ILLEGAL, wrong);
		return;
	}
	if (wanted.action == OVERWRITE)
		j->cmd->moved = wanted.bytes_len + 4U;
	if (wanted.action == EXIT)
		exit_failure_mode(j);
	else if (!j->d->faults.sanitize_ignored)
		start(j, &wanted, passes);
}
