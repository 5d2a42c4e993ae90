/*
 * emu_transport: the door inside the process: an emulated drive as a transport. Everything that
 * talks through device/transport.h talks to it, behind the same choke point.
 */
#pragma once
#include "device/transport.h"
#include "tests/emu/satl.h"

/* UNIT stays the caller's and must outlive the transport. */
MUST_USE enum xp_rc emu_transport_open(struct xp_transport **out, struct emu_satl *unit,
				       struct xp_err *err);
/* The same for any unit; what stands behind it stays the caller's and must outlive the transport.
 */
MUST_USE enum xp_rc emu_transport_open_unit(struct xp_transport **out, struct emu_unit unit,
					    struct xp_err *err);
