/* A transcript of any bytes: parsed, written again, and probed as if it were a drive. */
#include "base/buf.h"
#include "device/probe.h"
#include "device/transcript.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was parsed and is written must be parsed again to as many exchanges. */
static void write_again(const struct xp_transcript *t)
{
	struct xp_transcript again;
	struct xp_buf b = {0};

	xp_transcript_head_write(&b, t->kind, t->bus);
	for (size_t i = 0; i < t->n; i++)
		xp_transcript_exchange_write(&b, &t->list[i]);
	if (xp_buf_ok(&b)) {
		if (xp_transcript_parse(&again, xp_buf_str(&b), b.len, NULL) != XP_OK ||
		    again.n != t->n || again.kind != t->kind)
			abort();
		xp_transcript_free(&again);
	}
	xp_buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct xp_transcript t;
	struct xp_drive_facts *facts = calloc(1, sizeof(*facts));
	struct xp_target *target = calloc(1, sizeof(*target));
	struct xp_err err = {0};

	if (xp_transcript_parse(&t, text, len, &err) == XP_OK) {
		write_again(&t);
		xp_transcript_free(&t);
		if (facts && target) {
			(void)!xp_probe_transcript(facts, target, text, len, &err);
			xp_drive_facts_free(facts);
			xp_target_free(target);
		}
	}
	free(facts);
	free(target);
	return 0;
}
