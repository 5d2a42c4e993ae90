/*
 * bench_certs: how many certificates a second are checked in process, against the raw rate of P-256
 * and against a process a file, as JSON lines. Usage: bench_certs [EXPUNGE-CERT]
 */
#include "certs/check.h"
#include "certs/key.h"

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define RUNS	5
#define PAIRS	64
#define CHECKS	2000
#define PROCESS 10
#define THREADS 2

struct pair {
	char *json;
	size_t json_len;
	uint8_t *p7s;
	size_t p7s_len;
};

static struct pair pairs[PAIRS];
static EVP_PKEY *root_key, *key;
static X509 *root, *cert;
static X509_CRL *crl;

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "bench_certs: %s\n", what);
		exit(70);
	}
}

static double now_s(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v)
{
	qsort(v, RUNS, sizeof(*v), by_value);
	return v[RUNS / 2];
}

/* ---- what is checked ---- */

static void make_people(void)
{
	const struct xp_pki_subject ca = {.name = "Bench Root"};
	const struct xp_pki_subject who = {.name = "Bench", .person_id = "b-1"};
	int64_t now = xp_clock_system()->wall_s(NULL);

	must(xp_pki_key_new(&root_key, NULL) == XP_OK && xp_pki_key_new(&key, NULL) == XP_OK,
	     "keys");
	must(xp_pki_root_new(&root, root_key, &ca, now - 86400, now + 86400 * 99, NULL) == XP_OK &&
		     xp_pki_issue(&cert, key, XP_ROLE_PERFORMER, &who, now - 86400, now + 86400,
				  root, root_key, NULL) == XP_OK &&
		     xp_pki_crl_new(&crl, NULL, NULL, root, root_key, now - 60, now + 86400,
				    NULL) == XP_OK,
	     "certificates");
}

/* A sampled overwrite, judged by the policy that is used most. */
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

static void make_pairs(void)
{
	struct xp_record *r = read_record();
	STACK_OF(X509) *certs = sk_X509_new_null();
	STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
	struct xp_signing_key *k = NULL;
	int64_t now = xp_clock_system()->wall_s(NULL);

	must(certs && crls && sk_X509_push(certs, cert) > 0, "memory");
	must(xp_signing_key_make(&k, key, certs, crls, NULL) == XP_OK, "signing key");
	r->signers_n = r->persons_n = 1;
	xp_signing_key_describe(&r->signers[0], &r->persons[0], k);
	for (unsigned i = 0; i < PAIRS; i++) {
		r->nonce[0] = (uint8_t)i;
		must(xp_record_write(&pairs[i].json, &pairs[i].json_len, r, NULL) == XP_OK &&
			     xp_sign(&pairs[i].p7s, &pairs[i].p7s_len, k, pairs[i].json,
				     pairs[i].json_len, now, NULL) == XP_OK,
		     "signature");
	}
	xp_signing_key_free(&k);
	sk_X509_free(certs);
	sk_X509_CRL_free(crls);
	xp_record_free(r);
	free(r);
}

static struct xp_check *make_check(void)
{
	struct xp_check *c = NULL;
	AUTO_MEM char *pem = NULL;
	AUTO_MEM char *list = NULL;
	size_t pem_len = 0, list_len = 0;

	must(xp_check_new(&c, xp_clock_system(), NULL) == XP_OK &&
		     xp_pki_cert_to_pem(&pem, &pem_len, root, NULL) == XP_OK &&
		     xp_pki_crl_to_pem(&list, &list_len, crl, NULL) == XP_OK,
	     "checker");
	must(xp_trust_add_anchors(xp_check_trust(c), pem, pem_len, "root", NULL) == XP_OK &&
		     xp_trust_add_crls(xp_check_trust(c), list, list_len, "list", NULL) == XP_OK,
	     "trust");
	return c;
}

/* ---- rates ---- */

static void check_some(const struct xp_check *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct pair *p = &pairs[i % PAIRS];
		struct xp_check_result r;

		must(xp_check_pair(&r, c, p->json, p->json_len, p->p7s, p->p7s_len, NULL) == XP_OK,
		     "check");
		if (xp_check_exit_code(&r) != 0) {
			for (size_t k = 0; k < r.findings.n; k++)
				fprintf(stderr, "%s %s\n", r.findings.list[k].code,
					r.findings.list[k].text);
			must(false, "a good pair does not pass");
		}
		xp_check_result_free(&r);
	}
}

/* Bare signatures: the key at hand, the digest given, nothing looked up. */
static double raw_rate(void)
{
	static const uint8_t digest[32] = {1, 2, 3};
	uint8_t sig[80];
	size_t len = sizeof(sig);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	double begin;

	must(c && EVP_PKEY_sign_init(c) == 1 &&
		     EVP_PKEY_sign(c, sig, &len, digest, sizeof(digest)) == 1 &&
		     EVP_PKEY_verify_init(c) == 1,
	     "signature");
	begin = now_s(CLOCK_THREAD_CPUTIME_ID);
	for (unsigned i = 0; i < CHECKS; i++)
		must(EVP_PKEY_verify(c, sig, len, digest, sizeof(digest)) == 1, "P-256");
	begin = now_s(CLOCK_THREAD_CPUTIME_ID) - begin;
	EVP_PKEY_CTX_free(c);
	return CHECKS / begin;
}

static double check_rate(const struct xp_check *c)
{
	double begin = now_s(CLOCK_THREAD_CPUTIME_ID);

	check_some(c, CHECKS);
	return CHECKS / (now_s(CLOCK_THREAD_CPUTIME_ID) - begin);
}

struct crew {
	const struct xp_check *check;
	double cpu_s;
};

static void *check_many(void *at)
{
	struct crew *one = at;
	double begin = now_s(CLOCK_THREAD_CPUTIME_ID);

	check_some(one->check, CHECKS);
	one->cpu_s = now_s(CLOCK_THREAD_CPUTIME_ID) - begin;
	return NULL;
}

/*
 * What as many threads as there are cores for do in the time in which one alone does its share:
 * by their processor time, which other work on the machine does not shorten.
 */
static double threads_gain(struct xp_check *c, double alone_rate)
{
	struct xp_check *own[THREADS] = {NULL};
	struct crew crew[THREADS];
	pthread_t t[THREADS];
	double gain = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		must(xp_check_share(&own[i], c, NULL) == XP_OK, "checker");
		check_some(own[i], 1);
		crew[i].check = own[i];
	}
	for (unsigned i = 0; i < THREADS; i++)
		must(pthread_create(&t[i], NULL, check_many, &crew[i]) == 0, "thread");
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (unsigned i = 0; i < THREADS; i++) {
		gain += CHECKS / crew[i].cpu_s / alone_rate;
		xp_check_free(&own[i]);
	}
	return gain;
}

static void put_file(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	must(f && fwrite(data, 1, len, f) == len && fclose(f) == 0, path);
}

/* Files a second when each has a process of its own. */
static double process_rate(const char *program)
{
	char folder[] = "/tmp/expunge-bench-XXXXXX";
	char json[64], p7s[64], trust[64], list[64];
	char verify[] = "verify", option[] = "--trust", lists_option[] = "--crl";
	char summary[] = "--summary";
	char *argv[] = {verify, verify, json, option, trust, lists_option, list, summary, NULL};
	AUTO_MEM char *pem = NULL;
	AUTO_MEM char *lists = NULL;
	size_t pem_len = 0, list_len = 0;
	posix_spawn_file_actions_t quiet;
	double begin;

	must(mkdtemp(folder) != NULL, "folder");
	snprintf(json, sizeof(json), "%s/r.json", folder);
	snprintf(p7s, sizeof(p7s), "%s/r.json.p7s", folder);
	snprintf(trust, sizeof(trust), "%s/root.pem", folder);
	snprintf(list, sizeof(list), "%s/root.crl", folder);
	must(xp_pki_cert_to_pem(&pem, &pem_len, root, NULL) == XP_OK &&
		     xp_pki_crl_to_pem(&lists, &list_len, crl, NULL) == XP_OK,
	     "PEM");
	put_file(json, pairs[0].json, pairs[0].json_len);
	put_file(p7s, pairs[0].p7s, pairs[0].p7s_len);
	put_file(trust, pem, pem_len);
	put_file(list, lists, list_len);
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	begin = now_s(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < PROCESS; i++) {
		pid_t child;
		int status = 1;

		must(posix_spawn(&child, program, &quiet, NULL, argv, environ) == 0 &&
			     waitpid(child, &status, 0) == child && status == 0,
		     "a process a file");
	}
	begin = now_s(CLOCK_MONOTONIC) - begin;
	posix_spawn_file_actions_destroy(&quiet);
	unlink(json);
	unlink(p7s);
	unlink(trust);
	unlink(list);
	rmdir(folder);
	return PROCESS / begin;
}

static void tell(const char *what, double value, double limit)
{
	printf("{\"goal\":6,\"what\":\"%s\",\"value\":%.2f,\"limit\":\">= %.1f\",\"met\":%s}\n",
	       what, value, limit, value >= limit ? "true" : "false");
}

int main(int argc, char **argv)
{
	const char *program = argc > 1 ? argv[1] : "build/release/expunge-cert";
	double share[RUNS], gain[RUNS], rate[RUNS], process[RUNS];
	struct xp_check *c;

	make_people();
	make_pairs();
	c = make_check();
	check_some(c, 1);
	for (unsigned i = 0; i < RUNS; i++) {
		double raw = raw_rate();

		rate[i] = check_rate(c);
		share[i] = rate[i] / raw;
		gain[i] = threads_gain(c, rate[i]);
		process[i] = rate[i] / process_rate(program);
	}
	tell("certificates checked in process, share of the raw P-256 rate of a core",
	     median(share), 0.8);
	tell("certificates checked in process, against a process a file", median(process), 50);
	tell("certificates checked by two threads, against one (processor time)", median(gain),
	     1.6);
	fprintf(stderr, "%.0f certificates a second and core\n", median(rate));
	xp_check_free(&c);
	return 0;
}
