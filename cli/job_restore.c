#include "cli/job_restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/job_attempt.h"
#include "cli/job_drive.h"
#include "sanitize/restore_ata.h"
#include "sanitize/restore_scsi.h"

/* What the journal says of a change. */
enum note {
	NOTE_ABOUT,   /* it is about to be made */
	NOTE_DONE,    /* the drive took it */
	NOTE_REFUSED, /* it cannot be made; no more is tried */
	NOTE_UNSEEN,  /* a power cycle seems to be missing: once more behind one */
};
static const char *const note_names[] = {
	[NOTE_ABOUT] = "about",
	[NOTE_DONE] = "done",
	[NOTE_REFUSED] = "refused",
	[NOTE_UNSEEN] = "unseen",
};

static const char nobody_saw[] = "nobody saw what came of it";

static const char *shown(enum xp_hidden_area v)
{
	switch (v) {
	case XP_AREA_HPA:
		return "HPA";
	case XP_AREA_AMAC:
		return "AMAC";
	case XP_AREA_DCO:
		return "DCO";
	case XP_AREA_REDUCED:
		break;
	}
	return "a reduced capacity (MODE SELECT)";
}

static struct xp_capacity_change *last(struct xp_job *job)
{
	return job->restore.n ? &job->restore.list[job->restore.n - 1] : NULL;
}

/* --- the list, as the lines of the journal make it --- */

static bool is_same_change(const struct xp_capacity_change *a, const struct xp_capacity_change *b)
{
	/* how much a SCSI drive has is known when it has given it back */
	return a->area == b->area && a->from == b->from &&
	       (a->to == b->to || a->area == XP_AREA_REDUCED);
}

/* A change that is tried again stays one. */
static bool apply(struct xp_job *job, enum note note, const struct xp_capacity_change *change)
{
	struct xp_job_restore *r = &job->restore;
	struct xp_capacity_change *to = last(job);

	if (!to || !is_same_change(to, change)) {
		if (note != NOTE_ABOUT || r->n == XP_CAPACITY_CHANGES_MAX)
			return false;
		to = &r->list[r->n++];
		*to = *change;
		r->missed = 0;
	}
	if (note == NOTE_UNSEEN)
		r->missed++;
	else
		to->restored = note == NOTE_DONE;
	if (note == NOTE_DONE)
		r->missed = 0;
	r->is_pending = note == NOTE_ABOUT;
	r->gave_up = note == NOTE_REFUSED;
	snprintf(to->why, sizeof(to->why), "%s", to->restored ? "" : change->why);
	if (to->area == XP_AREA_REDUCED && note == NOTE_DONE) {
		r->is_whole = true;
		to->to = change->to;
		/* it had all of them: that is no change */
		if (to->to == to->from)
			r->n--;
	}
	return true;
}

static json_t *decimal(uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	return json_string(text);
}

/* On the disk before it returns. */
static enum xp_rc tell(struct xp_job *job, enum note note, const struct xp_capacity_change *change,
		       struct xp_err *err)
{
	enum xp_rc rc = xp_journal_add(job->journal,
				       json_pack("{s:s, s:s, s:s, s:o, s:o, s:s}", "type",
						 "capacity", "note", note_names[note], "area",
						 xp_hidden_area_name(change->area), "from_bytes",
						 decimal(change->from), "to_bytes",
						 decimal(change->to), "why", change->why),
				       err);

	job->journal_failed = job->journal_failed || rc != XP_OK;
	if (rc == XP_OK && !apply(job, note, change))
		return xp_fail(err, XP_E_INTERNAL, "capacity: more changes than a drive can have");
	return rc;
}

static bool read_decimal(uint64_t *out, const json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));
	char *end = NULL;

	if (!text || !*text)
		return false;
	*out = strtoull(text, &end, 10);
	return *end == 0;
}

enum xp_rc xp_job_restore_take_line(struct xp_job *job, const json_t *line, struct xp_err *err)
{
	const char *name = json_string_value(json_object_get(line, "note"));
	const char *area = json_string_value(json_object_get(line, "area"));
	const char *why = json_string_value(json_object_get(line, "why"));
	struct xp_capacity_change change = {0};

	for (size_t i = 0; name && area && i < XP_ARRAY_LEN(note_names); i++) {
		if (strcmp(name, note_names[i]) != 0)
			continue;
		snprintf(change.why, sizeof(change.why), "%s", why ? why : "");
		if (xp_hidden_area_parse(&change.area, area) &&
		    read_decimal(&change.from, line, "from_bytes") &&
		    read_decimal(&change.to, line, "to_bytes") && apply(job, (enum note)i, &change))
			return XP_OK;
	}
	return xp_fail(err, XP_E_MALFORMED, "journal of job %s: capacity", job->id);
}

bool xp_job_restore_allows(const struct xp_job *job, uint64_t capacity_bytes)
{
	const struct xp_job_restore *r = &job->restore;

	for (size_t i = 0; i < r->n; i++) {
		const struct xp_capacity_change *c = &r->list[i];

		if (capacity_bytes == c->from || capacity_bytes == c->to)
			return true;
		/* killed before it was seen how many there are */
		if (c->area == XP_AREA_REDUCED && r->is_pending && i + 1 == r->n &&
		    capacity_bytes > c->from)
			return true;
	}
	return false;
}

void xp_job_restore_summarize(char *out, size_t size, const json_t *line)
{
	const char *note = json_string_value(json_object_get(line, "note"));
	const char *area = json_string_value(json_object_get(line, "area"));
	enum xp_hidden_area a = XP_AREA_HPA;

	if (!note || !area || !xp_hidden_area_parse(&a, area))
		return;
	if (strcmp(note, note_names[NOTE_ABOUT]) == 0)
		snprintf(out, size, "%s is being lifted", shown(a));
	else if (strcmp(note, note_names[NOTE_REFUSED]) == 0)
		snprintf(out, size, "before the first phase; %s could not be lifted", shown(a));
	else if (a == XP_AREA_REDUCED)
		snprintf(out, size, "the drive has all of its blocks; before the first phase");
	else
		snprintf(out, size, "%s was lifted; the drive is to be switched off and on again",
			 shown(a));
}

/* --- a take --- */

static const struct xp_policy *policy_of(const struct xp_job *job)
{
	return job->resume.policy ? job->resume.policy : job->setup->options->policy;
}

/* Once anything was erased, or an erase was begun, it is too late. */
static bool is_wanted(const struct xp_job *job)
{
	const struct xp_evidence *ev = &job->record.evidence;

	for (size_t i = 0; i < ev->n; i++)
		if (ev->phases[i].kind == XP_PHASE_ERASE)
			return false;
	return xp_policy_restores_hidden(policy_of(job)) && job->drive.answered &&
	       (job->drive.facts.is_ata || xp_scsi_restore_applies(&job->drive.facts)) &&
	       job->drive.transport && !job->resume.begun && !job->resume.has_command &&
	       job->attempt == 1 && !job->restore.gave_up;
}

static enum xp_rc wait_for_power(struct xp_job *job, const char *what, struct xp_err *err)
{
	job->restore.waits = true;
	return xp_fail(err, XP_E_CANCELLED,
		       "%s: %s. Switch the drive off and on again (with the computer, where it has "
		       "no switch of its own), then go on with the job; nothing was erased yet",
		       job->target.path, what);
}

static enum xp_rc give_up(struct xp_job *job, struct xp_capacity_change *change, const char *why,
			  struct xp_err *err)
{
	snprintf(change->why, sizeof(change->why), "%s", why);
	TRY(tell(job, NOTE_REFUSED, change, err));
	xp_job_emit(job, XP_EVENT_WARNING, "restore", 0, 0, why);
	return XP_OK;
}

static enum xp_rc once_more(struct xp_job *job, struct xp_capacity_change *change, const char *why,
			    struct xp_err *err)
{
	char text[320];

	snprintf(change->why, sizeof(change->why), "%s", why);
	TRY(tell(job, NOTE_UNSEEN, change, err));
	snprintf(
		text, sizeof(text),
		"%s could not be lifted (%.190s); a drive makes one change of its capacity a power "
		"cycle",
		shown(change->area), why);
	return wait_for_power(job, text, err);
}

/* Makes one change; XP_OK: it could not be made, and the job goes on without. */
static enum xp_rc make(struct xp_job *job, const struct xp_permit *permit,
		       struct xp_capacity_change *change, struct xp_err *err)
{
	struct xp_restore_result made;
	char text[256];

	/* who it was, as small as it showed itself, is evidence */
	if (job->record.evidence.n == 0)
		TRY(xp_job_identify_phase(job, permit, err));
	snprintf(change->why, sizeof(change->why), "%s", nobody_saw);
	TRY(tell(job, NOTE_ABOUT, change, err));
	TRY(xp_ata_restore_step(&made, job->drive.transport, permit, &job->drive.facts, err));
	if (made.end != XP_RESTORE_POWER_CYCLE)
		return job->restore.missed == 0 ? once_more(job, change, made.why, err)
						: give_up(job, change, made.why, err);
	change->why[0] = 0;
	TRY(tell(job, NOTE_DONE, change, err));
	snprintf(text, sizeof(text),
		 "as the policy asks, %s was lifted: the drive is to have %llu bytes, where it "
		 "showed %llu%s",
		 shown(change->area), (unsigned long long)change->to,
		 (unsigned long long)change->from,
		 made.more ? ", and a DCO still stands behind it" : "");
	return wait_for_power(job, text, err);
}

static enum xp_rc look(struct xp_job *job, const struct xp_permit *permit, struct xp_err *err)
{
	struct xp_capacity_change *was = last(job);
	struct xp_restore_result next;
	struct xp_capacity_change change;

	xp_ata_restore_next(&next, &job->drive.facts);
	/* killed between the change and the line behind it: the drive tells */
	if (was && job->restore.is_pending && next.end != XP_RESTORE_IMPOSSIBLE &&
	    next.from_bytes >= was->to) {
		change = *was;
		TRY(tell(job, NOTE_DONE, &change, err));
	}
	if (next.end == XP_RESTORE_IMPOSSIBLE)
		xp_job_emit(job, XP_EVENT_WARNING, "restore", 0, 0, next.why);
	if (next.end != XP_RESTORE_POWER_CYCLE)
		return XP_OK;
	change = (struct xp_capacity_change){
		.area = next.area, .from = next.from_bytes, .to = next.to_bytes};
	if (!was || !is_same_change(was, &change) || !was->restored)
		return make(job, permit, &change, err);
	/* it was taken, and is not there */
	change.restored = true;
	if (job->restore.missed == 0)
		return once_more(job, &change, "the drive still shows what it showed before", err);
	return give_up(job, &change,
		       "the drive took the change, and does not show it behind a power cycle", err);
}

/*
 * A SCSI drive: how many blocks it has is known when it has been set to all of them. That is told
 * by a journal line also where it was so already.
 */
static enum xp_rc look_at_scsi(struct xp_job *job, const struct xp_permit *permit,
			       struct xp_err *err)
{
	const struct xp_drive_facts *facts = &job->drive.facts;
	const struct xp_capacity_change *was = last(job);
	struct xp_capacity_change change = {
		.area = XP_AREA_REDUCED,
		.from = facts->scsi.capacity.bytes,
		.to = facts->scsi.capacity.bytes,
	};
	struct xp_scsi_restore_result made;

	if (job->restore.is_whole)
		return XP_OK;
	/* killed between the change and the line behind it: the drive tells */
	if (was && job->restore.is_pending && change.to > was->from) {
		change.from = was->from;
		return tell(job, NOTE_DONE, &change, err);
	}
	if (job->record.evidence.n == 0)
		TRY(xp_job_identify_phase(job, permit, err));
	snprintf(change.why, sizeof(change.why), "%s", nobody_saw);
	TRY(tell(job, NOTE_ABOUT, &change, err));
	TRY(xp_scsi_restore(&made, job->drive.transport, permit, facts, err));
	if (!made.is_whole)
		return give_up(job, &change, made.why, err);
	change.why[0] = 0;
	change.to = made.bytes;
	TRY(tell(job, NOTE_DONE, &change, err));
	if (change.to == change.from)
		return XP_OK;
	job->restore.waits = true;
	return xp_fail(err, XP_E_CANCELLED,
		       "%s: as the policy asks, the drive shows all of its blocks again: it has "
		       "%llu bytes, where it showed %llu. Go on with the job, which looks at it "
		       "anew; nothing was erased yet",
		       job->target.path, (unsigned long long)change.to,
		       (unsigned long long)change.from);
}

static bool was_changed_before(const struct xp_job *job)
{
	for (size_t i = 0; i < job->restore.n; i++)
		if (job->restore.list[i].restored)
			return true;
	return false;
}

/* The drive is larger by its own word than by the kernel's. */
static enum xp_rc demand_that_the_kernel_saw(struct xp_job *job, struct xp_err *err)
{
	const struct xp_hidden_facts *h = &job->drive.facts.hidden;
	uint64_t kernel = job->media.capacity_bytes;

	/* of a SCSI drive media has its own word */
	if (job->restore.is_whole && was_changed_before(job))
		kernel = xp_job_drive_kernel_bytes(job);
	else if (!h->known)
		return XP_OK;
	/* blocks that the kernel does not know are none to it: those go by commands */
	if (!job->drive.answered || kernel == 0 || h->current_bytes == kernel)
		return XP_OK;
	job->restore.waits = true;
	return xp_fail(
		err, XP_E_CANCELLED,
		"%s: the drive has %llu bytes now, and the kernel still shows %llu of them; to "
		"look again at the device did not help. Let the kernel find it anew (echo 1 to its "
		"device/delete in /sys/block, then \"- - -\" to the scan file of its scsi_host), "
		"or "
		"start the computer again, then go on with the job; nothing was erased yet",
		job->target.path, (unsigned long long)h->current_bytes, (unsigned long long)kernel);
}

/* What was changed is evidence, and the capacity is another one from here on. */
static void conclude(struct xp_job *job)
{
	struct xp_evidence *ev = &job->record.evidence;

	memcpy(ev->changes, job->restore.list, sizeof(ev->changes));
	ev->changes_n = job->restore.n;
	ev->capacity_after = xp_job_drive_capacity(job);
	ev->capacity_after.restored = was_changed_before(job);
	ev->capacity_after_given = true;
	job->record.media.capacity_bytes = job->media.capacity_bytes;
}

enum xp_rc xp_job_restore(struct xp_job *job, const struct xp_permit *permit, struct xp_err *err)
{
	job->restore.waits = false;
	if (is_wanted(job))
		TRY(job->drive.facts.is_ata ? look(job, permit, err)
					    : look_at_scsi(job, permit, err));
	if (job->restore.n == 0 && !job->restore.is_whole)
		return XP_OK;
	TRY(demand_that_the_kernel_saw(job, err));
	conclude(job);
	return XP_OK;
}
