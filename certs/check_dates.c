#include "certs/check_dates.h"

#include <string.h>

#define DAY_S		86400
#define STAMPED_WITHIN	31 /* days: a log is stamped once a month */
#define UUID_VERSION_AT 14

/* Whole days by which LATER is behind EARLIER; 0 up to a day, and where it is not behind. */
static int64_t days_behind(int64_t later_s, int64_t earlier_s)
{
	int64_t apart_s = 0;

	if (__builtin_sub_overflow(later_s, earlier_s, &apart_s) || apart_s <= DAY_S)
		return 0;
	return apart_s / DAY_S;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* When a UUID of version 7 was drawn: its first 48 bits are milliseconds. [RFC 9562 5.7] */
static bool time_of_id(int64_t *out_s, const char *id)
{
	uint64_t ms = 0;
	unsigned n = 0;

	if (strlen(id) <= UUID_VERSION_AT || id[UUID_VERSION_AT] != '7')
		return false;
	for (const char *c = id; n < 12; c++) {
		if (*c == '-')
			continue;
		if (!is_hex(*c))
			return false;
		ms = ms << 4 | (uint64_t)(*c <= '9' ? *c - '0' : *c - 'a' + 10);
		n++;
	}
	*out_s = (int64_t)(ms / 1000);
	return true;
}

/* Who signs what they did themselves. A validator or a site of a job comes later by nature. */
static bool signs_at_once(const struct xp_record *r, const struct xp_check_signer *s)
{
	return r->kind == XP_RECORD_VALIDATION || strcmp(s->role, "performer") == 0 ||
	       strcmp(s->role, "host") == 0;
}

static void judge_signing(struct xp_check_result *result, const struct xp_check_signer *s)
{
	int64_t issued_s = result->record->issued_s;
	int64_t days = days_behind(s->signing_time_s, issued_s);
	char issued[XP_TIME_LEN], signed_at[XP_TIME_LEN], proven[XP_TIME_LEN];

	if (!days)
		return;
	xp_time_format(issued, issued_s);
	xp_time_format(signed_at, s->signing_time_s);
	xp_time_format(proven, s->proven_s);
	xp_findings_add(&result->findings, "W_SIGNED_LATE",
			"%s signed at %s, %lld days after the record was issued (%s): %s%s",
			s->name, signed_at, (long long)days, issued,
			s->time_is_proven
				? "the timestamp tells only that the signature is older than "
				: "there is no timestamp, and only the signer's word dates it",
			s->time_is_proven ? proven : "");
}

/* The program refuses a certificate that is not valid yet before it begins a job. */
static void judge_certificate(struct xp_check_result *result, const struct xp_check_signer *s)
{
	const struct xp_record *r = result->record;
	int64_t began_s = r->evidence.n ? r->evidence.phases[0].start_s : r->issued_s;
	/* to read a drive for a validation nobody needs a certificate */
	int64_t days = r->kind == XP_RECORD_VALIDATION ? 0 : days_behind(s->valid_from_s, began_s);
	char began[XP_TIME_LEN], valid[XP_TIME_LEN];

	if (!days)
		return;
	xp_time_format(began, began_s);
	xp_time_format(valid, s->valid_from_s);
	xp_findings_add(
		&result->findings, "W_DATES",
		"the work begins at %s, %lld days before the certificate of %s (%s): so it may "
		"be only where the job was resumed with another key",
		began, (long long)days, s->name, valid);
}

static void judge_timestamp(struct xp_check_result *result, const struct xp_check_signer *s)
{
	int64_t days = s->time_is_proven ? days_behind(s->proven_s, s->signing_time_s) : 0;
	char signed_at[XP_TIME_LEN], proven[XP_TIME_LEN];

	if (days < STAMPED_WITHIN)
		return;
	xp_time_format(signed_at, s->signing_time_s);
	xp_time_format(proven, s->proven_s);
	xp_findings_add(
		&result->findings, "W_TIMESTAMP_LATE",
		"the timestamp tells that the signature of %s is older than %s, %lld days after "
		"the signing time (%s), for which there is the signer's word alone",
		s->name, proven, (long long)days, signed_at);
}

/* What the record says of itself, whoever signed it. */
static void judge_record(struct xp_check_result *result)
{
	const struct xp_record *r = result->record;
	int64_t last_s = r->evidence.n ? r->evidence.phases[r->evidence.n - 1].end_s : r->issued_s;
	/* a validator may read a drive now and decide later */
	int64_t days = r->kind == XP_RECORD_VALIDATION ? 0 : days_behind(r->issued_s, last_s);
	int64_t id_s = 0;
	char issued[XP_TIME_LEN], other[XP_TIME_LEN];

	if (days) {
		xp_time_format(issued, r->issued_s);
		xp_time_format(other, last_s);
		xp_findings_add(&result->findings, "W_DATES",
				"the evidence ends at %s, %lld days before the record was issued "
				"(%s): so it may be only where an interrupted job got its record "
				"later",
				other, (long long)days, issued);
	}
	days = time_of_id(&id_s, r->id) ? days_behind(id_s, r->issued_s) : 0;
	if (days) {
		xp_time_format(issued, r->issued_s);
		xp_time_format(other, id_s);
		xp_findings_add(&result->findings, "W_DATES",
				"the record's id was drawn at %s, %lld days after the record was "
				"issued (%s)",
				other, (long long)days, issued);
	}
}

void xp_check_dates(struct xp_check_result *result)
{
	judge_record(result);
	for (unsigned i = 0; i < result->signers_n; i++) {
		const struct xp_check_signer *s = &result->signers[i];

		/* a signature that does not hold dates nothing */
		if (!s->signature_is_good)
			continue;
		judge_timestamp(result, s);
		if (!signs_at_once(result->record, s))
			continue;
		judge_signing(result, s);
		judge_certificate(result, s);
	}
}
