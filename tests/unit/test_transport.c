/* The choke point, the recorder, the replay, and what a transcript may hold. */
#include "device/transport.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "device/transcript.h"
#include "tests/fake/fake_drive.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* Any pointer is a permit to the transport: only the interlock can make a real one. */
static const int permit_place;
#define PERMIT ((const struct xp_permit *)(const void *)&permit_place)

static uint8_t inquiry_data[36] = {0x00, 0, 6, 2, 31, 0, 0, 0, 'A', 'T', 'A'};
static uint8_t optical_data[36] = {0x05, 0x80, 6, 2, 31};
static const struct fake_answer answers[] = {
	{.cdb = {0x12}, .cdb_len = 1, .in = inquiry_data, .in_len = sizeof(inquiry_data)},
	{.cdb = {0x25}, .cdb_len = 1, .rc = XP_E_TIMEOUT},
	{.cdb = {0x2a}, .cdb_len = 1},
	{.cdb = {0x85}, .cdb_len = 1},
	{.cdb = {0xa1}, .cdb_len = 1},
};
static const struct fake_answer optical_answers[] = {
	{.cdb = {0x12}, .cdb_len = 1, .in = optical_data, .in_len = sizeof(optical_data)},
};

static struct xp_cmd command(uint8_t opcode, uint8_t len, enum xp_data_dir dir, void *data,
			     uint32_t data_len)
{
	return (struct xp_cmd){.kind = XP_TRANSPORT_SCSI,
			       .cdb = {opcode},
			       .cdb_len = len,
			       .dir = dir,
			       .data = data,
			       .data_len = data_len};
}

static void test_exec_destructive_without_permit_is_refused_and_not_sent(void **state)
{
	struct fake_drive drive = {.answers = answers, .n = XP_ARRAY_LEN(answers)};
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	struct xp_reply reply;
	struct xp_err err = {0};
	uint8_t buf[512] = {0};
	struct xp_cmd cmd = command(0x2a, 10, XP_DATA_OUT, buf, sizeof(buf));

	(void)state;
	assert_int_equal(fake_drive_open(&t, XP_TRANSPORT_SCSI, &drive, &err), XP_OK);
	assert_int_equal(xp_transport_exec(t, &cmd, NULL, &reply, &err), XP_E_REFUSED);
	assert_false(reply.answered);
	cmd = command(0x48, 10, XP_DATA_NONE, NULL, 0); /* SANITIZE */
	assert_int_equal(xp_transport_exec(t, &cmd, NULL, &reply, &err), XP_E_REFUSED);
	assert_non_null(strstr(err.msg, "SANITIZE"));
	assert_int_equal(drive.asked, 0);
	cmd = command(0x2a, 10, XP_DATA_OUT, buf, sizeof(buf));
	assert_int_equal(xp_transport_exec(t, &cmd, PERMIT, &reply, &err), XP_OK);
	assert_int_equal(drive.asked, 1);
	assert_int_equal(drive.last.timeout_ms, 60000);
	xp_transport_free(&t);
	assert_true(drive.closed);
}

static void test_exec_12_byte_pass_through_needs_a_disk(void **state)
{
	struct fake_drive disk = {.answers = answers, .n = XP_ARRAY_LEN(answers)};
	struct fake_drive optical = {.answers = optical_answers, .n = 1};
	struct fake_drive *drives[] = {&disk, &optical};
	struct xp_reply reply;
	uint8_t buf[512];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		AUTO(xp_transport_free) struct xp_transport *t = NULL;
		struct xp_cmd ask = command(0x12, 6, XP_DATA_IN, buf, 36);
		struct xp_cmd cmd = command(0xa1, 12, XP_DATA_IN, buf, sizeof(buf));

		cmd.cdb[1] = 0x08;
		cmd.cdb[2] = 0x0e;
		cmd.cdb[4] = 1;
		cmd.cdb[8] = 0x40;
		cmd.cdb[9] = 0xec;
		assert_int_equal(fake_drive_open(&t, XP_TRANSPORT_SCSI, drives[i], NULL), XP_OK);
		assert_int_equal(xp_transport_exec(t, &cmd, NULL, &reply, NULL), XP_E_REFUSED);
		assert_int_equal(xp_transport_exec(t, &ask, NULL, &reply, NULL), XP_OK);
		assert_int_equal(xp_transport_exec(t, &cmd, NULL, &reply, NULL),
				 i == 0 ? XP_OK : XP_E_REFUSED);
	}
}

static void test_exec_command_of_wrong_shape_is_our_bug(void **state)
{
	struct fake_drive drive = {0};
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	struct xp_reply reply;
	uint8_t buf[16];
	struct xp_cmd wrong[] = {
		command(0x12, 6, XP_DATA_IN, NULL, 36),
		command(0x12, 6, XP_DATA_IN, buf, 0),
		command(0x12, 6, XP_DATA_NONE, buf, 16),
		command(0x12, 5, XP_DATA_IN, buf, 16),
		command(0x12, 33, XP_DATA_IN, buf, 16),
		command(0x12, 6, XP_DATA_IN, buf, 1U << 25),
		{.kind = XP_TRANSPORT_NVME, .nvme = {.opcode = 6}},
	};

	(void)state;
	assert_int_equal(fake_drive_open(&t, XP_TRANSPORT_SCSI, &drive, NULL), XP_OK);
	for (size_t i = 0; i < XP_ARRAY_LEN(wrong); i++)
		assert_int_equal(xp_transport_exec(t, &wrong[i], PERMIT, &reply, NULL),
				 XP_E_INTERNAL);
	assert_int_equal(drive.asked, 0);
}

static void test_sgio_and_nvme_on_a_file_are_unsupported(void **state)
{
	AUTO_FD int fd = memfd_create("no-drive", MFD_CLOEXEC);
	AUTO(xp_transport_free) struct xp_transport *sg = NULL;
	AUTO(xp_transport_free) struct xp_transport *nv = NULL;
	uint8_t buf[4096];
	struct xp_cmd inquiry = command(0x12, 6, XP_DATA_IN, buf, 36);
	struct xp_cmd identify = {.kind = XP_TRANSPORT_NVME,
				  .nvme = {.opcode = 6, .cdw10 = 1},
				  .dir = XP_DATA_IN,
				  .data = buf,
				  .data_len = 4096};
	struct xp_reply reply;

	(void)state;
	assert_int_equal(xp_transport_sgio_open(&sg, fd, NULL), XP_OK);
	assert_int_equal(xp_transport_exec(sg, &inquiry, NULL, &reply, NULL), XP_E_UNSUPPORTED);
	assert_int_equal(xp_transport_nvme_open(&nv, fd, NULL), XP_OK);
	assert_int_equal(xp_transport_exec(nv, &identify, NULL, &reply, NULL), XP_E_UNSUPPORTED);
}

/* INQUIRY, an unanswered READ CAPACITY, a refused LOG SENSE, and two writes, one with a password.
 */
static void play(struct xp_transport *t, enum xp_rc want)
{
	uint8_t buf[512] = {0};
	struct xp_cmd cmds[] = {
		command(0x12, 6, XP_DATA_IN, buf, 64),	  command(0x25, 10, XP_DATA_IN, buf, 8),
		command(0x4d, 10, XP_DATA_IN, buf, 64),	  command(0x2a, 10, XP_DATA_OUT, buf, 512),
		command(0x85, 16, XP_DATA_OUT, buf, 512),
	};
	struct xp_reply r;

	cmds[4].cdb[1] = 0x0a;
	cmds[4].cdb[2] = 0x26;
	cmds[4].cdb[6] = 1;
	cmds[4].cdb[14] = 0xf1;
	assert_int_equal(xp_transport_exec(t, &cmds[0], NULL, &r, NULL), want);
	if (want != XP_OK)
		return;
	assert_int_equal(r.data_len, 36);
	assert_memory_equal(buf, inquiry_data, 36);
	assert_int_equal(xp_transport_exec(t, &cmds[1], NULL, &r, NULL), XP_E_TIMEOUT);
	assert_false(r.answered);
	assert_int_equal(xp_transport_exec(t, &cmds[2], NULL, &r, NULL), XP_OK);
	assert_int_equal(r.scsi_status, 2);
	assert_int_equal(r.sense_len, 18);
	assert_int_equal(r.sense[12], 0x20);
	memcpy(buf, "plain", 5);
	assert_int_equal(xp_transport_exec(t, &cmds[3], PERMIT, &r, NULL), XP_OK);
	memcpy(buf + 2, "hunter2", 7);
	assert_int_equal(xp_transport_exec(t, &cmds[4], PERMIT, &r, NULL), XP_OK);
}

static size_t record(char *text, size_t max)
{
	struct fake_drive drive = {.answers = answers, .n = XP_ARRAY_LEN(answers)};
	AUTO_FD int fd = memfd_create("transcript", MFD_CLOEXEC);
	struct xp_transport *inner = NULL;
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	ssize_t n;

	assert_int_equal(fake_drive_open(&inner, XP_TRANSPORT_SCSI, &drive, NULL), XP_OK);
	assert_int_equal(xp_transport_record_open(&t, inner, XP_BUS_USB, false, fd, NULL), XP_OK);
	play(t, XP_OK);
	n = pread(fd, text, max, 0);
	assert_in_range(n, 100, max - 1);
	text[n] = 0;
	return (size_t)n;
}

static void test_record_then_replay_gives_the_same_answers(void **state)
{
	static char text[65536];
	size_t len = record(text, sizeof(text));
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	struct xp_err err = {0};
	enum xp_bus bus = XP_BUS_UNKNOWN;
	struct xp_reply r;
	uint8_t buf[64];
	struct xp_cmd more = command(0x12, 6, XP_DATA_IN, buf, 64);

	(void)state;
	assert_int_equal(xp_transport_replay_open(&t, &bus, text, len, &err), XP_OK);
	assert_int_equal(bus, XP_BUS_USB);
	assert_int_equal(xp_transport_kind_of(t), XP_TRANSPORT_SCSI);
	play(t, XP_OK);
	assert_int_equal(xp_transport_exec(t, &more, NULL, &r, &err), XP_E_MALFORMED);
	assert_non_null(strstr(err.msg, "line 7"));
}

static void test_record_password_is_left_out(void **state)
{
	static char text[65536];

	(void)state;
	record(text, sizeof(text));
	assert_null(strstr(text, "68756e74657232"));
	assert_non_null(strstr(text, "706c61696e"));
	assert_non_null(strstr(text, "\"withheld\":true"));
}

static void test_replay_other_command_names_the_line(void **state)
{
	static char text[65536];
	size_t len = record(text, sizeof(text));
	struct xp_err err = {0};
	struct xp_reply r;
	uint8_t buf[64];
	struct xp_cmd inquiry = command(0x12, 6, XP_DATA_IN, buf, 64);
	struct xp_cmd changed[3] = {inquiry, inquiry, inquiry};

	(void)state;
	changed[0].cdb[4] = 64;				      /* another byte */
	changed[1].data_len = 63;			      /* another length */
	changed[2] = command(0x00, 6, XP_DATA_NONE, NULL, 0); /* another command */
	for (size_t i = 0; i < 3; i++) {
		AUTO(xp_transport_free) struct xp_transport *t = NULL;

		assert_int_equal(xp_transport_replay_open(&t, NULL, text, len, &err), XP_OK);
		assert_int_equal(xp_transport_exec(t, &changed[i], NULL, &r, &err), XP_E_MALFORMED);
		assert_non_null(strstr(err.msg, "line 2"));
		assert_int_equal(xp_transport_exec(t, &inquiry, NULL, &r, &err), XP_OK);
	}
}

static void test_replay_changed_data_out_is_malformed(void **state)
{
	static char text[65536];
	size_t len = record(text, sizeof(text));
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	uint8_t buf[512] = "other";
	struct xp_cmd write = command(0x2a, 10, XP_DATA_OUT, buf, 512);
	char *from = strstr(text, "{\"cdb\":\"2a");
	struct xp_reply r;

	(void)state;
	assert_non_null(from);
	/* the head and that one line */
	len = (size_t)(strchr(from, '\n') + 1 - from);
	memmove(strchr(text, '\n') + 1, from, len);
	len += (size_t)(strchr(text, '\n') + 1 - text);
	assert_int_equal(xp_transport_replay_open(&t, NULL, text, len, NULL), XP_OK);
	assert_int_equal(xp_transport_exec(t, &write, PERMIT, &r, NULL), XP_E_MALFORMED);
}

static void test_transcript_cut_anywhere_but_at_a_line_end_is_malformed(void **state)
{
	static char text[65536];
	size_t len = record(text, sizeof(text));

	(void)state;
	for (size_t n = 0; n < len; n++) {
		AUTO_MEM char *cut = malloc(n + 1);
		struct xp_transcript t;
		enum xp_rc rc;

		assert_non_null(cut);
		memcpy(cut, text, n);
		rc = xp_transcript_parse(&t, cut, n, NULL);
		assert_int_equal(rc, n && text[n - 1] == '\n' ? XP_OK : XP_E_MALFORMED);
		xp_transcript_free(&t);
	}
}

#define HEAD                                                                                       \
	"{\"transcript\":\"expunge-transcript/1\",\"transport\":\"scsi\",\"bus\":\"ata\","         \
	"\"tool\":\"1\"}\n"
#define NVME_HEAD                                                                                  \
	"{\"transcript\":\"expunge-transcript/1\",\"transport\":\"nvme\",\"bus\":\"nvme\","        \
	"\"tool\":\"1\"}\n"
#define GOOD                                                                                       \
	"{\"cdb\":\"000000000000\",\"dir\":\"none\",\"len\":0,\"status\":0,\"driver_status\":0,"   \
	"\"sense\":\"\",\"moved\":0,\"ns\":\"5\"}\n"

static void test_transcript_lies_are_malformed(void **state)
{
	static const char *const lies[] = {
		"",
		"\n",
		"[]\n",
		"{}\n",
		"\"x\"\n",
		GOOD, /* no head */
		HEAD HEAD,
		HEAD "\n",
		HEAD GOOD "x\n",
		HEAD "{\"cdb\":\"000000000000\",\"cdb\":\"000000000000\",\"dir\":\"none\","
		     "\"len\":0,\"no_answer\":\"io\"}\n",
		HEAD "{\"cdb\":\"000000000000\",\"dir\":\"none\",\"len\":0,\"no_answer\":\"io\","
		     "\"x\":1}\n",
		HEAD "{\"cdb\":\"00000000000\",\"dir\":\"none\",\"len\":0,\"no_answer\":\"io\"}\n",
		HEAD "{\"cdb\":\"0000\",\"dir\":\"none\",\"len\":0,\"no_answer\":\"io\"}\n",
		HEAD "{\"cdb\":\"0000000000AA\",\"dir\":\"none\",\"len\":0,\"no_answer\":\"io\"}\n",
		HEAD "{\"cdb\":\"000000000000\",\"dir\":\"up\",\"len\":0,\"no_answer\":\"io\"}\n",
		HEAD "{\"cdb\":\"000000000000\",\"dir\":\"none\",\"len\":1,\"no_answer\":\"io\"}\n",
		HEAD "{\"cdb\":\"000000000000\",\"dir\":\"in\",\"len\":0,\"no_answer\":\"io\"}\n",
		HEAD "{\"cdb\":\"000000000000\",\"dir\":\"in\",\"len\":-1,\"no_answer\":\"io\"}\n",
		HEAD "{\"cdb\":\"000000000000\",\"dir\":\"in\",\"len\":1048577,"
		     "\"no_answer\":\"io\"}\n",
		HEAD "{\"cdb\":\"000000000000\",\"dir\":\"in\",\"len\":2.0,\"no_answer\":\"io\"}\n",
		HEAD "{\"cdb\":\"000000000000\",\"dir\":\"none\",\"len\":0,\"no_answer\":\"?\"}\n",
		HEAD "{\"cdb\":\"000000000000\",\"dir\":\"out\",\"len\":2,\"out\":\"00\","
		     "\"no_answer\":\"io\"}\n",
		/* more moved than asked for, and data that is not what was moved */
		HEAD "{\"cdb\":\"120000000000\",\"dir\":\"in\",\"len\":2,\"status\":0,"
		     "\"driver_status\":0,\"sense\":\"\",\"moved\":3,\"ns\":\"5\","
		     "\"in\":\"000000\"}\n",
		HEAD "{\"cdb\":\"120000000000\",\"dir\":\"in\",\"len\":2,\"status\":0,"
		     "\"driver_status\":0,\"sense\":\"\",\"moved\":2,\"ns\":\"5\","
		     "\"in\":\"00\"}\n",
		HEAD "{\"cdb\":\"000000000000\",\"dir\":\"none\",\"len\":0,\"status\":256,"
		     "\"driver_status\":0,\"sense\":\"\",\"moved\":0,\"ns\":\"5\"}\n",
		HEAD "{\"cdb\":\"000000000000\",\"dir\":\"none\",\"len\":0,\"status\":0,"
		     "\"driver_status\":0,\"sense\":\"\",\"moved\":0,\"ns\":\"05\"}\n",
		HEAD "{\"cdb\":\"000000000000\",\"dir\":\"none\",\"len\":0,\"status\":0,"
		     "\"driver_status\":0,\"sense\":\"\",\"moved\":0,\"ns\":5}\n",
		NVME_HEAD GOOD,
		NVME_HEAD "{\"opcode\":6,\"nsid\":0,\"cdw\":[1,0,0,0,0],\"dir\":\"none\","
			  "\"len\":0,\"no_answer\":\"io\"}\n",
		NVME_HEAD "{\"opcode\":6,\"nsid\":0,\"cdw\":[1,0,0,0,0,4294967296],"
			  "\"dir\":\"none\",\"len\":0,\"no_answer\":\"io\"}\n",
		NVME_HEAD "{\"opcode\":256,\"nsid\":0,\"cdw\":[1,0,0,0,0,0],\"dir\":\"none\","
			  "\"len\":0,\"no_answer\":\"io\"}\n",
		"{\"transcript\":\"expunge-transcript/2\",\"transport\":\"scsi\",\"bus\":\"ata\","
		"\"tool\":\"1\"}\n",
		"{\"transcript\":\"expunge-transcript/1\",\"transport\":\"tape\",\"bus\":\"ata\","
		"\"tool\":\"1\"}\n",
		"{\"transcript\":\"expunge-transcript/1\",\"transport\":\"scsi\",\"bus\":\"road\","
		"\"tool\":\"1\"}\n",
	};
	struct xp_transcript t;

	(void)state;
	assert_int_equal(xp_transcript_parse(&t, HEAD GOOD, strlen(HEAD GOOD), NULL), XP_OK);
	assert_int_equal(t.n, 1);
	xp_transcript_free(&t);
	for (size_t i = 0; i < XP_ARRAY_LEN(lies); i++)
		if (xp_transcript_parse(&t, lies[i], strlen(lies[i]), NULL) != XP_E_MALFORMED)
			fail_msg("lie %zu was believed: %s", i, lies[i]);
}

static void test_transcript_sense_too_long_is_malformed(void **state)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	struct xp_transcript t;

	(void)state;
	for (unsigned extra = 0; extra < 2; extra++) {
		b.len = 0;
		xp_buf_puts(&b, HEAD "{\"cdb\":\"000000000000\",\"dir\":\"none\",\"len\":0,"
				     "\"status\":2,\"driver_status\":0,\"moved\":0,\"ns\":\"1\","
				     "\"sense\":\"");
		for (unsigned i = 0; i < XP_SENSE_MAX + extra; i++)
			xp_buf_puts(&b, "00");
		xp_buf_puts(&b, "\"}\n");
		assert_int_equal(xp_transcript_parse(&t, xp_buf_str(&b), b.len, NULL),
				 extra ? XP_E_MALFORMED : XP_OK);
		xp_transcript_free(&t);
	}
}

static void test_transcript_too_many_exchanges_is_malformed(void **state)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	struct xp_transcript t;

	(void)state;
	xp_buf_puts(&b, HEAD);
	for (unsigned i = 0; i < XP_TRANSCRIPT_EXCHANGES_MAX; i++)
		xp_buf_puts(&b, GOOD);
	assert_int_equal(xp_transcript_parse(&t, xp_buf_str(&b), b.len, NULL), XP_OK);
	xp_transcript_free(&t);
	xp_buf_puts(&b, GOOD);
	assert_int_equal(xp_transcript_parse(&t, xp_buf_str(&b), b.len, NULL), XP_E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec_destructive_without_permit_is_refused_and_not_sent),
		cmocka_unit_test(test_exec_12_byte_pass_through_needs_a_disk),
		cmocka_unit_test(test_exec_command_of_wrong_shape_is_our_bug),
		cmocka_unit_test(test_sgio_and_nvme_on_a_file_are_unsupported),
		cmocka_unit_test(test_record_then_replay_gives_the_same_answers),
		cmocka_unit_test(test_record_password_is_left_out),
		cmocka_unit_test(test_replay_other_command_names_the_line),
		cmocka_unit_test(test_replay_changed_data_out_is_malformed),
		cmocka_unit_test(test_transcript_cut_anywhere_but_at_a_line_end_is_malformed),
		cmocka_unit_test(test_transcript_lies_are_malformed),
		cmocka_unit_test(test_transcript_sense_too_long_is_malformed),
		cmocka_unit_test(test_transcript_too_many_exchanges_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
