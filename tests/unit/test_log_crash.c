/* The log on a disk that ends at every step: what was acknowledged is there afterwards. */
#include "certs/log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/fake/log_disk.h"
#include "tests/fake/log_fixture.h"

#define LEAVES_MAX 1024
#define HEADS_MAX  64

/* Two sets, so that what comes after a life is not what would have come in it. */
static char text[2][LEAVES_MAX][512];
static struct xp_log_bytes leaf[2][LEAVES_MAX];

/* What the writer was told to be safe, and each checkpoint that a stranger may have seen. */
struct promise {
	uint64_t entries;
	unsigned char set[LEAVES_MAX]; /* which set's leaf stands there */
	struct xp_merkle_head heads[HEADS_MAX];
	unsigned heads_n;
};

static void promise_head(struct promise *p, const struct xp_merkle_head *head)
{
	assert_true(p->heads_n < HEADS_MAX);
	p->heads[p->heads_n++] = *head;
}

static int setup(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LEAVES_MAX; i++) {
		leaf[0][i] = log_fixture_leaf(text[0][i], i);
		leaf[1][i] = log_fixture_leaf(text[1][i], i + 2 * LEAVES_MAX);
	}
	return 0;
}

/* Appends in lots of the sizes LOTS (0 ends) until the disk dies. Entry I is leaf I of SET. */
static void work(struct promise *p, int fd, struct log_disk *disk, const unsigned *lots,
		 unsigned set)
{
	unsigned seed = 0;
	struct xp_rng rng = log_fixture_rng(&seed);
	AUTO(xp_log_free) struct xp_log *log = NULL;
	struct xp_merkle_head head;

	if (xp_log_open_with(&log, fd, "example.com/usb-1", &rng, &disk->ops, NULL) != XP_OK)
		return;
	assert_int_equal(xp_log_checkpoint_latest(log, &head, NULL), XP_OK);
	assert_true(head.size >= p->entries); /* of an earlier life */
	for (; *lots; lots++) {
		uint64_t index = 0;

		if (xp_log_append_many(log, &leaf[set][head.size], *lots, &index, NULL) != XP_OK)
			return;
		assert_int_equal(index, head.size);
		assert_int_equal(xp_log_checkpoint_latest(log, &head, NULL), XP_OK);
		assert_int_equal(head.size, index + *lots);
		memset(p->set + index, (int)set, *lots);
		p->entries = head.size;
		promise_head(p, &head);
	}
}

/* Entries that were promised stand as they were; others are whole. */
static enum xp_rc is_leaf(void *ctx, uint64_t index, const struct xp_log_bytes *found,
			  struct xp_err *err)
{
	const struct promise *p = ctx;
	bool is[2];

	(void)err;
	assert_true(index < LEAVES_MAX);
	for (unsigned set = 0; set < 2; set++)
		is[set] = found->len == leaf[set][index].len &&
			  memcmp(found->data, leaf[set][index].data, found->len) == 0;
	assert_true(index < p->entries ? is[p->set[index]] : is[0] || is[1]);
	return XP_OK;
}

/* Opens the log again and holds it against the promise. */
static void judge(struct promise *p, int fd, struct log_disk *disk)
{
	unsigned seed = 99;
	struct xp_rng rng = log_fixture_rng(&seed);
	AUTO(xp_log_free) struct xp_log *log = NULL;
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};
	struct xp_merkle_head head;
	struct xp_err err;
	int log_fd;
	bool holds = false;

	if (xp_log_open_with(&log, fd, "example.com/usb-1", &rng, &disk->ops, &err) != XP_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(xp_log_checkpoint_latest(log, &head, &err), XP_OK);
	assert_true(head.size >= p->entries);
	for (unsigned i = 0; i < p->heads_n; i++) {
		assert_int_equal(xp_log_holds(log, &p->heads[i], &holds, &err), XP_OK);
		assert_true(holds);
	}
	log_fd = openat(fd, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(xp_log_reader_open(&r, log_fd, xp_log_vkey(log), &err), XP_OK);
	assert_int_equal(xp_log_reader_each(&r, &(struct xp_log_visitor){is_leaf, p}, &err), XP_OK);
	close(log_fd);
	log_fixture_audit(fd, NULL, NULL);
}

/* The checkpoint that is to be seen in this moment, acknowledged or not. */
static void look(struct promise *p, int fd)
{
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};
	AUTO_FD int log_fd = openat(fd, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (log_fd < 0 || faccessat(fd, "log.key", F_OK, 0))
		return;
	if (xp_log_reader_open(&r, log_fd, NULL, NULL) == XP_OK && r.checkpoint.head.size)
		promise_head(p, &r.checkpoint.head);
}

enum { KILL, POWER }; /* and what follows: POWER with another seed */

/* One life: a copy of BASE, work that ends at CRASH_AT, a repair that ends at AGAIN, a look. */
static bool one_life(int base_fd, const unsigned *lots, unsigned crash_at, unsigned again,
		     unsigned end)
{
	char path[256];
	int fd = log_fixture_dir(path);
	struct promise p = {0};
	struct log_disk *disk = calloc(1, sizeof(*disk));
	unsigned heads_n;
	bool died;

	assert_non_null(disk);
	log_fixture_copy(base_fd, fd);
	log_disk_init(disk, crash_at * 31U + again * 7U + end * 1009U);
	disk->crash_at = crash_at;
	work(&p, fd, disk, lots, 0);
	died = disk->dead;
	look(&p, fd);
	if (end >= POWER)
		log_disk_power_loss(disk);
	log_disk_kill(disk);
	if (again) {
		disk->crash_at = disk->steps + again;
		work(&p, fd, disk, (const unsigned[]){0}, 0);
		look(&p, fd);
		if (end >= POWER)
			log_disk_power_loss(disk);
		log_disk_kill(disk);
	}
	if (crash_at % 4 == 0)
		judge(&p, fd, disk);
	/* and it goes on, and what the dead process did not sync has been synced since */
	heads_n = p.heads_n;
	work(&p, fd, disk, (const unsigned[]){1, 0}, 1);
	assert_int_equal(p.heads_n, heads_n + 1);
	log_disk_power_loss(disk);
	judge(&p, fd, disk);
	log_disk_done(disk);
	free(disk);
	log_fixture_remove(path, fd);
	return died;
}

/*
 * SEEDS: how often each step ends by a loss of power, which takes something else away each time.
 * For a long search the environment's LOG_CRASH_SEEDS stands in its place.
 */
static unsigned all_lives(int base_fd, const unsigned *lots, unsigned stride, unsigned seeds)
{
	const char *more = getenv("LOG_CRASH_SEEDS");
	unsigned lives = 0;

	if (more)
		seeds = (unsigned)strtoul(more, NULL, 10);
	for (unsigned end = 0; end < KILL + 1 + seeds; end++) {
		bool died = true;

		for (unsigned at = 1; died; at++) {
			died = one_life(base_fd, lots, at, 0, end);
			lives++;
			if (at % stride == 0) {
				one_life(base_fd, lots, at, 1 + at * 7 % 23, end);
				lives++;
			}
		}
	}
	print_message("%u lives\n", lives);
	return lives;
}

static void test_log_first_use_survives_every_end(void **state)
{
	char path[256];
	int fd = log_fixture_dir(path);

	(void)state;
	assert_true(all_lives(fd, (const unsigned[]){1, 1, 2, 0}, 2, 2) > 350);
	log_fixture_remove(path, fd);
}

static void test_log_full_tiles_survive_every_end(void **state)
{
	char path[256];
	int fd = log_fixture_dir(path);
	struct log_disk *disk = calloc(1, sizeof(*disk));
	struct promise p = {0};

	(void)state;
	assert_non_null(disk);
	log_disk_init(disk, 1);
	work(&p, fd, disk, (const unsigned[]){253, 0}, 0);
	assert_int_equal(p.entries, 253);
	assert_true(all_lives(fd, (const unsigned[]){1, 1, 2, 260, 0}, 8, 1) > 200);
	log_disk_done(disk);
	free(disk);
	log_fixture_remove(path, fd);
}

/* A step that fails (no space, an I/O error) is told, and the same handle goes on without a loss.
 */
static void test_log_failing_step_is_told_and_survived(void **state)
{
	static const int errnos[] = {ENOSPC, EIO};

	(void)state;
	for (unsigned at = 40; at < 110; at++) {
		char path[256];
		int fd = log_fixture_dir(path);
		struct log_disk *disk = calloc(1, sizeof(*disk));
		unsigned seed = 0;
		struct xp_rng rng = log_fixture_rng(&seed);
		struct xp_log *log = NULL;
		struct promise p = {0};
		unsigned failed = 0;
		unsigned next = 0;

		assert_non_null(disk);
		log_disk_init(disk, at);
		disk->crash_at = at;
		disk->fail_errno = errnos[at % 2];
		assert_int_equal(
			xp_log_open_with(&log, fd, "example.com/usb-1", &rng, &disk->ops, NULL),
			XP_OK);
		while (p.entries < 6) {
			uint64_t index = 0;

			if (xp_log_append(log, leaf[0][next].data, leaf[0][next].len, &index,
					  NULL) != XP_OK) {
				struct xp_merkle_head head;

				failed++;
				/* it may be in or not: the next opening tells */
				xp_log_free(&log);
				assert_int_equal(
					xp_log_open_with(&log, fd, NULL, &rng, &disk->ops, NULL),
					XP_OK);
				assert_int_equal(xp_log_checkpoint_latest(log, &head, NULL), XP_OK);
				assert_true(head.size == next || head.size == next + 1);
				next = (unsigned)head.size;
				continue;
			}
			assert_int_equal(index, next);
			p.entries = ++next;
		}
		assert_true(failed <= 1);
		xp_log_free(&log);
		judge(&p, fd, disk);
		log_disk_done(disk);
		free(disk);
		log_fixture_remove(path, fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_first_use_survives_every_end),
		cmocka_unit_test(test_log_full_tiles_survive_every_end),
		cmocka_unit_test(test_log_failing_step_is_told_and_survived),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
