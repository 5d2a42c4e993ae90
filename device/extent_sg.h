/*
 * extent_sg: reading and writing by SCSI READ and WRITE commands, for drives that the block layer
 * cannot show (blocks of 520 or 528 bytes) and for drives that stand behind a transport only.
 * Protection information stays the drive's own affair: it is neither asked for nor sent.
 */
#pragma once
#include "device/extent.h"
#include "device/transport.h"

/*
 * T stays the caller's and must outlive the io. CFG: capacity, logical block, clock; with a permit
 * it can be written, and every command goes under that permit. cfg->fd is not used. A command that
 * hangs cannot be called off: it ends by its own time-out.
 */
MUST_USE enum xp_rc xp_extent_sg_new(struct xp_extent_io **out, const struct xp_extent_config *cfg,
				     struct xp_transport *t, struct xp_err *err);
