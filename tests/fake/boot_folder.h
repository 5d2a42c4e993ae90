/* boot_folder: a temporary folder in the place of a root, for tests of the image's first program.
 */
#pragma once
#include <stddef.h>

extern char boot_folder[256];

/* For cmocka, around each test. */
int boot_folder_set_up(void **state);
int boot_folder_tear_down(void **state);
/* The path of NAME in it; the folders on the way are made. */
void boot_folder_path(char path[512], const char *name);
void boot_folder_write(const char *name, const void *data, size_t len);
