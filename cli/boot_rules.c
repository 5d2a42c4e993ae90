#include "cli/boot_rules.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/boot_end.h"
#include "cli/https_url.h"

#define CMDLINE_MAX_BYTES (64u << 10)

static enum xp_rc read_words(struct xp_boot_cmdline *words, const struct xp_args *args,
			     struct xp_err *err)
{
	const char *path = xp_args_string(args, "cmdline");
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	*words = (struct xp_boot_cmdline){0};
	/* a file of procfs has no size that could be read beforehand */
	if (!path) {
		AUTO_FD int fd = open(XP_BOOT_CMDLINE, O_RDONLY | O_CLOEXEC);

		text = calloc(1, CMDLINE_MAX_BYTES);
		if (!text)
			return xp_fail(err, XP_E_NOMEM, XP_BOOT_CMDLINE);
		while (fd >= 0 && len < CMDLINE_MAX_BYTES) {
			ssize_t n = read(fd, text + len, CMDLINE_MAX_BYTES - len);

			if (n <= 0)
				break;
			len += (size_t)n;
		}
	} else {
		TRY(xp_file_read(&text, &len, path, CMDLINE_MAX_BYTES, err));
	}
	return xp_boot_cmdline_parse(words, text, len, err);
}

static enum xp_rc override_upload(struct xp_boot_upload *u, const struct xp_args *args,
				  struct xp_err *err)
{
	const char *url = xp_args_string(args, "upload");
	const char *ca = xp_args_string(args, "upload-ca");
	const char *header = xp_args_string(args, "upload-header");

	if ((url && strlen(url) >= sizeof(u->url)) || (ca && strlen(ca) >= sizeof(u->ca)) ||
	    (header && strlen(header) >= sizeof(u->header_file)))
		return xp_fail(err, XP_E_USAGE, "--upload...: the name is too long");
	if (url)
		snprintf(u->url, sizeof(u->url), "%s", url);
	if (ca)
		u->system_ca = strcmp(ca, "system") == 0;
	if (ca && !u->system_ca)
		snprintf(u->ca, sizeof(u->ca), "%s", ca);
	if (header)
		snprintf(u->header_file, sizeof(u->header_file), "%s", header);
	return XP_OK;
}

/* What was typed goes before the kernel's words, and those before the file. */
static enum xp_rc override(struct xp_boot_config *config, const struct xp_args *args,
			   struct xp_err *err)
{
	struct xp_boot_unattended *rules = &config->unattended;
	const char *expect = xp_args_string(args, "expect");
	const char *then = xp_args_string(args, "then");
	uint64_t settle, settle_max, countdown;
	struct xp_https_url url;

	TRY(xp_args_number(&settle, args, "settle", rules->settle_s, 3600, err));
	TRY(xp_args_number(&settle_max, args, "settle-max", rules->settle_max_s, 86400, err));
	TRY(xp_args_number(&countdown, args, "countdown", rules->countdown_s, 86400, err));
	rules->settle_s = (uint32_t)settle;
	rules->settle_max_s = (uint32_t)(settle_max > settle ? settle_max : settle);
	rules->countdown_s = (uint32_t)countdown;
	TRY(override_upload(&config->upload, args, err));
	if (then && !xp_boot_then_parse(&rules->then, then))
		return xp_fail(err, XP_E_USAGE, "--then %s: wait, poweroff or reboot", then);
	if (expect && strlen(expect) >= sizeof(rules->expect))
		return xp_fail(err, XP_E_USAGE, "--expect: the name is too long");
	if (expect && xp_text_is_url(expect))
		TRY(xp_https_url_parse(&url, expect, err));
	if (expect) {
		snprintf(rules->expect, sizeof(rules->expect), "%s", expect);
		rules->present = true; /* whoever names a list means it */
	}
	return xp_boot_end_check(rules->then, XP_BOOT_IMAGE_MARK, err);
}

enum xp_rc xp_boot_rules_read(struct xp_boot_config *config, const struct xp_args *args,
			      struct xp_err *err)
{
	const char *path = xp_args_string(args, "config");
	AUTO_MEM struct xp_boot_cmdline *words = calloc(1, sizeof(*words));

	if (!words)
		return xp_fail(err, XP_E_NOMEM, "unattended");
	TRY(read_words(words, args, err));
	if (!path && *words->config)
		path = words->config;
	if (path)
		TRY(xp_boot_config_read(config, path, err));
	TRY(xp_boot_config_override(config, words, err));
	TRY(override(config, args, err));
	if (words->has_unattended && !words->unattended)
		return xp_fail(err, XP_E_REFUSED,
			       "the kernel's command line says expunge.unattended=0");
	if (!config->unattended.present)
		return xp_fail(err, XP_E_REFUSED,
			       "nothing says that drives may be erased without a person: no "
			       "\"unattended\" in %s, no expunge.unattended=1, no --expect",
			       path ? path : "a configuration (--config)");
	if (!*config->unattended.expect)
		return xp_fail(err, XP_E_REFUSED,
			       "there is no expect list; without one nothing is erased without a "
			       "person (unattended.expect, expunge.expect= or --expect)");
	return XP_OK;
}
