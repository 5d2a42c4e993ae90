/* tui_code: the log's checkpoint as a QR code that fits a terminal of 80 x 24. */
#pragma once
#include "base/err.h"

/*
 * TEXT as modules, a byte each (1 is dark), *SIZE a side; *OUT malloc'ed. Characters of QR's
 * alphanumeric set only. XP_E_USAGE: it does not fit XP_TUI_CODE_MODULES.
 */
#define XP_TUI_CODE_MODULES 45
MUST_USE enum xp_rc xp_tui_code_make(uint8_t **out, unsigned *size, const char *text,
				     struct xp_err *err);

/*
 * A signed checkpoint (the note's text) in the shortest form that a code takes:
 * "EXPUNGE-LOG1 ORIGIN SIZE ROOT SIGNATURE", origin in capitals, root and signature in base32
 * without padding. The note can be written again from it and the log's verifier key.
 * XP_E_MALFORMED: no note of a checkpoint with one signature.
 */
#define XP_TUI_CODE_TEXT_MAX 512
MUST_USE enum xp_rc xp_tui_code_text(char out[XP_TUI_CODE_TEXT_MAX], const char *note,
				     struct xp_err *err);
