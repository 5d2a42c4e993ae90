/* A time server's answer: believed where it is one, for this question, and a time that can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/about.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/wire.h"
#include "cli/upload_time.h"

#define NONCE	   0x0123456789abcdefull
#define UNIX_EPOCH 2208988800LL

/* [RFC 4330 4] version 4, mode 4, stratum 2; received and sent at UNIX_S */
static void answer(uint8_t p[XP_SNTP_BYTES], uint64_t nonce, int64_t unix_s)
{
	memset(p, 0, XP_SNTP_BYTES);
	p[0] = 0x24;
	p[1] = 2;
	put_be32(p + 24, (uint32_t)(nonce >> 32));
	put_be32(p + 28, (uint32_t)nonce);
	put_be32(p + 32, (uint32_t)(unix_s + UNIX_EPOCH));
	put_be32(p + 36, 0x80000000u); /* half a second */
	put_be32(p + 40, (uint32_t)(unix_s + UNIX_EPOCH));
	put_be32(p + 44, 0x80000000u);
}

static void test_time_of_a_clock_at_1970(void **state)
{
	uint8_t p[XP_SNTP_BYTES];
	int64_t offset = 0;
	struct xp_err err;

	(void)state;
	answer(p, NONCE, 1795341900);
	assert_int_equal(xp_sntp_answer(&offset, p, sizeof(p), NONCE, 1000, 1200, &err), XP_OK);
	assert_true(offset == 1795341900500LL - 1100);
}

static void test_time_after_2036(void **state)
{
	uint8_t p[XP_SNTP_BYTES];
	int64_t offset = 0;
	struct xp_err err;

	(void)state;
	answer(p, NONCE, 2208988800LL); /* 2040-01-01 */
	assert_int_equal(xp_sntp_answer(&offset, p, sizeof(p), NONCE, 0, 0, &err), XP_OK);
	assert_true(offset == 2208988800500LL);
}

static void test_time_that_cannot_be_is_refused(void **state)
{
	uint8_t p[XP_SNTP_BYTES];
	int64_t offset;
	struct xp_err err;

	(void)state;
	answer(p, NONCE, 1795341900);
	for (size_t n = 0; n < sizeof(p); n++)
		assert_int_equal(xp_sntp_answer(&offset, p, n, NONCE, 0, 0, &err), XP_E_MALFORMED);
	assert_int_equal(xp_sntp_answer(&offset, p, sizeof(p), NONCE + 1, 0, 0, &err),
			 XP_E_MALFORMED);
	p[0] = 0x23; /* a client's packet */
	assert_int_equal(xp_sntp_answer(&offset, p, sizeof(p), NONCE, 0, 0, &err), XP_E_MALFORMED);
	p[0] = 0xe4; /* not synchronized */
	assert_int_equal(xp_sntp_answer(&offset, p, sizeof(p), NONCE, 0, 0, &err), XP_E_MALFORMED);
	p[0] = 0x24;
	p[1] = 0; /* kiss of death */
	assert_int_equal(xp_sntp_answer(&offset, p, sizeof(p), NONCE, 0, 0, &err), XP_E_MALFORMED);
	p[1] = 16;
	assert_int_equal(xp_sntp_answer(&offset, p, sizeof(p), NONCE, 0, 0, &err), XP_E_MALFORMED);
	answer(p, NONCE, XP_ABOUT_BUILD_DAY_S - 1);
	assert_int_equal(xp_sntp_answer(&offset, p, sizeof(p), NONCE, 0, 0, &err), XP_E_MALFORMED);
	answer(p, NONCE, 1795341900);
	memset(p + 40, 0, 8);
	assert_int_equal(xp_sntp_answer(&offset, p, sizeof(p), NONCE, 0, 0, &err), XP_E_MALFORMED);
	answer(p, NONCE, 1795341900);
	put_be32(p + 40, get_be32(p + 40) - 1); /* sent before it was received */
	assert_int_equal(xp_sntp_answer(&offset, p, sizeof(p), NONCE, 0, 0, &err), XP_E_MALFORMED);
}

struct server {
	int fd;
	bool wrong_nonce;
};

static void *serve(void *ctx)
{
	struct server *s = ctx;
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t in[XP_SNTP_BYTES];
	uint8_t out[XP_SNTP_BYTES];

	if (recvfrom(s->fd, in, sizeof(in), 0, (struct sockaddr *)&from, &len) != sizeof(in))
		return NULL;
	answer(out, get_be64(in + 40) + s->wrong_nonce,
	       xp_clock_wall_ms(xp_clock_system()) / 1000 + 1000);
	(void)!sendto(s->fd, out, sizeof(out), 0, (struct sockaddr *)&from, len);
	return NULL;
}

static enum xp_rc ask(int64_t *offset, bool wrong_nonce, bool silent)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct server s = {.fd = socket(AF_INET, SOCK_DGRAM, 0), .wrong_nonce = wrong_nonce};
	socklen_t len = sizeof(a);
	struct xp_err err;
	pthread_t thread;
	char host[32];
	enum xp_rc rc;

	assert_int_equal(bind(s.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(s.fd, (struct sockaddr *)&a, &len), 0);
	snprintf(host, sizeof(host), "127.0.0.1:%u", ntohs(a.sin_port));
	if (!silent)
		assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
	rc = xp_sntp_ask(offset, host, silent ? 50 : 5000, &err);
	if (!silent)
		pthread_join(thread, NULL);
	close(s.fd);
	return rc;
}

static void test_time_is_asked_of_a_server(void **state)
{
	int64_t offset = 0;

	(void)state;
	assert_int_equal(ask(&offset, false, false), XP_OK);
	assert_true(offset > 998000 && offset < 1002000);
	assert_int_equal(ask(&offset, true, false), XP_E_MALFORMED);
	assert_int_equal(ask(&offset, false, true), XP_E_TIMEOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_of_a_clock_at_1970),
		cmocka_unit_test(test_time_after_2036),
		cmocka_unit_test(test_time_that_cannot_be_is_refused),
		cmocka_unit_test(test_time_is_asked_of_a_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
