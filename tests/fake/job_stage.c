#include "tests/fake/job_stage_inside.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/record_check.h"
#include "cli/job_journal.h"
#include "cli/job_reread.h"
#include "device/extent_sg.h"
#include "tests/fake/claim_evidence.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct world *W; /* for the cancel flag, which has no context */

static bool is_cancelled(void)
{
	return W->was_stopped || (W->cancel_after && W->waits >= W->cancel_after) ||
	       (W->cancel_at_io && W->ios >= W->cancel_at_io);
}

/* --- the door --- */

static enum xp_rc door_open(void *ctx, struct xp_transport **out, const struct xp_target *target,
			    const struct xp_permit *permit, struct xp_err *err)
{
	struct world *w = ctx;

	(void)target;
	(void)permit;
	if (w->slot.drive)
		return stage_nvme_open(out, w, err);
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
	if (w->slot.drive) {
		stage_nvme_view(out, w);
		return XP_OK;
	}
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
	if (w->slot.drive)
		return stage_nvme_open_io(out, w, cfg, err);
	return xp_extent_sg_new(out, cfg, w->io_way, err);
}

static void door_sleep(void *ctx, uint32_t ms)
{
	struct world *w = ctx;

	w->waits++;
	emu_time_pass(&w->time, ms * EMU_MS);
}

/* --- a process that is killed --- */

#define CDB_ATA_16 0x85

/* Whatever it would still write stays unwritten: what the journal has ends here. */
static void die(struct world *w)
{
	int full = open("/dev/full", O_RDWR | O_CLOEXEC);

	w->dead = true;
	if (w->cuts_power)
		stage_power_cycle(w);
	for (int fd = 3; full >= 0 && fd < 1024; fd++) {
		char name[64], path[256] = "";
		ssize_t n;

		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		n = readlink(name, path, sizeof(path) - 1);
		if (n > 0 && strstr(path, w->folder) && strstr(path, "/journal.jsonl") &&
		    dup2(full, fd) < 0)
			abort();
	}
	if (full < 0 || close(full))
		abort();
	w->kept_fd = w->state.certificates_fd;
	w->state.certificates_fd = -1;
}

bool stage_boundary(struct world *w)
{
	if (w->dead)
		return true;
	w->boundaries++;
	if (w->boundaries == w->plug_at && w->sas)
		w->bay.drive = w->plugs_sas;
	else if (w->boundaries == w->plug_at)
		emu_satl_plug(&w->unit, w->plugs);
	if (w->boundaries == w->kill_at)
		die(w);
	return w->dead;
}

static void at_exec(void *ctx, struct emu_scsi_cmd *cmd)
{
	struct world *w = ctx;

	cmd->answered = false;
	if (w->count_from && cmd->cdb[0] == w->count_from) {
		w->boundaries = 0;
		w->kill_at = w->kill_behind;
		w->plug_at = w->plug_behind;
		w->count_from = 0;
	}
	if (stage_boundary(w))
		return;
	if (w->cancel_on && cmd->cdb[0] == CDB_ATA_16 && cmd->cdb[14] == w->cancel_on)
		w->was_stopped = true;
	w->inner.ops->exec(w->inner.ctx, cmd);
	if (w->kill_on && cmd->cdb[0] == CDB_ATA_16 && cmd->cdb[14] == w->kill_on && !w->dead)
		w->kill_at = w->boundaries + 1;
	if (stage_boundary(w))
		cmd->answered = false;
}

static void at_power_off(void *ctx)
{
	const struct world *w = ctx;

	w->inner.ops->power_off(w->inner.ctx);
}

static void at_power_on(void *ctx)
{
	const struct world *w = ctx;

	w->inner.ops->power_on(w->inner.ctx);
}

static void at_reset(void *ctx)
{
	const struct world *w = ctx;

	w->inner.ops->reset(w->inner.ctx);
}

static struct emu_time *at_time(void *ctx)
{
	const struct world *w = ctx;

	return w->inner.ops->time(w->inner.ctx);
}

static const struct emu_unit_ops at_ops = {.exec = at_exec,
					   .power_off = at_power_off,
					   .power_on = at_power_on,
					   .reset = at_reset,
					   .time = at_time};

void stage_power_cycle(struct world *w)
{
	if (w->slot.drive) {
		emu_nvme_power_off(w->slot.drive);
		emu_nvme_power_on(w->slot.drive);
		return;
	}
	w->inner.ops->power_off(w->inner.ctx);
	w->inner.ops->power_on(w->inner.ctx);
}

/* --- the stage --- */

int stage_setup(void **state)
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

void stage_job_drop(struct world *w)
{
	if (w->job)
		xp_job_free(w->job);
	free(w->job);
	w->job = NULL;
}

int stage_teardown(void **state)
{
	struct world *w = *state;
	char command[128];

	stage_job_drop(w);
	xp_transport_free(&w->io_way);
	emu_ata_free(&w->d);
	emu_scsi_free(&w->sas);
	emu_nvme_free(&w->slot.drive);
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
void stage_plug(struct world *w, const struct emu_ata_config *cfg)
{
	/* an ordinary user may not see who else uses a file: then there is no permit */
	if (geteuid() != 0)
		skip();
	w->d = emu_ata_new(cfg, &w->time);
	if (!w->d)
		abort();
	w->unit = (struct emu_satl){.drive = w->d};
	w->inner = emu_satl_unit(&w->unit);
	w->at = (struct emu_unit){.ops = &at_ops, .ctx = w};
	assert_int_equal(emu_transport_open_unit(&w->io_way, w->at, &w->err), XP_OK);
	emu_media_stain(emu_ata_media(w->d), 0, (uint32_t)cfg->sectors);
	emu_media_stain_spare(emu_ata_media(w->d));
}

/* A SAS drive; its bytes go by its own commands. */
void stage_plug_sas(struct world *w, const struct emu_scsi_config *cfg)
{
	if (geteuid() != 0)
		skip();
	w->sas = emu_scsi_new(cfg, &w->time);
	if (!w->sas)
		abort();
	w->bay.drive = w->sas;
	w->inner = emu_scsi_unit(&w->bay);
	w->at = (struct emu_unit){.ops = &at_ops, .ctx = w};
	assert_int_equal(emu_transport_open_unit(&w->io_way, w->at, &w->err), XP_OK);
	emu_media_stain(emu_scsi_media(w->sas, 0), 0, (uint32_t)cfg->sectors);
	emu_media_stain_spare(emu_scsi_media(w->sas, 0));
}

void stage_policy(struct world *w, const char *more)
{
	static const char known[] = "\"nist-800-88r2\"";
	AUTO_MEM char *text = NULL;
	struct xp_policy *own = NULL;
	size_t len = 0;
	const char *json = xp_policy_json(w->options.policy, &len);
	const char *name = strstr(json, known);

	if (!name || asprintf(&text, "{%s, %.*s\"stage\"%s", more, (int)(name - json - 1), json + 1,
			      name + strlen(known)) < 0)
		abort();
	if (xp_policy_parse(&own, text, strlen(text), &w->err) != XP_OK)
		fail_msg("%s", w->err.msg);
	xp_policy_free(&w->options.policy);
	w->options.policy = own;
}

void stage_prepare(struct world *w)
{
	stage_job_drop(w);
	w->job = calloc(1, sizeof(*w->job));
	if (!w->job)
		abort();
	if (xp_job_prepare(w->job, &w->setup, w->image, &w->err) != XP_OK)
		fail_msg("%s", w->err.msg);
}

/* The record of the job, as it was written, holds together. */
void stage_assert_record_good(struct world *w)
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

void stage_run(struct world *w)
{
	stage_prepare(w);
	xp_job_execute(w->job);
	if (w->job->state == XP_JOB_ENDED)
		stage_assert_record_good(w);
}

void stage_leave_password(struct world *w)
{
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);

	stage_plug(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = XP_ATA_SECURE_ERASE;
	w->kill_on = 0xf3; /* SECURITY ERASE PREPARE */
	w->cuts_power = true;
	stage_run(w);
	assert_true(w->dead);
	xp_journal_close(&w->job->journal);
	w->state.certificates_fd = w->kept_fd;
	w->dead = false;
	w->kill_at = w->kill_on = 0;
}

bool stage_names_password(struct world *w)
{
	AUTO(xp_job_summaries_free) struct xp_job_summaries all = {0};

	assert_int_equal(xp_job_summaries_read(&all, &w->state, &w->err), XP_OK);
	assert_int_equal(all.n, 1);
	assert_false(all.list[0].damaged);
	return all.list[0].has_secret;
}

void stage_assert_claim(const struct world *w, enum xp_level level, enum xp_technique t)
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

void stage_assert_clean(const struct world *w)
{
	struct emu_stains s = emu_media_stains(emu_ata_media(w->d), 0, STAGE_SECTORS);

	assert_int_equal(s.sectors, 0);
	assert_int_equal(s.spare, 0);
}

const struct xp_phase stage_nothing;

/* Nothing where there is no such phase. */
const struct xp_phase *stage_find(const struct world *w, enum xp_phase_kind kind, uint32_t attempt)
{
	const struct xp_evidence *ev = &w->job->record.evidence;

	for (size_t i = 0; i < ev->n; i++)
		if (ev->phases[i].kind == kind && ev->phases[i].attempt == attempt)
			return &ev->phases[i];
	return &stage_nothing;
}

void stage_reopen(struct world *w)
{
	char id[XP_UUID_LEN];
	json_t *first = NULL;

	memcpy(id, w->job->id, sizeof(id));
	stage_job_drop(w);
	if (w->dead)
		w->state.certificates_fd = w->kept_fd;
	w->dead = false;
	w->kill_at = w->kill_on = 0;
	w->job = calloc(1, sizeof(*w->job));
	if (!w->job)
		abort();
	if (xp_job_reopen(w->job, &w->state, &first, id, &w->err) != XP_OK ||
	    xp_job_resume_prepare(w->job, &w->setup, w->image, &w->err) != XP_OK)
		fail_msg("%s", w->err.msg);
	json_decref(first);
}

static void count_from_here(void *ctx, const struct xp_job *job)
{
	struct world *w = ctx;

	(void)job;
	w->boundaries = 0;
	w->kill_at = w->kill_behind;
}

bool stage_execute_cut(struct world *w, uint64_t at, bool cuts_power)
{
	w->setup.on_settled = w->count_from ? NULL : count_from_here;
	w->setup.on_settled_ctx = w;
	w->kill_behind = at;
	w->cuts_power = cuts_power;
	xp_job_execute(w->job);
	w->cuts_power = false;
	w->setup.on_settled = NULL;
	return w->dead;
}

void stage_resume(struct world *w)
{
	stage_reopen(w);
	xp_job_execute(w->job);
	if (w->job->state == XP_JOB_ENDED)
		stage_assert_record_good(w);
}

bool stage_has_reason(const struct world *w, const char *code)
{
	return claim_has_reason(&w->job->record.claim, code);
}
