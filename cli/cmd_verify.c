#include "cli/commands_expunge.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "claim/bound.h"
#include "cli/job_progress.h"
#include "cli/job_reread.h"
#include "cli/job_reach.h"
#include "cli/output.h"

static const struct xp_option options[] = {
	{"record", XP_OPT_STRING, "FILE", "the record (ID.json) to hold the target against"},
	{"verify", XP_OPT_STRING, "MODE",
	 "full: every byte (default: the record's places, and fresh)"},
	{"quiet", XP_OPT_FLAG, NULL, "no progress"},
	{"json", XP_OPT_FLAG, NULL, "one JSON document on stdout"},
	{0},
};

struct check {
	struct xp_sysroot root;
	struct xp_target target;
	struct xp_record record;
	struct xp_reread result;
	uint8_t record_sha256[32];
	struct xp_progress *progress;
	struct xp_events events;
};

static void check_free(struct check **c)
{
	if (!*c)
		return;
	xp_progress_free(&(*c)->progress);
	xp_reread_free(&(*c)->result);
	xp_record_free(&(*c)->record);
	xp_target_free(&(*c)->target);
	xp_sysroot_close(&(*c)->root);
	free(*c);
	*c = NULL;
}

static const char *verdict_name(enum xp_reread_verdict v)
{
	switch (v) {
	case XP_REREAD_CLEAN:
		return "clean";
	case XP_REREAD_RESIDUE:
		return "residue";
	case XP_REREAD_INDETERMINATE:
		break;
	}
	return "indeterminate";
}

static int verdict_exit_code(enum xp_reread_verdict v)
{
	switch (v) {
	case XP_REREAD_CLEAN:
		return 0;
	case XP_REREAD_RESIDUE:
		return 1;
	case XP_REREAD_INDETERMINATE:
		break;
	}
	return 2;
}

static json_t *mismatches_json(const struct xp_readback_result *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->mismatch_n; i++) {
		char found[2 * XP_FOUND_BYTES + 1];
		json_t *o = json_object();

		xp_hex_encode(found, r->mismatches[i].found, XP_FOUND_BYTES);
		json_object_set_new(o, "offset", xp_json_u64(r->mismatches[i].offset));
		json_object_set_new(o, "length", xp_json_u64(r->mismatches[i].len));
		json_object_set_new(o, "found", json_string(found));
		json_object_set_new(o, "kind", xp_json_text(r->mismatches[i].kind));
		json_array_append_new(list, o);
	}
	return list;
}

/* parts per billion, as decimal strings: an upper bound on the fraction of residue */
static json_t *bound_json(uint64_t n)
{
	json_t *o = json_object();

	json_object_set_new(o, "p95", xp_json_u64(xp_bound_residue_ppb(n, 950)));
	json_object_set_new(o, "p99", xp_json_u64(xp_bound_residue_ppb(n, 990)));
	json_object_set_new(o, "p999", xp_json_u64(xp_bound_residue_ppb(n, 999)));
	return o;
}

/*
 * Every byte came from the device and was as it should be: nothing is left to be bounded. A full
 * reading may be of areas; a sample of a small target is all of it.
 */
static bool is_whole(const struct check *c, const struct xp_readback_result *r)
{
	return xp_readback_is_all_good(r, r->mode == XP_READBACK_FULL
						  ? r->bytes_planned
						  : c->target.identity.capacity_bytes);
}

static json_t *readback_json(const struct check *c, const struct xp_readback_result *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "mode", json_string(xp_readback_mode_name(r->mode)));
	json_object_set_new(o, "extents", json_integer((json_int_t)r->extents));
	json_object_set_new(o, "bytes_read", xp_json_u64(r->bytes_delivered));
	json_object_set_new(o, "coverage_ppm", json_integer(r->coverage_ppm));
	/* where nobody knows what is to be there nothing is bounded */
	if (is_whole(c, r))
		json_object_set_new(
			o, "residue_bound",
			json_pack("{s:s, s:s, s:s}", "p95", "0", "p99", "0", "p999", "0"));
	else if (r->mode == XP_READBACK_SAMPLE && r->expected.kind != XP_CONTENT_UNKNOWN &&
		 r->mismatch_total == 0)
		json_object_set_new(o, "residue_bound", bound_json(r->extents));
	json_object_set_new(o, "mismatch_blocks", xp_json_u64(r->mismatch_total));
	json_object_set_new(o, "read_error_bytes", xp_json_u64(r->read_errors.total_bytes));
	json_object_set_new(o, "mismatches", mismatches_json(r));
	return o;
}

static int report_json(const struct check *c)
{
	const struct xp_reread *r = &c->result;
	json_t *o = readback_json(c, &r->fresh);
	json_t *evidence = NULL;
	char sha256[65];
	struct xp_err err;

	if (xp_reread_evidence(&evidence, r, &c->record, &err) != XP_OK) {
		json_decref(o);
		return xp_report_error(&err, true, NULL);
	}
	xp_hex_encode(sha256, c->record_sha256, sizeof(c->record_sha256));
	json_object_set_new(o, "record_sha256", json_string(sha256));
	json_object_set_new(o, "evidence", evidence);

	json_object_set_new(o, "verdict", json_string(verdict_name(r->verdict)));
	json_object_set_new(o, "path", xp_json_text(c->target.path));
	json_object_set_new(o, "record", json_string(c->record.id));
	if (*r->why)
		json_object_set_new(o, "why", json_string(r->why));
	if (r->markers) {
		json_object_set_new(o, "canaries", xp_json_u64(r->markers));
		json_object_set_new(o, "canaries_alive", xp_json_u64(r->fresh.canaries_alive));
	}
	if (r->has_again) {
		json_object_set_new(o, "record_places", readback_json(c, &r->again));
		if (r->fresh.mismatch_total == 0 && r->again.mismatch_total)
			json_object_set_new(o, "mismatches", mismatches_json(&r->again));
	}
	return xp_print_json(o);
}

static void report_person(const struct check *c)
{
	const struct xp_reread *r = &c->result;
	const struct xp_readback_result *lists[] = {&r->again, &r->fresh};
	AUTO(xp_buf_free) struct xp_buf b = {0};

	xp_print_escaped(stdout, c->target.path);
	printf(": %s\n", verdict_name(r->verdict));
	if (*r->why)
		printf("  %s\n", r->why);
	xp_buf_size(&b, r->again.bytes_delivered + r->fresh.bytes_delivered);
	printf("  read %s from the device", xp_buf_str(&b));
	if (r->has_again)
		printf(", at the record's places and at fresh ones");
	putchar('\n');
	if (r->markers)
		printf("  of %" PRIu64 " markers that were written before the erase %" PRIu64
		       " are there\n",
		       r->markers, r->fresh.canaries_alive);
	if (r->verdict == XP_REREAD_CLEAN &&
	    xp_readback_is_all_good(&r->fresh, c->target.identity.capacity_bytes))
		printf("  every byte of the target was read and is as it should be\n");
	else if (r->verdict == XP_REREAD_CLEAN && r->fresh.mode == XP_READBACK_SAMPLE)
		printf("  with 99.9 %% confidence less than %" PRIu64
		       " in 1,000,000,000 parts could hold residue (%" PRIu64
		       " independent places)\n",
		       xp_bound_residue_ppb(r->fresh.extents, 999), r->fresh.extents);
	for (size_t k = 0; k < XP_ARRAY_LEN(lists); k++)
		for (size_t i = 0; i < lists[k]->mismatch_n && i < 20; i++) {
			const struct xp_mismatch *m = &lists[k]->mismatches[i];
			char found[2 * XP_FOUND_BYTES + 1];

			xp_hex_encode(found, m->found, XP_FOUND_BYTES);
			printf("  at byte %" PRIu64 ", %" PRIu64 " bytes: found %s (%s)\n",
			       m->offset, m->len, found, m->kind);
		}
}

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
	const struct check *c = ctx;
	struct xp_event e = {.kind = XP_EVENT_PROGRESS,
			     .target = c->target.path,
			     .phase = "readback",
			     .done_bytes = done,
			     .total_bytes = total};

	c->events.emit(c->events.ctx, &e);
}

static bool on_cancelled(void *ctx)
{
	(void)ctx;
	return xp_cancel_requested();
}

static enum xp_rc check(struct check *c, const struct xp_args *args, struct xp_err *err)
{
	const char *mode = xp_args_string(args, "verify");
	char why[384];
	const char *record = xp_args_string(args, "record");
	struct xp_reread_request req = {
		.root = &c->root,
		.target = &c->target,
		.record = &c->record,
		.full = mode != NULL,
		.rng = xp_rng_system(),
		.ctx = c,
		.progress = on_progress,
		.cancelled = on_cancelled,
	};

	if (!record)
		return xp_fail(err, XP_E_USAGE, "verify needs --record FILE");
	if (mode && strcmp(mode, "full") != 0)
		return xp_fail(err, XP_E_USAGE, "--verify %s: only full", mode);
	TRY(xp_sysroot_open(&c->root, "/", err));
	TRY(xp_record_read_file(&c->record, c->record_sha256, record, err));
	if (!xp_job_can_reach(why, sizeof(why), &c->root, args->operands[0]))
		return xp_fail(err, XP_E_REFUSED, "%s: %s", args->operands[0], why);
	TRY(xp_target_resolve(&c->target, &c->root, args->operands[0], err));
	TRY(xp_progress_new(&c->progress, 1, -1, xp_args_flag(args, "quiet"), xp_clock_system(),
			    err));
	c->events = xp_progress_events(c->progress, 0);
	xp_cancel_install();
	return xp_reread_run(&c->result, &req, err);
}

static int run(const struct xp_args *args)
{
	AUTO(check_free) struct check *c = calloc(1, sizeof(*c));
	int exit_code;
	struct xp_err err;

	if (!c) {
		xp_fail(&err, XP_E_NOMEM, "verify");
		return xp_report_error(&err, xp_args_flag(args, "json"), NULL);
	}
	c->root.fd = -1;
	if (check(c, args, &err) != XP_OK)
		return xp_report_error(&err, xp_args_flag(args, "json"), NULL);
	exit_code = verdict_exit_code(c->result.verdict);
	if (xp_args_flag(args, "json"))
		return xp_exit_worse(exit_code, report_json(c));
	report_person(c);
	return exit_code;
}

const struct xp_command xp_command_verify = {
	.name = "verify",
	.operands = "TARGET",
	.summary = "Read a target again, at the record's places and at fresh ones.",
	.details = "Looks at the drive, not at the signature: expunge-cert verify checks that.\n"
		   "Exit codes: 0 clean, 1 residue, 2 indeterminate, 4 another target.",
	.options = options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
