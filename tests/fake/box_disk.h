/*
 * box_disk: a medium for boxes that ends at a chosen step, as by a pulled stick: each sector that
 * was not brought to the medium is then the old one, the new one, zeros or noise, and one that was
 * written long ago beside them may be noise, too.
 */
#pragma once
#include "cli/box.h"

#define BOX_DISK_SECTORS_MAX 8192

struct box_disk {
	struct xp_box_ops ops;
	unsigned steps;	    /* writes and syncs so far */
	unsigned crash_at;  /* the step at which the stick is pulled; 0: never */
	const char *broken; /* the end of a name ("b.box"): from BREAKS_AT on it fails */
	unsigned breaks_at;
	uint64_t seed;
	bool spills; /* noise also where nothing was on its way, in the same box */
	bool dead;
	/* what is on its way: one box at a time, or it is a bug */
	int fd;
	unsigned pending_n;
	struct {
		uint64_t at;
		uint8_t old[XP_BOX_SECTOR];
	} pending[BOX_DISK_SECTORS_MAX];
	unsigned both; /* times that both boxes had something on its way */
};

void box_disk_init(struct box_disk *d, uint64_t seed);

#define BOX_FOLDER_LEN 64
/* A new folder for boxes, in memory where there is such a place; -1: none to be had. */
int box_folder_open(char dir[BOX_FOLDER_LEN]);
/* Removes it with its boxes. */
void box_folder_close(int fd, const char *dir);
