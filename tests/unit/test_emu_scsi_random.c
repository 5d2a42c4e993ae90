/*
 * The emulated SAS drive under random commands, clean and damaged: whatever a host sends, an answer
 * comes that fits its buffers; the project's decoders read the drive's state as it is; a clean
 * success leaves no data; and nothing that the table of commands calls read-only changes anything.
 */
#include "base/cleanup.h"
#include "base/wire.h"
#include "device/opcodes.h"
#include "device/protocol/scsi_sense.h"
#include "tests/emu/emu_transport.h"
#include "tests/emu/scsi_ask.h"
#include "tests/fake/bare_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS 128
#define DRIVES	24
#define STEPS	400

struct world {
	uint64_t rng;
	struct emu_time time;
	struct emu_scsi *d;
	struct emu_scsi_bay bay, other;
	struct emu_host watcher;
	struct xp_transport *t;
	uint8_t cdb[32];
	size_t cdb_len;
	unsigned let_through, refused, successes, seen[EMU_SCSI_STOPPED + 1];
};

static uint32_t draw(struct world *w, uint32_t below)
{
	return bare_draw(&w->rng, below);
}

static void stain(struct world *w)
{
	for (unsigned lun = 0; lun < emu_scsi_config_of(w->d)->luns; lun++) {
		emu_media_stain(emu_scsi_media(w->d, lun), draw(w, 64), 4);
		emu_media_stain_spare(emu_scsi_media(w->d, lun));
	}
}

static void new_drive(struct world *w)
{
	static const uint32_t lengths[] = {512, 512, 520, 528, 4096, 4224};
	struct emu_scsi_config cfg = draw(w, 2) ? emu_scsi_ssd(SECTORS) : emu_scsi_hdd(SECTORS);
	struct xp_err err;

	cfg.logical_bytes = lengths[draw(w, XP_ARRAY_LEN(lengths))];
	cfg.pi_type = draw(w, 2) ? 0 : draw(w, 4);
	cfg.luns = 1 + draw(w, 2);
	cfg.sanitize_spans_luns = draw(w, 2);
	cfg.wabereq = draw(w, 4);
	cfg.wacereq = draw(w, 4);
	cfg.trimmed = (enum emu_trimmed)draw(w, 3);
	cfg.sanitize_seconds = cfg.format_seconds = 1 + draw(w, 5000);
	w->d = emu_scsi_new(&cfg, &w->time);
	assert_non_null(w->d);
	w->bay = (struct emu_scsi_bay){.drive = w->d, .lun = draw(w, cfg.luns)};
	w->other = (struct emu_scsi_bay){.drive = w->d, .lun = w->bay.lun, .port = 1};
	w->watcher = (struct emu_host){.bay = {.lun = w->bay.lun, .host = 7}};
	emu_host_plug(&w->watcher, w->d);
	assert_int_equal(emu_transport_open_unit(&w->t, emu_scsi_unit(&w->bay), &err), XP_OK);
	stain(w);
}

static const uint8_t opcodes[] = {
	0x00, 0x03, 0x04, 0x12, 0x15, 0x1a, 0x1b, 0x1c, 0x1d, 0x25, 0x28, 0x2a, 0x2f,
	0x35, 0x41, 0x42, 0x48, 0x48, 0x48, 0x4d, 0x55, 0x5a, 0x5e, 0x5f, 0x5f, 0x88,
	0x8a, 0x8f, 0x91, 0x93, 0x9e, 0x9e, 0xa0, 0xa3, 0x85, 0xa2, 0xc1, 0x7f,
};

/* Commands as they should be, so that the drive comes into all of its states. */
static const struct {
	uint8_t cdb[16], len;
} sensible[] = {
	{{0x48, 0x81, 0, 0, 0, 0, 0, 0, 8}, 10},
	{{0x48, 0xa1, 0, 0, 0, 0, 0, 0, 8}, 10},
	{{0x48, 0x82}, 10},
	{{0x48, 0x23}, 10},
	{{0x48, 0x03}, 10},
	{{0x48, 0x1f}, 10},
	{{0x04}, 6},
	{{0x04, 0x10}, 6},
	{{0x1b, 0, 0, 0, 0}, 6},
	{{0x1b, 0, 0, 0, 1}, 6},
	{{0x88, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1}, 16},
	{{0x93, 1}, 16},
	{{0x4d, 0, 0x6f, 0, 0, 0, 0, 0, 64}, 10},
	{{0xa3, 0x0c, 2, 0x48, 0, 1, 0, 0, 0, 64}, 12},
	{{0x03, 1, 0, 0, 252}, 6},
};

/* A CDB that has a chance to mean something, and data that have one with it. */
static void make_cdb(struct world *w, uint8_t *data, size_t len)
{
	static const uint8_t actions[] = {0, 1, 2, 3, 4, 6, 0x0c, 0x10, 0x12, 0x1f};
	static const uint8_t flags[] = {0, 0, 0, 0x80, 0x20, 0xa0, 0x08, 0x10, 0x11, 0x18};
	uint8_t opcode = opcodes[draw(w, sizeof(opcodes))];
	uint8_t group = opcode >> 5;

	memset(w->cdb, 0, sizeof(w->cdb));
	w->cdb_len = xp_opcode_cdb_len(opcode) ? xp_opcode_cdb_len(opcode) : 6;
	w->cdb[0] = opcode;
	w->cdb[1] = actions[draw(w, sizeof(actions))] | flags[draw(w, sizeof(flags))];
	if (group == 1 && opcode != 0x35)
		w->cdb[1] &= 0xe8;
	if (group == 0)
		put_be16(w->cdb + 3, (uint16_t)(draw(w, 3) * 24));
	else if (group == 4)
		put_be32(w->cdb + 10, draw(w, 5));
	else if (group == 5)
		put_be32(w->cdb + 6, draw(w, 600));
	else
		put_be16(w->cdb + 7, (uint16_t)(draw(w, 2) ? 8 : draw(w, 40)));
	if (group == 0 || group == 2)
		w->cdb[2] = (uint8_t)draw(w, 256);
	else
		w->cdb[group == 4 ? 9 : 5] = (uint8_t)draw(w, SECTORS + 4);
	if (opcode == 0x5f)
		w->cdb[7] = 0, w->cdb[8] = 24, w->cdb[2] = (uint8_t)(1 + draw(w, 8));
	if (draw(w, 3) == 0) {
		size_t i = draw(w, XP_ARRAY_LEN(sensible));

		memcpy(w->cdb, sensible[i].cdb, sizeof(sensible[i].cdb));
		w->cdb_len = sensible[i].len;
		opcode = w->cdb[0];
	}
	if (draw(w, 6) == 0) /* one byte may be anything */
		w->cdb[1 + draw(w, (uint32_t)w->cdb_len - 1)] = (uint8_t)draw(w, 256);
	for (size_t i = 0; i < len; i++)
		data[i] = draw(w, 4) ? 0 : (uint8_t)draw(w, 32);
	if (opcode == 0x48 && len >= 8)
		memcpy(data, ((uint8_t[]){1, 0, 0, 4}), 4);
	if (opcode == 0x04 && len >= 4 && draw(w, 4))
		memcpy(data, ((uint8_t[]){0, 2, 0, 0}), 4);
}

struct snapshot {
	enum emu_scsi_state state;
	struct emu_stains stains;
	uint8_t modes[68], capacity[32], keys[72];
};

/* Everything that a command could have changed, also as another host sees it. */
static void look(struct snapshot *s, struct world *w)
{
	struct emu_host *h = &w->watcher;

	memset(s, 0, sizeof(*s));
	s->state = emu_scsi_state(w->d, w->bay.lun);
	s->stains = emu_media_stains(emu_scsi_media(w->d, w->bay.lun), 0, UINT64_MAX);
	for (unsigned i = 0; i < 20; i++) {
		uint32_t got = emu_host_ready(h);

		if (got >> 16 != 0x06 && !(got & EMU_DEFERRED))
			break;
	}
	if (emu_host_in(h, EMU_CDB(0x1a, 0, 0x3f, 0, 68, 0), 68) == EMU_GOOD)
		memcpy(s->modes, h->data, sizeof(s->modes));
	if (emu_host_in(h, EMU_CDB(0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0), 32) ==
	    EMU_GOOD)
		memcpy(s->capacity, h->data, sizeof(s->capacity));
	if (emu_host_in(h, EMU_CDB(0x5e, 0, 0, 0, 0, 0, 0, 0, 72, 0), 72) == EMU_GOOD)
		memcpy(s->keys, h->data, sizeof(s->keys));
}

static void try_read_only(struct world *w, uint8_t *data, size_t len)
{
	struct snapshot before, after;
	struct xp_cmd cmd = {
		.cdb_len = (uint8_t)w->cdb_len, .data = data, .data_len = (uint32_t)len};
	struct xp_reply reply;
	struct xp_err err;

	memcpy(cmd.cdb, w->cdb, sizeof(w->cdb));
	cmd.dir = draw(w, 8) ? XP_DATA_IN : XP_DATA_OUT;
	emu_scsi_cut_power_at(w->d, 0);
	look(&before, w);
	if (xp_transport_exec(w->t, &cmd, NULL, &reply, &err) == XP_E_REFUSED) {
		w->refused++;
		return;
	}
	w->let_through++;
	look(&after, w);
	if (before.state != EMU_SCSI_SANITIZING && before.state != EMU_SCSI_FORMATTING)
		assert_memory_equal(&before, &after, sizeof(before));
}

/* A sanitize ended well: nothing is left; new data come. */
static void expect_empty(struct world *w)
{
	struct emu_stains s = emu_media_stains(emu_scsi_media(w->d, w->bay.lun), 0, UINT64_MAX);

	assert_int_equal(s.sectors, 0);
	assert_int_equal(s.spare, 0);
	w->successes++;
	stain(w);
}

/* Buffers are exactly as long as the host says, so that the sanitizers see what does not fit. */
static void do_it(struct world *w, uint8_t *data, size_t len)
{
	bool is_out = draw(w, 2) || w->cdb[0] == 0x48 || w->cdb[0] == 0x5f;
	struct emu_scsi_cmd cmd = {
		.cdb = w->cdb,
		.cdb_len = w->cdb_len,
		.give_up_ns = draw(w, 4) ? 0 : draw(w, 100) * EMU_S,
		.out = is_out ? data : NULL,
		.out_len = is_out ? len : 0,
		.in = is_out ? NULL : data,
		.in_len = is_out ? 0 : len,
	};
	struct xp_sense s;

	emu_scsi_exec(draw(w, 4) ? &w->bay : &w->other, &cmd);
	assert_true(cmd.moved <= len);
	assert_true(cmd.sense_len <= EMU_SENSE_MAX);
	if (!cmd.answered)
		return;
	assert_true(cmd.status == 0x00 || cmd.status == 0x02 || cmd.status == 0x18);
	assert_int_equal(cmd.status == 0x02, cmd.sense_len > 0);
	if (w->cdb[0] == 0x48 && cmd.status == 0x00 && w->cdb[1] < 0x1f)
		expect_empty(w);
	if (cmd.status == 0x02)
		assert_true(xp_sense_parse(&s, cmd.sense, cmd.sense_len) && s.key != 0);
}

static void decoders_agree(struct world *w)
{
	enum emu_scsi_state state = emu_scsi_state(w->d, w->bay.lun);
	struct emu_host *h = &w->watcher;
	struct xp_sense s = {.key = XP_SENSE_UNIT_ATTENTION};
	int progress;

	w->seen[state]++;
	for (unsigned i = 0; i < 20 && (s.key == XP_SENSE_UNIT_ATTENTION || s.is_deferred); i++) {
		(void)emu_host_sense(h, draw(w, 2), &progress);
		assert_true(xp_sense_parse(&s, h->data, h->cmd.moved));
	}
	state = emu_scsi_state(w->d, w->bay.lun); /* it may have ended meanwhile */
	assert_int_equal(xp_sense_says_sanitizing(&s), state == EMU_SCSI_SANITIZING);
	assert_int_equal(xp_sense_says_formatting(&s), state == EMU_SCSI_FORMATTING);
	assert_int_equal(xp_sense_says_sanitize_failed(&s), state == EMU_SCSI_SANITIZE_FAILED);
	assert_int_equal(xp_sense_says_format_failed(&s), state == EMU_SCSI_FORMAT_CORRUPT);
	assert_int_equal(xp_sense_says_idle(&s), state == EMU_SCSI_READY);
	if (state == EMU_SCSI_SANITIZING || state == EMU_SCSI_FORMATTING)
		assert_true(s.has_progress);
}

/* Time or power goes by; a sanitize that ends well ends with an empty medium. */
static void let_time_pass(struct world *w)
{
	bool ran = emu_scsi_state(w->d, w->bay.lun) == EMU_SCSI_SANITIZING;

	if (draw(w, 4) == 0) {
		emu_scsi_power_off(w->d);
		emu_scsi_power_on(w->d);
	} else if (draw(w, 4) == 0) {
		emu_scsi_unit(&w->bay).ops->reset(&w->bay);
	} else {
		emu_time_pass(&w->time, draw(w, 5000) * EMU_S);
	}
	if (draw(w, 8) == 0)
		emu_scsi_faults(w->d)->sanitize_fails_at = draw(w, 2) * draw(w, 0x10000);
	if (draw(w, 8) == 0)
		emu_scsi_faults(w->d)->format_fails_at = draw(w, 2) * draw(w, 0x10000);
	if (draw(w, 16) == 0)
		emu_scsi_cut_power_at(w->d, w->time.now_ns + draw(w, 1000) * EMU_S);
	if (ran && emu_scsi_state(w->d, w->bay.lun) == EMU_SCSI_READY)
		expect_empty(w);
}

static void step(struct world *w)
{
	size_t len = draw(w, 4) ? draw(w, 600) : draw(w, 20000);
	uint8_t *data = malloc(len + 1);

	assert_non_null(data);
	make_cdb(w, data, len);
	if (draw(w, 2))
		try_read_only(w, data, len);
	else
		do_it(w, data, len);
	free(data);
	decoders_agree(w);
	if (draw(w, 6) == 0)
		let_time_pass(w);
}

static void test_emu_scsi_random_commands_never_contradict(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	(void)state;
	assert_non_null(w);
	w->rng = 20260401;
	for (unsigned drive = 0; drive < DRIVES; drive++) {
		new_drive(w);
		for (unsigned i = 0; i < STEPS; i++)
			step(w);
		xp_transport_free(&w->t);
		emu_scsi_free(&w->d);
	}
	/* it was not all in vain */
	assert_true(w->let_through > DRIVES * 10 && w->refused > DRIVES * 10);
	assert_true(w->successes > DRIVES / 4);
	for (unsigned i = 0; i <= EMU_SCSI_STOPPED; i++)
		assert_true(w->seen[i] > 20);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_emu_scsi_random_commands_never_contradict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
