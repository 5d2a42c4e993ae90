/* NVMe drives in a rig: what the JSON may say of them, each fault by its name, slots. */
#include "tests/emu/emu_nvme_ask.h"
#include "tests/emu/rig.h"

#include "base/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NVME  "\"name\": \"n\", \"kind\": \"nvme-ssd\""
#define PLAIN NVME ", \"sectors\": 4096"

static struct emu_rig *make(const char *inside, struct emu_why *why)
{
	char text[1024];

	snprintf(text, sizeof(text), "{\"drives\": [{%s}]}", inside);
	return emu_rig_new(text, strlen(text), "tests/data/identify", why);
}

static void test_a_drive_is_what_the_rig_says(void **state)
{
	struct emu_why why;
	struct emu_rig *rig = make(
		NVME ", \"door\": \"nvme-tcp\", \"serial\": \"S7\", \"stained\": true,"
		     " \"capabilities\": {\"controllers\": 2, \"unallocated-bytes\": 8192,"
		     " \"erase-all\": true, \"deallocated\": \"ones\"},"
		     " \"namespaces\": [{\"bytes\": 8192, \"controllers\": 3, \"shared\": true},"
		     " {\"bytes\": 4096, \"controllers\": 0},"
		     " {\"bytes\": 16384, \"format\": 3, \"protection\": 1, \"extended\": true}]",
		&why);
	struct emu_rig_drive *d;
	uint8_t id[4096];

	(void)state;
	assert_non_null(rig);
	d = emu_rig_find(rig, "n");
	assert_int_equal(d->door, EMU_DOOR_NVME_TCP);
	assert_int_equal(emu_nvme_ask_identify(d->nvme, 1, 0, id), 0);
	assert_memory_equal(id + 4, "S7 ", 3);
	assert_string_equal((const char *)id + 768, "nqn.2026-11.example:emulated:S7");
	assert_int_equal(id[524], 6);
	assert_int_equal(get_le64(id + 296), 8192);
	assert_int_equal(get_le32(id + 1792), 4 + EMU_NVME_TCP_CAPSULE / 16);
	assert_int_equal(emu_nvme_ask_identify(d->nvme, 0, 3, id), 0);
	assert_int_equal(get_le64(id), 4);
	assert_int_equal(id[26], 0x13);
	assert_int_equal(id[29], 1);
	assert_int_equal(emu_rig_stains(d).user, (8192 + 16384) / 512);
	assert_int_equal(emu_rig_stains(d).hidden, (4096 + 8192) / 512);
	assert_int_equal(emu_rig_stains(d).spare, 4 * 64);
	assert_ptr_equal(emu_rig_media(d), emu_nvme_media(d->nvme, 1));
	emu_rig_free(&rig);
	rig = make(NVME ", \"sectors\": 4096, \"wears\": \"samsung-pm981a.nvme-hex\"", &why);
	assert_non_null(rig);
	assert_int_equal(emu_nvme_ask_identify(rig->drives[0].nvme, 1, 0, id), 0);
	assert_memory_equal(id + 24, "SAMSUNG MZVLB256HBHQ", 20);
	emu_rig_free(&rig);
}

static void test_what_makes_no_sense_is_named(void **state)
{
	static const struct {
		const char *inside, *place;
	} rows[] = {
		{NVME, "sectors"},
		{PLAIN ", \"door\": \"vhost-user\"", "door"},
		{PLAIN ", \"door\": \"libata\"", "door"},
		{"\"name\": \"a\", \"kind\": \"ata-hdd\", \"sectors\": 4096, \"door\": "
		 "\"nvme-tcp\"",
		 "door"},
		{PLAIN ", \"capabilities\": {\"hpa\": true}", "hpa"},
		{PLAIN ", \"capabilities\": {\"controllers\": 0}", "controllers"},
		{PLAIN ", \"capabilities\": {\"controllers\": 9}", "controllers"},
		{PLAIN ", \"capabilities\": {\"unallocated-bytes\": 512}", "unallocated-bytes"},
		{PLAIN ", \"namespaces\": 3", "namespaces"},
		{NVME ", \"namespaces\": [3]", "namespaces[0]"},
		{NVME ", \"namespaces\": [{\"bytes\": 4096}, {\"bytes\": 512}]", "namespaces[1]"},
		{NVME ", \"namespaces\": [{\"bytes\": 4096, \"colour\": 1}]", "namespaces[0]"},
		{NVME ", \"namespaces\": [{\"bytes\": 4096, \"format\": 5}]", "namespaces[0]"},
		{NVME ", \"namespaces\": [{\"bytes\": 4096, \"protection\": 1}]", "namespaces[0]"},
		{NVME ", \"namespaces\": [{\"bytes\": 4096, \"controllers\": 2}]", "namespaces[0]"},
		{NVME ", \"namespaces\": [{\"bytes\": -4096}]", "namespaces[0]"},
		{PLAIN ", \"wears\": \"no-such.hex\"", "no-such.hex"},
		{PLAIN ", \"faults\": {\"fixed-sense\": true}", "fixed-sense"},
		{PLAIN ", \"faults\": {\"swap-for\": \"n\"}", "swap-for"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct emu_why why = {""};

		assert_null(make(rows[i].inside, &why));
		if (!strstr(why.text, rows[i].place))
			fail_msg("'%s' does not name '%s'", why.text, rows[i].place);
	}
}

static void test_each_fault_has_its_name(void **state)
{
	static const char *const flags[] = {
		"sanitize-ignored",
		"sanitize-dies-by-power",
		"progress-lost",
		"success-early",
		"log-refused",
		"keeps-key",
		"detached-left",
		"leaves-unmapped",
		"format-ignored",
		"format-changes-lba",
		"format-drops-protection",
		"smart-threshold",
		"memory-region-enabled",
	};
	struct emu_why why;
	struct emu_rig *rig = make(PLAIN, &why);
	struct emu_rig_drive *d;
	struct emu_nvme_faults *f;
	uint8_t buf[512] = {0};

	(void)state;
	assert_non_null(rig);
	d = &rig->drives[0];
	f = emu_nvme_faults(d->nvme);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct emu_nvme_faults before = *f;

		assert_true(emu_rig_fault(rig, d, flags[i], "true", &why));
		assert_memory_not_equal(&before, f, sizeof(before));
		assert_false(emu_rig_fault(rig, d, flags[i], "maybe", &why));
		assert_true(emu_rig_fault(rig, d, flags[i], "false", &why));
		assert_memory_equal(&before, f, sizeof(before));
	}
	assert_true(emu_rig_fault(rig, d, "sanitize-stalls-at", "50", &why));
	assert_int_equal(f->sanitize_stalls_at, 0x8000);
	assert_true(emu_rig_fault(rig, d, "sanitize-fails-at", "25", &why));
	assert_int_equal(f->sanitize_fails_at, 0x4000);
	assert_true(emu_rig_fault(rig, d, "leaves", "extent:8+8", &why));
	assert_int_equal(f->leave.kind, EMU_LEAVE_EXTENT);
	assert_true(emu_rig_fault(rig, d, "vendor-pattern", "33cc55aa", &why));
	assert_true(f->vendor_pattern && f->pattern == 0x33cc55aa);
	assert_true(emu_rig_fault(rig, d, "foreign-controllers", "2", &why));
	assert_int_equal(f->foreign_controllers, 2);
	assert_true(emu_rig_fault(rig, d, "bad-read", "3+1", &why));
	assert_int_equal(emu_nvme_ask_read(d->nvme, 1, 3, buf, 512), 0x281);
	assert_true(emu_rig_fault(rig, d, "reserved-elsewhere", "1", &why));
	assert_false(emu_rig_fault(rig, d, "reserved-elsewhere", "2", &why));
	assert_false(emu_rig_fault(rig, d, "reserved-elsewhere", "true", &why));
	assert_int_equal(emu_nvme_ask_write(d->nvme, 1, 3, buf, 512), 0x83);
	assert_true(emu_rig_fault(rig, d, "vanishes-after", "1", &why));
	assert_int_equal(emu_nvme_ask_read(d->nvme, 1, 0, buf, 512), 0xffff);
	emu_rig_free(&rig);
}

static void test_slots_take_other_nvme_drives_only(void **state)
{
	static const char text[] =
		"{\"drives\": [{\"name\": \"a\", \"kind\": \"nvme-ssd\", \"sectors\": 4096},"
		"{\"name\": \"b\", \"kind\": \"nvme-ssd\", \"sectors\": 4096, \"absent\": true},"
		"{\"name\": \"h\", \"kind\": \"ata-hdd\", \"sectors\": 4096}]}";
	struct emu_why why;
	struct emu_rig *rig = emu_rig_new(text, strlen(text), ".", &why);
	struct emu_rig_drive *a, *b, *h;
	struct emu_scsi_cmd cmd = {.answered = true};

	(void)state;
	assert_non_null(rig);
	a = emu_rig_find(rig, "a");
	b = emu_rig_find(rig, "b");
	h = emu_rig_find(rig, "h");
	assert_true(emu_rig_is_plugged(a));
	assert_false(emu_rig_is_plugged(b));
	assert_false(emu_nvme_is_powered(b->nvme));
	assert_false(emu_rig_plug(a, h, &why));
	assert_true(emu_rig_plug(a, b, &why));
	assert_ptr_equal(a->port.drive, b->nvme);
	assert_false(emu_nvme_is_powered(a->nvme));
	assert_true(emu_nvme_is_powered(b->nvme));
	assert_ptr_equal(a->unit.ops->time(a->unit.ctx), &b->time);
	a->unit.ops->reset(a->unit.ctx);
	a->unit.ops->exec(a->unit.ctx, &cmd);
	assert_false(cmd.answered);
	emu_rig_unplug(a);
	assert_null(a->unit.ops->time(a->unit.ctx));
	assert_false(emu_rig_is_plugged(a));
	emu_rig_free(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_drive_is_what_the_rig_says),
		cmocka_unit_test(test_what_makes_no_sense_is_named),
		cmocka_unit_test(test_each_fault_has_its_name),
		cmocka_unit_test(test_slots_take_other_nvme_drives_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
