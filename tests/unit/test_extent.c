#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/fake/fake_medium.h"
#include "tests/fake/loop_device.h"

/* --- a job that records everything --- */

struct probe {
	struct xp_extent ranges[64];
	size_t ranges_n, at;
	uint8_t *got;  /* read: by offset */
	uint8_t *seen; /* read or written: how often each byte was told */
	uint64_t failed_bytes;
	int failed_errno;
	unsigned failed_n;
	unsigned fills;
	unsigned cancel_after;
	unsigned asked;
	bool fill_fails;
	uint64_t capacity;
};

static bool probe_next(void *ctx, struct xp_extent *range)
{
	struct probe *p = ctx;

	if (p->at == p->ranges_n)
		return false;
	*range = p->ranges[p->at++];
	return true;
}

static void probe_deliver(void *ctx, const uint8_t *buf, uint64_t offset, size_t len)
{
	struct probe *p = ctx;

	assert_true(offset + len <= p->capacity);
	memcpy(p->got + offset, buf, len);
	for (size_t i = 0; i < len; i++)
		p->seen[offset + i]++;
}

static uint8_t content_at(uint64_t offset)
{
	return (uint8_t)(offset * 31 + offset / 4096);
}

static bool probe_fill(void *ctx, uint8_t *buf, uint64_t offset, size_t len)
{
	struct probe *p = ctx;

	for (size_t i = 0; i < len; i++)
		buf[i] = content_at(offset + i);
	p->fills++;
	return !p->fill_fails;
}

static void probe_written(void *ctx, uint64_t offset, size_t len)
{
	struct probe *p = ctx;

	assert_true(offset + len <= p->capacity);
	for (size_t i = 0; i < len; i++)
		p->seen[offset + i]++;
}

static void probe_failed(void *ctx, uint64_t offset, size_t len, int sys_errno)
{
	struct probe *p = ctx;

	assert_true(offset + len <= p->capacity);
	for (size_t i = 0; i < len; i++)
		p->seen[offset + i]++;
	p->failed_bytes += len;
	p->failed_errno = sys_errno;
	p->failed_n++;
}

static bool probe_cancelled(void *ctx)
{
	struct probe *p = ctx;

	return p->cancel_after && ++p->asked > p->cancel_after;
}

static void probe_init(struct probe *p, uint64_t capacity)
{
	memset(p, 0, sizeof(*p));
	p->capacity = capacity;
	p->got = calloc(1, capacity);
	p->seen = calloc(1, capacity);
	p->ranges_n = 1;
	p->ranges[0].len = capacity;
}

static void probe_free(struct probe *p)
{
	free(p->got);
	free(p->seen);
}

static struct xp_extent_job job_of(struct probe *p, bool write)
{
	return (struct xp_extent_job){
		.write = write,
		.ctx = p,
		.next = probe_next,
		.fill = probe_fill,
		.deliver = probe_deliver,
		.written = probe_written,
		.failed = probe_failed,
		.cancelled = probe_cancelled,
	};
}

static void assert_seen_once(const struct probe *p, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		if (p->seen[i] != 1)
			fail_msg("byte %llu was told %u times", (unsigned long long)i, p->seen[i]);
	}
}

static void assert_untouched(const struct probe *p, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		if (p->seen[i] != 0)
			fail_msg("byte %llu was told", (unsigned long long)i);
	}
}

/* --- on a medium in memory --- */

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
	job = job_of(&p, false);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
	for (size_t i = 0; i < p.ranges_n; i++) {
		assert_seen_once(&p, ranges[i].offset, ranges[i].offset + ranges[i].len);
		assert_memory_equal(p.got + ranges[i].offset, m.data + ranges[i].offset,
				    ranges[i].len);
	}
	assert_untouched(&p, 513, 1500);
	assert_untouched(&p, 71500, 80000);
	assert_int_equal(st.bytes_done, 1 + 2 + 70000 + 200000 + 7);
	assert_int_equal(st.bytes_failed, 0);
	assert_false(m.unaligned || m.outside);
	assert_int_equal(st.how.backend, XP_IO_SG);
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
		job = job_of(&p, false);
		assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
		assert_int_equal(st.how.block_bytes, cases[i].want_bytes);
		assert_int_equal(st.how.depth, cases[i].want_depth);
		assert_true(m.largest <= cases[i].want_bytes);
		assert_true(m.deepest <= cases[i].want_depth);
		assert_seen_once(&p, 0, m.capacity);
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
		job = job_of(&p, write);
		assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
		assert_int_equal(p.failed_bytes, 4 * 512);
		assert_int_equal(p.failed_n, 4);
		assert_int_equal(st.bytes_failed, 4 * 512);
		assert_int_equal(st.bytes_done, m.capacity - 4 * 512);
		assert_seen_once(&p, 0, m.capacity);
		for (uint64_t i = 0; i < m.capacity; i++) {
			bool bad = i < 512 || i / 512 == 100 || i / 512 == 777 || i / 512 == 778;

			if (write)
				assert_true((m.data[i] == content_at(i)) != bad ||
					    m.data[i] == content_at(i));
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
	job = job_of(&p, true);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
	/* nothing outside of it is lost, everything is accounted for, and the place behind it is
	 * fine */
	assert_seen_once(&p, 0, m.capacity);
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
	job = job_of(&p, false);
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
		job = job_of(&p, true);
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
	job = job_of(&p, true);
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
		job = job_of(&p, false);
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
	job = job_of(&p, true);
	job.period_bytes =
		256; /* content_at repeats every 256 bytes within 4 KiB only: see below */
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
	assert_int_equal(p.fills, 1);
	assert_seen_once(&p, 0, m.capacity);
	for (uint64_t i = 0; i < m.capacity; i++)
		assert_int_equal(m.data[i], content_at(i % 65536));
	/* a period that does not divide the block cannot be used */
	p.at = 0;
	p.fills = 0;
	job.period_bytes = 768;
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
	assert_int_equal(p.fills, 64);
	for (uint64_t i = 0; i < m.capacity; i++)
		assert_int_equal(m.data[i], content_at(i));
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
	job = job_of(&p, true);
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
		job = job_of(&p, i % 2);
		assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_E_USAGE);
		assert_int_equal(m.transfers, 0);
		probe_free(&p);
		xp_extent_io_free(&io);
		fake_medium_free(&m);
	}
}

/* --- on real files and devices --- */

/* A file of SIZE bytes with known content, unlinked at once. */
static int make_file(const char *folder, uint64_t size)
{
	char path[64];
	uint8_t *data = malloc(size);
	int fd;

	snprintf(path, sizeof(path), "%s/expunge-test-XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	assert_true(fd >= 0);
	unlink(path);
	for (uint64_t i = 0; i < size; i++)
		data[i] = content_at(i);
	assert_int_equal(pwrite(fd, data, size, 0), size);
	assert_int_equal(fsync(fd), 0);
	free(data);
	return fd;
}

static int reopen(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

static void assert_content(const struct probe *p)
{
	assert_seen_once(p, 0, p->capacity);
	for (uint64_t i = 0; i < p->capacity; i++) {
		if (p->got[i] != content_at(i))
			fail_msg("byte %llu is wrong", (unsigned long long)i);
	}
}

struct file_case {
	const char *folder;
	uint64_t size;
	int flags;
	bool no_uring;
};

static void read_file(const struct file_case *c, struct xp_extent_stats *st)
{
	AUTO_FD int file = make_file(c->folder, c->size);
	AUTO_FD int fd = reopen(file, O_RDONLY | c->flags);
	const struct xp_extent_config cfg = {.fd = fd,
					     .capacity_bytes = c->size,
					     .logical_block_bytes = 1,
					     .block_bytes = 65536,
					     .no_uring = c->no_uring};
	struct xp_extent_io *io = NULL;
	struct xp_extent_job job;
	struct probe p;

	assert_true(fd >= 0);
	assert_int_equal(xp_extent_io_new(&io, &cfg, NULL), XP_OK);
	probe_init(&p, c->size);
	job = job_of(&p, false);
	assert_int_equal(xp_extent_io_run(io, &job, st, NULL), XP_OK);
	assert_content(&p);
	assert_int_equal(st->bytes_done + st->bytes_resident, c->size);
	assert_int_equal(st->bytes_failed, 0);
	probe_free(&p);
	xp_extent_io_free(&io);
}

static bool takes_direct(const char *folder)
{
	AUTO_FD int file = make_file(folder, 4096);
	AUTO_FD int fd = reopen(file, O_RDONLY | O_DIRECT);

	return fd >= 0;
}

static void test_extent_file_of_odd_size_is_read_whole(void **state)
{
	static const uint64_t sizes[] = {1, 511, 4096, 4097, 65535, 65536, 70001, 1000000, 1048576};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (unsigned way = 0; way < 4; way++) {
			struct file_case c = {.folder = "/var/tmp",
					      .size = sizes[i],
					      .flags = way & 1 ? O_DIRECT : 0,
					      .no_uring = way & 2};
			struct xp_extent_stats st;

			if (c.flags && !takes_direct(c.folder))
				continue;
			read_file(&c, &st);
			assert_int_equal(st.how.direct, c.flags != 0);
			assert_int_equal(st.bytes_done, c.size); /* nothing came from the cache */
			if (c.flags && c.size % 4096)
				assert_non_null(strstr(st.how.fallback, "odd size"));
			if (!c.flags)
				assert_non_null(strstr(st.how.fallback, "page cache"));
			if (c.no_uring)
				assert_int_equal(st.how.backend, XP_IO_SYNC);
			if (c.flags && !c.no_uring && c.size % 4096 == 0 && !st.how.fallback[0]) {
				assert_int_equal(st.how.backend, XP_IO_URING);
				assert_true(st.how.registered_buffers);
			}
		}
	}
}

static void test_extent_cached_bytes_are_not_called_delivered(void **state)
{
	const uint64_t size = 8 << 20;
	const uint64_t held = 256 << 10;
	AUTO_FD int file = make_file("/var/tmp", size);
	const struct xp_extent_config cfg = {
		.fd = file, .capacity_bytes = size, .logical_block_bytes = 1};
	struct xp_extent_io *io = NULL;
	struct xp_extent_stats st;
	struct xp_extent_job job;
	struct probe p;
	volatile uint8_t sum = 0;
	uint8_t *map;

	(void)state;
	/* pages that a process has mapped cannot be dropped; large folios hold more */
	map = mmap(NULL, held, PROT_READ, MAP_SHARED, file, 0);
	assert_true(map != MAP_FAILED);
	for (uint64_t i = 0; i < held; i += 4096)
		sum = (uint8_t)(sum + map[i]);
	assert_int_equal(xp_extent_io_new(&io, &cfg, NULL), XP_OK);
	probe_init(&p, size);
	job = job_of(&p, false);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
	assert_content(&p);
	assert_int_equal(st.bytes_done + st.bytes_resident, size);
	assert_true(st.bytes_resident >= held);
	assert_true(st.bytes_done > 0);
	munmap(map, held);
	probe_free(&p);
	xp_extent_io_free(&io);
}

static void test_extent_file_in_memory_is_its_own_medium(void **state)
{
	struct file_case c = {.folder = "/dev/shm", .size = 300001};
	struct xp_extent_stats st;

	(void)state;
	if (access(c.folder, W_OK) != 0)
		skip();
	read_file(&c, &st);
	assert_int_equal(st.bytes_done, c.size);
	assert_non_null(strstr(st.how.fallback, "in memory"));
}

static void test_extent_writing_needs_a_permit(void **state)
{
	AUTO_FD int file = make_file("/var/tmp", 1 << 20);
	const struct xp_extent_config cfg = {
		.fd = file, .capacity_bytes = 1 << 20, .logical_block_bytes = 1};
	struct xp_extent_io *io = NULL;
	struct xp_extent_stats st;
	struct xp_extent_job job;
	struct probe p;
	uint8_t byte;

	(void)state;
	assert_int_equal(xp_extent_io_new(&io, &cfg, NULL), XP_OK);
	probe_init(&p, 1 << 20);
	job = job_of(&p, true);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_E_REFUSED);
	assert_int_equal(p.fills, 0);
	assert_int_equal(st.bytes_done, 0);
	for (off_t i = 0; i < 1 << 20; i += 4095) {
		assert_int_equal(pread(file, &byte, 1, i), 1);
		assert_int_equal(byte, content_at((uint64_t)i));
	}
	probe_free(&p);
	xp_extent_io_free(&io);
}

static void test_extent_truncated_file_is_a_gone_target(void **state)
{
	AUTO_FD int file = make_file("/var/tmp", 1 << 20);
	const struct xp_extent_config cfg = {
		.fd = file, .capacity_bytes = 1 << 20, .logical_block_bytes = 1};
	struct xp_extent_io *io = NULL;
	struct xp_extent_stats st;
	struct xp_extent_job job;
	struct probe p;

	(void)state;
	assert_int_equal(xp_extent_io_new(&io, &cfg, NULL), XP_OK);
	assert_int_equal(ftruncate(file, 600000), 0);
	probe_init(&p, 1 << 20);
	job = job_of(&p, false);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_E_IO);
	assert_true(st.bytes_done <= 600000);
	assert_int_equal(p.failed_errno, ENODATA);
	probe_free(&p);
	xp_extent_io_free(&io);
}

static void test_extent_loop_device_is_read_past_the_cache(void **state)
{
	const uint64_t size = 3 << 20;
	AUTO_FD int file = make_file("/var/tmp", size);
	char path[32];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t sector = i % 2 ? 4096 : 512;
		AUTO_FD int fd = loop_device_attach(path, file, sector, false,
						    O_RDONLY | (i & 2 ? 0 : O_DIRECT));
		const struct xp_extent_config cfg = {
			.fd = fd, .capacity_bytes = size, .logical_block_bytes = sector};
		struct xp_extent_io *io = NULL;
		struct xp_extent_stats st;
		struct xp_extent_job job;
		struct probe p;

		if (fd < 0)
			skip();
		assert_int_equal(xp_extent_io_new(&io, &cfg, NULL), XP_OK);
		probe_init(&p, size);
		job = job_of(&p, false);
		assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
		assert_content(&p);
		assert_int_equal(st.bytes_done, size);
		assert_int_equal(st.how.direct, (i & 2) == 0);
		probe_free(&p);
		xp_extent_io_free(&io);
	}
}

static void test_extent_refused_direct_goes_on_without(void **state)
{
	const uint64_t size = 1 << 20;
	AUTO_FD int file = make_file("/var/tmp", size);
	char path[32];
	AUTO_FD int fd = loop_device_attach(path, file, 4096, false, O_RDONLY | O_DIRECT);
	/* told of smaller blocks than the device has, it asks for what O_DIRECT cannot do */
	const struct xp_extent_config cfg = {
		.fd = fd, .capacity_bytes = size, .logical_block_bytes = 512};
	struct xp_extent_io *io = NULL;
	struct xp_extent_stats st;
	struct xp_extent_job job;
	struct probe p;

	(void)state;
	if (fd < 0)
		skip();
	assert_int_equal(xp_extent_io_new(&io, &cfg, NULL), XP_OK);
	probe_init(&p, size);
	p.ranges[0] = (struct xp_extent){.offset = 512, .len = size - 512};
	job = job_of(&p, false);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
	assert_seen_once(&p, 512, size);
	for (uint64_t i = 512; i < size; i++)
		assert_int_equal(p.got[i], content_at(i));
	assert_false(st.how.direct);
	assert_non_null(strstr(st.how.fallback, "O_DIRECT refused"));
	assert_int_equal(st.bytes_done, size - 512);
	probe_free(&p);
	xp_extent_io_free(&io);
}

static void test_extent_senseless_configs_are_refused(void **state)
{
	AUTO_FD int file = make_file("/var/tmp", 4096);
	const struct xp_extent_config cases[] = {
		{.fd = file, .capacity_bytes = 0, .logical_block_bytes = 512},
		{.fd = file, .capacity_bytes = UINT64_MAX, .logical_block_bytes = 512},
		{.fd = file, .capacity_bytes = 4096, .logical_block_bytes = 0},
		{.fd = file, .capacity_bytes = 4096, .logical_block_bytes = 16 << 20},
		{.fd = -1, .capacity_bytes = 4096, .logical_block_bytes = 512},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xp_extent_io *io = NULL;

		assert_int_not_equal(xp_extent_io_new(&io, &cases[i], NULL), XP_OK);
		assert_null(io);
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
		cmocka_unit_test(test_extent_file_of_odd_size_is_read_whole),
		cmocka_unit_test(test_extent_cached_bytes_are_not_called_delivered),
		cmocka_unit_test(test_extent_file_in_memory_is_its_own_medium),
		cmocka_unit_test(test_extent_writing_needs_a_permit),
		cmocka_unit_test(test_extent_truncated_file_is_a_gone_target),
		cmocka_unit_test(test_extent_loop_device_is_read_past_the_cache),
		cmocka_unit_test(test_extent_refused_direct_goes_on_without),
		cmocka_unit_test(test_extent_senseless_configs_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
