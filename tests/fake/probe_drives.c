#include "tests/fake/probe_drives.h"

#include "base/cleanup.h"
#include "base/wire.h"
#include "tests/fake/identify_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Sense 01/00/1D with the ATA Status Return descriptor. */
#define REGISTERS(er, co, lb, st)                                                                  \
	.status = 2, .sense_len = 22,                                                              \
	.sense = {0x72,                                                                            \
		  1,                                                                               \
		  0,                                                                               \
		  0x1d,                                                                            \
		  0,                                                                               \
		  0,                                                                               \
		  0,                                                                               \
		  14,                                                                              \
		  0x09,                                                                            \
		  0x0c,                                                                            \
		  1,                                                                               \
		  (er),                                                                            \
		  (uint8_t)((co) >> 8),                                                            \
		  (uint8_t)(co),                                                                   \
		  (uint8_t)((lb) >> 24),                                                           \
		  (uint8_t)(lb),                                                                   \
		  (uint8_t)((uint64_t)(lb) >> 32),                                                 \
		  (uint8_t)((lb) >> 8),                                                            \
		  (uint8_t)((uint64_t)(lb) >> 40),                                                 \
		  (uint8_t)((lb) >> 16),                                                           \
		  0x40,                                                                            \
		  (st)}
/* The 16-byte pass-through: its first bytes up to COMMAND */
#define NON_DATA(ext, feature, command)                                                            \
	.cdb = {0x85, 0x06 | (ext), 0x20, 0, (feature), 0, 0, 0, 0, 0, 0, 0, 0, 0x40, (command)},  \
	.cdb_len = 15
#define LOG_PAGE(log, page)                                                                        \
	.cdb = {0x85, 0x09, 0x0e, 0, 0, 0, 1, 0, (log), 0, (page), 0, 0, 0x40, 0x2f}, .cdb_len = 15
#define VPD(page) .cdb = {0x12, 1, (page)}, .cdb_len = 3

uint8_t fake_probe_inquiry[96] = {0, 0, 6, 2, 91, 0, 0, 2};
static const uint8_t vpd_pages[] = {0, 0, 0, 5, 0, 0x80, 0x83, 0xb0, 0xb1};
static const uint8_t vpd_serial[] = {0, 0x80, 0, 4, 'S', 'E', 'R', '1'};
static const uint8_t vpd_names[] = {0,	  0x83, 0,    12,   1,	  3,	0,    8,
				    0x50, 0,	0xc5, 0x00, 0x11, 0x22, 0x33, 0x44};
static uint8_t vpd_limits[64] = {0, 0xb0, 0, 60};
static uint8_t vpd_media[64] = {0, 0xb1, 0, 60, 0x1c, 0x20, 0, 0x62};
uint8_t fake_probe_capacity[32];
static const uint8_t no_sense[18] = {0x70, 0, 0, 0, 0, 0, 0, 10};
uint8_t fake_probe_identify[512];
static uint8_t security_page[512] = {1, 0, 6, 0, 0, 0, 0, 0x80};
static uint8_t statistics_page[512] = {1, 0, 1, 0, 0, 0, 0, 0x80};
uint8_t fake_probe_dco[512];
/* level 0 discovery: locking with media encryption, Opal 2 */
static const uint8_t tcg[48 + 16 + 20] = {
	[3] = 80,    [5] = 1,	  [49] = 0x02, [50] = 0x10, [51] = 12, [52] = 0x09, [64] = 0x02,
	[65] = 0x03, [66] = 0x20, [67] = 16,   [68] = 0x10, [70] = 0,  [71] = 1,
};

struct fake_answer fake_probe_sata[FAKE_PROBE_SATA_N] = {
	[FAKE_SANITIZE] = {NON_DATA(1, 0, 0xb4), REGISTERS(0, 0, 0xffffULL, 0x50)},
	[FAKE_POWER] = {NON_DATA(0, 0, 0xe5), REGISTERS(0, 0xff, 0ULL, 0x50)},
	[FAKE_NATIVE] = {NON_DATA(1, 0, 0x27), REGISTERS(0, 0, 7814037167ULL, 0x50)},
	[FAKE_AMAC] = {NON_DATA(1, 0, 0x78), REGISTERS(0, 0, 15628053167ULL, 0x50)},
	[FAKE_DCO] = {.cdb = {0x85, 0x08, 0x2e, 0, 0xc2, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xb1},
		      .cdb_len = 15,
		      .in = fake_probe_dco,
		      .in_len = 512,
		      REGISTERS(0, 1, 0ULL, 0x50)},
	[FAKE_SMART] = {.cdb = {0x85, 0x06, 0x20, 0, 0xda},
			.cdb_len = 5,
			REGISTERS(0, 0, 0xc24f00ULL, 0x50)},
	{.cdb = {0x85, 0x08, 0x0e, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xec},
	 .cdb_len = 15,
	 .in = fake_probe_identify,
	 .in_len = 512},
	{LOG_PAGE(0x30, 6), .in = security_page, .in_len = 512},
	{LOG_PAGE(0x04, 1), .in = statistics_page, .in_len = 512},
	{VPD(0), .in = vpd_pages, .in_len = sizeof(vpd_pages)},
	{VPD(0x80), .in = vpd_serial, .in_len = sizeof(vpd_serial)},
	{VPD(0x83), .in = vpd_names, .in_len = sizeof(vpd_names)},
	{VPD(0xb0), .in = vpd_limits, .in_len = sizeof(vpd_limits)},
	{VPD(0xb1), .in = vpd_media, .in_len = sizeof(vpd_media)},
	{.cdb = {0x12, 0},
	 .cdb_len = 2,
	 .in = fake_probe_inquiry,
	 .in_len = sizeof(fake_probe_inquiry)},
	{.cdb = {0x9e, 0x10},
	 .cdb_len = 2,
	 .in = fake_probe_capacity,
	 .in_len = sizeof(fake_probe_capacity)},
	{.cdb = {0x03}, .cdb_len = 1, .in = no_sense, .in_len = sizeof(no_sense)},
	{.cdb = {0xa2, 1, 0, 1}, .cdb_len = 4, .in = tcg, .in_len = sizeof(tcg)},
};

void fake_probe_ask(struct fake_probe *w, enum xp_transport_kind kind,
		    const struct fake_answer *answers, size_t n, enum xp_rc want)
{
	AUTO(xp_transport_free) struct xp_transport *t = NULL;

	w->drive = (struct fake_drive){.answers = answers, .n = n};
	assert_int_equal(fake_drive_open(&t, kind, &w->drive, &w->err), XP_OK);
	assert_int_equal(xp_probe_drive(&w->facts, t, &w->id, &w->err), want);
}

void fake_probe_free(struct fake_probe *w)
{
	xp_drive_facts_free(&w->facts);
	xp_identity_free(&w->id);
}

/* An answer of register values instead of the one in the list. */
void fake_probe_registers(struct fake_answer *a, uint8_t error, uint16_t count, uint64_t lba,
			  uint8_t status)
{
	struct fake_answer r = {REGISTERS(error, count, lba, status)};

	memcpy(a->sense, r.sense, sizeof(a->sense));
	a->sense_len = r.sense_len;
	a->status = 2;
}

void fake_probe_set_dco(uint64_t last)
{
	uint8_t sum = 0;

	memset(fake_probe_dco, 0, sizeof(fake_probe_dco));
	fake_probe_dco[0] = 2;
	put_le64(fake_probe_dco + 6, last);
	fake_probe_dco[510] = 0xa5;
	for (size_t i = 0; i < 511; i++)
		sum = (uint8_t)(sum + fake_probe_dco[i]);
	fake_probe_dco[511] = (uint8_t)(0x100 - sum);
}

int fake_probe_setup(void **state)
{
	(void)state;
	memcpy(fake_probe_inquiry + 8, "ATA     EXAMPLE         CN01", 28);
	put_be64(fake_probe_capacity, 7814037167);
	put_be32(fake_probe_capacity + 8, 512);
	put_le64(security_page + 48, 1ULL << 63 | 1 << 7);
	put_le64(statistics_page + 16, 3ULL << 62 | 4711);
	fake_probe_registers(&fake_probe_sata[FAKE_SANITIZE], 0, 0, 0xffff, 0x50);
	fake_probe_registers(&fake_probe_sata[FAKE_POWER], 0, 0xff, 0, 0x50);
	fake_probe_registers(&fake_probe_sata[FAKE_NATIVE], 0, 0, 7814037167, 0x50);
	fake_probe_registers(&fake_probe_sata[FAKE_AMAC], 0, 0, 15628053167, 0x50);
	fake_probe_registers(&fake_probe_sata[FAKE_SMART], 0, 0, 0xc24f00, 0x50);
	fake_probe_registers(&fake_probe_sata[FAKE_DCO], 0, 1, 0, 0x50);
	fake_probe_sata[FAKE_DCO].rc = XP_OK;
	fake_probe_set_dco(7814037167);
	identify_data_read(fake_probe_identify, 512, "samsung-870-qvo-4tb.hex");
	return 0;
}

uint8_t fake_probe_ctrl[4096], fake_probe_ns_list[4096], fake_probe_ns[4096];
static uint8_t sanitize_log[512], health_log[512];
const struct fake_answer fake_probe_nvme[FAKE_PROBE_NVME_N] = {
	{.cdb = {0x06}, .cdw10 = 1, .in = fake_probe_ctrl, .in_len = 4096},
	{.cdb = {0x06}, .cdw10 = 2, .in = fake_probe_ns_list, .in_len = 4096},
	{.cdb = {0x06}, .cdw10 = 0, .nsid = 1, .in = fake_probe_ns, .in_len = 4096},
	{.cdb = {0x06}, .cdw10 = 0, .nsid = 7, .in = fake_probe_ns, .in_len = 4096},
	{.cdb = {0x02}, .cdw10 = 0x007f8081, .nsid = 0xffffffff, .in = sanitize_log, .in_len = 512},
	{.cdb = {0x02}, .cdw10 = 0x007f8002, .nsid = 0xffffffff, .in = health_log, .in_len = 512},
};

void fake_probe_fill_nvme(const char *name)
{
	identify_data_read(fake_probe_ctrl, 512, name);
	memset(fake_probe_ctrl + 512, 0, sizeof(fake_probe_ctrl) - 512);
	memset(fake_probe_ns_list, 0, sizeof(fake_probe_ns_list));
	put_le32(fake_probe_ns_list, 1);
	put_le64(fake_probe_ns, 8001573552);
	put_le64(fake_probe_ns + 8, 8001573552);
	fake_probe_ns[128 + 2] = 9;
	put_le16(sanitize_log, 0xffff);
	put_le16(sanitize_log + 2, 0x0101);
	put_le32(sanitize_log + 4, 2);
	health_log[1] = 0x32;
	health_log[2] = 1;
	health_log[3] = 100;
	put_le64(health_log + 128, 2331);
}

enum xp_rc fake_probe_again(struct xp_drive_facts *f, struct xp_identity *id,
			    struct xp_transport *t, struct xp_err *err)
{
	xp_drive_facts_free(f);
	xp_identity_free(id);
	*id = (struct xp_identity){0};
	return xp_probe_drive(f, t, id, err);
}
