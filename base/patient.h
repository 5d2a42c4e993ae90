/* patient: what is told on a terminal arrives whole, and one that takes nothing holds up nobody. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* The buffer of a serial line, 4 KiB, has gone out by then, even at 9600 baud. */
#define XP_PATIENCE_MS 5000

/*
 * Writes DATA (LEN bytes) to FD, which was opened with O_NONBLOCK. One that takes nothing for
 * XP_PATIENCE_MS (flow control, no carrier) is stuck: it gets what it takes at once, and is not
 * waited for until it has taken the whole of something again. IS_STUCK: what is known of it, false
 * at first. False: not all was written.
 */
bool xp_write_patiently(int fd, const void *data, size_t len, bool *is_stuck);
