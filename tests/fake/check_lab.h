/* check_lab: a record, signed by people of the lab, and a checker that trusts the lab's root. */
#pragma once
#include "certs/check.h"
#include "tests/fake/pki_lab.h"

struct check_lab {
	struct lab lab;
	struct lab_person alice; /* performer */
	struct lab_person bob;	 /* validator */
	struct xp_check *check;	 /* trusts the root, knows its list */
	struct xp_record *record;
	char *json;
	size_t json_len;
	uint8_t *p7s;
	size_t p7s_len;
};

struct check_lab_pair {
	const void *json;
	size_t json_len;
	const void *p7s;
	size_t p7s_len;
};

/* A record that alice signed at LAB_NOW_S; WITH_CRL: the signature carries the list, too. */
void check_lab_open(struct check_lab *l, bool with_crl);
void check_lab_close(struct check_lab *l);
/* Names the people who will sign, as "performer" alice and "validator" bob; writes the JSON again.
 */
void check_lab_name_signers(struct check_lab *l, bool alice, bool bob);
/* Signs l->json again with alice's key. */
void check_lab_sign(struct check_lab *l, X509_CRL *crl);
/* A new checker of the lab's root and, unless NULL, CRL. */
struct xp_check *check_lab_checker(struct check_lab *l, X509_CRL *crl);
/* Aborts where two checks of the same bytes do not say the same. */
void check_lab_compare(const struct xp_check_result *a, const struct xp_check_result *b);
/* Checks a pair again, by what C remembers by now and by a checker that remembers nothing: aborts
 * where either says anything else than R. */
void check_lab_two_ways(const struct xp_check *c, const struct xp_check_result *r,
			const struct check_lab_pair *p);
/* Checks a pair, in two ways; the exit code. CODES gets the codes, in order, each followed by a
 * blank. */
int check_lab_run(const struct xp_check *c, const void *json, size_t json_len, const void *p7s,
		  size_t p7s_len, char *codes, size_t size);
/*
 * Does CODE (or some in a row, with blanks between) stand among CODES, as a whole word? One that
 * ends with '_' is the beginning of one; an empty one is any.
 */
bool check_lab_has(const char *codes, const char *code);
/*
 * Flips each bit of DATA (a part of the pair) and checks; half of it in a second process. How many
 * flips were let through: neither failed nor indeterminate, or without a code.
 */
unsigned check_lab_flip_bits(struct check_lab *l, uint8_t *data, size_t len);
