/* Whole files in: what is no regular file is not even opened, by name or below a folder. */
#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"

#define PATH_LEN 256

struct place {
	char dir[PATH_LEN];
	int fd;
};

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	/* short: the name of a socket must fit */
	snprintf(p->dir, sizeof(p->dir), "%.60s/read-XXXXXX",
		 tmp && strlen(tmp) < 60 ? tmp : "/tmp");
	assert_non_null(mkdtemp(p->dir));
	p->fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->fd >= 0);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"file", "pipe", "socket", "link"};
	struct place *p = *state;

	for (size_t i = 0; i < XP_ARRAY_LEN(names); i++)
		unlinkat(p->fd, names[i], 0);
	unlinkat(p->fd, "folder", AT_REMOVEDIR);
	close(p->fd);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static void path_of(char out[PATH_LEN], const struct place *p, const char *name)
{
	assert_true(snprintf(out, PATH_LEN, "%.100s/%.100s", p->dir, name) < PATH_LEN);
}

static void put(const struct place *p, const char *text)
{
	AUTO_FD int fd = openat(p->fd, "file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(xp_fd_write_all(fd, text, strlen(text), NULL), XP_OK);
}

/* Both ways to read NAME end with RC. */
static void expect(const struct place *p, const char *name, enum xp_rc rc)
{
	char path[PATH_LEN];
	AUTO_MEM char *a = NULL;
	AUTO_MEM char *b = NULL;
	size_t len = 0;

	path_of(path, p, name);
	assert_int_equal(xp_file_read(&a, &len, path, 64, NULL), rc);
	assert_int_equal(xp_file_read_at(&b, &len, p->fd, name, 64, NULL), rc);
}

/* Neither way opens NAME: whatever opening it would set off does not happen. */
static void expect_untouched(const struct place *p, const char *name)
{
	char path[PATH_LEN];
	char event[4096];
	AUTO_FD int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	int fd;

	path_of(path, p, name);
	assert_true(watch >= 0);
	assert_true(inotify_add_watch(watch, path, IN_OPEN) >= 0);
	expect(p, name, XP_E_MALFORMED);
	assert_int_equal(read(watch, event, sizeof(event)), -1);
	/* the watch does see who opens it */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		assert_true(read(watch, event, sizeof(event)) > 0);
		close(fd);
	}
}

static void test_file_read_regular_is_read(void **state)
{
	const struct place *p = *state;
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	put(p, "hello");
	assert_int_equal(xp_file_read_at(&text, &len, p->fd, "file", 5, NULL), XP_OK);
	assert_int_equal(len, 5);
	assert_string_equal(text, "hello");
	expect(p, "file", XP_OK);
	expect(p, "nothing", XP_E_NOENT);
}

static void test_file_read_larger_than_asked_is_refused(void **state)
{
	const struct place *p = *state;
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	put(p, "hello");
	assert_int_equal(xp_file_read_at(&text, &len, p->fd, "file", 4, NULL), XP_E_MALFORMED);
	assert_null(text);
}

static void test_file_read_fifo_is_not_opened(void **state)
{
	const struct place *p = *state;

	assert_int_equal(mkfifoat(p->fd, "pipe", 0600), 0);
	expect_untouched(p, "pipe");
}

static void test_file_read_socket_is_not_opened(void **state)
{
	const struct place *p = *state;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	AUTO_FD int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(snprintf(at.sun_path, sizeof(at.sun_path), "%.80s/socket", p->dir) <
		    (int)sizeof(at.sun_path));
	assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof(at)), 0);
	expect_untouched(p, "socket");
}

static void test_file_read_device_is_refused(void **state)
{
	const struct place *p = *state;
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	assert_int_equal(xp_file_read(&text, &len, "/dev/zero", 64, NULL), XP_E_MALFORMED);
	/* a name from the root stands below no folder */
	assert_int_equal(xp_file_read_at(&text, &len, p->fd, "/dev/zero", 64, NULL),
			 XP_E_MALFORMED);
}

static void test_file_read_folder_is_refused(void **state)
{
	const struct place *p = *state;

	assert_int_equal(mkdirat(p->fd, "folder", 0700), 0);
	expect(p, "folder", XP_E_MALFORMED);
}

/* Below a folder the last part of a name is never followed elsewhere. */
static void test_file_read_link_is_followed_by_path_only(void **state)
{
	const struct place *p = *state;
	char path[PATH_LEN];
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	put(p, "hello");
	assert_int_equal(symlinkat("file", p->fd, "link"), 0);
	path_of(path, p, "link");
	assert_int_equal(xp_file_read_at(&text, &len, p->fd, "link", 64, NULL), XP_E_IO);
	assert_int_equal(xp_file_read(&text, &len, path, 64, NULL), XP_OK);
	assert_string_equal(text, "hello");
}

static void test_file_read_link_to_fifo_is_not_opened(void **state)
{
	const struct place *p = *state;
	char path[PATH_LEN];
	char event[4096];
	AUTO_MEM char *text = NULL;
	AUTO_FD int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	size_t len = 0;

	assert_int_equal(mkfifoat(p->fd, "pipe", 0600), 0);
	assert_int_equal(symlinkat("pipe", p->fd, "link"), 0);
	path_of(path, p, "pipe");
	assert_true(inotify_add_watch(watch, path, IN_OPEN) >= 0);
	path_of(path, p, "link");
	assert_int_equal(xp_file_read(&text, &len, path, 64, NULL), XP_E_MALFORMED);
	assert_int_equal(read(watch, event, sizeof(event)), -1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_file_read_regular_is_read),
		T(test_file_read_larger_than_asked_is_refused),
		T(test_file_read_fifo_is_not_opened),
		T(test_file_read_socket_is_not_opened),
		T(test_file_read_device_is_refused),
		T(test_file_read_folder_is_refused),
		T(test_file_read_link_is_followed_by_path_only),
		T(test_file_read_link_to_fifo_is_not_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
