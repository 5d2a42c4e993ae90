#include "device/luks_close.h"

#include <errno.h>
#include <libcryptsetup.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static void be_silent(int level, const char *msg, void *ctx)
{
	(void)level;
	(void)msg;
	(void)ctx;
}

/* "CRYPT-LUKS2-0123456789abcdef0123456789abcdef-name": the dashes of the UUID were left out. */
static void take_uuid(char out[41], const char *dm_uuid)
{
	static const unsigned groups[] = {8, 4, 4, 4, 12};
	const char *p = dm_uuid + strlen("CRYPT-LUKSn-");
	size_t n = 0;

	out[0] = 0;
	if (strspn(p, "0123456789abcdefABCDEF") < 32)
		return;
	for (size_t i = 0; i < XP_ARRAY_LEN(groups); p += groups[i++])
		n += (size_t)snprintf(out + n, 41 - n, "%s%.*s", i ? "-" : "", (int)groups[i], p);
}

static void add_holder(struct xp_luks_mappings *out, const struct xp_sysroot *root,
		       const char *holder)
{
	struct xp_luks_mapping *m = &out->list[out->n];
	char uuid[160];
	uint64_t suspended = 0;

	if (out->n == XP_LUKS_MAPPINGS_MAX || strlen(holder) >= sizeof(m->node) ||
	    !xp_sysroot_read_text(uuid, sizeof(uuid), root, "sys/class/block/%s/dm/uuid", holder) ||
	    strncmp(uuid, "CRYPT-LUKS", 10) != 0 || strlen(uuid) < strlen("CRYPT-LUKSn-"))
		return;
	*m = (struct xp_luks_mapping){0};
	take_uuid(m->uuid, uuid);
	snprintf(m->node, sizeof(m->node), "%s", holder);
	if (!xp_sysroot_read_text(m->name, sizeof(m->name), root, "sys/class/block/%s/dm/name",
				  holder))
		return;
	(void)xp_sysroot_read_u64(&suspended, root, "sys/class/block/%s/dm/suspended", holder);
	m->suspended = suspended != 0;
	for (size_t i = 0; i < out->n; i++)
		if (strcmp(out->list[i].node, m->node) == 0)
			return;
	out->n++;
}

static void add_holders_of(struct xp_luks_mappings *out, const struct xp_sysroot *root,
			   const char *node)
{
	AUTO(xp_names_free) struct xp_names holders = {0};

	if (xp_sysroot_list(&holders, root, NULL, "sys/class/block/%s/holders", node) != XP_OK)
		return;
	for (size_t i = 0; i < holders.n; i++)
		add_holder(out, root, holders.list[i]);
}

void xp_luks_mappings_find(struct xp_luks_mappings *out, const struct xp_sysroot *root,
			   const struct xp_target *target)
{
	AUTO(xp_names_free) struct xp_names parts = {0};

	*out = (struct xp_luks_mappings){0};
	if (target->kind == XP_TARGET_IMAGE)
		return;
	add_holders_of(out, root, target->node);
	if (target->kind != XP_TARGET_DISK ||
	    xp_sysroot_list(&parts, root, NULL, "sys/class/block/%s", target->node) != XP_OK)
		return;
	for (size_t i = 0; i < parts.n; i++)
		if (xp_sysroot_has(root, "sys/class/block/%s/%s/partition", target->node,
				   parts.list[i]))
			add_holders_of(out, root, parts.list[i]);
}

enum xp_rc xp_luks_close(const struct xp_luks_mapping *m, const struct xp_sysroot *root,
			 struct xp_err *err)
{
	int rc;

	if (!root->is_live)
		return xp_fail(err, XP_E_REFUSED, "%s: a captured tree has no mappings", m->name);
	crypt_set_log_callback(NULL, be_silent, NULL);
	/* it looks at the header: without locks it mends nothing */
	(void)crypt_metadata_locking(NULL, 0);
	rc = crypt_deactivate_by_name(NULL, m->name, 0);
	if (rc == -EBUSY)
		return xp_fail(
			err, XP_E_REFUSED,
			"the mapping %s (%s) is in use: unmount it, and take down what stands "
			"on it",
			m->name, m->node);
	if (rc) {
		errno = -rc;
		return xp_fail_errno(err, rc == -EPERM || rc == -EACCES ? XP_E_PERM : XP_E_IO,
				     "closing the mapping %s (%s)", m->name, m->node);
	}
	if (xp_sysroot_has(root, "sys/class/block/%s", m->node))
		return xp_fail(err, XP_E_REFUSED, "the kernel still shows the mapping %s (%s)",
			       m->name, m->node);
	return XP_OK;
}
