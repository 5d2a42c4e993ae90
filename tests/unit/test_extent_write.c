/* Writing for real: the interlock's permit on image files and loop devices that this test made. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "device/interlock.h"
#include "sanitize/overwrite/writer.h"
#include "tests/fake/loop_device.h"
#include "verify/verify.h"

struct world {
	char folder[64];
	char image[128];
	char loop[32]; /* empty: none is attached */
	struct xp_sysroot root;
	struct xp_target target;
	struct xp_permit *permit;
};

static int teardown(void **state)
{
	struct world *w = *state;

	if (w->permit)
		xp_permit_release(&w->permit);
	xp_target_free(&w->target);
	xp_sysroot_close(&w->root);
	if (w->loop[0])
		loop_device_detach(w->loop);
	unlink(w->image);
	rmdir(w->folder);
	free(w);
	return 0;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w || xp_sysroot_open(&w->root, "/", NULL) != XP_OK)
		return -1;
	snprintf(w->folder, sizeof(w->folder), "/var/tmp/expunge-test-XXXXXX");
	if (!mkdtemp(w->folder))
		return -1;
	snprintf(w->image, sizeof(w->image), "%s/disk-%d.img", w->folder, (int)getpid());
	*state = w;
	return 0;
}

/* A target of SIZE bytes of data: an image, or with SECTOR a loop device over it; with a permit. */
static void take(struct world *w, uint64_t size, uint32_t sector)
{
	AUTO_MEM uint8_t *data = malloc(size);
	AUTO_FD int fd = open(w->image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const char *confirms[] = {w->target.confirm, NULL};
	const char *outputs[] = {NULL};
	const struct xp_interlock_request req = {
		.root = &w->root, .target = &w->target, .confirms = confirms, .outputs = outputs};
	struct xp_refusals refusals = {0};
	struct xp_err err = {0};

	if (geteuid() != 0)
		skip();
	assert_true(fd >= 0);
	for (uint64_t i = 0; i < size; i++)
		data[i] = (uint8_t)(1 + i % 255);
	assert_int_equal(pwrite(fd, data, size, 0), size);
	if (sector && loop_device_attach_lasting(w->loop, fd, sector, true) != 0 &&
	    loop_device_attach_lasting(w->loop, fd, sector, false) != 0) {
		w->loop[0] = 0;
		skip();
	}
	close(STEAL_FD(fd));
	assert_int_equal(xp_target_resolve(&w->target, &w->root, sector ? w->loop : w->image, &err),
			 XP_OK);
	if (xp_interlock_acquire(&w->permit, &refusals, &req, &err) != XP_OK)
		fail_msg("no permit: %s %s", err.msg, refusals.n ? refusals.list[0].message : "");
	xp_refusals_free(&refusals);
}

static struct xp_extent_config config_of(const struct world *w, bool no_uring)
{
	struct xp_extent_config cfg = {.permit = w->permit,
				       .capacity_bytes = w->target.identity.capacity_bytes,
				       .logical_block_bytes =
					       w->target.identity.logical_block_bytes,
				       .block_bytes = 65536,
				       .no_uring = no_uring};

	cfg.fd = xp_permit_fd(w->permit, &cfg.direct);
	return cfg;
}

static struct xp_content content_of(enum xp_content_kind kind)
{
	return (struct xp_content){.kind = kind,
				   .pattern = {0x12, 0x34, 0x56},
				   .pattern_len = 3,
				   .key = {1, 2, 3, 4, 5, 6, 7}};
}

/* Overwrites and reads back, over the same permit. */
static void wipe(const struct xp_extent_config *cfg, enum xp_content_kind kind,
		 struct xp_io_how *how)
{
	AUTO(xp_extent_io_free) struct xp_extent_io *io = NULL;
	const struct xp_content content = content_of(kind);
	struct xp_overwrite_result written;
	struct xp_readback_result read;
	struct xp_overwrite_request write_req;
	struct xp_verify_request read_req;
	struct xp_err err = {0};

	assert_int_equal(xp_extent_io_new(&io, cfg, &err), XP_OK);
	write_req = (struct xp_overwrite_request){.io = io,
						  .capacity_bytes = cfg->capacity_bytes,
						  .logical_block_bytes = cfg->logical_block_bytes,
						  .content = content,
						  .pass = 1,
						  .passes = 1,
						  .checkpoint_bytes = 200000};
	if (xp_overwrite_run(&written, &write_req, &err) != XP_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(written.bytes_written, cfg->capacity_bytes);
	assert_int_equal(written.unwritten.total_count, 0);
	assert_true(written.flushed);
	*how = written.how;
	read_req = (struct xp_verify_request){.io = io,
					      .capacity_bytes = cfg->capacity_bytes,
					      .logical_block_bytes = cfg->logical_block_bytes,
					      .mode = XP_READBACK_FULL,
					      .expected = content};
	if (xp_verify_run(&read, &read_req, &err) != XP_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(read.mismatch_total, 0);
	assert_int_equal(read.bytes_delivered, cfg->capacity_bytes);
	xp_overwrite_result_free(&written);
	xp_readback_result_free(&read);
}

/* What stands there by a way of its own; and that the size did not change. */
static void assert_image_holds(const struct world *w, uint64_t size, enum xp_content_kind kind)
{
	const struct xp_content c = content_of(kind);
	AUTO_FD int fd = open(w->image, O_RDONLY | O_CLOEXEC);
	AUTO_MEM uint8_t *data = malloc(size + 1);

	assert_int_equal(pread(fd, data, size + 1, 0), size);
	for (uint64_t i = 0; kind != XP_CONTENT_RANDOM && i < size; i++)
		assert_int_equal(data[i], kind == XP_CONTENT_ZERO ? 0 : c.pattern[i % 3]);
}

static void test_write_images_of_odd_sizes_to_the_last_byte(void **state)
{
	static const uint64_t sizes[] = {1, 4097, 300000};
	struct world *w = *state;

	for (size_t i = 0; i < XP_ARRAY_LEN(sizes); i++) {
		for (unsigned way = 0; way < 6; way++) {
			static const enum xp_content_kind kinds[] = {
				XP_CONTENT_ZERO, XP_CONTENT_PATTERN, XP_CONTENT_RANDOM};
			struct xp_extent_config cfg;
			struct xp_io_how how;

			take(w, sizes[i], 0);
			cfg = config_of(w, way % 2);
			wipe(&cfg, kinds[way / 2], &how);
			if (cfg.direct && sizes[i] % 4096)
				assert_non_null(strstr(how.fallback, "odd size"));
			xp_permit_release(&w->permit);
			assert_image_holds(w, sizes[i], kinds[way / 2]);
			xp_target_free(&w->target);
			unlink(w->image);
		}
	}
}

static void test_write_loop_devices_of_both_sector_sizes(void **state)
{
	struct world *w = *state;

	for (uint32_t sector = 512; sector <= 4096; sector *= 8) {
		for (unsigned no_uring = 0; no_uring < 2; no_uring++) {
			const uint64_t size = 1048576 + 4096;
			struct xp_extent_config cfg;
			struct xp_io_how how;

			take(w, size, sector);
			cfg = config_of(w, no_uring);
			assert_int_equal(cfg.logical_block_bytes, sector);
			assert_int_equal(cfg.capacity_bytes, size);
			assert_true(cfg.direct);
			wipe(&cfg, XP_CONTENT_RANDOM, &how);
			wipe(&cfg, XP_CONTENT_PATTERN, &how);
			assert_true(how.direct);
			if (no_uring)
				assert_int_equal(how.backend, XP_IO_SYNC);
			else if (!how.fallback[0])
				assert_true(how.backend == XP_IO_URING && how.registered_buffers);
			xp_permit_release(&w->permit);
			loop_device_detach(w->loop);
			w->loop[0] = 0;
			assert_image_holds(w, size, XP_CONTENT_PATTERN);
			xp_target_free(&w->target);
			unlink(w->image);
		}
	}
}

static void test_write_residue_behind_the_back_is_found(void **state)
{
	struct world *w = *state;
	const struct xp_content content = content_of(XP_CONTENT_ZERO);
	AUTO(xp_extent_io_free) struct xp_extent_io *io = NULL;
	struct xp_extent_config cfg;
	struct xp_readback_result read;
	struct xp_verify_request req;
	struct xp_io_how how;
	static const char secret[] = "customer data";
	int fd;

	take(w, 1000001, 0);
	cfg = config_of(w, false);
	wipe(&cfg, XP_CONTENT_ZERO, &how);
	fd = open(w->image, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, secret, 13, 777777), 13);
	assert_int_equal(pwrite(fd, "x", 1, 1000000), 1); /* the last byte of all */
	close(fd);
	assert_int_equal(xp_extent_io_new(&io, &cfg, NULL), XP_OK);
	req = (struct xp_verify_request){.io = io,
					 .capacity_bytes = cfg.capacity_bytes,
					 .logical_block_bytes = cfg.logical_block_bytes,
					 .mode = XP_READBACK_FULL,
					 .expected = content};
	assert_int_equal(xp_verify_run(&read, &req, NULL), XP_OK);
	assert_int_equal(read.mismatch_total, 2);
	assert_int_equal(read.mismatches[0].offset, 777777);
	assert_int_equal(read.mismatches[0].len, 13);
	assert_memory_equal(read.mismatches[0].found, secret, 13);
	assert_int_equal(read.mismatches[1].offset, 1000000);
	xp_readback_result_free(&read);
}

static void test_write_through_another_descriptor_is_refused(void **state)
{
	struct world *w = *state;
	AUTO_FD int other = -1;
	struct xp_extent_config cfg;
	struct xp_extent_io *io = NULL;

	take(w, 100000, 0);
	cfg = config_of(w, false);
	other = open(w->image, O_RDWR | O_CLOEXEC);
	cfg.fd = other; /* the same file even */
	assert_int_equal(xp_extent_io_new(&io, &cfg, NULL), XP_E_REFUSED);
	assert_null(io);
}

static void test_write_target_is_free_at_once_when_given_back(void **state)
{
	struct world *w = *state;

	take(w, 1 << 20, 4096);
	for (unsigned i = 0; i < 6; i++) {
		struct xp_extent_config cfg = config_of(w, false);
		const char *confirms[] = {w->target.confirm, NULL};
		const char *outputs[] = {NULL};
		const struct xp_interlock_request req = {.root = &w->root,
							 .target = &w->target,
							 .confirms = confirms,
							 .outputs = outputs};
		struct xp_refusals refusals = {0};
		struct xp_io_how how;

		wipe(&cfg, XP_CONTENT_ZERO, &how);
		xp_permit_release(&w->permit);
		/* a ring that the kernel takes down later would still hold it */
		if (xp_interlock_acquire(&w->permit, &refusals, &req, NULL) != XP_OK)
			fail_msg("round %u: %s", i, refusals.n ? refusals.list[0].message : "?");
		xp_refusals_free(&refusals);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write_images_of_odd_sizes_to_the_last_byte,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_loop_devices_of_both_sector_sizes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_write_residue_behind_the_back_is_found, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_write_target_is_free_at_once_when_given_back,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_through_another_descriptor_is_refused,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
