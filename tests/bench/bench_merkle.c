/*
 * bench_merkle: CPU seconds for the tree over N leaves (1,000,000) of LEN bytes (256), as one JSON
 * line. Usage: bench_merkle [N [LEN]]
 */
#include "certs/log_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS 5

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double root_once(const uint8_t *leaves, size_t n, size_t len)
{
	struct xp_merkle_frontier f = {0};
	struct xp_merkle_hash h;
	double begin = cpu_s();

	for (size_t i = 0; i < n; i++) {
		xp_merkle_leaf(&h, leaves + i * len, len);
		xp_merkle_frontier_add(&f, &h);
	}
	xp_merkle_frontier_root(&h, &f);
	return cpu_s() - begin;
}

static double tree_once(const uint8_t *leaves, size_t n, size_t len)
{
	struct xp_log_tree *t = calloc(1, sizeof(*t));
	double begin = cpu_s();
	double took;

	if (!t)
		exit(70);
	for (size_t i = 0; i < n; i++)
		if (xp_log_tree_add(t, &(struct xp_log_bytes){leaves + i * len, len}, NULL, NULL) !=
		    XP_OK)
			exit(70);
	took = cpu_s() - begin;
	xp_log_tree_free(t);
	free(t);
	return took;
}

/* A line for the table of tests/bench/bench.py; the limit is that of a million leaves. */
static void tell(const char *what, size_t n, size_t len, double seconds)
{
	const double limit = 0.45;

	printf("{\"goal\":7,\"what\":\"%s, %zu leaves of %zu bytes: CPU-s\",\"value\":%.3f,"
	       "\"limit\":\"<= %.2f\",\"met\":%s}\n",
	       what, n, len, seconds, limit, seconds <= limit ? "true" : "false");
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	size_t len = argc > 2 ? strtoul(argv[2], NULL, 10) : 256;
	uint8_t *leaves = n && len && len <= XP_LOG_LEAF_MAX ? calloc(n, len) : NULL;
	double root[RUNS];
	double tree[RUNS];

	if (!leaves)
		return 64;
	for (size_t i = 0; i < n; i++)
		memcpy(leaves + i * len, &i, len < sizeof(i) ? len : sizeof(i));
	for (unsigned r = 0; r < RUNS; r++) {
		root[r] = root_once(leaves, n, len);
		tree[r] = tree_once(leaves, n, len);
	}
	qsort(root, RUNS, sizeof(*root), by_value);
	qsort(tree, RUNS, sizeof(*tree), by_value);
	tell("root of the tree", n, len, root[RUNS / 2]);
	tell("the log's tree with its tiles", n, len, tree[RUNS / 2]);
	free(leaves);
	return 0;
}
