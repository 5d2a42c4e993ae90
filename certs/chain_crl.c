#include "certs/chain_crl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/key.h"

#define CLOCK_SLACK_S 300

/* An entry that names the certificate. */
struct accusation {
	const X509_REVOKED *entry;
	int64_t listed_s; /* thisUpdate of its list */
};

/* What all lists say of one certificate. */
struct verdict {
	struct accusation *list;
	size_t n;
	int64_t removed_s; /* thisUpdate of the newest that takes it back */
};

/* Then it tells the status of nobody but those whom it accuses. [RFC 5280 5.3] */
static bool has_critical_entry(X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);

	for (int i = 0; i < sk_X509_REVOKED_num(list); i++)
		if (X509_REVOKED_get_ext_by_critical(sk_X509_REVOKED_value(list, i), 1, -1) >= 0)
			return true;
	return false;
}

bool xp_crl_is_usable(X509_CRL *crl, X509 *issuer, int64_t now_s, const char **why)
{
	*why = NULL;
	if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0)
		*why = "it is another issuer's";
	else if (!(X509_get_key_usage(issuer) & KU_CRL_SIGN))
		*why = "its issuer may not sign lists";
	else if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0)
		*why = "it is a delta list";
	else if (X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) >= 0)
		*why = "it is an indirect or partitioned list";
	for (int i = 0; !*why && i < X509_CRL_get_ext_count(crl); i++)
		if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i)))
			*why = "it has a critical extension that this version does not know";
	if (!*why && has_critical_entry(crl))
		*why = "an entry of it has a critical extension that this version does not know";
	if (!*why && xp_key_time_s(X509_CRL_get0_lastUpdate(crl)) == INT64_MIN)
		*why = "it has no date";
	if (!*why && xp_key_time_s(X509_CRL_get0_lastUpdate(crl)) > now_s + CLOCK_SLACK_S)
		*why = "it is dated in the future";
	if (!*why && X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1)
		*why = "its signature is not its issuer's";
	ERR_clear_error();
	return !*why;
}

static void verdict_free(struct verdict *v)
{
	free(v->list);
}

static void accuse(struct verdict *v, const X509_REVOKED *entry, int64_t listed_s)
{
	v->list[v->n++] = (struct accusation){entry, listed_s};
}

static void look_up(struct verdict *v, X509_CRL *crl, X509 *cert)
{
	X509_REVOKED *entry = NULL;
	int64_t at_s = xp_key_time_s(X509_CRL_get0_lastUpdate(crl));

	switch (X509_CRL_get0_by_cert(crl, &entry, cert)) {
	case 1:
		accuse(v, entry, at_s);
		break;
	case 2: /* removeFromCRL */
		if (at_s > v->removed_s)
			v->removed_s = at_s;
		break;
	default:
		break;
	}
}

static bool is_signed_by(X509_CRL *crl, X509 *issuer)
{
	bool yes = X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) == 0 &&
		   X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1;

	ERR_clear_error();
	return yes;
}

/* Of a list that cannot be relied upon: only what speaks against the certificate. */
static void look_up_accused(struct verdict *v, X509_CRL *crl, X509 *cert)
{
	X509_REVOKED *entry = NULL;

	if (X509_CRL_get0_by_cert(crl, &entry, cert) == 1)
		accuse(v, entry, INT64_MAX); /* nothing takes it back */
}

/* A reason that cannot be read may be the worst one. */
static long reason_of(const X509_REVOKED *entry)
{
	int at = -1;
	ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &at, NULL);
	long why = reason     ? ASN1_ENUMERATED_get(reason)
		   : at == -1 ? CRL_REASON_UNSPECIFIED
			      : CRL_REASON_KEY_COMPROMISE;

	ASN1_ENUMERATED_free(reason);
	return why;
}

/* From when on nothing signed with the key counts; INT64_MIN: that is not known. */
static int64_t counts_until(const X509_REVOKED *entry)
{
	long why = reason_of(entry);
	int64_t at_s = xp_key_time_s(X509_REVOKED_get0_revocationDate(entry));
	ASN1_GENERALIZEDTIME *from;
	int64_t from_s;

	if (why != CRL_REASON_KEY_COMPROMISE && why != CRL_REASON_CA_COMPROMISE)
		return at_s;
	from = X509_REVOKED_get_ext_d2i(entry, NID_invalidity_date, NULL, NULL);
	from_s = from ? xp_key_time_s(from) : INT64_MIN;
	ASN1_GENERALIZEDTIME_free(from);
	return from_s < at_s ? from_s : at_s;
}

/* How much an entry weighs: the codes that it leads to. */
enum weight { HARMLESS, COMPROMISED, REVOKED };

struct charge {
	enum weight weight;
	int64_t since_s; /* nothing signed later counts */
	int64_t revoked_s;
};

static struct charge weigh(const struct xp_chain_input *in, const X509_REVOKED *entry)
{
	int64_t revoked_s = xp_key_time_s(X509_REVOKED_get0_revocationDate(entry));
	int64_t until_s = counts_until(entry);
	bool until_known = until_s != INT64_MIN;
	struct charge c = {.since_s = until_known ? until_s : revoked_s, .revoked_s = revoked_s};

	if (!in->proven || in->proven_s >= revoked_s || (until_known && in->proven_s >= until_s))
		c.weight = REVOKED;
	else if (!until_known)
		c.weight = COMPROMISED;
	return c;
}

/*
 * Of several entries the worst one counts, and of those the earliest: never the one that happens to
 * stand in the list that was given first.
 */
static struct charge worst_of(const struct xp_chain_input *in, const struct verdict *v)
{
	struct charge worst = {.weight = HARMLESS, .since_s = INT64_MAX};

	for (size_t i = 0; i < v->n; i++) {
		struct charge c;

		if (v->list[i].listed_s < v->removed_s)
			continue;
		c = weigh(in, v->list[i].entry);
		if (c.weight > worst.weight ||
		    (c.weight == worst.weight && c.since_s < worst.since_s))
			worst = c;
	}
	return worst;
}

static void say_charge(const struct xp_chain_input *in, const struct charge *c, const char *name,
		       struct xp_findings *f)
{
	char when[XP_TIME_LEN];

	xp_time_format(when, c->since_s);
	if (c->weight == COMPROMISED)
		xp_findings_add(f, "I_REVOKED_COMPROMISE",
				"the key of %s was compromised; since when is not known", name);
	else if (c->weight == REVOKED && !in->proven)
		xp_findings_add(
			f, "E_REVOKED",
			"the certificate of %s is revoked since %s, and nothing proves that "
			"the signature is older",
			name, when);
	else if (c->weight == REVOKED)
		xp_findings_add(f, "E_REVOKED",
				"the certificate of %s was revoked at %s, before the "
				"signature is proven",
				name, when);
}

static int count_of(STACK_OF(X509_CRL) * list)
{
	int n = sk_X509_CRL_num(list);

	return n < 0 ? 0 : n;
}

void xp_crl_judge(struct xp_crl_view *out, const struct xp_chain_input *in, X509 *cert,
		  X509 *issuer, struct xp_findings *findings)
{
	AUTO(verdict_free) struct verdict v = {.removed_s = INT64_MIN};
	STACK_OF(X509_CRL) *const lists[2] = {in->trust->crls, in->embedded_crls};
	struct charge charge;
	const char *why;
	char name[128];

	*out = (struct xp_crl_view){.date_s = INT64_MIN};
	v.list = calloc((size_t)count_of(lists[0]) + (size_t)count_of(lists[1]) + 1,
			sizeof(*v.list));
	if (!v.list) {
		findings->lost = true;
		return;
	}
	for (unsigned k = 0; k < 2; k++) {
		for (int i = 0; lists[k] && i < sk_X509_CRL_num(lists[k]); i++) {
			X509_CRL *crl = sk_X509_CRL_value(lists[k], i);
			int64_t at_s = xp_key_time_s(X509_CRL_get0_lastUpdate(crl));
			int64_t next_s = xp_key_time_s(X509_CRL_get0_nextUpdate(crl));

			if (k == 0 && i < in->trust->crl_used_n &&
			    X509_NAME_cmp(X509_CRL_get_issuer(crl),
					  X509_get_subject_name(issuer)) == 0)
				__atomic_store_n(&in->trust->crl_used[i], true, __ATOMIC_RELAXED);
			if (!xp_crl_is_usable(crl, issuer, in->now_s, &why)) {
				/* it clears nobody, but what it accuses is its issuer's word */
				if (is_signed_by(crl, issuer))
					look_up_accused(&v, crl, cert);
				continue;
			}
			out->any = true;
			if (at_s > out->date_s)
				out->date_s = at_s;
			/* with a proven time a list must be younger; else it must be the current
			 * one */
			out->counts |= in->proven ? at_s >= in->proven_s : next_s >= in->now_s;
			look_up(&v, crl, cert);
		}
	}
	xp_key_name_text(name, sizeof(name), X509_get_subject_name(cert), NID_commonName);
	charge = worst_of(in, &v);
	ERR_clear_error();
	if (charge.weight != HARMLESS)
		say_charge(in, &charge, name, findings);
	else if (!out->any)
		xp_findings_add(
			findings, "I_REVOCATION_UNKNOWN",
			"no usable revocation list speaks of the certificate of %s; give one "
			"with --crl",
			name);
	else if (!out->counts)
		xp_findings_add(
			findings, "I_REVOCATION_STALE",
			"the revocation lists for the certificate of %s are out of date; give "
			"a newer one with --crl",
			name);
}
