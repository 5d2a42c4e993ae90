/* The emulated NVMe drive: what it says of itself, blocks, logs, features, namespaces, power. */
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

static void make_ssd(struct bare_nvme *w)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);

	bare_nvme_make(w, &cfg);
}

static void make_many(struct bare_nvme *w)
{
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);

	bare_nvme_make(w, &cfg);
}

static void test_identify_says_what_was_configured(void **state)
{
	struct bare_nvme w;
	uint8_t id[4096];

	(void)state;
	make_ssd(&w);
	assert_int_equal(emu_nvme_ask_identify(w.d, 1, 0, id), 0);
	assert_memory_equal(id + 4, "EMUNVME0001         ", 20);
	assert_memory_equal(id + 24, "EMULATED NVME DRIVE ", 20);
	assert_int_equal(get_le16(id + 78), 1);
	assert_int_equal(get_le32(id + 80), 0x00010400);
	assert_int_equal(get_le16(id + 256), 1 | 2 | 8);
	assert_int_equal(get_le32(id + 328), 7 | 1U << 30);
	assert_int_equal(id[524], 4);
	assert_int_equal(get_le64(id + 280), BYTES);
	assert_int_equal(get_le64(id + 296), 0);
	assert_int_equal(emu_nvme_ask_identify(w.d, 0, 1, id), 0);
	assert_int_equal(get_le64(id), BYTES / 512);
	assert_int_equal(id[25], 4);
	assert_int_equal(id[26], 0);
	assert_int_equal(id[33] & 7, 1);
	assert_int_equal(id[128 + 4 * 2 + 2], 12);
	/* a namespace that is not there is zeros, one that can't be is refused */
	assert_int_equal(emu_nvme_ask_identify(w.d, 0, 2, id), 0);
	assert_true(xp_mem_is_filled(id, 0, sizeof(id)));
	assert_int_equal(emu_nvme_ask_identify(w.d, 0, 33, id), 0x0b);
	assert_int_equal(emu_nvme_ask_identify(w.d, 0, 0, id), 0x0b);
	assert_int_equal(emu_nvme_ask_identify(w.d, 0x7e, 0, id), 0x02);
	/* descriptors: EUI-64, NGUID, command set */
	assert_int_equal(emu_nvme_ask_identify(w.d, 3, 1, id), 0);
	assert_int_equal(get_le16(id), 0x0801);
	assert_int_equal(get_le16(id + 12), 0x1002);
	assert_int_equal(get_le16(id + 32), 0x0104);
	assert_int_equal(emu_nvme_ask_identify(w.d, 3, 2, id), 0x0b);
	emu_nvme_free(&w.d);
}

static uint16_t list(struct bare_nvme *w, unsigned ctrl, uint8_t cns, uint32_t nsid, uint8_t *out)
{
	return emu_nvme_ask_status(w->d, &(struct emu_nvme_ask){.opcode = 0x06,
								.controller = ctrl,
								.nsid = nsid,
								.cdw10 = cns,
								.in = out,
								.len = 4096});
}

static void test_lists_tell_attached_from_allocated(void **state)
{
	struct bare_nvme w;
	uint8_t out[4096];

	(void)state;
	make_many(&w);
	assert_int_equal(list(&w, 0, 2, 0, out), 0);
	assert_int_equal(get_le32(out), 1);
	assert_int_equal(get_le32(out + 4), 2);
	assert_int_equal(get_le32(out + 8), 0);
	assert_int_equal(list(&w, 1, 2, 0, out), 0);
	assert_int_equal(get_le32(out), 2);
	assert_int_equal(get_le32(out + 4), 0);
	assert_int_equal(list(&w, 1, 0x10, 1, out), 0);
	assert_int_equal(get_le32(out), 2);
	assert_int_equal(get_le32(out + 4), 3);
	assert_int_equal(get_le32(out + 8), 0);
	assert_int_equal(list(&w, 0, 2, 0xfffffffe, out), 0x0b);
	/* a detached one is seen as allocated only */
	assert_int_equal(list(&w, 0, 0, 3, out), 0);
	assert_true(xp_mem_is_filled(out, 0, 4096));
	assert_int_equal(list(&w, 0, 0x11, 3, out), 0);
	assert_int_equal(get_le64(out), BYTES / 512);
	/* controllers: of a namespace, of the subsystem; from an identifier on */
	assert_int_equal(list(&w, 0, 0x12, 2, out), 0);
	assert_int_equal(get_le16(out), 2);
	assert_int_equal(get_le16(out + 2), 1);
	assert_int_equal(get_le16(out + 4), 2);
	assert_int_equal(list(&w, 0, 0x12, 1, out), 0);
	assert_int_equal(get_le16(out), 1);
	emu_nvme_faults(w.d)->foreign_controllers = 2;
	assert_int_equal(list(&w, 0, 0x13, 0, out), 0);
	assert_int_equal(get_le16(out), 4);
	assert_int_equal(list(&w, 1, 1, 0, out), 0);
	assert_int_equal(get_le16(out + 78), 2);
	assert_int_equal(out[76], 3);
	assert_int_equal(get_le64(out + 296), BYTES);
	assert_int_equal(get_le64(out + 280), 4 * BYTES);
	/* the command set's own structures */
	assert_int_equal(list(&w, 0, 5, 1, out), 0);
	assert_int_equal(list(&w, 0, 5, 3, out), 0x0b);
	assert_int_equal(list(&w, 0, 0x1b, 3, out), 0);
	assert_int_equal(list(&w, 0, 6, 0, out), 0);
	emu_nvme_free(&w.d);
}

static void test_blocks_come_back_as_they_were_written(void **state)
{
	struct bare_nvme w;
	uint8_t in[4096];
	uint8_t out[4096];

	(void)state;
	make_ssd(&w);
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7);
	assert_int_equal(emu_nvme_ask_write(w.d, 1, 100, in, sizeof(in)), 0);
	assert_int_equal(emu_nvme_ask_read(w.d, 1, 100, out, sizeof(out)), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(emu_nvme_ask_read(w.d, 1, BYTES / 512 - 8, out, sizeof(out)), 0);
	assert_int_equal(emu_nvme_ask_read(w.d, 1, BYTES / 512 - 7, out, sizeof(out)), 0x80);
	assert_int_equal(emu_nvme_ask_write(w.d, 1, UINT64_MAX - 3, in, sizeof(in)), 0x80);
	assert_int_equal(emu_nvme_ask_read(w.d, 2, 0, out, sizeof(out)), 0x0b);
	/* a buffer that is too small */
	assert_int_equal(emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = 2,
									 .is_io = true,
									 .nsid = 1,
									 .cdw12 = 8,
									 .in = out,
									 .len = 4096}),
			 0x0f);
	/* compare */
	assert_int_equal(emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = 5,
									 .is_io = true,
									 .nsid = 1,
									 .cdw10 = 100,
									 .cdw12 = 7,
									 .out = in,
									 .len = 4096}),
			 0);
	in[4095] ^= 1;
	assert_int_equal(emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = 5,
									 .is_io = true,
									 .nsid = 1,
									 .cdw10 = 100,
									 .cdw12 = 7,
									 .out = in,
									 .len = 4096}),
			 0x285);
	emu_nvme_free(&w.d);
}

static uint16_t deallocate(struct bare_nvme *w, uint64_t lba, uint32_t n)
{
	uint8_t range[16] = {0};

	put_le32(range + 4, n);
	put_le64(range + 8, lba);
	return emu_nvme_ask_status(w->d, &(struct emu_nvme_ask){.opcode = 9,
								.is_io = true,
								.nsid = 1,
								.cdw11 = 4,
								.out = range,
								.len = sizeof(range)});
}

static void test_deallocated_blocks_read_as_the_drive_is_made_and_stay(void **state)
{
	static const enum emu_trimmed ways[] = {EMU_TRIMMED_ZERO, EMU_TRIMMED_ONES,
						EMU_TRIMMED_OLD};
	static const uint8_t dlfeat[] = {1, 2, 0};
	struct bare_nvme w;
	uint8_t out[512];
	uint8_t id[4096];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);

		cfg.deallocated = ways[i];
		bare_nvme_make(&w, &cfg);
		emu_nvme_stain(w.d);
		assert_int_equal(emu_nvme_ask_identify(w.d, 0, 1, id), 0);
		assert_int_equal(id[33] & 7, dlfeat[i]);
		assert_int_equal(deallocate(&w, 8, 8), 0);
		assert_int_equal(emu_nvme_ask_read(w.d, 1, 8, out, sizeof(out)), 0);
		if (ways[i] == EMU_TRIMMED_OLD)
			assert_memory_equal(out + 8, " DATA, NOT TO", 13);
		else
			assert_true(xp_mem_is_filled(out, ways[i] == EMU_TRIMMED_ONES ? 0xff : 0,
						     sizeof(out)));
		/* a laboratory still finds all of it */
		assert_int_equal(emu_nvme_stains(w.d).sectors, BYTES / 512);
		assert_int_equal(deallocate(&w, BYTES / 512, 1), 0x80);
		emu_nvme_free(&w.d);
	}
}

static void test_write_zeroes_writes(void **state)
{
	struct bare_nvme w;
	uint8_t out[512];

	(void)state;
	make_ssd(&w);
	emu_nvme_stain(w.d);
	assert_int_equal(emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = 8,
									 .is_io = true,
									 .nsid = 1,
									 .cdw10 = 0,
									 .cdw12 = 15}),
			 0);
	assert_int_equal(emu_nvme_ask_read(w.d, 1, 15, out, sizeof(out)), 0);
	assert_true(xp_mem_is_filled(out, 0, sizeof(out)));
	assert_int_equal(emu_nvme_stains(w.d).sectors, BYTES / 512 - 16);
	assert_int_equal(emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = 8,
									 .is_io = true,
									 .nsid = 1,
									 .cdw10 = BYTES / 512,
									 .cdw12 = 0}),
			 0x80);
	emu_nvme_free(&w.d);
}

static void test_bad_sectors_fail_and_are_counted(void **state)
{
	struct bare_nvme w;
	uint8_t buf[512] = {0};
	uint8_t log[512];
	const struct emu_bad on_read = {.first = 5, .n = 1, .on_read = true};
	const struct emu_bad on_write = {.first = 9, .n = 1, .on_write = true};

	(void)state;
	make_ssd(&w);
	assert_true(emu_media_add_bad(emu_nvme_media(w.d, 1), &on_read));
	assert_true(emu_media_add_bad(emu_nvme_media(w.d, 1), &on_write));
	assert_int_equal(emu_nvme_ask_read(w.d, 1, 5, buf, sizeof(buf)), 0x281);
	assert_int_equal(emu_nvme_ask_write(w.d, 1, 9, buf, sizeof(buf)), 0x280);
	assert_int_equal(emu_nvme_ask_log(w.d, 2, log, sizeof(log)), 0);
	assert_int_equal(get_le64(log + 160), 2);
	/* a write makes it whole again, elsewhere */
	assert_int_equal(emu_nvme_ask_write(w.d, 1, 5, buf, sizeof(buf)), 0);
	assert_int_equal(emu_nvme_ask_read(w.d, 1, 5, buf, sizeof(buf)), 0);
	emu_nvme_free(&w.d);
}

static void test_logs_of_health_and_commands(void **state)
{
	struct bare_nvme w;
	uint8_t log[4096];

	(void)state;
	make_ssd(&w);
	emu_time_pass(&w.time, 7200 * EMU_S);
	emu_nvme_power_off(w.d);
	emu_nvme_power_on(w.d);
	emu_nvme_faults(w.d)->smart_warning = true;
	assert_int_equal(emu_nvme_ask_log(w.d, 2, log, 512), 0);
	assert_int_equal(log[0], 4);
	assert_int_equal(get_le16(log + 1), 310);
	assert_int_equal(get_le64(log + 112), 2);
	assert_int_equal(get_le64(log + 128), 2);
	assert_int_equal(get_le64(log + 144), 1);
	assert_int_equal(emu_nvme_ask_log(w.d, 1, log, 64), 0);
	assert_int_equal(emu_nvme_ask_log(w.d, 3, log, 512), 0);
	assert_memory_equal(log + 8, "EN01    ", 8);
	assert_int_equal(emu_nvme_ask_log(w.d, 5, log, 4096), 0);
	assert_int_equal(get_le32(log + 4 * 0x84), 3 | 2U << 16);
	assert_int_equal(get_le32(log + 4 * 0x85), 0);
	assert_int_equal(get_le32(log + 1024 + 4 * 1), 3);
	assert_int_equal(emu_nvme_ask_log(w.d, 0x55, log, 512), 0x109);
	/* from an offset, and behind the end */
	memset(log, 0xaa, sizeof(log));
	assert_int_equal(emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = 2,
									 .nsid = ALL,
									 .cdw10 = 3 | 127U << 16,
									 .cdw12 = 8,
									 .in = log,
									 .len = 512}),
			 0);
	assert_memory_equal(log, "EN01    ", 8);
	assert_true(xp_mem_is_filled(log + 504, 0, 8));
	assert_int_equal(emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = 2,
									 .nsid = ALL,
									 .cdw10 = 3 | 127U << 16,
									 .cdw12 = 516,
									 .in = log,
									 .len = 512}),
			 0x02);
	emu_nvme_free(&w.d);
}

static uint16_t feature(struct bare_nvme *w, bool set, uint8_t fid, uint32_t value,
			uint32_t *result)
{
	struct emu_nvme_cmd r = emu_nvme_ask(
		w->d,
		&(struct emu_nvme_ask){.opcode = set ? 0x09 : 0x0a, .cdw10 = fid, .cdw11 = value});

	*result = r.result;
	return r.status & 0x7ff;
}

static void test_features_are_kept_until_a_reset(void **state)
{
	struct bare_nvme w;
	uint32_t r;

	(void)state;
	make_ssd(&w);
	assert_int_equal(feature(&w, true, 0x07, 0x00ff0001, &r), 0);
	assert_int_equal(r, 0x00070001);
	assert_int_equal(feature(&w, true, 0x06, 0, &r), 0);
	assert_int_equal(feature(&w, false, 0x06, 0, &r), 0);
	assert_int_equal(r, 0);
	assert_int_equal(feature(&w, true, 0x17, 1, &r), 0);
	emu_nvme_reset(w.d, 0);
	assert_int_equal(feature(&w, false, 0x06, 0, &r), 0);
	assert_int_equal(r, 1);
	assert_int_equal(feature(&w, false, 0x17, 0, &r), 0);
	assert_int_equal(r, 1);
	assert_int_equal(feature(&w, false, 0x66, 0, &r), 0x02);
	assert_int_equal(feature(&w, true, 0x81, 1, &r), 0x10e);
	emu_nvme_free(&w.d);
}

static void test_events_are_told_once_until_the_log_is_read(void **state)
{
	struct bare_nvme w;
	uint32_t r;
	uint8_t log[4096];
	struct emu_nvme_cmd held;

	(void)state;
	make_many(&w);
	assert_int_equal(feature(&w, true, 0x0b, 1U << 8, &r), 0);
	held = emu_nvme_ask(w.d, &(struct emu_nvme_ask){.opcode = 0x0c});
	assert_true(held.is_held);
	assert_int_equal(emu_nvme_ask_attach(w.d, 3, 0, 1), 0);
	assert_true(emu_nvme_event(w.d, 0, &r));
	assert_int_equal(r, 2 | 4U << 16);
	assert_int_equal(emu_nvme_ask_attach(w.d, 3, 1, 1), 0);
	assert_false(emu_nvme_event(w.d, 0, &r));
	assert_int_equal(emu_nvme_ask_log(w.d, 4, log, 4096), 0);
	assert_int_equal(get_le32(log), 3);
	assert_int_equal(get_le32(log + 4), 0);
	assert_int_equal(emu_nvme_ask_attach(w.d, 3, 0, 1), 0);
	assert_true(emu_nvme_event(w.d, 0, &r));
	/* the other controller's host did not ask for notices */
	assert_false(emu_nvme_event(w.d, 1, &r));
	emu_nvme_free(&w.d);
}

static void test_security_shows_an_opal_drive(void **state)
{
	struct bare_nvme w;
	uint8_t out[512];

	(void)state;
	make_ssd(&w);
	assert_int_equal(emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = 0x82,
									 .cdw10 = 0,
									 .cdw11 = 512,
									 .in = out,
									 .len = 512}),
			 0);
	assert_int_equal(get_be16(out + 6), 2);
	assert_int_equal(out[9], 1);
	assert_int_equal(emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = 0x82,
									 .cdw10 = 1U << 24 | 1 << 8,
									 .cdw11 = 512,
									 .in = out,
									 .len = 512}),
			 0);
	assert_int_equal(get_be32(out), 96);
	assert_int_equal(get_be16(out + 80), 0x0203);
	assert_int_equal(emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = 0x82,
									 .cdw10 = 7U << 24,
									 .cdw11 = 512,
									 .in = out,
									 .len = 512}),
			 0x02);
	assert_int_equal(emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = 0x81,
									 .cdw10 = 1U << 24,
									 .cdw11 = 64,
									 .out = out,
									 .len = 64}),
			 0);
	emu_nvme_free(&w.d);
}

static void test_no_answer_without_power_or_when_it_vanishes(void **state)
{
	struct bare_nvme w;
	uint8_t id[4096];

	(void)state;
	make_ssd(&w);
	emu_nvme_power_off(w.d);
	assert_int_equal(emu_nvme_ask_identify(w.d, 1, 0, id), 0xffff);
	emu_nvme_power_on(w.d);
	assert_int_equal(emu_nvme_ask_identify(w.d, 1, 0, id), 0);
	emu_nvme_faults(w.d)->vanishes_after = 2;
	assert_int_equal(emu_nvme_ask_identify(w.d, 1, 0, id), 0);
	assert_int_equal(emu_nvme_ask_identify(w.d, 1, 0, id), 0xffff);
	assert_true(emu_nvme_has_vanished(w.d));
	emu_nvme_power_off(w.d);
	emu_nvme_power_on(w.d);
	assert_int_equal(emu_nvme_ask_identify(w.d, 1, 0, id), 0xffff);
	emu_nvme_free(&w.d);
}

static void test_commands_it_does_not_have_are_refused(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct bare_nvme w;
	uint8_t data[4096] = {0};
	static const uint8_t admin[] = {0x80, 0x81, 0x82, 0x84, 0x0d, 0x15, 0x14, 0xc0};
	static const uint8_t io[] = {0x04, 0x05, 0x08, 0x09, 0x0d, 0x0e, 0x11, 0x15, 0x19};

	(void)state;
	cfg.has_format = cfg.has_security = cfg.has_ns_management = cfg.has_reservations = false;
	cfg.has_compare = cfg.has_dsm = cfg.has_write_zeroes = false;
	cfg.sanitize_block = cfg.sanitize_crypto = cfg.sanitize_overwrite = false;
	bare_nvme_make(&w, &cfg);
	for (size_t i = 0; i < sizeof(admin) + sizeof(io); i++) {
		bool is_io = i >= sizeof(admin);
		struct emu_nvme_ask ask = {.opcode = is_io ? io[i - sizeof(admin)] : admin[i],
					   .is_io = is_io,
					   .nsid = 1,
					   .out = data,
					   .in = data,
					   .len = sizeof(data)};

		assert_int_equal(emu_nvme_ask_status(w.d, &ask), 0x01);
	}
	assert_int_equal(emu_nvme_ask_log(w.d, 0x81, data, 512), 0x109);
	assert_int_equal(emu_nvme_ask_identify(w.d, 0x10, 0, data), 0x02);
	emu_nvme_free(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identify_says_what_was_configured),
		cmocka_unit_test(test_lists_tell_attached_from_allocated),
		cmocka_unit_test(test_blocks_come_back_as_they_were_written),
		cmocka_unit_test(test_deallocated_blocks_read_as_the_drive_is_made_and_stay),
		cmocka_unit_test(test_write_zeroes_writes),
		cmocka_unit_test(test_bad_sectors_fail_and_are_counted),
		cmocka_unit_test(test_logs_of_health_and_commands),
		cmocka_unit_test(test_features_are_kept_until_a_reset),
		cmocka_unit_test(test_events_are_told_once_until_the_log_is_read),
		cmocka_unit_test(test_security_shows_an_opal_drive),
		cmocka_unit_test(test_no_answer_without_power_or_when_it_vanishes),
		cmocka_unit_test(test_commands_it_does_not_have_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
