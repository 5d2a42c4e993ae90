#include "claim/policy_fields.h"
#include "claim/sample_plan.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#define POLICY_SCHEMA "expunge-policy/1"

/* A key of a closed object. TAKE gets the place to write to; PLACE names the value for a person. */
struct field {
	const char *key;
	bool required;
	enum xp_rc (*take)(void *to, const json_t *value, const char *place, struct xp_err *err);
	size_t offset; /* of what TAKE writes to, in the object's struct */
};

/* The key, where it can be shown; a hostile one is not repeated. */
static const char *shown(const char *key)
{
	size_t n = 0;

	for (; key[n]; n++) {
		if (n >= 48 || !(isalnum((unsigned char)key[n]) || key[n] == '_' || key[n] == '-'))
			return "(not printable)";
	}
	return n ? key : "(empty)";
}

static enum xp_rc take_object(void *to, const json_t *value, const struct field *fields, size_t n,
			      const char *place, struct xp_err *err)
{
	char inner[160];
	size_t known = 0;

	if (!json_is_object(value))
		return xp_fail(err, XP_E_MALFORMED, "policy: %s is no object", place);
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_object_get(value, fields[i].key);

		if (!v && fields[i].required)
			return xp_fail(err, XP_E_MALFORMED, "policy: %s lacks \"%s\"", place,
				       fields[i].key);
		if (!v)
			continue;
		known++;
		snprintf(inner, sizeof(inner), "%s.%s", place, fields[i].key);
		TRY(fields[i].take((char *)to + fields[i].offset, v, inner, err));
	}
	if (known != json_object_size(value)) {
		const char *key;
		json_t *v;

		json_object_foreach ((json_t *)(uintptr_t)value, key, v) {
			size_t i = 0;

			while (i < n && strcmp(fields[i].key, key) != 0)
				i++;
			if (i == n)
				return xp_fail(err, XP_E_MALFORMED,
					       "policy: %s has the unknown key \"%s\"", place,
					       shown(key));
		}
	}
	return XP_OK;
}

/* Characters that a record may not hold, or that turn a text around on a screen. */
static bool is_hostile(const unsigned char *s)
{
	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0) ||
	       (s[0] == 0xd8 && s[1] == 0x9c) ||
	       (s[0] == 0xe2 && s[1] == 0x80 &&
		(s[2] == 0x8e || s[2] == 0x8f || (s[2] >= 0xa8 && s[2] <= 0xae))) ||
	       (s[0] == 0xe2 && s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9);
}

static enum xp_rc take_text(char *to, size_t size, const json_t *value, const char *place,
			    struct xp_err *err)
{
	const char *s = json_string_value(value);
	size_t len = s ? json_string_length(value) : 0;

	if (len == 0 || len >= size)
		return xp_fail(err, XP_E_MALFORMED, "policy: %s is no text of 1 to %zu bytes",
			       place, size - 1);
	for (size_t i = 0; i < len; i++) {
		if (is_hostile((const unsigned char *)s + i))
			return xp_fail(err, XP_E_MALFORMED, "policy: %s holds a control character",
				       place);
	}
	memcpy(to, s, len + 1);
	return XP_OK;
}

static enum xp_rc take_text64(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	return take_text(to, 64, v, place, err);
}

static enum xp_rc take_text256(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	return take_text(to, 256, v, place, err);
}

/* Names stand in file names, on command lines and in records: lower case, digits, '.', '-'. */
static enum xp_rc take_name(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	const char *s = to;

	TRY(take_text(to, 64, v, place, err));
	for (; *s; s++) {
		if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '-' ||
		      (*s == '.' && s != to)))
			return xp_fail(err, XP_E_MALFORMED,
				       "policy: %s may hold a-z, 0-9, '-' and '.' only", place);
	}
	return XP_OK;
}

static enum xp_rc take_schema(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	const char *s = json_string_value(v);

	(void)to;
	if (!s || strcmp(s, POLICY_SCHEMA) != 0)
		return xp_fail(err, XP_E_MALFORMED, "policy: %s is not \"%s\"", place,
			       POLICY_SCHEMA);
	return XP_OK;
}

static enum xp_rc take_bool(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	bool b = json_is_true(v);

	if (!json_is_boolean(v))
		return xp_fail(err, XP_E_MALFORMED, "policy: %s is neither true nor false", place);
	memcpy(to, &b, sizeof(b));
	return XP_OK;
}

static enum xp_rc read_number(uint64_t *out, const json_t *v, uint64_t max, const char *place,
			      struct xp_err *err)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 1 || (uint64_t)n > max)
		return xp_fail(err, XP_E_MALFORMED, "policy: %s is no number from 1 to %llu", place,
			       (unsigned long long)max);
	*out = (uint64_t)n;
	return XP_OK;
}

static enum xp_rc take_extents(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	uint64_t n;

	TRY(read_number(&n, v, XP_SAMPLE_MAX_N, place, err));
	memcpy(to, &n, sizeof(n));
	return XP_OK;
}

static enum xp_rc take_level(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	enum xp_level level;

	if (!xp_level_parse(&level, json_string_value(v)))
		return xp_fail(err, XP_E_MALFORMED, "policy: %s is no level", place);
	memcpy(to, &level, sizeof(level));
	return XP_OK;
}

static enum xp_rc take_technique(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	enum xp_technique t;

	if (!xp_technique_parse(&t, json_string_value(v)))
		return xp_fail(err, XP_E_MALFORMED, "policy: %s is no technique", place);
	memcpy(to, &t, sizeof(t));
	return XP_OK;
}

static enum xp_rc take_mode(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	enum xp_readback_mode mode;

	if (!xp_readback_mode_parse(&mode, json_string_value(v)))
		return xp_fail(err, XP_E_MALFORMED, "policy: %s is none of none, sample, full",
			       place);
	memcpy(to, &mode, sizeof(mode));
	return XP_OK;
}

static enum xp_rc take_scheme(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	enum xp_sample_scheme scheme;

	if (!xp_sample_scheme_parse(&scheme, json_string_value(v)) || scheme == XP_SAMPLE_NONE)
		return xp_fail(err, XP_E_MALFORMED, "policy: %s is neither r1 nor scattered",
			       place);
	memcpy(to, &scheme, sizeof(scheme));
	return XP_OK;
}

static enum xp_rc take_verification(void *to, const json_t *v, const char *place,
				    struct xp_err *err)
{
	static const struct field fields[] = {
		{"mode", true, take_mode, offsetof(struct xp_policy, readback)},
		{"scheme", false, take_scheme, offsetof(struct xp_policy, scheme)},
		{"n", false, take_extents, offsetof(struct xp_policy, sample_n)},
	};
	struct xp_policy *p = to;

	TRY(take_object(p, v, fields, XP_ARRAY_LEN(fields), place, err));
	if ((p->readback == XP_READBACK_SAMPLE) != (p->scheme != XP_SAMPLE_NONE))
		return xp_fail(err, XP_E_MALFORMED,
			       "policy: %s: a scheme belongs to mode sample, and to no other",
			       place);
	if (p->sample_n && p->scheme != XP_SAMPLE_SCATTERED)
		return xp_fail(err, XP_E_MALFORMED, "policy: %s: n belongs to scheme scattered",
			       place);
	return XP_OK;
}

static enum xp_rc take_passes(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	struct xp_policy *p = to;
	const char *key;
	json_t *n;

	if (!json_is_object(v))
		return xp_fail(err, XP_E_MALFORMED, "policy: %s is no object", place);
	json_object_foreach ((json_t *)(uintptr_t)v, key, n) {
		enum xp_media media;
		uint64_t passes;

		if (!xp_media_parse(&media, key))
			return xp_fail(err, XP_E_MALFORMED, "policy: %s: \"%s\" is no media", place,
				       shown(key));
		TRY(read_number(&passes, n, XP_POLICY_PASSES_MAX, place, err));
		p->passes[media] = (unsigned)passes;
	}
	for (unsigned m = 0; m < XP_POLICY_MEDIA; m++) {
		if (p->passes[m] == 0)
			return xp_fail(err, XP_E_MALFORMED, "policy: %s lacks \"%s\"", place,
				       xp_media_name((enum xp_media)m));
	}
	return XP_OK;
}

static enum xp_rc take_sanitize_passes(void *to, const json_t *v, const char *place,
				       struct xp_err *err)
{
	unsigned passes;
	uint64_t n;

	TRY(read_number(&n, v, XP_SANITIZE_PASSES_MAX, place, err));
	passes = (unsigned)n;
	memcpy(to, &passes, sizeof(passes));
	return XP_OK;
}

static enum xp_rc take_overwrite(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	static const struct field fields[] = {
		{"passes", true, take_sanitize_passes,
		 offsetof(struct xp_sanitize_overwrite, passes)},
		{"invert", false, take_bool, offsetof(struct xp_sanitize_overwrite, inverts)},
	};
	struct xp_sanitize_overwrite *o = to;

	TRY(take_object(o, v, fields, XP_ARRAY_LEN(fields), place, err));
	if (o->inverts && o->passes == 1)
		return xp_fail(err, XP_E_MALFORMED,
			       "policy: %s: one pass alone has nothing to invert", place);
	return XP_OK;
}

static enum xp_rc take_cap_row(struct xp_policy *p, enum xp_technique t, const json_t *row,
			       const char *place, struct xp_err *err)
{
	const char *key;
	json_t *v;

	if (!json_is_object(row))
		return xp_fail(err, XP_E_MALFORMED, "policy: %s.%s is no object", place,
			       xp_technique_name(t));
	json_object_foreach ((json_t *)(uintptr_t)row, key, v) {
		enum xp_media m;
		enum xp_level level;

		if (!xp_media_parse(&m, key))
			return xp_fail(err, XP_E_MALFORMED, "policy: %s.%s: \"%s\" is no media",
				       place, xp_technique_name(t), shown(key));
		if (!xp_level_parse(&level, json_string_value(v)))
			return xp_fail(err, XP_E_MALFORMED, "policy: %s.%s.%s is no level", place,
				       xp_technique_name(t), key);
		if (level > xp_policy_ceiling(t, m))
			return xp_fail(err, XP_E_MALFORMED,
				       "policy: %s.%s.%s: %s is more than this can ever do", place,
				       xp_technique_name(t), key, xp_level_name(level));
		p->caps[t][m] = level;
	}
	return XP_OK;
}

/* What stands in no row, or in no column of its row, earns nothing. */
static enum xp_rc take_caps(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	const char *key;
	json_t *row;

	if (!json_is_object(v))
		return xp_fail(err, XP_E_MALFORMED, "policy: %s is no object", place);
	json_object_foreach ((json_t *)(uintptr_t)v, key, row) {
		enum xp_technique t;

		if (!xp_technique_parse(&t, key))
			return xp_fail(err, XP_E_MALFORMED, "policy: %s: \"%s\" is no technique",
				       place, shown(key));
		TRY(take_cap_row(to, t, row, place, err));
	}
	return XP_OK;
}

static enum xp_rc take_preference(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	struct xp_policy *p = to;
	bool seen[XP_TECHNIQUE_COUNT] = {false};

	if (!json_is_array(v) || json_array_size(v) == 0 || json_array_size(v) > XP_TECHNIQUE_COUNT)
		return xp_fail(err, XP_E_MALFORMED, "policy: %s is no list of techniques", place);
	for (size_t i = 0; i < json_array_size(v); i++) {
		enum xp_technique t;

		TRY(take_technique(&t, json_array_get(v, i), place, err));
		if (seen[t])
			return xp_fail(err, XP_E_MALFORMED, "policy: %s names %s twice", place,
				       xp_technique_name(t));
		seen[t] = true;
		p->preference[p->preference_n++] = t;
	}
	return XP_OK;
}

static enum xp_rc take_fallback(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	static const struct field fields[] = {
		{"allowed", true, take_bool, offsetof(struct xp_policy, fallback)},
		{"to_lower_level", true, take_bool, offsetof(struct xp_policy, fallback_lower)},
	};

	return take_object(to, v, fields, XP_ARRAY_LEN(fields), place, err);
}

static enum xp_rc take_statement(struct xp_vendor_statement *s, const json_t *v, const char *place,
				 struct xp_err *err)
{
	static const struct field fields[] = {
		{"id", true, take_text64, offsetof(struct xp_vendor_statement, id)},
		{"vendor", true, take_text64, offsetof(struct xp_vendor_statement, vendor)},
		{"model", true, take_text64, offsetof(struct xp_vendor_statement, model)},
		{"technique", true, take_technique,
		 offsetof(struct xp_vendor_statement, technique)},
		{"level", true, take_level, offsetof(struct xp_vendor_statement, level)},
		{"source", true, take_text256, offsetof(struct xp_vendor_statement, source)},
	};
	size_t literal = 0;

	TRY(take_object(s, v, fields, XP_ARRAY_LEN(fields), place, err));
	for (const char *c = s->model; *c; c++)
		literal += *c != '*';
	if (literal < 4)
		return xp_fail(err, XP_E_MALFORMED, "policy: %s.model names too little of a model",
			       place);
	if (s->level > xp_policy_ceiling(s->technique, XP_MEDIA_UNKNOWN))
		return xp_fail(err, XP_E_MALFORMED, "policy: %s: %s is more than %s can ever do",
			       place, xp_level_name(s->level), xp_technique_name(s->technique));
	return XP_OK;
}

static enum xp_rc take_statements(void *to, const json_t *v, const char *place, struct xp_err *err)
{
	struct xp_policy *p = to;
	size_t n = json_array_size(v);
	char inner[96];

	if (!json_is_array(v) || n > XP_POLICY_STATEMENTS_MAX)
		return xp_fail(err, XP_E_MALFORMED, "policy: %s is no list of at most %d", place,
			       XP_POLICY_STATEMENTS_MAX);
	p->statements = calloc(n + 1, sizeof(*p->statements));
	if (!p->statements)
		return xp_fail(err, XP_E_NOMEM, "vendor statements");
	for (size_t i = 0; i < n; i++) {
		snprintf(inner, sizeof(inner), "%s[%zu]", place, i);
		TRY(take_statement(&p->statements[i], json_array_get(v, i), inner, err));
		p->statements_n++;
	}
	return XP_OK;
}

static enum xp_rc take_policy(struct xp_policy *p, const json_t *root, struct xp_err *err)
{
	static const struct field fields[] = {
		{"schema", true, take_schema, 0},
		{"name", true, take_name, offsetof(struct xp_policy, name)},
		{"title", true, take_text256, offsetof(struct xp_policy, title)},
		{"standard", true, take_text64, offsetof(struct xp_policy, standard)},
		{"edition", true, take_text64, offsetof(struct xp_policy, edition)},
		{"table_source", true, take_text256, offsetof(struct xp_policy, table_source)},
		{"level", true, take_level, offsetof(struct xp_policy, level)},
		{"verification", true, take_verification, 0},
		{"overwrite_passes", true, take_passes, 0},
		{"caps", true, take_caps, 0},
		{"preference", true, take_preference, 0},
		{"fallback", true, take_fallback, 0},
		{"vendor_statements", false, take_statements, 0},
		{"overwrite", false, take_overwrite, offsetof(struct xp_policy, overwrite)},
		{"deallocate_after_sanitize", false, take_bool,
		 offsetof(struct xp_policy, overwrite.deallocates)},
		{"canaries", false, take_bool, offsetof(struct xp_policy, canaries)},
		{"restore_hidden_areas", false, take_bool,
		 offsetof(struct xp_policy, restores_hidden)},
	};

	p->overwrite.passes = 1;
	TRY(take_object(p, root, fields, XP_ARRAY_LEN(fields), "file", err));
	if (p->level == XP_NONE)
		return xp_fail(err, XP_E_MALFORMED, "policy: the level asked for is none");
	if (p->fallback_lower && !p->fallback)
		return xp_fail(err, XP_E_MALFORMED,
			       "policy: fallback.to_lower_level needs fallback.allowed");
	return XP_OK;
}

static void free_json(json_t **j)
{
	json_decref(*j);
}

enum xp_rc xp_policy_parse(struct xp_policy **out, const char *json, size_t len, struct xp_err *err)
{
	AUTO(xp_policy_free) struct xp_policy *p = NULL;
	AUTO(free_json) json_t *root = NULL;
	json_error_t where;

	*out = NULL;
	if (len > XP_POLICY_MAX_BYTES)
		return xp_fail(err, XP_E_MALFORMED, "policy: larger than %u bytes",
			       XP_POLICY_MAX_BYTES);
	root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &where);
	if (!root)
		return xp_fail(err, XP_E_MALFORMED, "policy: no JSON: line %d, column %d",
			       where.line, where.column);
	p = calloc(1, sizeof(*p));
	if (!p)
		return xp_fail(err, XP_E_NOMEM, "a policy");
	TRY(take_policy(p, root, err));
	p->json = malloc(len + 1);
	if (!p->json)
		return xp_fail(err, XP_E_NOMEM, "a policy");
	memcpy(p->json, json, len);
	p->json[len] = 0;
	p->json_len = len;
	*out = STEAL(p);
	return XP_OK;
}
