/*
 * check_memo: what one thread remembers from record to record, so that the next of the same signer
 * costs one look at each of its bytes and one signature. It says yes where everything is surely as
 * good as it was; else "not surely", and the whole of the checks find out why.
 *
 * A signer is known again by every byte of the certificates and lists in the file, by the bytes
 * that name the certificate, by its role and commitment, and only within the second in which the
 * chain was judged.
 */
#pragma once
#include "certs/check_pair.h"
#include "certs/record_scan.h"

#include <openssl/evp.h>

MUST_USE enum xp_rc xp_check_memo_new(struct xp_check_memo **out, struct xp_err *err);
void xp_check_memo_free(struct xp_check_memo **m);
struct xp_record_reader *xp_check_memo_reader(struct xp_check_memo *m);
/* SHA-256 without looking for it each time. */
bool xp_check_memo_sha256(struct xp_check_memo *m, uint8_t out[32], const void *data, size_t len);

/* Nothing of what is remembered of signers holds any longer. */
void xp_check_memo_forget(struct xp_check_memo *m);
/*
 * The one signature of CMS over RESULT's record, verified, with its signer in RESULT, and whatever
 * is to be said of its timestamp. false: not surely good, and nothing was said.
 */
bool xp_check_memo_signature(struct xp_check_result *result, const struct xp_check *c,
			     const struct xp_cms *cms);
/* xp_cms_parse, sooner where the file is of a form that came before. */
bool xp_check_memo_parse(struct xp_check_memo *m, struct xp_cms *out, const void *p7s, size_t len,
			 struct xp_findings *findings);
/* RESULT's one signer was judged just now, by all checks, and none of them had anything to say, but
 * about timestamps. */
void xp_check_memo_learn(struct xp_check_memo *m, const struct xp_check_result *result,
			 const struct xp_cms *cms, X509 *cert, int64_t now_s);
