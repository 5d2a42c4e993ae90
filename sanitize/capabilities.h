/* capabilities: what a drive can do, by its own word; a file a family. Inside sanitize/ only. */
#pragma once
#include "sanitize/plan.h"

/* Each adds what FACTS of its family tell, and nothing where the family is another. */
void xp_capabilities_ata(struct xp_capabilities *out, const struct xp_target *target,
			 const struct xp_drive_facts *facts);
void xp_capabilities_scsi(struct xp_capabilities *out, const struct xp_target *target,
			  const struct xp_drive_facts *facts);
void xp_capabilities_nvme(struct xp_capabilities *out, const struct xp_target *target,
			  const struct xp_drive_facts *facts);

/* One technique; a second of the same kind is not added. SECONDS: an estimate, 0 where unknown. */
void xp_capabilities_add(struct xp_capabilities *out, enum xp_technique t, uint64_t seconds);
/* The technique is there and cannot be carried out as things stand. */
void xp_capabilities_obstacle(struct xp_capabilities *out, enum xp_technique t,
			      enum xp_refusal_code code, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
