/* expunge: the program that plans and carries out a sanitization. */
#include "cli/commands_expunge.h"

int main(int argc, char **argv)
{
	static const struct xp_command *const commands[] = {
		&xp_command_list,
		&xp_command_inspect,
		&xp_command_plan,
		&xp_command_run,
		&xp_command_verify,
		&xp_command_status,
		&xp_command_resume,
		&xp_command_wait,
		&xp_command_unlock,
		&xp_command_release,
		&xp_command_export,
		&xp_command_keep_make,
		&xp_command_keep_repair,
		&xp_command_keep_rescue,
		&xp_command_upload,
		&xp_command_unattended,
		&xp_command_locate,
		&xp_command_tui,
		NULL,
	};

	return xp_commands_main("expunge", "sanitize storage, with proof", commands, argc, argv);
}
