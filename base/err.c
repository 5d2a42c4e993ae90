#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum xp_rc xp_err_set(struct xp_err *err, enum xp_rc rc, int sys_errno, const char *place,
		      const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	int n;

	if (!err)
		return rc;
	memset(err, 0, sizeof(*err));
	err->rc = rc;
	err->sys_errno = sys_errno;
	snprintf(err->place, sizeof(err->place), "%s", place);
	va_start(ap, fmt);
	n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (sys_errno && n >= 0 && (size_t)n < sizeof(err->msg))
		snprintf(err->msg + n, sizeof(err->msg) - (size_t)n, ": %s", strerror(sys_errno));
	errno = saved;
	return rc;
}

enum xp_rc xp_err_prefix(struct xp_err *err, const char *fmt, ...)
{
	char old[sizeof(err->msg)];
	va_list ap;
	int n;

	if (!err)
		return XP_E_INTERNAL;
	memcpy(old, err->msg, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->msg))
		snprintf(err->msg + n, sizeof(err->msg) - (size_t)n, ": %s", old);
	return err->rc;
}

enum xp_rc xp_err_of_output(struct xp_err *err, enum xp_rc rc)
{
	if (err && rc != XP_OK)
		err->is_output = true;
	return rc;
}

int xp_rc_exit_code(enum xp_rc rc)
{
	switch (rc) {
	case XP_OK:
		return 0;
	case XP_E_IO:
	case XP_E_DEVICE:
	case XP_E_RESIDUE:
		return 1;
	case XP_E_TIMEOUT:
	case XP_E_INDETERMINATE:
		return 2;
	case XP_E_REFUSED:
		return 4;
	case XP_E_CANCELLED:
		return 5;
	case XP_E_USAGE:
		return 64;
	case XP_E_NOENT:
	case XP_E_MALFORMED:
		return 66;
	case XP_E_UNSUPPORTED:
		return 69;
	case XP_E_PERM:
		return 77;
	case XP_E_NOMEM:
	case XP_E_INTERNAL:
		break;
	}
	return 70;
}
