#include "certs/chain_crl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <string.h>

#include "certs/key.h"

#define CLOCK_SLACK_S 300

struct verdict {
	X509_REVOKED *entry; /* of the list that names the certificate */
	int64_t listed_s;    /* thisUpdate of the newest list that names it */
	int64_t removed_s;   /* of the newest that takes it back */
};

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
	if (!*why && xp_key_time_s(X509_CRL_get0_lastUpdate(crl)) == INT64_MIN)
		*why = "it has no date";
	if (!*why && xp_key_time_s(X509_CRL_get0_lastUpdate(crl)) > now_s + CLOCK_SLACK_S)
		*why = "it is dated in the future";
	if (!*why && X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1)
		*why = "its signature is not its issuer's";
	ERR_clear_error();
	return !*why;
}

static void look_up(struct verdict *v, X509_CRL *crl, X509 *cert)
{
	X509_REVOKED *entry = NULL;
	int64_t at_s = xp_key_time_s(X509_CRL_get0_lastUpdate(crl));

	switch (X509_CRL_get0_by_cert(crl, &entry, cert)) {
	case 1:
		if (!v->entry || at_s >= v->listed_s) {
			v->entry = entry;
			v->listed_s = at_s;
		}
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
	struct verdict alone = {.removed_s = INT64_MIN};

	look_up(&alone, crl, cert);
	if (alone.entry && !v->entry) {
		v->entry = alone.entry;
		v->listed_s = INT64_MAX; /* nothing that is older takes it back */
	}
}

/* From when on nothing signed with the key counts; INT64_MIN: that is not known. */
static int64_t counts_until(const X509_REVOKED *entry, bool *is_compromise)
{
	ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
	long why = reason ? ASN1_ENUMERATED_get(reason) : CRL_REASON_UNSPECIFIED;
	int64_t at_s = xp_key_time_s(X509_REVOKED_get0_revocationDate(entry));

	ASN1_ENUMERATED_free(reason);
	*is_compromise = why == CRL_REASON_KEY_COMPROMISE || why == CRL_REASON_CA_COMPROMISE;
	if (*is_compromise) {
		ASN1_GENERALIZEDTIME *from =
			X509_REVOKED_get_ext_d2i(entry, NID_invalidity_date, NULL, NULL);
		int64_t from_s = from ? xp_key_time_s(from) : INT64_MIN;

		ASN1_GENERALIZEDTIME_free(from);
		return from_s == INT64_MIN || from_s < at_s ? from_s : at_s;
	}
	return at_s;
}

static void judge_entry(const struct xp_chain_input *in, const X509_REVOKED *entry,
			const char *name, struct xp_findings *f)
{
	int64_t revoked_s = xp_key_time_s(X509_REVOKED_get0_revocationDate(entry));
	bool is_compromise = false;
	int64_t until_s = counts_until(entry, &is_compromise);
	char when[XP_TIME_LEN];

	xp_time_format(when, until_s == INT64_MIN ? revoked_s : until_s);
	if (!in->proven)
		xp_findings_add(
			f, "E_REVOKED",
			"the certificate of %s is revoked since %s, and nothing proves that "
			"the signature is older",
			name, when);
	else if (in->proven_s >= revoked_s || (until_s != INT64_MIN && in->proven_s >= until_s))
		xp_findings_add(f, "E_REVOKED",
				"the certificate of %s was revoked at %s, before the "
				"signature is proven",
				name, when);
	else if (until_s == INT64_MIN)
		xp_findings_add(f, "I_REVOKED_COMPROMISE",
				"the key of %s was compromised; since when is not known", name);
}

void xp_crl_judge(struct xp_crl_view *out, const struct xp_chain_input *in, X509 *cert,
		  X509 *issuer, struct xp_findings *findings)
{
	struct verdict v = {.removed_s = INT64_MIN};
	STACK_OF(X509_CRL) *const lists[2] = {in->trust->crls, in->embedded_crls};
	const char *why;
	char name[128];

	*out = (struct xp_crl_view){.date_s = INT64_MIN};
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
	if (v.entry && v.removed_s <= v.listed_s)
		judge_entry(in, v.entry, name, findings);
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
