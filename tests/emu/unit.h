/*
 * unit: what stands behind every SCSI door: something that takes one command block and answers it,
 * and that has a power switch. A translation layer with an ATA drive behind it (satl.h) is one, a
 * SAS drive is another; the doors see no difference.
 */
#pragma once
#include "tests/emu/simtime.h"

/* One SCSI command and its answer, as every door hands it over. */
#define EMU_SENSE_MAX 252
struct emu_scsi_cmd {
	const uint8_t *cdb;
	size_t cdb_len;
	const uint8_t *out;
	size_t out_len;
	uint8_t *in;
	size_t in_len;
	uint64_t give_up_ns; /* the host's time-out; 0: none */
	/* the answer */
	bool answered;
	uint8_t status;
	size_t moved; /* bytes of data, either way */
	uint8_t sense[EMU_SENSE_MAX];
	size_t sense_len;
};

struct emu_unit_ops {
	void (*exec)(void *ctx, struct emu_scsi_cmd *cmd);
	/* Off, and on again; what was running is cut off. */
	void (*power_off)(void *ctx);
	void (*power_on)(void *ctx);
	/* A reset of the logical unit, as after a time-out: nothing is lost but what runs in the
	 * foreground. */
	void (*reset)(void *ctx);
	/* NULL: nothing is plugged in. */
	struct emu_time *(*time)(void *ctx);
};

struct emu_unit {
	const struct emu_unit_ops *ops;
	void *ctx; /* stays the owner's */
};
