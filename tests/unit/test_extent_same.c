/*
 * Overwriting by WRITE SAME on emulated SAS disks: what reaches the medium, what a drive that
 * refuses or lies makes of it, and when the drive's word is good enough to try.
 */
#include "base/cleanup.h"
#include "device/extent_same.h"
#include "device/extent_sg.h"
#include "sanitize/overwrite/writer.h"
#include "tests/emu/emu_transport.h"
#include "tests/emu/scsi_ask.h"
#include "tests/fake/erase_lab.h"
#include "verify/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS 65536
#define BYTES	((uint64_t)SECTORS * 512)

struct rig {
	struct emu_time time;
	struct emu_scsi_bay bay;
	struct emu_unit unit;
	struct xp_transport *t;
	struct xp_overwrite_result written;
	struct xp_err err;
	uint64_t before; /* commands */
};

static struct emu_media *media(const struct rig *r)
{
	return emu_scsi_media(r->bay.drive, 0);
}

static void rig_make(struct rig *r, const struct emu_scsi_config *cfg)
{
	if (!erase_lab.permit)
		skip();
	*r = (struct rig){.time = {.epoch_s = 1800000000}};
	r->bay.drive = emu_scsi_new(cfg, &r->time);
	assert_non_null(r->bay.drive);
	emu_media_stain(media(r), 0, SECTORS);
	r->unit = emu_scsi_unit(&r->bay);
	assert_int_equal(emu_transport_open_unit(&r->t, r->unit, &r->err), XP_OK);
}

static void rig_free(struct rig *r)
{
	xp_overwrite_result_free(&r->written);
	xp_transport_free(&r->t);
	emu_scsi_free(&r->bay.drive);
}

static void probe(struct rig *r, struct xp_drive_facts *facts)
{
	struct xp_identity id = {.bus = XP_BUS_SAS};

	assert_int_equal(xp_probe_drive(facts, r->t, &id, &r->err), XP_OK);
	xp_probe_write_same(facts, r->t);
	xp_identity_free(&id);
}

/* A pass of CONTENT over all of it, as the drive's own limits have it. */
static enum xp_rc overwrite(struct rig *r, const struct xp_content *content)
{
	AUTO(xp_extent_io_free) struct xp_extent_io *io = NULL;
	struct xp_extent_io *inner = NULL;
	struct xp_drive_facts facts = {0};
	struct xp_extent_config cfg = {
		.fd = -1, .permit = erase_lab.permit, .logical_block_bytes = 512};
	struct xp_overwrite_request req = {
		.capacity_bytes = BYTES, .logical_block_bytes = 512, .pass = 1, .passes = 1};
	uint64_t limit;

	probe(r, &facts);
	assert_int_equal(facts.scsi.write_same, XP_YES);
	cfg.capacity_bytes = facts.scsi.capacity.bytes;
	limit = facts.scsi.limits.write_same_blocks;
	xp_drive_facts_free(&facts);
	assert_int_equal(xp_extent_sg_new(&inner, &cfg, r->t, &r->err), XP_OK);
	assert_int_equal(xp_extent_same_new(&io, &cfg, r->t, inner, limit, &r->err), XP_OK);
	req.io = io;
	req.content = *content;
	r->before = emu_scsi_commands(r->bay.drive);
	return xp_overwrite_run(&r->written, &req, &r->err);
}

static const struct xp_content zero = {.kind = XP_CONTENT_ZERO};
static const struct xp_content pattern = {
	.kind = XP_CONTENT_PATTERN, .pattern = {0x12, 0x34, 0x56, 0x78}, .pattern_len = 4};

/* All of it reads as CONTENT: by the readback, and by the medium itself. */
static void assert_all_is(struct rig *r, const struct xp_content *content, bool good)
{
	AUTO(xp_extent_io_free) struct xp_extent_io *io = NULL;
	struct xp_extent_config cfg = {
		.fd = -1, .capacity_bytes = BYTES, .logical_block_bytes = 512};
	struct xp_readback_result result = {0};
	struct xp_verify_request req = {.capacity_bytes = BYTES,
					.logical_block_bytes = 512,
					.mode = XP_READBACK_FULL,
					.expected = *content};

	assert_int_equal(xp_extent_sg_new(&io, &cfg, r->t, &r->err), XP_OK);
	req.io = io;
	assert_int_equal(xp_verify_run(&result, &req, &r->err), XP_OK);
	assert_int_equal(result.mismatch_total == 0, good);
	assert_int_equal(emu_media_stains(media(r), 0, SECTORS).sectors == 0, good);
	xp_readback_result_free(&result);
}

static void test_same_writes_all_and_spares_the_bus(void **state)
{
	const struct xp_content contents[] = {zero, pattern};
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct rig r;

	(void)state;
	for (unsigned limit = 0; limit < 2; limit++) {
		cfg.write_same_max = limit ? 100 : 0;
		for (size_t i = 0; i < XP_ARRAY_LEN(contents); i++) {
			uint64_t commands;

			rig_make(&r, &cfg);
			assert_int_equal(overwrite(&r, &contents[i]), XP_OK);
			commands = emu_scsi_commands(r.bay.drive) - r.before;
			assert_int_equal(r.written.how.backend, XP_IO_WRITE_SAME);
			assert_string_equal(r.written.how.fallback, "");
			assert_int_equal(r.written.bytes_written, BYTES);
			assert_int_equal(r.written.unwritten.n, 0);
			assert_true(r.written.flushed);
			/* 8 MiB a command, or what the drive takes; and the flush */
			if (limit)
				assert_true(commands >= SECTORS / 100 && commands < SECTORS / 90);
			else
				assert_true(commands < 10);
			assert_all_is(&r, &contents[i], true);
			rig_free(&r);
		}
	}
}

static void test_same_refused_is_written_block_by_block(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_scsi_faults(r.bay.drive)->write_same_refused = true;
	assert_int_equal(overwrite(&r, &pattern), XP_OK);
	assert_int_equal(r.written.how.backend, XP_IO_WRITE_SAME);
	assert_non_null(strstr(r.written.how.fallback, "WRITE SAME was refused (5/24/00)"));
	assert_int_equal(r.written.bytes_written, BYTES);
	assert_true(r.written.flushed);
	assert_all_is(&r, &pattern, true);
	rig_free(&r);
}

/* The drive that answers Good and writes nothing is found by the readback, as for any overwrite. */
static void test_same_that_is_ignored_is_found_by_the_readback(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_scsi_faults(r.bay.drive)->write_same_ignored = true;
	assert_int_equal(overwrite(&r, &zero), XP_OK);
	assert_int_equal(r.written.bytes_written, BYTES);
	assert_all_is(&r, &zero, false);
	rig_free(&r);
}

static void test_same_lists_the_block_that_cannot_be_written(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct emu_bad bad = {.first = 12345, .n = 1, .on_write = true};
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	assert_true(emu_media_add_bad(media(&r), &bad));
	assert_int_equal(overwrite(&r, &zero), XP_OK);
	assert_int_equal(r.written.unwritten.n, 1);
	assert_int_equal(r.written.unwritten.list[0].offset, 12345 * 512);
	assert_int_equal(r.written.unwritten.list[0].len, 512);
	assert_int_equal(r.written.bytes_written, BYTES - 512);
	assert_int_equal(emu_media_stains(media(&r), 0, SECTORS).sectors, 1);
	rig_free(&r);
}

/* What differs from block to block is sent block by block. */
static void test_same_random_is_sent(void **state)
{
	const struct xp_content random = {.kind = XP_CONTENT_RANDOM, .key = {1, 2, 3}};
	const struct xp_content odd = {
		.kind = XP_CONTENT_PATTERN, .pattern = {1, 2, 3}, .pattern_len = 3};
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_scsi_faults(r.bay.drive)->write_same_ignored = true;
	assert_int_equal(overwrite(&r, &random), XP_OK);
	assert_all_is(&r, &random, true);
	xp_overwrite_result_free(&r.written);
	assert_int_equal(overwrite(&r, &odd), XP_OK);
	assert_all_is(&r, &odd, true);
	rig_free(&r);
}

static void test_same_drive_that_goes_ends_the_run(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct rig r;

	(void)state;
	rig_make(&r, &cfg);
	emu_scsi_faults(r.bay.drive)->vanishes_after = 60;
	cfg.write_same_max = 100;
	(void)overwrite(&r, &zero);
	assert_true(r.written.bytes_written + r.written.unwritten.total_bytes <= BYTES);
	assert_false(r.written.flushed && r.written.bytes_written == BYTES &&
		     emu_media_stains(media(&r), 0, SECTORS).sectors);
	rig_free(&r);
}

/* ---- the drive's word ---- */

static enum xp_tristate asked_of(const struct emu_scsi_config *cfg, bool vendors)
{
	struct xp_drive_facts facts = {0};
	enum xp_tristate said;
	struct rig r;

	rig_make(&r, cfg);
	emu_scsi_faults(r.bay.drive)->write_same_vendors = vendors;
	probe(&r, &facts);
	said = facts.scsi.write_same;
	xp_drive_facts_free(&facts);
	rig_free(&r);
	return said;
}

static void test_probe_write_same_only_where_nothing_is_doubtful(void **state)
{
	struct emu_scsi_config hdd = emu_scsi_hdd(SECTORS);
	struct emu_scsi_config ssd = emu_scsi_ssd(SECTORS);

	(void)state;
	assert_int_equal(asked_of(&hdd, false), XP_YES);
	assert_int_equal(asked_of(&hdd, true), XP_NO);
	/* flash maps what is equal to nothing, or to one place */
	assert_int_not_equal(asked_of(&ssd, false), XP_YES);
	hdd.has_unmap = true;
	assert_int_not_equal(asked_of(&hdd, false), XP_YES);
	hdd = emu_scsi_hdd(SECTORS);
	hdd.has_opcodes = false;
	assert_int_not_equal(asked_of(&hdd, false), XP_YES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_writes_all_and_spares_the_bus),
		cmocka_unit_test(test_same_refused_is_written_block_by_block),
		cmocka_unit_test(test_same_that_is_ignored_is_found_by_the_readback),
		cmocka_unit_test(test_same_lists_the_block_that_cannot_be_written),
		cmocka_unit_test(test_same_random_is_sent),
		cmocka_unit_test(test_same_drive_that_goes_ends_the_run),
		cmocka_unit_test(test_probe_write_same_only_where_nothing_is_doubtful),
	};

	return cmocka_run_group_tests_name("extent_same", tests, erase_lab_setup,
					   erase_lab_teardown);
}
