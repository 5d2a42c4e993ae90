/* emu_nvme_ask: short ways to put NVMe commands to an emulated drive, for tests of the drive
 * itself. */
#pragma once
#include "tests/emu/drive_nvme.h"

#include <stddef.h>

/* A command as it would be written down; what is left out is zero. */
struct emu_nvme_ask {
	uint8_t opcode;
	uint32_t nsid;
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
	unsigned controller;
	bool is_io;
	const void *out;
	void *in;
	size_t len;
	void *metadata;
	size_t metadata_len;
	uint64_t give_up_ns;
};
/* The drive's answer, whole. */
struct emu_nvme_cmd emu_nvme_ask(struct emu_nvme *d, const struct emu_nvme_ask *ask);
/* The status without DNR; FFFFh: no answer. */
uint16_t emu_nvme_ask_status(struct emu_nvme *d, const struct emu_nvme_ask *ask);

uint16_t emu_nvme_ask_identify(struct emu_nvme *d, uint8_t cns, uint32_t nsid, uint8_t out[4096]);
uint16_t emu_nvme_ask_log(struct emu_nvme *d, uint8_t lid, void *out, size_t len);
/* Blocks of the format that is in force, metadata in between where it is extended. */
uint16_t emu_nvme_ask_read(struct emu_nvme *d, uint32_t nsid, uint64_t lba, void *out, size_t len);
uint16_t emu_nvme_ask_write(struct emu_nvme *d, uint32_t nsid, uint64_t lba, const void *data,
			    size_t len);
uint16_t emu_nvme_ask_format(struct emu_nvme *d, uint32_t nsid, unsigned ses, unsigned lbaf);
uint16_t emu_nvme_ask_sanitize(struct emu_nvme *d, uint32_t cdw10, uint32_t pattern);
/* Log 81h, taken apart. */
struct emu_nvme_log81 {
	uint16_t sprog, sstat;
	uint32_t scdw10;
	uint8_t state, failed_in;
};
struct emu_nvme_log81 emu_nvme_ask_log81(struct emu_nvme *d);
/* Namespace Attachment of one controller: SELECT 0 attaches, 1 detaches. */
uint16_t emu_nvme_ask_attach(struct emu_nvme *d, uint32_t nsid, unsigned select, uint16_t cntlid);
