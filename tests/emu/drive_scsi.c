#include "tests/emu/drive_scsi_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* what any command costs */
#define COMMAND_NS (50 * EMU_US)

static struct emu_scsi_config plain(const char *product, const char *serial, uint64_t sectors)
{
	struct emu_scsi_config c = {
		.sectors = sectors,
		.logical_bytes = 512,
		.physical_exponent = 3,
		.spare_sectors = 64,
		.luns = 1,
		.sanitize_overwrite = true,
		.has_opcodes = true,
		.has_write_cache = true,
		.sanitize_seconds = 3600,
		.format_seconds = 3600,
	};

	snprintf(c.vendor, sizeof(c.vendor), "EMULATED");
	snprintf(c.product, sizeof(c.product), "%s", product);
	snprintf(c.serial, sizeof(c.serial), "%s", serial);
	snprintf(c.revision, sizeof(c.revision), "EM01");
	return c;
}

struct emu_scsi_config emu_scsi_hdd(uint64_t sectors)
{
	struct emu_scsi_config c = plain("SAS HARD DISK", "EMUSASHDD0001", sectors);

	c.wwn = 0x5000c500a0000010ULL;
	c.rpm = 7200;
	return c;
}

struct emu_scsi_config emu_scsi_ssd(uint64_t sectors)
{
	struct emu_scsi_config c = plain("SAS SOLID STATE", "EMUSASSSD0001", sectors);

	c.wwn = 0x50025380a0000010ULL;
	c.is_ssd = true;
	c.encrypts = true;
	c.sanitize_block = true;
	c.sanitize_crypto = true;
	c.wabereq = 1;
	c.wacereq = 1;
	c.has_unmap = true;
	c.unmapped_zero = true;
	c.has_fast_format = true;
	c.sanitize_seconds = 60;
	c.format_seconds = 60;
	return c;
}

static bool make_lu(struct emu_scsi *d, unsigned lun)
{
	const struct emu_scsi_config *c = &d->cfg;
	uint32_t tail = c->pi_type ? EMU_SCSI_PI : 0;
	struct emu_media_config mc = {
		.sectors = c->sectors,
		.sector_bytes = c->logical_bytes + tail,
		.tail_bytes = tail,
		.spare_sectors = c->spare_sectors,
		.is_flash = c->is_ssd,
		.encrypts = c->encrypts,
	};
	struct emu_scsi_lu *lu = &d->lu[lun];

	lu->drive = d;
	lu->lun = lun;
	lu->media = emu_media_new(&mc);
	lu->block_bytes = lu->next_block_bytes = c->logical_bytes;
	lu->pi_type = c->pi_type;
	lu->blocks = lu->blocks_max = c->sectors;
	emu_scsi_modes_reset(lu);
	lu->saved = lu->modes;
	return lu->media != NULL;
}

struct emu_scsi *emu_scsi_new(const struct emu_scsi_config *cfg, struct emu_time *time)
{
	struct emu_scsi *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->cfg = *cfg;
	if (d->cfg.luns == 0 || d->cfg.luns > EMU_SCSI_LUNS_MAX)
		d->cfg.luns = 1;
	d->time = time;
	for (unsigned i = 0; i < d->cfg.luns; i++) {
		if (!make_lu(d, i)) {
			emu_scsi_free(&d);
			return NULL;
		}
	}
	emu_scsi_power_on(d);
	return d;
}

void emu_scsi_free(struct emu_scsi **d)
{
	if (!*d)
		return;
	for (unsigned i = 0; i < EMU_SCSI_LUNS_MAX; i++) {
		emu_media_free(&(*d)->lu[i].media);
		free((*d)->lu[i].unwritten.written);
	}
	free(*d);
	*d = NULL;
}

struct emu_scsi_faults *emu_scsi_faults(struct emu_scsi *d)
{
	return &d->faults;
}

struct emu_media *emu_scsi_media(struct emu_scsi *d, unsigned lun)
{
	return d->lu[lun].media;
}

const struct emu_scsi_config *emu_scsi_config_of(const struct emu_scsi *d)
{
	return &d->cfg;
}

struct emu_time *emu_scsi_time(struct emu_scsi *d)
{
	return d->time;
}

uint64_t emu_scsi_commands(const struct emu_scsi *d)
{
	return d->commands;
}

void emu_scsi_tell(struct emu_scsi_lu *lu, uint16_t code, unsigned but_nexus)
{
	lu->attention[lu->attention_end++ % EMU_SCSI_ATTENTIONS] =
		(struct emu_scsi_attention){.code = code, .but_nexus = but_nexus};
	if (lu->attention_end - lu->attention_first > EMU_SCSI_ATTENTIONS)
		lu->attention_first = lu->attention_end - EMU_SCSI_ATTENTIONS;
}

/* Resets of any kind are news that makes all older news old. */
static void tell_reset(struct emu_scsi_lu *lu, uint16_t code)
{
	lu->attention_first = lu->attention_end;
	emu_scsi_tell(lu, code, EMU_SCSI_EVERYBODY);
	lu->modes = lu->saved;
	lu->deferred = 0;
}

void emu_scsi_power_off(struct emu_scsi *d)
{
	if (!d->powered)
		return;
	for (unsigned i = 0; i < d->cfg.luns; i++) {
		emu_scsi_settle(&d->lu[i]);
		emu_scsi_erase_power_off(&d->lu[i]);
	}
	d->powered = false;
}

void emu_scsi_power_on(struct emu_scsi *d)
{
	if (d->powered)
		return;
	d->powered = true;
	for (unsigned i = 0; i < d->cfg.luns; i++) {
		struct emu_scsi_lu *lu = &d->lu[i];

		/* reservations do not persist: APTPL is not offered */
		lu->pr = (struct emu_scsi_reservation){0};
		lu->stopped = false;
		emu_scsi_erase_power_on(lu);
		tell_reset(lu, AC_POWER_ON);
	}
}

/* A logical unit reset: a format in the foreground is lost, a sanitize is not. */
static void reset_lu(struct emu_scsi_lu *lu)
{
	emu_scsi_settle(lu);
	if (lu->work.formats)
		emu_scsi_erase_power_off(lu);
	tell_reset(lu, AC_RESET);
}

void emu_scsi_cut_power_at(struct emu_scsi *d, uint64_t at_ns)
{
	d->cut_at_ns = at_ns;
}

bool emu_scsi_busy(struct emu_scsi_job *j, uint64_t ns)
{
	struct emu_scsi *d = j->d;
	uint64_t start = d->time->now_ns;
	uint64_t end = start + ns;
	bool gives_up = d->give_up_at_ns && end > d->give_up_at_ns;
	bool loses_power;

	if (gives_up)
		end = d->give_up_at_ns;
	loses_power = d->cut_at_ns && end >= d->cut_at_ns;
	if (loses_power)
		end = d->cut_at_ns > start ? d->cut_at_ns : start;
	switch (emu_time_until(d->time, end)) {
	case EMU_WAKE_TIME:
		break;
	case EMU_WAKE_POWER:
		loses_power = true;
		break;
	case EMU_WAKE_RESET:
		gives_up = true;
		break;
	}
	if (loses_power) {
		d->cut_at_ns = 0;
		emu_scsi_power_off(d);
		emu_scsi_power_on(d);
	} else if (gives_up) {
		reset_lu(j->lu);
	}
	j->cmd->answered = !loses_power && !gives_up;
	return j->cmd->answered;
}

enum emu_scsi_state emu_scsi_lu_state(const struct emu_scsi_lu *lu)
{
	if (lu->work.sanitizes)
		return EMU_SCSI_SANITIZING;
	if (lu->work.formats)
		return EMU_SCSI_FORMATTING;
	if (lu->work.sanitize_failed)
		return EMU_SCSI_SANITIZE_FAILED;
	if (lu->work.corrupt)
		return EMU_SCSI_FORMAT_CORRUPT;
	return lu->stopped ? EMU_SCSI_STOPPED : EMU_SCSI_READY;
}

enum emu_scsi_state emu_scsi_state(struct emu_scsi *d, unsigned lun)
{
	emu_scsi_settle(&d->lu[lun]);
	return emu_scsi_lu_state(&d->lu[lun]);
}

/* What this path has not heard yet; false: nothing. */
static bool take_attention(struct emu_scsi_bay *bay, const struct emu_scsi_job *j, uint16_t *code)
{
	const struct emu_scsi_lu *lu = j->lu;

	if (bay->met != j->d) {
		bay->met = j->d;
		bay->attentions = 0;
	}
	if (bay->attentions < lu->attention_first)
		bay->attentions = lu->attention_first;
	while (bay->attentions < lu->attention_end) {
		const struct emu_scsi_attention *a =
			&lu->attention[bay->attentions++ % EMU_SCSI_ATTENTIONS];

		if (a->but_nexus != j->nexus) {
			*code = a->code;
			return true;
		}
	}
	return false;
}

/* REQUEST SENSE tells of an attention as its data, others by CHECK CONDITION. */
static bool told_news(struct emu_scsi_bay *bay, struct emu_scsi_job *j, unsigned flags)
{
	struct emu_scsi_sense s = {0};
	uint8_t data[EMU_SENSE_MAX] = {0};

	if ((flags & NO_ATTENTION) && j->cdb[0] != 0x03)
		return false;
	/* during an erase REQUEST SENSE tells of the erase */
	if (j->cdb[0] == 0x03 && emu_scsi_not_ready(j->lu).has_progress)
		return false;
	if (j->lu->deferred) {
		s = (struct emu_scsi_sense){
			.deferred = true, .key = SK_MEDIUM, .code = j->lu->deferred};
		j->lu->deferred = 0;
	} else if (take_attention(bay, j, &s.code)) {
		s.key = SK_ATTENTION;
	} else {
		return false;
	}
	if (j->cdb[0] == 0x03)
		emu_scsi_give(
			j, data,
			emu_scsi_put_sense(data, &s, !(j->cdb[1] & 1) || j->d->faults.fixed_sense),
			j->cdb[4]);
	else
		emu_scsi_check_with(j, &s);
	return true;
}

/* May a command with these flags run now? */
static bool is_ready_for(struct emu_scsi_job *j, unsigned flags)
{
	struct emu_scsi_sense s = emu_scsi_not_ready(j->lu);

	switch (emu_scsi_lu_state(j->lu)) {
	case EMU_SCSI_READY:
		return true;
	case EMU_SCSI_SANITIZING:
		if (flags & WHEN_ALWAYS)
			return true;
		break;
	case EMU_SCSI_FORMATTING: /* INQUIRY, REPORT LUNS, REQUEST SENSE: no more */
		if (flags & NO_ATTENTION)
			return true;
		break;
	case EMU_SCSI_SANITIZE_FAILED:
		if (flags & (WHEN_ALWAYS | WHEN_FAILED))
			return true;
		break;
	case EMU_SCSI_FORMAT_CORRUPT:
	case EMU_SCSI_STOPPED:
		if (!(flags & NEEDS_MEDIUM))
			return true;
		break;
	}
	emu_scsi_check_with(j, &s);
	return false;
}

static void dispatch(struct emu_scsi_bay *bay, struct emu_scsi_job *j)
{
	bool known = false;
	const struct emu_scsi_row *row = emu_scsi_find(j->d, j->cdb[0], j->cdb[1] & 0x1f, &known);

	if (told_news(bay, j, row ? row->flags : 0))
		return;
	if (!row) {
		emu_scsi_check(j, SK_ILLEGAL, known ? AC_FIELD : AC_OPCODE);
		return;
	}
	if (j->cmd->cdb_len < row->len) {
		j->cmd->answered = false;
		return;
	}
	if (emu_scsi_conflicts(j, row->flags)) {
		j->cmd->status = SC_CONFLICT;
		return;
	}
	if (emu_scsi_has_odd_bits(row, j->cdb)) {
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return;
	}
	if (is_ready_for(j, row->flags) && row->handler)
		row->handler(j);
}

/* A drive that is gone, or another that came. */
static void play_swap(struct emu_scsi_bay *bay)
{
	struct emu_scsi *d = bay->drive;

	if (!d)
		return;
	d->commands++;
	if (d->faults.vanishes_after && d->commands > d->faults.vanishes_after)
		bay->drive = NULL;
	else if (d->faults.swap_for && d->commands > d->faults.swaps_after)
		bay->drive = d->faults.swap_for;
}

void emu_scsi_exec(struct emu_scsi_bay *bay, struct emu_scsi_cmd *cmd)
{
	struct emu_scsi_job j = {
		.cmd = cmd, .cdb = cmd->cdb, .nexus = bay->host * 2 + bay->port, .port = bay->port};

	cmd->answered = false;
	cmd->status = SC_GOOD;
	cmd->moved = 0;
	cmd->sense_len = 0;
	play_swap(bay);
	j.d = bay->drive;
	if (!j.d || !j.d->powered || bay->lun >= j.d->cfg.luns || cmd->cdb_len < 6)
		return;
	j.lu = &j.d->lu[bay->lun];
	j.d->give_up_at_ns = cmd->give_up_ns ? j.d->time->now_ns + cmd->give_up_ns : 0;
	if (!emu_scsi_busy(&j, COMMAND_NS))
		return;
	for (unsigned i = 0; i < j.d->cfg.luns; i++)
		emu_scsi_settle(&j.d->lu[i]);
	dispatch(bay, &j);
}

static void unit_exec(void *ctx, struct emu_scsi_cmd *cmd)
{
	emu_scsi_exec(ctx, cmd);
}

static void unit_power_off(void *ctx)
{
	const struct emu_scsi_bay *bay = ctx;

	if (bay->drive)
		emu_scsi_power_off(bay->drive);
}

static void unit_power_on(void *ctx)
{
	const struct emu_scsi_bay *bay = ctx;

	if (bay->drive)
		emu_scsi_power_on(bay->drive);
}

static void unit_reset(void *ctx)
{
	const struct emu_scsi_bay *bay = ctx;

	if (bay->drive && bay->drive->powered && bay->lun < bay->drive->cfg.luns)
		reset_lu(&bay->drive->lu[bay->lun]);
}

static struct emu_time *unit_time(void *ctx)
{
	const struct emu_scsi_bay *bay = ctx;

	return bay->drive ? bay->drive->time : NULL;
}

struct emu_unit emu_scsi_unit(struct emu_scsi_bay *bay)
{
	static const struct emu_unit_ops ops = {
		.exec = unit_exec,
		.power_off = unit_power_off,
		.power_on = unit_power_on,
		.reset = unit_reset,
		.time = unit_time,
	};

	return (struct emu_unit){&ops, bay};
}
