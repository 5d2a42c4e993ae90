/* What goes up and what does not, a server that hangs, and no password that the server is not told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/wire.h"
#include "cli/boot_net.h"
#include "cli/upload.h"
#include "cli/upload_files.h"
#include "tests/fake/job_stage.h"
#include "tests/fake/put_lab.h"

/* One for all tests: it takes its time to start. */
static struct put_lab shared;

static int open_shared(void **state)
{
	(void)state;
	put_lab_open(&shared, false);
	return 0;
}

static int close_shared(void **state)
{
	(void)state;
	put_lab_close(&shared);
	return 0;
}

/* ---- the courier ---- */

static struct xp_courier *courier_of(const struct put_lab *lab)
{
	struct xp_courier_config config = {0};
	struct xp_courier *c = NULL;
	AUTO_MEM char *pem = NULL;
	struct xp_err err;

	assert_int_equal(xp_file_read(&pem, &config.ca_len, lab->ca, 1 << 20, &err), XP_OK);
	config.ca = pem;
	if (xp_courier_start(&c, &config, &err) != XP_OK)
		fail_msg("%s", err.msg);
	return c;
}

static void test_courier_ends_with_each_failure(void **state)
{
	AUTO(xp_courier_free) struct xp_courier *c = NULL;
	AUTO(xp_buf_free) struct xp_buf got = {0};
	const struct put_lab lab = shared;
	struct xp_err err;
	char url[128];
	char *held;
	size_t len;

	(void)state;
	c = courier_of(&lab);
	snprintf(url, sizeof(url), "%s/a/b", lab.url);
	if (xp_courier_put(c, url, "hello", 5, 5000, &err) != XP_OK)
		fail_msg("%s", err.msg);
	held = put_lab_file(&lab, "a/b", &len);
	assert_non_null(held);
	assert_string_equal(held, "hello");
	free(held);
	assert_int_equal(xp_courier_get(c, &got, url, 5, 5000, &err), XP_OK);
	assert_string_equal(xp_buf_str(&got), "hello");
	assert_int_equal(xp_courier_put(c, url, "", 0, 5000, &err), XP_OK);
	put_lab_mode(&lab, "hang PUT");
	assert_int_equal(xp_courier_put(c, url, "x", 1, 200, &err), XP_E_TIMEOUT);
	put_lab_mode(&lab, "hang GET");
	assert_int_equal(xp_courier_put(c, url, "x", 1, 200, &err), XP_E_TIMEOUT);
	put_lab_mode(&lab, "redirect");
	assert_int_equal(xp_courier_put(c, url, "x", 1, 5000, &err), XP_E_REFUSED);
	put_lab_mode(&lab, "lie");
	assert_int_equal(xp_courier_put(c, url, "x", 1, 5000, &err), XP_E_MALFORMED);
	put_lab_mode(&lab, "500");
	assert_int_equal(xp_courier_put(c, url, "x", 1, 5000, &err), XP_E_IO);
	put_lab_mode(&lab, "");
	assert_int_equal(xp_courier_put(c, "http://127.0.0.1/", "x", 1, 5000, &err), XP_E_REFUSED);
	assert_int_equal(xp_courier_put(c, url, "x", 1, 5000, &err), XP_OK);
	/* it dies: said at once, each time */
	assert_int_equal(kill(xp_courier_pid(c), SIGKILL), 0);
	assert_int_equal(xp_courier_put(c, url, "x", 1, 5000, &err), XP_E_IO);
	assert_int_equal(xp_courier_put(c, url, "x", 1, 5000, &err), XP_E_IO);
}

static void test_courier_speaks_no_old_tls(void **state)
{
	AUTO(xp_courier_free) struct xp_courier *c = NULL;
	struct put_lab lab;
	struct xp_err err;
	char url[128];
	size_t len;

	(void)state;
	put_lab_open(&lab, true);
	c = courier_of(&lab);
	snprintf(url, sizeof(url), "%s/a", lab.url);
	assert_int_equal(xp_courier_put(c, url, "hello", 5, 5000, &err), XP_E_IO);
	assert_null(put_lab_file(&lab, "a", &len));
	put_lab_close(&lab);
}

/* [RFC 4330 4] an answer from a thread of this test; the courier looks the name up in its cage */
static void *tell_time(void *ctx)
{
	const int fd = *(const int *)ctx;
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t p[48];
	uint64_t nonce;

	if (recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&from, &len) != sizeof(p))
		return NULL;
	nonce = get_be64(p + 40);
	memset(p, 0, sizeof(p));
	p[0] = 0x24;
	p[1] = 3;
	put_be32(p + 24, (uint32_t)(nonce >> 32));
	put_be32(p + 28, (uint32_t)nonce);
	put_be32(p + 32, (uint32_t)(1900000000LL + 2208988800LL));
	put_be32(p + 40, (uint32_t)(1900000000LL + 2208988800LL));
	(void)!sendto(fd, p, sizeof(p), 0, (struct sockaddr *)&from, len);
	return NULL;
}

struct fake_clock {
	int64_t wall_ms;
};

static int set_fake(void *ctx, int64_t wall_ms)
{
	((struct fake_clock *)ctx)->wall_ms = wall_ms;
	return 0;
}

static void test_courier_asks_the_time(void **state)
{
	AUTO(xp_courier_free) struct xp_courier *c = NULL;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct fake_clock clock = {0};
	const struct xp_clock_setter setter = {.set = set_fake, .ctx = &clock};
	socklen_t len = sizeof(a);
	int64_t step_ms = 0;
	struct xp_err err;
	pthread_t thread;
	char host[32];
	int fd;

	(void)state;
	c = courier_of(&shared);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	snprintf(host, sizeof(host), "localhost:%u", ntohs(a.sin_port));
	assert_int_equal(pthread_create(&thread, NULL, tell_time, &fd), 0);
	if (xp_boot_ntp(&step_ms, c, host, &setter, &err) != XP_OK)
		fail_msg("%s", err.msg);
	pthread_join(thread, NULL);
	assert_true(clock.wall_ms > 1899999990000LL && clock.wall_ms < 1900000010000LL);
	close(fd);
	/* nobody answers: the clock stays */
	clock.wall_ms = 0;
	assert_int_not_equal(xp_boot_ntp(&step_ms, c, host, &setter, &err), XP_OK);
	assert_true(clock.wall_ms == 0);
}

/* ---- which files ---- */

static void test_files_keys_never_go_up(void **state)
{
	static const char *const never[] = {
		"log.key",	    "host.key", "upload.list",
		"clock.note",	    "log.lock", "certificates/.01.reserve",
		"jobs/x/other.key", "unknown",	"../index.csv"};
	static const char *const always[] = {"index.csv", "host.crt", "jobs/x/journal.jsonl",
					     "certificates/x.json", "log/tile/0/000"};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(never); i++)
		if (xp_upload_takes(never[i]))
			fail_msg("goes up: %s", never[i]);
	for (size_t i = 0; i < XP_ARRAY_LEN(always); i++)
		if (!xp_upload_takes(always[i]))
			fail_msg("stays: %s", always[i]);
}

static void put_text(int dir, const char *name, const char *text)
{
	struct xp_err err;

	assert_int_equal(xp_file_write_at(dir, name, text, strlen(text), 0644, true, &err), XP_OK);
}

static size_t pending_after(const char *list, const char *url)
{
	char dir[] = "/tmp/xp-files-XXXXXX";
	AUTO(xp_upload_files_free) struct xp_upload_files f = {0};
	struct xp_upload_bytes now = {0};
	size_t pending = 0;
	struct xp_err err;
	char command[64];
	int fd;

	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put_text(fd, "index.csv", "a");
	put_text(fd, "host.crt", "b");
	put_text(fd, "log.key", "c");
	if (list)
		put_text(fd, "upload.list", list);
	assert_int_equal(xp_upload_files_find(&f, fd, url, &err), XP_OK);
	assert_int_equal(f.n, 2);
	for (size_t i = 0; i < f.n; i++) {
		assert_int_equal(xp_upload_bytes_read(&now, fd, f.list[i].path, &err), XP_OK);
		pending += !xp_upload_files_held(&f, f.list[i].path, now.sha256);
		xp_upload_bytes_free(&now);
	}
	close(fd);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
	return pending;
}

/* SHA-256 of "a" [FIPS 180-4 by sha256sum] */
#define SHA_A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"

static void test_files_list_is_believed_for_its_address_and_bytes(void **state)
{
	(void)state;
	assert_int_equal(pending_after(NULL, "https://h/o"), 2);
	assert_int_equal(pending_after("https://h/o\n" SHA_A " index.csv\n", "https://h/o"), 1);
	assert_int_equal(pending_after("https://h/o\n" SHA_A " index.csv\n", "https://other/o"), 2);
	assert_int_equal(pending_after("https://h/o\n" SHA_A " host.crt\n", "https://h/o"), 2);
	/* torn, and no list at all */
	assert_int_equal(pending_after("https://h/o\n" SHA_A " index.c", "https://h/o"), 2);
	assert_int_equal(pending_after("https://h/o\nca97 index.csv\n\n \n", "https://h/o"), 2);
	assert_int_equal(pending_after("\xff\xfe\n\n", "https://h/o"), 2);
	assert_int_equal(pending_after("", "https://h/o"), 2);
}

static void test_files_a_change_meanwhile_stays_to_be_sent(void **state)
{
	static const uint8_t sha256[32] = {1};
	AUTO(xp_upload_files_free) struct xp_upload_files f = {.has_head = true};
	char dir[] = "/tmp/xp-files-XXXXXX";
	uint64_t when = UINT64_MAX;
	uint64_t change;
	struct xp_err err;
	char command[64];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(xp_upload_files_touch(&f, "jobs/a/journal.jsonl", 15, 0, &err), XP_OK);
	/* it may wait, unless somebody does */
	assert_null(xp_upload_files_next(&f, 0, false, &when));
	assert_true(when == 15000000000ull);
	assert_non_null(xp_upload_files_next(&f, 0, true, &when));
	assert_non_null(xp_upload_files_next(&f, 15000000000ull, false, &when));
	xp_upload_files_demand(&f, "jobs/a/journal.jsonl");
	change = xp_upload_files_next(&f, 0, false, &when)->change;
	assert_int_equal(xp_upload_files_touch(&f, "jobs/a/journal.jsonl", 0, 0, &err), XP_OK);
	assert_int_equal(
		xp_upload_files_confirm(&f, "jobs/a/journal.jsonl", change, sha256, fd, NULL, &err),
		XP_OK);
	assert_false(xp_upload_files_is_up(&f, "jobs/a/journal.jsonl"));
	assert_int_equal(xp_upload_files_confirm(&f, "jobs/a/journal.jsonl", change + 1, sha256, fd,
						 NULL, &err),
			 XP_OK);
	assert_true(xp_upload_files_is_up(&f, "jobs/a/journal.jsonl"));
	xp_upload_files_forget(&f, "jobs/a");
	assert_int_equal(f.n, 0);
	close(fd);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
}

/* ---- whole jobs ---- */

#define CDB_ATA_16	      0x85 /* [SAT-5 ATA PASS-THROUGH (16)] command in byte 14 */
#define SECURITY_SET_PASSWORD 0xf1 /* [ACS-4 7.40] */

/* A door before the drive: when a password is set, what does the server know? */
struct guard {
	struct world *w;
	struct xp_upload *upload;
	struct emu_unit inner;
	unsigned set_passwords, known;
};

static bool server_knows(struct guard *g)
{
	char path[256];
	size_t len;
	char *journal;
	bool knows;

	snprintf(path, sizeof(path), "put/%s/jobs/%s/journal.jsonl", xp_log_origin(g->w->log),
		 g->w->job->id);
	journal = put_lab_file(&shared, path, &len);
	knows = journal && strstr(journal, "\"note\":\"secret\"");
	free(journal);
	return knows;
}

static void guard_exec(void *ctx, struct emu_scsi_cmd *cmd)
{
	struct guard *g = ctx;

	if (cmd->cdb[0] == CDB_ATA_16 && cmd->cdb[14] == SECURITY_SET_PASSWORD) {
		g->set_passwords++;
		g->known += server_knows(g);
	}
	g->inner.ops->exec(g->inner.ctx, cmd);
}

static void guard_power_off(void *ctx)
{
	const struct guard *g = ctx;

	g->inner.ops->power_off(g->inner.ctx);
}

static void guard_power_on(void *ctx)
{
	const struct guard *g = ctx;

	g->inner.ops->power_on(g->inner.ctx);
}

static void guard_reset(void *ctx)
{
	const struct guard *g = ctx;

	g->inner.ops->reset(g->inner.ctx);
}

static struct emu_time *guard_time(void *ctx)
{
	const struct guard *g = ctx;

	return g->inner.ops->time(g->inner.ctx);
}

static const struct emu_unit_ops guard_ops = {.exec = guard_exec,
					      .power_off = guard_power_off,
					      .power_on = guard_power_on,
					      .reset = guard_reset,
					      .time = guard_time};

static void guard_open(struct guard *g, struct world *w)
{
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);
	struct xp_upload_config config = {.ca = shared.ca, .timeout_ms = 5000};
	struct xp_upload_place place = {.must_wait = true};
	struct xp_err err;
	char url[128];

	put_lab_mode(&shared, "");
	g->w = w;
	cfg.has_sanitize = false;
	stage_plug(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = XP_ATA_SECURE_ERASE_ENHANCED;
	g->inner = w->at;
	w->at = (struct emu_unit){.ops = &guard_ops, .ctx = g};
	snprintf(url, sizeof(url), "%s/put", shared.url);
	config.url = url;
	if (xp_upload_start(&g->upload, &config, &err) != XP_OK)
		fail_msg("%s", err.msg);
	place.state_fd = w->state.fd;
	place.origin = xp_log_origin(w->log);
	assert_int_equal(xp_upload_attach(g->upload, &place, &err), XP_OK);
	w->state.durable = xp_upload_durable(g->upload);
}

static void guard_close(struct guard *g)
{
	g->w->state.durable = NULL;
	xp_upload_free(&g->upload);
}

static void test_job_password_is_on_the_server_before_it_is_set(void **state)
{
	struct world *w = *state;
	struct guard g = {0};
	struct xp_err err;

	if (geteuid() != 0)
		skip();
	guard_open(&g, w);
	stage_run(w);
	stage_assert_clean(w);
	assert_int_equal(w->job->state, XP_JOB_ENDED);
	assert_true(g.set_passwords > 0);
	assert_int_equal(g.known, g.set_passwords);
	assert_int_equal(xp_upload_wait(g.upload, 1, NULL, NULL, &err), XP_OK);
	guard_close(&g);
}

static void test_job_no_password_that_the_server_is_not_told(void **state)
{
	struct world *w = *state;
	struct guard g = {0};
	struct emu_stains s;

	if (geteuid() != 0)
		skip();
	guard_open(&g, w);
	stage_prepare(w);
	/* the journal's first line gets there, and nothing behind it */
	put_lab_mode(&shared, "once PUT journal");
	xp_job_execute(w->job);
	assert_int_not_equal(w->job->state, XP_JOB_ENDED);
	assert_int_equal(g.set_passwords, 0);
	s = emu_media_stains(emu_ata_media(w->d), 0, STAGE_SECTORS);
	assert_int_equal(s.sectors, STAGE_SECTORS);
	guard_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_courier_ends_with_each_failure),
		cmocka_unit_test(test_courier_speaks_no_old_tls),
		cmocka_unit_test(test_courier_asks_the_time),
		cmocka_unit_test(test_files_keys_never_go_up),
		cmocka_unit_test(test_files_list_is_believed_for_its_address_and_bytes),
		cmocka_unit_test(test_files_a_change_meanwhile_stays_to_be_sent),
		cmocka_unit_test_setup_teardown(test_job_password_is_on_the_server_before_it_is_set,
						stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_job_no_password_that_the_server_is_not_told,
						stage_setup, stage_teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, open_shared, close_shared);
}
