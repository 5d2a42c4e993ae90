#include "cli/cert_batch.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/output.h"

void xp_verdicts_free(struct xp_verdicts *v)
{
	for (size_t i = 0; i < v->n; i++) {
		free(v->list[i].file);
		json_decref(v->list[i].json);
	}
	free(v->list);
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

static const char *drive_of(const struct xp_record *r)
{
	return r->media.serial[0] ? r->media.serial
	       : r->media.wwn[0]  ? r->media.wwn
				  : r->media.name;
}

void xp_verdict_fill(struct xp_verdict *v, const char *file, const struct xp_check_result *r)
{
	v->file = strdup(file);
	v->exit_code = v->file ? xp_check_exit_code(r) : 70;
	memcpy(v->json_sha256, r->json_sha256, 32);
	if (!r->record)
		return;
	v->has_record = true;
	v->kind = r->record->kind;
	v->level = r->record->claim.level;
	snprintf(v->id, sizeof(v->id), "%s", r->record->id);
	snprintf(v->drive, sizeof(v->drive), "%s", drive_of(r->record));
	snprintf(v->model, sizeof(v->model), "%s", r->record->media.model);
	snprintf(v->supersedes_id, sizeof(v->supersedes_id), "%s", r->record->supersedes_id);
	memcpy(v->supersedes_sha256, r->record->supersedes_sha256, 32);
}

static bool closes(const struct xp_verdict *later, const struct xp_verdict *failure)
{
	return later->exit_code == 0 && later->has_record && failure->has_record &&
	       (later->kind == XP_RECORD_SANITIZATION || later->kind == XP_RECORD_DESTRUCTION) &&
	       strcmp(later->supersedes_id, failure->id) == 0 &&
	       memcmp(later->supersedes_sha256, failure->json_sha256, 32) == 0 &&
	       strcmp(later->drive, failure->drive) == 0;
}

void xp_verdicts_close(struct xp_verdicts *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct xp_verdict *later = &v->list[i];

		if (later->exit_code != 0 || !later->supersedes_id[0])
			continue;
		for (size_t k = 0; k < v->n; k++) {
			struct xp_verdict *f = &v->list[k];

			/* authentic, and a failure: only what it says was not enough */
			if (f->exit_code != 3 || f->kind != XP_RECORD_FAILURE || !closes(later, f))
				continue;
			snprintf(f->closed_by, sizeof(f->closed_by), "%s", later->id);
			if (f->json)
				json_object_set_new(f->json, "closed_by", json_string(later->id));
		}
	}
}

/* The drives in the order of their first record; *STEP past the last of its records seen so far. */
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
	int c = strcmp((*x)->drive, (*y)->drive);

	return c ? c : strcmp((*x)->id, (*y)->id);
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
	for (; list[i] && strcmp(list[i]->drive, row->first->drive) == 0; i++) {
		row->records++;
		if (list[i]->closed_by[0])
			row->closed++;
		else
			row->exit_code = xp_check_exit_worse(row->exit_code, list[i]->exit_code);
		if (list[i]->exit_code == 0 && (!row->has_level || list[i]->level > row->level)) {
			row->has_level = true;
			row->level = list[i]->level;
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
		one = json_pack("{s:s, s:s, s:I, s:I, s:s}", "drive", row.first->drive, "model",
				row.first->model, "records", (json_int_t)row.records, "closed",
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
		printf("%-13s ", xp_verdict_word(row.exit_code));
		xp_print_escaped(stdout,
				 row.first->drive[0] ? row.first->drive : "(unknown drive)");
		if (row.first->model[0]) {
			fputs(", ", stdout);
			xp_print_escaped(stdout, row.first->model);
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
