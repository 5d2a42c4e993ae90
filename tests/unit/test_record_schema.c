/* The table in C and certs/record.schema.json say the same. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/record_fields.h"

static json_t *schema;
static struct xp_json_path path;
static size_t fields_seen;

#define EXPECT(condition, ...)                                                                     \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			print_error(__VA_ARGS__);                                                  \
			fail_msg("at %s", xp_json_path_text(&path));                               \
		}                                                                                  \
	} while (0)

/* A member of NODE, or of what NODE refers to. */
static json_t *member(json_t *node, const char *key)
{
	const char *ref = json_string_value(json_object_get(node, "$ref"));
	json_t *own = json_object_get(node, key);

	if (own || !ref)
		return own;
	EXPECT(strncmp(ref, "#/$defs/", 8) == 0, "odd reference %s\n", ref);
	return member(json_object_get(json_object_get(schema, "$defs"), ref + 8), key);
}

static const char *word(json_t *node, const char *key)
{
	const char *s = json_string_value(member(node, key));

	return s ? s : "";
}

static void agree_ref(json_t *node, const char *name)
{
	const char *ref = json_string_value(json_object_get(node, "$ref"));

	EXPECT(ref && strcmp(ref + strlen("#/$defs/"), name) == 0, "%s, expected %s\n",
	       ref ? ref : "no reference", name);
}

static void agree_number(json_t *node, const char *key, uint64_t value)
{
	json_t *v = member(node, key);

	EXPECT(json_is_integer(v) && (uint64_t)json_integer_value(v) == value,
	       "%s is not %" PRIu64 "\n", key, value);
}

static bool enum_has(json_t *list, const char *w)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), w) == 0)
			return true;
	return false;
}

static void agree_words(json_t *node, const struct xp_field *f)
{
	json_t *list = member(node, "enum");
	size_t n = 0;

	if (f->type == XP_F_WORD)
		for (; f->words[n]; n++)
			EXPECT(enum_has(list, f->words[n]), "lacks %s\n", f->words[n]);
	else
		for (; n < f->max; n++)
			EXPECT(enum_has(list, f->name((unsigned)n)), "lacks %s\n",
			       f->name((unsigned)n));
	EXPECT(json_array_size(list) == n, "%zu words, expected %zu\n", json_array_size(list), n);
}

static void agree_object(json_t *node, const struct xp_schema *s);

static void agree_list(json_t *node, const struct xp_field *f)
{
	EXPECT(strcmp(word(node, "type"), "array") == 0, "not an array\n");
	agree_number(node, "maxItems", f->max);
	EXPECT(f->presence != XP_P_OPTIONAL || json_integer_value(member(node, "minItems")) == 1,
	       "may be empty\n");
	if (f->type == XP_F_STRINGS) {
		agree_ref(member(node, "items"), "text");
		agree_number(member(node, "items"), "maxLength", f->size - 1);
	} else {
		agree_object(member(node, "items"), f->sub);
	}
}

static void agree_uint(json_t *node, const struct xp_field *f)
{
	uint64_t max = f->size < 8 ? (1ULL << 8 * f->size) - 1 : XP_JCS_MAX_INT;

	EXPECT(strcmp(word(node, "type"), "integer") == 0, "not an integer\n");
	agree_number(node, "minimum", f->presence == XP_P_OPTIONAL);
	agree_number(node, "maximum", max);
}

static void agree_hex(json_t *node, const struct xp_field *f)
{
	char pattern[32];

	if (f->type != XP_F_HEX) {
		agree_ref(node, "hex");
		agree_number(node, "maxLength", 2 * (f->type == XP_F_HEX_PART ? f->size : f->max));
		return;
	}
	snprintf(pattern, sizeof(pattern), "^[0-9a-f]{%zu}$", 2 * f->size);
	EXPECT(strcmp(word(node, "pattern"), pattern) == 0, "pattern %s, expected %s\n",
	       word(node, "pattern"), pattern);
}

static void agree_text(json_t *node, const struct xp_field *f, const char *ref)
{
	agree_ref(node, ref);
	agree_number(node, "maxLength", f->size - 1);
}

static void agree_value(json_t *node, const struct xp_field *f)
{
	switch (f->type) {
	case XP_F_TEXT:
		agree_text(node, f, "text");
		break;
	case XP_F_ASCII:
		agree_text(node, f, "ascii");
		break;
	case XP_F_TOKEN:
		agree_text(node, f, "token");
		break;
	case XP_F_WORD:
	case XP_F_ENUM:
		agree_words(node, f);
		break;
	case XP_F_UUID:
		agree_ref(node, "uuid");
		break;
	case XP_F_UUID7:
		agree_ref(node, "uuid7");
		break;
	case XP_F_SHA256:
		agree_ref(node, "sha256");
		break;
	case XP_F_DATE:
	case XP_F_TIME:
		agree_ref(node, "time");
		break;
	case XP_F_CONST:
		EXPECT(strcmp(word(node, "const"), f->words[0]) == 0, "another constant\n");
		break;
	case XP_F_BOOL:
		EXPECT(strcmp(word(node, "type"), "boolean") == 0, "not a boolean\n");
		break;
	case XP_F_UINT:
		agree_uint(node, f);
		break;
	case XP_F_DECIMAL:
		agree_ref(node, f->presence == XP_P_OPTIONAL ? "positive" : "decimal");
		break;
	case XP_F_SIGNED:
		agree_ref(node, "signed");
		break;
	case XP_F_HEX:
	case XP_F_HEX_PART:
	case XP_F_HEX_HEAP:
		agree_hex(node, f);
		break;
	case XP_F_OBJECT:
		agree_object(node, f->sub);
		break;
	case XP_F_LIST:
	case XP_F_HEAP:
	case XP_F_STRINGS:
		agree_list(node, f);
		break;
	case XP_F_TREE:
		EXPECT(strcmp(word(node, "type"), "object") == 0, "not an object\n");
		agree_number(node, "minProperties", 1);
		break;
	case XP_F_INLINE:
		break;
	}
}

/* *KEYS and *REQUIRED count what the table has, to find what only the schema has. */
static void agree_fields(json_t *node, const struct xp_schema *s, size_t *keys, size_t *required)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct xp_field *f = &s->fields[i];
		size_t back = path.len;
		bool always = f->presence == XP_P_ALWAYS;
		json_t *v;

		if (f->type == XP_F_INLINE) {
			agree_fields(node, f->sub, keys, required);
			continue;
		}
		xp_json_path_key(&path, f->key);
		v = json_object_get(member(node, "properties"), f->key);
		EXPECT(v, "the schema lacks it\n");
		EXPECT(enum_has(member(node, "required"), f->key) == always,
		       "required on one side only\n");
		agree_value(v, f);
		xp_json_path_pop(&path, back);
		++*keys;
		*required += always;
		fields_seen++;
	}
}

static void agree_object(json_t *node, const struct xp_schema *s)
{
	size_t keys = 0;
	size_t required = 0;

	EXPECT(strcmp(word(node, "type"), "object") == 0, "not an object\n");
	EXPECT(json_is_false(member(node, "additionalProperties")), "not closed\n");
	agree_fields(node, s, &keys, &required);
	EXPECT(json_object_size(member(node, "properties")) == keys,
	       "the schema has %zu properties, the table %zu\n",
	       json_object_size(member(node, "properties")), keys);
	EXPECT(json_array_size(member(node, "required")) == required, "more is required\n");
}

static json_t *def(const char *name)
{
	return json_object_get(json_object_get(schema, "$defs"), name);
}

static void test_record_schema_agrees_with_the_table(void **state)
{
	(void)state;
	agree_object(def("job"), &xp_schema_record);
	assert_true(fields_seen > 200);
	agree_object(def("validation"), &xp_schema_validation);
}

/* Fields that depend on another one: the schema must have a rule for each. */
static void count_dependent(const struct xp_schema *s, size_t *n)
{
	for (size_t i = 0; i < s->n; i++) {
		*n += s->fields[i].presence == XP_P_WHEN;
		if (s->fields[i].sub)
			count_dependent(s->fields[i].sub, n);
	}
}

static void test_record_schema_has_no_dependence_that_the_table_lacks(void **state)
{
	size_t n = 0;

	(void)state;
	count_dependent(&xp_schema_record, &n);
	/* partition start (media, phase), two of a content (overwrite, expected), three of a
	 * sample, seven of a phase, seven of the verification: tests/cli/test_schema.sh tries each
	 */
	assert_int_equal(n, 2 + 4 + 3 + 7 + 7);
	n = 0;
	count_dependent(&xp_schema_validation, &n);
	assert_int_equal(n, 2 + 4 + 3 + 7 + 7);
}

/* ---- docs/certificate.md ---- */

static void find_in_page(const char *page, const struct xp_schema *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct xp_field *f = &s->fields[i];
		char quoted[80];

		if (f->key) {
			snprintf(quoted, sizeof(quoted), "`%s`", f->key);
			if (!strstr(page, quoted))
				fail_msg("docs/certificate.md does not name %s", quoted);
		}
		if (f->sub)
			find_in_page(page, f->sub);
	}
}

static void test_record_fields_are_all_in_the_page(void **state)
{
	AUTO_MEM char *page = NULL;
	size_t len;

	(void)state;
	assert_int_equal(xp_file_read(&page, &len, "docs/certificate.md", 1 << 20, NULL), XP_OK);
	find_in_page(page, &xp_schema_record);
	find_in_page(page, &xp_schema_validation);
}

static int load(void **state)
{
	json_error_t e;

	(void)state;
	schema = json_load_file("certs/record.schema.json", JSON_REJECT_DUPLICATES, &e);
	if (!schema)
		print_error("record.schema.json:%d: %s\n", e.line, e.text);
	return schema ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	json_decref(schema);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_schema_agrees_with_the_table),
		cmocka_unit_test(test_record_fields_are_all_in_the_page),
		cmocka_unit_test(test_record_schema_has_no_dependence_that_the_table_lacks),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
