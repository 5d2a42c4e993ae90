/*
 * bench_certs_folder: a folder full of certificates, checked by the program, as JSON lines:
 * seconds, memory, and what a core does. Usage: bench_certs_folder [N [FOLDER [EXPUNGE-CERT]]]
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/bench/cert_maker.h"

#define FEW	 1000
#define MANY	 100000
#define MANY_MAX 99999999
#define PATH_LEN 512

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "bench_certs_folder: %s\n", what);
		exit(70);
	}
}

struct figures {
	double wall_s, cpu_s;
	double rss_mib;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec * 1e-6;
}

static struct figures verify(const char *program, const char *folder, const char *certs)
{
	char dir[PATH_LEN], root[PATH_LEN], list[PATH_LEN];
	char verb[] = "verify", trust[] = "--trust", crl[] = "--crl", quiet[] = "--jsonl";
	char *argv[] = {verb, verb, dir, trust, root, crl, list, quiet, NULL};
	posix_spawn_file_actions_t to_null;
	struct rusage used;
	double begin = now_s();
	int status = 1;
	pid_t child;

	snprintf(dir, sizeof(dir), "%s", certs);
	snprintf(root, sizeof(root), "%s/root.pem", folder);
	snprintf(list, sizeof(list), "%s/root.crl", folder);
	posix_spawn_file_actions_init(&to_null);
	posix_spawn_file_actions_addopen(&to_null, 1, "/dev/null", O_WRONLY, 0);
	must(posix_spawn(&child, program, &to_null, NULL, argv, environ) == 0, program);
	must(wait4(child, &status, 0, &used) == child && status == 0, "the folder does not pass");
	posix_spawn_file_actions_destroy(&to_null);
	return (struct figures){
		.wall_s = now_s() - begin,
		.cpu_s = seconds(&used.ru_utime) + seconds(&used.ru_stime),
		.rss_mib = (double)used.ru_maxrss / 1024,
	};
}

static void make_folder(struct cert_maker *m, char *out, const char *folder, unsigned n)
{
	snprintf(out, PATH_LEN, "%.400s/%u", folder, n);
	must(mkdir(out, 0700) == 0, out);
	for (unsigned i = 0; i < n; i++)
		cert_maker_write(m, out, i);
}

static void remove_folder(const char *certs, unsigned n)
{
	char path[PATH_LEN];

	for (unsigned i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%.400s/019ab6f2-5c00-7a11-8b22-0000%08u.json.p7s",
			 certs, i);
		unlink(path);
		path[strlen(path) - 4] = 0;
		unlink(path);
	}
	rmdir(certs);
}

static void remove_trust(const char *folder)
{
	static const char *const names[] = {"root.pem", "root.crl"};

	for (unsigned i = 0; i < 2; i++) {
		char path[PATH_LEN];

		snprintf(path, sizeof(path), "%.400s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

static void tell(const char *what, double value, const char *limit, bool met)
{
	printf("{\"goal\":6,\"what\":\"%s\",\"value\":%.2f,\"limit\":\"%s\",\"met\":%s}\n", what,
	       value, limit, met ? "true" : "false");
}

int main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : MANY;
	const char *program = argc > 3 ? argv[3] : "build/release/expunge-cert";
	char folder[PATH_LEN], few_dir[PATH_LEN], many_dir[PATH_LEN];
	struct figures few, many;
	struct cert_maker m;
	double more_kib;

	must(n > FEW && n <= MANY_MAX, "usage: bench_certs_folder [N [FOLDER [EXPUNGE-CERT]]]");
	snprintf(folder, sizeof(folder), "%.300s/expunge-bench-XXXXXX",
		 argc > 2 ? argv[2] : "/tmp");
	must(mkdtemp(folder) != NULL, folder);
	cert_maker_open(&m);
	cert_maker_pairs(&m, 1);
	cert_maker_write_trust(&m, folder);
	make_folder(&m, few_dir, folder, FEW);
	make_folder(&m, many_dir, folder, (unsigned)n);
	few = verify(program, folder, few_dir);
	many = verify(program, folder, many_dir);
	more_kib = (many.rss_mib - few.rss_mib) * 1024 / (double)(n - FEW);
	fprintf(stderr,
		"%lu certificates: %.1f s, %.1f s of processor time, %.0f MiB (%u: %.0f MiB); "
		"%.0f a second, %.0f a second and core\n",
		n, many.wall_s, many.cpu_s, many.rss_mib, FEW, few.rss_mib, (double)n / many.wall_s,
		(double)n / many.cpu_s);
	tell("certificates of a folder, a second and core, files and all", (double)n / many.cpu_s,
	     ">= 5000", (double)n / many.cpu_s >= 5000);
	tell("certificates of a folder, memory for each one more, KiB", more_kib, "<= 1",
	     more_kib <= 1);
	remove_folder(few_dir, FEW);
	remove_folder(many_dir, (unsigned)n);
	remove_trust(folder);
	cert_maker_close(&m);
	return 0;
}
