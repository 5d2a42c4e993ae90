/*
 * Several processes on one pair of boxes, some of which die or fail at a box: what one of them
 * acknowledged is undone by none of the others, and stands in both boxes again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/box_pair.h"
#include "cli/job_keep.h"

#define BOX_BYTES (1u << 20)
#define JOURNAL	  "jobs/01900000-0000-7000-8000-000000000001/journal.jsonl"

/* A process that dies, or for which a box fails, while the bytes that it wrote stay. */
struct process {
	struct xp_box_ops ops;
	unsigned writes;
	unsigned dies_at; /* its writes from this one on are none; 0: it lives */
	char fails;	  /* 'a' or 'b': this box cannot be written; 0: both can */
};

struct lab {
	char dir[64];
	int fd;
	char local[300000]; /* what the state folder holds, for handles with a source */
};

static ssize_t do_pread(void *ctx, int fd, void *data, size_t len, off_t at)
{
	(void)ctx;
	return pread(fd, data, len, at);
}

static bool is_failing(const struct process *p, int fd)
{
	char link[64];
	char name[300] = "";
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name) - 1);
	return n > 5 && name[n - 5] == p->fails;
}

static ssize_t do_pwrite(void *ctx, int fd, const void *data, size_t len, off_t at)
{
	struct process *p = ctx;

	p->writes++;
	if ((p->dies_at && p->writes >= p->dies_at) || (p->fails && is_failing(p, fd))) {
		errno = EIO;
		return -1;
	}
	return pwrite(fd, data, len, at);
}

static int do_sync(void *ctx, int fd)
{
	const struct process *p = ctx;

	(void)fd;
	errno = EIO;
	return p->dies_at && p->writes >= p->dies_at ? -1 : 0;
}

static void born(struct process *p)
{
	*p = (struct process){
		.ops = {.pread = do_pread, .pwrite = do_pwrite, .sync = do_sync, .ctx = p}};
}

static int setup(void **out)
{
	struct lab *l = calloc(1, sizeof(*l));
	bool shm = access("/dev/shm", W_OK) == 0;

	assert_non_null(l);
	snprintf(l->dir, sizeof(l->dir), "%s/xp-boxs-XXXXXX", shm ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(l->dir));
	l->fd = open(l->dir, O_RDONLY | O_DIRECTORY);
	assert_true(l->fd >= 0);
	assert_int_equal(xp_box_pair_make(l->fd, BOX_BYTES, NULL), XP_OK);
	*out = l;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static int teardown(void **in)
{
	struct lab *l = *in;

	close(l->fd);
	assert_int_equal(nftw(l->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(l);
	return 0;
}

static enum xp_rc read_lab(void *ctx, const char *path, char **out, size_t *len, struct xp_err *err)
{
	const struct lab *l = ctx;

	(void)path;
	(void)err;
	*out = strdup(l->local);
	*len = strlen(l->local);
	return *out ? XP_OK : XP_E_NOMEM;
}

static struct xp_box_pair *opened(struct lab *l, const struct xp_box_ops *ops, bool has_source)
{
	struct xp_box_pair_request req = {
		.dir_fd = l->fd, .dir = "stick", .writes = true, .ops = ops};
	struct xp_box_pair *pair = NULL;
	struct xp_err err = {0};

	if (has_source)
		req.source = (struct xp_box_source){.ctx = l, .read = read_lab};
	if (xp_box_pair_open(&pair, &req, &err) != XP_OK)
		fail_msg("%s", err.msg);
	xp_box_pair_unlock(pair);
	return pair;
}

static void tell(struct xp_box_pair *pair, const char *path, const char *bytes, size_t len)
{
	struct xp_box_entry entry = {.kind = XP_BOX_PUT, .len = (uint32_t)len};

	snprintf(entry.path, sizeof(entry.path), "%s", path);
	assert_int_equal(xp_box_pair_tell(pair, &entry, bytes, NULL), XP_OK);
}

static enum xp_rc put(struct xp_box_pair *pair, const char *path, const char *text)
{
	tell(pair, path, text, strlen(text));
	return xp_box_pair_flush(pair, NULL);
}

static void scribble_header(const struct lab *l, const char *name)
{
	AUTO_FD int fd = openat(l->fd, name, O_WRONLY);
	char noise[512];

	memset(noise, 0x5b, sizeof(noise));
	assert_int_equal(pwrite(fd, noise, sizeof(noise), 0), sizeof(noise));
}

static void assert_kept(struct lab *l, const char *path, const char *text)
{
	struct xp_box_pair *pair = opened(l, xp_box_ops_system(), false);
	AUTO_MEM char *data = NULL;
	size_t len = 0;

	if (xp_box_pair_read(pair, path, &data, &len, NULL) != XP_OK)
		fail_msg("%s is lost", path);
	assert_string_equal(data, text);
	xp_box_pair_free(&pair);
}

/* SECOND dies while it writes the boxes anew; ONE goes on, and LOSES is then torn. */
static bool die_anew(struct lab *l, unsigned dies_at, const char *loses)
{
	AUTO(xp_box_pair_free) struct xp_box_pair *one = NULL;
	AUTO(xp_box_pair_free) struct xp_box_pair *second = NULL;
	struct process p;
	enum xp_rc rc = XP_OK;

	unlinkat(l->fd, XP_BOX_NAME_A, 0);
	unlinkat(l->fd, XP_BOX_NAME_B, 0);
	assert_int_equal(xp_box_pair_make(l->fd, BOX_BYTES, NULL), XP_OK);
	born(&p);
	one = opened(l, xp_box_ops_system(), false);
	second = opened(l, &p.ops, false);
	assert_int_equal(put(one, "host.crt", "early"), XP_OK);
	memset(l->local, 'c', sizeof(l->local) - 1);
	for (unsigned i = 0; i < 3; i++) {
		l->local[0] = (char)('0' + i);
		assert_int_equal(put(second, "log/checkpoint", l->local), XP_OK);
	}
	assert_int_equal(put(one, "log.vkey", "before"), XP_OK);
	p.dies_at = dies_at;
	p.writes = 0;
	l->local[0] = '3';
	rc = put(second, "log/checkpoint", l->local);
	xp_box_pair_free(&second);
	assert_int_equal(put(one, "index.csv", "acknowledged"), XP_OK);
	scribble_header(l, loses);
	assert_kept(l, "index.csv", "acknowledged");
	assert_kept(l, "host.crt", "early");
	return rc == XP_OK;
}

static void test_box_shared_one_dies_writing_anew_and_the_other_goes_on(void **in)
{
	static const char *const names[] = {XP_BOX_NAME_A, XP_BOX_NAME_B};

	for (unsigned i = 0; i < 2; i++) {
		unsigned step = 1;

		while (!die_anew(*in, step, names[i]))
			step++;
		assert_true(step > 8);
	}
}

static void test_box_shared_two_boxes_never_go_two_ways(void **in)
{
	struct lab *l = *in;
	struct process p;
	struct process q;
	struct xp_box_pair *one;
	struct xp_box_pair *two;

	born(&p);
	born(&q);
	one = opened(l, &p.ops, false);
	two = opened(l, &q.ops, false);
	/* for the one A fails: it goes on with B */
	p.fails = 'a';
	assert_int_equal(put(one, "host.crt", "in b alone"), XP_OK);
	p.fails = 0;
	/* for the other B fails: it goes on with A, which it has mended */
	assert_int_equal(put(two, "host.key", "in both"), XP_OK);
	q.fails = 'b';
	assert_int_equal(put(two, "log.vkey", "in a alone"), XP_OK);
	q.fails = 0;
	/* what the one acknowledged now would be a second history */
	assert_int_equal(put(one, "index.csv", "x"), XP_E_REFUSED);
	xp_box_pair_free(&one);
	xp_box_pair_free(&two);
	assert_kept(l, "host.crt", "in b alone");
	assert_kept(l, "host.key", "in both");
	assert_kept(l, "log.vkey", "in a alone");
}

static void test_box_shared_what_was_told_late_undoes_nothing(void **in)
{
	struct lab *l = *in;
	struct xp_box_pair *one = opened(l, xp_box_ops_system(), true);
	struct xp_box_pair *two = opened(l, xp_box_ops_system(), true);

	snprintf(l->local, sizeof(l->local), "first");
	tell(one, "log/checkpoint", "first", 5);
	snprintf(l->local, sizeof(l->local), "second");
	assert_int_equal(put(two, "log/checkpoint", "second"), XP_OK);
	assert_int_equal(xp_box_pair_flush(one, NULL), XP_OK);
	xp_box_pair_free(&one);
	xp_box_pair_free(&two);
	assert_kept(l, "log/checkpoint", "second");
}

/* --- state folders --- */

struct host {
	struct xp_state state;
	struct xp_keep *keep;
};

static enum xp_rc start(struct host *h, const struct lab *l, const char *name, struct xp_err *err)
{
	char path[128];

	h->keep = NULL;
	snprintf(path, sizeof(path), "%s/%s", l->dir, name);
	assert_int_equal(xp_state_open(&h->state, path, NULL), XP_OK);
	return xp_keep_open(&h->keep, &h->state, l->dir, true, err);
}

static void end(struct host *h)
{
	xp_keep_free(&h->keep);
	xp_state_close(&h->state);
}

static void write_file(const struct host *h, const char *path, const char *text)
{
	AUTO_FD int fd = openat(h->state.fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static enum xp_rc keep(const struct host *h, const char *path, const char *text)
{
	struct xp_err err;

	write_file(h, path, text);
	TRY(xp_state_keep_file(&h->state, path, &err));
	return xp_durable_flush(h->state.durable, &err);
}

static void test_box_shared_an_older_state_folder_never_goes_over_the_boxes(void **in)
{
	struct lab *l = *in;
	struct host first = {0};
	struct host second = {0};
	struct xp_err err = {0};

	assert_int_equal(start(&first, l, "one", &err), XP_OK);
	assert_int_equal(keep(&first, "index.csv", "of one\n"), XP_OK);
	end(&first);
	/* the same folder again is at home, and what it has more is taken */
	assert_int_equal(xp_state_open(&first.state, first.state.path, NULL), XP_OK);
	write_file(&first, "index.csv", "of one, killed\n");
	xp_state_close(&first.state);
	assert_int_equal(start(&first, l, "one", &err), XP_OK);
	end(&first);
	assert_kept(l, "index.csv", "of one, killed\n");
	/* the stick goes to another machine, and has a job there */
	assert_int_equal(start(&second, l, "two", &err), XP_OK);
	assert_int_equal(keep(&second, "index.csv", "of one\nof two\n"), XP_OK);
	assert_int_equal(
		mkdirat(second.state.jobs_fd, "01900000-0000-7000-8000-000000000001", 0700), 0);
	assert_int_equal(keep(&second, JOURNAL, "{}\n"), XP_OK);
	end(&second);
	/* and comes back */
	assert_int_equal(start(&first, l, "one", &err), XP_E_REFUSED);
	assert_non_null(strstr(err.msg, "holds something else"));
	end(&first);
	assert_kept(l, "index.csv", "of one\nof two\n");
	assert_kept(l, JOURNAL, "{}\n");
	/* an empty one goes on */
	assert_int_equal(start(&first, l, "three", &err), XP_OK);
	end(&first);
	assert_kept(l, JOURNAL, "{}\n");
}

static void test_box_shared_two_state_folders_do_not_take_turns(void **in)
{
	struct lab *l = *in;
	struct host first = {0};
	struct host second = {0};

	assert_int_equal(start(&first, l, "one", NULL), XP_OK);
	assert_int_equal(keep(&first, "index.csv", "one\n"), XP_OK);
	assert_int_equal(start(&second, l, "two", NULL), XP_OK);
	assert_int_equal(keep(&second, "index.csv", "one\ntwo\n"), XP_OK);
	assert_int_equal(keep(&first, "index.csv", "one\none\n"), XP_E_REFUSED);
	end(&first);
	end(&second);
	assert_kept(l, "index.csv", "one\ntwo\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_box_shared_one_dies_writing_anew_and_the_other_goes_on),
		T(test_box_shared_two_boxes_never_go_two_ways),
		T(test_box_shared_what_was_told_late_undoes_nothing),
		T(test_box_shared_an_older_state_folder_never_goes_over_the_boxes),
		T(test_box_shared_two_state_folders_do_not_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
