/*
 * fuzz_timestamp: any bytes as a timestamp token, as an authority's reply, and as what a server
 * answers. What is taken as a token must be DER throughout, and nothing may be believed.
 */
#include <stdint.h>
#include <stdlib.h>

#include "certs/timestamp.h"
#include "certs/timestamp_check.h"
#include "certs/timestamp_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void try_token(struct xp_bytes token)
{
	static STACK_OF(X509) * nobody;
	struct xp_timestamp_input in = {
		.token = token, .signature = token, .name = "nobody", .anchors = nobody};
	struct xp_findings f = {0};
	struct xp_timestamp t;
	struct xp_tst parsed;

	if (!nobody)
		nobody = sk_X509_new_null();
	in.anchors = nobody;
	if (xp_tst_parse(&parsed, token, &f) != (f.n == 0) ||
	    (f.n == 0 && !xp_der_is_strict(token.data, token.len)))
		abort();
	xp_timestamp_check(&t, &in, &f);
	if (t.is_good || f.n == 0)
		abort();
	xp_findings_free(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct xp_bytes all = {data, len};
	struct xp_buf body = {0};
	struct xp_http_url url;
	struct xp_bytes token;
	bool done = false;
	char *text = malloc(len + 1);

	if (!text)
		return 0;
	if (len)
		memcpy(text, data, len);
	text[len] = 0;
	try_token(all);
	if (xp_timestamp_reply_token(&token, all, NULL) == XP_OK)
		try_token(token);
	for (int at_end = 0; at_end < 2; at_end++)
		if (xp_http_answer(&body, &done, text, len, at_end != 0, NULL) == XP_OK && done &&
		    body.len == 0)
			abort();
	if (xp_http_url_parse(&url, text, NULL) == XP_OK && !url.host[0])
		abort();
	xp_buf_free(&body);
	free(text);
	return 0;
}
