/* cert_show: `expunge-cert show`: the record for a person. It shows, it does not check. */
#include "cli/commands_cert.h"
#include "cli/confine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/look_alike.h"
#include "certs/record_check.h"
#include "cli/output.h"
#include "claim/bound.h"

static const struct xp_option show_options[] = {
	{"json", XP_OPT_FLAG, NULL, "one JSON document on standard output"},
	{0},
};

/* ---- lines ---- */

static void section(const char *title)
{
	printf("\n%s\n", title);
}

/* "  NAME  VALUE", nothing where VALUE is empty. */
static void line(const char *name, const char *value)
{
	struct xp_look_alike l;

	if (!value[0])
		return;
	printf("  %-22s ", name);
	xp_print_escaped(stdout, value);
	putchar('\n');
	if (xp_text_looks_alike(&l, value)) {
		printf("  %-22s \"", "  NOTE");
		xp_print_escaped(stdout, l.word);
		printf("\" has a %s letter (U+%04X) among %s ones: it may be another word than it "
		       "seems\n",
		       l.script, (unsigned)l.letter, l.other);
	}
}

static void line_or(const char *name, const char *value, const char *if_empty)
{
	line(name, value[0] ? value : if_empty);
}

static void line_size(const char *name, uint64_t bytes)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};

	xp_buf_printf(&b, "%" PRIu64 " bytes", bytes);
	if (bytes >= 1024) {
		xp_buf_puts(&b, " (");
		xp_buf_size(&b, bytes);
		xp_buf_puts(&b, ")");
	}
	line(name, xp_buf_str(&b));
}

static void line_time(const char *name, int64_t at_s)
{
	char text[XP_TIME_LEN];

	xp_time_format(text, at_s);
	line(name, text);
}

static void line_hex(const char *name, const uint8_t *data, size_t len)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};

	xp_buf_hex(&b, data, len);
	line(name, xp_buf_str(&b));
}

__attribute__((format(printf, 2, 3))) static void line_fmt(const char *name, const char *fmt, ...)
{
	AUTO_MEM char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	line(name, n < 0 ? "(no memory)" : text);
	if (n < 0)
		text = NULL;
}

/* ---- sections ---- */

static void show_done(const struct xp_record *r)
{
	section("WHAT WAS DONE");
	line("record", r->id);
	line("kind", xp_record_kind_name(r->kind));
	line("supersedes", r->supersedes_id);
	line_time("issued", r->issued_s);
	line("tenant", r->tenant);
	line("case", r->case_no);
	line("technique", xp_technique_name(r->technique));
	line_or("method applied", r->method, "none");
	line("asked for", xp_level_name(r->asked));
	if (r->accepted != r->asked)
		line("accepted at least", xp_level_name(r->accepted));
}

static void show_medium(const struct xp_record *r)
{
	const struct xp_identity *id = &r->media;

	section("TO WHICH MEDIUM");
	line("type", xp_media_name(id->media));
	line("bus", xp_bus_name(id->bus));
	line("vendor", id->vendor);
	line("manufacturer", r->manufacturer);
	line("name", id->name);
	line_or("model", id->model, "unavailable");
	line_or("serial", id->serial, "unavailable");
	line_or("WWN", id->wwn, "unavailable");
	line_or("firmware", id->firmware, "unavailable");
	if (id->partition)
		line_fmt("partition", "%" PRIu64 ", from byte %" PRIu64 " of the disk",
			 id->partition, id->partition_start);
	line_size("capacity", id->capacity_bytes);
	if (r->capacity_after_known)
		line_size("capacity after", r->capacity_after_bytes);
	line("property number", r->property_no);
	line("asset tag", r->asset_tag);
	line("ticket", r->ticket);
	line("source", r->source);
	line("slot", r->slot);
	line("classified before", r->classification_before);
	line("classified after", r->classification_after);
	line("backup of the data", r->backup_status);
	line("backup location", r->backup_location);
	line("header or key backups", r->header_backups);
	line("plain text before", r->plaintext_before);
	for (unsigned i = 0; i < r->closed_n; i++) {
		char at[XP_TIME_LEN];

		xp_time_format(at, r->closed[i].at_s);
		line_fmt("closed before", "mapping %s of volume %s, %s", r->closed[i].name,
			 *r->closed[i].uuid ? r->closed[i].uuid : "unknown", at);
	}
	line("destination", r->destination);
	line("deadline", r->deadline);
}

static void show_claim(const struct xp_record *r)
{
	const struct xp_claim *c = &r->claim;

	section("RESULT, AS THE RECORD STATES IT");
	line("outcome", xp_outcome_name(c->outcome));
	line("level", xp_level_name(c->level));
	line("scope", xp_scope_name(c->scope));
	line("highest possible", xp_level_name(c->cap));
	for (unsigned i = 0; i < c->reasons_n; i++)
		line_fmt(i ? "" : "because", "%s (rule %u, %s)", c->reasons[i].text,
			 c->reasons[i].rule, c->reasons[i].code);
	section("NOT COVERED");
	for (unsigned i = 0; i < c->not_covered_n; i++)
		line("-", c->not_covered[i]);
	if (!c->not_covered_n)
		line("-", "the record lists nothing");
}

static void show_identity_change(const struct xp_record *r, const struct xp_phase *p)
{
	const char *what = "";

	if (!xp_identity_same(&r->media, &p->identity, &what))
		line_fmt("  NOTE", "another medium than above: its %s differs", what);
}

static void show_overwrite(const struct xp_overwrite_result *o)
{
	line_fmt("  pass", "%" PRIu32 " of %" PRIu32 ", %s", o->pass, o->passes,
		 xp_content_kind_name(o->content.kind));
	line_size("  the host wrote", o->bytes_written);
	line("  flush at the end", o->flushed ? "answered with success" : "NOT answered");
	if (o->unwritten.total_count) {
		line_fmt("  NOT written", "%" PRIu64 " bytes in %" PRIu64 " places",
			 o->unwritten.total_bytes, o->unwritten.total_count);
	}
	if (o->resumed_from)
		line_size("  taken up again at", o->resumed_from);
	line("  not the best way", o->how.fallback);
}

static void show_volumes(const struct xp_phase *p)
{
	for (size_t i = 0; i < p->volume_n; i++) {
		const struct xp_luks_volume *v = &p->volumes[i];

		line_fmt("  LUKS volume", "LUKS%u %s, %s", v->version,
			 *v->uuid ? v->uuid : "no UUID", *v->cipher ? v->cipher : "cipher unknown");
		line_fmt("    header", "primary copy %s, second copy %s; libcryptsetup %s",
			 xp_luks_copy_name(v->primary), xp_luks_copy_name(v->secondary),
			 xp_luks_opinion_name(v->library));
		line_fmt("    keys", "%u slots, %u tokens %s", v->slots, v->tokens, v->token_types);
		line_fmt("    area", "%" PRIu64 " bytes from byte %" PRIu64 " on, sha256",
			 v->area_bytes, v->offset);
		line_hex("", v->before_sha256, sizeof(v->before_sha256));
	}
}

static void show_file(const struct xp_phase *p)
{
	const struct xp_file_facts *f = &p->file;

	if (!p->file_known)
		return;
	line_fmt("  the file", "on %s, %s below, %" PRIu64 " names", xp_file_system_name(f->fs),
		 xp_file_below_name(f->below), f->links);
	line_fmt("    lies in", "%zu places%s%s%s%s%s", f->extent_n,
		 f->map_known ? "" : ", and where else is not known",
		 f->shared ? ", shared with others" : "",
		 f->encoded ? ", compressed or encrypted" : "",
		 f->elsewhere ? ", a part without a place" : "",
		 f->journals_data ? ", and in the journal" : "");
}

static void show_search(const struct xp_key_search *s)
{
	for (size_t i = 0; i < s->area_n; i++) {
		line_fmt("  area of keys", "%" PRIu64 " bytes from byte %" PRIu64 " on, sha256 now",
			 s->areas[i].len, s->areas[i].offset);
		line_hex("", s->areas[i].sha256, sizeof(s->areas[i].sha256));
	}
	if (!s->area_n)
		return;
	line_fmt("  LUKS headers left", "%" PRIu64 " in there, %" PRIu64 " elsewhere (%s searched)",
		 s->headers_left, s->copy_total, s->searched_all ? "all" : "in part");
	if (s->swap_found)
		line("  NOTE", "swap space or a hibernation image stands on the target");
}

static void show_bound(const struct xp_readback_result *b)
{
	static const struct {
		unsigned permille;
		const char *text;
	} levels[] = {{950, "95"}, {990, "99"}, {999, "99.9"}};

	for (size_t i = 0; i < XP_ARRAY_LEN(levels); i++)
		line_fmt(i ? "" : "  residue at most",
			 "%" PRIu64 " parts per billion at %s %% confidence",
			 xp_bound_residue_ppb(b->extents, levels[i].permille), levels[i].text);
}

static void show_readback(const struct xp_readback_result *b, uint64_t capacity_bytes)
{
	line("  mode", xp_readback_mode_name(b->mode));
	if (b->mode == XP_READBACK_NONE)
		return;
	line_size("  the device delivered", b->bytes_delivered);
	line_fmt("  coverage", "%" PRIu32 ".%04" PRIu32 " %%", b->coverage_ppm / 10000,
		 b->coverage_ppm % 10000);
	if (b->mode == XP_READBACK_SAMPLE) {
		line_fmt("  places", "%" PRIu64 " by the seed (%s), %" PRIu64 " always read",
			 b->extents, xp_sample_scheme_name(b->scheme), b->always_extents);
		line_hex("  seed", b->seed, sizeof(b->seed));
	}
	line_fmt("  mismatching blocks", "%" PRIu64, b->mismatch_total);
	for (size_t i = 0; i < b->mismatch_n && i < 8; i++)
		line_fmt("  found", "%s at byte %" PRIu64 ", %" PRIu64 " bytes",
			 b->mismatches[i].kind, b->mismatches[i].offset, b->mismatches[i].len);
	if (b->mismatch_n > 8)
		line_fmt("", "and %zu places more in the record", b->mismatch_n - 8);
	line_fmt("  unreadable", "%" PRIu64 " bytes in %" PRIu64 " places",
		 b->read_errors.total_bytes, b->read_errors.total_count);
	if (b->compared_blocks)
		line_fmt("  against before",
			 "%" PRIu64 " blocks: %" PRIu64 " other data, %" PRIu64 " zero, %" PRIu64
			 " pattern, %" PRIu64 " errors, %" PRIu64 " UNCHANGED",
			 b->compared_blocks, b->changed_blocks, b->zero_blocks, b->pattern_blocks,
			 b->unreadable_blocks, b->unchanged_blocks);
	if (xp_readback_is_all_good(b, capacity_bytes))
		line("  left unread", "nothing: every byte was read and is as it should be");
	else if (b->mode == XP_READBACK_SAMPLE && !b->mismatch_total &&
		 !b->read_errors.total_count && b->bytes_delivered >= b->bytes_planned)
		show_bound(b);
	line("  past the page cache", b->how.direct ? "yes" : "NO");
}

static void show_baseline(const struct xp_baseline_result *b)
{
	line_size("  the device delivered", b->bytes_delivered);
	line_fmt("  blocks", "%" PRIu64 ", of these %" PRIu64 " informative", b->blocks,
		 b->informative_blocks);
	line_fmt("  markers written", "%" PRIu64, b->canaries);
}

static void show_command(const struct xp_command_result *c)
{
	if (c->cdb_len <= sizeof(c->cdb))
		line_hex("  command", c->cdb, c->cdb_len);
	line("  accepted", c->accepted ? "yes" : "no");
	line("  found running", c->attached ? "yes: this job did not start it" : "");
	line_fmt("  raw answers", "%zu before, %zu while it ran, %zu after", c->before_n,
		 c->during_n, c->after_n);
	line("  completion", c->completion_known ? "observed" : "NOT observed");
}

static void show_evidence(const struct xp_record *r)
{
	section("EVIDENCE, AS RECORDED");
	for (size_t i = 0; i < r->evidence.n; i++) {
		const struct xp_phase *p = &r->evidence.phases[i];
		char start[XP_TIME_LEN];
		char end[XP_TIME_LEN];

		xp_time_format(start, p->start_s);
		xp_time_format(end, p->end_s);
		line_fmt(xp_phase_kind_name(p->kind), "%s to %s%s", start, end,
			 p->interrupted ? ", interrupted and taken up again" : "");
		show_identity_change(r, p);
		show_volumes(p);
		show_file(p);
		if (p->kind == XP_PHASE_READBACK) {
			show_readback(&p->readback, p->identity.capacity_bytes);
			show_search(&p->search);
		}
		if (p->kind == XP_PHASE_ERASE && xp_technique_is_host_write(p->technique))
			show_overwrite(&p->overwrite);
		else if (p->kind == XP_PHASE_ERASE)
			show_command(&p->command);
		else if (p->kind == XP_PHASE_BASELINE)
			show_baseline(&p->baseline);
	}
	if (!r->evidence.n)
		line("-", "none");
	if (r->evidence.cancelled)
		line("cancelled", "the job was stopped on request before its end");
}

static void show_people(const struct xp_record *r)
{
	section("PEOPLE AND SIGNATURES THAT THE RECORD NAMES");
	for (unsigned i = 0; i < r->persons_n; i++) {
		const struct xp_person *p = &r->persons[i];

		line(p->role, p->name);
		line("  in Latin letters", p->name_latin);
		line("  title", p->title);
		line("  organization", p->organization);
		line("  location", p->location);
		line("  contact", p->contact);
	}
	for (unsigned i = 0; i < r->signers_n; i++) {
		line_fmt("signer", "%s, %s, certificate sha256", r->signers[i].role,
			 r->signers[i].alg);
		line_hex("", r->signers[i].cert_sha256, sizeof(r->signers[i].cert_sha256));
	}
}

static void show_tool(const struct xp_record *r)
{
	line_fmt("clock", "%s, %s", r->clock.source,
		 r->clock.synchronized ? "synchronized" : "not known to be synchronized");
	line_fmt("tool", "%s %s", r->tool.name, r->tool.version);
	line("  program sha256", r->tool.build_sha256);
	line("  boot image sha256", r->tool.image_sha256);
}

static void show_where(const struct xp_record *r)
{
	section("HOST, CLOCK, TOOL");
	line_or("host", r->host.model, "model unavailable");
	line("  serial", r->host.serial);
	line_fmt("  drives seen", "%" PRIu64 ", complete: %s", r->host.drives_seen,
		 r->host.complete);
	for (unsigned i = 0; i < r->host.hidden_n; i++)
		line_fmt("  HIDDEN", "%s: %s", r->host.hidden[i].controller,
			 r->host.hidden[i].reason);
	show_tool(r);
	if (r->log.present)
		line_fmt("log", "%s, start at leaf %" PRIu64, r->log.origin, r->log.start_index);
}

static void show_concern(const char *what, enum xp_answer a)
{
	line(what, a == XP_ANSWER_YES  ? "to be weighed"
		   : a == XP_ANSWER_NO ? "nothing seen"
				       : "no program can see that");
}

static void show_validation(const struct xp_record *r)
{
	const struct xp_validation *v = &r->validation;

	puts("Validation record. THIS IS A DISPLAY: no signature was checked here. To check it,\n"
	     "together with the record that it is about: expunge-cert verify");
	section("WHAT WAS DECIDED");
	line("record", r->id);
	line("supersedes", r->supersedes_id);
	line_time("issued", r->issued_s);
	line("tenant", r->tenant);
	line("case", r->case_no);
	line("decision", xp_decision_name(v->decision));
	line("remarks", v->remarks);
	section("ABOUT WHICH RECORD");
	line("record", v->subject_id);
	line("kind", xp_record_kind_name(v->subject_kind));
	line_hex("sha256", v->subject_sha256, sizeof(v->subject_sha256));
	for (unsigned i = 0; i < v->signatures_n; i++)
		line_hex("signature sha256", v->signatures[i].sha256,
			 sizeof(v->signatures[i].sha256));
	line_or("model", r->media.model, "unavailable");
	line_or("serial", r->media.serial, "unavailable");
	line("name", r->media.name);
	section("WHAT HAD TO BE WEIGHED");
	show_concern("places left out", v->concerns.unreached);
	show_concern("technique", v->concerns.technique);
	show_concern("people and tools", v->concerns.qualification);
	show_concern("outcome", v->concerns.outcome);
	show_concern("scope", v->concerns.scope);
	show_evidence(r);
	show_people(r);
	section("CLOCK, TOOL");
	show_tool(r);
}

static void show_record(const struct xp_record *r)
{
	if (r->kind == XP_RECORD_VALIDATION) {
		show_validation(r);
		return;
	}
	puts("Sanitization record. THIS IS A DISPLAY: no signature, claim or evidence was checked\n"
	     "here. To check them: expunge-cert verify");
	show_done(r);
	show_medium(r);
	show_claim(r);
	show_evidence(r);
	show_people(r);
	show_where(r);
	section("HOW TO READ THIS");
	puts("  The evidence is the performer's testimony: what the device reported and what the\n"
	     "  host observed. For areas that no host can address, the device's firmware is\n"
	     "  trusted. The level follows from the policy that the record embeds. A good\n"
	     "  signature proves who issued the record and that it is unaltered, not that its\n"
	     "  statements are true. Its acceptance by a validator is a person's decision, in a\n"
	     "  record of its own.");
}

/* ---- the command ---- */

static int say_findings(const char *path, const struct xp_findings *f)
{
	bool failed = false;

	for (size_t i = 0; i < f->n; i++) {
		xp_say("%s: %s: %s", path, f->list[i].code, f->list[i].text);
		failed = failed || f->list[i].code[0] == 'E';
	}
	return failed ? 1 : 2;
}

/* What is said of the texts, as an array; NULL: nothing is to be said, or there is no memory. */
static json_t *remarks_json(const struct xp_record *r)
{
	AUTO(xp_findings_free) struct xp_findings f = {0};
	struct xp_err err;
	json_t *list = NULL;

	if (xp_record_check_texts(r, &f, &err) != XP_OK)
		return NULL;
	for (size_t i = 0; i < f.n; i++) {
		if (strcmp(f.list[i].code, "W_TEXT_MIXED") != 0)
			continue;
		if (!list)
			list = json_array();
		json_array_append_new(list, json_pack("{s:s, s:s}", "code", f.list[i].code, "text",
						      f.list[i].text));
	}
	return list;
}

static int show_json(const struct xp_record *r, const char *json, size_t len)
{
	json_t *doc = json_object();
	json_t *remarks = doc ? remarks_json(r) : NULL;

	if (remarks)
		json_object_set_new(doc, "remarks", remarks);
	if (!doc || json_object_set_new(doc, "checked", json_false()) != 0 ||
	    json_object_set_new(doc, "record", json_loadb(json, len, 0, NULL)) != 0) {
		json_decref(doc);
		doc = NULL;
	}
	return xp_print_json(doc);
}

static int run_show(const struct xp_args *args)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	AUTO_MEM struct xp_record *record = calloc(1, sizeof(*record));
	AUTO_MEM char *json = NULL;
	static const char *const no_inputs[] = {NULL};
	struct xp_confined confined;
	struct xp_err err = {0};
	size_t len;
	int code = 0;

	if (!record) {
		xp_say("out of memory");
		return xp_rc_exit_code(XP_E_NOMEM);
	}
	if (xp_file_read(&json, &len, args->operands[0], XP_RECORD_MAX_BYTES, &err) != XP_OK)
		return xp_say_error(&err);
	/* all that is read has been read */
	if (xp_confine(&confined, no_inputs, &err) != XP_OK)
		return xp_say_error(&err);
	if (xp_record_parse(record, json, len, &findings, &err) != XP_OK)
		return findings.n ? say_findings(args->operands[0], &findings) : xp_say_error(&err);
	if (xp_args_flag(args, "json"))
		code = show_json(record, json, len);
	else
		show_record(record);
	xp_record_free(record);
	return code;
}

const struct xp_command xp_cert_command_show = {
	.name = "show",
	.operands = "FILE",
	.summary = "Print a record for a person; checks nothing but its form.",
	.details = "Exit code 1: the file is no well-formed record; 2: its version or kind is not\n"
		   "known here. To check signature, claim and evidence use verify.",
	.options = show_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_show,
};
