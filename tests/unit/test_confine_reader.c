/* A process that reads for another: what goes there and back, and what it leaves when it ends. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/confine_reader.h"

/* The first byte of a question says what is to be done; the rest is the matter. */
static enum xp_rc serve(void *ctx, struct xp_span q, struct xp_buf *answer, struct xp_err *err)
{
	const int *open_fd = ctx;
	char word[32];

	switch (q.left ? q.at[0] : 'e') {
	case 'e': /* the same back */
		xp_buf_add(answer, q.at, q.left);
		return XP_OK;
	case 'f': /* an answer and an error */
		xp_buf_puts(answer, "half");
		return xp_fail(err, XP_E_USAGE, "not %s", (const char *)q.at + 1);
	case 'o': /* an error of output */
		return xp_err_of_output(err, xp_fail(err, XP_E_IO, "full"));
	case 'd': /* the way it dies: the test's own handlers would go on with the tests */
		signal(SIGABRT, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		abort();
	case 's': /* what can be done here */
		snprintf(word, sizeof(word), "%d %d %d", open("/dev/null", O_WRONLY) >= 0,
			 socket(AF_INET, SOCK_STREAM, 0) >= 0, fcntl(*open_fd, F_GETFD) >= 0);
		xp_buf_puts(answer, word);
		return XP_OK;
	case 'l': { /* more than may be said */
		char *much = calloc(1, XP_READER_MAX_BYTES + 1u);

		xp_buf_add(answer, much, XP_READER_MAX_BYTES + 1u);
		free(much);
		return XP_OK;
	}
	default:
		_exit(0);
	}
}

static int inherited = -1;

static struct xp_reader *start(bool net)
{
	const struct xp_reader_job job = {.serve = serve, .ctx = &inherited, .net = net};
	struct xp_reader *r = NULL;

	assert_int_equal(xp_reader_start(&r, &job, NULL), XP_OK);
	return r;
}

static enum xp_rc ask(struct xp_reader *r, const char *q, struct xp_buf *answer, struct xp_err *err)
{
	return xp_reader_ask(r, answer, q, strlen(q), err);
}

static void test_reader_asked_again_and_again_answers(void **state)
{
	struct xp_reader *r = start(false);
	const size_t len = 3u << 20;
	char *long_one = malloc(len);

	(void)state;
	assert_non_null(long_one);
	memset(long_one, 'e', len);
	for (unsigned i = 0; i < 3; i++) {
		struct xp_buf answer = {0};

		assert_int_equal(ask(r, "easy", &answer, NULL), XP_OK);
		assert_string_equal(xp_buf_str(&answer), "easy");
		xp_buf_free(&answer);
		assert_int_equal(xp_reader_ask(r, &answer, long_one, len, NULL), XP_OK);
		assert_int_equal(answer.len, len);
		assert_memory_equal(answer.data, long_one, len);
		xp_buf_free(&answer);
		assert_int_equal(ask(r, "", &answer, NULL), XP_OK);
		assert_int_equal(answer.len, 0);
	}
	free(long_one);
	xp_reader_free(&r);
	assert_null(r);
}

static void test_reader_with_an_error_hands_over_both(void **state)
{
	struct xp_reader *r = start(false);
	struct xp_buf answer = {0};
	struct xp_err err = {0};

	(void)state;
	assert_int_equal(ask(r, "fgood", &answer, &err), XP_E_USAGE);
	assert_string_equal(err.msg, "not good");
	assert_false(err.is_output);
	assert_string_equal(xp_buf_str(&answer), "half");
	xp_buf_free(&answer);
	assert_int_equal(ask(r, "o", &answer, &err), XP_E_IO);
	assert_true(err.is_output);
	assert_int_equal(ask(r, "e", &answer, &err), XP_OK);
	xp_buf_free(&answer);
	xp_reader_free(&r);
}

/* Aborted, or gone without a word: an error each time, and never a wait. */
static void test_reader_that_ends_is_told(void **state)
{
	const char *const ends[] = {"d", "x"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct xp_reader *r = start(false);
		struct xp_buf answer = {0};
		struct xp_err err = {0};

		assert_int_equal(ask(r, ends[i], &answer, &err), XP_E_INTERNAL);
		assert_non_null(strstr(err.msg, "has ended"));
		assert_int_equal(ask(r, "e", &answer, &err), XP_E_INTERNAL);
		assert_int_equal(answer.len, 0);
		xp_reader_free(&r);
	}
}

static void test_reader_too_much_is_refused(void **state)
{
	struct xp_reader *r = start(false);
	struct xp_buf answer = {0};
	struct xp_err err = {0};

	(void)state;
	assert_int_equal(xp_reader_ask(r, &answer, "", XP_READER_MAX_BYTES + 1u, &err),
			 XP_E_MALFORMED);
	assert_int_equal(ask(r, "l", &answer, &err), XP_E_NOMEM);
	assert_int_equal(answer.len, 0);
	assert_int_equal(ask(r, "e", &answer, &err), XP_OK);
	xp_buf_free(&answer);
	xp_reader_free(&r);
}

/* Opens for writing, connects, has what its maker had open. */
static void what_it_can(char out[32], bool net)
{
	struct xp_reader *r = start(net);
	struct xp_buf answer = {0};

	assert_int_equal(ask(r, "s", &answer, NULL), XP_OK);
	snprintf(out, 32, "%s", xp_buf_str(&answer));
	xp_buf_free(&answer);
	xp_reader_free(&r);
}

static void test_reader_has_only_what_it_was_given(void **state)
{
	char can[32];

	(void)state;
	inherited = fcntl(STDERR_FILENO, F_DUPFD, 100);
	assert_true(inherited >= 100);
	what_it_can(can, false);
#ifdef __SANITIZE_ADDRESS__
	assert_string_equal(can, "1 1 0");
#else
	assert_string_equal(can, "0 0 0");
	what_it_can(can, true);
	assert_string_equal(can, "0 1 0");
#endif
	close(inherited);
	inherited = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader_asked_again_and_again_answers),
		cmocka_unit_test(test_reader_with_an_error_hands_over_both),
		cmocka_unit_test(test_reader_that_ends_is_told),
		cmocka_unit_test(test_reader_too_much_is_refused),
		cmocka_unit_test(test_reader_has_only_what_it_was_given),
	};

	/* an end that was asked for is not to be waited for by whoever has the pipe */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
