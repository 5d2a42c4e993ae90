/* Rigs of emulated drives: what the JSON may say, and each fault by its name. */
#include "tests/emu/emu_ask.h"
#include "tests/emu/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TWO                                                                                        \
	"{\"speed\": 2.5, \"drives\": ["                                                           \
	"{\"name\": \"a\", \"kind\": \"ata-hdd\", \"sectors\": 4096, \"stained\": true,"           \
	" \"serial\": \"S1\", \"capabilities\": {\"amac\": false, \"erase-seconds\": 60}},"        \
	"{\"name\": \"b\", \"kind\": \"ata-ssd\", \"sectors\": 4096, \"door\": \"vhost-user\"},"   \
	"{\"name\": \"s\", \"kind\": \"sas-hdd\", \"sectors\": 4096, \"sector-bytes\": 520}]}"

static struct emu_rig *make(const char *text, struct emu_why *why)
{
	return emu_rig_new(text, strlen(text), "tests/data/identify", why);
}

static void test_rig_says_what_the_drives_are(void **state)
{
	struct emu_why why;
	struct emu_rig *rig = make(TWO, &why);
	struct emu_rig_drive *a, *b;

	(void)state;
	assert_non_null(rig);
	assert_int_equal(rig->n, 3);
	assert_true(rig->speed > 2.4 && rig->speed < 2.6);
	a = emu_rig_find(rig, "a");
	b = emu_rig_find(rig, "b");
	assert_non_null(a);
	assert_string_equal(emu_ata_config_of(a->ata)->serial, "S1");
	assert_int_equal(emu_ata_config_of(a->ata)->erase_seconds, 60);
	assert_false(emu_ata_config_of(a->ata)->has_amac);
	assert_int_equal(a->door, EMU_DOOR_PROCESS);
	assert_true(emu_ata_config_of(b->ata)->is_ssd);
	assert_int_equal(b->door, EMU_DOOR_VHOST_USER);
	assert_int_equal(emu_scsi_config_of(emu_rig_find(rig, "s")->scsi)->logical_bytes, 520);
	assert_int_equal(emu_rig_stains(a).user, 4096);
	assert_int_equal(emu_rig_stains(b).user, 0);
	assert_null(emu_rig_find(rig, "c"));
	emu_rig_free(&rig);
	assert_null(rig);
}

static void test_rig_wears_the_data_of_a_real_drive(void **state)
{
	struct emu_why why;
	struct emu_rig *rig = make("{\"drives\": [{\"name\": \"w\", \"kind\": \"ata-hdd\","
				   " \"wears\": \"seagate-st3400633as.hex\"}]}",
				   &why);
	uint8_t identify[512];

	(void)state;
	assert_non_null(rig);
	emu_ata_identify(rig->drives[0].ata, identify);
	assert_memory_equal(identify + 54, "TS43", 4); /* ST34..., each word's bytes swapped */
	emu_rig_free(&rig);
}

/* One drive with this in it, and what is said of it. */
static void wrong(const char *inside, const char *place)
{
	char text[512];
	struct emu_why why = {""};

	snprintf(text, sizeof(text), "{\"drives\": [{%s}]}", inside);
	assert_null(make(text, &why));
	if (!strstr(why.text, place))
		fail_msg("'%s' does not name '%s'", why.text, place);
}

#define ONE "\"name\": \"a\", \"kind\": \"ata-hdd\", \"sectors\": 4096"
#define SAS "\"name\": \"a\", \"kind\": \"sas-hdd\", \"sectors\": 4096"

static void test_rig_refuses_what_it_does_not_know(void **state)
{
	struct emu_why why;

	(void)state;
	wrong("", "drives[0]: there is no 'name'");
	wrong(ONE ", \"colour\": \"red\"", "drives[0]: nobody knows the key 'colour'");
	wrong(ONE ", \"capabilities\": {\"wings\": true}",
	      "drives[0].capabilities: nobody knows the key 'wings'");
	wrong(ONE ", \"capabilities\": {\"serial\": \"x\"}", "one level above");
	wrong(ONE ", \"capabilities\": {\"trim\": 3}", "trim cannot be '3'");
	wrong(ONE ", \"capabilities\": []", "drives[0].capabilities");
	wrong(ONE ", \"faults\": {\"sulks\": true}", "drives[0].faults");
	wrong(ONE ", \"faults\": {\"leaves\": \"some\"}", "leaves cannot be 'some'");
	wrong(ONE ", \"faults\": {\"leaves\": [1]}", "drives[0].faults.leaves");
	wrong(ONE ", \"faults\": 1", "drives[0].faults");
	wrong(ONE ", \"faults\": {\"format-ignored\": true}", "has no fault 'format-ignored'");
	wrong(SAS ", \"faults\": {\"frozen\": true}", "has no fault 'frozen'");
	wrong(SAS ", \"door\": \"libata\"", "drives[0].door");
	wrong(SAS ", \"wears\": \"wd-wd4000kd.hex\"", "drives[0].wears");
	wrong(ONE ", \"door\": \"window\"", "nobody knows 'window'");
	wrong(ONE ", \"serial\": \"twenty-one characters.\"", "serial cannot be");
	wrong(ONE ", \"sector-bytes\": 1000", "sector-bytes");
	wrong(ONE ", \"stained\": 1", "drives[0].stained");
	wrong(ONE ", \"sectors\": 5", "duplicate");
	wrong("\"name\": \"a b\", \"kind\": \"ata-hdd\", \"sectors\": 4096", "drives[0].name");
	wrong("\"name\": \"a\", \"kind\": \"tape\", \"sectors\": 4096", "nobody knows 'tape'");
	wrong("\"name\": \"a\", \"kind\": \"ata-hdd\", \"sectors\": -4", "drives[0].sectors");
	wrong("\"name\": \"a\", \"kind\": \"ata-hdd\"", "drives[0].sectors");
	wrong("\"name\": \"a\", \"kind\": \"ata-hdd\", \"wears\": \"none.hex\"", "none.hex");
	assert_null(make("{\"drives\": []}", &why));
	assert_null(make("[]", &why));
	assert_null(make("{\"drives\": [{" ONE "}, {" ONE "}]}", &why));
	assert_non_null(strstr(why.text, "drives[1].name"));
	assert_null(make("{\"speed\": 0, \"drives\": [{" ONE "}]}", &why));
	assert_null(make("{\"drives\": [{" ONE "}], \"more\": 1}", &why));
	assert_null(make("{\"drives\": [{" ONE "}]} x", &why));
	assert_non_null(strstr(why.text, "line 1"));
}

static void test_rig_truncated_anywhere_is_refused(void **state)
{
	struct emu_why why;

	(void)state;
	for (size_t n = 0; n < sizeof(TWO) - 1; n++)
		assert_null(emu_rig_new(TWO, n, ".", &why));
}

static void test_rig_of_the_tests_can_be_read(void **state)
{
	struct emu_why why;
	struct emu_rig *rig = emu_rig_read("tests/vm/rigs/sat.json", &why);

	(void)state;
	assert_non_null(rig);
	emu_rig_free(&rig);
	assert_null(emu_rig_read("tests/vm/rigs/none.json", &why));
	assert_null(emu_rig_read("tests/vm/rigs", &why));
}

struct world {
	struct emu_rig *rig;
	struct emu_rig_drive *a, *b, *s;
	struct emu_why why;
};

static void setup(struct world *w)
{
	w->rig = make(TWO, &w->why);
	assert_non_null(w->rig);
	w->a = emu_rig_find(w->rig, "a");
	w->b = emu_rig_find(w->rig, "b");
	w->s = emu_rig_find(w->rig, "s");
}

static bool fault(struct world *w, struct emu_rig_drive *d, const char *key, const char *value)
{
	return emu_rig_fault(w->rig, d, key, value, &w->why);
}

static void test_fault_every_switch_of_an_ata_drive_is_heard(void **state)
{
	struct world w;
	const struct emu_ata_faults *f;

	(void)state;
	setup(&w);
	f = emu_ata_faults(w.a->ata);
	assert_true(fault(&w, w.a, "erase-refused", "true") && f->erase_refused);
	assert_true(fault(&w, w.a, "erase-refused", "false") && !f->erase_refused);
	assert_true(fault(&w, w.a, "password-forgotten", "true") && f->set_password_forgotten);
	assert_true(fault(&w, w.a, "sanitize-ignored", "true") && f->sanitize_ignored);
	assert_true(fault(&w, w.a, "sanitize-stalls-at", "50"));
	assert_int_equal(f->sanitize_stalls_at, 32768);
	assert_true(fault(&w, w.a, "sanitize-fails-at", "25"));
	assert_int_equal(f->sanitize_fails_at, 16384);
	assert_false(fault(&w, w.a, "sanitize-fails-at", "101"));
	assert_true(fault(&w, w.a, "keeps-key", "true") && f->keeps_key);
	assert_true(fault(&w, w.a, "leaves", "extent:100+7"));
	assert_int_equal(f->leave.kind, EMU_LEAVE_EXTENT);
	assert_int_equal(f->leave.first, 100);
	assert_int_equal(f->leave.n, 7);
	assert_true(fault(&w, w.a, "leaves", "stripe:8"));
	assert_int_equal(f->leave.kind, EMU_LEAVE_STRIPE);
	assert_false(fault(&w, w.a, "leaves", "extent:100"));
	assert_true(fault(&w, w.a, "vendor-pattern", "33cc55aa"));
	assert_true(f->vendor_pattern);
	assert_int_equal(f->pattern, 0x33cc55aa);
	assert_true(fault(&w, w.a, "vendor-pattern", "false") && !f->vendor_pattern);
	assert_true(fault(&w, w.a, "smart-threshold", "true") && f->threshold_exceeded);
	assert_true(fault(&w, w.a, "checksum-wrong", "true") && f->checksum_wrong);
	assert_true(fault(&w, w.a, "registers", "lost"));
	assert_int_equal(w.a->satl.registers, EMU_REGISTERS_LOST);
	assert_true(fault(&w, w.a, "fixed-sense", "true") && w.a->satl.fixed_sense);
	assert_true(fault(&w, w.a, "no-pass-through", "true") && w.a->satl.no_pass_through);
	assert_true(fault(&w, w.a, "drops-erase", "true") && w.a->satl.drops_erase);
	assert_true(fault(&w, w.a, "vanishes-after", "9") && w.a->satl.vanishes_after == 9);
	assert_true(fault(&w, w.a, "swap-for", "b") && w.a->satl.swap_for == w.b->ata);
	assert_false(fault(&w, w.a, "swap-for", "s"));
	assert_false(fault(&w, w.a, "swap-for", "a"));
	emu_rig_free(&w.rig);
}

static void test_fault_every_switch_of_a_sas_drive_is_heard(void **state)
{
	struct world w;
	const struct emu_scsi_faults *f;

	(void)state;
	setup(&w);
	f = emu_scsi_faults(w.s->scsi);
	assert_true(fault(&w, w.s, "sanitize-forgotten", "true") && f->sanitize_forgotten);
	assert_true(fault(&w, w.s, "progress-unsaid", "true") && f->progress_unsaid);
	assert_true(fault(&w, w.s, "format-ignored", "true") && f->format_ignored);
	assert_true(fault(&w, w.s, "format-stalls-at", "50"));
	assert_int_equal(f->format_stalls_at, 32768);
	assert_true(fault(&w, w.s, "format-block-bytes", "512") && f->format_block_bytes == 512);
	assert_true(fault(&w, w.s, "format-drops-protection", "true") && f->format_drops_pi);
	assert_true(fault(&w, w.s, "unmapped-lies", "true") && f->unmapped_lies);
	assert_true(fault(&w, w.s, "unmapped-as", "old") && f->unmapped_as == EMU_TRIMMED_OLD);
	assert_true(fault(&w, w.s, "sense-lost", "true") && f->sense_lost);
	assert_true(fault(&w, w.s, "reserved-elsewhere", "true") && f->reserved_elsewhere);
	assert_false(fault(&w, w.s, "unmapped-as", "grey"));
	assert_false(fault(&w, w.s, "locked", "secret"));
	emu_rig_free(&w.rig);
}

static void test_fault_done_to_a_drive_is_done(void **state)
{
	struct world w;
	uint64_t failed;

	(void)state;
	setup(&w);
	assert_false(fault(&w, w.a, "expired", "true"));
	assert_true(fault(&w, w.a, "locked", "secret"));
	assert_int_equal(emu_ata_security_state(w.a->ata), EMU_SEC4);
	assert_true(fault(&w, w.a, "expired", "true"));
	assert_false(emu_is_good(
		&(struct emu_ata_result[]){emu_ask_password(w.a->ata, 0xf2, 0, "secret")}[0]));
	assert_true(fault(&w, w.b, "frozen", "true"));
	assert_int_equal(emu_ata_security_state(w.b->ata), EMU_SEC2);
	assert_false(fault(&w, w.b, "frozen", "false"));
	assert_true(fault(&w, w.b, "bad-read", "7+2"));
	assert_true(emu_media_fails(emu_rig_media(w.b), 0, 64, false, &failed));
	assert_int_equal(failed, 7);
	assert_false(emu_media_fails(emu_rig_media(w.b), 0, 64, true, &failed));
	assert_true(fault(&w, w.b, "bad-write", "9+1"));
	assert_true(emu_media_fails(emu_rig_media(w.b), 0, 64, true, &failed));
	assert_false(fault(&w, w.b, "bad-write", "9"));
	emu_rig_free(&w.rig);
}

static void hidden_by(const char *capabilities, const char *key)
{
	char text[512];
	struct emu_why why;
	struct emu_rig *rig;

	snprintf(text, sizeof(text),
		 "{\"drives\": [{" ONE ", \"stained\": true, \"capabilities\": {%s},"
		 " \"faults\": {\"%s\": 4000}}]}",
		 capabilities, key);
	rig = make(text, &why);
	assert_non_null(rig);
	assert_int_equal(emu_ata_sectors(rig->drives[0].ata), 4000);
	assert_int_equal(emu_rig_stains(&rig->drives[0]).user, 4000);
	assert_int_equal(emu_rig_stains(&rig->drives[0]).hidden, 96);
	emu_rig_free(&rig);
}

static void test_fault_capacity_is_hidden_in_three_ways(void **state)
{
	(void)state;
	hidden_by("", "hpa");
	hidden_by("", "dco");
	hidden_by("\"hpa\": false, \"dco\": false, \"amac\": true", "amac");
	wrong(ONE ", \"faults\": {\"hpa\": 5000}", "hpa cannot be '5000'");
	wrong(ONE ", \"capabilities\": {\"hpa\": false}, \"faults\": {\"hpa\": 4000}", "hpa");
}

static void test_fault_frozen_from_birth_survives_power_cycles(void **state)
{
	struct emu_why why;
	struct emu_rig *rig =
		make("{\"drives\": [{" ONE ", \"faults\": {\"frozen\": true}}]}", &why);

	(void)state;
	assert_non_null(rig);
	assert_int_equal(emu_ata_security_state(rig->drives[0].ata), EMU_SEC2);
	emu_ata_power_off(rig->drives[0].ata);
	emu_ata_power_on(rig->drives[0].ata);
	assert_int_equal(emu_ata_security_state(rig->drives[0].ata), EMU_SEC2);
	emu_rig_free(&rig);
}

static void test_slot_takes_another_drive_of_its_kind(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	assert_true(emu_rig_is_plugged(w.a));
	emu_rig_unplug(w.a);
	assert_false(emu_rig_is_plugged(w.a));
	assert_true(emu_rig_plug(w.a, w.b, &w.why));
	assert_ptr_equal(w.a->satl.drive, w.b->ata);
	assert_false(emu_rig_plug(w.a, w.s, &w.why));
	emu_rig_free(&w.rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rig_says_what_the_drives_are),
		cmocka_unit_test(test_rig_wears_the_data_of_a_real_drive),
		cmocka_unit_test(test_rig_refuses_what_it_does_not_know),
		cmocka_unit_test(test_rig_truncated_anywhere_is_refused),
		cmocka_unit_test(test_rig_of_the_tests_can_be_read),
		cmocka_unit_test(test_fault_every_switch_of_an_ata_drive_is_heard),
		cmocka_unit_test(test_fault_every_switch_of_a_sas_drive_is_heard),
		cmocka_unit_test(test_fault_done_to_a_drive_is_done),
		cmocka_unit_test(test_fault_capacity_is_hidden_in_three_ways),
		cmocka_unit_test(test_fault_frozen_from_birth_survives_power_cycles),
		cmocka_unit_test(test_slot_takes_another_drive_of_its_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
