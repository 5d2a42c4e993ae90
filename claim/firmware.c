#include "claim/firmware.h"

#include "base/cleanup.h"

#include <stdlib.h>

/*
 * A row needs a public source that says so of this very model. Weaknesses of password protection
 * alone (CVE-2018-12037) take nothing from an erase and have no row.
 */
const struct xp_firmware_entry xp_firmware_table[] = {
	{"Samsung SSD 840 EVO*",
	 "*",
	 {.technique = XP_ATA_SANITIZE_CRYPTO,
	  .cap = XP_CLEAR,
	  .why = "older copies of key information may stay in wear-levelled storage",
	  .source = "CERT/CC VU#395981, CVE-2018-12038 (2018-11-06)"}},
	{"Samsung SSD 840 EVO*",
	 "*",
	 {.technique = XP_ATA_SECURE_ERASE_ENHANCED,
	  .cap = XP_CLEAR,
	  .why = "older copies of key information may stay in wear-levelled storage",
	  .source = "CERT/CC VU#395981, CVE-2018-12038 (2018-11-06)"}},
};
const size_t xp_firmware_table_n = XP_ARRAY_LEN(xp_firmware_table);

static bool speaks_of(const struct xp_firmware_entry *e, const struct xp_identity *id)
{
	return id->model[0] && xp_pattern_matches(e->model, id->model) &&
	       xp_pattern_matches(e->firmware, id->firmware);
}

enum xp_rc xp_firmware_find(struct xp_firmware_row **out, size_t *n,
			    const struct xp_firmware_entry *table, size_t table_n,
			    const struct xp_identity *id, struct xp_err *err)
{
	struct xp_firmware_row *rows;

	*out = NULL;
	*n = 0;
	for (size_t i = 0; i < table_n; i++)
		*n += speaks_of(&table[i], id);
	if (*n == 0)
		return XP_OK;
	rows = calloc(*n, sizeof(*rows));
	*n = 0;
	if (!rows)
		return xp_fail(err, XP_E_NOMEM, "firmware rows");
	for (size_t i = 0; i < table_n; i++)
		if (speaks_of(&table[i], id))
			rows[(*n)++] = table[i].row;
	*out = rows;
	return XP_OK;
}

enum xp_level xp_firmware_cap(const struct xp_identity *id, enum xp_technique t, const char **why)
{
	enum xp_level cap = XP_PURGE;

	*why = "";
	for (size_t i = 0; i < xp_firmware_table_n; i++) {
		const struct xp_firmware_entry *e = &xp_firmware_table[i];

		if (e->row.technique != t || !speaks_of(e, id) || e->row.cap >= cap)
			continue;
		cap = e->row.cap;
		*why = e->row.why;
	}
	return cap;
}
