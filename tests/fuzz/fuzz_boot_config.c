/* fuzz_boot_config: any bytes as expunge.json and as a kernel's command line. What is accepted
 * keeps to the bounds that it promises. */
#include "cli/boot_config.h"
#include "cli/https_url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool is_safe(const char *url)
{
	struct xp_https_url u;
	struct xp_err err;

	return xp_https_url_parse(&u, url, &err) == XP_OK;
}

static void check(const struct xp_boot_config *c)
{
	if (c->unattended.settle_s > c->unattended.settle_max_s ||
	    c->unattended.settle_max_s > 86400 || c->unattended.countdown_s > 86400 ||
	    (unsigned)c->unattended.then > XP_BOOT_REBOOT)
		abort();
	if (*c->upload.url && (!is_safe(c->upload.url) || (!*c->upload.ca && !c->upload.system_ca)))
		abort();
	if (xp_text_is_url(c->unattended.expect) && !is_safe(c->unattended.expect))
		abort();
	if (c->keyboard[0] == '-' || strchr(c->keyboard, '/') || !*c->key != !*c->cert)
		abort();
	if (c->has_performer && (!c->performer.name[0] || !c->record_json))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct xp_boot_cmdline words;
	struct xp_boot_config c;
	struct xp_err err = {0};

	if (xp_boot_config_parse(&c, (const char *)data, len, "/s/expunge.json", &err) == XP_OK)
		check(&c);
	else if (!err.msg[0])
		abort();
	xp_boot_config_free(&c);
	if (xp_boot_cmdline_parse(&words, (const char *)data, len, &err) != XP_OK)
		return 0;
	xp_boot_config_init(&c);
	if (xp_boot_config_override(&c, &words, &err) == XP_OK)
		check(&c);
	xp_boot_config_free(&c);
	return 0;
}
