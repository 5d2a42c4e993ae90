/*
 * ata_command: how the ATA techniques talk to a drive: task files through the choke point, the
 * registers that come back, and what of it is kept as evidence. Inside sanitize/ only.
 */
#pragma once
#include "device/protocol/ata_identify.h"
#include "device/protocol/sat.h"
#include "device/transport.h"
#include "sanitize/method.h"

/* Attentions that are borne in a row: power on, and what a bridge adds to it. */
#define XP_ATA_ATTENTIONS 4

struct xp_ata_door {
	struct xp_transport *transport;
	const struct xp_permit *permit;
};

/* TF as a command; DATA is for task files that move data. */
void xp_ata_command(struct xp_cmd *cmd, const struct xp_ata_taskfile *tf, void *data,
		    uint32_t timeout_ms);
/* The drive did not carry the command out, since it has to tell of a power-on or reset first. */
bool xp_ata_reply_is_attention(const struct xp_reply *reply);

struct xp_ata_answer {
	struct xp_reply reply;
	struct xp_ata_registers regs;
};
/*
 * Sends TF and reads the registers; again where the drive only had to tell of a power-on. Errors
 * are those of the transport; what the drive thinks of the command is in OUT. TIMEOUT_MS 0: the
 * transport's own.
 */
MUST_USE enum xp_rc xp_ata_ask(struct xp_ata_answer *out, const struct xp_ata_door *door,
			       const struct xp_ata_taskfile *tf, void *data, uint32_t timeout_ms,
			       struct xp_err *err);
/* IDENTIFY DEVICE: the raw data and the facts. XP_E_DEVICE: no whole answer; XP_E_MALFORMED. */
MUST_USE enum xp_rc xp_ata_ask_identify(struct xp_ata_identify *out,
					uint8_t data[XP_ATA_IDENTIFY_LEN],
					const struct xp_ata_door *door, struct xp_err *err);

struct xp_ata_door xp_ata_door_of(const struct xp_method_run *run);
/* Keeps IDENTIFY DEVICE in command.before, or with AFTER in command.after. OUT may be NULL. */
MUST_USE enum xp_rc xp_ata_keep_identify(struct xp_ata_identify *out, struct xp_method_run *run,
					 bool after, struct xp_err *err);
/*
 * Who answers now is who was kept before: XP_E_REFUSED where it is another drive, which an
 * attention may mean as well as a power-on. To be asked directly before what destroys.
 */
MUST_USE enum xp_rc xp_ata_demand_same(struct xp_method_run *run, struct xp_err *err);
/* Appends an answer to command.during. */
MUST_USE enum xp_rc xp_ata_keep_during(struct xp_method_run *run, uint32_t arg, const void *data,
				       size_t len, struct xp_err *err);
/* Forgets what was kept during and after an earlier command. */
void xp_ata_forget_end(struct xp_method_run *run);
/* Takes over what an earlier take knew of this command, and how long ago that began. */
MUST_USE enum xp_rc xp_ata_adopt(struct xp_method_run *run, struct xp_err *err);
