/* expunge_cert: the program of the auditor: no root, no drive, no hardware library. */
#include "cli/commands_cert.h"

int main(int argc, char **argv)
{
	static const struct xp_command *const commands[] = {
		&xp_cert_command_show,
		&xp_cert_command_verify,
		&xp_cert_command_validate,
		&xp_cert_command_endorse,
		&xp_cert_command_keys_setup,
		&xp_cert_command_keys_ca,
		&xp_cert_command_keys_person,
		&xp_cert_command_keys_revoke,
		&xp_cert_command_keys_request,
		&xp_cert_command_keys_replace,
		&xp_cert_command_log_verify,
		&xp_cert_command_log_prove,
		&xp_cert_command_log_checkpoint,
		&xp_cert_command_timestamp_request,
		&xp_cert_command_timestamp_embed,
		&xp_cert_command_timestamp_fetch,
		NULL,
	};

	return xp_commands_main("expunge-cert", "check sanitization certificates", commands, argc,
				argv);
}
