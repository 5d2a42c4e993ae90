/* The interlock on the running system: loop devices, what stands on them, and the system disk. */
#include <errno.h>
#include <linux/blkpg.h>
#include <linux/loop.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "device/usage.h"
#include "tests/fake/interlock_lab.h"

static void test_acquire_free_loop_is_granted(void **state)
{
	struct interlock_lab *w = *state;
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};
	struct xp_identity id = {0};
	struct xp_err err = {0};
	char node[32];

	interlock_need_root();
	interlock_attach(w, node, w->image);
	interlock_let_go(w);
	assert_int_equal(interlock_try(w, node, w->name, &permit, &refusals), XP_OK);
	assert_int_equal(xp_permit_identify(&id, permit, &err), XP_OK);
	assert_int_equal(id.bus, XP_BUS_LOOP);
	assert_int_equal(id.logical_block_bytes, 512);
	assert_true(id.diskseq > 0);
	xp_identity_free(&id);
	/* nobody else gets it now */
	assert_int_equal(open(node, O_RDWR | O_EXCL | O_CLOEXEC), -1);
	assert_int_equal(errno, EBUSY);
	xp_permit_release(&permit);
}

static void test_identify_shrunk_loop_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};
	struct xp_err err = {0};
	char node[32];

	interlock_need_root();
	interlock_attach(w, node, w->image);
	interlock_let_go(w);
	assert_int_equal(interlock_try(w, node, NULL, &permit, &refusals), XP_OK);
	/* what can change under a held descriptor here: its size */
	assert_int_equal(truncate(w->image, INTERLOCK_IMAGE_BYTES / 2), 0);
	assert_int_equal(ioctl(xp_permit_fd(permit, NULL), LOOP_SET_CAPACITY, 0), 0);
	assert_int_equal(xp_permit_identify(NULL, permit, &err), XP_E_REFUSED);
	xp_permit_release(&permit);
}

static void test_acquire_loop_open_elsewhere_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	char node[32];
	pid_t pid;

	interlock_need_root();
	interlock_attach(w, node, w->image);
	interlock_let_go(w);
	pid = interlock_hold_open(node, O_RDONLY, false, false);
	interlock_refused(w, node, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	interlock_let_die(pid);
	pid = interlock_hold_open(node, O_RDWR, true, false);
	interlock_refused(w, node, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	interlock_let_die(pid);
	/* the file below, too: what is written there lands on the loop */
	pid = interlock_hold_open(w->image, O_RDWR, false, false);
	interlock_refused(w, node, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	interlock_let_die(pid);
	interlock_granted(w, node);
}

static const char *thread_path;
static int thread_pipe;

static void *thread_opens(void *unused)
{
	int fd;

	(void)unused;
	if (unshare(CLONE_FILES))
		_exit(1);
	fd = open(thread_path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || write(thread_pipe, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
	return NULL;
}

/* A thread that has unshared its descriptors: the process's own table does not show them. */
static void test_acquire_loop_open_in_a_thread_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	char node[32];
	int pipes[2];
	pthread_t thread;
	char byte;
	pid_t pid;

	interlock_need_root();
	interlock_attach(w, node, w->image);
	interlock_let_go(w);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		thread_path = node;
		thread_pipe = pipes[1];
		if (pthread_create(&thread, NULL, thread_opens, NULL))
			_exit(1);
		for (;;)
			pause();
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	interlock_refused(w, node, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	interlock_let_die(pid);
	interlock_granted(w, node);
}

static void test_acquire_image_below_loop_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	char node[32];

	interlock_need_root();
	interlock_attach(w, node, w->image);
	interlock_let_go(w);
	interlock_refused(w, w->image, NULL, XP_REFUSED_HOLDER);
}

static void test_acquire_loop_below_loop_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	char lower[32];
	char upper[32];

	interlock_need_root();
	interlock_attach(w, lower, w->image);
	interlock_attach(w, upper, lower);
	interlock_let_go(w);
	interlock_refused(w, lower, NULL, XP_REFUSED_HOLDER);
}

#define POINT_LEN 160

/* A file system on a loop device, and a folder to mount it at. */
static void attach_ext4(struct interlock_lab *w, char node[32], char point[POINT_LEN])
{
	const char *const mkfs[] = {"mkfs.ext4", "-q", "-F", w->image, NULL};

	interlock_need_root();
	if (!interlock_run(mkfs))
		skip();
	interlock_attach(w, node, w->image);
	interlock_let_go(w);
	snprintf(point, POINT_LEN, "%s/mnt", w->dir);
	assert_int_equal(mkdir(point, 0700), 0);
}

static void test_acquire_mounted_loop_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	char node[32];
	char point[POINT_LEN];
	uint64_t before;

	attach_ext4(w, node, point);
	assert_int_equal(mount(node, point, "ext4", MS_RDONLY, ""), 0);
	before = interlock_digest(w->image);
	interlock_refused(w, node, NULL, XP_REFUSED_MOUNTED);
	interlock_refused(w, w->image, NULL, XP_REFUSED_HOLDER);
	assert_true(before == interlock_digest(w->image));
	assert_int_equal(umount(point), 0);
	interlock_granted(w, node);
	assert_int_equal(rmdir(point), 0);
}

/* Mounted where only another process sees it, and where no process sees it any more. */
static void test_acquire_mounted_out_of_sight_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	char node[32];
	char point[POINT_LEN];
	char byte;
	int pipes[2];
	pid_t pid;

	attach_ext4(w, node, point);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNS) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount(node, point, "ext4", MS_RDONLY, "") || write(pipes[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	interlock_refused(w, node, NULL, XP_REFUSED_MOUNTED);
	interlock_let_die(pid);
	/* lazily unmounted: in no table, but a descriptor keeps it alive */
	assert_int_equal(mount(node, point, "ext4", MS_RDONLY, ""), 0);
	AUTO_FD int keeps = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(keeps >= 0);
	assert_int_equal(umount2(point, MNT_DETACH), 0);
	interlock_refused(w, node, NULL, XP_REFUSED_UNKNOWN);
	close(keeps);
	keeps = -1;
	interlock_granted(w, node);
	assert_int_equal(rmdir(point), 0);
}

/* The header of a swap area: the only part that the kernel does not write when it wants room. */
static void swap_header(uint8_t out[4096], const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, out, 4096, 0), 4096);
}

static void test_acquire_swap_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	const char *const mkswap[] = {"mkswap", w->image, NULL};
	uint8_t before[4096];
	uint8_t after[4096];
	char node[32];

	interlock_need_root();
	if (!interlock_run(mkswap))
		skip();
	interlock_attach(w, node, w->image);
	interlock_let_go(w);
	swap_header(before, w->image);
	if (swapon(node, 0)) {
		skip();
	}
	interlock_refused(w, node, NULL, XP_REFUSED_SWAP);
	assert_int_equal(swapoff(node), 0);
	swap_header(after, w->image);
	assert_memory_equal(before, after, sizeof(before));
	interlock_granted(w, node);
}

static void test_acquire_swap_file_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	const char *const mkswap[] = {"mkswap", w->image, NULL};
	AUTO_FD int fd = open(w->image, O_RDWR | O_CLOEXEC);
	static const char zeros[65536];

	interlock_need_root();
	/* no holes: the kernel does not swap to them */
	for (off_t at = 0; at < INTERLOCK_IMAGE_BYTES; at += (off_t)sizeof(zeros))
		assert_int_equal(pwrite(fd, zeros, sizeof(zeros), at), sizeof(zeros));
	assert_int_equal(fsync(fd), 0);
	if (!interlock_run(mkswap) || swapon(w->image, 0))
		skip();
	/* the kernel turns down every write to it; what counts is that the reason is named */
	struct xp_target target;
	struct xp_refusals refusals = {0};
	struct xp_err err = {0};
	const struct xp_interlock_request req = {.root = &w->root, .target = &target};

	assert_int_equal(xp_target_resolve(&target, &w->root, w->image, &err), XP_OK);
	assert_int_equal(xp_interlock_check(&refusals, &req, &err), XP_OK);
	assert_true(refusals.n > 0);
	assert_int_equal(refusals.list[0].code, XP_REFUSED_SWAP);
	xp_refusals_free(&refusals);
	xp_target_free(&target);
	interlock_refused(w, w->image, NULL, XP_REFUSED_SWAP);
	assert_int_equal(swapoff(w->image), 0);
}

/* Partitions by BLKPG, since the running kernel may lack a parser for tables. */
static void partition(const char *node, int number, long long start, long long length)
{
	struct blkpg_partition part = {.pno = number, .start = start, .length = length};
	struct blkpg_ioctl_arg arg = {
		.op = BLKPG_ADD_PARTITION, .datalen = sizeof(part), .data = &part};
	AUTO_FD int fd = open(node, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, BLKPG, &arg), 0);
}

static void unpartition(const char *node, int number)
{
	struct blkpg_partition part = {.pno = number};
	struct blkpg_ioctl_arg arg = {
		.op = BLKPG_DEL_PARTITION, .datalen = sizeof(part), .data = &part};
	AUTO_FD int fd = open(node, O_RDONLY | O_CLOEXEC);

	ioctl(fd, BLKPG, &arg);
}

static void test_acquire_disk_with_used_partition_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	struct xp_target target;
	struct xp_err err = {0};
	char node[32];
	char one[96];
	char two[40];
	pid_t pid;

	interlock_need_root();
	interlock_attach(w, node, w->image);
	interlock_let_go(w);
	partition(node, 1, 1 << 20, 1 << 20);
	partition(node, 2, 2 << 20, 1 << 20);
	snprintf(one, sizeof(one), "%sp1", node);
	snprintf(two, sizeof(two), "%sp2", node);
	assert_int_equal(xp_target_resolve(&target, &w->root, two, &err), XP_OK);
	assert_int_equal(target.kind, XP_TARGET_PARTITION);
	snprintf(one, sizeof(one), "%s:p2", w->name);
	assert_string_equal(target.confirm, one);
	snprintf(one, sizeof(one), "%sp1", node);
	assert_int_equal(target.identity.partition, 2);
	assert_true(target.identity.partition_start == 2 << 20);
	assert_true(target.identity.capacity_bytes == 1 << 20);
	xp_target_free(&target);

	/* claimed by another program: the kernel says busy, and the process is named */
	pid = interlock_hold_open(two, O_RDWR | O_EXCL, false, false);
	interlock_refused(w, node, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	interlock_refused(w, two, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	/* its neighbour shares no byte with it */
	interlock_granted(w, one);
	interlock_let_die(pid);
	/* the whole disk open reaches every partition */
	pid = interlock_hold_open(node, O_RDWR, false, false);
	interlock_refused(w, two, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	interlock_let_die(pid);
	interlock_granted(w, two);
	unpartition(node, 1);
	unpartition(node, 2);
	interlock_granted(w, node);
}

static void test_acquire_two_loops_on_one_file_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	struct xp_target target;
	struct xp_err err = {0};
	char a[32];
	char b[32];

	interlock_need_root();
	interlock_attach(w, a, w->image);
	interlock_attach(w, b, w->image);
	interlock_let_go(w);
	/* both have the same name: the short string is not enough */
	interlock_refused(w, a, w->name, XP_REFUSED_CONFIRM_AMBIGUOUS);
	assert_int_equal(xp_target_resolve(&target, &w->root, a, &err), XP_OK);
	assert_non_null(strstr(target.confirm, ".img@/dev/loop"));
	xp_target_free(&target);
	pid_t pid = interlock_hold_open(b, O_RDWR, false, false);

	interlock_refused(w, a, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	interlock_let_die(pid);
}

static void test_acquire_output_on_loop_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	const char *const mkfs[] = {"mkfs.ext4", "-q", "-F", w->image, NULL};
	struct xp_target target;
	struct xp_refusals refusals = {0};
	struct xp_err err = {0};
	char node[32];
	char point[160];
	char out[176];
	bool found = false;

	interlock_need_root();
	if (!interlock_run(mkfs))
		skip();
	interlock_attach(w, node, w->image);
	interlock_let_go(w);
	snprintf(point, sizeof(point), "%s/mnt", w->dir);
	snprintf(out, sizeof(out), "%s/new/deeper", point);
	assert_int_equal(mkdir(point, 0700), 0);
	assert_int_equal(mount(node, point, "ext4", MS_RDONLY, ""), 0);
	assert_int_equal(xp_target_resolve(&target, &w->root, node, &err), XP_OK);
	const char *outputs[] = {w->dir, out, NULL};
	const struct xp_interlock_request req = {
		.root = &w->root, .target = &target, .outputs = outputs};

	assert_int_equal(xp_interlock_check(&refusals, &req, &err), XP_OK);
	for (size_t i = 0; i < refusals.n; i++)
		found = found || refusals.list[i].code == XP_REFUSED_OUTPUT_ON_TARGET;
	assert_true(found);
	xp_refusals_free(&refusals);
	xp_target_free(&target);
	assert_int_equal(umount(point), 0);
	assert_int_equal(rmdir(point), 0);
}

/* zram is memory: it can be a target, and whoever swaps to it is seen. */
static void test_check_zram_swap_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	struct xp_target target;
	struct xp_refusals refusals = {0};
	struct xp_err err = {0};
	const char *const mkswap[] = {"mkswap", "/dev/zram0", NULL};
	const struct xp_interlock_request req = {.root = &w->root, .target = &target};
	AUTO_FD int size = open("/sys/block/zram0/disksize", O_RDWR | O_CLOEXEC);
	char text[32] = "";

	interlock_need_root();
	/* only a device that nobody has set up */
	if (size < 0 || read(size, text, sizeof(text) - 1) < 1 || strcmp(text, "0\n") ||
	    pwrite(size, "4194304", 7, 0) != 7)
		skip();
	bool swapping = interlock_run(mkswap) && swapon("/dev/zram0", 0) == 0;

	if (swapping) {
		assert_int_equal(xp_target_resolve(&target, &w->root, "/dev/zram0", &err), XP_OK);
		assert_int_equal(target.identity.bus, XP_BUS_MEMORY);
		assert_int_equal(xp_interlock_check(&refusals, &req, &err), XP_OK);
		assert_true(refusals.n > 0);
		assert_int_equal(refusals.list[0].code, XP_REFUSED_SWAP);
		xp_refusals_free(&refusals);
		xp_target_free(&target);
		assert_int_equal(swapoff("/dev/zram0"), 0);
	}
	AUTO_FD int reset = open("/sys/block/zram0/reset", O_WRONLY | O_CLOEXEC);

	assert_int_equal(write(reset, "1", 1), 1);
	if (!swapping)
		skip();
}

static void test_acquire_system_disk_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	struct xp_target target;
	struct xp_err err = {0};
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};
	char text[64];
	char node[128];
	struct stat st;

	interlock_need_root();
	assert_int_equal(stat("/", &st), 0);
	snprintf(text, sizeof(text), "sys/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
	if (!xp_sysroot_realpath(node, sizeof(node), &w->root, "%s", text))
		skip(); /* the root is on no block device here */
	snprintf(text, sizeof(text), "/dev/%s", strrchr(node, '/') + 1);
	assert_int_equal(xp_target_resolve(&target, &w->root, text, &err), XP_OK);
	const char *confirms[] = {target.confirm, NULL};
	struct xp_interlock_request req = {
		.root = &w->root, .target = &target, .confirms = confirms, .allow_remote = true};

	/* the check alone: a test that could get a permit for the root disk must not exist */
	assert_int_equal(xp_interlock_check(&refusals, &req, &err), XP_OK);
	assert_true(refusals.n > 0);
	assert_true(refusals.list[0].code == XP_REFUSED_SYSTEM_DISK ||
		    refusals.list[0].code == XP_REFUSED_BOOT_MEDIUM);
	assert_null(permit);
	xp_refusals_free(&refusals);
	xp_target_free(&target);
}

#define T(f) cmocka_unit_test_setup_teardown(f, interlock_lab_new, interlock_lab_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_acquire_free_loop_is_granted),
		T(test_identify_shrunk_loop_is_refused),
		T(test_acquire_loop_open_elsewhere_is_refused),
		T(test_acquire_loop_open_in_a_thread_is_refused),
		T(test_acquire_image_below_loop_is_refused),
		T(test_acquire_loop_below_loop_is_refused),
		T(test_acquire_mounted_loop_is_refused),
		T(test_acquire_mounted_out_of_sight_is_refused),
		T(test_acquire_swap_is_refused),
		T(test_acquire_swap_file_is_refused),
		T(test_acquire_disk_with_used_partition_is_refused),
		T(test_acquire_two_loops_on_one_file_is_refused),
		T(test_acquire_output_on_loop_is_refused),
		T(test_check_zram_swap_is_refused),
		T(test_acquire_system_disk_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
