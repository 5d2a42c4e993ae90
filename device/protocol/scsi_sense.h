/* scsi_sense: sense data in fixed and descriptor format [SPC-5 4.4]. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum xp_sense_key {
	XP_SENSE_NONE = 0x0,
	XP_SENSE_RECOVERED = 0x1,
	XP_SENSE_NOT_READY = 0x2,
	XP_SENSE_MEDIUM_ERROR = 0x3,
	XP_SENSE_HARDWARE_ERROR = 0x4,
	XP_SENSE_ILLEGAL_REQUEST = 0x5,
	XP_SENSE_UNIT_ATTENTION = 0x6,
	XP_SENSE_DATA_PROTECT = 0x7,
	XP_SENSE_ABORTED_COMMAND = 0xb,
};

struct xp_sense {
	bool is_deferred; /* tells of an earlier command */
	uint8_t key;
	uint8_t asc, ascq;
	bool has_progress; /* PROGRESS INDICATION; its absence does not mean finished */
	uint16_t progress; /* of 65536 */
	bool has_information;
	uint64_t information;
};

/* false: no sense data, or cut off before key, ASC and ASCQ: nothing is known. */
bool xp_sense_parse(struct xp_sense *out, const uint8_t *sense, size_t len);

/* The drive is sanitizing, or formatting, as it says [SBC-4]: 04/1B, 04/04. */
bool xp_sense_says_sanitizing(const struct xp_sense *s);
bool xp_sense_says_formatting(const struct xp_sense *s);
/* The last sanitize failed: 31/03. */
bool xp_sense_says_sanitize_failed(const struct xp_sense *s);
/* The last format failed or did not end: 31/01, 31/00. */
bool xp_sense_says_format_failed(const struct xp_sense *s);
/*
 * REQUEST SENSE was answered, and nothing runs and nothing is wrong: no sense key, nothing of an
 * earlier command, no progress. What a drive may add to that, and still has nothing to say of its
 * work: a power condition, a warning, a failure that it predicts. Everything else is no end.
 */
bool xp_sense_says_idle(const struct xp_sense *s);
