/* loop_device: a real block device over a file that the test made, gone when its descriptor closes.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Attaches FILE_FD to a free loop device. Returns a descriptor (flags as given, close-on-exec) and
 * its path, or -1 where loop devices are not to be had (no root, none free).
 */
/* It is gone when its last descriptor closes. */
int loop_device_attach(char path[32], int file_fd, uint32_t sector_bytes, bool direct, int flags);
/* The same, but it stays until it is detached, so that nobody needs to hold it. 0 or -1. */
int loop_device_attach_lasting(char path[32], int file_fd, uint32_t sector_bytes, bool direct);
void loop_device_detach(const char *path);
