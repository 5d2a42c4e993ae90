/* check_stand: the lab's record before a checker whose clock, anchors and lists a test sets. */
#pragma once
#include "certs/log_writer.h"
#include "tests/fake/check_lab.h"

struct check_stand {
	struct check_lab lab; /* its checker is NULL until stand_trust */
	int64_t now_s;
	struct xp_clock clock; /* tells now_s */
};

void stand_open(struct check_stand *s);
/* Fails the test where OpenSSL has an error left. */
void stand_close(struct check_stand *s);
/* The stand of a program whose tests share one, and how its group begins and ends. */
extern struct check_stand check_stand;
int check_stand_setup(void **state);
int check_stand_teardown(void **state);
/* A fresh checker with the given anchor and list (NULL: none). */
void stand_trust(struct check_stand *s, X509 *anchor, X509_CRL *crl);
void stand_also_crl(struct check_stand *s, X509_CRL *crl);
/* The lab's pair ends with WANT; CODE NULL: any. */
void stand_expect(struct check_stand *s, int want, const char *code);
/* Writes and signs the record again, by alice, before that. */
void stand_write_and_expect(struct check_stand *s, int want, const char *code);
/* A list of the lab's root, of AT_S, for DAYS; REVOKED NULL: of nobody. */
X509_CRL *stand_make_crl(struct check_stand *s, const X509 *revoked, int64_t at_s, int64_t days);
/* Appends the leaf of the pair to LOG, and proves it; SIGNATURES: what the leaf says of them; NULL:
 * what is true. */
void stand_log(struct check_stand *s, struct xp_log *log, const uint8_t (*signatures)[32],
	       char **proof, size_t *len);

/* The pair of any lab, as it is, passes. */
void check_lab_passes(struct check_lab *l);
