/* A process that has more rights than who looks: for a moment, and for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "device/usage_scan.h"

/* What this test gives up to be less than who is looked at, all from 0 to 31. */
#define GIVEN_UP (1u << CAP_SYS_PTRACE | 1u << CAP_NET_ADMIN)

struct other {
	pid_t pid;
	pid_t heir; /* 0: it is the other itself that is to be seen */
	int to, from;
	unsigned pauses;
};

static bool give_up(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &head, caps))
		return false;
	caps[0].effective &= ~GIVEN_UP;
	caps[0].permitted &= ~GIVEN_UP;
	return syscall(SYS_capset, &head, caps) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
}

/* It leaves what it holds to a process that was not there before, which holds it until TO closes.
 */
static void inherit(int to, int from)
{
	pid_t left_by = getpid();
	pid_t heir = fork();
	char c;

	if (heir == 0) {
		/* it answers when there is nobody else any more */
		while (getppid() == left_by)
			usleep(1000);
		if (!give_up() || (heir = getpid()) <= 0 ||
		    write(from, &heir, sizeof(heir)) != (ssize_t)sizeof(heir))
			_exit(1);
		(void)!read(to, &c, 1);
		_exit(0);
	}
	_exit(heir < 0);
}

/* Holds FD; gives up what it has more when it is told to, and answers. */
static void other_begin(struct other *o)
{
	int to[2];
	int from[2];
	char c;

	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	o->pid = fork();
	assert_true(o->pid >= 0);
	if (o->pid == 0) {
		close(to[1]);
		close(from[0]);
		while (read(to[0], &c, 1) == 1)
			if (c == 'h')
				inherit(to[0], from[1]);
			else if (!give_up() || write(from[1], "k", 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	o->to = to[1];
	o->from = from[0];
}

static void tell_other(void *ctx)
{
	struct other *o = ctx;
	char c;

	if (++o->pauses == 2 && (write(o->to, "g", 1) != 1 || read(o->from, &c, 1) != 1))
		abort();
}

static void let_inherit(void *ctx)
{
	struct other *o = ctx;

	if (++o->pauses == 2 &&
	    (write(o->to, "h", 1) != 1 ||
	     read(o->from, &o->heir, sizeof(o->heir)) != (ssize_t)sizeof(o->heir)))
		abort();
}

static void never(void *ctx)
{
	((struct other *)ctx)->pauses++;
}

/* In the child: is the other one seen to have the image open? 2: it cannot be tried here. */
static int look(struct other *o, int image, void (*pause)(void *ctx))
{
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	AUTO(xp_scan_free) struct xp_scan s = {0};
	struct xp_scan_request req = {
		.root = &root, .exempt_pid = getpid(), .pause = pause, .pause_ctx = o};
	char name[64];
	struct stat st;
	struct xp_err err;

	snprintf(name, sizeof(name), "/proc/%d/fd/%d", (int)o->pid, image);
	if (!give_up() || readlink(name, (char[4096]){0}, 4095) >= 0 || fstat(image, &st))
		return 2;
	req.image.fs_dev = st.st_dev;
	req.image.inode = st.st_ino;
	if (xp_sysroot_open(&root, "/", &err) != XP_OK || xp_scan_read(&s, &req, &err) != XP_OK)
		return 3;
	for (size_t i = 0; i < s.openers_n; i++)
		if (s.openers[i].pid == (o->heir ? o->heir : o->pid) && s.openers[i].is_image)
			return 0;
	return s.unreadable ? 1 : 4;
}

static int look_in_child(void (*pause)(void *ctx))
{
	AUTO_FD int image = memfd_create("image", 0);
	struct other o = {0};
	int status = 0;
	pid_t pid;

	assert_true(image >= 0);
	other_begin(&o);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(look(&o, image, pause));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(o.to);
	close(o.from);
	assert_int_equal(waitpid(o.pid, NULL, 0), o.pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int looked(void (*pause)(void *ctx))
{
	int seen;

	if (geteuid() != 0)
		skip();
	seen = look_in_child(pause);
	if (seen == 2)
		skip();
	return seen;
}

/* Where there are no other processes, so that none of them stays closed. */
static int looked_alone(void (*pause)(void *ctx))
{
	int status = 0;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWPID | CLONE_NEWNS) || (pid = fork()) < 0)
			_exit(2);
		if (pid == 0)
			_exit(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
					      mount("proc", "/proc", "proc", 0, NULL)
				      ? 2
				      : look_in_child(pause));
		_exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
									   : 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2)
		skip();
	return WEXITSTATUS(status);
}

static void test_process_that_is_closed_for_a_moment_is_looked_at_again(void **state)
{
	(void)state;
	assert_int_equal(looked(tell_other), 0);
}

static void test_process_that_left_what_it_held_to_a_new_one_is_not_lost(void **state)
{
	(void)state;
	assert_int_equal(looked_alone(let_inherit), 0);
}

static void test_process_that_stays_closed_is_told(void **state)
{
	(void)state;
	assert_int_equal(looked(never), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process_that_is_closed_for_a_moment_is_looked_at_again),
		cmocka_unit_test(test_process_that_left_what_it_held_to_a_new_one_is_not_lost),
		cmocka_unit_test(test_process_that_stays_closed_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
