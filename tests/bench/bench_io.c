/*
 * bench_io: overwrites and reads loop devices through the real library, the interlock's permit
 * included, and says how long that took. It takes only loop devices over files that are called
 * expunge-bench-*: the benchmark made them.
 *
 *   bench_io [--block N] [--depth N] [--portable] [--cap BYTES_PER_S]
 *            write|verify|sample=N zero|ff|random DEVICE...
 *
 * One line of JSON on stdout. All devices are worked on at once, each by a thread of its own.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "device/interlock.h"
#include "sanitize/overwrite/writer.h"
#include "tests/bench/paced.h"
#include "verify/verify.h"

#define DEVICES_MAX 32

struct options {
	uint32_t block, depth;
	bool portable;
	uint64_t cap; /* bytes a second; 0: as fast as it goes */
	const char *op;
	uint64_t sample_n;
	struct xp_content content;
};

struct worker {
	const struct options *opt;
	struct xp_target target;
	struct xp_permit *permit;
	pthread_t thread;
	enum xp_rc rc;
	struct xp_err err;
	uint64_t bytes;
	uint64_t mismatches;
	uint64_t end_ns;
	uint64_t first_ns; /* the first bytes were taken */
	struct xp_io_how how;
};

static uint64_t now_ns(void)
{
	const struct xp_clock *c = xp_clock_system();

	return c->monotonic_ns(c->ctx);
}

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct worker *w = ctx;

	(void)total;
	if (done && !w->first_ns)
		w->first_ns = now_ns();
}

static enum xp_rc open_io(struct xp_extent_io **io, struct worker *w)
{
	const struct xp_identity *id = &w->target.identity;
	struct xp_extent_config cfg = {.permit = w->permit,
				       .capacity_bytes = id->capacity_bytes,
				       .logical_block_bytes = id->logical_block_bytes,
				       .block_bytes = w->opt->block,
				       .depth = w->opt->depth};

	cfg.fd = xp_permit_fd(w->permit, &cfg.direct);
	if (w->opt->cap)
		return paced_io_new(io, &cfg, w->opt->cap, &w->err);
	return xp_extent_io_new(io, &cfg, &w->err);
}

static enum xp_rc write_all(struct worker *w, struct xp_extent_io *io)
{
	const struct xp_identity *id = &w->target.identity;
	struct xp_overwrite_result out;
	const struct xp_overwrite_request req = {.io = io,
						 .capacity_bytes = id->capacity_bytes,
						 .logical_block_bytes = id->logical_block_bytes,
						 .content = w->opt->content,
						 .pass = 1,
						 .passes = 1,
						 .portable = w->opt->portable,
						 .ctx = w,
						 .progress = on_progress};
	enum xp_rc rc = xp_overwrite_run(&out, &req, &w->err);

	if (rc == XP_OK && !out.flushed)
		rc = xp_fail(&w->err, XP_E_IO, "not flushed");
	w->bytes = out.bytes_written;
	w->how = out.how;
	xp_overwrite_result_free(&out);
	return rc;
}

static enum xp_rc read_all(struct worker *w, struct xp_extent_io *io)
{
	const struct xp_identity *id = &w->target.identity;
	struct xp_readback_result out;
	struct xp_verify_request req = {.io = io,
					.capacity_bytes = id->capacity_bytes,
					.logical_block_bytes = id->logical_block_bytes,
					.mode = XP_READBACK_FULL,
					.expected = w->opt->content,
					.portable = w->opt->portable};
	enum xp_rc rc;

	if (w->opt->sample_n) {
		req.mode = XP_READBACK_SAMPLE;
		req.scheme = XP_SAMPLE_SCATTERED;
		req.sample_n = w->opt->sample_n;
		req.seed[0] = 1;
	}
	rc = xp_verify_run(&out, &req, &w->err);
	w->bytes = out.bytes_delivered;
	w->mismatches = out.mismatch_total;
	w->how = out.how;
	xp_readback_result_free(&out);
	return rc;
}

static void *work(void *ctx)
{
	AUTO(xp_extent_io_free) struct xp_extent_io *io = NULL;
	struct worker *w = ctx;

	w->rc = open_io(&io, w);
	if (w->rc == XP_OK)
		w->rc = strcmp(w->opt->op, "write") == 0 ? write_all(w, io) : read_all(w, io);
	w->end_ns = now_ns();
	return NULL;
}

static bool is_ours(const struct xp_target *t)
{
	return t->identity.bus == XP_BUS_LOOP &&
	       strncmp(t->identity.name, "expunge-bench-", 14) == 0;
}

static enum xp_rc take(struct worker *w, const struct xp_sysroot *root, const char *path)
{
	const char *confirms[] = {w->target.confirm, NULL};
	const char *outputs[] = {NULL};
	const struct xp_interlock_request req = {
		.root = root, .target = &w->target, .confirms = confirms, .outputs = outputs};
	struct xp_refusals refusals = {0};
	enum xp_rc rc;

	TRY(xp_target_resolve(&w->target, root, path, &w->err));
	if (!is_ours(&w->target))
		return xp_fail(&w->err, XP_E_REFUSED, "%s was not made by the benchmark", path);
	rc = xp_interlock_acquire(&w->permit, &refusals, &req, &w->err);
	if (rc == XP_E_REFUSED && refusals.n)
		fprintf(stderr, "bench_io: %s: %s\n", path, refusals.list[0].message);
	xp_refusals_free(&refusals);
	return rc;
}

/* Peak of this program; getrusage would count what was there before its exec, too. */
static long peak_rss_kib(void)
{
	AUTO_FILE FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	}
	return kib;
}

static void print_result(const struct worker *w, unsigned n, uint64_t start_ns, double cpu)
{
	const char *t0 = getenv("XP_BENCH_T0_NS");
	uint64_t first = w[0].first_ns;
	uint64_t bytes = 0;
	uint64_t mismatches = 0;
	uint64_t end_ns = start_ns;

	printf("{\"drives\": [");
	for (unsigned i = 0; i < n; i++) {
		bytes += w[i].bytes;
		mismatches += w[i].mismatches;
		end_ns = w[i].end_ns > end_ns ? w[i].end_ns : end_ns;
		printf("%s{\"bytes\": %llu, \"seconds\": %.6f}", i ? ", " : "",
		       (unsigned long long)w[i].bytes, (double)(w[i].end_ns - start_ns) / 1e9);
	}
	printf("], \"bytes\": %llu, \"mismatches\": %llu, \"seconds\": %.6f, \"cpu_s\": %.6f, "
	       "\"process_cpu_s\": %.6f, \"rss_kib\": %ld, \"direct\": %s, \"registered\": %s, "
	       "\"block\": %u, \"depth\": %u, \"fallback\": \"%s\"",
	       (unsigned long long)bytes, (unsigned long long)mismatches,
	       (double)(end_ns - start_ns) / 1e9, cpu, cpu_s(), peak_rss_kib(),
	       w[0].how.direct ? "true" : "false", w[0].how.registered_buffers ? "true" : "false",
	       w[0].how.block_bytes, w[0].how.depth, w[0].how.fallback);
	if (t0 && first)
		printf(", \"first_write_s\": %.6f", (double)(first - strtoull(t0, NULL, 10)) / 1e9);
	printf("}\n");
}

static bool parse(struct options *opt, int argc, char **argv)
{
	static const struct option longs[] = {{"block", required_argument, NULL, 'b'},
					      {"depth", required_argument, NULL, 'd'},
					      {"cap", required_argument, NULL, 'c'},
					      {"portable", no_argument, NULL, 'p'},
					      {0}};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'b')
			opt->block = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'd')
			opt->depth = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'c')
			opt->cap = strtoull(optarg, NULL, 10);
		else if (c == 'p')
			opt->portable = true;
		else
			return false;
	}
	if (argc - optind < 3 || argc - optind - 2 > DEVICES_MAX)
		return false;
	opt->op = argv[optind];
	if (strncmp(opt->op, "sample=", 7) == 0)
		opt->sample_n = strtoull(opt->op + 7, NULL, 10);
	if (strcmp(argv[optind + 1], "random") == 0) {
		opt->content.kind = XP_CONTENT_RANDOM;
		memset(opt->content.key, 0xa7, sizeof(opt->content.key));
	} else if (strcmp(argv[optind + 1], "ff") == 0) {
		opt->content.kind = XP_CONTENT_PATTERN;
		opt->content.pattern[0] = 0xff;
		opt->content.pattern_len = 1;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options opt = {.content = {.kind = XP_CONTENT_ZERO}};
	struct worker *w = calloc(DEVICES_MAX, sizeof(*w));
	struct xp_sysroot root;
	struct xp_err err;
	unsigned n = 0;
	uint64_t start;
	double cpu;
	int status = 0;

	if (!w || !parse(&opt, argc, argv)) {
		fprintf(stderr, "usage: bench_io [--block N] [--depth N] [--portable] [--cap N] "
				"write|verify|sample=N zero|ff|random DEVICE...\n");
		return 64;
	}
	if (xp_sysroot_open(&root, "/", &err) != XP_OK) {
		fprintf(stderr, "bench_io: %s\n", err.msg);
		return 70;
	}
	for (int i = optind + 2; i < argc; i++, n++) {
		w[n].opt = &opt;
		if (take(&w[n], &root, argv[i]) != XP_OK) {
			fprintf(stderr, "bench_io: %s: %s\n", argv[i], w[n].err.msg);
			return 4;
		}
	}
	start = now_ns();
	cpu = cpu_s();
	for (unsigned i = 0; i < n; i++) {
		if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
			return 70;
	}
	for (unsigned i = 0; i < n; i++)
		pthread_join(w[i].thread, NULL);
	cpu = cpu_s() - cpu;
	for (unsigned i = 0; i < n; i++) {
		if (w[i].rc != XP_OK) {
			fprintf(stderr, "bench_io: %s: %s\n", w[i].target.path, w[i].err.msg);
			status = 1;
		}
	}
	print_result(w, n, start, cpu);
	for (unsigned i = 0; i < n; i++) {
		xp_permit_release(&w[i].permit);
		xp_target_free(&w[i].target);
	}
	xp_sysroot_close(&root);
	free(w);
	return status;
}
