/* What a confined process can and cannot do. Each attempt is made in a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/confine.h"

static char folder[] = "/tmp/expunge-confine-XXXXXX";
static char inside[64], outside[64];

/* errno of an attempt; 0: it went well. */
typedef int attempt_fn(void);

static int result(long rc)
{
	return rc < 0 ? errno : 0;
}

static int try_read_inside(void)
{
	return result(open(inside, O_RDONLY));
}

static int try_read_outside(void)
{
	return result(open(outside, O_RDONLY));
}

static int try_write_inside(void)
{
	return result(open(inside, O_WRONLY));
}

__attribute__((unused)) static int try_create(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s.new", inside);
	return result(open(path, O_RDONLY | O_CREAT, 0600));
}

__attribute__((unused)) static int try_unlink(void)
{
	return result(unlink(inside));
}

static int try_socket(void)
{
	return result(socket(AF_INET, SOCK_STREAM, 0));
}

__attribute__((unused)) static int try_exec(void)
{
	char *argv[] = {(char[]){"true"}, NULL};

	return result(execv("/bin/true", argv));
}

__attribute__((unused)) static int try_fork(void)
{
	return result(fork());
}

__attribute__((unused)) static int try_kill(void)
{
	return result(kill(getppid(), 0));
}

__attribute__((unused)) static int try_ptrace(void)
{
	return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

__attribute__((unused)) static int try_executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? errno
		       : 0;
}

__attribute__((unused)) static int try_bpf(void)
{
	return result(syscall(SYS_bpf, 0, NULL, 0));
}

static void *say_yes(void *arg)
{
	*(int *)arg = try_socket() == EPERM && try_read_inside() == 0;
	return NULL;
}

/* A thread can be made, and is as confined. */
static int try_thread(void)
{
	pthread_t t;
	int yes = 0;

	if (pthread_create(&t, NULL, say_yes, &yes) != 0)
		return EAGAIN;
	pthread_join(t, NULL);
	return yes ? 0 : ECHILD;
}

__attribute__((unused)) static int try_print(void)
{
	return result(dprintf(2, "%s", "") + write(1, "", 0));
}

#ifndef __SANITIZE_ADDRESS__
/* The attempt's errno; 250: it could not be confined; 251: no Landlock here. */
static int attempt(attempt_fn *f, bool wants_landlock)
{
	const char *inputs[] = {folder, "/nowhere/at/all", NULL};
	struct xp_confined c;
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (xp_confine(&c, inputs, NULL) != XP_OK || !c.by_seccomp)
			_exit(250);
		_exit(wants_landlock && !c.by_landlock ? 251 : f());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_confined_cannot_leave(void **state)
{
	static attempt_fn *const refused[] = {
		try_write_inside, try_create, try_unlink, try_socket, try_exec,
		try_fork,	  try_kill,   try_ptrace, try_bpf,    try_executable_memory,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (attempt(refused[i], false) != EPERM)
			fail_msg("attempt %zu: %d", i, attempt(refused[i], false));
}

static void test_confined_reads_its_inputs_only(void **state)
{
	(void)state;
	assert_int_equal(attempt(try_read_inside, false), 0);
	assert_int_equal(attempt(try_print, false), 0);
	assert_int_equal(attempt(try_thread, false), 0);
	if (attempt(try_read_outside, true) == 251)
		print_message("no Landlock in this kernel\n");
	else
		assert_int_equal(attempt(try_read_outside, true), EACCES);
}
#else
/* The sanitizers make calls of their own: their builds are not confined, and say so. */
static void test_confined_cannot_leave(void **state)
{
	const char *inputs[] = {folder, NULL};
	struct xp_confined c = {.by_seccomp = true, .by_landlock = true};

	(void)state;
	assert_int_equal(xp_confine(&c, inputs, NULL), XP_OK);
	assert_false(c.by_seccomp);
	assert_false(c.by_landlock);
	assert_int_equal(try_write_inside(), 0);
}

static void test_confined_reads_its_inputs_only(void **state)
{
	(void)state;
	assert_int_equal(try_read_outside(), 0);
	assert_int_equal(try_read_inside(), 0);
	assert_int_equal(try_thread() == ECHILD, 1);
}
#endif

static int make(void **state)
{
	int fd;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(inside, sizeof(inside), "%s/record", folder);
	snprintf(outside, sizeof(outside), "%s.outside", folder);
	fd = creat(inside, 0600);
	close(fd);
	close(creat(outside, 0600));
	return fd < 0;
}

static int clean(void **state)
{
	(void)state;
	unlink(inside);
	unlink(outside);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confined_cannot_leave),
		cmocka_unit_test(test_confined_reads_its_inputs_only),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
