/* Protection information [SBC-4 4.21]: guard, application tag, reference tag, 8 bytes a block. */
#include "base/wire.h"
#include "tests/emu/drive_scsi_inside.h"

#include <string.h>

/* CRC-16 of T10: polynomial 8BB7h, four bits at a time. */
static uint16_t guard_of(const uint8_t *data, size_t len)
{
	static const uint16_t step[16] = {
		0x0000, 0x8bb7, 0x9cd9, 0x176e, 0xb205, 0x39b2, 0x2edc, 0xa56b,
		0xefbd, 0x640a, 0x7364, 0xf8d3, 0x5db8, 0xd60f, 0xc161, 0x4ad6,
	};
	unsigned crc = 0;

	for (size_t i = 0; i < len; i++) {
		crc = (crc << 4 & 0xffff) ^ step[(crc >> 12 ^ data[i] >> 4) & 0xf];
		crc = (crc << 4 & 0xffff) ^ step[(crc >> 12 ^ data[i]) & 0xf];
	}
	return (uint16_t)crc;
}

void emu_scsi_make_pi(const struct emu_scsi_lu *lu, uint8_t *block, uint64_t lba)
{
	uint8_t *pi = block + lu->block_bytes;

	if (!lu->pi_type)
		return;
	put_be16(pi, guard_of(block, lu->block_bytes));
	put_be16(pi + 2, 0);
	put_be32(pi + 4, lu->pi_type == 3 ? 0xffffffff : (uint32_t)lba);
}

uint16_t emu_scsi_check_pi(const struct emu_scsi_lu *lu, const uint8_t *block, uint64_t lba,
			   unsigned protect)
{
	const uint8_t *pi = block + lu->block_bytes;
	bool is_escaped;

	if (!lu->pi_type || protect == 3)
		return 0;
	is_escaped = get_be16(pi + 2) == 0xffff;
	if (lu->pi_type == 3)
		is_escaped = is_escaped && get_be32(pi + 4) == 0xffffffff;
	if (is_escaped)
		return 0;
	if (protect != 2 && get_be16(pi) != guard_of(block, lu->block_bytes))
		return AC_GUARD;
	if (protect != 4 && lu->pi_type != 3 && get_be32(pi + 4) != (uint32_t)lba)
		return AC_REFERENCE;
	return 0;
}

bool emu_scsi_take_protect(struct emu_scsi_job *j, unsigned *protect)
{
	*protect = j->cdb[1] >> 5;
	if (*protect == 0)
		return true;
	/* type 2 wants its own commands of 32 bytes for that */
	if (j->lu->pi_type == 2) {
		emu_scsi_check(j, SK_ILLEGAL, AC_OPCODE);
		return false;
	}
	if (j->lu->pi_type == 0 || *protect > 5) {
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return false;
	}
	return true;
}
