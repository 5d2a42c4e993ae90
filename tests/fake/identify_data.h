/* identify_data: the files under tests/data/identify. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Reads LEN bytes of 16-bit words in hex, stored as little-endian bytes; fails the test otherwise.
 */
void identify_data_read(uint8_t *out, size_t len, const char *name);
