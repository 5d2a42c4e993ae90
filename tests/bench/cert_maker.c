#include "tests/bench/cert_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "cert_maker: %s\n", what);
		exit(70);
	}
}

void cert_maker_open(struct cert_maker *m)
{
	const struct xp_pki_subject ca = {.name = "Bench Root"};
	const struct xp_pki_subject who = {.name = "Bench", .person_id = "b-1"};
	int64_t now = xp_clock_system()->wall_s(NULL);
	STACK_OF(X509) *certs = sk_X509_new_null();
	STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();

	*m = (struct cert_maker){0};
	must(xp_pki_key_new(&m->root_key, NULL) == XP_OK && xp_pki_key_new(&m->key, NULL) == XP_OK,
	     "keys");
	must(xp_pki_root_new(&m->root, m->root_key, &ca, now - 86400, now + 86400 * 99, NULL) ==
			     XP_OK &&
		     xp_pki_issue(&m->cert, m->key, XP_ROLE_PERFORMER, &who, now - 86400,
				  now + 86400, m->root, m->root_key, NULL) == XP_OK &&
		     xp_pki_crl_new(&m->crl, NULL, NULL, m->root, m->root_key, now - 60,
				    now + 86400, NULL) == XP_OK,
	     "certificates");
	must(certs && crls && sk_X509_push(certs, m->cert) > 0, "memory");
	must(xp_signing_key_make(&m->signer, m->key, certs, crls, NULL) == XP_OK, "signing key");
	sk_X509_free(certs);
	sk_X509_CRL_free(crls);
}

void cert_pair_free(struct cert_pair *p)
{
	free(p->json);
	free(p->p7s);
	*p = (struct cert_pair){0};
}

void cert_maker_close(struct cert_maker *m)
{
	for (unsigned i = 0; i < m->n; i++)
		cert_pair_free(&m->pairs[i]);
	free(m->pairs);
	xp_signing_key_free(&m->signer);
	X509_free(m->root);
	X509_free(m->cert);
	X509_CRL_free(m->crl);
	EVP_PKEY_free(m->root_key);
	EVP_PKEY_free(m->key);
	*m = (struct cert_maker){0};
}

static struct xp_record *read_record(void)
{
	struct xp_record *r = calloc(1, sizeof(*r));
	AUTO(xp_findings_free) struct xp_findings f = {0};
	AUTO(xp_policy_free) struct xp_policy *policy = NULL;
	AUTO_MEM char *json = NULL;
	size_t len = 0;

	must(r && xp_file_read(&json, &len, "tests/fuzz/corpus/record/good-sample.json", 1 << 20,
			       NULL) == XP_OK,
	     "record");
	must(xp_record_parse(r, json, len, &f, NULL) == XP_OK, "record");
	free(r->policy_json);
	must(xp_file_read(&r->policy_json, &r->policy_len, "docs/policies/nist-800-88r2.json",
			  1 << 20, NULL) == XP_OK,
	     "policy");
	must(xp_policy_parse(&policy, r->policy_json, r->policy_len, NULL) == XP_OK, "policy");
	xp_claim_compute(&r->claim, &r->evidence, policy);
	return r;
}

static void sign(struct cert_pair *p, struct cert_maker *m)
{
	must(xp_sign(&p->p7s, &p->p7s_len, m->signer, p->json, p->json_len,
		     xp_clock_system()->wall_s(NULL), NULL) == XP_OK,
	     "signature");
}

void cert_maker_pairs(struct cert_maker *m, unsigned n)
{
	struct xp_record *r = read_record();

	m->pairs = calloc(n, sizeof(*m->pairs));
	must(m->pairs, "memory");
	m->n = n;
	r->signers_n = r->persons_n = 1;
	xp_signing_key_describe(&r->signers[0], &r->persons[0], m->signer);
	for (unsigned i = 0; i < n; i++) {
		r->nonce[0] = (uint8_t)i;
		must(xp_record_write(&m->pairs[i].json, &m->pairs[i].json_len, r, NULL) == XP_OK,
		     "record");
		sign(&m->pairs[i], m);
	}
	xp_record_free(r);
	free(r);
}

/* Every FROM in TEXT becomes TO, of the same length. */
static void replace(char *text, const char *from, const char *to)
{
	unsigned n = 0;

	for (char *at = text; (at = strstr(at, from)); at += strlen(to), n++)
		memcpy(at, to, strlen(to));
	must(n, from);
}

void cert_maker_another(struct cert_pair *out, struct cert_maker *m, unsigned i)
{
	static const char old_name[] = "disk.img";
	static const char old_id[] = "019ab6f2-5c00-7a11-8b22-0123456789ab";
	char name[16];
	char id[40];

	must(i < 100000000 && m->n, "number");
	snprintf(name, sizeof(name), "%08u", i);
	snprintf(id, sizeof(id), "019ab6f2-5c00-7a11-8b22-0000%08u", i);
	*out = (struct cert_pair){.json = strdup(m->pairs[0].json),
				  .json_len = m->pairs[0].json_len};
	must(out->json, "memory");
	replace(out->json, old_name, name);
	replace(out->json, old_id, id);
	sign(out, m);
}

static void put(const char *folder, const char *name, const void *data, size_t len)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	must(f && fwrite(data, 1, len, f) == len && fclose(f) == 0, path);
}

void cert_maker_write(struct cert_maker *m, const char *folder, unsigned i)
{
	struct cert_pair p;
	char name[64];

	cert_maker_another(&p, m, i);
	snprintf(name, sizeof(name), "019ab6f2-5c00-7a11-8b22-0000%08u.json", i);
	put(folder, name, p.json, p.json_len);
	snprintf(name, sizeof(name), "019ab6f2-5c00-7a11-8b22-0000%08u.json.p7s", i);
	put(folder, name, p.p7s, p.p7s_len);
	cert_pair_free(&p);
}

void cert_maker_write_trust(struct cert_maker *m, const char *folder)
{
	AUTO_MEM char *pem = NULL;
	AUTO_MEM char *list = NULL;
	size_t pem_len = 0;
	size_t list_len = 0;

	must(xp_pki_cert_to_pem(&pem, &pem_len, m->root, NULL) == XP_OK &&
		     xp_pki_crl_to_pem(&list, &list_len, m->crl, NULL) == XP_OK,
	     "PEM");
	put(folder, "root.pem", pem, pem_len);
	put(folder, "root.crl", list, list_len);
}
