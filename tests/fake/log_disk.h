/*
 * log_disk: a disk for the log that ends at a chosen step, as by kill -9 or by a loss of power.
 * Files are real ones; what was not synced may be gone after the loss.
 */
#pragma once
#include "certs/log_store.h"

#define LOG_DISK_PENDING_MAX 512

struct log_disk_event {
	enum { LOG_DISK_MKDIR, LOG_DISK_RENAME, LOG_DISK_UNLINK } kind;
	int dir_fd; /* a copy */
	ino_t dir;
	char name[64];
	bool existed; /* what stood in the place before */
	void *old;
	size_t old_len;
};

struct log_disk {
	struct xp_log_ops ops;
	unsigned steps;	   /* done so far */
	unsigned crash_at; /* the step that does not come to its end; 0: none */
	int fail_errno;	   /* not 0: that step alone fails with it, and the disk lives on */
	bool dead;
	uint64_t seed;
	int unsynced_fd; /* the file that is written; -1: none */
	struct log_disk_event pending[LOG_DISK_PENDING_MAX];
	unsigned pending_n;
};

void log_disk_init(struct log_disk *d, uint64_t seed);
/* The process is gone: the disk is as it was left. */
void log_disk_kill(struct log_disk *d);
/* The power is gone: of what was not synced some is lost, chosen by the seed. */
void log_disk_power_loss(struct log_disk *d);
void log_disk_done(struct log_disk *d);
