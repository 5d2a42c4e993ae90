#include "device/protocol/nvme_identify.h"

#include "base/buf.h"
#include "base/span.h"
#include "base/wire.h"
#include "device/protocol/drive_text.h"
#include "device/protocol/nvme_cmd.h"

#include <stdio.h>
#include <string.h>

/* Identify Controller [NVMe Base 2.x, Identify Controller data structure] */
#define C_VID		  0
#define C_SN		  4
#define C_MN		  24
#define C_FR		  64
#define C_CMIC		  76
#define C_CNTLID	  78
#define C_VER		  80
#define C_OACS		  256
#define C_TNVMCAP	  280
#define C_UNVMCAP	  296
#define C_RPMBS		  312
#define C_SANICAP	  328
#define C_NN		  516
#define C_ONCS		  520
#define C_FNA		  524
#define C_VWC		  525
#define C_SUBNQN	  768
#define C_SUBNQN_LEN	  256
#define OACS_SECURITY	  (1U << 0)
#define OACS_FORMAT	  (1U << 1)
#define OACS_NS_MGMT	  (1U << 3)
#define ONCS_RESERVATIONS (1U << 5)
#define RPMB_UNITS	  0x07U
#define SANI_CRYPTO	  (1U << 0)
#define SANI_BLOCK	  (1U << 1)
#define SANI_OVERWRITE	  (1U << 2)
#define SANI_VERS	  (1U << 3)
#define SANI_NDI	  (1U << 29)
#define SANI_NODMMAS	  30
#define FNA_FORMAT_ALL	  (1U << 0)
#define FNA_ERASE_ALL	  (1U << 1)
#define FNA_CRYPTO	  (1U << 2)
#define FNA_NO_BROADCAST  (1U << 3)

/* Identify Namespace */
#define N_NSZE	       0
#define N_NCAP	       8
#define N_NUSE	       16
#define N_NLBAF	       25
#define N_FLBAS	       26
#define N_DPS	       29
#define N_NMIC	       30
#define N_DLFEAT       33
#define N_NGUID	       104
#define N_EUI64	       120
#define N_LBAF	       128
#define N_LBAF_MAX     64
#define FLBAS_EXTENDED (1U << 4)
#define DS_MIN	       9 /* 512 bytes */
#define DS_MAX	       16

/* Reservation Report */
#define RESERVATION_HEAD     24
#define RESERVATION_TYPE_MAX 6

/* 128-bit counters are cut to 64 bits: what does not fit is as much as fits. */
static uint64_t get_le128(const uint8_t *p)
{
	return get_le64(p + 8) ? UINT64_MAX : get_le64(p);
}

static enum xp_rc check(const uint8_t *data, size_t len, size_t want, const char *what,
			struct xp_err *err)
{
	if (len != want)
		return xp_fail(err, XP_E_MALFORMED, "%s: %zu bytes instead of %zu", what, len,
			       want);
	if (xp_mem_is_filled(data, 0xff, len))
		return xp_fail(err, XP_E_MALFORMED, "%s: nothing but ffh", what);
	return XP_OK;
}

static void read_nqn(char out[C_SUBNQN_LEN + 1], const uint8_t *p)
{
	size_t n = strnlen((const char *)p, C_SUBNQN_LEN);

	out[0] = 0;
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x21 || p[i] > 0x7e)
			return;
	memcpy(out, p, n);
	out[n] = 0;
}

static void read_sanitize(struct xp_nvme_ctrl *out, uint32_t sanicap)
{
	out->sanicap = sanicap;
	out->sanitize_crypto = (sanicap & SANI_CRYPTO) != 0;
	out->sanitize_block = (sanicap & SANI_BLOCK) != 0;
	out->sanitize_overwrite = (sanicap & SANI_OVERWRITE) != 0;
	out->has_media_verification = (sanicap & SANI_VERS) != 0;
	out->no_deallocate_inhibited = (sanicap & SANI_NDI) != 0;
	out->no_deallocate_modifies = (uint8_t)(sanicap >> SANI_NODMMAS);
}

enum xp_rc xp_nvme_ctrl_parse(struct xp_nvme_ctrl *out, const uint8_t *data, size_t len,
			      struct xp_err *err)
{
	uint16_t oacs;

	*out = (struct xp_nvme_ctrl){0};
	TRY(check(data, len, XP_NVME_IDENTIFY_LEN, "Identify Controller", err));
	if (xp_mem_is_filled(data, 0, len))
		return xp_fail(err, XP_E_MALFORMED, "Identify Controller: nothing but 00h");
	out->vendor_id = get_le16(data + C_VID);
	xp_drive_text(out->serial, sizeof(out->serial), data + C_SN, 20, false);
	xp_drive_text(out->model, sizeof(out->model), data + C_MN, 40, false);
	xp_drive_text(out->firmware, sizeof(out->firmware), data + C_FR, 8, false);
	out->cmic = data[C_CMIC];
	out->has_multiple_ports = (out->cmic & 1) != 0;
	out->has_multiple_controllers = (out->cmic & 2) != 0;
	out->cntlid = get_le16(data + C_CNTLID);
	out->version = get_le32(data + C_VER);
	oacs = get_le16(data + C_OACS);
	out->has_security = (oacs & OACS_SECURITY) != 0;
	out->has_format = (oacs & OACS_FORMAT) != 0;
	out->has_ns_management = (oacs & OACS_NS_MGMT) != 0;
	out->total_bytes = get_le128(data + C_TNVMCAP);
	out->unallocated_bytes = get_le128(data + C_UNVMCAP);
	out->has_rpmb = (get_le32(data + C_RPMBS) & RPMB_UNITS) != 0;
	read_sanitize(out, get_le32(data + C_SANICAP));
	out->namespaces_max = get_le32(data + C_NN);
	out->format_all = (data[C_FNA] & FNA_FORMAT_ALL) != 0;
	out->secure_erase_all = (data[C_FNA] & FNA_ERASE_ALL) != 0;
	out->crypto_erase = (data[C_FNA] & FNA_CRYPTO) != 0;
	out->format_broadcast_refused = (data[C_FNA] & FNA_NO_BROADCAST) != 0;
	out->has_volatile_cache = (data[C_VWC] & 1) != 0;
	out->has_reservations = (get_le16(data + C_ONCS) & ONCS_RESERVATIONS) != 0;
	read_nqn(out->subnqn, data + C_SUBNQN);
	return XP_OK;
}

static void write_eui(char *out, size_t out_len, const uint8_t *p, size_t len)
{
	char hex[33];

	out[0] = 0;
	if (xp_mem_is_filled(p, 0, len))
		return;
	xp_hex_encode(hex, p, len);
	snprintf(out, out_len, "eui.%s", hex);
}

enum xp_rc xp_nvme_ns_parse(struct xp_nvme_ns *out, const uint8_t *data, size_t len,
			    struct xp_err *err)
{
	const uint8_t *lbaf;
	unsigned ds;

	*out = (struct xp_nvme_ns){0};
	TRY(check(data, len, XP_NVME_IDENTIFY_LEN, "Identify Namespace", err));
	out->blocks = get_le64(data + N_NSZE);
	if (out->blocks == 0)
		return xp_fail(err, XP_E_MALFORMED, "Identify Namespace: not active");
	out->capacity = get_le64(data + N_NCAP);
	out->used = get_le64(data + N_NUSE);
	/* bits 3:0, with 6:5 above them where there are more than 16 formats */
	out->format = data[N_FLBAS] & 0x0f;
	if (data[N_NLBAF] >= 16)
		out->format |= (uint8_t)(data[N_FLBAS] >> 1 & 0x30);
	if (out->format > data[N_NLBAF] || data[N_NLBAF] >= N_LBAF_MAX)
		return xp_fail(err, XP_E_MALFORMED, "Identify Namespace: LBA format %u of %u",
			       out->format, data[N_NLBAF] + 1);
	lbaf = data + N_LBAF + (size_t)out->format * 4;
	ds = lbaf[2];
	if (ds < DS_MIN || ds > DS_MAX)
		return xp_fail(err, XP_E_MALFORMED, "Identify Namespace: blocks of 2^%u bytes", ds);
	out->logical_bytes = 1U << ds;
	out->metadata_bytes = get_le16(lbaf);
	out->metadata_extended = (data[N_FLBAS] & FLBAS_EXTENDED) != 0;
	out->protection_type = data[N_DPS] & 7;
	out->protection_first = (data[N_DPS] & 8) != 0;
	out->is_shared = (data[N_NMIC] & 1) != 0;
	out->deallocated_reads = data[N_DLFEAT] & 7;
	if (__builtin_mul_overflow(out->blocks, (uint64_t)out->logical_bytes, &out->bytes))
		return xp_fail(err, XP_E_MALFORMED, "Identify Namespace: %llu blocks",
			       (unsigned long long)out->blocks);
	write_eui(out->nguid, sizeof(out->nguid), data + N_NGUID, 16);
	write_eui(out->eui64, sizeof(out->eui64), data + N_EUI64, 8);
	return XP_OK;
}

enum xp_rc xp_nvme_ns_list_parse(struct xp_nvme_ns_list *out, const uint8_t *data, size_t len,
				 struct xp_err *err)
{
	*out = (struct xp_nvme_ns_list){0};
	TRY(check(data, len, XP_NVME_IDENTIFY_LEN, "namespace list", err));
	for (size_t i = 0; i < XP_NVME_NS_MAX; i++) {
		uint32_t nsid = get_le32(data + 4 * i);

		if (nsid == 0)
			return XP_OK;
		if (nsid >= 0xfffffffe || (out->n && nsid <= out->nsid[out->n - 1]))
			return xp_fail(err, XP_E_MALFORMED, "namespace list: entry %zu is %08x", i,
				       nsid);
		out->nsid[out->n++] = nsid;
	}
	return XP_OK;
}

enum xp_rc xp_nvme_ctrl_list_parse(struct xp_nvme_ctrl_list *out, const uint8_t *data, size_t len,
				   struct xp_err *err)
{
	size_t n;

	*out = (struct xp_nvme_ctrl_list){0};
	TRY(check(data, len, XP_NVME_IDENTIFY_LEN, "controller list", err));
	n = get_le16(data);
	if (n > sizeof(out->cntlid) / sizeof(out->cntlid[0]))
		return xp_fail(err, XP_E_MALFORMED, "controller list: %zu entries", n);
	for (size_t i = 0; i < n; i++) {
		uint16_t id = get_le16(data + 2 + 2 * i);

		if (i && id <= out->cntlid[i - 1])
			return xp_fail(err, XP_E_MALFORMED, "controller list: entry %zu is %04x", i,
				       id);
		out->cntlid[i] = id;
	}
	out->n = n;
	return XP_OK;
}

/* SMART / Health Information log */
/* [NVMe Base, Reservation Report] RTYPE is at 4, REGCTL at 5. */
enum xp_rc xp_nvme_reservation_parse(struct xp_nvme_reservation *out, const uint8_t *data,
				     size_t len, struct xp_err *err)
{
	*out = (struct xp_nvme_reservation){0};
	if (len < RESERVATION_HEAD)
		return xp_fail(err, XP_E_MALFORMED, "Reservation Report: %zu bytes", len);
	out->type = data[4];
	out->registrants = get_le16(data + 5);
	if (out->type > RESERVATION_TYPE_MAX)
		return xp_fail(err, XP_E_MALFORMED, "Reservation Report: type %u", out->type);
	/* nobody holds one without being registered */
	if (out->type && out->registrants == 0)
		return xp_fail(err, XP_E_MALFORMED, "Reservation Report: type %u of nobody",
			       out->type);
	return XP_OK;
}

enum xp_rc xp_nvme_health_parse(struct xp_nvme_health *out, const uint8_t *data, size_t len,
				struct xp_err *err)
{
	*out = (struct xp_nvme_health){0};
	TRY(check(data, len, XP_NVME_LOG_SMART_LEN, "health log", err));
	out->critical_warning = data[0];
	out->kelvin = get_le16(data + 1);
	out->spare_percent = data[3];
	out->spare_threshold_percent = data[4];
	out->used_percent = data[5];
	out->power_cycles = get_le128(data + 112);
	out->power_on_hours = get_le128(data + 128);
	out->unsafe_shutdowns = get_le128(data + 144);
	out->media_errors = get_le128(data + 160);
	return XP_OK;
}
