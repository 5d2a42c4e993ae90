/*
 * Transcripts of the probe over fake drives: what is recorded of each must be, byte for byte, the
 * one in tests/replay. With EXPUNGE_WRITE_TRANSCRIPTS set these files are written anew.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/wire.h"
#include "device/transcript.h"
#include "tests/fake/identify_data.h"
#include "tests/fake/probe_drives.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* Records the probe of DRIVE; the text is malloc'ed. */
static char *record(enum xp_transport_kind kind, enum xp_bus bus, const struct fake_answer *answers,
		    size_t n, struct fake_probe *w, size_t *len)
{
	AUTO_FD int fd = memfd_create("transcript", MFD_CLOEXEC);
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	struct xp_transport *inner = NULL;
	char *text;

	w->drive = (struct fake_drive){.answers = answers, .n = n};
	w->id.bus = bus;
	assert_int_equal(fake_drive_open(&inner, kind, &w->drive, NULL), XP_OK);
	assert_int_equal(xp_transport_record_open(&t, inner, bus, w->blanks, fd, NULL), XP_OK);
	assert_int_equal(xp_probe_drive(&w->facts, t, &w->id, &w->err), XP_OK);
	*len = (size_t)lseek(fd, 0, SEEK_END);
	text = malloc(*len + 1);
	assert_non_null(text);
	assert_int_equal(pread(fd, text, *len, 0), *len);
	text[*len] = 0;
	return text;
}

/* The file in tests/replay must hold TEXT, but for the version of the tool in its head. */
static void compare(const char *name, const char *text, size_t len)
{
	AUTO_MEM char *file = NULL;
	size_t file_len = 0;
	char path[256];
	const char *body = strchr(text, '\n');

	snprintf(path, sizeof(path), "tests/replay/%s.jsonl", name);
	if (getenv("EXPUNGE_WRITE_TRANSCRIPTS")) {
		AUTO_FILE FILE *f = fopen(path, "we");

		assert_non_null(f);
		assert_int_equal(fwrite(text, 1, len, f), len);
	}
	assert_int_equal(xp_file_read(&file, &file_len, path, XP_TRANSCRIPT_BYTES_MAX, NULL),
			 XP_OK);
	assert_non_null(strchr(file, '\n'));
	assert_string_equal(strchr(file, '\n'), body);
}

static void replay_and_compare(const struct fake_probe *w, const char *text, size_t len)
{
	struct xp_drive_facts facts;
	struct xp_target *target = calloc(1, sizeof(*target));
	struct xp_err err = {0};
	const char *difference = "";

	assert_non_null(target);
	assert_int_equal(xp_probe_transcript(&facts, target, text, len, &err), XP_OK);
	assert_true(xp_identity_same(&w->id, &target->identity, &difference));
	assert_string_equal(target->confirm, w->id.serial[0] ? w->id.serial : w->id.wwn);
	assert_int_equal(facts.notes_n, w->facts.notes_n);
	assert_int_equal(target->identity.raw_n, w->id.raw_n);
	for (size_t i = 0; i < w->id.raw_n; i++)
		assert_memory_equal(target->identity.raw[i].data, w->id.raw[i].data,
				    w->id.raw[i].len);
	assert_memory_equal(&facts.ata.id, &w->facts.ata.id, sizeof(facts.ata.id));
	xp_drive_facts_free(&facts);
	xp_target_free(target);
	free(target);
}

static void check_drive(const char *name, enum xp_transport_kind kind, enum xp_bus bus,
			const struct fake_answer *answers, size_t n)
{
	AUTO(fake_probe_free) struct fake_probe w = {0};
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	text = record(kind, bus, answers, n, &w, &len);
	compare(name, text, len);
	replay_and_compare(&w, text, len);
}

static void test_transcripts_of_all_drives_replay_to_the_same_facts(void **state)
{
	static const char *const ata_names[] = {
		"samsung-870-qvo-4tb",	      "seagate-st3400633as",	      "wd-wd4000kd",
		"constructed-hdd-8tb-frozen", "constructed-ssd-960gb-locked", "constructed-hdd-4kn",
	};
	static const char *const nvme_names[] = {"samsung-pm981a", "lexar-nm790-4tb"};
	char file[128];

	for (size_t i = 0; i < XP_ARRAY_LEN(ata_names); i++) {
		fake_probe_setup(state);
		snprintf(file, sizeof(file), "%s.hex", ata_names[i]);
		identify_data_read(fake_probe_identify, 512, file);
		check_drive(ata_names[i], XP_TRANSPORT_SCSI, XP_BUS_ATA, fake_probe_sata,
			    XP_ARRAY_LEN(fake_probe_sata));
	}
	for (size_t i = 0; i < XP_ARRAY_LEN(nvme_names); i++) {
		snprintf(file, sizeof(file), "%s.nvme-hex", nvme_names[i]);
		fake_probe_fill_nvme(file);
		check_drive(nvme_names[i], XP_TRANSPORT_NVME, XP_BUS_NVME, fake_probe_nvme,
			    XP_ARRAY_LEN(fake_probe_nvme));
	}
}

static void test_transcript_that_ends_early_is_malformed(void **state)
{
	AUTO(fake_probe_free) struct fake_probe w = {0};
	AUTO_MEM char *text = NULL;
	struct xp_target *target = calloc(1, sizeof(*target));
	size_t len = 0;

	(void)state;
	assert_non_null(target);
	text = record(XP_TRANSPORT_SCSI, XP_BUS_ATA, fake_probe_sata, XP_ARRAY_LEN(fake_probe_sata),
		      &w, &len);
	for (size_t n = 1; n < len; n++) {
		struct xp_drive_facts facts;

		if (text[n - 1] != '\n')
			continue;
		assert_int_equal(xp_probe_transcript(&facts, target, text, n, NULL),
				 XP_E_MALFORMED);
		xp_drive_facts_free(&facts);
		xp_target_free(target);
	}
	free(target);
}

/* Everything that tells a drive from its twins goes, and the transcript replays nevertheless. */
static void replay_blanked(const char *text, size_t len, const char *model)
{
	struct xp_drive_facts *facts = calloc(1, sizeof(*facts));
	struct xp_target *target = calloc(1, sizeof(*target));

	assert_true(facts && target);
	assert_int_equal(xp_probe_transcript(facts, target, text, len, NULL), XP_OK);
	assert_string_equal(target->identity.serial, "");
	assert_string_equal(target->identity.model, model);
	xp_drive_facts_free(facts);
	xp_target_free(target);
	free(facts);
	free(target);
}

static void test_transcript_with_blanked_ata_serials_replays(void **state)
{
	AUTO(fake_probe_free) struct fake_probe w = {.blanks = true};
	AUTO_MEM char *text = NULL;
	uint8_t sum = 0;
	size_t len = 0;

	(void)state;
	memcpy(fake_probe_identify + 20, "5354SECRET0000000000", 20);
	memcpy(fake_probe_identify + 220, "\x11\x22\x33\x44", 4);
	for (size_t i = 0; i < 511; i++)
		sum = (uint8_t)(sum + fake_probe_identify[i]);
	fake_probe_identify[511] = (uint8_t)(0x100 - sum);
	text = record(XP_TRANSPORT_SCSI, XP_BUS_ATA, fake_probe_sata, XP_ARRAY_LEN(fake_probe_sata),
		      &w, &len);
	/* the drive itself was read as it is */
	assert_string_equal(w.id.serial, "3545ESRCTE0000000000");
	assert_null(strstr(text, "534543524554"));
	assert_null(strstr(text, "53455231")); /* VPD 80h: SER1 */
	assert_null(strstr(text, "11223344")); /* VPD 83h, and the WWN's words */
	replay_blanked(text, len, "Samsung SSD 870 QVO 4TB");
}

static void test_transcript_with_blanked_nvme_serials_replays(void **state)
{
	AUTO(fake_probe_free) struct fake_probe w = {.blanks = true};
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	(void)state;
	fake_probe_fill_nvme("samsung-pm981a.nvme-hex");
	memcpy(fake_probe_ctrl + 4, "SECRET00000000000000", 20);
	memcpy(fake_probe_ctrl + 768, "nqn.SECRET", 10);
	memcpy(fake_probe_ns + 104, "SECRETSECRETSECRETSECRET", 24);
	text = record(XP_TRANSPORT_NVME, XP_BUS_NVME, fake_probe_nvme,
		      XP_ARRAY_LEN(fake_probe_nvme), &w, &len);
	memset(fake_probe_ns + 104, 0, 24);
	assert_string_equal(w.id.serial, "SECRET00000000000000");
	assert_null(strstr(text, "534543524554"));
	replay_blanked(text, len, "SAMSUNG MZVLB256HBHQ-000L7");
}

/* A file that takes ROOM bytes and no more, as on a full disk. */
static int full_file(size_t room)
{
	int fd = memfd_create("transcript", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, (off_t)room), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	return fd;
}

/* The drive answered: that it did not must not be said of it, nor a part be taken for the whole. */
static void test_transcript_that_cannot_be_written_is_no_silence_of_the_drive(void **state)
{
	AUTO(fake_probe_free) struct fake_probe whole = {0};
	AUTO_MEM char *text = NULL;
	size_t len = 0;
	unsigned lines = 0;

	(void)state;
	text = record(XP_TRANSPORT_SCSI, XP_BUS_ATA, fake_probe_sata, XP_ARRAY_LEN(fake_probe_sata),
		      &whole, &len);
	for (const char *end = strchr(text, '\n'); end && end[1]; end = strchr(end + 1, '\n')) {
		AUTO(fake_probe_free) struct fake_probe w = {0};
		AUTO(xp_transport_free) struct xp_transport *t = NULL;
		struct xp_transport *inner = NULL;
		AUTO_FD int fd = full_file((size_t)(end + 1 - text));

		w.drive = (struct fake_drive){.answers = fake_probe_sata,
					      .n = XP_ARRAY_LEN(fake_probe_sata)};
		w.id.bus = XP_BUS_ATA;
		assert_int_equal(fake_drive_open(&inner, XP_TRANSPORT_SCSI, &w.drive, NULL), XP_OK);
		assert_int_equal(xp_transport_record_open(&t, inner, XP_BUS_ATA, false, fd, NULL),
				 XP_OK);
		assert_int_equal(xp_probe_drive(&w.facts, t, &w.id, &w.err), XP_E_IO);
		assert_true(w.err.is_output);
		lines++;
	}
	assert_true(lines > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_transcripts_of_all_drives_replay_to_the_same_facts,
				       fake_probe_setup),
		cmocka_unit_test_setup(test_transcript_that_ends_early_is_malformed,
				       fake_probe_setup),
		cmocka_unit_test_setup(test_transcript_with_blanked_ata_serials_replays,
				       fake_probe_setup),
		cmocka_unit_test_setup(test_transcript_with_blanked_nvme_serials_replays,
				       fake_probe_setup),
		cmocka_unit_test_setup(
			test_transcript_that_cannot_be_written_is_no_silence_of_the_drive,
			fake_probe_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
