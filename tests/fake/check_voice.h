/* check_voice: what others decided about the record of a check_lab, with their signatures. */
#pragma once
#include "tests/fake/check_lab.h"

/* A decision with its signature. */
struct voice {
	struct xp_record *r;
	char *json;
	size_t json_len;
	uint8_t *p7s;
	size_t p7s_len;
};

struct voice voice_new(struct check_lab *lab, enum xp_decision decision, struct lab_person *by,
		       enum xp_role role);
/* Writes V->r as it is now, and signs it in the name of BY. */
void sign_voice(struct voice *v, struct lab_person *by, enum xp_role role);
/* The same by two people. */
void sign_voice_jointly(struct voice *v, struct lab_person *by, struct lab_person *with,
			enum xp_role role);
void voice_free(struct voice *v);
