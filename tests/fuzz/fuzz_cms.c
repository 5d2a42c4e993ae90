/*
 * fuzz_cms: any bytes as a signature file. What our reader takes must be DER throughout, and the
 * library must read it and write the same bytes again; then the whole check runs on it.
 */
#include <openssl/cms.h>
#include <openssl/err.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certs/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void compare_with_library(const uint8_t *data, size_t len)
{
	const unsigned char *at = data;
	CMS_ContentInfo *ci = d2i_CMS_ContentInfo(NULL, &at, (long)len);
	unsigned char *again = NULL;
	int n;

	if (!xp_der_is_strict(data, len))
		abort();
	/* the library may refuse what has our shape (a name, a key); it must not read it otherwise
	 */
	if (ci) {
		n = i2d_CMS_ContentInfo(ci, &again);
		if (at != data + len || n < 0 || (size_t)n != len || memcmp(again, data, len) != 0)
			abort();
	}
	OPENSSL_free(again);
	CMS_ContentInfo_free(ci);
	ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct xp_check *check;
	struct xp_check_result result;
	struct xp_findings findings = {0};
	struct xp_cms cms;

	if (!check && xp_check_new(&check, xp_clock_system(), NULL) != XP_OK)
		abort();
	if (xp_cms_parse(&cms, data, len, &findings))
		compare_with_library(data, len);
	else if (findings.n == 0)
		abort();
	xp_findings_free(&findings);
	/* nobody is trusted here: nothing may pass */
	if (xp_check_pair(&result, check, "{}", 2, data, len, NULL) == XP_OK &&
	    xp_check_exit_code(&result) == 0)
		abort();
	xp_check_result_free(&result);
	return 0;
}
