#include "cli/upload_time.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/about.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/wire.h"

/* [RFC 4330 4] */
#define AT_FLAGS     0 /* leap indicator, version, mode */
#define AT_STRATUM   1
#define AT_ORIGINATE 24
#define AT_RECEIVE   32
#define AT_TRANSMIT  40
#define VERSION_4    4u
#define MODE_CLIENT  3u
#define MODE_SERVER  4u
#define LEAP_ALARM   3u
#define STRATUM_MAX  15u
#define UNIX_EPOCH   2208988800LL /* seconds from 1900 to 1970 */
#define ERA_SECONDS  (1LL << 32)
#define YEAR_2100_S  4102444800LL

void xp_sntp_request(uint8_t out[XP_SNTP_BYTES], uint64_t nonce)
{
	memset(out, 0, XP_SNTP_BYTES);
	out[AT_FLAGS] = VERSION_4 << 3 | MODE_CLIENT;
	put_be32(out + AT_TRANSMIT, (uint32_t)(nonce >> 32));
	put_be32(out + AT_TRANSMIT + 4, (uint32_t)nonce);
}

/* Milliseconds since 1970. Seconds wrap in 2036: a first bit of 0 is the era after that [3]. */
static int64_t unix_ms(const uint8_t *p)
{
	int64_t s = (int64_t)get_be32(p);
	int64_t fraction_ms = (int64_t)(((uint64_t)get_be32(p + 4) * 1000u) >> 32);

	if (!(p[0] & 0x80))
		s += ERA_SECONDS;
	return (s - UNIX_EPOCH) * 1000 + fraction_ms;
}

enum xp_rc xp_sntp_answer(int64_t *offset_ms, const uint8_t *data, size_t len, uint64_t nonce,
			  int64_t sent_ms, int64_t got_ms, struct xp_err *err)
{
	const uint64_t echo = len >= XP_SNTP_BYTES ? get_be64(data + AT_ORIGINATE) : 0;
	int64_t in_ms, out_ms;

	if (len < XP_SNTP_BYTES)
		return xp_fail(err, XP_E_MALFORMED, "the time server's answer is cut");
	if ((data[AT_FLAGS] & 7u) != MODE_SERVER || echo != nonce)
		return xp_fail(err, XP_E_MALFORMED,
			       "the time server's answer is not for this question");
	if (data[AT_FLAGS] >> 6 == LEAP_ALARM || data[AT_STRATUM] == 0 ||
	    data[AT_STRATUM] > STRATUM_MAX)
		return xp_fail(err, XP_E_MALFORMED, "the time server does not know the time");
	in_ms = unix_ms(data + AT_RECEIVE);
	out_ms = unix_ms(data + AT_TRANSMIT);
	if (get_be64(data + AT_TRANSMIT) == 0 || out_ms < XP_ABOUT_BUILD_DAY_S * 1000 ||
	    out_ms >= YEAR_2100_S * 1000 || out_ms < in_ms || out_ms - in_ms > 60000)
		return xp_fail(err, XP_E_MALFORMED, "the time server says a time that cannot be");
	*offset_ms = ((in_ms - sent_ms) + (out_ms - got_ms)) / 2;
	return XP_OK;
}

static void split(char host[256], char port[8], const char *text)
{
	const char *close = text[0] == '[' ? strchr(text, ']') : NULL;
	const char *colon = strchr(close ? close : text, ':');

	/* several colons and no brackets: an address of version 6 */
	if (!close && colon && strchr(colon + 1, ':'))
		colon = NULL;
	if (close)
		snprintf(host, 256, "%.*s", (int)(close - text - 1), text + 1);
	else
		snprintf(host, 256, "%.*s", colon ? (int)(colon - text) : 255, text);
	snprintf(port, 8, "%.6s", colon ? colon + 1 : "123");
}

static enum xp_rc exchange(int64_t *offset_ms, const struct addrinfo *a, const char *host,
			   unsigned timeout_ms, struct xp_err *err)
{
	AUTO_FD int fd = socket(a->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t packet[XP_SNTP_BYTES];
	uint8_t answer[512];
	int64_t sent_ms;
	uint64_t nonce;
	ssize_t n;

	TRY(xp_rng_bytes(xp_rng_system(), &nonce, sizeof(nonce), err));
	xp_sntp_request(packet, nonce);
	if (fd < 0 || connect(fd, a->ai_addr, a->ai_addrlen) != 0)
		return xp_fail_errno(err, XP_E_IO, "%s", host);
	sent_ms = xp_clock_wall_ms(xp_clock_system());
	if (send(fd, packet, sizeof(packet), 0) != (ssize_t)sizeof(packet))
		return xp_fail_errno(err, XP_E_IO, "%s", host);
	if (poll(&p, 1, (int)timeout_ms) <= 0)
		return xp_fail(err, XP_E_TIMEOUT, "%s: no answer in time", host);
	n = recv(fd, answer, sizeof(answer), 0);
	if (n < 0)
		return xp_fail_errno(err, XP_E_IO, "%s", host);
	if (xp_sntp_answer(offset_ms, answer, (size_t)n, nonce, sent_ms,
			   xp_clock_wall_ms(xp_clock_system()), err) != XP_OK)
		return xp_err_prefix(err, "%s", host);
	return XP_OK;
}

enum xp_rc xp_sntp_ask(int64_t *offset_ms, const char *text, unsigned timeout_ms,
		       struct xp_err *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	enum xp_rc rc = XP_E_IO;
	char host[256];
	char port[8];
	int why;

	split(host, port, text);
	why = getaddrinfo(host, port, &hints, &list);
	if (why)
		return xp_fail(err, XP_E_IO, "%s: %s", host, gai_strerror(why));
	for (const struct addrinfo *a = list; a && rc != XP_OK; a = a->ai_next)
		rc = exchange(offset_ms, a, host, timeout_ms, err);
	freeaddrinfo(list);
	return rc;
}
