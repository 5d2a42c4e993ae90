/*
 * Records of real jobs on emulated drives, changed in one place each and judged as expunge-cert
 * does: every change costs the record.
 */
#include "base/cleanup.h"
#include "certs/record_check.h"
#include "tests/fake/job_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct xp_phase *phase(struct xp_record *r, enum xp_phase_kind kind)
{
	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].kind == kind)
			return &r->evidence.phases[i];
	abort();
}

static struct xp_command_result *command(struct xp_record *r)
{
	return &phase(r, XP_PHASE_ERASE)->command;
}

static struct xp_raw *raw_of(struct xp_raw *list, size_t n, enum xp_raw_kind kind)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].kind == kind)
			return &list[i];
	abort();
}

/* Each spoils the record, or with MEND puts it right again. */
static void other_command(struct xp_record *r, bool mend)
{
	command(r)->cdb[4] = mend ? 0x14 : 0x00; /* FEATURE: OVERWRITE EXT, STATUS EXT */
}

static void success_bit(struct xp_record *r, bool mend)
{
	struct xp_raw *raw = raw_of(command(r)->after, command(r)->after_n, XP_RAW_SENSE);

	(void)mend;
	raw->data[12] ^= 0x80; /* COUNT(15:8) in the descriptor */
}

static void not_accepted(struct xp_record *r, bool mend)
{
	command(r)->accepted = mend;
}

static void answers_gone(struct xp_record *r, bool mend)
{
	static size_t n;

	if (!mend)
		n = command(r)->after_n;
	command(r)->after_n = mend ? n : 0;
}

static void serial_of_another(struct xp_record *r, bool mend)
{
	(void)mend;
	r->media.serial[0] ^= 1;
}

static void smaller_drive(struct xp_record *r, bool mend)
{
	r->media.capacity_bytes += mend ? 512 : (uint64_t)-512;
}

static void unchanged_hidden(struct xp_record *r, bool mend)
{
	struct xp_readback_result *b = &phase(r, XP_PHASE_READBACK)->readback;

	b->zero_blocks += mend ? 5 : (uint64_t)-5;
	b->unchanged_blocks += mend ? (uint64_t)-5 : 5;
}

static void undelivered(struct xp_record *r, bool mend)
{
	phase(r, XP_PHASE_READBACK)->readback.bytes_delivered += mend ? 512 : (uint64_t)-512;
}

static void hidden_area(struct xp_record *r, bool mend)
{
	r->evidence.capacity.hidden_areas_known = mend;
}

static void interrupted(struct xp_record *r, bool mend)
{
	r->evidence.cancelled = !mend;
}

static bool is_sound(const struct xp_record *r)
{
	AUTO(xp_findings_free) struct xp_findings f = {0};
	struct xp_err err;

	assert_int_equal(xp_record_check(r, &f, &err), XP_OK);
	for (size_t i = 0; i < f.n; i++)
		if (f.list[i].code[0] == 'E')
			return false;
	return true;
}

static void test_tampered_in_any_place_is_found(void **state)
{
	static const struct {
		const char *name;
		void (*spoil)(struct xp_record *r, bool mend);
	} rows[] = {
		{"another command", other_command},
		{"the success bit", success_bit},
		{"not accepted", not_accepted},
		{"the answers behind it", answers_gone},
		{"another serial number", serial_of_another},
		{"a smaller drive", smaller_drive},
		{"blocks that are unchanged", unchanged_hidden},
		{"bytes that were not delivered", undelivered},
		{"hidden areas that nobody asked for", hidden_area},
		{"a job that was stopped", interrupted},
	};
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);
	struct world *w = *state;
	struct xp_record *r;

	stage_plug(w, &cfg);
	stage_run(w);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_OVERWRITE);
	r = &w->job->record;
	assert_true(is_sound(r));
	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++) {
		rows[i].spoil(r, false);
		if (is_sound(r))
			fail_msg("%s: not found", rows[i].name);
		rows[i].spoil(r, true);
		assert_true(is_sound(r));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tampered_in_any_place_is_found, stage_setup,
						stage_teardown),
	};

	return cmocka_run_group_tests_name("job_tampered", tests, NULL, NULL);
}
