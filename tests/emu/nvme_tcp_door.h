/*
 * nvme_tcp_door: an emulated NVM subsystem as an NVMe/TCP target: the bytes of its connections, in
 * and out. It knows no sockets (tests/vm/nvme_tcp_serve.h does). Each connection is a queue; the
 * first of a controller is its admin queue. Without digests and authentication.
 */
#pragma once
#include "base/buf.h"
#include "tests/emu/drive_nvme.h"

/* What a connection may bring into a command that writes, and what goes with the command. */
#define EMU_NVME_TCP_DATA_MAX (1024 * 1024U)
#define EMU_NVME_TCP_CAPSULE  8192U

struct emu_nvme_port {
	struct emu_nvme *drive; /* NULL: the slot is empty */
	struct {
		bool taken;
		uint32_t generation; /* connections of an older one are at their end */
		uint8_t host[16];
		uint32_t cc, csts;
	} ctrl[EMU_NVME_CTRLS_MAX];
};

/* A drive is put into the slot, or taken out of it (NULL). Every connection is at its end. */
void emu_nvme_port_plug(struct emu_nvme_port *p, struct emu_nvme *drive);
/* Power is off, and every connection at its end; or on again. */
void emu_nvme_port_power(struct emu_nvme_port *p, bool on);

struct emu_nvme_link;

/* PORT must outlive it. NULL: no memory. */
struct emu_nvme_link *emu_nvme_link_new(struct emu_nvme_port *port);
void emu_nvme_link_free(struct emu_nvme_link **link);
/*
 * Takes what came in. What is to be sent is added to OUT, which stays the caller's. false: the
 * connection is at its end, after what is in OUT.
 */
bool emu_nvme_link_feed(struct emu_nvme_link *link, const uint8_t *data, size_t len,
			struct xp_buf *out);
/* The same without anything that came in: events that wait, a drive that is gone. */
bool emu_nvme_link_poll(struct emu_nvme_link *link, struct xp_buf *out);
