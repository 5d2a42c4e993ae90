/* cert_batch: the records that `expunge-cert verify` was given, and what was found of each. */
#pragma once
#include "certs/check_batch.h"
#include "certs/check_logs.h"

#include <jansson.h>

/* One record with its signature, on disk. */
struct xp_pair {
	char *json_path;
	bool from_folder; /* found in a folder; else named by the user */
	bool has_json, has_signature;
	bool is_told; /* its verdict was given, or why there is none */
};

/* A folder, or a thing in one, that could not be looked at: what is in it was not checked. */
struct xp_unread {
	char *path;
	struct xp_err why;
};

struct xp_pairs {
	struct xp_pair *list;
	size_t n, cap;
	uint64_t ignored; /* files in folders that are no records */
	struct xp_unread *unread;
	size_t unread_n;
};

/*
 * PATH: a record, a signature file, or a folder (searched to 16 levels, in the order of names; what
 * cannot be looked at below it is kept in `unread`, and the rest goes on).
 * Errors: XP_E_NOENT and what the system says, of PATH itself.
 */
MUST_USE enum xp_rc xp_pairs_add(struct xp_pairs *p, const char *path, struct xp_err *err);
void xp_pairs_free(struct xp_pairs *p);

/* What is kept of a record once it was checked. */
struct xp_verdict {
	const char *file; /* of the pair */
	struct xp_check_outcome o;
	bool is_duplicate; /* of one before: the same record, the same verdict */
	char *json;	   /* its document, compact; NULL unless asked for */
	const char *twin;  /* E_ID_TWICE: the file of another record of its id; NULL: none */
	const char *fork;  /* E_LOG_FORK: of one that stands in another history of its log */
};

struct xp_verdicts {
	struct xp_verdict *list;
	size_t n, cap;
	struct xp_check_seen seen;
	struct xp_check_logs logs;
};

void xp_verdicts_free(struct xp_verdicts *v);
/* A zeroed one at the end; NULL: no memory. */
struct xp_verdict *xp_verdicts_add(struct xp_verdicts *v);
/* Closes the failures that a passed record supersedes. */
MUST_USE enum xp_rc xp_verdicts_close(struct xp_verdicts *v, struct xp_err *err);
/* Why a record that passed when it was read fails, now that another one was. */
enum xp_blame { XP_BLAME_TWIN, XP_BLAME_FORK };
const char *xp_blame_code(enum xp_blame b); /* "E_ID_TWICE", "E_LOG_FORK" */
/* Number AT fails by B, for the record in FILE. */
MUST_USE enum xp_rc xp_verdict_blame(struct xp_verdicts *v, size_t at, enum xp_blame b,
				     const char *file, struct xp_err *err);
/* What is said by B of the record in FILE beside the one in OTHER; malloc'ed, NULL: no memory. */
char *xp_blame_text(enum xp_blame b, const char *file, const char *other);

/* "passed", "failed", "indeterminate", "policy", "error". */
const char *xp_verdict_word(int exit_code);
/* A text or the name of a file, escaped where it is no UTF-8. */
json_t *xp_text_json(const char *file);
/*
 * The document with all of them on standard output: the members of HEAD, which is freed, then
 * "results" with those that ONLY_BAD leaves. The exit code of what went wrong, or 0.
 */
int xp_verdicts_print_json(const struct xp_verdicts *v, json_t *head, bool only_bad);
/* One record for machines. NULL: no memory. */
json_t *xp_verdict_json(const char *file, const struct xp_check_result *r);
/* One record for people, on stdout. */
void xp_verdict_print(const char *file, const struct xp_check_result *r);
/* By drive. */
json_t *xp_verdicts_drives_json(const struct xp_verdicts *v);
void xp_verdicts_drives_print(const struct xp_verdicts *v);
