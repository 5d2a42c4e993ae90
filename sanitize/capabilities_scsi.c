#include "sanitize/capabilities.h"

#include "sanitize/restore_scsi.h"

/* A change of key is over in moments; block erases go many times faster than writes. */
#define CRYPTO_SECONDS	  10
#define BLOCK_BYTES_PER_S 2000000000ULL
/* What media of either kind bear for hours. */
#define HDD_BYTES_PER_S 150000000ULL
#define SSD_BYTES_PER_S 400000000ULL

static uint64_t overwrite_seconds(const struct xp_scsi_facts *f)
{
	uint64_t rate = f->media.is_non_rotating ? SSD_BYTES_PER_S : HDD_BYTES_PER_S;

	return f->read_capacity == XP_ASKED_GOOD ? f->capacity.bytes / rate + 1 : 0;
}

static void add(struct xp_capabilities *out, const struct xp_scsi_facts *f, enum xp_technique t,
		uint64_t seconds)
{
	if (f->reservation == XP_ASKED_GOOD && f->is_reserved)
		xp_capabilities_obstacle(
			out, t, XP_REFUSED_RESERVED,
			"release it on the host that holds it (sg_persist --release)",
			"a host has reserved the drive");
	else
		xp_capabilities_add(out, t, seconds);
}

/*
 * A drive that is at a sanitize, or whose last one failed, answers little: not even whether it has
 * the command. It has, as can be seen, and another one is the only way out.
 */
static bool is_at_a_sanitize(const struct xp_scsi_facts *f)
{
	return f->request_sense == XP_ASKED_GOOD &&
	       (xp_sense_says_sanitizing(&f->sense) || xp_sense_says_sanitize_failed(&f->sense));
}

static bool may_have(const struct xp_scsi_facts *f, enum xp_tristate said, bool is_likely)
{
	return said == XP_YES || (said == XP_UNSAID && is_likely && is_at_a_sanitize(f));
}

void xp_capabilities_scsi(struct xp_capabilities *out, const struct xp_target *target,
			  const struct xp_drive_facts *facts)
{
	const struct xp_scsi_facts *f = &facts->scsi;
	bool has_media = f->media.is_rotating || f->media.is_non_rotating;

	(void)target;
	out->restores_reduced = xp_scsi_restore_applies(facts);
	out->writes_same = f->write_same == XP_YES;
	if (may_have(f, f->sanitize_crypto, f->media.is_non_rotating))
		add(out, f, XP_SCSI_SANITIZE_CRYPTO, CRYPTO_SECONDS);
	if (may_have(f, f->sanitize_block, f->media.is_non_rotating))
		add(out, f, XP_SCSI_SANITIZE_BLOCK, f->capacity.bytes / BLOCK_BYTES_PER_S + 1);
	if (may_have(f, f->sanitize_overwrite, true))
		add(out, f, XP_SCSI_SANITIZE_OVERWRITE, overwrite_seconds(f));
	/*
	 * Every disk has FORMAT UNIT [SBC-4]; what is no disk, a volume or a bridge, may take it
	 * for anything.
	 */
	if (f->inquiry == XP_ASKED_GOOD && f->inq.type == 0 && has_media && !facts->is_bridged &&
	    f->read_capacity == XP_ASKED_GOOD)
		add(out, f, XP_SCSI_FORMAT, overwrite_seconds(f));
}
