#include "base/patient.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

bool xp_write_patiently(int fd, const void *data, size_t len, bool *is_stuck)
{
	const unsigned char *at = data;

	while (len) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		ssize_t n = write(fd, at, len);
		int ready;

		if (n > 0) {
			at += n;
			len -= (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n >= 0 || errno != EAGAIN || *is_stuck)
			return false;
		do
			ready = poll(&p, 1, XP_PATIENCE_MS);
		while (ready < 0 && errno == EINTR);
		if (ready <= 0) {
			*is_stuck = true;
			return false;
		}
	}
	*is_stuck = false;
	return true;
}
