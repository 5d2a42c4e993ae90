/* cert_endorse: `expunge-cert endorse`: a site vouches for what its machines signed by themselves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cert_batch.h"
#include "cli/cert_decide.h"
#include "cli/commands_cert.h"
#include "cli/output.h"

static const struct xp_option options[] = {
	{"remarks", XP_OPT_STRING, "TEXT", "what the site says of them, in its own words"},
	XP_DECIDER_OPTIONS,
	{0},
};

struct endorsement {
	const struct xp_args *args;
	struct xp_decider d;
	struct xp_pairs pairs;
	json_t *list, *refusals;
	uint64_t done, passed_over, refused;
	int exit_code;
	struct xp_weighed weighed; /* the record at hand */
};

static void endorsement_free(struct endorsement *e)
{
	xp_decider_close(&e->d);
	xp_pairs_free(&e->pairs);
	json_decref(e->list);
	json_decref(e->refusals);
}

/* What a person signed needs no site; what a site has endorsed needs no second time. */
static bool is_for_a_site(const struct xp_subject *s)
{
	for (unsigned i = 0; i < s->result.signers_n; i++)
		if (strcmp(s->result.signers[i].role, "host") != 0)
			return false;
	return s->result.signers_n > 0;
}

/*
 * A site vouches for its own hosts and for no others: for a host that leads to a certificate of
 * --trust, is named by --trust-fingerprint, or whose certificate the roster calls a host's.
 */
static bool is_one_of_its_hosts(const struct xp_subject *s, const struct xp_weigher *w)
{
	for (unsigned i = 0; i < s->result.signers_n; i++) {
		const struct xp_check_signer *by = &s->result.signers[i];

		if (!(by->is_trusted && by->role_is_granted) &&
		    !xp_check_roster_grants(w->check, by->cert_sha256, XP_ROLE_HOST))
			return false;
	}
	return true;
}

static bool hosts_were_named(const struct xp_args *args)
{
	return *xp_args_list(args, "trust") || *xp_args_list(args, "trust-fingerprint") ||
	       xp_args_string(args, "roles");
}

/* XP_E_REFUSED where it is not known who signed, or nobody could say whether the record holds. */
static enum xp_rc refuse_stranger(struct xp_weighed *out, const struct xp_subject *s,
				  const struct xp_weigher *w, struct xp_err *err)
{
	bool is_known = is_one_of_its_hosts(s, w);
	const struct xp_finding *why = NULL;

	for (size_t i = 0; i < s->result.findings.n && !why; i++)
		if (s->result.findings.list[i].code[0] == 'I' &&
		    !(is_known && strcmp(s->result.findings.list[i].code, "I_UNTRUSTED") == 0))
			why = &s->result.findings.list[i];
	if (is_known && !why)
		return XP_OK;
	out->is_stranger = true;
	return xp_fail(err, XP_E_REFUSED, "%s: %s: %s: it is not vouched for%s",
		       s->result.record->id, why ? why->code : "I_UNTRUSTED",
		       why ? why->text : "its host is none of those that you named",
		       hosts_were_named(w->job->args) ? ""
						      : "; say which hosts are yours, by --trust, "
							"--trust-fingerprint or --roles");
}

static enum xp_rc weigh(struct xp_weighed *out, struct xp_weighing *in, const struct xp_subject *s,
			const struct xp_weigher *w, struct xp_err *err)
{
	(void)in;
	if (!is_for_a_site(s)) {
		out->is_passed_over = true;
		return XP_OK;
	}
	TRY(xp_subject_admit(s, w, XP_DECISION_ACCEPT, err));
	return refuse_stranger(out, s, w, err);
}

/* ---- who vouches ---- */

static enum xp_rc endorse_one(struct endorsement *e, const struct xp_pair *pair, struct xp_err *err)
{
	const char *subject = e->weighed.subject_id;
	char id[XP_UUID_LEN];
	enum xp_rc rc =
		xp_decider_decide(id, &e->weighed, &e->d, pair->json_path, XP_DECISION_ACCEPT, err);

	/* a validation or an endorsement that lies there, too */
	if ((rc == XP_E_USAGE && e->weighed.is_validation) ||
	    (rc == XP_OK && e->weighed.is_passed_over)) {
		e->passed_over++;
		return XP_OK;
	}
	if (rc != XP_OK)
		return rc;
	e->done++;
	json_array_append_new(e->list, json_pack("{s:s, s:s}", "id", id, "subject", subject));
	if (xp_args_flag(e->args, "json"))
		return XP_OK;
	fputs("endorsed: ", stdout);
	xp_print_escaped(stdout, subject);
	printf(", in %s.json\n", id);
	return XP_OK;
}

/* Told by name, on standard error and in the document. */
static void refuse(struct endorsement *e, const char *path, const struct xp_err *err)
{
	int code = xp_decider_say_error(err);
	json_t *one =
		json_pack("{s:o, s:o}", "file", xp_text_json(path), "text", xp_text_json(err->msg));

	if (one && e->weighed.subject_id[0])
		json_object_set_new(one, "subject", json_string(e->weighed.subject_id));
	json_array_append_new(e->refusals, one);
	e->refused++;
	/* this record is refused; the command line was right */
	if (code == 64)
		code = 1;
	e->exit_code = xp_check_exit_worse(e->exit_code, e->weighed.is_stranger ? 2 : code);
}

static enum xp_rc prepare(struct endorsement *e, struct xp_err *err)
{
	const char *dir = e->args->operands[0];

	xp_decider_init(&e->d);
	e->list = json_array();
	e->refusals = json_array();
	if (!e->list || !e->refusals)
		return xp_fail(err, XP_E_NOMEM, "%s", dir);
	TRY(xp_decider_open(&e->d,
			    &(struct xp_decider_start){
				    .role = XP_ROLE_SITE,
				    .out_dir = dir,
				    .job = {.args = e->args, .weigh = weigh},
				    .inputs = (const char *const[]){NULL},
			    },
			    err));
	TRY(xp_pairs_add(&e->pairs, dir, err));
	if (e->pairs.n == 0 && e->pairs.unread_n == 0)
		return xp_fail(err, XP_E_NOENT, "%s: there is no record here", dir);
	return XP_OK;
}

static int report(struct endorsement *e)
{
	if (xp_args_flag(e->args, "json"))
		return xp_check_exit_worse(
			e->exit_code, xp_print_json(json_pack(
					      "{s:O, s:I, s:I, s:O}", "endorsed", e->list,
					      "passed_over", (json_int_t)e->passed_over, "refused",
					      (json_int_t)e->refused, "refusals", e->refusals)));
	printf("%llu endorsed, %llu not signed by a host alone, %llu refused\n",
	       (unsigned long long)e->done, (unsigned long long)e->passed_over,
	       (unsigned long long)e->refused);
	return e->exit_code;
}

static int run(const struct xp_args *args)
{
	AUTO(endorsement_free) struct endorsement e = {.args = args};
	struct xp_err err = {0};

	if (prepare(&e, &err) != XP_OK)
		return xp_decider_say_error(&err);
	for (size_t i = 0; i < e.pairs.unread_n; i++)
		refuse(&e, e.pairs.unread[i].path, &e.pairs.unread[i].why);
	for (size_t i = 0; i < e.pairs.n; i++) {
		if (endorse_one(&e, &e.pairs.list[i], &err) != XP_OK)
			refuse(&e, e.pairs.list[i].json_path, &err);
	}
	return report(&e);
}

const struct xp_command xp_cert_command_endorse = {
	.name = "endorse",
	.operands = "DIR",
	.summary = "Vouch, as a site, for records that its hosts signed by themselves.",
	.details =
		"Each record in DIR that only a host key signed gets an endorsement: a record of\n"
		"its own, as validate writes it, signed in the role site. Records that do not\n"
		"hold are refused, and the rest goes on. Exit codes: 0 done, 1 some refused,\n"
		"64 usage, 66 no such input, 70 our bug.",
	.options = options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
