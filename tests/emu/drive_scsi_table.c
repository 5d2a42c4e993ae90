/* The commands there are, the bits that mean something in each, and the report of both. */
#include "base/wire.h"
#include "tests/emu/drive_scsi_inside.h"

#include <string.h>

#define NO_ACTION -1
/* a logical block address, and lengths */
#define LBA4	     0xff, 0xff, 0xff, 0xff
#define LBA8	     LBA4, LBA4
#define LEN2	     0xff, 0xff
#define LEN4	     0xff, 0xff, 0xff, 0xff
#define GROUP	     0x3f
#define MEDIUM_READ  (NEEDS_MEDIUM | CONFLICT_READ)
#define MEDIUM_WRITE (NEEDS_MEDIUM | CONFLICT_WRITE)

/* [SPC-5, SBC-4]; masks as REPORT SUPPORTED OPERATION CODES gives them. */
static const struct emu_scsi_row rows[] = {
	/* TEST UNIT READY */
	{NO_ACTION, 6, {0x00}, NEEDS_MEDIUM, 0, NULL},
	/* REQUEST SENSE */
	{NO_ACTION,
	 6,
	 {0x03, 0x01, 0, 0, 0xff, 0},
	 WHEN_ALWAYS | NO_ATTENTION,
	 0,
	 emu_scsi_do_request_sense},
	/* FORMAT UNIT */
	{NO_ACTION, 6, {0x04, 0xff, 0, 0, 0x03, 0}, CONFLICT_WRITE, 0, emu_scsi_do_format},
	/* INQUIRY */
	{NO_ACTION,
	 6,
	 {0x12, 0x01, 0xff, LEN2, 0},
	 WHEN_ALWAYS | NO_ATTENTION,
	 0,
	 emu_scsi_do_inquiry},
	/* MODE SELECT (6) and (10) */
	{NO_ACTION, 6, {0x15, 0x11, 0, 0, 0xff, 0}, CONFLICT_WRITE, 0, emu_scsi_do_mode_select},
	{NO_ACTION,
	 10,
	 {0x55, 0x11, 0, 0, 0, 0, 0, LEN2, 0},
	 CONFLICT_WRITE,
	 0,
	 emu_scsi_do_mode_select},
	/* MODE SENSE (6) and (10) */
	{NO_ACTION, 6, {0x1a, 0x08, 0xff, 0xff, 0xff, 0}, CONFLICT_READ, 0, emu_scsi_do_mode_sense},
	{NO_ACTION,
	 10,
	 {0x5a, 0x18, 0xff, 0xff, 0, 0, 0, LEN2, 0},
	 CONFLICT_READ,
	 0,
	 emu_scsi_do_mode_sense},
	/* START STOP UNIT */
	{NO_ACTION, 6, {0x1b, 0x01, 0, 0x0f, 0xf7, 0}, CONFLICT_WRITE, 0, emu_scsi_do_start_stop},
	/* RECEIVE DIAGNOSTIC RESULTS, SEND DIAGNOSTIC */
	{NO_ACTION,
	 6,
	 {0x1c, 0x01, 0xff, LEN2, 0},
	 CONFLICT_READ,
	 0,
	 emu_scsi_do_receive_diagnostic},
	{NO_ACTION, 6, {0x1d, 0xf7, 0, LEN2, 0}, CONFLICT_WRITE, 0, emu_scsi_do_send_diagnostic},
	/* READ CAPACITY (10) */
	{NO_ACTION,
	 10,
	 {0x25, 0x01, LBA4, 0, 0, 0x01, 0},
	 NEEDS_MEDIUM,
	 0,
	 emu_scsi_do_capacity_10},
	/* READ, WRITE, VERIFY, SYNCHRONIZE CACHE, WRITE SAME (10) */
	{NO_ACTION, 10, {0x28, 0xf8, LBA4, GROUP, LEN2, 0}, MEDIUM_READ, 0, emu_scsi_do_read},
	{NO_ACTION, 10, {0x2a, 0xf8, LBA4, GROUP, LEN2, 0}, MEDIUM_WRITE, 0, emu_scsi_do_write},
	{NO_ACTION, 10, {0x2f, 0xf6, LBA4, GROUP, LEN2, 0}, MEDIUM_READ, 0, emu_scsi_do_verify},
	{NO_ACTION,
	 10,
	 {0x35, 0x06, LBA4, GROUP, LEN2, 0},
	 MEDIUM_WRITE,
	 0,
	 emu_scsi_do_synchronize},
	{NO_ACTION,
	 10,
	 {0x41, 0xe8, LBA4, GROUP, LEN2, 0},
	 MEDIUM_WRITE,
	 0,
	 emu_scsi_do_write_same},
	/* UNMAP */
	{NO_ACTION,
	 10,
	 {0x42, 0x00, 0, 0, 0, 0, GROUP, LEN2, 0},
	 MEDIUM_WRITE,
	 NEED_UNMAP,
	 emu_scsi_do_unmap},
	/* SANITIZE: OVERWRITE, BLOCK ERASE, CRYPTOGRAPHIC ERASE, EXIT FAILURE MODE */
	{0x01,
	 10,
	 {0x48, 0xff, 0, 0, 0, 0, 0, LEN2, 0},
	 WHEN_FAILED | CONFLICT_WRITE,
	 NEED_OVERWRITE,
	 emu_scsi_do_sanitize},
	{0x02,
	 10,
	 {0x48, 0xff, 0, 0, 0, 0, 0, LEN2, 0},
	 WHEN_FAILED | CONFLICT_WRITE,
	 NEED_BLOCK,
	 emu_scsi_do_sanitize},
	{0x03,
	 10,
	 {0x48, 0xff, 0, 0, 0, 0, 0, LEN2, 0},
	 WHEN_FAILED | CONFLICT_WRITE,
	 NEED_CRYPTO,
	 emu_scsi_do_sanitize},
	{0x1f,
	 10,
	 {0x48, 0xff, 0, 0, 0, 0, 0, LEN2, 0},
	 WHEN_FAILED | CONFLICT_WRITE,
	 NEED_ANY_SANITIZE,
	 emu_scsi_do_sanitize},
	/* LOG SENSE */
	{NO_ACTION,
	 10,
	 {0x4d, 0, 0xff, 0xff, 0, LEN2, LEN2, 0},
	 WHEN_ALWAYS,
	 0,
	 emu_scsi_do_log_sense},
	/* PERSISTENT RESERVE IN: keys, reservation, capabilities, full status */
	{0x00, 10, {0x5e, 0x1f, 0, 0, 0, 0, 0, LEN2, 0}, WHEN_ALWAYS, 0, emu_scsi_do_reserve_in},
	{0x01, 10, {0x5e, 0x1f, 0, 0, 0, 0, 0, LEN2, 0}, WHEN_ALWAYS, 0, emu_scsi_do_reserve_in},
	{0x02, 10, {0x5e, 0x1f, 0, 0, 0, 0, 0, LEN2, 0}, WHEN_ALWAYS, 0, emu_scsi_do_reserve_in},
	{0x03, 10, {0x5e, 0x1f, 0, 0, 0, 0, 0, LEN2, 0}, WHEN_ALWAYS, 0, emu_scsi_do_reserve_in},
	/* PERSISTENT RESERVE OUT: register, reserve, release, clear, preempt, register and ignore
	 */
	{0x00, 10, {0x5f, 0x1f, 0xff, 0, 0, LEN4, 0}, 0, 0, emu_scsi_do_reserve_out},
	{0x01, 10, {0x5f, 0x1f, 0xff, 0, 0, LEN4, 0}, 0, 0, emu_scsi_do_reserve_out},
	{0x02, 10, {0x5f, 0x1f, 0xff, 0, 0, LEN4, 0}, 0, 0, emu_scsi_do_reserve_out},
	{0x03, 10, {0x5f, 0x1f, 0xff, 0, 0, LEN4, 0}, 0, 0, emu_scsi_do_reserve_out},
	{0x04, 10, {0x5f, 0x1f, 0xff, 0, 0, LEN4, 0}, 0, 0, emu_scsi_do_reserve_out},
	{0x06, 10, {0x5f, 0x1f, 0xff, 0, 0, LEN4, 0}, 0, 0, emu_scsi_do_reserve_out},
	/* READ, WRITE, VERIFY, SYNCHRONIZE CACHE, WRITE SAME (16) */
	{NO_ACTION, 16, {0x88, 0xf8, LBA8, LEN4, GROUP, 0}, MEDIUM_READ, 0, emu_scsi_do_read},
	{NO_ACTION, 16, {0x8a, 0xf8, LBA8, LEN4, GROUP, 0}, MEDIUM_WRITE, 0, emu_scsi_do_write},
	{NO_ACTION, 16, {0x8f, 0xf6, LBA8, LEN4, GROUP, 0}, MEDIUM_READ, 0, emu_scsi_do_verify},
	{NO_ACTION,
	 16,
	 {0x91, 0x06, LBA8, LEN4, GROUP, 0},
	 MEDIUM_WRITE,
	 0,
	 emu_scsi_do_synchronize},
	{NO_ACTION,
	 16,
	 {0x93, 0xe9, LBA8, LEN4, GROUP, 0},
	 MEDIUM_WRITE,
	 0,
	 emu_scsi_do_write_same},
	/* READ CAPACITY (16), GET LBA STATUS */
	{0x10, 16, {0x9e, 0x1f, LBA8, LEN4, 0x01, 0}, NEEDS_MEDIUM, 0, emu_scsi_do_capacity_16},
	{0x12,
	 16,
	 {0x9e, 0x1f, LBA8, LEN4, 0, 0},
	 NEEDS_MEDIUM,
	 NEED_UNMAP,
	 emu_scsi_do_lba_status},
	/* REPORT LUNS */
	{NO_ACTION,
	 12,
	 {0xa0, 0, 0xff, 0, 0, 0, LEN4, 0, 0},
	 WHEN_ALWAYS | NO_ATTENTION,
	 0,
	 emu_scsi_do_report_luns},
	/* REPORT SUPPORTED OPERATION CODES */
	{0x0c,
	 12,
	 {0xa3, 0x1f, 0x87, 0xff, LEN2, LEN4, 0, 0},
	 WHEN_ALWAYS,
	 NEED_OPCODES,
	 emu_scsi_do_report_opcodes},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool has(const struct emu_scsi_config *c, enum emu_scsi_need need)
{
	switch (need) {
	case NEED_NOTHING:
		return true;
	case NEED_OVERWRITE:
		return c->sanitize_overwrite;
	case NEED_BLOCK:
		return c->sanitize_block;
	case NEED_CRYPTO:
		return c->sanitize_crypto;
	case NEED_ANY_SANITIZE:
		return c->sanitize_overwrite || c->sanitize_block || c->sanitize_crypto;
	case NEED_UNMAP:
		return c->has_unmap;
	case NEED_OPCODES:
		return c->has_opcodes;
	}
	return false;
}

const struct emu_scsi_row *emu_scsi_find(const struct emu_scsi *d, uint8_t opcode,
					 uint16_t service_action, bool *known)
{
	*known = false;
	for (size_t i = 0; i < ROWS; i++) {
		const struct emu_scsi_row *r = &rows[i];

		if (r->usage[0] != opcode || !has(&d->cfg, r->need))
			continue;
		*known = true;
		if (r->service_action == NO_ACTION || r->service_action == service_action)
			return r;
	}
	return NULL;
}

bool emu_scsi_has_odd_bits(const struct emu_scsi_row *row, const uint8_t *cdb)
{
	for (unsigned i = 1; i < row->len; i++)
		if (cdb[i] & ~row->usage[i])
			return true;
	return false;
}

static void report_all(struct emu_scsi_job *j)
{
	uint8_t data[4 + 8 * ROWS] = {0};
	size_t at = 4;

	for (size_t i = 0; i < ROWS; i++) {
		const struct emu_scsi_row *r = &rows[i];

		if (!has(&j->d->cfg, r->need))
			continue;
		data[at] = r->usage[0];
		if (r->service_action != NO_ACTION) {
			put_be16(data + at + 2, (uint16_t)r->service_action);
			data[at + 5] = 0x01; /* SERVACTV */
		}
		put_be16(data + at + 6, r->len);
		at += 8;
	}
	put_be32(data, (uint32_t)(at - 4));
	emu_scsi_give(j, data, at, get_be32(j->cdb + 6));
}

static void report_one(struct emu_scsi_job *j, const struct emu_scsi_row *r)
{
	uint8_t data[4 + 16] = {0, 0x01};
	size_t len = 4;

	if (r) {
		data[1] = r->handler == emu_scsi_do_write_same && j->d->faults.write_same_vendors
				  ? 0x05
				  : 0x03;
		put_be16(data + 2, r->len);
		memcpy(data + 4, r->usage, r->len);
		/* the service action stands there as it is, not as a mask */
		if (r->service_action != NO_ACTION)
			data[5] = (uint8_t)((data[5] & 0xe0) | r->service_action);
		len += r->len;
	}
	emu_scsi_give(j, data, len, get_be32(j->cdb + 6));
}

/* [SPC-5 REPORT SUPPORTED OPERATION CODES]; timeouts are not offered */
void emu_scsi_do_report_opcodes(struct emu_scsi_job *j)
{
	uint16_t action = get_be16(j->cdb + 4);
	bool known;
	const struct emu_scsi_row *r = emu_scsi_find(j->d, j->cdb[3], action, &known);
	const struct emu_scsi_row *any = NULL;

	for (size_t i = 0; i < ROWS && !any; i++)
		if (rows[i].usage[0] == j->cdb[3] && has(&j->d->cfg, rows[i].need))
			any = &rows[i];
	switch (j->cdb[2] & 0x07) {
	case 0:
		report_all(j);
		break;
	case 1: /* an opcode that has no service actions */
		if (any && any->service_action != NO_ACTION)
			emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		else
			report_one(j, any);
		break;
	case 2: /* one that has */
		if (any && any->service_action == NO_ACTION)
			emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		else
			report_one(j, r);
		break;
	case 3: /* either */
		report_one(j, any && any->service_action == NO_ACTION && action ? NULL : r);
		break;
	default:
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		break;
	}
}
