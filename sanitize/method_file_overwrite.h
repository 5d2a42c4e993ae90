/* method_file_overwrite: one file, overwritten in place with random bytes. */
#pragma once
#include "base/rng.h"
#include "sanitize/method.h"

extern const struct xp_method xp_method_file_overwrite;

/*
 * Takes the held file's name away, when its record is kept: under another name of random letters
 * first, so that the old one does not stay in the folder. Other names (hard links) stay.
 */
MUST_USE enum xp_rc xp_file_remove(const struct xp_permit *permit, const struct xp_rng *rng,
				   struct xp_err *err);
