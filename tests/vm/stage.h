/*
 * stage: the drives of a rig while they are played to a real kernel. One lock for all; simulated
 * time is tied to real time and a factor, so that a command that takes an hour takes a second, and
 * can be cut off in it by a power loss or a reset.
 */
#pragma once
#include <pthread.h>

#include "tests/emu/rig.h"

struct stage;

/* How one command was answered, seen from the bus. */
enum stage_end {
	STAGE_ANSWERED,
	STAGE_ABSENT, /* nothing is plugged in */
	STAGE_CUT,    /* power or link went away first */
};

/* What a door is told, with the stage locked. */
struct stage_listener {
	/* The slot's drive came, went, or was powered on again. */
	void (*link)(void *ctx, bool is_plugged);
	void *ctx;
};

/* SPEED: simulated seconds in a real one. RIG stays the caller's. NULL: no memory. */
struct stage *stage_new(struct emu_rig *rig, double speed);
void stage_listen(struct stage *s, const struct emu_rig_drive *slot, struct stage_listener l);
struct emu_rig *stage_rig(const struct stage *s);

/* For doors that call a drive otherwise than by stage_scsi: between these two it is theirs alone,
 * and the stage is locked but while a command waits. NULL: nothing is plugged in. */
struct emu_time *stage_begin(struct stage *s, struct emu_rig_drive *slot);
void stage_end(struct stage *s, struct emu_time *t);

enum stage_end stage_scsi(struct stage *s, struct emu_rig_drive *slot, struct emu_scsi_cmd *cmd);
/* The command that runs there now ends, and the logical unit is reset. */
void stage_reset(struct stage *s, struct emu_rig_drive *slot);

/*
 * What can be typed at a rig, one line: "power-cycle NAME", "power-off NAME", "power-on NAME",
 * "unplug NAME", "plug NAME [OTHER]", "fault NAME KEY VALUE", "stain NAME", "stains NAME", "speed
 * FACTOR", "commands NAME", "ping". ANSWER gets one line that begins with "ok" or "error".
 */
void stage_ask(struct stage *s, const char *line, char *answer, size_t size);
