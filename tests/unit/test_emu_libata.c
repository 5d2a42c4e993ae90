/* The drive's half of the libata door, as the kernel's half would talk to it. */
#include "tests/emu/libata_door.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS 4096

struct world {
	struct emu_time time;
	struct emu_libata_port port;
	uint8_t *out;
	struct xpl_message reply;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);

	if (!w)
		return -1;
	*state = w;
	w->port.number = 2;
	w->port.drive = emu_ata_new(&cfg, &w->time);
	w->out = calloc(1, XPL_DATA_MAX);
	return w->port.drive && w->out ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *w = *state;

	emu_ata_free(&w->port.drive);
	free(w->out);
	free(w);
	return 0;
}

static struct xpl_message message(uint8_t kind)
{
	return (struct xpl_message){.magic = XPL_MAGIC, .kind = kind, .port = 2, .seq = 77};
}

static bool answer(struct world *w, const struct xpl_message *m, const void *data)
{
	return emu_libata_answer(&w->port, m, data, &w->reply, w->out);
}

static void test_identifies(void **state)
{
	struct world *w = *state;
	struct xpl_message m = message(XPL_COMMAND);
	uint8_t expected[512];

	m.command = 0xec;
	m.way = 1;
	m.data_in = 512;
	assert_true(answer(w, &m, NULL));
	assert_int_equal(w->reply.kind, XPL_DONE);
	assert_int_equal(w->reply.seq, 77);
	assert_int_equal(w->reply.port, 2);
	assert_int_equal(w->reply.command, 0x50);
	assert_int_equal(w->reply.len, 512);
	emu_ata_identify(w->port.drive, expected);
	assert_memory_equal(w->out, expected, 512);
}

static void test_writes_and_reads(void **state)
{
	struct world *w = *state;
	struct xpl_message m = message(XPL_COMMAND);
	uint8_t data[1024];

	memset(data, 0xa5, sizeof(data));
	/* WRITE DMA EXT */
	m.command = 0x35;
	m.flags = XPL_FLAG_48BIT | XPL_FLAG_WRITE;
	m.device = 0x40;
	m.way = 4;
	m.count = 2;
	m.lba = 1000;
	m.len = sizeof(data);
	assert_true(answer(w, &m, data));
	assert_int_equal(w->reply.command, 0x50);
	assert_int_equal(w->reply.len, 0);
	/* READ DMA, 28 bit */
	m = message(XPL_COMMAND);
	m.command = 0xc8;
	m.device = 0x40;
	m.way = 3;
	m.count = 2;
	m.lba = 1000;
	m.data_in = sizeof(data);
	assert_true(answer(w, &m, NULL));
	assert_int_equal(w->reply.command, 0x50);
	assert_int_equal(w->reply.len, sizeof(data));
	assert_memory_equal(w->out, data, sizeof(data));
	/* LBA 27:24 stand in DEVICE: beyond the end of the drive */
	m.device = 0x41;
	assert_true(answer(w, &m, NULL));
	assert_int_equal(w->reply.command & 1, 1);
	assert_int_equal(w->reply.len, 0);
}

static void test_returns_registers_or_loses_them(void **state)
{
	struct world *w = *state;
	struct xpl_message m = message(XPL_COMMAND);

	/* SANITIZE STATUS EXT: none ran, FFFFh in LBA */
	m.command = 0xb4;
	m.flags = XPL_FLAG_48BIT;
	assert_true(answer(w, &m, NULL));
	assert_int_equal(w->reply.lba & 0xffff, 0xffff);
	w->port.lost_registers = true;
	assert_true(answer(w, &m, NULL));
	assert_int_equal(w->reply.command, 0x50);
	assert_int_equal(w->reply.lba, 0);
	assert_int_equal(w->reply.count, 0);
}

static void test_is_reset(void **state)
{
	struct world *w = *state;
	struct xpl_message m = message(XPL_RESET);
	struct emu_ata *drive = w->port.drive;

	assert_true(answer(w, &m, NULL));
	assert_int_equal(w->reply.kind, XPL_RESET_DONE);
	assert_int_equal(w->reply.flags, XPL_FLAG_ONLINE);
	assert_int_equal(emu_libata_link(&w->port).flags, XPL_FLAG_ONLINE);
	emu_ata_power_off(drive);
	assert_int_equal(emu_libata_link(&w->port).flags, 0);
	emu_ata_power_on(drive);
	w->port.drive = NULL;
	assert_true(answer(w, &m, NULL));
	assert_int_equal(w->reply.flags, 0);
	assert_int_equal(emu_libata_link(&w->port).flags, 0);
	m = message(XPL_COMMAND);
	m.command = 0xe5;
	assert_true(answer(w, &m, NULL));
	assert_int_equal(w->reply.flags, XPL_FLAG_GONE);
	w->port.drive = drive;
}

static void test_says_that_no_answer_comes(void **state)
{
	struct world *w = *state;
	struct xpl_message m = message(XPL_COMMAND);

	emu_ata_cut_power_at(w->port.drive, w->time.now_ns + 1);
	m.command = 0xe5;
	assert_true(answer(w, &m, NULL));
	assert_int_equal(w->reply.flags, XPL_FLAG_GONE);
	assert_int_equal(w->reply.command, 0);
}

static void test_takes_no_nonsense(void **state)
{
	struct world *w = *state;
	struct xpl_message good = message(XPL_COMMAND);
	struct xpl_message m;

	good.command = 0xec;
	good.way = 1;
	good.data_in = 512;
	m = good;
	m.magic++;
	assert_false(answer(w, &m, NULL));
	m = good;
	m.port = 3;
	assert_false(answer(w, &m, NULL));
	m = good;
	m.kind = XPL_DONE;
	assert_false(answer(w, &m, NULL));
	m = good;
	m.way = 5;
	assert_false(answer(w, &m, NULL));
	m = good;
	m.data_in = XPL_DATA_MAX + 1;
	assert_false(answer(w, &m, NULL));
	m = good;
	m.len = 512; /* data goes out that nobody writes */
	assert_false(answer(w, &m, w->out));
	m = good;
	m.way = 0; /* data comes in that nobody reads */
	assert_false(answer(w, &m, NULL));
	assert_true(answer(w, &good, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_identifies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writes_and_reads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_returns_registers_or_loses_them, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_is_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_says_that_no_answer_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_takes_no_nonsense, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
