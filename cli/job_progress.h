/*
 * job_progress: shows what the jobs tell: on a terminal a bar a drive (percent, rate, ETA), in a
 * pipe plain lines, and with --events one JSON line an event. Workers report, one thread draws.
 */
#pragma once
#include "base/clock.h"
#include "sanitize/event.h"

struct xp_progress;

/*
 * SLOTS jobs. EVENTS_FD: -1 for none (dup'ed). QUIET: no lines for people. COLUMNS as of stderr.
 */
MUST_USE enum xp_rc xp_progress_new(struct xp_progress **out, unsigned slots, int events_fd,
				    bool quiet, const struct xp_clock *clock, struct xp_err *err);
/* For worker SLOT: events come in through this. Good as long as the progress. */
struct xp_events xp_progress_events(struct xp_progress *p, unsigned slot);
/* Draws until every slot has ended; called by the main thread while workers run. */
void xp_progress_draw_until_end(struct xp_progress *p);
void xp_progress_free(struct xp_progress **p);
