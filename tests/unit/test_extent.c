#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/extent_probe.h"
#include "tests/fake/fake_medium.h"

static void test_extent_ranges_are_cut_and_delivered_once(void **state)
{
	struct fake_medium m;
	struct probe p;
	struct xp_extent_io *io;
	struct xp_extent_stats st;
	struct xp_extent_job job;
	static const struct xp_extent ranges[] = {
		{0, 1}, {511, 2}, {1024, 0}, {1500, 70000}, {80000, 200000}, {299008 - 7, 7},
	};

	(void)state;
	fake_medium_init(&m, 299008, 512);
	io = fake_medium_io(&m, NULL);
	probe_init(&p, m.capacity);
	memcpy(p.ranges, ranges, sizeof(ranges));
	p.ranges_n = sizeof(ranges) / sizeof(ranges[0]);
	job = probe_job(&p, false);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
	for (size_t i = 0; i < p.ranges_n; i++) {
		probe_assert_seen_once(&p, ranges[i].offset, ranges[i].offset + ranges[i].len);
		assert_memory_equal(p.got + ranges[i].offset, m.data + ranges[i].offset,
				    ranges[i].len);
	}
	probe_assert_untouched(&p, 513, 1500);
	probe_assert_untouched(&p, 71500, 80000);
	assert_int_equal(st.bytes_done, 1 + 2 + 70000 + 200000 + 7);
	assert_int_equal(st.bytes_failed, 0);
	assert_false(m.unaligned || m.outside);
	assert_int_equal(st.how.backend, XP_IO_URING);
	probe_free(&p);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_extent_memory_and_depth_are_bounded(void **state)
{
	static const struct {
		uint32_t bytes, depth, want_bytes, want_depth;
	} cases[] = {
		{0, 0, 1 << 20, 4},
		{4096, 1000, 4096, XP_EXTENT_DEPTH_MAX},
		{1 << 20, 64, 1 << 20, 8},
		{64 << 20, 9, 8 << 20, 1},
		{100, 3, 512, 3},
		{70000, 2, 69632, 2},
		{UINT32_MAX, 1, 8 << 20, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xp_extent_config cfg = {.block_bytes = cases[i].bytes,
					       .depth = cases[i].depth};
		struct fake_medium m;
		struct probe p;
		struct xp_extent_io *io;
		struct xp_extent_stats st;
		struct xp_extent_job job;

		fake_medium_init(&m, 9 << 20, 512);
		io = fake_medium_io(&m, &cfg);
		probe_init(&p, m.capacity);
		job = probe_job(&p, false);
		assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
		assert_int_equal(st.how.block_bytes, cases[i].want_bytes);
		assert_int_equal(st.how.depth, cases[i].want_depth);
		assert_true(m.largest <= cases[i].want_bytes);
		assert_true(m.deepest <= cases[i].want_depth);
		probe_assert_seen_once(&p, 0, m.capacity);
		probe_free(&p);
		xp_extent_io_free(&io);
		fake_medium_free(&m);
	}
}

static void test_extent_bad_blocks_are_reported_exactly(void **state)
{
	(void)state;
	for (unsigned write = 0; write < 2; write++) {
		struct fake_medium m;
		struct probe p;
		struct xp_extent_io *io;
		struct xp_extent_stats st;
		struct xp_extent_job job;

		fake_medium_init(&m, 1 << 20, 512);
		fake_medium_fault(&m, 0, 512);
		fake_medium_fault(&m, 512 * 100, 1)->sys_errno = EREMOTEIO;
		fake_medium_fault(&m, 512 * 777, 1024);
		io = fake_medium_io(&m, NULL);
		probe_init(&p, m.capacity);
		job = probe_job(&p, write);
		assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
		assert_int_equal(p.failed_bytes, 4 * 512);
		assert_int_equal(p.failed_n, 4);
		assert_int_equal(st.bytes_failed, 4 * 512);
		assert_int_equal(st.bytes_done, m.capacity - 4 * 512);
		probe_assert_seen_once(&p, 0, m.capacity);
		for (uint64_t i = 0; i < m.capacity; i++) {
			bool bad = i < 512 || i / 512 == 100 || i / 512 == 777 || i / 512 == 778;

			if (write)
				assert_true((m.data[i] == probe_content(i)) != bad ||
					    m.data[i] == probe_content(i));
			else if (!bad)
				assert_int_equal(p.got[i], m.data[i]);
		}
		/* each of the four blocks was tried three times; the rest of the attempts are
		 * halves */
		assert_true(m.attempts_on_faults >= 12 && m.attempts_on_faults < 60);
		probe_free(&p);
		xp_extent_io_free(&io);
		fake_medium_free(&m);
	}
}

static void test_extent_dead_stretch_is_not_ground_through_block_by_block(void **state)
{
	struct fake_medium m;
	struct probe p;
	struct xp_extent_io *io;
	struct xp_extent_stats st;
	struct xp_extent_job job;

	(void)state;
	fake_medium_init(&m, 16 << 20, 512);
	fake_medium_fault(&m, 1 << 20, 14 << 20);
	fake_medium_fault(&m, m.capacity - 512, 512);
	io = fake_medium_io(&m, NULL);
	probe_init(&p, m.capacity);
	job = probe_job(&p, true);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
	/* nothing outside of it is lost, everything is accounted for, and the place behind it is
	 * fine */
	probe_assert_seen_once(&p, 0, m.capacity);
	assert_true(st.bytes_failed >= (14 << 20) + 512);
	assert_true(st.bytes_failed <= (14 << 20) + 512 + 16 * 4096);
	assert_true(m.attempts_on_faults < 3 * 2 * 28672 / 4);
	probe_free(&p);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_extent_busy_is_tried_again(void **state)
{
	struct fake_medium m;
	struct probe p;
	struct xp_extent_io *io;
	struct xp_extent_stats st;
	struct xp_extent_job job;
	struct fake_fault *f;

	(void)state;
	fake_medium_init(&m, 1 << 20, 4096);
	f = fake_medium_fault(&m, 300000, 1);
	f->sys_errno = EAGAIN;
	f->times = 40;
	io = fake_medium_io(&m, NULL);
	probe_init(&p, m.capacity);
	job = probe_job(&p, false);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
	assert_int_equal(st.bytes_done, m.capacity);
	assert_memory_equal(p.got, m.data, m.capacity);
	probe_free(&p);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_extent_gone_target_ends_the_run(void **state)
{
	static const int gone[] = {ENODEV, ENXIO, EBADF, ENOMEDIUM, ESHUTDOWN};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct fake_medium m;
		struct probe p;
		struct xp_extent_io *io;
		struct xp_extent_stats st;
		struct xp_extent_job job;
		struct xp_err err;

		fake_medium_init(&m, 4 << 20, 512);
		fake_medium_fault(&m, 1 << 20, 512)->sys_errno = gone[i];
		io = fake_medium_io(&m, NULL);
		probe_init(&p, m.capacity);
		job = probe_job(&p, true);
		assert_int_equal(xp_extent_io_run(io, &job, &st, &err), XP_E_IO);
		assert_int_equal(err.sys_errno, gone[i]);
		assert_int_equal(p.failed_errno, gone[i]);
		assert_int_equal(m.inflight, 0); /* what was under way was waited for */
		assert_true(st.bytes_done < 2 << 20);
		probe_free(&p);
		xp_extent_io_free(&io);
		fake_medium_free(&m);
	}
}

static void test_extent_cancel_drains_what_is_under_way(void **state)
{
	struct fake_medium m;
	struct probe p;
	struct xp_extent_io *io;
	struct xp_extent_stats st;
	struct xp_extent_job job;
	uint64_t told = 0;

	(void)state;
	fake_medium_init(&m, 16 << 20, 512);
	io = fake_medium_io(&m, NULL);
	probe_init(&p, m.capacity);
	p.cancel_after = 10;
	job = probe_job(&p, true);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_E_CANCELLED);
	assert_int_equal(m.inflight, 0);
	for (uint64_t i = 0; i < m.capacity; i++)
		told += p.seen[i];
	assert_int_equal(told, st.bytes_done);
	assert_int_equal(m.bytes_written, st.bytes_done);
	assert_true(st.bytes_done > 0 && st.bytes_done < m.capacity);
	/* and the next run works */
	p.at = 0;
	p.cancel_after = 0;
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
	assert_int_equal(st.bytes_done, m.capacity);
	probe_free(&p);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_extent_hang_ends_by_stall_and_by_cancel(void **state)
{
	(void)state;
	for (unsigned by_cancel = 0; by_cancel < 2; by_cancel++) {
		struct fake_medium m;
		struct probe p;
		struct xp_extent_io *io;
		struct xp_extent_stats st;
		struct xp_extent_job job;
		uint64_t start;

		fake_medium_init(&m, 4 << 20, 512);
		m.hang_after = 9;
		io = fake_medium_io(&m, NULL);
		probe_init(&p, m.capacity);
		p.cancel_after = by_cancel ? 30 : 0;
		job = probe_job(&p, false);
		job.stall_ms = by_cancel ? XP_EXTENT_STALL_NEVER : 0;
		start = m.now_ns;
		if (by_cancel) {
			assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_E_CANCELLED);
			assert_true(m.now_ns - start < (XP_EXTENT_DRAIN_MS + 10000) * 1000000ull);
			assert_false(st.stalled);
		} else {
			assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_E_TIMEOUT);
			assert_true(m.now_ns - start >= XP_EXTENT_STALL_DEFAULT_MS * 1000000ull);
			assert_true(st.stalled);
			assert_int_equal(p.failed_errno, ETIMEDOUT);
			assert_true(p.failed_bytes > 0 && p.failed_bytes == st.bytes_failed);
		}
		assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_E_TIMEOUT);
		assert_int_equal(xp_extent_io_flush(io, NULL), XP_E_TIMEOUT);
		assert_int_equal(xp_extent_io_idle_ms(io), 0);
		probe_free(&p);
		xp_extent_io_free(&io);
		fake_medium_free(&m);
	}
}

static bool ask_idle(void *ctx)
{
	void **both = ctx;
	struct probe *p = both[0];
	uint64_t idle = xp_extent_io_idle_ms(both[1]);

	if (idle > 5000)
		p->asked++;
	return p->asked > 3;
}

static bool idle_next(void *ctx, struct xp_extent *range)
{
	return probe_next(((void **)ctx)[0], range);
}

static void idle_deliver(void *ctx, const uint8_t *buf, uint64_t offset, size_t len)
{
	probe_deliver(((void **)ctx)[0], buf, offset, len);
}

static void test_extent_idle_time_can_be_watched(void **state)
{
	struct fake_medium m;
	struct probe p;
	struct xp_extent_io *io;
	struct xp_extent_stats st;
	void *both[2];
	struct xp_extent_job job;

	(void)state;
	fake_medium_init(&m, 4 << 20, 512);
	m.hang_after = 9;
	io = fake_medium_io(&m, NULL);
	probe_init(&p, m.capacity);
	both[0] = &p;
	both[1] = io;
	job = (struct xp_extent_job){
		.ctx = both, .next = idle_next, .deliver = idle_deliver, .cancelled = ask_idle};
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_E_CANCELLED);
	assert_int_equal(p.asked, 4);
	probe_free(&p);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_extent_repeating_content_is_filled_once(void **state)
{
	struct fake_medium m;
	struct probe p;
	struct xp_extent_io *io;
	struct xp_extent_stats st;
	struct xp_extent_job job;

	(void)state;
	fake_medium_init(&m, 4 << 20, 512);
	io = fake_medium_io(&m, NULL);
	probe_init(&p, m.capacity);
	job = probe_job(&p, true);
	job.period_bytes = 256; /* a claim of the job: it is believed */
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
	assert_int_equal(p.fills, 1);
	probe_assert_seen_once(&p, 0, m.capacity);
	for (uint64_t i = 0; i < m.capacity; i++)
		assert_int_equal(m.data[i], probe_content(i % 65536));
	/* a period that does not divide the block cannot be used */
	p.at = 0;
	p.fills = 0;
	job.period_bytes = 768;
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
	assert_int_equal(p.fills, 64);
	for (uint64_t i = 0; i < m.capacity; i++)
		assert_int_equal(m.data[i], probe_content(i));
	probe_free(&p);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_extent_failing_fill_writes_nothing(void **state)
{
	struct fake_medium m;
	struct probe p;
	struct xp_extent_io *io;
	struct xp_extent_stats st;
	struct xp_extent_job job;

	(void)state;
	fake_medium_init(&m, 1 << 20, 512);
	io = fake_medium_io(&m, NULL);
	probe_init(&p, m.capacity);
	p.fill_fails = true;
	job = probe_job(&p, true);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_E_INTERNAL);
	assert_int_equal(m.transfers, 0);
	probe_free(&p);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_extent_range_outside_is_refused(void **state)
{
	static const struct xp_extent outside[] = {
		{1 << 20, 1}, {0, (1 << 20) + 1}, {UINT64_MAX, 2}, {1, UINT64_MAX}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct fake_medium m;
		struct probe p;
		struct xp_extent_io *io;
		struct xp_extent_stats st;
		struct xp_extent_job job;

		fake_medium_init(&m, 1 << 20, 512);
		io = fake_medium_io(&m, NULL);
		probe_init(&p, m.capacity);
		p.ranges[0] = outside[i];
		job = probe_job(&p, i % 2);
		assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_E_USAGE);
		assert_int_equal(m.transfers, 0);
		probe_free(&p);
		xp_extent_io_free(&io);
		fake_medium_free(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extent_ranges_are_cut_and_delivered_once),
		cmocka_unit_test(test_extent_memory_and_depth_are_bounded),
		cmocka_unit_test(test_extent_bad_blocks_are_reported_exactly),
		cmocka_unit_test(test_extent_dead_stretch_is_not_ground_through_block_by_block),
		cmocka_unit_test(test_extent_busy_is_tried_again),
		cmocka_unit_test(test_extent_gone_target_ends_the_run),
		cmocka_unit_test(test_extent_cancel_drains_what_is_under_way),
		cmocka_unit_test(test_extent_hang_ends_by_stall_and_by_cancel),
		cmocka_unit_test(test_extent_idle_time_can_be_watched),
		cmocka_unit_test(test_extent_repeating_content_is_filled_once),
		cmocka_unit_test(test_extent_failing_fill_writes_nothing),
		cmocka_unit_test(test_extent_range_outside_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
