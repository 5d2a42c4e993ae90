#include "claim/policy_fields.h"

#include <stdlib.h>
#include <string.h>

void xp_policy_free(struct xp_policy **p)
{
	if (!*p)
		return;
	free((*p)->statements);
	free((*p)->json);
	free(*p);
	*p = NULL;
}

const char *xp_policy_name(const struct xp_policy *p)
{
	return p->name;
}

const char *xp_policy_title(const struct xp_policy *p)
{
	return p->title;
}

const char *xp_policy_standard(const struct xp_policy *p)
{
	return p->standard;
}

const char *xp_policy_edition(const struct xp_policy *p)
{
	return p->edition;
}

const char *xp_policy_table_source(const struct xp_policy *p)
{
	return p->table_source;
}

enum xp_level xp_policy_level(const struct xp_policy *p)
{
	return p->level;
}

enum xp_readback_mode xp_policy_readback(const struct xp_policy *p)
{
	return p->readback;
}

enum xp_sample_scheme xp_policy_sample_scheme(const struct xp_policy *p)
{
	return p->scheme;
}

uint64_t xp_policy_sample_n(const struct xp_policy *p)
{
	return p->sample_n;
}

const enum xp_technique *xp_policy_preference(const struct xp_policy *p, unsigned *n)
{
	*n = p->preference_n;
	return p->preference;
}

bool xp_policy_fallback(const struct xp_policy *p)
{
	return p->fallback;
}

bool xp_policy_writes_canaries(const struct xp_policy *p)
{
	return p->canaries;
}

bool xp_policy_restores_hidden(const struct xp_policy *p)
{
	return p->restores_hidden;
}

bool xp_policy_fallback_lower(const struct xp_policy *p)
{
	return p->fallback_lower;
}

const char *xp_policy_json(const struct xp_policy *p, size_t *len)
{
	*len = p->json_len;
	return p->json;
}

enum xp_level xp_policy_ceiling(enum xp_technique t, enum xp_media m)
{
	if (m == XP_MEDIA_VIRTUAL || xp_technique_is_host_overwrite(t) || t == XP_LUKS_DESTROY ||
	    t == XP_FILE_OVERWRITE)
		return XP_CLEAR;
	return XP_PURGE;
}

unsigned xp_policy_overwrite_passes(const struct xp_policy *p, enum xp_media m)
{
	return (unsigned)m < XP_POLICY_MEDIA ? p->passes[m] : XP_POLICY_PASSES_MAX;
}

struct xp_sanitize_overwrite xp_policy_sanitize_overwrite(const struct xp_policy *p)
{
	return p->overwrite;
}

enum xp_level xp_policy_cap(const struct xp_policy *p, enum xp_technique t, enum xp_media m,
			    unsigned passes)
{
	if ((unsigned)t >= XP_TECHNIQUE_COUNT || (unsigned)m >= XP_POLICY_MEDIA)
		return XP_NONE;
	if (xp_technique_is_host_overwrite(t) && passes < p->passes[m])
		return XP_NONE;
	return p->caps[t][m];
}

/* Behind ATA the kernel knows no vendor; the model then speaks alone. */
static bool speaks_of(const struct xp_vendor_statement *s, enum xp_technique t,
		      const struct xp_identity *id)
{
	bool vendor_unknown = id->vendor[0] == 0 || strcmp(id->vendor, "ATA") == 0;

	return s->technique == t && id->model[0] &&
	       (vendor_unknown || strcmp(s->vendor, id->vendor) == 0) &&
	       xp_pattern_matches(s->model, id->model);
}

enum xp_level xp_policy_cap_for(const struct xp_policy *p, enum xp_technique t,
				const struct xp_identity *id, unsigned passes,
				const char **statement)
{
	enum xp_level cap = xp_policy_cap(p, t, id->media, passes);

	if (statement)
		*statement = NULL;
	/* a statement raises what the table allows at all on this media; it opens nothing new */
	for (unsigned i = 0; cap > XP_NONE && i < p->statements_n; i++) {
		const struct xp_vendor_statement *s = &p->statements[i];

		if (!speaks_of(s, t, id) || s->level <= cap ||
		    s->level > xp_policy_ceiling(t, id->media))
			continue;
		cap = s->level;
		if (statement)
			*statement = s->id;
	}
	return cap;
}
