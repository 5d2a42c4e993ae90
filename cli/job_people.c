#include "cli/job_people.h"

#include <stdio.h>
#include <string.h>

/* What certs/check_pair.c asks of a person and a signer in the same role. */
static bool is_the_signer(const struct xp_person *p, const struct xp_person *signer)
{
	return strcmp(p->name, signer->name) == 0 &&
	       (!*p->name_latin || !*signer->name_latin ||
		strcmp(p->name_latin, signer->name_latin) == 0);
}

enum xp_rc xp_job_people_demand(const struct xp_record *record, const struct xp_signing_key *key,
				struct xp_err *err)
{
	struct xp_signer s = {0};
	struct xp_person signer = {0};

	xp_signing_key_describe(&s, &signer, key);
	for (unsigned i = 0; i < record->persons_n; i++) {
		const struct xp_person *p = &record->persons[i];

		if (strcmp(p->role, s.role) == 0 && !is_the_signer(p, &signer))
			return xp_fail(
				err, XP_E_USAGE,
				"the %s is said to be %s%s%s, but the key is that of %s%s%s: "
				"no verifier would take such a record; name %s, or use the "
				"other one's key",
				p->role, p->name, *p->name_latin ? " / " : "", p->name_latin,
				signer.name, *signer.name_latin ? " / " : "", signer.name_latin,
				signer.name);
		if (strcmp(p->role, s.role) != 0 &&
		    (strcmp(p->role, "validator") == 0 || strcmp(p->role, "site") == 0))
			return xp_fail(err, XP_E_USAGE,
				       "%s is named as %s: who is that signs for themselves "
				       "afterwards (expunge-cert %s) and is not named before",
				       p->name, p->role,
				       strcmp(p->role, "site") == 0 ? "endorse" : "validate");
	}
	return XP_OK;
}

void xp_job_people_describe(struct xp_record *record, const struct xp_signing_key *key)
{
	struct xp_person signer = {0};
	unsigned n = 0;
	bool named = false;

	xp_signing_key_describe(&record->signers[0], &signer, key);
	record->signers_n = 1;
	for (unsigned i = 0; i < record->persons_n; i++) {
		const struct xp_person *p = &record->persons[i];
		bool in_role = strcmp(p->role, signer.role) == 0;

		if (in_role && (named || !is_the_signer(p, &signer)))
			continue;
		named |= in_role;
		record->persons[n++] = *p;
	}
	record->persons_n = n;
	if (!named && n < XP_PERSONS_MAX)
		record->persons[record->persons_n++] = signer;
}
