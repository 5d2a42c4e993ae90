/* A job waits for the stick that was pulled out; who shows a screen does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/box_pair.h"
#include "cli/job_keep.h"

#define LINE "jobs/01900000-0000-7000-8000-000000000001/journal.jsonl"

struct lab {
	char folder[64], stick[96], away[96], state_path[96];
	struct xp_state state;
	struct xp_keep *keep;
	struct xp_err err;
	enum xp_rc rc;
};

static int setup(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));
	AUTO_FD int fd = -1;

	if (!l)
		return -1;
	*state = l;
	/* boxes have no holes, and those of a file system in memory look like it */
	snprintf(l->folder, sizeof(l->folder), "/var/tmp/xp-wait-XXXXXX");
	if (!mkdtemp(l->folder))
		return -1;
	snprintf(l->stick, sizeof(l->stick), "%s/stick", l->folder);
	snprintf(l->away, sizeof(l->away), "%s/away", l->folder);
	snprintf(l->state_path, sizeof(l->state_path), "%s/state", l->folder);
	if (xp_dir_make_open(&fd, l->stick, 0700, &l->err) != XP_OK ||
	    xp_box_pair_make(fd, XP_BOX_BYTES_MIN, &l->err) != XP_OK ||
	    xp_state_open(&l->state, l->state_path, &l->err) != XP_OK ||
	    xp_keep_open(&l->keep, &l->state, l->stick, true, &l->err) != XP_OK) {
		print_error("%s\n", l->err.msg);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	struct lab *l = *state;
	char command[128];

	xp_keep_free(&l->keep);
	xp_state_close(&l->state);
	snprintf(command, sizeof(command), "rm -rf '%s'", l->folder);
	free(l);
	return system(command);
}

/* Whatever is done with its files fails from now on, and its folder is gone. */
static void pull(struct lab *l)
{
	AUTO_FD int nothing = open("/", O_PATH | O_CLOEXEC);

	assert_true(nothing >= 0);
	for (int fd = 3; fd < 256; fd++) {
		char name[64], path[256] = "";

		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		if (readlink(name, path, sizeof(path) - 1) > 0 && strstr(path, l->stick) &&
		    strstr(path, ".box"))
			assert_true(dup3(nothing, fd, O_CLOEXEC) >= 0);
	}
	assert_int_equal(rename(l->stick, l->away), 0);
}

static void *keep_line(void *lab)
{
	struct lab *l = lab;

	l->rc = xp_durable_append(l->state.durable, LINE, 0, "line\n", 5, &l->err);
	if (l->rc == XP_OK)
		l->rc = xp_durable_flush(l->state.durable, &l->err);
	return NULL;
}

static void begin_line(pthread_t *thread, struct lab *l)
{
	char folder[256];
	int jobs = -1;

	/* as the journal does it: on the local disk first */
	snprintf(folder, sizeof(folder), "%s/%.41s", l->state_path, LINE);
	assert_int_equal(xp_dir_make_open(&jobs, folder, 0700, &l->err), XP_OK);
	assert_int_equal(xp_file_write_at(jobs, "journal.jsonl", "line\n", 5, 0600, true, &l->err),
			 XP_OK);
	close(jobs);
	assert_int_equal(pthread_create(thread, NULL, keep_line, l), 0);
}

static void test_job_waits_until_the_stick_is_back(void **state)
{
	const struct timespec moment = {.tv_nsec = 50000000};
	struct lab *l = *state;
	pthread_t thread;

	xp_keep_wait_for_stick(l->keep, 600);
	pull(l);
	begin_line(&thread, l);
	nanosleep(&moment, NULL);
	assert_int_equal(rename(l->away, l->stick), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (l->rc != XP_OK)
		fail_msg("%s", l->err.msg);
}

static void test_job_that_may_not_wait_is_told_at_once(void **state)
{
	struct lab *l = *state;
	pthread_t thread;

	pull(l);
	begin_line(&thread, l);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(l->rc, XP_E_IO);
}

static void test_screen_does_not_wait(void **state)
{
	struct lab *l = *state;

	xp_keep_wait_for_stick(l->keep, 600);
	pull(l);
	keep_line(l);
	assert_int_equal(l->rc, XP_E_IO);
	assert_int_equal(rename(l->away, l->stick), 0);
	assert_int_equal(xp_durable_flush(l->state.durable, &l->err), XP_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_job_waits_until_the_stick_is_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_job_that_may_not_wait_is_told_at_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_screen_does_not_wait, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
