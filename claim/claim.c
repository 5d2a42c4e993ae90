#include "claim/judge.h"
#include "claim/sample_plan.h"

#include "base/cleanup.h"
#include "device/protocol/ata_identify.h"
#include "device/protocol/nvme_identify.h"
#include "device/protocol/scsi_capacity.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* A job tries few techniques; older attempts than these can earn nothing. */
#define ATTEMPTS_MAX 16

/* Worse is higher: what a batch and a person must hear first. */
static unsigned badness(enum xp_outcome o)
{
	switch (o) {
	case XP_OUTCOME_SANITIZED:
		return 0;
	case XP_OUTCOME_SANITIZED_WITH_EXCEPTIONS:
		return 1;
	case XP_OUTCOME_ABORTED:
		return 2;
	case XP_OUTCOME_INDETERMINATE:
		return 3;
	case XP_OUTCOME_FAILED:
		break;
	}
	return 4;
}

/* A code is said once; past the last place the level still falls. */
__attribute__((format(printf, 4, 0))) static void
add_reason(struct xp_claim *c, unsigned rule, const char *code, const char *fmt, va_list ap)
{
	struct xp_reason *r;

	for (unsigned i = 0; i < c->reasons_n; i++) {
		if (strcmp(c->reasons[i].code, code) == 0)
			return;
	}
	if (c->reasons_n == XP_CLAIM_REASONS_MAX)
		return;
	r = &c->reasons[c->reasons_n++];
	r->rule = rule;
	snprintf(r->code, sizeof(r->code), "%s", code);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
}

void xp_judge_lower(struct xp_judge *j, unsigned rule, const char *code, enum xp_level level,
		    enum xp_outcome outcome, const char *fmt, ...)
{
	va_list ap;

	if (j->claim->level > level)
		j->claim->level = level;
	if (badness(outcome) > badness(j->claim->outcome))
		j->claim->outcome = outcome;
	va_start(ap, fmt);
	add_reason(j->claim, rule, code, fmt, ap);
	va_end(ap);
}

void xp_judge_narrow(struct xp_judge *j, unsigned rule, const char *code, enum xp_scope scope,
		     const char *fmt, ...)
{
	va_list ap;

	if (j->claim->scope > scope)
		j->claim->scope = scope;
	va_start(ap, fmt);
	add_reason(j->claim, rule, code, fmt, ap);
	va_end(ap);
}

void xp_judge_limit(struct xp_judge *j, unsigned rule, const char *code, enum xp_scope scope,
		    enum xp_level level, const char *fmt, ...)
{
	va_list ap;

	if (j->claim->scope > scope)
		j->claim->scope = scope;
	if (j->claim->level > level)
		j->claim->level = level;
	va_start(ap, fmt);
	add_reason(j->claim, rule, code, fmt, ap);
	va_end(ap);
}

void xp_judge_note(struct xp_judge *j, unsigned rule, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_reason(j->claim, rule, code, fmt, ap);
	va_end(ap);
}

void xp_judge_not_covered(struct xp_judge *j, const char *what)
{
	struct xp_claim *c = j->claim;

	if (c->not_covered_n < XP_ARRAY_LEN(c->not_covered))
		snprintf(c->not_covered[c->not_covered_n++], sizeof(c->not_covered[0]), "%s", what);
}

enum xp_outcome xp_judge_unfinished(const struct xp_judge *j)
{
	if (j->ev->cancelled)
		return XP_OUTCOME_ABORTED;
	for (size_t i = 0; i < j->ev->n; i++)
		if (j->ev->phases[i].stalled)
			return XP_OUTCOME_INDETERMINATE;
	return XP_OUTCOME_FAILED;
}

/* An answer that nobody can decode answers nothing. */
static bool is_answer(const struct xp_raw *raw)
{
	struct xp_ata_identify ata;
	struct xp_nvme_ctrl ctrl;
	struct xp_scsi_capacity capacity;

	if (raw->kind == XP_RAW_ATA_IDENTIFY)
		return xp_ata_identify_parse(&ata, raw->data, raw->len, NULL) == XP_OK;
	if (raw->kind == XP_RAW_NVME_ID_CTRL)
		return xp_nvme_ctrl_parse(&ctrl, raw->data, raw->len, NULL) == XP_OK;
	if (raw->kind == XP_RAW_SCSI_READ_CAPACITY)
		return xp_scsi_capacity_parse(&capacity, raw->data, raw->len, NULL) == XP_OK;
	return raw->len > 0;
}

bool xp_judge_has_raw(const struct xp_identity *id, enum xp_raw_kind kind)
{
	for (size_t i = 0; i < id->raw_n; i++) {
		if (id->raw[i].kind == kind && is_answer(&id->raw[i]))
			return true;
	}
	return false;
}

bool xp_judge_is_drive(const struct xp_identity *id)
{
	return id->media != XP_MEDIA_VIRTUAL;
}

bool xp_judge_is_crypto(enum xp_technique t)
{
	return t == XP_ATA_SANITIZE_CRYPTO || t == XP_SCSI_SANITIZE_CRYPTO ||
	       t == XP_NVME_SANITIZE_CRYPTO || t == XP_NVME_FORMAT_CRYPTO || t == XP_LUKS_DESTROY;
}

static enum xp_scope widest_scope(const struct xp_judge *j)
{
	if (j->technique == XP_FILE_OVERWRITE)
		return XP_SCOPE_FILE;
	if (j->id->partition)
		return XP_SCOPE_PARTITION;
	if (!xp_judge_is_drive(j->id) || j->technique == XP_LUKS_DESTROY)
		return XP_SCOPE_LOGICAL_UNIT;
	return XP_SCOPE_DRIVE;
}

/* Puts the claim at its cap, from where it only goes down. */
/* Nothing is claimed; behind the counts of the lists nothing stands that counts. */
static void clear(struct xp_claim *c)
{
	memset(c, 0, offsetof(struct xp_claim, reasons));
	c->not_covered_n = 0;
}

static void begin(struct xp_judge *j)
{
	struct xp_claim *c = j->claim;
	const char *statement;

	clear(c);
	c->technique = j->technique;
	c->outcome = XP_OUTCOME_SANITIZED;
	c->cap = xp_policy_cap_for(j->policy, j->technique, j->id, j->passes, &statement);
	c->level = c->cap;
	c->scope = widest_scope(j);
	if (statement)
		xp_judge_note(j, 0, "vendor-statement",
			      "the vendor statement %s of the policy gives %s for %s", statement,
			      xp_level_name(c->cap), xp_technique_name(j->technique));
	else if (c->cap == XP_NONE)
		xp_judge_lower(j, 0, "cap", XP_NONE, XP_OUTCOME_FAILED,
			       "the policy %s gives nothing for %s with %u passes on %s media",
			       xp_policy_name(j->policy), xp_technique_name(j->technique),
			       j->passes, xp_media_name(j->id->media));
	else if (c->cap < XP_PURGE)
		xp_judge_note(j, 0, "cap", "the policy %s gives %s at most for %s on %s media",
			      xp_policy_name(j->policy), xp_level_name(c->cap),
			      xp_technique_name(j->technique), xp_media_name(j->id->media));
}

static void list_not_covered(struct xp_judge *j)
{
	bool by_host = xp_technique_is_host_write(j->technique);

	if (j->id->partition)
		xp_judge_not_covered(j, "everything outside this partition");
	if (!xp_judge_is_drive(j->id)) {
		xp_judge_not_covered(j, "the storage below this logical unit, its snapshots and "
					"clones");
	} else {
		if (by_host)
			xp_judge_not_covered(j, j->id->media == XP_MEDIA_HDD
							? "reallocated sectors"
							: "spare, over-provisioned and remapped "
							  "blocks of the medium");
		xp_judge_not_covered(j, "drive logs, RPMB, boot partitions, shadow MBR and "
					"datastore, where the drive has them");
		xp_judge_not_covered(j, "caches of controllers and of the host");
	}
	if (j->technique == XP_FILE_OVERWRITE)
		xp_judge_not_covered(j,
				     "older versions of the file, its name and times in logs and "
				     "journals, and what programs copied from it");
	for (size_t i = 0; j->technique == XP_LUKS_DESTROY && i < j->volume_n; i++)
		if (j->volumes[i].hw_opal || j->volumes[i].hw_opal_only) {
			xp_judge_not_covered(
				j, "the key that the drive itself encrypts with (hw-opal): "
				   "only the drive can change it");
			break;
		}
	if (j->technique == XP_LUKS_DESTROY) {
		xp_judge_not_covered(j, "the encrypted data, which stays where it is");
		xp_judge_not_covered(
			j, "copies of the headers and keys: header backups, snapshots, key "
			   "escrow");
		xp_judge_not_covered(j,
				     "keys in the memory of hosts, in swap space and hibernation "
				     "images");
	}
	xp_judge_not_covered(j, "backups and other copies of the data");
}

static void apply(struct xp_judge *j, const struct xp_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		rules[i].apply(j);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * What was asked again after hidden areas were opened, or after the erase, counts: a drive that is
 * sanitizing, or whose last sanitize failed, cannot be asked before. Nothing gets smaller by it.
 */
static struct xp_capacity_facts known_capacity(const struct xp_evidence *ev)
{
	struct xp_capacity_facts c = ev->capacity;
	const struct xp_capacity_facts *after = &ev->capacity_after;

	for (size_t i = 0; i < ev->changes_n; i++) {
		if (!ev->changes[i].restored || ev->changes[i].from != c.current)
			continue;
		c.current = ev->changes[i].to;
		c.restored = true;
	}
	if (!ev->capacity_after_given || !after->hidden_areas_known)
		return c;
	c.current = after->current;
	c.native = larger(c.native, after->native);
	c.factory = larger(c.factory, after->factory);
	c.hidden_areas_apply = c.hidden_areas_apply || after->hidden_areas_apply;
	c.hidden_areas_known = true;
	c.restored = c.restored || after->restored;
	return c;
}

/* ERASE is the last erase phase of the attempt; the readback is the last one of it behind that. */
static void judge_attempt(struct xp_claim *out, const struct xp_evidence *ev,
			  const struct xp_policy *policy, const struct xp_phase *erase,
			  struct xp_sample_memo *samples)
{
	const struct xp_capacity_facts capacity = known_capacity(ev);
	struct xp_judge j = {
		.claim = out,
		.policy = policy,
		.samples = samples,
		.id = &erase->identity,
		.capacity = &capacity,
		.technique = erase->technique,
		.passes = erase->overwrite.passes,
		.ev = ev,
		.attempt = erase->attempt,
		.erase = erase,
	};

	const struct xp_phase *looked = xp_evidence_volumes(ev, erase);

	const struct xp_phase *file = xp_evidence_file(ev, erase);

	if (file && erase->technique == XP_FILE_OVERWRITE)
		j.file = &file->file;
	if (looked && erase->technique == XP_LUKS_DESTROY) {
		j.volumes = looked->volumes;
		j.volume_n = looked->volume_n;
	}
	for (const struct xp_phase *p = erase; p < ev->phases + ev->n; p++) {
		if (p->kind == XP_PHASE_READBACK && p->attempt == erase->attempt)
			j.readback = p;
	}
	begin(&j);
	apply(&j, xp_rules_target, xp_rules_target_n);
	apply(&j, xp_rules_run, xp_rules_run_n);
	list_not_covered(&j);
}

/* A look at the target is of no technique, and a record names none for it. */
static enum xp_technique begun_technique(const struct xp_evidence *ev)
{
	for (size_t i = ev->n; i > 0; i--)
		if (ev->phases[i - 1].kind != XP_PHASE_IDENTIFY)
			return ev->phases[i - 1].technique;
	return XP_OVERWRITE_ZERO;
}

/* Nothing was erased: what was identified last is all there is to say. */
static void judge_nothing(struct xp_claim *out, const struct xp_evidence *ev,
			  const struct xp_policy *policy)
{
	static const struct xp_identity nobody = {.media = XP_MEDIA_UNKNOWN};
	struct xp_judge j = {
		.claim = out,
		.policy = policy,
		.capacity = &ev->capacity,
		.ev = ev,
		.id = ev->n ? &ev->phases[ev->n - 1].identity : &nobody,
		.technique = begun_technique(ev),
	};

	clear(out);
	out->technique = j.technique;
	out->scope = widest_scope(&j);
	xp_judge_lower(&j, 9, "nothing-erased", XP_NONE, xp_judge_unfinished(&j),
		       "no erase was begun");
	list_not_covered(&j);
}

/* The last erase phase of each attempt, the last attempt first. */
static unsigned list_attempts(const struct xp_phase *last[ATTEMPTS_MAX],
			      const struct xp_evidence *ev)
{
	unsigned n = 0;

	for (size_t i = ev->n; i > 0 && n < ATTEMPTS_MAX; i--) {
		const struct xp_phase *p = &ev->phases[i - 1];
		bool known = false;

		if (p->kind != XP_PHASE_ERASE)
			continue;
		for (unsigned k = 0; k < n; k++)
			known = known || last[k]->attempt == p->attempt;
		if (!known)
			last[n++] = p;
	}
	return n;
}

void xp_claim_compute_with(struct xp_claim *out, const struct xp_evidence *ev,
			   const struct xp_policy *policy, struct xp_sample_memo *memo)
{
	const struct xp_phase *last[ATTEMPTS_MAX];
	unsigned n = list_attempts(last, ev);
	struct xp_claim earlier;

	if (n == 0) {
		judge_nothing(out, ev, policy);
		return;
	}
	judge_attempt(out, ev, policy, last[0], memo);
	for (unsigned i = 1; i < n; i++) {
		judge_attempt(&earlier, ev, policy, last[i], memo);
		if (earlier.level > out->level)
			*out = earlier;
	}
}

void xp_claim_compute(struct xp_claim *out, const struct xp_evidence *ev,
		      const struct xp_policy *policy)
{
	struct xp_sample_memo memo = {0};

	xp_claim_compute_with(out, ev, policy, &memo);
}

static void judge_expected(struct xp_judge *j)
{
	begin(j);
	apply(j, xp_rules_target, xp_rules_target_n);
	list_not_covered(j);
}

void xp_claim_expect_with(struct xp_claim *out, const struct xp_identity *id,
			  const struct xp_capacity_facts *capacity, enum xp_technique technique,
			  unsigned passes, const struct xp_policy *policy)
{
	struct xp_judge j = {
		.claim = out,
		.policy = policy,
		.id = id,
		.capacity = capacity,
		.technique = technique,
		.passes = passes,
	};

	judge_expected(&j);
}

void xp_claim_expect_luks(struct xp_claim *out, const struct xp_identity *id,
			  const struct xp_capacity_facts *capacity,
			  const struct xp_luks_volume *volumes, size_t n,
			  const struct xp_policy *policy)
{
	struct xp_judge j = {
		.claim = out,
		.policy = policy,
		.id = id,
		.capacity = capacity,
		.technique = XP_LUKS_DESTROY,
		.passes = 1,
		.volumes = volumes,
		.volume_n = n,
	};

	judge_expected(&j);
}

void xp_claim_expect_file(struct xp_claim *out, const struct xp_identity *id,
			  const struct xp_capacity_facts *capacity,
			  const struct xp_file_facts *file, const struct xp_policy *policy)
{
	struct xp_judge j = {
		.claim = out,
		.policy = policy,
		.id = id,
		.capacity = capacity,
		.technique = XP_FILE_OVERWRITE,
		.passes = 1,
		.file = file,
	};

	judge_expected(&j);
}

void xp_claim_expect(struct xp_claim *out, const struct xp_identity *id,
		     enum xp_technique technique, unsigned passes, const struct xp_policy *policy)
{
	const struct xp_capacity_facts capacity = {
		.current = id->capacity_bytes,
		.hidden_areas_apply = xp_judge_is_drive(id),
	};

	xp_claim_expect_with(out, id, &capacity, technique, passes, policy);
}

/* Was everything done, and nothing but the file's place is in doubt (rule 31)? */
static bool only_place_is_unknown(const struct xp_claim *c)
{
	bool in_doubt = false;

	if (c->technique != XP_FILE_OVERWRITE)
		return false;
	for (unsigned i = 0; i < c->reasons_n; i++) {
		const struct xp_reason *r = &c->reasons[i];

		if (r->rule == 31 && strcmp(r->code, "place-unknown") == 0)
			in_doubt = true;
		else if (r->rule != 0 && r->rule != 15 && r->rule != 22 && r->rule != 31 &&
			 strcmp(r->code, "resumed") != 0 && strcmp(r->code, "not-read-back") != 0)
			return false;
	}
	return in_doubt;
}

int xp_claim_exit_code(const struct xp_claim *claim, enum xp_level asked, enum xp_level accepted)
{
	switch (claim->outcome) {
	case XP_OUTCOME_FAILED:
		return 1;
	case XP_OUTCOME_INDETERMINATE:
		return only_place_is_unknown(claim) ? 3 : 2;
	case XP_OUTCOME_ABORTED:
		return 5;
	case XP_OUTCOME_SANITIZED:
	case XP_OUTCOME_SANITIZED_WITH_EXCEPTIONS:
		break;
	}
	if (claim->level == XP_NONE)
		return 1;
	if (claim->level >= asked || (accepted != XP_NONE && claim->level >= accepted))
		return 0;
	return 3;
}
