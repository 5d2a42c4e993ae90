/* Records with random contents in every field: what goes out comes back. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "certs/record_fields.h"
#include "tests/fake/record_sample.h"

/* ---- random values of a field's type ---- */

static uint64_t seed;

static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static size_t below(size_t n)
{
	return n ? next() % n : 0;
}

static void fill_text(char *at, size_t size)
{
	static const char *const letters[] = {
		"a", "Z", " ", "\"", "\\", "/", "\xc3\xa9", "\xe5\xb1\xb1", "\xf0\x9f\x98\x80",
		"0"};
	size_t want = 1 + below(size - 1);
	size_t n = 0;

	while (n < want) {
		const char *letter = letters[below(XP_ARRAY_LEN(letters))];
		size_t len = strlen(letter);

		if (n + len > size - 1)
			break;
		memcpy(at + n, letter, len + 1);
		n += len;
	}
	if (!n)
		memcpy(at, "x", 2);
}

static void fill_chars(char *at, size_t n, const char *from)
{
	size_t kinds = strlen(from);

	for (size_t i = 0; i < n; i++)
		at[i] = from[below(kinds)];
	at[n] = 0;
}

static void fill_uuid(char *at)
{
	fill_chars(at, 36, "0123456789abcdef");
	at[8] = at[13] = at[18] = at[23] = '-';
	at[14] = '7';
	at[19] = 'a';
}

static void fill_number(const struct xp_field *f, uint8_t *at)
{
	uint64_t v = next() >> below(64);

	if (f->type == XP_F_UINT)
		v &= XP_JCS_MAX_INT;
	memcpy(at, &v, f->size);
}

static void fill_time(uint8_t *at)
{
	int64_t v = (int64_t)(next() % 253402300800ULL); /* to the end of the year 9999 */

	memcpy(at, &v, sizeof(v));
}

static void fill_bytes(uint8_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)next();
}

static void set_count(const struct xp_field *f, uint8_t *base, uint64_t n)
{
	memcpy(base + f->count, &n, f->count_size);
}

static void fill_struct(const struct xp_schema *s, uint8_t *base);

static void fill_list(const struct xp_field *f, uint8_t *base)
{
	size_t n = below(f->max < 4 ? f->max + 1 : 4);
	uint8_t *at = base + f->offset;

	if (f->type == XP_F_HEAP) {
		at = calloc(n + 1, f->sub->size);
		assert_non_null(at);
		memcpy(base + f->offset, &at, sizeof(at));
		if (f->cap)
			set_count(&(struct xp_field){.count = f->cap, .count_size = sizeof(n)},
				  base, n);
	}
	set_count(f, base, n);
	for (size_t i = 0; i < n; i++) {
		if (f->type == XP_F_STRINGS)
			fill_text((char *)at + i * f->size, f->size);
		else
			fill_struct(f->sub, at + i * f->sub->size);
	}
}

static void fill_hex_heap(const struct xp_field *f, uint8_t *base)
{
	size_t n = 1 + below(64);
	uint8_t *data = malloc(n);

	assert_non_null(data);
	fill_bytes(data, n);
	memcpy(base + f->offset, &data, sizeof(data));
	set_count(f, base, n);
}

static void fill_word(const struct xp_field *f, char *at)
{
	size_t n = 0;

	while (f->words[n])
		n++;
	snprintf(at, f->size, "%s", f->words[below(n)]);
}

static void fill_tree(uint8_t *at)
{
	json_t *tree = json_pack("{s:{s:i,s:[s,b]}}", "org.example.note", "a", (int)below(1000),
				 "b", "x", 1);

	assert_non_null(tree);
	memcpy(at, &tree, sizeof(tree));
}

static void fill_enum(const struct xp_field *f, uint8_t *at)
{
	unsigned v = (unsigned)below(f->max);

	memcpy(at, &v, f->size);
}

static void fill_field(const struct xp_field *f, uint8_t *base)
{
	uint8_t *at = base + f->offset;
	char *text = (char *)at;
	size_t n;

	switch (f->type) {
	case XP_F_TEXT:
		fill_text(text, f->size);
		break;
	case XP_F_ASCII:
		fill_chars(text, 1 + below(f->size - 1), " !\"\\/:~AZaz09");
		break;
	case XP_F_TOKEN:
		fill_chars(text, 1 + below(f->size - 1), "abz059");
		break;
	case XP_F_WORD:
		fill_word(f, text);
		break;
	case XP_F_UUID:
	case XP_F_UUID7:
		fill_uuid(text);
		break;
	case XP_F_SHA256:
		fill_chars(text, 64, "0123456789abcdef");
		break;
	case XP_F_DATE:
		xp_time_format(text, (int64_t)(next() % 253402300800ULL));
		break;
	case XP_F_BOOL:
		*at = next() & 1;
		break;
	case XP_F_UINT:
	case XP_F_DECIMAL:
		fill_number(f, at);
		break;
	case XP_F_SIGNED:
	case XP_F_HEX:
		fill_bytes(at, f->size);
		break;
	case XP_F_TIME:
		fill_time(at);
		break;
	case XP_F_HEX_PART:
		n = 1 + below(f->size);
		fill_bytes(at, n);
		set_count(f, base, n);
		break;
	case XP_F_HEX_HEAP:
		fill_hex_heap(f, base);
		break;
	case XP_F_ENUM:
		fill_enum(f, at);
		break;
	case XP_F_OBJECT:
	case XP_F_INLINE:
		fill_struct(f->sub, at);
		break;
	case XP_F_LIST:
	case XP_F_HEAP:
	case XP_F_STRINGS:
		fill_list(f, base);
		break;
	case XP_F_TREE:
		fill_tree(at);
		break;
	case XP_F_CONST:
		break;
	}
}

static void fill_presence(const struct xp_field *f, uint8_t *base)
{
	bool yes = true;

	switch (f->presence) {
	case XP_P_ALWAYS:
		fill_field(f, base);
		return;
	case XP_P_WHEN:
		if (f->when(base))
			fill_field(f, base);
		return;
	case XP_P_UNLESS_MAX:
		memset(base + f->offset, 0xff, f->size);
		break;
	case XP_P_FLAG:
	case XP_P_OPTIONAL:
	case XP_P_GIVEN:
		break;
	}
	if (next() & 1)
		return;
	if (f->presence == XP_P_FLAG)
		memcpy(base + f->flag, &yes, sizeof(yes));
	fill_field(f, base);
}

/* computed, constant, or for reading only */
static bool is_of_the_record(const struct xp_field *f)
{
	static const char *const others[] = {"policy", "standard", "verification", "crit"};

	for (size_t i = 0; f->key && i < XP_ARRAY_LEN(others); i++)
		if (strcmp(f->key, others[i]) == 0)
			return false;
	return true;
}

static void fill_struct(const struct xp_schema *s, uint8_t *base)
{
	for (size_t i = 0; i < s->n; i++)
		if ((s != &xp_schema_record && s != &xp_schema_validation) ||
		    is_of_the_record(&s->fields[i]))
			fill_presence(&s->fields[i], base);
}

static struct xp_record_doc *random_doc(const struct xp_schema *s)
{
	struct xp_record_doc *doc = calloc(1, sizeof(*doc));

	assert_non_null(doc);
	fill_struct(s, (uint8_t *)doc);
	if (s == &xp_schema_validation) {
		doc->r.kind = XP_RECORD_VALIDATION;
		return doc;
	}
	doc->r.policy_json = strdup("{\"edition\":\"e\",\"name\":\"n\",\"standard\":\"s\"}");
	assert_non_null(doc->r.policy_json);
	doc->r.policy_len = strlen(doc->r.policy_json);
	return doc;
}

/* ---- comparing two structs by their fields ---- */

static bool same_struct(const struct xp_schema *s, const uint8_t *a, const uint8_t *b);

static bool same_list(const struct xp_field *f, const uint8_t *a, const uint8_t *b)
{
	const uint8_t *x = a + f->offset;
	const uint8_t *y = b + f->offset;
	size_t n = 0;

	if (memcmp(a + f->count, b + f->count, f->count_size) != 0)
		return false;
	memcpy(&n, a + f->count, f->count_size);
	if (f->type == XP_F_HEAP || f->type == XP_F_HEX_HEAP) {
		memcpy(&x, a + f->offset, sizeof(x));
		memcpy(&y, b + f->offset, sizeof(y));
	}
	if (f->type == XP_F_HEX_HEAP || f->type == XP_F_HEX_PART)
		return !n || memcmp(x, y, n) == 0;
	for (size_t i = 0; i < n; i++) {
		if (f->type == XP_F_STRINGS
			    ? strcmp((const char *)x + i * f->size,
				     (const char *)y + i * f->size) != 0
			    : !same_struct(f->sub, x + i * f->sub->size, y + i * f->sub->size))
			return false;
	}
	return true;
}

static bool same_tree(const uint8_t *a, const uint8_t *b)
{
	json_t *x;
	json_t *y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x == y || (x && y && json_equal(x, y));
}

static bool same_field(const struct xp_field *f, const uint8_t *a, const uint8_t *b)
{
	const uint8_t *x = a + f->offset;
	const uint8_t *y = b + f->offset;

	switch (f->type) {
	case XP_F_TEXT:
	case XP_F_ASCII:
	case XP_F_TOKEN:
	case XP_F_WORD:
	case XP_F_UUID:
	case XP_F_UUID7:
	case XP_F_SHA256:
	case XP_F_DATE:
		return strcmp((const char *)x, (const char *)y) == 0;
	case XP_F_OBJECT:
	case XP_F_INLINE:
		return same_struct(f->sub, x, y);
	case XP_F_HEX_PART:
	case XP_F_HEX_HEAP:
	case XP_F_LIST:
	case XP_F_HEAP:
	case XP_F_STRINGS:
		return same_list(f, a, b);
	case XP_F_TREE:
		return same_tree(x, y);
	case XP_F_CONST:
		return true;
	case XP_F_BOOL:
	case XP_F_UINT:
	case XP_F_DECIMAL:
	case XP_F_SIGNED:
	case XP_F_TIME:
	case XP_F_HEX:
	case XP_F_ENUM:
		break;
	}
	return memcmp(x, y, f->size) == 0;
}

static bool same_struct(const struct xp_schema *s, const uint8_t *a, const uint8_t *b)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct xp_field *f = &s->fields[i];

		if ((s == &xp_schema_record || s == &xp_schema_validation) && !is_of_the_record(f))
			continue;
		if (f->presence == XP_P_WHEN && !f->when(a) && !f->when(b))
			continue;
		if (!same_field(f, a, b)) {
			print_error("%s differs\n", f->key ? f->key : "-");
			return false;
		}
	}
	return true;
}

static void doc_free(struct xp_record_doc *doc)
{
	xp_record_free(&doc->r);
	free(doc);
}

static void expect_the_same_back(const struct xp_schema *s)
{
	for (uint64_t i = 1; i <= 150; i++) {
		struct xp_record_doc *a;
		struct xp_record_doc *b = calloc(1, sizeof(*b));
		struct xp_findings f = {0};
		struct xp_err err = {0};
		char *json = NULL;
		char *again = NULL;
		size_t len;
		size_t again_len;

		assert_non_null(b);
		seed = i * 0x9e3779b97f4a7c15ULL;
		a = random_doc(s);
		if (xp_record_write(&json, &len, &a->r, &err) != XP_OK)
			fail_msg("seed %" PRIu64 ": %s", i, err.msg);
		if (xp_record_parse(&b->r, json, len, &f, &err) != XP_OK)
			fail_msg("seed %" PRIu64 ": %s", i, f.n ? f.list[0].text : err.msg);
		if (!same_struct(s, (uint8_t *)a, (uint8_t *)b))
			fail_msg("seed %" PRIu64 ": another record came back", i);
		assert_int_equal(xp_record_write(&again, &again_len, &b->r, &err), XP_OK);
		assert_int_equal(len, again_len);
		assert_memory_equal(json, again, len);
		free(json);
		free(again);
		xp_findings_free(&f);
		doc_free(a);
		doc_free(b);
	}
}

static void test_record_random_comes_back_the_same(void **state)
{
	(void)state;
	expect_the_same_back(&xp_schema_record);
}

static void test_validation_random_comes_back_the_same(void **state)
{
	(void)state;
	expect_the_same_back(&xp_schema_validation);
}

/* ---- nothing of the structs is left out of the record ---- */

static void mark_struct(uint8_t *marks, const struct xp_schema *s, size_t at);
static void expect_covered(const struct xp_schema *s, size_t size, const char *name);

/* The first byte of a value carries what it is aligned to. */
static void mark(uint8_t *marks, size_t at, size_t n, size_t alignment)
{
	memset(marks + at, 1, n);
	marks[at] = (uint8_t)alignment;
}

static size_t alignment_of(const struct xp_field *f)
{
	switch (f->type) {
	case XP_F_UINT:
	case XP_F_DECIMAL:
	case XP_F_SIGNED:
	case XP_F_TIME:
	case XP_F_ENUM:
	case XP_F_HEX_HEAP:
	case XP_F_HEAP:
	case XP_F_TREE:
		return f->size;
	default:
		return 1;
	}
}

static size_t alignment_of_struct(const struct xp_schema *s)
{
	size_t most = 1;

	for (size_t i = 0; i < s->n; i++) {
		const struct xp_field *f = &s->fields[i];
		bool nested = f->type == XP_F_OBJECT || f->type == XP_F_INLINE;
		size_t own = nested ? alignment_of_struct(f->sub) : alignment_of(f);

		most = own > most ? own : most;
		most = f->count_size > most ? f->count_size : most;
	}
	return most;
}

static void mark_part(uint8_t *marks, const struct xp_schema *s, size_t at)
{
	expect_covered(s, s->size, "part");
	mark(marks, at, s->size, alignment_of_struct(s));
}

static void mark_field(uint8_t *marks, const struct xp_field *f, size_t at)
{
	if (f->type == XP_F_OBJECT && !f->size) /* a view of the struct around it */
		mark_struct(marks, f->sub, at);
	else if (f->type == XP_F_OBJECT || f->type == XP_F_INLINE)
		mark_part(marks, f->sub, at + f->offset);
	else if (f->type == XP_F_LIST)
		for (size_t i = 0; i < f->max; i++)
			mark_part(marks, f->sub, at + f->offset + i * f->sub->size);
	else if (f->type == XP_F_STRINGS)
		mark(marks, at + f->offset, f->max * f->size, 1);
	else if (f->type != XP_F_CONST)
		mark(marks, at + f->offset, f->size, alignment_of(f));
	if (f->type == XP_F_LIST || f->type == XP_F_HEAP)
		expect_covered(f->sub, f->sub->size, f->key);
	if (f->count_size)
		mark(marks, at + f->count, f->count_size, f->count_size);
	if (f->cap)
		mark(marks, at + f->cap, sizeof(size_t), sizeof(size_t));
	if (f->presence == XP_P_FLAG)
		mark(marks, at + f->flag, sizeof(bool), 1);
}

static void mark_struct(uint8_t *marks, const struct xp_schema *s, size_t at)
{
	for (size_t i = 0; i < s->n; i++)
		mark_field(marks, &s->fields[i], at);
}

/* What the tables do not show: the policy, which is policy.document, and where structs begin. */
static void mark_record(uint8_t *marks)
{
	mark(marks, offsetof(struct xp_record, policy_json), sizeof(char *) + sizeof(size_t),
	     sizeof(char *));
	marks[offsetof(struct xp_record, clock)] =
		_Alignof(__typeof__(((struct xp_record *)0)->clock));
	marks[offsetof(struct xp_record, tool)] =
		_Alignof(__typeof__(((struct xp_record *)0)->clock));
	marks[offsetof(struct xp_record, validation)] = _Alignof(struct xp_validation);
	marks[offsetof(struct xp_record, log)] = _Alignof(__typeof__(((struct xp_record *)0)->log));
}

/* A hole is padding only where what follows it is aligned further than the hole is long. */
static void expect_covered(const struct xp_schema *s, size_t size, const char *name)
{
	uint8_t *marks = calloc(1, sizeof(struct xp_record_doc) + s->size);

	assert_non_null(marks);
	mark_struct(marks, s, 0);
	if (s == &xp_schema_record) {
		/* the other kind has its fields in the same struct */
		mark_struct(marks, &xp_schema_validation, 0);
		mark_record(marks);
	}
	for (size_t i = 0; i < size; i++) {
		size_t end = i;
		size_t alignment;

		while (end < size && !marks[end])
			end++;
		alignment = end < size ? marks[end] : sizeof(uint64_t);
		if (end > i && (end - i >= alignment || end % alignment))
			fail_msg("%s: bytes %zu to %zu of the struct are in no field", name, i,
				 end);
		i = end;
	}
	free(marks);
}

static void test_record_tables_cover_the_structs(void **state)
{
	(void)state;
	expect_covered(&xp_schema_record, sizeof(struct xp_record), "record");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_random_comes_back_the_same),
		cmocka_unit_test(test_validation_random_comes_back_the_same),
		cmocka_unit_test(test_record_tables_cover_the_structs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
