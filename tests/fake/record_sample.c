#include "tests/fake/record_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET(field, text) snprintf((field), sizeof(field), "%s", (text))
#define BOOT_ID		 "6d1f3c7a-9a51-4e0c-8f4b-2f9f5f0b7c11"

static void stop(const char *what, const struct xp_err *err)
{
	fprintf(stderr, "record_sample: %s: %s\n", what, err->msg);
	abort();
}

static void fill_identity(struct xp_identity *id)
{
	id->media = XP_MEDIA_VIRTUAL;
	id->bus = XP_BUS_FILE;
	SET(id->name, "disk.img");
	id->inode = 4711;
	id->fs_dev = 65025;
	id->capacity_bytes = RECORD_SAMPLE_BYTES;
	id->logical_block_bytes = 1;
	id->physical_block_bytes = 4096;
}

static struct xp_phase *add_phase(struct xp_record *r, enum xp_phase_kind kind, unsigned at_s)
{
	struct xp_phase *p = xp_evidence_add(&r->evidence, kind);

	if (!p)
		abort();
	p->attempt = 1;
	p->take = 1;
	p->technique = XP_OVERWRITE_ZERO;
	fill_identity(&p->identity);
	p->start_s = RECORD_SAMPLE_START + at_s;
	p->end_s = p->start_s + 1;
	p->start_ns = 1000000000ULL * (100 + at_s);
	p->end_ns = p->start_ns + 900000000;
	SET(p->boot_id, BOOT_ID);
	return p;
}

static void fill_how(struct xp_io_how *how)
{
	how->backend = XP_IO_URING;
	how->direct = true;
	how->registered_buffers = true;
	how->block_bytes = 1048576;
	how->depth = 8;
}

static void fill_evidence(struct xp_record *r)
{
	struct xp_phase *p;

	add_phase(r, XP_PHASE_IDENTIFY, 0);
	p = add_phase(r, XP_PHASE_ERASE, 1);
	p->overwrite.pass = 1;
	p->overwrite.passes = 1;
	p->overwrite.content.kind = XP_CONTENT_ZERO;
	p->overwrite.bytes_written = RECORD_SAMPLE_BYTES;
	p->overwrite.flushed = true;
	fill_how(&p->overwrite.how);
	p = add_phase(r, XP_PHASE_READBACK, 3);
	p->readback.mode = XP_READBACK_FULL;
	p->readback.expected.kind = XP_CONTENT_ZERO;
	p->readback.extents = 0;
	p->readback.bytes_planned = RECORD_SAMPLE_BYTES;
	p->readback.bytes_delivered = RECORD_SAMPLE_BYTES;
	p->readback.coverage_ppm = 1000000;
	fill_how(&p->readback.how);
	add_phase(r, XP_PHASE_IDENTIFY, 5);
	r->evidence.capacity.current = RECORD_SAMPLE_BYTES;
	r->evidence.capacity.hidden_areas_known = true;
}

static void fill_people(struct xp_record *r)
{
	r->signers_n = 1;
	SET(r->signers[0].role, "performer");
	memset(r->signers[0].cert_sha256, 0xa5, sizeof(r->signers[0].cert_sha256));
	SET(r->signers[0].alg, "ecdsa-p256-sha256");
	r->persons_n = 1;
	SET(r->persons[0].role, "performer");
	SET(r->persons[0].name, "山田 花子");
	SET(r->persons[0].name_latin, "Hanako Yamada");
	SET(r->persons[0].title, "Technician");
	SET(r->persons[0].organization, "Example Datacenter");
}

/* Not read by the claim's rules here: the record only carries it. Loosely written on purpose. */
static const char policy[] = "{\n  \"standard\": \"NIST SP 800-88\",\n  \"name\": \"sample\",\n"
			     "  \"edition\": \"r2\",\n  \"level\": \"purge\"\n}\n";

static void fill_claim(struct xp_record *r)
{
	r->policy_json = strdup(policy);
	if (!r->policy_json)
		abort();
	r->policy_len = strlen(policy);
	r->claim.level = XP_CLEAR;
	r->claim.cap = XP_CLEAR;
	r->claim.scope = XP_SCOPE_LOGICAL_UNIT;
	r->claim.outcome = XP_OUTCOME_SANITIZED;
	r->claim.technique = XP_OVERWRITE_ZERO;
	r->claim.reasons_n = 1;
	r->claim.reasons[0].rule = 15;
	SET(r->claim.reasons[0].code, "no-drive-in-sight");
	SET(r->claim.reasons[0].text, "an image file: no drive is in sight");
	r->claim.not_covered_n = 1;
	SET(r->claim.not_covered[0], "caches of the host");
}

struct xp_record *record_sample_new(void)
{
	struct xp_record *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	SET(r->id, "019ab6f2-5c00-7a11-8b22-0123456789ab");
	memset(r->nonce, 0x5a, sizeof(r->nonce));
	r->kind = XP_RECORD_SANITIZATION;
	r->issued_s = RECORD_SAMPLE_START + 7;
	r->asked = XP_CLEAR;
	r->accepted = XP_CLEAR;
	SET(r->tenant, "tenant-7");
	SET(r->case_no, "CASE-2026-1122");
	SET(r->manufacturer, "Example");
	SET(r->asset_tag, "A-0042");
	SET(r->classification_before, "internal");
	SET(r->backup_status, "no");
	SET(r->destination, "internal-reuse");
	SET(r->method, "clear");
	r->technique = XP_OVERWRITE_ZERO;
	fill_identity(&r->media);
	fill_evidence(r);
	r->capacity_after_known = true;
	r->capacity_after_bytes = RECORD_SAMPLE_BYTES;
	fill_claim(r);
	SET(r->host.model, "Example Server");
	r->host.drives_seen = 3;
	SET(r->host.complete, "unknown");
	SET(r->clock.source, "system");
	r->clock.offset_ns = -1250;
	SET(r->clock.boot_id, BOOT_ID);
	SET(r->tool.name, "expunge");
	SET(r->tool.version, XP_VERSION);
	fill_people(r);
	return r;
}

char *record_sample_json(const struct xp_record *r, size_t *len)
{
	struct xp_err err = {0};
	char *json = NULL;

	if (xp_record_write(&json, len, r, &err) != XP_OK)
		stop("write", &err);
	return json;
}

void record_sample_move(struct xp_record *r, int64_t by_s)
{
	r->issued_s += by_s;
	for (size_t i = 0; i < r->evidence.n; i++) {
		r->evidence.phases[i].start_s += by_s;
		r->evidence.phases[i].end_s += by_s;
	}
}

void record_sample_free(struct xp_record *r)
{
	if (r)
		xp_record_free(r);
	free(r);
}
