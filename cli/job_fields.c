#include "cli/job_fields.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct field {
	const char *key;
	size_t offset;
	size_t size;
};

#define RECORD_FIELD(key, member)                                                                  \
	{                                                                                          \
		key, offsetof(struct xp_record, member), sizeof(((struct xp_record *)0)->member)   \
	}
#define PERSON_FIELD(member)                                                                       \
	{                                                                                          \
#member, offsetof(struct xp_person, member),                                       \
			sizeof(((struct xp_person *)0)->member)                                    \
	}

static const struct field record_fields[] = {
	RECORD_FIELD("tenant", tenant),
	RECORD_FIELD("case", case_no),
	RECORD_FIELD("manufacturer", manufacturer),
	RECORD_FIELD("property_no", property_no),
	RECORD_FIELD("asset_tag", asset_tag),
	RECORD_FIELD("ticket", ticket),
	RECORD_FIELD("source", source),
	RECORD_FIELD("slot", slot),
	RECORD_FIELD("classification_before", classification_before),
	RECORD_FIELD("classification_after", classification_after),
	RECORD_FIELD("backup_status", backup_status),
	RECORD_FIELD("backup_location", backup_location),
	RECORD_FIELD("destination", destination),
	RECORD_FIELD("deadline", deadline),
	RECORD_FIELD("header_backups", header_backups),
	RECORD_FIELD("plaintext_before", plaintext_before),
};

static const struct field person_fields[] = {
	PERSON_FIELD(role),    PERSON_FIELD(name),	   PERSON_FIELD(name_latin),
	PERSON_FIELD(title),   PERSON_FIELD(organization), PERSON_FIELD(location),
	PERSON_FIELD(contact),
};

/* What a record may hold: no control characters, no C1, no bidi controls; the JSON parser has
 * proven UTF-8. */
static bool is_clean_text(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
		if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
			return false;
		if (*p == 0xd8 && p[1] == 0x9c)
			return false;
		if (*p == 0xe2 && p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f))
			return false;
		if (*p == 0xe2 && p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae)
			return false;
		if (*p == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)
			return false;
	}
	return true;
}

static enum xp_rc set_text(void *base, const struct field *f, const json_t *value, const char *name,
			   struct xp_err *err)
{
	const char *text = json_string_value(value);

	if (!text || !*text || strlen(text) != json_string_length(value))
		return xp_fail(err, XP_E_USAGE, "%s: %s is not a text with content", name, f->key);
	if (!is_clean_text(text))
		return xp_fail(err, XP_E_USAGE, "%s: %s holds control characters", name, f->key);
	if (strlen(text) >= f->size)
		return xp_fail(err, XP_E_USAGE, "%s: %s is longer than %zu bytes", name, f->key,
			       f->size - 1);
	snprintf((char *)base + f->offset, f->size, "%s", text);
	return XP_OK;
}

static enum xp_rc set_object(void *base, const struct field *fields, size_t n, json_t *object,
			     const char *skip, const char *name, struct xp_err *err)
{
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		size_t i = 0;

		if (skip && strcmp(key, skip) == 0)
			continue;
		while (i < n && strcmp(fields[i].key, key) != 0)
			i++;
		if (i == n)
			return xp_fail(err, XP_E_USAGE, "%s: unknown field \"%s\"", name, key);
		TRY(set_text(base, &fields[i], value, name, err));
	}
	return XP_OK;
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

static enum xp_rc check_words(const struct xp_record *r, const char *name, struct xp_err *err)
{
	static const char *const answers[] = {"yes", "no", "unknown", NULL};
	static const char *const destinations[] = {"internal-reuse", "external-reuse", "recycling",
						   "manufacturer",   "other",	       NULL};
	int64_t t;

	if (*r->backup_status && !is_one_of(r->backup_status, answers))
		return xp_fail(err, XP_E_USAGE, "%s: backup_status is yes, no or unknown", name);
	if (*r->plaintext_before && !is_one_of(r->plaintext_before, answers))
		return xp_fail(err, XP_E_USAGE, "%s: plaintext_before is yes, no or unknown", name);
	if (*r->destination && !is_one_of(r->destination, destinations))
		return xp_fail(err, XP_E_USAGE,
			       "%s: destination is internal-reuse, external-reuse, recycling, "
			       "manufacturer or other",
			       name);
	if (*r->deadline && !xp_time_parse(&t, r->deadline))
		return xp_fail(err, XP_E_USAGE, "%s: deadline is a time like 2026-11-22T00:00:00Z",
			       name);
	return XP_OK;
}

static enum xp_rc set_persons(struct xp_record *r, json_t *persons, const char *name,
			      struct xp_err *err)
{
	static const char *const roles[] = {"performer", "validator", "site", "host", NULL};
	size_t i;
	json_t *p;

	if (!json_is_array(persons) || json_array_size(persons) > XP_PERSONS_MAX)
		return xp_fail(err, XP_E_USAGE, "%s: persons is a list of at most %d", name,
			       XP_PERSONS_MAX);
	json_array_foreach (persons, i, p) {
		struct xp_person *person = &r->persons[r->persons_n];

		if (!json_is_object(p))
			return xp_fail(err, XP_E_USAGE, "%s: persons[%zu] is no object", name, i);
		*person = (struct xp_person){0};
		TRY(set_object(person, person_fields, XP_ARRAY_LEN(person_fields), p, NULL, name,
			       err));
		if (!is_one_of(person->role, roles))
			return xp_fail(
				err, XP_E_USAGE,
				"%s: persons[%zu].role is performer, validator, site or host", name,
				i);
		r->persons_n++;
	}
	return XP_OK;
}

enum xp_rc xp_fields_apply_json(struct xp_record *record, const char *json, size_t len,
				const char *name, struct xp_err *err)
{
	json_error_t why;
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
	json_t *persons;
	enum xp_rc rc;

	if (!json_is_object(root)) {
		rc = root ? xp_fail(err, XP_E_USAGE, "%s: not a JSON object", name)
			  : xp_fail(err, XP_E_USAGE, "%s:%d: %s", name, why.line, why.text);
		json_decref(root);
		return rc;
	}
	persons = json_object_get(root, "persons");
	rc = set_object(record, record_fields, XP_ARRAY_LEN(record_fields), root, "persons", name,
			err);
	if (rc == XP_OK && persons)
		rc = set_persons(record, persons, name, err);
	if (rc == XP_OK)
		rc = check_words(record, name, err);
	json_decref(root);
	return rc;
}

/* --- CSV --- */

struct csv {
	const char *at, *end;
	size_t line;
};

enum csv_stop { CSV_COMMA, CSV_LINE, CSV_END };

/* One field, RFC 4180 quoting. XP_E_USAGE where it is malformed or too long. */
static enum xp_rc csv_field(char out[256], enum csv_stop *stop, struct csv *c, struct xp_err *err)
{
	bool quoted = c->at < c->end && *c->at == '"';
	size_t n = 0;

	c->at += quoted;
	while (c->at < c->end) {
		char ch = *c->at;

		if (quoted && ch == '"' && c->at + 1 < c->end && c->at[1] == '"') {
			c->at++;
		} else if (quoted && ch == '"') {
			quoted = false;
			c->at++;
			continue;
		} else if (!quoted && (ch == ',' || ch == '\n' || ch == '\r')) {
			break;
		}
		if ((unsigned char)ch < 0x20 || ch == 0x7f || n + 1 >= 256)
			return xp_fail(err, XP_E_USAGE,
				       "expect list, line %zu: a field that is too long or binary",
				       c->line);
		out[n++] = ch;
		c->at++;
	}
	if (quoted)
		return xp_fail(err, XP_E_USAGE, "expect list, line %zu: a quote is not closed",
			       c->line);
	out[n] = 0;
	if (c->at == c->end) {
		*stop = CSV_END;
		return XP_OK;
	}
	*stop = *c->at == ',' ? CSV_COMMA : CSV_LINE;
	if (*c->at == '\r' && c->at + 1 < c->end && c->at[1] == '\n')
		c->at++;
	c->at++;
	if (*stop == CSV_LINE)
		c->line++;
	return XP_OK;
}

static const struct field expect_fields[] = {
	{"host_serial", offsetof(struct xp_expected, host_serial), 128},
	{"serial", offsetof(struct xp_expected, serial), 256},
	{"asset_tag", offsetof(struct xp_expected, asset_tag), 128},
	{"ticket", offsetof(struct xp_expected, ticket), 128},
	{"tenant", offsetof(struct xp_expected, tenant), 128},
};

#define EXPECT_COLUMNS_MAX 64

static enum xp_rc expect_header(const struct field *columns[EXPECT_COLUMNS_MAX], size_t *n,
				struct csv *c, struct xp_err *err)
{
	enum csv_stop stop = CSV_COMMA;
	bool has_serial = false;
	char text[256];

	for (*n = 0; stop == CSV_COMMA; (*n)++) {
		if (*n == EXPECT_COLUMNS_MAX)
			return xp_fail(err, XP_E_USAGE, "expect list: too many columns");
		TRY(csv_field(text, &stop, c, err));
		columns[*n] = NULL;
		for (size_t i = 0; i < XP_ARRAY_LEN(expect_fields); i++)
			if (strcmp(expect_fields[i].key, text) == 0)
				columns[*n] = &expect_fields[i];
		has_serial = has_serial || strcmp(text, "serial") == 0;
	}
	if (!has_serial)
		return xp_fail(
			err, XP_E_USAGE,
			"expect list: the first line must name the columns, `serial` among them");
	return XP_OK;
}

static enum xp_rc expect_line(struct xp_expected *e, const struct field *const *columns, size_t n,
			      struct csv *c, struct xp_err *err)
{
	enum csv_stop stop = CSV_COMMA;
	size_t line = c->line;
	char text[256];

	for (size_t i = 0; i < n; i++) {
		if (stop != CSV_COMMA)
			return xp_fail(err, XP_E_USAGE, "expect list, line %zu: fields are missing",
				       line);
		TRY(csv_field(text, &stop, c, err));
		if (!columns[i])
			continue;
		if (strlen(text) >= columns[i]->size)
			return xp_fail(err, XP_E_USAGE, "expect list, line %zu: %s is too long",
				       line, columns[i]->key);
		memcpy((char *)e + columns[i]->offset, text, strlen(text) + 1);
	}
	if (stop == CSV_COMMA)
		return xp_fail(err, XP_E_USAGE, "expect list, line %zu: too many fields", line);
	if (!*e->serial)
		return xp_fail(err, XP_E_USAGE, "expect list, line %zu: no serial", line);
	return XP_OK;
}

enum xp_rc xp_expect_list_parse(struct xp_expect_list *out, const char *csv, size_t len,
				struct xp_err *err)
{
	const struct field *columns[EXPECT_COLUMNS_MAX];
	struct csv c = {.at = csv, .end = csv + len, .line = 1};
	AUTO(xp_expect_list_free) struct xp_expect_list e = {0};
	size_t n = 0;

	if (len >= 3 && memcmp(csv, "\xef\xbb\xbf", 3) == 0)
		c.at += 3;
	TRY(expect_header(columns, &n, &c, err));
	while (c.at < c.end) {
		struct xp_expected *p;

		if (*c.at == '\n' || *c.at == '\r') {
			c.line += *c.at == '\n';
			c.at++;
			continue;
		}
		p = reallocarray(e.list, e.n + 1, sizeof(*p));
		if (!p)
			return xp_fail(err, XP_E_NOMEM, "expect list");
		e.list = p;
		p[e.n] = (struct xp_expected){0};
		TRY(expect_line(&p[e.n], columns, n, &c, err));
		for (size_t i = 0; i < e.n; i++)
			if (strcmp(p[i].serial, p[e.n].serial) == 0)
				return xp_fail(err, XP_E_USAGE,
					       "expect list: serial %s stands twice", p[i].serial);
		e.n++;
	}
	*out = e;
	e = (struct xp_expect_list){0};
	return XP_OK;
}

void xp_expect_list_free(struct xp_expect_list *e)
{
	free(e->list);
	*e = (struct xp_expect_list){0};
}

void xp_fields_apply_expected(struct xp_record *record, const struct xp_expected *e)
{
	if (*e->asset_tag)
		memcpy(record->asset_tag, e->asset_tag, sizeof(record->asset_tag));
	if (*e->ticket)
		memcpy(record->ticket, e->ticket, sizeof(record->ticket));
	if (*e->tenant)
		memcpy(record->tenant, e->tenant, sizeof(record->tenant));
}
