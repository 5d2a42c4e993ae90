#include "cli/https_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "certs/timestamp_http.h"

bool xp_text_is_url(const char *text)
{
	size_t n = 0;

	while (isalnum((unsigned char)text[n]) || text[n] == '+' || text[n] == '-' ||
	       text[n] == '.')
		n++;
	return n > 1 && strncmp(text + n, "://", 3) == 0;
}

static bool is_host_char(char c)
{
	return isalnum((unsigned char)c) || c == '.' || c == '-';
}

/* The host in HOST[0..LEN), with a port or without. */
static bool take_host(struct xp_https_url *out, const char *host, size_t len)
{
	size_t n = 0;
	size_t at = 0;

	if (len && host[0] == '[') {
		const char *close = memchr(host, ']', len);
		struct in6_addr a;

		if (!close || (size_t)(close - host) > sizeof(out->host))
			return false;
		n = (size_t)(close - host) - 1;
		memcpy(out->host, host + 1, n);
		out->host[n] = 0;
		out->is_v6 = true;
		at = n + 2;
		if (inet_pton(AF_INET6, out->host, &a) != 1)
			return false;
	} else {
		while (n < len && is_host_char(host[n]))
			n++;
		if (n == 0 || n >= sizeof(out->host) || host[0] == '.' || host[0] == '-')
			return false;
		memcpy(out->host, host, n);
		out->host[n] = 0;
		at = n;
	}
	return at == len ||
	       (host[at] == ':' && xp_http_port_parse(out->port, host + at + 1, len - at - 1));
}

enum xp_rc xp_https_url_parse(struct xp_https_url *out, const char *url, struct xp_err *err)
{
	const char *host = url + strlen("https://");
	const char *end;

	*out = (struct xp_https_url){.port = "443", .path = "/"};
	if (strncasecmp(url, "http://", strlen("http://")) == 0)
		return xp_fail(err, XP_E_REFUSED,
			       "%.200s: plain http can be read and changed by anybody on the way; "
			       "give an https address",
			       url);
	if (strncasecmp(url, "https://", strlen("https://")) != 0)
		return xp_fail(err, XP_E_USAGE, "%.200s: not an https address", url);
	for (const char *c = url; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '"' || *c == '<' || *c == '>' || *c == '\\')
			return xp_fail(err, XP_E_USAGE,
				       "the address holds what no address may hold");
	end = host + strcspn(host, "/?#");
	if (memchr(host, '@', (size_t)(end - host)))
		return xp_fail(err, XP_E_USAGE,
			       "an address with a user or password in it: put them into a header "
			       "file");
	if (!take_host(out, host, (size_t)(end - host)))
		return xp_fail(err, XP_E_USAGE, "%.200s: no host and port that can be used", url);
	if (strlen(end) + 2 > sizeof(out->path) || strchr(end, '#'))
		return xp_fail(err, XP_E_USAGE, "%.200s: too long, or with a fragment", url);
	if (*end)
		snprintf(out->path, sizeof(out->path), "%s%s", *end == '/' ? "" : "/", end);
	out->has_query = strchr(out->path, '?') != NULL;
	return XP_OK;
}
