/*
 * The emulated NVMe drive under random commands: its states never contradict each other, the
 * project's decoders read them as they are, a clean success leaves no data, nothing is moved past a
 * buffer's end, and nothing that the table of commands calls read-only changes anything.
 */
#include "base/cleanup.h"
#include "base/wire.h"
#include "device/opcodes.h"
#include "device/protocol/nvme_identify.h"
#include "device/protocol/nvme_sanitize.h"
#include "tests/emu/emu_nvme_ask.h"
#include "tests/emu/emu_transport_nvme.h"
#include "tests/fake/bare_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES	  (32 * 1024U)
#define DRIVES	  40
#define STEPS	  300
#define ROOM	  8192
#define CANARY	  0xc3
#define ONE_OF(a) a[draw(w, sizeof(a) / sizeof((a)[0]))]

struct world {
	uint64_t rng;
	struct emu_time time;
	struct emu_nvme *d;
	uint8_t data[ROOM + 64], metadata[1024];
	unsigned successes, refused, let_through, erased;
};

static uint32_t draw(struct world *w, uint32_t below)
{
	return bare_draw(&w->rng, below);
}

static void new_drive(struct world *w)
{
	struct emu_nvme_config cfg = draw(w, 2) ? emu_nvme_many(BYTES) : emu_nvme_ssd(BYTES);

	cfg.spare_sectors = 4;
	cfg.overwrite_seconds = 5;
	cfg.has_media_verification = draw(w, 2);
	cfg.no_deallocate_inhibited = draw(w, 3) == 0;
	cfg.no_deallocate_modifies = (uint8_t)draw(w, 3);
	cfg.format_all = draw(w, 3) == 0;
	cfg.erase_all = draw(w, 3) == 0;
	cfg.format_broadcast_refused = draw(w, 4) == 0;
	cfg.deallocated = (enum emu_trimmed)draw(w, 3);
	cfg.has_ns_management = draw(w, 4) != 0;
	cfg.ns[0].format = (uint8_t)draw(w, cfg.formats_n);
	cfg.ns[0].metadata_extended = draw(w, 2);
	if (cfg.formats[cfg.ns[0].format].metadata_bytes)
		cfg.ns[0].protection = (uint8_t)draw(w, 4);
	w->d = emu_nvme_new(&cfg, &w->time);
	assert_non_null(w->d);
}

static void fill(struct world *w, struct emu_nvme_ask *a)
{
	static const uint8_t admin[] = {0x02, 0x06, 0x08, 0x09, 0x0a, 0x0d, 0x15,
					0x18, 0x80, 0x81, 0x82, 0x84, 0x84, 0xc0};
	static const uint8_t io[] = {0x00, 0x01, 0x01, 0x02, 0x02, 0x05,
				     0x08, 0x09, 0x0d, 0x0e, 0x11, 0x15};
	static const uint32_t nsids[] = {0, 1, 1, 1, 2, 3, 4, 33, 0xffffffff};
	static const uint8_t cns[] = {0,    1,	  2,	3,    5,    6,	  7,
				      0x10, 0x11, 0x12, 0x13, 0x1a, 0x1b, 0x30};
	static const uint8_t lids[] = {0, 1, 2, 3, 4, 5, 0x80, 0x81, 0x81};

	a->is_io = draw(w, 2);
	a->opcode = a->is_io ? ONE_OF(io) : ONE_OF(admin);
	a->nsid = ONE_OF(nsids);
	a->controller = draw(w, 8) ? 0 : draw(w, 3);
	a->cdw10 = draw(w, 2) ? draw(w, 0x800) : draw(w, 0x80000000);
	a->cdw11 = draw(w, 3) ? draw(w, 2048) : draw(w, 0x80000000);
	a->cdw12 = draw(w, 12) | (draw(w, 8) << 26 & 0x3c000000);
	a->cdw14 = draw(w, 4) ? a->cdw10 : 7;
	if (a->is_io) {
		a->cdw11 = a->opcode == 0x09 ? 4 : draw(w, 8) == 0;
		a->cdw10 = draw(w, 6) ? draw(w, 80) : a->cdw10;
	} else if (a->opcode == 0x06) {
		a->cdw10 = ONE_OF(cns);
		a->cdw11 = 0;
	} else if (a->opcode == 0x02) {
		a->cdw10 = ONE_OF(lids) | draw(w, 2048) << 16;
		a->cdw11 = 0;
		a->cdw12 = 4 * draw(w, 4);
	} else if (a->opcode == 0x84) {
		/* more often a sound one than not, and an end to failures */
		a->cdw10 = draw(w, 2) ? 1 + draw(w, 5) : a->cdw10 & 0xfff;
	} else if (a->opcode == 0x80) {
		a->cdw10 = draw(w, 5) | draw(w, 2) << 4 | draw(w, 3) << 5 | draw(w, 3) << 9;
	} else if (a->opcode == 0x82) {
		a->cdw10 = draw(w, 2) << 24 | draw(w, 2) << 8;
	}
	for (size_t i = 0; i < sizeof(w->data); i++)
		w->data[i] = i < 64 ? (uint8_t)draw(w, 4) : CANARY;
}

/* The log, by the project's decoder, is what the drive says of its own state. */
static void look_at_log(struct world *w)
{
	struct xp_nvme_sanitize_log log;
	enum emu_nvme_san state = emu_nvme_sanitize_state(w->d);
	uint8_t data[512];
	uint16_t progress;

	assert_int_equal(emu_nvme_ask_log(w->d, 0x81, data, 512), 0);
	assert_int_equal(xp_nvme_sanitize_log_parse(&log, data, 512, NULL), XP_OK);
	assert_int_not_equal(log.state, XP_NVME_SANITIZE_UNKNOWN);
	switch (state) {
	case EMU_NVME_IDLE:
		assert_int_not_equal(log.state, XP_NVME_SANITIZE_RUNNING);
		break;
	case EMU_NVME_RESTRICTED:
	case EMU_NVME_UNRESTRICTED:
	case EMU_NVME_DEALLOCATION:
		assert_true(xp_nvme_sanitize_progress(&progress, &log));
		break;
	case EMU_NVME_VERIFICATION:
		assert_int_equal(log.state, XP_NVME_SANITIZE_RUNNING);
		assert_false(xp_nvme_sanitize_progress(&progress, &log));
		break;
	case EMU_NVME_RESTRICTED_FAILURE:
	case EMU_NVME_UNRESTRICTED_FAILURE:
		assert_int_equal(log.state, XP_NVME_SANITIZE_FAILED);
		break;
	}
	/* nobody writes customer data here but new_data below, which makes GDE untrue */
	if (log.state == XP_NVME_SANITIZE_SUCCEEDED && log.global_data_erased) {
		struct emu_stains left = emu_nvme_stains(w->d);

		assert_int_equal(left.sectors + left.spare, 0);
		w->erased++;
	}
}

static void look_at_namespaces(struct world *w)
{
	uint8_t id[4096];
	struct xp_nvme_ns_list *list = calloc(1, sizeof(*list));
	struct xp_nvme_ns ns;

	assert_non_null(list);
	assert_int_equal(emu_nvme_ask_identify(w->d, 2, 0, id), 0);
	assert_int_equal(xp_nvme_ns_list_parse(list, id, 4096, NULL), XP_OK);
	for (size_t i = 0; i < list->n; i++) {
		assert_int_equal(emu_nvme_ask_identify(w->d, 0, list->nsid[i], id), 0);
		assert_int_equal(xp_nvme_ns_parse(&ns, id, 4096, NULL), XP_OK);
		assert_non_null(emu_nvme_media(w->d, list->nsid[i]));
	}
	free(list);
}

/* What the table lets through without a permit leaves the media alone. */
static bool is_read_only(const struct emu_nvme_ask *a)
{
	const struct xp_cmd cmd = {.kind = XP_TRANSPORT_NVME,
				   .nvme = {.opcode = a->opcode,
					    .nsid = a->nsid,
					    .cdw10 = a->cdw10,
					    .cdw11 = a->cdw11,
					    .cdw12 = a->cdw12},
				   .dir = XP_DATA_IN,
				   .data = a->in,
				   .data_len = (uint32_t)a->len};

	return !a->is_io && xp_opcode_is_read_only(&cmd);
}

static void step(struct world *w)
{
	struct emu_nvme_ask a = {.in = w->data,
				 .out = w->data,
				 .len = draw(w, 4) ? 4096 : draw(w, ROOM),
				 .metadata = draw(w, 2) ? w->metadata : NULL,
				 .metadata_len = sizeof(w->metadata)};
	struct emu_stains before = {0};
	enum emu_nvme_san state = emu_nvme_sanitize_state(w->d);
	struct emu_nvme_cmd r;

	fill(w, &a);
	if (is_read_only(&a))
		before = emu_nvme_stains(w->d);
	r = emu_nvme_ask(w->d, &a);
	assert_true(r.answered || a.controller >= emu_nvme_config_of(w->d)->controllers_n);
	assert_true(r.moved <= a.len);
	for (size_t i = a.len; i < sizeof(w->data); i++)
		assert_true(w->data[i] == CANARY || i < 64);
	w->successes += r.answered && r.status == 0;
	w->refused += r.answered && r.status != 0;
	if (r.status != 0)
		assert_int_equal(r.moved, 0);
	if (is_read_only(&a)) {
		struct emu_stains after = emu_nvme_stains(w->d);

		assert_int_equal(before.sectors, after.sectors);
		assert_int_equal(before.spare, after.spare);
		assert_int_equal(state, emu_nvme_sanitize_state(w->d));
		w->let_through++;
	}
	if (draw(w, 3) == 0)
		emu_time_pass(&w->time, draw(w, 400) * EMU_S);
	if (draw(w, 40) == 0) {
		emu_nvme_power_off(w->d);
		emu_time_pass(&w->time, draw(w, 400) * EMU_S);
		emu_nvme_power_on(w->d);
	}
	if (draw(w, 25) == 0)
		emu_nvme_faults(w->d)->sanitize_fails_at = draw(w, 4) ? 0 : 1 + draw(w, 65535);
	if (draw(w, 30) == 0 && emu_nvme_sanitize_state(w->d) == EMU_NVME_IDLE)
		emu_nvme_stain(w->d); /* new data */
}

static void test_random_commands_meet_a_drive_that_makes_sense(void **state)
{
	AUTO_MEM struct world *w = calloc(1, sizeof(*w));

	(void)state;
	assert_non_null(w);
	w->rng = 0x9e3779b97f4a7c15ULL;
	for (unsigned i = 0; i < DRIVES; i++) {
		new_drive(w);
		emu_nvme_stain(w->d);
		for (unsigned k = 0; k < STEPS; k++) {
			step(w);
			look_at_log(w);
			if (k % 16 == 0)
				look_at_namespaces(w);
		}
		emu_nvme_free(&w->d);
	}
	/* it was no trial of refusals only */
	assert_in_range(w->successes, DRIVES * STEPS / 8, DRIVES * STEPS);
	assert_in_range(w->refused, DRIVES * STEPS / 8, DRIVES * STEPS);
	assert_in_range(w->let_through, DRIVES * STEPS / 20, DRIVES * STEPS);
	assert_in_range(w->erased, DRIVES * STEPS / 20, DRIVES * STEPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_commands_meet_a_drive_that_makes_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
