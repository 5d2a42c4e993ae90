#include "cli/job_options.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/policies.h"

#define POLICY_DEFAULT "nist-800-88r2"

static enum xp_rc load_file(struct xp_policy **out, const char *path, struct xp_err *err)
{
	AUTO_MEM char *json = NULL;
	size_t len = 0;

	TRY(xp_file_read(&json, &len, path, XP_POLICY_MAX_BYTES, err));
	if (xp_policy_parse(out, json, len, err) != XP_OK)
		return xp_err_prefix(err, "policy %s", path);
	return XP_OK;
}

enum xp_rc xp_policy_load(struct xp_policy **out, const char *name, struct xp_err *err)
{
	size_t len = strlen(name);
	struct xp_builtin_policy builtin;
	char path[1024];

	if (strchr(name, '/') || (len > 5 && strcmp(name + len - 5, ".json") == 0))
		return load_file(out, name, err);
	if (xp_builtin_policy_find(&builtin, name))
		return xp_policy_parse(out, builtin.json, builtin.len, err);
	snprintf(path, sizeof(path), "%s/share/expunge/policies/%.200s.json", XP_PREFIX, name);
	if (load_file(out, path, err) == XP_OK)
		return XP_OK;
	if (err->rc == XP_E_NOENT)
		return xp_fail(err, XP_E_NOENT,
			       "no policy %s (built in: nist-800-88r2, nist-800-88r1; "
			       "a file's name needs a slash or .json)",
			       name);
	return err->rc;
}

static enum xp_rc read_level(bool *has, enum xp_level *level, const struct xp_args *args,
			     const char *option, struct xp_err *err)
{
	const char *s = xp_args_string(args, option);

	*has = s != NULL;
	if (s && (!xp_level_parse(level, s) || *level == XP_NONE))
		return xp_fail(err, XP_E_USAGE, "--%s %s: clear or purge", option, s);
	return XP_OK;
}

static enum xp_rc read_pattern(struct xp_plan_options *o, const char *hex, struct xp_err *err)
{
	AUTO_MEM char *lower = strdup(hex);
	size_t len = strlen(hex);

	if (!lower)
		return xp_fail(err, XP_E_NOMEM, "--pattern");
	for (char *p = lower; *p; p++)
		if (*p >= 'A' && *p <= 'F')
			*p = (char)(*p - 'A' + 'a');
	if (len == 0 || len % 2 || len / 2 > XP_PATTERN_MAX ||
	    !xp_hex_decode(o->pattern, len / 2, lower))
		return xp_fail(err, XP_E_USAGE, "--pattern %s: 1 to %d bytes as hex digits", hex,
			       XP_PATTERN_MAX);
	o->pattern_len = (uint32_t)(len / 2);
	return XP_OK;
}

enum xp_rc xp_plan_options_read(struct xp_plan_options *out, const struct xp_args *args,
				struct xp_err *err)
{
	const char *policy = xp_args_string(args, "policy");
	const char *technique = xp_args_string(args, "technique");
	const char *pattern = xp_args_string(args, "pattern");
	const char *verify = xp_args_string(args, "verify");

	*out = (struct xp_plan_options){0};
	TRY(read_level(&out->has_level, &out->level, args, "level", err));
	TRY(read_level(&out->has_accept, &out->accept, args, "accept", err));
	if (technique && !xp_technique_parse(&out->technique, technique))
		return xp_fail(err, XP_E_USAGE, "--technique %s: no such technique", technique);
	out->has_technique = technique != NULL;
	if (pattern)
		TRY(read_pattern(out, pattern, err));
	if (verify &&
	    (!xp_readback_mode_parse(&out->verify, verify) || out->verify == XP_READBACK_NONE))
		return xp_fail(err, XP_E_USAGE, "--verify %s: sample or full", verify);
	out->no_fallback = xp_args_flag(args, "no-fallback");
	out->allow_remote = xp_args_flag(args, "allow-remote");
	return xp_policy_load(&out->policy, policy ? policy : POLICY_DEFAULT, err);
}

void xp_plan_options_free(struct xp_plan_options *o)
{
	xp_policy_free(&o->policy);
}
