#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sanitize/overwrite/pattern.h"
#include "sanitize/overwrite/writer.h"
#include "tests/fake/fake_medium.h"

struct watch {
	unsigned checkpoints;
	uint64_t last_below;
	uint64_t progress_last, progress_total;
	unsigned progress_calls;
	unsigned cancel_after; /* questions; 0: never */
	unsigned asked;
	bool refuse_checkpoint;
	struct fake_medium *medium;
	unsigned flushes_seen;
};

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct watch *w = ctx;

	assert_true(done >= w->progress_last && done <= total);
	w->progress_last = done;
	w->progress_total = total;
	w->progress_calls++;
}

static enum xp_rc on_checkpoint(void *ctx, const struct xp_overwrite_result *so_far, uint64_t below,
				struct xp_err *err)
{
	struct watch *w = ctx;

	assert_true(below > w->last_below);
	assert_int_equal(so_far->bytes_written + so_far->unwritten.total_bytes, below);
	assert_int_equal(w->medium->flushes, w->flushes_seen + 1); /* a flush came before it */
	w->flushes_seen = w->medium->flushes;
	w->last_below = below;
	w->checkpoints++;
	return w->refuse_checkpoint ? xp_fail(err, XP_E_IO, "no journal") : XP_OK;
}

static bool on_cancelled(void *ctx)
{
	struct watch *w = ctx;

	return w->cancel_after && ++w->asked > w->cancel_after;
}

static struct xp_overwrite_request request(struct watch *w, struct fake_medium *m,
					   struct xp_extent_io *io)
{
	w->medium = m;
	w->flushes_seen = m->flushes;
	return (struct xp_overwrite_request){
		.io = io,
		.capacity_bytes = m->capacity,
		.logical_block_bytes = m->block,
		.pass = 1,
		.passes = 1,
		.clock = &m->clock,
		.ctx = w,
		.progress = on_progress,
		.checkpoint = on_checkpoint,
		.cancelled = on_cancelled,
	};
}

static struct xp_content content_of(const char *what)
{
	struct xp_content c = {.kind = XP_CONTENT_ZERO};

	if (strcmp(what, "random") == 0) {
		c.kind = XP_CONTENT_RANDOM;
		memcpy(c.key, "sixteen byte key", 16);
	} else if (strcmp(what, "zero") != 0) {
		c.kind = XP_CONTENT_PATTERN;
		c.pattern_len = (uint32_t)strlen(what);
		memcpy(c.pattern, what, c.pattern_len);
	}
	return c;
}

/* What must stand there, without the code under test: only for content that repeats. */
static void assert_holds(const struct fake_medium *m, const struct xp_content *c, uint64_t from,
			 uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		uint8_t want = c->kind == XP_CONTENT_ZERO ? 0 : c->pattern[i % c->pattern_len];

		if (m->data[i] != want)
			fail_msg("byte %llu is %02x, not %02x", (unsigned long long)i, m->data[i],
				 want);
	}
}

static void test_writer_repeating_content_covers_every_byte(void **state)
{
	static const char *const what[] = {
		"zero", "\xff", "ab", "abc", "0123456789abcde", "0123456789abcdef"};

	(void)state;
	for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
		for (uint32_t block = 512; block <= 4096; block *= 8) {
			struct fake_medium m;
			struct watch w = {0};
			struct xp_overwrite_result out;
			struct xp_overwrite_request req;
			struct xp_extent_io *io;

			fake_medium_init(&m, 1003 * 4096, block);
			io = fake_medium_io(&m, NULL);
			req = request(&w, &m, io);
			req.content = content_of(what[i]);
			assert_int_equal(xp_overwrite_run(&out, &req, NULL), XP_OK);
			assert_holds(&m, &req.content, 0, m.capacity);
			assert_int_equal(out.bytes_written, m.capacity);
			assert_int_equal(out.unwritten.total_count, 0);
			assert_true(out.flushed);
			assert_int_equal(out.resumed_from, 0);
			assert_int_equal(m.bytes_written, m.capacity); /* nothing twice */
			assert_false(m.unaligned || m.outside);
			assert_true(m.deepest > 1);
			assert_int_equal(w.last_below, m.capacity);
			assert_int_equal(w.progress_last, m.capacity);
			assert_int_equal(w.progress_total, m.capacity);
			xp_overwrite_result_free(&out);
			xp_extent_io_free(&io);
			fake_medium_free(&m);
		}
	}
}

static void test_writer_short_transfers_are_completed(void **state)
{
	struct fake_medium m;
	struct watch w = {0};
	struct xp_overwrite_result out;
	struct xp_overwrite_request req;
	struct xp_extent_io *io;

	(void)state;
	fake_medium_init(&m, 300 * 4096, 512);
	m.short_transfers = true;
	io = fake_medium_io(&m, NULL);
	req = request(&w, &m, io);
	req.content = content_of("abc");
	assert_int_equal(xp_overwrite_run(&out, &req, NULL), XP_OK);
	assert_holds(&m, &req.content, 0, m.capacity);
	assert_int_equal(out.bytes_written, m.capacity);
	xp_overwrite_result_free(&out);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_writer_bad_sectors_are_listed_exactly(void **state)
{
	struct fake_medium m;
	struct watch w = {0};
	struct xp_overwrite_result out;
	struct xp_overwrite_request req;
	struct xp_extent_io *io;

	(void)state;
	fake_medium_init(&m, 64 << 20 >> 4, 512);
	fake_medium_fault(&m, 512 * 7, 512);
	fake_medium_fault(&m, 512 * 1000, 512 * 3);
	fake_medium_fault(&m, m.capacity - 512, 512);
	fake_medium_fault(&m, 512 * 2000, 512)->times = 9; /* heals under the retries */
	io = fake_medium_io(&m, NULL);
	req = request(&w, &m, io);
	req.content = content_of("zero");
	assert_int_equal(xp_overwrite_run(&out, &req, NULL), XP_OK);
	assert_int_equal(out.unwritten.total_bytes, 512 * 5);
	assert_int_equal(out.bytes_written, m.capacity - 512 * 5);
	assert_true(out.flushed);
	for (uint64_t i = 0; i < out.unwritten.n; i++) {
		const struct xp_extent *e = &out.unwritten.list[i];

		assert_true((e->offset == 512 * 7 && e->len == 512) ||
			    (e->offset >= 512 * 1000 && e->offset + e->len <= 512 * 1003) ||
			    e->offset == m.capacity - 512);
	}
	assert_holds(&m, &req.content, 0, 512 * 7);
	assert_holds(&m, &req.content, 512 * 8, 512 * 1000);
	assert_holds(&m, &req.content, 512 * 1003, m.capacity - 512);
	xp_overwrite_result_free(&out);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_writer_failed_flush_is_never_flushed(void **state)
{
	(void)state;
	/* the first, one in the middle, the last of four */
	for (unsigned at = 1; at <= 4; at++) {
		struct fake_medium m;
		struct watch w = {0};
		struct xp_overwrite_result out;
		struct xp_overwrite_request req;
		struct xp_extent_io *io;

		fake_medium_init(&m, 4 << 20, 4096);
		m.fail_flush_at = at;
		io = fake_medium_io(&m, NULL);
		req = request(&w, &m, io);
		req.content = content_of("zero");
		req.checkpoint_bytes = 1 << 20;
		assert_int_equal(xp_overwrite_run(&out, &req, NULL), XP_OK);
		assert_false(out.flushed);
		assert_int_equal(w.checkpoints, at - 1);
		assert_int_equal(m.flushes, 4);
		xp_overwrite_result_free(&out);
		xp_extent_io_free(&io);
		fake_medium_free(&m);
	}
}

static void test_writer_cancelled_resumes_to_the_same_bytes(void **state)
{
	(void)state;
	for (unsigned after = 1; after < 200; after += 9) {
		struct fake_medium m;
		struct watch w = {.cancel_after = after};
		struct xp_overwrite_result out, again;
		struct xp_overwrite_request req;
		struct xp_extent_io *io;
		enum xp_rc rc;

		fake_medium_init(&m, 3 << 20, 512);
		fake_medium_fault(&m, 512 * 9, 512);
		io = fake_medium_io(&m, NULL);
		req = request(&w, &m, io);
		req.content = content_of("abc");
		req.checkpoint_bytes = 512 << 10;
		rc = xp_overwrite_run(&out, &req, NULL);
		if (rc == XP_E_CANCELLED)
			assert_false(out.flushed);
		else
			assert_int_equal(rc, XP_OK);
		w.cancel_after = 0;
		req.start_offset = w.last_below;
		req.unwritten_before = &out.unwritten;
		w.last_below = 0;
		w.progress_last = 0;
		w.flushes_seen = m.flushes;
		assert_int_equal(xp_overwrite_run(&again, &req, NULL), XP_OK);
		assert_int_equal(again.resumed_from, req.start_offset);
		assert_int_equal(again.bytes_written, m.capacity - 512);
		assert_int_equal(again.unwritten.total_bytes, 512);
		assert_true(again.flushed);
		assert_holds(&m, &req.content, 0, 512 * 9);
		assert_holds(&m, &req.content, 512 * 10, m.capacity);
		xp_overwrite_result_free(&out);
		xp_overwrite_result_free(&again);
		xp_extent_io_free(&io);
		fake_medium_free(&m);
	}
}

static void test_writer_gone_target_is_an_error(void **state)
{
	struct fake_medium m;
	struct watch w = {0};
	struct xp_overwrite_result out;
	struct xp_overwrite_request req;
	struct xp_extent_io *io;
	struct xp_err err;

	(void)state;
	fake_medium_init(&m, 4 << 20, 512);
	m.gone_after = 20;
	io = fake_medium_io(&m, NULL);
	req = request(&w, &m, io);
	req.content = content_of("zero");
	assert_int_equal(xp_overwrite_run(&out, &req, &err), XP_E_IO);
	assert_int_equal(err.sys_errno, ENODEV);
	assert_false(out.flushed);
	assert_true(out.bytes_written < m.capacity);
	assert_true(m.transfers < 40); /* not block by block to the end */
	xp_overwrite_result_free(&out);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_writer_hanging_target_times_out(void **state)
{
	struct fake_medium m;
	struct watch w = {0};
	struct xp_overwrite_result out;
	struct xp_overwrite_request req;
	struct xp_extent_io *io;
	struct xp_err err;
	uint64_t before;

	(void)state;
	fake_medium_init(&m, 4 << 20, 512);
	m.hang_after = 20;
	io = fake_medium_io(&m, NULL);
	req = request(&w, &m, io);
	req.content = content_of("zero");
	req.stall_ms = 90000;
	before = m.now_ns;
	assert_int_equal(xp_overwrite_run(&out, &req, &err), XP_E_TIMEOUT);
	assert_true(m.now_ns - before >= 90000000000 && m.now_ns - before < 92000000000);
	assert_false(out.flushed);
	assert_true(out.unwritten.total_bytes >
		    0); /* what was under way is not known to be written */
	xp_overwrite_result_free(&out);
	/* and it stays lost: no second attempt is made on it */
	assert_int_equal(xp_overwrite_run(&out, &req, &err), XP_E_TIMEOUT);
	assert_int_equal(out.bytes_written, 0);
	xp_overwrite_result_free(&out);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_writer_refused_checkpoint_ends_the_pass(void **state)
{
	struct fake_medium m;
	struct watch w = {.refuse_checkpoint = true};
	struct xp_overwrite_result out;
	struct xp_overwrite_request req;
	struct xp_extent_io *io;

	(void)state;
	fake_medium_init(&m, 4 << 20, 512);
	io = fake_medium_io(&m, NULL);
	req = request(&w, &m, io);
	req.content = content_of("zero");
	req.checkpoint_bytes = 1 << 20;
	assert_int_equal(xp_overwrite_run(&out, &req, NULL), XP_E_IO);
	assert_int_equal(out.bytes_written, 1 << 20);
	assert_false(out.flushed);
	xp_overwrite_result_free(&out);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_writer_senseless_requests_are_refused(void **state)
{
	struct fake_medium m;
	struct watch w = {0};
	struct xp_overwrite_result out;
	struct xp_overwrite_request req;
	struct xp_extent_io *io;
	struct xp_extent one = {.offset = 0, .len = 512};
	struct xp_extents cut = {.list = &one, .n = 1, .cap = 1, .total_count = 5};

	(void)state;
	fake_medium_init(&m, 1 << 20, 512);
	io = fake_medium_io(&m, NULL);
	req = request(&w, &m, io);
	req.content.kind = XP_CONTENT_UNKNOWN;
	assert_int_equal(xp_overwrite_run(&out, &req, NULL), XP_E_USAGE);
	req.content.kind = XP_CONTENT_PATTERN;
	req.content.pattern_len = 0;
	assert_int_equal(xp_overwrite_run(&out, &req, NULL), XP_E_USAGE);
	req.content.pattern_len = XP_PATTERN_MAX + 1;
	assert_int_equal(xp_overwrite_run(&out, &req, NULL), XP_E_USAGE);
	req.content.kind = XP_CONTENT_ZERO;
	req.start_offset = m.capacity + 512;
	assert_int_equal(xp_overwrite_run(&out, &req, NULL), XP_E_USAGE);
	req.start_offset = 4096;
	req.unwritten_before = &cut; /* a list that no longer names everything */
	assert_int_equal(xp_overwrite_run(&out, &req, NULL), XP_E_USAGE);
	xp_overwrite_result_free(&out);
	assert_int_equal(m.transfers, 0);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writer_repeating_content_covers_every_byte),
		cmocka_unit_test(test_writer_short_transfers_are_completed),
		cmocka_unit_test(test_writer_bad_sectors_are_listed_exactly),
		cmocka_unit_test(test_writer_failed_flush_is_never_flushed),
		cmocka_unit_test(test_writer_cancelled_resumes_to_the_same_bytes),
		cmocka_unit_test(test_writer_gone_target_is_an_error),
		cmocka_unit_test(test_writer_hanging_target_times_out),
		cmocka_unit_test(test_writer_refused_checkpoint_ends_the_pass),
		cmocka_unit_test(test_writer_senseless_requests_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
