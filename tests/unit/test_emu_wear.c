/*
 * Emulated drives that wear the IDENTIFY data of tests/data/identify: what they answer is that data
 * again, byte for byte, and the prober sees the same drive.
 */
#include "base/cleanup.h"
#include "base/wire.h"
#include "device/probe.h"
#include "tests/emu/emu_ask.h"
#include "tests/emu/emu_transport.h"
#include "tests/fake/identify_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const images[] = {
	"constructed-hdd-4kn.hex",	    "constructed-hdd-8tb-frozen.hex",
	"constructed-ssd-960gb-locked.hex", "samsung-870-qvo-4tb.hex",
	"seagate-st3400633as.hex",	    "wd-wd4000kd.hex",
};

static void wear(const char *name, struct emu_time *time, struct emu_ata **d, uint8_t image[512])
{
	struct emu_ata_config cfg;

	identify_data_read(image, 512, name);
	assert_true(emu_ata_wear(&cfg, image));
	*d = emu_ata_new(&cfg, time);
	assert_non_null(*d);
	if (image[2 * 85] & 2) {
		struct emu_ata_result r =
			emu_ask_password(*d, 0xf1, image[2 * 128 + 1] & 1 ? 0x0100 : 0, "x");

		assert_true(emu_is_good(&r));
	}
	if (image[2 * 128] & 4) {
		emu_ata_power_off(*d);
		emu_ata_power_on(*d);
	}
}

static void test_wear_answers_with_the_image(void **state)
{
	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(images); i++) {
		struct emu_time time = {0};
		struct emu_ata *d;
		uint8_t image[512], out[512];

		wear(images[i], &time, &d, image);
		emu_ata_identify(d, out);
		assert_memory_equal(out, image, 512);
		emu_ata_free(&d);
	}
}

static void test_wear_is_what_the_prober_sees(void **state)
{
	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(images); i++) {
		AUTO(xp_transport_free) struct xp_transport *t = NULL;
		struct emu_time time = {0};
		struct emu_satl unit = {0};
		struct xp_drive_facts f = {0};
		struct xp_identity id = {0};
		struct xp_ata_identify want;
		struct xp_err err;
		struct emu_ata *d;
		const struct emu_ata_config *c;
		uint8_t image[512];

		wear(images[i], &time, &d, image);
		c = emu_ata_config_of(d);
		unit.drive = d;
		assert_int_equal(emu_transport_open(&t, &unit, &err), XP_OK);
		assert_int_equal(xp_probe_drive(&f, t, &id, &err), XP_OK);
		assert_int_equal(xp_ata_identify_parse(&want, image, 512, &err), XP_OK);
		assert_string_equal(c->model, want.model);
		assert_string_equal(c->firmware, want.firmware);
		assert_int_equal(c->sectors, want.sectors);
		assert_int_equal(c->logical_bytes, want.logical_bytes);
		assert_int_equal(c->wwn, want.wwn);
		assert_int_equal(c->is_ssd, want.rotation == XP_ATA_ROTATION_NONE);
		assert_int_equal(c->has_security, want.security.supported);
		assert_int_equal(c->has_amac, want.has_amac);
		assert_int_equal(c->has_trim, want.has_trim);
		assert_int_equal(c->has_sanitize, want.sanitize.supported);
		assert_string_equal(id.model, want.model);
		assert_int_equal(id.capacity_bytes, xp_ata_identify_bytes(&want));
		assert_int_equal(f.ata.id.security.locked, want.security.locked);
		assert_int_equal(f.ata.id.security.frozen, want.security.frozen);
		if (want.sanitize.supported)
			assert_int_equal(f.ata.sanitize.state, XP_ATA_SANITIZE_NONE);
		xp_drive_facts_free(&f);
		xp_identity_free(&id);
		emu_ata_free(&d);
	}
}

static void test_wear_changes_with_the_drive(void **state)
{
	struct emu_time time = {0};
	struct emu_ata *d;
	uint8_t image[512], out[512], sum = 0;

	(void)state;
	wear("constructed-ssd-960gb-locked.hex", &time, &d, image);
	emu_ask_password(d, 0xf2, 0, "x");
	emu_ask(d, 0x27, true, 0, 0, 0);
	emu_ask(d, 0x37, true, 0, 1, 4095);
	emu_ata_identify(d, out);
	assert_int_equal(get_le64(out + 200), 4096);
	assert_int_equal(get_le16(out + 170) & 0x400, 0x400);
	assert_int_equal(out[256] & 6, 2);
	for (size_t i = 0; i < 512; i++)
		sum = (uint8_t)(sum + out[i]);
	assert_int_equal(sum, 0);
	emu_ata_free(&d);
}

static void test_wear_refuses_what_is_no_such_drive(void **state)
{
	struct emu_ata_config cfg;
	uint8_t image[512] = {0};

	(void)state;
	assert_false(emu_ata_wear(&cfg, image));
	memset(image, 0xff, sizeof(image));
	assert_false(emu_ata_wear(&cfg, image));
	identify_data_read(image, 512, images[0]);
	put_le64(image + 200, 1ULL << 48);
	assert_false(emu_ata_wear(&cfg, image));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wear_answers_with_the_image),
		cmocka_unit_test(test_wear_is_what_the_prober_sees),
		cmocka_unit_test(test_wear_changes_with_the_drive),
		cmocka_unit_test(test_wear_refuses_what_is_no_such_drive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
