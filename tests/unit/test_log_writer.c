#include "certs/log_writer.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "certs/log_proof.h"
#include "certs/log_tiles.h"
#include "tests/fake/log_fixture.h"

static void test_log_first_open_makes_key_and_empty_checkpoint(void **state)
{
	struct log_place p = log_place_new();
	AUTO(xp_log_free) struct xp_log *log = log_place_open(&p);
	AUTO_MEM char *text = NULL;
	struct stat st;
	size_t len = 0;

	(void)state;
	assert_string_equal(xp_log_origin(log), "example.com/usb-1");
	assert_int_equal(log_place_size(log), 0);
	assert_int_equal(fstatat(p.fd, "log.key", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(xp_log_checkpoint_text(log, &text, &len, NULL), XP_OK);
	assert_memory_equal(text, "example.com/usb-1\n0\n47DEQpj8HBSa", 32);
	log_fixture_audit(p.fd, NULL, NULL);
	log_fixture_remove(p.path, p.fd);
}

static void test_log_origin_from_hint(void **state)
{
	static const char *const bad[] = {"Example.com", "a b", "example.com/", "localhost",
					  "x+y.de"};
	unsigned seed = 0;
	struct xp_rng rng = log_fixture_rng(&seed);
	struct log_place p = log_place_new();
	struct xp_log *log = NULL;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++)
		assert_int_equal(xp_log_open_with(&log, p.fd, bad[i], &rng, log_place_ops(), NULL),
				 XP_E_USAGE);
	assert_int_equal(log_place_file_size(&p, "log.key"), -1);
	assert_int_equal(xp_log_open_with(&log, p.fd, "example.com", &rng, log_place_ops(), NULL),
			 XP_OK);
	assert_memory_equal(xp_log_origin(log), "example.com/usb-", 16);
	assert_int_equal(strlen(xp_log_origin(log)), 32);
	xp_log_free(&log);
	log_fixture_remove(p.path, p.fd);
	p = log_place_new();
	assert_int_equal(xp_log_open_with(&log, p.fd, NULL, &rng, log_place_ops(), NULL), XP_OK);
	assert_memory_equal(xp_log_origin(log), "expunge.local/usb-", 18);
	xp_log_free(&log);
	log_fixture_remove(p.path, p.fd);
}

/* [tlog-tiles: 1234067; a tree of 70,000] */
static void test_tile_paths_and_widths(void **state)
{
	char path[XP_TILE_PATH_MAX];

	(void)state;
	xp_tile_path(path, 0, 1234067, 256);
	assert_string_equal(path, "tile/0/x001/x234/067");
	xp_tile_path(path, 7, 0, 255);
	assert_string_equal(path, "tile/7/000.p/255");
	xp_tile_path(path, XP_TILE_ENTRIES, 1000, 1);
	assert_string_equal(path, "tile/entries/x001/000.p/1");
	xp_tile_path(path, 0, XP_MERKLE_SIZE_MAX / 256, 256);
	assert_string_equal(path, "tile/0/x018/x014/x398/x509/x481/984");
	assert_int_equal(xp_tile_width(0, 272, 70000), 256);
	assert_int_equal(xp_tile_width(0, 273, 70000), 112);
	assert_int_equal(xp_tile_width(0, 274, 70000), 0);
	assert_int_equal(xp_tile_width(1, 0, 70000), 256);
	assert_int_equal(xp_tile_width(1, 1, 70000), 17);
	assert_int_equal(xp_tile_width(2, 0, 70000), 1);
	assert_int_equal(xp_tile_width(3, 0, 70000), 0);
	assert_int_equal(xp_tile_width(XP_TILE_ENTRIES, 273, 70000), 112);
	assert_int_equal(xp_tile_width(0, UINT64_MAX, UINT64_MAX), 0);
}

static void test_log_files_follow_the_tiles_layout(void **state)
{
	struct log_place p = log_place_new();
	AUTO(xp_log_free) struct xp_log *log = log_place_open(&p);

	(void)state;
	log_place_append(log, 0, 200);
	log_place_append(log, 200, 1);
	assert_int_equal(log_place_file_size(&p, "log/tile/0/000.p/200"), 200 * 32);
	assert_int_equal(log_place_file_size(&p, "log/tile/0/000.p/201"), 201 * 32);
	log_place_append(log, 201, 399);
	assert_int_equal(log_place_file_size(&p, "log/tile/0/000"), 8192);
	assert_int_equal(log_place_file_size(&p, "log/tile/0/001"), 8192);
	assert_int_equal(log_place_file_size(&p, "log/tile/0/002.p/88"), 88 * 32);
	assert_int_equal(log_place_file_size(&p, "log/tile/1/000.p/2"), 64);
	assert_int_equal(log_place_file_size(&p, "log/tile/2"), -1);
	assert_true(log_place_file_size(&p, "log/tile/entries/001") > 256 * 100);
	assert_true(log_place_file_size(&p, "log/tile/entries/002.p/88") > 88 * 100);
	/* what became full needs no parts */
	assert_int_equal(log_place_file_size(&p, "log/tile/0/000.p"), -1);
	assert_int_equal(log_place_file_size(&p, "log/tile/entries/000.p"), -1);
	log_fixture_audit(p.fd, NULL, NULL);
	log_fixture_remove(p.path, p.fd);
}

static void test_log_lots_and_singles_give_the_same_tree(void **state)
{
	struct log_place a = log_place_new();
	struct log_place b = log_place_new();
	AUTO(xp_log_free) struct xp_log *one = log_place_open(&a);
	AUTO(xp_log_free) struct xp_log *lot = log_place_open(&b);
	struct xp_merkle_head ha;
	struct xp_merkle_head hb;

	(void)state;
	for (unsigned i = 0; i < 270; i++)
		log_place_append(one, i, 1);
	log_place_append(lot, 0, 270);
	assert_int_equal(xp_log_checkpoint_latest(one, &ha, NULL), XP_OK);
	assert_int_equal(xp_log_checkpoint_latest(lot, &hb, NULL), XP_OK);
	assert_memory_equal(&ha, &hb, sizeof(ha));
	log_fixture_audit(a.fd, NULL, NULL);
	log_fixture_remove(a.path, a.fd);
	log_fixture_remove(b.path, b.fd);
}

static enum xp_log_proof_verdict check(const char *proof, unsigned leaf,
				       const struct xp_note_vkey *vkey)
{
	struct xp_log_proof_result r;
	char text[512];
	struct xp_log_bytes bytes = log_fixture_leaf(text, leaf);

	assert_int_equal(xp_log_proof_check(&r, &(struct xp_log_bytes){proof, strlen(proof)},
					    &bytes, &(struct xp_note_vkeys){vkey, vkey ? 1 : 0},
					    NULL),
			 XP_OK);
	return r.verdict;
}

static void test_log_proofs_hold_for_their_leaf_only(void **state)
{
	struct log_place p = log_place_filled(520);
	AUTO(xp_log_free) struct xp_log *log = log_place_open(&p);
	AUTO_MEM char *none = NULL;
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i < 520; i += i < 20 || i > 500 ? 1 : 13) {
		AUTO_MEM char *proof = NULL;

		assert_int_equal(xp_log_prove(log, i, &proof, &len, NULL), XP_OK);
		assert_int_equal(check(proof, i, xp_log_vkey(log)), XP_LOG_PROOF_HOLDS);
		assert_int_equal(check(proof, i ^ 1, xp_log_vkey(log)), XP_LOG_PROOF_LEAF_WRONG);
		assert_int_equal(check(proof, i, NULL), XP_LOG_PROOF_KEY_UNKNOWN);
		assert_int_equal(check(proof, i ^ 1, NULL), XP_LOG_PROOF_LEAF_WRONG);
	}
	assert_int_equal(xp_log_prove(log, 520, &none, &len, NULL), XP_E_NOENT);
	assert_int_equal(xp_log_prove(log, UINT64_MAX, &none, &len, NULL), XP_E_NOENT);
	log_fixture_remove(p.path, p.fd);
}

static void test_log_holds_earlier_heads_and_no_others(void **state)
{
	struct log_place p = log_place_new();
	AUTO(xp_log_free) struct xp_log *log = log_place_open(&p);
	struct xp_merkle_head head = {0};
	bool holds = true;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		log_place_append(log, i * 9, 9);
		if (i == 17)
			assert_int_equal(xp_log_checkpoint_latest(log, &head, NULL), XP_OK);
	}
	assert_int_equal(xp_log_holds(log, &head, &holds, NULL), XP_OK);
	assert_true(holds);
	head.root.b[0] ^= 1;
	assert_int_equal(xp_log_holds(log, &head, &holds, NULL), XP_OK);
	assert_false(holds);
	head.size = 361;
	assert_int_equal(xp_log_holds(log, &head, &holds, NULL), XP_OK);
	assert_false(holds);
	log_fixture_remove(p.path, p.fd);
}

static void test_log_open_jobs_are_starts_without_record(void **state)
{
	struct log_place p = log_place_new();
	AUTO(xp_log_free) struct xp_log *log = log_place_open(&p);
	struct xp_log_jobs jobs = {0};
	char text[512];
	struct xp_log_bytes leaf;
	uint64_t index = 0;

	(void)state;
	log_place_append(log, 0, 7); /* the last is a start */
	assert_int_equal(xp_log_open_jobs(log, &jobs, NULL), XP_OK);
	assert_int_equal(jobs.n, 1);
	assert_int_equal(jobs.list[0].index, 6);
	assert_string_equal(jobs.list[0].id, "01980000-0000-7000-8000-000000000003");
	assert_string_equal(jobs.list[0].time, "2026-11-22T00:00:06Z");
	xp_log_jobs_free(&jobs);
	assert_int_equal(
		xp_log_find_record(log, "01980000-0000-7000-8000-000000000003", &index, NULL),
		XP_E_NOENT);
	leaf = log_fixture_leaf(text, 7);
	assert_int_equal(xp_log_append(log, leaf.data, leaf.len, &index, NULL), XP_OK);
	assert_int_equal(xp_log_open_jobs(log, &jobs, NULL), XP_OK);
	assert_int_equal(jobs.n, 0);
	xp_log_jobs_free(&jobs);
	assert_int_equal(
		xp_log_find_record(log, "01980000-0000-7000-8000-000000000003", &index, NULL),
		XP_OK);
	assert_int_equal(index, 7);
	log_fixture_remove(p.path, p.fd);
}

static void test_log_append_what_is_no_leaf_is_refused(void **state)
{
	static const char *const bad[] = {"", "x", "{}", "{\"type\":\"start\"}",
					  "{\"type\": \"x\"}"};
	struct log_place p = log_place_new();
	AUTO(xp_log_free) struct xp_log *log = log_place_open(&p);
	AUTO_MEM char *big = malloc(70000);
	uint64_t index = 0;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++)
		assert_int_equal(xp_log_append(log, bad[i], strlen(bad[i]), &index, NULL),
				 XP_E_USAGE);
	assert_int_equal(xp_log_append_many(log, NULL, 0, &index, NULL), XP_E_USAGE);
	memset(big, 'a', 70000);
	memcpy(big, "{\"type\":\"", 9);
	memcpy(big + 65533, "\"}", 3);
	assert_int_equal(xp_log_append(log, big, 65535, &index, NULL), XP_OK);
	memcpy(big + 65533, "a\"}", 4);
	assert_int_equal(xp_log_append(log, big, 65536, &index, NULL), XP_E_USAGE);
	assert_int_equal(log_place_size(log), 1);
	log_fixture_audit(p.fd, NULL, NULL);
	log_fixture_remove(p.path, p.fd);
}

/* Two handles stand for two processes: flock parts them alike. */
static void test_log_two_handles_see_each_other(void **state)
{
	struct log_place p = log_place_new();
	AUTO(xp_log_free) struct xp_log *a = log_place_open(&p);
	AUTO(xp_log_free) struct xp_log *b = log_place_open(&p);

	(void)state;
	for (unsigned i = 0; i < 300; i += 3) {
		log_place_append(a, i, 1);
		log_place_append(b, i + 1, 2);
	}
	assert_int_equal(log_place_size(a), 300);
	log_fixture_audit(p.fd, NULL, NULL);
	log_fixture_remove(p.path, p.fd);
}

#define THREADS	   4
#define PER_THREAD 40

static void *append_some(void *arg)
{
	struct xp_log *log = arg;

	for (unsigned i = 0; i < PER_THREAD; i++) {
		char text[512];
		struct xp_log_bytes leaf = log_fixture_leaf(text, i);
		uint64_t index = 0;

		if (xp_log_append(log, leaf.data, leaf.len, &index, NULL) != XP_OK)
			return arg;
	}
	return NULL;
}

static void test_log_threads_share_a_handle(void **state)
{
	struct log_place p = log_place_new();
	AUTO(xp_log_free) struct xp_log *log = log_place_open(&p);
	pthread_t thread[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, append_some, log), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		void *failed = NULL;

		assert_int_equal(pthread_join(thread[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(log_place_size(log), THREADS * PER_THREAD);
	log_fixture_audit(p.fd, NULL, NULL);
	log_fixture_remove(p.path, p.fd);
}

/* Real processes, some of them killed in the middle. */
static void test_log_killed_processes_leave_a_log(void **state)
{
	struct log_place p = log_place_new();
	struct xp_log_ops ops = *log_place_ops();
	uint64_t size = 0;

	(void)state;
	ops.lock_wait_ms = 5000;
	for (unsigned i = 0; i < 6; i++) {
		int status = 0;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			unsigned seed = i;
			struct xp_rng rng = log_fixture_rng(&seed);
			struct xp_log *log = NULL;

			if (xp_log_open_with(&log, p.fd, NULL, &rng, &ops, NULL) != XP_OK)
				_exit(1);
			while (!append_some(log)) {
			}
			_exit(2);
		}
		usleep(3000 + i * 1500);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		if (log_place_file_size(&p, "log.key") > 0) {
			AUTO(xp_log_free) struct xp_log *log = log_place_open(&p);

			assert_true(log_place_size(log) >= size);
			size = log_place_size(log);
			log_fixture_audit(p.fd, NULL, NULL);
		}
	}
	log_fixture_remove(p.path, p.fd);
}

static void test_log_locked_by_another_times_out(void **state)
{
	struct log_place p = log_place_filled(1);
	AUTO(xp_log_free) struct xp_log *log = log_place_open(&p);
	char text[512];
	struct xp_log_bytes leaf = log_fixture_leaf(text, 1);
	uint64_t index = 0;
	int fd = openat(p.fd, "log.lock", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(xp_log_append(log, leaf.data, leaf.len, &index, NULL), XP_E_TIMEOUT);
	assert_int_equal(log_place_size(log), 1); /* reading needs no lock */
	close(fd);
	assert_int_equal(xp_log_append(log, leaf.data, leaf.len, &index, NULL), XP_OK);
	log_fixture_remove(p.path, p.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_first_open_makes_key_and_empty_checkpoint),
		cmocka_unit_test(test_log_origin_from_hint),
		cmocka_unit_test(test_tile_paths_and_widths),
		cmocka_unit_test(test_log_files_follow_the_tiles_layout),
		cmocka_unit_test(test_log_lots_and_singles_give_the_same_tree),
		cmocka_unit_test(test_log_proofs_hold_for_their_leaf_only),
		cmocka_unit_test(test_log_holds_earlier_heads_and_no_others),
		cmocka_unit_test(test_log_open_jobs_are_starts_without_record),
		cmocka_unit_test(test_log_append_what_is_no_leaf_is_refused),
		cmocka_unit_test(test_log_two_handles_see_each_other),
		cmocka_unit_test(test_log_threads_share_a_handle),
		cmocka_unit_test(test_log_killed_processes_leave_a_log),
		cmocka_unit_test(test_log_locked_by_another_times_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
