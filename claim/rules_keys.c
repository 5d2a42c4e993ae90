/* Rule 30: luks-destroy. The text stands in docs/methods.md. */
#include "claim/judge.h"

#include <string.h>

/* What a volume's own header says of what its keys' loss is worth. */
static void judge_volume(struct xp_judge *j, const struct xp_luks_volume *v)
{
	if (v->not_encrypted)
		xp_judge_lower(
			j, 30, "not-encrypted", XP_NONE, XP_OUTCOME_FAILED,
			"volume %.40s: its cipher %.64s encrypts nothing; the data stands there "
			"in plain text",
			v->uuid, v->cipher);
	if (v->plain_segment)
		xp_judge_lower(j, 30, "plain-text-left", XP_NONE, XP_OUTCOME_FAILED,
			       "volume %.40s: a part of its data is not encrypted, or not yet",
			       v->uuid);
	if (v->hw_opal_only)
		xp_judge_lower(
			j, 30, "drive-key-left", XP_NONE, XP_OUTCOME_FAILED,
			"volume %.40s: nothing but the drive encrypts it, and the drive keeps its "
			"key",
			v->uuid);
	else if (v->hw_opal)
		xp_judge_note(
			j, 30, "drive-key-left",
			"volume %.40s: the drive encrypts it, too; the drive keeps its own key",
			v->uuid);
}

static void note_volume(struct xp_judge *j, const struct xp_luks_volume *v)
{
	if (v->primary == XP_LUKS_DAMAGED || v->secondary == XP_LUKS_DAMAGED || !v->layout_known ||
	    (v->version != 1 && (v->primary == XP_LUKS_ABSENT || v->secondary == XP_LUKS_ABSENT)))
		xp_judge_note(
			j, 30, "header-damaged",
			"volume %.40s: a copy of its header was damaged or missing; all that the "
			"format may use was overwritten",
			v->uuid);
	if (v->library == XP_LUKS_DIFFERS)
		xp_judge_note(
			j, 30, "readers-differ",
			"volume %.40s: libcryptsetup reads its header in another way; all that "
			"the format may use was overwritten",
			v->uuid);
	if (v->detached)
		xp_judge_note(
			j, 30, "data-elsewhere",
			"volume %.40s: its data lies on another device, which was not looked at",
			v->uuid);
	if (v->reencrypting)
		xp_judge_note(j, 30, "reencryption-unfinished",
			      "volume %.40s: a reencryption was not finished", v->uuid);
	if (v->tokens)
		xp_judge_note(
			j, 30, "tokens",
			"volume %.40s: tokens (%.120s) kept what unlocks it elsewhere; without a "
			"header they open nothing",
			v->uuid, *v->token_types ? v->token_types : "of unknown type");
}

void xp_rule_keys(struct xp_judge *j)
{
	if (j->technique != XP_LUKS_DESTROY)
		return;
	for (size_t i = 0; i < j->volume_n && !j->erase; i++)
		if (j->volumes[i].offset || j->volumes[i].room != j->id->capacity_bytes)
			xp_judge_lower(j, 30, "volume-in-part", XP_NONE, XP_OUTCOME_INDETERMINATE,
				       "the volume begins at byte %llu of the target: name its "
				       "partition",
				       (unsigned long long)j->volumes[i].offset);
	for (size_t i = 0; i < j->volume_n; i++) {
		judge_volume(j, &j->volumes[i]);
		note_volume(j, &j->volumes[i]);
	}
}

/* ---- the run ---- */

static void lower_unproven(struct xp_judge *j, const char *code, const char *why)
{
	xp_judge_lower(j, 30, code, XP_NONE,
		       j->ev->cancelled ? XP_OUTCOME_ABORTED : XP_OUTCOME_INDETERMINATE, "%s", why);
}

/* The areas hold all that the headers tell of, lie on the target, and none is counted twice. */
static bool areas_are_true(const struct xp_judge *j)
{
	for (size_t i = 0; i < j->volume_n; i++) {
		const struct xp_luks_volume *v = &j->volumes[i];
		uint64_t end;

		if (!v->area_bytes || v->area_bytes < xp_luks_area_needed(v) ||
		    v->area_bytes > v->room || __builtin_add_overflow(v->offset, v->room, &end) ||
		    end > j->id->capacity_bytes)
			return false;
		for (size_t k = 0; k < i; k++)
			if (v->offset < j->volumes[k].offset + j->volumes[k].area_bytes &&
			    j->volumes[k].offset < v->offset + v->area_bytes)
				return false;
	}
	return true;
}

static bool areas_were_read(const struct xp_judge *j, const struct xp_key_search *s)
{
	if (s->area_n != j->volume_n)
		return false;
	for (size_t i = 0; i < s->area_n; i++)
		if (s->areas[i].offset != j->volumes[i].offset ||
		    s->areas[i].len != j->volumes[i].area_bytes)
			return false;
	return true;
}

static bool is_unchanged(const struct xp_judge *j, const struct xp_key_search *s)
{
	for (size_t i = 0; i < s->area_n; i++)
		if (memcmp(s->areas[i].sha256, j->volumes[i].before_sha256,
			   sizeof(s->areas[i].sha256)) == 0)
			return true;
	return false;
}

/* A header without an UUID may be anybody's, and so may any header of a volume without one. */
static bool may_open(const struct xp_judge *j, const struct xp_key_copy *copy)
{
	for (size_t i = 0; i < j->volume_n; i++)
		if (!*copy->uuid || !*j->volumes[i].uuid ||
		    strcmp(copy->uuid, j->volumes[i].uuid) == 0)
			return true;
	return false;
}

static void judge_copies(struct xp_judge *j, const struct xp_key_search *s)
{
	if (s->copy_total > s->copy_n)
		lower_unproven(j, "copies-uncounted",
			       "more LUKS headers are left on the target than were looked at");
	for (size_t i = 0; i < s->copy_n; i++) {
		const struct xp_key_copy *copy = &s->copies[i];

		if (may_open(j, copy))
			xp_judge_lower(j, 30, "header-copy-left", XP_NONE, XP_OUTCOME_FAILED,
				       "a copy of the header stands at byte %llu of the target",
				       (unsigned long long)copy->offset);
		else
			xp_judge_note(
				j, 30, "other-volume",
				"the header of another LUKS volume (%.40s) stands at byte %llu; it "
				"was not destroyed",
				copy->uuid, (unsigned long long)copy->offset);
	}
}

static void judge_search(struct xp_judge *j, const struct xp_phase *p)
{
	const struct xp_key_search *s = &p->search;

	if (!areas_were_read(j, s))
		lower_unproven(j, "areas-unread",
			       "the readback did not read just the areas that held keys");
	else if (is_unchanged(j, s))
		xp_judge_lower(j, 30, "area-unchanged", XP_NONE, XP_OUTCOME_FAILED,
			       "an area that held keys reads as before");
	if (s->headers_left)
		xp_judge_lower(j, 30, "header-left", XP_NONE, XP_OUTCOME_FAILED,
			       "%llu LUKS headers are left in the areas that were overwritten",
			       (unsigned long long)s->headers_left);
	if (p->readback.read_errors.total_count || p->readback.read_errors.total_bytes)
		lower_unproven(j, "keys-unreadable",
			       "a part of the areas that held keys could not be read back");
	judge_copies(j, s);
	if (s->swap_found)
		xp_judge_note(j, 30, "swap-on-target",
			      "swap space or a hibernation image stands on the target and may hold "
			      "keys");
	if (!s->searched_all)
		xp_judge_note(
			j, 30, "searched-in-part",
			"%llu bytes of the rest of the target were searched for copies of the "
			"header, not all of it",
			(unsigned long long)s->searched_bytes);
}

void xp_rule_keys_run(struct xp_judge *j)
{
	if (j->technique != XP_LUKS_DESTROY)
		return;
	if (j->volume_n == 0) {
		lower_unproven(j, "volume-unknown",
			       "nothing tells which areas of the target held keys");
		return;
	}
	for (size_t i = 0; i < j->volume_n; i++)
		if (j->volumes[i].offset || j->volumes[i].room != j->id->capacity_bytes)
			lower_unproven(
				j, "volume-in-part",
				"the volumes are only parts of the target; of the rest nothing "
				"was erased by this");
	if (!areas_are_true(j))
		lower_unproven(j, "area-too-small",
			       "the areas do not hold all that the headers told of");
	if (j->erase->command.keys.copies_alive == XP_ANSWER_UNKNOWN)
		xp_judge_note(
			j, 30, "key-copies-unknown",
			"whether backups of the header or of its keys are alive is not known");
	if (j->erase->command.keys.plaintext_before == XP_ANSWER_YES)
		lower_unproven(
			j, "plaintext-before",
			"data was stored in plain text before it was encrypted; where it was "
			"not overwritten since, it can be read without a key");
	if (j->readback)
		judge_search(j, j->readback);
	else
		lower_unproven(j, "keys-not-read-back",
			       "the areas that held keys were not read back");
}
