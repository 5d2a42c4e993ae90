/* stock_tools: what the programs that everybody has say of the same bytes, by the same library. */
#pragma once
#include "tests/fake/check_lab.h"

/* What `openssl cms -verify` is told beyond the root. */
struct stock_options {
	X509_CRL *crls[2];  /* -crl_check with -CRLfile; NULL: not asked */
	bool no_check_time; /* -no_check_time */
};

/* Is it content with the signature over CONTENT, at LAB_NOW_S? O NULL: nothing beyond. */
bool stock_cms_accepts(const struct check_lab *l, const void *content, size_t content_len,
		       const uint8_t *p7s, size_t len, const struct stock_options *o);
/* Is `openssl ts -verify -token_in -CAfile ROOT` content with the token over DATA? */
bool stock_ts_accepts(X509 *root, const uint8_t *token, size_t token_len, const void *data,
		      size_t data_len);
