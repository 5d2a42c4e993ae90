#include "certs/known_policies.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

/* Lines are only ever added: records of earlier forms remain what they were. */
static const struct {
	const char *name;
	const char *sha256;
} KNOWN[] = {
	{"nist-800-88r1", "1c35765164536faef21fb47283a8b629312c33bb7e307ccf49efd70529fbd2a7"},
	{"nist-800-88r2", "ea4a6278aa74de60c70ed34102a2d39a14fbb2b34987d76ec1ea678dd91d4cf4"},
	{"nist-800-88r1", "ea1c6e484fe97b06bd52af0804e15d6f5ba4ded325c985b159111c89317b54c8"},
	{"nist-800-88r2", "9817d7647655f6a0030efab1e83a07670f180ebd44a455cae9a2ec132bcce3ab"},
};

enum xp_policy_origin xp_policy_origin(const char *name, const uint8_t sha256[32])
{
	enum xp_policy_origin origin = XP_POLICY_OTHERS;
	char hex[65];

	xp_hex_encode(hex, sha256, 32);
	for (size_t i = 0; i < XP_ARRAY_LEN(KNOWN); i++) {
		if (strcmp(KNOWN[i].name, name) != 0)
			continue;
		if (strcmp(KNOWN[i].sha256, hex) == 0)
			return XP_POLICY_OURS;
		origin = XP_POLICY_SWAPPED;
	}
	return origin;
}
