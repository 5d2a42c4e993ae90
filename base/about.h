/* about: what this build is. */
#pragma once

/* The version, as `--version` and the record's tool.version say it. */
#define XP_ABOUT_VERSION XP_VERSION
/* The earliest time a plausible clock can show: the day this version was made, seconds since 1970.
 */
#define XP_ABOUT_BUILD_DAY_S 1795305600LL /* 2026-11-22T00:00:00Z */
