/* PERSISTENT RESERVE IN and OUT [SPC-5 5.14]. A nexus is a host at a port. */
#include "base/wire.h"
#include "tests/emu/drive_scsi_inside.h"

#include <string.h>

#define FULL_LEN 48
/* types */
#define WRITE_EXCLUSIVE	     0x1
#define EXCLUSIVE	     0x3
#define WRITE_EXCLUSIVE_ONLY 0x5 /* registrants only */
#define EXCLUSIVE_ONLY	     0x6
#define WRITE_EXCLUSIVE_ALL  0x7 /* all registrants */
#define EXCLUSIVE_ALL	     0x8
/* another host, which is nowhere */
#define ELSEWHERE     0xfffe
#define ELSEWHERE_KEY 0x45c5e11e00000001ULL

/* What is in force: the fault counts as the reservation of another host. */
static struct emu_scsi_reservation in_force(const struct emu_scsi_job *j)
{
	struct emu_scsi_reservation r = j->lu->pr;

	if (!j->d->faults.reserved_elsewhere || r.held || r.reg_n == EMU_SCSI_KEYS)
		return r;
	r.reg[r.reg_n].nexus = ELSEWHERE;
	r.reg[r.reg_n++].key = ELSEWHERE_KEY;
	r.held = true;
	r.type = WRITE_EXCLUSIVE;
	r.holder = ELSEWHERE;
	return r;
}

static int find(const struct emu_scsi_reservation *r, unsigned nexus)
{
	for (unsigned i = 0; i < r->reg_n; i++)
		if (r->reg[i].nexus == nexus)
			return (int)i;
	return -1;
}

static bool is_for_all(uint8_t type)
{
	return type == WRITE_EXCLUSIVE_ALL || type == EXCLUSIVE_ALL;
}

bool emu_scsi_conflicts(const struct emu_scsi_job *j, unsigned flags)
{
	struct emu_scsi_reservation r = in_force(j);
	bool is_shared = r.type >= WRITE_EXCLUSIVE_ONLY;

	if (!r.held || !(flags & (CONFLICT_READ | CONFLICT_WRITE)) || r.holder == j->nexus ||
	    (is_shared && find(&r, j->nexus) >= 0))
		return false;
	if (flags & CONFLICT_WRITE)
		return true;
	return r.type == EXCLUSIVE || r.type == EXCLUSIVE_ONLY || r.type == EXCLUSIVE_ALL;
}

static size_t put_full(const struct emu_scsi_reservation *r, uint8_t *out, uint64_t wwn)
{
	for (unsigned i = 0; i < r->reg_n; i++, out += FULL_LEN) {
		bool holds = r->held && (r->holder == r->reg[i].nexus || is_for_all(r->type));

		put_be64(out, r->reg[i].key);
		out[12] = holds ? 0x01 : 0;
		out[13] = holds ? r->type : 0;
		put_be16(out + 18, (uint16_t)(r->reg[i].nexus % 2 + 1));
		put_be32(out + 20, 24);
		out[24] = 0x06; /* TransportID of SAS */
		put_be64(out + 28, wwn + 0x1000 + r->reg[i].nexus);
	}
	return (size_t)r->reg_n * FULL_LEN;
}

void emu_scsi_do_reserve_in(struct emu_scsi_job *j)
{
	struct emu_scsi_reservation r = in_force(j);
	uint8_t data[8 + EMU_SCSI_KEYS * FULL_LEN] = {0};
	size_t len = 0;

	put_be32(data, r.generation);
	switch (j->cdb[1] & 0x1f) {
	case 0x00:
		for (unsigned i = 0; i < r.reg_n; i++, len += 8)
			put_be64(data + 8 + len, r.reg[i].key);
		break;
	case 0x01:
		if (!r.held)
			break;
		if (!is_for_all(r.type) && find(&r, r.holder) >= 0)
			put_be64(data + 8, r.reg[find(&r, r.holder)].key);
		data[8 + 13] = r.type;
		len = 16;
		break;
	case 0x02: /* REPORT CAPABILITIES has a header of its own */
		memset(data, 0, 8);
		put_be16(data, 8);
		data[3] = 0x80; /* TMV */
		data[4] = 0xea;
		data[5] = 0x01;
		emu_scsi_give(j, data, 8, get_be16(j->cdb + 7));
		return;
	default:
		len = put_full(&r, data + 8, j->d->cfg.wwn);
		break;
	}
	put_be32(data + 4, (uint32_t)len);
	emu_scsi_give(j, data, 8 + len, get_be16(j->cdb + 7));
}

static void drop(struct emu_scsi_reservation *r, unsigned i)
{
	r->reg[i] = r->reg[--r->reg_n];
}

/* The reservation ends with its holder, or with the last of all registrants. */
static void drop_reservation_of(struct emu_scsi_lu *lu, unsigned nexus)
{
	struct emu_scsi_reservation *r = &lu->pr;

	if (!r->held || (is_for_all(r->type) ? r->reg_n > 0 : r->holder != nexus))
		return;
	r->held = false;
	if (r->type >= WRITE_EXCLUSIVE_ONLY)
		emu_scsi_tell(lu, AC_RELEASED, nexus);
}

static void do_register(struct emu_scsi_job *j, uint64_t key)
{
	struct emu_scsi_reservation *r = &j->lu->pr;
	int i = find(r, j->nexus);

	if (key == 0 && i >= 0) {
		drop(r, (unsigned)i);
		drop_reservation_of(j->lu, j->nexus);
	} else if (key && i >= 0) {
		r->reg[i].key = key;
	} else if (key && r->reg_n < EMU_SCSI_KEYS) {
		r->reg[r->reg_n].nexus = j->nexus;
		r->reg[r->reg_n++].key = key;
	} else if (key) {
		emu_scsi_check(j, SK_ILLEGAL, 0x5504); /* INSUFFICIENT REGISTRATION RESOURCES */
		return;
	}
	r->generation++;
}

static void do_reserve(struct emu_scsi_job *j, uint8_t scope_and_type)
{
	struct emu_scsi_reservation *r = &j->lu->pr;
	uint8_t type = scope_and_type & 0x0f;

	if (scope_and_type >> 4 || type == 0 || type == 2 || type == 4 || type > EXCLUSIVE_ALL) {
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return;
	}
	if (in_force(j).held && (in_force(j).holder != j->nexus || r->type != type)) {
		j->cmd->status = SC_CONFLICT;
		return;
	}
	r->held = true;
	r->type = type;
	r->holder = j->nexus;
}

static void do_release(struct emu_scsi_job *j, uint8_t scope_and_type)
{
	struct emu_scsi_reservation *r = &j->lu->pr;

	if (!r->held || (r->holder != j->nexus && !is_for_all(r->type)))
		return;
	if (scope_and_type != r->type) {
		emu_scsi_check(j, SK_ILLEGAL, 0x2604); /* INVALID RELEASE */
		return;
	}
	r->held = false;
	if (r->type >= WRITE_EXCLUSIVE_ONLY)
		emu_scsi_tell(j->lu, AC_RELEASED, j->nexus);
}

static void do_preempt(struct emu_scsi_job *j, uint64_t key, uint8_t scope_and_type)
{
	struct emu_scsi_reservation *r = &j->lu->pr;
	bool takes = false;

	if (j->d->faults.reserved_elsewhere && key == ELSEWHERE_KEY) {
		j->d->faults.reserved_elsewhere = false;
		takes = true;
	}
	for (unsigned i = r->reg_n; i-- > 0;) {
		if (r->reg[i].key != key || r->reg[i].nexus == j->nexus)
			continue;
		takes |= r->held && r->holder == r->reg[i].nexus;
		drop(r, i);
	}
	if (takes) {
		r->held = true;
		r->type = scope_and_type & 0x0f;
		r->holder = j->nexus;
	}
	r->generation++;
	emu_scsi_tell(j->lu, AC_PREEMPTED, j->nexus);
}

void emu_scsi_do_reserve_out(struct emu_scsi_job *j)
{
	struct emu_scsi_reservation *r = &j->lu->pr;
	const uint8_t *p = j->cmd->out;
	uint8_t action = j->cdb[1] & 0x1f;
	int mine = find(r, j->nexus);
	uint64_t key;

	if (get_be32(j->cdb + 5) != 24 || j->cmd->out_len < 24) {
		emu_scsi_check(j, SK_ILLEGAL, AC_LIST_LENGTH);
		return;
	}
	key = get_be64(p);
	/* nobody but a registrant with the right key, unless it registers */
	if (action != 0x06 && (mine >= 0 ? r->reg[mine].key != key : action != 0x00 || key != 0)) {
		j->cmd->status = SC_CONFLICT;
		return;
	}
	j->cmd->moved = 24;
	switch (action) {
	case 0x00:
	case 0x06:
		do_register(j, get_be64(p + 8));
		break;
	case 0x01:
		do_reserve(j, j->cdb[2]);
		break;
	case 0x02:
		do_release(j, j->cdb[2]);
		break;
	case 0x03:
		r->held = false;
		r->reg_n = 0;
		r->generation++;
		emu_scsi_tell(j->lu, AC_PREEMPTED, j->nexus);
		break;
	default:
		do_preempt(j, get_be64(p + 8), j->cdb[2]);
		break;
	}
}
