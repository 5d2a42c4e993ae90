#include "device/probe_inside.h"

#include "device/protocol/nvme_cmd.h"

#include <stdio.h>
#include <stdlib.h>

static enum xp_asked identify(struct xp_probe *p, const char *what, uint8_t cns, uint32_t nsid,
			      uint8_t data[XP_NVME_IDENTIFY_LEN])
{
	struct xp_nvme_dwords dwords = xp_nvme_identify(cns, nsid);

	return xp_probe_nvme(p, what, &dwords, data);
}

static void ask_namespace(struct xp_probe *p, struct xp_nvme_ns_facts *out, uint32_t nsid)
{
	uint8_t data[XP_NVME_IDENTIFY_LEN];
	struct xp_err err = {0};
	char what[48];

	snprintf(what, sizeof(what), "Identify Namespace %u", nsid);
	out->nsid = nsid;
	out->identify = identify(p, what, XP_NVME_CNS_NS, nsid, data);
	if (out->identify != XP_ASKED_GOOD)
		return;
	xp_probe_keep(p, XP_RAW_NVME_ID_NS, nsid, data, sizeof(data));
	out->identify = xp_probe_decoded(
		p, what, xp_nvme_ns_parse(&out->ns, data, sizeof(data), &err), &err);
}

/* Another host may hold what several controllers see. */
__attribute__((noinline)) void xp_probe_nvme_reservation(struct xp_probe *p,
							 struct xp_nvme_ns_facts *out)
{
	uint8_t data[XP_NVME_RESERVATION_LEN];
	struct xp_nvme_dwords dwords = xp_nvme_reservation_report(out->nsid, sizeof(data));
	struct xp_err err = {0};
	char what[48];

	snprintf(what, sizeof(what), "Reservation Report %u", out->nsid);
	out->reservation_asked = xp_probe_nvme(p, what, &dwords, data);
	if (out->reservation_asked == XP_ASKED_GOOD)
		out->reservation_asked = xp_probe_decoded(
			p, what,
			xp_nvme_reservation_parse(&out->reservation, data, sizeof(data), &err),
			&err);
}

/* apart, so that the lists of all parts are never on the stack at once */
__attribute__((noinline)) static void ask_namespaces(struct xp_probe *p, struct xp_nvme_facts *f)
{
	uint8_t data[XP_NVME_IDENTIFY_LEN];
	struct xp_nvme_ns_list list = {0};
	struct xp_err err = {0};
	static const char what[] = "active namespaces";

	f->active_list = identify(p, what, XP_NVME_CNS_ACTIVE_NS_LIST, 0, data);
	if (f->active_list == XP_ASKED_GOOD)
		f->active_list = xp_probe_decoded(
			p, what, xp_nvme_ns_list_parse(&list, data, sizeof(data), &err), &err);
	if (f->active_list != XP_ASKED_GOOD)
		return;
	f->active_n = list.n;
	if (list.n == 0)
		return;
	f->ns_n = list.n < XP_NVME_NS_FACTS_MAX ? list.n : XP_NVME_NS_FACTS_MAX;
	f->ns = calloc(f->ns_n, sizeof(*f->ns));
	if (!f->ns) {
		f->ns_n = 0;
		p->broken = xp_fail(&p->err, XP_E_NOMEM, "no memory for namespaces");
		return;
	}
	for (size_t i = 0; i < f->ns_n; i++)
		ask_namespace(p, &f->ns[i], list.nsid[i]);
	for (size_t i = 0; i < f->ns_n; i++)
		if (f->ctrl.has_reservations && f->ns[i].identify == XP_ASKED_GOOD &&
		    f->ns[i].ns.is_shared)
			xp_probe_nvme_reservation(p, &f->ns[i]);
}

static void add_foreign(struct xp_nvme_facts *f, const struct xp_nvme_ctrl_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		bool known = list->cntlid[i] == f->ctrl.cntlid;

		for (size_t k = 0; k < f->foreign_n; k++)
			known = known || f->foreign[k] == list->cntlid[i];
		if (!known && f->foreign_n < XP_NVME_FOREIGN_MAX)
			f->foreign[f->foreign_n++] = list->cntlid[i];
	}
}

/*
 * Who else has a namespace. That a controller exists says nothing: most drives with two ports have
 * two.
 */
__attribute__((noinline)) static void ask_attached(struct xp_probe *p, struct xp_nvme_facts *f,
						   const struct xp_nvme_ns_list *allocated)
{
	uint8_t data[XP_NVME_IDENTIFY_LEN];
	struct xp_nvme_ctrl_list list;
	struct xp_err err = {0};
	char what[48];

	for (size_t i = 0; i < allocated->n && i < XP_NVME_NS_FACTS_MAX; i++) {
		snprintf(what, sizeof(what), "controllers of namespace %u", allocated->nsid[i]);
		f->attached_list =
			identify(p, what, XP_NVME_CNS_NS_CTRL_LIST, allocated->nsid[i], data);
		if (f->attached_list == XP_ASKED_GOOD)
			f->attached_list = xp_probe_decoded(
				p, what, xp_nvme_ctrl_list_parse(&list, data, sizeof(data), &err),
				&err);
		if (f->attached_list != XP_ASKED_GOOD)
			return;
		add_foreign(f, &list);
	}
}

/* The subsystem around the controller: namespaces that are not attached, other controllers. */
__attribute__((noinline)) static void ask_subsystem(struct xp_probe *p, struct xp_nvme_facts *f)
{
	uint8_t data[XP_NVME_IDENTIFY_LEN];
	struct xp_nvme_ns_list list;
	struct xp_nvme_ctrl_list controllers;
	struct xp_err err = {0};
	static const char allocated[] = "allocated namespaces";
	static const char others[] = "controllers of the subsystem";

	if (!f->ctrl.has_ns_management)
		return;
	f->allocated_list = identify(p, allocated, XP_NVME_CNS_ALLOC_NS_LIST, 0, data);
	if (f->allocated_list == XP_ASKED_GOOD) {
		f->allocated_list = xp_probe_decoded(
			p, allocated, xp_nvme_ns_list_parse(&list, data, sizeof(data), &err), &err);
		f->allocated_n = list.n;
	}
	if (f->allocated_list == XP_ASKED_GOOD)
		ask_attached(p, f, &list);
	f->controllers = identify(p, others, XP_NVME_CNS_CTRL_LIST, 0, data);
	if (f->controllers == XP_ASKED_GOOD) {
		f->controllers = xp_probe_decoded(
			p, others, xp_nvme_ctrl_list_parse(&controllers, data, sizeof(data), &err),
			&err);
		f->controllers_n = controllers.n;
	}
}

static void ask_logs(struct xp_probe *p, struct xp_nvme_facts *f)
{
	uint8_t data[XP_NVME_LOG_SANITIZE_LEN];
	struct xp_nvme_dwords dwords;
	struct xp_err err = {0};
	static const char health[] = "health log";
	static const char sanitize[] = "sanitize status log";

	dwords = xp_nvme_get_log(XP_NVME_LOG_SMART, XP_NVME_NSID_ALL, XP_NVME_LOG_SMART_LEN);
	f->health_log = xp_probe_nvme(p, health, &dwords, data);
	if (f->health_log == XP_ASKED_GOOD) {
		xp_probe_keep(p, XP_RAW_NVME_LOG, XP_NVME_LOG_SMART, data, sizeof(data));
		f->health_log = xp_probe_decoded(
			p, health, xp_nvme_health_parse(&f->health, data, sizeof(data), &err),
			&err);
	}
	if (!f->ctrl.sanitize_crypto && !f->ctrl.sanitize_block && !f->ctrl.sanitize_overwrite)
		return;
	dwords = xp_nvme_get_log(XP_NVME_LOG_SANITIZE, XP_NVME_NSID_ALL, XP_NVME_LOG_SANITIZE_LEN);
	f->sanitize_log = xp_probe_nvme(p, sanitize, &dwords, data);
	if (f->sanitize_log == XP_ASKED_GOOD) {
		xp_probe_keep(p, XP_RAW_NVME_LOG, XP_NVME_LOG_SANITIZE, data, sizeof(data));
		f->sanitize_log = xp_probe_decoded(
			p, sanitize,
			xp_nvme_sanitize_log_parse(&f->sanitize, data, sizeof(data), &err), &err);
	}
}

static void take_identity(struct xp_probe *p, const struct xp_nvme_facts *f)
{
	struct xp_identity *id = p->id;
	const struct xp_nvme_ns *ns = NULL;

	xp_probe_set(id->model, sizeof(id->model), f->ctrl.model);
	xp_probe_set(id->serial, sizeof(id->serial), f->ctrl.serial);
	xp_probe_set(id->firmware, sizeof(id->firmware), f->ctrl.firmware);
	if (id->bus == XP_BUS_UNKNOWN)
		id->bus = XP_BUS_NVME;
	if (id->media != XP_MEDIA_VIRTUAL)
		id->media = XP_MEDIA_SSD;
	/* a drive of one namespace is that namespace; of several, the caller knows which it means
	 */
	if (f->ns_n == 1 && f->ns[0].identify == XP_ASKED_GOOD)
		ns = &f->ns[0].ns;
	if (!ns)
		return;
	if (id->wwn[0] == 0)
		xp_probe_set(id->wwn, sizeof(id->wwn), ns->nguid[0] ? ns->nguid : ns->eui64);
	if (id->capacity_bytes == 0)
		id->capacity_bytes = ns->bytes;
	if (id->logical_block_bytes == 0)
		id->logical_block_bytes = ns->logical_bytes;
	if (id->physical_block_bytes == 0)
		id->physical_block_bytes = ns->logical_bytes;
}

static enum xp_asked ask_controller(struct xp_probe *p, struct xp_nvme_facts *f)
{
	uint8_t data[XP_NVME_IDENTIFY_LEN];
	struct xp_err err = {0};
	static const char what[] = "Identify Controller";

	f->identify = identify(p, what, XP_NVME_CNS_CTRL, 0, data);
	if (f->identify != XP_ASKED_GOOD)
		return f->identify;
	xp_probe_keep(p, XP_RAW_NVME_ID_CTRL, 0, data, sizeof(data));
	f->identify = xp_probe_decoded(
		p, what, xp_nvme_ctrl_parse(&f->ctrl, data, sizeof(data), &err), &err);
	return f->identify;
}

enum xp_asked xp_probe_nvme_identity(struct xp_probe *p, uint32_t nsid)
{
	struct xp_nvme_facts *f = &p->facts->nvme;
	struct xp_nvme_ns_facts one = {0};

	if (ask_controller(p, f) != XP_ASKED_GOOD)
		return f->identify;
	if (nsid)
		ask_namespace(p, &one, nsid);
	f->ns = &one;
	f->ns_n = nsid ? 1 : 0;
	take_identity(p, f);
	f->ns = NULL;
	f->ns_n = 0;
	return XP_ASKED_GOOD;
}

void xp_probe_nvme_drive(struct xp_probe *p)
{
	struct xp_nvme_facts *f = &p->facts->nvme;
	struct xp_hidden_facts *h = &p->facts->hidden;

	if (ask_controller(p, f) != XP_ASKED_GOOD)
		return;
	ask_namespaces(p, f);
	ask_subsystem(p, f);
	ask_logs(p, f);
	if (f->ctrl.has_security)
		xp_probe_tcg(p);
	take_identity(p, f);
	/* NVMe has neither HPA nor DCO: what is not in a namespace is unallocated, and shown as
	 * that */
	for (size_t i = 0; i < f->ns_n; i++)
		if (__builtin_add_overflow(h->current_bytes, f->ns[i].ns.bytes, &h->current_bytes))
			h->current_bytes = UINT64_MAX;
}
