/* The journal: what was added is there again, a torn tail is cut, damage in the middle is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sanitize/journal.h"

struct state {
	char dir[64];
	int fd;
};

static int setup(void **out)
{
	struct state *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	snprintf(s->dir, sizeof(s->dir), "/tmp/xp-journal-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->fd = open(s->dir, O_RDONLY | O_DIRECTORY);
	assert_true(s->fd >= 0);
	*out = s;
	return 0;
}

static int teardown(void **in)
{
	struct state *s = *in;
	char path[128];

	snprintf(path, sizeof(path), "%s/j1/journal.jsonl", s->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/j1", s->dir);
	rmdir(path);
	rmdir(s->dir);
	close(s->fd);
	free(s);
	return 0;
}

static void add_lines(struct state *s, int n)
{
	AUTO(xp_journal_close) struct xp_journal *j = NULL;
	struct xp_err err;

	assert_int_equal(xp_journal_create(&j, s->fd, "j1", &err), XP_OK);
	for (int i = 0; i < n; i++)
		assert_int_equal(xp_journal_add(j, json_pack("{s:i}", "n", i), &err), XP_OK);
}

static void append_raw(struct state *s, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/j1/journal.jsonl", s->dir);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_journal_reopened_gives_its_lines(void **in)
{
	AUTO(xp_journal_close) struct xp_journal *j = NULL;
	json_t *lines = NULL;
	struct xp_err err;

	add_lines(*in, 3);
	assert_int_equal(xp_journal_open(&j, &lines, ((struct state *)*in)->fd, "j1", &err), XP_OK);
	assert_int_equal(json_array_size(lines), 3);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(lines, 2), "n")), 2);
	json_decref(lines);
}

static void test_journal_torn_tail_is_cut_and_goes_on(void **in)
{
	static const char *const tails[] = {"{\"n\":", "{", "\x00\x01garbage", "{\"n\":7}",
					    "nonsense\n"};
	struct state *s = *in;

	add_lines(s, 2);
	for (size_t i = 0; i < XP_ARRAY_LEN(tails); i++) {
		AUTO(xp_journal_close) struct xp_journal *j = NULL;
		json_t *lines = NULL;
		struct xp_err err;

		append_raw(s, tails[i]);
		assert_int_equal(xp_journal_open(&j, &lines, s->fd, "j1", &err), XP_OK);
		assert_int_equal(json_array_size(lines), 2 + i);
		json_decref(lines);
		assert_int_equal(xp_journal_add(j, json_pack("{s:i}", "more", 1), &err), XP_OK);
	}
}

static void test_journal_damaged_in_the_middle_is_refused(void **in)
{
	AUTO(xp_journal_close) struct xp_journal *j = NULL;
	struct state *s = *in;
	json_t *lines = NULL;
	struct xp_err err;

	add_lines(s, 1);
	append_raw(s, "damage\n{\"n\":1}\n");
	assert_int_equal(xp_journal_open(&j, &lines, s->fd, "j1", &err), XP_E_MALFORMED);
	assert_null(j);
}

static void test_journal_held_is_refused_and_seen_running(void **in)
{
	AUTO(xp_journal_close) struct xp_journal *j = NULL;
	AUTO(xp_journal_close) struct xp_journal *again = NULL;
	struct state *s = *in;
	json_t *lines = NULL;
	bool running = false;
	struct xp_err err;

	assert_int_equal(xp_journal_create(&j, s->fd, "j1", &err), XP_OK);
	assert_int_equal(xp_journal_open(&again, &lines, s->fd, "j1", &err), XP_E_REFUSED);
	assert_int_equal(xp_journal_peek(&lines, &running, s->fd, "j1", &err), XP_OK);
	assert_true(running);
	json_decref(lines);
	xp_journal_close(&j);
	assert_int_equal(xp_journal_peek(&lines, &running, s->fd, "j1", &err), XP_OK);
	assert_false(running);
	json_decref(lines);
}

static void test_journal_missing_says_so(void **in)
{
	AUTO(xp_journal_close) struct xp_journal *j = NULL;
	json_t *lines = NULL;
	struct xp_err err;

	assert_int_equal(xp_journal_open(&j, &lines, ((struct state *)*in)->fd, "none", &err),
			 XP_E_NOENT);
}

static void test_journal_damaged_peek_gives_what_stands_before(void **in)
{
	struct state *s = *in;
	json_t *lines = NULL;
	bool running = true;
	struct xp_err err;

	add_lines(s, 2);
	append_raw(s, "damage\n{\"type\":\"end\"}\n");
	assert_int_equal(xp_journal_peek(&lines, &running, s->fd, "j1", &err), XP_E_MALFORMED);
	assert_true(json_array_size(lines) >= 2);
	assert_false(running);
	json_decref(lines);
}

static void test_journal_ended_only_by_a_whole_last_line(void **in)
{
	struct state *s = *in;

	assert_false(xp_journal_has_ended(s->fd, "j1"));
	add_lines(s, 1);
	assert_false(xp_journal_has_ended(s->fd, "j1"));
	append_raw(s, "{\"type\":\"end\"}");
	assert_false(xp_journal_has_ended(s->fd, "j1"));
	append_raw(s, "\n");
	assert_true(xp_journal_has_ended(s->fd, "j1"));
	append_raw(s, "{\"type\":\"resume\"}\n");
	assert_false(xp_journal_has_ended(s->fd, "j1"));
	append_raw(s, "\n");
	assert_false(xp_journal_has_ended(s->fd, "j1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_journal_reopened_gives_its_lines, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_journal_torn_tail_is_cut_and_goes_on, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_journal_damaged_in_the_middle_is_refused,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_journal_held_is_refused_and_seen_running,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_journal_damaged_peek_gives_what_stands_before,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_journal_ended_only_by_a_whole_last_line, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_journal_missing_says_so, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
