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
	json_t *list;
	uint64_t done, passed_over, refused;
	int exit_code;
};

static void endorsement_free(struct endorsement *e)
{
	xp_decider_close(&e->d);
	xp_pairs_free(&e->pairs);
	json_decref(e->list);
}

/* What a person signed needs no site; what a site has endorsed needs no second time. */
static bool is_for_a_site(const struct xp_subject *s)
{
	for (unsigned i = 0; i < s->result.signers_n; i++)
		if (strcmp(s->result.signers[i].role, "host") != 0)
			return false;
	return s->result.signers_n > 0;
}

static void subject_free(struct xp_subject **s)
{
	if (*s)
		xp_subject_free(*s);
	free(*s);
	*s = NULL;
}

static enum xp_rc endorse_one(struct endorsement *e, const struct xp_pair *pair, struct xp_err *err)
{
	const struct xp_decision_input in = {
		.decision = XP_DECISION_ACCEPT,
		.remarks = xp_args_string(e->args, "remarks"),
	};
	AUTO(subject_free) struct xp_subject *s = calloc(1, sizeof(*s));
	char id[XP_UUID_LEN];
	enum xp_rc rc;

	if (!s)
		return xp_fail(err, XP_E_NOMEM, "record");
	rc = xp_subject_read(s, &e->d, pair->json_path, err);

	/* a validation or an endorsement that lies there, too */
	if (rc == XP_E_USAGE || (rc == XP_OK && !is_for_a_site(s))) {
		e->passed_over++;
		return XP_OK;
	}
	if (rc != XP_OK)
		return rc;
	TRY(xp_subject_admit(s, &e->d, XP_DECISION_ACCEPT, err));
	TRY(xp_subject_decide(id, s, &e->d, &in, err));
	e->done++;
	json_array_append_new(e->list,
			      json_pack("{s:s, s:s}", "id", id, "subject", s->result.record->id));
	if (!xp_args_flag(e->args, "json"))
		printf("endorsed: %s, in %s.json\n", s->result.record->id, id);
	return XP_OK;
}

static enum xp_rc prepare(struct endorsement *e, struct xp_err *err)
{
	const char *dir = e->args->operands[0];

	e->d.out_fd = -1;
	e->d.state.fd = e->d.state.jobs_fd = e->d.state.certificates_fd = -1;
	e->list = json_array();
	if (!e->list)
		return xp_fail(err, XP_E_NOMEM, "%s", dir);
	TRY(xp_decider_open(&e->d, e->args, XP_ROLE_SITE, dir, err));
	TRY(xp_pairs_add(&e->pairs, dir, err));
	if (e->pairs.n == 0)
		return xp_fail(err, XP_E_NOENT, "%s: there is no record here", dir);
	return XP_OK;
}

static int report(struct endorsement *e)
{
	if (xp_args_flag(e->args, "json"))
		return xp_exit_worse(
			e->exit_code,
			xp_print_json(json_pack("{s:O, s:I, s:I}", "endorsed", e->list,
						"passed_over", (json_int_t)e->passed_over,
						"refused", (json_int_t)e->refused)));
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
	for (size_t i = 0; i < e.pairs.n; i++) {
		if (endorse_one(&e, &e.pairs.list[i], &err) == XP_OK)
			continue;
		e.refused++;
		e.exit_code = xp_exit_worse(e.exit_code, xp_decider_say_error(&err));
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
