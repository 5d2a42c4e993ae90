#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/patient.h"

/* A line, its far end, and what arrived there. */
struct line {
	int fd, far;
	pthread_t reader;
	size_t wanted, got;
};

static void line_open(struct line *l)
{
	struct termios t;

	*l = (struct line){.far = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
	assert_true(l->far >= 0);
	assert_int_equal(grantpt(l->far), 0);
	assert_int_equal(unlockpt(l->far), 0);
	l->fd = open(ptsname(l->far), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	assert_true(l->fd >= 0);
	assert_int_equal(tcgetattr(l->fd, &t), 0);
	t.c_oflag &= ~(tcflag_t)OPOST;
	assert_int_equal(tcsetattr(l->fd, TCSANOW, &t), 0);
}

static void line_close(struct line *l)
{
	close(l->fd);
	close(l->far);
}

static uint64_t now_ms(void)
{
	return xp_clock_system()->monotonic_ns(NULL) / 1000000;
}

/* Until it takes no more. */
static size_t fill(const struct line *l)
{
	static const char text[512] = {0};
	size_t done = 0;
	ssize_t n;

	while ((n = write(l->fd, text, sizeof(text))) > 0)
		done += (size_t)n;
	assert_int_equal(errno, EAGAIN);
	return done;
}

static void *read_late(void *arg)
{
	struct line *l = arg;
	char bytes[4096];

	usleep(400 * 1000);
	while (l->got < l->wanted) {
		ssize_t n = read(l->far, bytes, sizeof(bytes));

		if (n <= 0)
			break;
		l->got += (size_t)n;
	}
	return NULL;
}

static void test_patient_a_full_line_is_waited_for(void **state)
{
	static char text[20000];
	struct line l;
	bool is_stuck = false;

	(void)state;
	memset(text, 'x', sizeof(text));
	line_open(&l);
	l.wanted = fill(&l) + sizeof(text);
	assert_int_equal(pthread_create(&l.reader, NULL, read_late, &l), 0);
	assert_true(xp_write_patiently(l.fd, text, sizeof(text), &is_stuck));
	assert_false(is_stuck);
	assert_int_equal(pthread_join(l.reader, NULL), 0);
	assert_int_equal(l.got, l.wanted);
	line_close(&l);
}

static void test_patient_a_stuck_line_is_waited_for_once(void **state)
{
	struct line l;
	bool is_stuck = false;
	uint64_t begin;

	(void)state;
	line_open(&l);
	/* as by Ctrl-S: a full one may find room yet, in the kernel's own good time */
	assert_int_equal(tcflow(l.fd, TCOOFF), 0);
	begin = now_ms();
	assert_false(xp_write_patiently(l.fd, "one", 3, &is_stuck));
	assert_true(is_stuck);
	assert_true(now_ms() - begin >= XP_PATIENCE_MS - 100);
	begin = now_ms();
	assert_false(xp_write_patiently(l.fd, "two", 3, &is_stuck));
	assert_true(now_ms() - begin < XP_PATIENCE_MS - 100);

	/* it takes something again: from then on it is waited for again */
	assert_int_equal(tcflow(l.fd, TCOON), 0);
	assert_true(xp_write_patiently(l.fd, "three", 5, &is_stuck));
	assert_false(is_stuck);
	line_close(&l);
}

static void test_patient_a_line_that_is_gone_is_an_end(void **state)
{
	struct line l;
	bool is_stuck = false;

	(void)state;
	line_open(&l);
	close(l.far);
	assert_false(xp_write_patiently(l.fd, "x", 1, &is_stuck));
	assert_false(is_stuck);
	close(l.fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patient_a_full_line_is_waited_for),
		cmocka_unit_test(test_patient_a_stuck_line_is_waited_for_once),
		cmocka_unit_test(test_patient_a_line_that_is_gone_is_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
