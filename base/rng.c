#include "base/rng.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/buf.h"

static enum xp_rc system_bytes(void *ctx, void *out, size_t len, struct xp_err *err)
{
	uint8_t *p = out;

	(void)ctx;
	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return xp_fail_errno(err, XP_E_IO, "getrandom");
		p += n;
		len -= (size_t)n;
	}
	return XP_OK;
}

const struct xp_rng *xp_rng_system(void)
{
	static const struct xp_rng rng = {.bytes = system_bytes};

	return &rng;
}

enum xp_rc xp_rng_bytes(const struct xp_rng *rng, void *out, size_t len, struct xp_err *err)
{
	return rng->bytes(rng->ctx, out, len, err);
}

enum xp_rc xp_uuid7(char out[XP_UUID_LEN], const struct xp_rng *rng, int64_t wall_ms,
		    struct xp_err *err)
{
	uint8_t u[16];
	char hex[33];

	TRY(xp_rng_bytes(rng, u, sizeof(u), err));
	for (int i = 0; i < 6; i++)
		u[i] = (uint8_t)(wall_ms >> (40 - 8 * i));
	u[6] = (uint8_t)((u[6] & 0x0f) | 0x70);
	u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
	xp_hex_encode(hex, u, sizeof(u));
	snprintf(out, XP_UUID_LEN, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
		 hex + 20);
	return XP_OK;
}
