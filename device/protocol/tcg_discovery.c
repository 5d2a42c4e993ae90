#include "device/protocol/tcg_discovery.h"

#include "base/span.h"
#include "base/wire.h"

#define HEADER_LEN	48
#define DESCRIPTOR_HEAD 4 /* code 2, version 1, length 1 */
#define F_TPER		0x0001
#define F_LOCKING	0x0002
#define F_ENTERPRISE	0x0100
#define F_OPAL_1	0x0200
#define F_SINGLE_USER	0x0201
#define F_DATASTORE	0x0202
#define F_OPAL_2	0x0203
#define F_PYRITE_1	0x0302
#define F_PYRITE_2	0x0303
#define F_RUBY		0x0304
#define F_BLOCK_SID	0x0402
#define F_DATA_REMOVAL	0x0404
/* locking feature, first byte of the body */
#define L_ENABLED     (1U << 1)
#define L_LOCKED      (1U << 2)
#define L_ENCRYPTION  (1U << 3)
#define L_MBR_ENABLED (1U << 4)
#define L_MBR_DONE    (1U << 5)

static bool read_ssc(struct xp_tcg_discovery *out, uint16_t code)
{
	switch (code) {
	case F_ENTERPRISE:
		out->enterprise = true;
		return true;
	case F_OPAL_1:
		out->opal_1 = true;
		return true;
	case F_OPAL_2:
		out->opal_2 = true;
		return true;
	case F_PYRITE_1:
		out->pyrite_1 = true;
		return true;
	case F_PYRITE_2:
		out->pyrite_2 = true;
		return true;
	case F_RUBY:
		out->ruby = true;
		return true;
	default:
		return false;
	}
}

static void read_locking(struct xp_tcg_discovery *out, uint8_t flags)
{
	out->has_locking = true;
	out->locking_enabled = (flags & L_ENABLED) != 0;
	out->locked = (flags & L_LOCKED) != 0;
	out->media_encryption = (flags & L_ENCRYPTION) != 0;
	out->mbr_enabled = (flags & L_MBR_ENABLED) != 0;
	out->mbr_done = (flags & L_MBR_DONE) != 0;
}

/* The body of one feature; what is too short for its fields says nothing. */
static void read_feature(struct xp_tcg_discovery *out, uint16_t code, const uint8_t *body,
			 size_t len)
{
	if (read_ssc(out, code)) {
		if (len >= 2 && out->base_comid == 0)
			out->base_comid = get_be16(body);
		return;
	}
	switch (code) {
	case F_TPER:
		out->has_tper = true;
		break;
	case F_LOCKING:
		if (len >= 1)
			read_locking(out, body[0]);
		break;
	case F_SINGLE_USER:
		out->single_user = true;
		break;
	case F_DATASTORE:
		out->datastore = true;
		break;
	case F_BLOCK_SID:
		if (len >= 1) {
			out->has_block_sid = true;
			out->sid_changed = (body[0] & 1) != 0;
			out->sid_blocked = (body[0] & 2) != 0;
		}
		break;
	case F_DATA_REMOVAL:
		if (len >= 3) {
			out->has_data_removal = true;
			out->removal_processing = (body[1] & 1) != 0;
			out->removal_interrupted = (body[1] & 2) != 0;
			out->removal_mechanisms = body[2];
		}
		break;
	default:
		break; /* a feature that does not concern us */
	}
}

enum xp_rc xp_tcg_discovery_parse(struct xp_tcg_discovery *out, const uint8_t *data, size_t len,
				  struct xp_err *err)
{
	struct xp_span s;
	uint64_t all;

	*out = (struct xp_tcg_discovery){0};
	if (len < HEADER_LEN)
		return xp_fail(err, XP_E_MALFORMED, "TCG discovery: %zu bytes", len);
	/* the length does not count itself */
	all = (uint64_t)get_be32(data) + 4;
	if (all < HEADER_LEN || all > len)
		return xp_fail(err, XP_E_MALFORMED, "TCG discovery: says %llu of %zu bytes",
			       (unsigned long long)all, len);
	s = xp_span_of(data + HEADER_LEN, (size_t)all - HEADER_LEN);
	while (s.left) {
		const uint8_t *head = xp_span_take(&s, DESCRIPTOR_HEAD);
		const uint8_t *body = head ? xp_span_take(&s, head[3]) : NULL;

		if (!body)
			return xp_fail(err, XP_E_MALFORMED, "TCG discovery: a feature is cut off");
		read_feature(out, get_be16(head), body, head[3]);
	}
	return XP_OK;
}

const char *xp_tcg_ssc_name(const struct xp_tcg_discovery *d)
{
	if (d->opal_2)
		return "Opal 2";
	if (d->opal_1)
		return "Opal 1";
	if (d->enterprise)
		return "Enterprise";
	if (d->ruby)
		return "Ruby";
	if (d->pyrite_1 || d->pyrite_2)
		return "Pyrite";
	return "none";
}

bool xp_tcg_can_crypto_erase(const struct xp_tcg_discovery *d)
{
	return d->media_encryption && (d->opal_1 || d->opal_2 || d->enterprise || d->ruby);
}
