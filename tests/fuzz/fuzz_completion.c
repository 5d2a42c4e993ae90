/*
 * What proves that a drive's own erase ended well, from answers of any bytes: nothing is proven
 * that was not journalled as taken, was refused, or has no answer of its end.
 */
#include "claim/completion.h"

#include <stdlib.h>
#include <string.h>

#define ANSWERS 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t take(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

/* Copies what there is and fills up with zeros. */
static void take_bytes(struct input *in, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = take(in);
}

/* Most answers have their right size: else they would be turned down for that alone. */
static void take_answer(struct input *in, struct xp_raw *raw)
{
	static const size_t sizes[] = {512, 512, 18, 32, 1, 4096};
	static const uint32_t args[] = {0x81, 0, 1, 0xb400, 1, 0};
	uint8_t shape = take(in);

	raw->kind = (enum xp_raw_kind)(take(in) % XP_RAW_KIND_COUNT);
	raw->arg = args[shape % 6];
	raw->len = shape & 0x80 ? take(in) : sizes[shape / 6 % 6];
	raw->data = malloc(raw->len ? raw->len : 1);
	if (!raw->data)
		abort();
	take_bytes(in, raw->data, raw->len < 64 ? raw->len : 64);
	if (raw->len > 64)
		memset(raw->data + 64, 0, raw->len - 64);
}

static void check(const struct xp_phase *p, const struct xp_completion *found)
{
	const struct xp_command_result *c = &p->command;

	if (memchr(found->why, 0, sizeof(found->why)) == NULL)
		abort();
	if (found->end != XP_COMPLETION_PROVEN)
		return;
	if (!c->accepted || c->cdb_len == 0 || !xp_technique_is_device_command(p->technique))
		abort();
	/* what is over when it is answered needs no further word but NVMe's format */
	if (c->after_n == 0 && p->technique >= XP_SCSI_SANITIZE_CRYPTO)
		abort();
	if (p->technique >= XP_NVME_SANITIZE_CRYPTO && c->nvme_status != 0)
		abort();
	if (p->technique >= XP_SCSI_SANITIZE_CRYPTO && p->technique <= XP_SCSI_FORMAT &&
	    c->scsi_status != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = {data, len};
	struct xp_raw raws[3][ANSWERS] = {0};
	struct xp_phase p = {.kind = XP_PHASE_ERASE};
	struct xp_command_result *c = &p.command;
	struct xp_completion found;
	uint8_t flags;

	p.technique = (enum xp_technique)(take(&in) % XP_TECHNIQUE_COUNT);
	flags = take(&in);
	p.interrupted = flags & 1;
	c->accepted = flags & 2;
	c->attached = flags & 4;
	c->aborted = flags & 8;
	c->nvme_status = flags & 0x10 ? 0 : flags & 0x20 ? 0xffffffff : take(&in);
	c->scsi_status = flags & 0x40 ? 0 : take(&in);
	c->cdb_len = flags & 0x80 ? 64 : take(&in) % (sizeof(c->cdb) + 1);
	take_bytes(&in, c->cdb, c->cdb_len);
	c->sense_len = take(&in) % (sizeof(c->sense) + 1);
	take_bytes(&in, c->sense, c->sense_len);
	c->before_n = take(&in) % (ANSWERS + 1);
	c->during_n = take(&in) % (ANSWERS + 1);
	c->after_n = take(&in) % (ANSWERS + 1);
	c->before = raws[0];
	c->during = raws[1];
	c->after = raws[2];
	for (size_t i = 0; i < c->before_n; i++)
		take_answer(&in, &raws[0][i]);
	for (size_t i = 0; i < c->during_n; i++)
		take_answer(&in, &raws[1][i]);
	for (size_t i = 0; i < c->after_n; i++)
		take_answer(&in, &raws[2][i]);
	memset(&found, 0xa5, sizeof(found));
	xp_completion_decide(&found, &p);
	check(&p, &found);
	for (size_t list = 0; list < 3; list++)
		for (size_t i = 0; i < ANSWERS; i++)
			free(raws[list][i].data);
	return 0;
}
