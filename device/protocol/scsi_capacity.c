#include "device/protocol/scsi_capacity.h"

#include "base/wire.h"

#define BLOCK_LENGTH  8
#define PROTECTION    12
#define PROT_EN	      0x01
#define P_TYPE_SHIFT  1
#define P_TYPE_MASK   0x07
#define P_TYPE_MAX    2
#define EXPONENT      13
#define EXPONENT_MASK 0x0f
#define PROVISIONING  14
#define LBPME	      0x80
#define LBPRZ	      0x40
#define BLOCK_MAX     65536

enum xp_rc xp_scsi_capacity_parse(struct xp_scsi_capacity *out, const uint8_t *data, size_t len,
				  struct xp_err *err)
{
	uint64_t last;
	uint8_t type;

	*out = (struct xp_scsi_capacity){0};
	if (len < XP_SCSI_CAPACITY_LEN)
		return xp_fail(err, XP_E_MALFORMED, "READ CAPACITY (16): %zu bytes", len);
	last = get_be64(data);
	out->logical_bytes = get_be32(data + BLOCK_LENGTH);
	if (out->logical_bytes == 0 || out->logical_bytes > BLOCK_MAX || last == UINT64_MAX ||
	    __builtin_mul_overflow(last + 1, (uint64_t)out->logical_bytes, &out->bytes))
		return xp_fail(err, XP_E_MALFORMED,
			       "READ CAPACITY (16): blocks of %u bytes up to %llu",
			       out->logical_bytes, (unsigned long long)last);
	out->blocks = last + 1;
	out->physical_bytes = out->logical_bytes << (data[EXPONENT] & EXPONENT_MASK);
	type = data[PROTECTION] >> P_TYPE_SHIFT & P_TYPE_MASK;
	if (data[PROTECTION] & PROT_EN) {
		if (type > P_TYPE_MAX)
			return xp_fail(err, XP_E_MALFORMED, "READ CAPACITY (16): protection type");
		out->protection_type = (uint8_t)(type + 1);
	}
	out->is_provisioned = (data[PROVISIONING] & LBPME) != 0;
	out->unmapped_reads_zero = (data[PROVISIONING] & LBPRZ) != 0;
	return XP_OK;
}
