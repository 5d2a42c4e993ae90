/*
 * box_raw: boxes on a medium whose file system cannot be read any more: found by their headers,
 * sector by sector, and read in place. Nothing is written to the medium.
 */
#pragma once
#include "cli/box_pair.h"

/*
 * The boxes on the partition, disk or image that FD is open to (to be read; it stays the caller's),
 * NAME for messages. As xp_box_pair_open without writing; one box is enough. XP_E_NOENT: none
 * there. XP_E_REFUSED: of several sticks, or what is there does not hold together. A box whose
 * clusters do not lie one behind another is read up to where they part.
 */
MUST_USE enum xp_rc xp_box_raw_open(struct xp_box_pair **out, int fd, const char *name,
				    struct xp_err *err);

/*
 * Writes what OPEN found as two boxes into a folder that has none. They are the same boxes: who
 * goes on with them goes on with the stick.
 */
MUST_USE enum xp_rc xp_box_raw_copy(struct xp_box_pair *from, int dir_fd, struct xp_err *err);
