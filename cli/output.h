/*
 * output: what the user sees. Messages go to stderr, results to stdout; with --json stdout holds
 * one document and nothing else. Hostile text (names from drives and files) is shown escaped.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdio.h>

/* Once, at the start: remembers the program's name, sets the sink of base/log, ignores SIGPIPE. */
void xp_output_init(const char *program);
/* Once, at the end: flushes stdout; a failed write turns 0 into 74-like failure 1. */
int xp_output_finish(int exit_code);

/* "expunge: TEXT" on stderr, control and bidi characters escaped. */
void xp_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for a failure. Returns its exit code, so that a command can return it. */
int xp_say_error(const struct xp_err *err);

/*
 * The same for a command that was asked for JSON: with JSON, stdout gets {"error": TEXT,
 * "exit_code": N} and, where LIST is not NULL, an empty list of that name.
 */
int xp_report_error(const struct xp_err *err, bool json, const char *list);

/* TEXT with control characters, bidi controls and malformed UTF-8 as \xNN or \u{NNNN}. */
void xp_buf_escaped(struct xp_buf *out, const char *text);
/* The same onto a stream. */
void xp_print_escaped(FILE *f, const char *text);

/*
 * The first COLUMNS characters of TEXT (escaped already). A character counts as one column; TEXT is
 * cut between characters, never within one.
 */
void xp_buf_columns(struct xp_buf *out, const char *text, unsigned columns);
/*
 * TEXT, escaped, and a newline, where INDENT columns of the line are taken already. On a terminal
 * it is broken between words and goes on at INDENT; elsewhere it stays one line.
 */
void xp_print_wrapped(FILE *f, unsigned indent, const char *text);

/* How a word is meant; on a terminal that shows colours (and without NO_COLOR) it has one. */
enum xp_tone { XP_TONE_GOOD, XP_TONE_CAUTION, XP_TONE_BAD };
void xp_print_toned(FILE *f, enum xp_tone tone, const char *word);

/* One document on stdout, keys in the order they were set; takes the reference. Exit code 0 or 70.
 */
int xp_print_json(json_t *doc);
/* A size for people: "512 MiB (536870912 bytes)". */
void xp_buf_size(struct xp_buf *out, uint64_t bytes);
/* "3 min 20 s". */
void xp_buf_duration(struct xp_buf *out, uint64_t seconds);
/* Decimal string, as sizes are in JSON. */
json_t *xp_json_u64(uint64_t v);
/* A string; text that is no UTF-8 comes escaped, NULL as "". */
json_t *xp_json_text(const char *text);

/* SIGINT, SIGTERM and SIGHUP set the cancel flag from now on (second SIGINT: the default). */
void xp_cancel_install(void);
bool xp_cancel_requested(void);
/* Sets it, as a signal would. */
void xp_cancel_request(void);

/* Is stderr a terminal that can show a bar? */
bool xp_stderr_is_terminal(void);
/* The columns of the terminal that F is; 0: it is none. ROWS (may be NULL): its lines. */
unsigned xp_terminal_columns(FILE *f, unsigned *rows);

/* The worst exit code of a batch: 70, 1, 2, 5, 6, 77, 69, 66, 4, 3, 0. */
int xp_exit_worse(int a, int b);
