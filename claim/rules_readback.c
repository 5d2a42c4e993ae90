/* Rules about the readback: that it is there, and that its figures can be true. */
#include "claim/judge.h"

#include "base/span.h"
#include "claim/sample_plan.h"

#define PPM 1000000

static void lower_missing(struct xp_judge *j, const char *code, const char *why)
{
	xp_judge_lower(j, 24, code, XP_NONE,
		       j->ev->cancelled ? XP_OUTCOME_ABORTED : XP_OUTCOME_INDETERMINATE, "%s", why);
}

static bool is_past_the_cache(const struct xp_phase *p)
{
	return !xp_judge_is_drive(&p->identity) || p->readback.how.direct ||
	       p->readback.how.backend == XP_IO_SG;
}

/* The figures of a sample of N extents by the scheme of R, on its target. */
static enum xp_rc figures(struct xp_sample_plan *out, const struct xp_judge *j,
			  const struct xp_readback_result *r, uint64_t n)
{
	const struct xp_sample_wish wish = {
		.scheme = r->scheme,
		.n = n,
		.capacity_bytes = j->readback->identity.capacity_bytes,
		.logical_block_bytes = j->readback->identity.logical_block_bytes,
		.seed = r->seed,
	};

	return xp_sample_plan_figures(out, &wish, j->samples, NULL);
}

/* The sample that the policy asks for plans more bytes, or other ones. */
static bool sample_is_weaker(const struct xp_judge *j, const struct xp_readback_result *r)
{
	const struct xp_identity *id = &j->readback->identity;
	struct xp_sample_plan asked;

	/* who reads everything has sampled enough, by any scheme */
	if (r->mode == XP_READBACK_FULL || r->bytes_planned >= id->capacity_bytes)
		return false;
	if (r->scheme != xp_policy_sample_scheme(j->policy))
		return true;
	/* scheme r1 leaves no choice of size; rule 25 computes its figures */
	if (r->scheme == XP_SAMPLE_R1)
		return false;
	return figures(&asked, j, r, xp_policy_sample_n(j->policy)) != XP_OK ||
	       r->bytes_planned < asked.bytes;
}

/* Stopped in the middle, or the target fell silent: its figures are those of a part. */
static bool is_unfinished(const struct xp_judge *j)
{
	return j->readback && (j->readback->stalled ||
			       (j->ev->cancelled && j->readback == &j->ev->phases[j->ev->n - 1]));
}

/* 24: the policy asks for a readback, and there is none that is as good. */
void xp_rule_readback_missing(struct xp_judge *j)
{
	const struct xp_readback_result *r = j->readback ? &j->readback->readback : NULL;
	enum xp_readback_mode asked = xp_policy_readback(j->policy);

	if (is_unfinished(j)) {
		lower_missing(j, "readback-unfinished",
			      j->readback->stalled ? "the target stopped to answer in the readback"
						   : "the readback was stopped before its end");
		return;
	}
	if (asked == XP_READBACK_NONE) {
		if (!r)
			xp_judge_note(j, 24, "not-read-back",
				      "nothing was read back; the policy does not ask for it");
		return;
	}
	if (!r || r->mode == XP_READBACK_NONE)
		lower_missing(j, "readback-missing",
			      "the policy asks for a readback after the "
			      "erase, and there is none");
	else if (r->mode < asked || (asked == XP_READBACK_SAMPLE && sample_is_weaker(j, r)))
		lower_missing(j, "readback-weaker",
			      "the readback is weaker than the policy asks for");
}

static void lower_false(struct xp_judge *j, const char *code, const char *why)
{
	xp_judge_lower(j, 25, code, XP_NONE,
		       j->ev->cancelled ? XP_OUTCOME_ABORTED : XP_OUTCOME_INDETERMINATE, "%s", why);
}

static uint64_t ppm_of(uint64_t bytes, uint64_t capacity)
{
	return capacity ? (uint64_t)((unsigned __int128)bytes * PPM / capacity) : 0;
}

static uint64_t planned_extents(const struct xp_readback_result *r, uint64_t capacity,
				const struct xp_sample_plan *one)
{
	uint64_t n;

	if (r->bytes_planned >= capacity || r->bytes_planned < one->always_bytes)
		return XP_SAMPLE_MAX_N;
	n = (r->bytes_planned - one->always_bytes) / one->unit_bytes;
	return n < 1 ? 1 : n < XP_SAMPLE_MAX_N ? n : XP_SAMPLE_MAX_N;
}

/*
 * The places follow from the seed: their number and bytes are computed again. Extents that could
 * not be read to their end are taken from n.
 */
static bool sample_is_true(const struct xp_judge *j, const struct xp_readback_result *r)
{
	const struct xp_identity *id = &j->readback->identity;
	bool all_read = r->read_errors.total_bytes == 0;
	struct xp_sample_plan plan;

	if (xp_mem_is_filled(r->seed, 0, sizeof(r->seed)) || figures(&plan, j, r, 1) != XP_OK)
		return false;
	if (r->scheme == XP_SAMPLE_SCATTERED &&
	    figures(&plan, j, r, planned_extents(r, id->capacity_bytes, &plan)) != XP_OK)
		return false;
	return r->always_extents == plan.always && r->bytes_planned == plan.bytes &&
	       (all_read ? r->extents == plan.independent : r->extents <= plan.independent);
}

static void check_delivered(struct xp_judge *j, const struct xp_readback_result *r)
{
	uint64_t capacity = j->readback->identity.capacity_bytes;
	uint64_t errors = r->read_errors.total_bytes;

	if (r->bytes_delivered > r->bytes_planned ||
	    r->bytes_planned - r->bytes_delivered > errors || errors > r->bytes_planned)
		lower_false(j, "readback-undelivered",
			    "the target did not deliver the bytes that the readback planned");
	if (r->coverage_ppm > ppm_of(r->bytes_delivered, capacity))
		lower_false(j, "coverage-too-high",
			    "the coverage is more than the bytes delivered can be");
}

/* 25: the figures of the readback fit each other, its scheme and what was written. */
void xp_rule_readback_contradicts(struct xp_judge *j)
{
	const struct xp_readback_result *r = j->readback ? &j->readback->readback : NULL;

	if (!r || is_unfinished(j))
		return;
	if (r->mode == XP_READBACK_NONE)
		lower_false(j, "readback-without-mode", "a readback that read nothing");
	if (r->mode == XP_READBACK_FULL &&
	    r->bytes_planned != xp_evidence_goal_bytes(j->ev, j->readback))
		lower_false(j, "readback-not-full",
			    "a full readback that did not plan to read every byte");
	if (r->mode == XP_READBACK_SAMPLE && !sample_is_true(j, r))
		lower_false(j, "sample-contradicts",
			    "the sample's figures do not follow from its scheme and seed");
	check_delivered(j, r);
	if (xp_technique_is_host_write(j->technique) &&
	    !xp_content_same(&r->expected, &j->erase->overwrite.content))
		lower_false(j, "expectation-differs",
			    "the readback expected something else than was written");
	if (!is_past_the_cache(j->readback))
		lower_false(j, "read-from-cache",
			    "the readback went through the host's page cache");
}
