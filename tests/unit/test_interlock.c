/* The interlock on the running system: image files that the test makes itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "device/usage.h"
#include "tests/fake/interlock_lab.h"

static void test_acquire_free_image_is_granted(void **state)
{
	struct interlock_lab *w = *state;
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};
	struct xp_identity id = {0};
	struct xp_err err = {0};
	bool direct;

	assert_int_equal(interlock_try(w, w->image, w->name, &permit, &refusals), XP_OK);
	assert_true(xp_permit_fd(permit, &direct) >= 0);
	assert_int_equal(fcntl(xp_permit_fd(permit, NULL), F_GETFL) & O_ACCMODE, O_RDWR);
	assert_int_equal(xp_permit_identify(&id, permit, &err), XP_OK);
	assert_int_equal(id.capacity_bytes, INTERLOCK_IMAGE_BYTES);
	assert_int_equal(id.bus, XP_BUS_FILE);
	assert_int_equal(id.media, XP_MEDIA_VIRTUAL);
	assert_string_equal(id.name, w->name);
	xp_identity_free(&id);
	xp_permit_release(&permit);
}

static void test_acquire_held_image_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};

	assert_int_equal(interlock_try(w, w->image, NULL, &permit, &refusals), XP_OK);
	/* by ourselves: flock tells */
	interlock_refused(w, w->image, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	xp_permit_release(&permit);
	interlock_granted(w, w->image);
}

static void test_identify_grown_image_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};
	struct xp_err err = {0};

	assert_int_equal(interlock_try(w, w->image, NULL, &permit, &refusals), XP_OK);
	assert_int_equal(truncate(w->image, 2 * INTERLOCK_IMAGE_BYTES), 0);
	assert_int_equal(xp_permit_identify(NULL, permit, &err), XP_E_REFUSED);
	assert_non_null(strstr(err.msg, "identity_changed"));
	xp_permit_release(&permit);
}

static void test_acquire_replaced_image_is_refused(void **state)
{
	struct interlock_lab *w = *state;
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

	assert_int_equal(ftruncate(fd, INTERLOCK_IMAGE_BYTES), 0);
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
	struct interlock_lab *w = *state;

	interlock_refused(w, w->image, "disk.img", XP_REFUSED_CONFIRM_MISMATCH);
	interlock_refused(w, w->image, "", XP_REFUSED_CONFIRM_MISMATCH);
	interlock_refused(w, w->image, "yes", XP_REFUSED_CONFIRM_MISMATCH);
}

static void test_acquire_through_link_takes_the_files_name(void **state)
{
	struct interlock_lab *w = *state;
	char link[160];

	snprintf(link, sizeof(link), "%s/link.img", w->dir);
	assert_int_equal(symlink(w->name, link), 0);
	interlock_refused(w, link, "link.img", XP_REFUSED_CONFIRM_MISMATCH);
	interlock_granted(w, link);
}

static void test_acquire_image_open_elsewhere_is_refused(void **state)
{
	struct interlock_lab *w = *state;
	pid_t pid = interlock_hold_open(w->image, O_RDONLY, false, false);

	interlock_refused(w, w->image, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	interlock_let_die(pid);
	pid = interlock_hold_open(w->image, O_RDWR, true, false);
	interlock_refused(w, w->image, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	interlock_let_die(pid);
	pid = interlock_hold_open(w->image, O_RDONLY, false, true);
	interlock_refused(w, w->image, NULL, XP_REFUSED_OPEN_ELSEWHERE);
	interlock_let_die(pid);
	interlock_granted(w, w->image);
}

static void test_acquire_output_is_image_is_refused(void **state)
{
	struct interlock_lab *w = *state;
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
	struct interlock_lab *w = *state;
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

/* A plain user's own image: other users' processes cannot be looked into, the lease tells. */
static void test_acquire_image_as_plain_user(void **state)
{
	struct interlock_lab *w = *state;
	pid_t other;
	pid_t pid;
	int status;

	interlock_need_root();
	assert_int_equal(chown(w->dir, 65534, 65534), 0);
	assert_int_equal(chown(w->image, 65534, 65534), 0);
	for (int busy = 0; busy < 2; busy++) {
		other = busy ? interlock_hold_open(w->image, O_RDONLY, false, false) : 0;
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			struct xp_permit *permit = NULL;
			struct xp_refusals refusals = {0};
			enum xp_rc rc;

			if (setgid(65534) || setuid(65534))
				_exit(9);
			rc = interlock_try(w, w->image, NULL, &permit, &refusals);
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
			interlock_let_die(other);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, interlock_lab_new, interlock_lab_end)

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
		T(test_acquire_image_as_plain_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
