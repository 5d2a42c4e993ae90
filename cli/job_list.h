/*
 * job_list: asks all drives of a list at once what they can do, each in a process of its own, for a
 * bounded time: one that hangs in the kernel holds up nobody, not even the end of the program.
 */
#pragma once
#include "cli/job.h"

#define XP_LIST_ASK_MS 10000

/* What is known of one drive beyond what sysfs tells. */
struct xp_list_answer {
	bool has_best;
	enum xp_technique technique;
	enum xp_level level;
	json_t *details; /* model, serial, ..., techniques, obstacles, luks; NULL: none */
};

/*
 * ANSWERS: one a drive of SETUP's inventory, zeroed; to be freed with xp_list_answers_free. A
 * captured tree's drives are not asked.
 */
MUST_USE enum xp_rc xp_list_ask(struct xp_list_answer *answers, const struct xp_job_setup *setup,
				struct xp_err *err);
void xp_list_answers_free(struct xp_list_answer *answers, size_t n);
