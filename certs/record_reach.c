#include "certs/record_reach.h"

#include <string.h>

#include "base/wire.h"
#include "device/protocol/ata_identify.h"
#include "device/protocol/nvme_identify.h"

/* Of a submission queue entry. */
#define SQE_NSID 4

struct reach {
	const struct xp_record *r;
	struct xp_findings *f;
	bool claims;
};

#define DEFECT(c, name, ...)                                                                       \
	xp_findings_add((c)->f, (c)->claims ? "E_" name : "W_" name, __VA_ARGS__)

/* ---- hidden areas ---- */

/* Can there be any, by the drive's own word? */
static bool has_hidden_areas(const struct xp_identity *id)
{
	struct xp_ata_identify ata;

	for (size_t i = 0; i < id->raw_n && id->media != XP_MEDIA_VIRTUAL; i++)
		if (id->raw[i].kind == XP_RAW_ATA_IDENTIFY &&
		    xp_ata_identify_parse(&ata, id->raw[i].data, id->raw[i].len, NULL) == XP_OK &&
		    (ata.has_hpa || ata.has_amac || ata.has_dco))
			return true;
	return false;
}

static void check_facts(const struct reach *c, const struct xp_capacity_facts *f, const char *where)
{
	bool hides = f->hpa == XP_ANSWER_YES || f->amac == XP_ANSWER_YES;

	if (!f->hidden_areas_apply || !f->hidden_areas_known)
		return;
	if (!f->native || !f->factory || f->native < f->current)
		DEFECT(c, "EVIDENCE_MEDIA",
		       "%s: its hidden areas are called known, and the figures say otherwise",
		       where);
	else if ((hides && f->native <= f->current) ||
		 (f->dco == XP_ANSWER_YES && f->factory <= f->native))
		DEFECT(c, "EVIDENCE_MEDIA",
		       "%s: an area is called hidden, and no figure leaves room for it", where);
}

static void check_hidden(const struct reach *c)
{
	const struct xp_evidence *ev = &c->r->evidence;
	const struct xp_capacity_facts *after = &ev->capacity_after;

	check_facts(c, &ev->capacity, "capacity");
	if (ev->capacity_after_given)
		check_facts(c, after, "capacity.after");
	if (ev->capacity_after_given && ev->n && after->current &&
	    after->current != ev->phases[ev->n - 1].identity.capacity_bytes)
		DEFECT(c, "EVIDENCE_MEDIA",
		       "capacity.after.current_bytes: the last phase found another capacity");
	for (size_t i = 0; i < ev->n && !ev->capacity.hidden_areas_apply; i++)
		if (has_hidden_areas(&ev->phases[i].identity)) {
			DEFECT(c, "EVIDENCE_RAW",
			       "capacity.hidden_areas_apply: by the raw answer in evidence[%zu] "
			       "the drive can have some",
			       i);
			break;
		}
}

/* ---- namespaces ---- */

/* A format goes to all of them by the drive's word, or there is no other, and no room for one. */
static bool format_leaves(const struct xp_capacity_facts *f, const struct xp_identity *id)
{
	bool leaves = f->namespaces > 1;
	struct xp_nvme_ctrl ctrl;

	for (size_t i = 0; i < id->raw_n; i++)
		if (id->raw[i].kind == XP_RAW_NVME_ID_CTRL &&
		    xp_nvme_ctrl_parse(&ctrl, id->raw[i].data, id->raw[i].len, NULL) == XP_OK)
			return ctrl.unallocated_bytes || f->unallocated ||
			       (leaves && !ctrl.secure_erase_all);
	return leaves || f->unallocated;
}

static void check_format(const struct reach *c, size_t i)
{
	const struct xp_phase *p = &c->r->evidence.phases[i];

	if ((p->technique == XP_NVME_FORMAT_CRYPTO || p->technique == XP_NVME_FORMAT_USER) &&
	    !p->command.leaves_namespaces && format_leaves(&c->r->evidence.capacity, &p->identity))
		DEFECT(c, "EVIDENCE_RAW",
		       "evidence[%zu].command.leaves_namespaces: the drive's own figures say "
		       "otherwise",
		       i);
}

/*
 * A format of another namespace than the one that was identified, or of one of another size than
 * the target, did nothing to the target.
 */
static void check_format_target(const struct reach *c, size_t i)
{
	const struct xp_phase *p = &c->r->evidence.phases[i];
	const struct xp_command_result *k = &p->command;
	uint32_t nsid = k->cdb_len == sizeof(k->cdb) ? get_le32(k->cdb + SQE_NSID) : 0;
	struct xp_nvme_ns ns;

	if (p->technique != XP_NVME_FORMAT_CRYPTO && p->technique != XP_NVME_FORMAT_USER)
		return;
	for (size_t b = 0; b < k->before_n; b++)
		if (k->before[b].kind == XP_RAW_NVME_ID_NS && k->before[b].arg == nsid &&
		    xp_nvme_ns_parse(&ns, k->before[b].data, k->before[b].len, NULL) == XP_OK &&
		    (p->identity.partition || ns.bytes == p->identity.capacity_bytes))
			return;
	DEFECT(c, "EVIDENCE_RAW",
	       "evidence[%zu].command.cdb: the namespace that was formatted is not the one that "
	       "the drive told of, or not the target",
	       i);
}

/* ---- the command ---- */

static bool ata_can(const struct xp_ata_identify *ata, enum xp_technique t)
{
	switch (t) {
	case XP_ATA_SANITIZE_CRYPTO:
		return ata->sanitize.supported && ata->sanitize.crypto;
	case XP_ATA_SANITIZE_BLOCK:
		return ata->sanitize.supported && ata->sanitize.block;
	case XP_ATA_SANITIZE_OVERWRITE:
		return ata->sanitize.supported && ata->sanitize.overwrite;
	default:
		return true;
	}
}

static bool nvme_can(const struct xp_nvme_ctrl *ctrl, enum xp_technique t)
{
	switch (t) {
	case XP_NVME_SANITIZE_CRYPTO:
		return ctrl->sanitize_crypto;
	case XP_NVME_SANITIZE_BLOCK:
		return ctrl->sanitize_block;
	case XP_NVME_SANITIZE_OVERWRITE:
		return ctrl->sanitize_overwrite;
	case XP_NVME_FORMAT_CRYPTO:
		return ctrl->has_format && ctrl->crypto_erase;
	case XP_NVME_FORMAT_USER:
		return ctrl->has_format;
	default:
		return true;
	}
}

/* A success of what the drive does not have is another drive's. */
static void check_ability(const struct reach *c, size_t at)
{
	const struct xp_phase *p = &c->r->evidence.phases[at];
	bool can = true;

	for (size_t i = 0; i < p->identity.raw_n; i++) {
		const struct xp_raw *raw = &p->identity.raw[i];
		struct xp_ata_identify ata;
		struct xp_nvme_ctrl ctrl;

		if (raw->kind == XP_RAW_ATA_IDENTIFY &&
		    xp_ata_identify_parse(&ata, raw->data, raw->len, NULL) == XP_OK)
			can &= ata_can(&ata, p->technique);
		else if (raw->kind == XP_RAW_NVME_ID_CTRL &&
			 xp_nvme_ctrl_parse(&ctrl, raw->data, raw->len, NULL) == XP_OK)
			can &= nvme_can(&ctrl, p->technique);
	}
	if (!can)
		DEFECT(c, "EVIDENCE_RAW",
		       "evidence[%zu].technique: by its own raw answer the drive has no %s", at,
		       xp_technique_name(p->technique));
}

/* ---- keys ---- */

static enum xp_answer plaintext_before(const struct xp_record *r)
{
	enum xp_answer answer = XP_ANSWER_UNKNOWN;

	(void)xp_answer_parse(&answer, r->plaintext_before);
	return answer;
}

static enum xp_answer copies_alive(const struct xp_record *r)
{
	if (!r->header_backups[0] || strcmp(r->header_backups, "unknown") == 0)
		return XP_ANSWER_UNKNOWN;
	return strcmp(r->header_backups, "none") == 0 ? XP_ANSWER_NO : XP_ANSWER_YES;
}

/* What the operator said of the keys stands in the record twice. */
static void check_keys(const struct reach *c, size_t i)
{
	const struct xp_phase *p = &c->r->evidence.phases[i];
	const struct xp_key_facts *k = &p->command.keys;
	/* of a drive's own keys nobody is asked, so far */
	bool is_asked = p->technique == XP_LUKS_DESTROY;

	if ((is_asked || k->plaintext_before != XP_ANSWER_UNKNOWN) &&
	    k->plaintext_before != plaintext_before(c->r))
		DEFECT(c, "EVIDENCE_MEDIA",
		       "evidence[%zu].keys.plaintext_before: media.plaintext_before says otherwise",
		       i);
	if ((is_asked || k->copies_alive != XP_ANSWER_UNKNOWN) &&
	    k->copies_alive != copies_alive(c->r))
		DEFECT(c, "EVIDENCE_MEDIA",
		       "evidence[%zu].keys.copies_alive: media.header_backups says otherwise", i);
}

/* All of the rest was searched for copies of the header, or it was not. */
static void check_search(const struct reach *c, size_t i)
{
	const struct xp_phase *p = &c->r->evidence.phases[i];
	uint64_t areas = xp_evidence_goal_bytes(&c->r->evidence, p);
	uint64_t capacity = p->identity.capacity_bytes;
	uint64_t rest = capacity > areas ? capacity - areas : 0;

	if (p->search.searched_bytes > rest ||
	    (p->search.searched_all && p->search.searched_bytes != rest))
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].search.searched_bytes: not what is left beside the areas of "
		       "the keys",
		       i);
}

static void check_volumes(const struct reach *c, size_t i)
{
	const struct xp_phase *p = &c->r->evidence.phases[i];

	for (size_t k = 0; k < p->volume_n; k++) {
		const struct xp_luks_volume *v = &p->volumes[k];

		if (xp_luks_cipher_is_null(v->cipher) && !v->not_encrypted)
			DEFECT(c, "EVIDENCE_MEDIA",
			       "evidence[%zu].volumes[%zu].not_encrypted: its cipher encrypts "
			       "nothing",
			       i, k);
		/* what nobody saw a header of is no volume: its data may stand there as it is */
		if ((v->primary == XP_LUKS_ABSENT && v->secondary == XP_LUKS_ABSENT) ||
		    (v->unread_bytes && v->unread_bytes >= v->area_bytes) ||
		    (v->version != 1 && v->version != 2))
			DEFECT(c, "EVIDENCE_MEDIA",
			       "evidence[%zu].volumes[%zu]: no header told of it, or none of a "
			       "version that there is",
			       i, k);
	}
}

/* ---- the file ---- */

/* In their order, without a gap: what was written lies somewhere, all of it. */
static bool map_covers(const struct xp_file_facts *f, uint64_t bytes)
{
	uint64_t at = 0;

	for (size_t i = 0; i < f->extent_n && at < bytes; i++) {
		const struct xp_file_extent *e = &f->extents[i];

		if (e->offset > at || __builtin_add_overflow(e->offset, e->len, &at))
			return false;
	}
	return at >= bytes;
}

static void check_file(const struct reach *c, size_t i)
{
	const struct xp_phase *p = &c->r->evidence.phases[i];
	const struct xp_phase *before = xp_evidence_file(&c->r->evidence, p);
	const struct xp_file_facts *f = &p->file;

	if (!p->file_known)
		return;
	if (before && (before->file.fs != f->fs || before->file.below != f->below))
		DEFECT(c, "EVIDENCE_MEDIA",
		       "evidence[%zu].file: it lay on another file system before it was written",
		       i);
	if (f->map_known && !f->elsewhere && f->fs != XP_FS_TMPFS &&
	    !map_covers(f, p->identity.capacity_bytes))
		DEFECT(c, "EVIDENCE_EXTENTS",
		       "evidence[%zu].file.map: all of it is known, and it is not all of the file",
		       i);
}

void xp_record_check_reach(const struct xp_record *r, bool claims, struct xp_findings *findings)
{
	const struct reach c = {.r = r, .f = findings, .claims = claims};

	check_hidden(&c);
	for (size_t i = 0; i < r->evidence.n; i++) {
		const struct xp_phase *p = &r->evidence.phases[i];

		check_volumes(&c, i);
		if (p->kind == XP_PHASE_READBACK && p->technique == XP_LUKS_DESTROY)
			check_search(&c, i);
		if (p->kind != XP_PHASE_ERASE)
			continue;
		check_file(&c, i);
		check_format(&c, i);
		check_format_target(&c, i);
		check_ability(&c, i);
		check_keys(&c, i);
	}
}
