/*
 * simtime: the time of emulated drives. It passes only as far as somebody lets it: by default at
 * once, behind a door to a real kernel as fast as real time and a factor say.
 */
#pragma once
#include "base/clock.h"

#define EMU_US 1000ULL
#define EMU_MS 1000000ULL
#define EMU_S  1000000000ULL

/* What ended a wait: the time came, the power went, or the host reset the drive. */
enum emu_wake { EMU_WAKE_TIME, EMU_WAKE_POWER, EMU_WAKE_RESET };

struct emu_time {
	uint64_t now_ns;
	int64_t epoch_s; /* the wall clock at now_ns 0 */
	/* NULL: time passes at once. Else it brings now_ns to UNTIL_NS, or less far when something
	 * else ends the wait. */
	enum emu_wake (*wait)(struct emu_time *t, uint64_t until_ns);
	void *wait_ctx;
};

void emu_time_pass(struct emu_time *t, uint64_t ns);
/* For a command that takes its time: waits until then, and says what ended the wait. */
enum emu_wake emu_time_until(struct emu_time *t, uint64_t until_ns);
/* A clock for the code under test that shows the same time. T must outlive it. */
struct xp_clock emu_time_clock(struct emu_time *t);
