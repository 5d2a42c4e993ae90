/* NVMe drives in a rig. */
#include "tests/emu/rig_inside.h"

#include <stddef.h>
#include <string.h>

#define NVME(name, what, field)                                                                    \
	{                                                                                          \
		name, EMU_FIELD_##what, offsetof(struct emu_nvme_config, field), 0, 0              \
	}
#define NVME_TEXT(name, field)                                                                     \
	{                                                                                          \
		name, EMU_FIELD_TEXT, offsetof(struct emu_nvme_config, field),                     \
			sizeof(((struct emu_nvme_config *)0)->field), 0                            \
	}
#define FAULT(name, what, field)                                                                   \
	{                                                                                          \
		name, EMU_FIELD_##what, offsetof(struct emu_nvme_faults, field), 0, 0              \
	}

const struct emu_field *emu_rig_nvme_fields(size_t *n)
{
	static const struct emu_field rows[] = {
		NVME_TEXT("model", model),
		NVME_TEXT("serial", serial),
		NVME_TEXT("firmware", firmware),
		NVME_TEXT("nqn", subnqn),
		NVME("version", U32, version),
		NVME("controllers", UNSIGNED, controllers_n),
		NVME("unallocated-bytes", U64, unallocated_bytes),
		NVME("spare-sectors", U32, spare_sectors),
		NVME("encrypts", BOOL, encrypts),
		NVME("sanitize-crypto", BOOL, sanitize_crypto),
		NVME("sanitize-block", BOOL, sanitize_block),
		NVME("sanitize-overwrite", BOOL, sanitize_overwrite),
		NVME("media-verification", BOOL, has_media_verification),
		NVME("no-deallocate-inhibited", BOOL, no_deallocate_inhibited),
		NVME("format", BOOL, has_format),
		NVME("format-all", BOOL, format_all),
		NVME("erase-all", BOOL, erase_all),
		NVME("format-crypto", BOOL, format_crypto),
		NVME("format-broadcast-refused", BOOL, format_broadcast_refused),
		NVME("format-reaches-spare", BOOL, format_reaches_spare),
		NVME("security", BOOL, has_security),
		NVME("namespace-management", BOOL, has_ns_management),
		NVME("reservations", BOOL, has_reservations),
		NVME("compare", BOOL, has_compare),
		NVME("deallocate", BOOL, has_dsm),
		NVME("write-zeroes", BOOL, has_write_zeroes),
		NVME("write-cache", BOOL, has_volatile_cache),
		NVME("boot-partitions", BOOL, has_boot_partitions),
		NVME("memory-region", BOOL, has_memory_region),
		NVME("rpmb", U32, rpmbs),
		NVME("deallocated", TRIMMED, deallocated),
		NVME("overwrite-seconds", U32, overwrite_seconds),
		NVME("block-seconds", U32, block_seconds),
		NVME("crypto-seconds", U32, crypto_seconds),
		NVME("deallocate-seconds", U32, deallocate_seconds),
		NVME("format-seconds", U32, format_seconds),
	};

	*n = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

const struct emu_field *emu_rig_nvme_faults(size_t *n)
{
	static const struct emu_field rows[] = {
		FAULT("sanitize-ignored", BOOL, sanitize_ignored),
		FAULT("sanitize-stalls-at", PERCENT, sanitize_stalls_at),
		FAULT("sanitize-fails-at", PERCENT, sanitize_fails_at),
		FAULT("sanitize-dies-by-power", BOOL, sanitize_dies_by_power),
		FAULT("progress-lost", BOOL, progress_lost),
		FAULT("success-early", BOOL, success_early),
		FAULT("log-refused", BOOL, log_refused),
		FAULT("keeps-key", BOOL, keeps_key),
		FAULT("detached-left", BOOL, detached_left),
		FAULT("leaves", LEAVE, leave),
		FAULT("leaves-unmapped", BOOL, leave_unmapped),
		{"vendor-pattern", EMU_FIELD_PATTERN, offsetof(struct emu_nvme_faults, pattern), 0,
		 offsetof(struct emu_nvme_faults, vendor_pattern)},
		FAULT("format-ignored", BOOL, format_ignored),
		FAULT("format-changes-lba", BOOL, format_changes_lba),
		FAULT("format-drops-protection", BOOL, format_drops_protection),
		FAULT("foreign-controllers", UNSIGNED, foreign_controllers),
		FAULT("vanishes-after", U32, vanishes_after),
		FAULT("smart-threshold", BOOL, smart_warning),
		FAULT("memory-region-enabled", BOOL, memory_region_enabled),
	};

	*n = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

static bool read_number(uint64_t *out, const json_t *v, uint64_t max)
{
	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    (uint64_t)json_integer_value(v) > max)
		return false;
	*out = (uint64_t)json_integer_value(v);
	return true;
}

static bool read_one(struct emu_nvme_ns_config *ns, const struct emu_nvme_config *cfg,
		     json_t *object)
{
	const char *key;
	json_t *v;

	*ns = (struct emu_nvme_ns_config){.attached = 1};
	json_object_foreach (object, key, v) {
		uint64_t n = 0;
		bool known = true;

		if (!strcmp(key, "bytes"))
			known = read_number(&ns->bytes, v, 1ULL << 50);
		else if (!strcmp(key, "format"))
			known = read_number(&n, v, cfg->formats_n - 1);
		else if (!strcmp(key, "protection"))
			known = read_number(&n, v, 3);
		else if (!strcmp(key, "controllers"))
			known = read_number(&n, v, (1ULL << cfg->controllers_n) - 1);
		else
			known = json_is_boolean(v);
		if (!strcmp(key, "format"))
			ns->format = (uint8_t)n;
		else if (!strcmp(key, "protection"))
			ns->protection = (uint8_t)n;
		else if (!strcmp(key, "controllers"))
			ns->attached = (uint32_t)n;
		else if (!strcmp(key, "extended"))
			ns->metadata_extended = json_is_true(v);
		else if (!strcmp(key, "shared"))
			ns->is_shared = json_is_true(v);
		else if (strcmp(key, "bytes") != 0)
			known = false;
		if (!known)
			return false;
	}
	return ns->bytes && ns->bytes % 4096 == 0 &&
	       (!ns->protection || cfg->formats[ns->format].metadata_bytes >= 8);
}

bool emu_rig_nvme_namespaces(struct emu_nvme_config *cfg, const json_t *array, const char *place,
			     struct emu_why *why)
{
	size_t n = json_array_size(array);

	if (cfg->controllers_n == 0 || cfg->controllers_n > EMU_NVME_CTRLS_MAX)
		return emu_why(why, "%s: 1 to %d controllers", place, EMU_NVME_CTRLS_MAX);
	if (cfg->unallocated_bytes % 4096)
		return emu_why(why, "%s.unallocated-bytes: no multiple of 4096", place);
	if (!array)
		return true;
	if (!json_is_array(array) || n > EMU_NVME_NS_MAX)
		return emu_why(why, "%s.namespaces: an array of at most %d is wanted", place,
			       EMU_NVME_NS_MAX);
	cfg->ns_n = (unsigned)n;
	for (size_t i = 0; i < n; i++)
		if (!json_is_object(json_array_get(array, i)) ||
		    !read_one(&cfg->ns[i], cfg, json_array_get(array, i)))
			return emu_why(why, "%s.namespaces[%zu]: that is no namespace", place, i);
	return true;
}

/* No SCSI command reaches it. */
static void unit_exec(void *ctx, struct emu_scsi_cmd *cmd)
{
	(void)ctx;
	cmd->answered = false;
}

static void unit_off(void *ctx)
{
	emu_nvme_port_power(ctx, false);
}

static void unit_on(void *ctx)
{
	emu_nvme_port_power(ctx, true);
}

static void unit_reset(void *ctx)
{
	struct emu_nvme_port *port = ctx;

	for (unsigned i = 0; i < emu_nvme_config_of(port->drive)->controllers_n; i++)
		emu_nvme_reset(port->drive, i);
}

static struct emu_time *unit_time(void *ctx)
{
	struct emu_nvme_port *port = ctx;

	return port->drive ? emu_nvme_time(port->drive) : NULL;
}

struct emu_unit emu_rig_nvme_unit(struct emu_rig_drive *slot)
{
	static const struct emu_unit_ops ops = {
		.exec = unit_exec,
		.power_off = unit_off,
		.power_on = unit_on,
		.reset = unit_reset,
		.time = unit_time,
	};

	return (struct emu_unit){&ops, &slot->port};
}

struct emu_rig_stains emu_rig_nvme_stains(struct emu_nvme *d)
{
	struct emu_stains all = emu_nvme_stains(d);
	struct emu_rig_stains s = {.spare = all.spare};

	for (uint32_t nsid = 1; nsid <= EMU_NVME_NS_MAX; nsid++)
		if (emu_nvme_is_attached(d, nsid))
			s.user += emu_media_stains(emu_nvme_media(d, nsid), 0, UINT64_MAX).sectors;
	s.hidden = all.sectors - s.user;
	return s;
}
