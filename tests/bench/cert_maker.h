/* cert_maker: records and their signatures for the benchmarks, as fast as they can be made. */
#pragma once
#include "certs/check.h"
#include "certs/key.h"

struct cert_pair {
	char *json;
	size_t json_len;
	uint8_t *p7s;
	size_t p7s_len;
};

struct cert_maker {
	EVP_PKEY *root_key, *key;
	X509 *root, *cert;
	X509_CRL *crl;
	struct xp_signing_key *signer;
	struct cert_pair *pairs;
	unsigned n;
};

/* A root, its list and a performer. What fails ends the program. */
void cert_maker_open(struct cert_maker *m);
void cert_maker_close(struct cert_maker *m);
/* N pairs of one record: a sampled overwrite, judged by the policy that is used most. */
void cert_maker_pairs(struct cert_maker *m, unsigned n);
/* The first pair as that of the target number I (below 100 million), with an id of its own. */
void cert_maker_another(struct cert_pair *out, struct cert_maker *m, unsigned i);
/* ID.json and ID.json.p7s of such a pair in FOLDER. */
void cert_maker_write(struct cert_maker *m, const char *folder, unsigned i);
/* The root as root.pem and its list as root.crl. */
void cert_maker_write_trust(struct cert_maker *m, const char *folder);
void cert_pair_free(struct cert_pair *p);
