/* The emulated translation layer, by the offsets of SPC, SBC and SAT. */
#include "tests/emu/satl.h"

#include "base/span.h"
#include "base/wire.h"
#include "tests/emu/emu_ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS	  4096
#define CDB(...)  ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})
#define NO_SENSE  0
#define DATA_SIZE 2048

struct world {
	struct emu_time time;
	struct emu_ata *d;
	struct emu_satl unit;
	struct emu_scsi_cmd cmd;
	uint8_t data[DATA_SIZE];
};

static void make(struct world *w, const struct emu_ata_config *cfg)
{
	*w = (struct world){0};
	w->d = emu_ata_new(cfg, &w->time);
	assert_non_null(w->d);
	w->unit.drive = w->d;
}

static void make_ssd(struct world *w)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	make(w, &cfg);
}

/* Key, ASC and ASCQ as one number: 0 is good status. */
static uint32_t verdict(const struct emu_scsi_cmd *c)
{
	const uint8_t *s = c->sense;

	assert_true(c->answered);
	if (c->status == 0)
		return NO_SENSE;
	assert_int_equal(c->status, 2);
	if (s[0] == 0x72)
		return (uint32_t)(s[1] << 16 | s[2] << 8 | s[3]);
	assert_int_equal(s[0], 0x70);
	return (uint32_t)(s[2] << 16 | s[12] << 8 | s[13]);
}

static uint32_t in(struct world *w, const uint8_t *cdb, size_t cdb_len, size_t len)
{
	memset(w->data, 0xcc, sizeof(w->data));
	w->cmd = (struct emu_scsi_cmd){
		.cdb = cdb, .cdb_len = cdb_len, .in = len ? w->data : NULL, .in_len = len};
	emu_satl_exec(&w->unit, &w->cmd);
	return verdict(&w->cmd);
}

static uint32_t out(struct world *w, const uint8_t *cdb, size_t cdb_len, size_t len)
{
	w->cmd = (struct emu_scsi_cmd){
		.cdb = cdb, .cdb_len = cdb_len, .out = w->data, .out_len = len};
	emu_satl_exec(&w->unit, &w->cmd);
	return verdict(&w->cmd);
}

static void test_satl_says_what_the_drive_is(void **state)
{
	struct world w;
	uint8_t id[512];

	(void)state;
	make_ssd(&w);
	assert_int_equal(in(&w, CDB(0x12, 0, 0, 0, 96, 0), 96), NO_SENSE);
	assert_int_equal(w.cmd.moved, 96);
	assert_memory_equal(w.data + 8, "ATA     EMULATED SOLID S", 24);
	assert_int_equal(in(&w, CDB(0x12, 0, 0, 0, 5, 0), 96), NO_SENSE);
	assert_int_equal(w.cmd.moved, 5);
	assert_int_equal(in(&w, CDB(0x12, 1, 0, 0, 252, 0), 252), NO_SENSE);
	assert_memory_equal(w.data,
			    ((uint8_t[]){0, 0, 0, 7, 0, 0x80, 0x83, 0x89, 0xb0, 0xb1, 0xb2}), 11);
	assert_int_equal(in(&w, CDB(0x12, 1, 0x80, 0, 252, 0), 252), NO_SENSE);
	assert_memory_equal(w.data + 4, "EMUSSD0001          ", 20);
	assert_int_equal(in(&w, CDB(0x12, 1, 0x83, 0, 252, 0), 252), NO_SENSE);
	assert_int_equal(get_be64(w.data + 8), 0x5002538000000001ULL);
	assert_int_equal(in(&w, CDB(0x12, 1, 0x89, 2, 60, 0), 572), NO_SENSE);
	assert_int_equal(w.cmd.moved, 572);
	assert_int_equal(w.data[56], 0xec);
	emu_ata_identify(w.d, id);
	assert_memory_equal(w.data + 60, id, 512);
	assert_int_equal(in(&w, CDB(0x12, 1, 0xb1, 0, 64, 0), 64), NO_SENSE);
	assert_int_equal(get_be16(w.data + 4), 1);
	assert_int_equal(in(&w, CDB(0x12, 1, 0xb2, 0, 64, 0), 64), NO_SENSE);
	assert_int_equal(w.data[5], 0x84);
	assert_int_equal(in(&w, CDB(0x12, 1, 0xb7, 0, 64, 0), 64), 0x052400);
	assert_int_equal(in(&w, CDB(0x12, 0, 0x80, 0, 64, 0), 64), 0x052400);
	assert_int_equal(in(&w, CDB(0xc1, 0, 0, 0, 0, 0), 0), 0x052000);
	emu_ata_free(&w.d);
}

static void test_satl_reads_and_writes(void **state)
{
	struct world w;
	struct emu_bad bad = {.first = 40, .n = 1, .on_read = true};

	(void)state;
	make_ssd(&w);
	assert_int_equal(in(&w, CDB(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), 8), NO_SENSE);
	assert_int_equal(get_be32(w.data), SECTORS - 1);
	assert_int_equal(get_be32(w.data + 4), 512);
	assert_int_equal(in(&w, CDB(0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0), 32),
			 NO_SENSE);
	assert_int_equal(get_be64(w.data), SECTORS - 1);
	assert_int_equal(w.data[13], 3);
	assert_int_equal(w.data[14], 0xc0);
	memset(w.data, 0x5a, 1024);
	assert_int_equal(out(&w, CDB(0x2a, 0, 0, 0, 0, 7, 0, 0, 2, 0), 1024), NO_SENSE);
	assert_int_equal(w.cmd.moved, 1024);
	assert_int_equal(in(&w, CDB(0x88, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0), 512),
			 NO_SENSE);
	assert_true(xp_mem_is_filled(w.data, 0x5a, 512));
	assert_int_equal(in(&w, CDB(0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0), 512), NO_SENSE);
	assert_true(xp_mem_is_filled(w.data, 0, 512));
	memset(w.data, 0x11, 512);
	assert_int_equal(out(&w, CDB(0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0), 512),
			 NO_SENSE);
	assert_int_equal(in(&w, CDB(0x2f, 0, 0, 0, 0, 0, 0, 0, 64, 0), 0), NO_SENSE);
	assert_int_equal(in(&w, CDB(0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0), NO_SENSE);
	assert_int_equal(in(&w, CDB(0x28, 0, 0, 0, 0x0f, 0xff, 0, 0, 2, 0), 1024), 0x052100);
	assert_int_equal(in(&w, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0), 512), 0x052400);
	assert_true(emu_media_add_bad(emu_ata_media(w.d), &bad));
	assert_int_equal(in(&w, CDB(0x28, 0, 0, 0, 0, 40, 0, 0, 1, 0), 512), 0x031104);
	assert_int_equal(w.cmd.moved, 0);
	emu_ask_password(w.d, 0xf1, 0, "x");
	emu_ata_power_off(w.d);
	emu_ata_power_on(w.d);
	assert_int_equal(in(&w, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512), 0x0b0000);
	emu_ata_free(&w.d);
}

static void test_satl_mode_pages(void **state)
{
	struct world w;

	(void)state;
	make_ssd(&w);
	assert_int_equal(in(&w, CDB(0x1a, 0, 0x3f, 0, 252, 0), 252), NO_SENSE);
	assert_int_equal(w.cmd.moved, 36);
	assert_memory_equal(w.data, ((uint8_t[]){35, 0, 0x10, 0, 0x08, 18, 0x04}), 7);
	assert_memory_equal(w.data + 24, ((uint8_t[]){0x0a, 10, 0x04}), 3);
	w.unit.fixed_sense = true;
	assert_int_equal(in(&w, CDB(0x5a, 0, 0x0a, 0, 0, 0, 0, 0, 252, 0), 252), NO_SENSE);
	assert_int_equal(w.cmd.moved, 20);
	assert_memory_equal(w.data, ((uint8_t[]){0, 18, 0, 0x10, 0, 0, 0, 0, 0x0a, 10, 0}), 11);
	assert_int_equal(in(&w, CDB(0x1a, 0, 0x48, 0, 252, 0), 252), NO_SENSE);
	assert_int_equal(w.data[6], 0);
	assert_int_equal(in(&w, CDB(0x1a, 0, 0x3f, 0, 4, 0), 252), NO_SENSE);
	assert_int_equal(w.cmd.moved, 4);
	assert_int_equal(in(&w, CDB(0x1a, 0, 0xc8, 0, 252, 0), 252), 0x053900);
	assert_int_equal(in(&w, CDB(0x1a, 0, 0x1c, 0, 252, 0), 252), 0x052400);
	assert_int_equal(in(&w, CDB(0x1b, 0, 0, 0, 0, 0), 0), NO_SENSE);
	emu_ata_free(&w.d);
}

static void test_satl_unmap_is_trim(void **state)
{
	struct world w;

	(void)state;
	make_ssd(&w);
	emu_media_stain(emu_ata_media(w.d), 0, 20);
	memset(w.data, 0, sizeof(w.data));
	put_be16(w.data, 22);
	put_be16(w.data + 2, 16);
	put_be64(w.data + 8, 4);
	put_be32(w.data + 16, 10);
	assert_int_equal(out(&w, CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0), 24), NO_SENSE);
	assert_int_equal(in(&w, CDB(0x28, 0, 0, 0, 0, 13, 0, 0, 1, 0), 512), NO_SENSE);
	assert_true(xp_mem_is_filled(w.data, 0, 512));
	assert_int_equal(in(&w, CDB(0x28, 0, 0, 0, 0, 14, 0, 0, 1, 0), 512), NO_SENSE);
	assert_int_equal(w.data[39], 'C');
	/* lengths that lie */
	assert_int_equal(out(&w, CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0), 16), 0x051a00);
	put_be16(w.data + 2, 32);
	assert_int_equal(out(&w, CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0), 24), 0x051a00);
	emu_ata_free(&w.d);
}

static void test_satl_attention_is_told_once(void **state)
{
	struct world w;

	(void)state;
	make_ssd(&w);
	emu_satl_power_cycle(&w.unit);
	assert_int_equal(in(&w, CDB(0x12, 0, 0, 0, 96, 0), 96), NO_SENSE);
	assert_int_equal(in(&w, CDB(0x00, 0, 0, 0, 0, 0), 0), 0x062900);
	assert_int_equal(in(&w, CDB(0x00, 0, 0, 0, 0, 0), 0), NO_SENSE);
	emu_satl_power_cycle(&w.unit);
	assert_int_equal(in(&w, CDB(0x03, 0, 0, 0, 252, 0), 252), NO_SENSE);
	assert_int_equal(w.data[2], 6);
	assert_int_equal(w.data[12], 0x29);
	assert_int_equal(in(&w, CDB(0x00, 0, 0, 0, 0, 0), 0), NO_SENSE);
	emu_satl_plug(&w.unit, NULL);
	w.cmd = (struct emu_scsi_cmd){.cdb = (const uint8_t[6]){0}, .cdb_len = 6};
	emu_satl_exec(&w.unit, &w.cmd);
	assert_false(w.cmd.answered);
	emu_ata_free(&w.d);
}

static void test_satl_sanitize_shows_in_sense(void **state)
{
	struct world w;

	(void)state;
	make_ssd(&w);
	emu_ask_sanitize(w.d, 0x12, 0, 0);
	emu_time_pass(&w.time, 30 * EMU_S);
	assert_int_equal(in(&w, CDB(0x00, 0, 0, 0, 0, 0), 0), 0x02041b);
	assert_int_equal(in(&w, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512), 0x02041b);
	assert_int_equal(in(&w, CDB(0x03, 0, 0, 0, 252, 0), 252), NO_SENSE);
	assert_int_equal(w.data[2] << 16 | get_be16(w.data + 12), 0x02041b);
	assert_int_equal(w.data[15], 0x80);
	assert_in_range(get_be16(w.data + 16), 0x7f00, 0x8100);
	assert_int_equal(in(&w, CDB(0x03, 1, 0, 0, 252, 0), 252), NO_SENSE);
	assert_int_equal(w.data[0], 0x72);
	assert_int_equal(w.data[8], 0x02);
	assert_int_equal(w.data[12], 0x80);
	assert_in_range(get_be16(w.data + 13), 0x7f00, 0x8100);
	emu_time_pass(&w.time, 31 * EMU_S);
	assert_int_equal(in(&w, CDB(0x00, 0, 0, 0, 0, 0), 0), NO_SENSE);
	emu_ata_faults(w.d)->sanitize_fails_at = 1;
	emu_ask_sanitize(w.d, 0x12, 0, 0);
	emu_time_pass(&w.time, EMU_S);
	assert_int_equal(in(&w, CDB(0x00, 0, 0, 0, 0, 0), 0), 0x033103);
	emu_ata_free(&w.d);
}

/* READ NATIVE MAX EXT in the three lengths; a drive of more than 2^32 sectors. */
static void test_satl_pass_through_12_16_32(void **state)
{
	struct world w;
	struct emu_ata_config cfg = emu_ata_hdd(0x123456789aULL);
	const uint8_t *d = w.cmd.sense + 8;
	uint8_t cdb[32] = {0x7f};

	(void)state;
	make(&w, &cfg);
	assert_int_equal(in(&w, CDB(0x85, 7, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x27, 0), 0),
			 0x01001d);
	assert_int_equal(w.cmd.sense_len, 22);
	assert_memory_equal(
		d, ((uint8_t[]){9, 12, 1, 0, 0, 0, 0x34, 0x99, 0x12, 0x78, 0, 0x56, 0x40, 0x50}),
		14);
	cdb[7] = 24;
	put_be16(cdb + 8, 0x1ff0);
	cdb[10] = 7;
	cdb[11] = 0x20;
	cdb[24] = 0x40;
	cdb[25] = 0x27;
	assert_int_equal(in(&w, cdb, 32, 0), 0x01001d);
	assert_int_equal(d[6] << 8 | d[7], 0x3499);
	assert_int_equal(d[8], 0x12);
	/* 28 bits: bits 27:24 go into DEVICE */
	assert_int_equal(in(&w, CDB(0xa1, 6, 0x20, 0, 0, 0, 0, 0, 0x40, 0xf8, 0, 0), 0), 0x01001d);
	assert_memory_equal(
		d, ((uint8_t[]){9, 12, 0, 0, 0, 0, 0, 0xff, 0, 0xff, 0, 0xff, 0x4f, 0x50}), 14);
	/* what cannot be */
	assert_int_equal(in(&w, CDB(0xa1, 7, 0x20, 0, 0, 0, 0, 0, 0x40, 0x27, 0, 0), 0), 0x052400);
	assert_int_equal(in(&w, CDB(0x85, 4, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xe5, 0), 0),
			 0x052400);
	put_be16(cdb + 8, 0x1ff1);
	assert_int_equal(in(&w, cdb, 32, 0), 0x052000);
	emu_ata_free(&w.d);
}

static void test_satl_pass_through_data(void **state)
{
	struct world w;
	uint8_t id[512];

	(void)state;
	make_ssd(&w);
	emu_ata_identify(w.d, id);
	/* length in COUNT, in FEATURES, in bytes, and by what the host offers */
	assert_int_equal(
		in(&w, CDB(0x85, 8, 0x0e, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xec, 0), 512),
		NO_SENSE);
	assert_memory_equal(w.data, id, 512);
	assert_int_equal(
		in(&w, CDB(0x85, 8, 0x0d, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xec, 0), 512),
		NO_SENSE);
	assert_memory_equal(w.data, id, 512);
	assert_int_equal(
		in(&w, CDB(0x85, 8, 0x0f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xec, 0), 512),
		NO_SENSE);
	assert_memory_equal(w.data, id, 512);
	/* less room than that, or another way */
	assert_int_equal(
		in(&w, CDB(0x85, 8, 0x0e, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xec, 0), 256),
		0x052400);
	assert_int_equal(
		in(&w, CDB(0x85, 8, 0x06, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xec, 0), 512),
		0x052400);
	assert_int_equal(
		in(&w, CDB(0x85, 12, 0x0e, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xec, 0), 512),
		0x0b0000);
	/* read, and the registers of it afterwards */
	assert_int_equal(
		in(&w, CDB(0x85, 8, 0x2e, 0, 0, 0, 1, 0, 7, 0, 0, 0, 0, 0x40, 0x20, 0), 512),
		0x01001d);
	assert_int_equal(w.cmd.moved, 512);
	assert_int_equal(in(&w, CDB(0x85, 30, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0),
			 0x01001d);
	assert_int_equal(w.cmd.sense[15], 7);
	/* IDNF with its address */
	assert_int_equal(
		in(&w, CDB(0x85, 9, 0x0e, 0, 0, 0, 1, 0, 0, 0, 0x20, 0, 0, 0x40, 0x24, 0), 512),
		0x052100);
	assert_int_equal(w.cmd.sense[11], 0x10);
	emu_ata_free(&w.d);
}

static void test_satl_faults_of_the_registers(void **state)
{
	static const uint8_t status[] = {0x85, 7, 0x20, 0, 0, 0,    0,	  0,
					 0,    0, 0,	0, 0, 0x40, 0xb4, 0};
	struct world w;

	(void)state;
	make_ssd(&w);
	w.unit.fixed_sense = true;
	assert_int_equal(in(&w, status, 16, 0), 0x01001d);
	assert_int_equal(w.cmd.sense_len, 18);
	/* ERROR, STATUS, DEVICE, COUNT 7:0; EXTEND; LBA 23:0 */
	assert_memory_equal(w.cmd.sense + 3,
			    ((uint8_t[]){0, 0x50, 0x40, 0, 10, 0x80, 0xff, 0xff, 0}), 9);
	emu_ask_sanitize(w.d, 0x12, 0, 0);
	assert_int_equal(in(&w, status, 16, 0), 0x01001d);
	assert_int_equal(w.cmd.sense[8], 0xc0); /* COUNT 15:8 is not zero, and is not told */
	w.unit.fixed_sense = false;
	w.unit.registers = EMU_REGISTERS_ZERO;
	assert_int_equal(in(&w, status, 16, 0), 0x01001d);
	assert_true(xp_mem_is_filled(w.cmd.sense + 10, 0, 12));
	w.unit.registers = EMU_REGISTERS_LOST;
	assert_int_equal(in(&w, status, 16, 0), NO_SENSE);
	w.unit.registers = EMU_REGISTERS_KEPT;
	w.unit.no_pass_through = true;
	assert_int_equal(in(&w, status, 16, 0), 0x052000);
	emu_ata_free(&w.d);
}

/* A bridge that takes SET PASSWORD and drops the erase. */
static void test_satl_bridge_drops_the_erase(void **state)
{
	static const uint8_t set[] = {0x85, 10, 0x26, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xf1, 0};
	static const uint8_t erase[] = {0x85, 10, 0x26, 0, 0, 0,    1,	  0,
					0,    0,  0,	0, 0, 0x40, 0xf4, 0};
	struct world w;

	(void)state;
	make_ssd(&w);
	w.unit.drops_erase = true;
	memset(w.data, 0, 512);
	assert_int_equal(out(&w, set, 16, 512), 0x01001d);
	emu_ask(w.d, 0xf3, false, 0, 0, 0);
	assert_int_equal(out(&w, erase, 16, 512), 0x052000);
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC5);
	emu_ata_free(&w.d);
}

static void test_satl_security_protocol_in(void **state)
{
	struct world w;

	(void)state;
	make_ssd(&w);
	assert_int_equal(in(&w, CDB(0xa2, 0, 0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0), 512), NO_SENSE);
	assert_int_equal(w.data[9], 0x01);
	assert_int_equal(in(&w, CDB(0xa2, 1, 0, 1, 0, 0, 0, 0, 0, 100, 0, 0), 100), NO_SENSE);
	assert_int_equal(w.cmd.moved, 100);
	assert_int_equal(get_be32(w.data), 96);
	assert_int_equal(in(&w, CDB(0xa2, 2, 0, 1, 0x80, 0, 0, 0, 0, 1, 0, 0), 512), 0x0b0000);
	assert_int_equal(in(&w, CDB(0xa2, 1, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0), 512), 0x052400);
	emu_ata_free(&w.d);
}

static void test_satl_short_cdb_gets_no_answer(void **state)
{
	struct world w;

	(void)state;
	make_ssd(&w);
	w.cmd = (struct emu_scsi_cmd){.cdb = (const uint8_t[6]){0x85, 8, 0x0e}, .cdb_len = 6};
	emu_satl_exec(&w.unit, &w.cmd);
	assert_false(w.cmd.answered);
	emu_ata_free(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_satl_says_what_the_drive_is),
		cmocka_unit_test(test_satl_reads_and_writes),
		cmocka_unit_test(test_satl_mode_pages),
		cmocka_unit_test(test_satl_unmap_is_trim),
		cmocka_unit_test(test_satl_attention_is_told_once),
		cmocka_unit_test(test_satl_sanitize_shows_in_sense),
		cmocka_unit_test(test_satl_pass_through_12_16_32),
		cmocka_unit_test(test_satl_pass_through_data),
		cmocka_unit_test(test_satl_faults_of_the_registers),
		cmocka_unit_test(test_satl_bridge_drops_the_erase),
		cmocka_unit_test(test_satl_security_protocol_in),
		cmocka_unit_test(test_satl_short_cdb_gets_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
