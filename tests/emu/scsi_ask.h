/* scsi_ask: a host that asks an emulated SAS drive and remembers what it got. For tests. */
#pragma once
#include "tests/emu/drive_scsi.h"

#define EMU_CDB(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

/* What came of a command: 0 is good status, else key << 16 | ASC << 8 | ASCQ, or one of these. */
#define EMU_GOOD	  0
#define EMU_NO_ANSWER	  0x10000000
#define EMU_NO_SENSE_DATA 0x20000000
#define EMU_CONFLICT	  0x30000000
#define EMU_DEFERRED	  0x40000000 /* is set besides */

struct emu_host {
	struct emu_scsi_bay bay;
	struct emu_scsi_cmd cmd;
	uint64_t give_up_ns;
	uint8_t data[4608];
};

/* Plugs the drive in and hears of its power-on. */
void emu_host_plug(struct emu_host *h, struct emu_scsi *drive);
/* Data from the drive into H->data, which is filled with CCh before; or to the drive. */
uint32_t emu_host_in(struct emu_host *h, const uint8_t *cdb, size_t cdb_len, size_t len);
uint32_t emu_host_out(struct emu_host *h, const uint8_t *cdb, size_t cdb_len, size_t len);
uint32_t emu_host_ready(struct emu_host *h);
/* REQUEST SENSE: what it says, as above; *PROGRESS is -1 where it names none. */
uint32_t emu_host_sense(struct emu_host *h, bool descriptors, int *progress);
/* READ (16) and WRITE (16) of N blocks, whatever their length now; the data is H->data. */
uint32_t emu_host_read(struct emu_host *h, uint64_t lba, uint32_t n, size_t block);
uint32_t emu_host_write(struct emu_host *h, uint64_t lba, uint32_t n, size_t block);
/* SANITIZE OVERWRITE with PASSES in byte 0 of the list (and INVERT), others without a list. */
uint32_t emu_host_sanitize(struct emu_host *h, uint8_t byte1, uint8_t passes, uint32_t pattern);
