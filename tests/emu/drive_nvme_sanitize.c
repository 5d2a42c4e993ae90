#include "base/wire.h"
#include "tests/emu/drive_nvme_inside.h"

#include <string.h>

/* CDW10 */
#define SANACT_MASK	 0x07U
#define ACT_EXIT_FAILURE 1
#define ACT_BLOCK	 2
#define ACT_OVERWRITE	 3
#define ACT_CRYPTO	 4
#define ACT_EXIT_VERIFY	 5
#define AUSE		 (1U << 3)
#define OIPBP		 (1U << 8)
#define NDAS		 (1U << 9)
#define EMVS		 (1U << 10)
/* SSTAT 2:0 */
#define SOS_NEVER	    0
#define SOS_SUCCESS	    1
#define SOS_RUNNING	    2
#define SOS_FAILED	    3
#define SOS_SUCCESS_DEALLOC 4
/* SSTAT */
#define GDE	0x0100U
#define MVCNCLD 0x0200U
/* Asynchronous events: I/O command set specific */
#define EVENT_IO_SPECIFIC 6
#define INFO_COMPLETED	  1
#define INFO_DEALLOCATED  2
#define INFO_VERIFICATION 3
#define LOG_SANITIZE	  0x81
#define FEATURE_SANITIZE  0x17
#define WHOLE		  65536ULL
#define NO_PROGRESS	  0xffffU

static bool is_processing(const struct emu_nvme_sanitizing *s)
{
	return s->state == EMU_NVME_RESTRICTED || s->state == EMU_NVME_UNRESTRICTED;
}

static bool has_failed(const struct emu_nvme_sanitizing *s)
{
	return s->state == EMU_NVME_RESTRICTED_FAILURE || s->state == EMU_NVME_UNRESTRICTED_FAILURE;
}

static unsigned passes_of(uint32_t cdw10)
{
	return (cdw10 >> 4 & 0x0f) ? cdw10 >> 4 & 0x0f : 16;
}

/* What is left mapped where a liar leaves something: one run of it at a time. */
static void unmap(struct emu_media *m, uint64_t sectors, const struct emu_leave *leave)
{
	uint64_t end;

	switch (leave->kind) {
	case EMU_LEAVE_NOTHING:
	case EMU_LEAVE_SPARE:
		emu_media_trim(m, 0, sectors);
		break;
	case EMU_LEAVE_EXTENT:
		end = leave->first + leave->n;
		emu_media_trim(m, 0, leave->first < sectors ? leave->first : sectors);
		if (end < sectors)
			emu_media_trim(m, end, sectors - end);
		break;
	case EMU_LEAVE_STRIPE:
		for (uint64_t at = leave->n; leave->n && at < sectors; at += 4 * leave->n)
			emu_media_trim(m, at,
				       sectors - at < 3 * leave->n ? sectors - at : 3 * leave->n);
		break;
	case EMU_LEAVE_ALL:
		break;
	}
}

void emu_nvme_wipe(struct emu_nvme *d, struct emu_media *data, struct emu_media *meta,
		   const struct emu_wipe *w)
{
	struct emu_erase e = w->erase;
	uint64_t sectors = e.sectors;
	bool is_whole = w->share >= 1;
	/* metadata is kept inverted: zeros are what reads as FFh, and is not checked */
	struct emu_erase fresh = {.kind = EMU_ERASE_CELLS,
				  .sectors = emu_meta_sectors(d, sectors * 512)};

	if (e.kind == EMU_ERASE_KEY) {
		if (d->faults.keeps_key || !is_whole)
			return;
		emu_media_erase(data, &e);
		if (w->keeps_mapped && d->cfg.no_deallocate_modifies != 2)
			fresh = (struct emu_erase){.kind = EMU_ERASE_KEY, .leave = e.leave};
	} else {
		e.sectors = (uint64_t)((double)sectors * w->share);
		e.spare = e.spare && is_whole;
		emu_media_erase(data, &e);
	}
	if (!is_whole)
		return;
	emu_media_erase(meta, &fresh);
	if (w->keeps_mapped)
		return;
	if (d->faults.leave_unmapped)
		emu_media_trim(data, 0, sectors);
	else
		unmap(data, sectors, &d->faults.leave);
}

/* Each medium of the subsystem, but for a fault. NS: NULL for what is not allocated. */
static bool is_reached(const struct emu_nvme *d, const struct emu_nvme_ns *ns)
{
	return !d->faults.detached_left || (ns && (ns->attached >> d->san.controller & 1));
}

static void wipe_subsystem(struct emu_nvme *d, const struct emu_wipe *w)
{
	struct emu_wipe one = *w;

	for (unsigned i = 0; i < EMU_NVME_NS_MAX; i++) {
		struct emu_nvme_ns *ns = &d->ns[i];

		if (!ns->exists || !is_reached(d, ns))
			continue;
		one.erase.sectors = emu_data_sectors(ns->bytes);
		emu_nvme_wipe(d, ns->data, ns->meta, &one);
	}
	for (unsigned i = 0; i < d->freed_n; i++) {
		if (!is_reached(d, NULL))
			continue;
		one.erase.sectors = emu_data_sectors(d->freed[i].bytes);
		emu_nvme_wipe(d, d->freed[i].data, d->freed[i].meta, &one);
	}
}

/* Does it deallocate what it has erased? */
static bool deallocates(const struct emu_nvme *d)
{
	uint32_t cdw10 = d->san.cdw10;

	if (cdw10 & EMVS)
		return false; /* only after the verification */
	return !(cdw10 & NDAS) || d->cfg.no_deallocate_inhibited;
}

static void apply(struct emu_nvme *d, double share)
{
	const struct emu_nvme_sanitizing *s = &d->san;
	unsigned action = s->cdw10 & SANACT_MASK;
	bool has_pattern = d->faults.vendor_pattern && action == ACT_BLOCK;
	struct emu_wipe w = {
		.erase = {.kind = EMU_ERASE_WRITE,
			  .pattern = s->pattern,
			  .spare = true,
			  .leave = d->faults.leave},
		.share = share,
		/* a pattern that shows stands in mapped blocks */
		.keeps_mapped = !deallocates(d) || has_pattern,
	};

	if (action == ACT_CRYPTO) {
		w.erase.kind = EMU_ERASE_KEY;
	} else if (action == ACT_BLOCK) {
		w.erase.kind = EMU_ERASE_CELLS;
		w.erase.pattern = has_pattern ? d->faults.pattern : 0;
	}
	wipe_subsystem(d, &w);
}

void emu_nvme_deallocate_all(struct emu_nvme *d)
{
	for (unsigned i = 0; i < EMU_NVME_NS_MAX; i++)
		if (d->ns[i].exists)
			unmap(d->ns[i].data, emu_data_sectors(d->ns[i].bytes), &d->faults.leave);
}

static void raise_event(struct emu_nvme *d, uint8_t info)
{
	struct emu_event e = {.type = EVENT_IO_SPECIFIC, .info = info, .lid = LOG_SANITIZE};

	emu_nvme_raise(d, &e);
}

static uint64_t progress(const struct emu_nvme *d)
{
	const struct emu_nvme_sanitizing *s = &d->san;
	uint64_t work =
		s->state == EMU_NVME_DEALLOCATION ? d->cfg.deallocate_seconds * EMU_S : s->work_ns;
	uint64_t done = s->state == EMU_NVME_DEALLOCATION ? s->verified_ns : s->done_ns;

	return done >= work ? WHOLE : (uint64_t)((double)done / (double)work * (double)WHOLE);
}

static void fail(struct emu_nvme *d, uint64_t at)
{
	struct emu_nvme_sanitizing *s = &d->san;

	apply(d, (double)at / (double)WHOLE);
	s->failed_in = s->state;
	s->state = s->state == EMU_NVME_RESTRICTED ? EMU_NVME_RESTRICTED_FAILURE
						   : EMU_NVME_UNRESTRICTED_FAILURE;
	s->outcome = SOS_FAILED;
	raise_event(d, INFO_COMPLETED);
}

static void succeed(struct emu_nvme *d)
{
	struct emu_nvme_sanitizing *s = &d->san;
	bool unexpected = (s->cdw10 & NDAS) && d->cfg.no_deallocate_inhibited;

	s->state = EMU_NVME_IDLE;
	s->outcome = unexpected ? SOS_SUCCESS_DEALLOC : SOS_SUCCESS;
	d->written = false;
	raise_event(d, unexpected ? INFO_DEALLOCATED : INFO_COMPLETED);
}

static void process(struct emu_nvme *d)
{
	struct emu_nvme_sanitizing *s = &d->san;
	const struct emu_nvme_faults *f = &d->faults;
	uint64_t at = progress(d);

	if (s->is_interrupted) {
		fail(d, at);
		return;
	}
	if (f->sanitize_fails_at && at >= f->sanitize_fails_at) {
		fail(d, f->sanitize_fails_at);
		return;
	}
	if (f->sanitize_stalls_at && at >= f->sanitize_stalls_at) {
		s->done_ns = (uint64_t)((double)s->work_ns *
					((double)f->sanitize_stalls_at / (double)WHOLE));
		at = f->sanitize_stalls_at;
	}
	if ((s->cdw10 & SANACT_MASK) == ACT_OVERWRITE)
		s->passes_done = (unsigned)(at * passes_of(s->cdw10) / WHOLE);
	if (at < WHOLE)
		return;
	apply(d, 1);
	if ((s->cdw10 & EMVS) && !s->was_cancelled) {
		s->state = EMU_NVME_VERIFICATION;
		raise_event(d, INFO_VERIFICATION);
		return;
	}
	if (s->cdw10 & EMVS)
		emu_nvme_deallocate_all(d);
	succeed(d);
}

void emu_nvme_sanitize_settle(struct emu_nvme *d)
{
	struct emu_nvme_sanitizing *s = &d->san;
	uint64_t ns = d->time->now_ns - s->since_ns;

	if (!d->powered)
		return;
	s->since_ns = d->time->now_ns;
	if (is_processing(s)) {
		s->done_ns += ns;
		process(d);
	} else if (s->state == EMU_NVME_DEALLOCATION) {
		s->verified_ns += ns;
		if (progress(d) < WHOLE)
			return;
		emu_nvme_deallocate_all(d);
		succeed(d);
	}
}

void emu_nvme_sanitize_power_on(struct emu_nvme *d)
{
	struct emu_nvme_sanitizing *s = &d->san;

	s->since_ns = d->time->now_ns;
	/* a reset of the subsystem ends the verification */
	if (s->state == EMU_NVME_VERIFICATION) {
		s->state = EMU_NVME_DEALLOCATION;
		s->was_cancelled = true;
		s->verified_ns = 0;
	} else if (is_processing(s)) {
		s->was_cancelled = (s->cdw10 & EMVS) != 0;
		s->is_interrupted = d->faults.sanitize_dies_by_power;
	}
}

enum emu_nvme_san emu_nvme_sanitize_state(struct emu_nvme *d)
{
	emu_nvme_sanitize_settle(d);
	return d->san.state;
}

/* Commands that are carried out while a sanitize runs, and after one that failed. */
static bool is_always_allowed(const struct emu_nvme_cmd *cmd)
{
	if (cmd->is_io)
		return cmd->sqe[0] == 0x00; /* Flush */
	switch (cmd->sqe[0]) {
	case 0x02: /* Get Log Page */
		switch ((uint8_t)emu_cdw(cmd, 10)) {
		case 0x01:
		case 0x02:
		case 0x04:
		case LOG_SANITIZE:
			return true;
		default:
			return false;
		}
	case 0x06:
	case 0x08:
	case 0x0a:
	case 0x0c:
	case 0x18:
	case 0x84: /* judges for itself */
		return true;
	case 0x09:
		switch ((uint8_t)emu_cdw(cmd, 10)) {
		case 0x04:
		case 0x07:
		case 0x0b:
		case 0x0e:
		case 0x0f:
			return true;
		default:
			return false;
		}
	default:
		return false;
	}
}

uint16_t emu_nvme_sanitize_gate(struct emu_nvme *d, const struct emu_nvme_cmd *cmd)
{
	const struct emu_nvme_sanitizing *s = &d->san;

	if (s->state == EMU_NVME_IDLE || is_always_allowed(cmd))
		return SC_OK;
	if (has_failed(s))
		return SC_SANITIZE_FAILED;
	if (s->state == EMU_NVME_VERIFICATION && cmd->is_io && cmd->sqe[0] == 0x02)
		return SC_OK;
	return SC_SANITIZE_IN_PROGRESS;
}

static void put_estimate(uint8_t *out, bool has, uint64_t seconds)
{
	put_le32(out, has ? (uint32_t)seconds : 0xffffffffU);
}

/* [NVMe Base, Sanitize Status log page] */
void emu_nvme_sanitize_log(struct emu_nvme *d, uint8_t out[512])
{
	const struct emu_nvme_sanitizing *s = &d->san;
	const struct emu_nvme_config *c = &d->cfg;
	bool runs = is_processing(s) || s->state == EMU_NVME_DEALLOCATION;
	uint16_t sprog = runs ? (uint16_t)progress(d) : NO_PROGRESS;
	unsigned sos = runs || s->state == EMU_NVME_VERIFICATION ? SOS_RUNNING : s->outcome;
	/* of all passes there may be */
	uint64_t overwrite = c->overwrite_seconds * 16ULL;

	memset(out, 0, 512);
	if (runs && d->faults.progress_lost)
		sprog = NO_PROGRESS;
	if (runs && d->faults.success_early)
		sos = SOS_SUCCESS;
	put_le16(out, sprog);
	put_le16(out + 2, (uint16_t)(sos | s->passes_done << 3 | (d->written ? 0 : GDE) |
				     (s->was_cancelled ? MVCNCLD : 0)));
	put_le32(out + 4, s->cdw10);
	put_estimate(out + 8, c->sanitize_overwrite, overwrite);
	put_estimate(out + 12, c->sanitize_block, c->block_seconds);
	put_estimate(out + 16, c->sanitize_crypto, c->crypto_seconds);
	put_estimate(out + 20, c->sanitize_overwrite, overwrite);
	put_estimate(out + 24, c->sanitize_block, c->block_seconds);
	put_estimate(out + 28, c->sanitize_crypto, c->crypto_seconds);
	if (!c->has_media_verification)
		return;
	put_le32(out + 32, c->deallocate_seconds);
	out[36] = (uint8_t)(s->state | (sos == SOS_FAILED ? s->failed_in << 4 : 0));
}

static bool is_supported(const struct emu_nvme *d, unsigned action)
{
	switch (action) {
	case ACT_BLOCK:
		return d->cfg.sanitize_block;
	case ACT_OVERWRITE:
		return d->cfg.sanitize_overwrite;
	case ACT_CRYPTO:
		return d->cfg.sanitize_crypto;
	default:
		return false;
	}
}

static bool is_sound(const struct emu_nvme *d, const struct emu_nvme_cmd *cmd)
{
	uint32_t cdw10 = emu_cdw(cmd, 10);
	unsigned action = cdw10 & SANACT_MASK;

	if (!is_supported(d, action))
		return false;
	if ((cdw10 & EMVS) &&
	    (!d->cfg.has_media_verification || action == ACT_OVERWRITE || (cdw10 & NDAS)))
		return false;
	/* without NODRM the wish not to deallocate is an error where it can't be met */
	return !(cdw10 & NDAS) || !d->cfg.no_deallocate_inhibited ||
	       (d->ctrl[cmd->controller].features[FEATURE_SANITIZE] & 1);
}

static void start(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	struct emu_nvme_sanitizing *s = &d->san;
	uint32_t cdw10 = emu_cdw(cmd, 10);
	unsigned action = cdw10 & SANACT_MASK;

	if (s->state == EMU_NVME_RESTRICTED_FAILURE && (cdw10 & AUSE)) {
		cmd->status = SC_SANITIZE_FAILED;
		return;
	}
	if (d->faults.memory_region_enabled) {
		cmd->status = SC_SANITIZE_PROHIBITED;
		return;
	}
	if (d->faults.sanitize_ignored)
		return;
	*s = (struct emu_nvme_sanitizing){
		.state = cdw10 & AUSE ? EMU_NVME_UNRESTRICTED : EMU_NVME_RESTRICTED,
		.outcome = s->outcome,
		.cdw10 = cdw10,
		/* with OIPBP it is arranged so that the last pass is the pattern; the lowest byte
		   comes first, as of every dword */
		.pattern = action == ACT_OVERWRITE ? __builtin_bswap32(emu_cdw(cmd, 11)) : 0,
		.controller = cmd->controller,
		.since_ns = d->time->now_ns,
	};
	switch (action) {
	case ACT_OVERWRITE:
		s->work_ns = d->cfg.overwrite_seconds * EMU_S * passes_of(cdw10);
		break;
	case ACT_BLOCK:
		s->work_ns = d->cfg.block_seconds * EMU_S;
		break;
	default:
		s->work_ns = d->cfg.crypto_seconds * EMU_S;
		break;
	}
	for (unsigned i = 0; i < EMU_NVME_CTRLS_MAX; i++)
		d->ctrl[i].events_n = 0;
}

/* [NVMe Base, Sanitize] */
void emu_nvme_do_sanitize(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	struct emu_nvme_sanitizing *s = &d->san;
	unsigned action = emu_cdw(cmd, 10) & SANACT_MASK;

	if (is_processing(s) || s->state == EMU_NVME_DEALLOCATION) {
		cmd->status = SC_SANITIZE_IN_PROGRESS;
	} else if (s->state == EMU_NVME_VERIFICATION) {
		if (action != ACT_EXIT_VERIFY) {
			cmd->status = SC_INVALID_FIELD;
			return;
		}
		s->state = EMU_NVME_DEALLOCATION;
		s->verified_ns = 0;
	} else if (action == ACT_EXIT_FAILURE) {
		if (s->state == EMU_NVME_RESTRICTED_FAILURE)
			cmd->status = SC_SANITIZE_FAILED;
		else
			s->state = EMU_NVME_IDLE; /* the log keeps what it says */
	} else if (!is_sound(d, cmd)) {
		cmd->status = SC_INVALID_FIELD;
	} else {
		start(d, cmd);
	}
}
