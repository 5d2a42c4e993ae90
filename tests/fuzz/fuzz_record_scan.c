/*
 * fuzz_record_scan: two readers of one record. What the fast one takes the strict one must take,
 * with the same meaning and the same findings; and what the strict one takes without a word the
 * fast one must take, where it knows the policy.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certs/record_check.h"
#include "certs/record_scan.h"
#include "tests/fuzz/canonical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct xp_record_reader *reader;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void must_be_same(const struct xp_findings *a, const struct xp_findings *b)
{
	must(a->n == b->n && a->lost == b->lost);
	for (size_t i = 0; i < a->n; i++)
		must(strcmp(a->list[i].code, b->list[i].code) == 0 &&
		     strcmp(a->list[i].text, b->list[i].text) == 0);
}

static void compare(const struct xp_record *strict, const struct xp_record *fast,
		    const uint8_t *data, size_t len)
{
	const struct xp_record_known known = xp_record_reader_known(reader);
	struct xp_findings a = {0};
	struct xp_findings b = {0};
	char *json = NULL;
	size_t json_len = 0;

	must(xp_record_write(&json, &json_len, fast, NULL) == XP_OK && json_len == len &&
	     memcmp(json, data, len) == 0);
	must(xp_record_check(strict, &a, NULL) == XP_OK);
	must(xp_record_check_known(fast, &known, &b, NULL) == XP_OK);
	must_be_same(&a, &b);
	xp_findings_free(&a);
	xp_findings_free(&b);
	free(json);
}

/* Nothing about it is left to the strict reader. */
static bool is_plain(const struct xp_record *r)
{
	struct xp_findings texts = {0};
	bool plain = !r->ext && xp_record_check_texts(r, &texts, NULL) == XP_OK && !texts.n;

	xp_findings_free(&texts);
	return plain && (!r->policy_json || xp_policy_memo_find(xp_record_reader_policies(reader),
								r->policy_json, r->policy_len));
}

static void try_bytes(const uint8_t *data, size_t len)
{
	struct xp_record *strict = calloc(1, sizeof(*strict));
	struct xp_record *fast = NULL;
	struct xp_findings findings = {0};
	bool is_good;

	if (!strict)
		return;
	is_good = xp_record_parse(strict, (const char *)data, len, &findings, NULL) == XP_OK;
	if (is_good && strict->policy_json)
		xp_policy_memo_learn(xp_record_reader_policies(reader), strict->policy_json,
				     strict->policy_len);
	xp_record_scan(&fast, reader, (const char *)data, len);
	must(is_good || !fast);
	if (fast)
		compare(strict, fast, data, len);
	else if (is_good)
		must(!is_plain(strict));
	if (fast)
		xp_record_free(fast);
	xp_record_free(strict);
	xp_findings_free(&findings);
	free(fast);
	free(strict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!reader && xp_record_reader_new(&reader, NULL) != XP_OK)
		abort();
	try_bytes(data, len);
	try_canonical(data, len, try_bytes);
	return 0;
}
