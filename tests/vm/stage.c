#include "tests/vm/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* a real wait that is shorter is none */
#define SLACK_NS (2 * EMU_MS)

struct pace {
	struct stage *stage;
	bool busy;
	enum emu_wake stop; /* what is to cut off the command that runs; EMU_WAKE_TIME: nothing */
	uint64_t commands;
	unsigned delay_ms; /* real, added to each command */
	struct stage_listener listener;
};

struct stage {
	struct emu_rig *rig;
	struct pace *paces; /* one a drive */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	double speed;
	uint64_t real_ns, sim_ns; /* a moment on both clocks */
};

static uint64_t real_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * EMU_S + (uint64_t)t.tv_nsec;
}

static uint64_t sim_now(const struct stage *s)
{
	return s->sim_ns + (uint64_t)((double)(real_now() - s->real_ns) * s->speed);
}

static struct emu_rig_drive *owner_of(const struct stage *s, const struct emu_time *t)
{
	for (size_t i = 0; i < s->rig->n; i++)
		if (&s->rig->drives[i].time == t)
			return &s->rig->drives[i];
	abort();
}

static struct pace *pace_of(const struct stage *s, const struct emu_rig_drive *d)
{
	return &s->paces[d - s->rig->drives];
}

/* The wait of a command, with the lock held; it is free meanwhile. */
static enum emu_wake wait_until(struct emu_time *t, uint64_t until_ns)
{
	struct pace *p = t->wait_ctx;
	struct stage *s = p->stage;

	for (;;) {
		uint64_t now = sim_now(s);
		uint64_t real_left;
		struct timespec at;

		if (p->stop != EMU_WAKE_TIME) {
			enum emu_wake why = p->stop;

			p->stop = EMU_WAKE_TIME;
			if (now > t->now_ns)
				t->now_ns = now < until_ns ? now : until_ns;
			return why;
		}
		real_left = now >= until_ns ? 0 : (uint64_t)((double)(until_ns - now) / s->speed);
		if (real_left < SLACK_NS) {
			t->now_ns = until_ns;
			return EMU_WAKE_TIME;
		}
		real_left += real_now();
		at.tv_sec = (time_t)(real_left / EMU_S);
		at.tv_nsec = (long)(real_left % EMU_S);
		pthread_cond_timedwait(&s->changed, &s->lock, &at);
	}
}

struct stage *stage_new(struct emu_rig *rig, double speed)
{
	struct stage *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (!s)
		return NULL;
	s->paces = calloc(rig->n, sizeof(*s->paces));
	if (!s->paces) {
		free(s);
		return NULL;
	}
	s->rig = rig;
	s->speed = speed;
	s->real_ns = real_now();
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	for (size_t i = 0; i < rig->n; i++) {
		s->paces[i].stage = s;
		rig->drives[i].time.epoch_s = (int64_t)time(NULL);
		rig->drives[i].time.wait = wait_until;
		rig->drives[i].time.wait_ctx = &s->paces[i];
	}
	return s;
}

void stage_listen(struct stage *s, const struct emu_rig_drive *slot, struct stage_listener l)
{
	pace_of(s, slot)->listener = l;
}

struct emu_rig *stage_rig(const struct stage *s)
{
	return s->rig;
}

struct emu_time *stage_begin(struct stage *s, struct emu_rig_drive *slot)
{
	struct emu_time *t;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		struct pace *p;
		uint64_t now = sim_now(s);

		t = slot->unit.ops->time(slot->unit.ctx);
		if (!t) {
			pthread_mutex_unlock(&s->lock);
			return NULL;
		}
		p = pace_of(s, owner_of(s, t));
		if (!p->busy) {
			p->busy = true;
			p->commands++;
			if (now > t->now_ns)
				t->now_ns = now;
			return t;
		}
		pthread_cond_wait(&s->changed, &s->lock);
	}
}

void stage_end(struct stage *s, struct emu_time *t)
{
	struct pace *p = pace_of(s, owner_of(s, t));
	struct timespec delay = {p->delay_ms / 1000, (long)(p->delay_ms % 1000) * 1000000};

	p->busy = false;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (p->delay_ms)
		nanosleep(&delay, NULL);
}

enum stage_end stage_scsi(struct stage *s, struct emu_rig_drive *slot, struct emu_scsi_cmd *cmd)
{
	struct emu_time *t = stage_begin(s, slot);
	enum stage_end end = STAGE_ANSWERED;

	if (!t)
		return STAGE_ABSENT;
	slot->unit.ops->exec(slot->unit.ctx, cmd);
	if (!cmd->answered)
		end = emu_rig_is_plugged(slot) ? STAGE_CUT : STAGE_ABSENT;
	stage_end(s, t);
	return end;
}

/* With the lock held: what runs on the drive behind SLOT is cut off, and has ended; true: something
 * was waiting, and the model itself did what follows. */
static bool cut_off(struct stage *s, struct emu_rig_drive *slot, enum emu_wake why)
{
	struct emu_time *t = slot->unit.ops->time(slot->unit.ctx);
	struct pace *p;
	bool taken;

	if (!t)
		return false;
	p = pace_of(s, owner_of(s, t));
	if (!p->busy)
		return false;
	p->stop = why;
	pthread_cond_broadcast(&s->changed);
	while (p->busy)
		pthread_cond_wait(&s->changed, &s->lock);
	taken = p->stop == EMU_WAKE_TIME;
	p->stop = EMU_WAKE_TIME;
	return taken;
}

void stage_reset(struct stage *s, struct emu_rig_drive *slot)
{
	pthread_mutex_lock(&s->lock);
	if (!cut_off(s, slot, EMU_WAKE_RESET) && emu_rig_is_plugged(slot))
		slot->unit.ops->reset(slot->unit.ctx);
	pthread_mutex_unlock(&s->lock);
}

static void tell(struct stage *s, struct emu_rig_drive *slot)
{
	const struct stage_listener *l = &pace_of(s, slot)->listener;

	if (l->link)
		l->link(l->ctx, emu_rig_is_plugged(slot));
}

static void catch_up(struct stage *s, struct emu_rig_drive *slot)
{
	struct emu_time *t = slot->unit.ops->time(slot->unit.ctx);
	uint64_t now = sim_now(s);

	if (t && now > t->now_ns)
		t->now_ns = now;
}

struct question {
	char words[5][128];
	int n;
	struct emu_rig_drive *slot;
};

static bool power(struct stage *s, struct question *q, struct emu_why *why)
{
	(void)why;
	(void)cut_off(s, q->slot, EMU_WAKE_POWER);
	catch_up(s, q->slot);
	if (strcmp(q->words[0], "power-on") != 0)
		q->slot->unit.ops->power_off(q->slot->unit.ctx);
	if (strcmp(q->words[0], "power-off") != 0) {
		q->slot->unit.ops->power_on(q->slot->unit.ctx);
		tell(s, q->slot);
	}
	return true;
}

static bool plugging(struct stage *s, struct question *q, struct emu_why *why)
{
	bool in = strcmp(q->words[0], "plug") == 0;
	struct emu_rig_drive *from = q->n > 2 ? emu_rig_find(s->rig, q->words[2]) : q->slot;
	bool was_in = emu_rig_is_plugged(q->slot);

	if (!from)
		return emu_why(why, "there is no drive '%s'", q->words[2]);
	(void)cut_off(s, q->slot, EMU_WAKE_POWER);
	catch_up(s, q->slot);
	emu_rig_unplug(q->slot);
	if (was_in)
		tell(s, q->slot);
	if (!in)
		return true;
	if (!emu_rig_plug(q->slot, from, why))
		return false;
	tell(s, q->slot);
	return true;
}

static bool fault(struct stage *s, struct question *q, struct emu_why *why)
{
	if (q->n != 4)
		return emu_why(why, "fault NAME KEY VALUE");
	return emu_rig_fault(s->rig, q->slot, q->words[2], q->words[3], why);
}

static bool stain(struct stage *s, struct question *q, struct emu_why *why)
{
	(void)s;
	(void)why;
	emu_rig_stain(q->slot);
	return true;
}

static bool count_stains(struct stage *s, struct question *q, struct emu_why *why)
{
	struct emu_rig_stains found;

	catch_up(s, q->slot);
	found = emu_rig_stains(q->slot);
	(void)emu_why(why, "user=%llu hidden=%llu spare=%llu", (unsigned long long)found.user,
		      (unsigned long long)found.hidden, (unsigned long long)found.spare);
	return true;
}

static bool set_delay(struct stage *s, struct question *q, struct emu_why *why)
{
	unsigned ms;
	char more;

	if (q->n != 3 || sscanf(q->words[2], "%u%c", &ms, &more) != 1 || ms > 600000)
		return emu_why(why, "delay NAME MILLISECONDS");
	pace_of(s, q->slot)->delay_ms = ms;
	return true;
}

static bool count_commands(struct stage *s, struct question *q, struct emu_why *why)
{
	(void)emu_why(why, "%llu", (unsigned long long)pace_of(s, q->slot)->commands);
	return true;
}

static const struct {
	const char *word;
	bool (*answer)(struct stage *s, struct question *q, struct emu_why *why);
} questions[] = {
	{"power-cycle", power}, {"power-off", power},	  {"power-on", power},
	{"unplug", plugging},	{"plug", plugging},	  {"fault", fault},
	{"stain", stain},	{"stains", count_stains}, {"commands", count_commands},
	{"delay", set_delay},
};

static bool set_speed(struct stage *s, const char *word, struct emu_why *why)
{
	char *end;
	double speed = strtod(word, &end);

	if (*end || !(speed > 0 && speed <= 1e6))
		return emu_why(why, "a speed is a number above 0, not '%s'", word);
	s->sim_ns = sim_now(s);
	s->real_ns = real_now();
	s->speed = speed;
	pthread_cond_broadcast(&s->changed);
	return true;
}

static bool answer_question(struct stage *s, struct question *q, struct emu_why *why)
{
	if (q->n == 1 && !strcmp(q->words[0], "ping"))
		return true;
	if (q->n == 2 && !strcmp(q->words[0], "speed"))
		return set_speed(s, q->words[1], why);
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		if (strcmp(questions[i].word, q->words[0]) != 0)
			continue;
		q->slot = q->n > 1 ? emu_rig_find(s->rig, q->words[1]) : NULL;
		if (!q->slot)
			return emu_why(why, "there is no drive '%s'", q->words[1]);
		return questions[i].answer(s, q, why);
	}
	return emu_why(why, "nobody knows '%s'", q->words[0]);
}

void stage_ask(struct stage *s, const char *line, char *answer, size_t size)
{
	struct question q = {0};
	struct emu_why why = {""};
	bool good;

	q.n = sscanf(line, "%127s %127s %127s %127s %127s", q.words[0], q.words[1], q.words[2],
		     q.words[3], q.words[4]);
	if (q.n < 1) {
		snprintf(answer, size, "error nothing was asked");
		return;
	}
	pthread_mutex_lock(&s->lock);
	good = answer_question(s, &q, &why);
	pthread_mutex_unlock(&s->lock);
	snprintf(answer, size, "%s%s%s", good ? "ok" : "error", why.text[0] ? " " : "", why.text);
}
