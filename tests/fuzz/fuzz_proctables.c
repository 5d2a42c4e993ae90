/* mountinfo, swaps and device numbers of any bytes: understood whole, or refused. */
#include "device/blockmap.h"
#include "device/proctables.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t lines_of(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n + (len > 0 && text[len - 1] != '\n');
}

static void try_mounts(const char *text, size_t len)
{
	struct xp_mounts m = {0};
	struct xp_err err = {0};
	enum xp_rc rc = xp_mounts_parse(&m, text, len, "mnt:[1]", &err);

	/* a line that is dropped in silence is a mount that nobody sees */
	if (rc == XP_OK && m.n != lines_of(text, len))
		abort();
	if (rc != XP_OK && rc != XP_E_MALFORMED)
		abort();
	for (size_t i = 0; i < m.n; i++)
		if (!m.list[i].point || !m.list[i].source || !m.list[i].options)
			abort();
	xp_mounts_free(&m);
}

static void try_swaps(const char *text, size_t len)
{
	struct xp_swaps s = {0};
	struct xp_err err = {0};
	enum xp_rc rc = xp_swaps_parse(&s, text, len, &err);

	if (rc == XP_OK && len > 0 && s.n + 1 != lines_of(text, len))
		abort();
	if (rc != XP_OK && rc != XP_E_MALFORMED)
		abort();
	xp_swaps_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	dev_t dev;

	if (!text)
		return 0;
	if (len)
		memcpy(text, data, len);
	text[len] = 0;
	try_mounts(text, len);
	try_swaps(text, len);
	(void)xp_dev_parse(&dev, text);
	free(text);
	return 0;
}
