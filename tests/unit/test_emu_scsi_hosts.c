/* The emulated SAS drive between several hosts: attentions, reservations. */
#include "tests/emu/scsi_ask.h"

#include "base/span.h"
#include "base/wire.h"
#include "tests/fake/bare_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS 4096

static void test_scsi_attention_is_told_once_to_each(void **state)
{
	struct bare_scsi w;
	struct emu_host second = {.bay = {.port = 1}};
	int progress;

	(void)state;
	bare_scsi_make(&w, NULL);
	emu_host_plug(&second, w.d);
	emu_scsi_power_off(w.d);
	assert_int_equal(emu_host_ready(&w.h), EMU_NO_ANSWER);
	emu_scsi_power_on(w.d);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x12, 0, 0, 0, 96, 0), 96), EMU_GOOD);
	assert_int_equal(emu_host_ready(&w.h), 0x062900);
	assert_int_equal(emu_host_ready(&w.h), EMU_GOOD);
	assert_int_equal(emu_host_sense(&second, false, &progress), 0x062900);
	assert_int_equal(emu_host_sense(&second, true, &progress), 0);
	assert_int_equal(second.data[0], 0x72);
	emu_scsi_unit(&w.h.bay).ops->reset(&w.h.bay);
	assert_int_equal(emu_host_ready(&w.h), 0x062903);
	assert_int_equal(emu_host_ready(&second), 0x062903);
	assert_int_equal(emu_host_ready(&second), EMU_GOOD);
	emu_scsi_free(&w.d);
}

static uint32_t reserve(struct emu_host *h, uint8_t action, uint8_t type, uint64_t key,
			uint64_t action_key)
{
	memset(h->data, 0, 24);
	put_be64(h->data, key);
	put_be64(h->data + 8, action_key);
	return emu_host_out(h, EMU_CDB(0x5f, action, type, 0, 0, 0, 0, 0, 24, 0), 24);
}

static uint32_t write_one(struct emu_host *h)
{
	return emu_host_write(h, 0, 1, 512);
}

static void test_scsi_reservation_keeps_others_out(void **state)
{
	static const uint8_t keys[] = {0x5e, 0, 0, 0, 0, 0, 0, 0, 252, 0};
	static const uint8_t held[] = {0x5e, 1, 0, 0, 0, 0, 0, 0, 252, 0};
	static const uint8_t full[] = {0x5e, 3, 0, 0, 0, 0, 0, 0, 252, 0};
	struct bare_scsi w;
	struct emu_host b = {.bay = {.host = 1}};

	(void)state;
	bare_scsi_make(&w, NULL);
	emu_host_plug(&b, w.d);
	assert_int_equal(reserve(&w.h, 1, 1, 0xa, 0), EMU_CONFLICT); /* not registered */
	assert_int_equal(reserve(&w.h, 0, 0, 0, 0xa), EMU_GOOD);
	assert_int_equal(reserve(&w.h, 1, 1, 0xa, 0), EMU_GOOD);
	assert_int_equal(emu_host_in(&b, keys, 10, 252), EMU_GOOD);
	assert_int_equal(get_be32(b.data + 4), 8);
	assert_int_equal(get_be64(b.data + 8), 0xa);
	assert_int_equal(emu_host_in(&b, held, 10, 252), EMU_GOOD);
	assert_int_equal(get_be64(b.data + 8), 0xa);
	assert_int_equal(b.data[21], 1);
	/* write exclusive: others read */
	assert_int_equal(write_one(&b), EMU_CONFLICT);
	assert_int_equal(emu_host_sanitize(&b, 0x83, 0, 0), EMU_CONFLICT);
	assert_int_equal(emu_host_out(&b, EMU_CDB(0x04, 0, 0, 0, 0, 0), 0), EMU_CONFLICT);
	assert_int_equal(emu_host_read(&b, 0, 1, 512), EMU_GOOD);
	assert_int_equal(emu_host_ready(&b), EMU_GOOD);
	assert_int_equal(write_one(&w.h), EMU_GOOD);
	/* exclusive access */
	assert_int_equal(reserve(&w.h, 2, 1, 0xa, 0), EMU_GOOD);
	assert_int_equal(reserve(&w.h, 1, 3, 0xa, 0), EMU_GOOD);
	assert_int_equal(emu_host_read(&b, 0, 1, 512), EMU_CONFLICT);
	assert_int_equal(reserve(&b, 0, 0, 0, 0xb), EMU_GOOD);
	assert_int_equal(reserve(&b, 1, 3, 0xb, 0), EMU_CONFLICT);
	assert_int_equal(emu_host_in(&b, full, 10, 252), EMU_GOOD);
	assert_int_equal(get_be32(b.data + 4), 2 * 48);
	assert_int_equal(b.data[8 + 12], 1);
	/* B takes it over */
	assert_int_equal(reserve(&b, 4, 1, 0xb, 0xa), EMU_GOOD);
	assert_int_equal(emu_host_ready(&w.h), 0x062a03);
	assert_int_equal(write_one(&w.h), EMU_CONFLICT);
	assert_int_equal(reserve(&b, 3, 0, 0xb, 0), EMU_GOOD);
	assert_int_equal(emu_host_ready(&w.h), 0x062a03);
	assert_int_equal(write_one(&w.h), EMU_GOOD);
	assert_int_equal(reserve(&b, 7, 0, 0xb, 0), 0x052400);
	emu_scsi_free(&w.d);
}

static void test_scsi_reserved_elsewhere(void **state)
{
	struct bare_scsi w;

	(void)state;
	bare_scsi_make(&w, NULL);
	emu_scsi_faults(w.d)->reserved_elsewhere = true;
	assert_int_equal(write_one(&w.h), EMU_CONFLICT);
	assert_int_equal(emu_host_read(&w.h, 0, 1, 512), EMU_GOOD);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x5e, 1, 0, 0, 0, 0, 0, 0, 252, 0), 252),
			 EMU_GOOD);
	assert_int_equal(get_be32(w.h.data + 4), 16);
	assert_int_equal(reserve(&w.h, 6, 0, 0, 0xa), EMU_GOOD);
	assert_int_equal(reserve(&w.h, 1, 1, 0xa, 0), EMU_CONFLICT);
	emu_scsi_free(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scsi_attention_is_told_once_to_each),
		cmocka_unit_test(test_scsi_reservation_keeps_others_out),
		cmocka_unit_test(test_scsi_reserved_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
