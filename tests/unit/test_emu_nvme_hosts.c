/* The emulated NVM subsystem between several controllers and hosts: attaching, reservations. */
#include "tests/emu/emu_nvme_ask.h"

#include "base/span.h"
#include "base/wire.h"
#include "tests/fake/bare_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES (1024 * 1024U)
#define ALL   0xffffffffU

static void make_many(struct bare_nvme *w)
{
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);

	bare_nvme_make(w, &cfg);
}

static void test_namespaces_come_and_go_and_their_data_stays(void **state)
{
	struct bare_nvme w;
	struct emu_nvme_cmd r;
	uint8_t want[4096] = {0};
	uint8_t id[4096];

	(void)state;
	make_many(&w);
	emu_nvme_stain(w.d);
	/* deleted: what it held is now in capacity that nobody has allocated */
	assert_int_equal(
		emu_nvme_ask_status(w.d,
				    &(struct emu_nvme_ask){.opcode = 0x0d, .nsid = 1, .cdw10 = 1}),
		0);
	assert_null(emu_nvme_media(w.d, 1));
	assert_int_equal(emu_nvme_stains(w.d).sectors, 4 * BYTES / 512);
	assert_int_equal(emu_nvme_ask_identify(w.d, 1, 0, id), 0);
	assert_int_equal(get_le64(id + 296), 2 * BYTES);
	put_le64(want, BYTES / 4096);
	put_le64(want + 8, BYTES / 4096);
	want[26] = 2;
	r = emu_nvme_ask(w.d,
			 &(struct emu_nvme_ask){.opcode = 0x0d, .out = want, .len = sizeof(want)});
	assert_int_equal(r.status, 0);
	assert_int_equal(r.result, 1);
	assert_int_equal(emu_nvme_ask_identify(w.d, 0x11, 1, id), 0);
	assert_int_equal(get_le64(id), BYTES / 4096);
	assert_int_equal(emu_nvme_ask_attach(w.d, 1, 0, 1), 0);
	assert_int_equal(emu_nvme_ask_attach(w.d, 1, 0, 1), 0x118);
	assert_int_equal(emu_nvme_ask_attach(w.d, 1, 0, 2), 0x119);
	assert_int_equal(emu_nvme_ask_attach(w.d, 1, 1, 2), 0x11a);
	assert_int_equal(emu_nvme_ask_attach(w.d, 1, 0, 3), 0x11c);
	assert_int_equal(emu_nvme_ask_attach(w.d, 9, 0, 1), 0x0b);
	/* more than there is */
	put_le64(want, 2 * BYTES / 4096);
	put_le64(want + 8, 2 * BYTES / 4096);
	r = emu_nvme_ask(w.d,
			 &(struct emu_nvme_ask){.opcode = 0x0d, .out = want, .len = sizeof(want)});
	assert_int_equal(r.status & 0x7ff, 0x115);
	want[26] = 9;
	r = emu_nvme_ask(w.d,
			 &(struct emu_nvme_ask){.opcode = 0x0d, .out = want, .len = sizeof(want)});
	assert_int_equal(r.status & 0x7ff, 0x10a);
	emu_nvme_free(&w.d);
}

static uint16_t reserve(struct bare_nvme *w, unsigned ctrl, uint8_t opcode, uint32_t cdw10,
			uint64_t first, uint64_t second)
{
	uint8_t keys[16];

	put_le64(keys, first);
	put_le64(keys + 8, second);
	return emu_nvme_ask_status(w->d, &(struct emu_nvme_ask){.opcode = opcode,
								.is_io = true,
								.controller = ctrl,
								.nsid = 2,
								.cdw10 = cdw10,
								.out = keys,
								.len = sizeof(keys)});
}

static void test_reservations_keep_the_other_host_out(void **state)
{
	struct bare_nvme w;
	uint8_t buf[512] = {0};
	uint8_t report[256];
	struct emu_nvme_ask write = {
		.opcode = 1, .is_io = true, .controller = 1, .nsid = 2, .out = buf, .len = 512};
	struct emu_nvme_ask read = {
		.opcode = 2, .is_io = true, .controller = 1, .nsid = 2, .in = buf, .len = 512};

	(void)state;
	make_many(&w);
	assert_int_equal(reserve(&w, 0, 0x11, 1U << 8, 7, 0), 0x83); /* not registered */
	assert_int_equal(reserve(&w, 0, 0x0d, 0, 0, 7), 0);
	assert_int_equal(reserve(&w, 0, 0x11, 1U << 8, 7, 0), 0);
	assert_int_equal(emu_nvme_ask_status(w.d, &write), 0x83);
	assert_int_equal(emu_nvme_ask_status(w.d, &read), 0);
	assert_int_equal(emu_nvme_ask_write(w.d, 2, 0, buf, 512), 0);
	assert_int_equal(emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = 0x0e,
									 .is_io = true,
									 .nsid = 2,
									 .cdw10 = 63,
									 .in = report,
									 .len = 256}),
			 0);
	assert_int_equal(report[4], 1);
	assert_int_equal(get_le16(report + 5), 1);
	assert_int_equal(report[24 + 2], 1);
	assert_int_equal(get_le64(report + 24 + 16), 7);
	/* the other one takes it away */
	assert_int_equal(reserve(&w, 1, 0x0d, 0, 0, 9), 0);
	assert_int_equal(reserve(&w, 1, 0x11, 1U << 8 | 0, 9, 0), 0x83);
	assert_int_equal(reserve(&w, 1, 0x11, 2U << 8 | 1, 9, 7), 0);
	assert_int_equal(emu_nvme_ask_status(w.d, &write), 0);
	assert_int_equal(emu_nvme_ask_write(w.d, 2, 0, buf, 512), 0x83);
	assert_int_equal(emu_nvme_ask_read(w.d, 2, 0, buf, 512), 0x83);
	assert_int_equal(reserve(&w, 1, 0x15, 1U << 8, 9, 0), 0x02);
	assert_int_equal(reserve(&w, 1, 0x15, 2U << 8, 9, 0), 0);
	assert_int_equal(emu_nvme_ask_write(w.d, 2, 0, buf, 512), 0);
	/* a host that has no controller here; a power cycle ends what does not persist */
	assert_true(emu_nvme_reserve_elsewhere(w.d, 2, 1));
	assert_int_equal(emu_nvme_ask_write(w.d, 2, 0, buf, 512), 0x83);
	assert_int_equal(emu_nvme_ask_format(w.d, 2, 1, 0), 0x83);
	emu_nvme_power_off(w.d);
	emu_nvme_power_on(w.d);
	assert_int_equal(emu_nvme_ask_write(w.d, 2, 0, buf, 512), 0);
	emu_nvme_free(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_namespaces_come_and_go_and_their_data_stays),
		cmocka_unit_test(test_reservations_keep_the_other_host_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
