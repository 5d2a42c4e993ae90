#include "cli/job_alone.h"

#include <errno.h>
#include <limits.h>
#include <openssl/sha.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define NAME_HEX 40

/* The same folder by one name, whether it is there yet or not. */
static void name_of(char out[2 * SHA256_DIGEST_LENGTH + 1], const char *state)
{
	char cwd[PATH_MAX] = "";
	AUTO_MEM char *real = state ? realpath(state, NULL) : NULL;
	AUTO(xp_buf_free) struct xp_buf path = {0};
	uint8_t hash[SHA256_DIGEST_LENGTH];

	if (!state) /* each user's own */
		xp_buf_printf(&path, "of user %u", (unsigned)geteuid());
	else if (real)
		xp_buf_puts(&path, real);
	else if (*state != '/' && getcwd(cwd, sizeof(cwd)))
		xp_buf_printf(&path, "%s/%s", cwd, state);
	else
		xp_buf_puts(&path, state);
	while (path.len > 1 && path.data[path.len - 1] == '/')
		path.data[--path.len] = 0;
	SHA256((const uint8_t *)xp_buf_str(&path), strlen(xp_buf_str(&path)), hash);
	xp_hex_encode(out, hash, sizeof(hash));
}

enum xp_rc xp_hold_alone(int *fd, const char *what, const char *state, struct xp_err *err)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char hex[2 * SHA256_DIGEST_LENGTH + 1];
	int n;

	name_of(hex, state);
	n = snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "expunge-%.20s:%.*s", what, NAME_HEX,
		     hex);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return xp_fail_errno(err, XP_E_IO, "socket");
	if (bind(*fd, (struct sockaddr *)&a,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0)
		return XP_OK;
	if (errno == EADDRINUSE)
		xp_fail(err, XP_E_REFUSED, "%s on this state folder is under way already", what);
	else
		xp_fail_errno(err, XP_E_IO, "bind");
	close(*fd);
	*fd = -1;
	return err ? err->rc : XP_E_IO;
}
