/* simtime: the time of emulated drives. It passes only as far as somebody lets it. */
#pragma once
#include "base/clock.h"

#define EMU_US 1000ULL
#define EMU_MS 1000000ULL
#define EMU_S  1000000000ULL

struct emu_time {
	uint64_t now_ns;
	int64_t epoch_s; /* the wall clock at now_ns 0 */
};

void emu_time_pass(struct emu_time *t, uint64_t ns);
/* A clock for the code under test that shows the same time. T must outlive it. */
struct xp_clock emu_time_clock(struct emu_time *t);
