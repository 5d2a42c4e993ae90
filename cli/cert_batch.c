#include "cli/cert_batch.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/output.h"

void xp_verdicts_free(struct xp_verdicts *v)
{
	for (size_t i = 0; i < v->n; i++) {
		xp_check_outcome_clear(&v->list[i].o);
		json_decref(v->list[i].json);
	}
	free(v->list);
	xp_check_seen_free(&v->seen);
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

enum xp_rc xp_verdicts_close(struct xp_verdicts *v, struct xp_err *err)
{
	AUTO_MEM struct xp_check_outcome **list = calloc(v->n + 1, sizeof(*list));

	if (!list)
		return xp_fail(err, XP_E_NOMEM, "%zu results", v->n);
	for (size_t i = 0; i < v->n; i++)
		list[i] = &v->list[i].o;
	TRY(xp_check_batch_close(list, v->n, err));
	for (size_t i = 0; i < v->n; i++)
		if (v->list[i].json && v->list[i].o.closed_by[0])
			json_object_set_new(v->list[i].json, "closed_by",
					    json_string(v->list[i].o.closed_by));
	return XP_OK;
}

/* What the records of one drive say together. */
struct drive_row {
	const struct xp_verdict *first;
	uint64_t records;
	uint64_t closed;
	int exit_code;
	bool has_level;
	enum xp_level level; /* the best that a passed record claims */
};

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
		if (list[i]->o.exit_code == 0 &&
		    (!row->has_level || list[i]->o.level > row->level)) {
			row->has_level = true;
			row->level = list[i]->o.level;
		}
	}
	return i;
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
		if (one && row.has_level)
			json_object_set_new(one, "claimed", json_string(xp_level_name(row.level)));
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
		if (row.has_level)
			printf(", %s claimed", xp_level_name(row.level));
		puts("");
	}
}
