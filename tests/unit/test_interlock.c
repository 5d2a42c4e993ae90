/* The interlock on the running system: image files and loop devices that the test makes itself. */
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/loop.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "device/interlock.h"
#include "device/usage.h"

#define IMAGE_BYTES (4u << 20)

struct world {
	char dir[64];
	char image[128];
	char name[64]; /* of the image: no other test that runs now has one like it */
	struct xp_sysroot root;
	int loops[4]; /* descriptors, while the test wants to hold them */
	char nodes[4][32];
	unsigned loops_n;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct xp_err err = {0};
	char byte = 'D';

	assert_non_null(w);
	snprintf(w->dir, sizeof(w->dir), "/tmp/xp-interlock-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->name, sizeof(w->name), "disk-%s.img", strrchr(w->dir, '-') + 1);
	snprintf(w->image, sizeof(w->image), "%s/%s", w->dir, w->name);
	AUTO_FD int fd = open(w->image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)i * 4096), 1);
	assert_int_equal(ftruncate(fd, IMAGE_BYTES), 0);
	assert_int_equal(xp_sysroot_open(&w->root, "/", &err), XP_OK);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	char path[160];

	swapoff(w->image);
	snprintf(path, sizeof(path), "%s/mnt", w->dir);
	umount2(path, MNT_DETACH);
	rmdir(path);
	for (unsigned i = w->loops_n; i > 0; i--) {
		swapoff(w->nodes[i - 1]);
		/* a test that failed half-way must not leave a device behind either */
		AUTO_FD int fd = open(w->nodes[i - 1], O_RDONLY | O_CLOEXEC);

		ioctl(fd, LOOP_CLR_FD, 0);
		if (w->loops[i - 1] >= 0)
			close(w->loops[i - 1]);
	}
	unlink(w->image);
	snprintf(path, sizeof(path), "%s/link.img", w->dir);
	unlink(path);
	assert_int_equal(rmdir(w->dir), 0);
	xp_sysroot_close(&w->root);
	free(w);
	return 0;
}

/* Attaches BACKING to a free loop device; NODE gets "/dev/loopN". Others may be faster: try again.
 */
static void attach(struct world *w, char node[32], const char *backing)
{
	AUTO_FD int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	AUTO_FD int file = open(backing, O_RDWR | O_CLOEXEC);

	assert_true(file >= 0);
	if (ctl < 0)
		skip();
	for (unsigned i = 0; i < 50; i++) {
		int n = ioctl(ctl, LOOP_CTL_GET_FREE);

		assert_true(n >= 0);
		snprintf(node, 32, "/dev/loop%d", n);
		int fd = open(node, O_RDWR | O_CLOEXEC);

		if (fd >= 0 && ioctl(fd, LOOP_SET_FD, file) == 0) {
			memcpy(w->nodes[w->loops_n], node, 32);
			w->loops[w->loops_n++] = fd;
			return;
		}
		if (fd >= 0)
			close(fd);
		usleep(20000);
	}
	skip();
}

/* The test's own descriptor of a loop would count as a user of it. */
static void let_go(struct world *w)
{
	for (unsigned i = 0; i < w->loops_n; i++) {
		close(w->loops[i]);
		w->loops[i] = -1;
	}
}

/* Root, and a kernel whose sysfs and procfs show what there is (not so in a bare chroot). */
static void need_root(void)
{
	if (geteuid() != 0 || access("/sys/class/block", F_OK) || access("/proc/1/mountinfo", F_OK))
		skip();
}

/* Resolves PATH, tries to acquire it confirmed with CONFIRM (NULL: its own string). */
static enum xp_rc try_acquire(struct world *w, const char *path, const char *confirm,
			      struct xp_permit **permit, struct xp_refusals *refusals)
{
	struct xp_target target;
	const char *confirms[] = {confirm, NULL};
	const char *outputs[] = {w->dir, NULL};
	struct xp_interlock_request req = {
		.root = &w->root, .target = &target, .confirms = confirms, .outputs = outputs};
	struct xp_err err = {0};
	enum xp_rc rc;

	assert_int_equal(xp_target_resolve(&target, &w->root, path, &err), XP_OK);
	if (!confirm)
		confirms[0] = target.confirm;
	rc = xp_interlock_acquire(permit, refusals, &req, &err);
	if (rc != XP_OK && rc != XP_E_REFUSED)
		print_error("%s: %s\n", path, err.msg);
	for (size_t i = 0; i < refusals->n; i++)
		print_message("%s: %s [%s]\n", xp_refusal_code_name(refusals->list[i].code),
			      refusals->list[i].message, refusals->list[i].remedy);
	xp_target_free(&target);
	return rc;
}

static void assert_refused(struct world *w, const char *path, const char *confirm,
			   enum xp_refusal_code code)
{
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};

	assert_int_equal(try_acquire(w, path, confirm, &permit, &refusals), XP_E_REFUSED);
	assert_null(permit);
	assert_true(refusals.n > 0);
	assert_string_equal(xp_refusal_code_name(refusals.list[0].code),
			    xp_refusal_code_name(code));
	assert_true(refusals.list[0].message[0] && refusals.list[0].remedy[0]);
	xp_refusals_free(&refusals);
}

static void assert_granted(struct world *w, const char *path)
{
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};

	assert_int_equal(try_acquire(w, path, NULL, &permit, &refusals), XP_OK);
	assert_non_null(permit);
	assert_int_equal(refusals.n, 0);
	xp_permit_release(&permit);
	assert_null(permit);
	xp_refusals_free(&refusals);
}

/* A process that holds PATH open until it is killed. */
static pid_t hold_open(const char *path, int flags, bool map, bool lock)
{
	int pipes[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test must not leave it behind */
		int fd = open(path, flags);

		if (fd < 0 || (lock && flock(fd, LOCK_EX)))
			_exit(1);
		if (map) {
			if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
				_exit(1);
			close(fd);
		}
		if (write(pipes[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	return pid;
}

static void let_die(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Runs a program with its output thrown away. false: it failed or is not there. */
static bool run(const char *const *argv)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		/* execvp takes its words without const, and leaves them alone */
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

/* FNV-1a over the whole image: refused means that not a byte changed. */
static uint64_t digest(const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t h = 14695981039346656037ULL;
	static uint8_t block[65536];
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, block, sizeof(block))) > 0)
		for (ssize_t i = 0; i < n; i++)
			h = (h ^ block[i]) * 1099511628211ULL;
	assert_int_equal(n, 0);
	return h;
}

/* ---- image files ---- */

static void test_acquire_free_image_is_granted(void **state)
{
	struct world *w = *state;
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};
	struct xp_identity id = {0};
	struct xp_err err = {0};
	bool direct;

	assert_int_equal(try_acquire(w, w->image, w->name, &permit, &refusals), XP_OK);
	assert_true(xp_permit_fd(permit, &direct) >= 0);
	assert_int_equal(fcntl(xp_permit_fd(permit, NULL), F_GETFL) & O_ACCMODE, O_RDWR);
	assert_int_equal(xp_permit_identify(&id, permit, &err), XP_OK);
	assert_int_equal(id.capacity_bytes, IMAGE_BYTES);
	assert_int_equal(id.bus, XP_BUS_FILE);
	assert_int_equal(id.media, XP_MEDIA_VIRTUAL);
	assert_string_equal(id.name, w->name);
	xp_identity_free(&id);
	xp_permit_release(&permit);
}

static void test_acquire_held_image_is_refused(void **state)
{
	struct world *w = *state;
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};

	assert_int_equal(try_acquire(w, w->image, NULL, &permit, &refusals), XP_OK);
	/* by ourselves: flock tells */
	assert_refused(w, w->image, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	xp_permit_release(&permit);
	assert_granted(w, w->image);
}

static void test_identify_grown_image_is_refused(void **state)
{
	struct world *w = *state;
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};
	struct xp_err err = {0};

	assert_int_equal(try_acquire(w, w->image, NULL, &permit, &refusals), XP_OK);
	assert_int_equal(truncate(w->image, 2 * IMAGE_BYTES), 0);
	assert_int_equal(xp_permit_identify(NULL, permit, &err), XP_E_REFUSED);
	assert_non_null(strstr(err.msg, "identity_changed"));
	xp_permit_release(&permit);
}

static void test_acquire_replaced_image_is_refused(void **state)
{
	struct world *w = *state;
	struct xp_target target;
	struct xp_err err = {0};
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};
	const char *confirms[] = {w->name, NULL};
	struct xp_interlock_request req = {
		.root = &w->root, .target = &target, .confirms = confirms};
	char other[160];

	assert_int_equal(xp_target_resolve(&target, &w->root, w->image, &err), XP_OK);
	snprintf(other, sizeof(other), "%s/other", w->dir);
	AUTO_FD int fd = open(other, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(fd, IMAGE_BYTES), 0);
	assert_int_equal(rename(other, w->image), 0);
	close(fd);
	fd = -1;
	assert_int_equal(xp_interlock_acquire(&permit, &refusals, &req, &err), XP_E_REFUSED);
	assert_int_equal(refusals.list[0].code, XP_REFUSED_IDENTITY_CHANGED);
	xp_refusals_free(&refusals);
	xp_target_free(&target);
}

static void test_acquire_wrong_confirm_is_refused(void **state)
{
	struct world *w = *state;

	assert_refused(w, w->image, "disk.img", XP_REFUSED_CONFIRM_MISMATCH);
	assert_refused(w, w->image, "", XP_REFUSED_CONFIRM_MISMATCH);
	assert_refused(w, w->image, "yes", XP_REFUSED_CONFIRM_MISMATCH);
}

static void test_acquire_through_link_takes_the_files_name(void **state)
{
	struct world *w = *state;
	char link[160];

	snprintf(link, sizeof(link), "%s/link.img", w->dir);
	assert_int_equal(symlink(w->name, link), 0);
	assert_refused(w, link, "link.img", XP_REFUSED_CONFIRM_MISMATCH);
	assert_granted(w, link);
}

static void test_acquire_image_open_elsewhere_is_refused(void **state)
{
	struct world *w = *state;
	pid_t pid = hold_open(w->image, O_RDONLY, false, false);

	assert_refused(w, w->image, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	let_die(pid);
	pid = hold_open(w->image, O_RDWR, true, false);
	assert_refused(w, w->image, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	let_die(pid);
	pid = hold_open(w->image, O_RDONLY, false, true);
	assert_refused(w, w->image, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	let_die(pid);
	assert_granted(w, w->image);
}

static void test_acquire_output_is_image_is_refused(void **state)
{
	struct world *w = *state;
	struct xp_target target;
	struct xp_err err = {0};
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};
	const char *confirms[] = {w->name, NULL};
	const char *outputs[] = {w->image, NULL};
	struct xp_interlock_request req = {
		.root = &w->root, .target = &target, .confirms = confirms, .outputs = outputs};

	assert_int_equal(xp_target_resolve(&target, &w->root, w->image, &err), XP_OK);
	assert_int_equal(xp_interlock_acquire(&permit, &refusals, &req, &err), XP_E_REFUSED);
	assert_int_equal(refusals.list[0].code, XP_REFUSED_OUTPUT_ON_TARGET);
	xp_refusals_free(&refusals);
	xp_target_free(&target);
}

static void test_resolve_what_is_no_target_is_an_error(void **state)
{
	struct world *w = *state;
	struct xp_target t;
	struct xp_err err = {0};
	char path[160];

	assert_int_equal(xp_target_resolve(&t, &w->root, w->dir, &err), XP_E_UNSUPPORTED);
	assert_int_equal(xp_target_resolve(&t, &w->root, "/dev/null", &err), XP_E_UNSUPPORTED);
	snprintf(path, sizeof(path), "%s/none", w->dir);
	assert_int_equal(xp_target_resolve(&t, &w->root, path, &err), XP_E_NOENT);
	assert_int_equal(xp_target_resolve(&t, &w->root, "", &err), XP_E_USAGE);
	assert_int_equal(truncate(w->image, 0), 0);
	assert_int_equal(xp_target_resolve(&t, &w->root, w->image, &err), XP_E_UNSUPPORTED);
}

/* ---- loop devices ---- */

static void test_acquire_free_loop_is_granted(void **state)
{
	struct world *w = *state;
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};
	struct xp_identity id = {0};
	struct xp_err err = {0};
	char node[32];

	need_root();
	attach(w, node, w->image);
	let_go(w);
	assert_int_equal(try_acquire(w, node, w->name, &permit, &refusals), XP_OK);
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
	struct world *w = *state;
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};
	struct xp_err err = {0};
	char node[32];

	need_root();
	attach(w, node, w->image);
	let_go(w);
	assert_int_equal(try_acquire(w, node, NULL, &permit, &refusals), XP_OK);
	/* what can change under a held descriptor here: its size */
	assert_int_equal(truncate(w->image, IMAGE_BYTES / 2), 0);
	assert_int_equal(ioctl(xp_permit_fd(permit, NULL), LOOP_SET_CAPACITY, 0), 0);
	assert_int_equal(xp_permit_identify(NULL, permit, &err), XP_E_REFUSED);
	xp_permit_release(&permit);
}

static void test_acquire_loop_open_elsewhere_is_refused(void **state)
{
	struct world *w = *state;
	char node[32];
	pid_t pid;

	need_root();
	attach(w, node, w->image);
	let_go(w);
	pid = hold_open(node, O_RDONLY, false, false);
	assert_refused(w, node, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	let_die(pid);
	pid = hold_open(node, O_RDWR, true, false);
	assert_refused(w, node, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	let_die(pid);
	/* the file below, too: what is written there lands on the loop */
	pid = hold_open(w->image, O_RDWR, false, false);
	assert_refused(w, node, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	let_die(pid);
	assert_granted(w, node);
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
	struct world *w = *state;
	char node[32];
	int pipes[2];
	pthread_t thread;
	char byte;
	pid_t pid;

	need_root();
	attach(w, node, w->image);
	let_go(w);
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
	assert_refused(w, node, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	let_die(pid);
	assert_granted(w, node);
}

static void test_acquire_image_below_loop_is_refused(void **state)
{
	struct world *w = *state;
	char node[32];

	need_root();
	attach(w, node, w->image);
	let_go(w);
	assert_refused(w, w->image, NULL, XP_REFUSED_HOLDER);
}

static void test_acquire_loop_below_loop_is_refused(void **state)
{
	struct world *w = *state;
	char lower[32];
	char upper[32];

	need_root();
	attach(w, lower, w->image);
	attach(w, upper, lower);
	let_go(w);
	assert_refused(w, lower, NULL, XP_REFUSED_HOLDER);
}

static void test_acquire_mounted_loop_is_refused(void **state)
{
	struct world *w = *state;
	const char *const mkfs[] = {"mkfs.ext4", "-q", "-F", w->image, NULL};
	char node[32];
	char point[160];
	uint64_t before;

	need_root();
	if (!run(mkfs))
		skip();
	attach(w, node, w->image);
	let_go(w);
	snprintf(point, sizeof(point), "%s/mnt", w->dir);
	assert_int_equal(mkdir(point, 0700), 0);
	assert_int_equal(mount(node, point, "ext4", MS_RDONLY, ""), 0);
	before = digest(w->image);
	assert_refused(w, node, NULL, XP_REFUSED_MOUNTED);
	assert_refused(w, w->image, NULL, XP_REFUSED_HOLDER);
	assert_true(before == digest(w->image));
	assert_int_equal(umount(point), 0);
	assert_granted(w, node);
	assert_int_equal(rmdir(point), 0);
}

/* Mounted where only another process sees it, and where no process sees it any more. */
static void test_acquire_mounted_out_of_sight_is_refused(void **state)
{
	struct world *w = *state;
	const char *const mkfs[] = {"mkfs.ext4", "-q", "-F", w->image, NULL};
	char node[32];
	char point[160];
	char byte;
	int pipes[2];
	pid_t pid;

	need_root();
	if (!run(mkfs))
		skip();
	attach(w, node, w->image);
	let_go(w);
	snprintf(point, sizeof(point), "%s/mnt", w->dir);
	assert_int_equal(mkdir(point, 0700), 0);
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
	assert_refused(w, node, NULL, XP_REFUSED_MOUNTED);
	let_die(pid);
	/* lazily unmounted: in no table, but a descriptor keeps it alive */
	assert_int_equal(mount(node, point, "ext4", MS_RDONLY, ""), 0);
	AUTO_FD int keeps = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(keeps >= 0);
	assert_int_equal(umount2(point, MNT_DETACH), 0);
	assert_refused(w, node, NULL, XP_REFUSED_UNKNOWN);
	close(keeps);
	keeps = -1;
	assert_granted(w, node);
	assert_int_equal(rmdir(point), 0);
}

static void test_acquire_swap_is_refused(void **state)
{
	struct world *w = *state;
	const char *const mkswap[] = {"mkswap", w->image, NULL};
	char node[32];
	uint64_t before;

	need_root();
	if (!run(mkswap))
		skip();
	attach(w, node, w->image);
	let_go(w);
	before = digest(w->image);
	if (swapon(node, 0)) {
		skip();
	}
	assert_refused(w, node, NULL, XP_REFUSED_SWAP);
	assert_int_equal(swapoff(node), 0);
	assert_true(before == digest(w->image));
	assert_granted(w, node);
}

static void test_acquire_swap_file_is_refused(void **state)
{
	struct world *w = *state;
	const char *const mkswap[] = {"mkswap", w->image, NULL};
	AUTO_FD int fd = open(w->image, O_RDWR | O_CLOEXEC);
	static const char zeros[65536];

	need_root();
	/* no holes: the kernel does not swap to them */
	for (off_t at = 0; at < IMAGE_BYTES; at += (off_t)sizeof(zeros))
		assert_int_equal(pwrite(fd, zeros, sizeof(zeros), at), sizeof(zeros));
	assert_int_equal(fsync(fd), 0);
	if (!run(mkswap) || swapon(w->image, 0))
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
	assert_refused(w, w->image, NULL, XP_REFUSED_SWAP);
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
	struct world *w = *state;
	struct xp_target target;
	struct xp_err err = {0};
	char node[32];
	char one[96];
	char two[40];
	pid_t pid;

	need_root();
	attach(w, node, w->image);
	let_go(w);
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
	pid = hold_open(two, O_RDWR | O_EXCL, false, false);
	assert_refused(w, node, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	assert_refused(w, two, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	/* its neighbour shares no byte with it */
	assert_granted(w, one);
	let_die(pid);
	/* the whole disk open reaches every partition */
	pid = hold_open(node, O_RDWR, false, false);
	assert_refused(w, two, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	let_die(pid);
	assert_granted(w, two);
	unpartition(node, 1);
	unpartition(node, 2);
	assert_granted(w, node);
}

static void test_acquire_two_loops_on_one_file_is_refused(void **state)
{
	struct world *w = *state;
	struct xp_target target;
	struct xp_err err = {0};
	char a[32];
	char b[32];

	need_root();
	attach(w, a, w->image);
	attach(w, b, w->image);
	let_go(w);
	/* both have the same name: the short string is not enough */
	assert_refused(w, a, w->name, XP_REFUSED_CONFIRM_AMBIGUOUS);
	assert_int_equal(xp_target_resolve(&target, &w->root, a, &err), XP_OK);
	assert_non_null(strstr(target.confirm, ".img@/dev/loop"));
	xp_target_free(&target);
	pid_t pid = hold_open(b, O_RDWR, false, false);

	assert_refused(w, a, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	let_die(pid);
}

static void test_acquire_output_on_loop_is_refused(void **state)
{
	struct world *w = *state;
	const char *const mkfs[] = {"mkfs.ext4", "-q", "-F", w->image, NULL};
	struct xp_target target;
	struct xp_refusals refusals = {0};
	struct xp_err err = {0};
	char node[32];
	char point[160];
	char out[176];
	bool found = false;

	need_root();
	if (!run(mkfs))
		skip();
	attach(w, node, w->image);
	let_go(w);
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

/* A plain user's own image: other users' processes cannot be looked into, the lease tells. */
static void test_acquire_image_as_plain_user(void **state)
{
	struct world *w = *state;
	pid_t other;
	pid_t pid;
	int status;

	need_root();
	assert_int_equal(chown(w->dir, 65534, 65534), 0);
	assert_int_equal(chown(w->image, 65534, 65534), 0);
	for (int busy = 0; busy < 2; busy++) {
		other = busy ? hold_open(w->image, O_RDONLY, false, false) : 0;
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			struct xp_permit *permit = NULL;
			struct xp_refusals refusals = {0};
			enum xp_rc rc;

			if (setgid(65534) || setuid(65534))
				_exit(9);
			rc = try_acquire(w, w->image, NULL, &permit, &refusals);
			if (rc == XP_OK)
				_exit(0);
			_exit(rc == XP_E_REFUSED &&
					      refusals.list[0].code == XP_REFUSED_OPEN_ELSEWHERE
				      ? 1
				      : 8);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), busy);
		if (busy)
			let_die(other);
	}
}

/* zram is memory: it can be a target, and whoever swaps to it is seen. */
static void test_check_zram_swap_is_refused(void **state)
{
	struct world *w = *state;
	struct xp_target target;
	struct xp_refusals refusals = {0};
	struct xp_err err = {0};
	const char *const mkswap[] = {"mkswap", "/dev/zram0", NULL};
	const struct xp_interlock_request req = {.root = &w->root, .target = &target};
	AUTO_FD int size = open("/sys/block/zram0/disksize", O_RDWR | O_CLOEXEC);
	char text[32] = "";

	need_root();
	/* only a device that nobody has set up */
	if (size < 0 || read(size, text, sizeof(text) - 1) < 1 || strcmp(text, "0\n") ||
	    pwrite(size, "4194304", 7, 0) != 7)
		skip();
	bool swapping = run(mkswap) && swapon("/dev/zram0", 0) == 0;

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
	struct world *w = *state;
	struct xp_target target;
	struct xp_err err = {0};
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};
	char text[64];
	char node[128];
	struct stat st;

	need_root();
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

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_acquire_free_image_is_granted),
		T(test_acquire_held_image_is_refused),
		T(test_identify_grown_image_is_refused),
		T(test_acquire_replaced_image_is_refused),
		T(test_acquire_wrong_confirm_is_refused),
		T(test_acquire_through_link_takes_the_files_name),
		T(test_acquire_image_open_elsewhere_is_refused),
		T(test_acquire_output_is_image_is_refused),
		T(test_resolve_what_is_no_target_is_an_error),
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
		T(test_acquire_image_as_plain_user),
		T(test_check_zram_swap_is_refused),
		T(test_acquire_system_disk_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
