#include "cli/job_tell.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/output.h"
#include "device/refusal.h"

#define LABEL_COLUMNS 15 /* two blanks, the label, a blank at least */

void xp_tell_line(FILE *f, const char *label, const char *fmt, ...)
{
	AUTO_MEM char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	fprintf(f, "  %-*s", LABEL_COLUMNS - 2, label);
	xp_print_wrapped(f, LABEL_COLUMNS, text ? text : "(no memory)");
}

void xp_buf_shell_word(struct xp_buf *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-./:@=+,%";

	if (*text && text[strspn(text, plain)] == 0) {
		xp_buf_puts(out, text);
		return;
	}
	xp_buf_putc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			xp_buf_puts(out, "'\\''");
		else
			xp_buf_putc(out, *text);
	}
	xp_buf_putc(out, '\'');
}

bool xp_confirm_tells_more(const char *path, const char *confirm)
{
	const char *slash = strrchr(path, '/');

	return *confirm && strcmp(slash ? slash + 1 : path, confirm) != 0;
}

/* The target's path and, where that says more, what confirms it: which drive this is about. */
static void title(struct xp_buf *b, const struct xp_job *job)
{
	xp_buf_puts(b, job->target.path);
	if (xp_confirm_tells_more(job->target.path, job->target.confirm))
		xp_buf_printf(b, " (%s)", job->target.confirm);
}

/* The refusals name their target themselves; the title has done so already. */
static const char *without_path(const char *message, const char *path)
{
	size_t len = strlen(path);

	return strncmp(message, path, len) == 0 && strncmp(message + len, ": ", 2) == 0
		       ? message + len + 2
		       : message;
}

static void tell_refused(const struct xp_job *job)
{
	AUTO(xp_buf_free) struct xp_buf name = {0};

	title(&name, job);
	xp_say("%s: refused, nothing was touched", xp_buf_str(&name));
	for (size_t i = 0; i < job->refusals.n; i++) {
		const struct xp_refusal *r = &job->refusals.list[i];

		xp_say("  %s: %s", xp_refusal_code_name(r->code),
		       without_path(r->message, job->target.path));
		xp_say("  what would help: %s", r->remedy);
	}
	if (job->err.rc != XP_OK && job->refusals.n == 0)
		xp_say("  %s", without_path(job->err.msg, job->target.path));
}

/* What else must be typed for another command to find the job. */
static void state_option(struct xp_buf *b, const struct xp_job *job)
{
	if (job->setup->state->is_default)
		return;
	xp_buf_puts(b, " --state ");
	xp_buf_shell_word(b, job->setup->state->path);
}

static void tell_interrupted(const struct xp_job *job)
{
	AUTO(xp_buf_free) struct xp_buf name = {0};
	AUTO(xp_buf_free) struct xp_buf state = {0};

	title(&name, job);
	state_option(&state, job);
	xp_say("%s: interrupted, data may remain", xp_buf_str(&name));
	if (job->err.rc != XP_OK)
		xp_say("  %s", without_path(job->err.msg, job->target.path));
	xp_say("  go on with: expunge resume %s%s", job->id, xp_buf_str(&state));
}

/* Of the reading that counts: the last. */
static bool read_all(const struct xp_job *job)
{
	const struct xp_evidence *ev = &job->record.evidence;
	bool all = false;

	for (size_t i = 0; i < ev->n; i++)
		if (ev->phases[i].kind == XP_PHASE_READBACK)
			all = xp_readback_is_of_all(&ev->phases[i].readback,
						    ev->phases[i].identity.capacity_bytes);
	return all;
}

void xp_buf_job_work(struct xp_buf *out, const struct xp_job *job)
{
	xp_buf_puts(out, "wrote ");
	xp_buf_size(out, job->bytes_written);
	xp_buf_puts(out, ", read back ");
	xp_buf_size(out, job->bytes_read);
	xp_buf_puts(out, read_all(job) ? " (every byte), in " : ", in ");
	xp_buf_duration(out, job->seconds);
}

static void tell_work(const struct xp_job *job)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};

	if (!job->bytes_written && !job->bytes_read)
		return;
	xp_buf_job_work(&b, job);
	xp_tell_line(stdout, "did", "%s", xp_buf_str(&b));
}

static enum xp_tone tone_of(enum xp_outcome outcome)
{
	switch (outcome) {
	case XP_OUTCOME_SANITIZED:
		return XP_TONE_GOOD;
	case XP_OUTCOME_SANITIZED_WITH_EXCEPTIONS:
	case XP_OUTCOME_ABORTED:
	case XP_OUTCOME_INDETERMINATE:
		return XP_TONE_CAUTION;
	case XP_OUTCOME_FAILED:
		break;
	}
	return XP_TONE_BAD;
}

static void tell_ended(const struct xp_job *job)
{
	const struct xp_claim *claim = &job->record.claim;
	const struct xp_job_setup *setup = job->setup;
	AUTO(xp_buf_free) struct xp_buf name = {0};
	AUTO(xp_buf_free) struct xp_buf record = {0};

	title(&name, job);
	xp_print_escaped(stdout, xp_buf_str(&name));
	fputs(": ", stdout);
	xp_print_toned(stdout, tone_of(claim->outcome),
		       job->state == XP_JOB_NOT_NEEDED ? "already sanitized"
						       : xp_outcome_name(claim->outcome));
	putchar('\n');
	xp_tell_line(stdout, "claim", "%s, scope %s (asked: %s)", xp_level_name(claim->level),
		     xp_scope_name(claim->scope), xp_level_name(job->plan.asked));
	for (unsigned i = 0; i < claim->reasons_n; i++)
		xp_tell_line(stdout, i ? "" : "because", "%s", claim->reasons[i].text);
	tell_work(job);
	if (claim->level == XP_NONE)
		xp_tell_line(stdout, "beware",
			     "data may remain: keep the medium apart, and run again or destroy it");
	xp_buf_puts(&record, setup->out_dir ? setup->out_dir : setup->state->path);
	xp_buf_printf(&record, "%s/%s", setup->out_dir ? "" : "/certificates", job->record_name);
	/* a path is not broken: it is there to be copied */
	fputs("  record       ", stdout);
	xp_print_escaped(stdout, xp_buf_str(&record));
	fputs("\n", stdout);
	if (*job->signature_name)
		xp_tell_line(stdout, "",
			     "with its signature beside it, %s; keep the two together, check them "
			     "with expunge-cert verify",
			     job->signature_name);
}

void xp_tell_job(const struct xp_job *job)
{
	AUTO(xp_buf_free) struct xp_buf name = {0};
	AUTO(xp_buf_free) struct xp_buf state = {0};

	switch (job->state) {
	case XP_JOB_REFUSED:
		tell_refused(job);
		return;
	case XP_JOB_INTERRUPTED:
		tell_interrupted(job);
		return;
	case XP_JOB_DETACHED:
		title(&name, job);
		xp_print_escaped(stdout, xp_buf_str(&name));
		printf(": job %s runs in the background; to wait for it: expunge wait %s", job->id,
		       job->id);
		state_option(&state, job);
		xp_print_escaped(stdout, xp_buf_str(&state));
		putchar('\n');
		return;
	case XP_JOB_ENDED:
	case XP_JOB_NOT_NEEDED:
		tell_ended(job);
		if (job->err.rc != XP_OK)
			xp_say("%s: %s", job->target.path,
			       without_path(job->err.msg, job->target.path));
		return;
	case XP_JOB_PLANNED:
	case XP_JOB_FAILED:
		title(&name, job);
		xp_say("%s: %s", xp_buf_str(&name),
		       job->err.rc == XP_OK ? "nothing was done"
					    : without_path(job->err.msg, job->target.path));
		return;
	}
}

void xp_tell_exit_code(int exit_code)
{
	static const struct {
		int code;
		const char *text;
	} meanings[] = {
		{1, "failed: data may remain"},
		{2, "indeterminate: what the drive did cannot be known"},
		{3, "done, at a lower level than asked; with --accept clear it would be 0"},
		{4, "refused; what was refused was not touched"},
		{5, "cancelled or interrupted; see expunge status"},
		{6, "incomplete: an expected drive is absent, or the host hides drives"},
		{69, "not supported"},
		{77, "no permission"},
	};

	for (size_t i = 0; i < XP_ARRAY_LEN(meanings); i++)
		if (meanings[i].code == exit_code)
			xp_say("exit code %d: %s", exit_code, meanings[i].text);
}
