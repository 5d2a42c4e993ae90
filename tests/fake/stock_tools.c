#include "tests/fake/stock_tools.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/ts.h>

#include <stdio.h>
#include <stdlib.h>

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "stock_tools: %s\n", what);
		abort();
	}
}

static X509_STORE *store_of(X509 *root, const struct stock_options *o)
{
	X509_STORE *store = X509_STORE_new();
	unsigned long flags = 0;

	must(store && X509_STORE_add_cert(store, root) == 1, "store");
	for (unsigned i = 0; o && i < 2 && o->crls[i]; i++) {
		must(X509_STORE_add_crl(store, o->crls[i]) == 1, "list");
		flags |= X509_V_FLAG_CRL_CHECK;
	}
	if (o && o->no_check_time)
		flags |= X509_V_FLAG_NO_CHECK_TIME;
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), LAB_NOW_S);
	/* a time that is set is a time that is checked, by this call */
	X509_VERIFY_PARAM_set_flags(X509_STORE_get0_param(store), flags);
	return store;
}

bool stock_cms_accepts(const struct check_lab *l, const void *content, size_t content_len,
		       const uint8_t *p7s, size_t len, const struct stock_options *o)
{
	const unsigned char *at = p7s;
	CMS_ContentInfo *ci = d2i_CMS_ContentInfo(NULL, &at, (long)len);
	BIO *data = BIO_new_mem_buf(content, (int)content_len);
	X509_STORE *store = store_of(l->lab.root, o);
	bool ok;

	must(ci && data, "content");
	ok = CMS_verify(ci, NULL, store, data, NULL, CMS_BINARY) == 1;
	CMS_ContentInfo_free(ci);
	BIO_free(data);
	X509_STORE_free(store);
	ERR_clear_error();
	return ok;
}

bool stock_ts_accepts(X509 *root, const uint8_t *token, size_t token_len, const void *data,
		      size_t data_len)
{
	const unsigned char *at = token;
	PKCS7 *p7 = d2i_PKCS7(NULL, &at, (long)token_len);
	TS_VERIFY_CTX *ctx = TS_VERIFY_CTX_new();
	X509_STORE *store = store_of(root, NULL);
	bool ok;

	must(p7 && ctx, "token");
	TS_VERIFY_CTX_set_flags(ctx,
				TS_VFY_VERSION | TS_VFY_SIGNER | TS_VFY_SIGNATURE | TS_VFY_DATA);
	/* both are the context's from here on */
	TS_VERIFY_CTX_set_store(ctx, store);
	TS_VERIFY_CTX_set_data(ctx, BIO_new_mem_buf(data, (int)data_len));
	ok = TS_RESP_verify_token(ctx, p7) == 1;
	TS_VERIFY_CTX_free(ctx);
	PKCS7_free(p7);
	ERR_clear_error();
	return ok;
}
