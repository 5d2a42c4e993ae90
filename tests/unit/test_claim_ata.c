/*
 * What proves the end of an ATA drive's own erase: evidence of whole attempts on emulated drives,
 * spoiled in one place each; every spoiled place must cost the claim.
 */
#include "base/cleanup.h"
#include "base/wire.h"
#include "claim/completion.h"
#include "tests/fake/ata_rig.h"
#include "tests/fake/claim_evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS	   2048
#define STATUS_ARG 0xb400u
/* of the descriptor in sense data */
#define SENSE_ERROR    11
#define SENSE_COUNT_HI 12
#define SENSE_LBA_LO   15
#define SENSE_STATUS   21
/* IDENTIFY DEVICE */
#define ID_SERIAL   20
#define ID_WORD_85  170
#define ID_WORD_128 256
#define ID_WORD_69  138

static struct xp_phase *erase_phase(void)
{
	for (size_t i = 0; i < erase_lab.ev.n; i++)
		if (erase_lab.ev.phases[i].kind == XP_PHASE_ERASE)
			return &erase_lab.ev.phases[i];
	abort();
}

static struct xp_raw *raw_of(struct xp_raw *list, size_t n, enum xp_raw_kind kind)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].kind == kind)
			return &list[i];
	abort();
}

static struct xp_raw *before(enum xp_raw_kind kind)
{
	struct xp_command_result *c = &erase_phase()->command;

	return raw_of(c->before, c->before_n, kind);
}

static struct xp_raw *after(enum xp_raw_kind kind)
{
	struct xp_command_result *c = &erase_phase()->command;

	return raw_of(c->after, c->after_n, kind);
}

/* Changes that must fit the checksum of IDENTIFY DEVICE. */
static void change_identify(struct xp_raw *raw, size_t at, uint8_t value)
{
	uint8_t sum = 0;

	raw->data[at] = value;
	for (size_t i = 0; i < 511; i++)
		sum = (uint8_t)(sum + raw->data[i]);
	raw->data[511] = (uint8_t)-sum;
}

static void flip_identify(struct xp_raw *raw, size_t at, uint8_t bits)
{
	change_identify(raw, at, raw->data[at] ^ bits);
}

/* --- what is spoiled; each returns the code that must be among the reasons --- */

static const char *other_operation(void)
{
	erase_phase()->command.cdb[4] = 0x14;
	return "completion-unproven";
}

static const char *only_a_status(void)
{
	struct xp_command_result *c = &erase_phase()->command;

	memset(c->cdb + 3, 0, 10);
	return "completion-unproven";
}

static const char *wrong_key(void)
{
	erase_phase()->command.cdb[8] ^= 1;
	return "completion-unproven";
}

static const char *passes_made_up(void)
{
	erase_phase()->command.overwrite_passes++;
	return "completion-unproven";
}

static const char *no_command(void)
{
	erase_phase()->command.cdb_len = 0;
	return "completion-unproven";
}

static const char *registers_of_the_command_lost(void)
{
	erase_phase()->command.sense_len = 0;
	return "completion-unproven";
}

static const char *registers_of_the_command_zero(void)
{
	memset(erase_phase()->command.sense + 10, 0, 12);
	return "completion-unproven";
}

static const char *command_refused(void)
{
	erase_phase()->command.sense[SENSE_STATUS] |= 0x01;
	erase_phase()->command.sense[SENSE_ERROR] = 0x04;
	return "completion-failed";
}

static const char *no_status_behind(void)
{
	after(XP_RAW_SENSE)->arg = 0xb401;
	return "completion-unproven";
}

static const char *status_cut_off(void)
{
	after(XP_RAW_SENSE)->len = 20;
	return "completion-unproven";
}

static const char *status_zero(void)
{
	memset(after(XP_RAW_SENSE)->data + 10, 0, 12);
	return "completion-unproven";
}

static const char *status_in_fixed_format(void)
{
	uint8_t *d = after(XP_RAW_SENSE)->data;

	memset(d, 0, 22);
	d[0] = 0x70;
	d[4] = 0x50;
	d[7] = 14;
	d[8] = 0xc0;
	d[13] = 0x1d;
	return "completion-unproven";
}

static const char *status_none(void)
{
	after(XP_RAW_SENSE)->data[SENSE_COUNT_HI] = 0;
	return "completion-unproven";
}

static const char *status_running(void)
{
	after(XP_RAW_SENSE)->data[SENSE_COUNT_HI] = 0xc0;
	return "completion-unproven";
}

static const char *status_failed(void)
{
	uint8_t *d = after(XP_RAW_SENSE)->data;

	d[SENSE_STATUS] |= 0x01;
	d[SENSE_ERROR] = 0x04;
	d[SENSE_LBA_LO] = 1;
	return "completion-failed";
}

static const char *older_success(void)
{
	struct xp_command_result *c = &erase_phase()->command;

	before(XP_RAW_SENSE)->data[SENSE_COUNT_HI] = 0x80;
	c->sense[SENSE_COUNT_HI] = 0x80;
	xp_raws_free(&c->during, &c->during_n);
	return "completion-unproven";
}

static const char *no_identity_behind(void)
{
	after(XP_RAW_ATA_IDENTIFY)->arg = 9;
	return "completion-unproven";
}

static const char *no_identity_before(void)
{
	before(XP_RAW_ATA_IDENTIFY)->len = 511;
	return "completion-unproven";
}

static const char *another_drive_behind(void)
{
	change_identify(after(XP_RAW_ATA_IDENTIFY), ID_SERIAL, 'Z');
	return "completion-unproven";
}

static const char *another_drive_identified(void)
{
	struct xp_identity *id = &erase_phase()->identity;

	change_identify(raw_of(id->raw, id->raw_n, XP_RAW_ATA_IDENTIFY), ID_SERIAL, 'Z');
	return "completion-unproven";
}

static const char *not_accepted(void)
{
	erase_phase()->command.accepted = false;
	return "not-accepted";
}

static const char *found_running(void)
{
	erase_phase()->command.attached = true;
	return "not-ours";
}

static const char *aborted(void)
{
	erase_phase()->command.aborted = true;
	return "command-aborted";
}

static const char *failure_mode_left(void)
{
	erase_phase()->command.exit_failure_mode = true;
	return "failure-mode-left";
}

static const char *not_seen_to_its_end(void)
{
	erase_phase()->interrupted = true;
	after(XP_RAW_SENSE)->data[SENSE_COUNT_HI] = 0;
	return "interrupted";
}

static const char *other_password_command(void)
{
	erase_phase()->command.cdb[14] = 0xf6;
	return "completion-unproven";
}

static const char *no_password_before(void)
{
	flip_identify(before(XP_RAW_ATA_IDENTIFY), ID_WORD_85, 0x02);
	flip_identify(before(XP_RAW_ATA_IDENTIFY), ID_WORD_128, 0x02);
	return "completion-unproven";
}

static const char *frozen_before(void)
{
	flip_identify(before(XP_RAW_ATA_IDENTIFY), ID_WORD_128, 0x08);
	return "completion-unproven";
}

static const char *locked_before(void)
{
	flip_identify(before(XP_RAW_ATA_IDENTIFY), ID_WORD_128, 0x04);
	return "completion-unproven";
}

static const char *no_enhanced_erase(void)
{
	flip_identify(before(XP_RAW_ATA_IDENTIFY), ID_WORD_128, 0x20);
	return "completion-unproven";
}

static const char *password_behind(void)
{
	flip_identify(after(XP_RAW_ATA_IDENTIFY), ID_WORD_85, 0x02);
	flip_identify(after(XP_RAW_ATA_IDENTIFY), ID_WORD_128, 0x02);
	return "completion-failed";
}

static const char *contradictory_behind(void)
{
	flip_identify(after(XP_RAW_ATA_IDENTIFY), ID_WORD_85, 0x02);
	return "completion-failed";
}

static const char *flag_frozen(void)
{
	erase_phase()->command.frozen = true;
	return "frozen";
}

static const char *flag_locked(void)
{
	erase_phase()->command.locked = true;
	return "locked";
}

typedef const char *spoil_fn(void);

static spoil_fn *const of_sanitize[] = {
	other_operation,
	only_a_status,
	wrong_key,
	passes_made_up,
	no_command,
	registers_of_the_command_lost,
	registers_of_the_command_zero,
	command_refused,
	no_status_behind,
	status_cut_off,
	status_zero,
	status_in_fixed_format,
	status_none,
	status_running,
	status_failed,
	older_success,
	no_identity_behind,
	no_identity_before,
	another_drive_behind,
	another_drive_identified,
	not_accepted,
	found_running,
	aborted,
	failure_mode_left,
	not_seen_to_its_end,
};

static spoil_fn *const of_security[] = {
	no_command,
	other_password_command,
	registers_of_the_command_lost,
	registers_of_the_command_zero,
	command_refused,
	no_identity_behind,
	no_identity_before,
	another_drive_behind,
	another_drive_identified,
	no_password_before,
	frozen_before,
	locked_before,
	no_enhanced_erase,
	password_behind,
	contradictory_behind,
	not_accepted,
	found_running,
	aborted,
	flag_frozen,
	flag_locked,
};

static void run(const struct emu_ata_config *cfg, enum xp_technique t)
{
	struct ata_rig r;

	ata_rig_make(&r, &erase_lab, cfg);
	if (erase_lab_take(&erase_lab, t) != XP_OK)
		fail_msg("%s: %s", xp_technique_name(t), erase_lab.err.msg);
	ata_rig_free(&r);
}

static void spoil_each(const struct emu_ata_config *cfg, enum xp_technique t, enum xp_level good,
		       spoil_fn *const *spoils, size_t n)
{
	const struct xp_claim *c;
	const char *code;

	if (!erase_lab.permit)
		skip();
	for (size_t i = 0; i < n; i++) {
		run(cfg, t);
		c = erase_lab_claim(&erase_lab);
		assert_int_equal(c->level, good);
		code = spoils[i]();
		c = erase_lab_claim(&erase_lab);
		if (c->level != XP_NONE || !claim_has_reason(c, code))
			fail_msg("%s: spoiled in place %zu, %s is claimed, and %s is not said",
				 xp_technique_name(t), i, xp_level_name(c->level), code);
	}
}

static void test_ata_sanitize_spoiled_anywhere_claims_nothing(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	(void)state;
	spoil_each(&cfg, XP_ATA_SANITIZE_BLOCK, XP_PURGE, of_sanitize, XP_ARRAY_LEN(of_sanitize));
}

static struct xp_phase *add_full_readback(void)
{
	struct xp_phase *p = xp_evidence_add(&erase_lab.ev, XP_PHASE_READBACK);
	const struct xp_phase *erase = erase_phase();
	const struct xp_phase *last = p ? p - 1 : NULL;

	if (!p || xp_identity_copy(&p->identity, &erase->identity, &erase_lab.err) != XP_OK)
		abort();
	p->attempt = erase->attempt;
	p->take = erase->take;
	p->technique = erase->technique;
	memcpy(p->boot_id, last->boot_id, sizeof(p->boot_id));
	p->start_s = p->end_s = last->end_s;
	p->start_ns = last->end_ns;
	p->end_ns = last->end_ns + 1000000000;
	p->readback.mode = XP_READBACK_FULL;
	p->readback.expected.kind = XP_CONTENT_UNKNOWN;
	p->readback.bytes_planned = p->readback.bytes_delivered = erase->identity.capacity_bytes;
	p->readback.coverage_ppm = 1000000;
	p->readback.how.direct = true;
	return p;
}

/* Between two takes anybody may have written to the drive: that, too, reads as changed. */
static void test_readback_of_a_later_take_proves_nothing_of_unknown_content(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	struct xp_phase *readback;

	(void)state;
	if (!erase_lab.permit)
		skip();
	run(&cfg, XP_ATA_SANITIZE_CRYPTO);
	readback = add_full_readback();
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_PURGE);
	readback->take++;
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_NONE);
	assert_int_equal(erase_lab_claim(&erase_lab)->outcome, XP_OUTCOME_INDETERMINATE);
	assert_true(claim_has_reason(erase_lab_claim(&erase_lab), "unheld-between"));
	/* what is known to be left would show it */
	readback->readback.expected.kind = XP_CONTENT_ZERO;
	assert_false(claim_has_reason(erase_lab_claim(&erase_lab), "unheld-between"));
}

static void test_ata_security_erase_spoiled_anywhere_claims_nothing(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);

	(void)state;
	spoil_each(&cfg, XP_ATA_SECURE_ERASE_ENHANCED, XP_PURGE, of_security,
		   XP_ARRAY_LEN(of_security));
}

static void test_ata_crypto_needs_the_drives_word_that_it_encrypts_all(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	struct xp_identity *id;
	const struct xp_claim *c;

	(void)state;
	if (!erase_lab.permit)
		skip();
	run(&cfg, XP_ATA_SANITIZE_CRYPTO);
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_PURGE);
	/* word 69 no longer says so, log 30h does */
	id = &erase_phase()->identity;
	flip_identify(raw_of(id->raw, id->raw_n, XP_RAW_ATA_IDENTIFY), ID_WORD_69, 0x10);
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_PURGE);
	/* neither does */
	raw_of(id->raw, id->raw_n, XP_RAW_ATA_LOG)->data[48] &= 0xfe;
	c = erase_lab_claim(&erase_lab);
	assert_int_equal(c->level, XP_CLEAR);
	assert_true(claim_has_reason(c, "plaintext-possible"));
	/* the host's flags do not help, but for who stored what */
	erase_phase()->command.keys.can_be_off = XP_ANSWER_NO;
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_CLEAR);
	erase_phase()->command.keys.plaintext_before = XP_ANSWER_NO;
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_PURGE);
	erase_phase()->command.keys.copies_alive = XP_ANSWER_YES;
	assert_true(claim_has_reason(erase_lab_claim(&erase_lab), "key-copies-alive"));
}

static void test_ata_hidden_areas_count_by_the_technique(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct xp_capacity_facts *c = &erase_lab.ev.capacity_after;

	(void)state;
	if (!erase_lab.permit)
		skip();
	run(&cfg, XP_ATA_SECURE_ERASE);
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_CLEAR);
	/* behind an HPA: reached; behind a DCO: not */
	erase_lab.ev.capacity.native = erase_lab.ev.capacity.factory = c->current + 512;
	assert_true(claim_has_reason(erase_lab_claim(&erase_lab), "hidden-areas-by-device"));
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_CLEAR);
	erase_lab.ev.capacity.factory = c->current + 1024;
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_NONE);
	assert_true(claim_has_reason(erase_lab_claim(&erase_lab), "hidden-areas-left"));
	/* what is asked again behind the erase cannot make figures smaller */
	c->factory = c->native = c->current;
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_NONE);
	/* not known before, and known behind */
	run(&cfg, XP_ATA_SECURE_ERASE);
	erase_lab.ev.capacity.hidden_areas_known = false;
	assert_int_equal(erase_lab_claim(&erase_lab)->scope, XP_SCOPE_DRIVE);
	erase_lab.ev.capacity_after_given = false;
	assert_int_equal(erase_lab_claim(&erase_lab)->scope, XP_SCOPE_LOGICAL_UNIT);
	assert_true(claim_has_reason(erase_lab_claim(&erase_lab), "hidden-areas-unknown"));
}

static void test_ata_firmware_row_takes_what_it_says(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	(void)state;
	if (!erase_lab.permit)
		skip();
	run(&cfg, XP_ATA_SANITIZE_BLOCK);
	erase_lab.ev.firmware = calloc(1, sizeof(*erase_lab.ev.firmware));
	assert_non_null(erase_lab.ev.firmware);
	erase_lab.ev.firmware_n = 1;
	erase_lab.ev.firmware[0] = (struct xp_firmware_row){
		.technique = XP_ATA_SANITIZE_BLOCK, .cap = XP_CLEAR, .why = "w", .source = "s"};
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_CLEAR);
	erase_lab.ev.firmware[0].cap = XP_NONE;
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_NONE);
	assert_true(claim_has_reason(erase_lab_claim(&erase_lab), "firmware"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ata_sanitize_spoiled_anywhere_claims_nothing),
		cmocka_unit_test(test_ata_security_erase_spoiled_anywhere_claims_nothing),
		cmocka_unit_test(test_readback_of_a_later_take_proves_nothing_of_unknown_content),
		cmocka_unit_test(test_ata_crypto_needs_the_drives_word_that_it_encrypts_all),
		cmocka_unit_test(test_ata_hidden_areas_count_by_the_technique),
		cmocka_unit_test(test_ata_firmware_row_takes_what_it_says),
	};

	return cmocka_run_group_tests(tests, erase_lab_setup, erase_lab_teardown);
}
