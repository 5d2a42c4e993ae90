#include "cli/boot_stick.h"

#include <string.h>

#include "cli/job_keep.h"

#define LOOK_EVERY_MS 1000

bool xp_boot_boxes_hold(const struct xp_args *args, struct xp_err *err)
{
	struct xp_kept_state kept = {.state = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1}};

	if (!xp_args_string(args, "keep"))
		return true;
	if (xp_kept_state_open(&kept, args, true, err) != XP_OK)
		return false;
	xp_kept_state_close(&kept);
	return true;
}

/* Each reason once: another stick is refused for another one than an empty place. */
static void tell(struct xp_consoles *consoles, char told[sizeof((struct xp_err){0}.msg)],
		 const struct xp_err *why)
{
	if (strcmp(told, why->msg) == 0)
		return;
	memcpy(told, why->msg, sizeof(why->msg));
	xp_consoles_say(consoles, "the boxes do not hold everything: %s", why->msg);
}

bool xp_boot_stick_comes_back(struct xp_consoles *consoles, const struct xp_args *args)
{
	char told[sizeof((struct xp_err){0}.msg)] = "";
	struct xp_err why;
	bool is_told_to_end = false;

	if (xp_boot_boxes_hold(args, &why))
		return false;
	tell(consoles, told, &why);
	xp_consoles_listen(consoles);
	if (xp_consoles_have_keys(consoles)) {
		xp_consoles_say(consoles, "put the stick back: the run is then taken up again, and "
					  "what it left is gone on with; any key ends the waiting");
		while (!is_told_to_end && !xp_boot_boxes_hold(args, &why)) {
			tell(consoles, told, &why);
			xp_consoles_show(consoles, "waiting for the stick; any key ends that");
			is_told_to_end = xp_consoles_key(consoles, LOOK_EVERY_MS);
		}
		xp_consoles_show(consoles, "%s", "");
		if (!is_told_to_end) {
			xp_consoles_say(consoles, "the stick is back: the run is taken up again");
			return true;
		}
	}
	xp_consoles_say(consoles, "data may remain on drives whose jobs were interrupted: put the "
				  "stick back, and start expunge unattended again, or go on with "
				  "each of them by expunge resume");
	return false;
}
