/*
 * drive_word: the drive's own word on a command that went wrong, for a person: its ATA registers,
 * or its sense data, with what the standards call them. Pure.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define XP_DRIVE_WORD_LEN 96

/*
 * "status 51h, error 04h (command aborted)", "sense 5h, 26h/00h (invalid field in the parameter
 * list)". OUT is empty where SENSE holds nothing that could be read.
 */
void xp_drive_word(char out[XP_DRIVE_WORD_LEN], const uint8_t *sense, size_t len);
