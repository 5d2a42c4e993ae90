#include "cli/boot_end.h"

#include <errno.h>
#include <signal.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

static void sync_system(void *ctx)
{
	(void)ctx;
	sync();
}

/* Our own first program ends everybody in good order and takes the stick's file system down. What
 * it tells everybody is blocked before it is asked: it may be there before anyone waits for it. */
static int reboot_system(void *ctx, bool power_off)
{
	const struct timespec patience = {.tv_sec = 60};
	sigset_t told;

	(void)ctx;
	sigemptyset(&told);
	sigaddset(&told, SIGTERM);
	sigprocmask(SIG_BLOCK, &told, NULL);
	if (kill(1, power_off ? SIGUSR2 : SIGTERM) == 0 &&
	    sigtimedwait(&told, NULL, &patience) == SIGTERM)
		_exit(0);
	return reboot(power_off ? RB_POWER_OFF : RB_AUTOBOOT);
}

const struct xp_boot_end_ops *xp_boot_end_system(void)
{
	static const struct xp_boot_end_ops ops = {.sync = sync_system, .reboot = reboot_system};

	return &ops;
}

enum xp_rc xp_boot_end_check(enum xp_boot_then then, const char *mark, struct xp_err *err)
{
	if (then == XP_BOOT_WAIT || access(mark, F_OK) == 0)
		return XP_OK;
	return xp_fail(err, XP_E_USAGE,
		       "%s: only a host that was booted from expunge's own image is ended so, and "
		       "this one was not (no %s); say wait",
		       xp_boot_then_name(then), mark);
}

enum xp_rc xp_boot_end(enum xp_boot_then then, const char *mark, const struct xp_boot_end_ops *ops,
		       struct xp_err *err)
{
	TRY(xp_boot_end_check(then, mark, err));
	if (then == XP_BOOT_WAIT)
		return XP_OK;
	ops->sync(ops->ctx);
	if (ops->reboot(ops->ctx, then == XP_BOOT_POWEROFF) != 0)
		return xp_fail_errno(err, errno == EPERM ? XP_E_PERM : XP_E_IO, "%s",
				     xp_boot_then_name(then));
	return xp_fail(err, XP_E_IO, "%s: the kernel went on", xp_boot_then_name(then));
}
