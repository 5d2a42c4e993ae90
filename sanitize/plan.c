#include "sanitize/plan_parts.h"

#include "base/cleanup.h"
#include "sanitize/capabilities.h"

#include <string.h>

void xp_plan_free(struct xp_plan *p)
{
	for (size_t i = 0; p->blast_radius && i < p->blast_radius_n; i++)
		free(p->blast_radius[i]);
	free(p->blast_radius);
	xp_refusals_free(&p->refusals);
	memset(p, 0, sizeof(*p));
}

/* Estimates for planning only: bytes a second that media of this kind bear for hours. */
static uint64_t write_rate(enum xp_media m)
{
	switch (m) {
	case XP_MEDIA_HDD:
	case XP_MEDIA_HYBRID:
		return 150000000;
	case XP_MEDIA_SSD:
		return 400000000;
	case XP_MEDIA_USB_FLASH:
		return 20000000;
	case XP_MEDIA_VIRTUAL:
		return 500000000;
	case XP_MEDIA_UNKNOWN:
		break;
	}
	return 100000000;
}

void xp_capabilities_host(struct xp_capabilities *out, const struct xp_target *target)
{
	const struct xp_identity *id = &target->identity;
	uint64_t rate = write_rate(id->media);
	uint64_t seconds = id->capacity_bytes / rate + 1;

	*out = (struct xp_capabilities){
		.list = {{XP_OVERWRITE_ZERO, seconds},
			 {XP_OVERWRITE_RANDOM, seconds},
			 {XP_OVERWRITE_PATTERN, seconds}},
		.n = 3,
		.read_bytes_per_s = rate + rate / 4,
		.capacity = {.current = id->capacity_bytes,
			     .hidden_areas_apply = id->media != XP_MEDIA_VIRTUAL},
	};
}

void xp_capabilities_luks(struct xp_capabilities *out, const struct xp_luks_volumes *luks,
			  const struct xp_target *target)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < luks->n; i++)
		bytes += luks->list[i].area_bytes;
	if (luks->n)
		xp_capabilities_add(out, XP_LUKS_DESTROY,
				    bytes / write_rate(target->identity.media) + 1);
}

void xp_capabilities_file(struct xp_capabilities *out, const struct xp_file_facts *file,
			  const struct xp_target *target)
{
	const struct xp_identity *id = &target->identity;

	if (file && target->kind == XP_TARGET_IMAGE)
		xp_capabilities_add(out, XP_FILE_OVERWRITE,
				    id->capacity_bytes / write_rate(id->media) + 1);
}

static const struct xp_capability *capability(const struct xp_plan_request *req,
					      enum xp_technique t)
{
	for (unsigned i = 0; i < req->capabilities->n; i++) {
		if (req->capabilities->list[i].technique == t)
			return &req->capabilities->list[i];
	}
	return NULL;
}

static const struct xp_obstacle *obstacle(const struct xp_plan_request *req, enum xp_technique t)
{
	for (unsigned i = 0; i < req->capabilities->obstacles_n; i++) {
		if (req->capabilities->obstacles[i].technique == t)
			return &req->capabilities->obstacles[i];
	}
	return NULL;
}

static unsigned passes_of(const struct xp_plan_request *req, enum xp_technique t)
{
	if (xp_technique_is_host_overwrite(t))
		return xp_policy_overwrite_passes(req->policy, req->target->identity.media);
	return xp_technique_is_host_write(t) ? 1 : 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

bool xp_capabilities_hide(const struct xp_capabilities *c)
{
	return c->capacity.hidden_areas_known &&
	       larger(c->capacity.native, c->capacity.factory) > c->capacity.current;
}

bool xp_plan_drive_is_at_it(const struct xp_plan_request *req)
{
	const struct xp_drive_facts *f = req->facts;

	return f && f->is_ata && f->ata.sanitize_status == XP_ASKED_GOOD &&
	       (f->ata.sanitize.state == XP_ATA_SANITIZE_FAILED ||
		f->ata.sanitize.state == XP_ATA_SANITIZE_RUNNING);
}

static bool is_ata_sanitize(enum xp_technique t)
{
	return t == XP_ATA_SANITIZE_CRYPTO || t == XP_ATA_SANITIZE_BLOCK ||
	       t == XP_ATA_SANITIZE_OVERWRITE;
}

static void expect(struct xp_claim *out, const struct xp_plan_request *req, enum xp_technique t)
{
	struct xp_capacity_facts capacity = req->capabilities->capacity;

	/* it will be given back before the job begins, or the drive refuses, and the claim falls */
	if (xp_policy_restores_hidden(req->policy) && xp_capabilities_hide(req->capabilities))
		capacity.current = larger(capacity.native, capacity.factory);
	/* it gives no answer now; a sanitize covers what it hides, and it is asked behind that */
	if (is_ata_sanitize(t) && capacity.hidden_areas_apply && !capacity.hidden_areas_known &&
	    xp_plan_drive_is_at_it(req)) {
		capacity.hidden_areas_known = true;
		capacity.native = capacity.factory = capacity.current;
	}
	if (xp_policy_restores_hidden(req->policy) && req->capabilities->restores_reduced) {
		capacity.hidden_areas_known = true;
		capacity.native = capacity.factory = capacity.current;
	}
	if (t == XP_LUKS_DESTROY && req->luks) {
		xp_claim_expect_luks(out, &req->target->identity, &capacity, req->luks->list,
				     req->luks->n, req->policy);
		return;
	}
	if (t == XP_FILE_OVERWRITE && req->file) {
		xp_claim_expect_file(out, &req->target->identity, &capacity, req->file,
				     req->policy);
		return;
	}
	xp_claim_expect_with(out, &req->target->identity, &capacity, t, passes_of(req, t),
			     req->policy);
}

/* Does --pattern say what the technique writes? */
static bool takes_pattern(enum xp_technique t)
{
	return t == XP_OVERWRITE_PATTERN || xp_technique_is_sanitize_overwrite(t);
}

static enum xp_rc check_pattern(const struct xp_plan_request *req, struct xp_err *err)
{
	bool can = req->has_technique && takes_pattern(req->technique);
	bool must = req->has_technique && req->technique == XP_OVERWRITE_PATTERN;

	if ((must && req->pattern_len == 0) || (!can && req->pattern_len > 0))
		return xp_fail(err, XP_E_USAGE,
			       "a pattern and the technique overwrite-pattern need each other; "
			       "a drive's own overwrite may have one");
	if (req->pattern_len > XP_PATTERN_MAX)
		return xp_fail(err, XP_E_USAGE, "the pattern is longer than %d bytes",
			       XP_PATTERN_MAX);
	if (!must && req->pattern_len > 0 && req->pattern_len != 1 &&
	    req->pattern_len != XP_SANITIZE_PATTERN_LEN)
		return xp_fail(err, XP_E_USAGE,
			       "the drive's own overwrite takes a pattern of 1 or 4 bytes");
	return XP_OK;
}

static enum xp_rc check_request(const struct xp_plan *p, const struct xp_plan_request *req,
				struct xp_err *err)
{
	if (p->asked == XP_NONE || p->accepted == XP_NONE)
		return xp_fail(err, XP_E_USAGE, "the level can be clear or purge");
	if (p->accepted > p->asked)
		return xp_fail(err, XP_E_USAGE, "the accepted level %s is above the asked level %s",
			       xp_level_name(p->accepted), xp_level_name(p->asked));
	return check_pattern(req, err);
}

static enum xp_rc copy_refusals(struct xp_plan *p, const struct xp_refusals *from,
				struct xp_err *err)
{
	for (size_t i = 0; from && i < from->n; i++)
		TRY(xp_refusals_add(&p->refusals, err, from->list[i].code, from->list[i].remedy,
				    "%s", from->list[i].message));
	return XP_OK;
}

/* p->expected, a claim of none, says by its reasons why. */
static void say_earns_nothing(struct xp_plan *p, enum xp_technique t)
{
	const struct xp_claim *c = &p->expected;
	const char *why = "";

	/* of luks-destroy the headers themselves say why */
	for (unsigned i = 0; i < c->reasons_n; i++)
		if (c->reasons[i].rule == 30 && !*why)
			why = c->reasons[i].text;
	snprintf(p->message, sizeof(p->message), "%s earns nothing here%s%.180s",
		 xp_technique_name(t), *why ? ": " : "", why);
}

/* Can it be chosen without having been asked for by name? */
static bool is_candidate(const struct xp_plan_request *req, enum xp_technique t)
{
	return t != XP_OVERWRITE_PATTERN && capability(req, t);
}

/*
 * The first of the policy's preference that reaches the asked level; else the first of those that
 * reach most. Its claim is left in p->expected.
 */
static void choose(struct xp_plan *p, const struct xp_plan_request *req)
{
	unsigned n;
	const enum xp_technique *preference = xp_policy_preference(req->policy, &n);
	enum xp_level best = XP_NONE;

	for (unsigned i = 0; i < n && best < p->asked; i++) {
		if (!is_candidate(req, preference[i]))
			continue;
		expect(&p->expected, req, preference[i]);
		if (p->expected.level > best) {
			best = p->expected.level;
			p->technique = preference[i];
			p->has_technique = true;
		} else if (!p->has_technique && !p->message[0]) {
			say_earns_nothing(p, preference[i]);
		}
	}
	if (p->has_technique) {
		p->message[0] = 0;
		expect(&p->expected, req, p->technique);
	}
}

/* What the drive has and cannot do as things stand is a refusal, not a lack. */
static enum xp_rc choose_by_name(struct xp_plan *p, const struct xp_plan_request *req,
				 struct xp_err *err)
{
	const struct xp_obstacle *o = obstacle(req, req->technique);

	if (!capability(req, req->technique) && req->technique == XP_LUKS_DESTROY) {
		snprintf(p->message, sizeof(p->message),
			 "%.100s: no LUKS header was found; what may hold one is to be overwritten "
			 "whole",
			 req->target->path);
		return XP_OK;
	}
	if (!capability(req, req->technique)) {
		if (o)
			return xp_refusals_add(&p->refusals, err, o->code, o->remedy, "%s: %s",
					       req->target->path, o->why);
		snprintf(p->message, sizeof(p->message), "%s is not supported on %.100s",
			 xp_technique_name(req->technique), req->target->path);
		return XP_OK;
	}
	expect(&p->expected, req, req->technique);
	/* a file whose place is in doubt is overwritten all the same: it does no harm, and says so
	 */
	if (p->expected.level == XP_NONE && req->technique != XP_FILE_OVERWRITE) {
		say_earns_nothing(p, req->technique);
		return XP_OK;
	}
	p->technique = req->technique;
	p->has_technique = true;
	return XP_OK;
}

/* Says which obstacle kept a better technique away, where the chosen one reaches less than asked.
 */
static enum xp_rc say_what_stood_in_the_way(struct xp_plan *p, const struct xp_plan_request *req,
					    struct xp_err *err)
{
	AUTO_MEM struct xp_claim *claim = NULL;
	unsigned n;
	const enum xp_technique *preference = xp_policy_preference(req->policy, &n);
	enum xp_level reached = p->has_technique ? p->expected.level : XP_NONE;
	size_t len = strlen(p->message);

	if (req->has_technique || !len || req->capabilities->obstacles_n == 0 || p->refusals.n)
		return XP_OK;
	claim = malloc(sizeof(*claim));
	if (!claim)
		return xp_fail(err, XP_E_NOMEM, "a plan");
	for (unsigned i = 0; i < n; i++) {
		const struct xp_obstacle *o = obstacle(req, preference[i]);

		if (!o)
			continue;
		expect(claim, req, preference[i]);
		if (claim->level <= reached)
			continue;
		snprintf(p->message + len, sizeof(p->message) - len, "; %s would reach %s: %s",
			 xp_technique_name(preference[i]), xp_level_name(claim->level), o->why);
		return XP_OK;
	}
	return XP_OK;
}

static bool lower_is_forbidden(const struct xp_plan_request *req)
{
	return req->no_fallback || !xp_policy_fallback_lower(req->policy);
}

/* What is tried when the technique fails, in order. One host overwrite does not mend another. */
static enum xp_rc list_fallbacks(struct xp_plan *p, const struct xp_plan_request *req,
				 struct xp_err *err)
{
	AUTO_MEM struct xp_claim *claim = NULL;
	unsigned n;
	const enum xp_technique *preference = xp_policy_preference(req->policy, &n);
	bool behind = false;

	if (req->has_technique || req->no_fallback || !xp_policy_fallback(req->policy))
		return XP_OK;
	claim = malloc(sizeof(*claim));
	if (!claim)
		return xp_fail(err, XP_E_NOMEM, "a plan");
	for (unsigned i = 0; i < n; i++) {
		enum xp_technique t = preference[i];

		if (t == p->technique) {
			behind = true;
			continue;
		}
		if (!behind || !is_candidate(req, t) ||
		    (xp_technique_is_host_overwrite(t) &&
		     xp_technique_is_host_overwrite(p->technique)))
			continue;
		expect(claim, req, t);
		if (claim->level > XP_NONE &&
		    (claim->level >= p->accepted || !lower_is_forbidden(req)))
			p->fallbacks[p->fallbacks_n++] = t;
	}
	return XP_OK;
}

/*
 * Where less is forbidden there is no technique at all: nobody can carry out by oversight what is
 * not allowed.
 */
static void forbid_less(struct xp_plan *p, const struct xp_plan_request *req)
{
	if (!p->has_technique || p->expected.level >= p->accepted || !lower_is_forbidden(req))
		return;
	p->has_technique = false;
	p->exit_code = XP_PLAN_EXIT_REFUSED;
	snprintf(p->message, sizeof(p->message),
		 "%s is asked for, %s is the most that %s reaches here, and less is not allowed",
		 xp_level_name(p->asked), xp_level_name(p->expected.level),
		 xp_technique_name(p->technique));
}

static const char *reason_for_none(const struct xp_claim *c)
{
	for (unsigned i = 0; i < c->reasons_n; i++)
		if (c->reasons[i].rule == 31)
			return c->reasons[i].text;
	return "it earns nothing here";
}

static void decide_exit(struct xp_plan *p, const struct xp_plan_request *req)
{
	enum xp_level level = p->expected.level;

	if (p->refusals.n) {
		p->exit_code = XP_PLAN_EXIT_REFUSED;
		snprintf(p->message, sizeof(p->message), "%.250s", p->refusals.list[0].message);
	} else if (!p->has_technique) {
		p->exit_code = p->exit_code ? p->exit_code : 69;
		if (!p->message[0])
			snprintf(p->message, sizeof(p->message),
				 "no technique of the policy %s can be carried out on %.100s",
				 xp_policy_name(req->policy), req->target->path);
	} else if (level == XP_NONE) {
		p->exit_code = 3;
		snprintf(p->message, sizeof(p->message), "no level can be claimed: %.220s",
			 reason_for_none(&p->expected));
	} else if (level < p->accepted) {
		p->exit_code = 3;
		snprintf(p->message, sizeof(p->message),
			 "%s is asked for, %s is the most that %s reaches here",
			 xp_level_name(p->asked), xp_level_name(level),
			 xp_technique_name(p->technique));
	}
}

static const char *reason_of_choice(const struct xp_plan *p, const struct xp_plan_request *req)
{
	if (req->is_taken_up)
		return "as the job was begun with";
	if (req->has_technique)
		return "asked for by name";
	if (p->expected.level >= p->asked)
		return "the first in the policy's order that reaches the asked level";
	return "nothing here reaches the asked level; this reaches most";
}

/*
 * Keys go in seconds and take all they encrypt with them, whatever becomes of the erase behind. A
 * pattern cannot be taken up after another technique.
 */
static void destroy_keys_first(struct xp_plan *p, const struct xp_plan_request *req)
{
	if (!req->luks || req->luks->n == 0 || p->technique == XP_LUKS_DESTROY ||
	    p->technique == XP_FILE_OVERWRITE || p->technique == XP_OVERWRITE_PATTERN)
		return;
	p->luks = *req->luks;
	p->keys_first = true;
}

enum xp_rc xp_plan_make(struct xp_plan *out, const struct xp_plan_request *req, struct xp_err *err)
{
	memset(out, 0, sizeof(*out));
	out->asked = req->has_level ? req->level : xp_policy_level(req->policy);
	out->accepted = req->has_accept ? req->accept : out->asked;
	TRY(check_request(out, req, err));
	TRY(copy_refusals(out, req->refusals, err));
	if (req->has_technique)
		TRY(choose_by_name(out, req, err));
	else
		choose(out, req);
	forbid_less(out, req);
	if (out->has_technique) {
		out->passes = passes_of(req, out->technique);
		if (out->technique == XP_LUKS_DESTROY && req->luks)
			out->luks = *req->luks;
		destroy_keys_first(out, req);
		xp_plan_fill_contents(out, req);
		xp_plan_fill_overwrite(out, req);
		TRY(xp_plan_fill_verification(out, req, err));
		xp_plan_fill_steps(out, req, reason_of_choice(out, req));
		TRY(list_fallbacks(out, req, err));
		out->reaches_all = xp_plan_reach(out, req);
	}
	TRY(xp_plan_describe_blast(out, req, err));
	decide_exit(out, req);
	TRY(say_what_stood_in_the_way(out, req, err));
	/* whoever is refused hears a code */
	if (out->exit_code != XP_PLAN_EXIT_REFUSED || out->refusals.n)
		return XP_OK;
	return xp_refusals_add(
		&out->refusals, err, XP_REFUSED_LEVEL_UNREACHABLE,
		"accept less (--accept clear, without --no-fallback), or destroy the "
		"medium",
		"%s: %s", req->target->path, out->message);
}
