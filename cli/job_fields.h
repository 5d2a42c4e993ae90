/*
 * job_fields: what the operator says of a drive and of the people: from --record-fields (JSON) and
 * from
 * --expect (CSV, one drive a line). It goes into the record as the operator's words.
 */
#pragma once
#include "certs/record.h"

/*
 * Puts the members of the JSON object into RECORD: tenant, case, manufacturer, property_no,
 * asset_tag, ticket, source, slot, classification_before, classification_after, backup_status,
 * backup_location, destination, deadline, header_backups, plaintext_before, and persons[] {role,
 * name, name_latin, title, organization, location, contact}. Anything else: XP_E_USAGE with the
 * key.
 */
MUST_USE enum xp_rc xp_fields_apply_json(struct xp_record *record, const char *json, size_t len,
					 const char *name, struct xp_err *err);

struct xp_expected {
	char host_serial[128];
	char serial[256];
	char asset_tag[128];
	char ticket[128];
	char tenant[128];
	bool seen; /* a present target matched it */
};

struct xp_expect_list {
	struct xp_expected *list;
	size_t n;
};

/* Parses the CSV: a header line that names at least `serial`; further columns are ignored with a
 * note in EXTRA_COLUMNS (may be NULL). A serial twice, an empty serial, a ragged line: XP_E_USAGE.
 */
MUST_USE enum xp_rc xp_expect_list_parse(struct xp_expect_list *out, const char *csv, size_t len,
					 struct xp_err *err);
void xp_expect_list_free(struct xp_expect_list *e);
void xp_fields_apply_expected(struct xp_record *record, const struct xp_expected *e);
