/*
 * nvme_tcp_serve: the host's end of the NVMe/TCP door: a socket on 127.0.0.1 that a guest's
 * nvme-tcp driver reaches through QEMU's user network, and behind it one emulated NVM subsystem
 * (tests/emu/nvme_tcp_door.h).
 */
#pragma once
#include "tests/emu/nvme_tcp_door.h"

struct nvme_tcp_server;

struct nvme_tcp_serve_config {
	struct emu_nvme_port *slot; /* the caller's; used between begin and end only */
	/* Locks, and lets time pass; false: there is no drive, and nothing is locked. Unlocks. */
	bool (*begin)(void *ctx);
	void (*end)(void *ctx);
	void *ctx;
	uint16_t port; /* TCP; 0: any that is free */
};

/* Listens and answers in a thread of its own. NULL: errno says why. */
struct nvme_tcp_server *nvme_tcp_serve_start(const struct nvme_tcp_serve_config *cfg);
uint16_t nvme_tcp_serve_port(const struct nvme_tcp_server *s);
/* Ends the thread and every connection. Not to be called between begin and end. */
void nvme_tcp_serve_stop(struct nvme_tcp_server **s);
