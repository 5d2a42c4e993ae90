#include "tests/emu/simtime.h"

void emu_time_pass(struct emu_time *t, uint64_t ns)
{
	t->now_ns += ns;
}

enum emu_wake emu_time_until(struct emu_time *t, uint64_t until_ns)
{
	if (until_ns <= t->now_ns)
		return EMU_WAKE_TIME;
	if (t->wait)
		return t->wait(t, until_ns);
	t->now_ns = until_ns;
	return EMU_WAKE_TIME;
}

static uint64_t monotonic_ns(void *ctx)
{
	const struct emu_time *t = ctx;

	return t->now_ns;
}

static int64_t wall_s(void *ctx)
{
	const struct emu_time *t = ctx;

	return t->epoch_s + (int64_t)(t->now_ns / EMU_S);
}

static int64_t wall_ms(void *ctx)
{
	const struct emu_time *t = ctx;

	return t->epoch_s * 1000 + (int64_t)(t->now_ns / EMU_MS);
}

struct xp_clock emu_time_clock(struct emu_time *t)
{
	return (struct xp_clock){
		.wall_s = wall_s, .monotonic_ns = monotonic_ns, .wall_ms = wall_ms, .ctx = t};
}
