/*
 * The liar campaign: random drives that fail, lie and lose power, a whole job on each. Usage:
 * build/release/campaign [JOBS [SEED]]. Exit code 0: nothing was claimed that the medium does not
 * bear, beyond what the readbacks' bounds allow.
 */
#include "tests/fake/campaign.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 2

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A part of the jobs in a process of its own; its result comes through the pipe that is returned.
 */
static int start_worker(struct erase_lab *lab, const struct campaign_kind *kind, uint64_t seed,
			uint64_t jobs)
{
	struct campaign_result r = {0};
	int ends[2];
	pid_t pid;

	if (pipe(ends) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		campaign_run(&r, lab, kind, seed, jobs);
		/* the permit stays the parent's */
		_exit(write(ends[1], &r, sizeof(r)) == (ssize_t)sizeof(r) ? 0 : 1);
	}
	close(ends[1]);
	return pid < 0 ? -1 : ends[0];
}

static bool run_workers(struct campaign_result *sum, struct erase_lab *lab,
			const struct campaign_kind *kind, uint64_t seed, uint64_t jobs)
{
	int ends[WORKERS];
	bool whole = true;

	for (unsigned i = 0; i < WORKERS; i++) {
		uint64_t part = jobs / WORKERS + (i < jobs % WORKERS);

		ends[i] = start_worker(lab, kind, seed, part);
		seed += part;
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		struct campaign_result r;

		/* one that died has written nothing */
		if (ends[i] >= 0 && read(ends[i], &r, sizeof(r)) == (ssize_t)sizeof(r))
			campaign_add(sum, &r);
		else
			whole = false;
		if (ends[i] >= 0)
			close(ends[i]);
	}
	while (wait(NULL) > 0)
		continue;
	return whole;
}

static bool run_kind(struct erase_lab *lab, const struct campaign_kind *kind, uint64_t seed,
		     uint64_t jobs)
{
	struct campaign_result r = {0};
	double begin = seconds();
	double took;

	if (!run_workers(&r, lab, kind, seed, jobs)) {
		printf("%s: a worker died; seed %" PRIu64 "\n", kind->name, seed);
		return false;
	}
	took = seconds() - begin;
	printf("%s: %" PRIu64 " jobs from seed %" PRIu64 ", %.0f a minute; %" PRIu64
	       " takes, %" PRIu64 " jobs cut\n",
	       kind->name, r.jobs, seed, (double)r.jobs * 60 / took, r.takes, r.cut);
	printf("  claims: %" PRIu64 " purge, %" PRIu64 " clear, %" PRIu64 " none\n",
	       r.claims[XP_PURGE], r.claims[XP_CLEAR], r.claims[XP_NONE]);
	printf("  liars: %" PRIu64 "; of those that left data in reach %" PRIu64 " caught, %" PRIu64
	       " slipped, %.1f may by the bound\n",
	       r.liars, r.caught, r.slipped, r.expected);
	printf("  purge on the word of a liar who left data where nothing reads: %" PRIu64 "\n",
	       r.beyond);
	printf("  wrong: %" PRIu64 "\n", r.wrong);
	if (r.wrong)
		printf("  the first: seed %" PRIu64 ": %s\n", r.first_wrong_seed, r.why);
	return campaign_is_good(&r);
}

int main(int argc, char **argv)
{
	static const struct campaign_kind *const kinds[] = {&campaign_ata, &campaign_scsi,
							    &campaign_nvme};
	static struct erase_lab lab;
	uint64_t jobs = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	bool good = true;

	if (!erase_lab_open(&lab)) {
		fprintf(stderr, "campaign: %s\n", lab.err.msg);
		return 2;
	}
	if (!lab.permit) {
		fprintf(stderr, "campaign: needs root, for the interlock's permit\n");
		erase_lab_close(&lab);
		return 2;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		good = run_kind(&lab, kinds[i], seed, jobs) && good;
	erase_lab_close(&lab);
	return good ? 0 : 1;
}
