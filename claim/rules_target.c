/* Rules about the target and the technique. The text of each stands in docs/methods.md. */
#include "claim/judge.h"

#include "base/cleanup.h"
#include "claim/firmware.h"
#include "device/protocol/ata_cmd.h"
#include "device/protocol/ata_identify.h"
#include "device/protocol/ata_log30.h"
#include "device/protocol/nvme_identify.h"

#include <string.h>

/* By its own word a format's erase goes to all namespaces (FNA bit 1). */
static bool erases_all(const struct xp_identity *id)
{
	struct xp_nvme_ctrl ctrl;

	for (size_t i = 0; i < id->raw_n; i++)
		if (id->raw[i].kind == XP_RAW_NVME_ID_CTRL &&
		    xp_nvme_ctrl_parse(&ctrl, id->raw[i].data, id->raw[i].len, NULL) == XP_OK)
			return ctrl.secure_erase_all;
	return false;
}

/* What a format will leave, as far as it can be told before it is carried out. */
static bool format_will_leave(const struct xp_judge *j)
{
	const struct xp_capacity_facts *c = j->capacity;

	if (j->erase ||
	    (j->technique != XP_NVME_FORMAT_CRYPTO && j->technique != XP_NVME_FORMAT_USER))
		return false;
	return c->unallocated || (c->namespaces > 1 && !erases_all(j->id));
}

/* 1: one namespace is not the drive. */
static void rule_one_namespace(struct xp_judge *j)
{
	bool one_block_node =
		j->id->bus == XP_BUS_NVME && xp_technique_is_host_overwrite(j->technique);

	if (j->erase && j->erase->command.leaves_namespaces &&
	    (j->id->bus == XP_BUS_SAS || j->id->bus == XP_BUS_SCSI))
		xp_judge_narrow(j, 1, "other-logical-units", XP_SCOPE_LOGICAL_UNIT,
				"the drive has other logical units, which may be left as they are");
	else if (format_will_leave(j) || (j->erase && j->erase->command.leaves_namespaces))
		xp_judge_narrow(j, 1, "other-namespaces", XP_SCOPE_NAMESPACE,
				"other namespaces or unallocated capacity were left as they are");
	else if (one_block_node && xp_judge_is_drive(j->id))
		xp_judge_narrow(j, 1, "other-namespaces", XP_SCOPE_NAMESPACE,
				"writes reach one namespace; others and unallocated capacity are "
				"left as they are");
}

/* Sanitize works on the whole medium by its standard, whatever part of it is addressable. */
static bool covers_hidden_areas(enum xp_technique t)
{
	switch (t) {
	case XP_ATA_SANITIZE_CRYPTO:
	case XP_ATA_SANITIZE_BLOCK:
	case XP_ATA_SANITIZE_OVERWRITE:
	case XP_SCSI_SANITIZE_CRYPTO:
	case XP_SCSI_SANITIZE_BLOCK:
	case XP_SCSI_SANITIZE_OVERWRITE:
	case XP_NVME_SANITIZE_CRYPTO:
	case XP_NVME_SANITIZE_BLOCK:
	case XP_NVME_SANITIZE_OVERWRITE:
		return true;
	case XP_OVERWRITE_ZERO:
	case XP_OVERWRITE_RANDOM:
	case XP_OVERWRITE_PATTERN:
	case XP_ATA_SECURE_ERASE:
	case XP_ATA_SECURE_ERASE_ENHANCED:
	case XP_SCSI_FORMAT:
	case XP_NVME_FORMAT_CRYPTO:
	case XP_NVME_FORMAT_USER:
	case XP_LUKS_DESTROY:
	case XP_FILE_OVERWRITE:
	case XP_TECHNIQUE_COUNT:
		break;
	}
	return false;
}

/* SECURITY ERASE UNIT goes to the native maximum, past HPA and AMAC, and never past a DCO. */
static bool reaches_native(enum xp_technique t)
{
	return t == XP_ATA_SECURE_ERASE || t == XP_ATA_SECURE_ERASE_ENHANCED;
}

/* 2: a part of the drive was hidden and stayed so. */
static void rule_hidden_areas_left(struct xp_judge *j)
{
	const struct xp_capacity_facts *c = j->capacity;
	uint64_t whole = c->native > c->factory ? c->native : c->factory;

	/* the figures count, also where the flags beside them deny it */
	if (!xp_judge_is_drive(j->id) || whole <= c->current)
		return;
	if (covers_hidden_areas(j->technique) ||
	    (reaches_native(j->technique) && c->native >= whole))
		xp_judge_note(j, 2, "hidden-areas-by-device",
			      "%llu bytes are hidden; the drive's own %s covers them by its "
			      "standard",
			      (unsigned long long)(whole - c->current),
			      reaches_native(j->technique) ? "security erase" : "sanitize");
	else
		xp_judge_lower(j, 2, "hidden-areas-left", XP_NONE, XP_OUTCOME_FAILED,
			       "%llu bytes behind HPA, DCO or AMAC were not restored and not "
			       "erased",
			       (unsigned long long)(whole - c->current));
}

/* A drive that speaks SCSI itself, by its own answers: no translation in between. */
static bool is_scsi_drive(const struct xp_identity *id)
{
	return (id->bus == XP_BUS_SAS || id->bus == XP_BUS_SCSI) &&
	       xp_judge_has_raw(id, XP_RAW_SCSI_INQUIRY) &&
	       !xp_judge_has_raw(id, XP_RAW_ATA_IDENTIFY);
}

/* 2: what this job lifted, and what it could not lift, stands beside the figures. */
static void rule_hidden_areas_changed(struct xp_judge *j)
{
	uint64_t bytes = 0;

	for (size_t i = 0; j->ev && i < j->ev->changes_n; i++) {
		const struct xp_capacity_change *c = &j->ev->changes[i];

		if (c->restored)
			bytes += c->to > c->from ? c->to - c->from : 0;
		else
			xp_judge_note(j, 2, "hidden-areas-kept", "%s could not be lifted: %.180s",
				      xp_hidden_area_name(c->area), c->why);
	}
	if (bytes)
		xp_judge_note(j, 2, "hidden-areas-restored",
			      "%llu bytes that the drive hid were given back before the erase",
			      (unsigned long long)bytes);
}

/*
 * 3: what lies beyond the capacity cannot be asked for. 4: an image or a logical volume has nothing
 * of the kind; a drive is believed to have none only where its own answer is at hand.
 */
static void rule_hidden_areas_unknown(struct xp_judge *j)
{
	bool answered = xp_judge_has_raw(j->id, XP_RAW_ATA_IDENTIFY) ||
			xp_judge_has_raw(j->id, XP_RAW_NVME_ID_CTRL) ||
			xp_judge_has_raw(j->id, XP_RAW_SCSI_READ_CAPACITY);
	bool unknown = j->capacity->hidden_areas_apply ? !j->capacity->hidden_areas_known
						       : xp_judge_is_drive(j->id) && !answered;

	if (!unknown)
		return;
	/* no bridge, and a command that goes to the whole medium by its standard: what is
	 * addressable does not matter */
	if (is_scsi_drive(j->id) && covers_hidden_areas(j->technique)) {
		xp_judge_note(j, 3, "hidden-areas-by-device",
			      "a reduced capacity cannot be asked for; the drive's sanitize covers "
			      "all of it by its standard");
		return;
	}
	xp_judge_limit(j, 3, "hidden-areas-unknown", XP_SCOPE_LOGICAL_UNIT, XP_CLEAR,
		       "the drive could not be asked for areas beyond its capacity");
	xp_judge_not_covered(j, "areas beyond the reported capacity (HPA, DCO, AMAC, unallocated)");
}

static bool bus_hides_the_drive(const struct xp_identity *id)
{
	switch (id->bus) {
	case XP_BUS_ATA:
	case XP_BUS_SAS:
	case XP_BUS_SCSI:
	case XP_BUS_NVME:
	case XP_BUS_MMC:
		return false;
	case XP_BUS_USB: /* a bridge, unless the drive behind it answered for itself */
		return !xp_judge_has_raw(id, XP_RAW_ATA_IDENTIFY) &&
		       !xp_judge_has_raw(id, XP_RAW_NVME_ID_CTRL);
	case XP_BUS_UNKNOWN:
	case XP_BUS_VIRTIO:
	case XP_BUS_XEN:
	case XP_BUS_LOOP:
	case XP_BUS_MEMORY:
	case XP_BUS_MAPPED:
	case XP_BUS_NETWORK:
	case XP_BUS_FILE:
		break;
	}
	return true;
}

/* 15: no drive in sight: a bridge, a volume, a virtual disk. */
static void rule_no_drive_in_sight(struct xp_judge *j)
{
	if (xp_judge_is_drive(j->id) && !bus_hides_the_drive(j->id))
		return;
	xp_judge_limit(j, 15, "no-drive-in-sight", XP_SCOPE_LOGICAL_UNIT, XP_CLEAR,
		       "the host sees a logical unit (media %s, bus %s), not the drive or the "
		       "storage that holds it",
		       xp_media_name(j->id->media), xp_bus_name(j->id->bus));
}

/* Does the drive say, in IDENTIFY DEVICE or log 30h, that all user data is encrypted? */
static bool ata_encrypts_all(const struct xp_identity *id)
{
	struct xp_ata_log30_security log;
	struct xp_ata_identify ata;

	for (size_t i = 0; i < id->raw_n; i++) {
		const struct xp_raw *r = &id->raw[i];

		if (r->kind == XP_RAW_ATA_IDENTIFY &&
		    xp_ata_identify_parse(&ata, r->data, r->len, NULL) == XP_OK && ata.encrypts_all)
			return true;
		if (r->kind == XP_RAW_ATA_LOG &&
		    r->arg == (XP_ATA_LOG_IDENTIFY_DATA << 8 | XP_ATA_LOG30_SECURITY) &&
		    xp_ata_log30_security_parse(&log, r->data, r->len, NULL) == XP_OK &&
		    log.capabilities_known && log.encrypts_all)
			return true;
	}
	return false;
}

/* Can it be that data was ever stored in plain text? An ATA drive's own answer decides for it. */
static bool may_be_plain(const struct xp_judge *j, const struct xp_key_facts *k)
{
	if (k && k->plaintext_before == XP_ANSWER_NO)
		return false;
	if (j->technique == XP_ATA_SANITIZE_CRYPTO)
		return (k && k->can_be_off == XP_ANSWER_YES) || !ata_encrypts_all(j->id);
	/* of other drives nothing is known before the run */
	return k && k->can_be_off != XP_ANSWER_NO;
}

/* 16: a key's destruction destroys only what never stood in plain text and has no other key. */
static void rule_keys_elsewhere(struct xp_judge *j)
{
	const struct xp_key_facts *k = j->erase ? &j->erase->command.keys : NULL;

	if (!xp_judge_is_crypto(j->technique))
		return;
	if (may_be_plain(j, k))
		xp_judge_lower(j, 16, "plaintext-possible", XP_CLEAR, XP_OUTCOME_SANITIZED,
			       "the encryption can be switched off, or may be, and it is not known "
			       "that no plain text was stored before");
	if (!k)
		return;
	if (k->copies_alive == XP_ANSWER_YES)
		xp_judge_lower(j, 16, "key-copies-alive", XP_CLEAR, XP_OUTCOME_SANITIZED,
			       "copies of the key or of its header are alive elsewhere");
	if (k->keeps_global_range)
		xp_judge_lower(j, 16, "global-range-kept", XP_CLEAR, XP_OUTCOME_SANITIZED,
			       "the key of the global range was kept");
}

/* 17: a drive that does not encrypt has no key whose loss destroys data. */
static void rule_media_encryption(struct xp_judge *j)
{
	if (j->erase && xp_judge_is_crypto(j->technique) &&
	    j->erase->command.keys.media_encryption == XP_ANSWER_NO)
		xp_judge_lower(j, 17, "no-media-encryption", XP_CLEAR, XP_OUTCOME_SANITIZED,
			       "the drive says that it does not encrypt its medium");
}

/* 18: some locking ranges kept their key. */
static void rule_ranges_left(struct xp_judge *j)
{
	if (j->erase && j->erase->command.keys.ranges_left)
		xp_judge_narrow(j, 18, "ranges-left", XP_SCOPE_PARTITION,
				"not all locking ranges got a new key");
}

/* 19: firmware that is known to fail or to lie: by the rows of the record, a plan by the table. */
static void rule_firmware(struct xp_judge *j)
{
	const char *why;
	enum xp_level cap = j->ev ? XP_PURGE : xp_firmware_cap(j->id, j->technique, &why);

	if (cap < XP_PURGE)
		xp_judge_lower(j, 19, "firmware", cap,
			       cap == XP_NONE ? XP_OUTCOME_FAILED : XP_OUTCOME_SANITIZED,
			       "firmware %.31s: %.120s", j->id->firmware, why);
	for (size_t i = 0; j->ev && i < j->ev->firmware_n; i++) {
		const struct xp_firmware_row *row = &j->ev->firmware[i];

		if (row->technique != j->technique)
			continue;
		xp_judge_lower(j, 19, "firmware", row->cap,
			       row->cap == XP_NONE ? XP_OUTCOME_FAILED : XP_OUTCOME_SANITIZED,
			       "firmware %.31s: %.120s", j->id->firmware, row->why);
	}
}

/* 21: nobody knows which drive this is. */
static void rule_unidentified(struct xp_judge *j)
{
	if (xp_judge_is_drive(j->id) && !j->id->serial[0] && !j->id->wwn[0])
		xp_judge_narrow(j, 21, "identity-unavailable", XP_SCOPE_LOGICAL_UNIT,
				"neither serial number nor WWN is available");
}

const struct xp_rule xp_rules_target[] = {
	{1, rule_one_namespace},
	{2, rule_hidden_areas_left},
	{2, rule_hidden_areas_changed},
	{3, rule_hidden_areas_unknown},
	{15, rule_no_drive_in_sight},
	{16, rule_keys_elsewhere},
	{17, rule_media_encryption},
	{18, rule_ranges_left},
	{19, rule_firmware},
	{21, rule_unidentified},
	{30, xp_rule_keys},
	{31, xp_rule_file},
};
const size_t xp_rules_target_n = XP_ARRAY_LEN(xp_rules_target);
