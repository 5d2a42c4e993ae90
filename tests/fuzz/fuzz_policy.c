/* fuzz_policy: any bytes as a policy. What is accepted keeps to the ceilings and to its own bounds.
 */
#include "claim/policy.h"
#include "claim/sample_plan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_caps(const struct xp_policy *p)
{
	for (unsigned t = 0; t < XP_TECHNIQUE_COUNT; t++) {
		for (unsigned m = 0; m <= XP_MEDIA_VIRTUAL; m++) {
			const struct xp_identity id = {.media = (enum xp_media)m,
						       .vendor = "ACME",
						       .model = "ACME Fast 480G"};
			enum xp_technique technique = (enum xp_technique)t;
			enum xp_level table = xp_policy_cap(p, technique, id.media, 8);
			enum xp_level cap = xp_policy_cap_for(p, technique, &id, 8, NULL);
			bool by_host = xp_technique_is_host_overwrite(technique) ||
				       technique == XP_LUKS_DESTROY;

			if (cap < table || cap > XP_PURGE ||
			    (cap > XP_CLEAR && (by_host || id.media == XP_MEDIA_VIRTUAL)))
				abort();
			if (xp_technique_is_host_overwrite(technique) &&
			    xp_policy_cap(p, technique, id.media, 0) != XP_NONE)
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct xp_policy *p = NULL;
	struct xp_err err = {0};
	size_t kept;
	unsigned n;

	if (xp_policy_parse(&p, (const char *)data, len, &err) != XP_OK) {
		if (p || !err.msg[0])
			abort();
		return 0;
	}
	check_caps(p);
	xp_policy_preference(p, &n);
	if (n == 0 || n > XP_TECHNIQUE_COUNT || xp_policy_level(p) == XP_NONE ||
	    xp_policy_sample_n(p) > XP_SAMPLE_MAX_N || !xp_policy_name(p)[0] ||
	    memcmp(xp_policy_json(p, &kept), data, len) != 0 || kept != len)
		abort();
	xp_policy_free(&p);
	return 0;
}
