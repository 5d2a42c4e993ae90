/* io_how: how bytes went to or came from a target, as the record tells it. Pure. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* How bytes went to or came from the target. */
enum xp_io_backend {
	XP_IO_URING,
	XP_IO_SYNC,
	XP_IO_SG,
	XP_IO_WRITE_SAME, /* the drive was told once what each block is to hold */
};
const char *xp_io_backend_name(enum xp_io_backend v);
bool xp_io_backend_parse(enum xp_io_backend *out, const char *name);

struct xp_io_how {
	enum xp_io_backend backend;
	bool direct; /* O_DIRECT: past the page cache */
	bool registered_buffers;
	uint32_t block_bytes; /* size of one request */
	uint32_t depth;	      /* requests in flight */
	char fallback[128];   /* why not the best way; empty where it was */
};
