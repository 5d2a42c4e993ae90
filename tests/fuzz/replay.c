/*
 * replay: a main for the fuzzers without libFuzzer: gives each file of the folders and files named
 * on the command line to the fuzzer once, and every prefix of the small ones, in TAP.
 */
#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX  (1U << 20)
#define PREFIX_MAX 512U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A copy of exactly LEN bytes, so that a read past the end is seen by the sanitizer. */
static bool feed(const uint8_t *data, size_t len)
{
	AUTO_MEM uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		return false;
	if (len)
		memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	return true;
}

static bool replay_file(const char *path)
{
	AUTO_FILE FILE *f = fopen(path, "rb");
	AUTO_MEM uint8_t *data = malloc(INPUT_MAX);
	size_t len;

	if (!f || !data)
		return false;
	len = fread(data, 1, INPUT_MAX, f);
	if (ferror(f))
		return false;
	for (size_t i = 0; i < len && i < PREFIX_MAX; i++)
		if (!feed(data, i))
			return false;
	return feed(data, len);
}

static unsigned replay_dir(const char *path, unsigned *failed)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	unsigned n = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		char name[4096];
		bool fits;

		if (entry->d_name[0] == '.')
			continue;
		fits = snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) <
		       (int)sizeof(name);
		n++;
		if (!fits || !replay_file(name)) {
			fprintf(stderr, "cannot replay %s\n", entry->d_name);
			(*failed)++;
		}
	}
	closedir(dir);
	return n;
}

int main(int argc, char **argv)
{
	unsigned failed = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: %s CORPUS...\n", argv[0]);
		return 64;
	}
	for (int i = 1; i < argc; i++) {
		unsigned failed_here = 0;
		unsigned n = replay_dir(argv[i], &failed_here);

		if (n == 0) {
			fprintf(stderr, "nothing to replay in %s\n", argv[i]);
			failed_here++;
		}
		printf("%s %d - %s: %u inputs\n", failed_here ? "not ok" : "ok", i, argv[i], n);
		failed += failed_here;
	}
	printf("1..%d\n", argc - 1);
	return failed ? 1 : 0;
}
