/*
 * fuzz_record: any bytes as a record. What is accepted must be written again as the same bytes.
 * What is JSON at all is tried a second time in canonical form, so that the search gets behind the
 * spelling.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certs/record_check.h"
#include "tests/fuzz/canonical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void write_again(const struct xp_record *r, const uint8_t *data, size_t len)
{
	struct xp_findings forbidden = {0};
	struct xp_err err = {0};
	char *json = NULL;
	size_t json_len;
	enum xp_rc rc = xp_record_write(&json, &json_len, r, &err);

	if (xp_record_check_texts(r, &forbidden, &err) != XP_OK ||
	    (rc != XP_OK && (rc != XP_E_USAGE || !forbidden.n)))
		abort();
	if (rc == XP_OK && (json_len != len || memcmp(json, data, len) != 0))
		abort();
	xp_findings_free(&forbidden);
	free(json);
}

static void try_bytes(const uint8_t *data, size_t len)
{
	struct xp_record *r = calloc(1, sizeof(*r));
	struct xp_findings findings = {0};
	struct xp_err err = {0};

	if (!r)
		return;
	if (xp_record_parse(r, (const char *)data, len, &findings, &err) == XP_OK) {
		if (findings.n)
			abort();
		write_again(r, data, len);
		if (xp_record_check(r, &findings, &err) != XP_OK)
			abort();
		xp_record_free(r);
	} else if (!findings.n) {
		abort();
	}
	xp_findings_free(&findings);
	free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	try_bytes(data, len);
	try_canonical(data, len, try_bytes);
	return 0;
}
