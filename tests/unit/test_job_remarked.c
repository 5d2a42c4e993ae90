/* A record tells of markers: they are looked for again at any later time, on the target itself. */
#include "cli/job_canaries.h"
#include "cli/job_reread.h"
#include "claim/canary.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES (8u << 20)

struct marked {
	char path[512];
	int fd;
	struct xp_sysroot root;
	struct xp_target target;
	struct xp_record *record;
	struct xp_canaries canaries;
	struct xp_err err;
};

/* An image, and the record of a block erase before which it was marked. */
static int setup(void **state)
{
	struct marked *m = calloc(1, sizeof(*m));
	const char *folder = getenv("TMPDIR");
	struct xp_sample_plan plan = {0};
	struct xp_baseline_result *b;
	struct xp_phase *phases;

	if (!m)
		return -1;
	*state = m;
	snprintf(m->path, sizeof(m->path), "%s/remarked-XXXXXX", folder ? folder : "/var/tmp");
	m->fd = mkstemp(m->path);
	m->record = calloc(1, sizeof(*m->record));
	phases = calloc(2, sizeof(*phases));
	if (m->fd < 0 || ftruncate(m->fd, BYTES) || !m->record || !phases ||
	    xp_sysroot_open(&m->root, "/", &m->err) != XP_OK ||
	    xp_target_resolve(&m->target, &m->root, m->path, &m->err) != XP_OK ||
	    xp_target_identify_fd(&m->record->media, &m->root, m->fd, m->path, &m->err) != XP_OK)
		return -1;
	m->record->technique = XP_ATA_SANITIZE_BLOCK;
	m->record->evidence.phases = phases;
	m->record->evidence.n = 2;
	phases[0].kind = XP_PHASE_BASELINE;
	phases[1].kind = XP_PHASE_ERASE;
	phases[0].attempt = phases[1].attempt = 1;
	phases[1].technique = XP_ATA_SANITIZE_BLOCK;
	phases[0].identity = m->record->media;
	b = &phases[0].baseline;
	b->scheme = XP_SAMPLE_SCATTERED;
	memset(b->seed, 7, sizeof(b->seed));
	if (xp_sample_plan_make(&plan, b->scheme, 100, BYTES, m->record->media.logical_block_bytes,
				b->seed, &m->err) != XP_OK)
		return -1;
	b->extents = plan.independent;
	b->always_extents = plan.always;
	b->bytes_planned = b->bytes_delivered = plan.bytes;
	xp_sample_plan_free(&plan);
	b->canaries = 1; /* until they are counted */
	if (xp_canaries_of_baseline(&m->canaries, &phases[0], &m->err) != XP_OK)
		return -1;
	b->canaries = m->canaries.n;
	b->canaries_read = true;
	return xp_canaries_expected(b->canaries_sha256, &m->canaries) ? 0 : -1;
}

static int teardown(void **state)
{
	struct marked *m = *state;

	xp_canaries_free(&m->canaries);
	xp_target_free(&m->target);
	xp_sysroot_close(&m->root);
	free(m->record->evidence.phases);
	free(m->record);
	close(m->fd);
	unlink(m->path);
	free(m);
	return 0;
}

static void put_marker(const struct marked *m, size_t i)
{
	uint8_t block[4096];

	assert_true(m->canaries.block_bytes <= sizeof(block));
	assert_true(xp_canary_fill(block, &m->canaries, m->canaries.offsets[i],
				   m->canaries.block_bytes));
	assert_int_equal(
		pwrite(m->fd, block, m->canaries.block_bytes, (off_t)m->canaries.offsets[i]),
		m->canaries.block_bytes);
	assert_int_equal(fsync(m->fd), 0);
}

static void again(struct xp_reread *out, struct marked *m, bool full)
{
	const struct xp_reread_request req = {.root = &m->root,
					      .target = &m->target,
					      .record = m->record,
					      .full = full,
					      .rng = xp_rng_system()};

	if (xp_reread_run(out, &req, &m->err) != XP_OK)
		fail_msg("%s", m->err.msg);
}

static void test_markers_that_are_gone_are_no_proof(void **state)
{
	struct marked *m = *state;
	struct xp_reread r;

	for (int full = 0; full < 2; full++) {
		again(&r, m, full);
		assert_int_equal(r.verdict, XP_REREAD_INDETERMINATE);
		assert_int_equal(r.markers, m->canaries.n);
		assert_true(r.markers_seen);
		assert_int_equal(r.fresh.canaries_alive, 0);
		assert_non_null(strstr(r.why, "none of the"));
		xp_reread_free(&r);
	}
}

static void test_a_marker_that_is_there_is_residue(void **state)
{
	struct marked *m = *state;
	struct xp_reread r;

	put_marker(m, 0);
	put_marker(m, m->canaries.n - 1);
	again(&r, m, false);
	assert_int_equal(r.verdict, XP_REREAD_RESIDUE);
	assert_int_equal(r.fresh.canaries_alive, 2);
	assert_memory_not_equal(r.fresh.canaries_sha256,
				m->record->evidence.phases[0].baseline.canaries_sha256, 32);
	xp_reread_free(&r);
	for (size_t i = 0; i < m->canaries.n; i++)
		put_marker(m, i);
	again(&r, m, true);
	assert_int_equal(r.verdict, XP_REREAD_RESIDUE);
	assert_int_equal(r.fresh.canaries_alive, m->canaries.n);
	assert_memory_equal(r.fresh.canaries_sha256,
			    m->record->evidence.phases[0].baseline.canaries_sha256, 32);
	xp_reread_free(&r);
}

/* Figures that follow from no plan, of a record that somebody made up. */
static void test_markers_of_no_plan_are_an_error(void **state)
{
	struct marked *m = *state;
	const struct xp_reread_request req = {.root = &m->root,
					      .target = &m->target,
					      .record = m->record,
					      .rng = xp_rng_system()};
	struct xp_reread r;

	m->record->evidence.phases[0].baseline.bytes_planned -= 512;
	assert_int_equal(xp_reread_run(&r, &req, &m->err), XP_E_MALFORMED);
	xp_reread_free(&r);
	m->record->evidence.phases[0].baseline.bytes_planned = 0;
	m->record->evidence.phases[0].baseline.extents = UINT64_MAX;
	assert_int_equal(xp_reread_run(&r, &req, &m->err), XP_E_MALFORMED);
	xp_reread_free(&r);
}

/* Without markers, and without knowing what is to be there, there is nothing to look for. */
static void test_without_markers_it_is_refused(void **state)
{
	struct marked *m = *state;
	const struct xp_reread_request req = {.root = &m->root,
					      .target = &m->target,
					      .record = m->record,
					      .rng = xp_rng_system()};
	struct xp_reread r;

	m->record->evidence.phases[0].baseline.canaries = 0;
	assert_int_equal(xp_reread_run(&r, &req, &m->err), XP_E_UNSUPPORTED);
	xp_reread_free(&r);
	/* those of an earlier attempt were for another erase */
	m->record->evidence.phases[0].baseline.canaries = 1;
	m->record->evidence.phases[1].attempt = 2;
	assert_int_equal(xp_reread_run(&r, &req, &m->err), XP_E_UNSUPPORTED);
	xp_reread_free(&r);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_markers_that_are_gone_are_no_proof),
		CASE(test_a_marker_that_is_there_is_residue),
		CASE(test_markers_of_no_plan_are_an_error),
		CASE(test_without_markers_it_is_refused),
	};

	return cmocka_run_group_tests_name("job_remarked", tests, NULL, NULL);
}
