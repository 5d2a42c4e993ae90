/*
 * tui_drives: drives as the scout tells of them (JSON) become the rows of the list; what they
 * answered is remembered, so that none is asked twice.
 */
#pragma once
#include "cli/tui/tui.h"

#include <jansson.h>

struct xp_tui_known; /* what drives have said of themselves */
struct xp_tui_known *xp_tui_known_new(void);
void xp_tui_known_free(struct xp_tui_known **k);
/* "answers" of the scout. */
void xp_tui_known_take(struct xp_tui_known *k, const json_t *answers);
/* All of them are to be asked again. */
void xp_tui_known_forget(struct xp_tui_known *k);

/*
 * The scout's FOUND into the machine; drives at skipped paths stay as they were. TO_ASK gets the
 * paths (an array) of those that did not say yet what they can do. XP_E_MALFORMED, XP_E_NOMEM.
 */
MUST_USE enum xp_rc xp_tui_drives_take(struct xp_tui *t, const struct xp_tui_known *k,
				       const json_t *found, json_t *to_ask, struct xp_err *err);
