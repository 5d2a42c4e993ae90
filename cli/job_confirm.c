#include "cli/job_confirm.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/output.h"

enum xp_rc xp_confirms_add(struct xp_confirms *c, const char *text, struct xp_err *err)
{
	char *copy = strdup(text);
	char **p = copy ? reallocarray(c->list, c->n + 2, sizeof(*p)) : NULL;

	if (!p) {
		free(copy);
		return xp_fail(err, XP_E_NOMEM, "confirmation");
	}
	p[c->n++] = copy;
	p[c->n] = NULL;
	c->list = p;
	return XP_OK;
}

const char *const *xp_confirms_list(const struct xp_confirms *c)
{
	static const char *const none[] = {NULL};

	return c->n ? (const char *const *)c->list : none;
}

void xp_confirms_free(struct xp_confirms *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->list[i]);
	free(c->list);
	*c = (struct xp_confirms){0};
}

bool xp_confirms_have(const struct xp_confirms *c, const char *text)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->list[i], text) == 0)
			return true;
	return false;
}

static enum xp_rc ask_one(struct xp_confirms *c, const struct xp_job *job, struct xp_err *err)
{
	AUTO_MEM char *typed = NULL;
	size_t cap = 0;
	ssize_t len;

	fputs("Everything on ", stderr);
	xp_print_escaped(stderr, job->target.path);
	fputs(" will be destroyed. To confirm, type ", stderr);
	xp_print_escaped(stderr, job->target.confirm);
	fputs("\n> ", stderr);
	len = getline(&typed, &cap, stdin);
	while (len > 0 && (typed[len - 1] == '\n' || typed[len - 1] == '\r'))
		typed[--len] = 0;
	/* anything else confirms nothing, not even another target: the interlock will refuse */
	if (len <= 0 || strcmp(typed, job->target.confirm) != 0) {
		xp_say("that is not %s: %s will not be touched", job->target.confirm,
		       job->target.path);
		return XP_OK;
	}
	return xp_confirms_add(c, typed, err);
}

enum xp_rc xp_confirms_ask(struct xp_confirms *c, const struct xp_batch *batch, struct xp_err *err)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return XP_OK;
	for (unsigned i = 0; i < batch->n; i++) {
		const struct xp_job *job = &batch->jobs[i];

		if (job->state == XP_JOB_PLANNED && !xp_confirms_have(c, job->target.confirm))
			TRY(ask_one(c, job, err));
	}
	return XP_OK;
}
