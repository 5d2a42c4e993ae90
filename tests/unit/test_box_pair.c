/*
 * Two boxes on a stick that is pulled at every step of their writing: what was acknowledged is
 * there, whole; what was on its way is there whole or not at all; and both hold the same again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/box_pair.h"
#include "tests/fake/box_disk.h"

#define BOX_BYTES (1u << 20)
#define JOB	  "jobs/01900000-0000-7000-8000-000000000001"
#define RECORD	  "certificates/01900000-0000-7000-8000-000000000001.json"
#define FILES_MAX 16
#define OPS_MAX	  64

struct lab {
	char dir[BOX_FOLDER_LEN];
	int fd;
	struct box_disk *disk;
};

static int setup(void **out)
{
	struct lab *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->disk = calloc(1, sizeof(*l->disk));
	assert_non_null(l->disk);
	l->fd = box_folder_open(l->dir);
	assert_true(l->fd >= 0);
	*out = l;
	return 0;
}

static int teardown(void **in)
{
	struct lab *l = *in;

	box_folder_close(l->fd, l->dir);
	free(l->disk);
	free(l);
	return 0;
}

static void fresh(const struct lab *l)
{
	unlinkat(l->fd, XP_BOX_NAME_A, 0);
	unlinkat(l->fd, XP_BOX_NAME_B, 0);
	assert_int_equal(xp_box_pair_make(l->fd, BOX_BYTES, NULL), XP_OK);
}

static enum xp_rc open_pair(struct xp_box_pair **out, const struct lab *l,
			    const struct xp_box_ops *ops, bool writes, struct xp_err *err)
{
	const struct xp_box_pair_request req = {
		.dir_fd = l->fd, .dir = "stick", .writes = writes, .ops = ops};
	enum xp_rc rc = xp_box_pair_open(out, &req, err);

	if (rc == XP_OK)
		xp_box_pair_unlock(*out);
	return rc;
}

/* --- what the boxes should hold --- */

struct file {
	char path[XP_BOX_PATH_LEN];
	uint8_t *bytes;
	size_t len;
};

struct model {
	struct file files[FILES_MAX];
	unsigned n;
};

static void model_free(struct model *m)
{
	for (unsigned i = 0; i < m->n; i++)
		free(m->files[i].bytes);
	m->n = 0;
}

static void model_copy(struct model *to, const struct model *from)
{
	model_free(to);
	*to = *from;
	for (unsigned i = 0; i < to->n; i++) {
		to->files[i].bytes = malloc(from->files[i].len + 1);
		assert_non_null(to->files[i].bytes);
		memcpy(to->files[i].bytes, from->files[i].bytes, from->files[i].len);
	}
}

struct op {
	enum xp_box_kind kind;
	const char *path;
	size_t len;
	uint8_t fill;
};

static struct file *model_file(struct model *m, const char *path)
{
	for (unsigned i = 0; i < m->n; i++)
		if (strcmp(m->files[i].path, path) == 0)
			return &m->files[i];
	return NULL;
}

static void model_apply(struct model *m, const struct op *op, const uint8_t *bytes)
{
	struct file *f = model_file(m, op->path);

	if (op->kind == XP_BOX_REMOVE) {
		for (unsigned i = m->n; i-- > 0;) {
			if (strncmp(m->files[i].path, op->path, strlen(op->path)) != 0)
				continue;
			free(m->files[i].bytes);
			m->files[i] = m->files[--m->n];
		}
		return;
	}
	if (!f) {
		assert_true(m->n < FILES_MAX);
		f = &m->files[m->n++];
		*f = (struct file){0};
		snprintf(f->path, sizeof(f->path), "%s", op->path);
	}
	if (op->kind == XP_BOX_PUT)
		f->len = 0;
	f->bytes = realloc(f->bytes, f->len + op->len + 1);
	assert_non_null(f->bytes);
	memcpy(f->bytes + f->len, bytes, op->len);
	f->len += op->len;
}

static bool holds(struct xp_box_pair *pair, const struct model *m)
{
	if (xp_box_pair_index(pair)->n != m->n)
		return false;
	for (unsigned i = 0; i < m->n; i++) {
		AUTO_MEM char *data = NULL;
		size_t len = 0;

		if (xp_box_pair_read(pair, m->files[i].path, &data, &len, NULL) != XP_OK ||
		    len != m->files[i].len || memcmp(data, m->files[i].bytes, len) != 0)
			return false;
	}
	return true;
}

/* --- a day's work: journal lines, records, and so much that the boxes are written anew --- */

static unsigned work(struct op ops[OPS_MAX])
{
	unsigned n = 0;

	ops[n++] = (struct op){XP_BOX_PUT, "log.key", 119, 'k'};
	for (unsigned i = 0; i < 4; i++)
		ops[n++] = (struct op){XP_BOX_APPEND, JOB "/journal.jsonl", 100 + 700 * i, 'j'};
	ops[n++] = (struct op){XP_BOX_PUT, JOB "/baseline-1", 90000, 'b'};
	for (unsigned i = 0; i < 4; i++)
		ops[n++] = (struct op){XP_BOX_PUT, "log/checkpoint", 200000, (uint8_t)('c' + i)};
	ops[n++] = (struct op){XP_BOX_PUT, RECORD, 7400, 'r'};
	ops[n++] = (struct op){XP_BOX_REMOVE, JOB, 0, 0};
	ops[n++] = (struct op){XP_BOX_PUT, "log/checkpoint", 200000, 'x'};
	ops[n++] = (struct op){XP_BOX_APPEND, "index.csv", 0, 0};
	ops[n++] = (struct op){XP_BOX_APPEND, "index.csv", 256, 'i'};
	ops[n++] = (struct op){XP_BOX_APPEND, "index.csv", 257, 'i'};
	return n;
}

static enum xp_rc do_op(struct xp_box_pair *pair, const struct model *m, const struct op *op,
			uint8_t *bytes)
{
	struct xp_box_entry entry = {.kind = op->kind, .len = (uint32_t)op->len};

	for (size_t i = 0; i < op->len; i++)
		bytes[i] = (uint8_t)(op->fill + i % 23);
	snprintf(entry.path, sizeof(entry.path), "%s", op->path);
	for (unsigned i = 0; op->kind == XP_BOX_APPEND && i < m->n; i++)
		if (strcmp(m->files[i].path, op->path) == 0)
			entry.offset = m->files[i].len;
	TRY(xp_box_pair_tell(pair, &entry, bytes, NULL));
	return xp_box_pair_flush(pair, NULL);
}

struct day {
	struct model acknowledged, underway; /* with what was on its way in the end */
	bool opened;			     /* the boxes could be opened at all */
	bool ended;			     /* all was done */
};

static void day_free(struct day *day)
{
	model_free(&day->acknowledged);
	model_free(&day->underway);
}

static void live(struct day *day, struct lab *l)
{
	AUTO(xp_box_pair_free) struct xp_box_pair *pair = NULL;
	AUTO_MEM uint8_t *bytes = malloc(BOX_BYTES);
	struct op ops[OPS_MAX];
	unsigned n = work(ops);

	*day = (struct day){0};
	assert_non_null(bytes);
	day->opened = open_pair(&pair, l, &l->disk->ops, true, NULL) == XP_OK;
	for (unsigned i = 0; day->opened && i < n; i++) {
		enum xp_rc rc = do_op(pair, &day->acknowledged, &ops[i], bytes);

		model_copy(&day->underway, &day->acknowledged);
		model_apply(&day->underway, &ops[i], bytes);
		if (rc != XP_OK)
			return;
		model_copy(&day->acknowledged, &day->underway);
	}
	day->ended = day->opened;
}

static void assert_boxes_equal(const struct lab *l)
{
	AUTO_FD int a = openat(l->fd, XP_BOX_NAME_A, O_RDONLY);
	AUTO_FD int b = openat(l->fd, XP_BOX_NAME_B, O_RDONLY);
	struct xp_box box = {.ops = xp_box_ops_system(), .fd = -1};
	AUTO_MEM char *x = malloc(BOX_BYTES);
	AUTO_MEM char *y = malloc(BOX_BYTES);

	assert_int_equal(xp_box_open(&box, l->fd, XP_BOX_NAME_A, false, NULL), XP_OK);
	assert_int_equal(xp_box_scan(&box, NULL, NULL), XP_OK);
	assert_int_equal(box.state, XP_BOX_GOOD);
	assert_int_equal(pread(a, x, BOX_BYTES, 0), BOX_BYTES);
	assert_int_equal(pread(b, y, BOX_BYTES, 0), BOX_BYTES);
	assert_memory_equal(x, y, box.tail);
	xp_box_close(&box);
}

/* More than 1: the boxes were written anew on the way. */
static uint64_t generation(const struct lab *l)
{
	struct xp_box box = {.ops = xp_box_ops_system(), .fd = -1};
	uint64_t n;

	assert_int_equal(xp_box_open(&box, l->fd, XP_BOX_NAME_A, false, NULL), XP_OK);
	assert_int_equal(xp_box_scan(&box, NULL, NULL), XP_OK);
	n = box.header.generation;
	xp_box_close(&box);
	return n;
}

static void assert_recovers(struct lab *l, const struct day *day)
{
	AUTO(xp_box_pair_free) struct xp_box_pair *pair = NULL;
	struct model after = {0};
	const struct op op = {XP_BOX_PUT, "host.crt", 600, 'h'};
	uint8_t bytes[600];
	struct xp_err err = {0};

	if (open_pair(&pair, l, xp_box_ops_system(), true, &err) != XP_OK)
		fail_msg("step %u: %s", l->disk->crash_at, err.msg);
	if (!holds(pair, &day->acknowledged) && !holds(pair, &day->underway))
		fail_msg("step %u: what was acknowledged is not there", l->disk->crash_at);
	model_copy(&after, holds(pair, &day->underway) ? &day->underway : &day->acknowledged);
	assert_boxes_equal(l);
	/* and it goes on */
	assert_int_equal(do_op(pair, &after, &op, bytes), XP_OK);
	model_apply(&after, &op, bytes);
	assert_true(holds(pair, &after));
	assert_boxes_equal(l);
	model_free(&after);
}

static void pull_everywhere(struct lab *l, uint64_t seed, bool spills)
{
	struct day day;

	for (unsigned step = 1;; step++) {
		bool over;

		fresh(l);
		box_disk_init(l->disk, seed + step);
		l->disk->crash_at = step;
		l->disk->spills = spills;
		live(&day, l);
		assert_int_equal(l->disk->both, 0);
		over = day.ended;
		assert_true(over || l->disk->dead);
		assert_recovers(l, &day);
		day_free(&day);
		if (over) {
			assert_true(generation(l) > 1);
			return;
		}
	}
}

static void test_box_pair_pulled_at_every_step_loses_nothing(void **in)
{
	for (uint64_t seed = 1; seed <= 2; seed++)
		pull_everywhere(*in, seed * 1000003, false);
}

static void test_box_pair_neighbours_torn_too_loses_nothing(void **in)
{
	for (uint64_t seed = 1; seed <= 2; seed++)
		pull_everywhere(*in, seed * 777767777, true);
}

static void break_everywhere(struct lab *l, const char *name)
{
	for (unsigned step = 1;; step += 3) {
		struct day day;
		bool over;

		fresh(l);
		box_disk_init(l->disk, step);
		l->disk->broken = name;
		l->disk->breaks_at = step;
		live(&day, l);
		over = l->disk->steps < step;
		assert_recovers(l, &day);
		day_free(&day);
		if (over)
			return;
	}
}

static void test_box_pair_one_fails_the_other_goes_on(void **in)
{
	break_everywhere(*in, XP_BOX_NAME_A);
	break_everywhere(*in, XP_BOX_NAME_B);
}

static void test_box_pair_full_says_so_and_keeps_what_there_is(void **in)
{
	struct lab *l = *in;
	AUTO(xp_box_pair_free) struct xp_box_pair *pair = NULL;
	AUTO_MEM uint8_t *bytes = malloc(BOX_BYTES);
	struct model m = {0};
	char path[XP_BOX_PATH_LEN];
	uint64_t room = 0;
	unsigned kept = 0;
	enum xp_rc rc = XP_OK;

	fresh(l);
	assert_int_equal(open_pair(&pair, l, xp_box_ops_system(), true, NULL), XP_OK);
	for (; rc == XP_OK && kept < FILES_MAX; kept++) {
		const struct op op = {XP_BOX_PUT, path, 200000, (uint8_t)kept};

		snprintf(path, sizeof(path), JOB "/baseline-%u", kept + 1);
		rc = do_op(pair, &m, &op, bytes);
		if (rc == XP_OK)
			model_apply(&m, &op, bytes);
	}
	assert_int_equal(rc, XP_E_IO);
	assert_int_equal(m.n, 5);
	assert_int_equal(xp_box_pair_room(&room, pair, NULL), XP_OK);
	assert_true(room < 200000);
	assert_true(holds(pair, &m));
	xp_box_pair_free(&pair);
	assert_int_equal(open_pair(&pair, l, xp_box_ops_system(), true, NULL), XP_OK);
	assert_true(holds(pair, &m));
	model_free(&m);
}

static void test_box_pair_two_writers_see_each_other(void **in)
{
	struct lab *l = *in;
	AUTO(xp_box_pair_free) struct xp_box_pair *one = NULL;
	AUTO(xp_box_pair_free) struct xp_box_pair *two = NULL;
	AUTO_MEM uint8_t *bytes = malloc(BOX_BYTES);
	struct model m = {0};

	fresh(l);
	assert_int_equal(open_pair(&one, l, xp_box_ops_system(), true, NULL), XP_OK);
	assert_int_equal(open_pair(&two, l, xp_box_ops_system(), true, NULL), XP_OK);
	for (unsigned i = 0; i < 24; i++) {
		/* large ones, too: both of them write the boxes anew now and then */
		const struct op op = {i % 3 ? XP_BOX_APPEND : XP_BOX_PUT,
				      i % 3 ? "index.csv" : "log/checkpoint", i % 3 ? 300 : 190000,
				      (uint8_t)i};

		assert_int_equal(do_op(i % 2 ? one : two, &m, &op, bytes), XP_OK);
		model_apply(&m, &op, bytes);
	}
	xp_box_pair_free(&one);
	assert_int_equal(open_pair(&one, l, xp_box_ops_system(), true, NULL), XP_OK);
	assert_true(holds(one, &m));
	assert_boxes_equal(l);
	model_free(&m);
}

static void test_box_pair_told_again_takes_no_room(void **in)
{
	struct lab *l = *in;
	AUTO(xp_box_pair_free) struct xp_box_pair *pair = NULL;
	const struct op op = {XP_BOX_PUT, "host.crt", 600, 'h'};
	uint8_t bytes[600];
	struct model m = {0};
	struct stat st;

	fresh(l);
	box_disk_init(l->disk, 1);
	assert_int_equal(open_pair(&pair, l, &l->disk->ops, true, NULL), XP_OK);
	assert_int_equal(do_op(pair, &m, &op, bytes), XP_OK);
	l->disk->steps = 0;
	assert_int_equal(do_op(pair, &m, &op, bytes), XP_OK);
	assert_int_equal(l->disk->steps, 0);
	/* and the files never change their size */
	assert_int_equal(fstatat(l->fd, XP_BOX_NAME_A, &st, 0), 0);
	assert_int_equal(st.st_size, BOX_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_box_pair_pulled_at_every_step_loses_nothing,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_box_pair_neighbours_torn_too_loses_nothing,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_box_pair_one_fails_the_other_goes_on, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_box_pair_full_says_so_and_keeps_what_there_is,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_box_pair_two_writers_see_each_other, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_box_pair_told_again_takes_no_room, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
