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
#include "tests/bench/cert_maker.h"

#define RUNS   5
#define ROUNDS 101
#define PAIRS  64
#define CHECKS 2000
#define PORTION                                                                                    \
	256 /* of a round: short enough that a processor keeps its pace through both halves */
#define PROCESS 10
#define THREADS 2

static struct cert_maker maker;

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

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

/* ---- what is checked ---- */

static struct xp_check *make_check(void)
{
	struct xp_check *c = NULL;
	AUTO_MEM char *pem = NULL;
	AUTO_MEM char *list = NULL;
	size_t pem_len = 0, list_len = 0;

	must(xp_check_new(&c, xp_clock_system(), NULL) == XP_OK &&
		     xp_pki_cert_to_pem(&pem, &pem_len, maker.root, NULL) == XP_OK &&
		     xp_pki_crl_to_pem(&list, &list_len, maker.crl, NULL) == XP_OK,
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
		const struct cert_pair *p = &maker.pairs[i % PAIRS];
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

/* What was signed of a pair, and its signature, as EVP_PKEY_verify takes them. */
struct bare {
	uint8_t digest[32];
	struct xp_bytes signature;
};

static void take_bare(struct bare *out, const struct cert_pair *p)
{
	static struct xp_cms cms;
	AUTO(xp_findings_free) struct xp_findings f = {0};
	AUTO_MEM uint8_t *set = NULL;
	struct xp_bytes attrs;

	must(xp_cms_parse(&cms, p->p7s, p->p7s_len, &f), "signature");
	attrs = cms.signers[0].attrs;
	set = malloc(attrs.len);
	must(set != NULL, "memory");
	memcpy(set, attrs.data, attrs.len);
	set[0] = XP_DER_SET; /* [RFC 5652 5.4] */
	must(EVP_Digest(set, attrs.len, out->digest, NULL, EVP_sha256(), NULL) == 1, "digest");
	out->signature = cms.signers[0].signature;
}

/* The bare signatures of the same pairs: the key at hand, the digest given, nothing looked up. */
static double raw_rate(EVP_PKEY_CTX *key, const struct bare *bare)
{
	double begin = now_s(CLOCK_THREAD_CPUTIME_ID);

	for (unsigned i = 0; i < PORTION; i++) {
		const struct bare *b = &bare[i % PAIRS];

		must(EVP_PKEY_verify(key, b->signature.data, b->signature.len, b->digest,
				     sizeof(b->digest)) == 1,
		     "P-256");
	}
	return PORTION / (now_s(CLOCK_THREAD_CPUTIME_ID) - begin);
}

static double check_rate(const struct xp_check *c, unsigned n)
{
	double begin = now_s(CLOCK_THREAD_CPUTIME_ID);

	check_some(c, n);
	return n / (now_s(CLOCK_THREAD_CPUTIME_ID) - begin);
}

/* By turns, so that whatever else the machine does takes the same from both. */
static double share_of_raw(const struct xp_check *c)
{
	static struct bare bare[PAIRS];
	static double share[ROUNDS];
	EVP_PKEY_CTX *key = EVP_PKEY_CTX_new(maker.key, NULL);

	must(key && EVP_PKEY_verify_init(key) == 1, "key");
	for (unsigned i = 0; i < PAIRS; i++)
		take_bare(&bare[i], &maker.pairs[i]);
	for (unsigned i = 0; i < ROUNDS; i++) {
		double raw = raw_rate(key, bare);

		share[i] = check_rate(c, PORTION) / raw;
	}
	EVP_PKEY_CTX_free(key);
	return median(share, ROUNDS);
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
	must(xp_pki_cert_to_pem(&pem, &pem_len, maker.root, NULL) == XP_OK &&
		     xp_pki_crl_to_pem(&lists, &list_len, maker.crl, NULL) == XP_OK,
	     "PEM");
	put_file(json, maker.pairs[0].json, maker.pairs[0].json_len);
	put_file(p7s, maker.pairs[0].p7s, maker.pairs[0].p7s_len);
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
	double share, gain[RUNS], rate[RUNS], process[RUNS];
	struct xp_check *c;

	cert_maker_open(&maker);
	cert_maker_pairs(&maker, PAIRS);
	c = make_check();
	check_some(c, 1);
	share = share_of_raw(c);
	for (unsigned i = 0; i < RUNS; i++) {
		rate[i] = check_rate(c, CHECKS);
		gain[i] = threads_gain(c, rate[i]);
		process[i] = rate[i] / process_rate(program);
	}
	tell("certificates checked in process, share of the raw P-256 rate of a core", share, 0.8);
	tell("certificates checked in process, against a process a file", median(process, RUNS),
	     50);
	tell("certificates checked by two threads, against one (processor time)",
	     median(gain, RUNS), 1.6);
	fprintf(stderr, "%.0f certificates a second and core\n", median(rate, RUNS));
	xp_check_free(&c);
	cert_maker_close(&maker);
	return 0;
}
