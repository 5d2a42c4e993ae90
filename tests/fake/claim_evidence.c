#include "tests/fake/claim_evidence.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "claim/sample_plan.h"
#include "tests/fake/identify_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ULL
#define T0     1800000000LL

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void add_raw(struct xp_identity *id, enum xp_raw_kind kind)
{
	id->raw = calloc(1, sizeof(*id->raw));
	must(id->raw != NULL);
	id->raw_n = 1;
	id->raw[0] = (struct xp_raw){.kind = kind, .len = kind == XP_RAW_NVME_ID_CTRL ? 4096 : 512};
	id->raw[0].data = calloc(1, id->raw[0].len);
	must(id->raw[0].data != NULL);
	identify_data_read(id->raw[0].data, 512,
			   kind == XP_RAW_NVME_ID_CTRL ? "samsung-pm981a.nvme-hex"
						       : "wd-wd4000kd.hex");
}

static struct xp_identity identity_of(enum claim_case which)
{
	struct xp_identity id = {
		.media = XP_MEDIA_SSD,
		.bus = XP_BUS_ATA,
		.model = "EXAMPLE 4G",
		.serial = "SN0001",
		.wwn = "naa.5000000000000001",
		.firmware = "FW1",
		.diskseq = 9,
		.capacity_bytes = 4000000000 / 4096 * 4096,
		.logical_block_bytes = 512,
		.physical_block_bytes = 4096,
	};

	switch (which) {
	case CLAIM_IMAGE_ZERO_FULL:
		id = (struct xp_identity){.media = XP_MEDIA_VIRTUAL,
					  .bus = XP_BUS_FILE,
					  .name = "disk.img",
					  .inode = 77,
					  .fs_dev = 5,
					  .capacity_bytes = 1 << 20,
					  .logical_block_bytes = 1};
		break;
	case CLAIM_HDD_ZERO_SAMPLE:
		id.media = XP_MEDIA_HDD;
		add_raw(&id, XP_RAW_ATA_IDENTIFY);
		break;
	case CLAIM_STICK_TWO_PASSES:
		id.media = XP_MEDIA_USB_FLASH;
		id.bus = XP_BUS_USB;
		id.capacity_bytes /= 2;
		break;
	case CLAIM_NVME_RANDOM_FULL:
		id.bus = XP_BUS_NVME;
		id.capacity_bytes /= 2;
		add_raw(&id, XP_RAW_NVME_ID_CTRL);
		break;
	case CLAIM_SSD_PATTERN_R1:
	case CLAIM_ATA_CRYPTO:
	case CLAIM_CASES:
		add_raw(&id, XP_RAW_ATA_IDENTIFY);
		break;
	}
	return id;
}

/* A phase that begins a second after the last one ended and takes SECONDS. */
static struct xp_phase *phase_add(struct xp_evidence *ev, enum xp_phase_kind kind,
				  const struct xp_identity *id, unsigned seconds)
{
	struct xp_phase *p = xp_evidence_add(ev, kind);
	const struct xp_phase *last = ev->n > 1 ? p - 1 : NULL;

	must(p != NULL);
	must(xp_identity_copy(&p->identity, id, NULL) == XP_OK);
	p->attempt = 1;
	p->start_ns = (last ? last->end_ns : 100 * SECOND) + SECOND;
	p->end_ns = p->start_ns + seconds * SECOND;
	p->start_s = (last ? last->end_s : T0) + 1;
	p->end_s = p->start_s + seconds;
	snprintf(p->boot_id, sizeof(p->boot_id), "00000000-0000-4000-8000-000000000001");
	return p;
}

static void add_pass(struct xp_evidence *ev, const struct xp_identity *id, uint32_t pass,
		     uint32_t passes, const struct xp_content *content)
{
	struct xp_phase *p = phase_add(ev, XP_PHASE_ERASE, id, 20);

	p->overwrite = (struct xp_overwrite_result){
		.pass = pass,
		.passes = passes,
		.content = *content,
		.bytes_written = id->capacity_bytes,
		.flushed = true,
	};
	switch (content->kind) {
	case XP_CONTENT_ZERO:
	case XP_CONTENT_UNKNOWN:
		p->technique = XP_OVERWRITE_ZERO;
		break;
	case XP_CONTENT_PATTERN:
		p->technique = pass < passes ? XP_OVERWRITE_ZERO : XP_OVERWRITE_PATTERN;
		break;
	case XP_CONTENT_RANDOM:
		p->technique = XP_OVERWRITE_RANDOM;
		break;
	}
}

static void add_readback(struct xp_evidence *ev, const struct xp_identity *id,
			 enum xp_sample_scheme scheme, const struct xp_content *expected)
{
	struct xp_phase *p = phase_add(ev, XP_PHASE_READBACK, id, 20);
	struct xp_readback_result *r = &p->readback;

	p->technique = ev->phases[ev->n - 2].technique;
	r->mode = scheme == XP_SAMPLE_NONE ? XP_READBACK_FULL : XP_READBACK_SAMPLE;
	r->expected = *expected;
	r->scheme = scheme;
	r->bytes_planned = id->capacity_bytes;
	r->how.direct = true;
	if (scheme != XP_SAMPLE_NONE) {
		struct xp_sample_plan plan;

		memset(r->seed, 0x5a, sizeof(r->seed));
		must(xp_sample_plan_totals(&plan, scheme, 0, id->capacity_bytes,
					   id->logical_block_bytes, r->seed, NULL) == XP_OK);
		r->extents = plan.independent;
		r->always_extents = plan.always;
		r->bytes_planned = plan.bytes;
	}
	r->bytes_delivered = r->bytes_planned;
	r->coverage_ppm = (uint32_t)(r->bytes_delivered * 1000000 / id->capacity_bytes);
}

static void add_command(struct xp_evidence *ev, const struct xp_identity *id)
{
	struct xp_phase *p = phase_add(ev, XP_PHASE_ERASE, id, 20);

	p->technique = XP_ATA_SANITIZE_CRYPTO;
	p->command = (struct xp_command_result){
		.cdb = {0x85},
		.cdb_len = 16,
		.accepted = true,
		.completion_known = true,
		.keys = {.can_be_off = XP_ANSWER_NO,
			 .plaintext_before = XP_ANSWER_NO,
			 .copies_alive = XP_ANSWER_NO,
			 .media_encryption = XP_ANSWER_YES},
	};
}

struct xp_evidence claim_evidence_new(enum claim_case which)
{
	static const struct xp_content zero = {.kind = XP_CONTENT_ZERO};
	static const struct xp_content ff = {
		.kind = XP_CONTENT_PATTERN, .pattern = {0xff}, .pattern_len = 1};
	static const struct xp_content random = {.kind = XP_CONTENT_RANDOM, .key = {1, 2, 3}};
	static const struct xp_content unknown = {.kind = XP_CONTENT_UNKNOWN};
	struct xp_evidence ev = {0};
	struct xp_identity id = identity_of(which);

	ev.capacity = (struct xp_capacity_facts){
		.current = id.capacity_bytes,
		.native = id.capacity_bytes,
		.hidden_areas_apply = id.media != XP_MEDIA_VIRTUAL,
		.hidden_areas_known = true,
	};
	ev.clock_synchronized = XP_ANSWER_YES;
	phase_add(&ev, XP_PHASE_IDENTIFY, &id, 0);
	switch (which) {
	case CLAIM_IMAGE_ZERO_FULL:
		add_pass(&ev, &id, 1, 1, &zero);
		add_readback(&ev, &id, XP_SAMPLE_NONE, &zero);
		break;
	case CLAIM_HDD_ZERO_SAMPLE:
		add_pass(&ev, &id, 1, 1, &zero);
		add_readback(&ev, &id, XP_SAMPLE_SCATTERED, &zero);
		break;
	case CLAIM_SSD_PATTERN_R1:
		add_pass(&ev, &id, 1, 1, &ff);
		add_readback(&ev, &id, XP_SAMPLE_R1, &ff);
		break;
	case CLAIM_STICK_TWO_PASSES:
		add_pass(&ev, &id, 1, 2, &ff);
		add_pass(&ev, &id, 2, 2, &zero);
		add_readback(&ev, &id, XP_SAMPLE_NONE, &zero);
		break;
	case CLAIM_NVME_RANDOM_FULL:
		add_pass(&ev, &id, 1, 1, &random);
		add_readback(&ev, &id, XP_SAMPLE_NONE, &random);
		break;
	case CLAIM_ATA_CRYPTO:
	case CLAIM_CASES:
		add_command(&ev, &id);
		add_readback(&ev, &id, XP_SAMPLE_SCATTERED, &unknown);
		break;
	}
	phase_add(&ev, XP_PHASE_IDENTIFY, &id, 0);
	xp_identity_free(&id);
	return ev;
}

struct xp_phase *claim_evidence_phase(struct xp_evidence *ev, enum xp_phase_kind kind)
{
	for (size_t i = 0; i < ev->n; i++) {
		if (ev->phases[i].kind == kind)
			return &ev->phases[i];
	}
	abort();
}

struct xp_policy *claim_policy_load(const char *edition, const char *mode)
{
	AUTO_MEM char *json = NULL;
	AUTO_MEM char *changed = NULL;
	char path[64];
	struct xp_policy *p = NULL;
	char *at, *end;
	size_t len;

	snprintf(path, sizeof(path), "docs/policies/nist-800-88%s.json", edition);
	must(xp_file_read(&json, &len, path, XP_POLICY_MAX_BYTES, NULL) == XP_OK);
	if (mode) {
		at = strstr(json, "\"verification\"");
		must(at != NULL);
		end = strchr(at, '}');
		must(end != NULL);
		*at = 0;
		must(asprintf(&changed, "%s\"verification\": {\"mode\": \"%s\"%s", json, mode,
			      end) > 0);
	}
	must(xp_policy_parse(&p, changed ? changed : json, strlen(changed ? changed : json),
			     NULL) == XP_OK);
	return p;
}

const struct xp_reason *claim_reason(const struct xp_claim *c, const char *code)
{
	for (unsigned i = 0; i < c->reasons_n; i++)
		if (strcmp(c->reasons[i].code, code) == 0)
			return &c->reasons[i];
	return NULL;
}

bool claim_has_reason(const struct xp_claim *c, const char *code)
{
	return claim_reason(c, code) != NULL;
}
