#include "tests/fake/interlock_lab.h"

#include <linux/loop.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/cleanup.h"

int interlock_lab_new(void **state)
{
	struct interlock_lab *w = calloc(1, sizeof(*w));
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
	assert_int_equal(ftruncate(fd, INTERLOCK_IMAGE_BYTES), 0);
	assert_int_equal(xp_sysroot_open(&w->root, "/", &err), XP_OK);
	*state = w;
	return 0;
}

int interlock_lab_end(void **state)
{
	struct interlock_lab *w = *state;
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
void interlock_attach(struct interlock_lab *w, char node[32], const char *backing)
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
void interlock_let_go(struct interlock_lab *w)
{
	for (unsigned i = 0; i < w->loops_n; i++) {
		close(w->loops[i]);
		w->loops[i] = -1;
	}
}

/* Root, and a kernel whose sysfs and procfs show what there is (not so in a bare chroot). */
void interlock_need_root(void)
{
	if (geteuid() != 0 || access("/sys/class/block", F_OK) || access("/proc/1/mountinfo", F_OK))
		skip();
}

/* Resolves PATH, tries to acquire it confirmed with CONFIRM (NULL: its own string). */
enum xp_rc interlock_try(struct interlock_lab *w, const char *path, const char *confirm,
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

void interlock_refused(struct interlock_lab *w, const char *path, const char *confirm,
		       enum xp_refusal_code code)
{
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};

	assert_int_equal(interlock_try(w, path, confirm, &permit, &refusals), XP_E_REFUSED);
	assert_null(permit);
	assert_true(refusals.n > 0);
	assert_string_equal(xp_refusal_code_name(refusals.list[0].code),
			    xp_refusal_code_name(code));
	assert_true(refusals.list[0].message[0] && refusals.list[0].remedy[0]);
	xp_refusals_free(&refusals);
}

void interlock_granted(struct interlock_lab *w, const char *path)
{
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};

	assert_int_equal(interlock_try(w, path, NULL, &permit, &refusals), XP_OK);
	assert_non_null(permit);
	assert_int_equal(refusals.n, 0);
	xp_permit_release(&permit);
	assert_null(permit);
	xp_refusals_free(&refusals);
}

/* A process that holds PATH open until it is killed. */
pid_t interlock_hold_open(const char *path, int flags, bool map, bool lock)
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

void interlock_let_die(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Runs a program with its output thrown away. false: it failed or is not there. */
bool interlock_run(const char *const *argv)
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
uint64_t interlock_digest(const char *path)
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
