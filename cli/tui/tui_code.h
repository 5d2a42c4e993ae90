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
