#include "cli/cmd_inspect_facts.h"

#include "cli/output.h"

#include <stdio.h>

/* All setters take a NULL value (no memory) as jansson does: the key is then missing. */
static void set(json_t *o, const char *key, json_t *v)
{
	if (v)
		json_object_set_new(o, key, v);
}

static void set_bool(json_t *o, const char *key, bool v)
{
	set(o, key, json_boolean(v));
}

static void set_int(json_t *o, const char *key, uint32_t v)
{
	set(o, key, json_integer(v));
}

/* Names from drives: nothing is said where there is none. */
static void set_text(json_t *o, const char *key, const char *v)
{
	if (v[0])
		set(o, key, json_string(v));
}

static json_t *add_object(json_t *o, const char *key)
{
	json_t *v = json_object();

	set(o, key, v);
	return v;
}

static void put_ata_security(json_t *o, const struct xp_ata_identify *id)
{
	const struct xp_ata_security *s = &id->security;
	json_t *j = add_object(o, "security");

	if (id->security_is_contradictory) {
		set_bool(j, "contradictory", true);
		return;
	}
	set_bool(j, "supported", s->supported);
	if (!s->supported)
		return;
	set_bool(j, "enabled", s->enabled);
	set_bool(j, "locked", s->locked);
	set_bool(j, "frozen", s->frozen);
	set_bool(j, "count_expired", s->count_expired);
	set_bool(j, "enhanced_erase", s->has_enhanced_erase);
	set(j, "master_capability", json_string(s->master_is_maximum ? "maximum" : "high"));
	set_int(j, "master_id", s->master_id);
	if (s->normal_minutes)
		set_int(j, "erase_minutes", s->normal_minutes);
	if (s->enhanced_minutes)
		set_int(j, "enhanced_erase_minutes", s->enhanced_minutes);
}

static void put_ata_sanitize(json_t *o, const struct xp_ata_facts *a)
{
	json_t *j = add_object(o, "sanitize");

	set_bool(j, "supported", a->id.sanitize.supported);
	if (!a->id.sanitize.supported)
		return;
	set_bool(j, "crypto", a->id.sanitize.crypto);
	set_bool(j, "block", a->id.sanitize.block);
	set_bool(j, "overwrite", a->id.sanitize.overwrite);
	set_bool(j, "antifreeze", a->id.sanitize.antifreeze);
	set(j, "status", json_string(xp_ata_sanitize_state_name(a->sanitize.state)));
	set_bool(j, "frozen", a->sanitize.frozen);
	if (a->sanitize.state == XP_ATA_SANITIZE_RUNNING)
		set_int(j, "progress_percent", (uint32_t)a->sanitize.progress * 100 / 65536);
	if (a->security_page == XP_ASKED_GOOD && a->security_log.capabilities_known)
		set_bool(j, "overrides_security", a->security_log.restricted_sanitize_overrides);
}

static void put_ata_features(json_t *o, const struct xp_ata_identify *id)
{
	json_t *j = add_object(o, "features");

	set_bool(j, "host_protected_area", id->has_hpa);
	set_bool(j, "device_configuration_overlay", id->has_dco);
	set_bool(j, "accessible_max_address", id->has_amac);
	set_bool(j, "trim", id->has_trim);
	set_bool(j, "trim_deterministic", id->trim_is_deterministic);
	set_bool(j, "trim_reads_zero", id->trim_reads_zero);
	set_bool(j, "trusted_computing", id->has_trusted_computing);
	set_bool(j, "encrypts_all", id->encrypts_all);
}

static void put_ata(json_t *o, const struct xp_ata_facts *a)
{
	json_t *j = add_object(o, "ata");

	set_int(j, "rpm", a->id.rpm);
	set(j, "rotation",
	    json_string(a->id.rotation == XP_ATA_ROTATION_NONE	? "none"
			: a->id.rotation == XP_ATA_ROTATION_RPM ? "rotating"
								: "unknown"));
	set(j, "sectors", xp_json_u64(a->id.sectors));
	set_int(j, "logical_sector_bytes", a->id.logical_bytes);
	set_int(j, "physical_sector_bytes", a->id.physical_bytes);
	set(j, "return_registers", json_string(xp_asked_name(a->registers)));
	put_ata_features(j, &a->id);
	put_ata_security(j, &a->id);
	put_ata_sanitize(j, a);
}

static const char *tristate(enum xp_tristate v)
{
	return v == XP_YES ? "yes" : v == XP_NO ? "no" : "not said";
}

static void put_bridge(json_t *o, const struct xp_drive_facts *f)
{
	const struct xp_scsi_facts *s = &f->scsi;
	json_t *j;

	if (!f->is_bridged && s->translation != XP_ASKED_GOOD)
		return;
	j = add_object(o, "bridge");
	set_bool(j, "usb", f->is_bridged);
	set_text(j, "vendor", s->translation == XP_ASKED_GOOD ? s->sat.vendor : s->inq.vendor);
	set_text(j, "product", s->translation == XP_ASKED_GOOD ? s->sat.product : s->inq.product);
	set_text(j, "revision",
		 s->translation == XP_ASKED_GOOD ? s->sat.revision : s->inq.revision);
	if (f->is_bridged)
		set_text(j, "serial", s->serial);
}

static const char *after_name(enum xp_scsi_after v)
{
	switch (v) {
	case XP_SCSI_AFTER_UNSAID:
		return "not said";
	case XP_SCSI_AFTER_GOOD:
		return "reads succeed";
	case XP_SCSI_AFTER_ERROR:
		return "reads fail";
	case XP_SCSI_AFTER_WRITE_FIRST:
		return "reads fail until written";
	}
	return "not said";
}

static void put_scsi_state(json_t *j, const struct xp_scsi_facts *s)
{
	if (s->request_sense != XP_ASKED_GOOD)
		return;
	set_bool(j, "sanitizing", xp_sense_says_sanitizing(&s->sense));
	set_bool(j, "formatting", xp_sense_says_formatting(&s->sense));
	set_bool(j, "sanitize_failed", xp_sense_says_sanitize_failed(&s->sense));
	if (s->sense.has_progress)
		set_int(j, "progress_percent", (uint32_t)s->sense.progress * 100 / 65536);
}

static void put_scsi(json_t *o, const struct xp_scsi_facts *s)
{
	json_t *j = add_object(o, "scsi");
	json_t *sanitize;

	set_text(j, "vendor", s->inq.vendor);
	set_text(j, "product", s->inq.product);
	set_text(j, "revision", s->inq.revision);
	set_text(j, "unit_serial", s->serial);
	set_text(j, "naa", s->names.naa);
	set_text(j, "eui", s->names.eui);
	if (s->media_page == XP_ASKED_GOOD)
		set_int(j, "rpm", s->media.rpm);
	if (s->read_capacity == XP_ASKED_GOOD) {
		set_int(j, "logical_block_bytes", s->capacity.logical_bytes);
		set_int(j, "protection_type", s->capacity.protection_type);
		set_bool(j, "thin_or_trimmed", s->capacity.is_provisioned);
	}
	if (s->reservation == XP_ASKED_GOOD)
		set_bool(j, "reserved", s->is_reserved);
	sanitize = add_object(j, "sanitize");
	set(sanitize, "crypto", json_string(tristate(s->sanitize_crypto)));
	set(sanitize, "block", json_string(tristate(s->sanitize_block)));
	set(sanitize, "overwrite", json_string(tristate(s->sanitize_overwrite)));
	if (s->media_page == XP_ASKED_GOOD) {
		set(sanitize, "after_block", json_string(after_name(s->media.after_block_erase)));
		set(sanitize, "after_crypto", json_string(after_name(s->media.after_crypto_erase)));
	}
	put_scsi_state(sanitize, s);
}

static void put_nvme_sanitize(json_t *o, const struct xp_nvme_facts *n)
{
	json_t *j = add_object(o, "sanitize");
	uint16_t progress;

	set_bool(j, "crypto", n->ctrl.sanitize_crypto);
	set_bool(j, "block", n->ctrl.sanitize_block);
	set_bool(j, "overwrite", n->ctrl.sanitize_overwrite);
	set_bool(j, "no_deallocate_inhibited", n->ctrl.no_deallocate_inhibited);
	set_bool(j, "media_verification", n->ctrl.has_media_verification);
	if (n->sanitize_log != XP_ASKED_GOOD)
		return;
	set(j, "status", json_string(xp_nvme_sanitize_state_name(n->sanitize.state)));
	if (xp_nvme_sanitize_phase_name(n->sanitize.phase))
		set(j, "phase", json_string(xp_nvme_sanitize_phase_name(n->sanitize.phase)));
	if (xp_nvme_sanitize_progress(&progress, &n->sanitize))
		set_int(j, "progress_percent", (uint32_t)progress * 100 / 65536);
	set_bool(j, "unwritten_since", n->sanitize.global_data_erased);
	if (n->sanitize.crypto_s != XP_NVME_NO_ESTIMATE)
		set_int(j, "crypto_seconds", n->sanitize.crypto_s);
	if (n->sanitize.block_s != XP_NVME_NO_ESTIMATE)
		set_int(j, "block_seconds", n->sanitize.block_s);
	if (n->sanitize.overwrite_s != XP_NVME_NO_ESTIMATE)
		set_int(j, "overwrite_seconds", n->sanitize.overwrite_s);
}

static json_t *namespace_json(const struct xp_nvme_ns_facts *f)
{
	json_t *j = json_object();

	if (!j)
		return NULL;
	set_int(j, "nsid", f->nsid);
	set(j, "answer", json_string(xp_asked_name(f->identify)));
	if (f->identify != XP_ASKED_GOOD)
		return j;
	set(j, "bytes", xp_json_u64(f->ns.bytes));
	set_int(j, "logical_block_bytes", f->ns.logical_bytes);
	set_int(j, "metadata_bytes", f->ns.metadata_bytes);
	set_int(j, "protection_type", f->ns.protection_type);
	set_bool(j, "shared", f->ns.is_shared);
	if (f->reservation_asked == XP_ASKED_GOOD)
		set_bool(j, "reserved", f->reservation.type != 0);
	set_text(j, "nguid", f->ns.nguid);
	set_text(j, "eui64", f->ns.eui64);
	return j;
}

static void put_nvme(json_t *o, const struct xp_nvme_facts *n)
{
	json_t *j = add_object(o, "nvme");
	json_t *format;
	json_t *list = json_array();
	char version[24];

	snprintf(version, sizeof(version), "%u.%u", n->ctrl.version >> 16,
		 n->ctrl.version >> 8 & 0xff);
	set_text(j, "version", version);
	set_text(j, "subsystem", n->ctrl.subnqn);
	set_int(j, "controller", n->ctrl.cntlid);
	if (n->controllers == XP_ASKED_GOOD)
		set_int(j, "controllers", (uint32_t)n->controllers_n);
	set(j, "total_bytes", xp_json_u64(n->ctrl.total_bytes));
	set(j, "unallocated_bytes", xp_json_u64(n->ctrl.unallocated_bytes));
	if (n->allocated_list == XP_ASKED_GOOD)
		set_int(j, "allocated_namespaces", (uint32_t)n->allocated_n);
	set_bool(j, "replay_protected_memory", n->ctrl.has_rpmb);
	put_nvme_sanitize(j, n);
	format = add_object(j, "format");
	set_bool(format, "supported", n->ctrl.has_format);
	set_bool(format, "crypto_erase", n->ctrl.crypto_erase);
	set_bool(format, "format_reaches_all", n->ctrl.format_all);
	set_bool(format, "erase_reaches_all", n->ctrl.secure_erase_all);
	for (size_t i = 0; list && i < n->ns_n; i++)
		json_array_append_new(list, namespace_json(&n->ns[i]));
	set(j, "namespaces", list);
}

static void put_hidden(json_t *o, const struct xp_hidden_facts *h)
{
	json_t *j = add_object(o, "hidden_areas");

	set(j, "known", json_string(!h->apply ? "does not apply" : h->known ? "yes" : "no"));
	set(j, "current_bytes", xp_json_u64(h->current_bytes));
	if (h->apply && h->known) {
		set(j, "native_bytes", xp_json_u64(h->native_bytes));
		set(j, "factory_bytes", xp_json_u64(h->factory_bytes));
		set_bool(j, "hides_data", h->factory_bytes > h->current_bytes);
	} else if (h->apply) {
		set_text(j, "why", h->why);
	}
}

static void put_tcg(json_t *o, const struct xp_drive_facts *f)
{
	json_t *j;

	if (f->tcg_asked != XP_ASKED_GOOD)
		return;
	j = add_object(o, "tcg");
	set(j, "subsystem_class", json_string(xp_tcg_ssc_name(&f->tcg)));
	set_bool(j, "media_encryption", f->tcg.media_encryption);
	set_bool(j, "locking_enabled", f->tcg.locking_enabled);
	set_bool(j, "locked", f->tcg.locked);
	set_bool(j, "shadow_mbr", f->tcg.mbr_enabled);
}

static void put_health(json_t *o, const struct xp_drive_facts *f)
{
	const struct xp_nvme_health *h = &f->nvme.health;
	json_t *j = add_object(o, "health");

	if (f->is_ata && f->ata.smart == XP_ASKED_GOOD)
		set_bool(j, "failure_predicted", f->ata.smart_exceeded);
	if (f->is_ata && f->ata.statistics_page == XP_ASKED_GOOD &&
	    f->ata.statistics.power_on_hours_known)
		set_int(j, "power_on_hours", f->ata.statistics.power_on_hours);
	/* FAILURE PREDICTION THRESHOLD EXCEEDED */
	if (f->scsi.exceptions == XP_ASKED_GOOD)
		set_bool(j, "failure_predicted", f->scsi.exception_asc == 0x5d);
	if (f->nvme.health_log != XP_ASKED_GOOD)
		return;
	set_int(j, "critical_warning", h->critical_warning);
	if (h->kelvin)
		set(j, "celsius", json_integer((json_int_t)h->kelvin - 273));
	set_int(j, "spare_percent", h->spare_percent);
	set_int(j, "used_percent", h->used_percent);
	set(j, "power_on_hours", xp_json_u64(h->power_on_hours));
	set(j, "media_errors", xp_json_u64(h->media_errors));
}

static void put_notes(json_t *o, const struct xp_drive_facts *f)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < f->notes_n; i++) {
		json_t *j = json_object();

		set(j, "what", json_string(f->notes[i].what));
		set(j, "answer", json_string(xp_asked_name(f->notes[i].answer)));
		set_text(j, "why", f->notes[i].why);
		json_array_append_new(list, j);
	}
	set(o, "not_answered", list);
}

json_t *xp_inspect_facts(const struct xp_drive_facts *f)
{
	json_t *o = json_object();

	if (!o)
		return NULL;
	set(o, "protocol",
	    json_string(f->transport == XP_TRANSPORT_NVME ? "nvme"
			: f->is_ata			  ? "ata"
							  : "scsi"));
	put_bridge(o, f);
	if (f->is_ata)
		put_ata(o, &f->ata);
	else if (f->transport == XP_TRANSPORT_SCSI)
		put_scsi(o, &f->scsi);
	else
		put_nvme(o, &f->nvme);
	put_hidden(o, &f->hidden);
	put_tcg(o, f);
	put_health(o, f);
	put_notes(o, f);
	return o;
}
