#include "device/protocol/scsi_sense.h"

#include "base/span.h"
#include "base/wire.h"

#define RESPONSE_MASK  0x7f
#define FIXED_CURRENT  0x70
#define FIXED_DEFERRED 0x71
#define DESC_CURRENT   0x72
#define DESC_DEFERRED  0x73
#define KEY_MASK       0x0f
#define HEADER_LEN     8
#define ADDITIONAL     7
/* fixed format */
#define FIXED_INFO_VALID 0x80 /* bit 7 of byte 0 */
#define FIXED_INFO	 3
#define FIXED_ASC	 12
#define FIXED_ASCQ	 13
#define FIXED_SKS	 15
#define SKSV		 0x80
/* descriptor format */
#define DESC_INFORMATION 0x00
#define DESC_SKS	 0x02
#define DESC_PROGRESS	 0x0a
/* additional sense codes */
#define ASC_FORMAT	    0x31
#define ASCQ_CORRUPTED	    0x00
#define ASCQ_FORMAT_FAILED  0x01
#define ASC_WARNING	    0x0b
#define ASC_PREDICTION	    0x5d
#define ASC_POWER_CONDITION 0x5e

static bool has_progress_field(uint8_t key)
{
	return key == XP_SENSE_NONE || key == XP_SENSE_NOT_READY;
}

static bool parse_fixed(struct xp_sense *out, const uint8_t *s, size_t len)
{
	size_t all = HEADER_LEN + (size_t)s[ADDITIONAL];

	if (len > all)
		len = all;
	if (len <= FIXED_ASCQ)
		return false;
	out->key = s[2] & KEY_MASK;
	out->asc = s[FIXED_ASC];
	out->ascq = s[FIXED_ASCQ];
	out->has_information = (s[0] & FIXED_INFO_VALID) != 0;
	if (out->has_information)
		out->information = get_be32(s + FIXED_INFO);
	if (len >= FIXED_SKS + 3 && (s[FIXED_SKS] & SKSV) && has_progress_field(out->key)) {
		out->has_progress = true;
		out->progress = get_be16(s + FIXED_SKS + 1);
	}
	return true;
}

static void parse_one_descriptor(struct xp_sense *out, const uint8_t *d)
{
	switch (d[0]) {
	case DESC_INFORMATION:
		if (d[1] >= 10 && (d[2] & 0x80)) {
			out->has_information = true;
			out->information = get_be64(d + 4);
		}
		break;
	case DESC_SKS:
		if (d[1] >= 6 && (d[4] & SKSV) && has_progress_field(out->key)) {
			out->has_progress = true;
			out->progress = get_be16(d + 5);
		}
		break;
	case DESC_PROGRESS:
		if (d[1] >= 6) {
			out->has_progress = true;
			out->progress = get_be16(d + 6);
		}
		break;
	default:
		break; /* a descriptor that does not concern us */
	}
}

static void parse_descriptors(struct xp_sense *out, const uint8_t *s, size_t len)
{
	size_t all = HEADER_LEN + (size_t)s[ADDITIONAL];
	struct xp_span span = xp_span_of(s + HEADER_LEN, (len < all ? len : all) - HEADER_LEN);

	while (span.left >= 2) {
		const uint8_t *head = span.at;
		const uint8_t *d = xp_span_take(&span, 2 + (size_t)head[1]);

		if (!d)
			return;
		parse_one_descriptor(out, d);
	}
}

bool xp_sense_parse(struct xp_sense *out, const uint8_t *sense, size_t len)
{
	uint8_t response;

	*out = (struct xp_sense){0};
	if (len < HEADER_LEN)
		return false;
	response = sense[0] & RESPONSE_MASK;
	out->is_deferred = response == FIXED_DEFERRED || response == DESC_DEFERRED;
	switch (response) {
	case FIXED_CURRENT:
	case FIXED_DEFERRED:
		return parse_fixed(out, sense, len);
	case DESC_CURRENT:
	case DESC_DEFERRED:
		out->key = sense[1] & KEY_MASK;
		out->asc = sense[2];
		out->ascq = sense[3];
		parse_descriptors(out, sense, len);
		return true;
	default:
		return false;
	}
}

bool xp_sense_says_sanitizing(const struct xp_sense *s)
{
	return s->key == XP_SENSE_NOT_READY && s->asc == 0x04 && s->ascq == 0x1b;
}

bool xp_sense_says_formatting(const struct xp_sense *s)
{
	return s->key == XP_SENSE_NOT_READY && s->asc == 0x04 && s->ascq == 0x04;
}

bool xp_sense_says_sanitize_failed(const struct xp_sense *s)
{
	return s->asc == 0x31 && s->ascq == 0x03;
}

bool xp_sense_says_format_failed(const struct xp_sense *s)
{
	return s->asc == ASC_FORMAT && (s->ascq == ASCQ_CORRUPTED || s->ascq == ASCQ_FORMAT_FAILED);
}

bool xp_sense_says_idle(const struct xp_sense *s)
{
	if (s->is_deferred || s->has_progress)
		return false;
	switch (s->asc) {
	case 0x00:
		return s->key == XP_SENSE_NONE && s->ascq == 0x00;
	case ASC_POWER_CONDITION:
		return s->key == XP_SENSE_NONE;
	case ASC_WARNING:
	case ASC_PREDICTION:
		return s->key == XP_SENSE_NONE || s->key == XP_SENSE_RECOVERED;
	default:
		return false;
	}
}
