/*
 * transport_inside: for transports that stand around another one, and only for them: it takes a
 * transport apart, so that a command that has passed the choke point once is not asked twice.
 */
#pragma once
#include "device/transport.h"

/* The parts are the caller's now (ops->close(ctx) ends them); *T is gone. */
void xp_transport_take_apart(struct xp_transport **t, const struct xp_transport_ops **ops,
			     void **ctx);
