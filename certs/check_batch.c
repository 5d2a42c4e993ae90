#include "certs/check_batch.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const char *drive_of(const struct xp_record *r)
{
	return r->media.serial[0] ? r->media.serial
	       : r->media.wwn[0]  ? r->media.wwn
				  : r->media.name;
}

/* A serial number alone may be another's name; a partition is not the drive. */
bool xp_check_target_digest(uint8_t out[32], const struct xp_identity *id)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%s\n%s\n%s\n%s\n%s\n%llu\n%llu", id->vendor,
			 id->model, id->serial, id->wwn, id->name,
			 (unsigned long long)id->partition,
			 (unsigned long long)id->partition_start);

	return n > 0 && (size_t)n < sizeof(text) &&
	       EVP_Digest(text, (size_t)n, out, NULL, EVP_sha256(), NULL) == 1;
}

void xp_check_outcome_clear(struct xp_check_outcome *o)
{
	free(o->drive);
	*o = (struct xp_check_outcome){0};
}

/* When its first erase began; long ago where none did. */
static int64_t first_erase(const struct xp_evidence *ev)
{
	for (size_t i = 0; i < ev->n; i++)
		if (ev->phases[i].kind == XP_PHASE_ERASE)
			return ev->phases[i].start_s;
	return INT64_MIN;
}

static int64_t last_end(const struct xp_record *r)
{
	int64_t end_s = r->evidence.n ? INT64_MIN : r->issued_s;

	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].end_s > end_s)
			end_s = r->evidence.phases[i].end_s;
	return end_s;
}

enum xp_rc xp_check_outcome_fill(struct xp_check_outcome *o, const struct xp_check_result *r,
				 struct xp_err *err)
{
	*o = (struct xp_check_outcome){.exit_code = xp_check_exit_code(r)};
	memcpy(o->json_sha256, r->json_sha256, 32);
	o->drive = strdup(r->record ? drive_of(r->record) : "");
	if (!o->drive)
		return xp_fail(err, XP_E_NOMEM, "results");
	if (!r->record)
		return XP_OK;
	/* of a medium that nobody can tell from its neighbour nothing is known to be later */
	o->is_known =
		*drive_of(r->record) && xp_check_target_digest(o->target_sha256, &r->record->media);
	o->issued_s = r->record->issued_s;
	o->erased_s = first_erase(&r->record->evidence);
	o->ended_s = last_end(r->record);
	o->scope = r->record->claim.scope;
	o->has_wwn = r->record->media.wwn[0];
	o->wanted = r->record->accepted;
	o->kind = r->record->kind;
	o->level = r->record->claim.level;
	snprintf(o->id, sizeof(o->id), "%s", r->record->id);
	snprintf(o->model, sizeof(o->model), "%s", r->record->media.model);
	snprintf(o->supersedes_id, sizeof(o->supersedes_id), "%s", r->record->supersedes_id);
	memcpy(o->supersedes_sha256, r->record->supersedes_sha256, 32);
	return XP_OK;
}

static int by_id(const void *a, const void *b)
{
	const struct xp_check_outcome *const *x = a;
	const struct xp_check_outcome *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

static bool can_close(const struct xp_check_outcome *o)
{
	return o->exit_code == 0 && o->is_known && o->supersedes_id[0] &&
	       (o->kind == XP_RECORD_SANITIZATION || o->kind == XP_RECORD_DESTRUCTION);
}

/* Authentic, and a failure: only what it says was not enough. */
static bool can_be_closed(const struct xp_check_outcome *o)
{
	return o->exit_code == 3 && o->is_known && o->kind == XP_RECORD_FAILURE;
}

/* Destruction earns everything. */
static bool makes_good(const struct xp_check_outcome *later, const struct xp_check_outcome *f)
{
	/* an erase from before the failure, told again under a later date, mends nothing */
	bool is_told = later->scope != XP_SCOPE_NAMESPACE || later->has_wwn;
	bool enough = later->kind == XP_RECORD_DESTRUCTION ||
		      (later->level >= f->wanted && later->scope >= f->scope && is_told &&
		       later->erased_s >= f->ended_s);

	return enough && later->issued_s >= f->issued_s &&
	       memcmp(f->target_sha256, later->target_sha256, 32) == 0 &&
	       memcmp(f->json_sha256, later->supersedes_sha256, 32) == 0;
}

/* The first of those with this id, in a list sorted by id. */
static size_t lower_bound(struct xp_check_outcome *const *list, size_t n, const char *id)
{
	size_t lo = 0;
	size_t hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(list[mid]->id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

enum xp_rc xp_check_batch_close(struct xp_check_outcome *const *list, size_t n, struct xp_err *err)
{
	AUTO_MEM struct xp_check_outcome **sorted = calloc(n + 1, sizeof(*sorted));

	if (!sorted)
		return xp_fail(err, XP_E_NOMEM, "%zu results", n);
	memcpy(sorted, list, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_id);
	for (size_t i = 0; i < n; i++) {
		const struct xp_check_outcome *later = list[i];

		if (!can_close(later))
			continue;
		for (size_t k = lower_bound(sorted, n, later->supersedes_id);
		     k < n && strcmp(sorted[k]->id, later->supersedes_id) == 0; k++) {
			struct xp_check_outcome *f = sorted[k];

			if (can_be_closed(f) && makes_good(later, f))
				snprintf(f->closed_by, sizeof(f->closed_by), "%s", later->id);
		}
	}
	return XP_OK;
}

/* ---- seen before ---- */

struct xp_check_seen_entry {
	char id[XP_UUID_LEN]; /* empty: free */
	uint8_t json_sha256[32];
	int exit_code;
	size_t tag;
};

void xp_check_seen_free(struct xp_check_seen *s)
{
	free(s->list);
	*s = (struct xp_check_seen){0};
}

static size_t hash_id(const char *id)
{
	uint64_t h = 14695981039346656037ULL;

	for (; *id; id++)
		h = (h ^ (uint8_t)*id) * 1099511628211ULL;
	return (size_t)(h ^ h >> 29);
}

static void put_entry(struct xp_check_seen *s, const struct xp_check_seen_entry *e)
{
	size_t i = hash_id(e->id) & (s->room - 1);

	while (s->list[i].id[0])
		i = (i + 1) & (s->room - 1);
	s->list[i] = *e;
	s->n++;
}

/* At most half of the room is taken. */
static enum xp_rc make_room(struct xp_check_seen *s, struct xp_err *err)
{
	struct xp_check_seen old = *s;

	if (2 * (s->n + 1) <= s->room)
		return XP_OK;
	s->room = old.room ? 2 * old.room : 256;
	s->n = 0;
	s->list = calloc(s->room, sizeof(*s->list));
	if (!s->list) {
		*s = old;
		return xp_fail(err, XP_E_NOMEM, "results");
	}
	for (size_t i = 0; i < old.room; i++)
		if (old.list[i].id[0])
			put_entry(s, &old.list[i]);
	free(old.list);
	return XP_OK;
}

static bool is_authentic(int exit_code)
{
	return exit_code == 0 || exit_code == 3;
}

enum xp_rc xp_check_seen_add(bool *is_duplicate, size_t *clash, struct xp_check_seen *s,
			     const struct xp_check_outcome *o, size_t tag, struct xp_err *err)
{
	struct xp_check_seen_entry new = {.exit_code = o->exit_code, .tag = tag};

	*is_duplicate = false;
	if (!o->id[0])
		return XP_OK;
	TRY(make_room(s, err));
	for (size_t i = hash_id(o->id) & (s->room - 1); s->list[i].id[0];
	     i = (i + 1) & (s->room - 1)) {
		const struct xp_check_seen_entry *e = &s->list[i];

		if (strcmp(e->id, o->id) != 0)
			continue;
		if (memcmp(e->json_sha256, o->json_sha256, 32) == 0)
			*is_duplicate |= e->exit_code == o->exit_code;
		else if (is_authentic(e->exit_code) && is_authentic(o->exit_code))
			*clash = e->tag;
	}
	if (*is_duplicate)
		return XP_OK;
	memcpy(new.id, o->id, sizeof(new.id));
	memcpy(new.json_sha256, o->json_sha256, 32);
	put_entry(s, &new);
	return XP_OK;
}
