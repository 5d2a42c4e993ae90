/*
 * The emulated SAS drive behind the transport: what the project's prober and decoders make of it,
 * which restate nothing of each other.
 */
#include "device/probe.h"

#include "tests/emu/emu_transport.h"
#include "tests/emu/scsi_ask.h"
#include "tests/fake/probe_drives.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS (8000000000ULL) /* 4 TB */

struct world {
	struct emu_time time;
	struct emu_scsi *d;
	struct emu_host host; /* the same path as the transport's */
	struct xp_transport *t;
	struct xp_drive_facts f;
	struct xp_identity id;
	struct xp_err err;
};

static void make(struct world *w, const struct emu_scsi_config *cfg)
{
	*w = (struct world){0};
	w->d = emu_scsi_new(cfg, &w->time);
	assert_non_null(w->d);
	w->host.bay.drive = w->d;
	assert_int_equal(emu_transport_open_unit(&w->t, emu_scsi_unit(&w->host.bay), &w->err),
			 XP_OK);
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
	emu_scsi_free(&w->d);
}

static void test_door_prober_agrees_on_a_sas_hard_disk(void **state)
{
	struct world w;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	const struct xp_scsi_facts *s = &w.f.scsi;

	(void)state;
	make(&w, &cfg);
	assert_int_equal(probe(&w), XP_OK);
	assert_false(w.f.is_ata);
	assert_string_equal(s->inq.vendor, cfg.vendor);
	assert_string_equal(w.id.model, cfg.product);
	assert_string_equal(w.id.serial, cfg.serial);
	assert_string_equal(w.id.firmware, cfg.revision);
	assert_string_equal(w.id.wwn, "naa.5000c500a0000010");
	assert_int_equal(w.id.media, XP_MEDIA_HDD);
	assert_int_equal(s->media.rpm, 7200);
	assert_int_equal(w.id.capacity_bytes, SECTORS * 512);
	assert_int_equal(w.id.physical_block_bytes, 4096);
	assert_int_equal(s->sanitize_overwrite, XP_YES);
	assert_int_equal(s->sanitize_block, XP_NO);
	assert_int_equal(s->sanitize_crypto, XP_NO);
	assert_int_equal(s->translation, XP_ASKED_NEVER);
	assert_false(s->provisioning.has_unmap);
	assert_int_equal(s->request_sense, XP_ASKED_GOOD);
	assert_int_equal(s->sense.key | s->sense.asc | s->sense.ascq, 0);
	assert_int_equal(s->exceptions, XP_ASKED_GOOD);
	assert_int_equal(s->exception_asc, 0);
	assert_int_equal(s->reservation, XP_ASKED_GOOD);
	assert_false(s->is_reserved);
	/* no security protocols: the one thing that is refused */
	assert_int_equal(w.f.tcg_asked, XP_ASKED_REFUSED);
	assert_int_equal(w.f.notes_n, 1);
	done(&w);
}

static void test_door_prober_agrees_on_a_sas_ssd(void **state)
{
	struct world w;
	struct emu_scsi_config cfg = emu_scsi_ssd(SECTORS);
	const struct xp_scsi_facts *s = &w.f.scsi;

	(void)state;
	cfg.wabereq = 3;
	cfg.wacereq = 2;
	make(&w, &cfg);
	emu_scsi_faults(w.d)->threshold_exceeded = true;
	emu_scsi_faults(w.d)->reserved_elsewhere = true;
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.id.media, XP_MEDIA_SSD);
	assert_int_equal(s->sanitize_overwrite, XP_YES);
	assert_int_equal(s->sanitize_block, XP_YES);
	assert_int_equal(s->sanitize_crypto, XP_YES);
	assert_int_equal(s->media.after_block_erase, 3);
	assert_int_equal(s->media.after_crypto_erase, 2);
	assert_true(s->provisioning.has_unmap && s->capacity.unmapped_reads_zero);
	assert_true(s->limits.unmap_lbas == 0xffffffff);
	assert_int_equal(s->exception_asc, 0x5d);
	assert_true(s->is_reserved);
	done(&w);
}

static void test_door_prober_agrees_on_520_bytes_4kn_and_protection(void **state)
{
	struct world w;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);

	(void)state;
	cfg.logical_bytes = 520;
	cfg.physical_exponent = 0;
	make(&w, &cfg);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.id.logical_block_bytes, 520);
	assert_int_equal(w.id.capacity_bytes, SECTORS * 520);
	done(&w);

	cfg.logical_bytes = 4096;
	cfg.sectors = SECTORS / 8;
	make(&w, &cfg);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.id.logical_block_bytes, 4096);
	assert_int_equal(w.id.capacity_bytes, SECTORS * 512);
	done(&w);

	for (unsigned type = 1; type <= 3; type++) {
		cfg.pi_type = type;
		make(&w, &cfg);
		assert_int_equal(probe(&w), XP_OK);
		assert_true(w.f.scsi.inq.has_protection);
		assert_int_equal(w.f.scsi.capacity.protection_type, type);
		assert_int_equal(w.f.scsi.capacity.logical_bytes, 4096);
		done(&w);
	}
}

static void test_door_prober_sees_a_sanitize_run_and_fail(void **state)
{
	struct world w;
	struct emu_scsi_config cfg = emu_scsi_ssd(SECTORS);
	const struct xp_sense *s = &w.f.scsi.sense;

	(void)state;
	make(&w, &cfg);
	emu_host_plug(&w.host, w.d);
	assert_int_equal(emu_host_sanitize(&w.host, 0x82, 0, 0), EMU_GOOD);
	emu_time_pass(&w.time, 15 * EMU_S);
	assert_int_equal(probe(&w), XP_OK);
	assert_true(xp_sense_says_sanitizing(s) && s->has_progress);
	assert_in_range(s->progress, 0x3f00, 0x4100);
	/* what it still is can be asked, how much it holds cannot */
	assert_int_equal(w.f.scsi.sanitize_block, XP_YES);
	assert_int_equal(w.f.scsi.read_capacity, XP_ASKED_REFUSED);
	assert_string_equal(w.id.serial, cfg.serial);
	emu_scsi_faults(w.d)->sanitize_fails_at = 0x8000;
	emu_time_pass(&w.time, 60 * EMU_S);
	assert_int_equal(probe(&w), XP_OK);
	assert_true(xp_sense_says_sanitize_failed(s));
	done(&w);
}

static void test_door_sas_drive_vanishes_or_is_another(void **state)
{
	struct world w;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct xp_identity before = {0};
	struct emu_scsi *other;
	const char *difference = NULL;

	(void)state;
	make(&w, &cfg);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(xp_identity_copy(&before, &w.id, &w.err), XP_OK);
	memcpy(cfg.serial, "OTHER00001", 11);
	other = emu_scsi_new(&cfg, &w.time);
	assert_non_null(other);
	emu_scsi_faults(w.d)->swap_for = other;
	emu_scsi_faults(w.d)->swaps_after = emu_scsi_commands(w.d) + 2;
	assert_int_equal(probe(&w), XP_OK);
	assert_false(xp_identity_same(&before, &w.id, &difference));
	assert_string_equal(difference, "serial");
	emu_scsi_faults(other)->vanishes_after = 1;
	assert_int_equal(probe(&w), XP_E_IO);
	xp_identity_free(&before);
	emu_scsi_free(&other);
	done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_door_prober_agrees_on_a_sas_hard_disk),
		cmocka_unit_test(test_door_prober_agrees_on_a_sas_ssd),
		cmocka_unit_test(test_door_prober_agrees_on_520_bytes_4kn_and_protection),
		cmocka_unit_test(test_door_prober_sees_a_sanitize_run_and_fail),
		cmocka_unit_test(test_door_sas_drive_vanishes_or_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
