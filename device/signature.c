#include "device/signature.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define ROUNDS_MAX 64 /* a target that never runs out of signatures is lying */

static void probe_free(blkid_probe *pr)
{
	if (*pr)
		blkid_free_probe(*pr);
	*pr = NULL;
}

static void value_add(struct xp_buf *b, blkid_probe pr, const char *name, const char *label)
{
	const char *text;
	size_t len;

	if (blkid_probe_lookup_value(pr, name, &text, &len))
		return;
	if (label)
		xp_buf_printf(b, "%s%s=", b->len ? " " : "", label);
	for (size_t i = 0; i < len && text[i]; i++) {
		if (text[i] < 0x21 || text[i] > 0x7e || text[i] == '\\')
			xp_buf_printf(b, "\\x%02x", (unsigned)(unsigned char)text[i]);
		else
			xp_buf_putc(b, text[i]);
	}
}

static enum xp_rc line_add(char *out, size_t size, blkid_probe pr, struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf line = {0};
	size_t used = strlen(out);

	value_add(&line, pr, "TYPE", NULL);
	value_add(&line, pr, "PTTYPE", NULL);
	value_add(&line, pr, "LABEL", "label");
	value_add(&line, pr, "UUID", "uuid");
	value_add(&line, pr, "PTUUID", "uuid");
	if (!xp_buf_ok(&line))
		return xp_fail(err, XP_E_NOMEM, "signatures");
	if (!line.len || used + line.len + 2 > size)
		return XP_OK;
	if (used)
		out[used++] = '\n';
	memcpy(out + used, line.data, line.len + 1);
	return XP_OK;
}

enum xp_rc xp_signatures_read(char *out, size_t size, int fd, struct xp_err *err)
{
	AUTO(probe_free) blkid_probe pr = blkid_new_probe();

	out[0] = 0;
	if (!pr)
		return xp_fail(err, XP_E_NOMEM, "libblkid");
	if (blkid_probe_set_device(pr, fd, 0, 0))
		return xp_fail_errno(err, XP_E_IO, "libblkid cannot read it");
	blkid_probe_enable_superblocks(pr, 1);
	blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID |
						      BLKID_SUBLKS_TYPE | BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(pr, 1);
	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		int rc = blkid_do_probe(pr);

		if (rc == 1)
			return XP_OK;
		if (rc)
			return xp_fail(err, XP_E_IO, "libblkid cannot read it");
		TRY(line_add(out, size, pr, err));
	}
	return XP_OK;
}
