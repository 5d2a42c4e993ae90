/*
 * https_url: an address that records may be sent to or lists fetched from. Https only: plain http
 * is refused by name, so that nobody falls back to it by a slip.
 */
#pragma once
#include "base/err.h"

#define XP_HTTPS_PATH_MAX 1024

struct xp_https_url {
	char host[254]; /* a name or an IPv4 address; IPv6 without its brackets */
	bool is_v6;
	char port[6];
	char path[XP_HTTPS_PATH_MAX]; /* begins with a slash; with the query, where there is one */
	bool has_query;
};

/*
 * XP_E_REFUSED: http. XP_E_USAGE: anything else that is no https address, has a user in it, a
 * fragment, or bytes that no address may hold.
 */
MUST_USE enum xp_rc xp_https_url_parse(struct xp_https_url *out, const char *url,
				       struct xp_err *err);

/* Does TEXT begin like an address ("word://"), and is thus no path of a file? */
bool xp_text_is_url(const char *text);
