#include "base/wire.h"
#include "tests/emu/drive_ata_inside.h"

#include <string.h>

/* wrong passwords that are borne, until the next power-on */
#define TRIES 5

/* The 512 bytes that carry a password. */
struct password {
	bool is_master, bit_1, bit_8;
	uint8_t word[EMU_PASSWORD_LEN];
	uint16_t master_id;
};

static bool take(struct password *p, const struct emu_ata_cmd *cmd)
{
	if (cmd->len != 512)
		return false;
	p->is_master = (cmd->out[0] & 0x01) != 0;
	p->bit_1 = (cmd->out[0] & 0x02) != 0;
	p->bit_8 = (cmd->out[1] & 0x01) != 0;
	memcpy(p->word, cmd->out + 2, sizeof(p->word));
	p->master_id = get_le16(cmd->out + 34);
	return true;
}

static bool fits(const struct emu_ata *d, const struct password *p)
{
	if (p->is_master)
		return !memcmp(p->word, d->sec.master, sizeof(p->word));
	return d->sec.enabled && !memcmp(p->word, d->sec.user, sizeof(p->word));
}

void emu_ata_security_power_on(struct emu_ata *d)
{
	d->sec.locked = d->sec.enabled;
	d->sec.frozen = d->cfg.has_security && d->cfg.frozen_at_power_on && !d->sec.locked;
	d->sec.expired = false;
	d->sec.prepared = false;
	d->sec.tries_left = TRIES;
}

enum emu_ata_sec emu_ata_security_state(const struct emu_ata *d)
{
	if (!d->powered)
		return d->sec.enabled ? EMU_SEC3 : EMU_SEC0;
	if (!d->sec.enabled)
		return d->sec.frozen ? EMU_SEC2 : EMU_SEC1;
	if (d->sec.locked)
		return EMU_SEC4;
	return d->sec.frozen ? EMU_SEC6 : EMU_SEC5;
}

void emu_ata_do_set_password(struct emu_ata *d, const struct emu_ata_cmd *cmd,
			     struct emu_ata_result *r)
{
	struct emu_ata_security *s = &d->sec;
	struct password p;

	if (!d->cfg.has_security || s->locked || s->frozen || !take(&p, cmd)) {
		emu_ata_abort(r);
		return;
	}
	if (d->faults.set_password_forgotten)
		return;
	if (p.is_master) {
		memcpy(s->master, p.word, sizeof(s->master));
		if (p.master_id != 0 && p.master_id != 0xffff)
			s->master_id = p.master_id;
		return;
	}
	memcpy(s->user, p.word, sizeof(s->user));
	s->enabled = true;
	s->maximum = p.bit_8;
}

void emu_ata_do_unlock(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	struct emu_ata_security *s = &d->sec;
	struct password p;

	if (!d->cfg.has_security || s->frozen || s->expired || !take(&p, cmd)) {
		emu_ata_abort(r);
		return;
	}
	/* Maximum: the master password does not unlock */
	if (fits(d, &p) && !(p.is_master && s->enabled && s->maximum)) {
		s->locked = false;
		return;
	}
	emu_ata_abort(r);
	if (s->locked && --s->tries_left == 0)
		s->expired = true;
}

void emu_ata_do_erase_prepare(struct emu_ata *d, const struct emu_ata_cmd *cmd,
			      struct emu_ata_result *r)
{
	(void)cmd;
	if (!d->cfg.has_security || d->sec.frozen) {
		emu_ata_abort(r);
		return;
	}
	d->sec.prepared = true;
}

/* What the erase has done after DONE of ALL. */
static void erase(struct emu_ata *d, bool enhanced, uint64_t done, uint64_t all)
{
	struct emu_erase e = {
		.kind = d->cfg.is_ssd ? EMU_ERASE_CELLS : EMU_ERASE_WRITE,
		.sectors = d->hid.native,
		.pattern = enhanced && d->faults.vendor_pattern ? d->faults.pattern : 0,
		.spare = enhanced,
		.leave = d->faults.leave,
	};

	if (done < all) {
		e.sectors = (uint64_t)((double)e.sectors * ((double)done / (double)all));
		e.spare = false;
	}
	if (enhanced && d->cfg.encrypts) {
		e.kind = EMU_ERASE_KEY;
		if (d->faults.keeps_key)
			return;
	}
	emu_media_erase(d->media, &e);
}

void emu_ata_do_erase_unit(struct emu_ata *d, const struct emu_ata_cmd *cmd,
			   struct emu_ata_result *r)
{
	struct emu_ata_security *s = &d->sec;
	struct password p;
	uint64_t all, done;
	enum emu_end end;

	if (!d->cfg.has_security || s->frozen || s->expired || !s->prepared || !take(&p, cmd) ||
	    !fits(d, &p) || (p.bit_1 && !d->cfg.has_enhanced_erase) || d->faults.erase_refused) {
		emu_ata_abort(r);
		return;
	}
	s->prepared = false;
	all = (p.bit_1 ? d->cfg.enhanced_seconds : d->cfg.erase_seconds) * EMU_S;
	end = emu_ata_busy(d, all, &done);
	erase(d, p.bit_1, done, all);
	if (end != EMU_END_DONE) {
		/* what was begun is not open to anybody without the password */
		s->locked = s->enabled;
		emu_ata_cut_off(d, end, r);
		return;
	}
	s->enabled = s->locked = s->maximum = false;
}

void emu_ata_do_freeze_lock(struct emu_ata *d, const struct emu_ata_cmd *cmd,
			    struct emu_ata_result *r)
{
	(void)cmd;
	if (!d->cfg.has_security || d->sec.locked) {
		emu_ata_abort(r);
		return;
	}
	d->sec.frozen = true;
}

void emu_ata_do_disable_password(struct emu_ata *d, const struct emu_ata_cmd *cmd,
				 struct emu_ata_result *r)
{
	struct emu_ata_security *s = &d->sec;
	struct password p;

	if (!d->cfg.has_security || s->locked || s->frozen || !take(&p, cmd) || !fits(d, &p) ||
	    (p.is_master && s->maximum)) {
		emu_ata_abort(r);
		return;
	}
	s->enabled = s->maximum = false;
}
