/*
 * The emulated drive behind the transport: what the project's prober and decoders make of it, which
 * restate nothing of each other, and what the choke point lets through.
 */
#include "device/probe.h"

#include "base/cleanup.h"
#include "base/wire.h"
#include "device/interlock.h"
#include "device/opcodes.h"
#include "device/protocol/ata_cmd.h"
#include "device/protocol/sat.h"
#include "tests/emu/emu_ask.h"
#include "tests/emu/emu_transport.h"
#include "tests/fake/probe_drives.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS (8000000000ULL) /* 4 TB */

struct world {
	struct emu_time time;
	struct emu_ata *d;
	struct emu_satl unit;
	struct xp_transport *t;
	struct xp_drive_facts f;
	struct xp_identity id;
	struct xp_err err;
};

static void make(struct world *w, const struct emu_ata_config *cfg)
{
	*w = (struct world){0};
	w->d = emu_ata_new(cfg, &w->time);
	assert_non_null(w->d);
	emu_satl_plug(&w->unit, w->d);
	assert_int_equal(emu_transport_open(&w->t, &w->unit, &w->err), XP_OK);
}

static enum xp_rc probe(struct world *w)
{
	return fake_probe_again(&w->f, &w->id, w->t, &w->err);
}

static void done(struct world *w)
{
	xp_drive_facts_free(&w->f);
	xp_identity_free(&w->id);
	xp_transport_free(&w->t);
	emu_ata_free(&w->d);
}

static void test_door_prober_agrees_on_a_hard_disk(void **state)
{
	struct world w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	const struct xp_ata_facts *a = &w.f.ata;

	(void)state;
	make(&w, &cfg);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.notes_n, 0);
	assert_true(w.f.is_ata);
	assert_string_equal(w.id.model, cfg.model);
	assert_string_equal(w.id.serial, cfg.serial);
	assert_string_equal(w.id.firmware, cfg.firmware);
	assert_string_equal(w.id.wwn, "naa.5000c50000000001");
	assert_int_equal(w.id.media, XP_MEDIA_HDD);
	assert_int_equal(w.id.capacity_bytes, SECTORS * 512);
	assert_int_equal(w.id.physical_block_bytes, 4096);
	assert_string_equal(w.f.scsi.serial, cfg.serial);
	assert_string_equal(w.f.scsi.names.naa, w.id.wwn);
	assert_int_equal(w.f.scsi.capacity.bytes, SECTORS * 512);
	assert_true(a->id.checksum_present && a->id.has_hpa && a->id.has_dco && !a->id.has_amac);
	assert_false(a->id.security_is_contradictory);
	assert_true(a->id.security.supported && a->id.security.has_enhanced_erase);
	assert_int_equal(a->id.security.normal_minutes, 60);
	assert_true(a->id.sanitize.overwrite && a->id.sanitize.antifreeze);
	assert_false(a->id.sanitize.crypto || a->id.sanitize.block);
	assert_int_equal(a->sanitize.state, XP_ATA_SANITIZE_NONE);
	assert_int_equal(a->registers, XP_ASKED_GOOD);
	assert_int_equal(a->smart, XP_ASKED_GOOD);
	assert_true(w.f.hidden.apply && w.f.hidden.known);
	assert_int_equal(w.f.hidden.factory_bytes, SECTORS * 512);
	done(&w);
}

static void test_door_prober_agrees_on_an_ssd(void **state)
{
	struct world w;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	const struct xp_ata_facts *a = &w.f.ata;

	(void)state;
	make(&w, &cfg);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.notes_n, 0);
	assert_int_equal(w.id.media, XP_MEDIA_SSD);
	assert_true(a->id.sanitize.crypto && a->id.sanitize.block && a->id.sanitize.overwrite);
	assert_true(a->id.has_trim && a->id.trim_reads_zero && a->id.encrypts_all);
	assert_true(w.f.scsi.provisioning.has_unmap && w.f.scsi.capacity.unmapped_reads_zero);
	assert_true(a->security_log.encrypts_all && a->security_log.has_trusted_computing);
	assert_int_equal(w.f.tcg_asked, XP_ASKED_GOOD);
	assert_true(w.f.tcg.opal_2 && w.f.tcg.media_encryption && !w.f.tcg.locking_enabled);
	assert_int_equal(w.f.tcg.base_comid, 0x0800);
	done(&w);
	cfg.logical_bytes = 4096;
	cfg.physical_exponent = 0;
	cfg.sectors = SECTORS / 8;
	make(&w, &cfg);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.id.logical_block_bytes, 4096);
	assert_int_equal(w.id.capacity_bytes, SECTORS * 512);
	done(&w);
}

static void test_door_prober_sees_frozen_locked_expired(void **state)
{
	struct world w;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	const struct xp_ata_security *s = &w.f.ata.id.security;

	(void)state;
	cfg.frozen_at_power_on = true;
	make(&w, &cfg);
	assert_int_equal(probe(&w), XP_OK);
	assert_true(s->frozen && !s->enabled && !s->locked);
	done(&w);
	cfg = emu_ata_hdd(SECTORS);
	make(&w, &cfg);
	emu_ask_password(w.d, 0xf1, 0x0100, "secret");
	assert_int_equal(probe(&w), XP_OK);
	assert_true(s->enabled && !s->locked && s->master_is_maximum);
	emu_satl_power_cycle(&w.unit);
	assert_int_equal(probe(&w), XP_OK);
	assert_true(s->enabled && s->locked && !s->count_expired);
	/* a locked drive does not tell its DCO: what is hidden is not known */
	assert_int_equal(w.f.ata.dco, XP_ASKED_REFUSED);
	assert_false(w.f.hidden.known);
	for (unsigned i = 0; i < 5; i++)
		emu_ask_password(w.d, 0xf2, 0, "guess");
	assert_int_equal(probe(&w), XP_OK);
	assert_true(s->locked && s->count_expired);
	done(&w);
}

static void test_door_prober_sees_what_is_hidden(void **state)
{
	struct world w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct emu_ata_cmd dco = {.command = 0xb1, .feature = 0xc3, .count = 1};
	uint8_t data[512] = {2, 0};
	uint8_t sum = 0;

	(void)state;
	make(&w, &cfg);
	put_le64(data + 6, 5999999999ULL);
	data[510] = 0xa5;
	for (unsigned i = 0; i < 511; i++)
		sum = (uint8_t)(sum + data[i]);
	data[511] = (uint8_t)-sum;
	emu_ask_out(w.d, &dco, data, 512);
	emu_ask(w.d, 0x27, true, 0, 0, 0);
	emu_ask(w.d, 0x37, true, 0, 1, 4999999999ULL);
	assert_int_equal(probe(&w), XP_OK);
	assert_true(w.f.hidden.known && w.f.ata.id.hpa_enabled);
	assert_int_equal(w.f.hidden.current_bytes, 5000000000ULL * 512);
	assert_int_equal(w.f.hidden.native_bytes, 6000000000ULL * 512);
	assert_int_equal(w.f.hidden.factory_bytes, SECTORS * 512);
	done(&w);

	cfg.has_hpa = cfg.has_dco = false;
	cfg.has_amac = true;
	make(&w, &cfg);
	emu_ask(w.d, 0x78, true, 1, 0, 999);
	assert_int_equal(probe(&w), XP_OK);
	assert_true(w.f.hidden.known && w.f.ata.id.has_amac);
	assert_int_equal(w.f.hidden.current_bytes, 1000 * 512);
	assert_int_equal(w.f.hidden.factory_bytes, SECTORS * 512);
	done(&w);
}

static void test_door_prober_sees_every_sanitize_state(void **state)
{
	struct world w;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	const struct xp_ata_sanitize_status *s = &w.f.ata.sanitize;

	(void)state;
	make(&w, &cfg);
	emu_ask_sanitize(w.d, 0x20, 0, 0);
	assert_int_equal(probe(&w), XP_OK);
	assert_true(s->frozen && s->state == XP_ATA_SANITIZE_NONE);
	emu_satl_power_cycle(&w.unit);
	emu_ask_sanitize(w.d, 0x40, 0, 0);
	assert_int_equal(probe(&w), XP_OK);
	assert_true(s->antifreeze && !s->frozen);
	emu_ask_sanitize(w.d, 0x12, 0, 0);
	emu_time_pass(&w.time, 15 * EMU_S);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(s->state, XP_ATA_SANITIZE_RUNNING);
	assert_in_range(s->progress, 0x3f00, 0x4100);
	assert_true(xp_sense_says_sanitizing(&w.f.scsi.sense) && w.f.scsi.sense.has_progress);
	emu_time_pass(&w.time, 60 * EMU_S);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(s->state, XP_ATA_SANITIZE_SUCCEEDED);
	emu_ata_faults(w.d)->sanitize_fails_at = 0x100;
	emu_ask_sanitize(w.d, 0x12, 0, 0);
	emu_time_pass(&w.time, 15 * EMU_S);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(s->state, XP_ATA_SANITIZE_FAILED);
	done(&w);
}

/* After a success that nobody can read there is no success. */
static void test_door_lost_registers_are_no_success(void **state)
{
	struct world w;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	(void)state;
	make(&w, &cfg);
	emu_ask_sanitize(w.d, 0x12, 0, 0);
	emu_time_pass(&w.time, 61 * EMU_S);
	w.unit.registers = EMU_REGISTERS_ZERO;
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.ata.sanitize.state, XP_ATA_SANITIZE_UNKNOWN);
	assert_int_not_equal(w.f.ata.registers, XP_ASKED_GOOD);
	assert_false(w.f.hidden.known);
	w.unit.registers = EMU_REGISTERS_LOST;
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.ata.sanitize.state, XP_ATA_SANITIZE_UNKNOWN);
	assert_false(w.f.hidden.known);
	w.unit.registers = EMU_REGISTERS_KEPT;
	w.unit.fixed_sense = true;
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.ata.registers, XP_ASKED_GOOD);
	assert_int_equal(w.f.ata.sanitize.state, XP_ATA_SANITIZE_UNKNOWN);
	w.unit.fixed_sense = false;
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.ata.sanitize.state, XP_ATA_SANITIZE_SUCCEEDED);
	done(&w);
}

static void test_door_bad_checksum_and_no_pass_through(void **state)
{
	struct world w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);

	(void)state;
	make(&w, &cfg);
	emu_ata_faults(w.d)->checksum_wrong = true;
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.ata.identify, XP_ASKED_MALFORMED);
	assert_false(w.f.is_ata);
	emu_ata_faults(w.d)->checksum_wrong = false;
	w.unit.no_pass_through = true;
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.ata.identify, XP_ASKED_REFUSED);
	assert_false(w.f.hidden.known);
	done(&w);
}

static void test_door_drive_vanishes_or_is_another(void **state)
{
	struct world w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct xp_identity before = {0};
	struct emu_ata *other;
	const char *difference = NULL;

	(void)state;
	make(&w, &cfg);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(xp_identity_copy(&before, &w.id, &w.err), XP_OK);
	memcpy(cfg.serial, "OTHER00001", 11);
	other = emu_ata_new(&cfg, &w.time);
	assert_non_null(other);
	w.unit.swap_for = other;
	w.unit.swaps_after = w.unit.commands;
	assert_int_equal(probe(&w), XP_OK);
	assert_false(xp_identity_same(&before, &w.id, &difference));
	assert_string_equal(difference, "serial");
	w.unit.vanishes_after = w.unit.commands;
	assert_int_equal(probe(&w), XP_E_IO);
	xp_identity_free(&before);
	emu_ata_free(&other);
	done(&w);
}

/* Every command that writes, erases, hides or locks. */
static const struct xp_ata_taskfile destructive[] = {
	{XP_ATA_DMA, 0x06, true, 1, 1, 0, 0x40, true, 1},
	{XP_ATA_PIO_OUT, 0x30, false, 0, 1, 0, 0x40, true, 1},
	{XP_ATA_DMA, 0x35, true, 0, 1, 0, 0x40, true, 1},
	{XP_ATA_UDMA_OUT, 0xca, false, 0, 1, 0, 0x40, true, 1},
	{XP_ATA_NON_DATA, 0x37, true, 0, 1, 999, 0x40, true, 0},
	{XP_ATA_NON_DATA, 0xf9, false, 0, 1, 999, 0x40, true, 0},
	{XP_ATA_NON_DATA, 0x78, true, 1, 0, 999, 0x40, true, 0},
	{XP_ATA_NON_DATA, 0x78, true, 2, 0, 0, 0x40, true, 0},
	{XP_ATA_NON_DATA, 0xb1, false, 0xc0, 0, 0, 0x40, true, 0},
	{XP_ATA_NON_DATA, 0xb1, false, 0xc1, 0, 0, 0x40, true, 0},
	{XP_ATA_PIO_OUT, 0xb1, false, 0xc3, 1, 0, 0x40, true, 1},
	{XP_ATA_NON_DATA, 0xb4, true, 0x00, 1, 0, 0x40, true, 0},
	{XP_ATA_NON_DATA, 0xb4, true, 0x11, 0, 0x43727970, 0x40, true, 0},
	{XP_ATA_NON_DATA, 0xb4, true, 0x12, 0, 0x426b4572, 0x40, true, 0},
	{XP_ATA_NON_DATA, 0xb4, true, 0x14, 1, 0x4f5700000000, 0x40, true, 0},
	{XP_ATA_NON_DATA, 0xb4, true, 0x20, 0, 0x46724c6b, 0x40, true, 0},
	{XP_ATA_NON_DATA, 0xb4, true, 0x40, 0, 0x416e7469, 0x40, true, 0},
	{XP_ATA_PIO_OUT, 0xf1, false, 0, 1, 0, 0x40, true, 1},
	{XP_ATA_PIO_OUT, 0xf2, false, 0, 1, 0, 0x40, true, 1},
	{XP_ATA_NON_DATA, 0xf3, false, 0, 0, 0, 0x40, true, 0},
	{XP_ATA_PIO_OUT, 0xf4, false, 0, 1, 0, 0x40, true, 1},
	{XP_ATA_NON_DATA, 0xf5, false, 0, 0, 0, 0x40, true, 0},
	{XP_ATA_PIO_OUT, 0xf6, false, 0, 1, 0, 0x40, true, 1},
};

static enum xp_rc send(struct world *w, const struct xp_ata_taskfile *tf,
		       const struct xp_permit *permit, void *data, struct xp_reply *reply)
{
	struct xp_cmd cmd = {
		.cdb_len = XP_SAT_CDB16_LEN,
		.dir = tf->blocks ? XP_DATA_OUT : XP_DATA_NONE,
		.data = tf->blocks ? data : NULL,
		.data_len = tf->blocks * 512U,
	};

	xp_sat_cdb_build(cmd.cdb, tf);
	return xp_transport_exec(w->t, &cmd, permit, reply, &w->err);
}

static void test_door_destructive_commands_need_a_permit(void **state)
{
	struct world w;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	struct xp_reply reply;
	uint8_t data[512] = {0};
	uint8_t before[512], after[512];

	(void)state;
	cfg.has_dco = cfg.has_amac = true;
	make(&w, &cfg);
	emu_media_stain(emu_ata_media(w.d), 0, 1);
	emu_ata_identify(w.d, before);
	for (size_t i = 0; i < XP_ARRAY_LEN(destructive); i++)
		assert_int_equal(send(&w, &destructive[i], NULL, data, &reply), XP_E_REFUSED);
	assert_int_equal(w.unit.commands, 0);
	emu_ata_identify(w.d, after);
	assert_memory_equal(before, after, 512);
	assert_int_equal(emu_media_stains(emu_ata_media(w.d), 0, 1).sectors, 1);
	done(&w);
}

/* The table does not refuse in vain: the emulated drive carries out what it was kept from. */
static void test_door_those_commands_do_what_they_are_feared_for(void **state)
{
	struct world w;
	struct emu_ata_config cfg = emu_ata_ssd(4096);
	uint8_t data[512] = {0};

	(void)state;
	cfg.has_dco = cfg.has_amac = true;
	for (size_t i = 0; i < XP_ARRAY_LEN(destructive); i++) {
		uint8_t cdb[XP_SAT_CDB16_LEN];
		struct emu_scsi_cmd cmd = {
			.cdb = cdb, .cdb_len = sizeof(cdb), .out = data, .out_len = sizeof(data)};

		make(&w, &cfg);
		xp_sat_cdb_build(cdb, &destructive[i]);
		w.unit.has_attention = false;
		emu_satl_exec(&w.unit, &cmd);
		assert_true(cmd.answered && cmd.sense_len >= 22);
		/* the registers came back, with an end of the drive's own */
		assert_int_equal(cmd.sense[8], 0x09);
		assert_int_equal(cmd.sense[21] & 0xd0, 0x50);
		done(&w);
	}
}

/* A long command outlives the host's patience: no answer, and the drive stays locked. */
static void test_door_timeout_leaves_the_drive_locked(void **state)
{
	struct world w;
	struct emu_ata_config cfg = emu_ata_hdd(4096);
	uint8_t data[512] = {0, 0, 's'};
	uint8_t cdb[XP_SAT_CDB16_LEN];
	struct emu_scsi_cmd cmd = {.cdb = cdb,
				   .cdb_len = sizeof(cdb),
				   .out = data,
				   .out_len = sizeof(data),
				   .give_up_ns = 60 * EMU_S};
	struct xp_ata_taskfile erase = {XP_ATA_PIO_OUT, 0xf4, false, 0, 1, 0, 0x40, true, 1};

	(void)state;
	make(&w, &cfg);
	emu_ask_password(w.d, 0xf1, 0, "s");
	emu_ask(w.d, 0xf3, false, 0, 0, 0);
	xp_sat_cdb_build(cdb, &erase);
	w.unit.has_attention = false;
	emu_satl_exec(&w.unit, &cmd);
	assert_false(cmd.answered);
	assert_int_equal(probe(&w), XP_OK);
	assert_true(w.f.ata.id.security.locked);
	done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_door_prober_agrees_on_a_hard_disk),
		cmocka_unit_test(test_door_prober_agrees_on_an_ssd),
		cmocka_unit_test(test_door_prober_sees_frozen_locked_expired),
		cmocka_unit_test(test_door_prober_sees_what_is_hidden),
		cmocka_unit_test(test_door_prober_sees_every_sanitize_state),
		cmocka_unit_test(test_door_lost_registers_are_no_success),
		cmocka_unit_test(test_door_bad_checksum_and_no_pass_through),
		cmocka_unit_test(test_door_drive_vanishes_or_is_another),
		cmocka_unit_test(test_door_destructive_commands_need_a_permit),
		cmocka_unit_test(test_door_those_commands_do_what_they_are_feared_for),
		cmocka_unit_test(test_door_timeout_leaves_the_drive_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
