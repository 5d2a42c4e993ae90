/* End-to-end protection information: guard, application tag, reference tag. */
#include "base/wire.h"
#include "tests/emu/drive_nvme_inside.h"

#include <string.h>

#define CHECK_REF   1U
#define CHECK_GUARD 4U
#define POLYNOMIAL  0x8bb7U /* T10 DIF */

static uint16_t crc16(uint16_t crc, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		crc = (uint16_t)(crc ^ (unsigned)data[i] << 8);
		for (unsigned bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 0x8000 ? (unsigned)crc << 1 ^ POLYNOMIAL
						      : (unsigned)crc << 1);
	}
	return crc;
}

/* Where the eight bytes stand in the metadata, and the guard of what is before them. */
static size_t place(const struct emu_nvme *d, const struct emu_nvme_ns *ns)
{
	return ns->is_first ? 0 : emu_meta_bytes(d, ns) - 8;
}

static uint16_t guard_of(const struct emu_nvme *d, const struct emu_nvme_ns *ns,
			 const uint8_t *data, const uint8_t *meta)
{
	return crc16(crc16(0, data, emu_lba_bytes(d, ns)), meta, place(d, ns));
}

void emu_nvme_protect(const struct emu_nvme *d, const struct emu_nvme_ns *ns, const uint8_t *data,
		      uint8_t *meta, uint32_t ref)
{
	uint8_t *pi = meta + place(d, ns);

	put_be16(pi, guard_of(d, ns, data, meta));
	put_be16(pi + 2, 0);
	put_be32(pi + 4, ns->protection == 3 ? 0 : ref);
}

uint16_t emu_nvme_check(const struct emu_nvme *d, const struct emu_nvme_ns *ns, const uint8_t *data,
			const uint8_t *meta, uint32_t prchk, uint32_t ref)
{
	const uint8_t *pi = meta + place(d, ns);

	/* FFFFh, for type 3 with a reference tag of FFh, too: not to be checked */
	if (get_be16(pi + 2) == 0xffff && (ns->protection != 3 || get_be32(pi + 4) == 0xffffffffU))
		return SC_OK;
	if ((prchk & CHECK_GUARD) && get_be16(pi) != guard_of(d, ns, data, meta))
		return SC_GUARD_CHECK;
	if ((prchk & CHECK_REF) && ns->protection != 3 && get_be32(pi + 4) != ref)
		return SC_REF_TAG_CHECK;
	return SC_OK;
}
