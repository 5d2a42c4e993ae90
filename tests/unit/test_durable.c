/* Who else keeps the state folder: what the writers tell is what stands there, in its order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "certs/log_writer.h"
#include "sanitize/journal.h"

#define FILES_MAX 64

/* A sink that keeps all in memory. */
struct sink {
	struct {
		char path[128];
		struct xp_buf bytes;
		bool gone;
	} files[FILES_MAX];
	unsigned n;
	unsigned told, unflushed, flushes;
	unsigned fail_at; /* the call that fails; 0: none */
	struct xp_durable durable;
};

static struct xp_buf *bytes_of(struct sink *s, const char *path)
{
	unsigned i = 0;

	while (i < s->n && strcmp(s->files[i].path, path) != 0)
		i++;
	assert_true(i < FILES_MAX);
	if (i == s->n)
		snprintf(s->files[s->n++].path, sizeof(s->files[0].path), "%s", path);
	s->files[i].gone = false;
	return &s->files[i].bytes;
}

static enum xp_rc tell(struct sink *s, struct xp_err *err)
{
	s->unflushed++;
	if (++s->told == s->fail_at)
		return xp_fail(err, XP_E_IO, "the stick was pulled");
	return XP_OK;
}

static enum xp_rc sink_append(void *ctx, const char *path, uint64_t offset, const void *bytes,
			      size_t len, struct xp_err *err)
{
	struct xp_buf *b = bytes_of(ctx, path);

	TRY(tell(ctx, err));
	assert_true(offset <= b->len);
	b->len = (size_t)offset;
	xp_buf_add(b, bytes, len);
	return XP_OK;
}

static enum xp_rc sink_replace(void *ctx, const char *path, const void *bytes, size_t len,
			       struct xp_err *err)
{
	return sink_append(ctx, path, 0, bytes, len, err);
}

static enum xp_rc sink_remove(void *ctx, const char *path, struct xp_err *err)
{
	struct sink *s = ctx;

	TRY(tell(s, err));
	for (unsigned i = 0; i < s->n; i++)
		if (strncmp(s->files[i].path, path, strlen(path)) == 0)
			s->files[i].gone = true;
	return XP_OK;
}

static enum xp_rc sink_flush(void *ctx, struct xp_err *err)
{
	struct sink *s = ctx;

	(void)err;
	s->unflushed = 0;
	s->flushes++;
	return XP_OK;
}

struct lab {
	char dir[64];
	int fd, jobs_fd;
	struct sink sink;
};

static int setup(void **out)
{
	struct lab *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	snprintf(l->dir, sizeof(l->dir), "/tmp/xp-durable-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	l->fd = open(l->dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(mkdirat(l->fd, "jobs", 0700), 0);
	l->jobs_fd = openat(l->fd, "jobs", O_RDONLY | O_DIRECTORY);
	assert_true(l->fd >= 0 && l->jobs_fd >= 0);
	l->sink.durable = (struct xp_durable){
		&l->sink, sink_append, sink_replace, sink_remove, sink_flush,
	};
	*out = l;
	return 0;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int teardown(void **in)
{
	struct lab *l = *in;

	close(l->fd);
	close(l->jobs_fd);
	nftw(l->dir, drop, 8, FTW_DEPTH | FTW_PHYS);
	for (unsigned i = 0; i < l->sink.n; i++)
		xp_buf_free(&l->sink.files[i].bytes);
	free(l);
	return 0;
}

static void assert_same_as_disk(const struct lab *l, const char *path)
{
	const struct sink *s = &l->sink;
	AUTO_MEM char *data = NULL;
	size_t len = 0;

	for (unsigned i = 0; i < s->n; i++) {
		if (strcmp(s->files[i].path, path) != 0)
			continue;
		assert_false(s->files[i].gone);
		assert_int_equal(xp_file_read_at(&data, &len, l->fd, path, 1u << 20, NULL), XP_OK);
		assert_int_equal(len, s->files[i].bytes.len);
		assert_memory_equal(data, s->files[i].bytes.data, len);
		return;
	}
	fail_msg("%s was never told", path);
}

static void test_journal_keep_lines_are_told(void **in)
{
	struct lab *l = *in;
	AUTO(xp_journal_close) struct xp_journal *j = NULL;

	assert_int_equal(xp_journal_create(&j, l->jobs_fd, "j1", NULL), XP_OK);
	xp_journal_keep(j, &l->sink.durable);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(xp_journal_add(j, json_pack("{s:i}", "n", i), NULL), XP_OK);
		assert_int_equal(l->sink.unflushed, 0);
	}
	assert_same_as_disk(l, "jobs/j1/journal.jsonl");
}

static void test_journal_keep_after_torn_tail_goes_on_from_there(void **in)
{
	struct lab *l = *in;
	struct xp_journal *j = NULL;
	AUTO_FD int fd = -1;
	json_t *lines = NULL;

	assert_int_equal(xp_journal_create(&j, l->jobs_fd, "j1", NULL), XP_OK);
	xp_journal_keep(j, &l->sink.durable);
	assert_int_equal(xp_journal_add(j, json_pack("{s:i}", "n", 1), NULL), XP_OK);
	xp_journal_close(&j);
	fd = openat(l->jobs_fd, "j1/journal.jsonl", O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "{\"n\":", 5), 5);
	sink_append(&l->sink, "jobs/j1/journal.jsonl", 8, "{\"n\":", 5, NULL);
	assert_int_equal(xp_journal_open(&j, &lines, l->jobs_fd, "j1", NULL), XP_OK);
	json_decref(lines);
	xp_journal_keep(j, &l->sink.durable);
	assert_int_equal(xp_journal_add(j, json_pack("{s:i}", "n", 2), NULL), XP_OK);
	assert_same_as_disk(l, "jobs/j1/journal.jsonl");
	xp_journal_close(&j);
}

static void test_journal_add_nobody_else_keeps_it_is_an_error(void **in)
{
	struct lab *l = *in;
	AUTO(xp_journal_close) struct xp_journal *j = NULL;
	struct xp_err err;

	assert_int_equal(xp_journal_create(&j, l->jobs_fd, "j1", NULL), XP_OK);
	xp_journal_keep(j, &l->sink.durable);
	l->sink.fail_at = 2;
	assert_int_equal(xp_journal_add(j, json_pack("{s:i}", "n", 1), &err), XP_OK);
	assert_int_equal(xp_journal_add(j, json_pack("{s:i}", "n", 2), &err), XP_E_IO);
	assert_non_null(strstr(err.msg, "pulled"));
}

static void append_leaf(struct xp_log *log, unsigned n)
{
	const uint8_t digest[32] = {(uint8_t)n};
	AUTO_MEM char *leaf = NULL;
	char id[XP_UUID_LEN];
	uint64_t index = 0;
	size_t len = 0;

	snprintf(id, sizeof(id), "01900000-0000-7000-8000-%012u", n);
	assert_int_equal(xp_log_leaf_start(&leaf, &len, id, digest, 1800000000, NULL), XP_OK);
	assert_int_equal(xp_log_append(log, leaf, len, &index, NULL), XP_OK);
}

static struct lab *checked;

/* Every file of the log that is on the disk was told, but for the lock. */
static int check_file(const char *path, const struct stat *st, int type, struct FTW *at)
{
	const char *name = path + strlen(checked->dir) + 1;

	(void)st;
	(void)at;
	if (type == FTW_F && strcmp(name, "log.lock") != 0)
		assert_same_as_disk(checked, name);
	return 0;
}

static void test_log_kept_every_file_is_told(void **in)
{
	struct lab *l = *in;
	AUTO(xp_log_free) struct xp_log *log = NULL;

	assert_int_equal(
		xp_log_open_kept(&log, l->fd, "x.example", xp_rng_system(), &l->sink.durable, NULL),
		XP_OK);
	assert_int_equal(l->sink.unflushed, 0);
	for (unsigned i = 0; i < 5; i++) {
		append_leaf(log, i);
		assert_int_equal(l->sink.unflushed, 0);
	}
	checked = l;
	assert_int_equal(nftw(l->dir, check_file, 8, FTW_PHYS), 0);
	assert_same_as_disk(l, "log.key");
	assert_same_as_disk(l, "log/checkpoint");
}

static void test_log_kept_checkpoint_comes_last(void **in)
{
	struct lab *l = *in;
	AUTO(xp_log_free) struct xp_log *log = NULL;
	const uint8_t digest[32] = {0};
	AUTO_MEM char *leaf = NULL;
	uint64_t index = 0;
	size_t len = 0;

	assert_int_equal(
		xp_log_open_kept(&log, l->fd, "x.example", xp_rng_system(), &l->sink.durable, NULL),
		XP_OK);
	append_leaf(log, 1);
	assert_int_equal(xp_log_leaf_start(&leaf, &len, "01900000-0000-7000-8000-000000000009",
					   digest, 1800000000, NULL),
			 XP_OK);
	/* the leaf is told before the checkpoint that covers it: without it, no checkpoint */
	l->sink.fail_at = l->sink.told + 1;
	assert_int_equal(xp_log_append(log, leaf, len, &index, NULL), XP_E_IO);
	{
		AUTO_MEM char *text = NULL;
		size_t text_len = 0;

		assert_int_equal(
			xp_file_read_at(&text, &text_len, l->fd, "log/checkpoint", 4096, NULL),
			XP_OK);
		assert_non_null(strstr(text, "\n1\n"));
	}
}

static void test_durable_chain_each_is_told_first_error_ends(void **in)
{
	struct lab *l = *in;
	struct sink *second = calloc(1, sizeof(*second));
	struct xp_durable_chain chain = {.n = 2};
	struct xp_durable both;

	assert_non_null(second);
	second->durable = (struct xp_durable){
		second, sink_append, sink_replace, sink_remove, sink_flush,
	};
	chain.links[0] = &l->sink.durable;
	chain.links[1] = &second->durable;
	both = xp_durable_chain_of(&chain);
	assert_int_equal(xp_durable_append(&both, "index.csv", 0, "ab", 2, NULL), XP_OK);
	assert_int_equal(xp_durable_append(&both, "index.csv", 2, "c", 1, NULL), XP_OK);
	assert_int_equal(xp_durable_replace(&both, "host.crt", "x", 1, NULL), XP_OK);
	assert_int_equal(xp_durable_remove(&both, "host.crt", NULL), XP_OK);
	assert_int_equal(xp_durable_flush(&both, NULL), XP_OK);
	assert_string_equal(xp_buf_str(bytes_of(second, "index.csv")), "abc");
	assert_string_equal(xp_buf_str(bytes_of(&l->sink, "index.csv")), "abc");
	assert_true(second->files[1].gone);
	assert_int_equal(second->flushes, 1);
	l->sink.fail_at = l->sink.told + 1;
	assert_int_equal(xp_durable_replace(&both, "index.csv", "x", 1, NULL), XP_E_IO);
	assert_int_equal(second->told, 4);
	for (unsigned i = 0; i < second->n; i++)
		xp_buf_free(&second->files[i].bytes);
	free(second);
}

static void test_durable_nobody_is_fine(void **in)
{
	(void)in;
	assert_int_equal(xp_durable_append(NULL, "index.csv", 0, "a", 1, NULL), XP_OK);
	assert_int_equal(xp_durable_replace(NULL, "index.csv", "a", 1, NULL), XP_OK);
	assert_int_equal(xp_durable_remove(NULL, "index.csv", NULL), XP_OK);
	assert_int_equal(xp_durable_flush(NULL, NULL), XP_OK);
	assert_true(xp_durable_is_secret("log.key"));
	assert_true(xp_durable_is_secret("host.key"));
	assert_false(xp_durable_is_secret("host.crt"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_journal_keep_lines_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_journal_keep_after_torn_tail_goes_on_from_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_journal_add_nobody_else_keeps_it_is_an_error,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_log_kept_every_file_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log_kept_checkpoint_comes_last, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_durable_chain_each_is_told_first_error_ends,
						setup, teardown),
		cmocka_unit_test(test_durable_nobody_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
