/*
 * The emulated NVMe drive behind the transport: what the project's prober and decoders make of it,
 * which restate nothing of each other, and what the choke point lets through.
 */
#include "device/probe.h"

#include "base/cleanup.h"
#include "base/wire.h"
#include "tests/emu/emu_nvme_ask.h"
#include "tests/emu/emu_transport_nvme.h"
#include "tests/fake/identify_data.h"
#include "tests/fake/probe_drives.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES (1024 * 1024U)

struct world {
	struct emu_time time;
	struct emu_nvme_slot slot;
	struct xp_transport *t;
	struct xp_drive_facts f;
	struct xp_identity id;
	struct xp_err err;
};

static void make(struct world *w, const struct emu_nvme_config *cfg)
{
	*w = (struct world){0};
	w->slot.drive = emu_nvme_new(cfg, &w->time);
	assert_non_null(w->slot.drive);
	assert_int_equal(emu_transport_nvme_open(&w->t, &w->slot, &w->err), XP_OK);
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
	emu_nvme_free(&w->slot.drive);
}

static void test_prober_agrees_on_a_drive_of_one_namespace(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(4000000000000ULL / 4096 * 4096);
	struct world w;

	(void)state;
	cfg.ns[0].format = 3;
	cfg.ns[0].protection = 1;
	cfg.rpmbs = 1;
	make(&w, &cfg);
	assert_int_equal(probe(&w), XP_OK);
	assert_string_equal(w.id.model, cfg.model);
	assert_string_equal(w.id.serial, cfg.serial);
	assert_string_equal(w.id.firmware, cfg.firmware);
	assert_int_equal(w.id.bus, XP_BUS_NVME);
	assert_int_equal(w.id.capacity_bytes, cfg.ns[0].bytes);
	assert_int_equal(w.id.logical_block_bytes, 4096);
	assert_int_equal(strlen(w.id.wwn), 36);
	assert_string_equal(w.f.nvme.ctrl.subnqn, "nqn.2026-11.example:emulated:EMUNVME0001");
	assert_true(w.f.nvme.ctrl.sanitize_crypto && w.f.nvme.ctrl.sanitize_block &&
		    w.f.nvme.ctrl.sanitize_overwrite);
	assert_true(w.f.nvme.ctrl.has_format && w.f.nvme.ctrl.has_security &&
		    w.f.nvme.ctrl.has_ns_management && w.f.nvme.ctrl.crypto_erase);
	assert_true(w.f.nvme.ctrl.has_rpmb && w.f.nvme.ctrl.has_volatile_cache);
	assert_int_equal(w.f.nvme.ctrl.no_deallocate_modifies, 1);
	assert_int_equal(w.f.nvme.ns_n, 1);
	assert_int_equal(w.f.nvme.ns[0].ns.protection_type, 1);
	assert_int_equal(w.f.nvme.ns[0].ns.metadata_bytes, 8);
	assert_int_equal(w.f.nvme.ns[0].ns.deallocated_reads, 1);
	assert_int_equal(w.f.nvme.sanitize_log, XP_ASKED_GOOD);
	assert_int_equal(w.f.nvme.sanitize.state, XP_NVME_SANITIZE_NEVER);
	assert_int_equal(w.f.nvme.sanitize.block_s, cfg.block_seconds);
	assert_int_equal(w.f.nvme.health_log, XP_ASKED_GOOD);
	assert_int_equal(w.f.nvme.health.kelvin, 310);
	assert_int_equal(w.f.tcg_asked, XP_ASKED_GOOD);
	assert_true(w.f.tcg.opal_2 && w.f.tcg.media_encryption);
	assert_int_equal(w.f.notes_n, 0);
	done(&w);
}

static void test_prober_agrees_on_the_whole_subsystem(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);
	struct world w;

	(void)state;
	cfg.format_all = cfg.erase_all = true;
	cfg.no_deallocate_inhibited = cfg.has_media_verification = true;
	make(&w, &cfg);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.nvme.active_n, 2);
	assert_int_equal(w.f.nvme.allocated_n, 3);
	assert_int_equal(w.f.nvme.controllers_n, 2);
	assert_true(w.f.nvme.ctrl.has_multiple_controllers);
	assert_true(w.f.nvme.ctrl.unallocated_bytes == BYTES);
	assert_true(w.f.nvme.ctrl.total_bytes == 4 * BYTES);
	assert_true(w.f.nvme.ctrl.format_all && w.f.nvme.ctrl.secure_erase_all);
	assert_true(w.f.nvme.ctrl.no_deallocate_inhibited && w.f.nvme.ctrl.has_media_verification);
	assert_false(w.f.nvme.ns[0].ns.is_shared);
	assert_true(w.f.nvme.ns[1].ns.is_shared);
	/* seen from the other controller */
	w.slot.controller = 1;
	emu_nvme_faults(w.slot.drive)->foreign_controllers = 1;
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.nvme.ctrl.cntlid, 2);
	assert_int_equal(w.f.nvme.active_n, 1);
	assert_int_equal(w.f.nvme.ns[0].nsid, 2);
	assert_int_equal(w.f.nvme.controllers_n, 3);
	done(&w);
}

/* What was recorded of the probe is answered again by the transcript. */
static void test_prober_sees_reservations_and_so_does_a_replay(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);
	AUTO_FD int fd = memfd_create("transcript", MFD_CLOEXEC);
	struct xp_transport *inner = NULL;
	struct world w;
	char *text;
	off_t len;

	(void)state;
	make(&w, &cfg);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.nvme.ns[0].reservation_asked, XP_ASKED_NEVER); /* nobody shares it */
	assert_int_equal(w.f.nvme.ns[1].reservation_asked, XP_ASKED_GOOD);
	assert_int_equal(w.f.nvme.ns[1].reservation.type, 0);
	assert_true(emu_nvme_reserve_elsewhere(w.slot.drive, 2, 3));
	xp_transport_free(&w.t);
	assert_int_equal(emu_transport_nvme_open(&inner, &w.slot, &w.err), XP_OK);
	assert_int_equal(xp_transport_record_open(&w.t, inner, XP_BUS_NVME, false, fd, &w.err),
			 XP_OK);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.nvme.ns[1].reservation.type, 3);
	assert_int_equal(w.f.nvme.ns[1].reservation.registrants, 1);
	xp_transport_free(&w.t);
	len = lseek(fd, 0, SEEK_END);
	text = calloc(1, (size_t)len + 1);
	assert_non_null(text);
	assert_int_equal(pread(fd, text, (size_t)len, 0), len);
	assert_non_null(strstr(text, "{\"opcode\":14,\"nsid\":2,"));
	assert_non_null(strstr(text, ",\"io\":true,"));
	assert_int_equal(xp_transport_replay_open(&w.t, NULL, text, (size_t)len, &w.err), XP_OK);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.nvme.ns[1].reservation.type, 3);
	free(text);
	done(&w);
}

static void test_prober_sees_each_state_of_a_sanitize(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct world w;

	(void)state;
	make(&w, &cfg);
	assert_int_equal(emu_nvme_ask_sanitize(w.slot.drive, 2, 0), 0);
	emu_time_pass(&w.time, 30 * EMU_S);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.nvme.sanitize.state, XP_NVME_SANITIZE_RUNNING);
	assert_in_range(w.f.nvme.sanitize.progress, 0x7f00, 0x8100);
	assert_int_equal(w.f.nvme.sanitize.cdw10, 2);
	/* the drive refuses Security Receive meanwhile: unknown, not absent */
	assert_int_equal(w.f.tcg_asked, XP_ASKED_REFUSED);
	emu_time_pass(&w.time, 31 * EMU_S);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.nvme.sanitize.state, XP_NVME_SANITIZE_SUCCEEDED);
	assert_true(w.f.nvme.sanitize.global_data_erased);
	emu_nvme_faults(w.slot.drive)->sanitize_fails_at = 1;
	assert_int_equal(emu_nvme_ask_sanitize(w.slot.drive, 4, 0), 0);
	emu_time_pass(&w.time, 31 * EMU_S);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.nvme.sanitize.state, XP_NVME_SANITIZE_FAILED);
	emu_nvme_faults(w.slot.drive)->log_refused = true;
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.nvme.sanitize_log, XP_ASKED_REFUSED);
	done(&w);
}

static void test_prober_is_told_the_phase_and_by_it_a_lie(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct world w;
	uint16_t progress;

	(void)state;
	cfg.has_media_verification = true;
	make(&w, &cfg);
	assert_int_equal(emu_nvme_ask_sanitize(w.slot.drive, 0x402, 0), 0);
	emu_time_pass(&w.time, 30 * EMU_S);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.nvme.sanitize.phase, XP_NVME_SANITIZE_PHASE_RESTRICTED);
	assert_true(xp_nvme_sanitize_progress(&progress, &w.f.nvme.sanitize));
	/* success, but for its phase */
	emu_nvme_faults(w.slot.drive)->success_early = true;
	emu_nvme_faults(w.slot.drive)->progress_lost = true;
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.nvme.sanitize.state, XP_NVME_SANITIZE_UNKNOWN);
	emu_nvme_faults(w.slot.drive)->success_early = false;
	emu_time_pass(&w.time, 31 * EMU_S);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.nvme.sanitize.state, XP_NVME_SANITIZE_RUNNING);
	assert_int_equal(w.f.nvme.sanitize.phase, XP_NVME_SANITIZE_PHASE_VERIFICATION);
	assert_false(xp_nvme_sanitize_progress(&progress, &w.f.nvme.sanitize));
	emu_nvme_power_off(w.slot.drive);
	emu_nvme_power_on(w.slot.drive);
	emu_time_pass(&w.time, 2 * EMU_S);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.nvme.sanitize.state, XP_NVME_SANITIZE_SUCCEEDED);
	assert_true(w.f.nvme.sanitize.verification_cancelled);
	emu_nvme_faults(w.slot.drive)->sanitize_fails_at = 1;
	assert_int_equal(emu_nvme_ask_sanitize(w.slot.drive, 2 | 8, 0), 0);
	emu_time_pass(&w.time, EMU_S);
	assert_int_equal(probe(&w), XP_OK);
	assert_int_equal(w.f.nvme.sanitize.phase, XP_NVME_SANITIZE_PHASE_UNRESTRICTED_FAILURE);
	assert_int_equal(w.f.nvme.sanitize.failed_in, XP_NVME_SANITIZE_PHASE_UNRESTRICTED);
	done(&w);
}

static void test_a_drive_that_is_gone_or_another_is_noticed(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct world w;
	struct emu_nvme *first;

	(void)state;
	make(&w, &cfg);
	first = w.slot.drive;
	memcpy(cfg.serial, "ANOTHER", sizeof("ANOTHER"));
	w.slot.drive = emu_nvme_new(&cfg, &w.time);
	assert_non_null(w.slot.drive);
	assert_int_equal(probe(&w), XP_OK);
	assert_string_equal(w.id.serial, "ANOTHER");
	emu_nvme_faults(w.slot.drive)->vanishes_after = 1;
	assert_int_equal(probe(&w), XP_E_IO);
	emu_nvme_free(&w.slot.drive);
	assert_int_equal(probe(&w), XP_E_IO);
	w.slot.drive = first;
	emu_nvme_power_off(first);
	assert_int_equal(probe(&w), XP_E_IO);
	emu_nvme_power_on(first);
	assert_int_equal(probe(&w), XP_OK);
	done(&w);
}

static void test_nothing_wears_zeros(void)
{
	static const uint8_t zeros[4096];
	struct emu_nvme_config cfg = {0};

	assert_false(emu_nvme_wear(&cfg, zeros, BYTES));
}

static void test_worn_images_are_what_the_prober_sees(void **state)
{
	static const char *const images[] = {"samsung-pm981a.nvme-hex", "lexar-nm790-4tb.nvme-hex"};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(images); i++) {
		struct emu_nvme_config cfg;
		struct xp_nvme_ctrl want;
		struct world w;
		static uint8_t image[4096];

		memset(image, 0, sizeof(image));
		identify_data_read(image, 512, images[i]);
		assert_int_equal(xp_nvme_ctrl_parse(&want, image, 4096, NULL), XP_OK);
		assert_true(emu_nvme_wear(&cfg, image, BYTES));
		make(&w, &cfg);
		assert_int_equal(probe(&w), XP_OK);
		assert_string_equal(w.id.model, want.model);
		assert_string_equal(w.id.firmware, want.firmware);
		assert_string_equal(w.id.serial, "EMUWORN0001");
		assert_int_equal(w.f.nvme.ctrl.vendor_id, want.vendor_id);
		assert_int_equal(w.f.nvme.ctrl.sanicap, want.sanicap);
		assert_int_equal(w.f.nvme.ctrl.has_security, want.has_security);
		assert_int_equal(w.f.nvme.ctrl.has_format, want.has_format);
		assert_int_equal(w.f.nvme.ctrl.crypto_erase, want.crypto_erase);
		assert_int_equal(w.f.nvme.ns_n, 1);
		done(&w);
	}
	test_nothing_wears_zeros();
}

static void test_destructive_commands_need_a_permit(void **state)
{
	static const struct xp_nvme_sqe destructive[] = {
		{.opcode = 0x80, .nsid = 1, .cdw10 = 1 << 9},
		{.opcode = 0x84, .cdw10 = 2},
		{.opcode = 0x84, .cdw10 = 1},
		{.opcode = 0x81, .cdw10 = 1U << 24, .cdw11 = 0},
		{.opcode = 0x0d, .nsid = 1, .cdw10 = 1},
		{.opcode = 0x09, .cdw10 = 0x17, .cdw11 = 1},
		{.opcode = 0xc0},
		/* what only reads as an admin command is something else as I/O */
		{.opcode = 0x02, .nsid = 1, .is_io = true},
		{.opcode = 0x01, .nsid = 1, .is_io = true},
		{.opcode = 0x09, .nsid = 1, .cdw11 = 4, .is_io = true},
		{.opcode = 0x0d, .nsid = 2, .is_io = true},
		{.opcode = 0x0e, .nsid = 2, .is_io = true}, /* without room for its data */
	};
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);
	struct world w;

	(void)state;
	make(&w, &cfg);
	emu_nvme_stain(w.slot.drive);
	for (size_t i = 0; i < XP_ARRAY_LEN(destructive); i++) {
		struct xp_cmd cmd = {.kind = XP_TRANSPORT_NVME, .nvme = destructive[i]};
		struct xp_reply reply;

		assert_int_equal(xp_transport_exec(w.t, &cmd, NULL, &reply, &w.err), XP_E_REFUSED);
	}
	assert_int_equal(emu_nvme_stains(w.slot.drive).sectors, 4 * BYTES / 512);
	assert_int_equal(emu_nvme_sanitize_state(w.slot.drive), EMU_NVME_IDLE);
	done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prober_agrees_on_a_drive_of_one_namespace),
		cmocka_unit_test(test_prober_agrees_on_the_whole_subsystem),
		cmocka_unit_test(test_prober_sees_reservations_and_so_does_a_replay),
		cmocka_unit_test(test_prober_sees_each_state_of_a_sanitize),
		cmocka_unit_test(test_prober_is_told_the_phase_and_by_it_a_lie),
		cmocka_unit_test(test_a_drive_that_is_gone_or_another_is_noticed),
		cmocka_unit_test(test_worn_images_are_what_the_prober_sees),
		cmocka_unit_test(test_destructive_commands_need_a_permit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
