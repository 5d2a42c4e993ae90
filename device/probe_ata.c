#include "device/probe_inside.h"

#include "device/protocol/ata_cmd.h"
#include "device/protocol/sat.h"

#include <stdio.h>
#include <string.h>

static enum xp_asked send_ata(struct xp_probe *p, const char *what,
			      const struct xp_ata_taskfile *tf, void *data, struct xp_reply *reply)
{
	struct xp_cmd cmd = {
		.cdb_len = XP_SAT_CDB16_LEN,
		.dir = tf->blocks ? XP_DATA_IN : XP_DATA_NONE,
		.data = tf->blocks ? data : NULL,
		.data_len = tf->blocks * 512U,
	};

	xp_sat_cdb_build(cmd.cdb, tf);
	if (cmd.data)
		memset(cmd.data, 0, cmd.data_len);
	return xp_probe_send(p, what, &cmd, reply);
}

/* Did the answer hold the whole block, whatever status the registers came with? */
static bool is_whole(const struct xp_reply *reply)
{
	return reply->answered && reply->data_len == 512;
}

static enum xp_asked read_block(struct xp_probe *p, const char *what,
				const struct xp_ata_taskfile *tf, uint8_t data[512])
{
	struct xp_reply reply;
	enum xp_asked answer = send_ata(p, what, tf, data, &reply);

	if (answer == XP_ASKED_GOOD && !is_whole(&reply)) {
		xp_probe_note(p, what, XP_ASKED_MALFORMED, "the answer is cut off");
		return XP_ASKED_MALFORMED;
	}
	return answer;
}

/*
 * A command without data: with CK_COND the registers come back as CHECK CONDITION with sense 00/1D,
 * which is success, and the note of a refusal that xp_probe_send made is taken back.
 */
static enum xp_asked read_registers(struct xp_probe *p, const char *what,
				    const struct xp_ata_taskfile *tf, struct xp_ata_registers *r)
{
	size_t notes = p->facts->notes_n;
	struct xp_reply reply;
	enum xp_asked answer = send_ata(p, what, tf, NULL, &reply);

	xp_sat_registers_parse(r, reply.sense, reply.sense_len);
	if (answer == XP_ASKED_NONE)
		return answer;
	if (xp_sat_registers_are_good(r)) {
		p->facts->notes_n = notes;
		return XP_ASKED_GOOD;
	}
	if (answer == XP_ASKED_GOOD || xp_sat_registers_are_lost(r)) {
		if (answer == XP_ASKED_GOOD)
			xp_probe_note(p, what, XP_ASKED_MALFORMED,
				      "its registers do not come back");
		return answer == XP_ASKED_GOOD ? XP_ASKED_MALFORMED : answer;
	}
	return XP_ASKED_REFUSED;
}

static void ask_sanitize(struct xp_probe *p, struct xp_ata_facts *a)
{
	struct xp_ata_taskfile tf = xp_ata_sanitize_status();
	struct xp_ata_registers r;
	static const char what[] = "SANITIZE STATUS EXT";

	if (!a->id.sanitize.supported)
		return;
	a->sanitize_status = read_registers(p, what, &tf, &r);
	xp_ata_sanitize_status_decide(&a->sanitize, &r);
	/* a drive whose last sanitize failed says so by an abort: that is an answer */
	if (a->sanitize.state == XP_ATA_SANITIZE_FAILED)
		a->sanitize_status = XP_ASKED_GOOD;
	else if (a->sanitize_status == XP_ASKED_GOOD &&
		 a->sanitize.state == XP_ATA_SANITIZE_UNKNOWN)
		a->sanitize_status = xp_probe_decoded(
			p, what, XP_E_MALFORMED,
			&(struct xp_err){.msg = "its registers do not hold the status"});
}

static void ask_logs(struct xp_probe *p, struct xp_ata_facts *a)
{
	struct xp_ata_taskfile tf;
	struct xp_err err = {0};
	uint8_t data[512];
	static const char security[] = "log 30h page 06h";
	static const char statistics[] = "log 04h page 01h";

	if (!a->id.has_gpl)
		return;
	tf = xp_ata_read_log_page(XP_ATA_LOG_IDENTIFY_DATA, XP_ATA_LOG30_SECURITY);
	a->security_page = read_block(p, security, &tf, data);
	if (a->security_page == XP_ASKED_GOOD) {
		a->security_page = xp_probe_decoded(
			p, security,
			xp_ata_log30_security_parse(&a->security_log, data, sizeof(data), &err),
			&err);
		xp_probe_keep(p, XP_RAW_ATA_LOG,
			      XP_ATA_LOG_IDENTIFY_DATA << 8 | XP_ATA_LOG30_SECURITY, data,
			      sizeof(data));
	}
	tf = xp_ata_read_log_page(XP_ATA_LOG_DEVICE_STATISTICS, XP_ATA_STATS_GENERAL);
	a->statistics_page = read_block(p, statistics, &tf, data);
	if (a->statistics_page == XP_ASKED_GOOD) {
		a->statistics_page = xp_probe_decoded(
			p, statistics,
			xp_ata_general_statistics_parse(&a->statistics, data, sizeof(data), &err),
			&err);
		xp_probe_keep(p, XP_RAW_ATA_LOG,
			      XP_ATA_LOG_DEVICE_STATISTICS << 8 | XP_ATA_STATS_GENERAL, data,
			      sizeof(data));
	}
}

static void ask_smart(struct xp_probe *p, struct xp_ata_facts *a)
{
	struct xp_ata_taskfile tf = xp_ata_smart_return_status();
	struct xp_ata_registers r;
	unsigned key;

	if (!a->id.smart_enabled)
		return;
	a->smart = read_registers(p, "SMART RETURN STATUS", &tf, &r);
	if (a->smart != XP_ASKED_GOOD)
		return;
	key = (unsigned)(r.lba >> 8 & 0xffff);
	a->smart_exceeded = key == XP_ATA_SMART_EXCEEDED;
	if (key != XP_ATA_SMART_KEY && key != XP_ATA_SMART_EXCEEDED)
		a->smart = XP_ASKED_MALFORMED;
}

static void ask_native(struct xp_probe *p, struct xp_ata_facts *a)
{
	struct xp_ata_taskfile tf;
	struct xp_ata_registers r;
	const char *what;
	bool is_48bit = a->id.has_amac || a->id.has_48bit;

	if (!a->id.has_amac && !a->id.has_hpa)
		return;
	if (a->id.has_amac) {
		tf = xp_ata_get_native_amac();
		what = "GET NATIVE MAX ADDRESS EXT";
	} else if (is_48bit) {
		tf = xp_ata_read_native_max_ext();
		what = "READ NATIVE MAX ADDRESS EXT";
	} else {
		tf = xp_ata_read_native_max();
		what = "READ NATIVE MAX ADDRESS";
	}
	a->native = read_registers(p, what, &tf, &r);
	if (a->native == XP_ASKED_GOOD &&
	    !xp_ata_native_sectors(&a->native_sectors, &r, is_48bit)) {
		xp_probe_note(p, what, XP_ASKED_MALFORMED, "its registers are not whole");
		a->native = XP_ASKED_MALFORMED;
	}
	if (a->native == XP_ASKED_GOOD && a->native_sectors < a->id.sectors) {
		xp_probe_note(p, what, XP_ASKED_MALFORMED, "less than the drive reports now");
		a->native = XP_ASKED_MALFORMED;
	}
}

static void ask_dco(struct xp_probe *p, struct xp_ata_facts *a)
{
	struct xp_ata_taskfile tf = xp_ata_dco_identify();
	struct xp_ata_registers r;
	struct xp_reply reply;
	struct xp_err err = {0};
	size_t notes = p->facts->notes_n;
	uint8_t data[512];
	static const char what[] = "DCO IDENTIFY";

	if (!a->id.has_dco)
		return;
	a->dco = send_ata(p, what, &tf, data, &reply);
	xp_sat_registers_parse(&r, reply.sense, reply.sense_len);
	if (a->dco == XP_ASKED_REFUSED && xp_sat_registers_are_good(&r)) {
		p->facts->notes_n = notes;
		a->dco = XP_ASKED_GOOD;
	}
	if (a->dco != XP_ASKED_GOOD)
		return;
	a->dco = xp_probe_decoded(p, what,
				  xp_ata_dco_parse(&a->dco_data, data, reply.data_len, &err), &err);
	if (a->dco == XP_ASKED_GOOD && a->dco_data.sectors < a->id.sectors) {
		xp_probe_note(p, what, XP_ASKED_MALFORMED, "less than the drive reports now");
		a->dco = XP_ASKED_MALFORMED;
	}
}

/* From the three answers: what is hidden, or what it is that cannot be known. */
static void judge_hidden(struct xp_probe *p, const struct xp_ata_facts *a)
{
	struct xp_hidden_facts *h = &p->facts->hidden;
	bool has_native = a->id.has_amac || a->id.has_hpa;
	uint64_t size = a->id.logical_bytes;

	h->apply = has_native || a->id.has_dco;
	h->current_bytes = xp_ata_identify_bytes(&a->id);
	h->native_bytes = h->current_bytes;
	if (has_native && a->native != XP_ASKED_GOOD) {
		snprintf(h->why, sizeof(h->why), "%s: %s",
			 a->id.has_amac ? "accessible max address" : "host protected area",
			 xp_asked_name(a->native));
		return;
	}
	if (a->id.has_dco && a->dco != XP_ASKED_GOOD) {
		snprintf(h->why, sizeof(h->why), "device configuration overlay: %s%s",
			 xp_asked_name(a->dco), a->dco == XP_ASKED_REFUSED ? " (frozen?)" : "");
		return;
	}
	if (has_native && __builtin_mul_overflow(a->native_sectors, size, &h->native_bytes))
		return;
	h->factory_bytes = h->native_bytes;
	if (a->id.has_dco) {
		uint64_t bytes;

		if (__builtin_mul_overflow(a->dco_data.sectors, size, &bytes))
			return;
		if (bytes > h->factory_bytes)
			h->factory_bytes = bytes;
	}
	h->known = true;
}

static void take_identity(struct xp_probe *p, const struct xp_ata_identify *ata)
{
	struct xp_identity *id = p->id;
	char wwn[24];

	xp_probe_set(id->vendor, sizeof(id->vendor), "ATA");
	xp_probe_set(id->model, sizeof(id->model), ata->model);
	xp_probe_set(id->serial, sizeof(id->serial), ata->serial);
	xp_probe_set(id->firmware, sizeof(id->firmware), ata->firmware);
	if (ata->wwn) {
		snprintf(wwn, sizeof(wwn), "naa.%016llx", (unsigned long long)ata->wwn);
		xp_probe_set(id->wwn, sizeof(id->wwn), wwn);
	}
	if (id->bus == XP_BUS_UNKNOWN)
		id->bus = XP_BUS_ATA;
	/* what a hypervisor or a controller makes up may call itself what it likes */
	if (id->media == XP_MEDIA_VIRTUAL)
		;
	else if (ata->has_hybrid_information)
		id->media = XP_MEDIA_HYBRID;
	else if (ata->rotation == XP_ATA_ROTATION_NONE)
		id->media = XP_MEDIA_SSD;
	else if (ata->rotation == XP_ATA_ROTATION_RPM)
		id->media = XP_MEDIA_HDD;
	else
		id->media = XP_MEDIA_UNKNOWN;
	if (id->capacity_bytes == 0)
		id->capacity_bytes = xp_ata_identify_bytes(ata);
	if (id->logical_block_bytes == 0)
		id->logical_block_bytes = ata->logical_bytes;
	if (id->physical_block_bytes == 0)
		id->physical_block_bytes = ata->physical_bytes;
}

enum xp_asked xp_probe_ata_identity(struct xp_probe *p)
{
	struct xp_ata_facts *a = &p->facts->ata;
	struct xp_ata_taskfile tf = xp_ata_identify_device();
	struct xp_err err = {0};
	uint8_t data[512];
	static const char what[] = "IDENTIFY DEVICE";

	a->identify = read_block(p, what, &tf, data);
	if (a->identify != XP_ASKED_GOOD)
		return a->identify;
	xp_probe_keep(p, XP_RAW_ATA_IDENTIFY, 0, data, sizeof(data));
	a->identify = xp_probe_decoded(
		p, what, xp_ata_identify_parse(&a->id, data, sizeof(data), &err), &err);
	if (a->identify == XP_ASKED_GOOD)
		take_identity(p, &a->id);
	return a->identify;
}

void xp_probe_ata(struct xp_probe *p)
{
	struct xp_ata_facts *a = &p->facts->ata;
	struct xp_ata_taskfile tf = xp_ata_check_power_mode();
	struct xp_ata_registers r;

	if (xp_probe_ata_identity(p) != XP_ASKED_GOOD)
		return;
	p->facts->is_ata = true;
	a->registers = read_registers(p, "CHECK POWER MODE", &tf, &r);
	ask_sanitize(p, a);
	ask_logs(p, a);
	ask_smart(p, a);
	ask_native(p, a);
	ask_dco(p, a);
	judge_hidden(p, a);
	if (a->id.has_trusted_computing)
		xp_probe_tcg(p);
}
