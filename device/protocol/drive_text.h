/*
 * drive_text: strings out of a drive's answer: trimmed, and kept apart from what is not text. Pure.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * LEN bytes of a fixed, space-padded field into OUT (of OUT_LEN bytes, at least 2 * LEN + 5).
 * Spaces and NULs at both ends are dropped; what is left and leaves 20h-7Eh, or begins with
 * "hex:" itself, is given as "hex:" and lower-case hex. SWAPPED: ATA's order, the two bytes of each
 * word exchanged (LEN even).
 */
void xp_drive_text(char *out, size_t out_len, const uint8_t *field, size_t len, bool swapped);
