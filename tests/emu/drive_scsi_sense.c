/* Sense data in both formats, and what goes to the host [SPC-5 4.4]. */
#include "base/wire.h"
#include "tests/emu/drive_scsi_inside.h"

#include <string.h>

static size_t put_fixed(uint8_t *out, const struct emu_scsi_sense *s)
{
	out[0] = s->deferred ? 0x71 : 0x70;
	out[2] = s->key;
	/* an address of more than 32 bits has no room here */
	if (s->has_info && s->info <= UINT32_MAX) {
		out[0] |= 0x80;
		put_be32(out + 3, (uint32_t)s->info);
	}
	out[7] = 10;
	put_be16(out + 12, s->code);
	if (s->has_progress) {
		out[15] = 0x80;
		put_be16(out + 16, s->progress);
	}
	return 18;
}

static size_t put_descriptors(uint8_t *out, const struct emu_scsi_sense *s)
{
	size_t at = 8;

	out[0] = s->deferred ? 0x73 : 0x72;
	out[1] = s->key;
	put_be16(out + 2, s->code);
	if (s->has_info) {
		out[at] = 0x00;
		out[at + 1] = 10;
		out[at + 2] = 0x80;
		put_be64(out + at + 4, s->info);
		at += 12;
	}
	if (s->has_progress) {
		out[at] = 0x02;
		out[at + 1] = 6;
		out[at + 4] = 0x80;
		put_be16(out + at + 5, s->progress);
		at += 8;
	}
	out[7] = (uint8_t)(at - 8);
	return at;
}

size_t emu_scsi_put_sense(uint8_t *out, const struct emu_scsi_sense *s, bool fixed)
{
	return fixed ? put_fixed(out, s) : put_descriptors(out, s);
}

void emu_scsi_check_with(struct emu_scsi_job *j, const struct emu_scsi_sense *s)
{
	struct emu_scsi_cmd *cmd = j->cmd;
	bool fixed = j->d->faults.fixed_sense || !emu_scsi_wants_descriptors(j->lu);

	memset(cmd->sense, 0, sizeof(cmd->sense));
	cmd->status = SC_CHECK;
	cmd->sense_len = j->d->faults.sense_lost ? 0 : emu_scsi_put_sense(cmd->sense, s, fixed);
}

void emu_scsi_check(struct emu_scsi_job *j, uint8_t key, uint16_t code)
{
	emu_scsi_check_with(j, &(struct emu_scsi_sense){.key = key, .code = code});
}

void emu_scsi_check_at(struct emu_scsi_job *j, uint8_t key, uint16_t code, uint64_t lba)
{
	emu_scsi_check_with(j, &(struct emu_scsi_sense){
				       .key = key, .code = code, .has_info = true, .info = lba});
}

void emu_scsi_give(struct emu_scsi_job *j, const uint8_t *data, size_t len, size_t allocated)
{
	struct emu_scsi_cmd *cmd = j->cmd;

	cmd->moved = len < allocated ? len : allocated;
	if (cmd->moved > cmd->in_len)
		cmd->moved = cmd->in_len;
	if (cmd->moved)
		memcpy(cmd->in, data, cmd->moved);
}
