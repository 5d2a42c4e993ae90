/*
 * emu_transport_nvme: the door inside the process for NVMe: one controller of an emulated NVM
 * subsystem as a transport, behind the same choke point as every other.
 */
#pragma once
#include "device/transport.h"
#include "tests/emu/drive_nvme.h"

/* What stands in the slot; another drive may be put there at any time. */
struct emu_nvme_slot {
	struct emu_nvme *drive; /* NULL: empty */
	unsigned controller;
};

/* SLOT stays the caller's and must outlive the transport. */
MUST_USE enum xp_rc emu_transport_nvme_open(struct xp_transport **out, struct emu_nvme_slot *slot,
					    struct xp_err *err);
