/* Threads take no signals, whoever begins them keeps its own mask, and what is joined has ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <semaphore.h>
#include <signal.h>

#include "base/thread.h"

struct seen {
	sigset_t mask;
	pthread_t self;
	sem_t over;
};

static void *look(void *what)
{
	struct seen *s = what;

	pthread_sigmask(SIG_SETMASK, NULL, &s->mask);
	s->self = pthread_self();
	sem_post(&s->over);
	return s;
}

static void assert_takes_none(const struct seen *s)
{
	assert_true(sigismember(&s->mask, SIGINT));
	assert_true(sigismember(&s->mask, SIGTERM));
	assert_true(sigismember(&s->mask, SIGHUP));
	assert_false(pthread_equal(s->self, pthread_self()));
}

static void test_thread_takes_no_signals_and_is_joined(void **state)
{
	struct seen s = {0};
	sigset_t before;
	sigset_t after;
	pthread_t thread;
	void *end = NULL;

	(void)state;
	sem_init(&s.over, 0, 0);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(xp_thread_start(&thread, look, &s), 0);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(pthread_join(thread, &end), 0);
	assert_ptr_equal(end, &s);
	assert_takes_none(&s);
	assert_int_equal(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
	assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
	sem_destroy(&s.over);
}

static void test_thread_unjoined_runs_as_well(void **state)
{
	/* the thread may still be at its end when the test is over */
	static struct seen s;

	(void)state;
	sem_init(&s.over, 0, 0);
	assert_int_equal(xp_thread_start(NULL, look, &s), 0);
	while (sem_wait(&s.over) != 0)
		;
	assert_takes_none(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thread_takes_no_signals_and_is_joined),
		cmocka_unit_test(test_thread_unjoined_runs_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
