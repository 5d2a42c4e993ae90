/* How far an NVMe drive's own commands reach: other namespaces of the drive, and who must agree. */
#include "sanitize/plan_parts.h"

#include <string.h>

#include "sanitize/method_nvme_format.h"

static bool is_format(enum xp_technique t)
{
	return t == XP_NVME_FORMAT_CRYPTO || t == XP_NVME_FORMAT_USER;
}

static bool is_sanitize(enum xp_technique t)
{
	return t == XP_NVME_SANITIZE_CRYPTO || t == XP_NVME_SANITIZE_BLOCK ||
	       t == XP_NVME_SANITIZE_OVERWRITE;
}

/* A format's blast is what it formats and what it erases [NVMe Base, FNA bits 0 and 1]. */
static bool reaches_all(const struct xp_plan_request *req, enum xp_technique t)
{
	const struct xp_nvme_ctrl *c = req->facts ? &req->facts->nvme.ctrl : NULL;

	if (is_format(t))
		return !c || c->format_all || c->secure_erase_all;
	return is_sanitize(t);
}

bool xp_plan_reach(const struct xp_plan *p, const struct xp_plan_request *req)
{
	bool reaches = p->has_technique && reaches_all(req, p->technique);

	for (unsigned i = 0; i < p->fallbacks_n; i++)
		reaches = reaches || reaches_all(req, p->fallbacks[i]);
	return reaches;
}

static enum xp_rc blast_namespaces(struct xp_plan *p, const struct xp_nvme_facts *f,
				   struct xp_err *err)
{
	uint32_t own = xp_nvme_format_target(f);

	for (size_t i = 0; i < f->ns_n; i++) {
		const struct xp_nvme_ns_facts *n = &f->ns[i];

		if (n->nsid == own)
			continue;
		TRY(xp_plan_blast(p, err, "namespace %u of the same drive, %llu bytes%s", n->nsid,
				  (unsigned long long)n->ns.bytes,
				  n->ns.is_shared ? ", shared with other controllers" : ""));
	}
	if (f->active_n > f->ns_n)
		TRY(xp_plan_blast(p, err, "%zu further namespaces of the same drive",
				  f->active_n - f->ns_n));
	return XP_OK;
}

static enum xp_rc blast_unattached(struct xp_plan *p, const struct xp_nvme_facts *f,
				   struct xp_err *err)
{
	if (f->allocated_list == XP_ASKED_GOOD && f->allocated_n > f->active_n)
		TRY(xp_plan_blast(p, err,
				  "%zu namespaces of the same drive that are not attached here: no "
				  "node shows them",
				  f->allocated_n - f->active_n));
	if (f->allocated_list != XP_ASKED_GOOD && f->ctrl.has_multiple_controllers)
		TRY(xp_plan_blast(p, err,
				  "namespaces that only other controllers of the drive see, if "
				  "there are any: the drive does not tell"));
	if (f->ctrl.unallocated_bytes)
		TRY(xp_plan_blast(p, err, "%llu bytes that no namespace has",
				  (unsigned long long)f->ctrl.unallocated_bytes));
	return XP_OK;
}

enum xp_rc xp_plan_blast_nvme(struct xp_plan *p, const struct xp_plan_request *req,
			      struct xp_err *err)
{
	const struct xp_nvme_facts *f = &req->facts->nvme;

	if (!reaches_all(req, p->technique))
		return XP_OK;
	TRY(blast_namespaces(p, f, err));
	if (is_sanitize(p->technique))
		TRY(blast_unattached(p, f, err));
	return XP_OK;
}
