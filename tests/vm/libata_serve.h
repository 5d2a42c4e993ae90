/*
 * libata_serve: the host's end of the libata door: a socket that a virtual machine's serial port
 * leads to, and behind it drives at SATA ports (tests/emu/libata_door.h).
 */
#pragma once
#include "tests/emu/libata_door.h"

#include <pthread.h>

struct libata_server;

/*
 * Listens at PATH and answers in a thread of its own, one machine at a time; after one has gone the
 * next is taken. PORTS stay the caller's; they are used with LOCK held only. NULL: errno says why.
 */
struct libata_server *libata_serve_start(const char *path, struct emu_libata_port *ports,
					 unsigned ports_n, pthread_mutex_t *lock);
/* Tells the machine that something happened at the port; without one nothing is told. */
void libata_serve_link(struct libata_server *s, unsigned port);
