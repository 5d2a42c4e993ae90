/*
 * job_reach: can a disk be opened now? While a drive is at a sanitize behind a power cycle, or its
 * last one failed, the kernel keeps everybody waiting who opens its block node, for minutes and
 * without a way out. A child opens it first; where that takes too long, the drive is asked by its
 * generic node, which nobody waits for.
 */
#pragma once
#include "device/drive_facts.h"
#include "device/sysroot.h"

#define XP_REACH_MS 5000

/* PATH can be opened, or is not a disk of this system: nothing to say, and true. WHY: 384 bytes. */
bool xp_job_can_reach(char *why, size_t size, const struct xp_sysroot *root, const char *path);

/* Is the drive at something by itself, or left by it in a failure? OUT says so. */
bool xp_job_is_at_work(char *out, size_t size, const struct xp_drive_facts *facts);

/*
 * Returns when PATH can be opened, or when the drive does not say that it is at a sanitize or the
 * like (a failure, another reason), or when it says the same for an hour. TELL: at the beginning
 * and each hundredth, what the drive says. A signal ends the program as it would: nothing was
 * begun.
 */
void xp_job_wait_through(const struct xp_sysroot *root, const char *path,
			 void (*tell)(const char *path, const char *says));
