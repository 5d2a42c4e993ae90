/* Command blocks and sense data are laid out by hand from SBC-4 and SPC-5. */
#include "claim/completion.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* REQUEST SENSE in fixed format */
#define FIXED(KEY, ASC, ASCQ)                                                                      \
	{                                                                                          \
		0x70, 0, (KEY), 0, 0, 0, 0, 10, 0, 0, 0, 0, (ASC), (ASCQ), 0, 0, 0, 0              \
	}
static const uint8_t nothing[] = FIXED(0, 0, 0);
static const uint8_t sanitizing[] = {0x70, 0, 2, 0,    0,    0, 0,    10,  0,
				     0,	   0, 0, 0x04, 0x1b, 0, 0x80, 0x40};
static const uint8_t sanitize_failed[] = FIXED(3, 0x31, 0x03);
static const uint8_t formatting[] = {0x72, 2, 0x04, 0x04, 0,	0,    0, 8,
				     0x02, 6, 0,    0,	  0x80, 0x10, 0, 0};
static const uint8_t format_failed[] = FIXED(3, 0x31, 0x01);
static const uint8_t medium_error[] = FIXED(3, 0x11, 0x00);
static const uint8_t deferred[] = {0x71, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
static uint8_t ready[] = {0x00};
static uint8_t not_ready[] = {0x02, 0x70, 0, 2};

struct rig {
	struct xp_phase phase;
	struct xp_raw during, after[2];
};

static void set(struct xp_raw *raw, uint32_t arg, const uint8_t *data, size_t len)
{
	/* nothing writes to it */
	*raw = (struct xp_raw){XP_RAW_SENSE, arg, (uint8_t *)(uintptr_t)data, len};
}

/* A phase that ended well: tests spoil it. Nothing in it is freed. */
static void set_up(struct rig *r, enum xp_technique t, const uint8_t *cdb, size_t cdb_len,
		   const uint8_t *at_it, size_t at_it_len)
{
	struct xp_command_result *c = &r->phase.command;

	memset(r, 0, sizeof(*r));
	r->phase.kind = XP_PHASE_ERASE;
	r->phase.technique = t;
	memcpy(c->cdb, cdb, cdb_len);
	c->cdb_len = (uint32_t)cdb_len;
	c->nvme_status = 0xffffffff;
	c->accepted = true;
	c->during = &r->during;
	c->during_n = at_it != NULL;
	c->after = r->after;
	c->after_n = 2;
	set(&r->during, 0, at_it, at_it_len);
	set(&r->after[0], 0, nothing, sizeof(nothing));
	set(&r->after[1], 1, ready, sizeof(ready));
}

static enum xp_completion_end decide(const struct rig *r)
{
	struct xp_completion found;

	xp_completion_decide(&found, &r->phase);
	if (found.end != XP_COMPLETION_PROVEN)
		assert_true(found.why[0]);
	return found.end;
}

static const uint8_t overwrite_cdb[10] = {0x48, 0x81, 0, 0, 0, 0, 0, 0, 8, 0};
static const uint8_t crypto_cdb[10] = {0x48, 0x03};
static const uint8_t format_cdb[6] = {0x04, 0x10};
static const uint8_t format_sync_cdb[6] = {0x04, 0x00};

static void set_up_overwrite(struct rig *r)
{
	set_up(r, XP_SCSI_SANITIZE_OVERWRITE, overwrite_cdb, sizeof(overwrite_cdb), sanitizing,
	       sizeof(sanitizing));
	r->phase.command.overwrite_passes = 1;
}

static void test_sanitize_trail_is_proof(void **state)
{
	struct rig r;

	(void)state;
	set_up_overwrite(&r);
	assert_int_equal(decide(&r), XP_COMPLETION_PROVEN);
	/* no pass would take no time, and nothing could be too fast */
	r.phase.command.overwrite_passes = 0;
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set_up_overwrite(&r);
	/* interrupted and seen through: the trail is the same */
	r.phase.interrupted = true;
	assert_int_equal(decide(&r), XP_COMPLETION_PROVEN);
	/* IMMED 0: GOOD is the end */
	set_up(&r, XP_SCSI_SANITIZE_CRYPTO, crypto_cdb, sizeof(crypto_cdb), NULL, 0);
	assert_int_equal(decide(&r), XP_COMPLETION_PROVEN);
}

static void test_sanitize_gaps_in_the_trail_prove_nothing(void **state)
{
	struct rig r;

	(void)state;
	/* never seen at it */
	set_up_overwrite(&r);
	r.phase.command.during_n = 0;
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set_up_overwrite(&r);
	set(&r.during, 0, nothing, sizeof(nothing));
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	/* it was at something else */
	set(&r.during, 0, formatting, sizeof(formatting));
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	/* no end, or not the end */
	set_up_overwrite(&r);
	r.phase.command.after_n = 0;
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set_up_overwrite(&r);
	r.phase.command.after_n = 1;
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set_up_overwrite(&r);
	set(&r.after[1], 1, not_ready, sizeof(not_ready));
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set(&r.after[1], 1, ready, 0);
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set_up_overwrite(&r);
	set(&r.after[0], 0, sanitizing, sizeof(sanitizing));
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set(&r.after[0], 0, medium_error, sizeof(medium_error));
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set(&r.after[0], 0, deferred, sizeof(deferred));
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	for (size_t len = 0; len < 14; len++) {
		set(&r.after[0], 0, nothing, len);
		assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	}
	set_up_overwrite(&r);
	r.phase.command.accepted = false;
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
}

static void test_sanitize_failure_is_told(void **state)
{
	struct rig r;

	(void)state;
	set_up_overwrite(&r);
	set(&r.after[0], 0, sanitize_failed, sizeof(sanitize_failed));
	assert_int_equal(decide(&r), XP_COMPLETION_FAILED);
	/* refused */
	set_up_overwrite(&r);
	r.phase.command.scsi_status = 0x02;
	assert_int_equal(decide(&r), XP_COMPLETION_FAILED);
	r.phase.command.scsi_status = 0x18; /* reservation conflict */
	assert_int_equal(decide(&r), XP_COMPLETION_FAILED);
}

/* EXIT FAILURE MODE, AUSE and other actions are no success of this technique. */
static void test_sanitize_command_must_be_the_one(void **state)
{
	static const uint8_t wrong[] = {0x9f, 0x1f, 0xa1, 0x82, 0x83, 0x80};
	uint8_t cdb[10];
	struct rig r;

	(void)state;
	memcpy(cdb, overwrite_cdb, sizeof(cdb));
	for (size_t i = 0; i < XP_ARRAY_LEN(wrong); i++) {
		cdb[1] = wrong[i];
		set_up(&r, XP_SCSI_SANITIZE_OVERWRITE, cdb, sizeof(cdb), sanitizing,
		       sizeof(sanitizing));
		assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	}
	set_up(&r, XP_SCSI_SANITIZE_OVERWRITE, overwrite_cdb, 6, sanitizing, sizeof(sanitizing));
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	/* IMMED 1 on a command that is quick: GOOD says only that it began */
	cdb[1] = 0x83;
	set_up(&r, XP_SCSI_SANITIZE_CRYPTO, cdb, sizeof(cdb), NULL, 0);
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
}

static void test_format_trail_is_proof(void **state)
{
	static const uint8_t fast_cdb[6] = {0x04, 0x10, 0, 0, 0x01, 0};
	struct rig r;

	(void)state;
	set_up(&r, XP_SCSI_FORMAT, format_cdb, sizeof(format_cdb), formatting, sizeof(formatting));
	assert_int_equal(decide(&r), XP_COMPLETION_PROVEN);
	set(&r.after[0], 0, format_failed, sizeof(format_failed));
	assert_int_equal(decide(&r), XP_COMPLETION_FAILED);
	/* at a sanitize instead */
	set_up(&r, XP_SCSI_FORMAT, format_cdb, sizeof(format_cdb), sanitizing, sizeof(sanitizing));
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	/* with a list it may be immediate: to be seen at it is needed */
	set_up(&r, XP_SCSI_FORMAT, format_cdb, sizeof(format_cdb), NULL, 0);
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set_up(&r, XP_SCSI_FORMAT, format_sync_cdb, sizeof(format_sync_cdb), NULL, 0);
	assert_int_equal(decide(&r), XP_COMPLETION_PROVEN);
	/* a fast format keeps the data */
	set_up(&r, XP_SCSI_FORMAT, fast_cdb, sizeof(fast_cdb), formatting, sizeof(formatting));
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sanitize_trail_is_proof),
		cmocka_unit_test(test_sanitize_gaps_in_the_trail_prove_nothing),
		cmocka_unit_test(test_sanitize_failure_is_told),
		cmocka_unit_test(test_sanitize_command_must_be_the_one),
		cmocka_unit_test(test_format_trail_is_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
