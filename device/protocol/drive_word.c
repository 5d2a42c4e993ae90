#include "device/protocol/drive_word.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "device/protocol/sat.h"
#include "device/protocol/scsi_sense.h"

/* ERROR [ACS-3 6.3] */
#define ERROR_ICRC 0x80
#define ERROR_UNC  0x40
#define ERROR_IDNF 0x10

/* [SPC-5 annex F], what drives say to the commands of an erase */
static const struct {
	uint8_t asc, ascq;
	const char *text;
} additions[] = {
	{0x04, 0x01, "becoming ready"},
	{0x04, 0x03, "somebody has to intervene"},
	{0x04, 0x04, "format in progress"},
	{0x04, 0x1b, "sanitize in progress"},
	{0x0c, 0x00, "write error"},
	{0x11, 0x00, "unrecovered read error"},
	{0x20, 0x00, "unknown command"},
	{0x21, 0x00, "address out of range"},
	{0x24, 0x00, "invalid field in the command"},
	{0x26, 0x00, "invalid field in the parameter list"},
	{0x27, 0x00, "write protected"},
	{0x29, 0x00, "power on or reset"},
	{0x2a, 0x01, "mode parameters changed"},
	{0x2c, 0x00, "commands in the wrong order"},
	{0x31, 0x00, "format corrupted"},
	{0x31, 0x01, "format failed"},
	{0x31, 0x03, "sanitize failed"},
	{0x3a, 0x00, "no medium"},
	{0x44, 0x00, "internal failure"},
	{0x74, 0x71, "locked"},
};

static const char *error_text(const struct xp_ata_registers *r)
{
	if (r->status & XP_ATA_STATUS_DF)
		return "device fault";
	if (!(r->status & XP_ATA_STATUS_ERR))
		return r->status & XP_ATA_STATUS_BSY ? "still busy" : "no error";
	if (r->error & ERROR_UNC)
		return "data that cannot be read";
	if (r->error & ERROR_IDNF)
		return "address not found";
	if (r->error & ERROR_ICRC)
		return "error on the link";
	return r->error & XP_ATA_ERROR_ABRT ? "command aborted" : "an error without a name";
}

void xp_drive_word(char out[XP_DRIVE_WORD_LEN], const uint8_t *sense, size_t len)
{
	struct xp_ata_registers r;
	struct xp_sense s;
	const char *text = "";

	out[0] = 0;
	xp_sat_registers_parse(&r, sense, len);
	if (r.form != XP_SAT_NONE && !xp_sat_registers_are_lost(&r)) {
		snprintf(out, XP_DRIVE_WORD_LEN, "status %02xh, error %02xh (%s)", r.status,
			 r.error, error_text(&r));
		return;
	}
	if (!xp_sense_parse(&s, sense, len))
		return;
	for (size_t i = 0; i < XP_ARRAY_LEN(additions); i++)
		if (additions[i].asc == s.asc && additions[i].ascq == s.ascq)
			text = additions[i].text;
	snprintf(out, XP_DRIVE_WORD_LEN, "sense %xh, %02xh/%02xh%s%s%s", s.key, s.asc, s.ascq,
		 *text ? " (" : "", text, *text ? ")" : "");
}
