/* A log that was damaged, cut, rolled back or robbed: repaired, or refused; never one that forgets.
 */
#include "certs/log_writer.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "tests/fake/log_fixture.h"

static void assert_refused(const struct log_place *p)
{
	struct xp_log *log = NULL;

	assert_int_equal(log_place_try_open(&log, p, 7), XP_E_MALFORMED);
	assert_null(log);
}

static void test_log_key_gone_is_refused(void **state)
{
	struct log_place p = log_place_filled(3);

	(void)state;
	assert_int_equal(unlinkat(p.fd, "log.key", 0), 0);
	assert_refused(&p);
	/* not even where the checkpoint is gone, too */
	assert_int_equal(unlinkat(p.fd, "log/checkpoint", 0), 0);
	assert_refused(&p);
	assert_int_equal(log_place_file_size(&p, "log.key"), -1);
	log_fixture_remove(p.path, p.fd);
}

static void test_log_folder_or_checkpoint_gone_is_refused(void **state)
{
	struct log_place p = log_place_filled(3);

	(void)state;
	assert_int_equal(renameat(p.fd, "log/checkpoint", p.fd, "cp"), 0);
	assert_refused(&p);
	assert_int_equal(renameat(p.fd, "cp", p.fd, "log/checkpoint"), 0);
	assert_int_equal(renameat(p.fd, "log", p.fd, "away"), 0);
	assert_refused(&p);
	assert_int_equal(renameat(p.fd, "away", p.fd, "log"), 0);
	xp_log_free(&(struct xp_log *){log_place_open(&p)});
	log_fixture_remove(p.path, p.fd);
}

static void test_log_broken_key_is_refused(void **state)
{
	struct log_place p = log_place_filled(3);
	size_t len = 0;
	AUTO_MEM char *key = log_place_read(&p, "log.key", &len);

	(void)state;
	log_place_write(&p, "log.key", "", 0);
	assert_refused(&p);
	log_place_write(&p, "log.key", key, len / 2);
	assert_refused(&p);
	log_place_write(&p, "log.key", key, len);
	log_place_flip(&p, "log.key", len / 2); /* another key */
	assert_refused(&p);
	log_fixture_remove(p.path, p.fd);
}

static void test_log_checkpoint_of_another_key_is_refused(void **state)
{
	struct log_place p = log_place_filled(3);
	struct log_place q = log_place_new();
	struct xp_log *log = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(log_place_try_open(&log, &q, 50), XP_OK); /* same origin, other key */
	log_place_append(log, 0, 3);
	xp_log_free(&log);
	{
		AUTO_MEM char *cp = log_place_read(&q, "log/checkpoint", &len);

		log_place_write(&p, "log/checkpoint", cp, len);
	}
	assert_refused(&p);
	log_fixture_remove(p.path, p.fd);
	log_fixture_remove(q.path, q.fd);
}

static void test_log_entries_changed_or_short_are_refused(void **state)
{
	static const char *const codes[] = {"E_LOG_TILE", "E_LOG_ROOT", NULL};
	static const char *const torn[] = {"E_LOG_ENTRIES", NULL};
	struct log_place p = log_place_filled(300);
	size_t len = 0;
	AUTO_MEM char *entries = log_place_read(&p, "log/tile/entries/001.p/44", &len);

	(void)state;
	log_place_flip(&p, "log/tile/entries/001.p/44", 20);
	assert_refused(&p);
	log_fixture_audit(p.fd, NULL, codes);
	log_place_write(&p, "log/tile/entries/001.p/44", entries, len - 1);
	assert_refused(&p);
	log_fixture_audit(p.fd, NULL, torn);
	assert_int_equal(unlinkat(p.fd, "log/tile/entries/001.p/44", 0), 0);
	assert_refused(&p);
	log_fixture_audit(p.fd, NULL, torn);
	log_place_write(&p, "log/tile/entries/001.p/44", entries, len);
	log_place_flip(&p, "log/tile/entries/000", 100);
	assert_refused(&p);
	/* nothing was made anew from what is wrong */
	log_place_flip(&p, "log/tile/entries/000", 100);
	log_fixture_audit(p.fd, NULL, NULL);
	log_fixture_remove(p.path, p.fd);
}

/* What nobody signed must not ride along; the whole tile in the place of its beginning may. */
static void test_log_entries_behind_the_last_are_found(void **state)
{
	static const char *const more[] = {"E_LOG_ENTRIES", NULL};
	struct log_place p = log_place_filled(300);
	struct log_place q = log_place_filled(512);
	size_t len = 0;
	AUTO_MEM char *entries = log_place_read(&p, "log/tile/entries/001.p/44", &len);
	size_t whole_len = 0;
	AUTO_MEM char *whole = log_place_read(&q, "log/tile/entries/001", &whole_len);
	AUTO_MEM char *longer = calloc(1, len + 3);

	(void)state;
	assert_non_null(longer);
	memcpy(longer, entries, len);
	log_place_write(&p, "log/tile/entries/001.p/44", longer, len + 1);
	log_fixture_audit(p.fd, NULL, more);
	/* a whole entry, too: one of a byte */
	longer[len + 1] = 1;
	log_place_write(&p, "log/tile/entries/001.p/44", longer, len + 3);
	log_fixture_audit(p.fd, NULL, more);
	assert_int_equal(unlinkat(p.fd, "log/tile/entries/001.p/44", 0), 0);
	log_place_write(&p, "log/tile/entries/001", whole, whole_len);
	log_fixture_audit(p.fd, NULL, NULL);
	log_place_write(&p, "log/tile/entries/001", whole, whole_len - 1);
	log_fixture_audit(p.fd, NULL, more);
	log_fixture_remove(p.path, p.fd);
	log_fixture_remove(q.path, q.fd);
}

static void test_log_tiles_damaged_are_made_anew(void **state)
{
	static const char *const codes[] = {"E_LOG_TILE", "E_LOG_TILE", "E_LOG_TILE", NULL};
	struct log_place p = log_place_filled(300);

	(void)state;
	log_place_flip(&p, "log/tile/0/000", 31);
	log_place_write(&p, "log/tile/1/000.p/1", "", 0);
	assert_int_equal(unlinkat(p.fd, "log/tile/0/001.p/44", 0), 0);
	log_fixture_audit(p.fd, NULL, codes);
	xp_log_free(&(struct xp_log *){log_place_open(&p)});
	log_fixture_audit(p.fd, NULL, NULL);
	log_fixture_remove(p.path, p.fd);
}

/* A tail as an interruption would leave it on a file system that keeps no order. */
static void plant_tail(struct log_place *p, unsigned have, unsigned named, size_t cut)
{
	struct xp_buf b = {0};
	char path[64];

	*p = log_place_filled(have);
	for (unsigned i = 0; i < named; i++) {
		char text[512];
		struct xp_log_bytes leaf = log_fixture_leaf(text, i);

		xp_buf_putc(&b, (char)(leaf.len >> 8));
		xp_buf_putc(&b, (char)leaf.len);
		xp_buf_add(&b, leaf.data, leaf.len);
	}
	snprintf(path, sizeof(path), "log/tile/entries/000.p/%u", named);
	if (named == 256)
		snprintf(path, sizeof(path), "log/tile/entries/000");
	log_place_write(p, path, b.data, b.len - cut);
	xp_buf_free(&b);
}

static void test_log_tail_whole_is_kept_and_torn_is_cut(void **state)
{
	static const struct {
		unsigned have, named;
		size_t cut;
		unsigned kept;
	} rows[] = {
		{5, 6, 0, 6},	    {5, 9, 0, 9},	{5, 9, 1, 8},	    {5, 6, 300, 5},
		{5, 9, 100, 8},	    {5, 9, 200, 7},	{1, 255, 0, 255},   {250, 256, 0, 256},
		{250, 256, 1, 255}, {255, 256, 0, 256}, {255, 256, 9, 255},
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++) {
		struct log_place p;
		AUTO(xp_log_free) struct xp_log *log = NULL;

		plant_tail(&p, rows[i].have, rows[i].named, rows[i].cut);
		log_fixture_audit(p.fd, NULL, NULL); /* the checkpoint is right so far */
		log = log_place_open(&p);
		if (log_place_size(log) != rows[i].kept)
			fail_msg("row %zu: %u kept", i, (unsigned)log_place_size(log));
		log_fixture_audit(p.fd, NULL, NULL);
		log_place_append(log, rows[i].kept, 3);
		xp_log_free(&log);
		log = log_place_open(&p);
		assert_int_equal(log_place_size(log), rows[i].kept + 3);
		log_fixture_audit(p.fd, NULL, NULL);
		log_fixture_remove(p.path, p.fd);
	}
}

static void test_log_tail_of_other_entries_is_refused(void **state)
{
	struct log_place p;

	(void)state;
	plant_tail(&p, 5, 9, 0);
	log_place_flip(&p, "log/tile/entries/000.p/9", 30);
	assert_refused(&p);
	log_fixture_remove(p.path, p.fd);
	/* behind the checkpoint, what is no leaf is torn */
	plant_tail(&p, 5, 6, 0);
	log_place_flip(&p, "log/tile/entries/000.p/6",
		       (size_t)log_place_file_size(&p, "log/tile/entries/000.p/5") + 3);
	xp_log_free(&(struct xp_log *){log_place_open(&p)});
	assert_int_equal(log_place_file_size(&p, "log/tile/entries/000.p/6"), -1);
	log_fixture_audit(p.fd, NULL, NULL);
	log_fixture_remove(p.path, p.fd);
}

/* An older checkpoint put back: its signature holds, and the entries tell more. */
static void test_log_checkpoint_rolled_back_is_repaired(void **state)
{
	struct log_place p = log_place_filled(5);
	size_t len = 0;
	AUTO_MEM char *old = log_place_read(&p, "log/checkpoint", &len);
	AUTO(xp_log_free) struct xp_log *log = log_place_open(&p);

	(void)state;
	log_place_append(log, 5, 4);
	log_place_write(&p, "log/checkpoint", old, len);
	{
		char text[512];
		struct xp_log_bytes leaf = log_fixture_leaf(text, 9);
		uint64_t index = 0;

		/* the handle remembers more than the disk says */
		assert_int_equal(xp_log_append(log, leaf.data, leaf.len, &index, NULL),
				 XP_E_MALFORMED);
	}
	xp_log_free(&log);
	log = log_place_open(&p);
	assert_int_equal(log_place_size(log), 9);
	log_fixture_audit(p.fd, NULL, NULL);
	log_fixture_remove(p.path, p.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_key_gone_is_refused),
		cmocka_unit_test(test_log_folder_or_checkpoint_gone_is_refused),
		cmocka_unit_test(test_log_broken_key_is_refused),
		cmocka_unit_test(test_log_checkpoint_of_another_key_is_refused),
		cmocka_unit_test(test_log_entries_changed_or_short_are_refused),
		cmocka_unit_test(test_log_entries_behind_the_last_are_found),
		cmocka_unit_test(test_log_tiles_damaged_are_made_anew),
		cmocka_unit_test(test_log_tail_whole_is_kept_and_torn_is_cut),
		cmocka_unit_test(test_log_tail_of_other_entries_is_refused),
		cmocka_unit_test(test_log_checkpoint_rolled_back_is_repaired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
