/* Rules about what was observed in the run. The text of each stands in docs/methods.md. */
#include "claim/judge.h"

#include "base/cleanup.h"
#include "claim/completion.h"
#include "device/protocol/drive_word.h"

#include <string.h>

#define GIB	 ((uint64_t)1 << 30)
#define NS_PER_S 1000000000ULL
/* What cannot be: a disk that writes 1 GB/s, any single drive that moves 32 GB/s. */
#define HDD_MAX_BPS   1000000000ULL
#define DRIVE_MAX_BPS 32000000000ULL
/* Unreadable bytes that a readback of a host overwrite bears: one in a thousand. */
#define UNREADABLE_PER_MILLE 1

static bool is_erase_of(const struct xp_judge *j, const struct xp_phase *p)
{
	return p->kind == XP_PHASE_ERASE && p->attempt == j->attempt;
}

/* 5: the attempt could not work, or the way out of a failure was not a success. */
static void rule_attempt_refused(struct xp_judge *j)
{
	const struct xp_command_result *c = &j->erase->command;
	char word[XP_DRIVE_WORD_LEN];

	if (xp_technique_is_host_write(j->technique))
		return;
	if (c->frozen &&
	    (j->technique == XP_ATA_SECURE_ERASE || j->technique == XP_ATA_SECURE_ERASE_ENHANCED))
		xp_judge_lower(j, 5, "frozen", XP_NONE, XP_OUTCOME_FAILED,
			       "the drive's security was frozen");
	if (c->locked)
		xp_judge_lower(j, 5, "locked", XP_NONE, XP_OUTCOME_FAILED, "the drive was locked");
	xp_drive_word(word, c->sense, c->sense_len);
	if (c->aborted)
		xp_judge_lower(j, 5, "command-aborted", XP_NONE, XP_OUTCOME_FAILED,
			       "the drive aborted the command%s%s", *word ? ": " : "", word);
	if (c->exit_failure_mode)
		xp_judge_lower(j, 5, "failure-mode-left", XP_NONE, XP_OUTCOME_FAILED,
			       "a failed sanitize was left without a successful one");
}

static bool pass_is_complete(const struct xp_judge *j, const struct xp_phase *p)
{
	const struct xp_overwrite_result *o = &p->overwrite;
	uint64_t goal = xp_evidence_goal_bytes(j->ev, p);

	return o->flushed && o->unwritten.total_bytes == 0 && o->unwritten.total_count == 0 &&
	       o->unwritten.n == 0 && o->bytes_written == goal && goal > 0 &&
	       o->resumed_from <= o->bytes_written;
}

/* The drive goes on by itself: that its own end was seen is all that matters. */
static bool completion_is_proven(const struct xp_phase *p)
{
	struct xp_completion found;

	xp_completion_decide(&found, p);
	return found.end == XP_COMPLETION_PROVEN;
}

/* 6: what was interrupted counts only when it was brought to its end. */
static void rule_interrupted(struct xp_judge *j)
{
	if (j->ev->cancelled)
		xp_judge_lower(j, 6, "cancelled", XP_NONE, XP_OUTCOME_ABORTED,
			       "the job was stopped before its end");
	for (size_t i = 0; i < j->ev->n; i++) {
		const struct xp_phase *p = &j->ev->phases[i];

		if (!is_erase_of(j, p) || !p->interrupted)
			continue;
		if (xp_technique_is_host_write(j->technique) && pass_is_complete(j, p))
			xp_judge_note(j, 6, "resumed",
				      "the overwrite was interrupted and taken up again at byte "
				      "%llu",
				      (unsigned long long)p->overwrite.resumed_from);
		else if (p == j->erase && completion_is_proven(p))
			xp_judge_note(j, 6, "resumed",
				      "the job was interrupted while the drive was at it, and went "
				      "on with it");
		else if (p == j->erase)
			xp_judge_lower(
				j, 6, "interrupted", XP_NONE, XP_OUTCOME_ABORTED,
				"the erase was interrupted, and no later success is its own");
	}
}

/*
 * 6: between two takes nobody holds the drive. What was written to it then reads as changed, as an
 * erase does whose outcome nobody knows; only a known content would show it.
 */
static void rule_unheld_between(struct xp_judge *j)
{
	if (!xp_technique_is_device_command(j->technique) || !j->readback ||
	    j->readback->take <= j->erase->take ||
	    j->readback->readback.expected.kind != XP_CONTENT_UNKNOWN)
		return;
	xp_judge_lower(j, 6, "unheld-between", XP_NONE, XP_OUTCOME_INDETERMINATE,
		       "the erase ended in take %u and was read back in take %u: what was written "
		       "to the drive between them would read as erased",
		       j->erase->take, j->readback->take);
}

/*
 * 7: completion that nobody saw. A device technique earns its level only by a decoder that finds
 * its success in the drive's raw answers (claim/completion.h).
 */
static void rule_completion_unknown(struct xp_judge *j)
{
	struct xp_completion found;

	if (xp_technique_is_host_write(j->technique))
		return;
	xp_completion_decide(&found, j->erase);
	if (found.end == XP_COMPLETION_FAILED)
		xp_judge_lower(j, 7, "completion-failed", XP_NONE, XP_OUTCOME_FAILED,
			       "the drive says that %s failed: %s", xp_technique_name(j->technique),
			       found.why);
	else if (found.end == XP_COMPLETION_UNPROVEN)
		xp_judge_lower(j, 7, "completion-unproven", XP_NONE, XP_OUTCOME_INDETERMINATE,
			       j->erase->command.accepted
				       ? "%s was accepted, its completion is not proven%s%s"
				       : "nothing proves that %s was carried out%s%s",
			       xp_technique_name(j->technique), *found.why ? ": " : "", found.why);
}

/* 8: a success that may be somebody else's. */
static void rule_not_ours(struct xp_judge *j)
{
	const struct xp_command_result *c = &j->erase->command;

	if (xp_technique_is_host_write(j->technique))
		return;
	if (!c->accepted)
		xp_judge_lower(j, 8, "not-accepted", XP_NONE, XP_OUTCOME_INDETERMINATE,
			       "the journal does not show that the drive took our command");
	if (c->attached)
		xp_judge_lower(j, 8, "not-ours", XP_NONE, XP_OUTCOME_INDETERMINATE,
			       "the operation was found running; this job did not start it");
}

static void lower_for_pass(struct xp_judge *j, const struct xp_phase *p)
{
	const struct xp_overwrite_result *o = &p->overwrite;
	uint64_t capacity = xp_evidence_goal_bytes(j->ev, p);

	if (o->unwritten.total_count || o->unwritten.total_bytes || o->unwritten.n)
		xp_judge_lower(j, 9, "not-written", XP_NONE, xp_judge_unfinished(j),
			       "%llu bytes in %llu places could not be written",
			       (unsigned long long)o->unwritten.total_bytes,
			       (unsigned long long)o->unwritten.total_count);
	if (capacity == 0)
		xp_judge_lower(j, 9, "capacity-unknown", XP_NONE, XP_OUTCOME_INDETERMINATE,
			       "the capacity is not known");
	else if (o->bytes_written > capacity || o->resumed_from > o->bytes_written)
		xp_judge_lower(
			j, 9, "figures-contradict", XP_NONE, XP_OUTCOME_INDETERMINATE,
			"%llu bytes written (taken up at %llu) do not fit a capacity of %llu",
			(unsigned long long)o->bytes_written, (unsigned long long)o->resumed_from,
			(unsigned long long)capacity);
	else if (o->bytes_written < capacity)
		xp_judge_lower(j, 9, "not-all-written", XP_NONE, xp_judge_unfinished(j),
			       "pass %u wrote %llu of %llu bytes", o->pass,
			       (unsigned long long)o->bytes_written, (unsigned long long)capacity);
	if (!o->flushed)
		xp_judge_lower(j, 9, "not-flushed", XP_NONE, xp_judge_unfinished(j),
			       "pass %u: the target did not confirm that its cache was flushed",
			       o->pass);
}

/* 9: every pass wrote every byte of the capacity, and the flush behind it was answered. */
static void rule_not_all_written(struct xp_judge *j)
{
	uint32_t passes = j->erase->overwrite.passes;
	uint32_t done = 0;

	if (!xp_technique_is_host_write(j->technique))
		return;
	for (size_t i = 0; i < j->ev->n; i++) {
		const struct xp_phase *p = &j->ev->phases[i];
		uint32_t pass = p->overwrite.pass;

		if (!is_erase_of(j, p))
			continue;
		/* a pass that is made again undoes those behind it */
		if (pass_is_complete(j, p) && pass >= 1 && pass <= done + 1)
			done = pass;
		else if (pass >= 1 && pass <= done)
			done = pass - 1;
	}
	if (!pass_is_complete(j, j->erase))
		lower_for_pass(j, j->erase);
	if (passes == 0 || done != passes || j->erase->overwrite.pass != passes)
		xp_judge_lower(j, 9, "passes-missing", XP_NONE, xp_judge_unfinished(j),
			       "%u of %u passes are complete", done, passes);
	if (j->capacity->current && j->capacity->current != j->id->capacity_bytes)
		xp_judge_lower(j, 9, "capacity-contradicts", XP_NONE, XP_OUTCOME_INDETERMINATE,
			       "the capacity is %llu bytes by the facts, %llu by the identity",
			       (unsigned long long)j->capacity->current,
			       (unsigned long long)j->id->capacity_bytes);
}

/* Did the drive say beforehand that reads fail after this erase, until something is written? */
static bool is_as_promised(const struct xp_judge *j)
{
	switch (xp_completion_promised_reads(j->erase)) {
	case XP_SCSI_AFTER_ERROR:
	case XP_SCSI_AFTER_WRITE_FIRST:
		return true;
	case XP_SCSI_AFTER_UNSAID:
	case XP_SCSI_AFTER_GOOD:
		break;
	}
	return false;
}

/* 10: what was erased but cannot be read is listed, and borne within limits. */
static void rule_unreadable(struct xp_judge *j)
{
	const struct xp_readback_result *r = j->readback ? &j->readback->readback : NULL;

	if (!r || (r->read_errors.total_bytes == 0 && r->read_errors.n == 0))
		return;
	if (is_as_promised(j)) {
		xp_judge_note(j, 10, "unreadable-as-promised",
			      "%llu of %llu bytes could not be read back, as the drive says of "
			      "reads after this erase (VPD page B1h): it cannot be verified by "
			      "reading, and stands on the drive's word",
			      (unsigned long long)r->read_errors.total_bytes,
			      (unsigned long long)r->bytes_planned);
		return;
	}
	xp_judge_lower(j, 10, "unreadable", XP_PURGE, XP_OUTCOME_SANITIZED_WITH_EXCEPTIONS,
		       "%llu bytes in %llu places could not be read back",
		       (unsigned long long)r->read_errors.total_bytes,
		       (unsigned long long)r->read_errors.total_count);
	/* nothing else than the readback shows that a host's writes came to rest */
	if (xp_technique_is_host_write(j->technique) &&
	    r->read_errors.total_bytes > r->bytes_planned / 1000 * UNREADABLE_PER_MILLE)
		xp_judge_lower(j, 10, "too-much-unreadable", XP_NONE, XP_OUTCOME_INDETERMINATE,
			       "more than one byte in a thousand could not be read back");
}

/* 11: data that is still there, in this attempt's readback or in one behind it. */
static void rule_residue(struct xp_judge *j)
{
	bool behind = false;

	for (size_t i = 0; i < j->ev->n; i++) {
		const struct xp_phase *p = &j->ev->phases[i];
		const struct xp_readback_result *r = &p->readback;

		behind = behind || p == j->erase;
		if (!behind || p->kind != XP_PHASE_READBACK)
			continue;
		if (r->mismatch_total || r->mismatch_n)
			xp_judge_lower(
				j, 11, "residue-found", XP_NONE, XP_OUTCOME_FAILED,
				"%llu blocks differ from what was written; the first at byte "
				"%llu",
				(unsigned long long)r->mismatch_total,
				r->mismatch_n ? (unsigned long long)r->mismatches[0].offset : 0ULL);
		if (r->unchanged_blocks)
			xp_judge_lower(j, 11, "unchanged", XP_NONE, XP_OUTCOME_FAILED,
				       "%llu blocks read as before the erase",
				       (unsigned long long)r->unchanged_blocks);
		if (r->canaries_alive)
			xp_judge_lower(j, 11, "canaries-alive", XP_NONE, XP_OUTCOME_FAILED,
				       "%llu markers written before the erase are still there",
				       (unsigned long long)r->canaries_alive);
	}
}

/* 7: a target that stopped to answer: what it has done with the last commands is not known. */
static void rule_stalled(struct xp_judge *j)
{
	for (size_t i = 0; i < j->ev->n; i++)
		if (j->ev->phases[i].stalled)
			xp_judge_lower(j, 7, "stalled", XP_NONE, XP_OUTCOME_INDETERMINATE,
				       "the target stopped to answer in phase %s",
				       xp_phase_kind_name(j->ev->phases[i].kind));
}

/* 12: nothing to compare with: the level stands on the device's word. */
static void rule_baseline(struct xp_judge *j)
{
	if (!xp_technique_is_host_write(j->technique) && j->readback &&
	    j->readback->readback.baseline_informative == XP_ANSWER_NO)
		xp_judge_note(
			j, 12, "baseline-uninformative",
			"the target read as zeros or deallocated before; that anything changed "
			"stands on the device's word");
}

static bool same_boot(const struct xp_phase *a, const struct xp_phase *b)
{
	return a->boot_id[0] && strcmp(a->boot_id, b->boot_id) == 0;
}

/* A drive may have been unplugged between two takes; within one it was held all the time. */
static bool same_take(const struct xp_phase *a, const struct xp_phase *b)
{
	return a->take == b->take && same_boot(a, b);
}

/* What may differ with good reason is taken from A: numbers that the kernel gives anew, a capacity
 * restored since. */
static bool same_target(const struct xp_phase *a, const struct xp_phase *b, bool restored,
			const char **difference)
{
	struct xp_identity id = b->identity;

	if (!same_take(a, b)) {
		id.diskseq = a->identity.diskseq;
		id.fs_dev = a->identity.fs_dev;
	}
	if (restored)
		id.capacity_bytes = a->identity.capacity_bytes;
	return xp_identity_same(&a->identity, &id, difference);
}

/* 13: it is the same target from the first look to the last, and there is a last one. */
static void rule_identity_changed(struct xp_judge *j)
{
	bool looked_behind = false, erased = false, behind = false;
	const char *difference;

	for (size_t i = 0; i < j->ev->n; i++) {
		const struct xp_phase *p = &j->ev->phases[i];
		bool restored = j->capacity->restored && !erased && p->kind == XP_PHASE_IDENTIFY;

		if (behind)
			looked_behind = true;
		behind = behind || p == j->erase;
		erased = erased || p->kind == XP_PHASE_ERASE;
		if (!same_target(j->erase, p, restored, &difference))
			xp_judge_lower(j, 13, "identity-changed", XP_NONE, XP_OUTCOME_FAILED,
				       "the target's %s is not the same in all phases", difference);
	}
	if (!looked_behind)
		xp_judge_lower(j, 13, "not-identified-after", XP_NONE,
			       j->ev->cancelled ? XP_OUTCOME_ABORTED : XP_OUTCOME_INDETERMINATE,
			       "the target was not identified again after the erase");
}

static void lower_if_too_fast(struct xp_judge *j, const struct xp_phase *p, uint64_t bytes,
			      const char *code)
{
	uint64_t limit = p->identity.media == XP_MEDIA_HDD ? HDD_MAX_BPS : DRIVE_MAX_BPS;
	uint64_t ns = p->end_ns > p->start_ns ? p->end_ns - p->start_ns : 0;
	uint64_t earlier_ns;

	/* a drive goes on by itself between two takes; zero where the host wrote */
	if (__builtin_mul_overflow(p->command.earlier_s, NS_PER_S, &earlier_ns) ||
	    __builtin_add_overflow(ns, earlier_ns, &ns))
		ns = UINT64_MAX;

	/* less may fit into a drive's own cache */
	if (!xp_judge_is_drive(&p->identity) || bytes < GIB)
		return;
	if ((unsigned __int128)bytes * NS_PER_S > (unsigned __int128)limit * ns)
		xp_judge_lower(j, 14, code, XP_NONE, XP_OUTCOME_INDETERMINATE,
			       "%llu bytes in %llu ms: it cannot have happened",
			       (unsigned long long)bytes, (unsigned long long)(ns / 1000000));
}

/* 14: faster than the medium can be. */
static void rule_too_fast(struct xp_judge *j)
{
	for (size_t i = 0; i < j->ev->n; i++) {
		const struct xp_phase *p = &j->ev->phases[i];
		uint64_t bytes = xp_evidence_goal_bytes(j->ev, p);

		if (!is_erase_of(j, p))
			continue;
		if (xp_technique_is_host_write(p->technique))
			lower_if_too_fast(j, p,
					  bytes - (p->overwrite.resumed_from < bytes
							   ? p->overwrite.resumed_from
							   : bytes),
					  "written-too-fast");
		else if (p->command.overwrite_passes && p->identity.media == XP_MEDIA_HDD &&
			 !__builtin_mul_overflow(bytes, (uint64_t)p->command.overwrite_passes,
						 &bytes))
			lower_if_too_fast(j, p, bytes, "written-too-fast");
	}
	if (j->readback)
		lower_if_too_fast(j, j->readback, j->readback->readback.bytes_delivered,
				  "read-too-fast");
}

/* 20: a drive that answers for blocks it has given up shows nothing of them. */
static void rule_deallocated(struct xp_judge *j)
{
	if (!j->readback || j->readback->readback.reads_deallocated != XP_ANSWER_YES)
		return;
	if (xp_technique_is_host_write(j->technique))
		xp_judge_lower(j, 20, "reads-deallocated", XP_NONE, XP_OUTCOME_INDETERMINATE,
			       "the readback was answered for deallocated blocks");
	else
		xp_judge_note(
			j, 20, "reads-deallocated",
			"the readback was answered for deallocated blocks and is no evidence");
}

/* 22: the time source is marked. */
static void rule_clock(struct xp_judge *j)
{
	if (j->ev->clock_synchronized == XP_ANSWER_NO)
		xp_judge_note(j, 22, "clock-unsynchronized", "the clock was not synchronized");
	for (size_t i = 0; i < j->ev->n; i++) {
		if (j->ev->phases[i].end_s < j->ev->phases[i].start_s)
			xp_judge_note(j, 22, "clock-stepped",
				      "the wall clock was set back during the job");
	}
}

/* 23: time runs forward, in each phase and from one to the next. */
static void rule_times(struct xp_judge *j)
{
	for (size_t i = 0; i < j->ev->n; i++) {
		const struct xp_phase *p = &j->ev->phases[i];
		const struct xp_phase *last = i ? p - 1 : NULL;
		bool backwards = p->end_ns < p->start_ns;

		if (last && same_boot(last, p))
			backwards = backwards || p->start_ns < last->end_ns;
		else if (last)
			backwards = backwards || p->start_s < last->end_s;
		if (backwards)
			xp_judge_lower(j, 23, "time-runs-back", XP_NONE, XP_OUTCOME_INDETERMINATE,
				       "phase %zu ends before it starts, or starts before the one "
				       "before it ended",
				       i + 1);
		if (last && p->attempt < last->attempt && p->kind != XP_PHASE_IDENTIFY &&
		    last->kind != XP_PHASE_IDENTIFY)
			xp_judge_lower(j, 23, "attempts-disordered", XP_NONE,
				       XP_OUTCOME_INDETERMINATE,
				       "phases of attempt %u stand behind those of attempt %u",
				       p->attempt, last->attempt);
	}
}

static bool content_is_valid(const struct xp_content *c)
{
	switch (c->kind) {
	case XP_CONTENT_ZERO:
	case XP_CONTENT_RANDOM:
		return true;
	case XP_CONTENT_PATTERN:
		return c->pattern_len >= 1 && c->pattern_len <= XP_PATTERN_MAX;
	case XP_CONTENT_UNKNOWN:
		break;
	}
	return false;
}

static bool content_fits(enum xp_technique t, const struct xp_content *c)
{
	return content_is_valid(c) &&
	       ((t == XP_OVERWRITE_ZERO && c->kind == XP_CONTENT_ZERO) ||
		((t == XP_OVERWRITE_RANDOM || t == XP_LUKS_DESTROY || t == XP_FILE_OVERWRITE) &&
		 c->kind == XP_CONTENT_RANDOM) ||
		(t == XP_OVERWRITE_PATTERN && c->kind == XP_CONTENT_PATTERN));
}

static uint8_t content_byte(const struct xp_content *c, size_t i)
{
	return c->kind == XP_CONTENT_PATTERN ? c->pattern[i % c->pattern_len] : 0;
}

static bool is_complement(const struct xp_content *a, const struct xp_content *b)
{
	if (!content_is_valid(a) || !content_is_valid(b) || a->kind == XP_CONTENT_RANDOM ||
	    b->kind == XP_CONTENT_RANDOM)
		return false;
	for (size_t i = 0; i < (size_t)XP_PATTERN_MAX * XP_PATTERN_MAX; i++) {
		if ((content_byte(a, i) ^ content_byte(b, i)) != 0xff)
			return false;
	}
	return true;
}

/* 26: the passes are of one technique and wrote what it says. */
static void rule_contents(struct xp_judge *j)
{
	const struct xp_overwrite_result *last = &j->erase->overwrite;
	const struct xp_content *before = NULL;

	for (size_t i = 0; i < j->ev->n; i++) {
		const struct xp_phase *p = &j->ev->phases[i];

		if (!is_erase_of(j, p))
			continue;
		if (p->technique != j->technique || p->overwrite.passes != last->passes)
			xp_judge_lower(j, 26, "passes-differ", XP_NONE, XP_OUTCOME_INDETERMINATE,
				       "the passes of one attempt are not of one technique");
		if (p->overwrite.pass + 1 == last->passes)
			before = &p->overwrite.content;
	}
	if (!xp_technique_is_host_write(j->technique))
		return;
	if (!content_fits(j->technique, &last->content))
		xp_judge_lower(j, 26, "content-differs", XP_NONE, XP_OUTCOME_INDETERMINATE,
			       "the last pass wrote something else than %s",
			       xp_technique_name(j->technique));
	/* a key is gone when it was overwritten once */
	if (j->technique != XP_LUKS_DESTROY &&
	    xp_policy_overwrite_passes(j->policy, j->id->media) >= 2 &&
	    !(before && is_complement(before, &last->content)))
		xp_judge_lower(j, 26, "no-complement", XP_NONE, XP_OUTCOME_FAILED,
			       "the policy asks for a pattern and its complement on %s media",
			       xp_media_name(j->id->media));
}

const struct xp_rule xp_rules_run[] = {
	{5, rule_attempt_refused},
	{6, rule_interrupted},
	{6, rule_unheld_between},
	{7, rule_stalled},
	{7, rule_completion_unknown},
	{8, rule_not_ours},
	{9, rule_not_all_written},
	{10, rule_unreadable},
	{11, rule_residue},
	{12, rule_baseline},
	{13, rule_identity_changed},
	{14, rule_too_fast},
	{20, rule_deallocated},
	{22, rule_clock},
	{23, rule_times},
	{24, xp_rule_readback_missing},
	{25, xp_rule_readback_contradicts},
	{26, rule_contents},
	{26, xp_rule_sanitize_passes},
	{30, xp_rule_keys_run},
};
const size_t xp_rules_run_n = XP_ARRAY_LEN(xp_rules_run);
