/* Rule 30: what luks-destroy earns, and each way to lose it. */
#include "claim/claim.h"

#include "base/cleanup.h"
#include "tests/fake/claim_evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIB	 (1ull << 20)
#define CAPACITY (1024 * MIB)
#define AREA	 (16 * MIB)
#define UUID	 "6f1c9a52-1d3c-4b7e-9c5e-0123456789ab"

enum { LOOKED = 1, ERASED = 2, READ = 3 };

struct lab {
	struct xp_evidence ev;
	struct xp_policy *policy;
	struct xp_claim claim;
};

static struct xp_phase *add(struct lab *l, enum xp_phase_kind kind)
{
	struct xp_phase *p = xp_evidence_add(&l->ev, kind);

	assert_non_null(p);
	p->attempt = p->take = 1;
	p->technique = XP_LUKS_DESTROY;
	p->identity = (struct xp_identity){.media = XP_MEDIA_VIRTUAL,
					   .bus = XP_BUS_FILE,
					   .name = "disk.img",
					   .capacity_bytes = CAPACITY,
					   .logical_block_bytes = 1};
	p->start_s = p->end_s = 1000 + (int64_t)l->ev.n;
	p->start_ns = p->end_ns = 1000 + l->ev.n;
	return p;
}

static void add_volume(struct lab *l)
{
	struct xp_phase *p = add(l, XP_PHASE_IDENTIFY);
	struct xp_luks_volume *v = calloc(1, sizeof(*v));

	assert_non_null(v);
	p->volumes = v;
	p->volume_n = 1;
	v->room = CAPACITY;
	v->area_bytes = v->data_offset = v->slots_end = AREA;
	v->version = 2;
	v->header_bytes = 32768;
	v->slots = 1;
	v->primary = v->secondary = XP_LUKS_VALID;
	v->layout_known = true;
	v->library = XP_LUKS_AGREES;
	snprintf(v->uuid, sizeof(v->uuid), UUID);
	snprintf(v->cipher, sizeof(v->cipher), "aes-xts-plain64");
	memset(v->before_sha256, 1, sizeof(v->before_sha256));
}

static void add_readback(struct lab *l)
{
	struct xp_phase *p = add(l, XP_PHASE_READBACK);

	p->readback.mode = XP_READBACK_FULL;
	p->readback.expected = l->ev.phases[ERASED].overwrite.content;
	p->readback.bytes_planned = p->readback.bytes_delivered = AREA;
	p->readback.how.direct = true;
	p->search.areas = calloc(1, sizeof(*p->search.areas));
	assert_non_null(p->search.areas);
	p->search.area_n = 1;
	p->search.areas[0].len = AREA;
	memset(p->search.areas[0].sha256, 2, sizeof(p->search.areas[0].sha256));
	p->search.searched_all = true;
	p->search.searched_bytes = CAPACITY - AREA;
}

static void set_up(struct lab *l)
{
	struct xp_phase *p;

	memset(l, 0, sizeof(*l));
	l->policy = claim_policy_load("r2", NULL);
	l->ev.clock_synchronized = XP_ANSWER_YES;
	l->ev.capacity.current = CAPACITY;
	add(l, XP_PHASE_IDENTIFY);
	add_volume(l);
	p = add(l, XP_PHASE_ERASE);
	p->overwrite.pass = p->overwrite.passes = 1;
	p->overwrite.content.kind = XP_CONTENT_RANDOM;
	memset(p->overwrite.content.key, 7, sizeof(p->overwrite.content.key));
	p->overwrite.bytes_written = AREA;
	p->overwrite.flushed = true;
	p->command.keys.can_be_off = XP_ANSWER_YES;
	add_readback(l);
	add(l, XP_PHASE_IDENTIFY);
}

static void tear_down(struct lab *l)
{
	xp_evidence_free(&l->ev);
	xp_policy_free(&l->policy);
}

static bool is_left_out(const struct lab *l, const char *what)
{
	for (unsigned i = 0; i < l->claim.not_covered_n; i++)
		if (strstr(l->claim.not_covered[i], what))
			return true;
	return false;
}

static struct xp_luks_volume *volume(struct lab *l)
{
	return &l->ev.phases[LOOKED].volumes[0];
}

/* Judges, and tears down. */
static void expect(struct lab *l, enum xp_level level, enum xp_outcome outcome, const char *code)
{
	xp_claim_compute(&l->claim, &l->ev, l->policy);
	if (l->claim.level != level || l->claim.outcome != outcome ||
	    !claim_has_reason(&l->claim, code)) {
		for (unsigned i = 0; i < l->claim.reasons_n; i++)
			print_error("%u %s: %s\n", l->claim.reasons[i].rule,
				    l->claim.reasons[i].code, l->claim.reasons[i].text);
		fail_msg("%s: level %s, outcome %s", code, xp_level_name(l->claim.level),
			 xp_outcome_name(l->claim.outcome));
	}
	tear_down(l);
}

static void test_keys_flawless_earns_clear(void **state)
{
	struct lab l;

	(void)state;
	set_up(&l);
	xp_claim_compute(&l.claim, &l.ev, l.policy);
	assert_int_equal(l.claim.scope, XP_SCOPE_LOGICAL_UNIT);
	assert_int_equal(l.claim.technique, XP_LUKS_DESTROY);
	expect(&l, XP_CLEAR, XP_OUTCOME_SANITIZED, "key-copies-unknown");
}

static void test_keys_on_a_drive_never_purge(void **state)
{
	struct lab l;

	(void)state;
	set_up(&l);
	for (size_t i = 0; i < l.ev.n; i++) {
		l.ev.phases[i].identity.media = XP_MEDIA_SSD;
		l.ev.phases[i].identity.bus = XP_BUS_NVME;
		snprintf(l.ev.phases[i].identity.serial, 8, "SN1");
	}
	xp_claim_compute(&l.claim, &l.ev, l.policy);
	assert_int_equal(l.claim.scope, XP_SCOPE_LOGICAL_UNIT);
	expect(&l, XP_CLEAR, XP_OUTCOME_SANITIZED, "key-copies-unknown");
}

static void test_keys_on_a_partition_have_its_scope(void **state)
{
	struct lab l;

	(void)state;
	set_up(&l);
	for (size_t i = 0; i < l.ev.n; i++)
		l.ev.phases[i].identity.partition = 2;
	xp_claim_compute(&l.claim, &l.ev, l.policy);
	assert_int_equal(l.claim.scope, XP_SCOPE_PARTITION);
	tear_down(&l);
}

static void test_keys_volume_that_encrypts_nothing(void **state)
{
	struct lab l;

	(void)state;
	set_up(&l);
	volume(&l)->not_encrypted = true;
	expect(&l, XP_NONE, XP_OUTCOME_FAILED, "not-encrypted");
	set_up(&l);
	volume(&l)->plain_segment = true;
	expect(&l, XP_NONE, XP_OUTCOME_FAILED, "plain-text-left");
	set_up(&l);
	volume(&l)->hw_opal = volume(&l)->hw_opal_only = true;
	expect(&l, XP_NONE, XP_OUTCOME_FAILED, "drive-key-left");
	set_up(&l);
	volume(&l)->hw_opal = true;
	expect(&l, XP_CLEAR, XP_OUTCOME_SANITIZED, "drive-key-left");
	assert_true(is_left_out(&l, "hw-opal"));
	set_up(&l);
	expect(&l, XP_CLEAR, XP_OUTCOME_SANITIZED, "key-copies-unknown");
	assert_false(is_left_out(&l, "hw-opal"));
}

static void test_keys_area_that_is_too_small(void **state)
{
	struct lab l;

	(void)state;
	set_up(&l);
	volume(&l)->slots_end = AREA + 1;
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "area-too-small");
	set_up(&l);
	volume(&l)->data_offset = AREA + MIB;
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "area-too-small");
	set_up(&l);
	volume(&l)->secondary = XP_LUKS_DAMAGED;
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "area-too-small");
	set_up(&l);
	volume(&l)->library = XP_LUKS_DIFFERS;
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "area-too-small");
	set_up(&l);
	volume(&l)->detached = true;
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "area-too-small");
	set_up(&l);
	volume(&l)->room = AREA - 1;
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "area-too-small");
	set_up(&l);
	volume(&l)->offset = CAPACITY - AREA;
	volume(&l)->room = UINT64_MAX;
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "area-too-small");
}

static void test_keys_without_a_look_are_unknown(void **state)
{
	struct lab l;

	(void)state;
	set_up(&l);
	free(l.ev.phases[LOOKED].volumes);
	l.ev.phases[LOOKED].volumes = NULL;
	l.ev.phases[LOOKED].volume_n = 0;
	expect(&l, XP_NONE, XP_OUTCOME_FAILED, "volume-unknown");
	/* a look behind the erase is none */
	set_up(&l);
	l.ev.phases[4].volumes = l.ev.phases[LOOKED].volumes;
	l.ev.phases[4].volume_n = 1;
	l.ev.phases[LOOKED].volumes = NULL;
	l.ev.phases[LOOKED].volume_n = 0;
	expect(&l, XP_NONE, XP_OUTCOME_FAILED, "volume-unknown");
}

static void test_keys_not_all_written(void **state)
{
	struct lab l;

	(void)state;
	set_up(&l);
	l.ev.phases[ERASED].overwrite.bytes_written = AREA - 512;
	expect(&l, XP_NONE, XP_OUTCOME_FAILED, "not-all-written");
	set_up(&l);
	l.ev.phases[ERASED].overwrite.bytes_written = CAPACITY;
	expect(&l, XP_NONE, XP_OUTCOME_FAILED, "figures-contradict");
	set_up(&l);
	l.ev.phases[ERASED].overwrite.flushed = false;
	expect(&l, XP_NONE, XP_OUTCOME_FAILED, "not-flushed");
	set_up(&l);
	l.ev.phases[ERASED].overwrite.content.kind = XP_CONTENT_ZERO;
	l.ev.phases[READ].readback.expected.kind = XP_CONTENT_ZERO;
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "content-differs");
}

static void test_keys_readback_that_proves_nothing(void **state)
{
	struct lab l;

	(void)state;
	set_up(&l);
	l.ev.phases[READ].readback.bytes_planned = l.ev.phases[READ].readback.bytes_delivered =
		AREA / 2;
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "readback-not-full");
	set_up(&l);
	l.ev.phases[READ].search.area_n = 0;
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "areas-unread");
	set_up(&l);
	l.ev.phases[READ].search.areas[0].offset = 4096;
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "areas-unread");
	set_up(&l);
	memset(l.ev.phases[READ].search.areas[0].sha256, 1, 32);
	expect(&l, XP_NONE, XP_OUTCOME_FAILED, "area-unchanged");
	set_up(&l);
	l.ev.phases[READ].search.headers_left = 1;
	expect(&l, XP_NONE, XP_OUTCOME_FAILED, "header-left");
	set_up(&l);
	l.ev.phases[READ].readback.mismatch_total = 1;
	expect(&l, XP_NONE, XP_OUTCOME_FAILED, "residue-found");
	/* one sector may be the one that holds the key */
	set_up(&l);
	l.ev.phases[READ].readback.bytes_delivered = AREA - 512;
	assert_int_equal(xp_extents_add(&l.ev.phases[READ].readback.read_errors, 4096, 512, NULL),
			 XP_OK);
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "keys-unreadable");
	set_up(&l);
	l.ev.phases[READ].kind = XP_PHASE_IDENTIFY;
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "keys-not-read-back");
}

static void put_copy(struct lab *l, const char *uuid)
{
	struct xp_key_search *s = &l->ev.phases[READ].search;

	s->copies = calloc(1, sizeof(*s->copies));
	assert_non_null(s->copies);
	s->copy_n = s->copy_total = 1;
	s->copies[0].offset = 40 * MIB;
	s->copies[0].version = 2;
	snprintf(s->copies[0].uuid, sizeof(s->copies[0].uuid), "%s", uuid);
}

static void test_keys_header_elsewhere_on_the_target(void **state)
{
	struct lab l;

	(void)state;
	set_up(&l);
	put_copy(&l, UUID);
	expect(&l, XP_NONE, XP_OUTCOME_FAILED, "header-copy-left");
	set_up(&l);
	put_copy(&l, "");
	expect(&l, XP_NONE, XP_OUTCOME_FAILED, "header-copy-left");
	set_up(&l);
	put_copy(&l, "another");
	expect(&l, XP_CLEAR, XP_OUTCOME_SANITIZED, "other-volume");
	set_up(&l);
	put_copy(&l, "another");
	volume(&l)->uuid[0] = 0;
	expect(&l, XP_NONE, XP_OUTCOME_FAILED, "header-copy-left");
	set_up(&l);
	put_copy(&l, "another");
	l.ev.phases[READ].search.copy_total = 65;
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "copies-uncounted");
}

static void test_keys_notes_lower_nothing(void **state)
{
	struct lab l;

	(void)state;
	set_up(&l);
	l.ev.phases[READ].search.searched_all = false;
	expect(&l, XP_CLEAR, XP_OUTCOME_SANITIZED, "searched-in-part");
	set_up(&l);
	l.ev.phases[READ].search.swap_found = true;
	expect(&l, XP_CLEAR, XP_OUTCOME_SANITIZED, "swap-on-target");
	set_up(&l);
	volume(&l)->tokens = 1;
	expect(&l, XP_CLEAR, XP_OUTCOME_SANITIZED, "tokens");
	set_up(&l);
	volume(&l)->reencrypting = true;
	expect(&l, XP_CLEAR, XP_OUTCOME_SANITIZED, "reencryption-unfinished");
	set_up(&l);
	l.ev.phases[ERASED].command.keys.copies_alive = XP_ANSWER_YES;
	expect(&l, XP_CLEAR, XP_OUTCOME_SANITIZED, "key-copies-alive");
}

static void test_keys_after_plain_text_earn_nothing(void **state)
{
	struct lab l;

	(void)state;
	set_up(&l);
	l.ev.phases[ERASED].command.keys.plaintext_before = XP_ANSWER_YES;
	expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "plaintext-before");
	set_up(&l);
	l.ev.phases[ERASED].command.keys.can_be_off = XP_ANSWER_YES;
	l.ev.phases[ERASED].command.keys.plaintext_before = XP_ANSWER_UNKNOWN;
	expect(&l, XP_CLEAR, XP_OUTCOME_SANITIZED, "plaintext-possible");
}

static void test_keys_cancelled_are_aborted(void **state)
{
	struct lab l;

	(void)state;
	set_up(&l);
	l.ev.cancelled = true;
	expect(&l, XP_NONE, XP_OUTCOME_ABORTED, "cancelled");
}

static void test_keys_two_volumes_may_not_share_an_area(void **state)
{
	struct lab l;
	struct xp_phase *p;

	(void)state;
	for (int apart = 0; apart < 2; apart++) {
		set_up(&l);
		p = &l.ev.phases[LOOKED];
		p->volumes = reallocarray(p->volumes, 2, sizeof(*p->volumes));
		assert_non_null(p->volumes);
		p->volumes[1] = p->volumes[0];
		p->volumes[1].offset = apart ? 512 * MIB : AREA / 2;
		p->volumes[1].room = CAPACITY / 2;
		p->volume_n = 2;
		l.ev.phases[ERASED].overwrite.bytes_written = 2 * AREA;
		p = &l.ev.phases[READ];
		p->readback.bytes_planned = p->readback.bytes_delivered = 2 * AREA;
		p->search.areas = reallocarray(p->search.areas, 2, sizeof(*p->search.areas));
		assert_non_null(p->search.areas);
		p->search.areas[1] = p->search.areas[0];
		p->search.areas[1].offset = l.ev.phases[LOOKED].volumes[1].offset;
		p->search.area_n = 2;
		/* of volumes in parts of the target nothing is claimed for the target */
		if (apart)
			expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "volume-in-part");
		else
			expect(&l, XP_NONE, XP_OUTCOME_INDETERMINATE, "area-too-small");
	}
}

static void test_keys_expected_by_the_headers(void **state)
{
	struct lab l;
	const struct xp_identity *id;

	(void)state;
	set_up(&l);
	id = &l.ev.phases[0].identity;
	xp_claim_expect_luks(&l.claim, id, &l.ev.capacity, volume(&l), 1, l.policy);
	assert_int_equal(l.claim.level, XP_CLEAR);
	volume(&l)->plain_segment = true;
	xp_claim_expect_luks(&l.claim, id, &l.ev.capacity, volume(&l), 1, l.policy);
	assert_int_equal(l.claim.level, XP_NONE);
	assert_true(claim_has_reason(&l.claim, "plain-text-left"));
	tear_down(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_flawless_earns_clear),
		cmocka_unit_test(test_keys_on_a_drive_never_purge),
		cmocka_unit_test(test_keys_on_a_partition_have_its_scope),
		cmocka_unit_test(test_keys_volume_that_encrypts_nothing),
		cmocka_unit_test(test_keys_area_that_is_too_small),
		cmocka_unit_test(test_keys_without_a_look_are_unknown),
		cmocka_unit_test(test_keys_not_all_written),
		cmocka_unit_test(test_keys_readback_that_proves_nothing),
		cmocka_unit_test(test_keys_header_elsewhere_on_the_target),
		cmocka_unit_test(test_keys_notes_lower_nothing),
		cmocka_unit_test(test_keys_after_plain_text_earn_nothing),
		cmocka_unit_test(test_keys_cancelled_are_aborted),
		cmocka_unit_test(test_keys_two_volumes_may_not_share_an_area),
		cmocka_unit_test(test_keys_expected_by_the_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
