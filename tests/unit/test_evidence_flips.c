/*
 * A good key in bad hands, systematically: the raw evidence of records of real jobs (tests/data/
 * frozen) is changed, field by field, and the record signed again. The claim never stands higher
 * than what the evidence still gives.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/policy_memo.h"
#include "certs/record_check.h"
#include "tests/fake/check_stand.h"

#define FOLDER	  "tests/data/frozen/0.1.0-drives"
#define DENSE	  600 /* bytes of an answer that are each tried; behind them some */
#define STRIDE	  37
#define RAWS_MAX  64
#define DRIVES	  6 /* records with a drive's own erase and a claim */
#define IDENTIFY  512
#define ALL_OF(a) (sizeof(a) / sizeof((a)[0]))

struct frozen {
	char *json;
	size_t len;
	struct xp_record *r;
};

static struct frozen drives[16];
static size_t drives_n;
static struct xp_policy_memo policies; /* parsed once */
static struct check_stand stand;

static struct xp_record *parse(const struct frozen *f)
{
	AUTO(xp_findings_free) struct xp_findings none = {0};
	struct xp_record *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_int_equal(xp_record_parse(r, f->json, f->len, &none, NULL), XP_OK);
	return r;
}

static void drop(struct xp_record *r)
{
	xp_record_free(r);
	free(r);
}

static struct xp_phase *erase_of(struct xp_record *r)
{
	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].kind == XP_PHASE_ERASE)
			return &r->evidence.phases[i];
	abort();
}

static struct xp_phase *readback_of(struct xp_record *r)
{
	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].kind == XP_PHASE_READBACK)
			return &r->evidence.phases[i];
	abort();
}

static int load_all(void **state)
{
	DIR *d = opendir(FOLDER);
	struct dirent *e;

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d)) && drives_n < ALL_OF(drives)) {
		struct frozen *f = &drives[drives_n];
		size_t n = strlen(e->d_name);
		char path[512];

		if (n < 6 || strcmp(e->d_name + n - 5, ".json") != 0)
			continue;
		snprintf(path, sizeof(path), FOLDER "/%s", e->d_name);
		assert_int_equal(xp_file_read(&f->json, &f->len, path, 1 << 24, NULL), XP_OK);
		f->r = parse(f);
		if (f->r->kind != XP_RECORD_SANITIZATION || f->r->claim.level < XP_PURGE) {
			drop(f->r);
			free(f->json);
			*f = (struct frozen){0};
			continue;
		}
		xp_policy_memo_learn(&policies, f->r->policy_json, f->r->policy_len);
		drives_n++;
	}
	closedir(d);
	assert_int_equal(drives_n, DRIVES);
	stand_open(&stand);
	stand_trust(&stand, stand.lab.lab.root, stand.lab.lab.crl);
	return 0;
}

static int free_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < drives_n; i++) {
		drop(drives[i].r);
		free(drives[i].json);
	}
	xp_policy_memo_clear(&policies);
	stand_close(&stand);
	return 0;
}

/* ---- each bit of what the drives sent ---- */

static const struct xp_policy *policy_of(const struct xp_record *r)
{
	return xp_policy_memo_find(&policies, r->policy_json, r->policy_len)->policy;
}

/* As R stands now: is what it claims more than its evidence gives, and is that found? */
static bool holds(const struct xp_record *r)
{
	const struct xp_record_known known = {.texts_are_fit = true, .policies = &policies};
	AUTO(xp_findings_free) struct xp_findings f = {0};
	static struct xp_claim given;
	bool above = false;
	bool failed = false;
	bool is_more;

	xp_claim_compute(&given, &r->evidence, policy_of(r));
	assert_int_equal(xp_record_check_known(r, &known, &f, NULL), XP_OK);
	for (size_t i = 0; i < f.n; i++) {
		failed |= f.list[i].code[0] == 'E' || f.list[i].code[0] == 'I';
		above |= strcmp(f.list[i].code, "E_CLAIM_ABOVE_EVIDENCE") == 0;
	}
	is_more = r->claim.level > given.level || r->claim.scope > given.scope ||
		  r->claim.cap > given.cap || r->claim.reasons_n < given.reasons_n ||
		  r->claim.not_covered_n < given.not_covered_n;
	/* what passes claims just what the evidence gives */
	return is_more ? above
		       : failed ||
				 (r->claim.level == given.level && r->claim.scope == given.scope &&
				  r->claim.outcome == given.outcome);
}

struct bytes {
	uint8_t *data;
	size_t len;
};

static void add_raws(struct bytes *list, size_t *n, struct xp_raw *raw, size_t raw_n)
{
	for (size_t i = 0; i < raw_n && *n < RAWS_MAX; i++)
		list[(*n)++] = (struct bytes){raw[i].data, raw[i].len};
}

/* Everything that the drive sent, and what was sent to it. */
static size_t bytes_of(struct bytes *list, struct xp_record *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->evidence.n; i++) {
		struct xp_phase *p = &r->evidence.phases[i];
		struct xp_command_result *c = &p->command;

		add_raws(list, &n, p->identity.raw, p->identity.raw_n);
		add_raws(list, &n, c->before, c->before_n);
		add_raws(list, &n, c->during, c->during_n);
		add_raws(list, &n, c->after, c->after_n);
		if (c->cdb_len)
			list[n++] = (struct bytes){c->cdb, c->cdb_len};
		if (c->sense_len)
			list[n++] = (struct bytes){c->sense, c->sense_len};
	}
	return n;
}

/* Without its last byte right IDENTIFY data is no answer at all. */
static void mend(const struct bytes *b)
{
	uint8_t sum = 0;

	if (b->len != IDENTIFY || b->data[510] != 0xa5)
		return;
	for (size_t i = 0; i < IDENTIFY - 1; i++)
		sum = (uint8_t)(sum + b->data[i]);
	b->data[IDENTIFY - 1] = (uint8_t)(0 - sum);
}

static void flip_all(struct xp_record *r, const struct bytes *b)
{
	uint8_t last = b->len ? b->data[b->len - 1] : 0;

	for (size_t i = 0; i < b->len; i += i < DENSE ? 1 : STRIDE) {
		uint8_t bit = (uint8_t)(1u << (i * 5 % 8));

		b->data[i] ^= bit;
		mend(b);
		if (!holds(r))
			fail_msg("%s: byte %zu of %zu, bit %02x: the claim stands",
				 xp_technique_name(r->technique), i, b->len, bit);
		b->data[i] ^= bit;
		b->data[b->len - 1] = i + 1 == b->len ? b->data[i] : last;
	}
}

static void test_flipped_evidence_never_holds_up_a_claim(void **state)
{
	(void)state;
	for (size_t i = 0; i < drives_n; i++) {
		struct bytes list[RAWS_MAX + 8];
		size_t n = bytes_of(list, drives[i].r);

		assert_true(n > 4 && holds(drives[i].r));
		for (size_t k = 0; k < n; k++)
			flip_all(drives[i].r, &list[k]);
		assert_true(holds(drives[i].r));
	}
}

/* ---- what somebody would change, and sign again ---- */

/* R, signed by the lab's performer: fails, with CODE. Takes R. */
static void expect_signed(struct xp_record *r, const char *code, const char *what)
{
	struct xp_record *own = stand.lab.record;
	enum xp_technique t = r->technique;
	char codes[4096];
	int got;

	stand.lab.record = r;
	check_lab_name_signers(&stand.lab, true, false);
	check_lab_sign(&stand.lab, NULL);
	got = check_lab_run(stand.lab.check, stand.lab.json, stand.lab.json_len, stand.lab.p7s,
			    stand.lab.p7s_len, codes, sizeof(codes));
	stand.lab.record = own;
	drop(r);
	if (code ? got != 1 || !check_lab_has(codes, code) : got != 0)
		fail_msg("%s, %s: exit code %d, %s; wanted %s", xp_technique_name(t), what, got,
			 codes, code ? code : "a pass");
}

typedef void change_fn(struct xp_record *r);

static void nothing(struct xp_record *r)
{
	(void)r;
}

static void free_raws(struct xp_raw **raw, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		free((*raw)[i].data);
	free(*raw);
	*raw = NULL;
	*n = 0;
}

/* Done, it says; the drive never did. */
static void no_proof(struct xp_record *r)
{
	struct xp_command_result *c = &erase_of(r)->command;

	free_raws(&c->during, &c->during_n);
	free_raws(&c->after, &c->after_n);
}

/* What stood there before the command is shown as what came of it. */
static void older_success(struct xp_record *r)
{
	struct xp_command_result *c = &erase_of(r)->command;
	struct xp_raw *raw = calloc(c->before_n + 1, sizeof(*raw));

	assert_non_null(raw);
	free_raws(&c->after, &c->after_n);
	free_raws(&c->during, &c->during_n);
	for (size_t i = 0; i < c->before_n; i++) {
		raw[i] = c->before[i];
		raw[i].data = malloc(raw[i].len + 1);
		assert_non_null(raw[i].data);
		memcpy(raw[i].data, c->before[i].data, raw[i].len);
	}
	c->after = raw;
	c->after_n = c->before_n;
}

static void not_accepted(struct xp_record *r)
{
	erase_of(r)->command.accepted = false;
}

static void aborted(struct xp_record *r)
{
	erase_of(r)->command.aborted = true;
}

static void locked(struct xp_record *r)
{
	erase_of(r)->command.locked = erase_of(r)->command.frozen = true;
}

/* Another command was sent. */
static void other_command(struct xp_record *r)
{
	struct xp_command_result *c = &erase_of(r)->command;

	memset(c->cdb, 0, c->cdb_len);
}

/* What other drives have been told, passed off as this command's. */
static void other_technique(struct xp_record *r)
{
	enum xp_technique t = r->technique == XP_ATA_SANITIZE_CRYPTO ? XP_ATA_SANITIZE_BLOCK
								     : XP_ATA_SANITIZE_CRYPTO;

	r->technique = r->claim.technique = t;
	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].kind != XP_PHASE_IDENTIFY)
			r->evidence.phases[i].technique = t;
}

static void drop_phase(struct xp_record *r, enum xp_phase_kind kind)
{
	struct xp_evidence *ev = &r->evidence;
	size_t at = ev->n;

	for (size_t i = 0; i < ev->n; i++)
		if (ev->phases[i].kind == kind && at == ev->n)
			at = i;
	assert_true(at < ev->n);
	xp_phase_free(&ev->phases[at]);
	memmove(&ev->phases[at], &ev->phases[at + 1], (ev->n - at - 1) * sizeof(ev->phases[0]));
	ev->n--;
}

static void no_readback(struct xp_record *r)
{
	drop_phase(r, XP_PHASE_READBACK);
}

static void data_is_still_there(struct xp_record *r)
{
	readback_of(r)->readback.unchanged_blocks = 1;
}

static void a_canary_lives(struct xp_record *r)
{
	readback_of(r)->readback.canaries_alive = 1;
}

static void fewer_were_read(struct xp_record *r)
{
	readback_of(r)->readback.bytes_delivered -= 4096;
}

/* Of the drive beside it: one letter in what it calls itself. */
static void twin_in_raw(struct xp_record *r)
{
	struct xp_identity *id = &r->evidence.phases[r->evidence.n - 1].identity;

	for (size_t i = 0; i < id->raw_n; i++) {
		struct xp_raw *raw = &id->raw[i];
		struct bytes b = {raw->data, raw->len};

		if (raw->kind == XP_RAW_ATA_IDENTIFY)
			raw->data[21] ^= 1;
		else if (raw->kind == XP_RAW_NVME_ID_CTRL ||
			 (raw->kind == XP_RAW_SCSI_VPD && raw->arg == 0x80))
			raw->data[raw->kind == XP_RAW_SCSI_VPD ? 5 : 6] ^= 1;
		mend(&b);
	}
}

static void twin_in_words(struct xp_record *r)
{
	r->evidence.phases[r->evidence.n - 1].identity.serial[0] ^= 1;
}

static void twin_everywhere(struct xp_record *r)
{
	r->media.serial[0] ^= 1;
	for (size_t i = 0; i < r->evidence.n; i++)
		r->evidence.phases[i].identity.serial[0] ^= 1;
}

static void a_smaller_drive(struct xp_record *r)
{
	r->media.capacity_bytes /= 2;
}

static void test_signed_again_each_lie_gets_its_code(void **state)
{
	static const struct {
		change_fn *change;
		const char *code; /* NULL: it passes */
		const char *what;
	} lies[] = {
		{nothing, NULL, "as it is"},
		{no_proof, "E_CLAIM_ABOVE_EVIDENCE", "completion without proof"},
		{older_success, "E_CLAIM_ABOVE_EVIDENCE", "an older success"},
		{not_accepted, "E_CLAIM_ABOVE_EVIDENCE", "not accepted"},
		{aborted, "E_CLAIM_ABOVE_EVIDENCE", "aborted"},
		{other_command, "E_CLAIM_ABOVE_EVIDENCE", "another command"},
		{other_technique, "E_CLAIM_ABOVE_EVIDENCE", "another technique"},
		{no_readback, "E_CLAIM_ABOVE_EVIDENCE", "no readback"},
		{data_is_still_there, "E_CLAIM_ABOVE_EVIDENCE", "a block is as it was"},
		{a_canary_lives, "E_CLAIM_ABOVE_EVIDENCE", "a marker is still there"},
		{fewer_were_read, "E_", "fewer bytes were read"},
		{twin_in_raw, "E_EVIDENCE_RAW", "a twin's answer"},
		{twin_in_words, "E_EVIDENCE_IDENTITY", "a twin's name"},
		{twin_everywhere, "E_EVIDENCE_RAW", "a twin's name everywhere"},
		{a_smaller_drive, "E_EVIDENCE_IDENTITY", "a drive of half the size"},
	};

	(void)state;
	for (size_t i = 0; i < drives_n; i++) {
		for (size_t k = 0; k < ALL_OF(lies); k++) {
			struct xp_record *r = parse(&drives[i]);

			lies[k].change(r);
			expect_signed(r, lies[k].code, lies[k].what);
		}
	}
}

static void test_locked_ata_drive_erases_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < drives_n; i++) {
		struct xp_record *r = parse(&drives[i]);

		if (r->media.bus != XP_BUS_ATA) {
			drop(r);
			continue;
		}
		locked(r);
		expect_signed(r, "E_CLAIM_ABOVE_EVIDENCE", "locked and frozen");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flipped_evidence_never_holds_up_a_claim),
		cmocka_unit_test(test_signed_again_each_lie_gets_its_code),
		cmocka_unit_test(test_locked_ata_drive_erases_nothing),
	};

	return cmocka_run_group_tests(tests, load_all, free_all);
}
