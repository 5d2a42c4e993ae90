/* The emulated SAS drive as a host sees it: what it says, reads, writes, and who may. */
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

static void test_scsi_says_what_it_is(void **state)
{
	struct bare_scsi w;

	(void)state;
	bare_scsi_make(&w, NULL);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x12, 0, 0, 0, 96, 0), 96), EMU_GOOD);
	assert_int_equal(w.h.cmd.moved, 96);
	assert_memory_equal(w.h.data + 8, "EMULATEDSAS SOLID STATE ", 24);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x12, 0, 0, 0, 5, 0), 96), EMU_GOOD);
	assert_int_equal(w.h.cmd.moved, 5);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x12, 1, 0, 0, 252, 0), 252), EMU_GOOD);
	assert_memory_equal(w.h.data,
			    ((uint8_t[]){0, 0, 0, 7, 0, 0x80, 0x83, 0x86, 0xb0, 0xb1, 0xb2}), 11);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x12, 1, 0x80, 0, 252, 0), 252), EMU_GOOD);
	assert_memory_equal(w.h.data + 4, "EMUSASSSD0001       ", 20);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x12, 1, 0x89, 0, 252, 0), 252), 0x052400);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x12, 0, 0x80, 0, 252, 0), 252), 0x052400);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x12, 1, 0xb1, 0, 64, 0), 64), EMU_GOOD);
	assert_int_equal(get_be16(w.h.data + 4), 1);
	assert_int_equal(w.h.data[7] >> 4, 0x5);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x12, 1, 0xb2, 0, 64, 0), 64), EMU_GOOD);
	assert_int_equal(w.h.data[5], 0xe4);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0xa2, 1, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0), 512),
			 0x052000);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0xc1, 0, 0, 0, 0, 0), 0), 0x052000);
	/* bits that mean nothing are not passed over */
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x12, 0x02, 0, 0, 96, 0), 96), 0x052400);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x28, 0, 0, 0), 0), EMU_NO_ANSWER);
	emu_scsi_free(&w.d);
}

/* Two ports of one logical unit have one name, two of its ports. */
static void test_scsi_names_group_its_paths(void **state)
{
	struct bare_scsi w;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct emu_host second = {.bay = {.port = 1}};
	struct emu_host other = {.bay = {.lun = 1}};
	uint8_t first[96];

	(void)state;
	cfg.luns = 2;
	bare_scsi_make(&w, &cfg);
	emu_host_plug(&second, w.d);
	emu_host_plug(&other, w.d);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x12, 1, 0x83, 0, 252, 0), 252), EMU_GOOD);
	memcpy(first, w.h.data, sizeof(first));
	assert_int_equal(get_be32(first + 4), 0x01030008);
	assert_int_equal(get_be64(first + 8), cfg.wwn);
	assert_int_equal(get_be32(first + 16), 0x61930008);
	assert_int_equal(get_be64(first + 20), cfg.wwn + 1);
	assert_int_equal(emu_host_in(&second, EMU_CDB(0x12, 1, 0x83, 0, 252, 0), 252), EMU_GOOD);
	assert_memory_equal(second.data, first, 16);
	assert_int_equal(get_be64(second.data + 20), cfg.wwn + 2);
	/* the other actuator: another unit, the same drive */
	assert_int_equal(emu_host_in(&other, EMU_CDB(0x12, 1, 0x83, 0, 252, 0), 252), EMU_GOOD);
	assert_int_not_equal(get_be64(other.data + 8), cfg.wwn);
	assert_memory_equal(other.data + 36, first + 36, 40);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0), 64),
			 EMU_GOOD);
	assert_int_equal(get_be32(w.h.data), 16);
	assert_int_equal(w.h.data[17], 1);
	/* each has blocks of its own */
	emu_media_stain(emu_scsi_media(w.d, 0), 5, 1);
	assert_int_equal(emu_host_read(&second, 5, 1, 512), EMU_GOOD);
	assert_int_equal(second.data[39], 'C');
	assert_int_equal(emu_host_read(&other, 5, 1, 512), EMU_GOOD);
	assert_true(xp_mem_is_filled(other.data, 0, 512));
	emu_scsi_free(&w.d);
}

static void test_scsi_reads_and_writes(void **state)
{
	struct bare_scsi w;
	struct emu_bad bad = {.first = 42, .n = 1, .on_read = true, .on_write = true};

	(void)state;
	bare_scsi_make(&w, NULL);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), 8), EMU_GOOD);
	assert_int_equal(get_be32(w.h.data), SECTORS - 1);
	assert_int_equal(get_be32(w.h.data + 4), 512);
	assert_int_equal(emu_host_in(&w.h,
				     EMU_CDB(0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0),
				     32),
			 EMU_GOOD);
	assert_int_equal(get_be64(w.h.data), SECTORS - 1);
	assert_memory_equal(w.h.data + 12, ((uint8_t[]){0, 3, 0xc0}), 3);
	memset(w.h.data, 0x5a, 1024);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x2a, 0x08, 0, 0, 0, 7, 0, 0, 2, 0), 1024),
			 EMU_GOOD);
	assert_int_equal(w.h.cmd.moved, 1024);
	assert_int_equal(emu_host_read(&w.h, 8, 1, 512), EMU_GOOD);
	assert_true(xp_mem_is_filled(w.h.data, 0x5a, 512));
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x28, 0x10, 0, 0, 0, 9, 0, 0, 1, 0), 512),
			 EMU_GOOD);
	assert_true(xp_mem_is_filled(w.h.data, 0, 512));
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0), EMU_GOOD);
	/* the address is in the sense data */
	assert_int_equal(emu_host_read(&w.h, SECTORS - 1, 2, 512), 0x052100);
	assert_int_equal(w.h.cmd.sense[0], 0xf0);
	assert_int_equal(get_be32(w.h.cmd.sense + 3), SECTORS);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0), 512),
			 0x052400);
	assert_true(emu_media_add_bad(emu_scsi_media(w.d, 0), &bad));
	assert_int_equal(emu_host_read(&w.h, 40, 4, 512), 0x031100);
	assert_int_equal(get_be32(w.h.cmd.sense + 3), 42);
	assert_int_equal(w.h.cmd.moved, 1024);
	memset(w.h.data, 0x77, 2048);
	assert_int_equal(emu_host_write(&w.h, 40, 4, 512), 0x030c02);
	assert_int_equal(w.h.cmd.moved, 1024);
	assert_int_equal(emu_host_read(&w.h, 41, 1, 512), EMU_GOOD);
	assert_true(xp_mem_is_filled(w.h.data, 0x77, 512));
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x4d, 0, 0x43, 0, 0, 0, 0, 0, 252, 0), 252),
			 EMU_GOOD);
	assert_int_equal(get_be64(w.h.data + 4 + 6 * 12 + 4), 1);
	emu_scsi_free(&w.d);
}

static void test_scsi_verify_compares(void **state)
{
	struct bare_scsi w;
	struct emu_bad bad = {.first = 100, .n = 1, .on_read = true};

	(void)state;
	bare_scsi_make(&w, NULL);
	memset(w.h.data, 0x5a, 1024);
	assert_int_equal(emu_host_write(&w.h, 0, 2, 512), EMU_GOOD);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x2f, 0x02, 0, 0, 0, 0, 0, 0, 2, 0), 1024),
			 EMU_GOOD);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x2f, 0x06, 0, 0, 0, 0, 0, 0, 2, 0), 512),
			 EMU_GOOD);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x2f, 0x06, 0, 0, 0, 0, 0, 0, 3, 0), 512),
			 0x0e1d00);
	assert_int_equal(get_be32(w.h.cmd.sense + 3), 2);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x2f, 0x04, 0, 0, 0, 0, 0, 0, 2, 0), 1024),
			 0x052400);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x2f, 0, 0, 0, 0, 0, 0, 1, 0, 0), 0), EMU_GOOD);
	assert_true(emu_media_add_bad(emu_scsi_media(w.d, 0), &bad));
	assert_int_equal(
		emu_host_in(&w.h, EMU_CDB(0x8f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0), 0),
		0x031100);
	emu_scsi_free(&w.d);
}

static void test_scsi_write_same_and_unmap(void **state)
{
	struct bare_scsi w;
	struct emu_media *m;

	(void)state;
	bare_scsi_make(&w, NULL);
	m = emu_scsi_media(w.d, 0);
	emu_media_stain(m, 0, 64);
	memset(w.h.data, 0x33, 512);
	/* to the end of the medium */
	assert_int_equal(emu_host_out(&w.h,
				      EMU_CDB(0x93, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0),
				      512),
			 EMU_GOOD);
	assert_int_equal(w.h.cmd.moved, 512);
	assert_int_equal(emu_media_stains(m, 0, SECTORS).sectors, 32);
	assert_int_equal(emu_host_read(&w.h, SECTORS - 1, 1, 512), EMU_GOOD);
	assert_true(xp_mem_is_filled(w.h.data, 0x33, 512));
	/* no data but zeros; with UNMAP they are only unmapped, and the cells keep what they held
	 */
	assert_int_equal(emu_host_out(&w.h,
				      EMU_CDB(0x93, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0),
				      0),
			 EMU_GOOD);
	assert_int_equal(emu_media_stains(m, 0, SECTORS).sectors, 24);
	assert_int_equal(emu_host_out(&w.h,
				      EMU_CDB(0x93, 0x09, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0),
				      0),
			 EMU_GOOD);
	assert_int_equal(emu_media_stains(m, 0, SECTORS).sectors, 24);
	assert_int_equal(emu_host_read(&w.h, 8, 8, 512), EMU_GOOD);
	assert_true(xp_mem_is_filled(w.h.data, 0, 4096));
	assert_int_equal(emu_host_in(&w.h,
				     EMU_CDB(0x9e, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0),
				     256),
			 EMU_GOOD);
	assert_int_equal(get_be32(w.h.data), 4 + 3 * 16);
	assert_memory_equal(w.h.data + 24 + 7, ((uint8_t[]){8, 0, 0, 0, 8, 0x01}), 6);
	memset(w.h.data, 0, 64);
	put_be16(w.h.data, 22);
	put_be16(w.h.data + 2, 16);
	put_be64(w.h.data + 8, 16);
	put_be32(w.h.data + 16, 16);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0), 24),
			 EMU_GOOD);
	assert_int_equal(emu_host_read(&w.h, 31, 1, 512), EMU_GOOD);
	assert_true(xp_mem_is_filled(w.h.data, 0, 512));
	assert_int_equal(emu_media_stains(m, 0, SECTORS).sectors, 24);
	memset(w.h.data, 0, 64);
	put_be16(w.h.data + 2, 32);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0), 24),
			 0x051a00);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0), 16),
			 0x051a00);
	emu_scsi_free(&w.d);
}

static void test_scsi_hard_disk_has_no_unmap(void **state)
{
	struct bare_scsi w;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);

	(void)state;
	cfg.write_same_max = 16;
	bare_scsi_make(&w, &cfg);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0), 24),
			 0x052000);
	assert_int_equal(emu_host_out(&w.h,
				      EMU_CDB(0x93, 0x09, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0),
				      0),
			 0x052400);
	assert_int_equal(
		emu_host_out(&w.h, EMU_CDB(0x93, 0x01, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 17, 0, 0),
			     0),
		0x052400);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x48, 0x02, 0, 0, 0, 0, 0, 0, 0, 0), 0),
			 0x052400);
	emu_scsi_free(&w.d);
}

static void test_scsi_unmapped_blocks_read_as_told(void **state)
{
	static const enum emu_trimmed as[] = {EMU_TRIMMED_ZERO, EMU_TRIMMED_ONES, EMU_TRIMMED_OLD};
	struct bare_scsi w;

	(void)state;
	bare_scsi_make(&w, NULL);
	emu_media_stain(emu_scsi_media(w.d, 0), 3, 1);
	emu_media_trim(emu_scsi_media(w.d, 0), 0, SECTORS);
	emu_scsi_faults(w.d)->unmapped_lies = true;
	for (unsigned i = 0; i < 3; i++) {
		emu_scsi_faults(w.d)->unmapped_as = as[i];
		assert_int_equal(emu_host_read(&w.h, 3, 1, 512), EMU_GOOD);
		assert_int_equal(w.h.data[39], i == 0 ? 0 : i == 1 ? 0xff : 'C');
	}
	emu_scsi_free(&w.d);
}

/* Guard of the check string, and of zeros, from T10's own examples: D0DBh, 0000h. */
static void test_scsi_protection_information(void **state)
{
	struct bare_scsi w;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);

	(void)state;
	cfg.pi_type = 1;
	bare_scsi_make(&w, &cfg);
	memset(w.h.data, 0, 520);
	memcpy(w.h.data + 512 - 9, "123456789", 9);
	assert_int_equal(emu_host_write(&w.h, 7, 1, 512), EMU_GOOD);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x28, 0x20, 0, 0, 0, 7, 0, 0, 1, 0), 520),
			 EMU_GOOD);
	assert_int_equal(w.h.cmd.moved, 520);
	assert_memory_equal(w.h.data + 512, ((uint8_t[]){0xd0, 0xdb, 0, 0, 0, 0, 0, 7}), 8);
	/* a block for another address, a block that is damaged */
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x2a, 0x20, 0, 0, 0, 8, 0, 0, 1, 0), 520),
			 0x0b1003);
	w.h.data[0] = 1;
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x2a, 0x20, 0, 0, 0, 7, 0, 0, 1, 0), 520),
			 0x0b1001);
	/* unchecked it is written; then it cannot be read */
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x2a, 0x60, 0, 0, 0, 7, 0, 0, 1, 0), 520),
			 EMU_GOOD);
	assert_int_equal(emu_host_read(&w.h, 7, 1, 512), 0x0b1001);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x28, 0x60, 0, 0, 0, 7, 0, 0, 1, 0), 520),
			 EMU_GOOD);
	/* what nobody wrote is not checked */
	assert_int_equal(emu_host_read(&w.h, 8, 1, 512), EMU_GOOD);
	/* WRITE SAME counts the addresses */
	memset(w.h.data, 0, 512);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x41, 0, 0, 0, 0, 0, 0, 0, 20, 0), 512),
			 EMU_GOOD);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x28, 0x20, 0, 0, 0, 7, 0, 0, 1, 0), 520),
			 EMU_GOOD);
	assert_int_equal(w.h.data[519], 7);
	emu_scsi_free(&w.d);
	cfg.pi_type = 2;
	bare_scsi_make(&w, &cfg);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x28, 0x20, 0, 0, 0, 7, 0, 0, 1, 0), 520),
			 0x052000);
	emu_scsi_free(&w.d);
	cfg.pi_type = 0;
	bare_scsi_make(&w, &cfg);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x28, 0x20, 0, 0, 0, 7, 0, 0, 1, 0), 520),
			 0x052400);
	emu_scsi_free(&w.d);
}

static void test_scsi_mode_pages(void **state)
{
	struct bare_scsi w;
	struct emu_host other = {.bay = {.host = 1}};

	(void)state;
	bare_scsi_make(&w, NULL);
	emu_host_plug(&other, w.d);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x1a, 0, 0x3f, 0, 252, 0), 252), EMU_GOOD);
	assert_int_equal(w.h.cmd.moved, 4 + 8 + 12 + 20 + 12 + 12);
	assert_memory_equal(w.h.data, ((uint8_t[]){67, 0, 0x10, 8, 0, 0, 16, 0, 0, 0, 2, 0}), 12);
	assert_memory_equal(w.h.data + 24, ((uint8_t[]){0x88, 18, 0x14}), 3);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x5a, 0x10, 0x0a, 0, 0, 0, 0, 0, 252, 0), 252),
			 EMU_GOOD);
	assert_memory_equal(
		w.h.data, ((uint8_t[]){0, 34, 0, 0x10, 1, 0, 0, 16, 0, 0, 0, 0, 0, 0, 16, 0}), 16);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x1a, 8, 0x48, 0, 252, 0), 252), EMU_GOOD);
	assert_memory_equal(w.h.data, ((uint8_t[]){23, 0, 0x10, 0, 0x88, 18, 0x04}), 7);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x1a, 0, 0x03, 0, 252, 0), 252), 0x052400);
	/* D_SENSE: sense data in descriptors from now on; not saved, so until the power goes */
	memcpy(w.h.data, ((uint8_t[]){0, 0, 0, 0, 0x0a, 10, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0}), 16);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x15, 0x10, 0, 0, 16, 0), 16), EMU_GOOD);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0xc1, 0, 0, 0, 0, 0), 0), 0x052000);
	assert_int_equal(w.h.cmd.sense[0], 0x72);
	/* the other host is told */
	assert_int_equal(emu_host_ready(&other), 0x062a01);
	assert_int_equal(emu_host_ready(&other), EMU_GOOD);
	/* what cannot be changed */
	memcpy(w.h.data, ((uint8_t[]){0, 0, 0, 0, 0x0a, 10, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0}), 16);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x15, 0x10, 0, 0, 16, 0), 16), 0x052600);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x15, 0, 0, 0, 16, 0), 16), 0x052400);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x15, 0x10, 0, 0, 16, 0), 12), 0x051a00);
	w.h.data[5] = 9;
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x15, 0x10, 0, 0, 16, 0), 16), 0x052600);
	emu_scsi_power_off(w.d);
	emu_scsi_power_on(w.d);
	assert_int_equal(emu_host_ready(&w.h), 0x062900);
	assert_int_equal(w.h.cmd.sense[0], 0x70);
	emu_scsi_free(&w.d);
}

static uint32_t set_blocks(struct emu_host *h, uint64_t blocks, uint32_t bytes)
{
	memset(h->data, 0, 24);
	h->data[4] = 0x01;
	h->data[7] = 16;
	put_be64(h->data + 8, blocks);
	put_be32(h->data + 20, bytes);
	return emu_host_out(h, EMU_CDB(0x55, 0x11, 0, 0, 0, 0, 0, 0, 24, 0), 24);
}

static uint64_t last_block(struct emu_host *h)
{
	assert_int_equal(
		emu_host_in(h, EMU_CDB(0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0), 32),
		EMU_GOOD);
	return get_be64(h->data);
}

static void test_scsi_capacity_is_reduced_and_restored(void **state)
{
	struct bare_scsi w;
	struct emu_host other = {.bay = {.host = 1}};

	(void)state;
	bare_scsi_make(&w, NULL);
	emu_host_plug(&other, w.d);
	assert_int_equal(set_blocks(&w.h, 1000, 512), EMU_GOOD);
	assert_int_equal(last_block(&w.h), 999);
	assert_int_equal(emu_host_ready(&other), 0x062a09);
	assert_int_equal(emu_host_read(&w.h, 1000, 1, 512), 0x052100);
	emu_scsi_power_off(w.d);
	emu_scsi_power_on(w.d);
	assert_int_equal(emu_host_ready(&w.h), 0x062900);
	assert_int_equal(last_block(&w.h), 999);
	/* zero: as it is; all ones: as many as there are; more than that: no */
	assert_int_equal(set_blocks(&w.h, 0, 512), EMU_GOOD);
	assert_int_equal(last_block(&w.h), 999);
	assert_int_equal(set_blocks(&w.h, SECTORS + 1, 512), 0x052600);
	assert_int_equal(set_blocks(&w.h, UINT64_MAX, 512), EMU_GOOD);
	assert_int_equal(last_block(&w.h), SECTORS - 1);
	/* another length waits for a format */
	assert_int_equal(set_blocks(&w.h, 0, 520), EMU_GOOD);
	assert_int_equal(last_block(&w.h), SECTORS - 1);
	assert_int_equal(get_be32(w.h.data + 8), 512);
	assert_int_equal(set_blocks(&w.h, 0, 500), 0x052600);
	emu_scsi_free(&w.d);
}

static void test_scsi_reports_its_commands(void **state)
{
	struct bare_scsi w;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);

	(void)state;
	bare_scsi_make(&w, &cfg);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0), 1024),
			 EMU_GOOD);
	assert_int_equal(get_be32(w.h.data) + 4, w.h.cmd.moved);
	assert_int_equal(get_be32(w.h.data) % 8, 0);
	/* one without service actions: its mask */
	assert_int_equal(
		emu_host_in(&w.h, EMU_CDB(0xa3, 0x0c, 1, 0x12, 0, 0, 0, 0, 0, 64, 0, 0), 64),
		EMU_GOOD);
	assert_memory_equal(w.h.data, ((uint8_t[]){0, 3, 0, 6, 0x12, 1, 0xff, 0xff, 0xff, 0}), 10);
	/* SANITIZE has some, of which this drive knows one */
	assert_int_equal(
		emu_host_in(&w.h, EMU_CDB(0xa3, 0x0c, 1, 0x48, 0, 0, 0, 0, 0, 64, 0, 0), 64),
		0x052400);
	assert_int_equal(
		emu_host_in(&w.h, EMU_CDB(0xa3, 0x0c, 2, 0x48, 0, 1, 0, 0, 0, 64, 0, 0), 64),
		EMU_GOOD);
	assert_memory_equal(w.h.data, ((uint8_t[]){0, 3, 0, 10, 0x48, 0xe1}), 6);
	assert_int_equal(
		emu_host_in(&w.h, EMU_CDB(0xa3, 0x0c, 2, 0x48, 0, 3, 0, 0, 0, 64, 0, 0), 64),
		EMU_GOOD);
	assert_int_equal(w.h.data[1], 1);
	assert_int_equal(
		emu_host_in(&w.h, EMU_CDB(0xa3, 0x0c, 3, 0xc1, 0, 0, 0, 0, 0, 64, 0, 0), 64),
		EMU_GOOD);
	assert_int_equal(w.h.data[1], 1);
	assert_int_equal(
		emu_host_in(&w.h, EMU_CDB(0xa3, 0x0c, 2, 0x12, 0, 0, 0, 0, 0, 64, 0, 0), 64),
		0x052400);
	emu_scsi_free(&w.d);
	cfg.has_opcodes = false;
	bare_scsi_make(&w, &cfg);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0), 1024),
			 0x052000);
	emu_scsi_free(&w.d);
}

static void test_scsi_logs_diagnostics_and_stop(void **state)
{
	struct bare_scsi w;

	(void)state;
	bare_scsi_make(&w, NULL);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x4d, 0, 0x40, 0, 0, 0, 0, 0, 252, 0), 252),
			 EMU_GOOD);
	assert_memory_equal(w.h.data, ((uint8_t[]){0, 0, 0, 7, 0, 2, 3, 0x0d, 0x11, 0x15, 0x2f}),
			    11);
	for (unsigned i = 5; i < 11; i++) {
		uint8_t page[] = {0, 2, 3, 0x0d, 0x11, 0x15, 0x2f};

		assert_int_equal(
			emu_host_in(&w.h,
				    EMU_CDB(0x4d, 0, 0x40 | page[i - 4], 0, 0, 0, 0, 0, 252, 0),
				    252),
			EMU_GOOD);
		assert_int_equal(w.h.data[0], page[i - 4]);
		assert_int_equal(get_be16(w.h.data + 2) + 4, w.h.cmd.moved);
	}
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x4d, 0, 0x7e, 0, 0, 0, 0, 0, 252, 0), 252),
			 0x052400);
	emu_scsi_faults(w.d)->threshold_exceeded = true;
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x4d, 0, 0x6f, 0, 0, 0, 0, 0, 252, 0), 252),
			 EMU_GOOD);
	assert_int_equal(w.h.data[8], 0x5d);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x1d, 0x04, 0, 0, 0, 0), 0), EMU_GOOD);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x1c, 1, 0, 0, 64, 0), 64), EMU_GOOD);
	assert_int_equal(w.h.cmd.moved, 5);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x1b, 0, 0, 0, 0, 0), 0), EMU_GOOD);
	assert_int_equal(emu_host_ready(&w.h), 0x020402);
	assert_int_equal(emu_host_read(&w.h, 0, 1, 512), 0x020402);
	assert_int_equal(emu_scsi_state(w.d, 0), EMU_SCSI_STOPPED);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x1b, 0, 0, 0, 1, 0), 0), EMU_GOOD);
	assert_int_equal(emu_host_ready(&w.h), EMU_GOOD);
	emu_scsi_free(&w.d);
}

/* Sense data as they are wanted, as an adapter leaves them, and not at all. */
static void test_scsi_sense_fixed_only_and_lost(void **state)
{
	struct bare_scsi w;
	struct emu_scsi_config cfg = emu_scsi_hdd(1ULL << 40);
	int progress;

	(void)state;
	bare_scsi_make(&w, &cfg);
	/* more than it moves at once, by VPD B0h */
	assert_int_equal(emu_host_read(&w.h, 0, 0x8001, 0), 0x052400);
	/* an address beyond 32 bits needs a descriptor */
	assert_int_equal(emu_host_read(&w.h, 1ULL << 40, 1, 512), 0x052100);
	assert_int_equal(w.h.cmd.sense[0], 0x70);
	memcpy(w.h.data, ((uint8_t[]){0, 0, 0, 0, 0x0a, 10, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0}), 16);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x15, 0x11, 0, 0, 16, 0), 16), EMU_GOOD);
	assert_int_equal(emu_host_read(&w.h, 1ULL << 40, 1, 512), 0x052100);
	assert_memory_equal(w.h.cmd.sense,
			    ((uint8_t[]){0x72, 5, 0x21, 0, 0, 0, 0, 12, 0, 10, 0x80, 0, 0, 0, 1}),
			    15);
	emu_scsi_faults(w.d)->fixed_sense = true;
	assert_int_equal(emu_host_read(&w.h, 1ULL << 40, 1, 512), 0x052100);
	assert_int_equal(w.h.cmd.sense[0], 0x70);
	assert_int_equal(emu_host_sense(&w.h, true, &progress), 0);
	assert_int_equal(w.h.data[0], 0x70);
	emu_scsi_faults(w.d)->sense_lost = true;
	assert_int_equal(emu_host_read(&w.h, 1ULL << 40, 1, 512), EMU_NO_SENSE_DATA);
	assert_int_equal(w.h.cmd.sense_len, 0);
	emu_scsi_free(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scsi_says_what_it_is),
		cmocka_unit_test(test_scsi_names_group_its_paths),
		cmocka_unit_test(test_scsi_reads_and_writes),
		cmocka_unit_test(test_scsi_verify_compares),
		cmocka_unit_test(test_scsi_write_same_and_unmap),
		cmocka_unit_test(test_scsi_hard_disk_has_no_unmap),
		cmocka_unit_test(test_scsi_unmapped_blocks_read_as_told),
		cmocka_unit_test(test_scsi_protection_information),
		cmocka_unit_test(test_scsi_mode_pages),
		cmocka_unit_test(test_scsi_capacity_is_reduced_and_restored),
		cmocka_unit_test(test_scsi_reports_its_commands),
		cmocka_unit_test(test_scsi_logs_diagnostics_and_stop),
		cmocka_unit_test(test_scsi_sense_fixed_only_and_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
