#include "tests/fake/job_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/emu/scsi_ask.h"

uint64_t stage_blocks_sas(struct emu_scsi *d)
{
	struct emu_host h = {.bay = {.drive = d, .port = 1}};

	/* what there is to hear of power-on and of the change */
	for (unsigned i = 0; i < 4; i++)
		emu_host_ready(&h);
	/* READ CAPACITY (16) */
	assert_int_equal(
		emu_host_in(&h, EMU_CDB(0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0), 32),
		EMU_GOOD);
	return ((uint64_t)h.data[4] << 24 | (uint64_t)h.data[5] << 16 | (uint64_t)h.data[6] << 8 |
		h.data[7]) +
	       1;
}

/* MODE SELECT (6) with a block descriptor of that many blocks */
void stage_reduce_sas(struct emu_scsi *d, uint32_t blocks)
{
	struct emu_host h = {0};

	emu_host_plug(&h, d);
	memset(h.data, 0, 12);
	h.data[3] = 8;
	h.data[6] = (uint8_t)(blocks >> 8);
	h.data[7] = (uint8_t)blocks;
	h.data[10] = 2;
	assert_int_equal(emu_host_out(&h, EMU_CDB(0x15, 0x11, 0, 0, 12, 0), 12), EMU_GOOD);
	assert_int_equal(stage_blocks_sas(d), blocks);
}
