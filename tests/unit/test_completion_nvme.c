/* The bytes of logs and entries are laid out by hand from the NVMe base specification. */
#include "claim/completion.h"

#include "base/cleanup.h"
#include "base/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define CRYPTO	   0x204U /* crypto erase, no deallocate */
#define CRYPTO_TOO 0x214U /* the same in another word */
#define BLOCK	   0x202U
#define NEVER	   0x0000
#define SUCCESS	   0x0101 /* with global data erased */
#define STALE	   0x0001 /* success, and data was written since */
#define RUNNING	   0x0002
#define FAILED	   0x0003
#define ABSENT	   0xffff

/* A phase that ended well: tests spoil it. Built anew for each case; nothing in it is freed. */
struct rig {
	struct xp_phase phase;
	struct xp_raw before, during, after;
	uint8_t logs[3][512];
	uint8_t ns[2][4096];
};

static void fill_log(struct xp_raw *raw, uint8_t *log, uint16_t status, uint32_t word)
{
	put_le16(log, (status & 7) == RUNNING ? 0x1000 : 0xffff);
	put_le16(log + 2, status);
	put_le32(log + 4, word);
	*raw = (struct xp_raw){XP_RAW_NVME_LOG, 0x81, log, 512};
}

struct logs {
	uint16_t before, during, after;
	uint32_t before_word, during_word, after_word;
};

static void set_up(struct rig *r, enum xp_technique t, uint32_t sent, const struct logs *l)
{
	struct xp_command_result *c = &r->phase.command;

	memset(r, 0, sizeof(*r));
	r->phase.kind = XP_PHASE_ERASE;
	r->phase.technique = t;
	c->cdb_len = 64;
	c->cdb[0] = 0x84;
	put_le32(c->cdb + 40, sent);
	c->accepted = true;
	c->before = &r->before;
	c->during = &r->during;
	c->after = &r->after;
	c->before_n = l->before != ABSENT;
	c->during_n = l->during != ABSENT;
	c->after_n = l->after != ABSENT;
	fill_log(&r->before, r->logs[0], l->before, l->before_word);
	fill_log(&r->during, r->logs[1], l->during, l->during_word);
	fill_log(&r->after, r->logs[2], l->after, l->after_word);
}

static enum xp_completion_end decide(const struct rig *r)
{
	struct xp_completion found;

	xp_completion_decide(&found, &r->phase);
	if (found.end != XP_COMPLETION_PROVEN)
		assert_true(found.why[0]);
	return found.end;
}

static const struct logs good = {NEVER, RUNNING, SUCCESS, 0, CRYPTO, CRYPTO};

static void test_sanitize_what_the_logs_prove(void **state)
{
	static const struct {
		struct logs logs;
		enum xp_completion_end end;
	} cases[] = {
		{{NEVER, RUNNING, SUCCESS, 0, CRYPTO, CRYPTO}, XP_COMPLETION_PROVEN},
		/* too quick to be seen */
		{{NEVER, ABSENT, SUCCESS, 0, 0, CRYPTO}, XP_COMPLETION_PROVEN},
		{{FAILED, ABSENT, SUCCESS, CRYPTO, 0, CRYPTO}, XP_COMPLETION_PROVEN},
		{{SUCCESS, ABSENT, SUCCESS, BLOCK, 0, CRYPTO}, XP_COMPLETION_PROVEN},
		{{SUCCESS, ABSENT, SUCCESS, CRYPTO_TOO, 0, CRYPTO}, XP_COMPLETION_PROVEN},
		/* data was written since the last one, and is not there any more */
		{{STALE, ABSENT, SUCCESS, CRYPTO, 0, CRYPTO}, XP_COMPLETION_PROVEN},
		/* an older success, and nothing that tells ours from it */
		{{SUCCESS, ABSENT, SUCCESS, CRYPTO, 0, CRYPTO}, XP_COMPLETION_UNPROVEN},
		{{STALE, ABSENT, STALE, CRYPTO, 0, CRYPTO}, XP_COMPLETION_UNPROVEN},
		{{ABSENT, ABSENT, SUCCESS, 0, 0, CRYPTO}, XP_COMPLETION_UNPROVEN},
		{{RUNNING, ABSENT, SUCCESS, CRYPTO, 0, CRYPTO}, XP_COMPLETION_UNPROVEN},
		/* seen running: that is the difference */
		{{SUCCESS, RUNNING, SUCCESS, CRYPTO, CRYPTO, CRYPTO}, XP_COMPLETION_PROVEN},
		{{SUCCESS, RUNNING, SUCCESS, CRYPTO, BLOCK, CRYPTO}, XP_COMPLETION_UNPROVEN},
		{{SUCCESS, SUCCESS, SUCCESS, CRYPTO, CRYPTO, CRYPTO}, XP_COMPLETION_UNPROVEN},
		/* unexpectedly deallocated: a success all the same */
		{{NEVER, ABSENT, 0x0104, 0, 0, CRYPTO}, XP_COMPLETION_PROVEN},
		/* another's end */
		{{NEVER, RUNNING, SUCCESS, 0, CRYPTO, BLOCK}, XP_COMPLETION_UNPROVEN},
		{{NEVER, RUNNING, FAILED, 0, CRYPTO, BLOCK}, XP_COMPLETION_UNPROVEN},
		/* no end */
		{{NEVER, RUNNING, RUNNING, 0, CRYPTO, CRYPTO}, XP_COMPLETION_UNPROVEN},
		{{NEVER, RUNNING, NEVER, 0, CRYPTO, 0}, XP_COMPLETION_UNPROVEN},
		{{NEVER, RUNNING, ABSENT, 0, CRYPTO, 0}, XP_COMPLETION_UNPROVEN},
		{{NEVER, RUNNING, 0x0105, 0, CRYPTO, CRYPTO}, XP_COMPLETION_UNPROVEN},
		{{NEVER, RUNNING, FAILED, 0, CRYPTO, CRYPTO}, XP_COMPLETION_FAILED},
		{{SUCCESS, RUNNING, FAILED, CRYPTO, CRYPTO, CRYPTO}, XP_COMPLETION_FAILED},
	};
	struct rig r;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(cases); i++) {
		set_up(&r, XP_NVME_SANITIZE_CRYPTO, CRYPTO, &cases[i].logs);
		if (decide(&r) != cases[i].end)
			fail_msg("case %zu", i);
	}
}

/* FFFFh as progress says nothing without the status; a success that still makes progress is none.
 */
static void test_sanitize_success_with_progress_is_none(void **state)
{
	struct rig r;

	(void)state;
	set_up(&r, XP_NVME_SANITIZE_CRYPTO, CRYPTO, &good);
	put_le16(r.logs[2], 0x8000);
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set_up(&r, XP_NVME_SANITIZE_CRYPTO, CRYPTO, &good);
	put_le16(r.logs[2] + 2, 0x0103);
	assert_int_equal(decide(&r), XP_COMPLETION_FAILED);
}

static void test_sanitize_command_must_be_ours(void **state)
{
	struct rig r;

	(void)state;
	set_up(&r, XP_NVME_SANITIZE_CRYPTO, CRYPTO, &good);
	assert_int_equal(decide(&r), XP_COMPLETION_PROVEN);
	r.phase.command.accepted = false;
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);

	set_up(&r, XP_NVME_SANITIZE_CRYPTO, CRYPTO, &good);
	r.phase.command.nvme_status = 0xffffffff;
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);

	set_up(&r, XP_NVME_SANITIZE_CRYPTO, CRYPTO, &good);
	r.phase.command.nvme_status = 0x1d;
	assert_int_equal(decide(&r), XP_COMPLETION_FAILED);

	set_up(&r, XP_NVME_SANITIZE_CRYPTO, CRYPTO, &good);
	r.phase.command.cdb_len = 10;
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);

	/* the words of all logs fit, and it was another action */
	set_up(&r, XP_NVME_SANITIZE_BLOCK, CRYPTO, &good);
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
}

/* Exit failure mode, and a sanitize whose failure may be left without a success, are none. */
static void test_sanitize_way_out_is_no_success(void **state)
{
	static const uint32_t words[] = {0x201, 0x20c, 0x209, 0x205, 0x200};
	struct rig r;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(words); i++) {
		struct logs l = {NEVER, RUNNING, SUCCESS, 0, words[i], words[i]};

		set_up(&r, XP_NVME_SANITIZE_CRYPTO, words[i], &l);
		assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	}
}

/* Between the takes somebody may have written to it. */
static void test_sanitize_interrupted_must_be_untouched_since(void **state)
{
	static const struct logs stale = {NEVER, RUNNING, STALE, 0, CRYPTO, CRYPTO};
	struct rig r;

	(void)state;
	set_up(&r, XP_NVME_SANITIZE_CRYPTO, CRYPTO, &stale);
	assert_int_equal(decide(&r), XP_COMPLETION_PROVEN);
	r.phase.interrupted = true;
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set_up(&r, XP_NVME_SANITIZE_CRYPTO, CRYPTO, &good);
	r.phase.interrupted = true;
	assert_int_equal(decide(&r), XP_COMPLETION_PROVEN);
}

static void test_sanitize_damaged_logs_prove_nothing(void **state)
{
	struct rig r;

	(void)state;
	for (size_t len = 0; len < 600; len += 37) {
		set_up(&r, XP_NVME_SANITIZE_CRYPTO, CRYPTO, &good);
		r.after.len = len;
		assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
		/* an older success that cannot be read is no proof of a new one */
		set_up(&r, XP_NVME_SANITIZE_CRYPTO, CRYPTO, &good);
		r.before.len = len;
		r.during.len = len;
		assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	}
	set_up(&r, XP_NVME_SANITIZE_CRYPTO, CRYPTO, &good);
	memset(r.logs[2], 0xff, 512);
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
}

/* A namespace of 1000 blocks; format 1 of two is in use: 4096 bytes, no metadata. */
static void fill_ns(struct xp_raw *raw, uint8_t *ns)
{
	memset(ns, 0, 4096);
	put_le64(ns, 1000);
	put_le64(ns + 8, 1000);
	ns[25] = 1;
	ns[26] = 1;
	ns[128 + 2] = 9;
	ns[132 + 2] = 12;
	*raw = (struct xp_raw){XP_RAW_NVME_ID_NS, 1, ns, 4096};
}

static void set_up_format(struct rig *r, enum xp_technique t, uint32_t ses)
{
	struct xp_command_result *c = &r->phase.command;

	memset(r, 0, sizeof(*r));
	r->phase.kind = XP_PHASE_ERASE;
	r->phase.technique = t;
	c->cdb_len = 64;
	c->cdb[0] = 0x80;
	put_le32(c->cdb + 4, 1);
	put_le32(c->cdb + 40, 1 | ses << 9);
	c->accepted = true;
	c->before = &r->before;
	c->after = &r->after;
	c->before_n = c->after_n = 1;
	fill_ns(&r->before, r->ns[0]);
	fill_ns(&r->after, r->ns[1]);
}

static void test_format_keeps_the_format(void **state)
{
	struct rig r;

	(void)state;
	set_up_format(&r, XP_NVME_FORMAT_USER, 1);
	assert_int_equal(decide(&r), XP_COMPLETION_PROVEN);
	set_up_format(&r, XP_NVME_FORMAT_CRYPTO, 2);
	assert_int_equal(decide(&r), XP_COMPLETION_PROVEN);
	/* another block size */
	r.ns[1][26] = 0;
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	/* protection lost */
	set_up_format(&r, XP_NVME_FORMAT_CRYPTO, 2);
	r.ns[0][29] = 1;
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	/* smaller */
	set_up_format(&r, XP_NVME_FORMAT_CRYPTO, 2);
	put_le64(r.ns[1], 999);
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	/* gone */
	set_up_format(&r, XP_NVME_FORMAT_CRYPTO, 2);
	r.phase.command.after_n = 0;
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set_up_format(&r, XP_NVME_FORMAT_CRYPTO, 2);
	r.phase.command.before_n = 0;
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
}

/* SES 0 formats and erases nothing: the fault of a well known tool. */
static void test_format_must_erase_what_was_asked(void **state)
{
	struct rig r;

	(void)state;
	set_up_format(&r, XP_NVME_FORMAT_USER, 0);
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set_up_format(&r, XP_NVME_FORMAT_CRYPTO, 1);
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set_up_format(&r, XP_NVME_FORMAT_USER, 2);
	assert_int_equal(decide(&r), XP_COMPLETION_UNPROVEN);
	set_up_format(&r, XP_NVME_FORMAT_USER, 1);
	r.phase.command.nvme_status = 0x10a;
	assert_int_equal(decide(&r), XP_COMPLETION_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sanitize_what_the_logs_prove),
		cmocka_unit_test(test_sanitize_success_with_progress_is_none),
		cmocka_unit_test(test_sanitize_command_must_be_ours),
		cmocka_unit_test(test_sanitize_way_out_is_no_success),
		cmocka_unit_test(test_sanitize_interrupted_must_be_untouched_since),
		cmocka_unit_test(test_sanitize_damaged_logs_prove_nothing),
		cmocka_unit_test(test_format_keeps_the_format),
		cmocka_unit_test(test_format_must_erase_what_was_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
