/* event: what a running job tells whoever shows it. Engines emit; cli prints. */
#pragma once
#include "claim/terms.h"

#include <stdint.h>

enum xp_event_kind {
	XP_EVENT_PHASE,	   /* a phase begins: text says which */
	XP_EVENT_PROGRESS, /* done_bytes of total_bytes */
	XP_EVENT_WARNING,
	XP_EVENT_END,
};

struct xp_event {
	enum xp_event_kind kind;
	const char *job;    /* job id */
	const char *target; /* path, for a person */
	const char *serial; /* or the image's name */
	const char *phase;  /* "identify", "overwrite 1/1", "readback", ... */
	uint64_t done_bytes, total_bytes;
	/*
	 * Progress of a command that the drive answers only when it has ended: nobody knows how far
	 * it is. The drive's own estimate of the whole, in seconds; 0: it does not say.
	 */
	bool is_silent;
	uint64_t estimate_s;
	const char *text;
};

struct xp_events {
	void *ctx;
	void (*emit)(void *ctx,
		     const struct xp_event *e); /* may be called from any worker; NULL: nobody */
};
