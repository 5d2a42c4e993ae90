#include "cli/cert_workers.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Results that may wait for an earlier one. */
#define SLOTS 64

struct crew {
	const struct xp_work *w;
	pthread_mutex_t lock;
	pthread_cond_t room; /* a slot became free */
	pthread_cond_t done; /* a slot was filled */
	char *slots;
	bool filled[SLOTS];
	size_t next;  /* item that nobody works at */
	size_t taken; /* items whose result was taken */
};

struct hand {
	struct crew *crew;
	pthread_t thread;
	unsigned number;
};

unsigned xp_workers_count(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > XP_WORKERS_MAX ? XP_WORKERS_MAX : (unsigned)n;
}

static void *slot_of(const struct crew *c, size_t item)
{
	return c->slots + item % SLOTS * c->w->slot_bytes;
}

static void *run_hand(void *arg)
{
	struct hand *h = arg;
	struct crew *c = h->crew;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		size_t item;

		while (c->next < c->w->n && c->next >= c->taken + SLOTS)
			pthread_cond_wait(&c->room, &c->lock);
		if (c->next >= c->w->n)
			break;
		item = c->next++;
		pthread_mutex_unlock(&c->lock);
		c->w->work(c->w->ctx, h->number, item, slot_of(c, item));
		pthread_mutex_lock(&c->lock);
		c->filled[item % SLOTS] = true;
		pthread_cond_signal(&c->done);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void take_all(struct crew *c)
{
	for (size_t item = 0; item < c->w->n; item++) {
		pthread_mutex_lock(&c->lock);
		while (!c->filled[item % SLOTS])
			pthread_cond_wait(&c->done, &c->lock);
		c->filled[item % SLOTS] = false;
		pthread_mutex_unlock(&c->lock);
		c->w->take(c->w->ctx, item, slot_of(c, item));
		memset(slot_of(c, item), 0, c->w->slot_bytes);
		pthread_mutex_lock(&c->lock);
		c->taken = item + 1;
		pthread_cond_broadcast(&c->room);
		pthread_mutex_unlock(&c->lock);
	}
}

static void run_alone(struct crew *c)
{
	for (size_t item = 0; item < c->w->n; item++) {
		c->w->work(c->w->ctx, 0, item, c->slots);
		c->w->take(c->w->ctx, item, c->slots);
		memset(c->slots, 0, c->w->slot_bytes);
	}
}

enum xp_rc xp_work_run(const struct xp_work *w, struct xp_err *err)
{
	struct crew c = {.w = w,
			 .lock = PTHREAD_MUTEX_INITIALIZER,
			 .room = PTHREAD_COND_INITIALIZER,
			 .done = PTHREAD_COND_INITIALIZER};
	AUTO_MEM struct hand *hands = calloc(w->workers + 1, sizeof(*hands));
	AUTO_MEM char *slots = calloc(SLOTS, w->slot_bytes);
	unsigned n = 0;

	if (!hands || !slots)
		return xp_fail(err, XP_E_NOMEM, "%zu records", w->n);
	c.slots = slots;
	for (; w->workers > 1 && w->n > 1 && n < w->workers && n < w->n; n++) {
		hands[n] = (struct hand){.crew = &c, .number = n};
		if (pthread_create(&hands[n].thread, NULL, run_hand, &hands[n]) != 0)
			break;
	}
	/* where no thread is to be had one does it all */
	if (n == 0)
		run_alone(&c);
	else
		take_all(&c);
	for (unsigned i = 0; i < n; i++)
		pthread_join(hands[i].thread, NULL);
	return XP_OK;
}
