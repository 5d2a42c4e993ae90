#include "certs/evidence_json.h"

#include "base/cleanup.h"

/* Bounds of what one record may hold; a drive that answers more does not get a longer record. */
#define RAW_MAX	      256
#define RAW_BYTES_MAX 65536

XP_ENUM_NAME(media_name, xp_media_name, xp_media)
XP_ENUM_NAME(bus_name, xp_bus_name, xp_bus)
XP_ENUM_NAME(raw_kind_name, xp_raw_kind_name, xp_raw_kind)
XP_ENUM_NAME(backend_name, xp_io_backend_name, xp_io_backend)
XP_ENUM_NAME(content_name, xp_content_kind_name, xp_content_kind)
XP_ENUM_NAME(mode_name, xp_readback_mode_name, xp_readback_mode)
XP_ENUM_NAME(seed_mode_name, xp_seed_mode_name, xp_seed_mode)
XP_ENUM_NAME(scheme_name, xp_sample_scheme_name, xp_sample_scheme)
XP_ENUM_NAME(phase_name, xp_phase_kind_name, xp_phase_kind)
XP_ENUM_NAME(technique_name, xp_technique_name, xp_technique)
XP_ENUM_NAME(answer_name, xp_answer_name, xp_answer)
XP_ENUM_NAME(level_name, xp_level_name, xp_level)
XP_ENUM_NAME(fs_name, xp_file_system_name, xp_file_system)
XP_ENUM_NAME(below_name, xp_file_below_name, xp_file_below)
XP_ENUM_NAME(copy_name, xp_luks_copy_name, xp_luks_copy)
XP_ENUM_NAME(opinion_name, xp_luks_opinion_name, xp_luks_opinion)

#define ANSWER(KEY, S, M)                                                                          \
	XP_FIELD(KEY, ENUM, ALWAYS, S, M, .name = answer_name, .max = XP_ANSWER_YES + 1)

/* ---- identity ---- */

static const struct xp_field raw_fields[] = {
	XP_FIELD("kind", ENUM, ALWAYS, struct xp_raw, kind, .name = raw_kind_name,
		 .max = XP_RAW_KIND_COUNT),
	XP_FIELD("arg", UINT, ALWAYS, struct xp_raw, arg),
	XP_FIELD("data", HEX_HEAP, OPTIONAL, struct xp_raw, data, XP_COUNT(struct xp_raw, len),
		 .max = RAW_BYTES_MAX),
};
static const struct xp_schema raw_schema = XP_SCHEMA(struct xp_raw, raw_fields);

static bool is_partition(const void *base)
{
	const struct xp_identity *id = base;

	return id->partition != 0;
}

static const struct xp_field identity_fields[] = {
	XP_FIELD("type", ENUM, ALWAYS, struct xp_identity, media, .name = media_name,
		 .max = XP_MEDIA_VIRTUAL + 1),
	XP_FIELD("bus", ENUM, ALWAYS, struct xp_identity, bus, .name = bus_name,
		 .max = XP_BUS_FILE + 1),
	XP_FIELD("vendor", ASCII, OPTIONAL, struct xp_identity, vendor),
	XP_FIELD("model", ASCII, OPTIONAL, struct xp_identity, model),
	XP_FIELD("serial", ASCII, OPTIONAL, struct xp_identity, serial),
	XP_FIELD("wwn", ASCII, OPTIONAL, struct xp_identity, wwn),
	XP_FIELD("firmware", ASCII, OPTIONAL, struct xp_identity, firmware),
	XP_FIELD("name", ASCII, OPTIONAL, struct xp_identity, name),
	XP_FIELD("inode", DECIMAL, OPTIONAL, struct xp_identity, inode),
	XP_FIELD("fs_dev", DECIMAL, OPTIONAL, struct xp_identity, fs_dev),
	XP_FIELD("diskseq", DECIMAL, OPTIONAL, struct xp_identity, diskseq),
	XP_FIELD("partition", UINT, OPTIONAL, struct xp_identity, partition),
	XP_FIELD("partition_start_bytes", DECIMAL, WHEN, struct xp_identity, partition_start,
		 .when = is_partition),
	XP_FIELD("capacity_bytes", DECIMAL, ALWAYS, struct xp_identity, capacity_bytes),
	XP_FIELD("logical_block_bytes", UINT, ALWAYS, struct xp_identity, logical_block_bytes),
	XP_FIELD("physical_block_bytes", UINT, ALWAYS, struct xp_identity, physical_block_bytes),
	XP_FIELD("raw", HEAP, OPTIONAL, struct xp_identity, raw,
		 XP_COUNT(struct xp_identity, raw_n), .max = RAW_MAX, .sub = &raw_schema),
};
const struct xp_schema xp_schema_identity = XP_SCHEMA(struct xp_identity, identity_fields);

/* ---- extents, content, how ---- */

static const struct xp_field extent_fields[] = {
	XP_FIELD("offset", DECIMAL, ALWAYS, struct xp_extent, offset),
	XP_FIELD("length", DECIMAL, ALWAYS, struct xp_extent, len),
};
static const struct xp_schema extent_schema = XP_SCHEMA(struct xp_extent, extent_fields);

static const struct xp_field extents_fields[] = {
	XP_FIELD("count", DECIMAL, ALWAYS, struct xp_extents, total_count),
	XP_FIELD("bytes", DECIMAL, ALWAYS, struct xp_extents, total_bytes),
	XP_FIELD("list", HEAP, ALWAYS, struct xp_extents, list, XP_COUNT(struct xp_extents, n),
		 .cap = offsetof(struct xp_extents, cap), .max = XP_EXTENTS_MAX,
		 .sub = &extent_schema),
};
const struct xp_schema xp_schema_extents = XP_SCHEMA(struct xp_extents, extents_fields);

static bool is_pattern(const void *base)
{
	const struct xp_content *c = base;

	return c->kind == XP_CONTENT_PATTERN;
}

static bool is_random(const void *base)
{
	const struct xp_content *c = base;

	return c->kind == XP_CONTENT_RANDOM;
}

static const struct xp_field content_fields[] = {
	XP_FIELD("kind", ENUM, ALWAYS, struct xp_content, kind, .name = content_name,
		 .max = XP_CONTENT_UNKNOWN + 1),
	XP_FIELD("pattern", HEX_PART, WHEN, struct xp_content, pattern,
		 XP_COUNT(struct xp_content, pattern_len), .when = is_pattern),
	XP_FIELD("key", HEX, WHEN, struct xp_content, key, .when = is_random),
};
const struct xp_schema xp_schema_content = XP_SCHEMA(struct xp_content, content_fields);

static const struct xp_field io_how_fields[] = {
	XP_FIELD("backend", ENUM, ALWAYS, struct xp_io_how, backend, .name = backend_name,
		 .max = XP_IO_WRITE_SAME + 1),
	XP_FIELD("direct", BOOL, ALWAYS, struct xp_io_how, direct),
	XP_FIELD("registered_buffers", BOOL, ALWAYS, struct xp_io_how, registered_buffers),
	XP_FIELD("block_bytes", UINT, ALWAYS, struct xp_io_how, block_bytes),
	XP_FIELD("depth", UINT, ALWAYS, struct xp_io_how, depth),
	XP_FIELD("fallback", TEXT, OPTIONAL, struct xp_io_how, fallback),
};
const struct xp_schema xp_schema_io_how = XP_SCHEMA(struct xp_io_how, io_how_fields);

/* ---- overwrite ---- */

static const struct xp_field overwrite_fields[] = {
	XP_FIELD("pass", UINT, ALWAYS, struct xp_overwrite_result, pass),
	XP_FIELD("passes", UINT, ALWAYS, struct xp_overwrite_result, passes),
	XP_FIELD("content", OBJECT, ALWAYS, struct xp_overwrite_result, content,
		 .sub = &xp_schema_content),
	XP_FIELD("bytes_written", DECIMAL, ALWAYS, struct xp_overwrite_result, bytes_written),
	XP_FIELD("unwritten", OBJECT, ALWAYS, struct xp_overwrite_result, unwritten,
		 .sub = &xp_schema_extents),
	XP_FIELD("flushed", BOOL, ALWAYS, struct xp_overwrite_result, flushed),
	XP_FIELD("resumed_from_bytes", DECIMAL, OPTIONAL, struct xp_overwrite_result, resumed_from),
	XP_FIELD("how", OBJECT, ALWAYS, struct xp_overwrite_result, how, .sub = &xp_schema_io_how),
};
const struct xp_schema xp_schema_overwrite =
	XP_SCHEMA(struct xp_overwrite_result, overwrite_fields);

/* ---- baseline ---- */

#define BASELINE(KEY, TYPE, PRESENCE, M, ...)                                                      \
	XP_FIELD(KEY, TYPE, PRESENCE, struct xp_baseline_result, M, __VA_ARGS__)

static const struct xp_field digest_fields[] = {
	XP_FIELD("offset", DECIMAL, ALWAYS, struct xp_extent_digest, offset),
	XP_FIELD("length", DECIMAL, ALWAYS, struct xp_extent_digest, len),
	XP_FIELD("sha256", HEX, ALWAYS, struct xp_extent_digest, sha256),
};
static const struct xp_schema digest_schema = XP_SCHEMA(struct xp_extent_digest, digest_fields);

static const struct xp_field baseline_fields[] = {
	BASELINE("scheme", ENUM, ALWAYS, scheme, .name = scheme_name,
		 .max = XP_SAMPLE_SCATTERED + 1),
	BASELINE("seed", HEX, ALWAYS, seed),
	BASELINE("extents", UINT, ALWAYS, extents),
	BASELINE("always_extents", UINT, ALWAYS, always_extents),
	BASELINE("bytes_planned", DECIMAL, ALWAYS, bytes_planned),
	BASELINE("bytes_delivered", DECIMAL, ALWAYS, bytes_delivered),
	BASELINE("blocks", DECIMAL, ALWAYS, blocks),
	BASELINE("informative_blocks", DECIMAL, ALWAYS, informative_blocks),
	BASELINE("canaries", DECIMAL, ALWAYS, canaries),
	BASELINE("canaries_sha256", HEX, FLAG, canaries_sha256,
		 .flag = offsetof(struct xp_baseline_result, canaries_read)),
	BASELINE("read_errors", OBJECT, ALWAYS, read_errors, .sub = &xp_schema_extents),
	BASELINE("digests", HEAP, ALWAYS, digests, XP_COUNT(struct xp_baseline_result, digest_n),
		 .max = XP_DIGESTS_MAX, .sub = &digest_schema),
	BASELINE("digests_sha256", HEX, ALWAYS, digests_sha256),
	BASELINE("how", OBJECT, ALWAYS, how, .sub = &xp_schema_io_how),
};
const struct xp_schema xp_schema_baseline = XP_SCHEMA(struct xp_baseline_result, baseline_fields);

/* ---- readback ---- */

static const char *const mismatch_words[] = {"data", "zero", "ff", "pattern", NULL};

static const struct xp_field mismatch_fields[] = {
	XP_FIELD("offset", DECIMAL, ALWAYS, struct xp_mismatch, offset),
	XP_FIELD("length", DECIMAL, ALWAYS, struct xp_mismatch, len),
	XP_FIELD("found", HEX, ALWAYS, struct xp_mismatch, found),
	XP_FIELD("kind", WORD, ALWAYS, struct xp_mismatch, kind, .words = mismatch_words),
};
const struct xp_schema xp_schema_mismatch = XP_SCHEMA(struct xp_mismatch, mismatch_fields);

static bool is_sample(const void *base)
{
	const struct xp_readback_result *r = base;

	return r->mode == XP_READBACK_SAMPLE;
}

/* what only a device technique has: how the blocks compare with those before */
static bool is_compared(const void *base)
{
	const struct xp_readback_result *r = base;

	return r->baseline_informative || r->reads_deallocated || r->compared_blocks ||
	       r->unchanged_blocks || r->changed_blocks || r->zero_blocks || r->pattern_blocks ||
	       r->unreadable_blocks || r->canaries_alive || r->canaries_read;
}

#define READBACK(KEY, TYPE, PRESENCE, M, ...)                                                      \
	XP_FIELD(KEY, TYPE, PRESENCE, struct xp_readback_result, M, __VA_ARGS__)

static const struct xp_field compared_fields[] = {
	ANSWER("baseline_informative", struct xp_readback_result, baseline_informative),
	ANSWER("reads_deallocated", struct xp_readback_result, reads_deallocated),
	READBACK("compared_blocks", DECIMAL, ALWAYS, compared_blocks),
	READBACK("unchanged_blocks", DECIMAL, ALWAYS, unchanged_blocks),
	READBACK("changed_blocks", DECIMAL, ALWAYS, changed_blocks),
	READBACK("zero_blocks", DECIMAL, ALWAYS, zero_blocks),
	READBACK("pattern_blocks", DECIMAL, ALWAYS, pattern_blocks),
	READBACK("unreadable_blocks", DECIMAL, ALWAYS, unreadable_blocks),
	READBACK("canaries_alive", DECIMAL, ALWAYS, canaries_alive),
	READBACK("canaries_sha256", HEX, FLAG, canaries_sha256,
		 .flag = offsetof(struct xp_readback_result, canaries_read)),
};
static const struct xp_schema compared_schema =
	XP_SCHEMA(struct xp_readback_result, compared_fields);

static const struct xp_field readback_fields[] = {
	XP_FIELD("mode", ENUM, ALWAYS, struct xp_readback_result, mode, .name = mode_name,
		 .max = XP_READBACK_FULL + 1),
	XP_FIELD("expected", OBJECT, ALWAYS, struct xp_readback_result, expected,
		 .sub = &xp_schema_content),
	XP_FIELD("scheme", ENUM, WHEN, struct xp_readback_result, scheme, .name = scheme_name,
		 .max = XP_SAMPLE_SCATTERED + 1, .when = is_sample),
	XP_FIELD("seed", HEX, WHEN, struct xp_readback_result, seed, .when = is_sample),
	READBACK("seed_mode", ENUM, WHEN, seed_mode, .name = seed_mode_name,
		 .max = XP_SEED_VALIDATOR + 1, .when = is_sample),
	XP_FIELD("extents", UINT, ALWAYS, struct xp_readback_result, extents),
	XP_FIELD("always_extents", UINT, ALWAYS, struct xp_readback_result, always_extents),
	XP_FIELD("bytes_planned", DECIMAL, ALWAYS, struct xp_readback_result, bytes_planned),
	XP_FIELD("bytes_delivered", DECIMAL, ALWAYS, struct xp_readback_result, bytes_delivered),
	XP_FIELD("coverage_ppm", UINT, ALWAYS, struct xp_readback_result, coverage_ppm),
	XP_FIELD("read_errors", OBJECT, ALWAYS, struct xp_readback_result, read_errors,
		 .sub = &xp_schema_extents),
	XP_FIELD("mismatches", HEAP, ALWAYS, struct xp_readback_result, mismatches,
		 XP_COUNT(struct xp_readback_result, mismatch_n), .max = XP_MISMATCHES_MAX,
		 .sub = &xp_schema_mismatch),
	XP_FIELD("mismatch_blocks", DECIMAL, ALWAYS, struct xp_readback_result, mismatch_total),
	XP_FIELD("how", OBJECT, ALWAYS, struct xp_readback_result, how, .sub = &xp_schema_io_how),
	{.key = "compared",
	 .type = XP_F_OBJECT,
	 .presence = XP_P_GIVEN,
	 .when = is_compared,
	 .sub = &compared_schema},
};
const struct xp_schema xp_schema_readback = XP_SCHEMA(struct xp_readback_result, readback_fields);

/* ---- a device command ---- */

static bool has_key_facts(const void *base)
{
	static const struct xp_key_facts nothing;
	const struct xp_command_result *c = base;
	const struct xp_key_facts *k = &c->keys;

	return k->can_be_off != nothing.can_be_off ||
	       k->plaintext_before != nothing.plaintext_before ||
	       k->copies_alive != nothing.copies_alive || k->keeps_global_range ||
	       k->media_encryption != nothing.media_encryption || k->ranges_left;
}

static const struct xp_field keys_fields[] = {
	ANSWER("can_be_off", struct xp_key_facts, can_be_off),
	ANSWER("plaintext_before", struct xp_key_facts, plaintext_before),
	ANSWER("copies_alive", struct xp_key_facts, copies_alive),
	XP_FIELD("keeps_global_range", BOOL, ALWAYS, struct xp_key_facts, keeps_global_range),
	ANSWER("media_encryption", struct xp_key_facts, media_encryption),
	XP_FIELD("ranges_left", BOOL, ALWAYS, struct xp_key_facts, ranges_left),
};
static const struct xp_schema keys_schema = XP_SCHEMA(struct xp_key_facts, keys_fields);

#define COMMAND(KEY, TYPE, PRESENCE, M, ...)                                                       \
	XP_FIELD(KEY, TYPE, PRESENCE, struct xp_command_result, M, __VA_ARGS__)

static const struct xp_field command_fields[] = {
	COMMAND("cdb", HEX_PART, OPTIONAL, cdb, XP_COUNT(struct xp_command_result, cdb_len)),
	COMMAND("scsi_status", UINT, ALWAYS, scsi_status),
	COMMAND("sense", HEX_PART, OPTIONAL, sense, XP_COUNT(struct xp_command_result, sense_len)),
	COMMAND("nvme_status", UINT, UNLESS_MAX, nvme_status),
	COMMAND("accepted", BOOL, ALWAYS, accepted),
	COMMAND("completion_known", BOOL, ALWAYS, completion_known),
	COMMAND("attached", BOOL, ALWAYS, attached),
	COMMAND("frozen", BOOL, ALWAYS, frozen),
	COMMAND("locked", BOOL, ALWAYS, locked),
	COMMAND("aborted", BOOL, ALWAYS, aborted),
	COMMAND("exit_failure_mode", BOOL, ALWAYS, exit_failure_mode),
	COMMAND("leaves_namespaces", BOOL, ALWAYS, leaves_namespaces),
	COMMAND("overwrite_passes", UINT, OPTIONAL, overwrite_passes),
	COMMAND("earlier_seconds", DECIMAL, OPTIONAL, earlier_s),
	COMMAND("keys", OBJECT, GIVEN, keys, .when = has_key_facts, .sub = &keys_schema),
	COMMAND("before", HEAP, OPTIONAL, before, XP_COUNT(struct xp_command_result, before_n),
		.max = RAW_MAX, .sub = &raw_schema),
	COMMAND("during", HEAP, OPTIONAL, during, XP_COUNT(struct xp_command_result, during_n),
		.max = RAW_MAX, .sub = &raw_schema),
	COMMAND("after", HEAP, OPTIONAL, after, XP_COUNT(struct xp_command_result, after_n),
		.max = RAW_MAX, .sub = &raw_schema),
};
const struct xp_schema xp_schema_command = XP_SCHEMA(struct xp_command_result, command_fields);

/* ---- LUKS ---- */

#define VOLUME(KEY, TYPE, PRESENCE, M, ...)                                                        \
	XP_FIELD(KEY, TYPE, PRESENCE, struct xp_luks_volume, M, __VA_ARGS__)
#define VOLUME_COPY(KEY, M)                                                                        \
	VOLUME(KEY, ENUM, ALWAYS, M, .name = copy_name, .max = XP_LUKS_VALID + 1)

static const struct xp_field volume_fields[] = {
	VOLUME("offset", DECIMAL, ALWAYS, offset),
	VOLUME("room_bytes", DECIMAL, ALWAYS, room),
	VOLUME("area_bytes", DECIMAL, ALWAYS, area_bytes),
	VOLUME("version", UINT, ALWAYS, version),
	VOLUME("uuid", ASCII, OPTIONAL, uuid),
	VOLUME("cipher", ASCII, OPTIONAL, cipher),
	VOLUME_COPY("primary", primary),
	VOLUME_COPY("secondary", secondary),
	VOLUME("header_bytes", DECIMAL, ALWAYS, header_bytes),
	VOLUME("slots_end", DECIMAL, ALWAYS, slots_end),
	VOLUME("data_offset", DECIMAL, ALWAYS, data_offset),
	VOLUME("slots", UINT, ALWAYS, slots),
	VOLUME("tokens", UINT, ALWAYS, tokens),
	VOLUME("token_types", ASCII, OPTIONAL, token_types),
	VOLUME("layout_known", BOOL, ALWAYS, layout_known),
	VOLUME("detached", BOOL, ALWAYS, detached),
	VOLUME("reencrypting", BOOL, ALWAYS, reencrypting),
	VOLUME("not_encrypted", BOOL, ALWAYS, not_encrypted),
	VOLUME("plain_segment", BOOL, ALWAYS, plain_segment),
	VOLUME("hw_opal", BOOL, ALWAYS, hw_opal),
	VOLUME("hw_opal_only", BOOL, ALWAYS, hw_opal_only),
	VOLUME("second_reader", ENUM, ALWAYS, library, .name = opinion_name,
	       .max = XP_LUKS_DIFFERS + 1),
	VOLUME("sha256", HEX, ALWAYS, before_sha256),
	VOLUME("unread_bytes", DECIMAL, ALWAYS, unread_bytes),
};
const struct xp_schema xp_schema_volume = XP_SCHEMA(struct xp_luks_volume, volume_fields);

static const struct xp_field key_copy_fields[] = {
	XP_FIELD("offset", DECIMAL, ALWAYS, struct xp_key_copy, offset),
	XP_FIELD("version", UINT, ALWAYS, struct xp_key_copy, version),
	XP_FIELD("uuid", ASCII, OPTIONAL, struct xp_key_copy, uuid),
};
static const struct xp_schema key_copy_schema = XP_SCHEMA(struct xp_key_copy, key_copy_fields);

#define SEARCH(KEY, TYPE, PRESENCE, M, ...)                                                        \
	XP_FIELD(KEY, TYPE, PRESENCE, struct xp_key_search, M, __VA_ARGS__)

static const struct xp_field search_fields[] = {
	SEARCH("areas", HEAP, ALWAYS, areas, XP_COUNT(struct xp_key_search, area_n),
	       .max = XP_KEY_AREAS_MAX, .sub = &digest_schema),
	SEARCH("headers_left", DECIMAL, ALWAYS, headers_left),
	SEARCH("searched_bytes", DECIMAL, ALWAYS, searched_bytes),
	SEARCH("searched_all", BOOL, ALWAYS, searched_all),
	SEARCH("copies", HEAP, ALWAYS, copies, XP_COUNT(struct xp_key_search, copy_n),
	       .max = XP_KEY_COPIES_MAX, .sub = &key_copy_schema),
	SEARCH("copies_total", DECIMAL, ALWAYS, copy_total),
	SEARCH("swap_found", BOOL, ALWAYS, swap_found),
};
static const struct xp_schema search_schema = XP_SCHEMA(struct xp_key_search, search_fields);

/* ---- a file ---- */

static const struct xp_field file_extent_fields[] = {
	XP_FIELD("offset", DECIMAL, ALWAYS, struct xp_file_extent, offset),
	XP_FIELD("physical", DECIMAL, ALWAYS, struct xp_file_extent, physical),
	XP_FIELD("length", DECIMAL, ALWAYS, struct xp_file_extent, len),
};
static const struct xp_schema file_extent_schema =
	XP_SCHEMA(struct xp_file_extent, file_extent_fields);

#define FILE_FACT(KEY, TYPE, PRESENCE, M, ...)                                                     \
	XP_FIELD(KEY, TYPE, PRESENCE, struct xp_file_facts, M, __VA_ARGS__)

static const struct xp_field file_fields[] = {
	FILE_FACT("file_system", ENUM, ALWAYS, fs, .name = fs_name, .max = XP_FS_COUNT),
	FILE_FACT("below", ENUM, ALWAYS, below, .name = below_name, .max = XP_BELOW_MEMORY + 1),
	FILE_FACT("links", DECIMAL, ALWAYS, links),
	FILE_FACT("map_known", BOOL, ALWAYS, map_known),
	FILE_FACT("map", HEAP, ALWAYS, extents, XP_COUNT(struct xp_file_facts, extent_n),
		  .max = XP_FILE_EXTENTS_MAX, .sub = &file_extent_schema),
	FILE_FACT("shared", BOOL, ALWAYS, shared),
	FILE_FACT("encoded", BOOL, ALWAYS, encoded),
	FILE_FACT("without_place", BOOL, ALWAYS, elsewhere),
	FILE_FACT("journals_data", BOOL, ALWAYS, journals_data),
	FILE_FACT("swap_active", BOOL, ALWAYS, swap_active),
};
const struct xp_schema xp_schema_file = XP_SCHEMA(struct xp_file_facts, file_fields);

/* ---- capacity, a row of the firmware table ---- */

static const struct xp_field capacity_fields[] = {
	XP_FIELD("current_bytes", DECIMAL, OPTIONAL, struct xp_capacity_facts, current),
	XP_FIELD("native_bytes", DECIMAL, OPTIONAL, struct xp_capacity_facts, native),
	XP_FIELD("factory_bytes", DECIMAL, OPTIONAL, struct xp_capacity_facts, factory),
	XP_FIELD("hidden_areas_apply", BOOL, ALWAYS, struct xp_capacity_facts, hidden_areas_apply),
	XP_FIELD("hidden_areas_known", BOOL, ALWAYS, struct xp_capacity_facts, hidden_areas_known),
	XP_FIELD("restored", BOOL, ALWAYS, struct xp_capacity_facts, restored),
	ANSWER("hpa", struct xp_capacity_facts, hpa),
	ANSWER("dco", struct xp_capacity_facts, dco),
	ANSWER("amac", struct xp_capacity_facts, amac),
	XP_FIELD("namespaces", UINT, OPTIONAL, struct xp_capacity_facts, namespaces),
	XP_FIELD("unallocated_bytes", DECIMAL, OPTIONAL, struct xp_capacity_facts, unallocated),
};
const struct xp_schema xp_schema_capacity = XP_SCHEMA(struct xp_capacity_facts, capacity_fields);

XP_ENUM_NAME(area_name, xp_hidden_area_name, xp_hidden_area)
static const struct xp_field capacity_change_fields[] = {
	XP_FIELD("area", ENUM, ALWAYS, struct xp_capacity_change, area, .name = area_name,
		 .max = XP_AREA_REDUCED + 1),
	XP_FIELD("from_bytes", DECIMAL, ALWAYS, struct xp_capacity_change, from),
	XP_FIELD("to_bytes", DECIMAL, ALWAYS, struct xp_capacity_change, to),
	XP_FIELD("restored", BOOL, ALWAYS, struct xp_capacity_change, restored),
	XP_FIELD("why", TEXT, OPTIONAL, struct xp_capacity_change, why),
};
const struct xp_schema xp_schema_capacity_change =
	XP_SCHEMA(struct xp_capacity_change, capacity_change_fields);

static const struct xp_field firmware_fields[] = {
	XP_FIELD("technique", ENUM, ALWAYS, struct xp_firmware_row, technique,
		 .name = technique_name, .max = XP_TECHNIQUE_COUNT),
	XP_FIELD("cap", ENUM, ALWAYS, struct xp_firmware_row, cap, .name = level_name,
		 .max = XP_PURGE + 1),
	XP_FIELD("why", TEXT, ALWAYS, struct xp_firmware_row, why),
	XP_FIELD("source", TEXT, ALWAYS, struct xp_firmware_row, source),
};
const struct xp_schema xp_schema_firmware = XP_SCHEMA(struct xp_firmware_row, firmware_fields);

/* ---- a phase ---- */

static bool has_technique(const void *base)
{
	const struct xp_phase *p = base;

	return p->kind != XP_PHASE_IDENTIFY;
}

static bool has_overwrite(const void *base)
{
	const struct xp_phase *p = base;

	return p->kind == XP_PHASE_ERASE && xp_technique_is_host_write(p->technique);
}

static bool has_command(const void *base)
{
	const struct xp_phase *p = base;

	return p->kind == XP_PHASE_ERASE && xp_technique_is_device_command(p->technique);
}

static bool has_baseline(const void *base)
{
	const struct xp_phase *p = base;

	return p->kind == XP_PHASE_BASELINE;
}

static bool has_readback(const void *base)
{
	const struct xp_phase *p = base;

	return p->kind == XP_PHASE_READBACK;
}

static bool searched_for_keys(const void *base)
{
	const struct xp_phase *p = base;

	return p->kind == XP_PHASE_READBACK && p->technique == XP_LUKS_DESTROY;
}

static bool destroyed_keys(const void *base)
{
	const struct xp_phase *p = base;

	return p->kind == XP_PHASE_ERASE && p->technique == XP_LUKS_DESTROY;
}

static const struct xp_field phase_fields[] = {
	XP_FIELD("phase", ENUM, ALWAYS, struct xp_phase, kind, .name = phase_name,
		 .max = XP_PHASE_READBACK + 1),
	XP_FIELD("attempt", UINT, ALWAYS, struct xp_phase, attempt),
	XP_FIELD("technique", ENUM, WHEN, struct xp_phase, technique, .name = technique_name,
		 .max = XP_TECHNIQUE_COUNT, .when = has_technique),
	XP_FIELD("identity", OBJECT, ALWAYS, struct xp_phase, identity, .sub = &xp_schema_identity),
	XP_FIELD("start", TIME, ALWAYS, struct xp_phase, start_s),
	XP_FIELD("end", TIME, ALWAYS, struct xp_phase, end_s),
	XP_FIELD("start_ns", DECIMAL, ALWAYS, struct xp_phase, start_ns),
	XP_FIELD("end_ns", DECIMAL, ALWAYS, struct xp_phase, end_ns),
	XP_FIELD("boot_id", UUID, OPTIONAL, struct xp_phase, boot_id),
	XP_FIELD("interrupted", BOOL, ALWAYS, struct xp_phase, interrupted),
	XP_FIELD("stalled", BOOL, ALWAYS, struct xp_phase, stalled),
	XP_FIELD("take", UINT, ALWAYS, struct xp_phase, take),
	XP_FIELD("volumes", HEAP, OPTIONAL, struct xp_phase, volumes,
		 XP_COUNT(struct xp_phase, volume_n), .max = XP_KEY_AREAS_MAX,
		 .sub = &xp_schema_volume),
	XP_FIELD("file", OBJECT, FLAG, struct xp_phase, file,
		 .flag = offsetof(struct xp_phase, file_known), .sub = &xp_schema_file),
	XP_FIELD("baseline", OBJECT, WHEN, struct xp_phase, baseline, .when = has_baseline,
		 .sub = &xp_schema_baseline),
	XP_FIELD("overwrite", OBJECT, WHEN, struct xp_phase, overwrite, .when = has_overwrite,
		 .sub = &xp_schema_overwrite),
	XP_FIELD("readback", OBJECT, WHEN, struct xp_phase, readback, .when = has_readback,
		 .sub = &xp_schema_readback),
	XP_FIELD("search", OBJECT, WHEN, struct xp_phase, search, .when = searched_for_keys,
		 .sub = &search_schema),
	XP_FIELD("keys", OBJECT, WHEN, struct xp_phase, command.keys, .when = destroyed_keys,
		 .sub = &keys_schema),
	XP_FIELD("command", OBJECT, WHEN, struct xp_phase, command, .when = has_command,
		 .sub = &xp_schema_command),
};
const struct xp_schema xp_schema_phase = XP_SCHEMA(struct xp_phase, phase_fields);
