/* commands_expunge: the commands of `expunge`; each lives in cmd_<name>.c. */
#pragma once
#include "cli/commands.h"

extern const struct xp_command xp_command_list;
extern const struct xp_command xp_command_inspect;
extern const struct xp_command xp_command_plan;
extern const struct xp_command xp_command_run;
extern const struct xp_command xp_command_verify;
extern const struct xp_command xp_command_status;
extern const struct xp_command xp_command_resume;
extern const struct xp_command xp_command_wait;
extern const struct xp_command xp_command_unlock;
extern const struct xp_command xp_command_release;
extern const struct xp_command xp_command_export;
extern const struct xp_command xp_command_keep_make;
extern const struct xp_command xp_command_keep_repair;
extern const struct xp_command xp_command_keep_rescue;
extern const struct xp_command xp_command_unattended;
extern const struct xp_command xp_command_locate;
extern const struct xp_command xp_command_tui;
extern const struct xp_command xp_command_upload;
