/* Which boxes are refused, which are mended, and which are taken for fresh ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/box_pair.h"
#include "tests/fake/box_disk.h"

#define BOX_BYTES (1u << 20)

struct lab {
	char dir[BOX_FOLDER_LEN];
	int fd;
};

static int setup(void **out)
{
	struct lab *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->fd = box_folder_open(l->dir);
	assert_true(l->fd >= 0);
	*out = l;
	return 0;
}

static int teardown(void **in)
{
	struct lab *l = *in;

	unlinkat(l->fd, "saved", 0);
	box_folder_close(l->fd, l->dir);
	free(l);
	return 0;
}

static enum xp_rc open_pair(struct xp_box_pair **out, const struct lab *l, bool writes,
			    struct xp_err *err)
{
	const struct xp_box_pair_request req = {
		.dir_fd = l->fd, .dir = "stick", .writes = writes, .ops = xp_box_ops_system()};
	enum xp_rc rc = xp_box_pair_open(out, &req, err);

	if (rc == XP_OK)
		xp_box_pair_unlock(*out);
	return rc;
}

static void put(struct xp_box_pair *pair, const char *path, const char *text)
{
	struct xp_box_entry entry = {.kind = XP_BOX_PUT, .len = (uint32_t)strlen(text)};

	snprintf(entry.path, sizeof(entry.path), "%s", path);
	assert_int_equal(xp_box_pair_tell(pair, &entry, text, NULL), XP_OK);
	assert_int_equal(xp_box_pair_flush(pair, NULL), XP_OK);
}

/* A used pair: three files, each kept by itself. */
static void used(const struct lab *l)
{
	AUTO(xp_box_pair_free) struct xp_box_pair *pair = NULL;

	unlinkat(l->fd, XP_BOX_NAME_A, 0);
	unlinkat(l->fd, XP_BOX_NAME_B, 0);
	assert_int_equal(xp_box_pair_make(l->fd, BOX_BYTES, NULL), XP_OK);
	assert_int_equal(open_pair(&pair, l, true, NULL), XP_OK);
	put(pair, "log.key", "first");
	put(pair, "log.vkey", "second");
	put(pair, "index.csv", "third");
}

static void scribble(const struct lab *l, const char *name, off_t at, size_t len, int fill)
{
	AUTO_FD int fd = openat(l->fd, name, O_WRONLY);
	AUTO_MEM char *bytes = malloc(len);

	assert_non_null(bytes);
	memset(bytes, fill, len);
	assert_int_equal(pwrite(fd, bytes, len, at), len);
}

static void assert_has(struct xp_box_pair *pair, const char *path, const char *text)
{
	AUTO_MEM char *data = NULL;
	size_t len = 0;

	assert_int_equal(xp_box_pair_read(pair, path, &data, &len, NULL), XP_OK);
	assert_string_equal(data, text);
}

static void assert_opens_whole(const struct lab *l, bool writes)
{
	AUTO(xp_box_pair_free) struct xp_box_pair *pair = NULL;
	struct xp_err err = {0};

	if (open_pair(&pair, l, writes, &err) != XP_OK)
		fail_msg("%s", err.msg);
	assert_has(pair, "log.key", "first");
	assert_has(pair, "log.vkey", "second");
	assert_has(pair, "index.csv", "third");
}

static void assert_refused(const struct lab *l, enum xp_rc rc, const char *why)
{
	AUTO(xp_box_pair_free) struct xp_box_pair *pair = NULL;
	struct xp_err err = {0};

	assert_int_equal(open_pair(&pair, l, true, &err), rc);
	if (!strstr(err.msg, why))
		fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
	assert_null(pair);
}

static void test_box_none_there_says_how_to_make_them(void **in)
{
	assert_refused(*in, XP_E_NOENT, "expunge keep make");
}

static void test_box_one_gone_is_refused_read_and_made_anew(void **in)
{
	const struct lab *l = *in;
	const char *name = NULL;
	static const char *const names[] = {XP_BOX_NAME_A, XP_BOX_NAME_B};

	for (unsigned i = 0; i < 2; i++) {
		used(l);
		unlinkat(l->fd, names[i], 0);
		assert_refused(l, XP_E_REFUSED, "keep repair");
		assert_opens_whole(l, false);
		assert_int_equal(xp_box_pair_repair(&name, l->fd, "stick", NULL), XP_OK);
		assert_string_equal(name, names[i]);
		assert_opens_whole(l, true);
	}
}

static void test_box_damaged_anywhere_is_mended_from_the_other(void **in)
{
	const struct lab *l = *in;
	static const off_t places[] = {0, 8, 480, 4096, 4096 + 300, 4608, 5120, 5120 + 511};
	static const int fills[] = {0, 0xff, 0x5a};

	for (size_t i = 0; i < XP_ARRAY_LEN(places); i++)
		for (size_t k = 0; k < XP_ARRAY_LEN(fills); k++) {
			used(l);
			scribble(l, k % 2 ? XP_BOX_NAME_A : XP_BOX_NAME_B, places[i], 16, fills[k]);
			assert_opens_whole(l, true);
			/* mended: now the other may go */
			scribble(l, k % 2 ? XP_BOX_NAME_B : XP_BOX_NAME_A, 0, 8192, 0x11);
			assert_opens_whole(l, true);
		}
}

static void test_box_of_zeros_beside_a_used_one_is_filled(void **in)
{
	const struct lab *l = *in;

	used(l);
	scribble(l, XP_BOX_NAME_A, 0, BOX_BYTES, 0);
	assert_opens_whole(l, true);
	scribble(l, XP_BOX_NAME_B, 0, BOX_BYTES, 0);
	assert_opens_whole(l, true);
}

static void test_box_both_damaged_are_never_begun_anew(void **in)
{
	const struct lab *l = *in;

	used(l);
	scribble(l, XP_BOX_NAME_A, 0, 512, 0x33);
	scribble(l, XP_BOX_NAME_B, 0, 512, 0);
	assert_refused(l, XP_E_REFUSED, "neither box can be used");
	assert_refused(l, XP_E_REFUSED, "neither box can be used");
}

static void test_box_header_torn_at_the_first_start_is_fresh(void **in)
{
	const struct lab *l = *in;
	AUTO(xp_box_pair_free) struct xp_box_pair *pair = NULL;

	assert_int_equal(xp_box_pair_make(l->fd, BOX_BYTES, NULL), XP_OK);
	scribble(l, XP_BOX_NAME_A, 0, 512, 0x33);
	assert_int_equal(open_pair(&pair, l, true, NULL), XP_OK);
	assert_int_equal(xp_box_pair_index(pair)->n, 0);
}

static void test_box_both_damaged_at_one_place_lost_something(void **in)
{
	const struct lab *l = *in;

	used(l);
	/* the first entry; two that were acknowledged after it stand behind */
	scribble(l, XP_BOX_NAME_A, 4096 + 256, 4, 0x77);
	scribble(l, XP_BOX_NAME_B, 4096 + 256, 4, 0x77);
	assert_refused(l, XP_E_REFUSED, "what was kept behind it is missing");
}

static void copy(const struct lab *l, const char *from, const char *to)
{
	AUTO_FD int in = openat(l->fd, from, O_RDONLY);
	AUTO_FD int out = openat(l->fd, to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	AUTO_MEM char *bytes = malloc(BOX_BYTES);

	assert_int_equal(pread(in, bytes, BOX_BYTES, 0), BOX_BYTES);
	assert_int_equal(pwrite(out, bytes, BOX_BYTES, 0), BOX_BYTES);
}

static void test_box_of_another_stick_is_refused(void **in)
{
	const struct lab *l = *in;

	used(l);
	copy(l, XP_BOX_NAME_A, "saved");
	used(l);
	copy(l, "saved", XP_BOX_NAME_A);
	assert_refused(l, XP_E_REFUSED, "different sticks");
	/* also where only its header can still be read */
	scribble(l, XP_BOX_NAME_A, 4096, 512, 0);
	assert_refused(l, XP_E_REFUSED, "different sticks");
}

static void test_box_two_histories_are_refused(void **in)
{
	const struct lab *l = *in;
	struct xp_box_pair *pair = NULL;

	used(l);
	copy(l, XP_BOX_NAME_A, "saved");
	assert_int_equal(open_pair(&pair, l, true, NULL), XP_OK);
	put(pair, "host.crt", "one");
	xp_box_pair_free(&pair);
	copy(l, XP_BOX_NAME_A, XP_BOX_NAME_B);
	copy(l, "saved", XP_BOX_NAME_A);
	copy(l, XP_BOX_NAME_B, "saved");
	copy(l, XP_BOX_NAME_A, XP_BOX_NAME_B);
	assert_int_equal(open_pair(&pair, l, true, NULL), XP_OK);
	put(pair, "host.crt", "two");
	xp_box_pair_free(&pair);
	copy(l, "saved", XP_BOX_NAME_B);
	assert_refused(l, XP_E_REFUSED, "different histories");
}

static void test_box_older_one_is_brought_up(void **in)
{
	const struct lab *l = *in;
	struct xp_box_pair *pair = NULL;

	used(l);
	copy(l, XP_BOX_NAME_A, "saved");
	assert_int_equal(open_pair(&pair, l, true, NULL), XP_OK);
	put(pair, "host.crt", "newer");
	xp_box_pair_free(&pair);
	copy(l, "saved", XP_BOX_NAME_A);
	assert_int_equal(open_pair(&pair, l, true, NULL), XP_OK);
	assert_has(pair, "host.crt", "newer");
	xp_box_pair_free(&pair);
}

static void test_box_of_a_wrong_shape_is_refused(void **in)
{
	const struct lab *l = *in;
	AUTO_FD int fd = -1;

	used(l);
	fd = openat(l->fd, XP_BOX_NAME_A, O_WRONLY);
	assert_int_equal(ftruncate(fd, BOX_BYTES - 100), 0);
	assert_refused(l, XP_E_MALFORMED, "whole sectors");
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_refused(l, XP_E_MALFORMED, "a box has from");
	assert_int_equal(ftruncate(fd, BOX_BYTES), 0);
	assert_refused(l, XP_E_MALFORMED, "holes");
	unlinkat(l->fd, XP_BOX_NAME_A, 0);
	assert_int_equal(mkdirat(l->fd, XP_BOX_NAME_A, 0700), 0);
	assert_refused(l, XP_E_REFUSED, XP_BOX_NAME_A);
	assert_int_equal(unlinkat(l->fd, XP_BOX_NAME_A, AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("/dev/null", l->fd, XP_BOX_NAME_A), 0);
	assert_refused(l, XP_E_REFUSED, XP_BOX_NAME_A);
}

static void test_box_make_never_writes_over(void **in)
{
	const struct lab *l = *in;

	used(l);
	assert_int_equal(xp_box_pair_make(l->fd, BOX_BYTES, NULL), XP_E_REFUSED);
	unlinkat(l->fd, XP_BOX_NAME_A, 0);
	assert_int_equal(xp_box_pair_make(l->fd, BOX_BYTES, NULL), XP_E_REFUSED);
	unlinkat(l->fd, XP_BOX_NAME_B, 0);
	assert_int_equal(xp_box_pair_make(l->fd, 4096, NULL), XP_E_USAGE);
	assert_int_equal(xp_box_pair_make(l->fd, BOX_BYTES + 1, NULL), XP_E_USAGE);
	assert_int_equal(xp_box_pair_make(l->fd, 5ull << 30, NULL), XP_E_USAGE);
}

static void test_box_opened_to_be_read_is_not_written(void **in)
{
	const struct lab *l = *in;
	AUTO_MEM char *before = malloc(BOX_BYTES);
	AUTO_MEM char *after = malloc(BOX_BYTES);
	AUTO_FD int fd = -1;

	used(l);
	scribble(l, XP_BOX_NAME_A, 4608, 16, 0);
	fd = openat(l->fd, XP_BOX_NAME_A, O_RDONLY);
	assert_int_equal(pread(fd, before, BOX_BYTES, 0), BOX_BYTES);
	assert_opens_whole(l, false);
	assert_int_equal(pread(fd, after, BOX_BYTES, 0), BOX_BYTES);
	assert_memory_equal(before, after, BOX_BYTES);
}

static void test_box_paths_only_of_the_forms_that_are_ours(void **in)
{
	static const char *const good[] = {
		"index.csv",
		"log.key",
		"log/checkpoint",
		"log/tile/entries/000.p/7",
		"log/tile/0/x001/x234/067",
		"log/tile/1/000",
		"certificates/01900000-0000-7000-8000-000000000001.json.p7s",
		"jobs/01900000-0000-7000-8000-000000000001/journal.jsonl",
		"jobs/01900000-0000-7000-8000-000000000001/baseline-2",
	};
	static const char *const bad[] = {
		"",
		"/etc/passwd",
		"../index.csv",
		"jobs/../log.key",
		"jobs/01900000-0000-7000-8000-000000000001/../../x",
		"jobs/01900000-0000-7000-8000-000000000001",
		"jobs/01900000-0000-7000-8000-00000000000G/journal.jsonl",
		"certificates/.x.json",
		"certificates/01900000-0000-7000-8000-000000000001.json/x",
		"log/tile/9/000",
		"log/tile/0/00",
		"log/tile/0/000.p/",
		"log/tile/0/../000",
		"log/checkpoint/",
		"keep.id",
		"index.csv/",
	};

	(void)in;
	for (size_t i = 0; i < XP_ARRAY_LEN(good); i++)
		if (!xp_box_path_is_file(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++)
		if (xp_box_path_is_file(bad[i]))
			fail_msg("%s", bad[i]);
	assert_true(xp_box_path_is_folder("jobs/01900000-0000-7000-8000-000000000001"));
	assert_true(xp_box_path_is_folder("log/tile/0/000.p"));
	assert_false(xp_box_path_is_folder("jobs"));
	assert_false(xp_box_path_is_folder("certificates"));
	assert_false(xp_box_path_is_folder("log/tile/0"));
}

static void tell_tile(struct xp_box_index *index, const char *path)
{
	struct xp_box_entry entry = {.kind = XP_BOX_PUT};

	snprintf(entry.path, sizeof(entry.path), "%s", path);
	assert_int_equal(xp_box_index_apply(index, &entry, 0, NULL), XP_OK);
}

static void test_box_index_tiles_go_when_the_checkpoint_no_longer_needs_them(void **in)
{
	AUTO(xp_box_index_free) struct xp_box_index index = {0};

	(void)in;
	tell_tile(&index, "log/tile/0/000.p/9");
	tell_tile(&index, "log/tile/0/000.p/10");
	assert_non_null(xp_box_index_find(&index, "log/tile/0/000.p/9"));
	tell_tile(&index, "log/checkpoint");
	assert_null(xp_box_index_find(&index, "log/tile/0/000.p/9"));
	assert_non_null(xp_box_index_find(&index, "log/tile/0/000.p/10"));
	tell_tile(&index, "log/tile/0/000");
	tell_tile(&index, "log/tile/0/001.p/1");
	tell_tile(&index, "log/checkpoint");
	assert_null(xp_box_index_find(&index, "log/tile/0/000.p/10"));
	assert_non_null(xp_box_index_find(&index, "log/tile/0/001.p/1"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_box_none_there_says_how_to_make_them),
		T(test_box_one_gone_is_refused_read_and_made_anew),
		T(test_box_damaged_anywhere_is_mended_from_the_other),
		T(test_box_of_zeros_beside_a_used_one_is_filled),
		T(test_box_both_damaged_are_never_begun_anew),
		T(test_box_header_torn_at_the_first_start_is_fresh),
		T(test_box_both_damaged_at_one_place_lost_something),
		T(test_box_of_another_stick_is_refused),
		T(test_box_two_histories_are_refused),
		T(test_box_older_one_is_brought_up),
		T(test_box_of_a_wrong_shape_is_refused),
		T(test_box_make_never_writes_over),
		T(test_box_opened_to_be_read_is_not_written),
		T(test_box_paths_only_of_the_forms_that_are_ours),
		T(test_box_index_tiles_go_when_the_checkpoint_no_longer_needs_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
