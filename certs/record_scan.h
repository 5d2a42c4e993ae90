/*
 * record_scan: records read fast, many by one reader. What it takes is what xp_record_parse takes
 * and what says nothing that a certificate must not (xp_record_check_texts); what it does not take
 * is for those two, which say why.
 */
#pragma once
#include "certs/policy_memo.h"
#include "certs/record_check.h"

struct xp_record_reader; /* one thread at a time */

MUST_USE enum xp_rc xp_record_reader_new(struct xp_record_reader **out, struct xp_err *err);
void xp_record_reader_free(struct xp_record_reader **r);
/* Of the records that came this way. */
struct xp_policy_memo *xp_record_reader_policies(struct xp_record_reader *r);

/*
 * *OUT: the record, for xp_record_free and free. NULL: not surely good. Only records whose policy
 * is known to the reader are (xp_policy_memo_learn).
 */
void xp_record_scan(struct xp_record **out, struct xp_record_reader *r, const char *json,
		    size_t len);
/*
 * What R knows of RECORD, which it has just given out: for xp_record_check_known, before the next
 * one is read.
 */
struct xp_record_known xp_record_reader_known(struct xp_record_reader *r);
