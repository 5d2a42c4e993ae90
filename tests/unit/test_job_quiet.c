/* Drives that come late, controllers that look, and a host that never comes to rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "cli/job_quiet.h"
#include "tests/fake/tree.h"

/* Each look lets a second pass, and may change the host. */
struct world {
	struct xp_tree tree;
	uint64_t now_s;
	unsigned looks;
	uint32_t last_quiet_s;
	size_t last_drives;
	char busy[96];
	uint64_t change_at[4]; /* seconds at which a line of CHANGES happens */
	const char *changes[4];
	uint64_t stop_at; /* 0: never */
	bool restless;
};

static uint64_t monotonic(void *ctx)
{
	return ((struct world *)ctx)->now_s * 1000000000u;
}

static bool look(void *ctx, size_t drives, uint32_t quiet_s, const char *busy)
{
	struct world *w = ctx;

	w->looks++;
	w->last_drives = drives;
	w->last_quiet_s = quiet_s;
	snprintf(w->busy, sizeof(w->busy), "%s", busy);
	w->now_s++;
	for (size_t i = 0; i < XP_ARRAY_LEN(w->changes); i++)
		if (w->changes[i] && w->change_at[i] == w->now_s)
			xp_tree_add(&w->tree, w->changes[i]);
	if (w->restless) {
		char line[96];

		snprintf(line, sizeof(line), "file sys/class/scsi_device/%llu:0:0:0/x y",
			 (unsigned long long)w->now_s);
		xp_tree_add(&w->tree, line);
	}
	return w->stop_at && w->now_s >= w->stop_at;
}

static enum xp_quiet_end run(struct world *w, uint32_t settle_s, uint32_t max_s)
{
	const struct xp_clock clock = {.monotonic_ns = monotonic, .ctx = w};
	const struct xp_quiet_request req = {.root = &w->tree.root,
					     .clock = &clock,
					     .settle_s = settle_s,
					     .max_s = max_s,
					     .ctx = w,
					     .look = look};
	enum xp_quiet_end end = XP_QUIET_STOPPED;
	struct xp_err err;

	assert_int_equal(xp_quiet_wait(&end, &req, &err), XP_OK);
	return end;
}

#define DISK(name) "file sys/block/" name "/device/model X\nfile sys/block/" name "/size 8\n"

static void begin(struct world *w)
{
	xp_tree_new(&w->tree);
	xp_tree_add(&w->tree, DISK("sda") "file sys/block/loop0/size 8\n");
}

static void test_quiet_host_settles_after_its_time(void **state)
{
	struct world w = {0};

	(void)state;
	begin(&w);
	assert_int_equal(run(&w, 30, 600), XP_QUIET_SETTLED);
	assert_int_equal(w.now_s, 30);
	assert_int_equal(w.last_drives, 1); /* a loop device is nothing that comes late */
	xp_tree_remove(&w.tree);
}

static void test_quiet_late_drive_starts_the_wait_anew(void **state)
{
	struct world w = {.change_at = {20, 45},
			  .changes = {DISK("sdb"), "file sys/block/sdb/diskseq 7\n"}};

	(void)state;
	begin(&w);
	assert_int_equal(run(&w, 30, 600), XP_QUIET_SETTLED);
	/* it came at 20, and was another one in the same place at 45 */
	assert_int_equal(w.now_s, 75);
	assert_int_equal(w.last_drives, 2);
	xp_tree_remove(&w.tree);
}

static void test_quiet_drive_without_node_counts(void **state)
{
	struct world w = {.change_at = {10},
			  .changes = {"file sys/class/scsi_device/4:0:0:0/device/type 0\n"}};

	(void)state;
	begin(&w);
	assert_int_equal(run(&w, 30, 600), XP_QUIET_SETTLED);
	assert_int_equal(w.now_s, 40);
	xp_tree_remove(&w.tree);
}

static void test_quiet_controller_that_looks_holds_it_up(void **state)
{
	struct world w = {.change_at = {50}, .changes = {"file sys/class/nvme/nvme0/state live\n"}};

	(void)state;
	begin(&w);
	xp_tree_add(&w.tree, "file sys/class/nvme/nvme0/state connecting\n");
	assert_int_equal(run(&w, 30, 600), XP_QUIET_SETTLED);
	assert_true(w.now_s >= 79 && w.now_s <= 80);
	xp_tree_remove(&w.tree);
}

static void test_quiet_busy_controller_is_given_up_and_named(void **state)
{
	struct world w = {0};

	(void)state;
	begin(&w);
	xp_tree_add(&w.tree, "file sys/class/scsi_host/host3/state recovery\n");
	assert_int_equal(run(&w, 30, 100), XP_QUIET_GAVE_UP);
	assert_int_equal(w.now_s, 100);
	assert_string_equal(w.busy, "host3: recovery");
	xp_tree_remove(&w.tree);
}

static void test_quiet_restless_host_is_given_up(void **state)
{
	struct world w = {.restless = true};

	(void)state;
	begin(&w);
	assert_int_equal(run(&w, 5, 40), XP_QUIET_GAVE_UP);
	assert_int_equal(w.now_s, 40);
	xp_tree_remove(&w.tree);
}

static void test_quiet_is_stopped_at_once(void **state)
{
	struct world w = {.stop_at = 3};

	(void)state;
	begin(&w);
	assert_int_equal(run(&w, 30, 600), XP_QUIET_STOPPED);
	assert_int_equal(w.looks, 3);
	xp_tree_remove(&w.tree);
}

static void test_quiet_no_time_asked_is_no_wait(void **state)
{
	struct world w = {0};

	(void)state;
	begin(&w);
	assert_int_equal(run(&w, 0, 0), XP_QUIET_SETTLED);
	assert_int_equal(w.looks, 0);
	xp_tree_remove(&w.tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quiet_host_settles_after_its_time),
		cmocka_unit_test(test_quiet_late_drive_starts_the_wait_anew),
		cmocka_unit_test(test_quiet_drive_without_node_counts),
		cmocka_unit_test(test_quiet_controller_that_looks_holds_it_up),
		cmocka_unit_test(test_quiet_busy_controller_is_given_up_and_named),
		cmocka_unit_test(test_quiet_restless_host_is_given_up),
		cmocka_unit_test(test_quiet_is_stopped_at_once),
		cmocka_unit_test(test_quiet_no_time_asked_is_no_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
