#include "tests/fake/check_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fake/record_sample.h"

#define TWO_WAYS_EVERY 401 /* a prime: all bits of a byte in turn */

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "check_lab: %s\n", what);
		abort();
	}
}

static void name_signer(struct xp_record *r, struct lab_person *p)
{
	struct xp_signing_key *k = lab_signing_key(p, NULL);

	xp_signing_key_describe(&r->signers[r->signers_n++], &r->persons[r->persons_n++], k);
	xp_signing_key_free(&k);
}

void check_lab_name_signers(struct check_lab *l, bool alice, bool bob)
{
	struct xp_err err = {0};

	l->record->signers_n = 0;
	l->record->persons_n = 0;
	if (alice)
		name_signer(l->record, &l->alice);
	if (bob)
		name_signer(l->record, &l->bob);
	free(l->json);
	l->json = NULL;
	if (xp_record_write(&l->json, &l->json_len, l->record, &err) != XP_OK) {
		fprintf(stderr, "check_lab: %s\n", err.msg);
		abort();
	}
}

void check_lab_sign(struct check_lab *l, X509_CRL *crl)
{
	struct xp_signing_key *k = lab_signing_key(&l->alice, crl);

	free(l->p7s);
	l->p7s = NULL;
	must(xp_sign(&l->p7s, &l->p7s_len, k, l->json, l->json_len, LAB_NOW_S, NULL) == XP_OK,
	     "signature");
	xp_signing_key_free(&k);
}

struct xp_check *check_lab_checker(struct check_lab *l, X509_CRL *crl)
{
	struct xp_check *c = NULL;
	char *pem = lab_cert_pem(l->lab.root);
	char *list = crl ? lab_crl_pem(crl) : NULL;

	must(xp_check_new(&c, lab_clock(), NULL) == XP_OK, "checker");
	must(xp_trust_add_anchors(xp_check_trust(c), pem, strlen(pem), "root", NULL) == XP_OK,
	     "anchor");
	must(!list || xp_trust_add_crls(xp_check_trust(c), list, strlen(list), "list", NULL) ==
			      XP_OK,
	     "list");
	free(pem);
	free(list);
	return c;
}

/* A policy in few bytes, and the claim that the sample's evidence earns by it. */
static void use_policy(struct xp_record *r)
{
	static const char text[] =
		"{\"schema\":\"expunge-policy/1\",\"name\":\"lab\",\"title\":\"Lab\","
		"\"standard\":\"NIST SP 800-88\",\"edition\":\"r2\",\"table_source\":\"Lab\","
		"\"level\":\"purge\",\"verification\":{\"mode\":\"full\"},"
		"\"overwrite_passes\":{\"hdd\":1,\"ssd\":1,\"hybrid\":1,\"usb-flash\":1,"
		"\"unknown\":1,\"virtual\":1},\"caps\":{\"overwrite-zero\":{\"virtual\":\"clear\"}}"
		","
		"\"preference\":[\"overwrite-zero\"],\"fallback\":{\"allowed\":true,"
		"\"to_lower_level\":true},\"vendor_statements\":[]}";
	struct xp_policy *policy = NULL;
	struct xp_err err = {0};

	if (xp_policy_parse(&policy, text, sizeof(text) - 1, &err) != XP_OK)
		fprintf(stderr, "check_lab: %s\n", err.msg);
	must(policy, "policy");
	free(r->policy_json);
	r->policy_json = strdup(text);
	must(r->policy_json, "memory");
	r->policy_len = sizeof(text) - 1;
	r->asked = XP_CLEAR;
	r->accepted = XP_CLEAR;
	xp_claim_compute(&r->claim, &r->evidence, policy);
	xp_policy_free(&policy);
}

void check_lab_open(struct check_lab *l, bool with_crl)
{
	*l = (struct check_lab){0};
	lab_open(&l->lab);
	lab_person_new(&l->alice, &l->lab, XP_ROLE_PERFORMER, "Alice", "p-1");
	lab_person_new(&l->bob, &l->lab, XP_ROLE_VALIDATOR, "Bob", "p-2");
	l->record = record_sample_new();
	use_policy(l->record);
	check_lab_name_signers(l, true, false);
	check_lab_sign(l, with_crl ? l->lab.crl : NULL);
	l->check = check_lab_checker(l, l->lab.crl);
}

void check_lab_close(struct check_lab *l)
{
	xp_check_free(&l->check);
	record_sample_free(l->record);
	free(l->json);
	free(l->p7s);
	lab_person_free(&l->alice);
	lab_person_free(&l->bob);
	lab_close(&l->lab);
}

static void say_difference(const char *what, const struct xp_check_result *a,
			   const struct xp_check_result *b)
{
	const struct xp_check_result *both[2] = {a, b};

	fprintf(stderr, "check_lab: two ways through the checks differ: %s\n", what);
	for (unsigned k = 0; k < 2; k++)
		for (size_t i = 0; i < both[k]->findings.n; i++)
			fprintf(stderr, "  way %u: %s %s\n", k, both[k]->findings.list[i].code,
				both[k]->findings.list[i].text);
	abort();
}

static bool are_same_findings(const struct xp_findings *a, const struct xp_findings *b)
{
	bool same = a->n == b->n && a->lost == b->lost;

	for (size_t i = 0; same && i < a->n; i++)
		same = strcmp(a->list[i].code, b->list[i].code) == 0 &&
		       strcmp(a->list[i].text, b->list[i].text) == 0;
	return same;
}

static bool are_same_records(const struct xp_record *a, const struct xp_record *b)
{
	char *x = NULL;
	char *y = NULL;
	size_t x_len = 0;
	size_t y_len = 0;
	bool same = !a == !b;

	if (a && b)
		same = xp_record_write(&x, &x_len, a, NULL) == XP_OK &&
		       xp_record_write(&y, &y_len, b, NULL) == XP_OK && x_len == y_len &&
		       memcmp(x, y, x_len) == 0 && a->policy_len == b->policy_len &&
		       (!a->policy_len ||
			memcmp(a->policy_json, b->policy_json, a->policy_len) == 0);
	free(x);
	free(y);
	return same;
}

void check_lab_compare(const struct xp_check_result *a, const struct xp_check_result *b)
{
	if (!are_same_findings(&a->findings, &b->findings))
		say_difference("findings", a, b);
	if (!are_same_records(a->record, b->record))
		say_difference("the record", a, b);
	if (memcmp(a->json_sha256, b->json_sha256, 32) != 0 || a->signers_n != b->signers_n ||
	    memcmp(a->signers, b->signers, a->signers_n * sizeof(a->signers[0])) != 0 ||
	    a->time_is_proven != b->time_is_proven || a->voices_n != b->voices_n)
		say_difference("the signers", a, b);
}

static void compare_with(const struct xp_check *c, const struct xp_check_result *r,
			 const struct check_lab_pair *p)
{
	struct xp_check_result again;

	must(xp_check_pair(&again, c, p->json, p->json_len, p->p7s, p->p7s_len, NULL) == XP_OK,
	     "check");
	check_lab_compare(r, &again);
	xp_check_result_free(&again);
}

void check_lab_two_ways(const struct xp_check *c, const struct xp_check_result *r,
			const struct check_lab_pair *p)
{
	struct xp_check *other = NULL;

	compare_with(c, r, p);
	must(xp_check_share(&other, c, NULL) == XP_OK, "checker");
	xp_check_without_memory(other);
	compare_with(other, r, p);
	xp_check_free(&other);
}

static int run(const struct xp_check *c, struct check_lab_pair p, bool two_ways, char *codes,
	       size_t size)
{
	struct xp_check_result r;
	size_t used = 0;
	int code;

	must(xp_check_pair(&r, c, p.json, p.json_len, p.p7s, p.p7s_len, NULL) == XP_OK, "check");
	if (two_ways)
		check_lab_two_ways(c, &r, &p);
	codes[0] = 0;
	for (size_t i = 0; i < r.findings.n && used < size; i++)
		used += (size_t)snprintf(codes + used, size - used, "%s ", r.findings.list[i].code);
	code = xp_check_exit_code(&r);
	xp_check_result_free(&r);
	return code;
}

bool check_lab_has(const char *codes, const char *code)
{
	size_t n = strlen(code);

	while (n && code[n - 1] == ' ')
		n--;
	for (const char *at = codes; n && (at = strstr(at, code)); at++)
		if ((at == codes || at[-1] == ' ') &&
		    (!at[n] || at[n] == ' ' || code[n - 1] == '_'))
			return true;
	return !n;
}

int check_lab_run(const struct xp_check *c, const void *json, size_t json_len, const void *p7s,
		  size_t p7s_len, char *codes, size_t size)
{
	return run(c, (struct check_lab_pair){json, json_len, p7s, p7s_len}, true, codes, size);
}

/* Flips bits FIRST, FIRST + STEP, ... of DATA in turn. The number of flips that were let through.
 */
static unsigned try_bits(struct check_lab *l, uint8_t *data, size_t len, size_t first, size_t step)
{
	unsigned let_through = 0;
	char codes[1024];

	for (size_t bit = first; bit < len * 8; bit += step) {
		int code;

		data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		/* the checker is warm; now and then, has the long way anything else to say? */
		code = run(l->check,
			   (struct check_lab_pair){l->json, l->json_len, l->p7s, l->p7s_len},
			   bit % TWO_WAYS_EVERY == 0, codes, sizeof(codes));
		data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		if ((code == 1 || code == 2) && (strstr(codes, "E_") || strstr(codes, "I_")))
			continue;
		fprintf(stderr, "byte %zu bit %zu: exit code %d, %s\n", bit / 8, bit % 8, code,
			codes);
		let_through++;
	}
	return let_through;
}

unsigned check_lab_flip_bits(struct check_lab *l, uint8_t *data, size_t len)
{
#ifdef __SANITIZE_ADDRESS__
	const size_t step = 23 * 2; /* a part of it, over all eight bits: the sanitizer is slow */
#else
	const size_t step = 2;
#endif
	unsigned mine;
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	must(child >= 0, "fork");
	if (child == 0)
		_exit(try_bits(l, data, len, step / 2, step) ? 1 : 0);
	mine = try_bits(l, data, len, 0, step);
	must(waitpid(child, &status, 0) == child && WIFEXITED(status), "waitpid");
	return mine + (unsigned)WEXITSTATUS(status);
}
