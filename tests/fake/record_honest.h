/* record_honest: a record whose claim is what its evidence gives, and what the checks say of it. */
#pragma once
#include "certs/record_check.h"
#include "tests/fake/record_sample.h"

#define SET(field, text) snprintf((field), sizeof(field), "%s", (text))

/* The policy of the file PATH in the place of the record's. */
void record_use_policy(struct xp_record *r, const char *path);
/* FROM becomes TO in the text of its policy. */
void record_rewrite_policy(struct xp_record *r, const char *from, const char *to);
/* Writes the claim that the evidence gives, as the program does. */
void record_claim_again(struct xp_record *r);
/* The sample, by the default policy; for record_sample_free. */
struct xp_record *record_honest(void);
/* The record ID of tests/data/frozen/0.1.0-drives; for record_sample_free. */
struct xp_record *record_frozen(const char *id);
struct xp_readback_result *record_readback(struct xp_record *r);

bool findings_have(const struct xp_findings *f, const char *code, const char *where);
/* Other than warnings. */
bool findings_are_errors(const struct xp_findings *f);
/* CODE NULL: nothing but warnings. Takes R. */
void record_expect(struct xp_record *r, const char *code, const char *where);
