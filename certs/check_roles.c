#include "certs/check_roles.h"

#include <openssl/evp.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/key.h"

#define ROSTER_MAX_BYTES (4u << 20)

static void json_free(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

static enum xp_rc parse_entry(struct xp_roster_entry *out, json_t *j, const char *name, size_t i,
			      struct xp_err *err)
{
	const char *sha = json_string_value(json_object_get(j, "cert_sha256"));
	const char *role = json_string_value(json_object_get(j, "role"));
	const char *person = json_string_value(json_object_get(j, "person"));

	if (json_object_size(j) != 3 || !sha || !role || !person)
		return xp_fail(err, XP_E_USAGE,
			       "%s: entry %zu needs cert_sha256, role and person, and nothing else",
			       name, i);
	if (!xp_hex_decode(out->cert_sha256, 32, sha) || strlen(sha) != 64)
		return xp_fail(err, XP_E_USAGE, "%s: entry %zu: cert_sha256 is not 64 hex digits",
			       name, i);
	if (!xp_role_parse(&out->role, role))
		return xp_fail(err, XP_E_USAGE, "%s: entry %zu: no such role", name, i);
	if (!*person || strlen(person) >= sizeof(out->person))
		return xp_fail(err, XP_E_USAGE, "%s: entry %zu: person is empty or too long", name,
			       i);
	snprintf(out->person, sizeof(out->person), "%s", person);
	return XP_OK;
}

static int by_cert(const void *a, const void *b)
{
	return memcmp(((const struct xp_roster_entry *)a)->cert_sha256,
		      ((const struct xp_roster_entry *)b)->cert_sha256, 32);
}

/* A certificate may have several roles, and one person. Sorts. */
static enum xp_rc refuse_two_persons(struct xp_roster *r, const char *name, struct xp_err *err)
{
	if (r->n)
		qsort(r->list, r->n, sizeof(*r->list), by_cert);
	for (size_t i = 1; i < r->n; i++) {
		const struct xp_roster_entry *e = &r->list[i];
		enum xp_rc rc;

		if (by_cert(e, e - 1) != 0 || strcmp(e->person, e[-1].person) == 0)
			continue;
		rc = xp_fail(err, XP_E_USAGE, "%s: one certificate is %s's, and %s's too", name,
			     e[-1].person, e->person);
		xp_roster_free(r);
		return rc;
	}
	return XP_OK;
}

enum xp_rc xp_roster_parse(struct xp_roster *out, const char *json, size_t len, const char *name,
			   struct xp_err *err)
{
	AUTO(json_free) json_t *root = NULL;
	json_error_t why;
	json_t *list;

	*out = (struct xp_roster){0};
	if (len > ROSTER_MAX_BYTES)
		return xp_fail(err, XP_E_USAGE, "%s: too large for a roster", name);
	root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
	list = json_object_get(root, "roster");
	if (!json_is_array(list) || json_object_size(root) != 1)
		return xp_fail(err, XP_E_USAGE, "%s: not a roster: {\"roster\":[...]}", name);
	out->list = calloc(json_array_size(list) + 1, sizeof(*out->list));
	if (!out->list)
		return xp_fail(err, XP_E_NOMEM, "roster");
	for (; out->n < json_array_size(list); out->n++) {
		enum xp_rc rc = parse_entry(&out->list[out->n], json_array_get(list, out->n), name,
					    out->n, err);

		if (rc != XP_OK) {
			xp_roster_free(out);
			return rc;
		}
	}
	return refuse_two_persons(out, name, err);
}

void xp_roster_free(struct xp_roster *r)
{
	free(r->list);
	*r = (struct xp_roster){0};
}

static void hash_parts(uint8_t out[32], const void *a, size_t a_len, const char *b)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (!c || EVP_DigestInit_ex2(c, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(c, a, a_len) != 1 || EVP_DigestUpdate(c, b, strlen(b)) != 1 ||
	    EVP_DigestFinal_ex(c, out, NULL) != 1)
		memset(out, 0, 32);
	EVP_MD_CTX_free(c);
}

static const struct xp_roster_entry *find_person(const struct xp_roster *r, const uint8_t sha[32])
{
	for (size_t i = 0; i < r->n; i++)
		if (memcmp(r->list[i].cert_sha256, sha, 32) == 0)
			return &r->list[i];
	return NULL;
}

static bool is_granted(const struct xp_roster *r, const struct xp_check_signer *s, const X509 *cert,
		       enum xp_role role, bool *any)
{
	enum xp_role by_cert;
	bool yes = false;

	*any = false;
	if (xp_key_cert_role(&by_cert, cert)) {
		*any = true;
		yes = by_cert == role && !s->role_is_beyond_ca;
	}
	for (size_t i = 0; i < r->n; i++) {
		if (memcmp(r->list[i].cert_sha256, s->cert_sha256, 32) != 0)
			continue;
		*any = true;
		yes |= r->list[i].role == role;
	}
	return yes;
}

/* The roster's person; else the number at this anchor; else nobody else can have this key. */
static void identify(struct xp_check_signer *s, const X509 *cert, const struct xp_roster *roster)
{
	const struct xp_roster_entry *e = find_person(roster, s->cert_sha256);
	struct xp_person_name name;

	xp_key_name_text(s->person_id, sizeof(s->person_id), X509_get_subject_name(cert),
			 NID_serialNumber);
	xp_person_name_of(&name, cert);
	s->who = (struct xp_person_mark){.is_sure = e || name.number[0]};
	if (name.number[0])
		hash_parts(s->who.by_ca, s->anchor_sha256, 32, name.number);
	if (name.number[0] && s->is_trusted)
		hash_parts(s->who.by_issuer, s->issuer_key_sha256, 32, name.number);
	if (name.name[0])
		hash_parts(s->who.by_name, "name", 4, name.name);
	if (e) {
		snprintf(s->person_id, sizeof(s->person_id), "%s", e->person);
		hash_parts(s->who.person, "roster", 6, e->person);
		return;
	}
	if (name.number[0])
		memcpy(s->who.person, s->who.by_ca, 32);
	else
		hash_parts(s->who.person, s->key_sha256, 32, "");
}

void xp_roles_judge(struct xp_check_signer *s, const X509 *cert, enum xp_commitment commitment,
		    const struct xp_roster *roster, struct xp_findings *findings)
{
	enum xp_role role;
	enum xp_commitment wanted;
	bool any = false;

	identify(s, cert, roster);
	if (!xp_role_parse(&role, s->role))
		return;
	wanted = role == XP_ROLE_VALIDATOR || role == XP_ROLE_SITE ? XP_PROOF_OF_APPROVAL
								   : XP_PROOF_OF_CREATION;
	s->role_is_granted = is_granted(roster, s, cert, role, &any);
	if (!s->role_is_granted && s->role_is_beyond_ca)
		xp_findings_add(findings, "E_ROLE_NOT_GRANTED",
				"%s signed as %s; a CA above may not grant that role", s->name,
				s->role);
	else if (!s->role_is_granted && any)
		xp_findings_add(
			findings, "E_ROLE_NOT_GRANTED",
			"%s signed as %s; the certificate and the roster grant another role",
			s->name, s->role);
	else if (!s->role_is_granted)
		xp_findings_add(
			findings, "I_ROLE_UNKNOWN",
			"neither the certificate nor a roster says that %s is a %s; give one "
			"with --roles",
			s->name, s->role);
	if (commitment != wanted)
		xp_findings_add(
			findings, "E_ROLE_COMMITMENT",
			"the signature of %s commits to something else than the role %s does",
			s->name, s->role);
}

void xp_roles_judge_separation(const struct xp_check_signer *s, unsigned n,
			       struct xp_findings *findings)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = i + 1; k < n; k++) {
			if (memcmp(s[i].cert_sha256, s[k].cert_sha256, 32) == 0)
				xp_findings_add(findings, "E_SIGNER_TWICE",
						"the same certificate signed twice");
			else if (memcmp(s[i].key_sha256, s[k].key_sha256, 32) == 0)
				xp_findings_add(findings, "E_SAME_KEY",
						"one key stands behind two certificates");
			else if (xp_person_marks_meet(&s[i].who, &s[k].who) &&
				 strcmp(s[i].role, s[k].role) != 0)
				xp_findings_add(findings, "E_SAME_PERSON",
						"%s and %s are one person in two roles", s[i].name,
						s[k].name);
		}
	}
}
