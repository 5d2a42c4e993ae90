/*
 * NVMe and TCG answers. Offsets are held against libnvme's own structures, which this project does
 * not decode with: each field is set through them and read back by our decoder.
 */
#include "base/cleanup.h"
#include "base/wire.h"
#include "device/protocol/nvme_cmd.h"
#include "device/protocol/nvme_erase.h"
#include "device/protocol/nvme_identify.h"
#include "device/protocol/nvme_sanitize.h"
#include "device/protocol/tcg_discovery.h"

#include <endian.h>
#include <libnvme.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static union {
	struct nvme_id_ctrl theirs;
	uint8_t bytes[4096];
} c;
static union {
	struct nvme_id_ns theirs;
	uint8_t bytes[4096];
} n;

static void fill_ctrl(void)
{
	memset(&c, 0, sizeof(c));
	c.theirs.vid = htole16(0x144d);
	memcpy(c.theirs.sn, "S4ELNF0M000000      ", 20);
	memcpy(c.theirs.mn, "EXAMPLE NVME DRIVE                      ", 40);
	memcpy(c.theirs.fr, "FW123   ", 8);
	c.theirs.cmic = 0x0b;
	c.theirs.cntlid = htole16(0x1234);
	c.theirs.ver = htole32(0x00010400);
	c.theirs.oacs =
		htole16(NVME_CTRL_OACS_SECURITY | NVME_CTRL_OACS_FORMAT | NVME_CTRL_OACS_NS_MGMT);
	put_le64(c.theirs.tnvmcap, 1000204886016);
	put_le64(c.theirs.unvmcap, 4096);
	c.theirs.rpmbs = htole32(0x00010001);
	c.theirs.sanicap = htole32(NVME_CTRL_SANICAP_CES | NVME_CTRL_SANICAP_OWS |
				   NVME_CTRL_SANICAP_NDI | 2U << 30);
	c.theirs.nn = htole32(32);
	c.theirs.fna = 0x06;
	c.theirs.vwc = 1;
	c.theirs.oncs = htole16(NVME_CTRL_ONCS_RESERVATIONS);
	memcpy(c.theirs.subnqn, "nqn.2014.08.org.example:1", 26);
}

static void test_ctrl_reads_what_libnvme_s_structure_holds(void **state)
{
	struct xp_nvme_ctrl out;

	(void)state;
	fill_ctrl();
	assert_int_equal(xp_nvme_ctrl_parse(&out, c.bytes, 4096, NULL), XP_OK);
	assert_int_equal(out.vendor_id, 0x144d);
	assert_string_equal(out.serial, "S4ELNF0M000000");
	assert_string_equal(out.model, "EXAMPLE NVME DRIVE");
	assert_string_equal(out.firmware, "FW123");
	assert_true(out.has_multiple_ports && out.has_multiple_controllers);
	assert_int_equal(out.cntlid, 0x1234);
	assert_int_equal(out.version, 0x00010400);
	assert_true(out.has_security && out.has_format && out.has_ns_management && out.has_rpmb);
	assert_true(out.total_bytes == 1000204886016 && out.unallocated_bytes == 4096);
	assert_true(out.sanitize_crypto && !out.sanitize_block && out.sanitize_overwrite);
	assert_true(out.no_deallocate_inhibited);
	assert_int_equal(out.no_deallocate_modifies, 2);
	assert_int_equal(out.namespaces_max, 32);
	assert_true(!out.format_all && out.secure_erase_all && out.crypto_erase);
	assert_true(out.has_volatile_cache && out.has_reservations);
	assert_string_equal(out.subnqn, "nqn.2014.08.org.example:1");
}

static void test_ctrl_cut_off_or_empty_is_malformed(void **state)
{
	struct xp_nvme_ctrl out;

	(void)state;
	fill_ctrl();
	for (size_t len = 0; len < 4096; len += 61)
		assert_int_equal(xp_nvme_ctrl_parse(&out, c.bytes, len, NULL), XP_E_MALFORMED);
	memset(c.bytes, 0, 4096);
	assert_int_equal(xp_nvme_ctrl_parse(&out, c.bytes, 4096, NULL), XP_E_MALFORMED);
	memset(c.bytes, 0xff, 4096);
	assert_int_equal(xp_nvme_ctrl_parse(&out, c.bytes, 4096, NULL), XP_E_MALFORMED);
	/* capacities above 64 bits are as much as fits, never less */
	fill_ctrl();
	c.theirs.tnvmcap[8] = 1;
	assert_int_equal(xp_nvme_ctrl_parse(&out, c.bytes, 4096, NULL), XP_OK);
	assert_true(out.total_bytes == UINT64_MAX);
}

static void fill_ns(void)
{
	memset(&n, 0, sizeof(n));
	n.theirs.nsze = htole64(1000);
	n.theirs.ncap = htole64(900);
	n.theirs.nuse = htole64(800);
	n.theirs.nlbaf = 3;
	n.theirs.flbas = 0x12; /* format 2, extended metadata */
	n.theirs.dps = 0x09;
	n.theirs.nmic = 1;
	n.theirs.dlfeat = 0x09;
	n.theirs.nguid[0] = 0xab;
	n.theirs.eui64[7] = 0xcd;
	n.theirs.lbaf[2].ds = 12;
	n.theirs.lbaf[2].ms = htole16(8);
}

static void test_ns_reads_what_libnvme_s_structure_holds(void **state)
{
	struct xp_nvme_ns out;

	(void)state;
	fill_ns();
	assert_int_equal(xp_nvme_ns_parse(&out, n.bytes, 4096, NULL), XP_OK);
	assert_true(out.blocks == 1000 && out.capacity == 900 && out.used == 800);
	assert_int_equal(out.format, 2);
	assert_int_equal(out.logical_bytes, 4096);
	assert_int_equal(out.metadata_bytes, 8);
	assert_true(out.metadata_extended && out.is_shared && out.protection_first);
	assert_int_equal(out.protection_type, 1);
	assert_int_equal(out.deallocated_reads, 1);
	assert_true(out.bytes == 4096000);
	assert_string_equal(out.nguid, "eui.ab000000000000000000000000000000");
	assert_string_equal(out.eui64, "eui.00000000000000cd");
}

static void test_ns_more_than_16_formats_use_the_upper_bits(void **state)
{
	struct xp_nvme_ns out;

	(void)state;
	fill_ns();
	n.theirs.nlbaf = 20;
	n.theirs.flbas = 0x22; /* upper bits 6:5 = 01b: format 18 */
	n.theirs.lbaf[18].ds = 9;
	assert_int_equal(xp_nvme_ns_parse(&out, n.bytes, 4096, NULL), XP_OK);
	assert_int_equal(out.format, 18);
	n.theirs.nlbaf = 10; /* bits 6:5 mean nothing then */
	assert_int_equal(xp_nvme_ns_parse(&out, n.bytes, 4096, NULL), XP_OK);
	assert_int_equal(out.format, 2);
}

static void test_ns_that_lies_is_malformed(void **state)
{
	struct xp_nvme_ns out;

	(void)state;
	fill_ns();
	n.theirs.nsze = 0;
	assert_int_equal(xp_nvme_ns_parse(&out, n.bytes, 4096, NULL), XP_E_MALFORMED);
	fill_ns();
	n.theirs.flbas = 5; /* of four */
	assert_int_equal(xp_nvme_ns_parse(&out, n.bytes, 4096, NULL), XP_E_MALFORMED);
	for (unsigned ds = 0; ds < 256; ds++) {
		fill_ns();
		n.theirs.lbaf[2].ds = (uint8_t)ds;
		assert_int_equal(xp_nvme_ns_parse(&out, n.bytes, 4096, NULL),
				 ds >= 9 && ds <= 16 ? XP_OK : XP_E_MALFORMED);
	}
	fill_ns();
	n.theirs.nsze = htole64(UINT64_MAX / 2);
	assert_int_equal(xp_nvme_ns_parse(&out, n.bytes, 4096, NULL), XP_E_MALFORMED);
	for (size_t len = 0; len < 4096; len += 97)
		assert_int_equal(xp_nvme_ns_parse(&out, n.bytes, len, NULL), XP_E_MALFORMED);
}

static void test_lists_must_ascend(void **state)
{
	static struct xp_nvme_ns_list list;
	static struct xp_nvme_ctrl_list ctrls;
	static uint8_t data[4096];

	(void)state;
	put_le32(data, 1);
	put_le32(data + 4, 3);
	assert_int_equal(xp_nvme_ns_list_parse(&list, data, 4096, NULL), XP_OK);
	assert_int_equal(list.n, 2);
	put_le32(data + 8, 2);
	assert_int_equal(xp_nvme_ns_list_parse(&list, data, 4096, NULL), XP_E_MALFORMED);
	put_le32(data + 8, 0xffffffff);
	assert_int_equal(xp_nvme_ns_list_parse(&list, data, 4096, NULL), XP_E_MALFORMED);
	for (uint32_t i = 0; i < 1024; i++)
		put_le32(data + 4 * (size_t)i, i + 1);
	assert_int_equal(xp_nvme_ns_list_parse(&list, data, 4096, NULL), XP_OK);
	assert_int_equal(list.n, 1024);
	memset(data, 0, sizeof(data));
	put_le16(data, 2);
	put_le16(data + 2, 1);
	put_le16(data + 4, 2);
	assert_int_equal(xp_nvme_ctrl_list_parse(&ctrls, data, 4096, NULL), XP_OK);
	assert_int_equal(ctrls.n, 2);
	put_le16(data, 2048);
	assert_int_equal(xp_nvme_ctrl_list_parse(&ctrls, data, 4096, NULL), XP_E_MALFORMED);
	put_le16(data, 2);
	put_le16(data + 4, 1);
	assert_int_equal(xp_nvme_ctrl_list_parse(&ctrls, data, 4096, NULL), XP_E_MALFORMED);
}

static enum xp_nvme_sanitize_state state_of(uint16_t sprog, uint16_t sstat, uint32_t theirs,
					    uint32_t ours)
{
	union {
		struct nvme_sanitize_log_page page;
		uint8_t bytes[512];
	} log = {0};
	struct xp_nvme_sanitize_log out;

	log.page.sprog = htole16(sprog);
	log.page.sstat = htole16(sstat);
	log.page.scdw10 = htole32(theirs);
	log.page.eto = htole32(10);
	log.page.etbe = htole32(20);
	log.page.etce = htole32(30);
	assert_int_equal(xp_nvme_sanitize_log_parse(&out, log.bytes, 512, NULL), XP_OK);
	assert_int_equal(out.overwrite_s, 10);
	assert_int_equal(out.block_s, 20);
	assert_int_equal(out.crypto_s, 30);
	return xp_nvme_sanitize_state_of(&out, ours);
}

static void test_sanitize_log_success_only_when_ended_and_ours(void **state)
{
	(void)state;
	for (unsigned sstat = 0; sstat < 65536; sstat += (sstat & 7) == 7 ? 121 : 1) {
		unsigned st = sstat & 7;
		enum xp_nvme_sanitize_state got = state_of(0xffff, (uint16_t)sstat, 4, 4);

		assert_int_equal(got == XP_NVME_SANITIZE_SUCCEEDED, st == 1);
		assert_int_equal(got == XP_NVME_SANITIZE_SUCCEEDED_DEALLOCATED, st == 4);
		assert_int_equal(got == XP_NVME_SANITIZE_FAILED, st == 3);
		assert_int_equal(got == XP_NVME_SANITIZE_UNKNOWN, st >= 5);
	}
	/* FFFFh alone is no success: it is there after a failure, too */
	assert_int_equal(state_of(0xffff, 3, 4, 4), XP_NVME_SANITIZE_FAILED);
	assert_int_equal(state_of(0xffff, 2, 4, 4), XP_NVME_SANITIZE_RUNNING);
	/* a success that still runs, and another's */
	assert_int_equal(state_of(0x8000, 1, 4, 4), XP_NVME_SANITIZE_UNKNOWN);
	assert_int_equal(state_of(0xffff, 0x101, 2, 4), XP_NVME_SANITIZE_UNKNOWN);
	assert_int_equal(state_of(0xffff, 0x101, 4, 4), XP_NVME_SANITIZE_SUCCEEDED);
}

static struct xp_nvme_sanitize_log log_with(uint16_t sprog, uint16_t sstat, uint8_t ssi)
{
	uint8_t data[512] = {0};
	struct xp_nvme_sanitize_log out;

	put_le16(data, sprog);
	put_le16(data + 2, sstat);
	data[36] = ssi; /* [NVMe Base 2.1, Sanitize Status log page]: SANS 3:0, FAILS 7:4 */
	assert_int_equal(xp_nvme_sanitize_log_parse(&out, data, 512, NULL), XP_OK);
	return out;
}

static void test_sanitize_log_phase_and_state_must_agree(void **state)
{
	/* by SANS: the SSTAT 2:0 that may stand beside it */
	static const uint8_t may[16] = {0x1f, 0x04, 0x08, 0x04, 0x08, 0x04, 0x04, 0x1f,
					0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f};
	struct xp_nvme_sanitize_log l;
	uint16_t progress;

	(void)state;
	for (uint8_t sans = 0; sans < 16; sans++) {
		for (uint16_t sos = 0; sos < 8; sos++) {
			bool known = sos < 5 && (may[sans] >> sos & 1);

			l = log_with(0xffff, sos, sans);
			assert_int_equal(l.state != XP_NVME_SANITIZE_UNKNOWN, known);
			assert_int_equal(l.phase, sans < 7 ? sans : 0);
			assert_int_equal(xp_nvme_sanitize_phase_name(l.phase) != NULL,
					 sans > 0 && sans < 7);
			assert_false(xp_nvme_sanitize_progress(&progress, &l));
		}
	}
	l = log_with(0x4000, 2, 1);
	assert_true(xp_nvme_sanitize_progress(&progress, &l));
	assert_int_equal(progress, 0x4000);
	/* erased, and read by somebody: it waits, and makes no progress */
	l = log_with(0x4000, 2, 5);
	assert_false(xp_nvme_sanitize_progress(&progress, &l));
	assert_string_equal(xp_nvme_sanitize_phase_name(l.phase), "media verification");
	l = log_with(0xffff, 3, 0x62);
	assert_int_equal(l.failed_in, XP_NVME_SANITIZE_PHASE_DEALLOCATION);
	assert_int_equal(l.phase, XP_NVME_SANITIZE_PHASE_RESTRICTED_FAILURE);
	/* left, and never sanitized */
	l = log_with(0xffff, 3, 0x30);
	assert_int_equal(l.state, XP_NVME_SANITIZE_FAILED);
	assert_true(log_with(0xffff, 0x0301, 0).verification_cancelled);
	assert_false(log_with(0xffff, 0x0101, 0).verification_cancelled);
}

static void test_status_of_the_host_is_no_answer(void **state)
{
	(void)state;
	for (uint32_t status = 0; status < 0x8000; status++) {
		unsigned code = status & 0x7ff;

		assert_int_equal(
			xp_nvme_status_is_of_host((uint16_t)status),
			code == (NVME_SCT_PATH << 8 | NVME_SC_HOST_PATH_ERROR) ||
				code == (NVME_SCT_PATH << 8 | NVME_SC_CMD_ABORTED_BY_HOST));
	}
}

static void test_reservation_report_reads_libnvme_s_structure(void **state)
{
	union {
		struct nvme_resv_status theirs;
		uint8_t bytes[XP_NVME_RESERVATION_LEN];
	} r = {0};
	struct xp_nvme_reservation out;
	struct xp_nvme_dwords d = xp_nvme_reservation_report(3, XP_NVME_RESERVATION_LEN);

	(void)state;
	assert_int_equal(d.opcode, nvme_cmd_resv_report);
	assert_true(d.is_io);
	assert_int_equal(d.nsid, 3);
	assert_int_equal(d.cdw10, XP_NVME_RESERVATION_LEN / 4 - 1);
	assert_int_equal(d.cdw11, 0);
	assert_int_equal(xp_nvme_reservation_parse(&out, r.bytes, sizeof(r.bytes), NULL), XP_OK);
	assert_int_equal(out.type, 0);
	r.theirs.gen = htole32(7);
	r.theirs.rtype = 5;
	r.theirs.regctl[0] = 2;
	assert_int_equal(xp_nvme_reservation_parse(&out, r.bytes, sizeof(r.bytes), NULL), XP_OK);
	assert_int_equal(out.type, 5);
	assert_int_equal(out.registrants, 2);
	r.theirs.rtype = 7;
	assert_int_equal(xp_nvme_reservation_parse(&out, r.bytes, sizeof(r.bytes), NULL),
			 XP_E_MALFORMED);
	r.theirs.rtype = 1;
	r.theirs.regctl[0] = 0;
	assert_int_equal(xp_nvme_reservation_parse(&out, r.bytes, sizeof(r.bytes), NULL),
			 XP_E_MALFORMED);
	for (size_t len = 0; len < 24; len++)
		assert_int_equal(xp_nvme_reservation_parse(&out, r.bytes, len, NULL),
				 XP_E_MALFORMED);
}

static void test_erase_words_are_what_libnvme_would_send(void **state)
{
	struct xp_nvme_sanitize_word w = {.action = XP_NVME_SANACT_OVERWRITE,
					  .unrestricted = true,
					  .passes = 3,
					  .invert = true,
					  .no_deallocate = true};
	struct xp_nvme_format_word f = {.lba_format = 0x25,
					.metadata_extended = true,
					.protection_type = 2,
					.protection_first = true,
					.erase = XP_NVME_SES_CRYPTO};
	struct xp_nvme_dwords d = xp_nvme_sanitize(xp_nvme_sanitize_cdw10(&w), 0xdeadbeef);

	(void)state;
	assert_int_equal(d.opcode, nvme_admin_sanitize_nvm);
	assert_int_equal(d.nsid, 0);
	assert_int_equal(d.cdw10,
			 NVME_SANITIZE_SANACT_START_OVERWRITE | 1 << 3 | 3 << 4 | 1 << 8 | 1 << 9);
	assert_int_equal(d.cdw11, 0xdeadbeef);
	assert_int_equal(d.data_len, 0);
	assert_int_equal(XP_NVME_SANACT_EXIT_FAILURE, NVME_SANITIZE_SANACT_EXIT_FAILURE);
	assert_int_equal(XP_NVME_SANACT_BLOCK, NVME_SANITIZE_SANACT_START_BLOCK_ERASE);
	assert_int_equal(XP_NVME_SANACT_CRYPTO, NVME_SANITIZE_SANACT_START_CRYPTO_ERASE);
	w = (struct xp_nvme_sanitize_word){.action = XP_NVME_SANACT_BLOCK, .verify = true};
	assert_int_equal(xp_nvme_sanitize_cdw10(&w), 0x402);
	assert_true(xp_nvme_sanitize_word_of(0x402).verify);
	assert_false(xp_nvme_sanitize_word_of(0x402).other);
	assert_true(xp_nvme_sanitize_word_of(0x802).other);
	/* of each word that there is */
	for (uint32_t i = 0; i < 0x800; i++) {
		w = xp_nvme_sanitize_word_of(i);
		assert_int_equal(xp_nvme_sanitize_cdw10(&w), i);
	}
	d = xp_nvme_format(7, &f);
	assert_int_equal(d.opcode, nvme_admin_format_nvm);
	assert_int_equal(d.nsid, 7);
	assert_int_equal(d.cdw10, 5 | 1 << 4 | 2 << 5 | 1 << 8 | NVME_FORMAT_SES_CRYPTO_ERASE << 9 |
					  2 << 12);
	assert_int_equal(XP_NVME_SES_USER_DATA, NVME_FORMAT_SES_USER_DATA_ERASE);
	for (uint32_t i = 0; i < 0x4000; i++) {
		f = xp_nvme_format_word_of(i);
		assert_int_equal(xp_nvme_format(1, &f).cdw10, i);
	}
}

static void test_sanitize_log_cut_off_or_empty_is_malformed(void **state)
{
	struct xp_nvme_sanitize_log out;
	uint8_t data[512];

	(void)state;
	memset(data, 0xff, sizeof(data));
	assert_int_equal(xp_nvme_sanitize_log_parse(&out, data, 512, NULL), XP_E_MALFORMED);
	for (size_t len = 0; len < 512; len++)
		assert_int_equal(xp_nvme_sanitize_log_parse(&out, data, len, NULL), XP_E_MALFORMED);
}

static void test_health_log_reads_libnvme_s_structure(void **state)
{
	union {
		struct nvme_smart_log log;
		uint8_t bytes[512];
	} h = {0};
	struct xp_nvme_health out;

	(void)state;
	h.log.critical_warning = 5;
	put_le16(h.log.temperature, 305);
	h.log.avail_spare = 90;
	h.log.spare_thresh = 10;
	h.log.percent_used = 7;
	put_le64(h.log.power_cycles, 11);
	put_le64(h.log.power_on_hours, 22);
	put_le64(h.log.unsafe_shutdowns, 33);
	put_le64(h.log.media_errors, 44);
	assert_int_equal(xp_nvme_health_parse(&out, h.bytes, 512, NULL), XP_OK);
	assert_int_equal(out.critical_warning, 5);
	assert_int_equal(out.kelvin, 305);
	assert_int_equal(out.spare_percent, 90);
	assert_int_equal(out.spare_threshold_percent, 10);
	assert_int_equal(out.used_percent, 7);
	assert_true(out.power_cycles == 11 && out.power_on_hours == 22);
	assert_true(out.unsafe_shutdowns == 33 && out.media_errors == 44);
	assert_int_equal(xp_nvme_health_parse(&out, h.bytes, 511, NULL), XP_E_MALFORMED);
}

static void test_commands_agree_with_libnvme_s_constants(void **state)
{
	struct xp_nvme_dwords d = xp_nvme_get_log(XP_NVME_LOG_SANITIZE, 0xffffffff, 512);

	(void)state;
	assert_int_equal(d.opcode, nvme_admin_get_log_page);
	assert_int_equal(d.cdw10 & 0xff, NVME_LOG_LID_SANITIZE);
	assert_int_equal(d.cdw10 >> 16, 127);
	assert_true(d.cdw10 & 1U << 15); /* RAE */
	d = xp_nvme_get_log(2, 0, 0x80000);
	assert_true(xp_nvme_log_len(d.cdw10, d.cdw11) == 0x80000);
	assert_int_equal(XP_NVME_IDENTIFY, nvme_admin_identify);
	assert_int_equal(XP_NVME_GET_FEATURES, nvme_admin_get_features);
	assert_int_equal(XP_NVME_FORMAT, nvme_admin_format_nvm);
	assert_int_equal(XP_NVME_SANITIZE, nvme_admin_sanitize_nvm);
	assert_int_equal(XP_NVME_SECURITY_SEND, nvme_admin_security_send);
	assert_int_equal(XP_NVME_SECURITY_RECEIVE, nvme_admin_security_recv);
	assert_int_equal(XP_NVME_CNS_CTRL, NVME_IDENTIFY_CNS_CTRL);
	assert_int_equal(XP_NVME_CNS_ACTIVE_NS_LIST, NVME_IDENTIFY_CNS_NS_ACTIVE_LIST);
	assert_int_equal(XP_NVME_CNS_ALLOC_NS_LIST, NVME_IDENTIFY_CNS_ALLOCATED_NS_LIST);
	assert_int_equal(XP_NVME_CNS_NS_CTRL_LIST, NVME_IDENTIFY_CNS_NS_CTRL_LIST);
	assert_int_equal(XP_NVME_CNS_CTRL_LIST, NVME_IDENTIFY_CNS_CTRL_LIST);
	assert_int_equal(XP_NVME_FEATURE_SANITIZE_CONFIG, NVME_FEAT_FID_SANITIZE);
}

/* Level 0 discovery: TPer, locking (enabled, encrypting), Opal 2 at ComID 07FEh, Block SID */
static uint8_t opal[48 + 16 + 16 + 20 + 16] = {
	[3] = 112,    [7] = 1,	    [49] = 0x01, [50] = 0x10, [51] = 12, [52] = 0x11,
	[65] = 0x02,  [66] = 0x10,  [67] = 12,	 [68] = 0x0b, [80] = 2,	 [81] = 0x03,
	[82] = 0x20,  [83] = 16,    [84] = 0x07, [85] = 0xfe, [87] = 1,	 [100] = 0x04,
	[101] = 0x02, [102] = 0x10, [103] = 12,	 [104] = 1,
};

static void test_tcg_opal_is_read(void **state)
{
	struct xp_tcg_discovery d;

	(void)state;
	assert_int_equal(xp_tcg_discovery_parse(&d, opal, sizeof(opal), NULL), XP_OK);
	assert_true(d.has_tper && d.has_locking && d.locking_enabled && !d.locked);
	assert_true(d.media_encryption && d.opal_2 && d.has_block_sid && d.sid_changed);
	assert_int_equal(d.base_comid, 0x07fe);
	assert_string_equal(xp_tcg_ssc_name(&d), "Opal 2");
	assert_true(xp_tcg_can_crypto_erase(&d));
}

static void test_tcg_pyrite_or_no_encryption_cannot_crypto_erase(void **state)
{
	uint8_t data[sizeof(opal)];
	struct xp_tcg_discovery d;

	(void)state;
	memcpy(data, opal, sizeof(data));
	data[80] = 3; /* 0303h */
	assert_int_equal(xp_tcg_discovery_parse(&d, data, sizeof(data), NULL), XP_OK);
	assert_true(d.pyrite_2 && !xp_tcg_can_crypto_erase(&d));
	memcpy(data, opal, sizeof(data));
	data[68] = 0x03;
	assert_int_equal(xp_tcg_discovery_parse(&d, data, sizeof(data), NULL), XP_OK);
	assert_false(xp_tcg_can_crypto_erase(&d));
}

static void test_tcg_lengths_that_lie_are_malformed(void **state)
{
	uint8_t data[sizeof(opal)];
	struct xp_tcg_discovery d;

	(void)state;
	for (size_t len = 0; len < sizeof(opal); len++) {
		AUTO_MEM uint8_t *cut = malloc(len + 1);

		assert_non_null(cut);
		memcpy(cut, opal, len);
		assert_int_equal(xp_tcg_discovery_parse(&d, cut, len, NULL), XP_E_MALFORMED);
	}
	memcpy(data, opal, sizeof(data));
	put_be32(data, 0xfffffffc); /* plus 4 is zero in 32 bits */
	assert_int_equal(xp_tcg_discovery_parse(&d, data, sizeof(data), NULL), XP_E_MALFORMED);
	put_be32(data, 43);
	assert_int_equal(xp_tcg_discovery_parse(&d, data, sizeof(data), NULL), XP_E_MALFORMED);
	memcpy(data, opal, sizeof(data));
	data[103] = 13;
	assert_int_equal(xp_tcg_discovery_parse(&d, data, sizeof(data), NULL), XP_E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ctrl_reads_what_libnvme_s_structure_holds),
		cmocka_unit_test(test_ctrl_cut_off_or_empty_is_malformed),
		cmocka_unit_test(test_ns_reads_what_libnvme_s_structure_holds),
		cmocka_unit_test(test_ns_more_than_16_formats_use_the_upper_bits),
		cmocka_unit_test(test_ns_that_lies_is_malformed),
		cmocka_unit_test(test_lists_must_ascend),
		cmocka_unit_test(test_sanitize_log_success_only_when_ended_and_ours),
		cmocka_unit_test(test_sanitize_log_phase_and_state_must_agree),
		cmocka_unit_test(test_status_of_the_host_is_no_answer),
		cmocka_unit_test(test_reservation_report_reads_libnvme_s_structure),
		cmocka_unit_test(test_erase_words_are_what_libnvme_would_send),
		cmocka_unit_test(test_sanitize_log_cut_off_or_empty_is_malformed),
		cmocka_unit_test(test_health_log_reads_libnvme_s_structure),
		cmocka_unit_test(test_commands_agree_with_libnvme_s_constants),
		cmocka_unit_test(test_tcg_opal_is_read),
		cmocka_unit_test(test_tcg_pyrite_or_no_encryption_cannot_crypto_erase),
		cmocka_unit_test(test_tcg_lengths_that_lie_are_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
