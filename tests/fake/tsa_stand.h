/* tsa_stand: the lab's record and an authority for time, before a checker whose clock is set. */
#pragma once
#include "tests/fake/check_lab.h"
#include "tests/fake/tsa_lab.h"

#define SOON_S (LAB_NOW_S + 60)

struct tsa_stand {
	struct check_lab lab;
	struct tsa_lab tsa;
	struct xp_cms cms; /* of lab.p7s */
	int64_t now_s;
};
void tsa_stand_open(struct tsa_stand *s);
/* Fails the test where OpenSSL has an error left. */
void tsa_stand_close(struct tsa_stand *s);
/* The stand of a program whose tests share one, and how its group begins and ends. */
extern struct tsa_stand tsa_stand;
int tsa_stand_setup(void **state);
int tsa_stand_teardown(void **state);
/* The octets that are stamped. */
struct xp_bytes tsa_stand_signature(const struct tsa_stand *s);
/* A lab's signature file with any bytes where the token belongs. */
uint8_t *tsa_lab_with_token(const struct check_lab *l, const void *token, size_t token_len,
			    size_t *len);

struct tsa_who {
	X509 *tsa;	   /* NULL: nobody is believed about time */
	X509_CRL *crl;	   /* NULL: the lab's */
	X509_CRL *tsa_crl; /* NULL: none */
	bool require_time;
};
/* The exit code; CODES as of check_lab_run. */
int tsa_stand_run(struct tsa_stand *s, const void *p7s, size_t len, const struct tsa_who *w,
		  char *codes, size_t size);
void tsa_stand_expect_bytes(struct tsa_stand *s, const void *p7s, size_t len,
			    const struct tsa_who *w, int want, const char *code);
/* The lab's signature, stamped by AUTHORITY as STAMP says (the signature is filled in). */
void tsa_stand_expect(struct tsa_stand *s, struct tsa_lab *authority, struct tsa_stamp stamp,
		      const struct tsa_who *w, int want, const char *code);
