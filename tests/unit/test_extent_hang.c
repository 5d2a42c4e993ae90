/*
 * A target that hangs in a real kernel: an image on a file system that is frozen. What is tried on
 * a medium in memory elsewhere is tried here with io_uring underneath.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "device/interlock.h"
#include "sanitize/overwrite/writer.h"
#include "tests/fake/loop_device.h"

#define FS_BYTES    (32 << 20)
#define IMAGE_BYTES (8 << 20)

struct world {
	char folder[64];
	char backing[96];
	char image[96];
	char loop[32];
	int loop_fd;
	bool mounted;
	int mount_fd; /* of the frozen file system */
};

static int teardown(void **state)
{
	struct world *w = *state;

	if (w->mount_fd >= 0) {
		(void)ioctl(w->mount_fd, FITHAW, 0);
		close(w->mount_fd);
	}
	/* a request that was abandoned ends now, and lets go of the file */
	for (unsigned i = 0; w->mounted && umount(w->folder) != 0 && i < 50; i++)
		usleep(20000);
	if (w->loop_fd >= 0)
		close(w->loop_fd);
	unlink(w->backing);
	rmdir(w->folder);
	free(w);
	return 0;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	w->loop_fd = w->mount_fd = -1;
	snprintf(w->folder, sizeof(w->folder), "/var/tmp/expunge-test-XXXXXX");
	if (!mkdtemp(w->folder))
		return -1;
	snprintf(w->backing, sizeof(w->backing), "%s.fs", w->folder);
	snprintf(w->image, sizeof(w->image), "%s/disk.img", w->folder);
	*state = w;
	return 0;
}

static bool make_fs(const char *path)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execlp("mkfs.ext4", "mkfs.ext4", "-q", "-F", path, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* A file system of its own with an image on it; false: not to be had here. */
static bool make_image(struct world *w)
{
	AUTO_FD int file = open(w->backing, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	AUTO_MEM uint8_t *data = malloc(IMAGE_BYTES);
	AUTO_FD int image = -1;

	/* what is mounted here is seen by nobody else, and gone with this process */
	if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return false;
	if (file < 0 || ftruncate(file, FS_BYTES) != 0 || !make_fs(w->backing))
		return false;
	w->loop_fd = loop_device_attach(w->loop, file, 512, false, O_RDWR);
	if (w->loop_fd < 0 || mount(w->loop, w->folder, "ext4", MS_NODEV | MS_NOSUID, NULL) != 0)
		return false;
	w->mounted = true;
	image = open(w->image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	memset(data, 'd', IMAGE_BYTES);
	assert_int_equal(pwrite(image, data, IMAGE_BYTES, 0), IMAGE_BYTES);
	assert_int_equal(fsync(image), 0);
	w->mount_fd = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return w->mount_fd >= 0;
}

static uint64_t now_ms(void)
{
	const struct xp_clock *c = xp_clock_system();

	return c->monotonic_ns(c->ctx) / 1000000;
}

static void test_hang_of_a_frozen_target_times_out(void **state)
{
	struct world *w = *state;
	AUTO(xp_extent_io_free) struct xp_extent_io *io = NULL;
	struct xp_sysroot root;
	struct xp_target target;
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};
	const char *confirms[] = {"disk.img", NULL};
	const char *outputs[] = {NULL};
	const struct xp_interlock_request ask = {
		.root = &root, .target = &target, .confirms = confirms, .outputs = outputs};
	struct xp_extent_config cfg = {.capacity_bytes = IMAGE_BYTES, .logical_block_bytes = 1};
	struct xp_overwrite_request req = {.capacity_bytes = IMAGE_BYTES,
					   .logical_block_bytes = 1,
					   .pass = 1,
					   .passes = 1,
					   .stall_ms = 700};
	struct xp_overwrite_result out;
	uint64_t start;

	if (!make_image(w))
		skip();
	assert_int_equal(xp_sysroot_open(&root, "/", NULL), XP_OK);
	assert_int_equal(xp_target_resolve(&target, &root, w->image, NULL), XP_OK);
	assert_int_equal(xp_interlock_acquire(&permit, &refusals, &ask, NULL), XP_OK);
	cfg.permit = permit;
	cfg.fd = xp_permit_fd(permit, &cfg.direct);
	assert_int_equal(xp_extent_io_new(&io, &cfg, NULL), XP_OK);
	req.io = io;
	/* it works, before it hangs; without io_uring the thread itself would hang: nothing to see
	 */
	assert_int_equal(xp_overwrite_run(&out, &req, NULL), XP_OK);
	assert_true(out.flushed);
	if (out.how.backend != XP_IO_URING)
		skip();
	xp_overwrite_result_free(&out);
	assert_int_equal(ioctl(w->mount_fd, FIFREEZE, 0), 0);
	start = now_ms();
	assert_int_equal(xp_overwrite_run(&out, &req, NULL), XP_E_TIMEOUT);
	assert_true(now_ms() - start >= 700 && now_ms() - start < 3000);
	assert_false(out.flushed);
	assert_int_equal(out.bytes_written, 0);
	xp_overwrite_result_free(&out);
	start = now_ms();
	xp_extent_io_free(&io); /* does not wait for what hangs */
	assert_true(now_ms() - start < 1000);
	xp_permit_release(&permit);
	xp_target_free(&target);
	xp_sysroot_close(&root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hang_of_a_frozen_target_times_out, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
