/* nvme_tcp_inside: what the parts of the NVMe/TCP door share. For tests/emu/nvme_tcp_*.c only. */
#pragma once
#include "tests/emu/nvme_tcp_door.h"

#define SC_DNR_BIT	   0x4000U
#define SC_FIELD	   (0x02U | SC_DNR_BIT)
#define SC_SEQUENCE	   (0x0cU | SC_DNR_BIT)
#define SC_EVENT_LIMIT	   (0x105U | SC_DNR_BIT)
#define SC_CONNECT_FORMAT  (0x180U | SC_DNR_BIT)
#define SC_CONNECT_BUSY	   0x181U
#define SC_CONNECT_INVALID (0x182U | SC_DNR_BIT)
#define CSTS_READY	   1U

#define EMU_SLOTS    160
#define EMU_HELD_MAX 4 /* AERL and one */

enum link_state { LINK_NEW, LINK_READY, LINK_CONNECTED };

/* A command that waits for its data. */
struct emu_slot {
	uint8_t sqe[64];
	uint8_t *data; /* NULL: free */
	uint32_t len, got;
};

struct emu_nvme_link {
	struct emu_nvme_port *port;
	enum link_state state;
	struct xp_buf in;
	struct xp_buf *out;
	uint32_t header_len; /* of the PDU in hand, as much as is known of it */
	unsigned controller;
	uint32_t generation;
	uint16_t qid, size, head;
	uint16_t held[EMU_HELD_MAX]; /* identifiers of Asynchronous Event Requests */
	unsigned held_n;
	struct emu_slot slots[EMU_SLOTS];
};

void emu_link_respond(struct emu_nvme_link *l, const uint8_t *sqe, uint64_t result,
		      uint16_t status);
bool emu_link_is_alive(const struct emu_nvme_link *l);
void emu_link_release(struct emu_nvme_link *l);
/* A Fabrics command; false: the connection is at its end. */
bool emu_link_fabrics(struct emu_nvme_link *l, const uint8_t *sqe, const uint8_t *data, size_t len);
