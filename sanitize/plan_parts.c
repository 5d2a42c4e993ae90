#include "sanitize/plan_parts.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "claim/sample_plan.h"
#include "device/luks_close.h"

#include <stdarg.h>
#include <string.h>

/* A seek and a turn of a disk, for the time that scattered reads take. */
#define HDD_READS_PER_S 100

enum xp_rc xp_plan_blast(struct xp_plan *p, struct xp_err *err, const char *fmt, ...)
{
	char **list = reallocarray(p->blast_radius, p->blast_radius_n + 1, sizeof(*list));
	char *text = NULL;
	va_list ap;
	int n;

	if (!list)
		return xp_fail(err, XP_E_NOMEM, "a plan");
	p->blast_radius = list;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return xp_fail(err, XP_E_NOMEM, "a plan");
	list[p->blast_radius_n++] = text;
	return XP_OK;
}

static const char *or_unavailable(const char *s)
{
	return s[0] ? s : "unavailable";
}

static enum xp_rc blast_target(struct xp_plan *p, const struct xp_target *t, struct xp_err *err)
{
	const struct xp_identity *id = &t->identity;
	unsigned long long bytes = id->capacity_bytes;

	switch (t->kind) {
	case XP_TARGET_IMAGE:
		if (p->technique == XP_FILE_OVERWRITE && p->has_technique)
			return xp_plan_blast(p, err,
					     "%s: all %llu bytes of this file, under every name "
					     "that it has, and this name",
					     t->path, bytes);
		return xp_plan_blast(p, err, "%s: all %llu bytes of this file", t->path, bytes);
	case XP_TARGET_PARTITION:
		return xp_plan_blast(
			p, err, "/dev/%s: partition %llu of /dev/%s, %llu bytes from byte %llu on",
			t->node, (unsigned long long)id->partition, t->disk, bytes,
			(unsigned long long)id->partition_start);
	case XP_TARGET_DISK:
		break;
	}
	/* the drive of a transcript has no node */
	return xp_plan_blast(p, err, "%s%s: the whole disk, %llu bytes, model %s, serial %s",
			     *t->node ? "/dev/" : "", *t->node ? t->node : t->path, bytes,
			     or_unavailable(id->model), or_unavailable(id->serial));
}

/* What is lost with the keys is lost for good, though its bytes stay. */
static enum xp_rc blast_luks(struct xp_plan *p, const struct xp_target *t, struct xp_err *err)
{
	for (size_t i = 0; i < p->luks.n; i++) {
		const struct xp_luks_volume *v = &p->luks.list[i];

		TRY(xp_plan_blast(
			p, err,
			"%s: all keys of the LUKS%u volume %s (%u key slots, %u tokens): %llu "
			"bytes from byte %llu on are overwritten; what they encrypt stays, "
			"unreadable",
			t->path, v->version, or_unavailable(v->uuid), v->slots, v->tokens,
			(unsigned long long)v->area_bytes, (unsigned long long)v->offset));
	}
	return XP_OK;
}

enum xp_rc xp_plan_describe_blast(struct xp_plan *p, const struct xp_plan_request *req,
				  struct xp_err *err)
{
	const struct xp_target *t = req->target;
	const char *line = t->signatures;

	if (p->technique != XP_LUKS_DESTROY || p->luks.n == 0)
		TRY(blast_target(p, t, err));
	if (p->luks.n)
		TRY(blast_luks(p, t, err));
	for (size_t i = 0; req->nodes && req->nodes[i]; i++)
		if (strcmp(req->nodes[i], t->node) != 0)
			TRY(xp_plan_blast(p, err, "/dev/%s is of the same drive", req->nodes[i]));
	if (p->has_technique && req->facts && req->facts->transport == XP_TRANSPORT_NVME)
		TRY(xp_plan_blast_nvme(p, req, err));
	else if (p->has_technique && !xp_technique_is_host_write(p->technique) &&
		 t->kind != XP_TARGET_IMAGE)
		TRY(xp_plan_blast(p, err,
				  "whatever else the drive's own command reaches: all namespaces, "
				  "partitions and hidden areas"));
	while (*line) {
		size_t len = strcspn(line, "\n");

		if (len)
			TRY(xp_plan_blast(p, err, "on it: %.*s", (int)len, line));
		line += len + (line[len] == '\n');
	}
	return XP_OK;
}

static void complement(struct xp_content *out, const struct xp_content *of)
{
	uint32_t len = of->kind == XP_CONTENT_PATTERN ? of->pattern_len : 1;

	*out = (struct xp_content){.kind = XP_CONTENT_PATTERN, .pattern_len = len};
	for (uint32_t i = 0; i < len; i++)
		out->pattern[i] = (uint8_t) ~(of->kind == XP_CONTENT_PATTERN ? of->pattern[i] : 0u);
}

void xp_plan_fill_contents(struct xp_plan *p, const struct xp_plan_request *req)
{
	struct xp_content last = {.kind = XP_CONTENT_ZERO};
	struct xp_content other;

	if (p->technique == XP_OVERWRITE_RANDOM || p->technique == XP_LUKS_DESTROY ||
	    p->technique == XP_FILE_OVERWRITE)
		last.kind = XP_CONTENT_RANDOM;
	if (p->technique == XP_OVERWRITE_PATTERN) {
		last.kind = XP_CONTENT_PATTERN;
		last.pattern_len = req->pattern_len;
		memcpy(last.pattern, req->pattern, req->pattern_len);
	}
	complement(&other, &last);
	if (last.kind == XP_CONTENT_RANDOM)
		other = last; /* each pass gets a key of its own */
	for (unsigned i = 0; i < p->passes && i < XP_PLAN_PASSES_MAX; i++)
		p->contents[i] = (p->passes - i) % 2 ? last : other;
}

void xp_plan_fill_overwrite(struct xp_plan *p, const struct xp_plan_request *req)
{
	p->overwrite = xp_policy_sanitize_overwrite(req->policy);
	if (!xp_technique_is_sanitize_overwrite(p->technique) || req->pattern_len == 0)
		return;
	for (uint32_t i = 0; i < XP_SANITIZE_PATTERN_LEN; i++)
		p->overwrite.pattern[i] = req->pattern[i % req->pattern_len];
}

void xp_plan_switch(struct xp_plan *p, enum xp_technique t, const struct xp_policy *policy,
		    enum xp_media media)
{
	static const struct xp_plan_request nothing;

	p->technique = t;
	p->has_technique = true;
	p->passes = xp_technique_is_host_write(t) ? 1 : 0;
	if (xp_technique_is_host_overwrite(t))
		p->passes = xp_policy_overwrite_passes(policy, media);
	memset(p->contents, 0, sizeof(p->contents));
	xp_plan_fill_contents(p, &nothing);
}

static uint64_t luks_bytes(const struct xp_plan *p)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < p->luks.n; i++)
		bytes += p->luks.list[i].area_bytes;
	return bytes;
}

enum xp_rc xp_plan_fill_verification(struct xp_plan *p, const struct xp_plan_request *req,
				     struct xp_err *err)
{
	const struct xp_identity *id = &req->target->identity;
	const uint8_t seed[32] = {
		0}; /* the figures hardly depend on it; it is drawn after the erase */
	struct xp_sample_plan totals;
	enum xp_readback_mode asked = xp_policy_readback(req->policy);

	p->verification.mode = req->verify > asked ? req->verify : asked;
	if (p->technique == XP_LUKS_DESTROY) {
		p->verification.search_all = p->verification.mode == XP_READBACK_FULL;
		p->verification.mode = XP_READBACK_FULL;
		p->verification.bytes = luks_bytes(p);
		return XP_OK;
	}
	if (p->verification.mode == XP_READBACK_FULL)
		p->verification.bytes = id->capacity_bytes;
	if (p->verification.mode != XP_READBACK_SAMPLE)
		return XP_OK;
	p->verification.scheme = xp_policy_sample_scheme(req->policy);
	if (p->verification.scheme == XP_SAMPLE_NONE)
		p->verification.scheme = XP_SAMPLE_SCATTERED;
	if (p->verification.scheme == XP_SAMPLE_SCATTERED) {
		p->verification.n = xp_policy_sample_n(req->policy);
		if (p->verification.n == 0)
			p->verification.n = XP_SAMPLE_DEFAULT_N;
	}
	if (id->capacity_bytes == 0) /* a drive at a sanitize does not say; it will afterwards */
		return XP_OK;
	TRY(xp_sample_plan_totals(&totals, p->verification.scheme, p->verification.n,
				  id->capacity_bytes, id->logical_block_bytes, seed, err));
	p->verification.bytes = totals.bytes;
	return XP_OK;
}

static struct xp_plan_step *step(struct xp_plan *p, const char *action, uint64_t seconds)
{
	/* XP_PLAN_STEPS_MAX has room for every pass and what stands around them */
	struct xp_plan_step *s = &p->steps[p->steps_n++];

	s->action = action;
	s->seconds = seconds;
	p->seconds += seconds;
	return s;
}

static void describe_content(struct xp_buf *b, const struct xp_content *c)
{
	switch (c->kind) {
	case XP_CONTENT_ZERO:
		xp_buf_puts(b, "zeros");
		break;
	case XP_CONTENT_RANDOM:
		xp_buf_puts(b, "random bytes under a key drawn for this pass");
		break;
	case XP_CONTENT_PATTERN:
		xp_buf_puts(b, "the pattern ");
		xp_buf_hex(b, c->pattern, c->pattern_len);
		break;
	case XP_CONTENT_UNKNOWN:
		xp_buf_puts(b, "unknown bytes");
		break;
	}
}

static void add_passes(struct xp_plan *p, const struct xp_plan_request *req, uint64_t seconds,
		       const char *choice)
{
	const struct xp_identity *id = &req->target->identity;

	for (unsigned i = 0; i < p->passes && i < XP_PLAN_PASSES_MAX; i++) {
		struct xp_plan_step *s = step(p, "overwrite", seconds);
		AUTO(xp_buf_free) struct xp_buf what = {0};

		describe_content(&what, &p->contents[i]);
		s->has_technique = true;
		s->technique = p->technique;
		snprintf(
			s->why, sizeof(s->why), "pass %u of %u: %.150s over all %llu bytes%s%s%s",
			i + 1, p->passes, xp_buf_str(&what), (unsigned long long)id->capacity_bytes,
			req->capabilities->writes_same &&
					xp_content_repeats(&p->contents[i], id->logical_block_bytes)
				? ", which the drive is told once for many blocks (WRITE SAME)"
				: "",
			i ? "" : "; ", i ? "" : choice);
	}
}

static void add_keys(struct xp_plan *p, uint64_t seconds, const char *choice)
{
	struct xp_plan_step *s = step(p, "overwrite", seconds);

	s->has_technique = true;
	s->technique = XP_LUKS_DESTROY;
	snprintf(s->why, sizeof(s->why),
		 "random bytes under a key drawn for this over every header and key slot of %zu "
		 "LUKS volume%s, %llu bytes; %s",
		 p->luks.n, p->luks.n == 1 ? "" : "s", (unsigned long long)luks_bytes(p), choice);
}

static uint64_t readback_seconds(const struct xp_plan *p, const struct xp_plan_request *req)
{
	uint64_t rate = req->capabilities->read_bytes_per_s;
	uint64_t seconds = rate ? p->verification.bytes / rate + 1 : 0;

	/* who reads everything does not seek */
	if (rate && p->verification.scheme == XP_SAMPLE_SCATTERED &&
	    p->verification.bytes < req->target->identity.capacity_bytes &&
	    req->target->identity.media == XP_MEDIA_HDD)
		seconds += p->verification.n / HDD_READS_PER_S;
	return seconds;
}

static void add_readback(struct xp_plan *p, const struct xp_plan_request *req)
{
	const char *who = req->verify > xp_policy_readback(req->policy) ? "asked for"
									: "the policy asks for it";
	struct xp_plan_step *s;

	if (p->verification.mode == XP_READBACK_NONE)
		return;
	s = step(p, "readback", readback_seconds(p, req));
	if (p->technique == XP_LUKS_DESTROY)
		snprintf(s->why, sizeof(s->why),
			 "reads every byte of these areas past the host's cache, compares it, and "
			 "searches %s of the target for other headers",
			 p->verification.search_all ? "all the rest" : "the beginning and the end");
	else if (p->verification.bytes >= req->target->identity.capacity_bytes)
		snprintf(s->why, sizeof(s->why),
			 "reads every byte past the host's cache and compares it; %s", who);
	else
		snprintf(s->why, sizeof(s->why),
			 "reads %llu bytes at places drawn after the erase (scheme %s), and "
			 "wherever "
			 "partition tables and superblocks stand; %s",
			 (unsigned long long)p->verification.bytes,
			 xp_sample_scheme_name(p->verification.scheme), who);
}

/* Why a sanitize, where the drive is in the middle of one, or was left in its failure. */
static const char *way_out(const struct xp_plan_request *req)
{
	if (!xp_plan_drive_is_at_it(req))
		return "";
	return req->facts->ata.sanitize.state == XP_ATA_SANITIZE_FAILED
		       ? "; its last sanitize failed, and a new one is the way out: what it hides "
			 "is "
			 "asked for behind it"
		       : "; it is at a sanitize of somebody's, which is waited for first";
}

static void describe_command(struct xp_plan_step *s, const struct xp_plan *p,
			     const struct xp_plan_request *req, const char *choice)
{
	const struct xp_sanitize_overwrite *o = &p->overwrite;

	if (!xp_technique_is_sanitize_overwrite(p->technique))
		snprintf(s->why, sizeof(s->why), "the drive erases itself; %s%s", choice,
			 way_out(req));
	else
		snprintf(
			s->why, sizeof(s->why),
			"the drive overwrites itself, %u pass%s%s, the last with %02x%02x%02x%02x; "
			"%s%s",
			o->passes, o->passes == 1 ? "" : "es",
			o->inverts ? ", each the complement of the one before" : "", o->pattern[0],
			o->pattern[1], o->pattern[2], o->pattern[3], choice, way_out(req));
}

static void add_close(struct xp_plan *p, const struct xp_luks_mappings *closing)
{
	AUTO(xp_buf_free) struct xp_buf names = {0};
	struct xp_plan_step *s;

	if (!closing || closing->n == 0)
		return;
	for (size_t i = 0; i < closing->n; i++)
		xp_buf_printf(&names, "%s%s (%s)", i ? ", " : "", closing->list[i].name,
			      closing->list[i].node);
	s = step(p, "close", 0);
	snprintf(s->why, sizeof(s->why),
		 "takes down %.150s, which nobody uses; the key leaves the kernel's memory",
		 xp_buf_str(&names));
}

void xp_plan_fill_steps(struct xp_plan *p, const struct xp_plan_request *req, const char *choice)
{
	uint64_t seconds = 0;
	struct xp_plan_step *s;

	for (unsigned i = 0; i < req->capabilities->n; i++) {
		if (req->capabilities->list[i].technique == p->technique)
			seconds = req->capabilities->list[i].seconds;
	}
	if (xp_technique_is_sanitize_overwrite(p->technique))
		seconds *= p->overwrite.passes;
	add_close(p, req->closing);
	s = step(p, "identify", 0);
	snprintf(s->why, sizeof(s->why),
		 "holds the target alone and reads who it is; any difference from this plan stops "
		 "the job");
	if (xp_policy_restores_hidden(req->policy) && xp_capabilities_hide(req->capabilities)) {
		s = step(p, "restore", 0);
		snprintf(s->why, sizeof(s->why),
			 "the policy asks for what HPA, AMAC or DCO hide: it is given back, one "
			 "change a power cycle; the job then stops (exit 5), and goes on behind it "
			 "with resume");
	}
	if (xp_policy_restores_hidden(req->policy) && req->capabilities->restores_reduced) {
		s = step(p, "restore", 0);
		snprintf(
			s->why, sizeof(s->why),
			"the policy asks for all blocks of the drive (MODE SELECT); if it has more "
			"than it shows, the job stops behind that (exit 5), and goes on with "
			"resume");
	}
	if (p->keys_first)
		add_keys(p, 1, "first, since it takes seconds and protects at once");
	if (p->technique == XP_LUKS_DESTROY) {
		add_keys(p, seconds, choice);
	} else if (xp_technique_is_host_write(p->technique)) {
		add_passes(p, req, seconds, choice);
	} else {
		if (p->verification.mode != XP_READBACK_NONE) {
			s = step(p, "baseline", 0);
			snprintf(s->why, sizeof(s->why),
				 "reads what stands there now, at scattered places, to see "
				 "afterwards that it is gone");
		}
		s = step(p, "command", seconds);
		s->has_technique = true;
		s->technique = p->technique;
		describe_command(s, p, req, choice);
	}
	add_readback(p, req);
	s = step(p, "identify", 0);
	snprintf(s->why, sizeof(s->why), "the same target must have been there to the end");
	s = step(p, "record", 0);
	snprintf(s->why, sizeof(s->why),
		 "writes and signs what was observed, whatever the outcome is");
	if (p->technique == XP_FILE_OVERWRITE) {
		s = step(p, "unlink", 0);
		snprintf(s->why, sizeof(s->why),
			 "when the record is kept: takes the name away, under another name first");
	}
}
