#include "cli/policies.h"

#include <string.h>

/* The linker takes the files in whole; the Makefile names them as prerequisites of this object. */
#define POLICY(symbol, file)                                                                       \
	__asm__(".pushsection .rodata\n"                                                           \
		".balign 16\n" #symbol "_begin:\n"                                                 \
		".incbin \"docs/policies/" file "\"\n" #symbol "_end:\n"                           \
		".byte 0\n"                                                                        \
		".popsection\n");                                                                  \
	extern const char symbol##_begin[] __attribute__((visibility("hidden")));                  \
	extern const char symbol##_end[] __attribute__((visibility("hidden")))

POLICY(policy_r2, "nist-800-88r2.json");
POLICY(policy_r1, "nist-800-88r1.json");

_Bool xp_builtin_policy_find(struct xp_builtin_policy *out, const char *name)
{
	if (strcmp(name, "nist-800-88r2") == 0)
		*out = (struct xp_builtin_policy){"nist-800-88r2", policy_r2_begin,
						  (size_t)(policy_r2_end - policy_r2_begin)};
	else if (strcmp(name, "nist-800-88r1") == 0)
		*out = (struct xp_builtin_policy){"nist-800-88r1", policy_r1_begin,
						  (size_t)(policy_r1_end - policy_r1_begin)};
	else
		return 0;
	return 1;
}
