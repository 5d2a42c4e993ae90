/* cms_parts: a signature file taken to pieces and put together in ways that our own signer never
 * does. */
#pragma once
#include "certs/cms.h"
#include "tests/fake/pki_lab.h"

#define PARTS_MAX 4

struct cms_part_signer {
	uint8_t version;
	struct xp_buf sid;	/* SEQUENCE */
	struct xp_buf digest;	/* AlgorithmIdentifier */
	struct xp_buf attrs[8]; /* each an Attribute */
	unsigned attrs_n;
	bool no_attrs;
	struct xp_buf algorithm;
	struct xp_buf signature;      /* the octets */
	struct xp_buf unsigned_attrs; /* [1], or empty */
};

struct cms_parts {
	uint8_t version;
	struct xp_buf digests; /* contents of the SET */
	struct xp_buf content; /* EncapsulatedContentInfo */
	struct xp_buf certs[PARTS_MAX];
	unsigned certs_n;
	struct xp_buf crls[PARTS_MAX];
	unsigned crls_n;
	struct cms_part_signer signers[PARTS_MAX];
	unsigned signers_n;
	bool unsorted; /* sets stay in the order in which they are given */
};

/* The pieces of a good file. */
void cms_parts_take(struct cms_parts *p, const uint8_t *p7s, size_t len);
/* Adds the signer and the certificates of another file over the same content. */
void cms_parts_join(struct cms_parts *p, const uint8_t *p7s, size_t len);
/* Signs the attributes of signer I again, as they are now, with KEY. */
void cms_parts_sign(struct cms_parts *p, unsigned i, EVP_PKEY *key);
/* malloc'ed. */
uint8_t *cms_parts_build(struct cms_parts *p, size_t *len);
void cms_parts_free(struct cms_parts *p);
/* B becomes the DER of AlgorithmIdentifier with the OID whose contents are given. */
void cms_part_algorithm(struct xp_buf *b, const char *oid, size_t len);
void cms_part_set(struct xp_buf *b, const void *data, size_t len);
