/*
 * person: which person a certificate is of, as far as a name tells. A number that is spelled in
 * another way is the same number, and where there is none, two of one name are not two people.
 */
#pragma once
#include <openssl/x509.h>

#include <stdbool.h>
#include <stdint.h>

/*
 * Both for comparing, not for showing: without case, blanks at the ends, doubled blanks, full-width
 * forms and what nobody sees [X.520 caseIgnoreMatch]. Empty: there is none that can be read.
 */
struct xp_person_name {
	char number[192]; /* every serialNumber of the subject */
	char name[384];	  /* its commonName */
};
void xp_person_name_of(struct xp_person_name *out, const X509 *cert);

/* A person before the others, in digests that are cheap to keep. */
struct xp_person_mark {
	uint8_t person[32]; /* the same for two certificates of one person */
	/* the same by the number in the certificate, whatever the roster says; zeroes: none */
	uint8_t by_ca[32];
	/* the same by the number and the key of the CA that gave it, whoever vouches for that CA;
	 * zeroes: none */
	uint8_t by_issuer[32];
	uint8_t by_name[32]; /* zeroes: none */
	bool is_sure;	     /* number or roster tell who it is */
};
/* One person, or two whom nothing tells apart. */
bool xp_person_marks_meet(const struct xp_person_mark *a, const struct xp_person_mark *b);
