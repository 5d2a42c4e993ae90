/*
 * Whole jobs on emulated drives, in process: plan, permit (for an image file that this test made),
 * journal, baseline, the drive's own technique, readback, record. Bytes go by SCSI READ and WRITE,
 * so the extents over a transport are met here, too.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "certs/record_check.h"
#include "cli/job.h"
#include "cli/job_journal.h"
#include "cli/job_reread.h"
#include "device/extent_sg.h"
#include "tests/emu/drive_scsi.h"
#include "tests/emu/emu_transport.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECTORS 16384

struct world {
	char folder[64], image[96], state_path[96];
	struct xp_sysroot root;
	struct xp_state state;
	struct xp_log *log;
	struct xp_signing_key *key;
	struct xp_inventory inventory;
	struct xp_plan_options options;
	struct emu_time time;
	struct xp_clock clock;
	struct emu_ata *d;
	struct emu_satl unit;
	struct emu_scsi *sas; /* in place of d */
	struct emu_scsi_bay bay;
	struct emu_unit at; /* one of these */
	struct xp_transport *io_way;
	struct xp_job_door door;
	struct xp_job_setup setup;
	const char *confirms[2];
	const char *kernel_serial;
	uint64_t cancel_after; /* waits; 0: never */
	uint64_t waits;
	unsigned cancel_at_io; /* the one that reads or writes: baseline, readback; 0: never */
	unsigned ios;
	struct xp_job *job;
	struct xp_err err;
};
static struct world *W; /* for the cancel flag, which has no context */

static bool is_cancelled(void)
{
	return (W->cancel_after && W->waits >= W->cancel_after) ||
	       (W->cancel_at_io && W->ios >= W->cancel_at_io);
}

/* --- the door --- */

static enum xp_rc door_open(void *ctx, struct xp_transport **out, const struct xp_target *target,
			    const struct xp_permit *permit, struct xp_err *err)
{
	struct world *w = ctx;

	(void)target;
	(void)permit;
	return emu_transport_open_unit(out, w->at, err);
}

/* As the kernel would show the drive: a name of four letters for the firmware, and so on. */
static enum xp_rc door_view(void *ctx, struct xp_identity *out, const struct xp_target *target,
			    const struct xp_permit *permit, struct xp_err *err)
{
	const struct world *w = ctx;
	const struct emu_ata_config *cfg;

	if (permit)
		TRY(xp_permit_identify(NULL, permit, err));
	(void)target;
	if (w->sas) { /* blocks of 520 bytes are none to the kernel */
		*out = (struct xp_identity){.media = XP_MEDIA_HDD,
					    .bus = XP_BUS_SAS,
					    .logical_block_bytes = 512,
					    .physical_block_bytes = 512};
		return XP_OK;
	}
	cfg = emu_ata_config_of(w->d);
	*out = (struct xp_identity){
		.media = cfg->is_ssd ? XP_MEDIA_SSD : XP_MEDIA_HDD,
		.bus = XP_BUS_ATA,
		.vendor = "ATA",
		.model = "EMULATED",
		.capacity_bytes = emu_ata_sectors(w->d) * 512,
		.logical_block_bytes = 512,
		.physical_block_bytes = 512,
	};
	return XP_OK;
}

static enum xp_rc door_open_io(void *ctx, struct xp_extent_io **out, struct xp_extent_config *cfg,
			       const struct xp_permit *permit, struct xp_err *err)
{
	struct world *w = ctx;

	(void)permit;
	w->ios++;
	cfg->clock = &w->clock;
	return xp_extent_sg_new(out, cfg, w->io_way, err);
}

static void door_sleep(void *ctx, uint32_t ms)
{
	struct world *w = ctx;

	w->waits++;
	emu_time_pass(&w->time, ms * EMU_MS);
}

/* --- the stage --- */

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	/* many small files are brought to the disk: where there is memory for them, it is faster */
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
	bool created;
	int fd;

	if (!w)
		return -1;
	*state = W = w;
	snprintf(w->folder, sizeof(w->folder), "%s/expunge-job-XXXXXX", tmp ? tmp : "/var/tmp");
	if (!mkdtemp(w->folder))
		return -1;
	snprintf(w->image, sizeof(w->image), "%s/held.img", w->folder);
	snprintf(w->state_path, sizeof(w->state_path), "%s/state", w->folder);
	fd = open(w->image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 1 << 20) || close(fd))
		return -1;
	w->time.epoch_s = xp_clock_system()->wall_s(NULL);
	w->clock = emu_time_clock(&w->time);
	w->confirms[0] = "held.img";
	w->door = (struct xp_job_door){.ctx = w,
				       .open = door_open,
				       .view = door_view,
				       .open_io = door_open_io,
				       .sleep_ms = door_sleep};
	if (xp_sysroot_open(&w->root, "/", &w->err) != XP_OK ||
	    xp_state_open(&w->state, w->state_path, &w->err) != XP_OK ||
	    xp_signing_key_host(&w->key, &created, w->state.fd, "stage", &w->clock, &w->err) !=
		    XP_OK ||
	    xp_log_open(&w->log, w->state.fd, NULL, xp_rng_system(), &w->err) != XP_OK ||
	    xp_policy_load(&w->options.policy, "nist-800-88r2", &w->err) != XP_OK) {
		print_error("%s\n", w->err.msg);
		return -1;
	}
	w->setup = (struct xp_job_setup){
		.root = &w->root,
		.inventory = &w->inventory,
		.door = &w->door,
		.state = &w->state,
		.options = &w->options,
		.log = w->log,
		.key = w->key,
		.key_is_host = true,
		.out_fd = -1,
		.confirms = w->confirms,
		.clock = &w->clock,
		.rng = xp_rng_system(),
		.cancelled = is_cancelled,
	};
	return 0;
}

static void job_drop(struct world *w)
{
	if (w->job)
		xp_job_free(w->job);
	free(w->job);
	w->job = NULL;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char command[128];

	job_drop(w);
	xp_transport_free(&w->io_way);
	emu_ata_free(&w->d);
	emu_scsi_free(&w->sas);
	xp_policy_free(&w->options.policy);
	xp_log_free(&w->log);
	xp_signing_key_free(&w->key);
	xp_state_close(&w->state);
	xp_sysroot_close(&w->root);
	snprintf(command, sizeof(command), "rm -rf '%s'", w->folder);
	if (system(command) != 0)
		return -1;
	free(w);
	return 0;
}

/* DRIVE with customer data all over it. */
static void plug(struct world *w, const struct emu_ata_config *cfg)
{
	/* an ordinary user may not see who else uses a file: then there is no permit */
	if (geteuid() != 0)
		skip();
	w->d = emu_ata_new(cfg, &w->time);
	if (!w->d)
		abort();
	w->unit = (struct emu_satl){.drive = w->d};
	w->at = emu_satl_unit(&w->unit);
	assert_int_equal(emu_transport_open_unit(&w->io_way, w->at, &w->err), XP_OK);
	emu_media_stain(emu_ata_media(w->d), 0, (uint32_t)cfg->sectors);
	emu_media_stain_spare(emu_ata_media(w->d));
}

/* A SAS drive; its bytes go by its own commands. */
static void plug_sas(struct world *w, const struct emu_scsi_config *cfg)
{
	if (geteuid() != 0)
		skip();
	w->sas = emu_scsi_new(cfg, &w->time);
	if (!w->sas)
		abort();
	w->bay.drive = w->sas;
	w->at = emu_scsi_unit(&w->bay);
	assert_int_equal(emu_transport_open_unit(&w->io_way, w->at, &w->err), XP_OK);
	emu_media_stain(emu_scsi_media(w->sas, 0), 0, (uint32_t)cfg->sectors);
	emu_media_stain_spare(emu_scsi_media(w->sas, 0));
}

static void prepare(struct world *w)
{
	job_drop(w);
	w->job = calloc(1, sizeof(*w->job));
	if (!w->job)
		abort();
	if (xp_job_prepare(w->job, &w->setup, w->image, &w->err) != XP_OK)
		fail_msg("%s", w->err.msg);
}

/* The record of the job, as it was written, holds together. */
static void assert_record_good(struct world *w)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	struct xp_record *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	if (xp_record_read_at(r, w->state.certificates_fd, w->job->record_name, &w->err) != XP_OK)
		fail_msg("%s", w->err.msg);
	assert_int_equal(xp_record_check(r, &findings, &w->err), XP_OK);
	for (size_t i = 0; i < findings.n; i++)
		if (findings.list[i].code[0] == 'E')
			fail_msg("%s: %s", findings.list[i].code, findings.list[i].text);
	assert_int_equal(r->claim.level, w->job->record.claim.level);
	assert_int_equal(r->evidence.n, w->job->record.evidence.n);
	xp_record_free(r);
	free(r);
}

static void run(struct world *w)
{
	prepare(w);
	xp_job_execute(w->job);
	if (w->job->state == XP_JOB_ENDED)
		assert_record_good(w);
}

static void assert_claim(const struct world *w, enum xp_level level, enum xp_technique t)
{
	const struct xp_claim *c = &w->job->record.claim;

	if (w->job->state != XP_JOB_ENDED)
		fail_msg("state %d: %s %s", w->job->state, w->job->err.msg,
			 w->job->refusals.n ? w->job->refusals.list[0].message : "");
	if (c->level != level)
		for (unsigned i = 0; i < c->reasons_n; i++)
			print_error("%u %s: %s\n", c->reasons[i].rule, c->reasons[i].code,
				    c->reasons[i].text);
	assert_int_equal(c->level, level);
	assert_int_equal(c->technique, t);
}

static void assert_clean(const struct world *w)
{
	struct emu_stains s = emu_media_stains(emu_ata_media(w->d), 0, SECTORS);

	assert_int_equal(s.sectors, 0);
	assert_int_equal(s.spare, 0);
}

static const struct xp_phase nothing;

/* Nothing where there is no such phase. */
static const struct xp_phase *find(const struct world *w, enum xp_phase_kind kind, uint32_t attempt)
{
	const struct xp_evidence *ev = &w->job->record.evidence;

	for (size_t i = 0; i < ev->n; i++)
		if (ev->phases[i].kind == kind && ev->phases[i].attempt == attempt)
			return &ev->phases[i];
	return &nothing;
}

/* --- tests --- */

static void test_job_ssd_crypto_purges_the_drive(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	const struct xp_phase *p;

	plug(w, &cfg);
	run(w);
	assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_CRYPTO);
	assert_int_equal(w->job->record.claim.scope, XP_SCOPE_DRIVE);
	assert_int_equal(w->job->exit_code, 0);
	assert_clean(w);
	p = find(w, XP_PHASE_BASELINE, 1);
	assert_ptr_not_equal(p, &nothing);
	assert_int_equal(p->baseline.bytes_delivered, SECTORS * 512);
	assert_int_equal(p->baseline.informative_blocks, SECTORS);
	p = find(w, XP_PHASE_READBACK, 1);
	assert_ptr_not_equal(p, &nothing);
	assert_int_equal(p->readback.baseline_informative, XP_ANSWER_YES);
	assert_int_equal(p->readback.compared_blocks, SECTORS);
	assert_int_equal(p->readback.unchanged_blocks, 0);
	assert_int_equal(p->readback.how.backend, XP_IO_SG);
	/* the drive's own word, not the kernel's short one */
	assert_string_equal(w->job->record.media.serial, cfg.serial);
	assert_non_null(strstr(w->job->record.media.model, "EMULATED SOLID STATE"));
}

static void test_job_disk_sanitize_overwrite_leaves_zeros(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	const struct xp_phase *p;

	plug(w, &cfg);
	run(w);
	assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_OVERWRITE);
	assert_clean(w);
	p = find(w, XP_PHASE_READBACK, 1);
	assert_ptr_not_equal(p, &nothing);
	assert_int_equal(p->readback.expected.kind, XP_CONTENT_ZERO);
	assert_int_equal(p->readback.mismatch_total, 0);
	assert_int_equal(p->readback.zero_blocks, SECTORS);
}

/* A drive that keeps its key is found out, and the next technique does what the first did not. */
static void test_job_liar_is_found_and_the_next_technique_follows(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	const struct xp_phase *p;

	plug(w, &cfg);
	emu_ata_faults(w->d)->keeps_key = true;
	run(w);
	assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_BLOCK);
	assert_int_equal(w->job->attempt, 2);
	assert_int_equal(w->job->exit_code, 0);
	p = find(w, XP_PHASE_READBACK, 1);
	assert_ptr_not_equal(p, &nothing);
	assert_int_equal(p->readback.unchanged_blocks, SECTORS);
	assert_ptr_not_equal(find(w, XP_PHASE_BASELINE, 2), &nothing);
	assert_clean(w);
}

static void test_job_liar_alone_fails(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	plug(w, &cfg);
	emu_ata_faults(w->d)->keeps_key = true;
	w->options.has_technique = true;
	w->options.technique = XP_ATA_SANITIZE_CRYPTO;
	run(w);
	assert_int_equal(w->job->record.claim.level, XP_NONE);
	assert_int_equal(w->job->record.claim.outcome, XP_OUTCOME_FAILED);
	assert_int_equal(w->job->exit_code, 1);
}

/* Nothing that purges: the host overwrites, says so, and exits with 3. */
static void test_job_disk_without_sanitize_is_cleared(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);

	cfg.has_sanitize = cfg.has_security = cfg.has_hpa = cfg.has_dco = false;
	plug(w, &cfg);
	run(w);
	assert_claim(w, XP_CLEAR, XP_OVERWRITE_ZERO);
	assert_int_equal(w->job->record.claim.scope, XP_SCOPE_DRIVE);
	assert_int_equal(w->job->exit_code, 3);
	assert_int_equal(emu_media_stains(emu_ata_media(w->d), 0, SECTORS).sectors, 0);
}

static void test_job_without_fallback_refuses_what_only_clears(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);

	cfg.has_sanitize = cfg.has_security = false;
	plug(w, &cfg);
	w->options.no_fallback = true;
	prepare(w);
	assert_int_equal(w->job->plan.exit_code, 4);
	assert_int_equal(emu_media_stains(emu_ata_media(w->d), 0, SECTORS).sectors, SECTORS);
}

static void resume(struct world *w)
{
	char id[XP_UUID_LEN];
	json_t *first = NULL;

	memcpy(id, w->job->id, sizeof(id));
	job_drop(w);
	w->job = calloc(1, sizeof(*w->job));
	if (!w->job)
		abort();
	if (xp_job_reopen(w->job, &w->state, &first, id, &w->err) != XP_OK ||
	    xp_job_resume_prepare(w->job, &w->setup, w->image, &w->err) != XP_OK)
		fail_msg("%s", w->err.msg);
	json_decref(first);
	xp_job_execute(w->job);
}

/* The drive goes on by itself; the next take attaches, and compares with what the first one read.
 */
static void test_job_stopped_in_a_sanitize_is_resumed(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	AUTO(xp_job_summaries_free) struct xp_job_summaries all = {0};
	const struct xp_phase *p;

	cfg.sanitize_seconds = 600;
	plug(w, &cfg);
	w->cancel_after = 20;
	run(w);
	assert_int_equal(w->job->state, XP_JOB_INTERRUPTED);
	assert_int_equal(w->job->exit_code, 5);
	xp_journal_close(&w->job->journal);
	assert_int_equal(xp_job_summaries_read(&all, &w->state, &w->err), XP_OK);
	assert_int_equal(all.n, 1);
	assert_true(all.list[0].goes_on);
	assert_false(all.list[0].has_secret);
	w->cancel_after = 0;
	resume(w);
	assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_OVERWRITE);
	assert_record_good(w);
	assert_clean(w);
	p = find(w, XP_PHASE_ERASE, 1);
	assert_ptr_not_equal(p, &nothing);
	assert_true(p->interrupted);
	p = find(w, XP_PHASE_READBACK, 1);
	assert_ptr_not_equal(p, &nothing);
	assert_int_equal(p->readback.compared_blocks, SECTORS);
	assert_int_equal(p->readback.baseline_informative, XP_ANSWER_YES);
}

/* Nobody holds the drive between two takes, and somebody else puts it to use. */
static void use_again(struct world *w)
{
	uint8_t block[512];

	xp_journal_close(&w->job->journal);
	memset(block, 0x5a, sizeof(block));
	emu_media_write(emu_ata_media(w->d), SECTORS / 2, 1, block);
	w->cancel_after = w->cancel_at_io = 0;
}

static void assert_used_no_more(const struct world *w)
{
	uint8_t block[512], used[512];

	memset(used, 0x5a, sizeof(used));
	emu_media_read(emu_ata_media(w->d), SECTORS / 2, 1, block, EMU_TRIMMED_ZERO);
	assert_memory_not_equal(block, used, sizeof(block));
}

/* What was written behind a change of key looks like a part of it: the key is changed again. */
static void test_job_used_behind_a_change_of_key_is_erased_again(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	plug(w, &cfg);
	w->cancel_at_io = 2;
	run(w);
	assert_int_equal(w->job->state, XP_JOB_INTERRUPTED);
	use_again(w);
	resume(w);
	assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_CRYPTO);
	assert_record_good(w);
	assert_clean(w);
	assert_used_no_more(w);
	assert_int_equal(find(w, XP_PHASE_READBACK, 1)->readback.compared_blocks, SECTORS);
}

/* ... also where the drive came to its end while nobody looked. */
static void test_job_used_behind_an_unseen_end_is_erased_again(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	cfg.sanitize_seconds = 600;
	plug(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = XP_ATA_SANITIZE_BLOCK;
	w->cancel_after = 20;
	run(w);
	assert_int_equal(w->job->state, XP_JOB_INTERRUPTED);
	emu_time_pass(&w->time, 3600 * EMU_S);
	use_again(w);
	resume(w);
	assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_BLOCK);
	assert_record_good(w);
	assert_used_no_more(w);
}

/* What an overwrite left is known, and what is not that is found. */
static void test_job_used_behind_an_overwrite_is_found(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);

	plug(w, &cfg);
	w->options.no_fallback = true;
	w->cancel_at_io = 2;
	run(w);
	assert_int_equal(w->job->state, XP_JOB_INTERRUPTED);
	use_again(w);
	resume(w);
	assert_claim(w, XP_NONE, XP_ATA_SANITIZE_OVERWRITE);
	assert_int_equal(w->job->exit_code, 1);
}

/* What was read before is gone from the job's folder: nothing is compared, and nothing is claimed
 * of it. */
static void test_job_resumed_without_its_baseline_says_so(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	const struct xp_phase *p;
	char path[256];

	cfg.sanitize_seconds = 600;
	plug(w, &cfg);
	w->cancel_after = 20;
	run(w);
	xp_journal_close(&w->job->journal);
	snprintf(path, sizeof(path), "%s/jobs/%s/baseline-1", w->state_path, w->job->id);
	assert_int_equal(unlink(path), 0);
	w->cancel_after = 0;
	resume(w);
	p = find(w, XP_PHASE_READBACK, 1);
	assert_ptr_not_equal(p, &nothing);
	assert_int_equal(p->readback.compared_blocks, 0);
	assert_int_equal(p->readback.baseline_informative, XP_ANSWER_UNKNOWN);
}

/* Another drive in the same place, between the plan and the run. */
static void test_job_swapped_drive_is_refused(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	struct emu_ata *other;

	plug(w, &cfg);
	prepare(w);
	snprintf(cfg.serial, sizeof(cfg.serial), "ANOTHER");
	other = emu_ata_new(&cfg, &w->time);
	if (!other)
		abort();
	emu_satl_plug(&w->unit, other);
	emu_media_stain(emu_ata_media(other), 0, SECTORS);
	xp_job_execute(w->job);
	assert_int_equal(w->job->state, XP_JOB_REFUSED);
	assert_int_equal(w->job->exit_code, 4);
	assert_int_equal(emu_media_stains(emu_ata_media(other), 0, SECTORS).sectors, SECTORS);
	emu_satl_plug(&w->unit, NULL);
	emu_ata_free(&other);
}

/* Frozen since the plan was made: nothing is begun. */
static void test_job_frozen_since_the_plan_is_refused(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	plug(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = XP_ATA_SANITIZE_CRYPTO;
	prepare(w);
	emu_satl_plug(&w->unit, NULL);
	xp_job_execute(w->job);
	assert_int_equal(w->job->state, XP_JOB_REFUSED);
	assert_int_equal(emu_media_stains(emu_ata_media(w->d), 0, SECTORS).sectors, SECTORS);
}

/* The adapter drops the registers: no technique whose end could not be seen is begun. */
static void test_job_registers_lost_is_cleared_by_the_host(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	cfg.has_hpa = cfg.has_dco = cfg.has_amac = false;
	plug(w, &cfg);
	w->unit.registers = EMU_REGISTERS_LOST;
	run(w);
	assert_true(w->job->capabilities.obstacles_n > 0);
	assert_claim(w, XP_CLEAR, XP_OVERWRITE_ZERO);
	assert_int_equal(w->job->exit_code, 3);
}

static void assert_sas_clean(const struct world *w, bool spare_too)
{
	struct emu_stains s = emu_media_stains(emu_scsi_media(w->sas, 0), 0, SECTORS);

	assert_int_equal(s.sectors, 0);
	if (spare_too)
		assert_int_equal(s.spare, 0);
}

/* The kernel shows a disk of no capacity: the drive's own commands read and write it. */
static void test_job_520_byte_disk_is_purged(void **state)
{
	struct world *w = *state;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	const struct xp_phase *p;

	cfg.logical_bytes = 520;
	plug_sas(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = XP_SCSI_SANITIZE_OVERWRITE;
	run(w);
	assert_claim(w, XP_PURGE, XP_SCSI_SANITIZE_OVERWRITE);
	assert_sas_clean(w, true);
	assert_int_equal(w->job->record.media.capacity_bytes, SECTORS * 520);
	assert_int_equal(w->job->record.media.logical_block_bytes, 520);
	p = find(w, XP_PHASE_READBACK, 1);
	assert_int_equal(p->readback.expected.kind, XP_CONTENT_ZERO);
	assert_int_equal(p->readback.bytes_delivered, p->readback.bytes_planned);
	assert_int_equal(p->readback.compared_blocks, SECTORS);
	assert_int_equal(p->readback.zero_blocks, SECTORS);
	assert_int_equal(p->readback.how.backend, XP_IO_SG);
}

static void test_job_520_byte_disk_is_overwritten_by_the_host(void **state)
{
	struct world *w = *state;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);

	cfg.logical_bytes = 520;
	plug_sas(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = XP_OVERWRITE_RANDOM;
	run(w);
	assert_claim(w, XP_CLEAR, XP_OVERWRITE_RANDOM);
	assert_sas_clean(w, false);
	assert_int_equal(find(w, XP_PHASE_ERASE, 1)->overwrite.bytes_written, SECTORS * 520);
	assert_int_equal(find(w, XP_PHASE_READBACK, 1)->readback.mismatch_total, 0);
}

/* Blocks with protection information: the drive makes it, and takes it off again. */
static void test_job_protected_disk_is_overwritten_by_the_host(void **state)
{
	struct world *w = *state;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);

	cfg.logical_bytes = 528;
	cfg.pi_type = 1;
	plug_sas(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = XP_OVERWRITE_ZERO;
	run(w);
	assert_claim(w, XP_CLEAR, XP_OVERWRITE_ZERO);
	assert_sas_clean(w, false);
}

/* Another host has reserved it: refused, before anything is held. */
static void test_job_reserved_drive_is_refused(void **state)
{
	struct world *w = *state;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);

	plug_sas(w, &cfg);
	emu_scsi_faults(w->sas)->reserved_elsewhere = true;
	prepare(w);
	assert_int_equal(w->job->plan.exit_code, 4);
	assert_int_equal(w->job->refusals.list[0].code, XP_REFUSED_RESERVED);
}

/* Reads fail after the erase until something was written: the level stands, and it is said. */
static void test_job_unreadable_after_the_erase_is_said(void **state)
{
	struct world *w = *state;
	struct emu_scsi_config cfg = emu_scsi_ssd(SECTORS);
	const struct xp_phase *p;

	cfg.logical_bytes = 520;
	cfg.wacereq = 3;
	plug_sas(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = XP_SCSI_SANITIZE_CRYPTO;
	run(w);
	p = find(w, XP_PHASE_READBACK, 1);
	assert_ptr_not_equal(p, &nothing);
	assert_int_equal(p->readback.unreadable_blocks, SECTORS);
	assert_true(p->readback.read_errors.total_bytes > 0);
	assert_int_equal(w->job->record.claim.outcome, XP_OUTCOME_SANITIZED_WITH_EXCEPTIONS);
	assert_int_equal(w->job->record.claim.level, XP_PURGE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_job_ssd_crypto_purges_the_drive),
		CASE(test_job_disk_sanitize_overwrite_leaves_zeros),
		CASE(test_job_liar_is_found_and_the_next_technique_follows),
		CASE(test_job_liar_alone_fails),
		CASE(test_job_disk_without_sanitize_is_cleared),
		CASE(test_job_without_fallback_refuses_what_only_clears),
		CASE(test_job_stopped_in_a_sanitize_is_resumed),
		CASE(test_job_used_behind_a_change_of_key_is_erased_again),
		CASE(test_job_used_behind_an_unseen_end_is_erased_again),
		CASE(test_job_used_behind_an_overwrite_is_found),
		CASE(test_job_resumed_without_its_baseline_says_so),
		CASE(test_job_swapped_drive_is_refused),
		CASE(test_job_frozen_since_the_plan_is_refused),
		CASE(test_job_registers_lost_is_cleared_by_the_host),
		CASE(test_job_520_byte_disk_is_purged),
		CASE(test_job_520_byte_disk_is_overwritten_by_the_host),
		CASE(test_job_protected_disk_is_overwritten_by_the_host),
		CASE(test_job_reserved_drive_is_refused),
		CASE(test_job_unreadable_after_the_erase_is_said),
	};

	return cmocka_run_group_tests_name("job_drive", tests, NULL, NULL);
}
