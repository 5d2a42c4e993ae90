/*
 * The emulated drive under random commands: its states never contradict each other, the project's
 * decoders read them as they are, a clean success leaves no data, and nothing that the table of
 * commands calls read-only changes anything.
 */
#include "base/cleanup.h"
#include "base/wire.h"
#include "device/protocol/ata_identify.h"
#include "device/protocol/ata_sanitize.h"
#include "device/protocol/sat.h"
#include "tests/emu/emu_ask.h"
#include "tests/emu/emu_transport.h"
#include "tests/fake/bare_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS 1024
#define DRIVES	40
#define STEPS	600

struct world {
	uint64_t rng;
	struct emu_time time;
	struct emu_ata *d;
	struct emu_satl unit;
	struct xp_transport *t;
	uint8_t cdb[16];
	uint8_t data[4096];
	unsigned let_through, refused, successes;
};

static uint32_t draw(struct world *w, uint32_t below)
{
	return bare_draw(&w->rng, below);
}

static void new_drive(struct world *w)
{
	struct emu_ata_config cfg = draw(w, 2) ? emu_ata_ssd(SECTORS) : emu_ata_hdd(SECTORS);
	struct xp_err err;

	cfg.has_amac = draw(w, 4) == 0;
	cfg.has_hpa = !cfg.has_amac;
	cfg.has_dco = draw(w, 2);
	cfg.frozen_at_power_on = draw(w, 4) == 0;
	cfg.restricted_overrides = draw(w, 2);
	cfg.trimmed = (enum emu_trimmed)draw(w, 3);
	w->d = emu_ata_new(&cfg, &w->time);
	assert_non_null(w->d);
	w->unit = (struct emu_satl){.drive = w->d};
	assert_int_equal(emu_transport_open(&w->t, &w->unit, &err), XP_OK);
}

/* Commands as they should be, so that the drive comes into all of its states. */
static const struct xp_ata_taskfile sensible[] = {
	{.protocol = XP_ATA_NON_DATA, 0xb4, true, 0x11, 0, 0x43727970},
	{.protocol = XP_ATA_NON_DATA, 0xb4, true, 0x12, 0, 0x426b4572},
	{.protocol = XP_ATA_NON_DATA, 0xb4, true, 0x14, 1, 0x4f5700000000},
	{.protocol = XP_ATA_NON_DATA, 0xb4, true, 0x00, 0, 0},
	{.protocol = XP_ATA_NON_DATA, 0xb4, true, 0x00, 1, 0},
	{.protocol = XP_ATA_PIO_IN, 0xec, false, 0, 1, 0},
	{.protocol = XP_ATA_PIO_IN, 0x2f, true, 0, 1, 0x0630},
	{.protocol = XP_ATA_PIO_IN, 0xb1, false, 0xc2, 1, 0},
	{.protocol = XP_ATA_DMA, 0x25, true, 0, 1, 5},
	{.protocol = XP_ATA_UDMA_IN, 0xc8, false, 0, 2, 0},
	{.protocol = XP_ATA_NON_DATA, 0x27, true, 0, 0, 0},
	{.protocol = XP_ATA_NON_DATA, 0x78, true, 0, 0, 0},
	{.protocol = XP_ATA_NON_DATA, 0xb0, false, 0xda, 0, 0xc24f00},
	{.protocol = XP_ATA_PIO_OUT, 0xf2, false, 0, 1, 0},
	{.protocol = XP_ATA_PIO_OUT, 0xf6, false, 0, 1, 0},
};

/* A pass-through CDB that has a chance to mean something. */
static void make_cdb(struct world *w)
{
	static const uint8_t commands[] = {0x06, 0x0b, 0x20, 0x24, 0x25, 0x27, 0x2f, 0x30, 0x34,
					   0x35, 0x37, 0x40, 0x42, 0x47, 0x5c, 0x5d, 0x78, 0xb0,
					   0xb1, 0xb4, 0xc8, 0xca, 0xe5, 0xe7, 0xea, 0xec, 0xef,
					   0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf8, 0xf9};
	static const uint8_t is_48[] = {0x06, 0x0b, 0x24, 0x25, 0x27, 0x2f, 0x34,
					0x35, 0x37, 0x42, 0x47, 0x78, 0xb4, 0xea};
	static const uint8_t protocols[] = {3, 3, 3, 4, 4, 5, 5, 6, 10, 11};
	static const uint64_t lbas[] = {
		0,	    0,	      1,      5,      0x43727970,	 0x426b4572, 0x46724c6b,
		0x416e7469, 0xc24f00, 0x0630, 0x0104, 0x4f5700000000ULL, 999,	     SECTORS - 1};
	static const uint8_t features[] = {0,	 0,    1,    2,	   3,	 0x11, 0x12, 0x14,
					   0x20, 0x40, 0xc0, 0xc1, 0xc2, 0xc3, 0xd0, 0xda};
	struct xp_ata_taskfile tf = {
		.protocol = (enum xp_ata_protocol)protocols[draw(w, sizeof(protocols))],
		.command = commands[draw(w, sizeof(commands))],
		.feature = features[draw(w, sizeof(features))],
		.count = (uint16_t)draw(w, 3),
		.lba = lbas[draw(w, XP_ARRAY_LEN(lbas))],
		.device = 0x40,
		.wants_registers = true,
	};

	for (size_t i = 0; i < sizeof(is_48); i++)
		tf.is_48bit |= is_48[i] == tf.command;
	if (draw(w, 16) == 0)
		tf.is_48bit = !tf.is_48bit;
	if (draw(w, 3) == 0) {
		tf = sensible[draw(w, XP_ARRAY_LEN(sensible))];
		tf.device = 0x40;
		tf.wants_registers = true;
	}
	if (tf.protocol != XP_ATA_NON_DATA)
		tf.blocks = tf.count ? tf.count : 1;
	xp_sat_cdb_build(w->cdb, &tf);
	if (draw(w, 8) == 0) /* one byte may be anything */
		w->cdb[1 + draw(w, 14)] = (uint8_t)draw(w, 256);
	/* passwords are either the blank one or another */
	memset(w->data, 0, sizeof(w->data));
	w->data[0] = (uint8_t)draw(w, 4);
	w->data[2] = (uint8_t)(draw(w, 3) == 0);
}

/* Everything that a command could have changed. */
struct snapshot {
	uint8_t identify[512];
	enum emu_ata_sec sec;
	enum emu_ata_san san;
	struct emu_stains stains;
	uint64_t sectors;
};

static struct snapshot look(struct world *w)
{
	struct snapshot s = {
		.sec = emu_ata_security_state(w->d),
		.san = emu_ata_sanitize_state(w->d),
		.stains = emu_media_stains(emu_ata_media(w->d), 0, SECTORS),
		.sectors = emu_ata_sectors(w->d),
	};

	emu_ata_identify(w->d, s.identify);
	return s;
}

/* Without a permit: only what reads gets through, and it changes nothing. */
static void try_read_only(struct world *w)
{
	struct snapshot before = look(w);
	struct snapshot after;
	struct xp_ata_taskfile tf;
	struct xp_cmd cmd = {.cdb_len = 16};
	struct xp_reply reply;
	struct xp_err err;

	memcpy(cmd.cdb, w->cdb, sizeof(w->cdb));
	if (!xp_sat_cdb_parse(&tf, w->cdb, sizeof(w->cdb)) || tf.blocks * 512U > sizeof(w->data))
		return;
	if (tf.blocks) {
		cmd.dir = w->cdb[2] & 0x08 ? XP_DATA_IN : XP_DATA_OUT;
		cmd.data = w->data;
		cmd.data_len = tf.blocks * 512U;
	}
	if (xp_transport_exec(w->t, &cmd, NULL, &reply, &err) != XP_OK) {
		w->refused++;
		return;
	}
	w->let_through++;
	after = look(w);
	assert_memory_equal(before.identify, after.identify, 512);
	assert_int_equal(before.sec, after.sec);
	assert_int_equal(before.stains.sectors, after.stains.sectors);
	assert_int_equal(before.stains.spare, after.stains.spare);
	assert_int_equal(before.sectors, after.sectors);
	if (before.san != EMU_SD2)
		assert_int_equal(before.san, after.san);
}

static void do_it(struct world *w)
{
	struct emu_scsi_cmd cmd = {.cdb = w->cdb,
				   .cdb_len = sizeof(w->cdb),
				   .out = w->data,
				   .out_len = sizeof(w->data),
				   .in = w->data,
				   .in_len = sizeof(w->data)};

	emu_satl_exec(&w->unit, &cmd);
	assert_true(cmd.answered);
	assert_true(cmd.status == 0 || cmd.sense_len >= 8);
	assert_true(cmd.moved <= sizeof(w->data));
}

static void decoders_agree(struct world *w)
{
	static const uint8_t status[] = {0x85, 7, 0x20, 0, 0, 0,    0,	  0,
					 0,    0, 0,	0, 0, 0x40, 0xb4, 0};
	enum emu_ata_sec sec = emu_ata_security_state(w->d);
	enum emu_ata_san san = emu_ata_sanitize_state(w->d);
	struct emu_scsi_cmd cmd = {.cdb = status, .cdb_len = sizeof(status)};
	struct xp_ata_sanitize_status s;
	struct xp_ata_registers r;
	struct xp_ata_identify id;
	struct xp_err err;
	uint8_t data[512];

	emu_ata_identify(w->d, data);
	assert_int_equal(xp_ata_identify_parse(&id, data, sizeof(data), &err), XP_OK);
	assert_true(id.checksum_present && !id.security_is_contradictory);
	assert_int_equal(id.sectors, emu_ata_sectors(w->d));
	assert_int_equal(id.security.enabled, sec >= EMU_SEC4);
	assert_int_equal(id.security.locked, sec == EMU_SEC4);
	assert_int_equal(id.security.frozen, sec == EMU_SEC2 || sec == EMU_SEC6);
	w->unit.has_attention = false;
	emu_satl_exec(&w->unit, &cmd);
	xp_sat_registers_parse(&r, cmd.sense, cmd.sense_len);
	xp_ata_sanitize_status_decide(&s, &r);
	assert_int_equal(s.state == XP_ATA_SANITIZE_RUNNING, san == EMU_SD2);
	assert_int_equal(s.state == XP_ATA_SANITIZE_FAILED, san == EMU_SD3);
	assert_int_equal(s.frozen, san == EMU_SD1);
	if (san == EMU_SD4)
		assert_int_equal(s.state, XP_ATA_SANITIZE_SUCCEEDED);
	if (san == EMU_SD0)
		assert_int_equal(s.state, XP_ATA_SANITIZE_NONE);
}

/* Time or power goes by; a sanitize that ends well ends with an empty medium. */
static void let_time_pass(struct world *w)
{
	bool ran = emu_ata_sanitize_state(w->d) == EMU_SD2;
	struct emu_stains s;

	if (draw(w, 4) == 0)
		emu_satl_power_cycle(&w->unit);
	else
		emu_time_pass(&w->time, draw(w, 5000) * EMU_S);
	if (draw(w, 8) == 0)
		emu_ata_faults(w->d)->sanitize_fails_at = draw(w, 2) * draw(w, 0x10000);
	if (!ran || emu_ata_sanitize_state(w->d) != EMU_SD4)
		return;
	s = emu_media_stains(emu_ata_media(w->d), 0, SECTORS);
	assert_int_equal(s.sectors, 0);
	assert_int_equal(s.spare, 0);
	w->successes++;
	emu_media_stain(emu_ata_media(w->d), draw(w, SECTORS), 1);
	emu_media_stain_spare(emu_ata_media(w->d));
}

static void test_emu_random_commands_never_contradict(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	(void)state;
	assert_non_null(w);
	w->rng = 20260101;
	for (unsigned drive = 0; drive < DRIVES; drive++) {
		new_drive(w);
		emu_media_stain(emu_ata_media(w->d), 0, 8);
		emu_media_stain_spare(emu_ata_media(w->d));
		for (unsigned step = 0; step < STEPS; step++) {
			make_cdb(w);
			try_read_only(w);
			do_it(w);
			decoders_agree(w);
			if (draw(w, 4) == 0)
				let_time_pass(w);
		}
		xp_transport_free(&w->t);
		emu_ata_free(&w->d);
	}
	/* it was no walk past everything */
	assert_true(w->let_through > 1000);
	assert_true(w->refused > 1000);
	assert_true(w->successes > 10);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_emu_random_commands_never_contradict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
