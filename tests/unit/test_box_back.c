/* A stick that is pulled out while a process has its boxes open, and what is put back then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/box_pair.h"

#define BOX_BYTES (1u << 20)
#define JOURNAL	  "jobs/01900000-0000-7000-8000-000000000001/journal.jsonl"

struct lab {
	struct xp_box_ops ops;
	bool pulled;	   /* nothing of it can be read or written */
	char dir[64];	   /* the stick */
	char other[80];	   /* what is plugged in instead */
	const char *there; /* what is plugged in now; NULL: nothing */
	unsigned looks;
	char local[4096]; /* the journal in the state folder */
	struct xp_box_pair *pair;
};

static ssize_t do_pread(void *ctx, int fd, void *data, size_t len, off_t at)
{
	const struct lab *l = ctx;

	errno = EIO;
	return l->pulled ? -1 : pread(fd, data, len, at);
}

static ssize_t do_pwrite(void *ctx, int fd, const void *data, size_t len, off_t at)
{
	const struct lab *l = ctx;

	errno = EIO;
	return l->pulled ? -1 : pwrite(fd, data, len, at);
}

static int do_sync(void *ctx, int fd)
{
	const struct lab *l = ctx;

	(void)fd;
	errno = EIO;
	return l->pulled ? -1 : 0;
}

static enum xp_rc read_local(void *ctx, const char *path, char **out, size_t *len,
			     struct xp_err *err)
{
	const struct lab *l = ctx;

	(void)path;
	*out = strdup(l->local);
	*len = strlen(l->local);
	return *out ? XP_OK : xp_fail(err, XP_E_NOMEM, "journal");
}

static int open_dir(void *ctx)
{
	struct lab *l = ctx;

	l->looks++;
	errno = ENOENT;
	return l->there ? open(l->there, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	assert_int_equal(system(command), 0);
}

static void open_pair(struct xp_box_pair **pair, struct lab *l, const char *dir)
{
	AUTO_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct xp_box_pair_request req = {
		.dir_fd = fd,
		.dir = dir,
		.writes = true,
		.ops = &l->ops,
		.source = {.ctx = l, .read = read_local, .open_dir = open_dir},
	};
	struct xp_err err;

	if (xp_box_pair_open(pair, &req, &err) != XP_OK)
		fail_msg("%s", err.msg);
	xp_box_pair_unlock(*pair);
}

static int setup(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));
	bool shm = access("/dev/shm", W_OK) == 0;

	if (!l)
		return -1;
	l->ops = (struct xp_box_ops){
		.pread = do_pread, .pwrite = do_pwrite, .sync = do_sync, .ctx = l};
	snprintf(l->dir, sizeof(l->dir), "%s/xp-back-XXXXXX", shm ? "/dev/shm" : "/tmp");
	if (!mkdtemp(l->dir))
		return -1;
	snprintf(l->other, sizeof(l->other), "%s.other", l->dir);
	l->there = l->dir;
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	struct lab *l = *state;

	xp_box_pair_free(&l->pair);
	shell("rm -rf '%s' '%s'", l->dir, l->other);
	free(l);
	return 0;
}

static void make_boxes(const char *dir)
{
	AUTO_FD int fd = -1;
	struct xp_err err;

	shell("mkdir -p '%s'", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(xp_box_pair_make(fd, BOX_BYTES, &err), XP_OK);
}

/* A line more: in the state folder first, then told. */
static void tell_line(struct lab *l, const char *line)
{
	struct xp_box_entry entry = {.kind = XP_BOX_APPEND,
				     .path = JOURNAL,
				     .offset = strlen(l->local),
				     .len = (uint32_t)strlen(line)};
	struct xp_err err;

	snprintf(l->local + entry.offset, sizeof(l->local) - (size_t)entry.offset, "%s", line);
	assert_int_equal(xp_box_pair_tell(l->pair, &entry, line, &err), XP_OK);
}

static void assert_kept(struct lab *l, const char *dir, const char *text)
{
	AUTO(xp_box_pair_free) struct xp_box_pair *pair = NULL;
	AUTO_MEM char *data = NULL;
	size_t len = 0;
	struct xp_err err;

	open_pair(&pair, l, dir);
	assert_int_equal(xp_box_pair_read(pair, JOURNAL, &data, &len, &err), XP_OK);
	assert_string_equal(data, text);
	shell("cmp -s '%s/expunge-a.box' '%s/expunge-b.box'", dir, dir);
}

/* Boxes with one line, and then the stick is gone. */
static void begin(struct lab *l)
{
	struct xp_err err;

	make_boxes(l->dir);
	open_pair(&l->pair, l, l->dir);
	tell_line(l, "one\n");
	assert_int_equal(xp_box_pair_flush(l->pair, &err), XP_OK);
	assert_false(xp_box_pair_is_gone(l->pair));
}

static void pull(struct lab *l)
{
	struct xp_err err;

	l->pulled = true;
	l->there = NULL;
	tell_line(l, "two\n");
	assert_int_equal(xp_box_pair_flush(l->pair, &err), XP_E_IO);
	assert_true(xp_box_pair_is_gone(l->pair));
	assert_int_equal(xp_box_pair_flush(l->pair, &err), XP_E_IO);
	assert_true(l->looks > 0);
}

static void test_back_it_is_found_and_gets_what_was_told_meanwhile(void **state)
{
	struct lab *l = *state;
	uint64_t room = 0;
	char place[64];
	char again[64];
	struct xp_err err;

	begin(l);
	xp_box_pair_place(place, l->pair);
	pull(l);
	l->pulled = false;
	l->there = l->dir;
	tell_line(l, "three\n");
	if (xp_box_pair_flush(l->pair, &err) != XP_OK)
		fail_msg("%s", err.msg);
	assert_false(xp_box_pair_is_gone(l->pair));
	assert_null(xp_box_pair_trouble(l->pair));
	assert_int_equal(xp_box_pair_room(&room, l->pair, &err), XP_OK);
	assert_kept(l, l->dir, "one\ntwo\nthree\n");
	/* the name that leads to its medium is the same, and leads there */
	xp_box_pair_place(again, l->pair);
	assert_string_equal(again, place);
	assert_int_equal(access(place, R_OK), 0);
}

static void test_back_a_question_for_room_finds_it_too(void **state)
{
	struct lab *l = *state;
	uint64_t room = 0;
	struct xp_err err;

	begin(l);
	pull(l);
	l->pulled = false;
	l->there = l->dir;
	assert_int_equal(xp_box_pair_room(&room, l->pair, &err), XP_OK);
	assert_false(xp_box_pair_is_gone(l->pair));
	assert_int_equal(xp_box_pair_flush(l->pair, &err), XP_OK);
	assert_kept(l, l->dir, "one\ntwo\n");
}

static void assert_refused(struct lab *l, const char *why)
{
	struct xp_err err;

	l->pulled = false;
	l->there = l->other;
	shell("cp '%s/expunge-a.box' '%s.before'", l->other, l->other);
	assert_int_equal(xp_box_pair_flush(l->pair, &err), XP_E_REFUSED);
	if (!strstr(err.msg, why))
		fail_msg("%s", err.msg);
	assert_true(xp_box_pair_is_gone(l->pair));
	shell("cmp '%s/expunge-a.box' '%s.before'", l->other, l->other);
	shell("cmp '%s/expunge-b.box' '%s.before'", l->other, l->other);
	shell("rm '%s.before'", l->other);
	/* ... and the right one is still waited for */
	l->there = l->dir;
	assert_int_equal(xp_box_pair_flush(l->pair, &err), XP_OK);
	assert_kept(l, l->dir, "one\ntwo\n");
}

static void test_back_another_stick_is_refused_and_not_written(void **state)
{
	struct lab *l = *state;
	AUTO(xp_box_pair_free) struct xp_box_pair *other = NULL;

	make_boxes(l->other);
	open_pair(&other, l, l->other);
	xp_box_pair_free(&other);
	begin(l);
	pull(l);
	assert_refused(l, "this is another stick");
}

static void test_back_fresh_boxes_are_refused_and_stay_fresh(void **state)
{
	struct lab *l = *state;

	make_boxes(l->other);
	begin(l);
	pull(l);
	assert_refused(l, "this is another stick");
}

static void test_back_a_copy_from_before_is_refused(void **state)
{
	struct lab *l = *state;
	struct xp_err err;

	make_boxes(l->dir);
	open_pair(&l->pair, l, l->dir);
	tell_line(l, "");
	assert_int_equal(xp_box_pair_flush(l->pair, &err), XP_OK);
	shell("cp -r --sparse=never '%s' '%s'", l->dir, l->other);
	tell_line(l, "one\n");
	assert_int_equal(xp_box_pair_flush(l->pair, &err), XP_OK);
	pull(l);
	assert_refused(l, "what was kept there is missing");
}

static void test_back_what_another_process_kept_meanwhile_stays(void **state)
{
	struct lab *l = *state;
	AUTO(xp_box_pair_free) struct xp_box_pair *second = NULL;
	struct xp_box_entry entry = {.kind = XP_BOX_PUT, .path = "index.csv", .len = 2};
	AUTO_MEM char *data = NULL;
	size_t len = 0;
	struct xp_err err;

	begin(l);
	pull(l);
	l->pulled = false;
	{
		struct lab plain = *l;

		/* its state folder has what it tells */
		snprintf(plain.local, sizeof(plain.local), "x\n");
		plain.ops.ctx = &plain;
		open_pair(&second, &plain, l->dir);
		assert_int_equal(xp_box_pair_tell(second, &entry, "x\n", &err), XP_OK);
		assert_int_equal(xp_box_pair_flush(second, &err), XP_OK);
		xp_box_pair_free(&second);
	}
	l->there = l->dir;
	assert_int_equal(xp_box_pair_flush(l->pair, &err), XP_OK);
	assert_int_equal(xp_box_pair_read(l->pair, "index.csv", &data, &len, &err), XP_OK);
	assert_string_equal(data, "x\n");
	assert_kept(l, l->dir, "one\ntwo\n");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_back_it_is_found_and_gets_what_was_told_meanwhile),
		TEST(test_back_a_question_for_room_finds_it_too),
		TEST(test_back_another_stick_is_refused_and_not_written),
		TEST(test_back_fresh_boxes_are_refused_and_stay_fresh),
		TEST(test_back_a_copy_from_before_is_refused),
		TEST(test_back_what_another_process_kept_meanwhile_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
