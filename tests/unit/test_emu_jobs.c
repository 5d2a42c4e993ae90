/*
 * Whole erase jobs on emulated drives, through the choke point with a permit that the interlock
 * gave (for an image file that this test made; the drives have no node of their own).
 */
#include "base/cleanup.h"
#include "base/wire.h"
#include "device/interlock.h"
#include "device/protocol/ata_sanitize.h"
#include "tests/emu/emu_ask.h"
#include "tests/emu/emu_transport.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECTORS 2048
#define JOBS	100

struct world {
	char image[128];
	struct xp_sysroot root;
	struct xp_target target;
	struct xp_permit *permit;
	struct emu_time time;
	struct emu_ata *d;
	struct emu_satl unit;
	struct xp_transport *t;
	struct xp_err err;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	const char *tmp = getenv("TMPDIR");
	const char *confirms[2] = {NULL, NULL};
	const char *outputs[] = {NULL};
	struct xp_interlock_request req = {.confirms = confirms, .outputs = outputs};
	struct xp_refusals refusals = {0};
	int fd;

	if (!w)
		return -1;
	*state = w;
	snprintf(w->image, sizeof(w->image), "%s/expunge-emu-XXXXXX", tmp ? tmp : "/var/tmp");
	fd = mkstemp(w->image);
	if (fd < 0 || ftruncate(fd, 1 << 20) != 0 || close(fd) != 0)
		return -1;
	if (xp_sysroot_open(&w->root, "/", &w->err) != XP_OK ||
	    xp_target_resolve(&w->target, &w->root, w->image, &w->err) != XP_OK)
		return -1;
	confirms[0] = w->target.confirm;
	req.root = &w->root;
	req.target = &w->target;
	/* an ordinary user may not see who else uses a file: then there is no permit */
	if (geteuid() == 0 && xp_interlock_acquire(&w->permit, &refusals, &req, &w->err) != XP_OK) {
		print_error("no permit: %s\n", w->err.msg);
		return -1;
	}
	xp_refusals_free(&refusals);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (w->permit)
		xp_permit_release(&w->permit);
	xp_target_free(&w->target);
	xp_sysroot_close(&w->root);
	unlink(w->image);
	free(w);
	return 0;
}

static void make(struct world *w, const struct emu_ata_config *cfg)
{
	if (!w->permit)
		skip();
	w->d = emu_ata_new(cfg, &w->time);
	assert_non_null(w->d);
	w->unit = (struct emu_satl){.drive = w->d};
	assert_int_equal(emu_transport_open(&w->t, &w->unit, &w->err), XP_OK);
	emu_media_stain(emu_ata_media(w->d), 0, SECTORS);
	emu_media_stain_spare(emu_ata_media(w->d));
}

static void done(struct world *w)
{
	xp_transport_free(&w->t);
	emu_ata_free(&w->d);
}

/* The registers that came back. */
static struct xp_ata_registers send(struct world *w, const struct xp_ata_taskfile *tf, void *data,
				    uint32_t timeout_ms)
{
	struct xp_cmd cmd = {
		.cdb_len = XP_SAT_CDB16_LEN,
		.dir = tf->blocks ? XP_DATA_OUT : XP_DATA_NONE,
		.data = tf->blocks ? data : NULL,
		.data_len = tf->blocks * 512U,
		.timeout_ms = timeout_ms,
	};
	struct xp_ata_registers r;
	struct xp_reply reply;

	xp_sat_cdb_build(cmd.cdb, tf);
	if (xp_transport_exec(w->t, &cmd, w->permit, &reply, &w->err) != XP_OK)
		return (struct xp_ata_registers){0};
	xp_sat_registers_parse(&r, reply.sense, reply.sense_len);
	return r;
}

static struct xp_ata_taskfile non_data(uint8_t command, bool is_48bit, uint16_t feature,
				       uint64_t lba)
{
	return (struct xp_ata_taskfile){.protocol = XP_ATA_NON_DATA,
					.command = command,
					.is_48bit = is_48bit,
					.feature = feature,
					.lba = lba,
					.device = 0x40,
					.wants_registers = true};
}

static struct xp_ata_taskfile password(uint8_t command)
{
	return (struct xp_ata_taskfile){.protocol = XP_ATA_PIO_OUT,
					.command = command,
					.count = 1,
					.device = 0x40,
					.wants_registers = true,
					.blocks = 1};
}

static bool erase_unit(struct world *w, bool enhanced, uint32_t timeout_ms)
{
	struct xp_ata_taskfile set = password(0xf1);
	struct xp_ata_taskfile prepare = non_data(0xf3, false, 0, 0);
	struct xp_ata_taskfile erase = password(0xf4);
	uint8_t data[512] = {0, 0, 'e', 'x', 'p', 'u', 'n', 'g', 'e'};
	struct xp_ata_registers r = send(w, &set, data, 0);

	assert_true(xp_sat_registers_are_good(&r));
	r = send(w, &prepare, NULL, 0);
	assert_true(xp_sat_registers_are_good(&r));
	data[0] = enhanced ? 2 : 0;
	r = send(w, &erase, data, timeout_ms);
	return xp_sat_registers_are_good(&r);
}

static void test_jobs_security_erase_runs_to_its_end(void **state)
{
	struct world *w = *state;
	struct emu_stains s;

	for (unsigned i = 0; i < JOBS; i++) {
		struct emu_ata_config cfg = i % 2 ? emu_ata_ssd(SECTORS) : emu_ata_hdd(SECTORS);
		bool enhanced = i % 4 > 1;

		make(w, &cfg);
		assert_true(erase_unit(w, enhanced, 7200 * 1000));
		assert_int_equal(emu_ata_security_state(w->d), EMU_SEC1);
		s = emu_media_stains(emu_ata_media(w->d), 0, SECTORS);
		assert_int_equal(s.sectors, 0);
		assert_int_equal(s.spare == 0, enhanced);
		done(w);
	}
}

static void test_jobs_security_erase_past_its_time_stays_locked(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);

	make(w, &cfg);
	assert_false(erase_unit(w, false, 60 * 1000));
	assert_int_equal(w->err.rc, XP_E_TIMEOUT);
	assert_int_equal(emu_ata_security_state(w->d), EMU_SEC4);
	assert_true(emu_media_stains(emu_ata_media(w->d), 0, SECTORS).sectors > SECTORS / 2);
	done(w);
}

/* Starts, and looks once a minute; the last state. */
static enum xp_ata_sanitize_state sanitize(struct world *w, uint16_t feature, uint64_t key)
{
	struct xp_ata_taskfile start = non_data(0xb4, true, feature, key);
	struct xp_ata_taskfile status = xp_ata_sanitize_status();
	struct xp_ata_sanitize_status s;
	struct xp_ata_registers r;

	start.count = feature == 0x14 ? 1 : 0;
	r = send(w, &start, NULL, 0);
	if (!xp_sat_registers_are_good(&r))
		return XP_ATA_SANITIZE_REFUSED;
	for (unsigned i = 0; i < 1000; i++) {
		r = send(w, &status, NULL, 0);
		xp_ata_sanitize_status_decide(&s, &r);
		if (s.state != XP_ATA_SANITIZE_RUNNING)
			return s.state;
		emu_time_pass(&w->time, 60 * EMU_S);
	}
	return XP_ATA_SANITIZE_RUNNING;
}

static void test_jobs_sanitize_runs_to_its_end(void **state)
{
	static const struct {
		uint16_t feature;
		uint64_t key;
	} ops[] = {{0x11, 0x43727970}, {0x12, 0x426b4572}, {0x14, 0x4f5700000000ULL}};
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	struct emu_stains s;

	for (unsigned i = 0; i < JOBS; i++) {
		make(w, &cfg);
		assert_int_equal(sanitize(w, ops[i % 3].feature, ops[i % 3].key),
				 XP_ATA_SANITIZE_SUCCEEDED);
		s = emu_media_stains(emu_ata_media(w->d), 0, SECTORS);
		assert_int_equal(s.sectors + s.spare, 0);
		done(w);
	}
}

static void test_jobs_sanitize_that_goes_wrong_is_no_success(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	make(w, &cfg);
	emu_ata_faults(w->d)->sanitize_fails_at = 0x8000;
	assert_int_equal(sanitize(w, 0x12, 0x426b4572), XP_ATA_SANITIZE_FAILED);
	done(w);
	make(w, &cfg);
	emu_ata_faults(w->d)->sanitize_stalls_at = 0x8000;
	assert_int_equal(sanitize(w, 0x12, 0x426b4572), XP_ATA_SANITIZE_RUNNING);
	done(w);
	make(w, &cfg);
	emu_ask_sanitize(w->d, 0x20, 0, 0);
	assert_int_equal(sanitize(w, 0x12, 0x426b4572), XP_ATA_SANITIZE_REFUSED);
	done(w);
	make(w, &cfg);
	w->unit.fixed_sense = true;
	assert_int_equal(sanitize(w, 0x12, 0x426b4572), XP_ATA_SANITIZE_UNKNOWN);
	done(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_jobs_security_erase_runs_to_its_end, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_jobs_security_erase_past_its_time_stays_locked,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_jobs_sanitize_runs_to_its_end, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_jobs_sanitize_that_goes_wrong_is_no_success,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
