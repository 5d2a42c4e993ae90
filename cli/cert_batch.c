#include "cli/cert_batch.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "certs/jcs.h"
#include "cli/output.h"

void xp_verdicts_free(struct xp_verdicts *v)
{
	for (size_t i = 0; i < v->n; i++) {
		xp_check_outcome_clear(&v->list[i].o);
		free(v->list[i].json);
	}
	free(v->list);
	xp_check_seen_free(&v->seen);
	xp_check_logs_free(&v->logs);
	*v = (struct xp_verdicts){0};
}

struct xp_verdict *xp_verdicts_add(struct xp_verdicts *v)
{
	if (v->n == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 64;
		struct xp_verdict *list = reallocarray(v->list, cap, sizeof(*list));

		if (!list)
			return NULL;
		v->list = list;
		v->cap = cap;
	}
	v->list[v->n] = (struct xp_verdict){0};
	return &v->list[v->n++];
}

/* ---- two records that cannot both be ---- */

const char *xp_blame_code(enum xp_blame b)
{
	switch (b) {
	case XP_BLAME_TWIN:
		return "E_ID_TWICE";
	case XP_BLAME_FORK:
		break;
	}
	return "E_LOG_FORK";
}

char *xp_blame_text(enum xp_blame b, const char *file, const char *other)
{
	char *text = NULL;

	if (asprintf(&text,
		     b == XP_BLAME_TWIN ? "two records of one id were given: %s and %s"
					: "two histories of one log were given: %s and %s",
		     file, other) < 0)
		return NULL;
	return text;
}

/* The document with one finding more, and the verdict that follows from it. */
static enum xp_rc blame_json(char **json, const char *code, const char *why, struct xp_err *err)
{
	AUTO(xp_json_free) json_t *doc = json_loads(*json, 0, NULL);
	json_t *one = json_pack("{s:s, s:o}", "code", code, "text", xp_text_json(why));
	char *again = NULL;

	if (doc && one && json_array_append_new(json_object_get(doc, "findings"), one) == 0 &&
	    json_object_set_new(doc, "verdict", json_string(xp_verdict_word(1))) == 0 &&
	    json_object_set_new(doc, "exit", json_integer(1)) == 0)
		again = json_dumps(doc, JSON_COMPACT);
	if (!again)
		return xp_fail(err, XP_E_NOMEM, "results");
	free(*json);
	*json = again;
	return XP_OK;
}

enum xp_rc xp_verdict_blame(struct xp_verdicts *v, size_t at, enum xp_blame b, const char *file,
			    struct xp_err *err)
{
	struct xp_verdict *one = &v->list[at];
	const char **other = b == XP_BLAME_TWIN ? &one->twin : &one->fork;
	AUTO_MEM char *why = xp_blame_text(b, one->file, file);

	/* once is enough, by however many */
	if (*other)
		return XP_OK;
	if (!why)
		return xp_fail(err, XP_E_NOMEM, "results");
	if (one->json)
		TRY(blame_json(&one->json, xp_blame_code(b), why, err));
	*other = file;
	one->o.exit_code = 1;
	return XP_OK;
}

static int by_id(const void *a, const void *b)
{
	const struct xp_verdict *const *x = a;
	const struct xp_verdict *const *y = b;

	return strcmp((*x)->o.id, (*y)->o.id);
}

/* Only one of several copies was at hand when the other record was met. */
static enum xp_rc blame_copies(struct xp_verdicts *v, struct xp_err *err)
{
	AUTO_MEM const struct xp_verdict **blamed = calloc(v->n + 1, sizeof(const void *));
	size_t n = 0;

	if (!blamed)
		return xp_fail(err, XP_E_NOMEM, "%zu results", v->n);
	for (size_t i = 0; i < v->n; i++)
		if (v->list[i].twin || v->list[i].fork)
			blamed[n++] = &v->list[i];
	qsort(blamed, n, sizeof(*blamed), by_id);
	for (size_t i = 0; i < v->n; i++) {
		const struct xp_verdict *one = &v->list[i];
		const struct xp_verdict *const *found = NULL;

		if (n && one->o.id[0] && (one->o.exit_code == 0 || one->o.exit_code == 3))
			found = bsearch(&one, blamed, n, sizeof(*blamed), by_id);
		if (found && (*found)->twin)
			TRY(xp_verdict_blame(v, i, XP_BLAME_TWIN, (*found)->twin, err));
		if (found && (*found)->fork)
			TRY(xp_verdict_blame(v, i, XP_BLAME_FORK, (*found)->fork, err));
	}
	return XP_OK;
}

enum xp_rc xp_verdicts_close(struct xp_verdicts *v, struct xp_err *err)
{
	AUTO_MEM struct xp_check_outcome **list = calloc(v->n + 1, sizeof(*list));

	if (!list)
		return xp_fail(err, XP_E_NOMEM, "%zu results", v->n);
	TRY(blame_copies(v, err));
	for (size_t i = 0; i < v->n; i++)
		list[i] = &v->list[i].o;
	return xp_check_batch_close(list, v->n, err);
}

/* ---- the document ---- */

/* What was kept of a record, and what the records behind it had to say of it. */
static void print_result(const struct xp_verdict *v, bool is_first)
{
	fputs(is_first ? "\n    " : ",\n    ", stdout);
	if (v->o.closed_by[0])
		printf("%.*s,\"closed_by\":\"%s\"}", (int)strlen(v->json) - 1, v->json,
		       v->o.closed_by);
	else
		fputs(v->json, stdout);
}

int xp_verdicts_print_json(const struct xp_verdicts *v, json_t *head, bool only_bad)
{
	AUTO_MEM char *text = head ? json_dumps(head, JSON_INDENT(2)) : NULL;
	size_t len = text ? strlen(text) : 0;
	bool is_first = true;

	json_decref(head);
	if (len < 3) {
		xp_say("no memory for the JSON document");
		return 70;
	}
	/* without the brace at the end and the line end before it */
	printf("%.*s,\n  \"results\": [", (int)len - 2, text);
	for (size_t i = 0; i < v->n; i++) {
		if (only_bad && v->list[i].o.exit_code == 0)
			continue;
		print_result(&v->list[i], is_first);
		is_first = false;
	}
	puts(is_first ? "]\n}" : "\n  ]\n}");
	return 0;
}

/* What the records of one drive say together. */
struct drive_row {
	const struct xp_verdict *first;
	uint64_t records;
	uint64_t closed;
	int exit_code;
	/* of the passed records the one whose erase was last: what was written since an earlier one
	 * is only in its reach */
	const struct xp_verdict *last;
};

static bool is_later(const struct xp_verdict *v, const struct xp_verdict *last)
{
	if (v->o.exit_code != 0 || v->o.kind != XP_RECORD_SANITIZATION)
		return false;
	return !last || v->o.ended_s > last->o.ended_s ||
	       (v->o.ended_s == last->o.ended_s && v->o.level < last->o.level);
}

static int compare_drives(const void *a, const void *b)
{
	const struct xp_verdict *const *x = a;
	const struct xp_verdict *const *y = b;
	int c = strcmp((*x)->o.drive, (*y)->o.drive);

	return c ? c : strcmp((*x)->o.id, (*y)->o.id);
}

/* Sorted by drive; NULL: no memory. */
static const struct xp_verdict **sorted(const struct xp_verdicts *v)
{
	const struct xp_verdict **list = calloc(v->n + 1, sizeof(*list));

	for (size_t i = 0; list && i < v->n; i++)
		list[i] = &v->list[i];
	if (list)
		qsort(list, v->n, sizeof(*list), compare_drives);
	return list;
}

static size_t next_row(struct drive_row *row, const struct xp_verdict *const *list, size_t i)
{
	*row = (struct drive_row){.first = list[i]};
	for (; list[i] && strcmp(list[i]->o.drive, row->first->o.drive) == 0; i++) {
		if (list[i]->is_duplicate)
			continue;
		row->records++;
		if (list[i]->o.closed_by[0])
			row->closed++;
		else
			row->exit_code = xp_check_exit_worse(row->exit_code, list[i]->o.exit_code);
		if (is_later(list[i], row->last))
			row->last = list[i];
	}
	return i;
}

static void add_claimed(json_t *one, const struct xp_verdict *last)
{
	json_object_set_new(one, "claimed", json_string(xp_level_name(last->o.level)));
	json_object_set_new(one, "scope", json_string(xp_scope_name(last->o.scope)));
}

json_t *xp_verdicts_drives_json(const struct xp_verdicts *v)
{
	AUTO_MEM const struct xp_verdict **list = sorted(v);
	json_t *all = json_array();
	struct drive_row row;

	for (size_t i = 0; list && i < v->n;) {
		json_t *one;

		i = next_row(&row, list, i);
		one = json_pack("{s:s, s:s, s:I, s:I, s:s}", "drive", row.first->o.drive, "model",
				row.first->o.model, "records", (json_int_t)row.records, "closed",
				(json_int_t)row.closed, "verdict", xp_verdict_word(row.exit_code));
		if (one && row.last)
			add_claimed(one, row.last);
		json_array_append_new(all, one);
	}
	return all;
}

void xp_verdicts_drives_print(const struct xp_verdicts *v)
{
	AUTO_MEM const struct xp_verdict **list = sorted(v);
	struct drive_row row;

	for (size_t i = 0; list && i < v->n;) {
		i = next_row(&row, list, i);
		printf("%-20s ", row.exit_code == 3 ? "not what is required"
						    : xp_verdict_word(row.exit_code));
		xp_print_escaped(stdout,
				 row.first->o.drive[0] ? row.first->o.drive : "(unknown drive)");
		if (row.first->o.model[0]) {
			fputs(", ", stdout);
			xp_print_escaped(stdout, row.first->o.model);
		}
		printf(": %llu record%s", (unsigned long long)row.records,
		       row.records == 1 ? "" : "s");
		if (row.closed)
			printf(", %llu failure%s closed by a later one",
			       (unsigned long long)row.closed, row.closed == 1 ? "" : "s");
		if (row.last)
			printf(", %s claimed, scope %s", xp_level_name(row.last->o.level),
			       xp_scope_name(row.last->o.scope));
		puts("");
	}
}
