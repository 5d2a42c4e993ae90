#include "tests/fake/pki_lab.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "pki_lab: %s\n", what);
		abort();
	}
}

void lab_open(struct lab *l)
{
	const struct xp_pki_subject s = {.name = "Lab Root", .organization = "Lab"};

	*l = (struct lab){0};
	must(xp_pki_key_new(&l->root_key, NULL) == XP_OK, "root key");
	must(xp_pki_root_new(&l->root, l->root_key, &s, LAB_NOW_S - 365 * LAB_DAY_S,
			     LAB_NOW_S + 3650 * LAB_DAY_S, NULL) == XP_OK,
	     "root");
	must(xp_pki_crl_new(&l->crl, NULL, NULL, l->root, l->root_key, LAB_NOW_S - LAB_DAY_S,
			    LAB_NOW_S + 30 * LAB_DAY_S, NULL) == XP_OK,
	     "list");
}

void lab_close(struct lab *l)
{
	xp_pki_key_free(&l->root_key);
	xp_pki_cert_free(&l->root);
	xp_pki_crl_free(&l->crl);
}

void lab_person_new(struct lab_person *p, struct lab *l, enum xp_role role, const char *name,
		    const char *person_id)
{
	const struct xp_pki_subject s = {
		.name = name, .organization = "Lab", .person_id = person_id};

	*p = (struct lab_person){0};
	must(xp_pki_key_new(&p->key, NULL) == XP_OK, "key");
	must(xp_pki_issue(&p->cert, p->key, role, &s, LAB_NOW_S - 30 * LAB_DAY_S,
			  LAB_NOW_S + 700 * LAB_DAY_S, l->root, l->root_key, NULL) == XP_OK,
	     "certificate");
}

void lab_person_free(struct lab_person *p)
{
	xp_pki_key_free(&p->key);
	xp_pki_cert_free(&p->cert);
}

struct xp_signing_key *lab_signing_key(struct lab_person *p, X509_CRL *crl)
{
	struct xp_signing_key *k = NULL;
	STACK_OF(X509) *certs = sk_X509_new_null();
	STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();

	must(certs && crls && sk_X509_push(certs, p->cert), "stack");
	must(!crl || sk_X509_CRL_push(crls, crl), "stack");
	must(xp_signing_key_make(&k, p->key, certs, crls, NULL) == XP_OK, "signing key");
	sk_X509_free(certs);
	sk_X509_CRL_free(crls);
	return k;
}

static int64_t wall(void *ctx)
{
	(void)ctx;
	return LAB_NOW_S;
}

static uint64_t monotonic(void *ctx)
{
	(void)ctx;
	return 0;
}

const struct xp_clock *lab_clock(void)
{
	static const struct xp_clock clock = {.wall_s = wall, .monotonic_ns = monotonic};

	return &clock;
}

char *lab_cert_pem(X509 *c)
{
	char *pem = NULL;
	size_t len = 0;

	must(xp_pki_cert_to_pem(&pem, &len, c, NULL) == XP_OK, "PEM");
	return pem;
}

char *lab_crl_pem(X509_CRL *c)
{
	char *pem = NULL;
	size_t len = 0;

	must(xp_pki_crl_to_pem(&pem, &len, c, NULL) == XP_OK, "PEM");
	return pem;
}
