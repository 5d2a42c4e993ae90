/* err: one error value for the whole house: a code, the place, errno, the drive's status, a text.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))

/* Codes keep apart who is at fault, since that decides what the user does next. */
enum xp_rc {
	XP_OK = 0,
	XP_E_USAGE = -1,	  /* the caller's mistake */
	XP_E_NOMEM = -2,	  /* no memory */
	XP_E_IO = -3,		  /* the host's I/O failed */
	XP_E_DEVICE = -4,	  /* the drive refused or failed a command */
	XP_E_MALFORMED = -5,	  /* bytes from a drive or a file are malformed */
	XP_E_UNSUPPORTED = -6,	  /* not supported by this drive, host or build */
	XP_E_REFUSED = -7,	  /* the interlock refused; nothing was touched */
	XP_E_RESIDUE = -8,	  /* data still present */
	XP_E_CANCELLED = -9,	  /* cancelled or interrupted */
	XP_E_TIMEOUT = -10,	  /* no progress */
	XP_E_NOENT = -11,	  /* no such input */
	XP_E_PERM = -12,	  /* no permission */
	XP_E_INDETERMINATE = -13, /* the answer cannot be known */
	XP_E_INTERNAL = -14,	  /* our bug */
};

struct xp_err {
	enum xp_rc rc;
	int sys_errno;	     /* 0: none */
	uint8_t scsi_status; /* with sense_*: 0 where no drive answered */
	uint8_t sense_key;
	uint8_t asc;
	uint8_t ascq;
	uint16_t nvme_status; /* status field of the completion, without the phase bit */
	bool is_output;	      /* what failed was writing a file of ours, or the place for it */
	char place[64];	      /* file:line */
	char msg[512];	      /* for a person: what happened, to which drive */
};

/* Records a failure and returns RC. err may be NULL. errno is kept as it was on entry. */
enum xp_rc xp_err_set(struct xp_err *err, enum xp_rc rc, int sys_errno, const char *place,
		      const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Puts "PREFIX: " before the text of a failure that was already recorded. Returns err->rc. */
enum xp_rc xp_err_prefix(struct xp_err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Marks what came of writing, where it is a failure (recorded already). Returns RC; ERR may be
 * NULL. */
enum xp_rc xp_err_of_output(struct xp_err *err, enum xp_rc rc);

/* The exit code of `expunge` for a code (interface.md). */
int xp_rc_exit_code(enum xp_rc rc);

#define XP_STR2(x) #x
#define XP_STR(x)  XP_STR2(x)
#define XP_PLACE   __FILE__ ":" XP_STR(__LINE__)

/* Says RC, and lets compilers and checkers see that it is said. */
#define XP_FAIL_WITH(err, rc, sys_errno, ...)                                                      \
	({                                                                                         \
		enum xp_rc fail_rc_ = (rc);                                                        \
		xp_err_set((err), fail_rc_, (sys_errno), XP_PLACE, __VA_ARGS__);                   \
		fail_rc_;                                                                          \
	})
/* For a failure that has no errno. */
#define xp_fail(err, rc, ...) XP_FAIL_WITH(err, rc, 0, __VA_ARGS__)
/* For a failed system call: appends strerror(errno). */
#define xp_fail_errno(err, rc, ...) XP_FAIL_WITH(err, rc, errno, __VA_ARGS__)

/* The only macro that returns. */
#define TRY(expr)                                                                                  \
	do {                                                                                       \
		enum xp_rc try_rc_ = (expr);                                                       \
		if (try_rc_ != XP_OK)                                                              \
			return try_rc_;                                                            \
	} while (0)
