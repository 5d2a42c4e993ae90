/* SPDX-License-Identifier: (GPL-2.0 OR Apache-2.0) */
/*
 * libata_wire: what the libata door's kernel half and the process that plays the drives say to
 * each other: one message a read or write, little-endian, a header and then the data.
 */
#pragma once
#ifdef __KERNEL__
#include <linux/types.h>
typedef u8 xpl_u8;
typedef u16 xpl_u16;
typedef u32 xpl_u32;
typedef u64 xpl_u64;
#else
#include <stdint.h>
typedef uint8_t xpl_u8;
typedef uint16_t xpl_u16;
typedef uint32_t xpl_u32;
typedef uint64_t xpl_u64;
#endif

#define XPL_MAGIC     0x4c505831u /* "1XPL" */
#define XPL_PORTS_MAX 8
#define XPL_DATA_MAX  (1u << 20)

enum xpl_kind {
	XPL_COMMAND = 1, /* to the drive: a task file, with data that goes out */
	XPL_DONE,	 /* from the drive: registers, with data that comes in */
	XPL_RESET,	 /* to the drive: COMRESET */
	XPL_RESET_DONE,	 /* from the drive: flags say whether one is there */
	XPL_LINK,	 /* from the drive, unasked: one was plugged in, taken out, or powered on */
};

#define XPL_FLAG_48BIT	0x01u
#define XPL_FLAG_WRITE	0x02u
#define XPL_FLAG_ONLINE 0x04u /* a drive is at the port */
#define XPL_FLAG_GONE	0x08u /* no answer will come: power or link went away */

struct xpl_message {
	xpl_u32 magic;
	xpl_u32 len; /* of the data behind this header */
	xpl_u32 seq; /* an answer has the number of its question */
	xpl_u8 kind;
	xpl_u8 port;
	xpl_u8 flags;
	xpl_u8 protocol; /* as the kernel's ATA_PROT_*; informative */
	xpl_u8 command;	 /* STATUS in an answer */
	xpl_u8 device;
	xpl_u16 feature; /* ERROR in an answer */
	xpl_u16 count;
	xpl_u8 way; /* 0 no data, 1 PIO in, 2 PIO out, 3 DMA in, 4 DMA out */
	xpl_u8 reserved[5];
	xpl_u64 lba;
	xpl_u32 data_in;    /* bytes that the host waits for */
	xpl_u32 timeout_ms; /* 0: not known */
};
