/* Reading real files and loop devices that this test made. */
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
#include "device/extent_backend.h"
#include "tests/fake/extent_probe.h"
#include "tests/fake/loop_device.h"

/* A file of SIZE bytes with known content, which the caller unlinks. */
static int make_named_file(char path[64], const char *folder, uint64_t size)
{
	uint8_t *data = malloc(size);
	int fd;

	assert_non_null(data);
	snprintf(path, 64, "%s/expunge-test-XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	assert_true(fd >= 0);
	for (uint64_t i = 0; i < size; i++)
		data[i] = probe_content(i);
	assert_int_equal(pwrite(fd, data, size, 0), size);
	assert_int_equal(fsync(fd), 0);
	free(data);
	return fd;
}

/* The same, unlinked at once. */
static int make_file(const char *folder, uint64_t size)
{
	char path[64];
	int fd = make_named_file(path, folder, size);

	unlink(path);
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
	probe_assert_seen_once(p, 0, p->capacity);
	for (uint64_t i = 0; i < p->capacity; i++) {
		if (p->got[i] != probe_content(i))
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
	job = probe_job(&p, false);
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
	job = probe_job(&p, false);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
	assert_content(&p);
	assert_int_equal(st.bytes_done + st.bytes_resident, size);
	assert_true(st.bytes_resident >= held);
	assert_true(st.bytes_done > 0);
	munmap(map, held);
	probe_free(&p);
	xp_extent_io_free(&io);
}

struct mapped {
	uint8_t *at;
	size_t len;
	unsigned pauses, until;
};

static void unmap_at_last(void *ctx)
{
	struct mapped *m = ctx;

	if (++m->pauses == m->until)
		munmap(m->at, m->len);
}

/* A page that somebody has in their hands for a moment is no page that stays in the cache. */
static void test_extent_page_that_is_held_for_a_moment_is_dropped(void **state)
{
	const size_t size = 1 << 20;
	AUTO_FD int file = make_file("/var/tmp", size);
	struct mapped m = {.len = 64 << 10, .until = 3};
	struct xp_extent_sync *way = NULL;
	volatile uint8_t sum = 0;

	(void)state;
	assert_int_equal(xp_extent_sync_open(&way, fcntl(file, F_DUPFD_CLOEXEC, 3), true, NULL),
			 XP_OK);
	m.at = mmap(NULL, m.len, PROT_READ, MAP_SHARED, file, 0);
	assert_true(m.at != MAP_FAILED);
	for (size_t i = 0; i < m.len; i += 4096)
		sum = (uint8_t)(sum + m.at[i]);
	assert_int_equal(xp_extent_sync_drop(way, size, unmap_at_last, &m), 0);
	assert_true(m.pauses >= m.until);
	/* ... and one that is never let go is told */
	m.at = mmap(NULL, m.len, PROT_READ, MAP_SHARED, file, 0);
	assert_true(m.at != MAP_FAILED);
	for (size_t i = 0; i < m.len; i += 4096)
		sum = (uint8_t)(sum + m.at[i]);
	m.until = UINT32_MAX;
	assert_true(xp_extent_sync_drop(way, size, unmap_at_last, &m) >= m.len);
	munmap(m.at, m.len);
	xp_extent_sync_ops.close(way);
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
	job = probe_job(&p, true);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_E_REFUSED);
	assert_int_equal(p.fills, 0);
	assert_int_equal(st.bytes_done, 0);
	for (off_t i = 0; i < 1 << 20; i += 4095) {
		assert_int_equal(pread(file, &byte, 1, i), 1);
		assert_int_equal(byte, probe_content((uint64_t)i));
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
	job = probe_job(&p, false);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_E_IO);
	assert_true(st.bytes_done <= 600000);
	assert_int_equal(p.failed_errno, ENODATA);
	probe_free(&p);
	xp_extent_io_free(&io);
}

static void test_extent_loop_device_is_read_past_the_cache(void **state)
{
	const uint64_t size = 3 << 20;
	char path[32];
	char name[64];
	AUTO_FD int file = make_named_file(name, "/var/tmp", size);

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		uint32_t sector = i % 2 ? 4096 : 512;
		AUTO_FD int fd = loop_device_attach(path, file, sector, false,
						    O_RDONLY | (i & 2 ? 0 : O_DIRECT));
		/* without a name its cache cannot be dropped, and nothing counts as delivered */
		bool named = i < 4;
		const struct xp_extent_config cfg = {
			.fd = fd, .capacity_bytes = size, .logical_block_bytes = sector};
		struct xp_extent_io *io = NULL;
		struct xp_extent_stats st;
		struct xp_extent_job job;
		struct probe p;

		if (fd < 0 && i == 0)
			unlink(name);
		if (fd < 0)
			skip();
		if (i == 4)
			unlink(name);
		assert_int_equal(xp_extent_io_new(&io, &cfg, NULL), XP_OK);
		probe_init(&p, size);
		job = probe_job(&p, false);
		assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
		assert_content(&p);
		assert_int_equal(st.bytes_done, named ? size : 0);
		assert_int_equal(st.how.direct, (i & 2) == 0);
		probe_free(&p);
		xp_extent_io_free(&io);
	}
}

static void test_extent_refused_direct_goes_on_without(void **state)
{
	const uint64_t size = 1 << 20;
	char path[32];
	char name[64];
	AUTO_FD int file = make_named_file(name, "/var/tmp", size);
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
		unlink(name);
	if (fd < 0)
		skip();
	assert_int_equal(xp_extent_io_new(&io, &cfg, NULL), XP_OK);
	unlink(name);
	probe_init(&p, size);
	p.ranges[0] = (struct xp_extent){.offset = 512, .len = size - 512};
	job = probe_job(&p, false);
	assert_int_equal(xp_extent_io_run(io, &job, &st, NULL), XP_OK);
	probe_assert_seen_once(&p, 512, size);
	for (uint64_t i = 512; i < size; i++)
		assert_int_equal(p.got[i], probe_content(i));
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
		cmocka_unit_test(test_extent_file_of_odd_size_is_read_whole),
		cmocka_unit_test(test_extent_cached_bytes_are_not_called_delivered),
		cmocka_unit_test(test_extent_page_that_is_held_for_a_moment_is_dropped),
		cmocka_unit_test(test_extent_file_in_memory_is_its_own_medium),
		cmocka_unit_test(test_extent_writing_needs_a_permit),
		cmocka_unit_test(test_extent_truncated_file_is_a_gone_target),
		cmocka_unit_test(test_extent_loop_device_is_read_past_the_cache),
		cmocka_unit_test(test_extent_refused_direct_goes_on_without),
		cmocka_unit_test(test_extent_senseless_configs_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
