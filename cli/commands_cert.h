/* commands_cert: the commands of `expunge-cert`; each lives in cert_<name>.c. */
#pragma once
#include "cli/commands.h"

extern const struct xp_command xp_cert_command_verify;
extern const struct xp_command xp_cert_command_show;
extern const struct xp_command xp_cert_command_validate;
extern const struct xp_command xp_cert_command_endorse;
extern const struct xp_command xp_cert_command_keys_setup;
extern const struct xp_command xp_cert_command_keys_ca;
extern const struct xp_command xp_cert_command_keys_person;
extern const struct xp_command xp_cert_command_keys_request;
extern const struct xp_command xp_cert_command_keys_revoke;
extern const struct xp_command xp_cert_command_keys_replace;
extern const struct xp_command xp_cert_command_log_verify;
extern const struct xp_command xp_cert_command_log_prove;
extern const struct xp_command xp_cert_command_log_checkpoint;
extern const struct xp_command xp_cert_command_timestamp_request;
extern const struct xp_command xp_cert_command_timestamp_embed;
extern const struct xp_command xp_cert_command_timestamp_fetch;
