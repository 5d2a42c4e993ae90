/* Drives to begin with, and drives that look like one that somebody has. */
#include "base/wire.h"
#include "tests/emu/drive_nvme_inside.h"

#include <stdio.h>
#include <string.h>

static void set_formats(struct emu_nvme_config *c)
{
	static const struct emu_nvme_format formats[] = {
		{9, 0}, {9, 8}, {12, 0}, {12, 8}, {12, 64}};

	memcpy(c->formats, formats, sizeof(formats));
	c->formats_n = sizeof(formats) / sizeof(formats[0]);
}

struct emu_nvme_config emu_nvme_ssd(uint64_t bytes)
{
	struct emu_nvme_config c = {
		.version = 0x00010400,
		.controllers_n = 1,
		.ns = {{.bytes = bytes, .attached = 1}},
		.ns_n = 1,
		.spare_sectors = 64,
		.encrypts = true,
		.sanitize_crypto = true,
		.sanitize_block = true,
		.sanitize_overwrite = true,
		.no_deallocate_modifies = 1,
		.has_format = true,
		.format_crypto = true,
		.has_security = true,
		.has_ns_management = true,
		.has_reservations = true,
		.has_compare = true,
		.has_dsm = true,
		.has_write_zeroes = true,
		.has_volatile_cache = true,
		.overwrite_seconds = 600,
		.block_seconds = 60,
		.crypto_seconds = 2,
		.deallocate_seconds = 1,
		.format_seconds = 5,
	};

	snprintf(c.model, sizeof(c.model), "EMULATED NVME DRIVE");
	snprintf(c.serial, sizeof(c.serial), "EMUNVME0001");
	snprintf(c.firmware, sizeof(c.firmware), "EN01");
	set_formats(&c);
	return c;
}

struct emu_nvme_config emu_nvme_many(uint64_t bytes)
{
	struct emu_nvme_config c = emu_nvme_ssd(bytes);

	snprintf(c.serial, sizeof(c.serial), "EMUNVME0002");
	c.controllers_n = 2;
	c.ns_n = 3;
	c.ns[0] = (struct emu_nvme_ns_config){.bytes = bytes, .attached = 1};
	c.ns[1] = (struct emu_nvme_ns_config){.bytes = bytes, .attached = 3, .is_shared = true};
	c.ns[2] = (struct emu_nvme_ns_config){.bytes = bytes};
	c.unallocated_bytes = bytes;
	return c;
}

static void take_text(char *out, const uint8_t *from, size_t len)
{
	size_t end = len;

	while (end && (from[end - 1] == ' ' || from[end - 1] == 0))
		end--;
	memcpy(out, from, end);
	out[end] = 0;
}

bool emu_nvme_wear(struct emu_nvme_config *c, const uint8_t id_ctrl[4096], uint64_t bytes)
{
	const uint8_t *id = id_ctrl;
	uint16_t oacs = get_le16(id + 256);
	uint16_t oncs = get_le16(id + 520);
	uint32_t sanicap = get_le32(id + 328);
	uint8_t fna = id[524];

	*c = emu_nvme_ssd(bytes);
	c->image = id;
	take_text(c->serial, id + 4, 20);
	if (!c->serial[0]) /* left out where the image was published */
		snprintf(c->serial, sizeof(c->serial), "EMUWORN0001");
	take_text(c->model, id + 24, 40);
	take_text(c->firmware, id + 64, 8);
	if (id[768])
		take_text(c->subnqn, id + 768, sizeof(c->subnqn) - 1);
	c->version = get_le32(id + 80);
	c->rpmbs = get_le32(id + 312);
	c->has_security = (oacs & 0x01) != 0;
	c->has_format = (oacs & 0x02) != 0;
	c->has_ns_management = (oacs & 0x08) != 0;
	c->sanitize_crypto = (sanicap & 1) != 0;
	c->sanitize_block = (sanicap & 2) != 0;
	c->sanitize_overwrite = (sanicap & 4) != 0;
	c->has_media_verification = (sanicap & 8) != 0;
	c->no_deallocate_inhibited = (sanicap & 1U << 29) != 0;
	c->no_deallocate_modifies = (uint8_t)(sanicap >> 30);
	c->has_compare = (oncs & 0x01) != 0;
	c->has_dsm = (oncs & 0x04) != 0;
	c->has_write_zeroes = (oncs & 0x08) != 0;
	c->has_reservations = (oncs & 0x20) != 0;
	c->format_all = (fna & 1) != 0;
	c->erase_all = (fna & 2) != 0;
	c->format_crypto = (fna & 4) != 0;
	c->format_broadcast_refused = (fna & 8) != 0;
	c->has_volatile_cache = (id[525] & 1) != 0;
	return c->model[0] != 0;
}
