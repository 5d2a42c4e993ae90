#include "sanitize/capabilities.h"

#include <stdio.h>

#include "sanitize/method_nvme_format.h"

/* A format with a change of key is over in moments, one of user data goes at this rate at least. */
#define CRYPTO_SECONDS	   10
#define FORMAT_BYTES_PER_S 1000000000ULL

/* The drive's own estimate; 0 where it gives none. */
static uint64_t estimate(uint32_t seconds)
{
	return seconds == XP_NVME_NO_ESTIMATE ? 0 : seconds;
}

/* Says what is in the way of a command that reaches the whole drive. false: nothing. */
static bool add_obstacle(struct xp_capabilities *out, enum xp_technique t,
			 const struct xp_nvme_facts *f)
{
	if (f->foreign_n == 0)
		return false;
	xp_capabilities_obstacle(
		out, t, XP_REFUSED_SHARED_CONTROLLER,
		"detach the namespaces from the other host's controller (nvme detach-ns), or run "
		"on that host",
		"namespaces of this drive are attached to %zu other controllers (the first is "
		"%u), of another host perhaps: it would erase their data, too",
		f->foreign_n, f->foreign[0]);
	return true;
}

static void add_sanitize(struct xp_capabilities *out, const struct xp_nvme_facts *f)
{
	const struct {
		bool has;
		enum xp_technique technique;
		uint32_t seconds;
	} rows[] = {
		{f->ctrl.sanitize_crypto, XP_NVME_SANITIZE_CRYPTO, f->sanitize.crypto_s},
		{f->ctrl.sanitize_block, XP_NVME_SANITIZE_BLOCK, f->sanitize.block_s},
		{f->ctrl.sanitize_overwrite, XP_NVME_SANITIZE_OVERWRITE, f->sanitize.overwrite_s},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!rows[i].has)
			continue;
		/* without its log no sanitize can be seen through */
		if (f->sanitize_log != XP_ASKED_GOOD)
			xp_capabilities_obstacle(out, rows[i].technique, XP_REFUSED_UNKNOWN,
						 "update the drive's firmware, or format it",
						 "the sanitize status log cannot be read (%s)",
						 xp_asked_name(f->sanitize_log));
		else if (!add_obstacle(out, rows[i].technique, f))
			xp_capabilities_add(out, rows[i].technique, estimate(rows[i].seconds));
	}
}

static void add_format(struct xp_capabilities *out, const struct xp_nvme_facts *f)
{
	uint32_t nsid = xp_nvme_format_target(f);
	bool reaches_all = f->ctrl.secure_erase_all || f->ctrl.format_all;
	const struct xp_nvme_ns *ns = NULL;

	for (size_t i = 0; i < f->ns_n; i++)
		if (f->ns[i].nsid == nsid && f->ns[i].identify == XP_ASKED_GOOD)
			ns = &f->ns[i].ns;
	/* which format to keep is not known */
	if (!f->ctrl.has_format || !ns)
		return;
	/* drives that take SES 2 though they say they cannot do it do something else */
	if (f->ctrl.crypto_erase &&
	    !((reaches_all || ns->is_shared) && add_obstacle(out, XP_NVME_FORMAT_CRYPTO, f)))
		xp_capabilities_add(out, XP_NVME_FORMAT_CRYPTO, CRYPTO_SECONDS);
	if (!((reaches_all || ns->is_shared) && add_obstacle(out, XP_NVME_FORMAT_USER, f)))
		xp_capabilities_add(out, XP_NVME_FORMAT_USER, ns->bytes / FORMAT_BYTES_PER_S + 1);
}

void xp_capabilities_nvme(struct xp_capabilities *out, const struct xp_target *target,
			  const struct xp_drive_facts *facts)
{
	const struct xp_nvme_facts *f = &facts->nvme;

	(void)target;
	if (f->identify != XP_ASKED_GOOD)
		return;
	add_sanitize(out, f);
	add_format(out, f);
}
